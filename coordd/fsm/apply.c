#include "base/memory.h"
#include "fsm/allow.h"
#include "fsm/number.h"
#include "fsm/path.h"
#include "fsm/sequence.h"

/* ---- Create ---- */

/* A create on its way: the key to make and what is missing above it. */
struct plan {
    struct fsm_bytes key;
    uint64_t creates;       /* the parent's counter after it; 0: one more than now */
    uint8_t suffix_bytes;   /* of a sequential name; else 0 */
    size_t present_bytes;   /* key bytes of the nearest ancestor that exists */
    uint64_t missing_nodes; /* ancestors to make */
    uint64_t missing_bytes; /* of their keys */
};

static void plan_ancestors(const struct fsm_tree *tree, struct plan *plan)
{
    struct fsm_bytes above = fsm_key_parent(plan->key);
    while (fsm_tree_find(tree, above) == NULL) {
        plan->missing_nodes++;
        plan->missing_bytes += above.bytes;
        above = fsm_key_parent(above);
    }
    plan->present_bytes = above.bytes;
}

/*
 * The sequential name: the parent's counter, or the next number whose name is free. Going past the
 * names that somebody made by hand, rather than refusing, keeps one stray name from blocking a
 * queue for ever; as the counter moves along, each such name is passed once.
 */
static void plan_sequence(const struct fsm_tree *tree, struct fsm_bytes prefix, uint8_t *buffer,
                          struct plan *plan)
{
    struct fsm_stat stat = {0};
    /* The last element may still be empty here; the parent is what is before it all the same. */
    const struct fsm_node *parent = fsm_tree_find(tree, fsm_key_parent(prefix));
    if (parent != NULL) {
        fsm_node_stat(parent, &stat);
    }
    memcpy(buffer, prefix.data, prefix.bytes);
    uint64_t number = stat.creates;
    for (;;) {
        size_t bytes = fsm_sequence_format(number, buffer + prefix.bytes);
        plan->key = fsm_bytes_make(buffer, prefix.bytes + bytes);
        plan->creates = number + 1;
        plan->suffix_bytes = (uint8_t)bytes;
        if (parent == NULL || fsm_tree_find(tree, plan->key) == NULL) {
            return;
        }
        number++;
    }
}

static void create_planned(struct fsm_step *step, const struct plan *plan,
                           const struct fsm_op_create *create, struct fsm_outcome *outcome)
{
    const struct fsm_stat above = {.kind = create->parents_kind};
    for (size_t at = plan->present_bytes + 1; at < plan->key.bytes; at++) {
        if (plan->key.data[at] == '/') {
            fsm_step_create(step, fsm_bytes_make(plan->key.data, at), &above,
                            fsm_bytes_make(NULL, 0), 0);
        }
    }
    struct fsm_acl *acl = create->has_acl ? fsm_acl_create(&create->acl) : NULL;
    const struct fsm_stat like = {.kind = create->kind,
                                  .ttl_ms = create->ttl_ms,
                                  .suffix_bytes = plan->suffix_bytes,
                                  .acl = acl};
    fsm_outcome_show(outcome, fsm_step_create(step, plan->key, &like, create->data, plan->creates));
    fsm_acl_unref(acl);
    outcome->changed = true;
    outcome->nodes_count = plan->missing_nodes + 1;
}

/* No children below an ephemeral node, and no more of them than its session may have. */
static bool allow_ephemerals(const struct fsm_step *step, const struct fsm_op_create *create,
                             const struct plan *plan, struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    const struct fsm_node *above =
        fsm_tree_find(&fsm->tree, fsm_bytes_make(plan->key.data, plan->present_bytes));
    if (fsm_node_kind_of(above) == FSM_EPHEMERAL) {
        fsm_outcome_refuse(outcome, CD_NO_CHILDREN_FOR_EPHEMERALS);
        return false;
    }
    if (create->kind != FSM_EPHEMERAL) {
        return true;
    }
    const struct fsm_session *session = fsm_session_set_find(&fsm->sessions, step->session);
    uint64_t limit = fsm->limits.session_ephemerals;
    if (session->ephemerals < limit) {
        return true;
    }
    fsm_outcome_refuse_limit(outcome, CD_TOO_MANY, "session_ephemerals", limit,
                             session->ephemerals + 1);
    return false;
}

