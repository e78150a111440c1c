#ifndef COORD_SERVER_METRICS_H
#define COORD_SERVER_METRICS_H

#include "http/http.h"
#include "replica/replica.h"
#include "server/events.h"
#include "transport/transport.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What /metrics shows: one table of names and helps, filled from the replica's view, the
 * transport's counters and the counts of events. The list is in README.md. Thread: loop.
 */

#define SERVER_LABELS_BYTES 96u

struct server_metrics {
    struct http_metric table[HTTP_METRICS_MAX];
    double values[HTTP_METRICS_MAX];
    char labels[HTTP_METRICS_MAX][SERVER_LABELS_BYTES];
    size_t count; /* of table */
};

/* Fills the table, which is constant from then on. */
void server_metrics_init(struct server_metrics *metrics, const char *version);

struct server_figures {
    const struct replica_view *view;
    const struct transport_metrics *transport;
    const struct server_events *events;
    uint64_t turns;             /* of the loop */
    int64_t certificate_ends_s; /* seconds since 1970 */
    int64_t ca_ends_s;
    uint64_t certificate_reloads, certificate_failures;
    struct cd_histogram syncs; /* of the log, on the disk thread */
};

/* Fills the values. */
void server_metrics_fill(struct server_metrics *metrics, const struct server_figures *figures);

/* Why the replica of this view is not ready, as one sentence; "" if it is. Static strings. */
const char *server_unready_reason(const struct replica_view *view, bool stopping);

#endif
