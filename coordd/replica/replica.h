#ifndef COORD_REPLICA_REPLICA_H
#define COORD_REPLICA_REPLICA_H

#include "base/blob.h"
#include "base/histogram.h"
#include "base/status.h"
#include "env/env.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The order of things: takes what comes from peers, clients, disk and clock, drives paxos, storage
 * and fsm, and gives back frames. The same object code runs in production and in the simulator; it
 * knows the world through `struct env` and `struct replica_ports` alone.
 *
 * Use: feed any number of replica_on_* calls, then call replica_turn once. Batching lives in that
 * rhythm: all writes of a turn share a slot, all records a sync, all messages to a peer a frame,
 * all replies to a stream a frame.
 *
 * Thread: loop, all of it; ports are called inside replica_turn and must not call back.
 */

struct replica;

/* What a replica says of itself, for the log, for metrics and for the simulator's counts. */
enum replica_event_kind {
    REPLICA_EV_STARTED,   /* recovered: slot = chosen, count = records */
    REPLICA_EV_NOTE,      /* note: paxos has something to tell */
    REPLICA_EV_APPLIED,   /* entry, slot; digest after it. Also while recovering */
    REPLICA_EV_COMMAND,   /* slot, command, result: directly after it was applied, within its slot:
                             the   state may not be asked. Also while recovering */
    REPLICA_EV_LOADED,    /* recovering, begins with a kept snapshot: slot, digest */
    REPLICA_EV_INSTALLED, /* a snapshot took the place of the state: slot, digest */
    REPLICA_EV_FENCED,    /* the state differs from the majority's: slot, digest now, text */
    REPLICA_EV_REBUILT,   /* another took its place: slot, digest, count = slot that differed */
    REPLICA_EV_SNAPSHOT_BAD, /* a kept snapshot is damaged: slot, text */
    REPLICA_EV_FRAME_BAD,    /* a peer's frame was refused: text says why */
    REPLICA_EV_BORN,         /* this replica founded a cluster */
    REPLICA_EV_FATAL,        /* storage is in doubt or state is impossible: text says what to do */
};

struct replica_event {
    enum replica_event_kind kind;
    struct paxos_note note;
    struct paxos_ballot ballot; /* of the leadership in force */
    paxos_slot slot;
    uint64_t count;
    uint64_t digest;
    const struct paxos_entry *entry;   /* APPLIED: what was chosen; borrowed for the call */
    const struct fsm_command *command; /* COMMAND, likewise */
    const struct fsm_result *result;
    uint32_t node;    /* a peer, or 0 */
    const char *text; /* borrowed for the call; may be NULL */
};

/* gRPC's numbers, which a refused call or closed stream carries. */
enum replica_rpc_status {
    REPLICA_RPC_OK = 0,
    REPLICA_RPC_INVALID_ARGUMENT = 3,
    REPLICA_RPC_PERMISSION_DENIED = 7,
    REPLICA_RPC_RESOURCE_EXHAUSTED = 8,
    REPLICA_RPC_UNIMPLEMENTED = 12,
    REPLICA_RPC_UNAVAILABLE = 14,
};

/* Blobs are lent for the call: a port that keeps one takes a reference. */
struct replica_ports {
    void *context;
    /* May lose it; keeps the order of what it does not lose. */
    void (*peer_send)(void *context, uint32_t node, struct cd_blob *frame);
    void (*stream_send)(void *context, uint64_t stream, struct cd_blob *frame);
    void (*stream_close)(void *context, uint64_t stream, enum replica_rpc_status status,
                         const char *message);
    void (*call_reply)(void *context, uint64_t call, enum replica_rpc_status status,
                       const char *message, struct cd_blob *reply);
    void (*event)(void *context, const struct replica_event *event);
    /* What the process has used, for `status`. May be NULL: both are told as 0. */
    void (*usage)(void *context, uint64_t *ret_cpu_us, uint64_t *ret_memory_bytes);
};

struct replica_options {
    const struct env *env;             /* borrowed until replica_free */
    const struct replica_ports *ports; /* copied */
    uint32_t node;                     /* > 0 */
    const char *cluster_name;          /* copied; names the data directory's cluster */
    const uint32_t *peers;             /* ids of the configured peers, without `node`; copied */
    size_t peers_count;
    /*
     * Identities that may use service Admin, as cd_identity_matches of base/identity.h takes them:
     * "cn:operator", or "operator" for any scheme; copied. None: nobody may.
     */
    const char *const *admins;
    size_t admins_count;
    struct fsm_limits limits;
    uint32_t alpha; /* of a cluster that this replica founds */
    uint32_t heartbeat_ms, election_ms;
    uint64_t segment_bytes;
    uint64_t snapshot_bytes; /* of log between two snapshots, at least */
    uint64_t history_bytes;  /* of changes kept for watches that resume */
};

/*
 * Opens the data directory and recovers from it; blocks. On success the caller owns the replica.
 * Returns: CD_OK, CD_CORRUPT, CD_NEWER_FORMAT, CD_FOREIGN, CD_FULL, CD_IO, with the sentence for
 * the operator in `error`.
 */
CD_MUST_USE enum cd_status replica_create(const struct replica_options *options,
                                          struct replica **ret_replica, struct cd_error *error);

