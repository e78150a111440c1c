#include "checkers/agreement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct agreement agreement;
    struct verdict verdict;
};

static int setup(void **state)
{
    static struct fixture fixture;
    agreement_init(&fixture.agreement);
    verdict_init(&fixture.verdict);
    for (uint32_t replica = 1; replica <= 3; replica++) {
        agreement_started(&fixture.agreement, replica, 1);
    }
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    agreement_release(&fixture->agreement);
    return 0;
}

static bool apply(struct fixture *f, uint32_t replica, uint64_t slot, uint64_t value,
                  uint64_t digest)
{
    return agreement_applied(&f->agreement, replica, slot, value, digest, &f->verdict);
}

static void accepts_equal_logs_at_different_speeds(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    assert_true(apply(f, 2, 1, 11, 100));
    assert_true(apply(f, 1, 3, 13, 102));
    assert_true(apply(f, 2, 2, 12, 101));
    assert_true(f->verdict.ok);
}

static void accepts_a_restart_that_replays(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    agreement_started(&f->agreement, 1, 1);
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    assert_true(apply(f, 1, 3, 13, 102));
}

static void accepts_a_life_that_begins_at_a_snapshot(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    agreement_started(&f->agreement, 2, 2);
    assert_true(apply(f, 2, 2, 12, 101));
}

static void accepts_a_snapshot_of_what_others_had(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    assert_true(apply(f, 2, 1, 11, 100));
    assert_true(agreement_installed(&f->agreement, 2, 2, 101, &f->verdict));
    assert_true(apply(f, 2, 3, 13, 102));
}

static void rejects_a_snapshot_of_another_state(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(agreement_installed(&f->agreement, 2, 1, 101, &f->verdict));
    assert_non_null(strstr(f->verdict.why, "in a snapshot"));
}

static void rejects_a_snapshot_of_what_nobody_applied(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(agreement_installed(&f->agreement, 2, 2, 101, &f->verdict));
    verdict_init(&f->verdict);
    assert_false(agreement_installed(&f->agreement, 2, 0, 0, &f->verdict));
}

static void rejects_going_on_elsewhere_than_after_the_snapshot(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_true(apply(f, 1, 2, 12, 101));
    assert_true(agreement_installed(&f->agreement, 2, 2, 101, &f->verdict));
    assert_false(apply(f, 2, 2, 12, 101));
}

static void rejects_two_values_in_a_slot(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(apply(f, 2, 1, 99, 100));
    assert_non_null(strstr(f->verdict.why, "slot 1 holds value"));
}

static void rejects_another_value_after_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    agreement_started(&f->agreement, 1, 1);
    assert_false(apply(f, 1, 1, 12, 100));
}

static void rejects_different_digests(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(apply(f, 3, 1, 11, 200));
    assert_non_null(strstr(f->verdict.why, "digest"));
}

static void rejects_a_gap(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(apply(f, 1, 3, 13, 102));
}

static void rejects_applying_twice(void **state)
{
    struct fixture *f = *state;
    assert_true(apply(f, 1, 1, 11, 100));
    assert_false(apply(f, 1, 1, 11, 100));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(accepts_equal_logs_at_different_speeds),
        CASE(accepts_a_restart_that_replays),
        CASE(accepts_a_life_that_begins_at_a_snapshot),
        CASE(accepts_a_snapshot_of_what_others_had),
        CASE(rejects_a_snapshot_of_another_state),
        CASE(rejects_a_snapshot_of_what_nobody_applied),
        CASE(rejects_going_on_elsewhere_than_after_the_snapshot),
        CASE(rejects_two_values_in_a_slot),
        CASE(rejects_another_value_after_a_restart),
        CASE(rejects_different_digests),
        CASE(rejects_a_gap),
        CASE(rejects_applying_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
