#include "checkers/carry_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Operations ---- */

static struct truth_op *op_at(struct truth *truth, uint64_t number)
{
    while (truth->ops_count <= number) {
        truth->ops =
            checker_grow(truth->ops, truth->ops_count, &truth->ops_capacity, sizeof(*truth->ops));
        truth->ops[truth->ops_count++] = (struct truth_op){.write = TRUTH_NONE};
    }
    return &truth->ops[number];
}

static bool index_op(struct truth *truth, const struct event *event, struct verdict *verdict)
{
    if (event->op > 4 * truth->events->count) {
        return events_fail(truth->events, event, NULL, verdict,
                           "truth: operations have numbers "
                           "one after another");
    }
    struct truth_op *op = op_at(truth, event->op);
    if (event->kind == EV_INVOKE) {
        if (op->invoke != NULL || event->command == NULL) {
            return events_fail(truth->events, event, op->invoke, verdict,
                               "truth: one number for two operations, or no command");
        }
        op->invoke = event;
        return true;
    }
    if (op->invoke == NULL || op->invoke->client != event->client) {
        return events_fail(truth->events, event, op->invoke, verdict,
                           "truth: this client did not ask for that");
    }
    switch (event->kind) {
    case EV_SENT:
        op->session = event->session;
        op->seq = event->seq;
        op->sent++;
        break;
    case EV_REPLY:
        op->reply = op->reply == NULL ? event : op->reply;
        break;
    default:
        if (op->ret != NULL) {
            return events_fail(truth->events, op->ret, event, verdict,
                               "once: one operation returned twice");
        }
        op->ret = event;
        break;
    }
    return true;
}

static bool index_ops(struct truth *truth, struct verdict *verdict)
{
    for (size_t i = 0; i < truth->events->count; i++) {
        const struct event *event = &truth->events->items[i];
        bool about = event->kind == EV_INVOKE || event->kind == EV_REPLY ||
                     event->kind == EV_RETURN || (event->kind == EV_SENT && event->op != 0);
        if (about && !index_op(truth, event, verdict)) {
            return false;
        }
    }
    return true;
}

/* ---- What was applied, each place of the log once ---- */

struct place {
    const struct event *applied;
    uint64_t hash; /* of its changes */
    size_t changes;
};

struct places {
    struct place *items;
    size_t count, capacity;
    size_t current[EVENTS_CLIENTS_MAX];   /* of each replica: the last place, + 1 */
    bool has_changes[EVENTS_CLIENTS_MAX]; /* of each replica; [0]: of any */
};

static uint64_t hash_change(uint64_t hash, const struct event *event)
{
    const struct model_change *change = event->change;
    uint64_t facts[] = {
        event->zxid,   (uint64_t)change->kind,    change->value, change->previous, change->czxid,
        change->mzxid, (uint64_t)change->version, change->owner, event->denied};
    hash = model_hash_name(hash, change->path, strlen(change->path));
    return model_hash_name(hash, (const char *)facts, sizeof(facts));
}