/* Frees it at once, as a crash would: nothing is flushed or said. Accepts NULL. */
void replica_free(struct replica *replica);

/* A frame of the peer that was verified to be `node`. `bytes` are borrowed for the call. */
void replica_on_peer_frame(struct replica *replica, uint32_t node, const void *bytes,
                           size_t bytes_count);

/*
 * Client streams. `stream` is the transport's number, never reused; `identity` is copied: the whole
 * one of a verified certificate, "SCHEME:NAME" of at most CD_IDENTITY_BYTES_MAX bytes, which
 * cd_identity_parse of base/identity.h splits.
 */
void replica_on_stream_opened(struct replica *replica, uint64_t stream, const char *identity);
void replica_on_stream_frame(struct replica *replica, uint64_t stream, struct cd_blob *frame);
void replica_on_stream_closed(struct replica *replica, uint64_t stream);
/*
 * Back-pressure: `bytes` of the frames given to ports.stream_send for `stream` have left, that is,
 * HTTP/2 flow control took them. bytes > 0; all calls of a stream together never exceed what was
 * given to stream_send, and reach it once the client has read on. Frames that were dropped because
 * the stream ends are never told; on_stream_closed follows then. Up to 16 KiB may stay untold until
 * the next turn that happens anyway, so a bound on what is outstanding must be well above that. A
 * stream that is gone is passed over.
 */
void replica_on_stream_sent(struct replica *replica, uint64_t stream, size_t bytes);

/*
 * Single calls; each is answered by exactly one call_reply, at the latest when stopping. `identity`
 * is borrowed for the call and of the form above.
 */
enum replica_method {
    REPLICA_METHOD_CALL,           /* coord.v1.Coordination/Call */
    REPLICA_METHOD_ADMIN_INIT,     /* coord.v1.Admin/Init */
    REPLICA_METHOD_ADMIN_STATUS,   /* coord.v1.Admin/Status */
    REPLICA_METHOD_ADMIN_TRANSFER, /* coord.v1.Admin/TransferLeadership */
    REPLICA_METHOD_ADMIN_SESSIONS, /* coord.v1.Admin/Sessions */
};
void replica_on_call(struct replica *replica, uint64_t call, enum replica_method method,
                     const char *identity, const void *bytes, size_t bytes_count);

/* Ends a turn: timers, proposals, disk, frames, replies. Call it also when the deadline comes. */
void replica_turn(struct replica *replica);

/* Absolute env time at which replica_turn is wanted next. */
uint64_t replica_deadline_ms(const struct replica *replica);

/*
 * Begins a graceful stop: new work is refused with SHUTTING_DOWN, leadership is handed over.
 * replica_may_stop turns true when nothing is under way any more or another leads; the caller
 * bounds the wait.
 */
void replica_begin_stop(struct replica *replica);
bool replica_may_stop(const struct replica *replica);

/* True after REPLICA_EV_FATAL: the process has to end. */
bool replica_is_fatal(const struct replica *replica);

/*
 * Numbers that are no settings: what clients and operators may count on. The last two of the client
 * are libclient's (libclient/src/lease.h); a test compares them.
 */
enum {
    REPLICA_NUMBERS_MAX = 40,
    REPLICA_CLIENT_SUSPECT_PERCENT = 50,
    REPLICA_CLIENT_LOST_PERCENT = 98,
};
struct replica_number {
    const char *name;
    uint64_t value;
    const char *unit; /* "" for a count */
    const char *text; /* may be "" */
};
/* Returns how many there are. Static texts. Thread: any. */
size_t replica_numbers(struct replica_number ret_numbers[REPLICA_NUMBERS_MAX]);

struct replica_view {
    struct paxos_status paxos;
    bool born;       /* belongs to a cluster */
    bool ready;      /* serves: a leader is known and this replica follows its log closely */
    uint32_t voters; /* in the newest configuration; 0 before birth */
    uint64_t zxid;   /* of the last applied change */
    uint64_t nodes;  /* in the tree */
    uint64_t streams;
    uint64_t waiting_writes, waiting_reads;
    uint64_t proposed_commands, applied_commands, batches;
    uint64_t reads, refused;
    uint64_t log_bytes, log_syncs;
    uint64_t digest;
    uint64_t leader_changes; /* times another leader than the last one was known */
    uint64_t queued_bytes;   /* commands that wait to be proposed */
    uint64_t delayed_bytes;  /* messages to peers that wait for the disk */
    uint64_t disk_bytes;     /* records given to the log and not yet durable */
    /* Open in the state; set on this replica's streams; made and installed since the start. */
    uint64_t sessions;
    uint64_t watches;
    /* R19: times that it gave all sessions their full timeout again, as a leader. */
    uint64_t graces;
    uint64_t snapshots_taken, snapshots_installed;
    /* R6. Fenced: the state differs from the majority's, and nobody is served. Undecided: of a
     * leader that takes no writes, the newest slot whose digest no majority agrees on; else 0. */
    bool fenced;
    uint64_t undecided_slot;
    uint64_t digests_agreed, fences, rebuilds;
    uint64_t resyncs, lags;      /* told to watches */
    struct cd_histogram commits; /* writes served here, from their acceptance to being applied */
    struct cd_histogram applies; /* slots, the time to apply one; not while recovering */
};
void replica_get_view(const struct replica *replica, struct replica_view *ret_view);

#endif
