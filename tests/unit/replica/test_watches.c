#include "guest.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Events to streams: their order with replies, what a resume is told, queue fronts. */

#define PLAIN    COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT
#define CHILDREN COORD__V1__WATCH_SCOPE__WATCH_SCOPE_CHILDREN
#define SUBTREE  COORD__V1__WATCH_SCOPE__WATCH_SCOPE_SUBTREE

static void begin_with(struct house *house, struct guest *guest, uint64_t history_bytes)
{
    house_init(house, 1);
    house->history_bytes = history_bytes;
    house_crash(house, 0);
    house_start(house, 0);
    house_give_birth(house);
    house_run(house, 200);
    house_forget_answers(house);
    guest_open(guest, house, 0, "cn:client");
    guest_begin(guest, 7, 60000);
    guest_run(guest, 50);
    assert_int_equal(guest->welcome_code, CD_OK);
}

static void begin(struct house *house, struct guest *guest)
{
    begin_with(house, guest, 16 << 20);
}

static size_t place(const struct guest *guest, const struct guest_told *told)
{
    assert_non_null(told);
    return (size_t)(told - guest->told);
}

static void test_events_come_before_replies(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_create(&guest, 2, 1, "/a", "x", PLAIN, false);
    guest_create(&guest, 3, 2, "/a/b", "y", PLAIN, false);
    guest_run(&guest, 50);
    const struct guest_told *first = guest_find(&guest, GUEST_EVENT, 0);
    const struct guest_told *second = guest_find(&guest, GUEST_EVENT, 1);
    assert_true(place(&guest, guest_reply(&guest, 1)) < place(&guest, first));
    assert_true(place(&guest, first) < place(&guest, guest_reply(&guest, 2)));
    assert_true(place(&guest, second) < place(&guest, guest_reply(&guest, 3)));
    assert_string_equal(first->path, "/a");
    assert_string_equal(second->path, "/a/b");
    assert_int_equal(first->zxid, guest_reply(&guest, 2)->zxid);
    assert_int_equal(guest.complete_to, second->zxid);
    house_release(&house);
}

static void test_scopes_and_unwatch(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_create(&guest, 1, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 50);
    guest_watch(&guest, 2, 1, "/a", CHILDREN, 0);
    guest_create(&guest, 3, 2, "/a/b", "", PLAIN, false);
    guest_create(&guest, 4, 3, "/a/b/c", "", PLAIN, false);
    guest_create(&guest, 5, 4, "/b", "", PLAIN, false);
    guest_run(&guest, 50);
    assert_string_equal(guest_find(&guest, GUEST_EVENT, 0)->path, "/a/b");
    assert_null(guest_find(&guest, GUEST_EVENT, 1));
    guest_watch(&guest, 6, 1, "/b", CHILDREN, 0);
    guest_run(&guest, 50);
    assert_int_equal(guest_code(&guest, 6), CD_INVALID_ARGUMENT); /* the id is in use */
    house_release(&house);
}

static void test_resume_replays_in_order(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_create(&guest, 2, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 50);
    uint64_t from = guest.complete_to;
    guest_leave(&guest);
    assert_int_equal(house_create(&house, 0, "/b", ""), CD_OK);
    assert_int_equal(house_create(&house, 0, "/c", ""), CD_OK);

    struct guest again;
    guest_open(&again, &house, 0, "cn:client");
    guest_resume(&again, guest.session, 7, 2, from);
    guest_run(&again, 50);
    assert_int_equal(again.welcome_code, CD_OK);
    guest_watch(&again, 1, 1, "/", SUBTREE, from);
    guest_create(&again, 2, 2, "/d", "", PLAIN, false);
    guest_run(&again, 50);
    assert_int_equal(again.told_count, 0); /* R18 */
    guest_rearm_done(&again);
    guest_run(&again, 50);
    const char *paths[] = {"/b", "/c", "/d"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(guest_find(&again, GUEST_EVENT, i)->path, paths[i]);
    }
    assert_null(guest_find(&again, GUEST_EVENT, 3));
    assert_true(place(&again, guest_find(&again, GUEST_EVENT, 2)) <
                place(&again, guest_reply(&again, 2)));
    assert_int_equal(guest_code(&again, 1), CD_OK);
    house_release(&house);
}

