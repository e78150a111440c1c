#include "session_internal.h"

#include "result.h"

#include <string.h>

/* What comes in, and what goes out: see the diagram in session.h. */

enum {
    DIAL_NEXT_MS = 300,
    DIAL_TIMEOUT_MS = 5000,
    PAUSE_MS_MIN = 25,
    PAUSE_MS_MAX = 500,
    /* What every replica takes, before one has announced its own limits. */
    FRAME_BYTES_DEFAULT = 4 << 20,
    FRAME_REQUESTS_DEFAULT = 1024,
    /* A replica that was too busy for one request that often is left. */
    BUSY_TIMES_MAX = 3,
};

struct client_session *client_session_create(const struct client_session_config *config)
{
    CD_ASSERT(config->endpoints_count >= 1 && config->endpoints_count <= COORD_ENDPOINTS_MAX);
    struct client_session *session = client_calloc(1, sizeof(*session));
    if (session == NULL) {
        return NULL;
    }
    const struct client_dial_times times = {
        .next_ms = config->dial_next_ms != 0 ? config->dial_next_ms : DIAL_NEXT_MS,
        .pause_ms_min = config->pause_ms_min != 0 ? config->pause_ms_min : PAUSE_MS_MIN,
        .pause_ms_max = config->pause_ms_max != 0 ? config->pause_ms_max : PAUSE_MS_MAX,
    };
    client_dial_init(&session->dial, &times, config->endpoints_count, config->seed);
    session->endpoints = config->endpoints;
    session->endpoints_count = config->endpoints_count;
    session->client_name = config->client_name;
    session->dial_timeout_ms =
        config->dial_timeout_ms != 0 ? config->dial_timeout_ms : DIAL_TIMEOUT_MS;
    session->expiry_ms = CLIENT_NEVER;
    return session;
}

void client_session_free(struct client_session *session)
{
    if (session != NULL) {
        CD_ASSERT(session->waiting.count + session->sent.count + session->done.count == 0);
        client_free(session);
    }
}

/* ---- Requests come ---- */

/* Nothing was under way: what endpoints said once is old, and nobody needs to wait for a pause. */
static void wake_up(struct client_session *session, uint64_t now_ms)
{
    for (size_t i = 0; i < session->endpoints_count; i++) {
        session->reasons[i].code = COORD_OK;
    }
    if (now_ms >= session->dial.due_ms) {
        client_dial_start(&session->dial, now_ms);
    }
}

void client_session_submit(struct client_session *session, uint64_t now_ms,
                           struct client_request *request)
{
    bool resting = session->active == NULL && session->waiting.count == 0;
    size_t under_way = session->waiting.count + session->sent.count;
    request->id = ++session->last_request;
    request->stream = 0;
    request->refused = COORD_OK;
    request->busy_count = 0;
    requests_append(&session->waiting, request);
    if (session->closed) {
        request_end(session, request, COORD_CLOSED, "the client is closed");
    } else if (under_way >= CLIENT_REQUESTS_MAX) {
        request_end(session, request, COORD_TOO_MANY,
                    "%zu calls are under way, which is the limit; nothing was done", under_way);
    } else {
        session->expiry_ms =
            request->deadline_ms < session->expiry_ms ? request->deadline_ms : session->expiry_ms;
        if (resting) {
            wake_up(session, now_ms);
        }
        streams_plan(session, now_ms);
    }
}

/* ---- Replies come ---- */

/* The replica did nothing, and the same request may be sent again. */
static bool may_send_again(const struct client_request *request, enum coord_code code)
{
    switch ((int)code) {
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_BEHIND:
    case COORD_SHUTTING_DOWN:
        return true;
    case COORD_LIMIT_TIME:
    case COORD_OUTCOME_UNKNOWN:
        return !request->is_write; /* S4 */
    default:
        return false;
    }
}

