#ifndef COORD_STORAGE_SNAPSHOT_H
#define COORD_STORAGE_SNAPSHOT_H

#include "base/status.h"
#include "env/env.h"
#include "storage/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The kept snapshots of a data directory, and the one that is being made. A snapshot is a stream of
 * bytes for a slot; what is in it is not storage's business. It lies in a file of its own, in zstd
 * frames with checksums, and is the same on every replica, so that a peer is sent the file as it
 * is. The format is documented byte by byte in README.md.
 *
 * Invariants
 *  N1 A file has its name only when all of it, trailer included, was durable before. What a crash
 *     leaves unfinished has a temporary name and is removed by the next opening.
 *  N2 Verified is what was written here, or received and checked, or read to its end since the
 *     opening. The two newest verified snapshots are kept; an older one goes only when a newer one
 *     has become durable, and never before there are two.
 *  N3 Nobody is given a byte of content whose checksums were not checked; the end is only said
 *     after the trailer, and a file with anything missing or behind it is CD_CORRUPT.
 *  N4 A full disk ends the snapshot that is being made (CD_FULL) and nothing else; nothing about
 *     the log or the kept snapshots is in doubt then, nor after any other failure here (CD_IO).
 *
 * Thread: loop. What a snapshot that is being made needs of the disk is asynchronous and goes
 * beside the log's group commits; opening, readers and sources block on reads of the page cache or
 * disk.
 */

enum {
    STORAGE_SNAPSHOT_FORMAT_VERSION = 1,
    STORAGE_SNAPSHOT_PUT_BYTES_MAX = 256 << 10,   /* of content in one put; one frame holds it */
    STORAGE_SNAPSHOT_CHUNK_BYTES_MAX = 1 << 20,   /* of a file, sent or received at once */
    STORAGE_SNAPSHOT_PENDING_BYTES_MAX = 4 << 20, /* may wait for the disk before CD_BUSY */
    STORAGE_SNAPSHOTS_KEPT = 2,                   /* verified ones; see N2 */
    STORAGE_SNAPSHOTS_MAX = 64,                   /* more files than that are not ours */
};

struct storage_snapshots;

/* What the header of a snapshot says; the same at every replica. */
struct storage_snapshot_meta {
    uint64_t slot; /* at least 1; all slots up to it are in the snapshot */
    uint64_t zxid;
    uint64_t digest; /* of the state machine (R6) */
    uint32_t digest_version;
};

enum storage_snapshot_state {
    STORAGE_SNAPSHOT_UNVERIFIED, /* its header is intact; the rest was not read yet */
    STORAGE_SNAPSHOT_VERIFIED,
    STORAGE_SNAPSHOT_DAMAGED, /* not for use; goes with the next one that becomes durable */
};

struct storage_snapshot_info {
    struct storage_snapshot_meta meta; /* of one with a damaged header: the slot alone */
    uint64_t file_bytes;
    enum storage_snapshot_state state;
    const char *damage; /* file, byte and advice; "" unless DAMAGED. Until the next call. */
};

struct storage_snapshots_options {
    const char *cluster_name; /* of the configuration, at most STORAGE_CLUSTER_NAME_BYTES_MAX */
    uint64_t file_bytes_max;  /* a peer's snapshot that is larger is refused */
};

/*
 * Lists the snapshots in the data directory behind `env` (borrowed until it is freed) and removes
 * unfinished ones. Reads the headers alone; call it before storage_log_open. `options` is copied.
 * A damaged header is no failure: the snapshot is listed as DAMAGED, with what to say about it.
 *
 * A directory with snapshots in which storage_log_open then finds no record at all has lost its
 * log, and its votes with it (R2).
 *
 * Returns: CD_OK, CD_NEWER_FORMAT, CD_FOREIGN (another cluster's), CD_CORRUPT (more files
 * than coordd keeps), CD_IO. The message names the file and says what to do.
 */
CD_MUST_USE enum cd_status storage_snapshots_open(const struct env *env,
                                                  const struct storage_snapshots_options *options,
                                                  struct storage_snapshots **ret_snapshots,
                                                  struct cd_error *error);

