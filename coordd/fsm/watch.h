#ifndef COORD_FSM_WATCH_H
#define COORD_FSM_WATCH_H

#include "fsm/fsm.h"

/*
 * Watches on the tree: which changes whom concern, and the changes of the recent past, so that a
 * watch can go on where it was on another replica. Not replicated: the table holds the watches of
 * the clients that one replica serves, and the history is what that replica has applied.
 *
 * A watcher is a client's session or stream, named by a number of its owner's choice, with an
 * identity. A watch is a watcher's, named by an id of the client's choice.
 *
 *   live      what a command changed is delivered with watch_feed
 *   behind    watch_replay delivers out of the history, by whole zxids, and makes the watcher live
 *             when it has reached the present
 *
 * Invariants
 *   W1 A watcher sees the changes of its watches in the order of zxids and, within one, in the
 * order made; each once, with the ids of all its watches that it concerns; all those of one zxid,
 * live or behind, before any of the next (R18, R25). W2 The history is one range (lo, hi] without a
 * gap (R16). What asks for an older one is never answered from it. W3 An event is seen by who may
 * read the node by the ACL that was in force then (of a deleted node: before) and by the one in
 * force now (R16). W4 A change costs what its path's depth and the watches that it concerns cost,
 * however many others there are.
 *
 * Pure, as fsm.h; thread: loop.
 */

struct watches;

struct watch_limits {
    uint32_t per_watcher; /* watches of one watcher */
    uint64_t total;       /* watches of all */
    uint64_t
        history_bytes;   /* of changes that are kept; at least one zxid's are kept whatever it is */
    uint64_t history_ms; /* elapsed time after which they go */
};

/* The numbers are those of coord.v1.WatchScope. */
enum watch_scope {
    WATCH_NODE = 0,
    WATCH_CHILDREN = 1, /* the node and its children */
    WATCH_SUBTREE = 2,  /* the node and all below it */
};

#define WATCH_KIND_BIT(kind) (1u << (unsigned)(kind))

/* What a watch is about. The node need not exist. */
struct watch_spec {
    struct fsm_bytes path; /* valid; copied */
    enum watch_scope scope;
    uint32_t kinds; /* set of WATCH_KIND_BIT(enum fsm_change_kind); not empty */
    bool with_data, with_previous;
};

/* One change, as a watcher is told of it. Everything is borrowed for the call. */
struct watch_event {
    uint64_t zxid;
    enum fsm_change_kind kind;
    struct fsm_bytes path;
    struct fsm_stat stat;          /* after the change; DELETED: as it was before */
    struct fsm_bytes data;         /* likewise; what the watches want is in the flags below */
    struct fsm_bytes previous;     /* SET: the data before */
    bool with_data, with_previous; /* one of its watches asks for it */
    bool same;                     /* the same change as in the call before, for another watcher */
    const uint64_t *ids;           /* of its watches, ascending, at least one */
    size_t ids_count;
};

/* Must not call back into the watches. */
typedef void (*watch_deliver)(void *context, uint64_t watcher, const struct watch_event *event);

/* No watches, and a history that begins at `zxid`. Copies `limits`. */
struct watches *watches_create(const struct watch_limits *limits, uint64_t zxid);
void watches_free(struct watches *watches); /* accepts NULL */

/* ---- Watchers and their watches ---- */

/* `watcher` is not open; it is live. `who` is borrowed until the watcher is closed. */
void watch_open(struct watches *watches, uint64_t watcher, const struct fsm_who *who);
void watch_close(struct watches *watches, uint64_t watcher); /* with its watches; may be unknown */

/*
 * Sets a watch of an open watcher, which sees changes with a zxid above `after_zxid`. 0: above the
 * last one fed. If the history does not reach back to a given one, the watch is set from the last
 * one fed on and *ret_resync is true (R16).
 *
 * A watcher is put behind by the caller when it has to be told older changes.
 * *ret_from: the zxid above which it sees all changes.
 *
 * Returns: CD_OK, CD_TOO_MANY (per_watcher, total), CD_INVALID_ARGUMENT (the id is in use).
 */
CD_MUST_USE enum cd_status watch_set(struct watches *watches, uint64_t watcher, uint64_t id,
                                     const struct watch_spec *spec, uint64_t after_zxid,
                                     uint64_t *ret_from, bool *ret_resync);

