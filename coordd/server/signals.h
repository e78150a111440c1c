#ifndef COORD_SERVER_SIGNALS_H
#define COORD_SERVER_SIGNALS_H

#include "env/env_posix.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * SIGTERM and SIGINT ask for a stop, a second one ends the process at once (exit code 1); SIGHUP
 * asks for the certificates to be read again; SIGPIPE is ignored. A thread waits for them, so that
 * there is no code in a signal handler and files are not read on the loop. Between signals the same
 * thread looks after the certificates' files.
 */

struct server_signals {
    pthread_t thread;
    pthread_mutex_t mutex;  /* guards env */
    struct env_posix *env;  /* borrowed; NULL after server_signals_detach */
    atomic_bool stop_asked; /* written by the thread, read by the loop */
    atomic_bool ended;
    /* Both run on the signals' thread while env is attached. */
    void (*reload)(void *context); /* at SIGHUP */
    void (*look)(void *context);   /* every `look_ms`, as far as signals leave time */
    uint32_t look_ms;
    void *context;
};

/* Blocks the signals above. Before any thread is made: all of them inherit it. */
void server_signals_block(void);

/* Starts the thread. `env` is woken for a stop. */
void server_signals_start(struct server_signals *signals, struct env_posix *env,
                          void (*reload)(void *context), void (*look)(void *context),
                          uint32_t look_ms, void *context);

/* From here on `env`, `reload` and `look` are left alone and any stop ends the process at once. */
void server_signals_detach(struct server_signals *signals);

/* Ends the thread. After detach. */
void server_signals_stop(struct server_signals *signals);

#endif
