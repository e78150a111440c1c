#include "support.h"

#include "fsm/acl.h"
#include "fsm/node.h"
#include "fsm/path.h"
#include "fsm/state.h"

/* Goal: who may do what, by the ACL itself and through every operation and read. */

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

static struct fsm_acl_entry entry(uint32_t permissions, enum fsm_scheme scheme, const char *id)
{
    return (struct fsm_acl_entry){.permissions = permissions, .scheme = scheme, .id = text(id)};
}

static void test_allows(void **state)
{
    (void)state;
    const struct fsm_acl_entry list[] = {
        entry(FSM_READ, FSM_SCHEME_URI, "a"), entry(FSM_WRITE, FSM_SCHEME_URI, "a"),
        entry(FSM_ADMIN, FSM_SCHEME_CN, "a"), entry(FSM_CREATE, FSM_SCHEME_ANYONE, "")};
    struct fsm_acl_entries entries = {list, 4};
    struct fsm_acl *acl = fsm_acl_create(&entries);
    struct fsm_who a = make_who("a");
    struct fsm_who cn = {.scheme = FSM_SCHEME_CN, .id = text("a")};
    struct fsm_who other = make_who("ab");
    assert_true(fsm_acl_allows(acl, &a, FSM_READ | FSM_WRITE | FSM_CREATE)); /* the union */
    assert_false(fsm_acl_allows(acl, &a, FSM_READ | FSM_DELETE));            /* all or not */
    assert_false(fsm_acl_allows(acl, &a, FSM_ADMIN));
    assert_true(fsm_acl_allows(acl, &cn, FSM_ADMIN | FSM_CREATE));
    assert_false(fsm_acl_allows(acl, &cn, FSM_READ));
    assert_true(fsm_acl_allows(acl, &other, FSM_CREATE));
    assert_false(fsm_acl_allows(acl, &other, FSM_READ));
    other.administrator = true;
    assert_true(fsm_acl_allows(acl, &other, FSM_PERMISSIONS_ALL));
    assert_true(fsm_acl_allows(acl, NULL, FSM_PERMISSIONS_ALL));
    /* The default. */
    assert_true(fsm_acl_allows(NULL, &a, FSM_READ | FSM_WRITE | FSM_CREATE | FSM_DELETE));
    assert_false(fsm_acl_allows(NULL, &a, FSM_ADMIN));
    /* An ACL of no entries is nobody's, and not the default. */
    struct fsm_acl_entries none = {0};
    struct fsm_acl *empty = fsm_acl_create(&none);
    assert_false(fsm_acl_allows(empty, &a, FSM_READ));
    assert_true(fsm_acl_digest(empty) != fsm_acl_digest(NULL));
    assert_true(fsm_acl_digest(empty) != fsm_acl_digest(acl));
    assert_int_equal(fsm_acl_bytes(empty), 0);
    assert_int_equal(fsm_acl_bytes(acl), 4 * FSM_ACL_ENTRY_BYTES + 3);
    fsm_acl_unref(empty);
    fsm_acl_unref(acl);
}

/* Every field and the order count. */
static void test_digest(void **state)
{
    (void)state;
    struct fsm_acl_entry list[] = {entry(1, FSM_SCHEME_URI, "a"), entry(2, FSM_SCHEME_URI, "b")};
    struct fsm_acl_entries entries = {list, 2};
    struct fsm_acl *first = fsm_acl_create(&entries);
    for (int change = 0; change < 5; change++) {
        struct fsm_acl_entry other[] = {list[0], list[1]};
        struct fsm_acl_entries others = {other, change == 3 ? 1 : 2};
        other[0].permissions += change == 0;
        other[0].scheme = change == 1 ? FSM_SCHEME_DNS : other[0].scheme;
        other[0].id = change == 2 ? text("c") : other[0].id;
        if (change == 4) {
            other[0] = list[1];
            other[1] = list[0];
        }
        struct fsm_acl *acl = fsm_acl_create(&others);
        assert_true(fsm_acl_digest(acl) != fsm_acl_digest(first));
        fsm_acl_unref(acl);
    }
    fsm_acl_unref(first);
}

/* ---- Through the machine ---- */

static enum cd_status as(const char *who, struct fsm_op op)
{
    struct fsm_command command = {.who = make_who(who), .op = op};
    command.who.administrator = strcmp(who, "admin") == 0;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    fsm_check(rig.fsm);
    return rig.result.status;
}

