#ifndef COORD_TESTS_SIMULATION_CHECKERS_CARRY_OUT_H
#define COORD_TESTS_SIMULATION_CHECKERS_CARRY_OUT_H

#include "checkers/truth.h"

/* Part of truth.c: the applied writes in a model, and what they changed. */

/* Fills the results and changes of all writes. `observed`: the log has CHANGE events. */
bool truth_carry_out(struct truth *truth, bool observed, struct verdict *verdict);

/* What the write changed, once more in another model. */
bool truth_impose(struct model *model, const struct truth *truth, const struct truth_write *write);

#endif
