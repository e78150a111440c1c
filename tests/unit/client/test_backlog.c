#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: a user who does not take what his watch is told harms that watch alone, is told so, loses
 * nothing unsaid, and what waits is bounded (S14). Method: as in test_session.c.
 */

enum { ID = 500, WATCH_BYTES = 20000, EVENTS_BYTES = 60000 };

static size_t told(const struct lab *lab, size_t watch)
{
    size_t count = 0;
    while (lab_told(lab, watch, count) != NULL) {
        count++;
    }
    return count;
}

static const struct coord_watch_item *last(const struct lab *lab, size_t watch)
{
    size_t count = told(lab, watch);
    assert_true(count > 0);
    return lab_told(lab, watch, count - 1);
}

static bool lagged(const struct lab *lab, size_t watch)
{
    return told(lab, watch) > 0 && last(lab, watch)->kind == COORD_WATCH_LAGGED;
}

/* A watch whose user takes nothing by himself but that it is set. */
static size_t lazy_watch(struct lab *lab, uint64_t stream)
{
    size_t watch = lab_watch(lab, 0);
    lab_watch_set(lab, stream, watch, ID + 1);
    lab->lazy[watch] = true;
    return watch;
}

/* Events of ever higher zxids, until the watch lags; the last zxid. */
static uint64_t overflow(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid)
{
    while (!lagged(lab, watch)) {
        zxid++;
        lab_events(lab, stream, watch, zxid, 4, zxid, false);
        assert_true(told(lab, watch) < 200);
    }
    return zxid;
}

/* How often requests of that kind were sent on the stream. */
static size_t sent(const struct lab *lab, uint64_t stream, Coord__V1__Request__OpCase op)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->streams[stream].ids_count; i++) {
        count += lab->streams[stream].ops[i] == op ? 1 : 0;
    }
    return count;
}

static uint64_t point(const struct lab *lab, uint64_t stream, size_t watch)
{
    size_t at = lab_watch_at(lab, stream, watch);
    assert_true(at != SIZE_MAX);
    return lab->streams[stream].points[at];
}

/* Takes all that waits, LAGGED last. */
static void drain(struct lab *lab, size_t watch)
{
    int kind = 0;
    int before = 0;
    while ((kind = lab_take(lab, watch)) != 0) {
        before = kind;
    }
    assert_int_equal(before, COORD_WATCH_LAGGED);
}

static void test_the_others_go_on(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    size_t fast = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, fast, ID + 1);
    uint64_t zxid = overflow(&lab, stream, slow, ID + 1);
    assert_in_range(told(&lab, slow), 8, 40);
    assert_in_range(lab_waiting(&lab, slow), WATCH_BYTES * 3 / 4, WATCH_BYTES + 1000);
    assert_int_equal(last(&lab, slow)->from_zxid, zxid - 1);
    for (size_t i = 1; i + 1 < told(&lab, slow); i++) {
        assert_int_equal(lab_told(&lab, slow, i)->zxid, ID + 1 + i);
        assert_int_equal(lab_told(&lab, slow, i)->events_count, 4);
    }
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_UNWATCH), 1);
    /* For a long time he takes nothing. */
    size_t count = told(&lab, slow);
    for (int i = 0; i < 100; i++) {
        zxid++;
        lab_events(&lab, stream, slow, zxid, 4, zxid, false); /* on its way already */
        lab_events(&lab, stream, fast, zxid, 1, zxid, false);
        assert_int_equal(last(&lab, fast)->zxid, zxid);
        lab_advance(&lab, 500);
        lab_confirm(&lab, stream, lab.streams[stream].frames);
        assert_int_equal(client_session_lease(lab.session).state, COORD_STATE_CONNECTED);
    }
    size_t write = lab_write(&lab, 1000);
    lab_reply(&lab, stream, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    assert_int_equal(told(&lab, slow), count);
    assert_int_equal(lab.streams_count, stream);
    lab_release(&lab);
}

