#include "session_internal.h"

#include <stdio.h>

struct stream *stream_find(struct client_session *session, uint64_t id)
{
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        if (stream->id == id && stream->state != STREAM_FREE && stream->state != STREAM_CLOSE) {
            return stream;
        }
    }
    return NULL;
}

const char *stream_endpoint(const struct client_session *session, const struct stream *stream)
{
    return session->endpoints[stream->endpoint];
}

void reason_set(struct client_session *session, size_t endpoint, enum coord_code code,
                const char *format, ...)
{
    struct reason *reason = &session->reasons[endpoint];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    reason->code = code;
}

static bool is_attempt(const struct stream *stream)
{
    return stream->state == STREAM_DIAL || stream->state == STREAM_HELLO ||
           stream->state == STREAM_GREETED;
}

static size_t attempts_count(const struct client_session *session)
{
    size_t count = 0;
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        count += is_attempt(&session->streams[i]) ? 1 : 0;
    }
    return count;
}

/* ---- Ending ---- */

/* A stream that was never dialled leaves no trace. */
static void close_stream(struct client_session *session, struct stream *stream)
{
    CD_ASSERT(stream->writes == 0 && stream->reads == 0);
    if (session->active == stream) {
        session->active = NULL;
    }
    stream->state = stream->state == STREAM_DIAL ? STREAM_FREE : STREAM_CLOSE;
}

/* S4. */
static void take_reads_back(struct client_session *session, const struct stream *stream)
{
    struct client_request *next = NULL;
    for (struct client_request *request = session->sent.first; request != NULL; request = next) {
        next = request->next;
        if (request->stream == stream->id && (!request->is_write || request->inquiry)) {
            request_wait_again(session, request);
        }
    }
}

/* S3. */
static void lose_writes(struct client_session *session, const struct stream *stream)
{
    const struct reason *reason = &session->reasons[stream->endpoint];
    uint64_t id = stream->id;
    struct client_request *next = NULL;
    for (struct client_request *request = session->sent.first; request != NULL; request = next) {
        next = request->next;
        if (request->stream == id) {
            request_lose_write(session, request, "the stream to %s was lost before the answer: %s",
                               stream_endpoint(session, stream), reason->text);
        }
    }
}

void stream_settle(struct client_session *session, struct stream *stream)
{
    if (stream->state == STREAM_LEAVING && stream->writes == 0 && stream->reads == 0) {
        close_stream(session, stream);
    }
}

void stream_leave(struct client_session *session, uint64_t now_ms, struct stream *stream)
{
    if (stream->state != STREAM_ACTIVE) {
        return;
    }
    session->active = NULL;
    client_dial_restart(&session->dial, now_ms, stream->endpoint);
    take_reads_back(session, stream);
    writes_lose_stream(session, stream);
    watches_lose_stream(session, stream);
    stream->state = STREAM_LEAVING;
    stream_settle(session, stream);
}

/* The reasons that let a client come back later; every other one is the same tomorrow. */
static bool is_final(enum coord_code code)
{
    switch ((int)code) {
    case COORD_OK:
    case COORD_TOO_MANY:
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_SHUTTING_DOWN:
    case COORD_BEHIND:
    case COORD_LIMIT_TIME:
    case COORD_UNREACHABLE:
    case COORD_MALFORMED:
    case COORD_NO_MEMORY:
        return false;
    default:
        return true;
    }
}

static bool nobody_will_serve(const struct client_session *session)
{
    for (size_t i = 0; i < session->endpoints_count; i++) {
        if (!is_final(session->reasons[i].code)) {
            return false;
        }
    }
    return session->active == NULL && attempts_count(session) == 0;
}

void stream_fail(struct client_session *session, uint64_t now_ms, struct stream *stream)
{
    bool attempt = is_attempt(stream);
    if (session->active == stream) {
        session->active = NULL;
        client_dial_restart(&session->dial, now_ms, stream->endpoint);
    }
    take_reads_back(session, stream);
    lose_writes(session, stream);
    writes_lose_stream(session, stream);
    watches_lose_stream(session, stream);
    if (stream->state != STREAM_CLOSE) { /* one that was being left goes with its last write */
        close_stream(session, stream);
    }
    if (attempt) {
        client_dial_failed(&session->dial, now_ms, attempts_count(session));
        if (nobody_will_serve(session)) {
            requests_refuse_waiting(session);
        }
    }
}

