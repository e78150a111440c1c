#include "support.h"

#include "fsm/life.h"
#include "fsm/path.h"

/* Goal: containers and TTL nodes fall due when they should and go only then (R13), also through
 * transactions that are taken back. rig_release checks the index against the tree. */

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static struct fsm_op make_container(const char *path)
{
    struct fsm_op op = make_create(path, "");
    op.create.kind = FSM_CONTAINER;
    return op;
}

static struct fsm_op make_ttl(const char *path, uint64_t ttl_ms)
{
    struct fsm_op op = make_create(path, "");
    op.create.kind = FSM_TTL;
    op.create.ttl_ms = ttl_ms;
    return op;
}

/* How many are due at that time; the first one's path is `path`. */
static size_t due(uint64_t elapsed_ms, const char *path)
{
    struct fsm_op_reap ops[4];
    fsm_check(rig.fsm);
    size_t count = fsm_due(rig.fsm, elapsed_ms, ops, 4);
    if (count > 0) {
        assert_text(ops[0].path, path);
    }
    return count;
}

static void reap_first(enum cd_status expected)
{
    struct fsm_op op = {.kind = FSM_OP_REAP};
    assert_int_equal(fsm_due(rig.fsm, UINT64_MAX, &op.reap, 1), 1);
    assert_int_equal(rig_apply(&rig, op), expected);
}

static void test_container(void **state)
{
    (void)state;
    rig_must(&rig, make_container("/c"));
    assert_int_equal(due(UINT64_MAX, ""), 0); /* it had no children yet */
    rig_must(&rig, make_create("/c/a", ""));
    rig_must(&rig, make_create("/c/b", ""));
    rig_must(&rig, make_delete("/c/a"));
    assert_int_equal(due(UINT64_MAX, ""), 0);
    rig_must(&rig, make_delete("/c/b"));
    uint64_t end = fsm_elapsed_ms(rig.fsm) + fsm_limits(rig.fsm)->container_ms;
    assert_int_equal(rig_stat(&rig, "/c").idle_elapsed_ms, fsm_elapsed_ms(rig.fsm));
    assert_int_equal(due(end - 1, ""), 0);
    assert_int_equal(due(end, "/c"), 1);
    rig_must(&rig, make_set("/c", "x")); /* no change of its data makes it live longer */
    assert_int_equal(due(end, "/c"), 1);
    rig_must(&rig, make_create("/c/a", ""));
    assert_int_equal(due(UINT64_MAX, ""), 0);
    assert_int_equal(rig_stat(&rig, "/c").idle_elapsed_ms, 0);
    rig_must(&rig, make_recursive("/c/a"));
    reap_first(CD_NOT_APPLIED);
    rig_wait(&rig, fsm_limits(rig.fsm)->container_ms);
    reap_first(CD_OK);
    assert_int_equal(rig.result.changes_count, 1);
    assert_text(rig.result.outcomes[0].path, "/c");
    assert_int_equal(rig.result.outcomes[0].nodes_count, 1);
    assert_int_equal(due(UINT64_MAX, ""), 0);
    assert_int_equal(fsm_nodes_count(rig.fsm), 1);
}

static void test_ttl(void **state)
{
    (void)state;
    rig_must(&rig, make_ttl("/t", 500));
    uint64_t end = fsm_elapsed_ms(rig.fsm) + 500;
    assert_int_equal(rig_stat(&rig, "/t").ttl_ms, 500);
    assert_int_equal(due(end - 1, ""), 0);
    assert_int_equal(due(end, "/t"), 1);
    rig_must(&rig, make_set("/t", "x"));
    assert_int_equal(due(end, ""), 0);
    assert_int_equal(due(fsm_elapsed_ms(rig.fsm) + 500, "/t"), 1);
    rig_must(&rig, make_create("/t/child", ""));
    assert_int_equal(due(UINT64_MAX, ""), 0);
    rig_must(&rig, make_set("/t", "y")); /* does not start it again while there are children */
    assert_int_equal(due(UINT64_MAX, ""), 0);
    rig_must(&rig, make_delete("/t/child"));
    assert_int_equal(due(fsm_elapsed_ms(rig.fsm) + 500, "/t"), 1);
    rig_wait(&rig, 500);
    reap_first(CD_OK);
    /* Its parent is told as of any other child. */
    assert_int_equal(rig_stat(&rig, "/").pzxid, rig.result.zxid);
}

