#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/*
 * Cursors of lists, opaque to clients: a byte that names the form, version and boot (little
 * endian), the length of the position (likewise, 4 bytes), the position, the name.
 */
#define CURSOR_FORM       2u
#define CURSOR_HEAD_BYTES ((size_t)21)

uint32_t wire_page_limit(uint32_t asked)
{
    return asked == 0 || asked > WIRE_PAGE_ENTRIES_MAX ? WIRE_PAGE_ENTRIES_MAX : asked;
}

enum cd_status wire_cursor_take(struct wire_cursor *ret_cursor, ProtobufCBinaryData from,
                                struct cd_error *error)
{
    memset(ret_cursor, 0, sizeof(*ret_cursor));
    if (from.len == 0) {
        return CD_OK;
    }
    bool whole = from.len > CURSOR_HEAD_BYTES && from.len <= WIRE_CURSOR_BYTES_MAX &&
                 from.data[0] == CURSOR_FORM;
    size_t position_bytes = whole ? cd_get_u32(from.data + 17) : 0;
    if (position_bytes == 0 || position_bytes > from.len - CURSOR_HEAD_BYTES) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "cursor: not one of this server; begin the list again");
    }
    ret_cursor->given = true;
    ret_cursor->version = cd_get_u64(from.data + 1);
    ret_cursor->boot = cd_get_u64(from.data + 9);
    uint8_t *position = from.data + CURSOR_HEAD_BYTES;
    enum cd_status status =
        wire_text(&ret_cursor->position, wire_binary(position, position_bytes), "cursor", error);
    return status != CD_OK ? status
                           : wire_text(&ret_cursor->name,
                                       wire_binary(position + position_bytes,
                                                   from.len - CURSOR_HEAD_BYTES - position_bytes),
                                       "cursor", error);
}

enum cd_status wire_cursor_fill(struct wire_arena *arena, ProtobufCBinaryData *ret_bytes,
                                const struct wire_cursor *cursor)
{
    *ret_bytes = (ProtobufCBinaryData){0};
    if (!cursor->given) {
        return CD_OK;
    }
    size_t count = CURSOR_HEAD_BYTES + cursor->position.bytes + cursor->name.bytes;
    CD_ASSERT(cursor->position.bytes > 0 && count <= WIRE_CURSOR_BYTES_MAX);
    uint8_t *bytes = wire_arena_get(arena, count);
    if (bytes == NULL) {
        return CD_TOO_LARGE;
    }
    bytes[0] = CURSOR_FORM;
    cd_put_u64(bytes + 1, cursor->version);
    cd_put_u64(bytes + 9, cursor->boot);
    cd_put_u32(bytes + 17, (uint32_t)cursor->position.bytes);
    memcpy(bytes + CURSOR_HEAD_BYTES, cursor->position.data, cursor->position.bytes);
    if (cursor->name.bytes > 0) {
        memcpy(bytes + CURSOR_HEAD_BYTES + cursor->position.bytes, cursor->name.data,
               cursor->name.bytes);
    }
    *ret_bytes = wire_binary(bytes, count);
    return CD_OK;
}
