#ifndef COORD_LIBCLIENT_CLIENT_INTERNAL_H
#define COORD_LIBCLIENT_CLIENT_INTERNAL_H

#include "background.h"
#include "dispatch.h"
#include "driver.h"
#include "namespace.h"
#include "options.h"

#include <pthread.h>

/* What client.c and admin.c share: the client, and how a caller waits for the driver. */

struct coord_client {
    struct coord_options *options; /* constant; owned */
    struct client_driver *driver;  /* constant; owned */
    pthread_mutex_t lock;
    pthread_cond_t idle; /* calls became 0 */
    size_t calls;        /* under lock: callers inside the library */
    /* Under lock: what the driver said last about the session. */
    struct client_lease_view lease;
    uint64_t doomed; /* the session that somebody was told is lost, or 0 */
    bool closing;
    pthread_cond_t changed; /* one of the three above; its clock is CLOCK_MONOTONIC */
    /* Under lock: who is called when the state changes, and what he was told last. */
    coord_state_fn state_fn;
    void *state_context;
    bool told_any;
    enum coord_session_state told_state;
    uint64_t told_id;
    struct client_ready state_ready;
    struct client_dispatch dispatch;
    struct client_background background;
};

/*
 * A caller enters the library, and leaves it; in between the client is not freed, also if it is
 * closed. What consists of several calls, or uses the client after one, is within a pair of its
 * own.
 */
void client_enter(struct coord_client *client);
void client_leave(struct coord_client *client);

/* A condition whose timed waits are of CLOCK_MONOTONIC. False: no memory. */
CD_MUST_USE bool client_cond_init(pthread_cond_t *cond);

/* Waits on it until then, in client_driver_now_ms; false: the time is over. */
bool client_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ms);

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

/* A request whose caller does not wait: its outcome comes to a callback. On the heap. */
struct client_async {
    struct client_request request;
    struct client_ready ready;
    struct coord_client *client;
    struct client_dispatch *dispatch; /* where `done` runs */
    coord_done_fn done;
    void *context;
};

/*
 * Makes one of an operation that was checked, ready to be submitted: it frees itself when its
 * callback has run. Returns: COORD_OK, COORD_INVALID_ARGUMENT (`has_output`), and what encoding a
 * request can.
 */
enum coord_code client_async_create(struct coord_client *client, const struct client_op *op,
                                    bool needs_session, const struct coord_call_options *call,
                                    bool has_output, struct client_async **ret_async,
                                    struct coord_error *error);

/* Makes and submits it. */
enum coord_code client_async_begin(struct coord_client *client, const struct client_op *op,
                                   bool needs_session, const struct coord_call_options *call,
                                   bool has_output, struct coord_error *error);

/* One that was not submitted. */
void client_async_drop(struct client_async *async);

/* What a queue-front watch counts; borrowed. */
struct client_queue {
    uint32_t n;
    const char *const *prefixes;
    size_t prefixes_count;
};

/* Whether node and queue can be asked for. COORD_OK, _INVALID_ARGUMENT, _TOO_MANY. */
enum coord_code client_queue_check(const struct coord_client *client, const struct client_op *op,
                                   const struct client_queue *queue, struct coord_error *error);

/*
 * Submits `create`, which is encoded and has its deadline, together with a watch on the place of
 * the node that it makes. COORD_OK: create->done will be called, and the watch is the caller's
 * whatever comes, to be closed; if the node was not made it ends with that code. COORD_NO_MEMORY:
 * nothing was submitted.
 */
enum coord_code client_watch_created(struct coord_client *client, const struct client_queue *queue,
                                     struct client_request *create, struct coord_watch **ret_watch,
                                     struct coord_error *error);

/* As coord_watch_set_callback, in the background. */
void client_watch_set_background(struct coord_watch *watch, coord_item_fn told, void *context);

static inline bool client_is_async(const struct coord_call_options *call)
{
    return call != NULL && call->done != NULL;
}

/* When the clock alone will change the session's state, if it is CONNECTED or SUSPECT, in
 * client_driver_now_ms; `until_ms` if that is earlier. */
uint64_t client_state_look_ms(struct coord_client *client, uint64_t until_ms);

/* State or id have changed: who wants to know is called. With the client's lock held. */
void client_state_changed(struct coord_client *client);

/* Calls him, if they are others than he was told. */
void client_run_state(struct client_ready *ready);

/*
 * One operation from beginning to end; `needs_session` as in client_request. Outputs as in
 * client.h.
 */
enum coord_code client_carry_out(struct coord_client *client, const struct client_op *op,
                                 bool needs_session, const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *error);

/* An operation of the program's, with its paths, for client_codec_request_encode. Likewise. */
enum coord_code client_encode(const struct coord_client *client, const struct client_op *op,
                              const struct coord_call_options *call, struct client_request *request,
                              struct coord_error *error);

/* The outcome of a request that is over, as a call returns it; frees its bytes. */
enum coord_code client_conclude(const struct coord_client *client, struct client_request *request,
                                struct coord_result **ret_result, struct coord_error *error);

uint32_t client_timeout_ms(const struct coord_client *client,
                           const struct coord_call_options *call);

#endif
