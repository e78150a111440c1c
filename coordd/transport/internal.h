#ifndef COORD_TRANSPORT_INTERNAL_H
#define COORD_TRANSPORT_INTERNAL_H

#include "base/prng.h"
#include "transport/queue.h"
#include "transport/transport.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <pthread.h>
#include <stdatomic.h>

/*
 * What the files of this module share. "cq" is the completion-queue thread, "loop" the thread of
 * the users of transport.h. Every field says which of the two may touch it; "both" is atomic or
 * under the lock named.
 */

#define TRANSPORT_METHOD_LINK "/coord.peer.v1.Peer/Link"

/* Says on both sides of a peer link which node is speaking: decimal, in the initial metadata. */
#define TRANSPORT_NODE_KEY "coord-node"

#define TRANSPORT_METHOD_BYTES_MAX   256  /* a longer path is an unknown method */
#define TRANSPORT_MESSAGE_BYTES_MAX  1000 /* of a status message */
#define TRANSPORT_LOG_BYTES_MAX      512
#define TRANSPORT_LOG_ITEMS_MAX      256  /* waiting for the loop; more are counted and dropped */
#define TRANSPORT_FRAME_OVERHEAD     128  /* what a queued frame costs beside its bytes */
#define TRANSPORT_REQUESTS           32   /* call requests kept posted, each listener */
#define TRANSPORT_EVENTS_PER_DRAIN   64   /* then what they caused is flushed */
#define TRANSPORT_WAIT_MS_MAX        1000 /* of one wait for events */
#define TRANSPORT_CONNECTION_IDLE_MS 600000
#define TRANSPORT_PEER_PING_MS_MIN   100 /* between a peer's probes */
#define TRANSPORT_PING_STRIKES_MAX   2   /* probes that come too fast, before the connection ends */

/*
 * One thing that gRPC is doing for us; its address is the completion-queue tag. `done` runs on cq.
 */
struct tag {
    void (*done)(void *owner, bool ok);
    void *owner;
};

enum stream_kind {
    STREAM_SESSION, /* any stream of a client's: Session, Watch of health, reflection */
    STREAM_CALL,
    STREAM_PEER,
    STREAM_REFUSED, /* gets its status and is gone; the loop never hears of it */
};

/*
 * A call that somebody made to one of our listeners. It has a reference for cq until gRPC is done
 * with it, one for the loop's table, and one for each item that names it.
 */
struct stream {
    _Atomic uint32_t refs;
    struct transport *transport;
    enum stream_kind kind; /* constant */
    char *identity;        /* constant; owned */
    char *from;            /* constant; owned */
    char *method;          /* constant; owned */
    uint64_t deadline_ms;  /* constant; on now_ms's clock, or TRANSPORT_NO_DEADLINE */
    uint32_t node;         /* constant; of a peer */
    uint64_t number;       /* constant; of a peer's stream, grows */

    /* cq */
    struct stream *next, *prev; /* in transport.streams */
    grpc_call *call;
    struct tag received_tag, sent_tag, opened_tag, ended_tag, over_tag;
    uint32_t pending; /* tags outstanding */
    bool receiving, sending, reading_ended, status_sent;
    bool over;       /* RECV_CLOSE came: nothing more can be sent or received */
    bool delivered;  /* CALL: the loop has it and owes a reply */
    bool superseded; /* PEER: a newer stream of the same node took its place */
    int cancelled;   /* filled by gRPC with over_tag */
    grpc_byte_buffer *received_bytes, *sending_bytes;
    uint64_t sending_cost, sending_payload;
    struct queue out;   /* frames waiting to be sent */
    bool closing;       /* a status follows them */
    struct item *close; /* owned; the CLOSE or REPLY item with status and message */
    struct stream *closing_next, *closing_prev;
    uint64_t closing_until_ms;
    bool in_closing;
    struct stream *paused_next, *paused_prev;
    bool in_paused;
    struct stream *dirty_next;
    bool in_dirty;

    /* both */
    _Atomic uint64_t in_bytes;   /* cost of its frames in the inbox */
    _Atomic uint64_t out_bytes;  /* cost of its frames not yet taken by gRPC */
    _Atomic uint64_t sent_bytes; /* payload that gRPC took and the loop was not told of */
    _Atomic bool hold;           /* the loop wants no more for now */

    /* loop */
    uint64_t id;
    bool announced;    /* its opening was told */
    bool loop_closing; /* the loop closed it, or it was cut off: only its end is told */
};

enum link_state {
    LINK_IDLE,    /* no call; dials at `due_ms` */
    LINK_DIALING, /* the call exists; given up at `due_ms` */
    LINK_UP,      /* the peer answered with its node id */
    LINK_ENDING,  /* the call is over or cancelled; waits for its last tags */
};

