#include "replica/internal.h"

#include "base/memory.h"

/*
 * Events to streams. A stream is LIVE while what a command changes goes into its frame at once; it
 * is BEHIND while it is told out of the history: after a resume, after a watch was set from an
 * older zxid, and when its client reads too slowly. What is behind gets no reply either (R18), so
 * that nobody sees an effect before its event.
 */

/* Everything up to it was put into this stream's frames (R12). */
uint64_t replica_complete_to(const struct replica *r, const struct replica_stream *stream)
{
    return stream->mode == REPLICA_LIVE ? r->told_zxid : stream->told_zxid;
}

/* --- Putting items --- */

/* A full frame goes ahead; `more`: the events of its last zxid go on in the next one (R25). */
static void make_room(struct replica *r, struct replica_stream *stream, bool more)
{
    replica_stream_flush(r, stream, more);
}

/* Whoever does not read goes on out of the history, from the end of this zxid on. */
static void note_full(struct replica *r, struct replica_stream *stream)
{
    bool full = stream->outstanding_bytes + stream->frame.bytes > REPLICA_OUTSTANDING_HIGH;
    if (full && stream->mode == REPLICA_LIVE && !stream->full) {
        stream->full = true;
        stream->next_full = r->full;
        r->full = stream;
    }
}

static void put_event(void *context, uint64_t watcher, const struct watch_event *event)
{
    struct replica *r = context;
    struct replica_stream *stream = replica_stream_find(r, watcher);
    if (!event->same) { /* first, for whoever comes next needs it too */
        cd_buf_clear(&r->event_head);
        enum cd_status encoded =
            wire_event_encode(&r->event_head, event->zxid, event->kind, event->path, &event->stat);
        CD_ASSERT(encoded == CD_OK); /* a path and numbers */
    }
    if (stream == NULL || stream->closing) {
        return;
    }
    struct wire_event wire = {.head = {r->event_head.data, r->event_head.bytes},
                              .data = event->data,
                              .previous = event->previous};
    for (int attempt = 0; attempt < 2; attempt++) {
        if (wire_server_put_event(&stream->frame, &wire, event->with_data, event->with_previous,
                                  event->ids, event->ids_count) == CD_OK) {
            break;
        }
        make_room(r, stream, stream->event_zxid == event->zxid);
    }
    stream->event_zxid = event->zxid;
    stream->seen_zxid = event->zxid > stream->seen_zxid ? event->zxid : stream->seen_zxid;
    replica_stream_touch(r, stream);
    note_full(r, stream);
}

static void put_queue(void *context, uint64_t watcher, const struct watch_queue_event *event)
{
    struct replica *r = context;
    struct replica_stream *stream = replica_stream_find(r, watcher);
    if (stream == NULL || stream->closing) {
        return;
    }
    struct wire_queue_front front = {
        .watch_id = event->id,
        .state = (enum wire_queue_state)event->state, /* the numbers are equal */
        .zxid = event->zxid,
        .fence = event->fence,
        .path = event->path,
    };
    if (wire_server_put_queue_front(&stream->frame, &front) != CD_OK) {
        make_room(r, stream, false);
        enum cd_status put = wire_server_put_queue_front(&stream->frame, &front);
        CD_ASSERT(put == CD_OK);
    }
    replica_stream_touch(r, stream);
}

static void put_resync(struct replica *r, struct replica_stream *stream, const uint64_t *ids,
                       size_t count, uint64_t from)
{
    if (wire_server_put_resync(&stream->frame, ids, count, from) != CD_OK) {
        make_room(r, stream, false);
        enum cd_status put = wire_server_put_resync(&stream->frame, ids, count, from);
        CD_ASSERT(put == CD_OK);
    }
    r->counts.resyncs++;
    replica_stream_touch(r, stream);
}

/* --- Live --- */

void replica_tell_events(struct replica *r, const struct fsm_result *result)
{
    watch_feed(r->watches, r->fsm, result, put_event, put_queue, r);
    r->told_zxid = fsm_zxid(r->fsm);
    while (r->full != NULL) {
        struct replica_stream *stream = r->full;
        r->full = stream->next_full;
        stream->full = false;
        replica_fall_behind(r, stream, r->told_zxid);
    }
}

