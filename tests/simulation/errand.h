#ifndef COORD_TESTS_SIMULATION_ERRAND_H
#define COORD_TESTS_SIMULATION_ERRAND_H

#include "checkers/events.h"

#include "src/request.h"

/*
 * One operation that a client is asked to do: a command of the judges' model as a request of
 * libclient, and what libclient answers as the model's result.
 */

/* How the children of a node are listed. */
enum errand_pages {
    ERRAND_WHOLE, /* not in pages: a transaction, or no list at all */
    ERRAND_CHILDREN,
    ERRAND_LIST, /* as a list of the subtree, one level deep */
};

struct errand;
typedef void (*errand_then)(struct errand *errand, enum event_outcome outcome,
                            const struct model_result *shown);

struct errand {
    struct client_request request; /* first */
    struct errand *next;           /* the owner's */
    void *owner;
    errand_then then; /* may be NULL */
    uint64_t op;
    struct model_command command;
    enum event_level level;
    uint64_t at_least;
    uint32_t ttl_ms; /* of the TTL nodes that it makes */
    bool is_write;
    enum errand_pages pages;
    uint32_t limit;             /* of one page */
    struct coord_result *page;  /* the one before; owned */
    struct model_result so_far; /* of the pages */
};

/* Makes the request, or that of the next page. Stops the process if libclient does not take it. */
void errand_encode(struct errand *errand);

/* What the answer shows. `zxid` is the result's. */
void errand_show(const struct model_command *command, const struct coord_result *result,
                 struct model_result *ret_shown);

/*
 * Takes a page. True if another one follows: encode and submit again. False: so_far shows all of
 * them, at the zxid of the first one, whose version they all are to show (R25).
 */
bool errand_take_page(struct errand *errand);

void errand_free(struct errand *errand);

#endif
