/*
 * Goal: what a well-behaved client sees: frames in order both ways, its identity known, statuses
 * and half-closes as gRPC means them, unary calls answered.
 * Method: a transport with an echoing loop and a plain gRPC client over mutual TLS on loopback.
 */
#include "unit/transport/client.h"
#include "unit/transport/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct server server;
    struct crypto_pair server_pair, client_pair;
    struct client client;
};

static struct fixture fixture;

static void set_up(bool echo)
{
    server_init(&fixture.server);
    fixture.server.echo = echo;
    fixture.server.close_at_end = true;
    fixture.server_pair = authority_issue(NULL, "coordd-1.example", NULL);
    fixture.client_pair = authority_issue("spiffe://example/web", "web.example", "web");
    struct transport_config config = server_config(&fixture.server, 1, &fixture.server_pair);
    server_start(&fixture.server, &config);
    const struct client_options options = {
        .port = transport_client_port(fixture.server.transport),
        .ca_pem = authority_ca()->cert_pem,
        .pair = &fixture.client_pair,
        .server_name = "coordd-1.example",
    };
    client_connect(&fixture.client, &options);
}

static void tear_down(void)
{
    client_close(&fixture.client);
    server_stop(&fixture.server);
    crypto_pair_release(&fixture.server_pair);
    crypto_pair_release(&fixture.client_pair);
}

static void expect_frame(struct client_stream *stream, const char *text)
{
    struct cd_blob *frame = client_receive(stream);
    assert_non_null(frame);
    assert_int_equal(frame->bytes, strlen(text));
    assert_memory_equal(frame->data, text, strlen(text));
    cd_blob_unref(frame);
}

static void frames_come_back_in_order(void **state)
{
    (void)state;
    struct client_stream stream;
    char text[32];
    set_up(true);
    client_open(&fixture.client, &stream, CLIENT_SESSION, 0, 0);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text, sizeof(text), "frame %d", i);
        assert_true(client_send(&stream, text, strlen(text), CLIENT_WAIT_MS));
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text, sizeof(text), "frame %d", i);
        expect_frame(&stream, text);
    }
    struct server_record record = server_record_get(&fixture.server);
    assert_int_equal(record.opened, 1);
    assert_int_equal(record.frames, 300);
    assert_string_equal(record.identity, "uri:spiffe://example/web");
    assert_non_null(strstr(record.from, "127.0.0.1"));
    client_half_close(&stream);
    assert_null(client_receive(&stream));
    assert_int_equal(client_finish(&stream), GRPC_STATUS_OK);
    assert_string_equal(stream.message, "bye");
    SERVER_WAIT_FOR(&fixture.server, closed, 1);
    assert_int_equal(server_record_get(&fixture.server).ended, 1);

    struct transport_metrics metrics;
    transport_metrics_get(fixture.server.transport, &metrics);
    assert_int_equal(metrics.streams_open, 0);
    assert_int_equal(metrics.streams_opened, 1);
    assert_int_equal(metrics.client_frames_in, 300);
    assert_int_equal(metrics.client_frames_out, 300);
    assert_int_equal(metrics.client_bytes_in, metrics.client_bytes_out);
    assert_int_equal(metrics.in_bytes_waiting, 0);
    assert_int_equal(metrics.out_bytes_waiting, 0);
    tear_down();
}

static void an_empty_and_a_large_frame(void **state)
{
    (void)state;
    struct client_stream stream;
    const size_t large = 4u * 1024 * 1024;
    set_up(true);
    client_open(&fixture.client, &stream, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&stream, "", 0, CLIENT_WAIT_MS));
    expect_frame(&stream, "");
    char *data = test_malloc(large);
    memset(data, 'x', large);
    assert_true(client_send(&stream, data, large, CLIENT_WAIT_MS));
    struct cd_blob *frame = client_receive(&stream);
    assert_non_null(frame);
    assert_int_equal(frame->bytes, large);
    assert_memory_equal(frame->data, data, large);
    cd_blob_unref(frame);
    test_free(data);
    client_cancel(&stream);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_CANCELLED);
    SERVER_WAIT_FOR(&fixture.server, closed, 1);
    tear_down();
}

/* Several frames queued in one turn of the loop, then a status behind them. */
static void send_several_and_close(struct server *server, void *context)
{
    (void)context;
    uint64_t id = server->record.last_stream;
    for (int i = 0; i < 5; i++) {
        char text[8];
        (void)snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(transport_stream_send(server->transport, id, cd_blob_copy(text, 1)),
                         CD_OK);
    }
    assert_true(transport_stream_waiting(server->transport, id) >= 5);
    transport_stream_close(server->transport, id, TRANSPORT_FAILED_PRECONDITION, "w\303\266rd\n");
    assert_int_equal(transport_stream_send(server->transport, id, cd_blob_copy("late", 4)),
                     CD_CLOSED);
    transport_stream_close(server->transport, id, TRANSPORT_OK, "a second close does nothing");
}

