#include "session_internal.h"

#include "result.h"

#include <string.h>

/* What comes from replicas: welcomes, replies, and what else is said on a stream. */

enum {
    /* A replica that was too busy for one request that often is left. */
    BUSY_TIMES_MAX = 3,
};

static void refuse_stream(struct client_session *session, uint64_t now_ms, struct stream *stream,
                          enum coord_code code, const char *why)
{
    reason_set(session, stream->endpoint, code, "%s", why[0] != '\0' ? why : coord_code_text(code));
    stream_fail(session, now_ms, stream);
}

static const char *text_of(const struct client_item *item)
{
    return item->message[0] != '\0' ? item->message : coord_code_text(item->code);
}

/* ---- Replies: not final ---- */

/* The replica did nothing, and the same request may be sent again. */
static bool is_passing(enum coord_code code)
{
    return code == COORD_NO_LEADER || code == COORD_BUSY || code == COORD_BEHIND ||
           code == COORD_SHUTTING_DOWN;
}

static bool may_send_again(const struct client_request *request, enum coord_code code)
{
    switch ((int)code) {
    case COORD_LIMIT_TIME:
        return !request->is_write || request->inquiry; /* S4 */
    case COORD_OUTCOME_UNKNOWN:
        return !request->is_write; /* an inquiry's is an answer */
    default:
        return is_passing(code);
    }
}

/*
 * Something was not done. Going elsewhere costs a handshake, which does not help a busy cluster, so
 * that BUSY is a pause first.
 */
static void pause_or_leave(struct client_session *session, uint64_t now_ms, struct stream *stream,
                           const struct client_item *item, uint32_t *busy_count)
{
    reason_set(session, stream->endpoint, item->code, "%s", text_of(item));
    if (item->code == COORD_BUSY && ++*busy_count < BUSY_TIMES_MAX) {
        uint64_t until = now_ms + client_dial_pause_ms(&session->dial, *busy_count);
        session->hold_ms = until > session->hold_ms ? until : session->hold_ms;
        return;
    }
    *busy_count = 0;
    stream_leave(session, now_ms, stream);
}

static void send_again(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_request *request, const struct client_item *item)
{
    request->refused = item->code;
    request_wait_again(session, request);
    if (request->inquiry && item->code == COORD_BUSY) { /* S12: its session lives on there */
        uint64_t until = now_ms + client_dial_pause_ms(&session->dial, ++request->busy_count);
        session->inquire_ms = until > session->inquire_ms ? until : session->inquire_ms;
        return;
    }
    pause_or_leave(session, now_ms, stream, item, &request->busy_count);
}

/* ---- Replies: final ---- */

static void refuse(struct client_session *session, struct client_request *request,
                   const struct client_item *item)
{
    const char *advice = item->code == COORD_OUTCOME_UNKNOWN ? ": look before you repeat it" : "";
    request_end(session, request, item->code, "%s%s", text_of(item), advice);
    request->error.failed_index = item->failed_index;
}

/* S12. */
static void take_outcome(struct client_session *session, struct client_request *request,
                         struct client_item *item)
{
    struct client_outcome *outcome = item->outcome;
    enum coord_code code = item->code == COORD_OK && outcome != NULL ? outcome->code : item->code;
    bool fits =
        outcome != NULL && outcome->result != NULL && outcome->result->kind == request->kind;
    if (code == COORD_NOT_APPLIED) {
        request_end(session, request, code,
                    "the session was lost before it was done; nothing was "
                    "done, nor will be");
    } else if (item->code != COORD_OK || code == COORD_OUTCOME_UNKNOWN ||
               (code == COORD_OK && !fits)) {
        request_lose_write(session, request,
                           "the session was lost, and asked what became of it the "
                           "cluster says: %s",
                           text_of(item));
    } else if (code == COORD_OK) {
        request_succeed(session, request, outcome->result);
        outcome->result = NULL;
    } else {
        request_end(session, request, code, "%s",
                    outcome->message[0] != '\0' ? outcome->message : coord_code_text(code));
        request->error.failed_index = outcome->failed_index;
    }
}

