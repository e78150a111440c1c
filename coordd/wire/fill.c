#include "base/assert.h"
#include "wire/internal.h"

/*
 * Operations of fsm as operations of coord.v1: the other way of operations.c. Every operation that
 * goes out has its messages side by side in one struct, so that a list takes one allocation.
 *
 * What is filled in here from equal operations packs to equal bytes: wire_request_hash rests on it.
 */

/* Room for any operation inside a transaction. */
struct op_messages {
    Coord__V1__TxnOp op;
    Coord__V1__Version version;
    union {
        Coord__V1__CreateRequest create;
        Coord__V1__SetRequest set;
        Coord__V1__DeleteRequest remove;
        Coord__V1__IncrementRequest increment;
        Coord__V1__SetAclRequest set_acl;
        Coord__V1__CheckRequest check;
        Coord__V1__GetRequest get;
        Coord__V1__ExistsRequest exists;
        Coord__V1__ChildrenRequest children;
    };
};

/* NULL for any version. */
static Coord__V1__Version *fill_version(Coord__V1__Version *ret_message, int64_t version)
{
    if (version == FSM_ANY_VERSION) {
        return NULL;
    }
    coord__v1__version__init(ret_message);
    ret_message->value = version;
    return ret_message;
}

/* What could not be decoded again must never be encoded. */
static enum cd_status count_details(struct wire_filler *filler, size_t count)
{
    if (count > WIRE_DETAILS_MAX - filler->details) {
        return CD_TOO_LARGE;
    }
    filler->details += count;
    return CD_OK;
}

enum cd_status wire_fill_acl(struct wire_filler *filler, Coord__V1__Acl **ret_message,
                             const struct fsm_acl_entries *acl)
{
    if (count_details(filler, acl->count) != CD_OK) {
        return CD_TOO_LARGE;
    }
    Coord__V1__Acl *message = wire_arena_get(filler->arena, sizeof(*message));
    Coord__V1__AclEntry *entries =
        wire_arena_get_array(filler->arena, acl->count, sizeof(*entries));
    Coord__V1__AclEntry **pointers =
        wire_arena_get_array(filler->arena, acl->count, sizeof(*pointers));
    if (message == NULL || entries == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < acl->count; i++) {
        coord__v1__acl_entry__init(&entries[i]);
        entries[i].permissions = acl->entries[i].permissions;
        entries[i].scheme = wire_binary_text(wire_scheme_text(acl->entries[i].scheme));
        entries[i].id = wire_binary_of(acl->entries[i].id);
        pointers[i] = &entries[i];
    }
    coord__v1__acl__init(message);
    message->entries = pointers;
    message->n_entries = acl->count;
    *ret_message = message;
    return CD_OK;
}

enum cd_status wire_fill_held(struct wire_filler *filler, Coord__V1__Held **ret_message,
                              const struct fsm_held *held)
{
    if (count_details(filler, held->prefixes_count) != CD_OK) {
        return CD_TOO_LARGE;
    }
    Coord__V1__Held *message = wire_arena_get(filler->arena, sizeof(*message));
    ProtobufCBinaryData *prefixes =
        wire_arena_get_array(filler->arena, held->prefixes_count, sizeof(*prefixes));
    if (message == NULL || prefixes == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < held->prefixes_count; i++) {
        prefixes[i] = wire_binary_of(held->prefixes[i]);
    }
    coord__v1__held__init(message);
    message->path = wire_binary_of(held->path);
    message->fence = held->fence;
    message->n = held->n;
    message->prefixes = prefixes;
    message->n_prefixes = held->prefixes_count;
    *ret_message = message;
    return CD_OK;
}

/* ---- Single operations ---- */

