#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * Frames between replicas. Everything for one peer in one turn of the loop is one frame; what must
 * wait for the disk (P2) is encoded at once and kept back until its position is durable.
 */

static struct replica_peer *find_peer(struct replica *r, uint32_t node)
{
    for (size_t i = 0; i < r->peers_count; i++) {
        if (r->peers[i].node == node) {
            return &r->peers[i];
        }
    }
    return NULL;
}

bool replica_peer_knows(const struct replica *r, uint32_t node, uint64_t feature)
{
    for (size_t i = 0; i < r->peers_count; i++) {
        if (r->peers[i].node == node) {
            return (r->peers[i].features & feature) != 0;
        }
    }
    return false;
}

bool replica_peers_know(const struct replica *r, uint64_t feature)
{
    for (size_t i = 0; i < r->peers_count; i++) {
        if (r->peers[i].features != 0 && (r->peers[i].features & feature) == 0) {
            return false;
        }
    }
    return true;
}

static void flush_peer(struct replica *r, struct replica_peer *peer)
{
    if (peer->messages == 0) {
        return;
    }
    if (r->identity > r->durable) { /* R2: the head would name an incarnation that may not last */
        cd_buf_clear(&peer->frame); /* forwarded writes: like lost ones */
        peer->messages = 0;
        return;
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    /* R2: what is durable when the frame leaves, so that it covers all that the frame acknowledges.
     */
    struct wire_peer_head head = {
        .features = WIRE_PEER_FEATURES,
        .from = r->node,
        .incarnation = status.incarnation,
        .boot = r->boot,
        .log_position = paxos_told_position(r->px),
    };
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config != NULL) {
        head.has_cluster = true;
        memcpy(head.cluster_id, config->cluster_id, sizeof(head.cluster_id));
        head.generation = config->generation;
    }
    cd_buf_clear(&r->encode);
    enum cd_status encoded = wire_peer_put_head(&r->encode, &head);
    CD_ASSERT(encoded == CD_OK);
    struct cd_blob *frame = cd_blob_create(r->encode.bytes + peer->frame.bytes);
    memcpy(frame->data, r->encode.data, r->encode.bytes);
    memcpy(frame->data + r->encode.bytes, peer->frame.data, peer->frame.bytes);
    r->ports.peer_send(r->ports.context, peer->node, frame);
    cd_blob_unref(frame);
    cd_buf_clear(&peer->frame);
    peer->messages = 0;
}

/* Adds encoded pieces, flushing before a limit of the frame would be passed. */
static void add_piece(struct replica *r, struct replica_peer *peer, const void *piece, size_t bytes)
{
    /* Room for the head, which is written when the frame leaves. */
    const size_t room = WIRE_PEER_FRAME_BYTES_MAX - 4096;
    if (peer->frame.bytes + bytes > room || peer->messages == WIRE_PEER_FRAME_MESSAGES_MAX) {
        flush_peer(r, peer);
    }
    cd_buf_put(&peer->frame, piece, bytes);
    CD_ASSERT(!peer->frame.overflowed);
    peer->messages++;
}

static void delay_piece(struct replica *r, uint32_t node, uint64_t position, const void *piece,
                        size_t bytes)
{
    if (bytes > REPLICA_DELAYED_BYTES_MAX - r->delayed_bytes) {
        return; /* like a lost message: it is asked for again */
    }
    struct replica_delayed *delayed = cd_calloc(1, sizeof(*delayed));
    delayed->position = position;
    delayed->node = node;
    delayed->piece = cd_blob_copy(piece, bytes);
    r->delayed_bytes += bytes;
    if (r->delayed_last != NULL) {
        CD_ASSERT(r->delayed_last->position <= position);
        r->delayed_last->next = delayed;
    } else {
        r->delayed_first = delayed;
    }
    r->delayed_last = delayed;
}

