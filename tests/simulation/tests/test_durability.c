#include "checkers/durability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Writes 1, 2, 3 acknowledged at places 10, 20, 30; write 4 refused for good; 5 never answered. */
static int setup(void **state)
{
    static struct durability durability;
    durability_init(&durability);
    durability_acknowledged(&durability, 3, 30);
    durability_acknowledged(&durability, 1, 10);
    durability_acknowledged(&durability, 2, 20);
    durability_refused(&durability, 4);
    *state = &durability;
    return 0;
}

static int teardown(void **state)
{
    durability_release(*state);
    return 0;
}

#define CHECK(state, verdict, ...)                                                                 \
    durability_check(                                                                              \
        *(state), 7, (struct durability_held[]){__VA_ARGS__},                                      \
        sizeof((struct durability_held[]){__VA_ARGS__}) / sizeof(struct durability_held), verdict)

static void accepts_what_was_acknowledged(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_true(CHECK(state, &verdict, {1, 10}, {2, 20}, {3, 30}));
}

static void accepts_an_unanswered_write_either_way(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_true(CHECK(state, &verdict, {2, 20}, {5, 25}, {3, 30}, {1, 10}));
}

static void accepts_an_acknowledgement_without_a_place(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    durability_acknowledged(*state, 6, 0);
    assert_true(CHECK(state, &verdict, {1, 10}, {2, 20}, {3, 30}, {6, 99}));
}

static void rejects_a_lost_write(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(CHECK(state, &verdict, {1, 10}, {3, 30}));
    assert_non_null(strstr(verdict.why, "write 2 was acknowledged"));
}

static void rejects_the_loss_of_the_last_one(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(CHECK(state, &verdict, {1, 10}, {2, 20}));
}

static void rejects_a_write_held_twice(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(CHECK(state, &verdict, {1, 10}, {2, 20}, {3, 30}, {5, 40}, {5, 41}));
    assert_non_null(strstr(verdict.why, "twice"));
}

static void rejects_a_write_elsewhere(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(CHECK(state, &verdict, {1, 10}, {2, 21}, {3, 30}));
}

static void rejects_a_refused_write_that_happened(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(CHECK(state, &verdict, {1, 10}, {2, 20}, {3, 30}, {4, 35}));
    assert_non_null(strstr(verdict.why, "refused"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(accepts_what_was_acknowledged),
        CASE(accepts_an_unanswered_write_either_way),
        CASE(accepts_an_acknowledgement_without_a_place),
        CASE(rejects_a_lost_write),
        CASE(rejects_the_loss_of_the_last_one),
        CASE(rejects_a_write_held_twice),
        CASE(rejects_a_write_elsewhere),
        CASE(rejects_a_refused_write_that_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
