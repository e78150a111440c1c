/*
 * R3: old segments go only when all their entries may, and what remains says that nothing else is
 * missing.
 */

#include "fixture.h"
#include "storage/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    SEGMENT = 8 << 10,
    ENTRIES = 150, /* of 100 bytes: about 6 segments */
};

static void build(struct fixture *f)
{
    fixture_init(f, NULL, SEGMENT);
    fixture_reopen(f);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        fixture_entry(f, i, 100);
        if (i % 10 == 0) {
            assert_int_equal(fixture_append(f, STORAGE_PROMISE, 0, 0, false), CD_OK);
        }
        fixture_sync(f);
    }
    assert_true(fixture_last_segment(f) >= 6);
}

static struct storage_stats stats_of(const struct fixture *f)
{
    struct storage_stats stats;
    storage_log_stats(f->log, &stats);
    return stats;
}

static bool count_entry(void *context, const struct storage_record *record)
{
    uint64_t *count = context;
    *count += record->body_bytes != 0 ? 1 : 0;
    return true;
}

static enum cd_status read_slot(struct fixture *f, uint64_t slot)
{
    uint64_t count = 0;
    struct cd_error error;
    return storage_log_read_entries(f->log, slot, slot, 1, count_entry, &count, &error);
}

static void test_drop(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    uint64_t segments = stats_of(&f).segments;
    assert_int_equal(stats_of(&f).first_slot, 1);
    assert_int_equal(read_slot(&f, 1), CD_OK); /* and has the file open */
    uint64_t last = f.last;
    assert_int_equal(fixture_drop(&f, 100), CD_OK);
    assert_int_equal(storage_log_last(f.log), last + 1); /* the record that says it */
    storage_log_flush(f.log);
    assert_int_equal(read_slot(&f, 1), CD_OK); /* not before that is durable */
    fixture_sync(&f);
    struct storage_stats stats = stats_of(&f);
    assert_true(stats.segments <= segments - 3);
    assert_in_range(stats.first_slot, 60, 101); /* whole segments, and never beyond */
    assert_int_equal(fixture_first_segment(&f), segments - stats.segments + 1);
    assert_int_equal(read_slot(&f, 1), CD_NOT_FOUND);
    assert_int_equal(read_slot(&f, stats.first_slot - 1), CD_NOT_FOUND);
    assert_int_equal(read_slot(&f, stats.first_slot), CD_OK);
    fixture_check_entries(&f);

    /* Nothing more to give up: nothing is written. */
    last = storage_log_last(f.log);
    assert_int_equal(fixture_drop(&f, 100), CD_OK);
    assert_int_equal(storage_log_last(f.log), last);

    fixture_reopen(&f);
    assert_int_equal(f.recovery.dropped_slot, stats.first_slot - 1);
    assert_int_equal(stats_of(&f).first_slot, stats.first_slot);
    assert_true(f.recovery.first_position > 60);
    fixture_check_entries(&f);
    /* The heads go on saying it, whatever goes after that. */
    for (uint64_t i = ENTRIES + 1; i <= 3 * ENTRIES; i++) {
        fixture_entry(&f, i, 100);
        fixture_sync(&f);
        if (i % 40 == 0) {
            assert_int_equal(fixture_drop(&f, i - 20), CD_OK);
            fixture_sync(&f);
            fixture_reopen(&f);
            fixture_check_entries(&f);
        }
    }
    assert_true(stats_of(&f).segments < 12);
    fixture_release(&f);
}

/* The segment that is being written stays, whatever it holds. */
static void test_the_last_segment_stays(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    assert_int_equal(fixture_drop(&f, UINT64_MAX), CD_OK);
    fixture_sync(&f);
    assert_in_range(stats_of(&f).segments, 1, 2);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    assert_int_equal(f.heads, 1 + (f.recovery.segments > 1 ? 1 : 0));
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* One entry of a later slot holds its segment and all behind it. */
static void test_an_entry_holds_its_segment(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, SEGMENT);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 60; i++) {
        fixture_entry(&f, i == 5 ? 1000 : i, 100);
        fixture_sync(&f);
    }
    assert_true(fixture_last_segment(&f) >= 3);
    assert_int_equal(fixture_drop(&f, 999), CD_OK);
    fixture_sync(&f);
    assert_int_equal(fixture_first_segment(&f), 1);
    assert_int_equal(fixture_drop(&f, 1000), CD_OK);
    fixture_sync(&f);
    assert_true(fixture_first_segment(&f) > 1);
    fixture_reopen(&f);
    assert_int_equal(f.recovery.dropped_slot, 1000);
    fixture_release(&f);
}

