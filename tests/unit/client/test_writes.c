#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: the writes of a session (S8 to S10): their numbers, what is sent again and when, the reply
 * mark, the window, Forget, and what becomes of them when the session is lost (S12). Method: as in
 * test_session.c.
 */

enum { ID = 500 };

static Coord__V1__Reply set_reply(Coord__V1__SetResult *set, Coord__V1__Stat *stat)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    *set = (Coord__V1__SetResult)COORD__V1__SET_RESULT__INIT;
    *stat = (Coord__V1__Stat)COORD__V1__STAT__INIT;
    set->stat = stat;
    reply.zxid = 600;
    reply.result_case = COORD__V1__REPLY__RESULT_SET;
    reply.set = set;
    return reply;
}

/* The seqs that the stream carried, in order, as digits. */
static const char *seqs(const struct lab *lab, uint64_t stream)
{
    static char text[LAB_IDS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < lab->streams[stream].ids_count; i++) {
        if (lab->streams[stream].seqs[i] != 0) {
            text[count++] = (char)('0' + lab->streams[stream].seqs[i]);
        }
    }
    text[count] = '\0';
    return text;
}

static void test_unanswered_writes_are_sent_again_in_order(void **state)
{
    struct lab lab;
    size_t writes[4];
    (void)state;
    lab_init_sessions(&lab, 3, 1);
    uint64_t stream = lab_session(&lab, ID);
    for (int i = 0; i < 4; i++) {
        writes[i] = lab_write(&lab, 20000);
    }
    lab_reply(&lab, stream, writes[0], COORD_OK);
    lab_reply(&lab, stream, writes[2], COORD_OK); /* no replica would, but it may come so */
    lab_break(&lab, stream);
    assert_false(lab_is_done(&lab, writes[1]));
    size_t late = lab_write(&lab, 20000);
    size_t read = lab_read(&lab, 20000);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_string_equal(seqs(&lab, other), "356");
    assert_int_equal(lab.streams[other].rearmed, 1);
    assert_int_equal(lab.streams[other].reply_mark, 2);
    assert_int_equal(lab_sent(&lab, other, read), 1);
    assert_int_equal(lab.streams[other].afters[lab.streams[other].ids_count - 1], 6);
    lab_reply(&lab, other, writes[1], COORD_OK);
    lab_reply(&lab, other, writes[3], COORD_OK);
    lab_reply(&lab, other, late, COORD_NO_NODE);
    assert_int_equal(lab_code(&lab, writes[1]), COORD_OK);
    assert_int_equal(lab_code(&lab, late), COORD_NO_NODE);
    lab_release(&lab);
}

static void test_the_same_bytes_are_sent_again(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t write = lab_write_bytes(&lab, 20000, 100);
    size_t at = lab_at(&lab, stream, 2);
    uint64_t id = lab.streams[stream].ids[at];
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_int_equal(lab.streams[other].ids[0], id);
    assert_int_equal(lab.streams[other].hashes[0], lab.streams[stream].hashes[at]);
    lab_reply(&lab, other, write, COORD_OK);
    lab_release(&lab);
}

static void test_a_second_reply_counts_for_nothing(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t write = lab_write(&lab, 20000);
    lab_reply(&lab, stream, write, COORD_OK);
    lab_reply(&lab, stream, write, COORD_NO_NODE);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    lab_release(&lab);
}

static void test_a_deadline_leaves_the_write_in_its_place(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 2, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t hasty = lab_write(&lab, 100);
    size_t patient = lab_write(&lab, 20000);
    lab_advance(&lab, 100);
    assert_int_equal(lab_code(&lab, hasty), COORD_OUTCOME_UNKNOWN);
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_string_equal(seqs(&lab, other), "23"); /* without 2 nothing could apply 3 */
    lab_reply(&lab, other, patient, COORD_OK);
    lab_confirm(&lab, other, lab.streams[other].frames);
    lab_advance(&lab, 1100);                            /* a heartbeat */
    assert_int_equal(lab.streams[other].reply_mark, 1); /* 2 is still open */
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    size_t at = lab_at(&lab, other, 2);
    lab_reply_to(&lab, other, lab.streams[other].ids[at], COORD_BAD_VERSION, &reply);
    lab_confirm(&lab, other, lab.streams[other].frames);
    lab_advance(&lab, 1100);
    assert_int_equal(lab.streams[other].reply_mark, 3);
    lab_release(&lab);
}

