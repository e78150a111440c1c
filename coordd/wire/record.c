#include "wire/record.h"

#include "base/assert.h"
#include "wire/client.h"
#include "wire/internal.h"

#include <string.h>

/* What a replica writes into its log. */

static const struct wire_bound record_bound = {WIRE_RECORD_BYTES_MAX, "a record"};
static const struct wire_bound command_bound = {WIRE_COMMAND_BYTES_MAX, "a command"};
static const struct wire_bound batch_bound = {WIRE_BATCH_BYTES_MAX, "a batch"};

/*
 * As wire_unpack, for what is on disks and in the log: a field that this version does not know has
 * a meaning that it must not do without.
 */
static void *unpack_known(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                          const void *bytes, size_t bytes_count, struct wire_bound bound,
                          enum cd_status *ret_status, struct cd_error *error)
{
    ProtobufCMessage *message =
        wire_unpack(arena, descriptor, bytes, bytes_count, bound, ret_status, error);
    if (message != NULL && wire_has_unknown(message)) {
        *ret_status = cd_error_set(error, CD_NEWER_FORMAT,
                                   "%s holds a field that this version does not know", bound.name);
        return NULL;
    }
    return message;
}

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
        unpack_known(arena, &coord__storage__v1__entry_record__descriptor, bytes, bytes_count,
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
        unpack_known(arena, &coord__storage__v1__promise_record__descriptor, bytes, bytes_count,
                     record_bound, &status, error);
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
        unpack_known(arena, &coord__storage__v1__mark_record__descriptor, bytes, bytes_count,
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
        unpack_known(arena, &coord__storage__v1__peers_record__descriptor, bytes, bytes_count,
                     record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    memset(ret_state, 0, sizeof(*ret_state));
    return take_positions(arena, ret_state, from->positions, from->n_positions, error);
}

static enum cd_status fill_configs(struct wire_arena *scratch,
                                   Coord__Storage__V1__StateRecord *record,
                                   const struct wire_state *state)
{
    size_t count = state->configs_count;
    CD_ASSERT(count <= WIRE_CONFIGS_MAX);
    Coord__Storage__V1__ConfigAt *list = wire_arena_get_array(scratch, count, sizeof(*list));
    Coord__Storage__V1__ConfigAt **pointers =
        wire_arena_get_array(scratch, count, sizeof(*pointers));
    struct wire_config_message *configs = wire_arena_get_array(scratch, count, sizeof(*configs));
    if (list == NULL || pointers == NULL || configs == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        wire_fill_config(&configs[i], &state->configs[i].config);
        coord__storage__v1__config_at__init(&list[i]);
        list[i].slot = state->configs[i].slot;
        list[i].config = &configs[i].config;
        pointers[i] = &list[i];
    }
    record->configs = pointers;
    record->n_configs = count;
    return CD_OK;
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
    enum cd_status status = fill_configs(&scratch, &record, state);
    if (status == CD_OK) {
        status = wire_pack(buf, WIRE_RECORD_BYTES_MAX, &record.base);
    }
    wire_arena_release(&scratch);
    return status;
}

static enum cd_status take_configs(struct wire_arena *arena, struct wire_state *ret_state,
                                   const Coord__Storage__V1__StateRecord *from,
                                   struct cd_error *error)
{
    if (from->n_configs > WIRE_CONFIGS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "%zu configurations; the limit is %d",
                            from->n_configs, (int)WIRE_CONFIGS_MAX);
    }
    struct wire_config_at *configs = wire_arena_get_array(arena, from->n_configs, sizeof(*configs));
    if (configs == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < from->n_configs; i++) {
        const Coord__Storage__V1__ConfigAt *each = from->configs[i];
        if (each->config == NULL || each->slot == 0) {
            return cd_error_set(error, CD_MALFORMED, "a configuration without slot or content");
        }
        configs[i].slot = each->slot;
        enum cd_status status = wire_config(&configs[i].config, each->config, error);
        if (status != CD_OK) {
            return status;
        }
    }
    ret_state->configs = configs;
    ret_state->configs_count = from->n_configs;
    return CD_OK;
}

enum cd_status wire_state_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                 struct wire_state *ret_state, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__StateRecord *from =
        unpack_known(arena, &coord__storage__v1__state_record__descriptor, bytes, bytes_count,
                     record_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    memset(ret_state, 0, sizeof(*ret_state));
    ret_state->incarnation = from->incarnation;
    ret_state->promised = wire_ballot(from->promised);
    ret_state->chosen = from->chosen_slot;
    status = take_configs(arena, ret_state, from, error);
    return status != CD_OK
               ? status
               : take_positions(arena, ret_state, from->positions, from->n_positions, error);
}

/* ---- Commands and batches ---- */

enum cd_status wire_command_encode(struct cd_buf *buf, const struct fsm_command *command)
{
    Coord__Storage__V1__Origin origin = COORD__STORAGE__V1__ORIGIN__INIT;
    origin.node = command->origin.node;
    origin.boot = command->origin.boot;
    origin.counter = command->origin.counter;
    Coord__Storage__V1__Command message = COORD__STORAGE__V1__COMMAND__INIT;
    message.origin = &origin;
    message.session_id = command->session;
    message.attach = command->attach;
    message.seq = command->seq;
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    enum cd_status status = wire_fill_op(&scratch, &message, &command->op);
    if (status == CD_OK) {
        /* What could not be decoded again must never reach the log. */
        status = wire_pack(buf, buf->bytes + WIRE_COMMAND_BYTES_MAX, &message.base);
    }
    wire_arena_release(&scratch);
    return status;
}

static enum cd_status take_op(struct wire_arena *arena, struct fsm_op *ret_op,
                              const Coord__Storage__V1__Command *from, struct cd_error *error)
{
    switch (from->op_case) {
    case COORD__STORAGE__V1__COMMAND__OP_CREATE:
        return wire_take_create(ret_op, from->create, error);
    case COORD__STORAGE__V1__COMMAND__OP_SET:
        return wire_take_set(ret_op, from->set, error);
    case COORD__STORAGE__V1__COMMAND__OP_DELETE:
        return wire_take_delete(ret_op, from->delete_, error);
    case COORD__STORAGE__V1__COMMAND__OP_TXN:
        return wire_take_txn(arena, ret_op, from->txn, error);
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, error);
    }
}

