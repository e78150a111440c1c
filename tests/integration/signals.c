/*
 * signals ROUNDS: a program in which a signal comes every millisecond, to a handler that asks for
 * no restart, does everything that waits. Nothing fails of it, nothing returns before its time, and
 * it ends. COORD_ENDPOINTS, _CACERT, _CERT and _KEY are coordctl's. Prints how many signals came.
 */

#include "coord/recipes.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { CALL_MS = 20000, WAIT_MS = 50 };

static _Atomic unsigned long signals;

static void on_signal(int number)
{
    (void)number;
    errno = EINTR;
    atomic_fetch_add(&signals, 1);
}

static void start_storm(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
    const struct itimerval every = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1}};
    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &every, NULL) != 0) {
        exit(1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void expect(const char *what, enum coord_code code, enum coord_code wanted,
                   const struct coord_error *error)
{
    if (code != wanted) {
        printf("%s: %s: %s\n", what, coord_code_name(code), error->message);
        exit(1);
    }
}

static void expect_waited(const char *what, uint64_t begun_ms)
{
    if (now_ms() - begun_ms < WAIT_MS) {
        printf("%s: it returned too early\n", what);
        exit(1);
    }
}

static struct coord_client *make_client(void)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    if (coord_options_set_endpoints(options, getenv("COORD_ENDPOINTS"), &error) != COORD_OK ||
        coord_options_set_tls_files(options, getenv("COORD_CACERT"), getenv("COORD_CERT"),
                                    getenv("COORD_KEY"), &error) != COORD_OK ||
        coord_options_set_session(options, true, CALL_MS, &error) != COORD_OK ||
        coord_options_set_timeout_ms(options, CALL_MS, &error) != COORD_OK ||
        coord_client_create(options, &client, &error) != COORD_OK) {
        expect("client", error.code, COORD_OK, &error);
    }
    coord_options_free(options);
    return client;
}

static void call(struct coord_client *client)
{
    struct coord_error error;
    expect("create",
           coord_create(client, "/signals", "x", 1, COORD_CREATE_IF_ABSENT, NULL, NULL, &error),
           COORD_OK, &error);
    expect("set", coord_set(client, "/signals", "y", 1, COORD_ANY_VERSION, NULL, NULL, &error),
           COORD_OK, &error);
    expect("get", coord_get(client, "/signals", NULL, NULL, &error), COORD_OK, &error);
}

static void on_done(void *context, enum coord_code code, struct coord_result *result,
                    const struct coord_error *error)
{
    expect("outcome", code, COORD_OK, error);
    coord_result_free(result);
    *(bool *)context = true;
}

static void dispatch(struct coord_client *client)
{
    struct coord_error error;
    struct coord_call_options *options = coord_call_options_create();
    bool done = false;
    coord_call_options_set_done(options, on_done, &done);
    expect("get", coord_get(client, "/signals", options, NULL, &error), COORD_OK, &error);
    while (!done) {
        (void)coord_client_dispatch(client, CALL_MS);
    }
    coord_call_options_free(options);
    uint64_t begun_ms = now_ms();
    if (coord_client_dispatch(client, WAIT_MS) != 0) {
        exit(1);
    }
    expect_waited("dispatch", begun_ms);
}

static void watch(struct coord_client *client)
{
    struct coord_error error;
    struct coord_watch *watch = NULL;
    struct coord_watch_item *item = NULL;
    expect("watch",
           coord_watch_tree(client, "/quiet", COORD_WATCH_NODE, 0, 0, 0, NULL, &watch, &error),
           COORD_OK, &error);
    expect("set item", coord_watch_next(watch, CALL_MS, &item, &error), COORD_OK, &error);
    coord_watch_item_free(item);
    uint64_t begun_ms = now_ms();
    enum coord_code code = coord_watch_next(watch, WAIT_MS, &item, &error);
    if (code == COORD_OK && item->kind == COORD_WATCH_BOOKMARK) { /* every 5 s */
        coord_watch_item_free(item);
    } else {
        expect("next", code, COORD_TIMEOUT, &error);
        expect_waited("next", begun_ms);
    }
    coord_watch_close(watch);
}

static void lock(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *lock = NULL;
    struct coord_lock *second = NULL;
    enum coord_hold state = COORD_HOLD_SAFE;
    expect("lock",
           coord_lock_acquire(client, "/signals-lock", NULL, 0, COORD_FOREVER, &lock, &error),
           COORD_OK, &error);
    uint64_t begun_ms = now_ms();
    expect("second lock",
           coord_lock_acquire(client, "/signals-lock", NULL, 0, WAIT_MS, &second, &error),
           COORD_TIMEOUT, &error);
    expect_waited("second lock", begun_ms);
    begun_ms = now_ms();
    expect("lock_wait", coord_lock_wait(lock, WAIT_MS, &state, &error), COORD_TIMEOUT, &error);
    expect_waited("lock_wait", begun_ms);
    expect("release", coord_lock_release(lock, &error), COORD_OK, &error);
}

static void wait_for_others(struct coord_client *client)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    uint64_t id = 0;
    enum coord_session_state state = coord_session_state(client, &id);
    uint64_t begun_ms = now_ms();
    expect("take", coord_queue_take(client, "/signals-queue", WAIT_MS, &result, &error),
           COORD_TIMEOUT, &error);
    expect_waited("take", begun_ms);
    begun_ms = now_ms();
    expect("session_wait", coord_session_wait(client, WAIT_MS, &state, &id, &error), COORD_TIMEOUT,
           &error);
    expect_waited("session_wait", begun_ms);
}

int main(int argc, char **argv)
{
    long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    start_storm();
    for (long i = 0; i < rounds; i++) {
        struct coord_client *client = make_client();
        call(client);
        dispatch(client);
        watch(client);
        lock(client);
        wait_for_others(client);
        coord_client_close(client);
    }
    printf("%lu signals\n", atomic_load(&signals));
    return 0;
}
