#include "guest.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Sessions of three replicas: opening, resuming, exactly-once writes, confirmation and expiry. */

#define PLAIN     COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT
#define EPHEMERAL COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL

static bool all_vote(struct house *house)
{
    struct replica_view view;
    for (size_t i = 0; i < house->count; i++) {
        replica_get_view(house->replicas[i].replica, &view);
        if (!view.ready || view.voters != house->count) {
            return false;
        }
    }
    return true;
}

static void begin_with(struct house *house, struct guest *guest, size_t index, uint32_t timeout_ms,
                       uint32_t alpha)
{
    house_init(house, 3);
    house->alpha = alpha;
    for (size_t i = 0; i < 3; i++) {
        house_crash(house, i);
        house_start(house, i);
    }
    house_give_birth(house);
    assert_true(house_run_until(house, 10000, all_vote));
    house_run(house, 500);
    house_forget_answers(house);
    guest_open(guest, house, index, "cn:client");
    guest_begin(guest, 7, timeout_ms);
    guest_run(guest, 100);
    assert_true(guest->welcomed);
    assert_int_equal(guest->welcome_code, CD_OK);
    assert_true(guest->session != 0);
    assert_int_equal(guest->attach, 1);
}

static void begin(struct house *house, struct guest *guest, size_t index, uint32_t timeout_ms)
{
    begin_with(house, guest, index, timeout_ms, 16);
}

static size_t follower(struct house *house)
{
    int leader = house_leader(house);
    assert_true(leader >= 0);
    return ((size_t)leader + 1) % 3;
}

static void test_writes_apply_once(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 5000);
    assert_int_equal(guest.timeout_ms, 5000);
    guest_create(&guest, 1, 1, "/q-", "a", PLAIN, true);
    guest_run(&guest, 100);
    assert_string_equal(guest_reply(&guest, 1)->path, "/q-0000000000");

    /* On another replica the same seq gets the first answer, the next one goes on. */
    struct guest other;
    guest_open(&other, &house, 2, "cn:client");
    guest_resume(&other, guest.session, 7, 2, guest_reply(&guest, 1)->zxid);
    guest_run(&other, 100);
    assert_int_equal(other.welcome_code, CD_OK);
    assert_int_equal(other.last_seq, 1);
    guest_create(&other, 11, 1, "/q-", "a", PLAIN, true);
    guest_create(&other, 12, 2, "/q-", "a", PLAIN, true);
    guest_run(&other, 100);
    assert_null(guest_reply(&other, 11)); /* R18: nothing before rearm_done */
    guest_rearm_done(&other);
    guest_run(&other, 100);
    assert_string_equal(guest_reply(&other, 11)->path, "/q-0000000000");
    assert_string_equal(guest_reply(&other, 12)->path, "/q-0000000001");

    /* R9: the older stream is over once it is heard of. */
    guest_heartbeat(&guest);
    guest_run(&guest, 1000);
    assert_non_null(guest_find(&guest, GUEST_AWAY, 0));
    assert_int_equal(guest_find(&guest, GUEST_AWAY, 0)->code, CD_SESSION_MOVED);
    assert_true(guest.closed);
    house_release(&house);
}

static void test_another_request_under_the_same_seq(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 5000);
    guest_create(&guest, 1, 1, "/a", "a", PLAIN, false);
    guest_run(&guest, 100);
    struct guest other;
    guest_open(&other, &house, 0, "cn:client");
    guest_resume(&other, guest.session, 7, 2, 0);
    guest_run(&other, 100);
    guest_create(&other, 2, 1, "/b", "b", PLAIN, false);
    guest_rearm_done(&other);
    guest_run(&other, 100);
    assert_int_equal(guest_code(&other, 2), CD_SEQ_CONFLICT);
    house_release(&house);
}

static void test_refusals_keep_their_place(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 5000);
    guest_create(&guest, 1, 1, "relative", "", PLAIN, false);
    guest_create(&guest, 2, 2, "/a", "", PLAIN, false);
    guest_create(&guest, 3, 3, "/a", "", PLAIN, false);
    guest_run(&guest, 100);
    assert_int_equal(guest_code(&guest, 1), CD_INVALID_ARGUMENT);
    assert_int_equal(guest_code(&guest, 2), CD_OK);
    assert_int_equal(guest_code(&guest, 3), CD_NODE_EXISTS);
    guest_create(&guest, 4, 9, "/b", "", PLAIN, false); /* a gap nobody can fill */
    guest_run(&guest, 100);
    assert_true(guest.closed);
    assert_int_equal(guest.close_code, REPLICA_RPC_INVALID_ARGUMENT);
    house_release(&house);
}

