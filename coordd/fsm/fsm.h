#ifndef COORD_FSM_FSM_H
#define COORD_FSM_FSM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The replicated state machine: the tree of nodes, and what each chosen command does to it. It is a
 * pure function of its inputs (no clock, thread, I/O, randomness or log), so every replica that
 * applies the same slots in the same order holds the same state and computes the same results.
 *
 * How a replica drives it, for every chosen slot, in slot order and without a gap:
 *
 *     fsm_slot_begin(fsm, slot, &stamp);             stamp NULL: the slot carries no batch
 *         fsm_apply(fsm, &command, &result);         once for each command of a batch, in order
 *         fsm_apply_leadership(fsm, &leadership);    if the slot is a leadership command
 *     fsm_slot_end(fsm);
 *
 * A no-op or configuration slot is begun and ended with nothing between. Reads may run at any
 * moment between these calls, also between two commands of one batch (R24).
 *
 * Invariants
 *   F1 The outcome of a command, refusal included, is data and the same on every replica. Apply
 *      never fails for a local reason; without memory the process stops.
 *   F2 A command that changes the state takes the next zxid; all changes of a transaction share
 *      one. A refused command, or one without effect, takes none and leaves no trace.
 *   F3 Every command is atomic: all of its changes or none.
 *   F4 Every limit is part of the state, and each loop of apply is bounded by one.
 *   F5 Nothing that is shown depends on memory addresses, hash order or insertion order.
 *
 * Paths and names are bytes, in UTF-8. Children are ordered by the bytes of their names.
 *
 * Thread: loop, all functions; but fsm_path_check, fsm_command_check and fsm_outcome_describe,
 * which touch only their arguments: any.
 */

struct fsm;      /* the machine; private */
struct fsm_node; /* one version of one node; private */

/* Borrowed bytes. `data` may be NULL if `bytes` is 0. Not NUL-terminated. */
struct fsm_bytes {
    const uint8_t *data;
    size_t bytes;
};

/* ---- Limits ---- */

/* What one command may be and do, and how large the tree may be. The same on every replica. */
struct fsm_limits {
    uint32_t path_bytes; /* of one path, at most FSM_PATH_BYTES_CEILING */
    uint32_t data_bytes; /* of one node's data */
    uint32_t txn_bytes;  /* paths, data and values in a transaction; also the data that it reads */
    uint32_t txn_compares; /* compares of a transaction */
    uint32_t txn_ops;      /* operations of each branch of a transaction */
    uint32_t atomic_nodes; /* nodes that one command may create, set and delete (R25) */
    uint64_t tree_nodes;   /* nodes in the whole tree, the root included; below 2^32 */
    uint64_t tree_bytes;   /* paths and data of the whole tree */
};

#define FSM_PATH_BYTES_CEILING 8192u

#define FSM_LIMITS_DEFAULT                                                                         \
    {                                                                                              \
        .path_bytes = 4096u, .data_bytes = 1u << 20, .txn_bytes = 4u << 20, .txn_compares = 1024u, \
        .txn_ops = 1024u, .atomic_nodes = 10000u, .tree_nodes = UINT64_C(20000000),                \
        .tree_bytes = UINT64_C(8) << 30,                                                           \
    }

/* ---- Zxid ---- */

/* A zxid is the cluster's generation (R14) over a counter of applied changes. 0 is never one. */
#define FSM_ZXID_COUNTER_BITS 48
#define FSM_GENERATION_FIRST  1u

static inline uint64_t fsm_zxid_make(uint16_t generation, uint64_t counter)
{
    return ((uint64_t)generation << FSM_ZXID_COUNTER_BITS) | counter;
}

static inline uint16_t fsm_zxid_generation(uint64_t zxid)
{
    return (uint16_t)(zxid >> FSM_ZXID_COUNTER_BITS);
}

static inline uint64_t fsm_zxid_counter(uint64_t zxid)
{
    return zxid & ((UINT64_C(1) << FSM_ZXID_COUNTER_BITS) - 1);
}

/* ---- Nodes ---- */

