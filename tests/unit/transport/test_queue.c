/*
 * Goal: queues keep order and own what they hold; in an inbox peers come out first (T5).
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

static void expect_item(struct item *item, uint64_t number)
{
    assert_non_null(item);
    assert_int_equal(item->number, number);
    item_free(item);
}

static void expect(struct queue *queue, uint64_t number)
{
    expect_item(queue_take(queue), number);
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

static void push(struct inbox *inbox, enum item_kind kind, uint64_t number)
{
    struct item *item = item_create(kind);
    item->number = number;
    inbox_push(inbox, item);
}

static void peers_come_out_first(void **state)
{
    (void)state;
    static const enum item_kind of_others[] = {ITEM_OPENED, ITEM_FRAME, ITEM_ENDED,
                                               ITEM_CLOSED, ITEM_CALL,  ITEM_LOG};
    static const enum item_kind of_peers[] = {ITEM_PEER_UP, ITEM_PEER_FRAME, ITEM_PEER_DOWN};
    struct inbox inbox = {0};
    struct inbox news = {0};
    assert_null(inbox_take(&inbox));
    for (size_t i = 0; i < CD_ARRAY_COUNT(of_others); i++) {
        push(&inbox, of_others[i], 100 + i);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(of_peers); i++) {
        push(&news, of_peers[i], 1 + i);
    }
    push(&news, ITEM_FRAME, 100 + CD_ARRAY_COUNT(of_others));
    inbox_append(&inbox, &news);
    assert_true(inbox_is_empty(&news));
    for (size_t i = 0; i < CD_ARRAY_COUNT(of_peers); i++) {
        expect_item(inbox_take(&inbox), 1 + i);
    }
    expect_item(inbox_take(&inbox), 100);
    push(&inbox, ITEM_PEER_FRAME, 9); /* between two of the others */
    expect_item(inbox_take(&inbox), 9);
    for (size_t i = 1; i <= CD_ARRAY_COUNT(of_others); i++) {
        expect_item(inbox_take(&inbox), 100 + i);
    }
    assert_null(inbox_take(&inbox));
}

static void an_inbox_is_empty_without_both(void **state)
{
    (void)state;
    struct inbox inbox = {0};
    assert_true(inbox_is_empty(&inbox));
    push(&inbox, ITEM_PEER_UP, 1);
    assert_false(inbox_is_empty(&inbox));
    push(&inbox, ITEM_LOG, 2);
    expect_item(inbox_take(&inbox), 1);
    assert_false(inbox_is_empty(&inbox));
    push(&inbox, ITEM_PEER_DOWN, 3);
    inbox_clear(&inbox);
    assert_true(inbox_is_empty(&inbox));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(appending_moves_all),
        cmocka_unit_test(items_own_what_they_name),
        cmocka_unit_test(peers_come_out_first),
        cmocka_unit_test(an_inbox_is_empty_without_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
