#ifndef COORD_BASE_PRNG_H
#define COORD_BASE_PRNG_H

#include <stdint.h>

/*
 * A seeded generator (xoshiro256**, Blackman and Vigna) for everything that must be reproducible:
 * election jitter, backoff, the simulator. Never for secrets or ids; those come from the env.
 */
struct cd_prng {
    uint64_t state[4];
};

void cd_prng_init(struct cd_prng *prng, uint64_t seed);
uint64_t cd_prng_next(struct cd_prng *prng);

/* Uniform in [0, bound); bound must not be 0. */
uint64_t cd_prng_below(struct cd_prng *prng, uint64_t bound);

#endif