/*
 * Frees it, blocking for an operation that has begun. No `done` runs after it. Readers and sources
 * must have been freed. Accepts NULL.
 */
void storage_snapshots_free(struct storage_snapshots *snapshots);

/* The kept ones, newest first; false from their number on. */
bool storage_snapshots_at(const struct storage_snapshots *snapshots, size_t index,
                          struct storage_snapshot_info *ret_info);

/*
 * The slot behind which the log may be dropped (R3): that of the older of the two newest verified
 * snapshots; 0 if there are not two.
 */
uint64_t storage_snapshots_floor(const struct storage_snapshots *snapshots);

struct storage_snapshots_stats {
    uint64_t count; /* kept, damaged ones too */
    uint64_t bytes; /* of their files */
    uint64_t newest_slot;
    uint64_t newest_bytes;  /* of that one's file, 0 for none: what the next one will about need */
    uint64_t pending_bytes; /* of the one that is being made, waiting for the disk */
    uint64_t removals_failed;
    uint64_t free_bytes; /* on the data directory's disk (R22); asks the system */
};
CD_MUST_USE enum cd_status storage_snapshots_stats(struct storage_snapshots *snapshots,
                                                   struct storage_snapshots_stats *ret_stats);

/* --- making one --- */

/*
 * How a making ended, once: CD_OK (durable and kept; older ones that N2 lets go are being removed),
 * CD_FULL (N4), CD_IO (N4). Not after abort, nor after a put, receive_put or finish that has itself
 * answered with an end. Runs from within the env's completions, never inside a call of this header;
 * it may begin the next one.
 */
typedef void (*storage_snapshot_done)(void *context, enum cd_status status, uint64_t slot);

/*
 * Begins a snapshot of this replica's. One is made at a time, written or received.
 *
 * Returns: CD_OK; CD_BUSY (one is being made, or the remains of the last are still being removed:
 * try later); CD_INVALID_ARGUMENT (no newer than the newest kept one that is not damaged).
 */
CD_MUST_USE enum cd_status storage_snapshot_begin(struct storage_snapshots *snapshots,
                                                  const struct storage_snapshot_meta *meta,
                                                  storage_snapshot_done done, void *context);

/*
 * Takes the next 1 to STORAGE_SNAPSHOT_PUT_BYTES_MAX bytes of content (copied). Compresses at most
 * one frame of STORAGE_SNAPSHOT_PUT_BYTES_MAX, which is what the call costs the loop (README.md).
 *
 * Returns: CD_OK; CD_BUSY (STORAGE_SNAPSHOT_PENDING_BYTES_MAX wait for the disk; nothing was taken:
 * try in a later turn); CD_CLOSED (it has ended, `done` was told why).
 */
CD_MUST_USE enum cd_status storage_snapshot_put(struct storage_snapshots *snapshots,
                                                const void *from, size_t bytes);

/*
 * All content was given: what is left goes to the disk, the file is synced and named, and `done` is
 * told. For a received one: all of the file was given.
 *
 * Returns: CD_OK; CD_CLOSED (it has ended, `done` was told why); CD_CORRUPT (a received file lacks
 * bytes: it has ended, the file is removed and no `done` comes).
 */
CD_MUST_USE enum cd_status storage_snapshot_finish(struct storage_snapshots *snapshots);

/* Ends what is being made, if anything: the file is removed and no `done` comes. */
void storage_snapshot_abort(struct storage_snapshots *snapshots);

/* --- receiving one from a peer --- */

/*
 * Begins a snapshot whose file of `file_bytes` bytes comes from a peer, who announced `meta`.
 *
 * Returns: as storage_snapshot_begin; CD_TOO_LARGE (over file_bytes_max), CD_CORRUPT (shorter than
 * the shortest snapshot).
 */
CD_MUST_USE enum cd_status storage_snapshot_receive(struct storage_snapshots *snapshots,
                                                    const struct storage_snapshot_meta *meta,
                                                    uint64_t file_bytes, storage_snapshot_done done,
                                                    void *context);

