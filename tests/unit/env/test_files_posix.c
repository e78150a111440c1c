/*
 * The system calls behind the real env, each wrapped by the linker: what is called, in which order,
 * and what comes of an interrupted, short or failed one.
 */

#include "base/memory.h"
#include "env/env_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum call {
    CALL_PWRITE,
    CALL_FDATASYNC,
    CALL_FSYNC,
    CALL_FALLOCATE,
    CALL_FTRUNCATE,
    CALL_COUNT,
};

/* Calls may come from the env's threads; the test looks when they have come to rest. */
static atomic_int calls[CALL_COUNT];
static atomic_int fail_nth[CALL_COUNT]; /* counts down; the one that reaches 0 fails */
static atomic_int fail_errno;
static atomic_bool always; /* and all after it */
static atomic_bool short_writes;
static atomic_int gate; /* fallocate waits while it is 1; it makes it 2 when it has come there */
static char trace[4096];
static atomic_int trace_bytes;

static bool fails(enum call call, char mark)
{
    atomic_fetch_add(&calls[call], 1);
    int at = atomic_fetch_add(&trace_bytes, 1);
    if (at < (int)sizeof(trace) - 1) {
        trace[at] = mark;
    }
    if (atomic_load(&fail_nth[call]) == 0) {
        return false;
    }
    int left = atomic_load(&fail_nth[call]) == 1 ? 0 : atomic_fetch_sub(&fail_nth[call], 1) - 1;
    if (left != 0) {
        return false;
    }
    if (!atomic_load(&always)) {
        atomic_store(&fail_nth[call], 0);
    }
    errno = atomic_load(&fail_errno);
    return true;
}

ssize_t __real_pwrite(int fd, const void *from, size_t bytes, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t offset);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t bytes);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes);
int __real_ftruncate(int fd, off_t bytes);
int __wrap_ftruncate(int fd, off_t bytes);

ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
    if (fails(CALL_PWRITE, 'w')) {
        return -1;
    }
    size_t count = atomic_load(&short_writes) && bytes > 3 ? bytes / 3 : bytes;
    return __real_pwrite(fd, from, count, offset);
}

int __wrap_fdatasync(int fd)
{
    return fails(CALL_FDATASYNC, 's') ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
    return fails(CALL_FSYNC, 'd') ? -1 : __real_fsync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    int closed = 1;
    if (atomic_compare_exchange_strong(&gate, &closed, 2)) {
        while (atomic_load(&gate) == 2) {
            sched_yield();
        }
    }
    return fails(CALL_FALLOCATE, 'a') ? -1 : __real_fallocate(fd, mode, offset, bytes);
}

int __wrap_ftruncate(int fd, off_t bytes)
{
    return fails(CALL_FTRUNCATE, 't') ? -1 : __real_ftruncate(fd, bytes);
}

static void forget_calls(void)
{
    for (int i = 0; i < CALL_COUNT; i++) {
        atomic_store(&calls[i], 0);
        atomic_store(&fail_nth[i], 0);
    }
    atomic_store(&always, false);
    atomic_store(&short_writes, false);
    atomic_store(&gate, 0);
    atomic_store(&trace_bytes, 0);
    memset(trace, 0, sizeof(trace));
}

static void fail_next(enum call call, int nth, int reason)
{
    atomic_store(&fail_errno, reason);
    atomic_store(&fail_nth[call], nth);
}

/* --- one env with one file "a" --- */

struct world {
    struct env_posix *posix;
    const struct env *env;
    struct env_file *file;
    char dir[64];
    int done_count;
    enum cd_status done_status;
};