void stream_part(struct client_session *session, uint64_t now_ms, struct stream *stream,
                 uint64_t seq)
{
    CD_ASSERT(stream->state == STREAM_ACTIVE);
    session->active = NULL;
    client_dial_restart(&session->dial, now_ms, CLIENT_NO_ENDPOINT);
    take_reads_back(session, stream);
    watches_lose_stream(session, stream);
    if (seq == 0) {
        close_stream(session, stream);
        return;
    }
    stream->state = STREAM_PARTING;
    stream->parting_seq = seq;
    stream->give_up_ms = now_ms + CLIENT_PART_MS;
}

void streams_forget_session(struct client_session *session)
{
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        if (stream->state == STREAM_GREETED && stream->attach != 0) {
            close_stream(session, stream);
            client_dial_failed(&session->dial, session->now.ms, attempts_count(session));
        }
    }
}

/* ---- Beginning ---- */

bool streams_wanted(const struct client_session *session)
{
    return !session->closed &&
           (session->waiting.count != 0 || session->id != 0 || session->watches_count != 0);
}

/* A place for one more, or NULL. */
static struct stream *find_place(struct client_session *session)
{
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        if (session->streams[i].state == STREAM_FREE) {
            return &session->streams[i];
        }
    }
    return NULL;
}

/* Gives up the oldest stream that is being left; its place is free once the effect was taken. */
static void make_place(struct client_session *session, uint64_t now_ms)
{
    struct stream *oldest = NULL;
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        if (stream->state == STREAM_LEAVING && (oldest == NULL || stream->id < oldest->id)) {
            oldest = stream;
        }
    }
    if (oldest != NULL) {
        reason_set(session, oldest->endpoint, COORD_UNREACHABLE,
                   "too many streams wait for their last answers");
        stream_fail(session, now_ms, oldest);
    }
}

static void dial(struct client_session *session, uint64_t now_ms, struct stream *stream,
                 size_t endpoint)
{
    *stream = (struct stream){
        .state = STREAM_DIAL,
        .id = ++session->last_stream,
        .endpoint = endpoint,
        .give_up_ms = now_ms + session->dial_timeout_ms,
    };
}

void streams_plan(struct client_session *session, uint64_t now_ms)
{
    while (session->active == NULL && streams_wanted(session)) {
        bool busy[COORD_ENDPOINTS_MAX] = {false};
        for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
            if (is_attempt(&session->streams[i])) {
                busy[session->streams[i].endpoint] = true;
            }
        }
        if (now_ms < session->dial.due_ms) {
            return;
        }
        struct stream *place = find_place(session);
        if (place == NULL) {
            if (client_dial_has_next(&session->dial)) {
                make_place(session, now_ms);
            }
            session->dial.due_ms = now_ms + session->dial.times.pause_ms_min;
            return;
        }
        size_t endpoint = client_dial_next(&session->dial, now_ms, busy);
        if (endpoint == CLIENT_NO_ENDPOINT) {
            return;
        }
        dial(session, now_ms, place, endpoint);
    }
}

void streams_expire(struct client_session *session, uint64_t now_ms)
{
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        struct stream *stream = &session->streams[i];
        if (is_attempt(stream) && stream->give_up_ms <= now_ms) {
            reason_set(session, stream->endpoint, COORD_UNREACHABLE, "no answer within %u ms",
                       session->dial_timeout_ms);
            stream_fail(session, now_ms, stream);
        } else if (stream->state == STREAM_PARTING && stream->give_up_ms <= now_ms) {
            close_stream(session, stream);
        } else if (stream->state == STREAM_ACTIVE && stream->give_up_ms != 0 &&
                   stream->give_up_ms <= now_ms) {
            reason_set(session, stream->endpoint, COORD_UNREACHABLE,
                       "it did not open a session within %u ms", session->dial_timeout_ms);
            stream_fail(session, now_ms, stream);
        }
    }
}

void stream_activate(struct client_session *session, struct stream *stream)
{
    stream->state = STREAM_ACTIVE;
    stream->give_up_ms = 0;
    session->active = stream;
    session->reasons[stream->endpoint].code = COORD_OK;
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        if (is_attempt(&session->streams[i])) {
            close_stream(session, &session->streams[i]);
        }
    }
}
