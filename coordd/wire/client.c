#include "wire/client.h"

#include "wire/internal.h"

#include <string.h>

/* Frames and calls of clients, from bytes. reply.c is the other way. */

static const struct wire_bound frame_bound = {WIRE_CLIENT_FRAME_BYTES_MAX, "a frame"};
static const struct wire_bound request_bound = {WIRE_CLIENT_FRAME_BYTES_MAX, "a request"};

static enum cd_status take_cursor(struct wire_cursor *ret_cursor, ProtobufCBinaryData from,
                                  struct cd_error *error)
{
    if (from.len == 0) {
        return CD_OK;
    }
    if (from.len <= WIRE_CURSOR_HEAD_BYTES || from.data[0] != WIRE_CURSOR_VERSION) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "cursor: not one of this server; begin the list again");
    }
    ret_cursor->czxid = cd_get_u64(from.data + 1);
    ret_cursor->pzxid = cd_get_u64(from.data + 9);
    ProtobufCBinaryData name =
        wire_binary(from.data + WIRE_CURSOR_HEAD_BYTES, from.len - WIRE_CURSOR_HEAD_BYTES);
    return wire_text(&ret_cursor->after, name, "cursor", error);
}

/* ---- Requests ---- */

static enum cd_status take_children(struct wire_request *ret_request,
                                    const Coord__V1__ChildrenRequest *from, struct cd_error *error)
{
    struct wire_children_request *children = &ret_request->children;
    ret_request->kind = WIRE_CHILDREN;
    children->with_stat = from->with_stat;
    children->with_data = from->with_data;
    children->limit = from->limit == 0 || from->limit > WIRE_PAGE_ENTRIES_MAX
                          ? WIRE_PAGE_ENTRIES_MAX
                          : from->limit;
    enum cd_status status = wire_text(&ret_request->path, from->path, "path", error);
    if (status == CD_OK && from->cursor.len > 0 && from->start_after.len > 0) {
        status = cd_error_set(error, CD_INVALID_ARGUMENT,
                              "start_after: only with an empty cursor, which says it already");
    }
    if (status == CD_OK) {
        status = take_cursor(&children->cursor, from->cursor, error);
    }
    if (status == CD_OK && from->start_after.len > 0) {
        status = wire_text(&children->cursor.after, from->start_after, "start_after", error);
    }
    return status;
}

static enum cd_status take_level(struct wire_request *ret_request, const Coord__V1__Request *from,
                                 struct cd_error *error)
{
    switch (from->level) {
    case COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE:
        ret_request->level = WIRE_LINEARIZABLE;
        break;
    case COORD__V1__READ_LEVEL__READ_LEVEL_SESSION:
        ret_request->level = WIRE_SESSION;
        break;
    case COORD__V1__READ_LEVEL__READ_LEVEL_AT_LEAST:
        ret_request->level = WIRE_AT_LEAST;
        break;
    default:
        return cd_error_set(error, CD_UNIMPLEMENTED, "level: this server does not know %d",
                            (int)from->level);
    }
    if ((ret_request->level == WIRE_AT_LEAST) != (from->at_least_zxid != 0)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "at_least_zxid: set with READ_LEVEL_AT_LEAST, and only then");
    }
    ret_request->at_least_zxid = from->at_least_zxid;
    return CD_OK;
}

static enum cd_status take_read(struct wire_request *ret_request, const Coord__V1__Request *from,
                                struct cd_error *error)
{
    if (from->seq != 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "seq: only writes have one; a read may have after_seq");
    }
    ret_request->after_seq = from->after_seq;
    ret_request->wait_ms = from->wait_ms;
    enum cd_status status = take_level(ret_request, from, error);
    if (status != CD_OK) {
        return status;
    }
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_GET:
        ret_request->kind = WIRE_GET;
        return wire_text(&ret_request->path, from->get->path, "path", error);
    case COORD__V1__REQUEST__OP_EXISTS:
        ret_request->kind = WIRE_EXISTS;
        return wire_text(&ret_request->path, from->exists->path, "path", error);
    default:
        return take_children(ret_request, from->children, error);
    }
}

static enum cd_status take_write(struct wire_arena *arena, struct wire_request *ret_request,
                                 const Coord__V1__Request *from, struct cd_error *error)
{
    struct fsm_op *op = &ret_request->command.op;
    if (from->if_held != NULL) {
        return cd_error_set(error, CD_UNIMPLEMENTED, "if_held: this server knows no fences");
    }
    ret_request->kind = WIRE_WRITE;
    ret_request->seq = from->seq;
    ret_request->command.seq = from->seq;
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_CREATE:
        return wire_take_create(op, from->create, error);
    case COORD__V1__REQUEST__OP_SET:
        return wire_take_set(op, from->set, error);
    case COORD__V1__REQUEST__OP_DELETE:
        return wire_take_delete(op, from->delete_, error);
    default:
        return wire_take_txn(arena, op, from->txn, error);
    }
}

