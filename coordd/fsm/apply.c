#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/sequence.h"
#include "fsm/state.h"

static void refuse(struct fsm_outcome *outcome, enum cd_status status)
{
    *outcome = (struct fsm_outcome){.kind = outcome->kind, .status = status};
}

static void refuse_limit(struct fsm_outcome *outcome, enum cd_status status, const char *limit_name,
                         uint64_t limit, uint64_t wanted)
{
    *outcome = (struct fsm_outcome){.kind = outcome->kind,
                                    .status = status,
                                    .limit_name = limit_name,
                                    .limit = limit,
                                    .wanted = wanted};
}

/* May the command create, set or delete so many nodes more? */
static bool allow_nodes(const struct fsm_step *step, uint64_t more, struct fsm_outcome *outcome)
{
    uint64_t limit = step->fsm->limits.atomic_nodes;
    if (step->nodes_count + more <= limit) {
        return true;
    }
    refuse_limit(outcome, CD_TOO_MANY, "atomic_nodes", limit, step->nodes_count + more);
    return false;
}

/* May the tree grow by so much? */
static bool allow_growth(const struct fsm_step *step, uint64_t nodes, uint64_t bytes,
                         struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    if (fsm->tree.count + nodes > fsm->limits.tree_nodes) {
        refuse_limit(outcome, CD_TOO_MANY, "tree_nodes", fsm->limits.tree_nodes,
                     fsm->tree.count + nodes);
        return false;
    }
    if (fsm->tree_bytes + bytes > fsm->limits.tree_bytes) {
        refuse_limit(outcome, CD_TOO_LARGE, "tree_bytes", fsm->limits.tree_bytes,
                     fsm->tree_bytes + bytes);
        return false;
    }
    return true;
}

static bool version_matches(const struct fsm_node *node, int64_t version)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    return version == FSM_ANY_VERSION || stat.version == (uint64_t)version;
}

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
    const struct fsm_stat above = {.kind = FSM_PERSISTENT};
    for (size_t at = plan->present_bytes + 1; at < plan->key.bytes; at++) {
        if (plan->key.data[at] == '/') {
            fsm_step_create(step, fsm_bytes_make(plan->key.data, at), &above,
                            fsm_bytes_make(NULL, 0), 0);
        }
    }
    const struct fsm_stat like = {.kind = create->kind, .suffix_bytes = plan->suffix_bytes};
    fsm_outcome_show(outcome, fsm_step_create(step, plan->key, &like, create->data, plan->creates));
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
        refuse(outcome, CD_NO_CHILDREN_FOR_EPHEMERALS);
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
    refuse_limit(outcome, CD_TOO_MANY, "session_ephemerals", limit, session->ephemerals + 1);
    return false;
}

