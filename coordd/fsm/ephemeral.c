#include "fsm/ephemeral.h"

#include "fsm/path.h"

struct index_key {
    uint8_t bytes[FSM_OWNER_BYTES + FSM_PATH_BYTES_CEILING];
};

static struct fsm_bytes make_key(struct index_key *buffer, uint64_t session, struct fsm_bytes key)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < FSM_OWNER_BYTES; i++) {
        buffer->bytes[i] = (uint8_t)digits[session >> (60 - 4 * i) & 15];
    }
    if (key.bytes != 0) {
        memcpy(buffer->bytes + FSM_OWNER_BYTES, key.data, key.bytes);
    }
    return fsm_bytes_make(buffer->bytes, FSM_OWNER_BYTES + key.bytes);
}

static void count(struct fsm *fsm, uint64_t id, bool more)
{
    struct fsm_session *session = fsm_session_set_own(&fsm->sessions, id);
    CD_ASSERT(more || session->ephemerals > 0);
    session->ephemerals = more ? session->ephemerals + 1 : session->ephemerals - 1;
    fsm_session_changed(fsm, session);
}

void fsm_ephemeral_restored(struct fsm *fsm, const struct fsm_node *node)
{
    if (fsm_node_kind_of(node) != FSM_EPHEMERAL) {
        return;
    }
    struct index_key buffer;
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    struct fsm_bytes key = make_key(&buffer, stat.owner, fsm_node_key(node));
    fsm_tree_insert(&fsm->ephemerals,
                    fsm_node_create(key, &(struct fsm_stat){0}, fsm_bytes_make(NULL, 0)));
}

void fsm_ephemeral_added(struct fsm *fsm, const struct fsm_node *node)
{
    fsm_ephemeral_restored(fsm, node);
    if (fsm_node_kind_of(node) == FSM_EPHEMERAL) {
        struct fsm_stat stat;
        fsm_node_stat(node, &stat);
        count(fsm, stat.owner, true);
    }
}

void fsm_ephemeral_removed(struct fsm *fsm, const struct fsm_node *node)
{
    if (fsm_node_kind_of(node) != FSM_EPHEMERAL) {
        return;
    }
    struct index_key buffer;
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    fsm_tree_remove(&fsm->ephemerals, make_key(&buffer, stat.owner, fsm_node_key(node)));
    count(fsm, stat.owner, false);
}

struct fsm_node *fsm_ephemeral_next(const struct fsm *fsm, uint64_t session, struct fsm_bytes after)
{
    struct index_key buffer;
    struct fsm_cursor cursor;
    struct fsm_bytes above = make_key(&buffer, session, after);
    struct fsm_bytes owner = fsm_bytes_make(above.data, FSM_OWNER_BYTES);
    /* Nothing is below an ephemeral node, so what is behind its subtree is behind it; but without
     * `after` the owner itself, which is no entry, has all its nodes below it. */
    if (after.bytes != 0) {
        fsm_tree_seek_past(&fsm->ephemerals, above, &cursor);
    } else {
        fsm_tree_seek(&fsm->ephemerals, above, &cursor);
    }
    const struct fsm_node *entry = fsm_cursor_get(&cursor);
    if (entry == NULL || !fsm_key_below(fsm_node_key(entry), owner)) {
        return NULL;
    }
    struct fsm_bytes key = fsm_node_key(entry);
    struct fsm_node *node = fsm_tree_find(
        &fsm->tree, fsm_bytes_make(key.data + FSM_OWNER_BYTES, key.bytes - FSM_OWNER_BYTES));
    CD_ASSERT(node != NULL);
    return node;
}

