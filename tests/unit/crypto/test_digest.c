/*
 * Goal: SHA-256 as published and randomness that is not constant.
 * Method: the two vectors of FIPS 180-2, and two draws that must differ.
 */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void sha256_matches_published_vectors(void **state)
{
    (void)state;
    static const uint8_t of_abc[CRYPTO_SHA256_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t of_nothing[CRYPTO_SHA256_BYTES] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    uint8_t digest[CRYPTO_SHA256_BYTES];
    crypto_sha256("abc", 3, digest);
    assert_memory_equal(digest, of_abc, sizeof(digest));
    crypto_sha256("", 0, digest);
    assert_memory_equal(digest, of_nothing, sizeof(digest));
}

static void random_fills_all_and_differs(void **state)
{
    (void)state;
    uint8_t one[64] = {0};
    uint8_t two[64] = {0};
    uint8_t zeros[16] = {0};
    crypto_random(one, sizeof(one));
    crypto_random(two, sizeof(two));
    assert_memory_not_equal(one, two, sizeof(one));
    assert_memory_not_equal(one, zeros, sizeof(zeros));
    assert_memory_not_equal(one + sizeof(one) - sizeof(zeros), zeros, sizeof(zeros));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_published_vectors),
        cmocka_unit_test(random_fills_all_and_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
