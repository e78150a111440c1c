#ifndef COORD_TESTS_SIMULATION_RUNNER_H
#define COORD_TESTS_SIMULATION_RUNNER_H

#include "checkers/verdict.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Runs seeds, each in a process of its own, so that a failed assertion is that seed's failure; adds
 * up what they did; says how to run a failed one again.
 */

/* Exit codes of coord_sim. */
enum {
    EXIT_PASSED = 0,
    EXIT_FAILED = 1, /* a scenario failed, or a run did not do what it had to do */
    EXIT_USAGE = 2,
    EXIT_CRASH = 10,
    EXIT_SAFETY = 11,
    EXIT_LIVENESS = 12,
    EXIT_NONDETERMINISM = 13,
};

/* needed: a run of many seeds in which it never happened has proved nothing, and fails. */
#define COUNT_TABLE(X)                                                                             \
    X(SECONDS, "simulated seconds", false)                                                         \
    X(OPERATIONS, "operations", false)                                                             \
    X(FAULTS, "faults", false)                                                                     \
    X(ELECTIONS, "elections", true)                                                                \
    X(ADOPTED, "adopted values", true)                                                             \
    X(HOLES, "holes filled", true)                                                                 \
    X(PROMOTIONS, "learner promotions", true)                                                      \
    X(CONFIGS, "configurations chosen", true)                                                      \
    X(HAND_OVERS, "hand-overs", false)                                                             \
    X(RESTARTS, "restarts", true)                                                                  \
    X(CRASHES, "crashes", false)                                                                   \
    X(LOST, "crashes that lost writes", false)                                                     \
    X(WIPES, "wipes", false)                                                                       \
    X(RESTORES, "restores", false)                                                                 \
    X(FORGOT, "forgotten logs noticed", false)                                                     \
    X(REMOVALS, "removals", false)                                                                 \
    X(SNAPSHOTS, "snapshots taken", false)                                                         \
    X(DROPS, "logs dropped behind one", false)                                                     \
    X(INSTALLS, "snapshots installed", false)                                                      \
    X(FALLBACKS, "starts from the older snapshot", false)                                          \
    X(PARTITIONS, "partitions", false)                                                             \
    X(READS, "reads", false)                                                                       \
    X(WRITES_OK, "writes acknowledged", false)                                                     \
    X(WRITES_REFUSED, "writes refused", false)                                                     \
    X(WRITES_UNKNOWN, "writes unknown", false)                                                     \
    X(TRANSACTIONS, "transactions applied", false)                                                 \
    X(RESUMES, "sessions resumed", false)                                                          \
    X(EXPIRIES, "sessions expired", false)                                                         \
    X(SESSIONS_LOST, "clients that were LOST", false)                                              \
    X(EPHEMERALS, "ephemeral nodes that went", false)                                              \
    X(EVENTS, "events", false)                                                                     \
    X(BOOKMARKS, "bookmarks", false)                                                               \
    X(RESYNCS, "RESYNC", false)                                                                    \
    X(LAGGED, "LAGGED", false)                                                                     \
    X(KEPT_REPLIES, "kept replies given again", false)                                             \
    X(GRANTS, "grants of a lock", false)                                                           \
    X(FENCED, "writes under an old fence", false)                                                  \
    X(APPLIED, "values applied", false)                                                            \
    X(MESSAGES, "messages", false)

enum count {
#define COUNT_ENUM(name, text, needed) COUNT_##name,
    COUNT_TABLE(COUNT_ENUM)
#undef COUNT_ENUM
        COUNTS
};

/* What one seed did. A child sends it to its parent as it is. */
struct report {
    uint64_t counts[COUNTS];
    uint64_t digest; /* of everything that happened */
    int code;        /* one of the exit codes */
    char why[1024];
};

/* Fails the seed; the first reason stays. */
void report_fail(struct report *report, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_verdict(struct report *report, const struct verdict *verdict);

enum breakage {
    BREAK_NOTHING,
    BREAK_P2,   /* disks say "durable" before it is true */
    BREAK_R1,   /* promises do not tell what is chosen */
    BREAK_R3,   /* installing a snapshot resets the log; `paxos` alone */
    BREAK_R12,  /* frames count as confirmed without a leader; `swarm` alone, as those below */
    BREAK_R18,  /* replies overtake the events before them */
    BREAK_ONCE, /* a write that is sent again gets another seq */
};

struct seed_options {
    uint64_t seed;
    FILE *trace; /* NULL: none */
    enum breakage breakage;
};

typedef void (*seed_runner)(const struct seed_options *options, struct report *report);

enum { RUN_SOME = 50, RUN_MANY = 200 }; /* seeds from which on coverage is demanded */

struct run_options {
    const char *command; /* as typed, to say how to run a seed again */
    uint64_t first_seed;
    uint64_t seeds;
    unsigned jobs;
    const char *trace_path; /* of a run of one seed */
    enum breakage breakage;
    uint64_t needs;        /* bit set of counts that this command needs besides, */
    uint64_t many_needs;   /* and that a run of RUN_MANY seeds needs */
    uint64_t repeat_every; /* each so many seeds run twice and must do the same; 0: never */
    bool quiet;
};

/* Returns an exit code. */
int run_seeds(const struct run_options *options, seed_runner runner);

#endif
