#include "base/memory.h"
#include "fsm/ephemeral.h"
#include "fsm/life.h"
#include "fsm/path.h"

/*
 * The only place that changes the tree. What a change does to the parent is ZooKeeper's: creating
 * or deleting a child moves pzxid and the two counters, setting data touches the node alone.
 */

#define UNDO_CAPACITY_FIRST 8u

void fsm_step_init(struct fsm_step *step, struct fsm *fsm, struct fsm_result *result)
{
    CD_ASSERT(fsm_zxid_generation(fsm->zxid + 1) == fsm_zxid_generation(fsm->zxid));
    *step = (struct fsm_step){
        .fsm = fsm,
        .result = result,
        .zxid = fsm->zxid + 1,
        .undo_tree_bytes = fsm->tree_bytes,
        .undo_tree_digest = fsm->tree_digest,
        .undo_acls_count = fsm->acls_count,
    };
}

void fsm_step_release(struct fsm_step *step)
{
    for (size_t i = 0; i < step->undo_count; i++) {
        fsm_node_unref(step->undo[i].before);
        fsm_node_unref(step->undo[i].created);
    }
    cd_free(step->undo);
    *step = (struct fsm_step){0};
}

static void undo_add(struct fsm_step *step, struct fsm_undo undo)
{
    if (step->undo_count == step->undo_capacity) {
        step->undo_capacity =
            step->undo_capacity == 0 ? UNDO_CAPACITY_FIRST : 2 * step->undo_capacity;
        step->undo = cd_realloc(step->undo, step->undo_capacity * sizeof(*step->undo));
    }
    step->undo[step->undo_count] = undo;
    step->undo_count++;
}

/*
 * Before a version is changed or leaves the tree. Only the version from before the transaction is
 * kept: a node that bears its zxid was created by it or is in the log already. (Keeping the others
 * would be right too, but a shared version is copied whole at its next change.)
 */
static void undo_keep(struct fsm_step *step, struct fsm_node *node)
{
    if (step->in_txn && fsm_node_last_zxid(node) != step->zxid) {
        undo_add(step, (struct fsm_undo){.before = fsm_node_ref(node)});
    }
}

static void restat(struct fsm_step *step, struct fsm_node *node, const struct fsm_stat *stat)
{
    struct fsm *fsm = step->fsm;
    undo_keep(step, node);
    fsm_life_removed(fsm, node);
    fsm->tree_digest -= fsm_node_digest_stat(node);
    node = fsm_tree_restat(&fsm->tree, fsm_node_key(node), stat);
    fsm->tree_digest += fsm_node_digest_stat(node);
    fsm_life_added(fsm, node);
}

/* From when on its time runs: life.h. */
static uint64_t idle_since(const struct fsm *fsm, const struct fsm_stat *stat)
{
    bool mortal = stat->kind == FSM_TTL || stat->kind == FSM_CONTAINER;
    bool had_children = stat->kind == FSM_TTL || stat->creates > 0;
    return mortal && had_children && stat->children_count == 0 ? fsm->elapsed_ms : 0;
}

static struct fsm_node *find_parent(struct fsm_step *step, struct fsm_bytes key,
                                    struct fsm_stat *ret_stat)
{
    struct fsm_node *parent = fsm_tree_find(&step->fsm->tree, fsm_key_parent(key));
    CD_ASSERT(parent != NULL);
    fsm_node_stat(parent, ret_stat);
    return parent;
}

/* In force at a node that is in the tree. Without ACLs but the root's nobody goes and looks. */
static struct fsm_acl *in_force(const struct fsm *fsm, const struct fsm_node *node)
{
    return fsm->acls_count == 0 ? NULL : fsm_acl_in_force(&fsm->tree, fsm_node_key(node), NULL);
}

static void add(struct fsm *fsm, struct fsm_node *node)
{
    fsm->tree_bytes += fsm_node_bytes(node);
    fsm->tree_digest += fsm_node_digest(node);
    fsm->acls_count += fsm_node_acl(node) != NULL;
    fsm_life_added(fsm, node);
}

static void subtract(struct fsm *fsm, const struct fsm_node *node)
{
    fsm->tree_bytes -= fsm_node_bytes(node);
    fsm->tree_digest -= fsm_node_digest(node);
    fsm->acls_count -= fsm_node_acl(node) != NULL;
    fsm_life_removed(fsm, node);
}

