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
 *  Callbacks  Run in coord_client_dispatch, on the thread that calls it, and nowhere else but in
 *             coord_client_close; one at a time for each client, and with no lock held, so that
 *             they may call everything. A call without a callback of its own blocks there too.
 *  Time       All times are milliseconds. A call returns at the latest when its timeout is over.
 *  Manners    The library never ends the process, never prints, installs no signal handler and
 *             changes no signal mask but its own threads'. gRPC's own log, which is one for a
 *             process, is silenced by the first client unless GRPC_VERBOSITY is set.
 *  Growth     Structs that the library hands out may get new fields at their end. You never make
 *             one of those yourself and never keep it by value across versions.
 *
 * What a failed write means. Every code but one says for certain that the write was not done.
 * COORD_OUTCOME_UNKNOWN says that it may or may not have been done: look before you repeat it.
 * Without a session that is so whenever the replica or its leader was lost between the request and
 * the answer, or the answer did not come in time or could not be understood. With a session the
 * library sends the write again until it knows, and what happens happens once; then it means that
 * the timeout was over first (the write may still be done), that the client was closed, or that the
 * session was lost and the cluster no longer remembers it. Reads are repeated by the library
 * itself, on other replicas if need be, until their timeout.
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
    COORD_NOT_APPLIED = 16,     /* the session was lost first; nothing was done, nor will be */
    COORD_SESSION_EXPIRED = 17, /* the session was lost before it was sent; nothing was done */
    COORD_SESSION_MOVED = 18,   /* somebody else goes on with this session */
    COORD_SESSION_REFUSED = 19, /* the replica does not take this client for its owner */
    COORD_SEQ_CONFLICT = 20,    /* somebody else writes in this session; nothing was done */
    COORD_CURSOR_EXPIRED = 21,  /* the list changed too much since its first page: start again */
    COORD_WRONG_CLUSTER = 22,   /* the endpoints are not, or no longer, the cluster met before */
    COORD_NOT_BORN = 23,        /* the cluster was not initialised yet */
    COORD_ALREADY_BORN = 24,
    COORD_SHUTTING_DOWN = 25,
    COORD_NOT_HELD = 26,     /* the fence does not hold its path: see _set_if_held */
    COORD_NOT_A_NUMBER = 27, /* the data to increment is no decimal number, or would overflow */
    COORD_ROOT_FIXED = 28,   /* the root is neither created nor deleted */
    COORD_BEHIND = 29,       /* the replicas that answered are behind what this client has seen */
    COORD_LIMIT_TIME = 30,   /* it took longer than a bound of the replica's */

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

/*
 * A node that stands for the root: "/a" then means "/app/a" with the namespace "/app", in
 * arguments, results and events alike. NULL or "/": none, the default. The node is not made by
 * this; a coord_create of "/" makes it. Messages of replicas have whole paths, and an ACL that
 * comes from above the namespace has no origin. Returns: COORD_OK, COORD_INVALID_ARGUMENT,
 * COORD_NO_MEMORY. Thread: one at a time.
 */
COORD_API enum coord_code coord_options_set_namespace(struct coord_options *options,
                                                      const char *path, struct coord_error *reterr);

/*
 * Whether the client has a session (see "Sessions" below), and its timeout, 0 for the cluster's
 * default; the cluster may grant another one within its limits. Default: no session.
 * Returns: COORD_OK, COORD_INVALID_ARGUMENT (a timeout above COORD_TIMEOUT_MAX_MS, or one without a
 * session). Thread: one at a time.
 */
COORD_API enum coord_code coord_options_set_session(struct coord_options *options, bool use,
                                                    uint32_t timeout_ms,
                                                    struct coord_error *reterr);

/* ---- The client -------------------------------------------------------------------------------
 */

struct coord_client;

/*
 * Starts the client's one thread. Nothing is dialled before the first call needs it. `options` are
 * borrowed for the call. The client is freed with coord_client_close. Where the program has not
 * used OpenSSL before, exit() leaves OpenSSL's memory to the system from then on, since threads of
 * gRPC may still use it. Returns: COORD_OK; COORD_INVALID_ARGUMENT (endpoints or TLS files were not
 * set, or a file holds no PEM); COORD_IO (a file cannot be read); COORD_NO_MEMORY (or no thread).
 * Thread: any.
 */
