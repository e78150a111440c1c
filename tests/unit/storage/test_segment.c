/*
 * The bytes of a segment: what is documented in coordd/storage/README.md, byte by byte, and that no
 * flipped bit passes.
 */

#include "base/memory.h"
#include "base/prng.h"
#include "storage/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, 1, false);
    assert_string_equal(name, "log-0000000000000001");
    segment_name(name, SEGMENT_SEQUENCE_MAX, true);
    assert_string_equal(name, "log-0000004294967295.tmp");

    uint64_t sequence = 0;
    bool temporary = true;
    assert_true(segment_parse_name("log-0000000000000042", &sequence, &temporary));
    assert_int_equal(sequence, 42);
    assert_false(temporary);
    assert_true(segment_parse_name("log-0000000000000042.tmp", &sequence, &temporary));
    assert_true(temporary);
    const char *foreign[] = {"",
                             "lock",
                             "log-",
                             "log-42",
                             "log-00000000000000042",
                             "log-000000000000004x",
                             "log-0000000000000042.old",
                             "log-0000000000000042.tmp2",
                             "snapshot-0000000000000042"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(foreign); i++) {
        assert_false(segment_parse_name(foreign[i], &sequence, &temporary));
    }
}

static struct segment_header sample_header(void)
{
    return (struct segment_header){
        .format_version = STORAGE_FORMAT_VERSION,
        .node = 0x01020304,
        .sequence = 5,
        .nonce = 0x1112131415161718,
        .cluster_name = "paris",
    };
}

static void test_header_bytes(void **state)
{
    (void)state;
    struct segment_header header = sample_header();
    uint8_t block[SEGMENT_HEADER_BYTES];
    segment_encode_header(block, &header);
    static const uint8_t expected[] = {'C',  'O',  'O',  'R',  'D',  'L',  'O',  'G', /* magic */
                                       1,    0,    0,    0, /* format version */
                                       4,    3,    2,    1, /* node */
                                       5,    0,    0,    0,    0,    0,    0,    0, /* sequence */
                                       0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* nonce */
                                       5,    0,    0,    0,    'p',  'a',  'r',  'i',  's', 0};
    assert_memory_equal(block, expected, sizeof(expected));

    struct segment_header decoded;
    assert_int_equal(segment_decode_header(block, &decoded), CD_OK);
    assert_int_equal(decoded.node, header.node);
    assert_int_equal(decoded.sequence, header.sequence);
    assert_int_equal(decoded.nonce, header.nonce);
    assert_string_equal(decoded.cluster_name, "paris");
}

