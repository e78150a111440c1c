#include "codec_internal.h"

#include <string.h>

/* Operations to the bytes of a coord.v1.Request. The messages live in an arena while it is packed
 * and point to the caller's paths and data. */

/* `id` and `wait_ms` behind the other fields: their tags, and varints of 64 and 32 bits. */
enum { TAIL_BYTES = 1 + 10 + 1 + 5, ID_TAG = 1 << 3, WAIT_TAG = 6 << 3 };

struct builder {
    struct client_arena arena;
    bool no_memory;
};

/* A message of `bytes` bytes, or NULL with no_memory set. The caller initialises it. */
static void *take(struct builder *builder, size_t bytes)
{
    void *message = client_arena_get(&builder->arena, bytes);
    builder->no_memory = builder->no_memory || message == NULL;
    return message;
}

#define TAKE(builder, name, type, INIT)                                                            \
    type *name = take(builder, sizeof(*name));                                                     \
    if (name == NULL) {                                                                            \
        return NULL;                                                                               \
    }                                                                                              \
    *name = (type)INIT

static ProtobufCBinaryData text(const char *from)
{
    return codec_binary(from, strlen(from));
}

/* NULL for any version. */
static Coord__V1__Version *make_version(struct builder *builder, int64_t version)
{
    if (version == COORD_ANY_VERSION) {
        return NULL;
    }
    TAKE(builder, to, Coord__V1__Version, COORD__V1__VERSION__INIT);
    to->value = version;
    return to;
}

static Coord__V1__CreateRequest *make_create(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__CreateRequest, COORD__V1__CREATE_REQUEST__INIT);
    to->path = text(op->path);
    to->data = codec_binary(op->data, op->data_bytes);
    to->sequential = (op->flags & COORD_CREATE_SEQUENTIAL) != 0;
    to->parents = (op->flags & COORD_CREATE_PARENTS) != 0;
    to->if_absent = (op->flags & COORD_CREATE_IF_ABSENT) != 0;
    return to;
}

static Coord__V1__SetRequest *make_set(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__SetRequest, COORD__V1__SET_REQUEST__INIT);
    to->path = text(op->path);
    to->data = codec_binary(op->data, op->data_bytes);
    to->if_version = make_version(builder, op->version);
    return to;
}

static Coord__V1__DeleteRequest *make_delete(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__DeleteRequest, COORD__V1__DELETE_REQUEST__INIT);
    to->path = text(op->path);
    to->if_version = make_version(builder, op->version);
    to->recursive = (op->flags & COORD_DELETE_RECURSIVE) != 0;
    to->if_present = (op->flags & COORD_DELETE_IF_PRESENT) != 0;
    return to;
}

static Coord__V1__GetRequest *make_get(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__GetRequest, COORD__V1__GET_REQUEST__INIT);
    to->path = text(op->path);
    return to;
}

static Coord__V1__ExistsRequest *make_exists(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__ExistsRequest, COORD__V1__EXISTS_REQUEST__INIT);
    to->path = text(op->path);
    return to;
}

static Coord__V1__ChildrenRequest *make_children(struct builder *builder,
                                                 const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__ChildrenRequest, COORD__V1__CHILDREN_REQUEST__INIT);
    to->path = text(op->path);
    to->with_stat = (op->flags & COORD_CHILDREN_WITH_STAT) != 0;
    to->with_data = (op->flags & COORD_CHILDREN_WITH_DATA) != 0;
    to->limit = op->limit;
    to->cursor = codec_binary(op->cursor, op->cursor_bytes);
    return to;
}

static Coord__V1__CheckRequest *make_check(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__CheckRequest, COORD__V1__CHECK_REQUEST__INIT);
    to->path = text(op->path);
    to->if_version = make_version(builder, op->version);
    return to;
}

/* ---- Transactions ---- */

