#ifndef COORD_FSM_SESSION_H
#define COORD_FSM_SESSION_H

#include "fsm/reply.h"

/*
 * Sessions, and the set of the live ones in the order of their ids. A session is a version with a
 * reference count, as nodes are: who changes one that is shared changes a copy, so that a frozen
 * set costs a reference for each session and no bytes.
 *
 * Kept replies are those of the seqs (reply_mark, last_seq], each found by its seq alone.
 *
 * Thread: loop.
 */
struct fsm_session {
    uint32_t refs;
    uint32_t timeout_ms;
    uint64_t id;
    uint64_t attach;                       /* highest seen */
    uint64_t last_seq;                     /* applied */
    uint64_t reply_mark;                   /* <= last_seq */
    uint64_t kept_bytes;                   /* sum of fsm_reply_cost */
    uint64_t ephemerals;                   /* nodes in the tree that it owns */
    uint64_t ended_elapsed_ms, ended_zxid; /* of a tombstone; else 0 */
    uint64_t fixed_hash;                   /* of what never changes: id, secret, identity */
    uint64_t digest;                       /* what it adds to the digest now, its replies aside */
    struct fsm_reply **replies;            /* ring of owned references; seq & (capacity - 1) */
    uint32_t replies_capacity;             /* 0 or a power of two */
    uint32_t id_bytes;
    uint8_t scheme; /* enum fsm_scheme */
    uint8_t secret_hash[FSM_SECRET_HASH_BYTES];
    uint8_t identity[]; /* id_bytes */
};

/* A new one with one reference. Copies. */
struct fsm_session *fsm_session_create(uint64_t id, const struct fsm_who *who,
                                       const uint8_t secret_hash[FSM_SECRET_HASH_BYTES],
                                       uint32_t timeout_ms);
struct fsm_session *fsm_session_ref(struct fsm_session *session);
void fsm_session_unref(struct fsm_session *session);

/* Borrowed from the session; not an administrator. */
struct fsm_who fsm_session_who(const struct fsm_session *session);
void fsm_session_view(const struct fsm_session *session, struct fsm_session_view *ret_view);

/* Of what it holds now; session->digest is what was counted last. */
uint64_t fsm_session_digest(const struct fsm_session *session);

/* Adds the reply (moved) of seq last_seq + 1, which becomes last_seq. Not of a shared session. */
void fsm_session_keep(struct fsm_session *session, struct fsm_reply *reply);

/* The kept reply of a seq in (reply_mark, last_seq]. Borrowed. */
struct fsm_reply *fsm_session_reply(const struct fsm_session *session, uint64_t seq);

/* Moves the mark by one and drops that reply; there is one. Not of a shared session. */
void fsm_session_forget_first(struct fsm_session *session);

/* ---- The set ---- */

struct fsm_session_slot {
    uint64_t id;
    struct fsm_session *session; /* owned reference; NULL: ended, the slot is closed later */
};

/* Ids only grow, so a new session is added at the end. */
struct fsm_session_set {
    struct fsm_session_slot *slots; /* ids ascend */
    size_t slots_count;
    size_t slots_capacity;
    uint64_t count; /* sessions */
};

void fsm_session_set_release(struct fsm_session_set *set);

/* Makes `set` (not initialised before) hold the same versions as `from`. O(count). */
void fsm_session_set_share(struct fsm_session_set *set, const struct fsm_session_set *from);

/* Gives back at most `most` references from the end on; true: all, and the set is empty. */
bool fsm_session_set_release_some(struct fsm_session_set *set, size_t most);

/* Borrowed, or NULL. */
struct fsm_session *fsm_session_set_find(const struct fsm_session_set *set, uint64_t id);

/* The first with an id above `after`. Borrowed, or NULL. */
struct fsm_session *fsm_session_set_next(const struct fsm_session_set *set, uint64_t after);

/* The session, which is there, to be changed: a copy takes its place if it was shared. */
struct fsm_session *fsm_session_set_own(struct fsm_session_set *set, uint64_t id);

/* Adds a session (moved) whose id is above all others. */
void fsm_session_set_add(struct fsm_session_set *set, struct fsm_session *session);

/* Takes the session, which is there, out; the reference is the caller's. */
struct fsm_session *fsm_session_set_take(struct fsm_session_set *set, uint64_t id);

#endif
