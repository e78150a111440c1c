#include "guest.h"

#include "base/memory.h"
#include "fsm/state.h"
#include "replica/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * R6: replicas compare the digests of their states. Here one of them is made to differ: by a stray
 * command that only its machine sees, or by other limits in its configuration.
 */

static bool all_vote(struct house *house)
{
    struct replica_view view;
    for (size_t i = 0; i < house->count; i++) {
        if (house->replicas[i].replica == NULL) {
            return false;
        }
        replica_get_view(house->replicas[i].replica, &view);
        if (!view.paxos.voter || view.voters != house->count) {
            return false;
        }
    }
    return house_leader(house) >= 0;
}

static struct replica_view view_of(struct house *house, size_t index)
{
    struct replica_view view;
    replica_get_view(house->replicas[index].replica, &view);
    return view;
}

static void begin(struct house *house, size_t count, uint64_t snapshot_bytes)
{
    house_init(house, count);
    house->snapshot_bytes = snapshot_bytes;
    house->segment_bytes = 16 << 10;
    for (size_t i = 0; i < count; i++) {
        house_crash(house, i);
        house_start(house, i);
    }
    house_give_birth(house);
    assert_true(house_run_until(house, 10000, all_vote));
    house_forget_answers(house);
}

/* A write that the log does not hold: between two slots, and without one of its own. */
static void stray(struct house *house, size_t index, const char *path)
{
    struct fsm *fsm = house->replicas[index].replica->fsm;
    struct fsm_result result;
    fsm_result_init(&result);
    struct fsm_command command = {.op = {.kind = FSM_OP_CREATE}};
    command.op.create.path = (struct fsm_bytes){(const uint8_t *)path, strlen(path)};
    fsm->in_slot = true;
    fsm_apply(fsm, &command, &result);
    fsm->in_slot = false;
    assert_int_equal(result.status, CD_OK);
    fsm_result_release(&result);
}

/* Its clock is another, far from what any batch will say. */
static void skew(struct house *house, size_t index, uint64_t by)
{
    house->replicas[index].replica->fsm->wall_ms = (UINT64_C(1) << 50) + by;
}

static int number;

static int write_one(struct house *house, size_t index)
{
    char path[32];
    snprintf(path, sizeof(path), "/n%d", number++);
    int code = house_create(house, index, path, "some data of a node");
    house_forget_answers(house);
    return code;
}

static void write_some(struct house *house, size_t index, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(write_one(house, index), CD_OK);
    }
    house_run(house, 200);
}

static void assert_alike(struct house *house)
{
    house_run(house, 500);
    struct replica_view first = view_of(house, 0);
    for (size_t i = 0; i < house->count; i++) {
        struct replica_view view = view_of(house, i);
        assert_false(view.fenced);
        assert_true(view.ready);
        assert_int_equal(view.paxos.applied, first.paxos.applied);
        assert_true(view.digest == first.digest);
        assert_int_equal(view.undecided_slot, 0);
        fsm_check(house->replicas[i].replica->fsm);
    }
}

static Coord__V1__StatusResponse *status_of(struct house *house, size_t index)
{
    struct house_replica *replica = &house->replicas[index];
    const uint64_t call = UINT64_C(1) << 40;
    house_forget_answers(house);
    replica_on_call(replica->replica, call, REPLICA_METHOD_ADMIN_STATUS, "cn:admin", NULL, 0);
    assert_int_equal(replica->answers_count, 1);
    Coord__V1__StatusResponse *status = coord__v1__status_response__unpack(
        NULL, replica->answers[0].bytes->bytes, replica->answers[0].bytes->data);
    assert_non_null(status);
    house_forget_answers(house);
    return status;
}

static bool any_fenced(struct house *house)
{
    for (size_t i = 0; i < house->count; i++) {
        if (house->replicas[i].replica != NULL && view_of(house, i).fenced) {
            return true;
        }
    }
    return false;
}

/* A house keeps a bounded number of answers. */
static void take_and_forget(struct house *house, struct guest *guest)
{
    guest_take(guest);
    house_forget_answers(house);
    guest->seen = 0;
}

static size_t follower_of(struct house *house)
{
    int leader = house_leader(house);
    assert_true(leader >= 0);
    return ((size_t)leader + 1) % house->count;
}

/* Writes through a replica that is well until another one is found to differ. */
static void write_until_fenced(struct house *house, size_t index)
{
    for (int i = 0; i < 200 && !any_fenced(house); i++) {
        assert_int_equal(write_one(house, index), CD_OK);
    }
    assert_true(any_fenced(house));
}