static void test_busy_takes_nothing(void **state)
{
    struct lab lab;
    size_t writes[3];
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    for (int i = 0; i < 3; i++) {
        writes[i] = lab_write(&lab, 20000);
    }
    assert_string_equal(seqs(&lab, stream), "1234");
    lab_reply(&lab, stream, writes[1], COORD_BUSY);
    assert_string_equal(seqs(&lab, stream), "1234"); /* after a pause */
    lab_reply(&lab, stream, writes[2], COORD_OK);    /* it was dropped: that answers nothing */
    assert_false(lab_is_done(&lab, writes[2]));
    lab_advance(&lab, 100);
    assert_string_equal(seqs(&lab, stream), "123434");
    for (int i = 0; i < 3; i++) {
        lab_reply(&lab, stream, writes[i], COORD_OK);
        assert_int_equal(lab_code(&lab, writes[i]), COORD_OK);
    }
    lab_release(&lab);
}

static void test_what_is_no_final_answer_is_sent_again(void **state)
{
    static const enum coord_code codes[] = {COORD_NO_LEADER, COORD_BEHIND, COORD_SHUTTING_DOWN,
                                            COORD_OUTCOME_UNKNOWN, COORD_LIMIT_TIME};
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct lab lab;
        lab_init_sessions(&lab, 2, i + 1);
        uint64_t stream = lab_session(&lab, ID);
        size_t write = lab_write(&lab, 20000);
        lab_reply(&lab, stream, write, codes[i]);
        assert_true(lab.streams[stream].closed);
        lab_advance(&lab, 50);
        uint64_t other = lab_resume(&lab);
        assert_string_equal(seqs(&lab, other), "2");
        lab_reply(&lab, other, write, COORD_OK);
        assert_int_equal(lab_code(&lab, write), COORD_OK);
        lab_release(&lab);
    }
}

static void test_an_answer_that_makes_no_sense(void **state)
{
    struct lab lab;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t write = lab_write(&lab, 20000);
    size_t at = lab_at(&lab, stream, 2);
    lab_reply_to(&lab, stream, lab.streams[stream].ids[at], COORD_OK, &reply); /* no result */
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    lab_reply(&lab, other, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    lab_release(&lab);
}

/* ---- The window and the mark ---- */

static void limit(struct lab *lab, uint32_t unacked, uint32_t kept)
{
    lab->has_limits = true;
    lab->limits = (Coord__V1__Limits)COORD__V1__LIMITS__INIT;
    lab->limits.unacked_writes = unacked;
    lab->limits.kept_reply_bytes = kept;
}

static uint64_t limited_session(struct lab *lab)
{
    uint64_t stream = lab_session(lab, ID);
    lab_break(lab, stream);
    lab_advance(lab, 50);
    return lab_resume(lab); /* with the limits */
}

static void test_the_window(void **state)
{
    struct lab lab;
    size_t writes[6];
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    limit(&lab, 3, 0);
    uint64_t stream = limited_session(&lab);
    for (int i = 0; i < 6; i++) {
        writes[i] = lab_write(&lab, 20000);
    }
    assert_string_equal(seqs(&lab, stream), "234");
    lab_reply(&lab, stream, writes[1], COORD_OK); /* the mark does not move */
    assert_string_equal(seqs(&lab, stream), "234");
    lab_reply(&lab, stream, writes[0], COORD_OK);
    assert_string_equal(seqs(&lab, stream), "23456");
    assert_int_equal(lab.streams[stream].reply_mark, 3);
    lab_release(&lab);
}

static void test_forget_when_much_is_kept(void **state)
{
    struct lab lab;
    Coord__V1__SetResult set;
    Coord__V1__Stat stat;
    Coord__V1__Reply reply = set_reply(&set, &stat);
    Coord__V1__ForgetResult forget = COORD__V1__FORGET_RESULT__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    limit(&lab, 0, 1000);
    uint64_t stream = limited_session(&lab);
    char text[600];
    memset(text, 'x', sizeof(text));
    reply.message = (ProtobufCBinaryData){sizeof(text), (uint8_t *)text};
    (void)lab_write(&lab, 20000);
    size_t at = lab_at(&lab, stream, 2);
    lab_reply_to(&lab, stream, lab.streams[stream].ids[at], COORD_OK, &reply);
    at = lab_at(&lab, stream, 3);
    assert_int_equal(lab.streams[stream].ops[at], COORD__V1__REQUEST__OP_FORGET);
    assert_int_equal(lab.streams[stream].subjects[at], 2);
    /* It is a write like the others, and sent again likewise. */
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    stream = lab_resume(&lab);
    assert_string_equal(seqs(&lab, stream), "3");
    Coord__V1__Reply forgot = COORD__V1__REPLY__INIT;
    forgot.result_case = COORD__V1__REPLY__RESULT_FORGET;
    forgot.forget = &forget;
    lab_reply_to(&lab, stream, lab.streams[stream].ids[0], COORD_OK, &forgot);
    size_t next = lab_write(&lab, 20000);
    assert_string_equal(seqs(&lab, stream), "34");
    assert_int_equal(lab.streams[stream].reply_mark, 3);
    lab_reply(&lab, stream, next, COORD_OK);
    lab_release(&lab);
}

/* ---- After the session's end ---- */

static uint64_t lose(struct lab *lab)
{
    lab_advance(lab, LAB_TIMEOUT_MS);
    assert_int_equal(lab->state, COORD_STATE_LOST);
    return lab_connect(lab);
}

static Coord__V1__Reply outcome_reply(Coord__V1__OutcomeOfResult *outcome)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    reply.result_case = COORD__V1__REPLY__RESULT_OUTCOME_OF;
    reply.outcome_of = outcome;
    return reply;
}

