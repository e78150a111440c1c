#ifndef COORD_TESTS_CLIENT_LAB_H
#define COORD_TESTS_CLIENT_LAB_H

#include "src/result.h"
#include "src/session.h"

#include "coord/v1/coord.pb-c.h"

/*
 * A session machine on virtual time, with hand-made replicas: what it dials, sends, closes and ends
 * is written down here, and the test says what the replicas do.
 */

enum {
    LAB_ENDPOINTS = 3,
    LAB_STREAMS_MAX = 400,
    LAB_REQUESTS_MAX = 64,
    LAB_IDS_MAX = 256,
    LAB_WATCHES_MAX = 8,
    LAB_ITEMS_MAX = 512,
    LAB_LEASE_AHEAD_MS = 5000000, /* of the clock for leases: the two have nothing in common */
    LAB_TIMEOUT_MS = 6000,        /* of sessions */
};

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
    enum coord_level levels[LAB_IDS_MAX];
    uint64_t at_leasts[LAB_IDS_MAX];
    size_t ids_count;
    size_t last_count; /* requests in the last frame */
    /* Of sessions. */
    uint64_t seqs[LAB_IDS_MAX], afters[LAB_IDS_MAX]; /* of the requests, as ids */
    Coord__V1__Request__OpCase ops[LAB_IDS_MAX];
    uint64_t
        subjects[LAB_IDS_MAX]; /* WATCH, UNWATCH: its id; FORGET: the mark; OUTCOME_OF: session */
    uint64_t points[LAB_IDS_MAX]; /* WATCH: after_zxid, or the seq of its node; OUTCOME_OF: seq */
    uint64_t hashes[LAB_IDS_MAX]; /* of all the request's bytes */
    bool opens;                   /* a hello asked for a session */
    uint64_t resumes, attach;     /* the id that it goes on with */
    uint64_t reply_mark;          /* of the last frame */
    size_t rearmed;               /* frames with rearm_done; */
    size_t rearmed_behind;        /* requests before the first one of them and in it */
    uint64_t sent_ms;             /* the last frame */
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
    uint64_t suspended_ms;
    bool no_secrets;
    size_t secrets; /* drawn */
    uint8_t secret[CLIENT_SECRET_BYTES];
    /* The state as effects told it, and how often. */
    enum coord_session_state state;
    uint64_t state_id;
    size_t states;
    struct client_watch watches[LAB_WATCHES_MAX];
    size_t watches_count;
    struct client_watch_item *items[LAB_ITEMS_MAX]; /* told, owned */
    bool taken[LAB_ITEMS_MAX];                      /* of them by the user */
    size_t items_count;
    bool lazy[LAB_WATCHES_MAX]; /* the user takes none by himself: lab_take */
    bool has_limits;            /* told in welcomes of sessions */
    Coord__V1__Limits limits;
    uint8_t event_data[8192]; /* of events */
    size_t event_bytes;
    bool stuck[LAB_STREAMS_MAX]; /* the driver cannot send on it now */
};

void lab_init(struct lab *lab, size_t endpoints, uint64_t seed);
void lab_init_sessions(struct lab *lab, size_t endpoints, uint64_t seed);
/* With these limits in bytes for what waits: for all, for a watch, for a zxid of a watch; or 0. */
void lab_init_limits(struct lab *lab, size_t events_max, size_t watch_max, size_t group_max);
void lab_release(struct lab *lab);

struct client_time lab_now(const struct lab *lab);

/* Runs effects and takes frames until there are none. */
void lab_settle(struct lab *lab);

/* Time passes, with every deadline served on its way. */
void lab_advance(struct lab *lab, uint64_t ms);

/* A new request with a deadline `timeout_ms` from now; its number in lab->requests. */
size_t lab_write(struct lab *lab, uint32_t timeout_ms);
size_t lab_read(struct lab *lab, uint32_t timeout_ms);
size_t lab_submit(struct lab *lab, const struct client_op *op, uint32_t timeout_ms);
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

/* ---- Sessions ---- */

/* A write was submitted and its stream welcomed without a session: gives session `id`. */
void lab_open(struct lab *lab, uint64_t stream, uint64_t id);
/* The newest stream, whose hello goes on with a session, is welcomed. */
uint64_t lab_resume(struct lab *lab);
void lab_welcome_session(struct lab *lab, uint64_t stream, enum coord_code code, uint64_t id,
                         uint64_t attach, uint32_t timeout_ms);
/* The leader of that stream has confirmed all frames up to that one. */
void lab_confirm(struct lab *lab, uint64_t stream, uint64_t frame);
/* A session on a welcomed stream, with one write answered; returns the stream. */
uint64_t lab_session(struct lab *lab, uint64_t id);
/* A frame with one item. */
void lab_item(struct lab *lab, uint64_t stream, Coord__V1__Item *item);
/* A reply by the id of the request, with whatever is in it. */
void lab_reply_to(struct lab *lab, uint64_t stream, uint64_t id, enum coord_code code,
                  Coord__V1__Reply *reply);
/* Of the request with that seq on the stream: its position among ids; fails if it is not there. */
size_t lab_at(const struct lab *lab, uint64_t stream, uint64_t seq);

/* ---- Watches ---- */

/* A new watch of the subtree "/t"; its number in lab->watches. */
size_t lab_watch(struct lab *lab, uint64_t after_zxid);
/* The position of the newest request that sets it on the stream; SIZE_MAX: none. */
size_t lab_watch_at(const struct lab *lab, uint64_t stream, size_t watch);
/* It is answered: complete from that zxid. */
void lab_watch_set(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid);
/* The same with an error. */
void lab_watch_refuse(struct lab *lab, uint64_t stream, size_t watch, enum coord_code code);
/* A frame with `count` events of one zxid for the watch, and the marks. */
void lab_events(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid, size_t count,
                uint64_t complete_to, bool more);
void lab_lagged(struct lab *lab, uint64_t stream, size_t watch, uint64_t after_zxid);
void lab_resync(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid);
void lab_bookmark(struct lab *lab, uint64_t stream, uint64_t zxid);
/* Its user takes the oldest item that he has not taken, and tells its kind; 0: there is none. */
int lab_take(struct lab *lab, size_t watch);
/* Bytes of its items that he has not taken. */
size_t lab_waiting(const struct lab *lab, size_t watch);
/* The `index`th item that was told to that watch, or NULL. */
const struct coord_watch_item *lab_told(const struct lab *lab, size_t watch, size_t index);

extern const char *const lab_endpoints[LAB_ENDPOINTS];

#endif
