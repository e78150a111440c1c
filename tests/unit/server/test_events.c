#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/events.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Goal: what replica and transport tell becomes lines with node, ballot and slot, and cannot flood
 * the log. Method: events by hand, lines read back from a pipe.
 */

static int ends[2];
static struct server_log log_under_test;
static struct server_events events;
static char text[65536];

static uint64_t epoch(void)
{
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    server_log_init(&log_under_test, ends[1], SERVER_LOG_LOGFMT, SERVER_LOG_INFO, 2);
    log_under_test.wall_ms = epoch;
    server_events_init(&events, &log_under_test);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_log_release(&log_under_test);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static const char *take(void)
{
    ssize_t bytes = read(ends[0], text, sizeof(text) - 1);
    text[bytes > 0 ? bytes : 0] = '\0';
    return text;
}

static size_t lines_of(const char *lines)
{
    size_t count = 0;
    for (; *lines != '\0'; lines++) {
        count += *lines == '\n' ? 1 : 0;
    }
    return count;
}

static struct replica_event note_of(enum paxos_note_kind kind)
{
    return (struct replica_event){.kind = REPLICA_EV_NOTE,
                                  .note = {.kind = kind},
                                  .ballot = {.round = 7, .node = 3, .incarnation = 0xabc},
                                  .slot = 42,
                                  .node = 3};
}

#define HEAD(level) "time=1970-01-01T00:00:00.000Z level=" level " event="

static void replica_lines_carry_ballot_and_slot(void **state)
{
    (void)state;
    struct replica_event event = note_of(PAXOS_NOTE_FOLLOWING);
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(), HEAD("info") "following node=2 ballot=7.3.0000000000000abc slot=42 "
                                             "peer=3 text=\"follows a leader\"\n");
    event = note_of(PAXOS_NOTE_FORGOT);
    event.node = 2; /* ourselves: no peer */
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(),
                        HEAD("warn") "forgot node=2 ballot=7.3.0000000000000abc slot=42 text=\"a "
                                     "peer remembers more of this log than there is\"\n");
    assert_int_equal(events.notes[PAXOS_NOTE_FOLLOWING], 1);
    assert_int_equal(events.notes[PAXOS_NOTE_FORGOT], 1);
}

/* An event that has no ballot or slot of its own is told at the place of the last one that had. */
static void the_last_place_is_remembered(void **state)
{
    (void)state;
    struct replica_event event = {.kind = REPLICA_EV_STARTED, .slot = 9, .count = 5};
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(), HEAD("info") "recovered node=2 ballot=0.0.0000000000000000 slot=9 "
                                             "records=5\n");
    event = note_of(PAXOS_NOTE_ADOPTED);
    server_events_replica(&events, &event, 0);
    event = (struct replica_event){.kind = REPLICA_EV_APPLIED, .slot = 43};
    server_events_replica(&events, &event, 0);
    event = (struct replica_event){.kind = REPLICA_EV_FATAL, .text = "x"};
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(), HEAD("error") "failed node=2 ballot=7.3.0000000000000abc slot=43 "
                                              "text=x\n");
}

/* A state that differs is an alarm; that it was built anew, the end of it. */
static void fences_are_told(void **state)
{
    (void)state;
    struct replica_event event = {
        .kind = REPLICA_EV_FENCED, .slot = 128, .digest = 0xabc, .text = "x"};
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(),
                        HEAD("error") "fenced node=2 slot=128 digest=0000000000000abc text=x\n");
    event = (struct replica_event){.kind = REPLICA_EV_REBUILT, .slot = 140, .count = 128};
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(),
                        HEAD("warn") "rebuilt node=2 slot=140 differed=128 text=\"the state was "
                                     "built anew: this replica serves again\"\n");
}

static void what_comes_per_slot_is_for_debugging(void **state)
{
    (void)state;
    struct replica_event event = note_of(PAXOS_NOTE_HOLE_FILLED);
    server_events_replica(&events, &event, 0);
    event = (struct replica_event){.kind = REPLICA_EV_APPLIED, .slot = 9};
    server_events_replica(&events, &event, 0);
    assert_string_equal(take(), "");
    assert_int_equal(events.notes[PAXOS_NOTE_HOLE_FILLED], 1);
}

static void bad_frames_are_counted_and_limited(void **state)
{
    (void)state;
    struct replica_event event = {
        .kind = REPLICA_EV_FRAME_BAD, .node = 3, .text = "cut \x1b short"};
    for (int i = 0; i < 1000; i++) {
        server_events_replica(&events, &event, 10);
    }
    size_t lines = lines_of(take());
    assert_in_range(lines, 1, 20);
    assert_non_null(strstr(text, "event=peer_frame_refused node=2 "));
    assert_non_null(strstr(text, " peer=3 text=\"cut \\u001b short\"\n"));
    assert_int_equal(events.frames_bad, 1000);
    server_events_replica(&events, &event, 10000);
    char suppressed[32];
    snprintf(suppressed, sizeof(suppressed), " suppressed=%zu\n", 1000 - lines);
    assert_non_null(strstr(take(), suppressed));
}

static void notes_are_limited(void **state)
{
    (void)state;
    struct replica_event event = note_of(PAXOS_NOTE_PREVOTING);
    for (int i = 0; i < 1000; i++) {
        server_events_replica(&events, &event, 10);
    }
    assert_in_range(lines_of(take()), 1, 100);
    assert_int_equal(events.notes[PAXOS_NOTE_PREVOTING], 1000);
}

static void lines_that_nobody_sees_use_up_nothing(void **state)
{
    (void)state;
    struct replica_event event = note_of(PAXOS_NOTE_HOLE_FILLED);
    for (int i = 0; i < 1000; i++) {
        server_events_replica(&events, &event, 10);
    }
    event = note_of(PAXOS_NOTE_LEADING);
    server_events_replica(&events, &event, 10);
    assert_non_null(strstr(take(), "event=leading "));
    assert_null(strstr(text, "suppressed"));
}

static void a_failure_is_kept_and_told(void **state)
{
    (void)state;
    struct replica_event event = {.kind = REPLICA_EV_FATAL, .text = "the disk is gone"};
    server_events_replica(&events, &event, 0);
    assert_non_null(strstr(take(), "level=error event=failed node=2 "));
    assert_non_null(strstr(text, "text=\"the disk is gone\"\n"));
    assert_string_equal(events.fatal, "the disk is gone");
}

static void the_transport_has_its_own_levels(void **state)
{
    (void)state;
    server_events_transport(&events, TRANSPORT_LOG_WARNING, "peer_refused", "by name");
    assert_string_equal(take(), HEAD("warn") "peer_refused node=2 text=\"by name\"\n");
    server_events_transport(&events, TRANSPORT_LOG_DEBUG, "x", "y");
    assert_string_equal(take(), "");
    server_events_transport(&events, TRANSPORT_LOG_ERROR, "grpc_error", "z");
    assert_string_equal(take(), HEAD("error") "grpc_error node=2 text=z\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replica_lines_carry_ballot_and_slot),
        TEST(the_last_place_is_remembered),
        TEST(fences_are_told),
        TEST(what_comes_per_slot_is_for_debugging),
        TEST(bad_frames_are_counted_and_limited),
        TEST(notes_are_limited),
        TEST(lines_that_nobody_sees_use_up_nothing),
        TEST(a_failure_is_kept_and_told),
        TEST(the_transport_has_its_own_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
