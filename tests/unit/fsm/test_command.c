#include "support.h"

#include "base/memory.h"

/* Goal: each rule of form is refused with its own status and a sentence with limit and size. */

static struct fsm_limits limits = {.path_bytes = 32,
                                   .data_bytes = 8,
                                   .txn_bytes = 40,
                                   .txn_compares = 2,
                                   .txn_ops = 3,
                                   .atomic_nodes = 100,
                                   .tree_nodes = 1000,
                                   .tree_bytes = 100000,
                                   .acl_entries = 2,
                                   .queue_prefixes = 2,
                                   .ttl_max_ms = 5000};

static void accept(struct fsm_op op)
{
    struct fsm_command command = {.op = op};
    struct cd_error error = {0};
    if (fsm_command_check(&limits, &command, &error) != CD_OK) {
        fail_msg("refused: %s", error.message);
    }
}

static void refuse(struct fsm_op op, enum cd_status status, const char *words)
{
    struct fsm_command command = {.op = op};
    struct cd_error error = {0};
    assert_int_equal(fsm_command_check(&limits, &command, &error), status);
    assert_int_equal(fsm_command_check(&limits, &command, NULL), status);
    assert_int_equal(error.status, status);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    }
}

static void refuse_in_txn(struct fsm_op op, enum cd_status status, const char *words)
{
    struct fsm_op ops[] = {make_exists("/"), op};
    refuse(make_txn(NULL, 0, ops, 2, NULL, 0), status, words);
    refuse(make_txn(NULL, 0, ops, 2, NULL, 0), status, "then-operation 1 of");
    refuse(make_txn(NULL, 0, NULL, 0, ops, 2), status, "else-operation 1 of");
}

static void test_create(void **state)
{
    (void)state;
    accept(make_create("/a", "12345678"));
    refuse(make_create("/a", "123456789"), CD_TOO_LARGE, "9 bytes, the limit data_bytes is 8");
    refuse(make_create("a", ""), CD_INVALID_ARGUMENT, "absolute");
    refuse(make_create("/", ""), CD_ROOT_FIXED, "root");
    accept(make_sequential("/"));
    accept(make_sequential("/a/"));
    refuse(make_sequential("a/"), CD_INVALID_ARGUMENT, "absolute");
    struct fsm_op op = make_create("/", "");
    op.create.if_absent = true;
    accept(op);
    op = make_sequential("/a");
    op.create.if_absent = true;
    refuse(op, CD_INVALID_ARGUMENT, "if_absent");
    op = make_create("/a", "");
    op.create.kind = (enum fsm_node_kind)(FSM_TTL + 1);
    refuse(op, CD_INVALID_ARGUMENT, "no kind 4");
    op.create.kind = FSM_CONTAINER;
    accept(op);
    op.create.ttl_ms = 1;
    refuse(op, CD_INVALID_ARGUMENT, "ttl_ms");
    op.create.kind = FSM_TTL;
    accept(op);
    op.create.ttl_ms = 5000;
    accept(op);
    op.create.ttl_ms = 5001;
    refuse(op, CD_INVALID_ARGUMENT, "from 1 to 5000");
    op.create.ttl_ms = 0;
    refuse(op, CD_INVALID_ARGUMENT, "ttl_ms");
    op = make_create("/a/b", "");
    op.create.parents_kind = FSM_CONTAINER;
    accept(op);
    op.create.parents_kind = FSM_EPHEMERAL;
    refuse(op, CD_INVALID_ARGUMENT, "parents");
    refuse_in_txn(make_create("/a/", ""), CD_INVALID_ARGUMENT, "slash");
}

static void test_acls(void **state)
{
    (void)state;
    struct fsm_acl_entry entries[3] = {
        {.permissions = FSM_READ, .scheme = FSM_SCHEME_ANYONE},
        {.permissions = FSM_PERMISSIONS_ALL, .scheme = FSM_SCHEME_URI, .id = text("x")},
        {.permissions = FSM_READ, .scheme = FSM_SCHEME_CN, .id = text("y")}};
    struct fsm_op create = make_create("/a", "");
    create.create.has_acl = true;
    create.create.acl = (struct fsm_acl_entries){entries, 2};
    accept(create);
    struct fsm_op set = {
        .kind = FSM_OP_SET_ACL,
        .set_acl = {
            .path = text("/"), .acl = {entries, 2}, .has_acl = true, .aversion = FSM_ANY_VERSION}};
    accept(set);
    refuse(make_txn(NULL, 0, &set, 1, NULL, 0), CD_TOO_LARGE, "66 bytes"); /* "/", 2 * 32, "x" */
    set.set_acl.aversion = -2;
    refuse(set, CD_INVALID_ARGUMENT, "negative");
    set.set_acl.aversion = 0;
    set.set_acl.acl.count = 3;
    refuse(set, CD_TOO_MANY, "acl_entries is 2");
    set.set_acl.has_acl = false;
    accept(set);
    create.create.acl.count = 3;
    refuse(create, CD_TOO_MANY, "acl_entries");
    create.create.acl.count = 1;
    entries[0].permissions = 0;
    refuse(create, CD_INVALID_ARGUMENT, "permissions");
    entries[0].permissions = FSM_PERMISSIONS_ALL + 1;
    refuse(create, CD_INVALID_ARGUMENT, "permissions");
    entries[0].permissions = FSM_READ;
    entries[0].id = text("z");
    refuse(create, CD_INVALID_ARGUMENT, "anyone");
    entries[0].scheme = FSM_SCHEME_DNS;
    accept(create);
    entries[0].id = text("");
    refuse(create, CD_INVALID_ARGUMENT, "with one of at most");
    entries[0].scheme = (enum fsm_scheme)4;
    refuse(create, CD_INVALID_ARGUMENT, "dns");
}

