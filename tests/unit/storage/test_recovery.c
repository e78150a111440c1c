/*
 * R4: damage above the highest readable durable_to is a torn tail and is cut, damage at or below it
 * is CD_CORRUPT with file, offset and advice; and directories that are not this replica's.
 */

#include "base/memory.h"
#include "fixture.h"
#include "storage/segment.h"
#include "support/fault_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A closed log of one segment: entries 1..count, each synced by itself, then `tail` in one sync. */
static void build(struct fixture *f, uint64_t count, uint64_t tail)
{
    fixture_init(f, NULL, 64 << 10);
    fixture_reopen(f);
    for (uint64_t i = 1; i <= count; i++) {
        fixture_entry(f, i, 50);
        fixture_sync(f);
    }
    for (uint64_t i = 1; i <= tail; i++) {
        fixture_entry(f, count + i, 50);
    }
    fixture_sync(f);
    assert_int_equal(f->durable, count + tail);
    fixture_close(f);
}

static void expect_corrupt(struct fixture *f, uint64_t sequence, uint64_t offset)
{
    assert_int_equal(fixture_open(f), CD_CORRUPT);
    char place[100];
    snprintf(place, sizeof(place), "%s is damaged at byte %lu", fixture_segment(sequence),
             (unsigned long)offset);
    if (strstr(f->error.message, place) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", f->error.message, place);
    }
    assert_non_null(strstr(f->error.message, "Move the data directory aside"));
    assert_non_null(strstr(f->error.message, "needs a backup)")); /* not cut off at the end */
}

/* --- torn and damaged --- */

static void test_damage_below_durable_to(void **state)
{
    (void)state;
    for (uint64_t position = 1; position <= 9; position++) {
        struct fixture f;
        build(&f, 10, 0); /* record 10 says that 9 is durable */
        uint64_t offset = fixture_find_record(&f, 1, position);
        assert_true(offset != 0);
        fault_disk_flip(f.disk, fixture_segment(1), offset * 8 + 700);
        expect_corrupt(&f, 1, offset);
        /* Nothing was changed: with the bit back the log opens. */
        fault_disk_flip(f.disk, fixture_segment(1), offset * 8 + 700);
        fixture_reopen(&f);
        fixture_release(&f);
    }
}

static void test_damage_above_durable_to(void **state)
{
    (void)state;
    for (uint64_t victim = 11; victim <= 15; victim++) {
        struct fixture f;
        build(&f, 10, 5); /* 11 to 15 travelled together: nobody says that they are durable */
        fault_disk_flip(f.disk, fixture_segment(1), fixture_find_record(&f, 1, victim) * 8 + 300);
        f.durable = victim - 1;
        fixture_reopen(&f);
        assert_int_equal(f.recovery.last_position, victim - 1);
        assert_int_equal(f.recovery.durable_to, 10);
        assert_int_equal(f.recovery.rewritten, victim - 1 - 10);
        uint64_t cut = (16 - victim) * segment_record_bytes(50); /* the padding may count */
        assert_in_range(f.recovery.cut_bytes, cut - SEGMENT_ALIGN_BYTES, cut);
        fixture_check_entries(&f);
        /* What was cut does not come back. */
        fixture_entry(&f, 99, 77);
        fixture_sync(&f);
        fixture_reopen(&f);
        assert_int_equal(f.recovery.last_position, victim);
        assert_int_equal(f.recovery.cut_bytes, 0);
        fixture_check_entries(&f);
        fixture_release(&f);
    }
}

/* The mark that an idle log writes proves its last records. */
static void test_idle_mark_proves(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 0);
    uint64_t offset = fixture_find_record(&f, 1, 3);
    fixture_release(&f);

    fixture_init(&f, NULL, 64 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 3; i++) {
        fixture_entry(&f, i, 50);
        fixture_sync(&f);
    }
    fixture_advance(&f, f.options.idle_ms);
    (void)fault_disk_pump(f.disk);
    fixture_close(&f);
    fault_disk_flip(f.disk, fixture_segment(1), offset * 8 + 1);
    expect_corrupt(&f, 1, offset);
    fixture_release(&f);
}

