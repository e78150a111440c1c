#include "death.h"

#include "base/status.h"

static void test_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(cd_status_name(CD_OK), "OK");
    assert_string_equal(cd_status_name(CD_NO_NODE), "NO_NODE");
    assert_string_equal(cd_status_text(CD_NO_NODE), "the node does not exist");
    assert_string_equal(cd_status_name(CD_TIMEOUT), "TIMEOUT");
    assert_string_equal(cd_status_name((enum cd_status)9999), "UNKNOWN");
    assert_non_null(strstr(cd_status_text((enum cd_status)9999), "does not know"));
}

/* Numbers are for ever: clients have them. Those of tests/unit/wire are compared with the proto. */
static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(CD_OK, 0);
    assert_int_equal(CD_NO_LEADER, 13);
    assert_int_equal(CD_LIMIT_TIME, 30);
    assert_int_equal(CD_UNREACHABLE, 100);
    const enum cd_status all[] = {
#define ROW(symbol, number, text) CD_##symbol,
        CD_STATUS_TABLE(ROW)
#undef ROW
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(all); i++) {
        assert_true((int)all[i] <= 30 || (int)all[i] >= 100);
        assert_true(strlen(cd_status_text(all[i])) > 0);
        for (size_t k = 0; k < i; k++) {
            assert_true(all[k] < all[i]); /* one number a row, in order */
            assert_string_not_equal(cd_status_name(all[k]), cd_status_name(all[i]));
        }
    }
}

static enum cd_status refuse(struct cd_error *error, size_t bytes)
{
    return cd_error_set(error, CD_TOO_LARGE, "path of %zu bytes; the limit is %d", bytes, 4096);
}

static void test_error_is_one_statement(void **state)
{
    (void)state;
    struct cd_error error;
    assert_int_equal(refuse(&error, 5000), CD_TOO_LARGE);
    assert_int_equal(error.status, CD_TOO_LARGE);
    assert_string_equal(error.message, "path of 5000 bytes; the limit is 4096");
    assert_int_equal(refuse(&error, 6000), CD_TOO_LARGE); /* the last one stands */
    assert_string_equal(error.message, "path of 6000 bytes; the limit is 4096");
    assert_int_equal(refuse(NULL, 5000), CD_TOO_LARGE);
}

static void test_long_messages_are_cut(void **state)
{
    (void)state;
    char text[2 * CD_ERROR_MESSAGE_BYTES];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct {
        struct cd_error error;
        char behind[8];
    } place = {.behind = "behind"};
    assert_int_equal(cd_error_set(&place.error, CD_IO, "%s", text), CD_IO);
    assert_int_equal(strlen(place.error.message), CD_ERROR_MESSAGE_BYTES - 1);
    assert_string_equal(place.behind, "behind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_error_is_one_statement),
        cmocka_unit_test(test_long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
