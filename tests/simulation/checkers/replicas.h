#ifndef COORD_TESTS_SIMULATION_CHECKERS_REPLICAS_H
#define COORD_TESTS_SIMULATION_CHECKERS_REPLICAS_H

#include "checkers/events.h"

/*
 * What replicas must keep to themselves: after one slot all have one digest, in all of their lives;
 * and no gauge ever stands above its limit, or has none.
 */
struct replicas_limit {
    const char *gauge;
    uint64_t most; /* inclusive */
};

bool digests_check(const struct events *events, struct verdict *verdict);
bool gauges_check(const struct events *events, const struct replicas_limit *limits,
                  size_t limits_count, struct verdict *verdict);

#endif
