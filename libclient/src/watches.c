#include "session_internal.h"

#include "result.h"

#include <stdio.h>
#include <string.h>

/*
 * Watches: what they are told, and from where they are set again (S13).
 *
 *   NEW -> UNSENT -> SENT -> SET          SENT, SET -> UNSENT: stream lost, or LAGGED
 *    (its create sent)                    any -> ENDED
 *   The user is too slow: backlog.c.
 */

/* An event on its way into an item. */
struct client_event_node {
    struct client_event_node *next;
    struct coord_event event;
};

/* ---- Life ---- */

/*
 * Not answered yet, it begins from its own beginning: "from now on" will be another moment, and
 * nothing was told.
 */
static void begin_again(struct client_session *session, struct client_watch *watch)
{
    if (!watch->told_set) {
        backlog_drop_early(session, watch);
        watch->lags = false;
        watch->resume_zxid = watch->spec.after_zxid;
        watch->delivered_zxid = watch->spec.after_zxid;
        watch->queue_state = COORD_QUEUE_UNKNOWN;
    }
}

static void release(struct client_session *session, struct client_watch *watch)
{
    backlog_drop_early(session, watch);
    backlog_drop_pending(session, watch);
    client_watch_item_free(watch->last);
    client_free(watch->farewell);
    client_free(watch->created_path);
    watch->last = NULL;
    watch->farewell = NULL;
    watch->created_path = NULL;
}

enum coord_code client_session_watch(struct client_session *session, struct client_time now,
                                     struct client_watch *watch)
{
    session->now = now;
    session_check_lease(session);
    watch->state = WATCH_ENDED; /* until it is taken */
    if (session->closed) {
        return COORD_CLOSED;
    }
    if (session->watches_count >= CLIENT_WATCHES_MAX) {
        return COORD_TOO_MANY;
    }
    watch->last = backlog_item(watch, COORD_WATCH_ENDED);
    watch->farewell = client_calloc(1, sizeof(*watch->farewell));
    bool wanted = streams_wanted(session);
    if (watch->last == NULL || watch->farewell == NULL ||
        !watch_table_add(session, watch, watch->create != NULL ? WATCH_NEW : WATCH_UNSENT)) {
        release(session, watch);
        return COORD_NO_MEMORY;
    }
    if (!wanted) {
        session_wake_up(session);
    }
    watch->resume_zxid = watch->spec.after_zxid;
    watch->delivered_zxid = watch->spec.after_zxid;
    if (watch->deadline_ms != 0 && watch->deadline_ms < session->expiry_ms) {
        session->expiry_ms = watch->deadline_ms;
    }
    streams_plan(session, now.ms);
    return COORD_OK;
}

/* Its write and its items know it no more. */
static void cut_ties(struct client_session *session, struct client_watch *watch)
{
    if (watch->create != NULL && watch->create->watch == watch) {
        watch->create->watch = NULL;
    }
    watch->create = NULL;
    for (struct client_write *write = watch->spec.path == NULL ? session->writes : NULL;
         write != NULL; write = write->next) {
        write->watch = write->watch == watch ? NULL : write->watch;
    }
}

/* The replica at hand knows it: it is told, with the memory that was put by for that. */
void watch_say_farewell(struct client_session *session, struct client_watch *watch)
{
    bool known = session->active != NULL && watch->stream == session->active->id &&
                 (watch->state == WATCH_SENT || watch->state == WATCH_SET);
    if (known) {
        watch->farewell->watch_id = watch->id;
        watch->farewell->next = NULL;
        *session->farewells_end = watch->farewell;
        session->farewells_end = &watch->farewell->next;
        watch->farewell = NULL;
    }
}

void watch_farewell_over(struct client_session *session)
{
    struct client_farewell *farewell = session->farewells;
    session->farewells = farewell->next;
    if (session->farewells == NULL) {
        session->farewells_end = &session->farewells;
    }
    client_free(farewell);
}

void client_session_unwatch(struct client_session *session, struct client_watch *watch)
{
    if (watch->state != WATCH_ENDED) {
        cut_ties(session, watch);
        watch_say_farewell(session, watch);
        watch_table_remove(session, watch);
    }
    backlog_forget(session, watch);
    release(session, watch);
}

