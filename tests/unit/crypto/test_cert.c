/*
 * Goal: credentials that would fail in a handshake are refused beforehand, with a sentence that
 * names the file and the fault.
 * Method: one good set; then each part replaced by something wrong.
 */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1700000000)
#define DAY_S INT64_C(86400)

struct fixture {
    struct crypto_pair ca, other_ca, leaf, other_leaf, expired, future;
};

static struct fixture fix;

static void issue(const struct crypto_pair *ca, int64_t from_s, int64_t to_s,
                  struct crypto_pair *ret_pair)
{
    const char *dns[] = {"coordd-1.example"};
    const struct crypto_request request = {
        .dns = dns, .dns_count = 1, .not_before_s = from_s, .not_after_s = to_s};
    assert_int_equal(crypto_issue(ca, &request, NOW_S, ret_pair, NULL), CD_OK);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(crypto_make_ca("ca", NOW_S, &fix.ca, NULL), CD_OK);
    assert_int_equal(crypto_make_ca("other", NOW_S, &fix.other_ca, NULL), CD_OK);
    issue(&fix.ca, 0, 0, &fix.leaf);
    issue(&fix.ca, 0, 0, &fix.other_leaf);
    issue(&fix.ca, NOW_S - 10 * DAY_S, NOW_S - DAY_S, &fix.expired);
    issue(&fix.ca, NOW_S + DAY_S, NOW_S + 10 * DAY_S, &fix.future);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crypto_pair_release(&fix.ca);
    crypto_pair_release(&fix.other_ca);
    crypto_pair_release(&fix.leaf);
    crypto_pair_release(&fix.other_leaf);
    crypto_pair_release(&fix.expired);
    crypto_pair_release(&fix.future);
    return 0;
}

static void good_ones_are_taken(void **state)
{
    (void)state;
    struct crypto_credentials credentials;
    struct cd_error error;
    assert_int_equal(crypto_credentials_take(fix.ca.cert_pem, fix.leaf.cert_pem, fix.leaf.key_pem,
                                             NOW_S, &credentials, &error),
                     CD_OK);
    assert_string_equal(credentials.cert_pem, fix.leaf.cert_pem);
    assert_string_equal(credentials.identity, "dns:coordd-1.example");
    assert_int_equal(credentials.not_after_s, NOW_S + CRYPTO_LEAF_DAYS * DAY_S);
    assert_int_equal(credentials.ca_not_after_s, NOW_S + CRYPTO_CA_DAYS * DAY_S);
    crypto_credentials_release(&credentials);

    /* Two CAs in the file, as while one replaces the other. */
    char both[8192];
    (void)snprintf(both, sizeof(both), "%s%s", fix.other_ca.cert_pem, fix.ca.cert_pem);
    assert_int_equal(crypto_credentials_take(both, fix.leaf.cert_pem, fix.leaf.key_pem, NOW_S,
                                             &credentials, &error),
                     CD_OK);
    crypto_credentials_release(&credentials);
}

/* While one CA replaces another, the file may hold one that has ended or has not begun. */
static void one_valid_authority_is_enough(void **state)
{
    (void)state;
    struct crypto_pair old = {0};
    struct crypto_pair next = {0};
    struct crypto_credentials credentials = {0};
    struct cd_error error = {0};
    char both[8192];
    assert_int_equal(crypto_make_ca("old", NOW_S - (CRYPTO_CA_DAYS + 1) * DAY_S, &old, NULL),
                     CD_OK);
    assert_int_equal(crypto_make_ca("next", NOW_S + DAY_S, &next, NULL), CD_OK);
    (void)snprintf(both, sizeof(both), "%s%s%s", old.cert_pem, fix.ca.cert_pem, next.cert_pem);
    assert_int_equal(crypto_credentials_take(both, fix.leaf.cert_pem, fix.leaf.key_pem, NOW_S,
                                             &credentials, &error),
                     CD_OK);
    assert_int_equal(credentials.ca_not_after_s, NOW_S + CRYPTO_CA_DAYS * DAY_S);
    crypto_credentials_release(&credentials);
    (void)snprintf(both, sizeof(both), "%s%s", next.cert_pem, old.cert_pem);
    assert_int_equal(crypto_credentials_take(both, fix.leaf.cert_pem, fix.leaf.key_pem, NOW_S,
                                             &credentials, &error),
                     CD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "expired at"));
    crypto_pair_release(&old);
    crypto_pair_release(&next);
}