static void op_create(struct fsm_step *step, const struct fsm_op_create *create,
                      struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    uint8_t buffer[FSM_PATH_BYTES_CEILING + FSM_SEQUENCE_BYTES_MAX];
    struct plan plan = {0};
    if (create->sequential) {
        plan_sequence(&fsm->tree, create->path, buffer, &plan);
        if (plan.key.bytes > fsm->limits.path_bytes) {
            refuse(outcome, CD_INVALID_ARGUMENT);
            return;
        }
    } else {
        plan.key = fsm_key_of_path(create->path);
        struct fsm_node *present = fsm_tree_find(&fsm->tree, plan.key);
        if (present != NULL && create->if_absent) {
            fsm_outcome_show(outcome, present);
            return;
        }
        if (present != NULL) {
            refuse(outcome, CD_NODE_EXISTS);
            return;
        }
    }
    plan_ancestors(&fsm->tree, &plan);
    if (plan.missing_nodes > 0 && !create->make_parents) {
        refuse(outcome, CD_NO_PARENT);
        return;
    }
    if (!allow_ephemerals(step, create, &plan, outcome)) {
        return;
    }
    uint64_t bytes = plan.missing_bytes + plan.key.bytes + create->data.bytes;
    if (allow_nodes(step, plan.missing_nodes + 1, outcome) &&
        allow_growth(step, plan.missing_nodes + 1, bytes, outcome)) {
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

static void delete_subtree(struct fsm_step *step, struct fsm_node *top, struct fsm_outcome *outcome)
{
    struct fsm_node **nodes;
    CD_ASSERT(step->nodes_count <= step->fsm->limits.atomic_nodes);
    uint64_t limit = step->fsm->limits.atomic_nodes - step->nodes_count;
    size_t count = collect(&step->fsm->tree, top, limit, &nodes);
    if (allow_nodes(step, count, outcome)) {
        fsm_step_delete(step, nodes, count);
        outcome->nodes_count = count;
    }
    cd_free(nodes);
}

static void op_delete(struct fsm_step *step, const struct fsm_op_delete *remove,
                      struct fsm_outcome *outcome)
{
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, fsm_key_of_path(remove->path));
    if (node == NULL) {
        if (!remove->if_present) {
            refuse(outcome, CD_NO_NODE);
        }
        return;
    }
    if (!version_matches(node, remove->version)) {
        refuse(outcome, CD_BAD_VERSION);
        return;
    }
    if (node->children_count > 0 && !remove->recursive) {
        refuse(outcome, CD_NOT_EMPTY);
        return;
    }
    /* Its path is shown, so the outcome must hold it before it goes. */
    fsm_node_ref(node);
    if (node->children_count > 0) {
        delete_subtree(step, node, outcome);
    } else if (allow_nodes(step, 1, outcome)) {
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

/* ---- The others ---- */

static void op_set(struct fsm_step *step, const struct fsm_op_set *set, struct fsm_outcome *outcome)
{
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, fsm_key_of_path(set->path));
    if (node == NULL) {
        refuse(outcome, CD_NO_NODE);
        return;
    }
    if (!version_matches(node, set->version)) {
        refuse(outcome, CD_BAD_VERSION);
        return;
    }
    uint64_t growth = set->data.bytes > node->data_bytes ? set->data.bytes - node->data_bytes : 0;
    if (allow_nodes(step, 1, outcome) && allow_growth(step, 0, growth, outcome)) {
        fsm_outcome_show(outcome, fsm_step_set(step, node, set->data));
        outcome->changed = true;
        outcome->nodes_count = 1;
    }
}

static void op_check(struct fsm_step *step, const struct fsm_op_check *check,
                     struct fsm_outcome *outcome)
{
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, fsm_key_of_path(check->path));
    if (node == NULL) {
        refuse(outcome, CD_NO_NODE);
    } else if (!version_matches(node, check->version)) {
        refuse(outcome, CD_BAD_VERSION);
    } else {
        fsm_outcome_show(outcome, node);
    }
}

static void op_get(struct fsm_step *step, const struct fsm_op_read *read,
                   struct fsm_outcome *outcome)
{
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, fsm_key_of_path(read->path));
    if (node == NULL) {
        refuse(outcome, CD_NO_NODE);
        return;
    }
    uint64_t limit = step->fsm->limits.txn_bytes;
    if (step->read_bytes + node->data_bytes > limit) {
        refuse_limit(outcome, CD_TOO_LARGE, "txn_bytes", limit,
                     step->read_bytes + node->data_bytes);
        return;
    }
    step->read_bytes += node->data_bytes;
    fsm_outcome_show(outcome, node);
    outcome->data = fsm_node_data(node);
}

static void op_exists(struct fsm_step *step, const struct fsm_op_read *read,
                      struct fsm_outcome *outcome)
{
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, fsm_key_of_path(read->path));
    if (node != NULL) {
        fsm_outcome_show(outcome, node);
        outcome->found = true;
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
        op_check(step, &op->check, outcome);
        return;
    case FSM_OP_GET:
        op_get(step, &op->read, outcome);
        return;
    case FSM_OP_EXISTS:
        op_exists(step, &op->read, outcome);
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
    CD_UNREACHABLE();
}
