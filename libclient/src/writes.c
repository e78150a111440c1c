#include "session_internal.h"

#include <string.h>

/* ---- The list ---- */

static void append(struct client_session *session, struct client_write *write)
{
    write->prev = session->writes_last;
    if (session->writes_last != NULL) {
        session->writes_last->next = write;
    } else {
        session->writes = write;
    }
    session->writes_last = write;
    session->writes_count++;
    write->seq = ++session->last_seq;
}

/* Out of the list; its memory but its request's goes. */
static void drop(struct client_session *session, struct client_write *write)
{
    if (write->prev != NULL) {
        write->prev->next = write->next;
    } else {
        session->writes = write->next;
    }
    if (write->next != NULL) {
        write->next->prev = write->prev;
    } else {
        session->writes_last = write->prev;
    }
    session->writes_count--;
    if (write->request == NULL) {
        session->detached_count--;
        client_free(write->bytes);
    }
    client_free(write);
}

uint64_t writes_mark(const struct client_session *session)
{
    return session->writes != NULL ? session->writes->seq - 1 : session->last_seq;
}

size_t writes_room(const struct client_session *session, const struct stream *stream)
{
    uint64_t above = session->last_seq - writes_mark(session);
    uint64_t limit = stream->limits.unacked_writes;
    if (limit == 0) {
        return SIZE_MAX;
    }
    return above < limit ? (size_t)(limit - above) : 0;
}

/* ---- From its number to its answer ---- */

struct client_write *write_begin(struct client_session *session, struct client_request *request)
{
    struct client_write *write = client_calloc(1, sizeof(*write));
    CD_ASSERT(request->is_write && request->place == CLIENT_PLACE_WAITING && session->id != 0);
    if (write == NULL) {
        return NULL;
    }
    write->request = request;
    write->id = request->id;
    write->bytes = request->bytes;
    write->tail_offset = request->tail_offset;
    write->kind = request->kind;
    write->watch = request->watch;
    append(session, write);
    request->write = write;
    requests_remove(&session->waiting, request);
    requests_append(&session->sent, request);
    request->place = CLIENT_PLACE_SENT;
    return write;
}

/* Replies come nearly in the order of sending, so that the search ends near the front. */
struct client_write *write_find(const struct client_session *session, const struct stream *stream,
                                uint64_t id)
{
    for (struct client_write *write = session->writes; write != NULL; write = write->next) {
        if (write->id == id && write->stream == stream->id) {
            return write;
        }
    }
    return NULL;
}

void writes_send_again(struct client_write *from)
{
    for (struct client_write *write = from; write != NULL; write = write->next) {
        write->stream = 0;
    }
}

void writes_lose_stream(struct client_session *session, const struct stream *stream)
{
    for (struct client_write *write = session->writes; write != NULL; write = write->next) {
        if (write->stream == stream->id) {
            write->stream = 0;
        }
    }
}

struct client_request *write_answered(struct client_session *session, struct client_write *write,
                                      size_t reply_bytes)
{
    struct client_request *request = write->request;
    session->kept_bytes += reply_bytes;
    if (request != NULL) {
        request->write = NULL;
    }
    drop(session, write);
    return request;
}

void write_detach(struct client_session *session, struct client_request *request)
{
    struct client_write *write = request->write;
    CD_ASSERT(write != NULL && write->request == request);
    write->request = NULL;
    write->watch = NULL;
    session->detached_count++;
    request->write = NULL;
    request->bytes = NULL;
}

/* ---- Forget ---- */

/* Half: the reply to what is under way may be as large as the rest. */
static bool forget_is_due(const struct client_session *session)
{
    return session->kept_limit != 0 && session->kept_bytes >= session->kept_limit / 2 &&
           writes_mark(session) != 0;
}

struct client_write *writes_forget(struct client_session *session)
{
    struct client_request request = {.bytes = NULL};
    const struct client_op op = {.kind = CLIENT_OP_FORGET, .seq = writes_mark(session)};
    if (!forget_is_due(session)) {
        return NULL;
    }
    struct client_write *write = client_calloc(1, sizeof(*write));
    if (write == NULL || client_codec_request_encode(&request, &op, NULL, NULL) != COORD_OK) {
        client_free(write);
        return NULL;
    }
    write->id = ++session->last_request;
    write->bytes = request.bytes;
    write->tail_offset = request.tail_offset;
    write->kind = CLIENT_OP_FORGET;
    session->detached_count++;
    append(session, write);
    return write;
}

/* ---- The end of the session ---- */

/* The request asks from now on what became of it. False: no memory. */
static bool turn_into_inquiry(struct client_request *request, uint64_t session_id,
                              const uint8_t *secret, uint64_t seq)
{
    struct client_request inquiry = {.bytes = NULL};
    const struct client_op op = {.kind = CLIENT_OP_OUTCOME_OF,
                                 .path = "",
                                 .session = session_id,
                                 .secret = secret,
                                 .seq = seq};
    if (client_codec_request_encode(&inquiry, &op, NULL, NULL) != COORD_OK) {
        return false;
    }
    client_free(request->bytes);
    request->bytes = inquiry.bytes;
    request->tail_offset = inquiry.tail_offset;
    request->bytes_count = inquiry.bytes_count;
    request->inquiry = true;
    request->busy_count = 0;
    return true;
}

void writes_inquire(struct client_session *session, uint64_t id, const uint8_t *secret,
                    const char *why)
{
    while (session->writes != NULL) {
        struct client_write *write = session->writes;
        uint64_t seq = write->seq;
        struct client_request *request = write_answered(session, write, 0);
        if (request == NULL) {
            continue;
        }
        if (turn_into_inquiry(request, id, secret, seq)) {
            request_wait_again(session, request);
        } else {
            request_lose_write(session, request, "%s, and there was no memory to ask", why);
        }
    }
    session->last_seq = 0;
    session->kept_bytes = 0;
}