/* What is not durable yet is not given up, and what waits for the disk survives the index. */
static void test_drop_with_records_waiting(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, SEGMENT);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        fixture_entry(&f, i, 100);
    }
    assert_int_equal(fixture_drop(&f, UINT64_MAX), CD_OK);
    assert_int_equal(storage_log_last(f.log), ENTRIES); /* nothing could go */
    fixture_sync(&f);
    fixture_check_entries(&f);
    assert_int_equal(fixture_drop(&f, ENTRIES / 2), CD_OK);
    storage_log_flush(f.log);
    fixture_entry(&f, 2, 50);                              /* accepted again */
    assert_int_equal(fixture_drop(&f, UINT64_MAX), CD_OK); /* one is under way */
    fixture_sync(&f);
    assert_true(stats_of(&f).first_slot <= ENTRIES / 2 + 1);
    assert_int_equal(read_slot(&f, 2), CD_NOT_FOUND); /* it would be followed by a hole */
    assert_int_equal(read_slot(&f, 3), CD_NOT_FOUND);
    fixture_check_entries(&f);
    fixture_reopen(&f);
    fixture_check_entries(&f);
    assert_int_equal(read_slot(&f, 2), CD_NOT_FOUND);
    fixture_release(&f);
}

/* --- what is missing and was not dropped --- */

static void expect_missing(struct fixture *f, uint64_t sequence)
{
    assert_int_equal(fixture_open(f), CD_CORRUPT);
    char place[100];
    snprintf(place, sizeof(place), "begins in %s", fixture_segment(sequence));
    assert_non_null(strstr(f->error.message, place));
    assert_non_null(strstr(f->error.message, "missing, and were not dropped"));
    assert_non_null(strstr(f->error.message, "needs a backup)"));
    assert_int_equal(f->shown, 0); /* nobody was shown a log without its beginning */
}

static void test_missing_first_segment(void **state)
{
    (void)state;
    for (int reopened = 0; reopened < 2; reopened++) {
        struct fixture f;
        build(&f);
        assert_int_equal(fixture_drop(&f, 60), CD_OK);
        fixture_sync(&f);
        if (reopened == 1) {
            fixture_reopen(&f);
        }
        fixture_close(&f);
        uint64_t first = fixture_first_segment(&f);
        assert_true(first > 1);
        const struct env *env = fault_disk_env(f.disk);
        assert_int_equal(env->ops->remove(env->self, fixture_segment(first)), CD_OK);
        expect_missing(&f, first + 1);
        fixture_release(&f);
    }
}

/* Without the record that says so, a log that begins late has lost its beginning. */
static void test_missing_without_a_drop(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    fixture_close(&f);
    const struct env *env = fault_disk_env(f.disk);
    for (uint64_t sequence = 1; sequence <= 4; sequence++) {
        assert_int_equal(env->ops->remove(env->self, fixture_segment(sequence)), CD_OK);
        expect_missing(&f, sequence + 1);
    }
    fixture_release(&f);
}

/* The head of the first segment is all that is left of older promises: damage to it is damage. */
static void test_damaged_beginning(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    /* The worst case: the record that says what was dropped is the last of the log. */
    assert_int_equal(fixture_drop(&f, UINT64_MAX), CD_OK);
    fixture_sync(&f);
    fixture_close(&f);
    uint64_t first = fixture_first_segment(&f);
    uint64_t end = fixture_find_record(&f, first, f.last) + segment_record_bytes(100);
    struct fault_disk_image *image = fault_disk_save(f.disk);
    uint64_t at = SEGMENT_HEADER_BYTES;
    uint64_t head_end = at + 2 * segment_record_bytes(24); /* promise and what was dropped */
    assert_true(head_end < end);
    for (uint64_t bit = 0; bit < head_end * 8; bit += bit < at * 8 ? 997 : 13) {
        fault_disk_flip(f.disk, fixture_segment(first), bit);
        assert_int_equal(fixture_open(&f), CD_CORRUPT);
        fault_disk_restore(f.disk, image);
    }
    fixture_reopen(&f);
    fault_disk_image_free(image);
    fixture_release(&f);
}

