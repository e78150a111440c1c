#include "replica/internal.h"

#include "base/identity.h"

#include <string.h>

/* Single calls, and what calls and streams have in common: who asks, and being answered. */

void replica_who_of(const struct replica *r, const char *identity, struct fsm_who *ret_who)
{
    struct cd_identity whole;
    bool parsed = cd_identity_parse(identity, strlen(identity), &whole);
    CD_ASSERT(parsed); /* the transport makes them */
    *ret_who = (struct fsm_who){
        .scheme = (enum fsm_scheme)whole.scheme, /* the numbers are equal */
        .id = {(const uint8_t *)whole.name, whole.name_bytes},
        .administrator = replica_is_admin(r, identity),
    };
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
        replica_stream_reply(r, stream, reply);
    }
}

void replica_refuse(struct replica *r, const struct replica_asker *asker, enum cd_status status,
                    const char *message)
{
    struct wire_reply reply;
    wire_reply_refuse(&reply, asker->request, status, message);
    replica_answer(r, asker, &reply);
}

static void single_call(struct replica *r, uint64_t call, const char *identity, const void *bytes,
                        size_t bytes_count)
{
    struct wire_request request;
    struct cd_error error = {0};
    enum cd_status status = wire_call_decode(&r->arena, bytes, bytes_count, &request, &error);
    struct replica_asker asker = {.is_call = true, .channel = call};
    if (status != CD_OK) {
        r->ports.call_reply(r->ports.context, call, REPLICA_RPC_INVALID_ARGUMENT, error.message,
                            NULL);
        wire_arena_clear(&r->arena);
        return;
    }
    asker.request = request.id;
    if (paxos_is_empty(r->px)) {
        replica_refuse(r, &asker, CD_NOT_BORN, NULL);
    } else {
        replica_take_request(r, &asker, NULL, identity, &request);
    }
    wire_arena_clear(&r->arena);
}

void replica_on_call(struct replica *r, uint64_t call, enum replica_method method,
                     const char *identity, const void *bytes, size_t bytes_count)
{
    if (method == REPLICA_METHOD_CALL) {
        single_call(r, call, identity, bytes, bytes_count);
    } else {
        replica_admin(r, call, method, identity, bytes, bytes_count);
    }
}
