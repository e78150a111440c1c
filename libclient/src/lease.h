#ifndef COORD_LIBCLIENT_LEASE_H
#define COORD_LIBCLIENT_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How long a session may still be trusted (R12, R20). Pure. All times are milliseconds of one clock
 * that counts suspend; its rate must be within 1 % of the leader's.
 *
 *   L1 The lease runs from the moment at which a frame was sent that a leader has confirmed later;
 *      when the confirmation arrived does not matter.
 *   L2 It only moves forward, and once it was over it never runs again.
 *   L3 SUSPECT from half of the timeout on: three heartbeats of CLIENT_LEASE_BEATS were missed, and
 *      the other half is left for another replica and for whoever has to stop a job.
 *   L4 LOST at 98 % of it: 1 % for the two clocks' rates each.
 */
enum {
    CLIENT_LEASE_SUSPECT_PERCENT = 50,
    CLIENT_LEASE_LOST_PERCENT = 98,
    CLIENT_LEASE_BEATS = 6,  /* heartbeats in one timeout: see L3 */
    CLIENT_LEASE_MARKS = 64, /* frames whose sending is remembered, at least ... */
    CLIENT_LEASE_STEPS = 32, /* ... this part of a timeout apart: the marks cover two timeouts */
};

/* When a frame was sent. */
struct client_lease_mark {
    uint64_t frame, sent_ms;
};

struct client_lease {
    uint32_t timeout_ms;
    uint64_t base_ms;                                   /* L1 */
    struct client_lease_mark marks[CLIENT_LEASE_MARKS]; /* of the stream at hand, oldest first */
    size_t marks_count;
};

enum client_lease_state { CLIENT_LEASE_GOOD, CLIENT_LEASE_SUSPECT, CLIENT_LEASE_LOST };

/* A new one, of a session whose opening was asked for at `sent_ms`. */
void client_lease_begin(struct client_lease *lease, uint64_t sent_ms, uint32_t timeout_ms);

/* Frames of another stream follow: they are counted from 1 again. */
void client_lease_move(struct client_lease *lease);

/* Frame `frame` is about to be sent. */
void client_lease_sent(struct client_lease *lease, uint64_t frame, uint64_t now_ms);

/* Frames up to this one are confirmed. */
void client_lease_confirmed(struct client_lease *lease, uint64_t frame);

enum client_lease_state client_lease_state(const struct client_lease *lease, uint64_t now_ms);

/* When it becomes that, if nothing more is confirmed. */
uint64_t client_lease_suspect_ms(const struct client_lease *lease);
uint64_t client_lease_lost_ms(const struct client_lease *lease);

/* A frame is due when nothing was sent for that long. */
uint32_t client_lease_beat_ms(const struct client_lease *lease);

#endif
