#ifndef COORD_TESTS_SIMULATION_CHECKERS_QUEUES_H
#define COORD_TESTS_SIMULATION_CHECKERS_QUEUES_H

#include "checkers/truth.h"

/*
 * Queues, fences and offices (R15, R20). A queue is the sequential children of one parent whose
 * names have a prefix in common, by (czxid, suffix); this keeps its own account of them.
 *
 * queues_check:
 *   - FRONT, WAITING and GONE are told of a node that was so at the zxid that they name, FRONT with
 *     the node's czxid as its fence: so never to more than n members of a queue at one zxid;
 *   - a waiter that is at the front is told so within a bound while its client is linked and runs;
 *   - a write under a fence took effect only while the fence held its path: so never after the
 * grant of the next one;
 *   - who takes itself for a holder was told FRONT with that fence before, and in a queue with n =
 * 1 the fences of the holders only grow.
 *
 * masters_check: in a queue with n = 1 no two clients take themselves for the holder at one true
 * time. Somebody does so from GRANTED to RELEASED, STATE LOST, or to the stop of its process,
 * against which only the fence protects. `ret_margin_us` (may be NULL) gets the shortest time
 * between one holder's end by RELEASED or LOST and the next one's begin; UINT64_MAX if there was
 * none.
 */
bool queues_check(const struct truth *truth, uint64_t told_us, struct verdict *verdict);
bool masters_check(const struct truth *truth, uint64_t *ret_margin_us, struct verdict *verdict);

#endif
