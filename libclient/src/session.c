#include "session_internal.h"

#include <string.h>

/* Life, requests, time and effects: see the diagram in session.h. */

enum {
    DIAL_NEXT_MS = 300,
    DIAL_TIMEOUT_MS = 5000,
    PAUSE_MS_MIN = 25,
    PAUSE_MS_MAX = 500,
};

static size_t or_default(size_t value, size_t otherwise)
{
    return value != 0 ? value : otherwise;
}

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
    session->sessions = config->sessions;
    session->timeout_wanted_ms = config->session_timeout_ms;
    session->items_end = &session->items;
    session->farewells_end = &session->farewells;
    session->events_bytes_max = or_default(config->events_bytes_max, CLIENT_EVENTS_BYTES_MAX);
    session->watch_bytes_max = or_default(config->watch_bytes_max, CLIENT_WATCH_BYTES_MAX);
    session->group_bytes_max = or_default(config->group_bytes_max, CLIENT_GROUP_BYTES_MAX);
    return session;
}

void client_session_free(struct client_session *session)
{
    if (session == NULL) {
        return;
    }
    CD_ASSERT(session->waiting.count + session->sent.count + session->done.count == 0);
    CD_ASSERT(session->writes == NULL && session->items == NULL && session->groups == NULL);
    watch_table_free(session);
    while (session->farewells != NULL) {
        watch_farewell_over(session);
    }
    client_free(session);
}

/* ---- Requests come ---- */

void session_wake_up(struct client_session *session)
{
    for (size_t i = 0; i < session->endpoints_count; i++) {
        session->reasons[i].code = COORD_OK;
    }
    if (session->now.ms >= session->dial.due_ms) {
        client_dial_start(&session->dial, session->now.ms);
    }
}

void client_session_submit(struct client_session *session, struct client_time now,
                           struct client_request *request)
{
    session->now = now;
    session_check_lease(session);
    bool resting = session->active == NULL && !streams_wanted(session);
    size_t under_way = session->waiting.count + session->sent.count + session->detached_count;
    request->id = ++session->last_request;
    request->stream = 0;
    request->refused = COORD_OK;
    request->busy_count = 0;
    request->after_seq = 0; /* given again, it may be marked with an earlier session's */
    request->place = CLIENT_PLACE_WAITING;
    requests_append(&session->waiting, request);
    if (session->closed) {
        request_end(session, request, COORD_CLOSED, "the client is closed");
    } else if (under_way >= CLIENT_REQUESTS_MAX) {
        request_end(session, request, COORD_TOO_MANY,
                    "%zu calls are under way, which is the limit; nothing was done", under_way);
    } else {
        session->expiry_ms =
            request->deadline_ms < session->expiry_ms ? request->deadline_ms : session->expiry_ms;
        session->open_wanted = session->open_wanted || request_needs_open(session, request);
        if (resting) {
            session_wake_up(session);
        }
        streams_plan(session, now.ms);
    }
}

void client_session_give_secret(struct client_session *session, struct client_time now,
                                const uint8_t *secret, const uint8_t *hash)
{
    struct client_request *next = NULL;
    session->now = now;
    session->secret_asked = false;
    if (secret != NULL) {
        memcpy(session->secret, secret, CLIENT_SECRET_BYTES);
        memcpy(session->secret_hash, hash, CLIENT_SECRET_HASH_BYTES);
        session->has_secret = true;
        return;
    }
    session->open_wanted = false;
    for (struct client_request *request = session->waiting.first; request != NULL; request = next) {
        next = request->next;
        if (request->needs_session || (request->is_write && !request->inquiry)) {
            request_end(session, request, COORD_NO_MEMORY,
                        "no secret for a session could be made; nothing was done");
        }
    }
}

/* ---- Time passes, and ends ---- */

/* A heartbeat is wanted when the lease says so; a stream that cannot send now owes one. */
static void plan_beat(struct client_session *session)
{
    struct stream *stream = session->active;
    if (stream != NULL && stream->attach != 0 &&
        session->now.ms >= stream->sent_ms + client_lease_beat_ms(&session->lease)) {
        stream->beat_due = true;
    }
}

void client_session_on_timer(struct client_session *session, struct client_time now)
{
    session->now = now;
    session_check_lease(session);
    if (session->hold_ms <= now.ms) {
        session->hold_ms = 0;
    }
    if (session->inquire_ms <= now.ms) {
        session->inquire_ms = 0;
    }
    requests_expire(session, now.ms);
    streams_expire(session, now.ms);
    plan_beat(session);
    streams_plan(session, now.ms);
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static uint64_t streams_deadline(const struct client_session *session)
{
    uint64_t deadline = CLIENT_NEVER;
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        const struct stream *stream = &session->streams[i];
        bool waits = stream->state == STREAM_HELLO || stream->state == STREAM_GREETED ||
                     stream->state == STREAM_PARTING ||
                     (stream->state == STREAM_ACTIVE && stream->give_up_ms != 0);
        if (waits) {
            deadline = earlier(deadline, stream->give_up_ms);
        }
    }
    return deadline;
}

