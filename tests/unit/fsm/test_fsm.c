#include "support.h"

#include "fsm/state.h"

/* Goal: slots, times, leadership and digest of the machine as a whole. */

static struct fsm *make(void)
{
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    return fsm_create(&limits, 3);
}

static void slot(struct fsm *fsm, uint64_t wall_ms, uint64_t elapsed_ms)
{
    struct fsm_batch_stamp stamp = {.wall_ms = wall_ms, .elapsed_ms = elapsed_ms};
    fsm_slot_begin(fsm, fsm_slot(fsm) + 1, &stamp);
    fsm_slot_end(fsm);
}

static void test_start(void **state)
{
    (void)state;
    struct fsm *fsm = make();
    struct fsm_stat stat;
    assert_int_equal(fsm_slot(fsm), 0);
    assert_int_equal(fsm_zxid(fsm), fsm_zxid_make(3, 0));
    assert_int_equal(fsm_zxid_generation(fsm_zxid(fsm)), 3);
    assert_int_equal(fsm_zxid_counter(fsm_zxid(fsm)), 0);
    assert_int_equal(fsm_nodes_count(fsm), 1);
    assert_int_equal(fsm_limits(fsm)->data_bytes, 1u << 20);
    assert_int_equal(fsm_exists(fsm, NULL, NULL, text("/"), &stat), CD_OK);
    assert_int_equal(stat.czxid, 0);
    fsm_check(fsm);
    fsm_free(fsm);
    fsm_free(NULL);
}

/* R13: stamps of adopted slots may be older, or from a clock that is wrong. */
static void test_times(void **state)
{
    (void)state;
    struct fsm *fsm = make();
    slot(fsm, 100, 10);
    slot(fsm, 90, 20);
    assert_int_equal(fsm_wall_ms(fsm), 100);
    assert_int_equal(fsm_elapsed_ms(fsm), 20);
    slot(fsm, 120, 5);
    assert_int_equal(fsm_wall_ms(fsm), 120);
    assert_int_equal(fsm_elapsed_ms(fsm), 20);
    fsm_slot_begin(fsm, 4, NULL);
    fsm_slot_end(fsm);
    assert_int_equal(fsm_wall_ms(fsm), 120);
    assert_int_equal(fsm_slot(fsm), 4);
    fsm_free(fsm);
}

static void lead(struct fsm *fsm, uint64_t round, uint32_t node, uint64_t incarnation)
{
    struct fsm_leadership leadership = {round, node, incarnation};
    fsm_slot_begin(fsm, fsm_slot(fsm) + 1, NULL);
    fsm_apply_leadership(fsm, &leadership);
    fsm_slot_end(fsm);
}

static void check_leader(const struct fsm *fsm, uint64_t round, uint32_t node, uint64_t incarnation)
{
    struct fsm_leadership leadership = fsm_leadership(fsm);
    assert_int_equal(leadership.round, round);
    assert_int_equal(leadership.node, node);
    assert_int_equal(leadership.incarnation, incarnation);
}

static void test_leadership(void **state)
{
    (void)state;
    struct fsm *fsm = make();
    check_leader(fsm, 0, 0, 0);
    lead(fsm, 2, 2, 5);
    check_leader(fsm, 2, 2, 5);
    lead(fsm, 1, 9, 9); /* adopted late */
    check_leader(fsm, 2, 2, 5);
    lead(fsm, 2, 1, 9);
    check_leader(fsm, 2, 2, 5);
    lead(fsm, 2, 2, 4);
    check_leader(fsm, 2, 2, 5);
    lead(fsm, 2, 2, 6);
    check_leader(fsm, 2, 2, 6);
    lead(fsm, 2, 3, 0);
    check_leader(fsm, 2, 3, 0);
    lead(fsm, 3, 1, 1);
    check_leader(fsm, 3, 1, 1);
    assert_int_equal(fsm_zxid_counter(fsm_zxid(fsm)), 0);
    fsm_free(fsm);
}

