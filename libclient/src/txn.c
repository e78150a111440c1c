#include "error.h"
#include "request.h"

#include <string.h>

/* The builder of transactions: lists of operations and comparisons in an arena. */

/* Data of all operations and paths; the cluster's own limit is far below. */
#define TXN_BYTES_MAX ((size_t)CLIENT_REQUEST_BYTES_MAX * 2)

struct coord_txn *coord_txn_create(void)
{
    struct coord_txn *txn = client_calloc(1, sizeof(*txn));
    if (txn != NULL) {
        client_arena_init(&txn->arena, TXN_BYTES_MAX);
        txn->compares_end = &txn->compares;
        txn->branch_ends[COORD_THEN] = &txn->branches[COORD_THEN];
        txn->branch_ends[COORD_ELSE] = &txn->branches[COORD_ELSE];
    }
    return txn;
}

void coord_txn_free(struct coord_txn *txn)
{
    if (txn != NULL) {
        client_arena_release(&txn->arena);
        client_free(txn);
    }
}

/* The first mistake stays; false, so that a failure is one return statement. */
static bool mistake(struct coord_txn *txn, enum coord_code code, const char *what)
{
    if (txn->mistake.code == COORD_OK) {
        (void)client_error_set(&txn->mistake, code, "%s", what);
    }
    return false;
}

static bool has_room(struct coord_txn *txn, size_t count)
{
    return count < CLIENT_TXN_OPS_MAX ||
           mistake(txn, COORD_TOO_MANY, "the transaction has more than 65536 parts");
}

/* Copies of what the caller may change or free; NULL with a mistake without memory. */
static const char *keep(struct coord_txn *txn, const void *from, size_t bytes)
{
    const char *copy = client_arena_copy(&txn->arena, from, bytes);
    if (copy == NULL) {
        (void)mistake(txn, COORD_NO_MEMORY, "no memory; nothing was done");
    }
    return copy;
}

/* ---- Comparisons ---- */

static void add_compare(struct coord_txn *txn, const struct client_compare *compare)
{
    struct client_compare_node *node = NULL;
    if ((compare->path == NULL && compare->held.path == NULL) ||
        (compare->data == NULL && compare->data_bytes != 0)) {
        (void)mistake(txn, COORD_INVALID_ARGUMENT, "a comparison: its path or its data is NULL");
    }
    if (txn->mistake.code != COORD_OK || !has_room(txn, txn->compares_count)) {
        return;
    }
    node = client_arena_get(&txn->arena, sizeof(*node));
    const char *from = compare->path != NULL ? compare->path : "";
    const char *path = keep(txn, from, strlen(from));
    const char *data = keep(txn, compare->data, compare->data_bytes);
    if (node == NULL || path == NULL || data == NULL) {
        (void)mistake(txn, COORD_NO_MEMORY, "no memory; nothing was done");
        return;
    }
    node->compare = *compare;
    if (compare->held.path != NULL &&
        !client_held_copy(&node->compare.held, &txn->arena, &compare->held)) {
        (void)mistake(txn, COORD_NO_MEMORY, "no memory; nothing was done");
        return;
    }
    node->compare.path = path;
    node->compare.data = data;
    *txn->compares_end = node;
    txn->compares_end = &node->next;
    txn->compares_count++;
}

static bool check_relation(struct coord_txn *txn, enum coord_relation relation, bool of_order)
{
    bool known = relation == COORD_EQUAL || relation == COORD_NOT_EQUAL ||
                 (of_order && (relation == COORD_LESS || relation == COORD_GREATER));
    return known ||
           mistake(txn, COORD_INVALID_ARGUMENT,
                   of_order
                       ? "a comparison: the relation is none of enum coord_relation"
                       : "a comparison of data, existence, owner or fence: the relation must be "
                         "COORD_EQUAL or COORD_NOT_EQUAL");
}

void coord_txn_compare(struct coord_txn *txn, const char *path, enum coord_compared compared,
                       enum coord_relation relation, uint64_t value)
{
    bool is_version = compared == COORD_IF_VERSION || compared == COORD_IF_CVERSION ||
                      compared == COORD_IF_AVERSION || compared == COORD_IF_NUM_CHILDREN;
    if ((int)compared < (int)COORD_IF_EXISTS || compared > COORD_IF_OWNER) {
        (void)mistake(txn, COORD_INVALID_ARGUMENT,
                      "a comparison: what is compared is none of enum coord_compared");
    } else if (is_version && value > (uint64_t)INT64_MAX) {
        (void)mistake(txn, COORD_INVALID_ARGUMENT,
                      "a comparison: versions and numbers of children have 63 bits");
    } else if (check_relation(txn, relation,
                              compared != COORD_IF_EXISTS && compared != COORD_IF_OWNER)) {
        const struct client_compare compare = {
            .path = path, .compared = compared, .relation = relation, .value = value};
        add_compare(txn, &compare);
    }
}

void coord_txn_compare_data(struct coord_txn *txn, const char *path, enum coord_relation relation,
                            const void *data, size_t data_bytes)
{
    if (check_relation(txn, relation, false)) {
        const struct client_compare compare = {.path = path,
                                               .of_data = true,
                                               .relation = relation,
                                               .data = data,
                                               .data_bytes = data_bytes};
        add_compare(txn, &compare);
    }
}

