#ifndef COORD_STORAGE_SNAPSHOT_FILE_H
#define COORD_STORAGE_SNAPSHOT_FILE_H

#include "base/status.h"
#include "storage/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of a snapshot file, as README.md documents them: its name, its header block, the
 * headers of its frames, its trailer, and the check that goes over all of them. Pure, and without
 * zstd: a frame's body is checked as it is. Private to this folder.
 */

enum {
    SNAPSHOT_HEADER_BYTES = 256,
    SNAPSHOT_MARK_BYTES = 48,                                /* a frame's header; the trailer too */
    SNAPSHOT_RAW_BYTES_MAX = STORAGE_SNAPSHOT_PUT_BYTES_MAX, /* content of one frame */
    SNAPSHOT_BODY_BYTES_MAX = SNAPSHOT_RAW_BYTES_MAX + (8 << 10), /* and what zstd makes of it */
    SNAPSHOT_FRAME_BYTES_MAX = SNAPSHOT_MARK_BYTES + SNAPSHOT_BODY_BYTES_MAX,
    SNAPSHOT_FILE_BYTES_MIN = SNAPSHOT_HEADER_BYTES + SNAPSHOT_MARK_BYTES,
    SNAPSHOT_NAME_BYTES = 38, /* "snapshot-" 20 digits ".zst" ".tmp" NUL */
};

struct snapshot_header {
    uint32_t format_version;
    struct storage_snapshot_meta meta;
    char cluster_name[STORAGE_CLUSTER_NAME_BYTES_MAX + 1];
};

/* "snapshot-00000000000000000007.zst", with ".tmp" behind it for a file that is being made. */
void snapshot_name(char to[SNAPSHOT_NAME_BYTES], uint64_t slot, bool temporary);

/* False for names that are not a snapshot's. */
bool snapshot_parse_name(const char *name, uint64_t *ret_slot, bool *ret_temporary);

/*
 * What is known of a file between two of its units: the header block, then for each frame its
 * header and its body, then the trailer. Writers and checkers go along with it alike.
 */
enum snapshot_unit {
    SNAPSHOT_HEADER,
    SNAPSHOT_MARK, /* a frame's header, or the trailer */
    SNAPSHOT_BODY,
    SNAPSHOT_END, /* nothing more may come */
};

struct snapshot_check {
    enum snapshot_unit unit; /* what comes next, */
    uint64_t offset;         /* where it starts, */
    size_t wanted;           /* and how long it is */
    uint64_t seed;           /* the hash in the header before; of the next header's hash */
    uint64_t frames;
    uint64_t raw_bytes;            /* content of all frames so far */
    struct snapshot_header header; /* once it was taken */
    uint32_t frame_raw_bytes;      /* of the frame whose header was taken last */
    uint64_t frame_body_hash;
};

void snapshot_check_init(struct snapshot_check *check);

/*
 * Takes the unit of `check->wanted` bytes that lies at `check->offset`. *ret_what says for people
 * what is wrong, in static words, if it is CD_CORRUPT.
 *
 * Returns: CD_OK, CD_CORRUPT, CD_NEWER_FORMAT (check->header.format_version is set).
 */
CD_MUST_USE enum cd_status snapshot_check_take(struct snapshot_check *check, const uint8_t *from,
                                               const char **ret_what);

/* The writer's side: each makes one unit and goes on behind it. */
void snapshot_put_header(struct snapshot_check *check, const struct snapshot_header *header,
                         uint8_t to[SNAPSHOT_HEADER_BYTES]);
/* The frame's header; the frame counts as put with its body. */
void snapshot_put_frame(struct snapshot_check *check, const uint8_t *body, size_t body_bytes,
                        size_t raw_bytes, uint8_t to[SNAPSHOT_MARK_BYTES]);
void snapshot_put_trailer(struct snapshot_check *check, uint8_t to[SNAPSHOT_MARK_BYTES]);

#endif