static void late_event(struct lab *lab, uint64_t stream, uint64_t id, uint64_t zxid)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    event.zxid = zxid;
    event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
    event.path = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "/t"};
    event.watch_ids = &id;
    event.n_watch_ids = 1;
    item.item_case = COORD__V1__ITEM__ITEM_EVENT;
    item.event = &event;
    lab_item(lab, stream, &item);
}

static void test_it_is_set_again_when_all_was_taken(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    size_t setting = sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH);
    uint64_t id = lab.watches[slow].id;
    uint64_t zxid = overflow(&lab, stream, slow, ID + 1);
    size_t count = told(&lab, slow);
    for (size_t i = 1; i < count; i++) {
        assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH), setting);
        assert_int_equal(lab_take(&lab, slow),
                         i + 1 < count ? COORD_WATCH_EVENTS : COORD_WATCH_LAGGED);
    }
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH), setting + 1);
    assert_int_equal(point(&lab, stream, slow), zxid - 1);
    /* What was still on its way for the old one would be taken for the beginning of the new. */
    late_event(&lab, stream, id, zxid + 7);
    assert_int_equal(told(&lab, slow), count);
    lab_watch_set(&lab, stream, slow, zxid - 1);
    assert_int_equal(told(&lab, slow), count); /* not told again that it is set */
    lab_events(&lab, stream, slow, zxid, 4, zxid, false);
    lab_events(&lab, stream, slow, zxid + 7, 4, zxid + 7, false);
    assert_int_equal(told(&lab, slow), count + 2);
    assert_int_equal(lab_told(&lab, slow, count)->zxid, zxid);
    /* And again. */
    zxid = overflow(&lab, stream, slow, zxid + 7);
    drain(&lab, slow);
    assert_int_equal(point(&lab, stream, slow), zxid - 1);
    lab_watch_set(&lab, stream, slow, zxid - 1);
    lab_resync(&lab, stream, slow, zxid + 50); /* the history did not reach so far back */
    assert_int_equal(last(&lab, slow)->kind, COORD_WATCH_RESYNC);
    assert_int_equal(last(&lab, slow)->from_zxid, zxid - 1);
    lab_release(&lab);
}

static void test_no_zxid_is_cut(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    lab_events(&lab, stream, slow, 600, 1, 600, false);
    for (int i = 0; i < 20 && !lagged(&lab, slow); i++) {
        lab_events(&lab, stream, slow, 610, 8, 605, true); /* a large one, in many frames */
    }
    assert_true(lagged(&lab, slow));
    assert_int_equal(told(&lab, slow), 3);
    assert_int_equal(last(&lab, slow)->from_zxid, 605); /* nothing of 610 was told */
    drain(&lab, slow);
    lab_watch_set(&lab, stream, slow, 605);
    /* Alone it may be as large as it is. */
    for (int i = 0; i < 20; i++) {
        lab_events(&lab, stream, slow, 610, 8, 605, true);
    }
    lab_events(&lab, stream, slow, 610, 1, 610, false);
    assert_int_equal(last(&lab, slow)->events_count, 161);
    assert_true(lab_waiting(&lab, slow) > WATCH_BYTES);
    lab_release(&lab);
}

static void test_before_the_first_answer(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t watch = lab_watch(&lab, 50); /* the history is longer than what may wait */
    lab.lazy[watch] = true;
    for (uint64_t zxid = 51; zxid < 251; zxid++) {
        lab_events(&lab, stream, watch, zxid, 4, 0, false);
    }
    assert_int_equal(told(&lab, watch), 0);
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_UNWATCH), 0);
    lab_watch_set(&lab, stream, watch, 240); /* behind what was left out */
    assert_int_equal(lab_told(&lab, watch, 0)->kind, COORD_WATCH_SET);
    assert_true(lagged(&lab, watch));
    assert_in_range(lab_waiting(&lab, watch), WATCH_BYTES * 3 / 4, WATCH_BYTES + 2000);
    uint64_t from = last(&lab, watch)->from_zxid;
    assert_int_equal(from, lab_told(&lab, watch, told(&lab, watch) - 2)->zxid);
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_UNWATCH), 1);
    drain(&lab, watch);
    assert_int_equal(point(&lab, stream, watch), from);
    lab_release(&lab);
}