/* Gives `path` an ACL by which "a" has these permissions, and nobody else any. */
static struct fsm_op make_set_acl(const char *path, uint32_t permissions)
{
    static struct fsm_acl_entry list[1];
    list[0] = entry(permissions, FSM_SCHEME_URI, "a");
    return (struct fsm_op){.kind = FSM_OP_SET_ACL,
                           .set_acl = {.path = text(path),
                                       .acl = {list, permissions != 0},
                                       .has_acl = true,
                                       .aversion = FSM_ANY_VERSION}};
}

static struct fsm_op make_unset_acl(const char *path)
{
    struct fsm_op op = make_set_acl(path, FSM_WRITE);
    op.set_acl.has_acl = false;
    return op;
}

static void permit(const char *path, uint32_t permissions)
{
    assert_int_equal(as("admin", make_set_acl(path, permissions)), CD_OK);
}

/* The operation needs exactly these permissions on `path`; without them it leaves no trace. */
static void needs(const char *path, uint32_t permissions, struct fsm_op op)
{
    for (uint32_t without = 1; without <= FSM_ADMIN; without <<= 1) {
        if ((permissions & without) != 0) {
            permit(path, FSM_PERMISSIONS_ALL & ~without);
            uint64_t zxid = fsm_zxid(rig.fsm);
            assert_int_equal(as("a", op), CD_PERMISSION_DENIED);
            assert_false(rig.result.changed);
            assert_true(fsm_zxid(rig.fsm) == zxid);
        }
    }
    permit(path, FSM_PERMISSIONS_ALL);
    assert_int_equal(as("b", op), CD_PERMISSION_DENIED);
    permit(path, permissions);
    enum cd_status status = as("a", op);
    if (status != CD_OK && status != CD_NO_NODE && status != CD_NOT_APPLIED) {
        fail_msg("%s", cd_status_name(status));
    }
}

static struct fsm_op in_txn(struct fsm_op op)
{
    static struct fsm_op ops[1];
    ops[0] = op;
    return make_txn(NULL, 0, ops, 1, NULL, 0);
}

static void test_operations(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/n", "1"));
    rig_must(&rig, make_create("/n/c", "1"));
    needs("/n", FSM_CREATE, make_create("/n/new", ""));
    needs("/n", FSM_CREATE, make_sequential("/n/"));
    needs("/n", FSM_CREATE, make_sequential("/n/s-"));
    struct fsm_op op = make_create("/n/x/y/z", "");
    op.create.make_parents = true;
    needs("/n", FSM_CREATE, op);
    needs("/n", FSM_DELETE, make_delete("/n/new"));
    needs("/n", FSM_DELETE, make_delete("/n/missing/deep")); /* asked of its nearest ancestor */
    needs("/n", FSM_DELETE, make_recursive("/n/x"));
    needs("/n", FSM_WRITE, make_set("/n", "2"));
    needs("/n", FSM_WRITE, make_set("/n/c", "2"));
    needs("/n", FSM_WRITE, make_set("/n/missing", "2"));
    op = (struct fsm_op){.kind = FSM_OP_INCREMENT,
                         .increment = {.path = text("/n"), .version = FSM_ANY_VERSION}};
    needs("/n", FSM_READ | FSM_WRITE, op);
    op.increment.path = text("/n/counter");
    op.increment.create = true;
    needs("/n", FSM_CREATE, op);
    needs("/n", FSM_READ, in_txn(make_get("/n/c")));
    needs("/n", FSM_READ, in_txn(make_get("/n/missing")));
    needs("/n", FSM_READ, in_txn(make_exists("/n")));
    needs("/n", FSM_READ, in_txn(make_exists("/n/missing/deep")));
    needs("/n", FSM_READ, in_txn(make_check("/n", FSM_ANY_VERSION)));
    op = (struct fsm_op){.kind = FSM_OP_CHILDREN, .children = {.path = text("/n"), .limit = 9}};
    needs("/n", FSM_READ, in_txn(op));
    op = make_set_acl("/n", FSM_READ);
    struct fsm_acl_entry own = entry(FSM_PERMISSIONS_ALL, FSM_SCHEME_URI, "a");
    op.set_acl.acl = (struct fsm_acl_entries){&own, 1};
    needs("/n", FSM_ADMIN, op);
    op.set_acl.path = text("/n/missing");
    needs("/n", FSM_ADMIN, op);
}