static bool collect(struct truth *truth, struct places *places, struct verdict *verdict)
{
    for (size_t i = 0; i < truth->events->count; i++) {
        const struct event *event = &truth->events->items[i];
        if (event->kind == EV_APPLIED) {
            places->items =
                checker_grow(places->items, places->count, &places->capacity, sizeof(struct place));
            places->items[places->count++] = (struct place){.applied = event};
            places->current[event->replica] = places->count;
        } else if (event->kind == EV_CHANGE) {
            size_t current = places->current[event->replica];
            struct place *place = current == 0 ? NULL : &places->items[current - 1];
            if (place == NULL || event->change == NULL || place->applied->zxid != event->zxid ||
                !place->applied->changed || event[-1].replica != event->replica ||
                (event[-1].kind != EV_APPLIED && event[-1].kind != EV_CHANGE)) {
                return events_fail(truth->events, event, place != NULL ? place->applied : NULL,
                                   verdict, "truth: a change that belongs to nothing applied");
            }
            place->hash = hash_change(place->hash, event);
            place->changes++;
            places->has_changes[event->replica] = true;
            places->has_changes[0] = true;
        }
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct event *left = ((const struct place *)a)->applied;
    const struct event *right = ((const struct place *)b)->applied;
    if (left->slot != right->slot) {
        return left->slot < right->slot ? -1 : 1;
    }
    if (left->index != right->index) {
        return left->index < right->index ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

static bool agree(const struct truth *truth, const struct places *places, const struct place *a,
                  const struct place *b, struct verdict *verdict)
{
    const struct event *x = a->applied;
    const struct event *y = b->applied;
    bool same = x->cause == y->cause && x->session == y->session && x->seq == y->seq &&
                x->op == y->op && x->code == y->code && x->zxid == y->zxid &&
                x->changed == y->changed && x->dropped == y->dropped &&
                x->timeout_ms == y->timeout_ms;
    bool both = places->has_changes[x->replica] && places->has_changes[y->replica];
    if (!same || (both && (a->changes != b->changes || a->hash != b->hash))) {
        return events_fail(truth->events, x, y, verdict,
                           same ? "truth: replicas changed different things at one place"
                                : "truth: replicas did different things at one place");
    }
    return true;
}

static bool merge(struct truth *truth, struct places *places, struct verdict *verdict)
{
    if (places->count > 1) {
        qsort(places->items, places->count, sizeof(struct place), by_place);
    }
    const struct place *first = NULL;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->items[i];
        if (first != NULL && first->applied->slot == place->applied->slot &&
            first->applied->index == place->applied->index) {
            if (!agree(truth, places, first, place, verdict)) {
                return false;
            }
            continue;
        }
        first = place;
        if (!place->applied->dropped) {
            truth->writes = checker_grow(truth->writes, truth->writes_count,
                                         &truth->writes_capacity, sizeof(*truth->writes));
            truth->writes[truth->writes_count++] = (struct truth_write){.applied = place->applied};
        } else if (place->applied->changed) {
            return events_fail(truth->events, place->applied, NULL, verdict,
                               "truth: what was dropped changed something");
        }
    }
    return true;
}

/* ---- Which operation it was, and whether it stands there again ---- */

struct tie {
    uint64_t session, seq, op;
};

static int by_tie(const void *a, const void *b)
{
    const struct tie *left = a;
    const struct tie *right = b;
    if (left->session != right->session) {
        return left->session < right->session ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

static void tie_op(struct truth_write *write, const struct tie *ties, size_t count)
{
    write->op = write->applied->op;
    struct tie key = {.session = write->applied->session, .seq = write->applied->seq};
    if (write->op == 0 && key.session != 0 && key.seq != 0 && count > 0) {
        const struct tie *found = bsearch(&key, ties, count, sizeof(key), by_tie);
        write->op = found != NULL ? found->op : 0;
    }
}

static void tie_ops(struct truth *truth)
{
    struct tie *ties = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t number = 0; number < truth->ops_count; number++) {
        const struct truth_op *op = &truth->ops[number];
        if (op->session != 0 && op->seq != 0) {
            ties = checker_grow(ties, count, &capacity, sizeof(*ties));
            ties[count++] = (struct tie){.session = op->session, .seq = op->seq, .op = number};
        }
    }
    if (count > 1) {
        qsort(ties, count, sizeof(*ties), by_tie);
    }
    for (size_t i = 0; i < truth->writes_count; i++) {
        struct truth_write *write = &truth->writes[i];
        tie_op(write, ties, count);
        struct truth_op *op = write->op < truth->ops_count ? &truth->ops[write->op] : NULL;
        if (write->op == 0 || op == NULL || op->invoke == NULL) {
            write->op = 0;
        } else if (op->write != TRUTH_NONE) {
            write->again = true;
        } else {
            op->write = i;
            if (op->session == 0) {
                op->session = write->applied->session;
                op->seq = write->applied->seq;
            }
        }
    }
    free(ties);
}

static bool number_zxids(struct truth *truth, struct verdict *verdict)
{
    const struct event *before = NULL;
    for (size_t i = 0; i < truth->writes_count; i++) {
        const struct event *applied = truth->writes[i].applied;
        if (!applied->changed) {
            continue;
        }
        bool next =
            before == NULL || applied->zxid == before->zxid + 1 ||
            applied->zxid >> MODEL_GENERATION_SHIFT > before->zxid >> MODEL_GENERATION_SHIFT;
        if (!next) {
            return events_fail(truth->events, before, applied, verdict,
                               "truth: zxids do not follow each other");
        }
        before = applied;
        truth->taken = checker_grow(truth->taken, truth->taken_count, &truth->taken_capacity,
                                    sizeof(*truth->taken));
        truth->taken[truth->taken_count++] = i;
    }
    return true;
}

/* ---- Sessions ---- */

static int by_id(const void *a, const void *b)
{
    const struct truth_session *left = a;
    const struct truth_session *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static struct truth_session *find_session(const struct truth *truth, uint64_t id)
{
    struct truth_session key = {.id = id};
    return truth->sessions_count == 0
               ? NULL
               : bsearch(&key, truth->sessions, truth->sessions_count, sizeof(key), by_id);
}

/* Ids are zxids, so sessions come in the order of their ids. */
static bool index_sessions(struct truth *truth, struct verdict *verdict)
{
    for (size_t i = 0; i < truth->writes_count; i++) {
        const struct event *applied = truth->writes[i].applied;
        if (applied->cause == CAUSE_OPEN && applied->changed) {
            if (applied->session != applied->zxid) {
                return events_fail(truth->events, applied, NULL, verdict,
                                   "truth: a session's id is the zxid that opened it");
            }
            truth->sessions = checker_grow(truth->sessions, truth->sessions_count,
                                           &truth->sessions_capacity, sizeof(*truth->sessions));
            truth->sessions[truth->sessions_count++] =
                (struct truth_session){.id = applied->session, .opened = applied};
        } else if ((applied->cause == CAUSE_CLOSE || applied->cause == CAUSE_EXPIRE) &&
                   applied->changed) {
            struct truth_session *session = find_session(truth, applied->session);
            if (session == NULL || session->ended != NULL) {
                return events_fail(truth->events, applied, session != NULL ? session->ended : NULL,
                                   verdict, "truth: a session ended that was not there");
            }
            session->ended = applied;
        }
    }
    return true;
}

/* ---- Look-ups ---- */

const struct truth_op *truth_op(const struct truth *truth, uint64_t number)
{
    return number < truth->ops_count && truth->ops[number].invoke != NULL ? &truth->ops[number]
                                                                          : NULL;
}

const struct truth_session *truth_session(const struct truth *truth, uint64_t id)
{
    return find_session(truth, id);
}

/* Index in `taken` of the first write with a zxid at or above. */
static size_t first_at(const struct truth *truth, uint64_t zxid)
{
    size_t low = 0;
    size_t high = truth->taken_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (truth->writes[truth->taken[middle]].applied->zxid < zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct truth_write *truth_write_at(const struct truth *truth, uint64_t zxid)
{
    size_t at = first_at(truth, zxid);
    const struct truth_write *write =
        at < truth->taken_count ? &truth->writes[truth->taken[at]] : NULL;
    return write != NULL && write->applied->zxid == zxid ? write : NULL;
}

uint64_t truth_last_zxid(const struct truth *truth)
{
    return truth->taken_count == 0
               ? 0
               : truth->writes[truth->taken[truth->taken_count - 1]].applied->zxid;
}

size_t truth_changes_after(const struct truth *truth, uint64_t zxid)
{
    size_t low = 0;
    size_t high = truth->changes_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (truth->changes[middle].zxid <= zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- The whole ---- */

bool truth_build(struct truth *truth, const struct events *events, struct verdict *verdict)
{
    *truth = (struct truth){.events = events};
    struct places *places = checker_zeros(1, sizeof(*places));
    bool ok = index_ops(truth, verdict) && collect(truth, places, verdict) &&
              merge(truth, places, verdict);
    if (ok) {
        tie_ops(truth);
        ok = number_zxids(truth, verdict) && index_sessions(truth, verdict) &&
             truth_carry_out(truth, places->has_changes[0], verdict);
    }
    free(places->items);
    free(places);
    return ok;
}

void truth_release(struct truth *truth)
{
    free(truth->ops);
    free(truth->writes);
    free(truth->taken);
    free(truth->changes);
    free(truth->sessions);
    *truth = (struct truth){0};
}

void truth_replay_init(struct truth_replay *replay, const struct truth *truth)
{
    *replay = (struct truth_replay){.truth = truth};
    uint64_t first = truth->taken_count > 0 ? truth->writes[truth->taken[0]].applied->zxid : 0;
    replay->model = model_create(first >> MODEL_GENERATION_SHIFT);
}

void truth_replay_release(struct truth_replay *replay)
{
    model_free(replay->model);
    replay->model = NULL;
}

bool truth_replay_to(struct truth_replay *replay, uint64_t zxid)
{
    const struct truth *truth = replay->truth;
    while (replay->next < truth->taken_count && model_zxid(replay->model) < zxid) {
        const struct truth_write *write = &truth->writes[truth->taken[replay->next]];
        if (write->applied->zxid > zxid) {
            break;
        }
        if (!truth_impose(replay->model, truth, write)) {
            return false;
        }
        replay->next++;
    }
    return model_zxid(replay->model) == zxid;
}
