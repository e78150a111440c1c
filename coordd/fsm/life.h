#ifndef COORD_FSM_LIFE_H
#define COORD_FSM_LIFE_H

#include "fsm/state.h"

/*
 * Containers and TTL nodes, and when their time comes (R13): a second tree whose keys are that
 * moment in elapsed ms, as 16 hexadecimal digits, followed by the node's key. It follows from the
 * tree, so it is neither digested nor in a snapshot.
 *
 * A container's time runs from when its last child went, a TTL node's from its creation, the last
 * setting of its data or when its last child went; while there are children it stands still.
 *
 * Thread: loop.
 */

/* When a node with that stat may go, in elapsed ms. False: its time does not run. */
bool fsm_life_ends(const struct fsm_limits *limits, const struct fsm_stat *stat,
                   uint64_t *ret_elapsed_ms);

/* A version that came into the tree, or is about to leave it or to change in place. */
void fsm_life_added(struct fsm *fsm, const struct fsm_node *node);
void fsm_life_removed(struct fsm *fsm, const struct fsm_node *node);

/* Aborts unless the index says what the tree says. O(tree). */
void fsm_life_check(const struct fsm *fsm);

#endif
