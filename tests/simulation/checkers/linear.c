#include "checkers/linear.h"

#include <stdlib.h>

static bool is_answered(const struct truth_op *op)
{
    return op->invoke != NULL && op->ret != NULL && op->ret->outcome == OUTCOME_ANSWERED;
}

static bool check_answer(const struct truth *truth, const struct truth_op *op,
                         const struct model_result *model, struct verdict *verdict)
{
    const struct model_result *shown = op->ret->shown;
    const char *what =
        shown == NULL ? "nothing" : model_difference(op->invoke->command, shown, model);
    if (what == NULL) {
        return true;
    }
    return events_fail(truth->events, op->ret, op->invoke, verdict,
                       "linear: the answer shows another %s than the model (code %d value %llu "
                       "version %lld)",
                       what, model->code, (unsigned long long)model->value,
                       (long long)model->version);
}

/* ---- 1. Writes ---- */

static bool check_writes(const struct truth *truth, struct verdict *verdict)
{
    for (size_t i = 0; i < truth->writes_count; i++) {
        const struct truth_write *write = &truth->writes[i];
        const struct truth_op *op = truth_op(truth, write->op);
        if (op == NULL || write->again || !is_answered(op)) {
            continue;
        }
        if (op->ret->zxid != write->applied->zxid) {
            return events_fail(truth->events, op->ret, write->applied, verdict,
                               "linear: a write was answered with another zxid than it has");
        }
        if (write->has_result && !check_answer(truth, op, &write->result, verdict)) {
            return false;
        }
    }
    return true;
}

/* ---- 2. Reads ---- */

static int by_zxid(const void *a, const void *b)
{
    const struct event *left = (*(const struct truth_op *const *)a)->ret;
    const struct event *right = (*(const struct truth_op *const *)b)->ret;
    if (left->zxid != right->zxid) {
        return left->zxid < right->zxid ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

static bool check_reads(const struct truth *truth, struct verdict *verdict)
{
    const struct truth_op **reads = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < truth->ops_count; i++) {
        const struct truth_op *op = &truth->ops[i];
        if (is_answered(op) && model_is_read(op->invoke->command)) {
            reads = checker_grow(reads, count, &capacity, sizeof(*reads));
            reads[count++] = op;
        }
    }
    if (count > 1) {
        qsort(reads, count, sizeof(*reads), by_zxid);
    }
    struct truth_replay replay;
    truth_replay_init(&replay, truth);
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        if (!truth_replay_to(&replay, reads[i]->ret->zxid)) {
            ok = events_fail(truth->events, reads[i]->ret, reads[i]->invoke, verdict,
                             "linear: a read shows a zxid that nobody took");
            break;
        }
        struct model_result model = model_try(replay.model, reads[i]->invoke->command);
        ok = check_answer(truth, reads[i], &model, verdict);
    }
    truth_replay_release(&replay);
    free(reads);
    return ok;
}

/* ---- 3. Real time ---- */

static bool check_return(const struct truth *truth, const struct event *ret,
                         const struct event *const *floors, struct verdict *verdict)
{
    const struct truth_op *op = truth_op(truth, ret->op);
    const struct truth_write *taker = truth_write_at(truth, ret->zxid);
    if (ret->zxid > truth_last_zxid(truth) ||
        (taker != NULL && taker->applied->at_us > ret->at_us)) {
        return events_fail(truth->events, ret, taker != NULL ? taker->applied : NULL, verdict,
                           "linear: the answer shows what no replica had applied");
    }
    const struct event *floor = floors[ret->op];
    bool is_read = model_is_read(op->invoke->command);
    if (floor == NULL || (is_read && op->invoke->level != LEVEL_LINEARIZABLE)) {
        return true;
    }
    bool changed = op->write != TRUTH_NONE && truth->writes[op->write].applied->changed;
    if (ret->zxid > floor->zxid || (!changed && ret->zxid == floor->zxid)) {
        return true;
    }
    return events_fail(truth->events, ret, floor, verdict,
                       "linear: it was asked at %llu us, after a newer state had been seen",
                       (unsigned long long)op->invoke->at_us);
}

static bool check_real_time(const struct truth *truth, struct verdict *verdict)
{
    const struct events *events = truth->events;
    const struct event **floors = checker_zeros(truth->ops_count + 1, sizeof(const struct event *));
    const struct event *latest = NULL;
    bool ok = true;
    for (size_t i = 0; i < events->count && ok; i++) {
        const struct event *event = &events->items[i];
        bool answered = event->kind == EV_RETURN && event->outcome == OUTCOME_ANSWERED;
        if (event->kind == EV_INVOKE) {
            floors[event->op] = latest;
        }
        if (answered) {
            ok = check_return(truth, event, floors, verdict);
        }
        bool shows = answered || event->kind == EV_EVENT || event->kind == EV_BOOKMARK;
        if (shows && (latest == NULL || event->zxid > latest->zxid)) {
            latest = event;
        }
    }
    free(floors);
    return ok;
}

bool linear_check(const struct truth *truth, struct verdict *verdict)
{
    return check_writes(truth, verdict) && check_real_time(truth, verdict) &&
           check_reads(truth, verdict);
}