static Coord__V1__TxnOp *make_txn_op(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__TxnOp, COORD__V1__TXN_OP__INIT);
    switch (op->kind) {
    case CLIENT_OP_CREATE:
        to->op_case = COORD__V1__TXN_OP__OP_CREATE;
        to->create = make_create(builder, op);
        break;
    case CLIENT_OP_SET:
        to->op_case = COORD__V1__TXN_OP__OP_SET;
        to->set = make_set(builder, op);
        break;
    case CLIENT_OP_DELETE:
        to->op_case = COORD__V1__TXN_OP__OP_DELETE;
        to->delete_ = make_delete(builder, op);
        break;
    case CLIENT_OP_GET:
        to->op_case = COORD__V1__TXN_OP__OP_GET;
        to->get = make_get(builder, op);
        break;
    case CLIENT_OP_EXISTS:
        to->op_case = COORD__V1__TXN_OP__OP_EXISTS;
        to->exists = make_exists(builder, op);
        break;
    case CLIENT_OP_CHILDREN:
        to->op_case = COORD__V1__TXN_OP__OP_CHILDREN;
        to->children = make_children(builder, op);
        break;
    case CLIENT_OP_CHECK:
        to->op_case = COORD__V1__TXN_OP__OP_CHECK;
        to->check = make_check(builder, op);
        break;
    case CLIENT_OP_TXN:
        CD_UNREACHABLE();
    }
    return to;
}

static void compare_number(Coord__V1__Compare *to, const struct client_compare *compare)
{
    switch (compare->compared) {
    case COORD_IF_EXISTS:
        to->target_case = COORD__V1__COMPARE__TARGET_EXISTS;
        to->exists = compare->value != 0;
        break;
    case COORD_IF_VERSION:
        to->target_case = COORD__V1__COMPARE__TARGET_VERSION;
        to->version = (int64_t)compare->value;
        break;
    case COORD_IF_CVERSION:
        to->target_case = COORD__V1__COMPARE__TARGET_CVERSION;
        to->cversion = (int64_t)compare->value;
        break;
    case COORD_IF_AVERSION:
        to->target_case = COORD__V1__COMPARE__TARGET_AVERSION;
        to->aversion = (int64_t)compare->value;
        break;
    case COORD_IF_CZXID:
        to->target_case = COORD__V1__COMPARE__TARGET_CZXID;
        to->czxid = compare->value;
        break;
    case COORD_IF_MZXID:
        to->target_case = COORD__V1__COMPARE__TARGET_MZXID;
        to->mzxid = compare->value;
        break;
    case COORD_IF_PZXID:
        to->target_case = COORD__V1__COMPARE__TARGET_PZXID;
        to->pzxid = compare->value;
        break;
    case COORD_IF_NUM_CHILDREN:
        to->target_case = COORD__V1__COMPARE__TARGET_NUM_CHILDREN;
        to->num_children = (int64_t)compare->value;
        break;
    }
}

static Coord__V1__Compare *make_compare(struct builder *builder,
                                        const struct client_compare *compare)
{
    TAKE(builder, to, Coord__V1__Compare, COORD__V1__COMPARE__INIT);
    to->path = text(compare->path);
    to->relation = (Coord__V1__Relation)compare->relation;
    if (compare->of_data) {
        to->target_case = COORD__V1__COMPARE__TARGET_VALUE;
        to->value = codec_binary(compare->data, compare->data_bytes);
    } else {
        compare_number(to, compare);
    }
    return to;
}

static Coord__V1__TxnOp **make_branch(struct builder *builder, const struct coord_txn *txn,
                                      enum coord_branch branch)
{
    Coord__V1__TxnOp **list =
        client_arena_get_array(&builder->arena, txn->counts[branch], sizeof(Coord__V1__TxnOp *));
    if (list == NULL) {
        builder->no_memory = true;
        return NULL;
    }
    size_t i = 0;
    for (const struct client_op_node *node = txn->branches[branch]; node != NULL;
         node = node->next) {
        list[i++] = make_txn_op(builder, &node->op);
    }
    return list;
}

static Coord__V1__TxnRequest *make_txn(struct builder *builder, const struct coord_txn *txn)
{
    TAKE(builder, to, Coord__V1__TxnRequest, COORD__V1__TXN_REQUEST__INIT);
    to->compares =
        client_arena_get_array(&builder->arena, txn->compares_count, sizeof(Coord__V1__Compare *));
    if (to->compares == NULL) {
        builder->no_memory = true;
        return NULL;
    }
    for (const struct client_compare_node *node = txn->compares; node != NULL; node = node->next) {
        to->compares[to->n_compares++] = make_compare(builder, &node->compare);
    }
    to->on_success = make_branch(builder, txn, COORD_THEN);
    to->n_on_success = txn->counts[COORD_THEN];
    to->on_failure = make_branch(builder, txn, COORD_ELSE);
    to->n_on_failure = txn->counts[COORD_ELSE];
    return to;
}

