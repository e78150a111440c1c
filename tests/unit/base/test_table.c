#include "death.h"

#include "base/table.h"

struct item {
    uint64_t key;
    int value;
    UT_hash_handle hh;
};

static struct item *find(struct item *table, uint64_t key)
{
    struct item *found = NULL;
    HASH_FIND(hh, table, &key, sizeof(key), found);
    return found;
}

/* What is seen when a table is gone through must not depend on hashes or addresses. */
static void test_a_table_keeps_the_order_of_insertion(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct item *table = NULL;
    for (int i = 0; i < COUNT; i++) {
        struct item *item = cd_calloc(1, sizeof(*item));
        item->key = (uint64_t)i * 0x9e3779b97f4a7c15u;
        item->value = i;
        HASH_ADD(hh, table, key, sizeof(item->key), item);
    }
    assert_int_equal(HASH_COUNT(table), COUNT);
    struct item *item;
    struct item *next;
    int expected = 0;
    HASH_ITER(hh, table, item, next)
    {
        assert_int_equal(item->value, expected);
        assert_ptr_equal(find(table, item->key), item);
        expected++;
    }
    assert_int_equal(expected, COUNT);
    assert_null(find(table, 5));
    HASH_ITER(hh, table, item, next)
    {
        HASH_DEL(table, item);
        cd_free(item);
    }
    assert_null(table);
}

static void test_keys_are_hashed_as_everything_else(void **state)
{
    (void)state;
    uint64_t key = 77;
    unsigned hash = 0;
    HASH_FUNCTION(&key, sizeof(key), hash);
    assert_int_equal(hash, (unsigned)cd_hash64(&key, sizeof(key)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_keeps_the_order_of_insertion),
        cmocka_unit_test(test_keys_are_hashed_as_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
