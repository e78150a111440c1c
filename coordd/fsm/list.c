#include "fsm/acl.h"
#include "fsm/ephemeral.h"
#include "fsm/path.h"
#include "fsm/read.h"
#include "fsm/state.h"

/* Lists: walks over a range of the tree, in the order of keys. */

/* The key of a child with a name that a client gave. */
static enum cd_status child_key(const struct fsm *fsm, struct fsm_bytes parent,
                                struct fsm_bytes name, uint8_t *buffer, size_t room,
                                struct fsm_bytes *ret_key)
{
    size_t bytes = parent.bytes + 1 + name.bytes;
    if (bytes > room || memchr(name.data, '/', name.bytes) != NULL) {
        return CD_INVALID_ARGUMENT;
    }
    if (parent.bytes != 0) {
        memcpy(buffer, parent.data, parent.bytes);
    }
    buffer[parent.bytes] = '/';
    memcpy(buffer + parent.bytes + 1, name.data, name.bytes);
    *ret_key = fsm_bytes_make(buffer, bytes);
    return fsm_path_check(&fsm->limits, *ret_key, NULL);
}

/* Behind `after`, whether that exists or not. */
static enum cd_status seek_after(struct fsm_list *list)
{
    const struct fsm_list_options *options = &list->options;
    if (options->kind == FSM_LIST_CHILDREN) {
        uint8_t buffer[FSM_PATH_BYTES_CEILING];
        struct fsm_bytes key;
        enum cd_status status =
            child_key(list->fsm, list->prefix, options->after, buffer, sizeof(buffer), &key);
        if (status == CD_OK) {
            fsm_tree_seek_past(list->tree, key, &list->cursor);
        }
        return status;
    }
    enum cd_status status = fsm_path_check(&list->fsm->limits, options->after, NULL);
    struct fsm_bytes key = fsm_key_of_path(options->after);
    if (status != CD_OK ||
        !(fsm_bytes_equal(key, list->prefix) || fsm_key_below(key, list->prefix))) {
        return CD_INVALID_ARGUMENT;
    }
    fsm_tree_seek(list->tree, key, &list->cursor);
    const struct fsm_node *node = fsm_cursor_get(&list->cursor);
    if (node != NULL && fsm_bytes_equal(fsm_node_key(node), key)) {
        fsm_cursor_next(&list->cursor);
    }
    return CD_OK;
}

enum cd_status fsm_list_open(const struct fsm *fsm, const struct fsm_version *version,
                             const struct fsm_who *who, const struct fsm_list_options *options,
                             struct fsm_list *ret_list)
{
    if (options->kind == FSM_LIST_EPHEMERALS) {
        return version == NULL ? fsm_ephemeral_list(fsm, who, options, ret_list)
                               : CD_INVALID_ARGUMENT;
    }
    struct fsm_shown shown = fsm_shown(fsm, version);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, options->path, &node);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_list list = {.zxid = shown.zxid,
                            .options = *options,
                            .fsm = fsm,
                            .who = who,
                            .tree = shown.tree,
                            .acls = shown.acls_count != 0,
                            .prefix = fsm_node_key(node)};
    fsm_node_stat(node, &list.top);
    if (options->after.bytes != 0) {
        status = seek_after(&list);
    } else {
        fsm_tree_seek(list.tree, list.prefix, &list.cursor);
        if (options->kind == FSM_LIST_CHILDREN) {
            fsm_cursor_next(
                &list.cursor); /* directly behind a node is its first child, if it has one */
        }
    }
    if (status == CD_OK) {
        *ret_list = list;
    }
    return status;
}

static bool may_read(const struct fsm_list *list, const struct fsm_node *node)
{
    return !list->acls || fsm_acl_allows(fsm_acl_in_force(list->tree, fsm_node_key(node), NULL),
                                         list->who, FSM_READ);
}

static bool next_child(struct fsm_list *list, struct fsm_view *ret_view)
{
    const struct fsm_node *node = fsm_cursor_get(&list->cursor);
    if (node == NULL || !fsm_key_below(fsm_node_key(node), list->prefix)) {
        return false;
    }
    struct fsm_bytes key = fsm_node_key(node);
    size_t before_name = list->prefix.bytes + 1;
    if (may_read(list, node)) {
        fsm_view_of(node, ret_view);
    } else {
        *ret_view = (struct fsm_view){.data = {NULL, 0}};
    }
    ret_view->path = fsm_bytes_make(key.data + before_name, key.bytes - before_name);
    if (node->children_count == 0) {
        fsm_cursor_next(&list->cursor);
    } else {
        fsm_tree_seek_past(list->tree, key, &list->cursor);
    }
    return true;
}

/* Levels of `key` below `prefix`. */
static uint32_t depth_of(struct fsm_bytes key, struct fsm_bytes prefix)
{
    uint32_t depth = 0;
    for (size_t i = prefix.bytes; i < key.bytes; i++) {
        depth += key.data[i] == '/';
    }
    return depth;
}

static bool wanted(const struct fsm_list *list, const struct fsm_node *node)
{
    if (list->options.kind == FSM_LIST_CHANGED && fsm_node_last_zxid(node) <= list->options.since) {
        return false;
    }
    return may_read(list, node);
}

static bool next_below(struct fsm_list *list, struct fsm_view *ret_view)
{
    const struct fsm_list_options *options = &list->options;
    for (;;) {
        if (options->kind == FSM_LIST_CHANGED) {
            fsm_cursor_skip_older(&list->cursor, options->since);
        }
        const struct fsm_node *node = fsm_cursor_get(&list->cursor);
        struct fsm_bytes key = node != NULL ? fsm_node_key(node) : fsm_bytes_make(NULL, 0);
        if (node == NULL ||
            !(fsm_bytes_equal(key, list->prefix) || fsm_key_below(key, list->prefix))) {
            return false;
        }
        bool deepest = options->depth != 0 && depth_of(key, list->prefix) >= options->depth;
        if (deepest && node->children_count != 0) {
            fsm_tree_seek_past(list->tree, key, &list->cursor);
        } else {
            fsm_cursor_next(&list->cursor);
        }
        if (wanted(list, node) &&
            (options->depth == 0 || depth_of(key, list->prefix) <= options->depth)) {
            fsm_view_of(node, ret_view);
            return true;
        }
    }
}

static bool next_ephemeral(struct fsm_list *list, struct fsm_view *ret_view)
{
    const struct fsm_node *node = fsm_ephemeral_list_next(list);
    while (node != NULL && !may_read(list, node)) {
        node = fsm_ephemeral_list_next(list);
    }
    if (node != NULL) {
        fsm_view_of(node, ret_view);
    }
    return node != NULL;
}

bool fsm_list_next(struct fsm_list *list, struct fsm_view *ret_view)
{
    if (list->options.kind == FSM_LIST_EPHEMERALS) {
        return next_ephemeral(list, ret_view);
    }
    return list->options.kind == FSM_LIST_CHILDREN ? next_child(list, ret_view)
                                                   : next_below(list, ret_view);
}
