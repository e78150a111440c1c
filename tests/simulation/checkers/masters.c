#include "checkers/line.h"
#include "checkers/queues.h"

#include <stdlib.h>
#include <string.h>

/* Who held, or holds, the one place of a queue; each queue once. */
struct office {
    const char *path; /* of a member; its queue is named by the first `bytes` */
    size_t bytes;
    const struct event *granted; /* GRANTED; NULL: nobody ever */
    const struct event *ended;   /* that ended it; NULL: it goes on */
};

struct work {
    const struct truth *truth;
    struct verdict *verdict;
    struct office *offices;
    size_t count, capacity;
    uint64_t margin_us;
};

static struct office *office_of(struct work *work, const char *path)
{
    size_t bytes = line_queue_bytes(path);
    for (size_t i = 0; i < work->count; i++) {
        if (work->offices[i].bytes == bytes && strncmp(work->offices[i].path, path, bytes) == 0) {
            return &work->offices[i];
        }
    }
    work->offices =
        checker_grow(work->offices, work->count, &work->capacity, sizeof(*work->offices));
    work->offices[work->count] = (struct office){.path = path, .bytes = bytes};
    return &work->offices[work->count++];
}

/* FRONT with that fence came before. */
static bool was_told(const struct work *work, const struct event *granted)
{
    for (const struct event *event = granted; event > work->truth->events->items; event--) {
        if (event[-1].kind == EV_FRONT && event[-1].client == granted->client &&
            event[-1].front == FRONT_FRONT && event[-1].fence == granted->fence &&
            strcmp(event[-1].path, granted->path) == 0) {
            return true;
        }
    }
    return false;
}

static bool begin(struct work *work, const struct event *event)
{
    if (event->path == NULL || !was_told(work, event)) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "queues: a holder that was not told FRONT with its fence");
    }
    if (event->number > 1) {
        return true; /* a semaphore: FRONT is all there is to judge */
    }
    struct office *office = office_of(work, event->path);
    const struct event *before = office->granted;
    bool same = before != NULL && before->client == event->client &&
                strcmp(before->path, event->path) == 0 && before->fence == event->fence;
    if (before != NULL && office->ended == NULL && !same) {
        return events_fail(work->truth->events, before, event, work->verdict,
                           "masters: two holders at one time");
    }
    if (before != NULL && !same && event->fence <= before->fence) {
        return events_fail(work->truth->events, before, event, work->verdict,
                           "queues: the fence of the next holder is not higher");
    }
    if (office->ended != NULL && office->ended->kind != EV_STOPPED && !same &&
        event->at_us - office->ended->at_us < work->margin_us) {
        work->margin_us = event->at_us - office->ended->at_us;
    }
    office->granted = event;
    office->ended = NULL;
    return true;
}

static void end(struct work *work, const struct event *event)
{
    for (size_t i = 0; i < work->count; i++) {
        struct office *office = &work->offices[i];
        if (office->granted == NULL || office->ended != NULL ||
            office->granted->client != event->client) {
            continue;
        }
        bool its = event->kind == EV_STOPPED ||
                   (event->kind == EV_RELEASED && event->path != NULL &&
                    strcmp(event->path, office->granted->path) == 0) ||
                   (event->kind == EV_STATE && event->session == office->granted->session);
        office->ended = its ? event : NULL;
    }
}

bool masters_check(const struct truth *truth, uint64_t *ret_margin_us, struct verdict *verdict)
{
    struct work work = {.truth = truth, .verdict = verdict, .margin_us = UINT64_MAX};
    bool ok = true;
    for (size_t i = 0; i < truth->events->count && ok; i++) {
        const struct event *event = &truth->events->items[i];
        if (event->kind == EV_GRANTED) {
            ok = begin(&work, event);
        } else if (event->kind == EV_RELEASED || event->kind == EV_STOPPED ||
                   (event->kind == EV_STATE && event->state == STATE_LOST)) {
            end(&work, event);
        }
    }
    free(work.offices);
    if (ret_margin_us != NULL) {
        *ret_margin_us = work.margin_us;
    }
    return ok;
}
