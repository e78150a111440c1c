#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/fifo.h"

/* Goal: order, finding and freeing against a plain array, while frozen versions hold on. */

static uint64_t freed;

static void release(void *item)
{
    freed++;
    cd_free(item);
}

static struct fsm_fifo_key key_of(uint64_t number)
{
    return (struct fsm_fifo_key){{number / 3, number % 3}};
}

static void add(struct fsm_fifo *fifo, uint64_t number)
{
    uint64_t *item = cd_malloc(sizeof(*item));
    *item = number;
    fsm_fifo_add(fifo, key_of(number), number / 2, item);
}

static void assert_shows(const struct fsm_fifo *fifo, uint64_t first, uint64_t end)
{
    assert_int_equal(fsm_fifo_count(fifo), end - first);
    for (uint64_t i = 0; i < end - first; i++) {
        const struct fsm_fifo_entry *entry = fsm_fifo_get(fifo, fifo->begin + i);
        assert_int_equal(*(const uint64_t *)entry->item, first + i);
        assert_int_equal(entry->elapsed_ms, (first + i) / 2);
    }
}

static void test_find(void **state)
{
    (void)state;
    struct fsm_fifo fifo;
    fsm_fifo_init(&fifo, release);
    assert_null(fsm_fifo_find(&fifo, key_of(1)));
    for (uint64_t i = 0; i < 1000; i++) {
        add(&fifo, i);
        if (i % 3 == 2) {
            fsm_fifo_drop(&fifo);
        }
    }
    fsm_fifo_check(&fifo);
    assert_shows(&fifo, 333, 1000);
    for (uint64_t i = 0; i < 1100; i++) {
        const uint64_t *item = fsm_fifo_find(&fifo, key_of(i));
        assert_true((item != NULL) == (i >= 333 && i < 1000));
        assert_true(item == NULL || *item == i);
    }
    fsm_fifo_release(&fifo);
}

static void test_random(void **state)
{
    (void)state;
    struct cd_prng prng;
    struct fsm_fifo fifo;
    struct fsm_fifo frozen = {0};
    uint64_t frozen_first = 0;
    uint64_t frozen_end = 0;
    uint64_t first = 0;
    uint64_t end = 0;
    cd_prng_init(&prng, 7);
    freed = 0;
    fsm_fifo_init(&fifo, release);
    for (unsigned step = 0; step < 20000; step++) {
        bool grow = step / 1000 % 2 == 0;
        if (cd_prng_below(&prng, 100) < (grow ? 60 : 40)) {
            add(&fifo, end);
            end++;
        } else if (first < end) {
            fsm_fifo_drop(&fifo);
            first++;
        }
        if (step % 500 == 0) {
            fsm_fifo_release(&frozen);
            fsm_fifo_share(&frozen, &fifo);
            frozen_first = first;
            frozen_end = end;
        }
        if (step % 97 == 0) {
            fsm_fifo_check(&fifo);
            assert_shows(&fifo, first, end);
            assert_shows(&frozen, frozen_first, frozen_end);
            assert_true(freed <= first);
        }
    }
    fsm_fifo_release(&frozen);
    fsm_fifo_release(&fifo);
    assert_int_equal(freed, end);
}

/* What is dropped is freed at once, unless somebody holds it, and then at the next drop. */
static void test_freed(void **state)
{
    (void)state;
    struct fsm_fifo fifo;
    struct fsm_fifo frozen;
    freed = 0;
    fsm_fifo_init(&fifo, release);
    for (uint64_t i = 0; i < 10; i++) {
        add(&fifo, i);
    }
    fsm_fifo_drop(&fifo);
    assert_int_equal(freed, 1);
    fsm_fifo_share(&frozen, &fifo);
    fsm_fifo_drop(&fifo);
    fsm_fifo_drop(&fifo);
    add(&fifo, 10);
    assert_int_equal(freed, 1);
    assert_shows(&frozen, 1, 10);
    fsm_fifo_release(&frozen);
    assert_int_equal(freed, 1);
    fsm_fifo_drop(&fifo);
    assert_int_equal(freed, 4);
    assert_shows(&fifo, 4, 11);
    fsm_fifo_release(&fifo);
    assert_int_equal(freed, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