static enum cd_status take_operation(struct wire_arena *arena, struct wire_request *ret_request,
                                     const Coord__V1__Request *from, struct cd_error *error)
{
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_CREATE:
    case COORD__V1__REQUEST__OP_SET:
    case COORD__V1__REQUEST__OP_DELETE:
    case COORD__V1__REQUEST__OP_TXN:
        return take_write(arena, ret_request, from, error);
    case COORD__V1__REQUEST__OP_GET:
    case COORD__V1__REQUEST__OP_EXISTS:
    case COORD__V1__REQUEST__OP_CHILDREN:
        return take_read(ret_request, from, error);
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, error);
    }
}

/* Makes `request` one that is to be answered with `reason`. */
static enum cd_status refuse(struct wire_arena *arena, struct wire_request *request,
                             const struct cd_error *reason)
{
    struct cd_error *refusal = wire_arena_get(arena, sizeof(*refusal));
    if (refusal == NULL) {
        return CD_TOO_LARGE;
    }
    *refusal = *reason;
    *request = (struct wire_request){.id = request->id, .refusal = refusal};
    return CD_OK;
}

/*
 * A request as far as it can be understood. CD_OK also for one that is refused; CD_TOO_LARGE if the
 * arena is full, which is not the fault of this request alone.
 */
static enum cd_status take_request(struct wire_arena *arena, struct wire_request *ret_request,
                                   const Coord__V1__Request *from)
{
    struct cd_error reason;
    ret_request->id = from->id;
    enum cd_status status = take_operation(arena, ret_request, from, &reason);
    if (status == CD_OK) {
        return CD_OK;
    }
    return arena->exhausted ? CD_TOO_LARGE : refuse(arena, ret_request, &reason);
}

/* A request of a frame, which comes as bytes. */
static enum cd_status decode_request(struct wire_arena *arena, struct wire_request *ret_request,
                                     ProtobufCBinaryData bytes, struct cd_error *error)
{
    struct cd_error reason;
    enum cd_status status = CD_OK;
    const Coord__V1__Request *from = wire_unpack(arena, &coord__v1__request__descriptor, bytes.data,
                                                 bytes.len, request_bound, &status, &reason);
    if (from == NULL && arena->exhausted) {
        return wire_exhausted(arena, error);
    }
    ret_request->id = from != NULL ? from->id : wire_salvage_id(bytes.data, bytes.len);
    if (ret_request->id == 0) {
        return cd_error_set(error, CD_MALFORMED, "a request without id: nobody could be answered");
    }
    if (from == NULL) {
        reason.status = CD_INVALID_ARGUMENT;
        status = refuse(arena, ret_request, &reason);
    } else {
        status = take_request(arena, ret_request, from);
    }
    return status == CD_OK ? CD_OK : wire_exhausted(arena, error);
}

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
        enum cd_status status =
            decode_request(arena, &ret_frame->requests[i], from->requests[i], error);
        if (status != CD_OK) {
            return status;
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

static enum cd_status take_call(struct wire_arena *arena, struct wire_call *ret_call,
                                const Coord__V1__CallRequest *from, struct cd_error *reason)
{
    struct wire_request *request = &ret_call->request;
    if (from->request == NULL) {
        return cd_error_set(reason, CD_INVALID_ARGUMENT, "request: it is missing");
    }
    request->id = from->request->id;
    if (from->request->seq != 0 || from->request->after_seq != 0) {
        return cd_error_set(reason, CD_INVALID_ARGUMENT,
                            "seq, after_seq: a call has no session, so they are 0");
    }
    enum cd_status status = wire_exact(ret_call->key, &ret_call->has_key, WIRE_CALL_KEY_BYTES,
                                       from->key, "key", reason);
    if (status == CD_OK) {
        status = take_operation(arena, request, from->request, reason);
    }
    return status;
}

enum cd_status wire_call_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                struct wire_call *ret_call, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__CallRequest *from =
        wire_unpack(arena, &coord__v1__call_request__descriptor, bytes, bytes_count, request_bound,
                    &status, error);
    if (from == NULL) {
        return status;
    }
    struct cd_error reason;
    memset(ret_call, 0, sizeof(*ret_call));
    status = take_call(arena, ret_call, from, &reason);
    if (status != CD_OK && !arena->exhausted) {
        status = refuse(arena, &ret_call->request, &reason);
    }
    return status == CD_OK ? CD_OK : wire_exhausted(arena, error);
}
