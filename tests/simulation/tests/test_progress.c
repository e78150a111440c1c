#include "checkers/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct progress good = {
    .healed_ms = 60000,
    .elected_ms = 61000,
    .first_write_ms = 61500,
    .all_writes_ms = 63000,
    .converged_ms = 64000,
    .elected_bound_ms = 5000,
    .write_bound_ms = 6000,
    .all_writes_bound_ms = 10000,
    .converged_bound_ms = 20000,
};

static bool check(struct progress progress, struct verdict *verdict)
{
    verdict_init(verdict);
    return progress_check(&progress, verdict);
}

static void accepts_progress_within_the_bounds(void **state)
{
    (void)state;
    struct verdict verdict;
    assert_true(check(good, &verdict));
    struct progress at_once = good;
    at_once.elected_ms = good.healed_ms;
    assert_true(check(at_once, &verdict));
    struct progress last_moment = good;
    last_moment.elected_ms = good.healed_ms + good.elected_bound_ms;
    assert_true(check(last_moment, &verdict));
}

static void rejects_no_election(void **state)
{
    (void)state;
    struct verdict verdict;
    struct progress bad = good;
    bad.elected_ms = PROGRESS_NEVER;
    assert_false(check(bad, &verdict));
    assert_non_null(strstr(verdict.why, "election did not happen"));
}

static void rejects_a_late_election(void **state)
{
    (void)state;
    struct verdict verdict;
    struct progress bad = good;
    bad.elected_ms = good.healed_ms + good.elected_bound_ms + 1;
    assert_false(check(bad, &verdict));
}

static void rejects_no_write(void **state)
{
    (void)state;
    struct verdict verdict;
    struct progress bad = good;
    bad.first_write_ms = PROGRESS_NEVER;
    assert_false(check(bad, &verdict));
}

static void rejects_replicas_that_stay_apart(void **state)
{
    (void)state;
    struct verdict verdict;
    struct progress bad = good;
    bad.converged_ms = PROGRESS_NEVER;
    assert_false(check(bad, &verdict));
    assert_non_null(strstr(verdict.why, "convergence"));
}

static void rejects_times_before_the_healing(void **state)
{
    (void)state;
    struct verdict verdict;
    struct progress bad = good;
    bad.first_write_ms = 100;
    assert_false(check(bad, &verdict));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_progress_within_the_bounds),
        cmocka_unit_test(rejects_no_election),
        cmocka_unit_test(rejects_a_late_election),
        cmocka_unit_test(rejects_no_write),
        cmocka_unit_test(rejects_replicas_that_stay_apart),
        cmocka_unit_test(rejects_times_before_the_healing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
