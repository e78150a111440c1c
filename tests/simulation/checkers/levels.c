#include "checkers/levels.h"

#include <stdlib.h>

struct sent {
    uint64_t op;
    uint64_t session; /* 0: writes of one stream belong together */
};

struct client {
    uint64_t session;
    uint64_t links;           /* streams that began or ended */
    const struct event *seen; /* that showed the highest zxid */
    struct sent *writes;      /* in the order of their sending */
    size_t count, capacity;
};

/* As it was when the read was asked for. */
struct asked {
    size_t writes;
    uint64_t session, links;
    const struct event *seen;
};

/* An operation as it was sent last. */
struct sending {
    uint64_t links; /* its client's then */
    uint64_t place; /* among all that was asked for and sent */
};

struct work {
    const struct truth *truth;
    struct client *clients;
    struct asked *asked;      /* [op] */
    struct sending *sendings; /* [op] */
    uint64_t places;
    struct verdict *verdict;
};

static void note_sending(struct work *work, const struct event *event)
{
    work->sendings[event->op] =
        (struct sending){.links = work->clients[event->client].links, .place = ++work->places};
}

static void ask(struct work *work, const struct event *event)
{
    struct client *client = &work->clients[event->client];
    note_sending(work, event);
    if (model_is_read(event->command)) {
        work->asked[event->op] = (struct asked){.writes = client->count,
                                                .session = client->session,
                                                .links = client->links,
                                                .seen = client->seen};
        return;
    }
    const struct truth_op *op = truth_op(work->truth, event->op);
    client->writes =
        checker_grow(client->writes, client->count, &client->capacity, sizeof(*client->writes));
    client->writes[client->count++] = (struct sent){.op = event->op, .session = op->session};
}

/* Without a session only what a stream was sent, in this order, belongs together: of a write that
 * was refused there a read on the next stream does not know. */
static bool is_together(const struct work *work, const struct sent *sent, uint64_t read,
                        uint64_t session)
{
    const struct sending *write = &work->sendings[sent->op];
    const struct sending *mine = &work->sendings[read];
    return sent->session != 0 ? sent->session == session
                              : write->links == mine->links && write->place < mine->place;
}

/* The zxid that a write took which the read's session or stream knows; NULL if it took none. */
static const struct event *effect(const struct work *work, const struct sent *sent, uint64_t read,
                                  uint64_t session)
{
    const struct truth_op *op = truth_op(work->truth, sent->op);
    bool same = is_together(work, sent, read, session);
    bool given_up = sent->session == 0 && op->ret != NULL && op->ret->outcome == OUTCOME_UNKNOWN;
    if (!same || given_up || op->write == TRUTH_NONE) {
        return NULL; /* whoever was told that it is unknown, waits for it no more */
    }
    const struct event *applied = work->truth->writes[op->write].applied;
    return applied->changed ? applied : NULL;
}

static bool check_writes(struct work *work, const struct event *ret, const struct truth_op *op,
                         struct verdict *verdict)
{
    const struct client *client = &work->clients[ret->client];
    const struct asked *asked = &work->asked[ret->op];
    uint64_t session = asked->session != 0 ? asked->session : client->session;
    session = op->sent > 0 ? op->session : session; /* as it was sent last */
    for (size_t i = asked->writes; i > 0; i--) {
        const struct event *before = effect(work, &client->writes[i - 1], ret->op, session);
        if (before != NULL && ret->zxid < before->zxid) {
            return events_fail(work->truth->events, ret, before, verdict,
                               "levels: a read misses a write that was sent before it");
        }
        if (before != NULL) {
            break;
        }
    }
    bool again = op->sent > 1 || asked->links != client->links;
    if (op->invoke->level != LEVEL_SESSION || again || session == 0) {
        return true;
    }
    for (size_t i = asked->writes; i < client->count; i++) {
        const struct event *after = effect(work, &client->writes[i], ret->op, session);
        if (after != NULL && ret->zxid >= after->zxid) {
            return events_fail(work->truth->events, ret, after, verdict,
                               "levels: a SESSION read sees a write that was sent after it");
        }
        if (after != NULL) {
            break;
        }
    }
    return true;
}

static bool check_read(struct work *work, const struct event *ret)
{
    const struct truth_op *op = truth_op(work->truth, ret->op);
    if (!model_is_read(op->invoke->command)) {
        return true;
    }
    const struct event *seen = work->asked[ret->op].seen;
    if (op->invoke->level == LEVEL_SESSION && seen != NULL && ret->zxid < seen->zxid) {
        return events_fail(work->truth->events, ret, seen, work->verdict,
                           "levels: a SESSION read is older than what its client had seen");
    }
    if (op->invoke->level == LEVEL_AT_LEAST && ret->zxid < op->invoke->at_least) {
        return events_fail(work->truth->events, ret, op->invoke, work->verdict,
                           "levels: an AT_LEAST read is older than what it asked for");
    }
    return check_writes(work, ret, op, work->verdict);
}

static bool take(struct work *work, const struct event *event)
{
    struct client *client = &work->clients[event->client];
    bool shows = event->kind == EV_EVENT || event->kind == EV_BOOKMARK;
    bool ok = true;
    switch (event->kind) {
    case EV_INVOKE:
        ask(work, event);
        break;
    case EV_OPENED:
        client->session = event->session;
        break;
    case EV_SENT:
        if (event->op != 0) {
            note_sending(work, event);
        }
        break;
    case EV_LINKED:
    case EV_UNLINKED:
        client->links++;
        break;
    case EV_RETURN:
        shows = event->outcome == OUTCOME_ANSWERED;
        ok = !shows || check_read(work, event);
        break;
    default:
        break;
    }
    if (shows && (client->seen == NULL || event->zxid > client->seen->zxid)) {
        client->seen = event;
    }
    return ok;
}

bool levels_check(const struct truth *truth, struct verdict *verdict)
{
    struct work work = {.truth = truth, .verdict = verdict};
    work.clients = checker_zeros(EVENTS_CLIENTS_MAX, sizeof(*work.clients));
    work.asked = checker_zeros(truth->ops_count + 1, sizeof(*work.asked));
    work.sendings = checker_zeros(truth->ops_count + 1, sizeof(*work.sendings));
    bool ok = true;
    for (size_t i = 0; i < truth->events->count && ok; i++) {
        ok = take(&work, &truth->events->items[i]);
    }
    for (size_t i = 0; i < EVENTS_CLIENTS_MAX; i++) {
        free(work.clients[i].writes);
    }
    free(work.clients);
    free(work.asked);
    free(work.sendings);
    return ok;
}
