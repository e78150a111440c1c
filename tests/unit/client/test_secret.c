#include "src/secret.h"

#include "crypto/crypto.h"

#include <openssl/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Goal: secrets differ, and their hash is what a replica computes; exit() does not clean up
 * OpenSSL. Method: coordd's own SHA-256; a child that exits, where a clean-up would change its exit
 * code.
 */

static void on_clean_up(void)
{
    _exit(1);
}

/* The first test, since it is for processes that have not used OpenSSL yet. */
static void test_exit_cleans_nothing_up(void **state)
{
    int status = -1;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        client_secret_begin();
        /* Then as TLS begins. */
        exit(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
                     OPENSSL_atexit(on_clean_up) == 1
                 ? 0
                 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_cleans_nothing_up),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
