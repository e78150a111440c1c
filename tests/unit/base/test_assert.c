#include "death.h"

#include "base/assert.h"

#include <signal.h>

static void hold(void *context)
{
    int *number = context;
    CD_ASSERT(*number == 3);
}

static void reach(void *context)
{
    (void)context;
    CD_UNREACHABLE();
}

static void test_true_facts_pass(void **state)
{
    (void)state;
    int number = 3;
    assert_false(death_of(hold, &number).died);
}

static void test_false_facts_stop_and_say_where(void **state)
{
    (void)state;
    int number = 4;
    struct death death = death_of(hold, &number);
    assert_true(death.died);
    assert_int_equal(death.signal, SIGABRT);
    assert_non_null(strstr(death.last, "test_assert.c:"));
    assert_non_null(strstr(death.last, "assertion failed: *number == 3"));
}

static void test_unreachable_stops(void **state)
{
    (void)state;
    struct death death = death_of(reach, NULL);
    assert_int_equal(death.signal, SIGABRT);
    assert_non_null(strstr(death.last, "unreachable"));
}

static void test_facts_are_looked_at_once(void **state)
{
    (void)state;
    int looked = 0;
    CD_ASSERT(++looked == 1);
    assert_int_equal(looked, 1);
}

static void test_implies(void **state)
{
    (void)state;
    assert_true(CD_IMPLIES(false, false));
    assert_true(CD_IMPLIES(false, true));
    assert_false(CD_IMPLIES(true, false));
    assert_true(CD_IMPLIES(true, true));
    int three[3];
    assert_int_equal(CD_ARRAY_COUNT(three), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_facts_pass),
        cmocka_unit_test(test_false_facts_stop_and_say_where),
        cmocka_unit_test(test_unreachable_stops),
        cmocka_unit_test(test_facts_are_looked_at_once),
        cmocka_unit_test(test_implies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
