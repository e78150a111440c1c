#include "support.h"

#include "fsm/sequence.h"

static void check(uint64_t number, const char *expected)
{
    uint8_t to[FSM_SEQUENCE_BYTES_MAX];
    size_t bytes = fsm_sequence_format(number, to);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(to, expected, bytes);
}

static void test_format(void **state)
{
    (void)state;
    check(0, "0000000000");
    check(7, "0000000007");
    check(2147483648u, "2147483648"); /* where ZooKeeper's 32 bits turn negative */
    check(9999999999u, "9999999999");
    check(10000000000u, "10000000000");
    check(UINT64_MAX, "18446744073709551615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
