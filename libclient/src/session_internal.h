#ifndef COORD_LIBCLIENT_SESSION_INTERNAL_H
#define COORD_LIBCLIENT_SESSION_INTERNAL_H

#include "dial.h"
#include "lease.h"
#include "session.h"

/* What the files of the session share: its state, and who may change what. */

enum {
    /* Streams at a time: attempts, the active one, and those that are being left. */
    CLIENT_STREAMS_MAX = 16,
    CLIENT_REASON_BYTES = 200,
    CLIENT_PART_MS = 1000,      /* so long a stream lives on to close its session */
    CLIENT_HEDGE_SHIFT_MAX = 5, /* see session_moved */
};

enum stream_state {
    STREAM_FREE,
    STREAM_DIAL,    /* to be dialled */
    STREAM_HELLO,   /* dialled; its hello was not taken yet */
    STREAM_GREETED, /* its hello was taken */
    STREAM_ACTIVE,  /* welcomed, and the one that requests are sent on */
    STREAM_LEAVING, /* S5 */
    STREAM_PARTING, /* its session is over: closes it, and then itself */
    STREAM_CLOSE,   /* to be closed */
};

struct stream {
    enum stream_state state;
    uint64_t id;
    size_t endpoint;
    uint64_t give_up_ms;  /* DIAL, HELLO, GREETED, PARTING; ACTIVE: of an open that waits, or 0 */
    uint64_t frames;      /* taken */
    size_t writes, reads; /* sent and not answered; of the writes those of S3 */
    struct client_limits limits;
    /* Of the session on it. */
    uint64_t attach; /* with which the hello went on with it, or 1: opened here; 0: none */
    bool open_sent;  /* once for a stream */
    uint64_t hello_lease_ms, open_lease_ms; /* when the two were sent */
    uint64_t confirmed;                     /* by its leader */
    uint32_t busy_count;
    bool rearm_owed;                       /* S11: rearm_done was not sent */
    bool beat_due;                         /* a frame is wanted, be it an empty one */
    uint64_t sent_ms;                      /* the last frame */
    uint64_t parting_seq, parting_request; /* PARTING: of the Close; the id once it was taken */
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

/* A write of the session that was sent and has no answer yet (S8). */
struct client_write {
    struct client_write *next, *prev;
    uint64_t seq, id;
    struct client_request *request; /* NULL: nobody waits for it */
    uint8_t *bytes;                 /* owned if request is NULL, else the request's */
    size_t tail_offset;
    uint64_t stream; /* on which it was sent last; 0: to be sent (again) */
    enum client_op_kind kind;
    struct client_watch *watch; /* on the node that it creates, or NULL */
};

struct client_watch_list {
    struct client_watch *first, *last;
};

struct client_session {
    const char *const *endpoints;
    size_t endpoints_count;
    const char *client_name;
    uint32_t dial_timeout_ms;
    bool closed;
    struct client_time now; /* of the last input */

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
    struct request_list sent;    /* in the order of sending; those of the session among them */
    struct request_list done;    /* in the order of ending */
    uint64_t expiry_ms;          /* no deadline of a request is below it */
    uint64_t hold_ms;    /* nothing is sent before: a replica was busy, or no memory; or 0 */
    uint64_t inquire_ms; /* no inquiry is sent before; or 0 */

    /* The session, if id is not 0 (S8). */
    bool sessions;
    uint32_t timeout_wanted_ms;
    bool open_wanted; /* a request that waits needs one */
    bool has_secret, secret_asked;
    uint8_t secret[CLIENT_SECRET_BYTES], secret_hash[CLIENT_SECRET_HASH_BYTES];
    uint64_t id, attach; /* the highest attach number that was given out */
    struct client_lease lease;
    struct client_write *writes, *writes_last; /* in the order of seq */
    size_t writes_count, detached_count;
    uint64_t last_seq;   /* given out */
    size_t kept_bytes;   /* of the replies since a write last carried the mark */
    uint64_t kept_limit; /* of the cluster; 0: none known */
    enum coord_session_state state, told_state;
    uint64_t state_id, told_id;