static void answer(struct client_session *session, struct stream *stream,
                   struct client_request *request, struct client_item *item)
{
    client_dial_worked(&session->dial);
    if (request->inquiry) {
        take_outcome(session, request, item);
    } else if (item->code != COORD_OK) {
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

/* S8, S9. */
static void take_write_reply(struct client_session *session, uint64_t now_ms, struct stream *stream,
                             struct client_write *write, struct client_item *item)
{
    bool unclear = item->code == COORD_OUTCOME_UNKNOWN || item->code == COORD_LIMIT_TIME;
    enum client_op_kind kind = write->kind;
    if (is_passing(item->code) || unclear) {
        if (write->request != NULL) {
            write->request->refused = item->code;
        }
        writes_send_again(write);
        pause_or_leave(session, now_ms, stream, item, &stream->busy_count);
        return;
    }
    if (item->code == COORD_OK && (item->result == NULL || item->result->kind != kind)) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED,
                      "its answer to a write makes no sense");
        return;
    }
    stream->busy_count = 0;
    struct client_request *request = write_answered(session, write, item->bytes);
    client_dial_worked(&session->dial);
    if (request != NULL) {
        answer(session, stream, request, item);
    }
    if (kind == CLIENT_OP_CLOSE && item->code == COORD_OK) {
        session_over(session, COORD_STATE_NONE, "the session was closed");
    }
}

static void take_watch_reply(struct client_session *session, uint64_t now_ms, struct stream *stream,
                             struct client_watch *watch, struct client_item *item)
{
    if (item->code == COORD_OK) {
        if (!watch_answered(session, watch, item)) {
            refuse_stream(session, now_ms, stream, COORD_MALFORMED,
                          "its answer to a watch makes no sense, or there was no memory");
        }
        return;
    }
    watch_refused(session, watch);
    if (is_passing(item->code) || item->code == COORD_LIMIT_TIME) {
        pause_or_leave(session, now_ms, stream, item, &stream->busy_count);
    } else {
        watch_end(session, watch, item->code, "%s", text_of(item));
    }
}

/* The replica's word that the session on the stream is over, or someone else's. True: it was. */
static bool take_session_end(struct client_session *session, struct stream *stream,
                             enum coord_code code, const char *text)
{
    bool ours = session->id != 0 && stream->attach != 0 &&
                (stream->state == STREAM_ACTIVE || stream->state == STREAM_GREETED);
    if (!ours) {
        return false;
    }
    if (code == COORD_SESSION_MOVED) {
        session_moved(session, stream);
        return true;
    }
    if (code == COORD_SESSION_EXPIRED || code == COORD_SESSION_REFUSED) {
        session_over(session, COORD_STATE_LOST, text);
        return true;
    }
    return false;
}

/* The application knows that state: a replica that lags behind it is no place to go on (R24). */
static void note_seen(struct client_session *session, uint64_t zxid)
{
    if (zxid > session->last_seen_zxid) {
        session->last_seen_zxid = zxid;
    }
}

static void take_reply(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_item *item)
{
    struct client_request *request = request_find_sent(session, stream, item->id);
    struct client_write *write = request == NULL ? write_find(session, stream, item->id) : NULL;
    struct client_watch *watch = NULL;
    note_seen(session, item->zxid);
    if (stream->state == STREAM_PARTING) {
        if (item->id == stream->parting_request) {
            stream_fail(session, now_ms, stream);
        }
        return;
    }
    if (stream->state == STREAM_ACTIVE && !watches_tell_to(session, item->zxid)) {
        refuse_stream(session, now_ms, stream, COORD_NO_MEMORY, "no memory for its events");
        return;
    }
    bool inquiry = request != NULL && request->inquiry; /* its codes are about another session */
    if (!inquiry && take_session_end(session, stream, item->code, text_of(item))) {
        return;
    }
    if (request != NULL && may_send_again(request, item->code)) {
        send_again(session, now_ms, stream, request, item);
    } else if (request != NULL) {
        answer(session, stream, request, item);
    } else if (write != NULL) {
        take_write_reply(session, now_ms, stream, write, item);
    } else if ((watch = watch_find_sent(session, stream, item->id)) != NULL) {
        take_watch_reply(session, now_ms, stream, watch, item);
    } /* else S7 */
}

