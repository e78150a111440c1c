/*
 * Each operation of the env failing once, and a full disk: no lie (the fixture's model), no leak,
 * no file left open, and the log opens again afterwards.
 */

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t count_faults(const struct fixture *f)
{
    struct fault_disk_stats stats;
    fault_disk_stats(f->disk, &stats);
    return stats.faults;
}

/*
 * A life with all that a log does: opening over old records, rotation, marks. Returns how many
 * faults came after the opening, which may make do with less room.
 */
static uint64_t script(struct fixture *f)
{
    if (fixture_open(f) != CD_OK) {
        return 0;
    }
    uint64_t before = count_faults(f);
    for (uint64_t i = 1; i <= 60; i++) {
        (void)fixture_append(f, STORAGE_ENTRY, i, 200, i % 5 == 0);
        storage_log_flush(f->log);
        (void)fault_disk_step_any(f->disk);
        if (i % 20 == 0) {
            (void)fault_disk_pump(f->disk);
            fixture_advance(f, 50);
        }
    }
    (void)fault_disk_pump(f->disk);
    fixture_advance(f, 50);
    fixture_advance(f, STORAGE_FULL_RETRY_MS);
    (void)fault_disk_pump(f->disk);
    return count_faults(f) - before;
}

static void prepare(struct fixture *f, uint64_t seed)
{
    struct fault_disk_options disk = {.seed = seed};
    fixture_init(f, &disk, 8 << 10);
    fixture_reopen(f);
    for (uint64_t i = 1; i <= 30; i++) {
        fixture_entry(f, i, 150);
    }
    fixture_sync(f);
    for (uint64_t i = 31; i <= 40; i++) {
        fixture_entry(f, i, 150);
    }
    storage_log_flush(f->log);
    fixture_kill(f);
}

static void fail_each(enum cd_status status, uint64_t *ret_doubts, uint64_t *ret_fulls)
{
    struct fixture f;
    prepare(&f, 1);
    uint64_t before = fault_disk_operations(f.disk);
    assert_int_equal(script(&f), 0);
    assert_int_equal(f.durable, storage_log_last(f.log));
    uint64_t total = fault_disk_operations(f.disk) - before;
    fixture_release(&f);
    assert_true(total > 100);
    for (uint64_t nth = 1; nth <= total; nth++) {
        prepare(&f, nth);
        fault_disk_fail_at(f.disk, nth, status);
        if (script(&f) != 0) {
            *ret_doubts += f.doubt ? 1 : 0;
            *ret_fulls += f.fulls;
            assert_true(f.doubt || f.fulls != 0); /* it was told */
            assert_true(f.doubt || f.durable == storage_log_last(f.log));
        }
        if (f.doubt) {
            uint64_t position;
            struct storage_record record = {.kind = STORAGE_MARK};
            assert_int_equal(storage_log_append(f.log, &record, false, &position), CD_IN_DOUBT);
            assert_int_equal(storage_log_deadline_ms(f.log), UINT64_MAX);
            storage_log_flush(f.log);
            fixture_advance(&f, 10000);
            assert_int_equal(fault_disk_waiting(f.disk), 0);
        }
        fault_disk_fail_at(f.disk, 0, CD_OK);
        if (nth % 2 == 0) {
            fixture_crash(&f);
        } else {
            fixture_kill(&f);
        }
        fixture_reopen(&f);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
}

static void test_each_operation_fails(void **state)
{
    (void)state;
    uint64_t doubts = 0;
    uint64_t fulls = 0;
    fail_each(CD_IO, &doubts, &fulls);
    assert_true(doubts > 20);
    assert_int_equal(fulls, 0);
}

static void test_each_operation_finds_no_room(void **state)
{
    (void)state;
    uint64_t doubts = 0;
    uint64_t fulls = 0;
    fail_each(CD_FULL, &doubts, &fulls);
    assert_true(doubts > 20); /* a write within reserved space that fails is doubt */
    assert_true(fulls > 3);
}

/* Reading fails, the log does not. */
static bool on_entry(void *context, const struct storage_record *record)
{
    (void)context;
    (void)record;
    return true;
}

static void test_reading_fails(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 8 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 100; i++) {
        fixture_entry(&f, i, 100);
        fixture_sync(&f);
    }
    uint64_t failed = 0;
    for (uint64_t nth = 1; nth <= 40; nth++) {
        struct cd_error error = {0};
        fault_disk_fail_at(f.disk, nth, CD_IO);
        enum cd_status status =
            storage_log_read_entries(f.log, 1, 100, SIZE_MAX, on_entry, NULL, &error);
        if (status != CD_OK) {
            assert_int_equal(status, CD_IO);
            assert_non_null(strstr(error.message, "cannot read log-"));
            failed++;
        }
        fault_disk_fail_at(f.disk, 0, CD_OK);
        fixture_check_entries(&f);
    }
    assert_true(failed > 10);
    assert_false(f.doubt);
    fixture_entry(&f, 101, 100);
    fixture_sync(&f);
    fixture_release(&f);
}

