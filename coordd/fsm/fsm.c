#include "fsm/fsm.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "fsm/ephemeral.h"
#include "fsm/life.h"
#include "fsm/path.h"
#include "fsm/sessions.h"

bool fsm_limits_are_sound(const struct fsm_limits *limits)
{
    return limits->path_bytes > 0 && limits->path_bytes <= FSM_PATH_BYTES_CEILING &&
           limits->atomic_nodes > 0 && limits->tree_nodes <= UINT32_MAX &&
           limits->session_ephemerals <= limits->atomic_nodes &&
           limits->session_timeout_min_ms <= limits->session_timeout_default_ms &&
           limits->session_timeout_default_ms <= limits->session_timeout_max_ms;
}

struct fsm *fsm_create_bare(const struct fsm_limits *limits)
{
    CD_ASSERT(fsm_limits_are_sound(limits));
    struct fsm *fsm = cd_calloc(1, sizeof(*fsm));
    fsm->limits = *limits;
    fsm_tree_init(&fsm->tree);
    fsm_tree_init(&fsm->lives);
    fsm_sessions_init(fsm);
    return fsm;
}

struct fsm *fsm_create(const struct fsm_limits *limits, uint16_t generation)
{
    struct fsm *fsm = fsm_create_bare(limits);
    fsm->zxid = fsm_zxid_make(generation, 0);
    struct fsm_node *root =
        fsm_node_create(fsm_bytes_make(NULL, 0), &(struct fsm_stat){0}, fsm_bytes_make(NULL, 0));
    fsm->tree_digest = fsm_node_digest(root);
    fsm_tree_insert(&fsm->tree, root);
    return fsm;
}

void fsm_free(struct fsm *fsm)
{
    if (fsm != NULL) {
        fsm_tree_release(&fsm->tree);
        fsm_tree_release(&fsm->lives);
        fsm_sessions_release(fsm);
        cd_free(fsm);
    }
}

/* ---- Slots ---- */

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void fsm_slot_begin(struct fsm *fsm, uint64_t slot, const struct fsm_batch_stamp *stamp)
{
    CD_ASSERT(!fsm->in_slot);
    CD_ASSERT(slot == fsm->slot + 1);
    fsm->in_slot = true;
    if (stamp != NULL) {
        /* R13: adopted slots carry the stamps of older leaders, so the state keeps the maximum. */
        fsm->wall_ms = later(fsm->wall_ms, stamp->wall_ms);
        fsm->elapsed_ms = later(fsm->elapsed_ms, stamp->elapsed_ms);
    }
    fsm_sessions_age(fsm);
}

void fsm_slot_end(struct fsm *fsm)
{
    CD_ASSERT(fsm->in_slot);
    fsm->in_slot = false;
    fsm->slot++;
}

static bool leadership_below(const struct fsm_leadership *a, const struct fsm_leadership *b)
{
    if (a->round != b->round) {
        return a->round < b->round;
    }
    if (a->node != b->node) {
        return a->node < b->node;
    }
    return a->incarnation < b->incarnation;
}

void fsm_apply_leadership(struct fsm *fsm, const struct fsm_leadership *leadership)
{
    CD_ASSERT(fsm->in_slot);
    if (leadership_below(&fsm->leadership, leadership)) {
        fsm->leadership = *leadership;
    }
}

/* ---- What it holds ---- */

const struct fsm_limits *fsm_limits(const struct fsm *fsm)
{
    return &fsm->limits;
}

uint64_t fsm_slot(const struct fsm *fsm)
{
    return fsm->slot;
}

uint64_t fsm_zxid(const struct fsm *fsm)
{
    return fsm->zxid;
}

uint64_t fsm_wall_ms(const struct fsm *fsm)
{
    return fsm->wall_ms;
}

uint64_t fsm_elapsed_ms(const struct fsm *fsm)
{
    return fsm->elapsed_ms;
}

struct fsm_leadership fsm_leadership(const struct fsm *fsm)
{
    return fsm->leadership;
}

uint64_t fsm_nodes_count(const struct fsm *fsm)
{
    return fsm->tree.count;
}

uint64_t fsm_tree_bytes(const struct fsm *fsm)
{
    return fsm->tree_bytes;
}