static void send_again(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_request *request, const struct client_item *item)
{
    const char *text = item->message[0] != '\0' ? item->message : coord_code_text(item->code);
    reason_set(session, stream->endpoint, item->code, "%s", text);
    request->refused = item->code;
    request_wait_again(session, request);
    if (item->code == COORD_BUSY && ++request->busy_count < BUSY_TIMES_MAX) {
        /* Going elsewhere costs a handshake, which does not help a busy cluster. */
        uint64_t until = now_ms + client_dial_pause_ms(&session->dial, request->busy_count);
        session->hold_ms = until > session->hold_ms ? until : session->hold_ms;
        return;
    }
    request->busy_count = 0;
    stream_leave(session, now_ms, stream);
}

static void refuse(struct client_session *session, struct client_request *request,
                   const struct client_item *item)
{
    const char *text = item->message[0] != '\0' ? item->message : coord_code_text(item->code);
    const char *advice = item->code == COORD_OUTCOME_UNKNOWN ? ": look before you repeat it" : "";
    request_end(session, request, item->code, "%s%s", text, advice);
    request->error.failed_index = item->failed_index;
}

static void take_reply(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_item *item)
{
    struct client_request *request = request_find_sent(session, stream, item->id);
    if (item->zxid > session->last_seen_zxid) {
        session->last_seen_zxid = item->zxid;
    }
    if (request == NULL) {
        return; /* S7 */
    }
    if (may_send_again(request, item->code)) {
        send_again(session, now_ms, stream, request, item);
        return;
    }
    client_dial_worked(&session->dial);
    if (item->code != COORD_OK) {
        refuse(session, request, item);
    } else if (item->result != NULL && item->result->kind == request->kind) {
        request_succeed(session, request, item->result);
        item->result = NULL;
    } else if (request->is_write) {
        request_lose_write(session, request, "the answer of %s makes no sense",
                           stream_endpoint(session, stream));
    } else {
        request_end(session, request, COORD_MALFORMED, "the answer of %s makes no sense",
                    stream_endpoint(session, stream));
    }
}

/* ---- Frames come ---- */

static void refuse_stream(struct client_session *session, uint64_t now_ms, struct stream *stream,
                          enum coord_code code, const char *why)
{
    reason_set(session, stream->endpoint, code, "%s", why[0] != '\0' ? why : coord_code_text(code));
    stream_fail(session, now_ms, stream);
}

static void take_welcome(struct client_session *session, uint64_t now_ms, struct stream *stream,
                         const struct client_welcome *welcome)
{
    bool other = session->has_cluster && welcome->has_cluster &&
                 (memcmp(session->cluster_id, welcome->cluster_id, COORD_CLUSTER_ID_BYTES) != 0 ||
                  session->generation != welcome->generation);
    if (stream->state != STREAM_GREETED) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "it welcomed without a hello");
    } else if (welcome->code != COORD_OK) {
        refuse_stream(session, now_ms, stream, welcome->code, welcome->message);
    } else if (!welcome->has_cluster) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "its welcome names no cluster");
    } else if (other) {
        refuse_stream(session, now_ms, stream, COORD_WRONG_CLUSTER, "");
    } else {
        session->has_cluster = true;
        memcpy(session->cluster_id, welcome->cluster_id, COORD_CLUSTER_ID_BYTES);
        session->generation = welcome->generation;
        stream->limits = welcome->limits;
        stream_activate(session, stream);
    }
}

static size_t endpoint_named(const struct client_session *session, const char *name)
{
    for (size_t i = 0; i < session->endpoints_count; i++) {
        if (strcmp(session->endpoints[i], name) == 0) {
            return i;
        }
    }
    return CLIENT_NO_ENDPOINT;
}

/* Its hints count as far as they are among the endpoints that the user has named. */
static void take_go_away(struct client_session *session, uint64_t now_ms, struct stream *stream,
                         const struct client_item *item)
{
    const char *text = item->message[0] != '\0' ? item->message : coord_code_text(item->code);
    reason_set(session, stream->endpoint, item->code, "%s", text);
    stream_leave(session, now_ms, stream);
    for (size_t i = item->endpoints_count; i > 0; i--) {
        size_t endpoint = endpoint_named(session, item->endpoints[i - 1]);
        if (endpoint != CLIENT_NO_ENDPOINT && session->active == NULL) {
            client_dial_prefer(&session->dial, endpoint);
        }
    }
}