/* ---- All is well ---- */

static void test_agreed(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 3; count++) {
        struct house house;
        begin(&house, count, 8 << 10);
        write_some(&house, 0, 400);
        for (size_t i = 0; i < count; i++) {
            struct replica_view view = view_of(&house, i);
            assert_true(view.digests_agreed >= 5);
            assert_int_equal(view.fences, 0);
            assert_true(view.snapshots_taken >= 2);
        }
        assert_alike(&house);
        house_release(&house);
    }
}

/* The command that agrees must not cause the next one in a group where nothing happens. */
static void test_idle(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 64 << 20);
    write_some(&house, 0, 200);
    struct replica_view view = view_of(&house, (size_t)house_leader(&house));
    assert_true(view.proposed_commands <= 200 + view.paxos.applied / REPLICA_DIGEST_SLOTS);
    uint64_t applied = view_of(&house, 0).paxos.applied;
    house_run(&house, 20000);
    assert_int_equal(view_of(&house, 0).paxos.applied, applied);
    house_release(&house);
}

/* A report that was lost is said again. */
static void test_lost_reports(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 64 << 20);
    write_some(&house, 0, 10);
    for (size_t i = 0; i < 3; i++) {
        struct replica *r = house.replicas[i].replica;
        uint64_t agreed = r->digests.agreed_slot;
        for (int k = 0; k < 200 && fsm_slot(r->fsm) < agreed + REPLICA_DIGEST_SLOTS; k++) {
            for (size_t n = 0; n < 3; n++) { /* as if it had been sent */
                house.replicas[n].replica->reported_slot = UINT64_MAX;
                house.replicas[n].replica->digests_ms = house.now_ms + 1000;
            }
            assert_int_equal(write_one(&house, 0), CD_OK);
        }
        house_run(&house, 500);
        assert_int_equal(r->digests.agreed_slot, agreed);
        house_run(&house, 1500);
        assert_true(r->digests.agreed_slot >= agreed + REPLICA_DIGEST_SLOTS);
    }
    house_release(&house);
}

/* ---- One differs ---- */

static void test_follower(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, 3, 8 << 10);
    write_some(&house, 0, 150);
    size_t bad = follower_of(&house);
    size_t good = (size_t)house_leader(&house);
    guest_open(&guest, &house, bad, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 100);
    assert_int_equal(guest.welcome_code, CD_OK);
    house_forget_answers(&house);
    guest.seen = 0;
    stray(&house, bad, "/stray");
    char data[32];
    assert_int_equal(house_get(&house, bad, "/stray", data, sizeof(data)), CD_OK);
    house_forget_answers(&house);
    write_until_fenced(&house, good);
    assert_true(view_of(&house, bad).fenced);
    assert_false(view_of(&house, bad).ready);
    assert_true(view_of(&house, bad).paxos.voter);

    /* Nobody is answered from that state. */
    struct replica_view before = view_of(&house, bad);
    Coord__V1__StatusResponse *status = status_of(&house, bad);
    assert_int_equal(status->state, COORD__V1__REPLICA_STATE__REPLICA_STATE_FENCED);
    assert_int_equal(status->n_alarms, 1);
    assert_false(status->ready);
    coord__v1__status_response__free_unpacked(status, NULL);
    assert_int_equal(house_get(&house, bad, "/stray", data, sizeof(data)), CD_BEHIND);
    assert_int_equal(house_create(&house, bad, "/refused", ""), CD_BEHIND);
    assert_int_equal(before.rebuilds, 0);
    house_forget_answers(&house);

    /* It comes back by itself, with the state that the others have. */
    house_run(&house, 1000);
    assert_int_equal(view_of(&house, bad).fences, 1);
    assert_int_equal(view_of(&house, bad).rebuilds, 1);
    assert_int_equal(view_of(&house, bad).snapshots_installed, 0);
    assert_int_equal(house_get(&house, bad, "/stray", data, sizeof(data)), CD_NO_NODE);
    write_some(&house, bad, 100);
    assert_alike(&house);
    assert_int_equal(view_of(&house, bad).fences, 1);
    house_release(&house);
}

/* The third one has other limits in its configuration, so that its log leads to another state. */
static void begin_with_other_limits(struct house *house)
{
    house_init(house, 3);
    house_crash(house, 2);
    house->limits.txn_ops = 7;
    house_start(house, 2);
    house_give_birth(house);
    house_forget_answers(house);
}

