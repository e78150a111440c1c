#ifndef COORD_WIRE_PEER_H
#define COORD_WIRE_PEER_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"
#include "wire/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames between replicas: coord.peer.v1. See wire.h for the manner of all of it. */

enum {
    WIRE_PEER_VERSION = 1,
    /* One PeerFrame: a message whose entries stay below PAXOS_MESSAGE_BYTES_SOFT but for the last,
     * which may hold a whole batch. */
    WIRE_PEER_FRAME_BYTES_MAX = 8 << 20,
    WIRE_PEER_FRAME_MESSAGES_MAX = 1024,
    WIRE_PEER_SESSIONS_MAX = 4096, /* of one RENEW or RENEWED */
    WIRE_SNAPSHOT_CHUNK_BYTES_MAX = 1 << 20,
};

/*
 * Bits of wire_peer_head.features. A message of a kind that a peer does not know is dropped there,
 * so its sender must not wait for an answer unless the peer announced the bit.
 */
enum {
    WIRE_PEER_SESSIONS = 1 << 0,  /* RENEW, RENEWED */
    WIRE_PEER_SNAPSHOTS = 1 << 1, /* SNAPSHOT_... */
    WIRE_PEER_DIGESTS = 1 << 2,   /* DIGEST */
    WIRE_PEER_FEATURES = WIRE_PEER_SESSIONS | WIRE_PEER_SNAPSHOTS | WIRE_PEER_DIGESTS, /* ours */
};

struct wire_peer_head {
    uint64_t features;
    bool has_cluster;
    uint8_t cluster_id[PAXOS_CLUSTER_ID_BYTES];
    uint32_t generation;
    uint32_t from;        /* node; as the frame says, to be compared with the verified one */
    uint64_t incarnation; /* the sender's */
    uint64_t boot;
    uint64_t
        log_position; /* of the sender, durable; stands in for `durable` of its messages (R2) */
};

enum wire_peer_kind {
    WIRE_PEER_CONSENSUS = 1,  /* consensus */
    WIRE_PEER_FORWARD,        /* forward */
    WIRE_PEER_REFUSED,        /* refused */
    WIRE_PEER_RENEW,          /* renew */
    WIRE_PEER_RENEWED,        /* renewed */
    WIRE_PEER_SNAPSHOT_OFFER, /* offer */
    WIRE_PEER_SNAPSHOT_ASK,   /* ask */
    WIRE_PEER_SNAPSHOT_CHUNK, /* chunk */
    WIRE_PEER_SNAPSHOT_GONE,  /* gone_slot */
    WIRE_PEER_DIGEST,         /* digest */
};

/* A client's write on its way to the leader. */
struct wire_forward {
    struct fsm_bytes command; /* a Command; check it with wire_command_decode before proposing it */
    struct paxos_ballot leader; /* the leadership that it is meant for */
};

/* The leader did not propose the command with this origin, and will not. */
struct wire_forward_refused {
    uint64_t boot, counter;
    enum cd_status status; /* at most CD_STATUS_CLIENT_MAX */
    bool stopped;          /* CD_BUSY: no write is taken at all (R6); else a queue is full */
};

/* Follower to leader: these sessions' heartbeats came since the last one. */
struct wire_renewal {
    uint64_t session;
    uint64_t attach; /* of the stream on which it came */
};

struct wire_renew {
    uint64_t nonce; /* grows; the answer gives it back */
    const struct wire_renewal *sessions;
    size_t count; /* at most WIRE_PEER_SESSIONS_MAX */
};

/*
 * Leader to follower: all sessions of the RENEW with this nonce were renewed when it came, and a
 * quorum confirmed the leadership in a round begun after that (R12, R19); all but those refused.
 */
struct wire_not_renewed {
    uint64_t session;
    enum cd_status status; /* CD_SESSION_MOVED, CD_SESSION_EXPIRED; CD_BUSY: its end is proposed */
};

struct wire_renewed {
    uint64_t nonce;
    const struct wire_not_renewed *refused;
    size_t count; /* at most WIRE_PEER_SESSIONS_MAX */
};

