#include "bench.h"
#include "connect.h"

#include "base/memory.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * Sessions that each keep a number of requests under way. A request's callback begins the next one,
 * so that a worker only waits for descriptors and dispatches.
 */

enum {
    LOOK_EVERY_MS = 50, /* how late a worker may see another phase, or try again */
    READS_OF = 100,
};

struct bench_request {
    struct bench_session *session;
    struct coord_call_options *call; /* owned; its callback has this request */
    uint64_t begun_us;
    bool reads, under_way;
};

struct bench_session {
    struct bench_worker *worker;
    struct coord_client *client; /* owned */
    char *path;                  /* owned; its node */
    struct bench_request *requests;
    uint32_t share; /* passes READS_OF whenever a read is due */
};

uint64_t bench_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum bench_phase phase_of(const struct bench_load *load)
{
    return (enum bench_phase)atomic_load(&load->phase);
}

/* ---- Requests ---- */

static void count_error(struct bench_worker *worker, enum coord_code code)
{
    worker->counts.errors[(unsigned)code < BENCH_CODES ? code : COORD_UNRECOGNIZED]++;
}

/* Reads are spread evenly: with 25 of 100 every fourth request is one. */
static bool next_reads(struct bench_session *session)
{
    session->share += session->worker->load->arguments->load.reads;
    bool reads = session->share >= READS_OF;
    session->share -= reads ? READS_OF : 0;
    return reads;
}

static void begin(struct bench_request *request)
{
    struct bench_session *session = request->session;
    const struct bench_load *load = session->worker->load;
    struct coord_error error;
    request->reads = next_reads(session);
    request->begun_us = bench_now_us();
    enum coord_code code =
        request->reads
            ? coord_get(session->client, session->path, request->call, NULL, &error)
            : coord_set(session->client, session->path, load->value, load->arguments->load.bytes,
                        COORD_ANY_VERSION, request->call, NULL, &error);
    request->under_way = code == COORD_OK;
    if (code == COORD_OK) {
        session->worker->under_way++;
    } else {
        count_error(session->worker, code);
        session->worker->idle = true;
    }
}

static void on_done(void *context, enum coord_code code, struct coord_result *result,
                    const struct coord_error *error)
{
    struct bench_request *request = context;
    struct bench_worker *worker = request->session->worker;
    enum bench_phase phase = phase_of(worker->load);
    (void)error;
    coord_result_free(result);
    request->under_way = false;
    worker->under_way--;
    if (code != COORD_OK) {
        count_error(worker, code);
    } else {
        uint64_t us = bench_now_us() - request->begun_us;
        worker->counts.acknowledged += request->reads ? 0 : 1;
        (void)atomic_fetch_add_explicit(&worker->done, 1, memory_order_relaxed);
        if (phase == BENCH_MEASURE) {
            cli_latency_add(request->reads ? &worker->counts.reads : &worker->counts.writes, us);
        }
    }
    if (phase != BENCH_FINISH) {
        begin(request);
    }
}

static void begin_idle(struct bench_worker *worker)
{
    uint32_t outstanding = worker->load->arguments->load.outstanding;
    worker->idle = false;
    for (size_t i = 0; i < worker->sessions_count; i++) {
        for (uint32_t j = 0; j < outstanding; j++) {
            struct bench_request *request = &worker->sessions[i].requests[j];
            if (!request->under_way) {
                begin(request);
            }
        }
    }
}

/* ---- Sessions ---- */

static enum coord_code prepare_requests(struct bench_session *session, struct coord_error *error)
{
    const struct cli_arguments *arguments = session->worker->load->arguments;
    for (uint32_t i = 0; i < arguments->load.outstanding; i++) {
        struct bench_request *request = &session->requests[i];
        request->session = session;
        request->call = coord_call_options_create();
        if (request->call == NULL) {
            *error = (struct coord_error){.code = COORD_NO_MEMORY, .message = "no memory"};
            return COORD_NO_MEMORY;
        }
        coord_call_options_set_level(request->call, arguments->level);
        coord_call_options_set_done(request->call, on_done, request);
    }
    return COORD_OK;
}

/* Its node is ephemeral: it goes with the session, whatever becomes of this process. */
static enum coord_code prepare_session(struct bench_worker *worker, size_t index)
{
    const struct bench_load *load = worker->load;
    struct bench_session *session = &worker->sessions[index];
    char path[BENCH_PATH_BYTES];
    session->worker = worker;
    session->requests = cd_calloc(load->arguments->load.outstanding, sizeof(*session->requests));
    (void)snprintf(path, sizeof(path), "%s/%05zu", load->path, worker->sessions_first + index);
    session->path = cd_strdup(path);
    enum coord_code code = prepare_requests(session, &worker->error);
    if (code == COORD_OK) {
        code = cli_connect(load->arguments, true, &session->client, &worker->error);
    }
    if (code == COORD_OK) {
        code = coord_create(session->client, path, load->value, load->arguments->load.bytes,
                            COORD_CREATE_EPHEMERAL, NULL, NULL, &worker->error);
    }
    return code;
}

