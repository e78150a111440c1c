#include "wire/client.h"

#include "wire/internal.h"

#include <string.h>

/* Frames and calls of clients, from bytes. reply.c is the other way. */

static const struct wire_bound frame_bound = {WIRE_CLIENT_FRAME_BYTES_MAX, "a frame"};
static const struct wire_bound call_bound = {WIRE_CLIENT_FRAME_BYTES_MAX, "a call"};

/* ---- Hello ---- */

static enum cd_status take_client_name(struct wire_hello *ret_hello, ProtobufCBinaryData from,
                                       struct cd_error *error)
{
    if (from.len > WIRE_CLIENT_NAME_BYTES_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "client: %zu bytes; the limit is %d",
                            from.len, (int)WIRE_CLIENT_NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < from.len; i++) {
        if (from.data[i] < 0x20 || from.data[i] > 0x7e) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "client: byte %zu is not printable ASCII", i);
        }
    }
    ret_hello->client = wire_bytes(from);
    return CD_OK;
}

static enum cd_status take_open(struct wire_hello *ret_hello, const Coord__V1__OpenSession *from,
                                struct cd_error *error)
{
    bool present = false;
    ret_hello->kind = WIRE_HELLO_OPEN;
    ret_hello->timeout_ms = from->timeout_ms;
    enum cd_status status = wire_exact(ret_hello->secret_hash, &present, WIRE_SECRET_HASH_BYTES,
                                       from->secret_hash, "open.secret_hash", error);
    if (status == CD_OK && !present) {
        status = cd_error_set(error, CD_INVALID_ARGUMENT, "open.secret_hash: it is missing");
    }
    return status;
}

static enum cd_status take_resume(struct wire_hello *ret_hello,
                                  const Coord__V1__ResumeSession *from, struct cd_error *error)
{
    bool present = false;
    ret_hello->kind = WIRE_HELLO_RESUME;
    ret_hello->session = from->session_id;
    ret_hello->attach = from->attach;
    enum cd_status status = wire_exact(ret_hello->secret, &present, WIRE_SECRET_BYTES, from->secret,
                                       "resume.secret", error);
    if (status == CD_OK && (!present || from->session_id == 0 || from->attach < 2)) {
        status = cd_error_set(error, CD_INVALID_ARGUMENT,
                              "resume: it has a session_id, a secret, and an attach from 2 on");
    }
    return status;
}

static enum cd_status take_hello(struct wire_hello *ret_hello, const Coord__V1__Hello *from,
                                 struct cd_error *error)
{
    ret_hello->generation = from->generation;
    ret_hello->last_seen_zxid = from->last_seen_zxid;
    ret_hello->features = from->features;
    enum cd_status status =
        wire_exact(ret_hello->cluster_id, &ret_hello->has_cluster, WIRE_CLUSTER_ID_BYTES,
                   from->cluster_id, "cluster_id", error);
    if (status == CD_OK) {
        status = take_client_name(ret_hello, from->client, error);
    }
    if (status == CD_OK && from->session_case == COORD__V1__HELLO__SESSION_OPEN) {
        status = take_open(ret_hello, from->open, error);
    }
    if (status == CD_OK && from->session_case == COORD__V1__HELLO__SESSION_RESUME) {
        status = take_resume(ret_hello, from->resume, error);
    }
    return status;
}

/* ---- Frames and calls ---- */

static enum cd_status decode_hello(struct wire_arena *arena, struct wire_client_frame *ret_frame,
                                   const Coord__V1__Hello *from, struct cd_error *error)
{
    struct wire_hello *hello = wire_arena_get(arena, sizeof(*hello));
    struct cd_error *refusal = wire_arena_get(arena, sizeof(*refusal));
    if (hello == NULL || refusal == NULL) {
        return wire_exhausted(arena, error);
    }
    if (take_hello(hello, from, refusal) == CD_OK) {
        ret_frame->hello = hello;
    } else {
        ret_frame->hello_refusal = refusal;
    }
    return CD_OK;
}