static void send_message(struct replica *r, const struct paxos_message *message, bool after_persist)
{
    struct replica_peer *peer = find_peer(r, message->to);
    if (peer == NULL) {
        return; /* a member that this replica's configuration cannot reach */
    }
    cd_buf_clear(&r->encode);
    enum cd_status status = wire_peer_put_consensus(&r->encode, message);
    if (status != CD_OK) {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FRAME_BAD,
                                                .node = message->to,
                                                .text = "a message does not fit a frame"});
        return;
    }
    if (after_persist && r->needed > r->durable) { /* P2 */
        delay_piece(r, message->to, r->needed, r->encode.data, r->encode.bytes);
        return;
    }
    /* flush_peer, below add_piece, uses r->encode: keep the piece apart. */
    struct cd_buf piece = r->encode;
    cd_buf_init(&r->encode, piece.limit);
    add_piece(r, peer, piece.data, piece.bytes);
    cd_buf_release(&r->encode);
    r->encode = piece;
}

void replica_peer_send(struct replica *r, const struct paxos_send *send)
{
    send_message(r, &send->message, send->after_persist);
}

void replica_release_delayed(struct replica *r)
{
    while (r->delayed_first != NULL && r->delayed_first->position <= r->durable) {
        struct replica_delayed *delayed = r->delayed_first;
        r->delayed_first = delayed->next;
        if (r->delayed_first == NULL) {
            r->delayed_last = NULL;
        }
        r->delayed_bytes -= delayed->piece->bytes;
        struct replica_peer *peer = find_peer(r, delayed->node);
        CD_ASSERT(peer != NULL);
        add_piece(r, peer, delayed->piece->data, delayed->piece->bytes);
        cd_blob_unref(delayed->piece);
        cd_free(delayed);
    }
}

/* --- Catch-up --- */

struct fetched {
    struct replica *r;
    struct paxos_entry *entries;
    size_t count, max;
    bool failed;
};

static bool collect(void *context, const struct storage_record *record)
{
    struct fetched *fetched = context;
    bool learned = false;
    struct cd_error error;
    enum cd_status status =
        wire_entry_decode(&fetched->r->command_arena, record->body, record->body_bytes,
                          &fetched->entries[fetched->count], &learned, &error);
    wire_arena_clear(&fetched->r->command_arena);
    if (status != CD_OK) {
        fetched->failed = true;
        return false;
    }
    fetched->count++;
    return fetched->count < fetched->max;
}

enum cd_status replica_read_entries(struct replica *r, paxos_slot first, paxos_slot last,
                                    struct paxos_entry *entries, size_t max, size_t *ret_count,
                                    struct cd_error *error)
{
    struct fetched fetched = {.r = r, .entries = entries, .max = max};
    enum cd_status status = storage_log_read_entries(r->log, first, last, PAXOS_MESSAGE_BYTES_SOFT,
                                                     collect, &fetched, error);
    *ret_count = fetched.count;
    return status == CD_OK && fetched.failed ? CD_CORRUPT : status;
}

void replica_answer_fetch(struct replica *r, uint32_t to, paxos_slot first, paxos_slot last)
{
    struct paxos_entry *entries = cd_calloc(PAXOS_MESSAGE_ENTRIES_MAX, sizeof(*entries));
    size_t count = 0;
    struct cd_error error = {0};
    enum cd_status status =
        replica_read_entries(r, first, last, entries, PAXOS_MESSAGE_ENTRIES_MAX, &count, &error);
    for (size_t i = 0; i < count; i++) {
        /* Sent as chosen (P7): under which ballot it was accepted here does not matter any more. */
        entries[i].ballot = (struct paxos_ballot){0};
    }
    if (status == CD_OK && count != 0) {
        struct paxos_message message;
        paxos_make_chosen(r->px, to, entries, count, &message);
        send_message(r, &message, false);
    } else {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FRAME_BAD,
                                                .node = to,
                                                .slot = first,
                                                .text = "asked for slots that the log lacks"});
    }
    for (size_t i = 0; i < count; i++) {
        cd_blob_unref(entries[i].payload);
    }
    cd_free(entries);
}

/* --- Writes on their way to the leader --- */

