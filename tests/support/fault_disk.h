#ifndef COORD_TESTS_SUPPORT_FAULT_DISK_H
#define COORD_TESTS_SUPPORT_FAULT_DISK_H

#include "base/prng.h"
#include "base/status.h"
#include "env/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An env without an operating system: a virtual file system in memory that models what a disk may
 * do to writes that were not synced, with virtual time and seeded randomness. One fault_disk is one
 * replica's data directory; it outlives the replica's crashes.
 *
 * What it models
 *  - Each file has two contents: what reads see (the page cache) and what is on the disk. A sync
 *    copies the first to the second.
 *  - fault_disk_crash (power loss): each 512-byte sector written since the last sync is lost, kept
 *    or torn (a prefix or suffix of the new bytes over the old ones); an unsynced size is the old
 * or the new one; of the directory changes since the last sync_directory a random prefix survives.
 *  - fault_disk_kill (the process ends, the machine goes on): the page cache stays.
 *  - A failed sync leaves the page cache as it is, decides each unsynced sector at once (lost,
 * kept, torn) and takes it for clean: a later sync that succeeds does not write it.
 *  - Asynchronous operations have three lanes, as in env.h: write_sync in the order given,
 *    create_reserved beside them, and bulk work beside both. In a crash or kill the oldest of each
 * lane has begun and may be done in part; the others have not begun.
 *
 * Reproducible: the same seed (or prng state) and the same calls give the same outcomes.
 * Thread: one.
 */

struct fault_disk;

struct fault_disk_options {
    /* Randomness for crashes, latencies and entropy; borrowed. NULL: an own one from `seed`. */
    struct cd_prng *prng;
    uint64_t seed;

    /* Space for all files together, in bytes; 0 for no limit. */
    uint64_t capacity_bytes;

    /* Virtual time. NULL: fault_disk_set_time. */
    uint64_t (*now_ms)(void *context);
    uint64_t (*wall_ms)(void *context);

    /*
     * Asks that fault_disk_step(disk, ticket) be called `delay_us` (> 0) of virtual time from now.
     * Called when an operation becomes the oldest of its lane. NULL: the owner pumps.
     */
    void (*schedule)(void *context, uint64_t delay_us, uint64_t ticket);

    /* An operation takes a time drawn from [min, max]. Only `schedule` sees it. */
    uint64_t latency_us_min;
    uint64_t latency_us_max;

    void *context; /* for the three hooks */
};

/* `options` is copied; NULL for all defaults. Owned by the caller. */
struct fault_disk *fault_disk_create(const struct fault_disk_options *options);

/* Accepts NULL. Every file must have been closed, or a crash or kill must have come in between. */
void fault_disk_free(struct fault_disk *disk);

/* Its env; lives as long as the disk and stays valid over crashes. */
const struct env *fault_disk_env(struct fault_disk *disk);

/* The own clock, for when `now_ms` is NULL: sets both times. */
void fault_disk_set_time(struct fault_disk *disk, uint64_t now_ms, uint64_t wall_ms);
void fault_disk_set_latency(struct fault_disk *disk, uint64_t min_us, uint64_t max_us);

/*
 * Does the asynchronous operation of that ticket and runs its completion. False, and nothing done,
 * if there is no such operation any more (a crash or cancel took it).
 */
bool fault_disk_step(struct fault_disk *disk, uint64_t ticket);

/* Without `schedule`: does the oldest operation of a lane drawn at random; false if none waits. */
bool fault_disk_step_any(struct fault_disk *disk);

/* step_any until nothing waits; returns the number of steps. */
size_t fault_disk_pump(struct fault_disk *disk);

/* Asynchronous operations queued. */
size_t fault_disk_waiting(const struct fault_disk *disk);

/*
 * Power loss, and the end of the process alone. Queued operations vanish, their completions never
 * run, and open files become stale: they may only be closed (a stale file's other operations
 * answer CD_IO). Call it before the crashed replica is freed, so that freeing it writes nothing.
 */
void fault_disk_crash(struct fault_disk *disk);
void fault_disk_kill(struct fault_disk *disk);

/* An empty volume in place of the old one. Call it after a crash or kill, or before first use. */
void fault_disk_wipe(struct fault_disk *disk);

/*
 * An image of what is on the disk (unsynced writes are not in it), and going back to it: a volume
 * restored from yesterday. Restore after a crash or kill. The image is owned by the caller.
 */
struct fault_disk_image;
struct fault_disk_image *fault_disk_save(const struct fault_disk *disk);
void fault_disk_restore(struct fault_disk *disk, const struct fault_disk_image *image);
void fault_disk_image_free(struct fault_disk_image *image);

/*
 * Faults. The n-th operation from now that can fail (1 = the next; an asynchronous one counts when
 * it is carried out) fails with `status`; a write that fails may be done in part. 0 takes the
 * fault back. fault_disk_fail_from: that one and all after it.
 */
void fault_disk_fail_at(struct fault_disk *disk, uint64_t nth, enum cd_status status);
void fault_disk_fail_from(struct fault_disk *disk, uint64_t nth, enum cd_status status);

/* Operations that could have failed, since the making. */
uint64_t fault_disk_operations(const struct fault_disk *disk);

/* Space from now on; 0 for no limit. Files may already hold more. */
void fault_disk_set_capacity(struct fault_disk *disk, uint64_t bytes);

/*
 * Looking at and damaging files, on the disk and in the page cache alike. Paths are as in env.
 * Peek gives a pointer valid until the file is changed; NULL if there is no such file.
 */
const uint8_t *fault_disk_peek(const struct fault_disk *disk, const char *path,
                               uint64_t *ret_bytes);
void fault_disk_poke(struct fault_disk *disk, const char *path, uint64_t offset, const void *from,
                     size_t bytes);
void fault_disk_flip(struct fault_disk *disk, const char *path, uint64_t bit);

/* What happened since the making, for a simulator's closing report. */
struct fault_disk_stats {
    uint64_t syncs;
    uint64_t written_bytes;
    uint64_t crashes;
    uint64_t kills;
    uint64_t sectors_lost; /* at crashes and failed syncs */
    uint64_t sectors_kept;
    uint64_t sectors_torn;
    uint64_t faults; /* operations made to fail */
    uint64_t open_files;
};
void fault_disk_stats(const struct fault_disk *disk, struct fault_disk_stats *ret_stats);

#endif
