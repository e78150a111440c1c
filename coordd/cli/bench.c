#include "bench.h"
#include "cluster.h"
#include "commands.h"
#include "hold.h"
#include "json.h"
#include "progress.h"
#include "say.h"

#include "base/memory.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* How fast a cluster answers: the load, the clock, and what the replicas say of themselves. */

enum {
    WARM_UP_MS = 1000,
    LOOK_EVERY_MS = 100,
};

/* What may be on its way at a time, so that this machine holds it several times over. */
#define VALUES_BYTES_MAX (UINT64_C(256) << 20)

struct bench {
    struct coord_client *client;
    const struct cli_arguments *arguments;
    char path[BENCH_PATH_BYTES];
    struct cli_hold signals;
    bool told; /* to stop, by a signal */
    struct bench_load load;
    struct bench_counts counts;
    struct cli_question *before, *after; /* what the replicas said; NULL: they were not asked */
    size_t questions_count;
    uint64_t begun_us, measured_us;
    uint64_t client_cpu_us;
};

/* ---- The node ---- */

/* A container: it goes with the sessions' nodes even if nobody deletes it. */
static int make_node(struct bench *bench)
{
    struct coord_error error;
    uint64_t number = 0;
    if (bench->arguments->operands_count > 0) {
        int bytes = snprintf(bench->path, sizeof(bench->path), "%s", bench->arguments->operands[0]);
        if (bytes < 0 || (size_t)bytes + sizeof("/00000") > sizeof(bench->path)) {
            return cli_say(CLI_USAGE, "bench: the path is longer than any cluster takes");
        }
    } else if (getentropy(&number, sizeof(number)) != 0) {
        return cli_say(CLI_REFUSED, "bench: this machine gives no random number: name a PATH");
    } else {
        (void)snprintf(bench->path, sizeof(bench->path), "/bench-%016" PRIx64, number);
    }
    if (coord_create(bench->client, bench->path, NULL, 0, COORD_CREATE_CONTAINER, NULL, NULL,
                     &error) != COORD_OK) {
        return cli_say_failure("bench", bench->path, &error);
    }
    return CLI_DONE;
}

static int remove_node(struct bench *bench)
{
    struct coord_error error;
    if (coord_delete(bench->client, bench->path, COORD_ANY_VERSION,
                     COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT, NULL, NULL,
                     &error) != COORD_OK) {
        return cli_say_failure("bench: cannot remove", bench->path, &error);
    }
    return CLI_DONE;
}

/* ---- Waiting ---- */

static void show_progress(const struct bench *bench)
{
    switch ((enum bench_phase)atomic_load(&bench->load.phase)) {
    case BENCH_PREPARE:
        cli_progress_show("bench: %u of %" PRIu32 " sessions",
                          atomic_load(&bench->load.sessions_ready),
                          bench->arguments->load.sessions);
        break;
    case BENCH_WARM_UP:
        cli_progress_show("bench: warming up");
        break;
    case BENCH_MEASURE:
        cli_progress_show("bench: %" PRIu64 " of %" PRIu32 " s, %" PRIu64 " requests answered",
                          (bench_now_us() - bench->begun_us) / 1000000,
                          bench->arguments->load.seconds, bench_load_done(&bench->load));
        break;
    case BENCH_FINISH:
        break;
    }
}

/* At most so long; false: a signal came. */
static bool wait_some(struct bench *bench, uint64_t us)
{
    struct pollfd watched = {.fd = bench->signals.read_end, .events = POLLIN};
    int ms = us / 1000 < LOOK_EVERY_MS ? (int)(us / 1000) + 1 : LOOK_EVERY_MS;
    show_progress(bench);
    bench->told = bench->told || poll(&watched, 1, ms) > 0;
    return !bench->told;
}

static void wait_until(struct bench *bench, uint64_t until_us)
{
    for (uint64_t now = bench_now_us(); now < until_us && wait_some(bench, until_us - now);
         now = bench_now_us()) {
    }
}

/* Until all sessions are prepared, or some cannot be, or a signal came. */
static void wait_ready(struct bench *bench)
{
    const struct bench_load *load = &bench->load;
    while (atomic_load(&load->ready) < load->workers_count && atomic_load(&load->broken) == 0 &&
           wait_some(bench, LOOK_EVERY_MS * 1000)) {
    }
}

/* ---- Measuring ---- */

static uint64_t own_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
}

static void measure(struct bench *bench)
{
    struct bench_load *load = &bench->load;
    atomic_store(&load->phase, BENCH_WARM_UP);
    wait_until(bench, bench_now_us() + WARM_UP_MS * 1000);
    if (bench->told) {
        return;
    }
    bench->before = cli_ask_all(bench->client, &bench->questions_count);
    bench->client_cpu_us = own_cpu_us();
    bench->begun_us = bench_now_us();
    atomic_store(&load->phase, BENCH_MEASURE);
    wait_until(bench, bench->begun_us + (uint64_t)bench->arguments->load.seconds * 1000000);
    atomic_store(&load->phase, BENCH_WARM_UP); /* the load goes on while the replicas are asked */
    bench->measured_us = bench_now_us() - bench->begun_us;
    bench->client_cpu_us = own_cpu_us() - bench->client_cpu_us;
    bench->after = cli_ask_all(bench->client, &bench->questions_count);
}

