/* N3: nothing is given that was not checked; and what reads a file outlives its removal. */

#include "base/memory.h"
#include "snapshot_fixture.h"
#include "storage/snapshot_file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_states(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_make(&s, 20);
    assert_string_equal(snaps_list(&s), "20 10 ");
    assert_int_equal(storage_snapshots_floor(s.set), 10);
    snaps_reopen(&s);
    assert_string_equal(snaps_list(&s), "20?10?");
    assert_int_equal(storage_snapshots_floor(s.set), 0);
    snaps_check(&s, 20); /* reading to the end is verifying */
    assert_string_equal(snaps_list(&s), "20 10?");
    assert_int_equal(storage_snapshot_verify(s.set, 10, &s.error), CD_OK);
    assert_string_equal(snaps_list(&s), "20 10 ");
    assert_int_equal(storage_snapshots_floor(s.set), 10);
    assert_int_equal(snaps_read(&s, 15), CD_NOT_FOUND);
    /* A part of it is not. */
    snaps_reopen(&s);
    struct storage_snapshot_reader *reader = NULL;
    assert_int_equal(storage_snapshot_reader_open(s.set, 20, &reader, &s.error), CD_OK);
    const uint8_t *data;
    size_t bytes = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(storage_snapshot_read(reader, &data, &bytes, &s.error), CD_OK);
        assert_true(bytes != 0);
    }
    assert_string_equal(snaps_list(&s), "20?10?");
    assert_int_equal(storage_snapshot_read(reader, &data, &bytes, &s.error), CD_OK);
    assert_int_equal(bytes, 0);
    assert_string_equal(snaps_list(&s), "20 10?");
    assert_int_equal(storage_snapshot_read(reader, &data, &bytes, &s.error), CD_OK);
    assert_int_equal(bytes, 0); /* and the end stays the end */
    storage_snapshot_reader_free(reader);
    snaps_release(&s);
}

static void expect_damage(struct snaps *s, uint64_t slot, uint64_t least, uint64_t most)
{
    assert_int_equal(snaps_read(s, slot), CD_CORRUPT);
    char start[100];
    snprintf(start, sizeof(start), "%s is damaged at byte ", snaps_name(slot));
    assert_int_equal(strncmp(s->error.message, start, strlen(start)), 0);
    uint64_t offset = 0;
    assert_int_equal(sscanf(s->error.message + strlen(start), "%" SCNu64, &offset), 1);
    assert_in_range(offset, least, most);
    assert_int_equal(snaps_read(s, slot), CD_NOT_FOUND); /* not for use any more */
}

/* A bit of every part; all bits of all that is not a body. */
static void test_flips(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    uint64_t bytes = 0;
    (void)fault_disk_peek(s.disk, snaps_name(10), &bytes);
    uint64_t flips = 0;
    for (uint64_t bit = 0; bit < bytes * 8;) {
        fault_disk_flip(s.disk, snaps_name(10), bit);
        snaps_reopen(&s);
        if (bit / 8 < SNAPSHOT_HEADER_BYTES) {
            assert_string_equal(snaps_list(&s), "10!"); /* seen by the opening */
        } else {
            uint64_t reach = SNAPSHOT_FRAME_BYTES_MAX;
            expect_damage(&s, 10, bit / 8 > reach ? bit / 8 - reach : 0, bit / 8);
            assert_string_equal(snaps_list(&s), "10!");
        }
        fault_disk_flip(s.disk, snaps_name(10), bit);
        flips++;
        uint64_t at = bit / 8;
        bool body = at > SNAPSHOT_HEADER_BYTES + SNAPSHOT_MARK_BYTES + 8 &&
                    at + SNAPSHOT_MARK_BYTES + 8 < bytes;
        uint64_t trailer = (bytes - SNAPSHOT_MARK_BYTES - 8) * 8;
        uint64_t next = body ? bit + 30011 : bit + 1;
        bit = body && next > trailer ? trailer : next;
    }
    assert_true(flips > 2800);
    snaps_reopen(&s);
    snaps_check(&s, 10);
    snaps_release(&s);
}

/* A file that was cut at any length, and one with something behind it. */
static void test_lengths(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    snaps_close(&s);
    uint64_t bytes = 0;
    (void)fault_disk_peek(s.disk, snaps_name(10), &bytes);
    struct fault_disk_image *image = fault_disk_save(s.disk);
    const struct env *env = fault_disk_env(s.disk);
    for (uint64_t length = 0; length < bytes; length += length < 400 ? 7 : 9001) {
        struct env_file *file;
        assert_int_equal(env->ops->open(env->self, snaps_name(10), ENV_OPEN_WRITE, &file), CD_OK);
        assert_int_equal(env->ops->truncate(env->self, file, length), CD_OK);
        env->ops->close(env->self, file);
        snaps_reopen(&s);
        if (length < SNAPSHOT_HEADER_BYTES) {
            assert_string_equal(snaps_list(&s), "10!");
        } else {
            expect_damage(&s, 10, length, length);
        }
        snaps_close(&s);
        fault_disk_restore(s.disk, image);
    }
    struct env_file *file;
    assert_int_equal(env->ops->open(env->self, snaps_name(10), ENV_OPEN_WRITE, &file), CD_OK);
    assert_int_equal(env->ops->write(env->self, file, bytes, "", 1), CD_OK);
    env->ops->close(env->self, file);
    snaps_reopen(&s);
    expect_damage(&s, 10, bytes, bytes);
    fault_disk_image_free(image);
    snaps_release(&s);
}

