#ifndef COORD_TESTS_CLIENT_REPLICA_H
#define COORD_TESTS_CLIENT_REPLICA_H

#include "src/session.h"

#include "base/prng.h"
#include "coord/v1/coord.pb-c.h"

/*
 * A cluster as the contract has it, in the fewest words: one state that every stream works on at
 * once, sessions with kept replies and tombstones, and watches with a history. It refuses, drops,
 * cuts and lags at random wherever the contract allows it. Every write that is applied makes one
 * zxid with two events. A write is known by its tag, which is in its data.
 */

enum {
    MODEL_STREAMS_MAX = 4000,
    MODEL_SESSIONS_MAX = 200,
    MODEL_SEQS_MAX = 600,
    MODEL_TAGS_MAX = 600,
    MODEL_ZXIDS_MAX = 4000,
    MODEL_WATCHES_MAX = 8,
    MODEL_QUEUE_MAX = 256,
    MODEL_TIMEOUT_MS = 6000,
};

struct model_session {
    uint64_t id, attach, last_seq, mark, renewed_ms, zxids[MODEL_SEQS_MAX];
    uint32_t tags[MODEL_SEQS_MAX];
    uint8_t secret;
    bool ended, expired;
};

struct model_watch {
    uint64_t id, next; /* events above `next` were not told; id 0: none */
    bool resync;       /* the history does not reach back to `next` */
};

struct model_stream {
    bool open;     /* as the client sees it */
    bool finished; /* as the cluster sees it */
    bool broken;   /* its client does not hear any more; what it sent may still arrive */
    bool welcomed, holds;
    uint64_t frames, attach;
    struct model_session *session;
    struct model_watch watches[MODEL_WATCHES_MAX];
    Coord__V1__ClientFrame *in[MODEL_QUEUE_MAX]; /* owned: sent and not arrived */
    size_t in_count;
    struct client_bytes out[MODEL_QUEUE_MAX]; /* owned: said and not delivered */
    size_t out_count;
    uint64_t reply_ids[MODEL_QUEUE_MAX]; /* answered when it no longer holds: watches alone */
    uint64_t reply_zxids[MODEL_QUEUE_MAX];
    size_t replies_count;
    struct client_bytes held[MODEL_QUEUE_MAX]; /* owned: replies that wait for rearm_done */
    size_t held_count;
    uint64_t confirmed;
};

struct model {
    struct cd_prng prng;
    uint64_t now_ms;
    uint64_t zxid, history_after;
    bool has_events[MODEL_ZXIDS_MAX];
    uint64_t applied[MODEL_TAGS_MAX]; /* the zxid that the tag's write made; 0: none */
    bool kind;                        /* refuses, lags and cuts nothing any more */
    struct model_session sessions[MODEL_SESSIONS_MAX];
    size_t sessions_count;
    struct model_stream streams[MODEL_STREAMS_MAX];
    /* How often it came to that. */
    size_t resumes, repeats, busy, resyncs, lagged, cut, outcomes;
};

void model_init(struct model *model, uint64_t seed);
void model_release(struct model *model);

/* A frame of the client's is on its way. */
void model_send(struct model *model, uint64_t stream, struct client_bytes frame);
/* The next one arrives; false: there is none. */
bool model_arrive(struct model *model, uint64_t stream);
/* Puts into frames what the cluster has to say on the stream. */
void model_speak(struct model *model, uint64_t stream);
/* The next frame for the client, to be freed; false: there is none. */
bool model_take(struct model *model, uint64_t stream, struct client_bytes *ret_frame);
/* The stream is gone for the client; what it sent arrives later, or never. */
void model_break(struct model *model, uint64_t stream);

/* A session whose timeout is over, which ends with that; or NULL. */
struct model_session *model_expire(struct model *model);

#endif
