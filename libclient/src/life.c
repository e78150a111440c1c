#include "session_internal.h"

#include <string.h>

/* A session from its opening to its end. */

static void set_state(struct client_session *session, enum coord_session_state state)
{
    session->state = state;
    if (session->id != 0) {
        session->state_id = session->id;
    }
}

void session_opened(struct client_session *session, struct stream *stream,
                    const struct client_welcome *welcome)
{
    session->id = welcome->session_id;
    session->attach = 1;
    session->last_seq = 0;
    session->kept_bytes = 0;
    stream->attach = 1;
    stream->give_up_ms = 0;
    if (session->id > session->last_seen_zxid) {
        session->last_seen_zxid = session->id; /* so that no replica that lags denies it */
    }
    client_lease_begin(&session->lease, stream->open_lease_ms, welcome->timeout_ms);
    set_state(session, COORD_STATE_CONNECTED);
    session_check_lease(session);
}

void session_check_lease(struct client_session *session)
{
    if (session->id == 0) {
        return;
    }
    switch (client_lease_state(&session->lease, session->now.lease_ms)) {
    case CLIENT_LEASE_GOOD:
        set_state(session, COORD_STATE_CONNECTED);
        return;
    case CLIENT_LEASE_SUSPECT:
        set_state(session, COORD_STATE_SUSPECT);
        return;
    case CLIENT_LEASE_LOST:
        session_over(session, COORD_STATE_LOST, "no replica confirmed the session in time");
        return;
    }
    CD_UNREACHABLE();
}

/* They were meant for a session that is no more, and perhaps for what it held. */
static void refuse_waiting_writes(struct client_session *session, const char *why)
{
    struct client_request *next = NULL;
    for (struct client_request *request = session->waiting.first; request != NULL; request = next) {
        next = request->next;
        if (request->is_write && !request->inquiry) {
            request_end(session, request, COORD_SESSION_EXPIRED, "%s; nothing was done", why);
        }
    }
}

void session_over(struct client_session *session, enum coord_session_state state, const char *why)
{
    uint64_t id = session->id;
    uint64_t close_seq = session->last_seq + 1;
    uint8_t secret[CLIENT_SECRET_BYTES];
    CD_ASSERT(id != 0 && (state == COORD_STATE_LOST || state == COORD_STATE_NONE));
    memcpy(secret, session->secret, sizeof(secret));
    set_state(session, state);
    session->id = 0;
    session->has_secret = false;
    session->open_wanted = false;
    refuse_waiting_writes(session, why);
    writes_inquire(session, id, secret, why);
    for (struct client_request *request = session->waiting.first; request != NULL;
         request = request->next) {
        request->after_seq = 0;
    }
    for (struct client_request *request = session->sent.first; request != NULL;
         request = request->next) {
        request->after_seq = 0;
    }
    watches_end(session, COORD_SESSION_EXPIRED, why);
    if (session->active != NULL && session->active->attach != 0) {
        reason_set(session, session->active->endpoint, COORD_SESSION_EXPIRED, "%s", why);
        stream_part(session, session->now.ms, session->active,
                    state == COORD_STATE_LOST ? close_seq : 0);
    }
    streams_forget_session(session);
}

/*
 * Attempts race, and each has a number: one that was given up may reach its replica after the one
 * that was welcomed first. Then another hello settles it, and attempts are farther apart from now
 * on, or a slow network would let them overtake one another for ever. Without a higher number of
 * our own somebody else has our secret.
 */
void session_moved(struct client_session *session, struct stream *stream)
{
    if (stream->attach < session->attach) {
        if (session->dial.hedge_shift < CLIENT_HEDGE_SHIFT_MAX) {
            session->dial.hedge_shift++;
        }
        reason_set(session, stream->endpoint, COORD_SESSION_MOVED,
                   "a later hello of this client "
                   "has overtaken this one");
        stream_fail(session, session->now.ms, stream);
    } else {
        session_over(session, COORD_STATE_LOST, "another client goes on with the session");
    }
}

/* ---- What others ask ---- */

uint64_t client_session_stream(const struct client_session *session)
{
    return session->active != NULL ? session->active->id : 0;
}

struct client_lease_view client_session_lease(const struct client_session *session)
{
    struct client_lease_view view = {.state = session->state, .id = session->state_id};
    if (session->id != 0) {
        view.timeout_ms = session->lease.timeout_ms;
        view.suspect_ms = client_lease_suspect_ms(&session->lease);
        view.lost_ms = client_lease_lost_ms(&session->lease);
    }
    return view;
}

enum coord_session_state client_lease_view_state(const struct client_lease_view *view,
                                                 uint64_t lease_ms)
{
    if (view->state != COORD_STATE_CONNECTED && view->state != COORD_STATE_SUSPECT) {
        return view->state;
    }
    if (lease_ms >= view->lost_ms) {
        return COORD_STATE_LOST;
    }
    return lease_ms >= view->suspect_ms ? COORD_STATE_SUSPECT : COORD_STATE_CONNECTED;
}
