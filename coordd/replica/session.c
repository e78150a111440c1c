#include "replica/internal.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <string.h>

/*
 * Sessions on streams: what a hello opens or resumes and in which order what
 * a stream's frames ask for is taken.
 *
 *   NEW -> OPENING (its session is in the log) -> LIVE
 *       -> RESUMING (until this replica has applied what the session has seen) -> REARMING (until
 *          rearm_done) -> BEHIND (events that were missed are told) -> LIVE
 *       -> LIVE (without a session)
 *
 * A LIVE stream that is slow goes to BEHIND and back (watches.c).
 */

/* --- Welcome --- */

static void put_welcome(struct replica *r, struct replica_stream *stream, enum cd_status status,
                        const char *message)
{
    struct paxos_status paxos;
    replica_get_status(r, &paxos);
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    struct wire_welcome welcome = {
        .status = status,
        .message = message,
        .has_cluster = config != NULL,
        .generation = config != NULL ? config->generation : 0,
        .replica = r->node,
        .leader = paxos.leader,
        .server = REPLICA_SERVER_NAME,
        .identity = stream->identity,
        .session = stream->session,
        .attach = stream->attach,
        .timeout_ms = stream->timeout_ms,
    };
    if (config != NULL) {
        memcpy(welcome.cluster_id, config->cluster_id, sizeof(welcome.cluster_id));
    }
    struct fsm_session_view view;
    if (stream->session != 0 && fsm_session_find(r->fsm, stream->session, &view)) {
        welcome.last_seq = view.last_seq;
    }
    wire_limits_from_fsm(&welcome.limits, &r->limits, REPLICA_STREAM_WATCHES_MAX,
                         REPLICA_STREAM_READS_MAX);
    struct wire_server_head head = {.welcome = &welcome};
    enum cd_status put = wire_server_put_head(replica_stream_frame(r, stream), &head);
    CD_ASSERT(put == CD_OK);
    stream->head_due = true;
}

static void deal_with_frame(struct replica *r, struct replica_stream *stream, struct cd_blob *bytes,
                            struct wire_arena *arena);

/* Frames that came while the hello was not answered are dealt with now. */
static void take_parked(struct replica *r, struct replica_stream *stream)
{
    while (stream->parked_count > 0 && !stream->closing && !replica_hello_waits(stream)) {
        struct cd_blob *frame = stream->parked[0];
        stream->parked_count--;
        memmove(&stream->parked[0], &stream->parked[1],
                stream->parked_count * sizeof(stream->parked[0]));
        /* It may be let go while a peer's frame is dealt with, which has r->arena. */
        struct wire_arena arena;
        wire_arena_init(&arena, WIRE_ARENA_BYTES_MAX);
        deal_with_frame(r, stream, frame, &arena);
        wire_arena_release(&arena);
        cd_blob_unref(frame);
    }
}

static void welcome(struct replica *r, struct replica_stream *stream, enum replica_mode mode)
{
    stream->welcomed = true;
    stream->mode = mode;
    put_welcome(r, stream, CD_OK, NULL);
    replica_heartbeat(r, stream);
    take_parked(r, stream);
}

/* A later hello that is refused leaves the stream as it was. */
void replica_refuse_hello(struct replica *r, struct replica_stream *stream, enum cd_status status,
                          const char *message)
{
    put_welcome(r, stream, status, message);
    if (stream->welcomed) {
        stream->mode = stream->mode == REPLICA_OPENING ? REPLICA_LIVE : stream->mode;
        take_parked(r, stream);
    } else {
        replica_close_stream(r, stream, REPLICA_RPC_OK, "the welcome says why");
    }
}

bool replica_hello_waits(const struct replica_stream *stream)
{
    return stream->mode == REPLICA_OPENING || stream->mode == REPLICA_RESUMING;
}

void replica_drop_hello(struct replica *r, struct replica_stream *stream)
{
    for (size_t i = 0; i < stream->parked_count; i++) {
        cd_blob_unref(stream->parked[i]);
    }
    stream->parked_count = 0;
    if (stream->mode == REPLICA_RESUMING) {
        r->resuming_count--;
    }
}