/* What the leader saw must still be so. */
static void test_reap_checks_again(void **state)
{
    (void)state;
    struct fsm_op op = {.kind = FSM_OP_REAP};
    rig_must(&rig, make_ttl("/t", 20));
    rig_must(&rig, make_create("/plain", ""));
    rig_wait(&rig, 100);
    assert_int_equal(fsm_due(rig.fsm, fsm_elapsed_ms(rig.fsm), &op.reap, 1), 1);
    struct fsm_op_reap seen = op.reap;
    op.reap.mzxid++;
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
    op.reap = seen;
    op.reap.cversion++;
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
    op.reap = (struct fsm_op_reap){.path = text("/plain"), .mzxid = rig_stat(&rig, "/plain").mzxid};
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
    op.reap.path = text("/missing");
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
    assert_false(rig.result.changed);
    /* A child that came and went leaves mzxid alone, but not cversion. */
    rig_must(&rig, make_create("/t/child", ""));
    rig_must(&rig, make_delete("/t/child"));
    rig_wait(&rig, 100);
    op.reap = seen;
    op.reap.path = text("/t");
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
    op.reap.cversion = 2;
    assert_int_equal(rig_apply(&rig, op), CD_OK);
    assert_int_equal(rig_apply(&rig, op), CD_NOT_APPLIED);
}

static void test_order_and_max(void **state)
{
    (void)state;
    rig_must(&rig, make_ttl("/late", 3000));
    rig_must(&rig, make_ttl("/soon", 100));
    rig_must(&rig, make_ttl("/middle", 1000));
    rig_must(&rig, make_ttl("/middle/below", 2000));
    assert_int_equal(due(UINT64_MAX, "/soon"), 3); /* /middle has a child */
    struct fsm_op_reap ops[2];
    assert_int_equal(fsm_due(rig.fsm, UINT64_MAX, ops, 2), 2);
    assert_text(ops[1].path, "/middle/below");
    assert_int_equal(fsm_due(rig.fsm, UINT64_MAX, ops, 0), 0);
}

static void test_undo(void **state)
{
    (void)state;
    rig_must(&rig, make_ttl("/t", 500));
    rig_must(&rig, make_container("/c"));
    rig_must(&rig, make_create("/c/a", ""));
    uint64_t end = fsm_elapsed_ms(rig.fsm);
    struct fsm_op ops[] = {make_set("/t", "x"),     make_delete("/c/a"), make_ttl("/new", 7),
                           make_create("/t/b", ""), make_delete("/t/b"), make_delete("/t"),
                           make_ttl("/t", 9),       make_delete("/none")};
    struct fsm_stat before = rig_stat(&rig, "/t");
    for (size_t i = 0; i < 8; i++) {
        struct fsm_op some[8];
        size_t count = 0;
        for (size_t j = 0; j < 7 && j <= i; j++) {
            some[count++] = ops[j];
        }
        some[count < 8 ? count++ : 7] = ops[7];
        assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, some, count, NULL, 0)), CD_NO_NODE);
        fsm_check(rig.fsm);
        assert_int_equal(rig_stat(&rig, "/t").idle_elapsed_ms, before.idle_elapsed_ms);
        assert_int_equal(due(end + 10000000, "/t"), 1);
    }
    rig_must(&rig, make_txn(NULL, 0, ops, 7, NULL, 0));
    assert_int_equal(due(UINT64_MAX, "/new"), 3); /* /new, /t, /c */
}

static void test_made_with_parents(void **state)
{
    (void)state;
    struct fsm_op op = make_create("/x/y/z", "");
    op.create.make_parents = true;
    op.create.parents_kind = FSM_CONTAINER;
    rig_must(&rig, op);
    assert_int_equal(rig_stat(&rig, "/x").kind, FSM_CONTAINER);
    assert_int_equal(rig_stat(&rig, "/x/y").kind, FSM_CONTAINER);
    assert_int_equal(rig_stat(&rig, "/x/y/z").kind, FSM_PERSISTENT);
    rig_must(&rig, make_delete("/x/y/z"));
    assert_int_equal(due(UINT64_MAX, "/x/y"), 1);
    rig_wait(&rig, 100000);
    reap_first(CD_OK);
    assert_int_equal(due(UINT64_MAX, "/x"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_container, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ttl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reap_checks_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_and_max, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made_with_parents, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
