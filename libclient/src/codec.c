#include "codec_internal.h"

#include <string.h>

/* Frames of a stream, and what all files of the codec need. */

static void *arena_alloc(void *context, size_t bytes)
{
    return client_arena_get(context, bytes);
}

/* The arena takes everything back at once. */
static void arena_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

void *codec_unpack(struct client_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                   const void *bytes, size_t count, enum coord_code *ret_code,
                   struct coord_error *error)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    void *message = protobuf_c_message_unpack(descriptor, &allocator, count, bytes);
    if (message != NULL) {
        *ret_code = COORD_OK;
    } else if (arena->refused) {
        *ret_code = client_error_no_memory(error);
    } else {
        *ret_code = client_error_set(error, COORD_MALFORMED, "it sent %zu bytes that are no %s",
                                     count, descriptor->name);
    }
    return message;
}

enum coord_code codec_pack(const ProtobufCMessage *message, size_t spare,
                           struct client_bytes *ret_bytes)
{
    size_t count = protobuf_c_message_get_packed_size(message);
    uint8_t *data = client_malloc(count + spare);
    if (data == NULL) {
        return COORD_NO_MEMORY;
    }
    *ret_bytes = (struct client_bytes){data, protobuf_c_message_pack(message, data)};
    return COORD_OK;
}

ProtobufCBinaryData codec_binary(const void *data, size_t count)
{
    return (ProtobufCBinaryData){count, (uint8_t *)(uintptr_t)data};
}

/* ---- What goes out ---- */

struct hello_parts {
    Coord__V1__Hello hello;
    Coord__V1__OpenSession open;
    Coord__V1__ResumeSession resume;
};

static void fill_hello(struct hello_parts *parts, const struct client_hello *from)
{
    *parts = (struct hello_parts){COORD__V1__HELLO__INIT, COORD__V1__OPEN_SESSION__INIT,
                                  COORD__V1__RESUME_SESSION__INIT};
    Coord__V1__Hello *to = &parts->hello;
    if (from->has_cluster) {
        to->cluster_id = codec_binary(from->cluster_id, sizeof(from->cluster_id));
        to->generation = from->generation;
    }
    to->last_seen_zxid = from->last_seen_zxid;
    to->client = codec_binary(from->client, strlen(from->client));
    if (from->session_id != 0) {
        parts->resume.session_id = from->session_id;
        parts->resume.secret = codec_binary(from->secret, CLIENT_SECRET_BYTES);
        parts->resume.attach = from->attach;
        to->session_case = COORD__V1__HELLO__SESSION_RESUME;
        to->resume = &parts->resume;
    } else if (from->secret_hash != NULL) {
        parts->open.secret_hash = codec_binary(from->secret_hash, CLIENT_SECRET_HASH_BYTES);
        parts->open.timeout_ms = from->timeout_ms;
        to->session_case = COORD__V1__HELLO__SESSION_OPEN;
        to->open = &parts->open;
    }
}

enum coord_code client_codec_frame_encode(const struct client_frame_out *frame,
                                          struct client_bytes *ret_bytes)
{
    Coord__V1__ClientFrame message = COORD__V1__CLIENT_FRAME__INIT;
    struct hello_parts parts;
    message.number = frame->number;
    message.reply_mark = frame->reply_mark;
    message.rearm_done = frame->rearm_done;
    if (frame->hello != NULL) {
        fill_hello(&parts, frame->hello);
        message.hello = &parts.hello;
    }
    message.requests = client_calloc(frame->requests_count, sizeof(*message.requests));
    if (message.requests == NULL) {
        return COORD_NO_MEMORY;
    }
    for (size_t i = 0; i < frame->requests_count; i++) {
        message.requests[i] = codec_binary(frame->requests[i].data, frame->requests[i].count);
    }
    message.n_requests = frame->requests_count;
    enum coord_code code = codec_pack(&message.base, 0, ret_bytes);
    client_free(message.requests);
    return code;
}

/* ---- What comes in ---- */

