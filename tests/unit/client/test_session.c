#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: the laws S1 to S7 of session.h. Method: the machine alone, on virtual time; the test plays
 * the replicas. S1 is also checked in lab.c, for every frame of every test.
 */

static void test_nothing_is_dialled_without_need(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    lab_advance(&lab, 100000);
    assert_int_equal(lab.streams_count, 0);
    lab_release(&lab);
}

static void test_requests_wait_for_the_welcome(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    assert_int_equal(lab.streams_count, 1);
    assert_int_equal(lab.streams[1].frames, 1);
    assert_true(lab.streams[1].hello);
    assert_int_equal(lab.streams[1].ids_count, 0);
    lab_welcome(&lab, 1, COORD_OK);
    assert_int_equal(lab_sent(&lab, 1, write), 1);
    lab_reply(&lab, 1, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    assert_non_null(lab.requests[write].request.result);
    lab_release(&lab);
}

static void test_later_requests_use_the_same_stream(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    for (int i = 0; i < 5; i++) {
        size_t read = lab_read(&lab, 5000);
        if (i == 0) {
            (void)lab_connect(&lab);
        }
        lab_reply(&lab, 1, read, COORD_OK);
        assert_int_equal(lab_code(&lab, read), COORD_OK);
        lab_advance(&lab, 60000);
    }
    assert_int_equal(lab.streams_count, 1);
    lab_release(&lab);
}

static void test_what_waits_goes_into_one_frame_in_order(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    for (int i = 0; i < 10; i++) {
        (void)(i % 2 == 0 ? lab_write(&lab, 5000) : lab_read(&lab, 5000));
    }
    uint64_t stream = lab_connect(&lab);
    assert_int_equal(lab.streams[stream].frames, 2);
    assert_int_equal(lab.streams[stream].last_count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(lab.streams[stream].ids[i], lab.requests[i].request.id);
    }
    lab_release(&lab);
}

static void test_replies_end_requests_in_the_order_of_items(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t first = lab_write(&lab, 5000);
    size_t second = lab_write(&lab, 5000);
    (void)lab_connect(&lab);
    lab_reply(&lab, 1, second, COORD_OK);
    lab_reply(&lab, 1, first, COORD_NO_NODE);
    assert_int_equal(lab_code(&lab, second), COORD_OK);
    assert_int_equal(lab_code(&lab, first), COORD_NO_NODE);
    assert_true(lab.requests[second].done_order < lab.requests[first].done_order);
    lab_release(&lab);
}

static void test_a_second_reply_is_dropped(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    (void)lab_connect(&lab);
    lab_reply(&lab, 1, write, COORD_OK);
    lab_reply(&lab, 1, write, COORD_NO_NODE);
    lab_reply(&lab, 1, write, COORD_NO_LEADER);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    assert_false(lab.streams[1].closed);
    lab_release(&lab);
}

/* ---- S3, S4: lost streams ---- */

static void test_a_lost_stream_leaves_a_sent_write_unknown(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab_break(&lab, stream);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_non_null(strstr(lab_message(&lab, write), "it broke"));
    assert_non_null(strstr(lab_message(&lab, write), "may or may not have been done"));
    lab_advance(&lab, 10000);
    assert_int_equal(lab.streams_count, 1); /* nothing waits */
    lab_release(&lab);
}

static void test_a_lost_stream_sends_a_read_again(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t read = lab_read(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_break(&lab, first);
    assert_false(lab_is_done(&lab, read));
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_true(second > first);
    assert_int_not_equal(lab.streams[second].endpoint, lab.streams[first].endpoint);
    assert_int_equal(lab_sent(&lab, second, read), 1);
    lab_reply(&lab, second, read, COORD_OK);
    assert_int_equal(lab_code(&lab, read), COORD_OK);
    lab_release(&lab);
}

static void test_a_write_that_was_not_sent_survives_a_lost_stream(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t sent = lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab.stuck[first] = true;
    size_t waiting = lab_write(&lab, 5000);
    assert_int_equal(lab_sent(&lab, first, waiting), 0);
    lab_break(&lab, first);
    assert_int_equal(lab_code(&lab, sent), COORD_OUTCOME_UNKNOWN);
    assert_false(lab_is_done(&lab, waiting));
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, second, waiting), 1);
    lab_release(&lab);
}

