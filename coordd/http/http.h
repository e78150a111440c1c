#ifndef COORD_HTTP_HTTP_H
#define COORD_HTTP_HTTP_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A small HTTP server for probes and metrics, and the only place that includes libmicrohttpd:
 *
 *   /livez    200 while the loop turns, else 503 and for how long it has not
 *   /readyz   200 while the replica serves, else 503 and the reason
 *   /metrics  Prometheus text format 0.0.4
 *
 * Invariants
 *  - It reads what the loop last published, a copy under one mutex, and nothing else of the
 * process; a stuck loop is told, not waited for, and a stuck client holds nothing that the loop
 * wants.
 *  - GET and HEAD alone, no body; connections, their memory and their idle time are bounded.
 *  - Plain HTTP without identity: it tells numbers and one sentence, never data, paths of nodes,
 *    names of clients or secrets. It belongs on loopback or a network that may know them.
 *
 * Threading: one thread inside (libmicrohttpd's). http_publish and http_beat are for the loop
 * thread; create and free for whoever owns the server.
 */

enum http_metric_type {
    HTTP_COUNTER, /* only grows while the process lives; the name ends with _total */
    HTTP_GAUGE,
    HTTP_HISTOGRAM, /* a row for each bucket, the sum and the count, all of one `family` */
};

struct http_metric {
    const char *name;
    const char *help;   /* one line without backslash */
    const char *labels; /* "" or, in Prometheus' form, "{version=\"0.1.0\"}" */
    enum http_metric_type type;
    const char *family; /* under which HELP and TYPE stand; NULL: `name` */
};

#define HTTP_METRICS_MAX     256u
#define HTTP_REASON_BYTES    160u
#define HTTP_CONNECTIONS_MAX 32u
#define HTTP_CONNECTION_BYTES                                                                      \
    16384u /* memory of one connection: request line, headers, answer's head */
#define HTTP_IDLE_SECONDS   10u
#define HTTP_BODY_BYTES_MAX (256u * 1024u)

struct http_options {
    const char *host; /* a name or an address, without brackets; borrowed for the call */
    uint16_t port;    /* 0 picks one */
    /* What values of a snapshot mean, in its order; borrowed until http_free. */
    const struct http_metric *metrics;
    size_t metrics_count; /* at most HTTP_METRICS_MAX */
    /* So long without a beat, from the first one on, and the process counts as stuck. */
    uint64_t live_ms;
    /* A line from the library for the log, on the server's thread; may be NULL. */
    void (*log)(void *context, const char *text);
    void *log_context;
};

struct http_server;

/*
 * Binds, starts its thread and, until something is published, answers "starting" to /readyz.
 * Before the first beat /livez is content: recovery may take long.
 * Returns: CD_OK, CD_IN_USE (the port is taken), CD_INVALID_ARGUMENT (the host does not resolve),
 * CD_IO. `error` names address and reason.
 */
CD_MUST_USE enum cd_status http_create(const struct http_options *options,
                                       struct http_server **ret_server, struct cd_error *error);

/* Closes the port and all connections; blocks for milliseconds. Accepts NULL. */
void http_free(struct http_server *server);

/* The port bound. */
uint16_t http_port(const struct http_server *server);

/* Says that the loop turns: one clock reading and one store. */
void http_beat(struct http_server *server);

/*
 * What the next requests are told. `reason`: why it is not ready, cut at HTTP_REASON_BYTES;
 * `values`: metrics_count of them. Both are copied.
 */
void http_publish(struct http_server *server, bool ready, const char *reason, const double *values);

/* ---- Text (text.c), on its own for tests ---- */

/* One value as Prometheus reads it: whole numbers without exponent up to 2^53. */
void http_put_value(struct cd_buf *out, double value);

/* The metrics in order; HELP and TYPE stand before the first of those that share a family. */
void http_put_metrics(struct cd_buf *out, const struct http_metric *metrics, const double *values,
                      size_t count);

/* User and system time of this process, and its resident memory; 0 if they cannot be read. */
uint64_t http_process_cpu_us(void);
uint64_t http_process_memory_bytes(void);

/* Resident memory, CPU time, open files and the start of this process, read from /proc. */
void http_put_process(struct cd_buf *out, uint64_t started_s);

#endif
