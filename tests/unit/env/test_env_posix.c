/* The real env: the data directory and its lock, the loop's sleep, posts from other threads. */

#include "base/memory.h"
#include "env/env_posix.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char base[64]; /* a directory of the test's own */
    char data[96]; /* the data directory in it, not made yet */
};

static int setup(void **state)
{
    struct place *place = cd_calloc(1, sizeof(*place));
    snprintf(place->base, sizeof(place->base), "/tmp/coord-env-XXXXXX");
    assert_non_null(mkdtemp(place->base));
    snprintf(place->data, sizeof(place->data), "%s/data", place->base);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char path[128];
    const char *names[] = {"a", "b", "lock"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", place->data, names[i]);
        (void)unlink(path);
    }
    (void)unlink(place->data);
    (void)rmdir(place->data);
    assert_int_equal(rmdir(place->base), 0);
    cd_free(place);
    return 0;
}

static struct env_posix *create(struct place *place)
{
    struct env_posix *env = NULL;
    struct cd_error error = {0};
    if (env_posix_create(place->data, &env, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    return env;
}

static uint64_t now(struct env_posix *env)
{
    return env_now_ms(env_posix_as_env(env));
}

/* --- the data directory --- */

static void test_makes_the_directory(void **state)
{
    struct place *place = *state;
    env_posix_free(create(place));
    struct stat status;
    assert_int_equal(stat(place->data, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    env_posix_free(create(place)); /* and takes it as it finds it */
}

static void test_lock(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    struct env_posix *second = NULL;
    struct cd_error error = {0};
    assert_int_equal(env_posix_create(place->data, &second, &error), CD_IN_USE);
    assert_null(second);
    assert_non_null(strstr(error.message, place->data));
    char process[40];
    snprintf(process, sizeof(process), "in use by process %ld", (long)getpid());
    assert_non_null(strstr(error.message, process));
    env_posix_free(env);
    env_posix_free(create(place));
}

/* A process that ends, however it ends, gives the lock back. */
static void test_lock_of_a_killed_process(void **state)
{
    struct place *place = *state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct env_posix *env = NULL;
        char ok = env_posix_create(place->data, &env, NULL) == CD_OK ? 'y' : 'n';
        ssize_t written = write(ready[1], &ok, 1);
        (void)written;
        pause();
        _exit(0);
    }
    char ok = 0;
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_int_equal(ok, 'y');
    struct env_posix *env = NULL;
    assert_int_equal(env_posix_create(place->data, &env, NULL), CD_IN_USE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    env_posix_free(create(place));
    close(ready[0]);
    close(ready[1]);
}

static void test_bad_directories(void **state)
{
    struct place *place = *state;
    struct env_posix *env = NULL;
    struct cd_error error = {0};
    char path[128];
    snprintf(path, sizeof(path), "%s/missing/data", place->base);
    assert_int_equal(env_posix_create(path, &env, &error), CD_IO);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, "No such file or directory"));
    FILE *file = fopen(place->data, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(env_posix_create(place->data, &env, &error), CD_IO);
    assert_non_null(strstr(error.message, "Not a directory"));
    assert_null(env);
}

static void test_failures_have_a_reason(void **state)
{
    struct place *place = *state;
    struct env_posix *posix = create(place);
    const struct env *env = env_posix_as_env(posix);
    assert_string_equal(env->ops->last_error(env->self), "");
    struct env_file *file;
    assert_int_equal(env->ops->open(env->self, "a", ENV_OPEN_CREATE, &file), CD_OK);
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = {.rlim_cur = 1000, .rlim_max = old.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static const uint8_t data[2000];
    enum cd_status status = env->ops->write(env->self, file, 0, data, sizeof(data));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, CD_IO);
    assert_string_equal(env->ops->last_error(env->self), "write a: File too large");
    env->ops->close(env->self, file);
    env_posix_free(posix);
}

/* --- the loop --- */

static void count_up(void *arg)
{
    int *count = arg;
    (*count)++;
}

static void test_deadlines(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    uint64_t start = now(env);
    assert_int_equal(env_posix_wait(env, 0), 0); /* past: it does not sleep */
    assert_int_equal(env_posix_wait(env, start), 0);
    assert_int_equal(env_posix_wait(env, start + 30), 0);
    assert_true(now(env) >= start + 30);
    assert_int_equal(env_posix_wait(env, start + 60), 0);
    assert_true(now(env) >= start + 60);
    env_posix_wake(env); /* before the sleep, and once is enough for one */
    assert_int_equal(env_posix_wait(env, UINT64_MAX), 0);
    env_posix_free(env);
}

static void test_posts_run_in_order(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    int count = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(env_posix_post(env, count_up, &count), CD_OK);
    }
    assert_int_equal(count, 0);
    assert_int_equal(env_posix_wait(env, UINT64_MAX), 1000);
    assert_int_equal(count, 1000);
    env_posix_free(env);
}

static void test_post_limit(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    int count = 0;
    for (int i = 0; i < ENV_POSIX_POSTS_MAX; i++) {
        assert_int_equal(env_posix_post(env, count_up, &count), CD_OK);
    }
    assert_int_equal(env_posix_post(env, count_up, &count), CD_BUSY);
    int turns = 0;
    while (count < ENV_POSIX_POSTS_MAX) {
        size_t ran = env_posix_wait(env, 0);
        assert_true(ran > 0);
        assert_true(ran <= ENV_POSIX_TURN_MAX); /* timers get their turn */
        turns++;
    }
    assert_int_equal(turns, ENV_POSIX_POSTS_MAX / ENV_POSIX_TURN_MAX);
    assert_int_equal(env_posix_post(env, count_up, &count), CD_OK);
    assert_int_equal(env_posix_wait(env, UINT64_MAX), 1);
    env_posix_free(env);
}

struct chain {
    struct env_posix *env;
    int left;
};

static void post_again(void *arg)
{
    struct chain *chain = arg;
    if (chain->left-- > 0) {
        assert_int_equal(env_posix_post(chain->env, post_again, chain), CD_OK);
    }
}

static void test_posts_of_posts_wait_for_the_next_turn(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    struct chain chain = {.env = env, .left = 3};
    post_again(&chain);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(env_posix_wait(env, UINT64_MAX), 1);
    }
    assert_int_equal(env_posix_wait(env, 0), 0);
    env_posix_free(env);
}

enum {
    THREADS = 4,
    POSTS_EACH = 20000,
};

struct poster {
    struct env_posix *env;
    atomic_int *refused;
    int *count; /* only the loop touches it */
    pthread_t thread;
};

static void *post_many(void *argument)
{
    struct poster *poster = argument;
    for (int i = 0; i < POSTS_EACH; i++) {
        while (env_posix_post(poster->env, count_up, poster->count) != CD_OK) {
            atomic_fetch_add(poster->refused, 1);
            sched_yield();
        }
    }
    return NULL;
}

/* Nobody's post is lost, and none leaves the loop asleep. */
static void test_posts_from_threads(void **state)
{
    struct place *place = *state;
    struct env_posix *env = create(place);
    atomic_int refused = 0;
    int count = 0;
    struct poster posters[THREADS];
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.env = env, .refused = &refused, .count = &count};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    }
    uint64_t deadline = now(env) + 60000;
    while (count < THREADS * POSTS_EACH) {
        assert_true(now(env) < deadline);
        (void)env_posix_wait(env, deadline);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
    }
    assert_int_equal(count, THREADS * POSTS_EACH);
    env_posix_free(env);
}

