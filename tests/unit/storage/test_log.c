/* What the log does while nothing fails: positions, group commit, rotation, marks, reading. */

#include "base/memory.h"
#include "fixture.h"
#include "storage/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_empty_directory(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    assert_int_equal(f.recovery.last_position, 0);
    assert_int_equal(f.recovery.segments, 0);
    assert_int_equal(f.describes, 0); /* there was nothing to describe */
    assert_int_equal(storage_log_last(f.log), 0);
    assert_int_equal(storage_log_deadline_ms(f.log), UINT64_MAX);
    fixture_reopen(&f);
    assert_int_equal(f.recovery.last_position, 0);
    assert_int_equal(fixture_last_segment(&f), 1); /* the unused one was not added to */
    fixture_release(&f);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 50; i++) {
        fixture_entry(&f, i, i * 7 % 300);
        assert_int_equal(fixture_append(&f, STORAGE_PROMISE, 0, 0, false), CD_OK);
        assert_int_equal(fixture_append(&f, STORAGE_MARK, i, 0, true), CD_OK);
    }
    assert_int_equal(fixture_append(&f, STORAGE_PEERS, 0, 40, true), CD_OK);
    assert_int_equal(fixture_append(&f, STORAGE_STATE, 0, 40, false), CD_OK);
    assert_int_equal(f.durable, 0);
    fixture_sync(&f);
    assert_int_equal(f.durable, 152);
    fixture_reopen(&f);
    assert_int_equal(f.recovery.last_position, 152);
    assert_int_equal(f.recovery.records, 152);
    assert_int_equal(f.recovery.cut_bytes, 0);
    assert_int_equal(f.shown, 152);
    assert_int_equal(f.describes, 1);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    assert_int_equal(f.heads, 1);
    fixture_check_entries(&f);
    fixture_release(&f);
}

static void test_group_commit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    fixture_entry(&f, 1, 10);
    fixture_sync(&f); /* and the next segment is reserved */
    struct storage_stats before;
    storage_log_stats(f.log, &before);

    fixture_entry(&f, 2, 10);
    storage_log_flush(f.log);
    for (uint64_t i = 3; i < 100; i++) { /* all these wait for the one under way */
        fixture_entry(&f, i, 10);
        storage_log_flush(f.log);
    }
    assert_int_equal(fault_disk_waiting(f.disk), 1);
    assert_true(fault_disk_step_any(f.disk));
    assert_int_equal(f.durable, 2);
    assert_int_equal(fault_disk_waiting(f.disk), 1); /* started by itself */
    assert_true(fault_disk_step_any(f.disk));
    assert_int_equal(f.durable, 99);
    assert_int_equal(fault_disk_waiting(f.disk), 0);
    struct storage_stats after;
    storage_log_stats(f.log, &after);
    assert_int_equal(after.syncs - before.syncs, 2);
    assert_int_equal(after.pending_bytes, 0);
    assert_int_equal(after.appended_bytes - before.appended_bytes, 98 * segment_record_bytes(10));
    fixture_release(&f);
}

static void test_lazy_records_start_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    fixture_entry(&f, 1, 10);
    fixture_sync(&f);
    assert_int_equal(fixture_append(&f, STORAGE_MARK, 1, 0, true), CD_OK);
    storage_log_flush(f.log);
    assert_int_equal(fault_disk_waiting(f.disk), 0);
    fixture_entry(&f, 2, 10); /* takes it along */
    fixture_sync(&f);
    assert_int_equal(f.durable, 3);
    fixture_release(&f);
}

