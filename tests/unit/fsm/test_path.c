#include "support.h"

#include "base/prng.h"
#include "fsm/path.h"

#include <stdio.h>

/* Goal: every rule of a path is enforced and named; keys are ordered as path.h says. */

static const struct fsm_limits limits = {.path_bytes = 32};

static void accept(const char *path)
{
    assert_int_equal(fsm_path_check(&limits, text(path), NULL), CD_OK);
}

static void refuse_bytes(const char *path, size_t bytes, const char *rule)
{
    struct cd_error error = {0};
    struct fsm_bytes given = {.data = (const uint8_t *)path, .bytes = bytes};
    assert_int_equal(fsm_path_check(&limits, given, &error), CD_INVALID_ARGUMENT);
    assert_int_equal(error.status, CD_INVALID_ARGUMENT);
    if (strstr(error.message, rule) == NULL) {
        fail_msg("\"%s\" does not name \"%s\"", error.message, rule);
    }
}

static void refuse(const char *path, const char *rule)
{
    refuse_bytes(path, strlen(path), rule);
}

static void test_valid(void **state)
{
    (void)state;
    accept("/");
    accept("/a");
    accept("/a/b");
    accept("/...");
    accept("/.a/b./..c");
    accept("/ a");
    accept("/\xc3\xa9");                        /* U+00E9 */
    accept("/\xe2\x82\xac");                    /* U+20AC */
    accept("/\xed\x9f\xbf");                    /* U+D7FF, last before the surrogates */
    accept("/\xee\x80\x80");                    /* U+E000, first behind them */
    accept("/\xf0\x90\x80\x80");                /* U+10000 */
    accept("/\xf4\x8f\xbf\xbf");                /* U+10FFFF */
    accept("/\xc2\xa0");                        /* U+00A0, first behind the controls */
    accept("/123456789-123456789-123456789-1"); /* 32 bytes */
}

static void test_form(void **state)
{
    (void)state;
    refuse("", "empty");
    refuse("a", "absolute");
    refuse("a/b", "absolute");
    refuse("//", "empty element");
    refuse("//a", "empty element");
    refuse("/a//b", "empty element");
    refuse("/a/", "end with a slash");
    refuse("/.", "\".\"");
    refuse("/./a", "\".\"");
    refuse("/a/.", "\".\"");
    refuse("/..", "\"..\"");
    refuse("/a/../b", "\"..\"");
    refuse("/a/..", "\"..\"");
    refuse("/123456789-123456789-123456789-12", "path_bytes is 32");
}

static void test_characters(void **state)
{
    (void)state;
    refuse_bytes("/a\0b", 4, "NUL");
    refuse_bytes("/\0", 2, "NUL");
    refuse("/a\x01", "control");
    refuse("/\x1f/b", "control");
    refuse("/\x7f", "control");
    refuse("/\xc2\x80", "control"); /* U+0080 */
    refuse("/\xc2\x9f", "control"); /* U+009F */
    refuse("/\n", "control");
    refuse("/\x80", "UTF-8");             /* continuation alone */
    refuse("/\xc3", "UTF-8");             /* cut */
    refuse("/\xe2\x82", "UTF-8");         /* cut */
    refuse("/\xe2\x82/a", "UTF-8");       /* cut by a slash */
    refuse("/\xc0\xaf", "UTF-8");         /* overlong slash */
    refuse("/\xc1\xbf", "UTF-8");         /* overlong */
    refuse("/\xe0\x80\xaf", "UTF-8");     /* overlong */
    refuse("/\xf0\x80\x80\xaf", "UTF-8"); /* overlong */
    refuse("/\xed\xa0\x80", "UTF-8");     /* surrogate */
    refuse("/\xed\xbf\xbf", "UTF-8");     /* surrogate */
    refuse("/\xf4\x90\x80\x80", "UTF-8"); /* U+110000 */
    refuse("/\xf8\x88\x80\x80\x80", "UTF-8");
    refuse("/\xff", "UTF-8");
}

static void test_prefix(void **state)
{
    (void)state;
    const char *valid[] = {"/", "/a", "/a/", "/a/b-", "/a/.", "/a/.."};
    const char *invalid[] = {
        "",    "a",     "//",       "/a//",
        "/./", "/../x", "/a/b\x01", "/123456789-123456789-12"}; /* 23 bytes and a suffix of 10 */
    for (size_t i = 0; i < CD_ARRAY_COUNT(valid); i++) {
        assert_int_equal(fsm_path_check_prefix(&limits, text(valid[i]), NULL), CD_OK);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(invalid); i++) {
        assert_int_equal(fsm_path_check_prefix(&limits, text(invalid[i]), NULL),
                         CD_INVALID_ARGUMENT);
    }
    assert_int_equal(fsm_path_check_prefix(&limits, text("/123456789-123456789-1"), NULL), CD_OK);
}

static void test_keys(void **state)
{
    (void)state;
    assert_text(fsm_key_of_path(text("/")), "");
    assert_text(fsm_key_of_path(text("/a")), "/a");
    assert_text(fsm_path_of_key(text("")), "/");
    assert_text(fsm_key_parent(text("/a")), "");
    assert_text(fsm_key_parent(text("/a/bc")), "/a");
    assert_true(fsm_key_below(text("/a/b"), text("/a")));
    assert_true(fsm_key_below(text("/a"), text("")));
    assert_false(fsm_key_below(text("/a"), text("/a")));
    assert_false(fsm_key_below(text("/ab"), text("/a")));
    assert_false(fsm_key_below(text("/a"), text("/a/b")));
}

static void test_order(void **state)
{
    (void)state;
    static const char *const ascending[] = {"",     "/a",     "/a/b",        "/a/b/c",     "/a/d",
                                            "/a!",  "/a-",    "/a0",         "/ab",        "/b",
                                            "/b/0", "/b\x7f", "/longname/x", "/longname0", "/z"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(ascending); i++) {
        for (size_t j = 0; j < CD_ARRAY_COUNT(ascending); j++) {
            int order = fsm_key_order(text(ascending[i]), text(ascending[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

/* The twin: the slash replaced by the lowest byte there is, then plain strcmp. */
static int naive_order(const char *a, const char *b)
{
    char copies[2][64];
    snprintf(copies[0], sizeof(copies[0]), "%s", a);
    snprintf(copies[1], sizeof(copies[1]), "%s", b);
    for (size_t i = 0; i < 2; i++) {
        for (char *at = copies[i]; *at != '\0'; at++) {
            *at = *at == '/' ? '\x01' : *at;
        }
    }
    return strcmp(copies[0], copies[1]);
}

static void test_order_random(void **state)
{
    (void)state;
    static const char letters[] = "//ab!\x7f\xe2";
    struct cd_prng prng;
    cd_prng_init(&prng, 7);
    for (int round = 0; round < 200000; round++) {
        char keys[2][32];
        size_t common = cd_prng_below(&prng, 20);
        for (size_t k = 0; k < 2; k++) {
            size_t bytes = common + cd_prng_below(&prng, 8);
            for (size_t i = 0; i < bytes; i++) {
                keys[k][i] = k == 1 && i < common ? keys[0][i] : letters[cd_prng_below(&prng, 7)];
            }
            keys[k][bytes] = '\0';
        }
        int order = fsm_key_order(text(keys[0]), text(keys[1]));
        int naive = naive_order(keys[0], keys[1]);
        assert_int_equal((order > 0) - (order < 0), (naive > 0) - (naive < 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),        cmocka_unit_test(test_form),
        cmocka_unit_test(test_characters),   cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
