#include "recipes/internal.h"

#include <string.h>

/*
 * All begin together and end together. A member is there from its entering to its leaving; `ready`
 * is there from the moment at which enough of them were, until the last one has left. Names are of
 * bindings/SPEC.md.
 */

static const char member_prefix[] = "party-";
static const char ready_name[] = "ready";

enum { CLIENTS_MAX = 10000 };

struct coord_double_barrier {
    struct coord_client *client;
    char *path, *ready;        /* owned: the directory, and the node in it */
    struct recipe_grant place; /* owned: the member; without a watch */
};

static void release(struct coord_double_barrier *barrier)
{
    client_free(barrier->place.path);
    client_free(barrier->ready);
    client_free(barrier->path);
    client_free(barrier);
}

/* The cluster's word is waited for as long as a call takes in any case. */
static uint64_t word_until_ms(const struct coord_client *client, uint64_t until_ms)
{
    uint64_t first_ms = client_driver_now_ms() + client->options->timeout_ms;
    return until_ms > first_ms ? until_ms : first_ms;
}

/* For a call that has time until then. NULL: no memory. */
static struct coord_call_options *call_until(const struct coord_double_barrier *barrier,
                                             uint64_t until_ms)
{
    struct coord_call_options *call = coord_call_options_create();
    if (call != NULL) {
        coord_call_options_set_timeout_ms(call,
                                          recipe_rest_ms(word_until_ms(barrier->client, until_ms)));
    }
    return call;
}

/* COORD_OK too where a compare does not hold. */
static enum coord_code run(struct coord_double_barrier *barrier, const struct coord_txn *txn,
                           uint64_t until_ms, struct coord_error *error)
{
    struct coord_call_options *call = call_until(barrier, until_ms);
    enum coord_code code = call != NULL ? coord_txn_run(barrier->client, txn, call, NULL, error)
                                        : client_error_no_memory(error);
    coord_call_options_free(call);
    return code == COORD_COMPARE_FAILED ? COORD_OK : code;
}

/* That `ready` stands alone: members that have died, or left, have left it. */
static void compare_alone(struct coord_txn *txn, const struct coord_double_barrier *barrier)
{
    coord_txn_compare(txn, barrier->ready, COORD_IF_EXISTS, COORD_EQUAL, 1);
    coord_txn_compare(txn, barrier->path, COORD_IF_NUM_CHILDREN, COORD_EQUAL, 1);
}

/* ---- Entering ---- */

static enum coord_code make_member(struct coord_double_barrier *barrier, uint64_t until_ms,
                                   struct coord_error *error)
{
    const uint32_t flags = COORD_CREATE_EPHEMERAL | COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS |
                           COORD_CREATE_CONTAINER_PARENTS;
    char *member = recipe_join(barrier->path, member_prefix);
    struct coord_txn *txn = coord_txn_create();
    enum coord_code code = COORD_NO_MEMORY;
    if (member != NULL && txn != NULL) {
        compare_alone(txn, barrier);
        coord_txn_add_delete(txn, COORD_THEN, barrier->ready, COORD_ANY_VERSION, 0);
        coord_txn_add_create(txn, COORD_THEN, member, NULL, 0, flags);
        coord_txn_add_create(txn, COORD_ELSE, member, NULL, 0, flags);
        code = recipe_make(barrier->client, txn, word_until_ms(barrier->client, until_ms),
                           &barrier->place, error);
    } else {
        (void)client_error_no_memory(error);
    }
    coord_txn_free(txn);
    client_free(member);
    return code;
}

/*
 * Raises `ready` if enough are there, all at that moment; who comes last finds that, so that each
 * tries once. Not for a member that is gone: its round may be over.
 */
static enum coord_code try_ready(struct coord_double_barrier *barrier, uint32_t count,
                                 uint64_t until_ms, struct coord_error *error)
{
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return client_error_no_memory(error);
    }
    coord_txn_compare(txn, barrier->ready, COORD_IF_EXISTS, COORD_EQUAL, 0);
    coord_txn_compare(txn, barrier->place.path, COORD_IF_CZXID, COORD_EQUAL, barrier->place.fence);
    coord_txn_compare(txn, barrier->path, COORD_IF_NUM_CHILDREN, COORD_GREATER, count - 1);
    coord_txn_add_create(txn, COORD_THEN, barrier->ready, NULL, 0, 0);
    enum coord_code code = run(barrier, txn, until_ms, error);
    coord_txn_free(txn);
    return code;
}

/* `ready` stands: whether this member does. */
static enum coord_code check_place(struct coord_double_barrier *barrier, struct coord_error *error)
{
    struct coord_result *result = NULL;
    enum coord_code code = coord_exists(barrier->client, barrier->place.path, NULL, &result, error);
    if (code == COORD_OK && !(coord_result_exists(result) &&
                              coord_result_stat(result)->czxid == barrier->place.fence)) {
        code =
            client_error_set(error, COORD_NO_NODE, "somebody has deleted %s", barrier->place.path);
    }
    if (!coord_session_holds(barrier->client, barrier->place.session)) {
        code = client_error_set(error, COORD_SESSION_EXPIRED, "the session was lost meanwhile");
    }
    coord_result_free(result);
    return code;
}

