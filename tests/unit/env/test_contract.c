/* What env.h promises about files, asked of the real env and of the fault disk alike. */

#include "base/memory.h"
#include "env/env_posix.h"
#include "support/fault_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    const struct env *env;
    struct env_posix *posix; /* one of the two */
    struct fault_disk *disk;
    char dir[64];
};

static int setup_posix(void **state)
{
    struct world *world = cd_calloc(1, sizeof(*world));
    snprintf(world->dir, sizeof(world->dir), "/tmp/coord-env-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    struct cd_error error;
    assert_int_equal(env_posix_create(world->dir, &world->posix, &error), CD_OK);
    world->env = env_posix_as_env(world->posix);
    *state = world;
    return 0;
}

static void remove_each(void *context, const char *name)
{
    const struct world *world = context;
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", world->dir, name);
    (void)unlink(path);
}

static int teardown_posix(void **state)
{
    struct world *world = *state;
    assert_int_equal(world->env->ops->list(world->env->self, remove_each, world), CD_OK);
    remove_each(world, ENV_POSIX_LOCK_NAME);
    env_posix_free(world->posix);
    assert_int_equal(rmdir(world->dir), 0);
    cd_free(world);
    return 0;
}

static int setup_disk(void **state)
{
    struct world *world = cd_calloc(1, sizeof(*world));
    world->disk = fault_disk_create(NULL);
    world->env = fault_disk_env(world->disk);
    *state = world;
    return 0;
}

static int teardown_disk(void **state)
{
    struct world *world = *state;
    fault_disk_free(world->disk);
    cd_free(world);
    return 0;
}

/* Runs what has completed, waiting for something if nothing has. */
static void run(struct world *world)
{
    if (world->disk != NULL) {
        assert_true(fault_disk_step_any(world->disk));
    } else {
        uint64_t deadline = env_now_ms(world->env) + 10000;
        assert_true(env_posix_wait(world->posix, deadline) > 0);
    }
}

static struct env_file *open_file(struct world *world, const char *path, enum env_open_mode mode)
{
    struct env_file *file = NULL;
    assert_int_equal(world->env->ops->open(world->env->self, path, mode, &file), CD_OK);
    assert_non_null(file);
    return file;
}

static void close_file(struct world *world, struct env_file *file)
{
    world->env->ops->close(world->env->self, file);
}

static uint64_t file_size(struct world *world, struct env_file *file)
{
    uint64_t bytes = UINT64_MAX;
    assert_int_equal(world->env->ops->size(world->env->self, file, &bytes), CD_OK);
    return bytes;
}

static void check_content(struct world *world, struct env_file *file, uint64_t offset,
                          const char *expected)
{
    char content[64] = {0};
    size_t count = 0;
    assert_int_equal(
        world->env->ops->read(world->env->self, file, offset, content, strlen(expected), &count),
        CD_OK);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(content, expected, count);
}

static void test_open_modes(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = NULL;
    assert_int_equal(env->ops->open(env->self, "a", ENV_OPEN_READ, &file), CD_NOT_FOUND);
    assert_int_equal(env->ops->open(env->self, "a", ENV_OPEN_WRITE, &file), CD_NOT_FOUND);
    close_file(world, open_file(world, "a", ENV_OPEN_CREATE));
    assert_int_equal(env->ops->open(env->self, "a", ENV_OPEN_CREATE, &file), CD_IO);
    assert_null(file);
    close_file(world, open_file(world, "a", ENV_OPEN_READ));
    close_file(world, open_file(world, "a", ENV_OPEN_WRITE));
}

static void test_read_and_write(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = open_file(world, "a", ENV_OPEN_CREATE);
    assert_int_equal(file_size(world, file), 0);
    assert_int_equal(env->ops->write(env->self, file, 10, "hello", 5), CD_OK);
    assert_int_equal(file_size(world, file), 15);
    check_content(world, file, 10, "hello");
    char content[32];
    size_t count = 0;
    assert_int_equal(env->ops->read(env->self, file, 0, content, 20, &count), CD_OK);
    assert_int_equal(count, 15); /* less only at the end */
    assert_int_equal(content[0], 0);
    assert_int_equal(content[9], 0);
    assert_int_equal(env->ops->read(env->self, file, 15, content, 5, &count), CD_OK);
    assert_int_equal(count, 0);
    assert_int_equal(env->ops->read(env->self, file, 1000, content, 5, &count), CD_OK);
    assert_int_equal(count, 0);
    assert_int_equal(env->ops->sync(env->self, file), CD_OK);
    struct env_file *second = open_file(world, "a", ENV_OPEN_READ);
    check_content(world, second, 10, "hello");
    close_file(world, second);
    close_file(world, file);
}

static void test_allocate_and_truncate(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = open_file(world, "a", ENV_OPEN_CREATE);
    assert_int_equal(env->ops->write(env->self, file, 0, "hello", 5), CD_OK);
    assert_int_equal(env->ops->allocate(env->self, file, 1000000), CD_OK);
    assert_int_equal(file_size(world, file), 1000000);
    check_content(world, file, 0, "hello");
    uint8_t *content = cd_malloc(1000000);
    size_t count = 0;
    assert_int_equal(env->ops->read(env->self, file, 5, content, 1000000, &count), CD_OK);
    assert_int_equal(count, 999995);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(content[i], 0);
    }
    cd_free(content);
    assert_int_equal(env->ops->allocate(env->self, file, 10), CD_OK); /* never shorter */
    assert_int_equal(file_size(world, file), 1000000);
    assert_int_equal(env->ops->truncate(env->self, file, 3), CD_OK);
    assert_int_equal(file_size(world, file), 3);
    assert_int_equal(env->ops->truncate(env->self, file, 5), CD_OK); /* never longer */
    assert_int_equal(file_size(world, file), 3);
    assert_int_equal(env->ops->allocate(env->self, file, 5), CD_OK);
    char tail[8];
    assert_int_equal(env->ops->read(env->self, file, 0, tail, 8, &count), CD_OK);
    assert_int_equal(count, 5);
    assert_memory_equal(tail, "hel\0\0", 5);
    close_file(world, file);
}