static void test_new_operations(void **state)
{
    (void)state;
    struct fsm_op op = {.kind = FSM_OP_INCREMENT, .increment = {.path = text("/a")}};
    accept(op);
    op.increment.version = -2;
    refuse(op, CD_INVALID_ARGUMENT, "negative");
    op = (struct fsm_op){.kind = FSM_OP_CHILDREN, .children = {.path = text("/"), .limit = 1}};
    refuse(op, CD_INVALID_ARGUMENT, "only a transaction");
    accept(make_txn(NULL, 0, &op, 1, NULL, 0));
    op.children.limit = 0;
    refuse_in_txn(op, CD_INVALID_ARGUMENT, "at least one");
    op.children.limit = 1;
    op.children.after = text("a/b");
    refuse_in_txn(op, CD_INVALID_ARGUMENT, "slash");
    op = (struct fsm_op){.kind = FSM_OP_REAP, .reap = {.path = text("/a")}};
    accept(op);
    refuse_in_txn(op, CD_INVALID_ARGUMENT, "only the leader");
    op = (struct fsm_op){.kind = FSM_OP_AGREE_DIGEST, .agree_digest = {.slot = 64}};
    accept(op);
    refuse_in_txn(op, CD_INVALID_ARGUMENT, "only the leader");
    op.agree_digest.slot = 0;
    refuse(op, CD_INVALID_ARGUMENT, "slot");
    op = (struct fsm_op){.kind = FSM_OP_REAP, .reap = {.path = text("/a")}};
    op.reap.path = text("/");
    refuse(op, CD_ROOT_FIXED, "root");
    op.reap.path = text("a");
    refuse(op, CD_INVALID_ARGUMENT, "absolute");
}

static void test_others(void **state)
{
    (void)state;
    struct fsm_op op = make_delete("/a");
    accept(op);
    op.remove.version = -2;
    refuse(op, CD_INVALID_ARGUMENT, "negative");
    refuse(make_delete("/"), CD_ROOT_FIXED, "root");
    refuse(make_recursive("/"), CD_ROOT_FIXED, "root");
    refuse(make_delete("/../a"), CD_INVALID_ARGUMENT, "..");

    op = make_set("/", "x");
    accept(op);
    op.set.version = INT64_MIN;
    refuse(op, CD_INVALID_ARGUMENT, "negative");
    refuse(make_set("/a", "123456789"), CD_TOO_LARGE, "data_bytes");
    refuse(make_set("", ""), CD_INVALID_ARGUMENT, "empty");

    refuse(make_get("/a"), CD_INVALID_ARGUMENT, "only a transaction");
    refuse(make_exists("/a"), CD_INVALID_ARGUMENT, "only a transaction");
    refuse(make_check("/a", 1), CD_INVALID_ARGUMENT, "only a transaction");
    refuse_in_txn(make_get("a"), CD_INVALID_ARGUMENT, "absolute");
    refuse_in_txn(make_exists(""), CD_INVALID_ARGUMENT, "empty");
    refuse_in_txn(make_check("/a", -2), CD_INVALID_ARGUMENT, "negative");
    refuse_in_txn(make_delete("/"), CD_ROOT_FIXED, "root");
    refuse_in_txn(make_set("/a", "123456789"), CD_TOO_LARGE, "data_bytes");

    op.kind = (enum fsm_op_kind)99;
    refuse(op, CD_UNIMPLEMENTED, "");
    refuse_in_txn(op, CD_UNIMPLEMENTED, "");
}

static void test_txn_limits(void **state)
{
    (void)state;
    struct fsm_op ops[4] = {make_set("/a", "12345678"), make_set("/b", "12345678"),
                            make_set("/c", "12345678"), make_set("/d", "12345678")};
    struct fsm_compare compares[3];
    for (size_t i = 0; i < 3; i++) {
        compares[i] = (struct fsm_compare){.path = text("/abcd"),
                                           .target = FSM_COMPARE_VALUE,
                                           .relation = FSM_EQUAL,
                                           .value = text("x")};
    }
    accept(make_txn(NULL, 0, NULL, 0, NULL, 0));
    accept(make_txn(NULL, 0, ops, 3, ops, 1)); /* 40 bytes */
    refuse(make_txn(NULL, 0, ops, 2, ops, 3), CD_TOO_LARGE, "50 bytes, the limit txn_bytes is 40");
    accept(make_txn(compares, 1, ops, 3, NULL, 0));
    refuse(make_txn(compares, 2, ops, 3, NULL, 0), CD_TOO_LARGE, "42 bytes");
    refuse(make_txn(NULL, 0, ops, 4, NULL, 0), CD_TOO_MANY, "4 then-operation");
    refuse(make_txn(NULL, 0, NULL, 0, ops, 4), CD_TOO_MANY, "the limit txn_ops is 3");
    refuse(make_txn(compares, 3, NULL, 0, NULL, 0), CD_TOO_MANY,
           "3 comparisons, the limit txn_compares is 2");
    struct fsm_op inner = make_txn(NULL, 0, NULL, 0, NULL, 0);
    refuse_in_txn(inner, CD_INVALID_ARGUMENT, "no other transaction");
}

