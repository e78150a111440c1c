#ifndef COORD_CLIENT_H
#define COORD_CLIENT_H

/*
 * libcoord: the C client of Coord, a replicated tree of small nodes.
 *
 * The laws of this header
 *
 *  Outcomes   Every function that can fail returns an enum coord_code, COORD_OK being 0, and fills
 *             `reterr`, if that is not NULL, with the same code and a sentence for a person. Its
 *             comment lists every code that it can return; codes of a replica that this version
 *             does not know arrive as COORD_UNRECOGNIZED. On failure outputs stay as they were.
 *  Ownership  What a create, or a call with a `ret_` pointer to a pointer, gives you is yours and
 *             is freed by the function named there; all of these accept NULL. What an accessor
 *             gives you belongs to the object that you asked and lives as long as it. Arguments
 *             are borrowed for the call and copied where they are kept.
 *  Threads    A client may be used by any number of threads at a time. Options, call options and
 *             transactions by one thread at a time. Results never change and may be read by any.
 *             None of it may be used in a child after fork().
 *  Time       All times are milliseconds. A call returns at the latest when its timeout is over.
 *  Manners    The library never ends the process, never prints, installs no signal handler and
 *             changes no signal mask but its own threads'. gRPC's own log, which is one for a
 *             process, is silenced by the first client unless GRPC_VERBOSITY is set.
 *  Growth     Structs that the library hands out may get new fields at their end. You never make
 *             one of those yourself and never keep it by value across versions.
 *
 * What a failed write means. Every code but one says for certain that the write was not done.
 * COORD_OUTCOME_UNKNOWN says that it may or may not have been done, because the replica or its
 * leader was lost between the request and the answer, the answer did not come in time or could not
 * be understood: look before you repeat it. Reads are repeated by the library itself, on other
 * replicas if need be, until their timeout.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define COORD_API __attribute__((visibility("default")))
#else
#define COORD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Outcomes ---------------------------------------------------------------------------------
 */

/* Numbers below 100 are those of coord.v1.Code and never change; the others are the library's. */
enum coord_code {
    COORD_OK = 0,
    COORD_INVALID_ARGUMENT = 1, /* an argument breaks a rule, which the message names */
    COORD_NO_NODE = 2,
    COORD_NODE_EXISTS = 3,
    COORD_NO_PARENT = 4,
    COORD_NOT_EMPTY = 5, /* the node to delete has children */
    COORD_BAD_VERSION = 6,
    COORD_NO_CHILDREN_FOR_EPHEMERALS = 7,
    COORD_COMPARE_FAILED = 8, /* a comparison of a transaction without an "else" does not hold */
    COORD_TOO_LARGE = 9,      /* over a limit of size; the message has limit and size */
    COORD_TOO_MANY = 10,      /* over a limit of number; likewise */
    COORD_PERMISSION_DENIED = 11,
    COORD_UNIMPLEMENTED = 12, /* the replica does not know that operation */
    COORD_NO_LEADER = 13,     /* within the timeout the replicas had no leader; nothing was done */
    COORD_BUSY = 14,          /* within the timeout they were too busy; nothing was done */
    COORD_OUTCOME_UNKNOWN = 15,
    COORD_NOT_APPLIED = 16,
    COORD_SESSION_EXPIRED = 17,
    COORD_SESSION_MOVED = 18,
    COORD_SESSION_REFUSED = 19,
    COORD_SEQ_CONFLICT = 20,
    COORD_CURSOR_EXPIRED = 21, /* the list changed too much since its first page: start again */
    COORD_WRONG_CLUSTER = 22,  /* the endpoints are not, or no longer, the cluster met before */
    COORD_NOT_BORN = 23,       /* the cluster was not initialised yet */
    COORD_ALREADY_BORN = 24,
    COORD_SHUTTING_DOWN = 25,
    COORD_NOT_HELD = 26,
    COORD_NOT_A_NUMBER = 27,
    COORD_ROOT_FIXED = 28, /* the root is neither created nor deleted */
    COORD_BEHIND = 29,     /* the replicas that answered are behind what this client has seen */
    COORD_LIMIT_TIME = 30, /* it took longer than a bound of the replica's */

