#ifndef COORD_LIBCLIENT_SESSION_INTERNAL_H
#define COORD_LIBCLIENT_SESSION_INTERNAL_H

#include "dial.h"
#include "session.h"

/* What the files of the session share: its state, and who may change what. */

/* Streams at a time: attempts, the active one, and those that are being left. */
enum { CLIENT_STREAMS_MAX = 16, CLIENT_REASON_BYTES = 200 };

enum stream_state {
    STREAM_FREE,
    STREAM_DIAL,    /* to be dialled */
    STREAM_HELLO,   /* dialled; its hello was not taken yet */
    STREAM_GREETED, /* its hello was taken */
    STREAM_ACTIVE,  /* welcomed, and the one that requests are sent on */
    STREAM_LEAVING, /* S5 */
    STREAM_CLOSE,   /* to be closed */
};

struct stream {
    enum stream_state state;
    uint64_t id;
    size_t endpoint;
    uint64_t give_up_ms;  /* DIAL, HELLO, GREETED */
    uint64_t frames;      /* taken */
    size_t writes, reads; /* sent and not answered */
    struct client_limits limits;
};

/* Why an endpoint did not serve when it was asked last; COORD_OK: not known. */
struct reason {
    enum coord_code code;
    char text[CLIENT_REASON_BYTES];
};

struct request_list {
    struct client_request *first, *last;
    size_t count;
};

struct client_session {
    const char *const *endpoints;
    size_t endpoints_count;
    const char *client_name;
    uint32_t dial_timeout_ms;
    bool closed;

    /* What was learnt, told in every hello. */
    bool has_cluster;
    uint8_t cluster_id[COORD_CLUSTER_ID_BYTES];
    uint32_t generation;
    uint64_t last_seen_zxid;

    struct client_dial dial;
    struct reason reasons[COORD_ENDPOINTS_MAX];
    struct stream streams[CLIENT_STREAMS_MAX];
    uint64_t last_stream;  /* the newest id */
    struct stream *active; /* or NULL */

    uint64_t last_request;       /* the newest id */
    struct request_list waiting; /* in the order of ids */
    struct request_list sent;    /* in the order of sending */
    struct request_list done;    /* in the order of ending */
    uint64_t expiry_ms;          /* no deadline of a request is below it */
    uint64_t hold_ms; /* nothing is sent before: a replica was busy, or no memory; or 0 */
};

/* ---- requests.c: the lists, and every way in which a request ends ---- */

void requests_append(struct request_list *list, struct client_request *request);
void requests_remove(struct request_list *list, struct client_request *request);

/* To the sent requests. */
void request_mark_sent(struct client_session *session, struct stream *stream,
                       struct client_request *request);

/* From the sent to the waiting. */
void request_wait_again(struct client_session *session, struct client_request *request);

/* The one with this id that waits for an answer of this stream, or NULL. */
struct client_request *request_find_sent(const struct client_session *session,
                                         const struct stream *stream, uint64_t id);

/* Ends it, from whichever list it is in. */
void request_end(struct client_session *session, struct client_request *request,
                 enum coord_code code, const char *format, ...) CD_PRINTF(4, 5);
void request_succeed(struct client_session *session, struct client_request *request,
                     struct coord_result *result);

/* S3: a sent write whose answer will not come, because of `why`. */
void request_lose_write(struct client_session *session, struct client_request *request,
                        const char *format, ...) CD_PRINTF(3, 4);

/* S6. */
void requests_expire(struct client_session *session, uint64_t now_ms);

/* All that wait, with what every endpoint said: none of them will ever serve this client. */
void requests_refuse_waiting(struct client_session *session);

/* ---- streams.c: from dialling to the end of a stream ---- */

struct stream *stream_find(struct client_session *session, uint64_t id);
const char *stream_endpoint(const struct client_session *session, const struct stream *stream);

void reason_set(struct client_session *session, size_t endpoint, enum coord_code code,
                const char *format, ...) CD_PRINTF(4, 5);

/* Dials what is due, if anything waits and nothing serves. */
void streams_plan(struct client_session *session, uint64_t now_ms);

/* Attempts that take too long. */
void streams_expire(struct client_session *session, uint64_t now_ms);

/* It was welcomed: the other attempts are over. */
void stream_activate(struct client_session *session, struct stream *stream);

/* S5. */
void stream_leave(struct client_session *session, uint64_t now_ms, struct stream *stream);

/* S3, S4: it broke, or must not be trusted; nothing more comes from it. The reason was set. */
void stream_fail(struct client_session *session, uint64_t now_ms, struct stream *stream);

/* One write less waits for its answer: perhaps nothing keeps the stream any more. */
void stream_settle(struct client_session *session, struct stream *stream);

#endif