/* And so does the mark that an opening writes. */
static void test_opening_proves(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 4);
    fixture_reopen(&f);
    assert_int_equal(f.recovery.rewritten, 4);
    fixture_close(&f);
    uint64_t offset = fixture_find_record(&f, 2, 6);
    assert_true(offset != 0);
    fault_disk_flip(f.disk, fixture_segment(2), offset * 8 + 1);
    expect_corrupt(&f, 2, offset);
    fixture_release(&f);
}

static bool on_entry(void *context, const struct storage_record *record)
{
    uint64_t *count = context;
    *count += record->body_bytes != 0 ? 1 : 0;
    return true;
}

/* What was written again is read from where it is known to be durable. */
static void test_rewritten_records_are_read_from_the_copy(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 4);
    fixture_reopen(&f);
    fault_disk_flip(f.disk, fixture_segment(1), fixture_find_record(&f, 1, 6) * 8 + 900);
    uint64_t count = 0;
    struct cd_error error;
    assert_int_equal(storage_log_read_entries(f.log, 4, 7, SIZE_MAX, on_entry, &count, &error),
                     CD_OK);
    assert_int_equal(count, 4);
    fixture_reopen(&f); /* and the old place no longer counts */
    fixture_release(&f);
}

/* An intact header of a damaged body speaks too; and so does a record behind the damage. */
static void test_readable_headers_count(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 10, 0);
    uint64_t ninth = fixture_find_record(&f, 1, 9);
    uint64_t tenth = fixture_find_record(&f, 1, 10);
    fault_disk_flip(f.disk, fixture_segment(1), ninth * 8);
    fault_disk_flip(f.disk, fixture_segment(1), (tenth + SEGMENT_RECORD_HEADER_BYTES) * 8);
    expect_corrupt(&f, 1, ninth);
    /* With the tenth's header gone nobody knows of the ninth any more. */
    fault_disk_flip(f.disk, fixture_segment(1), tenth * 8 + 100);
    f.durable = 8;
    fixture_reopen(&f);
    assert_int_equal(f.recovery.last_position, 8);
    assert_int_equal(f.recovery.durable_to, 7);
    fixture_release(&f);
}

/* A sector of zeros looks like the end of the log, but there is something behind it. */
static void test_zeros_in_the_middle(void **state)
{
    (void)state;
    static const uint8_t zeros[FAULT_FS_SECTOR_BYTES];
    struct fixture f;
    build(&f, 40, 0);
    fault_disk_poke(f.disk, fixture_segment(1), SEGMENT_HEADER_BYTES + sizeof(zeros), zeros,
                    sizeof(zeros));
    assert_int_equal(fixture_open(&f), CD_CORRUPT);
    fixture_release(&f);
}

/* Every bit of a small log, by what it belongs to. */
static void test_every_bit(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 4, 3);
    uint64_t proven = fixture_find_record(&f, 1, 5);
    uint64_t end = fixture_find_record(&f, 1, 7) + segment_record_bytes(50);
    struct fault_disk_image *image = fault_disk_save(f.disk);
    uint64_t corrupt = 0;
    uint64_t cut = 0;
    for (uint64_t bit = 0; bit < (end + 64) * 8; bit += bit < 3000 * 8 ? 331 : 7) {
        fault_disk_restore(f.disk, image);
        fault_disk_flip(f.disk, fixture_segment(1), bit);
        f.durable = 4;
        enum cd_status status = fixture_open(&f);
        if (bit / 8 < proven) {
            assert_int_equal(status, CD_CORRUPT);
            corrupt++;
        } else {
            assert_int_equal(status, CD_OK);
            uint64_t lost = bit / 8 < end ? (bit / 8 - proven) / segment_record_bytes(50) : 3;
            assert_int_equal(f.recovery.last_position, 4 + lost);
            assert_true(f.recovery.cut_bytes != 0);
            cut++;
        }
        fixture_close(&f);
        /* The model was cut with the log: it starts anew. */
        fault_disk_restore(f.disk, image);
        fixture_release(&f);
        build(&f, 4, 3);
    }
    assert_true(corrupt > 100);
    assert_true(cut > 100);
    fault_disk_image_free(image);
    fixture_release(&f);
}

