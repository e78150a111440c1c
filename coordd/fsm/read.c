#include "fsm/path.h"
#include "fsm/state.h"

static enum cd_status find(const struct fsm *fsm, struct fsm_bytes path, struct fsm_node **ret_node)
{
    enum cd_status status = fsm_path_check(&fsm->limits, path, NULL);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_node *node = fsm_tree_find(&fsm->tree, fsm_key_of_path(path));
    if (node == NULL) {
        return CD_NO_NODE;
    }
    *ret_node = node;
    return CD_OK;
}

enum cd_status fsm_get(const struct fsm *fsm, const struct fsm_version *version,
                       const struct fsm_who *who, struct fsm_bytes path, struct fsm_view *ret_view)
{
    CD_ASSERT(version == NULL && who == NULL);
    struct fsm_node *node;
    enum cd_status status = find(fsm, path, &node);
    if (status != CD_OK) {
        return status;
    }
    ret_view->path = fsm_path_of_key(fsm_node_key(node));
    ret_view->data = fsm_node_data(node);
    fsm_node_stat(node, &ret_view->stat);
    return CD_OK;
}

enum cd_status fsm_exists(const struct fsm *fsm, const struct fsm_version *version,
                          const struct fsm_who *who, struct fsm_bytes path,
                          struct fsm_stat *ret_stat)
{
    CD_ASSERT(version == NULL && who == NULL);
    struct fsm_node *node;
    enum cd_status status = find(fsm, path, &node);
    if (status == CD_OK) {
        fsm_node_stat(node, ret_stat);
    }
    return status;
}

/* Moves the cursor behind the subtree of a child named `after`, whether it is there or not. */
static enum cd_status seek_after(const struct fsm *fsm, struct fsm_bytes parent_key,
                                 struct fsm_bytes after, struct fsm_cursor *cursor)
{
    uint8_t buffer[FSM_PATH_BYTES_CEILING];
    size_t bytes = parent_key.bytes + 1 + after.bytes;
    if (bytes > sizeof(buffer) || memchr(after.data, '/', after.bytes) != NULL) {
        return CD_INVALID_ARGUMENT;
    }
    memcpy(buffer, parent_key.data, parent_key.bytes);
    buffer[parent_key.bytes] = '/';
    memcpy(buffer + parent_key.bytes + 1, after.data, after.bytes);
    struct fsm_bytes key = fsm_bytes_make(buffer, bytes);
    enum cd_status status = fsm_path_check(&fsm->limits, key, NULL);
    if (status == CD_OK) {
        fsm_tree_seek_past(&fsm->tree, key, cursor);
    }
    return status;
}

enum cd_status fsm_list_open(const struct fsm *fsm, const struct fsm_version *version,
                             const struct fsm_who *who, const struct fsm_list_options *options,
                             struct fsm_list *ret_list)
{
    CD_ASSERT(version == NULL && who == NULL);
    CD_ASSERT(options->kind == FSM_LIST_CHILDREN);
    struct fsm_node *node;
    enum cd_status status = find(fsm, options->path, &node);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_list list = {.zxid = fsm->zxid,
                            .options = *options,
                            .fsm = fsm,
                            .tree = &fsm->tree,
                            .prefix = fsm_node_key(node)};
    fsm_node_stat(node, &list.top);
    if (options->after.bytes != 0) {
        status = seek_after(fsm, list.prefix, options->after, &list.cursor);
    } else {
        fsm_tree_seek(&fsm->tree, list.prefix, &list.cursor);
        fsm_cursor_next(
            &list.cursor); /* directly behind a node is its first child, if it has one */
    }
    if (status == CD_OK) {
        *ret_list = list;
    }
    return status;
}

bool fsm_list_next(struct fsm_list *list, struct fsm_view *ret_view)
{
    const struct fsm_node *node = fsm_cursor_get(&list->cursor);
    if (node == NULL || !fsm_key_below(fsm_node_key(node), list->prefix)) {
        return false;
    }
    struct fsm_bytes key = fsm_node_key(node);
    size_t before_name = list->prefix.bytes + 1;
    ret_view->path = fsm_bytes_make(key.data + before_name, key.bytes - before_name);
    ret_view->data = fsm_node_data(node);
    fsm_node_stat(node, &ret_view->stat);
    if (node->children_count == 0) {
        fsm_cursor_next(&list->cursor);
    } else {
        fsm_tree_seek_past(list->tree, key, &list->cursor);
    }
    return true;
}
