#ifndef COORD_TESTS_SIMULATION_WORLD_H
#define COORD_TESTS_SIMULATION_WORLD_H

#include "base/prng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Virtual time: a heap of things that will happen, and the moment that it is now. Nothing else
 * makes anything happen, so one seed is one run. Times are microseconds; what runs under test sees
 * milliseconds of its own clock (struct world_clock).
 *
 * Thread: one.
 */

struct world_event;

typedef void (*world_action)(void *context, const struct world_event *event);

struct world_event {
    uint64_t at_us;
    uint64_t order; /* of two events at one time the one made first runs first */
    world_action action;
    void *context;
    uint64_t number; /* the maker's */
    uint32_t from, to;
    void *cargo; /* owned by the event until its action runs, which takes it over */
    void (*drop)(void *cargo);
};

struct world {
    uint64_t now_us;
    uint64_t made;
    uint64_t ran;
    uint64_t seed;
    struct world_event *heap;
    size_t count, capacity;
};

void world_init(struct world *world, uint64_t seed);
void world_release(struct world *world); /* drops the cargo of all that did not happen */

/* Makes `event` happen `delay_us` from now; at_us and order are filled in. */
void world_after(struct world *world, uint64_t delay_us, struct world_event event);

/* The next thing happens. False if there is none. */
bool world_step(struct world *world);

/* All that happens up to `until_us`, which is the time afterwards. */
void world_run_until(struct world *world, uint64_t until_us);

/* A generator for one concern, so that drawing more for one leaves the others as they are. */
void world_fork_prng(const struct world *world, const char *concern, uint64_t number,
                     struct cd_prng *ret_prng);

/* Draws. Chances are in millionths. */
bool sim_chance(struct cd_prng *prng, uint32_t ppm);
uint64_t sim_between(struct cd_prng *prng, uint64_t low, uint64_t high); /* both included */
/* Exponential around `mean`, cut at 20 means. Integers only, so that all machines agree. */
uint64_t sim_exponential(struct cd_prng *prng, uint64_t mean);

/* A machine's own clock: starts anywhere and runs a little fast or slow. */
struct world_clock {
    uint64_t base_ms;
    int32_t skew_ppm;
};
uint64_t world_clock_ms(const struct world *world, const struct world_clock *clock);
/* Microseconds from now until that clock shows `at_ms`; 0 if it does already. */
uint64_t world_clock_wait_us(const struct world *world, const struct world_clock *clock,
                             uint64_t at_ms);

#endif