/* --- several segments --- */

static void build_segments(struct fixture *f)
{
    fixture_init(f, NULL, 8 << 10);
    fixture_reopen(f);
    for (uint64_t i = 1; i <= 150; i++) {
        fixture_entry(f, i, 100);
        fixture_sync(f);
    }
    fixture_close(f);
    assert_true(fixture_last_segment(f) >= 6);
}

static void test_missing_segment(void **state)
{
    (void)state;
    for (uint64_t missing = 1; missing <= 4; missing++) {
        struct fixture f;
        build_segments(&f);
        const struct env *env = fault_disk_env(f.disk);
        assert_int_equal(env->ops->remove(env->self, fixture_segment(missing)), CD_OK);
        assert_int_equal(fixture_open(&f), CD_CORRUPT);
        assert_non_null(strstr(f.error.message, fixture_segment(missing + 1)));
        assert_non_null(strstr(f.error.message, "missing"));
        fixture_release(&f);
    }
}

static void test_shortened_segment(void **state)
{
    (void)state;
    const uint64_t lengths[] = {0, 1, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 500};
    for (size_t i = 0; i < CD_ARRAY_COUNT(lengths); i++) {
        struct fixture f;
        build_segments(&f);
        const struct env *env = fault_disk_env(f.disk);
        struct env_file *file;
        assert_int_equal(env->ops->open(env->self, fixture_segment(2), ENV_OPEN_WRITE, &file),
                         CD_OK);
        assert_int_equal(env->ops->truncate(env->self, file, lengths[i]), CD_OK);
        env->ops->close(env->self, file);
        assert_int_equal(fixture_open(&f), CD_CORRUPT);
        fixture_release(&f);
    }
}

static void test_damaged_head_of_a_segment(void **state)
{
    (void)state;
    struct fixture f;
    build_segments(&f);
    fault_disk_flip(f.disk, fixture_segment(3), (SEGMENT_HEADER_BYTES + 9) * 8);
    expect_corrupt(&f, 3, SEGMENT_HEADER_BYTES);
    fault_disk_flip(f.disk, fixture_segment(3), (SEGMENT_HEADER_BYTES + 9) * 8);
    fault_disk_flip(f.disk, fixture_segment(3), 100);
    expect_corrupt(&f, 3, 0);
    fixture_release(&f);
}

static void test_reserved_segments_are_no_records(void **state)
{
    (void)state;
    struct fixture f;
    build_segments(&f);
    uint64_t reserved = fixture_last_segment(&f);
    fault_disk_flip(f.disk, fixture_segment(reserved), 100); /* its header */
    fixture_reopen(&f);
    assert_int_equal(f.recovery.segments, reserved - 1);
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* Restarts give back what was reserved, so that a replica that restarts for ever fills no disk. */
static void test_restarts_take_little_room(void **state)
{
    (void)state;
    struct fault_disk_options disk = {.capacity_bytes = 1 << 20};
    struct fixture f;
    fixture_init(&f, &disk, 128 << 10);
    fixture_reopen(&f);
    for (uint64_t i = 1; i <= 60; i++) {
        fixture_entry(&f, i, 100);
        fixture_sync(&f);
        fixture_reopen(&f);
    }
    fixture_check_entries(&f);
    fixture_release(&f);
}

/* Whatever bytes are hit, and however many: an answer, and never a record that was not written. */
static void test_random_damage(void **state)
{
    (void)state;
    uint64_t opened = 0;
    uint64_t refused = 0;
    uint64_t begun = 0; /* behind segments that were dropped */
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct cd_prng prng;
        cd_prng_init(&prng, seed);
        struct fixture f;
        fixture_init(&f, NULL, 8 << 10);
        fixture_reopen(&f);
        for (uint64_t i = 1; i <= 60; i++) {
            fixture_entry(&f, i, (size_t)cd_prng_below(&prng, 300));
            if (cd_prng_below(&prng, 10) == 0) {
                fixture_sync(&f);
            }
        }
        fixture_sync(&f);
        if (seed % 2 == 0) {
            assert_int_equal(fixture_drop(&f, 20), CD_OK);
            fixture_sync(&f);
        }
        fixture_close(&f);
        uint64_t last = fixture_last_segment(&f);
        uint64_t first = fixture_first_segment(&f);
        begun += first > 1 ? 1 : 0;
        for (uint64_t hits = cd_prng_below(&prng, 4) + 1; hits > 0; hits--) {
            uint64_t newest = cd_prng_below(&prng, 2) == 0 ? last - 1 : first;
            uint64_t sequence = newest + cd_prng_below(&prng, last - newest + 1);
            uint64_t bytes;
            (void)fault_disk_peek(f.disk, fixture_segment(sequence), &bytes);
            uint8_t junk[300];
            size_t length = (size_t)cd_prng_below(&prng, sizeof(junk)) + 1;
            memset(junk, (int)cd_prng_below(&prng, 2) * 255, sizeof(junk));
            fault_disk_poke(f.disk, fixture_segment(sequence), cd_prng_below(&prng, bytes - length),
                            junk, length);
        }
        f.durable = 0;
        if (fixture_open(&f) == CD_OK) {
            opened++;
            fixture_check_entries(&f);
        } else {
            refused++;
            assert_int_equal(f.error.status, CD_CORRUPT);
        }
        fixture_release(&f);
    }
    assert_true(opened > 20);
    assert_true(refused > 100);
    assert_true(begun > 50);
}

