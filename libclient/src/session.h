#ifndef COORD_LIBCLIENT_SESSION_H
#define COORD_LIBCLIENT_SESSION_H

#include "codec.h"
#include "request.h"

/*
 * The order of things between a client and its cluster, without any I/O: time, randomness and bytes
 * come in, effects go out. Requests are carried out on one stream at a time; the machine finds a
 * replica, says hello, sends, matches replies, and moves to another replica when one is lost or
 * cannot serve.
 *
 *   S1 Nothing is sent on a stream before the replica has welcomed it.
 *   S2 Requests leave in the order of submission; one that is sent again leaves before younger
 * ones. S3 A write is sent again only if a replica said that it was not done. If its stream breaks,
 * its deadline passes, or its answer makes no sense, it ends with COORD_OUTCOME_UNKNOWN. S4 A read
 * is sent again until its deadline. Only the stream on which it was sent last can answer. S5 A
 * stream that a replica asked to leave, or on which it refused to serve, gets nothing more; it
 * stays open until the writes sent on it are answered. S6 Every request comes back exactly once, by
 * its deadline, if the timer is served. S7 Replies to what is not waiting are dropped: duplicates,
 * and answers that came too late.
 *
 *   request:  submit -> WAITING -> SENT -> DONE         SENT -> WAITING: refused, or a lost read
 *   stream:   DIAL -> HELLO -> GREETED -> ACTIVE -> LEAVING -> CLOSE; any state -> gone
 *             (hello sent ^   ^ welcomed)
 *
 * Thread: one at a time. Input functions first, then take_effect until it has no more, then
 * take_frame for every stream that can send.
 */
struct client_session;

/* Zero in a time means its default. */
struct client_session_config {
    const char *const *endpoints; /* borrowed as long as the session lives */
    size_t endpoints_count;       /* 1 to COORD_ENDPOINTS_MAX */
    const char *client_name;      /* borrowed likewise */
    uint64_t seed;
    uint32_t dial_next_ms;    /* an endpoint that long without an answer: dial one more [300] */
    uint32_t dial_timeout_ms; /* an attempt is given up then [5000] */
    uint32_t pause_ms_min;    /* between rounds of dialling, doubling [25] */
    uint32_t pause_ms_max;    /* [500] */
};

#define CLIENT_NEVER UINT64_MAX

/* NULL: no memory. */
struct client_session *client_session_create(const struct client_session_config *config);

/* Holds no request any more (see client_session_shutdown). Accepts NULL. */
void client_session_free(struct client_session *session);

/* ---- In ---- */

/* `request` belongs to the session until it comes back as an effect. */
void client_session_submit(struct client_session *session, uint64_t now_ms,
                           struct client_request *request);

/* A ServerFrame of a stream; `bytes` are borrowed for the call. */
void client_session_on_frame(struct client_session *session, uint64_t now_ms, uint64_t stream,
                             const void *bytes, size_t count);

/*
 * A stream could not be opened, or ended. `code` is COORD_UNREACHABLE, or why a replica does not
 * serve this client at all (COORD_PERMISSION_DENIED, COORD_UNIMPLEMENTED); `why` is a phrase.
 */
void client_session_on_closed(struct client_session *session, uint64_t now_ms, uint64_t stream,
                              enum coord_code code, const char *why);

/* The deadline has come; harmless before it. */
void client_session_on_timer(struct client_session *session, uint64_t now_ms);

/* Everything ends: requests come back, streams are closed, nothing is dialled any more. */
void client_session_shutdown(struct client_session *session, uint64_t now_ms);

/* ---- Out ---- */

/* When on_timer is wanted, or CLIENT_NEVER. */
uint64_t client_session_deadline_ms(const struct client_session *session);

enum client_effect_kind {
    CLIENT_EFFECT_DIAL,  /* open `stream` to endpoints[endpoint]; send what take_frame gives */
    CLIENT_EFFECT_CLOSE, /* end `stream`; nothing that comes from it counts any more */
    CLIENT_EFFECT_DONE,  /* `request` has its outcome and is its maker's again */
};

struct client_effect {
    enum client_effect_kind kind;
    uint64_t stream;
    size_t endpoint;
    struct client_request *request;
};

/* The next thing to do; false if there is none. */
bool client_session_take_effect(struct client_session *session, struct client_effect *ret_effect);

/*
 * The next ClientFrame for a stream that can send one now; false if there is none. What waits goes
 * into one frame, as much as the replica takes. The caller owns the bytes.
 */
bool client_session_take_frame(struct client_session *session, uint64_t now_ms, uint64_t stream,
                               struct client_bytes *ret_frame);

#endif
