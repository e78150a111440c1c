#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goal: what /metrics says is what Prometheus reads. Method: exact texts, and /proc for oneself. */

static void assert_value(double value, const char *expected)
{
    struct cd_buf out;
    cd_buf_init(&out, 64);
    http_put_value(&out, value);
    assert_int_equal(out.bytes, strlen(expected));
    assert_memory_equal(out.data, expected, out.bytes);
    cd_buf_release(&out);
}

static void values_are_written_exactly(void **state)
{
    (void)state;
    assert_value(0, "0");
    assert_value(-3, "-3");
    assert_value(1234567890123.0, "1234567890123");
    assert_value(9007199254740992.0, "9007199254740992");
    assert_value(0.5, "0.5");
    assert_value(1e300, "1.0000000000000001e+300");
    assert_value(NAN, "NaN");
    assert_value(INFINITY, "+Inf");
    assert_value(-INFINITY, "-Inf");
}

static void metrics_of_one_name_share_help_and_type(void **state)
{
    (void)state;
    static const struct http_metric METRICS[] = {
        {"a_total", "Counts a.", "", HTTP_COUNTER, NULL},
        {"b", "Size of b.", "{kind=\"x\"}", HTTP_GAUGE, NULL},
        {"b", "Size of b.", "{kind=\"y\"}", HTTP_GAUGE, NULL},
        {"c_bucket", "Time of c.", "{le=\"+Inf\"}", HTTP_HISTOGRAM, "c"},
        {"c_sum", "Time of c.", "", HTTP_HISTOGRAM, "c"},
        {"c_count", "Time of c.", "", HTTP_HISTOGRAM, "c"},
    };
    static const double VALUES[] = {7, 1, 2.25, 3, 0.5, 3};
    static const char EXPECTED[] = "# HELP a_total Counts a.\n"
                                   "# TYPE a_total counter\n"
                                   "a_total 7\n"
                                   "# HELP b Size of b.\n"
                                   "# TYPE b gauge\n"
                                   "b{kind=\"x\"} 1\n"
                                   "b{kind=\"y\"} 2.25\n"
                                   "# HELP c Time of c.\n"
                                   "# TYPE c histogram\n"
                                   "c_bucket{le=\"+Inf\"} 3\n"
                                   "c_sum 0.5\n"
                                   "c_count 3\n";
    struct cd_buf out;
    cd_buf_init(&out, 4096);
    http_put_metrics(&out, METRICS, VALUES, 6);
    assert_int_equal(out.bytes, sizeof(EXPECTED) - 1);
    assert_memory_equal(out.data, EXPECTED, out.bytes);
    cd_buf_release(&out);
}

static double value_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

static void process_metrics_are_of_this_process(void **state)
{
    (void)state;
    struct cd_buf out;
    cd_buf_init(&out, 4096);
    FILE *extra = fopen("/dev/null", "re");
    assert_non_null(extra);
    http_put_process(&out, 1234567);
    cd_buf_put(&out, "", 1);
    const char *text = (const char *)out.data;
    assert_true(value_after(text, "\nprocess_resident_memory_bytes ") > 100e3);
    assert_true(value_after(text, "\nprocess_open_fds ") >= 4);
    assert_true(value_after(text, "\nprocess_cpu_seconds_total ") > 0);
    assert_true(value_after(text, "\nprocess_start_time_seconds ") == 1234567);
    fclose(extra);
    cd_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_exactly),
        cmocka_unit_test(metrics_of_one_name_share_help_and_type),
        cmocka_unit_test(process_metrics_are_of_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
