#ifndef COORD_CLI_BENCH_H
#define COORD_CLI_BENCH_H

#include "arguments.h"
#include "latency.h"

#include <pthread.h>
#include <stdatomic.h>

/* The parts of `coordctl bench`: the load, and what is said about it. */

/* ---- The load (bench_load.c) ---- */

enum {
    BENCH_WORKERS_MAX = 4,
    BENCH_CODES = 128, /* of enum coord_code; a higher one counts as COORD_UNRECOGNIZED */
    BENCH_PATH_BYTES = 4200,
};

struct bench_counts {
    struct cli_latency writes, reads; /* that succeeded while it was measured */
    uint64_t errors[BENCH_CODES];     /* of those that did not, by code, at any time */
    uint64_t acknowledged;            /* writes that succeeded at any time */
};

/* In this order. Main alone moves it on. */
enum bench_phase {
    BENCH_PREPARE, /* sessions open and make their nodes */
    BENCH_WARM_UP,
    BENCH_MEASURE,
    BENCH_FINISH, /* nothing new begins; what is under way comes to its end */
};

struct bench_session;
struct bench_load;

/* A thread, and the sessions that it drives. */
struct bench_worker {
    struct bench_load *load;
    pthread_t thread;
    bool started;
    struct bench_session *sessions;
    size_t sessions_count, sessions_first; /* the number of its first one */
    size_t under_way;                      /* requests */
    bool idle;                             /* some request could not begin */
    struct bench_counts counts;            /* main reads it when the thread has ended */
    atomic_uint_fast64_t done;             /* requests that succeeded so far */
    enum coord_code code;                  /* why preparing failed */
    struct coord_error error;
};

struct bench_load {
    const struct cli_arguments *arguments;
    const char *path; /* the node above those of the sessions */
    char *value;
    atomic_int phase;           /* enum bench_phase */
    atomic_uint ready, broken;  /* workers that have prepared, or failed to */
    atomic_uint sessions_ready; /* sessions */
    struct bench_worker workers[BENCH_WORKERS_MAX];
    size_t workers_count;
};

/*
 * Starts the threads, which prepare and wait for BENCH_WARM_UP. `arguments` and `path` are borrowed
 * until bench_load_end. False: no thread; what was started goes on, and is to be ended.
 */
CD_MUST_USE bool bench_load_begin(struct bench_load *load, const struct cli_arguments *arguments,
                                  const char *path);

/* Requests that succeeded so far. */
uint64_t bench_load_done(const struct bench_load *load);

/* Waits until all is answered and every session is closed; adds up what was counted. */
void bench_load_end(struct bench_load *load, struct bench_counts *ret_counts);

uint64_t bench_now_us(void);

/* ---- The report (bench_report.c): pure, but for printing ---- */

struct bench_replica {
    const char *endpoint;
    enum coord_code code; /* of the question; unless COORD_OK the rest is not known */
    uint32_t node_id;
    const char *role;
    double cpu_share; /* of one core */
    double cpu_us_per_operation;
    uint64_t memory_bytes;
};

struct bench_report {
    const struct cli_load *load;
    enum coord_level level;
    uint64_t measured_us;
    const struct bench_counts *counts;
    double client_cpu_us_per_operation; /* of this process */
    const struct bench_replica *replicas;
    size_t replicas_count;
};

void bench_print_table(const struct bench_report *report);

/* Given away. */
struct json_t *bench_report_json(const struct bench_report *report);

/* `cpu_us` within `us`, of `operations` in `measured_us`; 0 where nothing is known. */
double bench_cpu_per_operation(uint64_t cpu_us, uint64_t us, uint64_t operations,
                               uint64_t measured_us);

#endif
