#ifndef COORD_TESTS_SIMULATION_CHECKERS_LINEAR_H
#define COORD_TESTS_SIMULATION_CHECKERS_LINEAR_H

#include "checkers/truth.h"

/*
 * Linearizability. Each answer names a zxid, so that the order of everything is claimed by the
 * cluster itself, and only the claim is judged:
 *   - an answered write shows what the model says at the place where it was applied;
 *   - a read, at any level, shows the tree as it was at the zxid that it names;
 *   - whoever asks after somebody was answered (or got an event or bookmark) with zxid z gets no
 *     lower one, and for a change a higher one; SESSION and AT_LEAST reads are free of this;
 *   - no answer names a zxid that no replica had applied when it came.
 * Operations that were never answered may have happened or not. O(n log n), and O(nodes) for each
 * list, count and held fence.
 */
bool linear_check(const struct truth *truth, struct verdict *verdict);

#endif
