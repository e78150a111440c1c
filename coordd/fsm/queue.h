#ifndef COORD_FSM_QUEUE_H
#define COORD_FSM_QUEUE_H

#include "fsm/tree.h"

/*
 * Queues (R15): the sequential children of one parent whose names without the suffix are one of
 * some prefixes, in the order of (czxid, suffix). Plain nodes are no members, whatever their names.
 */

/* A place in that order. */
struct fsm_queue_place {
    uint64_t czxid;
    uint64_t number; /* of the suffix */
};

static inline bool fsm_queue_before(struct fsm_queue_place a, struct fsm_queue_place b)
{
    return a.czxid != b.czxid ? a.czxid < b.czxid : a.number < b.number;
}

/* Of a sequential node; false: it is not sequential. */
bool fsm_queue_place_of(const struct fsm_node *node, struct fsm_queue_place *ret_place);

/* The name of a sequential node without its suffix; borrowed. */
struct fsm_bytes fsm_queue_prefix_of(const struct fsm_node *node);

/*
 * The n-th member of a queue (n at least 1) of the parent with that key. False: there are fewer.
 * O(n) for each prefix, and the nodes in between that are no members.
 */
bool fsm_queue_nth(const struct fsm_tree *tree, struct fsm_bytes parent_key,
                   const struct fsm_bytes *prefixes, size_t prefixes_count, uint32_t n,
                   struct fsm_queue_place *ret_place);

/* Does the claim hold? */
bool fsm_queue_holds(const struct fsm_tree *tree, const struct fsm_held *held);

#endif
