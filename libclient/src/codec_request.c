#include "codec_internal.h"

#include <string.h>

/* Operations to the bytes of a coord.v1.Request. The messages live in an arena while it is packed
 * and point to the caller's paths and data. */

/* The fields that are written behind the others: numbers of Request, all varints. */
enum {
    ID_TAG = 1 << 3,
    SEQ_TAG = 2 << 3,
    AFTER_SEQ_TAG = 3 << 3,
    LEVEL_TAG = 4 << 3,
    AT_LEAST_TAG = 5 << 3,
    WAIT_TAG = 6 << 3,
};

struct builder {
    struct client_arena arena;
    bool no_memory;
    Coord__V1__CloseRequest close; /* these three have no fields */
    Coord__V1__SyncRequest sync;
    Coord__V1__WhoAmIRequest who_am_i;
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

/* NULL for none. */
static Coord__V1__Acl *make_acl(struct builder *builder, const struct coord_acl *from)
{
    if (from == NULL) {
        return NULL;
    }
    Coord__V1__Acl *to = codec_make_acl(&builder->arena, from);
    builder->no_memory = builder->no_memory || to == NULL;
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
    if ((op->flags & COORD_CREATE_EPHEMERAL) != 0) {
        to->kind = COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL;
    } else if ((op->flags & COORD_CREATE_CONTAINER) != 0) {
        to->kind = COORD__V1__NODE_KIND__NODE_KIND_CONTAINER;
    } else if (op->ttl_ms != 0) {
        to->kind = COORD__V1__NODE_KIND__NODE_KIND_TTL;
        to->ttl_ms = op->ttl_ms;
    }
    if ((op->flags & COORD_CREATE_CONTAINER_PARENTS) != 0) {
        to->parents_kind = COORD__V1__NODE_KIND__NODE_KIND_CONTAINER;
    }
    to->acl = make_acl(builder, op->acl);
    return to;
}

static Coord__V1__IncrementRequest *make_increment(struct builder *builder,
                                                   const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__IncrementRequest, COORD__V1__INCREMENT_REQUEST__INIT);
    to->path = text(op->path);
    to->delta = op->delta;
    to->if_version = make_version(builder, op->version);
    to->create = (op->flags & COORD_INCREMENT_CREATE) != 0;
    return to;
}

static Coord__V1__SetAclRequest *make_set_acl(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__SetAclRequest, COORD__V1__SET_ACL_REQUEST__INIT);
    to->path = text(op->path);
    to->acl = make_acl(builder, op->acl);
    to->if_aversion = make_version(builder, op->version);
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

static Coord__V1__ListRequest *make_list(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__ListRequest, COORD__V1__LIST_REQUEST__INIT);
    to->path = text(op->path);
    to->with_stat = (op->flags & COORD_LIST_WITH_STAT) != 0;
    to->with_data = (op->flags & COORD_LIST_WITH_DATA) != 0;
    to->limit = op->limit;
    to->cursor = codec_binary(op->cursor, op->cursor_bytes);
    to->depth = op->depth;
    return to;
}

static Coord__V1__CountRequest *make_count(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__CountRequest, COORD__V1__COUNT_REQUEST__INIT);
    to->path = text(op->path);
    return to;
}

static Coord__V1__GetAclRequest *make_get_acl(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__GetAclRequest, COORD__V1__GET_ACL_REQUEST__INIT);
    to->path = text(op->path);
    return to;
}

static Coord__V1__EphemeralsRequest *make_ephemerals(struct builder *builder,
                                                     const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__EphemeralsRequest, COORD__V1__EPHEMERALS_REQUEST__INIT);
    to->session_id = op->session;
    to->path = text(op->path);
    to->limit = op->limit;
    to->cursor = codec_binary(op->cursor, op->cursor_bytes);
    return to;
}

static Coord__V1__ChangedSinceRequest *make_changed_since(struct builder *builder,
                                                          const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__ChangedSinceRequest, COORD__V1__CHANGED_SINCE_REQUEST__INIT);
    to->path = text(op->path);
    to->zxid = op->zxid;
    to->with_data = (op->flags & COORD_CHANGED_WITH_DATA) != 0;
    to->limit = op->limit;
    to->cursor = codec_binary(op->cursor, op->cursor_bytes);
    return to;
}

static Coord__V1__OutcomeOfRequest *make_outcome_of(struct builder *builder,
                                                    const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__OutcomeOfRequest, COORD__V1__OUTCOME_OF_REQUEST__INIT);
    to->session_id = op->session;
    to->secret = codec_binary(op->secret, CLIENT_SECRET_BYTES);
    to->seq = op->seq;
    return to;
}

static Coord__V1__ForgetRequest *make_forget(struct builder *builder, const struct client_op *op)
{
    TAKE(builder, to, Coord__V1__ForgetRequest, COORD__V1__FORGET_REQUEST__INIT);
    to->reply_mark = op->seq;
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
    case CLIENT_OP_INCREMENT:
        to->op_case = COORD__V1__TXN_OP__OP_INCREMENT;
        to->increment = make_increment(builder, op);
        break;
    case CLIENT_OP_SET_ACL:
        to->op_case = COORD__V1__TXN_OP__OP_SET_ACL;
        to->set_acl = make_set_acl(builder, op);
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
    default:
        CD_UNREACHABLE(); /* no builder of transactions makes another */
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
    case COORD_IF_OWNER:
        to->target_case = COORD__V1__COMPARE__TARGET_OWNER;
        to->owner = compare->value;
        break;
    }
}

