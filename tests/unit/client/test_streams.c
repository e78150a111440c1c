#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: from dialling to a welcome: which endpoints are tried when, what a welcome may refuse, what
 * limits it sets, and what a replica may not say. Method: as in test_session.c.
 */

static void test_a_silent_endpoint_costs_300_ms(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t read = lab_read(&lab, 5000);
    lab_advance(&lab, 299);
    assert_int_equal(lab.streams_count, 1);
    lab_advance(&lab, 1);
    assert_int_equal(lab.streams_count, 2);
    assert_int_not_equal(lab.streams[1].endpoint, lab.streams[2].endpoint);
    lab_welcome(&lab, 2, COORD_OK);
    assert_int_equal(lab_sent(&lab, 2, read), 1);
    assert_true(lab.streams[1].closed);
    lab_welcome(&lab, 1, COORD_OK); /* too late: nothing comes of it */
    assert_int_equal(lab_sent(&lab, 1, read), 0);
    lab_release(&lab);
}

static void test_a_failed_attempt_is_followed_at_once(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    (void)lab_read(&lab, 5000);
    lab_break(&lab, 1);
    lab_break(&lab, 2);
    assert_int_equal(lab.streams_count, 3);
    assert_int_equal(lab.now_ms, 1000);
    assert_int_equal(lab.streams[1].endpoint + lab.streams[2].endpoint + lab.streams[3].endpoint,
                     0 + 1 + 2);
    lab_release(&lab);
}

static void test_rounds_have_growing_pauses(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    (void)lab_read(&lab, 20000);
    uint64_t pauses[12];
    for (size_t i = 0; i < 12; i++) {
        uint64_t failed_ms = lab.now_ms;
        uint64_t count = lab.streams_count;
        lab_break(&lab, count);
        while (lab.streams_count == count) {
            lab_advance(&lab, 1);
        }
        pauses[i] = lab.now_ms - failed_ms;
        uint64_t most = i < 5 ? 25u << i : 500;
        most = most < 500 ? most : 500;
        assert_in_range(pauses[i], most / 2, most + 1);
    }
    lab_release(&lab);
}

static void test_pauses_start_again_after_work(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t read = lab_read(&lab, 60000);
    for (int i = 0; i < 8; i++) {
        lab_break(&lab, lab.streams_count);
        lab_advance(&lab, 501);
    }
    uint64_t stream = lab_connect(&lab);
    lab_reply(&lab, stream, read, COORD_OK);
    (void)lab_read(&lab, 60000);
    lab_break(&lab, stream);
    lab_advance(&lab, 26);
    assert_true(lab.streams_count > stream);
    lab_release(&lab);
}

static void test_a_welcome_without_work_does_not_reset_pauses(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    (void)lab_read(&lab, 10000);
    for (int i = 0; i < 200; i++) {
        if (!lab.streams[lab.streams_count].closed) {
            uint64_t stream = lab_connect(&lab);
            lab_garbage(&lab, stream);
            assert_true(lab.streams[stream].closed);
        }
        lab_advance(&lab, 50);
    }
    assert_true(lab.streams_count < 45); /* 10 s in pauses of 250 to 500 ms */
    lab_release(&lab);
}

static void test_an_attempt_is_given_up(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t read = lab_read(&lab, 8000);
    lab_advance(&lab, 4999);
    assert_false(lab.streams[1].closed);
    lab_advance(&lab, 1);
    assert_true(lab.streams[1].closed);
    lab_advance(&lab, 3000);
    assert_int_equal(lab_code(&lab, read), COORD_UNREACHABLE);
    assert_non_null(strstr(lab_message(&lab, read), "no answer within 5000 ms"));
    lab_release(&lab);
}

static void test_a_stuck_endpoint_does_not_stop_the_others(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t read = lab_read(&lab, 10000);
    /* The endpoint of the first stream never answers; the others refuse for one second. */
    size_t stuck = lab.streams[1].endpoint;
    uint64_t seen = 0;
    uint64_t begun_ms = lab.now_ms;
    while (!lab_is_done(&lab, read)) {
        for (; seen < lab.streams_count; seen++) {
            uint64_t id = seen + 1;
            bool serves = lab.now_ms - begun_ms >= 1000;
            if (lab.streams[id].endpoint != stuck && !lab.streams[id].closed) {
                lab_welcome(&lab, id, serves ? COORD_OK : COORD_NO_LEADER);
                if (serves) {
                    lab_reply(&lab, id, read, COORD_OK);
                }
            }
        }
        lab_advance(&lab, 5);
    }
    assert_int_equal(lab_code(&lab, read), COORD_OK);
    assert_true(lab.now_ms - begun_ms < 2000);
    lab_release(&lab);
}

