/* The bytes of a snapshot file, against README.md, and what its check finds. */

#include "base/buf.h"
#include "base/hash.h"
#include "storage/snapshot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    char name[SNAPSHOT_NAME_BYTES];
    uint64_t slot = 0;
    bool temporary = true;
    snapshot_name(name, 7, false);
    assert_string_equal(name, "snapshot-00000000000000000007.zst");
    assert_true(snapshot_parse_name(name, &slot, &temporary));
    assert_int_equal(slot, 7);
    assert_false(temporary);
    snapshot_name(name, UINT64_MAX, true);
    assert_string_equal(name, "snapshot-18446744073709551615.zst.tmp");
    assert_true(snapshot_parse_name(name, &slot, &temporary));
    assert_int_equal(slot, UINT64_MAX);
    assert_true(temporary);
    const char *foreign[] = {
        "",
        "snapshot-",
        "snapshot-7.zst",
        "snapshot-00000000000000000000.zst", /* no slot */
        "snapshot-18446744073709551616.zst", /* too large a number */
        "snapshot-99999999999999999999.zst",
        "snapshot-00000000000000000007",
        "snapshot-00000000000000000007.zst.tmp2",
        "snapshot-000000000000000000007.zst",
        "snapshot-0000000000000000000a.zst",
        "Snapshot-00000000000000000007.zst",
        "log-0000000000000007",
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(foreign); i++) {
        assert_false(snapshot_parse_name(foreign[i], &slot, &temporary));
    }
}

/* A file of two frames whose bodies are no zstd at all: nobody here looks into them. */
struct file {
    uint8_t bytes[SNAPSHOT_HEADER_BYTES + 3 * SNAPSHOT_MARK_BYTES + 100 + 33];
    size_t first; /* where the frames begin, */
    size_t second;
    size_t trailer; /* and the trailer */
};

static const struct snapshot_header header = {
    .format_version = STORAGE_SNAPSHOT_FORMAT_VERSION,
    .meta = {.slot = 0x0102030405060708, .zxid = 99, .digest = 0xfeed, .digest_version = 3},
    .cluster_name = "unit-test",
};

static struct file build(const struct snapshot_header *of)
{
    struct file file;
    struct snapshot_check check;
    snapshot_check_init(&check);
    memset(&file, 0, sizeof(file));
    snapshot_put_header(&check, of, file.bytes);
    file.first = check.offset;
    memset(file.bytes + file.first + SNAPSHOT_MARK_BYTES, 0xaa, 100);
    snapshot_put_frame(&check, file.bytes + file.first + SNAPSHOT_MARK_BYTES, 100, 4000,
                       file.bytes + file.first);
    file.second = check.offset;
    memset(file.bytes + file.second + SNAPSHOT_MARK_BYTES, 0xbb, 33);
    snapshot_put_frame(&check, file.bytes + file.second + SNAPSHOT_MARK_BYTES, 33, 500,
                       file.bytes + file.second);
    file.trailer = check.offset;
    snapshot_put_trailer(&check, file.bytes + file.trailer);
    assert_int_equal(check.offset, sizeof(file.bytes));
    assert_int_equal(check.unit, SNAPSHOT_END);
    return file;
}

/* Goes over all units; *ret_offset is where it stopped. */
static enum cd_status check_file(const struct file *file, struct snapshot_check *check,
                                 const char **ret_what)
{
    snapshot_check_init(check);
    enum cd_status status = CD_OK;
    while (status == CD_OK && check->unit != SNAPSHOT_END) {
        if (check->wanted > sizeof(file->bytes) - check->offset) {
            return CD_CORRUPT;
        }
        status = snapshot_check_take(check, file->bytes + check->offset, ret_what);
    }
    return status;
}

static void test_layout(void **state)
{
    (void)state;
    struct file file = build(&header);
    const uint8_t *at = file.bytes;
    assert_int_equal(cd_get_u32(at), 0x184D2A50);
    assert_int_equal(cd_get_u32(at + 4), 248);
    assert_memory_equal(at + 8, "COORDSNP", 8);
    assert_int_equal(cd_get_u32(at + 16), 1);
    assert_int_equal(cd_get_u32(at + 20), 3);
    assert_int_equal(cd_get_u64(at + 24), 0x0102030405060708);
    assert_int_equal(cd_get_u64(at + 32), 99);
    assert_int_equal(cd_get_u64(at + 40), 0xfeed);
    assert_int_equal(cd_get_u32(at + 48), 9);
    assert_memory_equal(at + 52, "unit-test\0", 10);
    uint64_t hash = cd_hash64(at, 248);
    assert_int_equal(cd_get_u64(at + 248), hash);
    for (int i = 0; i < 2; i++) {
        at = file.bytes + (i == 0 ? file.first : file.second);
        assert_int_equal(cd_get_u32(at), 0x184D2A50);
        assert_int_equal(cd_get_u32(at + 4), 40);
        assert_memory_equal(at + 8, "CFRM", 4);
        assert_int_equal(cd_get_u32(at + 12), i == 0 ? 100 : 33);
        assert_int_equal(cd_get_u32(at + 16), i == 0 ? 4000 : 500);
        assert_int_equal(cd_get_u32(at + 20), 0);
        assert_int_equal(cd_get_u64(at + 24), i == 0 ? 0 : 4000);
        assert_int_equal(cd_get_u64(at + 32), cd_hash64(at + 48, i == 0 ? 100 : 33));
        hash = cd_hash64_seeded(at, 40, hash); /* on top of the one before */
        assert_int_equal(cd_get_u64(at + 40), hash);
    }
    at = file.bytes + file.trailer;
    assert_int_equal(cd_get_u32(at), 0x184D2A50);
    assert_int_equal(cd_get_u32(at + 4), 40);
    assert_memory_equal(at + 8, "CEND\0\0\0\0", 8);
    assert_int_equal(cd_get_u64(at + 16), 2);
    assert_int_equal(cd_get_u64(at + 24), 4500);
    assert_int_equal(cd_get_u64(at + 32), sizeof(file.bytes));
    assert_int_equal(cd_get_u64(at + 40), cd_hash64_seeded(at, 40, hash));
}

