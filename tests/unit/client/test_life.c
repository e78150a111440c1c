#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: a session from its opening to its end (S8, S11, S12): when it is opened, kept alive, gone
 * on with, and when it must no longer be trusted. Method: as in test_session.c; sessions last
 * LAB_TIMEOUT_MS.
 */

enum { ID = 500, LOST_MS = LAB_TIMEOUT_MS * 98 / 100 };

/* ---- Opening ---- */

static void test_reads_open_no_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 3, 1);
    size_t read = lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    assert_int_equal(lab_sent(&lab, stream, read), 1);
    lab_reply(&lab, stream, read, COORD_OK);
    assert_false(lab.streams[stream].opens);
    assert_int_equal(lab.secrets, 0);
    assert_int_equal(lab.state, COORD_STATE_NONE);
    lab_release(&lab);
}

static void test_the_first_write_opens_it(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 3, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    assert_true(lab.streams[stream].opens);
    assert_int_equal(lab.streams[stream].frames, 2);
    assert_int_equal(lab_sent(&lab, stream, write) + lab_sent(&lab, stream, read), 0);
    lab_open(&lab, stream, ID);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    assert_int_equal(lab.state_id, ID);
    assert_int_equal(lab.streams[stream].ids_count, 2);
    assert_int_equal(lab.streams[stream].seqs[0], 1);
    assert_int_equal(lab.streams[stream].seqs[1], 0);
    assert_int_equal(lab.streams[stream].afters[1], 1); /* R24 */
    lab_reply(&lab, stream, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    size_t second = lab_write(&lab, 5000);
    assert_int_equal(lab.streams[stream].seqs[lab_at(&lab, stream, 2)], 2);
    lab_reply(&lab, stream, second, COORD_OK);
    lab_release(&lab);
}

static void test_a_cluster_without_sessions(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    size_t write = lab_write(&lab, 5000);
    size_t read = lab_read(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab_welcome(&lab, stream, COORD_UNIMPLEMENTED);
    assert_int_equal(lab_code(&lab, write), COORD_UNIMPLEMENTED);
    assert_int_equal(lab_sent(&lab, stream, read), 1); /* the stream goes on without one */
    lab_reply(&lab, stream, read, COORD_OK);
    size_t again = lab_write(&lab, 5000); /* asks anew, on another stream */
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 100);
    uint64_t other = lab_connect(&lab);
    lab_welcome(&lab, other, COORD_OK); /* nonsense: it opens nothing */
    assert_true(lab.streams[other].closed);
    lab_advance(&lab, 5000);
    assert_int_equal(lab_code(&lab, again), COORD_UNREACHABLE);
    lab_release(&lab);
}

static void test_a_busy_replica_opens_none_for_now(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 2, 1);
    size_t write = lab_write(&lab, 5000);
    uint64_t stream = lab_connect(&lab);
    lab_welcome(&lab, stream, COORD_NO_LEADER);
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 100);
    uint64_t other = lab_connect(&lab);
    assert_int_not_equal(other, stream);
    lab_open(&lab, other, ID);
    lab_reply(&lab, other, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    lab_release(&lab);
}

static void test_an_opening_that_is_not_answered(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    size_t write = lab_write(&lab, 20000);
    uint64_t stream = lab_connect(&lab);
    lab_advance(&lab, 4999);
    assert_false(lab.streams[stream].closed);
    lab_advance(&lab, 1);
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 100);
    uint64_t other = lab_connect(&lab);
    lab_open(&lab, other, ID);
    lab_reply(&lab, other, write, COORD_OK);
    assert_int_equal(lab_code(&lab, write), COORD_OK);
    assert_int_equal(lab.secrets, 1); /* the first opening is an orphan at most */
    lab_release(&lab);
}

static void test_no_secret(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    lab.no_secrets = true;
    size_t write = lab_write(&lab, 5000);
    (void)lab_connect(&lab);
    assert_int_equal(lab_code(&lab, write), COORD_NO_MEMORY);
    lab.no_secrets = false;
    size_t again = lab_write(&lab, 5000);
    lab_open(&lab, 1, ID);
    lab_reply(&lab, 1, again, COORD_OK);
    assert_int_equal(lab_code(&lab, again), COORD_OK);
    lab_release(&lab);
}

