#include "dial.h"

#include "base/assert.h"

#include <string.h>

void client_dial_init(struct client_dial *dial, const struct client_dial_times *times, size_t count,
                      uint64_t seed)
{
    CD_ASSERT(count > 0 && count <= COORD_ENDPOINTS_MAX);
    CD_ASSERT(times->pause_ms_min > 0 && times->pause_ms_min <= times->pause_ms_max);
    *dial = (struct client_dial){.times = *times, .count = count};
    cd_prng_init(&dial->prng, seed);
}

static void move_to(struct client_dial *dial, size_t from, size_t to)
{
    size_t moved = dial->order[from];
    if (from < to) {
        memmove(&dial->order[from], &dial->order[from + 1], (to - from) * sizeof(moved));
    } else {
        memmove(&dial->order[to + 1], &dial->order[to], (from - to) * sizeof(moved));
    }
    dial->order[to] = moved;
}

static size_t position_of(const struct client_dial *dial, size_t endpoint)
{
    for (size_t i = 0; i < dial->count; i++) {
        if (dial->order[i] == endpoint) {
            return i;
        }
    }
    CD_UNREACHABLE();
}

/* D1: Fisher and Yates. */
static void shuffle(struct client_dial *dial)
{
    for (size_t i = 0; i < dial->count; i++) {
        size_t other = (size_t)cd_prng_below(&dial->prng, i + 1);
        dial->order[i] = dial->order[other];
        dial->order[other] = i;
    }
    dial->position = 0;
}

uint64_t client_dial_pause_ms(struct client_dial *dial, uint32_t pauses)
{
    uint64_t pause = dial->times.pause_ms_min;
    for (uint32_t i = 0; i < pauses && pause < dial->times.pause_ms_max; i++) {
        pause *= 2;
    }
    if (pause > dial->times.pause_ms_max) {
        pause = dial->times.pause_ms_max;
    }
    return pause - cd_prng_below(&dial->prng, pause / 2 + 1);
}

void client_dial_start(struct client_dial *dial, uint64_t now_ms)
{
    shuffle(dial);
    dial->due_ms = now_ms;
}

void client_dial_restart(struct client_dial *dial, uint64_t now_ms, size_t left)
{
    shuffle(dial);
    if (left != CLIENT_NO_ENDPOINT) {
        move_to(dial, position_of(dial, left), dial->count - 1);
    }
    dial->due_ms = now_ms + client_dial_pause_ms(dial, dial->pauses);
    dial->pauses++;
}

void client_dial_prefer(struct client_dial *dial, size_t endpoint)
{
    size_t from = position_of(dial, endpoint);
    if (from > dial->position) {
        move_to(dial, from, dial->position);
    }
}

size_t client_dial_next(struct client_dial *dial, uint64_t now_ms, const bool *busy)
{
    if (now_ms < dial->due_ms) {
        return CLIENT_NO_ENDPOINT;
    }
    while (dial->position < dial->count) {
        size_t endpoint = dial->order[dial->position++];
        if (!busy[endpoint]) {
            dial->due_ms = now_ms + ((uint64_t)dial->times.next_ms << dial->hedge_shift);
            return endpoint;
        }
    }
    client_dial_restart(dial, now_ms, CLIENT_NO_ENDPOINT);
    return CLIENT_NO_ENDPOINT;
}

bool client_dial_has_next(const struct client_dial *dial)
{
    return dial->position < dial->count;
}

void client_dial_failed(struct client_dial *dial, uint64_t now_ms, size_t alive)
{
    bool in_round = dial->position > 0;
    bool more = dial->position < dial->count;
    if (in_round && (more || alive == 0) && dial->due_ms > now_ms) {
        dial->due_ms = now_ms;
    }
}

void client_dial_worked(struct client_dial *dial)
{
    dial->pauses = 0;
    dial->hedge_shift = 0;
}