static Coord__V1__Compare *make_compare(struct builder *builder,
                                        const struct client_compare *compare)
{
    TAKE(builder, to, Coord__V1__Compare, COORD__V1__COMPARE__INIT);
    to->relation = (Coord__V1__Relation)compare->relation;
    if (compare->held.path != NULL) {
        to->target_case = COORD__V1__COMPARE__TARGET_HELD;
        to->held = codec_make_held(&builder->arena, &compare->held);
        builder->no_memory = builder->no_memory || to->held == NULL;
        return to;
    }
    to->path = text(compare->path);
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

static void fill_write(struct builder *builder, Coord__V1__Request *to, const struct client_op *op)
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
    case CLIENT_OP_INCREMENT:
        to->op_case = COORD__V1__REQUEST__OP_INCREMENT;
        to->increment = make_increment(builder, op);
        break;
    case CLIENT_OP_SET_ACL:
        to->op_case = COORD__V1__REQUEST__OP_SET_ACL;
        to->set_acl = make_set_acl(builder, op);
        break;
    case CLIENT_OP_FORGET:
        to->op_case = COORD__V1__REQUEST__OP_FORGET;
        to->forget = make_forget(builder, op);
        break;
    case CLIENT_OP_CLOSE:
        to->op_case = COORD__V1__REQUEST__OP_CLOSE;
        to->close = &builder->close;
        break;
    default:
        CD_UNREACHABLE();
    }
}

static void fill_read(struct builder *builder, Coord__V1__Request *to, const struct client_op *op)
{
    switch (op->kind) {
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
    case CLIENT_OP_LIST:
        to->op_case = COORD__V1__REQUEST__OP_LIST;
        to->list = make_list(builder, op);
        break;
    case CLIENT_OP_COUNT:
        to->op_case = COORD__V1__REQUEST__OP_COUNT;
        to->count = make_count(builder, op);
        break;
    case CLIENT_OP_GET_ACL:
        to->op_case = COORD__V1__REQUEST__OP_GET_ACL;
        to->get_acl = make_get_acl(builder, op);
        break;
    case CLIENT_OP_EPHEMERALS:
        to->op_case = COORD__V1__REQUEST__OP_EPHEMERALS;
        to->ephemerals = make_ephemerals(builder, op);
        break;
    case CLIENT_OP_CHANGED_SINCE:
        to->op_case = COORD__V1__REQUEST__OP_CHANGED_SINCE;
        to->changed_since = make_changed_since(builder, op);
        break;
    case CLIENT_OP_OUTCOME_OF:
        to->op_case = COORD__V1__REQUEST__OP_OUTCOME_OF;
        to->outcome_of = make_outcome_of(builder, op);
        break;
    default: /* CHECK only exists within a transaction, and watches are codec_watch.c's */
        CD_UNREACHABLE();
    }
}

static void fill_operation(struct builder *builder, Coord__V1__Request *to,
                           const struct client_op *op)
{
    if (op->kind == CLIENT_OP_TXN) {
        to->op_case = COORD__V1__REQUEST__OP_TXN;
        to->txn = make_txn(builder, op->txn);
    } else if (op->kind == CLIENT_OP_SYNC) {
        to->op_case = COORD__V1__REQUEST__OP_SYNC;
        to->sync = &builder->sync;
    } else if (op->kind == CLIENT_OP_WHO_AM_I) {
        to->op_case = COORD__V1__REQUEST__OP_WHO_AM_I;
        to->who_am_i = &builder->who_am_i;
    } else if (client_op_is_write(op)) {
        fill_write(builder, to, op);
    } else {
        fill_read(builder, to, op);
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
    if (codec_pack(&message->base, CODEC_TAIL_BYTES, &packed) != COORD_OK) {
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
    request->level = COORD_LINEARIZABLE;
    request->at_least_zxid = 0;
    if (call != NULL && !request->is_write) {
        enum coord_code code = check_call(call, error);
        if (code != COORD_OK) {
            return code;
        }
        request->level = call->level;
        request->at_least_zxid = call->at_least_zxid;
    }
    struct builder builder = {.close = COORD__V1__CLOSE_REQUEST__INIT,
                              .sync = COORD__V1__SYNC_REQUEST__INIT,
                              .who_am_i = COORD__V1__WHO_AM_IREQUEST__INIT};
    client_arena_init(&builder.arena, SIZE_MAX);
    if (call != NULL && request->is_write && call->held.path != NULL) {
        message.if_held = codec_make_held(&builder.arena, &call->held);
        builder.no_memory = message.if_held == NULL;
    }
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

size_t client_codec_address(uint8_t *bytes, size_t tail_offset,
                            const struct client_address *address)
{
    uint8_t *to = put_varint(bytes + tail_offset, ID_TAG, address->id);
    if (address->seq != 0) {
        to = put_varint(to, SEQ_TAG, address->seq);
    }
    if (address->after_seq != 0) {
        to = put_varint(to, AFTER_SEQ_TAG, address->after_seq);
    }
    if (address->level != COORD_LINEARIZABLE) {
        to = put_varint(to, LEVEL_TAG, (uint64_t)address->level); /* the numbers are equal */
    }
    if (address->at_least_zxid != 0) {
        to = put_varint(to, AT_LEAST_TAG, address->at_least_zxid);
    }
    if (address->wait_ms != 0) {
        to = put_varint(to, WAIT_TAG, address->wait_ms);
    }
    return (size_t)(to - bytes);
}
