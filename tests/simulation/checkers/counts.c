#include "checkers/counts.h"

#include <inttypes.h>

static const char *const words[COUNTS_COUNT] = {
#define COUNTS_WORDS(symbol, text) text,
    COUNTS_TABLE(COUNTS_WORDS)
#undef COUNTS_WORDS
};

static void count_return(struct counts *counts, const struct truth *truth, const struct event *ret,
                         const struct event *resumed)
{
    const struct truth_op *op = truth_op(truth, ret->op);
    if (ret->outcome != OUTCOME_ANSWERED || op == NULL) {
        return;
    }
    counts->of[COUNTS_OPERATIONS]++;
    if (op->write == TRUTH_NONE) {
        return;
    }
    const struct truth_write *write = &truth->writes[op->write];
    counts->of[COUNTS_TRANSACTIONS] += op->invoke->command->is_txn ? 1 : 0;
    counts->of[COUNTS_FENCED] += write->applied->code == MODEL_NOT_HELD ? 1 : 0;
    counts->of[COUNTS_KEPT_REPLIES] +=
        resumed != NULL && op->session == resumed->session && write->applied < resumed ? 1 : 0;
}

static void count_event(struct counts *counts, const struct event *event)
{
    switch (event->kind) {
    case EV_RESUMED:
        counts->of[COUNTS_RESUMES]++;
        break;
    case EV_STATE:
        counts->of[COUNTS_LOST] += event->state == STATE_LOST ? 1 : 0;
        break;
    case EV_EVENT:
        counts->of[COUNTS_EVENTS]++;
        break;
    case EV_BOOKMARK:
        counts->of[COUNTS_BOOKMARKS]++;
        break;
    case EV_RESYNC:
        counts->of[COUNTS_RESYNCS]++;
        break;
    case EV_LAGGED:
        counts->of[COUNTS_LAGGED]++;
        break;
    case EV_INSTALLED:
        counts->of[COUNTS_INSTALLS]++;
        break;
    case EV_GRANTED:
        counts->of[COUNTS_GRANTS]++;
        break;
    default:
        break;
    }
}

void counts_add(struct counts *counts, const struct truth *truth)
{
    const struct event *resumed[EVENTS_CLIENTS_MAX] = {0};
    for (size_t i = 0; i < truth->events->count; i++) {
        const struct event *event = &truth->events->items[i];
        if (event->kind == EV_RESUMED) {
            resumed[event->client] = event;
        }
        if (event->kind == EV_RETURN) {
            count_return(counts, truth, event, resumed[event->client]);
        } else {
            count_event(counts, event);
        }
    }
    for (size_t i = 0; i < truth->writes_count; i++) {
        const struct event *applied = truth->writes[i].applied;
        bool expiry = applied->cause == CAUSE_EXPIRE && applied->changed;
        counts->of[COUNTS_EXPIRIES] += expiry ? 1 : 0;
        if (expiry || applied->cause == CAUSE_CLOSE) {
            counts->of[COUNTS_EPHEMERALS] += truth->writes[i].changes_count;
        }
    }
}

void counts_print(const struct counts *counts, FILE *file)
{
    for (size_t i = 0; i < COUNTS_COUNT; i++) {
        fprintf(file, "%10" PRIu64 "  %s\n", counts->of[i], words[i]);
    }
}

bool counts_check(const struct counts *counts, struct verdict *verdict)
{
    for (size_t i = 0; i < COUNTS_COUNT; i++) {
        if (counts->of[i] == 0) {
            return verdict_fail(verdict, "counts: no %s: the run has shown nothing about them",
                                words[i]);
        }
    }
    return true;
}