/* Text for a person; what is behind a NUL is lost. NULL without memory. */
static const char *take_text(struct client_arena *arena, ProtobufCBinaryData from)
{
    return client_arena_copy(arena, from.data, from.len);
}

static enum coord_code take_welcome(struct client_frame *frame, const Coord__V1__Welcome *from,
                                    struct coord_error *error)
{
    struct client_welcome *to = client_arena_get(&frame->arena, sizeof(*to));
    const char *message = to != NULL ? take_text(&frame->arena, from->message) : NULL;
    if (message == NULL) {
        return client_error_no_memory(error);
    }
    if (from->cluster_id.len != 0 && from->cluster_id.len != COORD_CLUSTER_ID_BYTES) {
        return client_error_set(error, COORD_MALFORMED,
                                "its welcome has a cluster id of %zu bytes, not of %d",
                                from->cluster_id.len, COORD_CLUSTER_ID_BYTES);
    }
    to->code = client_code_from_wire((uint32_t)from->code);
    to->message = message;
    to->has_cluster = from->cluster_id.len != 0;
    if (to->has_cluster) {
        memcpy(to->cluster_id, from->cluster_id.data, COORD_CLUSTER_ID_BYTES);
    }
    to->generation = from->generation;
    if (from->limits != NULL) {
        to->limits.frame_bytes = from->limits->frame_bytes;
        to->limits.frame_requests = from->limits->frame_requests;
        to->limits.unacked_writes = from->limits->unacked_writes;
        to->limits.kept_reply_bytes = from->limits->kept_reply_bytes;
        to->limits.waiting_reads = from->limits->waiting_reads;
    }
    to->session_id = from->session_id;
    to->attach = from->attach;
    to->timeout_ms = from->timeout_ms;
    frame->welcome = to;
    return COORD_OK;
}

static enum coord_code take_outcome(struct client_frame *frame, struct client_item *item,
                                    const Coord__V1__OutcomeOfResult *from)
{
    struct client_outcome *to = client_arena_get(&frame->arena, sizeof(*to));
    const char *message = to != NULL ? take_text(&frame->arena, from->message) : NULL;
    if (message == NULL) {
        return COORD_NO_MEMORY;
    }
    to->code = client_code_from_wire((uint32_t)from->code);
    to->message = message;
    to->failed_index = COORD_NO_INDEX;
    item->outcome = to; /* from here on the frame frees the result */
    if (to->code == COORD_OK) {
        enum coord_code code = codec_take_outcome(from, &to->result);
        to->malformed = code == COORD_MALFORMED;
        return code == COORD_NO_MEMORY ? code : COORD_OK;
    }
    if (from->result_case == COORD__V1__OUTCOME_OF_RESULT__RESULT_TXN) {
        to->failed_index = from->txn->failed_index;
    }
    return COORD_OK;
}

static enum coord_code take_reply(struct client_frame *frame, struct client_item *to,
                                  const Coord__V1__Reply *from)
{
    to->kind = CLIENT_ITEM_REPLY;
    to->id = from->id;
    to->bytes = protobuf_c_message_get_packed_size(&from->base);
    to->code = client_code_from_wire((uint32_t)from->code);
    to->zxid = from->zxid;
    to->failed_index = COORD_NO_INDEX;
    to->message = take_text(&frame->arena, from->message);
    if (to->message == NULL) {
        return COORD_NO_MEMORY;
    }
    if (to->code == COORD_OK && from->result_case == COORD__V1__REPLY__RESULT_OUTCOME_OF) {
        return take_outcome(frame, to, from->outcome_of);
    }
    if (to->code == COORD_OK) {
        enum coord_code code = codec_take_result(from, &to->result);
        to->malformed = code == COORD_MALFORMED;
        return code == COORD_NO_MEMORY ? code : COORD_OK;
    }
    if (from->result_case == COORD__V1__REPLY__RESULT_TXN) {
        to->failed_index = from->txn->failed_index;
    }
    return COORD_OK;
}

