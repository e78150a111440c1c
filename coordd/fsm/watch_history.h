#ifndef COORD_FSM_WATCH_HISTORY_H
#define COORD_FSM_WATCH_HISTORY_H

#include "fsm/watch.h"

/* The changes of the recent past, oldest first; private to watch.c. */

struct watch_change {
    uint64_t zxid;
    uint64_t elapsed_ms; /* when it was applied */
    enum fsm_change_kind kind;
    struct fsm_node *node;   /* owned reference, as in struct fsm_change */
    struct fsm_node *before; /* owned reference or NULL */
    struct fsm_acl *acl;     /* owned reference or NULL */
};

struct watch_history {
    struct watch_change *ring; /* [i % capacity] for first <= i < end */
    size_t capacity;           /* a power of two, or 0 */
    uint64_t first, end;
    uint64_t lo, hi;
    uint64_t bytes;
};

void watch_history_init(struct watch_history *history, uint64_t zxid);
void watch_history_release(struct watch_history *history);
void watch_history_reset(struct watch_history *history, uint64_t zxid);

/* Takes references of its own. zxids do not fall. */
void watch_history_add(struct watch_history *history, uint64_t zxid, uint64_t elapsed_ms,
                       const struct fsm_change *change);

/* A command with this zxid was fed, whether it changed nodes or not. */
void watch_history_reach(struct watch_history *history, uint64_t zxid);

/* Lets whole zxids go, from the oldest on, but never the newest. */
void watch_history_trim(struct watch_history *history, const struct watch_limits *limits,
                        uint64_t elapsed_ms);

static inline const struct watch_change *watch_history_at(const struct watch_history *history,
                                                          uint64_t index)
{
    return &history->ring[index & (history->capacity - 1)];
}

/* The index of the first change with a zxid above this one; `end` if there is none. */
uint64_t watch_history_above(const struct watch_history *history, uint64_t zxid);

#endif