    /* Watches. */
    struct client_watch_list watches[WATCH_ENDED]; /* by their state */
    size_t watches_count;
    struct client_watch_slot *slots; /* owned: by their ids (watch_table.c) */
    uint32_t slots_count, slots_free;
    uint64_t last_watch;                                /* the newest number in an id */
    struct client_farewell *farewells, **farewells_end; /* owned: to be said */
    struct client_watch_item *items, **items_end;       /* owned: to be told */
    uint64_t group_zxid;                                /* of the events that may go on; or 0 */
    struct client_watch_item *groups; /* owned: these events; those without a watch
                                         are dropped */
    uint64_t complete_zxid, marks;    /* what a frame on `active` said last (R12), and how often */
    size_t events_bytes;              /* the sum of client_watch.waiting_bytes */
    size_t events_bytes_max, watch_bytes_max, group_bytes_max;
};

/* ---- requests.c: the lists, and every way in which a request ends ---- */

void requests_append(struct request_list *list, struct client_request *request);
void requests_remove(struct request_list *list, struct client_request *request);

/* It cannot be sent before a session is opened. */
bool request_needs_open(const struct client_session *session, const struct client_request *request);

/* From the waiting to the sent requests. */
void request_mark_sent(struct client_session *session, struct stream *stream,
                       struct client_request *request);

/* From the sent to the waiting. */
void request_wait_again(struct client_session *session, struct client_request *request);

/* The one with this id that waits for an answer of this stream, or NULL. */
struct client_request *request_find_sent(const struct client_session *session,
                                         const struct stream *stream, uint64_t id);

/* Ends it, from whichever list it is in. A write of the session goes on without it. */
void request_end(struct client_session *session, struct client_request *request,
                 enum coord_code code, const char *format, ...) CD_PRINTF(4, 5);
void request_succeed(struct client_session *session, struct client_request *request,
                     struct coord_result *result);

/* A sent write whose answer will not come (in time), because of `why`. */
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

/* There is something that a stream is for. */
bool streams_wanted(const struct client_session *session);

/* Dials what is due, if a stream is wanted and nothing serves. */
void streams_plan(struct client_session *session, uint64_t now_ms);

/* Attempts that take too long. */
void streams_expire(struct client_session *session, uint64_t now_ms);

/* It was welcomed: the other attempts are over. */
void stream_activate(struct client_session *session, struct stream *stream);

/* S5. */
void stream_leave(struct client_session *session, uint64_t now_ms, struct stream *stream);

/* S3, S4: it broke, or must not be trusted; nothing more comes from it. The reason was set. */
void stream_fail(struct client_session *session, uint64_t now_ms, struct stream *stream);

/* Its session is over: it closes it by write `seq`, as far as it can, and goes. */
void stream_part(struct client_session *session, uint64_t now_ms, struct stream *stream,
                 uint64_t seq);

/* Attempts to go on with a session that is over. */
void streams_forget_session(struct client_session *session);

/* One write less waits for its answer: perhaps nothing keeps the stream any more. */
void stream_settle(struct client_session *session, struct stream *stream);

/* ---- session.c ---- */

/* Something is wanted again: what endpoints said once is old, and nobody waits for a pause. */
void session_wake_up(struct client_session *session);

/* ---- life.c: a session from its opening to its end (S8, S12) ---- */

/* The replica granted it on that stream. */
void session_opened(struct client_session *session, struct stream *stream,
                    const struct client_welcome *welcome);

/* Looks at the lease: it may be over. At the beginning of every input. */
void session_check_lease(struct client_session *session);

/* S12: it is over, because of `why`. `state` is COORD_STATE_LOST or COORD_STATE_NONE. */
void session_over(struct client_session *session, enum coord_session_state state, const char *why);

/* A replica says that an attach number higher than that stream's was seen. */
void session_moved(struct client_session *session, struct stream *stream);

/* ---- writes.c: the writes of a session (S8 to S10) ---- */

/* S10. */
uint64_t writes_mark(const struct client_session *session);

/* How many more may be sent now. */
size_t writes_room(const struct client_session *session, const struct stream *stream);

/* A waiting write gets its number. NULL: no memory. It is not sent yet. */
struct client_write *write_begin(struct client_session *session, struct client_request *request);

/* The one with this id that waits for an answer of this stream, or NULL. */
struct client_write *write_find(const struct client_session *session, const struct stream *stream,
                                uint64_t id);

/* S9: it and all later ones are to be sent again. */
void writes_send_again(struct client_write *from);

/* Those of a stream that is gone. */
void writes_lose_stream(struct client_session *session, const struct stream *stream);

/* It was answered: it is no more. Its request, if there is one, is left to the caller. */
struct client_request *write_answered(struct client_session *session, struct client_write *write,
                                      size_t reply_bytes);

/* The caller's deadline has passed: the write goes on without its request, with its bytes. */
void write_detach(struct client_session *session, struct client_request *request);

/* S12: what became of them is asked. The session is over. */
void writes_inquire(struct client_session *session, uint64_t id, const uint8_t *secret,
                    const char *why);

/* S10: the next thing to send is a Forget, if it is due. NULL: it is not, or no memory. */
struct client_write *writes_forget(struct client_session *session);

/* ---- watch_table.c ---- */

/* False: no memory. There are fewer than CLIENT_WATCHES_MAX. It gets its id. */
CD_MUST_USE bool watch_table_add(struct client_session *session, struct client_watch *watch,
                                 enum client_watch_state state);
/* It is ENDED. */
void watch_table_remove(struct client_session *session, struct client_watch *watch);
void watch_table_free(struct client_session *session);

/* To the end of the list of that state, which is not ENDED. */
void watch_move(struct client_session *session, struct client_watch *watch,
                enum client_watch_state state);

/* A new id: what still comes for the old one is nobody's. */
void watch_rename(struct client_session *session, struct client_watch *watch);

/* The id for a request that sets it. */
uint64_t watch_next_request(struct client_session *session, const struct client_watch *watch);

/* The one with that id that was sent to the stream, or NULL. */
struct client_watch *watch_find(const struct client_session *session, const struct stream *stream,
                                uint64_t id);
/* The one whose setting that request of the stream asks for, or NULL. */
struct client_watch *watch_find_sent(const struct client_session *session,
                                     const struct stream *stream, uint64_t request);

/* ---- backlog.c (S14) ---- */

/* NULL: no memory. */
struct client_watch_item *backlog_item(struct client_watch *watch, enum coord_watch_item_kind kind);

/* Its bytes, which may have grown, are counted. */
void backlog_count(struct client_session *session, struct client_watch_item *item);

/* It is counted and will be told, behind SET. */
void backlog_tell(struct client_session *session, struct client_watch_item *item);

/* Whether that many bytes more may wait for it. */
bool backlog_fits(const struct client_session *session, const struct client_watch *watch,
                  size_t bytes);

/*
 * They may not: it is told LAGGED, from where all was told, which is not above `limit`. Before its
 * first answer this waits for that one. False: no memory; the stream must end.
 */
CD_MUST_USE bool backlog_lag(struct client_session *session, struct client_watch *watch,
                             uint64_t limit);

/* SET was told: what came before it. */
void backlog_tell_early(struct client_session *session, struct client_watch *watch);
void backlog_drop_early(struct client_session *session, struct client_watch *watch);

/* The events of a zxid that may go on. */
void backlog_drop_pending(struct client_session *session, struct client_watch *watch);

/* All that waits for it. */
void backlog_forget(struct client_session *session, struct client_watch *watch);

/* ---- watches.c (S13) ---- */

/* Those of a stream that is gone, or left, are to be set again. */
void watches_lose_stream(struct client_session *session, const struct stream *stream);

/* All end with that code. */
void watches_end(struct client_session *session, enum coord_code code, const char *why);

/* Those that were never set. */
void watches_refuse_new(struct client_session *session, enum coord_code code, const char *why);

/* The watch has no more than its last item. */
void watch_end(struct client_session *session, struct client_watch *watch, enum coord_code code,
               const char *format, ...) CD_PRINTF(4, 5);

/* The replica at hand, if it knows the watch, will be told to forget it. */
void watch_say_farewell(struct client_session *session, struct client_watch *watch);
/* The first of session->farewells was said, or is no longer needed. */
void watch_farewell_over(struct client_session *session);

/* Takes the answer to its request. False: no memory, or nonsense; the stream must end. */
CD_MUST_USE bool watch_answered(struct client_session *session, struct client_watch *watch,
                                struct client_item *item);

/* Its request was, or it will end: it is to be set again. */
void watch_refused(struct client_session *session, struct client_watch *watch);

/* Every event of it up to there was told. */
uint64_t watch_told_to(const struct client_session *session, struct client_watch *watch);

/* The write that makes its node was sent as `seq`, or is over. */
void watch_created(struct client_session *session, struct client_watch *watch, uint64_t seq);
void watch_create_ended(struct client_session *session, struct client_watch *watch,
                        const struct client_request *create);

/* EVENT, QUEUE_FRONT, LAGGED, RESYNC, BOOKMARK. False: no memory, or too much; the stream must end.
 */
CD_MUST_USE bool watches_take(struct client_session *session, const struct stream *stream,
                              const struct client_item *item);

/* What the active stream tells next has seen the state at `zxid`: the events up to there are
 * complete, and come first. False as above. */
CD_MUST_USE bool watches_tell_to(struct client_session *session, uint64_t zxid);

/* A frame of the active stream is over; false as above. */
CD_MUST_USE bool watches_frame_end(struct client_session *session, uint64_t complete_to, bool more);

#endif
