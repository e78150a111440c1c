#include "session_internal.h"

#include "result.h"

#include <stdio.h>
#include <string.h>

/*
 * Watches: their table, what they are told, and from where they are set again (S13, S14).
 *
 *   NEW -> UNSENT -> SENT -> SET          SENT, SET -> UNSENT: stream lost, or LAGGED
 *    (its create sent)                    any -> ENDED
 */

/* An event on its way into an item. */
struct client_event_node {
    struct client_event_node *next;
    struct coord_event event;
};

/* ---- Items ---- */

void client_watch_item_free(struct client_watch_item *item)
{
    if (item != NULL) {
        coord_result_free(item->result);
        client_arena_release(&item->arena);
        client_free(item);
    }
}

static struct client_watch_item *item_create(struct client_watch *watch,
                                             enum coord_watch_item_kind kind)
{
    struct client_watch_item *item = client_calloc(1, sizeof(*item));
    if (item != NULL) {
        client_arena_init(&item->arena, CLIENT_GROUP_BYTES_MAX);
        item->watch = watch;
        item->item.kind = kind;
        item->item.message = "";
        item->item.path = "";
    }
    return item;
}

static void append(struct client_session *session, struct client_watch_item *item)
{
    item->next = NULL;
    *session->items_end = item;
    session->items_end = &item->next;
}

/* S13: SET or ENDED comes first, in whatever order the replica says it. */
static void tell(struct client_session *session, struct client_watch_item *item)
{
    struct client_watch *watch = item->watch;
    size_t result = item->result != NULL ? sizeof(*item->result) + item->result->arena.taken : 0;
    item->bytes = sizeof(*item) + item->arena.taken + result;
    session->events_bytes += item->bytes;
    if (watch->told_set || item->item.kind == COORD_WATCH_ENDED) {
        append(session, item);
        return;
    }
    struct client_watch_item **link = &watch->early;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    item->next = NULL;
    *link = item;
}

static void tell_early(struct client_session *session, struct client_watch *watch)
{
    while (watch->early != NULL) {
        struct client_watch_item *item = watch->early;
        watch->early = item->next;
        append(session, item);
    }
}

void client_session_took(struct client_session *session, size_t bytes)
{
    CD_ASSERT(bytes <= session->events_bytes);
    session->events_bytes -= bytes;
}

bool client_session_may_read(const struct client_session *session)
{
    return session->events_bytes < session->events_bytes_max;
}

/* ---- The table ---- */

static void unlink_watch(struct client_session *session, struct client_watch *watch)
{
    if (watch->prev != NULL) {
        watch->prev->next = watch->next;
    } else {
        session->watches = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->prev = watch->prev;
    } else {
        session->watches_last = watch->prev;
    }
    session->watches_count--;
}

static struct client_watch *find(const struct client_session *session, const struct stream *stream,
                                 uint64_t id)
{
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->id == id) {
            return watch->stream == stream->id ? watch : NULL;
        }
    }
    return NULL;
}

static void drop_early(struct client_session *session, struct client_watch *watch)
{
    while (watch->early != NULL) {
        struct client_watch_item *item = watch->early;
        watch->early = item->next;
        client_session_took(session, item->bytes);
        client_watch_item_free(item);
    }
}

/*
 * Not answered yet, it begins from its own beginning: "from now on" will be another moment, and
 * nothing was told.
 */
static void begin_again(struct client_session *session, struct client_watch *watch)
{
    if (!watch->told_set) {
        drop_early(session, watch);
        watch->resume_zxid = watch->spec.after_zxid;
        watch->delivered_zxid = watch->spec.after_zxid;
        watch->queue_state = COORD_QUEUE_UNKNOWN;
    }
}

static void release(struct client_session *session, struct client_watch *watch)
{
    drop_early(session, watch);
    client_watch_item_free(watch->pending);
    client_watch_item_free(watch->last);
    client_free(watch->farewell);
    client_free(watch->created_path);
    watch->pending = NULL;
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
    watch->last = item_create(watch, COORD_WATCH_ENDED);
    watch->farewell = client_calloc(1, sizeof(*watch->farewell));
    if (watch->last == NULL || watch->farewell == NULL) {
        release(session, watch);
        return COORD_NO_MEMORY;
    }
    if (!streams_wanted(session)) {
        session_wake_up(session);
    }
    watch->id = ++session->last_watch;
    watch->state = watch->create != NULL ? WATCH_NEW : WATCH_UNSENT;
    watch->resume_zxid = watch->spec.after_zxid;
    watch->delivered_zxid = watch->spec.after_zxid;
    watch->prev = session->watches_last;
    if (watch->prev != NULL) {
        watch->prev->next = watch;
    } else {
        session->watches = watch;
    }
    session->watches_last = watch;
    session->watches_count++;
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
    for (struct client_write *write = session->writes; write != NULL; write = write->next) {
        write->watch = write->watch == watch ? NULL : write->watch;
    }
}