static void test_header_flips(void **state)
{
    (void)state;
    struct segment_header header = sample_header();
    uint8_t block[SEGMENT_HEADER_BYTES];
    segment_encode_header(block, &header);
    for (size_t bit = 0; bit < sizeof(block) * 8; bit++) {
        struct segment_header decoded;
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(segment_decode_header(block, &decoded), CD_CORRUPT);
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void test_newer_header(void **state)
{
    (void)state;
    struct segment_header header = sample_header();
    header.format_version = STORAGE_FORMAT_VERSION + 1;
    uint8_t block[SEGMENT_HEADER_BYTES];
    segment_encode_header(block, &header);
    struct segment_header decoded;
    assert_int_equal(segment_decode_header(block, &decoded), CD_NEWER_FORMAT);
    assert_int_equal(decoded.format_version, STORAGE_FORMAT_VERSION + 1);
}

static void append_sample(struct cd_buf *buf, const char *body, uint8_t flags)
{
    struct storage_record record = {
        .kind = STORAGE_ENTRY,
        .slot = 0x2122232425262728,
        .ballot = {.round = 9, .node = 0x31323334, .incarnation = 0x4142434445464748},
        .body = (const uint8_t *)body,
        .body_bytes = strlen(body),
    };
    segment_append_record(buf, &record, 6, flags);
}

static void test_record_bytes(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 4096);
    append_sample(&buf, "hello", 0);
    segment_seal(buf.data, buf.bytes, 3, 77);
    static const uint8_t expected[56] = {
        'C',  'R',  'E',  'C',                          /* mark */
        5,    0,    0,    0,                            /* body length */
        2,    1,    0,    0,                            /* kind, version, flags, reserved */
        0x34, 0x33, 0x32, 0x31,                         /* ballot: node */
        0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, /* slot */
        9,    0,    0,    0,    0,    0,    0,    0,    /* ballot: round */
        0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41, /* ballot: incarnation */
        6,    0,    0,    0,    0,    0,    0,    0,    /* position */
        3,    0,    0,    0,    0,    0,    0,    0,    /* durable_to */
    };
    assert_int_equal(buf.bytes, 80);
    assert_memory_equal(buf.data, expected, sizeof(expected));
    assert_memory_equal(buf.data + 72, "hello\0\0\0", 8);

    struct segment_record record;
    assert_true(segment_check_record(buf.data, 77, &record));
    assert_false(segment_check_record(buf.data, 78, &record)); /* another segment's */
    assert_true(segment_check_body(&record, buf.data + 72));
    assert_true(segment_knows_record(&record));
    assert_int_equal(record.position, 6);
    assert_int_equal(record.durable_to, 3);
    struct storage_record view = segment_view(&record, buf.data + 72);
    assert_int_equal(view.ballot.incarnation, 0x4142434445464748);
    assert_int_equal(view.body_bytes, 5);
    cd_buf_release(&buf);
}

static void test_record_flips(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 4096);
    append_sample(&buf, "some bytes of a body", 0);
    segment_seal(buf.data, buf.bytes, 3, 77);
    for (size_t bit = 0; bit < buf.bytes * 8; bit++) {
        buf.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        struct segment_record record;
        bool passes = segment_check_record(buf.data, 77, &record) &&
                      segment_check_body(&record, buf.data + SEGMENT_RECORD_HEADER_BYTES);
        assert_false(passes);
        buf.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    cd_buf_release(&buf);
}

static void test_seal_many(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 4096);
    const char *bodies[] = {"", "1", "12345678", "123456789"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(bodies); i++) {
        append_sample(&buf, bodies[i], i == 0 ? SEGMENT_FLAG_HEAD : 0);
    }
    segment_seal(buf.data, buf.bytes, 11, 5);
    size_t at = 0;
    for (size_t i = 0; i < CD_ARRAY_COUNT(bodies); i++) {
        struct segment_record record;
        assert_int_equal(at % SEGMENT_ALIGN_BYTES, 0);
        assert_true(segment_check_record(buf.data + at, 5, &record));
        assert_true(segment_check_body(&record, buf.data + at + SEGMENT_RECORD_HEADER_BYTES));
        assert_int_equal(record.durable_to, 11);
        assert_int_equal(record.flags, i == 0 ? SEGMENT_FLAG_HEAD : 0);
        at += segment_record_bytes(strlen(bodies[i]));
    }
    assert_int_equal(at, buf.bytes);
    cd_buf_release(&buf);
}

static void test_unknown_records(void **state)
{
    (void)state;
    struct segment_record record = {.kind = STORAGE_ENTRY, .version = SEGMENT_RECORD_VERSION};
    assert_true(segment_knows_record(&record));
    record.version++;
    assert_false(segment_knows_record(&record));
    record.version--;
    record.flags = 2;
    assert_false(segment_knows_record(&record));
    record.flags = 0;
    record.kind = (enum storage_kind)(STORAGE_INSTALLED + 1);
    assert_false(segment_knows_record(&record));
    record.kind = (enum storage_kind)0;
    assert_false(segment_knows_record(&record));
}

static void test_dropped_bytes(void **state)
{
    (void)state;
    const struct segment_dropped dropped = {.begin = 0x0102030405060708,
                                            .slot = 0x1112131415161718};
    const uint8_t expected[SEGMENT_DROPPED_BYTES] = {
        8, 7, 6, 5, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
    uint8_t bytes[SEGMENT_DROPPED_BYTES];
    segment_encode_dropped(bytes, &dropped);
    assert_memory_equal(bytes, expected, sizeof(bytes));
    assert_int_equal(segment_decode_dropped(bytes).begin, dropped.begin);
    assert_int_equal(segment_decode_dropped(bytes).slot, dropped.slot);
    assert_true(segment_is_own(STORAGE_DROPPED));
    assert_true(segment_is_own(STORAGE_SYNCED));
    assert_false(segment_is_own(STORAGE_STATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropped_bytes),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_header_bytes),    cmocka_unit_test(test_header_flips),
        cmocka_unit_test(test_newer_header),    cmocka_unit_test(test_record_bytes),
        cmocka_unit_test(test_record_flips),    cmocka_unit_test(test_seal_many),
        cmocka_unit_test(test_unknown_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
