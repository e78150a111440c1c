#include "checkers/replicas.h"

#include <stdlib.h>
#include <string.h>

static int by_slot(const void *a, const void *b)
{
    const struct event *left = *(const struct event *const *)a;
    const struct event *right = *(const struct event *const *)b;
    if (left->slot != right->slot) {
        return left->slot < right->slot ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

bool digests_check(const struct events *events, struct verdict *verdict)
{
    const struct event **digests = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < events->count; i++) {
        if (events->items[i].kind == EV_DIGEST) {
            digests = checker_grow(digests, count, &capacity, sizeof(*digests));
            digests[count++] = &events->items[i];
        }
    }
    if (count > 1) {
        qsort(digests, count, sizeof(*digests), by_slot);
    }
    bool ok = true;
    for (size_t i = 1; i < count && ok; i++) {
        ok = digests[i - 1]->slot != digests[i]->slot ||
             digests[i - 1]->number == digests[i]->number ||
             events_fail(events, digests[i - 1], digests[i], verdict,
                         "digests: replicas differ after slot %llu",
                         (unsigned long long)digests[i]->slot);
    }
    free(digests);
    return ok;
}

bool gauges_check(const struct events *events, const struct replicas_limit *limits,
                  size_t limits_count, struct verdict *verdict)
{
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];
        if (event->kind != EV_GAUGE) {
            continue;
        }
        size_t k = 0;
        while (k < limits_count && strcmp(limits[k].gauge, event->gauge) != 0) {
            k++;
        }
        if (k == limits_count) {
            return events_fail(events, event, NULL, verdict, "gauges: nobody stated its limit");
        }
        if (event->number > limits[k].most) {
            return events_fail(events, event, NULL, verdict, "gauges: its limit is %llu",
                               (unsigned long long)limits[k].most);
        }
    }
    return true;
}