    COORD_UNREACHABLE = 100, /* no replica could be reached within the timeout; nothing was done */
    COORD_CLOSED = 101,      /* the client was closed meanwhile; nothing was done */
    COORD_MALFORMED = 102,   /* a replica's answer to a read could not be understood */
    COORD_IO = 103,          /* a file could not be read */
    COORD_TIMEOUT = 111,     /* a replica was there, but no answer in time; nothing was done */
    COORD_NO_MEMORY = 120,   /* nothing was done */
    COORD_UNRECOGNIZED = 121 /* refused, with a code that this version does not know */
};

/* "NO_NODE"; "UNRECOGNIZED" for any number that is not in the enum. Static. Thread: any. */
COORD_API const char *coord_code_name(enum coord_code code);

/* "the node does not exist": completes "could not do it: ...". Static. Thread: any. */
COORD_API const char *coord_code_text(enum coord_code code);

#define COORD_ERROR_MESSAGE_BYTES 1008
#define COORD_NO_INDEX            UINT32_MAX

/* Yours, on the stack for instance; the only struct of this header that you make yourself. */
struct coord_error {
    enum coord_code code;
    /*
     * Of a transaction: with COORD_COMPARE_FAILED the first compare that did not hold, with
     * another refusal of an operation that operation; counted from 0. Else COORD_NO_INDEX.
     */
    uint32_t failed_index;
    char message[COORD_ERROR_MESSAGE_BYTES]; /* NUL-terminated, cut if longer */
};

/* ---- Options ----------------------------------------------------------------------------------
 */

struct coord_options;

/* Freed with coord_options_free. NULL: no memory. Thread: any. */
COORD_API struct coord_options *coord_options_create(void);

COORD_API void coord_options_free(struct coord_options *options);

#define COORD_ENDPOINTS_MAX 64

/*
 * Replicas to talk to: "host:port", several with commas between, "[::1]:7420" for IPv6. They are
 * tried in random order, names are resolved again for every connection, and the certificate of a
 * replica must be made out for the host as it is written here. No default.
 * Returns: COORD_OK, COORD_INVALID_ARGUMENT, COORD_TOO_MANY (COORD_ENDPOINTS_MAX), COORD_NO_MEMORY.
 * Thread: one at a time.
 */
COORD_API enum coord_code coord_options_set_endpoints(struct coord_options *options,
                                                      const char *endpoints,
                                                      struct coord_error *reterr);

/*
 * PEM files: the authorities that sign the replicas' certificates, and the client's certificate
 * with its key. Replicas require one. The files are read again for every connection, so that new
 * certificates may be put in their place. No default. TLS 1.3 is required by the replicas.
 * Returns: COORD_OK, COORD_INVALID_ARGUMENT (an empty name), COORD_NO_MEMORY. Thread: one at a
 * time.
 */
COORD_API enum coord_code coord_options_set_tls_files(struct coord_options *options,
                                                      const char *ca_file, const char *cert_file,
                                                      const char *key_file,
                                                      struct coord_error *reterr);

#define COORD_TIMEOUT_DEFAULT_MS 10000u
#define COORD_TIMEOUT_MAX_MS     86400000u

/*
 * How long a call may take whose call options say nothing else: 1 to COORD_TIMEOUT_MAX_MS.
 * Returns: COORD_OK, COORD_INVALID_ARGUMENT. Thread: one at a time.
 */
COORD_API enum coord_code coord_options_set_timeout_ms(struct coord_options *options,
                                                       uint32_t timeout_ms,
                                                       struct coord_error *reterr);

#define COORD_CLIENT_NAME_BYTES_MAX 128