/* The replica at hand knows it: it is told, with the memory that was put by for that. */
static void say_farewell(struct client_session *session, struct client_watch *watch)
{
    bool known = session->active != NULL && watch->stream == session->active->id &&
                 (watch->state == WATCH_SENT || watch->state == WATCH_SET);
    if (known) {
        watch->farewell->watch_id = watch->id;
        watch->farewell->next = session->farewells;
        session->farewells = watch->farewell;
        watch->farewell = NULL;
    }
}

void client_session_unwatch(struct client_session *session, struct client_watch *watch)
{
    struct client_watch_item **link = &session->items;
    if (watch->state != WATCH_ENDED) {
        cut_ties(session, watch);
        say_farewell(session, watch);
        unlink_watch(session, watch);
        watch->state = WATCH_ENDED;
    }
    while (*link != NULL) {
        struct client_watch_item *item = *link;
        if (item->watch == watch) {
            *link = item->next;
            client_session_took(session, item->bytes);
            client_watch_item_free(item);
        } else {
            link = &item->next;
        }
    }
    session->items_end = link;
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
    say_farewell(session, watch);
    unlink_watch(session, watch);
    watch->state = WATCH_ENDED;
    watch->last = NULL;
    const char *copy = client_arena_copy(&item->arena, message, strlen(message));
    item->item.code = code;
    item->item.message = copy != NULL ? copy : coord_code_text(code);
    tell(session, item);
    release(session, watch);
}

void watches_end(struct client_session *session, enum coord_code code, const char *why)
{
    while (session->watches != NULL) {
        watch_end(session, session->watches, code, "%s", why);
    }
}

void watches_refuse_new(struct client_session *session, enum coord_code code, const char *why)
{
    struct client_watch *next = NULL;
    for (struct client_watch *watch = session->watches; watch != NULL; watch = next) {
        next = watch->next;
        if (!watch->told_set && watch->create == NULL) {
            watch_end(session, watch, code, "%s", why);
        }
    }
}

void watches_lose_stream(struct client_session *session, const struct stream *stream)
{
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->stream == stream->id && watch->state != WATCH_NEW) {
            watch->state = WATCH_UNSENT;
            watch->stream = 0;
            client_watch_item_free(watch->pending); /* it is told again, whole */
            watch->pending = NULL;
            begin_again(session, watch);
        }
    }
    if (session->active == NULL || session->active == stream) {
        session->group_zxid = 0;
        while (session->farewells != NULL) { /* what is not set again is gone by itself */
            struct client_farewell *farewell = session->farewells;
            session->farewells = farewell->next;
            client_free(farewell);
        }
    }
}

/* ---- On the node that a write makes ---- */

void watch_created(struct client_watch *watch, uint64_t seq)
{
    watch->created_seq = seq;
    watch->create = NULL;
    watch->state = WATCH_UNSENT;
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
                        enum coord_code code, const struct coord_result *result)
{
    const char *path = code == COORD_OK ? path_of(watch, result) : NULL;
    if (path != NULL) {
        watch->created_path = client_strdup(path);
        if (watch->created_path == NULL) {
            watch_end(session, watch, COORD_NO_MEMORY, "no memory for the path of the node");
        }
    } else {
        watch_end(session, watch, code != COORD_OK ? code : COORD_NO_NODE,
                  "its node was not created");
    }
}

/* ---- Answers ---- */

struct client_watch *watch_find_sent(struct client_session *session, const struct stream *stream,
                                     uint64_t request)
{
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->state == WATCH_SENT && watch->request == request &&
            watch->stream == stream->id) {
            return watch;
        }
    }
    return NULL;
}

static void complete_to(struct client_watch *watch, uint64_t zxid)
{
    if (zxid > watch->resume_zxid) {
        watch->resume_zxid = zxid;
    }
}

bool watch_answered(struct client_session *session, struct client_watch *watch,
                    struct client_item *item)
{
    if (item->result == NULL || item->result->kind != CLIENT_OP_WATCH) {
        return false;
    }
    if (!watch->told_set) {
        struct client_watch_item *set = item_create(watch, COORD_WATCH_SET);
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
        tell(session, set);
        tell_early(session, watch);
    } else {
        complete_to(watch, item->result->zxid);
    }
    watch->state = WATCH_SET;
    return true;
}

/* ---- Events ---- */

static const void *keep(struct client_arena *arena, const void *from, size_t bytes)
{
    return client_arena_copy(arena, from, bytes);
}

