#ifndef COORD_TESTS_SIMULATION_LAB_H
#define COORD_TESTS_SIMULATION_LAB_H

#include "simulation/runner.h"

/*
 * The swarm of the consensus core alone: a group of struct paxos under faults, with proposers and
 * readers that know nothing of sessions. Faster and narrower than the swarm of whole replicas.
 */
void lab_run_seed(const struct seed_options *options, struct report *report);

#endif
