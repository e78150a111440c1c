#include "lease.h"

#include "base/assert.h"

#include <string.h>

void client_lease_begin(struct client_lease *lease, uint64_t sent_ms, uint32_t timeout_ms)
{
    CD_ASSERT(timeout_ms > 0);
    *lease = (struct client_lease){.timeout_ms = timeout_ms, .base_ms = sent_ms};
}

void client_lease_move(struct client_lease *lease)
{
    lease->marks_count = 0;
}

/*
 * What is not remembered counts as sent with the mark before it, which is earlier: the lease is
 * then shorter than it could be, never longer.
 */
void client_lease_sent(struct client_lease *lease, uint64_t frame, uint64_t now_ms)
{
    if (lease->marks_count > 0) {
        uint64_t apart_ms = now_ms - lease->marks[lease->marks_count - 1].sent_ms;
        if (apart_ms < lease->timeout_ms / CLIENT_LEASE_STEPS ||
            lease->marks_count == CLIENT_LEASE_MARKS) {
            return;
        }
    }
    lease->marks[lease->marks_count++] = (struct client_lease_mark){frame, now_ms};
}

void client_lease_confirmed(struct client_lease *lease, uint64_t frame)
{
    size_t known = 0;
    while (known < lease->marks_count && lease->marks[known].frame <= frame) {
        known++;
    }
    if (known == 0) {
        return;
    }
    uint64_t sent_ms = lease->marks[known - 1].sent_ms;
    if (sent_ms > lease->base_ms) { /* L2 */
        lease->base_ms = sent_ms;
    }
    lease->marks_count -= known;
    memmove(lease->marks, &lease->marks[known], lease->marks_count * sizeof(lease->marks[0]));
}

static uint64_t part(const struct client_lease *lease, uint32_t percent)
{
    return lease->base_ms + (uint64_t)lease->timeout_ms * percent / 100;
}

uint64_t client_lease_suspect_ms(const struct client_lease *lease)
{
    return part(lease, CLIENT_LEASE_SUSPECT_PERCENT);
}

uint64_t client_lease_lost_ms(const struct client_lease *lease)
{
    return part(lease, CLIENT_LEASE_LOST_PERCENT);
}

enum client_lease_state client_lease_state(const struct client_lease *lease, uint64_t now_ms)
{
    if (now_ms >= client_lease_lost_ms(lease)) {
        return CLIENT_LEASE_LOST;
    }
    return now_ms >= client_lease_suspect_ms(lease) ? CLIENT_LEASE_SUSPECT : CLIENT_LEASE_GOOD;
}

uint32_t client_lease_beat_ms(const struct client_lease *lease)
{
    uint32_t beat_ms = lease->timeout_ms / CLIENT_LEASE_BEATS;
    return beat_ms > 0 ? beat_ms : 1;
}