void watch_end(struct client_session *session, struct client_watch *watch, enum coord_code code,
               const char *format, ...)
{
    char message[COORD_ERROR_MESSAGE_BYTES];
    struct client_watch_item *item = watch->last;
    va_list arguments;
    CD_ASSERT(watch->state != WATCH_ENDED && item != NULL);
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    cut_ties(session, watch);
    watch_say_farewell(session, watch);
    watch_table_remove(session, watch);
    watch->last = NULL;
    const char *copy = client_arena_copy(&item->arena, message, strlen(message));
    item->item.code = code;
    item->item.message = copy != NULL ? copy : coord_code_text(code);
    backlog_tell(session, item);
    release(session, watch);
}

void watches_end(struct client_session *session, enum coord_code code, const char *why)
{
    for (int state = 0; state < WATCH_ENDED; state++) {
        while (session->watches[state].first != NULL) {
            watch_end(session, session->watches[state].first, code, "%s", why);
        }
    }
}

void watches_refuse_new(struct client_session *session, enum coord_code code, const char *why)
{
    struct client_watch *next = NULL;
    for (int state = WATCH_UNSENT; state < WATCH_ENDED; state++) {
        for (struct client_watch *watch = session->watches[state].first; watch != NULL;
             watch = next) {
            next = watch->next;
            if (!watch->told_set) {
                watch_end(session, watch, code, "%s", why);
            }
        }
    }
}

/* ---- From where it is set again ---- */

static void complete_to(struct client_watch *watch, uint64_t zxid)
{
    if (zxid > watch->resume_zxid) {
        watch->resume_zxid = zxid;
    }
}

/*
 * What frames have said since it was set. It holds for all watches that are set, so that it is
 * kept once, in the session, and brought here where it is needed.
 */
static void take_marks(const struct client_session *session, struct client_watch *watch)
{
    if (watch->state == WATCH_SET && watch->marks != session->marks) {
        complete_to(watch, session->complete_zxid);
        watch->marks = session->marks;
    }
}

uint64_t watch_told_to(const struct client_session *session, struct client_watch *watch)
{
    take_marks(session, watch);
    return watch->resume_zxid > watch->delivered_zxid ? watch->resume_zxid : watch->delivered_zxid;
}

static void mark_complete(struct client_session *session, uint64_t zxid)
{
    if (zxid < session->complete_zxid) { /* a later one holds for all, but not an earlier one */
        for (struct client_watch *watch = session->watches[WATCH_SET].first; watch != NULL;
             watch = watch->next) {
            take_marks(session, watch);
        }
    }
    session->complete_zxid = zxid;
    session->marks++;
}

static void lose_those(struct client_session *session, const struct stream *stream,
                       enum client_watch_state state)
{
    struct client_watch *next = NULL;
    for (struct client_watch *watch = session->watches[state].first; watch != NULL; watch = next) {
        next = watch->next;
        if (watch->stream == stream->id) {
            take_marks(session, watch);
            begin_again(session, watch);
            watch->stream = 0;
            watch_move(session, watch, WATCH_UNSENT);
        }
    }
}

/* What they began is told again, whole. */
static void drop_groups(struct client_session *session)
{
    while (session->groups != NULL) {
        struct client_watch_item *item = session->groups;
        session->groups = item->next;
        if (item->watch != NULL) {
            backlog_drop_pending(session, item->watch);
        }
        client_watch_item_free(item);
    }
    session->group_zxid = 0;
}

void watches_lose_stream(struct client_session *session, const struct stream *stream)
{
    lose_those(session, stream, WATCH_SET);
    lose_those(session, stream, WATCH_SENT);
    if (session->active == NULL || session->active == stream) {
        drop_groups(session);
        session->complete_zxid = 0;
        while (session->farewells != NULL) { /* what is not set again is gone by itself */
            watch_farewell_over(session);
        }
    }
}

/* ---- On the node that a write makes ---- */

void watch_created(struct client_session *session, struct client_watch *watch, uint64_t seq)
{
    watch->created_seq = seq;
    watch_move(session, watch, WATCH_UNSENT);
}

