#ifndef COORD_BASE_BUF_H
#define COORD_BASE_BUF_H

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growable byte buffer with a limit named at its making. Going over the limit is sticky: further
 * appends do nothing and `overflowed` says so, so that a series of appends is checked once.
 */
struct cd_buf {
    uint8_t *data;   /* owned */
    size_t bytes;    /* used */
    size_t capacity; /* allocated */
    size_t limit;    /* never holds more than this */
    bool overflowed;
};

void cd_buf_init(struct cd_buf *buf, size_t limit_bytes);
void cd_buf_release(struct cd_buf *buf);

/* Empties it and forgets an overflow; keeps the memory. */
void cd_buf_clear(struct cd_buf *buf);

void cd_buf_put(struct cd_buf *buf, const void *from, size_t bytes);
void cd_buf_put_u32(struct cd_buf *buf, uint32_t value); /* little endian */
void cd_buf_put_u64(struct cd_buf *buf, uint64_t value); /* little endian */
void cd_buf_printf(struct cd_buf *buf, const char *format, ...) CD_PRINTF(2, 3);

/* Room for `bytes` (not 0) more at the end, counted as used; NULL over the limit. Valid until the
 * next call. */
uint8_t *cd_buf_extend(struct cd_buf *buf, size_t bytes);

/* Little-endian numbers in raw memory. */
void cd_put_u32(uint8_t *to, uint32_t value);
void cd_put_u64(uint8_t *to, uint64_t value);
uint32_t cd_get_u32(const uint8_t *from);
uint64_t cd_get_u64(const uint8_t *from);

#endif
