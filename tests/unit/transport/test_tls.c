/*
 * Goal (T1): nobody without TLS 1.3 and a valid certificate of our CA gets a byte to the loop, the
 * TLS library's reason is logged without flooding, and certificates change without a restart.
 * Method: every wrong way in, by gRPC where gRPC can do it, else by openssl s_client or a bare
 * socket; after each one the right way still works.
 */
#include "unit/transport/client.h"
#include "unit/transport/server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "coordd-1.example"

static struct server server;
static struct crypto_pair server_pair, client_pair;

static int set_up(void **state)
{
    (void)state;
    server_init(&server);
    server.echo = true;
    server_pair = authority_issue(NULL, NAME, NULL);
    client_pair = authority_issue(NULL, "web.example", NULL);
    struct transport_config config = server_config(&server, 1, &server_pair);
    config.limits.handshake_timeout_ms = 500;
    server_start(&server, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    crypto_pair_release(&server_pair);
    crypto_pair_release(&client_pair);
    return 0;
}

static struct client_options options_with(const struct crypto_pair *pair)
{
    return (struct client_options){
        .port = transport_client_port(server.transport),
        .ca_pem = authority_ca()->cert_pem,
        .pair = pair,
        .server_name = NAME,
    };
}

/* One echo, or the status that came instead. */
static grpc_status_code try_stream(const struct client_options *options)
{
    struct client client;
    struct client_stream stream;
    client_connect(&client, options);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    bool sent = client_send(&stream, "hello", 5, CLIENT_WAIT_MS);
    struct cd_blob *frame = client_receive(&stream);
    if (frame != NULL) {
        assert_true(sent);
        cd_blob_unref(frame);
        client_half_close(&stream);
        client_cancel(&stream);
        (void)client_finish(&stream);
        client_close(&client);
        return GRPC_STATUS_OK;
    }
    grpc_status_code status = client_finish(&stream);
    client_close(&client);
    return status;
}

static void expect_refused(const struct client_options *options, const char *reason)
{
    uint64_t opened = server_record_get(&server).opened;
    assert_int_equal(try_stream(options), GRPC_STATUS_UNAVAILABLE);
    server_wait_log(&server, "tls_handshake_failed", reason);
    assert_int_equal(server_record_get(&server).opened, opened);
    struct client_options right = options_with(&client_pair);
    assert_int_equal(try_stream(&right), GRPC_STATUS_OK);
}

static void no_certificate_is_refused(void **state)
{
    (void)state;
    struct client_options options = options_with(NULL);
    expect_refused(&options, "peer did not return a certificate");
}

static void a_foreign_certificate_is_refused(void **state)
{
    (void)state;
    struct crypto_pair ca = authority_foreign_ca();
    struct crypto_pair pair = authority_issue_by(&ca, "web.example");
    struct client_options options = options_with(&pair);
    expect_refused(&options, "certificate verify failed");
    crypto_pair_release(&pair);
    crypto_pair_release(&ca);
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    struct crypto_pair pair = authority_issue_expired("web.example");
    struct client_options options = options_with(&pair);
    expect_refused(&options, "certificate verify failed");
    crypto_pair_release(&pair);
}

static void plaintext_is_refused(void **state)
{
    (void)state;
    struct client_options options = options_with(NULL);
    options.ca_pem = NULL;
    options.server_name = NULL;
    expect_refused(&options, "wrong version number");
}

/* ---- TLS versions, with a client that is not gRPC's ---- */

struct files {
    char folder[64], ca[128], cert[128], key[128];
};

static void write_files(struct files *files)
{
    (void)snprintf(files->folder, sizeof(files->folder), "/tmp/coord-test-tls-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    (void)snprintf(files->ca, sizeof(files->ca), "%s/ca.pem", files->folder);
    (void)snprintf(files->cert, sizeof(files->cert), "%s/cert.pem", files->folder);
    (void)snprintf(files->key, sizeof(files->key), "%s/key.pem", files->folder);
    assert_int_equal(crypto_pair_write(authority_ca(), files->ca, NULL, NULL), CD_OK);
    assert_int_equal(crypto_pair_write(&client_pair, files->cert, files->key, NULL), CD_OK);
}

static void remove_files(const struct files *files)
{
    assert_int_equal(unlink(files->ca), 0);
    assert_int_equal(unlink(files->cert), 0);
    assert_int_equal(unlink(files->key), 0);
    assert_int_equal(rmdir(files->folder), 0);
}

static void run_s_client(const struct files *files, uint16_t port, const char *version,
                         char *ret_said, size_t bytes)
{
    char command[1024];
    (void)snprintf(command, sizeof(command),
                   "openssl s_client -connect 127.0.0.1:%u %s -alpn h2 -brief -CAfile %s -cert %s "
                   "-key %s -servername " NAME " </dev/null 2>&1",
                   port, version, files->ca, files->cert, files->key);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t said = fread(ret_said, 1, bytes - 1, pipe);
    ret_said[said] = '\0';
    (void)pclose(pipe); /* what it said is what counts */
}

static void only_tls_1_3_gets_through(void **state)
{
    (void)state;
    struct files files;
    char said[4096];
    write_files(&files);
    uint16_t ports[] = {transport_client_port(server.transport),
                        transport_peer_port(server.transport)};
    for (size_t i = 0; i < CD_ARRAY_COUNT(ports); i++) {
        run_s_client(&files, ports[i], "-tls1_2", said, sizeof(said));
        if (strstr(said, "ESTABLISHED") != NULL || strstr(said, "SSL routines") == NULL) {
            fail_msg("TLS 1.2: %s", said);
        }
        run_s_client(&files, ports[i], "-tls1_3", said, sizeof(said));
        if (strstr(said, "Protocol version: TLSv1.3") == NULL) {
            fail_msg("TLS 1.3: %s", said);
        }
        run_s_client(&files, ports[i], "", said, sizeof(said));
        assert_non_null(strstr(said, "Protocol version: TLSv1.3"));
    }
    server_wait_log(&server, "tls_handshake_failed", "unsupported protocol");
    remove_files(&files);
}

/* ---- A connection that says nothing ---- */

static int connect_bare(void)
{
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(handle >= 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(transport_client_port(server.transport)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(handle, (const struct sockaddr *)&to, sizeof(to)), 0);
    return handle;
}

static void a_silent_connection_is_closed(void **state)
{
    (void)state;
    int handle = connect_bare();
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    uint64_t begun_ms = server_now_ms();
    char byte;
    assert_true(recv(handle, &byte, 1, 0) <= 0);
    assert_true(server_now_ms() - begun_ms < 5000);
    assert_int_equal(close(handle), 0);
}

/* ---- The log is not flooded ---- */

static void failures_are_counted_and_logged_sparsely(void **state)
{
    (void)state;
    static const char hello[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < 40; i++) {
        int handle = connect_bare();
        assert_int_equal(send(handle, hello, sizeof(hello) - 1, MSG_NOSIGNAL), sizeof(hello) - 1);
        struct timeval patience = {.tv_sec = 10};
        assert_int_equal(setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                         0);
        char answer[256];
        while (recv(handle, answer, sizeof(answer), 0) > 0) {
        }
        assert_int_equal(close(handle), 0);
    }
    server_wait_log(&server, "tls_handshake_failed", "more since the last line");
    struct transport_metrics metrics;
    transport_metrics_get(server.transport, &metrics);
    assert_int_equal(metrics.handshakes_failed, 40);
    assert_true(server_count_log(&server, "tls_handshake_failed") <= 4);
}

/* ---- New certificates ---- */

static void set_certificates(struct server *self, void *context)
{
    transport_set_certificates(self->transport, context);
}

static void certificates_change_while_streams_go_on(void **state)
{
    (void)state;
    struct client client;
    struct client_stream stream;
    struct client_options options = options_with(&client_pair);
    client_connect(&client, &options);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&stream, "before", 6, CLIENT_WAIT_MS));
    cd_blob_unref(client_receive(&stream));

    struct crypto_pair new_ca = authority_foreign_ca();
    struct crypto_pair new_server = authority_issue_by(&new_ca, "renewed.example");
    struct crypto_pair new_client = authority_issue_by(&new_ca, "web.example");
    struct transport_certificates certificates = {
        .ca_pem = new_ca.cert_pem,
        .cert_pem = new_server.cert_pem,
        .key_pem = new_server.key_pem,
    };
    server_run(&server, set_certificates, &certificates);

    struct client_options renewed = {
        .port = options.port,
        .ca_pem = new_ca.cert_pem,
        .pair = &new_client,
        .server_name = "renewed.example",
    };
    assert_int_equal(try_stream(&renewed), GRPC_STATUS_OK);
    assert_int_equal(try_stream(&options), GRPC_STATUS_UNAVAILABLE);
    renewed.pair = &client_pair; /* trusts the new one, comes with the old one */
    assert_int_equal(try_stream(&renewed), GRPC_STATUS_UNAVAILABLE);

    assert_true(client_send(&stream, "after", 5, CLIENT_WAIT_MS));
    struct cd_blob *frame = client_receive(&stream);
    assert_non_null(frame);
    assert_memory_equal(frame->data, "after", 5);
    cd_blob_unref(frame);
    client_cancel(&stream);
    (void)client_finish(&stream);
    client_close(&client);
    crypto_pair_release(&new_client);
    crypto_pair_release(&new_server);
    crypto_pair_release(&new_ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_certificate_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_foreign_certificate_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expired_certificate_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plaintext_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_tls_1_3_gets_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_connection_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_counted_and_logged_sparsely, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(certificates_change_while_streams_go_on, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}