static bool all_three(struct house *house)
{
    return view_of(house, 0).voters == 3;
}

/* Streams are told to go, and a hello is refused. */
static void test_streams(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    struct guest late;
    begin_with_other_limits(&house);
    assert_true(house_run_until(&house, 10000, all_three));
    guest_open(&guest, &house, 2, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 20);
    assert_int_equal(guest.welcome_code, CD_OK);
    for (int i = 0; i < 200 && !any_fenced(&house); i++) {
        (void)house_create(&house, 0, "/x", "");
        take_and_forget(&house, &guest);
    }
    guest_open(&late, &house, 2, "cn:client");
    guest_begin(&late, 8, 60000);
    guest_run(&late, 10);
    guest_take(&guest);
    assert_true(any_fenced(&house));
    assert_non_null(guest_find(&guest, GUEST_AWAY, 0));
    assert_int_equal(guest_find(&guest, GUEST_AWAY, 0)->code, CD_BEHIND);
    assert_true(guest.closed);
    assert_true(late.welcomed);
    assert_int_equal(late.welcome_code, CD_BEHIND);
    house_release(&house);
}

static void test_leader(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 8 << 10);
    write_some(&house, 0, 100);
    size_t bad = (size_t)house_leader(&house);
    stray(&house, bad, "/stray");
    write_until_fenced(&house, follower_of(&house));
    assert_true(view_of(&house, bad).fenced);
    house_run(&house, 2000);
    assert_true(house_leader(&house) >= 0);
    assert_true((size_t)house_leader(&house) != bad);
    assert_true(house.replicas[bad].notes[PAXOS_NOTE_HANDING_OVER] > 0);
    assert_int_equal(view_of(&house, bad).rebuilds, 1);
    write_some(&house, bad, 100);
    assert_alike(&house);
    house_release(&house);
}

/* What the disk holds leads to the same wrong state: a peer's snapshot is needed, and made. */
static void test_other_limits(void **state)
{
    (void)state;
    struct house house;
    begin_with_other_limits(&house);
    assert_true(house_run_until(&house, 10000, all_vote));
    write_until_fenced(&house, 0);
    assert_true(view_of(&house, 2).fenced);
    house_run(&house, 1000);
    assert_true(view_of(&house, 2).fenced); /* nobody has a snapshot of a later slot yet */
    assert_true(house.replicas[2].replica->fence.own_wrong);
    for (int i = 0; i < 130; i++) {
        assert_int_equal(write_one(&house, 0), CD_OK);
    }
    house_run(&house, 3000);
    assert_int_equal(view_of(&house, 2).fences, 1);
    assert_int_equal(view_of(&house, 2).rebuilds, 1);
    assert_alike(&house);
    write_some(&house, 2, 100);
    assert_alike(&house);
    assert_int_equal(view_of(&house, 2).fences, 1);
    /* What came is what it starts from. */
    house_crash(&house, 2);
    house_start(&house, 2);
    assert_true(house_run_until(&house, 10000, all_vote));
    assert_alike(&house);
    assert_int_equal(view_of(&house, 2).fences, 0);
    house_release(&house);
}

/* Its own snapshots are damaged and the log behind them is gone: only a peer helps. */
static void test_damaged_disk(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 8 << 10);
    write_some(&house, 0, 1200);
    size_t bad = follower_of(&house);
    size_t good = (size_t)house_leader(&house);
    struct replica *r = house.replicas[bad].replica;
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    assert_true(stats.first_slot > 1);
    struct storage_snapshot_info info;
    for (size_t i = 0; storage_snapshots_at(r->snapshots, i, &info); i++) {
        char name[64];
        snprintf(name, sizeof(name), "snapshot-%020llu.zst", (unsigned long long)info.meta.slot);
        fault_disk_flip(house.replicas[bad].disk, name, info.file_bytes * 4);
    }
    stray(&house, bad, "/stray");
    write_until_fenced(&house, good);
    bool asked = false;
    for (int i = 0; i < 200; i++) {
        asked = asked || r->fence.own_wrong;
        house_run(&house, 1);
    }
    assert_true(asked);
    for (int i = 0; i < 400 && any_fenced(&house); i++) {
        assert_int_equal(write_one(&house, good), CD_OK);
    }
    house_run(&house, 1000);
    assert_int_equal(view_of(&house, bad).rebuilds, 1);
    assert_int_equal(view_of(&house, bad).fences, 1);
    assert_alike(&house);
    house_release(&house);
}

