#ifndef COORD_TRANSPORT_TRANSPORT_H
#define COORD_TRANSPORT_TRANSPORT_H

#include "base/blob.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Everything gRPC on the server's side: the client listener (sessions, single calls, admin), the
 * peer listener, the outgoing peer links, mutual TLS, bounded queues. It carries bytes with the
 * certificate identity of whoever sent them and knows nothing of what is in them.
 *
 * Invariants:
 *   T1 No one without a certificate of our CA, an identity and TLS 1.3 gets a byte to the loop.
 *   T2 Every queue has a limit in bytes or number. A full inbound queue stops reading (HTTP/2 flow
 *      control reaches the client); a full outbound queue ends that stream alone with a status
 *      that says so; a full peer queue drops frames.
 *   T3 The items of a stream arrive in this order: opened, frames as sent, at most one ended,
 *      exactly one closed. Frames given to transport_stream_send leave in that order.
 *   T4 A peer's frames come under the node whose configured identity its certificate has.
 *   T5 What peers sent and what became of their links is handed out before all that clients did and
 *      before the log's lines, in its own order: a flood of clients does not delay consensus.
 *
 * Threading: one thread inside (the completion-queue thread) owns every gRPC object. All functions
 * here are for the loop thread, all handler functions run on the loop thread inside transport_poll,
 * and only `wake` runs on another thread. The two exchange messages through bounded queues.
 *
 * Order in a process: crypto_init, transport_create (binds the ports), transport_start, then in
 * every turn of the loop transport_poll first and transport_flush last; to stop: transport_drain,
 * then transport_open_count until it is 0 or patience ends, then transport_free.
 */

struct transport;

/* gRPC's status numbers, as far as this server says them. */
enum transport_code {
    TRANSPORT_OK = 0,
    TRANSPORT_CANCELLED = 1,
    TRANSPORT_UNKNOWN = 2,
    TRANSPORT_INVALID_ARGUMENT = 3,
    TRANSPORT_DEADLINE_EXCEEDED = 4,
    TRANSPORT_NOT_FOUND = 5,
    TRANSPORT_ALREADY_EXISTS = 6,
    TRANSPORT_PERMISSION_DENIED = 7,
    TRANSPORT_RESOURCE_EXHAUSTED = 8,
    TRANSPORT_FAILED_PRECONDITION = 9,
    TRANSPORT_ABORTED = 10,
    TRANSPORT_OUT_OF_RANGE = 11,
    TRANSPORT_UNIMPLEMENTED = 12,
    TRANSPORT_INTERNAL = 13,
    TRANSPORT_UNAVAILABLE = 14,
    TRANSPORT_DATA_LOSS = 15,
    TRANSPORT_UNAUTHENTICATED = 16,
};

enum transport_log_level {
    TRANSPORT_LOG_DEBUG,
    TRANSPORT_LOG_INFO,
    TRANSPORT_LOG_WARNING,
    TRANSPORT_LOG_ERROR,
};

#define TRANSPORT_NO_DEADLINE     UINT64_MAX
#define TRANSPORT_SENT_WAKE_BYTES (16u * 1024u)

/* One unary call of a client. All pointers are valid until the handler function returns. */
struct transport_call {
    uint64_t id;             /* for transport_call_reply, exactly once */
    const char *method;      /* "/coord.v1.Coordination/Call", "/coord.v1.Admin/Status" */
    const char *identity;    /* "SCHEME:NAME", see base/identity.h */
    const char *from;        /* "ipv4:127.0.0.1:40112" */
    uint64_t timeout_ms;     /* what is left of the client's deadline, or TRANSPORT_NO_DEADLINE */
    struct cd_blob *request; /* borrowed; take a reference to keep it */
};

/*
 * What transport_poll calls, all on the loop thread. A handler function may call anything in this
 * header except transport_poll and transport_free. None may be NULL.
 */
