#include "support.h"

/* Goal: what a transaction reads, counts and compares beyond the first operations: children,
 * increments, owners, ACL versions, fences. */

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

static struct fsm_op make_children(const char *path, const char *after, uint32_t limit)
{
    return (struct fsm_op){.kind = FSM_OP_CHILDREN,
                           .children = {.path = text(path), .after = text(after), .limit = limit}};
}

static enum cd_status one(struct fsm_op op)
{
    return rig_apply(&rig, make_txn(NULL, 0, &op, 1, NULL, 0));
}

static void test_children(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/p", "top"));
    rig_must(&rig, make_create("/p/b", "two"));
    rig_must(&rig, make_create("/p/a", "one"));
    rig_must(&rig, make_create("/p/a/x", ""));
    rig_must(&rig, make_create("/p/c", ""));
    struct fsm_op op = make_children("/p", "", 2);
    op.children.with_data = true;
    op.children.with_stat = true;
    struct fsm_op ops[] = {op, make_recursive("/p")};
    rig_must(&rig, make_txn(NULL, 0, ops, 2, NULL, 0));
    /* It shows what was there then, and keeps it although the nodes are gone. */
    const struct fsm_outcome *outcome = &rig.result.outcomes[0];
    assert_int_equal(outcome->children_count, 2);
    assert_true(outcome->children_more && outcome->with_data && outcome->with_stat);
    assert_text(outcome->path, "/p");
    assert_int_equal(outcome->stat.children_count, 3);
    assert_text(outcome->children[0].path, "a");
    assert_text(outcome->children[0].data, "one");
    assert_int_equal(outcome->children[0].stat.children_count, 1);
    assert_text(outcome->children[1].path, "b");
    assert_text(outcome->children[1].data, "two");
    assert_int_equal(one(op), CD_NO_NODE);
}

static void test_children_pages(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/p", ""));
    assert_int_equal(one(make_children("/p", "", 1)), CD_OK);
    assert_int_equal(rig.result.outcomes[0].children_count, 0);
    assert_false(rig.result.outcomes[0].children_more);
    rig_must(&rig, make_create("/p/a", "data"));
    rig_must(&rig, make_create("/p/b", "data"));
    assert_int_equal(one(make_children("/p", "a", 1)), CD_OK);
    assert_int_equal(rig.result.outcomes[0].children_count, 1);
    assert_text(rig.result.outcomes[0].children[0].path, "b");
    assert_int_equal(rig.result.outcomes[0].children[0].data.bytes, 0);
    assert_int_equal(rig.result.outcomes[0].children[0].stat.czxid, 0);
    assert_false(rig.result.outcomes[0].children_more);
    assert_int_equal(one(make_children("/p", "b", UINT32_MAX)), CD_OK);
    assert_int_equal(rig.result.outcomes[0].children_count, 0);
    assert_false(rig.result.changed);
}

static void test_children_limit(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct rig small;
    limits.txn_bytes = 2 * (FSM_CHILD_BYTES + 1) + 4;
    rig_init(&small, &limits);
    rig_must(&small, make_create("/a", "1234"));
    rig_must(&small, make_create("/b", "12345"));
    struct fsm_op op = make_children("/", "", 10);
    rig_must(&small, make_txn(NULL, 0, &op, 1, NULL, 0));
    op.children.with_data = true;
    assert_int_equal(rig_apply(&small, make_txn(NULL, 0, &op, 1, NULL, 0)), CD_TOO_LARGE);
    assert_string_equal(small.result.outcomes[0].limit_name, "txn_bytes");
    op.children.limit = 1;
    rig_must(&small, make_txn(NULL, 0, &op, 1, NULL, 0));
    struct fsm_op twice[] = {op, op}; /* what was read before counts too */
    rig_must(&small, make_set("/a", "12345"));
    assert_int_equal(rig_apply(&small, make_txn(NULL, 0, twice, 2, NULL, 0)), CD_TOO_LARGE);
    assert_int_equal(small.result.failed_index, 1);
    rig_release(&small);
}

static struct fsm_op make_increment(const char *path, int64_t delta)
{
    return (struct fsm_op){
        .kind = FSM_OP_INCREMENT,
        .increment = {.path = text(path), .delta = delta, .version = FSM_ANY_VERSION}};
}

