#include "simulation/values.h"

#include "base/buf.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above every operation's number: its byte keeps the data from being decimal text. */
#define VALUE_MARK (UINT64_C(1) << 40)
#define VALUE_FAT  (UINT64_C(1) << 41)

enum { NUMBER_DIGITS_MAX = 20, FAT_BYTES = 61000 };

uint64_t value_of_op(uint64_t op, bool fat)
{
    return op | VALUE_MARK | (fat ? VALUE_FAT : 0);
}

uint64_t value_op(uint64_t value)
{
    return (value & VALUE_MARK) != 0 ? value & (VALUE_MARK - 1) : 0;
}

static size_t bytes_of(uint64_t value)
{
    uint64_t draw = cd_hash64(&value, sizeof(value));
    if ((value & VALUE_FAT) != 0) {
        return FAT_BYTES;
    }
    return sizeof(value) + (size_t)(draw % 1000 < 900   ? draw / 1000 % 100
                                    : draw % 1000 < 997 ? draw / 1000 % 4000
                                                        : draw / 1000 % 60000);
}

size_t value_write(uint64_t value, bool is_number, uint8_t to[VALUE_BYTES_MAX])
{
    if (is_number) {
        return (size_t)snprintf((char *)to, VALUE_BYTES_MAX, "%" PRId64, (int64_t)value);
    }
    size_t bytes = bytes_of(value);
    memset(to, 0, bytes);
    cd_put_u64(to, value);
    return bytes;
}

static bool is_decimal(const uint8_t *data, size_t bytes)
{
    size_t sign = bytes > 1 && data[0] == '-' ? 1 : 0;
    for (size_t i = sign; i < bytes; i++) {
        if (data[i] < '0' || data[i] > '9') {
            return false;
        }
    }
    return bytes > 0 && bytes <= NUMBER_DIGITS_MAX;
}

uint64_t value_read(const void *data, size_t bytes)
{
    if (is_decimal(data, bytes)) {
        char text[NUMBER_DIGITS_MAX + 1] = {0};
        memcpy(text, data, bytes);
        return (uint64_t)strtoll(text, NULL, 10);
    }
    return bytes >= sizeof(uint64_t) ? cd_get_u64(data) : 0;
}
