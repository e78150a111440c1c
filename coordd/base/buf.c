#include "base/buf.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cd_buf_init(struct cd_buf *buf, size_t limit_bytes)
{
    *buf = (struct cd_buf){.limit = limit_bytes};
}

void cd_buf_release(struct cd_buf *buf)
{
    cd_free(buf->data);
    *buf = (struct cd_buf){.limit = buf->limit};
}

void cd_buf_clear(struct cd_buf *buf)
{
    buf->bytes = 0;
    buf->overflowed = false;
}

/* Room for `bytes` that are kept and `spare` behind them that are not. */
static uint8_t *extend(struct cd_buf *buf, size_t bytes, size_t spare)
{
    if (buf->overflowed || bytes > buf->limit - buf->bytes) {
        buf->overflowed = true;
        return NULL;
    }
    size_t needed = buf->bytes + bytes + spare;
    if (needed > buf->capacity) {
        size_t capacity = buf->capacity != 0 ? buf->capacity * 2 : 256;
        capacity = capacity > buf->limit ? buf->limit : capacity;
        capacity = capacity < needed ? needed : capacity;
        buf->data = cd_realloc(buf->data, capacity);
        buf->capacity = capacity;
    }
    uint8_t *room = buf->data + buf->bytes;
    buf->bytes += bytes;
    return room;
}

uint8_t *cd_buf_extend(struct cd_buf *buf, size_t bytes)
{
    CD_ASSERT(bytes != 0);
    return extend(buf, bytes, 0);
}

void cd_buf_put(struct cd_buf *buf, const void *from, size_t bytes)
{
    if (bytes == 0) {
        return;
    }
    uint8_t *room = cd_buf_extend(buf, bytes);
    if (room != NULL) {
        memcpy(room, from, bytes);
    }
}

void cd_buf_put_u32(struct cd_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    cd_put_u32(bytes, value);
    cd_buf_put(buf, bytes, sizeof(bytes));
}

void cd_buf_put_u64(struct cd_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    cd_put_u64(bytes, value);
    cd_buf_put(buf, bytes, sizeof(bytes));
}

void cd_buf_printf(struct cd_buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CD_ASSERT(length >= 0);
    uint8_t *room = extend(buf, (size_t)length, 1); /* vsnprintf writes a NUL, which is not kept */
    if (room != NULL) {
        va_start(arguments, format);
        (void)vsnprintf((char *)room, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
}

void cd_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

void cd_put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

uint32_t cd_get_u32(const uint8_t *from)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value |= (uint32_t)from[i] << (8 * i);
    }
    return value;
}

uint64_t cd_get_u64(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}
