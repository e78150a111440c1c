#include "house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Three replicas: joining, promotion, reads everywhere, a lost leader, graceful stop. */

static bool all_vote(struct house *house)
{
    for (size_t i = 0; i < house->count; i++) {
        struct replica_view view;
        replica_get_view(house->replicas[i].replica, &view);
        if (!view.paxos.voter || !view.ready) {
            return false;
        }
    }
    return true;
}

/* On the way a learner stands beside its earlier incarnation, which alone counts as a voter. */
static bool all_vote_and_are_three(struct house *house)
{
    struct replica_view view;
    replica_get_view(house->replicas[0].replica, &view);
    assert_int_equal(view.voters, 3);
    return all_vote(house);
}

static bool has_leader(struct house *house)
{
    return house_leader(house) >= 0;
}

static void start_three(struct house *house)
{
    house_init(house, 3);
    house_give_birth(house);
    assert_true(house_run_until(house, 20000, all_vote));
}

static void test_all_three_vote(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    char data[16];
    for (size_t i = 0; i < 3; i++) {
        char path[16];
        snprintf(path, sizeof(path), "/from%zu", i);
        assert_int_equal(house_create(&house, i, path, path), CD_OK);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(house_get(&house, k, path, data, sizeof(data)), CD_OK);
            assert_string_equal(data, path);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        struct replica_view view;
        replica_get_view(house.replicas[i].replica, &view);
        assert_int_equal(view.voters, 3);
    }
    house_release(&house);
}

static void test_leader_lost_and_back(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    assert_int_equal(house_create(&house, 0, "/a", "1"), CD_OK);
    for (int round = 0; round < 10; round++) {
        int leader = house_leader(&house);
        assert_true(leader >= 0);
        house_crash(&house, (size_t)leader);
        assert_true(house_run_until(&house, 5000, has_leader));
        char path[16];
        snprintf(path, sizeof(path), "/r%d", round);
        size_t other = ((size_t)leader + 1) % 3;
        assert_int_equal(house_create(&house, other, path, path), CD_OK);
        house_start(&house, (size_t)leader);
        assert_true(house_run_until(&house, 5000, all_vote));
        char data[16];
        assert_int_equal(house_get(&house, (size_t)leader, path, data, sizeof(data)), CD_OK);
        assert_string_equal(data, path);
        house_forget_answers(&house);
    }
    house_release(&house);
}

static void test_minority_answers_no_leader(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    int leader = house_leader(&house);
    size_t cut = ((size_t)leader + 1) % 3;
    house.replicas[cut].cut = true;
    house_run(&house, 3000);
    assert_int_equal(house_create(&house, cut, "/x", "1"), CD_NO_LEADER);
    char data[16];
    assert_int_equal(house_get(&house, cut, "/", data, sizeof(data)), CD_NO_LEADER);
    house.replicas[cut].cut = false;
    assert_true(house_run_until(&house, 5000, all_vote));
    assert_int_equal(house_create(&house, cut, "/x", "1"), CD_OK);
    house_release(&house);
}

static bool handed_over(struct house *house)
{
    return replica_may_stop(house->replicas[0].replica) && house_leader(house) > 0;
}

static void test_stop_hands_over(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    assert_int_equal(house_leader(&house), 0); /* it founded the cluster, and nothing happened */
    uint64_t before = house.now_ms;
    replica_begin_stop(house.replicas[0].replica);
    assert_true(house_run_until(&house, 5000, handed_over));
    assert_true(house.now_ms - before < 20); /* messages and syncs, no timer */
    house_release(&house);
}

/* The directory that a wiped replica left behind comes back: it joins again, under a fresh vote. */
static void test_old_directory_put_back(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    assert_int_equal(house_create(&house, 0, "/a", "1"), CD_OK);
    struct fault_disk *disk = house.replicas[2].disk;
    house_run(&house, 200);
    struct fault_disk_image *old = fault_disk_save(disk);
    house_crash(&house, 2);
    fault_disk_wipe(disk);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 20000, all_vote));
    house_crash(&house, 2);
    fault_disk_restore(disk, old);
    fault_disk_image_free(old);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 20000, all_vote));
    assert_int_equal(house.replicas[2].notes[PAXOS_NOTE_SUPERSEDED], 1);
    house_release(&house);
}

/* What nobody changes is not written: idle disks sleep. */
static void test_idle_cluster_writes_nothing(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    assert_int_equal(house_create(&house, 0, "/a", "1"), CD_OK);
    house_run(&house, 2000);
    struct replica_view before[3];
    struct replica_view after;
    for (size_t i = 0; i < 3; i++) {
        replica_get_view(house.replicas[i].replica, &before[i]);
        assert_true(before[i].log_syncs > 0);
    }
    house_run(&house, 10000);
    for (size_t i = 0; i < 3; i++) {
        replica_get_view(house.replicas[i].replica, &after);
        assert_int_equal(after.log_syncs, before[i].log_syncs);
    }
    house_release(&house);
}

static void test_wiped_replica_is_readmitted(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    assert_int_equal(house_create(&house, 0, "/a", "1"), CD_OK);
    house_crash(&house, 2);
    fault_disk_wipe(house.replicas[2].disk);
    house_start(&house, 2);
    struct replica_view view;
    house_run(&house, 100);
    replica_get_view(house.replicas[2].replica, &view);
    assert_false(view.paxos.voter); /* R2: its votes belonged to another incarnation */
    assert_true(house_run_until(&house, 20000, all_vote_and_are_three));
    char data[16];
    assert_int_equal(house_get(&house, 2, "/a", data, sizeof(data)), CD_OK);
    assert_string_equal(data, "1");
    house_release(&house);
}

static bool is_superseded(struct house *house)
{
    return house->replicas[2].notes[PAXOS_NOTE_SUPERSEDED] != 0;
}

/* R2: a fresh incarnation is not heard of before its record is durable, whatever it is asked. */
static void test_fresh_incarnation_is_silent_until_durable(void **state)
{
    (void)state;
    struct house house;
    start_three(&house);
    house_run(&house, 200);
    struct fault_disk_image *old = fault_disk_save(house.replicas[2].disk);
    house_crash(&house, 2);
    fault_disk_wipe(house.replicas[2].disk);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 20000, all_vote));
    house_crash(&house, 2);
    fault_disk_restore(house.replicas[2].disk, old);
    fault_disk_image_free(old);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 20000, is_superseded));
    house.replicas[2].stalled = true;
    house.replicas[2].frames = 0;
    (void)house_create(&house, 2, "/a", "1"); /* a write to forward, for as long as it waits */
    assert_int_equal(house.replicas[2].frames, 0);
    house.replicas[2].stalled = false;
    assert_true(house_run_until(&house, 20000, all_vote));
    assert_true(house.replicas[2].frames > 0);
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_three_vote),
        cmocka_unit_test(test_leader_lost_and_back),
        cmocka_unit_test(test_minority_answers_no_leader),
        cmocka_unit_test(test_stop_hands_over),
        cmocka_unit_test(test_old_directory_put_back),
        cmocka_unit_test(test_fresh_incarnation_is_silent_until_durable),
        cmocka_unit_test(test_idle_cluster_writes_nothing),
        cmocka_unit_test(test_wiped_replica_is_readmitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