static void test_what_is_sent_again_goes_before_younger_requests(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t old_read = lab_read(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab.stuck[first] = true;
    size_t young = lab_write(&lab, 5000);
    size_t youngest = lab_read(&lab, 5000);
    lab_break(&lab, first);
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    const struct lab_stream *stream = &lab.streams[second];
    assert_int_equal(stream->ids_count, 3);
    assert_int_equal(stream->ids[0], lab.requests[old_read].request.id);
    assert_int_equal(stream->ids[1], lab.requests[young].request.id);
    assert_int_equal(stream->ids[2], lab.requests[youngest].request.id);
    lab_release(&lab);
}

static void test_only_the_last_stream_answers_a_read(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    assert_int_equal(client_session_stream(lab.session), first);
    lab_no_leader(&lab, first); /* stays open for the write */
    assert_int_equal(client_session_stream(lab.session), 0);
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, second, read), 1);
    lab_reply(&lab, first, read, COORD_NO_NODE);
    assert_false(lab_is_done(&lab, read));
    lab_reply(&lab, second, read, COORD_OK);
    assert_int_equal(lab_code(&lab, read), COORD_OK);
    lab_reply(&lab, first, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    lab_release(&lab);
}

/* ---- Refusals that are no outcome ---- */

static void resend_after(enum coord_code code, bool elsewhere)
{
    struct lab lab;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_reply(&lab, first, write, code);
    assert_false(lab_is_done(&lab, write));
    lab_advance(&lab, 200);
    uint64_t second = elsewhere ? lab_connect(&lab) : first;
    assert_true(elsewhere == (second != first));
    assert_int_equal(lab_sent(&lab, second, write), elsewhere ? 1 : 2);
    assert_true(lab.streams[first].closed == elsewhere);
    lab_reply(&lab, second, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    lab_release(&lab);
}

static void test_a_refused_write_is_sent_again_elsewhere(void **state)
{
    (void)state;
    resend_after(COORD_NO_LEADER, true);
    resend_after(COORD_SHUTTING_DOWN, true);
    resend_after(COORD_BEHIND, true);
}

static void test_a_busy_replica_is_asked_again_after_a_pause(void **state)
{
    (void)state;
    resend_after(COORD_BUSY, false);
}

static void test_a_busy_replica_is_left_in_the_end(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    for (size_t times = 1; !lab.streams[first].closed; times++) {
        assert_true(times <= 3);
        assert_int_equal(lab_sent(&lab, first, write), times);
        lab_reply(&lab, first, write, COORD_BUSY);
        lab_advance(&lab, 250);
    }
    assert_int_equal(lab_sent(&lab, first, write), 3);
    assert_true(lab.streams_count > first);
    lab_release(&lab);
}

static void test_a_pause_that_is_over_lets_the_driver_sleep(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab_reply(&lab, stream, write, COORD_BUSY);
    lab.stuck[stream] = true;
    lab_advance(&lab, 1000); /* asserts that no deadline stays in the past */
    lab.stuck[stream] = false;
    lab_settle(&lab);
    assert_int_equal(lab_sent(&lab, stream, write), 2);
    lab_release(&lab);
}

static void test_an_outcome_that_is_unknown_is_final_for_a_write(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    (void)lab_connect(&lab);
    lab_reply(&lab, 1, write, COORD_OUTCOME_UNKNOWN);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_non_null(strstr(lab_message(&lab, write), "look before you repeat it"));
    lab_reply(&lab, 1, read, COORD_LIMIT_TIME);
    assert_false(lab_is_done(&lab, read)); /* S4 */
    lab_release(&lab);
}

static void test_a_limit_of_time_is_final_for_a_write(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    (void)lab_connect(&lab);
    lab_reply(&lab, 1, write, COORD_LIMIT_TIME);
    assert_int_equal(lab_code(&lab, write), COORD_LIMIT_TIME);
    lab_release(&lab);
}

/* ---- S5: leaving ---- */

static void test_a_stream_is_left_when_its_writes_are_answered(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t one = lab_write(&lab, 5000);
    size_t two = lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_no_leader(&lab, first);
    assert_false(lab.streams[first].closed);
    size_t three = lab_write(&lab, 5000);
    assert_int_equal(lab_sent(&lab, first, three), 0);
    lab_reply(&lab, first, one, COORD_OK);
    assert_false(lab.streams[first].closed);
    lab_reply(&lab, first, two, COORD_OK);
    assert_true(lab.streams[first].closed);
    assert_int_equal(lab_code(&lab, one), COORD_OK);
    assert_int_equal(lab_code(&lab, two), COORD_OK);
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, second, three), 1);
    lab_release(&lab);
}