/*
 * Name and version of the program, for the replicas' logs: 1 to COORD_CLIENT_NAME_BYTES_MAX bytes
 * of printable ASCII. Default "libcoord/<version>". Returns: COORD_OK, COORD_INVALID_ARGUMENT,
 * COORD_NO_MEMORY. Thread: one at a time.
 */
COORD_API enum coord_code coord_options_set_client_name(struct coord_options *options,
                                                        const char *name,
                                                        struct coord_error *reterr);

/* ---- The client -------------------------------------------------------------------------------
 */

struct coord_client;

/*
 * Starts the client's one thread. Nothing is dialled before the first call needs it. `options` are
 * borrowed for the call. The client is freed with coord_client_close.
 * Returns: COORD_OK; COORD_INVALID_ARGUMENT (endpoints or TLS files were not set, or a file holds
 * no PEM); COORD_IO (a file cannot be read); COORD_NO_MEMORY (or no thread). Thread: any.
 */
COORD_API enum coord_code coord_client_create(const struct coord_options *options,
                                              struct coord_client **ret_client,
                                              struct coord_error *reterr);

/*
 * Ends all calls under way in other threads, with COORD_CLOSED, or COORD_OUTCOME_UNKNOWN for a
 * write that was sent; returns when they have returned and the thread has ended. No call may begin
 * after it. Accepts NULL. Thread: any, once.
 */
COORD_API void coord_client_close(struct coord_client *client);

/* The endpoints as they were given. Thread: any. */
COORD_API size_t coord_client_endpoints_count(const struct coord_client *client);
COORD_API const char *coord_client_endpoint(const struct coord_client *client, size_t index);

/* How fresh a read must be. */
enum coord_level {
    /* Shows every write that was acknowledged to anyone before the call. The default. */
    COORD_LINEARIZABLE = 0,
    /* From the replica at hand, never older than anything that this client has seen. */
    COORD_SESSION = 1,
    /* From the replica at hand once it has applied a given zxid. */
    COORD_AT_LEAST = 2
};

struct coord_call_options;

/*
 * What may be said about a single call; NULL in its place means all defaults. Freed with
 * coord_call_options_free. NULL: no memory. Thread: any.
 */
COORD_API struct coord_call_options *coord_call_options_create(void);
COORD_API void coord_call_options_free(struct coord_call_options *call);

/* 0: as the client's options say. More than COORD_TIMEOUT_MAX_MS means that. One at a time. */
COORD_API void coord_call_options_set_timeout_ms(struct coord_call_options *call,
                                                 uint32_t timeout_ms);

/* Of reads. COORD_LINEARIZABLE or COORD_SESSION; another value makes the call fail. One at a time.
 */
COORD_API void coord_call_options_set_level(struct coord_call_options *call,
                                            enum coord_level level);

/* Makes the level COORD_AT_LEAST `zxid`, which is not 0. One at a time. */
COORD_API void coord_call_options_set_at_least(struct coord_call_options *call, uint64_t zxid);

/* ---- Results ----------------------------------------------------------------------------------
 */

/* What a successful call found out. Freed with coord_result_free. Every accessor: any thread. */
struct coord_result;

COORD_API void coord_result_free(struct coord_result *result);

enum coord_node_kind {
    COORD_NODE_PERSISTENT = 0,
    COORD_NODE_EPHEMERAL = 1,
    COORD_NODE_CONTAINER = 2,
    COORD_NODE_TTL = 3
};

