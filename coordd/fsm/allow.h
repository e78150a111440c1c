#ifndef COORD_FSM_ALLOW_H
#define COORD_FSM_ALLOW_H

#include "fsm/state.h"

/* What operations ask before they change anything, and those operations that are not in apply.c. */

void fsm_outcome_refuse(struct fsm_outcome *outcome, enum cd_status status);
void fsm_outcome_refuse_limit(struct fsm_outcome *outcome, enum cd_status status,
                              const char *limit_name, uint64_t limit, uint64_t wanted);

/* As all below: if not, the outcome is refused. */

/* Has who asks these permissions on the node with that key or, if it is missing, on its nearest
 * ancestor? */
bool fsm_step_may(const struct fsm_step *step, struct fsm_bytes key, uint32_t permissions,
                  struct fsm_outcome *outcome);

/* May the command create, set or delete so many nodes more? */
bool fsm_step_may_touch(const struct fsm_step *step, uint64_t more, struct fsm_outcome *outcome);

/* May the tree grow by so much? */
bool fsm_step_may_grow(const struct fsm_step *step, uint64_t nodes, uint64_t bytes,
                       struct fsm_outcome *outcome);

/* May a transaction read so much more? Then it counts as read. */
bool fsm_step_may_read(struct fsm_step *step, uint64_t bytes, struct fsm_outcome *outcome);

/* FSM_ANY_VERSION is every node's. */
bool fsm_node_has_version(const struct fsm_node *node, int64_t version);

/* read_ops.c */
void fsm_op_check(struct fsm_step *step, const struct fsm_op_check *check,
                  struct fsm_outcome *outcome);
void fsm_op_get(struct fsm_step *step, const struct fsm_op_read *read, struct fsm_outcome *outcome);
void fsm_op_exists(struct fsm_step *step, const struct fsm_op_read *read,
                   struct fsm_outcome *outcome);
void fsm_op_children(struct fsm_step *step, const struct fsm_op_children *children,
                     struct fsm_outcome *outcome);

/* life.c */
void fsm_op_reap(struct fsm_step *step, const struct fsm_op_reap *reap,
                 struct fsm_outcome *outcome);

#endif