/* --- Opening --- */

void replica_session_opened(struct replica *r, struct replica_stream *stream,
                            const struct fsm_result *result)
{
    if (stream == NULL || stream->closing) {
        return; /* an orphan, which will expire */
    }
    if (result->status != CD_OK) {
        replica_refuse_hello(r, stream, result->status, NULL);
        return;
    }
    replica_serve(r, stream, result->session_opened);
    stream->attach = 1;
    stream->timeout_ms = result->outcomes[0].timeout_ms;
    stream->next_seq = 1;
    welcome(r, stream, REPLICA_LIVE);
}

void replica_session_refused(struct replica *r, struct replica_stream *stream,
                             enum cd_status status)
{
    if (stream != NULL && !stream->closing) {
        replica_refuse_hello(r, stream, status, NULL);
    }
}

static void open(struct replica *r, struct replica_stream *stream, const struct wire_hello *hello)
{
    if (r->writes_count >= REPLICA_WRITES_MAX) {
        replica_refuse_hello(r, stream, CD_BUSY, NULL);
        return;
    }
    memcpy(stream->opening.secret_hash, hello->secret_hash, sizeof(stream->opening.secret_hash));
    stream->opening.timeout_ms = hello->timeout_ms;
    stream->mode = REPLICA_OPENING;
    replica_open_session(r, stream);
}

/* --- Resuming --- */

static bool same_who(const struct fsm_who *a, const struct fsm_who *b)
{
    return a->scheme == b->scheme && a->id.bytes == b->id.bytes &&
           memcmp(a->id.data, b->id.data, a->id.bytes) == 0;
}

static bool same_secret(const uint8_t secret[WIRE_SECRET_BYTES],
                        const uint8_t hash[FSM_SECRET_HASH_BYTES])
{
    uint8_t digest[FSM_SECRET_HASH_BYTES];
    crypto_sha256(secret, WIRE_SECRET_BYTES, digest);
    uint8_t differs = 0;
    for (size_t i = 0; i < sizeof(digest); i++) {
        differs |= digest[i] ^ hash[i]; /* in the same time wherever they differ */
    }
    return differs == 0;
}

bool replica_may_claim(const struct fsm_session_view *view, const struct fsm_who *who,
                       const uint8_t secret[WIRE_SECRET_BYTES])
{
    return same_who(&view->who, who) && same_secret(secret, view->secret_hash);
}

/* This replica has applied all that the session has seen, so what it knows of it is enough. */
static void resume_now(struct replica *r, struct replica_stream *stream)
{
    struct fsm_session_view view;
    uint64_t session = stream->resume_session;
    bool alive = fsm_session_find(r->fsm, session, &view);
    if (!alive && !fsm_session_find_ended(r->fsm, session, &view)) {
        replica_refuse_hello(r, stream, CD_SESSION_EXPIRED,
                             "there is no such session, or it ended long ago");
        return;
    }
    if (!replica_may_claim(&view, &stream->who, stream->resume_secret)) {
        replica_refuse_hello(
            r, stream, CD_SESSION_REFUSED,
            "a session is resumed with its secret, under the identity that opened it");
        return;
    }
    if (!alive) {
        replica_refuse_hello(r, stream, CD_SESSION_EXPIRED, "the session has ended");
        return;
    }
    struct replica_stream *other = replica_served_find(r, session);
    uint64_t newest = other != NULL && other->attach > view.attach ? other->attach : view.attach;
    if (stream->attach <= newest) {
        replica_refuse_hello(r, stream, CD_SESSION_MOVED,
                             "a newer stream of this session was seen");
        return;
    }
    if (other != NULL) {
        replica_stream_end_session(r, other, CD_SESSION_MOVED);
    }
    replica_serve(r, stream, session);
    stream->timeout_ms = view.timeout_ms;
    stream->next_seq = 0;
    stream->reply_mark = view.reply_mark;
    welcome(r, stream, REPLICA_REARMING);
}

