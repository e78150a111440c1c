/*
 * The fault disk itself: a test instrument that never hurts proves nothing, so each fault is seen
 * to happen here, and to happen again from the same seed.
 */

#include "base/hash.h"
#include "base/memory.h"
#include "support/fault_disk.h"
#include "support/fault_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    SECTOR = FAULT_FS_SECTOR_BYTES,
    FILE_BYTES = 16 * SECTOR,
};

static struct env_file *make_file(const struct env *env, const char *path, uint8_t fill)
{
    uint8_t data[FILE_BYTES];
    memset(data, fill, sizeof(data));
    struct env_file *file;
    assert_int_equal(env->ops->open(env->self, path, ENV_OPEN_CREATE, &file), CD_OK);
    assert_int_equal(env->ops->write(env->self, file, 0, data, sizeof(data)), CD_OK);
    assert_int_equal(env->ops->sync(env->self, file), CD_OK);
    assert_int_equal(env->ops->sync_directory(env->self), CD_OK);
    return file;
}

static void overwrite(const struct env *env, struct env_file *file, uint8_t fill)
{
    uint8_t data[FILE_BYTES];
    memset(data, fill, sizeof(data));
    assert_int_equal(env->ops->write(env->self, file, 0, data, sizeof(data)), CD_OK);
}

/* Old and new bytes after a crash; 0xff stands for other. */
static void classify(const struct fault_disk *disk, const char *path, uint8_t old, uint8_t new,
                     uint64_t *ret_lost, uint64_t *ret_kept, uint64_t *ret_torn)
{
    uint64_t bytes = 0;
    const uint8_t *data = fault_disk_peek(disk, path, &bytes);
    assert_int_equal(bytes, FILE_BYTES);
    for (uint64_t sector = 0; sector < FILE_BYTES / SECTOR; sector++) {
        uint64_t olds = 0;
        uint64_t news = 0;
        for (uint64_t i = 0; i < SECTOR; i++) {
            olds += data[sector * SECTOR + i] == old ? 1 : 0;
            news += data[sector * SECTOR + i] == new ? 1 : 0;
        }
        assert_int_equal(olds + news, SECTOR);
        *ret_lost += news == 0 ? 1 : 0;
        *ret_kept += olds == 0 ? 1 : 0;
        *ret_torn += olds != 0 && news != 0 ? 1 : 0;
    }
}

static void test_crash_outcomes(void **state)
{
    (void)state;
    uint64_t lost = 0;
    uint64_t kept = 0;
    uint64_t torn = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *file = make_file(env, "a", 1);
        overwrite(env, file, 2);
        fault_disk_crash(disk);
        env->ops->close(env->self, file);
        classify(disk, "a", 1, 2, &lost, &kept, &torn);
        fault_disk_free(disk);
    }
    assert_true(lost > 500);
    assert_true(kept > 500);
    assert_true(torn > 100);
}

static void test_synced_bytes_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *file = make_file(env, "a", 1);
        overwrite(env, file, 2);
        assert_int_equal(env->ops->sync(env->self, file), CD_OK);
        fault_disk_crash(disk);
        env->ops->close(env->self, file);
        uint64_t lost = 0;
        uint64_t kept = 0;
        uint64_t torn = 0;
        classify(disk, "a", 1, 2, &lost, &kept, &torn);
        assert_int_equal(kept, FILE_BYTES / SECTOR);
        fault_disk_free(disk);
    }
}

/* The process ends, the page cache stays, and a later crash finds it unsynced. */
static void test_kill_keeps_the_page_cache(void **state)
{
    (void)state;
    uint64_t lost = 0;
    uint64_t kept = 0;
    uint64_t torn = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *file = make_file(env, "a", 1);
        overwrite(env, file, 2);
        fault_disk_kill(disk);
        env->ops->close(env->self, file);
        uint64_t bytes;
        assert_int_equal(fault_disk_peek(disk, "a", &bytes)[FILE_BYTES - 1], 2);
        fault_disk_crash(disk);
        classify(disk, "a", 1, 2, &lost, &kept, &torn);
        fault_disk_free(disk);
    }
    assert_true(lost > 100);
}

