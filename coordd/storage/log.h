#ifndef COORD_STORAGE_LOG_H
#define COORD_STORAGE_LOG_H

#include "base/blob.h"
#include "base/status.h"
#include "env/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The replica's memory: one log of records in preallocated segment files. Promises, acceptances,
 * configurations and chosen marks go into it in one order; what a record's body means is not
 * storage's business. The format is documented byte by byte in README.md.
 *
 * Invariants
 *  S1 Records are numbered 1, 2, 3, ... (the position); a position is durable only when the sync
 *     that covers it has completed, and `done` is told positions in growing order.
 *  S2 Every record carries `durable_to`, the highest position known durable when it was written
 *     (R4). Damage above the highest durable_to that is readable anywhere in the log is a torn tail
 *     and is cut with all that follows; damage at or below it is CD_CORRUPT.
 *  S3 Every segment starts with the records that `describe` gives, so that dropping older segments
 *     loses no promise, incarnation, configuration or mark (R3). A record that is durable before
 *     the first file goes says from which position on the log is kept (README.md, "Dropping").
 *  S4 After any failed write, sync or removal the log is in doubt: it refuses all further work
 *     (CD_IN_DOUBT) and the replica stops. No room for a new segment is not doubt (R22): see
 * CD_FULL below. S5 When storage_log_open has returned CD_OK, everything it showed is durable
 * again: the part above durable_to was written to a fresh segment and synced (R4), because after a
 * killed process it may be in the page cache alone.
 *
 * A full disk (R22). The next segment is reserved ahead of need. If there is no room for it, `done`
 * is told CD_FULL with the positions durable so far, stats.full is set, and reserving is tried
 * again every STORAGE_FULL_RETRY_MS by storage_log_tick. Meanwhile records go on into the current
 * segment while they fit; one that does not gets CD_FULL from storage_log_append. Records that were
 * taken before the shortage was known wait; nothing about them was told durable. When room is found
 * stats.full is cleared, what waits is written and `done` goes on with CD_OK.
 *
 * Thread: loop.
 */

struct storage_log;

enum storage_kind {
    STORAGE_STATE = 1, /* copy of promised, incarnation, configurations, mark: opens each segment */
    STORAGE_ENTRY,     /* an accepted or learned value of a slot */
    STORAGE_PROMISE,   /* a promise without an acceptance */
    STORAGE_MARK,      /* the chosen mark has grown */
    STORAGE_PEERS,     /* log positions that peers acknowledged to this replica (R2) */
    STORAGE_SYNCED,    /* storage's own: a durable_to written because the log went idle (R4), with
                          a position, or at an opening, without one; never given to append, never
                          shown */
    STORAGE_DROPPED,   /* storage's own: from where on the log is kept; never given to append, never
                          shown */
    STORAGE_INSTALLED, /* a snapshot took the place of everything up to its slot (R3) */
};

struct storage_ballot {
    uint64_t round;
    uint32_t node;
    uint64_t incarnation;
};

struct storage_record {
    enum storage_kind kind;
    uint64_t slot; /* 0 where the kind has none */
    struct storage_ballot ballot;
    const uint8_t *body; /* borrowed for the call */
    size_t body_bytes;   /* at most STORAGE_BODY_BYTES_MAX */
};

enum {
    STORAGE_FORMAT_VERSION = 1,
    STORAGE_BODY_BYTES_MAX = 8 << 20,
    /* What may wait for the disk before storage_log_append answers CD_BUSY. */
    STORAGE_PENDING_BYTES_MAX = 128 << 20,
    STORAGE_CLUSTER_NAME_BYTES_MAX = 64,
    /* What `describe` may put at the head of one segment, with record headers. */
    STORAGE_HEAD_BYTES_MAX = 1 << 20,
    STORAGE_SEGMENT_BYTES_DEFAULT = 32 << 20,
    STORAGE_FULL_RETRY_MS = 1000,
    /* Slots of STORAGE_ENTRY records lie in a range of at most this many. */
    STORAGE_SLOT_RANGE_MAX = 1 << 30,
};

