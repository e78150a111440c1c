#ifndef COORD_FSM_SESSIONS_H
#define COORD_FSM_SESSIONS_H

#include "fsm/state.h"

/*
 * What the machine remembers of sessions, ended sessions and calls, within its bounds of number,
 * bytes and age; and how a command is judged by it. See struct fsm_command and R7, R9, R10, R21.
 *
 * Thread: loop.
 */

/* A call that had a key, and its reply (R21). */
struct fsm_call {
    uint8_t key[FSM_CALL_KEY_BYTES];
    uint64_t request_hash;
    uint64_t elapsed_ms; /* when it was applied */
    uint64_t place;      /* grows with each call */
    uint64_t digest;     /* what it adds to the digest */
    enum fsm_scheme scheme;
    uint32_t id_bytes;
    uint32_t packed_bytes;
    uint8_t data[]; /* identity, packed reply */
};

/* The first place of a slot. Were there more calls in one, they would take places of the next. */
#define FSM_CALL_PLACES_OF_SLOT UINT64_C(1048576)

void fsm_sessions_init(struct fsm *fsm);
void fsm_sessions_release(struct fsm *fsm);

/* Once for each slot, when its time is known: forgets what is too old, a bounded part of it. */
void fsm_sessions_age(struct fsm *fsm);
#define FSM_FORGOTTEN_PER_SLOT 256u

/*
 * Judges a command that names a session, or one that has a call key; all others are FSM_TAKEN. Of
 * FSM_REPLAYED the result is filled; of the others it is not touched.
 */
enum fsm_verdict fsm_sessions_judge(struct fsm *fsm, const struct fsm_command *command,
                                    struct fsm_result *result);

/* Keeps the reply of a command that was taken, if it is of a session or has a key. */
void fsm_sessions_keep(struct fsm *fsm, const struct fsm_command *command,
                       const struct fsm_result *result);

/* Adds a session; takes one that ended, without ephemeral nodes, out and makes a tombstone of it.
 */
void fsm_sessions_open(struct fsm *fsm, struct fsm_session *session);
void fsm_sessions_end(struct fsm *fsm, uint64_t session, uint64_t zxid);

/* Both take what they get. For restore, and for the above. */
void fsm_sessions_add_tombstone(struct fsm *fsm, struct fsm_session *session);
void fsm_sessions_add_call(struct fsm *fsm, struct fsm_call *call);

bool fsm_sessions_knows_call(const struct fsm *fsm, const uint8_t key[FSM_CALL_KEY_BYTES]);

/* One with its reply. Copies. */
struct fsm_call *fsm_call_create(const uint8_t key[FSM_CALL_KEY_BYTES], const struct fsm_who *who,
                                 uint64_t request_hash, uint64_t elapsed_ms, uint64_t place,
                                 struct fsm_bytes packed);
struct fsm_bytes fsm_call_packed(const struct fsm_call *call);
struct fsm_who fsm_call_who(const struct fsm_call *call);
uint64_t fsm_call_cost(const struct fsm_call *call);

/* Adds a reply (moved) of a session's next seq. For restore, and for fsm_sessions_keep. */
void fsm_sessions_add_reply(struct fsm *fsm, struct fsm_session *session, struct fsm_reply *reply);

/* Aborts if an invariant is broken. */
void fsm_sessions_check(const struct fsm *fsm);

#endif
