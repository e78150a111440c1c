#include "support.h"

#include "fsm/path.h"
#include "fsm/queue.h"

#include <stdio.h>

/* Goal: the order of a queue is that of (czxid, suffix), also where names have more digits than the
 * shortest and so sort elsewhere; plain nodes and other prefixes are no members. */

static struct fsm_tree tree;

static void put(const char *key, uint64_t czxid, uint8_t suffix_bytes, uint64_t children)
{
    struct fsm_stat stat = {.czxid = czxid,
                            .mzxid = czxid,
                            .pzxid = czxid,
                            .suffix_bytes = suffix_bytes,
                            .children_count = children,
                            .creates = children};
    fsm_tree_insert(&tree, fsm_node_create(text(key), &stat, text("")));
}

static uint64_t nth(const char *prefix, uint32_t n)
{
    struct fsm_bytes prefixes[] = {text(prefix)};
    struct fsm_queue_place place;
    return fsm_queue_nth(&tree, text("/q"), prefixes, 1, n, &place) ? place.number : UINT64_MAX;
}

static void test_order(void **state)
{
    (void)state;
    fsm_tree_init(&tree);
    put("", 1, 0, 1);
    put("/q", 2, 0, 100);
    put("/q/a-9999999998", 10, 10, 0);
    put("/q/a-9999999999", 11, 10, 1);
    put("/q/a-9999999999/a-0000000000", 3, 10, 0); /* deeper */
    put("/q/a-10000000000", 12, 11, 0);            /* sorts before them by its bytes */
    put("/q/a-10000000001", 13, 11, 0);
    put("/q/a-0000000000", 5, 0, 0);   /* by hand */
    put("/q/a-10000000002", 4, 10, 0); /* prefix a-1 */
    put("/q/b-0000000001", 6, 10, 0);
    put("/q/0000000003", 7, 10, 0); /* no prefix */
    assert_int_equal(nth("a-", 1), 9999999998);
    assert_int_equal(nth("a-", 2), 9999999999);
    assert_int_equal(nth("a-", 3), 10000000000);
    assert_int_equal(nth("a-", 4), 10000000001);
    assert_true(nth("a-", 5) == UINT64_MAX);
    assert_int_equal(nth("a-1", 1), 2);
    assert_int_equal(nth("", 1), 3);
    assert_true(nth("", 2) == UINT64_MAX);
    assert_true(nth("c", 1) == UINT64_MAX);
    struct fsm_bytes both[] = {text("a-"), text("b-")};
    struct fsm_queue_place place;
    assert_true(fsm_queue_nth(&tree, text("/q"), both, 2, 2, &place));
    assert_int_equal(place.czxid, 10);
    assert_false(fsm_queue_nth(&tree, text("/none"), both, 2, 1, &place));
    fsm_tree_release(&tree);
}

/* More than fit on the stack, and one zxid for two (of two prefixes). */
static void test_many(void **state)
{
    (void)state;
    fsm_tree_init(&tree);
    put("", 1, 0, 1);
    put("/q", 2, 0, 1000);
    for (unsigned i = 0; i < 500; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "/q/%c-%010u", i % 2 == 0 ? 'a' : 'b', i);
        put(key, 10 + i / 2, 10, 0);
    }
    struct fsm_bytes both[] = {text("b-"), text("a-")};
    struct fsm_queue_place place;
    for (uint32_t n = 1; n <= 500; n += 7) {
        assert_true(fsm_queue_nth(&tree, text("/q"), both, 2, n, &place));
        assert_int_equal(place.number, n - 1);
        assert_int_equal(place.czxid, 10 + (n - 1) / 2);
    }
    assert_false(fsm_queue_nth(&tree, text("/q"), both, 2, 501, &place));
    assert_false(fsm_queue_nth(&tree, text("/q"), both, 2, UINT32_MAX, &place));
    fsm_tree_release(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