static void take_item(struct client_session *session, uint64_t now_ms, struct stream *stream,
                      struct client_item *item)
{
    switch (item->kind) {
    case CLIENT_ITEM_REPLY:
        take_reply(session, now_ms, stream, item);
        return;
    case CLIENT_ITEM_NO_LEADER:
        reason_set(session, stream->endpoint, COORD_NO_LEADER, "%s",
                   coord_code_text(COORD_NO_LEADER));
        stream_leave(session, now_ms, stream);
        return;
    case CLIENT_ITEM_GO_AWAY:
        take_go_away(session, now_ms, stream, item);
        return;
    }
    CD_UNREACHABLE();
}

static void take_frame(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_frame *frame)
{
    uint64_t id = stream->id;
    if (frame->welcome != NULL) {
        take_welcome(session, now_ms, stream, frame->welcome);
    } else if (stream->state != STREAM_ACTIVE && stream->state != STREAM_LEAVING) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "it answered before its welcome");
    }
    for (size_t i = 0; i < frame->items_count && stream_find(session, id) != NULL; i++) {
        take_item(session, now_ms, stream, &frame->items[i]);
    }
}

void client_session_on_frame(struct client_session *session, uint64_t now_ms, uint64_t id,
                             const void *bytes, size_t count)
{
    struct stream *stream = stream_find(session, id);
    struct client_frame frame;
    struct coord_error error;
    if (stream == NULL) {
        return;
    }
    enum coord_code code = client_codec_frame_decode(bytes, count, &frame, &error);
    if (code == COORD_OK) {
        take_frame(session, now_ms, stream, &frame);
        client_codec_frame_release(&frame);
    } else {
        refuse_stream(session, now_ms, stream, code, error.message);
    }
    streams_plan(session, now_ms);
}

void client_session_on_closed(struct client_session *session, uint64_t now_ms, uint64_t id,
                              enum coord_code code, const char *why)
{
    struct stream *stream = stream_find(session, id);
    if (stream != NULL) {
        refuse_stream(session, now_ms, stream, code, why);
        if (stream->state == STREAM_CLOSE) {
            stream->state = STREAM_FREE; /* the driver knows already */
        }
        streams_plan(session, now_ms);
    }
}

/* ---- Time passes, and ends ---- */

void client_session_on_timer(struct client_session *session, uint64_t now_ms)
{
    if (session->hold_ms <= now_ms) {
        session->hold_ms = 0;
    }
    requests_expire(session, now_ms);
    streams_expire(session, now_ms);
    streams_plan(session, now_ms);
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

uint64_t client_session_deadline_ms(const struct client_session *session)
{
    uint64_t deadline = session->expiry_ms;
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        const struct stream *stream = &session->streams[i];
        if (stream->state == STREAM_HELLO || stream->state == STREAM_GREETED) {
            deadline = earlier(deadline, stream->give_up_ms);
        }
    }
    if (session->waiting.count != 0 && session->active == NULL) {
        deadline = earlier(deadline, session->dial.due_ms);
    }
    if (session->waiting.count != 0 && session->active != NULL && session->hold_ms != 0) {
        deadline = earlier(deadline, session->hold_ms);
    }
    return deadline;
}

void client_session_shutdown(struct client_session *session, uint64_t now_ms)
{
    session->closed = true;
    while (session->waiting.first != NULL) {
        request_end(session, session->waiting.first, COORD_CLOSED,
                    "the client was closed; nothing was done");
    }
    while (session->sent.first != NULL) {
        struct client_request *request = session->sent.first;
        if (request->is_write) {
            request_lose_write(session, request, "the client was closed before the answer");
        } else {
            request_end(session, request, COORD_CLOSED, "the client was closed");
        }
    }
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        if (stream->state != STREAM_FREE && stream->state != STREAM_CLOSE) {
            stream_fail(session, now_ms, stream);
        }
    }
}

/* ---- What goes out ---- */