COORD_API enum coord_code coord_client_create(const struct coord_options *options,
                                              struct coord_client **ret_client,
                                              struct coord_error *reterr);

/*
 * Ends all calls under way in other threads, with COORD_CLOSED, or COORD_OUTCOME_UNKNOWN for a
 * write that was sent, and closes the session, if a replica answers within a second; returns when
 * the calls have returned and the thread has ended. Callbacks of outcomes that have not run yet run
 * in it. No call may begin after it. Every watch was closed before. In a callback it takes effect
 * when coord_client_dispatch returns. Accepts NULL. Thread: any, once.
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

#define COORD_PREFIXES_MAX 64

/*
 * Of writes: carry it out only if `fence` holds `path` at that moment, else COORD_NOT_HELD: the
 * node exists, its czxid is the fence, and fewer than `n` members of its queue precede it (n 0
 * means 1; a node that is not sequential has no queue). Members that count have names of one of the
 * prefixes and a number; none given: of the node's own. Copied. A `path` of NULL takes it
 * back. Returns: COORD_OK, COORD_INVALID_ARGUMENT, COORD_TOO_MANY (COORD_PREFIXES_MAX),
 * COORD_NO_MEMORY. Thread: one at a time.
 */
COORD_API enum coord_code coord_call_options_set_if_held(struct coord_call_options *call,
                                                         const char *path, uint64_t fence,
                                                         uint32_t n, const char *const *prefixes,
                                                         size_t prefixes_count,
                                                         struct coord_error *reterr);

/* ---- Callbacks and event loops ----------------------------------------------------------------
 */

struct coord_result;

/*
 * The outcome of a call that did not wait for it: `result` is yours (NULL unless `code` is
 * COORD_OK), `error` lives as long as the callback runs.
 */
typedef void (*coord_done_fn)(void *context, enum coord_code code, struct coord_result *result,
                              const struct coord_error *error);

/*
 * Calls with these options do not wait: they return COORD_OK when the request is on its way, and
 * the outcome comes to `done`, exactly once. Another code means that nothing was begun. Their
 * ret_result, and other outputs of the outcome, must be NULL. Requests leave in the order of the
 * calls of one thread. Not for coord_admin_*. NULL: calls wait again. Thread: one at a time.
 */
COORD_API void coord_call_options_set_done(struct coord_call_options *call, coord_done_fn done,
                                           void *context);

/*
 * Runs the callbacks that are due, waiting at most `timeout_ms` for the first one (0: not at all),
 * and returns how many ran. A program without an event loop calls it in a loop, in a thread of its
 * own; with one, when the descriptor below is readable, with 0. Within a callback it does nothing.
 */
COORD_API size_t coord_client_dispatch(struct coord_client *client, uint32_t timeout_ms);

/*
 * A descriptor for poll() and its kin, readable as long as callbacks are due. It belongs to the
 * client: do not read or close it. -1: the process has no descriptor left. Thread: any.
 */
COORD_API int coord_client_fd(struct coord_client *client);

/* ---- Results ----------------------------------------------------------------------------------
 */

/* What a successful call found out. Freed with coord_result_free. Every accessor: any thread. */
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

/* Of increment: the number after it. Else 0. */
COORD_API int64_t coord_result_value(const struct coord_result *result);

/* Of count: the nodes below the node. Else 0. */
COORD_API int64_t coord_result_count(const struct coord_result *result);

/* Of list: this page, parents before children; of ephemerals: the paths alone. NULL past the end.
 */
COORD_API size_t coord_result_nodes_count(const struct coord_result *result);
COORD_API const char *coord_result_node_path(const struct coord_result *result, size_t index);
/* NULL unless asked for by COORD_LIST_WITH_STAT. */
COORD_API const struct coord_node_stat *coord_result_node_stat(const struct coord_result *result,
                                                               size_t index);
