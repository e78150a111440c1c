#ifndef COORD_FSM_STATE_H
#define COORD_FSM_STATE_H

#include "base/buf.h"
#include "fsm/fifo.h"
#include "fsm/fsm.h"
#include "fsm/session.h"
#include "fsm/tree.h"

/* The machine, private to coordd/fsm. What of it is replicated state goes into the digest. */
struct fsm {
    struct fsm_limits limits;
    struct fsm_tree tree;
    uint64_t tree_bytes; /* keys, data and ACLs of all nodes */
    uint64_t
        tree_digest; /* sum of fsm_node_digest over all nodes, modulo 2^64: order is no matter */
    uint64_t acls_count; /* nodes with an ACL of their own */
    uint64_t zxid;       /* last one taken */
    uint64_t slot;       /* last one ended */
    uint64_t wall_ms;
    uint64_t elapsed_ms;
    struct fsm_leadership leadership;
    bool in_slot;

    /* sessions.c */
    struct fsm_session_set sessions;
    struct fsm_fifo tombstones; /* of struct fsm_session; keys are ids */
    struct fsm_fifo calls;      /* of struct fsm_call */
    struct fsm_tree ephemerals; /* ephemeral.h; follows from the tree */
    struct fsm_tree lives;      /* life.h; likewise */
    uint64_t sessions_digest;   /* sum over sessions, tombstones, their replies, and calls */
    uint64_t reply_bytes;       /* kept by all of them; bounded by limits.state_reply_bytes */
    uint64_t calls_place;       /* of the last call kept; follows from slot but within one */
    struct cd_buf scratch;      /* no state: a reply on its way */
};

/* A machine without even a root: fsm.c. Are the limits within their ceilings? */
struct fsm *fsm_create_bare(const struct fsm_limits *limits);
bool fsm_limits_are_sound(const struct fsm_limits *limits);

/* ---- One command under way: change.c ---- */

/* How one node was before a transaction. Exactly one of the two is set. */
struct fsm_undo {
    struct fsm_node *before;  /* owned reference: this version was there */
    struct fsm_node *created; /* owned reference: nothing had this node's key */
};

/*
 * A command under way. Operations first check all that may refuse them and then change the tree
 * through the functions below, which keep parents, digest, byte counts and the list of changes.
 */
struct fsm_step {
    struct fsm *fsm;
    struct fsm_result *result;
    uint64_t zxid;        /* the one that its changes get */
    uint64_t nodes_count; /* nodes created, set and deleted; at most limits.atomic_nodes */
    uint64_t read_bytes;  /* data read; at most limits.txn_bytes */
    bool in_txn;          /* keeps the undo log */
    bool changed;         /* took the zxid beside what is in the list of changes */
    uint64_t session;     /* of the command; 0: none */
    struct fsm_who who;   /* who asks; borrowed from the session or the command */

    struct fsm_undo *undo; /* owned */
    size_t undo_count;
    size_t undo_capacity;
    uint64_t undo_tree_bytes; /* what the machine had before the transaction */
    uint64_t undo_tree_digest;
    uint64_t undo_acls_count;
};

void fsm_step_init(struct fsm_step *step, struct fsm *fsm, struct fsm_result *result);
void fsm_step_release(struct fsm_step *step);

/*
 * Creates a node whose parent exists and whose key does not. The parent's counter of creations goes
 * to `creates` or up by one, whichever is more. `like` gives kind, suffix_bytes, ttl_ms and
 * acl (NULL: none of its own); the rest of its stat follows. Returns the node, borrowed from the
 * tree.
 */
struct fsm_node *fsm_step_create(struct fsm_step *step, struct fsm_bytes key,
                                 const struct fsm_stat *like, struct fsm_bytes data,
                                 uint64_t creates);

/* Sets a node's data. Returns the new version, borrowed from the tree; `node` is gone. */
struct fsm_node *fsm_step_set(struct fsm_step *step, struct fsm_node *node, struct fsm_bytes data);

/* Gives a node an ACL of its own (a reference is taken), or NULL: none. Otherwise as set. */
struct fsm_node *fsm_step_set_acl(struct fsm_step *step, struct fsm_node *node,
                                  struct fsm_acl *acl);

/* Deletes `nodes`, borrowed from the tree: a node and everything below it, in the tree's order. */
void fsm_step_delete(struct fsm_step *step, struct fsm_node *const *nodes, size_t nodes_count);

/* A node of a machine that is being restored; behind all others. The reference is moved. */
void fsm_restore_node(struct fsm *fsm, struct fsm_node *node);

/* Takes back all changes of a transaction, the list of changes too. */
void fsm_step_undo(struct fsm_step *step);

/* ---- Operations: apply.c, txn.c ---- */

/* Carries out one operation but TXN. Its form was checked. `outcome` is zeroed by the caller. */
void fsm_step_op(struct fsm_step *step, const struct fsm_op *op, struct fsm_outcome *outcome);

/* Carries out a whole transaction, whose form was checked, and fills the result. */
void fsm_step_txn(struct fsm_step *step, const struct fsm_op_txn *txn);

/* ---- Sessions: sessions.c, session_ops.c ---- */

/* After any change of a session, which must not be shared: its part of the digest follows. */
void fsm_session_changed(struct fsm *fsm, struct fsm_session *session);

/* The rules of form about sessions: who may have one, a seq, ephemeral nodes. */
CD_MUST_USE enum cd_status fsm_session_check(const struct fsm_limits *limits,
                                             const struct fsm_command *command,
                                             struct cd_error *error);

/* Is it one of SET_TIMEOUT to EXPIRE_SESSION? */
bool fsm_op_is_of_sessions(enum fsm_op_kind kind);

/* Carries one of these out. Its form was checked. */
void fsm_step_session_op(struct fsm_step *step, const struct fsm_op *op,
                         struct fsm_outcome *outcome);

/* The form of a claim that a fence holds. command.c */
CD_MUST_USE enum cd_status fsm_held_check(const struct fsm_limits *limits,
                                          const struct fsm_held *held, struct cd_error *error);

/* ---- Results: result.c ---- */

/* Makes room for `count` zeroed outcomes in a cleared result. */
void fsm_result_expect(struct fsm_result *result, size_t count);

/* Takes references of its own; `before` and `acl`, the one in force, may be NULL. */
void fsm_result_add_change(struct fsm_result *result, enum fsm_change_kind kind,
                           struct fsm_node *node, struct fsm_node *before, struct fsm_acl *acl);
void fsm_result_drop_changes(struct fsm_result *result);

/* Shows a node in an outcome, which takes a reference to it. */
void fsm_outcome_show(struct fsm_outcome *outcome, struct fsm_node *node);
void fsm_outcome_clear(struct fsm_outcome *outcome);

#endif
