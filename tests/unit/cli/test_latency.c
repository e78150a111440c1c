#include "cli/latency.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: quantiles are those of the values themselves, but for a 64th. Method: against a sorted
 * list.
 */

enum { VALUES = 5000 };

static struct cli_latency latency; /* too large for a stack */

static int reset(void **state)
{
    (void)state;
    memset(&latency, 0, sizeof(latency));
    return 0;
}

static void test_none(void **state)
{
    (void)state;
    assert_true(cli_latency_quantile_us(&latency, 500) == 0);
    assert_true(cli_latency_quantile_us(&latency, 1000) == 0);
}

static void test_small_ones_are_exact(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 100; us++) {
        cli_latency_add(&latency, us);
    }
    assert_true(cli_latency_quantile_us(&latency, 10) == 0);
    assert_true(cli_latency_quantile_us(&latency, 500) == 49);
    assert_true(cli_latency_quantile_us(&latency, 990) == 98);
    assert_true(cli_latency_quantile_us(&latency, 999) == 99);
    assert_true(latency.count == 100 && latency.max_us == 99);
}

static void test_the_rarest(void **state)
{
    (void)state;
    for (int i = 0; i < 999; i++) {
        cli_latency_add(&latency, 10);
    }
    cli_latency_add(&latency, 1000000);
    assert_true(cli_latency_quantile_us(&latency, 999) == 10);
    assert_true(cli_latency_quantile_us(&latency, 1000) == 1000000);
    cli_latency_add(&latency, 1000000);
    assert_true(cli_latency_quantile_us(&latency, 999) == 1000000);
}

/* Around every power of two, where buckets change their width. */
static void test_every_size(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        for (uint64_t more = 0; more < 3; more++) {
            uint64_t us = (UINT64_C(1) << bits) + more - 1;
            (void)reset(NULL);
            cli_latency_add(&latency, us);
            cli_latency_add(&latency, UINT32_MAX);
            uint64_t found = cli_latency_quantile_us(&latency, 500);
            assert_true(found >= us && found - us <= us / 64);
        }
    }
}

static void test_above_the_top(void **state)
{
    (void)state;
    cli_latency_add(&latency, UINT64_MAX);
    assert_true(cli_latency_quantile_us(&latency, 500) == UINT32_MAX);
}

static int compare(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

static void test_against_a_sorted_list(void **state)
{
    static const uint32_t shares[] = {1, 100, 500, 900, 990, 999, 1000};
    static uint64_t values[VALUES];
    static struct cli_latency half;
    struct cd_prng prng;
    (void)state;
    memset(&half, 0, sizeof(half));
    cd_prng_init(&prng, 1);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = cd_prng_next(&prng) >> (40 + cd_prng_below(&prng, 20));
        cli_latency_add(i % 2 == 0 ? &latency : &half, values[i]);
    }
    cli_latency_merge(&latency, &half);
    qsort(values, VALUES, sizeof(values[0]), compare);
    assert_true(latency.count == VALUES && latency.max_us == values[VALUES - 1]);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        uint64_t exact = values[(VALUES * (size_t)shares[i] + 999) / 1000 - 1];
        uint64_t found = cli_latency_quantile_us(&latency, shares[i]);
        assert_true(found >= exact && found - exact <= exact / 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_none, reset),
        cmocka_unit_test_setup(test_small_ones_are_exact, reset),
        cmocka_unit_test_setup(test_the_rarest, reset),
        cmocka_unit_test_setup(test_every_size, reset),
        cmocka_unit_test_setup(test_above_the_top, reset),
        cmocka_unit_test_setup(test_against_a_sorted_list, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
