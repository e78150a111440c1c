#include "support.h"

/* Goal: compares, branches, one zxid for all changes, all or nothing, and what each operation
 * shows. */

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", "value"));
    rig_must(&rig, make_set("/a", "value"));
    rig_must(&rig, make_create("/a/b", ""));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static struct fsm_compare number(const char *path, enum fsm_compare_target target,
                                 enum fsm_relation relation, uint64_t given)
{
    return (struct fsm_compare){
        .path = text(path), .target = target, .relation = relation, .number = given};
}

static struct fsm_compare value(const char *path, enum fsm_relation relation, const char *given)
{
    return (struct fsm_compare){.path = text(path),
                                .target = FSM_COMPARE_VALUE,
                                .relation = relation,
                                .value = text(given)};
}

static bool holds(struct fsm_compare compare)
{
    enum cd_status status = rig_apply(&rig, make_txn(&compare, 1, NULL, 0, NULL, 0));
    assert_true(status == CD_OK || status == CD_COMPARE_FAILED);
    assert_int_equal(rig.result.compares_held, status == CD_OK);
    assert_int_equal(rig.result.failed_index, status == CD_OK ? -1 : 0);
    assert_false(rig.result.changed);
    return status == CD_OK;
}

static void check_relations(const char *path, enum fsm_compare_target target, uint64_t has)
{
    assert_true(holds(number(path, target, FSM_EQUAL, has)));
    assert_false(holds(number(path, target, FSM_EQUAL, has + 1)));
    assert_false(holds(number(path, target, FSM_NOT_EQUAL, has)));
    assert_true(holds(number(path, target, FSM_NOT_EQUAL, has + 1)));
    assert_true(holds(number(path, target, FSM_LESS, has + 1)));
    assert_false(holds(number(path, target, FSM_LESS, has)));
    assert_true(holds(number(path, target, FSM_GREATER, has - 1)));
    assert_false(holds(number(path, target, FSM_GREATER, has)));
    for (int relation = FSM_EQUAL; relation <= FSM_GREATER; relation++) {
        assert_false(holds(number("/none", target, (enum fsm_relation)relation, has)));
    }
}

static void test_compares(void **state)
{
    (void)state;
    uint64_t zxid = fsm_zxid_make(FSM_GENERATION_FIRST, 0);
    check_relations("/a", FSM_COMPARE_VERSION, 1);
    check_relations("/a", FSM_COMPARE_CVERSION, 1);
    check_relations("/a", FSM_COMPARE_CZXID, zxid + 1);
    check_relations("/a", FSM_COMPARE_MZXID, zxid + 2);
    check_relations("/a", FSM_COMPARE_PZXID, zxid + 3);
    check_relations("/a", FSM_COMPARE_CHILDREN, 1);
    assert_true(holds(number("/a", FSM_COMPARE_EXISTS, FSM_EQUAL, 1)));
    assert_false(holds(number("/a", FSM_COMPARE_EXISTS, FSM_EQUAL, 0)));
    assert_true(holds(number("/none", FSM_COMPARE_EXISTS, FSM_EQUAL, 0)));
    assert_true(holds(number("/none", FSM_COMPARE_EXISTS, FSM_NOT_EQUAL, 1)));
    assert_true(holds(value("/a", FSM_EQUAL, "value")));
    assert_false(holds(value("/a", FSM_EQUAL, "valu")));
    assert_false(holds(value("/a", FSM_EQUAL, "")));
    assert_true(holds(value("/a/b", FSM_EQUAL, "")));
    assert_true(holds(value("/a", FSM_NOT_EQUAL, "values")));
    assert_false(holds(value("/none", FSM_NOT_EQUAL, "x")));
}

static void test_branches(void **state)
{
    (void)state;
    const struct fsm_op then_ops[] = {make_create("/then", "")};
    const struct fsm_op else_ops[] = {make_create("/else", ""), make_create("/else/x", "")};
    struct fsm_compare compares[] = {number("/a", FSM_COMPARE_EXISTS, FSM_EQUAL, 1),
                                     number("/a", FSM_COMPARE_VERSION, FSM_EQUAL, 7)};
    rig_must(&rig, make_txn(compares, 1, then_ops, 1, else_ops, 2));
    assert_true(rig.result.compares_held);
    assert_int_equal(rig.result.outcomes_count, 1);
    assert_text(rig.result.outcomes[0].path, "/then");

    rig_must(&rig, make_txn(compares, 2, then_ops, 1, else_ops, 2));
    assert_false(rig.result.compares_held);
    assert_int_equal(rig.result.outcomes_count, 2);
    assert_text(rig.result.outcomes[1].path, "/else/x");
    assert_int_equal(rig.result.failed_index, -1);

    assert_int_equal(rig_apply(&rig, make_txn(compares, 2, then_ops, 1, NULL, 0)),
                     CD_COMPARE_FAILED);
    assert_int_equal(rig.result.failed_index, 1);
    assert_int_equal(rig.result.outcomes_count, 0);
    assert_int_equal(rig_apply(&rig, make_txn(compares, 2, NULL, 0, else_ops, 2)), CD_NODE_EXISTS);
    assert_false(rig.result.compares_held);
    assert_int_equal(rig.result.failed_index, 0);
}

