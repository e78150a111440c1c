#ifndef COORD_LIBCLIENT_CODEC_H
#define COORD_LIBCLIENT_CODEC_H

#include "base/assert.h"
#include "error.h"
#include "memory.h"
#include "request.h"

/*
 * Structs to the bytes of coord.v1 and back; codec*.c are the only files of the library that know
 * protobuf-c. Bytes from a replica are never trusted: what does not decode gets COORD_MALFORMED.
 * Thread: any.
 */

/* What is owned by whoever gets it; freed with client_free(data). */
struct client_bytes {
    uint8_t *data;
    size_t count;
};

enum { CLIENT_SECRET_BYTES = 16, CLIENT_SECRET_HASH_BYTES = 32 };

/* ---- What goes out ---- */

/*
 * `op` as a coord.v1.Request without an id in request->bytes, which become the caller's; is_write
 * and kind are set too. `call` may be NULL.
 * Returns: COORD_OK; COORD_INVALID_ARGUMENT, COORD_TOO_LARGE, COORD_TOO_MANY, COORD_NO_MEMORY.
 */
CD_MUST_USE enum coord_code client_codec_request_encode(struct client_request *request,
                                                        const struct client_op *op,
                                                        const struct coord_call_options *call,
                                                        struct coord_error *error);

/* What a request is sent with; 0 is left out. */
struct client_address {
    uint64_t id, seq, after_seq;
    enum coord_level level; /* of a read, as the next two */
    uint64_t at_least_zxid; /* not 0 for COORD_AT_LEAST, and only then */
    uint32_t wait_ms;       /* how long the replica may let it wait */
};

/*
 * Writes it behind an encoded request, in place of what was written before; returns how many bytes
 * the request has now. Needed once before it is sent.
 */
size_t client_codec_address(uint8_t *bytes, size_t tail_offset,
                            const struct client_address *address);

/*
 * The request that sets a watch, or removes it, addressed.
 * created_path: of a queue-front watch that has no path of its own; NULL: it names the node by
 *               `created_seq` and spec.op_index.
 * Returns: COORD_OK, COORD_NO_MEMORY.
 */
struct client_watch;
CD_MUST_USE enum coord_code client_codec_watch_encode(const struct client_watch *watch,
                                                      const struct client_address *address,
                                                      struct client_bytes *ret_bytes);
CD_MUST_USE enum coord_code client_codec_unwatch_encode(uint64_t watch_id,
                                                        const struct client_address *address,
                                                        struct client_bytes *ret_bytes);

/* Upper bounds of what a frame takes beside the bytes of its requests, alone and for each. */
enum { CLIENT_FRAME_HEAD_BYTES = 32, CLIENT_FRAME_REQUEST_BYTES = 8 };

/* What a client tells of itself at the beginning of a stream. */
struct client_hello {
    bool has_cluster;
    uint8_t cluster_id[COORD_CLUSTER_ID_BYTES];
    uint32_t generation;
    uint64_t last_seen_zxid;
    const char *client;          /* borrowed, as the bytes below */
    const uint8_t *secret_hash;  /* to open a session: 32 bytes; or NULL */
    uint32_t timeout_ms;         /* likewise */
    uint64_t session_id, attach; /* to go on with one, or 0 */
    const uint8_t *secret;       /* likewise: 16 bytes */
};

/* A ClientFrame. All is borrowed; `hello` may be NULL. */
struct client_frame_out {
    uint64_t number;
    const struct client_hello *hello;
    const struct client_bytes *requests;
    size_t requests_count;
    uint64_t reply_mark;
    bool rearm_done;
};

/* Returns: COORD_OK, COORD_NO_MEMORY. */
CD_MUST_USE enum coord_code client_codec_frame_encode(const struct client_frame_out *frame,
                                                      struct client_bytes *ret_bytes);

/* ---- What comes in ---- */

/* Of coord.v1.Limits, what the library keeps to; 0: none was announced. */
struct client_limits {
    uint32_t frame_bytes, frame_requests;
    uint32_t unacked_writes, kept_reply_bytes, waiting_reads;
};

struct client_welcome {
    enum coord_code code;
    const char *message;
    bool has_cluster;
    uint8_t cluster_id[COORD_CLUSTER_ID_BYTES];
    uint32_t generation;
    struct client_limits limits;
    uint64_t session_id, attach; /* 0 without a session */
    uint32_t timeout_ms;
};