#define STORAGE_SEGMENT_BYTES_MAX (UINT64_C(4) << 30)

struct storage_options {
    const char *cluster_name; /* of the configuration; a directory of another name is refused */
    uint32_t node;            /* this replica's id; a directory of another id is refused */
    uint64_t segment_bytes;   /* reserved per segment; at least 2 * STORAGE_BODY_BYTES_MAX in
                                 production, smaller in tests (a record larger than a segment gets
                                 a segment of its own size); at most STORAGE_SEGMENT_BYTES_MAX */
    uint64_t idle_ms;         /* after this long without appends the SYNCED mark is written */

    /*
     * CD_OK: positions up to `upto` became durable. CD_FULL: see "A full disk"; `upto` is what is
     * durable. CD_IN_DOUBT: once and last (S4). Runs on the loop thread from within the env's
     * completions, never inside a call of this header. It may append and flush; it must not free
     * the log.
     */
    void (*done)(void *context, enum cd_status status, uint64_t upto);
    /*
     * Asks for the records that open a new segment: call storage_log_describe_put for each. They
     * say what holds now, with all that was appended so far, durable or not. Runs inside
     * storage_log_append, before the record being appended is taken, inside storage_log_tick, and
     * inside storage_log_open after the last record was shown, if the log held any. Must not
     * append. NULL: no records.
     */
    void (*describe)(void *context, struct storage_log *log);
    void *context; /* borrowed until the log is freed */
};

/* What recovery found besides the records themselves. */
struct storage_recovery {
    /*
     * The last position that this log held when it was opened, 0 if it held none. This is what R2
     * compares with the positions that peers remember. The opening itself takes no positions, so
     * that a log that lost its end does not grow back by being opened again and again.
     */
    uint64_t last_position;
    uint64_t durable_to; /* the highest that was readable: at or below it damage is CD_CORRUPT */
    uint64_t cut_bytes;  /* of a torn tail */
    uint64_t rewritten;  /* records above durable_to, written again (S5) */
    uint64_t records;    /* shown */
    uint64_t segments;   /* files that hold records */
    /*
     * After storage_log_drop: the highest slot of which entries may be missing, 0 if nothing was
     * dropped. Only with a snapshot of that slot or a later one is nothing missing; without one the
     * replica is damaged (R2).
     */
    uint64_t dropped_slot;
    uint64_t first_position; /* of the log; 1 if nothing was dropped */
};

/*
 * Sees each intact record in the order of positions; the heads of segments (S3) come in between
 * with position 0. A head may be newer than the records that follow it, which are then played again
 * on top of it: what the visitor builds must come out the same (largest wins, last wins). The
 * record is borrowed for the call. A status other than CD_OK ends the opening with it.
 */
typedef enum cd_status (*storage_visit)(void *context, uint64_t position,
                                        const struct storage_record *record,
                                        struct cd_error *error);

/*
 * Opens the log of the data directory behind `env` (borrowed until the log is freed), creating it
 * if the directory is empty, and shows every record to `visit` before it returns. Blocks. `options`
 * is copied. On a status other than CD_OK the directory is as it was, save for files that held no
 * intact record, and what `visit` built must be thrown away.
 *
 * Returns: CD_OK; CD_CORRUPT (damage below what was durable: the message names file, offset and
 * what to do), CD_NEWER_FORMAT, CD_FOREIGN (another cluster's or replica's directory), CD_FULL,
 * CD_IO; or what `visit` returned.
 */
CD_MUST_USE enum cd_status
storage_log_open(const struct env *env, const struct storage_options *options, storage_visit visit,
                 void *visit_context, struct storage_log **ret_log,
                 struct storage_recovery *ret_recovery, struct cd_error *error);

/*
 * Frees it, blocking for a write that has begun. Nothing else that waits is written; no `done` runs
 * after it. Accepts NULL.
 */