static struct env_posix *waked;

static void on_alarm(int number)
{
    (void)number;
    env_posix_wake(waked);
}

static void test_wake_from_a_signal(void **state)
{
    struct place *place = *state;
    waked = create(place);
    assert_true(signal(SIGALRM, on_alarm) != SIG_ERR);
    struct itimerval timer = {.it_value = {.tv_usec = 20000}};
    uint64_t start = now(waked);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    assert_int_equal(env_posix_wait(waked, UINT64_MAX), 0); /* it ends */
    assert_true(now(waked) >= start + 15);
    env_posix_free(waked);
}

struct done {
    int count;
    enum cd_status status;
};

static void on_done(void *context, enum cd_status status)
{
    struct done *done = context;
    done->count++;
    done->status = status;
}

static void test_completion_wakes(void **state)
{
    struct place *place = *state;
    struct env_posix *posix = create(place);
    const struct env *env = env_posix_as_env(posix);
    struct env_file *file;
    assert_int_equal(env->ops->open(env->self, "a", ENV_OPEN_CREATE, &file), CD_OK);
    for (int i = 0; i < 50; i++) {
        struct done done = {0};
        env->ops->write_sync(env->self, file, 0, "hello", 5, on_done, &done);
        while (done.count == 0) {
            (void)env_posix_wait(posix, UINT64_MAX);
        }
        assert_int_equal(done.count, 1);
        assert_int_equal(done.status, CD_OK);
    }
    env->ops->close(env->self, file);
    env_posix_free(posix);
}

static void test_free_with_work_under_way(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 5; i++) {
        struct env_posix *posix = create(place);
        const struct env *env = env_posix_as_env(posix);
        struct env_file *reserved = NULL;
        struct done done = {0};
        int count = 0;
        env->ops->create_reserved(env->self, "b", 64 << 20, "head", 4, &reserved, on_done, &done);
        assert_int_equal(env_posix_post(posix, count_up, &count), CD_OK);
        env_posix_free(posix);
        assert_int_equal(done.count, 0);
        assert_int_equal(count, 0);
    }
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function, setup, teardown, NULL                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_makes_the_directory),
        TEST(test_lock),
        TEST(test_lock_of_a_killed_process),
        TEST(test_bad_directories),
        TEST(test_failures_have_a_reason),
        TEST(test_deadlines),
        TEST(test_posts_run_in_order),
        TEST(test_post_limit),
        TEST(test_posts_of_posts_wait_for_the_next_turn),
        TEST(test_posts_from_threads),
        TEST(test_wake_from_a_signal),
        TEST(test_completion_wakes),
        TEST(test_free_with_work_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