/* False: there is no such watch. */
bool watch_unset(struct watches *watches, uint64_t watcher, uint64_t id);

size_t watch_count_of(const struct watches *watches, uint64_t watcher);
uint64_t watch_count(const struct watches *watches); /* of all */

/* ---- Queue fronts ---- */

/* Tells when a node is among the first n of its queue: as struct fsm_held. What is asked of the ACL
 * is asked when there is something to tell; its change alone tells nothing. */
struct watch_queue_spec {
    struct fsm_bytes path; /* valid; copied, as the prefixes */
    uint32_t n;            /* at least 1 */
    const struct fsm_bytes *prefixes;
    size_t prefixes_count;
};

/* The numbers are those of coord.v1.QueueState. */
enum watch_queue_state {
    WATCH_QUEUE_WAITING = 1,
    WATCH_QUEUE_FRONT = 2,
    WATCH_QUEUE_GONE = 3, /* the node does not exist, or may not be read any more */
};

struct watch_queue_event {
    uint64_t id;
    enum watch_queue_state state;
    uint64_t zxid;  /* of the state */
    uint64_t fence; /* FRONT: the node's czxid; else 0 */
    struct fsm_bytes path;
};

typedef void (*watch_deliver_queue)(void *context, uint64_t watcher,
                                    const struct watch_queue_event *event);

/* As watch_set, for a queue front. Its first answer comes with watch_tell_queues, or with the next
 * change of it. */
CD_MUST_USE enum cd_status watch_set_queue(struct watches *watches, const struct fsm *fsm,
                                           uint64_t watcher, uint64_t id,
                                           const struct watch_queue_spec *spec);

/*
 * Level-triggered: tells the answers of a live watcher's queue fronts that are not the ones told
 * last; `id` not 0: of that one alone, whatever was told.
 */
void watch_tell_queues(struct watches *watches, const struct fsm *fsm, uint64_t watcher,
                       uint64_t id, watch_deliver_queue deliver, void *context);

/* ---- Telling ---- */

/*
 * What a command did, right after it was applied; for each one that was, in order. Adds its changes
 * to the history and delivers them to those watchers that are live, and then the answers of their
 * queue fronts that have changed.
 */
void watch_feed(struct watches *watches, const struct fsm *fsm, const struct fsm_result *result,
                watch_deliver deliver, watch_deliver_queue deliver_queue, void *context);

/*
 * The watcher is behind, and goes on after `zxid`, at most the last one fed. A zxid below what it
 * has reached is for watches that were set since then to see older changes: the others see none
 * twice.
 */
void watch_set_behind(struct watches *watches, uint64_t watcher, uint64_t zxid);

enum watch_progress {
    WATCH_LIVE,   /* everything was delivered: it is live again */
    WATCH_MORE,   /* there is more */
    WATCH_LAGGED, /* the history no longer has what comes next: W2. Take its watches away. */
};

/*
 * Delivers to a watcher that is behind what comes next, until the history ends or about `bytes` of
 * paths and data were delivered (a change that is only looked at counts as a few), but always whole
 * zxids and at least one that holds changes.
 * *ret_zxid: everything up to it was delivered (also where nothing concerned it).
 */
enum watch_progress watch_replay(struct watches *watches, const struct fsm *fsm, uint64_t watcher,
                                 size_t bytes, uint64_t *ret_zxid, watch_deliver deliver,
                                 void *context);

/* Takes all watches of a watcher away and gives the ids of at most `max` of them. Returns how many
 * there were. It is live afterwards. */
size_t watch_unset_all(struct watches *watches, uint64_t watcher, uint64_t *ret_ids, size_t max);

/* ---- History ---- */

/* Another state was installed: nothing is known of how it came about (R16). All watches are set
 * from `zxid` on and all watchers are live; the caller tells them so. */
void watch_reset(struct watches *watches, uint64_t zxid);

/* Calls `each` for every watch of the watcher. It must not change anything. */
void watch_each(const struct watches *watches, uint64_t watcher,
                void (*each)(void *context, uint64_t id), void *context);

struct watch_history_view {
    uint64_t lo, hi; /* changes with lo < zxid <= hi are known */
    uint64_t changes, bytes;
};
void watch_history_view(const struct watches *watches, struct watch_history_view *ret_view);

#endif
