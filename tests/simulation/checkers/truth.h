#ifndef COORD_TESTS_SIMULATION_CHECKERS_TRUTH_H
#define COORD_TESTS_SIMULATION_CHECKERS_TRUTH_H

#include "checkers/events.h"

/*
 * What really happened, worked out of a log: the commands that the replicas applied, once each and
 * in order, tied to the operations that asked for them and replayed in a model. The other checkers
 * judge what clients saw against it.
 *
 * Building it already checks that
 *   - replicas that applied the same place of the log say the same of it, changes included;
 *   - zxids are taken one after another, without gaps (but where a new generation begins);
 *   - every applied write was asked for by an operation, and does in the model what the replicas
 *     say that it did: code, zxid, and the changes with their values, previous values and stats;
 *   - what was not asked for has a reason: the end of a session takes all of its ephemeral nodes
 *     and nothing else, container and TTL nodes are reaped without children.
 */

#define TRUTH_NONE ((size_t)-1)

/* One operation of a client; all pointers into the log. */
struct truth_op {
    const struct event *invoke; /* NULL: the number was never used */
    const struct event *ret;    /* NULL: never heard of again */
    const struct event *reply;  /* the first that came, if replies are recorded */
    uint64_t session, seq;      /* 0: it went out without */
    uint32_t sent;              /* how often it went out; 0 if frames are not recorded */
    size_t write;               /* index of what was applied; TRUTH_NONE */
};

/* One command that was applied, in the order of (slot, index). */
struct truth_write {
    const struct event *applied; /* by the first replica that did */
    uint64_t op;                 /* 0: none */
    size_t first_change, changes_count;
    bool again;                 /* the same session and seq, or op, stands in the log before */
    struct model_result result; /* by the model, of a client's operation on the tree */
    bool has_result;
};

struct truth_change {
    struct model_change change;
    uint64_t zxid, at_us;
    uint64_t denied, doubtful;
    size_t write;
};

struct truth_session {
    uint64_t id;
    const struct event *opened; /* APPLIED; NULL: before the log begins */
    const struct event *ended;  /* APPLIED close or expire; NULL: it lives */
};

struct truth {
    const struct events *events;
    struct truth_op *ops; /* [number] */
    size_t ops_count, ops_capacity;
    struct truth_write *writes;
    size_t writes_count, writes_capacity;
    size_t *taken; /* indexes of the writes that took a zxid, in the order of zxids */
    size_t taken_count, taken_capacity;
    struct truth_change *changes; /* by zxid */
    size_t changes_count, changes_capacity;
    struct truth_session *sessions; /* by id */
    size_t sessions_count, sessions_capacity;
};

/* Release it also after a failure. */
bool truth_build(struct truth *truth, const struct events *events, struct verdict *verdict);
void truth_release(struct truth *truth);

/* The operation with that number, or NULL. */
const struct truth_op *truth_op(const struct truth *truth, uint64_t number);
const struct truth_session *truth_session(const struct truth *truth, uint64_t id);

/* The write that took `zxid`, or NULL. */
const struct truth_write *truth_write_at(const struct truth *truth, uint64_t zxid);

/* The highest zxid that was taken; 0: none. */
uint64_t truth_last_zxid(const struct truth *truth);

/* Index of the first change with a higher zxid. */
size_t truth_changes_after(const struct truth *truth, uint64_t zxid);

/* A tree that goes through the truth, forward only. */
struct truth_replay {
    const struct truth *truth;
    struct model *model;
    size_t next; /* of `taken` */
};

void truth_replay_init(struct truth_replay *replay, const struct truth *truth);
void truth_replay_release(struct truth_replay *replay);

/* Goes on to the state at `zxid`. False if the truth does not reach it, or begins above it. */
bool truth_replay_to(struct truth_replay *replay, uint64_t zxid);

#endif