/* Items until one says that `ready` stands, or stood since the member was made; else it is to be
 * watched again. */
static enum coord_code take_items(struct coord_watch *watch, uint64_t until_ms, bool *ret_ready,
                                  struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    bool missed = false;
    while (code == COORD_OK && !*ret_ready && !missed) {
        struct coord_watch_item *item = NULL;
        if (coord_watch_next(watch, recipe_rest_ms(until_ms), &item, NULL) == COORD_OK) {
            *ret_ready = item->kind == COORD_WATCH_EVENTS ||
                         (item->kind == COORD_WATCH_SET && coord_result_exists(item->result));
            missed = item->kind == COORD_WATCH_RESYNC;
            code = item->kind == COORD_WATCH_ENDED
                       ? client_error_set(error, item->code, "%s", item->message)
                       : COORD_OK;
            coord_watch_item_free(item);
        } else if (client_driver_now_ms() >= until_ms) {
            code = client_error_set(error, COORD_TIMEOUT, "not enough have come in time");
        }
    }
    return code;
}

/* A watch that was set in the session ends with it, and so does the wait. */
static enum coord_code wait_ready(struct coord_double_barrier *barrier, uint64_t until_ms,
                                  struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    bool ready = false;
    while (code == COORD_OK && !ready) {
        struct coord_watch *watch = NULL;
        struct coord_call_options *call = call_until(barrier, until_ms);
        code = call != NULL ? coord_watch_tree(barrier->client, barrier->ready, COORD_WATCH_NODE,
                                               1u << COORD_EVENT_CREATED, COORD_WATCH_READ_NODE, 0,
                                               call, &watch, error)
                            : client_error_no_memory(error);
        if (code == COORD_OK && !coord_session_holds(barrier->client, barrier->place.session)) {
            code = client_error_set(error, COORD_SESSION_EXPIRED, "the session was lost meanwhile");
        }
        code = code == COORD_OK ? take_items(watch, until_ms, &ready, error) : code;
        coord_watch_close(watch);
        coord_call_options_free(call);
    }
    return code;
}

static enum coord_code enter(struct coord_double_barrier *barrier, uint32_t count,
                             uint64_t until_ms, struct coord_error *error)
{
    enum coord_code code = make_member(barrier, until_ms, error);
    if (code != COORD_OK) {
        return code;
    }
    code = try_ready(barrier, count, until_ms, error);
    code = code == COORD_OK ? wait_ready(barrier, until_ms, error) : code;
    code = code == COORD_OK ? check_place(barrier, error) : code;
    if (code != COORD_OK && coord_session_holds(barrier->client, barrier->place.session)) {
        (void)recipe_give_back(barrier->client, barrier->place.path, barrier->place.fence, 0, NULL,
                               NULL);
    }
    return code;
}

/* NULL: no memory. */
static struct coord_double_barrier *make(struct coord_client *client, const char *path)
{
    struct coord_double_barrier *barrier = client_calloc(1, sizeof(*barrier));
    if (barrier == NULL) {
        return NULL;
    }
    barrier->client = client;
    barrier->path = client_strdup(path);
    barrier->ready = recipe_join(path, ready_name);
    if (barrier->path == NULL || barrier->ready == NULL) {
        release(barrier);
        return NULL;
    }
    return barrier;
}

static enum coord_code check(const struct coord_client *client, const char *path, uint32_t count,
                             struct coord_error *error)
{
    if (path == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    if (count == 0 || count > CLIENTS_MAX) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "count: %u is none of 1 to %d",
                                (unsigned)count, CLIENTS_MAX);
    }
    return recipe_needs_session(client, error);
}

enum coord_code coord_double_barrier_enter(struct coord_client *client, const char *path,
                                           uint32_t count, uint32_t wait_ms,
                                           struct coord_double_barrier **ret_barrier,
                                           struct coord_error *reterr)
{
    enum coord_code code = check(client, path, count, reterr);
    if (code != COORD_OK) {
        return code;
    }
    struct coord_double_barrier *barrier = make(client, path);
    if (barrier == NULL) {
        return client_error_no_memory(reterr);
    }
    client_enter(client);
    code = enter(barrier, count, recipe_until_ms(wait_ms), reterr);
    client_leave(client);
    if (code == COORD_OK) {
        *ret_barrier = barrier;
    } else {
        release(barrier);
    }
    return code;
}

/* ---- Leaving ---- */

