#include "support.h"

#include "fsm/state.h"

#include <stdio.h>

/* Goal: single commands do and show what ZooKeeper's do, and refused ones leave no trace (F2). */

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

static void refuse(struct fsm_op op, enum cd_status status)
{
    uint64_t zxid = fsm_zxid(rig.fsm);
    assert_int_equal(rig_apply(&rig, op), status);
    assert_int_equal(rig.result.outcomes_count, 1);
    assert_int_equal(rig.result.outcomes[0].status, status);
    assert_int_equal(rig.result.changes_count, 0);
    assert_false(rig.result.changed);
    assert_int_equal(rig.result.zxid, zxid);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
}

static void test_create(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/a", "data"));
    const struct fsm_outcome *outcome = &rig.result.outcomes[0];
    uint64_t zxid = fsm_zxid_make(FSM_GENERATION_FIRST, 1);
    assert_true(rig.result.changed && outcome->changed);
    assert_int_equal(rig.result.zxid, zxid);
    assert_text(outcome->path, "/a");
    assert_int_equal(outcome->nodes_count, 1);
    assert_int_equal(outcome->stat.czxid, zxid);
    assert_int_equal(outcome->stat.mzxid, zxid);
    assert_int_equal(outcome->stat.pzxid, zxid);
    assert_int_equal(outcome->stat.ctime_ms, 1000);
    assert_int_equal(outcome->stat.mtime_ms, 1000);
    assert_int_equal(outcome->stat.version, 0);
    assert_int_equal(outcome->stat.data_bytes, 4);
    assert_int_equal(fsm_stat_cversion(&outcome->stat), 0);
    assert_int_equal(rig.result.changes_count, 1);
    assert_int_equal(rig.result.changes[0].kind, FSM_NODE_CREATED);
    assert_text(rig.result.changes[0].path, "/a");

    refuse(make_create("/a", ""), CD_NODE_EXISTS);
    refuse(make_create("/b/c", ""), CD_NO_PARENT);
    refuse(make_create("/", ""), CD_ROOT_FIXED);
    refuse(make_create("x", ""), CD_INVALID_ARGUMENT);
}

static void test_if_absent(void **state)
{
    (void)state;
    struct fsm_op op = make_create("/a", "new");
    rig_must(&rig, make_create("/a", "old"));
    uint64_t zxid = fsm_zxid(rig.fsm);
    op.create.if_absent = true;
    rig_must(&rig, op);
    assert_false(rig.result.changed || rig.result.outcomes[0].changed);
    assert_text(rig.result.outcomes[0].path, "/a");
    assert_int_equal(rig.result.outcomes[0].stat.czxid, zxid);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    op.create.path = text("/");
    rig_must(&rig, op);
    assert_false(rig.result.changed);
    assert_text(rig.result.outcomes[0].path, "/");
    op.create.path = text("/b");
    rig_must(&rig, op);
    assert_true(rig.result.changed);
}

static void test_make_parents(void **state)
{
    (void)state;
    struct fsm_op op = make_create("/a/b/c", "data");
    op.create.make_parents = true;
    rig_must(&rig, make_create("/a", ""));
    rig_must(&rig, op);
    assert_int_equal(rig.result.outcomes[0].nodes_count, 2);
    assert_int_equal(rig.result.changes_count, 2);
    assert_text(rig.result.changes[0].path, "/a/b");
    assert_text(rig.result.changes[1].path, "/a/b/c");
    assert_int_equal(rig_stat(&rig, "/a/b").czxid, fsm_zxid(rig.fsm));
    assert_int_equal(rig_stat(&rig, "/a/b").data_bytes, 0);
    assert_int_equal(rig_stat(&rig, "/a/b/c").data_bytes, 4);
    assert_int_equal(rig_stat(&rig, "/a").creates, 1);

    op = make_sequential("/q/r/");
    op.create.make_parents = true;
    rig_must(&rig, op);
    assert_text(rig.result.outcomes[0].path, "/q/r/0000000000");
    assert_int_equal(rig_stat(&rig, "/q/r").creates, 1);
}

static void create_named(const char *prefix, const char *expected)
{
    rig_must(&rig, make_sequential(prefix));
    assert_text(rig.result.outcomes[0].path, expected);
}