static void test_compares(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/n", "1"));
    struct fsm_held held = {.path = text("/n"), .n = 1};
    struct fsm_compare compares[] = {
        {.path = text("/"), .target = FSM_COMPARE_EXISTS, .relation = FSM_EQUAL, .number = 1},
        {.path = text("/n"),
         .target = FSM_COMPARE_VALUE,
         .relation = FSM_EQUAL,
         .value = text("1")}};
    struct fsm_op get = make_get("/");
    permit("/n", FSM_PERMISSIONS_ALL & ~(uint32_t)FSM_READ);
    assert_int_equal(as("a", make_txn(compares, 2, &get, 1, &get, 1)), CD_PERMISSION_DENIED);
    assert_int_equal(rig.result.failed_index, 1);
    assert_int_equal(rig.result.outcomes_count, 0);
    assert_false(rig.result.compares_held);
    compares[0].number = 0; /* fails first, but the other must not be asked in silence */
    assert_int_equal(as("a", make_txn(compares, 2, &get, 1, &get, 1)), CD_PERMISSION_DENIED);
    compares[1] =
        (struct fsm_compare){.target = FSM_COMPARE_HELD, .relation = FSM_NOT_EQUAL, .held = &held};
    assert_int_equal(as("a", make_txn(compares, 2, &get, 1, &get, 1)), CD_PERMISSION_DENIED);
    permit("/n", FSM_READ);
    assert_int_equal(as("a", make_txn(compares, 2, &get, 1, &get, 1)), CD_OK);
    /* Each operation is asked on its own, and one that may not be undoes the others. */
    struct fsm_op ops[] = {make_create("/other", ""), make_set("/n", "2")};
    assert_int_equal(as("a", make_txn(NULL, 0, ops, 2, NULL, 0)), CD_PERMISSION_DENIED);
    assert_int_equal(rig.result.failed_index, 1);
    assert_int_equal(fsm_nodes_count(rig.fsm), 2);
}

static void test_if_absent_shows_only_what_may_be_read(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/n", ""));
    struct fsm_op op = make_create("/n", "");
    op.create.if_absent = true;
    permit("/n", FSM_WRITE);
    assert_int_equal(as("a", op), CD_PERMISSION_DENIED);
    permit("/n", FSM_READ);
    assert_int_equal(as("a", op), CD_OK);
    assert_int_equal(as("b", make_create("/n", "")), CD_NODE_EXISTS); /* CREATE on the root */
}

static void test_recursive_delete_asks_every_parent(void **state)
{
    (void)state;
    struct fsm_op op = make_create("/t/a/b/c", "");
    op.create.make_parents = true;
    rig_must(&rig, op);
    permit("/t/a/b", FSM_PERMISSIONS_ALL & ~(uint32_t)FSM_DELETE);
    assert_int_equal(as("a", make_recursive("/t")), CD_PERMISSION_DENIED);
    assert_int_equal(fsm_nodes_count(rig.fsm), 5);
    permit("/t/a/b", FSM_DELETE);
    permit("/t/a/b/c", FSM_READ); /* a leaf is not asked */
    assert_int_equal(as("b", make_recursive("/t")), CD_PERMISSION_DENIED);
    assert_int_equal(as("a", make_recursive("/t")), CD_OK);
    assert_int_equal(fsm_nodes_count(rig.fsm), 1);
}

static void test_inheritance_and_origin(void **state)
{
    (void)state;
    struct fsm_acl_entries acl;
    struct fsm_bytes origin;
    struct fsm_stat stat;
    struct fsm_op op = make_create("/t/a/b", "");
    op.create.make_parents = true;
    rig_must(&rig, op);
    assert_int_equal(fsm_get_acl(rig.fsm, NULL, NULL, text("/t/a/b"), &acl, &origin, &stat), CD_OK);
    assert_text(origin, "/");
    assert_int_equal(acl.count, 1);
    assert_int_equal(acl.entries[0].permissions, FSM_ACL_DEFAULT_PERMISSIONS);
    permit("/t", FSM_READ | FSM_CREATE);
    struct fsm_who a = make_who("a");
    struct fsm_who b = make_who("b");
    assert_int_equal(fsm_get_acl(rig.fsm, NULL, &a, text("/t/a/b"), &acl, &origin, &stat), CD_OK);
    assert_text(origin, "/t");
    assert_int_equal(acl.entries[0].permissions, FSM_READ | FSM_CREATE);
    assert_int_equal(fsm_get_acl(rig.fsm, NULL, &b, text("/t/a/b"), &acl, &origin, &stat),
                     CD_PERMISSION_DENIED);
    assert_int_equal(fsm_exists(rig.fsm, NULL, &b, text("/t/none"), &stat), CD_PERMISSION_DENIED);
    assert_int_equal(fsm_exists(rig.fsm, NULL, &a, text("/t/none"), &stat), CD_NO_NODE);
    permit("/t/a", FSM_WRITE);
    assert_int_equal(as("a", make_set("/t/a/b", "x")), CD_OK);
    assert_int_equal(as("a", make_set("/t", "x")), CD_PERMISSION_DENIED);
    assert_int_equal(as("admin", make_unset_acl("/t/a")), CD_OK);
    assert_int_equal(as("a", make_set("/t/a/b", "x")), CD_PERMISSION_DENIED);
    permit("/", FSM_READ);
    assert_int_equal(as("b", make_create("/new", "")), CD_PERMISSION_DENIED);
    assert_int_equal(as("admin", make_unset_acl("/")), CD_OK); /* the default again */
    assert_int_equal(as("b", make_create("/new", "")), CD_OK);
}

