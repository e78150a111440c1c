#ifndef COORD_TESTS_SIMULATION_CHECKERS_PROGRESS_H
#define COORD_TESTS_SIMULATION_CHECKERS_PROGRESS_H

#include "checkers/verdict.h"

#include <stdint.h>

/*
 * Progress: once nothing hinders a quorum any more, a leader is found, fresh writes are done and
 * all replicas reach the same place, each within a bound of virtual time. Times in milliseconds.
 */

enum {
    PROGRESS_NEVER = 0,
};

struct progress {
    uint64_t healed_ms;      /* when the last fault ended */
    uint64_t elected_ms;     /* when a leader was established after that; 0: never */
    uint64_t first_write_ms; /* when a write begun after that was acknowledged; 0: never */
    uint64_t all_writes_ms;  /* when the last one wanted was acknowledged; 0: never */
    uint64_t converged_ms;   /* when all replicas had applied the same; 0: never */
    uint64_t elected_bound_ms;
    uint64_t write_bound_ms;
    uint64_t all_writes_bound_ms;
    uint64_t converged_bound_ms;
};

bool progress_check(const struct progress *progress, struct verdict *verdict);

#endif
