#ifndef COORD_TESTS_SUPPORT_FAULT_FS_H
#define COORD_TESTS_SUPPORT_FAULT_FS_H

#include "base/prng.h"
#include "env/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The virtual file system below fault_disk.h; private to it. Files are inodes with two contents of
 * equal capacity, `cache` (what reads see) and `disk`, and one flag a sector. Directories are
 * two sorted tables of names, and the list of changes between them.
 */

enum {
    FAULT_FS_SECTOR_BYTES = 512,
};

struct fault_inode {
    struct fault_inode *next; /* in the order of their making, so that crashes are reproducible */
    uint32_t refs;            /* table entries, pending changes and open files */
    uint8_t *cache;
    uint8_t *disk;
    uint8_t *dirty;
    uint64_t dirty_first; /* sectors outside [dirty_first, dirty_end) are clean */
    uint64_t dirty_end;
    uint64_t capacity; /* bytes of cache and of disk; a multiple of the sector */
    uint64_t cache_bytes;
    uint64_t disk_bytes;
};

struct fault_entry {
    char name[ENV_PATH_BYTES_MAX + 1];
    struct fault_inode *inode;
};

struct fault_table {
    struct fault_entry *entries; /* by name */
    size_t count;
};

struct fault_fs {
    struct cd_prng *prng;       /* borrowed */
    struct fault_inode *inodes; /* all that have references */
    struct fault_table cache;   /* the directory as the process sees it */
    struct fault_table disk;    /* as a power loss leaves it if no change survives */
    struct fault_change *changes;
    uint64_t sectors_lost;
    uint64_t sectors_kept;
    uint64_t sectors_torn;
};

void fault_fs_init(struct fault_fs *fs, struct cd_prng *prng);

/* Drops all files. Inodes that are still open live until their last reference goes. */
void fault_fs_clear(struct fault_fs *fs);

/* A new inode without references or name; give it one at once. */
struct fault_inode *fault_inode_create(struct fault_fs *fs);
struct fault_inode *fault_inode_ref(struct fault_inode *inode);
void fault_inode_unref(struct fault_fs *fs, struct fault_inode *inode);

/* To the page cache; the size grows as needed. */
void fault_inode_write(struct fault_inode *inode, uint64_t offset, const void *from,
                       uint64_t bytes);
/* Sets the size in the page cache; new bytes read as zero. */
void fault_inode_resize(struct fault_inode *inode, uint64_t bytes);
/* From the page cache to the disk. */
void fault_inode_sync(struct fault_inode *inode);
/* A sync that failed: unsynced sectors are lost, kept or torn, and all are taken for clean. */
void fault_inode_fail_sync(struct fault_fs *fs, struct fault_inode *inode);

struct fault_inode *fault_fs_find(const struct fault_fs *fs, const char *name);

/* One change of the directory: `inode` leaves name `from` ("": it is new) for `to` ("": none). */
void fault_fs_change(struct fault_fs *fs, const char *from, const char *to,
                     struct fault_inode *inode);
void fault_fs_sync_directory(struct fault_fs *fs);

/* Power loss: what was not synced meets its fate, then the page cache is what is on the disk. */
void fault_fs_crash(struct fault_fs *fs);

#endif
