#include "replica/internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/*
 * Streams and calls: what a client sends becomes a write or a read; what it is told leaves in one
 * frame a turn, items in the order in which it must see them.
 */

#define SERVER_NAME "coordd/0.1.0"

struct replica_stream *replica_stream_find(struct replica *r, uint64_t number)
{
    struct replica_stream *stream = NULL;
    HASH_FIND(hh, r->streams, &number, sizeof(number), stream);
    return stream;
}

/* --- Going out --- */

static void mark_dirty(struct replica *r, struct replica_stream *stream)
{
    if (!stream->dirty) {
        stream->dirty = true;
        stream->next_dirty = r->dirty;
        r->dirty = stream;
    }
}

static void flush_stream(struct replica *r, struct replica_stream *stream)
{
    if (stream->frame.bytes == 0) {
        return;
    }
    struct wire_server_head head = {.applied_zxid = fsm_zxid(r->fsm)};
    if (wire_server_put_head(&stream->frame, &head) != CD_OK) {
        stream->frame.overflowed = false; /* no room: it is for diagnostics, so it stays out */
    }
    struct cd_blob *frame = cd_blob_copy(stream->frame.data, stream->frame.bytes);
    stream->outstanding_bytes += frame->bytes;
    r->ports.stream_send(r->ports.context, stream->stream, frame);
    cd_blob_unref(frame);
    if (stream->frame.capacity > (64u << 10)) {
        cd_buf_release(&stream->frame); /* one big page must not stay with an idle stream */
    }
    cd_buf_clear(&stream->frame);
}

static void put_reply(struct replica *r, struct replica_stream *stream,
                      const struct wire_reply *reply)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        enum cd_status status = wire_server_put_reply(&stream->frame, reply);
        if (status == CD_OK) {
            mark_dirty(r, stream);
            return;
        }
        flush_stream(r, stream); /* full: what it holds goes ahead */
    }
    struct wire_reply refusal;
    wire_reply_refuse(&refusal, reply->id, CD_TOO_LARGE,
                      "the answer does not fit a frame: ask for less at a time");
    enum cd_status status = wire_server_put_reply(&stream->frame, &refusal);
    CD_ASSERT(status == CD_OK);
    mark_dirty(r, stream);
}

static void answer_call(struct replica *r, uint64_t call, const struct wire_reply *reply)
{
    uint8_t none[PAXOS_CLUSTER_ID_BYTES] = {0};
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_SERVER_FRAME_BYTES_MAX);
    enum cd_status status =
        wire_call_encode(&buf, reply, config != NULL ? config->cluster_id : none,
                         config != NULL ? config->generation : 0);
    if (status == CD_OK) {
        struct cd_blob *blob = cd_blob_copy(buf.data, buf.bytes);
        r->ports.call_reply(r->ports.context, call, REPLICA_RPC_OK, NULL, blob);
        cd_blob_unref(blob);
    } else {
        r->ports.call_reply(r->ports.context, call, REPLICA_RPC_RESOURCE_EXHAUSTED,
                            "the answer does not fit a frame: ask for less at a time", NULL);
    }
    cd_buf_release(&buf);
}

void replica_answer(struct replica *r, const struct replica_asker *asker,
                    const struct wire_reply *reply)
{
    if (reply->status != CD_OK) {
        r->counts.refused++;
    }
    if (asker->is_call) {
        answer_call(r, asker->channel, reply);
        return;
    }
    struct replica_stream *stream = replica_stream_find(r, asker->channel);
    if (stream != NULL) {
        stream->seen_zxid = reply->zxid > stream->seen_zxid ? reply->zxid : stream->seen_zxid;
        put_reply(r, stream, reply);
    }
}

void replica_refuse(struct replica *r, const struct replica_asker *asker, enum cd_status status,
                    const char *message)
{
    struct wire_reply reply;
    wire_reply_refuse(&reply, asker->request, status, message);
    replica_answer(r, asker, &reply);
}

