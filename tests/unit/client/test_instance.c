#include "recipes/internal.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: what is written of an instance is what SPEC.md says and is read back as it was; whatever
 * else stands in a node is no instance, and harms nobody. Method: texts by hand, each prefix of a
 * good one, and good ones with bytes changed at random.
 */

static const char good[] =
    "{\"name\":\"orders\",\"id\":\"a1\",\"address\":\"10.0.0.7\",\"port\":8080,"
    "\"metadata\":{\"zone\":\"b\",\"empty\":\"\"}}";

static struct client_arena arena;
static struct coord_instance instance;

static enum coord_code read_bytes(const void *data, size_t bytes)
{
    client_arena_release(&arena);
    client_arena_init(&arena, SIZE_MAX);
    return recipe_instance_read("orders", "a1", data, bytes, &arena, &instance);
}

static enum coord_code read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static int tear_down(void **state)
{
    (void)state;
    client_arena_release(&arena);
    return 0;
}

static void test_as_it_is_written(void **state)
{
    const struct coord_pair pairs[] = {{"zone", "b"}, {"empty", ""}};
    const struct coord_instance from = {.name = "orders",
                                        .id = "a1",
                                        .address = "10.0.0.7",
                                        .port = 8080,
                                        .metadata_count = 2,
                                        .metadata = pairs};
    char *text = NULL;
    size_t bytes = 0;
    (void)state;
    assert_int_equal(recipe_instance_write(&from, &text, &bytes, NULL), COORD_OK);
    assert_int_equal(bytes, strlen(good));
    assert_memory_equal(text, good, bytes);
    assert_int_equal(read_bytes(text, bytes), COORD_OK);
    client_free(text);
    assert_string_equal(instance.name, "orders");
    assert_string_equal(instance.id, "a1");
    assert_string_equal(instance.address, "10.0.0.7");
    assert_int_equal(instance.port, 8080);
    assert_int_equal(instance.metadata_count, 2);
    assert_string_equal(coord_instance_metadata(&instance, "zone"), "b");
    assert_string_equal(coord_instance_metadata(&instance, "empty"), "");
    assert_null(coord_instance_metadata(&instance, "other"));
}

static void test_what_cannot_be_written(void **state)
{
    static const struct coord_pair twice[] = {{"k", "1"}, {"k", "2"}};
    static const struct coord_pair bytes_of[] = {{"k", "\xff"}};
    static const struct coord_pair no_value[] = {{"k", NULL}};
    static struct coord_pair many[COORD_METADATA_MAX + 1];
    static char large[COORD_INSTANCE_BYTES_MAX + 1];
    const struct {
        struct coord_instance instance;
        enum coord_code code;
    } cases[] = {
        {{.name = "n", .id = "i", .address = "", .port = 1}, COORD_INVALID_ARGUMENT},
        {{.name = "n", .id = "i", .address = NULL, .port = 1}, COORD_INVALID_ARGUMENT},
        {{.name = "n", .id = "i", .address = "\xff", .port = 1}, COORD_INVALID_ARGUMENT},
        {{.name = "n", .id = "\xc3", .address = "h", .port = 1}, COORD_INVALID_ARGUMENT},
        {{.name = "n", .id = "i", .address = "h", .port = 0}, COORD_INVALID_ARGUMENT},
        {{"n", "i", "h", 1, 2, twice}, COORD_INVALID_ARGUMENT},
        {{"n", "i", "h", 1, 1, bytes_of}, COORD_INVALID_ARGUMENT},
        {{"n", "i", "h", 1, 1, no_value}, COORD_INVALID_ARGUMENT},
        {{"n", "i", "h", 1, CD_ARRAY_COUNT(many), many}, COORD_TOO_MANY},
        {{.name = "n", .id = "i", .address = large, .port = 1}, COORD_TOO_LARGE},
    };
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    for (size_t i = 0; i < CD_ARRAY_COUNT(cases); i++) {
        struct coord_error error = {.code = COORD_OK};
        char *text = NULL;
        size_t bytes = 0;
        assert_int_equal(recipe_instance_write(&cases[i].instance, &text, &bytes, &error),
                         cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_null(text);
    }
}

static void test_what_is_one(void **state)
{
    static const char *const texts[] = {
        "{\"name\":\"orders\",\"id\":\"a1\",\"address\":\"h\",\"port\":1}",
        (" {\"port\": 65535.0, \"address\":\"h\", \"id\":\"a1\", \"name\":\"orders\", "
         "\"metadata\":{}, \"more\":[1,{\"x\":1e300,\"y\":123456789012345678901234567890}]} "),
        "{\"name\":\"\\u006frders\",\"id\":\"a1\",\"address\":\"h\",\"port\":8e3}",
    };
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(texts); i++) {
        assert_int_equal(read_text(texts[i]), COORD_OK);
        assert_int_equal(instance.metadata_count, 0);
    }
    assert_int_equal(instance.port, 8000);
}

