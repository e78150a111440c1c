#include "support.h"

#include "wire/internal.h"

/*
 * Goal: every string of a client is UTF-8 without NUL, or refused with the rule's name. Method: all
 * sequences of up to three bytes, and four-byte ones around every edge, against a naive twin that
 * lists the encodings of all characters.
 */

static bool accepted(const uint8_t *bytes, size_t count)
{
    struct fsm_bytes seen;
    return wire_text(&seen, binary_bytes(bytes, count), "field", NULL) == CD_OK;
}

/* Encodes a character as the standard's table of bit patterns has it. */
static size_t encode(uint32_t character, uint8_t *to)
{
    if (character < 0x80) {
        to[0] = (uint8_t)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = (uint8_t)(0x80u | (character & 0x3fu));
        character >>= 6;
    }
    to[0] = (uint8_t)(lead[length] | character);
    return length;
}

/* One bit for each sequence of three bytes that is a character, and of two, and of one. */
static uint8_t *known_sequences(void)
{
    uint8_t *known = cd_calloc((size_t)1 << 24, 1);
    for (uint32_t character = 1; character < 0x10000; character++) {
        uint8_t bytes[4] = {0};
        if (character < 0xd800 || character > 0xdfff) {
            size_t length = encode(character, bytes);
            known[(size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2]] |=
                (uint8_t)(1u << length);
        }
    }
    return known;
}

static void test_up_to_two_bytes(void **state)
{
    (void)state;
    uint8_t *known = known_sequences();
    for (unsigned a = 0; a < 256; a++) {
        uint8_t one[] = {(uint8_t)a};
        assert_int_equal(accepted(one, 1), (known[a << 16] & 2u) != 0);
        for (unsigned b = 0; b < 256; b++) {
            uint8_t two[] = {(uint8_t)a, (uint8_t)b};
            bool apart = (known[a << 16] & 2u) != 0 && (known[b << 16] & 2u) != 0;
            bool together = (known[a << 16 | b << 8] & 4u) != 0;
            assert_int_equal(accepted(two, 2), apart || together);
        }
    }
    cd_free(known);
}

static void test_three_bytes(void **state)
{
    (void)state;
    uint8_t *known = known_sequences();
    for (unsigned a = 0xc0; a < 256; a++) { /* lower ones begin with a character of their own */
        for (unsigned b = 0; b < 256; b++) {
            for (unsigned c = 0; c < 256; c++) {
                uint8_t three[] = {(uint8_t)a, (uint8_t)b, (uint8_t)c};
                bool pair = (known[a << 16 | b << 8] & 4u) != 0 && (known[c << 16] & 2u) != 0;
                bool together = (known[a << 16 | b << 8 | c] & 8u) != 0;
                if (accepted(three, 3) != (pair || together)) {
                    fail_msg("%02x %02x %02x", a, b, c);
                }
            }
        }
    }
    cd_free(known);
}

static void test_four_bytes(void **state)
{
    (void)state;
    for (uint32_t character = 0x10000; character <= 0x10ffff; character += 61) {
        uint8_t bytes[4];
        assert_int_equal(encode(character, bytes), 4);
        assert_true(accepted(bytes, 4));
        assert_false(accepted(bytes, 3));
    }
    assert_true(accepted((const uint8_t *)"\xf0\x90\x80\x80", 4));
    assert_true(accepted((const uint8_t *)"\xf4\x8f\xbf\xbf", 4));
    assert_false(accepted((const uint8_t *)"\xf0\x8f\xbf\xbf", 4)); /* overlong */
    assert_false(accepted((const uint8_t *)"\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
    assert_false(accepted((const uint8_t *)"\xf5\x80\x80\x80", 4));
    assert_false(accepted((const uint8_t *)"\xf0\x90\x80\x41", 4));
    assert_false(accepted((const uint8_t *)"\xf0\x90\x41\x80", 4));
}

/* A path with `bytes` comes back whole from protobuf and is refused in words. */
static void refuse_path(struct rig *rig, const char *bytes, size_t count, const char *says)
{
    Coord__V1__GetRequest get = COORD__V1__GET_REQUEST__INIT;
    get.path = binary_bytes(bytes, count);
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 77;
    request.op_case = COORD__V1__REQUEST__OP_GET;
    request.get = &get;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, says);
}

static void test_words(void **state)
{
    struct rig *rig = *state;
    refuse_path(rig, "/a\0b", 4, "path: a NUL at byte 2");
    refuse_path(rig, "/a\0", 3, "path: a NUL at byte 2");
    refuse_path(rig, "\0", 1, "path: a NUL at byte 0");
    refuse_path(rig, "/a\xff", 3, "path: no valid UTF-8 at byte 2");
    refuse_path(rig, "/\xc3", 2, "path: no valid UTF-8 at byte 1");
    refuse_path(rig, "/\xed\xa0\x80", 4, "path: no valid UTF-8 at byte 1"); /* a surrogate */
    refuse_path(rig, "/\xc0\xaf", 3, "path: no valid UTF-8 at byte 1");     /* an overlong "/" */
}

static void test_empty(void **state)
{
    (void)state;
    struct fsm_bytes seen = text("old");
    assert_int_equal(wire_text(&seen, (ProtobufCBinaryData){0}, "field", NULL), CD_OK);
    assert_int_equal(seen.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_to_two_bytes),
        cmocka_unit_test(test_three_bytes),
        cmocka_unit_test(test_four_bytes),
        cmocka_unit_test_setup_teardown(test_words, rig_setup, rig_teardown),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
