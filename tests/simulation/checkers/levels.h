#ifndef COORD_TESTS_SIMULATION_CHECKERS_LEVELS_H
#define COORD_TESTS_SIMULATION_CHECKERS_LEVELS_H

#include "checkers/truth.h"

/*
 * What each read level promises, beside what linear_check says of all reads (R24):
 *   - every read sees the writes that its session had sent before it, if they took effect at all;
 *   - a SESSION read sees none that was sent after it, unless it was sent again or its stream
 *     broke;
 *   - a SESSION read is no older than anything its client had been shown before it asked;
 *   - an AT_LEAST read is no older than what it asked for.
 */
bool levels_check(const struct truth *truth, struct verdict *verdict);

#endif