static void test_what_is_none(void **state)
{
#define WITH(rest) "{\"name\":\"orders\",\"id\":\"a1\"," rest "}"
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "\"orders\"",
        "{}",
        WITH("\"address\":\"h\""),
        WITH("\"port\":1"),
        WITH("\"address\":\"\",\"port\":1"),
        WITH("\"address\":7,\"port\":1"),
        WITH("\"address\":\"h\",\"port\":0"),
        WITH("\"address\":\"h\",\"port\":-1"),
        WITH("\"address\":\"h\",\"port\":65536"),
        WITH("\"address\":\"h\",\"port\":1.5"),
        WITH("\"address\":\"h\",\"port\":1e400"),
        WITH("\"address\":\"h\",\"port\":\"1\""),
        WITH("\"address\":\"h\",\"port\":1,\"port\":1"),
        WITH("\"address\":\"h\\u0000\",\"port\":1"),
        WITH("\"address\":\"\xff\",\"port\":1"),
        WITH("\"address\":\"h\",\"port\":1,\"metadata\":null"),
        WITH("\"address\":\"h\",\"port\":1,\"metadata\":[]"),
        WITH("\"address\":\"h\",\"port\":1,\"metadata\":{\"k\":1}"),
        WITH("\"address\":\"h\",\"port\":1,\"metadata\":{\"k\":\"1\",\"k\":\"1\"}"),
        WITH("\"address\":\"h\",\"port\":1") " x",
        "{\"name\":\"other\",\"id\":\"a1\",\"address\":\"h\",\"port\":1}",
        "{\"name\":\"orders\",\"id\":\"a2\",\"address\":\"h\",\"port\":1}",
    };
#undef WITH
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(texts); i++) {
        if (read_text(texts[i]) != COORD_MALFORMED) {
            fail_msg("taken for an instance: %s", texts[i]);
        }
    }
    for (size_t bytes = 0; bytes < strlen(good); bytes++) {
        assert_int_equal(read_bytes(good, bytes), COORD_MALFORMED);
    }
    assert_int_equal(read_bytes(good, sizeof(good)), COORD_MALFORMED); /* a NUL behind it */
    assert_int_equal(read_text(good), COORD_OK);
}

static void test_too_much_of_it(void **state)
{
    static char text[2 * COORD_INSTANCE_BYTES_MAX];
    const char *head =
        "{\"name\":\"orders\",\"id\":\"a1\",\"address\":\"h\",\"port\":1,\"metadata\":{";
    (void)state;
    for (int count = COORD_METADATA_MAX; count <= COORD_METADATA_MAX + 1; count++) {
        size_t bytes = (size_t)snprintf(text, sizeof(text), "%s", head);
        for (int i = 0; i < count; i++) {
            bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s\"k%d\":\"v\"",
                                      i == 0 ? "" : ",", i);
        }
        (void)snprintf(text + bytes, sizeof(text) - bytes, "}}");
        assert_int_equal(read_text(text), count == COORD_METADATA_MAX ? COORD_OK : COORD_MALFORMED);
    }
    /* Spaces behind it, up to the limit and over it. */
    memset(text, ' ', sizeof(text));
    memcpy(text, good, strlen(good));
    assert_int_equal(read_bytes(text, COORD_INSTANCE_BYTES_MAX), COORD_OK);
    assert_int_equal(read_bytes(text, COORD_INSTANCE_BYTES_MAX + 1), COORD_MALFORMED);
    memset(text, '[', COORD_INSTANCE_BYTES_MAX); /* deeper than any stack */
    assert_int_equal(read_bytes(text, COORD_INSTANCE_BYTES_MAX), COORD_MALFORMED);
}

static void test_random_bytes(void **state)
{
    struct cd_prng prng;
    size_t read = 0;
    (void)state;
    cd_prng_init(&prng, 7);
    for (size_t i = 0; i < 100000; i++) {
        char text[sizeof(good)];
        memcpy(text, good, sizeof(good));
        for (uint64_t j = 1 + cd_prng_below(&prng, 3); j > 0; j--) {
            text[cd_prng_below(&prng, sizeof(good) - 1)] = (char)cd_prng_below(&prng, 256);
        }
        enum coord_code code = read_bytes(text, sizeof(good) - 1);
        assert_true(code == COORD_OK || code == COORD_MALFORMED);
        if (code == COORD_OK) {
            read++;
            assert_string_equal(instance.name, "orders");
            assert_string_equal(instance.id, "a1");
            assert_true(instance.address[0] != '\0' && instance.port != 0);
            assert_true(instance.metadata_count <= 2);
        }
    }
    assert_in_range(read, 1000, 99000); /* some change an address or a value alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_is_written), cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_what_is_one),      cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_too_much_of_it),   cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