/* What is known about a node besides its data; the fields are ZooKeeper's. */
struct coord_node_stat {
    uint64_t czxid;           /* zxid that created it */
    uint64_t mzxid;           /* zxid that last set its data */
    uint64_t pzxid;           /* zxid that last created or deleted a child */
    int64_t ctime_ms;         /* when it was created, by the cluster's clock, since 1970 UTC */
    int64_t mtime_ms;         /* when its data was last set */
    int64_t version;          /* changes of its data */
    int64_t cversion;         /* changes of its children */
    int64_t aversion;         /* changes of its ACL */
    uint64_t ephemeral_owner; /* session that owns an ephemeral node, or 0 */
    int64_t data_length;      /* bytes */
    int64_t num_children;
    uint64_t azxid; /* zxid that last set its ACL; 0 if none did */
    enum coord_node_kind kind;
    uint64_t ttl_ms; /* of a TTL node; else 0 */
};

/* Of a write: its own zxid. Of a read: the zxid of the state that it shows. */
COORD_API uint64_t coord_result_zxid(const struct coord_result *result);

/* The node of create (after it), set, get, check, exists; the parent of children. Else NULL. */
COORD_API const struct coord_node_stat *coord_result_stat(const struct coord_result *result);

/* Of create: the path, with the suffix of a sequential node. Else NULL. */
COORD_API const char *coord_result_path(const struct coord_result *result);

/* Of create: false only with COORD_CREATE_IF_ABSENT, if the node existed. Else false. */
COORD_API bool coord_result_created(const struct coord_result *result);

/* Of exists: whether the node does. True for get. Else false. */
COORD_API bool coord_result_exists(const struct coord_result *result);

/* Of get: the data, with a NUL behind it that does not count. Else NULL and 0. */
COORD_API const void *coord_result_data(const struct coord_result *result, size_t *ret_bytes);

/* Of delete: how many nodes went; 0 only with COORD_DELETE_IF_PRESENT. Else 0. */
COORD_API int64_t coord_result_deleted(const struct coord_result *result);

/* Of children: this page, in byte order of the names. NULL past the end. */
COORD_API size_t coord_result_children_count(const struct coord_result *result);
COORD_API const char *coord_result_child_name(const struct coord_result *result, size_t index);
/* NULL unless asked for by COORD_CHILDREN_WITH_STAT. */
COORD_API const struct coord_node_stat *coord_result_child_stat(const struct coord_result *result,
                                                                size_t index);
/* Empty unless asked for by COORD_CHILDREN_WITH_DATA; a NUL behind it that does not count. */
COORD_API const void *coord_result_child_data(const struct coord_result *result, size_t index,
                                              size_t *ret_bytes);
/* Of children: another page follows. */
COORD_API bool coord_result_more(const struct coord_result *result);

/* Of a transaction: every compare held, so that "then" was carried out. */
COORD_API bool coord_result_succeeded(const struct coord_result *result);
/* Of a transaction: one result for each operation of the branch carried out, in their order. */
COORD_API size_t coord_result_results_count(const struct coord_result *result);
COORD_API const struct coord_result *coord_result_at(const struct coord_result *result,
                                                     size_t index);

/* ---- Calls ------------------------------------------------------------------------------------
 */

/*
 * Every call below blocks until it is done, refused or its timeout is over, and can return, beside
 * what it lists itself:
 *
 *   COORD_OK; COORD_INVALID_ARGUMENT, COORD_TOO_LARGE (path, data or the whole request),
 *   COORD_TOO_MANY (calls under way, or a limit of the cluster), COORD_PERMISSION_DENIED,
 *   COORD_UNIMPLEMENTED, COORD_UNRECOGNIZED; COORD_UNREACHABLE, COORD_NO_LEADER, COORD_BUSY,
 *   COORD_BEHIND, COORD_SHUTTING_DOWN, COORD_LIMIT_TIME, COORD_TIMEOUT, COORD_NOT_BORN,
 *   COORD_WRONG_CLUSTER; COORD_MALFORMED, COORD_CLOSED, COORD_NO_MEMORY;
 *   and a write COORD_OUTCOME_UNKNOWN.
 *
 * path:       absolute, UTF-8, "/" or "/a/b"; no empty element, ".", ".." or control character.
 * data:       any bytes; NULL only with 0 of them.
 * version:    of the node's data, which must be met, or COORD_ANY_VERSION.
 * flags:      a sum of the flags named, or 0.
 * call:       or NULL.
 * ret_result: freed with coord_result_free; NULL if you do not want it.
 * Thread:     any.
 */

