#ifndef COORD_WIRE_CLIENT_H
#define COORD_WIRE_CLIENT_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "wire/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What clients send and are sent: coord.v1.Coordination. See wire.h for the manner of all of it. */

enum {
    /* Announced in Limits for both ways. A ServerFrame takes no further item beyond it... */
    WIRE_FRAME_BYTES_MAX = 4 << 20,
    /* ... but a single reply to a transaction may be larger and then travels alone. */
    WIRE_SERVER_FRAME_BYTES_MAX = 9 << 20,
    /* What is decoded of a client. More than announced, so that data or a transaction that is a
     * little too large gets its own error. */
    WIRE_CLIENT_FRAME_BYTES_MAX = (4 << 20) + (64 << 10),
    WIRE_FRAME_REQUESTS_MAX = 4096,
    /* Entries of one page of a list, and bytes of what they show after which a page ends. */
    WIRE_PAGE_ENTRIES_MAX = 1000,
    WIRE_PAGE_BYTES_MAX = 1 << 20,
    /* Children's names in one page of changed nodes. */
    WIRE_PAGE_NAMES_MAX = 10 * WIRE_PAGE_ENTRIES_MAX,
    /* Of one transaction; the state machine's own limits are lower. */
    WIRE_TXN_COMPARES_MAX = 16384,
    WIRE_TXN_OPS_MAX = 16384,
    /* ACL entries and queue prefixes of one command or watch, all together; likewise. */
    WIRE_DETAILS_MAX = 65536,
    WIRE_CLIENT_NAME_BYTES_MAX = 128,
    WIRE_CLUSTER_ID_BYTES = 16,
    WIRE_SECRET_BYTES = 16,
    WIRE_SECRET_HASH_BYTES = FSM_SECRET_HASH_BYTES,
    WIRE_CALL_KEY_BYTES = FSM_CALL_KEY_BYTES,
    WIRE_CURSOR_BYTES_MAX = 32 + 2 * FSM_PATH_BYTES_CEILING,
    WIRE_ENDPOINTS_MAX = 16, /* of one go-away */
};

/* ---- What comes in ---- */

enum wire_read_level {
    WIRE_LINEARIZABLE = 0,
    WIRE_SESSION = 1,
    WIRE_AT_LEAST = 2,
};

enum wire_request_kind {
    WIRE_REFUSED = 0, /* answer it with `refusal` */
    WIRE_WRITE,       /* command; SET_TIMEOUT, FORGET and CLOSE are writes too */
    WIRE_READ_TXN,    /* read.txn: a transaction that writes in neither branch */
    WIRE_GET,         /* read.path, as the next three */
    WIRE_EXISTS,
    WIRE_COUNT,
    WIRE_GET_ACL,
    WIRE_CHILDREN, /* read.path and read.list, as the next three */
    WIRE_LIST,
    WIRE_EPHEMERALS,
    WIRE_CHANGED_SINCE,
    WIRE_SYNC,       /* nothing */
    WIRE_WHO_AM_I,   /* nothing */
    WIRE_OUTCOME_OF, /* read.outcome_of */
    WIRE_WATCH,      /* watch */
    WIRE_UNWATCH,    /* watch.id */
};

/*
 * Where a list goes on (R25). Clients see opaque bytes; they may send any, so `version` and `boot`
 * are to be compared with what is held. A list within a transaction has no further page: its
 * cursor names version 0, which nobody holds.
 */
struct wire_cursor {
    bool given;                /* false: the list starts, and the others are zero */
    uint64_t version;          /* number of the replica's frozen version of the tree */
    uint64_t boot;             /* of the process that holds it */
    struct fsm_bytes position; /* the last entry shown: CHILDREN a name, else a path */
    struct fsm_bytes name;     /* CHANGED_SINCE: the last of position's children that was named, if
                                  more of them follow; else empty */
};

