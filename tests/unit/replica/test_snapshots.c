#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Snapshots of three replicas: taken, started from, sent to one that lost everything. */

static bool all_vote(struct house *house)
{
    struct replica_view view;
    for (size_t i = 0; i < house->count; i++) {
        if (house->replicas[i].replica == NULL) {
            return false;
        }
        replica_get_view(house->replicas[i].replica, &view);
        if (!view.ready || view.voters != house->count) {
            return false;
        }
    }
    return true;
}

static void begin(struct house *house)
{
    house_init(house, 3);
    house->snapshot_bytes = 8 << 10;
    house->segment_bytes = 16 << 10;
    for (size_t i = 0; i < 3; i++) {
        house_crash(house, i);
        house_start(house, i);
    }
    house_give_birth(house);
    assert_true(house_run_until(house, 10000, all_vote));
}

static void write_some(struct house *house, size_t index, size_t count)
{
    char path[32];
    static int number;
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "/n%d", number++);
        assert_int_equal(house_create(house, index, path, "some data of a node"), CD_OK);
        house_forget_answers(house);
    }
    house_run(house, 200);
}

static struct replica_view view_of(struct house *house, size_t index)
{
    struct replica_view view;
    replica_get_view(house->replicas[index].replica, &view);
    return view;
}

static void assert_alike(struct house *house)
{
    house_run(house, 500);
    struct replica_view first = view_of(house, 0);
    for (size_t i = 1; i < house->count; i++) {
        struct replica_view view = view_of(house, i);
        assert_int_equal(view.paxos.applied, first.paxos.applied);
        assert_true(view.digest == first.digest);
    }
}

static void test_started_from_one(void **state)
{
    (void)state;
    struct house house;
    begin(&house);
    write_some(&house, 0, 400);
    for (size_t i = 0; i < 3; i++) {
        assert_true(view_of(&house, i).snapshots_taken >= 2);
    }
    struct replica_view before = view_of(&house, 1);
    house_crash(&house, 1);
    house_start(&house, 1);
    assert_true(house_run_until(&house, 10000, all_vote));
    assert_true(view_of(&house, 1).nodes == before.nodes);
    write_some(&house, 1, 50);
    assert_alike(&house);
    house_release(&house);
}

static void test_all_restart_together(void **state)
{
    (void)state;
    struct house house;
    begin(&house);
    write_some(&house, 0, 400);
    uint64_t nodes = view_of(&house, 0).nodes;
    for (size_t i = 0; i < 3; i++) {
        house_crash(&house, i);
    }
    for (size_t i = 0; i < 3; i++) {
        house_start(&house, i);
    }
    assert_true(house_run_until(&house, 20000, all_vote));
    assert_int_equal(view_of(&house, 0).nodes, nodes);
    write_some(&house, 0, 100);
    assert_alike(&house);
    house_release(&house);
}

static bool is_level(struct house *house)
{
    return all_vote(house) && view_of(house, 2).nodes == view_of(house, 0).nodes;
}

static void test_a_wiped_one_installs(void **state)
{
    (void)state;
    struct house house;
    begin(&house);
    house_crash(&house, 2);
    write_some(&house, 0, 600);
    fault_disk_wipe(house.replicas[2].disk);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 30000, is_level));
    assert_int_equal(view_of(&house, 2).snapshots_installed, 1);
    write_some(&house, 2, 50);
    assert_alike(&house);
    /* What was installed is enough to start from. */
    house_crash(&house, 2);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 10000, is_level));
    assert_alike(&house);
    house_release(&house);
}

/* R7, R10: sessions and kept replies are in it; R16: a watch is told to read anew. */
static void test_sessions_live_on(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house);
    house_forget_answers(&house);
    guest_open(&guest, &house, 0, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 100);
    assert_int_equal(guest.welcome_code, CD_OK);
    guest_create(&guest, 1, 1, "/q-", "", COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT, true);
    guest_run(&guest, 100);
    assert_string_equal(guest_reply(&guest, 1)->path, "/q-0000000000");
    uint64_t seen = guest_reply(&guest, 1)->zxid;
    house_crash(&house, 2);
    house_forget_answers(&house);
    guest_leave(&guest);
    write_some(&house, 0, 600);
    fault_disk_wipe(house.replicas[2].disk);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 30000, is_level));
    assert_int_equal(view_of(&house, 2).snapshots_installed, 1);

    struct guest other;
    guest_open(&other, &house, 2, "cn:client");
    guest_resume(&other, guest.session, 7, 2, seen);
    guest_run(&other, 100);
    assert_int_equal(other.welcome_code, CD_OK);
    guest_create(&other, 1, 1, "/q-", "", COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT, true);
    guest_watch(&other, 2, 1, "/", COORD__V1__WATCH_SCOPE__WATCH_SCOPE_SUBTREE, seen);
    guest_rearm_done(&other);
    guest_run(&other, 200);
    assert_string_equal(guest_reply(&other, 1)->path, "/q-0000000000");
    assert_non_null(guest_find(&other, GUEST_RESYNC, 0));
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_started_from_one),
        cmocka_unit_test(test_all_restart_together),
        cmocka_unit_test(test_a_wiped_one_installs),
        cmocka_unit_test(test_sessions_live_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