void replica_fall_behind(struct replica *r, struct replica_stream *stream, uint64_t zxid)
{
    CD_ASSERT(stream->watching);
    watch_set_behind(r->watches, stream->stream, zxid);
    stream->told_zxid = zxid;
    if (stream->mode != REPLICA_BEHIND) {
        stream->mode = REPLICA_BEHIND;
        DL_APPEND2(r->behind, stream, prev_behind, next_behind);
    }
}

/* --- Behind --- */

static void lag(struct replica *r, struct replica_stream *stream)
{
    uint64_t *ids = cd_calloc(REPLICA_STREAM_WATCHES_MAX, sizeof(*ids));
    size_t count = watch_unset_all(r->watches, stream->stream, ids, REPLICA_STREAM_WATCHES_MAX);
    if (wire_server_put_lagged(&stream->frame, ids, count, stream->told_zxid) != CD_OK) {
        make_room(r, stream, false);
        enum cd_status put = wire_server_put_lagged(&stream->frame, ids, count, stream->told_zxid);
        CD_ASSERT(put == CD_OK);
    }
    cd_free(ids);
    r->counts.lags++;
}

static void become_live(struct replica *r, struct replica_stream *stream)
{
    stream->mode = REPLICA_LIVE;
    DL_DELETE2(r->behind, stream, prev_behind, next_behind);
    stream->told_zxid = r->told_zxid;
    watch_tell_queues(r->watches, r->fsm, stream->stream, 0, put_queue, r);
    replica_stream_let_go(r, stream);
}

/* One step of a stream that is behind: as much as its client has room for. */
static void catch_up(struct replica *r, struct replica_stream *stream)
{
    while (stream->outstanding_bytes + stream->frame.bytes <= REPLICA_OUTSTANDING_LOW) {
        uint64_t zxid = 0;
        enum watch_progress progress = watch_replay(r->watches, r->fsm, stream->stream,
                                                    REPLICA_REPLAY_BYTES, &zxid, put_event, r);
        if (progress == WATCH_LAGGED) {
            lag(r, stream);
        } else {
            stream->told_zxid = zxid;
        }
        replica_stream_touch(r, stream);
        stream->head_due = true;
        if (progress != WATCH_MORE) {
            become_live(r, stream);
            return;
        }
        make_room(r, stream, false);
    }
}

void replica_catch_up(struct replica *r)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    DL_FOREACH_SAFE2(r->behind, stream, next, next_behind)
    {
        if (!stream->closing) {
            catch_up(r, stream);
        }
    }
}

/* R18: replies whose events do not follow at once are left; its client finds out what became of
 * their requests. */
void replica_catch_up_last(struct replica *r, struct replica_stream *stream)
{
    if (stream->mode == REPLICA_BEHIND) {
        catch_up(r, stream);
    }
}

/* --- Setting and unsetting --- */

static void begin_watching(struct replica *r, struct replica_stream *stream)
{
    if (!stream->watching) {
        stream->watching = true;
        stream->bookmark_zxid = r->told_zxid;
        r->watching_count++;
        watch_open(r->watches, stream->stream, &stream->who);
        if (stream->mode == REPLICA_REARMING) {
            watch_set_behind(r->watches, stream->stream, r->told_zxid); /* R18: nothing yet */
        }
    }
}

static void drop_rearm(struct replica *r, struct replica_stream *stream);

void replica_drop_watches(struct replica *r, struct replica_stream *stream)
{
    drop_rearm(r, stream);
    if (stream->mode == REPLICA_BEHIND) {
        DL_DELETE2(r->behind, stream, prev_behind, next_behind);
        stream->mode = REPLICA_LIVE;
    }
    if (stream->watching) {
        stream->watching = false;
        r->watching_count--;
        watch_close(r->watches, stream->stream);
    }
}

/* The node that a write of this session created: its path is in the kept reply, or was told. */
static enum cd_status created_path(struct replica *r, const struct replica_stream *stream,
                                   const struct wire_watch *watch, struct fsm_bytes *ret_path)
{
    enum cd_status status =
        stream->session == 0
            ? CD_INVALID_ARGUMENT
            : fsm_outcome_of(r->fsm, stream->session, watch->created_seq, &r->read_result);
    if (status != CD_OK) {
        return status;
    }
    const struct fsm_result *result = &r->read_result;
    if (result->status != CD_OK || watch->created_op >= result->outcomes_count ||
        result->outcomes[watch->created_op].kind != FSM_OP_CREATE) {
        return CD_NO_NODE;
    }
    *ret_path = result->outcomes[watch->created_op].path;
    return CD_OK;
}

