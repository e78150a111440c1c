#ifndef COORD_TESTS_CLIENT_LAB_H
#define COORD_TESTS_CLIENT_LAB_H

#include "src/result.h"
#include "src/session.h"

#include "coord/v1/coord.pb-c.h"

/*
 * A session machine on virtual time, with hand-made replicas: what it dials, sends, closes and ends
 * is written down here, and the test says what the replicas do.
 */

enum { LAB_ENDPOINTS = 3, LAB_STREAMS_MAX = 400, LAB_REQUESTS_MAX = 64, LAB_IDS_MAX = 256 };

struct lab_stream {
    bool dialled, closed; /* by the machine */
    size_t endpoint;
    uint64_t dialled_ms;
    uint64_t frames;                /* ClientFrames that the machine sent */
    bool hello;                     /* the last one had one */
    uint64_t last_seen, generation; /* of the hello */
    bool has_cluster;
    uint64_t ids[LAB_IDS_MAX]; /* of the requests sent on it, in their order */
    uint32_t waits[LAB_IDS_MAX];
    size_t ids_count;
    size_t last_count; /* requests in the last frame */
};

struct lab_request {
    struct client_request request;
    bool done;
    size_t done_order;
};

struct lab {
    struct client_session *session;
    uint64_t now_ms;
    struct lab_stream streams[LAB_STREAMS_MAX]; /* by the machine's ids, from 1 */
    uint64_t streams_count;                     /* the newest id dialled */
    struct lab_request requests[LAB_REQUESTS_MAX];
    size_t requests_count, done_count;
    bool stuck[LAB_STREAMS_MAX]; /* the driver cannot send on it now */
};

void lab_init(struct lab *lab, size_t endpoints, uint64_t seed);
void lab_release(struct lab *lab);

/* Runs effects and takes frames until there are none. */
void lab_settle(struct lab *lab);

/* Time passes, with every deadline served on its way. */
void lab_advance(struct lab *lab, uint64_t ms);

/* A new request with a deadline `timeout_ms` from now; its number in lab->requests. */
size_t lab_write(struct lab *lab, uint32_t timeout_ms);
size_t lab_read(struct lab *lab, uint32_t timeout_ms);
size_t lab_write_bytes(struct lab *lab, uint32_t timeout_ms, size_t data_bytes);

/* The replica of that stream speaks. */
void lab_frame(struct lab *lab, uint64_t stream, const Coord__V1__ServerFrame *frame);
void lab_welcome(struct lab *lab, uint64_t stream, enum coord_code code);
void lab_welcome_as(struct lab *lab, uint64_t stream, uint8_t cluster, uint32_t generation,
                    const Coord__V1__Limits *limits);
/* A reply to the request with that number in lab->requests, with a fitting result for COORD_OK. */
void lab_reply(struct lab *lab, uint64_t stream, size_t request, enum coord_code code);
void lab_no_leader(struct lab *lab, uint64_t stream);
void lab_go_away(struct lab *lab, uint64_t stream, const char *endpoint);
void lab_garbage(struct lab *lab, uint64_t stream);
/* The stream ends, or never comes to be. */
void lab_break(struct lab *lab, uint64_t stream);
void lab_break_as(struct lab *lab, uint64_t stream, enum coord_code code);

/* The newest stream dialled; welcomed. */
uint64_t lab_connect(struct lab *lab);

/* How often the request was sent on the stream. */
size_t lab_sent(const struct lab *lab, uint64_t stream, size_t request);

bool lab_is_done(const struct lab *lab, size_t request);
enum coord_code lab_code(const struct lab *lab, size_t request);
const char *lab_message(const struct lab *lab, size_t request);

extern const char *const lab_endpoints[LAB_ENDPOINTS];

#endif