/* It begins from its own beginning, whatever was left out on the stream before. */
static void test_before_the_first_answer_and_lost(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t watch = lab_watch(&lab, 50);
    for (uint64_t zxid = 51; zxid < 251; zxid++) {
        lab_events(&lab, stream, watch, zxid, 4, 0, false);
    }
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_int_equal(point(&lab, other, watch), 50);
    lab_events(&lab, other, watch, 51, 4, 0, false);
    lab_watch_set(&lab, other, watch, 50);
    assert_int_equal(told(&lab, watch), 2);
    assert_int_equal(last(&lab, watch)->zxid, 51);
    lab_release(&lab);
}

static void test_the_limit_for_all(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, WATCH_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    size_t fast = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, fast, ID + 1);
    lab.event_bytes = 10; /* one zxid that alone passes it */
    for (int i = 0; i < 8; i++) {
        lab_events(&lab, stream, slow, 600, 16, 599, true);
    }
    lab_events(&lab, stream, slow, 600, 1, 600, false);
    assert_true(lab_waiting(&lab, slow) > WATCH_BYTES);
    /* Whoever keeps up goes on. */
    for (uint64_t zxid = 601; zxid < 700; zxid++) {
        lab_events(&lab, stream, fast, zxid, 4, zxid, false);
        assert_int_equal(last(&lab, fast)->zxid, zxid);
    }
    /* But not with what is large; and then it waits until there is room. */
    lab.event_bytes = CLIENT_WATCH_BYTES_MIN;
    lab_events(&lab, stream, fast, 700, 1, 700, false);
    assert_true(lagged(&lab, fast));
    assert_int_equal(last(&lab, fast)->from_zxid, 699);
    size_t setting = sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH);
    lab_advance(&lab, 1000);
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH), setting);
    assert_int_equal(lab_take(&lab, slow), COORD_WATCH_EVENTS);
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH), setting + 1);
    assert_int_equal(point(&lab, stream, fast), 699);
    lab_watch_set(&lab, stream, fast, 699);
    lab_events(&lab, stream, fast, 700, 1, 700, false);
    assert_int_equal(last(&lab, fast)->zxid, 700);
    lab_release(&lab);
}

static void test_room_that_a_removed_watch_leaves(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, WATCH_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    size_t fast = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, fast, ID + 1);
    lab.event_bytes = 8192;
    lab_events(&lab, stream, slow, 600, 4, 600, false);
    lab_events(&lab, stream, fast, 601, 1, 601, false);
    assert_true(lagged(&lab, fast));
    client_session_unwatch(lab.session, &lab.watches[slow]);
    lab_settle(&lab);
    assert_int_equal(point(&lab, stream, fast), 600);
    lab_release(&lab);
}

static void test_a_zxid_that_is_too_large(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, 0, 0, 50000);
    uint64_t stream = lab_session(&lab, ID);
    size_t watch = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, watch, ID + 1);
    lab_events(&lab, stream, watch, 600, 1, 605, false);
    lab.event_bytes = 8192;
    for (int i = 0; i < 5; i++) {
        lab_events(&lab, stream, watch, 610, 2, 605, true);
    }
    lab_events(&lab, stream, watch, 610, 2, 610, false);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_RESYNC);
    assert_int_equal(last(&lab, watch)->from_zxid, 605);
    assert_int_equal(last(&lab, watch)->zxid, 610);
    assert_int_equal(told(&lab, watch), 3);
    assert_int_equal(lab.streams_count, stream);
    lab_events(&lab, stream, watch, 611, 1, 611, false);
    assert_int_equal(last(&lab, watch)->zxid, 611);
    lab_release(&lab);
}