static const char *path_of(const struct client_watch *watch, const struct coord_result *result)
{
    const struct coord_result *made = result;
    if (result != NULL && result->kind == CLIENT_OP_TXN) {
        made = coord_result_at(result, watch->spec.op_index);
    }
    return made != NULL && made->kind == CLIENT_OP_CREATE ? made->path : NULL;
}

void watch_create_ended(struct client_session *session, struct client_watch *watch,
                        const struct client_request *create)
{
    const char *path = create->code == COORD_OK ? path_of(watch, create->result) : NULL;
    if (path != NULL) {
        watch->created_path = client_strdup(path);
        if (watch->created_path == NULL) {
            watch_end(session, watch, COORD_NO_MEMORY, "no memory for the path of the node");
        }
    } else if (create->code == COORD_OK) {
        watch_end(session, watch, COORD_NO_NODE, "its node was not created");
    } else {
        watch_end(session, watch, create->code, "%s", create->error.message);
    }
}

/* ---- Answers ---- */

bool watch_answered(struct client_session *session, struct client_watch *watch,
                    struct client_item *item)
{
    if (item->result == NULL || item->result->kind != CLIENT_OP_WATCH) {
        return false;
    }
    if (!watch->told_set) {
        struct client_watch_item *set = backlog_item(watch, COORD_WATCH_SET);
        if (set == NULL) {
            return false;
        }
        set->item.zxid = item->result->zxid;
        set->item.result = item->result;
        set->result = item->result;
        item->result = NULL;
        watch->told_set = true;
        complete_to(watch, set->item.zxid);
        if (watch->delivered_zxid == 0) {
            watch->delivered_zxid = set->item.zxid;
        }
        backlog_tell(session, set);
        backlog_tell_early(session, watch);
    } else {
        complete_to(watch, item->result->zxid);
    }
    watch->marks = session->marks;
    watch_move(session, watch, WATCH_SET);
    if (watch->lags) {
        return backlog_lag(session, watch, watch->lag_zxid);
    }
    return true;
}

void watch_refused(struct client_session *session, struct client_watch *watch)
{
    backlog_drop_pending(session, watch);
    watch_move(session, watch, WATCH_UNSENT);
    watch->stream = 0;
    begin_again(session, watch);
}

/* ---- Events ---- */

static const void *keep(struct client_arena *arena, const void *from, size_t bytes)
{
    return client_arena_copy(arena, from, bytes);
}

static size_t event_bytes(const struct coord_event *event)
{
    return sizeof(struct client_event_node) + sizeof(struct coord_node_stat) +
           sizeof(struct coord_event *) + strlen(event->path) + event->data_bytes +
           event->previous_bytes;
}

static struct client_watch_item *begin_group(struct client_session *session,
                                             struct client_watch *watch, uint64_t zxid)
{
    struct client_watch_item *item = backlog_item(watch, COORD_WATCH_EVENTS);
    if (item != NULL) {
        item->item.zxid = zxid;
        watch->pending = item;
        watch->pending_end = &item->events;
        item->next = session->groups;
        session->groups = item;
    }
    return item;
}

static bool add_event(struct client_session *session, struct client_watch *watch,
                      const struct coord_event *from)
{
    if (watch->pending == NULL && begin_group(session, watch, from->zxid) == NULL) {
        return false;
    }
    struct client_arena *arena = &watch->pending->arena;
    struct client_event_node *node = client_arena_get(arena, sizeof(*node));
    struct coord_node_stat *stat = client_arena_get(arena, sizeof(*stat));
    if (node == NULL || stat == NULL) {
        return false;
    }
    node->event = *from;
    node->event.path = keep(arena, from->path, strlen(from->path));
    node->event.data = keep(arena, from->data, from->data_bytes);
    node->event.previous = keep(arena, from->previous, from->previous_bytes);
    if (node->event.path == NULL || node->event.data == NULL || node->event.previous == NULL) {
        return false;
    }
    if (from->stat != NULL) {
        *stat = *from->stat;
        node->event.stat = stat;
    }
    *watch->pending_end = node;
    watch->pending_end = &node->next;
    watch->pending->item.events_count++;
    backlog_count(session, watch->pending);
    return true;
}

