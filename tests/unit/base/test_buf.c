#include "death.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/prng.h"

static void test_put_appends(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 100);
    cd_buf_put(&buf, "one", 3);
    cd_buf_put(&buf, NULL, 0);
    cd_buf_put(&buf, " two", 4);
    assert_int_equal(buf.bytes, 7);
    assert_memory_equal(buf.data, "one two", 7);
    assert_false(buf.overflowed);
    cd_buf_release(&buf);
}

static void test_limit_is_reached_exactly(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 4);
    cd_buf_put(&buf, "1234", 4);
    assert_false(buf.overflowed);
    assert_int_equal(buf.bytes, 4);
    assert_true(buf.capacity <= 4);
    cd_buf_release(&buf);
}

static void test_overflow_is_sticky(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 4);
    cd_buf_put(&buf, "12", 2);
    cd_buf_put(&buf, "345", 3);
    assert_true(buf.overflowed);
    assert_int_equal(buf.bytes, 2);
    cd_buf_put(&buf, "3", 1); /* would fit, but what follows a hole is worth nothing */
    assert_int_equal(buf.bytes, 2);
    assert_null(cd_buf_extend(&buf, 1));
    cd_buf_clear(&buf);
    assert_false(buf.overflowed);
    cd_buf_put(&buf, "abcd", 4);
    assert_memory_equal(buf.data, "abcd", 4);
    cd_buf_release(&buf);
}

static void test_a_huge_extension_overflows(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 1000);
    cd_buf_put(&buf, "x", 1);
    assert_null(cd_buf_extend(&buf, SIZE_MAX));
    assert_true(buf.overflowed);
    cd_buf_release(&buf);
}

static void test_extend_gives_room_at_the_end(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 1 << 20);
    cd_buf_put(&buf, "head", 4);
    uint8_t *room = cd_buf_extend(&buf, 600);
    assert_ptr_equal(room, buf.data + 4);
    memset(room, 7, 600);
    assert_int_equal(buf.bytes, 604);
    assert_memory_equal(buf.data, "head", 4);
    cd_buf_release(&buf);
}

static void test_release_keeps_the_limit(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 3);
    cd_buf_put(&buf, "123", 3);
    cd_buf_release(&buf);
    assert_int_equal(buf.bytes, 0);
    assert_null(buf.data);
    cd_buf_put(&buf, "1234", 4);
    assert_true(buf.overflowed);
    cd_buf_put(&buf, "1", 1);
    cd_buf_release(&buf);
}

static void test_numbers_are_little_endian(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 12);
    cd_buf_put_u32(&buf, 0x04030201u);
    cd_buf_put_u64(&buf, 0x0c0b0a0908070605u);
    const uint8_t expected[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    assert_int_equal(buf.bytes, 12);
    assert_memory_equal(buf.data, expected, 12);
    assert_int_equal(cd_get_u32(buf.data), 0x04030201u);
    assert_int_equal(cd_get_u64(buf.data + 4), 0x0c0b0a0908070605u);
    cd_buf_put_u32(&buf, 1);
    assert_true(buf.overflowed);
    cd_buf_release(&buf);
}

static void test_numbers_round_trip(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 5);
    uint8_t raw[8];
    for (int i = 0; i < 1000; i++) {
        uint64_t value = cd_prng_next(&prng);
        cd_put_u64(raw, value);
        assert_true(cd_get_u64(raw) == value);
        cd_put_u32(raw, (uint32_t)value);
        assert_int_equal(cd_get_u32(raw), (uint32_t)value);
    }
    cd_put_u32(raw, UINT32_MAX);
    assert_int_equal(cd_get_u32(raw), UINT32_MAX);
    cd_put_u64(raw, UINT64_MAX);
    assert_true(cd_get_u64(raw) == UINT64_MAX);
}

static void test_printf(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 20);
    cd_buf_printf(&buf, "slot %d", 17);
    cd_buf_printf(&buf, "%s", "");
    cd_buf_printf(&buf, ", %s", "node 3");
    assert_int_equal(buf.bytes, 15);
    assert_memory_equal(buf.data, "slot 17, node 3", 15);
    cd_buf_printf(&buf, "%s", "one too many");
    assert_true(buf.overflowed);
    assert_int_equal(buf.bytes, 15);
    cd_buf_release(&buf);
}

/* The limit is on what is kept: an exact fit is none too many. */
static void test_printf_up_to_the_limit(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 8);
    cd_buf_printf(&buf, "%s", "slot 17");
    cd_buf_printf(&buf, "%s", "!");
    assert_false(buf.overflowed);
    assert_int_equal(buf.bytes, 8);
    assert_memory_equal(buf.data, "slot 17!", 8);
    cd_buf_printf(&buf, "%s", "");
    assert_false(buf.overflowed);
    cd_buf_printf(&buf, "%s", "?");
    assert_true(buf.overflowed);
    assert_int_equal(buf.bytes, 8);
    cd_buf_release(&buf);
}

static void test_printf_of_long_lines(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 10000);
    for (int width = 1000; width < 4000; width += 1000) {
        cd_buf_printf(&buf, "%*d", width, 7);
    }
    assert_false(buf.overflowed);
    assert_int_equal(buf.bytes, 6000); /* none of them cut */
    assert_int_equal(buf.data[999], '7');
    assert_int_equal(buf.data[1000], ' ');
    assert_int_equal(buf.data[5999], '7');
    cd_buf_release(&buf);
}

static void extend_by_nothing(void *context)
{
    (void)cd_buf_extend(context, 0);
}

/* NULL means over the limit, and an empty buffer has no other address to give. */
static void test_extending_by_nothing_is_a_mistake(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 10);
    assert_true(death_of(extend_by_nothing, &buf).died);
    cd_buf_release(&buf);
}

/* Against a plain array: many appends of random sizes, with clears in between. */
static void test_against_an_array(void **state)
{
    (void)state;
    enum { LIMIT = 5000 };
    static uint8_t twin[LIMIT];
    struct cd_prng prng;
    cd_prng_init(&prng, 11);
    struct cd_buf buf;
    cd_buf_init(&buf, LIMIT);
    size_t bytes = 0;
    bool over = false;
    for (int i = 0; i < 20000; i++) {
        uint8_t piece[512];
        size_t count = cd_prng_below(&prng, sizeof(piece));
        for (size_t k = 0; k < count; k++) {
            piece[k] = (uint8_t)cd_prng_next(&prng);
        }
        cd_buf_put(&buf, piece, count);
        over = over || count > LIMIT - bytes;
        if (!over) {
            memcpy(twin + bytes, piece, count);
            bytes += count;
        }
        assert_int_equal(buf.overflowed, over);
        assert_int_equal(buf.bytes, bytes);
        if (over || cd_prng_below(&prng, 30) == 0) {
            assert_true(bytes == 0 || memcmp(buf.data, twin, bytes) == 0);
            cd_buf_clear(&buf);
            bytes = 0;
            over = false;
        }
    }
    cd_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_appends),
        cmocka_unit_test(test_limit_is_reached_exactly),
        cmocka_unit_test(test_overflow_is_sticky),
        cmocka_unit_test(test_a_huge_extension_overflows),
        cmocka_unit_test(test_extend_gives_room_at_the_end),
        cmocka_unit_test(test_release_keeps_the_limit),
        cmocka_unit_test(test_numbers_are_little_endian),
        cmocka_unit_test(test_numbers_round_trip),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_printf_up_to_the_limit),
        cmocka_unit_test(test_printf_of_long_lines),
        cmocka_unit_test(test_extending_by_nothing_is_a_mistake),
        cmocka_unit_test(test_against_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
