#ifndef COORD_STORAGE_RECOVERY_H
#define COORD_STORAGE_RECOVERY_H

#include "storage/index.h"
#include "storage/log.h"
#include "storage/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What storage_log_open does with a directory (R4), in this order:
 *
 *   survey.c    which segment files there are, whose they are, at which position each begins
 *   recovery.c  shows every intact record, finds the first damage, judges whether it is torn
 *   rewrite.c   writes what lies above durable_to to a fresh segment, and drops what was cut
 *
 * Nothing in the directory is changed before the judgement. Private to this folder.
 *
 * Positions may lie in two segments: a fresh segment begins with copies of the positions above
 * durable_to, and is only given its name once all of them are durable. So, of each segment, the
 * positions from the lowest first position of all later segments on are superseded: neither they
 * nor damage among them mean anything.
 */

enum {
    /* More segment files than this are not ours. */
    STORAGE_SEGMENTS_MAX = 1 << 16,
};

enum {
    /* Kept free at the end of each segment, so that a full disk can be told what was dropped. */
    STORAGE_DROP_ROOM_BYTES = SEGMENT_RECORD_HEADER_BYTES + SEGMENT_DROPPED_BYTES,
};

/* A segment that records may be read from. */
struct segment_ref {
    uint64_t sequence;
    uint64_t seed;
    uint64_t first_position; /* no record that counts lies before it in this or a later segment */
    uint64_t last_slot;      /* the highest of its STORAGE_ENTRY records that count; 0 for none */
};

struct found_segment {
    uint64_t sequence;
    uint64_t seed;
    uint64_t bytes;          /* the file's size */
    uint64_t first_position; /* UINT64_MAX if it holds no intact record */
    bool clean;              /* that one is where the first belongs */
    uint64_t last_slot;      /* the highest of the STORAGE_ENTRY records taken from it */
    uint64_t limit;          /* positions from here on are superseded */
    uint64_t last_position;  /* of the records taken from it; 0 for none */
    uint64_t end;            /* behind the last record taken from it */
    uint64_t junk_bytes;     /* of a segment without intact records: what is not zero */
};

struct damage {
    bool found;
    uint64_t sequence;
    uint64_t offset;
    uint64_t position; /* the record that should have been there */
    const char *what;  /* static */
};

struct recovery {
    const struct env *env;                 /* borrowed, as all that follows to error */
    const struct storage_options *options; /* cluster name, node, segment_bytes */
    storage_visit visit;
    void *visit_context;
    struct storage_index *index;
    struct cd_error *error;

    struct segment_reader reader;
    struct found_segment *segments; /* by sequence; owned */
    size_t count;
    size_t capacity;
    uint64_t *leftovers; /* sequences of temporary files; owned */
    size_t leftover_count;
    bool too_many;

    struct damage damage;
    struct segment_dropped dropped; /* the most that any intact record states */
    uint64_t first;                 /* the position that the log begins with */
    uint64_t durable_to;            /* the highest that any intact header states */
    uint64_t last;                  /* position of the last record taken */
    uint64_t cut_bytes;
    uint64_t rewritten;
    uint64_t shown;
};

/* The segment that the log goes on in. */
struct fresh_segment {
    uint64_t sequence;
    uint64_t seed;
    struct env_file *file; /* owned by the caller on success */
    uint64_t first_position;
    uint64_t last_slot;
    uint64_t bytes; /* reserved */
    uint64_t end;   /* where the next record goes */
};

void recovery_init(struct recovery *recovery, const struct env *env,
                   const struct storage_options *options);
void recovery_release(struct recovery *recovery);

/* Statuses of all three: as storage_log_open. */
CD_MUST_USE enum cd_status recovery_survey(struct recovery *recovery);
CD_MUST_USE enum cd_status recovery_replay(struct recovery *recovery);

/* `head`: records without position, not sealed, for the head of the new segment. */
CD_MUST_USE enum cd_status recovery_rewrite(struct recovery *recovery, struct cd_buf *head,
                                            struct fresh_segment *ret_fresh);

/* Position that the first numbered record of the fresh segment will have. */
uint64_t recovery_first_position(const struct recovery *recovery);

/* Says that a file operation failed: "cannot <what> <segment>: <reason>"; returns `status`. */
enum cd_status recovery_fail(struct recovery *recovery, enum cd_status status, const char *what,
                             uint64_t sequence);

/* What every message about damage closes with. */
#define STORAGE_ADVICE                                                                             \
    "Move the data directory aside and start the replica with an empty one: it rejoins as a "      \
    "learner and gets the data from its peers (a replica without peers needs a backup)"

#endif