struct fsm_node *fsm_step_create(struct fsm_step *step, struct fsm_bytes key,
                                 const struct fsm_stat *like, struct fsm_bytes data,
                                 uint64_t creates)
{
    struct fsm *fsm = step->fsm;
    struct fsm_stat stat = {
        .czxid = step->zxid,
        .mzxid = step->zxid,
        .pzxid = step->zxid,
        .ctime_ms = fsm->wall_ms,
        .mtime_ms = fsm->wall_ms,
        .azxid = like->acl != NULL ? step->zxid : 0,
        .owner = like->kind == FSM_EPHEMERAL ? step->session : 0,
        .ttl_ms = like->ttl_ms,
        .data_bytes = (uint32_t)data.bytes,
        .kind = like->kind,
        .suffix_bytes = like->suffix_bytes,
        .acl = like->acl,
    };
    stat.idle_elapsed_ms = idle_since(fsm, &stat);
    struct fsm_node *node = fsm_node_create(key, &stat, data);
    add(fsm, node);
    fsm_tree_insert(&fsm->tree, node);
    fsm_ephemeral_added(fsm, node);
    if (step->in_txn) {
        undo_add(step, (struct fsm_undo){.created = fsm_node_ref(node)});
    }
    fsm_result_add_change(step->result, FSM_NODE_CREATED, node, NULL, in_force(fsm, node));

    struct fsm_node *parent = find_parent(step, key, &stat);
    stat.pzxid = step->zxid;
    stat.children_count++;
    stat.creates = creates > stat.creates ? creates : stat.creates + 1;
    stat.idle_elapsed_ms = 0;
    restat(step, parent, &stat);
    step->nodes_count++;
    return node;
}

/* Puts a version with that stat and data in the place of `node`. Returns it, borrowed. */
static struct fsm_node *put(struct fsm_step *step, enum fsm_change_kind kind, struct fsm_node *node,
                            const struct fsm_stat *stat, struct fsm_bytes data)
{
    struct fsm *fsm = step->fsm;
    undo_keep(step, node);
    struct fsm_node *now = fsm_node_create(fsm_node_key(node), stat, data);
    struct fsm_node *before = fsm_node_ref(node);
    subtract(fsm, node);
    add(fsm, now);
    fsm_tree_replace(&fsm->tree, now);
    fsm_result_add_change(step->result, kind, now, before, in_force(fsm, now));
    fsm_node_unref(before);
    step->nodes_count++;
    return now;
}

struct fsm_node *fsm_step_set(struct fsm_step *step, struct fsm_node *node, struct fsm_bytes data)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    stat.mzxid = step->zxid;
    stat.mtime_ms = step->fsm->wall_ms;
    stat.version++;
    stat.data_bytes = (uint32_t)data.bytes;
    if (stat.kind == FSM_TTL) {
        stat.idle_elapsed_ms = idle_since(step->fsm, &stat);
    }
    return put(step, FSM_NODE_SET, node, &stat, data);
}

struct fsm_node *fsm_step_set_acl(struct fsm_step *step, struct fsm_node *node, struct fsm_acl *acl)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    stat.azxid = step->zxid;
    stat.aversion++;
    stat.acl = acl;
    return put(step, FSM_NODE_ACL_SET, node, &stat, fsm_node_data(node));
}

void fsm_step_delete(struct fsm_step *step, struct fsm_node *const *nodes, size_t nodes_count)
{
    struct fsm *fsm = step->fsm;
    struct fsm_node *top = nodes[0];
    for (size_t i = nodes_count; i > 0; i--) {
        struct fsm_node *node = nodes[i - 1];
        undo_keep(step, node);
        fsm_result_add_change(step->result, FSM_NODE_DELETED, node, NULL, in_force(fsm, node));
        subtract(fsm, node);
        fsm_ephemeral_removed(fsm, node);
        fsm_tree_remove(&fsm->tree, fsm_node_key(node));
        step->nodes_count++;
    }
    /* The list of changes keeps `top` alive. */
    struct fsm_stat stat;
    struct fsm_node *parent = find_parent(step, fsm_node_key(top), &stat);
    CD_ASSERT(stat.children_count > 0);
    stat.pzxid = step->zxid;
    stat.children_count--;
    stat.idle_elapsed_ms = idle_since(fsm, &stat);
    restat(step, parent, &stat);
}

void fsm_step_undo(struct fsm_step *step)
{
    struct fsm_tree *tree = &step->fsm->tree;
    CD_ASSERT(step->in_txn);
    for (size_t i = step->undo_count; i > 0; i--) {
        const struct fsm_undo *undo = &step->undo[i - 1];
        struct fsm_node *node = undo->created != NULL ? undo->created : undo->before;
        const struct fsm_node *present = fsm_tree_find(tree, fsm_node_key(node));
        if (present != NULL) {
            fsm_life_removed(step->fsm, present);
        }
        if (undo->created != NULL && present != NULL) {
            fsm_ephemeral_removed(step->fsm, present);
            fsm_tree_remove(tree, fsm_node_key(node));
        } else if (undo->before != NULL && present != NULL) {
            fsm_tree_replace(tree, fsm_node_ref(node));
        } else if (undo->before != NULL) {
            fsm_tree_insert(tree, fsm_node_ref(node));
            fsm_ephemeral_added(step->fsm, node);
        }
        if (undo->before != NULL) {
            fsm_life_added(step->fsm, node);
        }
    }
    step->fsm->tree_bytes = step->undo_tree_bytes;
    step->fsm->tree_digest = step->undo_tree_digest;
    step->fsm->acls_count = step->undo_acls_count;
    fsm_result_drop_changes(step->result);
}

void fsm_restore_node(struct fsm *fsm, struct fsm_node *node)
{
    add(fsm, node);
    fsm_tree_insert(&fsm->tree, node);
    fsm_ephemeral_restored(fsm, node);
}