/* --- bytes from elsewhere --- */

static void test_stale_bytes(void **state)
{
    (void)state;
    struct fixture f;
    build_segments(&f);
    /* Records of another segment, intact and aligned, behind the end of the newest one. */
    fixture_reopen(&f);
    fixture_entry(&f, 200, 10);
    fixture_sync(&f);
    uint64_t newest = f.recovery.segments + 1;
    uint64_t end = fixture_find_record(&f, newest, f.last) + segment_record_bytes(10);
    fixture_close(&f);
    uint64_t bytes;
    const uint8_t *old = fault_disk_peek(f.disk, fixture_segment(2), &bytes);
    uint8_t copy[3000];
    memcpy(copy, old + SEGMENT_HEADER_BYTES, sizeof(copy));
    fault_disk_poke(f.disk, fixture_segment(newest), end, copy, sizeof(copy));
    fixture_reopen(&f);
    assert_true(f.recovery.cut_bytes > 2900);
    fixture_check_entries(&f);
    fixture_release(&f);
}

static void test_renamed_segment(void **state)
{
    (void)state;
    struct fixture f;
    build_segments(&f);
    const struct env *env = fault_disk_env(f.disk);
    char from[SEGMENT_NAME_BYTES];
    segment_name(from, 2, false);
    assert_int_equal(env->ops->rename(env->self, from, fixture_segment(3)), CD_OK);
    expect_corrupt(&f, 3, 0);
    fixture_release(&f);
}

static void test_other_files_are_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 0);
    const struct env *env = fault_disk_env(f.disk);
    const char *names[] = {"snapshot-0000000000000001", "log-1", "notes.txt"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(names); i++) {
        struct env_file *file;
        assert_int_equal(env->ops->open(env->self, names[i], ENV_OPEN_CREATE, &file), CD_OK);
        assert_int_equal(env->ops->write(env->self, file, 0, "x", 1), CD_OK);
        env->ops->close(env->self, file);
    }
    struct env_file *left;
    assert_int_equal(env->ops->open(env->self, "log-0000000000000009.tmp", ENV_OPEN_CREATE, &left),
                     CD_OK);
    env->ops->close(env->self, left);
    fixture_reopen(&f);
    uint64_t bytes;
    for (size_t i = 0; i < CD_ARRAY_COUNT(names); i++) {
        assert_non_null(fault_disk_peek(f.disk, names[i], &bytes));
        assert_int_equal(bytes, 1);
    }
    assert_null(fault_disk_peek(f.disk, "log-0000000000000009.tmp", &bytes));
    fixture_release(&f);
}

/* --- foreign directories --- */