uint64_t fsm_digest(const struct fsm *fsm)
{
    CD_ASSERT(!fsm->in_slot);
    const struct fsm_limits *limits = &fsm->limits;
    const uint64_t fields[] = {
        FSM_DIGEST_VERSION,
        fsm->tree_digest,
        fsm->tree.count,
        fsm->sessions_digest,
        fsm->sessions.count,
        fsm_fifo_count(&fsm->tombstones),
        fsm_fifo_count(&fsm->calls),
        fsm->reply_bytes,
        fsm->tree_bytes,
        fsm->zxid,
        fsm->slot,
        fsm->wall_ms,
        fsm->elapsed_ms,
        fsm->leadership.round,
        fsm->leadership.node,
        fsm->leadership.incarnation,
        limits->path_bytes,
        limits->data_bytes,
        limits->txn_bytes,
        limits->txn_compares,
        limits->txn_ops,
        limits->atomic_nodes,
        limits->tree_nodes,
        limits->tree_bytes,
        limits->acl_entries,
        limits->queue_prefixes,
        limits->ttl_max_ms,
        limits->container_ms,
        limits->sessions,
        limits->session_timeout_min_ms,
        limits->session_timeout_default_ms,
        limits->session_timeout_max_ms,
        limits->session_ephemerals,
        limits->unacked_writes,
        limits->kept_reply_bytes,
        limits->state_reply_bytes,
        limits->tombstones,
        limits->tombstone_ms,
        limits->call_keys,
        limits->call_key_ms,
    };
    uint8_t bytes[sizeof(fields)];
    for (size_t i = 0; i < CD_ARRAY_COUNT(fields); i++) {
        cd_put_u64(bytes + i * sizeof(uint64_t), fields[i]);
    }
    return cd_hash64(bytes, sizeof(bytes));
}

/* ---- Checking ---- */

static void check_node(const struct fsm *fsm, const struct fsm_node *node)
{
    struct fsm_stat stat;
    struct fsm_list list;
    struct fsm_view child;
    fsm_node_stat(node, &stat);
    CD_ASSERT(stat.czxid <= stat.mzxid && stat.mzxid <= fsm->zxid);
    CD_ASSERT(stat.czxid <= stat.pzxid && stat.pzxid <= fsm->zxid);
    CD_ASSERT(stat.creates >= stat.children_count);
    CD_ASSERT(stat.data_bytes <= fsm->limits.data_bytes);

    struct fsm_bytes path = fsm_path_of_key(fsm_node_key(node));
    uint64_t children = 0;
    const struct fsm_list_options options = {.kind = FSM_LIST_CHILDREN, .path = path};
    enum cd_status status = fsm_list_open(fsm, NULL, NULL, &options, &list);
    CD_ASSERT(status == CD_OK);
    while (fsm_list_next(&list, &child)) {
        CD_ASSERT(memchr(child.path.data, '/', child.path.bytes) == NULL);
        children++;
    }
    CD_ASSERT(children == stat.children_count);
}

void fsm_check(const struct fsm *fsm)
{
    fsm_tree_check(&fsm->tree);
    struct fsm_cursor cursor;
    uint64_t digest = 0;
    uint64_t bytes = 0;
    uint64_t acls = 0;
    fsm_tree_seek(&fsm->tree, fsm_bytes_make(NULL, 0), &cursor);
    for (const struct fsm_node *node = fsm_cursor_get(&cursor); node != NULL;
         node = fsm_cursor_get(&cursor)) {
        check_node(fsm, node);
        digest += fsm_node_digest(node);
        bytes += fsm_node_bytes(node);
        acls += fsm_node_acl(node) != NULL;
        fsm_cursor_next(&cursor);
    }
    CD_ASSERT(digest == fsm->tree_digest);
    CD_ASSERT(bytes == fsm->tree_bytes);
    CD_ASSERT(acls == fsm->acls_count);
    fsm_life_check(fsm);
    fsm_sessions_check(fsm);
    fsm_ephemeral_check(fsm);
    CD_ASSERT(fsm->tree.count >= 1 && fsm->tree.count <= fsm->limits.tree_nodes);
}
