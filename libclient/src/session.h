#ifndef COORD_LIBCLIENT_SESSION_H
#define COORD_LIBCLIENT_SESSION_H

#include "codec.h"
#include "request.h"
#include "watch.h"

/*
 * The order of things between a client and its cluster, without any I/O: time, randomness, secrets
 * and bytes come in, effects go out. Requests are carried out on one stream at a time; the machine
 * finds a replica, says hello, sends, matches replies, keeps a session alive, and moves to another
 * replica when one is lost or cannot serve.
 *
 *   S1 Nothing is sent on a stream before the replica has welcomed it.
 *   S2 Requests leave in the order of submission; one that is sent again leaves before younger
 *      ones. A read names the last write of the session sent before it (R24).
 *   S3 Without a session a write is sent again only if a replica said that it was not done. If its
 *      stream breaks, its deadline passes, or its answer makes no sense, it ends with
 *      COORD_OUTCOME_UNKNOWN.
 *   S4 A read is sent again until its deadline. Only the stream on which it was sent last can
 *      answer.
 *   S5 A stream that a replica asked to leave, or on which it refused to serve, gets nothing more;
 *      it stays open until the writes of S3 sent on it are answered.
 *   S6 Every request comes back exactly once, by its deadline, if the timer is served.
 *   S7 Replies to what is not waiting are dropped: duplicates, and answers that came too late.
 *
 * With sessions (client_session_config.sessions):
 *   S8 A session is opened before the first write, never for reads (R7). Its writes are numbered 1,
 *      2, 3, ... when they are first sent, and each is sent on every new stream, in order and byte
 *      for byte, until it is answered once (R9, R24). A caller whose deadline passes first gets
 *      COORD_OUTCOME_UNKNOWN; the write itself keeps its number and its place.
 *   S9 BUSY, and whatever else is no final answer, takes nothing: that write and all later ones are
 *      sent again from it (R11).
 *  S10 The reply mark is the highest n such that all replies up to n have arrived (R10). At most
 *      Limits.unacked_writes lie above it, and once the replies since the last write reach half of
 *      Limits.kept_reply_bytes a Forget carries it if no write does.
 *  S11 Every hello to go on with a session has a higher attach number than all before it. Until
 *      rearm_done, watches are set again and unanswered writes sent again, nothing else (R18).
 *  S12 The session is CONNECTED, SUSPECT or LOST by its lease alone (lease.h), looked at before
 *      every input. LOST, or a replica's word that it has ended, is final: nothing that comes later
 *      counts, a stream at hand is told to close it, its watches end, writes that were not sent end
 *      with COORD_SESSION_EXPIRED, and what became of the unanswered ones is asked on another
 *      stream (R20, R21), again after a pause as long as the cluster has not ended the session and
 *      says BUSY. The next write opens another session.
 *  S13 Watches live as long as their session; without one they are the client's, and are set again
 *      on every stream. What a watch is told is in the order of zxids, each zxid's events whole and
 *      once. It is set again from where it was complete: what its own answer, a frame's
 *      complete_to, a bookmark or a RESYNC said (R12), or from where LAGGED says.
 *  S14 A user who does not take what his watch is told harms that watch alone: the library goes on
 *      reading. What waits for one watch is bounded by CLIENT_WATCH_BYTES_MAX, or by one zxid's
 *      events, and what waits for all by CLIENT_EVENTS_BYTES_MAX, the zxid that passes it and
 *      CLIENT_WATCH_BYTES_MIN for each watch. Where the next zxid's events would pass that, the
 *      watch is removed at the replica, and LAGGED is told behind what waits, which stays as it is.
 *      Once all of it was taken, and there is room for all, the watch is set again under a new id
 *      from where LAGGED says: from the history, or with RESYNC. A zxid with more than
 *      CLIENT_GROUP_BYTES_MAX for one watch becomes a RESYNC; a bookmark without room is left out.
 *      SET, LAGGED and ENDED are told always: at most one of each waits at its turn.
 *  S15 A frame that breaks the contract ends its stream, never more.
 *
 *   request:  submit -> WAITING -> SENT -> DONE         SENT -> WAITING: refused, or a lost read
 *   stream:   DIAL -> HELLO -> GREETED -> ACTIVE -> LEAVING -> CLOSE; any state -> gone
 *             (hello sent ^   ^ welcomed)       `-> PARTING: the session is over, close it
 *   session:  NONE -> (open sent) -> OPEN -> LOST or NONE
 *
 * Thread: one at a time. Input functions first, then take_effect until it has no more, then
 * take_frame for every stream that can send, then take_effect again.
 */
struct client_session;

/* Both in milliseconds, neither ever runs back, and only their differences count. */
struct client_time {
    uint64_t ms;       /* for deadlines */
    uint64_t lease_ms; /* counts suspend: CLOCK_BOOTTIME */
};

/* Zero in a time means its default. */
struct client_session_config {
    const char *const *endpoints; /* borrowed as long as the session lives */
    size_t endpoints_count;       /* 1 to COORD_ENDPOINTS_MAX */
    const char *client_name;      /* borrowed likewise */
    uint64_t seed;
    bool sessions;               /* S8 to S12 */
    uint32_t session_timeout_ms; /* asked for; 0: the cluster's default */
    uint32_t dial_next_ms;       /* an endpoint that long without an answer: dial one more [300] */
    uint32_t dial_timeout_ms;    /* an attempt is given up then [5000] */
    uint32_t pause_ms_min;       /* between rounds of dialling, doubling [25] */
    uint32_t pause_ms_max;       /* [500] */
    /* 0: the limit in watch.h */
    size_t events_bytes_max, watch_bytes_max, group_bytes_max;
};

