#include "cli/json.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: what numbers, bytes and stats look like as JSON. */

static int setup(void **state)
{
    (void)state;
    cli_json_init();
    return 0;
}

/* Takes `value`. */
static void looks(json_t *value, const char *text)
{
    char *printed = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(printed, text);
    cd_free(printed);
    json_decref(value);
}

static void test_numbers(void **state)
{
    (void)state;
    looks(cli_json_number(0), "0");
    looks(cli_json_number(0x1000000000001), "281474976710657");
    looks(cli_json_number(INT64_MAX), "9223372036854775807");
    looks(cli_json_number((uint64_t)INT64_MAX + 1), "\"9223372036854775808\"");
}

static json_t *with_data(const void *data, size_t bytes)
{
    json_t *object = json_object();
    cli_json_put_data(object, "data", data, bytes);
    return object;
}

static void test_data(void **state)
{
    (void)state;
    looks(with_data(NULL, 0), "{\"data\":\"\"}");
    looks(with_data("blue", 4), "{\"data\":\"blue\"}");
    looks(with_data("a\0b", 3), "{\"data\":\"a\\u0000b\"}");
    looks(with_data("\"\n", 2), "{\"data\":\"\\\"\\n\"}");
    looks(with_data("h\xc3\xbc", 3), "{\"data\":\"h\xc3\xbc\"}");
    looks(with_data("\xff", 1), "{\"data64\":\"/w==\"}");
    looks(with_data("\xc3", 1), "{\"data64\":\"ww==\"}");
    looks(with_data("\xed\xa0\x80", 3), "{\"data64\":\"7aCA\"}"); /* half of a surrogate pair */
}

/* The vectors of RFC 4648 begin with "f"; here each begins with a byte that is no UTF-8. */
static void test_base64(void **state)
{
    (void)state;
    looks(with_data("\xfb", 1), "{\"data64\":\"+w==\"}");
    looks(with_data("\xfb\xff", 2), "{\"data64\":\"+/8=\"}");
    looks(with_data("\xfb\xff\xfe", 3), "{\"data64\":\"+//+\"}");
    looks(with_data("\xff"
                    "foobar",
                    7),
          "{\"data64\":\"/2Zvb2Jhcg==\"}");
}

static void test_text_that_is_none(void **state)
{
    (void)state;
    looks(cli_json_text("a/b"), "\"a/b\"");
    looks(cli_json_text("\xff"), "\"/w==\"");
}

static void test_stat(void **state)
{
    const struct coord_node_stat stat = {.czxid = 1,
                                         .mzxid = 2,
                                         .pzxid = 3,
                                         .ctime_ms = 4,
                                         .mtime_ms = 5,
                                         .version = 6,
                                         .cversion = 7,
                                         .aversion = 8,
                                         .ephemeral_owner = 9,
                                         .data_length = 10,
                                         .num_children = 11,
                                         .azxid = 12,
                                         .kind = COORD_NODE_EPHEMERAL,
                                         .ttl_ms = 13};
    (void)state;
    looks(cli_json_stat(NULL), "null");
    looks(cli_json_stat(&stat),
          "{\"czxid\":1,\"mzxid\":2,\"pzxid\":3,\"ctime_ms\":4,\"mtime_ms\":5,\"version\":6,"
          "\"cversion\":7,\"aversion\":8,\"ephemeral_owner\":9,\"data_length\":10,"
          "\"num_children\":11,\"azxid\":12,\"kind\":\"EPHEMERAL\",\"ttl_ms\":13}");
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(cli_json_node_kind(COORD_NODE_PERSISTENT), "PERSISTENT");
    assert_string_equal(cli_json_node_kind(COORD_NODE_TTL), "TTL");
    assert_string_equal(cli_json_event_kind(COORD_EVENT_ACL_CHANGED), "ACL_CHANGED");
    assert_string_equal(cli_json_event_kind((enum coord_event_kind)99), "UNRECOGNIZED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_data),
        cmocka_unit_test(test_base64),  cmocka_unit_test(test_text_that_is_none),
        cmocka_unit_test(test_stat),    cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