enum client_item_kind {
    CLIENT_ITEM_REPLY,
    CLIENT_ITEM_NO_LEADER,
    CLIENT_ITEM_GO_AWAY,
    CLIENT_ITEM_EVENT,
    CLIENT_ITEM_QUEUE_FRONT,
    CLIENT_ITEM_LAGGED,
    CLIENT_ITEM_RESYNC,
    CLIENT_ITEM_BOOKMARK,
};

/* What became of a write: the reply as it would have been given. */
struct client_outcome {
    enum coord_code code;
    const char *message;
    bool malformed;
    uint32_t failed_index;
    struct coord_result *result; /* owned by the frame until taken; may be NULL */
};

struct client_item {
    enum client_item_kind kind;
    uint64_t id; /* REPLY, as all down to outcome but code and message */
    enum coord_code code;
    const char *message;
    uint64_t zxid;         /* also EVENT, QUEUE_FRONT, BOOKMARK; of LAGGED and RESYNC theirs */
    size_t bytes;          /* that the reply takes */
    bool malformed;        /* the result could not be understood */
    uint32_t failed_index; /* of a transaction that was refused, else COORD_NO_INDEX */
    struct coord_result *result;    /* owned by the frame until taken (set to NULL); may be NULL */
    struct client_outcome *outcome; /* of OUTCOME_OF, or NULL */
    const char *const *endpoints;   /* GO_AWAY: to be tried first */
    size_t endpoints_count;
    struct coord_event event;  /* EVENT */
    const uint64_t *watch_ids; /* EVENT, LAGGED, RESYNC, QUEUE_FRONT */
    size_t watch_ids_count;
    enum coord_queue_state queue_state; /* QUEUE_FRONT, as those below */
    uint64_t fence;
    const char *path;
};

/* Texts and events live as long as the frame. Items that this version does not know are left out.
 */
struct client_frame {
    struct client_arena arena;
    const struct client_welcome *welcome; /* NULL: none */
    struct client_item *items;
    size_t items_count;
    uint64_t confirmed, complete_to;
    bool more;
};

/*
 * Decodes a ServerFrame. `bytes` are borrowed for the call. On COORD_OK the frame is released with
 * client_codec_frame_release; else it holds nothing.
 * Returns: COORD_OK, COORD_MALFORMED, COORD_NO_MEMORY.
 */
CD_MUST_USE enum coord_code client_codec_frame_decode(const void *bytes, size_t count,
                                                      struct client_frame *ret_frame,
                                                      struct coord_error *error);
void client_codec_frame_release(struct client_frame *frame);

/* ---- Admin ---- */

/* Each encodes one request. Returns: COORD_OK, COORD_NO_MEMORY. */
CD_MUST_USE enum coord_code client_codec_init_encode(struct client_bytes *ret_bytes);
CD_MUST_USE enum coord_code client_codec_status_encode(struct client_bytes *ret_bytes);
CD_MUST_USE enum coord_code client_codec_transfer_encode(uint32_t node_id,
                                                         struct client_bytes *ret_bytes);
CD_MUST_USE enum coord_code client_codec_sessions_encode(uint64_t session_id, uint32_t limit,
                                                         const struct coord_sessions *previous,
                                                         struct client_bytes *ret_bytes);

/*
 * Each decodes one answer. Returns: COORD_OK; the replica's code with its sentence;
 * COORD_MALFORMED, COORD_NO_MEMORY. Outputs as in client.h; none may be NULL.
 */
CD_MUST_USE enum coord_code client_codec_init_decode(const void *bytes, size_t count,
                                                     uint8_t *ret_cluster_id,
                                                     struct coord_error *error);
CD_MUST_USE enum coord_code client_codec_status_decode(const void *bytes, size_t count,
                                                       struct coord_status **ret_status,
                                                       struct coord_error *error);
CD_MUST_USE enum coord_code client_codec_transfer_decode(const void *bytes, size_t count,
                                                         uint32_t *ret_leader_id,
                                                         struct coord_error *error);
CD_MUST_USE enum coord_code client_codec_sessions_decode(const void *bytes, size_t count,
                                                         struct coord_sessions **ret_sessions,
                                                         struct coord_error *error);

#endif
