#include "simulation/frames.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/memory.h"

#include "coord/peer/v1/peer.pb-c.h"
#include "coord/storage/v1/record.pb-c.h"
#include "coord/v1/coord.pb-c.h"

#include <string.h>

/* ---- From a client ---- */

static struct cd_blob *pack(const ProtobufCMessage *message)
{
    struct cd_blob *blob = cd_blob_create(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, blob->data);
    return blob;
}

static ProtobufCBinaryData text(const char *from)
{
    return (ProtobufCBinaryData){.len = strlen(from), .data = (uint8_t *)(uintptr_t)from};
}

/* One operation of a request with all that it points to. */
struct step_message {
    Coord__V1__CreateRequest create;
    Coord__V1__SetRequest set;
    Coord__V1__DeleteRequest remove;
    Coord__V1__GetRequest get;
    Coord__V1__ExistsRequest exists;
    Coord__V1__ChildrenRequest children;
    Coord__V1__Version version;
    Coord__V1__TxnOp op;
};

static void fill_step(struct step_message *m, const struct model_step *step, uint8_t *data,
                      size_t data_bytes)
{
    memset(m, 0, sizeof(*m));
    coord__v1__create_request__init(&m->create);
    coord__v1__set_request__init(&m->set);
    coord__v1__delete_request__init(&m->remove);
    coord__v1__get_request__init(&m->get);
    coord__v1__exists_request__init(&m->exists);
    coord__v1__children_request__init(&m->children);
    coord__v1__version__init(&m->version);
    coord__v1__txn_op__init(&m->op);
    m->version.value = step->version;
    Coord__V1__Version *version = step->version == MODEL_ANY_VERSION ? NULL : &m->version;
    ProtobufCBinaryData path = text(step->path);
    if (step->kind == MODEL_CREATE || step->kind == MODEL_SET) {
        cd_put_u64(data, step->value); /* the same in all steps of a transaction */
    }
    m->create.path = path;
    m->create.data = (ProtobufCBinaryData){.len = data_bytes, .data = data};
    m->create.sequential = step->sequential;
    m->create.if_absent = step->if_absent;
    m->set.path = path;
    m->set.data = m->create.data;
    m->set.if_version = version;
    m->remove.path = path;
    m->remove.if_version = version;
    m->remove.if_present = step->if_present;
    m->get.path = path;
    m->exists.path = path;
    m->children.path = path;
}

static void fill_op(struct step_message *m, enum model_kind kind)
{
    switch (kind) {
    case MODEL_CREATE:
        m->op.op_case = COORD__V1__TXN_OP__OP_CREATE;
        m->op.create = &m->create;
        break;
    case MODEL_SET:
        m->op.op_case = COORD__V1__TXN_OP__OP_SET;
        m->op.set = &m->set;
        break;
    case MODEL_DELETE:
        m->op.op_case = COORD__V1__TXN_OP__OP_DELETE;
        m->op.delete_ = &m->remove;
        break;
    case MODEL_GET:
        m->op.op_case = COORD__V1__TXN_OP__OP_GET;
        m->op.get = &m->get;
        break;
    case MODEL_EXISTS:
        m->op.op_case = COORD__V1__TXN_OP__OP_EXISTS;
        m->op.exists = &m->exists;
        break;
    case MODEL_CHILDREN:
    case MODEL_COUNT:
    case MODEL_INCREMENT:
    case MODEL_TXN:
        CD_UNREACHABLE();
    }
}

static void fill_single(Coord__V1__Request *request, struct step_message *m, enum model_kind kind)
{
    switch (kind) {
    case MODEL_CREATE:
        request->op_case = COORD__V1__REQUEST__OP_CREATE;
        request->create = &m->create;
        break;
    case MODEL_SET:
        request->op_case = COORD__V1__REQUEST__OP_SET;
        request->set = &m->set;
        break;
    case MODEL_DELETE:
        request->op_case = COORD__V1__REQUEST__OP_DELETE;
        request->delete_ = &m->remove;
        break;
    case MODEL_GET:
        request->op_case = COORD__V1__REQUEST__OP_GET;
        request->get = &m->get;
        break;
    case MODEL_EXISTS:
        request->op_case = COORD__V1__REQUEST__OP_EXISTS;
        request->exists = &m->exists;
        break;
    case MODEL_CHILDREN:
        request->op_case = COORD__V1__REQUEST__OP_CHILDREN;
        request->children = &m->children;
        break;
    case MODEL_COUNT:
    case MODEL_INCREMENT:
    case MODEL_TXN:
        CD_UNREACHABLE();
    }
}