static void send_to_closed(struct server *server, void *context)
{
    (void)context;
    uint64_t id = server->record.last_stream;
    assert_int_equal(transport_stream_send(server->transport, id, cd_blob_copy("late", 4)),
                     CD_CLOSED);
    assert_int_equal(transport_stream_waiting(server->transport, id), 0);
}

static void a_status_follows_the_last_frame(void **state)
{
    (void)state;
    struct client_stream stream;
    set_up(false);
    client_open(&fixture.client, &stream, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&stream, "hello", 5, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&fixture.server, frames, 1);
    server_run(&fixture.server, send_several_and_close, NULL);
    for (int i = 0; i < 5; i++) {
        char text[8];
        (void)snprintf(text, sizeof(text), "%d", i);
        expect_frame(&stream, text);
    }
    assert_null(client_receive(&stream));
    assert_int_equal(client_finish(&stream), GRPC_STATUS_FAILED_PRECONDITION);
    assert_string_equal(stream.message, "w\303\266rd\n");
    SERVER_WAIT_FOR(&fixture.server, closed, 1);
    server_run(&fixture.server, send_to_closed, NULL);
    assert_int_equal(transport_open_count(fixture.server.transport), 0);
    tear_down();
}

static void unary_calls_are_answered(void **state)
{
    (void)state;
    struct cd_blob *reply = NULL;
    char message[1100];
    set_up(true);
    assert_int_equal(client_call(&fixture.client, CLIENT_CALL, "ping", &reply, message),
                     GRPC_STATUS_OK);
    assert_int_equal(reply->bytes, 4);
    assert_memory_equal(reply->data, "ping", 4);
    cd_blob_unref(reply);
    assert_int_equal(client_call(&fixture.client, "/coord.v1.Admin/Status", "s", &reply, message),
                     GRPC_STATUS_OK);
    cd_blob_unref(reply);
    struct server_record record = server_record_get(&fixture.server);
    assert_int_equal(record.calls, 2);
    assert_string_equal(record.method, "/coord.v1.Admin/Status");
    assert_string_equal(record.identity, "uri:spiffe://example/web");
    assert_true(record.last_timeout_ms == TRANSPORT_NO_DEADLINE);

    fixture.server.echo = false;
    assert_int_equal(client_call(&fixture.client, CLIENT_CALL, "ping", &reply, message),
                     GRPC_STATUS_FAILED_PRECONDITION);
    assert_null(reply);
    assert_string_equal(message, "not today");
    struct transport_metrics metrics;
    transport_metrics_get(fixture.server.transport, &metrics);
    assert_int_equal(metrics.calls_received, 3);
    assert_int_equal(metrics.calls_open, 0);
    assert_int_equal(metrics.in_bytes_waiting, 0);
    tear_down();
}

static void unknown_methods_are_unimplemented(void **state)
{
    (void)state;
    struct cd_blob *reply = NULL;
    char message[1100];
    char longer[600] = "/coord.v1.Admin/";
    set_up(true);
    static const char *const unknown[] = {"/other.Service/Method", "/coord.v1.Coordination/Nothing",
                                          CLIENT_LINK, "/"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(unknown); i++) {
        assert_int_equal(client_call(&fixture.client, unknown[i], "x", &reply, message),
                         GRPC_STATUS_UNIMPLEMENTED);
        assert_non_null(strstr(message, unknown[i]));
    }
    memset(longer + strlen(longer), 'x', 500);
    assert_int_equal(client_call(&fixture.client, longer, "x", &reply, message),
                     GRPC_STATUS_UNIMPLEMENTED);
    server_wait_log(&fixture.server, "call_refused", "no method /other.Service/Method");
    /* What a client can provoke does not flood the log: a line a second. */
    uint64_t begun_ms = server_now_ms();
    for (int i = 0; i < 40; i++) {
        (void)client_call(&fixture.client, unknown[0], "x", &reply, message);
    }
    uint64_t lines_max = 2 + (server_now_ms() - begun_ms) / 1000;
    assert_true(server_count_log(&fixture.server, "call_refused") <= lines_max);
    server_wait_log(&fixture.server, "call_refused", "more since the last line)");
    assert_int_equal(server_record_get(&fixture.server).calls, 0);
    tear_down();
}

static void reply_late(struct server *server, void *context)
{
    (void)context;
    transport_call_reply(server->transport, server->record.last_call, TRANSPORT_OK, NULL,
                         cd_blob_copy("late", 4));
}