static enum cd_status fill_create(struct wire_filler *filler, struct op_messages *ret_messages,
                                  const struct fsm_op_create *create)
{
    Coord__V1__CreateRequest *message = &ret_messages->create;
    coord__v1__create_request__init(message);
    message->path = wire_binary_of(create->path);
    message->data = wire_binary_of(create->data);
    message->kind = (Coord__V1__NodeKind)create->kind; /* the numbers are equal */
    message->sequential = create->sequential;
    message->ttl_ms = create->ttl_ms;
    message->parents = create->make_parents;
    message->parents_kind = (Coord__V1__NodeKind)create->parents_kind;
    message->if_absent = create->if_absent;
    return create->has_acl ? wire_fill_acl(filler, &message->acl, &create->acl) : CD_OK;
}

static void fill_set(struct op_messages *ret_messages, const struct fsm_op_set *set)
{
    Coord__V1__SetRequest *message = &ret_messages->set;
    coord__v1__set_request__init(message);
    message->path = wire_binary_of(set->path);
    message->data = wire_binary_of(set->data);
    message->if_version = fill_version(&ret_messages->version, set->version);
}

static void fill_delete(struct op_messages *ret_messages, const struct fsm_op_delete *remove)
{
    Coord__V1__DeleteRequest *message = &ret_messages->remove;
    coord__v1__delete_request__init(message);
    message->path = wire_binary_of(remove->path);
    message->if_version = fill_version(&ret_messages->version, remove->version);
    message->recursive = remove->recursive;
    message->if_present = remove->if_present;
}

static void fill_increment(struct op_messages *ret_messages,
                           const struct fsm_op_increment *increment)
{
    Coord__V1__IncrementRequest *message = &ret_messages->increment;
    coord__v1__increment_request__init(message);
    message->path = wire_binary_of(increment->path);
    message->delta = increment->delta;
    message->if_version = fill_version(&ret_messages->version, increment->version);
    message->create = increment->create;
}

static enum cd_status fill_set_acl(struct wire_filler *filler, struct op_messages *ret_messages,
                                   const struct fsm_op_set_acl *set_acl)
{
    Coord__V1__SetAclRequest *message = &ret_messages->set_acl;
    coord__v1__set_acl_request__init(message);
    message->path = wire_binary_of(set_acl->path);
    message->if_aversion = fill_version(&ret_messages->version, set_acl->aversion);
    return set_acl->has_acl ? wire_fill_acl(filler, &message->acl, &set_acl->acl) : CD_OK;
}

static void fill_check(struct op_messages *ret_messages, const struct fsm_op_check *check)
{
    Coord__V1__CheckRequest *message = &ret_messages->check;
    coord__v1__check_request__init(message);
    message->path = wire_binary_of(check->path);
    message->if_version = fill_version(&ret_messages->version, check->version);
}

static void fill_children(struct op_messages *ret_messages, const struct fsm_op_children *children)
{
    Coord__V1__ChildrenRequest *message = &ret_messages->children;
    coord__v1__children_request__init(message);
    message->path = wire_binary_of(children->path);
    message->with_stat = children->with_stat;
    message->with_data = children->with_data;
    message->limit = children->limit;
    message->start_after = wire_binary_of(children->after);
}

/* ---- Transactions ---- */

static void fill_txn_read(struct op_messages *ret_messages, const struct fsm_op *op)
{
    Coord__V1__TxnOp *message = &ret_messages->op;
    if (op->kind == FSM_OP_GET) {
        coord__v1__get_request__init(&ret_messages->get);
        ret_messages->get.path = wire_binary_of(op->read.path);
        message->op_case = COORD__V1__TXN_OP__OP_GET;
        message->get = &ret_messages->get;
    } else {
        coord__v1__exists_request__init(&ret_messages->exists);
        ret_messages->exists.path = wire_binary_of(op->read.path);
        message->op_case = COORD__V1__TXN_OP__OP_EXISTS;
        message->exists = &ret_messages->exists;
    }
}