/* The node is there already. Its stat is shown only to who may read it. */
static void create_present(const struct fsm_step *step, const struct fsm_op_create *create,
                           struct fsm_node *present, struct fsm_outcome *outcome)
{
    if (!create->if_absent) {
        fsm_outcome_refuse(outcome, CD_NODE_EXISTS);
    } else if (fsm_step_may(step, fsm_node_key(present), FSM_READ, outcome)) {
        fsm_outcome_show(outcome, present);
    }
}

static void op_create(struct fsm_step *step, const struct fsm_op_create *create,
                      struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    struct fsm_bytes given = fsm_key_of_path(create->path);
    struct fsm_bytes parent = given.bytes != 0 ? fsm_key_parent(create->path) : given;
    if (!fsm_step_may(step, parent, FSM_CREATE, outcome)) {
        return;
    }
    uint8_t buffer[FSM_PATH_BYTES_CEILING + FSM_SEQUENCE_BYTES_MAX];
    struct plan plan = {0};
    if (create->sequential) {
        plan_sequence(&fsm->tree, create->path, buffer, &plan);
        if (plan.key.bytes > fsm->limits.path_bytes) {
            fsm_outcome_refuse(outcome, CD_INVALID_ARGUMENT);
            return;
        }
    } else {
        plan.key = given;
        struct fsm_node *present = fsm_tree_find(&fsm->tree, plan.key);
        if (present != NULL) {
            create_present(step, create, present, outcome);
            return;
        }
    }
    plan_ancestors(&fsm->tree, &plan);
    if (plan.missing_nodes > 0 && !create->make_parents) {
        fsm_outcome_refuse(outcome, CD_NO_PARENT);
        return;
    }
    if (!allow_ephemerals(step, create, &plan, outcome)) {
        return;
    }
    uint64_t bytes = plan.missing_bytes + plan.key.bytes + create->data.bytes +
                     (create->has_acl ? fsm_acl_entries_bytes(&create->acl) : 0);
    if (fsm_step_may_touch(step, plan.missing_nodes + 1, outcome) &&
        fsm_step_may_grow(step, plan.missing_nodes + 1, bytes, outcome)) {
        create_planned(step, &plan, create, outcome);
    }
}

/* ---- Delete ---- */

/*
 * Borrows the node and all below it from the tree, in its order, at most `limit`. Returns how many
 * there are, or limit + 1 if there are more. The array at *ret_nodes is the caller's to free.
 */
static size_t collect(const struct fsm_tree *tree, struct fsm_node *top, uint64_t limit,
                      struct fsm_node ***ret_nodes)
{
    struct fsm_cursor cursor;
    struct fsm_node **nodes = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct fsm_bytes key = fsm_node_key(top);
    fsm_tree_seek(tree, key, &cursor);
    struct fsm_node *node = top;
    while (node != NULL && (node == top || fsm_key_below(fsm_node_key(node), key)) &&
           count <= limit) {
        if (count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            nodes = cd_realloc(nodes, capacity * sizeof(struct fsm_node *));
        }
        nodes[count] = node;
        count++;
        fsm_cursor_next(&cursor);
        node = fsm_cursor_get(&cursor);
    }
    *ret_nodes = nodes;
    return count;
}

/* DELETE is asked of every parent; those without an ACL of their own have that of one asked. */
static bool may_delete_below(const struct fsm_step *step, struct fsm_node *const *nodes,
                             size_t nodes_count, struct fsm_outcome *outcome)
{
    for (size_t i = 0; i < nodes_count && step->fsm->acls_count > 0; i++) {
        if (nodes[i]->children_count > 0 && (i == 0 || fsm_node_acl(nodes[i]) != NULL) &&
            !fsm_step_may(step, fsm_node_key(nodes[i]), FSM_DELETE, outcome)) {
            return false;
        }
    }
    return true;
}

