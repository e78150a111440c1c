#include "checkers/queues.h"

#include "checkers/line.h"

#include <stdlib.h>
#include <string.h>

static size_t places(const struct model_queue *queue)
{
    return queue == NULL || queue->n == 0 ? 1 : queue->n;
}

/* ---- 1. What was told, and what was written under a fence, against the line at its zxid ---- */

struct claim {
    uint64_t zxid;              /* of the state that it is about */
    const struct event *event;  /* FRONT, or the INVOKE of a fenced write */
    const struct event *second; /* QUEUED, or APPLIED */
    const char *path;
    uint64_t fence;
    const struct model_queue *queue;
};

struct claims {
    struct claim *items;
    size_t count, capacity;
};

static int by_zxid(const void *a, const void *b)
{
    const struct claim *left = a;
    const struct claim *right = b;
    if (left->zxid != right->zxid) {
        return left->zxid < right->zxid ? -1 : 1;
    }
    return left->event < right->event ? -1 : left->event > right->event;
}

static void add(struct claims *claims, struct claim claim)
{
    claims->items =
        checker_grow(claims->items, claims->count, &claims->capacity, sizeof(*claims->items));
    claims->items[claims->count++] = claim;
}

static const struct event *queued_before(const struct events *events, const struct event *front)
{
    for (const struct event *event = front; event > events->items; event--) {
        if (event[-1].kind == EV_QUEUED && event[-1].client == front->client &&
            event[-1].watch == front->watch) {
            return &event[-1];
        }
    }
    return NULL;
}

static bool collect(const struct truth *truth, struct claims *claims, struct verdict *verdict)
{
    const struct events *events = truth->events;
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];
        if (event->kind != EV_FRONT) {
            continue;
        }
        const struct event *queued = queued_before(events, event);
        if (queued == NULL || event->path == NULL) {
            return events_fail(events, event, NULL, verdict,
                               "queues: a place was told to nobody who asked");
        }
        add(claims, (struct claim){.zxid = event->zxid,
                                   .event = event,
                                   .second = queued,
                                   .path = event->path,
                                   .fence = event->fence,
                                   .queue = queued->queue});
    }
    for (size_t i = 0; i < truth->writes_count; i++) {
        const struct truth_write *write = &truth->writes[i];
        const struct truth_op *op = truth_op(truth, write->op);
        if (op == NULL || !write->applied->changed || op->invoke->command->if_held.target == 0) {
            continue;
        }
        const struct model_compare *held = &op->invoke->command->if_held;
        if (held->path[line_queue_bytes(held->path)] == '\0') {
            continue; /* not sequential, in no queue: truth_build has seen to it */
        }
        add(claims, (struct claim){.zxid = write->applied->zxid - 1,
                                   .event = op->invoke,
                                   .second = write->applied,
                                   .path = held->path,
                                   .fence = (uint64_t)held->number,
                                   .queue = &held->queue});
    }
    return true;
}

static bool check_claim(const struct truth *truth, const struct line *line,
                        const struct claim *claim, struct verdict *verdict)
{
    const struct line_member *member = line_find(line, claim->path);
    bool front = member != NULL && line_rank(line, member, claim->queue) < places(claim->queue);
    const char *why = NULL;
    if (claim->event->kind == EV_INVOKE) {
        why = !front || member->czxid != claim->fence
                  ? "queues: a write took effect under a fence that did not hold"
                  : NULL;
    } else if (claim->event->front == FRONT_FRONT) {
        why = !front ? "queues: FRONT was told to a node that was not at the front"
              : member->czxid != claim->fence ? "queues: FRONT came with another fence"
                                              : NULL;
    } else if (claim->event->front == FRONT_WAITING) {
        why = member == NULL || front ? "queues: WAITING was told to a node that was not" : NULL;
    } else {
        why = member != NULL ? "queues: GONE was told of a node that was there" : NULL;
    }
    return why == NULL ||
           events_fail(truth->events, claim->event, claim->second, verdict, "%s", why);
}

static bool check_claims(const struct truth *truth, struct verdict *verdict)
{
    struct claims claims = {0};
    struct line line = {0};
    bool ok = collect(truth, &claims, verdict);
    if (claims.count > 1) {
        qsort(claims.items, claims.count, sizeof(*claims.items), by_zxid);
    }
    size_t next = 0;
    for (size_t i = 0; i < claims.count && ok; i++) {
        for (; next < truth->changes_count && truth->changes[next].zxid <= claims.items[i].zxid;
             next++) {
            line_change(&line, &truth->changes[next].change);
        }
        ok = check_claim(truth, &line, &claims.items[i], verdict);
    }
    line_release(&line);
    free(claims.items);
    return ok;
}

/* ---- 2. Told in time ---- */