/* ---- Heartbeats and the lease ---- */

static void test_heartbeats(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    for (int i = 0; i < 20; i++) {
        uint64_t frames = lab.streams[stream].frames;
        lab_advance(&lab, LAB_TIMEOUT_MS / 6 - 1);
        assert_int_equal(lab.streams[stream].frames, frames);
        lab_advance(&lab, 1);
        assert_int_equal(lab.streams[stream].frames, frames + 1);
        assert_int_equal(lab.streams[stream].last_count, 0);
        lab_confirm(&lab, stream, frames + 1);
        assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    }
    assert_int_equal(lab.states, 1);
    lab_release(&lab);
}

static void test_a_stream_that_cannot_send_owes_one_heartbeat(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_confirm(&lab, stream, 3);
    lab.stuck[stream] = true;
    lab_advance(&lab, LAB_TIMEOUT_MS / 3); /* lab_advance fails if the driver would spin */
    uint64_t frames = lab.streams[stream].frames;
    lab.stuck[stream] = false;
    lab_settle(&lab);
    assert_int_equal(lab.streams[stream].frames, frames + 1);
    lab_release(&lab);
}

static void test_suspect_and_back(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, LAB_TIMEOUT_MS / 2 - 1);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_advance(&lab, 1);
    assert_int_equal(lab.state, COORD_STATE_SUSPECT);
    lab_confirm(&lab, stream, 1); /* before the session was opened: it says nothing */
    assert_int_equal(lab.state, COORD_STATE_SUSPECT);
    lab_confirm(&lab, stream, lab.streams[stream].frames);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_release(&lab);
}

static void test_lost_is_before_the_timeout_and_final(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t opened_ms = lab.now_ms;
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, opened_ms + LOST_MS - 1 - lab.now_ms);
    assert_int_equal(lab.state, COORD_STATE_SUSPECT);
    lab_advance(&lab, 1);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    assert_int_equal(lab.state_id, ID);
    lab_confirm(&lab, stream, lab.streams[stream].frames); /* too late */
    assert_int_equal(lab.state, COORD_STATE_LOST);
    /* It was told to close it, as the next write of the session. */
    size_t last = lab.streams[stream].ids_count - 1;
    assert_int_equal(lab.streams[stream].ops[last], COORD__V1__REQUEST__OP_CLOSE);
    assert_int_equal(lab.streams[stream].seqs[last], 2);
    lab_advance(&lab, 1000);
    assert_true(lab.streams[stream].closed);
    assert_int_equal(lab.streams_count, 1); /* nothing needs another one */
    lab_release(&lab);
}

static void test_a_confirmation_behind_the_point_comes_too_late(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, 3000);
    uint64_t frames = lab.streams[stream].frames;
    lab.now_ms += LAB_TIMEOUT_MS; /* the timer was not served: the process was stopped */
    lab_confirm(&lab, stream, frames);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    lab_release(&lab);
}

static void test_suspend_counts(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, 1000);
    lab_confirm(&lab, stream, lab.streams[stream].frames);
    struct client_lease_view view = client_session_lease(lab.session);
    lab.suspended_ms += LAB_TIMEOUT_MS;
    /* Whoever asks knows at once; the machine at its next input. */
    assert_int_equal(client_lease_view_state(&view, lab_now(&lab).lease_ms), COORD_STATE_LOST);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_advance(&lab, LAB_TIMEOUT_MS / 6);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    lab_release(&lab);
}

static void test_what_somebody_was_told_is_lost_is_lost(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    client_session_abandon(lab.session, lab_now(&lab), ID + 1);
    lab_settle(&lab);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    client_session_abandon(lab.session, lab_now(&lab), ID);
    lab_settle(&lab);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    lab_release(&lab);
}

static void test_the_next_write_opens_another_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, LAB_TIMEOUT_MS);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    size_t write = lab_write(&lab, 5000);
    lab_advance(&lab, 100);
    uint64_t other = lab_connect(&lab);
    assert_int_not_equal(other, stream);
    assert_int_equal(lab.streams[other].resumes, 0);
    assert_int_equal(lab.secrets, 2);
    lab_open(&lab, other, ID + 7);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    assert_int_equal(lab.state_id, ID + 7);
    assert_int_equal(lab.streams[other].seqs[0], 1);
    lab_reply(&lab, other, write, COORD_OK);
    lab_release(&lab);
}

