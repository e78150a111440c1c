#include "recipes/internal.h"

/* A node that holds everybody up as long as it is there. */

enum coord_code coord_barrier_raise(struct coord_client *client, const char *path,
                                    struct coord_error *reterr)
{
    return coord_create(client, path, NULL, 0, COORD_CREATE_IF_ABSENT | COORD_CREATE_PARENTS, NULL,
                        NULL, reterr);
}

enum coord_code coord_barrier_lower(struct coord_client *client, const char *path,
                                    struct coord_error *reterr)
{
    return coord_delete(client, path, COORD_ANY_VERSION, COORD_DELETE_IF_PRESENT, NULL, NULL,
                        reterr);
}

/* Linearizable: one that was raised before the call holds it up. */
static enum coord_code look(struct coord_client *client, const char *path, bool *ret_stands,
                            struct coord_error *error)
{
    struct coord_result *result = NULL;
    enum coord_code code = coord_exists(client, path, NULL, &result, error);
    *ret_stands = code == COORD_OK && coord_result_exists(result);
    coord_result_free(result);
    return code;
}

static enum coord_code wait_lowered(struct coord_client *client, const char *path,
                                    uint64_t until_ms, struct coord_error *reterr)
{
    struct recipe_follower follower = {.client = client,
                                       .path = path,
                                       .scope = COORD_WATCH_NODE,
                                       .kinds = 1u << COORD_EVENT_DELETED};
    bool stands = false;
    enum coord_code code = look(client, path, &stands, reterr);
    if (code != COORD_OK || !stands) {
        return code;
    }
    code = recipe_follow(&follower, reterr);
    while (code == COORD_OK && stands) {
        struct coord_watch_item *item = NULL;
        code = recipe_follow_next(&follower, until_ms, &item, reterr);
        if (code == COORD_OK && item == NULL) {
            code = look(client, path, &stands, reterr);
        } else {
            stands = item == NULL; /* it was lowered, and perhaps raised again since */
        }
        coord_watch_item_free(item);
    }
    recipe_unfollow(&follower);
    return code;
}

enum coord_code coord_barrier_wait(struct coord_client *client, const char *path, uint32_t wait_ms,
                                   struct coord_error *reterr)
{
    client_enter(client);
    enum coord_code code = wait_lowered(client, path, recipe_until_ms(wait_ms), reterr);
    client_leave(client);
    return code;
}
