#include "support.h"

#include "base/prng.h"

#include <stdalign.h>

/* Goal: the arena keeps its limit, its alignment and its zeros, and forgets everything at once. */

static void test_limit(void **state)
{
    (void)state;
    struct wire_arena arena;
    wire_arena_init(&arena, 1000);
    assert_non_null(wire_arena_get(&arena, 500));
    assert_null(wire_arena_get(&arena, 600));
    assert_true(arena.exhausted);
    assert_non_null(wire_arena_get(&arena, 400));
    assert_true(arena.exhausted); /* it remembers */
    assert_null(wire_arena_get(&arena, SIZE_MAX));
    assert_null(wire_arena_get(&arena, SIZE_MAX - 15));
    assert_null(wire_arena_get_array(&arena, SIZE_MAX / 2, 3));
    wire_arena_clear(&arena);
    assert_false(arena.exhausted);
    assert_non_null(wire_arena_get(&arena, 992));
    wire_arena_release(&arena);
}

static void test_nothing_is_something(void **state)
{
    (void)state;
    struct wire_arena arena;
    wire_arena_init(&arena, 64);
    void *first = wire_arena_get(&arena, 0);
    void *second = wire_arena_get_array(&arena, 0, 100);
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    wire_arena_release(&arena);
}

/* Blocks of all sizes at random: none overlaps another, all are aligned and zero at first. */
static void test_blocks(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static uint8_t *blocks[COUNT];
    static size_t sizes[COUNT];
    struct wire_arena arena;
    struct cd_prng prng;
    cd_prng_init(&prng, 7);
    wire_arena_init(&arena, (size_t)64 << 20);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            size_t most = cd_prng_below(&prng, 10) == 0 ? 200000 : 300;
            sizes[i] = (size_t)cd_prng_below(&prng, most);
            blocks[i] = wire_arena_get(&arena, sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(blocks[i][k], 0);
            }
            memset(blocks[i], (int)(i % 255) + 1, sizes[i]);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(blocks[i][k], i % 255 + 1);
            }
        }
        wire_arena_clear(&arena);
    }
    wire_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_nothing_is_something),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