static void test_one_zxid(void **state)
{
    (void)state;
    uint64_t zxid = fsm_zxid(rig.fsm) + 1;
    const struct fsm_op ops[] = {make_create("/x", "1"), make_set("/a", "2"), make_delete("/a/b"),
                                 make_sequential("/x/n-")};
    rig_must(&rig, make_txn(NULL, 0, ops, CD_ARRAY_COUNT(ops), NULL, 0));
    assert_int_equal(rig.result.zxid, zxid);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    assert_int_equal(rig_stat(&rig, "/x").czxid, zxid);
    assert_int_equal(rig_stat(&rig, "/x").pzxid, zxid);
    assert_int_equal(rig_stat(&rig, "/a").mzxid, zxid);
    assert_int_equal(rig_stat(&rig, "/a").pzxid, zxid);
    assert_int_equal(rig.result.changes_count, 4);
    assert_text(rig.result.changes[2].path, "/a/b");
    assert_text(rig.result.changes[3].path, "/x/n-0000000000");
}

/* Each operation sees what the earlier ones left, and shows the node as it was right after it. */
static void test_order(void **state)
{
    (void)state;
    const struct fsm_op ops[] = {make_get("/a"),        make_set("/a", "second"), make_get("/a"),
                                 make_check("/a", 2),   make_recursive("/a"),     make_exists("/a"),
                                 make_create("/a", ""), make_exists("/a")};
    rig_must(&rig, make_txn(NULL, 0, ops, CD_ARRAY_COUNT(ops), NULL, 0));
    const struct fsm_outcome *outcomes = rig.result.outcomes;
    assert_text(outcomes[0].data, "value");
    assert_int_equal(outcomes[0].stat.version, 1);
    assert_text(outcomes[2].data, "second");
    assert_int_equal(outcomes[3].stat.version, 2);
    assert_int_equal(outcomes[4].nodes_count, 2);
    assert_text(outcomes[4].path, "/a");
    assert_false(outcomes[5].found);
    assert_true(outcomes[7].found);
    assert_int_equal(outcomes[7].stat.version, 0);
    assert_int_equal(outcomes[7].stat.children_count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    uint64_t zxid = fsm_zxid(rig.fsm);
    const struct fsm_op ops[] = {make_create("/x", "1"), make_get("/a"), make_check("/a", 9),
                                 make_delete("/a/b")};
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, ops, 4, NULL, 0)), CD_BAD_VERSION);
    const enum cd_status expected[] = {CD_NOT_APPLIED, CD_NOT_APPLIED, CD_BAD_VERSION,
                                       CD_NOT_APPLIED};
    assert_int_equal(rig.result.outcomes_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rig.result.outcomes[i].status, expected[i]);
        assert_false(rig.result.outcomes[i].changed);
        assert_int_equal(rig.result.outcomes[i].path.bytes, 0);
        assert_int_equal(rig.result.outcomes[i].data.bytes, 0);
    }
    assert_int_equal(rig.result.failed_index, 2);
    assert_true(rig.result.compares_held);
    assert_int_equal(rig.result.zxid, zxid);
    assert_int_equal(rig.result.changes_count, 0);
    struct fsm_stat stat;
    assert_int_equal(fsm_exists(rig.fsm, NULL, NULL, text("/x"), &stat), CD_NO_NODE);
}

static void test_no_effect(void **state)
{
    (void)state;
    uint64_t zxid = fsm_zxid(rig.fsm);
    struct fsm_op ops[] = {make_get("/a"), make_create("/a", ""), make_delete("/none")};
    ops[1].create.if_absent = true;
    ops[2].remove.if_present = true;
    rig_must(&rig, make_txn(NULL, 0, ops, 3, NULL, 0));
    assert_false(rig.result.changed);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    rig_must(&rig, make_txn(NULL, 0, NULL, 0, NULL, 0));
    assert_false(rig.result.changed);
    assert_int_equal(rig.result.outcomes_count, 0);
    /* Created and deleted again is not nothing: the parent's counters moved. */
    const struct fsm_op there_and_back[] = {make_create("/x", ""), make_delete("/x")};
    rig_must(&rig, make_txn(NULL, 0, there_and_back, 2, NULL, 0));
    assert_true(rig.result.changed);
    assert_int_equal(rig_stat(&rig, "/").pzxid, zxid + 1);
}

/* Refused by form as a whole: nothing was tried, no operation is to blame in particular. */
static void test_form(void **state)
{
    (void)state;
    const struct fsm_op ops[] = {make_create("/x", ""), make_create("y", "")};
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, ops, 2, NULL, 0)), CD_INVALID_ARGUMENT);
    assert_int_equal(rig.result.outcomes_count, 0);
    assert_int_equal(rig.result.failed_index, -1);
}

static void test_limits(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    rig_release(&rig);
    limits.atomic_nodes = 3;
    limits.txn_bytes = 20;
    rig_init(&rig, &limits);
    const struct fsm_op ops[] = {make_create("/a", ""), make_set("/a", "123456"), make_delete("/a"),
                                 make_create("/b", "")};
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, ops, 4, NULL, 0)), CD_TOO_MANY);
    assert_int_equal(rig.result.failed_index, 3);
    assert_string_equal(rig.result.outcomes[3].limit_name, "atomic_nodes");
    rig_must(&rig, make_txn(NULL, 0, ops, 3, NULL, 0));
    rig_must(&rig, make_create("/big", "1234567"));
    const struct fsm_op reads[] = {make_get("/big"), make_get("/big"), make_get("/big")};
    rig_must(&rig, make_txn(NULL, 0, reads, 2, NULL, 0));
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, reads, 3, NULL, 0)), CD_TOO_LARGE);
    assert_string_equal(rig.result.outcomes[2].limit_name, "txn_bytes");
    assert_int_equal(rig.result.outcomes[2].wanted, 21);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_compares), TEST(test_branches),  TEST(test_one_zxid), TEST(test_order),
        TEST(test_refused),  TEST(test_no_effect), TEST(test_form),     TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