/* Empty unless asked for by COORD_LIST_WITH_DATA; a NUL behind it that does not count. */
COORD_API const void *coord_result_node_data(const struct coord_result *result, size_t index,
                                             size_t *ret_bytes);

/* Who may do what with a node. */
enum coord_permission {
    COORD_MAY_READ = 1,
    COORD_MAY_WRITE = 2,
    COORD_MAY_CREATE = 4,
    COORD_MAY_DELETE = 8,
    COORD_MAY_ADMIN = 16
};

struct coord_acl_entry {
    uint32_t permissions; /* a sum of the above */
    const char *scheme;   /* "anyone", "uri", "dns", "cn" or "role" */
    const char *id;       /* within the scheme; empty for "anyone" */
};

/* Of get_acl: what holds at the node. NULL past the end. */
COORD_API size_t coord_result_acl_count(const struct coord_result *result);
COORD_API const struct coord_acl_entry *coord_result_acl_entry(const struct coord_result *result,
                                                               size_t index);
/* Of get_acl: the node that it comes from, the node itself or an ancestor. Else NULL, and where
 * that is above the client's namespace. */
COORD_API const char *coord_result_acl_origin(const struct coord_result *result);

/* A node at or below the one asked for that changed_since found. */
struct coord_changed_node {
    const char *path;
    const struct coord_node_stat *stat;
    const void *data; /* where asked for, if it changed; else empty */
    size_t data_bytes;
    bool children_changed;   /* child_names are all children; who is not there is gone */
    bool child_names_follow; /* more of them in the next entry, perhaps of the next page */
    size_t child_names_count;
    const char *const *child_names;
};

/* Of changed_since: this page, parents before children. NULL past the end. */
COORD_API size_t coord_result_changes_count(const struct coord_result *result);
COORD_API const struct coord_changed_node *coord_result_change(const struct coord_result *result,
                                                               size_t index);

/* Of who_am_i: "uri", "dns" or "cn", the identity, its roles (NULL past the end), the session. */
COORD_API const char *coord_result_scheme(const struct coord_result *result);
COORD_API const char *coord_result_identity(const struct coord_result *result);
COORD_API size_t coord_result_roles_count(const struct coord_result *result);
COORD_API const char *coord_result_role(const struct coord_result *result, size_t index);
COORD_API uint64_t coord_result_session(const struct coord_result *result);

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
    COORD_CREATE_IF_ABSENT = 4,  /* a node that exists already is a success; not with SEQUENTIAL */
    COORD_CREATE_EPHEMERAL = 8,  /* goes with the session; needs one */
    COORD_CREATE_CONTAINER = 16, /* goes some time after its last child went */
    COORD_CREATE_CONTAINER_PARENTS = 32 /* with PARENTS: ancestors are containers */
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

/*
 * Permissions for a node, to be put together and given to calls. The function that adds remembers
 * the first mistake, which the call then returns. One at a time.
 */
struct coord_acl;

/* Empty; freed with coord_acl_free. NULL: no memory. Thread: any. */
COORD_API struct coord_acl *coord_acl_create(void);
COORD_API void coord_acl_free(struct coord_acl *acl);
/* As in struct coord_acl_entry; copied. */
COORD_API void coord_acl_add(struct coord_acl *acl, uint32_t permissions, const char *scheme,
                             const char *id);

/*
 * As coord_create, with all that a node can be given.
 * ttl_ms: not 0: the node goes when it was not changed for that long and has no children; not with
 *         EPHEMERAL or CONTAINER.
 * acl:    or NULL: what holds at the parent holds here too.
 */
