#include "death.h"

#include "base/memory.h"

static void test_sizes_of_zero_give_memory(void **state)
{
    (void)state;
    void *a = cd_malloc(0);
    void *b = cd_calloc(0, 8);
    void *c = cd_calloc(8, 0);
    void *d = cd_realloc(NULL, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_non_null(d);
    cd_free(a);
    cd_free(b);
    cd_free(c);
    cd_free(d);
    cd_free(NULL);
}

static void test_calloc_is_zero(void **state)
{
    (void)state;
    uint8_t *bytes = cd_calloc(100, 7);
    for (size_t i = 0; i < 700; i++) {
        assert_int_equal(bytes[i], 0);
    }
    cd_free(bytes);
}

static void test_realloc_keeps_what_was_there(void **state)
{
    (void)state;
    char *text = cd_malloc(5);
    memcpy(text, "text", 5);
    text = cd_realloc(text, 100000);
    assert_string_equal(text, "text");
    cd_free(text);
}

static void test_copies_end_with_nul(void **state)
{
    (void)state;
    char *whole = cd_strdup("path");
    assert_string_equal(whole, "path");
    char *part = cd_strndup("path and more", 4);
    assert_string_equal(part, "path");
    char *with_nul = cd_strndup("a\0b", 3);
    assert_memory_equal(with_nul, "a\0b\0", 4);
    char *none = cd_strndup("x", 0);
    assert_string_equal(none, "");
    cd_free(whole);
    cd_free(part);
    cd_free(with_nul);
    cd_free(none);
}

static void take_too_much(void *context)
{
    const int *which = context;
    volatile size_t huge = SIZE_MAX / 2;
    void *memory = *which == 0   ? cd_malloc(huge)
                   : *which == 1 ? cd_calloc(huge, 4)
                                 : cd_realloc(NULL, huge);
    cd_free(memory);
}

static void test_no_memory_stops_the_process(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        assert_true(death_of(take_too_much, &which).died);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_of_zero_give_memory),
        cmocka_unit_test(test_calloc_is_zero),
        cmocka_unit_test(test_realloc_keeps_what_was_there),
        cmocka_unit_test(test_copies_end_with_nul),
        cmocka_unit_test(test_no_memory_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