struct transport_handler {
    /*
     * A client opened a stream: "/coord.v1.Coordination/Session", Watch of grpc.health.v1, or
     * server reflection (v1 or v1alpha). `method`, `identity` and `from` are valid until
     * stream_closed has returned. Stream ids are never reused and never 0.
     */
    void (*stream_opened)(void *context, uint64_t stream, const char *method, const char *identity,
                          const char *from);
    /* One gRPC message of it. `frame` is borrowed: take a reference to keep it. */
    void (*stream_frame)(void *context, uint64_t stream, struct cd_blob *frame);
    /*
     * `bytes` (> 0) of the frames given to transport_stream_send since the last time were taken by
     * HTTP/2's flow control; their 128 bytes of overhead each are not in it. One call a stream and
     * turn; less than TRANSPORT_SENT_WAKE_BYTES do not wake the loop for themselves. Frames that
     * are dropped because the stream ends are never told.
     */
    void (*stream_sent)(void *context, uint64_t stream, uint64_t bytes);
    /* The client sends no more but still reads: answer what is open, then transport_stream_close.
     */
    void (*stream_ended)(void *context, uint64_t stream);
    /*
     * The stream is gone (the client left, its connection broke, it was cut off, or a
     * transport_stream_close is done). Comes exactly once for every stream_opened.
     */
    void (*stream_closed)(void *context, uint64_t stream);

    /* A unary call; it holds a place (calls_max) until transport_call_reply. */
    void (*call)(void *context, const struct transport_call *call);

    /*
     * Our outgoing link to `node` stands: `node` accepted our identity and we checked its own. The
     * next transport_peer_send is the first frame of a new stream.
     */
    void (*peer_up)(void *context, uint32_t node);
    /* It broke; frames that were waiting are lost. It is dialled again without being asked. */
    void (*peer_down)(void *context, uint32_t node);
    /*
     * A frame from `node`, on its own link to us. `link` grows with every new stream from that
     * node, so that a first frame is recognised; frames of an older one never follow. Borrowed.
     */
    void (*peer_frame)(void *context, uint32_t node, uint64_t link, struct cd_blob *frame);

    /*
     * Something an operator may want to read. `event` is a fixed word ("tls_handshake_failed",
     * "peer_refused", ...: the list is in transport/README.md), `text` one line. What strangers can
     * provoke comes at most once a second per event, with a count of what was left out.
     */
    void (*log)(void *context, enum transport_log_level level, const char *event, const char *text);
};

/* A replica that may be a peer. An entry with our own node id is left out, so that one list serves
 * all. */
struct transport_peer {
    uint32_t node;        /* > 0 */
    const char *address;  /* "coordd-1.example:7421"; resolved anew at every dial */
    const char *identity; /* its certificate's, as cd_identity_matches takes it: "dns:one", "one" */
};

/* PEM texts that passed crypto_credentials_load. Copied by whoever gets them. */
struct transport_certificates {
    const char *ca_pem;
    const char *cert_pem;
    const char *key_pem;
};

/* Every one > 0. transport_config_init sets the values in brackets. */
struct transport_limits {
    uint32_t frame_bytes_max; /* one received message; more ends that stream [4 MiB + 64 KiB] */
    uint32_t streams_max;     /* clients' streams at a time [10000] */
    uint32_t calls_max;       /* unary calls without a reply at a time [4096] */
    uint32_t
        stream_in_bytes_max; /* of one stream waiting for the loop; then reading stops [1 MiB] */
    uint64_t in_bytes_max;   /* of all together waiting for the loop; likewise [64 MiB] */
    uint32_t stream_out_bytes_mark; /* waiting for one client; above it reading stops [1 MiB] */
    uint32_t stream_out_bytes_max;  /* above it that stream is cut off [16 MiB] */
    uint64_t out_bytes_max; /* of all; above it a stream over its mark is cut off [256 MiB] */
    /*
     * What gRPC itself may hold for all clients: messages that have not arrived whole (it compares
     * with frame_bytes_max only then), connections. Above it gRPC ends streams, not of necessity
     * the guilty ones: the last resort against a client that announces 4 GiB. [512 MiB]
     */
    uint64_t client_memory_bytes_max;
    uint32_t peer_out_bytes_max; /* waiting for one peer; above it frames are dropped [32 MiB] */
    uint32_t close_grace_ms;     /* a closing stream has that long to take its last bytes [10 s] */
    uint32_t handshake_timeout_ms; /* [10 s] */
    uint32_t client_keepalive_ms;  /* a silent client connection is probed, then dropped [10 s] */
    uint32_t
        client_ping_ms_min; /* a client that probes faster gets GOAWAY too_many_pings [500 ms] */
    uint32_t peer_keepalive_ms; /* the same for peer connections, each half [1 s] */
    uint32_t dial_timeout_ms;   /* resolve, connect, TLS and acceptance by the peer [5 s] */
    uint32_t redial_ms_min;     /* pause before a dial: jittered, doubling [50 ms] */
    uint32_t redial_ms_max;     /* [2 s] */
};

