#include "tests/generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Correct histories are accepted; with one thing changed they are not. Some changes cannot always
 * be noticed (a RESYNC that covered nothing), so each has the share that must be.
 */

enum { HISTORIES = 5, STEPS = 1500, TRIALS = 8 };

/* A history that may be changed: events that point into the one it was made of. */
struct copy {
    struct event *items;
    size_t count, capacity;
    const struct events *of;
    struct model_change change;
    struct model_result shown;
};

static void put(struct copy *copy, size_t at, struct event event)
{
    copy->items = checker_grow(copy->items, copy->count, &copy->capacity, sizeof(*copy->items));
    memmove(&copy->items[at + 1], &copy->items[at], (copy->count - at) * sizeof(*copy->items));
    copy->items[at] = event;
    copy->count++;
}

static void take(struct copy *copy, size_t at)
{
    copy->count--;
    memmove(&copy->items[at], &copy->items[at + 1], (copy->count - at) * sizeof(*copy->items));
}

/* Takes it out and puts it where its time is, behind others of the same time. */
static void move(struct copy *copy, size_t at, uint64_t at_us)
{
    struct event event = copy->items[at];
    take(copy, at);
    size_t to = 0;
    while (to < copy->count && copy->items[to].at_us <= at_us) {
        to++;
    }
    event.at_us = at_us;
    put(copy, to, event);
}

static struct model_change *own_change(struct copy *copy, size_t at)
{
    copy->change = *copy->items[at].change;
    copy->items[at].change = &copy->change;
    return &copy->change;
}

static struct model_result *own_shown(struct copy *copy, size_t at)
{
    copy->shown = *copy->items[at].shown;
    copy->items[at].shown = &copy->shown;
    return &copy->shown;
}

/* ---- What is changed ---- */

static const struct event *invoke_of(const struct copy *copy, uint64_t op)
{
    size_t i = 0;
    while (copy->items[i].kind != EV_INVOKE || copy->items[i].op != op) {
        i++;
    }
    return &copy->items[i];
}

static bool is_answer(const struct copy *copy, size_t at, bool read)
{
    const struct event *event = &copy->items[at];
    return event->kind == EV_RETURN && event->outcome == OUTCOME_ANSWERED &&
           model_is_read(invoke_of(copy, event->op)->command) == read;
}

/* Each returns false where it does not apply to the event at hand. */

static bool drop_an_event(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && (take(copy, at), true);
}

static bool repeat_an_event(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && (put(copy, at, copy->items[at]), true);
}

static bool change_an_events_value(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && copy->items[at].change->value != 0 &&
           (own_change(copy, at)->value++, true);
}

static bool change_an_events_previous_value(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && copy->items[at].change->previous != 0 &&
           (own_change(copy, at)->previous++, true);
}

static bool change_an_events_version(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && (own_change(copy, at)->version++, true);
}

static bool change_an_events_zxid(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_EVENT && (copy->items[at].zxid++, true);
}

static bool change_an_events_kind(struct copy *copy, size_t at)
{
    if (copy->items[at].kind != EV_EVENT) {
        return false;
    }
    struct model_change *change = own_change(copy, at);
    change->kind = change->kind == MODEL_CREATED ? MODEL_CHANGED : MODEL_CREATED;
    return true;
}

static bool swap_two_events(struct copy *copy, size_t at)
{
    const struct event *event = &copy->items[at];
    for (size_t i = at + 1; event->kind == EV_EVENT && i < copy->count; i++) {
        struct event other = copy->items[i];
        if (other.kind == EV_EVENT && other.client == event->client && other.zxid != event->zxid) {
            uint64_t times[2] = {event->at_us, other.at_us};
            copy->items[i] = *event;
            copy->items[i].at_us = times[1];
            copy->items[at] = other;
            copy->items[at].at_us = times[0];
            return true;
        }
    }
    return false;
}

static bool delay_an_event_behind_a_reply(struct copy *copy, size_t at)
{
    const struct event *event = &copy->items[at];
    for (size_t i = at + 1; event->kind == EV_EVENT && i < copy->count; i++) {
        const struct event *other = &copy->items[i];
        if (other->kind == EV_RETURN && other->client == event->client &&
            other->outcome == OUTCOME_ANSWERED && other->zxid >= event->zxid) {
            move(copy, at, other->at_us);
            return true;
        }
    }
    return false;
}

