#include "recipes/internal.h"

#include <string.h>

/* Following an office. Whoever joins later stands behind the leader, so that is nothing to look at.
 */

static const char member[] = "candidate-";

struct coord_observer {
    struct coord_client *client;
    char *path;                 /* owned */
    struct coord_watch *watch;  /* of its children; NULL: to be set again */
    struct coord_result *page;  /* owned: what the leader's texts live in; or NULL */
    char *leader_path;          /* owned; NULL: nobody */
    struct coord_leader leader; /* as it was told last */
    bool told, stale;
};

static enum coord_code watch(struct coord_observer *observer, struct coord_error *error)
{
    observer->stale = true;
    return coord_watch_tree(observer->client, observer->path, COORD_WATCH_CHILDREN,
                            1u << COORD_EVENT_CREATED | 1u << COORD_EVENT_DELETED, 0, 0, NULL,
                            &observer->watch, error);
}

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
    observer->client = client;
    observer->path = copy;
    enum coord_code code = watch(observer, reterr); /* which refuses a path of NULL */
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
        coord_watch_close(observer->watch);
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
        code = coord_children(observer->client, observer->path,
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

/* COORD_OK, or why the watch cannot go on. */
static enum coord_code note(struct coord_observer *observer, const struct coord_watch_item *item,
                            struct coord_error *error)
{
    for (size_t i = 0; i < item->events_count; i++) {
        observer->stale = observer->stale || concerns(observer, item->events[i]);
    }
    observer->stale = observer->stale || item->kind == COORD_WATCH_RESYNC;
    if (item->kind != COORD_WATCH_ENDED) {
        return COORD_OK;
    }
    coord_watch_close(observer->watch);
    observer->watch = NULL;
    /* It ended with a session that the client has for other reasons; the office is still there. */
    return item->code == COORD_SESSION_EXPIRED || item->code == COORD_CLOSED
               ? COORD_OK
               : client_error_set(error, item->code, "%s", item->message);
}

enum coord_code coord_observer_next(struct coord_observer *observer, uint32_t wait_ms,
                                    struct coord_leader *ret_leader, struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    bool is_new = false;
    enum coord_code code = COORD_OK;
    while (code == COORD_OK && !is_new) {
        struct coord_watch_item *item = NULL;
        if (observer->watch == NULL) {
            code = watch(observer, reterr);
        } else if (coord_watch_next(observer->watch, observer->stale ? 0 : recipe_rest_ms(until_ms),
                                    &item, NULL) == COORD_OK) {
            code = note(observer, item, reterr);
            coord_watch_item_free(item);
        } else if (observer->stale) {
            code = look(observer, &is_new, reterr);
        } else if (client_driver_now_ms() >= until_ms) {
            code = client_error_set(reterr, COORD_TIMEOUT, "the leader is the same");
        }
    }
    if (code == COORD_OK) {
        *ret_leader = observer->leader;
    }
    return code;
}
