/*
 * Goal: one certificate, one identity, by the order SPIFFE URI, URI, DNS, common name; and no way
 * to be taken for somebody else through odd bytes. Method: the choice alone with names in every
 * combination, then whole certificates, one of them with a NUL inside a name, which only OpenSSL
 * itself can make.
 */
#include "crypto/crypto.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1700000000

static const char *chosen(const struct crypto_names *names)
{
    static char identity[CD_IDENTITY_BYTES_MAX + 1];
    enum cd_status status = crypto_identity_choose(names, identity, NULL);
    assert_true(status == CD_OK || status == CD_PERMISSION_DENIED);
    return status == CD_OK ? identity : NULL;
}

static void add(struct crypto_names *names, enum crypto_name_kind kind, const char *text)
{
    crypto_names_add(names, kind, text, strlen(text));
}

static void order_is_spiffe_uri_dns_common(void **state)
{
    (void)state;
    struct crypto_names names = {0};
    assert_null(chosen(&names));
    add(&names, CRYPTO_NAME_COMMON, "Jane Doe");
    assert_string_equal(chosen(&names), "cn:Jane Doe");
    add(&names, CRYPTO_NAME_DNS, "one.example");
    add(&names, CRYPTO_NAME_DNS, "two.example");
    assert_string_equal(chosen(&names), "dns:one.example");
    add(&names, CRYPTO_NAME_URI, "https://one.example/");
    add(&names, CRYPTO_NAME_URI, "urn:two");
    assert_string_equal(chosen(&names), "uri:https://one.example/");
    add(&names, CRYPTO_NAME_URI, "spiffe://example/one");
    add(&names, CRYPTO_NAME_URI, "spiffe://example/two");
    assert_string_equal(chosen(&names), "uri:spiffe://example/one");
}

static void a_bad_name_is_not_passed_over(void **state)
{
    (void)state;
    struct crypto_names names = {0};
    add(&names, CRYPTO_NAME_COMMON, "fallback");
    crypto_names_add(&names, CRYPTO_NAME_DNS, "coordd-1\0.evil.example", 22);
    assert_null(chosen(&names));

    memset(&names, 0, sizeof(names));
    add(&names, CRYPTO_NAME_COMMON, "fallback");
    crypto_names_add(&names, CRYPTO_NAME_URI, "", 0);
    assert_null(chosen(&names));
}

static void only_a_uri_looks_like_a_uri(void **state)
{
    (void)state;
    struct crypto_names names = {0};
    add(&names, CRYPTO_NAME_COMMON, "spiffe://example/one");
    assert_null(chosen(&names));
    memset(&names, 0, sizeof(names));
    add(&names, CRYPTO_NAME_DNS, "spiffe://example/one");
    assert_null(chosen(&names));
    memset(&names, 0, sizeof(names));
    add(&names, CRYPTO_NAME_COMMON, "a/b");
    assert_null(chosen(&names));
}

static void length_and_bytes_are_bounded(void **state)
{
    (void)state;
    char text[CD_IDENTITY_NAME_BYTES_MAX + 1];
    memset(text, 'x', sizeof(text));
    struct crypto_names names = {0};
    crypto_names_add(&names, CRYPTO_NAME_DNS, text, CD_IDENTITY_NAME_BYTES_MAX);
    assert_non_null(chosen(&names));
    memset(&names, 0, sizeof(names));
    crypto_names_add(&names, CRYPTO_NAME_DNS, text, CD_IDENTITY_NAME_BYTES_MAX + 1);
    assert_null(chosen(&names));

    static const char *const refused[] = {"a\nb", "\x7f", "caf\xc3\xa9", "\x1b[2J"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(refused); i++) {
        memset(&names, 0, sizeof(names));
        add(&names, CRYPTO_NAME_COMMON, refused[i]);
        assert_null(chosen(&names));
    }
}

static void expect_of_request(const struct crypto_request *request, const char *expected)
{
    struct crypto_pair ca = {0};
    struct crypto_pair pair = {0};
    char identity[CD_IDENTITY_BYTES_MAX + 1];
    assert_int_equal(crypto_make_ca("ca", NOW_S, &ca, NULL), CD_OK);
    assert_int_equal(crypto_issue(&ca, request, NOW_S, &pair, NULL), CD_OK);
    assert_int_equal(crypto_identity_of_pem(pair.cert_pem, identity, NULL), CD_OK);
    assert_string_equal(identity, expected);
    crypto_pair_release(&pair);
    crypto_pair_release(&ca);
}

static void whole_certificates(void **state)
{
    (void)state;
    const char *uris[] = {"urn:first", "spiffe://example/coordd-1"};
    const char *dns[] = {"coordd-1.example", "localhost"};
    const char *ips[] = {"127.0.0.1"};
    struct crypto_request request = {.common_name = "Coord 1", .ips = ips, .ips_count = 1};
    expect_of_request(&request, "cn:Coord 1");
    request.dns = dns;
    request.dns_count = 2;
    expect_of_request(&request, "dns:coordd-1.example");
    request.uris = uris;
    request.uris_count = 2;
    expect_of_request(&request, "uri:spiffe://example/coordd-1");
    request.uris_count = 1;
    expect_of_request(&request, "uri:urn:first");
}

/* A self-signed certificate with one DNS name of exactly these bytes, as PEM. */
static char *certificate_with_dns(const char *bytes, int count)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    assert_int_equal(ASN1_STRING_set(value, bytes, count), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, value);
    assert_true(sk_GENERAL_NAME_push(list, name) > 0);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO *text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(text, certificate), 1);
    char *data = NULL;
    long length = BIO_get_mem_data(text, &data);
    char *pem = test_calloc(1, (size_t)length + 1);
    memcpy(pem, data, (size_t)length);
    BIO_free(text);
    GENERAL_NAMES_free(list);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

static void a_nul_in_a_certificate_gives_no_identity(void **state)
{
    (void)state;
    char identity[CD_IDENTITY_BYTES_MAX + 1];
    struct cd_error error;
    char *pem = certificate_with_dns("coordd-1\0.evil.example", 22);
    assert_int_equal(crypto_identity_of_pem(pem, identity, &error), CD_PERMISSION_DENIED);
    assert_non_null(strstr(error.message, "not printable ASCII"));
    test_free(pem);
    pem = certificate_with_dns("coordd-1", 8);
    assert_int_equal(crypto_identity_of_pem(pem, identity, &error), CD_OK);
    assert_string_equal(identity, "dns:coordd-1");
    test_free(pem);
    assert_int_equal(crypto_identity_of_pem("no PEM", identity, &error), CD_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_spiffe_uri_dns_common),
        cmocka_unit_test(a_bad_name_is_not_passed_over),
        cmocka_unit_test(only_a_uri_looks_like_a_uri),
        cmocka_unit_test(length_and_bytes_are_bounded),
        cmocka_unit_test(whole_certificates),
        cmocka_unit_test(a_nul_in_a_certificate_gives_no_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
