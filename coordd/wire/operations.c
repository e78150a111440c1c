#include "wire/internal.h"

#include "base/assert.h"

#include <string.h>

/*
 * Operations of coord.v1 as operations of fsm; fill.c is the other way. What fsm does not know is
 * refused here with CD_UNIMPLEMENTED by its name: a field that were dropped would change a
 * request's meaning. Its rules of form are fsm_command_check's.
 */

CD_STATIC_ASSERT(FSM_PERSISTENT == (int)COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT, "equal");
CD_STATIC_ASSERT(FSM_EPHEMERAL == (int)COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL, "equal");
CD_STATIC_ASSERT(FSM_CONTAINER == (int)COORD__V1__NODE_KIND__NODE_KIND_CONTAINER, "equal");
CD_STATIC_ASSERT(FSM_TTL == (int)COORD__V1__NODE_KIND__NODE_KIND_TTL, "equal");
CD_STATIC_ASSERT(FSM_READ == (int)COORD__V1__PERMISSION__PERMISSION_READ, "equal");
CD_STATIC_ASSERT(FSM_WRITE == (int)COORD__V1__PERMISSION__PERMISSION_WRITE, "equal");
CD_STATIC_ASSERT(FSM_CREATE == (int)COORD__V1__PERMISSION__PERMISSION_CREATE, "equal");
CD_STATIC_ASSERT(FSM_DELETE == (int)COORD__V1__PERMISSION__PERMISSION_DELETE, "equal");
CD_STATIC_ASSERT(FSM_ADMIN == (int)COORD__V1__PERMISSION__PERMISSION_ADMIN, "equal");

/* Limits of number that hold before fsm's own; they bound what is decoded at all. */
static enum cd_status check_count(size_t count, size_t limit, const char *what,
                                  struct cd_error *error)
{
    if (count > limit) {
        return cd_error_set(error, CD_TOO_MANY, "%zu %s; the limit is %zu", count, what, limit);
    }
    return CD_OK;
}

static enum cd_status check_details(struct wire_taker *taker, size_t count, const char *what)
{
    if (count > WIRE_DETAILS_MAX - taker->details) {
        return cd_error_set(taker->error, CD_TOO_MANY,
                            "%s: %zu; a request has at most %d of ACL entries and prefixes", what,
                            taker->details + count, (int)WIRE_DETAILS_MAX);
    }
    taker->details += count;
    return CD_OK;
}

static enum cd_status take_version(struct wire_taker *taker, int64_t *ret_version,
                                   const Coord__V1__Version *from, const char *field)
{
    if (from != NULL && from->value < 0) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                            "%s: %lld; a version is 0 or more, and left out it is any", field,
                            (long long)from->value);
    }
    *ret_version = from == NULL ? FSM_ANY_VERSION : from->value;
    return CD_OK;
}

static enum cd_status take_kind(struct wire_taker *taker, enum fsm_node_kind *ret_kind,
                                Coord__V1__NodeKind from, const char *field)
{
    switch (from) {
    case COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT:
    case COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL:
    case COORD__V1__NODE_KIND__NODE_KIND_CONTAINER:
    case COORD__V1__NODE_KIND__NODE_KIND_TTL:
        *ret_kind = (enum fsm_node_kind)from;
        return CD_OK;
    default:
        return cd_error_set(taker->error, CD_UNIMPLEMENTED, "%s: this server does not know kind %d",
                            field, (int)from);
    }
}

/* ---- ACLs and fences ---- */

static const char *const scheme_texts[] = {
    [FSM_SCHEME_ANYONE] = "anyone",
    [FSM_SCHEME_URI] = "uri",
    [FSM_SCHEME_DNS] = "dns",
    [FSM_SCHEME_CN] = "cn",
};

const char *wire_scheme_text(enum fsm_scheme scheme)
{
    CD_ASSERT((size_t)scheme < CD_ARRAY_COUNT(scheme_texts));
    return scheme_texts[scheme];
}

