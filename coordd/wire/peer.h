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
    WIRE_PEER_CONSENSUS = 1, /* consensus */
    WIRE_PEER_FORWARD,       /* forward */
    WIRE_PEER_REFUSED,       /* refused */
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
};

struct wire_peer_message {
    enum wire_peer_kind kind;
    struct paxos_message consensus; /* from, from_incarnation and to are set */
    struct wire_forward forward;
    struct wire_forward_refused refused;
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

#endif
