#include "checkers/watches.h"

#include <stdlib.h>
#include <string.h>

enum standing {
    ACTIVE = 1,
    LAGGING,  /* removed by LAGGED; may be set again */
    CATCHING, /* that was sent; its events may come, and others need not wait for them */
    LEAVING,  /* unwatched: what is on its way may still come */
};

struct watch {
    uint64_t id;
    enum standing standing;
    const struct event *set; /* WATCH */
    uint64_t lagged;         /* zxid of LAGGED */
    uint64_t behind;         /* its events up to here come late, behind those of other watches */
    size_t cursor;           /* of truth->changes: everything before it came or need not */
    size_t *got;             /* at or behind the cursor, of its zxid, and there already */
    size_t got_count, got_capacity;
};

struct client {
    struct watch *watches;
    size_t count, capacity;
    const struct event *last; /* EVENT */
    uint64_t links;           /* streams that began or ended */
    bool in_session;          /* its stream goes on with one, or has opened one */
};

struct work {
    const struct truth *truth;
    struct client *clients;
    uint64_t *links; /* [op]: its client's when it was sent last */
    struct verdict *verdict;
};

/* ---- Which changes a watch is about ---- */

static bool is_parent(const char *path, const char *of)
{
    const char *slash = strrchr(of, '/');
    size_t bytes = (size_t)(slash - of);
    if (slash == of) {
        return strcmp(path, "/") == 0 && of[1] != '\0';
    }
    return strlen(path) == bytes && strncmp(path, of, bytes) == 0;
}

static bool is_above(const char *path, const char *of)
{
    size_t bytes = strlen(path);
    return strcmp(path, "/") == 0 || (strncmp(path, of, bytes) == 0 && of[bytes] == '/');
}

static bool is_about(const struct event *set, const struct truth_change *change)
{
    const char *path = change->change.path;
    if (set->kinds != 0 && (set->kinds & 1u << change->change.kind) == 0) {
        return false;
    }
    if (strcmp(set->path, path) == 0) {
        return true;
    }
    switch (set->scope) {
    case SCOPE_NODE:
        return false;
    case SCOPE_CHILDREN:
        return is_parent(set->path, path);
    case SCOPE_SUBTREE:
        return is_above(set->path, path);
    }
    return false;
}

static bool is_due(const struct event *set, const struct truth_change *change)
{
    uint64_t bit = UINT64_C(1) << set->identity;
    return ((change->denied | change->doubtful) & bit) == 0 && is_about(set, change);
}

/* ---- Progress ---- */

static bool has_got(const struct watch *watch, size_t index)
{
    for (size_t i = watch->got_count; i > 0; i--) {
        if (watch->got[i - 1] == index) {
            return true;
        }
    }
    return false;
}

/* Over all changes up to `zxid`, of which none that is due may be missing. */
static bool pass(struct work *work, struct watch *watch, uint64_t zxid, const struct event *by)
{
    const struct truth *truth = work->truth;
    while (watch->cursor < truth->changes_count && truth->changes[watch->cursor].zxid <= zxid) {
        const struct truth_change *change = &truth->changes[watch->cursor];
        if (is_due(watch->set, change) && !has_got(watch, watch->cursor)) {
            return events_fail(
                truth->events, by, truth->writes[change->write].applied, work->verdict,
                "watches: watch %llu of client %u on %s should have been told of %s "
                "before",
                (unsigned long long)watch->id, by->client, watch->set->path, change->change.path);
        }
        watch->cursor++;
        if (watch->cursor == truth->changes_count ||
            truth->changes[watch->cursor].zxid != change->zxid) {
            watch->got_count = 0;
        }
    }
    return true;
}

static bool pass_all(struct work *work, uint64_t zxid, const struct event *by)
{
    struct client *client = &work->clients[by->client];
    for (size_t i = 0; i < client->count; i++) {
        if (client->watches[i].standing == ACTIVE && !pass(work, &client->watches[i], zxid, by)) {
            return false;
        }
    }
    return true;
}

/* ---- What comes ---- */

static struct watch *find(struct client *client, uint64_t id)
{
    for (size_t i = 0; i < client->count; i++) {
        if (client->watches[i].id == id) {
            return &client->watches[i];
        }
    }
    return NULL;
}