/* After a failed sync the page cache shows what the disk may not have, and a second sync lies. */
static void test_failed_sync(void **state)
{
    (void)state;
    uint64_t lost = 0;
    uint64_t kept = 0;
    uint64_t torn = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *file = make_file(env, "a", 1);
        overwrite(env, file, 2);
        fault_disk_fail_at(disk, 1, CD_IO);
        assert_int_equal(env->ops->sync(env->self, file), CD_IO);
        uint64_t bytes;
        assert_int_equal(fault_disk_peek(disk, "a", &bytes)[0], 2);
        assert_int_equal(env->ops->sync(env->self, file), CD_OK);
        fault_disk_crash(disk);
        env->ops->close(env->self, file);
        classify(disk, "a", 1, 2, &lost, &kept, &torn);
        fault_disk_free(disk);
    }
    assert_true(lost > 100);
    assert_true(kept > 100);
}

static bool exists(const struct fault_disk *disk, const char *path)
{
    uint64_t bytes;
    return fault_disk_peek(disk, path, &bytes) != NULL;
}

/* Names are durable with the directory alone, and changes survive in their order. */
static void test_directory_changes(void **state)
{
    (void)state;
    uint64_t outcomes[5] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        env->ops->close(env->self, make_file(env, "a", 1));
        struct env_file *file;
        assert_int_equal(env->ops->open(env->self, "b", ENV_OPEN_CREATE, &file), CD_OK);
        assert_int_equal(env->ops->sync(env->self, file), CD_OK);
        env->ops->close(env->self, file);
        assert_int_equal(env->ops->rename(env->self, "a", "c"), CD_OK);
        assert_int_equal(env->ops->remove(env->self, "b"), CD_OK);
        assert_false(exists(disk, "a"));
        fault_disk_crash(disk);
        bool a = exists(disk, "a");
        bool b = exists(disk, "b");
        bool c = exists(disk, "c");
        assert_true(a != c); /* a rename is whole */
        size_t survived = a && !b ? 0 : a && b ? 1 : c && b ? 2 : 3;
        outcomes[survived]++;
        fault_disk_free(disk);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(outcomes[i] > 10);
    }
}

static void test_capacity(void **state)
{
    (void)state;
    struct fault_disk_options options = {.capacity_bytes = 3 * FILE_BYTES};
    struct fault_disk *disk = fault_disk_create(&options);
    const struct env *env = fault_disk_env(disk);
    struct env_file *a = make_file(env, "a", 1);
    struct env_file *b = make_file(env, "b", 1);
    assert_int_equal(env->ops->allocate(env->self, a, 3 * FILE_BYTES), CD_FULL);
    assert_int_equal(env->ops->allocate(env->self, a, 2 * FILE_BYTES), CD_OK);
    assert_int_equal(env->ops->write(env->self, b, FILE_BYTES, "x", 1), CD_FULL);
    assert_int_equal(env->ops->write(env->self, b, 0, "x", 1), CD_OK); /* within what it has */
    assert_int_equal(env->ops->truncate(env->self, a, 0), CD_OK);
    assert_int_equal(env->ops->write(env->self, b, FILE_BYTES, "x", 1), CD_OK);
    env->ops->close(env->self, a);
    env->ops->close(env->self, b);
    fault_disk_free(disk);
}

static void on_done(void *context, enum cd_status status)
{
    int *count = context;
    *count += status == CD_OK ? 1 : 100;
}

struct schedule {
    uint64_t tickets[8];
    uint64_t delays[8];
    size_t count;
};

static void on_schedule(void *context, uint64_t delay_us, uint64_t ticket)
{
    struct schedule *schedule = context;
    assert_true(schedule->count < CD_ARRAY_COUNT(schedule->tickets));
    schedule->tickets[schedule->count] = ticket;
    schedule->delays[schedule->count++] = delay_us;
}

static void test_free_bytes(void **state)
{
    (void)state;
    struct fault_disk_options options = {.capacity_bytes = 3 * FILE_BYTES};
    struct fault_disk *disk = fault_disk_create(&options);
    const struct env *env = fault_disk_env(disk);
    env->ops->close(env->self, make_file(env, "a", 1));
    uint64_t bytes = 0;
    assert_int_equal(env->ops->free_bytes(env->self, &bytes), CD_OK);
    assert_int_equal(bytes, 2 * FILE_BYTES);
    fault_disk_set_capacity(disk, 1);
    assert_int_equal(env->ops->free_bytes(env->self, &bytes), CD_OK);
    assert_int_equal(bytes, 0);
    fault_disk_free(disk);
}

