#ifndef COORD_TESTS_SIMULATION_CHECKERS_VERDICT_H
#define COORD_TESTS_SIMULATION_CHECKERS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The checkers judge what a run showed, from plain numbers and strings alone. They include nothing
 * of the product: whoever runs them translates.
 */
struct verdict {
    bool ok;
    char why[768]; /* empty if ok */
};

void verdict_init(struct verdict *verdict);

/* Says no. The first reason stays. Returns false, so that a failure is one return statement. */
bool verdict_fail(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for at least one item more; stops the process without memory. */
void *checker_grow(void *items, size_t count, size_t *capacity, size_t item_bytes);

/* That many items of zeros, to be freed; stops the process without memory. */
void *checker_zeros(size_t count, size_t item_bytes);

#endif
