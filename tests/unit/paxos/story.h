#ifndef COORD_TESTS_UNIT_PAXOS_STORY_H
#define COORD_TESTS_UNIT_PAXOS_STORY_H

#include "support.h"

#include "base/prng.h"

/*
 * A replica's life at random: messages that could be true of its present state, some of them with
 * fields that make no sense, and everything that a driver may do. rig_step checks each step.
 */

enum { STORY_NODES = 6 }; /* the rig is one of them; the last is nobody's member at first */

struct story {
    struct rig *rig;
    struct cd_prng prng;
    unsigned wild;       /* of 100 messages so many have a field overwritten; */
    unsigned crashes;    /* of 1000 steps so many are crashes */
    uint64_t token;      /* of the last barrier */
    uint64_t durable;    /* records of the rig's log that are on the disk */
    uint64_t started_at; /* records in the log when the present life began */
    size_t steps;
    bool calm; /* for the present: others help more than they compete */
    bool late; /* a fresh incarnation is given a few steps after it was asked for */
};

void story_init(struct story *story, struct rig *rig, uint64_t seed);
void story_step(struct story *story);

#endif
