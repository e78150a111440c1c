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
 *   F2 A command that changes nodes, opens or ends a session or sets its timeout takes the next
 *      zxid; all changes of a command share one. A refused command, or one without effect, takes
 *      none and leaves no trace. (What sessions note, attach numbers, reply marks and kept
 *      replies, takes none.)
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
    uint32_t txn_compares;   /* compares of a transaction */
    uint32_t txn_ops;        /* operations of each branch of a transaction */
    uint32_t atomic_nodes;   /* nodes that one command may create, set and delete (R25) */
    uint64_t tree_nodes;     /* nodes in the whole tree, the root included; below 2^32 */
    uint64_t tree_bytes;     /* paths, data and ACLs of the whole tree */
    uint32_t acl_entries;    /* of one ACL */
    uint32_t queue_prefixes; /* of one held fence or queue-front watch */
    uint64_t ttl_max_ms;     /* of a TTL node */
    uint32_t container_ms;   /* a container that long without children, having had some, may go */

    uint32_t sessions; /* in the state at a time */
    uint32_t session_timeout_min_ms, session_timeout_default_ms, session_timeout_max_ms;
    uint32_t session_ephemerals; /* of one session; at most atomic_nodes, so that its end is one
                                    step (R25) */
    uint32_t unacked_writes;     /* W of R10: kept replies of one session, in number */
    uint32_t kept_reply_bytes;   /* B of R10: of one session, in bytes, beyond which no more of its
                                    writes are taken */
    uint64_t state_reply_bytes;  /* kept replies of all sessions, tombstones and calls together */
    uint32_t tombstones;         /* R21: ended sessions that can still be asked for outcomes, */
    uint64_t tombstone_ms;       /* and for how long, in elapsed time */
    uint32_t call_keys;          /* R21: keys of calls that are remembered, */
    uint64_t call_key_ms;        /* and for how long */
};

#define FSM_PATH_BYTES_CEILING 8192u

