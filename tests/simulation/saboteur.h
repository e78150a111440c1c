#ifndef COORD_TESTS_SIMULATION_SABOTEUR_H
#define COORD_TESTS_SIMULATION_SABOTEUR_H

#include "base/blob.h"

#include <stdint.h>

/*
 * Rules broken on purpose on the streams between clients and replicas, by rewriting frames on their
 * way: the product on both sides is as shipped.
 */
enum saboteur_rule {
    SABOTAGE_R12,  /* every frame counts as confirmed once a replica has it, without a leader */
    SABOTAGE_R18,  /* replies overtake the events that came before them */
    SABOTAGE_ONCE, /* a write that is sent again gets another seq */
};

struct saboteur;

struct saboteur *saboteur_create(enum saboteur_rule rule);
void saboteur_free(struct saboteur *saboteur); /* accepts NULL */

/* A client's frame leaves, as it shall arrive; one reference. `frame` is borrowed. */
struct cd_blob *saboteur_from_client(struct saboteur *saboteur, uint64_t stream, uint32_t client,
                                     struct cd_blob *frame);

/* A client's frame is there: what the client is told at once, or NULL; one reference. */
struct cd_blob *saboteur_on_arrival(struct saboteur *saboteur, uint64_t stream,
                                    const struct cd_blob *frame);

/* A replica's frame leaves, as it shall; `late` (may stay NULL) follows. One reference each. */
struct cd_blob *saboteur_from_replica(struct saboteur *saboteur, uint64_t stream,
                                      struct cd_blob *frame, struct cd_blob **late);

#endif
