#ifndef COORD_TESTS_SIMULATION_CHECKERS_ONCE_H
#define COORD_TESTS_SIMULATION_CHECKERS_ONCE_H

#include "checkers/truth.h"

/*
 * Exactly once, and in order.
 *
 * once_check: a write that was answered stands in the truth, once, between its call and its answer;
 * one that "never will be" changed nothing; every reply given to a write, a kept one given again
 * too, says the same. That none is carried out twice was seen to by truth_build.
 *
 * order_check: the writes of a session take effect in the order in which its client made them, with
 * seq 1, 2, 3, ... and no gap; after the session was opened and before it ended; and no session is
 * used by two clients.
 */
bool once_check(const struct truth *truth, struct verdict *verdict);
bool order_check(const struct truth *truth, struct verdict *verdict);

#endif