/* Our outgoing link to one peer. Lives as long as the transport. */
struct link {
    struct transport *transport;
    uint32_t node;  /* constant */
    char *address;  /* constant; owned */
    char *identity; /* constant; owned */

    /* cq */
    enum link_state state;
    grpc_channel *channel;
    grpc_call *call;
    struct tag opened_tag, answered_tag, sent_tag, over_tag;
    uint32_t pending;
    bool sending, over, timed_out;
    uint32_t other_node; /* who answered in its place, or 0 */
    grpc_byte_buffer *sending_bytes;
    uint64_t sending_cost;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice details;
    struct queue out;
    uint64_t due_ms;
    uint64_t up_since_ms;
    uint32_t backoff_ms;
    uint64_t epoch; /* of the stream that is up, or the last one */
    bool was_up;    /* ever */
    char *told;     /* owned; the last failure that was logged */
    uint64_t told_ms;

    /* both */
    _Atomic uint64_t out_bytes;

    /* loop */
    bool loop_up;
    uint64_t loop_epoch;
};

/* One listener. cq, but for creation. */
struct service {
    struct transport *transport;
    bool is_peer; /* constant */
    grpc_server *server;
    int port; /* constant */
    struct tag stopped_tag;
    bool started, stopping, stopped;
    uint32_t requests_posted;
    uint64_t certificates_version; /* last one handed to gRPC; under certificates_lock */
};

/* A slot of the loop's table from ids to streams. */
struct handle {
    struct stream *stream; /* a reference; NULL if free */
    uint32_t generation;
    uint32_t next_free; /* index + 1 of the next free slot; 0 ends the list */
};

/* What the log says at most once a second, because strangers can provoke it. */
enum report_kind {
    REPORT_TLS_HANDSHAKE_FAILED,
    REPORT_STREAM_REFUSED,
    REPORT_CALL_REFUSED,
    REPORT_STREAM_CUT_OFF,
    REPORT_PEER_REFUSED,
    REPORT_GRPC_ERROR,
    REPORT_COUNT,
};

struct report {
    uint64_t said_ms; /* when it was last said; 0 for never */
    uint64_t left_out;
    char last[TRANSPORT_LOG_BYTES_MAX]; /* of those left out */
};

/* Counters of struct transport_metrics that more than one thread reads. Relaxed. */
struct counters {
    _Atomic uint64_t streams_opened, streams_refused, streams_cut_off;
    _Atomic uint64_t calls_received, calls_refused;
    _Atomic uint64_t client_frames_in, client_bytes_in, client_frames_out, client_bytes_out;
    _Atomic uint64_t reads_paused;
    _Atomic uint64_t peer_links_up, peer_dials, peer_dials_failed, peer_reconnects, peer_refused;
    _Atomic uint64_t peer_frames_in, peer_bytes_in, peer_frames_out, peer_bytes_out;
    _Atomic uint64_t peer_frames_dropped, handshakes_failed;
};

struct transport {
    uint32_t node;                  /* constant */
    struct transport_limits limits; /* constant */
    void (*wake)(void *context);    /* constant */
    void *wake_context;             /* constant */
    pthread_t thread;
    bool running; /* loop: the thread exists */

    struct service client, peer;
    grpc_completion_queue *cq;
    grpc_channel *wake_channel; /* constant; a lame channel whose call can post tags at any time */
    grpc_call *wake_call;       /* constant */
    struct tag wake_tag;
    struct counters counters;

    /* cq */
    struct inbox news; /* items of this drain, not yet published */
    bool news_urgent;  /* and the loop has to be woken for them */
    struct stream *streams;
    struct stream *closing_first, *closing_last; /* in the order of closing_until_ms */
    struct stream *paused;
    struct stream *dirty; /* have something to send since the last flush */
    struct link *links;   /* owned array */
    size_t links_count;
    struct stream *
        *incoming; /* owned array beside links: the newest stream of each peer, or NULL */
    uint64_t next_number;
    struct cd_prng prng;
    struct report reports[REPORT_COUNT];
    bool stop_begun;

    /* both, under lock */
    pthread_mutex_t lock;
    struct inbox inbox;  /* for the loop */
    struct queue outbox; /* for cq */
    bool loop_woken;     /* wake was called and the loop has not polled since */
    bool cq_woken;       /* the wake tag was posted and cq has not taken the outbox since */
    bool stop;           /* transport_free began */

    /* both, under certificates_lock */
    pthread_mutex_t certificates_lock;
    char *ca_pem, *cert_pem, *key_pem; /* owned */
    uint64_t certificates_version;

    /* both, under log_lock: what gRPC said, see report.c */
    pthread_mutex_t log_lock;
    struct report heard[2]; /* handshakes, everything else; said_ms is not used */

