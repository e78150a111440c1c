#include "checkers/replicas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    static struct events events;
    events_init(&events);
    for (uint32_t replica = 1; replica <= 3; replica++) {
        for (uint64_t slot = 1; slot <= 4; slot++) {
            events_add(&events, &(struct event){.kind = EV_DIGEST,
                                                .replica = replica,
                                                .slot = slot,
                                                .number = 100 + slot});
        }
        events_add(&events, &(struct event){.kind = EV_GAUGE,
                                            .replica = replica,
                                            .gauge = replica == 1 ? "queue" : "history",
                                            .number = 10});
    }
    *state = &events;
    return 0;
}

static int teardown(void **state)
{
    events_release(*state);
    return 0;
}

static bool check_gauges(const struct events *events, uint64_t queue, uint64_t history,
                         struct verdict *verdict)
{
    verdict_init(verdict);
    const struct replicas_limit limits[] = {{"history", history}, {"queue", queue}};
    return gauges_check(events, limits, 2, verdict);
}

static void accepts_equal_digests_and_full_gauges(void **state)
{
    struct verdict verdict;
    verdict_init(&verdict);
    assert_true(digests_check(*state, &verdict));
    assert_true(check_gauges(*state, 10, 10, &verdict));
}

static void rejects_a_replica_that_differs(void **state)
{
    struct events *events = *state;
    struct verdict verdict;
    verdict_init(&verdict);
    events->items[7].number++;
    assert_false(digests_check(events, &verdict));
    assert_non_null(strstr(verdict.why, "after slot 3"));
}

static void rejects_another_digest_in_another_life(void **state)
{
    struct events *events = *state;
    struct verdict verdict;
    verdict_init(&verdict);
    events_add(events, &(struct event){.kind = EV_DIGEST, .replica = 2, .slot = 4, .number = 999});
    assert_false(digests_check(events, &verdict));
}

static void rejects_a_difference_in_the_last_slot_alone(void **state)
{
    struct events *events = *state;
    struct verdict verdict;
    verdict_init(&verdict);
    events_add(events, &(struct event){.kind = EV_DIGEST, .replica = 1, .slot = 9, .number = 1});
    events_add(events, &(struct event){.kind = EV_DIGEST, .replica = 3, .slot = 9, .number = 2});
    assert_false(digests_check(events, &verdict));
}

static void rejects_a_gauge_over_its_limit(void **state)
{
    struct verdict verdict;
    assert_false(check_gauges(*state, 9, 10, &verdict));
    assert_non_null(strstr(verdict.why, "its limit is 9"));
    assert_false(check_gauges(*state, 10, 9, &verdict));
}

static void rejects_a_gauge_without_a_limit(void **state)
{
    struct verdict verdict;
    events_add(*state,
               &(struct event){.kind = EV_GAUGE, .client = 1, .gauge = "kept", .number = 0});
    assert_false(check_gauges(*state, 10, 10, &verdict));
    assert_non_null(strstr(verdict.why, "nobody stated"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(accepts_equal_digests_and_full_gauges),
        CASE(rejects_a_replica_that_differs),
        CASE(rejects_another_digest_in_another_life),
        CASE(rejects_a_difference_in_the_last_slot_alone),
        CASE(rejects_a_gauge_over_its_limit),
        CASE(rejects_a_gauge_without_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
