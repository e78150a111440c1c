#include "base/memory.h"
#include "fsm/allow.h"
#include "fsm/path.h"

/* The operations of a transaction that change nothing. */

void fsm_op_check(struct fsm_step *step, const struct fsm_op_check *check,
                  struct fsm_outcome *outcome)
{
    struct fsm_bytes key = fsm_key_of_path(check->path);
    if (!fsm_step_may(step, key, FSM_READ, outcome)) {
        return;
    }
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, key);
    if (node == NULL) {
        fsm_outcome_refuse(outcome, CD_NO_NODE);
    } else if (!fsm_node_has_version(node, check->version)) {
        fsm_outcome_refuse(outcome, CD_BAD_VERSION);
    } else {
        fsm_outcome_show(outcome, node);
    }
}

void fsm_op_get(struct fsm_step *step, const struct fsm_op_read *read, struct fsm_outcome *outcome)
{
    struct fsm_bytes key = fsm_key_of_path(read->path);
    if (!fsm_step_may(step, key, FSM_READ, outcome)) {
        return;
    }
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, key);
    if (node == NULL) {
        fsm_outcome_refuse(outcome, CD_NO_NODE);
    } else if (fsm_step_may_read(step, node->data_bytes, outcome)) {
        fsm_outcome_show(outcome, node);
        outcome->data = fsm_node_data(node);
    }
}

void fsm_op_exists(struct fsm_step *step, const struct fsm_op_read *read,
                   struct fsm_outcome *outcome)
{
    struct fsm_bytes key = fsm_key_of_path(read->path);
    if (!fsm_step_may(step, key, FSM_READ, outcome)) {
        return;
    }
    struct fsm_node *node = fsm_tree_find(&step->fsm->tree, key);
    if (node != NULL) {
        fsm_outcome_show(outcome, node);
        outcome->found = true;
    }
}

/* ---- Children ---- */

static struct fsm_bytes put_bytes(uint8_t **to, struct fsm_bytes bytes)
{
    struct fsm_bytes put = fsm_bytes_make(*to, bytes.bytes);
    if (bytes.bytes != 0) {
        memcpy(*to, bytes.data, bytes.bytes);
    }
    *to += bytes.bytes;
    return put;
}

/* Copies what is shown into one block of memory, so that it outlives the tree's next change. */
static void copy_children(struct fsm_list *list, const struct fsm_op_children *children,
                          size_t count, size_t bytes, struct fsm_outcome *outcome)
{
    struct fsm_view *views = cd_calloc(1, count * sizeof(*views) + bytes);
    uint8_t *to = (uint8_t *)(views + count);
    for (size_t i = 0; i < count; i++) {
        struct fsm_view view;
        bool more = fsm_list_next(list, &view);
        CD_ASSERT(more);
        views[i].path = put_bytes(&to, view.path);
        if (children->with_stat) {
            views[i].stat = view.stat;
            views[i].stat.acl = NULL; /* the block holds no reference to it */
        }
        if (children->with_data) {
            views[i].data = put_bytes(&to, view.data);
        }
    }
    outcome->owned = views;
    outcome->children = views;
    outcome->children_count = count;
}

void fsm_op_children(struct fsm_step *step, const struct fsm_op_children *children,
                     struct fsm_outcome *outcome)
{
    const struct fsm_list_options options = {
        .kind = FSM_LIST_CHILDREN, .path = children->path, .after = children->after};
    struct fsm_list list;
    struct fsm_view view;
    enum cd_status status = fsm_list_open(step->fsm, NULL, &step->who, &options, &list);
    if (status != CD_OK) {
        fsm_outcome_refuse(outcome, status);
        return;
    }
    uint64_t room = step->fsm->limits.txn_bytes - step->read_bytes;
    struct fsm_list again = list;
    size_t count = 0;
    uint64_t bytes = 0;
    bool more = fsm_list_next(&list, &view);
    while (more && count < children->limit) {
        bytes += view.path.bytes + (children->with_data ? view.data.bytes : 0);
        count++;
        if (bytes + count * FSM_CHILD_BYTES > room) {
            break; /* refused below */
        }
        more = fsm_list_next(&list, &view);
    }
    if (fsm_step_may_read(step, bytes + count * FSM_CHILD_BYTES, outcome)) {
        fsm_outcome_show(outcome, fsm_tree_find(&step->fsm->tree, again.prefix));
        outcome->with_stat = children->with_stat;
        outcome->with_data = children->with_data;
        outcome->children_more = more;
        copy_children(&again, children, count, bytes, outcome);
    }
}
