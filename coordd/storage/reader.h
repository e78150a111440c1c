#ifndef COORD_STORAGE_READER_H
#define COORD_STORAGE_READER_H

#include "env/env.h"
#include "storage/segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads one segment file at a time through a window of memory, and finds records in it, also behind
 * damage. Private to this folder.
 */

enum {
    READER_WINDOW_BYTES = 256 << 10, /* read at a time; more for a record that is longer */
};

struct segment_reader {
    const struct env *env; /* borrowed */
    struct env_file *file; /* owned; NULL while no segment is open */
    uint64_t sequence;
    uint64_t seed;   /* set by the caller once it knows it */
    uint64_t bytes;  /* nothing is read at or beyond it: the size of the file, or less */
    uint8_t *window; /* owned */
    size_t window_capacity;
    uint64_t window_offset;
    size_t window_bytes;
};

void segment_reader_init(struct segment_reader *reader, const struct env *env);

/* Closes the file and frees the window. */
void segment_reader_release(struct segment_reader *reader);

/*
 * Opens segment `sequence` in place of the one before; `bytes` becomes the file's size and `seed`
 * 0. Returns: CD_OK, CD_NOT_FOUND, CD_IO.
 */
CD_MUST_USE enum cd_status segment_reader_open(struct segment_reader *reader, uint64_t sequence);
void segment_reader_close(struct segment_reader *reader);

/*
 * Gives `bytes` bytes at `offset`, which must lie within reader->bytes. They live until the next
 * call. Returns: CD_OK, CD_IO.
 */
CD_MUST_USE enum cd_status segment_reader_fetch(struct segment_reader *reader, uint64_t offset,
                                                size_t bytes, const uint8_t **ret_data);

enum segment_item_kind {
    SEGMENT_RECORD, /* an intact record */
    SEGMENT_GAP,    /* bytes that are no intact record, up to the next header or the end */
    SEGMENT_END,    /* nothing but zeros up to the end */
};

struct segment_item {
    enum segment_item_kind kind;
    uint64_t offset;              /* where it starts */
    uint64_t next;                /* where to go on; SEGMENT_END: the end */
    struct segment_record record; /* of a record, and of a gap whose header is intact */
    const uint8_t *body;          /* of a record; lives until the next call on the reader */
    bool header_intact;           /* the gap is a record with a damaged body */
    bool zeros;                   /* the gap starts with a header's length of zeros */
    uint64_t nonzero_bytes;       /* of a gap: from its start to its last byte that is not zero */
};

/*
 * What is at `offset`, a multiple of SEGMENT_ALIGN_BYTES. Behind damage it looks at every aligned
 * place for a header with the right hash, so a whole pass over a segment, however damaged, takes
 * time linear in its size.
 *
 * Returns: CD_OK, CD_IO.
 */
CD_MUST_USE enum cd_status segment_reader_next(struct segment_reader *reader, uint64_t offset,
                                               struct segment_item *ret_item);

#endif
