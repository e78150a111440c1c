#ifndef COORD_SERVER_SERVER_H
#define COORD_SERVER_SERVER_H

#include "base/status.h"
#include "env/env_posix.h"
#include "http/http.h"
#include "replica/replica.h"
#include "server/certificates.h"
#include "server/config.h"
#include "server/events.h"
#include "server/exit.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/signals.h"
#include "server/streams.h"
#include "server/tools.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One coordd process: env, transport, replica and HTTP put together, and the loop that turns them.
 *
 *            RUNNING --- SIGTERM, SIGINT ---> HANDING_OVER ---> CLOSING ---> ENDED
 *                                      replica may stop,   all streams closed
 *                                      or patience is over  or patience is over
 *
 * Invariants
 *  - The loop sleeps in env_posix_wait and nowhere else, never longer than SERVER_TURN_MS_MAX, so
 *    that a loop that does not turn is a stuck one.
 *  - A turn takes at most SERVER_TURN_EVENTS events, in the order in which they came, whether from
 *    peers or clients; then timers, disk and answers get theirs. A turn in which more were waiting
 *    is followed by another one without sleep.
 *  - The signals' thread touches `signals`, `log` and, through env_posix_post, nothing else here.
 */

enum {
    SERVER_TURN_EVENTS = 256,
    SERVER_TURN_MS_MAX = 500,
    SERVER_PUBLISH_MS = 100, /* how old what /readyz and /metrics say may be while it is busy */
    SERVER_LIVE_MS = 10000,  /* without a turn for so long /livez says no */
    SERVER_LINGER_MS = 1000, /* a client that sends no more has so long without an answer */
    SERVER_CLOSE_MS = 1000,  /* closing streams have so long to take their last bytes */
};

enum server_state {
    SERVER_RUNNING,
    SERVER_HANDING_OVER,
    SERVER_CLOSING,
    SERVER_ENDED,
};

struct server {
    const struct server_config *config; /* borrowed */
    struct server_log *log;             /* borrowed */
    struct env_posix *env;              /* owned, and so are the next three */
    struct transport *transport;
    struct replica *replica;
    struct http_server *http;
    struct server_signals signals;
    struct server_events events;
    struct server_metrics metrics;
    struct server_streams streams;
    struct server_tools tools;
    enum server_state state;
    uint64_t patience_ms; /* absolute: when the state is left whatever happens */
    uint64_t turns;
    uint64_t published_ms;
    struct server_certificates certificates;
    int64_t certificate_ends_s; /* in force; seconds since 1970 */
    int64_t ca_ends_s;          /* the first of its CA's certificates to end */
    bool signals_started;
    bool dev;
    bool birth_asked; /* --dev: an Init is under way */
    bool announced;   /* --dev: the exports were printed */
};

/*
 * Takes the data directory, binds the ports, recovers; nothing is served yet. Signals are blocked
 * already. On failure nothing is left behind and the log has nothing; `error` has the sentence.
 * Returns: CD_OK, and whatever env, crypto, transport, http and replica return from their making.
 */
CD_MUST_USE enum cd_status server_create(const struct server_config *config, bool dev,
                                         struct server_log *log, struct server **ret_server,
                                         struct cd_error *error);

/* Serves until it is asked to stop or fails. Thread: loop, which is the one that calls it. */
enum server_exit server_run(struct server *server);

/* Gives everything back. Accepts NULL. */
void server_free(struct server *server);

/* ---- Shared by the files of this module ---- */

/* ports.c: what the replica is told with, and what the transport tells. */
extern const struct transport_handler SERVER_HANDLER;
void server_fill_ports(struct server *server, struct replica_ports *ports);
void server_fill_tools_ports(struct server *server, struct server_tools_ports *ports);

/* reload.c; thread: signals. Reads the certificates now; reads them if their files changed. */
void server_reload(void *server);
void server_look_after_certificates(void *server);

/* The call by which --dev gives birth; the transport never uses this number. */
#define SERVER_BIRTH_CALL UINT64_MAX

#endif