static void test_scheduling(void **state)
{
    (void)state;
    struct schedule schedule = {.count = 0};
    struct fault_disk_options options = {
        .schedule = on_schedule,
        .latency_us_min = 100,
        .latency_us_max = 200,
        .context = &schedule,
    };
    struct fault_disk *disk = fault_disk_create(&options);
    const struct env *env = fault_disk_env(disk);
    struct env_file *a = make_file(env, "a", 1);
    struct env_file *b = make_file(env, "b", 1);
    struct env_file *c = NULL;
    int writes = 0;
    int creates = 0;
    env->ops->write_sync(env->self, a, 0, "x", 1, on_done, &writes);
    env->ops->write_sync(env->self, b, 0, "x", 1, on_done, &writes);
    env->ops->create_reserved(env->self, "c", 1000, "x", 1, &c, on_done, &creates);
    assert_int_equal(schedule.count, 2); /* the oldest of each lane */
    assert_int_equal(fault_disk_waiting(disk), 3);
    assert_in_range(schedule.delays[0], 100, 200);
    assert_true(fault_disk_step(disk, schedule.tickets[1]));
    assert_int_equal(creates, 1);
    assert_int_equal(writes, 0);
    assert_true(fault_disk_step(disk, schedule.tickets[0]));
    assert_false(fault_disk_step(disk, schedule.tickets[0])); /* once */
    assert_int_equal(writes, 1);
    assert_int_equal(schedule.count, 3);
    fault_disk_crash(disk);
    assert_false(fault_disk_step(disk, schedule.tickets[2])); /* gone with the crash */
    assert_int_equal(writes, 1);
    assert_int_equal(env->ops->write(env->self, a, 0, "x", 1), CD_IO); /* stale */
    env->ops->close(env->self, a);
    env->ops->close(env->self, b);
    env->ops->close(env->self, c);
    fault_disk_free(disk);
}

/* In a crash the oldest write has begun, the others have not. */
static void test_crash_in_a_write(void **state)
{
    (void)state;
    uint64_t begun = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *a = make_file(env, "a", 1);
        struct env_file *b = make_file(env, "b", 1);
        uint8_t data[FILE_BYTES];
        memset(data, 2, sizeof(data));
        int count = 0;
        env->ops->write_sync(env->self, a, 0, data, sizeof(data), on_done, &count);
        env->ops->write_sync(env->self, b, 0, data, sizeof(data), on_done, &count);
        fault_disk_crash(disk);
        assert_int_equal(count, 0);
        assert_int_equal(fault_disk_waiting(disk), 0);
        uint64_t lost = 0;
        uint64_t kept = 0;
        uint64_t torn = 0;
        classify(disk, "b", 1, 2, &lost, &kept, &torn);
        assert_int_equal(lost, FILE_BYTES / SECTOR);
        lost = 0;
        classify(disk, "a", 1, 2, &lost, &kept, &torn);
        begun += lost < FILE_BYTES / SECTOR ? 1 : 0;
        env->ops->close(env->self, a);
        env->ops->close(env->self, b);
        fault_disk_free(disk);
    }
    assert_in_range(begun, 20, 90);
}

static void test_save_and_restore(void **state)
{
    (void)state;
    struct fault_disk *disk = fault_disk_create(NULL);
    const struct env *env = fault_disk_env(disk);
    struct env_file *file = make_file(env, "a", 1);
    overwrite(env, file, 2); /* not synced: not in the image */
    struct fault_disk_image *image = fault_disk_save(disk);
    assert_int_equal(env->ops->sync(env->self, file), CD_OK);
    fault_disk_crash(disk);
    env->ops->close(env->self, file);
    fault_disk_flip(disk, "a", 9);
    uint64_t bytes;
    assert_int_equal(fault_disk_peek(disk, "a", &bytes)[1], 2 ^ 2);
    fault_disk_restore(disk, image);
    assert_int_equal(fault_disk_peek(disk, "a", &bytes)[1], 1);
    assert_int_equal(bytes, FILE_BYTES);
    fault_disk_wipe(disk);
    assert_false(exists(disk, "a"));
    fault_disk_restore(disk, image);
    fault_disk_crash(disk); /* the restored volume is durable */
    assert_int_equal(fault_disk_peek(disk, "a", &bytes)[1], 1);
    fault_disk_image_free(image);
    fault_disk_free(disk);
}

