#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/state.h"

/* The rules of form: what can be judged of a command without the tree. */

static enum cd_status too_large(struct cd_error *error, const char *what, uint64_t bytes,
                                const char *limit_name, uint64_t limit)
{
    return cd_error_set(error, CD_TOO_LARGE, "%s has %llu bytes, the limit %s is %llu", what,
                        (unsigned long long)bytes, limit_name, (unsigned long long)limit);
}

static enum cd_status too_many(struct cd_error *error, const char *what, uint64_t count,
                               const char *limit_name, uint64_t limit)
{
    return cd_error_set(error, CD_TOO_MANY, "%llu %s, the limit %s is %llu",
                        (unsigned long long)count, what, limit_name, (unsigned long long)limit);
}

static enum cd_status invalid(struct cd_error *error, const char *rule)
{
    return cd_error_set(error, CD_INVALID_ARGUMENT, "%s", rule);
}

static enum cd_status check_version(int64_t version, struct cd_error *error)
{
    return version >= FSM_ANY_VERSION ? CD_OK : invalid(error, "a version is not negative");
}

static enum cd_status check_data(const struct fsm_limits *limits, struct fsm_bytes data,
                                 struct cd_error *error)
{
    if (data.bytes <= limits->data_bytes) {
        return CD_OK;
    }
    return too_large(error, "the data", data.bytes, "data_bytes", limits->data_bytes);
}

static bool is_root(struct fsm_bytes path)
{
    return path.bytes == 1 && path.data[0] == '/';
}

static enum cd_status check_kinds(const struct fsm_limits *limits,
                                  const struct fsm_op_create *create, struct cd_error *error)
{
    if ((unsigned)create->kind > FSM_TTL) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "there is no kind %d of nodes",
                            (int)create->kind);
    }
    if (create->parents_kind != FSM_PERSISTENT && create->parents_kind != FSM_CONTAINER) {
        return invalid(error, "missing parents are made persistent or containers");
    }
    bool has_ttl = create->kind == FSM_TTL;
    if (has_ttl != (create->ttl_ms != 0) || create->ttl_ms > limits->ttl_max_ms) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "a TTL node, and no other, has a ttl_ms; it is from 1 to %llu",
                            (unsigned long long)limits->ttl_max_ms);
    }
    return CD_OK;
}

static enum cd_status check_create(const struct fsm_limits *limits,
                                   const struct fsm_op_create *create, struct cd_error *error)
{
    enum cd_status status = create->sequential ? fsm_path_check_prefix(limits, create->path, error)
                                               : fsm_path_check(limits, create->path, error);
    if (status != CD_OK) {
        return status;
    }
    status = check_kinds(limits, create, error);
    if (status == CD_OK && create->has_acl) {
        status = fsm_acl_check(limits, &create->acl, error);
    }
    if (status != CD_OK) {
        return status;
    }
    if (create->sequential && create->if_absent) {
        return invalid(error, "sequential and if_absent exclude each other: "
                              "a sequential node never exists already");
    }
    if (is_root(create->path) && !create->sequential && !create->if_absent) {
        return cd_error_set(error, CD_ROOT_FIXED, "%s", cd_status_text(CD_ROOT_FIXED));
    }
    return check_data(limits, create->data, error);
}

static enum cd_status check_delete(const struct fsm_limits *limits,
                                   const struct fsm_op_delete *remove, struct cd_error *error)
{
    enum cd_status status = fsm_path_check(limits, remove->path, error);
    if (status != CD_OK) {
        return status;
    }
    if (is_root(remove->path)) {
        return cd_error_set(error, CD_ROOT_FIXED, "%s", cd_status_text(CD_ROOT_FIXED));
    }
    return check_version(remove->version, error);
}

static enum cd_status check_set(const struct fsm_limits *limits, const struct fsm_op_set *set,
                                struct cd_error *error)
{
    enum cd_status status = fsm_path_check(limits, set->path, error);
    if (status == CD_OK) {
        status = check_version(set->version, error);
    }
    return status == CD_OK ? check_data(limits, set->data, error) : status;
}

