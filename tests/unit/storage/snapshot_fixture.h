#ifndef COORD_TESTS_UNIT_STORAGE_SNAPSHOT_FIXTURE_H
#define COORD_TESTS_UNIT_STORAGE_SNAPSHOT_FIXTURE_H

#include "base/prng.h"
#include "storage/snapshot.h"
#include "support/fault_disk.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Snapshots on a fault disk. The content of a snapshot is drawn from its slot, so that reading one
 * back tells whether it is the right one; what its header says comes from the slot too.
 */

enum {
    SNAPS_CONTENT_BYTES = 600000, /* two full frames and a part */
};

struct snaps {
    struct fault_disk *disk;
    struct storage_snapshots_options options;
    struct storage_snapshots *set;
    struct cd_error error;
    uint64_t content_bytes;
    uint64_t put_bytes; /* at a time */
    uint64_t dones;     /* how often `done` was told, and what */
    enum cd_status done_status;
    uint64_t done_slot;
};

/* A new empty disk. `disk_options` may be NULL. The set is not open yet. */
void snaps_init(struct snaps *snaps, const struct fault_disk_options *disk_options);

/* Frees set and disk; fails the test on a file left open. */
void snaps_release(struct snaps *snaps);

/* Opens the set anew; the test fails on anything but CD_OK. */
void snaps_reopen(struct snaps *snaps);
enum cd_status snaps_open(struct snaps *snaps);
void snaps_close(struct snaps *snaps);

struct storage_snapshot_meta snaps_meta(uint64_t slot);

/* The content of `slot` at [offset, offset + bytes). */
void snaps_content(uint64_t slot, uint64_t offset, uint8_t *to, size_t bytes);

/* Begins and gives all content, stepping the disk on CD_BUSY; then finishes. No more steps. */
enum cd_status snaps_write(struct snaps *snaps, uint64_t slot);

/* Writes one to the end, which must be CD_OK. */
void snaps_make(struct snaps *snaps, uint64_t slot);

/* Reads one to its end and compares. */
enum cd_status snaps_read(struct snaps *snaps, uint64_t slot);
void snaps_check(struct snaps *snaps, uint64_t slot);

void snaps_on_done(void *context, enum cd_status status, uint64_t slot);

/* The kept slots in words: "30 20!" (newest first; '!' DAMAGED, '?' UNVERIFIED). Static. */
const char *snaps_list(const struct snaps *snaps);

/* All names in the directory, with a space behind each. Static. */
const char *snaps_names(const struct snaps *snaps);

/* "snapshot-...zst" of the slot. Static, until the next call. */
const char *snaps_name(uint64_t slot);

#endif