#define COORD_ANY_VERSION ((int64_t)-1)

enum coord_create_flags {
    COORD_CREATE_SEQUENTIAL = 1, /* append the parent's count of created children, ten digits */
    COORD_CREATE_PARENTS = 2,    /* create missing ancestors too, without data */
    COORD_CREATE_IF_ABSENT = 4   /* a node that exists already is a success; not with SEQUENTIAL */
};

enum coord_delete_flags {
    COORD_DELETE_RECURSIVE = 1, /* with all that is below it, in one step */
    COORD_DELETE_IF_PRESENT = 2 /* a node that is not there is a success */
};

enum coord_children_flags { COORD_CHILDREN_WITH_STAT = 1, COORD_CHILDREN_WITH_DATA = 2 };

/* COORD_NODE_EXISTS, COORD_NO_PARENT, COORD_NO_CHILDREN_FOR_EPHEMERALS, COORD_ROOT_FIXED. */
COORD_API enum coord_code coord_create(struct coord_client *client, const char *path,
                                       const void *data, size_t data_bytes, uint32_t flags,
                                       const struct coord_call_options *call,
                                       struct coord_result **ret_result,
                                       struct coord_error *reterr);

/* COORD_NO_NODE, COORD_BAD_VERSION. */
COORD_API enum coord_code coord_set(struct coord_client *client, const char *path, const void *data,
                                    size_t data_bytes, int64_t version,
                                    const struct coord_call_options *call,
                                    struct coord_result **ret_result, struct coord_error *reterr);

/* COORD_NO_NODE, COORD_NOT_EMPTY, COORD_BAD_VERSION, COORD_ROOT_FIXED. */
COORD_API enum coord_code coord_delete(struct coord_client *client, const char *path,
                                       int64_t version, uint32_t flags,
                                       const struct coord_call_options *call,
                                       struct coord_result **ret_result,
                                       struct coord_error *reterr);

/* The node's data and stat. COORD_NO_NODE. */
COORD_API enum coord_code coord_get(struct coord_client *client, const char *path,
                                    const struct coord_call_options *call,
                                    struct coord_result **ret_result, struct coord_error *reterr);

/* Whether the node exists, and its stat if it does. */
COORD_API enum coord_code coord_exists(struct coord_client *client, const char *path,
                                       const struct coord_call_options *call,
                                       struct coord_result **ret_result,
                                       struct coord_error *reterr);

/* The node's stat. COORD_NO_NODE. */
COORD_API enum coord_code coord_stat(struct coord_client *client, const char *path,
                                     const struct coord_call_options *call,
                                     struct coord_result **ret_result, struct coord_error *reterr);

/*
 * One page of the node's children. COORD_NO_NODE, COORD_CURSOR_EXPIRED.
 * limit:    names in this page at most; 0, and more than the cluster's limit, mean that limit.
 * previous: the result of the page before, with the same path and flags; NULL for the first.
 */
COORD_API enum coord_code
coord_children(struct coord_client *client, const char *path, uint32_t flags, uint32_t limit,
               const struct coord_result *previous, const struct coord_call_options *call,
               struct coord_result **ret_result, struct coord_error *reterr);

/* ---- Transactions -----------------------------------------------------------------------------
 */

/*
 * All or nothing: if every compare holds, the operations of COORD_THEN are carried out, else those
 * of COORD_ELSE. An operation sees the effects of those before it; if one fails nothing is changed.
 *
 * The functions that add remember the first mistake (an argument, no memory), which
 * coord_txn_run then returns; so nothing has to be checked in between. They copy their arguments.
 * One at a time.
 */
struct coord_txn;