/* --- a full disk (R22) --- */

static void test_full_disk(void **state)
{
    (void)state;
    struct fault_disk_options disk = {.capacity_bytes = 40 << 10};
    struct fixture f;
    fixture_init(&f, &disk, 8 << 10);
    fixture_reopen(&f);
    enum cd_status status = CD_OK;
    uint64_t slot = 0;
    while (status == CD_OK) {
        status = fixture_append(&f, STORAGE_ENTRY, ++slot, 200, false);
        if (status == CD_OK) {
            fixture_sync(&f);
        }
    }
    assert_int_equal(status, CD_FULL);
    assert_int_equal(f.fulls, 1);
    assert_false(f.doubt);
    assert_int_equal(f.durable, slot - 1);
    struct storage_stats stats;
    storage_log_stats(f.log, &stats);
    assert_true(stats.full);
    assert_true(stats.room_bytes < 300);
    /* What is small enough for the rest of the segment still goes. */
    assert_int_equal(fixture_append(&f, STORAGE_MARK, 1, 0, false), CD_OK);
    fixture_sync(&f);
    assert_int_equal(f.durable, f.last);
    fixture_check_entries(&f);

    /* It asks again from time to time, and says so once. */
    assert_true(storage_log_deadline_ms(f.log) <= f.now_ms + STORAGE_FULL_RETRY_MS);
    for (int i = 0; i < 5; i++) {
        fixture_advance(&f, STORAGE_FULL_RETRY_MS);
        (void)fault_disk_pump(f.disk);
    }
    assert_int_equal(f.fulls, 1);
    assert_int_equal(fixture_append(&f, STORAGE_ENTRY, slot, 200, false), CD_FULL);
    fault_disk_set_capacity(f.disk, 0);
    fixture_advance(&f, STORAGE_FULL_RETRY_MS);
    (void)fault_disk_pump(f.disk);
    storage_log_stats(f.log, &stats);
    assert_false(stats.full);
    for (uint64_t i = 0; i < 100; i++) {
        fixture_entry(&f, slot + i, 200);
        fixture_sync(&f);
    }
    assert_int_equal(f.durable, f.last);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    fixture_release(&f);
}

/* Records that were taken before the shortage was known wait, and go when there is room. */
static void test_full_disk_with_records_waiting(void **state)
{
    (void)state;
    struct fault_disk_options disk = {.capacity_bytes = 8 << 10};
    struct fixture f;
    fixture_init(&f, &disk, 8 << 10);
    fixture_reopen(&f);
    for (uint64_t slot = 1; slot <= 60; slot++) {
        fixture_entry(&f, slot, 200);
    }
    fixture_sync(&f);
    assert_int_equal(f.fulls, 1);
    assert_true(f.durable > 5);
    assert_true(f.durable < 20);
    assert_int_equal(fixture_append(&f, STORAGE_MARK, 1, 0, false), CD_FULL);
    fixture_check_entries(&f);
    fault_disk_set_capacity(f.disk, 0);
    fixture_advance(&f, STORAGE_FULL_RETRY_MS);
    (void)fault_disk_pump(f.disk);
    assert_true(f.durable >= 60);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* A replica on a full disk starts, in a segment that holds no more than it must. */
static void test_opening_on_a_full_disk(void **state)
{
    (void)state;
    struct fault_disk_options disk = {.capacity_bytes = 0};
    struct fixture f;
    fixture_init(&f, &disk, 64 << 10);
    fixture_reopen(&f);
    for (uint64_t slot = 1; slot <= 60; slot++) {
        fixture_entry(&f, slot, 200);
    }
    fixture_sync(&f);
    fixture_crash(&f);
    fixture_reopen(&f); /* gives back what was reserved */
    fixture_crash(&f);
    fault_disk_set_capacity(f.disk, 140 << 10);
    fixture_reopen(&f);
    fixture_check_entries(&f);
    struct storage_stats stats;
    storage_log_stats(f.log, &stats);
    assert_int_equal(stats.room_bytes, 0);
    fault_disk_set_capacity(f.disk, 1);
    fixture_entry(&f, 61, 10); /* waits */
    fixture_sync(&f);
    assert_int_equal(f.fulls, 1);
    assert_true(f.durable < f.last);
    fault_disk_set_capacity(f.disk, 0);
    fixture_advance(&f, STORAGE_FULL_RETRY_MS);
    (void)fault_disk_pump(f.disk);
    assert_true(f.durable >= f.last);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_each_operation_finds_no_room),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_with_records_waiting),
        cmocka_unit_test(test_opening_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