static int setup(void **state)
{
    struct world *world = cd_calloc(1, sizeof(*world));
    snprintf(world->dir, sizeof(world->dir), "/tmp/coord-env-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    forget_calls();
    assert_int_equal(env_posix_create(world->dir, &world->posix, NULL), CD_OK);
    world->env = env_posix_as_env(world->posix);
    assert_int_equal(world->env->ops->open(world->env->self, "a", ENV_OPEN_CREATE, &world->file),
                     CD_OK);
    forget_calls();
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    forget_calls();
    world->env->ops->close(world->env->self, world->file);
    (void)world->env->ops->remove(world->env->self, "a");
    (void)world->env->ops->remove(world->env->self, "b");
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", world->dir, ENV_POSIX_LOCK_NAME);
    assert_int_equal(unlink(path), 0);
    env_posix_free(world->posix);
    assert_int_equal(rmdir(world->dir), 0);
    cd_free(world);
    return 0;
}

static void on_done(void *context, enum cd_status status)
{
    struct world *world = context;
    world->done_count++;
    world->done_status = status;
}

static enum cd_status finish(struct world *world)
{
    while (world->done_count == 0) {
        (void)env_posix_wait(world->posix, UINT64_MAX);
    }
    assert_int_equal(world->done_count, 1);
    world->done_count = 0;
    return world->done_status;
}

static enum cd_status write_sync(struct world *world, const char *text)
{
    world->env->ops->write_sync(world->env->self, world->file, 0, text, strlen(text), on_done,
                                world);
    return finish(world);
}

static enum cd_status create_reserved(struct world *world, struct env_file **ret_file)
{
    world->env->ops->create_reserved(world->env->self, "b", 1 << 20, "head", 4, ret_file, on_done,
                                     world);
    return finish(world);
}

static void check_content(struct world *world, const char *expected)
{
    char content[64] = {0};
    size_t count = 0;
    assert_int_equal(
        world->env->ops->read(world->env->self, world->file, 0, content, sizeof(content), &count),
        CD_OK);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(content, expected, count);
}

static void test_write_then_sync(void **state)
{
    struct world *world = *state;
    assert_int_equal(write_sync(world, "hello"), CD_OK);
    assert_string_equal(trace, "ws"); /* P2 rests on it */
}

static void test_blocking_calls_sync(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    assert_int_equal(env->ops->sync(env->self, world->file), CD_OK);
    assert_string_equal(trace, "s");
    assert_int_equal(env->ops->sync_directory(env->self), CD_OK);
    assert_string_equal(trace, "sd");
}

static void test_create_reserved_is_durable(void **state)
{
    struct world *world = *state;
    struct env_file *file = NULL;
    assert_int_equal(create_reserved(world, &file), CD_OK);
    /* Room, zeros, head, file, directory. */
    assert_int_equal(trace[0], 'a');
    size_t end = strlen(trace);
    assert_string_equal(trace + end - 3, "wsd");
    assert_int_equal(strspn(trace + 1, "w"), end - 3);
    world->env->ops->close(world->env->self, file);
}

static enum cd_status write_behind(struct world *world, uint64_t offset, size_t bytes)
{
    static const char zeros[1 << 20];
    assert_true(bytes <= sizeof(zeros));
    world->env->ops->write_behind(world->env->self, world->file, offset, zeros, bytes, on_done,
                                  world);
    return finish(world);
}

static enum cd_status publish(struct world *world)
{
    world->env->ops->publish(world->env->self, world->file, "a", "a", on_done, world);
    return finish(world);
}

/* Written behind is not durable; a sync comes every 4 MiB all the same, for the sake of others. */
static void test_publish_makes_durable(void **state)
{
    struct world *world = *state;
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(write_behind(world, i << 20, 1 << 20), CD_OK);
    }
    assert_string_equal(trace, "wwwwsw");
    assert_int_equal(publish(world), CD_OK);
    assert_string_equal(trace, "wwwwswsd"); /* file, name, directory */
    world->env->ops->discard(world->env->self, "a", on_done, world);
    assert_int_equal(finish(world), CD_OK);
    assert_string_equal(trace, "wwwwswsdd");
}

static void test_failed_bulk_work(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    const int reasons[] = {EIO, ENOSPC};
    const enum cd_status statuses[] = {CD_IO, CD_FULL};
    for (size_t i = 0; i < CD_ARRAY_COUNT(reasons); i++) {
        fail_next(CALL_PWRITE, 1, reasons[i]);
        assert_int_equal(write_behind(world, 0, 100), statuses[i]);
        assert_non_null(strstr(env->ops->last_error(env->self), "write a: "));
        fail_next(CALL_FDATASYNC, 1, reasons[i]);
        assert_int_equal(publish(world), statuses[i]); /* before it was named */
        fail_next(CALL_FSYNC, 1, reasons[i]);
        assert_int_equal(publish(world), CD_IO);
        world->env->ops->discard(world->env->self, "nothing", on_done, world);
        assert_int_equal(finish(world), CD_NOT_FOUND);
    }
    fail_next(CALL_FSYNC, 1, EIO);
    env->ops->discard(env->self, "a", on_done, world);
    assert_int_equal(finish(world), CD_IO);
}

/* Writes do not wait for a reservation, and cancelling one ends it early, with nothing left. */
static void test_reserving_does_not_hold_writes_up(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *reserved = NULL;
    int other = 0; /* only its address counts */
    atomic_store(&gate, 1);
    env->ops->create_reserved(env->self, "b", 64 << 20, "head", 4, &reserved, on_done, &other);
    while (atomic_load(&gate) == 1) {
        sched_yield();
    }
    assert_int_equal(write_sync(world, "hello"), CD_OK);
    assert_int_equal(write_behind(world, 0, 5), CD_OK);
    assert_int_equal(atomic_load(&gate), 2); /* it is still at it */
    atomic_store(&gate, 0);
    env->ops->cancel(env->self, &other);
    if (reserved != NULL) { /* it was quicker */
        env->ops->close(env->self, reserved);
    } else {
        assert_int_equal(env->ops->open(env->self, "b", ENV_OPEN_READ, &reserved), CD_NOT_FOUND);
    }
}

