#include "checkers/lifetimes.h"

#include <stdlib.h>

/* What clients showed of one session; beside truth->sessions. */
struct life {
    const struct event *told;                /* OPENED; NULL: an orphan */
    const struct event *confirmed;           /* CONFIRMED of the frame that was sent last */
    const struct event *sent;                /* that frame */
    const struct event *last_sent;           /* the last frame at all */
    const struct event *lost;                /* STATE LOST */
    uint32_t timeout_min_ms, timeout_max_ms; /* of all that were granted */
};

struct frames {
    const struct event **items; /* [number]: SENT */
    size_t count, capacity;
};

struct work {
    const struct truth *truth;
    const struct lifetimes_options *options;
    struct verdict *verdict;
    struct life *lives;
    struct frames *frames; /* [client] */
    uint64_t end_us;
};

static struct life *life_of(struct work *work, uint64_t session)
{
    const struct truth_session *found = truth_session(work->truth, session);
    return found == NULL ? NULL : &work->lives[found - work->truth->sessions];
}

static void grant(struct life *life, uint32_t timeout_ms)
{
    if (life->timeout_min_ms == 0 || timeout_ms < life->timeout_min_ms) {
        life->timeout_min_ms = timeout_ms;
    }
    if (timeout_ms > life->timeout_max_ms) {
        life->timeout_max_ms = timeout_ms;
    }
}

static void send_frame(struct work *work, const struct event *event, struct life *life)
{
    struct frames *frames = &work->frames[event->client];
    while (frames->count <= event->frame && event->frame <= work->truth->events->count) {
        frames->items = checker_grow(frames->items, frames->count, &frames->capacity,
                                     sizeof(const struct event *));
        frames->items[frames->count++] = NULL;
    }
    if (event->frame < frames->count && frames->items[event->frame] == NULL) {
        frames->items[event->frame] = event;
    }
    if (life != NULL) {
        life->last_sent = event;
    }
}

static bool confirm(struct work *work, const struct event *event, struct life *life)
{
    const struct frames *frames = &work->frames[event->client];
    const struct event *sent = event->frame < frames->count ? frames->items[event->frame] : NULL;
    if (sent == NULL || life == NULL) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "lifetimes: a frame is confirmed that was never sent");
    }
    if (life->sent == NULL || sent->at_us > life->sent->at_us) {
        life->sent = sent;
        life->confirmed = event;
    }
    return true;
}

/* The process was stopped at `at_us`, or had only just gone on. */
static bool was_stopped(const struct work *work, uint32_t client, uint64_t at_us)
{
    const struct events *events = work->truth->events;
    const struct event *last = NULL;
    for (size_t i = 0; i < events->count && events->items[i].at_us <= at_us; i++) {
        const struct event *event = &events->items[i];
        if (event->client == client && (event->kind == EV_STOPPED || event->kind == EV_CONTINUED)) {
            last = event;
        }
    }
    return last != NULL &&
           (last->kind == EV_STOPPED || at_us - last->at_us <= work->options->wake_us);
}

/* CONNECTED or SUSPECT. */
static bool hold_on(struct work *work, const struct event *event, const struct life *life)
{
    if (life->lost != NULL) {
        return events_fail(work->truth->events, life->lost, event, work->verdict,
                           "lifetimes: LOST was not final");
    }
    const struct event *ended = truth_session(work->truth, event->session)->ended;
    if (ended != NULL && ended->cause == CAUSE_EXPIRE && ended->at_us < event->at_us &&
        !was_stopped(work, event->client, event->at_us)) {
        return events_fail(work->truth->events, event, ended, work->verdict,
                           "lifetimes: a client trusts a session that has expired");
    }
    return true;
}

/* On the client's clock it was LOST in time. */
static bool lose(struct work *work, const struct event *event, struct life *life)
{
    if (life == NULL) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "lifetimes: a state of a session that was never opened");
    }
    if (event->state != STATE_LOST) {
        return hold_on(work, event, life);
    }
    life->lost = life->lost == NULL ? event : life->lost;
    if (life->told != NULL && event->at_us <= life->told->at_us + work->options->lost_us) {
        return true; /* it heard of its session when its lease was over */
    }
    uint64_t share_us = (uint64_t)life->timeout_max_ms * work->options->lost_permille;
    if (life->sent != NULL && event->local_us != 0 && life->sent->local_us != 0 &&
        event->local_us > life->sent->local_us + share_us + work->options->lost_us &&
        !was_stopped(work, event->client, event->at_us)) {
        return events_fail(work->truth->events, event, life->sent, work->verdict,
                           "lifetimes: LOST came too late on the client's clock");
    }
    return true;
}

