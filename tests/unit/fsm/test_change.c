#include "support.h"

#include "fsm/state.h"

/* Goal: what a change does to the parent, and that taking a transaction back is exact. */

static void check_parent(const struct rig *rig, const char *path, uint64_t creates,
                         uint64_t children, uint64_t pzxid)
{
    struct fsm_stat stat = rig_stat(rig, path);
    assert_int_equal(stat.creates, creates);
    assert_int_equal(stat.children_count, children);
    assert_int_equal(stat.pzxid, pzxid);
    assert_int_equal(fsm_stat_cversion(&stat), 2 * creates - children);
    assert_int_equal(stat.version, 0);
}

static void test_parent(void **state)
{
    (void)state;
    struct rig rig;
    uint64_t zxid = fsm_zxid_make(FSM_GENERATION_FIRST, 0);
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/p", "data"));
    check_parent(&rig, "/p", 0, 0, zxid + 1);
    rig_must(&rig, make_create("/p/a", ""));
    check_parent(&rig, "/p", 1, 1, zxid + 2);
    rig_must(&rig, make_set("/p/a", "x")); /* leaves the parent alone */
    check_parent(&rig, "/p", 1, 1, zxid + 2);
    rig_must(&rig, make_create("/p/a/b", "")); /* and so do changes further down */
    check_parent(&rig, "/p", 1, 1, zxid + 2);
    rig_must(&rig, make_create("/p/c", ""));
    check_parent(&rig, "/p", 2, 2, zxid + 5);
    rig_must(&rig, make_recursive("/p/a"));
    check_parent(&rig, "/p", 2, 1, zxid + 6);
    rig_must(&rig, make_delete("/p/c"));
    check_parent(&rig, "/p", 2, 0, zxid + 7);
    assert_int_equal(rig_stat(&rig, "/p").mzxid, zxid + 1);
    check_parent(&rig, "/", 1, 1, zxid + 1);
    rig_release(&rig);
}

/* Every way in which one transaction can touch the same nodes again and again. */
static void test_undo(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", "old"));
    rig_must(&rig, make_create("/a/b", "b"));
    rig_must(&rig, make_create("/a/b/c", "c"));
    rig_must(&rig, make_create("/d", ""));
    const struct fsm_op ops[] = {
        make_set("/a", "new"),      make_set("/a", "newer"),      make_recursive("/a"),
        make_create("/a", "again"), make_create("/a/b", "again"), make_set("/a/b", "x"),
        make_recursive("/a"),       make_create("/a", "third"),   make_create("/d/e", ""),
        make_create("/d/f", ""),    make_delete("/d/e"),          make_sequential("/d/g"),
        make_set("/", "root"),      make_delete("/d/f"),          make_get("/a"),
        make_create("/none/x", ""), /* refused */
    };
    size_t count = CD_ARRAY_COUNT(ops);
    for (size_t kept = 0; kept < count; kept++) {
        /* The first `kept` operations, then the refused one. */
        struct fsm_op some[CD_ARRAY_COUNT(ops)];
        memcpy(some, ops, kept * sizeof(ops[0]));
        some[kept] = ops[count - 1];
        uint64_t digest = rig.fsm->tree_digest;
        uint64_t bytes = rig.fsm->tree_bytes;
        uint64_t zxid = fsm_zxid(rig.fsm);
        assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, some, kept + 1, NULL, 0)), CD_NO_PARENT);
        assert_int_equal(rig.result.failed_index, (int64_t)kept);
        assert_int_equal(rig.result.changes_count, 0);
        assert_false(rig.result.changed);
        assert_true(rig.fsm->tree_digest == digest);
        assert_int_equal(rig.fsm->tree_bytes, bytes);
        assert_int_equal(fsm_zxid(rig.fsm), zxid);
        assert_int_equal(fsm_nodes_count(rig.fsm), 5);
        fsm_check(rig.fsm); /* the tree itself, against the digest */
    }
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, ops, count - 1, NULL, 0)), CD_OK);
    assert_int_equal(fsm_nodes_count(rig.fsm), 4);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parent),
        cmocka_unit_test(test_undo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
