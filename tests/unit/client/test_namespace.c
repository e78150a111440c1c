#include "src/namespace.h"
#include "src/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Goal: with a namespace every path goes in whole and comes out as the program wrote it. */

#define SPACE "/app/a"

static struct client_arena arena;

static int set_up(void **state)
{
    (void)state;
    client_arena_init(&arena, SIZE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_arena_release(&arena);
    return 0;
}

static const char *in(const char *space, const char *path)
{
    const char *whole = "?";
    assert_int_equal(client_path_in(space, path, &arena, &whole, NULL), COORD_OK);
    return whole;
}

static void test_paths(void **state)
{
    struct coord_error error;
    const char *whole = NULL;
    (void)state;
    assert_string_equal(in(SPACE, "/b/c"), "/app/a/b/c");
    assert_string_equal(in(SPACE, "/"), "/app/a");
    assert_string_equal(in(SPACE, NULL), "/app/a"); /* "everywhere" ends at the namespace */
    assert_null(in(NULL, NULL));
    assert_string_equal(in(NULL, "b"), "b");
    /* "/app/a" and "b" must not become the sibling "/app/ab". */
    assert_int_equal(client_path_in(SPACE, "b", &arena, &whole, &error), COORD_INVALID_ARGUMENT);
    assert_int_equal(client_path_in(SPACE, "", &arena, &whole, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "slash"));
}

static void test_what_can_be_one(void **state)
{
    static const char *const bad[] = {"", "/", "a", "/a/", "//"};
    struct coord_error error;
    (void)state;
    assert_int_equal(client_namespace_check("/a", NULL), COORD_OK);
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        assert_int_equal(client_namespace_check(bad[i], &error), COORD_INVALID_ARGUMENT);
    }
}

static void test_operations(void **state)
{
    static const enum client_op_kind with[] = {
        CLIENT_OP_CREATE,       CLIENT_OP_SET,   CLIENT_OP_DELETE,  CLIENT_OP_INCREMENT,
        CLIENT_OP_SET_ACL,      CLIENT_OP_GET,   CLIENT_OP_EXISTS,  CLIENT_OP_CHILDREN,
        CLIENT_OP_LIST,         CLIENT_OP_COUNT, CLIENT_OP_GET_ACL, CLIENT_OP_EPHEMERALS,
        CLIENT_OP_CHANGED_SINCE};
    static const enum client_op_kind without[] = {CLIENT_OP_SYNC, CLIENT_OP_WHO_AM_I,
                                                  CLIENT_OP_CLOSE};
    struct client_op whole;
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(with); i++) {
        const struct client_op op = {.kind = with[i], .path = "/b"};
        assert_int_equal(client_op_in(SPACE, &op, &arena, &whole, NULL), COORD_OK);
        assert_string_equal(whole.path, "/app/a/b");
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(without); i++) {
        const struct client_op op = {.kind = without[i]};
        assert_int_equal(client_op_in(SPACE, &op, &arena, &whole, NULL), COORD_OK);
        assert_null(whole.path);
    }
}

static void test_transactions(void **state)
{
    static const char *const prefixes[] = {"lock-"};
    struct client_op whole;
    (void)state;
    struct coord_txn *txn = coord_txn_create();
    coord_txn_compare(txn, "/c", COORD_IF_EXISTS, COORD_EQUAL, 1);
    coord_txn_compare_held(txn, "/lock-1", COORD_EQUAL, 7, 1, prefixes, 1);
    coord_txn_add_set(txn, COORD_THEN, "/x", "1", 1, COORD_ANY_VERSION);
    coord_txn_add_delete(txn, COORD_THEN, "/y", COORD_ANY_VERSION, 0);
    coord_txn_add_get(txn, COORD_ELSE, "/z");
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    assert_int_equal(client_op_in(SPACE, &op, &arena, &whole, NULL), COORD_OK);
    const struct client_compare_node *compare = whole.txn->compares;
    assert_string_equal(compare->compare.path, "/app/a/c");
    assert_string_equal(compare->next->compare.held.path, "/app/a/lock-1");
    assert_null(compare->next->next);
    const struct client_op_node *then = whole.txn->branches[COORD_THEN];
    assert_string_equal(then->op.path, "/app/a/x");
    assert_string_equal(then->next->op.path, "/app/a/y");
    assert_null(then->next->next);
    assert_string_equal(whole.txn->branches[COORD_ELSE]->op.path, "/app/a/z");
    /* What the program has put together stays as it is. */
    assert_string_equal(txn->compares->compare.path, "/c");
    assert_string_equal(txn->branches[COORD_THEN]->next->op.path, "/y");
    coord_txn_free(txn);
}

static void test_results(void **state)
{
    struct client_child nodes[] = {{.name = "/app/a"}, {.name = "/app/a/b"}};
    struct coord_changed_node changes[] = {{.path = "/app/a/c"}};
    struct coord_result inner = {.path = "/app/a/made"};
    struct coord_result *results[] = {&inner};
    struct coord_result result = {.path = "/app/a/x",
                                  .origin = "/app",
                                  .nodes = nodes,
                                  .nodes_count = 2,
                                  .changes = changes,
                                  .changes_count = 1,
                                  .results = results,
                                  .results_count = 1};
    (void)state;
    client_result_out(SPACE, &result);
    assert_string_equal(result.path, "/x");
    assert_null(result.origin); /* above the namespace */
    assert_string_equal(nodes[0].name, "/");
    assert_string_equal(nodes[1].name, "/b");
    assert_string_equal(changes[0].path, "/c");
    assert_string_equal(inner.path, "/made");
    result.path = "/app/ab"; /* a sibling is not in it */
    result.origin = "/app/a";
    client_result_out(SPACE, &result);
    assert_string_equal(result.path, "/app/ab");
    assert_string_equal(result.origin, "/");
    client_result_out(NULL, &result);
    client_result_out(SPACE, NULL);
}

static void test_items(void **state)
{
    struct coord_event event = {.path = "/app/a/e"};
    const struct coord_event *const events[] = {&event};
    struct coord_result result = {.path = "/app/a/s"};
    struct client_watch_item item = {
        .item = {.path = "/app/a/lock-1", .events = events, .events_count = 1}, .result = &result};
    (void)state;
    client_item_out(SPACE, &item);
    assert_string_equal(item.item.path, "/lock-1");
    assert_string_equal(event.path, "/e");
    assert_string_equal(result.path, "/s");
    item.item = (struct coord_watch_item){.path = ""}; /* a queue whose node is not named */
    client_item_out(SPACE, &item);
    assert_string_equal(item.item.path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_can_be_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_items, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