static enum cd_status fill_txn_op(struct wire_filler *filler, struct op_messages *ret_messages,
                                  const struct fsm_op *op)
{
    Coord__V1__TxnOp *message = &ret_messages->op;
    coord__v1__txn_op__init(message);
    switch (op->kind) {
    case FSM_OP_CREATE:
        message->op_case = COORD__V1__TXN_OP__OP_CREATE;
        message->create = &ret_messages->create;
        return fill_create(filler, ret_messages, &op->create);
    case FSM_OP_SET:
        fill_set(ret_messages, &op->set);
        message->op_case = COORD__V1__TXN_OP__OP_SET;
        message->set = &ret_messages->set;
        return CD_OK;
    case FSM_OP_DELETE:
        fill_delete(ret_messages, &op->remove);
        message->op_case = COORD__V1__TXN_OP__OP_DELETE;
        message->delete_ = &ret_messages->remove;
        return CD_OK;
    case FSM_OP_INCREMENT:
        fill_increment(ret_messages, &op->increment);
        message->op_case = COORD__V1__TXN_OP__OP_INCREMENT;
        message->increment = &ret_messages->increment;
        return CD_OK;
    case FSM_OP_SET_ACL:
        message->op_case = COORD__V1__TXN_OP__OP_SET_ACL;
        message->set_acl = &ret_messages->set_acl;
        return fill_set_acl(filler, ret_messages, &op->set_acl);
    case FSM_OP_CHECK:
        fill_check(ret_messages, &op->check);
        message->op_case = COORD__V1__TXN_OP__OP_CHECK;
        message->check = &ret_messages->check;
        return CD_OK;
    case FSM_OP_CHILDREN:
        fill_children(ret_messages, &op->children);
        message->op_case = COORD__V1__TXN_OP__OP_CHILDREN;
        message->children = &ret_messages->children;
        return CD_OK;
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        fill_txn_read(ret_messages, op);
        return CD_OK;
    default:
        CD_UNREACHABLE(); /* a transaction holds no other */
    }
}

static enum cd_status fill_ops(struct wire_filler *filler, Coord__V1__TxnOp ***ret_pointers,
                               const struct fsm_op *ops, size_t count)
{
    if (count > WIRE_TXN_OPS_MAX) {
        return CD_TOO_LARGE;
    }
    struct op_messages *messages = wire_arena_get_array(filler->arena, count, sizeof(*messages));
    Coord__V1__TxnOp **pointers = wire_arena_get_array(filler->arena, count, sizeof(*pointers));
    if (messages == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_txn_op(filler, &messages[i], &ops[i]) != CD_OK) {
            return CD_TOO_LARGE;
        }
        pointers[i] = &messages[i].op;
    }
    *ret_pointers = pointers;
    return CD_OK;
}

static Coord__V1__Relation relation_of(enum fsm_relation relation)
{
    switch (relation) {
    case FSM_EQUAL:
        return COORD__V1__RELATION__RELATION_EQUAL;
    case FSM_NOT_EQUAL:
        return COORD__V1__RELATION__RELATION_NOT_EQUAL;
    case FSM_LESS:
        return COORD__V1__RELATION__RELATION_LESS;
    case FSM_GREATER:
        return COORD__V1__RELATION__RELATION_GREATER;
    }
    CD_UNREACHABLE();
}

static enum cd_status fill_compare(struct wire_filler *filler, Coord__V1__Compare *ret_message,
                                   const struct fsm_compare *compare)
{
    coord__v1__compare__init(ret_message);
    ret_message->path = wire_binary_of(compare->path);
    ret_message->relation = relation_of(compare->relation);
    switch (compare->target) {
    case FSM_COMPARE_EXISTS:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_EXISTS;
        ret_message->exists = compare->number != 0;
        return CD_OK;
    case FSM_COMPARE_VERSION:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_VERSION;
        ret_message->version = (int64_t)compare->number;
        return CD_OK;
    case FSM_COMPARE_CVERSION:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_CVERSION;
        ret_message->cversion = (int64_t)compare->number;
        return CD_OK;
    case FSM_COMPARE_CHILDREN:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_NUM_CHILDREN;
        ret_message->num_children = (int64_t)compare->number;
        return CD_OK;
    case FSM_COMPARE_CZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_CZXID;
        ret_message->czxid = compare->number;
        return CD_OK;
    case FSM_COMPARE_MZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_MZXID;
        ret_message->mzxid = compare->number;
        return CD_OK;
    case FSM_COMPARE_PZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_PZXID;
        ret_message->pzxid = compare->number;
        return CD_OK;
    case FSM_COMPARE_VALUE:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_VALUE;
        ret_message->value = wire_binary_of(compare->value);
        return CD_OK;
    case FSM_COMPARE_OWNER:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_OWNER;
        ret_message->owner = compare->number;
        return CD_OK;
    case FSM_COMPARE_AVERSION:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_AVERSION;
        ret_message->aversion = (int64_t)compare->number;
        return CD_OK;
    case FSM_COMPARE_HELD:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_HELD;
        return wire_fill_held(filler, &ret_message->held, compare->held);
    }
    CD_UNREACHABLE();
}