static void release_session(struct bench_session *session, uint32_t outstanding)
{
    coord_client_close(session->client);
    for (uint32_t i = 0; session->requests != NULL && i < outstanding; i++) {
        coord_call_options_free(session->requests[i].call);
    }
    cd_free(session->requests);
    cd_free(session->path);
}

/* ---- Workers ---- */

static bool prepare(struct bench_worker *worker)
{
    struct bench_load *load = worker->load;
    for (size_t i = 0; i < worker->sessions_count && phase_of(load) == BENCH_PREPARE; i++) {
        worker->code = prepare_session(worker, i);
        if (worker->code != COORD_OK) {
            (void)atomic_fetch_add(&load->broken, 1);
            return false;
        }
        (void)atomic_fetch_add(&load->sessions_ready, 1);
    }
    (void)atomic_fetch_add(&load->ready, 1);
    return true;
}

/* Until the phase is FINISH and nothing is under way. */
static void drive(struct bench_worker *worker)
{
    struct pollfd *watched = cd_calloc(worker->sessions_count, sizeof(*watched));
    for (size_t i = 0; i < worker->sessions_count; i++) {
        watched[i].fd =
            worker->sessions[i].client != NULL ? coord_client_fd(worker->sessions[i].client) : -1;
        watched[i].events = POLLIN;
    }
    worker->idle = true;
    for (;;) {
        enum bench_phase phase = phase_of(worker->load);
        if (phase == BENCH_FINISH && worker->under_way == 0) {
            break;
        }
        if (worker->idle && (phase == BENCH_WARM_UP || phase == BENCH_MEASURE)) {
            begin_idle(worker);
        }
        if (poll(watched, (nfds_t)worker->sessions_count, LOOK_EVERY_MS) <= 0) {
            continue;
        }
        for (size_t i = 0; i < worker->sessions_count; i++) {
            if (watched[i].revents != 0) {
                (void)coord_client_dispatch(worker->sessions[i].client, 0);
            }
        }
    }
    cd_free(watched);
}

static void *work(void *context)
{
    struct bench_worker *worker = context;
    if (prepare(worker)) {
        drive(worker);
    }
    for (size_t i = 0; i < worker->sessions_count; i++) {
        release_session(&worker->sessions[i], worker->load->arguments->load.outstanding);
    }
    return NULL;
}

bool bench_load_begin(struct bench_load *load, const struct cli_arguments *arguments,
                      const char *path)
{
    size_t sessions = arguments->load.sessions;
    memset(load, 0, sizeof(*load));
    load->arguments = arguments;
    load->path = path;
    load->value = cd_malloc((size_t)arguments->load.bytes + 1);
    memset(load->value, 'v', (size_t)arguments->load.bytes + 1);
    load->workers_count = sessions < BENCH_WORKERS_MAX ? sessions : BENCH_WORKERS_MAX;
    for (size_t i = 0; i < load->workers_count; i++) {
        struct bench_worker *worker = &load->workers[i];
        size_t end = sessions * (i + 1) / load->workers_count;
        worker->load = load;
        worker->sessions_first = sessions * i / load->workers_count;
        worker->sessions_count = end - worker->sessions_first;
        worker->sessions = cd_calloc(worker->sessions_count, sizeof(*worker->sessions));
        worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
        if (!worker->started) {
            return false;
        }
    }
    return true;
}

uint64_t bench_load_done(const struct bench_load *load)
{
    uint64_t done = 0;
    for (size_t i = 0; i < load->workers_count; i++) {
        done += atomic_load_explicit(&load->workers[i].done, memory_order_relaxed);
    }
    return done;
}

void bench_load_end(struct bench_load *load, struct bench_counts *ret_counts)
{
    memset(ret_counts, 0, sizeof(*ret_counts));
    atomic_store(&load->phase, BENCH_FINISH);
    for (size_t i = 0; i < load->workers_count; i++) {
        struct bench_worker *worker = &load->workers[i];
        if (worker->started) {
            (void)pthread_join(worker->thread, NULL);
        }
        cli_latency_merge(&ret_counts->writes, &worker->counts.writes);
        cli_latency_merge(&ret_counts->reads, &worker->counts.reads);
        for (size_t code = 0; code < BENCH_CODES; code++) {
            ret_counts->errors[code] += worker->counts.errors[code];
        }
        ret_counts->acknowledged += worker->counts.acknowledged;
        cd_free(worker->sessions);
    }
    cd_free(load->value);
}