static void test_every_endpoint_comes_first_sometimes(void **state)
{
    size_t first[LAB_ENDPOINTS] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct lab lab;
        lab_init(&lab, 3, seed);
        (void)lab_read(&lab, 5000);
        first[lab.streams[1].endpoint]++;
        lab_release(&lab);
    }
    for (size_t i = 0; i < LAB_ENDPOINTS; i++) {
        assert_in_range(first[i], 60, 140);
    }
}

static void test_the_endpoint_that_was_left_comes_last(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct lab lab;
        lab_init(&lab, 3, seed);
        (void)lab_read(&lab, 5000);
        uint64_t first = lab_connect(&lab);
        lab_break(&lab, first);
        lab_advance(&lab, 100);
        lab_break(&lab, first + 1);
        lab_break(&lab, first + 2);
        assert_int_equal(lab.streams[first + 3].endpoint, lab.streams[first].endpoint);
        lab_release(&lab);
    }
}

/* ---- Welcomes ---- */

static void test_a_welcome_that_refuses_for_now(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 2, 1);
    size_t read = lab_read(&lab, 5000);
    lab_welcome(&lab, 1, COORD_NO_LEADER);
    assert_true(lab.streams[1].closed);
    assert_int_equal(lab.streams_count, 2);
    lab_welcome(&lab, 2, COORD_OK);
    assert_int_equal(lab_sent(&lab, 2, read), 1);
    lab_release(&lab);
}

static void test_all_refuse_for_good(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 3, 1);
    size_t write = lab_write(&lab, 60000);
    lab_welcome(&lab, 1, COORD_NOT_BORN);
    lab_welcome(&lab, 2, COORD_NOT_BORN);
    assert_false(lab_is_done(&lab, write));
    lab_welcome(&lab, 3, COORD_NOT_BORN);
    assert_int_equal(lab_code(&lab, write), COORD_NOT_BORN);
    assert_int_equal(lab.now_ms, 1000);
    /* The next call asks again. */
    size_t next = lab_write(&lab, 60000);
    lab_advance(&lab, 100);
    assert_int_equal(lab.streams_count, 4);
    lab_welcome(&lab, 4, COORD_OK);
    lab_reply(&lab, 4, next, COORD_OK);
    assert_int_equal(lab_code(&lab, next), COORD_OK);
    lab_release(&lab);
}

static void test_one_that_may_come_back_keeps_hope(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 2, 1);
    size_t write = lab_write(&lab, 3000);
    lab_welcome(&lab, 1, COORD_NOT_BORN);
    lab_break(&lab, 2);
    assert_false(lab_is_done(&lab, write));
    lab_release(&lab);
}

static void test_a_port_that_does_not_serve_clients(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t read = lab_read(&lab, 3000);
    lab_break_as(&lab, 1, COORD_UNIMPLEMENTED);
    assert_int_equal(lab_code(&lab, read), COORD_UNIMPLEMENTED);
    lab_release(&lab);
}

static void test_hello_tells_what_was_seen(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    assert_false(lab.streams[1].has_cluster);
    assert_int_equal(lab.streams[1].last_seen, 0);
    lab_welcome_as(&lab, 1, 7, 3, NULL);
    lab_reply(&lab, 1, write, COORD_OK);
    lab_break(&lab, 1);
    (void)lab_read(&lab, 5000);
    lab_advance(&lab, 100);
    assert_true(lab.streams[2].has_cluster);
    assert_int_equal(lab.streams[2].generation, 3);
    assert_int_equal(lab.streams[2].last_seen, 100 + write);
    lab_release(&lab);
}

/* A request that an application gives again may be marked with a write of a session that is gone.
 */
static void test_a_request_given_again_follows_nothing(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    lab.requests[lab.requests_count].request.after_seq = 7;
    size_t read = lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    assert_int_equal(lab.streams[stream].ids_count, 1);
    assert_int_equal(lab.streams[stream].afters[0], 0);
    lab_reply(&lab, stream, read, COORD_OK);
    lab_release(&lab);
}