static void test_increment(void **state)
{
    (void)state;
    struct fsm_view view;
    struct fsm_op op = make_increment("/n", 5);
    assert_int_equal(rig_apply(&rig, op), CD_NO_NODE);
    op.increment.create = true;
    op.increment.version = 0;
    assert_int_equal(rig_apply(&rig, op), CD_NO_NODE);
    op.increment.version = FSM_ANY_VERSION;
    rig_must(&rig, op);
    assert_true(rig.result.outcomes[0].value == 5);
    assert_int_equal(rig.result.changes[0].kind, FSM_NODE_CREATED);
    rig_must(&rig, op);
    assert_true(rig.result.outcomes[0].value == 10);
    assert_int_equal(rig.result.outcomes[0].stat.version, 1);
    assert_int_equal(rig.result.changes[0].kind, FSM_NODE_SET);
    rig_must(&rig, make_increment("/n", -25));
    assert_true(rig.result.outcomes[0].value == -15);
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/n"), &view), CD_OK);
    assert_text(view.data, "-15");
    op = make_increment("/n", 1);
    op.increment.version = 1;
    assert_int_equal(rig_apply(&rig, op), CD_BAD_VERSION);
    rig_must(&rig, make_set("/n", "007"));
    rig_must(&rig, make_increment("/n", 0));
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/n"), &view), CD_OK);
    assert_text(view.data, "7");
    rig_must(&rig, make_set("/n", "9223372036854775807"));
    assert_int_equal(rig_apply(&rig, make_increment("/n", 1)), CD_NOT_A_NUMBER);
    assert_int_equal(rig.result.outcomes[0].value, 0);
    rig_must(&rig, make_set("/n", "seven"));
    assert_int_equal(rig_apply(&rig, make_increment("/n", 1)), CD_NOT_A_NUMBER);
    rig_must(&rig, make_set("/n", ""));
    assert_int_equal(rig_apply(&rig, make_increment("/n", 1)), CD_NOT_A_NUMBER);
    assert_int_equal(rig_apply(&rig, make_increment("/n/none/deep", 1)), CD_NO_NODE);
    op = make_increment("/none/deep", 1);
    op.increment.create = true;
    assert_int_equal(rig_apply(&rig, op), CD_NO_PARENT);
    assert_int_equal(rig.result.outcomes[0].kind, FSM_OP_INCREMENT);
}

static enum cd_status compare(enum fsm_compare_target target, enum fsm_relation relation,
                              uint64_t number, const struct fsm_held *held)
{
    struct fsm_compare compare = {.path = text(held != NULL ? "" : "/n"),
                                  .target = target,
                                  .relation = relation,
                                  .number = number,
                                  .held = held};
    return rig_apply(&rig, make_txn(&compare, 1, NULL, 0, NULL, 0));
}

static void test_compares(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    rig_write(&rig, session, 1, make_ephemeral("/n", ""));
    assert_int_equal(compare(FSM_COMPARE_OWNER, FSM_EQUAL, session, NULL), CD_OK);
    assert_int_equal(compare(FSM_COMPARE_OWNER, FSM_NOT_EQUAL, session, NULL), CD_COMPARE_FAILED);
    assert_int_equal(compare(FSM_COMPARE_OWNER, FSM_EQUAL, 0, NULL), CD_COMPARE_FAILED);
    assert_int_equal(compare(FSM_COMPARE_AVERSION, FSM_EQUAL, 0, NULL), CD_OK);
    struct fsm_command command = {
        .who = {.administrator = true},
        .op = {.kind = FSM_OP_SET_ACL,
               .set_acl = {.path = text("/n"), .aversion = FSM_ANY_VERSION}}};
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(compare(FSM_COMPARE_AVERSION, FSM_GREATER, 0, NULL), CD_OK);
    assert_int_equal(compare(FSM_COMPARE_AVERSION, FSM_LESS, 1, NULL), CD_COMPARE_FAILED);
}

/* R15: the order of a queue, and who holds. */
static void test_held(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/q", ""));
    rig_must(&rig, make_create("/q/w-0000000000", "by hand"));
    rig_must(&rig, make_sequential("/q/w-"));
    rig_must(&rig, make_sequential("/q/r-"));
    rig_must(&rig, make_sequential("/q/w-"));
    struct fsm_bytes both[] = {text("w-"), text("r-")};
    struct fsm_held held = {.path = text("/q/w-0000000001"), .n = 1};
    held.fence = rig_stat(&rig, "/q/w-0000000001").czxid;
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_OK);
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_NOT_EQUAL, 0, &held), CD_COMPARE_FAILED);
    held.fence++;
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_COMPARE_FAILED);
    held.path = text("/q/w-0000000003");
    held.fence = rig_stat(&rig, "/q/w-0000000003").czxid;
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_COMPARE_FAILED);
    held.n = 2; /* one writer precedes it */
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_OK);
    held.prefixes = both;
    held.prefixes_count = 2;
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_COMPARE_FAILED);
    held.n = 3;
    assert_int_equal(compare(FSM_COMPARE_HELD, FSM_EQUAL, 0, &held), CD_OK);
    /* Readers wait for writers alone: its own kind does not count. */
    struct fsm_held reader = {.path = text("/q/r-0000000002"), .n = 1, .prefixes = both};
    reader.prefixes_count = 1;
    reader.fence = rig_stat(&rig, "/q/r-0000000002").czxid;
    assert_int_equal(fsm_holds(rig.fsm, NULL, &reader), CD_NOT_HELD);
    rig_must(&rig, make_delete("/q/w-0000000001"));
    assert_int_equal(fsm_holds(rig.fsm, NULL, &reader), CD_OK);
    rig_must(&rig, make_delete("/q/r-0000000002"));
    assert_int_equal(fsm_holds(rig.fsm, NULL, &reader), CD_NOT_HELD);
    /* A plain node has no queue: it holds if it is the one. */
    struct fsm_held plain = {.path = text("/q/w-0000000000"), .n = 1};
    plain.fence = rig_stat(&rig, "/q/w-0000000000").czxid;
    assert_int_equal(fsm_holds(rig.fsm, NULL, &plain), CD_OK);
    /* Any write may ask. */
    struct fsm_command command = {.op = make_set("/q", "x"), .if_held = &plain};
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
    plain.fence++;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_NOT_HELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_increment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compares, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_held, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
