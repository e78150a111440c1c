#ifndef COORD_LIBCLIENT_CLIENT_INTERNAL_H
#define COORD_LIBCLIENT_CLIENT_INTERNAL_H

#include "driver.h"
#include "options.h"

#include <pthread.h>

/* What client.c and admin.c share: the client, and how a caller waits for the driver. */

struct coord_client {
    struct coord_options *options; /* constant; owned */
    struct client_driver *driver;  /* constant; owned */
    pthread_mutex_t lock;
    pthread_cond_t idle; /* calls became 0 */
    size_t calls;        /* under lock: callers inside the library */
};

/* One caller's wait for one outcome; on the caller's stack. */
struct client_wait {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over; /* under lock */
};

/* Before the work is handed over. */
void client_wait_begin(struct coord_client *client, struct client_wait *wait);

/* The outcome is there; on the driver's thread. The wait may be gone when it returns. */
void client_wait_over(struct client_wait *wait);

/* Blocks until it is; afterwards the wait is no more. */
void client_wait_end(struct coord_client *client, struct client_wait *wait);

uint32_t client_timeout_ms(const struct coord_client *client,
                           const struct coord_call_options *call);

#endif
