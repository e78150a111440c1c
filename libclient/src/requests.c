#include "session_internal.h"

#include <stdio.h>

void requests_append(struct request_list *list, struct client_request *request)
{
    request->next = NULL;
    request->prev = list->last;
    if (list->last != NULL) {
        list->last->next = request;
    } else {
        list->first = request;
    }
    list->last = request;
    list->count++;
}

void requests_remove(struct request_list *list, struct client_request *request)
{
    if (request->prev != NULL) {
        request->prev->next = request->next;
    } else {
        list->first = request->next;
    }
    if (request->next != NULL) {
        request->next->prev = request->prev;
    } else {
        list->last = request->prev;
    }
    list->count--;
}

bool request_needs_open(const struct client_session *session, const struct client_request *request)
{
    bool needs = request->needs_session || (request->is_write && !request->inquiry);
    return session->sessions && needs && session->id == 0;
}

/* S2. What comes back is older than nearly all that waits, so that the search is short. */
static void insert_by_id(struct request_list *list, struct client_request *request)
{
    struct client_request *behind = list->first;
    while (behind != NULL && behind->id < request->id) {
        behind = behind->next;
    }
    if (behind == NULL) {
        requests_append(list, request);
        return;
    }
    request->next = behind;
    request->prev = behind->prev;
    if (behind->prev != NULL) {
        behind->prev->next = request;
    } else {
        list->first = request;
    }
    behind->prev = request;
    list->count++;
}

static size_t *counter(struct stream *stream, const struct client_request *request)
{
    return request->is_write && !request->inquiry ? &stream->writes : &stream->reads;
}

void request_mark_sent(struct client_session *session, struct stream *stream,
                       struct client_request *request)
{
    requests_remove(&session->waiting, request);
    requests_append(&session->sent, request);
    request->place = CLIENT_PLACE_SENT;
    request->stream = stream->id;
    (*counter(stream, request))++;
}

/* Out of the list in which it is. */
static void take_out(struct client_session *session, struct client_request *request)
{
    struct stream *stream = NULL;
    if (request->place == CLIENT_PLACE_WAITING) {
        requests_remove(&session->waiting, request);
    } else {
        CD_ASSERT(request->place == CLIENT_PLACE_SENT);
        requests_remove(&session->sent, request);
        stream = request->stream != 0 ? stream_find(session, request->stream) : NULL;
        CD_ASSERT((stream != NULL) == (request->stream != 0));
    }
    request->place = CLIENT_PLACE_NONE;
    request->stream = 0;
    if (stream != NULL) {
        (*counter(stream, request))--;
        stream_settle(session, stream);
    }
}

void request_wait_again(struct client_session *session, struct client_request *request)
{
    CD_ASSERT(request->place == CLIENT_PLACE_SENT && request->write == NULL);
    take_out(session, request);
    insert_by_id(&session->waiting, request);
    request->place = CLIENT_PLACE_WAITING;
}

/* Replies come nearly in the order of sending, so that the search ends near the front. */
struct client_request *request_find_sent(const struct client_session *session,
                                         const struct stream *stream, uint64_t id)
{
    for (struct client_request *request = session->sent.first; request != NULL;
         request = request->next) {
        if (request->id == id && request->stream == stream->id) {
            return request;
        }
    }
    return NULL;
}

static void finish(struct client_session *session, struct client_request *request)
{
    struct client_watch *watch = request->watch;
    if (request->write != NULL) {
        write_detach(session, request);
    }
    take_out(session, request);
    requests_append(&session->done, request);
    if (watch != NULL) {
        request->watch = NULL;
        watch->create = NULL;
        watch_create_ended(session, watch, request);
    }
}

CD_PRINTF(4, 0)
static void end(struct client_session *session, struct client_request *request,
                enum coord_code code, const char *format, va_list arguments)
{
    request->code = client_error_set_list(&request->error, code, format, arguments);
    finish(session, request);
}

