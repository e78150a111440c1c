#include "fsm/life.h"

#include "fsm/allow.h"
#include "fsm/path.h"

#define END_DIGITS 16u

struct index_key {
    uint8_t bytes[END_DIGITS + FSM_PATH_BYTES_CEILING];
};

static struct fsm_bytes make_key(struct index_key *buffer, uint64_t end, struct fsm_bytes key)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < END_DIGITS; i++) {
        buffer->bytes[i] = (uint8_t)digits[end >> (60 - 4 * i) & 15];
    }
    memcpy(buffer->bytes + END_DIGITS, key.data, key.bytes);
    return fsm_bytes_make(buffer->bytes, END_DIGITS + key.bytes);
}

bool fsm_life_ends(const struct fsm_limits *limits, const struct fsm_stat *stat,
                   uint64_t *ret_elapsed_ms)
{
    bool runs = stat->kind == FSM_TTL || (stat->kind == FSM_CONTAINER && stat->creates > 0);
    if (!runs || stat->children_count > 0) {
        return false;
    }
    uint64_t lasts = stat->kind == FSM_TTL ? stat->ttl_ms : limits->container_ms;
    bool ever = stat->idle_elapsed_ms <= UINT64_MAX - lasts;
    *ret_elapsed_ms = ever ? stat->idle_elapsed_ms + lasts : UINT64_MAX;
    return true;
}

/* The key of the node's entry in `buffer`; false: it has none. */
static bool entry_of(const struct fsm *fsm, const struct fsm_node *node, struct index_key *buffer,
                     struct fsm_bytes *ret_key)
{
    enum fsm_node_kind kind = fsm_node_kind_of(node);
    struct fsm_stat stat;
    uint64_t end;
    if (kind != FSM_CONTAINER && kind != FSM_TTL) {
        return false; /* as almost all are */
    }
    fsm_node_stat(node, &stat);
    if (!fsm_life_ends(&fsm->limits, &stat, &end)) {
        return false;
    }
    *ret_key = make_key(buffer, end, fsm_node_key(node));
    return true;
}

void fsm_life_added(struct fsm *fsm, const struct fsm_node *node)
{
    struct index_key buffer;
    struct fsm_bytes key;
    if (entry_of(fsm, node, &buffer, &key)) {
        fsm_tree_insert(&fsm->lives,
                        fsm_node_create(key, &(struct fsm_stat){0}, fsm_bytes_make(NULL, 0)));
    }
}

void fsm_life_removed(struct fsm *fsm, const struct fsm_node *node)
{
    struct index_key buffer;
    struct fsm_bytes key;
    if (entry_of(fsm, node, &buffer, &key)) {
        fsm_tree_remove(&fsm->lives, key);
    }
}

size_t fsm_due(const struct fsm *fsm, uint64_t elapsed_ms, struct fsm_op_reap *ret_ops, size_t max)
{
    struct index_key buffer;
    struct fsm_cursor cursor;
    struct fsm_bytes last = make_key(&buffer, elapsed_ms, fsm_bytes_make("", 0));
    size_t count = 0;
    fsm_tree_seek(&fsm->lives, fsm_bytes_make(NULL, 0), &cursor);
    for (const struct fsm_node *entry = fsm_cursor_get(&cursor); entry != NULL && count < max;
         entry = fsm_cursor_get(&cursor)) {
        struct fsm_bytes key = fsm_node_key(entry);
        if (memcmp(key.data, last.data, END_DIGITS) > 0) {
            break;
        }
        const struct fsm_node *node = fsm_tree_find(
            &fsm->tree, fsm_bytes_make(key.data + END_DIGITS, key.bytes - END_DIGITS));
        struct fsm_stat stat;
        CD_ASSERT(node != NULL);
        fsm_node_stat(node, &stat);
        ret_ops[count] = (struct fsm_op_reap){.path = fsm_path_of_key(fsm_node_key(node)),
                                              .mzxid = stat.mzxid,
                                              .cversion = fsm_stat_cversion(&stat)};
        count++;
        fsm_cursor_next(&cursor);
    }
    return count;
}

/* The leader's own: nobody's permission is asked. */
void fsm_op_reap(struct fsm_step *step, const struct fsm_op_reap *reap, struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    struct fsm_node *node = fsm_tree_find(&fsm->tree, fsm_key_of_path(reap->path));
    struct fsm_stat stat = {0};
    uint64_t end;
    if (node != NULL) {
        fsm_node_stat(node, &stat);
    }
    if (node == NULL || stat.mzxid != reap->mzxid || fsm_stat_cversion(&stat) != reap->cversion ||
        !fsm_life_ends(&fsm->limits, &stat, &end) || end > fsm->elapsed_ms) {
        fsm_outcome_refuse(outcome, CD_NOT_APPLIED);
        return;
    }
    outcome->holds = fsm_node_ref(node);
    outcome->path = fsm_path_of_key(fsm_node_key(node));
    outcome->changed = true;
    outcome->nodes_count = 1;
    fsm_step_delete(step, &node, 1);
}

void fsm_life_check(const struct fsm *fsm)
{
    uint64_t entries = 0;
    struct fsm_cursor cursor;
    fsm_tree_check(&fsm->lives);
    fsm_tree_seek(&fsm->tree, fsm_bytes_make(NULL, 0), &cursor);
    for (const struct fsm_node *node = fsm_cursor_get(&cursor); node != NULL;
         node = fsm_cursor_get(&cursor)) {
        struct index_key buffer;
        struct fsm_bytes key;
        struct fsm_stat stat;
        fsm_node_stat(node, &stat);
        CD_ASSERT((stat.ttl_ms != 0) == (stat.kind == FSM_TTL));
        CD_ASSERT(stat.ttl_ms <= fsm->limits.ttl_max_ms);
        bool idle =
            (stat.kind == FSM_TTL || stat.kind == FSM_CONTAINER) && stat.children_count == 0;
        CD_ASSERT(idle || stat.idle_elapsed_ms == 0);
        CD_ASSERT(stat.idle_elapsed_ms <= fsm->elapsed_ms);
        if (entry_of(fsm, node, &buffer, &key)) {
            CD_ASSERT(fsm_tree_find(&fsm->lives, key) != NULL);
            entries++;
        }
        fsm_cursor_next(&cursor);
    }
    CD_ASSERT(entries == fsm->lives.count);
}