bool client_session_take_effect(struct client_session *session, struct client_effect *ret_effect)
{
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        struct client_effect effect = {.stream = stream->id, .endpoint = stream->endpoint};
        if (stream->state == STREAM_DIAL) {
            effect.kind = CLIENT_EFFECT_DIAL;
            stream->state = STREAM_HELLO;
            *ret_effect = effect;
            return true;
        }
        if (stream->state == STREAM_CLOSE) {
            effect.kind = CLIENT_EFFECT_CLOSE;
            stream->state = STREAM_FREE;
            *ret_effect = effect;
            return true;
        }
    }
    struct client_request *request = session->done.first;
    if (request == NULL) {
        return false;
    }
    requests_remove(&session->done, request);
    *ret_effect = (struct client_effect){.kind = CLIENT_EFFECT_DONE, .request = request};
    return true;
}

static bool take_hello(struct client_session *session, struct stream *stream,
                       struct client_bytes *ret_frame)
{
    struct client_hello hello = {
        .has_cluster = session->has_cluster,
        .generation = session->generation,
        .last_seen_zxid = session->last_seen_zxid,
        .client = session->client_name,
    };
    memcpy(hello.cluster_id, session->cluster_id, sizeof(hello.cluster_id));
    if (client_codec_hello_encode(stream->frames + 1, &hello, ret_frame) != COORD_OK) {
        return false; /* given up in time, like an endpoint that does not answer */
    }
    stream->frames++;
    stream->state = STREAM_GREETED;
    return true;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* A read tells how long its caller will wait for it. */
static uint32_t wait_of(const struct client_request *request, uint64_t now_ms)
{
    uint64_t left = request->deadline_ms > now_ms ? request->deadline_ms - now_ms : 1;
    if (request->is_write) {
        return 0;
    }
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/*
 * How many of those that wait go into one frame now, from the first on. One that no frame could
 * take ends here.
 */
static size_t gather(struct client_session *session, uint64_t now_ms, const struct stream *stream)
{
    const struct client_limits *limits = &stream->limits;
    size_t bytes_max = or_default(limits->frame_bytes, FRAME_BYTES_DEFAULT);
    size_t count_max = or_default(limits->frame_requests, FRAME_REQUESTS_DEFAULT);
    size_t writes_left = or_default(limits->unacked_writes, UINT32_MAX) - stream->writes;
    size_t reads_left = or_default(limits->waiting_reads, UINT32_MAX) - stream->reads;
    size_t bytes = CLIENT_FRAME_HEAD_BYTES;
    size_t count = 0;
    struct client_request *next = NULL;
    for (struct client_request *request = session->waiting.first;
         request != NULL && count < count_max; request = next) {
        next = request->next;
        client_codec_request_address(request, wait_of(request, now_ms));
        size_t more = CLIENT_FRAME_REQUEST_BYTES + request->bytes_count;
        if (CLIENT_FRAME_HEAD_BYTES + more > bytes_max) {
            request_end(session, request, COORD_TOO_LARGE,
                        "the request takes %zu bytes; the cluster's limit for a frame is %zu",
                        CLIENT_FRAME_HEAD_BYTES + more, bytes_max);
            continue;
        }
        size_t *left = request->is_write ? &writes_left : &reads_left;
        if (bytes + more > bytes_max || *left == 0) {
            break;
        }
        bytes += more;
        (*left)--;
        count++;
    }
    return count;
}

static bool take_requests(struct client_session *session, uint64_t now_ms, struct stream *stream,
                          struct client_bytes *ret_frame)
{
    size_t count = gather(session, now_ms, stream);
    if (count == 0) {
        return false;
    }
    if (client_codec_frame_encode(stream->frames + 1, session->waiting.first, count, ret_frame) !=
        COORD_OK) {
        session->hold_ms = now_ms + client_dial_pause_ms(&session->dial, 0);
        return false;
    }
    stream->frames++;
    for (size_t i = 0; i < count; i++) {
        request_mark_sent(session, stream, session->waiting.first);
    }
    return true;
}

bool client_session_take_frame(struct client_session *session, uint64_t now_ms, uint64_t id,
                               struct client_bytes *ret_frame)
{
    struct stream *stream = stream_find(session, id);
    if (stream == NULL) {
        return false;
    }
    if (stream->state == STREAM_HELLO) {
        return take_hello(session, stream, ret_frame);
    }
    if (stream->state != STREAM_ACTIVE || session->waiting.count == 0 ||
        now_ms < session->hold_ms) {
        return false;
    }
    return take_requests(session, now_ms, stream, ret_frame);
}