static void refused(struct house *house, const struct guest *of, const char *identity,
                    uint8_t secret, uint64_t session, uint64_t attach, int code)
{
    struct guest guest;
    guest_open(&guest, house, 2, identity);
    guest_resume(&guest, session, secret, attach, 0);
    guest_run(&guest, 100);
    assert_true(guest.welcomed);
    assert_int_equal(guest.welcome_code, code);
    assert_true(guest.closed);
    (void)of;
}

static void test_resuming_needs_all_three(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 5000);
    refused(&house, &guest, "cn:client", 8, guest.session, 2, CD_SESSION_REFUSED);
    refused(&house, &guest, "dns:client", 7, guest.session, 2, CD_SESSION_REFUSED);
    refused(&house, &guest, "cn:other", 7, guest.session, 2, CD_SESSION_REFUSED);
    refused(&house, &guest, "cn:client", 7, guest.session - 1, 2, CD_SESSION_EXPIRED);
    uint64_t older = guest.session - (UINT64_C(1) << FSM_ZXID_COUNTER_BITS);
    refused(&house, &guest, "cn:client", 7, older, 2, CD_WRONG_CLUSTER);
    /* And the session is untouched. */
    guest_create(&guest, 1, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 100);
    assert_int_equal(guest_code(&guest, 1), CD_OK);
    house_release(&house);
}

/* R12: a replica that is cut off from the leader confirms nothing. */
static void test_only_a_leader_confirms(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 0, 60000);
    size_t served = follower(&house);
    struct guest other;
    guest_open(&other, &house, served, "cn:client");
    guest_resume(&other, guest.session, 7, 2, 0);
    guest_run(&other, 100);
    guest_rearm_done(&other);
    guest_run(&other, 5000);
    guest_heartbeat(&other);
    guest_run(&other, 5000);
    assert_int_equal(other.confirmed, other.frames);
    house.replicas[served].cut = true;
    guest_heartbeat(&other);
    guest_run(&other, 5000);
    assert_int_equal(other.confirmed, other.frames - 1);
    house_forget_answers(&house);
    other.seen = 0;
    house.replicas[served].cut = false;
    guest_run(&other, 8000);
    assert_int_equal(other.confirmed, other.frames);
    house_release(&house);
}

static void test_silence_ends_a_session(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 2000);
    guest_create(&guest, 1, 1, "/e", "", EPHEMERAL, false);
    guest_run(&guest, 100);
    char data[8];
    for (int i = 0; i < 10; i++) {
        guest_heartbeat(&guest);
        guest_run(&guest, 500);
    }
    assert_int_equal(house_get(&house, 0, "/e", data, sizeof(data)), CD_OK);
    guest_leave(&guest);
    house_run(&house, 1500);
    assert_int_equal(house_get(&house, 0, "/e", data, sizeof(data)), CD_OK);
    house_run(&house, 1500);
    assert_int_equal(house_get(&house, 0, "/e", data, sizeof(data)), CD_NO_NODE);
    refused(&house, &guest, "cn:client", 7, guest.session, 2, CD_SESSION_EXPIRED);
    house_release(&house);
}

static void test_a_new_leader_gives_everybody_time(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 0, 2000);
    size_t served = follower(&house);
    struct guest other;
    guest_open(&other, &house, served, "cn:client");
    guest_resume(&other, guest.session, 7, 2, 0);
    guest_run(&other, 100);
    guest_rearm_done(&other);
    guest_create(&other, 1, 1, "/e", "", EPHEMERAL, false);
    guest_run(&other, 1500);
    int leader = house_leader(&house);
    house_crash(&house, (size_t)leader);
    house_forget_answers(&house);
    other.seen = 0;
    house_run(&house, 1500); /* beyond what the old one would have given */
    char data[8];
    assert_int_equal(house_get(&house, served, "/e", data, sizeof(data)), CD_OK);
    house_run(&house, 4000);
    assert_int_equal(house_get(&house, served, "/e", data, sizeof(data)), CD_NO_NODE);
    house_release(&house);
}