static enum cd_status take_acl_entry(struct wire_taker *taker, struct fsm_acl_entry *ret_entry,
                                     const Coord__V1__AclEntry *from)
{
    size_t scheme = 0;
    while (scheme < CD_ARRAY_COUNT(scheme_texts) &&
           (from->scheme.len != strlen(scheme_texts[scheme]) ||
            memcmp(from->scheme.data, scheme_texts[scheme], from->scheme.len) != 0)) {
        scheme++;
    }
    if (scheme == CD_ARRAY_COUNT(scheme_texts)) {
        return cd_error_set(taker->error, CD_UNIMPLEMENTED,
                            "scheme: this server knows anyone, uri, dns and cn");
    }
    ret_entry->permissions = from->permissions;
    ret_entry->scheme = (enum fsm_scheme)scheme;
    return wire_text(&ret_entry->id, from->id, "id", taker->error);
}

enum cd_status wire_take_acl(struct wire_taker *taker, struct fsm_acl_entries *ret_acl,
                             const Coord__V1__Acl *from)
{
    enum cd_status status = check_details(taker, from->n_entries, "acl");
    if (status != CD_OK) {
        return status;
    }
    struct fsm_acl_entry *entries =
        wire_arena_get_array(taker->arena, from->n_entries, sizeof(*entries));
    if (entries == NULL) {
        return wire_exhausted(taker->arena, taker->error);
    }
    for (size_t i = 0; i < from->n_entries; i++) {
        status = take_acl_entry(taker, &entries[i], from->entries[i]);
        if (status != CD_OK) {
            return wire_error_prefix(taker->error, status, "acl", i);
        }
    }
    ret_acl->entries = entries;
    ret_acl->count = from->n_entries;
    return CD_OK;
}

enum cd_status wire_take_prefixes(struct wire_taker *taker, const struct fsm_bytes **ret_prefixes,
                                  size_t *ret_count, const ProtobufCBinaryData *from, size_t count)
{
    enum cd_status status = check_details(taker, count, "prefixes");
    if (status != CD_OK) {
        return status;
    }
    struct fsm_bytes *prefixes = wire_arena_get_array(taker->arena, count, sizeof(*prefixes));
    if (prefixes == NULL) {
        return wire_exhausted(taker->arena, taker->error);
    }
    for (size_t i = 0; i < count && status == CD_OK; i++) {
        status = wire_text(&prefixes[i], from[i], "prefixes", taker->error);
    }
    *ret_prefixes = prefixes;
    *ret_count = count;
    return status;
}

enum cd_status wire_take_held(struct wire_taker *taker, const struct fsm_held **ret_held,
                              const Coord__V1__Held *from)
{
    *ret_held = NULL;
    if (from == NULL) {
        return CD_OK;
    }
    struct fsm_held *held = wire_arena_get(taker->arena, sizeof(*held));
    if (held == NULL) {
        return wire_exhausted(taker->arena, taker->error);
    }
    held->fence = from->fence;
    held->n = from->n == 0 ? 1 : from->n;
    *ret_held = held;
    enum cd_status status = wire_text(&held->path, from->path, "held.path", taker->error);
    return status != CD_OK ? status
                           : wire_take_prefixes(taker, &held->prefixes, &held->prefixes_count,
                                                from->prefixes, from->n_prefixes);
}

/* ---- Single operations ---- */

enum cd_status wire_take_create(struct wire_taker *taker, struct fsm_op *ret_op,
                                const Coord__V1__CreateRequest *from)
{
    struct fsm_op_create *create = &ret_op->create;
    ret_op->kind = FSM_OP_CREATE;
    create->data = wire_bytes(from->data);
    create->ttl_ms = from->ttl_ms;
    create->sequential = from->sequential;
    create->make_parents = from->parents;
    create->if_absent = from->if_absent;
    create->has_acl = from->acl != NULL;
    enum cd_status status = wire_text(&create->path, from->path, "path", taker->error);
    if (status == CD_OK) {
        status = take_kind(taker, &create->kind, from->kind, "kind");
    }
    if (status == CD_OK) {
        status = take_kind(taker, &create->parents_kind, from->parents_kind, "parents_kind");
    }
    if (status == CD_OK && from->acl != NULL) {
        status = wire_take_acl(taker, &create->acl, from->acl);
    }
    return status;
}

enum cd_status wire_take_set(struct wire_taker *taker, struct fsm_op *ret_op,
                             const Coord__V1__SetRequest *from)
{
    struct fsm_op_set *set = &ret_op->set;
    ret_op->kind = FSM_OP_SET;
    set->data = wire_bytes(from->data);
    enum cd_status status = wire_text(&set->path, from->path, "path", taker->error);
    return status != CD_OK ? status
                           : take_version(taker, &set->version, from->if_version, "if_version");
}