enum fsm_node_kind {
    FSM_PERSISTENT = 0,
    FSM_EPHEMERAL = 1, /* this and the following are refused with CD_UNIMPLEMENTED for now */
    FSM_CONTAINER = 2,
    FSM_TTL = 3,
};

/* As ZooKeeper's Stat, with 64-bit counters. All zero for the root of a new tree. */
struct fsm_stat {
    uint64_t czxid;    /* zxid that created the node */
    uint64_t mzxid;    /* zxid that last set its data (its creation if none) */
    uint64_t pzxid;    /* zxid that last created or deleted a child of it (its creation if none) */
    uint64_t ctime_ms; /* effective wall time of czxid, ms since 1970 */
    uint64_t mtime_ms; /* effective wall time of mzxid */
    uint64_t version;  /* times the data was set after the creation */
    uint64_t creates;  /* the next sequential suffix: children created under it, or more */
    uint64_t children_count;
    uint32_t data_bytes;
    enum fsm_node_kind kind;
};

/* ZooKeeper's cversion as clients see it: grows with each child created and each deleted. */
static inline uint64_t fsm_stat_cversion(const struct fsm_stat *stat)
{
    return 2 * stat->creates - stat->children_count;
}

/*
 * Is `path` a node's path? Absolute ("/a/b", or "/" alone); no empty, "." or ".." element; no slash
 * at the end; valid UTF-8; no control character (U+0000 to U+001F, U+007F to U+009F); at most
 * limits->path_bytes bytes.
 * Returns CD_OK, or CD_INVALID_ARGUMENT; `error` (may be NULL) gets a sentence that names the rule.
 */
CD_MUST_USE enum cd_status fsm_path_check(const struct fsm_limits *limits, struct fsm_bytes path,
                                          struct cd_error *error);

/* ---- Commands ---- */

#define FSM_ANY_VERSION INT64_C(-1)

enum fsm_op_kind {
    FSM_OP_CREATE = 1,
    FSM_OP_DELETE = 2,
    FSM_OP_SET = 3,
    FSM_OP_TXN = 4,   /* only as a command's own operation */
    FSM_OP_CHECK = 5, /* this and the following only inside a transaction */
    FSM_OP_GET = 6,
    FSM_OP_EXISTS = 7,
};

/*
 * Creates a node. CD_NODE_EXISTS, CD_NO_PARENT, CD_ROOT_FIXED, CD_TOO_MANY (atomic_nodes,
 * tree_nodes), CD_TOO_LARGE (data_bytes, tree_bytes), CD_UNIMPLEMENTED (other kinds).
 *
 * sequential: the parent's `creates` counter, in decimal and at least 10 digits, is appended to
 * `path`, which may therefore end with a slash. If somebody made a node of that name by hand, the
 * counter goes on to the next free one. Not together with if_absent.
 * make_parents: missing ancestors are created first, persistent and empty.
 * if_absent: an existing node is left alone and shown; the outcome is CD_OK with changed = false.
 */
struct fsm_op_create {
    struct fsm_bytes path;
    struct fsm_bytes data;
    enum fsm_node_kind kind;
    bool sequential;
    bool make_parents;
    bool if_absent;
};

/*
 * Deletes a node. CD_NO_NODE, CD_BAD_VERSION, CD_NOT_EMPTY, CD_ROOT_FIXED, CD_TOO_MANY
 * (atomic_nodes).
 *
 * recursive: with everything below it, at once or not at all; `version` is the named node's.
 * if_present: a missing node is CD_OK with changed = false.
 */
struct fsm_op_delete {
    struct fsm_bytes path;
    int64_t version; /* or FSM_ANY_VERSION */
    bool recursive;
    bool if_present;
};

/*
 * Sets a node's data. CD_NO_NODE, CD_BAD_VERSION, CD_TOO_LARGE (data_bytes, tree_bytes),
 * CD_TOO_MANY (atomic_nodes, in a transaction).
 */
struct fsm_op_set {
    struct fsm_bytes path;
    struct fsm_bytes data;
    int64_t version; /* or FSM_ANY_VERSION */
};