static enum cd_status check_increment(const struct fsm_limits *limits,
                                      const struct fsm_op_increment *increment,
                                      struct cd_error *error)
{
    enum cd_status status = fsm_path_check(limits, increment->path, error);
    return status == CD_OK ? check_version(increment->version, error) : status;
}

static enum cd_status check_set_acl(const struct fsm_limits *limits,
                                    const struct fsm_op_set_acl *set, struct cd_error *error)
{
    enum cd_status status = fsm_path_check(limits, set->path, error);
    if (status == CD_OK) {
        status = check_version(set->aversion, error);
    }
    return status == CD_OK && set->has_acl ? fsm_acl_check(limits, &set->acl, error) : status;
}

static enum cd_status check_children(const struct fsm_limits *limits,
                                     const struct fsm_op_children *children, struct cd_error *error)
{
    if (children->limit == 0) {
        return invalid(error, "a list of children shows at least one");
    }
    if (children->after.bytes > limits->path_bytes ||
        (children->after.bytes != 0 &&
         memchr(children->after.data, '/', children->after.bytes) != NULL)) {
        return invalid(error, "a list goes on after a name, without a slash");
    }
    return fsm_path_check(limits, children->path, error);
}

static enum cd_status check_reap(const struct fsm_limits *limits, const struct fsm_op_reap *reap,
                                 struct cd_error *error)
{
    if (is_root(reap->path)) {
        return cd_error_set(error, CD_ROOT_FIXED, "%s", cd_status_text(CD_ROOT_FIXED));
    }
    return fsm_path_check(limits, reap->path, error);
}

/* Any operation but TXN. */
static enum cd_status check_op(const struct fsm_limits *limits, const struct fsm_op *op,
                               struct cd_error *error)
{
    switch (op->kind) {
    case FSM_OP_CREATE:
        return check_create(limits, &op->create, error);
    case FSM_OP_DELETE:
        return check_delete(limits, &op->remove, error);
    case FSM_OP_SET:
        return check_set(limits, &op->set, error);
    case FSM_OP_CHECK: {
        enum cd_status status = fsm_path_check(limits, op->check.path, error);
        return status == CD_OK ? check_version(op->check.version, error) : status;
    }
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        return fsm_path_check(limits, op->read.path, error);
    case FSM_OP_CHILDREN:
        return check_children(limits, &op->children, error);
    case FSM_OP_INCREMENT:
        return check_increment(limits, &op->increment, error);
    case FSM_OP_SET_ACL:
        return check_set_acl(limits, &op->set_acl, error);
    case FSM_OP_REAP:
        return check_reap(limits, &op->reap, error);
    case FSM_OP_AGREE_DIGEST:
        return op->agree_digest.slot != 0 ? CD_OK : invalid(error, "a digest belongs to a slot");
    case FSM_OP_TXN:
        return invalid(error, "a transaction holds no other transaction");
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
        break;
    }
    return cd_error_set(error, CD_UNIMPLEMENTED, "%s", cd_status_text(CD_UNIMPLEMENTED));
}

static enum cd_status check_compare(const struct fsm_limits *limits,
                                    const struct fsm_compare *compare, struct cd_error *error)
{
    enum fsm_relation relation = compare->relation;
    if (relation < FSM_EQUAL || relation > FSM_GREATER) {
        return invalid(error, "a comparison has no such operator");
    }
    bool ordered = relation == FSM_LESS || relation == FSM_GREATER;
    switch (compare->target) {
    case FSM_COMPARE_EXISTS:
        if (ordered || compare->number > 1) {
            return invalid(error, "existence is only equal or not equal, to 1 or 0");
        }
        return fsm_path_check(limits, compare->path, error);
    case FSM_COMPARE_VERSION:
    case FSM_COMPARE_CVERSION:
    case FSM_COMPARE_AVERSION:
    case FSM_COMPARE_CHILDREN:
        if (compare->number > INT64_MAX) {
            return invalid(error, "a version or number of children is not negative");
        }
        return fsm_path_check(limits, compare->path, error);
    case FSM_COMPARE_CZXID:
    case FSM_COMPARE_MZXID:
    case FSM_COMPARE_PZXID:
        return fsm_path_check(limits, compare->path, error);
    case FSM_COMPARE_VALUE:
        if (ordered) {
            return invalid(error, "values are only equal or not equal");
        }
        return fsm_path_check(limits, compare->path, error);
    case FSM_COMPARE_OWNER:
        if (ordered) {
            return invalid(error, "owners are only equal or not equal");
        }
        return fsm_path_check(limits, compare->path, error);
    case FSM_COMPARE_HELD:
        if (ordered || compare->held == NULL || compare->path.bytes != 0) {
            return invalid(error, "a held fence is only equal or not equal, and names its path");
        }
        return fsm_held_check(limits, compare->held, error);
    }
    return cd_error_set(error, CD_UNIMPLEMENTED, "this server has no comparison of kind %d",
                        (int)compare->target);
}

