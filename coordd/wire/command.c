#include "wire/record.h"

#include "base/assert.h"
#include "base/hash.h"
#include "wire/internal.h"

#include <string.h>

/* Commands and the batches that carry them; the other records are in record.c. */

static const struct wire_bound command_bound = {WIRE_COMMAND_BYTES_MAX, "a command"};
static const struct wire_bound batch_bound = {WIRE_BATCH_BYTES_MAX, "a batch"};

/* ---- Identities ---- */

enum cd_status wire_identity_parse(struct fsm_who *ret_who, struct fsm_bytes text,
                                   struct cd_error *error)
{
    *ret_who = (struct fsm_who){.scheme = FSM_SCHEME_ANYONE};
    if (text.bytes == 0) {
        return CD_OK;
    }
    static const enum fsm_scheme schemes[] = {FSM_SCHEME_URI, FSM_SCHEME_DNS, FSM_SCHEME_CN};
    for (size_t i = 0; i < CD_ARRAY_COUNT(schemes); i++) {
        const char *scheme = wire_scheme_text(schemes[i]);
        size_t bytes = strlen(scheme);
        if (text.bytes > bytes + 1 && memcmp(text.data, scheme, bytes) == 0 &&
            text.data[bytes] == ':' && text.bytes - bytes - 1 <= FSM_IDENTITY_BYTES_MAX) {
            ret_who->scheme = schemes[i];
            ret_who->id = (struct fsm_bytes){text.data + bytes + 1, text.bytes - bytes - 1};
            return CD_OK;
        }
    }
    return cd_error_set(error, CD_INVALID_ARGUMENT,
                        "identity: it is uri:, dns: or cn: and a name of 1 to %u bytes",
                        FSM_IDENTITY_BYTES_MAX);
}

size_t wire_identity_format(uint8_t ret_text[WIRE_IDENTITY_BYTES_MAX], const struct fsm_who *who)
{
    if (who->scheme == FSM_SCHEME_ANYONE) {
        return 0;
    }
    const char *scheme = wire_scheme_text(who->scheme);
    size_t bytes = strlen(scheme);
    CD_ASSERT(who->id.bytes > 0 && who->id.bytes <= FSM_IDENTITY_BYTES_MAX);
    memcpy(ret_text, scheme, bytes);
    ret_text[bytes] = ':';
    memcpy(ret_text + bytes + 1, who->id.data, who->id.bytes);
    return bytes + 1 + who->id.bytes;
}

/* ---- To bytes ---- */

/* Messages of the operations that are about a session or the leader's own, and of those below. */
struct own_messages {
    Coord__Peer__V1__Ballot leader;
    union {
        Coord__V1__OpenSession open_session;
        Coord__V1__SetTimeoutRequest set_timeout;
        Coord__V1__ForgetRequest forget;
        Coord__V1__CloseRequest close;
        Coord__Storage__V1__AttachSession attach;
        Coord__Storage__V1__ExpireSession expire;
        Coord__Storage__V1__RefuseRequest refuse;
        Coord__Storage__V1__ReapNode reap;
        Coord__Storage__V1__AgreeDigest agree;
    };
};

/* False: it is an operation on nodes. `op` is borrowed as long as the message is used. */
static bool fill_session_op(struct own_messages *ret_messages,
                            Coord__Storage__V1__Command *ret_command, const struct fsm_op *op)
{
    switch (op->kind) {
    case FSM_OP_OPEN_SESSION:
        coord__v1__open_session__init(&ret_messages->open_session);
        ret_messages->open_session.secret_hash =
            wire_binary(op->open_session.secret_hash, FSM_SECRET_HASH_BYTES);
        ret_messages->open_session.timeout_ms = op->open_session.timeout_ms;
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_OPEN_SESSION;
        ret_command->open_session = &ret_messages->open_session;
        return true;
    case FSM_OP_SET_TIMEOUT:
        coord__v1__set_timeout_request__init(&ret_messages->set_timeout);
        ret_messages->set_timeout.timeout_ms = op->set_timeout.timeout_ms;
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_SET_TIMEOUT;
        ret_command->set_timeout = &ret_messages->set_timeout;
        return true;
    case FSM_OP_FORGET:
        coord__v1__forget_request__init(&ret_messages->forget); /* see Command.forget */
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_FORGET;
        ret_command->forget = &ret_messages->forget;
        return true;
    case FSM_OP_CLOSE:
        coord__v1__close_request__init(&ret_messages->close);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_CLOSE;
        ret_command->close = &ret_messages->close;
        return true;
    case FSM_OP_ATTACH_SESSION:
        coord__storage__v1__attach_session__init(&ret_messages->attach);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_ATTACH_SESSION;
        ret_command->attach_session = &ret_messages->attach;
        return true;
    default:
        return false;
    }
}

