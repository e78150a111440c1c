#ifndef COORD_TESTS_SIMULATION_CHECKERS_WATCHES_H
#define COORD_TESTS_SIMULATION_CHECKERS_WATCHES_H

#include "checkers/truth.h"

/*
 * The watch guarantees (etcd's, and more; R12, R16, R18, R25), of what applications were handed:
 *   ordered     the events of a client come by zxid; those of one path within it in their order
 *   unique      no change comes twice to a watch
 *   reliable    from where a watch is complete, none that fits its path, scope, kinds and identity
 *               is left out, but for what RESYNC or LAGGED names
 *   atomic      all events of a zxid come before any of another, any reply and any bookmark
 *   resumable   a watch set again goes on where it was, however often streams break
 *   bookmarked  BOOKMARK or COMPLETE_TO at z: everything up to z has come, and z was applied
 *   first       a reply with zxid z comes after all events up to z
 *   true        every event is a change of the truth, with its values (if asked for) and stat, not
 *               before it was applied, to no watch that was not set, and to no identity denied it
 */
bool watches_check(const struct truth *truth, struct verdict *verdict);

#endif
