/*
 * master_job NAME suspect|lost ENDPOINTS STORE_ENDPOINTS CA CERT KEY TIMEOUT_MS STAMPS
 *
 * A job that competes for mastership: a sequential ephemeral node below /office, whose place in the
 * queue it watches. In front of the queue it is master, and acts again and again, each time after
 * it has asked its lease: while CONNECTED ("suspect": it stops there), or while the session is held
 * at all ("lost"). Then it gives the office up and queues anew, with another session.
 *
 * Its thread "store" meanwhile writes /work, by a client without a session that reaches the
 * replicas by STORE_ENDPOINTS, and never asks the lease: only the fence of the office guards that
 * (R20). It writes once more with the old fence after the office was given up.
 *
 * Each line of STAMPS is one write(2) with O_APPEND, so that all jobs share the file:
 *   <CLOCK_MONOTONIC in ns> NAME queued|start|stop|wrote <fence> <code> <zxid>
 * The time of start is before the first act, that of stop is the end of the last act, that of wrote
 * is before the write was begun.
 */

#include "base/memory.h"
#include "coord/client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ACT_NS = 1000000, WRITE_NS = 10000000, CALL_MS = 5000, WAIT_MS = 100 };

struct job {
    const char *name;
    bool until_lost;
    struct coord_options *options;
    struct coord_options *store_options;
    int stamps;
    _Atomic uint64_t fence; /* of the office while it is held; 0 */
    _Atomic(const char *) office;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_ns(long ns)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static void stamp(const struct job *job, uint64_t when, const char *what, uint64_t fence,
                  const char *code, uint64_t zxid)
{
    char line[256];
    int bytes = snprintf(line, sizeof(line), "%" PRIu64 " %s %s %" PRIu64 " %s %" PRIu64 "\n", when,
                         job->name, what, fence, code, zxid);
    if (write(job->stamps, line, (size_t)bytes) != bytes) {
        abort();
    }
}

/* --- The store: guarded by the fence alone --- */

static void write_fenced(const struct job *job, struct coord_client *store, const char *office,
                         uint64_t fence)
{
    struct coord_call_options *call = coord_call_options_create();
    struct coord_result *result = NULL;
    struct coord_error error;
    uint64_t when = now_ns();
    coord_call_options_set_timeout_ms(call, CALL_MS);
    enum coord_code code = coord_call_options_set_if_held(call, office, fence, 1, NULL, 0, &error);
    if (code == COORD_OK) {
        code = coord_set(store, "/work", job->name, strlen(job->name), COORD_ANY_VERSION, call,
                         &result, &error);
    }
    stamp(job, when, "wrote", fence, coord_code_name(code),
          code == COORD_OK ? coord_result_zxid(result) : 0);
    coord_result_free(result);
    coord_call_options_free(call);
}

static void *store_main(void *context)
{
    struct job *job = context;
    struct coord_client *store = NULL;
    struct coord_error error;
    if (coord_client_create(job->store_options, &store, &error) != COORD_OK) {
        (void)fprintf(stderr, "%s: store: %s\n", job->name, error.message);
        abort();
    }
    char office[256] = "";
    uint64_t fence = 0;
    for (;;) {
        uint64_t current = atomic_load(&job->fence);
        if (current != 0) {
            (void)snprintf(office, sizeof(office), "%s", atomic_load(&job->office));
        }
        if (fence != 0) { /* what was true when it was looked at, and perhaps no more */
            write_fenced(job, store, office, fence);
        }
        fence = current;
        pause_ns(WRITE_NS);
    }
    return NULL;
}

/* --- The office --- */

static bool may_act(const struct job *job, struct coord_client *client, uint64_t session)
{
    if (job->until_lost) {
        return coord_session_holds(client, session);
    }
    uint64_t id = 0;
    return coord_session_state(client, &id) == COORD_STATE_CONNECTED && id == session;
}

/* Master, until the lease says stop. */
static void serve(struct job *job, struct coord_client *client, uint64_t session, uint64_t fence,
                  const char *office)
{
    uint64_t started = now_ns();
    uint64_t acted = 0;
    while (may_act(job, client, session)) {
        if (acted == 0) {
            stamp(job, started, "start", fence, "-", 0);
            atomic_store(&job->office, office);
            atomic_store(&job->fence, fence);
        }
        acted = now_ns();
        pause_ns(ACT_NS);
    }
    if (acted != 0) {
        atomic_store(&job->fence, 0);
        stamp(job, acted, "stop", fence, "-", 0);
    }
}

/* Waits to be the first; false if the place is lost. */
static bool wait_for_front(const struct job *job, struct coord_client *client, uint64_t session,
                           struct coord_watch *place, uint64_t *ret_fence)
{
    bool front = false;
    while (coord_session_holds(client, session)) {
        if (front && may_act(job, client, session)) {
            return true;
        }
        struct coord_watch_item *item = NULL;
        enum coord_code code = coord_watch_next(place, front ? 1 : WAIT_MS, &item, NULL);
        if (code == COORD_TIMEOUT) {
            continue;
        }
        if (code != COORD_OK || item->kind == COORD_WATCH_ENDED) {
            coord_watch_item_free(item);
            return false;
        }
        if (item->kind == COORD_WATCH_QUEUE) {
            front = item->queue_state == COORD_QUEUE_FRONT;
            *ret_fence = item->fence;
        }
        coord_watch_item_free(item);
    }
    return false;
}

static void compete(struct job *job)
{
    struct coord_client *client = NULL;
    struct coord_watch *place = NULL;
    struct coord_result *result = NULL;
    struct coord_error error;
    if (coord_client_create(job->options, &client, &error) != COORD_OK) {
        (void)fprintf(stderr, "%s: %s\n", job->name, error.message);
        abort();
    }
    enum coord_code code =
        coord_create_queued(client, "/office/m-", NULL, 0, COORD_CREATE_EPHEMERAL, NULL, 1, NULL, 0,
                            NULL, &place, &result, &error);
    if (code == COORD_OK) {
        uint64_t session = coord_result_stat(result)->ephemeral_owner;
        uint64_t fence = 0;
        stamp(job, now_ns(), "queued", coord_result_stat(result)->czxid, "-", session);
        if (wait_for_front(job, client, session, place, &fence)) {
            /* Never freed: the store may look at the name when this result is gone. */
            serve(job, client, session, fence, cd_strdup(coord_result_path(result)));
        }
    } else {
        (void)fprintf(stderr, "%s: %s: %s\n", job->name, coord_code_name(code), error.message);
        pause_ns(WRITE_NS);
    }
    coord_result_free(result);
    coord_watch_close(place);
    coord_client_close(client);
}

static struct coord_options *make_options(char **argv, const char *endpoints)
{
    struct coord_options *options = coord_options_create();
    struct coord_error error;
    if (options == NULL || coord_options_set_endpoints(options, endpoints, &error) != COORD_OK ||
        coord_options_set_tls_files(options, argv[5], argv[6], argv[7], &error) != COORD_OK) {
        (void)fprintf(stderr, "master_job: wrong options\n");
        exit(2);
    }
    return options;
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        (void)fprintf(stderr, "usage: see master_job.c\n");
        return 2;
    }
    struct job job = {.name = argv[1], .until_lost = strcmp(argv[2], "lost") == 0};
    job.options = make_options(argv, argv[3]);
    job.store_options = make_options(argv, argv[4]);
    struct coord_error error;
    uint32_t timeout_ms = (uint32_t)strtoul(argv[8], NULL, 10);
    if (coord_options_set_session(job.options, true, timeout_ms, &error) != COORD_OK) {
        (void)fprintf(stderr, "master_job: %s\n", error.message);
        return 2;
    }
    job.stamps = open(argv[9], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    pthread_t store;
    if (job.stamps < 0 || pthread_create(&store, NULL, store_main, &job) != 0) {
        perror("master_job");
        return 1;
    }
    for (;;) {
        compete(&job);
    }
}
