#include "checkers/carry_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct truth *truth;
    struct model *model;
    bool observed;
    struct verdict *verdict;
    struct model_change *seen; /* the CHANGEs of the write at hand */
    const struct event **seen_events;
    size_t seen_count, seen_capacity, seen_events_capacity;
};

static bool fail(struct work *work, const struct truth_write *write, const char *why)
{
    const struct truth_op *op = truth_op(work->truth, write->op);
    return events_fail(work->truth->events, write->applied, op != NULL ? op->invoke : NULL,
                       work->verdict, "truth: %s", why);
}

/* The CHANGEs directly behind its APPLIED. */
static void look(struct work *work, const struct truth_write *write)
{
    const struct events *events = work->truth->events;
    for (size_t i = (size_t)(write->applied - events->items) + 1;
         i < events->count && events->items[i].kind == EV_CHANGE &&
         events->items[i].replica == write->applied->replica;
         i++) {
        work->seen =
            checker_grow(work->seen, work->seen_count, &work->seen_capacity, sizeof(*work->seen));
        work->seen_events = checker_grow(work->seen_events, work->seen_count,
                                         &work->seen_events_capacity, sizeof(*work->seen_events));
        work->seen[work->seen_count] = *events->items[i].change;
        work->seen_events[work->seen_count++] = &events->items[i];
    }
}

static void keep(struct work *work, size_t index, const struct model_change *change,
                 const struct event *event)
{
    struct truth *truth = work->truth;
    struct truth_write *write = &truth->writes[index];
    truth->changes = checker_grow(truth->changes, truth->changes_count, &truth->changes_capacity,
                                  sizeof(*truth->changes));
    truth->changes[truth->changes_count++] = (struct truth_change){
        .change = *change,
        .zxid = write->applied->zxid,
        .at_us = write->applied->at_us,
        .denied = event != NULL ? event->denied : 0,
        .doubtful = event != NULL ? event->doubtful : 0,
        .write = index,
    };
    write->changes_count++;
}

/* ---- The model and the replicas say the same ---- */

struct pair {
    const struct model_change *change;
    size_t index;
};

static int by_path(const void *a, const void *b)
{
    const struct pair *left = a;
    const struct pair *right = b;
    int order = strcmp(left->change->path, right->change->path);
    return order != 0 ? order : left->index < right->index ? -1 : left->index > right->index;
}

static struct pair *sorted(const struct model_change *changes, size_t count)
{
    struct pair *pairs = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        pairs = checker_grow(pairs, i, &capacity, sizeof(*pairs));
        pairs[i] = (struct pair){.change = &changes[i], .index = i};
    }
    if (count > 1) {
        qsort(pairs, count, sizeof(*pairs), by_path);
    }
    return pairs;
}

static const char *difference(const struct model_change *seen, const struct model_change *model)
{
    if (strcmp(seen->path, model->path) != 0 || seen->kind != model->kind) {
        return "it changed something else than the operation would";
    }
    if (seen->value != model->value) {
        return "it left another value than the operation would";
    }
    if (seen->previous != model->previous) {
        return "it found another value than the model has";
    }
    if (seen->version != model->version || seen->czxid != model->czxid ||
        seen->mzxid != model->mzxid) {
        return "it left another stat than the operation would";
    }
    return seen->owner != model->owner ? "it gave the node another owner" : NULL;
}

static bool keep_changes(struct work *work, size_t index)
{
    size_t count = 0;
    const struct model_change *made = model_changes(work->model, &count);
    const struct truth_write *write = &work->truth->writes[index];
    if (!work->observed) {
        for (size_t i = 0; i < count; i++) {
            keep(work, index, &made[i], NULL);
        }
        return true;
    }
    if (count != work->seen_count) {
        return fail(work, write, "it changed more or fewer nodes than the operation would");
    }
    struct pair *model = sorted(made, count);
    struct pair *seen = sorted(work->seen, count);
    const char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        why = difference(seen[i].change, model[i].change);
    }
    const struct event **events = NULL; /* in the model's order */
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        events = checker_grow(events, i, &capacity, sizeof(const struct event *));
    }
    for (size_t i = 0; i < count && why == NULL; i++) {
        events[model[i].index] = work->seen_events[seen[i].index];
    }
    for (size_t i = 0; i < count && why == NULL; i++) {
        keep(work, index, &made[i], events[i]);
    }
    free(events);
    free(model);
    free(seen);
    return why == NULL || fail(work, write, why);
}

/* ---- One write ---- */

