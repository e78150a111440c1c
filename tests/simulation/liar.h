#ifndef COORD_TESTS_SIMULATION_LIAR_H
#define COORD_TESTS_SIMULATION_LIAR_H

#include "env/env.h"
#include "simulation/world.h"

/*
 * P2 broken on purpose: an env around another one whose write_sync says "durable" almost at once,
 * while the bytes are still on their way. Everything else is the inner env's.
 */
struct liar;

/* `inner` is borrowed until the liar is freed. */
struct liar *liar_create(struct world *world, const struct env *inner);
void liar_free(struct liar *liar);
const struct env *liar_env(struct liar *liar);

/* The process ended, after the disk was told so: nothing that was promised is said any more. */
void liar_forget(struct liar *liar);

#endif