static void test_other_replica(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 0);
    f.options.node = 4;
    assert_int_equal(fixture_open(&f), CD_FOREIGN);
    assert_non_null(strstr(f.error.message, "belongs to replica 3, not to 4"));
    f.options.node = 3;
    f.options.cluster_name = "berlin";
    assert_int_equal(fixture_open(&f), CD_FOREIGN);
    assert_non_null(strstr(f.error.message, "\"unit-test\", not to \"berlin\""));
    f.options.cluster_name = "unit-test";
    fixture_reopen(&f);
    fixture_release(&f);
}

static void test_newer_format(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 0);
    uint64_t bytes;
    uint8_t block[SEGMENT_HEADER_BYTES];
    memcpy(block, fault_disk_peek(f.disk, fixture_segment(1), &bytes), sizeof(block));
    struct segment_header header;
    assert_int_equal(segment_decode_header(block, &header), CD_OK);
    header.format_version = STORAGE_FORMAT_VERSION + 1;
    segment_encode_header(block, &header);
    fault_disk_poke(f.disk, fixture_segment(1), 0, block, sizeof(block));
    assert_int_equal(fixture_open(&f), CD_NEWER_FORMAT);
    assert_non_null(strstr(f.error.message, "format 2"));
    fixture_release(&f);
}

static void test_newer_record(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 3, 0);
    uint64_t offset = fixture_find_record(&f, 1, 2);
    uint64_t bytes;
    const uint8_t *data = fault_disk_peek(f.disk, fixture_segment(1), &bytes);
    struct segment_header header;
    assert_int_equal(segment_decode_header(data, &header), CD_OK);
    uint8_t record[200];
    size_t record_bytes = segment_record_bytes(50);
    memcpy(record, data + offset, record_bytes);
    record[8] = 77; /* the kind */
    segment_seal(record, record_bytes, 1, segment_seed(header.sequence, header.nonce));
    fault_disk_poke(f.disk, fixture_segment(1), offset, record, record_bytes);
    assert_int_equal(fixture_open(&f), CD_NEWER_FORMAT);
    assert_non_null(strstr(f.error.message, "kind 77"));
    fixture_release(&f);
}

static void test_visitor_refuses(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 5, 0);
    f.visit_answer = CD_MALFORMED;
    f.visit_answer_at = 3;
    assert_int_equal(fixture_open(&f), CD_MALFORMED);
    assert_string_equal(f.error.message, "the visitor does not want it");
    f.visit_answer = CD_OK;
    fixture_reopen(&f);
    fixture_release(&f);
}

/* A volume restored from yesterday opens; R2 is what finds it out, by the last position. */
static void test_restored_volume(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, 5, 0);
    struct fault_disk_image *image = fault_disk_save(f.disk);
    fixture_reopen(&f);
    fixture_entry(&f, 6, 10);
    fixture_sync(&f);
    assert_int_equal(f.durable, 6);
    fixture_crash(&f);
    fault_disk_restore(f.disk, image);
    f.durable = 0;
    for (int i = 0; i < 3; i++) {
        fixture_reopen(&f);
        assert_int_equal(f.recovery.last_position, 5); /* and openings do not hide it */
    }
    fault_disk_image_free(image);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_below_durable_to),
        cmocka_unit_test(test_damage_above_durable_to),
        cmocka_unit_test(test_idle_mark_proves),
        cmocka_unit_test(test_opening_proves),
        cmocka_unit_test(test_rewritten_records_are_read_from_the_copy),
        cmocka_unit_test(test_readable_headers_count),
        cmocka_unit_test(test_zeros_in_the_middle),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_missing_segment),
        cmocka_unit_test(test_shortened_segment),
        cmocka_unit_test(test_damaged_head_of_a_segment),
        cmocka_unit_test(test_reserved_segments_are_no_records),
        cmocka_unit_test(test_restarts_take_little_room),
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_stale_bytes),
        cmocka_unit_test(test_renamed_segment),
        cmocka_unit_test(test_other_files_are_left_alone),
        cmocka_unit_test(test_other_replica),
        cmocka_unit_test(test_newer_format),
        cmocka_unit_test(test_newer_record),
        cmocka_unit_test(test_visitor_refuses),
        cmocka_unit_test(test_restored_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