static enum cd_status set_queue(struct replica *r, struct replica_stream *stream,
                                const struct fsm_who *who, const struct wire_watch *watch)
{
    struct watch_queue_spec spec = {.path = watch->path,
                                    .n = watch->n,
                                    .prefixes = watch->prefixes,
                                    .prefixes_count = watch->prefixes_count};
    enum cd_status status = CD_OK;
    if (watch->created_seq != 0) {
        status = created_path(r, stream, watch, &spec.path);
    }
    struct fsm_stat stat;
    if (status == CD_OK) {
        status = fsm_exists(r->fsm, NULL, who, spec.path, &stat);
        status = status == CD_NO_NODE ? CD_OK : status; /* GONE says so */
    }
    if (status == CD_OK) {
        begin_watching(r, stream);
        status = watch_set_queue(r->watches, r->fsm, stream->stream, watch->id, &spec);
    }
    if (status == CD_OK && stream->mode == REPLICA_LIVE) {
        watch_tell_queues(r->watches, r->fsm, stream->stream, watch->id, put_queue, r);
    }
    return status;
}

static enum cd_status read_along(struct replica *r, const struct fsm_who *who,
                                 const struct wire_watch *watch, struct wire_watch_result *result)
{
    if (watch->read_node) {
        struct fsm_view view;
        enum cd_status status = fsm_get(r->fsm, NULL, who, watch->path, &view);
        if (status != CD_OK && status != CD_NO_NODE) {
            return status;
        }
        result->read_node = true;
        result->found = status == CD_OK;
        if (result->found) {
            result->stat = view.stat;
            result->data = view.data;
        }
    }
    if (watch->read_children) {
        struct wire_list list = {.options = {.kind = FSM_LIST_CHILDREN, .path = watch->path},
                                 .limit = WIRE_PAGE_ENTRIES_MAX};
        enum cd_status status = replica_read_page(r, who, &list, &r->watch_page);
        if (status != CD_OK && status != CD_NO_NODE) {
            return status;
        }
        result->children = status == CD_OK ? &r->watch_page : NULL;
    }
    return CD_OK;
}

/* What comes after `zxid` is told to the stream's watches in one replay of all of them. */
static void note_missing(struct replica_stream *stream, uint64_t zxid)
{
    if (stream->rearm_zxid == 0 || zxid < stream->rearm_zxid) {
        stream->rearm_zxid = zxid;
    }
}

static enum cd_status set_tree(struct replica *r, struct replica_stream *stream,
                               const struct fsm_who *who, const struct wire_watch *watch,
                               struct wire_watch_result *result)
{
    struct fsm_stat stat;
    enum cd_status status = fsm_exists(r->fsm, NULL, who, watch->path, &stat);
    if (status != CD_OK && status != CD_NO_NODE) {
        return status;
    }
    status = read_along(r, who, watch, result);
    if (status != CD_OK) {
        return status;
    }
    struct watch_spec spec = {
        .path = watch->path,
        .scope = (enum watch_scope)watch->scope, /* the numbers are equal */
        .kinds = watch->kinds,
        .with_data = watch->with_data,
        .with_previous = watch->with_previous,
    };
    bool resync = false;
    begin_watching(r, stream);
    status = watch_set(r->watches, stream->stream, watch->id, &spec, watch->after_zxid,
                       &result->complete_from, &resync);
    if (status != CD_OK) {
        return status;
    }
    if (resync) {
        put_resync(r, stream, &watch->id, 1, result->complete_from);
    }
    /* Until rearm_done no watch hears of what is applied, so each one misses something (R18). */
    if (result->complete_from < r->told_zxid || stream->mode == REPLICA_REARMING) {
        note_missing(stream, result->complete_from);
    }
    return CD_OK;
}

