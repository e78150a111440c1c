#include "bench.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *field;
    uint32_t share;
} quantiles[] = {{"p50_us", 500}, {"p99_us", 990}, {"p999_us", 999}};

double bench_cpu_per_operation(uint64_t cpu_us, uint64_t us, uint64_t operations,
                               uint64_t measured_us)
{
    if (us == 0 || operations == 0) {
        return 0;
    }
    return (double)cpu_us / (double)us * (double)measured_us / (double)operations;
}

static double per_second(uint64_t count, const struct bench_report *report)
{
    return report->measured_us > 0 ? (double)count * 1e6 / (double)report->measured_us : 0;
}

static bool is_session_level(const struct bench_report *report)
{
    return report->level == COORD_SESSION;
}

/* ---- For people ---- */

static void print_row(const struct bench_report *report, const char *name,
                      const struct cli_latency *latency)
{
    (void)printf("%-8s  %10" PRIu64 "  %9.0f", name, latency->count,
                 per_second(latency->count, report));
    for (size_t i = 0; i < CD_ARRAY_COUNT(quantiles); i++) {
        (void)printf("  %9.3f", (double)cli_latency_quantile_us(latency, quantiles[i].share) / 1e3);
    }
    (void)printf("  %9.3f\n", (double)latency->max_us / 1e3);
}

static void print_errors(const struct bench_counts *counts)
{
    for (size_t code = 0; code < BENCH_CODES; code++) {
        if (counts->errors[code] > 0) {
            (void)printf("failed    %10" PRIu64 "  %s\n", counts->errors[code],
                         coord_code_name((enum coord_code)code));
        }
    }
}

static void print_replicas(const struct bench_report *report)
{
    (void)printf("\n%-22s  %3s  %-9s  %9s  %9s  %10s\n", "REPLICA", "ID", "ROLE", "CPU us/op",
                 "CPU %", "MEMORY MiB");
    for (size_t i = 0; i < report->replicas_count; i++) {
        const struct bench_replica *replica = &report->replicas[i];
        if (replica->code != COORD_OK) {
            (void)printf("%-22s    -  %s\n", replica->endpoint, coord_code_name(replica->code));
            continue;
        }
        (void)printf("%-22s  %3" PRIu32 "  %-9s  %9.2f  %9.1f  %10.1f\n", replica->endpoint,
                     replica->node_id, replica->role, replica->cpu_us_per_operation,
                     replica->cpu_share * 100, (double)replica->memory_bytes / (1 << 20));
    }
    (void)printf("%-22s    -  %-9s  %9.2f\n", "this process", "client",
                 report->client_cpu_us_per_operation);
}

void bench_print_table(const struct bench_report *report)
{
    const struct cli_load *load = report->load;
    (void)printf("%" PRIu32 " sessions, %" PRIu32 " requests each, values of %" PRIu32
                 " bytes, %" PRIu32 " %% reads (%s), %.1f s\n\n",
                 load->sessions, load->outstanding, load->bytes, load->reads,
                 is_session_level(report) ? "session" : "linearizable",
                 (double)report->measured_us / 1e6);
    (void)printf("%-8s  %10s  %9s  %9s  %9s  %9s  %9s\n", "", "COUNT", "A SECOND", "P50 ms",
                 "P99 ms", "P99.9 ms", "MAX ms");
    if (load->reads < 100) {
        print_row(report, "writes", &report->counts->writes);
    }
    if (load->reads > 0) {
        print_row(report, "reads", &report->counts->reads);
    }
    print_errors(report->counts);
    print_replicas(report);
}

/* ---- As JSON ---- */

static void put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

/* Two decimals are what a measurement is worth. */
static json_t *rounded(double value)
{
    return json_real((double)(uint64_t)(value * 100 + 0.5) / 100);
}

static json_t *json_of_latency(const struct bench_report *report, const struct cli_latency *latency)
{
    json_t *object = json_object();
    put(object, "count", cli_json_number(latency->count));
    put(object, "per_second", rounded(per_second(latency->count, report)));
    for (size_t i = 0; i < CD_ARRAY_COUNT(quantiles); i++) {
        put(object, quantiles[i].field,
            cli_json_number(cli_latency_quantile_us(latency, quantiles[i].share)));
    }
    put(object, "max_us", cli_json_number(latency->max_us));
    return object;
}

static json_t *json_of_replica(const struct bench_replica *replica)
{
    json_t *object = json_object();
    put(object, "endpoint", cli_json_text(replica->endpoint));
    put(object, "code", json_string(coord_code_name(replica->code)));
    if (replica->code == COORD_OK) {
        put(object, "node_id", json_integer(replica->node_id));
        put(object, "role", json_string(replica->role));
        put(object, "cpu_us_per_operation", rounded(replica->cpu_us_per_operation));
        put(object, "cpu_share", rounded(replica->cpu_share));
        put(object, "memory_bytes", cli_json_number(replica->memory_bytes));
    }
    return object;
}

struct json_t *bench_report_json(const struct bench_report *report)
{
    const struct cli_load *load = report->load;
    json_t *object = json_object();
    json_t *errors = json_object();
    json_t *replicas = json_array();
    put(object, "sessions", json_integer(load->sessions));
    put(object, "outstanding", json_integer(load->outstanding));
    put(object, "bytes", json_integer(load->bytes));
    put(object, "reads_percent", json_integer(load->reads));
    put(object, "level", json_string(is_session_level(report) ? "SESSION" : "LINEARIZABLE"));
    put(object, "seconds", rounded((double)report->measured_us / 1e6));
    put(object, "writes", json_of_latency(report, &report->counts->writes));
    put(object, "reads", json_of_latency(report, &report->counts->reads));
    put(object, "writes_acknowledged", cli_json_number(report->counts->acknowledged));
    for (size_t code = 0; code < BENCH_CODES; code++) {
        if (report->counts->errors[code] > 0) {
            put(errors, coord_code_name((enum coord_code)code),
                cli_json_number(report->counts->errors[code]));
        }
    }
    put(object, "errors", errors);
    put(object, "client_cpu_us_per_operation", rounded(report->client_cpu_us_per_operation));
    for (size_t i = 0; i < report->replicas_count; i++) {
        (void)json_array_append_new(replicas, json_of_replica(&report->replicas[i]));
    }
    put(object, "replicas", replicas);
    return object;
}