static bool tell_an_event_early(struct copy *copy, size_t at)
{
    uint64_t zxid = copy->items[at].zxid;
    for (size_t i = 0; copy->items[at].kind == EV_EVENT && i < at; i++) {
        if (copy->items[i].kind == EV_APPLIED && copy->items[i].changed &&
            copy->items[i].zxid == zxid) {
            move(copy, at, copy->items[i].at_us - 1);
            return true;
        }
    }
    return false;
}

static bool drop_a_resync(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_RESYNC && (take(copy, at), true);
}

static bool drop_a_watch(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_WATCH && !copy->items[at].again && (take(copy, at), true);
}

static bool raise_a_bookmark(struct copy *copy, size_t at)
{
    return (copy->items[at].kind == EV_BOOKMARK || copy->items[at].kind == EV_COMPLETE_TO) &&
           (copy->items[at].zxid += 50, true);
}

static bool drop_a_change(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_CHANGE && (take(copy, at), true);
}

static bool change_a_change(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_CHANGE && (own_change(copy, at)->value++, true);
}

static bool is_change(const struct event *event)
{
    return event->kind == EV_APPLIED && event->changed && event->replica == 1;
}

static bool lose_a_write(struct copy *copy, size_t at)
{
    if (!is_change(&copy->items[at])) {
        return false;
    }
    uint64_t slot = copy->items[at].slot;
    uint64_t zxid = copy->items[at].zxid;
    for (size_t i = copy->count; i > 0; i--) {
        const struct event *event = &copy->items[i - 1];
        if ((event->kind == EV_APPLIED && event->slot == slot) ||
            (event->kind == EV_CHANGE && event->zxid == zxid)) {
            take(copy, i - 1);
        }
    }
    return true;
}

static bool apply_a_write_again(struct copy *copy, size_t at)
{
    struct event again = copy->items[at];
    if (!is_change(&again) || again.cause != CAUSE_WRITE) {
        return false;
    }
    for (size_t i = 0; i < copy->count; i++) {
        if (copy->items[i].kind == EV_APPLIED && copy->items[i].slot >= again.slot) {
            again.slot = copy->items[i].slot + 1;
            again.zxid = copy->items[i].zxid + 1;
        }
    }
    again.at_us = copy->items[copy->count - 1].at_us;
    put(copy, copy->count, again);
    return true;
}

static bool skip_a_seq(struct copy *copy, size_t at)
{
    const struct event applied = copy->items[at];
    if (!is_change(&applied) || applied.cause != CAUSE_WRITE || applied.op == 0) {
        return false;
    }
    for (size_t i = 0; i < copy->count; i++) {
        if (copy->items[i].kind == EV_APPLIED && copy->items[i].slot == applied.slot) {
            copy->items[i].seq++;
        }
    }
    return true;
}

static bool change_a_reads_value(struct copy *copy, size_t at)
{
    return is_answer(copy, at, true) && copy->items[at].shown->value != 0 &&
           copy->items[at].shown->code == MODEL_OK &&
           invoke_of(copy, copy->items[at].op)->command->then_steps[0].kind == MODEL_GET &&
           (own_shown(copy, at)->value--, true);
}

static bool change_a_code(struct copy *copy, size_t at)
{
    if (!is_answer(copy, at, false)) {
        return false;
    }
    struct model_result *shown = own_shown(copy, at);
    shown->code = shown->code == MODEL_OK ? MODEL_NO_NODE : MODEL_OK;
    return true;
}

static bool change_a_writes_zxid(struct copy *copy, size_t at)
{
    return is_answer(copy, at, false) && (copy->items[at].zxid++, true);
}

static bool deny_a_write(struct copy *copy, size_t at)
{
    return is_answer(copy, at, false) && copy->items[at].shown->changed &&
           (copy->items[at].outcome = OUTCOME_NOT_APPLIED, true);
}

static bool answer_twice(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_RETURN && (put(copy, at, copy->items[at]), true);
}

static bool answer_otherwise_again(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_REPLY &&
           !model_is_read(invoke_of(copy, copy->items[at].op)->command) &&
           (copy->items[at].zxid--, true);
}

static bool answer_early(struct copy *copy, size_t at)
{
    if (!is_answer(copy, at, false) || !copy->items[at].shown->changed) {
        return false;
    }
    uint64_t invoked_us = invoke_of(copy, copy->items[at].op)->at_us;
    uint64_t zxid = copy->items[at].zxid;
    for (size_t i = 0; i < at; i++) {
        if (copy->items[i].kind == EV_APPLIED && copy->items[i].zxid == zxid &&
            copy->items[i].replica == 1 && copy->items[i].at_us > invoked_us) {
            move(copy, at, invoked_us);
            return true;
        }
    }
    return false;
}