static bool add_event(struct client_watch *watch, const struct coord_event *from)
{
    if (watch->pending == NULL) {
        watch->pending = item_create(watch, COORD_WATCH_EVENTS);
        if (watch->pending == NULL) {
            return false;
        }
        watch->pending->item.zxid = from->zxid;
        watch->pending->events = NULL;
        watch->pending_end = &watch->pending->events;
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
    return true;
}

/* All events of the zxid are there. */
static bool flush_one(struct client_session *session, struct client_watch *watch)
{
    struct client_watch_item *item = watch->pending;
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
    watch->pending = NULL;
    watch->delivered_zxid = item->item.zxid;
    tell(session, item);
    return true;
}

static bool flush(struct client_session *session)
{
    if (session->group_zxid == 0) {
        return true;
    }
    session->group_zxid = 0;
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->pending != NULL && !flush_one(session, watch)) {
            return false;
        }
    }
    return true;
}

static bool take_event(struct client_session *session, const struct stream *stream,
                       const struct client_item *item)
{
    if (item->zxid != session->group_zxid && !flush(session)) {
        return false;
    }
    session->group_zxid = item->zxid;
    for (size_t i = 0; i < item->watch_ids_count; i++) {
        struct client_watch *watch = find(session, stream, item->watch_ids[i]);
        bool fresh = watch != NULL && item->zxid > watch->delivered_zxid;
        if (fresh && !add_event(watch, &item->event)) {
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
    struct client_watch_item *item = item_create(watch, COORD_WATCH_QUEUE);
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
    tell(session, item);
    return true;
}

static bool take_resync(struct client_session *session, struct client_watch *watch, uint64_t zxid)
{
    uint64_t from =
        watch->resume_zxid > watch->delivered_zxid ? watch->resume_zxid : watch->delivered_zxid;
    if (zxid <= from) {
        return true; /* nothing is missing */
    }
    struct client_watch_item *item = item_create(watch, COORD_WATCH_RESYNC);
    if (item == NULL) {
        return false;
    }
    item->item.from_zxid = from;
    item->item.zxid = zxid;
    watch->delivered_zxid = zxid;
    complete_to(watch, zxid);
    tell(session, item);
    return true;
}

/* The replica has removed it. The id is free again, and events below after_zxid were told. */
static bool take_lagged(struct client_session *session, struct client_watch *watch, uint64_t zxid)
{
    watch->state = WATCH_UNSENT;
    watch->stream = 0;
    if (!watch->told_set) {
        begin_again(session, watch);
        return true;
    }
    struct client_watch_item *item = item_create(watch, COORD_WATCH_LAGGED);
    if (item == NULL) {
        return false;
    }
    item->item.from_zxid = zxid;
    watch->resume_zxid = zxid;
    tell(session, item);
    return true;
}

static bool take_bookmark(struct client_session *session, const struct stream *stream,
                          uint64_t zxid)
{
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->state != WATCH_SET || watch->stream != stream->id || watch->spec.queue_front ||
            zxid <= watch->bookmark_zxid || zxid <= watch->delivered_zxid) {
            continue;
        }
        struct client_watch_item *item = item_create(watch, COORD_WATCH_BOOKMARK);
        if (item == NULL) {
            return false;
        }
        item->item.zxid = zxid;
        watch->bookmark_zxid = zxid;
        complete_to(watch, zxid);
        tell(session, item);
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
        struct client_watch *watch = find(session, stream, item->watch_ids[i]);
        if (watch == NULL || watch->pending == NULL) {
            continue;
        }
        bool above = watch->pending->item.zxid > item->zxid;
        if (above == (item->kind == CLIENT_ITEM_LAGGED)) {
            client_watch_item_free(watch->pending);
            watch->pending = NULL;
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
        return take_bookmark(session, stream, item->zxid);
    }
    for (size_t i = 0; i < item->watch_ids_count; i++) {
        struct client_watch *watch = find(session, stream, item->watch_ids[i]);
        bool taken = true;
        if (watch == NULL) {
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

bool watches_frame_end(struct client_session *session, const struct stream *stream, uint64_t zxid,
                       bool more)
{
    if (!more && !flush(session)) {
        return false;
    }
    if (more && session->group_zxid != 0 && zxid >= session->group_zxid) {
        zxid = session->group_zxid - 1; /* whatever it says: not all of them are here */
    }
    for (struct client_watch *watch = session->watches; watch != NULL; watch = watch->next) {
        if (watch->state == WATCH_SET && watch->stream == stream->id) {
            complete_to(watch, zxid);
        }
    }
    return true;
}

bool farewell_answered(struct client_session *session, uint64_t request)
{
    for (struct client_farewell **link = &session->farewells; *link != NULL;
         link = &(*link)->next) {
        struct client_farewell *farewell = *link;
        if (farewell->sent && farewell->request == request) {
            *link = farewell->next;
            client_free(farewell);
            return true;
        }
    }
    return false;
}