struct names {
    char text[256];
};

static void add_name(void *context, const char *name)
{
    struct names *names = context;
    size_t used = strlen(names->text);
    snprintf(names->text + used, sizeof(names->text) - used, "%s ", name);
}

static void test_directory(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    const char *paths[] = {"log-2", "b", "log-10", "a", "log-1"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(paths); i++) {
        struct env_file *file = open_file(world, paths[i], ENV_OPEN_CREATE);
        assert_int_equal(env->ops->write(env->self, file, 0, paths[i], 1), CD_OK);
        close_file(world, file);
    }
    struct names names = {{0}};
    assert_int_equal(env->ops->list(env->self, add_name, &names), CD_OK);
    assert_string_equal(names.text, "a b log-1 log-10 log-2 ");         /* and not the lock */
    assert_int_equal(env->ops->rename(env->self, "a", "log-2"), CD_OK); /* over the old one */
    assert_int_equal(env->ops->rename(env->self, "a", "c"), CD_NOT_FOUND);
    assert_int_equal(env->ops->remove(env->self, "b"), CD_OK);
    assert_int_equal(env->ops->remove(env->self, "b"), CD_NOT_FOUND);
    assert_int_equal(env->ops->sync_directory(env->self), CD_OK);
    names.text[0] = '\0';
    assert_int_equal(env->ops->list(env->self, add_name, &names), CD_OK);
    assert_string_equal(names.text, "log-1 log-10 log-2 ");
    struct env_file *file = open_file(world, "log-2", ENV_OPEN_READ);
    check_content(world, file, 0, "a");
    close_file(world, file);
}

/* --- asynchronous operations --- */

struct done {
    enum cd_status status;
    int count;
};

static void on_done(void *context, enum cd_status status)
{
    struct done *done = context;
    done->status = status;
    done->count++;
}

static void test_write_sync(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = open_file(world, "a", ENV_OPEN_CREATE);
    struct env_file *other = open_file(world, "b", ENV_OPEN_CREATE);
    struct done first = {.status = CD_IO};
    struct done second = {.status = CD_IO};
    env->ops->write_sync(env->self, file, 3, "hello", 5, on_done, &first);
    env->ops->write_sync(env->self, other, 0, "world", 5, on_done, &second);
    assert_int_equal(first.count, 0); /* never before the call has returned */
    while (second.count == 0) {
        run(world);
        assert_true(first.count == 1 || second.count == 0); /* in the order given */
    }
    assert_int_equal(first.count, 1);
    assert_int_equal(first.status, CD_OK);
    assert_int_equal(second.status, CD_OK);
    check_content(world, file, 3, "hello");
    check_content(world, other, 0, "world");
    close_file(world, file);
    close_file(world, other);
}

static void test_create_reserved(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = NULL;
    struct done done = {.status = CD_IO};
    env->ops->create_reserved(env->self, "a", 3 << 20, "head", 4, &file, on_done, &done);
    assert_null(file);
    while (done.count == 0) {
        run(world);
    }
    assert_int_equal(done.status, CD_OK);
    assert_non_null(file);
    assert_int_equal(file_size(world, file), 3 << 20);
    check_content(world, file, 0, "head");
    assert_int_equal(env->ops->write(env->self, file, 100, "x", 1), CD_OK);
    close_file(world, file);

    struct env_file *again = NULL;
    struct done second = {.status = CD_OK};
    env->ops->create_reserved(env->self, "a", 1000, "head", 4, &again, on_done, &second);
    while (second.count == 0) {
        run(world);
    }
    assert_int_equal(second.status, CD_IO); /* it exists */
    assert_null(again);
    assert_true(env->ops->last_error(env->self)[0] != '\0');
}