/* ---- Welcomes ---- */

/* The hello to go on with a session was answered. */
static void take_resumed(struct client_session *session, uint64_t now_ms, struct stream *stream,
                         const struct client_welcome *welcome)
{
    if (welcome->session_id != session->id || welcome->attach != stream->attach ||
        welcome->timeout_ms == 0) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED,
                      "its welcome is about another session");
        return;
    }
    session->lease.timeout_ms = welcome->timeout_ms;
    client_lease_move(&session->lease);
    client_lease_sent(&session->lease, 1, stream->hello_lease_ms);
    stream->rearm_owed = true;
    stream_activate(session, stream);
}

static void take_first_welcome(struct client_session *session, uint64_t now_ms,
                               struct stream *stream, const struct client_welcome *welcome)
{
    bool other = session->has_cluster && welcome->has_cluster &&
                 (memcmp(session->cluster_id, welcome->cluster_id, COORD_CLUSTER_ID_BYTES) != 0 ||
                  session->generation != welcome->generation);
    if (welcome->code != COORD_OK) {
        if (!take_session_end(session, stream, welcome->code,
                              welcome->message[0] != '\0' ? welcome->message
                                                          : coord_code_text(welcome->code))) {
            refuse_stream(session, now_ms, stream, welcome->code, welcome->message);
        }
    } else if (!welcome->has_cluster) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "its welcome names no cluster");
    } else if (other) {
        refuse_stream(session, now_ms, stream, COORD_WRONG_CLUSTER, "");
    } else {
        session->has_cluster = true;
        memcpy(session->cluster_id, welcome->cluster_id, COORD_CLUSTER_ID_BYTES);
        session->generation = welcome->generation;
        session->kept_limit = welcome->limits.kept_reply_bytes;
        stream->limits = welcome->limits;
        if (stream->attach != 0) {
            take_resumed(session, now_ms, stream, welcome);
        } else {
            stream_activate(session, stream);
        }
    }
}

/* What waits for a session that this cluster will not give. */
static void refuse_waiting_for_session(struct client_session *session, enum coord_code code,
                                       const char *text)
{
    struct client_request *next = NULL;
    session->open_wanted = false;
    for (struct client_request *request = session->waiting.first; request != NULL; request = next) {
        next = request->next;
        if (request->needs_session || (request->is_write && !request->inquiry)) {
            request_end(session, request, code, "no session was given: %s", text);
        }
    }
}

/* The hello to open a session on the active stream was answered. */
static void take_opened(struct client_session *session, uint64_t now_ms, struct stream *stream,
                        const struct client_welcome *welcome)
{
    const char *text =
        welcome->message[0] != '\0' ? welcome->message : coord_code_text(welcome->code);
    stream->give_up_ms = 0;
    if (welcome->code == COORD_OK) {
        if (welcome->session_id == 0 || welcome->timeout_ms == 0) {
            refuse_stream(session, now_ms, stream, COORD_MALFORMED, "it opened no session");
        } else {
            session->open_wanted = false;
            session_opened(session, stream, welcome);
        }
    } else if (is_passing(welcome->code) || welcome->code == COORD_TOO_MANY) {
        reason_set(session, stream->endpoint, welcome->code, "%s", text);
        stream_leave(session, now_ms, stream);
    } else {
        refuse_waiting_for_session(session, welcome->code, text);
    }
}

static void take_welcome(struct client_session *session, uint64_t now_ms, struct stream *stream,
                         const struct client_welcome *welcome)
{
    if (stream->state == STREAM_GREETED) {
        take_first_welcome(session, now_ms, stream, welcome);
    } else if (stream->state == STREAM_ACTIVE && stream->give_up_ms != 0) {
        take_opened(session, now_ms, stream, welcome);
    } else if (stream->state != STREAM_LEAVING && stream->state != STREAM_PARTING) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "it welcomed without a hello");
    }
}

