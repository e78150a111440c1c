#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/*
 * Strings, which come as bytes: see generate.cmake. Only here are they judged, so that none is
 * shorter on one side of a boundary than on the other.
 */

/*
 * Length of the UTF-8 sequence at `bytes`, by the table of well-formed sequences of the Unicode
 * standard (3.9, D92), 0 if there is none.
 */
static size_t sequence_length(const uint8_t *bytes, size_t left)
{
    uint8_t first = bytes[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t length = 0;
    if (first < 0x80) {
        return 1;
    } else if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    }
    if (length == 0 || left < length || bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (bytes[i] < 0x80 || bytes[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

enum cd_status wire_text(struct fsm_bytes *ret_text, ProtobufCBinaryData from, const char *field,
                         struct cd_error *error)
{
    size_t at = 0;
    while (at < from.len) {
        if (from.data[at] == 0) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s: a NUL at byte %zu; text has none in it", field, at);
        }
        size_t length = sequence_length(from.data + at, from.len - at);
        if (length == 0) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s: no valid UTF-8 at byte %zu; text must be UTF-8", field, at);
        }
        at += length;
    }
    *ret_text = wire_bytes(from);
    return CD_OK;
}

struct fsm_bytes wire_bytes(ProtobufCBinaryData from)
{
    return (struct fsm_bytes){.data = from.data, .bytes = from.len};
}

ProtobufCBinaryData wire_binary(const void *bytes, size_t bytes_count)
{
    /* protobuf-c has no type for bytes that it only reads. */
    return (ProtobufCBinaryData){.len = bytes_count, .data = (uint8_t *)bytes};
}

ProtobufCBinaryData wire_binary_of(struct fsm_bytes bytes)
{
    return wire_binary(bytes.data, bytes.bytes);
}

ProtobufCBinaryData wire_binary_text(const char *text)
{
    return text == NULL ? (ProtobufCBinaryData){0} : wire_binary(text, strlen(text));
}

enum cd_status wire_exact(uint8_t *ret_bytes, bool *ret_present, size_t count,
                          ProtobufCBinaryData from, const char *field, struct cd_error *error)
{
    if (from.len != 0 && from.len != count) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %zu bytes; it has %zu", field,
                            from.len, count);
    }
    *ret_present = from.len != 0;
    if (from.len != 0) {
        memcpy(ret_bytes, from.data, count);
    }
    return CD_OK;
}

/* The numbers are equal (status.h), but for those that stay inside a process. */
Coord__V1__Code wire_code(enum cd_status status)
{
    CD_ASSERT((int)status >= 0 && (int)status <= CD_STATUS_CLIENT_MAX);
    return (Coord__V1__Code)status;
}