/* The node exists and has this version. CD_NO_NODE, CD_BAD_VERSION. Shows its stat. */
struct fsm_op_check {
    struct fsm_bytes path;
    int64_t version; /* or FSM_ANY_VERSION: it exists */
};

/*
 * GET: CD_NO_NODE, CD_TOO_LARGE (over txn_bytes read in one transaction); shows stat and data.
 * EXISTS: always CD_OK; shows the stat if `found`.
 */
struct fsm_op_read {
    struct fsm_bytes path;
};

enum fsm_compare_target {
    FSM_COMPARE_EXISTS = 1,   /* number is 1 or 0; EQUAL or NOT_EQUAL only */
    FSM_COMPARE_VERSION = 2,  /* number, at most INT64_MAX */
    FSM_COMPARE_CVERSION = 3, /* number, at most INT64_MAX */
    FSM_COMPARE_CZXID = 4,    /* number */
    FSM_COMPARE_MZXID = 5,    /* number */
    FSM_COMPARE_PZXID = 6,    /* number */
    FSM_COMPARE_CHILDREN = 7, /* number of children, at most INT64_MAX */
    FSM_COMPARE_VALUE = 8,    /* value; EQUAL or NOT_EQUAL only */
    FSM_COMPARE_OWNER = 9,    /* this and the following are refused with CD_UNIMPLEMENTED for now */
    FSM_COMPARE_AVERSION = 10,
    FSM_COMPARE_HELD = 11,
};

enum fsm_relation {
    FSM_EQUAL = 1,
    FSM_NOT_EQUAL = 2,
    FSM_LESS = 3,    /* what the node has < what is given */
    FSM_GREATER = 4, /* what the node has > what is given */
};

/* Every target but EXISTS is false of a missing node, whatever the relation. */
struct fsm_compare {
    struct fsm_bytes path;
    enum fsm_compare_target target;
    enum fsm_relation relation;
    uint64_t number;
    struct fsm_bytes value;
};

struct fsm_op;

/*
 * If all compares hold (none always do), the then-operations run, otherwise the else-operations.
 * They run in order, each on what the earlier ones left. The first that is refused undoes all of
 * them and its status is the transaction's. Compares that fail with no else-operation:
 * CD_COMPARE_FAILED. A transaction holds no other, and at most one sequential create for each path
 * given (R15).
 */
struct fsm_op_txn {
    const struct fsm_compare *compares;
    size_t compares_count;
    const struct fsm_op *then_ops;
    size_t then_count;
    const struct fsm_op *else_ops;
    size_t else_count;
};

struct fsm_op {
    enum fsm_op_kind kind;
    union {
        struct fsm_op_create create; /* FSM_OP_CREATE */
        struct fsm_op_delete remove; /* FSM_OP_DELETE */
        struct fsm_op_set set;       /* FSM_OP_SET */
        struct fsm_op_check check;   /* FSM_OP_CHECK */
        struct fsm_op_read read;     /* FSM_OP_GET, FSM_OP_EXISTS */
        struct fsm_op_txn txn;       /* FSM_OP_TXN */
    };
};

/* The replica that serves the client, so that it finds the waiting request. Never read here. */
struct fsm_origin {
    uint32_t node;
    uint64_t boot;
    uint64_t counter;
};

/* One write of a batch. All bytes are borrowed for the call that takes it. */
struct fsm_command {
    struct fsm_origin origin;
    uint64_t session; /* 0: none. Others: CD_SESSION_EXPIRED while none can be opened (R7) */
    uint64_t seq;     /* within the session; 0 without one */
    uint64_t attach;  /* attach number (R9); 0 without a session */
    struct fsm_op op; /* CREATE, DELETE, SET or TXN */
};

/*
 * Does the command keep to the rules of form and to the limits that can be judged without the tree?
 * A replica asks before it proposes, to answer early and with a sentence; apply asks again (F1).
 * Returns CD_OK, CD_INVALID_ARGUMENT, CD_TOO_LARGE, CD_TOO_MANY, CD_UNIMPLEMENTED or CD_ROOT_FIXED;
 * `error` (may be NULL) gets the rule, the limit and the size.
 */