/* ---- Going on ---- */

static void test_a_session_goes_on_elsewhere(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 3, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_break(&lab, stream);
    lab_advance(&lab, 50); /* without any request that waits */
    uint64_t second = lab.streams_count;
    assert_int_not_equal(second, stream);
    assert_int_equal(lab.streams[second].resumes, ID);
    assert_int_equal(lab.streams[second].attach, 2);
    assert_true(lab.streams[second].last_seen >= ID);
    assert_int_equal(lab.streams[second].rearmed, 0);
    (void)lab_resume(&lab);
    assert_int_equal(lab.streams[second].rearmed, 1);
    lab_break(&lab, second);
    lab_advance(&lab, 100);
    assert_int_equal(lab.streams[lab.streams_count].attach, 3);
    (void)lab_resume(&lab);
    assert_int_equal(lab.states, 1); /* it was CONNECTED all the time */
    lab_release(&lab);
}

static void test_a_resumed_session_is_confirmed_by_its_hello(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_advance(&lab, 2500);
    lab_break(&lab, stream);
    lab_advance(&lab, 25);
    uint64_t hello_ms = lab.streams[lab.streams_count].sent_ms;
    lab_advance(&lab, 400);
    stream = lab_resume(&lab);
    lab_confirm(&lab, stream, 1);
    struct client_lease_view view = client_session_lease(lab.session);
    assert_int_equal(view.lost_ms, hello_ms + LAB_LEASE_AHEAD_MS + LOST_MS);
    lab_release(&lab);
}

static void test_the_cluster_says_that_it_has_ended(void **state)
{
    static const enum coord_code codes[] = {COORD_SESSION_EXPIRED, COORD_SESSION_REFUSED,
                                            COORD_SESSION_MOVED};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct lab lab;
        lab_init_sessions(&lab, 1, 1);
        uint64_t stream = lab_session(&lab, ID);
        lab_break(&lab, stream);
        lab_advance(&lab, 50);
        lab_welcome(&lab, lab.streams_count, codes[i]);
        assert_int_equal(lab.state, COORD_STATE_LOST);
        assert_true(lab.streams[lab.streams_count].closed);
        lab_release(&lab);
    }
}

static void go_away(struct lab *lab, uint64_t stream, enum coord_code code)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__GoAway message = COORD__V1__GO_AWAY__INIT;
    message.code = (Coord__V1__Code)code;
    one.item_case = COORD__V1__ITEM__ITEM_GO_AWAY;
    one.go_away = &message;
    lab_item(lab, stream, &one);
}

static void test_go_away_for_good_and_for_now(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 2, 1);
    uint64_t stream = lab_session(&lab, ID);
    go_away(&lab, stream, COORD_SHUTTING_DOWN);
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 50);
    stream = lab_resume(&lab);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    go_away(&lab, stream, COORD_SESSION_EXPIRED);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    lab_release(&lab);
}

static void test_own_hellos_that_overtake_one_another(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 3, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_break(&lab, stream);
    lab_advance(&lab, 350); /* two attempts: the second hello counts at the replicas */
    uint64_t first = stream + 1;
    uint64_t second = stream + 2;
    assert_int_equal(lab.streams_count, second);
    lab_welcome_session(&lab, first, COORD_OK, ID, 2, LAB_TIMEOUT_MS);
    assert_true(lab.streams[second].closed);
    go_away(&lab, first, COORD_SESSION_MOVED);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_advance(&lab, 350); /* attempts are farther apart now */
    assert_int_equal(lab.streams_count, second + 1);
    lab_advance(&lab, 300);
    assert_int_equal(lab.streams_count, second + 2);
    assert_int_equal(lab.streams[second + 1].attach, 4);
    /* With the highest number it is somebody else. */
    lab_welcome(&lab, second + 1, COORD_SESSION_MOVED);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_welcome(&lab, lab.streams_count, COORD_SESSION_MOVED); /* the third one followed at once */
    assert_int_equal(lab.state, COORD_STATE_LOST);
    lab_release(&lab);
}