/* ---- Snapshots of a state that differs ---- */

static void test_no_snapshot_kept(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 1); /* one at each digest slot, if it may be */
    write_some(&house, 0, 100);
    size_t bad = follower_of(&house);
    size_t good = (size_t)house_leader(&house);
    stray(&house, bad, "/stray");
    write_until_fenced(&house, good);
    /* What a power loss leaves at this moment is sound. */
    house_crash(&house, bad);
    house_start(&house, bad);
    assert_true(house_run_until(&house, 10000, all_vote));
    char data[32];
    assert_int_equal(house_get(&house, bad, "/stray", data, sizeof(data)), CD_NO_NODE);
    house_forget_answers(&house);
    assert_alike(&house);
    write_some(&house, good, 200);
    assert_int_equal(view_of(&house, bad).fences, 0);
    struct storage_snapshot_info mine;
    struct storage_snapshot_info theirs;
    assert_true(storage_snapshots_at(house.replicas[bad].replica->snapshots, 0, &mine));
    assert_true(storage_snapshots_at(house.replicas[good].replica->snapshots, 0, &theirs));
    assert_int_equal(mine.meta.slot, theirs.meta.slot);
    assert_true(mine.meta.digest == theirs.meta.digest);
    house_release(&house);
}

/* One that fell behind while its own snapshot waited to be agreed on takes a peer's: the agreement
 * is in the part of the log that it lacks. */
static void test_behind_with_one_waiting(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 1);
    size_t good = (size_t)house_leader(&house);
    size_t behind = follower_of(&house);
    const struct replica *r = house.replicas[behind].replica;
    bool waits = false;
    for (int i = 0; i < 1000 && !waits; i++) {
        if (i % 8 == 0) {
            assert_int_equal(write_one(&house, good), CD_OK);
        }
        house_run(&house, 1);
        waits = r->making.frozen != NULL && !r->making.asked && !r->making.done &&
                fsm_slot(r->fsm) % REPLICA_DIGEST_SLOTS == 0;
    }
    assert_true(waits);
    house.replicas[behind].cut = true;
    write_some(&house, good, 1000);
    assert_true(r->making.frozen != NULL);
    house.replicas[behind].cut = false;
    house_run(&house, 5000);
    assert_int_equal(view_of(&house, behind).snapshots_installed, 1);
    assert_alike(&house);
    house_release(&house);
}

/* ---- No majority ---- */

static bool is_undecided(struct house *house)
{
    int leader = house_leader(house);
    return leader >= 0 && view_of(house, (size_t)leader).undecided_slot != 0;
}

static void test_no_majority(void **state)
{
    (void)state;
    struct house house;
    struct guest guest;
    begin(&house, 3, 8 << 10);
    size_t leader = (size_t)house_leader(&house);
    size_t other = follower_of(&house);
    skew(&house, leader, 1);
    skew(&house, other, 2);
    guest_open(&guest, &house, 3 - leader - other, "cn:client");
    guest_begin(&guest, 7, 60000);
    guest_run(&guest, 100);
    assert_int_equal(guest.welcome_code, CD_OK);
    for (int i = 0; i < 200 && !is_undecided(&house); i++) {
        (void)house_create(&house, leader, "/x", "");
        take_and_forget(&house, &guest);
    }
    assert_true(is_undecided(&house));
    /* Writes stop, everywhere and until somebody sees to it; nobody is fenced. */
    assert_int_equal(write_one(&house, leader), CD_BUSY);
    assert_int_equal(write_one(&house, other), CD_BUSY);
    guest.seen = 0;
    guest_create(&guest, 1, 1, "/y", "", COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT, false);
    guest_run(&guest, 100);
    assert_int_equal(guest_code(&guest, 1), CD_BUSY);
    house_run(&house, 5000);
    assert_false(any_fenced(&house));
    assert_int_equal(view_of(&house, leader).paxos.role, PAXOS_ROLE_LEADER);
    Coord__V1__StatusResponse *status = status_of(&house, leader);
    assert_int_equal(status->n_alarms, 1);
    coord__v1__status_response__free_unpacked(status, NULL);
    guest_leave(&guest);

    /* One of those that differ starts again from what its disk holds: that makes a majority. */
    house_crash(&house, other);
    house_start(&house, other);
    house_run(&house, 10000);
    assert_true(house_leader(&house) >= 0);
    assert_false(is_undecided(&house));
    assert_int_equal(view_of(&house, leader).fences, 1);
    write_some(&house, other, 50);
    assert_alike(&house);
    house_release(&house);
}