/* What an answer on another stream has shown binds this one too, which was not told of it. */
static void test_session_reads_without_a_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t read = lab_read(&lab, 5000);
    lab.requests[read].request.level = COORD_SESSION;
    uint64_t stream = lab_connect(&lab);
    assert_int_equal(lab.streams[stream].levels[0], COORD_SESSION);
    lab_reply(&lab, stream, read, COORD_OK);
    read = lab_read(&lab, 5000); /* sent at once, as linearizable */
    assert_int_equal(lab.streams[stream].levels[1], COORD_LINEARIZABLE);
    lab_break(&lab, stream);
    lab.requests[read].request.level = COORD_SESSION;
    lab_advance(&lab, 100);
    stream = lab_connect(&lab);
    assert_int_equal(lab.streams[stream].levels[0], COORD_AT_LEAST);
    assert_int_equal(lab.streams[stream].at_leasts[0], 100); /* the first answer's zxid */
    lab_reply(&lab, stream, read, COORD_OK);
    lab_release(&lab);
}

static void other_cluster(uint8_t cluster, uint32_t generation)
{
    struct lab lab;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    lab_welcome_as(&lab, 1, 7, 1, NULL);
    lab_reply(&lab, 1, write, COORD_OK);
    lab_break(&lab, 1);
    size_t next = lab_write(&lab, 5000);
    lab_advance(&lab, 100);
    lab_welcome_as(&lab, 2, cluster, generation, NULL);
    assert_int_equal(lab.streams[2].ids_count, 0);
    assert_int_equal(lab_code(&lab, next), COORD_WRONG_CLUSTER);
    lab_release(&lab);
}

static void test_another_cluster_gets_nothing(void **state)
{
    (void)state;
    other_cluster(8, 1);
    other_cluster(7, 2);
}

/* ---- Limits ---- */

static void test_a_frame_holds_as_many_requests_as_announced(void **state)
{
    struct lab lab;
    Coord__V1__Limits limits = COORD__V1__LIMITS__INIT;
    (void)state;
    limits.frame_requests = 4;
    lab_init(&lab, 1, 1);
    for (int i = 0; i < 10; i++) {
        (void)lab_write(&lab, 5000);
    }
    lab_welcome_as(&lab, 1, 7, 1, &limits);
    assert_int_equal(lab.streams[1].ids_count, 10);
    assert_int_equal(lab.streams[1].frames, 1 + 3);
    lab_release(&lab);
}

static void test_a_frame_has_as_many_bytes_as_announced(void **state)
{
    struct lab lab;
    Coord__V1__Limits limits = COORD__V1__LIMITS__INIT;
    (void)state;
    limits.frame_bytes = 1000;
    lab_init(&lab, 1, 1);
    size_t fits = lab_write_bytes(&lab, 5000, 600);
    size_t large = lab_write_bytes(&lab, 5000, 1200);
    size_t next = lab_write_bytes(&lab, 5000, 600);
    lab_welcome_as(&lab, 1, 7, 1, &limits);
    assert_int_equal(lab_code(&lab, large), COORD_TOO_LARGE);
    assert_non_null(strstr(lab_message(&lab, large), "1000"));
    assert_int_equal(lab_sent(&lab, 1, fits), 1);
    assert_int_equal(lab_sent(&lab, 1, next), 1);
    assert_int_equal(lab.streams[1].frames, 1 + 2);
    lab_release(&lab);
}

static void test_no_more_is_unanswered_than_announced(void **state)
{
    struct lab lab;
    Coord__V1__Limits limits = COORD__V1__LIMITS__INIT;
    (void)state;
    limits.unacked_writes = 2;
    limits.waiting_reads = 3;
    lab_init(&lab, 1, 1);
    for (int i = 0; i < 4; i++) {
        (void)lab_write(&lab, 5000);
    }
    for (int i = 0; i < 4; i++) {
        (void)lab_read(&lab, 5000);
    }
    lab_welcome_as(&lab, 1, 7, 1, &limits);
    assert_int_equal(lab.streams[1].ids_count, 2);
    lab_reply(&lab, 1, 0, COORD_OK);
    assert_int_equal(lab.streams[1].ids_count, 3);
    lab_reply(&lab, 1, 1, COORD_OK);
    assert_int_equal(lab.streams[1].ids_count, 4 + 3);
    lab_reply(&lab, 1, 4, COORD_OK);
    assert_int_equal(lab.streams[1].ids_count, 8);
    lab_release(&lab);
}