/* A refusal by the tree; all others (limits, permissions, ...) are final without it. */
static bool is_by_the_tree(int code)
{
    static const int codes[] = {MODEL_OK,          MODEL_NO_NODE,
                                MODEL_NODE_EXISTS, MODEL_NO_PARENT,
                                MODEL_NOT_EMPTY,   MODEL_NO_CHILDREN_FOR_EPHEMERALS,
                                MODEL_BAD_VERSION, MODEL_COMPARE_FAILED,
                                MODEL_NOT_HELD,    MODEL_NOT_A_NUMBER};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

static bool carry_out_operation(struct work *work, size_t index)
{
    struct truth_write *write = &work->truth->writes[index];
    const struct event *applied = write->applied;
    if (write->op == 0) {
        return fail(work, write, "a write was applied that nobody asked for");
    }
    if (!applied->changed && !is_by_the_tree(applied->code)) {
        return true;
    }
    const struct truth_op *op = truth_op(work->truth, write->op);
    struct model_command command = *op->invoke->command;
    command.session = applied->session;
    write->result = model_apply(work->model, &command);
    write->has_result = true;
    if (write->result.code != applied->code) {
        return fail(work, write, "the model gives another code");
    }
    if (write->result.changed != applied->changed || write->result.zxid != applied->zxid) {
        return fail(work, write, "the model says otherwise whether it changed anything");
    }
    return keep_changes(work, index);
}

static bool may_go(struct work *work, const struct truth_write *write,
                   const struct model_change *change)
{
    struct model_change node;
    if (change->kind != MODEL_DELETED || !model_find(work->model, change->path, &node)) {
        return fail(work, write, "a node changed that no operation touched");
    }
    if (write->applied->cause == CAUSE_REAP) {
        return ((node.node_kind == MODEL_CONTAINER || node.node_kind == MODEL_TTL) &&
                !model_has_children(work->model, change->path)) ||
               fail(work, write, "a node was reaped that is neither container nor TTL, or in use");
    }
    if (node.owner == 0 || node.owner != write->applied->session) {
        return fail(work, write, "a node went with a session that does not own it");
    }
    return true;
}

/* Without CHANGEs: all that the session owns. */
static void derive(struct work *work, const struct truth_write *write)
{
    uint64_t owner = write->applied->session;
    size_t count = 0;
    if (write->applied->cause == CAUSE_REAP && write->applied->path != NULL) {
        work->seen = checker_grow(work->seen, 0, &work->seen_capacity, sizeof(*work->seen));
        count = model_find(work->model, write->applied->path, &work->seen[0]) ? 1 : 0;
    } else if (owner != 0) {
        count = model_list_owned(work->model, owner, &work->seen, &work->seen_capacity);
    }
    for (size_t i = 0; i < count; i++) {
        work->seen[i].kind = MODEL_DELETED;
    }
    work->seen_count = count;
}

static bool carry_out_cause(struct work *work, size_t index)
{
    const struct truth_write *write = &work->truth->writes[index];
    enum event_cause cause = write->applied->cause;
    bool ends = cause == CAUSE_CLOSE || cause == CAUSE_EXPIRE;
    bool removes = ends || cause == CAUSE_REAP;
    if (!removes && work->seen_count > 0) {
        return fail(work, write, "it changed nodes");
    }
    if (!write->applied->changed) {
        return true;
    }
    if (removes && !work->observed) {
        derive(work, write);
    }
    for (size_t i = 0; i < work->seen_count; i++) {
        if (!may_go(work, write, &work->seen[i])) {
            return false;
        }
    }
    struct verdict why;
    verdict_init(&why);
    if (!model_impose(work->model, write->applied->zxid, work->seen, work->seen_count, &why)) {
        return fail(work, write, why.why);
    }
    if (ends && model_list_owned(work->model, write->applied->session, &work->seen,
                                 &work->seen_capacity) > 0) {
        return fail(work, write, "a session ended and left nodes behind");
    }
    return keep_changes(work, index);
}

static bool carry_out(struct work *work, size_t index)
{
    struct truth_write *write = &work->truth->writes[index];
    const struct event *applied = write->applied;
    write->first_change = work->truth->changes_count;
    work->seen_count = 0;
    if (work->observed) {
        look(work, write);
    }
    if (applied->changed && model_zxid(work->model) + 1 != applied->zxid) {
        (void)model_impose(work->model, applied->zxid - 1, NULL, 0, work->verdict);
    }
    if (!applied->changed && work->seen_count > 0) {
        return fail(work, write, "without a zxid it changed something");
    }
    if (write->again) {
        const struct truth_write *first =
            &work->truth->writes[truth_op(work->truth, write->op)->write];
        return (!applied->changed && applied->code == first->applied->code) ||
               events_fail(work->truth->events, first->applied, applied, work->verdict,
                           "once: one write was applied twice");
    }
    return applied->cause == CAUSE_WRITE ? carry_out_operation(work, index)
                                         : carry_out_cause(work, index);
}

bool truth_carry_out(struct truth *truth, bool observed, struct verdict *verdict)
{
    uint64_t first = truth->taken_count > 0 ? truth->writes[truth->taken[0]].applied->zxid : 0;
    struct work work = {.truth = truth,
                        .model = model_create(first >> MODEL_GENERATION_SHIFT),
                        .observed = observed,
                        .verdict = verdict};
    bool ok = true;
    for (size_t i = 0; i < truth->writes_count && ok; i++) {
        ok = carry_out(&work, i);
    }
    model_free(work.model);
    free(work.seen);
    free(work.seen_events);
    return ok;
}

bool truth_impose(struct model *model, const struct truth *truth, const struct truth_write *write)
{
    struct verdict why;
    verdict_init(&why);
    struct model_change *changes = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < write->changes_count; i++) {
        changes = checker_grow(changes, i, &capacity, sizeof(*changes));
        changes[i] = truth->changes[write->first_change + i].change;
    }
    bool ok = model_impose(model, write->applied->zxid, changes, write->changes_count, &why);
    free(changes);
    return ok;
}
