#include "base/assert.h"
#include "wire/internal.h"

/*
 * Operations of fsm as operations of coord.v1: the other way of operations.c. Every operation that
 * goes out has its messages side by side in one struct, so that a list takes one allocation.
 */

/* Room for any operation inside a transaction. */
struct op_messages {
    Coord__V1__TxnOp op;
    Coord__V1__Version version;
    union {
        Coord__V1__CreateRequest create;
        Coord__V1__SetRequest set;
        Coord__V1__DeleteRequest remove;
        Coord__V1__CheckRequest check;
        Coord__V1__GetRequest get;
        Coord__V1__ExistsRequest exists;
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

static void fill_create(struct op_messages *ret_messages, const struct fsm_op_create *create)
{
    Coord__V1__CreateRequest *message = &ret_messages->create;
    coord__v1__create_request__init(message);
    message->path = wire_binary_of(create->path);
    message->data = wire_binary_of(create->data);
    message->kind = (Coord__V1__NodeKind)create->kind; /* the numbers are equal */
    message->sequential = create->sequential;
    message->parents = create->make_parents;
    message->if_absent = create->if_absent;
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

static void fill_check(struct op_messages *ret_messages, const struct fsm_op_check *check)
{
    Coord__V1__CheckRequest *message = &ret_messages->check;
    coord__v1__check_request__init(message);
    message->path = wire_binary_of(check->path);
    message->if_version = fill_version(&ret_messages->version, check->version);
}

static void fill_txn_op(struct op_messages *ret_messages, const struct fsm_op *op)
{
    Coord__V1__TxnOp *message = &ret_messages->op;
    coord__v1__txn_op__init(message);
    switch (op->kind) {
    case FSM_OP_CREATE:
        fill_create(ret_messages, &op->create);
        message->op_case = COORD__V1__TXN_OP__OP_CREATE;
        message->create = &ret_messages->create;
        return;
    case FSM_OP_SET:
        fill_set(ret_messages, &op->set);
        message->op_case = COORD__V1__TXN_OP__OP_SET;
        message->set = &ret_messages->set;
        return;
    case FSM_OP_DELETE:
        fill_delete(ret_messages, &op->remove);
        message->op_case = COORD__V1__TXN_OP__OP_DELETE;
        message->delete_ = &ret_messages->remove;
        return;
    case FSM_OP_CHECK:
        fill_check(ret_messages, &op->check);
        message->op_case = COORD__V1__TXN_OP__OP_CHECK;
        message->check = &ret_messages->check;
        return;
    case FSM_OP_GET:
        coord__v1__get_request__init(&ret_messages->get);
        ret_messages->get.path = wire_binary_of(op->read.path);
        message->op_case = COORD__V1__TXN_OP__OP_GET;
        message->get = &ret_messages->get;
        return;
    case FSM_OP_EXISTS:
        coord__v1__exists_request__init(&ret_messages->exists);
        ret_messages->exists.path = wire_binary_of(op->read.path);
        message->op_case = COORD__V1__TXN_OP__OP_EXISTS;
        message->exists = &ret_messages->exists;
        return;
    case FSM_OP_TXN:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
        break;
    }
    CD_UNREACHABLE(); /* a transaction holds no other */
}

/* NULL if the arena is full. */
static Coord__V1__TxnOp **fill_ops(struct wire_arena *arena, const struct fsm_op *ops, size_t count)
{
    struct op_messages *messages = wire_arena_get_array(arena, count, sizeof(*messages));
    Coord__V1__TxnOp **pointers = wire_arena_get_array(arena, count, sizeof(*pointers));
    if (messages == NULL || pointers == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        fill_txn_op(&messages[i], &ops[i]);
        pointers[i] = &messages[i].op;
    }
    return pointers;
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

static void fill_compare(Coord__V1__Compare *ret_message, const struct fsm_compare *compare)
{
    coord__v1__compare__init(ret_message);
    ret_message->path = wire_binary_of(compare->path);
    ret_message->relation = relation_of(compare->relation);
    switch (compare->target) {
    case FSM_COMPARE_EXISTS:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_EXISTS;
        ret_message->exists = compare->number != 0;
        return;
    case FSM_COMPARE_VERSION:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_VERSION;
        ret_message->version = (int64_t)compare->number;
        return;
    case FSM_COMPARE_CVERSION:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_CVERSION;
        ret_message->cversion = (int64_t)compare->number;
        return;
    case FSM_COMPARE_CHILDREN:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_NUM_CHILDREN;
        ret_message->num_children = (int64_t)compare->number;
        return;
    case FSM_COMPARE_CZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_CZXID;
        ret_message->czxid = compare->number;
        return;
    case FSM_COMPARE_MZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_MZXID;
        ret_message->mzxid = compare->number;
        return;
    case FSM_COMPARE_PZXID:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_PZXID;
        ret_message->pzxid = compare->number;
        return;
    case FSM_COMPARE_VALUE:
        ret_message->target_case = COORD__V1__COMPARE__TARGET_VALUE;
        ret_message->value = wire_binary_of(compare->value);
        return;
    case FSM_COMPARE_OWNER:
    case FSM_COMPARE_AVERSION:
    case FSM_COMPARE_HELD:
        break;
    }
    CD_UNREACHABLE(); /* never decoded, so nobody has one */
}

static enum cd_status fill_txn(struct wire_arena *arena, Coord__V1__TxnRequest *ret_message,
                               const struct fsm_op_txn *txn)
{
    Coord__V1__Compare *compares =
        wire_arena_get_array(arena, txn->compares_count, sizeof(*compares));
    Coord__V1__Compare **pointers =
        wire_arena_get_array(arena, txn->compares_count, sizeof(*pointers));
    Coord__V1__TxnOp **then_ops = fill_ops(arena, txn->then_ops, txn->then_count);
    Coord__V1__TxnOp **else_ops = fill_ops(arena, txn->else_ops, txn->else_count);
    if (compares == NULL || pointers == NULL || then_ops == NULL || else_ops == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < txn->compares_count; i++) {
        fill_compare(&compares[i], &txn->compares[i]);
        pointers[i] = &compares[i];
    }
    coord__v1__txn_request__init(ret_message);
    ret_message->compares = pointers;
    ret_message->n_compares = txn->compares_count;
    ret_message->on_success = then_ops;
    ret_message->n_on_success = txn->then_count;
    ret_message->on_failure = else_ops;
    ret_message->n_on_failure = txn->else_count;
    return CD_OK;
}

enum cd_status wire_fill_op(struct wire_arena *arena, Coord__Storage__V1__Command *ret_command,
                            const struct fsm_op *op)
{
    if (op->kind == FSM_OP_TXN) {
        Coord__V1__TxnRequest *txn = wire_arena_get(arena, sizeof(*txn));
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_TXN;
        ret_command->txn = txn;
        return txn == NULL ? CD_TOO_LARGE : fill_txn(arena, txn, &op->txn);
    }
    struct op_messages *messages = wire_arena_get(arena, sizeof(*messages));
    if (messages == NULL) {
        return CD_TOO_LARGE;
    }
    switch (op->kind) {
    case FSM_OP_CREATE:
        fill_create(messages, &op->create);
        ret_command->op_case = COORD__STORAGE__V1__COMMAND__OP_CREATE;
        ret_command->create = &messages->create;
        return CD_OK;
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
    case FSM_OP_TXN:
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
        break;
    }
    CD_UNREACHABLE(); /* only inside a transaction */
}
