/*
 * Goal: crypto_init switches off everything older than TLS 1.3, also where a program asks for 1.2;
 * and exit() does not clean up OpenSSL. Method: ask before and after; then do what libgrpc does
 * (set TLS 1.2 as the minimum) and try a handshake with a TLS 1.2 client over a pair of memory
 * buffers. A child exits, where a clean-up would change its exit code.
 */
#include "crypto/crypto.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a handshake attempt of one client against a server like libgrpc's ends in. */
static bool client_gets_through(int client_version)
{
    struct crypto_pair ca = {0};
    struct crypto_pair pair = {0};
    const char *dns[] = {"localhost"};
    const struct crypto_request request = {.dns = dns, .dns_count = 1};
    assert_int_equal(crypto_make_ca("ca", 1700000000, &ca, NULL), CD_OK);
    assert_int_equal(crypto_issue(&ca, &request, 1700000000, &pair, NULL), CD_OK);

    SSL_CTX *server_context = SSL_CTX_new(TLS_method());
    SSL_CTX *client_context = SSL_CTX_new(TLS_method());
    assert_true(SSL_CTX_set_min_proto_version(server_context, TLS1_2_VERSION));
    assert_true(SSL_CTX_set_max_proto_version(server_context, TLS1_3_VERSION));
    BIO *text = BIO_new_mem_buf(pair.cert_pem, -1);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    BIO_free(text);
    text = BIO_new_mem_buf(pair.key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    BIO_free(text);
    assert_int_equal(SSL_CTX_use_certificate(server_context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server_context, key), 1);

    /* The client stands for a foreign program: it does not follow our policy. */
    SSL_CTX_clear_options(client_context, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
    assert_true(SSL_CTX_set_min_proto_version(client_context, client_version));
    assert_true(SSL_CTX_set_max_proto_version(client_context, client_version));
    SSL *server = SSL_new(server_context);
    SSL *client = SSL_new(client_context);
    BIO *server_end = NULL;
    BIO *client_end = NULL;
    assert_int_equal(BIO_new_bio_pair(&server_end, 0, &client_end, 0), 1);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < 10; i++) {
        (void)SSL_do_handshake(client);
        (void)SSL_do_handshake(server);
    }
    bool through = SSL_is_init_finished(client) && SSL_is_init_finished(server);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_context);
    SSL_CTX_free(server_context);
    X509_free(certificate);
    EVP_PKEY_free(key);
    crypto_pair_release(&pair);
    crypto_pair_release(&ca);
    return through;
}

static void on_clean_up(void)
{
    _exit(1);
}

/* The first test, since it is for processes that have not used OpenSSL yet. */
static void exit_cleans_nothing_up(void **state)
{
    int status = -1;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct cd_error error;
        exit(crypto_init(&error) == CD_OK && OPENSSL_atexit(on_clean_up) == 1 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void older_protocols_are_off_after_init(void **state)
{
    (void)state;
    assert_false(crypto_tls13_only());
    assert_true(client_gets_through(TLS1_2_VERSION)); /* so the harness can tell the difference */
    struct cd_error error;
    assert_int_equal(crypto_init(&error), CD_OK);
    assert_true(crypto_tls13_only());
    assert_false(client_gets_through(TLS1_2_VERSION));
    assert_true(client_gets_through(TLS1_3_VERSION));
    assert_int_equal(crypto_init(&error), CD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_cleans_nothing_up),
        cmocka_unit_test(older_protocols_are_off_after_init),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