CD_MUST_USE enum cd_status fsm_command_check(const struct fsm_limits *limits,
                                             const struct fsm_command *command,
                                             struct cd_error *error);

/* ---- Results ---- */

/* What one operation did. Fields that the operation does not show are zero. */
struct fsm_outcome {
    enum cd_status status;  /* CD_NOT_APPLIED: another operation of its transaction was refused */
    bool changed;           /* the state is another one */
    bool found;             /* EXISTS: the node is there */
    struct fsm_bytes path;  /* of the node: created (with its suffix), found or deleted */
    struct fsm_stat stat;   /* CREATE, SET, CHECK, GET, EXISTS: after the operation */
    struct fsm_bytes data;  /* GET */
    uint64_t nodes_count;   /* nodes created (ancestors included), set or deleted by it */
    const char *limit_name; /* CD_TOO_LARGE, CD_TOO_MANY: field of fsm_limits; static; else NULL */
    uint64_t limit;         /* its value */
    uint64_t wanted;        /* what the operation came to, or the first number over the limit */
    struct fsm_node *holds; /* private: keeps `path` and `data` alive */
};

enum fsm_change_kind {
    FSM_NODE_CREATED = 1,
    FSM_NODE_SET = 2,
    FSM_NODE_DELETED = 3,
};

/* One node's change, in the order made; a parent after what is deleted below it. */
struct fsm_change {
    enum fsm_change_kind kind;
    struct fsm_bytes path;
    struct fsm_node *node;   /* private: the version that was created, set or deleted */
    struct fsm_node *before; /* private: SET: the version that was replaced; else NULL */
};

/*
 * The outcome of one command. Its bytes live until the next clear, release or apply into the same
 * result, whatever is applied meanwhile through other results.
 */
struct fsm_result {
    enum cd_status status; /* of the whole command */
    bool changed;          /* it took a zxid */
    bool compares_held;    /* TXN: the then-operations ran (or would have, if one was refused) */
    uint64_t zxid;         /* its own if `changed`, otherwise the last one applied */
    int64_t failed_index;  /* TXN: the refused operation in its branch, or the compare that failed
                              for CD_COMPARE_FAILED; -1 if none, or if the form was refused */
    struct fsm_outcome *outcomes; /* one for each operation of the branch; one for other commands */
    size_t outcomes_count;
    size_t outcomes_capacity;   /* private */
    struct fsm_change *changes; /* what changed, for watches; at most limits.atomic_nodes */
    size_t changes_count;
    size_t changes_capacity; /* private */
};

/* Initialised once, filled by any number of applies, released; may be moved as a plain struct. */
void fsm_result_init(struct fsm_result *result);
void fsm_result_clear(struct fsm_result *result); /* gives back what it holds, keeps the arrays */
void fsm_result_release(struct fsm_result *result);

/*
 * A sentence for a person about a refused operation: what was wrong, the limit, what to do. For
 * refusals that only the tree could judge; those of form come from fsm_command_check. Not for
 * CD_OK.
 */
void fsm_outcome_describe(const struct fsm_outcome *outcome, struct cd_error *error);

/* ---- The machine ---- */

/* A leadership that was applied; ordered by round, then node, then incarnation (R2). */
struct fsm_leadership {
    uint64_t round;
    uint32_t node;
    uint64_t incarnation;
};

/* The two times that the leader stamped on a batch (R13). Neither need grow along the log. */
struct fsm_batch_stamp {
    uint64_t wall_ms;    /* since 1970, for ctime and mtime */
    uint64_t elapsed_ms; /* of the cluster's life, for every timeout */
};

/* An empty tree: the root, nothing applied. Copies `limits`, which must be within their ceilings.
 */
struct fsm *fsm_create(const struct fsm_limits *limits, uint16_t generation);
void fsm_free(struct fsm *fsm); /* accepts NULL; results may outlive it */

/* `slot` must be fsm_slot(fsm) + 1. The effective times become max(previous, stamp). */
void fsm_slot_begin(struct fsm *fsm, uint64_t slot, const struct fsm_batch_stamp *stamp);