    /* both, atomic */
    _Atomic uint64_t in_bytes, out_bytes; /* costs over all client streams and calls */
    _Atomic uint64_t streams_open;        /* from acceptance to the loop's end of it */
    _Atomic uint64_t calls_open;          /* from acceptance to the loop's reply */
    _Atomic uint32_t paused_count;
    _Atomic uint32_t log_items;
    _Atomic bool draining;

    /* loop */
    struct inbox arrived; /* taken from the inbox, not yet handed out */
    struct queue said;    /* for the next flush */
    bool review;          /* something was consumed or released: paused streams may go on */
    struct handle *handles;
    uint32_t handles_count; /* slots allocated */
    uint32_t handles_free;  /* index + 1 of the first free one, or 0 */
};

/* Milliseconds of a monotonic clock. Thread: any. */
uint64_t now_ms(void);

/* ---- bytes.c; any thread ---- */

/* A gRPC message that borrows the blob's bytes and holds a reference until gRPC is done. */
grpc_byte_buffer *bytes_of_blob(struct cd_blob *blob);
/* Copies a received message out; NULL if it does not decode. The caller destroys `buffer`. */
struct cd_blob *bytes_to_blob(grpc_byte_buffer *buffer);
char *bytes_to_text(grpc_slice slice);
/* The node id in `metadata`, or 0. */
uint32_t bytes_node_of(const grpc_metadata_array *metadata);

/* ---- credentials.c; cq ---- */

grpc_server_credentials *credentials_for_service(struct service *service);
/* For one dial: trusts only our CA and only the peer whose certificate has `identity`. */
grpc_channel_credentials *credentials_for_dial(struct transport *transport, const char *identity);
/* The identity of the caller, owned by the caller of this function; NULL with `error` filled. */
char *credentials_identity(grpc_call *call, struct cd_error *error);

/* ---- report.c; cq ---- */

void report_start(struct transport *transport);
void report_stop(struct transport *transport);
/* Always said. */
void report_say(struct transport *transport, enum transport_log_level level, const char *event,
                const char *format, ...) CD_PRINTF(4, 5);
/* At most once a second. */
void report_limited(struct transport *transport, enum report_kind kind, const char *format, ...)
    CD_PRINTF(3, 4);
/* Says what gRPC told us and what was left out and is due; returns when it wants to run again. */
uint64_t report_due(struct transport *transport, uint64_t now);

/* ---- service.c; cq ---- */

CD_MUST_USE enum cd_status service_bind(struct service *service, const char *address,
                                        const char *field, struct cd_error *error);
void service_start(struct service *service);
void service_stop(struct service *service);

/* ---- stream.c ---- */

/* Takes over `call`. cq. */
struct stream *stream_create(struct transport *transport, enum stream_kind kind, grpc_call *call);
void stream_begin(struct stream *stream);
/* Ends a stream that the loop never hears of. */
void stream_refuse(struct stream *stream, enum transport_code code, const char *message);
void stream_cancel(struct stream *stream, enum transport_code code, const char *message);
/* What the loop said; each takes the item over. */
void stream_take_frame(struct stream *stream, struct item *item); /* SEND */
void stream_take_cut(struct stream *stream, struct item *item);   /* CUT */
void stream_take_close(struct stream *stream, struct item *item); /* CLOSE, REPLY */
void stream_pump_dirty(struct transport *transport);
void stream_review_paused(struct transport *transport);
/* Cancels what did not end in time; returns when it wants to run again. */
uint64_t stream_due(struct transport *transport, uint64_t now);
void stream_ref(struct stream *stream);   /* any thread */
void stream_unref(struct stream *stream); /* any thread */

/* ---- link.c; cq ---- */

void link_init(struct link *link, struct transport *transport, const struct transport_peer *peer);
void link_release(struct link *link);
struct link *link_find(struct transport *transport, uint32_t node); /* any thread: constant table */
void link_take(struct link *link, struct item *item);               /* PEER_SEND */
void link_pump_all(struct transport *transport);
void link_stop(struct link *link);
/* Dials and gives up; returns when it wants to run again. */
uint64_t link_due(struct link *link, uint64_t now);

/* ---- transport.c ---- */

/* Queues an item for the loop; published at the end of the drain. cq. */
void transport_tell(struct transport *transport, struct item *item);
/* The same, but it can wait until the loop turns anyway. cq. */
void transport_tell_later(struct transport *transport, struct item *item);
/* Starts a batch; `tag` comes back exactly once. cq. */
void transport_batch(grpc_call *call, const grpc_op *ops, size_t count, struct tag *tag);

/* ---- loop.c; loop ---- */

/* Frees what the loop's side holds. */
void loop_release(struct transport *transport);

#endif
