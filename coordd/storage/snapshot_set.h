#ifndef COORD_STORAGE_SNAPSHOT_SET_H
#define COORD_STORAGE_SNAPSHOT_SET_H

#include "base/buf.h"
#include "storage/snapshot.h"
#include "storage/snapshot_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the three parts of snapshot.h share: the list and what is kept of it (snapshot.c), the one
 * that is being made (snapshot_make.c), readers and sources (snapshot_read.c). Private to this
 * folder.
 */

struct snapshot_entry {
    struct storage_snapshot_meta meta;
    uint64_t file_bytes;
    enum storage_snapshot_state state;
    char *damage; /* owned; NULL unless DAMAGED */
};

/*
 * Being made:
 *
 *   NONE -begin, receive-> OPENING -the file is there-> OPEN -all written-> PUBLISHING -> NONE
 *   any but NONE -failed, aborted, damaged-> ENDING: waits for the operation that is at the env,
 *   then closes the file, removes it, tells `done` if it must -> NONE
 */
enum making_state {
    MAKING_NONE,
    MAKING_OPENING,
    MAKING_OPEN,
    MAKING_PUBLISHING,
    MAKING_ENDING,
};

struct snapshot_making {
    enum making_state state;
    bool received;        /* from a peer */
    bool finished;        /* nothing more comes */
    bool busy;            /* an operation is at the env */
    bool named;           /* the file may have its name already */
    enum cd_status ended; /* ENDING: what `done` is told; CD_OK for nothing */
    struct storage_snapshot_meta meta;
    storage_snapshot_done done;
    void *context;

    char temporary[SNAPSHOT_NAME_BYTES]; /* borrowed by the env, as the next two */
    char name[SNAPSHOT_NAME_BYTES];
    uint8_t header[SNAPSHOT_HEADER_BYTES];
    struct env_file *file; /* NULL while there is none */
    uint64_t offset;       /* where `filling` goes */
    struct cd_buf filling; /* bytes of the file that wait */
    struct cd_buf writing; /* bytes of the file that are at the env */

    struct snapshot_check check; /* over what was put into `filling` */
    struct ZSTD_CCtx_s *zstd;    /* own: owned */
    uint8_t *raw;                /* own: content of the frame that is not full yet; owned */
    size_t raw_bytes;
    uint64_t file_bytes; /* received: as announced, */
    uint64_t next;       /* the offset wanted next, */
    struct cd_buf unit;  /* and the part of the next unit that came */
};

struct storage_snapshots {
    struct env env;
    char cluster_name[STORAGE_CLUSTER_NAME_BYTES_MAX + 1];
    uint64_t file_bytes_max;
    struct snapshot_entry entries[STORAGE_SNAPSHOTS_MAX + 1]; /* newest first */
    size_t count;
    size_t readers; /* and sources, open */
    struct snapshot_making making;

    uint64_t doomed[STORAGE_SNAPSHOTS_MAX + 1]; /* slots whose files are to be removed */
    size_t doomed_count;
    char removing[SNAPSHOT_NAME_BYTES]; /* the last of them is at the env; "" if none is */
    uint64_t removals_failed;
};

/* The kept snapshot of that slot; NULL if there is none. */
struct snapshot_entry *snapshot_find(struct storage_snapshots *snapshots, uint64_t slot);

/* It is DAMAGED from now on; says so in `error` and returns CD_CORRUPT. */
enum cd_status snapshot_damaged(struct storage_snapshots *snapshots, uint64_t slot, uint64_t offset,
                                const char *what, struct cd_error *error);

/* A new one has become durable: it is listed, and what N2 lets go is removed. */
void snapshot_keep(struct storage_snapshots *snapshots, const struct storage_snapshot_meta *meta,
                   uint64_t file_bytes);

/* The header is of another format or cluster; `name` is the file's, for the message. */
enum cd_status snapshot_check_owner(const struct storage_snapshots *snapshots, const char *name,
                                    enum cd_status status, const struct snapshot_header *header,
                                    struct cd_error *error);

/* What is being made goes, without a word; its file stays behind for the next opening. */
void snapshot_making_release(struct storage_snapshots *snapshots);

#endif
