#include "support/fault_fs.h"

#include "base/assert.h"
#include "base/memory.h"

#include <string.h>

enum {
    SECTOR = FAULT_FS_SECTOR_BYTES,
};

/* A sector's flag. */
enum {
    CLEAN,
    DIRTY, /* written since the last sync */
    STALE, /* taken for clean by a failed sync, though the disk may hold something else */
};

/* How kindly a power loss treats what was not synced. */
enum crash_mode {
    CRASH_LOSES_ALL,
    CRASH_KEEPS_ALL,
    CRASH_MOSTLY_KEEPS,
    CRASH_MIXES,
    CRASH_MODE_COUNT,
};

/* One change of the directory that no sync has covered. */
struct fault_change {
    struct fault_change *next;
    char from[ENV_PATH_BYTES_MAX + 1];
    char to[ENV_PATH_BYTES_MAX + 1];
    struct fault_inode *inode;
};

static void settle_changes(struct fault_fs *fs, uint64_t count);
static void table_clear(struct fault_fs *fs, struct fault_table *table);

void fault_fs_init(struct fault_fs *fs, struct cd_prng *prng)
{
    *fs = (struct fault_fs){.prng = prng};
}

void fault_fs_clear(struct fault_fs *fs)
{
    settle_changes(fs, 0);
    table_clear(fs, &fs->cache);
    table_clear(fs, &fs->disk);
}

/* --- inodes --- */

struct fault_inode *fault_inode_create(struct fault_fs *fs)
{
    struct fault_inode *inode = cd_calloc(1, sizeof(*inode));
    struct fault_inode **end = &fs->inodes;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = inode;
    return inode;
}

struct fault_inode *fault_inode_ref(struct fault_inode *inode)
{
    inode->refs++;
    return inode;
}

void fault_inode_unref(struct fault_fs *fs, struct fault_inode *inode)
{
    CD_ASSERT(inode->refs > 0);
    if (--inode->refs > 0) {
        return;
    }
    struct fault_inode **link = &fs->inodes;
    while (*link != inode) {
        link = &(*link)->next;
    }
    *link = inode->next;
    cd_free(inode->cache);
    cd_free(inode->disk);
    cd_free(inode->dirty);
    cd_free(inode);
}

static uint8_t *grown(uint8_t *old, uint64_t old_bytes, uint64_t bytes)
{
    uint8_t *memory = cd_calloc(1, bytes); /* lazily mapped: reserved space costs nothing */
    if (old != NULL) {
        memcpy(memory, old, old_bytes);
    }
    cd_free(old);
    return memory;
}

static void reserve(struct fault_inode *inode, uint64_t bytes)
{
    if (bytes <= inode->capacity) {
        return;
    }
    uint64_t capacity = (bytes + SECTOR - 1) / SECTOR * SECTOR;
    inode->cache = grown(inode->cache, inode->capacity, capacity);
    inode->disk = grown(inode->disk, inode->capacity, capacity);
    inode->dirty = grown(inode->dirty, inode->capacity / SECTOR, capacity / SECTOR);
    inode->capacity = capacity;
}

static void mark_dirty(struct fault_inode *inode, uint64_t offset, uint64_t bytes)
{
    uint64_t first = offset / SECTOR;
    uint64_t end = (offset + bytes - 1) / SECTOR + 1;
    memset(inode->dirty + first, DIRTY, end - first);
    if (inode->dirty_first == inode->dirty_end) {
        inode->dirty_first = first;
        inode->dirty_end = end;
    }
    inode->dirty_first = first < inode->dirty_first ? first : inode->dirty_first;
    inode->dirty_end = end > inode->dirty_end ? end : inode->dirty_end;
}

/* Takes unsynced sectors for clean; those that differ from the disk are remembered as STALE. */
static void mark_clean(struct fault_inode *inode, bool stale)
{
    bool any_stale = false;
    for (uint64_t i = inode->dirty_first; i < inode->dirty_end; i++) {
        if (inode->dirty[i] == DIRTY) {
            inode->dirty[i] = stale ? STALE : CLEAN;
        }
        any_stale = any_stale || inode->dirty[i] == STALE;
    }
    if (!any_stale) {
        inode->dirty_first = 0;
        inode->dirty_end = 0;
    }
}

