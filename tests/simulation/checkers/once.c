#include "checkers/once.h"

#include <stdlib.h>
#include <string.h>

/* ---- Exactly once ---- */

static bool check_answered(const struct truth *truth, const struct truth_op *op,
                           struct verdict *verdict)
{
    if (op->write == TRUTH_NONE) {
        return events_fail(truth->events, op->ret, op->invoke, verdict,
                           "once: a write was acknowledged and is nowhere in the truth");
    }
    const struct event *applied = truth->writes[op->write].applied;
    if (applied->at_us < op->invoke->at_us) {
        return events_fail(truth->events, applied, op->invoke, verdict,
                           "once: a write was applied before anybody asked for it");
    }
    if (applied->at_us > op->ret->at_us) {
        return events_fail(truth->events, op->ret, applied, verdict,
                           "once: a write was acknowledged before it was applied");
    }
    if (op->ret->shown != NULL && op->ret->shown->code != applied->code) {
        return events_fail(truth->events, op->ret, applied, verdict,
                           "once: a write was answered with another code than it has");
    }
    return true;
}

static bool check_fate(const struct truth *truth, const struct truth_op *op,
                       struct verdict *verdict)
{
    if (op->invoke == NULL || op->ret == NULL || model_is_read(op->invoke->command)) {
        return true;
    }
    switch (op->ret->outcome) {
    case OUTCOME_ANSWERED:
        return check_answered(truth, op, verdict);
    case OUTCOME_NOT_APPLIED:
        if (op->write != TRUTH_NONE && truth->writes[op->write].applied->changed) {
            return events_fail(truth->events, op->ret, truth->writes[op->write].applied, verdict,
                               "once: a write was applied that was said never to be");
        }
        return true;
    case OUTCOME_UNKNOWN:
        return true;
    }
    return events_fail(truth->events, op->ret, NULL, verdict, "once: it returned without outcome");
}

/* What may be followed by another answer to the same write. */
static bool is_for_now(int code)
{
    enum {
        NO_LEADER = 13,
        BUSY = 14,
        OUTCOME_NOT_KNOWN = 15,
        SESSION_MOVED = 18,
        SHUTTING_DOWN = 25,
        IS_BEHIND = 29,
        LIMIT_TIME = 30,
    };
    return code == NO_LEADER || code == BUSY || code == OUTCOME_NOT_KNOWN ||
           code == SESSION_MOVED || code == SHUTTING_DOWN || code == IS_BEHIND ||
           code == LIMIT_TIME;
}

static int code_of(const struct event *event)
{
    return event->shown != NULL ? event->shown->code : event->code;
}

/* Every REPLY, and the RETURN, to one write. */
static bool check_replies(const struct truth *truth, struct verdict *verdict)
{
    const struct events *events = truth->events;
    const struct event **first = checker_zeros(truth->ops_count + 1, sizeof(const struct event *));
    bool ok = true;
    for (size_t i = 0; i < events->count && ok; i++) {
        const struct event *event = &events->items[i];
        bool reply = event->kind == EV_REPLY ||
                     (event->kind == EV_RETURN && event->outcome == OUTCOME_ANSWERED);
        const struct truth_op *op = reply ? truth_op(truth, event->op) : NULL;
        if (op == NULL || is_for_now(code_of(event)) || model_is_read(op->invoke->command)) {
            continue;
        }
        const struct event *before = first[event->op];
        if (before == NULL) {
            first[event->op] = event;
            continue;
        }
        bool same = before->zxid == event->zxid && code_of(before) == code_of(event);
        if (same && before->shown != NULL && event->shown != NULL) {
            same = model_difference(op->invoke->command, event->shown, before->shown) == NULL;
        }
        ok = same || events_fail(events, before, event, verdict,
                                 "once: one write was given two different answers");
    }
    free(first);
    return ok;
}

bool once_check(const struct truth *truth, struct verdict *verdict)
{
    for (size_t i = 0; i < truth->ops_count; i++) {
        if (!check_fate(truth, &truth->ops[i], verdict)) {
            return false;
        }
    }
    return check_replies(truth, verdict);
}

/* ---- Order within a session ---- */

struct sequel {
    uint64_t seq;                /* of the last write */
    const struct event *applied; /* it */
    const struct event *invoke;  /* of the last write that is known; NULL */
};

static bool check_bounds(const struct truth *truth, const struct event *applied,
                         const struct truth_session *session, struct verdict *verdict)
{
    if (session == NULL) {
        return events_fail(truth->events, applied, NULL, verdict,
                           "order: a write of a session that was never opened");
    }
    const struct event *ended = session->ended;
    bool after = ended != NULL && ended != applied &&
                 (applied->slot > ended->slot ||
                  (applied->slot == ended->slot && applied->index > ended->index));
    return !after || events_fail(truth->events, applied, ended, verdict,
                                 "order: a write of a session that had ended");
}

static bool follow(const struct truth *truth, const struct truth_write *write, struct sequel *line,
                   struct verdict *verdict)
{
    const struct event *applied = write->applied;
    if (applied->seq != line->seq + 1) {
        return events_fail(truth->events, applied, line->applied, verdict,
                           "order: seq %llu took effect where %llu was next",
                           (unsigned long long)applied->seq, (unsigned long long)line->seq + 1);
    }
    line->seq = applied->seq;
    line->applied = applied;
    const struct truth_op *op = truth_op(truth, write->op);
    if (op == NULL) {
        return true;
    }
    if (line->invoke != NULL && op->invoke->client != line->invoke->client) {
        return events_fail(truth->events, line->invoke, op->invoke, verdict,
                           "order: two clients write in one session");
    }
    if (line->invoke != NULL && op->invoke < line->invoke) {
        return events_fail(truth->events, line->invoke, op->invoke, verdict,
                           "order: writes took effect against the order of their sending");
    }
    line->invoke = op->invoke;
    return true;
}

bool order_check(const struct truth *truth, struct verdict *verdict)
{
    struct sequel *lines = checker_zeros(truth->sessions_count + 1, sizeof(*lines));
    bool ok = true;
    for (size_t i = 0; i < truth->writes_count && ok; i++) {
        const struct event *applied = truth->writes[i].applied;
        if (truth->writes[i].again || applied->session == 0 || applied->seq == 0) {
            continue;
        }
        const struct truth_session *session = truth_session(truth, applied->session);
        ok = check_bounds(truth, applied, session, verdict) &&
             follow(truth, &truth->writes[i], &lines[session - truth->sessions], verdict);
    }
    free(lines);
    return ok;
}
