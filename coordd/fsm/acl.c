#include "fsm/acl.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "fsm/node.h"
#include "fsm/path.h"
#include "fsm/tree.h"

struct fsm_acl {
    uint32_t refs;
    uint32_t count;
    uint64_t digest;
    struct fsm_acl_entry entries[]; /* their ids lie behind them */
};

static uint64_t digest_of(const struct fsm_acl_entries *entries)
{
    uint64_t digest = entries->count + 1;
    for (size_t i = 0; i < entries->count; i++) {
        const struct fsm_acl_entry *entry = &entries->entries[i];
        uint8_t fields[16];
        cd_put_u32(fields, entry->permissions);
        cd_put_u32(fields + 4, (uint32_t)entry->scheme);
        cd_put_u64(fields + 8, cd_hash64(entry->id.data, entry->id.bytes));
        digest = cd_hash64_seeded(fields, sizeof(fields), digest);
    }
    return digest;
}

struct fsm_acl *fsm_acl_create(const struct fsm_acl_entries *entries)
{
    size_t ids = 0;
    for (size_t i = 0; i < entries->count; i++) {
        ids += entries->entries[i].id.bytes;
    }
    struct fsm_acl *acl =
        cd_malloc(sizeof(*acl) + entries->count * sizeof(struct fsm_acl_entry) + ids);
    acl->refs = 1;
    acl->count = (uint32_t)entries->count;
    acl->digest = digest_of(entries);
    uint8_t *to = (uint8_t *)(acl->entries + entries->count);
    for (size_t i = 0; i < entries->count; i++) {
        struct fsm_bytes id = entries->entries[i].id;
        acl->entries[i] = entries->entries[i];
        acl->entries[i].id = fsm_bytes_make(to, id.bytes);
        if (id.bytes != 0) {
            memcpy(to, id.data, id.bytes);
        }
        to += id.bytes;
    }
    return acl;
}

struct fsm_acl *fsm_acl_ref(struct fsm_acl *acl)
{
    if (acl != NULL) {
        CD_ASSERT(acl->refs < UINT32_MAX);
        acl->refs++;
    }
    return acl;
}

void fsm_acl_unref(struct fsm_acl *acl)
{
    if (acl == NULL) {
        return;
    }
    CD_ASSERT(acl->refs > 0);
    acl->refs--;
    if (acl->refs == 0) {
        cd_free(acl);
    }
}

static const struct fsm_acl_entry DEFAULT[] = {
    {.permissions = FSM_ACL_DEFAULT_PERMISSIONS, .scheme = FSM_SCHEME_ANYONE},
};

struct fsm_acl_entries fsm_acl_entries(const struct fsm_acl *acl)
{
    if (acl == NULL) {
        return (struct fsm_acl_entries){.entries = DEFAULT, .count = CD_ARRAY_COUNT(DEFAULT)};
    }
    return (struct fsm_acl_entries){.entries = acl->entries, .count = acl->count};
}

static bool entry_means(const struct fsm_acl_entry *entry, const struct fsm_who *who)
{
    return entry->scheme == FSM_SCHEME_ANYONE ||
           (entry->scheme == who->scheme && fsm_bytes_equal(entry->id, who->id));
}

bool fsm_acl_allows(const struct fsm_acl *acl, const struct fsm_who *who, uint32_t permissions)
{
    if (who == NULL || who->administrator) {
        return true;
    }
    struct fsm_acl_entries entries = fsm_acl_entries(acl);
    uint32_t granted = 0;
    for (size_t i = 0; i < entries.count; i++) {
        if (entry_means(&entries.entries[i], who)) {
            granted |= entries.entries[i].permissions;
        }
    }
    return (granted & permissions) == permissions;
}

struct fsm_acl *fsm_acl_in_force(const struct fsm_tree *tree, struct fsm_bytes key,
                                 struct fsm_bytes *ret_origin)
{
    for (;;) {
        const struct fsm_node *node = fsm_tree_find(tree, key);
        struct fsm_acl *acl = node != NULL ? fsm_node_acl(node) : NULL;
        if (acl != NULL || key.bytes == 0) {
            if (ret_origin != NULL) {
                *ret_origin = node != NULL ? fsm_node_key(node) : key;
            }
            return acl;
        }
        key = fsm_key_parent(key);
    }
}

uint64_t fsm_acl_entries_bytes(const struct fsm_acl_entries *entries)
{
    uint64_t bytes = entries->count * FSM_ACL_ENTRY_BYTES;
    for (size_t i = 0; i < entries->count; i++) {
        bytes += entries->entries[i].id.bytes;
    }
    return bytes;
}

uint64_t fsm_acl_bytes(const struct fsm_acl *acl)
{
    struct fsm_acl_entries entries = fsm_acl_entries(acl);
    return fsm_acl_entries_bytes(&entries);
}

uint64_t fsm_acl_digest(const struct fsm_acl *acl)
{
    return acl != NULL ? acl->digest : 0;
}

enum cd_status fsm_acl_check(const struct fsm_limits *limits, const struct fsm_acl_entries *entries,
                             struct cd_error *error)
{
    if (entries->count > limits->acl_entries) {
        return cd_error_set(error, CD_TOO_MANY,
                            "the ACL has %zu entries, the limit acl_entries is "
                            "%u",
                            entries->count, (unsigned)limits->acl_entries);
    }
    for (size_t i = 0; i < entries->count; i++) {
        const struct fsm_acl_entry *entry = &entries->entries[i];
        if (entry->permissions == 0 || entry->permissions > FSM_PERMISSIONS_ALL) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "entry %zu of the ACL: permissions are a sum of READ 1, WRITE 2, "
                                "CREATE 4, DELETE 8 and ADMIN 16, not %u",
                                i, (unsigned)entry->permissions);
        }
        bool anyone = entry->scheme == FSM_SCHEME_ANYONE;
        if (entry->scheme > FSM_SCHEME_CN || anyone != (entry->id.bytes == 0) ||
            entry->id.bytes > FSM_IDENTITY_BYTES_MAX) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "entry %zu of the ACL: \"anyone\" without an id, or \"uri\", "
                                "\"dns\" or \"cn\" with one of at most %u bytes",
                                i, (unsigned)FSM_IDENTITY_BYTES_MAX);
        }
    }
    return CD_OK;
}
