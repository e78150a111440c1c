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

enum coord_code client_codec_hello_encode(uint64_t number, const struct client_hello *hello,
                                          struct client_bytes *ret_bytes)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    Coord__V1__Hello message = COORD__V1__HELLO__INIT;
    if (hello->has_cluster) {
        message.cluster_id = codec_binary(hello->cluster_id, sizeof(hello->cluster_id));
        message.generation = hello->generation;
    }
    message.last_seen_zxid = hello->last_seen_zxid;
    message.client = codec_binary(hello->client, strlen(hello->client));
    frame.number = number;
    frame.hello = &message;
    return codec_pack(&frame.base, 0, ret_bytes);
}

enum coord_code client_codec_frame_encode(uint64_t number, const struct client_request *first,
                                          size_t count, struct client_bytes *ret_bytes)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.number = number;
    frame.requests = client_calloc(count, sizeof(*frame.requests));
    if (frame.requests == NULL) {
        return COORD_NO_MEMORY;
    }
    for (const struct client_request *request = first; frame.n_requests < count;
         request = request->next) {
        frame.requests[frame.n_requests++] = codec_binary(request->bytes, request->bytes_count);
    }
    enum coord_code code = codec_pack(&frame.base, 0, ret_bytes);
    client_free(frame.requests);
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
        to->limits.waiting_reads = from->limits->waiting_reads;
    }
    frame->welcome = to;
    return COORD_OK;
}

static enum coord_code take_reply(struct client_frame *frame, struct client_item *to,
                                  const Coord__V1__Reply *from)
{
    to->kind = CLIENT_ITEM_REPLY;
    to->id = from->id;
    to->code = client_code_from_wire((uint32_t)from->code);
    to->zxid = from->zxid;
    to->failed_index = COORD_NO_INDEX;
    to->message = take_text(&frame->arena, from->message);
    if (to->message == NULL) {
        return COORD_NO_MEMORY;
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
    switch (from->item_case) {
    case COORD__V1__ITEM__ITEM_REPLY:
        frame->items_count++;
        return take_reply(frame, to, from->reply);
    case COORD__V1__ITEM__ITEM_GO_AWAY:
        frame->items_count++;
        return take_go_away(frame, to, from->go_away);
    case COORD__V1__ITEM__ITEM_NO_LEADER:
        frame->items_count++;
        to->kind = CLIENT_ITEM_NO_LEADER;
        return COORD_OK;
    default: /* of watches, which this library does not set, or of a later version */
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
        if (take_item(frame, from->items[i]) != COORD_OK) {
            return client_error_no_memory(error);
        }
    }
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
    }
    client_arena_release(&frame->arena);
    *frame = (struct client_frame){.items_count = 0};
}