struct wire_list {
    /* kind, path, depth, since, session (0: the own one); `after` is the cursor's position, or what
     * the client named itself. */
    struct fsm_list_options options;
    struct wire_cursor cursor;
    uint32_t limit; /* 1 to WIRE_PAGE_ENTRIES_MAX */
    bool with_stat, with_data;
};

struct wire_outcome_of {
    bool has_key; /* ask by `key`; else by the others */
    uint8_t key[WIRE_CALL_KEY_BYTES];
    uint64_t session, seq; /* not 0 */
    uint8_t secret[WIRE_SECRET_BYTES];
};

struct wire_read {
    struct fsm_bytes path; /* of the kinds that say so; lists have it in their options too */
    union {
        struct wire_list list;
        struct wire_outcome_of outcome_of;
        struct fsm_op txn; /* kind FSM_OP_TXN */
    };
};

enum wire_scope { /* numbers of coord.v1.WatchScope */
                  WIRE_SCOPE_NODE = 0,
                  WIRE_SCOPE_CHILDREN = 1, /* the node and its children */
                  WIRE_SCOPE_SUBTREE = 2,
};

/* In the sets of kinds that a watch names. */
#define WIRE_CHANGE_BIT(kind) (1u << (unsigned)(kind))
#define WIRE_CHANGE_KINDS_ALL                                                                      \
    (WIRE_CHANGE_BIT(FSM_NODE_CREATED) | WIRE_CHANGE_BIT(FSM_NODE_SET) |                           \
     WIRE_CHANGE_BIT(FSM_NODE_DELETED) | WIRE_CHANGE_BIT(FSM_NODE_ACL_SET))

struct wire_watch {
    uint64_t id;           /* not 0 */
    uint64_t after_zxid;   /* 0: from now on */
    bool queue_front;      /* else a watch of the tree */
    struct fsm_bytes path; /* queue_front: may be empty, then created_seq says which node */
    enum wire_scope scope; /* of the tree, as the next five */
    uint32_t kinds;        /* set of WIRE_CHANGE_BIT(enum fsm_change_kind); not empty */
    bool with_data, with_previous;
    bool read_node, read_children;
    uint64_t created_seq; /* of a queue front, as all below; 0: `path` */
    uint32_t created_op;  /* the operation, if the write is a transaction */
    uint32_t n;           /* at least 1 */
    const struct fsm_bytes *prefixes;
    size_t prefixes_count;
};

/*
 * One request. Strings in it are UTF-8 without NUL; whether a path keeps to the other rules
 * fsm_path_check or fsm_command_check says.
 *
 * A WIRE_REFUSED one that has a seq was a write, or meant as one: it takes its place in the log as
 * FSM_OP_REFUSE with request_hash 0 (R11).
 */
struct wire_request {
    uint64_t id; /* 0 only in a Call */
    enum wire_request_kind kind;
    struct cd_error *refusal; /* WIRE_REFUSED: code and sentence for the client; else NULL */
    uint64_t seq;             /* of a write in a session; else 0 */
    uint64_t after_seq;       /* of a read or watch, as the next two */
    enum wire_read_level level;
    uint64_t at_least_zxid;  /* not 0 for WIRE_AT_LEAST */
    uint32_t wait_ms;        /* 0: no wish */
    struct fsm_bytes packed; /* what wire_request_decode makes the same of; for what must wait */
    union {
        /* WIRE_WRITE: op, if_held, seq, reply_mark (the frame's, or a Forget's own if higher),
         * request_hash and a Call's key are set; origin, session, attach and who are the
         * caller's. */
        struct fsm_command command;
        struct wire_read read;
        struct wire_watch watch;
    };
};

enum wire_hello_kind {
    WIRE_HELLO_PLAIN = 0, /* a stream without a session */
    WIRE_HELLO_OPEN,
    WIRE_HELLO_RESUME,
};

