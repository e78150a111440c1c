#ifndef COORD_ADMIN_H
#define COORD_ADMIN_H

/* The part of client.h for administrators; its laws hold here too. client.h includes it. */

#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    uint64_t tree_bytes;       /* paths and data of all nodes */
    uint64_t cpu_us;           /* of its process: user and system time since it started, */
    uint64_t memory_bytes;     /* and resident memory */
};

/* Works without a leader and before birth. */
COORD_API enum coord_code coord_admin_status(struct coord_client *client, const char *endpoint,
                                             const struct coord_call_options *call,
                                             struct coord_status **ret_status,
                                             struct coord_error *reterr);

COORD_API void coord_status_free(struct coord_status *status);

/* One session of the cluster. */
struct coord_session_info {
    uint64_t session_id;
    const char *identity;
    uint32_t timeout_ms;
    uint64_t attach, last_seq;
    uint64_t ephemerals;
    uint64_t kept_reply_bytes;
    uint32_t replica_id;     /* that serves it, as the leader knows; else 0 */
    uint64_t renewed_ms_ago; /* likewise */
};

/* A page of them, in the order of ids. Freed with coord_sessions_free. */
struct coord_sessions {
    size_t sessions_count;
    const struct coord_session_info *const *sessions;
    bool more; /* another page follows */
};

/*
 * The sessions of the cluster, or the one with that id (0: all).
 * limit:    of this page; 0, and more than 1000, mean 1000.
 * previous: the page before; NULL for the first.
 * COORD_NO_LEADER, COORD_NOT_BORN, COORD_CURSOR_EXPIRED.
 */
COORD_API enum coord_code coord_admin_sessions(struct coord_client *client, const char *endpoint,
                                               uint64_t session_id, uint32_t limit,
                                               const struct coord_sessions *previous,
                                               const struct coord_call_options *call,
                                               struct coord_sessions **ret_sessions,
                                               struct coord_error *reterr);

COORD_API void coord_sessions_free(struct coord_sessions *sessions);

#ifdef __cplusplus
}
#endif

#endif