static void test_sequential(void **state)
{
    (void)state;
    create_named("/", "/0000000000");
    rig_must(&rig, make_create("/q", ""));
    create_named("/q/n-", "/q/n-0000000000");
    create_named("/q/m-", "/q/m-0000000001");
    rig_must(&rig, make_delete("/q/m-0000000001"));
    create_named("/q/", "/q/0000000002"); /* deletions do not turn the counter back */
    rig_must(&rig, make_set("/q/0000000002", "x"));
    create_named("/q/n-", "/q/n-0000000003"); /* nor does setting a child turn it on */
    refuse(make_sequential("/none/n-"), CD_NO_PARENT);
}

/* Names made by hand in front of the counter are passed, once. */
static void test_sequential_taken(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/q", ""));
    rig_must(&rig, make_create("/q/n-0000000002", ""));
    rig_must(&rig, make_create("/q/n-0000000003", ""));
    create_named("/q/n-", "/q/n-0000000004");
    assert_int_equal(rig_stat(&rig, "/q").creates, 5);
    assert_int_equal(rig_stat(&rig, "/q").children_count, 3);
    create_named("/q/n-", "/q/n-0000000005");
    create_named("/q/m-", "/q/m-0000000006");
}

static void test_sequential_length(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    rig_release(&rig);
    limits.path_bytes = 16;
    rig_init(&rig, &limits);
    create_named("/12345", "/123450000000000");
    refuse(make_sequential("/123456"), CD_INVALID_ARGUMENT);

    /* Ten thousand million creations later the suffix grows. */
    struct fsm *fsm = rig.fsm;
    struct fsm_stat stat = rig_stat(&rig, "/");
    stat.creates = 9999999999u;
    fsm->tree_digest -= fsm_node_digest(fsm_tree_find(&fsm->tree, text("")));
    fsm->tree_digest += fsm_node_digest(fsm_tree_restat(&fsm->tree, text(""), &stat));
    create_named("/12345", "/123459999999999");
    refuse(make_sequential("/12345"), CD_INVALID_ARGUMENT);
    create_named("/1234", "/123410000000000");
}

static void test_set(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/a", "one"));
    uint64_t created = fsm_zxid(rig.fsm);
    struct fsm_op op = make_set("/a", "two");
    op.set.version = 0;
    rig_must(&rig, op);
    const struct fsm_outcome *outcome = &rig.result.outcomes[0];
    assert_int_equal(outcome->stat.version, 1);
    assert_int_equal(outcome->stat.czxid, created);
    assert_int_equal(outcome->stat.mzxid, created + 1);
    assert_int_equal(outcome->stat.pzxid, created);
    assert_int_equal(outcome->stat.ctime_ms, 1000);
    assert_int_equal(outcome->stat.mtime_ms, 1010);
    assert_int_equal(rig.result.changes[0].kind, FSM_NODE_SET);

    refuse(op, CD_BAD_VERSION);
    refuse(make_set("/b", ""), CD_NO_NODE);
    rig_must(&rig, make_set("/a", "two")); /* the same data is a change too */
    assert_int_equal(rig_stat(&rig, "/a").version, 2);
    rig_must(&rig, make_set("/", "root"));
    assert_int_equal(rig_stat(&rig, "/").version, 1);
}

static void test_delete(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/a", ""));
    rig_must(&rig, make_create("/a/b", ""));
    struct fsm_op op = make_delete("/a");
    op.remove.version = 1;
    refuse(op, CD_BAD_VERSION); /* before NOT_EMPTY, as in ZooKeeper */
    op.remove.version = 0;
    refuse(op, CD_NOT_EMPTY);
    refuse(make_delete("/c"), CD_NO_NODE);
    refuse(make_recursive("/c"), CD_NO_NODE);
    refuse(make_delete("/"), CD_ROOT_FIXED);
    refuse(make_recursive("/"), CD_ROOT_FIXED);
    struct fsm_op missing = make_delete("/c");
    missing.remove.if_present = true;
    rig_must(&rig, missing);
    assert_false(rig.result.changed);
    rig_must(&rig, make_delete("/a/b"));
    assert_text(rig.result.outcomes[0].path, "/a/b");
    rig_must(&rig, op);
    assert_int_equal(fsm_nodes_count(rig.fsm), 1);
    assert_int_equal(fsm_tree_bytes(rig.fsm), 0);
}