enum cd_status wire_take_delete(struct wire_taker *taker, struct fsm_op *ret_op,
                                const Coord__V1__DeleteRequest *from)
{
    struct fsm_op_delete *remove = &ret_op->remove;
    ret_op->kind = FSM_OP_DELETE;
    remove->recursive = from->recursive;
    remove->if_present = from->if_present;
    enum cd_status status = wire_text(&remove->path, from->path, "path", taker->error);
    return status != CD_OK ? status
                           : take_version(taker, &remove->version, from->if_version, "if_version");
}

enum cd_status wire_take_increment(struct wire_taker *taker, struct fsm_op *ret_op,
                                   const Coord__V1__IncrementRequest *from)
{
    struct fsm_op_increment *increment = &ret_op->increment;
    ret_op->kind = FSM_OP_INCREMENT;
    increment->delta = from->delta;
    increment->create = from->create;
    enum cd_status status = wire_text(&increment->path, from->path, "path", taker->error);
    return status != CD_OK
               ? status
               : take_version(taker, &increment->version, from->if_version, "if_version");
}

enum cd_status wire_take_set_acl(struct wire_taker *taker, struct fsm_op *ret_op,
                                 const Coord__V1__SetAclRequest *from)
{
    struct fsm_op_set_acl *set_acl = &ret_op->set_acl;
    ret_op->kind = FSM_OP_SET_ACL;
    set_acl->has_acl = from->acl != NULL;
    enum cd_status status = wire_text(&set_acl->path, from->path, "path", taker->error);
    if (status == CD_OK) {
        status = take_version(taker, &set_acl->aversion, from->if_aversion, "if_aversion");
    }
    if (status == CD_OK && from->acl != NULL) {
        status = wire_take_acl(taker, &set_acl->acl, from->acl);
    }
    return status;
}

static enum cd_status take_check(struct wire_taker *taker, struct fsm_op *ret_op,
                                 const Coord__V1__CheckRequest *from)
{
    ret_op->kind = FSM_OP_CHECK;
    enum cd_status status = wire_text(&ret_op->check.path, from->path, "path", taker->error);
    return status != CD_OK
               ? status
               : take_version(taker, &ret_op->check.version, from->if_version, "if_version");
}

static enum cd_status take_read(struct wire_taker *taker, struct fsm_op *ret_op,
                                enum fsm_op_kind kind, ProtobufCBinaryData path)
{
    ret_op->kind = kind;
    return wire_text(&ret_op->read.path, path, "path", taker->error);
}

static enum cd_status take_children(struct wire_taker *taker, struct fsm_op *ret_op,
                                    const Coord__V1__ChildrenRequest *from)
{
    struct fsm_op_children *children = &ret_op->children;
    ret_op->kind = FSM_OP_CHILDREN;
    children->with_stat = from->with_stat;
    children->with_data = from->with_data;
    children->limit = wire_page_limit(from->limit);
    if (from->cursor.len > 0) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                            "cursor: a transaction shows one page; it may have start_after");
    }
    enum cd_status status = wire_text(&children->path, from->path, "path", taker->error);
    return status != CD_OK
               ? status
               : wire_text(&children->after, from->start_after, "start_after", taker->error);
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

/* ---- Transactions ---- */

static enum cd_status take_txn_op(struct wire_taker *taker, struct fsm_op *ret_op,
                                  const Coord__V1__TxnOp *from)
{
    switch (from->op_case) {
    case COORD__V1__TXN_OP__OP_CREATE:
        return wire_take_create(taker, ret_op, from->create);
    case COORD__V1__TXN_OP__OP_SET:
        return wire_take_set(taker, ret_op, from->set);
    case COORD__V1__TXN_OP__OP_DELETE:
        return wire_take_delete(taker, ret_op, from->delete_);
    case COORD__V1__TXN_OP__OP_INCREMENT:
        return wire_take_increment(taker, ret_op, from->increment);
    case COORD__V1__TXN_OP__OP_SET_ACL:
        return wire_take_set_acl(taker, ret_op, from->set_acl);
    case COORD__V1__TXN_OP__OP_CHECK:
        return take_check(taker, ret_op, from->check);
    case COORD__V1__TXN_OP__OP_GET:
        return take_read(taker, ret_op, FSM_OP_GET, from->get->path);
    case COORD__V1__TXN_OP__OP_EXISTS:
        return take_read(taker, ret_op, FSM_OP_EXISTS, from->exists->path);
    case COORD__V1__TXN_OP__OP_CHILDREN:
        return take_children(taker, ret_op, from->children);
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, taker->error);
    }
}

