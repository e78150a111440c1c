#ifndef COORD_LIBCLIENT_REQUEST_H
#define COORD_LIBCLIENT_REQUEST_H

#include "coord/client.h"
#include "memory.h"

/* What is asked, as the layers of the library hand it to one another. */

/* Limits of what one client asks. The cluster's own limits come with its welcome. */
enum {
    CLIENT_REQUEST_BYTES_MAX = 64 << 20, /* sanity alone: replicas name their own limit */
    CLIENT_TXN_OPS_MAX = 65536,
    CLIENT_REQUESTS_MAX = 65536,       /* calls under way at a time */
    CLIENT_FRAME_BYTES_MAX = 64 << 20, /* received: above every limit that a cluster may have */
};

enum client_op_kind {
    CLIENT_OP_CREATE,
    CLIENT_OP_SET,
    CLIENT_OP_DELETE,
    CLIENT_OP_TXN,
    CLIENT_OP_INCREMENT,
    CLIENT_OP_SET_ACL,
    CLIENT_OP_GET,
    CLIENT_OP_EXISTS,
    CLIENT_OP_CHILDREN,
    CLIENT_OP_CHECK, /* within a transaction alone */
    CLIENT_OP_LIST,
    CLIENT_OP_COUNT,
    CLIENT_OP_GET_ACL,
    CLIENT_OP_EPHEMERALS,
    CLIENT_OP_CHANGED_SINCE,
    CLIENT_OP_SYNC,
    CLIENT_OP_WHO_AM_I,
    CLIENT_OP_OUTCOME_OF, /* the session's own, as those below */
    CLIENT_OP_FORGET,
    CLIENT_OP_CLOSE, /* of a session */
    CLIENT_OP_WATCH,
    CLIENT_OP_UNWATCH,
};

/* A fence that must hold its path. */
struct client_held {
    const char *path; /* NULL: nothing must hold */
    uint64_t fence;
    uint32_t n;
    const char *const *prefixes;
    size_t prefixes_count;
};

enum { CLIENT_ACL_ENTRIES_MAX = 65536 };

struct client_acl_node {
    struct client_acl_node *next;
    struct coord_acl_entry entry;
};

/* In the order of adding. */
struct coord_acl {
    struct client_arena arena;
    struct coord_error mistake; /* the first one; COORD_OK: none */
    struct client_acl_node *entries, **entries_end;
    size_t entries_count;
};

/* One operation; fields that its kind has no use for are zero. Pointers are borrowed. */
struct client_op {
    enum client_op_kind kind;
    const char *path;
    const void *data;
    size_t data_bytes;
    uint32_t flags;  /* of enum coord_<kind>_flags */
    int64_t version; /* SET, DELETE, CHECK, INCREMENT, SET_ACL: or COORD_ANY_VERSION */
    uint32_t limit;  /* of lists */
    const void *cursor;
    size_t cursor_bytes;
    const struct coord_txn *txn; /* TXN */
    uint64_t ttl_ms;             /* CREATE */
    const struct coord_acl *acl; /* CREATE, SET_ACL; or NULL */
    int64_t delta;               /* INCREMENT */
    uint32_t depth;              /* LIST */
    uint64_t zxid;               /* CHANGED_SINCE */
    uint64_t session;            /* EPHEMERALS, OUTCOME_OF */
    const uint8_t *secret;       /* OUTCOME_OF: 16 bytes */
    uint64_t seq;                /* OUTCOME_OF; FORGET: the reply mark */
};

struct client_compare {
    const char *path;
    bool of_data;            /* data, or else compared and value */
    struct client_held held; /* instead of both, if its path is not NULL */
    enum coord_compared compared;
    enum coord_relation relation;
    uint64_t value;
    const void *data;
    size_t data_bytes;
};

struct client_op_node {
    struct client_op_node *next;
    struct client_op op;
};

struct client_compare_node {
    struct client_compare_node *next;
    struct client_compare compare;
};

/* The lists are in the order of adding; `ends` point to where the next one goes. */
struct coord_txn {
    struct client_arena arena;  /* of everything below */
    struct coord_error mistake; /* the first one; COORD_OK: none */
    struct client_compare_node *compares, **compares_end;
    struct client_op_node *branches[2], **branch_ends[2];
    size_t compares_count, counts[2];
    bool writes; /* one of the operations does */
};

/* How a call is to be carried out. */
struct coord_call_options {
    uint32_t timeout_ms; /* 0: the client's */
    enum coord_level level;
    uint64_t at_least_zxid;
    struct client_held held; /* its texts live in the arena */
    struct client_arena arena;
    coord_done_fn done; /* not NULL: the call does not wait */
    void *done_context;
    bool in_background; /* where `done` runs: see background.h */
};

/* Prefixes that a caller gives: all there, and not too many. COORD_OK, _INVALID_ARGUMENT,
 * _TOO_MANY. */
CD_MUST_USE enum coord_code client_prefixes_check(const char *const *prefixes, size_t count,
                                                  struct coord_error *error);

/* Copies `from` into the arena. False: no memory. */
CD_MUST_USE bool client_held_copy(struct client_held *to, struct client_arena *arena,
                                  const struct client_held *from);

/* A copy whose texts live in the arena. NULL: no memory. */
CD_MUST_USE struct coord_acl *client_acl_copy(struct client_arena *arena,
                                              const struct coord_acl *acl);

/* Without a session a read may be repeated, a write only if it is certain that it was not done. */
bool client_op_is_write(const struct client_op *op);

/*
 * What can be refused without asking a replica. Returns: COORD_OK, COORD_INVALID_ARGUMENT,
 * COORD_TOO_LARGE; for a transaction its first mistake.
 */
CD_MUST_USE enum coord_code client_op_check(const struct client_op *op, struct coord_error *error);

struct client_watch;
struct client_write;

enum client_place { CLIENT_PLACE_NONE, CLIENT_PLACE_WAITING, CLIENT_PLACE_SENT };

/*
 * One operation under way. Whoever makes it owns it; from client_session_submit until it comes
 * back as done the session alone touches it.
 */
struct client_request {
    /* Set by the maker. */
    uint8_t *bytes; /* owned: a coord.v1.Request, see codec.h. May be another or NULL in the end */
    size_t bytes_count;
    size_t tail_offset;     /* the codec's: where the id goes */
    enum coord_level level; /* of a read, as the next one */
    uint64_t at_least_zxid;
    bool is_write;
    bool needs_session;       /* a read that opens one, if the client is to have one at all */
    enum client_op_kind kind; /* what the result must be of */
    uint64_t submitted_ms, deadline_ms;
    void (*done)(struct client_request *request); /* called by the driver, once */
    void *context;

    /* The outcome. */
    enum coord_code code;
    struct coord_error error;    /* filled if code is not COORD_OK */
    struct coord_result *result; /* owned; may be NULL */

    /* The session's. */
    uint64_t id; /* grows from one to the next */
    struct client_request *next, *prev;
    enum client_place place;
    uint64_t stream;         /* SENT: on which it was sent last; 0 if that is gone (S8) */
    enum coord_code refused; /* what a replica said last without doing it; COORD_OK: nothing */
    uint32_t busy_count;
    struct client_write *write; /* of the session (S8), or NULL */
    bool inquiry;               /* it now asks what became of it (S12) */
    uint64_t after_seq;         /* of a read: the write of the session before it */
    struct client_watch *watch; /* the watch that waits for this write to be sent, or NULL */
};

#endif
