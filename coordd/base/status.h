#ifndef COORD_BASE_STATUS_H
#define COORD_BASE_STATUS_H

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The one table of outcomes. Numbers up to 99 are what clients see; they equal coord.v1.Code in
 * proto/coord/v1/coord.proto (a test compares the two) and are never reused. From 100 on they stay
 * inside a process.
 *
 * X(symbol, number, text): the text completes "could not do it: ...".
 */
#define CD_STATUS_TABLE(X)                                                                         \
    X(OK, 0, "done")                                                                               \
    X(INVALID_ARGUMENT, 1, "the request breaks a rule of its form")                                \
    X(NO_NODE, 2, "the node does not exist")                                                       \
    X(NODE_EXISTS, 3, "the node exists already")                                                   \
    X(NO_PARENT, 4, "the parent node does not exist")                                              \
    X(NOT_EMPTY, 5, "the node has children")                                                       \
    X(BAD_VERSION, 6, "the node has another version")                                              \
    X(NO_CHILDREN_FOR_EPHEMERALS, 7, "an ephemeral node has no children")                          \
    X(COMPARE_FAILED, 8, "a comparison of the transaction does not hold")                          \
    X(TOO_LARGE, 9, "over a limit of size")                                                        \
    X(TOO_MANY, 10, "over a limit of number")                                                      \
    X(PERMISSION_DENIED, 11, "this identity may not")                                              \
    X(UNIMPLEMENTED, 12, "this server does not know that operation")                               \
    X(NO_LEADER, 13, "this replica has no leader; nothing was done")                               \
    X(BUSY, 14, "too much is under way; nothing was done")                                         \
    X(OUTCOME_UNKNOWN, 15, "the leader changed in the middle; it may or may not have been done")   \
    X(NOT_APPLIED, 16, "it was not done and never will be")                                        \
    X(SESSION_EXPIRED, 17, "the session has ended")                                                \
    X(SESSION_MOVED, 18, "the session is attached elsewhere")                                      \
    X(SESSION_REFUSED, 19, "the session's id, secret or identity is wrong")                        \
    X(SEQ_CONFLICT, 20, "that sequence number belongs to another request")                         \
    X(CURSOR_EXPIRED, 21, "the pages of this list are no longer kept")                             \
    X(WRONG_CLUSTER, 22, "that is another cluster, or an older generation of this one")            \
    X(NOT_BORN, 23, "the cluster was not initialised yet")                                         \
    X(ALREADY_BORN, 24, "the replica holds a cluster already")                                     \
    X(SHUTTING_DOWN, 25, "the replica is stopping")                                                \
    X(NOT_HELD, 26, "the fence does not hold its path")                                            \
    X(NOT_A_NUMBER, 27, "the node's data is not a decimal 64-bit number")                          \
    X(ROOT_FIXED, 28, "the root node cannot be created or deleted")                                \
    X(BEHIND, 29, "this replica is behind what the session has seen")                              \
    X(LIMIT_TIME, 30, "it took longer than its deadline")                                          \
    X(UNREACHABLE, 100, "no replica could be reached")                                             \
    X(CLOSED, 101, "it was closed")                                                                \
    X(MALFORMED, 102, "bytes that do not decode")                                                  \
    X(IO, 103, "an input or output error")                                                         \
    X(CORRUPT, 104, "damaged data")                                                                \
    X(IN_DOUBT, 105, "an earlier write failed, so nothing is certain until a restart")             \
    X(FULL, 106, "no room")                                                                        \
    X(IN_USE, 107, "in use by another process")                                                    \
    X(NEWER_FORMAT, 108, "written by a newer version")                                             \
    X(FOREIGN, 109, "belongs to another cluster or replica")                                       \
    X(NOT_FOUND, 110, "not found")                                                                 \
    X(TIMEOUT, 111, "no answer in time")

enum cd_status {
#define CD_STATUS_ENUM(symbol, number, text) CD_##symbol = number,
    CD_STATUS_TABLE(CD_STATUS_ENUM)
#undef CD_STATUS_ENUM
};

#define CD_STATUS_CLIENT_MAX 99

/* "NO_NODE"; "UNKNOWN" for a number outside the table. Static strings. */
const char *cd_status_name(enum cd_status status);

/* "the node does not exist". Static strings. */
const char *cd_status_text(enum cd_status status);

/*
 * A status with a sentence for a person: what was wrong, the limit or rule, what to do.
 * For start-up, recovery, configuration and refusals; hot paths return the bare status.
 */
#define CD_ERROR_MESSAGE_BYTES 512
struct cd_error {
    enum cd_status status;
    char message[CD_ERROR_MESSAGE_BYTES]; /* NUL-terminated, cut if longer */
};

/* Fills `error` (may be NULL) and returns `status`, so that a failure is one return statement. */
enum cd_status cd_error_set(struct cd_error *error, enum cd_status status, const char *format, ...)
    CD_PRINTF(3, 4);

#endif