static void test_stat_and_changes(void **state)
{
    (void)state;
    struct fsm_acl_entry list[] = {entry(FSM_READ, FSM_SCHEME_URI, "a")};
    struct fsm_op op = make_create("/n", "data");
    op.create.has_acl = true;
    op.create.acl = (struct fsm_acl_entries){list, 1};
    uint64_t bytes = fsm_tree_bytes(rig.fsm);
    rig_must(&rig, op);
    struct fsm_stat stat = rig_stat(&rig, "/n");
    assert_true(stat.azxid == stat.czxid);
    assert_int_equal(stat.aversion, 0);
    assert_int_equal(fsm_tree_bytes(rig.fsm), bytes + 2 + 4 + FSM_ACL_ENTRY_BYTES + 1);
    struct fsm_who a = make_who("a");
    assert_true(fsm_acl_allows(rig.result.changes[0].acl, &a, FSM_READ));
    assert_false(fsm_acl_allows(rig.result.changes[0].acl, &a, FSM_WRITE));

    op = make_set_acl("/n", FSM_WRITE);
    op.set_acl.aversion = 1;
    assert_int_equal(as("admin", op), CD_BAD_VERSION);
    op.set_acl.aversion = 0;
    assert_int_equal(as("admin", op), CD_OK);
    assert_int_equal(rig.result.changes_count, 1);
    assert_int_equal(rig.result.changes[0].kind, FSM_NODE_ACL_SET);
    assert_true(fsm_acl_allows(rig.result.changes[0].acl, &a, FSM_WRITE));
    assert_non_null(rig.result.changes[0].before);
    struct fsm_stat now = rig_stat(&rig, "/n");
    assert_int_equal(now.aversion, 1);
    assert_int_equal(now.version, 0);
    assert_true(now.azxid == rig.result.zxid && now.mzxid == stat.mzxid && now.czxid == stat.czxid);

    uint64_t digest = fsm_digest(rig.fsm);
    assert_int_equal(as("admin", make_unset_acl("/n")), CD_OK);
    assert_true(fsm_digest(rig.fsm) != digest);
    assert_null(rig.result.changes[0].acl);
    assert_int_equal(rig_stat(&rig, "/n").aversion, 2);
    permit("/n", FSM_READ);
    assert_int_equal(as("admin", make_delete("/n")), CD_OK);
    assert_true(fsm_acl_allows(rig.result.changes[0].acl, &a, FSM_READ)); /* as it was before */
    assert_false(fsm_acl_allows(rig.result.changes[0].acl, &a, FSM_WRITE));
    assert_int_equal(fsm_tree_bytes(rig.fsm), bytes);
}

static void test_undo(void **state)
{
    (void)state;
    rig_must(&rig, make_create("/n", ""));
    permit("/n", FSM_READ);
    uint64_t bytes = fsm_tree_bytes(rig.fsm);
    struct fsm_op ops[] = {make_set_acl("/n", FSM_WRITE), make_unset_acl("/n"), make_delete("/n"),
                           make_delete("/none")};
    assert_int_equal(as("admin", make_txn(NULL, 0, ops, 4, NULL, 0)), CD_NO_NODE);
    assert_int_equal(fsm_tree_bytes(rig.fsm), bytes);
    assert_int_equal(rig_stat(&rig, "/n").aversion, 1);
    struct fsm_who a = make_who("a");
    struct fsm_view view;
    assert_int_equal(fsm_get(rig.fsm, NULL, &a, text("/n"), &view), CD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allows),
        cmocka_unit_test(test_digest),
        cmocka_unit_test_setup_teardown(test_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compares, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_if_absent_shows_only_what_may_be_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_recursive_delete_asks_every_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inheritance_and_origin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stat_and_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undo, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
