#ifndef COORD_TESTS_SIMULATION_CHECKERS_COUNTS_H
#define COORD_TESTS_SIMULATION_CHECKERS_COUNTS_H

#include "checkers/truth.h"

#include <stdio.h>

/*
 * How often what a run is for took place. A run that never saw one of them has shown nothing about
 * it, and fails. Counts of several seeds are added up first.
 *
 * X(symbol, words)
 */
#define COUNTS_TABLE(X)                                                                            \
    X(OPERATIONS, "operations answered")                                                           \
    X(TRANSACTIONS, "transactions applied")                                                        \
    X(RESUMES, "sessions resumed")                                                                 \
    X(EXPIRIES, "sessions expired")                                                                \
    X(LOST, "clients that were LOST")                                                              \
    X(EPHEMERALS, "ephemeral nodes that went with their session")                                  \
    X(EVENTS, "events")                                                                            \
    X(BOOKMARKS, "bookmarks")                                                                      \
    X(RESYNCS, "RESYNC")                                                                           \
    X(LAGGED, "LAGGED")                                                                            \
    X(KEPT_REPLIES, "kept replies given again")                                                    \
    X(INSTALLS, "snapshots installed")                                                             \
    X(GRANTS, "grants of a lock")                                                                  \
    X(FENCED, "writes refused under an old fence")

enum counts_what {
#define COUNTS_ENUM(symbol, words) COUNTS_##symbol,
    COUNTS_TABLE(COUNTS_ENUM)
#undef COUNTS_ENUM
        COUNTS_COUNT,
};

struct counts {
    uint64_t of[COUNTS_COUNT];
};

/* Adds what the log shows. A reply counts as kept if its write was applied before the stream began
 * on which it was returned. */
void counts_add(struct counts *counts, const struct truth *truth);

/* All of them, one a line: "    12  sessions resumed". */
void counts_print(const struct counts *counts, FILE *file);

/* Says no if one is zero. */
bool counts_check(const struct counts *counts, struct verdict *verdict);

#endif