/* Two differ and the third is away: it may not come for long, so nobody waits for it with writes.
 * When it comes it decides. */
static void test_third_away(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 8 << 10);
    size_t leader = (size_t)house_leader(&house);
    size_t other = follower_of(&house);
    size_t away = 3 - leader - other;
    house.replicas[away].cut = true;
    stray(&house, other, "/stray");
    for (int i = 0; i < 150; i++) {
        assert_int_equal(write_one(&house, leader), CD_OK);
    }
    assert_false(is_undecided(&house));
    house_run(&house, 3000);
    assert_true(is_undecided(&house));
    assert_int_equal(write_one(&house, leader), CD_BUSY);
    assert_false(any_fenced(&house));
    house.replicas[away].cut = false;
    house_run(&house, 10000);
    assert_false(is_undecided(&house));
    assert_int_equal(view_of(&house, other).fences, 1);
    assert_int_equal(view_of(&house, other).rebuilds, 1);
    write_some(&house, leader, 50);
    assert_alike(&house);
    house_release(&house);
}

/* ---- Other versions ---- */

/* A digest of another layout is compared with none of ours, and fences nobody. */
static void test_other_version(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 64 << 20);
    write_some(&house, 0, 100);
    struct replica *r = house.replicas[0].replica;
    struct fsm_op_agree_digest agree = {
        .slot = REPLICA_DIGEST_SLOTS, .digest = 1, .version = FSM_DIGEST_VERSION + 1};
    replica_digest_agreed(r, &agree);
    assert_false(view_of(&house, 0).fenced);
    agree.slot = 7 * REPLICA_DIGEST_SLOTS; /* not applied here */
    agree.version = FSM_DIGEST_VERSION;
    replica_digest_agreed(r, &agree);
    assert_false(view_of(&house, 0).fenced);
    agree.slot = REPLICA_DIGEST_SLOTS;
    replica_digest_agreed(r, &agree);
    assert_true(view_of(&house, 0).fenced);
    house_release(&house);
}

static size_t count_reports(const struct replica *r)
{
    size_t count = 0;
    for (size_t i = 0; i < REPLICA_DIGESTS_KEPT; i++) {
        count += r->digest_counts[i].reports_count;
    }
    return count;
}

/* Votes belong to (node, incarnation), also these (R2); and a slot is one that was applied. */
static void test_strangers_do_not_count(void **state)
{
    (void)state;
    struct house house;
    begin(&house, 3, 64 << 20);
    struct replica *r = house.replicas[house_leader(&house)].replica;
    size_t other = follower_of(&house);
    write_some(&house, 0, 200);
    memset(r->digest_counts, 0, sizeof(r->digest_counts));
    uint32_t node = house.replicas[other].node;
    uint64_t incarnation = view_of(&house, other).paxos.incarnation;
    struct wire_digest digest = {.slot = REPLICA_DIGEST_SLOTS, .digest = 1, .version = 1};
    replica_on_digest(r, node, incarnation + 1, &digest);
    replica_on_digest(r, 9, incarnation, &digest);
    digest.slot = 0;
    replica_on_digest(r, node, incarnation, &digest);
    digest.slot = REPLICA_DIGEST_SLOTS + 1;
    replica_on_digest(r, node, incarnation, &digest);
    digest.slot = UINT64_MAX / REPLICA_DIGEST_SLOTS * REPLICA_DIGEST_SLOTS;
    replica_on_digest(r, node, incarnation, &digest);
    assert_int_equal(count_reports(r), 0);
    digest.slot = REPLICA_DIGEST_SLOTS;
    replica_on_digest(r, node, incarnation, &digest);
    replica_on_digest(r, node, incarnation, &digest);
    assert_int_equal(count_reports(r), 1);
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreed),           cmocka_unit_test(test_idle),
        cmocka_unit_test(test_lost_reports),     cmocka_unit_test(test_follower),
        cmocka_unit_test(test_streams),          cmocka_unit_test(test_leader),
        cmocka_unit_test(test_other_limits),     cmocka_unit_test(test_damaged_disk),
        cmocka_unit_test(test_no_snapshot_kept), cmocka_unit_test(test_behind_with_one_waiting),
        cmocka_unit_test(test_no_majority),      cmocka_unit_test(test_third_away),
        cmocka_unit_test(test_other_version),    cmocka_unit_test(test_strangers_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