struct txn_message {
    Coord__V1__TxnRequest txn;
    Coord__V1__Compare compare;
    Coord__V1__Compare *compares[1];
    struct step_message steps[2 * MODEL_STEPS_MAX];
    Coord__V1__TxnOp *then_ops[MODEL_STEPS_MAX];
    Coord__V1__TxnOp *else_ops[MODEL_STEPS_MAX];
};

static void fill_txn(struct txn_message *m, const struct model_command *command, uint8_t *data,
                     size_t data_bytes)
{
    coord__v1__txn_request__init(&m->txn);
    coord__v1__compare__init(&m->compare);
    if (command->compare.target != 0) {
        m->compare.path = text(command->compare.path);
        bool exists = command->compare.target == MODEL_COMPARE_EXISTS;
        m->compare.target_case =
            exists ? COORD__V1__COMPARE__TARGET_EXISTS : COORD__V1__COMPARE__TARGET_VERSION;
        if (exists) {
            m->compare.exists = command->compare.number != 0;
        } else {
            m->compare.version = command->compare.number;
        }
        m->compares[0] = &m->compare;
        m->txn.n_compares = 1;
        m->txn.compares = m->compares;
    }
    for (size_t i = 0; i < command->then_count; i++) {
        fill_step(&m->steps[i], &command->then_steps[i], data, data_bytes);
        fill_op(&m->steps[i], command->then_steps[i].kind);
        m->then_ops[i] = &m->steps[i].op;
    }
    for (size_t i = 0; i < command->else_count; i++) {
        struct step_message *step = &m->steps[MODEL_STEPS_MAX + i];
        fill_step(step, &command->else_steps[i], data, data_bytes);
        fill_op(step, command->else_steps[i].kind);
        m->else_ops[i] = &step->op;
    }
    m->txn.n_on_success = command->then_count;
    m->txn.on_success = m->then_ops;
    m->txn.n_on_failure = command->else_count;
    m->txn.on_failure = m->else_ops;
}

static struct cd_blob *pack_request(const struct frame_request *from)
{
    CD_ASSERT(from->data_bytes >= sizeof(uint64_t) && from->data_bytes <= FRAME_DATA_BYTES_MAX);
    uint8_t *data = cd_calloc(1, from->data_bytes);
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    struct step_message step;
    struct txn_message txn;
    request.wait_ms = from->wait_ms;
    if (from->command->is_txn) {
        fill_txn(&txn, from->command, data, from->data_bytes);
        request.op_case = COORD__V1__REQUEST__OP_TXN;
        request.txn = &txn.txn;
    } else {
        fill_step(&step, &from->command->then_steps[0], data, from->data_bytes);
        fill_single(&request, &step, from->command->then_steps[0].kind);
    }
    struct cd_blob *packed = pack(&request.base);
    cd_free(data);
    return packed;
}

struct cd_blob *frame_call(const struct frame_request *from)
{
    struct cd_blob *packed = pack_request(from);
    Coord__V1__CallRequest call = COORD__V1__CALL_REQUEST__INIT;
    call.request = coord__v1__request__unpack(NULL, packed->bytes, packed->data);
    CD_ASSERT(call.request != NULL);
    struct cd_blob *blob = pack(&call.base);
    coord__v1__request__free_unpacked(call.request, NULL);
    cd_blob_unref(packed);
    return blob;
}

int frame_call_code(const void *bytes, size_t bytes_count)
{
    Coord__V1__CallResponse *answer = coord__v1__call_response__unpack(NULL, bytes_count, bytes);
    int code = answer != NULL && answer->reply != NULL ? (int)answer->reply->code : -1;
    coord__v1__call_response__free_unpacked(answer, NULL);
    return code;
}

