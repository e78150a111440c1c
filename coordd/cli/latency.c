#include "latency.h"

#include "base/assert.h"

#include <stddef.h>

static const uint64_t TOP_US = (UINT64_C(1) << CLI_LATENCY_TOP_BITS) - 1;

/* How far values of this size are shifted to have FINE_BITS behind their first bit. */
static unsigned shift_of(uint64_t us)
{
    unsigned shift = 0;
    while (us >> shift >= UINT64_C(2) << CLI_LATENCY_FINE_BITS) {
        shift++;
    }
    return shift;
}

static size_t bucket_of(uint64_t us)
{
    unsigned shift = shift_of(us);
    return ((size_t)shift << CLI_LATENCY_FINE_BITS) + (size_t)(us >> shift);
}

/* The highest value in it: the inverse of bucket_of. */
static uint64_t top_of(size_t bucket)
{
    size_t fine = (size_t)1 << CLI_LATENCY_FINE_BITS;
    unsigned shift = bucket < 2 * fine ? 0 : (unsigned)(bucket / fine - 1);
    uint64_t lead = bucket - ((size_t)shift << CLI_LATENCY_FINE_BITS);
    return ((lead + 1) << shift) - 1;
}

void cli_latency_add(struct cli_latency *latency, uint64_t us)
{
    us = us < TOP_US ? us : TOP_US;
    latency->counts[bucket_of(us)]++;
    latency->count++;
    latency->max_us = us > latency->max_us ? us : latency->max_us;
}

void cli_latency_merge(struct cli_latency *latency, const struct cli_latency *from)
{
    for (size_t i = 0; i < CLI_LATENCY_BUCKETS; i++) {
        latency->counts[i] += from->counts[i];
    }
    latency->count += from->count;
    latency->max_us = from->max_us > latency->max_us ? from->max_us : latency->max_us;
}

uint64_t cli_latency_quantile_us(const struct cli_latency *latency, uint32_t share)
{
    CD_ASSERT(share >= 1 && share <= 1000);
    uint64_t seen = 0;
    for (size_t i = 0; i < CLI_LATENCY_BUCKETS; i++) {
        seen += latency->counts[i];
        if (latency->counts[i] > 0 && seen * 1000 >= latency->count * share) {
            uint64_t top = top_of(i);
            return top < latency->max_us ? top : latency->max_us;
        }
    }
    return 0;
}