void replica_tell_leaderless(struct replica *r, uint64_t since_ms)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (stream->welcomed && wire_server_put_no_leader(&stream->frame, since_ms) == CD_OK) {
            mark_dirty(r, stream);
        }
    }
}

void replica_tell_stopping(struct replica *r)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (wire_server_put_go_away(&stream->frame, CD_SHUTTING_DOWN,
                                    "this replica stops: go to "
                                    "another one",
                                    NULL, 0) == CD_OK) {
            mark_dirty(r, stream);
        }
    }
}

void replica_flush_streams(struct replica *r)
{
    while (r->dirty != NULL) {
        struct replica_stream *stream = r->dirty;
        r->dirty = stream->next_dirty;
        stream->dirty = false;
        flush_stream(r, stream);
    }
}

/* --- Streams come and go --- */

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
    cd_buf_init(&stream->frame, WIRE_SERVER_FRAME_BYTES_MAX);
    HASH_ADD(hh, r->streams, stream, sizeof(stream->stream), stream);
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
    HASH_DEL(r->streams, stream);
    cd_buf_release(&stream->frame);
    cd_free(stream->identity);
    cd_free(stream);
}

void replica_on_stream_closed(struct replica *r, uint64_t number)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream != NULL) {
        forget_stream(r, stream); /* what still waits for it finds nobody to tell */
    }
}

void replica_on_stream_sent(struct replica *r, uint64_t number, size_t bytes)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream != NULL) {
        CD_ASSERT(bytes <= stream->outstanding_bytes);
        stream->outstanding_bytes -= bytes;
    }
}

static void close_stream(struct replica *r, struct replica_stream *stream,
                         enum replica_rpc_status status, const char *message)
{
    flush_stream(r, stream);
    r->ports.stream_close(r->ports.context, stream->stream, status, message);
    forget_stream(r, stream);
}

/* --- Coming in --- */

static enum cd_status judge_hello(const struct replica *r, const struct wire_hello *hello,
                                  const char **ret_message)
{
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config == NULL) {
        *ret_message = "this replica belongs to no cluster yet: run `coordctl init` on one replica";
        return CD_NOT_BORN;
    }
    bool other = hello->has_cluster &&
                 (memcmp(hello->cluster_id, config->cluster_id, sizeof(hello->cluster_id)) != 0 ||
                  (hello->generation != 0 && hello->generation != config->generation));
    if (other) {
        return CD_WRONG_CLUSTER;
    }
    if (hello->kind != WIRE_HELLO_PLAIN) {
        *ret_message = "this version opens and resumes no sessions: say hello without one";
        return CD_UNIMPLEMENTED;
    }
    return CD_OK;
}

static enum cd_status welcome(struct replica *r, struct replica_stream *stream,
                              const struct wire_client_frame *frame)
{
    const char *message = NULL;
    enum cd_status status = CD_INVALID_ARGUMENT;
    if (frame->hello != NULL) {
        status = judge_hello(r, frame->hello, &message);
        stream->seen_zxid = frame->hello->last_seen_zxid;
    } else if (frame->hello_refusal != NULL) {
        status = frame->hello_refusal->status;
        message = frame->hello_refusal->message;
    } else {
        message = "the first frame of a stream carries a hello";
    }
    struct paxos_status consensus;
    replica_get_status(r, &consensus);
    struct wire_welcome reply = {
        .status = status,
        .message = message,
        .replica = r->node,
        .leader = consensus.leader,
        .server = SERVER_NAME,
        .identity = stream->identity,
    };
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config != NULL) {
        reply.has_cluster = true;
        memcpy(reply.cluster_id, config->cluster_id, sizeof(reply.cluster_id));
        reply.generation = config->generation;
    }
    wire_limits_from_fsm(&reply.limits, &r->limits, 0, REPLICA_STREAM_READS_MAX);
    reply.limits.unacked_writes = REPLICA_STREAM_WRITES_MAX;
    struct wire_server_head head = {.welcome = &reply, .applied_zxid = fsm_zxid(r->fsm)};
    enum cd_status put = wire_server_put_head(&stream->frame, &head);
    CD_ASSERT(put == CD_OK); /* the first thing in an empty frame */
    mark_dirty(r, stream);
    stream->welcomed = status == CD_OK;
    return status;
}

