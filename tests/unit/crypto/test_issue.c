/*
 * Goal: the certificates that we make say what was asked, last as long as they should, and reach
 * the disk with a key nobody else can read.
 * Method: make them, read them back with OpenSSL, and look at the files.
 */
#include "crypto/crypto.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

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

static X509 *parse(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    BIO_free(text);
    assert_non_null(certificate);
    return certificate;
}

static bool valid_at(X509 *certificate, int64_t when_s)
{
    time_t when = (time_t)when_s;
    return X509_cmp_time(X509_get0_notBefore(certificate), &when) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &when) > 0;
}

static void a_ca_signs_and_lasts_ten_years(void **state)
{
    (void)state;
    struct crypto_pair ca = {0};
    struct crypto_pair other = {0};
    assert_int_equal(crypto_make_ca("Coord test CA", NOW_S, &ca, NULL), CD_OK);
    X509 *certificate = parse(ca.cert_pem);
    assert_int_equal(X509_check_ca(certificate), 1);
    assert_true(valid_at(certificate, NOW_S));
    assert_true(valid_at(certificate, NOW_S + 3649 * DAY_S));
    assert_false(valid_at(certificate, NOW_S + 3651 * DAY_S));
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_EC);
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    X509_free(certificate);

    assert_int_equal(crypto_make_ca("Coord test CA", NOW_S, &other, NULL), CD_OK);
    assert_string_not_equal(ca.cert_pem, other.cert_pem);
    assert_string_not_equal(ca.key_pem, other.key_pem);
    crypto_pair_release(&other);
    crypto_pair_release(&ca);

    struct cd_error error;
    assert_int_equal(crypto_make_ca("", NOW_S, &ca, &error), CD_INVALID_ARGUMENT);
    assert_null(ca.cert_pem);
}

static void a_leaf_says_what_was_asked(void **state)
{
    (void)state;
    struct crypto_pair ca = {0};
    struct crypto_pair leaf = {0};
    const char *uris[] = {"spiffe://example/coordd-1"};
    const char *dns[] = {"coordd-1.example", "localhost"};
    const char *ips[] = {"127.0.0.1", "::1"};
    const struct crypto_request request = {
        .common_name = "coordd-1",
        .uris = uris,
        .uris_count = 1,
        .dns = dns,
        .dns_count = 2,
        .ips = ips,
        .ips_count = 2,
    };
    assert_int_equal(crypto_make_ca("ca", NOW_S, &ca, NULL), CD_OK);
    assert_int_equal(crypto_issue(&ca, &request, NOW_S, &leaf, NULL), CD_OK);
    X509 *certificate = parse(leaf.cert_pem);
    X509 *authority = parse(ca.cert_pem);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(authority)), 1);
    assert_int_equal(X509_check_issued(authority, certificate), X509_V_OK);
    assert_int_equal(X509_check_ca(certificate), 0);
    assert_int_equal(X509_check_host(certificate, "coordd-1.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0), 1);
    assert_int_equal(X509_check_purpose(certificate, X509_PURPOSE_SSL_CLIENT, 0), 1);
    assert_true(valid_at(certificate, NOW_S));
    assert_true(valid_at(certificate, NOW_S + 364 * DAY_S));
    assert_false(valid_at(certificate, NOW_S + 366 * DAY_S));
    X509_free(authority);
    X509_free(certificate);
    crypto_pair_release(&leaf);
    crypto_pair_release(&ca);
}

static void refuse(const struct crypto_pair *ca, struct crypto_request request, const char *why)
{
    struct crypto_pair leaf = {0};
    struct cd_error error;
    assert_int_equal(crypto_issue(ca, &request, NOW_S, &leaf, &error), CD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, why));
    assert_null(leaf.cert_pem);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    struct crypto_pair ca = {0};
    struct crypto_pair leaf = {0};
    struct cd_error error;
    assert_int_equal(crypto_make_ca("ca", NOW_S, &ca, NULL), CD_OK);
    const char *bad[] = {"a b"};
    const char *empty[] = {""};
    const char *no_address[] = {"localhost"};
    refuse(&ca, (struct crypto_request){.uris = bad, .uris_count = 1}, "SAN URI has a space");
    refuse(&ca, (struct crypto_request){.dns = empty, .dns_count = 1}, "0 bytes");
    refuse(&ca, (struct crypto_request){.ips = no_address, .ips_count = 1}, "no IP address");
    refuse(&ca, (struct crypto_request){.common_name = ""}, "common name");
    refuse(&ca, (struct crypto_request){.not_before_s = 2000, .not_after_s = 1000}, "end before");
    const struct crypto_request plain = {.common_name = "x"};
    const struct crypto_pair broken = {.cert_pem = ca.cert_pem, .key_pem = ca.cert_pem};
    assert_int_equal(crypto_issue(&broken, &plain, NOW_S, &leaf, &error), CD_MALFORMED);
    crypto_pair_release(&ca);
}

static void files_are_written_whole_and_private(void **state)
{
    (void)state;
    char folder[] = "/tmp/coord-test-issue-XXXXXX";
    char cert_path[128];
    char key_path[128];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    struct crypto_pair ca = {0};
    struct cd_error error;
    assert_int_equal(crypto_make_ca("ca", NOW_S, &ca, NULL), CD_OK);
    assert_int_equal(crypto_pair_write(&ca, cert_path, key_path, &error), CD_OK);
    assert_int_equal(crypto_pair_write(&ca, cert_path, key_path, &error), CD_OK); /* replaces */
    struct stat about;
    assert_int_equal(stat(key_path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_size, strlen(ca.key_pem));
    assert_int_equal(stat(cert_path, &about), 0);
    assert_int_equal(about.st_size, strlen(ca.cert_pem));
    assert_int_equal(crypto_pair_write(&ca, "/nonexistent/cert.pem", NULL, &error), CD_IO);
    assert_non_null(strstr(error.message, "/nonexistent/cert.pem"));
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(unlink(cert_path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left in it */
    crypto_pair_release(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ca_signs_and_lasts_ten_years),
        cmocka_unit_test(a_leaf_says_what_was_asked),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(files_are_written_whole_and_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