/* R18: a kept reply waits for the events before it, also if all is asked for in one turn. */
static void test_kept_replies_wait_for_events(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_run(&guest, 50);
    uint64_t from = guest.complete_to;
    guest_create(&guest, 2, 1, "/a", "", PLAIN, false);
    house_run(&house, 50); /* the reply and the event are lost */
    guest_leave(&guest);
    struct guest again;
    guest_open(&again, &house, 0, "cn:client");
    guest_resume(&again, guest.session, 7, 2, from);
    guest_run(&again, 50);
    guest_watch(&again, 1, 1, "/", SUBTREE, from);
    guest_create(&again, 2, 1, "/a", "", PLAIN, false);
    guest_rearm_done(&again);
    guest_run(&again, 50);
    assert_int_equal(guest_code(&again, 2), CD_OK);
    assert_true(place(&again, guest_find(&again, GUEST_EVENT, 0)) <
                place(&again, guest_reply(&again, 2)));
    assert_null(guest_find(&again, GUEST_EVENT, 1));
    house_release(&house);
}

/* A watch that goes back gets what it missed; the others see nothing twice. */
static void test_a_late_watch_repeats_nothing_for_others(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/a", CHILDREN, 0);
    guest_create(&guest, 2, 1, "/a", "", PLAIN, false);
    guest_create(&guest, 3, 2, "/b", "", PLAIN, false);
    guest_run(&guest, 50);
    assert_non_null(guest_find(&guest, GUEST_EVENT, 0));
    assert_null(guest_find(&guest, GUEST_EVENT, 1));
    guest_watch(&guest, 4, 2, "/b", CHILDREN, guest_reply(&guest, 2)->zxid - 1);
    guest_create(&guest, 5, 3, "/a/c", "", PLAIN, false);
    guest_run(&guest, 50);
    assert_string_equal(guest_find(&guest, GUEST_EVENT, 1)->path, "/b");
    assert_string_equal(guest_find(&guest, GUEST_EVENT, 2)->path, "/a/c");
    assert_null(guest_find(&guest, GUEST_EVENT, 3));
    house_release(&house);
}

static void test_queue_front(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_create(&guest, 1, 1, "/lock-", "", PLAIN, true);
    guest_create(&guest, 2, 2, "/lock-", "", PLAIN, true);
    guest_run(&guest, 50);
    guest_watch_queue(&guest, 3, 1, "/lock-0000000000");
    guest_watch_queue(&guest, 4, 2, "/lock-0000000001");
    guest_run(&guest, 50);
    assert_int_equal(guest_find(&guest, GUEST_QUEUE, 0)->code, WIRE_QUEUE_FRONT);
    assert_int_equal(guest_find(&guest, GUEST_QUEUE, 0)->fence, guest_reply(&guest, 1)->zxid);
    assert_int_equal(guest_find(&guest, GUEST_QUEUE, 1)->code, WIRE_QUEUE_WAITING);
    guest_delete(&guest, 5, 3, "/lock-0000000000");
    guest_run(&guest, 50);
    const struct guest_told *gone = guest_find(&guest, GUEST_QUEUE, 2);
    const struct guest_told *front = guest_find(&guest, GUEST_QUEUE, 3);
    assert_int_equal(gone->code, WIRE_QUEUE_GONE);
    assert_int_equal(gone->id, 1);
    assert_int_equal(front->code, WIRE_QUEUE_FRONT);
    assert_int_equal(front->id, 2);
    assert_int_equal(front->fence, guest_reply(&guest, 2)->zxid);
    assert_true(place(&guest, front) < place(&guest, guest_reply(&guest, 5)));
    house_release(&house);
}

/* Creates /d0, /d1, ... with 100 kB each, and forgets what the house was answered. */
static void create_large(struct house *house, struct guest *guest, int count)
{
    char *data = cd_calloc(1, 100001);
    memset(data, 'x', 100000);
    for (int i = 0; i < count; i++) {
        char path[16];
        snprintf(path, sizeof(path), "/d%d", i);
        assert_int_equal(house_create(house, 0, path, data), CD_OK);
        guest_take(guest);
        house_forget_answers(house);
        guest->seen = 0;
    }
    cd_free(data);
}