static bool set(struct work *work, const struct event *event)
{
    struct client *client = &work->clients[event->client];
    struct watch *watch = find(client, event->watch);
    if (event->path == NULL) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "watches: a watch without a path");
    }
    if (watch == NULL) {
        client->watches = checker_grow(client->watches, client->count, &client->capacity,
                                       sizeof(*client->watches));
        watch = &client->watches[client->count++];
        *watch = (struct watch){.id = event->watch};
    }
    bool is_set = watch->standing == ACTIVE;
    bool goes_on =
        event->again && (is_set || watch->standing == LAGGING || watch->standing == CATCHING);
    bool waits = !is_set || !client->in_session; /* rearm_done is a session's (R18) */
    watch->set = event;
    if (!goes_on) {
        watch->cursor = truth_changes_after(work->truth, event->zxid);
        watch->got_count = 0;
    } else if (watch->standing == CATCHING && !pass(work, watch, event->zxid, event)) {
        return false;
    } else if (watch->standing == LAGGING && event->zxid > watch->lagged) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "watches: set again above the point of LAGGED");
    }
    watch->standing = event->again && waits ? CATCHING : ACTIVE;
    return event->again || pass_all(work, event->zxid, event);
}

static bool set_again(struct work *work, const struct event *event)
{
    struct client *client = &work->clients[event->client];
    struct watch *watch = find(client, event->watch);
    if (watch == NULL) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "watches: a watch that was not set again");
    }
    if (watch->standing == CATCHING) {
        watch->standing = ACTIVE;
        watch->behind = client->last != NULL ? client->last->zxid : 0;
    }
    return true;
}

static bool same_values(struct work *work, const struct watch *watch, const struct event *event,
                        const struct truth_change *change)
{
    const struct model_change *seen = event->change;
    const struct model_change *made = &change->change;
    const struct event *applied = work->truth->writes[change->write].applied;
    const char *what = NULL;
    if (seen->kind != made->kind) {
        what = "kind";
    } else if (seen->version != made->version || seen->czxid != made->czxid ||
               seen->mzxid != made->mzxid || seen->owner != made->owner) {
        what = "stat";
    } else if (watch->set->with_data && seen->value != made->value) {
        what = "value";
    } else if (watch->set->with_previous && seen->previous != made->previous) {
        what = "previous value";
    }
    if (what != NULL) {
        return events_fail(work->truth->events, event, applied, work->verdict,
                           "watches: an event with another %s than the change", what);
    }
    return applied->at_us <= event->at_us ||
           events_fail(work->truth->events, event, applied, work->verdict,
                       "watches: an event came before its change");
}

/* The change that the event tells of; TRUTH_NONE. */
static size_t match(struct work *work, const struct watch *watch, const struct event *event)
{
    const struct truth *truth = work->truth;
    for (size_t i = watch->cursor;
         i < truth->changes_count && truth->changes[i].zxid == event->zxid; i++) {
        if (strcmp(truth->changes[i].change.path, event->change->path) == 0 &&
            is_about(watch->set, &truth->changes[i]) && !has_got(watch, i)) {
            return i;
        }
    }
    return TRUTH_NONE;
}

/* Goes over what came or is not meant, so that what comes in order costs nothing. */
static void settle(struct work *work, struct watch *watch, uint64_t zxid)
{
    const struct truth *truth = work->truth;
    while (watch->cursor < truth->changes_count && truth->changes[watch->cursor].zxid == zxid) {
        bool got = has_got(watch, watch->cursor);
        if (!got && is_about(watch->set, &truth->changes[watch->cursor])) {
            return;
        }
        if (got && watch->got[watch->got_count - 1] == watch->cursor) {
            watch->got_count--;
        }
        watch->cursor++;
    }
    watch->got_count = 0;
}

static bool get(struct work *work, const struct event *event)
{
    const struct truth *truth = work->truth;
    struct client *client = &work->clients[event->client];
    struct watch *watch = find(client, event->watch);
    if (watch == NULL || watch->standing == LAGGING || event->change == NULL) {
        return events_fail(truth->events, event, NULL, work->verdict,
                           "watches: an event for a watch that is not set");
    }
    if (watch->standing == LEAVING) {
        return true;
    }
    bool late = watch->standing == CATCHING || event->zxid <= watch->behind;
    bool lower = client->last != NULL && client->last->zxid > event->zxid;
    client->last = lower ? client->last : event;
    if (late ? !pass(work, watch, event->zxid - 1, event)
             : !pass_all(work, event->zxid - 1, event)) {
        return false;
    }
    size_t index = match(work, watch, event);
    if (index == TRUTH_NONE) {
        return events_fail(truth->events, event, watch->set, work->verdict,
                           "watches: an event twice, or of no change that the watch is about");
    }
    const struct truth_change *change = &truth->changes[index];
    if ((change->denied & UINT64_C(1) << watch->set->identity) != 0) {
        return events_fail(truth->events, event, truth->writes[change->write].applied,
                           work->verdict, "watches: an event that this identity must not see");
    }
    watch->got =
        checker_grow(watch->got, watch->got_count, &watch->got_capacity, sizeof(*watch->got));
    watch->got[watch->got_count++] = index;
    settle(work, watch, event->zxid);
    return same_values(work, watch, event, change);
}

