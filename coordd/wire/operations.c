#include "wire/internal.h"

#include "wire/client.h"

/*
 * Operations of coord.v1 as operations of fsm, and back. What fsm does not serve yet is refused
 * here with CD_UNIMPLEMENTED by its name: a field that were dropped would change a request's
 * meaning.
 */

/* Limits of number that hold before fsm's own; they bound what is decoded at all. */
static enum cd_status check_count(size_t count, size_t limit, const char *what,
                                  struct cd_error *error)
{
    if (count > limit) {
        return cd_error_set(error, CD_TOO_MANY, "%zu %s; the limit is %zu", count, what, limit);
    }
    return CD_OK;
}

static enum cd_status take_version(int64_t *ret_version, const Coord__V1__Version *from,
                                   struct cd_error *error)
{
    if (from != NULL && from->value < 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "if_version: %lld; a version is 0 or more, and left out it is any",
                            (long long)from->value);
    }
    *ret_version = from == NULL ? FSM_ANY_VERSION : from->value;
    return CD_OK;
}

static enum cd_status check_kind(Coord__V1__NodeKind kind, const char *field,
                                 struct cd_error *error)
{
    if (kind != COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT) {
        return cd_error_set(error, CD_UNIMPLEMENTED,
                            "%s: kind %d; this server knows persistent nodes (0) alone", field,
                            (int)kind);
    }
    return CD_OK;
}

enum cd_status wire_take_create(struct fsm_op *ret_op, const Coord__V1__CreateRequest *from,
                                struct cd_error *error)
{
    struct fsm_op_create *create = &ret_op->create;
    ret_op->kind = FSM_OP_CREATE;
    enum cd_status status = wire_text(&create->path, from->path, "path", error);
    if (status == CD_OK) {
        status = check_kind(from->kind, "kind", error);
    }
    if (status == CD_OK) {
        status = check_kind(from->parents_kind, "parents_kind", error);
    }
    if (status == CD_OK && from->ttl_ms != 0) {
        status = cd_error_set(error, CD_INVALID_ARGUMENT, "ttl_ms: only a TTL node has one");
    }
    if (status == CD_OK && from->acl != NULL) {
        status = cd_error_set(error, CD_UNIMPLEMENTED, "acl: this server knows no ACLs");
    }
    create->data = wire_bytes(from->data);
    create->kind = FSM_PERSISTENT;
    create->sequential = from->sequential;
    create->make_parents = from->parents;
    create->if_absent = from->if_absent;
    return status;
}

enum cd_status wire_take_set(struct fsm_op *ret_op, const Coord__V1__SetRequest *from,
                             struct cd_error *error)
{
    struct fsm_op_set *set = &ret_op->set;
    ret_op->kind = FSM_OP_SET;
    set->data = wire_bytes(from->data);
    enum cd_status status = wire_text(&set->path, from->path, "path", error);
    return status != CD_OK ? status : take_version(&set->version, from->if_version, error);
}

enum cd_status wire_take_delete(struct fsm_op *ret_op, const Coord__V1__DeleteRequest *from,
                                struct cd_error *error)
{
    struct fsm_op_delete *remove = &ret_op->remove;
    ret_op->kind = FSM_OP_DELETE;
    remove->recursive = from->recursive;
    remove->if_present = from->if_present;
    enum cd_status status = wire_text(&remove->path, from->path, "path", error);
    return status != CD_OK ? status : take_version(&remove->version, from->if_version, error);
}

static enum cd_status take_check(struct fsm_op *ret_op, const Coord__V1__CheckRequest *from,
                                 struct cd_error *error)
{
    ret_op->kind = FSM_OP_CHECK;
    enum cd_status status = wire_text(&ret_op->check.path, from->path, "path", error);
    return status != CD_OK ? status : take_version(&ret_op->check.version, from->if_version, error);
}

static enum cd_status take_read(struct fsm_op *ret_op, enum fsm_op_kind kind,
                                ProtobufCBinaryData path, struct cd_error *error)
{
    ret_op->kind = kind;
    return wire_text(&ret_op->read.path, path, "path", error);
}

enum cd_status wire_unserved(const ProtobufCMessage *message, unsigned op_case,
                             struct cd_error *error)
{
    const ProtobufCFieldDescriptor *field =
        op_case == 0 ? NULL : protobuf_c_message_descriptor_get_field(message->descriptor, op_case);
    if (field != NULL) {
        return cd_error_set(error, CD_UNIMPLEMENTED, "this server does not serve the operation %s",
                            field->name);
    }
    if (message->n_unknown_fields > 0) {
        return cd_error_set(error, CD_UNIMPLEMENTED,
                            "this server does not know the operation in field %u",
                            (unsigned)message->unknown_fields[0].tag);
    }
    return cd_error_set(error, CD_INVALID_ARGUMENT, "no operation is set");
}

static enum cd_status take_txn_op(struct fsm_op *ret_op, const Coord__V1__TxnOp *from,
                                  struct cd_error *error)
{
    switch (from->op_case) {
    case COORD__V1__TXN_OP__OP_CREATE:
        return wire_take_create(ret_op, from->create, error);
    case COORD__V1__TXN_OP__OP_SET:
        return wire_take_set(ret_op, from->set, error);
    case COORD__V1__TXN_OP__OP_DELETE:
        return wire_take_delete(ret_op, from->delete_, error);
    case COORD__V1__TXN_OP__OP_CHECK:
        return take_check(ret_op, from->check, error);
    case COORD__V1__TXN_OP__OP_GET:
        return take_read(ret_op, FSM_OP_GET, from->get->path, error);
    case COORD__V1__TXN_OP__OP_EXISTS:
        return take_read(ret_op, FSM_OP_EXISTS, from->exists->path, error);
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, error);
    }
}