void request_end(struct client_session *session, struct client_request *request,
                 enum coord_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(session, request, code, format, arguments);
    va_end(arguments);
}

void request_succeed(struct client_session *session, struct client_request *request,
                     struct coord_result *result)
{
    request->code = COORD_OK;
    request->result = result;
    finish(session, request);
}

void request_lose_write(struct client_session *session, struct client_request *request,
                        const char *format, ...)
{
    char why[COORD_ERROR_MESSAGE_BYTES / 2];
    va_list arguments;
    CD_ASSERT(request->is_write);
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    request_end(session, request, COORD_OUTCOME_UNKNOWN,
                "%s; it may or may not have been done: look before you repeat it", why);
}

/* ---- Sentences about the endpoints ---- */

/* Appends as snprintf would; returns the new length, at most `size` - 1. */
CD_PRINTF(4, 5)
static size_t append(char *to, size_t used, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(to + used, size - used, format, arguments);
    va_end(arguments);
    size_t sum = used + (more > 0 ? (size_t)more : 0);
    return sum < size ? sum : size - 1;
}

static const char *reason_text(const struct client_session *session, size_t endpoint)
{
    if (session->reasons[endpoint].code != COORD_OK) {
        return session->reasons[endpoint].text;
    }
    for (size_t i = 0; i < CLIENT_STREAMS_MAX; i++) {
        const struct stream *stream = &session->streams[i];
        if (stream->state != STREAM_FREE && stream->endpoint == endpoint) {
            return "no answer so far";
        }
    }
    return "not asked";
}

static void list_reasons(const struct client_session *session, char *to, size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < session->endpoints_count; i++) {
        used = append(to, used, size, "%s%s: %s", used != 0 ? "; " : "", session->endpoints[i],
                      reason_text(session, i));
    }
}

/* A replica was there, but could not serve for now. */
static bool is_passing(enum coord_code code)
{
    return code == COORD_NO_LEADER || code == COORD_BUSY || code == COORD_BEHIND ||
           code == COORD_SHUTTING_DOWN;
}

/* The one code for what all endpoints said, when nothing served in time. */
static enum coord_code summary_code(const struct client_session *session)
{
    enum coord_code found = COORD_UNREACHABLE;
    for (size_t i = 0; i < session->endpoints_count; i++) {
        if (session->reasons[i].code == COORD_NO_LEADER) {
            return COORD_NO_LEADER;
        }
        if (is_passing(session->reasons[i].code)) {
            found = session->reasons[i].code;
        }
    }
    return found;
}

static const char *summary_text(enum coord_code code)
{
    switch ((int)code) {
    case COORD_NO_LEADER:
        return "the replicas had no leader";
    case COORD_BUSY:
        return "the replicas were too busy";
    case COORD_BEHIND:
        return "the replicas were behind what this client has seen";
    case COORD_SHUTTING_DOWN:
        return "the replicas were stopping";
    case COORD_LIMIT_TIME:
        return "the replicas took too long";
    default:
        return "no replica could be reached";
    }
}

static void expire_unsent(struct client_session *session, struct client_request *request)
{
    unsigned long long waited = (unsigned long long)(request->deadline_ms - request->submitted_ms);
    char reasons[COORD_ERROR_MESSAGE_BYTES];
    list_reasons(session, reasons, sizeof(reasons));
    enum coord_code code = request->refused;
    if (request->inquiry) {
        request_lose_write(session, request,
                           "the session was lost, and nobody said within %llu ms "
                           "what became of it",
                           waited);
        return;
    }
    if (code == COORD_OK && session->active != NULL) {
        request_end(session, request, COORD_TIMEOUT, "not sent within %llu ms; nothing was done",
                    waited);
        return;
    }
    if (code == COORD_OK) {
        code = summary_code(session);
    }
    request_end(session, request, code, "%s within %llu ms%s. %s", summary_text(code), waited,
                request->is_write ? "; nothing was done" : "", reasons);
}

