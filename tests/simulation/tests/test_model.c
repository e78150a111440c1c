#include "checkers/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ZXID(counter) ((UINT64_C(1) << MODEL_GENERATION_SHIFT) + (counter))

static int setup(void **state)
{
    *state = model_create(1);
    return 0;
}

static int teardown(void **state)
{
    model_free(*state);
    return 0;
}

static struct model_step step(enum model_kind kind, const char *path, uint64_t value)
{
    struct model_step made = {.kind = kind, .value = value, .version = MODEL_ANY_VERSION};
    (void)snprintf(made.path, sizeof(made.path), "%s", path);
    return made;
}

static struct model_result run(void **state, struct model_step only)
{
    return model_apply(*state, &(struct model_command){.then_steps = {only}, .then_count = 1});
}

static void creates_sets_and_deletes(void **state)
{
    struct model_result made = run(state, step(MODEL_CREATE, "/a", 7));
    assert_int_equal(made.code, MODEL_OK);
    assert_true(made.changed);
    assert_int_equal(made.zxid, ZXID(1));
    assert_string_equal(made.path, "/a");
    struct model_result set = run(state, step(MODEL_SET, "/a", 8));
    assert_int_equal(set.version, 1);
    assert_int_equal(set.mzxid, ZXID(2));
    struct model_result got = run(state, step(MODEL_GET, "/a", 0));
    assert_int_equal(got.value, 8);
    assert_int_equal(got.czxid, ZXID(1));
    assert_int_equal(got.zxid, ZXID(2));
    assert_int_equal(run(state, step(MODEL_DELETE, "/a", 0)).code, MODEL_OK);
    assert_int_equal(run(state, step(MODEL_GET, "/a", 0)).code, MODEL_NO_NODE);
    assert_false(run(state, step(MODEL_EXISTS, "/a", 0)).exists);
}

static void refuses_without_a_trace(void **state)
{
    assert_int_equal(run(state, step(MODEL_CREATE, "/a/b", 1)).code, MODEL_NO_PARENT);
    (void)run(state, step(MODEL_CREATE, "/a", 1));
    assert_int_equal(run(state, step(MODEL_CREATE, "/a", 2)).code, MODEL_NODE_EXISTS);
    (void)run(state, step(MODEL_CREATE, "/a/b", 3));
    assert_int_equal(run(state, step(MODEL_DELETE, "/a", 0)).code, MODEL_NOT_EMPTY);
    struct model_step set = step(MODEL_SET, "/a", 4);
    set.version = 3;
    struct model_result refused = run(state, set);
    assert_int_equal(refused.code, MODEL_BAD_VERSION);
    assert_false(refused.changed);
    assert_int_equal(model_zxid(*state), ZXID(2));
    assert_int_equal(run(state, step(MODEL_GET, "/a", 0)).value, 1);
}

static void numbers_sequential_nodes(void **state)
{
    (void)run(state, step(MODEL_CREATE, "/q", 0));
    struct model_step next = step(MODEL_CREATE, "/q/n-", 5);
    next.sequential = true;
    assert_string_equal(run(state, next).path, "/q/n-0000000000");
    assert_string_equal(run(state, next).path, "/q/n-0000000001");
    (void)run(state, step(MODEL_DELETE, "/q/n-0000000000", 0));
    assert_string_equal(run(state, next).path, "/q/n-0000000002");
    struct model_result list = run(state, step(MODEL_CHILDREN, "/q", 0));
    assert_int_equal(list.children, 2);
    uint64_t names = model_hash_name(0, "n-0000000001", 12);
    assert_int_equal(list.children_hash, model_hash_name(names, "n-0000000002", 12));
}

static void transactions_are_all_or_nothing(void **state)
{
    (void)run(state, step(MODEL_CREATE, "/a", 1));
    struct model_command txn = {
        .is_txn = true,
        .compare = {.target = MODEL_COMPARE_VERSION, .path = "/a", .number = 0},
        .then_steps = {step(MODEL_SET, "/a", 2), step(MODEL_CREATE, "/b", 2)},
        .then_count = 2,
    };
    struct model_result done = model_apply(*state, &txn);
    assert_true(done.succeeded && done.changed);
    assert_int_equal(done.zxid, ZXID(2));
    assert_int_equal(run(state, step(MODEL_GET, "/b", 0)).czxid, ZXID(2));
    done = model_apply(*state, &txn);
    assert_int_equal(done.code, MODEL_COMPARE_FAILED);
    txn.compare.number = 1;
    done = model_apply(*state, &txn);
    assert_int_equal(done.code, MODEL_NODE_EXISTS);
    assert_int_equal(run(state, step(MODEL_GET, "/a", 0)).value, 2);
    txn.else_steps[0] = step(MODEL_GET, "/a", 0);
    txn.else_count = 1;
    txn.compare.number = 9;
    done = model_apply(*state, &txn);
    assert_true(!done.succeeded && !done.changed && done.code == MODEL_OK);
    assert_int_equal(done.value, 2);
}

static void trying_changes_nothing(void **state)
{
    struct model_command create = {.then_steps = {step(MODEL_CREATE, "/a", 1)}, .then_count = 1};
    struct model_result tried = model_try(*state, &create);
    assert_true(tried.changed);
    assert_int_equal(model_zxid(*state), ZXID(0));
    assert_int_equal(run(state, step(MODEL_GET, "/a", 0)).code, MODEL_NO_NODE);
}

static void knows_many_paths(void **state)
{
    for (int i = 0; i < 3000; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/n%d", i);
        assert_int_equal(run(state, step(MODEL_CREATE, path, (uint64_t)i)).code, MODEL_OK);
    }
    assert_int_equal(run(state, step(MODEL_GET, "/n1234", 0)).value, 1234);
    assert_int_equal(run(state, step(MODEL_CHILDREN, "/", 0)).children, 3000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(creates_sets_and_deletes), CASE(refuses_without_a_trace),
        CASE(numbers_sequential_nodes), CASE(transactions_are_all_or_nothing),
        CASE(trying_changes_nothing),   CASE(knows_many_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