/* ---- The report ---- */

/* By the replica's own clock, since it was not asked at the very moments. */
static void fill_replica(const struct bench *bench, size_t index, struct bench_replica *to)
{
    const struct cli_question *after = &bench->after[index];
    const struct coord_status *from = bench->before[index].status;
    const struct coord_status *until = after->status;
    uint64_t operations = bench->counts.writes.count + bench->counts.reads.count;
    *to = (struct bench_replica){.endpoint = after->endpoint, .code = after->code};
    if (from == NULL || until == NULL || until->uptime_ms <= from->uptime_ms) {
        to->code = to->code != COORD_OK ? to->code : COORD_UNREACHABLE; /* it was started anew */
        return;
    }
    uint64_t us = (until->uptime_ms - from->uptime_ms) * 1000;
    uint64_t cpu_us = until->cpu_us - from->cpu_us;
    to->node_id = until->node_id;
    to->role = cli_replica_state_name(until->state);
    to->memory_bytes = until->memory_bytes;
    to->cpu_share = (double)cpu_us / (double)us;
    to->cpu_us_per_operation = bench_cpu_per_operation(cpu_us, us, operations, bench->measured_us);
}

static int tell(const struct bench *bench)
{
    uint64_t operations = bench->counts.writes.count + bench->counts.reads.count;
    if (bench->after == NULL) {
        return cli_say(CLI_REFUSED, "bench: stopped before anything was measured");
    }
    struct bench_replica *replicas = cd_calloc(bench->questions_count, sizeof(*replicas));
    for (size_t i = 0; i < bench->questions_count; i++) {
        fill_replica(bench, i, &replicas[i]);
    }
    struct bench_report report = {
        .load = &bench->arguments->load,
        .level = bench->arguments->level,
        .measured_us = bench->measured_us,
        .counts = &bench->counts,
        .client_cpu_us_per_operation = bench_cpu_per_operation(
            bench->client_cpu_us, bench->measured_us, operations, bench->measured_us),
        .replicas = replicas,
        .replicas_count = bench->questions_count,
    };
    if (bench->arguments->output == CLI_JSON) {
        cli_json_print(bench_report_json(&report));
    } else {
        bench_print_table(&report);
    }
    cd_free(replicas);
    return operations > 0 ? CLI_DONE
                          : cli_say(CLI_UNREACHABLE, "bench: no request succeeded in that time");
}

/* ---- The whole ---- */

/* What the workers could not do, or CLI_DONE. */
static int say_broken(const struct bench *bench)
{
    for (size_t i = 0; i < bench->load.workers_count; i++) {
        const struct bench_worker *worker = &bench->load.workers[i];
        if (worker->code != COORD_OK) {
            return cli_say_failure("bench: cannot prepare the sessions below", bench->path,
                                   &worker->error);
        }
    }
    return CLI_DONE;
}

static int run(struct bench *bench)
{
    int code = bench_load_begin(&bench->load, bench->arguments, bench->path)
                   ? CLI_DONE
                   : cli_say(CLI_REFUSED, "bench: no thread");
    if (code == CLI_DONE) {
        wait_ready(bench);
    }
    if (code == CLI_DONE && !bench->told && atomic_load(&bench->load.broken) == 0) {
        measure(bench);
    }
    bench_load_end(&bench->load, &bench->counts);
    cli_progress_wipe();
    code = code == CLI_DONE ? say_broken(bench) : code;
    return code == CLI_DONE ? tell(bench) : code;
}

/* Each session has a connection. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* if not, sessions say what they miss */
    }
}

int cli_bench(struct coord_client *client, const struct cli_arguments *arguments)
{
    const struct cli_load *load = &arguments->load;
    if ((uint64_t)load->sessions * load->outstanding * load->bytes > VALUES_BYTES_MAX) {
        return cli_say(CLI_USAGE,
                       "bench: sessions x outstanding x bytes is at most %" PRIu64
                       " bytes, as this process holds them all: take less of one",
                       VALUES_BYTES_MAX);
    }
    struct bench *bench = cd_calloc(1, sizeof(*bench));
    bench->client = client;
    bench->arguments = arguments;
    bench->signals = (struct cli_hold)CLI_HOLD_NONE;
    allow_descriptors();
    int code = cli_hold_begin(&bench->signals);
    if (code == CLI_DONE) {
        code = make_node(bench);
        if (code == CLI_DONE) {
            code = run(bench);
            int removed = remove_node(bench);
            code = code != CLI_DONE ? code : removed;
        }
        cli_hold_end(&bench->signals);
    }
    cli_forget(bench->before, bench->before != NULL ? bench->questions_count : 0);
    cli_forget(bench->after, bench->after != NULL ? bench->questions_count : 0);
    cd_free(bench);
    return code;
}
