#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * Streams come and go, and what they are told: items in the order in which the client must see
 * them, in one frame a turn. A stream whose client is behind with its events gets no reply either
 * until they are told (R18); such replies are held.
 */

struct replica_stream *replica_stream_find(const struct replica *r, uint64_t number)
{
    struct replica_stream *stream = NULL;
    HASH_FIND(hh, r->streams, &number, sizeof(number), stream);
    return stream;
}

struct replica_stream *replica_served_find(const struct replica *r, uint64_t session)
{
    struct replica_stream *stream = NULL;
    HASH_FIND(hh_session, r->served, &session, sizeof(session), stream);
    return stream;
}

void replica_serve(struct replica *r, struct replica_stream *stream, uint64_t session)
{
    CD_ASSERT(stream->session == 0 && replica_served_find(r, session) == NULL);
    stream->session = session;
    HASH_ADD(hh_session, r->served, session, sizeof(stream->session), stream);
}

void replica_unserve(struct replica *r, struct replica_stream *stream)
{
    if (stream->session != 0) {
        HASH_DELETE(hh_session, r->served, stream);
        stream->session = 0;
    }
}

/* --- Going out --- */

void replica_stream_touch(struct replica *r, struct replica_stream *stream)
{
    if (!stream->dirty) {
        stream->dirty = true;
        stream->next_dirty = r->dirty;
        r->dirty = stream;
    }
}

static void send(struct replica *r, struct replica_stream *stream, struct cd_buf *frame, bool more)
{
    struct wire_server_head head = {
        .confirmed = stream->confirmed,
        .complete_to = replica_complete_to(r, stream),
        .applied_zxid = fsm_zxid(r->fsm),
        .more = more,
    };
    enum cd_status status = wire_server_put_head(frame, &head);
    CD_ASSERT(status == CD_OK); /* items leave room for it */
    struct cd_blob *blob = cd_blob_copy(frame->data, frame->bytes);
    stream->outstanding_bytes += blob->bytes;
    r->ports.stream_send(r->ports.context, stream->stream, blob);
    cd_blob_unref(blob);
    stream->head_due = false;
    if (frame->capacity > REPLICA_FRAME_BYTES_KEPT) {
        cd_buf_release(frame); /* one big page must not stay with an idle stream */
    }
    cd_buf_clear(frame);
}

void replica_stream_flush(struct replica *r, struct replica_stream *stream, bool more)
{
    if (stream->frame.bytes != 0 || stream->head_due) {
        send(r, stream, &stream->frame, more);
    }
}

struct cd_buf *replica_stream_frame(struct replica *r, struct replica_stream *stream)
{
    replica_stream_touch(r, stream);
    return &stream->frame;
}

/* A full frame of held replies waits for its turn. */
static void hold_full(struct replica_stream *stream)
{
    struct replica_held *held = cd_calloc(1, sizeof(*held));
    held->frame = stream->held;
    cd_buf_init(&stream->held, WIRE_SERVER_FRAME_BYTES_MAX);
    stream->held_bytes += held->frame.bytes;
    DL_APPEND(stream->held_frames, held);
}

/* A full frame goes ahead, and `put` is tried again on an empty one. */
static bool put_reply(struct replica *r, struct replica_stream *stream, struct cd_buf *frame,
                      const struct wire_reply *reply)
{
    if (wire_server_put_reply(frame, reply) == CD_OK) {
        return true;
    }
    if (frame->bytes == 0) {
        return false;
    }
    if (frame == &stream->frame) {
        replica_stream_flush(r, stream, false);
    } else {
        hold_full(stream);
    }
    return wire_server_put_reply(frame, reply) == CD_OK;
}

void replica_stream_reply(struct replica *r, struct replica_stream *stream,
                          const struct wire_reply *reply)
{
    if (stream->closing) {
        return;
    }
    struct cd_buf *frame = replica_stream_is_live(stream) ? &stream->frame : &stream->held;
    if (!put_reply(r, stream, frame, reply)) {
        struct wire_reply refusal;
        wire_reply_refuse(&refusal, reply->id, CD_TOO_LARGE,
                          "the answer does not fit a frame: ask for less at a time");
        bool fits = put_reply(r, stream, frame, &refusal);
        CD_ASSERT(fits);
    }
    replica_stream_touch(r, stream);
}

/* --- Replies that are held --- */

void replica_stream_let_go(struct replica *r, struct replica_stream *stream)
{
    if (stream->held_frames == NULL && stream->held.bytes == 0) {
        return;
    }
    replica_stream_flush(r, stream, false);
    struct replica_held *held;
    struct replica_held *next;
    DL_FOREACH_SAFE(stream->held_frames, held, next)
    {
        send(r, stream, &held->frame, false);
        DL_DELETE(stream->held_frames, held);
        cd_buf_release(&held->frame);
        cd_free(held);
    }
    stream->held_bytes = 0;
    if (stream->held.bytes != 0) {
        send(r, stream, &stream->held, false);
    }
}

static void drop_held(struct replica_stream *stream)
{
    struct replica_held *held;
    struct replica_held *next;
    DL_FOREACH_SAFE(stream->held_frames, held, next)
    {
        DL_DELETE(stream->held_frames, held);
        cd_buf_release(&held->frame);
        cd_free(held);
    }
    cd_buf_release(&stream->held);
}

/* --- What all are told --- */

void replica_tell_leaderless(struct replica *r, uint64_t since_ms)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (stream->welcomed && wire_server_put_no_leader(&stream->frame, since_ms) == CD_OK) {
            replica_stream_touch(r, stream);
        }
    }
}