/* Empty; freed with coord_txn_free. NULL: no memory. Thread: any. */
COORD_API struct coord_txn *coord_txn_create(void);
COORD_API void coord_txn_free(struct coord_txn *txn);

enum coord_relation { COORD_EQUAL = 0, COORD_NOT_EQUAL = 1, COORD_LESS = 2, COORD_GREATER = 3 };

/* What of a node is compared. For COORD_IF_EXISTS the value is 1 or 0. */
enum coord_compared {
    COORD_IF_EXISTS = 0, /* COORD_EQUAL and COORD_NOT_EQUAL only */
    COORD_IF_VERSION = 1,
    COORD_IF_CVERSION = 2,
    COORD_IF_AVERSION = 3,
    COORD_IF_CZXID = 4,
    COORD_IF_MZXID = 5,
    COORD_IF_PZXID = 6,
    COORD_IF_NUM_CHILDREN = 7
};

/*
 * "<compared of the node at path> <relation> <value>". Does not hold for a node that is not there,
 * but for COORD_IF_EXISTS.
 */
COORD_API void coord_txn_compare(struct coord_txn *txn, const char *path,
                                 enum coord_compared compared, enum coord_relation relation,
                                 uint64_t value);

/* Compares the node's data: COORD_EQUAL or COORD_NOT_EQUAL. */
COORD_API void coord_txn_compare_data(struct coord_txn *txn, const char *path,
                                      enum coord_relation relation, const void *data,
                                      size_t data_bytes);

enum coord_branch { COORD_THEN = 0, COORD_ELSE = 1 };

/* Arguments as in the calls of the same name. */
COORD_API void coord_txn_add_create(struct coord_txn *txn, enum coord_branch branch,
                                    const char *path, const void *data, size_t data_bytes,
                                    uint32_t flags);
COORD_API void coord_txn_add_set(struct coord_txn *txn, enum coord_branch branch, const char *path,
                                 const void *data, size_t data_bytes, int64_t version);
COORD_API void coord_txn_add_delete(struct coord_txn *txn, enum coord_branch branch,
                                    const char *path, int64_t version, uint32_t flags);
COORD_API void coord_txn_add_get(struct coord_txn *txn, enum coord_branch branch, const char *path);
COORD_API void coord_txn_add_exists(struct coord_txn *txn, enum coord_branch branch,
                                    const char *path);
/* The first page alone. */
COORD_API void coord_txn_add_children(struct coord_txn *txn, enum coord_branch branch,
                                      const char *path, uint32_t flags, uint32_t limit);
/* Fails, and the transaction with it, unless the node exists and has the version. */
COORD_API void coord_txn_add_check(struct coord_txn *txn, enum coord_branch branch,
                                   const char *path, int64_t version);

/*
 * Carries it out; it stays as it is and may be run again. A transaction without a write in either
 * branch is a read.
 * Returns, beside what every call can: COORD_COMPARE_FAILED, and what its operations can;
 * reterr->failed_index says which.
 */
COORD_API enum coord_code coord_txn_run(struct coord_client *client, const struct coord_txn *txn,
                                        const struct coord_call_options *call,
                                        struct coord_result **ret_result,
                                        struct coord_error *reterr);

/* ---- The cluster itself -----------------------------------------------------------------------
 */

/*
 * These ask one replica, over a connection of their own, and need an identity that its
 * configuration lists as an administrator; others get COORD_PERMISSION_DENIED. Of `call` only the
 * timeout counts. endpoint: "host:port", one of the client's or another; NULL means the client's
 * first. All can return COORD_OK, COORD_INVALID_ARGUMENT, COORD_PERMISSION_DENIED,
 * COORD_UNIMPLEMENTED, COORD_UNRECOGNIZED, COORD_UNREACHABLE, COORD_BUSY, COORD_SHUTTING_DOWN,
 * COORD_TIMEOUT, COORD_MALFORMED, COORD_CLOSED, COORD_NO_MEMORY. Thread: any.
 */

