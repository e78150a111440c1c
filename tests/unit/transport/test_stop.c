/*
 * Goal: a transport that cannot start says why in one sentence, one that drains lets its streams
 * finish, and one that is freed in the middle of everything leaves nothing behind.
 * Method: wrong configurations; a drain with a live stream; frees with something stuck in every
 * place. Leaks show under the address sanitizer.
 */
#include "unit/transport/client.h"
#include "unit/transport/server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "coordd-1.example"

static struct server server;
static struct crypto_pair server_pair, client_pair;

static int set_up(void **state)
{
    (void)state;
    server_init(&server);
    server_pair = authority_issue(NULL, NAME, NULL);
    client_pair = authority_issue(NULL, "web.example", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crypto_pair_release(&server_pair);
    crypto_pair_release(&client_pair);
    return 0;
}

static struct client_options options(void)
{
    return (struct client_options){
        .port = transport_client_port(server.transport),
        .ca_pem = authority_ca()->cert_pem,
        .pair = &client_pair,
        .server_name = NAME,
    };
}

/* ---- Not starting ---- */

static void without_crypto_init_nothing_is_served(void **state)
{
    (void)state;
    struct crypto_pair pair = {0};
    struct transport *transport = NULL;
    struct cd_error error;
    assert_int_equal(crypto_make_ca("ca", 1700000000, &pair, NULL), CD_OK);
    struct transport_config config = server_config(&server, 1, &pair);
    config.certificates.ca_pem = pair.cert_pem;
    assert_int_equal(transport_create(&config, &transport, &error), CD_IO);
    assert_non_null(strstr(error.message, "crypto_init"));
    crypto_pair_release(&pair);
}

static void refuse(const struct transport_config *config, enum cd_status status, const char *why)
{
    struct transport *transport = NULL;
    struct cd_error error = {0};
    assert_int_equal(transport_create(config, &transport, &error), status);
    assert_null(transport);
    if (strstr(error.message, why) == NULL) {
        fail_msg("\"%s\" is not in: %s", why, error.message);
    }
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    struct transport_config config = server_config(&server, 1, &server_pair);
    char address[64];
    server_start(&server, &config);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u",
                   transport_client_port(server.transport));
    config.client_address = address;
    refuse(&config, CD_IN_USE, "client address: cannot listen on 127.0.0.1:");
    config.client_address = "127.0.0.1:0";
    config.peer_address = address;
    refuse(&config, CD_IN_USE, "peer address: cannot listen on 127.0.0.1:");
    server_stop(&server);
}

static void bad_configurations_are_named(void **state)
{
    (void)state;
    const struct transport_config good = server_config(&server, 1, &server_pair);
    struct transport_config config = good;
    config.client_address = "nonsense";
    refuse(&config, CD_INVALID_ARGUMENT, "\"nonsense\" is not host:port");
    config = good;
    config.peer_address = "203.0.113.1:0"; /* TEST-NET-3: nobody's */
    refuse(&config, CD_IO, "peer address: cannot listen on 203.0.113.1:0: Cannot assign");
    config = good;
    config.node = 0;
    refuse(&config, CD_INVALID_ARGUMENT, "node id");
    config = good;
    config.limits.calls_max = 0;
    refuse(&config, CD_INVALID_ARGUMENT, "calls_max is 0");
    config = good;
    config.limits.redial_ms_min = 5000;
    refuse(&config, CD_INVALID_ARGUMENT, "redial_ms_min is above");
    const struct transport_peer twice[] = {{2, "h:1", "a"}, {2, "h:2", "b"}};
    config = good;
    config.peers = twice;
    config.peers_count = 2;
    refuse(&config, CD_INVALID_ARGUMENT, "peer 2 is named twice");
    const struct transport_peer nameless[] = {{2, "h:1", ""}};
    config.peers = nameless;
    config.peers_count = 1;
    refuse(&config, CD_INVALID_ARGUMENT, "peer 1: an id above 0");
    config.peers_count = TRANSPORT_PEERS_MAX + 1;
    refuse(&config, CD_INVALID_ARGUMENT, "65 peers");
}

/* ---- Stopping ---- */

static void drain_twice(struct server *self, void *context)
{
    (void)context;
    transport_drain(self->transport);
    transport_drain(self->transport);
}

/* Until nobody listens there. */
static void wait_refused(uint16_t port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    bool refused = false;
    while (!refused && server_now_ms() < until_ms) {
        int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(handle >= 0);
        refused = connect(handle, (const struct sockaddr *)&to, sizeof(to)) != 0;
        assert_int_equal(close(handle), 0);
    }
    assert_true(refused);
}