/* S8: it keeps its place among the writes of the session. */
static void expire_write(struct client_session *session, struct client_request *request)
{
    unsigned long long waited = (unsigned long long)(request->deadline_ms - request->submitted_ms);
    char reasons[COORD_ERROR_MESSAGE_BYTES / 4];
    list_reasons(session, reasons, sizeof(reasons));
    request_lose_write(session, request, "no answer within %llu ms (%s)", waited, reasons);
}

static void expire_sent(struct client_session *session, struct client_request *request)
{
    if (request->write != NULL) {
        expire_write(session, request);
        return;
    }
    unsigned long long waited = (unsigned long long)(request->deadline_ms - request->submitted_ms);
    const char *endpoint = stream_endpoint(session, stream_find(session, request->stream));
    if (request->is_write) {
        request_lose_write(session, request, "no answer from %s within %llu ms", endpoint, waited);
    } else if (request->refused != COORD_OK) {
        expire_unsent(session, request);
    } else {
        request_end(session, request, COORD_TIMEOUT, "no answer from %s within %llu ms", endpoint,
                    waited);
    }
}

static uint64_t expire_list(struct client_session *session, struct request_list *list,
                            uint64_t now_ms)
{
    uint64_t next_ms = CLIENT_NEVER;
    struct client_request *next = NULL;
    for (struct client_request *request = list->first; request != NULL; request = next) {
        next = request->next;
        if (request->deadline_ms > now_ms) {
            next_ms = request->deadline_ms < next_ms ? request->deadline_ms : next_ms;
        } else if (request->place == CLIENT_PLACE_WAITING) {
            expire_unsent(session, request);
        } else {
            expire_sent(session, request);
        }
    }
    return next_ms;
}

/* Those of one state that were not set in time. */
static uint64_t expire_watches(struct client_session *session, enum client_watch_state state,
                               uint64_t now_ms)
{
    uint64_t next_ms = CLIENT_NEVER;
    struct client_watch *next = NULL;
    char reasons[COORD_ERROR_MESSAGE_BYTES];
    for (struct client_watch *watch = session->watches[state].first; watch != NULL; watch = next) {
        next = watch->next;
        if (watch->told_set || watch->deadline_ms == 0) {
            continue;
        }
        if (watch->deadline_ms > now_ms) {
            next_ms = watch->deadline_ms < next_ms ? watch->deadline_ms : next_ms;
        } else if (session->active != NULL) {
            watch_end(session, watch, COORD_TIMEOUT, "no answer from %s in time",
                      stream_endpoint(session, session->active));
        } else {
            enum coord_code code = summary_code(session);
            list_reasons(session, reasons, sizeof(reasons));
            watch_end(session, watch, code, "%s in time. %s", summary_text(code), reasons);
        }
    }
    return next_ms;
}

void requests_expire(struct client_session *session, uint64_t now_ms)
{
    if (now_ms < session->expiry_ms) {
        return;
    }
    uint64_t waiting = expire_list(session, &session->waiting, now_ms);
    uint64_t sent = expire_list(session, &session->sent, now_ms);
    uint64_t next_ms = waiting < sent ? waiting : sent;
    for (int state = WATCH_NEW; state <= WATCH_SENT; state++) { /* the others are answered */
        uint64_t watches = expire_watches(session, (enum client_watch_state)state, now_ms);
        next_ms = watches < next_ms ? watches : next_ms;
    }
    session->expiry_ms = next_ms;
}

void requests_refuse_waiting(struct client_session *session)
{
    char reasons[COORD_ERROR_MESSAGE_BYTES];
    enum coord_code code = session->reasons[0].code;
    list_reasons(session, reasons, sizeof(reasons));
    while (session->waiting.first != NULL) {
        struct client_request *request = session->waiting.first;
        if (request->inquiry) {
            request_lose_write(session, request,
                               "the session was lost, and nobody says what became "
                               "of it");
        } else {
            request_end(session, request, code, "%s", reasons);
        }
    }
    watches_refuse_new(session, code, reasons);
}