static void refuse(const char *ca, const char *cert, const char *key, enum cd_status status,
                   const char *why)
{
    struct crypto_credentials credentials = {0};
    struct cd_error error = {0};
    assert_int_equal(crypto_credentials_take(ca, cert, key, NOW_S, &credentials, &error), status);
    assert_non_null(strstr(error.message, why));
    assert_null(credentials.key_pem);
}

static void bad_ones_are_refused(void **state)
{
    (void)state;
    const char *ca = fix.ca.cert_pem;
    const char *cert = fix.leaf.cert_pem;
    const char *key = fix.leaf.key_pem;
    refuse("nothing", cert, key, CD_MALFORMED, "the CA certificates: no certificate in it");
    refuse(ca, key, key, CD_MALFORMED, "the certificate: no certificate in it");
    refuse(ca, cert, cert, CD_MALFORMED, "the private key: no readable private key");
    refuse(cert, cert, key, CD_MALFORMED, "is no CA certificate");
    refuse(ca, cert, fix.other_leaf.key_pem, CD_INVALID_ARGUMENT, "does not belong");
    refuse(fix.other_ca.cert_pem, cert, key, CD_INVALID_ARGUMENT,
           "does not verify as a TLS server");
    refuse(ca, fix.expired.cert_pem, fix.expired.key_pem, CD_INVALID_ARGUMENT,
           "expired at 2023-11-13T22:13:20Z");
    refuse(ca, fix.future.cert_pem, fix.future.key_pem, CD_INVALID_ARGUMENT,
           "valid only from 2023-11-15T22:13:20Z on");
}

static void damage_inside_is_seen(void **state)
{
    (void)state;
    char damaged[8192];
    (void)snprintf(damaged, sizeof(damaged), "%s%s", fix.ca.cert_pem, fix.other_ca.cert_pem);
    char *second = strstr(damaged + 10, "-----BEGIN") + 60;
    memset(second, '!', 8);
    refuse(damaged, fix.leaf.cert_pem, fix.leaf.key_pem, CD_MALFORMED, "certificate 2 in it");
}

static void an_encrypted_key_asks_nobody(void **state)
{
    (void)state;
    static const char encrypted[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                    "Proc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
                                    "\n"
                                    "AAECAwQFBgcICQoLDA0ODw==\n"
                                    "-----END EC PRIVATE KEY-----\n";
    refuse(fix.ca.cert_pem, fix.leaf.cert_pem, encrypted, CD_MALFORMED, "is encrypted");
}

static void write_text(const char *path, const char *text, size_t bytes)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void files_are_named_in_errors(void **state)
{
    (void)state;
    char folder[] = "/tmp/coord-test-cert-XXXXXX";
    char ca[128];
    char cert[128];
    char key[128];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
    (void)snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", folder);
    struct crypto_credentials credentials;
    struct cd_error error;
    assert_int_equal(crypto_pair_write(&fix.ca, ca, NULL, &error), CD_OK);
    assert_int_equal(crypto_pair_write(&fix.leaf, cert, key, &error), CD_OK);
    assert_int_equal(crypto_credentials_load(ca, cert, key, NOW_S, &credentials, &error), CD_OK);
    crypto_credentials_release(&credentials);

    write_text(ca, "a\0b", 3);
    assert_int_equal(crypto_credentials_load(ca, cert, key, NOW_S, &credentials, &error),
                     CD_MALFORMED);
    assert_non_null(strstr(error.message, "ca.pem"));
    assert_int_equal(unlink(ca), 0);
    assert_int_equal(crypto_credentials_load(ca, cert, key, NOW_S, &credentials, &error),
                     CD_NOT_FOUND);
    assert_non_null(strstr(error.message, "ca.pem: cannot open the CA certificates"));
    assert_int_equal(crypto_credentials_load(folder, cert, key, NOW_S, &credentials, &error),
                     CD_IO);

    char *large = test_calloc(1, CRYPTO_PEM_BYTES_MAX + 1);
    memset(large, 'x', CRYPTO_PEM_BYTES_MAX + 1);
    write_text(ca, large, CRYPTO_PEM_BYTES_MAX + 1);
    test_free(large);
    assert_int_equal(crypto_credentials_load(ca, cert, key, NOW_S, &credentials, &error),
                     CD_MALFORMED);
    assert_non_null(strstr(error.message, "limit"));
    assert_int_equal(unlink(ca), 0);
    assert_int_equal(unlink(cert), 0);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_taken),
        cmocka_unit_test(one_valid_authority_is_enough),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(damage_inside_is_seen),
        cmocka_unit_test(an_encrypted_key_asks_nobody),
        cmocka_unit_test(files_are_named_in_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