static bool may_resume(const struct replica *r, const struct replica_stream *stream)
{
    uint64_t zxid = fsm_zxid(r->fsm);
    return zxid >= stream->seen_zxid && zxid >= stream->resume_session;
}

static void resume(struct replica *r, struct replica_stream *stream, const struct wire_hello *hello)
{
    stream->resume_session = hello->session;
    memcpy(stream->resume_secret, hello->secret, sizeof(stream->resume_secret));
    stream->attach = hello->attach;
    stream->hello_deadline_ms = env_now_ms(&r->env) + REPLICA_HELLO_MS;
    stream->mode = REPLICA_RESUMING;
    r->resuming_count++;
}

/* Those that may go on, and those that have waited long enough. */
void replica_settle_hellos(struct replica *r, uint64_t now_ms)
{
    struct replica_stream *stream;
    struct replica_stream *next;
    if (r->resuming_count == 0) {
        return;
    }
    HASH_ITER(hh, r->streams, stream, next)
    {
        if (stream->mode != REPLICA_RESUMING || stream->closing) {
            continue;
        }
        bool may = may_resume(r, stream);
        if (!may && now_ms < stream->hello_deadline_ms) {
            continue;
        }
        r->resuming_count--;
        stream->mode = REPLICA_NEW;
        if (may) {
            resume_now(r, stream);
        } else {
            replica_refuse_hello(r, stream, CD_BEHIND, NULL);
        }
        memset(stream->resume_secret, 0, sizeof(stream->resume_secret));
    }
}

/* --- Hello --- */

static enum cd_status judge_hello(const struct replica *r, const struct wire_hello *hello,
                                  const char **ret_message)
{
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config == NULL) {
        *ret_message = "this replica belongs to no cluster yet: run `coordctl init` on one replica";
        return CD_NOT_BORN;
    }
    if (r->fence.on) {
        *ret_message = replica_fence_text;
        return CD_BEHIND;
    }
    bool other = hello->has_cluster &&
                 memcmp(hello->cluster_id, config->cluster_id, sizeof(hello->cluster_id)) != 0;
    if (other || (hello->generation != 0 && hello->generation != config->generation) ||
        (hello->kind == WIRE_HELLO_RESUME &&
         fsm_zxid_generation(hello->session) != config->generation)) {
        *ret_message = other ? "this is another cluster than the client's"
                             : "this is another generation of the client's cluster: sessions of "
                               "an older one are over";
        return CD_WRONG_CLUSTER;
    }
    return CD_OK;
}

static void take_hello(struct replica *r, struct replica_stream *stream,
                       const struct wire_client_frame *frame)
{
    const char *message = NULL;
    enum cd_status status = CD_INVALID_ARGUMENT;
    const struct wire_hello *hello = frame->hello;
    if (hello != NULL) {
        status = judge_hello(r, hello, &message);
    } else if (frame->hello_refusal != NULL) {
        status = frame->hello_refusal->status;
        message = frame->hello_refusal->message;
    } else {
        message = "the first frame of a stream carries a hello";
    }
    if (status == CD_OK && r->stopping) {
        status = CD_SHUTTING_DOWN;
    } else if (status == CD_OK && hello->kind == WIRE_HELLO_OPEN &&
               stream->mode == REPLICA_BEHIND && stream->session == 0) {
        status = CD_BUSY; /* its client cannot know that */
        message = "this stream catches up with its events: open a session once it has";
    } else if (status == CD_OK && stream->welcomed &&
               (hello->kind != WIRE_HELLO_OPEN || stream->session != 0 ||
                stream->mode != REPLICA_LIVE)) {
        status = CD_INVALID_ARGUMENT;
        message = "a later hello opens a session on a stream that has none, and takes its events";
    }
    if (status != CD_OK) {
        replica_refuse_hello(r, stream, status, message);
        return;
    }
    stream->seen_zxid =
        hello->last_seen_zxid > stream->seen_zxid ? hello->last_seen_zxid : stream->seen_zxid;
    switch (hello->kind) {
    case WIRE_HELLO_PLAIN:
        welcome(r, stream, REPLICA_LIVE);
        break;
    case WIRE_HELLO_OPEN:
        open(r, stream, hello);
        break;
    case WIRE_HELLO_RESUME:
        resume(r, stream, hello);
        break;
    }
}