/*
 * When the lease changes its state. The other clock can only run behind it, and by the suspend
 * alone, after which every heartbeat and every dialling comes here too.
 */
static uint64_t lease_deadline(const struct client_session *session)
{
    uint64_t due = session->state == COORD_STATE_CONNECTED
                       ? client_lease_suspect_ms(&session->lease)
                       : client_lease_lost_ms(&session->lease);
    uint64_t left = due > session->now.lease_ms ? due - session->now.lease_ms : 0;
    return session->now.ms + left;
}

uint64_t client_session_deadline_ms(const struct client_session *session)
{
    const struct stream *active = session->active;
    uint64_t deadline = earlier(session->expiry_ms, streams_deadline(session));
    if (active == NULL && streams_wanted(session)) {
        deadline = earlier(deadline, session->dial.due_ms);
    }
    if (active != NULL && session->hold_ms != 0) {
        deadline = earlier(deadline, session->hold_ms);
    }
    if (active != NULL && session->inquire_ms != 0) {
        deadline = earlier(deadline, session->inquire_ms);
    }
    if (session->id != 0) {
        deadline = earlier(deadline, lease_deadline(session));
        if (active != NULL && active->attach != 0 && !active->beat_due) {
            deadline = earlier(deadline, active->sent_ms + client_lease_beat_ms(&session->lease));
        }
    }
    return deadline;
}

void client_session_abandon(struct client_session *session, struct client_time now, uint64_t id)
{
    session->now = now;
    if (session->id == id && id != 0) {
        session_over(session, COORD_STATE_LOST, "no replica confirmed the session in time");
        streams_plan(session, now.ms);
    }
}

/* The session goes with a word, if there is a stream at hand to say it on. */
static void close_session(struct client_session *session)
{
    struct stream *stream = session->active;
    uint64_t seq = session->last_seq + 1;
    while (session->writes != NULL) {
        struct client_request *request = write_answered(session, session->writes, 0);
        if (request != NULL) {
            request_lose_write(session, request, "the client was closed before the answer");
        }
    }
    if (stream != NULL && stream->attach != 0) {
        stream_part(session, session->now.ms, stream, seq);
    }
    session->state_id = session->id;
    session->state = COORD_STATE_NONE;
    session->id = 0;
}

void client_session_shutdown(struct client_session *session, struct client_time now)
{
    session->now = now;
    session_check_lease(session);
    session->closed = true;
    watches_end(session, COORD_CLOSED, "the client was closed");
    if (session->id != 0) {
        close_session(session);
    }
    while (session->waiting.first != NULL) {
        struct client_request *request = session->waiting.first;
        if (request->inquiry) {
            request_lose_write(session, request, "the client was closed before the answer");
        } else {
            request_end(session, request, COORD_CLOSED, "the client was closed; nothing was done");
        }
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
        if (stream->state != STREAM_FREE && stream->state != STREAM_CLOSE &&
            stream->state != STREAM_PARTING) {
            stream_fail(session, now.ms, stream);
        }
    }
}

/* ---- What goes out ---- */

static bool take_stream_effect(struct client_session *session, struct client_effect *ret_effect)
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
    return false;
}

bool client_session_take_effect(struct client_session *session, struct client_effect *ret_effect)
{
    struct client_watch_item *item = session->items;
    struct client_request *request = session->done.first;
    if (session->state != session->told_state || session->state_id != session->told_id) {
        session->told_state = session->state;
        session->told_id = session->state_id;
        *ret_effect = (struct client_effect){.kind = CLIENT_EFFECT_STATE};
        return true;
    }
    if (take_stream_effect(session, ret_effect)) {
        return true;
    }
    if (session->open_wanted && !session->has_secret && !session->secret_asked) {
        session->secret_asked = true;
        *ret_effect = (struct client_effect){.kind = CLIENT_EFFECT_SECRET};
        return true;
    }
    if (item != NULL) {
        session->items = item->next;
        session->items_end = session->items != NULL ? session->items_end : &session->items;
        *ret_effect = (struct client_effect){.kind = CLIENT_EFFECT_ITEM, .item = item};
        return true;
    }
    if (request == NULL) {
        return false;
    }
    requests_remove(&session->done, request);
    *ret_effect = (struct client_effect){.kind = CLIENT_EFFECT_DONE, .request = request};
    return true;
}
