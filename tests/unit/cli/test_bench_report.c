#include "cli/bench.h"
#include "cli/json.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: what `bench` says of what it counted, and how CPU time becomes time for one operation. */

static int setup(void **state)
{
    (void)state;
    cli_json_init();
    return 0;
}

static void test_cpu(void **state)
{
    (void)state;
    /* Half a core while 1000 operations a second were answered. */
    assert_true(bench_cpu_per_operation(500000, 1000000, 1000, 1000000) == 500);
    /* It was asked over a longer time than what is measured. */
    assert_true(bench_cpu_per_operation(1000000, 2000000, 1000, 1000000) == 500);
    assert_true(bench_cpu_per_operation(1, 0, 1000, 1000000) == 0);
    assert_true(bench_cpu_per_operation(1, 1000, 0, 1000000) == 0);
}

static void test_json(void **state)
{
    static struct bench_counts counts;
    const struct cli_load load = {
        .sessions = 2, .outstanding = 3, .bytes = 4, .reads = 50, .seconds = 2};
    const struct bench_replica replicas[] = {
        {.endpoint = "a:1",
         .node_id = 1,
         .role = "leader",
         .cpu_share = 0.5,
         .cpu_us_per_operation = 12.344,
         .memory_bytes = 1000},
        {.endpoint = "b:1", .code = COORD_PERMISSION_DENIED},
    };
    const struct bench_report report = {.load = &load,
                                        .level = COORD_SESSION,
                                        .measured_us = 2000000,
                                        .counts = &counts,
                                        .client_cpu_us_per_operation = 1.5,
                                        .replicas = replicas,
                                        .replicas_count = 2};
    (void)state;
    cli_latency_add(&counts.writes, 10);
    cli_latency_add(&counts.writes, 20);
    cli_latency_add(&counts.reads, 7);
    counts.acknowledged = 5;
    counts.errors[COORD_NO_LEADER] = 6;
    json_t *object = bench_report_json(&report);
    char *printed = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(
        printed,
        "{\"sessions\":2,\"outstanding\":3,\"bytes\":4,\"reads_percent\":50,"
        "\"level\":\"SESSION\",\"seconds\":2.0,"
        "\"writes\":{\"count\":2,\"per_second\":1.0,\"p50_us\":10,\"p99_us\":20,\"p999_us\":20,"
        "\"max_us\":20},"
        "\"reads\":{\"count\":1,\"per_second\":0.5,\"p50_us\":7,\"p99_us\":7,\"p999_us\":7,"
        "\"max_us\":7},"
        "\"writes_acknowledged\":5,\"errors\":{\"NO_LEADER\":6},"
        "\"client_cpu_us_per_operation\":1.5,"
        "\"replicas\":[{\"endpoint\":\"a:1\",\"code\":\"OK\",\"node_id\":1,\"role\":\"leader\","
        "\"cpu_us_per_operation\":12.34,\"cpu_share\":0.5,\"memory_bytes\":1000},"
        "{\"endpoint\":\"b:1\",\"code\":\"PERMISSION_DENIED\"}]}");
    cd_free(printed);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