static void take_request(struct replica *r, const struct replica_asker *asker,
                         struct replica_stream *stream, struct wire_request *request)
{
    if (request->kind == WIRE_REFUSED) {
        replica_refuse(r, asker, request->refusal->status, request->refusal->message);
    } else if (r->stopping) {
        replica_refuse(r, asker, CD_SHUTTING_DOWN, NULL);
    } else if (request->seq != 0 || request->after_seq != 0) {
        replica_refuse(r, asker, CD_UNIMPLEMENTED,
                       "seq belongs to a session, and this version "
                       "opens none: leave it out");
    } else if (request->kind == WIRE_WRITE) {
        replica_write(r, asker, stream, request);
    } else if (request->kind == WIRE_READ_TXN) {
        struct fsm_op txn = request->read.txn; /* through the log, as one that writes */
        request->kind = WIRE_WRITE;
        request->command = (struct fsm_command){.op = txn};
        replica_write(r, asker, stream, request);
    } else if (request->kind == WIRE_GET || request->kind == WIRE_EXISTS ||
               request->kind == WIRE_CHILDREN) {
        replica_read(r, asker, stream, request);
    } else {
        replica_refuse(r, asker, CD_UNIMPLEMENTED, "this replica does not serve that operation");
    }
}

void replica_on_stream_frame(struct replica *r, uint64_t number, struct cd_blob *bytes)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream == NULL || r->fatal) {
        return;
    }
    struct wire_client_frame frame;
    struct cd_error error = {0};
    enum cd_status status =
        wire_client_frame_decode(&r->arena, bytes->data, bytes->bytes, &frame, &error);
    if (status != CD_OK) {
        close_stream(r, stream, REPLICA_RPC_INVALID_ARGUMENT, error.message);
    } else if (!stream->welcomed && welcome(r, stream, &frame) != CD_OK) {
        close_stream(r, stream, REPLICA_RPC_OK, "the welcome says why");
    } else {
        for (size_t i = 0; i < frame.requests_count; i++) {
            struct replica_asker asker = {.channel = number, .request = frame.requests[i].id};
            take_request(r, &asker, stream, &frame.requests[i]);
        }
    }
    wire_arena_clear(&r->arena);
}

static void single_call(struct replica *r, uint64_t call, const void *bytes, size_t bytes_count)
{
    struct wire_request decoded;
    struct cd_error error = {0};
    enum cd_status status = wire_call_decode(&r->arena, bytes, bytes_count, &decoded, &error);
    struct replica_asker asker = {.is_call = true, .channel = call};
    if (status != CD_OK) {
        r->ports.call_reply(r->ports.context, call, REPLICA_RPC_INVALID_ARGUMENT, error.message,
                            NULL);
    } else if (paxos_is_empty(r->px)) {
        asker.request = decoded.id;
        replica_refuse(r, &asker, CD_NOT_BORN, NULL);
    } else if (decoded.kind == WIRE_WRITE && decoded.command.has_key) {
        asker.request = decoded.id;
        replica_refuse(r, &asker, CD_UNIMPLEMENTED,
                       "this version keeps no keys of calls: leave the key out");
    } else {
        asker.request = decoded.id;
        take_request(r, &asker, NULL, &decoded);
    }
    wire_arena_clear(&r->arena);
}

void replica_on_call(struct replica *r, uint64_t call, enum replica_method method,
                     const char *identity, const void *bytes, size_t bytes_count)
{
    if (method == REPLICA_METHOD_CALL) {
        single_call(r, call, bytes, bytes_count);
    } else {
        replica_admin(r, call, method, identity, bytes, bytes_count);
    }
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