/* An opening on top of a log that began late proves its beginning anew. */
static void test_drop_by_the_first_record_of_an_opening(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    fixture_reopen(&f);
    fixture_reopen(&f); /* the newest segment holds a head and no record */
    uint64_t newest = f.recovery.segments + 1;
    assert_int_equal(fixture_drop(&f, UINT64_MAX), CD_OK);
    fixture_sync(&f);
    assert_int_equal(fixture_first_segment(&f), newest);
    fixture_close(&f);
    struct fault_disk_image *image = fault_disk_save(f.disk);
    for (uint64_t bit = 0; bit < 8 * segment_record_bytes(24); bit += 5) {
        fault_disk_flip(f.disk, fixture_segment(newest), SEGMENT_HEADER_BYTES * 8 + bit);
        assert_int_equal(fixture_open(&f), CD_CORRUPT);
        fault_disk_restore(f.disk, image);
    }
    fixture_reopen(&f);
    assert_int_equal(f.recovery.dropped_slot, ENTRIES);
    fault_disk_image_free(image);
    fixture_release(&f);
}

/* The record that says it may be cut with a torn end: what it said stays known. */
static void test_cut_with_a_torn_end(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    uint64_t torn = fixture_entry(&f, ENTRIES + 1, 100);
    assert_int_equal(fixture_drop(&f, ENTRIES / 2), CD_OK);
    fixture_sync(&f); /* both at once, so that nobody calls the first durable */
    fixture_close(&f);
    uint64_t newest = fixture_last_segment(&f);
    uint64_t offset = 0;
    for (; offset == 0; newest--) {
        offset = fixture_find_record(&f, newest, torn);
    }
    fault_disk_flip(f.disk, fixture_segment(newest + 1), offset * 8 + 300);
    f.durable = torn - 1;
    for (int i = 0; i < 3; i++) {
        fixture_reopen(&f);
        assert_int_equal(f.recovery.last_position, torn - 1);
        assert_true(f.recovery.first_position > 1);
        assert_in_range(f.recovery.dropped_slot, 30, ENTRIES / 2);
        fixture_check_entries(&f);
    }
    fixture_release(&f);
}

static bool begins_intact(const struct fixture *f, uint64_t sequence)
{
    uint64_t bytes = 0;
    const uint8_t *data = fault_disk_peek(f->disk, fixture_segment(sequence), &bytes);
    struct segment_header header;
    struct segment_record record;
    assert_int_equal(segment_decode_header(data, &header), CD_OK);
    const uint8_t *first = data + SEGMENT_HEADER_BYTES;
    return bytes > SEGMENT_HEADER_BYTES &&
           segment_check_record(first, segment_seed(header.sequence, header.nonce), &record) &&
           segment_check_body(&record, first + SEGMENT_RECORD_HEADER_BYTES);
}

/*
 * A segment whose records were all written again to a later one may be the oldest that stays: its
 * own first record was never durable, and its damage means nothing.
 */
static void test_beginning_that_is_superseded(void **state)
{
    (void)state;
    uint64_t torn = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct fault_disk_options disk = {.seed = seed};
        struct fixture f;
        fixture_init(&f, &disk, SEGMENT);
        fixture_reopen(&f);
        uint64_t slot = 0;
        while (stats_of(&f).segments == 1) {
            fixture_entry(&f, ++slot, 100);
            if (stats_of(&f).segments == 1) {
                fixture_sync(&f);
            }
        }
        uint64_t in_first = slot - 1;
        fault_disk_fail_at(f.disk, seed % 8 + 1, CD_IO); /* or a reservation, which ends it too */
        fixture_sync(&f);
        fault_disk_fail_at(f.disk, 0, CD_OK);
        fixture_kill(&f);
        fixture_reopen(&f); /* may show it all the same, and writes it again then */
        slot = f.last;
        for (uint64_t i = 0; i < 30; i++) {
            fixture_entry(&f, ++slot, 100);
            fixture_sync(&f);
        }
        assert_int_equal(fixture_drop(&f, in_first), CD_OK); /* the first one alone */
        fixture_sync(&f);
        fixture_crash(&f);
        assert_in_range(fixture_first_segment(&f), 2, 3);
        torn += fixture_first_segment(&f) == 2 && !begins_intact(&f, 2) ? 1 : 0;
        fixture_reopen(&f);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
    assert_true(torn > 5);
}