struct cd_blob *frame_init(uint32_t alpha)
{
    Coord__V1__InitRequest request = COORD__V1__INIT_REQUEST__INIT;
    request.alpha = alpha;
    return pack(&request.base);
}

struct cd_blob *frame_transfer(uint32_t node)
{
    Coord__V1__TransferLeadershipRequest request = COORD__V1__TRANSFER_LEADERSHIP_REQUEST__INIT;
    request.node_id = node;
    return pack(&request.base);
}

int frame_admin_code(const void *bytes, size_t bytes_count)
{
    /* Field 1 of every answer of Admin is its code. */
    Coord__V1__InitResponse *answer = coord__v1__init_response__unpack(NULL, bytes_count, bytes);
    int code = answer != NULL ? (int)answer->code : -1;
    coord__v1__init_response__free_unpacked(answer, NULL);
    return code;
}

/* ---- In the log ---- */

static uint64_t read_value(const ProtobufCBinaryData *data)
{
    return data->len >= sizeof(uint64_t) ? cd_get_u64(data->data) : 0;
}

static void read_text(const ProtobufCBinaryData *from, char *to)
{
    size_t bytes = from->len < MODEL_PATH_BYTES ? from->len : MODEL_PATH_BYTES - 1;
    if (bytes > 0) {
        memcpy(to, from->data, bytes);
    }
    memset(to + bytes, 0, MODEL_PATH_BYTES - bytes);
}

static int64_t to_version(const Coord__V1__Version *version)
{
    return version != NULL ? version->value : MODEL_ANY_VERSION;
}

static void log_create(struct model_step *step, const Coord__V1__CreateRequest *from)
{
    *step = (struct model_step){.kind = MODEL_CREATE,
                                .value = read_value(&from->data),
                                .version = MODEL_ANY_VERSION,
                                .sequential = from->sequential,
                                .if_absent = from->if_absent};
    read_text(&from->path, step->path);
}

static void log_set(struct model_step *step, const Coord__V1__SetRequest *from)
{
    *step = (struct model_step){.kind = MODEL_SET,
                                .value = read_value(&from->data),
                                .version = to_version(from->if_version)};
    read_text(&from->path, step->path);
}

static void log_delete(struct model_step *step, const Coord__V1__DeleteRequest *from)
{
    *step = (struct model_step){.kind = MODEL_DELETE,
                                .version = to_version(from->if_version),
                                .if_present = from->if_present};
    read_text(&from->path, step->path);
}

static bool log_steps(struct model_step *steps, size_t *ret_count, Coord__V1__TxnOp **ops,
                      size_t count)
{
    if (count > MODEL_STEPS_MAX) {
        return false;
    }
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        if (ops[i]->op_case == COORD__V1__TXN_OP__OP_CREATE) {
            log_create(&steps[i], ops[i]->create);
        } else if (ops[i]->op_case == COORD__V1__TXN_OP__OP_SET) {
            log_set(&steps[i], ops[i]->set);
        } else if (ops[i]->op_case == COORD__V1__TXN_OP__OP_DELETE) {
            log_delete(&steps[i], ops[i]->delete_);
        } else if (ops[i]->op_case == COORD__V1__TXN_OP__OP_GET) {
            steps[i] = (struct model_step){.kind = MODEL_GET, .version = MODEL_ANY_VERSION};
            read_text(&ops[i]->get->path, steps[i].path);
        } else {
            return false;
        }
    }
    return true;
}

static bool log_txn(struct model_command *command, const Coord__V1__TxnRequest *txn)
{
    command->is_txn = true;
    if (txn->n_compares > 1) {
        return false;
    }
    if (txn->n_compares == 1) {
        const Coord__V1__Compare *compare = txn->compares[0];
        bool exists = compare->target_case == COORD__V1__COMPARE__TARGET_EXISTS;
        command->compare.target = exists ? MODEL_COMPARE_EXISTS : MODEL_COMPARE_VERSION;
        command->compare.number = exists ? compare->exists : compare->version;
        read_text(&compare->path, command->compare.path);
    }
    return log_steps(command->then_steps, &command->then_count, txn->on_success,
                     txn->n_on_success) &&
           log_steps(command->else_steps, &command->else_count, txn->on_failure, txn->n_on_failure);
}