void storage_log_free(struct storage_log *log);

/*
 * Takes one record (copied) and gives its position. It is not written before storage_log_flush.
 * `lazy`: needs no sync of its own; it travels with the next one that does, or with the idle mark.
 *
 * Returns: CD_OK, CD_BUSY (STORAGE_PENDING_BYTES_MAX wait already), CD_FULL (no room; see "A full
 * disk"), CD_TOO_LARGE (the body), CD_TOO_MANY (the slot is too far from the others, see
 * STORAGE_SLOT_RANGE_MAX), CD_IN_DOUBT. Nothing is taken unless CD_OK.
 */
CD_MUST_USE enum cd_status storage_log_append(struct storage_log *log,
                                              const struct storage_record *record, bool lazy,
                                              uint64_t *ret_position);

/* Only inside `describe`: adds one record to the head of the new segment. It gets no position. */
void storage_log_describe_put(struct storage_log *log, const struct storage_record *record);

/*
 * Group commit: starts writing and syncing all that was appended, unless a write is under way; the
 * end of that one starts the next by itself. Call it once at the end of each turn of the loop.
 */
void storage_log_flush(struct storage_log *log);

/*
 * Gives up the oldest segments, as long as every STORAGE_ENTRY in them is of a slot at or below
 * `slot`: that of the older of two kept, verified snapshots (R3, storage_snapshots_floor). First a
 * record of storage's own goes into the log, with the next storage_log_flush. Once it is durable,
 * and with it the heads of all later segments, the entries can no longer be read, and the files are
 * removed beside everything else, oldest first. A call while an earlier drop is under way does
 * nothing.
 *
 * Returns: CD_OK (also if there is nothing to give up), CD_FULL (no room for that record: there is
 * room for one on a full disk, and what it frees makes room for more), CD_IN_DOUBT.
 */
CD_MUST_USE enum cd_status storage_log_drop(struct storage_log *log, uint64_t slot);

/* Writes the idle mark and tries for room again when due. Call with the loop's timers. */
void storage_log_tick(struct storage_log *log, uint64_t now_ms);

/* Absolute env time of the next tick wanted; UINT64_MAX for none. */
uint64_t storage_log_deadline_ms(const struct storage_log *log);

/* Highest position appended, and highest durable. */
uint64_t storage_log_last(const struct storage_log *log);
uint64_t storage_log_durable(const struct storage_log *log);

/*
 * Shows the newest STORAGE_ENTRY record of each slot in [first, last], in slot order, until `visit`
 * returns false or at least `bytes_max` bytes of bodies were shown. Slots after `first` without a
 * record are passed over. Records that still wait for the disk are included. Blocks on reads of the
 * page cache or disk; meant for catch-up. `visit` must not append.
 *
 * Returns: CD_OK, CD_NOT_FOUND (`first` has no record, or is below stats.first_slot, so that what
 * was dropped never looks like a slot without a record), CD_CORRUPT, CD_IO.
 */
CD_MUST_USE enum cd_status
storage_log_read_entries(struct storage_log *log, uint64_t first, uint64_t last, size_t bytes_max,
                         bool (*visit)(void *context, const struct storage_record *record),
                         void *context, struct cd_error *error);

/* Figures for metrics and for admission (R22). */
struct storage_stats {
    uint64_t appended_bytes; /* since the opening, with record headers */
    uint64_t written_bytes;  /* carried to the disk since the opening */
    uint64_t syncs;          /* group commits since the opening */
    uint64_t segments;       /* files, without the reserved one */
    uint64_t pending_bytes;  /* taken and not yet durable */
    uint64_t room_bytes;     /* left in the current segment and the reserved one */
    uint64_t first_slot;     /* the first that can be read, if it was written; 1 until a drop */
    bool full;               /* no room for a new segment */
};
void storage_log_stats(const struct storage_log *log, struct storage_stats *ret_stats);

#endif
