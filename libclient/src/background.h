#ifndef COORD_LIBCLIENT_BACKGROUND_H
#define COORD_LIBCLIENT_BACKGROUND_H

#include "dispatch.h"

struct coord_client;
struct client_timer;

/*
 * The thread on which recipes go on by themselves (what is kept up, what is followed): one for a
 * client, from the first such recipe on until the client is closed. They are made of the calls of
 * client.h that do not wait, with call options whose `in_background` is set, and of watches
 * with client_watch_set_background; their callbacks run here, one at a time, in place of
 * coord_client_dispatch. They must not block.
 */
struct client_background {
    struct client_dispatch dispatch;
    bool started; /* under the client's lock, as the next one */
    pthread_t thread;
    struct client_timer *timers; /* on the thread alone */
};

/* False: no memory. */
CD_MUST_USE bool client_background_init(struct client_background *background);
void client_background_release(struct client_background *background);

/* Starts the thread, if it does not run. False: no memory, or no thread. Thread: any. */
CD_MUST_USE bool client_background_start(struct coord_client *client);

/*
 * Ends it, when all that was posted has run, and every timer once: what goes on learns that the
 * client is closed, from the code of whatever it tries, and sets no timer any more. After the
 * driver has stopped.
 */
void client_background_stop(struct coord_client *client);

/* Something to be done at a time, by what embeds it, zeroed but for `run`. On the thread alone. */
struct client_timer {
    void (*run)(struct client_timer *timer); /* may set it again, or free it */
    uint64_t due_ms;                         /* client_driver_now_ms; 0: not set */
    struct client_timer *next;
};

/* Sets it, also anew. */
void client_timer_set(struct client_background *background, struct client_timer *timer,
                      uint64_t due_ms);

/* It does not run any more; nothing if it is not set. */
void client_timer_clear(struct client_background *background, struct client_timer *timer);

#endif
