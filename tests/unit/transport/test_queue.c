/*
 * Goal: queues keep order and own what they hold.
 * Method: by hand; leaks and double frees show under the address sanitizer.
 */
#include "transport/internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct item *numbered(uint64_t number)
{
    struct item *item = item_create(ITEM_SEND);
    item->number = number;
    return item;
}

static void expect(struct queue *queue, uint64_t number)
{
    struct item *item = queue_take(queue);
    assert_non_null(item);
    assert_int_equal(item->number, number);
    item_free(item);
}

static void first_in_first_out(void **state)
{
    (void)state;
    struct queue queue = {0};
    assert_null(queue_take(&queue));
    queue_push(&queue, numbered(1));
    queue_push(&queue, numbered(2));
    expect(&queue, 1);
    queue_push(&queue, numbered(3));
    expect(&queue, 2);
    expect(&queue, 3);
    assert_null(queue_take(&queue));
    queue_push(&queue, numbered(4)); /* after having been empty */
    expect(&queue, 4);
}

static void appending_moves_all(void **state)
{
    (void)state;
    struct queue one = {0};
    struct queue two = {0};
    queue_append(&one, &two);
    assert_null(one.first);
    queue_push(&two, numbered(1));
    queue_push(&two, numbered(2));
    queue_append(&one, &two); /* to an empty one */
    assert_null(queue_take(&two));
    queue_push(&two, numbered(3));
    queue_append(&one, &two); /* to one with items */
    queue_append(&one, &two); /* nothing */
    for (uint64_t i = 1; i <= 3; i++) {
        expect(&one, i);
    }
    assert_null(queue_take(&one));
}

static void items_own_what_they_name(void **state)
{
    (void)state;
    struct queue queue = {0};
    struct cd_blob *blob = cd_blob_copy("data", 4);
    struct item *item = numbered(1);
    item->blob = cd_blob_ref(blob);
    assert_int_equal(blob->refs, 2);
    assert_int_equal(item_cost(item), 4 + TRANSPORT_FRAME_OVERHEAD);
    queue_push(&queue, item);
    queue_push(&queue, numbered(2));
    queue_clear(&queue);
    assert_null(queue.first);
    assert_int_equal(blob->refs, 1);
    cd_blob_unref(blob);
    item_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(appending_moves_all),
        cmocka_unit_test(items_own_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
