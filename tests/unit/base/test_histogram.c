/* Goal: a value counts under the first bound that is not below it, and nowhere else. */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void bounds_are_inclusive(void **state)
{
    (void)state;
    static const struct {
        uint64_t us;
        size_t place;
    } table[] = {
        {0, 0},    {10, 0},   {11, 1},       {50, 1},       {51, 2},
        {1000, 5}, {1001, 6}, {1000000, 13}, {1000001, 14}, {UINT32_MAX, 14},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        struct cd_histogram histogram = {0};
        cd_histogram_add(&histogram, table[i].us);
        for (size_t j = 0; j <= CD_HISTOGRAM_BOUNDS; j++) {
            assert_int_equal(histogram.counts[j], j == table[i].place);
        }
        assert_int_equal(histogram.sum_us, table[i].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_inclusive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
