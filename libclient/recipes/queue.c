#include "recipes/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Items in the order of their priorities, and of putting within one. Names are of bindings/SPEC.md.
 */

static const char prefix[] = "item-";

enum { LOOK_AT = 100 /* items at a time: others may take the first ones meanwhile */ };

enum coord_code coord_queue_put(struct coord_client *client, const char *path, uint16_t priority,
                                const void *data, size_t data_bytes, struct coord_error *reterr)
{
    char name[sizeof(prefix) + sizeof("65535-")];
    if (path == NULL) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    (void)snprintf(name, sizeof(name), "%s%05" PRIu16 "-", prefix, priority);
    char *item = recipe_join(path, name);
    if (item == NULL) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code = coord_create(client, item, data, data_bytes,
                                        COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS |
                                            COORD_CREATE_CONTAINER_PARENTS,
                                        NULL, NULL, reterr);
    client_free(item);
    return code;
}

/* Reads and deletes in one step, so that each item goes to one taker. COORD_NO_NODE: another one
 * was faster. */
static enum coord_code take(struct coord_client *client, const char *path, const char *name,
                            struct coord_result **ret_result, struct coord_error *error)
{
    struct coord_txn *txn = coord_txn_create();
    char *item = recipe_join(path, name);
    enum coord_code code = COORD_NO_MEMORY;
    if (txn != NULL && item != NULL) {
        coord_txn_add_get(txn, COORD_THEN, item);
        coord_txn_add_delete(txn, COORD_THEN, item, COORD_ANY_VERSION, 0);
        code = coord_txn_run(client, txn, NULL, ret_result, error);
    } else {
        (void)client_error_no_memory(error);
    }
    client_free(item);
    coord_txn_free(txn);
    return code;
}

/* COORD_NO_NODE: nothing is there. */
static enum coord_code take_first(struct coord_client *client, const char *path,
                                  struct coord_result **ret_result, struct coord_error *error)
{
    for (;;) {
        struct coord_result *page = NULL;
        bool any = false;
        enum coord_code code =
            coord_children(client, path, 0, LOOK_AT, NULL, NULL, &page, error); /* in order */
        if (code != COORD_OK) {
            return code;
        }
        code = COORD_NO_NODE;
        for (size_t i = 0; i < coord_result_children_count(page) && code == COORD_NO_NODE; i++) {
            const char *name = coord_result_child_name(page, i);
            if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
                any = true;
                code = take(client, path, name, ret_result, error);
            }
        }
        coord_result_free(page);
        if (code != COORD_NO_NODE || !any) {
            return code;
        }
    }
}

static enum coord_code wait_taken(struct coord_client *client, const char *path, uint32_t wait_ms,
                                  struct coord_result **ret_result, struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    struct recipe_follower follower = {.client = client,
                                       .path = path,
                                       .scope = COORD_WATCH_CHILDREN,
                                       .kinds = 1u << COORD_EVENT_CREATED};
    enum coord_code code = take_first(client, path, ret_result, reterr);
    if (code != COORD_NO_NODE || wait_ms == 0) {
        return code != COORD_NO_NODE ? code
                                     : client_error_set(reterr, COORD_TIMEOUT, "it is empty");
    }
    code = recipe_follow(&follower, reterr);
    bool taken = false;
    while (code == COORD_OK && !taken) {
        struct coord_watch_item *item = NULL;
        code = recipe_follow_next(&follower, until_ms, &item, reterr);
        coord_watch_item_free(item);
        if (code == COORD_OK) {
            code = take_first(client, path, ret_result, reterr);
            taken = code == COORD_OK;
            code = code == COORD_NO_NODE ? COORD_OK : code;
        }
    }
    recipe_unfollow(&follower);
    return code;
}

enum coord_code coord_queue_take(struct coord_client *client, const char *path, uint32_t wait_ms,
                                 struct coord_result **ret_result, struct coord_error *reterr)
{
    client_enter(client);
    enum coord_code code = wait_taken(client, path, wait_ms, ret_result, reterr);
    client_leave(client);
    return code;
}
