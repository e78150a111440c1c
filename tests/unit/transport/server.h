#ifndef COORD_TESTS_TRANSPORT_SERVER_H
#define COORD_TESTS_TRANSPORT_SERVER_H

#include "transport/transport.h"
#include "unit/transport/authority.h"

#include <pthread.h>

/*
 * A transport with a loop thread of its own, as coordd has one. The loop records what it is told;
 * the test waits until the record says what it expects.
 */

#define SERVER_LOGS_MAX  64
#define SERVER_TEXT_MAX  512
#define SERVER_WAIT_MS   20000
#define SERVER_PEERS_MAX 8

struct server_log {
    enum transport_log_level level;
    char event[64];
    char text[SERVER_TEXT_MAX];
};

/* Under server.lock. */
struct server_record {
    uint64_t opened, frames, frame_bytes, sents, sent_bytes, ended, closed, calls;
    uint64_t last_stream; /* id of the stream opened last */
    uint64_t last_call;
    uint64_t last_timeout_ms;
    char identity[2100]; /* of the stream or call that came last */
    char from[128];
    char method[256];
    char frame[256]; /* the last client frame, as far as it fits */
    uint64_t peer_ups, peer_downs;
    uint32_t peer_node; /* of the last peer event */
    uint64_t peer_frames, peer_link;
    uint64_t peer_frame_after; /* client frames that came before the last peer frame */
    char peer_frame[256];
    uint64_t peer_disorder; /* frames that came out of order, if they are numbered */
    uint64_t peer_next;     /* number expected next; 0 for no numbering */
    struct server_log logs[SERVER_LOGS_MAX];
    size_t logs_count;
};

struct server {
    struct transport *transport;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the record, or the loop's work */
    bool woken, quit, running;
    void (*job)(struct server *server, void *context);
    void *job_context;
    struct server_record record;

    /* What the loop does by itself; set before the first event. */
    _Atomic bool echo;       /* frames go back as they came, calls answer with their request */
    _Atomic bool keep_calls; /* calls stay open */
    bool close_at_end;       /* a half-closed stream is closed with OK */
    bool stalled;            /* under lock: the loop does not poll */
    bool greet_peers;        /* sends "hello from N" when a link comes up */
};

/*
 * Makes it ready for a test. Fails the test if an earlier one, which failed itself, left it
 * running. Never on a stack: a failed test does not wait for the threads.
 */
void server_init(struct server *server);

/* A configuration for loopback with free ports. `pair` and `peers` are borrowed until create. */
struct transport_config server_config(struct server *server, uint32_t node,
                                      const struct crypto_pair *pair);

/* Creates, starts, and runs the loop. */
void server_start(struct server *server, const struct transport_config *config);
void server_stop(struct server *server);

/* Runs `job` on the loop thread between two polls and waits for it. */
void server_run(struct server *server, void (*job)(struct server *server, void *context),
                void *context);

/* Stops the loop from polling, or lets it go on. */
void server_stall(struct server *server, bool stalled);

/* All waits below fail the test after SERVER_WAIT_MS. */

/* Waits until transport_open_count is `count`, for what ends without the loop hearing of it. */
void server_wait_open(struct server *server, uint64_t count);

/* Waits until a log line of `event` contains `text`. */
void server_wait_log(struct server *server, const char *event, const char *text);
uint64_t server_count_log(struct server *server, const char *event);

/* A copy of the record now. */
struct server_record server_record_get(struct server *server);

uint64_t server_now_ms(void);

/* A millisecond for the others, in a loop that has a bound and nothing else to wait on. */
void server_nap(void);

/* `#field` reached at least `value`; for any numeric field of the record. */
#define SERVER_WAIT_FOR(server, field, value)                                                      \
    server_wait_field(server, offsetof(struct server_record, field), value, #field " >= " #value)
void server_wait_field(struct server *server, size_t offset, uint64_t at_least, const char *what);

#endif
