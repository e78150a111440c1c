#ifndef COORD_TESTS_SIMULATION_VALUES_H
#define COORD_TESTS_SIMULATION_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Data as the judges see it: a number that tells writes apart. Its bytes follow from it alone:
 * eight of the number, and zeros behind them, how many is up to the number too. Numbers that are to
 * be increased are decimal text instead.
 */

enum {
    VALUE_BYTES_MAX = 62 << 10,
};

/* The value that the operation with this number writes; `fat`: one of many bytes. */
uint64_t value_of_op(uint64_t op, bool fat);

/* The operation that wrote it; 0: none is known. */
uint64_t value_op(uint64_t value);

/* Returns how many bytes of `to` it has filled. */
size_t value_write(uint64_t value, bool is_number, uint8_t to[VALUE_BYTES_MAX]);

uint64_t value_read(const void *data, size_t bytes);

#endif
