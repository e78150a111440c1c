#ifndef COORD_TESTS_UNIT_REPLICA_GUEST_H
#define COORD_TESTS_UNIT_REPLICA_GUEST_H

#include "house.h"

#include <coord/v1/coord.pb-c.h>

/* A client's stream to one replica of a house: says what a test wants, and keeps what it is told.
 */

enum { GUEST_TOLD_MAX = 256 };

enum guest_kind { GUEST_REPLY, GUEST_EVENT, GUEST_QUEUE, GUEST_LAGGED, GUEST_RESYNC, GUEST_AWAY };

/* One item, in the order in which they came. */
struct guest_told {
    enum guest_kind kind;
    uint64_t id;   /* REPLY; QUEUE: of the watch */
    int code;      /* REPLY, AWAY; EVENT: the kind; QUEUE: the state */
    uint64_t zxid; /* QUEUE: of the state; LAGGED, RESYNC: where they go on */
    uint64_t fence;
    char path[64]; /* EVENT, QUEUE; REPLY to a create */
};

struct guest {
    struct house *house;
    size_t index;
    uint64_t stream;
    const char *identity;
    uint64_t frames;
    size_t seen; /* of the house's answers */
    bool welcomed;
    int welcome_code;
    uint64_t session, attach, last_seq;
    uint32_t timeout_ms;
    uint8_t cluster_id[16];
    uint64_t confirmed, complete_to;
    size_t bytes;    /* of frames that came and were not yet told as sent */
    bool wants_data; /* of watches that it sets */
    bool closed;
    int close_code;
    struct guest_told told[GUEST_TOLD_MAX];
    size_t told_count;
};

/* Opens a stream to replica `index`. */
void guest_open(struct guest *guest, struct house *house, size_t index, const char *identity);
void guest_leave(struct guest *guest); /* its stream breaks */

void guest_hello(struct guest *guest, Coord__V1__Hello *hello);
/* Hello with OpenSession, or ResumeSession. The secret is 16 times this byte. */
void guest_begin(struct guest *guest, uint8_t secret, uint32_t timeout_ms);
void guest_resume(struct guest *guest, uint64_t session, uint8_t secret, uint64_t attach,
                  uint64_t seen_zxid);

void guest_heartbeat(struct guest *guest);
void guest_rearm_done(struct guest *guest);
void guest_send(struct guest *guest, Coord__V1__Request **requests, size_t count,
                uint64_t reply_mark);

/* One request of a frame of its own. `seq` 0: without one. */
void guest_create(struct guest *guest, uint64_t id, uint64_t seq, const char *path,
                  const char *data, Coord__V1__NodeKind kind, bool sequential);
void guest_get(struct guest *guest, uint64_t id, uint64_t after_seq, const char *path,
               Coord__V1__ReadLevel level);
void guest_delete(struct guest *guest, uint64_t id, uint64_t seq, const char *path);
void guest_watch(struct guest *guest, uint64_t id, uint64_t watch, const char *path,
                 Coord__V1__WatchScope scope, uint64_t after_zxid);
void guest_watch_queue(struct guest *guest, uint64_t id, uint64_t watch, const char *path);

/* It reads on: what has come counts as sent from now on. */
void guest_read(struct guest *guest);

/* Runs the house for `ms` and takes in what came. */
void guest_run(struct guest *guest, uint64_t ms);
void guest_take(struct guest *guest);

/* The reply to a request, or NULL; the place of it among all that was told. */
const struct guest_told *guest_reply(const struct guest *guest, uint64_t id);
int guest_code(const struct guest *guest, uint64_t id); /* -1: no reply */
const struct guest_told *guest_find(const struct guest *guest, enum guest_kind kind, size_t nth);

#endif
