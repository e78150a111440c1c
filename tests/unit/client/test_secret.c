#include "src/secret.h"

#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Goal: secrets differ, and their hash is what a replica computes. Method: coordd's own SHA-256. */

static void test_secrets(void **state)
{
    uint8_t secrets[2][CLIENT_SECRET_BYTES];
    uint8_t hash[CLIENT_SECRET_HASH_BYTES];
    uint8_t expected[CRYPTO_SHA256_BYTES];
    (void)state;
    assert_int_equal(CRYPTO_SHA256_BYTES, CLIENT_SECRET_HASH_BYTES);
    for (int i = 0; i < 2; i++) {
        assert_true(client_secret_draw(secrets[i], hash));
        crypto_sha256(secrets[i], CLIENT_SECRET_BYTES, expected);
        assert_memory_equal(hash, expected, sizeof(expected));
    }
    assert_memory_not_equal(secrets[0], secrets[1], CLIENT_SECRET_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
