#include "death.h"

#include "base/prng.h"

/* xoshiro256** after state {1, 2, 3, 4}, from its authors' reference code. */
static void test_follows_the_reference(void **state)
{
    (void)state;
    struct cd_prng prng = {.state = {1, 2, 3, 4}};
    const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u,
                                 1216172134540287360u};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(cd_prng_next(&prng) == expected[i]);
    }
}

/* splitmix64 of seed 0, from its author's reference code. */
static void test_seeding_follows_the_reference(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 0);
    assert_true(prng.state[0] == 0xe220a8397b1dcdafu);
    assert_true(prng.state[1] == 0x6e789e6aa1b965f4u);
    assert_true(prng.state[2] == 0x06c45d188009454fu);
    assert_true(prng.state[3] == 0xf88bb8a8724c81ecu);
}

static void test_a_seed_says_it_all(void **state)
{
    (void)state;
    struct cd_prng a;
    struct cd_prng b;
    struct cd_prng other;
    cd_prng_init(&a, 42);
    cd_prng_init(&b, 42);
    cd_prng_init(&other, 43);
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = cd_prng_next(&a);
        assert_true(value == cd_prng_next(&b));
        equal += value == cd_prng_next(&other) ? 1 : 0;
    }
    assert_int_equal(equal, 0);
}

static void test_below_stays_below_and_is_even(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 9);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t value = cd_prng_below(&prng, 7);
        assert_true(value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 9500, 10500);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(cd_prng_below(&prng, 1), 0);
        (void)cd_prng_below(&prng, UINT64_MAX);
    }
}

/* Two thirds of 2^64 as bound: taking a remainder would make the lower third twice as likely. */
static void test_below_has_no_favourites(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 10);
    const uint64_t third = UINT64_MAX / 3;
    int low = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t value = cd_prng_below(&prng, 2 * third);
        assert_true(value < 2 * third);
        low += value < third ? 1 : 0;
    }
    assert_in_range(low, 14500, 15500);
}

static void bound_of_zero(void *context)
{
    (void)cd_prng_below(context, 0);
}

static void test_bound_of_zero_is_a_mistake(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 1);
    assert_true(death_of(bound_of_zero, &prng).died);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_the_reference),
        cmocka_unit_test(test_seeding_follows_the_reference),
        cmocka_unit_test(test_a_seed_says_it_all),
        cmocka_unit_test(test_below_stays_below_and_is_even),
        cmocka_unit_test(test_below_has_no_favourites),
        cmocka_unit_test(test_bound_of_zero_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
