#ifndef COORD_WIRE_ADMIN_H
#define COORD_WIRE_ADMIN_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"
#include "wire/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests and answers of coord.v1.Admin. See wire.h for the manner of all of it. */

/*
 * Each decodes one request. Returns: CD_OK; CD_INVALID_ARGUMENT (a field breaks its rule: answer
 * with the sentence in `error`); CD_MALFORMED, CD_TOO_LARGE (it does not decode).
 */
CD_MUST_USE enum cd_status wire_init_decode(struct wire_arena *arena, const void *bytes,
                                            size_t bytes_count,
                                            uint32_t *ret_alpha, /* 0: the replica's default */
                                            struct cd_error *error);
CD_MUST_USE enum cd_status wire_status_decode(struct wire_arena *arena, const void *bytes,
                                              size_t bytes_count, struct cd_error *error);
CD_MUST_USE enum cd_status wire_transfer_decode(struct wire_arena *arena, const void *bytes,
                                                size_t bytes_count,
                                                uint32_t *ret_node, /* 0: the best one */
                                                struct cd_error *error);

enum { WIRE_SESSIONS_PAGE_MAX = 1000 };

struct wire_sessions_request {
    uint64_t session; /* 0: all of them */
    uint64_t after;   /* goes on behind this id; 0: from the start */
    uint32_t limit;   /* 1 to WIRE_SESSIONS_PAGE_MAX */
};
CD_MUST_USE enum cd_status wire_sessions_decode(struct wire_arena *arena, const void *bytes,
                                                size_t bytes_count,
                                                struct wire_sessions_request *ret_request,
                                                struct cd_error *error);

/* Each writes one answer into `buf`, which is empty. Returns: CD_OK, CD_TOO_LARGE (buf's limit). */

/* The answer of any method of Admin that says no. `message` NULL: the status table's. */
CD_MUST_USE enum cd_status wire_admin_encode_refusal(struct cd_buf *buf, enum cd_status status,
                                                     const char *message);

CD_MUST_USE enum cd_status wire_init_encode(struct cd_buf *buf, const uint8_t *cluster_id,
                                            uint32_t generation);

CD_MUST_USE enum cd_status wire_transfer_encode(struct cd_buf *buf, uint32_t leader);

enum wire_replica_state { /* numbers of coord.v1.ReplicaState */
                          WIRE_REPLICA_EMPTY = 1,
                          WIRE_REPLICA_LEARNER = 2,
                          WIRE_REPLICA_FOLLOWER = 3,
                          WIRE_REPLICA_CANDIDATE = 4,
                          WIRE_REPLICA_LEADER = 5,
                          WIRE_REPLICA_FENCED = 6,
};

/* Texts may be NULL. */
struct wire_member {
    struct paxos_member member;
    const char *client_address, *peer_address, *identity;
    uint64_t chosen_slot, heard_ms_ago;
};

struct wire_status {
    uint32_t node;
    uint64_t incarnation;
    const char *server; /* "coordd/0.1.0" */
    bool has_cluster;
    uint8_t cluster_id[PAXOS_CLUSTER_ID_BYTES];
    uint32_t generation;
    enum wire_replica_state state;
    uint32_t leader;
    uint64_t ballot_round, chosen_slot, applied_slot, zxid;
    const struct wire_member *members;
    size_t members_count; /* at most PAXOS_MEMBERS_MAX */
    uint64_t nodes, sessions, watches, streams, uptime_ms, log_bytes, disk_free_bytes, digest;
    uint32_t digest_version;
    uint64_t snapshot_slot;  /* of the newest one; 0: none */
    uint64_t snapshot_bytes; /* of all that are kept */
    uint64_t log_first_slot; /* entries below it were dropped; 0: none */
    uint64_t tree_bytes;
    uint64_t history_after_zxid, history_bytes;
    uint64_t cpu_us, memory_bytes; /* of the process: user and system time; resident */
    const char *const *alarms;
    size_t alarms_count; /* at most WIRE_ALARMS_MAX */
    bool ready;
};
#define WIRE_ALARMS_MAX 16

CD_MUST_USE enum cd_status wire_status_encode(struct cd_buf *buf, const struct wire_status *status);

struct wire_session_info {
    struct fsm_session_view view;
    uint32_t replica; /* that serves it, as the leader knows, as the next; else 0 */
    uint64_t renewed_ms_ago;
};

/* One page. `more`: the last one's id becomes the cursor. */
CD_MUST_USE enum cd_status wire_sessions_encode(struct cd_buf *buf,
                                                const struct wire_session_info *sessions,
                                                size_t count, /* at most WIRE_SESSIONS_PAGE_MAX */
                                                bool more);

#endif