/* All events of the zxid are there. */
static bool flush_one(struct client_session *session, struct client_watch_item *item)
{
    size_t count = item->item.events_count;
    const struct coord_event **events =
        client_arena_get_array(&item->arena, count, sizeof(*events));
    if (events == NULL) {
        return false;
    }
    size_t i = 0;
    for (struct client_event_node *node = item->events; node != NULL; node = node->next) {
        events[i++] = &node->event;
    }
    item->item.events = events;
    session->groups = item->next;
    item->watch->pending = NULL;
    item->watch->delivered_zxid = item->item.zxid;
    backlog_tell(session, item);
    return true;
}

static bool flush(struct client_session *session)
{
    session->group_zxid = 0;
    while (session->groups != NULL) {
        struct client_watch_item *item = session->groups;
        if (item->watch == NULL) { /* dropped meanwhile */
            session->groups = item->next;
            client_watch_item_free(item);
        } else if (!flush_one(session, item)) {
            return false;
        }
    }
    return true;
}

bool watches_tell_to(struct client_session *session, uint64_t zxid)
{
    return zxid < session->group_zxid || flush(session);
}

static bool take_resync(struct client_session *session, struct client_watch *watch, uint64_t zxid);

/* S14: one event for one watch. */
static bool take_event_for(struct client_session *session, struct client_watch *watch,
                           const struct coord_event *event)
{
    size_t bytes = event_bytes(event);
    size_t pending = watch->pending != NULL ? watch->pending->bytes : 0;
    if (event->zxid <= watch->delivered_zxid || watch->lags) {
        return true;
    }
    if (pending + bytes > session->group_bytes_max) {
        backlog_drop_pending(session, watch);
        return take_resync(session, watch, event->zxid);
    }
    if (!backlog_fits(session, watch, bytes + sizeof(struct client_watch_item))) {
        return backlog_lag(session, watch, event->zxid - 1);
    }
    return add_event(session, watch, event);
}

static bool take_event(struct client_session *session, const struct stream *stream,
                       const struct client_item *item)
{
    if (item->zxid != session->group_zxid && !flush(session)) {
        return false;
    }
    session->group_zxid = item->zxid;
    for (size_t i = 0; i < item->watch_ids_count; i++) {
        struct client_watch *watch = watch_find(session, stream, item->watch_ids[i]);
        if (watch != NULL && !take_event_for(session, watch, &item->event)) {
            return false;
        }
    }
    return true;
}

/* ---- What else is told ---- */

static bool take_queue_front(struct client_session *session, struct client_watch *watch,
                             const struct client_item *from)
{
    if (from->queue_state == watch->queue_state && from->fence == watch->queue_fence) {
        return true; /* told again because it was set again */
    }
    if (!backlog_fits(session, watch, sizeof(struct client_watch_item) + strlen(from->path))) {
        return backlog_lag(session, watch, UINT64_MAX);
    }
    struct client_watch_item *item = backlog_item(watch, COORD_WATCH_QUEUE);
    const char *path =
        item != NULL ? client_arena_copy(&item->arena, from->path, strlen(from->path)) : NULL;
    if (path == NULL) {
        client_watch_item_free(item);
        return false;
    }
    item->item.zxid = from->zxid;
    item->item.queue_state = from->queue_state;
    item->item.fence = from->fence;
    item->item.path = path;
    watch->queue_state = from->queue_state;
    watch->queue_fence = from->fence;
    backlog_tell(session, item);
    return true;
}

static bool take_resync(struct client_session *session, struct client_watch *watch, uint64_t zxid)
{
    uint64_t from = watch_told_to(session, watch);
    if (zxid <= from) {
        return true; /* nothing is missing */
    }
    if (!backlog_fits(session, watch, sizeof(struct client_watch_item))) {
        return backlog_lag(session, watch, from != 0 ? from : UINT64_MAX);
    }
    struct client_watch_item *item = backlog_item(watch, COORD_WATCH_RESYNC);
    if (item == NULL) {
        return false;
    }
    item->item.from_zxid = from;
    item->item.zxid = zxid;
    watch->delivered_zxid = zxid;
    complete_to(watch, zxid);
    backlog_tell(session, item);
    return true;
}