static void delete_subtree(struct fsm_step *step, struct fsm_node *top, struct fsm_outcome *outcome)
{
    struct fsm_node **nodes;
    CD_ASSERT(step->nodes_count <= step->fsm->limits.atomic_nodes);
    uint64_t limit = step->fsm->limits.atomic_nodes - step->nodes_count;
    size_t count = collect(&step->fsm->tree, top, limit, &nodes);
    if (fsm_step_may_touch(step, count, outcome) && may_delete_below(step, nodes, count, outcome)) {
        fsm_step_delete(step, nodes, count);
        outcome->nodes_count = count;
    }
    cd_free(nodes);
}

static void op_delete(struct fsm_step *step, const struct fsm_op_delete *remove,
                      struct fsm_outcome *outcome)
{
    struct fsm_bytes key = fsm_key_of_path(remove->path);
    if (!fsm_step_may(step, fsm_key_parent(key), FSM_DELETE, outcome)) {
        return;
    }
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, key);
    if (node == NULL) {
        if (!remove->if_present) {
            fsm_outcome_refuse(outcome, CD_NO_NODE);
        }
        return;
    }
    if (!fsm_node_has_version(node, remove->version)) {
        fsm_outcome_refuse(outcome, CD_BAD_VERSION);
        return;
    }
    if (node->children_count > 0 && !remove->recursive) {
        fsm_outcome_refuse(outcome, CD_NOT_EMPTY);
        return;
    }
    /* Its path is shown, so the outcome must hold it before it goes. */
    fsm_node_ref(node);
    if (node->children_count > 0) {
        delete_subtree(step, node, outcome);
    } else if (fsm_step_may_touch(step, 1, outcome)) {
        fsm_step_delete(step, &node, 1);
        outcome->nodes_count = 1;
    }
    if (outcome->status == CD_OK) {
        outcome->changed = true;
        outcome->holds = fsm_node_ref(node);
        outcome->path = fsm_path_of_key(fsm_node_key(node));
    }
    fsm_node_unref(node);
}

/* ---- Set ---- */

/* The node, if who asks has the permissions, it is there and has the version; else refuses. */
static struct fsm_node *find_to_set(const struct fsm_step *step, struct fsm_bytes path,
                                    uint32_t permissions, int64_t version,
                                    struct fsm_outcome *outcome)
{
    struct fsm_bytes key = fsm_key_of_path(path);
    if (!fsm_step_may(step, key, permissions, outcome)) {
        return NULL;
    }
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, key);
    if (node == NULL) {
        fsm_outcome_refuse(outcome, CD_NO_NODE);
        return NULL;
    }
    if (!fsm_node_has_version(node, version)) {
        fsm_outcome_refuse(outcome, CD_BAD_VERSION);
        return NULL;
    }
    return node;
}

static void set_found(struct fsm_step *step, struct fsm_node *node, struct fsm_bytes data,
                      struct fsm_outcome *outcome)
{
    uint64_t growth = data.bytes > node->data_bytes ? data.bytes - node->data_bytes : 0;
    if (fsm_step_may_touch(step, 1, outcome) && fsm_step_may_grow(step, 0, growth, outcome)) {
        fsm_outcome_show(outcome, fsm_step_set(step, node, data));
        outcome->changed = true;
        outcome->nodes_count = 1;
    }
}

static void op_set(struct fsm_step *step, const struct fsm_op_set *set, struct fsm_outcome *outcome)
{
    struct fsm_node *node = find_to_set(step, set->path, FSM_WRITE, set->version, outcome);
    if (node != NULL) {
        set_found(step, node, set->data, outcome);
    }
}

/* ---- Increment ---- */

/* The number as data; false, and refused: it has no room. */
static bool number_data(const struct fsm_step *step, int64_t value,
                        uint8_t buffer[FSM_NUMBER_BYTES_MAX], struct fsm_bytes *ret_data,
                        struct fsm_outcome *outcome)
{
    uint64_t limit = step->fsm->limits.data_bytes;
    *ret_data = fsm_bytes_make(buffer, fsm_number_format(value, buffer));
    if (ret_data->bytes > limit) {
        fsm_outcome_refuse_limit(outcome, CD_TOO_LARGE, "data_bytes", limit, ret_data->bytes);
        return false;
    }
    return true;
}