COORD_API enum coord_code coord_create_with(struct coord_client *client, const char *path,
                                            const void *data, size_t data_bytes, uint32_t flags,
                                            uint64_t ttl_ms, const struct coord_acl *acl,
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

enum coord_increment_flags { COORD_INCREMENT_CREATE = 1 /* a missing node starts at 0 */ };

/*
 * Adds `delta` to the decimal number that is the node's whole data; see coord_result_value.
 * COORD_NO_NODE, COORD_BAD_VERSION, COORD_NOT_A_NUMBER.
 */
COORD_API enum coord_code coord_increment(struct coord_client *client, const char *path,
                                          int64_t delta, int64_t version, uint32_t flags,
                                          const struct coord_call_options *call,
                                          struct coord_result **ret_result,
                                          struct coord_error *reterr);

/*
 * Gives the node an ACL of its own, or with NULL takes it away, so that the parent's holds again.
 * `version` is of the ACL (stat.aversion). COORD_NO_NODE, COORD_BAD_VERSION.
 */
COORD_API enum coord_code coord_set_acl(struct coord_client *client, const char *path,
                                        const struct coord_acl *acl, int64_t version,
                                        const struct coord_call_options *call,
                                        struct coord_result **ret_result,
                                        struct coord_error *reterr);

/* What holds at the node, its origin, and the node's stat. COORD_NO_NODE. */
COORD_API enum coord_code coord_get_acl(struct coord_client *client, const char *path,
                                        const struct coord_call_options *call,
                                        struct coord_result **ret_result,
                                        struct coord_error *reterr);

enum coord_list_flags { COORD_LIST_WITH_STAT = 1, COORD_LIST_WITH_DATA = 2 };

/*
 * One page of the node and all below it, down to `depth` levels below it (0: all). Nodes that the
 * client may not read are left out. COORD_NO_NODE, COORD_CURSOR_EXPIRED. limit and previous as in
 * coord_children.
 */
COORD_API enum coord_code coord_list(struct coord_client *client, const char *path, uint32_t flags,
                                     uint32_t depth, uint32_t limit,
                                     const struct coord_result *previous,
                                     const struct coord_call_options *call,
                                     struct coord_result **ret_result, struct coord_error *reterr);

/* How many nodes are below the node. COORD_NO_NODE. */
COORD_API enum coord_code coord_count(struct coord_client *client, const char *path,
                                      const struct coord_call_options *call,
                                      struct coord_result **ret_result, struct coord_error *reterr);

/*
 * One page of the ephemeral nodes of a session, 0 for this client's own, at or below `path` (NULL:
 * all), in byte order. COORD_CURSOR_EXPIRED.
 */
COORD_API enum coord_code
coord_ephemerals(struct coord_client *client, uint64_t session, const char *path, uint32_t limit,
                 const struct coord_result *previous, const struct coord_call_options *call,
                 struct coord_result **ret_result, struct coord_error *reterr);

enum coord_changed_flags { COORD_CHANGED_WITH_DATA = 1 };

/*
 * One page of what changed at or below the node since `zxid`: whoever keeps a copy brings it up to
 * date with this after COORD_WATCH_RESYNC. coord_result_zxid is that of the state that all pages
 * show. COORD_NO_NODE (the node itself is gone), COORD_CURSOR_EXPIRED.
 */
COORD_API enum coord_code coord_changed_since(struct coord_client *client, const char *path,
                                              uint64_t zxid, uint32_t flags, uint32_t limit,
                                              const struct coord_result *previous,
                                              const struct coord_call_options *call,
                                              struct coord_result **ret_result,
                                              struct coord_error *reterr);

/* Returns when the replica at hand has applied all that was acknowledged to anyone before. */
COORD_API enum coord_code coord_sync(struct coord_client *client,
                                     const struct coord_call_options *call,
                                     struct coord_result **ret_result, struct coord_error *reterr);

/* Who the cluster takes this client for. */
COORD_API enum coord_code coord_who_am_i(struct coord_client *client,
                                         const struct coord_call_options *call,
                                         struct coord_result **ret_result,
                                         struct coord_error *reterr);

/* ---- Sessions ---------------------------------------------------------------------------------
 */

/*
 * A client whose options ask for it (coord_options_set_session) has a session from its first write
 * on. It outlives streams and replicas; it ends when it is closed, or when its timeout passes
 * without a word of the client. What it gives: writes that happen exactly once, ephemeral nodes,
 * and a lease that tells, by this machine's clock, how long the ephemeral nodes are certain to be
 * there.
 *
 * The lease runs from the moment at which the library sent the last frame that the cluster has
 * confirmed; a clock that counts suspend measures it.
 */
enum coord_session_state {
    COORD_STATE_NONE = 0,      /* no session yet, or it was closed */
    COORD_STATE_CONNECTED = 1, /* confirmed within half of the timeout */
    COORD_STATE_SUSPECT = 2,   /* not so: start nothing new. It may come back */
    COORD_STATE_LOST = 3       /* before the cluster lets the session expire: stop. Final */
};

/*
 * The state at this very moment, by the clock; `ret_id` gets the id of the session, of the one that
 * was lost last, or 0; it may be NULL. After a loss the next write opens another session, with
 * another id. Thread: any.
 */
COORD_API enum coord_session_state coord_session_state(struct coord_client *client,
                                                       uint64_t *ret_id);

/*
 * Whether session `id` can be trusted at this very moment: it is this client's, and CONNECTED or
 * SUSPECT by the clock. Once it was false for an id it stays so. To be asked before each use of
 * what an ephemeral node protects. The process may still be stopped between the question and its
 * use; against that only a fence helps (coord_call_options_set_if_held). Thread: any.
 */
COORD_API bool coord_session_holds(struct coord_client *client, uint64_t id);

/* The timeout that was granted; 0 without a session. Thread: any. */
COORD_API uint32_t coord_session_timeout_ms(struct coord_client *client);

/*
 * Waits until state or id differ from those given, at most for `timeout_ms`; then they are the new
 * ones. A thread of the program's own, which calls this in a loop, is how one learns of changes. It
 * returns at the moment at which the clock makes a session SUSPECT or LOST. Changes between two
 * calls may be missed, but a loss shows as another id, or as LOST.
 * Returns: COORD_OK, COORD_TIMEOUT, COORD_CLOSED. Thread: any.
 */
COORD_API enum coord_code coord_session_wait(struct coord_client *client, uint32_t timeout_ms,
                                             enum coord_session_state *state, uint64_t *id,
                                             struct coord_error *reterr);

/*
 * `changed` is told state and id at the next coord_client_dispatch, and from then on whenever they
 * are others than it was told last. NULL: nobody is. Thread: any.
 */
typedef void (*coord_state_fn)(void *context, enum coord_session_state state, uint64_t id);
COORD_API void coord_session_set_callback(struct coord_client *client, coord_state_fn changed,
                                          void *context);

/*
 * Opens the session now, if there is none, rather than with the first write.
 * Returns as every call; COORD_INVALID_ARGUMENT if the options ask for none. ret_id: or NULL.
 */
COORD_API enum coord_code coord_session_open(struct coord_client *client,
                                             const struct coord_call_options *call,
                                             uint64_t *ret_id, struct coord_error *reterr);

/*
 * Ends the session after all writes sent before; its ephemeral nodes go at once and its watches
 * end. Nothing to do without one. Returns as every write.
 */
COORD_API enum coord_code coord_session_close(struct coord_client *client,
                                              const struct coord_call_options *call,
                                              struct coord_error *reterr);

/* ---- Watches ----------------------------------------------------------------------------------
 */

/*
 * A watch is told every change of the nodes that it is about: in the order of zxids, each once, all
 * of one zxid together, on whichever replicas, with nothing left out that is not said. It lives
 * until it is closed, its session ends, or a replica refuses it; without a session it lives as long
 * as the client.
 *
 * The answer of a call comes behind the events of all that it shows. Without a session that does
 * not hold for a write that is under way when the client leaves its replica for another one.
 *
 * What is told and not taken is bounded: a program that is slow with one watch is told LAGGED
 * there, and nothing else suffers from it.
 */
struct coord_watch;

enum coord_watch_scope {
    COORD_WATCH_NODE = 0,     /* the node itself; it need not exist */
    COORD_WATCH_CHILDREN = 1, /* and its children */
    COORD_WATCH_SUBTREE = 2   /* and all below it */
};

/* Also as bits, 1 << kind, to choose some of them. */
enum coord_event_kind {
    COORD_EVENT_CREATED = 1,
    COORD_EVENT_DELETED = 2,
    COORD_EVENT_CHANGED = 3, /* its data was set */
    COORD_EVENT_ACL_CHANGED = 4
};

enum coord_watch_flags {
    COORD_WATCH_WITH_DATA = 1,     /* the new data with each event */
    COORD_WATCH_WITH_PREVIOUS = 2, /* the data before */
    COORD_WATCH_READ_NODE = 4,     /* answer with the node, without a gap to the first event */
    COORD_WATCH_READ_CHILDREN = 8  /* the same with the first page of its children */
};

struct coord_event {
    uint64_t zxid;
    enum coord_event_kind kind;
    const char *path;
    const struct coord_node_stat *stat; /* after it; of DELETED before it. May be NULL */
    const void *data;                   /* as asked for; never NULL, a NUL behind it */
    size_t data_bytes;
    const void *previous;
    size_t previous_bytes;
};

enum coord_queue_state {
    COORD_QUEUE_UNKNOWN = 0,
    COORD_QUEUE_WAITING = 1,
    COORD_QUEUE_FRONT = 2, /* the node is among the first n */
    COORD_QUEUE_GONE = 3   /* it does not exist */
};

enum coord_watch_item_kind {
    /* It was set: every later change will be told. `result` has what was to be read. Comes first.
     */
    COORD_WATCH_SET = 1,
    COORD_WATCH_EVENTS = 2, /* all events of one zxid */
    /* No event up to `zxid` is still to come. Only the newest of several in a row is kept. */
    COORD_WATCH_BOOKMARK = 3,
    /*
     * Events above from_zxid and up to zxid are missing: read with coord_changed_since(path,
     * from_zxid, ...) what changed. Later events come.
     */
    COORD_WATCH_RESYNC = 4,
    /*
     * Events above from_zxid were left out, because more than 4 MiB of the watch, or 64 MiB of all
     * watches, waited for this program, or because a replica could not keep up. The library has
     * them sent again once what waits was taken, or a RESYNC tells that they are gone. Until then
     * the watch is told nothing; all else goes on, the session too.
     */
    COORD_WATCH_LAGGED = 5,
    /* Of a queue-front watch: its state, now. Only the newest of several in a row is kept. */
    COORD_WATCH_QUEUE = 6,
    /* The end: `code` and `message` say why, COORD_SESSION_EXPIRED that the session is over. */
    COORD_WATCH_ENDED = 7
};

/* Freed with coord_watch_item_free. What it points to lives as long. */
struct coord_watch_item {
    enum coord_watch_item_kind kind;
    uint64_t zxid;      /* SET: complete from there. EVENTS, BOOKMARK, RESYNC, QUEUE: as above */
    uint64_t from_zxid; /* RESYNC. LAGGED: events above it are sent again */
    size_t events_count;
    const struct coord_event *const *events;
    const struct coord_result *result; /* SET: stat, exists, data, children; else NULL */
    enum coord_queue_state queue_state;
    uint64_t fence;   /* QUEUE: czxid of the node, if FRONT */
    const char *path; /* QUEUE: of the node; may be empty */
    enum coord_code code;
    const char *message; /* ENDED; else empty */
};

COORD_API void coord_watch_item_free(struct coord_watch_item *item);

/*
 * Watches the tree at `path`, and returns when the watch is set.
 * kinds:      bits 1 << enum coord_event_kind, 0 for all.
 * after_zxid: 0: from now on. Else every event above it, from the cluster's history, or a RESYNC
 *             first where that does not reach back so far.
 * ret_watch:  freed with coord_watch_close; its first item is SET.
 * Returns as every read. With a callback for its outcome (coord_call_options_set_done) it does not
 * wait until the watch is set: its first item is SET, or ENDED, and the callback is not called.
 */
COORD_API enum coord_code coord_watch_tree(struct coord_client *client, const char *path,
                                           enum coord_watch_scope scope, uint32_t kinds,
                                           uint32_t flags, uint64_t after_zxid,
                                           const struct coord_call_options *call,
                                           struct coord_watch **ret_watch,
                                           struct coord_error *reterr);

/*
 * Watches the place of a sequential node in its queue: the sequential children of its parent whose
 * names are one of the prefixes (none: its own) and a number, in the order of creation. Told is
 * whether it is among the first `n` (0 means 1): at once, and at every change.
 */
COORD_API enum coord_code coord_watch_queue(struct coord_client *client, const char *path,
                                            uint32_t n, const char *const *prefixes,
                                            size_t prefixes_count,
                                            const struct coord_call_options *call,
                                            struct coord_watch **ret_watch,
                                            struct coord_error *reterr);

/*
 * Creates a sequential node and watches its place, in one round trip. Needs a session. Arguments as
 * in coord_create_with (SEQUENTIAL is added to the flags) and coord_watch_queue; returns as
 * coord_create. If the node was created but the watch was refused, the watch's next item says so.
 * With a callback for its outcome the watch is there at once, to be closed whatever comes.
 */
COORD_API enum coord_code
coord_create_queued(struct coord_client *client, const char *path, const void *data,
                    size_t data_bytes, uint32_t flags, const struct coord_acl *acl, uint32_t n,
                    const char *const *prefixes, size_t prefixes_count,
                    const struct coord_call_options *call, struct coord_watch **ret_watch,
                    struct coord_result **ret_result, struct coord_error *reterr);

/*
 * The next item, waiting for it at most `timeout_ms`, 0 for not at all.
 * Returns: COORD_OK; COORD_TIMEOUT; COORD_CLOSED (after ENDED there is nothing more).
 * Thread: any; each item goes to one.
 */
COORD_API enum coord_code coord_watch_next(struct coord_watch *watch, uint32_t timeout_ms,
                                           struct coord_watch_item **ret_item,
                                           struct coord_error *reterr);

/*
 * Items come to `told`, which frees them, in place of coord_watch_next; those that wait already at
 * the next coord_client_dispatch. Not NULL. To be set once, before the first coord_watch_next.
 * Thread: any.
 */
typedef void (*coord_item_fn)(void *context, struct coord_watch *watch,
                              struct coord_watch_item *item);
COORD_API void coord_watch_set_callback(struct coord_watch *watch, coord_item_fn told,
                                        void *context);

/*
 * Removes the watch; no other thread uses it any more, and its callback does not run any more.
 * May be called by its callback. Accepts NULL. Thread: any, once.
 */
COORD_API void coord_watch_close(struct coord_watch *watch);

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
    COORD_IF_NUM_CHILDREN = 7,
    COORD_IF_OWNER = 8 /* the session that owns it, 0 for none; EQUAL and NOT_EQUAL only */
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

/* That `fence` holds `path` (COORD_EQUAL), or does not (COORD_NOT_EQUAL); see _set_if_held. */
COORD_API void coord_txn_compare_held(struct coord_txn *txn, const char *path,
                                      enum coord_relation relation, uint64_t fence, uint32_t n,
                                      const char *const *prefixes, size_t prefixes_count);

enum coord_branch { COORD_THEN = 0, COORD_ELSE = 1 };

/* Arguments as in the calls of the same name. */
COORD_API void coord_txn_add_create(struct coord_txn *txn, enum coord_branch branch,
                                    const char *path, const void *data, size_t data_bytes,
                                    uint32_t flags);
COORD_API void coord_txn_add_create_with(struct coord_txn *txn, enum coord_branch branch,
                                         const char *path, const void *data, size_t data_bytes,
                                         uint32_t flags, uint64_t ttl_ms,
                                         const struct coord_acl *acl);
COORD_API void coord_txn_add_increment(struct coord_txn *txn, enum coord_branch branch,
                                       const char *path, int64_t delta, int64_t version,
                                       uint32_t flags);
COORD_API void coord_txn_add_set_acl(struct coord_txn *txn, enum coord_branch branch,
                                     const char *path, const struct coord_acl *acl,
                                     int64_t version);
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

#ifdef __cplusplus
}
#endif

#include "admin.h"

#endif
