#ifndef COORD_TESTS_SIMULATION_CHECKERS_QUEUES_H
#define COORD_TESTS_SIMULATION_CHECKERS_QUEUES_H

#include "checkers/truth.h"

/*
 * Queues, fences and offices (R15, R20). A queue is the sequential children of one parent whose
 * names have a prefix in common, by (czxid, suffix); this keeps its own account of them.
 *
 * queues_check
 *   - FRONT, WAITING and GONE are told of a node that was so at the zxid that they name, FRONT with
 *     the node's czxid as its fence: so never to more than n members of a queue at one zxid;
 *   - a waiter that is at the front is told so within a bound while its client is linked and runs;
 *   - a write under a fence took effect only while the fence held its path: so never behind the
 *     grant of the next one.
 *
 * masters_check
 *   - who takes itself for a holder was told FRONT with that fence before;
 *   - where n is 1 the fences of the holders only grow, and no two clients take themselves for the
 *     holder at one true time: from GRANTED to RELEASED, STATE LOST or the stop of the process,
 *     against which only the fence protects.
 * `ret_margin_us` (may be NULL) gets the shortest time between the end of one holder, by RELEASED
 * or LOST, and the begin of the next one; UINT64_MAX if there was none.
 */
bool queues_check(const struct truth *truth, uint64_t told_us, struct verdict *verdict);
bool masters_check(const struct truth *truth, uint64_t *ret_margin_us, struct verdict *verdict);

#endif