static void apply(struct fsm *fsm, struct fsm_op op)
{
    struct fsm_result result;
    struct fsm_command command = {.op = op};
    fsm_result_init(&result);
    fsm_slot_begin(fsm, fsm_slot(fsm) + 1, NULL);
    fsm_apply(fsm, &command, &result);
    fsm_slot_end(fsm);
    assert_int_equal(result.status, CD_OK);
    fsm_result_release(&result);
}

/* Machines that differ in one thing differ in digest; equal ones agree, however they came about. */
static void test_digest(void **state)
{
    (void)state;
    struct fsm *a = make();
    struct fsm *b = make();
    assert_true(fsm_digest(a) == fsm_digest(b));
    apply(a, make_create("/x", "1"));
    assert_true(fsm_digest(a) != fsm_digest(b));
    apply(b, make_create("/x", "2"));
    assert_true(fsm_digest(a) != fsm_digest(b));
    fsm_free(b);
    b = make();
    apply(b, make_create("/x", "1"));
    assert_true(fsm_digest(a) == fsm_digest(b));

    slot(a, 0, 0); /* the slot */
    assert_true(fsm_digest(a) != fsm_digest(b));
    slot(b, 0, 0);
    assert_true(fsm_digest(a) == fsm_digest(b));
    slot(a, 7, 0); /* the clocks */
    slot(b, 0, 7);
    assert_true(fsm_digest(a) != fsm_digest(b));
    slot(a, 0, 7);
    slot(b, 7, 0);
    assert_true(fsm_digest(a) == fsm_digest(b));
    lead(a, 1, 1, 1); /* the leadership */
    slot(b, 0, 0);
    assert_true(fsm_digest(a) != fsm_digest(b));
    fsm_free(a);
    fsm_free(b);

    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    a = make();
    limits.atomic_nodes--;
    limits.session_ephemerals--;
    b = fsm_create(&limits, 3);
    assert_true(fsm_digest(a) != fsm_digest(b));
    fsm_free(b);
    b = fsm_create(fsm_limits(a), 4);
    assert_true(fsm_digest(a) != fsm_digest(b));
    fsm_free(a);
    fsm_free(b);
}

/* The layout of the digest is part of what replicas say to each other: it must not drift. */
static void test_digest_layout(void **state)
{
    (void)state;
    struct fsm *fsm = make();
    apply(fsm, make_create("/x", "data"));
    apply(fsm, make_create("/x/y", ""));
    apply(fsm, make_set("/x", "more data"));
    assert_int_equal(FSM_DIGEST_VERSION, 2);
    assert_true(fsm_digest(fsm) == UINT64_C(0x79ea2102be65d9dd));
    fsm_free(fsm);
}

/* R6: what a majority computed is logged, and does nothing to the state. */
static void test_agreed_digest(void **state)
{
    (void)state;
    struct fsm *a = make();
    struct fsm *b = make();
    struct fsm_result result;
    fsm_result_init(&result);
    struct fsm_command command = {
        .op = {.kind = FSM_OP_AGREE_DIGEST, .agree_digest = {.slot = 64, .digest = 7}}};
    fsm_slot_begin(a, 1, NULL);
    fsm_apply(a, &command, &result);
    fsm_slot_end(a);
    fsm_slot_begin(b, 1, NULL);
    fsm_slot_end(b);
    assert_int_equal(result.verdict, FSM_TAKEN);
    assert_int_equal(result.status, CD_OK);
    assert_false(result.changed);
    assert_int_equal(result.zxid, fsm_zxid(b));
    assert_int_equal(fsm_zxid(a), fsm_zxid(b));
    assert_true(fsm_digest(a) == fsm_digest(b));
    fsm_result_release(&result);
    fsm_free(a);
    fsm_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),         cmocka_unit_test(test_times),
        cmocka_unit_test(test_leadership),    cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_layout), cmocka_unit_test(test_agreed_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
