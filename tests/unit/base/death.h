#ifndef COORD_TESTS_UNIT_BASE_DEATH_H
#define COORD_TESTS_UNIT_BASE_DEATH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a child process that ran `act` left behind. */
struct death {
    bool died;      /* it ended by itself before `act` returned */
    int signal;     /* that ended it; 0: none */
    char last[512]; /* what it wrote to stderr, cut */
};

/* Runs `act(context)` in a forked child and waits for its end. */
struct death death_of(void (*act)(void *context), void *context);

#endif
