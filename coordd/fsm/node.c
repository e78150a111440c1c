#include "fsm/node.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"

enum part {
    PART_FAMILY = 1,   /* pzxid, creates */
    PART_MODIFIED = 2, /* mzxid, mtime_ms, version */
};
#define FAMILY_WORDS   2
#define MODIFIED_WORDS 3

/* Makes the two terms of a digest differ where key and bytes are the same. */
#define DATA_SEED UINT64_C(0x9e3779b97f4a7c15)

static size_t tail_words(uint8_t parts)
{
    return ((parts & PART_FAMILY) != 0 ? FAMILY_WORDS : 0u) +
           ((parts & PART_MODIFIED) != 0 ? MODIFIED_WORDS : 0u);
}

static uint8_t parts_of(const struct fsm_stat *stat)
{
    bool family = stat->pzxid != stat->czxid || stat->creates != 0;
    bool modified =
        stat->mzxid != stat->czxid || stat->mtime_ms != stat->ctime_ms || stat->version != 0;
    return (uint8_t)((family ? PART_FAMILY : 0) | (modified ? PART_MODIFIED : 0));
}

static void pack(struct fsm_node *node, const struct fsm_stat *stat)
{
    CD_ASSERT(stat->children_count <= UINT32_MAX);
    node->children_count = (uint32_t)stat->children_count;
    node->kind = (uint8_t)stat->kind;
    node->czxid = stat->czxid;
    node->ctime_ms = stat->ctime_ms;
    uint64_t *tail = node->tail;
    if ((node->parts & PART_FAMILY) != 0) {
        tail[0] = stat->pzxid;
        tail[1] = stat->creates;
        tail += FAMILY_WORDS;
    }
    if ((node->parts & PART_MODIFIED) != 0) {
        tail[0] = stat->mzxid;
        tail[1] = stat->mtime_ms;
        tail[2] = stat->version;
    }
}

struct fsm_node *fsm_node_create(struct fsm_bytes key, const struct fsm_stat *stat,
                                 struct fsm_bytes data)
{
    CD_ASSERT(key.bytes <= FSM_PATH_BYTES_CEILING);
    CD_ASSERT(stat->data_bytes == data.bytes);
    uint8_t parts = parts_of(stat);
    size_t head_bytes = sizeof(struct fsm_node) + tail_words(parts) * sizeof(uint64_t);
    struct fsm_node *node = cd_malloc(head_bytes + key.bytes + data.bytes);
    node->refs = 1;
    node->data_bytes = stat->data_bytes;
    node->key_bytes = (uint16_t)key.bytes;
    node->parts = parts;
    pack(node, stat);
    uint8_t *to = (uint8_t *)node + head_bytes;
    if (key.bytes != 0) {
        memcpy(to, key.data, key.bytes);
    }
    if (data.bytes != 0) {
        memcpy(to + key.bytes, data.data, data.bytes);
    }
    return node;
}

struct fsm_node *fsm_node_ref(struct fsm_node *node)
{
    CD_ASSERT(node->refs < UINT32_MAX);
    node->refs++;
    return node;
}

void fsm_node_unref(struct fsm_node *node)
{
    if (node == NULL) {
        return;
    }
    CD_ASSERT(node->refs > 0);
    node->refs--;
    if (node->refs == 0) {
        cd_free(node);
    }
}

struct fsm_bytes fsm_node_key(const struct fsm_node *node)
{
    return fsm_bytes_make(node->tail + tail_words(node->parts), node->key_bytes);
}

struct fsm_bytes fsm_node_data(const struct fsm_node *node)
{
    const uint8_t *key = (const uint8_t *)(node->tail + tail_words(node->parts));
    return fsm_bytes_make(key + node->key_bytes, node->data_bytes);
}

void fsm_node_stat(const struct fsm_node *node, struct fsm_stat *ret_stat)
{
    *ret_stat = (struct fsm_stat){
        .czxid = node->czxid,
        .mzxid = node->czxid,
        .pzxid = node->czxid,
        .ctime_ms = node->ctime_ms,
        .mtime_ms = node->ctime_ms,
        .children_count = node->children_count,
        .data_bytes = node->data_bytes,
        .kind = (enum fsm_node_kind)node->kind,
    };
    const uint64_t *tail = node->tail;
    if ((node->parts & PART_FAMILY) != 0) {
        ret_stat->pzxid = tail[0];
        ret_stat->creates = tail[1];
        tail += FAMILY_WORDS;
    }
    if ((node->parts & PART_MODIFIED) != 0) {
        ret_stat->mzxid = tail[0];
        ret_stat->mtime_ms = tail[1];
        ret_stat->version = tail[2];
    }
}

uint64_t fsm_node_last_zxid(const struct fsm_node *node)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    uint64_t last = stat.mzxid > stat.pzxid ? stat.mzxid : stat.pzxid;
    return last > stat.czxid ? last : stat.czxid;
}

bool fsm_node_restat(struct fsm_node *node, const struct fsm_stat *stat)
{
    CD_ASSERT(node->refs == 1);
    CD_ASSERT(stat->data_bytes == node->data_bytes);
    if (parts_of(stat) != node->parts) {
        return false;
    }
    pack(node, stat);
    return true;
}

static uint64_t key_seed(const struct fsm_node *node)
{
    struct fsm_bytes key = fsm_node_key(node);
    return cd_hash64(key.data, key.bytes);
}

static uint64_t digest_stat(const struct fsm_node *node, uint64_t seed)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    const uint64_t fields[] = {
        stat.czxid,   stat.mzxid,   stat.pzxid,          stat.ctime_ms,   stat.mtime_ms,
        stat.version, stat.creates, stat.children_count, stat.data_bytes, (uint64_t)stat.kind};
    uint8_t bytes[sizeof(fields)];
    for (size_t i = 0; i < CD_ARRAY_COUNT(fields); i++) {
        cd_put_u64(bytes + i * sizeof(uint64_t), fields[i]);
    }
    return cd_hash64_seeded(bytes, sizeof(bytes), seed);
}

uint64_t fsm_node_digest_stat(const struct fsm_node *node)
{
    return digest_stat(node, key_seed(node));
}

uint64_t fsm_node_digest(const struct fsm_node *node)
{
    uint64_t seed = key_seed(node);
    struct fsm_bytes data = fsm_node_data(node);
    return digest_stat(node, seed) + cd_hash64_seeded(data.data, data.bytes, seed ^ DATA_SEED);
}