static size_t count_events(const struct guest *guest)
{
    size_t count = 0;
    while (guest_find(guest, GUEST_EVENT, count) != NULL) {
        char path[16];
        snprintf(path, sizeof(path), "/d%d", (int)count);
        assert_string_equal(guest_find(guest, GUEST_EVENT, count)->path, path);
        count++;
    }
    return count;
}

/* A client that does not read is told nothing more until it does, and then misses nothing. */
static void test_a_slow_client_misses_nothing(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest.wants_data = true;
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_run(&guest, 20);
    create_large(&house, &guest, 60);
    size_t told = count_events(&guest);
    assert_in_range(told, 5, 20);
    guest_create(&guest, 2, 1, "/mine", "", PLAIN, false);
    guest_run(&guest, 50);
    assert_int_equal(guest_code(&guest, 2), -1); /* R18: behind what came before it */
    for (int i = 0; i < 20; i++) {
        guest_read(&guest);
        guest_run(&guest, 10);
    }
    assert_int_equal(guest_code(&guest, 2), CD_OK);
    for (size_t i = 0; i < 60; i++) {
        char path[16];
        snprintf(path, sizeof(path), "/d%d", (int)i);
        assert_string_equal(guest_find(&guest, GUEST_EVENT, i)->path, path);
    }
    assert_string_equal(guest_find(&guest, GUEST_EVENT, 60)->path, "/mine");
    assert_null(guest_find(&guest, GUEST_EVENT, 61));
    house_release(&house);
}

/* R18, also for what is said last: a stream that is left is not told an outcome before its events.
 */
static void test_a_stream_that_is_left_gets_no_reply_before_its_events(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest.wants_data = true;
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_run(&guest, 20);
    create_large(&house, &guest, 60);
    guest_create(&guest, 2, 1, "/mine", "", PLAIN, false);
    guest_run(&guest, 50);
    struct guest again;
    guest_open(&again, &house, 0, "cn:client");
    guest_resume(&again, guest.session, 7, 2, guest.complete_to);
    guest_run(&again, 50);
    assert_int_equal(again.welcome_code, CD_OK);
    guest_take(&guest);
    assert_true(count_events(&guest) < 60);
    assert_int_equal(guest_code(&guest, 2), -1);
    assert_int_equal(guest_find(&guest, GUEST_AWAY, 0)->code, CD_SESSION_MOVED);
    house_release(&house);
}

/* Before rearm_done there are no events, and so no replies either. */
static void test_a_resumed_stream_that_is_left_at_once(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_run(&guest, 50);
    uint64_t from = guest.complete_to;
    guest_create(&guest, 2, 1, "/a", "", PLAIN, false);
    house_run(&house, 50); /* the reply and the event are lost */
    guest_leave(&guest);
    struct guest second;
    guest_open(&second, &house, 0, "cn:client");
    guest_resume(&second, guest.session, 7, 2, from);
    guest_run(&second, 50);
    guest_create(&second, 2, 1, "/a", "", PLAIN, false);
    guest_run(&second, 50);
    assert_int_equal(guest_code(&second, 2), -1);
    struct guest third;
    guest_open(&third, &house, 0, "cn:client");
    guest_resume(&third, guest.session, 7, 3, from);
    guest_run(&third, 50);
    guest_take(&second);
    assert_int_equal(guest_code(&second, 2), -1);
    assert_int_equal(guest_find(&second, GUEST_AWAY, 0)->code, CD_SESSION_MOVED);
    house_release(&house);
}

/* A session is opened on a stream that catches up as soon as it has; the client cannot see that. */
static void test_a_stream_that_is_behind_opens_no_session_yet(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    struct guest plain;
    guest_open(&plain, &house, 0, "cn:client");
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    guest_hello(&plain, &hello);
    guest_run(&plain, 50);
    plain.wants_data = true;
    guest_watch(&plain, 1, 1, "/", SUBTREE, 0);
    guest_run(&plain, 20);
    create_large(&house, &plain, 60);
    guest_begin(&plain, 9, 60000);
    guest_run(&plain, 50);
    assert_int_equal(plain.welcome_code, CD_BUSY);
    assert_int_equal(plain.session, 0);
    for (int i = 0; i < 20; i++) {
        guest_read(&plain);
        guest_run(&plain, 10);
    }
    guest_begin(&plain, 9, 60000);
    guest_run(&plain, 50);
    assert_int_equal(plain.welcome_code, CD_OK);
    assert_int_not_equal(plain.session, 0);
    house_release(&house);
}

