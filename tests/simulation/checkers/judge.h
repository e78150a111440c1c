#ifndef COORD_TESTS_SIMULATION_CHECKERS_JUDGE_H
#define COORD_TESTS_SIMULATION_CHECKERS_JUDGE_H

#include "checkers/counts.h"
#include "checkers/lifetimes.h"
#include "checkers/replicas.h"

/* All checkers over one log. */
struct judge_options {
    struct lifetimes_options lifetimes;
    uint64_t told_us; /* a waiter at the front is told within */
    const struct replicas_limit *limits;
    size_t limits_count;
};

/*
 * The first reason found is in the verdict. `counts` (may be NULL) are added to, and the smallest
 * margin between two holders goes to `ret_margin_us` (may be NULL; see queues.h), if all is well.
 */
bool judge(const struct events *events, const struct judge_options *options, struct counts *counts,
           uint64_t *ret_margin_us, struct verdict *verdict);

#endif