/* ---- Other items ---- */

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
    if (take_session_end(session, stream, item->code, text_of(item))) {
        return;
    }
    reason_set(session, stream->endpoint, item->code, "%s", text_of(item));
    stream_leave(session, now_ms, stream);
    for (size_t i = item->endpoints_count; i > 0; i--) {
        size_t endpoint = endpoint_named(session, item->endpoints[i - 1]);
        if (endpoint != CLIENT_NO_ENDPOINT && session->active == NULL) {
            client_dial_prefer(&session->dial, endpoint);
        }
    }
}

static void take_watch_item(struct client_session *session, uint64_t now_ms, struct stream *stream,
                            struct client_item *item)
{
    if (stream->state != STREAM_ACTIVE) {
        return;
    }
    note_seen(session, item->zxid);
    if (!watches_take(session, stream, item)) {
        refuse_stream(session, now_ms, stream, COORD_NO_MEMORY, "no memory for its events");
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
    case CLIENT_ITEM_EVENT:
    case CLIENT_ITEM_QUEUE_FRONT:
    case CLIENT_ITEM_LAGGED:
    case CLIENT_ITEM_RESYNC:
    case CLIENT_ITEM_BOOKMARK:
        take_watch_item(session, now_ms, stream, item);
        return;
    }
    CD_UNREACHABLE();
}

/* ---- Frames ---- */

/* S12: whatever comes with it, the lease is looked at first. */
static void take_confirmed(struct client_session *session, struct stream *stream,
                           uint64_t confirmed)
{
    if (stream != session->active || stream->attach == 0 || confirmed <= stream->confirmed) {
        return;
    }
    stream->confirmed = confirmed;
    client_lease_confirmed(&session->lease, confirmed);
    client_dial_worked(&session->dial);
    session_check_lease(session);
}

static void take_frame(struct client_session *session, uint64_t now_ms, struct stream *stream,
                       struct client_frame *frame)
{
    uint64_t id = stream->id;
    bool spoken_to = stream->state == STREAM_ACTIVE || stream->state == STREAM_LEAVING ||
                     stream->state == STREAM_PARTING;
    if (frame->confirmed > stream->frames) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED,
                      "it confirmed a frame that was not sent");
    } else if (frame->welcome != NULL) {
        take_welcome(session, now_ms, stream, frame->welcome);
    } else if (!spoken_to) {
        refuse_stream(session, now_ms, stream, COORD_MALFORMED, "it answered before its welcome");
    }
    for (size_t i = 0; i < frame->items_count && stream_find(session, id) != NULL; i++) {
        take_item(session, now_ms, stream, &frame->items[i]);
    }
    if (stream_find(session, id) != NULL && stream->state == STREAM_ACTIVE) {
        note_seen(session, frame->complete_to);
        if (!watches_frame_end(session, frame->complete_to, frame->more)) {
            refuse_stream(session, now_ms, stream, COORD_NO_MEMORY, "no memory for its events");
        } else {
            take_confirmed(session, stream, frame->confirmed);
        }
    }
}

void client_session_on_frame(struct client_session *session, struct client_time now, uint64_t id,
                             const void *bytes, size_t count)
{
    struct client_frame frame;
    struct coord_error error;
    session->now = now;
    session_check_lease(session);
    struct stream *stream = stream_find(session, id);
    if (stream == NULL) {
        streams_plan(session, now.ms);
        return;
    }
    enum coord_code code = client_codec_frame_decode(bytes, count, &frame, &error);
    if (code == COORD_OK) {
        take_frame(session, now.ms, stream, &frame);
        client_codec_frame_release(&frame);
    } else {
        refuse_stream(session, now.ms, stream, code, error.message);
    }
    streams_plan(session, now.ms);
}

void client_session_on_closed(struct client_session *session, struct client_time now, uint64_t id,
                              enum coord_code code, const char *why)
{
    session->now = now;
    session_check_lease(session);
    struct stream *stream = stream_find(session, id);
    if (stream != NULL) {
        refuse_stream(session, now.ms, stream, code, why);
        if (stream->state == STREAM_CLOSE) {
            stream->state = STREAM_FREE; /* the driver knows already */
        }
    }
    streams_plan(session, now.ms);
}
