#include "death.h"

#include "base/hash.h"
#include "base/prng.h"

/*
 * Values of XXH3's specification: what is on a disk or told to a peer must mean the same after an
 * upgrade of the library.
 */
static void test_values_are_those_of_the_specification(void **state)
{
    (void)state;
    assert_true(cd_hash64("", 0) == 0x2d06800538d394c2u);
    assert_true(cd_hash64(NULL, 0) == 0x2d06800538d394c2u);
    assert_true(cd_hash64("a", 1) == 0xe6c632b61e964e1fu);
    assert_true(cd_hash64("abc", 3) == 0x78af5f94892f3950u);
}

static void test_seed_zero_is_no_seed(void **state)
{
    (void)state;
    uint8_t bytes[300];
    memset(bytes, 0x5a, sizeof(bytes));
    for (size_t count = 0; count < sizeof(bytes); count++) {
        assert_true(cd_hash64(bytes, count) == cd_hash64_seeded(bytes, count, 0));
        assert_true(cd_hash64(bytes, count) != cd_hash64_seeded(bytes, count, 1));
    }
}

static void test_every_bit_counts(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 3);
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)cd_prng_next(&prng);
    }
    uint64_t whole = cd_hash64(bytes, sizeof(bytes));
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(cd_hash64(bytes, sizeof(bytes)) != whole);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_true(cd_hash64(bytes, sizeof(bytes)) == whole);
    assert_true(cd_hash64(bytes, sizeof(bytes) - 1) != whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_those_of_the_specification),
        cmocka_unit_test(test_seed_zero_is_no_seed),
        cmocka_unit_test(test_every_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