bool replica_forward(struct replica *r, uint32_t leader, struct paxos_ballot ballot,
                     struct fsm_bytes command)
{
    struct replica_peer *peer = find_peer(r, leader);
    if (peer == NULL) {
        return false;
    }
    struct wire_forward forward = {.command = command, .leader = ballot};
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    bool fits = wire_peer_put_forward(&piece, &forward) == CD_OK;
    if (fits) {
        add_piece(r, peer, piece.data, piece.bytes);
    }
    cd_buf_release(&piece);
    return fits;
}

void replica_refuse_forwarded(struct replica *r, const struct replica_command *command,
                              enum cd_status status)
{
    struct replica_peer *peer = find_peer(r, command->node);
    if (peer == NULL) {
        return;
    }
    struct wire_forward_refused refused = {.boot = command->boot,
                                           .counter = command->counter,
                                           .status = status,
                                           .stopped = status == CD_BUSY && r->undecided_slot != 0};
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    enum cd_status encoded = wire_peer_put_refused(&piece, &refused);
    CD_ASSERT(encoded == CD_OK);
    add_piece(r, peer, piece.data, piece.bytes);
    cd_buf_release(&piece);
}

/* --- Sessions and snapshots --- */

/* Hands on a message in `piece`, which is released. False: not a configured peer, or too large. */
static bool send_piece(struct replica *r, uint32_t node, struct cd_buf *piece, enum cd_status put)
{
    struct replica_peer *peer = find_peer(r, node);
    bool fits = peer != NULL && put == CD_OK;
    if (fits) {
        add_piece(r, peer, piece->data, piece->bytes);
    }
    cd_buf_release(piece);
    return fits;
}

bool replica_send_renew(struct replica *r, uint32_t node, const struct wire_renew *renew)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    return send_piece(r, node, &piece, wire_peer_put_renew(&piece, renew));
}

void replica_send_renewed(struct replica *r, uint32_t node, const struct wire_renewed *renewed)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_renewed(&piece, renewed));
}

void replica_send_offer(struct replica *r, uint32_t node, const struct wire_snapshot_offer *offer)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_snapshot_offer(&piece, offer));
}

void replica_send_ask(struct replica *r, uint32_t node, const struct wire_snapshot_ask *ask)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_snapshot_ask(&piece, ask));
}

void replica_send_chunk(struct replica *r, uint32_t node, const struct wire_snapshot_chunk *chunk)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_snapshot_chunk(&piece, chunk));
}

void replica_send_gone(struct replica *r, uint32_t node, uint64_t slot)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_snapshot_gone(&piece, slot));
}
void replica_send_digest(struct replica *r, uint32_t node, const struct wire_digest *digest)
{
    struct cd_buf piece;
    cd_buf_init(&piece, WIRE_PEER_FRAME_BYTES_MAX);
    (void)send_piece(r, node, &piece, wire_peer_put_digest(&piece, digest));
}

/* --- Coming in --- */

static bool is_heavy(const struct paxos_message *message)
{
    return message->kind == PAXOS_MSG_ACCEPT || message->kind == PAXOS_MSG_CHOSEN;
}

static void on_consensus(struct replica *r, const struct wire_peer_frame *frame,
                         struct paxos_message *message)
{
    if (!frame->head.has_cluster && message->kind != PAXOS_MSG_JOIN &&
        message->kind != PAXOS_MSG_PROBE_REPLY && message->kind != PAXOS_MSG_FETCH) {
        return; /* outside the cluster there is only asking to be let in and catching up */
    }
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    if (is_heavy(message) && stats.pending_bytes > REPLICA_DISK_BYTES_HIGH) {
        return; /* the disk cannot follow; like a lost message, it will be repeated */
    }
    message->durable = frame->head.log_position;
    struct paxos_event event = {.kind = PAXOS_EV_MESSAGE, .message = message};
    replica_step(r, &event);
}

