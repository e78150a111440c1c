#include "session_internal.h"

#include "result.h"

/*
 * What waits for users who have not taken it: it is counted, and a watch whose user is too slow is
 * dropped to LAGGED (S14).
 *
 *   SET -> LAGGED -> DRAINED -> UNSENT
 *   (over)   (all taken)   (room for all)
 */

/* ---- Items ---- */

void client_watch_item_free(struct client_watch_item *item)
{
    if (item != NULL) {
        coord_result_free(item->result);
        client_arena_release(&item->arena);
        client_free(item);
    }
}

struct client_watch_item *backlog_item(struct client_watch *watch, enum coord_watch_item_kind kind)
{
    struct client_watch_item *item = client_calloc(1, sizeof(*item));
    if (item != NULL) {
        client_arena_init(&item->arena, SIZE_MAX);
        item->watch = watch;
        item->item.kind = kind;
        item->item.message = "";
        item->item.path = "";
    }
    return item;
}

/* ---- Bytes ---- */

void backlog_count(struct client_session *session, struct client_watch_item *item)
{
    size_t result = item->result != NULL ? sizeof(*item->result) + item->result->arena.taken : 0;
    size_t more = sizeof(*item) + item->arena.taken + result - item->bytes;
    item->bytes += more;
    item->watch->waiting_bytes += more;
    session->events_bytes += more;
}

bool backlog_fits(const struct client_session *session, const struct client_watch *watch,
                  size_t bytes)
{
    size_t own = watch->pending != NULL ? watch->pending->bytes : 0;
    size_t before = watch->waiting_bytes - own; /* of this watch, without what is coming now */
    if (session->events_bytes - own >= session->events_bytes_max) {
        return before + own + bytes <= CLIENT_WATCH_BYTES_MIN;
    }
    return before == 0 || before + own + bytes <= session->watch_bytes_max;
}

/* Where there is room again the drained ones are set again, under new ids. */
static void set_drained(struct client_session *session)
{
    struct client_watch *watch = session->watches[WATCH_DRAINED].first;
    while (watch != NULL && session->events_bytes < session->events_bytes_max) {
        watch_rename(session, watch);
        watch_move(session, watch, WATCH_UNSENT);
        watch = session->watches[WATCH_DRAINED].first;
    }
}

static void release_bytes(struct client_session *session, struct client_watch *watch, size_t bytes)
{
    CD_ASSERT(bytes <= watch->waiting_bytes && bytes <= session->events_bytes);
    watch->waiting_bytes -= bytes;
    session->events_bytes -= bytes;
    if (watch->state == WATCH_LAGGED && watch->waiting_bytes == 0) {
        watch_move(session, watch, WATCH_DRAINED);
    }
    set_drained(session);
}

void client_session_took(struct client_session *session, struct client_watch *watch, size_t bytes)
{
    release_bytes(session, watch, bytes);
}

/* ---- Telling ---- */

static void append(struct client_session *session, struct client_watch_item *item)
{
    item->next = NULL;
    *session->items_end = item;
    session->items_end = &item->next;
}

/* S13: SET or ENDED comes first, in whatever order the replica says it. */
void backlog_tell(struct client_session *session, struct client_watch_item *item)
{
    struct client_watch *watch = item->watch;
    backlog_count(session, item);
    if (watch->told_set || item->item.kind == COORD_WATCH_ENDED) {
        append(session, item);
        return;
    }
    if (watch->early == NULL) {
        watch->early_end = &watch->early;
    }
    item->next = NULL;
    *watch->early_end = item;
    watch->early_end = &item->next;
}

void backlog_tell_early(struct client_session *session, struct client_watch *watch)
{
    while (watch->early != NULL) {
        struct client_watch_item *item = watch->early;
        watch->early = item->next;
        append(session, item);
    }
}

/* ---- What is not told ---- */

void backlog_drop_early(struct client_session *session, struct client_watch *watch)
{
    while (watch->early != NULL) {
        struct client_watch_item *item = watch->early;
        watch->early = item->next;
        release_bytes(session, watch, item->bytes);
        client_watch_item_free(item);
    }
}

void backlog_drop_pending(struct client_session *session, struct client_watch *watch)
{
    struct client_watch_item *item = watch->pending;
    if (item != NULL) { /* it stays among session->groups, empty */
        watch->pending = NULL;
        release_bytes(session, watch, item->bytes);
        client_arena_release(&item->arena);
        item->watch = NULL;
    }
}

void backlog_forget(struct client_session *session, struct client_watch *watch)
{
    struct client_watch_item **link = &session->items;
    backlog_drop_early(session, watch);
    backlog_drop_pending(session, watch);
    while (watch->waiting_bytes != 0 && *link != NULL) {
        struct client_watch_item *item = *link;
        if (item->watch == watch) {
            *link = item->next;
            session->items_end = item->next == NULL ? link : session->items_end;
            release_bytes(session, watch, item->bytes);
            client_watch_item_free(item);
        } else {
            link = &item->next;
        }
    }
    release_bytes(session, watch, watch->waiting_bytes); /* what its user has not taken */
}

/* ---- Lagging ---- */

bool backlog_lag(struct client_session *session, struct client_watch *watch, uint64_t limit)
{
    uint64_t after = watch_told_to(session, watch);
    backlog_drop_pending(session, watch);
    if (!watch->told_set) { /* SET comes first: watch_answered */
        watch->lags = true; /* and nothing else is taken */
        watch->lag_zxid = limit;
        return true;
    }
    after = after < limit ? after : limit;
    struct client_farewell *farewell = client_calloc(1, sizeof(*farewell));
    struct client_watch_item *item = backlog_item(watch, COORD_WATCH_LAGGED);
    if (farewell == NULL || item == NULL) {
        client_free(farewell);
        client_watch_item_free(item);
        return false;
    }
    item->item.from_zxid = after;
    watch->resume_zxid = after;
    watch_say_farewell(session, watch);
    if (watch->farewell == NULL) {
        watch->farewell = farewell;
    } else {
        client_free(farewell);
    }
    watch->stream = 0;
    watch->lags = false;
    watch_move(session, watch, WATCH_LAGGED);
    backlog_tell(session, item);
    return true;
}