static void test_recursive(void **state)
{
    (void)state;
    const char *paths[] = {"/a", "/a/b", "/a/b/c", "/a/d", "/a-", "/ab"};
    const char *deleted[] = {"/a/d", "/a/b/c", "/a/b", "/a"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(paths); i++) {
        rig_must(&rig, make_create(paths[i], ""));
    }
    struct fsm_op op = make_recursive("/a");
    op.remove.version = 1;
    refuse(op, CD_BAD_VERSION);
    rig_must(&rig, make_recursive("/a"));
    assert_int_equal(rig.result.outcomes[0].nodes_count, 4);
    assert_int_equal(rig.result.changes_count, 4);
    for (size_t i = 0; i < CD_ARRAY_COUNT(deleted); i++) {
        assert_int_equal(rig.result.changes[i].kind, FSM_NODE_DELETED);
        assert_text(rig.result.changes[i].path, deleted[i]);
    }
    assert_int_equal(rig_stat(&rig, "/").children_count, 2);
    assert_int_equal(rig_stat(&rig, "/").creates, 3);
}

static void refuse_limit(struct fsm_op op, enum cd_status status, const char *name, uint64_t limit,
                         uint64_t wanted)
{
    refuse(op, status);
    const struct fsm_outcome *outcome = &rig.result.outcomes[0];
    assert_string_equal(outcome->limit_name, name);
    assert_int_equal(outcome->limit, limit);
    assert_int_equal(outcome->wanted, wanted);
}

static void test_limits(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    rig_release(&rig);
    limits.atomic_nodes = 3;
    limits.tree_nodes = 7;
    limits.tree_bytes = 30;
    rig_init(&rig, &limits);
    struct fsm_op op = make_create("/a/b/c/d", "");
    op.create.make_parents = true;
    refuse_limit(op, CD_TOO_MANY, "atomic_nodes", 3, 4);
    op.create.path = text("/a/b/c"); /* 2 + 4 + 6 bytes */
    rig_must(&rig, op);
    rig_must(&rig, make_create("/a/d", "")); /* 4 */
    refuse_limit(make_recursive("/a"), CD_TOO_MANY, "atomic_nodes", 3, 4);
    refuse_limit(make_create("/e", "1234567890123"), CD_TOO_LARGE, "tree_bytes", 30, 31);
    op = make_create("/e/f", "123456789");
    op.create.make_parents = true;
    refuse_limit(op, CD_TOO_LARGE, "tree_bytes", 30, 31); /* the ancestor counts too */
    op.create.data.bytes--;
    rig_must(&rig, op);
}

static void test_tree_limits(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    rig_release(&rig);
    limits.tree_nodes = 3;
    limits.tree_bytes = 10;
    rig_init(&rig, &limits);
    rig_must(&rig, make_create("/a", "1234"));
    refuse_limit(make_set("/a", "123456789"), CD_TOO_LARGE, "tree_bytes", 10, 11);
    rig_must(&rig, make_set("/a", "12345678"));
    refuse_limit(make_create("/b", ""), CD_TOO_LARGE, "tree_bytes", 10, 12);
    rig_must(&rig, make_set("/a", ""));
    rig_must(&rig, make_create("/b", ""));
    refuse_limit(make_create("/c", ""), CD_TOO_MANY, "tree_nodes", 3, 4);
    rig_must(&rig, make_delete("/b"));
    rig_must(&rig, make_create("/c", ""));
}

/* No session can be opened yet, so every id is one that the state does not know (R7). */
static void test_session(void **state)
{
    (void)state;
    struct fsm_command command = {.session = 5, .seq = 1, .op = make_create("/a", "")};
    fsm_slot_begin(rig.fsm, 1, NULL);
    fsm_apply(rig.fsm, &command, &rig.result);
    fsm_slot_end(rig.fsm);
    assert_int_equal(rig.result.status, CD_SESSION_EXPIRED);
    assert_int_equal(rig.result.outcomes[0].status, CD_SESSION_EXPIRED);
    assert_int_equal(fsm_nodes_count(rig.fsm), 1);
}

/* A million children under one node must stay quick; a hundred thousand show it in a test. */
static void test_wide(void **state)
{
    (void)state;
    char path[32];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof(path), "/%08u", i * 7919 % 100000);
        rig_must(&rig, make_create(path, ""));
    }
    assert_int_equal(rig_stat(&rig, "/").children_count, 100000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create),     TEST(test_if_absent),        TEST(test_make_parents),
        TEST(test_sequential), TEST(test_sequential_taken), TEST(test_sequential_length),
        TEST(test_set),        TEST(test_delete),           TEST(test_recursive),
        TEST(test_limits),     TEST(test_tree_limits),      TEST(test_session),
        TEST(test_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