/* Applies one command within a begun slot. Clears `result` first. Everything is in the result. */
void fsm_apply(struct fsm *fsm, const struct fsm_command *command, struct fsm_result *result);

/* Within a begun slot: keeps the highest leadership applied. Takes no zxid. */
void fsm_apply_leadership(struct fsm *fsm, const struct fsm_leadership *leadership);

/* The slot counts as applied from here on. */
void fsm_slot_end(struct fsm *fsm);

const struct fsm_limits *fsm_limits(const struct fsm *fsm);
uint64_t fsm_slot(const struct fsm *fsm);       /* last slot ended; 0 at first */
uint64_t fsm_zxid(const struct fsm *fsm);       /* last zxid taken; (generation, 0) at first */
uint64_t fsm_wall_ms(const struct fsm *fsm);    /* effective */
uint64_t fsm_elapsed_ms(const struct fsm *fsm); /* effective */
struct fsm_leadership fsm_leadership(const struct fsm *fsm); /* highest applied; zero at first */
uint64_t fsm_nodes_count(const struct fsm *fsm);             /* the root included */
uint64_t fsm_tree_bytes(const struct fsm *fsm);              /* paths and data */

/*
 * A hash of the whole state: tree, counters, times, leadership, limits, slot. Equal states have
 * equal digests however they came about; it is kept up to date by each change, so this is O(1).
 * Between slots only. Its layout is FSM_DIGEST_VERSION (R6).
 */
#define FSM_DIGEST_VERSION 1u
uint64_t fsm_digest(const struct fsm *fsm);

/* Aborts if an invariant of the state is broken or the kept digest is not the tree's. O(tree). */
void fsm_check(const struct fsm *fsm);

/* ---- Reads ---- */

/* A node as read. Bytes are borrowed from the tree until the next apply. */
struct fsm_view {
    struct fsm_bytes path; /* of a child in a list: its name alone */
    struct fsm_stat stat;
    struct fsm_bytes data;
};

/*
 * Returns CD_OK; CD_NO_NODE; CD_INVALID_ARGUMENT (no valid path: ask fsm_path_check for the rule).
 * The state shown is that of fsm_zxid(fsm).
 */
CD_MUST_USE enum cd_status fsm_get(const struct fsm *fsm, struct fsm_bytes path,
                                   struct fsm_view *ret_view);
CD_MUST_USE enum cd_status fsm_exists(const struct fsm *fsm, struct fsm_bytes path,
                                      struct fsm_stat *ret_stat);

/*
 * The children of one node in the order of their names' bytes, from the first name above `after`
 * (empty: from the start). The caller takes as many as fit its page; the last name taken is the
 * next page's `after`, and need not exist any more by then.
 *
 * A page shows the state of one zxid. Pages read at different zxids may differ; but if the parent's
 * czxid and pzxid are the same in all of them, no child was created or deleted in between, so the
 * names are those of one version.
 */
#define FSM_TREE_HEIGHT_MAX 16
struct fsm_page;
struct fsm_tree;
struct fsm_cursor { /* private */
    const struct fsm_page *pages[FSM_TREE_HEIGHT_MAX];
    uint16_t indexes[FSM_TREE_HEIGHT_MAX];
    uint32_t height;
};
struct fsm_children {
    struct fsm_stat parent; /* of the listed node; children_count is the size of the whole list */
    uint64_t zxid;          /* the state shown */
    const struct fsm_tree *tree; /* private, as all below */
    struct fsm_cursor cursor;
    struct fsm_bytes prefix;
};

/*
 * Returns CD_OK, CD_NO_NODE, CD_INVALID_ARGUMENT (path, or `after` is no name). Nothing to release;
 * invalid after the next apply. Borrows nothing from the arguments.
 */
CD_MUST_USE enum cd_status fsm_children_open(const struct fsm *fsm, struct fsm_bytes path,
                                             struct fsm_bytes after, struct fsm_children *ret_list);

/* The next child, or false at the end. */
bool fsm_children_next(struct fsm_children *list, struct fsm_view *ret_view);

#endif
