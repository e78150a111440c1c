#ifndef COORD_CLI_LATENCY_H
#define COORD_CLI_LATENCY_H

#include <stdint.h>

/*
 * How long many operations took, kept as counts: exact below 64 microseconds, above within 1/64 of
 * the value, up to 71 minutes; what took longer counts as that. Starts as all zero. Thread: its
 * owner's.
 */

enum {
    CLI_LATENCY_FINE_BITS = 6, /* each doubling has 2^6 buckets */
    CLI_LATENCY_TOP_BITS = 32,
    CLI_LATENCY_BUCKETS = (CLI_LATENCY_TOP_BITS - CLI_LATENCY_FINE_BITS + 1)
                          << CLI_LATENCY_FINE_BITS,
};

struct cli_latency {
    uint64_t counts[CLI_LATENCY_BUCKETS];
    uint64_t count, max_us;
};

void cli_latency_add(struct cli_latency *latency, uint64_t us);

/* All of `from` too. */
void cli_latency_merge(struct cli_latency *latency, const struct cli_latency *from);

/*
 * What `share` of them, in thousandths from 1 to 1000, did not exceed: 500 gives the median, 999
 * what one in a thousand exceeded. The highest value of the bucket; 0 if there are none.
 */
uint64_t cli_latency_quantile_us(const struct cli_latency *latency, uint32_t share);

#endif
