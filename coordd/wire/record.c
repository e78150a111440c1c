#include "wire/record.h"

#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/* What a replica writes into its log. */

static const struct wire_bound record_bound = {WIRE_RECORD_BYTES_MAX, "a record"};

/* ---- Bodies of records ---- */

enum cd_status wire_entry_encode(struct cd_buf *buf, const struct paxos_entry *entry, bool learned)
{
    struct wire_config_message config;
    struct wire_entry_message message;
    wire_fill_entry(&message, entry, &config);
    Coord__Storage__V1__EntryRecord record = COORD__STORAGE__V1__ENTRY_RECORD__INIT;
    record.entry = &message.entry;
    record.learned = learned;
    return wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
}

enum cd_status wire_entry_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                 struct paxos_entry *ret_entry, bool *ret_learned,
                                 struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__EntryRecord *from =
        wire_unpack_known(arena, &coord__storage__v1__entry_record__descriptor, bytes, bytes_count,
                          record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    if (from->entry == NULL) {
        return cd_error_set(error, CD_MALFORMED, "a record of an entry without entry");
    }
    *ret_learned = from->learned;
    return wire_entry(ret_entry, from->entry, error);
}

enum cd_status wire_promise_encode(struct cd_buf *buf, struct paxos_ballot ballot)
{
    Coord__Peer__V1__Ballot message;
    wire_fill_ballot(&message, ballot);
    Coord__Storage__V1__PromiseRecord record = COORD__STORAGE__V1__PROMISE_RECORD__INIT;
    record.ballot = &message;
    return wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
}

enum cd_status wire_promise_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                   struct paxos_ballot *ret_ballot, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__PromiseRecord *from =
        wire_unpack_known(arena, &coord__storage__v1__promise_record__descriptor, bytes,
                          bytes_count, record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    *ret_ballot = wire_ballot(from->ballot);
    if (wire_ballot_is_none(*ret_ballot)) {
        return cd_error_set(error, CD_MALFORMED, "a record of a promise without ballot");
    }
    return CD_OK;
}

enum cd_status wire_mark_encode(struct cd_buf *buf, paxos_slot slot)
{
    Coord__Storage__V1__MarkRecord record = COORD__STORAGE__V1__MARK_RECORD__INIT;
    record.chosen_slot = slot;
    return wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
}

enum cd_status wire_mark_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                paxos_slot *ret_slot, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__MarkRecord *from =
        wire_unpack_known(arena, &coord__storage__v1__mark_record__descriptor, bytes, bytes_count,
                          record_bound, &status, error);
    if (from != NULL) {
        *ret_slot = from->chosen_slot;
    }
    return status;
}

/* ---- State and positions ---- */

struct position_messages {
    Coord__Storage__V1__PeerPosition positions[WIRE_POSITIONS_MAX];
    Coord__Storage__V1__PeerPosition *pointers[WIRE_POSITIONS_MAX];
};

static void fill_positions(struct position_messages *ret_messages,
                           const struct wire_position *positions, size_t count)
{
    CD_ASSERT(count <= WIRE_POSITIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        Coord__Storage__V1__PeerPosition *message = &ret_messages->positions[i];
        coord__storage__v1__peer_position__init(message);
        message->node = positions[i].node;
        message->incarnation = positions[i].incarnation;
        message->position = positions[i].position;
        ret_messages->pointers[i] = message;
    }
}

static enum cd_status take_positions(struct wire_arena *arena, struct wire_state *ret_state,
                                     Coord__Storage__V1__PeerPosition *const *from, size_t count,
                                     struct cd_error *error)
{
    if (count > WIRE_POSITIONS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "positions of %zu peers; the limit is %d", count,
                            (int)WIRE_POSITIONS_MAX);
    }
    struct wire_position *positions = wire_arena_get_array(arena, count, sizeof(*positions));
    if (positions == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        positions[i] =
            (struct wire_position){from[i]->node, from[i]->incarnation, from[i]->position};
    }
    ret_state->positions = positions;
    ret_state->positions_count = count;
    return CD_OK;
}

enum cd_status wire_peers_encode(struct cd_buf *buf, const struct wire_position *positions,
                                 size_t count)
{
    struct position_messages messages;
    fill_positions(&messages, positions, count);
    Coord__Storage__V1__PeersRecord record = COORD__STORAGE__V1__PEERS_RECORD__INIT;
    record.positions = messages.pointers;
    record.n_positions = count;
    return wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
}

enum cd_status wire_peers_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                 struct wire_state *ret_state, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__PeersRecord *from =
        wire_unpack_known(arena, &coord__storage__v1__peers_record__descriptor, bytes, bytes_count,
                          record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    memset(ret_state, 0, sizeof(*ret_state));
    return take_positions(arena, ret_state, from->positions, from->n_positions, error);
}

enum cd_status wire_state_encode(struct cd_buf *buf, const struct wire_state *state)
{
    struct position_messages positions;
    Coord__Peer__V1__Ballot promised;
    struct wire_arena scratch;
    Coord__Storage__V1__StateRecord record = COORD__STORAGE__V1__STATE_RECORD__INIT;
    record.incarnation = state->incarnation;
    wire_fill_ballot(&promised, state->promised);
    record.promised = &promised;
    record.chosen_slot = state->chosen;
    fill_positions(&positions, state->positions, state->positions_count);
    record.positions = positions.pointers;
    record.n_positions = state->positions_count;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    enum cd_status status =
        wire_fill_configs(&scratch, &record.configs, state->configs, state->configs_count);
    record.n_configs = state->configs_count;
    if (status == CD_OK) {
        status = wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
    }
    wire_arena_release(&scratch);
    return status;
}

enum cd_status wire_state_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                 struct wire_state *ret_state, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__StateRecord *from =
        wire_unpack_known(arena, &coord__storage__v1__state_record__descriptor, bytes, bytes_count,
                          record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    memset(ret_state, 0, sizeof(*ret_state));
    ret_state->incarnation = from->incarnation;
    ret_state->promised = wire_ballot(from->promised);
    ret_state->chosen = from->chosen_slot;
    status = wire_take_configs(arena, &ret_state->configs, &ret_state->configs_count, from->configs,
                               from->n_configs, error);
    return status != CD_OK
               ? status
               : take_positions(arena, ret_state, from->positions, from->n_positions, error);
}