/* The same for what a replica decides by itself. */
static bool fill_own_op(struct own_messages *ret_messages, Coord__Storage__V1__Command *ret_command,
                        const struct fsm_op *op)
{
    switch (op->kind) {
    case FSM_OP_EXPIRE_SESSION:
        wire_fill_ballot(&ret_messages->leader,
                         (struct paxos_ballot){.round = op->expire_session.leader.round,
                                               .incarnation = op->expire_session.leader.incarnation,
                                               .node = op->expire_session.leader.node});
        coord__storage__v1__expire_session__init(&ret_messages->expire);
        ret_messages->expire.session_id = op->expire_session.session;
        ret_messages->expire.leader = &ret_messages->leader;
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_EXPIRE_SESSION;
        ret_command->expire_session = &ret_messages->expire;
        return true;
    case FSM_OP_REFUSE:
        coord__storage__v1__refuse_request__init(&ret_messages->refuse);
        ret_messages->refuse.code = (uint32_t)wire_code(op->refuse.status);
        ret_messages->refuse.message = wire_binary_of(op->refuse.message);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_REFUSE;
        ret_command->refuse = &ret_messages->refuse;
        return true;
    case FSM_OP_REAP:
        coord__storage__v1__reap_node__init(&ret_messages->reap);
        ret_messages->reap.path = wire_binary_of(op->reap.path);
        ret_messages->reap.mzxid = op->reap.mzxid;
        ret_messages->reap.cversion = (int64_t)op->reap.cversion;
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_REAP;
        ret_command->reap = &ret_messages->reap;
        return true;
    case FSM_OP_AGREE_DIGEST:
        coord__storage__v1__agree_digest__init(&ret_messages->agree);
        ret_messages->agree.slot = op->agree_digest.slot;
        ret_messages->agree.digest_version = op->agree_digest.version;
        ret_messages->agree.digest = op->agree_digest.digest;
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_AGREE_DIGEST;
        ret_command->agree_digest = &ret_messages->agree;
        return true;
    default:
        return false;
    }
}

/* if_held and op. Both structs are borrowed as long as the message is used. */
static enum cd_status fill_request(struct wire_filler *filler, struct own_messages *ret_messages,
                                   Coord__Storage__V1__Command *message,
                                   const struct fsm_command *command)
{
    if (command->if_held != NULL &&
        wire_fill_held(filler, &message->if_held, command->if_held) != CD_OK) {
        return CD_TOO_LARGE;
    }
    if (fill_session_op(ret_messages, message, &command->op) ||
        fill_own_op(ret_messages, message, &command->op)) {
        return CD_OK;
    }
    return wire_fill_op(filler, message, &command->op);
}

enum cd_status wire_command_encode(struct cd_buf *buf, const struct fsm_command *command)
{
    uint8_t identity[WIRE_IDENTITY_BYTES_MAX];
    struct own_messages messages;
    Coord__Storage__V1__Origin origin = COORD__STORAGE__V1__ORIGIN__INIT;
    origin.node = command->origin.node;
    origin.boot = command->origin.boot;
    origin.counter = command->origin.counter;
    Coord__Storage__V1__Command message = COORD__STORAGE__V1__COMMAND__INIT;
    message.origin = &origin;
    message.session_id = command->session;
    message.attach = command->attach;
    message.seq = command->seq;
    message.reply_mark = command->reply_mark;
    message.identity = wire_binary(identity, wire_identity_format(identity, &command->who));
    message.administrator = command->who.administrator;
    message.request_hash = command->request_hash;
    if (command->has_key) {
        message.call_key = wire_binary(command->key, FSM_CALL_KEY_BYTES);
    }
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    struct wire_filler filler = {.arena = &scratch};
    enum cd_status status = fill_request(&filler, &messages, &message, command);
    if (status == CD_OK) {
        /* What could not be decoded again must never reach the log. */
        status = wire_pack(buf, buf->bytes + WIRE_COMMAND_BYTES_MAX, &message.base);
    }
    wire_arena_release(&scratch);
    return status;
}