struct wire_hello {
    enum wire_hello_kind kind;
    bool has_cluster; /* the client knows a cluster */
    uint8_t cluster_id[WIRE_CLUSTER_ID_BYTES];
    uint32_t generation;
    uint64_t last_seen_zxid;
    uint64_t features;
    struct fsm_bytes client;                     /* for logs; printable */
    uint8_t secret_hash[WIRE_SECRET_HASH_BYTES]; /* OPEN */
    uint32_t timeout_ms;                         /* OPEN */
    uint64_t session;                            /* RESUME, as all below */
    uint8_t secret[WIRE_SECRET_BYTES];
    uint64_t attach;
};

struct wire_client_frame {
    uint64_t number;
    struct wire_hello *hello;       /* NULL: none */
    struct cd_error *hello_refusal; /* the hello breaks a rule of form; `hello` is NULL then */
    struct wire_request *requests;
    size_t requests_count;
    uint64_t reply_mark;
    bool rearm_done;
};

/*
 * Decodes one ClientFrame. A request that is wrong comes as WIRE_REFUSED among the others, with its
 * id; the frame as a whole is refused where nobody could be answered.
 * Returns: CD_OK; CD_MALFORMED (it does not decode, or a request without id), CD_TOO_MANY
 * (WIRE_FRAME_REQUESTS_MAX), CD_TOO_LARGE (WIRE_CLIENT_FRAME_BYTES_MAX, or the arena's limit);
 * `error` says more and may be NULL. What `ret_frame` holds is undefined unless CD_OK.
 */
CD_MUST_USE enum cd_status wire_client_frame_decode(struct wire_arena *arena, const void *bytes,
                                                    size_t bytes_count,
                                                    struct wire_client_frame *ret_frame,
                                                    struct cd_error *error);

/*
 * Decodes one CallRequest. A call without a request comes as WIRE_REFUSED, and so does what needs a
 * session or a stream.
 * Returns: CD_OK; CD_MALFORMED, CD_TOO_LARGE.
 */
CD_MUST_USE enum cd_status wire_call_decode(struct wire_arena *arena, const void *bytes,
                                            size_t bytes_count, struct wire_request *ret_request,
                                            struct cd_error *error);

/*
 * Decodes the `packed` of a request that came in a frame or call; what a frame or call adds from
 * outside the request (reply mark, key) is not set. For reads and watches that wait: keep the
 * bytes, not the structs.
 * Returns: CD_OK; CD_MALFORMED (other bytes), CD_TOO_LARGE.
 */
CD_MUST_USE enum cd_status wire_request_decode(struct wire_arena *arena, struct fsm_bytes packed,
                                               struct wire_request *ret_request,
                                               struct cd_error *error);

/*
 * The hash by which a write that comes again is known (R9): XXH3 of a Command with nothing in it
 * but if_held and op, fields in the order of their numbers. So it is the same for equal requests,
 * however their sender encoded them, and says nothing of id, seq, level and marks. 0 only if the
 * operation is over the limits of wire_command_encode.
 */
uint64_t wire_request_hash(const struct fsm_command *command);

/* ---- What goes out ---- */

enum wire_result_kind {
    WIRE_RESULT_NONE = 0, /* a refusal: status and message alone */
    WIRE_RESULT_COMMAND,  /* result: of a write, or of a transaction that only reads */
    WIRE_RESULT_OUTCOME,  /* result: of the write that was asked after */
    WIRE_RESULT_GET,      /* view */
    WIRE_RESULT_EXISTS,   /* found, view.stat */
    WIRE_RESULT_COUNT,    /* count */
    WIRE_RESULT_ACL,      /* acl */
    WIRE_RESULT_CHILDREN, /* page, as the next two */
    WIRE_RESULT_LIST,
    WIRE_RESULT_EPHEMERALS,
    WIRE_RESULT_CHANGED,  /* changed */
    WIRE_RESULT_WHO_AM_I, /* who */
    WIRE_RESULT_WATCH,    /* watch */
    WIRE_RESULT_SYNC,     /* nothing, as the next */
    WIRE_RESULT_UNWATCH,
};