/* --- failures --- */

/* Every operation of a drop fails, and the power or the process at every one. */
static void test_each_operation_fails(void **state)
{
    (void)state;
    struct fixture f;
    build(&f);
    uint64_t before = fault_disk_operations(f.disk);
    assert_int_equal(fixture_drop(&f, 100), CD_OK);
    fixture_sync(&f);
    uint64_t total = fault_disk_operations(f.disk) - before;
    assert_true(total >= 8); /* the record, and three files or more */
    fixture_release(&f);
    uint64_t doubts = 0;
    uint64_t left = 0;
    for (uint64_t nth = 1; nth <= total; nth++) {
        for (int end = 0; end < 3; end++) {
            build(&f);
            fault_disk_fail_at(f.disk, nth, CD_IO);
            assert_int_equal(fixture_drop(&f, 100), CD_OK);
            fixture_sync(&f);
            assert_true(f.doubt);
            doubts++;
            fault_disk_fail_at(f.disk, 0, CD_OK);
            assert_int_equal(fixture_drop(&f, 100), CD_IN_DOUBT);
            if (end == 0) {
                fixture_crash(&f);
            } else if (end == 1) {
                fixture_kill(&f);
            }
            fixture_reopen(&f);
            fixture_check_entries(&f);
            /* Whatever remains goes with the next drop. */
            left += fixture_first_segment(&f) == 1 ? 1 : 0;
            assert_int_equal(fixture_drop(&f, 100), CD_OK);
            fixture_sync(&f);
            assert_true(fixture_first_segment(&f) >= 4);
            fixture_reopen(&f);
            fixture_check_entries(&f);
            fixture_release(&f);
        }
    }
    assert_true(doubts >= 24);
    assert_true(left >= 5);
}

static void test_crash_between_the_steps(void **state)
{
    (void)state;
    uint64_t part = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct fault_disk_options disk = {.seed = seed};
        struct fixture f;
        fixture_init(&f, &disk, SEGMENT);
        fixture_reopen(&f);
        for (uint64_t i = 1; i <= ENTRIES; i++) {
            fixture_entry(&f, i, 100);
            fixture_sync(&f);
        }
        assert_int_equal(fixture_drop(&f, 100), CD_OK);
        storage_log_flush(f.log);
        for (uint64_t steps = seed % 7; steps > 0; steps--) {
            (void)fault_disk_step_any(f.disk);
        }
        if (seed % 2 == 0) {
            fixture_crash(&f);
        } else {
            fixture_kill(&f);
        }
        fixture_reopen(&f);
        fixture_check_entries(&f);
        uint64_t first = fixture_first_segment(&f);
        part += first > 1 && first < 4 ? 1 : 0;
        fixture_release(&f);
    }
    assert_true(part > 20);
}

/* R22: a full disk can be told what was dropped, and that makes room; after a restart too. */
static void test_full_disk(void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct fault_disk_options disk = {.capacity_bytes = 5 * SEGMENT + 6000};
        struct fixture f;
        fixture_init(&f, &disk, SEGMENT);
        fixture_reopen(&f);
        uint64_t slot = 0;
        enum cd_status status = CD_OK;
        while (status == CD_OK) {
            status = fixture_append(&f, STORAGE_ENTRY, ++slot, 5, false);
            if (status == CD_OK) {
                fixture_sync(&f);
            }
        }
        assert_int_equal(status, CD_FULL);
        if (restart == 1) {
            fixture_crash(&f);
            fixture_reopen(&f);
        }
        assert_int_equal(fixture_drop(&f, slot / 2), CD_OK);
        fixture_sync(&f);
        assert_int_equal(f.durable, storage_log_last(f.log));
        assert_true(fixture_first_segment(&f) > 1);
        assert_false(stats_of(&f).full);
        for (uint64_t i = 0; i < 20; i++) {
            fixture_entry(&f, slot + i, 100);
            fixture_sync(&f);
        }
        assert_int_equal(f.durable, f.last);
        fixture_check_entries(&f);
        fixture_reopen(&f);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
}

