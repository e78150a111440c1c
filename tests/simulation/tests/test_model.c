#include "checkers/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static void keeps_numbers(void **state)
{
    struct model_step add = step(MODEL_INCREMENT, "/n", 0);
    add.delta = 5;
    assert_int_equal(run(state, add).code, MODEL_NO_NODE);
    add.if_absent = true;
    assert_int_equal(run(state, add).value, 5);
    struct model_result result = run(state, add);
    assert_int_equal(result.value, 10);
    assert_int_equal(result.version, 1);
    add.delta = -11;
    assert_int_equal((int64_t)run(state, add).value, -1);
    (void)run(state, step(MODEL_SET, "/n", 3)); /* bytes, no number */
    assert_int_equal(run(state, add).code, MODEL_NOT_A_NUMBER);
}

static void deletes_all_below_and_tells_of_each(void **state)
{
    (void)run(state, step(MODEL_CREATE, "/a", 1));
    (void)run(state, step(MODEL_CREATE, "/a/b", 2));
    (void)run(state, step(MODEL_CREATE, "/a/b/c", 3));
    (void)run(state, step(MODEL_CREATE, "/ab", 4));
    assert_int_equal(run(state, step(MODEL_COUNT, "/a", 0)).children, 2);
    assert_int_equal(run(state, step(MODEL_COUNT, "/", 0)).children, 4);
    struct model_step all = step(MODEL_DELETE, "/a", 0);
    assert_int_equal(run(state, all).code, MODEL_NOT_EMPTY);
    all.recursive = true;
    assert_int_equal(run(state, all).code, MODEL_OK);
    size_t count = 0;
    const struct model_change *changes = model_changes(*state, &count);
    assert_int_equal(count, 3);
    assert_string_equal(changes[0].path, "/a/b/c"); /* children before parents */
    assert_int_equal(changes[0].previous, 3);
    assert_string_equal(changes[2].path, "/a");
    assert_int_equal(run(state, step(MODEL_COUNT, "/", 0)).children, 1);
}

static void gives_ephemeral_nodes_an_owner_and_no_children(void **state)
{
    struct model_command create = {.session = 77, .then_count = 1};
    create.then_steps[0] = step(MODEL_CREATE, "/e", 1);
    create.then_steps[0].node_kind = MODEL_EPHEMERAL;
    assert_int_equal(model_apply(*state, &create).code, MODEL_OK);
    assert_int_equal(run(state, step(MODEL_CREATE, "/e/x", 1)).code,
                     MODEL_NO_CHILDREN_FOR_EPHEMERALS);
    struct model_change *owned = NULL;
    size_t capacity = 0;
    assert_int_equal(model_list_owned(*state, 77, &owned, &capacity), 1);
    assert_string_equal(owned[0].path, "/e");
    struct verdict why;
    verdict_init(&why);
    assert_true(model_impose(*state, ZXID(9), owned, 1, &why));
    assert_int_equal(model_zxid(*state), ZXID(9));
    assert_false(model_impose(*state, ZXID(10), owned, 1, &why));
    assert_non_null(strstr(why.why, "/e was not there"));
    free(owned);
}

static void passes_by_a_node_made_by_hand(void **state)
{
    (void)run(state, step(MODEL_CREATE, "/q", 1));
    (void)run(state, step(MODEL_CREATE, "/q/n-0000000001", 1));
    struct model_step next = step(MODEL_CREATE, "/q/n-", 1);
    next.sequential = true;
    assert_string_equal(run(state, next).path, "/q/n-0000000002");
    assert_string_equal(run(state, next).path, "/q/n-0000000003");
}

static void holds_while_nobody_precedes(void **state)
{
    (void)run(state, step(MODEL_CREATE, "/q", 1));
    struct model_step next = step(MODEL_CREATE, "/q/w-", 1);
    next.sequential = true;
    struct model_result first = run(state, next);
    (void)memcpy(next.path, "/q/r-", 6);
    struct model_result second = run(state, next);
    struct model_command fenced = {.then_steps = {step(MODEL_SET, "/q", 5)}, .then_count = 1};
    fenced.if_held.target = MODEL_COMPARE_HELD;
    fenced.if_held.number = (int64_t)second.czxid;
    memcpy(fenced.if_held.path, second.path, sizeof(second.path));
    assert_int_equal(model_try(*state, &fenced).code, MODEL_OK); /* its own prefix alone */
    memcpy(fenced.if_held.queue.prefixes[0], "w-", 3);
    assert_int_equal(model_try(*state, &fenced).code, MODEL_NOT_HELD);
    fenced.if_held.queue.n = 2;
    assert_int_equal(model_try(*state, &fenced).code, MODEL_OK);
    fenced.if_held.queue.n = 1;
    (void)run(state, step(MODEL_DELETE, first.path, 0));
    assert_int_equal(model_try(*state, &fenced).code, MODEL_OK);
    fenced.if_held.number++;
    assert_int_equal(model_try(*state, &fenced).code, MODEL_NOT_HELD);
}

static void names_what_differs(void **state)
{
    (void)state;
    struct model_command get = {.then_steps = {step(MODEL_GET, "/a", 0)}, .then_count = 1};
    struct model_result model = {.value = 3, .version = 1, .succeeded = true};
    struct model_result shown = model;
    assert_null(model_difference(&get, &shown, &model));
    shown.value = 4;
    assert_string_equal(model_difference(&get, &shown, &model), "value");
    shown.code = MODEL_NO_NODE;
    assert_string_equal(model_difference(&get, &shown, &model), "code");
    assert_true(model_is_read(&get));
    get.else_steps[get.else_count++] = step(MODEL_SET, "/a", 1);
    assert_false(model_is_read(&get));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(creates_sets_and_deletes),
        CASE(refuses_without_a_trace),
        CASE(numbers_sequential_nodes),
        CASE(transactions_are_all_or_nothing),
        CASE(trying_changes_nothing),
        CASE(knows_many_paths),
        CASE(keeps_numbers),
        CASE(deletes_all_below_and_tells_of_each),
        CASE(gives_ephemeral_nodes_an_owner_and_no_children),
        CASE(passes_by_a_node_made_by_hand),
        CASE(holds_while_nobody_precedes),
        CASE(names_what_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