static bool skip(struct work *work, const struct event *event)
{
    struct watch *watch = find(&work->clients[event->client], event->watch);
    if (watch == NULL || watch->standing == LAGGING) {
        return events_fail(work->truth->events, event, NULL, work->verdict,
                           "watches: RESYNC or LAGGED for a watch that is not set");
    }
    if (watch->standing == LEAVING) {
        return true;
    }
    if (event->kind == EV_LAGGED) {
        watch->standing = LAGGING;
        watch->lagged = event->zxid;
        return pass(work, watch, event->zxid, event);
    }
    size_t after = truth_changes_after(work->truth, event->zxid);
    if (after > watch->cursor) {
        watch->cursor = after;
        watch->got_count = 0;
    }
    return true;
}

static bool was_applied(struct work *work, const struct event *event)
{
    const struct truth_write *write = truth_write_at(work->truth, event->zxid);
    if (event->zxid > truth_last_zxid(work->truth) ||
        (write != NULL && write->applied->at_us > event->at_us)) {
        return events_fail(work->truth->events, event, write != NULL ? write->applied : NULL,
                           work->verdict, "watches: a mark at what no replica had applied");
    }
    return true;
}

/* Without a session an answer may come on a stream that the watches have left. */
static bool comes_aside(const struct work *work, const struct event *ret)
{
    const struct truth_op *op = truth_op(work->truth, ret->op);
    return op->session == 0 && op->sent > 0 &&
           work->links[ret->op] != work->clients[ret->client].links;
}

static bool take(struct work *work, const struct event *event)
{
    struct client *client = &work->clients[event->client];
    switch (event->kind) {
    case EV_WATCH:
        return was_applied(work, event) && set(work, event);
    case EV_WATCHED:
        return set_again(work, event);
    case EV_UNWATCH:
        if (find(client, event->watch) != NULL) {
            find(client, event->watch)->standing = LEAVING;
        }
        return true;
    case EV_EVENT:
        return get(work, event);
    case EV_RESYNC:
    case EV_LAGGED:
        return was_applied(work, event) && skip(work, event);
    case EV_BOOKMARK:
    case EV_COMPLETE_TO:
        return was_applied(work, event) && pass_all(work, event->zxid, event);
    case EV_LINKED:
    case EV_UNLINKED:
        client->links++;
        client->in_session = false;
        return true;
    case EV_OPENED:
    case EV_RESUMED:
        client->in_session = true;
        return true;
    case EV_INVOKE:
        work->links[event->op] = client->links;
        return true;
    case EV_SENT:
        if (event->op != 0) {
            work->links[event->op] = client->links;
        }
        return true;
    case EV_RETURN:
        return event->outcome != OUTCOME_ANSWERED || comes_aside(work, event) ||
               pass_all(work, event->zxid, event);
    case EV_STATE:
        for (size_t i = 0; i < client->count && event->state == STATE_LOST; i++) {
            client->watches[i].standing = LEAVING;
        }
        return true;
    default:
        return true;
    }
}

bool watches_check(const struct truth *truth, struct verdict *verdict)
{
    struct work work = {.truth = truth, .verdict = verdict};
    work.clients = checker_zeros(EVENTS_CLIENTS_MAX, sizeof(*work.clients));
    work.links = checker_zeros(truth->ops_count + 1, sizeof(*work.links));
    bool ok = true;
    for (size_t i = 0; i < truth->events->count && ok; i++) {
        ok = take(&work, &truth->events->items[i]);
    }
    for (size_t i = 0; i < EVENTS_CLIENTS_MAX; i++) {
        for (size_t k = 0; k < work.clients[i].count; k++) {
            free(work.clients[i].watches[k].got);
        }
        free(work.clients[i].watches);
    }
    free(work.clients);
    free(work.links);
    return ok;
}
