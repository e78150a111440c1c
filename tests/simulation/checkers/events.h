#ifndef COORD_TESTS_SIMULATION_CHECKERS_EVENTS_H
#define COORD_TESTS_SIMULATION_CHECKERS_EVENTS_H

#include "checkers/model.h"
#include "checkers/verdict.h"

#include <stdint.h>
#include <stdio.h>

/*
 * One history of one run: what clients did and were told, seen from outside of them, and what the
 * replicas carried out. An append-only log in the order in which things happened; all checkers of
 * sessions, watches, locks and transactions read it and nothing else.
 *
 * What the fields mean, kind by kind; fields that are not named stay 0. Every event has `at_us`,
 * true time, which never goes back. Clients, identities, operations, watches and frames are numbers
 * from 1 on. A session is its id.
 *
 * Operations
 *
 *   INVOKE     client, op, command; level and at_least of a read. The order of a client's INVOKEs
 *              is the order in which it sends.
 *   SENT       client, session, frame, local_us (the client's clock): a frame left the client.
 *              With op and seq: it carried that operation, and comes once for each of them; a read
 *              has no seq, and the session under which it went. Frames are numbered over all
 *              streams of the client.
 *   REPLY      client, op, zxid, shown: a reply item reached the client's stream, also one that
 *              its library drops because it had come before. Optional.
 *   RETURN     client, op, outcome; zxid and shown if ANSWERED (shown->code is the code). The
 *              caller got it. None for what was never heard of again.
 *
 * Sessions
 *
 *   OPENED     client, session, timeout_ms as granted.
 *   RESUMED    client, session, replica.
 *   LINKED     client, replica: a stream was welcomed. UNLINKED: it ended, or
 *              its client leaves it and waits only for answers.
 *   CONFIRMED  client, session, frame: it was told that this frame is confirmed (R12).
 *   STATE      client, session, state, local_us.
 *   STOPPED    client: its process is stopped, as by SIGSTOP, or gone. CONTINUED: it goes on.
 *
 * Watches: events as handed to the application, so without what a resumed stream repeats
 *
 *   WATCH      client, watch, path, scope, kinds (bits 1 << model_change_kind; 0: all), with_data,
 *              with_previous, identity. At the reply, zxid = complete_from. With `again`: set
 *              again, at the sending, zxid = after; goes on with a watch that is set or lagged.
 *   WATCHED    client, watch: the reply to a WATCH with `again`.
 *   UNWATCH    client, watch: as sent.
 *   EVENT      client, watch, zxid, change: one for each watch that the item lists.
 *   BOOKMARK   client, zxid: everything up to it has come. COMPLETE_TO the same.
 *   RESYNC     client, watch, zxid: events of it up to zxid are missing, later ones come.
 *   LAGGED     client, watch, zxid: events above zxid were left out and the watch removed.
 *
 * Locks
 *
 *   QUEUED     client, session, watch, path (of the member), queue: a queue-front watch, when its
 *              path is known and before anything that it tells.
 *   FRONT      client, watch, path, front, fence, zxid: what it told.
 *   GRANTED    client, session, path, fence: the application takes itself for a holder from here
 *              on. number: n if it is not 1.
 *   RELEASED   client, path: it does so no more. Before it asks for the deletion.
 *
 * Ground truth, from all replicas or from the first to get there; in the order of each replica
 *
 *   APPLIED    replica, slot, index (in the slot), cause, session, seq, op (0: to be found by
 *              session and seq), code, zxid (taken, or the state's), changed: this command took
 *              zxid, here and now. False for one that is answered from a kept reply. dropped: no
 *              effect and no kept reply (early, moved, forgotten, conflicting, no session).
 *              timeout_ms of OPEN (whose session is its zxid) and TIMEOUT. path of REAP.
 *   CHANGE     replica, zxid, change; denied: bits (1 << identity) of those who must not see it,
 *              doubtful: of those who need not. Directly behind its APPLIED, in the order made. A
 *              replica records all of its changes or none; if none does, they are the model's.
 *   INSTALLED  replica, slot, zxid: a snapshot.
 *   DIGEST     replica, slot, number: the state's digest after it.
 *   GAUGE      replica or client, gauge, number: how much of something there is.
 */