enum cd_status fsm_ephemeral_list(const struct fsm *fsm, const struct fsm_who *who,
                                  const struct fsm_list_options *options, struct fsm_list *ret_list)
{
    struct index_key buffer;
    bool goes_on = options->after.bytes != 0;
    if (fsm_path_check(&fsm->limits, options->path, NULL) != CD_OK ||
        (goes_on && fsm_path_check(&fsm->limits, options->after, NULL) != CD_OK)) {
        return CD_INVALID_ARGUMENT;
    }
    struct fsm_bytes top = fsm_key_of_path(options->path);
    struct fsm_bytes after = fsm_key_of_path(options->after);
    *ret_list = (struct fsm_list){
        .zxid = fsm->zxid,
        .options = *options,
        .fsm = fsm,
        .who = who,
        .tree = &fsm->tree,
        .acls = fsm->acls_count != 0,
        .prefix = top,
    };
    struct fsm_cursor *cursor = &ret_list->cursor;
    goes_on = goes_on && fsm_key_order(after, top) >= 0;
    struct fsm_bytes start = make_key(&buffer, options->session, goes_on ? after : top);
    fsm_tree_seek(&fsm->ephemerals, start, cursor);
    const struct fsm_node *first = fsm_cursor_get(cursor);
    if (goes_on && first != NULL && fsm_bytes_equal(fsm_node_key(first), start)) {
        fsm_cursor_next(cursor);
    }
    return CD_OK;
}

struct fsm_node *fsm_ephemeral_list_next(struct fsm_list *list)
{
    struct index_key buffer;
    const struct fsm_node *entry = fsm_cursor_get(&list->cursor);
    if (entry == NULL) {
        return NULL;
    }
    struct fsm_bytes key = fsm_node_key(entry);
    struct fsm_bytes owner = make_key(&buffer, list->options.session, fsm_bytes_make(NULL, 0));
    if (!fsm_key_below(key, owner)) {
        return NULL;
    }
    key = fsm_bytes_make(key.data + FSM_OWNER_BYTES, key.bytes - FSM_OWNER_BYTES);
    if (!fsm_bytes_equal(key, list->prefix) && !fsm_key_below(key, list->prefix)) {
        return NULL;
    }
    fsm_cursor_next(&list->cursor);
    struct fsm_node *node = fsm_tree_find(list->tree, key);
    CD_ASSERT(node != NULL);
    return node;
}

bool fsm_ephemeral_counts_agree(const struct fsm *fsm)
{
    uint64_t counted = 0;
    for (const struct fsm_session *session = fsm_session_set_next(&fsm->sessions, 0);
         session != NULL; session = fsm_session_set_next(&fsm->sessions, session->id)) {
        uint64_t mine = 0;
        struct fsm_node *node = fsm_ephemeral_next(fsm, session->id, fsm_bytes_make(NULL, 0));
        for (; node != NULL; node = fsm_ephemeral_next(fsm, session->id, fsm_node_key(node))) {
            mine++;
        }
        if (mine != session->ephemerals || mine > fsm->limits.session_ephemerals) {
            return false;
        }
        counted += mine;
    }
    return counted == fsm->ephemerals.count;
}

void fsm_ephemeral_check(const struct fsm *fsm)
{
    uint64_t nodes = 0;
    struct fsm_cursor cursor;
    fsm_tree_check(&fsm->ephemerals);
    fsm_tree_seek(&fsm->tree, fsm_bytes_make(NULL, 0), &cursor);
    for (const struct fsm_node *node = fsm_cursor_get(&cursor); node != NULL;
         node = fsm_cursor_get(&cursor)) {
        struct index_key buffer;
        struct fsm_stat stat;
        fsm_node_stat(node, &stat);
        CD_ASSERT((stat.owner != 0) == (stat.kind == FSM_EPHEMERAL));
        if (stat.owner != 0) {
            CD_ASSERT(stat.children_count == 0 && stat.creates == 0);
            CD_ASSERT(fsm_session_set_find(&fsm->sessions, stat.owner) != NULL);
            CD_ASSERT(fsm_tree_find(&fsm->ephemerals,
                                    make_key(&buffer, stat.owner, fsm_node_key(node))) != NULL);
            nodes++;
        }
        fsm_cursor_next(&cursor);
    }
    CD_ASSERT(nodes == fsm->ephemerals.count);
    CD_ASSERT(fsm_ephemeral_counts_agree(fsm));
}