static void test_nonsense_ends_the_stream_alone(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab_confirm(&lab, stream, 1000); /* a frame that was not sent */
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 50);
    stream = lab.streams_count;
    lab_welcome_session(&lab, stream, COORD_OK, ID + 1, 2, LAB_TIMEOUT_MS); /* another session */
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 100);
    stream = lab.streams_count;
    lab_welcome_session(&lab, stream, COORD_OK, ID, 9, LAB_TIMEOUT_MS); /* another attachment */
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, 200);
    stream = lab_resume(&lab);
    lab_welcome(&lab, stream, COORD_OK); /* twice */
    assert_true(lab.streams[stream].closed);
    assert_int_equal(lab.state, COORD_STATE_CONNECTED);
    lab_release(&lab);
}

/* ---- The end ---- */

static void test_shutdown_closes_the_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t write = lab_write(&lab, 5000);
    client_session_shutdown(lab.session, lab_now(&lab));
    lab_settle(&lab);
    assert_int_equal(lab_code(&lab, write), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(lab.state, COORD_STATE_NONE);
    size_t last = lab.streams[stream].ids_count - 1;
    assert_int_equal(lab.streams[stream].ops[last], COORD__V1__REQUEST__OP_CLOSE);
    assert_int_equal(lab.streams[stream].seqs[last], 3);
    assert_false(lab.streams[stream].closed);
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    lab_reply_to(&lab, stream, lab.streams[stream].ids[last], COORD_OK, &reply);
    assert_true(lab.streams[stream].closed);
    lab_release(&lab);
}

static void test_closing_the_session(void **state)
{
    struct lab lab;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__CloseResult result = COORD__V1__CLOSE_RESULT__INIT;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t close = lab_submit(&lab, &(struct client_op){.kind = CLIENT_OP_CLOSE}, 5000);
    size_t at = lab_at(&lab, stream, 2);
    assert_int_equal(lab.streams[stream].ops[at], COORD__V1__REQUEST__OP_CLOSE);
    reply.result_case = COORD__V1__REPLY__RESULT_CLOSE;
    reply.close = &result;
    lab_reply_to(&lab, stream, lab.streams[stream].ids[at], COORD_OK, &reply);
    assert_int_equal(lab_code(&lab, close), COORD_OK);
    assert_int_equal(lab.state, COORD_STATE_NONE);
    assert_true(lab.streams[stream].closed);
    lab_advance(&lab, LAB_TIMEOUT_MS);
    assert_int_equal(lab.streams_count, 1);
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_open_no_session),
        cmocka_unit_test(test_the_first_write_opens_it),
        cmocka_unit_test(test_a_cluster_without_sessions),
        cmocka_unit_test(test_a_busy_replica_opens_none_for_now),
        cmocka_unit_test(test_an_opening_that_is_not_answered),
        cmocka_unit_test(test_no_secret),
        cmocka_unit_test(test_heartbeats),
        cmocka_unit_test(test_a_stream_that_cannot_send_owes_one_heartbeat),
        cmocka_unit_test(test_suspect_and_back),
        cmocka_unit_test(test_lost_is_before_the_timeout_and_final),
        cmocka_unit_test(test_a_confirmation_behind_the_point_comes_too_late),
        cmocka_unit_test(test_suspend_counts),
        cmocka_unit_test(test_what_somebody_was_told_is_lost_is_lost),
        cmocka_unit_test(test_the_next_write_opens_another_session),
        cmocka_unit_test(test_a_session_goes_on_elsewhere),
        cmocka_unit_test(test_a_resumed_session_is_confirmed_by_its_hello),
        cmocka_unit_test(test_the_cluster_says_that_it_has_ended),
        cmocka_unit_test(test_go_away_for_good_and_for_now),
        cmocka_unit_test(test_own_hellos_that_overtake_one_another),
        cmocka_unit_test(test_nonsense_ends_the_stream_alone),
        cmocka_unit_test(test_shutdown_closes_the_session),
        cmocka_unit_test(test_closing_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