static uint64_t busy_life(uint64_t seed)
{
    struct fault_disk_options options = {.seed = seed};
    struct fault_disk *disk = fault_disk_create(&options);
    const struct env *env = fault_disk_env(disk);
    uint64_t hash = 0;
    for (int life = 0; life < 10; life++) {
        char name[2] = {(char)('a' + life), '\0'};
        struct env_file *file = make_file(env, name, 1);
        overwrite(env, file, 2);
        fault_disk_crash(disk);
        env->ops->close(env->self, file);
        uint64_t bytes;
        const uint8_t *data = fault_disk_peek(disk, name, &bytes);
        hash = cd_hash64_seeded(data, bytes, hash);
        uint64_t random;
        env->ops->entropy(env->self, &random, sizeof(random));
        hash ^= random;
    }
    fault_disk_free(disk);
    return hash;
}

static void test_reproducible(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_true(busy_life(seed) == busy_life(seed));
        assert_true(busy_life(seed) != busy_life(seed + 1));
    }
}

static void on_bulk_done(void *context, enum cd_status status)
{
    enum cd_status *to = context;
    *to = status;
}

/* A crash finds a publish before, in and behind each of its steps, but never an unsynced file that
 * has its name. */
static void test_crash_in_bulk_work(void **state)
{
    (void)state;
    uint64_t named = 0;
    uint64_t unnamed = 0;
    uint64_t lost = 0;
    uint64_t removed = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct fault_disk_options options = {.seed = seed};
        struct fault_disk *disk = fault_disk_create(&options);
        const struct env *env = fault_disk_env(disk);
        struct env_file *file = make_file(env, "a.tmp", 1);
        env->ops->close(env->self, make_file(env, "old", 1));
        uint8_t data[FILE_BYTES];
        memset(data, 2, sizeof(data));
        enum cd_status status = CD_IO;
        env->ops->write_behind(env->self, file, 0, data, sizeof(data), on_bulk_done, &status);
        assert_true(fault_disk_step_any(disk));
        assert_int_equal(status, CD_OK);
        if (seed % 2 == 0) {
            env->ops->publish(env->self, file, "a.tmp", "a", on_bulk_done, &status);
        } else {
            env->ops->discard(env->self, "old", on_bulk_done, &status);
        }
        fault_disk_crash(disk);
        env->ops->close(env->self, file);
        uint64_t bytes;
        const uint8_t *content = fault_disk_peek(disk, "a", &bytes);
        if (content != NULL) {
            assert_memory_equal(content, data, sizeof(data));
            assert_null(fault_disk_peek(disk, "a.tmp", &bytes));
        }
        named += content != NULL ? 1 : 0;
        content = fault_disk_peek(disk, "a.tmp", &bytes);
        unnamed += seed % 2 == 0 && content != NULL ? 1 : 0;
        lost += content != NULL && memcmp(content, data, sizeof(data)) != 0 ? 1 : 0;
        removed += fault_disk_peek(disk, "old", &bytes) == NULL ? 1 : 0;
        fault_disk_free(disk);
    }
    assert_true(named > 30);
    assert_true(unnamed > 30);
    assert_true(lost > 30);
    assert_in_range(removed, 30, 170);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_outcomes),
        cmocka_unit_test(test_synced_bytes_stay),
        cmocka_unit_test(test_kill_keeps_the_page_cache),
        cmocka_unit_test(test_failed_sync),
        cmocka_unit_test(test_directory_changes),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_free_bytes),
        cmocka_unit_test(test_scheduling),
        cmocka_unit_test(test_crash_in_a_write),
        cmocka_unit_test(test_crash_in_bulk_work),
        cmocka_unit_test(test_save_and_restore),
        cmocka_unit_test(test_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
