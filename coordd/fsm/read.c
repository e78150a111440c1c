#include "fsm/read.h"
#include "fsm/acl.h"
#include "fsm/path.h"
#include "fsm/queue.h"
#include "fsm/state.h"

/* Reads of one node, of the state or of a version of it. */

struct fsm_shown fsm_shown(const struct fsm *fsm, const struct fsm_version *version)
{
    if (version == NULL) {
        return (struct fsm_shown){
            .tree = &fsm->tree, .zxid = fsm->zxid, .acls_count = fsm->acls_count};
    }
    return fsm_version_shown(version);
}

bool fsm_shown_allows(const struct fsm_shown *shown, const struct fsm_who *who,
                      struct fsm_bytes key)
{
    const struct fsm_acl *acl =
        shown->acls_count == 0 ? NULL : fsm_acl_in_force(shown->tree, key, NULL);
    return fsm_acl_allows(acl, who, FSM_READ);
}

enum cd_status fsm_shown_find(const struct fsm *fsm, const struct fsm_shown *shown,
                              const struct fsm_who *who, struct fsm_bytes path,
                              struct fsm_node **ret_node)
{
    enum cd_status status = fsm_path_check(&fsm->limits, path, NULL);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_bytes key = fsm_key_of_path(path);
    if (!fsm_shown_allows(shown, who, key)) {
        return CD_PERMISSION_DENIED;
    }
    struct fsm_node *node = fsm_tree_find(shown->tree, key);
    if (node == NULL) {
        return CD_NO_NODE;
    }
    *ret_node = node;
    return CD_OK;
}

void fsm_view_of(const struct fsm_node *node, struct fsm_view *ret_view)
{
    ret_view->path = fsm_path_of_key(fsm_node_key(node));
    ret_view->data = fsm_node_data(node);
    fsm_node_stat(node, &ret_view->stat);
}

enum cd_status fsm_get(const struct fsm *fsm, const struct fsm_version *version,
                       const struct fsm_who *who, struct fsm_bytes path, struct fsm_view *ret_view)
{
    struct fsm_shown shown = fsm_shown(fsm, version);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, path, &node);
    if (status == CD_OK) {
        fsm_view_of(node, ret_view);
    }
    return status;
}

enum cd_status fsm_exists(const struct fsm *fsm, const struct fsm_version *version,
                          const struct fsm_who *who, struct fsm_bytes path,
                          struct fsm_stat *ret_stat)
{
    struct fsm_shown shown = fsm_shown(fsm, version);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, path, &node);
    if (status == CD_OK) {
        fsm_node_stat(node, ret_stat);
    }
    return status;
}

enum cd_status fsm_holds(const struct fsm *fsm, const struct fsm_who *who,
                         const struct fsm_held *held)
{
    struct fsm_shown shown = fsm_shown(fsm, NULL);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, held->path, &node);
    if (status != CD_OK) {
        return status == CD_NO_NODE ? CD_NOT_HELD : status;
    }
    return fsm_queue_holds(&fsm->tree, held) ? CD_OK : CD_NOT_HELD;
}

enum cd_status fsm_get_acl(const struct fsm *fsm, const struct fsm_version *version,
                           const struct fsm_who *who, struct fsm_bytes path,
                           struct fsm_acl_entries *ret_acl, struct fsm_bytes *ret_origin,
                           struct fsm_stat *ret_stat)
{
    struct fsm_shown shown = fsm_shown(fsm, version);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, path, &node);
    if (status != CD_OK) {
        return status;
    }
    struct fsm_bytes origin;
    const struct fsm_acl *acl = fsm_acl_in_force(shown.tree, fsm_node_key(node), &origin);
    *ret_acl = fsm_acl_entries(acl);
    *ret_origin = fsm_path_of_key(origin);
    fsm_node_stat(node, ret_stat);
    return CD_OK;
}

enum cd_status fsm_count(const struct fsm *fsm, const struct fsm_version *version,
                         const struct fsm_who *who, struct fsm_bytes path, uint64_t *ret_nodes)
{
    struct fsm_shown shown = fsm_shown(fsm, version);
    struct fsm_node *node;
    enum cd_status status = fsm_shown_find(fsm, &shown, who, path, &node);
    if (status == CD_OK) {
        struct fsm_cursor from;
        struct fsm_cursor to;
        fsm_tree_seek(shown.tree, fsm_node_key(node), &from);
        fsm_tree_seek_past(shown.tree, fsm_node_key(node), &to);
        *ret_nodes = fsm_cursor_distance(&from, &to) - 1;
    }
    return status;
}