static void test_outcomes_are_asked(void **state)
{
    struct lab lab;
    Coord__V1__SetResult set = COORD__V1__SET_RESULT__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    Coord__V1__OutcomeOfResult outcome = COORD__V1__OUTCOME_OF_RESULT__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    size_t writes[5];
    for (int i = 0; i < 5; i++) {
        writes[i] = lab_write(&lab, 60000);
    }
    uint64_t other = lose(&lab);
    const struct lab_stream *on = &lab.streams[other];
    assert_int_equal(on->resumes, 0);
    assert_int_equal(on->ids_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(on->ops[i], COORD__V1__REQUEST__OP_OUTCOME_OF);
        assert_int_equal(on->points[i], i + 2); /* the seq */
        assert_int_equal(on->subjects[i], ID);
    }
    set.stat = &stat;
    outcome.zxid = 77;
    outcome.result_case = COORD__V1__OUTCOME_OF_RESULT__RESULT_SET;
    outcome.set = &set;
    Coord__V1__Reply reply = outcome_reply(&outcome);
    lab_reply_to(&lab, other, on->ids[0], COORD_OK, &reply);
    assert_int_equal(lab_code(&lab, writes[0]), COORD_OK);
    assert_int_equal(coord_result_zxid(lab.requests[writes[0]].request.result), 77);
    outcome = (Coord__V1__OutcomeOfResult)COORD__V1__OUTCOME_OF_RESULT__INIT;
    outcome.code = COORD__V1__CODE__CODE_NO_NODE;
    reply = outcome_reply(&outcome);
    lab_reply_to(&lab, other, on->ids[1], COORD_OK, &reply);
    assert_int_equal(lab_code(&lab, writes[1]), COORD_NO_NODE);
    reply = (Coord__V1__Reply)COORD__V1__REPLY__INIT;
    lab_reply_to(&lab, other, on->ids[2], COORD_NOT_APPLIED, &reply);
    assert_int_equal(lab_code(&lab, writes[2]), COORD_NOT_APPLIED);
    lab_reply_to(&lab, other, on->ids[3], COORD_OUTCOME_UNKNOWN, &reply);
    assert_int_equal(lab_code(&lab, writes[3]), COORD_OUTCOME_UNKNOWN);
    lab_reply_to(&lab, other, on->ids[4], COORD_BUSY, &reply); /* is asked again */
    assert_false(lab_is_done(&lab, writes[4]));
    lab_advance(&lab, 100);
    assert_int_equal(on->ids_count, 6);
    lab_reply_to(&lab, other, on->ids[5], COORD_SESSION_REFUSED, &reply);
    assert_int_equal(lab_code(&lab, writes[4]), COORD_OUTCOME_UNKNOWN);
    lab_release(&lab);
}

