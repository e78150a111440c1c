#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/* Between bytes and protobuf-c's messages. */

static void *arena_alloc(void *context, size_t bytes)
{
    return wire_arena_get(context, bytes);
}

/* The arena takes everything back at once. */
static void arena_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

enum cd_status wire_exhausted(const struct wire_arena *arena, struct cd_error *error)
{
    return cd_error_set(error, CD_TOO_LARGE,
                        "decoding it takes more than %zu bytes of memory; send less at a time",
                        arena->limit);
}

void *wire_unpack(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                  const void *bytes, size_t bytes_count, struct wire_bound bound,
                  enum cd_status *ret_status, struct cd_error *error)
{
    if (bytes_count > bound.limit) {
        *ret_status = cd_error_set(error, CD_TOO_LARGE, "%s has %zu bytes; the limit is %zu",
                                   bound.name, bytes_count, bound.limit);
        return NULL;
    }
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes_count, bytes);
    if (message != NULL) {
        *ret_status = CD_OK;
    } else if (arena->exhausted) {
        *ret_status = wire_exhausted(arena, error);
    } else {
        *ret_status = cd_error_set(error, CD_MALFORMED, "%s of %zu bytes is no %s", bound.name,
                                   bytes_count, descriptor->name);
    }
    return message;
}

void *wire_unpack_known(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                        const void *bytes, size_t bytes_count, struct wire_bound bound,
                        enum cd_status *ret_status, struct cd_error *error)
{
    ProtobufCMessage *message =
        wire_unpack(arena, descriptor, bytes, bytes_count, bound, ret_status, error);
    if (message != NULL && wire_has_unknown(message)) {
        *ret_status = cd_error_set(error, CD_NEWER_FORMAT,
                                   "%s holds a field that this version does not know", bound.name);
        return NULL;
    }
    return message;
}

enum cd_status wire_pack(struct cd_buf *buf, size_t limit, const ProtobufCMessage *message)
{
    CD_ASSERT(!buf->overflowed);
    size_t bytes = protobuf_c_message_get_packed_size(message);
    size_t room = limit < buf->limit ? limit : buf->limit;
    if (buf->bytes > room || bytes > room - buf->bytes) {
        return CD_TOO_LARGE;
    }
    if (bytes > 0) {
        uint8_t *to = cd_buf_extend(buf, bytes);
        CD_ASSERT(to != NULL);
        size_t packed = protobuf_c_message_pack(message, to);
        CD_ASSERT(packed == bytes);
    }
    return CD_OK;
}

static const void *member(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

/* The messages in one field: their number, and an array of pointers to them. */
static size_t messages_in(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                          ProtobufCMessage *const **ret_messages)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return 0;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = 0;
        memcpy(&count, member(message, field->quantifier_offset), sizeof(count));
        memcpy(ret_messages, member(message, field->offset), sizeof(*ret_messages));
        return count;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t chosen = 0;
        memcpy(&chosen, member(message, field->quantifier_offset), sizeof(chosen));
        if (chosen != field->id) {
            return 0;
        }
    }
    *ret_messages = member(message, field->offset);
    return **ret_messages == NULL ? 0 : 1;
}

/* As deep as the contract nests messages, which never contain themselves. */
bool wire_has_unknown(const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0) {
        return true;
    }
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        ProtobufCMessage *const *inside = NULL;
        size_t count = messages_in(message, &descriptor->fields[i], &inside);
        for (size_t k = 0; k < count; k++) {
            if (wire_has_unknown(inside[k])) {
                return true;
            }
        }
    }
    return false;
}

size_t wire_varint_get(uint64_t *ret_value, const uint8_t *bytes, size_t bytes_count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes_count && i < WIRE_VARINT_BYTES_MAX; i++) {
        value |= (uint64_t)(bytes[i] & 0x7fu) << (7 * i);
        if ((bytes[i] & 0x80u) == 0) {
            *ret_value = value;
            return i + 1;
        }
    }
    return bytes_count < WIRE_VARINT_BYTES_MAX ? 0 : WIRE_VARINT_BYTES_MAX + 1;
}

size_t wire_varint_put(uint8_t to[WIRE_VARINT_BYTES_MAX], uint64_t value)
{
    size_t bytes = 0;
    while (value >= 0x80) {
        to[bytes++] = (uint8_t)(value | 0x80u);
        value >>= 7;
    }
    to[bytes++] = (uint8_t)value;
    return bytes;
}

size_t wire_varint_bytes(uint64_t value)
{
    size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

struct reader {
    const uint8_t *bytes;
    size_t left;
};

static bool read_varint(struct reader *reader, uint64_t *ret_value)
{
    size_t bytes = wire_varint_get(ret_value, reader->bytes, reader->left);
    if (bytes == 0 || bytes > WIRE_VARINT_BYTES_MAX) {
        return false;
    }
    reader->bytes += bytes;
    reader->left -= bytes;
    return true;
}

/* Skips the value of a field with this wire type. */
static bool skip_value(struct reader *reader, uint64_t wire_type)
{
    uint64_t bytes = 0;
    switch (wire_type) {
    case 0:
        return read_varint(reader, &bytes);
    case 1:
        bytes = 8;
        break;
    case 2:
        if (!read_varint(reader, &bytes)) {
            return false;
        }
        break;
    case 5:
        bytes = 4;
        break;
    default:
        return false;
    }
    if (bytes > reader->left) {
        return false;
    }
    reader->bytes += bytes;
    reader->left -= (size_t)bytes;
    return true;
}

uint64_t wire_salvage(const uint8_t *bytes, size_t bytes_count, unsigned field)
{
    struct reader reader = {bytes, bytes_count};
    uint64_t tag = 0;
    while (read_varint(&reader, &tag)) {
        if (tag == (uint64_t)field << 3) {
            uint64_t value = 0;
            return read_varint(&reader, &value) ? value : 0;
        }
        if (!skip_value(&reader, tag & 7u)) {
            return 0;
        }
    }
    return 0;
}

enum cd_status wire_error_prefix(struct cd_error *error, enum cd_status status, const char *list,
                                 size_t index)
{
    if (error == NULL) {
        return status;
    }
    struct cd_error inner = *error;
    return cd_error_set(error, status, "%s[%zu]: %s", list, index, inner.message);
}
