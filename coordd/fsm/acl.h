#ifndef COORD_FSM_ACL_H
#define COORD_FSM_ACL_H

#include "fsm/fsm.h"

/*
 * Who may do what. A node has an ACL of its own, or that of the nearest ancestor with one holds for
 * it; the root has the default unless it was given one. This is the one place that answers
 * (blueprint 2.9): for reads, lists, writes, the setting of watches and their events.
 *
 * ACLs never change and are shared by counting references: loop thread only.
 */
struct fsm_acl; /* private */
struct fsm_tree;
struct fsm_node;

/* Copies the entries. One reference. */
struct fsm_acl *fsm_acl_create(const struct fsm_acl_entries *entries);
struct fsm_acl *fsm_acl_ref(struct fsm_acl *acl); /* NULL stays NULL, as below */
void fsm_acl_unref(struct fsm_acl *acl);

/* Borrowed from the ACL; of NULL those of the default. */
struct fsm_acl_entries fsm_acl_entries(const struct fsm_acl *acl);

/*
 * The default, which NULL stands for as an ACL in force: any valid certificate may read, write,
 * create and delete. Nobody but administrators has ADMIN.
 */
#define FSM_ACL_DEFAULT_PERMISSIONS                                                                \
    ((uint32_t)FSM_READ | (uint32_t)FSM_WRITE | (uint32_t)FSM_CREATE | (uint32_t)FSM_DELETE)

/* Has `who` all of these permissions by an ACL in force? Administrators have all, and so has NULL,
 * which stands for the replica itself. */
bool fsm_acl_allows(const struct fsm_acl *acl, const struct fsm_who *who, uint32_t permissions);

/*
 * The ACL in force at a key: that of the nearest node, itself included, that exists and has one;
 * NULL: the default. `ret_origin`, which may be NULL, gets the key of that node, borrowed from it,
 * or the root's.
 */
struct fsm_acl *fsm_acl_in_force(const struct fsm_tree *tree, struct fsm_bytes key,
                                 struct fsm_bytes *ret_origin);

/* What entries cost in memory, about; they count as data does. */
#define FSM_ACL_ENTRY_BYTES 32u
uint64_t fsm_acl_entries_bytes(const struct fsm_acl_entries *entries);
uint64_t fsm_acl_bytes(const struct fsm_acl *acl);

/* Of its entries in their order; 0 for NULL. */
uint64_t fsm_acl_digest(const struct fsm_acl *acl);

/* The rules of form. CD_OK, CD_INVALID_ARGUMENT, CD_TOO_MANY. */
CD_MUST_USE enum cd_status fsm_acl_check(const struct fsm_limits *limits,
                                         const struct fsm_acl_entries *entries,
                                         struct cd_error *error);

#endif
