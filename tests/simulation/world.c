#include "simulation/world.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

#include <string.h>

void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed};
}

void world_release(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->heap[i].drop != NULL) {
            world->heap[i].drop(world->heap[i].cargo);
        }
    }
    cd_free(world->heap);
    *world = (struct world){0};
}

static bool is_before(const struct world_event *a, const struct world_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void world_after(struct world *world, uint64_t delay_us, struct world_event event)
{
    if (world->count == world->capacity) {
        world->capacity = world->capacity == 0 ? 256 : 2 * world->capacity;
        world->heap = cd_realloc(world->heap, world->capacity * sizeof(*world->heap));
    }
    event.at_us = world->now_us + delay_us;
    event.order = world->made++;
    size_t place = world->count++;
    while (place > 0) {
        size_t parent = (place - 1) / 2;
        if (!is_before(&event, &world->heap[parent])) {
            break;
        }
        world->heap[place] = world->heap[parent];
        place = parent;
    }
    world->heap[place] = event;
}

static struct world_event take_first(struct world *world)
{
    struct world_event first = world->heap[0];
    struct world_event last = world->heap[--world->count];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= world->count) {
            break;
        }
        if (child + 1 < world->count && is_before(&world->heap[child + 1], &world->heap[child])) {
            child++;
        }
        if (!is_before(&world->heap[child], &last)) {
            break;
        }
        world->heap[place] = world->heap[child];
        place = child;
    }
    world->heap[place] = last;
    return first;
}

bool world_step(struct world *world)
{
    if (world->count == 0) {
        return false;
    }
    struct world_event event = take_first(world);
    CD_ASSERT(event.at_us >= world->now_us);
    world->now_us = event.at_us;
    world->ran++;
    event.action(event.context, &event);
    return true;
}

void world_run_until(struct world *world, uint64_t until_us)
{
    while (world->count > 0 && world->heap[0].at_us <= until_us) {
        world_step(world);
    }
    if (world->now_us < until_us) {
        world->now_us = until_us;
    }
}

void world_fork_prng(const struct world *world, const char *concern, uint64_t number,
                     struct cd_prng *ret_prng)
{
    uint64_t seed = cd_hash64_seeded(concern, strlen(concern), world->seed);
    cd_prng_init(ret_prng, cd_hash64_seeded(&number, sizeof(number), seed));
}

bool sim_chance(struct cd_prng *prng, uint32_t ppm)
{
    return ppm != 0 && cd_prng_below(prng, 1000000) < ppm;
}

uint64_t sim_between(struct cd_prng *prng, uint64_t low, uint64_t high)
{
    CD_ASSERT(low <= high);
    return low + cd_prng_below(prng, high - low + 1);
}

uint64_t sim_exponential(struct cd_prng *prng, uint64_t mean)
{
    /* Halvings: each coin that falls on heads doubles the span, and the rest is uniform in it. */
    uint64_t value = 0;
    for (int i = 0; i < 20; i++) {
        if (cd_prng_below(prng, 2) == 0) {
            break;
        }
        value += mean;
    }
    return value + cd_prng_below(prng, mean + 1) / 2;
}

uint64_t world_clock_ms(const struct world *world, const struct world_clock *clock)
{
    int64_t now_us = (int64_t)world->now_us;
    int64_t shift_us =
        now_us / 1000000 * clock->skew_ppm + now_us % 1000000 * clock->skew_ppm / 1000000;
    return clock->base_ms + (uint64_t)(now_us + shift_us) / 1000;
}

uint64_t world_clock_wait_us(const struct world *world, const struct world_clock *clock,
                             uint64_t at_ms)
{
    uint64_t now_ms = world_clock_ms(world, clock);
    if (at_ms <= now_ms) {
        return 0;
    }
    /* Rounded up by the skew and a millisecond: being late is harmless, early means once more. */
    uint64_t wait_us = (at_ms - now_ms) * 1000;
    uint64_t skew = (uint64_t)(clock->skew_ppm < 0 ? -clock->skew_ppm : clock->skew_ppm);
    return wait_us + wait_us / 1000000 * skew + wait_us % 1000000 * skew / 1000000;
}