#define COORD_CLUSTER_ID_BYTES 16

/*
 * Gives birth to a cluster on that empty replica; other empty replicas join by themselves. Not to
 * be repeated blindly. COORD_ALREADY_BORN (it holds a cluster; nothing was done),
 * COORD_OUTCOME_UNKNOWN (the connection was lost: ask for its status).
 * ret_cluster_id: COORD_CLUSTER_ID_BYTES bytes, or NULL.
 */
COORD_API enum coord_code coord_admin_init(struct coord_client *client, const char *endpoint,
                                           const struct coord_call_options *call,
                                           uint8_t *ret_cluster_id, struct coord_error *reterr);

/*
 * Asks for leadership to be handed to voter `node_id`, or with 0 to the one that is closest, and
 * returns when it leads. COORD_NO_LEADER, COORD_NOT_BORN, COORD_LIMIT_TIME,
 * COORD_OUTCOME_UNKNOWN (the connection was lost).
 * ret_leader_id: who leads now; or NULL.
 */
COORD_API enum coord_code coord_admin_transfer(struct coord_client *client, const char *endpoint,
                                               uint32_t node_id,
                                               const struct coord_call_options *call,
                                               uint32_t *ret_leader_id, struct coord_error *reterr);

enum coord_member_role {
    COORD_ROLE_UNKNOWN = 0,
    COORD_ROLE_VOTER = 1,
    COORD_ROLE_LEARNER = 2, /* catches up; becomes a voter by itself */
    COORD_ROLE_OBSERVER = 3
};

/* One replica of the newest configuration. Texts may be empty, never NULL. */
struct coord_member {
    uint32_t node_id;
    uint64_t incarnation;
    enum coord_member_role role;
    const char *client_address;
    const char *peer_address;
    const char *identity;
    uint64_t chosen_slot;  /* what a leader knows of it; on other replicas 0 */
    uint64_t heard_ms_ago; /* likewise */
};

enum coord_replica_state {
    COORD_REPLICA_UNKNOWN = 0,
    COORD_REPLICA_EMPTY = 1, /* holds no cluster */
    COORD_REPLICA_LEARNER = 2,
    COORD_REPLICA_FOLLOWER = 3,
    COORD_REPLICA_CANDIDATE = 4,
    COORD_REPLICA_LEADER = 5,
    COORD_REPLICA_FENCED = 6 /* differs from the majority and serves nobody */
};

/* What a replica knows about itself and its cluster. Freed with coord_status_free. */
struct coord_status {
    uint32_t node_id;
    uint64_t incarnation;
    const char *server; /* "coordd/0.1.0" */
    bool born;          /* it holds a cluster */
    uint8_t cluster_id[COORD_CLUSTER_ID_BYTES];
    uint32_t generation;
    enum coord_replica_state state;
    uint32_t leader_id;    /* 0 if it knows none */
    uint64_t ballot_round; /* of the leader's ballot */
    uint64_t chosen_slot;  /* everything up to here is chosen, applied */
    uint64_t applied_slot;
    uint64_t zxid; /* of the last applied change */
    size_t members_count;
    const struct coord_member *const *members;
    uint64_t nodes, sessions, watches, streams;
    uint64_t uptime_ms;
    uint64_t log_bytes, disk_free_bytes;
    size_t alarms_count;
    const char *const *alarms; /* what a person should look at, one sentence each */
    uint64_t digest;           /* of the state at applied_slot */
    bool ready;                /* it knows a leader and follows closely */
};

/* Works without a leader and before birth. */
COORD_API enum coord_code coord_admin_status(struct coord_client *client, const char *endpoint,
                                             const struct coord_call_options *call,
                                             struct coord_status **ret_status,
                                             struct coord_error *reterr);

COORD_API void coord_status_free(struct coord_status *status);

#ifdef __cplusplus
}
#endif

#endif