/* One page of a list. */
struct wire_page {
    const struct fsm_view *views; /* `path` of a child is its name */
    size_t views_count;           /* at most WIRE_PAGE_ENTRIES_MAX */
    bool with_stat, with_data;    /* CHILDREN, LIST. A child with czxid 0 shows no stat. */
    struct fsm_stat top;          /* CHILDREN: of the node itself */
    struct wire_cursor next;      /* given: there is more; `given` false: this was the last */
};

struct wire_changed_node {
    struct fsm_bytes path;
    struct fsm_stat stat;
    struct fsm_bytes data; /* empty if it is not shown */
    bool children_changed;
    const struct fsm_bytes *names; /* of children, if children_changed */
    size_t names_count;
    bool names_follow;
};

struct wire_changed {
    const struct wire_changed_node *nodes;
    size_t nodes_count; /* at most WIRE_PAGE_ENTRIES_MAX; their names at most WIRE_PAGE_NAMES_MAX */
    struct wire_cursor next; /* as above */
    uint64_t zxid;
};

struct wire_acl_result {
    struct fsm_acl_entries entries;
    struct fsm_bytes origin;
    struct fsm_stat stat;
};

struct wire_who_result {
    struct fsm_who who;
    uint64_t session;
};

struct wire_watch_result {
    uint64_t complete_from;
    bool read_node, found;
    struct fsm_stat stat;             /* read_node, found */
    struct fsm_bytes data;            /* likewise; empty if it is not shown */
    const struct wire_page *children; /* NULL: not asked for, or no node */
};

/* The answer to one request. Everything is borrowed for the call that encodes it. */
struct wire_reply {
    uint64_t id;
    enum cd_status status; /* at most CD_STATUS_CLIENT_MAX */
    const char *message;   /* NULL: what fsm or the status table says about a refusal */
    uint64_t zxid;
    enum wire_result_kind kind;
    const struct fsm_result *result; /* COMMAND, OUTCOME */
    bool found;                      /* EXISTS */
    union {
        struct fsm_view view;
        uint64_t count;
        struct wire_acl_result acl;
        struct wire_page page;
        struct wire_changed changed;
        struct wire_who_result who;
        struct wire_watch_result watch;
    };
};

/*
 * The reply to a command that was applied, now or earlier: everything is in its result. Not for a
 * command without a request (OPEN_SESSION, ATTACH_SESSION, EXPIRE_SESSION, REAP), nor for the
 * verdicts that no client is shown (FSM_FORGOTTEN, FSM_EARLY, FSM_WINDOW).
 */
void wire_reply_from_result(struct wire_reply *ret_reply, uint64_t id,
                            const struct fsm_result *result);

/* A reply that refuses. `message` is borrowed; NULL: the status table's. */
void wire_reply_refuse(struct wire_reply *ret_reply, uint64_t id, enum cd_status status,
                       const char *message);

/*
 * Each appends one item to the ServerFrame in `frame` (see wire.h; initialise the buffer with the
 * limit WIRE_SERVER_FRAME_BYTES_MAX). An item that would take a frame that is not empty over
 * WIRE_FRAME_BYTES_MAX does not go in.
 * Returns: CD_OK; CD_TOO_LARGE (send the frame and try again with an empty one; nothing that the
 * default limits of fsm allow is too large for an empty one).
 */
CD_MUST_USE enum cd_status wire_server_put_reply(struct cd_buf *frame,
                                                 const struct wire_reply *reply);

/*
 * An event in two steps, because one change may go to thousands of streams: what is the same for
 * all is encoded once, and each stream's item is put together from it.
 */
struct wire_event {
    struct fsm_bytes head; /* what wire_event_encode has written; borrowed, as the others */
    struct fsm_bytes data, previous;
};

/* Appends an event's head to `buf`. Returns: CD_OK, CD_TOO_LARGE (buf's limit). */
CD_MUST_USE enum cd_status wire_event_encode(struct cd_buf *buf, uint64_t zxid,
                                             enum fsm_change_kind kind, struct fsm_bytes path,
                                             const struct fsm_stat *stat);