void fault_inode_write(struct fault_inode *inode, uint64_t offset, const void *from, uint64_t bytes)
{
    if (bytes == 0) {
        return;
    }
    reserve(inode, offset + bytes);
    memcpy(inode->cache + offset, from, bytes);
    mark_dirty(inode, offset, bytes);
    if (offset + bytes > inode->cache_bytes) {
        inode->cache_bytes = offset + bytes;
    }
}

void fault_inode_resize(struct fault_inode *inode, uint64_t bytes)
{
    reserve(inode, bytes);
    if (bytes < inode->cache_bytes) {
        memset(inode->cache + bytes, 0, inode->cache_bytes - bytes);
        mark_dirty(inode, bytes, inode->cache_bytes - bytes);
    }
    inode->cache_bytes = bytes;
}

void fault_inode_sync(struct fault_inode *inode)
{
    for (uint64_t i = inode->dirty_first; i < inode->dirty_end; i++) {
        if (inode->dirty[i] == DIRTY) {
            memcpy(inode->disk + i * SECTOR, inode->cache + i * SECTOR, SECTOR);
        }
    }
    mark_clean(inode, false);
    inode->disk_bytes = inode->cache_bytes;
}

/* One unsynced sector meets its fate. */
static void settle_sector(struct fault_fs *fs, struct fault_inode *inode, uint64_t sector,
                          enum crash_mode mode)
{
    uint8_t *to = inode->disk + sector * SECTOR;
    const uint8_t *from = inode->cache + sector * SECTOR;
    uint64_t outcome = 1;
    if (mode == CRASH_LOSES_ALL) {
        outcome = 0;
    } else if (mode != CRASH_KEEPS_ALL) {
        outcome = cd_prng_below(fs->prng, mode == CRASH_MIXES ? 3 : 16);
    }
    if (outcome == 0) {
        fs->sectors_lost++;
    } else if (outcome == 2) {
        uint64_t at = cd_prng_below(fs->prng, SECTOR);
        if (cd_prng_below(fs->prng, 2) == 0) {
            memcpy(to, from, at);
        } else {
            memcpy(to + at, from + at, SECTOR - at);
        }
        fs->sectors_torn++;
    } else {
        memcpy(to, from, SECTOR);
        fs->sectors_kept++;
    }
}

/* Decides what of the unsynced part is on the disk; leaves the dirty flags. */
static void settle(struct fault_fs *fs, struct fault_inode *inode, enum crash_mode mode)
{
    for (uint64_t i = inode->dirty_first; i < inode->dirty_end; i++) {
        if (inode->dirty[i] == DIRTY) {
            settle_sector(fs, inode, i, mode);
        }
    }
    if (inode->cache_bytes != inode->disk_bytes && mode != CRASH_LOSES_ALL &&
        (mode == CRASH_KEEPS_ALL || cd_prng_below(fs->prng, 2) == 0)) {
        inode->disk_bytes = inode->cache_bytes;
    }
    if (inode->capacity > inode->disk_bytes) {
        memset(inode->disk + inode->disk_bytes, 0, inode->capacity - inode->disk_bytes);
    }
}

/* The page cache starts anew from the disk. */
static void reload(struct fault_inode *inode)
{
    for (uint64_t i = inode->dirty_first; i < inode->dirty_end; i++) {
        if (inode->dirty[i] != CLEAN) {
            memcpy(inode->cache + i * SECTOR, inode->disk + i * SECTOR, SECTOR);
            inode->dirty[i] = CLEAN;
        }
    }
    inode->dirty_first = 0;
    inode->dirty_end = 0;
}

void fault_inode_fail_sync(struct fault_fs *fs, struct fault_inode *inode)
{
    settle(fs, inode, CRASH_MIXES);
    mark_clean(inode, true);
}

/* --- directories --- */

/* Index of the first entry that is not before `name`. */
static size_t table_seek(const struct fault_table *table, const char *name)
{
    size_t i = 0;
    while (i < table->count && strcmp(table->entries[i].name, name) < 0) {
        i++;
    }
    return i;
}

static struct fault_inode *table_find(const struct fault_table *table, const char *name)
{
    size_t i = table_seek(table, name);
    bool found = i < table->count && strcmp(table->entries[i].name, name) == 0;
    return found ? table->entries[i].inode : NULL;
}

