#include "wire/peer.h"

#include "base/assert.h"
#include "wire/internal.h"
#include "wire/record.h"

#include <string.h>

/* Frames between replicas. */

static const struct wire_bound frame_bound = {WIRE_PEER_FRAME_BYTES_MAX, "a peer's frame"};

/* ---- From bytes ---- */

static bool is_known_kind(Coord__Peer__V1__ConsensusKind kind)
{
    switch ((int)kind) {
#define KNOWN(name, number) case number:
        PAXOS_MESSAGE_TABLE(KNOWN)
#undef KNOWN
        return true;
    default:
        return false;
    }
}

static enum cd_status take_entries(struct wire_arena *arena, struct paxos_message *ret_message,
                                   const Coord__Peer__V1__Consensus *from, struct cd_error *error)
{
    size_t count = from->n_entries;
    if (count > PAXOS_MESSAGE_ENTRIES_MAX) {
        return cd_error_set(error, CD_TOO_MANY, "%zu entries in a message; the limit is %d", count,
                            (int)PAXOS_MESSAGE_ENTRIES_MAX);
    }
    if (count == 0) {
        return CD_OK;
    }
    ret_message->entries = wire_arena_get_array(arena, count, sizeof(*ret_message->entries));
    if (ret_message->entries == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        enum cd_status status = wire_entry(&ret_message->entries[i], from->entries[i], error);
        if (status != CD_OK) {
            return status;
        }
        ret_message->entries_count = i + 1; /* what a release has to unref */
    }
    return CD_OK;
}

static enum cd_status take_consensus(struct wire_arena *arena, struct paxos_message *ret_message,
                                     const Coord__Peer__V1__Consensus *from, struct cd_error *error)
{
    ret_message->kind = (enum paxos_message_kind)from->kind;
    ret_message->ballot = wire_ballot(from->ballot);
    ret_message->first = from->first_slot;
    ret_message->last = from->last_slot;
    ret_message->chosen = from->chosen_slot;
    ret_message->nonce = from->nonce;
    ret_message->remembered = from->remembered;
    ret_message->granted = from->granted;
    return take_entries(arena, ret_message, from, error);
}

static enum cd_status take_forward(struct wire_forward *ret_forward,
                                   const Coord__Peer__V1__Forward *from, struct cd_error *error)
{
    if (from->command.len == 0 || from->command.len > WIRE_COMMAND_BYTES_MAX) {
        return cd_error_set(error, CD_MALFORMED, "a command of %zu bytes; it has 1 to %d",
                            from->command.len, (int)WIRE_COMMAND_BYTES_MAX);
    }
    ret_forward->command = wire_bytes(from->command);
    ret_forward->leader = wire_ballot(from->leader);
    return CD_OK;
}

static enum cd_status take_refused(struct wire_forward_refused *ret_refused,
                                   const Coord__Peer__V1__ForwardRefused *from,
                                   struct cd_error *error)
{
    if (from->code == 0 || from->code > CD_STATUS_CLIENT_MAX) {
        return cd_error_set(error, CD_MALFORMED, "a forwarded command was refused with code %u",
                            (unsigned)from->code);
    }
    ret_refused->boot = from->boot;
    ret_refused->counter = from->counter;
    ret_refused->status = (enum cd_status)from->code;
    return CD_OK;
}

