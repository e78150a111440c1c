#ifndef COORD_LIBCLIENT_DRIVER_H
#define COORD_LIBCLIENT_DRIVER_H

#include "codec.h"
#include "request.h"
#include "session.h"

/*
 * What moves bytes: one thread that owns a session machine and all that belongs to gRPC. Others
 * hand it work through a queue and are told when it is done.
 *
 * Files are read again at every dial, and every dial has a channel of its own, so that names are
 * resolved and certificates taken anew.
 */
struct client_driver;

struct client_driver_config {
    const char *const *endpoints; /* "host:port"; borrowed as long as the driver, as all below */
    size_t endpoints_count;
    const char *client_name;
    const char *ca_file, *cert_file, *key_file;
    bool session; /* client_session_config.sessions, and its timeout */
    uint32_t session_timeout_ms;
    /* What is known about the session, after each turn. On the driver's thread. */
    void (*publish)(void *context, const struct client_lease_view *view);
    void *context;
};

/*
 * Starts the thread. Returns: COORD_OK; COORD_IO, COORD_INVALID_ARGUMENT (the files);
 * COORD_NO_MEMORY. Thread: any.
 */
CD_MUST_USE enum coord_code client_driver_create(const struct client_driver_config *config,
                                                 struct client_driver **ret_driver,
                                                 struct coord_error *error);

/*
 * Everything under way is done with COORD_CLOSED or COORD_OUTCOME_UNKNOWN, the session is closed,
 * watches have got their last item; ends the thread. What is submitted later is done at once, on
 * the submitter's thread. Thread: any, once.
 */
void client_driver_stop(struct client_driver *driver);

/* After client_driver_stop; no other thread uses it any more. */
void client_driver_free(struct client_driver *driver);

/* Milliseconds of the driver's clock, for deadlines. Thread: any. */
uint64_t client_driver_now_ms(void);

/* Milliseconds of the clock that leases are measured by. Thread: any. */
uint64_t client_driver_lease_ms(void);

/* request->done is called once, on the driver's thread. Thread: any. */
void client_driver_submit(struct client_driver *driver, struct client_request *request);

/* A watch is set, or removed. */
struct client_watch_job {
    struct client_watch *watch;
    bool remove;
    /* Set with it: the write that makes its node (its watch is `watch`), or NULL. */
    struct client_request *create;
    /* The watch was taken, or is gone; on the driver's thread, once. */
    void (*done)(struct client_watch_job *job, enum coord_code code);
    void *context;
    struct client_watch_job *next; /* the driver's */
};

/*
 * watch->told gets its items, on the driver's thread. If the watch cannot be taken its create ends
 * with the same code. Thread: any.
 */
void client_driver_submit_watch(struct client_driver *driver, struct client_watch_job *job);

/* See client_session_took, client_session_abandon. Thread: any. */
void client_driver_took(struct client_driver *driver, struct client_watch *watch, size_t bytes);
void client_driver_abandon(struct client_driver *driver, uint64_t id);

/* One call to one replica, on a connection of its own. */
struct client_unary {
    /* Set by the maker, and borrowed. */
    const char *method; /* "/coord.v1.Admin/Status" */
    const char *endpoint;
    const uint8_t *request;
    size_t request_count;
    uint64_t submitted_ms, deadline_ms;
    bool is_write;                            /* a lost answer is COORD_OUTCOME_UNKNOWN */
    void (*done)(struct client_unary *unary); /* on the driver's thread, once */
    void *context;

    /* The outcome: with COORD_OK the answer's bytes, which are the maker's. */
    enum coord_code code;
    struct coord_error error;
    struct client_bytes answer;

    struct client_unary *next; /* the driver's */
};

/* Thread: any. */
void client_driver_submit_unary(struct client_driver *driver, struct client_unary *unary);

#endif
