/* The index of slots, against a naive table. */

#include "base/memory.h"
#include "base/prng.h"
#include "storage/index.h"
#include "storage/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_empty(void **state)
{
    (void)state;
    struct storage_index index;
    storage_index_init(&index);
    uint64_t sequence;
    uint64_t offset;
    uint64_t slot;
    assert_false(storage_index_find(&index, 0, &sequence, &offset));
    assert_false(storage_index_find(&index, UINT64_MAX, &sequence, &offset));
    assert_false(storage_index_next(&index, 0, &slot));
    assert_true(storage_index_fits(&index, UINT64_MAX));
    storage_index_release(&index);
}

static void test_against_table(void **state)
{
    (void)state;
    enum { SLOTS = 20000 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct cd_prng prng;
        cd_prng_init(&prng, seed);
        uint64_t base = cd_prng_next(&prng) >> 1;
        uint64_t *table = cd_calloc(SLOTS, sizeof(*table));
        struct storage_index index;
        storage_index_init(&index);
        for (uint64_t i = 1; i < 3000; i++) {
            uint64_t slot = cd_prng_below(&prng, SLOTS);
            table[slot] = i;
            assert_true(storage_index_fits(&index, base + slot));
            storage_index_put(&index, base + slot, i, i * 8 + (UINT64_C(1) << 29));
        }
        uint64_t next = UINT64_MAX;
        for (uint64_t slot = SLOTS; slot-- > 0;) {
            uint64_t sequence = 0;
            uint64_t offset = 0;
            bool found = storage_index_find(&index, base + slot, &sequence, &offset);
            assert_int_equal(found, table[slot] != 0);
            if (found) {
                assert_int_equal(sequence, table[slot]);
                assert_int_equal(offset, table[slot] * 8 + (UINT64_C(1) << 29));
                next = base + slot;
            }
            uint64_t following = 0;
            bool has = storage_index_next(&index, base + slot, &following);
            assert_int_equal(has, next != UINT64_MAX);
            assert_true(!has || following == next);
        }
        storage_index_release(&index);
        cd_free(table);
    }
}

static void test_far_slots_are_refused(void **state)
{
    (void)state;
    struct storage_index index;
    storage_index_init(&index);
    uint64_t slot = UINT64_C(1) << 40;
    storage_index_put(&index, slot, 1, 4096);
    assert_true(storage_index_fits(&index, slot + STORAGE_SLOT_RANGE_MAX - INDEX_PAGE_SLOTS));
    assert_false(storage_index_fits(&index, slot + STORAGE_SLOT_RANGE_MAX));
    assert_true(storage_index_fits(&index, slot - STORAGE_SLOT_RANGE_MAX + INDEX_PAGE_SLOTS));
    assert_false(storage_index_fits(&index, slot - STORAGE_SLOT_RANGE_MAX));
    assert_false(storage_index_fits(&index, 0));
    assert_false(storage_index_fits(&index, UINT64_MAX));
    storage_index_release(&index);
}

/* Dropping against a table, and the pages that go with it. */
static void test_drop(void **state)
{
    (void)state;
    enum { SLOTS = 6 * INDEX_PAGE_SLOTS };
    uint32_t *table = cd_calloc(SLOTS, sizeof(*table)); /* sequence, 0 for none */
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct cd_prng prng;
        cd_prng_init(&prng, seed);
        struct storage_index index;
        storage_index_init(&index);
        uint64_t base = cd_prng_below(&prng, 3) * 100000;
        memset(table, 0, SLOTS * sizeof(*table));
        for (uint64_t slot = 0; slot < SLOTS; slot++) {
            if (cd_prng_below(&prng, 10) != 0) {
                table[slot] = (uint32_t)(slot / 200 + cd_prng_below(&prng, 3) + 1);
                storage_index_put(&index, base + slot, table[slot], 4096);
            }
        }
        for (uint64_t turn = 0; turn < 5; turn++) {
            uint64_t last = cd_prng_below(&prng, SLOTS);
            uint64_t before = last / 200 + cd_prng_below(&prng, 4);
            storage_index_drop(&index, base + last, before);
            for (uint64_t slot = 0; slot < SLOTS; slot++) {
                table[slot] = slot <= last && table[slot] < before ? 0 : table[slot];
                uint64_t sequence = 0;
                uint64_t offset = 0;
                bool found = storage_index_find(&index, base + slot, &sequence, &offset);
                assert_int_equal(found, table[slot] != 0);
                assert_true(!found || sequence == table[slot]);
            }
        }
        storage_index_drop(&index, base + 3 * INDEX_PAGE_SLOTS, 1 << 20);
        assert_true(index.count <= 4); /* the pages in front are gone */
        storage_index_drop(&index, UINT64_MAX, 1 << 20);
        assert_int_equal(index.count, 0);
        assert_true(storage_index_fits(&index, UINT64_MAX)); /* and hold nobody back */
        storage_index_put(&index, base + 7, 3, 4096);
        storage_index_release(&index);
    }
    cd_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_against_table),
        cmocka_unit_test(test_far_slots_are_refused),
        cmocka_unit_test(test_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