static void tell_to_go(struct replica *r, struct replica_stream *stream, enum cd_status status,
                       const char *message)
{
    if (wire_server_put_go_away(&stream->frame, status, message, NULL, 0) != CD_OK) {
        replica_stream_flush(r, stream, false);
        enum cd_status put = wire_server_put_go_away(&stream->frame, status, message, NULL, 0);
        CD_ASSERT(put == CD_OK);
    }
    replica_stream_touch(r, stream);
}

void replica_tell_stopping(struct replica *r)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        tell_to_go(r, stream, CD_SHUTTING_DOWN, "this replica stops: go to another one");
    }
}

/* R6: nothing more of this state; a hello that waits is refused, later ones as they come. */
void replica_tell_fenced(struct replica *r)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (stream->closing) {
            continue;
        }
        if (replica_hello_waits(stream)) {
            replica_refuse_hello(r, stream, CD_BEHIND, replica_fence_text);
        }
        if (stream->welcomed && !stream->closing) {
            tell_to_go(r, stream, CD_BEHIND, replica_fence_text);
            replica_close_stream(r, stream, REPLICA_RPC_OK, "the last item says why");
        }
    }
}

static void forget_stream(struct replica *r, struct replica_stream *stream);

void replica_flush_streams(struct replica *r)
{
    while (r->dirty != NULL) {
        struct replica_stream *stream = r->dirty;
        r->dirty = stream->next_dirty;
        stream->dirty = false;
        if (stream->held_bytes + stream->held.bytes > REPLICA_HELD_BYTES_MAX) {
            replica_close_stream(r, stream, REPLICA_RPC_RESOURCE_EXHAUSTED,
                                 "the client reads too slowly");
        }
        replica_stream_flush(r, stream, false);
        if (stream->closing) {
            r->ports.stream_close(r->ports.context, stream->stream, stream->close_status,
                                  stream->close_message);
            forget_stream(r, stream);
        }
    }
}

void replica_stream_confirm(struct replica *r, struct replica_stream *stream, uint64_t frame)
{
    if (frame > stream->confirmed) {
        stream->confirmed = frame;
        stream->head_due = true;
        replica_stream_touch(r, stream);
    }
    if (stream->frames > frame) {
        replica_heartbeat(r, stream); /* younger frames came meanwhile */
    }
}

void replica_stream_end_session(struct replica *r, struct replica_stream *stream,
                                enum cd_status status)
{
    if (stream->closing) {
        return;
    }
    replica_catch_up_last(r, stream);
    tell_to_go(r, stream, status,
               status == CD_SESSION_MOVED ? "a newer stream of this session has taken over"
                                          : "the session has ended");
    replica_close_stream(r, stream, REPLICA_RPC_OK, "the last item says why");
}

/* --- They come and go --- */

void replica_on_stream_opened(struct replica *r, uint64_t number, const char *identity)
{
    CD_ASSERT(replica_stream_find(r, number) == NULL);
    if (r->stopping || HASH_COUNT(r->streams) >= REPLICA_STREAMS_MAX) {
        r->ports.stream_close(r->ports.context, number,
                              r->stopping ? REPLICA_RPC_UNAVAILABLE
                                          : REPLICA_RPC_RESOURCE_EXHAUSTED,
                              r->stopping ? "this replica stops: go to another one"
                                          : "this replica serves as many streams as it may");
        return;
    }
    struct replica_stream *stream = cd_calloc(1, sizeof(*stream));
    stream->stream = number;
    stream->identity = cd_strdup(identity);
    replica_who_of(r, stream->identity, &stream->who);
    cd_buf_init(&stream->frame, WIRE_SERVER_FRAME_BYTES_MAX);
    cd_buf_init(&stream->held, WIRE_SERVER_FRAME_BYTES_MAX);
    HASH_ADD(hh, r->streams, stream, sizeof(stream->stream), stream);
}

void replica_on_stream_sent(struct replica *r, uint64_t number, size_t bytes)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream != NULL) {
        CD_ASSERT(bytes <= stream->outstanding_bytes);
        stream->outstanding_bytes -= bytes;
    }
}

static void forget_stream(struct replica *r, struct replica_stream *stream)
{
    struct replica_stream **link = &r->dirty;
    while (stream->dirty && *link != NULL) {
        if (*link == stream) {
            *link = stream->next_dirty;
            break;
        }
        link = &(*link)->next_dirty;
    }
    replica_drop_writes(r, stream);
    replica_drop_watches(r, stream);
    replica_drop_hello(r, stream);
    replica_unserve(r, stream);
    HASH_DEL(r->streams, stream);
    cd_free(stream->close_message);
    cd_buf_release(&stream->frame);
    drop_held(stream);
    cd_free(stream->identity);
    cd_free(stream);
}

void replica_on_stream_closed(struct replica *r, uint64_t number)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream != NULL) {
        forget_stream(r, stream); /* reads that still wait for it find nobody to tell */
    }
}

void replica_close_stream(struct replica *r, struct replica_stream *stream,
                          enum replica_rpc_status status, const char *message)
{
    if (stream->closing) {
        return;
    }
    stream->closing = true;
    stream->close_status = status;
    stream->close_message = cd_strdup(message);
    replica_unserve(r, stream);
    replica_stream_touch(r, stream);
}

void replica_free_streams(struct replica *r)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        forget_stream(r, stream);
    }
}