static enum cd_status decode_requests(struct wire_arena *arena, struct wire_client_frame *ret_frame,
                                      const Coord__V1__ClientFrame *from, struct cd_error *error)
{
    size_t count = from->n_requests;
    if (count > WIRE_FRAME_REQUESTS_MAX) {
        return cd_error_set(error, CD_TOO_MANY, "%zu requests in a frame; the limit is %d", count,
                            (int)WIRE_FRAME_REQUESTS_MAX);
    }
    ret_frame->requests = wire_arena_get_array(arena, count, sizeof(*ret_frame->requests));
    if (ret_frame->requests == NULL) {
        return wire_exhausted(arena, error);
    }
    ret_frame->requests_count = count;
    for (size_t i = 0; i < count; i++) {
        struct wire_request *request = &ret_frame->requests[i];
        enum cd_status status =
            wire_unpack_request(arena, wire_bytes(from->requests[i]), request, error);
        if (status != CD_OK) {
            return status;
        }
        if (request->id == 0) {
            return cd_error_set(error, CD_MALFORMED,
                                "a request without id: nobody could be answered");
        }
        if (request->kind == WIRE_WRITE && request->command.reply_mark < from->reply_mark) {
            request->command.reply_mark = from->reply_mark;
        }
    }
    return CD_OK;
}

enum cd_status wire_client_frame_decode(struct wire_arena *arena, const void *bytes,
                                        size_t bytes_count, struct wire_client_frame *ret_frame,
                                        struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__ClientFrame *from =
        wire_unpack(arena, &coord__v1__client_frame__descriptor, bytes, bytes_count, frame_bound,
                    &status, error);
    if (from == NULL) {
        return status;
    }
    *ret_frame = (struct wire_client_frame){
        .number = from->number,
        .reply_mark = from->reply_mark,
        .rearm_done = from->rearm_done,
    };
    if (from->hello != NULL) {
        status = decode_hello(arena, ret_frame, from->hello, error);
    }
    return status != CD_OK ? status : decode_requests(arena, ret_frame, from, error);
}

/* What a call is refused for besides the request's own faults; `reason` says why. */
static enum cd_status judge_call(const struct wire_request *request, bool has_key,
                                 struct cd_error *reason)
{
    bool write = request->kind == WIRE_WRITE;
    bool session = write && (request->command.op.kind == FSM_OP_SET_TIMEOUT ||
                             request->command.op.kind == FSM_OP_FORGET ||
                             request->command.op.kind == FSM_OP_CLOSE);
    if (request->seq != 0 || request->after_seq != 0) {
        return cd_error_set(reason, CD_INVALID_ARGUMENT,
                            "seq, after_seq: a call has no session, so they are 0");
    }
    if (request->kind == WIRE_WATCH || request->kind == WIRE_UNWATCH || session) {
        return cd_error_set(reason, CD_INVALID_ARGUMENT,
                            "watches and what concerns a session need a stream");
    }
    if (has_key && !write) {
        return cd_error_set(reason, CD_INVALID_ARGUMENT, "key: only a write has one");
    }
    return CD_OK;
}

/* The request within a call as bytes, as a frame has it. NULL: the arena's limit. */
static uint8_t *pack_request(struct wire_arena *arena, const Coord__V1__Request *from,
                             struct fsm_bytes *ret_packed)
{
    size_t bytes = coord__v1__request__get_packed_size(from);
    uint8_t *packed = wire_arena_get(arena, bytes);
    if (packed != NULL) {
        *ret_packed = (struct fsm_bytes){packed, coord__v1__request__pack(from, packed)};
    }
    return packed;
}

static enum cd_status take_call(struct wire_arena *arena, struct wire_request *request,
                                const Coord__V1__CallRequest *from, struct cd_error *error)
{
    static const Coord__V1__Request missing = COORD__V1__REQUEST__INIT;
    const Coord__V1__Request *sent = from->request != NULL ? from->request : &missing;
    struct fsm_bytes packed;
    if (pack_request(arena, sent, &packed) == NULL) {
        return wire_exhausted(arena, error);
    }
    enum cd_status status = wire_take_request(arena, packed, request, sent, error);
    if (status != CD_OK || request->kind == WIRE_REFUSED) {
        request->seq = 0; /* nothing of a call takes a place in a session */
        return status;
    }
    struct cd_error reason;
    uint8_t key[WIRE_CALL_KEY_BYTES];
    bool has_key = false;
    status = wire_exact(key, &has_key, sizeof(key), from->key, "key", &reason);
    if (status == CD_OK) {
        status = judge_call(request, has_key, &reason);
    }
    if (status != CD_OK) {
        request->seq = 0;
        status = wire_refuse_request(arena, request, &reason);
        return status == CD_OK ? CD_OK : wire_exhausted(arena, error);
    }
    if (has_key) {
        request->command.has_key = true;
        memcpy(request->command.key, key, sizeof(key));
    }
    return CD_OK;
}

enum cd_status wire_call_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                struct wire_request *ret_request, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__CallRequest *from =
        wire_unpack(arena, &coord__v1__call_request__descriptor, bytes, bytes_count, call_bound,
                    &status, error);
    return from == NULL ? status : take_call(arena, ret_request, from, error);
}