static void a_call_may_end_before_its_reply(void **state)
{
    (void)state;
    struct client_stream call;
    set_up(false);
    fixture.server.keep_calls = true;
    client_open(&fixture.client, &call, CLIENT_CALL, 300, 0);
    assert_true(client_send(&call, "x", 1, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&fixture.server, calls, 1);
    struct server_record record = server_record_get(&fixture.server);
    assert_true(record.last_timeout_ms > 0);
    assert_true(record.last_timeout_ms <= 300);
    assert_int_equal(client_finish(&call), GRPC_STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(transport_open_count(fixture.server.transport), 1);
    server_run(&fixture.server, reply_late, NULL);
    assert_int_equal(transport_open_count(fixture.server.transport), 0);

    /* No message at all: answered without the loop. */
    client_open(&fixture.client, &call, CLIENT_CALL, 0, 0);
    client_half_close(&call);
    assert_int_equal(client_finish(&call), GRPC_STATUS_INVALID_ARGUMENT);
    server_wait_open(&fixture.server, 0);
    assert_int_equal(server_record_get(&fixture.server).calls, 1);
    tear_down();
}

static void streams_are_apart(void **state)
{
    (void)state;
    struct client_stream streams[20];
    char text[16];
    set_up(true);
    for (int i = 0; i < 20; i++) {
        client_open(&fixture.client, &streams[i], CLIENT_SESSION, 0, 0);
        (void)snprintf(text, sizeof(text), "stream %d", i);
        assert_true(client_send(&streams[i], text, strlen(text), CLIENT_WAIT_MS));
    }
    for (int i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof(text), "stream %d", i);
        expect_frame(&streams[i], text);
    }
    assert_int_equal(transport_open_count(fixture.server.transport), 20);
    uint64_t first_id = server_record_get(&fixture.server).last_stream;
    for (int i = 0; i < 20; i++) {
        client_cancel(&streams[i]);
        assert_int_equal(client_finish(&streams[i]), GRPC_STATUS_CANCELLED);
    }
    SERVER_WAIT_FOR(&fixture.server, closed, 20);
    assert_int_equal(transport_open_count(fixture.server.transport), 0);
    client_open(&fixture.client, &streams[0], CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&fixture.server, opened, 21);
    assert_int_not_equal(server_record_get(&fixture.server).last_stream, first_id);
    client_cancel(&streams[0]);
    (void)client_finish(&streams[0]);
    tear_down();
}

static void identities_follow_the_one_rule(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *dns, *common_name, *expected;
    } table[] = {
        {"urn:web", "web.example", "web", "uri:urn:web"},
        {NULL, "web.example", "web", "dns:web.example"},
        {NULL, NULL, "Web Server", "cn:Web Server"},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        set_up(true);
        struct crypto_pair pair = authority_issue(table[i].uri, table[i].dns, table[i].common_name);
        const struct client_options options = {
            .port = transport_client_port(fixture.server.transport),
            .ca_pem = authority_ca()->cert_pem,
            .pair = &pair,
            .server_name = "coordd-1.example",
        };
        struct client client;
        struct client_stream stream;
        client_connect(&client, &options);
        client_open(&client, &stream, CLIENT_SESSION, 0, 0);
        SERVER_WAIT_FOR(&fixture.server, opened, 1);
        assert_string_equal(server_record_get(&fixture.server).identity, table[i].expected);
        client_cancel(&stream);
        (void)client_finish(&stream);
        client_close(&client);
        crypto_pair_release(&pair);
        tear_down();
    }
}

static void no_identity_no_stream(void **state)
{
    (void)state;
    set_up(true);
    struct crypto_pair pair = authority_issue(NULL, NULL, "spiffe://example/web");
    const struct client_options options = {
        .port = transport_client_port(fixture.server.transport),
        .ca_pem = authority_ca()->cert_pem,
        .pair = &pair,
        .server_name = "coordd-1.example",
    };
    struct client client;
    struct client_stream stream;
    client_connect(&client, &options);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_UNAUTHENTICATED);
    assert_non_null(strstr(stream.message, "only a SAN URI may have"));
    server_wait_log(&fixture.server, "stream_refused", "only a SAN URI may have");
    assert_int_equal(server_record_get(&fixture.server).opened, 0);
    client_close(&client);
    crypto_pair_release(&pair);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_in_order),
        cmocka_unit_test(an_empty_and_a_large_frame),
        cmocka_unit_test(a_status_follows_the_last_frame),
        cmocka_unit_test(unary_calls_are_answered),
        cmocka_unit_test(unknown_methods_are_unimplemented),
        cmocka_unit_test(a_call_may_end_before_its_reply),
        cmocka_unit_test(streams_are_apart),
        cmocka_unit_test(identities_follow_the_one_rule),
        cmocka_unit_test(no_identity_no_stream),
    };
    return cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}