/* R19: a leader that stood still has heard nothing, and blames nobody. */
static void test_a_leader_that_stood_still_gives_everybody_time(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    house_init(&house, 1);
    house_give_birth(&house);
    house_run(&house, 500);
    guest_open(&guest, &house, 0, "cn:client");
    guest_begin(&guest, 7, 2000);
    guest_run(&guest, 100);
    guest_create(&guest, 1, 1, "/e", "", EPHEMERAL, false);
    guest_run(&guest, 1600);
    struct replica_view before, after;
    replica_get_view(house.replicas[0].replica, &before);
    house.now_ms += 300; /* without a turn: more than half an election timeout, and it leads on */
    house_run(&house, 1500);
    replica_get_view(house.replicas[0].replica, &after);
    assert_int_equal(after.graces, before.graces + 1);
    char data[8];
    assert_int_equal(house_get(&house, 0, "/e", data, sizeof(data)), CD_OK);
    house_run(&house, 1500);
    assert_int_equal(house_get(&house, 0, "/e", data, sizeof(data)), CD_NO_NODE);
    house_release(&house);
}

/* A write whose leader dies is proposed again by the replica that serves the session. */
static void test_writes_survive_the_leader(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 0, 20000);
    size_t served = follower(&house);
    struct guest other;
    guest_open(&other, &house, served, "cn:client");
    guest_resume(&other, guest.session, 7, 2, 0);
    guest_run(&other, 100);
    guest_rearm_done(&other);
    guest_run(&other, 20);
    int leader = house_leader(&house);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        char path[16];
        snprintf(path, sizeof(path), "/w%d", (int)seq);
        guest_create(&other, seq, seq, path, "", PLAIN, false);
    }
    house_crash(&house, (size_t)leader);
    guest_run(&other, 50);
    house_forget_answers(&house);
    other.seen = 0;
    guest_run(&other, 3000);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        assert_int_equal(guest_code(&other, seq), CD_OK);
    }
    house_release(&house);
}

/* R21: a call with a key happens once, on whichever replica it comes again. */
static void test_calls_with_a_key(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 5000);
    assert_int_equal(house_create_once(&house, 0, "/a", 1), CD_OK);
    assert_int_equal(house_create_once(&house, 1, "/a", 1), CD_OK);
    assert_int_equal(house_create_once(&house, 1, "/b", 1), CD_SEQ_CONFLICT);
    assert_int_equal(house_create_once(&house, 2, "/a", 2), CD_NODE_EXISTS);
    house_release(&house);
}

/* Over state_reply_bytes nothing is done, and the caller is told. */
static void test_calls_when_no_more_replies_are_kept(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house.limits.state_reply_bytes = 1;
    house_crash(&house, 0);
    house_start(&house, 0);
    house_give_birth(&house);
    house_run(&house, 500);
    struct guest guest;
    guest_open(&guest, &house, 0, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 50);
    guest_create(&guest, 1, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 50);
    assert_int_equal(guest_code(&guest, 1), CD_OK);
    assert_int_equal(house_create_once(&house, 0, "/k", 1), CD_BUSY);
    /* A write of a session waits until replies were acknowledged (R10). */
    guest_create(&guest, 2, 2, "/b", "", PLAIN, false);
    guest_run(&guest, 500);
    assert_int_equal(guest_code(&guest, 2), -1);
    guest_send(&guest, NULL, 0, 1);
    guest_run(&guest, 500);
    assert_int_equal(guest_code(&guest, 2), CD_OK);
    assert_int_equal(house_create(&house, 0, "/plain", ""), CD_OK);
    house_release(&house);
}