static enum cd_status fill_compares(struct wire_filler *filler, Coord__V1__TxnRequest *message,
                                    const struct fsm_op_txn *txn)
{
    size_t count = txn->compares_count;
    if (count > WIRE_TXN_COMPARES_MAX) {
        return CD_TOO_LARGE;
    }
    Coord__V1__Compare *compares = wire_arena_get_array(filler->arena, count, sizeof(*compares));
    Coord__V1__Compare **pointers = wire_arena_get_array(filler->arena, count, sizeof(*pointers));
    if (compares == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_compare(filler, &compares[i], &txn->compares[i]) != CD_OK) {
            return CD_TOO_LARGE;
        }
        pointers[i] = &compares[i];
    }
    message->compares = pointers;
    message->n_compares = count;
    return CD_OK;
}

static enum cd_status fill_txn(struct wire_filler *filler, Coord__V1__TxnRequest *ret_message,
                               const struct fsm_op_txn *txn)
{
    coord__v1__txn_request__init(ret_message);
    enum cd_status status = fill_compares(filler, ret_message, txn);
    if (status == CD_OK) {
        status = fill_ops(filler, &ret_message->on_success, txn->then_ops, txn->then_count);
    }
    if (status == CD_OK) {
        status = fill_ops(filler, &ret_message->on_failure, txn->else_ops, txn->else_count);
    }
    ret_message->n_on_success = txn->then_count;
    ret_message->n_on_failure = txn->else_count;
    return status;
}

enum cd_status wire_fill_op(struct wire_filler *filler, Coord__Storage__V1__Command *ret_command,
                            const struct fsm_op *op)
{
    if (op->kind == FSM_OP_TXN) {
        Coord__V1__TxnRequest *txn = wire_arena_get(filler->arena, sizeof(*txn));
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_TXN;
        ret_command->txn = txn;
        return txn == NULL ? CD_TOO_LARGE : fill_txn(filler, txn, &op->txn);
    }
    struct op_messages *messages = wire_arena_get(filler->arena, sizeof(*messages));
    if (messages == NULL) {
        return CD_TOO_LARGE;
    }
    switch (op->kind) {
    case FSM_OP_CREATE:
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_CREATE;
        ret_command->create = &messages->create;
        return fill_create(filler, messages, &op->create);
    case FSM_OP_SET:
        fill_set(messages, &op->set);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_SET;
        ret_command->set = &messages->set;
        return CD_OK;
    case FSM_OP_DELETE:
        fill_delete(messages, &op->remove);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_DELETE;
        ret_command->delete_ = &messages->remove;
        return CD_OK;
    case FSM_OP_INCREMENT:
        fill_increment(messages, &op->increment);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_INCREMENT;
        ret_command->increment = &messages->increment;
        return CD_OK;
    case FSM_OP_SET_ACL:
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_SET_ACL;
        ret_command->set_acl = &messages->set_acl;
        return fill_set_acl(filler, messages, &op->set_acl);
    default:
        CD_UNREACHABLE(); /* only inside a transaction, or about a session (command.c) */
    }
}