/* Draws one of those who are in, another one for each who leaves, so that an end wakes few. */
static uint64_t lot(const struct coord_double_barrier *barrier, uint64_t czxid)
{
    return (barrier->place.fence ^ czxid) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Of a page: the names of members; takes over the lot that is drawn. */
static void look_at(const struct coord_double_barrier *barrier, const struct coord_result *page,
                    uint64_t zxid, uint64_t *drawn, const char **ret_name, bool *ret_any)
{
    for (size_t i = 0; i < coord_result_children_count(page); i++) {
        const char *name = coord_result_child_name(page, i);
        const struct coord_node_stat *stat = coord_result_child_stat(page, i);
        if (strncmp(name, member_prefix, sizeof(member_prefix) - 1) == 0 && stat != NULL) {
            *ret_any = true;
            if (stat->czxid < zxid && (*ret_name == NULL || lot(barrier, stat->czxid) < *drawn)) {
                *drawn = lot(barrier, stat->czxid);
                *ret_name = name;
            }
        }
    }
}

/*
 * ret_other: the path of one who entered before `zxid` and is in, the caller's; NULL: there is
 * none. ret_any: whether anybody is in at all.
 */
static enum coord_code look_in(struct coord_double_barrier *barrier, uint64_t zxid,
                               char **ret_other, bool *ret_any, struct coord_error *error)
{
    struct coord_result *page = NULL;
    bool more = true;
    uint64_t drawn = 0;
    enum coord_code code = COORD_OK;
    *ret_other = NULL;
    *ret_any = false;
    while (code == COORD_OK && more && *ret_other == NULL) { /* one page's lot will do */
        struct coord_result *next = NULL;
        const char *name = NULL;
        code = coord_children(barrier->client, barrier->path, COORD_CHILDREN_WITH_STAT, 0, page,
                              NULL, &next, error);
        coord_result_free(page);
        page = next;
        if (code == COORD_CURSOR_EXPIRED) { /* from the beginning */
            code = COORD_OK;
        } else if (code == COORD_OK) {
            look_at(barrier, page, zxid, &drawn, &name, ret_any);
            more = coord_result_more(page);
            *ret_other = name != NULL ? recipe_join(barrier->path, name) : NULL;
            code = name != NULL && *ret_other == NULL ? client_error_no_memory(error) : COORD_OK;
        }
    }
    coord_result_free(page);
    return code == COORD_NO_NODE ? COORD_OK : code;
}

/* Until all have left who had entered before `zxid`; they may be waited for one by one. */
static enum coord_code wait_left(struct coord_double_barrier *barrier, uint64_t zxid,
                                 uint64_t until_ms, bool *ret_any, struct coord_error *error)
{
    struct recipe_follower follower = {
        .client = barrier->client, .scope = COORD_WATCH_NODE, .kinds = 1u << COORD_EVENT_DELETED};
    char *followed = NULL;
    char *other = NULL;
    enum coord_code code = look_in(barrier, zxid, &other, ret_any, error);
    while (code == COORD_OK && other != NULL) {
        struct coord_watch_item *item = NULL;
        if (followed == NULL || strcmp(followed, other) != 0) {
            recipe_unfollow(&follower);
            follower.path = other;
            code = recipe_follow(&follower, error);
            char *before = followed;
            followed = other;
            other = before;
        }
        client_free(other);
        other = NULL;
        code = code == COORD_OK ? recipe_follow_next(&follower, until_ms, &item, error) : code;
        coord_watch_item_free(item);
        code = code == COORD_OK ? look_in(barrier, zxid, &other, ret_any, error) : code;
    }
    recipe_unfollow(&follower);
    client_free(followed);
    return code == COORD_TIMEOUT
               ? client_error_set(error, COORD_TIMEOUT, "others are still in; this one has left")
               : code;
}

static enum coord_code remove_ready(struct coord_double_barrier *barrier, uint64_t until_ms,
                                    struct coord_error *error)
{
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return client_error_no_memory(error);
    }
    compare_alone(txn, barrier);
    coord_txn_add_delete(txn, COORD_THEN, barrier->ready, COORD_ANY_VERSION, 0);
    enum coord_code code = run(barrier, txn, until_ms, error);
    coord_txn_free(txn);
    return code;
}

/* Nothing is done for a session that was lost, which opens no other one. */
static enum coord_code leave(struct coord_double_barrier *barrier, uint64_t until_ms,
                             struct coord_error *error)
{
    struct coord_client *client = barrier->client;
    const struct recipe_grant *place = &barrier->place;
    uint64_t left_zxid = place->fence;
    bool any = true;
    if (!coord_session_holds(client, place->session)) {
        return COORD_OK;
    }
    enum coord_code code = recipe_give_back(client, place->path, place->fence,
                                            word_until_ms(client, until_ms), &left_zxid, error);
    if (code == COORD_OK && coord_session_holds(client, place->session)) {
        code = wait_left(barrier, left_zxid, until_ms, &any, error);
    }
    if (code == COORD_OK && !any && coord_session_holds(client, place->session)) {
        code = remove_ready(barrier, until_ms, error);
    }
    return code;
}

enum coord_code coord_double_barrier_leave(struct coord_double_barrier *barrier, uint32_t wait_ms,
                                           struct coord_error *reterr)
{
    if (barrier == NULL) {
        return COORD_OK;
    }
    struct coord_client *client = barrier->client;
    client_enter(client);
    enum coord_code code = leave(barrier, recipe_until_ms(wait_ms), reterr);
    release(barrier);
    client_leave(client);
    return code;
}