static void test_idle_mark(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    fixture_entry(&f, 1, 10);
    storage_log_flush(f.log);
    assert_int_equal(storage_log_deadline_ms(f.log), UINT64_MAX); /* the disk is busy */
    (void)fault_disk_pump(f.disk);
    assert_int_equal(storage_log_deadline_ms(f.log), f.now_ms + f.options.idle_ms);
    fixture_advance(&f, f.options.idle_ms - 1);
    assert_int_equal(storage_log_last(f.log), 1);
    fixture_advance(&f, 1);
    assert_int_equal(storage_log_last(f.log), 2);
    (void)fault_disk_pump(f.disk);
    assert_int_equal(f.durable, 2);
    assert_int_equal(storage_log_deadline_ms(f.log), UINT64_MAX); /* one is enough */

    /* A lazy record goes with the mark, and wants one more that covers it. */
    assert_int_equal(fixture_append(&f, STORAGE_MARK, 1, 0, true), CD_OK);
    storage_log_flush(f.log);
    fixture_advance(&f, f.options.idle_ms);
    (void)fault_disk_pump(f.disk);
    assert_int_equal(f.durable, 4);
    fixture_advance(&f, f.options.idle_ms);
    (void)fault_disk_pump(f.disk);
    assert_int_equal(f.durable, 5);
    assert_int_equal(storage_log_deadline_ms(f.log), UINT64_MAX);

    fixture_reopen(&f);
    assert_int_equal(f.recovery.durable_to, 4);
    assert_int_equal(f.recovery.rewritten, 1); /* the mark itself */
    assert_int_equal(f.recovery.records, 2);
    fixture_release(&f);
}

static void test_rotation(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, (8 << 10) + 3); /* any number will do */
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 200; i++) {
        fixture_entry(&f, i, 100);
        if (i % 3 == 0) {
            fixture_sync(&f);
        }
    }
    fixture_check_entries(&f); /* some of them still wait */
    fixture_sync(&f);
    assert_int_equal(f.durable, 200);
    fixture_check_entries(&f);
    struct storage_stats stats;
    storage_log_stats(f.log, &stats);
    assert_int_equal(f.describes + 1, stats.segments); /* the first had nothing to describe */
    assert_true(stats.segments > 8);
    fixture_reopen(&f);
    assert_int_equal(f.heads, stats.segments - 1);
    assert_int_equal(f.recovery.segments, stats.segments);
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* S3: a segment's first records are the head, whatever comes next. */
static void test_segments_start_with_the_head(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 8 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 100; i++) {
        fixture_entry(&f, i, 100);
        assert_int_equal(fixture_append(&f, STORAGE_PROMISE, 0, 0, false), CD_OK);
    }
    fixture_sync(&f);
    fixture_reopen(&f);
    uint64_t last = fixture_last_segment(&f);
    assert_true(last > 3);
    for (uint64_t sequence = 2; sequence <= last; sequence++) {
        uint64_t bytes;
        const uint8_t *data = fault_disk_peek(f.disk, fixture_segment(sequence), &bytes);
        struct segment_record record;
        segment_read_record(data + SEGMENT_HEADER_BYTES, &record);
        assert_int_equal(record.kind, STORAGE_STATE);
        assert_int_equal(record.flags, SEGMENT_FLAG_HEAD);
    }
    fixture_release(&f);
}

static void test_rotation_waits_for_the_file(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 8 << 10);
    fixture_reopen(&f);
    /* Many segments' worth at once; none of their files exists yet. */
    for (uint64_t i = 1; i <= 100; i++) {
        fixture_entry(&f, i, 500);
    }
    storage_log_flush(f.log);
    fixture_check_entries(&f);
    (void)fault_disk_pump(f.disk);
    assert_int_equal(f.durable, 100);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    fixture_check_entries(&f);
    fixture_release(&f);
}

static void test_record_larger_than_a_segment(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 8 << 10);
    fixture_reopen(&f);
    fixture_entry(&f, 1, 10);
    fixture_sync(&f);
    fixture_entry(&f, 2, 100 << 10);
    fixture_entry(&f, 3, 10);
    fixture_entry(&f, 4, 3 << 20);
    fixture_entry(&f, 5, STORAGE_BODY_BYTES_MAX);
    fixture_check_entries(&f);
    fixture_sync(&f);
    assert_int_equal(f.durable, 5);
    fixture_reopen(&f);
    fixture_check_entries(&f);
    assert_int_equal(fixture_append(&f, STORAGE_ENTRY, 6, STORAGE_BODY_BYTES_MAX + 1, false),
                     CD_TOO_LARGE);
    fixture_release(&f);
}