static void test_a_stream_without_writes_is_left_at_once(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t read = lab_read(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_go_away(&lab, first, NULL);
    assert_true(lab.streams[first].closed);
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, second, read), 1);
    lab_release(&lab);
}

static void test_a_stream_that_breaks_while_it_is_left(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t one = lab_write(&lab, 5000);
    size_t two = lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_go_away(&lab, first, NULL);
    lab_break(&lab, first);
    assert_int_equal(lab_code(&lab, one), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(lab_code(&lab, two), COORD_OUTCOME_UNKNOWN);
    lab_release(&lab);
}

static void test_a_hint_is_dialled_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct lab lab;
        lab_init(&lab, 3, seed);
        (void)lab_read(&lab, 5000);
        uint64_t first = lab_connect(&lab);
        size_t hinted = (lab.streams[first].endpoint + 1) % 3;
        lab_go_away(&lab, first, lab_endpoints[hinted]);
        lab_advance(&lab, 100);
        assert_int_equal(lab.streams[first + 1].endpoint, hinted);
        lab_release(&lab);
    }
}

static void test_a_hint_outside_the_list_is_no_endpoint(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    (void)lab_read(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    lab_go_away(&lab, first, "evil:1");
    lab_advance(&lab, 100);
    assert_int_equal(lab.streams[first + 1].endpoint, 0);
    lab_release(&lab);
}

static void test_streams_that_are_left_are_bounded(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    for (int i = 0; i < 40; i++) {
        (void)lab_write(&lab, 60000);
        for (int waited = 0; waited < 20 && lab.streams[lab.streams_count].closed; waited++) {
            lab_advance(&lab, 100);
        }
        uint64_t stream = lab_connect(&lab);
        lab_no_leader(&lab, stream);
        lab_advance(&lab, 600);
    }
    size_t open = 0;
    for (uint64_t id = 1; id <= lab.streams_count; id++) {
        open += lab.streams[id].closed ? 0 : 1;
    }
    assert_true(open <= 16);
    assert_int_equal(lab_code(&lab, 0), COORD_OUTCOME_UNKNOWN); /* the oldest gave way */
    lab_release(&lab);
}

/* ---- S6: deadlines ---- */

static void test_nobody_answers(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 2000);
    lab_advance(&lab, 1999);
    assert_false(lab_is_done(&lab, write));
    lab_advance(&lab, 1);
    assert_int_equal(lab_code(&lab, write), COORD_UNREACHABLE);
    assert_non_null(strstr(lab_message(&lab, write), "within 2000 ms"));
    assert_non_null(strstr(lab_message(&lab, write), "a:1: no answer so far"));
    lab_release(&lab);
}

static void test_reasons_are_told_for_each_endpoint(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 2, 1);
    size_t read = lab_read(&lab, 1000);
    for (uint64_t id = 1; lab.now_ms < 1950; id++) {
        if (id <= lab.streams_count) {
            lab_break(&lab, id);
        }
        lab_advance(&lab, 50);
    }
    lab_advance(&lab, 200);
    assert_int_equal(lab_code(&lab, read), COORD_UNREACHABLE);
    assert_non_null(strstr(lab_message(&lab, read), "a:1: it broke; b:2: it broke"));
    lab_release(&lab);
}

static void test_no_leader_until_the_deadline(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 2000);
    while (!lab_is_done(&lab, write)) {
        uint64_t stream = lab.streams_count;
        if (!lab.streams[stream].closed) {
            lab_welcome(&lab, stream, COORD_OK);
            lab_reply(&lab, stream, write, COORD_NO_LEADER);
        }
        lab_advance(&lab, 10);
    }
    assert_int_equal(lab.now_ms, 3000);
    assert_int_equal(lab_code(&lab, write), COORD_NO_LEADER);
    assert_non_null(strstr(lab_message(&lab, write), "nothing was done"));
    assert_true(lab.streams_count < 20); /* pauses grow */
    lab_release(&lab);
}