/* What a leader leaves open is no more than its successor's disk takes at once. */
static void test_a_window_of_large_values(void **state)
{
    (void)state;
    enum { COUNT = 120, BYTES = 1 << 20 };
    struct house house;
    struct guest guest;
    begin_with(&house, &guest, 0, 60000, 256);
    int leader = house_leader(&house);
    size_t served = follower(&house);
    struct guest other;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    guest_open(&other, &house, served, "cn:client");
    guest_hello(&other, &hello); /* without a session, which would be bounded by itself */
    guest_run(&other, 20);
    for (size_t i = 0; i < 3; i++) {
        house.replicas[i].stalled = i != (size_t)leader;
    }
    char *data = cd_calloc(1, BYTES + 1);
    memset(data, 'x', BYTES);
    for (uint64_t id = 1; id <= COUNT; id++) {
        char path[16];
        snprintf(path, sizeof(path), "/w%d", (int)id);
        guest_create(&other, id, 0, path, data, PLAIN, false);
        house_run(&house, 2);
    }
    cd_free(data);
    struct replica_view view;
    replica_get_view(house.replicas[leader].replica, &view);
    assert_true(view.queued_bytes > 32 << 20); /* it waits before it is proposed */
    house_crash(&house, (size_t)leader);
    for (size_t i = 0; i < 3; i++) {
        house.replicas[i].stalled = false;
    }
    house_forget_answers(&house);
    other.seen = 0;
    house_run(&house, 3000);
    assert_int_equal(house_create(&house, served, "/after", ""), CD_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(house.replicas[i].fatal, "");
    }
    house_release(&house);
}

/* R10: over the window, in number or in bytes, that seq and all later ones are the client's again.
 */
static void test_more_than_the_window(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    house_init(&house, 1);
    house.limits.unacked_writes = 4;
    house_crash(&house, 0);
    house_start(&house, 0);
    house_give_birth(&house);
    house_run(&house, 500);
    guest_open(&guest, &house, 0, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 50);
    for (uint64_t seq = 1; seq <= 6; seq++) {
        guest_create(&guest, seq, seq, "/x-", "", PLAIN, true);
    }
    guest_run(&guest, 100);
    assert_int_equal(guest_code(&guest, 4), CD_OK);
    assert_int_equal(guest_code(&guest, 5), CD_BUSY);
    assert_int_equal(guest_code(&guest, 6), -1);
    struct replica_view view;
    replica_get_view(house.replicas[0].replica, &view);
    assert_int_equal(view.waiting_writes, 0);
    guest_send(&guest, NULL, 0, 4);
    guest_create(&guest, 15, 5, "/x-", "", PLAIN, true);
    guest_create(&guest, 16, 6, "/x-", "", PLAIN, true);
    guest_run(&guest, 100);
    assert_string_equal(guest_reply(&guest, 16)->path, "/x-0000000005");
    house_release(&house);
}

/* The log says that it is early each time. It must not fill with that. */
static void test_a_gap_after_a_resume(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, &guest, 1, 60000);
    guest_create(&guest, 1, 1, "/a", "", PLAIN, false);
    guest_run(&guest, 100);
    uint64_t session = guest.session;
    size_t leader = (size_t)house_leader(&house);
    guest_leave(&guest);
    guest_open(&guest, &house, leader, "cn:client");
    guest_resume(&guest, session, 7, 2, 0);
    guest_run(&guest, 100);
    guest_rearm_done(&guest);
    struct replica_view before, after;
    replica_get_view(house.replicas[leader].replica, &before);
    guest_create(&guest, 3, 3, "/c", "", PLAIN, false);
    guest_run(&guest, 20000);
    replica_get_view(house.replicas[leader].replica, &after);
    uint64_t commands = after.proposed_commands - before.proposed_commands;
    assert_in_range(commands, 10, 40);
    assert_int_equal(guest_code(&guest, 3), -1);
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_apply_once),
        cmocka_unit_test(test_another_request_under_the_same_seq),
        cmocka_unit_test(test_refusals_keep_their_place),
        cmocka_unit_test(test_resuming_needs_all_three),
        cmocka_unit_test(test_only_a_leader_confirms),
        cmocka_unit_test(test_silence_ends_a_session),
        cmocka_unit_test(test_a_new_leader_gives_everybody_time),
        cmocka_unit_test(test_a_leader_that_stood_still_gives_everybody_time),
        cmocka_unit_test(test_writes_survive_the_leader),
        cmocka_unit_test(test_calls_with_a_key),
        cmocka_unit_test(test_more_than_the_window),
        cmocka_unit_test(test_a_gap_after_a_resume),
        cmocka_unit_test(test_a_window_of_large_values),
        cmocka_unit_test(test_calls_when_no_more_replies_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
