#include "cli/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: which texts are numbers, durations and entries of an ACL, and which are not. */

#define DAY_MS UINT64_C(86400000)

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},   {"007", 7},    {"18446744073709551615", UINT64_MAX},
                {"0x0", 0}, {"0xfF", 255}, {"0xffffffffffffffff", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "0x",
                                      "0X1",
                                      "0xg",
                                      "a",
                                      "0x-1",
                                      "18446744073709551616",
                                      "0x10000000000000000"};
    uint64_t value = 0;
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        assert_true(cli_number_parse(good[i].text, UINT64_MAX, &value));
        assert_true(value == good[i].value);
    }
    value = 42;
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        if (cli_number_parse(bad[i], UINT64_MAX, &value)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    assert_true(cli_number_parse("10", 10, &value));
    assert_false(cli_number_parse("11", 10, &value));
    assert_true(value == 10);
}

static void test_signed_numbers(void **state)
{
    int64_t value = 0;
    (void)state;
    assert_true(cli_signed_parse("-5", &value));
    assert_true(value == -5);
    assert_true(cli_signed_parse("-1", &value));
    assert_true(value == -1);
    assert_true(cli_signed_parse("9223372036854775807", &value));
    assert_true(value == INT64_MAX);
    assert_true(cli_signed_parse("-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    assert_false(cli_signed_parse("9223372036854775808", &value));
    assert_false(cli_signed_parse("-9223372036854775809", &value));
    assert_false(cli_signed_parse("--5", &value));
    assert_false(cli_signed_parse("-", &value));
    assert_false(cli_signed_parse("", &value));
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"1ms", 1},        {"500ms", 500},          {"2s", 2000},
                {"1.5s", 1500},    {"0.001s", 1},           {"1m", 60000},
                {"24h", 86400000}, {"0.5m", 30000},         {"007s", 7000},
                {"1.999s", 1999},  {"86400000ms", 86400000}};
    static const char *const bad[] = {
        "",     "s",       "2",   "2 s",       "-1s",  "+1s",   "1.s",    ".5s",
        "0s",   "0.0001s", "25h", "1e3s",      "2sec", "0.4ms", "1.2.3s", "99999999999999999999s",
        "soon", "1d",      " 1s", "86400001ms"};
    uint64_t ms = 0;
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        assert_true(cli_duration_parse(good[i].text, DAY_MS, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        if (cli_duration_parse(bad[i], DAY_MS, &ms)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    assert_true(cli_duration_parse("305419.896h", CLI_DURATION_MAX_MS, &ms));
    assert_true(ms == UINT64_C(1099511625600));
    assert_false(cli_duration_parse("305420h", CLI_DURATION_MAX_MS, &ms));
    assert_false(cli_duration_parse("1099511627777ms", CLI_DURATION_MAX_MS, &ms));
    assert_false(cli_duration_parse("1099511627776h", CLI_DURATION_MAX_MS, &ms));
}

static void test_acl_entries(void **state)
{
    static const char *const bad[] = {
        "", "anyone", ":r", "anyone:", "anyone:x", "cn:a:rr", "cn:a:rwx", "cn:a:"};
    struct cli_acl_entry entry;
    char letters[CLI_PERMISSIONS_BYTES];
    (void)state;
    assert_true(cli_acl_entry_parse("anyone:r", &entry));
    assert_string_equal(entry.scheme, "anyone");
    assert_string_equal(entry.id, "");
    assert_int_equal(entry.permissions, COORD_MAY_READ);
    assert_true(cli_acl_entry_parse("uri:spiffe://example.org/job:acdrw", &entry));
    assert_string_equal(entry.scheme, "uri");
    assert_string_equal(entry.id, "spiffe://example.org/job");
    assert_int_equal(entry.permissions, 31);
    cli_permissions_format(entry.permissions, letters);
    assert_string_equal(letters, "rwcda");
    cli_permissions_format(COORD_MAY_WRITE | COORD_MAY_ADMIN, letters);
    assert_string_equal(letters, "wa");
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        if (cli_acl_entry_parse(bad[i], &entry)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void test_acl_entries_that_are_too_long(void **state)
{
    char text[CLI_IDENTITY_BYTES_MAX + 16];
    struct cli_acl_entry entry;
    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "cn:", 3);
    memcpy(text + 3 + CLI_IDENTITY_BYTES_MAX, ":r", 3);
    assert_true(cli_acl_entry_parse(text, &entry));
    assert_int_equal(strlen(entry.id), CLI_IDENTITY_BYTES_MAX);
    memcpy(text + 3 + CLI_IDENTITY_BYTES_MAX, "x:r", 4);
    assert_false(cli_acl_entry_parse(text, &entry));
    assert_false(cli_acl_entry_parse("sixteen_letters_:x:r", &entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_signed_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_acl_entries),
        cmocka_unit_test(test_acl_entries_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