static void test_a_stream_that_breaks_meanwhile(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    uint64_t zxid = overflow(&lab, stream, slow, ID + 1);
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_int_equal(lab_watch_at(&lab, other, slow), SIZE_MAX);
    assert_int_equal(lab.streams[other].rearmed, 1);
    drain(&lab, slow);
    assert_int_equal(point(&lab, other, slow), zxid - 1);
    lab_break(&lab, other);
    lab_advance(&lab, 50);
    assert_int_equal(point(&lab, lab_resume(&lab), slow), zxid - 1);
    /* Its session's end is told behind all. */
    lab_advance(&lab, 2 * LAB_TIMEOUT_MS);
    assert_int_equal(last(&lab, slow)->code, COORD_SESSION_EXPIRED);
    lab_release(&lab);
}

static void test_its_session_ends_meanwhile(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    (void)overflow(&lab, stream, slow, ID + 1);
    lab_advance(&lab, 2 * LAB_TIMEOUT_MS);
    assert_int_equal(last(&lab, slow)->kind, COORD_WATCH_ENDED);
    assert_int_equal(last(&lab, slow)->code, COORD_SESSION_EXPIRED);
    while (lab_take(&lab, slow) != 0) {
    }
    lab_release(&lab);
}

/* What else is told is bounded too, and what a bookmark says counts where it is not told. */
static void test_other_items(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_limits(&lab, EVENTS_BYTES, WATCH_BYTES, 0);
    uint64_t stream = lab_session(&lab, ID);
    size_t slow = lazy_watch(&lab, stream);
    for (uint64_t zxid = 600; zxid < 800; zxid++) {
        lab_bookmark(&lab, stream, zxid);
    }
    assert_in_range(lab_waiting(&lab, slow), WATCH_BYTES / 2, WATCH_BYTES);
    assert_int_equal(last(&lab, slow)->kind, COORD_WATCH_BOOKMARK);
    assert_true(last(&lab, slow)->zxid < 799);
    lab_resync(&lab, stream, slow, 900); /* there is no room for it: it will be said again */
    assert_true(lagged(&lab, slow));
    assert_int_equal(last(&lab, slow)->from_zxid, 799);
    drain(&lab, slow);
    lab_watch_set(&lab, stream, slow, 799);
    size_t settings = sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH);
    size_t unset = sent(&lab, stream, COORD__V1__REQUEST__OP_UNWATCH);
    for (int i = 0; i < 200;
         i++) { /* the replica's own LAGGED: each time it is set again at once */
        lab_lagged(&lab, stream, slow, 799);
    }
    assert_in_range(sent(&lab, stream, COORD__V1__REQUEST__OP_WATCH), settings + 10,
                    settings + 199);
    assert_int_equal(sent(&lab, stream, COORD__V1__REQUEST__OP_UNWATCH), unset);
    assert_true(lab_waiting(&lab, slow) <= WATCH_BYTES + 1000);
    drain(&lab, slow);
    assert_int_equal(point(&lab, stream, slow), 799);
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_others_go_on),
        cmocka_unit_test(test_it_is_set_again_when_all_was_taken),
        cmocka_unit_test(test_no_zxid_is_cut),
        cmocka_unit_test(test_before_the_first_answer),
        cmocka_unit_test(test_before_the_first_answer_and_lost),
        cmocka_unit_test(test_the_limit_for_all),
        cmocka_unit_test(test_room_that_a_removed_watch_leaves),
        cmocka_unit_test(test_a_zxid_that_is_too_large),
        cmocka_unit_test(test_a_stream_that_breaks_meanwhile),
        cmocka_unit_test(test_its_session_ends_meanwhile),
        cmocka_unit_test(test_other_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
