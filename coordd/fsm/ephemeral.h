#ifndef COORD_FSM_EPHEMERAL_H
#define COORD_FSM_EPHEMERAL_H

#include "fsm/state.h"

/*
 * Which nodes belong to a session: a second tree whose keys are the session's id in 16 hexadecimal
 * digits followed by the node's key, so that those of one session are one range in the order of
 * their paths. (Not the id's bytes: the order of keys wants no zeroes in them.)
 *
 * Thread: loop.
 */

#define FSM_OWNER_BYTES 16u

/* A node of a session that is yet to come: it brings its count with it. */
void fsm_ephemeral_restored(struct fsm *fsm, const struct fsm_node *node);

/* Do the sessions' counts say what the index says? O(sessions and their nodes). */
bool fsm_ephemeral_counts_agree(const struct fsm *fsm);

/* A node that came into the tree, or is about to leave it. Nothing, if it is not ephemeral. */
void fsm_ephemeral_added(struct fsm *fsm, const struct fsm_node *node);
void fsm_ephemeral_removed(struct fsm *fsm, const struct fsm_node *node);

/*
 * The first of a session's nodes with a key above `after` (empty: the first of all). Borrowed
 * from the tree; NULL if there is none.
 */
struct fsm_node *fsm_ephemeral_next(const struct fsm *fsm, uint64_t session,
                                    struct fsm_bytes after);

/* FSM_LIST_EPHEMERALS: of a session that is not there, an empty one. CD_OK, CD_INVALID_ARGUMENT. */
CD_MUST_USE enum cd_status fsm_ephemeral_list(const struct fsm *fsm, const struct fsm_who *who,
                                              const struct fsm_list_options *options,
                                              struct fsm_list *ret_list);

/* The next node, whoever may read it, borrowed from the tree; NULL at the end. */
struct fsm_node *fsm_ephemeral_list_next(struct fsm_list *list);

/* Aborts unless the index and the sessions' counts say what the tree says. O(tree). */
void fsm_ephemeral_check(const struct fsm *fsm);

#endif
