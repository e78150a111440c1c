#ifndef COORD_SERVER_EVENTS_H
#define COORD_SERVER_EVENTS_H

#include "replica/replica.h"
#include "server/log.h"
#include "transport/transport.h"

#include <stdint.h>

/*
 * What replica and transport tell, as lines of the log and as counts for the metrics. Replica lines
 * carry ballot (ROUND.NODE.INCARNATION) and slot. Thread: loop.
 */

struct server_events {
    struct server_log *log;           /* borrowed */
    uint64_t notes[PAXOS_NOTE_COUNT]; /* how often each was told */
    uint64_t frames_bad;
    char fatal[256]; /* the sentence of REPLICA_EV_FATAL, or empty */
    struct server_limit note_limit, frame_limit;
    /* The last ones told, for lines whose event has none of its own. */
    struct paxos_ballot ballot;
    paxos_slot slot;
};

/* Zeroes it. */
void server_events_init(struct server_events *events, struct server_log *log);

void server_events_replica(struct server_events *events, const struct replica_event *event,
                           uint64_t now_ms);

/* `event` and `text` as the transport's log function gets them. */
void server_events_transport(struct server_events *events, enum transport_log_level level,
                             const char *event, const char *text);

#endif
