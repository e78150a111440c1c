#include "support.h"

#include "fsm/number.h"

/* Goal: every int64 and nothing else goes in and out; sums that leave it are refused. */

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-7, "-7"},
                 {10, "10"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buffer[FSM_NUMBER_BYTES_MAX];
        size_t bytes = fsm_number_format(cases[i].value, buffer);
        int64_t value = 1;
        assert_text(((struct fsm_bytes){buffer, bytes}), cases[i].text);
        assert_true(fsm_number_parse(text(cases[i].text), &value));
        assert_true(value == cases[i].value);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "--1",
                                      "1.0",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value;
        if (fsm_number_parse(text(bad[i]), &value)) {
            fail_msg("\"%s\" was read", bad[i]);
        }
    }
    int64_t value = 1;
    assert_true(fsm_number_parse(text("-0"), &value));
    assert_true(value == 0);
    assert_true(fsm_number_parse(text("000000000000000000000000012"), &value));
    assert_true(value == 12);
    assert_false(fsm_number_parse((struct fsm_bytes){(const uint8_t *)"1\0", 2}, &value));
}

static void test_add(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_true(fsm_number_add(INT64_MAX, INT64_MIN, &sum));
    assert_true(sum == -1);
    assert_true(fsm_number_add(INT64_MAX - 1, 1, &sum));
    assert_true(sum == INT64_MAX);
    assert_false(fsm_number_add(INT64_MAX, 1, &sum));
    assert_true(fsm_number_add(INT64_MIN + 1, -1, &sum));
    assert_true(sum == INT64_MIN);
    assert_false(fsm_number_add(INT64_MIN, -1, &sum));
    assert_false(fsm_number_add(INT64_MIN, INT64_MIN, &sum));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_add)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
