#include "support.h"

#include "wire/internal.h"

/* Goal: numbers of any length and messages of any content are read to their end and no further. */

static void test_varints(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int64_t off = -1; off <= 1; off++) {
            uint64_t value = (UINT64_C(1) << shift) + (uint64_t)off;
            uint8_t bytes[WIRE_VARINT_BYTES_MAX];
            uint64_t seen = ~value;
            size_t count = wire_varint_put(bytes, value);
            assert_int_equal(count, wire_varint_bytes(value));
            assert_true(count >= 1 && count <= WIRE_VARINT_BYTES_MAX);
            for (size_t left = 0; left < count; left++) { /* cut: more is needed */
                uint8_t *copy = cd_malloc(left + 1);
                memcpy(copy, bytes, left);
                assert_int_equal(wire_varint_get(&seen, copy, left), 0);
                cd_free(copy);
            }
            assert_int_equal(seen, ~value);
            assert_int_equal(wire_varint_get(&seen, bytes, count), count);
            assert_int_equal(seen, value);
        }
    }
}

/* As protobuf writes them. */
static void test_varints_of_the_contract(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_VARINT_BYTES_MAX];
    assert_int_equal(wire_varint_put(bytes, 300), 2);
    assert_memory_equal(bytes, "\xac\x02", 2);
    assert_int_equal(wire_varint_put(bytes, UINT64_MAX), 10);
    assert_memory_equal(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_int_equal(wire_varint_bytes(127), 1);
    assert_int_equal(wire_varint_bytes(128), 2);
}

static void test_varint_without_end(void **state)
{
    (void)state;
    uint64_t value = 5;
    uint8_t bytes[20];
    memset(bytes, 0xff, sizeof(bytes));
    for (size_t count = 0; count < WIRE_VARINT_BYTES_MAX; count++) {
        assert_int_equal(wire_varint_get(&value, bytes, count), 0);
    }
    assert_true(wire_varint_get(&value, bytes, 10) > WIRE_VARINT_BYTES_MAX);
    assert_true(wire_varint_get(&value, bytes, 20) > WIRE_VARINT_BYTES_MAX);
    assert_int_equal(value, 5);
}

static uint64_t salvage(const char *hex, unsigned field)
{
    struct cd_blob *bytes = from_hex(hex);
    uint64_t value = wire_salvage(bytes->data, bytes->bytes, field);
    cd_blob_unref(bytes);
    return value;
}

static void test_salvage(void **state)
{
    (void)state;
    assert_int_equal(salvage("0807", 1), 7);
    assert_int_equal(salvage("080710ac02", 2), 300);
    assert_int_equal(salvage("10ac020807", 1), 7);             /* behind another number */
    assert_int_equal(salvage("1a03aabbcc0807", 1), 7);         /* behind bytes */
    assert_int_equal(salvage("19aaaaaaaaaaaaaaaa0807", 1), 7); /* behind 8 fixed ones */
    assert_int_equal(salvage("1daaaaaaaa0807", 1), 7);         /* behind 4 */
    assert_int_equal(salvage("1a03aabb", 1), 0);               /* bytes that are cut */
    assert_int_equal(salvage("1affffffffffffffffff010807", 1), 0);
    assert_int_equal(salvage("08", 1), 0);       /* a number that is cut */
    assert_int_equal(salvage("1b0807", 1), 0);   /* a group, which proto3 has not */
    assert_int_equal(salvage("0a020807", 1), 0); /* field 1, but no number */
    assert_int_equal(salvage("", 1), 0);
}

static void test_bounds(void **state)
{
    struct rig *rig = *state;
    static const struct wire_bound bound = {4, "a thing"};
    enum cd_status status = CD_OK;
    const ProtobufCMessageDescriptor *descriptor = &coord__v1__get_request__descriptor;
    assert_non_null(
        wire_unpack(&rig->arena, descriptor, "\x0a\x02/a", 4, bound, &status, &rig->error));
    assert_int_equal(status, CD_OK);
    assert_null(
        wire_unpack(&rig->arena, descriptor, "\x0a\x03/ab", 5, bound, &status, &rig->error));
    assert_int_equal(status, CD_TOO_LARGE);
    assert_says(&rig->error, "a thing has 5 bytes; the limit is 4");
    assert_null(wire_unpack(&rig->arena, descriptor, "\x0a\x03/a", 4, bound, &status, &rig->error));
    assert_int_equal(status, CD_MALFORMED);

    /* A field that is not known is nothing to clients, and too much in what is kept. */
    static const uint8_t unknown[] = {0x10, 0x01};
    assert_non_null(wire_unpack(&rig->arena, descriptor, unknown, 2, bound, &status, &rig->error));
    assert_null(
        wire_unpack_known(&rig->arena, descriptor, unknown, 2, bound, &status, &rig->error));
    assert_int_equal(status, CD_NEWER_FORMAT);
}

static void test_pack_limits(void **state)
{
    (void)state;
    Coord__V1__GetRequest message = COORD__V1__GET_REQUEST__INIT;
    message.path = binary("/abc"); /* 6 bytes */
    struct cd_buf buf;
    cd_buf_init(&buf, 12);
    assert_int_equal(wire_pack(&buf, 5, &message.base), CD_TOO_LARGE);
    assert_int_equal(buf.bytes, 0);
    assert_int_equal(wire_pack(&buf, 6, &message.base), CD_OK);
    assert_int_equal(wire_pack(&buf, 11, &message.base), CD_TOO_LARGE);
    assert_int_equal(wire_pack(&buf, 100, &message.base), CD_OK);
    assert_int_equal(wire_pack(&buf, 100, &message.base), CD_TOO_LARGE); /* the buffer's own */
    assert_int_equal(buf.bytes, 12);
    assert_false(buf.overflowed);
    cd_buf_release(&buf);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_varints),
        WITH_RIG(test_varints_of_the_contract),
        WITH_RIG(test_varint_without_end),
        WITH_RIG(test_salvage),
        WITH_RIG(test_bounds),
        WITH_RIG(test_pack_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