static void test_check(void **state)
{
    (void)state;
    struct file file = build(&header);
    struct snapshot_check check;
    const char *what = NULL;
    assert_int_equal(check_file(&file, &check, &what), CD_OK);
    assert_int_equal(check.frames, 2);
    assert_int_equal(check.raw_bytes, 4500);
    assert_memory_equal(&check.header.meta, &header.meta, sizeof(header.meta));
    assert_string_equal(check.header.cluster_name, "unit-test");
}

static void test_every_flip_is_found(void **state)
{
    (void)state;
    struct file file = build(&header);
    struct snapshot_check check;
    for (size_t bit = 0; bit < sizeof(file.bytes) * 8; bit++) {
        const char *what = NULL;
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(check_file(&file, &check, &what), CD_CORRUPT);
        assert_non_null(what);
        assert_true(check.offset <= bit / 8); /* in the unit that is named, */
        assert_true(bit / 8 < check.offset + check.wanted);
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Units in another order, of another file, or left out: each has the right checksums for itself. */
static void test_moved_frames(void **state)
{
    (void)state;
    struct file file = build(&header);
    struct snapshot_check check;
    const char *what = NULL;
    size_t length = file.second - file.first;

    struct file other = file; /* the second frame left out */
    memcpy(other.bytes + file.second, file.bytes + file.trailer, SNAPSHOT_MARK_BYTES);
    assert_int_equal(check_file(&other, &check, &what), CD_CORRUPT);
    assert_int_equal(check.offset, file.second);

    other = file; /* the first one twice */
    memmove(other.bytes + file.second, file.bytes + file.first, length);
    assert_int_equal(check_file(&other, &check, &what), CD_CORRUPT);
    assert_int_equal(check.offset, file.second);

    struct snapshot_header elsewhere = header; /* the frames of another slot */
    elsewhere.meta.slot++;
    other = build(&elsewhere);
    memcpy(other.bytes, file.bytes, SNAPSHOT_HEADER_BYTES);
    assert_int_equal(check_file(&other, &check, &what), CD_CORRUPT);
    assert_int_equal(check.offset, file.first);
}

/* Numbers are checked before they are used, also under a right checksum. */
static void test_hostile_numbers(void **state)
{
    (void)state;
    const struct {
        size_t offset;
        uint32_t value;
    } cases[] = {
        {12, 0},
        {12, SNAPSHOT_BODY_BYTES_MAX + 1},
        {12, UINT32_MAX},
        {16, 0},
        {16, SNAPSHOT_RAW_BYTES_MAX + 1},
        {16, UINT32_MAX},
        {24, 1},
        {28, 1},
    };
    struct file file = build(&header);
    uint64_t seed = cd_get_u64(file.bytes + SNAPSHOT_HEADER_BYTES - 8);
    for (size_t i = 0; i < CD_ARRAY_COUNT(cases); i++) {
        struct file bad = file;
        uint8_t *mark = bad.bytes + file.first;
        cd_put_u32(mark + cases[i].offset, cases[i].value);
        cd_put_u64(mark + 40, cd_hash64_seeded(mark, 40, seed));
        struct snapshot_check check;
        const char *what = NULL;
        assert_int_equal(check_file(&bad, &check, &what), CD_CORRUPT);
        assert_int_equal(check.offset, file.first);
    }
    struct file bad = file;
    cd_put_u32(bad.bytes + 48, STORAGE_CLUSTER_NAME_BYTES_MAX + 1);
    cd_put_u64(bad.bytes + 248, cd_hash64(bad.bytes, 248));
    struct snapshot_check check;
    const char *what = NULL;
    assert_int_equal(check_file(&bad, &check, &what), CD_CORRUPT);
    bad = file;
    cd_put_u64(bad.bytes + 24, 0); /* the slot */
    cd_put_u64(bad.bytes + 248, cd_hash64(bad.bytes, 248));
    assert_int_equal(check_file(&bad, &check, &what), CD_CORRUPT);
}

static void test_newer_format(void **state)
{
    (void)state;
    struct snapshot_header newer = header;
    newer.format_version++;
    struct file file = build(&newer);
    struct snapshot_check check;
    const char *what = NULL;
    assert_int_equal(check_file(&file, &check, &what), CD_NEWER_FORMAT);
    assert_int_equal(check.header.format_version, 2);
    file.bytes[20] ^= 1; /* a damaged one is damaged, whatever its version says */
    assert_int_equal(check_file(&file, &check, &what), CD_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_every_flip_is_found),
        cmocka_unit_test(test_moved_frames), cmocka_unit_test(test_hostile_numbers),
        cmocka_unit_test(test_newer_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