static enum cd_status take_ops(struct wire_arena *arena, const struct fsm_op **ret_ops,
                               size_t *ret_count, Coord__V1__TxnOp *const *from, size_t count,
                               const char *list, struct cd_error *error)
{
    enum cd_status status = check_count(count, WIRE_TXN_OPS_MAX, list, error);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_op *ops = wire_arena_get_array(arena, count, sizeof(*ops));
    if (ops == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        status = take_txn_op(&ops[i], from[i], error);
        if (status != CD_OK) {
            return wire_error_prefix(error, status, list, i);
        }
    }
    *ret_ops = ops;
    *ret_count = count;
    return CD_OK;
}

static enum cd_status take_relation(struct fsm_compare *ret_compare, Coord__V1__Relation from,
                                    struct cd_error *error)
{
    switch (from) {
    case COORD__V1__RELATION__RELATION_EQUAL:
        ret_compare->relation = FSM_EQUAL;
        return CD_OK;
    case COORD__V1__RELATION__RELATION_NOT_EQUAL:
        ret_compare->relation = FSM_NOT_EQUAL;
        return CD_OK;
    case COORD__V1__RELATION__RELATION_LESS:
        ret_compare->relation = FSM_LESS;
        return CD_OK;
    case COORD__V1__RELATION__RELATION_GREATER:
        ret_compare->relation = FSM_GREATER;
        return CD_OK;
    default:
        return cd_error_set(error, CD_UNIMPLEMENTED, "relation: this server does not know %d",
                            (int)from);
    }
}

static enum cd_status take_count(struct fsm_compare *ret_compare, enum fsm_compare_target target,
                                 int64_t number, struct cd_error *error)
{
    if (number < 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "compare with %lld; versions and counts are 0 or more",
                            (long long)number);
    }
    ret_compare->target = target;
    ret_compare->number = (uint64_t)number;
    return CD_OK;
}

static enum cd_status take_zxid(struct fsm_compare *ret_compare, enum fsm_compare_target target,
                                uint64_t zxid)
{
    ret_compare->target = target;
    ret_compare->number = zxid;
    return CD_OK;
}

static enum cd_status take_target(struct fsm_compare *ret_compare, const Coord__V1__Compare *from,
                                  struct cd_error *error)
{
    switch (from->target_case) {
    case COORD__V1__COMPARE__TARGET_EXISTS:
        return take_count(ret_compare, FSM_COMPARE_EXISTS, from->exists ? 1 : 0, error);
    case COORD__V1__COMPARE__TARGET_VERSION:
        return take_count(ret_compare, FSM_COMPARE_VERSION, from->version, error);
    case COORD__V1__COMPARE__TARGET_CVERSION:
        return take_count(ret_compare, FSM_COMPARE_CVERSION, from->cversion, error);
    case COORD__V1__COMPARE__TARGET_NUM_CHILDREN:
        return take_count(ret_compare, FSM_COMPARE_CHILDREN, from->num_children, error);
    case COORD__V1__COMPARE__TARGET_CZXID:
        return take_zxid(ret_compare, FSM_COMPARE_CZXID, from->czxid);
    case COORD__V1__COMPARE__TARGET_MZXID:
        return take_zxid(ret_compare, FSM_COMPARE_MZXID, from->mzxid);
    case COORD__V1__COMPARE__TARGET_PZXID:
        return take_zxid(ret_compare, FSM_COMPARE_PZXID, from->pzxid);
    case COORD__V1__COMPARE__TARGET_VALUE:
        ret_compare->target = FSM_COMPARE_VALUE;
        ret_compare->value = wire_bytes(from->value);
        return CD_OK;
    default:
        return wire_unserved(&from->base, (unsigned)from->target_case, error);
    }
}

static enum cd_status take_compare(struct fsm_compare *ret_compare, const Coord__V1__Compare *from,
                                   struct cd_error *error)
{
    enum cd_status status = wire_text(&ret_compare->path, from->path, "path", error);
    if (status == CD_OK) {
        status = take_relation(ret_compare, from->relation, error);
    }
    return status != CD_OK ? status : take_target(ret_compare, from, error);
}

static enum cd_status take_compares(struct wire_arena *arena, struct fsm_op_txn *ret_txn,
                                    const Coord__V1__TxnRequest *from, struct cd_error *error)
{
    enum cd_status status = check_count(from->n_compares, WIRE_TXN_COMPARES_MAX, "compares", error);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_compare *compares = wire_arena_get_array(arena, from->n_compares, sizeof(*compares));
    if (compares == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < from->n_compares; i++) {
        status = take_compare(&compares[i], from->compares[i], error);
        if (status != CD_OK) {
            return wire_error_prefix(error, status, "compares", i);
        }
    }
    ret_txn->compares = compares;
    ret_txn->compares_count = from->n_compares;
    return CD_OK;
}

enum cd_status wire_take_txn(struct wire_arena *arena, struct fsm_op *ret_op,
                             const Coord__V1__TxnRequest *from, struct cd_error *error)
{
    struct fsm_op_txn *txn = &ret_op->txn;
    ret_op->kind = FSM_OP_TXN;
    enum cd_status status = take_compares(arena, txn, from, error);
    if (status == CD_OK) {
        status = take_ops(arena, &txn->then_ops, &txn->then_count, from->on_success,
                          from->n_on_success, "on_success", error);
    }
    if (status == CD_OK) {
        status = take_ops(arena, &txn->else_ops, &txn->else_count, from->on_failure,
                          from->n_on_failure, "on_failure", error);
    }
    return status;
}