static void test_interrupted_calls_are_repeated(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    for (int call = 0; call < CALL_FALLOCATE; call++) {
        fail_next((enum call)call, 1, EINTR);
        assert_int_equal(write_sync(world, "hello"), CD_OK);
        assert_int_equal(env->ops->sync_directory(env->self), CD_OK);
        assert_int_equal(atomic_load(&fail_nth[call]), 0);
        check_content(world, "hello");
    }
    fail_next(CALL_FALLOCATE, 1, EINTR);
    assert_int_equal(env->ops->allocate(env->self, world->file, 1000), CD_OK);
    fail_next(CALL_FTRUNCATE, 1, EINTR);
    assert_int_equal(env->ops->truncate(env->self, world->file, 5), CD_OK);
    check_content(world, "hello");
}

static void test_short_writes_go_on(void **state)
{
    struct world *world = *state;
    atomic_store(&short_writes, true);
    assert_int_equal(write_sync(world, "a text of some length, in pieces"), CD_OK);
    assert_true(atomic_load(&calls[CALL_PWRITE]) > 5);
    check_content(world, "a text of some length, in pieces");
}

static void test_failed_write_and_sync(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    const int reasons[] = {EIO, ENOSPC, EDQUOT};
    for (size_t i = 0; i < CD_ARRAY_COUNT(reasons); i++) {
        fail_next(CALL_PWRITE, 1, reasons[i]);
        assert_int_equal(write_sync(world, "hello"), CD_IO); /* doubt, whatever the reason */
        assert_non_null(strstr(env->ops->last_error(env->self), "write a: "));
        fail_next(CALL_FDATASYNC, 1, reasons[i]);
        assert_int_equal(write_sync(world, "hello"), CD_IO);
        assert_non_null(strstr(env->ops->last_error(env->self), strerror(reasons[i])));
        fail_next(CALL_FDATASYNC, 1, reasons[i]);
        assert_int_equal(env->ops->sync(env->self, world->file), CD_IO);
        fail_next(CALL_FSYNC, 1, reasons[i]);
        assert_int_equal(env->ops->sync_directory(env->self), CD_IO);
    }
    fail_next(CALL_PWRITE, 1, ENOSPC);
    assert_int_equal(env->ops->write(env->self, world->file, 0, "x", 1), CD_FULL);
    fail_next(CALL_PWRITE, 1, EIO);
    assert_int_equal(env->ops->write(env->self, world->file, 0, "x", 1), CD_IO);
    fail_next(CALL_FTRUNCATE, 1, EIO);
    assert_int_equal(env->ops->allocate(env->self, world->file, 100), CD_OK);
    assert_int_equal(env->ops->truncate(env->self, world->file, 1), CD_IO);
}

static void test_no_room_to_reserve(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    fail_next(CALL_FALLOCATE, 1, ENOSPC);
    assert_int_equal(env->ops->allocate(env->self, world->file, 1000), CD_FULL);
    /* Wherever it shows, nothing is left behind and nothing is in doubt. */
    const enum call where[] = {CALL_FALLOCATE, CALL_PWRITE, CALL_FDATASYNC};
    for (size_t i = 0; i < CD_ARRAY_COUNT(where); i++) {
        struct env_file *file = NULL;
        fail_next(where[i], 1, ENOSPC);
        assert_int_equal(create_reserved(world, &file), CD_FULL);
        assert_null(file);
        assert_int_equal(env->ops->open(env->self, "b", ENV_OPEN_READ, &file), CD_NOT_FOUND);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(where); i++) {
        struct env_file *file = NULL;
        fail_next(where[i], 1, EIO);
        assert_int_equal(create_reserved(world, &file), CD_IO);
        assert_null(file);
    }
    struct env_file *file = NULL;
    fail_next(CALL_FSYNC, 1, EIO);
    assert_int_equal(create_reserved(world, &file), CD_IO);
    assert_null(file);
}

/* Where the file system cannot reserve, the zeros take the room. */
static void test_no_fallocate(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    fail_next(CALL_FALLOCATE, 1, EOPNOTSUPP);
    assert_int_equal(env->ops->allocate(env->self, world->file, 1 << 20), CD_OK);
    uint64_t bytes = 0;
    assert_int_equal(env->ops->size(env->self, world->file, &bytes), CD_OK);
    assert_int_equal(bytes, 1 << 20);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function, setup, teardown, NULL                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_then_sync),
        TEST(test_blocking_calls_sync),
        TEST(test_create_reserved_is_durable),
        TEST(test_publish_makes_durable),
        TEST(test_failed_bulk_work),
        TEST(test_reserving_does_not_hold_writes_up),
        TEST(test_interrupted_calls_are_repeated),
        TEST(test_short_writes_go_on),
        TEST(test_failed_write_and_sync),
        TEST(test_no_room_to_reserve),
        TEST(test_no_fallocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