struct transport_config {
    uint32_t node;              /* our own id, > 0 */
    const char *client_address; /* "0.0.0.0:7420"; port 0 picks one */
    const char *peer_address;   /* "0.0.0.0:7421" */
    const struct transport_peer *peers;
    size_t peers_count; /* at most TRANSPORT_PEERS_MAX, ids distinct */
    struct transport_certificates certificates;
    struct transport_limits limits;
    /*
     * Tells the loop that transport_poll has something. Runs on the completion-queue thread, at
     * most once between two calls of transport_poll; must not block.
     */
    void (*wake)(void *context);
    void *wake_context;
};

#define TRANSPORT_PEERS_MAX 64

/* Zeroes it and sets the limits' defaults. */
void transport_config_init(struct transport_config *config);

/*
 * Binds both ports; nothing is served and no peer is dialled before transport_start. Connections
 * that come in between wait. `config` and all it points to is borrowed for the call.
 *
 * Returns: CD_OK; CD_INVALID_ARGUMENT (a field of config, named); CD_IN_USE (a port is taken);
 * CD_IO (a port cannot be bound for another reason; TLS 1.2 could not be switched off, as after a
 * forgotten crypto_init).
 */
CD_MUST_USE enum cd_status transport_create(const struct transport_config *config,
                                            struct transport **ret_transport,
                                            struct cd_error *error);

/* The ports bound, for a configuration that said 0. */
uint16_t transport_client_port(const struct transport *transport);
uint16_t transport_peer_port(const struct transport *transport);

/* Starts to serve and to dial. Once. */
void transport_start(struct transport *transport);

/*
 * Hands at most `events_max` waiting events to `handler`, those of peers first (T5); returns true
 * if more wait (then poll again in the next turn; `wake` is not called for those).
 */
bool transport_poll(struct transport *transport, const struct transport_handler *handler,
                    void *context, uint32_t events_max);

/*
 * Gives all that the loop said since the last flush to the completion-queue thread, with one
 * wake-up. Nothing below takes effect before it. Cheap if there is nothing.
 */
void transport_flush(struct transport *transport);

/* ---- Streams ---- */

/*
 * Queues one message. The caller's reference of `frame` moves to the transport in every case.
 *
 * Returns: CD_OK; CD_CLOSED (the stream is closed or closing, `frame` is dropped); CD_FULL (more
 * than stream_out_bytes_max wait: the stream is cut off with RESOURCE_EXHAUSTED, "the client does
 * not read: N bytes waiting, limit M", `frame` is dropped, stream_closed follows).
 */
enum cd_status transport_stream_send(struct transport *transport, uint64_t stream,
                                     struct cd_blob *frame);

/* Bytes queued for it that gRPC has not taken yet; 0 for a stream that is gone. */
uint64_t transport_stream_waiting(const struct transport *transport, uint64_t stream);

/*
 * Ends it with a status behind the frames queued so far; the client has close_grace_ms to take
 * them. After it only stream_closed comes. `message` is copied, 1000 bytes at most are sent. Does
 * nothing for a stream that is closed or closing.
 */
