#ifndef COORD_FSM_READ_H
#define COORD_FSM_READ_H

#include "fsm/tree.h"

/* What reads and lists share; private to coordd/fsm. */

/* The tree that a read is of: that of the state, or of a version. */
struct fsm_shown {
    const struct fsm_tree *tree;
    uint64_t zxid;
    uint64_t acls_count; /* nodes with an ACL of their own; 0: nobody needs to look for one */
};

struct fsm_shown fsm_shown(const struct fsm *fsm, const struct fsm_version *version);
struct fsm_shown fsm_version_shown(const struct fsm_version *version); /* version.c */

/* READ, on a node or on the nearest ancestor of one that does not exist. */
bool fsm_shown_allows(const struct fsm_shown *shown, const struct fsm_who *who,
                      struct fsm_bytes key);

/* CD_OK, CD_INVALID_ARGUMENT, CD_PERMISSION_DENIED, CD_NO_NODE. */
CD_MUST_USE enum cd_status fsm_shown_find(const struct fsm *fsm, const struct fsm_shown *shown,
                                          const struct fsm_who *who, struct fsm_bytes path,
                                          struct fsm_node **ret_node);

void fsm_view_of(const struct fsm_node *node, struct fsm_view *ret_view);

#endif
