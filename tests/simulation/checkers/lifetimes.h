#ifndef COORD_TESTS_SIMULATION_CHECKERS_LIFETIMES_H
#define COORD_TESTS_SIMULATION_CHECKERS_LIFETIMES_H

#include "checkers/truth.h"

/*
 * Sessions and what lives with them.
 *   - A session never expires before one full timeout has passed since its client sent the newest
 *     frame that it was ever told is confirmed, or since the session was opened.
 *   - Its client takes it for LOST before the expiry is applied, unless the process was stopped; on
 *     the client's own clock not later than its share of the timeout after that frame. LOST is
 *     final, and nobody trusts a session that has expired.
 *   - An ephemeral node never goes before its session ends but by an operation, and all of them go
 *     in the step that ends it (truth_build); none is made by a session that has ended.
 *   - A session whose client fell silent ends within a bound.
 */
struct lifetimes_options {
    uint64_t end_us;        /* when the run ended; 0: with its last event */
    uint64_t healed_us;     /* when the last fault ended, or all sessions got their full timeout
                             * again (R19): the bound below counts from here */
    uint64_t expiry_us;     /* after its timeout a silent session ends within */
    uint64_t wake_us;       /* a process that goes on has noticed LOST within */
    uint64_t lost_us;       /* how late a client may look at its clock */
    uint32_t lost_permille; /* of the timeout, after which it is LOST: 980 */
    uint32_t clock_ppm;     /* by which a leader's clock may be fast: 10000 */
};

#define LIFETIMES_DEFAULT                                                                          \
    {                                                                                              \
        .expiry_us = 20000000, .wake_us = 1000000, .lost_us = 100000, .lost_permille = 980,        \
        .clock_ppm = 10000,                                                                        \
    }

bool lifetimes_check(const struct truth *truth, const struct lifetimes_options *options,
                     struct verdict *verdict);

#endif