/* A body with the right checksum that is no zstd frame, or one of another length. */
static void test_body_that_does_not_decompress(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct snaps s;
        snaps_init(&s, NULL);
        s.content_bytes = 1000;
        snaps_reopen(&s);
        snaps_make(&s, 10);
        uint64_t bytes = 0;
        const uint8_t *old = fault_disk_peek(s.disk, snaps_name(10), &bytes);
        uint8_t *file = cd_malloc(bytes);
        memcpy(file, old, bytes);
        uint8_t *mark = file + SNAPSHOT_HEADER_BYTES;
        uint8_t *body = mark + SNAPSHOT_MARK_BYTES;
        size_t body_bytes = bytes - SNAPSHOT_HEADER_BYTES - 2 * (size_t)SNAPSHOT_MARK_BYTES;
        if (i == 0) {
            memset(body, 0x55, body_bytes);
        }
        struct snapshot_check check;
        snapshot_check_init(&check);
        struct snapshot_header header = {
            .format_version = 1, .meta = snaps_meta(10), .cluster_name = "unit-test"};
        snapshot_put_header(&check, &header, file);
        snapshot_put_frame(&check, body, body_bytes, i == 0 ? 1000 : 999, mark);
        snapshot_put_trailer(&check, body + body_bytes);
        fault_disk_poke(s.disk, snaps_name(10), 0, file, bytes);
        snaps_reopen(&s);
        expect_damage(&s, 10, SNAPSHOT_HEADER_BYTES + SNAPSHOT_MARK_BYTES,
                      SNAPSHOT_HEADER_BYTES + SNAPSHOT_MARK_BYTES);
        struct storage_snapshot_info info;
        assert_true(storage_snapshots_at(s.set, 0, &info));
        assert_non_null(strstr(info.damage, "does not decompress"));
        cd_free(file);
        snaps_release(&s);
    }
}

/* Each of its operations fails once: no content is wrong, nothing is called damaged. */
static void test_each_operation_fails(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    uint64_t before = fault_disk_operations(s.disk);
    snaps_check(&s, 10);
    uint64_t total = fault_disk_operations(s.disk) - before;
    assert_true(total >= 9);
    for (uint64_t nth = 1; nth <= total; nth++) {
        fault_disk_fail_at(s.disk, nth, CD_IO);
        assert_int_equal(snaps_read(&s, 10), CD_IO);
        assert_non_null(strstr(s.error.message, "cannot read snapshot-"));
        fault_disk_fail_at(s.disk, 0, CD_OK);
        assert_string_equal(snaps_list(&s), "10 ");
    }
    snaps_check(&s, 10);
    snaps_release(&s);
}

static void test_reader_outlives_the_file(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 10);
    struct storage_snapshot_reader *reader = NULL;
    struct storage_snapshot_source *source = NULL;
    assert_int_equal(storage_snapshot_reader_open(s.set, 10, &reader, &s.error), CD_OK);
    assert_int_equal(storage_snapshot_source_open(s.set, 10, &source, &s.error), CD_OK);
    uint64_t file_bytes = 0;
    const uint8_t *data = fault_disk_peek(s.disk, snaps_name(10), &file_bytes);
    uint8_t *file = cd_malloc(file_bytes);
    memcpy(file, data, file_bytes);
    snaps_make(&s, 20);
    snaps_make(&s, 30);
    assert_string_equal(snaps_list(&s), "30 20 ");
    assert_null(fault_disk_peek(s.disk, snaps_name(10), &file_bytes));
    size_t bytes = 1;
    uint64_t offset = 0;
    uint8_t *expected = cd_malloc(STORAGE_SNAPSHOT_PUT_BYTES_MAX);
    while (bytes != 0) {
        assert_int_equal(storage_snapshot_read(reader, &data, &bytes, &s.error), CD_OK);
        snaps_content(10, offset, expected, bytes);
        assert_memory_equal(data, expected, bytes);
        offset += bytes;
    }
    assert_int_equal(offset, s.content_bytes);
    assert_string_equal(snaps_list(&s), "30 20 ");
    storage_snapshot_reader_free(reader);

    assert_int_equal(storage_snapshot_source_meta(source)->zxid, 30);
    assert_int_equal(storage_snapshot_source_bytes(source), file_bytes);
    uint8_t *chunk = cd_malloc(STORAGE_SNAPSHOT_CHUNK_BYTES_MAX);
    for (offset = 0; offset < file_bytes; offset += 100000) {
        assert_int_equal(storage_snapshot_source_read(source, offset, chunk, 100000, &bytes),
                         CD_OK);
        uint64_t left = file_bytes - offset;
        assert_int_equal(bytes, left < 100000 ? left : 100000);
        assert_memory_equal(chunk, file + offset, bytes);
    }
    assert_int_equal(storage_snapshot_source_read(source, file_bytes, chunk, 10, &bytes), CD_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(storage_snapshot_source_read(source, UINT64_MAX, chunk, 10, &bytes), CD_OK);
    assert_int_equal(bytes, 0);
    fault_disk_fail_at(s.disk, 1, CD_IO);
    assert_int_equal(storage_snapshot_source_read(source, 0, chunk, 10, &bytes), CD_IO);
    storage_snapshot_source_free(source);
    assert_int_equal(storage_snapshot_source_open(s.set, 10, &source, &s.error), CD_NOT_FOUND);
    cd_free(chunk);
    cd_free(expected);
    cd_free(file);
    snaps_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_body_that_does_not_decompress),
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_reader_outlives_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