/* ---- The request ---- */

static void fill_operation(struct builder *builder, Coord__V1__Request *to,
                           const struct client_op *op)
{
    switch (op->kind) {
    case CLIENT_OP_CREATE:
        to->op_case = COORD__V1__REQUEST__OP_CREATE;
        to->create = make_create(builder, op);
        break;
    case CLIENT_OP_SET:
        to->op_case = COORD__V1__REQUEST__OP_SET;
        to->set = make_set(builder, op);
        break;
    case CLIENT_OP_DELETE:
        to->op_case = COORD__V1__REQUEST__OP_DELETE;
        to->delete_ = make_delete(builder, op);
        break;
    case CLIENT_OP_TXN:
        to->op_case = COORD__V1__REQUEST__OP_TXN;
        to->txn = make_txn(builder, op->txn);
        break;
    case CLIENT_OP_GET:
        to->op_case = COORD__V1__REQUEST__OP_GET;
        to->get = make_get(builder, op);
        break;
    case CLIENT_OP_EXISTS:
        to->op_case = COORD__V1__REQUEST__OP_EXISTS;
        to->exists = make_exists(builder, op);
        break;
    case CLIENT_OP_CHILDREN:
        to->op_case = COORD__V1__REQUEST__OP_CHILDREN;
        to->children = make_children(builder, op);
        break;
    case CLIENT_OP_CHECK:
        CD_UNREACHABLE(); /* only within a transaction */
    }
}

/* Checks what a replica could not be asked, and says what it would not know the reason of. */
static enum coord_code check_call(const struct coord_call_options *call, struct coord_error *error)
{
    bool known = call->level == COORD_LINEARIZABLE || call->level == COORD_SESSION ||
                 call->level == COORD_AT_LEAST;
    if (!known) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "level: %d is none of enum coord_level", (int)call->level);
    }
    if ((call->level == COORD_AT_LEAST) != (call->at_least_zxid != 0)) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "level: COORD_AT_LEAST needs a zxid other than 0; set both with "
                                "coord_call_options_set_at_least");
    }
    return COORD_OK;
}

static enum coord_code pack_request(struct client_request *request, struct builder *builder,
                                    const Coord__V1__Request *message, struct coord_error *error)
{
    if (builder->no_memory) {
        return client_error_no_memory(error);
    }
    size_t bytes = protobuf_c_message_get_packed_size(&message->base);
    if (bytes > CLIENT_REQUEST_BYTES_MAX) {
        return client_error_set(error, COORD_TOO_LARGE,
                                "the request has %zu bytes; the limit of this library is %d", bytes,
                                (int)CLIENT_REQUEST_BYTES_MAX);
    }
    struct client_bytes packed;
    if (codec_pack(&message->base, TAIL_BYTES, &packed) != COORD_OK) {
        return client_error_no_memory(error);
    }
    request->bytes = packed.data;
    request->bytes_count = packed.count;
    request->tail_offset = packed.count;
    return COORD_OK;
}

enum coord_code client_codec_request_encode(struct client_request *request,
                                            const struct client_op *op,
                                            const struct coord_call_options *call,
                                            struct coord_error *error)
{
    Coord__V1__Request message = COORD__V1__REQUEST__INIT;
    request->is_write = client_op_is_write(op);
    request->kind = op->kind;
    if (call != NULL && !request->is_write) {
        enum coord_code code = check_call(call, error);
        if (code != COORD_OK) {
            return code;
        }
        message.level = (Coord__V1__ReadLevel)call->level;
        message.at_least_zxid = call->at_least_zxid;
    }
    struct builder builder = {.no_memory = false};
    client_arena_init(&builder.arena, SIZE_MAX);
    fill_operation(&builder, &message, op);
    enum coord_code code = pack_request(request, &builder, &message, error);
    client_arena_release(&builder.arena);
    return code;
}

static uint8_t *put_varint(uint8_t *to, uint8_t tag, uint64_t value)
{
    *to++ = tag;
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

void client_codec_request_address(struct client_request *request, uint32_t wait_ms)
{
    uint8_t *to = put_varint(request->bytes + request->tail_offset, ID_TAG, request->id);
    if (wait_ms != 0) {
        to = put_varint(to, WAIT_TAG, wait_ms);
    }
    request->bytes_count = (size_t)(to - request->bytes);
}
