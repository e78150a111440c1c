#ifndef COORD_TESTS_SIMULATION_CHECKERS_HISTORY_H
#define COORD_TESTS_SIMULATION_CHECKERS_HISTORY_H

#include "checkers/model.h"
#include "checkers/verdict.h"

#include <stdint.h>

/*
 * Linearizability, and the weaker promise of SESSION reads, of what clients saw.
 *
 * Every answer names a zxid: the one that its write took, or that of the state that it shows. So
 * the order in which everything happened is claimed by the system itself, and only the claim is
 * judged:
 *   1. A replay of the log in a model explains every answer: at its zxid the state was such.
 *   2. Real time is respected: who began after another one had ended has no lower zxid, and a
 * change a higher one.
 *   3. Every command in the log was sent by a client and is there once, and none is there of which
 * a client was told that it never happens. So the log resolves the unknown outcomes.
 *   4. A SESSION or AT_LEAST read shows nothing older than what its client had seen before, and any
 *      read shows the writes that its stream sent before it.
 * O(n log n).
 */

enum history_outcome {
    HISTORY_ANSWERED = 1, /* `shown` holds what came back, refusals by the state included */
    HISTORY_NOT_DONE,     /* it was said that nothing was done and never will be */
    HISTORY_UNKNOWN,      /* no answer, or one that says it is not known */
};

enum history_level {
    HISTORY_LINEARIZABLE = 1,
    HISTORY_SESSION,
    HISTORY_AT_LEAST,
};

struct history_op {
    uint64_t number; /* unique; the value that it writes, if it writes one */
    uint32_t client;
    bool is_read;
    enum history_level level; /* of a read */
    uint64_t at_least;        /* highest zxid that its client had seen, or asked for */
    uint64_t after;           /* of a read: number of the write that its stream sent before it; 0 */
    uint64_t invoked_us;
    uint64_t returned_us; /* not of UNKNOWN ones */
    enum history_outcome outcome;
    struct model_command command;
    struct model_result shown; /* zxid is that of the answer */
};

/* The log of the cluster at the end, in its order: what the replicas carried out. */
struct history_log {
    const struct model_command *commands;
    size_t count;
    uint64_t generation;
};

/* Sorts `ops`. */
bool history_check(struct history_op *ops, size_t count, const struct history_log *log,
                   struct verdict *verdict);

#endif