/* The replica has removed it. The id is free again, and events below after_zxid were told. */
static bool take_lagged(struct client_session *session, struct client_watch *watch, uint64_t zxid)
{
    watch_move(session, watch, WATCH_UNSENT);
    watch->stream = 0;
    if (!watch->told_set) {
        begin_again(session, watch);
        return true;
    }
    if (!backlog_fits(session, watch, sizeof(struct client_watch_item))) {
        complete_to(watch, zxid);
        return backlog_lag(session, watch, zxid);
    }
    struct client_watch_item *item = backlog_item(watch, COORD_WATCH_LAGGED);
    if (item == NULL) {
        return false;
    }
    item->item.from_zxid = zxid;
    watch->resume_zxid = zxid;
    backlog_tell(session, item);
    return true;
}

static bool take_bookmark(struct client_session *session, uint64_t zxid)
{
    for (struct client_watch *watch = session->watches[WATCH_SET].first; watch != NULL;
         watch = watch->next) {
        bool fresh =
            !watch->spec.queue_front && zxid > watch->bookmark_zxid && zxid > watch->delivered_zxid;
        complete_to(watch, fresh ? zxid : 0);
        if (!fresh || !backlog_fits(session, watch, sizeof(struct client_watch_item))) {
            continue;
        }
        struct client_watch_item *item = backlog_item(watch, COORD_WATCH_BOOKMARK);
        if (item == NULL) {
            return false;
        }
        item->item.zxid = zxid;
        watch->bookmark_zxid = zxid;
        backlog_tell(session, item);
    }
    return true;
}

/*
 * Events of one zxid that began to come and will not go on: LAGGED has them sent again, whole, and
 * RESYNC covers them.
 */
static void drop_partial(struct client_session *session, const struct stream *stream,
                         const struct client_item *item)
{
    for (size_t i = 0; i < item->watch_ids_count; i++) {
        struct client_watch *watch = watch_find(session, stream, item->watch_ids[i]);
        if (watch == NULL || watch->pending == NULL) {
            continue;
        }
        bool above = watch->pending->item.zxid > item->zxid;
        if (above == (item->kind == CLIENT_ITEM_LAGGED)) {
            backlog_drop_pending(session, watch);
        }
    }
}

bool watches_take(struct client_session *session, const struct stream *stream,
                  const struct client_item *item)
{
    if (item->kind == CLIENT_ITEM_EVENT) {
        return take_event(session, stream, item);
    }
    if (item->kind == CLIENT_ITEM_LAGGED || item->kind == CLIENT_ITEM_RESYNC) {
        drop_partial(session, stream, item);
    }
    if (!flush(session)) {
        return false;
    }
    if (item->kind == CLIENT_ITEM_BOOKMARK) {
        return take_bookmark(session, item->zxid);
    }
    for (size_t i = 0; i < item->watch_ids_count; i++) {
        struct client_watch *watch = watch_find(session, stream, item->watch_ids[i]);
        bool taken = true;
        if (watch == NULL || (watch->lags && item->kind != CLIENT_ITEM_LAGGED)) {
            continue;
        }
        if (item->kind == CLIENT_ITEM_QUEUE_FRONT) {
            taken = take_queue_front(session, watch, item);
        } else if (item->kind == CLIENT_ITEM_RESYNC) {
            taken = take_resync(session, watch, item->zxid);
        } else {
            taken = take_lagged(session, watch, item->zxid);
        }
        if (!taken) {
            return false;
        }
    }
    return true;
}

bool watches_frame_end(struct client_session *session, uint64_t zxid, bool more)
{
    if (!more && !flush(session)) {
        return false;
    }
    if (more && session->group_zxid != 0 && zxid >= session->group_zxid) {
        zxid = session->group_zxid - 1; /* whatever it says: not all of them are here */
    }
    if (zxid != 0) {
        mark_complete(session, zxid);
    }
    return true;
}
