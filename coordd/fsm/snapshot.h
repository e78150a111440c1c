#ifndef COORD_FSM_SNAPSHOT_H
#define COORD_FSM_SNAPSHOT_H

#include "fsm/fsm.h"

/*
 * The whole machine as a row of items, in one order that depends on the state alone, and a machine
 * made of such a row. How items become bytes is wire's business, where they are kept storage's.
 *
 *     HEAD  NODE...  SESSION (REPLY...)...  SESSION (tombstones, likewise)...  CALL...
 *
 * Nodes come in the order of their keys, live sessions in the order of their ids, tombstones and
 * calls from the oldest to the newest. A REPLY belongs to the last SESSION.
 *
 * Taking one freezes the state (O(sessions), no bytes are copied); writes go on while its items are
 * walked, in steps of the holder's choice. A snapshot is whole: the digest of what was restored
 * must equal the one that the machine had (R6).
 *
 * Thread: loop.
 */

enum fsm_item_kind {
    FSM_ITEM_HEAD = 1,
    FSM_ITEM_NODE = 2,
    FSM_ITEM_SESSION = 3,
    FSM_ITEM_REPLY = 4,
    FSM_ITEM_CALL = 5,
};

struct fsm_item_head {
    uint64_t slot, zxid, wall_ms, elapsed_ms;
    struct fsm_leadership leadership;
    struct fsm_limits limits;
    uint32_t digest_version;
    uint64_t digest;
    uint64_t nodes, sessions, tombstones, calls; /* how many items follow */
};

struct fsm_item_node {
    struct fsm_bytes path;
    struct fsm_stat stat;
    struct fsm_bytes data;
    bool has_acl;
    struct fsm_acl_entries acl; /* its own */
    uint32_t suffix_bytes;      /* sequential: the length of its name's suffix; else 0 */
    uint64_t idle_elapsed_ms;   /* CONTAINER, TTL: since when its time runs; else 0 */
};

struct fsm_item_session {
    struct fsm_session_view view;
    uint64_t ended_elapsed_ms; /* of a tombstone */
    uint64_t ended_zxid;       /* of a tombstone; they ascend strictly */
};

/* A reply that is kept. Its bytes are fsm's own (reply.c) and have a version of their own. */
struct fsm_item_reply {
    uint64_t seq;
    uint64_t request_hash;
    struct fsm_bytes packed;
};

struct fsm_item_call {
    uint8_t key[FSM_CALL_KEY_BYTES];
    struct fsm_who who;
    uint64_t request_hash;
    uint64_t elapsed_ms; /* when it was applied */
    uint64_t place;      /* they ascend strictly */
    struct fsm_bytes packed;
};

struct fsm_item {
    enum fsm_item_kind kind;
    union {
        struct fsm_item_head head;
        struct fsm_item_node node;
        struct fsm_item_session session;
        struct fsm_item_reply reply;
        struct fsm_item_call call;
    };
};

struct fsm_snapshot;

/* Between slots only. Freed with fsm_snapshot_release. */
struct fsm_snapshot *fsm_snapshot_take(struct fsm *fsm);

/* The next item, its bytes borrowed until the next call; false after the last one. */
bool fsm_snapshot_next(struct fsm_snapshot *snapshot, struct fsm_item *ret_item);

/* Gives back at most `pages` pages of the frozen tree; true: all is given back and freed. */
bool fsm_snapshot_release(struct fsm_snapshot *snapshot, size_t pages);

struct fsm_restore;
struct fsm_restore *fsm_restore_begin(void);
void fsm_restore_abort(struct fsm_restore *restore); /* accepts NULL */

/* Copies what it keeps. CD_OK; CD_CORRUPT (out of order, or impossible), CD_NEWER_FORMAT (a digest
 * or reply version that this version does not know). After a failure only abort is left. */
CD_MUST_USE enum cd_status fsm_restore_put(struct fsm_restore *restore, const struct fsm_item *item,
                                           struct cd_error *error);

/* All items came: the machine, if it is complete and has the head's digest. Frees `restore` if
 * CD_OK. Else CD_CORRUPT. */
CD_MUST_USE enum cd_status fsm_restore_finish(struct fsm_restore *restore, struct fsm **ret_fsm,
                                              struct cd_error *error);

#endif