uint64_t wire_request_hash(const struct fsm_command *command)
{
    struct own_messages messages;
    Coord__Storage__V1__Command message = COORD__STORAGE__V1__COMMAND__INIT;
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    struct wire_filler filler = {.arena = &scratch};
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_COMMAND_BYTES_MAX);
    uint64_t hash = 0;
    if (fill_request(&filler, &messages, &message, command) == CD_OK &&
        wire_pack(&buf, WIRE_COMMAND_BYTES_MAX, &message.base) == CD_OK) {
        hash = cd_hash64(buf.data, buf.bytes);
    }
    cd_buf_release(&buf);
    wire_arena_release(&scratch);
    return hash;
}

/* ---- From bytes ---- */

static enum cd_status take_open(struct wire_taker *taker, struct fsm_op *ret_op,
                                const Coord__V1__OpenSession *from)
{
    bool present = false;
    ret_op->kind = FSM_OP_OPEN_SESSION;
    ret_op->open_session.timeout_ms = from->timeout_ms;
    enum cd_status status =
        wire_exact(ret_op->open_session.secret_hash, &present, FSM_SECRET_HASH_BYTES,
                   from->secret_hash, "secret_hash", taker->error);
    if (status == CD_OK && !present) {
        status = cd_error_set(taker->error, CD_INVALID_ARGUMENT, "secret_hash: it is missing");
    }
    return status;
}

static enum cd_status take_expire(struct fsm_op *ret_op,
                                  const Coord__Storage__V1__ExpireSession *from)
{
    struct paxos_ballot leader = wire_ballot(from->leader);
    ret_op->kind = FSM_OP_EXPIRE_SESSION;
    ret_op->expire_session = (struct fsm_op_expire_session){
        .session = from->session_id,
        .leader = {.round = leader.round, .node = leader.node, .incarnation = leader.incarnation}};
    return CD_OK;
}

static enum cd_status take_refuse(struct wire_taker *taker, struct fsm_op *ret_op,
                                  const Coord__Storage__V1__RefuseRequest *from)
{
    if (from->code == 0 || from->code > CD_STATUS_CLIENT_MAX || from->code == CD_BUSY ||
        from->message.len > FSM_REFUSAL_BYTES_MAX) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                            "refuse: code %u and %zu bytes; a refusal is final, with at most %u",
                            (unsigned)from->code, from->message.len, FSM_REFUSAL_BYTES_MAX);
    }
    ret_op->kind = FSM_OP_REFUSE;
    ret_op->refuse.status = (enum cd_status)from->code;
    return wire_text(&ret_op->refuse.message, from->message, "message", taker->error);
}

static enum cd_status take_reap(struct wire_taker *taker, struct fsm_op *ret_op,
                                const Coord__Storage__V1__ReapNode *from)
{
    if (from->cversion < 0) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT, "reap: cversion below 0");
    }
    ret_op->kind = FSM_OP_REAP;
    ret_op->reap.mzxid = from->mzxid;
    ret_op->reap.cversion = (uint64_t)from->cversion;
    return wire_text(&ret_op->reap.path, from->path, "path", taker->error);
}

static enum cd_status take_agree(struct wire_taker *taker, struct fsm_op *ret_op,
                                 const Coord__Storage__V1__AgreeDigest *from)
{
    if (from->slot == 0) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT, "agree_digest: slot 0");
    }
    ret_op->kind = FSM_OP_AGREE_DIGEST;
    ret_op->agree_digest = (struct fsm_op_agree_digest){
        .slot = from->slot, .digest = from->digest, .version = from->digest_version};
    return CD_OK;
}