static enum coord_code take_go_away(struct client_frame *frame, struct client_item *to,
                                    const Coord__V1__GoAway *from)
{
    to->kind = CLIENT_ITEM_GO_AWAY;
    to->code = client_code_from_wire((uint32_t)from->code);
    to->message = take_text(&frame->arena, from->message);
    const char **endpoints =
        client_arena_get_array(&frame->arena, from->n_endpoints, sizeof(char *));
    if (to->message == NULL || endpoints == NULL) {
        return COORD_NO_MEMORY;
    }
    for (size_t i = 0; i < from->n_endpoints; i++) {
        endpoints[i] = take_text(&frame->arena, from->endpoints[i]);
        if (endpoints[i] == NULL) {
            return COORD_NO_MEMORY;
        }
    }
    to->endpoints = endpoints;
    to->endpoints_count = from->n_endpoints;
    return COORD_OK;
}

static enum coord_code take_item(struct client_frame *frame, const Coord__V1__Item *from)
{
    struct client_item *to = &frame->items[frame->items_count];
    frame->items_count++;
    switch (from->item_case) {
    case COORD__V1__ITEM__ITEM_REPLY:
        return take_reply(frame, to, from->reply);
    case COORD__V1__ITEM__ITEM_GO_AWAY:
        return take_go_away(frame, to, from->go_away);
    case COORD__V1__ITEM__ITEM_NO_LEADER:
        to->kind = CLIENT_ITEM_NO_LEADER;
        return COORD_OK;
    case COORD__V1__ITEM__ITEM_EVENT:
    case COORD__V1__ITEM__ITEM_QUEUE_FRONT:
    case COORD__V1__ITEM__ITEM_LAGGED:
    case COORD__V1__ITEM__ITEM_RESYNC:
        return codec_take_watch_item(frame, to, from);
    case COORD__V1__ITEM__ITEM_BOOKMARK:
        to->kind = CLIENT_ITEM_BOOKMARK;
        to->zxid = from->bookmark->zxid;
        return COORD_OK;
    default: /* of a later version */
        frame->items_count--;
        return COORD_OK;
    }
}

static enum coord_code take_frame(struct client_frame *frame, const Coord__V1__ServerFrame *from,
                                  struct coord_error *error)
{
    frame->items = client_arena_get_array(&frame->arena, from->n_items, sizeof(struct client_item));
    if (frame->items == NULL) {
        return client_error_no_memory(error);
    }
    if (from->welcome != NULL) {
        enum coord_code code = take_welcome(frame, from->welcome, error);
        if (code != COORD_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < from->n_items; i++) {
        enum coord_code code = take_item(frame, from->items[i]);
        if (code == COORD_MALFORMED) {
            return client_error_set(error, code, "it sent an event that makes no sense");
        }
        if (code != COORD_OK) {
            return client_error_no_memory(error);
        }
    }
    frame->confirmed = from->confirmed;
    frame->complete_to = from->complete_to;
    frame->more = from->more;
    return COORD_OK;
}

enum coord_code client_codec_frame_decode(const void *bytes, size_t count,
                                          struct client_frame *ret_frame, struct coord_error *error)
{
    struct client_arena unpacked;
    struct client_frame frame = {.welcome = NULL};
    enum coord_code code = COORD_OK;
    client_arena_init(&unpacked, CLIENT_UNPACK_BYTES_MAX);
    client_arena_init(&frame.arena, CLIENT_UNPACK_BYTES_MAX);
    const Coord__V1__ServerFrame *message =
        codec_unpack(&unpacked, &coord__v1__server_frame__descriptor, bytes, count, &code, error);
    if (message != NULL) {
        code = take_frame(&frame, message, error);
    }
    client_arena_release(&unpacked);
    if (code != COORD_OK) {
        client_codec_frame_release(&frame);
        return code;
    }
    *ret_frame = frame;
    return COORD_OK;
}

void client_codec_frame_release(struct client_frame *frame)
{
    for (size_t i = 0; i < frame->items_count; i++) {
        coord_result_free(frame->items[i].result);
        if (frame->items[i].outcome != NULL) {
            coord_result_free(frame->items[i].outcome->result);
        }
    }
    client_arena_release(&frame->arena);
    *frame = (struct client_frame){.items_count = 0};
}