/* The head alone is longer than a segment. */
static void put_large_head(void *context, struct storage_log *log)
{
    (void)context;
    uint8_t *body = cd_calloc(1, 20000);
    struct storage_record record = {.kind = STORAGE_STATE, .body = body, .body_bytes = 20000};
    storage_log_describe_put(log, &record);
    cd_free(body);
}

static enum cd_status count_heads(void *context, uint64_t position,
                                  const struct storage_record *record, struct cd_error *error)
{
    (void)error;
    uint64_t *heads = context;
    assert_true(position != 0 || record->body_bytes == 20000);
    *heads += position == 0 ? 1 : 0;
    return CD_OK;
}

static void test_head_larger_than_a_segment(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 8 << 10);
    f.options.describe = put_large_head;
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 60; i++) {
        fixture_entry(&f, i, 100);
        fixture_sync(&f);
    }
    assert_int_equal(f.durable, 60);
    fixture_close(&f);
    uint64_t heads = 0;
    assert_int_equal(storage_log_open(fault_disk_env(f.disk), &f.options, count_heads, &heads,
                                      &f.log, &f.recovery, &f.error),
                     CD_OK);
    assert_int_equal(f.recovery.last_position, 60);
    assert_true(heads >= 1);
    fixture_release(&f);
}

static void test_pending_limit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 32 << 20);
    fixture_reopen(&f);
    enum cd_status status = CD_OK;
    uint64_t taken = 0;
    while (status == CD_OK) {
        status = fixture_append(&f, STORAGE_ENTRY, taken + 1, STORAGE_BODY_BYTES_MAX, false);
        taken += status == CD_OK ? 1 : 0;
    }
    assert_int_equal(status, CD_BUSY);
    assert_int_equal(taken, STORAGE_PENDING_BYTES_MAX / STORAGE_BODY_BYTES_MAX - 1);
    fixture_sync(&f);
    assert_int_equal(f.durable, taken);
    fixture_entry(&f, taken + 1, 100); /* there is room again */
    fixture_sync(&f);
    fixture_check_entries(&f);
    fixture_release(&f);
}

static void test_far_slot(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    fixture_entry(&f, 5, 10);
    assert_int_equal(fixture_append(&f, STORAGE_ENTRY, UINT64_MAX, 10, false), CD_TOO_MANY);
    assert_int_equal(fixture_append(&f, STORAGE_MARK, UINT64_MAX, 10, false), CD_OK);
    fixture_sync(&f);
    fixture_reopen(&f);
    fixture_release(&f);
}

/* --- read_entries --- */

struct seen {
    uint64_t slots[64];
    size_t count;
    size_t stop_after;
};

static bool on_slot(void *context, const struct storage_record *record)
{
    struct seen *seen = context;
    assert_true(seen->count < CD_ARRAY_COUNT(seen->slots));
    seen->slots[seen->count++] = record->slot;
    return seen->count < seen->stop_after;
}

static struct seen read_slots(struct fixture *f, uint64_t first, uint64_t last, size_t bytes_max,
                              size_t stop_after)
{
    struct seen seen = {.stop_after = stop_after};
    struct cd_error error;
    assert_int_equal(
        storage_log_read_entries(f->log, first, last, bytes_max, on_slot, &seen, &error), CD_OK);
    return seen;
}