void coord_txn_compare_held(struct coord_txn *txn, const char *path, enum coord_relation relation,
                            uint64_t fence, uint32_t n, const char *const *prefixes,
                            size_t prefixes_count)
{
    struct coord_error error;
    if (path == NULL) {
        (void)mistake(txn, COORD_INVALID_ARGUMENT, "a comparison: its path or its data is NULL");
    } else if (client_prefixes_check(prefixes, prefixes_count, &error) != COORD_OK) {
        (void)mistake(txn, error.code, error.message);
    } else if (check_relation(txn, relation, false)) {
        const struct client_compare compare = {.relation = relation,
                                               .held = {.path = path,
                                                        .fence = fence,
                                                        .n = n,
                                                        .prefixes = prefixes,
                                                        .prefixes_count = prefixes_count}};
        add_compare(txn, &compare);
    }
}

/* ---- Operations ---- */

static void add_op(struct coord_txn *txn, enum coord_branch branch, const struct client_op *op)
{
    struct coord_error error;
    if (branch != COORD_THEN && branch != COORD_ELSE) {
        (void)mistake(txn, COORD_INVALID_ARGUMENT, "the branch is none of enum coord_branch");
    } else if (client_op_check(op, &error) != COORD_OK) {
        (void)mistake(txn, error.code, error.message);
    }
    if (txn->mistake.code != COORD_OK || !has_room(txn, txn->counts[branch])) {
        return;
    }
    struct client_op_node *node = client_arena_get(&txn->arena, sizeof(*node));
    const char *path = keep(txn, op->path, strlen(op->path));
    const char *data = keep(txn, op->data, op->data_bytes);
    const struct coord_acl *acl = op->acl != NULL ? client_acl_copy(&txn->arena, op->acl) : NULL;
    if (node == NULL || path == NULL || data == NULL || (op->acl != NULL && acl == NULL)) {
        (void)mistake(txn, COORD_NO_MEMORY, "no memory; nothing was done");
        return;
    }
    node->op = *op;
    node->op.acl = acl;
    node->op.path = path;
    node->op.data = data;
    *txn->branch_ends[branch] = node;
    txn->branch_ends[branch] = &node->next;
    txn->counts[branch]++;
    txn->writes = txn->writes || client_op_is_write(op);
}

void coord_txn_add_create(struct coord_txn *txn, enum coord_branch branch, const char *path,
                          const void *data, size_t data_bytes, uint32_t flags)
{
    add_op(txn, branch,
           &(struct client_op){.kind = CLIENT_OP_CREATE,
                               .path = path,
                               .data = data,
                               .data_bytes = data_bytes,
                               .flags = flags});
}

void coord_txn_add_create_with(struct coord_txn *txn, enum coord_branch branch, const char *path,
                               const void *data, size_t data_bytes, uint32_t flags, uint64_t ttl_ms,
                               const struct coord_acl *acl)
{
    add_op(txn, branch,
           &(struct client_op){.kind = CLIENT_OP_CREATE,
                               .path = path,
                               .data = data,
                               .data_bytes = data_bytes,
                               .flags = flags,
                               .ttl_ms = ttl_ms,
                               .acl = acl});
}

void coord_txn_add_increment(struct coord_txn *txn, enum coord_branch branch, const char *path,
                             int64_t delta, int64_t version, uint32_t flags)
{
    add_op(txn, branch,
           &(struct client_op){.kind = CLIENT_OP_INCREMENT,
                               .path = path,
                               .delta = delta,
                               .version = version,
                               .flags = flags});
}

void coord_txn_add_set_acl(struct coord_txn *txn, enum coord_branch branch, const char *path,
                           const struct coord_acl *acl, int64_t version)
{
    add_op(txn, branch,
           &(struct client_op){
               .kind = CLIENT_OP_SET_ACL, .path = path, .acl = acl, .version = version});
}

void coord_txn_add_set(struct coord_txn *txn, enum coord_branch branch, const char *path,
                       const void *data, size_t data_bytes, int64_t version)
{
    add_op(txn, branch,
           &(struct client_op){.kind = CLIENT_OP_SET,
                               .path = path,
                               .data = data,
                               .data_bytes = data_bytes,
                               .version = version});
}

void coord_txn_add_delete(struct coord_txn *txn, enum coord_branch branch, const char *path,
                          int64_t version, uint32_t flags)
{
    add_op(txn, branch,
           &(struct client_op){
               .kind = CLIENT_OP_DELETE, .path = path, .version = version, .flags = flags});
}

void coord_txn_add_get(struct coord_txn *txn, enum coord_branch branch, const char *path)
{
    add_op(txn, branch, &(struct client_op){.kind = CLIENT_OP_GET, .path = path});
}

void coord_txn_add_exists(struct coord_txn *txn, enum coord_branch branch, const char *path)
{
    add_op(txn, branch, &(struct client_op){.kind = CLIENT_OP_EXISTS, .path = path});
}

void coord_txn_add_children(struct coord_txn *txn, enum coord_branch branch, const char *path,
                            uint32_t flags, uint32_t limit)
{
    add_op(txn, branch,
           &(struct client_op){
               .kind = CLIENT_OP_CHILDREN, .path = path, .flags = flags, .limit = limit});
}

void coord_txn_add_check(struct coord_txn *txn, enum coord_branch branch, const char *path,
                         int64_t version)
{
    add_op(txn, branch,
           &(struct client_op){.kind = CLIENT_OP_CHECK, .path = path, .version = version});
}