static enum cd_status take_session_op(struct wire_taker *taker, struct fsm_op *ret_op,
                                      const Coord__Storage__V1__Command *from)
{
    switch (from->op_case) {
    case COORD__STORAGE__V1__COMMAND__OP_OPEN_SESSION:
        return take_open(taker, ret_op, from->open_session);
    case COORD__STORAGE__V1__COMMAND__OP_SET_TIMEOUT:
        ret_op->kind = FSM_OP_SET_TIMEOUT;
        ret_op->set_timeout.timeout_ms = from->set_timeout->timeout_ms;
        return CD_OK;
    case COORD__STORAGE__V1__COMMAND__OP_FORGET:
        ret_op->kind = FSM_OP_FORGET;
        return from->forget->reply_mark == 0
                   ? CD_OK
                   : cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                                  "forget: the mark of a command is not here");
    case COORD__STORAGE__V1__COMMAND__OP_CLOSE:
        ret_op->kind = FSM_OP_CLOSE;
        return CD_OK;
    case COORD__STORAGE__V1__COMMAND__OP_ATTACH_SESSION:
        ret_op->kind = FSM_OP_ATTACH_SESSION;
        return CD_OK;
    case COORD__STORAGE__V1__COMMAND__OP_EXPIRE_SESSION:
        return take_expire(ret_op, from->expire_session);
    case COORD__STORAGE__V1__COMMAND__OP_REFUSE:
        return take_refuse(taker, ret_op, from->refuse);
    case COORD__STORAGE__V1__COMMAND__OP_REAP:
        return take_reap(taker, ret_op, from->reap);
    case COORD__STORAGE__V1__COMMAND__OP_AGREE_DIGEST:
        return take_agree(taker, ret_op, from->agree_digest);
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, taker->error);
    }
}

static enum cd_status take_op(struct wire_taker *taker, struct fsm_op *ret_op,
                              const Coord__Storage__V1__Command *from)
{
    switch (from->op_case) {
    case COORD__STORAGE__V1__COMMAND__OP_CREATE:
        return wire_take_create(taker, ret_op, from->create);
    case COORD__STORAGE__V1__COMMAND__OP_SET:
        return wire_take_set(taker, ret_op, from->set);
    case COORD__STORAGE__V1__COMMAND__OP_DELETE:
        return wire_take_delete(taker, ret_op, from->delete_);
    case COORD__STORAGE__V1__COMMAND__OP_INCREMENT:
        return wire_take_increment(taker, ret_op, from->increment);
    case COORD__STORAGE__V1__COMMAND__OP_SET_ACL:
        return wire_take_set_acl(taker, ret_op, from->set_acl);
    case COORD__STORAGE__V1__COMMAND__OP_TXN:
        return wire_take_txn(taker, ret_op, from->txn);
    default:
        return take_session_op(taker, ret_op, from);
    }
}

static enum cd_status take_command(struct wire_taker *taker, struct fsm_command *ret_command,
                                   const Coord__Storage__V1__Command *from)
{
    struct fsm_bytes identity = {0};
    enum cd_status status = wire_text(&identity, from->identity, "identity", taker->error);
    if (status == CD_OK) {
        status = wire_identity_parse(&ret_command->who, identity, taker->error);
    }
    if (status == CD_OK) {
        status = wire_exact(ret_command->key, &ret_command->has_key, FSM_CALL_KEY_BYTES,
                            from->call_key, "call_key", taker->error);
    }
    if (status == CD_OK) {
        status = wire_take_held(taker, &ret_command->if_held, from->if_held);
    }
    ret_command->who.administrator = from->administrator;
    return status != CD_OK ? status : take_op(taker, &ret_command->op, from);
}

enum cd_status wire_command_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                   struct fsm_command *ret_command, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__Command *from =
        wire_unpack_known(arena, &coord__storage__v1__command__descriptor, bytes, bytes_count,
                          command_bound, &status, error);
    if (from == NULL) {
        return status;
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
    ret_command->reply_mark = from->reply_mark;
    ret_command->request_hash = from->request_hash;
    struct wire_taker taker = {.arena = arena, .error = error};
    status = take_command(&taker, ret_command, from);
    if (status == CD_OK || arena->exhausted) {
        return status;
    }
    return status == CD_UNIMPLEMENTED ? CD_NEWER_FORMAT : CD_MALFORMED;
}

/* ---- Batches ---- */

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
        wire_unpack_known(arena, &coord__storage__v1__batch__descriptor, bytes, bytes_count,
                          batch_bound, &status, error);
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
