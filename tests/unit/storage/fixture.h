#ifndef COORD_TESTS_UNIT_STORAGE_FIXTURE_H
#define COORD_TESTS_UNIT_STORAGE_FIXTURE_H

#include "base/prng.h"
#include "storage/log.h"
#include "support/fault_disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A log on a fault disk beside a model of it: what was appended at each position and what the log
 * has called durable. Opening compares what is shown with the model and fails the test if a durable
 * record is missing, the order is broken, or anything was invented.
 */

struct model_record {
    enum storage_kind kind; /* 0: a position of the log's own */
    uint64_t slot;
    struct storage_ballot ballot;
    uint8_t *body; /* owned */
    size_t body_bytes;
};

struct fixture {
    struct fault_disk *disk;
    struct storage_options options;
    struct storage_log *log;
    struct storage_recovery recovery;
    struct cd_error error;
    uint64_t now_ms;

    struct model_record *records; /* by position; [0] unused */
    uint64_t last;                /* highest position of the model */
    uint64_t capacity;
    uint64_t durable;            /* the highest that the log called durable */
    uint64_t heads;              /* shown by the last opening */
    uint64_t head_round;         /* the highest that those said */
    uint64_t floor;              /* the highest slot given to fixture_drop */
    uint64_t drop_limit;         /* positions up to it were there at the last fixture_drop */
    uint64_t shown;              /* position shown last */
    uint64_t describes;          /* since the making */
    bool doubt;                  /* done was told CD_IN_DOUBT */
    uint64_t fulls;              /* how often done was told CD_FULL */
    enum cd_status visit_answer; /* what the visitor says to position `visit_answer_at` */
    uint64_t visit_answer_at;
};

/* A new empty disk. `disk_options` may be NULL. */
void fixture_init(struct fixture *fixture, const struct fault_disk_options *disk_options,
                  uint64_t segment_bytes);

/* Frees log, disk and model; fails the test on a file left open. */
void fixture_release(struct fixture *fixture);

/* Opens and compares with the model. The model is then what was shown, all of it durable. */
enum cd_status fixture_open(struct fixture *fixture);

/* The same, and the test fails on anything but CD_OK. */
void fixture_reopen(struct fixture *fixture);

void fixture_close(struct fixture *fixture);

/* Power loss and the end of the process, with the log freed behind it. */
void fixture_crash(struct fixture *fixture);
void fixture_kill(struct fixture *fixture);

/* Appends a record and notes it in the model on CD_OK. Its body is drawn from its position. */
enum cd_status fixture_append(struct fixture *fixture, enum storage_kind kind, uint64_t slot,
                              size_t body_bytes, bool lazy);

/* An entry, which must be taken; returns the position. */
uint64_t fixture_entry(struct fixture *fixture, uint64_t slot, size_t body_bytes);

/* Gives up the entries of slots up to `slot`; from then on they may be missing at the beginning. */
enum cd_status fixture_drop(struct fixture *fixture, uint64_t slot);

/* Flushes and lets the disk work until nothing waits. */
void fixture_sync(struct fixture *fixture);

/* Lets time pass and ticks. */
void fixture_advance(struct fixture *fixture, uint64_t ms);

/* Reads every slot of the model that was not dropped back through storage_log_read_entries and
 * compares. */
void fixture_check_entries(struct fixture *fixture);

/* Name of the n-th segment file, from 1. Static, until the next call. */
const char *fixture_segment(uint64_t sequence);

/* Where the record at `position` lies in segment `sequence`; 0 if it is not there. */
uint64_t fixture_find_record(struct fixture *fixture, uint64_t sequence, uint64_t position);

/* The highest segment there is, and the lowest; 0 for none. */
uint64_t fixture_last_segment(struct fixture *fixture);
uint64_t fixture_first_segment(struct fixture *fixture);

#endif