#define FSM_LIMITS_DEFAULT                                                                         \
    {                                                                                              \
        .path_bytes = 4096u, .data_bytes = 1u << 20, .txn_bytes = 4u << 20, .txn_compares = 1024u, \
        .txn_ops = 1024u, .atomic_nodes = 10000u, .tree_nodes = UINT64_C(20000000),                \
        .tree_bytes = UINT64_C(8) << 30, .acl_entries = 64u, .queue_prefixes = 16u,                \
        .ttl_max_ms = UINT64_C(315360000000), .container_ms = 10000u, .sessions = 200000u,         \
        .session_timeout_min_ms = 1000u, .session_timeout_default_ms = 10000u,                     \
        .session_timeout_max_ms = 300000u, .session_ephemerals = 10000u, .unacked_writes = 1024u,  \
        .kept_reply_bytes = 8u << 20, .state_reply_bytes = UINT64_C(512) << 20,                    \
        .tombstones = 10000u, .tombstone_ms = UINT64_C(3600000), .call_keys = 100000u,             \
        .call_key_ms = UINT64_C(600000),                                                           \
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
    FSM_EPHEMERAL = 1, /* goes with its session; has no children */
    FSM_CONTAINER = 2, /* goes container_ms after its last child went */
    FSM_TTL = 3,       /* goes when it had no children and was not changed for ttl_ms */
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
    uint64_t azxid;    /* zxid that last set or removed its own ACL; 0 if none did */
    uint64_t aversion; /* times that was done after the creation */
    uint64_t owner;    /* FSM_EPHEMERAL: its session; else 0 */
    uint64_t ttl_ms;   /* FSM_TTL; else 0 */
    uint32_t data_bytes;
    enum fsm_node_kind kind;
    uint8_t suffix_bytes;     /* sequential: the length of its name's suffix; else 0 */
    uint64_t idle_elapsed_ms; /* CONTAINER, TTL: since when its time runs; else 0 */
    struct fsm_acl *acl;      /* private: its own, borrowed; NULL: its parent's holds */
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

/* ---- Who asks ---- */

enum fsm_permission {
    FSM_READ = 1,
    FSM_WRITE = 2,
    FSM_CREATE = 4, /* children; as ZooKeeper's, this and the next are asked of the parent */
    FSM_DELETE = 8, /* children */
    FSM_ADMIN = 16, /* may set the ACL */
};
#define FSM_PERMISSIONS_ALL 31u

/* The numbers are those of the text before the colon in a whole identity: "uri:spiffe://..." */
enum fsm_scheme {
    FSM_SCHEME_ANYONE = 0, /* every valid certificate; `id` is empty */
    FSM_SCHEME_URI = 1,
    FSM_SCHEME_DNS = 2,
    FSM_SCHEME_CN = 3,
};

/* An identity, as a verified certificate says it. */
struct fsm_who {
    enum fsm_scheme scheme; /* not ANYONE */
    struct fsm_bytes id;
    bool administrator; /* the serving replica's configuration lists it: it may do everything */
};

struct fsm_acl_entry {
    uint32_t permissions; /* sum of fsm_permission; not 0 */
    enum fsm_scheme scheme;
    struct fsm_bytes id; /* at most FSM_IDENTITY_BYTES_MAX; compared byte by byte */
};

#define FSM_IDENTITY_BYTES_MAX 1024u

/* What an identity may do is the union over the entries. None: nobody but administrators. */
struct fsm_acl_entries {
    const struct fsm_acl_entry *entries;
    size_t count; /* at most limits.acl_entries */
};

/* ---- Commands ---- */

#define FSM_ANY_VERSION INT64_C(-1)

enum fsm_op_kind {
    FSM_OP_CREATE = 1,
    FSM_OP_DELETE = 2,
    FSM_OP_SET = 3,
    FSM_OP_TXN = 4,   /* only as a command's own operation */
    FSM_OP_CHECK = 5, /* this and the next three only inside a transaction */
    FSM_OP_GET = 6,
    FSM_OP_EXISTS = 7,
    FSM_OP_CHILDREN = 8,
    FSM_OP_INCREMENT = 9,
    FSM_OP_SET_ACL = 10,

    /* Only as a command's own operation, as all below. Of a session, with its next seq: */
    FSM_OP_SET_TIMEOUT = 20,
    FSM_OP_FORGET = 21, /* nothing: the reply mark that it carries is what matters (R10) */
    FSM_OP_CLOSE = 22,
    FSM_OP_REFUSE = 23, /* in the place of a write that was finally refused (R11) */
    /* About sessions, without a seq: */
    FSM_OP_OPEN_SESSION = 24,
    FSM_OP_ATTACH_SESSION = 25, /* the next attach number, for those who do not count (R9) */
    FSM_OP_EXPIRE_SESSION = 26,
    /* The leader's own: */
    FSM_OP_REAP = 30,         /* a container or TTL node whose time has come */
    FSM_OP_AGREE_DIGEST = 31, /* what a majority computed (R6); nothing to the state */
};

/*
 * Creates a node. CD_NODE_EXISTS, CD_NO_PARENT, CD_ROOT_FIXED, CD_NO_CHILDREN_FOR_EPHEMERALS,
 * CD_TOO_MANY (atomic_nodes, tree_nodes, session_ephemerals, acl_entries), CD_TOO_LARGE
 * (data_bytes, tree_bytes), CD_PERMISSION_DENIED (CREATE on the nearest ancestor that exists),
 * CD_INVALID_ARGUMENT (an ephemeral node without a session; ttl_ms).
 *
 * sequential: the parent's `creates` counter, in decimal and at least 10 digits, is appended to
 * `path`, which may therefore end with a slash. If somebody made a node of that name by hand, the
 * counter goes on to the next free one. Not together with if_absent.
 * make_parents: missing ancestors are created first, of kind parents_kind, empty.
 * has_acl: the node gets `acl` as its own, whatever it grants; otherwise its parent's holds.
 * if_absent: an existing node is left alone and shown (which takes READ); the outcome is CD_OK with
 * changed = false.
 */
struct fsm_op_create {
    struct fsm_bytes path;
    struct fsm_bytes data;
    enum fsm_node_kind kind;
    uint64_t ttl_ms;                 /* FSM_TTL: 1 to limits.ttl_max_ms; else 0 */
    enum fsm_node_kind parents_kind; /* FSM_PERSISTENT or FSM_CONTAINER */
    struct fsm_acl_entries acl;
    bool has_acl;
    bool sequential;
    bool make_parents;
    bool if_absent;
};

/*
 * Deletes a node. CD_NO_NODE, CD_BAD_VERSION, CD_NOT_EMPTY, CD_ROOT_FIXED, CD_TOO_MANY
 * (atomic_nodes), CD_PERMISSION_DENIED (DELETE on the parent, of a missing node on its nearest
 * ancestor that exists; if recursive, on every node in the subtree that has children).
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
 * CD_TOO_MANY (atomic_nodes, in a transaction), CD_PERMISSION_DENIED (WRITE).
 */
struct fsm_op_set {
    struct fsm_bytes path;
    struct fsm_bytes data;
    int64_t version; /* or FSM_ANY_VERSION */
};

/*
 * Adds to the decimal number that is the node's whole data: an optional "-", digits, within int64.
 * CD_NO_NODE, CD_NOT_A_NUMBER (also if the sum leaves int64), CD_BAD_VERSION, as SET; with `create`
 * as CREATE: a missing node is made, persistent, with `delta` as its number, unless a version is
 * given. The data becomes the shortest form. Shows stat and value, so it needs READ and WRITE.
 */
struct fsm_op_increment {
    struct fsm_bytes path;
    int64_t delta;
    int64_t version; /* or FSM_ANY_VERSION */
    bool create;
};

/*
 * Gives a node an ACL of its own, or takes it away so that its parent's holds again (the root then
 * has the default, see fsm_acl_default). Needs ADMIN. CD_NO_NODE, CD_BAD_VERSION, CD_TOO_MANY
 * (acl_entries, atomic_nodes), CD_PERMISSION_DENIED.
 */
struct fsm_op_set_acl {
    struct fsm_bytes path;
    struct fsm_acl_entries acl;
    bool has_acl;     /* false: the parent's */
    int64_t aversion; /* or FSM_ANY_VERSION */
};

/* The node exists and has this version. CD_NO_NODE, CD_BAD_VERSION. Shows its stat. As all reads,
 * it needs READ on the node or, of a missing one, on its nearest ancestor that exists. */
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

/*
 * The first children of a node in the order of their names, with what was asked for. Needs READ of
 * the node; stat and data of children that may not be read are zero. CD_NO_NODE, CD_TOO_LARGE
 * (names, data and FSM_CHILD_BYTES for each child over txn_bytes read in one transaction).
 */
#define FSM_CHILD_BYTES 128u
struct fsm_op_children {
    struct fsm_bytes path;
    struct fsm_bytes after; /* a name, or empty */
    uint32_t limit;         /* at least 1 */
    bool with_stat, with_data;
};

/*
 * The claim that a fence holds a path (R15): the node exists and belongs to no ended session, its
 * czxid is the fence, and fewer than n members of its queue precede it. The queue is the set of
 * sequential children of its parent whose names without the suffix are one of `prefixes` (none: the
 * node's own), in the order of (czxid, suffix). A node that is not sequential has no queue.
 */
struct fsm_held {
    struct fsm_bytes path;
    uint64_t fence;
    uint32_t n; /* at least 1 */
    const struct fsm_bytes *prefixes;
    size_t prefixes_count; /* at most limits.queue_prefixes */
};

enum fsm_compare_target {
    FSM_COMPARE_EXISTS = 1,    /* number is 1 or 0; EQUAL or NOT_EQUAL only */
    FSM_COMPARE_VERSION = 2,   /* number, at most INT64_MAX */
    FSM_COMPARE_CVERSION = 3,  /* number, at most INT64_MAX */
    FSM_COMPARE_CZXID = 4,     /* number */
    FSM_COMPARE_MZXID = 5,     /* number */
    FSM_COMPARE_PZXID = 6,     /* number */
    FSM_COMPARE_CHILDREN = 7,  /* number of children, at most INT64_MAX */
    FSM_COMPARE_VALUE = 8,     /* value; EQUAL or NOT_EQUAL only */
    FSM_COMPARE_OWNER = 9,     /* number: a session, or 0; EQUAL or NOT_EQUAL only */
    FSM_COMPARE_AVERSION = 10, /* number, at most INT64_MAX */
    FSM_COMPARE_HELD = 11,     /* held; EQUAL or NOT_EQUAL only; `path` is empty */
};

enum fsm_relation {
    FSM_EQUAL = 1,
    FSM_NOT_EQUAL = 2,
    FSM_LESS = 3,    /* what the node has < what is given */
    FSM_GREATER = 4, /* what the node has > what is given */
};

/*
 * Every target but EXISTS and HELD is false of a missing node, whatever the relation. Each needs
 * READ: a compare that is not allowed refuses the transaction with CD_PERMISSION_DENIED.
 */
struct fsm_compare {
    struct fsm_bytes path;
    enum fsm_compare_target target;
    enum fsm_relation relation;
    uint64_t number;
    struct fsm_bytes value;
    const struct fsm_held *held;
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

#define FSM_SECRET_HASH_BYTES 32u
#define FSM_CALL_KEY_BYTES    16u

/*
 * Opens a session (R7). Its id is the zxid of this command. CD_TOO_MANY (sessions). The identity is
 * the command's `who`.
 */
struct fsm_op_open_session {
    uint8_t secret_hash[FSM_SECRET_HASH_BYTES];
    uint32_t timeout_ms; /* 0: the default; others are brought within the limits */
};

/* CD_INVALID_ARGUMENT outside the limits. */
struct fsm_op_set_timeout {
    uint32_t timeout_ms;
};

/* A leadership that was applied; ordered by round, then node, then incarnation (R2). */
struct fsm_leadership {
    uint64_t round;
    uint32_t node;
    uint64_t incarnation;
};

/*
 * A leader judged that the session has run out. Without effect (CD_NOT_APPLIED) unless the ballot
 * equals the highest leadership applied (R13); CD_SESSION_EXPIRED if the session is not there.
 */
struct fsm_op_expire_session {
    uint64_t session;
    struct fsm_leadership leader;
};

/* Status and sentence become the kept reply. */
struct fsm_op_refuse {
    enum cd_status status;    /* at most CD_STATUS_CLIENT_MAX, not CD_OK or CD_BUSY */
    struct fsm_bytes message; /* at most FSM_REFUSAL_BYTES_MAX */
};
#define FSM_REFUSAL_BYTES_MAX 512u

/*
 * Deletes a container or TTL node, if mzxid and cversion are still these, it has no children and
 * its time has come in elapsed time (R13); otherwise CD_NOT_APPLIED.
 */
struct fsm_op_reap {
    struct fsm_bytes path;
    uint64_t mzxid;
    uint64_t cversion;
};

/*
 * The digest that a majority of the voters computed for a slot that is applied already (R6).
 * Without effect here: a replica compares it with its own.
 */
struct fsm_op_agree_digest {
    uint64_t slot; /* at least 1 */
    uint64_t digest;
    uint32_t version; /* FSM_DIGEST_VERSION of those who computed it */
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
        struct fsm_op_children children;
        struct fsm_op_increment increment;
        struct fsm_op_set_acl set_acl;
        struct fsm_op_set_timeout set_timeout;
        struct fsm_op_refuse refuse;
        struct fsm_op_open_session open_session;
        struct fsm_op_expire_session expire_session;
        struct fsm_op_reap reap;
        struct fsm_op_agree_digest agree_digest;
    };
};

/* The replica that serves the client, so that it finds the waiting request. Never read here. */
struct fsm_origin {
    uint32_t node;
    uint64_t boot;
    uint64_t counter;
};

/*
 * One command of a batch. All bytes are borrowed for the call that takes it.
 *
 * A command that names a session is judged before its operation, in this order (R7, R9, R10, R11);
 * whatever is not FSM_TAKEN has no other effect than the reply mark's:
 *   1. the session is not in the state                         FSM_NO_SESSION
 *   2. its attach number is below the highest one seen         FSM_MOVED; a higher one is kept
 *   3. reply_mark: kept replies up to it are dropped
 *   4. its seq is at or below the reply mark in the state      FSM_FORGOTTEN
 *   5. its seq was applied: the kept reply, if the hash is     FSM_REPLAYED
 *      that of the request kept, else CD_SEQ_CONFLICT          FSM_CONFLICT
 *   6. its seq is not the next one                             FSM_EARLY
 *   7. W or B of the session, or state_reply_bytes is reached  FSM_WINDOW
 *   8. otherwise it is applied, and its reply kept whatever it is.
 *
 * A reply mark beyond what was applied counts as what was. ATTACH_SESSION names its session, but no
 * seq, and stops at 1.
 *
 * A command without a session may have a call key: one that is known is answered with the reply
 * kept under it (FSM_REPLAYED, or FSM_CONFLICT for another hash or identity). Keys live for
 * call_key_ms; the oldest ones go when there are too many. If living sessions alone reach
 * state_reply_bytes: FSM_WINDOW. Before that the oldest tombstones and calls make room.
 */
struct fsm_command {
    struct fsm_origin origin;
    uint64_t session;    /* 0: none */
    uint64_t seq;        /* within the session; 0 without one, and for the leader's own commands */
    uint64_t attach;     /* attach number (R9); 0 without a session */
    uint64_t reply_mark; /* R10 */
    uint64_t request_hash;
    bool has_key;
    uint8_t key[FSM_CALL_KEY_BYTES];
    struct fsm_who who; /* without a session, and of OPEN_SESSION; else the session's counts, but
                           for `administrator` */
    const struct fsm_held *if_held; /* NULL, or: CD_NOT_HELD unless it holds */
    struct fsm_op op;
};

/*
 * Does the command keep to the rules of form and to the limits that can be judged without the tree?
 * A replica asks before it proposes, to answer early and with a sentence; apply asks again (F1).
 * Returns CD_OK, CD_INVALID_ARGUMENT, CD_TOO_LARGE, CD_TOO_MANY or CD_ROOT_FIXED; `error` (may be
 * NULL) gets the rule, the limit and the size.
 */
CD_MUST_USE enum cd_status fsm_command_check(const struct fsm_limits *limits,
                                             const struct fsm_command *command,
                                             struct cd_error *error);

/* ---- Results ---- */

/* A node as read. Bytes are borrowed from the tree until the next apply. */
struct fsm_view {
    struct fsm_bytes path; /* of a child in a list: its name alone */
    struct fsm_stat stat;
    struct fsm_bytes data;
};

/* What one operation did. Fields that the operation does not show are zero. */
struct fsm_outcome {
    enum fsm_op_kind kind;
    enum cd_status status; /* CD_NOT_APPLIED: another operation of its transaction was refused */
    bool changed;          /* the state is another one */
    bool found;            /* EXISTS: the node is there */
    struct fsm_bytes path; /* of the node: created (with its suffix), found or deleted */
    struct fsm_stat stat;  /* CREATE, SET, CHECK, GET, EXISTS: after the operation */
    struct fsm_bytes data; /* GET */
    int64_t value;         /* INCREMENT: the number after it; ATTACH_SESSION: its number */
    uint32_t timeout_ms;   /* OPEN_SESSION, SET_TIMEOUT: what was granted */
    bool with_stat, with_data;       /* CHILDREN: as asked for */
    const struct fsm_view *children; /* CHILDREN */
    size_t children_count;
    bool children_more;       /* CHILDREN: there are more than were shown */
    struct fsm_bytes message; /* REFUSE: the sentence that came with it */
    uint64_t nodes_count;     /* nodes created (ancestors included), set or deleted by it */
    const char *limit_name; /* CD_TOO_LARGE, CD_TOO_MANY: field of fsm_limits; static; else NULL */
    uint64_t limit;         /* its value */
    uint64_t wanted;        /* what the operation came to, or the first number over the limit */
    struct fsm_node *holds; /* private: keeps `path` and `data` alive */
    void *owned;            /* private: memory of `children`, or of a kept reply */
};

enum fsm_change_kind {
    FSM_NODE_CREATED = 1,
    FSM_NODE_SET = 2,
    FSM_NODE_DELETED = 3,
    FSM_NODE_ACL_SET = 4,
};

/* One node's change, in the order made; a parent after what is deleted below it. */
struct fsm_change {
    enum fsm_change_kind kind;
    struct fsm_bytes path;
    struct fsm_node *node;   /* private: the version that was created, set or deleted */
    struct fsm_node *before; /* private: SET, ACL_SET: the version that was replaced; else NULL */
    struct fsm_acl *acl;     /* private: in force there after it; DELETED: before it (R16) */
};

/* What became of a command before its operation was looked at; see struct fsm_command. */
enum fsm_verdict {
    FSM_TAKEN = 0,  /* applied now: `status` is final */
    FSM_REPLAYED,   /* applied earlier: this is the reply that was kept; nothing changed */
    FSM_CONFLICT,   /* CD_SEQ_CONFLICT */
    FSM_FORGOTTEN,  /* as all below: never shown to a client */
    FSM_EARLY,      /* to be proposed again, from the lowest unanswered one on */
    FSM_WINDOW,     /* likewise, when replies were acknowledged */
    FSM_MOVED,      /* CD_SESSION_MOVED */
    FSM_NO_SESSION, /* CD_SESSION_EXPIRED */
};

/*
 * The outcome of one command. Its bytes live until the next clear, release or apply into the same
 * result, whatever is applied meanwhile through other results.
 */
struct fsm_result {
    enum fsm_op_kind kind; /* of the command's operation; of a replay: of the kept one */
    enum fsm_verdict verdict;
    enum cd_status status;   /* of the whole command */
    bool changed;            /* it took a zxid */
    uint64_t session_opened; /* OPEN_SESSION: its id; else 0 */
    uint64_t session_ended;  /* CLOSE, EXPIRE_SESSION: its id; else 0 */
    bool compares_held;      /* TXN: the then-operations ran (or would have, if one was refused) */
    uint64_t zxid;           /* its own if `changed`, otherwise the last one applied */
    int64_t failed_index;    /* TXN: the refused operation in its branch; without outcomes, the
                                compare that failed (CD_COMPARE_FAILED) or may not be made
                                (CD_PERMISSION_DENIED); -1 if none, or if the form was refused */
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
uint64_t fsm_tree_bytes(const struct fsm *fsm);              /* paths, data and ACLs */

/*
 * A hash of the whole state: tree, counters, times, leadership, limits, slot. Equal states have
 * equal digests however they came about; it is kept up to date by each change, so this is O(1).
 * Between slots only. Its layout is FSM_DIGEST_VERSION (R6).
 */
#define FSM_DIGEST_VERSION 2u
uint64_t fsm_digest(const struct fsm *fsm);

/* Aborts if an invariant of the state is broken or the kept digest is not the tree's. O(tree). */
void fsm_check(const struct fsm *fsm);

/* ---- Sessions ---- */

/* A session as the state has it. Bytes are borrowed until the next apply. */
struct fsm_session_view {
    uint64_t session;
    struct fsm_who who; /* who opened it, and alone may resume it */
    uint8_t secret_hash[FSM_SECRET_HASH_BYTES];
    uint32_t timeout_ms;
    uint64_t attach;     /* highest seen */
    uint64_t last_seq;   /* applied */
    uint64_t reply_mark; /* kept replies are those of (reply_mark, last_seq] */
    uint64_t kept_bytes;
    uint64_t ephemerals;
    bool ended; /* it is a tombstone */
};

uint64_t fsm_sessions_count(const struct fsm *fsm);

/* A live session. False: there is none with that id. */
bool fsm_session_find(const struct fsm *fsm, uint64_t session, struct fsm_session_view *ret_view);

/* A live session or the tombstone of one. */
bool fsm_session_find_ended(const struct fsm *fsm, uint64_t session,
                            struct fsm_session_view *ret_view);

/* The first live session with an id above `after`, in the order of ids. False: there is none. */
bool fsm_session_next(const struct fsm *fsm, uint64_t after, struct fsm_session_view *ret_view);

/*
 * R21: what became of write `seq` of a live or ended session. CD_OK: `result` is the reply that was
 * kept, as fsm_apply gave it. CD_NOT_APPLIED: it was not applied; of an ended session it never will
 * be. CD_OUTCOME_UNKNOWN: the session, or that reply, is no longer remembered.
 */
CD_MUST_USE enum cd_status fsm_outcome_of(const struct fsm *fsm, uint64_t session, uint64_t seq,
                                          struct fsm_result *result);

/* The same for the key of a call of that identity. CD_OK, CD_OUTCOME_UNKNOWN. */
CD_MUST_USE enum cd_status fsm_outcome_of_call(const struct fsm *fsm,
                                               const uint8_t key[FSM_CALL_KEY_BYTES],
                                               const struct fsm_who *who,
                                               struct fsm_result *result);

/*
 * Containers and TTL nodes whose time has come at `elapsed_ms`, at most `max`; the leader proposes
 * FSM_OP_REAP for each. Cheap if there is none. Returns how many; bytes borrowed until the next
 * apply.
 */
size_t fsm_due(const struct fsm *fsm, uint64_t elapsed_ms, struct fsm_op_reap *ret_ops, size_t max);

/* ---- Reads ---- */

/*
 * One version of the whole tree, frozen at one zxid, so that all pages of a list come from it
 * (R25). Freezing is O(1); what writes replace afterwards stays in memory until the version is
 * given back.
 */
struct fsm_version;
struct fsm_version *fsm_version_take(const struct fsm *fsm);
/* Gives back at most `pages` pages of a version that nobody reads any more; true: all of it. */
bool fsm_version_release(struct fsm_version *version, size_t pages);
uint64_t fsm_version_zxid(const struct fsm_version *version);

/*
 * All reads below are of `version`, or of the state itself if that is NULL, for `who`; NULL:
 * without asking who it is. Bytes are borrowed until the version is given back, or until the next
 * apply.
 *
 * They return CD_OK; CD_NO_NODE; CD_PERMISSION_DENIED (READ, on the node or, if it does not exist,
 * on its nearest ancestor); CD_INVALID_ARGUMENT (no valid path: ask fsm_path_check for the rule).
 */
CD_MUST_USE enum cd_status fsm_get(const struct fsm *fsm, const struct fsm_version *version,
                                   const struct fsm_who *who, struct fsm_bytes path,
                                   struct fsm_view *ret_view);
CD_MUST_USE enum cd_status fsm_exists(const struct fsm *fsm, const struct fsm_version *version,
                                      const struct fsm_who *who, struct fsm_bytes path,
                                      struct fsm_stat *ret_stat);

/*
 * A transaction that writes in neither branch, as a read: carried out on the state as fsm_apply
 * would, with every rule of form and permission, and everything in `result`.
 */
void fsm_read_txn(struct fsm *fsm, const struct fsm_who *who, const struct fsm_op_txn *txn,
                  struct fsm_result *result);

/* Does the fence hold (R15)? READ is needed. CD_OK, CD_NOT_HELD, and as above but CD_NO_NODE. */
CD_MUST_USE enum cd_status fsm_holds(const struct fsm *fsm, const struct fsm_who *who,
                                     const struct fsm_held *held);

/* The ACL in force at a node, and the path of the node from which it comes. */
CD_MUST_USE enum cd_status fsm_get_acl(const struct fsm *fsm, const struct fsm_version *version,
                                       const struct fsm_who *who, struct fsm_bytes path,
                                       struct fsm_acl_entries *ret_acl,
                                       struct fsm_bytes *ret_origin, struct fsm_stat *ret_stat);

/* Nodes below it; those that `who` may not read are counted too. O(size of the subtree / 100). */
CD_MUST_USE enum cd_status fsm_count(const struct fsm *fsm, const struct fsm_version *version,
                                     const struct fsm_who *who, struct fsm_bytes path,
                                     uint64_t *ret_nodes);

#define FSM_TREE_HEIGHT_MAX 16
struct fsm_page;
struct fsm_tree;
struct fsm_cursor { /* private */
    const struct fsm_page *pages[FSM_TREE_HEIGHT_MAX];
    uint16_t indexes[FSM_TREE_HEIGHT_MAX];
    uint32_t height;
};

enum fsm_list_kind {
    FSM_LIST_CHILDREN,   /* of one node; a view's path is the child's name */
    FSM_LIST_SUBTREE,    /* the node itself and all below it that `who` may read */
    FSM_LIST_CHANGED,    /* likewise, those with czxid, mzxid, pzxid or azxid above `since` */
    FSM_LIST_EPHEMERALS, /* of one session, at or below a path; live state only */
};

struct fsm_list_options {
    enum fsm_list_kind kind;
    struct fsm_bytes path;
    /* Goes on behind this one: CHILDREN a name, the others a path. Empty: from the start. It need
     * not exist any more. */
    struct fsm_bytes after;
    uint32_t depth;   /* SUBTREE: levels below the node; 0: all */
    uint64_t since;   /* CHANGED: a zxid */
    uint64_t session; /* EPHEMERALS */
};

/* A walk in the order of paths, parents before children. `who` and options' bytes are borrowed. */
struct fsm_list {
    struct fsm_stat top;             /* of the node at `path`; zero for EPHEMERALS */
    uint64_t zxid;                   /* the state shown */
    struct fsm_list_options options; /* private, as all below */
    const struct fsm *fsm;
    const struct fsm_who *who;
    bool acls; /* there are any */
    const struct fsm_tree *tree;
    struct fsm_cursor cursor;
    struct fsm_bytes prefix;
};

/* Nothing to release. What of a child in CHILDREN `who` may not read has stat and data zero. */
CD_MUST_USE enum cd_status fsm_list_open(const struct fsm *fsm, const struct fsm_version *version,
                                         const struct fsm_who *who,
                                         const struct fsm_list_options *options,
                                         struct fsm_list *ret_list);

/* The next one, or false at the end. Skips in steps: CHANGED costs what it shows, not the subtree.
 */
bool fsm_list_next(struct fsm_list *list, struct fsm_view *ret_view);

#endif