/* As long as the cluster has not ended the session: BUSY, which holds up nothing else. */
static void test_an_inquiry_that_is_open(void **state)
{
    struct lab lab;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    size_t write = lab_write(&lab, 60000);
    uint64_t other = lose(&lab);
    struct lab_stream *on = &lab.streams[other];
    for (size_t i = 1; i <= 10; i++) {
        uint64_t asked_ms = lab.now_ms;
        assert_int_equal(on->ids_count, 2 * i - 1);
        assert_int_equal(on->ops[2 * i - 2], COORD__V1__REQUEST__OP_OUTCOME_OF);
        lab_reply_to(&lab, other, on->ids[2 * i - 2], COORD_BUSY, &reply);
        size_t read = lab_read(&lab, 1000);
        assert_int_equal(on->ids_count, 2 * i); /* at once */
        lab_reply(&lab, other, read, COORD_OK);
        while (on->ids_count == 2 * i) {
            lab_advance(&lab, 1);
        }
        assert_in_range(lab.now_ms - asked_ms, i < 5 ? 1 : 250, 501);
    }
    assert_false(lab_is_done(&lab, write));
    assert_int_equal(lab.streams_count, other);
    lab_reply_to(&lab, other, on->ids[on->ids_count - 1], COORD_NOT_APPLIED, &reply);
    assert_int_equal(lab_code(&lab, write), COORD_NOT_APPLIED);
    lab_release(&lab);
}

static void test_an_inquiry_survives_a_broken_stream(void **state)
{
    struct lab lab;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    size_t write = lab_write(&lab, 60000);
    uint64_t other = lose(&lab);
    lab_break(&lab, other);
    lab_advance(&lab, 100);
    other = lab_connect(&lab);
    lab_reply_to(&lab, other, lab.streams[other].ids[0], COORD_NOT_APPLIED, &reply);
    assert_int_equal(lab_code(&lab, write), COORD_NOT_APPLIED);
    lab_release(&lab);
}

static void test_an_inquiry_has_the_deadline_of_its_write(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    size_t write = lab_write(&lab, 7000);
    (void)lose(&lab);
    lab_advance(&lab, 1000);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    lab_release(&lab);
}

static void test_writes_that_were_not_sent_end_with_the_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab.stuck[stream] = true;
    size_t write = lab_write(&lab, 60000);
    size_t read = lab_read(&lab, 60000);
    lab_advance(&lab, LAB_TIMEOUT_MS);
    assert_int_equal(lab_code(&lab, write), COORD_SESSION_EXPIRED);
    lab.stuck[stream] = false;
    lab_advance(&lab, 100);
    uint64_t other = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, other, read), 1);
    assert_int_equal(lab.streams[other].afters[0], 0);
    lab_reply(&lab, other, read, COORD_OK);
    lab_release(&lab);
}

static void test_the_window_bounds_what_deadlines_leave(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    limit(&lab, 4, 0);
    uint64_t stream = limited_session(&lab);
    for (int i = 0; i < 10; i++) {
        size_t write = lab_write(&lab, 50);
        lab_advance(&lab, 50);
        enum coord_code code = i < 4 ? COORD_OUTCOME_UNKNOWN : COORD_TIMEOUT;
        assert_int_equal(lab_code(&lab, write), code); /* the others were never sent */
    }
    assert_string_equal(seqs(&lab, stream), "2345");
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unanswered_writes_are_sent_again_in_order),
        cmocka_unit_test(test_the_same_bytes_are_sent_again),
        cmocka_unit_test(test_a_second_reply_counts_for_nothing),
        cmocka_unit_test(test_a_deadline_leaves_the_write_in_its_place),
        cmocka_unit_test(test_busy_takes_nothing),
        cmocka_unit_test(test_what_is_no_final_answer_is_sent_again),
        cmocka_unit_test(test_an_answer_that_makes_no_sense),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_forget_when_much_is_kept),
        cmocka_unit_test(test_outcomes_are_asked),
        cmocka_unit_test(test_an_inquiry_that_is_open),
        cmocka_unit_test(test_an_inquiry_survives_a_broken_stream),
        cmocka_unit_test(test_an_inquiry_has_the_deadline_of_its_write),
        cmocka_unit_test(test_writes_that_were_not_sent_end_with_the_session),
        cmocka_unit_test(test_the_window_bounds_what_deadlines_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
