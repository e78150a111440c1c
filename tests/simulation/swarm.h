#ifndef COORD_TESTS_SIMULATION_SWARM_H
#define COORD_TESTS_SIMULATION_SWARM_H

#include "simulation/runner.h"

/*
 * A seed of the swarm: a whole cluster with clients under random faults; then all faults end and it
 * has to make progress; then everything that was seen is judged.
 */
void swarm_run_seed(const struct seed_options *options, struct report *report);

#endif