/*
 * Takes 1 to STORAGE_SNAPSHOT_CHUNK_BYTES_MAX bytes of the file from `offset` on (copied). What
 * came before is passed over, and what would leave a hole is not taken: with CD_OK and CD_BUSY
 * *ret_next is the offset wanted next. Every checksum is checked on the way, so that finish has
 * nothing left to read.
 *
 * Returns: CD_OK; CD_BUSY (as put); CD_CLOSED (it has ended, `done` was told why); and, after which
 * it has ended, the file is removed and no `done` comes: CD_CORRUPT (a bad byte, a header other
 * than announced, bytes beyond the announced size), CD_NEWER_FORMAT, CD_FOREIGN.
 */
CD_MUST_USE enum cd_status storage_snapshot_receive_put(struct storage_snapshots *snapshots,
                                                        uint64_t offset, const void *from,
                                                        size_t bytes, uint64_t *ret_next,
                                                        struct cd_error *error);

/* --- reading content --- */

struct storage_snapshot_reader;

/*
 * Opens the kept snapshot of `slot` for reading its content from the beginning. It goes on reading
 * when the snapshot is removed meanwhile. Any number of readers.
 *
 * Returns: CD_OK; CD_NOT_FOUND (none of that slot, or it is DAMAGED); CD_CORRUPT (the header; the
 * snapshot is DAMAGED now); CD_IO.
 */
CD_MUST_USE enum cd_status storage_snapshot_reader_open(struct storage_snapshots *snapshots,
                                                        uint64_t slot,
                                                        struct storage_snapshot_reader **ret_reader,
                                                        struct cd_error *error);

/*
 * Gives the next piece of content: 1 to STORAGE_SNAPSHOT_PUT_BYTES_MAX bytes, which live until the
 * next call on this reader. *ret_bytes 0 is the end: everything was checked, the trailer too, and
 * the snapshot is VERIFIED. Memory: two frames, whatever the size of the snapshot.
 *
 * Returns: CD_OK; CD_CORRUPT (file and byte in the message; the snapshot is DAMAGED now, and what
 * was read must be thrown away); CD_IO. After a failure it may only be freed.
 */
CD_MUST_USE enum cd_status storage_snapshot_read(struct storage_snapshot_reader *reader,
                                                 const uint8_t **ret_data, size_t *ret_bytes,
                                                 struct cd_error *error);

/* Accepts NULL. */
void storage_snapshot_reader_free(struct storage_snapshot_reader *reader);

/* Reads the whole of one and forgets the content. Blocks. Returns: as reader_open and read. */
CD_MUST_USE enum cd_status storage_snapshot_verify(struct storage_snapshots *snapshots,
                                                   uint64_t slot, struct cd_error *error);

/* --- sending the file to a peer --- */

struct storage_snapshot_source;

/*
 * Opens the file of the kept snapshot of `slot`, for storage_snapshot_source_read. It goes on
 * reading when the snapshot is removed meanwhile; its room on the disk is free when the source is.
 *
 * Returns: CD_OK; CD_NOT_FOUND (none of that slot, or it is DAMAGED); CD_IO.
 */
CD_MUST_USE enum cd_status storage_snapshot_source_open(struct storage_snapshots *snapshots,
                                                        uint64_t slot,
                                                        struct storage_snapshot_source **ret_source,
                                                        struct cd_error *error);

/* What to announce. */
const struct storage_snapshot_meta *
storage_snapshot_source_meta(const struct storage_snapshot_source *source);
uint64_t storage_snapshot_source_bytes(const struct storage_snapshot_source *source);

/*
 * Copies up to `bytes` (at most STORAGE_SNAPSHOT_CHUNK_BYTES_MAX) bytes of the file from `offset`
 * on to `to`; *ret_bytes is less only at its end. Nothing is checked here: the receiver does.
 *
 * Returns: CD_OK, CD_IO.
 */
CD_MUST_USE enum cd_status storage_snapshot_source_read(struct storage_snapshot_source *source,
                                                        uint64_t offset, void *to, size_t bytes,
                                                        size_t *ret_bytes);

/* Accepts NULL. */
void storage_snapshot_source_free(struct storage_snapshot_source *source);

#endif
