/* Opening a directory with snapshots, and which ones are kept (N2). */

#include "snapshot_fixture.h"
#include "storage/snapshot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void write_file(struct snaps *s, const char *name, const void *from, size_t bytes)
{
    const struct env *env = fault_disk_env(s->disk);
    struct env_file *file;
    assert_int_equal(env->ops->open(env->self, name, ENV_OPEN_CREATE, &file), CD_OK);
    assert_int_equal(env->ops->write(env->self, file, 0, from, bytes), CD_OK);
    assert_int_equal(env->ops->sync(env->self, file), CD_OK);
    env->ops->close(env->self, file);
    assert_int_equal(env->ops->sync_directory(env->self), CD_OK);
}

static void test_empty_directory(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    struct storage_snapshot_info info;
    assert_false(storage_snapshots_at(s.set, 0, &info));
    assert_int_equal(storage_snapshots_floor(s.set), 0);
    struct storage_snapshots_stats stats;
    assert_int_equal(storage_snapshots_stats(s.set, &stats), CD_OK);
    assert_int_equal(stats.count, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.newest_slot, 0);
    assert_true(stats.free_bytes > 0);
    fault_disk_fail_at(s.disk, 1, CD_IO);
    assert_int_equal(storage_snapshots_stats(s.set, &stats), CD_IO);
    snaps_release(&s);
}

static void test_kept(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    assert_int_equal(storage_snapshots_floor(s.set), 0);
    snaps_make(&s, 20);
    assert_int_equal(storage_snapshots_floor(s.set), 10);
    snaps_make(&s, 1000000);
    assert_int_equal(storage_snapshots_floor(s.set), 20);
    assert_string_equal(snaps_list(&s), "1000000 20 ");
    assert_string_equal(snaps_names(&s), "snapshot-00000000000000000020.zst "
                                         "snapshot-00000000000001000000.zst ");
    struct storage_snapshots_stats stats;
    assert_int_equal(storage_snapshots_stats(s.set, &stats), CD_OK);
    assert_int_equal(stats.count, 2);
    assert_int_equal(stats.newest_slot, 1000000);
    assert_true(stats.newest_bytes > 100000);
    assert_true(stats.bytes > stats.newest_bytes);
    assert_int_equal(stats.removals_failed, 0);
    snaps_release(&s);
}

/* The first one goes only when the third is durable, named and told. */
static void test_old_one_goes_last(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    assert_int_equal(snaps_write(&s, 30), CD_OK);
    while (s.done_slot != 30) {
        assert_non_null(strstr(snaps_names(&s), snaps_name(10)));
        assert_int_equal(storage_snapshots_floor(s.set), 10);
        assert_true(fault_disk_step_any(s.disk));
    }
    assert_int_equal(s.done_status, CD_OK);
    assert_int_equal(storage_snapshots_floor(s.set), 20);
    assert_int_equal(fault_disk_pump(s.disk), 1); /* one removal */
    assert_null(strstr(snaps_names(&s), snaps_name(10)));
    snaps_release(&s);
}

/* Only verified ones count: an opening does not make two of what it did not read. */
static void test_unverified_do_not_count(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    snaps_reopen(&s);
    snaps_make(&s, 30);
    assert_string_equal(snaps_list(&s), "30 20?10?");
    assert_int_equal(storage_snapshots_floor(s.set), 0);
    snaps_check(&s, 10);
    assert_int_equal(storage_snapshots_floor(s.set), 10);
    snaps_make(&s, 40);
    assert_string_equal(snaps_list(&s), "40 30 ");
    assert_string_equal(snaps_names(&s), "snapshot-00000000000000000030.zst "
                                         "snapshot-00000000000000000040.zst ");
    snaps_release(&s);
}

/* A damaged one counts for nothing and goes with the next that becomes durable. */
static void test_damaged_do_not_count(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    fault_disk_flip(s.disk, snaps_name(20), 30000);
    snaps_reopen(&s);
    assert_int_equal(snaps_read(&s, 20), CD_CORRUPT);
    snaps_check(&s, 10);
    struct storage_snapshot_info info;
    assert_true(storage_snapshots_at(s.set, 0, &info));
    assert_int_equal(info.state, STORAGE_SNAPSHOT_DAMAGED);
    assert_non_null(strstr(info.damage, "snapshot-00000000000000000020.zst is damaged at byte"));
    assert_non_null(strstr(info.damage, "An older snapshot"));
    snaps_make(&s, 15); /* newer than what is left */
    assert_string_equal(snaps_list(&s), "15 10 ");
    assert_null(strstr(snaps_names(&s), snaps_name(20)));
    snaps_make(&s, 20);
    snaps_check(&s, 20);
    snaps_release(&s);
}