/* The paths, data and ACL that an operation carries. Its kind was checked. */
static uint64_t op_bytes(const struct fsm_op *op)
{
    switch (op->kind) {
    case FSM_OP_CREATE:
        return op->create.path.bytes + (uint64_t)op->create.data.bytes +
               (op->create.has_acl ? fsm_acl_entries_bytes(&op->create.acl) : 0);
    case FSM_OP_SET:
        return op->set.path.bytes + (uint64_t)op->set.data.bytes;
    case FSM_OP_DELETE:
        return op->remove.path.bytes;
    case FSM_OP_CHECK:
        return op->check.path.bytes;
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        return op->read.path.bytes;
    case FSM_OP_CHILDREN:
        return op->children.path.bytes + (uint64_t)op->children.after.bytes;
    case FSM_OP_INCREMENT:
        return op->increment.path.bytes;
    case FSM_OP_SET_ACL:
        return op->set_acl.path.bytes +
               (op->set_acl.has_acl ? fsm_acl_entries_bytes(&op->set_acl.acl) : 0);
    case FSM_OP_REAP:
    case FSM_OP_AGREE_DIGEST:
    case FSM_OP_TXN:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
        break;
    }
    return 0;
}

static uint64_t compare_bytes(const struct fsm_compare *compare)
{
    uint64_t bytes = compare->path.bytes + (uint64_t)compare->value.bytes;
    if (compare->target == FSM_COMPARE_HELD) {
        bytes += compare->held->path.bytes;
        for (size_t i = 0; i < compare->held->prefixes_count; i++) {
            bytes += compare->held->prefixes[i].bytes;
        }
    }
    return bytes;
}

static enum cd_status prefix_error(struct cd_error *error, const char *what, size_t index,
                                   const struct cd_error *inner)
{
    return cd_error_set(error, inner->status, "%s %zu of the transaction: %s", what, index,
                        inner->message);
}

/*
 * R15: at most one sequential create for each path given, because a fence is the czxid of the
 * granted node and all nodes of a transaction have the same. The table is found by hash, but the
 * answer does not depend on its order.
 */
static enum cd_status check_queues(const struct fsm_op *ops, size_t count, struct cd_error *error)
{
    size_t sequential = 0;
    for (size_t i = 0; i < count; i++) {
        sequential += ops[i].kind == FSM_OP_CREATE && ops[i].create.sequential;
    }
    if (sequential < 2) {
        return CD_OK;
    }
    size_t slots = 2 * sequential;
    const struct fsm_bytes **table = cd_calloc(slots, sizeof(struct fsm_bytes *));
    enum cd_status status = CD_OK;
    for (size_t i = 0; i < count && status == CD_OK; i++) {
        if (ops[i].kind != FSM_OP_CREATE || !ops[i].create.sequential) {
            continue;
        }
        const struct fsm_bytes *path = &ops[i].create.path;
        size_t slot = (size_t)(cd_hash64(path->data, path->bytes) % slots);
        while (table[slot] != NULL && !fsm_bytes_equal(*table[slot], *path)) {
            slot = (slot + 1) % slots;
        }
        if (table[slot] != NULL) {
            status = invalid(error, "a transaction creates at most one sequential node with the "
                                    "same path before the suffix");
        }
        table[slot] = path;
    }
    cd_free(table);
    return status;
}