/* The item for one stream: with what its watches ask for, and their ids, at least one. */
CD_MUST_USE enum cd_status wire_server_put_event(struct cd_buf *frame,
                                                 const struct wire_event *event, bool with_data,
                                                 bool with_previous, const uint64_t *watch_ids,
                                                 size_t watch_ids_count);

enum wire_queue_state { /* numbers of coord.v1.QueueState */
                        WIRE_QUEUE_WAITING = 1,
                        WIRE_QUEUE_FRONT = 2,
                        WIRE_QUEUE_GONE = 3,
};

struct wire_queue_front {
    uint64_t watch_id;
    enum wire_queue_state state;
    uint64_t zxid;
    uint64_t fence; /* FRONT; else 0 */
    struct fsm_bytes path;
};

CD_MUST_USE enum cd_status wire_server_put_queue_front(struct cd_buf *frame,
                                                       const struct wire_queue_front *front);
CD_MUST_USE enum cd_status wire_server_put_lagged(struct cd_buf *frame, const uint64_t *watch_ids,
                                                  size_t watch_ids_count, uint64_t after_zxid);
CD_MUST_USE enum cd_status wire_server_put_resync(struct cd_buf *frame, const uint64_t *watch_ids,
                                                  size_t watch_ids_count,
                                                  uint64_t complete_from_zxid);
CD_MUST_USE enum cd_status wire_server_put_bookmark(struct cd_buf *frame, uint64_t zxid);
CD_MUST_USE enum cd_status wire_server_put_no_leader(struct cd_buf *frame, uint64_t since_ms);

/* `message` NULL: the status table's. `endpoints`: host:port, at most WIRE_ENDPOINTS_MAX. */
CD_MUST_USE enum cd_status wire_server_put_go_away(struct cd_buf *frame, enum cd_status status,
                                                   const char *message,
                                                   const char *const *endpoints,
                                                   size_t endpoints_count);

/* Fields of coord.v1.Limits. */
struct wire_limits {
    uint32_t frame_bytes, frame_requests, path_bytes, data_bytes, txn_bytes, txn_compares, txn_ops;
    uint32_t page_entries, page_bytes, acl_entries, watches, queue_prefixes, unacked_writes;
    uint32_t kept_reply_bytes, waiting_reads, atomic_nodes;
    uint32_t session_timeout_min_ms, session_timeout_default_ms, session_timeout_max_ms;
    uint64_t ttl_max_ms;
};

/* Those of wire and fsm, and the replica's own two. */
void wire_limits_from_fsm(struct wire_limits *ret_limits, const struct fsm_limits *limits,
                          uint32_t watches, uint32_t waiting_reads);

struct wire_welcome {
    enum cd_status status;
    const char *message; /* NULL: the status table's, or none for CD_OK */
    bool has_cluster;
    uint8_t cluster_id[WIRE_CLUSTER_ID_BYTES];
    uint32_t generation;
    uint32_t replica, leader; /* leader 0: none known */
    uint64_t features;
    const char *server;   /* "coordd/0.1.0" */
    const char *identity; /* the client's */
    struct wire_limits limits;
    uint64_t session, attach, last_seq;
    uint32_t timeout_ms;
};

/* What a ServerFrame says besides its items. Zero fields take no bytes. */
struct wire_server_head {
    const struct wire_welcome *welcome; /* NULL: none */
    uint64_t confirmed, complete_to, applied_zxid;
    bool more;
};

/* Appends it; once in a frame, before or after its items. Returns: CD_OK, CD_TOO_LARGE. */
CD_MUST_USE enum cd_status wire_server_put_head(struct cd_buf *frame,
                                                const struct wire_server_head *head);

/* Writes one CallResponse into `buf`, which is empty; limit WIRE_SERVER_FRAME_BYTES_MAX. Returns:
 * CD_OK, CD_TOO_LARGE. */
CD_MUST_USE enum cd_status wire_call_encode(struct cd_buf *buf, const struct wire_reply *reply,
                                            const uint8_t *cluster_id, uint32_t generation);

#endif