/* Adds the message to the frame, unless this version does not know its kind. */
static enum cd_status take_message(struct wire_arena *arena, uint32_t to,
                                   struct wire_peer_frame *frame,
                                   const Coord__Peer__V1__PeerMessage *from, struct cd_error *error)
{
    struct wire_peer_message *message = &frame->messages[frame->messages_count];
    switch (from->message_case) {
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS:
        if (!is_known_kind(from->consensus->kind)) {
            return CD_OK;
        }
        frame->messages_count++;
        message->kind = WIRE_PEER_CONSENSUS;
        message->consensus.from = frame->head.from;
        message->consensus.from_incarnation = frame->head.incarnation;
        message->consensus.to = to;
        return take_consensus(arena, &message->consensus, from->consensus, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD:
        frame->messages_count++;
        message->kind = WIRE_PEER_FORWARD;
        return take_forward(&message->forward, from->forward, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD_REFUSED:
        frame->messages_count++;
        message->kind = WIRE_PEER_REFUSED;
        return take_refused(&message->refused, from->forward_refused, error);
    default:
        return CD_OK;
    }
}

static enum cd_status take_head(struct wire_peer_head *ret_head,
                                const Coord__Peer__V1__PeerFrame *from, struct cd_error *error)
{
    if (from->version > WIRE_PEER_VERSION) {
        return cd_error_set(error, CD_NEWER_FORMAT,
                            "a peer's frame of version %u; this replica knows %d",
                            (unsigned)from->version, (int)WIRE_PEER_VERSION);
    }
    if (from->version == 0 || from->from_node == 0) {
        return cd_error_set(error, CD_MALFORMED, "a peer's frame without version or sender");
    }
    ret_head->features = from->features;
    ret_head->generation = from->generation;
    ret_head->from = from->from_node;
    ret_head->incarnation = from->incarnation;
    ret_head->boot = from->boot;
    ret_head->log_position = from->log_position;
    enum cd_status status =
        wire_exact(ret_head->cluster_id, &ret_head->has_cluster, PAXOS_CLUSTER_ID_BYTES,
                   from->cluster_id, "cluster_id", error);
    return status == CD_OK ? CD_OK : CD_MALFORMED;
}

static enum cd_status take_frame(struct wire_arena *arena, uint32_t to,
                                 struct wire_peer_frame *frame,
                                 const Coord__Peer__V1__PeerFrame *from, struct cd_error *error)
{
    enum cd_status status = take_head(&frame->head, from, error);
    if (status != CD_OK) {
        return status;
    }
    if (from->n_messages > WIRE_PEER_FRAME_MESSAGES_MAX) {
        return cd_error_set(error, CD_TOO_MANY, "%zu messages in a frame; the limit is %d",
                            from->n_messages, (int)WIRE_PEER_FRAME_MESSAGES_MAX);
    }
    frame->messages = wire_arena_get_array(arena, from->n_messages, sizeof(*frame->messages));
    if (frame->messages == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < from->n_messages && status == CD_OK; i++) {
        status = take_message(arena, to, frame, from->messages[i], error);
    }
    return status;
}

enum cd_status wire_peer_frame_decode(struct wire_arena *arena, uint32_t to, const void *bytes,
                                      size_t bytes_count, struct wire_peer_frame *ret_frame,
                                      struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Peer__V1__PeerFrame *from =
        wire_unpack(arena, &coord__peer__v1__peer_frame__descriptor, bytes, bytes_count,
                    frame_bound, &status, error);
    memset(ret_frame, 0, sizeof(*ret_frame));
    if (from == NULL) {
        return status;
    }
    status = take_frame(arena, to, ret_frame, from, error);
    if (status != CD_OK) {
        wire_peer_frame_release(ret_frame);
    }
    return status;
}

void wire_peer_frame_release(struct wire_peer_frame *frame)
{
    for (size_t i = 0; i < frame->messages_count; i++) {
        struct paxos_message *message = &frame->messages[i].consensus;
        for (size_t k = 0; k < message->entries_count; k++) {
            cd_blob_unref(message->entries[k].payload);
        }
    }
    memset(frame, 0, sizeof(*frame));
}

/* ---- To bytes ---- */

enum cd_status wire_peer_put_head(struct cd_buf *frame, const struct wire_peer_head *head)
{
    Coord__Peer__V1__PeerFrame piece = COORD__PEER__V1__PEER_FRAME__INIT;
    piece.version = WIRE_PEER_VERSION;
    piece.features = head->features;
    if (head->has_cluster) {
        piece.cluster_id = wire_binary(head->cluster_id, PAXOS_CLUSTER_ID_BYTES);
    }
    piece.generation = head->generation;
    piece.from_node = head->from;
    piece.incarnation = head->incarnation;
    piece.boot = head->boot;
    piece.log_position = head->log_position;
    return wire_pack(frame, WIRE_PEER_FRAME_BYTES_MAX, &piece.base);
}

static enum cd_status put_message(struct cd_buf *frame, Coord__Peer__V1__PeerMessage *message)
{
    Coord__Peer__V1__PeerFrame piece = COORD__PEER__V1__PEER_FRAME__INIT;
    piece.messages = &message;
    piece.n_messages = 1;
    return wire_pack(frame, WIRE_PEER_FRAME_BYTES_MAX, &piece.base);
}

static enum cd_status fill_entries(struct wire_arena *scratch,
                                   Coord__Peer__V1__Consensus *ret_message,
                                   const struct paxos_message *from)
{
    size_t count = from->entries_count;
    CD_ASSERT(count <= PAXOS_MESSAGE_ENTRIES_MAX);
    struct wire_entry_message *entries = wire_arena_get_array(scratch, count, sizeof(*entries));
    Coord__Peer__V1__Entry **pointers = wire_arena_get_array(scratch, count, sizeof(*pointers));
    if (entries == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        struct wire_config_message *config = NULL;
        if (from->entries[i].kind == PAXOS_CONFIG) {
            config = wire_arena_get(scratch, sizeof(*config));
            if (config == NULL) {
                return CD_TOO_LARGE;
            }
        }
        wire_fill_entry(&entries[i], &from->entries[i], config);
        pointers[i] = &entries[i].entry;
    }
    ret_message->entries = pointers;
    ret_message->n_entries = count;
    return CD_OK;
}

enum cd_status wire_peer_put_consensus(struct cd_buf *frame, const struct paxos_message *message)
{
    Coord__Peer__V1__Consensus consensus = COORD__PEER__V1__CONSENSUS__INIT;
    Coord__Peer__V1__Ballot ballot;
    consensus.kind = (Coord__Peer__V1__ConsensusKind)message->kind;
    if (!wire_ballot_is_none(message->ballot)) {
        wire_fill_ballot(&ballot, message->ballot);
        consensus.ballot = &ballot;
    }
    consensus.first_slot = message->first;
    consensus.last_slot = message->last;
    consensus.chosen_slot = message->chosen;
    consensus.nonce = message->nonce;
    consensus.remembered = message->remembered;
    consensus.granted = message->granted;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS;
    piece.consensus = &consensus;

    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    enum cd_status status = CD_OK;
    if (message->entries_count > 0) {
        status = fill_entries(&scratch, &consensus, message);
    }
    if (status == CD_OK) {
        status = put_message(frame, &piece);
    }
    wire_arena_release(&scratch);
    return status;
}

enum cd_status wire_peer_put_forward(struct cd_buf *frame, const struct wire_forward *forward)
{
    Coord__Peer__V1__Ballot leader;
    wire_fill_ballot(&leader, forward->leader);
    Coord__Peer__V1__Forward message = COORD__PEER__V1__FORWARD__INIT;
    message.command = wire_binary_of(forward->command);
    message.leader = &leader;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD;
    piece.forward = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_refused(struct cd_buf *frame,
                                     const struct wire_forward_refused *refused)
{
    Coord__Peer__V1__ForwardRefused message = COORD__PEER__V1__FORWARD_REFUSED__INIT;
    message.boot = refused->boot;
    message.counter = refused->counter;
    message.code = (uint32_t)wire_code(refused->status);
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD_REFUSED;
    piece.forward_refused = &message;
    return put_message(frame, &piece);
}
