#ifndef COORD_BASE_HISTOGRAM_H
#define COORD_BASE_HISTOGRAM_H

#include "base/assert.h"

#include <stddef.h>
#include <stdint.h>

/*
 * How often something took how long: a count for each of a few fixed bounds, the same for every
 * latency, so that they can be compared. Starts as all zero. Thread: its owner's.
 */

/* X(microseconds, seconds as Prometheus shows them) */
#define CD_HISTOGRAM_BOUND_TABLE(X)                                                                \
    X(10, "1e-05")                                                                                 \
    X(50, "5e-05")                                                                                 \
    X(100, "0.0001")                                                                               \
    X(250, "0.00025")                                                                              \
    X(500, "0.0005")                                                                               \
    X(1000, "0.001")                                                                               \
    X(2500, "0.0025")                                                                              \
    X(5000, "0.005")                                                                               \
    X(10000, "0.01")                                                                               \
    X(25000, "0.025")                                                                              \
    X(50000, "0.05")                                                                               \
    X(100000, "0.1")                                                                               \
    X(250000, "0.25")                                                                              \
    X(1000000, "1")

#define CD_HISTOGRAM_COUNT_ONE(bound, text) +1
enum {
    CD_HISTOGRAM_BOUNDS = CD_HISTOGRAM_BOUND_TABLE(CD_HISTOGRAM_COUNT_ONE),
};

struct cd_histogram {
    uint64_t counts[CD_HISTOGRAM_BOUNDS + 1]; /* of values up to the bound and above the one before;
                                                 the last: above all */
    uint64_t sum_us;
};

static inline void cd_histogram_add(struct cd_histogram *histogram, uint64_t us)
{
#define CD_HISTOGRAM_BOUND(bound, text) bound,
    static const uint32_t BOUNDS[] = {CD_HISTOGRAM_BOUND_TABLE(CD_HISTOGRAM_BOUND)};
#undef CD_HISTOGRAM_BOUND
    size_t place = 0;
    while (place < CD_HISTOGRAM_BOUNDS && us > BOUNDS[place]) {
        place++;
    }
    histogram->counts[place]++;
    histogram->sum_us += us;
}

#endif