static bool ask_late(struct copy *copy, size_t at)
{
    const struct event *event = &copy->items[at];
    for (size_t i = at + 1; event->kind == EV_INVOKE && i < copy->count; i++) {
        if (copy->items[i].kind == EV_RETURN && copy->items[i].op == event->op) {
            move(copy, at, copy->items[i].at_us);
            return true;
        }
    }
    return false;
}

static bool ask_for_more(struct copy *copy, size_t at)
{
    struct event *event = &copy->items[at];
    return event->kind == EV_INVOKE && event->level == LEVEL_AT_LEAST && (event->at_least++, true);
}

static bool expire_early(struct copy *copy, size_t at)
{
    const struct event applied = copy->items[at];
    if (applied.kind != EV_APPLIED || applied.cause != CAUSE_EXPIRE || applied.replica != 1) {
        return false;
    }
    size_t count = 1;
    while (copy->items[at + count].kind == EV_CHANGE) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        move(copy, at, applied.at_us - 300000);
        at++; /* what was behind it is there still */
    }
    return true;
}

/* LOST of a process that ran all the time. */
static bool is_lost(const struct copy *copy, size_t at)
{
    const struct event *event = &copy->items[at];
    for (size_t i = 0; i < at && event->kind == EV_STATE && event->state == STATE_LOST; i++) {
        if (copy->items[i].kind == EV_STATE && copy->items[i].state == STATE_SUSPECT &&
            copy->items[i].session == event->session) {
            return true;
        }
    }
    return false;
}

static bool drop_lost(struct copy *copy, size_t at)
{
    return is_lost(copy, at) && (take(copy, at), true);
}

static bool delay_lost(struct copy *copy, size_t at)
{
    struct event *event = &copy->items[at];
    uint64_t last_us = copy->items[copy->count - 1].at_us;
    if (!is_lost(copy, at) || event->at_us + 300000 > last_us) {
        return false;
    }
    event->local_us += 300000;
    move(copy, at, event->at_us + 300000);
    return true;
}

static bool change_a_fence(struct copy *copy, size_t at)
{
    return ((copy->items[at].kind == EV_FRONT && copy->items[at].front == FRONT_FRONT) ||
            copy->items[at].kind == EV_GRANTED) &&
           (copy->items[at].fence--, true);
}

static bool change_a_place(struct copy *copy, size_t at)
{
    struct event *event = &copy->items[at];
    if (event->kind != EV_FRONT) {
        return false;
    }
    event->front = event->front == FRONT_FRONT ? FRONT_WAITING : FRONT_FRONT;
    return true;
}

static bool drop_a_place(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_FRONT && copy->items[at].front == FRONT_FRONT &&
           (take(copy, at), true);
}

static bool hold_on(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_RELEASED && (take(copy, at), true);
}

static bool change_a_digest(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_DIGEST && (copy->items[at].number ^= 1, true);
}

static bool raise_a_gauge(struct copy *copy, size_t at)
{
    return copy->items[at].kind == EV_GAUGE && (copy->items[at].number += 1000, true);
}

struct mutation {
    const char *name;
    bool (*change)(struct copy *copy, size_t at);
    unsigned share; /* percent that must be noticed */
};

static const struct mutation mutations[] = {
    {"drop an event", drop_an_event, 90},
    {"repeat an event", repeat_an_event, 100},
    {"change an event's value", change_an_events_value, 100},
    {"change an event's previous value", change_an_events_previous_value, 100},
    {"change an event's version", change_an_events_version, 100},
    {"change an event's zxid", change_an_events_zxid, 100},
    {"change an event's kind", change_an_events_kind, 100},
    {"swap two events", swap_two_events, 100},
    {"delay an event behind a reply", delay_an_event_behind_a_reply, 95},
    {"tell an event early", tell_an_event_early, 100},
    {"drop a RESYNC", drop_a_resync, 30},
    {"drop a watch", drop_a_watch, 30},
    {"raise a bookmark", raise_a_bookmark, 90},
    {"drop a change", drop_a_change, 100},
    {"change a change", change_a_change, 100},
    {"lose a write", lose_a_write, 95},
    {"apply a write again", apply_a_write_again, 100},
    {"skip a seq", skip_a_seq, 100},
    {"change a read's value", change_a_reads_value, 100},
    {"change a code", change_a_code, 100},
    {"change a write's zxid", change_a_writes_zxid, 100},
    {"deny a write", deny_a_write, 100},
    {"answer twice", answer_twice, 100},
    {"answer otherwise again", answer_otherwise_again, 100},
    {"answer early", answer_early, 100},
    {"ask late", ask_late, 100},
    {"ask for more", ask_for_more, 100},
    {"expire early", expire_early, 100},
    {"drop LOST", drop_lost, 70},
    {"delay LOST", delay_lost, 70},
    {"change a fence", change_a_fence, 100},
    {"change a place", change_a_place, 100},
    {"drop a place", drop_a_place, 100},
    {"hold on", hold_on, 60},
    {"change a digest", change_a_digest, 100},
    {"raise a gauge", raise_a_gauge, 100},
};

