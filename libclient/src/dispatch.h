#ifndef COORD_LIBCLIENT_DISPATCH_H
#define COORD_LIBCLIENT_DISPATCH_H

#include "base/assert.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a client's callbacks wait in until the program runs them (coord_client_dispatch): one list
 * for outcomes, watches and states, so that they run in the order in which the driver told them.
 * Callbacks run one at a time, without a lock of the library.
 */

/* One thing to run; on the list once or not at all. Its owner embeds it, zeroed but for `run`. */
struct client_ready {
    void (*run)(struct client_ready *ready); /* may free it */
    struct client_ready *next;               /* the list's, as the next one */
    bool queued;
};

struct client_dispatch {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* any of what follows; its clock is CLOCK_MONOTONIC */
    /* Under lock. */
    struct client_ready *first, **end;
    size_t count;
    const struct client_ready *current; /* that runs; only to be compared */
    bool running;
    pthread_t runner;  /* while `running` */
    bool close_wanted; /* a callback of his closes the client */
    bool closing;
    int fd; /* an eventfd, readable while the list is not empty; -1 until somebody wants it */
};

/* False: no memory. */
CD_MUST_USE bool client_dispatch_init(struct client_dispatch *dispatch);

/* Closes the descriptor; the list is empty. */
void client_dispatch_release(struct client_dispatch *dispatch);

/* Puts it at the end, or in front of all; nothing if it is there. Thread: any. */
void client_dispatch_post(struct client_dispatch *dispatch, struct client_ready *ready);
void client_dispatch_post_first(struct client_dispatch *dispatch, struct client_ready *ready);

/* It does not run any more, unless this is said from within its own run. Thread: any. */
void client_dispatch_drop(struct client_dispatch *dispatch, struct client_ready *ready);

/*
 * Runs what is there, after waiting for it until then; returns how many. 0 within a callback.
 * ret_close: the caller closes the client now, since a callback wanted that.
 */
size_t client_dispatch_run(struct client_dispatch *dispatch, uint64_t until_ms, bool *ret_close);

/* False: this thread is in no callback. Else the one that runs is the last of its run. */
bool client_dispatch_want_close(struct client_dispatch *dispatch);

/* Whoever waits in client_dispatch_run returns, and nobody will wait there. */
void client_dispatch_close(struct client_dispatch *dispatch);

/* Whether that was said. Thread: any. */
bool client_dispatch_is_closed(struct client_dispatch *dispatch);

/* -1: the process has no descriptor left. */
int client_dispatch_fd(struct client_dispatch *dispatch);

#endif