/* When the history no longer has what comes next, it is told so, with where to go on. */
static void test_a_client_that_is_too_slow_lags(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin_with(&house, &guest, 512 << 10);
    guest.wants_data = true;
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_run(&guest, 20);
    create_large(&house, &guest, 60);
    size_t told = count_events(&guest);
    uint64_t last = guest_find(&guest, GUEST_EVENT, told - 1)->zxid;
    guest_read(&guest);
    guest_run(&guest, 50);
    const struct guest_told *lagged = guest_find(&guest, GUEST_LAGGED, 0);
    assert_non_null(lagged);
    assert_int_equal(lagged->zxid, last);
    /* Set again from there it hears that the history does not reach back. */
    guest_watch(&guest, 2, 1, "/", SUBTREE, last);
    guest_read(&guest);
    guest_run(&guest, 50);
    assert_int_equal(guest_code(&guest, 2), CD_OK);
    assert_non_null(guest_find(&guest, GUEST_RESYNC, 0));
    house_release(&house);
}

/* What is applied between a watch of a resumed session and rearm_done is told as well. */
static void test_nothing_is_missed_before_rearm_done(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest);
    guest_watch(&guest, 1, 1, "/", SUBTREE, 0);
    guest_create(&guest, 2, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 50);
    uint64_t all = guest.complete_to;
    guest_leave(&guest);
    struct guest again;
    guest_open(&again, &house, 0, "cn:client");
    guest_resume(&again, guest.session, 7, 2, all);
    guest_run(&again, 50);
    guest_watch(&again, 1, 1, "/", SUBTREE, all);
    guest_run(&again, 50);
    assert_int_equal(house_create(&house, 0, "/b", ""), CD_OK);
    guest_watch(&again, 2, 2, "/", SUBTREE, 0); /* sees no /b */
    guest_run(&again, 50);
    assert_int_equal(house_create(&house, 0, "/c", ""), CD_OK);
    guest_run(&again, 50);
    assert_null(guest_find(&again, GUEST_EVENT, 0));
    guest_rearm_done(&again);
    guest_run(&again, 50);
    assert_string_equal(guest_find(&again, GUEST_EVENT, 0)->path, "/b");
    assert_string_equal(guest_find(&again, GUEST_EVENT, 1)->path, "/c");
    assert_null(guest_find(&again, GUEST_EVENT, 2));
    house_release(&house);
}

/* The same where the history does not reach back to what the session has seen. */
static void test_nothing_is_missed_behind_a_resync(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin_with(&house, &guest, 512 << 10);
    guest_run(&guest, 20);
    uint64_t old = guest.complete_to;
    create_large(&house, &guest, 60);
    guest_leave(&guest);
    struct guest again;
    guest_open(&again, &house, 0, "cn:client");
    guest_resume(&again, guest.session, 7, 2, old);
    guest_run(&again, 50);
    guest_watch(&again, 1, 1, "/", SUBTREE, old);
    guest_run(&again, 50);
    assert_int_equal(house_create(&house, 0, "/late", ""), CD_OK);
    guest_rearm_done(&again);
    guest_run(&again, 50);
    assert_non_null(guest_find(&again, GUEST_RESYNC, 0));
    assert_string_equal(guest_find(&again, GUEST_EVENT, 0)->path, "/late");
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_before_replies),
        cmocka_unit_test(test_scopes_and_unwatch),
        cmocka_unit_test(test_resume_replays_in_order),
        cmocka_unit_test(test_kept_replies_wait_for_events),
        cmocka_unit_test(test_a_late_watch_repeats_nothing_for_others),
        cmocka_unit_test(test_a_slow_client_misses_nothing),
        cmocka_unit_test(test_a_stream_that_is_left_gets_no_reply_before_its_events),
        cmocka_unit_test(test_a_resumed_stream_that_is_left_at_once),
        cmocka_unit_test(test_a_stream_that_is_behind_opens_no_session_yet),
        cmocka_unit_test(test_a_client_that_is_too_slow_lags),
        cmocka_unit_test(test_queue_front),
        cmocka_unit_test(test_nothing_is_missed_before_rearm_done),
        cmocka_unit_test(test_nothing_is_missed_behind_a_resync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