/* What is told of a snapshot before it is sent, as storage has it. */
struct wire_snapshot_offer {
    uint64_t slot, zxid, file_bytes, digest;
    uint32_t digest_version;
};

struct wire_snapshot_ask {
    uint64_t slot; /* 0: to be offered one of slot `at_least` or later */
    uint64_t offset;
    uint64_t at_least;
};

struct wire_snapshot_chunk {
    uint64_t slot, offset;
    struct fsm_bytes data; /* of the file; 1 to WIRE_SNAPSHOT_CHUNK_BYTES_MAX */
};

/* What the sender computed for a slot that it has applied (R6). */
struct wire_digest {
    uint64_t slot, digest;
    uint32_t version;
};

struct wire_peer_message {
    enum wire_peer_kind kind;
    union {
        struct paxos_message consensus; /* from, from_incarnation and to are set */
        struct wire_forward forward;
        struct wire_forward_refused refused;
        struct wire_renew renew;
        struct wire_renewed renewed;
        struct wire_snapshot_offer offer;
        struct wire_snapshot_ask ask;
        struct wire_snapshot_chunk chunk;
        uint64_t gone_slot;
        struct wire_digest digest;
    };
};

struct wire_peer_frame {
    struct wire_peer_head head;
    struct wire_peer_message *messages; /* those of kinds that this version does not know are left
                                           out */
    size_t messages_count;
};

/*
 * Decodes one frame sent to node `to`. The payloads of entries are blobs: release the frame with
 * wire_peer_frame_release when its messages are dealt with, before the arena is cleared. A CONFIG
 * payload holds a struct paxos_config that keeps to its limits.
 * Returns: CD_OK; CD_MALFORMED (it does not decode, or contradicts itself), CD_NEWER_FORMAT
 * (version above WIRE_PEER_VERSION), CD_TOO_MANY, CD_TOO_LARGE. Nothing needs a release unless
 * CD_OK.
 */
CD_MUST_USE enum cd_status wire_peer_frame_decode(struct wire_arena *arena, uint32_t to,
                                                  const void *bytes, size_t bytes_count,
                                                  struct wire_peer_frame *ret_frame,
                                                  struct cd_error *error);
void wire_peer_frame_release(struct wire_peer_frame *frame);

/*
 * Each appends a piece to the PeerFrame in `frame` (limit WIRE_PEER_FRAME_BYTES_MAX); the head goes
 * in once. The caller counts the messages. Returns: CD_OK; CD_TOO_LARGE (send the frame and begin
 * the next one).
 */
CD_MUST_USE enum cd_status wire_peer_put_head(struct cd_buf *frame,
                                              const struct wire_peer_head *head);
CD_MUST_USE enum cd_status wire_peer_put_consensus(struct cd_buf *frame,
                                                   const struct paxos_message *message);
CD_MUST_USE enum cd_status wire_peer_put_forward(struct cd_buf *frame,
                                                 const struct wire_forward *forward);
CD_MUST_USE enum cd_status wire_peer_put_refused(struct cd_buf *frame,
                                                 const struct wire_forward_refused *refused);
CD_MUST_USE enum cd_status wire_peer_put_renew(struct cd_buf *frame,
                                               const struct wire_renew *renew);
CD_MUST_USE enum cd_status wire_peer_put_renewed(struct cd_buf *frame,
                                                 const struct wire_renewed *renewed);
CD_MUST_USE enum cd_status wire_peer_put_snapshot_offer(struct cd_buf *frame,
                                                        const struct wire_snapshot_offer *offer);
CD_MUST_USE enum cd_status wire_peer_put_snapshot_ask(struct cd_buf *frame,
                                                      const struct wire_snapshot_ask *ask);
CD_MUST_USE enum cd_status wire_peer_put_snapshot_chunk(struct cd_buf *frame,
                                                        const struct wire_snapshot_chunk *chunk);
CD_MUST_USE enum cd_status wire_peer_put_snapshot_gone(struct cd_buf *frame, uint64_t slot);
CD_MUST_USE enum cd_status wire_peer_put_digest(struct cd_buf *frame,
                                                const struct wire_digest *digest);

#endif