static bool is_of_leader(enum fsm_op_kind kind)
{
    return kind == FSM_OP_REAP || kind == FSM_OP_AGREE_DIGEST;
}

static enum cd_status check_branch(const struct fsm_limits *limits, const char *what,
                                   const struct fsm_op *ops, size_t count, uint64_t *bytes,
                                   struct cd_error *error)
{
    if (count > limits->txn_ops) {
        return too_many(error, what, count, "txn_ops", limits->txn_ops);
    }
    for (size_t i = 0; i < count; i++) {
        struct cd_error inner;
        enum cd_status status = is_of_leader(ops[i].kind)
                                    ? invalid(&inner, "only the leader says such a thing, alone")
                                    : check_op(limits, &ops[i], &inner);
        if (status != CD_OK) {
            return prefix_error(error, what, i, &inner);
        }
        *bytes += op_bytes(&ops[i]);
    }
    return check_queues(ops, count, error);
}

static enum cd_status check_txn(const struct fsm_limits *limits, const struct fsm_op_txn *txn,
                                struct cd_error *error)
{
    if (txn->compares_count > limits->txn_compares) {
        return too_many(error, "comparisons", txn->compares_count, "txn_compares",
                        limits->txn_compares);
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < txn->compares_count; i++) {
        struct cd_error inner;
        if (check_compare(limits, &txn->compares[i], &inner) != CD_OK) {
            return prefix_error(error, "comparison", i, &inner);
        }
        bytes += compare_bytes(&txn->compares[i]);
    }
    enum cd_status status =
        check_branch(limits, "then-operation", txn->then_ops, txn->then_count, &bytes, error);
    if (status == CD_OK) {
        status =
            check_branch(limits, "else-operation", txn->else_ops, txn->else_count, &bytes, error);
    }
    if (status == CD_OK && bytes > limits->txn_bytes) {
        status = too_large(error, "the transaction", bytes, "txn_bytes", limits->txn_bytes);
    }
    return status;
}

enum cd_status fsm_held_check(const struct fsm_limits *limits, const struct fsm_held *held,
                              struct cd_error *error)
{
    if (held->n == 0) {
        return invalid(error, "at least one member of a queue may come first");
    }
    if (held->prefixes_count > limits->queue_prefixes) {
        return too_many(error, "prefixes of a queue", held->prefixes_count, "queue_prefixes",
                        limits->queue_prefixes);
    }
    for (size_t i = 0; i < held->prefixes_count; i++) {
        struct fsm_bytes prefix = held->prefixes[i];
        if (prefix.bytes > limits->path_bytes ||
            (prefix.bytes != 0 && memchr(prefix.data, '/', prefix.bytes) != NULL)) {
            return invalid(error, "a prefix of a queue is a part of a name, without a slash");
        }
    }
    return fsm_path_check(limits, held->path, error);
}

/* The rules of the operation alone. */
static enum cd_status check_own_op(const struct fsm_limits *limits, const struct fsm_op *op,
                                   struct cd_error *error)
{
    switch (op->kind) {
    case FSM_OP_CREATE:
    case FSM_OP_DELETE:
    case FSM_OP_SET:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_REAP:
    case FSM_OP_AGREE_DIGEST:
        return check_op(limits, op, error);
    case FSM_OP_TXN:
        return check_txn(limits, &op->txn, error);
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
    case FSM_OP_CHILDREN:
        return invalid(error, "only a transaction may check or read in the log");
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
        return CD_OK; /* judged with what is around them */
    }
    return cd_error_set(error, CD_UNIMPLEMENTED, "%s", cd_status_text(CD_UNIMPLEMENTED));
}

enum cd_status fsm_command_check(const struct fsm_limits *limits, const struct fsm_command *command,
                                 struct cd_error *error)
{
    enum cd_status status = check_own_op(limits, &command->op, error);
    if (status == CD_OK && is_of_leader(command->op.kind) && command->session != 0) {
        status = invalid(error, "only the leader says such a thing, and no session");
    }
    if (status == CD_OK && command->if_held != NULL) {
        status = fsm_held_check(limits, command->if_held, error);
    }
    return status == CD_OK ? fsm_session_check(limits, command, error) : status;
}
