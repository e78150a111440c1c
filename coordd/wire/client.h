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
    /* Children of one page, and bytes of their names and data after which a page ends. */
    WIRE_PAGE_ENTRIES_MAX = 1000,
    WIRE_PAGE_BYTES_MAX = 1 << 20,
    /* Of one transaction; the state machine's own limits are lower. */
    WIRE_TXN_COMPARES_MAX = 16384,
    WIRE_TXN_OPS_MAX = 16384,
    WIRE_CLIENT_NAME_BYTES_MAX = 128,
    WIRE_CLUSTER_ID_BYTES = 16,
    WIRE_SECRET_BYTES = 16,
    WIRE_SECRET_HASH_BYTES = 32,
    WIRE_CALL_KEY_BYTES = 16,
};

/* ---- What comes in ---- */

enum wire_read_level {
    WIRE_LINEARIZABLE = 0,
    WIRE_SESSION = 1,
    WIRE_AT_LEAST = 2,
};

enum wire_request_kind {
    WIRE_REFUSED = 0, /* answer it with `refusal` */
    WIRE_WRITE,       /* command.op is filled; every transaction is a write, also one that reads */
    WIRE_GET,         /* path */
    WIRE_EXISTS,      /* path */
    WIRE_CHILDREN,    /* path, children */
};

/* Where a list goes on. All zero: it starts. */
struct wire_cursor {
    uint64_t czxid, pzxid;  /* of the parent when the page before was read */
    struct fsm_bytes after; /* a name; may be set without the zxids: the client's own choice */
};

struct wire_children_request {
    bool with_stat, with_data;
    uint32_t limit; /* 1 to WIRE_PAGE_ENTRIES_MAX */
    struct wire_cursor cursor;
};

/*
 * One request. Strings in it are UTF-8 without NUL; whether a path keeps to the other rules
 * fsm_path_check or fsm_command_check says.
 */
struct wire_request {
    uint64_t id; /* 0 only in a Call */
    enum wire_request_kind kind;
    struct cd_error *refusal; /* WIRE_REFUSED: code and sentence for the client; else NULL */
    uint64_t seq;             /* of a write; 0 for a read */
    uint64_t after_seq;       /* of a read */
    enum wire_read_level level;
    uint64_t at_least_zxid; /* not 0 for WIRE_AT_LEAST */
    uint32_t wait_ms;       /* 0: no wish */
    struct fsm_bytes path;  /* of a read */
    struct wire_children_request children;
    struct fsm_command command; /* `seq` is set; origin, session and attach are the caller's */
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

struct wire_call {
    struct wire_request request;
    bool has_key;
    uint8_t key[WIRE_CALL_KEY_BYTES];
};

/*
 * Decodes one CallRequest. A call without a request comes as WIRE_REFUSED.
 * Returns: CD_OK; CD_MALFORMED, CD_TOO_LARGE.
 */
CD_MUST_USE enum cd_status wire_call_decode(struct wire_arena *arena, const void *bytes,
                                            size_t bytes_count, struct wire_call *ret_call,
                                            struct cd_error *error);

/* ---- What goes out ---- */

enum wire_result_kind {
    WIRE_RESULT_NONE = 0, /* a refusal: status and message alone */
    WIRE_RESULT_COMMAND,  /* command, result */
    WIRE_RESULT_GET,      /* view */
    WIRE_RESULT_EXISTS,   /* found, view.stat */
    WIRE_RESULT_CHILDREN, /* children */
};

/* One page. */
struct wire_children_result {
    const struct fsm_view *views; /* `path` is the child's name */
    size_t views_count;           /* at most WIRE_PAGE_ENTRIES_MAX */
    bool with_stat, with_data;
    struct fsm_stat parent;
    bool more; /* the last view's name and the parent's zxids become the cursor */
};

/* The answer to one request. Everything is borrowed for the call that encodes it. */
struct wire_reply {
    uint64_t id;
    enum cd_status status; /* at most CD_STATUS_CLIENT_MAX */
    const char *message;   /* NULL: what fsm or the status table says about a refusal */
    uint64_t zxid;
    enum wire_result_kind kind;
    const struct fsm_command *command;
    const struct fsm_result *result;
    bool found;
    struct fsm_view view;
    struct wire_children_result children;
};

/* The reply to a command that was applied: status, zxid, kind, command and result are set. */
void wire_reply_from_result(struct wire_reply *ret_reply, uint64_t id,
                            const struct fsm_command *command, const struct fsm_result *result);

/* A reply that refuses. `message` is borrowed; NULL: the status table's. */
void wire_reply_refuse(struct wire_reply *ret_reply, uint64_t id, enum cd_status status,
                       const char *message);

/*
 * Appends one item to the ServerFrame in `frame` (see wire.h; initialise the buffer with the limit
 * WIRE_SERVER_FRAME_BYTES_MAX). An item that would take a frame that is not empty over
 * WIRE_FRAME_BYTES_MAX does not go in.
 * Returns: CD_OK; CD_TOO_LARGE (send the frame and try again with an empty one; nothing that the
 * default limits of fsm allow is too large for an empty one).
 */
CD_MUST_USE enum cd_status wire_server_put_reply(struct cd_buf *frame,
                                                 const struct wire_reply *reply);
CD_MUST_USE enum cd_status wire_server_put_no_leader(struct cd_buf *frame, uint64_t since_ms);
CD_MUST_USE enum cd_status wire_server_put_go_away(struct cd_buf *frame, enum cd_status status,
                                                   const char *message);

/* Fields of coord.v1.Limits; 0 where this version has none. */
struct wire_limits {
    uint32_t frame_bytes, frame_requests, path_bytes, data_bytes, txn_bytes, txn_compares, txn_ops;
    uint32_t page_entries, page_bytes, acl_entries, watches, queue_prefixes, unacked_writes;
    uint32_t kept_reply_bytes, waiting_reads, atomic_nodes;
    uint32_t session_timeout_min_ms, session_timeout_default_ms, session_timeout_max_ms;
    uint64_t ttl_max_ms;
};

/* Those that wire and fsm know; the others are 0. */
void wire_limits_from_fsm(struct wire_limits *ret_limits, const struct fsm_limits *limits);

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