/* Fields of the contract that fsm_command has no place for yet: they have a meaning too. */
static bool has_later_fields(const Coord__Storage__V1__Command *from)
{
    return from->reply_mark != 0 || from->identity.len > 0 || from->request_hash != 0 ||
           from->call_key.len > 0 || from->if_held != NULL;
}

enum cd_status wire_command_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                   struct fsm_command *ret_command, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__Command *from =
        unpack_known(arena, &coord__storage__v1__command__descriptor, bytes, bytes_count,
                     command_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    if (has_later_fields(from)) {
        return cd_error_set(error, CD_NEWER_FORMAT,
                            "a command holds a field that this version does not serve");
    }
    if (from->origin == NULL || from->origin->node == 0) {
        return cd_error_set(error, CD_MALFORMED, "a command without origin");
    }
    memset(ret_command, 0, sizeof(*ret_command));
    ret_command->origin = (struct fsm_origin){
        .node = from->origin->node, .boot = from->origin->boot, .counter = from->origin->counter};
    ret_command->session = from->session_id;
    ret_command->attach = from->attach;
    ret_command->seq = from->seq;
    status = take_op(arena, &ret_command->op, from, error);
    if (status == CD_OK || arena->exhausted) {
        return status;
    }
    return status == CD_UNIMPLEMENTED ? CD_NEWER_FORMAT : CD_MALFORMED;
}

enum cd_status wire_batch_put_stamp(struct cd_buf *buf, const struct fsm_batch_stamp *stamp)
{
    Coord__Storage__V1__Batch piece = COORD__STORAGE__V1__BATCH__INIT;
    piece.wall_ms = (int64_t)stamp->wall_ms;
    piece.elapsed_ms = stamp->elapsed_ms;
    return wire_pack(buf, WIRE_BATCH_BYTES_MAX, &piece.base);
}

enum cd_status wire_batch_put_command(struct cd_buf *buf, struct fsm_bytes command)
{
    ProtobufCBinaryData bytes = wire_binary_of(command);
    Coord__Storage__V1__Batch piece = COORD__STORAGE__V1__BATCH__INIT;
    piece.commands = &bytes;
    piece.n_commands = 1;
    return wire_pack(buf, WIRE_BATCH_BYTES_MAX, &piece.base);
}

enum cd_status wire_batch_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                 struct wire_batch *ret_batch, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__Batch *from =
        unpack_known(arena, &coord__storage__v1__batch__descriptor, bytes, bytes_count, batch_bound,
                     &status, error);
    if (from == NULL) {
        return status;
    }
    if (from->n_commands > WIRE_BATCH_COMMANDS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "%zu commands in a batch; the limit is %d",
                            from->n_commands, (int)WIRE_BATCH_COMMANDS_MAX);
    }
    struct fsm_bytes *commands = wire_arena_get_array(arena, from->n_commands, sizeof(*commands));
    if (commands == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < from->n_commands; i++) {
        commands[i] = wire_bytes(from->commands[i]);
    }
    *ret_batch = (struct wire_batch){
        .stamp = {.wall_ms = (uint64_t)from->wall_ms, .elapsed_ms = from->elapsed_ms},
        .commands = commands,
        .commands_count = from->n_commands,
    };
    return CD_OK;
}