/* R15: two nodes of one queue would have the same fence. */
static void test_queues(void **state)
{
    (void)state;
    struct fsm_op ops[] = {make_sequential("/q/a"), make_sequential("/q/b"),
                           make_sequential("/q/a")};
    accept(make_txn(NULL, 0, ops, 2, ops, 2));
    refuse(make_txn(NULL, 0, ops, 3, NULL, 0), CD_INVALID_ARGUMENT, "at most one sequential");
    refuse(make_txn(NULL, 0, NULL, 0, ops, 3), CD_INVALID_ARGUMENT, "at most one sequential");
    ops[2].create.sequential = false;
    accept(make_txn(NULL, 0, ops, 3, NULL, 0));
}

static void try_compare(struct fsm_compare compare, enum cd_status status, const char *words)
{
    struct fsm_op txn = make_txn(&compare, 1, NULL, 0, NULL, 0);
    if (status == CD_OK) {
        accept(txn);
    } else {
        refuse(txn, status, words);
    }
}

static void test_compares(void **state)
{
    (void)state;
    struct fsm_compare compare = {.path = text("/a")};
    struct fsm_bytes prefixes[] = {text("a-"), text("b-"), text("c-")};
    struct fsm_held fence = {.path = text("/a"), .n = 1, .prefixes = prefixes, .prefixes_count = 2};
    for (int target = FSM_COMPARE_EXISTS; target <= FSM_COMPARE_HELD + 1; target++) {
        bool known = target <= FSM_COMPARE_HELD;
        bool held = target == FSM_COMPARE_HELD;
        bool equality = target == FSM_COMPARE_EXISTS || target == FSM_COMPARE_VALUE ||
                        target == FSM_COMPARE_OWNER || held;
        compare.held = held ? &fence : NULL;
        compare.path = text(held ? "" : "/a");
        compare.target = (enum fsm_compare_target)target;
        for (int relation = FSM_EQUAL; relation <= FSM_GREATER; relation++) {
            compare.relation = (enum fsm_relation)relation;
            bool fits = relation <= FSM_NOT_EQUAL || !equality;
            try_compare(compare,
                        !known ? CD_UNIMPLEMENTED
                        : fits ? CD_OK
                               : CD_INVALID_ARGUMENT,
                        "comparison 0 of the transaction");
        }
    }
    compare =
        (struct fsm_compare){.target = FSM_COMPARE_HELD, .relation = FSM_EQUAL, .held = &fence};
    try_compare(compare, CD_OK, "");
    fence.n = 0;
    try_compare(compare, CD_INVALID_ARGUMENT, "at least one");
    fence.n = UINT32_MAX;
    fence.prefixes_count = 3;
    try_compare(compare, CD_TOO_MANY, "queue_prefixes");
    fence.prefixes_count = 2;
    prefixes[1] = text("b/");
    try_compare(compare, CD_INVALID_ARGUMENT, "slash");
    prefixes[1] = text("");
    fence.path = text("a");
    try_compare(compare, CD_INVALID_ARGUMENT, "absolute");
    fence.path = text("/a");
    compare.path = text("/a");
    try_compare(compare, CD_INVALID_ARGUMENT, "names its path");
    compare.path = text("");
    compare.held = NULL;
    try_compare(compare, CD_INVALID_ARGUMENT, "held");
    compare = (struct fsm_compare){
        .path = text("a"), .target = FSM_COMPARE_VERSION, .relation = FSM_EQUAL};
    try_compare(compare, CD_INVALID_ARGUMENT, "absolute");
    compare.path = text("/a");
    compare.number = (uint64_t)INT64_MAX + 1;
    try_compare(compare, CD_INVALID_ARGUMENT, "negative");
    compare.target = FSM_COMPARE_CZXID;
    try_compare(compare, CD_OK, "");
    compare.target = FSM_COMPARE_EXISTS;
    try_compare(compare, CD_INVALID_ARGUMENT, "1 or 0");
    compare.number = 0;
    compare.relation = (enum fsm_relation)0;
    try_compare(compare, CD_INVALID_ARGUMENT, "operator");
    compare.relation = (enum fsm_relation)5;
    try_compare(compare, CD_INVALID_ARGUMENT, "operator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),     cmocka_unit_test(test_others),
        cmocka_unit_test(test_acls),       cmocka_unit_test(test_new_operations),
        cmocka_unit_test(test_txn_limits), cmocka_unit_test(test_queues),
        cmocka_unit_test(test_compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