static enum cd_status take_ops(struct wire_taker *taker, const struct fsm_op **ret_ops,
                               size_t *ret_count, Coord__V1__TxnOp *const *from, size_t count,
                               const char *list)
{
    enum cd_status status = check_count(count, WIRE_TXN_OPS_MAX, list, taker->error);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_op *ops = wire_arena_get_array(taker->arena, count, sizeof(*ops));
    if (ops == NULL) {
        return wire_exhausted(taker->arena, taker->error);
    }
    for (size_t i = 0; i < count; i++) {
        status = take_txn_op(taker, &ops[i], from[i]);
        if (status != CD_OK) {
            return wire_error_prefix(taker->error, status, list, i);
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

static enum cd_status take_target(struct wire_taker *taker, struct fsm_compare *ret_compare,
                                  const Coord__V1__Compare *from)
{
    struct cd_error *error = taker->error;
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
    case COORD__V1__COMPARE__TARGET_OWNER:
        return take_zxid(ret_compare, FSM_COMPARE_OWNER, from->owner);
    case COORD__V1__COMPARE__TARGET_AVERSION:
        return take_count(ret_compare, FSM_COMPARE_AVERSION, from->aversion, error);
    case COORD__V1__COMPARE__TARGET_HELD:
        ret_compare->target = FSM_COMPARE_HELD;
        return wire_take_held(taker, &ret_compare->held, from->held);
    default:
        return wire_unserved(&from->base, (unsigned)from->target_case, error);
    }
}

static enum cd_status take_compare(struct wire_taker *taker, struct fsm_compare *ret_compare,
                                   const Coord__V1__Compare *from)
{
    enum cd_status status = wire_text(&ret_compare->path, from->path, "path", taker->error);
    if (status == CD_OK) {
        status = take_relation(ret_compare, from->relation, taker->error);
    }
    return status != CD_OK ? status : take_target(taker, ret_compare, from);
}

static enum cd_status take_compares(struct wire_taker *taker, struct fsm_op_txn *ret_txn,
                                    const Coord__V1__TxnRequest *from)
{
    size_t count = from->n_compares;
    enum cd_status status = check_count(count, WIRE_TXN_COMPARES_MAX, "compares", taker->error);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_compare *compares = wire_arena_get_array(taker->arena, count, sizeof(*compares));
    if (compares == NULL) {
        return wire_exhausted(taker->arena, taker->error);
    }
    for (size_t i = 0; i < count; i++) {
        status = take_compare(taker, &compares[i], from->compares[i]);
        if (status != CD_OK) {
            return wire_error_prefix(taker->error, status, "compares", i);
        }
    }
    ret_txn->compares = compares;
    ret_txn->compares_count = count;
    return CD_OK;
}

enum cd_status wire_take_txn(struct wire_taker *taker, struct fsm_op *ret_op,
                             const Coord__V1__TxnRequest *from)
{
    struct fsm_op_txn *txn = &ret_op->txn;
    ret_op->kind = FSM_OP_TXN;
    enum cd_status status = take_compares(taker, txn, from);
    if (status == CD_OK) {
        status = take_ops(taker, &txn->then_ops, &txn->then_count, from->on_success,
                          from->n_on_success, "on_success");
    }
    if (status == CD_OK) {
        status = take_ops(taker, &txn->else_ops, &txn->else_count, from->on_failure,
                          from->n_on_failure, "on_failure");
    }
    return status;
}

static bool any_writes(const struct fsm_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (wire_op_writes(&ops[i])) {
            return true;
        }
    }
    return false;
}

bool wire_op_writes(const struct fsm_op *op)
{
    switch (op->kind) {
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
    case FSM_OP_CHILDREN:
        return false;
    case FSM_OP_TXN:
        return any_writes(op->txn.then_ops, op->txn.then_count) ||
               any_writes(op->txn.else_ops, op->txn.else_count);
    default:
        return true;
    }
}