static void test_read_bounds(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 16 << 10);
    fixture_reopen(&f);
    for (uint64_t slot = 10; slot <= 40; slot++) {
        if (slot != 20) {
            fixture_entry(&f, slot, 100);
        }
    }
    fixture_entry(&f, 12, 700); /* the newest of slot 12 */
    fixture_sync(&f);
    assert_int_equal(read_slots(&f, 10, 40, SIZE_MAX, SIZE_MAX).count, 30);
    assert_int_equal(read_slots(&f, 40, UINT64_MAX, SIZE_MAX, SIZE_MAX).count, 1);
    assert_int_equal(read_slots(&f, 10, 40, SIZE_MAX, 3).count, 3);
    assert_int_equal(read_slots(&f, 10, 40, 0, SIZE_MAX).count, 1); /* at least one */
    assert_int_equal(read_slots(&f, 10, 40, 200, SIZE_MAX).count, 2);
    assert_int_equal(read_slots(&f, 10, 40, 201, SIZE_MAX).count, 3);
    struct seen seen = read_slots(&f, 19, 22, SIZE_MAX, SIZE_MAX);
    assert_int_equal(seen.count, 3); /* the hole at 20 is passed over */
    assert_int_equal(seen.slots[1], 21);
    assert_int_equal(read_slots(&f, 30, 29, SIZE_MAX, SIZE_MAX).count, 0);

    struct cd_error error = {0};
    const uint64_t missing[] = {0, 9, 20, 41, UINT64_MAX};
    for (size_t i = 0; i < CD_ARRAY_COUNT(missing); i++) {
        assert_int_equal(storage_log_read_entries(f.log, missing[i], UINT64_MAX, SIZE_MAX, on_slot,
                                                  &seen, &error),
                         CD_NOT_FOUND);
    }
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* Reading must not keep an old view of a file that grows. */
static void test_read_while_writing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 16 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 150; i++) {
        fixture_entry(&f, i % 37 + 1, 150);
        if (i % 2 == 0) {
            storage_log_flush(f.log);
        }
        if (i % 5 == 0) {
            (void)fault_disk_step_any(f.disk);
        }
        fixture_check_entries(&f);
    }
    fixture_sync(&f);
    fixture_check_entries(&f);
    fixture_release(&f);
}

static void test_read_finds_damage(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    uint64_t position = fixture_entry(&f, 1, 100);
    fixture_entry(&f, 2, 100);
    fixture_sync(&f);
    uint64_t offset = fixture_find_record(&f, 1, position);
    assert_true(offset != 0);
    fault_disk_flip(f.disk, fixture_segment(1), (offset + 80) * 8);
    struct seen seen = {.stop_after = SIZE_MAX};
    struct cd_error error;
    assert_int_equal(storage_log_read_entries(f.log, 1, 2, SIZE_MAX, on_slot, &seen, &error),
                     CD_CORRUPT);
    assert_non_null(strstr(error.message, "log-0000000000000001 is damaged at byte 4096"));
    fixture_release(&f);
}

/* --- freeing --- */

static void test_free_with_work_under_way(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct fixture f;
        struct fault_disk_options disk = {.seed = seed};
        fixture_init(&f, &disk, 8 << 10);
        fixture_reopen(&f);
        for (uint64_t i = 1; i <= 30; i++) {
            fixture_entry(&f, i, 400);
        }
        storage_log_flush(f.log);
        for (uint64_t i = 0; i < seed % 7; i++) {
            (void)fault_disk_step_any(f.disk);
        }
        fixture_close(&f); /* no `done` runs after it, nothing stays open */
        assert_int_equal(fault_disk_waiting(f.disk), 0);
        fixture_reopen(&f);
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_directory),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_lazy_records_start_nothing),
        cmocka_unit_test(test_idle_mark),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_segments_start_with_the_head),
        cmocka_unit_test(test_rotation_waits_for_the_file),
        cmocka_unit_test(test_record_larger_than_a_segment),
        cmocka_unit_test(test_head_larger_than_a_segment),
        cmocka_unit_test(test_pending_limit),
        cmocka_unit_test(test_far_slot),
        cmocka_unit_test(test_read_bounds),
        cmocka_unit_test(test_read_while_writing),
        cmocka_unit_test(test_read_finds_damage),
        cmocka_unit_test(test_free_with_work_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
