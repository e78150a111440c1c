#ifndef COORD_TESTS_SIMULATION_CHECKERS_AGREEMENT_H
#define COORD_TESTS_SIMULATION_CHECKERS_AGREEMENT_H

#include "checkers/verdict.h"

#include <stdint.h>

/*
 * Agreement: whatever any replica applies in a slot, in any of its lives, is the same value, and
 * the state after it has the same digest; and each life applies slots one after another, without
 * gaps. A life may also take over the state after a slot as another's snapshot has it: then it is
 * the state that others had there.
 */

enum {
    AGREEMENT_REPLICAS_MAX = 64,
};

struct agreement_slot {
    uint64_t value; /* hash; 0: not applied by anyone */
    uint64_t digest;
    uint32_t replica; /* that applied it first */
};

struct agreement {
    struct agreement_slot *slots; /* [0] is slot 1 */
    size_t count, capacity;
    uint64_t next[AGREEMENT_REPLICAS_MAX]; /* slot that the replica's life applies next */
};

void agreement_init(struct agreement *agreement);
void agreement_release(struct agreement *agreement);

/* A life of `replica` begins; it will apply from slot `first` on. */
void agreement_started(struct agreement *agreement, uint32_t replica, uint64_t first);

/* `replica` applied `value` (a hash, not 0) in `slot` and has `digest` afterwards. */
bool agreement_applied(struct agreement *agreement, uint32_t replica, uint64_t slot, uint64_t value,
                       uint64_t digest, struct verdict *verdict);

/* `replica` has the state after `slot` from a snapshot, with this digest; it goes on from there. */
bool agreement_installed(struct agreement *agreement, uint32_t replica, uint64_t slot,
                         uint64_t digest, struct verdict *verdict);

#endif