/* ---- What a replica may not say ---- */

static void test_items_before_the_welcome(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    lab_reply(&lab, 1, write, COORD_OK);
    assert_true(lab.streams[1].closed);
    assert_false(lab_is_done(&lab, write));
    lab_release(&lab);
}

static void test_a_second_welcome(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    lab_welcome(&lab, 1, COORD_OK);
    lab_welcome(&lab, 1, COORD_OK);
    assert_true(lab.streams[1].closed);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    lab_release(&lab);
}

static void test_a_frame_that_does_not_decode(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    lab_welcome(&lab, 1, COORD_OK);
    lab_garbage(&lab, 1);
    assert_true(lab.streams[1].closed);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_false(lab_is_done(&lab, read));
    lab_release(&lab);
}

static void reply_with(struct lab *lab, size_t request, Coord__V1__Reply *reply)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Item *items = &item;
    reply->id = lab->requests[request].request.id;
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = reply;
    frame.items = &items;
    frame.n_items = 1;
    lab_frame(lab, 1, &frame);
}

static void test_an_answer_that_does_not_fit_its_request(void **state)
{
    struct lab lab;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__DeleteResult result = COORD__V1__DELETE_RESULT__INIT;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    size_t empty = lab_read(&lab, 5000);
    lab_welcome(&lab, 1, COORD_OK);
    reply_with(&lab, empty, &reply);
    reply.result_case = COORD__V1__REPLY__RESULT_DELETE;
    reply.delete_ = &result;
    reply_with(&lab, write, &reply);
    reply_with(&lab, read, &reply);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(lab_code(&lab, read), COORD_MALFORMED);
    assert_int_equal(lab_code(&lab, empty), COORD_MALFORMED);
    assert_false(lab.streams[1].closed);
    lab_release(&lab);
}

static void test_frames_of_a_stream_that_is_gone(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    (void)lab_read(&lab, 5000);
    lab_break(&lab, 1);
    lab_welcome(&lab, 1, COORD_OK);
    lab_garbage(&lab, 1);
    client_session_on_closed(lab.session, lab_now(&lab), 1, COORD_UNREACHABLE, "again");
    client_session_on_closed(lab.session, lab_now(&lab), 99, COORD_UNREACHABLE, "never");
    assert_int_equal(lab.streams[1].ids_count, 0);
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_endpoint_costs_300_ms),
        cmocka_unit_test(test_a_failed_attempt_is_followed_at_once),
        cmocka_unit_test(test_rounds_have_growing_pauses),
        cmocka_unit_test(test_pauses_start_again_after_work),
        cmocka_unit_test(test_a_welcome_without_work_does_not_reset_pauses),
        cmocka_unit_test(test_an_attempt_is_given_up),
        cmocka_unit_test(test_a_stuck_endpoint_does_not_stop_the_others),
        cmocka_unit_test(test_every_endpoint_comes_first_sometimes),
        cmocka_unit_test(test_the_endpoint_that_was_left_comes_last),
        cmocka_unit_test(test_a_welcome_that_refuses_for_now),
        cmocka_unit_test(test_all_refuse_for_good),
        cmocka_unit_test(test_one_that_may_come_back_keeps_hope),
        cmocka_unit_test(test_a_port_that_does_not_serve_clients),
        cmocka_unit_test(test_hello_tells_what_was_seen),
        cmocka_unit_test(test_a_request_given_again_follows_nothing),
        cmocka_unit_test(test_session_reads_without_a_session),
        cmocka_unit_test(test_another_cluster_gets_nothing),
        cmocka_unit_test(test_a_frame_holds_as_many_requests_as_announced),
        cmocka_unit_test(test_a_frame_has_as_many_bytes_as_announced),
        cmocka_unit_test(test_no_more_is_unanswered_than_announced),
        cmocka_unit_test(test_items_before_the_welcome),
        cmocka_unit_test(test_a_second_welcome),
        cmocka_unit_test(test_a_frame_that_does_not_decode),
        cmocka_unit_test(test_an_answer_that_does_not_fit_its_request),
        cmocka_unit_test(test_frames_of_a_stream_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