/* The same while records wait for a segment that has no file: they must not hold the room back. */
static void test_full_disk_with_records_waiting(void **state)
{
    (void)state;
    for (int fail = 0; fail < 3; fail++) {
        struct fault_disk_options disk = {.capacity_bytes = 5 * SEGMENT + 6000};
        struct fixture f;
        fixture_init(&f, &disk, SEGMENT);
        fixture_reopen(&f);
        for (uint64_t slot = 1; slot <= ENTRIES; slot++) {
            fixture_entry(&f, slot, 200);
        }
        fixture_sync(&f);
        assert_int_equal(f.fulls, 1);
        uint64_t durable = f.durable;
        assert_in_range(durable, 40, ENTRIES - 20);
        assert_int_equal(storage_log_drop(f.log, 5), CD_OK); /* nothing to give up */
        fault_disk_fail_at(f.disk, fail == 1 ? 2 : 0, CD_IO);
        assert_int_equal(fixture_drop(&f, 30), CD_OK);
        assert_int_equal(fixture_drop(&f, 40), CD_OK); /* one is under way */
        if (fail == 2) {
            fixture_crash(&f);
            fixture_reopen(&f);
            fixture_check_entries(&f);
            fixture_release(&f);
            continue;
        }
        (void)fault_disk_pump(f.disk);
        fault_disk_fail_at(f.disk, 0, CD_OK);
        assert_int_equal(f.doubt, fail == 1);
        if (fail == 0) {
            assert_true(fixture_first_segment(&f) > 1);
            assert_true(f.durable > durable); /* some of what waited */
            while (f.durable < f.last) {
                assert_int_equal(fixture_drop(&f, f.durable - 20), CD_OK);
                (void)fault_disk_pump(f.disk);
                assert_true(f.durable > durable);
                durable = f.durable;
            }
        }
        fixture_check_entries(&f);
        fixture_reopen(&f);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
}

/* And when the record that says it waits among them, because the shortage was not known yet. */
static void test_disk_becomes_full_behind_a_drop(void **state)
{
    (void)state;
    uint64_t stuck = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fault_disk_options disk = {.seed = seed, .capacity_bytes = 5 * SEGMENT + 6000};
        struct fixture f;
        fixture_init(&f, &disk, SEGMENT);
        fixture_reopen(&f);
        uint64_t slot = 0;
        while (stats_of(&f).segments < 5) {
            fixture_entry(&f, ++slot, 200);
            storage_log_flush(f.log);
            if (stats_of(&f).segments < 5 || seed % 3 == 0) {
                (void)fault_disk_pump(f.disk);
            }
        }
        for (uint64_t i = seed % 20 + 20; i > 0; i--) { /* refused once the shortage is known */
            (void)fixture_append(&f, STORAGE_ENTRY, ++slot, 200, false);
        }
        storage_log_flush(f.log);
        uint64_t before = storage_log_last(f.log);
        assert_int_equal(fixture_drop(&f, 30), CD_OK);
        bool waits = storage_log_last(f.log) != before;
        (void)fault_disk_pump(f.disk);
        stuck += waits && f.fulls != 0 ? 1 : 0;
        assert_int_equal(f.durable, storage_log_last(f.log));
        assert_true(fixture_first_segment(&f) > 1);
        fixture_check_entries(&f);
        fault_disk_set_capacity(f.disk, 0);
        fixture_reopen(&f);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
    assert_true(stuck > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_the_last_segment_stays),
        cmocka_unit_test(test_an_entry_holds_its_segment),
        cmocka_unit_test(test_drop_with_records_waiting),
        cmocka_unit_test(test_missing_first_segment),
        cmocka_unit_test(test_missing_without_a_drop),
        cmocka_unit_test(test_damaged_beginning),
        cmocka_unit_test(test_drop_by_the_first_record_of_an_opening),
        cmocka_unit_test(test_cut_with_a_torn_end),
        cmocka_unit_test(test_beginning_that_is_superseded),
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_crash_between_the_steps),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_with_records_waiting),
        cmocka_unit_test(test_disk_becomes_full_behind_a_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