/* `ret_idle`: it says something to replicas and does nothing to the tree. */
static bool log_command(struct model_command *command, const ProtobufCBinaryData *bytes,
                        bool *ret_idle)
{
    Coord__Storage__V1__Command *from =
        coord__storage__v1__command__unpack(NULL, bytes->len, bytes->data);
    bool known = from != NULL;
    memset(command, 0, sizeof(*command));
    command->then_count = 1;
    if (!known) {
        return false;
    }
    *ret_idle = from->op_case == COORD__STORAGE__V1__COMMAND__OP_AGREE_DIGEST;
    if (from->op_case == COORD__STORAGE__V1__COMMAND__OP_CREATE) {
        log_create(&command->then_steps[0], from->create);
    } else if (from->op_case == COORD__STORAGE__V1__COMMAND__OP_SET) {
        log_set(&command->then_steps[0], from->set);
    } else if (from->op_case == COORD__STORAGE__V1__COMMAND__OP_DELETE) {
        log_delete(&command->then_steps[0], from->delete_);
    } else {
        known = *ret_idle || (from->op_case == COORD__STORAGE__V1__COMMAND__OP_TXN &&
                              log_txn(command, from->txn));
    }
    coord__storage__v1__command__free_unpacked(from, NULL);
    return known;
}

bool frame_read_batch(const void *bytes, size_t bytes_count,
                      void (*each)(void *context, const struct model_command *command),
                      void *context)
{
    Coord__Storage__V1__Batch *batch = coord__storage__v1__batch__unpack(NULL, bytes_count, bytes);
    if (batch == NULL) {
        return false;
    }
    bool known = true;
    for (size_t i = 0; i < batch->n_commands && known; i++) {
        struct model_command command;
        bool idle = false;
        known = log_command(&command, &batch->commands[i], &idle);
        if (known && !idle) {
            each(context, &command);
        }
    }
    coord__storage__v1__batch__free_unpacked(batch, NULL);
    return known;
}

/* ---- Between replicas ---- */

bool frame_forwards(const void *bytes, size_t bytes_count)
{
    Coord__Peer__V1__PeerFrame *frame =
        coord__peer__v1__peer_frame__unpack(NULL, bytes_count, bytes);
    bool found = false;
    for (size_t i = 0; frame != NULL && i < frame->n_messages; i++) {
        found = found ||
                frame->messages[i]->message_case == COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD;
    }
    coord__peer__v1__peer_frame__free_unpacked(frame, NULL);
    return found;
}

static bool make_forgetful(Coord__Peer__V1__Consensus *consensus)
{
    if (consensus->kind == COORD__PEER__V1__CONSENSUS_KIND__CONSENSUS_KIND_PROMISE &&
        consensus->granted) {
        consensus->chosen_slot = 0;
        consensus->first_slot = 1;
        return true;
    }
    if (consensus->kind == COORD__PEER__V1__CONSENSUS_KIND__CONSENSUS_KIND_PREVOTE_REPLY) {
        consensus->chosen_slot = 0;
        return true;
    }
    return false;
}

struct cd_blob *frame_make_forgetful(struct cd_blob *bytes)
{
    Coord__Peer__V1__PeerFrame *frame =
        coord__peer__v1__peer_frame__unpack(NULL, bytes->bytes, bytes->data);
    CD_ASSERT(frame != NULL);
    bool changed = false;
    for (size_t i = 0; i < frame->n_messages; i++) {
        Coord__Peer__V1__PeerMessage *message = frame->messages[i];
        if (message->message_case == COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS) {
            changed = make_forgetful(message->consensus) || changed;
        }
    }
    struct cd_blob *result = changed ? pack(&frame->base) : cd_blob_ref(bytes);
    coord__peer__v1__peer_frame__free_unpacked(frame, NULL);
    return result;
}