static void increment_missing(struct fsm_step *step, const struct fsm_op_increment *increment,
                              struct fsm_outcome *outcome)
{
    uint8_t buffer[FSM_NUMBER_BYTES_MAX];
    struct fsm_op_create create = {.path = increment->path, .kind = FSM_PERSISTENT};
    if (number_data(step, increment->delta, buffer, &create.data, outcome)) {
        op_create(step, &create, outcome);
    }
    if (outcome->status == CD_OK) {
        outcome->value = increment->delta;
    }
}

/* What it shows is the data, so it needs READ too. */
static void op_increment(struct fsm_step *step, const struct fsm_op_increment *increment,
                         struct fsm_outcome *outcome)
{
    uint8_t buffer[FSM_NUMBER_BYTES_MAX];
    struct fsm_bytes data;
    int64_t value;
    bool may_create = increment->create && increment->version == FSM_ANY_VERSION;
    if (may_create && fsm_tree_find(&step->fsm->tree, fsm_key_of_path(increment->path)) == NULL) {
        increment_missing(step, increment, outcome);
        return;
    }
    struct fsm_node *node = find_to_set(step, increment->path, FSM_READ | (uint32_t)FSM_WRITE,
                                        increment->version, outcome);
    if (node == NULL) {
        return;
    }
    if (!fsm_number_parse(fsm_node_data(node), &value) ||
        !fsm_number_add(value, increment->delta, &value)) {
        fsm_outcome_refuse(outcome, CD_NOT_A_NUMBER);
        return;
    }
    if (number_data(step, value, buffer, &data, outcome)) {
        set_found(step, node, data, outcome);
    }
    if (outcome->status == CD_OK) {
        outcome->value = value;
    }
}

/* ---- ACL ---- */

static void op_set_acl(struct fsm_step *step, const struct fsm_op_set_acl *set,
                       struct fsm_outcome *outcome)
{
    struct fsm_node *node = find_to_set(step, set->path, FSM_ADMIN, FSM_ANY_VERSION, outcome);
    struct fsm_stat stat;
    if (node == NULL) {
        return;
    }
    fsm_node_stat(node, &stat);
    if (set->aversion != FSM_ANY_VERSION && stat.aversion != (uint64_t)set->aversion) {
        fsm_outcome_refuse(outcome, CD_BAD_VERSION);
        return;
    }
    uint64_t before = stat.acl != NULL ? fsm_acl_bytes(stat.acl) : 0;
    uint64_t after = set->has_acl ? fsm_acl_entries_bytes(&set->acl) : 0;
    if (fsm_step_may_touch(step, 1, outcome) &&
        fsm_step_may_grow(step, 0, after > before ? after - before : 0, outcome)) {
        struct fsm_acl *acl = set->has_acl ? fsm_acl_create(&set->acl) : NULL;
        fsm_outcome_show(outcome, fsm_step_set_acl(step, node, acl));
        fsm_acl_unref(acl);
        outcome->changed = true;
        outcome->nodes_count = 1;
    }
}

void fsm_step_op(struct fsm_step *step, const struct fsm_op *op, struct fsm_outcome *outcome)
{
    outcome->kind = op->kind;
    switch (op->kind) {
    case FSM_OP_CREATE:
        op_create(step, &op->create, outcome);
        return;
    case FSM_OP_DELETE:
        op_delete(step, &op->remove, outcome);
        return;
    case FSM_OP_SET:
        op_set(step, &op->set, outcome);
        return;
    case FSM_OP_CHECK:
        fsm_op_check(step, &op->check, outcome);
        return;
    case FSM_OP_GET:
        fsm_op_get(step, &op->read, outcome);
        return;
    case FSM_OP_EXISTS:
        fsm_op_exists(step, &op->read, outcome);
        return;
    case FSM_OP_CHILDREN:
        fsm_op_children(step, &op->children, outcome);
        return;
    case FSM_OP_INCREMENT:
        op_increment(step, &op->increment, outcome);
        return;
    case FSM_OP_SET_ACL:
        op_set_acl(step, &op->set_acl, outcome);
        return;
    case FSM_OP_REAP:
        fsm_op_reap(step, &op->reap, outcome);
        return;
    case FSM_OP_AGREE_DIGEST:
        return;
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
    CD_UNREACHABLE();
}