enum event_kind {
    EV_INVOKE = 1,
    EV_SENT,
    EV_REPLY,
    EV_RETURN,
    EV_OPENED,
    EV_RESUMED,
    EV_LINKED,
    EV_UNLINKED,
    EV_CONFIRMED,
    EV_STATE,
    EV_STOPPED,
    EV_CONTINUED,
    EV_WATCH,
    EV_WATCHED,
    EV_UNWATCH,
    EV_EVENT,
    EV_BOOKMARK,
    EV_COMPLETE_TO,
    EV_RESYNC,
    EV_LAGGED,
    EV_QUEUED,
    EV_FRONT,
    EV_GRANTED,
    EV_RELEASED,
    EV_APPLIED,
    EV_CHANGE,
    EV_INSTALLED,
    EV_DIGEST,
    EV_GAUGE,
    EV_COUNT,
};

enum {
    EVENTS_CLIENTS_MAX = 256, /* of clients and replicas alike; checked when appended */
    EVENTS_SENTENCE_BYTES = 512,
};

enum event_level {
    LEVEL_LINEARIZABLE = 0,
    LEVEL_SESSION,
    LEVEL_AT_LEAST,
};

enum event_outcome {
    OUTCOME_ANSWERED = 1, /* by the tree: the codes are those of enum model_code */
    OUTCOME_NOT_APPLIED,  /* any other refusal: nothing was done and never will be */
    OUTCOME_UNKNOWN,      /* the caller was told that it is not known */
};

enum event_state {
    STATE_CONNECTED = 1,
    STATE_SUSPECT,
    STATE_LOST,
};

enum event_scope {
    SCOPE_NODE = 0,
    SCOPE_CHILDREN,
    SCOPE_SUBTREE,
};

enum event_front {
    FRONT_WAITING = 1,
    FRONT_FRONT,
    FRONT_GONE,
};

enum event_cause {
    CAUSE_WRITE = 1, /* of a client; also Forget */
    CAUSE_OPEN,
    CAUSE_CLOSE,
    CAUSE_EXPIRE,
    CAUSE_REAP, /* a container or TTL node whose time has come */
    CAUSE_TIMEOUT,
    CAUSE_OTHER, /* takes a zxid, changes no node */
};

struct event {
    enum event_kind kind;
    uint32_t client, replica;
    uint64_t at_us, local_us;
    uint64_t op, session, seq, frame, watch;
    uint64_t zxid, slot, fence;
    uint64_t at_least;
    uint64_t number;
    uint64_t denied, doubtful;
    uint32_t timeout_ms;
    uint32_t index;
    uint32_t identity;
    uint32_t kinds;
    enum event_level level;
    enum event_outcome outcome;
    enum event_state state;
    enum event_scope scope;
    enum event_front front;
    enum event_cause cause;
    int code;
    bool changed, dropped;
    bool with_data, with_previous, again;
    const char *path;                    /* copied */
    const char *gauge;                   /* copied */
    const struct model_command *command; /* copied */
    const struct model_result *shown;    /* copied */
    const struct model_change *change;   /* copied; `path` is its own */
    const struct model_queue *queue;     /* copied */
};

struct events_block;

struct events {
    struct event *items; /* what they point to is owned by the log */
    size_t count, capacity;
    struct events_block *blocks;
    size_t held; /* bytes used of the newest block */
};

void events_init(struct events *events);
void events_release(struct events *events);

/* Copies the event and what it points to. Stops the process if time goes back. */
void events_add(struct events *events, const struct event *event);

/* Copies `bytes` into the log's own memory; as long-lived as the log. For those that build events.
 */
void *events_keep(struct events *events, const void *data, size_t bytes);

const char *event_kind_name(enum event_kind kind);

/* "#12 3.000450 s client 2 returns op 7: code 0, zxid 1.15". Cut at `bytes`. */
void event_describe(const struct events *events, const struct event *event, char *text,
                    size_t bytes);

/* All events, one a line; `about` (0: all) leaves out what concerns another client. */
void events_print(const struct events *events, uint32_t about, FILE *file);

/* Says no, in words, and names the events that show it; `second` may be NULL. Returns false. */
bool events_fail(const struct events *events, const struct event *first, const struct event *second,
                 struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Zxids as people read them: generation.counter. Two for one printf: ZXID_PARTS(zxid). */
#define ZXID_FORMAT "%u.%llu"
#define ZXID_PARTS(zxid)                                                                           \
    (unsigned)((zxid) >> MODEL_GENERATION_SHIFT),                                                  \
        (unsigned long long)((zxid) & ((UINT64_C(1) << MODEL_GENERATION_SHIFT) - 1))

#endif