static void table_remove(struct fault_fs *fs, struct fault_table *table, const char *name)
{
    size_t i = table_seek(table, name);
    if (i < table->count && strcmp(table->entries[i].name, name) == 0) {
        struct fault_inode *inode = table->entries[i].inode;
        table->count--;
        memmove(table->entries + i, table->entries + i + 1,
                (table->count - i) * sizeof(*table->entries));
        fault_inode_unref(fs, inode);
    }
}

static void copy_name(char to[ENV_PATH_BYTES_MAX + 1], const char *name)
{
    size_t bytes = strlen(name);
    CD_ASSERT(bytes <= ENV_PATH_BYTES_MAX);
    memcpy(to, name, bytes + 1);
}

static void table_put(struct fault_fs *fs, struct fault_table *table, const char *name,
                      struct fault_inode *inode)
{
    fault_inode_ref(inode);
    table_remove(fs, table, name);
    table->entries = cd_realloc(table->entries, (table->count + 1) * sizeof(*table->entries));
    size_t i = table_seek(table, name);
    memmove(table->entries + i + 1, table->entries + i,
            (table->count - i) * sizeof(*table->entries));
    copy_name(table->entries[i].name, name);
    table->entries[i].inode = inode;
    table->count++;
}

static void table_clear(struct fault_fs *fs, struct fault_table *table)
{
    while (table->count > 0) {
        table_remove(fs, table, table->entries[table->count - 1].name);
    }
    cd_free(table->entries);
    table->entries = NULL;
}

static void table_copy(struct fault_fs *fs, struct fault_table *to, const struct fault_table *from)
{
    table_clear(fs, to);
    for (size_t i = 0; i < from->count; i++) {
        table_put(fs, to, from->entries[i].name, from->entries[i].inode);
    }
}

static void apply_change(struct fault_fs *fs, struct fault_table *table,
                         const struct fault_change *change)
{
    if (change->from[0] != '\0') {
        table_remove(fs, table, change->from);
    }
    if (change->to[0] != '\0') {
        table_put(fs, table, change->to, change->inode);
    }
}

/* Applies the first `count` pending changes to the disk's directory and forgets all. */
static void settle_changes(struct fault_fs *fs, uint64_t count)
{
    while (fs->changes != NULL) {
        struct fault_change *change = fs->changes;
        fs->changes = change->next;
        if (count > 0) {
            apply_change(fs, &fs->disk, change);
            count--;
        }
        if (change->inode != NULL) {
            fault_inode_unref(fs, change->inode);
        }
        cd_free(change);
    }
}

void fault_fs_change(struct fault_fs *fs, const char *from, const char *to,
                     struct fault_inode *inode)
{
    struct fault_change *change = cd_calloc(1, sizeof(*change));
    copy_name(change->from, from);
    copy_name(change->to, to);
    change->inode = inode != NULL ? fault_inode_ref(inode) : NULL;
    struct fault_change **end = &fs->changes;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = change;
    apply_change(fs, &fs->cache, change);
}

struct fault_inode *fault_fs_find(const struct fault_fs *fs, const char *name)
{
    return table_find(&fs->cache, name);
}

void fault_fs_sync_directory(struct fault_fs *fs)
{
    settle_changes(fs, UINT64_MAX);
}

void fault_fs_crash(struct fault_fs *fs)
{
    enum crash_mode mode = (enum crash_mode)cd_prng_below(fs->prng, CRASH_MODE_COUNT);
    uint64_t changes = 0;
    for (const struct fault_change *change = fs->changes; change != NULL; change = change->next) {
        changes++;
    }
    if (mode == CRASH_LOSES_ALL) {
        changes = 0;
    } else if (mode != CRASH_KEEPS_ALL) {
        changes = cd_prng_below(fs->prng, changes + 1);
    }
    settle_changes(fs, changes);
    table_copy(fs, &fs->cache, &fs->disk);
    for (struct fault_inode *inode = fs->inodes; inode != NULL; inode = inode->next) {
        settle(fs, inode, mode);
        reload(inode);
        inode->cache_bytes = inode->disk_bytes;
    }
}
