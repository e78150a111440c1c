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
    ret_refused->stopped = from->stopped;
    return CD_OK;
}

static enum cd_status check_sessions(size_t count, struct cd_error *error)
{
    if (count > WIRE_PEER_SESSIONS_MAX) {
        return cd_error_set(error, CD_TOO_MANY, "%zu sessions in a message; the limit is %d", count,
                            (int)WIRE_PEER_SESSIONS_MAX);
    }
    return CD_OK;
}

static enum cd_status take_renew(struct wire_arena *arena, struct wire_renew *ret_renew,
                                 const Coord__Peer__V1__Renew *from, struct cd_error *error)
{
    size_t count = from->n_sessions;
    enum cd_status status = check_sessions(count, error);
    if (status != CD_OK) {
        return status;
    }
    struct wire_renewal *sessions = wire_arena_get_array(arena, count, sizeof(*sessions));
    if (sessions == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        sessions[i] =
            (struct wire_renewal){from->sessions[i]->session_id, from->sessions[i]->attach};
    }
    *ret_renew = (struct wire_renew){from->nonce, sessions, count};
    return CD_OK;
}

static enum cd_status take_renewed(struct wire_arena *arena, struct wire_renewed *ret_renewed,
                                   const Coord__Peer__V1__Renewed *from, struct cd_error *error)
{
    size_t count = from->n_refused;
    enum cd_status status = check_sessions(count, error);
    if (status != CD_OK) {
        return status;
    }
    struct wire_not_renewed *refused = wire_arena_get_array(arena, count, sizeof(*refused));
    if (refused == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t code = from->refused[i]->code;
        if (code == 0 || code > CD_STATUS_CLIENT_MAX) {
            return cd_error_set(error, CD_MALFORMED, "a session was not renewed with code %u",
                                (unsigned)code);
        }
        refused[i] = (struct wire_not_renewed){from->refused[i]->session_id, (enum cd_status)code};
    }
    *ret_renewed = (struct wire_renewed){from->nonce, refused, count};
    return CD_OK;
}

static enum cd_status take_offer(struct wire_snapshot_offer *ret_offer,
                                 const Coord__Peer__V1__SnapshotOffer *from, struct cd_error *error)
{
    if (from->slot == 0 || from->file_bytes == 0) {
        return cd_error_set(error, CD_MALFORMED, "a snapshot without slot or bytes was offered");
    }
    *ret_offer = (struct wire_snapshot_offer){.slot = from->slot,
                                              .zxid = from->zxid,
                                              .file_bytes = from->file_bytes,
                                              .digest = from->digest,
                                              .digest_version = from->digest_version};
    return CD_OK;
}

static enum cd_status take_chunk(struct wire_snapshot_chunk *ret_chunk,
                                 const Coord__Peer__V1__SnapshotChunk *from, struct cd_error *error)
{
    if (from->data.len == 0 || from->data.len > WIRE_SNAPSHOT_CHUNK_BYTES_MAX ||
        from->offset > UINT64_MAX - from->data.len) {
        return cd_error_set(error, CD_MALFORMED, "a chunk of %zu bytes; it has 1 to %d",
                            from->data.len, (int)WIRE_SNAPSHOT_CHUNK_BYTES_MAX);
    }
    *ret_chunk = (struct wire_snapshot_chunk){from->slot, from->offset, wire_bytes(from->data)};
    return CD_OK;
}