/* --- Requests --- */

void replica_take_request(struct replica *r, const struct replica_asker *asker,
                          struct replica_stream *stream, const char *identity,
                          struct wire_request *request)
{
    uint64_t session = stream != NULL ? stream->session : 0;
    if (r->fence.on) {
        replica_refuse(r, asker, CD_BEHIND, replica_fence_text);
    } else if (request->seq != 0 && session == 0) {
        replica_refuse(r, asker, CD_INVALID_ARGUMENT,
                       "seq: only a write of a session has one, and this stream has no session");
    } else if (request->kind == WIRE_REFUSED && request->seq != 0) {
        /* It has its place in the order (R11). */
        replica_write(r, asker, stream, identity, request);
    } else if (request->kind == WIRE_REFUSED) {
        replica_refuse(r, asker, request->refusal->status, request->refusal->message);
    } else if (r->stopping) {
        replica_refuse(r, asker, CD_SHUTTING_DOWN, NULL);
    } else if (request->kind == WIRE_WRITE && session != 0 && request->seq == 0) {
        replica_refuse(r, asker, CD_INVALID_ARGUMENT, "seq: a write of a session has one");
    } else if (request->kind == WIRE_WRITE) {
        replica_write(r, asker, stream, identity, request);
    } else {
        replica_read(r, asker, stream, identity, request);
    }
}

static void park(struct replica *r, struct replica_stream *stream, struct cd_blob *frame)
{
    if (stream->parked_count == REPLICA_PARKED_MAX) {
        replica_close_stream(r, stream, REPLICA_RPC_RESOURCE_EXHAUSTED,
                             "too many frames before the welcome: wait for it");
        return;
    }
    stream->parked[stream->parked_count++] = cd_blob_ref(frame);
}

static void take_frame(struct replica *r, struct replica_stream *stream,
                       struct wire_client_frame *frame)
{
    stream->frames = frame->number > stream->frames ? frame->number : stream->frames;
    if (!stream->welcomed || frame->hello != NULL || frame->hello_refusal != NULL) {
        take_hello(r, stream, frame);
    }
    if (frame->reply_mark > stream->reply_mark) {
        stream->reply_mark = frame->reply_mark;
        stream->again = stream->again || stream->window_full;
        r->again = r->again || stream->again;
    }
    replica_heartbeat(r, stream);
}

static void deal_with_frame(struct replica *r, struct replica_stream *stream, struct cd_blob *bytes,
                            struct wire_arena *arena)
{
    if (stream->closing || r->fatal) {
        return;
    }
    if (replica_hello_waits(stream)) {
        park(r, stream, bytes);
        return;
    }
    struct wire_client_frame frame;
    struct cd_error error = {0};
    enum cd_status status =
        wire_client_frame_decode(arena, bytes->data, bytes->bytes, &frame, &error);
    if (status != CD_OK) {
        replica_close_stream(r, stream, REPLICA_RPC_INVALID_ARGUMENT, error.message);
        return;
    }
    take_frame(r, stream, &frame);
    if (replica_hello_waits(stream) && frame.requests_count != 0) {
        replica_close_stream(r, stream, REPLICA_RPC_INVALID_ARGUMENT,
                             "requests come after the welcome of a hello that opens or resumes a "
                             "session");
    }
    for (size_t i = 0; i < frame.requests_count && !stream->closing; i++) {
        struct replica_asker asker = {.channel = stream->stream, .request = frame.requests[i].id};
        replica_take_request(r, &asker, stream, stream->identity, &frame.requests[i]);
    }
    if (frame.rearm_done && stream->mode == REPLICA_REARMING) {
        replica_rearm(r, stream);
    }
}

void replica_on_stream_frame(struct replica *r, uint64_t number, struct cd_blob *bytes)
{
    struct replica_stream *stream = replica_stream_find(r, number);
    if (stream != NULL) {
        deal_with_frame(r, stream, bytes, &r->arena);
        wire_arena_clear(&r->arena);
    }
}