enum cd_status replica_watch(struct replica *r, struct replica_stream *stream,
                             const struct fsm_who *who, const struct wire_watch *watch,
                             struct wire_reply *reply)
{
    reply->kind = WIRE_RESULT_WATCH;
    reply->watch = (struct wire_watch_result){.complete_from = r->told_zxid};
    if (watch->queue_front) {
        return set_queue(r, stream, who, watch);
    }
    enum cd_status status = set_tree(r, stream, who, watch, &reply->watch);
    if (status == CD_OK && stream->mode != REPLICA_REARMING && stream->rearm_zxid != 0) {
        /* What it missed is told first, and then this reply. */
        uint64_t from = stream->rearm_zxid;
        if (stream->mode == REPLICA_BEHIND && stream->told_zxid < from) {
            from = stream->told_zxid;
        }
        stream->rearm_zxid = 0;
        replica_fall_behind(r, stream, from);
    }
    return status;
}

enum cd_status replica_unwatch(struct replica *r, struct replica_stream *stream,
                               const struct wire_watch *watch, struct wire_reply *reply)
{
    reply->kind = WIRE_RESULT_UNWATCH;
    return watch_unset(r->watches, stream->stream, watch->id) ? CD_OK : CD_NO_NODE;
}

/* --- After a resume (R18) --- */

void replica_rearm(struct replica *r, struct replica_stream *stream)
{
    if (!stream->rearm_asked) {
        stream->rearm_asked = true;
        r->rearming_count++;
    }
}

static void drop_rearm(struct replica *r, struct replica_stream *stream)
{
    if (stream->rearm_asked) {
        stream->rearm_asked = false;
        r->rearming_count--;
    }
}

static void rearm_now(struct replica *r, struct replica_stream *stream)
{
    drop_rearm(r, stream);
    stream->mode = REPLICA_LIVE;
    if (stream->watching) {
        uint64_t from = stream->rearm_zxid != 0 ? stream->rearm_zxid : r->told_zxid;
        stream->rearm_zxid = 0;
        replica_fall_behind(r, stream, from);
        catch_up(r, stream);
    } else {
        replica_stream_let_go(r, stream);
    }
}

/* The watches that came with rearm_done, or before it, have to stand first. */
void replica_settle_rearms(struct replica *r)
{
    if (r->rearming_count == 0) {
        return;
    }
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (stream->rearm_asked && stream->watch_waits == 0 && !stream->closing) {
            rearm_now(r, stream);
        }
    }
}

/* --- Another state was installed (R16) --- */

struct ids {
    uint64_t *items;
    size_t count;
};

static void add_id(void *context, uint64_t id)
{
    struct ids *ids = context;
    ids->items[ids->count++] = id;
}

void replica_reset_watches(struct replica *r)
{
    uint64_t zxid = fsm_zxid(r->fsm);
    watch_reset(r->watches, zxid);
    r->told_zxid = zxid;
    struct ids ids = {.items = cd_calloc(REPLICA_STREAM_WATCHES_MAX, sizeof(uint64_t))};
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (!stream->watching || stream->closing) {
            continue;
        }
        ids.count = 0;
        watch_each(r->watches, stream->stream, add_id, &ids);
        if (ids.count > 0) {
            put_resync(r, stream, ids.items, ids.count, zxid);
        }
        stream->rearm_zxid = 0;
        if (stream->mode == REPLICA_REARMING) {
            watch_set_behind(r->watches, stream->stream, zxid);
            note_missing(stream, zxid);
        } else if (stream->mode == REPLICA_BEHIND) {
            become_live(r, stream);
        } else if (stream->mode == REPLICA_LIVE) {
            watch_tell_queues(r->watches, r->fsm, stream->stream, 0, put_queue, r);
        }
    }
    cd_free(ids.items);
}

/* --- Bookmarks --- */

void replica_tell_bookmarks(struct replica *r, uint64_t now_ms)
{
    if (r->watching_count == 0 || now_ms < r->bookmark_ms) {
        return;
    }
    r->bookmark_ms = now_ms + REPLICA_BOOKMARK_PERIOD_MS;
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        bool due = stream->watching && stream->mode == REPLICA_LIVE && !stream->closing &&
                   stream->bookmark_zxid < r->told_zxid;
        if (due && wire_server_put_bookmark(&stream->frame, r->told_zxid) == CD_OK) {
            stream->bookmark_zxid = r->told_zxid;
            replica_stream_touch(r, stream);
        }
    }
}