#define CLIENT_NEVER UINT64_MAX

/* NULL: no memory. */
struct client_session *client_session_create(const struct client_session_config *config);

/* Holds no request and no watch any more (see client_session_shutdown). Accepts NULL. */
void client_session_free(struct client_session *session);

/* ---- In ---- */

/* `request` belongs to the session until it comes back as an effect. */
void client_session_submit(struct client_session *session, struct client_time now,
                           struct client_request *request);

/*
 * `watch` belongs to the session until client_session_unwatch; it was zeroed but for what its maker
 * sets. Its first item is SET, or the last one, which says why not. After the last one nothing is
 * told any more. Returns: COORD_OK; COORD_TOO_MANY (CLIENT_WATCHES_MAX), COORD_CLOSED,
 * COORD_NO_MEMORY: nothing was taken.
 */
CD_MUST_USE enum coord_code client_session_watch(struct client_session *session,
                                                 struct client_time now,
                                                 struct client_watch *watch);

/* Ends it, in whatever state; its items that were not told are gone. */
void client_session_unwatch(struct client_session *session, struct client_watch *watch);

/*
 * The user has taken items of that many bytes (client_watch_item.bytes). What he has not taken
 * client_session_unwatch settles: nothing of the watch is taken after it.
 */
void client_session_took(struct client_session *session, struct client_watch *watch, size_t bytes);

/* Answers CLIENT_EFFECT_SECRET: 16 random bytes and their SHA-256; NULL: there are none now. */
void client_session_give_secret(struct client_session *session, struct client_time now,
                                const uint8_t *secret, const uint8_t *hash);

/*
 * Somebody was told that session `id` is LOST, by client_lease_view_state: it is, whatever comes
 * now. Harmless for any other id.
 */
void client_session_abandon(struct client_session *session, struct client_time now, uint64_t id);

/* A ServerFrame of a stream; `bytes` are borrowed for the call. */
void client_session_on_frame(struct client_session *session, struct client_time now,
                             uint64_t stream, const void *bytes, size_t count);

/*
 * A stream could not be opened, or ended. `code` is COORD_UNREACHABLE, or why a replica does not
 * serve this client at all (COORD_PERMISSION_DENIED, COORD_UNIMPLEMENTED); `why` is a phrase.
 */
void client_session_on_closed(struct client_session *session, struct client_time now,
                              uint64_t stream, enum coord_code code, const char *why);

/* The deadline has come; harmless before it. */
void client_session_on_timer(struct client_session *session, struct client_time now);

/*
 * Everything ends: requests come back, watches get their last item, nothing is dialled any more. A
 * session at hand is closed: its stream ends by itself within a second.
 */
void client_session_shutdown(struct client_session *session, struct client_time now);

/* ---- Out ---- */

/* When on_timer is wanted, in client_time.ms, or CLIENT_NEVER. */
uint64_t client_session_deadline_ms(const struct client_session *session);

enum client_effect_kind {
    CLIENT_EFFECT_DIAL,   /* open `stream` to endpoints[endpoint]; send what take_frame gives */
    CLIENT_EFFECT_CLOSE,  /* end `stream`; nothing that comes from it counts any more */
    CLIENT_EFFECT_SECRET, /* draw one: client_session_give_secret */
    CLIENT_EFFECT_STATE,  /* the session's state, as client_session_lease tells it, has changed */
    CLIENT_EFFECT_ITEM,   /* `item` is told to item->watch; the taker frees it */
    CLIENT_EFFECT_DONE,   /* `request` has its outcome and is its maker's again */
};

struct client_effect {
    enum client_effect_kind kind;
    uint64_t stream;
    size_t endpoint;
    struct client_request *request;
    struct client_watch_item *item;
};

/* The next thing to do; false if there is none. Items come before the replies behind them. */
bool client_session_take_effect(struct client_session *session, struct client_effect *ret_effect);

/*
 * The next ClientFrame for a stream that can send one now; false if there is none. What waits goes
 * into one frame, as much as the replica takes. The caller owns the bytes.
 */
bool client_session_take_frame(struct client_session *session, struct client_time now,
                               uint64_t stream, struct client_bytes *ret_frame);

/*
 * What is known about the session: a copy, so that other threads can ask it at any moment. The
 * state is of the last input; client_lease_view_state looks at the clock.
 */
struct client_lease_view {
    enum coord_session_state state;
    uint64_t id; /* of the session, or of the one that was lost last; 0: none */
    uint32_t timeout_ms;
    uint64_t suspect_ms, lost_ms; /* of client_time.lease_ms; 0 unless CONNECTED or SUSPECT */
};

/* The stream on which requests go, not one that is being left (S5); 0: none now. */
uint64_t client_session_stream(const struct client_session *session);

struct client_lease_view client_session_lease(const struct client_session *session);

/* The state at that moment. */
enum coord_session_state client_lease_view_state(const struct client_lease_view *view,
                                                 uint64_t lease_ms);

#endif
