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
                                   .tree_bytes = 100000};

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
    for (int kind = FSM_CONTAINER; kind <= FSM_TTL + 1; kind++) {
        op = make_create("/a", "");
        op.create.kind = (enum fsm_node_kind)kind;
        refuse(op, CD_UNIMPLEMENTED, "kind");
    }
    refuse_in_txn(make_create("/a/", ""), CD_INVALID_ARGUMENT, "slash");
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
    for (int target = FSM_COMPARE_EXISTS; target <= FSM_COMPARE_HELD + 1; target++) {
        bool known = target <= FSM_COMPARE_VALUE;
        bool equality = target == FSM_COMPARE_EXISTS || target == FSM_COMPARE_VALUE;
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
        cmocka_unit_test(test_txn_limits), cmocka_unit_test(test_queues),
        cmocka_unit_test(test_compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