enum { MUTATIONS = sizeof(mutations) / sizeof(mutations[0]) };

static bool is_accepted(const struct event *items, size_t count, struct verdict *verdict)
{
    struct events events;
    events_init(&events);
    for (size_t i = 0; i < count; i++) {
        events_add(&events, &items[i]);
    }
    struct judge_options options = generator_judge_options();
    verdict_init(verdict);
    bool ok = judge(&events, &options, NULL, NULL, verdict);
    events_release(&events);
    return ok;
}

/* Changes one event in that way, somewhere. 1: noticed, 0: not, -1: it applies nowhere. */
static int try(const struct events *history, const struct mutation *mutation, uint64_t *state)
{
    struct copy copy = {.of = history};
    for (size_t i = 0; i < history->count; i++) {
        put(&copy, i, history->items[i]);
    }
    size_t from = generator_draw(state, history->count);
    bool changed = false;
    for (size_t i = 0; i < history->count && !changed; i++) {
        changed = mutation->change(&copy, (from + i) % history->count);
    }
    struct verdict verdict;
    bool accepted = changed && is_accepted(copy.items, copy.count, &verdict);
    free(copy.items);
    return changed ? !accepted : -1;
}

static void notices_changes(void **state)
{
    (void)state;
    unsigned tried[MUTATIONS] = {0};
    unsigned noticed[MUTATIONS] = {0};
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct events history;
        generate(&(struct generator_options){.seed = 100 + seed, .steps = STEPS, .clients = 5},
                 &history);
        uint64_t draws = seed;
        for (size_t i = 0; i < MUTATIONS * TRIALS; i++) {
            int outcome = try(&history, &mutations[i % MUTATIONS], &draws);
            tried[i % MUTATIONS] += outcome >= 0 ? 1 : 0;
            noticed[i % MUTATIONS] += outcome > 0 ? 1 : 0;
        }
        events_release(&history);
    }
    bool enough = true;
    for (size_t i = 0; i < MUTATIONS; i++) {
        bool ok = tried[i] >= TRIALS && noticed[i] * 100 >= tried[i] * mutations[i].share;
        printf("%s %3u of %3u noticed (%u %% must be): %s\n", ok ? "    " : "BAD:", noticed[i],
               tried[i], mutations[i].share, mutations[i].name);
        enough = enough && ok;
    }
    assert_true(enough);
}

static void accepts_correct_histories(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct verdict verdict;
    verdict_init(&verdict);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct events events;
        generate(&(struct generator_options){.seed = seed, .steps = 2000, .clients = 6}, &events);
        struct judge_options options = generator_judge_options();
        if (!judge(&events, &options, &counts, NULL, &verdict)) {
            fail_msg("seed %llu, %zu events: %s", (unsigned long long)seed, events.count,
                     verdict.why);
        }
        events_release(&events);
    }
    counts_print(&counts, stdout);
    if (!counts_check(&counts, &verdict)) {
        fail_msg("%s", verdict.why);
    }
}

/* The sizes that a run of the simulation has; without CHANGEs too. */
static void accepts_a_long_history(void **state)
{
    (void)state;
    struct events events;
    generate(&(struct generator_options){.seed = 7, .steps = 12000, .clients = 12}, &events);
    assert_true(events.count > 40000);
    struct judge_options options = generator_judge_options();
    struct verdict verdict;
    verdict_init(&verdict);
    uint64_t margin_us = 0;
    if (!judge(&events, &options, NULL, &margin_us, &verdict)) {
        fail_msg("%s", verdict.why);
    }
    assert_true(margin_us > 0 && margin_us < UINT64_MAX);
    struct event *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < events.count; i++) {
        if (events.items[i].kind != EV_CHANGE) {
            items = checker_grow(items, count, &capacity, sizeof(*items));
            items[count++] = events.items[i];
        }
    }
    if (!is_accepted(items, count, &verdict)) {
        fail_msg("without changes: %s", verdict.why);
    }
    free(items);
    events_release(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_correct_histories),
        cmocka_unit_test(accepts_a_long_history),
        cmocka_unit_test(notices_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