void transport_stream_close(struct transport *transport, uint64_t stream, enum transport_code code,
                            const char *message);

/*
 * Stops or resumes reading from a stream (R10: too much of it is unanswered). Frames already queued
 * still come, at most stream_in_bytes_max and one message. Does nothing for a stream that is gone.
 */
void transport_stream_hold(struct transport *transport, uint64_t stream, bool hold);

/* ---- Unary calls ---- */

/*
 * Answers a call, exactly once. With TRANSPORT_OK `reply` is its message (its reference moves in
 * every case) and `message` is not used; with another code there is no message and `reply` may be
 * NULL. A call whose client has gone takes the answer and drops it.
 */
void transport_call_reply(struct transport *transport, uint64_t call, enum transport_code code,
                          const char *message, struct cd_blob *reply);

/* ---- Peers ---- */

/*
 * Queues one frame on our link to `node`; the reference of `frame` moves in every case. Returns
 * false if it was dropped: the link is down (peer_up not seen, or lost), `node` is not configured,
 * or peer_out_bytes_max would be passed. The newest frame is the one dropped, so that what arrives
 * is in order; consensus repeats what it misses. True promises no delivery.
 */
bool transport_peer_send(struct transport *transport, uint32_t node, struct cd_blob *frame);

/* Bytes queued for it that gRPC has not taken yet, to pace catch-up. */
uint64_t transport_peer_waiting(const struct transport *transport, uint32_t node);

/* ---- Certificates, counters, stopping ---- */

/*
 * From the next handshake on new certificates are used, on both listeners and at every dial; what
 * stands goes on. They must have passed crypto_credentials_load.
 */
void transport_set_certificates(struct transport *transport,
                                const struct transport_certificates *certificates);

/* Counters since transport_create, and gauges. A copy; the figures are not of one instant. */
struct transport_metrics {
    uint64_t streams_open;      /* gauge */
    uint64_t calls_open;        /* gauge */
    uint64_t in_bytes_waiting;  /* gauge: for the loop */
    uint64_t out_bytes_waiting; /* gauge: for clients */
    uint64_t streams_opened;
    uint64_t streams_refused; /* limit, draining, no identity */
    uint64_t streams_cut_off; /* did not read */
    uint64_t calls_received;
    uint64_t calls_refused;    /* limit, draining, no identity, unknown method */
    uint64_t client_frames_in; /* streams and calls */
    uint64_t client_bytes_in;
    uint64_t client_frames_out;
    uint64_t client_bytes_out;
    uint64_t reads_paused;  /* times reading from a stream stopped at a mark */
    uint64_t peer_links_up; /* gauge: outgoing */
    uint64_t peer_dials;
    uint64_t peer_dials_failed;
    uint64_t peer_reconnects; /* a link came up that had been up before */
    uint64_t peer_refused;    /* incoming streams with a wrong identity */
    uint64_t peer_frames_in;
    uint64_t peer_bytes_in;
    uint64_t peer_frames_out;
    uint64_t peer_bytes_out;
    uint64_t peer_frames_dropped;
    uint64_t handshakes_failed; /* of this process: gRPC does not say whose listener it was */
};
void transport_metrics_get(const struct transport *transport,
                           struct transport_metrics *ret_metrics);

/*
 * Closes the client listener and refuses new streams and calls with UNAVAILABLE; those that are
 * open go on, and so does everything between peers. Immediate (no flush needed). Not undone.
 */
void transport_drain(struct transport *transport);

/* Streams and calls of clients that are open, in the loop's eyes. */
uint64_t transport_open_count(const struct transport *transport);

/*
 * Cancels what is open, closes both listeners and all links, ends the thread, frees everything.
 * Blocks for it (milliseconds; all local). No event and no wake comes after it. Accepts NULL, and
 * one that was never started.
 */
void transport_free(struct transport *transport);

#endif
