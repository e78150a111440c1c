#ifndef COORD_TESTS_SIMULATION_TESTS_GENERATOR_H
#define COORD_TESTS_SIMULATION_TESTS_GENERATOR_H

#include "checkers/judge.h"

/*
 * Correct histories, by a tiny correct server: one tree, everything carried out at once, told to
 * clients late but in order. Clients open sessions, write, read, watch, take turns on locks, are
 * cut off, stopped and expired. Every seed gives another history, the same each time.
 */
struct generator_options {
    uint64_t seed;
    size_t steps;   /* about 7 events each */
    size_t clients; /* at most GENERATOR_CLIENTS_MAX */
};

enum { GENERATOR_CLIENTS_MAX = 12 };

/* Initialises `events`, which the caller releases. */
void generate(const struct generator_options *options, struct events *events);

/* What the histories keep to. */
struct judge_options generator_judge_options(void);

/* The test's own randomness (splitmix64). */
uint64_t generator_draw(uint64_t *state, uint64_t below);

#endif
