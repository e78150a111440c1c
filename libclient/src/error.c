#include "error.h"

#include <stdio.h>

/* X(symbol, text). Numbers are in client.h; a test compares both with coordd's table. */
#define CODES(X)                                                                                   \
    X(OK, "done")                                                                                  \
    X(INVALID_ARGUMENT, "the request breaks a rule of its form")                                   \
    X(NO_NODE, "the node does not exist")                                                          \
    X(NODE_EXISTS, "the node exists already")                                                      \
    X(NO_PARENT, "the parent node does not exist")                                                 \
    X(NOT_EMPTY, "the node has children")                                                          \
    X(BAD_VERSION, "the node has another version")                                                 \
    X(NO_CHILDREN_FOR_EPHEMERALS, "an ephemeral node has no children")                             \
    X(COMPARE_FAILED, "a comparison of the transaction does not hold")                             \
    X(TOO_LARGE, "over a limit of size")                                                           \
    X(TOO_MANY, "over a limit of number")                                                          \
    X(PERMISSION_DENIED, "this identity may not")                                                  \
    X(UNIMPLEMENTED, "this server does not know that operation")                                   \
    X(NO_LEADER, "the replica has no leader; nothing was done")                                    \
    X(BUSY, "too much is under way; nothing was done")                                             \
    X(OUTCOME_UNKNOWN, "it may or may not have been done")                                         \
    X(NOT_APPLIED, "it was not done and never will be")                                            \
    X(SESSION_EXPIRED, "the session has ended")                                                    \
    X(SESSION_MOVED, "the session is attached elsewhere")                                          \
    X(SESSION_REFUSED, "the session's id, secret or identity is wrong")                            \
    X(SEQ_CONFLICT, "that sequence number belongs to another request")                             \
    X(CURSOR_EXPIRED, "the pages of this list are no longer kept")                                 \
    X(WRONG_CLUSTER, "that is another cluster, or an older generation of this one")                \
    X(NOT_BORN, "the cluster was not initialised yet")                                             \
    X(ALREADY_BORN, "the replica holds a cluster already")                                         \
    X(SHUTTING_DOWN, "the replica is stopping")                                                    \
    X(NOT_HELD, "the fence does not hold its path")                                                \
    X(NOT_A_NUMBER, "the node's data is not a decimal 64-bit number")                              \
    X(ROOT_FIXED, "the root node cannot be created or deleted")                                    \
    X(BEHIND, "the replica is behind what this client has seen")                                   \
    X(LIMIT_TIME, "it took longer than its deadline")                                              \
    X(UNREACHABLE, "no replica could be reached")                                                  \
    X(CLOSED, "the client was closed")                                                             \
    X(MALFORMED, "the replica's answer could not be understood")                                   \
    X(IO, "a file could not be read")                                                              \
    X(TIMEOUT, "no answer in time")                                                                \
    X(NO_MEMORY, "no memory")                                                                      \
    X(UNRECOGNIZED, "refused for a reason that this version does not know")

const char *coord_code_name(enum coord_code code)
{
    switch (code) {
#define NAME(symbol, text)                                                                         \
    case COORD_##symbol:                                                                           \
        return #symbol;
        CODES(NAME)
#undef NAME
    }
    return "UNRECOGNIZED";
}

const char *coord_code_text(enum coord_code code)
{
    switch (code) {
#define TEXT(symbol, text)                                                                         \
    case COORD_##symbol:                                                                           \
        return text;
        CODES(TEXT)
#undef TEXT
    }
    return coord_code_text(COORD_UNRECOGNIZED);
}

enum coord_code client_code_from_wire(uint32_t number)
{
    return number <= (uint32_t)COORD_LIMIT_TIME ? (enum coord_code)number : COORD_UNRECOGNIZED;
}

enum coord_code client_error_set_list(struct coord_error *error, enum coord_code code,
                                      const char *format, va_list arguments)
{
    if (error != NULL) {
        error->code = code;
        error->failed_index = COORD_NO_INDEX;
        vsnprintf(error->message, sizeof(error->message), format, arguments);
    }
    return code;
}

enum coord_code client_error_set(struct coord_error *error, enum coord_code code,
                                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)client_error_set_list(error, code, format, arguments);
    va_end(arguments);
    return code;
}

enum coord_code client_error_no_memory(struct coord_error *error)
{
    return client_error_set(error, COORD_NO_MEMORY, "no memory; nothing was done");
}