static void test_bulk_work(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    struct env_file *file = open_file(world, "a.tmp", ENV_OPEN_CREATE);
    close_file(world, open_file(world, "old", ENV_OPEN_CREATE));
    struct done written = {.status = CD_IO};
    struct done removed = {.status = CD_IO};
    struct done missing = {.status = CD_OK};
    struct done published = {.status = CD_IO};
    env->ops->write_behind(env->self, file, 3, "hello", 5, on_done, &written);
    env->ops->discard(env->self, "old", on_done, &removed);
    env->ops->discard(env->self, "old", on_done, &missing);
    assert_int_equal(written.count, 0); /* never before the call has returned */
    while (missing.count == 0) {
        run(world);
        assert_true(written.count >= removed.count); /* in the order given */
        assert_true(removed.count >= missing.count);
    }
    env->ops->publish(env->self, file, "a.tmp", "a", on_done, &published);
    while (published.count == 0) {
        run(world);
    }
    assert_int_equal(written.status, CD_OK);
    assert_int_equal(removed.status, CD_OK);
    assert_int_equal(missing.status, CD_NOT_FOUND);
    assert_int_equal(published.status, CD_OK);
    struct env_file *second = open_file(world, "a", ENV_OPEN_READ);
    check_content(world, second, 3, "hello");
    struct done gone = {.status = CD_IO};
    env->ops->discard(env->self, "a", on_done, &gone);
    while (gone.count == 0) {
        run(world);
    }
    assert_int_equal(gone.status, CD_OK);
    check_content(world, second, 3, "hello"); /* who has it open goes on with it */
    struct names names = {{0}};
    assert_int_equal(env->ops->list(env->self, add_name, &names), CD_OK);
    assert_string_equal(names.text, "");
    close_file(world, second);
    close_file(world, file);
}

static void test_free_bytes(void **state)
{
    struct world *world = *state;
    uint64_t bytes = 0;
    assert_int_equal(world->env->ops->free_bytes(world->env->self, &bytes), CD_OK);
    assert_true(bytes > 0);
}

static void test_cancel(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    for (int i = 0; i < 20; i++) {
        struct env_file *file = open_file(world, "a", ENV_OPEN_CREATE);
        struct env_file *other = open_file(world, "b", ENV_OPEN_CREATE);
        struct env_file *behind = open_file(world, "d", ENV_OPEN_CREATE);
        struct env_file *second = open_file(world, "hello", ENV_OPEN_CREATE);
        struct env_file *reserved = NULL;
        struct done gone = {0};
        struct done kept = {.status = CD_IO};
        char *buffer = cd_strdup("hello");
        env->ops->write_sync(env->self, other, 0, "world", 5, on_done, &kept);
        env->ops->write_sync(env->self, file, 0, buffer, 5, on_done, &gone);
        env->ops->create_reserved(env->self, "c", 64 << 20, buffer, 5, &reserved, on_done, &gone);
        env->ops->write_behind(env->self, behind, 0, buffer, 5, on_done, &gone);
        env->ops->publish(env->self, second, buffer, buffer, on_done, &gone);
        env->ops->cancel(env->self, &gone);
        memset(buffer, 0, 5);
        cd_free(buffer); /* nobody uses it any more */
        while (kept.count == 0) {
            run(world);
        }
        assert_int_equal(kept.status, CD_OK);
        assert_int_equal(gone.count, 0);
        if (reserved != NULL) {
            check_content(world, reserved, 0, "hello");
            close_file(world, reserved);
        }
        check_content(world, other, 0, "world");
        close_file(world, file);
        close_file(world, other);
        close_file(world, behind);
        close_file(world, second);
        (void)env->ops->remove(env->self, "d");
        (void)env->ops->remove(env->self, "hello");
        (void)env->ops->remove(env->self, "a");
        (void)env->ops->remove(env->self, "b");
        (void)env->ops->remove(env->self, "c");
    }
}

static void test_entropy_and_time(void **state)
{
    struct world *world = *state;
    const struct env *env = world->env;
    uint64_t numbers[4] = {0};
    env->ops->entropy(env->self, numbers, sizeof(numbers));
    assert_true(numbers[0] != 0 && numbers[0] != numbers[1] && numbers[2] != numbers[3]);
    uint64_t before = env_now_ms(env);
    assert_true(env_now_ms(env) >= before);
}

#define BOTH(test)                                                                                 \
    {#test " (posix)", test, setup_posix, teardown_posix, NULL},                                   \
    {                                                                                              \
#test " (fault disk)", test, setup_disk, teardown_disk, NULL                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_open_modes),       BOTH(test_read_and_write), BOTH(test_allocate_and_truncate),
        BOTH(test_directory),        BOTH(test_write_sync),     BOTH(test_create_reserved),
        BOTH(test_bulk_work),        BOTH(test_free_bytes),     BOTH(test_cancel),
        BOTH(test_entropy_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