static void test_leftovers_are_removed(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    write_file(&s, "snapshot-00000000000000000011.zst.tmp", "x", 1);
    write_file(&s, "snapshot-00000000000000000010.zst.tmp", "x", 1);
    write_file(&s, "snapshot-7.zst", "x", 1);
    write_file(&s, "log-0000000000000001", "x", 1);
    write_file(&s, "notes.tmp", "x", 1);
    snaps_reopen(&s);
    assert_string_equal(snaps_names(&s), "log-0000000000000001 notes.tmp "
                                         "snapshot-00000000000000000010.zst snapshot-7.zst ");
    assert_string_equal(snaps_list(&s), "10?");
    fault_disk_crash(s.disk); /* and the removal is durable */
    snaps_reopen(&s);
    assert_null(strstr(snaps_names(&s), ".zst.tmp"));
    snaps_check(&s, 10);
    snaps_release(&s);
}

static void test_damaged_header_is_told(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    fault_disk_flip(s.disk, snaps_name(20), 300);
    snaps_reopen(&s);
    assert_string_equal(snaps_list(&s), "20!10?");
    struct storage_snapshot_info info;
    assert_true(storage_snapshots_at(s.set, 0, &info));
    assert_non_null(strstr(info.damage, "snapshot-00000000000000000020.zst is damaged at byte 0"));
    assert_int_equal(info.meta.slot, 20);
    /* One that was renamed by hand is damaged too. */
    const struct env *env = fault_disk_env(s.disk);
    assert_int_equal(env->ops->rename(env->self, "snapshot-00000000000000000010.zst",
                                      "snapshot-00000000000000000012.zst"),
                     CD_OK);
    snaps_reopen(&s);
    assert_string_equal(snaps_list(&s), "20!12!");
    assert_true(storage_snapshots_at(s.set, 1, &info));
    assert_non_null(strstr(info.damage, "names another slot"));
    snaps_release(&s);
}

static void test_newer_format(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    struct snapshot_header header = {
        .format_version = STORAGE_SNAPSHOT_FORMAT_VERSION + 1,
        .meta = snaps_meta(20),
        .cluster_name = "unit-test",
    };
    struct snapshot_check check;
    uint8_t block[SNAPSHOT_HEADER_BYTES];
    snapshot_check_init(&check);
    snapshot_put_header(&check, &header, block);
    write_file(&s, "snapshot-00000000000000000020.zst", block, sizeof(block));
    assert_int_equal(snaps_open(&s), CD_NEWER_FORMAT);
    assert_non_null(strstr(s.error.message, "snapshot-00000000000000000020.zst was written in "
                                            "format 2"));
    assert_non_null(strstr(s.error.message, "start a newer coordd"));
    snaps_release(&s);
}

static void test_foreign_cluster(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    write_file(&s, "snapshot-00000000000000000011.zst.tmp", "x", 1);
    s.options.cluster_name = "berlin";
    assert_int_equal(snaps_open(&s), CD_FOREIGN);
    assert_non_null(strstr(s.error.message, "\"unit-test\", not to \"berlin\""));
    assert_non_null(strstr(snaps_names(&s), ".tmp")); /* nothing was touched */
    s.options.cluster_name = "unit-test";
    snaps_reopen(&s);
    snaps_check(&s, 10);
    snaps_release(&s);
}

static void test_too_many_files(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    for (int i = 1; i <= STORAGE_SNAPSHOTS_MAX + 1; i++) {
        write_file(&s, snaps_name((uint64_t)i), "x", 1);
        if (i == STORAGE_SNAPSHOTS_MAX) {
            snaps_reopen(&s); /* as many as that, all of them damaged, */
            snaps_make(&s, 1000);
            assert_string_equal(snaps_list(&s), "1000 "); /* make room */
            snaps_close(&s);
            for (int j = 1; j <= STORAGE_SNAPSHOTS_MAX; j++) {
                write_file(&s, snaps_name((uint64_t)j), "x", 1);
            }
            break;
        }
    }
    assert_int_equal(snaps_open(&s), CD_CORRUPT);
    assert_non_null(strstr(s.error.message, "more than 64 files"));
    snaps_release(&s);
}

static void test_each_operation_of_an_opening_fails(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    snaps_close(&s);
    for (uint64_t nth = 1;; nth++) {
        if (strstr(snaps_names(&s), ".tmp") == NULL) {
            write_file(&s, "snapshot-00000000000000000011.zst.tmp", "x", 1);
        }
        fault_disk_fail_at(s.disk, nth, CD_IO);
        enum cd_status status = snaps_open(&s);
        fault_disk_fail_at(s.disk, 0, CD_OK);
        if (status == CD_OK) {
            assert_true(nth >= 9); /* list, three each, removal, directory */
            break;
        }
        assert_int_equal(status, CD_IO);
        assert_non_null(strstr(s.error.message, "injected fault"));
    }
    assert_string_equal(snaps_list(&s), "20?10?");
    snaps_check(&s, 10);
    snaps_check(&s, 20);
    snaps_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_directory),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_old_one_goes_last),
        cmocka_unit_test(test_unverified_do_not_count),
        cmocka_unit_test(test_damaged_do_not_count),
        cmocka_unit_test(test_leftovers_are_removed),
        cmocka_unit_test(test_damaged_header_is_told),
        cmocka_unit_test(test_newer_format),
        cmocka_unit_test(test_foreign_cluster),
        cmocka_unit_test(test_too_many_files),
        cmocka_unit_test(test_each_operation_of_an_opening_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
