#include "recipes/internal.h"

#include <string.h>

/* Following an office. Whoever joins later stands behind the leader, so that is nothing to look at.
 */

static const char member[] = "candidate-";

struct coord_observer {
    struct recipe_follower follower; /* of its children */
    char *path;                      /* owned */
    struct coord_result *page;       /* owned: what the leader's data live in; or NULL */
    char *leader_path;               /* owned; NULL: nobody */
    struct coord_leader leader;      /* as it was told last */
    bool told, stale;
};

enum coord_code coord_observer_create(struct coord_client *client, const char *path,
                                      struct coord_observer **ret_observer,
                                      struct coord_error *reterr)
{
    struct coord_observer *observer = client_calloc(1, sizeof(*observer));
    char *copy = path != NULL ? client_strdup(path) : NULL;
    if (observer == NULL || (path != NULL && copy == NULL)) {
        client_free(observer);
        client_free(copy);
        return client_error_no_memory(reterr);
    }
    observer->path = copy;
    observer->follower =
        (struct recipe_follower){.client = client,
                                 .path = copy,
                                 .scope = COORD_WATCH_CHILDREN,
                                 .kinds = 1u << COORD_EVENT_CREATED | 1u << COORD_EVENT_DELETED};
    enum coord_code code = recipe_follow(&observer->follower, reterr); /* refuses a path of NULL */
    if (code != COORD_OK) {
        coord_observer_free(observer);
        return code;
    }
    *ret_observer = observer;
    return COORD_OK;
}

void coord_observer_free(struct coord_observer *observer)
{
    if (observer != NULL) {
        recipe_unfollow(&observer->follower);
        coord_result_free(observer->page);
        client_free(observer->leader_path);
        client_free(observer->path);
        client_free(observer);
    }
}

/* ---- Reading ---- */

static bool is_candidate(const char *name)
{
    size_t bytes = sizeof(member) - 1;
    size_t digits = strncmp(name, member, bytes) == 0 ? strspn(name + bytes, "0123456789") : 0;
    return digits >= 10 && name[bytes + digits] == '\0';
}

struct found {
    struct coord_result *page; /* owned */
    size_t index;
    uint64_t czxid; /* 0: nobody */
};

/* The oldest candidate; all pages are of one state. */
static enum coord_code find(struct coord_observer *observer, struct found *found,
                            struct coord_error *error)
{
    struct coord_call_options *call = coord_call_options_create();
    struct coord_result *page = NULL;
    enum coord_code code = call != NULL ? COORD_OK : client_error_no_memory(error);
    bool more = code == COORD_OK;
    if (call != NULL) {
        coord_call_options_set_level(call, COORD_SESSION); /* as new as what the watch has told */
    }
    while (more) {
        struct coord_result *next = NULL;
        code = coord_children(observer->follower.client, observer->path,
                              COORD_CHILDREN_WITH_STAT | COORD_CHILDREN_WITH_DATA, 0, page, call,
                              &next, error);
        if (page != found->page) {
            coord_result_free(page);
        }
        page = next;
        more = code == COORD_OK && coord_result_more(page);
        for (size_t i = 0; code == COORD_OK && i < coord_result_children_count(page); i++) {
            const struct coord_node_stat *stat = coord_result_child_stat(page, i);
            if (stat != NULL && is_candidate(coord_result_child_name(page, i)) &&
                (found->czxid == 0 || stat->czxid < found->czxid)) {
                if (found->page != page) {
                    coord_result_free(found->page);
                }
                *found = (struct found){.page = page, .index = i, .czxid = stat->czxid};
            }
        }
    }
    if (page != found->page) {
        coord_result_free(page);
    }
    coord_call_options_free(call);
    return code == COORD_NO_NODE ? COORD_OK : code;
}

/* `*ret_new`: another leader than was told last. */
static enum coord_code look(struct coord_observer *observer, bool *ret_new,
                            struct coord_error *error)
{
    struct found found = {.page = NULL};
    enum coord_code code = COORD_CURSOR_EXPIRED;
    while (code == COORD_CURSOR_EXPIRED) { /* the list changed too much since its first page */
        coord_result_free(found.page);
        found = (struct found){.page = NULL};
        code = find(observer, &found, error);
    }
    char *path = NULL;
    if (code == COORD_OK && found.czxid != 0) {
        path = recipe_join(observer->path, coord_result_child_name(found.page, found.index));
        code = path != NULL ? COORD_OK : client_error_no_memory(error);
    }
    if (code != COORD_OK) {
        coord_result_free(found.page);
        return code;
    }
    *ret_new = !observer->told || found.czxid != observer->leader.fence;
    coord_result_free(observer->page);
    client_free(observer->leader_path);
    observer->page = found.page;
    observer->leader_path = path;
    observer->leader = (struct coord_leader){.fence = found.czxid, .path = path};
    if (path != NULL) {
        observer->leader.data =
            coord_result_child_data(found.page, found.index, &observer->leader.data_bytes);
    }
    observer->stale = false;
    observer->told = true;
    return COORD_OK;
}

/* ---- Following ---- */

static bool concerns(const struct coord_observer *observer, const struct coord_event *event)
{
    bool nobody = observer->leader_path == NULL;
    return nobody || (event->kind == COORD_EVENT_DELETED &&
                      (strcmp(event->path, observer->leader_path) == 0 ||
                       strcmp(event->path, observer->path) == 0));
}

/* Takes the item; NULL: anything may have changed. */
static void note(struct coord_observer *observer, struct coord_watch_item *item)
{
    observer->stale = observer->stale || item == NULL;
    for (size_t i = 0; item != NULL && i < item->events_count; i++) {
        observer->stale = observer->stale || concerns(observer, item->events[i]);
    }
    coord_watch_item_free(item);
}

enum coord_code coord_observer_next(struct coord_observer *observer, uint32_t wait_ms,
                                    struct coord_leader *ret_leader, struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    bool is_new = false;
    enum coord_code code = COORD_OK;
    while (code == COORD_OK && !is_new) {
        struct coord_watch_item *item = NULL;
        /* All that was told is taken in before one reading. */
        code =
            recipe_follow_next(&observer->follower, observer->stale ? 0 : until_ms, &item, reterr);
        if (code == COORD_OK) {
            note(observer, item);
        } else if (code == COORD_TIMEOUT && observer->stale) {
            code = look(observer, &is_new, reterr);
        }
    }
    if (code == COORD_OK) {
        *ret_leader = observer->leader;
    }
    return code;
}