/* What came with later features than consensus. CD_NOT_FOUND: of an unknown kind. */
static enum cd_status take_later(struct wire_arena *arena, struct wire_peer_message *message,
                                 const Coord__Peer__V1__PeerMessage *from, struct cd_error *error)
{
    switch (from->message_case) {
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEW:
        message->kind = WIRE_PEER_RENEW;
        return take_renew(arena, &message->renew, from->renew, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEWED:
        message->kind = WIRE_PEER_RENEWED;
        return take_renewed(arena, &message->renewed, from->renewed, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_OFFER:
        message->kind = WIRE_PEER_SNAPSHOT_OFFER;
        return take_offer(&message->offer, from->snapshot_offer, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_ASK:
        message->kind = WIRE_PEER_SNAPSHOT_ASK;
        message->ask = (struct wire_snapshot_ask){.slot = from->snapshot_ask->slot,
                                                  .offset = from->snapshot_ask->offset,
                                                  .at_least = from->snapshot_ask->at_least};
        return CD_OK;
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_CHUNK:
        message->kind = WIRE_PEER_SNAPSHOT_CHUNK;
        return take_chunk(&message->chunk, from->snapshot_chunk, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_GONE:
        message->kind = WIRE_PEER_SNAPSHOT_GONE;
        message->gone_slot = from->snapshot_gone->slot;
        return CD_OK;
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_DIGEST_REPORT:
        message->kind = WIRE_PEER_DIGEST;
        message->digest = (struct wire_digest){.slot = from->digest_report->slot,
                                               .digest = from->digest_report->digest,
                                               .version = from->digest_report->digest_version};
        return CD_OK;
    default:
        return CD_NOT_FOUND;
    }
}

/* Adds the message to the frame, unless this version does not know its kind. */
static enum cd_status take_message(struct wire_arena *arena, uint32_t to,
                                   struct wire_peer_frame *frame,
                                   const Coord__Peer__V1__PeerMessage *from, struct cd_error *error)
{
    struct wire_peer_message *message = &frame->messages[frame->messages_count];
    enum cd_status status = CD_OK;
    switch (from->message_case) {
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS:
        if (!is_known_kind(from->consensus->kind)) {
            return CD_OK;
        }
        frame->messages_count++; /* before its entries, so that a release finds them */
        message->kind = WIRE_PEER_CONSENSUS;
        message->consensus.from = frame->head.from;
        message->consensus.from_incarnation = frame->head.incarnation;
        message->consensus.to = to;
        return take_consensus(arena, &message->consensus, from->consensus, error);
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD:
        message->kind = WIRE_PEER_FORWARD;
        status = take_forward(&message->forward, from->forward, error);
        break;
    case COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD_REFUSED:
        message->kind = WIRE_PEER_REFUSED;
        status = take_refused(&message->refused, from->forward_refused, error);
        break;
    default:
        status = take_later(arena, message, from, error);
        break;
    }
    frame->messages_count += status == CD_OK;
    return status == CD_NOT_FOUND ? CD_OK : status;
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
        bool consensus = frame->messages[i].kind == WIRE_PEER_CONSENSUS;
        for (size_t k = 0; consensus && k < message->entries_count; k++) {
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
    message.stopped = refused->stopped;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD_REFUSED;
    piece.forward_refused = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_renew(struct cd_buf *frame, const struct wire_renew *renew)
{
    CD_ASSERT(renew->count <= WIRE_PEER_SESSIONS_MAX);
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    Coord__Peer__V1__Renewal *list = wire_arena_get_array(&scratch, renew->count, sizeof(*list));
    Coord__Peer__V1__Renewal **pointers =
        wire_arena_get_array(&scratch, renew->count, sizeof(*pointers));
    CD_ASSERT(list != NULL && pointers != NULL); /* far below the limit */
    for (size_t i = 0; i < renew->count; i++) {
        coord__peer__v1__renewal__init(&list[i]);
        list[i].session_id = renew->sessions[i].session;
        list[i].attach = renew->sessions[i].attach;
        pointers[i] = &list[i];
    }
    Coord__Peer__V1__Renew message = COORD__PEER__V1__RENEW__INIT;
    message.nonce = renew->nonce;
    message.sessions = pointers;
    message.n_sessions = renew->count;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEW;
    piece.renew = &message;
    enum cd_status status = put_message(frame, &piece);
    wire_arena_release(&scratch);
    return status;
}

enum cd_status wire_peer_put_renewed(struct cd_buf *frame, const struct wire_renewed *renewed)
{
    CD_ASSERT(renewed->count <= WIRE_PEER_SESSIONS_MAX);
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    Coord__Peer__V1__NotRenewed *list =
        wire_arena_get_array(&scratch, renewed->count, sizeof(*list));
    Coord__Peer__V1__NotRenewed **pointers =
        wire_arena_get_array(&scratch, renewed->count, sizeof(*pointers));
    CD_ASSERT(list != NULL && pointers != NULL); /* far below the limit */
    for (size_t i = 0; i < renewed->count; i++) {
        coord__peer__v1__not_renewed__init(&list[i]);
        list[i].session_id = renewed->refused[i].session;
        list[i].code = (uint32_t)wire_code(renewed->refused[i].status);
        pointers[i] = &list[i];
    }
    Coord__Peer__V1__Renewed message = COORD__PEER__V1__RENEWED__INIT;
    message.nonce = renewed->nonce;
    message.refused = pointers;
    message.n_refused = renewed->count;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEWED;
    piece.renewed = &message;
    enum cd_status status = put_message(frame, &piece);
    wire_arena_release(&scratch);
    return status;
}

enum cd_status wire_peer_put_snapshot_offer(struct cd_buf *frame,
                                            const struct wire_snapshot_offer *offer)
{
    Coord__Peer__V1__SnapshotOffer message = COORD__PEER__V1__SNAPSHOT_OFFER__INIT;
    message.slot = offer->slot;
    message.zxid = offer->zxid;
    message.file_bytes = offer->file_bytes;
    message.digest = offer->digest;
    message.digest_version = offer->digest_version;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_OFFER;
    piece.snapshot_offer = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_snapshot_ask(struct cd_buf *frame, const struct wire_snapshot_ask *ask)
{
    Coord__Peer__V1__SnapshotAsk message = COORD__PEER__V1__SNAPSHOT_ASK__INIT;
    message.slot = ask->slot;
    message.offset = ask->offset;
    message.at_least = ask->at_least;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_ASK;
    piece.snapshot_ask = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_snapshot_chunk(struct cd_buf *frame,
                                            const struct wire_snapshot_chunk *chunk)
{
    CD_ASSERT(chunk->data.bytes > 0 && chunk->data.bytes <= WIRE_SNAPSHOT_CHUNK_BYTES_MAX);
    Coord__Peer__V1__SnapshotChunk message = COORD__PEER__V1__SNAPSHOT_CHUNK__INIT;
    message.slot = chunk->slot;
    message.offset = chunk->offset;
    message.data = wire_binary_of(chunk->data);
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_CHUNK;
    piece.snapshot_chunk = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_snapshot_gone(struct cd_buf *frame, uint64_t slot)
{
    Coord__Peer__V1__SnapshotGone message = COORD__PEER__V1__SNAPSHOT_GONE__INIT;
    message.slot = slot;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_GONE;
    piece.snapshot_gone = &message;
    return put_message(frame, &piece);
}

enum cd_status wire_peer_put_digest(struct cd_buf *frame, const struct wire_digest *digest)
{
    Coord__Peer__V1__DigestReport message = COORD__PEER__V1__DIGEST_REPORT__INIT;
    message.slot = digest->slot;
    message.digest_version = digest->version;
    message.digest = digest->digest;
    Coord__Peer__V1__PeerMessage piece = COORD__PEER__V1__PEER_MESSAGE__INIT;
    piece.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_DIGEST_REPORT;
    piece.digest_report = &message;
    return put_message(frame, &piece);
}
