/*
 * load WORK PATH SESSIONS COUNT: makes COUNT writes through libclient, by SESSIONS clients with a
 * session each and a thread of its own. Where the cluster is comes from the environment, as for
 * coordctl. Any call that fails ends it with 1 and says why.
 *
 *   increments  adds 1 to the number at PATH; prints each result, one a line, as it comes
 *   changes     creates, sets twice and deletes nodes below PATH; prints "done" for each change
 *
 * Standard input paces it: each line is a number, and that many writes in all may have begun. At
 * its end all may. So a test can disturb the cluster while writes are under way, and never before
 * or after them.
 */

#include "base/assert.h"
#include "coord/client.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SESSIONS_MAX = 64,
    CALL_TIMEOUT_MS = 120000,
    PATH_BYTES = 256,
    CHANGES_OF_A_NODE = 4,
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t allowed, begun, count; /* writes in all; under `lock` */
    bool increments;
    const char *path;
} work = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Noreturn void fail(const char *what, const struct coord_error *error)
{
    (void)pthread_mutex_lock(&work.lock);
    (void)fprintf(stderr, "load: %s: %s (%s)\n", what, error->message,
                  coord_code_name(error->code));
    _exit(1);
}

/* Waits until another write may begin; false: there is no more to do. */
static bool begin(void)
{
    (void)pthread_mutex_lock(&work.lock);
    while (work.begun < work.count && work.begun >= work.allowed) {
        (void)pthread_cond_wait(&work.changed, &work.lock);
    }
    bool more = work.begun < work.count;
    work.begun += more ? 1 : 0;
    (void)pthread_mutex_unlock(&work.lock);
    return more;
}

static void say(const char *line)
{
    (void)pthread_mutex_lock(&work.lock);
    (void)puts(line);
    (void)fflush(stdout);
    (void)pthread_mutex_unlock(&work.lock);
}

/* ---- Writes ---- */

static void increment(struct coord_client *client)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    char line[32];
    if (coord_increment(client, work.path, 1, COORD_ANY_VERSION, 0, NULL, &result, &error) !=
        COORD_OK) {
        fail("increment", &error);
    }
    (void)snprintf(line, sizeof(line), "%" PRId64, coord_result_value(result));
    coord_result_free(result);
    say(line);
}

/* The `index`th change of one session: its nodes one after another, each with four changes. */
static void change(struct coord_client *client, size_t session, uint64_t index)
{
    struct coord_error error;
    char path[PATH_BYTES];
    uint64_t step = index % CHANGES_OF_A_NODE;
    (void)snprintf(path, sizeof(path), "%s/%zu-%" PRIu64, work.path, session,
                   index / CHANGES_OF_A_NODE);
    enum coord_code code = COORD_OK;
    if (step == 0) {
        code = coord_create(client, path, "0", 1, 0, NULL, NULL, &error);
    } else if (step < CHANGES_OF_A_NODE - 1) {
        /* The version shows if an earlier one was done twice. */
        code = coord_set(client, path, &"0123"[step], 1, (int64_t)step - 1, NULL, NULL, &error);
    } else {
        code = coord_delete(client, path, (int64_t)step - 1, 0, NULL, NULL, &error);
    }
    if (code != COORD_OK) {
        fail(path, &error);
    }
    say("done");
}

/* ---- Clients ---- */

static enum coord_code connect_to(struct coord_client **ret_client, struct coord_error *error)
{
    struct coord_options *options = coord_options_create();
    CD_ASSERT(options != NULL);
    enum coord_code code = coord_options_set_endpoints(options, getenv("COORD_ENDPOINTS"), error);
    if (code == COORD_OK) {
        code = coord_options_set_tls_files(options, getenv("COORD_CACERT"), getenv("COORD_CERT"),
                                           getenv("COORD_KEY"), error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_timeout_ms(options, CALL_TIMEOUT_MS, error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_session(options, true, 0, error);
    }
    if (code == COORD_OK) {
        code = coord_client_create(options, ret_client, error);
    }
    coord_options_free(options);
    return code;
}

static void *run(void *context)
{
    size_t session = *(const size_t *)context;
    struct coord_error error;
    struct coord_client *client = NULL;
    if (connect_to(&client, &error) != COORD_OK ||
        coord_session_open(client, NULL, NULL, &error) != COORD_OK) {
        fail("open", &error);
    }
    for (uint64_t i = 0; begin(); i++) {
        if (work.increments) {
            increment(client);
        } else {
            change(client, session, i);
        }
    }
    if (coord_session_close(client, NULL, &error) != COORD_OK) {
        fail("close", &error);
    }
    coord_client_close(client);
    return NULL;
}

/* Standard input to its end. */
static void take_pace(void)
{
    char line[32];
    bool more = true;
    while (more) {
        more = fgets(line, sizeof(line), stdin) != NULL;
        (void)pthread_mutex_lock(&work.lock);
        work.allowed = more ? strtoull(line, NULL, 10) : UINT64_MAX;
        (void)pthread_cond_broadcast(&work.changed);
        (void)pthread_mutex_unlock(&work.lock);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[SESSIONS_MAX];
    size_t numbers[SESSIONS_MAX];
    size_t sessions = argc == 5 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    if (sessions == 0 || sessions > SESSIONS_MAX ||
        (strcmp(argv[1], "increments") != 0 && strcmp(argv[1], "changes") != 0)) {
        (void)fprintf(stderr, "usage: load increments|changes PATH SESSIONS COUNT\n");
        return 2;
    }
    work.increments = strcmp(argv[1], "increments") == 0;
    work.path = argv[2];
    work.count = strtoull(argv[4], NULL, 10);
    for (size_t i = 0; i < sessions; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, run, &numbers[i]) != 0) {
            (void)fprintf(stderr, "load: no thread\n");
            return 1;
        }
    }
    take_pace();
    for (size_t i = 0; i < sessions; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return 0;
}