struct wait {
    const struct event *queued;
    bool done;         /* told, or of no interest any more */
    uint64_t front_us; /* since when it is at the front; 0: it is not */
};

struct presence {
    bool linked, stopped;
    uint64_t since_us; /* of both */
};

struct work {
    const struct truth *truth;
    struct verdict *verdict;
    uint64_t told_us;
    struct line line;
    struct wait *waits;
    size_t count, capacity;
    struct presence clients[EVENTS_CLIENTS_MAX];
    size_t next; /* of truth->changes */
    bool links;  /* LINKED is recorded */
};

static void look(struct work *work, struct wait *wait, uint64_t now_us)
{
    const struct line_member *member = line_find(&work->line, wait->queued->path);
    bool front = member != NULL &&
                 line_rank(&work->line, member, wait->queued->queue) < places(wait->queued->queue);
    if (!front) {
        wait->front_us = 0;
    } else if (wait->front_us == 0) {
        wait->front_us = now_us;
    }
}

static bool is_late(const struct work *work, const struct wait *wait, uint64_t now_us)
{
    const struct presence *client = &work->clients[wait->queued->client];
    if (wait->done || wait->front_us == 0 || client->stopped || (work->links && !client->linked)) {
        return false;
    }
    uint64_t from_us = wait->front_us > client->since_us ? wait->front_us : client->since_us;
    return now_us > from_us + work->told_us;
}

/* Waits that are over are thrown out on the way. */
static bool check_waits(struct work *work, const struct event *now)
{
    size_t kept = 0;
    for (size_t i = 0; i < work->count; i++) {
        if (is_late(work, &work->waits[i], now->at_us)) {
            return events_fail(work->truth->events, work->waits[i].queued, now, work->verdict,
                               "queues: it has been at the front since %llu us and was not told",
                               (unsigned long long)work->waits[i].front_us);
        }
        if (!work->waits[i].done) {
            work->waits[kept++] = work->waits[i];
        }
    }
    work->count = kept;
    return true;
}

static void end_waits(struct work *work, const struct event *event)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct event *queued = work->waits[i].queued;
        bool its =
            queued->client == event->client &&
            (event->kind == EV_STATE ? queued->session == 0 || queued->session == event->session
                                     : queued->watch == event->watch);
        work->waits[i].done = work->waits[i].done || its;
    }
}

static void be_present(struct work *work, const struct event *event)
{
    struct presence *client = &work->clients[event->client];
    client->linked = event->kind == EV_LINKED || (event->kind != EV_UNLINKED && client->linked);
    client->stopped = event->kind == EV_STOPPED || (event->kind != EV_CONTINUED && client->stopped);
    client->since_us = event->at_us;
}

static void change_line(struct work *work, const struct event *event)
{
    const struct truth *truth = work->truth;
    bool changed = false;
    while (work->next < truth->changes_count &&
           truth->writes[truth->changes[work->next].write].applied <= event) {
        const struct model_change *change = &truth->changes[work->next++].change;
        line_change(&work->line, change);
        changed = changed || change->sequential;
    }
    for (size_t i = 0; i < work->count && changed; i++) {
        look(work, &work->waits[i], event->at_us);
    }
}

static void take(struct work *work, const struct event *event)
{
    switch (event->kind) {
    case EV_QUEUED:
        work->waits = checker_grow(work->waits, work->count, &work->capacity, sizeof(*work->waits));
        work->waits[work->count++] = (struct wait){.queued = event};
        look(work, &work->waits[work->count - 1], event->at_us);
        break;
    case EV_FRONT:
        if (event->front != FRONT_WAITING) {
            end_waits(work, event);
        }
        break;
    case EV_UNWATCH:
        end_waits(work, event);
        break;
    case EV_STATE:
        if (event->state == STATE_LOST) {
            end_waits(work, event);
        }
        break;
    case EV_LINKED:
        work->links = true;
        be_present(work, event);
        break;
    case EV_UNLINKED:
    case EV_STOPPED:
    case EV_CONTINUED:
        be_present(work, event);
        break;
    case EV_APPLIED:
        change_line(work, event);
        break;
    default:
        break;
    }
}

static bool check_bound(const struct truth *truth, uint64_t told_us, struct verdict *verdict)
{
    struct work *work = checker_zeros(1, sizeof(*work));
    work->truth = truth;
    work->verdict = verdict;
    work->told_us = told_us;
    bool ok = true;
    for (size_t i = 0; i < truth->events->count && ok; i++) {
        ok = check_waits(work, &truth->events->items[i]);
        take(work, &truth->events->items[i]);
    }
    line_release(&work->line);
    free(work->waits);
    free(work);
    return ok;
}

bool queues_check(const struct truth *truth, uint64_t told_us, struct verdict *verdict)
{
    return check_claims(truth, verdict) && check_bound(truth, told_us, verdict);
}
