#ifndef COORD_LIBCLIENT_DRIVER_H
#define COORD_LIBCLIENT_DRIVER_H

#include "codec.h"
#include "request.h"

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
};

/*
 * Starts the thread. Returns: COORD_OK; COORD_IO, COORD_INVALID_ARGUMENT (the files);
 * COORD_NO_MEMORY. Thread: any.
 */
CD_MUST_USE enum coord_code client_driver_create(const struct client_driver_config *config,
                                                 struct client_driver **ret_driver,
                                                 struct coord_error *error);

/* Everything under way is done with COORD_CLOSED or COORD_OUTCOME_UNKNOWN; ends the thread. */
void client_driver_free(struct client_driver *driver);

/* Milliseconds of the driver's clock, for deadlines. Thread: any. */
uint64_t client_driver_now_ms(void);

/* request->done is called once, on the driver's thread. Thread: any. */
void client_driver_submit(struct client_driver *driver, struct client_request *request);

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
