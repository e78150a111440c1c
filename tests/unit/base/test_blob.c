#include "death.h"

#include "base/blob.h"

#include <pthread.h>

static void test_create_and_copy(void **state)
{
    (void)state;
    struct cd_blob *made = cd_blob_create(5);
    assert_int_equal(made->bytes, 5);
    memcpy(made->data, "12345", 5);
    struct cd_blob *copy = cd_blob_copy(made->data, 5);
    made->data[0] = 'x';
    assert_memory_equal(copy->data, "12345", 5);
    cd_blob_unref(made);
    cd_blob_unref(copy);
}

static void test_empty(void **state)
{
    (void)state;
    struct cd_blob *none = cd_blob_copy(NULL, 0);
    assert_int_equal(none->bytes, 0);
    cd_blob_unref(none);
}

static void test_null_is_no_blob(void **state)
{
    (void)state;
    assert_null(cd_blob_ref(NULL));
    cd_blob_unref(NULL);
}

/* The last reference frees: under ASan a reference too few or too many is an error or a leak. */
static void test_lives_as_long_as_its_references(void **state)
{
    (void)state;
    struct cd_blob *blob = cd_blob_copy("kept", 4);
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(cd_blob_ref(blob), blob);
    }
    assert_int_equal(blob->refs, 4);
    for (int i = 0; i < 3; i++) {
        cd_blob_unref(blob);
        assert_memory_equal(blob->data, "kept", 4);
    }
    assert_int_equal(blob->refs, 1);
    cd_blob_unref(blob);
}

static void create_too_large(void *context)
{
    (void)context;
    cd_blob_unref(cd_blob_create((size_t)UINT32_MAX + 1));
}

static void test_length_must_fit(void **state)
{
    (void)state;
    struct death death = death_of(create_too_large, NULL);
    assert_true(death.died);
    assert_non_null(strstr(death.last, "assertion failed"));
}

static int arrived; /* atomic */

static void *take_and_give(void *context)
{
    struct cd_blob *blob = context;
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2) {
    }
    for (int i = 0; i < 10000000; i++) {
        cd_blob_unref(cd_blob_ref(blob));
    }
    return NULL;
}

static void test_references_from_two_threads(void **state)
{
    (void)state;
    struct cd_blob *blob = cd_blob_copy("shared", 6);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, take_and_give, blob), 0);
    (void)take_and_give(blob);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(blob->refs, 1);
    cd_blob_unref(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_copy),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_null_is_no_blob),
        cmocka_unit_test(test_lives_as_long_as_its_references),
        cmocka_unit_test(test_length_must_fit),
        cmocka_unit_test(test_references_from_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
