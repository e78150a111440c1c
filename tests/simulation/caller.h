#ifndef COORD_TESTS_SIMULATION_CALLER_H
#define COORD_TESTS_SIMULATION_CALLER_H

#include "checkers/events.h"
#include "simulation/cluster.h"
#include "simulation/stream_frames.h"

#include "src/session.h"

/*
 * A client's process around libclient's session machine, as its driver is in the real world:
 * virtual time of a clock of its own, the network's streams, and whatever an application asks for.
 * All that can be seen from outside of it goes to the judges' log. It can be stopped, as by
 * SIGSTOP, and the machine under it be suspended.
 *
 * Use: any calls of an application, then caller_turn; what comes from the network and the clock
 * takes its turns itself.
 */

struct caller;

/* Its application. Called within a turn; may call caller_took, else only take note. */
struct caller_port {
    void *context;
    /* The request is its maker's again. */
    void (*done)(void *context, struct client_request *request);
    void (*told)(void *context, struct client_watch_item *item); /* takes the item */
    void (*changed)(void *context, const struct client_lease_view *lease);
    /* The watch is sent to a replica (again), and set there. */
    void (*watch_sent)(void *context, uint64_t watch, uint64_t after);
    void (*watch_set)(void *context, uint64_t watch, uint64_t request);
    /* It has watches, and all are set on this stream (the machine's): its complete_to counts. */
    bool (*is_armed)(void *context, uint64_t stream);
};

struct caller_options {
    struct world *world;
    struct cluster *cluster;
    struct trace *trace;
    struct events *events;
    struct verdict *verdict;
    uint32_t id;     /* 1 to CLUSTER_CLIENTS_MAX - 1 */
    uint32_t pinned; /* the only replica that it knows; 0: all */
    bool sessions;
    uint32_t timeout_ms;
    size_t events_bytes_max;
    int32_t skew_ppm;
    struct caller_port port;
};

/* What the log knows of a request with this id. */
struct caller_request {
    uint64_t op;             /* 0: of none */
    struct model_result got; /* the newest reply that came */
};

struct caller_stream {
    uint64_t id, stream; /* the machine's, and the cluster's */
    uint32_t node;
    bool linked, left, ended;
    uint64_t session; /* on it, or 0 */
    uint64_t since;   /* number of the hello that opened or resumes it */
    bool opening;     /* it was sent, and not answered */
    uint64_t confirmed;
    uint64_t *frames; /* [n - 1]: what its frame n is among all of the client's */
    size_t frames_count, frames_capacity;
    struct cd_blob **parked; /* came, and not read yet */
    size_t parked_count, parked_capacity;
};

enum { CALLER_STREAMS_MAX = 24, CALLER_SETTINGS = 64 };

/* A watch on its way to being set. Requests that do so have numbers of their own. */
struct caller_setting {
    uint64_t request, watch; /* ids */
};

struct caller {
    struct caller_options options;
    struct cd_prng prng;
    struct world_clock clock;
    uint64_t suspended_ms; /* in which its clock for deadlines stood still */
    struct client_session *session;
    char names[CLUSTER_NODES_MAX][8];
    const char *endpoints[CLUSTER_NODES_MAX];
    uint32_t nodes[CLUSTER_NODES_MAX]; /* of the endpoints */
    struct caller_stream streams[CALLER_STREAMS_MAX];
    struct caller_request *requests; /* [id] of what the application asks */
    size_t requests_count;
    struct caller_setting settings[CALLER_SETTINGS]; /* the newest */
    size_t settings_count;
    uint64_t active;     /* stream of the machine, when it was looked at last */
    uint64_t frames;     /* sent */
    uint64_t opened;     /* the session told of last */
    uint64_t timeout_ms; /* of it */
    bool stopped, closing, in_turn;
    uint64_t stopped_ms;
    uint64_t wake_us;
    uint64_t complete_to; /* told last */
    struct stream_sent sent;
    struct stream_said said;
};

void caller_init(struct caller *caller, const struct caller_options *options);
/* Its application has let go of everything: see caller_shut. */
void caller_release(struct caller *caller);
/* The machine gives back all requests and watches; nothing is logged any more. */
void caller_shut(struct caller *caller);

/* As the functions of session.h. `op`: what the request is of; 0: nothing that is judged. */
void caller_submit(struct caller *caller, struct client_request *request, uint64_t op);
CD_MUST_USE enum coord_code caller_watch(struct caller *caller, struct client_watch *watch);
void caller_unwatch(struct caller *caller, struct client_watch *watch);
void caller_took(struct caller *caller, struct client_watch *watch, size_t bytes);
void caller_turn(struct caller *caller);

struct client_time caller_now(const struct caller *caller);

/* The lease by the clock at this moment, as the library tells its user. */
struct client_lease_view caller_lease(struct caller *caller);

/* The newest reply to the request with this id. */
const struct model_result *caller_reply(const struct caller *caller, uint64_t request);

/* Adds an event of this client's. */
void caller_log(struct caller *caller, struct event event);

void caller_stop(struct caller *caller);
void caller_continue(struct caller *caller, bool suspended);

/* From the cluster. `frame` is borrowed. */
void caller_on_frame(struct caller *caller, uint64_t stream, struct cd_blob *frame);
void caller_on_closed(struct caller *caller, uint64_t stream);

#endif
