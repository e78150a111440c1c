#include "fsm/watch_history.h"

#include "base/memory.h"
#include "fsm/acl.h"
#include "fsm/node.h"

#define CAPACITY_FIRST 256u

void watch_history_init(struct watch_history *history, uint64_t zxid)
{
    *history = (struct watch_history){.lo = zxid, .hi = zxid};
}

static struct watch_change *slot(struct watch_history *history, uint64_t index)
{
    return &history->ring[index & (history->capacity - 1)];
}

static uint64_t bytes_of(const struct watch_change *change)
{
    uint64_t bytes = sizeof(*change) + change->node->key_bytes + change->node->data_bytes;
    return change->before != NULL ? bytes + change->before->data_bytes : bytes;
}

static void drop_first(struct watch_history *history)
{
    struct watch_change *change = slot(history, history->first);
    history->bytes -= bytes_of(change);
    fsm_node_unref(change->node);
    fsm_node_unref(change->before);
    fsm_acl_unref(change->acl);
    history->first++;
}

void watch_history_release(struct watch_history *history)
{
    while (history->first != history->end) {
        drop_first(history);
    }
    cd_free(history->ring);
    *history = (struct watch_history){0};
}

void watch_history_reset(struct watch_history *history, uint64_t zxid)
{
    watch_history_release(history);
    watch_history_init(history, zxid);
}

static void grow(struct watch_history *history)
{
    size_t capacity = history->capacity != 0 ? 2 * history->capacity : CAPACITY_FIRST;
    struct watch_change *ring = cd_calloc(capacity, sizeof(*ring));
    for (uint64_t i = history->first; i != history->end; i++) {
        ring[i & (capacity - 1)] = *slot(history, i);
    }
    cd_free(history->ring);
    history->ring = ring;
    history->capacity = capacity;
}

void watch_history_add(struct watch_history *history, uint64_t zxid, uint64_t elapsed_ms,
                       const struct fsm_change *change)
{
    CD_ASSERT(zxid >= history->hi);
    if (history->end - history->first == history->capacity) {
        grow(history);
    }
    struct watch_change *kept = slot(history, history->end);
    *kept = (struct watch_change){
        .zxid = zxid,
        .elapsed_ms = elapsed_ms,
        .kind = change->kind,
        .node = fsm_node_ref(change->node),
        .before = change->before != NULL ? fsm_node_ref(change->before) : NULL,
        .acl = fsm_acl_ref(change->acl),
    };
    history->end++;
    history->bytes += bytes_of(kept);
}

void watch_history_reach(struct watch_history *history, uint64_t zxid)
{
    history->hi = zxid > history->hi ? zxid : history->hi;
}

void watch_history_trim(struct watch_history *history, const struct watch_limits *limits,
                        uint64_t elapsed_ms)
{
    while (history->first != history->end) {
        uint64_t zxid = slot(history, history->first)->zxid;
        bool old = elapsed_ms - slot(history, history->first)->elapsed_ms > limits->history_ms;
        if (zxid == history->hi || (!old && history->bytes <= limits->history_bytes)) {
            return;
        }
        while (history->first != history->end && slot(history, history->first)->zxid == zxid) {
            drop_first(history);
        }
        history->lo = zxid; /* zxids between it and the next one held no change of a node */
    }
}

uint64_t watch_history_above(const struct watch_history *history, uint64_t zxid)
{
    uint64_t low = history->first;
    uint64_t high = history->end;
    while (low != high) {
        uint64_t middle = low + (high - low) / 2;
        if (watch_history_at(history, middle)->zxid > zxid) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}