static void test_no_answer_to_a_sent_request(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 2000);
    size_t read = lab_read(&lab, 1000);
    (void)lab_connect(&lab);
    lab_advance(&lab, 1000);
    assert_int_equal(lab_code(&lab, read), COORD_TIMEOUT);
    assert_false(lab_is_done(&lab, write));
    lab_advance(&lab, 1000);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    lab_reply(&lab, 1, write, COORD_OK); /* S7: too late */
    lab_reply(&lab, 1, read, COORD_OK);
    size_t later = lab_read(&lab, 1000);
    lab_reply(&lab, 1, later, COORD_OK);
    assert_int_equal(lab_code(&lab, later), COORD_OK);
    lab_release(&lab);
}

static void test_a_request_that_could_not_be_sent_was_not_done(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    (void)lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab.stuck[stream] = true;
    size_t write = lab_write(&lab, 1000);
    lab_advance(&lab, 1000);
    assert_int_equal(lab_code(&lab, write), COORD_TIMEOUT);
    lab_release(&lab);
}

static void test_reads_say_how_long_they_wait(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    (void)lab_read(&lab, 5000);
    (void)lab_write(&lab, 5000);
    uint64_t first = lab_connect(&lab);
    assert_int_equal(lab.streams[first].waits[0], 5000);
    assert_int_equal(lab.streams[first].waits[1], 0);
    lab_advance(&lab, 1000);
    lab_break(&lab, first);
    uint64_t before = lab.now_ms;
    lab_advance(&lab, 100);
    uint64_t second = lab_connect(&lab);
    assert_int_equal(lab.streams[second].waits[0], 4000 - (lab.now_ms - before));
    lab_release(&lab);
}

static void test_closing_ends_everything(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab.stuck[stream] = true;
    size_t waiting = lab_write(&lab, 5000);
    client_session_shutdown(lab.session, lab_now(&lab));
    lab_settle(&lab);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(lab_code(&lab, read), COORD_CLOSED);
    assert_int_equal(lab_code(&lab, waiting), COORD_CLOSED);
    assert_true(lab.streams[stream].closed);
    size_t late = lab_write(&lab, 5000);
    assert_int_equal(lab_code(&lab, late), COORD_CLOSED);
    lab_advance(&lab, 10000);
    assert_int_equal(lab.streams_count, 1);
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_dialled_without_need),
        cmocka_unit_test(test_requests_wait_for_the_welcome),
        cmocka_unit_test(test_later_requests_use_the_same_stream),
        cmocka_unit_test(test_what_waits_goes_into_one_frame_in_order),
        cmocka_unit_test(test_replies_end_requests_in_the_order_of_items),
        cmocka_unit_test(test_a_second_reply_is_dropped),
        cmocka_unit_test(test_a_lost_stream_leaves_a_sent_write_unknown),
        cmocka_unit_test(test_a_lost_stream_sends_a_read_again),
        cmocka_unit_test(test_a_write_that_was_not_sent_survives_a_lost_stream),
        cmocka_unit_test(test_what_is_sent_again_goes_before_younger_requests),
        cmocka_unit_test(test_only_the_last_stream_answers_a_read),
        cmocka_unit_test(test_a_refused_write_is_sent_again_elsewhere),
        cmocka_unit_test(test_a_busy_replica_is_asked_again_after_a_pause),
        cmocka_unit_test(test_a_busy_replica_is_left_in_the_end),
        cmocka_unit_test(test_a_pause_that_is_over_lets_the_driver_sleep),
        cmocka_unit_test(test_an_outcome_that_is_unknown_is_final_for_a_write),
        cmocka_unit_test(test_a_limit_of_time_is_final_for_a_write),
        cmocka_unit_test(test_a_stream_is_left_when_its_writes_are_answered),
        cmocka_unit_test(test_a_stream_without_writes_is_left_at_once),
        cmocka_unit_test(test_a_stream_that_breaks_while_it_is_left),
        cmocka_unit_test(test_a_hint_is_dialled_first),
        cmocka_unit_test(test_a_hint_outside_the_list_is_no_endpoint),
        cmocka_unit_test(test_streams_that_are_left_are_bounded),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_reasons_are_told_for_each_endpoint),
        cmocka_unit_test(test_no_leader_until_the_deadline),
        cmocka_unit_test(test_no_answer_to_a_sent_request),
        cmocka_unit_test(test_a_request_that_could_not_be_sent_was_not_done),
        cmocka_unit_test(test_reads_say_how_long_they_wait),
        cmocka_unit_test(test_closing_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