static void a_drain_lets_streams_finish(void **state)
{
    (void)state;
    struct client client;
    struct client late;
    struct client_stream stream;
    struct client_stream refused;
    server.echo = true;
    server.close_at_end = true;
    struct transport_config config = server_config(&server, 1, &server_pair);
    server_start(&server, &config);
    struct client_options to = options();
    client_connect(&client, &to);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&stream, "one", 3, CLIENT_WAIT_MS));
    cd_blob_unref(client_receive(&stream));

    server_run(&server, drain_twice, NULL);
    assert_true(client_send(&stream, "two", 3, CLIENT_WAIT_MS));
    cd_blob_unref(client_receive(&stream));
    wait_refused(to.port);
    client_connect(&late, &to);
    client_open(&late, &refused, CLIENT_SESSION, 0, 0);
    assert_int_equal(client_finish(&refused), GRPC_STATUS_UNAVAILABLE);
    client_close(&late);
    assert_int_equal(server_record_get(&server).opened, 1);

    assert_int_equal(transport_open_count(server.transport), 1);
    client_half_close(&stream);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_OK);
    SERVER_WAIT_FOR(&server, closed, 1);
    assert_int_equal(transport_open_count(server.transport), 0);
    client_close(&client);
    server_stop(&server);
}

static void flood_stream(struct server *self, void *context)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        (void)transport_stream_send(self->transport, self->record.last_stream,
                                    cd_blob_create(65536));
    }
}

static void say_and_never_flush(struct server *self, void *context)
{
    (void)context;
    (void)transport_stream_send(self->transport, self->record.last_stream, cd_blob_copy("x", 1));
    transport_stream_hold(self->transport, self->record.last_stream, true);
}

static void a_free_ends_everything(void **state)
{
    (void)state;
    struct client client;
    struct client_stream stuck;
    struct client_stream idle;
    struct client_stream call;
    const struct transport_peer peers[] = {
        {2, "127.0.0.1:1", "nobody.example"},      /* refused at once */
        {3, "203.0.113.1:7421", "nobody.example"}, /* no answer */
    };
    server.keep_calls = true;
    struct transport_config config = server_config(&server, 1, &server_pair);
    config.peers = peers;
    config.peers_count = 2;
    server_start(&server, &config);
    struct client_options to = options();
    client_connect(&client, &to);
    client_open(&client, &idle, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    client_open(&client, &stuck, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 2);
    server_run(&server, flood_stream, NULL); /* more than the windows take */
    client_open(&client, &call, CLIENT_CALL, 0, 0);
    assert_true(client_send(&call, "x", 1, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&server, calls, 1);
    server_stall(&server, true);
    assert_true(client_send(&idle, "unread", 6, CLIENT_WAIT_MS));
    server_run(&server, say_and_never_flush, NULL);

    uint64_t begun_ms = server_now_ms();
    server_stop(&server);
    assert_true(server_now_ms() - begun_ms < 5000);
    assert_int_not_equal(client_finish(&idle), GRPC_STATUS_OK);
    assert_int_not_equal(client_finish(&stuck), GRPC_STATUS_OK);
    assert_int_not_equal(client_finish(&call), GRPC_STATUS_OK);
    client_close(&client);
}

static void one_that_never_started_is_freed(void **state)
{
    (void)state;
    struct transport *transport = NULL;
    struct cd_error error;
    struct transport_config config = server_config(&server, 1, &server_pair);
    assert_int_equal(transport_create(&config, &transport, &error), CD_OK);
    assert_true(transport_client_port(transport) != 0);
    assert_true(transport_client_port(transport) != transport_peer_port(transport));
    transport_flush(transport);
    transport_free(transport);
    transport_free(NULL);
}

static void again_and_again(void **state)
{
    (void)state;
    struct transport_config config = server_config(&server, 1, &server_pair);
    for (int i = 0; i < 20; i++) {
        struct transport *transport = NULL;
        struct cd_error error;
        assert_int_equal(transport_create(&config, &transport, &error), CD_OK);
        char address[64];
        (void)snprintf(address, sizeof(address), "127.0.0.1:%u", transport_client_port(transport));
        transport_start(transport);
        transport_free(transport);
        /* The port is free at once. */
        config.client_address = address;
        assert_int_equal(transport_create(&config, &transport, &error), CD_OK);
        config.client_address = "127.0.0.1:0";
        transport_free(transport);
    }
}

int main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(without_crypto_init_nothing_is_served),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_taken_port_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_configurations_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_drain_lets_streams_finish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_free_ends_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_never_started_is_freed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(again_and_again, set_up, tear_down),
    };
    int failed = cmocka_run_group_tests_name("before crypto_init", before, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}
