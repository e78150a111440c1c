#include "fsm/node.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"

enum part {
    PART_FAMILY = 1,   /* pzxid, creates */
    PART_MODIFIED = 2, /* mzxid, mtime_ms, version */
    PART_OWNER = 4,    /* owner */
    PART_LIFE = 8,     /* ttl_ms, idle_elapsed_ms */
    PART_ACL = 16,     /* azxid, aversion, acl */
};
#define FAMILY_WORDS   2u
#define MODIFIED_WORDS 3u
#define OWNER_WORDS    1u
#define LIFE_WORDS     2u
#define ACL_WORDS      3u

/* `form` holds the kind in its lower bits, the suffix's length above. */
#define KIND_BITS 3u
#define KIND_MASK ((1u << KIND_BITS) - 1u)

/* Makes the two terms of a digest differ where key and bytes are the same. */
#define DATA_SEED UINT64_C(0x9e3779b97f4a7c15)

static size_t tail_words(uint8_t parts)
{
    return ((parts & PART_FAMILY) != 0 ? FAMILY_WORDS : 0u) +
           ((parts & PART_MODIFIED) != 0 ? MODIFIED_WORDS : 0u) +
           ((parts & PART_OWNER) != 0 ? OWNER_WORDS : 0u) +
           ((parts & PART_LIFE) != 0 ? LIFE_WORDS : 0u) +
           ((parts & PART_ACL) != 0 ? ACL_WORDS : 0u);
}

static uint8_t parts_of(const struct fsm_stat *stat)
{
    bool family = stat->pzxid != stat->czxid || stat->creates != 0;
    bool modified =
        stat->mzxid != stat->czxid || stat->mtime_ms != stat->ctime_ms || stat->version != 0;
    bool life = stat->ttl_ms != 0 || stat->idle_elapsed_ms != 0;
    bool acl = stat->azxid != 0 || stat->aversion != 0 || stat->acl != NULL;
    return (uint8_t)((family ? PART_FAMILY : 0) | (modified ? PART_MODIFIED : 0) |
                     (stat->owner != 0 ? PART_OWNER : 0) | (life ? PART_LIFE : 0) |
                     (acl ? PART_ACL : 0));
}

/* The ACL part is the last one, its pointer directly before the key. */
CD_STATIC_ASSERT(sizeof(struct fsm_acl *) == sizeof(uint64_t), "a pointer takes one word");

struct fsm_acl *fsm_node_acl(const struct fsm_node *node)
{
    if ((node->parts & PART_ACL) == 0) {
        return NULL;
    }
    struct fsm_acl *acl;
    memcpy(&acl, node->tail + tail_words(node->parts) - 1, sizeof(acl));
    return acl;
}

enum fsm_node_kind fsm_node_kind_of(const struct fsm_node *node)
{
    return (enum fsm_node_kind)(node->form & KIND_MASK);
}

uint8_t fsm_node_suffix_bytes(const struct fsm_node *node)
{
    return (uint8_t)(node->form >> KIND_BITS);
}

static void pack(struct fsm_node *node, const struct fsm_stat *stat)
{
    CD_ASSERT(stat->children_count <= UINT32_MAX);
    node->children_count = (uint32_t)stat->children_count;
    node->form = (uint8_t)((unsigned)stat->kind | ((unsigned)stat->suffix_bytes << KIND_BITS));
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
        tail += MODIFIED_WORDS;
    }
    if ((node->parts & PART_OWNER) != 0) {
        tail[0] = stat->owner;
        tail += OWNER_WORDS;
    }
    if ((node->parts & PART_LIFE) != 0) {
        tail[0] = stat->ttl_ms;
        tail[1] = stat->idle_elapsed_ms;
        tail += LIFE_WORDS;
    }
    if ((node->parts & PART_ACL) != 0) {
        tail[0] = stat->azxid;
        tail[1] = stat->aversion;
        memcpy(&tail[2], &stat->acl, sizeof(stat->acl));
    }
}

struct fsm_node *fsm_node_create(struct fsm_bytes key, const struct fsm_stat *stat,
                                 struct fsm_bytes data)
{
    CD_ASSERT(key.bytes <= UINT16_MAX);
    CD_ASSERT(stat->data_bytes == data.bytes);
    uint8_t parts = parts_of(stat);
    size_t head_bytes = sizeof(struct fsm_node) + tail_words(parts) * sizeof(uint64_t);
    struct fsm_node *node = cd_malloc(head_bytes + key.bytes + data.bytes);
    node->refs = 1;
    node->data_bytes = stat->data_bytes;
    node->key_bytes = (uint16_t)key.bytes;
    node->parts = parts;
    pack(node, stat);
    (void)fsm_acl_ref(stat->acl);
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
        fsm_acl_unref(fsm_node_acl(node));
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
        .kind = fsm_node_kind_of(node),
        .suffix_bytes = fsm_node_suffix_bytes(node),
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
        tail += MODIFIED_WORDS;
    }
    if ((node->parts & PART_OWNER) != 0) {
        ret_stat->owner = tail[0];
        tail += OWNER_WORDS;
    }
    if ((node->parts & PART_LIFE) != 0) {
        ret_stat->ttl_ms = tail[0];
        ret_stat->idle_elapsed_ms = tail[1];
        tail += LIFE_WORDS;
    }
    if ((node->parts & PART_ACL) != 0) {
        ret_stat->azxid = tail[0];
        ret_stat->aversion = tail[1];
        ret_stat->acl = fsm_node_acl(node);
    }
}

uint64_t fsm_node_bytes(const struct fsm_node *node)
{
    const struct fsm_acl *acl = fsm_node_acl(node);
    return node->key_bytes + (uint64_t)node->data_bytes + (acl != NULL ? fsm_acl_bytes(acl) : 0);
}

uint64_t fsm_stat_last_zxid(const struct fsm_stat *stat)
{
    uint64_t last = stat->mzxid > stat->pzxid ? stat->mzxid : stat->pzxid;
    last = stat->azxid > last ? stat->azxid : last;
    return last > stat->czxid ? last : stat->czxid;
}

uint64_t fsm_node_last_zxid(const struct fsm_node *node)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    return fsm_stat_last_zxid(&stat);
}

bool fsm_node_restat(struct fsm_node *node, const struct fsm_stat *stat)
{
    CD_ASSERT(node->refs == 1);
    CD_ASSERT(stat->data_bytes == node->data_bytes);
    if (parts_of(stat) != node->parts) {
        return false;
    }
    struct fsm_acl *before = fsm_node_acl(node);
    (void)fsm_acl_ref(stat->acl);
    pack(node, stat);
    fsm_acl_unref(before);
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
    const uint64_t fields[] = {stat.czxid,
                               stat.mzxid,
                               stat.pzxid,
                               stat.ctime_ms,
                               stat.mtime_ms,
                               stat.version,
                               stat.creates,
                               stat.children_count,
                               stat.data_bytes,
                               (uint64_t)stat.kind,
                               stat.azxid,
                               stat.aversion,
                               stat.owner,
                               stat.ttl_ms,
                               stat.idle_elapsed_ms,
                               stat.suffix_bytes,
                               fsm_acl_digest(stat.acl)};
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