static bool take(struct work *work, const struct event *event)
{
    struct life *life = event->session != 0 ? life_of(work, event->session) : NULL;
    if (event->session == 0 && (event->kind == EV_CONFIRMED || event->kind == EV_STATE)) {
        return true; /* a stream without a session has nothing to lose */
    }
    switch (event->kind) {
    case EV_APPLIED:
        if (life != NULL && event->timeout_ms != 0) {
            grant(life, event->timeout_ms);
        }
        return true;
    case EV_OPENED:
        if (life == NULL) {
            return events_fail(work->truth->events, event, NULL, work->verdict,
                               "lifetimes: a session that the truth does not have");
        }
        life->told = event;
        return true;
    case EV_SENT:
        send_frame(work, event, life);
        return true;
    case EV_CONFIRMED:
        return confirm(work, event, life);
    case EV_STATE:
        return lose(work, event, life);
    default:
        return true;
    }
}

/* ---- Expiry ---- */

static bool check_expiry(const struct work *work, const struct truth_session *session,
                         const struct life *life)
{
    const struct event *expired = session->ended;
    const struct event *from = life->sent != NULL ? life->sent : session->opened;
    uint64_t timeout_us = (uint64_t)life->timeout_min_ms * 1000;
    uint64_t least_us = timeout_us - timeout_us / 1000000 * work->options->clock_ppm;
    if (expired->at_us < from->at_us + least_us ||
        expired->at_us < session->opened->at_us + least_us) {
        return events_fail(work->truth->events, expired, from, work->verdict,
                           "lifetimes: a session expired before its timeout of %u ms",
                           life->timeout_min_ms);
    }
    bool lost = life->lost != NULL && life->lost->at_us <= expired->at_us;
    if (life->told == NULL || life->told->at_us > expired->at_us || lost ||
        was_stopped(work, life->told->client, expired->at_us)) {
        return true;
    }
    return events_fail(work->truth->events, expired, life->lost, work->verdict,
                       "lifetimes: a session expired that its client did not take for LOST");
}

static bool check_silence(const struct work *work, const struct truth_session *session,
                          const struct life *life)
{
    const struct event *from = life->last_sent != NULL ? life->last_sent : session->opened;
    uint64_t from_us =
        from->at_us > work->options->healed_us ? from->at_us : work->options->healed_us;
    uint64_t timeout_us = (uint64_t)life->timeout_max_ms * 1000;
    if (work->end_us <= from_us + timeout_us + timeout_us / 1000000 * work->options->clock_ppm +
                            work->options->expiry_us) {
        return true;
    }
    return events_fail(work->truth->events, session->opened, from, work->verdict,
                       "lifetimes: a session outlived the silence of its client");
}

static bool check_sessions(const struct work *work)
{
    for (size_t i = 0; i < work->truth->sessions_count; i++) {
        const struct truth_session *session = &work->truth->sessions[i];
        bool ok = true;
        if (session->ended == NULL) {
            ok = check_silence(work, session, &work->lives[i]);
        } else if (session->ended->cause == CAUSE_EXPIRE) {
            ok = check_expiry(work, session, &work->lives[i]);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* ---- Ephemeral nodes ---- */

static bool check_nodes(const struct work *work)
{
    const struct truth *truth = work->truth;
    for (size_t i = 0; i < truth->changes_count; i++) {
        const struct truth_change *made = &truth->changes[i];
        if (made->change.owner == 0 || made->change.kind != MODEL_CREATED) {
            continue;
        }
        const struct truth_session *owner = truth_session(truth, made->change.owner);
        if (owner == NULL || (owner->ended != NULL && made->zxid > owner->ended->zxid)) {
            return events_fail(truth->events, truth->writes[made->write].applied,
                               owner != NULL ? owner->ended : NULL, work->verdict,
                               "lifetimes: %s was made by a session that is not there",
                               made->change.path);
        }
    }
    return true;
}

bool lifetimes_check(const struct truth *truth, const struct lifetimes_options *options,
                     struct verdict *verdict)
{
    struct work work = {.truth = truth, .options = options, .verdict = verdict};
    work.lives = checker_zeros(truth->sessions_count + 1, sizeof(*work.lives));
    work.frames = checker_zeros(EVENTS_CLIENTS_MAX, sizeof(*work.frames));
    const struct events *events = truth->events;
    work.end_us = options->end_us != 0 ? options->end_us
                  : events->count > 0  ? events->items[events->count - 1].at_us
                                       : 0;
    bool ok = true;
    for (size_t i = 0; i < events->count && ok; i++) {
        ok = take(&work, &events->items[i]);
    }
    ok = ok && check_sessions(&work) && check_nodes(&work);
    for (size_t i = 0; i < EVENTS_CLIENTS_MAX; i++) {
        free(work.frames[i].items);
    }
    free(work.frames);
    free(work.lives);
    return ok;
}
