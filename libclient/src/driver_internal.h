#ifndef COORD_LIBCLIENT_DRIVER_INTERNAL_H
#define COORD_LIBCLIENT_DRIVER_INTERNAL_H

#include "driver.h"
#include "session.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <pthread.h>

/* What the files of the driver share. "own" is the driver's thread; gRPC's objects are all its. */

/*
 * One thing that gRPC is doing for us; its address is the completion-queue tag. `done` runs on own.
 */
struct driver_tag {
    void (*done)(void *owner, bool ok);
    void *owner;
};

/* A call to one replica, on a channel of its own: what streams and single calls have in common. */
struct driver_call {
    grpc_channel *channel;
    grpc_call *call;
    uint32_t pending; /* tags outstanding */
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice details;
    struct driver_tag opened_tag, over_tag;
};

struct driver_stream;
struct driver_unary;

struct client_driver {
    struct client_driver_config config; /* constant */
    pthread_t thread;                   /* constant */
    grpc_completion_queue *cq;          /* constant */
    grpc_channel *wake_channel;         /* constant; lame: its call can post tags at any time */
    grpc_call *wake_call;               /* constant */
    struct driver_tag wake_tag;         /* constant */

    pthread_mutex_t late; /* for the machine, once its thread is gone; taken before `lock` */
    pthread_mutex_t lock;
    /* Under lock. */
    struct client_request *requests, **requests_end; /* submitted, not yet taken; by `next` */
    struct client_unary *unaries, **unaries_end;
    struct client_watch_job *jobs, **jobs_end;
    struct client_watch *took; /* whose items users have taken; by took_next */
    uint64_t abandoned;        /* a session that somebody was told is lost */
    bool woken;                /* the wake tag was posted and not yet seen */
    bool stopping;             /* client_driver_stop began */
    bool stopped;              /* it ended: there is no thread any more */

    /* own */
    struct client_session *session;
    struct driver_stream *streams;
    struct driver_unary *calls;
    bool stop_begun;
};

/* ---- channel_grpc.c ---- */

/* Silences gRPC's own log once in a process, unless GRPC_VERBOSITY is set. Thread: any. */
void driver_silence_log(void);

/*
 * Reads and looks at the PEM files of the configuration. Returns: COORD_OK, COORD_IO,
 * COORD_INVALID_ARGUMENT, COORD_NO_MEMORY. Thread: any.
 */
CD_MUST_USE enum coord_code driver_check_files(const struct client_driver_config *config,
                                               struct coord_error *error);

/*
 * Begins a call over a new channel: SEND_INITIAL_METADATA with call->opened_tag and
 * RECV_STATUS_ON_CLIENT with call->over_tag are under way; both tags are set before.
 * Returns: COORD_OK; as driver_check_files.
 */
CD_MUST_USE enum coord_code driver_call_begin(struct client_driver *driver,
                                              struct driver_call *call, const char *endpoint,
                                              const char *method, struct coord_error *error);

/* Starts one operation; `tag` comes back exactly once. */
void driver_call_start(struct driver_call *call, const grpc_op *op, struct driver_tag *tag);

void driver_call_cancel(struct driver_call *call);

/* Once no tag is outstanding. */
void driver_call_release(struct driver_call *call);

/*
 * How it ended, once over_tag came: a code of client.h for gRPC's status, and a phrase for a person
 * in `to`.
 */
enum coord_code driver_call_outcome(const struct driver_call *call, char *to, size_t size);

/* gRPC's message as one piece of memory; *ret is the caller's, from client_malloc. */
CD_MUST_USE enum coord_code driver_take_message(grpc_byte_buffer *from,
                                                struct client_bytes *ret_bytes);

/* A message that owns the bytes; frees them also where it returns NULL. */
grpc_byte_buffer *driver_give_message(struct client_bytes bytes);

/* ---- unary_grpc.c: all own ---- */

void driver_unary_begin(struct client_driver *driver, struct client_unary *unary);

/* Ends what took too long; returns the next deadline, or CLIENT_NEVER. */
uint64_t driver_unary_expire(struct client_driver *driver, uint64_t now_ms);

void driver_unary_stop(struct client_driver *driver);

#endif