static bool frame_is_ours(struct replica *r, uint32_t node, const struct wire_peer_head *head,
                          const char **ret_why)
{
    if (head->from != node) {
        *ret_why = "the frame names another sender than the certificate";
        return false;
    }
    if (!head->has_cluster) {
        return true;
    }
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config != NULL) {
        r->pinned = true;
        memcpy(r->cluster_id, config->cluster_id, sizeof(r->cluster_id));
    } else if (!r->pinned) {
        r->pinned = true; /* the first cluster that speaks to an empty replica */
        memcpy(r->cluster_id, head->cluster_id, sizeof(r->cluster_id));
    }
    if (memcmp(r->cluster_id, head->cluster_id, sizeof(r->cluster_id)) != 0) {
        *ret_why = "the peer belongs to another cluster";
        return false;
    }
    if (config != NULL && head->generation != config->generation) {
        *ret_why = "the peer belongs to another generation of this cluster";
        return false;
    }
    return true;
}

void replica_on_peer_frame(struct replica *r, uint32_t node, const void *bytes, size_t bytes_count)
{
    if (!r->started || r->fatal) {
        return;
    }
    struct wire_peer_frame frame;
    struct cd_error error = {0};
    enum cd_status status =
        wire_peer_frame_decode(&r->arena, r->node, bytes, bytes_count, &frame, &error);
    const char *why = error.message;
    if (status == CD_OK && frame_is_ours(r, node, &frame.head, &why)) {
        struct replica_peer *peer = find_peer(r, node);
        if (peer != NULL) {
            peer->features = frame.head.features;
        }
        for (size_t i = 0; i < frame.messages_count && !r->fatal; i++) {
            struct wire_peer_message *message = &frame.messages[i];
            switch (message->kind) {
            case WIRE_PEER_CONSENSUS:
                on_consensus(r, &frame, &message->consensus);
                break;
            case WIRE_PEER_FORWARD:
                replica_on_forward(r, node, frame.head.boot, &message->forward);
                break;
            case WIRE_PEER_REFUSED:
                replica_on_forward_refused(r, &message->refused);
                break;
            case WIRE_PEER_RENEW:
                replica_on_renew(r, node, &message->renew);
                break;
            case WIRE_PEER_RENEWED:
                replica_on_renewed(r, node, &message->renewed);
                break;
            case WIRE_PEER_SNAPSHOT_OFFER:
                replica_on_snapshot_offer(r, node, &message->offer);
                break;
            case WIRE_PEER_SNAPSHOT_ASK:
                replica_on_snapshot_ask(r, node, &message->ask);
                break;
            case WIRE_PEER_SNAPSHOT_CHUNK:
                replica_on_snapshot_chunk(r, node, &message->chunk);
                break;
            case WIRE_PEER_SNAPSHOT_GONE:
                replica_on_snapshot_gone(r, node, message->gone_slot);
                break;
            case WIRE_PEER_DIGEST:
                replica_on_digest(r, node, frame.head.incarnation, &message->digest);
                break;
            }
        }
    } else {
        replica_emit(
            r, &(struct replica_event){.kind = REPLICA_EV_FRAME_BAD, .node = node, .text = why});
    }
    if (status == CD_OK) {
        wire_peer_frame_release(&frame);
    }
    wire_arena_clear(&r->arena);
}

void replica_flush_peers(struct replica *r)
{
    for (size_t i = 0; i < r->peers_count; i++) {
        flush_peer(r, &r->peers[i]);
    }
}

void replica_drop_unsaid(struct replica *r)
{
    while (r->delayed_first != NULL) {
        struct replica_delayed *delayed = r->delayed_first;
        r->delayed_first = delayed->next;
        cd_blob_unref(delayed->piece);
        cd_free(delayed);
    }
    r->delayed_last = NULL;
    r->delayed_bytes = 0;
    for (size_t i = 0; i < r->peers_count; i++) {
        cd_buf_clear(&r->peers[i].frame);
        r->peers[i].messages = 0;
    }
}

void replica_free_peers(struct replica *r)
{
    replica_drop_unsaid(r);
    for (size_t i = 0; i < r->peers_count; i++) {
        cd_buf_release(&r->peers[i].frame);
    }
}
