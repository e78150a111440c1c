/*
 * Goal (T2): every queue has a bound, and at the bound happens what the header says: reading stops,
 * one stream is cut off, a call is refused. Memory stays flat.
 * Method: clients that send too much, too large or too many, clients that do not read, and a loop
 * that does not poll.
 */
#include "unit/transport/client.h"
#include "unit/transport/server.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "coordd-1.example"
/* ASan keeps what was freed for a while and TSan has shadows, so that resident memory says nothing.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif
#else
#define SANITIZED false
#endif

#define KIB 1024u
#define MIB (1024u * 1024u)

static struct server server;
static struct crypto_pair server_pair, client_pair;
static struct client client;
static struct client_options client_to;

static struct transport_config prepare(void)
{
    server_init(&server);
    server_pair = authority_issue(NULL, NAME, NULL);
    client_pair = authority_issue(NULL, "web.example", NULL);
    return server_config(&server, 1, &server_pair);
}

static void begin(const struct transport_config *config)
{
    server_start(&server, config);
    client_to = (struct client_options){
        .port = transport_client_port(server.transport),
        .ca_pem = authority_ca()->cert_pem,
        .pair = &client_pair,
        .server_name = NAME,
    };
    client_connect(&client, &client_to);
}

static void end(void)
{
    client_close(&client);
    server_stop(&server);
    crypto_pair_release(&server_pair);
    crypto_pair_release(&client_pair);
}

static struct transport_metrics metrics(void)
{
    struct transport_metrics now;
    transport_metrics_get(server.transport, &now);
    return now;
}

static void expect_echo(struct client_stream *stream)
{
    assert_true(client_send(stream, "hello", 5, CLIENT_WAIT_MS));
    struct cd_blob *frame = client_receive(stream);
    assert_non_null(frame);
    assert_memory_equal(frame->data, "hello", 5);
    cd_blob_unref(frame);
}

static void drop(struct client_stream *stream)
{
    client_cancel(stream);
    (void)client_finish(stream);
}

static void wait_paused(uint64_t count)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    while (metrics().reads_paused < count && server_now_ms() < until_ms) {
        server_nap();
    }
    assert_true(metrics().reads_paused >= count);
}

/* ---- Coming in ---- */

static long rss_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    assert_int_equal(fclose(status), 0);
    return kib;
}

static void an_oversized_message_ends_its_stream_alone(void **state)
{
    (void)state;
    struct client_stream good;
    struct client_stream bad;
    struct transport_config config = prepare();
    config.limits.frame_bytes_max = MIB;
    server.echo = true;
    begin(&config);
    client_open(&client, &good, CLIENT_SESSION, 0, 0);
    expect_echo(&good);
    client_open(&client, &bad, CLIENT_SESSION, 0, 0);
    expect_echo(&bad);
    char *large = test_calloc(1, MIB + 1);
    (void)client_send(&bad, large, MIB + 1, CLIENT_WAIT_MS);
    assert_int_equal(client_finish(&bad), GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(bad.message, "1048577 vs. 1048576"));
    SERVER_WAIT_FOR(&server, closed, 1);
    assert_int_equal(server_record_get(&server).frames, 2);
    expect_echo(&good); /* on the same connection */
    client_open(&client, &bad, CLIENT_CALL, 0, 0);
    (void)client_send(&bad, large, MIB + 1, CLIENT_WAIT_MS);
    assert_int_equal(client_finish(&bad), GRPC_STATUS_RESOURCE_EXHAUSTED);
    server_wait_open(&server, 1);
    assert_int_equal(server_record_get(&server).calls, 0);
    test_free(large);
    drop(&good);
    end();
}

/* One message of `parts` MiB, which does not have to fit anybody's memory. */
static void send_endless(struct client_stream *stream, size_t parts)
{
    static const char part[MIB];
    grpc_slice *slices = test_calloc(parts, sizeof(*slices));
    for (size_t i = 0; i < parts; i++) {
        slices[i] = grpc_slice_from_static_buffer(part, sizeof(part));
    }
    stream->sent_bytes = grpc_raw_byte_buffer_create(slices, parts);
    test_free(slices);
    const grpc_op op = {
        .op = GRPC_OP_SEND_MESSAGE,
        .data.send_message.send_message = stream->sent_bytes,
    };
    stream->sent.under_way = true;
    assert_int_equal(grpc_call_start_batch(stream->call, &op, 1, &stream->sent, NULL),
                     GRPC_CALL_OK);
}

static void a_message_without_end_is_not_kept(void **state)
{
    (void)state;
    struct client other;
    struct client_stream endless;
    struct client_stream good;
    struct transport_config config = prepare();
    config.limits.client_memory_bytes_max = 32ULL * MIB;
    server.echo = true;
    begin(&config);
    client_open(&client, &endless, CLIENT_SESSION, 0, 0);
    expect_echo(&endless);
    long before_kib = rss_kib();
    send_endless(&endless, 1024);
    assert_int_not_equal(client_finish(&endless), GRPC_STATUS_OK);
    SERVER_WAIT_FOR(&server, closed, 1);
    if (!SANITIZED) {
        assert_true(rss_kib() - before_kib < 192 * 1024);
    }
    assert_int_equal(server_record_get(&server).frames, 1);
    client_connect(&other, &client_to);
    client_open(&other, &good, CLIENT_SESSION, 0, 0);
    expect_echo(&good);
    drop(&good);
    client_close(&other);
    end();
}

/* Sends 64 KiB frames until one does not go in a second; returns how many, with that one. */
static uint64_t send_until_stuck(struct client_stream *stream, uint64_t most)
{
    static const char frame[64 * KIB];
    uint64_t sent = 0;
    bool went = true;
    while (sent < most && went) {
        went = client_send(stream, frame, sizeof(frame), 1000);
        sent++;
    }
    return sent;
}

static void a_stalled_loop_stops_the_reading(void **state)
{
    (void)state;
    struct client_stream stream;
    struct transport_config config = prepare();
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    server_stall(&server, true);
    uint64_t sent = send_until_stuck(&stream, 4096);
    assert_true(sent < 1024); /* 64 MiB: far beyond all windows */
    wait_paused(1);
    assert_true(metrics().in_bytes_waiting <= config.limits.stream_in_bytes_max + 65 * KIB);
    assert_int_equal(server_record_get(&server).frames, 0);
    server_stall(&server, false);
    SERVER_WAIT_FOR(&server, frames, sent);
    assert_int_equal(metrics().in_bytes_waiting, 0);
    drop(&stream);
    end();
}

static void a_pause_ends_at_once(void **state)
{
    (void)state;
    static const char frame[8 * KIB];
    struct client_stream stream;
    struct transport_config config = prepare();
    config.limits.stream_in_bytes_max = KIB; /* nearly every frame makes a pause */
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    /* Were the end of a pause found by the clock alone, this would take a second for each. */
    for (int i = 0; i < 60; i++) {
        assert_true(client_send(&stream, frame, sizeof(frame), CLIENT_WAIT_MS));
    }
    SERVER_WAIT_FOR(&server, frames, 60);
    assert_true(metrics().reads_paused > 30);
    drop(&stream);
    end();
}

static void all_streams_together_are_bounded(void **state)
{
    (void)state;
    struct client_stream streams[8];
    uint64_t sent = 0;
    struct transport_config config = prepare();
    config.limits.in_bytes_max = MIB;
    begin(&config);
    for (size_t i = 0; i < 8; i++) {
        client_open(&client, &streams[i], CLIENT_SESSION, 0, 0);
    }
    SERVER_WAIT_FOR(&server, opened, 8);
    server_stall(&server, true);
    for (size_t i = 0; i < 8; i++) {
        sent += send_until_stuck(&streams[i], 12); /* below the bound of each one */
    }
    wait_paused(1);
    /* Each may pass the bound by the one message that its RECV was out for. */
    for (int i = 0; i < 100; i++) {
        assert_true(metrics().in_bytes_waiting <= MIB + 8 * 65 * KIB);
        server_nap();
    }
    server_stall(&server, false);
    SERVER_WAIT_FOR(&server, frames, sent);
    assert_int_equal(metrics().in_bytes_waiting, 0);
    for (size_t i = 0; i < 8; i++) {
        drop(&streams[i]);
    }
    end();
}

static void set_hold(struct server *self, void *context)
{
    transport_stream_hold(self->transport, self->record.last_stream, context != NULL);
}

static void a_held_stream_waits(void **state)
{
    (void)state;
    struct client_stream stream;
    struct transport_config config = prepare();
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&stream, "one", 3, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&server, frames, 1);
    server_run(&server, set_hold, &stream);
    /* One RECV was out already; nothing behind it comes. */
    for (int i = 0; i < 20; i++) {
        assert_true(client_send(&stream, "more", 4, CLIENT_WAIT_MS));
    }
    SERVER_WAIT_FOR(&server, frames, 2);
    struct client_stream other;
    client_open(&client, &other, CLIENT_SESSION, 0, 0);
    assert_true(client_send(&other, "other", 5, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&server, frames, 3); /* the connection itself goes on */
    assert_int_equal(server_record_get(&server).frames, 3);
    drop(&other);
    SERVER_WAIT_FOR(&server, closed, 1);
    pthread_mutex_lock(&server.lock);
    server.record.last_stream = 1; /* the first id: the first slot of generation 0 */
    pthread_mutex_unlock(&server.lock);
    server_run(&server, set_hold, NULL);
    SERVER_WAIT_FOR(&server, frames, 22);
    drop(&stream);
    end();
}

/* ---- Going out ---- */

struct flood {
    uint32_t bytes;
    uint64_t sent;
    enum cd_status status;
};

static void send_some(struct server *self, void *context)
{
    struct flood *flood = context;
    uint64_t id = self->record.last_stream;
    for (int i = 0; i < 16 && flood->status == CD_OK; i++) {
        flood->status = transport_stream_send(self->transport, id, cd_blob_create(flood->bytes));
        flood->sent += flood->status == CD_OK ? 1 : 0;
    }
}

/* Sends until the windows are full and at least 1 MiB stays behind, below the limit. */
static void fill_up(struct flood *flood)
{
    while (flood->sent < 1024) {
        server_run(&server, send_some, flood);
        assert_int_equal(flood->status, CD_OK);
        int checks = 0;
        while (metrics().out_bytes_waiting >= MIB && checks < 100) {
            server_nap();
            checks++;
        }
        if (checks == 100) {
            return;
        }
    }
    fail_msg("gRPC takes everything");
}

static void flood_until_cut(void)
{
    struct client_stream stream;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    uint64_t opened = server_record_get(&server).opened;
    uint64_t closed = server_record_get(&server).closed;
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, opened + 1);
    while (flood.status == CD_OK && flood.sent < 1024) {
        server_run(&server, send_some, &flood);
    }
    assert_int_equal(flood.status, CD_FULL);
    SERVER_WAIT_FOR(&server, closed, closed + 1);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(stream.message, "the client does not read: "));
    assert_non_null(strstr(stream.message, "bytes waiting, limit 2097152"));
    server_run(&server, send_some, &flood); /* to a stream that is gone */
    assert_int_equal(metrics().out_bytes_waiting, 0);
}

static void a_client_that_never_reads_is_cut_off(void **state)
{
    (void)state;
    struct transport_config config = prepare();
    config.limits.stream_out_bytes_max = 2 * MIB;
    begin(&config);
    flood_until_cut();
    server_wait_log(&server, "stream_cut_off", "\"dns:web.example\"");
    long before_kib = rss_kib();
    for (int i = 0; i < 30; i++) {
        flood_until_cut();
    }
    /* 30 x 2 MiB and more went into queues; the windows of the one connection stay in use. */
    if (!SANITIZED) {
        assert_true(rss_kib() - before_kib < 32 * 1024);
    }
    assert_int_equal(metrics().streams_cut_off, 31);
    assert_int_equal(metrics().streams_open, 0);
    end();
}

static void send_empty(struct server *self, void *context)
{
    uint64_t *sent = context;
    while (*sent < 100000 && transport_stream_send(self->transport, self->record.last_stream,
                                                   cd_blob_create(0)) == CD_OK) {
        *sent += 1;
    }
}

static void frames_without_a_byte_count_too(void **state)
{
    (void)state;
    struct client_stream stream;
    uint64_t sent = 0;
    struct transport_config config = prepare();
    config.limits.stream_out_bytes_max = 2 * MIB;
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    server_run(&server, send_empty, &sent); /* in one turn, so that none leaves meanwhile */
    assert_int_equal(sent, 2 * MIB / 128);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_RESOURCE_EXHAUSTED);
    end();
}

static void over_the_total_the_slow_are_cut_off(void **state)
{
    (void)state;
    struct client_stream slow;
    struct client_stream quick;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    struct transport_config config = prepare();
    config.limits.stream_out_bytes_mark = 512 * KIB;
    config.limits.out_bytes_max = MIB;
    begin(&config);
    client_open(&client, &slow, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    while (flood.status == CD_OK && flood.sent < 1024) {
        server_run(&server, send_some, &flood);
    }
    assert_int_equal(flood.status, CD_FULL);
    assert_int_equal(client_finish(&slow), GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(slow.message, "all clients together have more than 1048576"));
    server.echo = true;
    client_open(&client, &quick, CLIENT_SESSION, 0, 0);
    expect_echo(&quick);
    drop(&quick);
    end();
}

static void a_slow_reader_is_not_read_from(void **state)
{
    (void)state;
    struct client_stream stream;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    struct transport_config config = prepare();
    config.limits.stream_out_bytes_mark = 256 * KIB;
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    fill_up(&flood);
    uint64_t sent = send_until_stuck(&stream, 1024);
    assert_true(sent < 1024);
    assert_true(server_record_get(&server).frames <= 1); /* the RECV that was out already */
    /* As soon as it reads, it is read from. */
    for (uint64_t i = 0; i < flood.sent; i++) {
        struct cd_blob *frame = client_receive(&stream);
        assert_non_null(frame);
        cd_blob_unref(frame);
    }
    SERVER_WAIT_FOR(&server, frames, sent);
    drop(&stream);
    end();
}

/* Back-pressure for the loop: what the client's windows took is told, and what waits is not. */
static void what_was_sent_is_told(void **state)
{
    (void)state;
    struct client_stream stream;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    struct transport_config config = prepare();
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    fill_up(&flood);
    uint64_t given = flood.sent * flood.bytes;
    uint64_t waiting = metrics().out_bytes_waiting;
    assert_true(waiting >= MIB);
    /* Everything but what still waits, of which each frame counts its overhead too. */
    SERVER_WAIT_FOR(&server, sent_bytes, given - waiting);
    assert_true(server_record_get(&server).sent_bytes < given);
    for (uint64_t i = 0; i < flood.sent; i++) {
        struct cd_blob *frame = client_receive(&stream);
        assert_non_null(frame);
        cd_blob_unref(frame);
    }
    SERVER_WAIT_FOR(&server, sent_bytes, given);
    assert_int_equal(server_record_get(&server).sent_bytes, given);
    drop(&stream);
    end();
}

/* A few bytes do not wake the loop, but the next turn tells them, together. */
static void small_sends_are_told_with_the_next_turn(void **state)
{
    (void)state;
    struct client_stream stream;
    struct transport_config config = prepare();
    server.echo = true;
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    for (int i = 0; i < 50; i++) {
        expect_echo(&stream);
    }
    drop(&stream);
    SERVER_WAIT_FOR(&server, closed, 1);
    /* The last turn was that of the end, at the latest, and nothing comes behind an end. */
    assert_int_equal(server_record_get(&server).sent_bytes, 50 * 5);
    assert_true(server_record_get(&server).sents <= 50);
    end();
}

static void close_last(struct server *self, void *context)
{
    (void)context;
    transport_stream_close(self->transport, self->record.last_stream, TRANSPORT_OK, "");
}

static void a_close_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct client_stream stream;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    struct transport_config config = prepare();
    config.limits.close_grace_ms = 300;
    begin(&config);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    SERVER_WAIT_FOR(&server, opened, 1);
    fill_up(&flood);
    uint64_t begun_ms = server_now_ms();
    server_run(&server, close_last, NULL);
    SERVER_WAIT_FOR(&server, closed, 1);
    assert_true(server_now_ms() - begun_ms >= 250);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_CANCELLED);
    assert_int_equal(metrics().out_bytes_waiting, 0);
    end();
}

/* ---- Numbers ---- */

static void streams_are_limited(void **state)
{
    (void)state;
    struct client_stream one;
    struct client_stream two;
    struct client_stream three;
    struct transport_config config = prepare();
    config.limits.streams_max = 2;
    server.echo = true;
    begin(&config);
    client_open(&client, &one, CLIENT_SESSION, 0, 0);
    expect_echo(&one);
    client_open(&client, &two, CLIENT_SESSION, 0, 0);
    expect_echo(&two);
    client_open(&client, &three, CLIENT_SESSION, 0, 0);
    assert_int_equal(client_finish(&three), GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(three.message, "this replica has 2 session streams open, its limit");
    assert_int_equal(metrics().streams_refused, 1);
    drop(&one);
    SERVER_WAIT_FOR(&server, closed, 1);
    assert_int_equal(metrics().streams_open, 1);
    client_open(&client, &three, CLIENT_SESSION, 0, 0);
    expect_echo(&three);
    drop(&two);
    drop(&three);
    end();
}

static void answer_last(struct server *self, void *context)
{
    (void)context;
    transport_call_reply(self->transport, self->record.last_call, TRANSPORT_OK, NULL,
                         cd_blob_copy("done", 4));
}

static void calls_are_limited(void **state)
{
    (void)state;
    struct client_stream first;
    struct cd_blob *reply = NULL;
    char message[1100];
    struct transport_config config = prepare();
    config.limits.calls_max = 1;
    server.keep_calls = true;
    begin(&config);
    client_open(&client, &first, CLIENT_CALL, 0, 0);
    assert_true(client_send(&first, "x", 1, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&server, calls, 1);
    assert_int_equal(client_call(&client, CLIENT_CALL, "y", &reply, message),
                     GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(message, "this replica has 1 calls open, its limit");
    server_run(&server, answer_last, NULL);
    assert_int_equal(client_finish(&first), GRPC_STATUS_OK);
    server.echo = true;
    assert_int_equal(client_call(&client, CLIENT_CALL, "z", &reply, message), GRPC_STATUS_OK);
    cd_blob_unref(reply);
    end();
}

/* ---- A client whose process stands still, so that not even its socket is read ---- */

static const char *own_path;

static int run_child(char **arguments)
{
    struct crypto_credentials credentials;
    struct cd_error error;
    struct client_stream stream;
    if (crypto_init(&error) != CD_OK ||
        crypto_credentials_load(arguments[0], arguments[1], arguments[2], (int64_t)time(NULL),
                                &credentials, &error) != CD_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct crypto_pair mine = {credentials.cert_pem, credentials.key_pem};
    const struct client_options options = {
        .port = (uint16_t)strtoul(arguments[3], NULL, 10),
        .ca_pem = credentials.ca_pem,
        .pair = &mine,
        .server_name = NAME,
    };
    client_connect(&client, &options);
    client_open(&client, &stream, CLIENT_SESSION, 0, 0);
    (void)client_send(&stream, "here", 4, CLIENT_WAIT_MS);
    (void)raise(SIGSTOP);
    return 0;
}

struct stopped {
    pid_t child;
    char folder[64], ca[128], cert[128], key[128];
};

/* Starts the child and returns when it has opened its stream and stands still. */
static void start_stopped(struct stopped *stopped)
{
    char port[16];
    (void)snprintf(stopped->folder, sizeof(stopped->folder), "/tmp/coord-test-limits-XXXXXX");
    assert_non_null(mkdtemp(stopped->folder));
    (void)snprintf(stopped->ca, sizeof(stopped->ca), "%s/ca.pem", stopped->folder);
    (void)snprintf(stopped->cert, sizeof(stopped->cert), "%s/cert.pem", stopped->folder);
    (void)snprintf(stopped->key, sizeof(stopped->key), "%s/key.pem", stopped->folder);
    (void)snprintf(port, sizeof(port), "%u", transport_client_port(server.transport));
    assert_int_equal(crypto_pair_write(authority_ca(), stopped->ca, NULL, NULL), CD_OK);
    assert_int_equal(crypto_pair_write(&client_pair, stopped->cert, stopped->key, NULL), CD_OK);
    stopped->child = fork();
    assert_true(stopped->child >= 0);
    if (stopped->child == 0) {
        (void)execl(own_path, own_path, "child", stopped->ca, stopped->cert, stopped->key, port,
                    (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(stopped->child, &status, WUNTRACED), stopped->child);
    assert_true(WIFSTOPPED(status));
    SERVER_WAIT_FOR(&server, frames, 1);
}

static void end_stopped(const struct stopped *stopped)
{
    int status = 0;
    assert_int_equal(kill(stopped->child, SIGKILL), 0);
    assert_int_equal(waitpid(stopped->child, &status, 0), stopped->child);
    assert_int_equal(unlink(stopped->ca), 0);
    assert_int_equal(unlink(stopped->cert), 0);
    assert_int_equal(unlink(stopped->key), 0);
    assert_int_equal(rmdir(stopped->folder), 0);
}

static void a_stopped_client_is_cut_off(void **state)
{
    (void)state;
    struct stopped stopped;
    struct flood flood = {.bytes = 64 * KIB, .status = CD_OK};
    struct transport_config config = prepare();
    config.limits.stream_out_bytes_max = 2 * MIB;
    begin(&config);
    start_stopped(&stopped);
    while (flood.status == CD_OK && flood.sent < 1024) {
        server_run(&server, send_some, &flood);
    }
    assert_int_equal(flood.status, CD_FULL);
    SERVER_WAIT_FOR(&server, closed, 1);
    assert_int_equal(metrics().out_bytes_waiting, 0);
    assert_int_equal(metrics().streams_open, 0);
    end_stopped(&stopped);
    end();
}

static void a_silent_connection_is_given_up(void **state)
{
    (void)state;
    struct stopped stopped;
    struct transport_config config = prepare();
    config.limits.client_keepalive_ms = 500;
    begin(&config);
    start_stopped(&stopped);
    SERVER_WAIT_FOR(&server, closed, 1); /* nothing was sent: the probes got no answer */
    assert_int_equal(metrics().streams_cut_off, 0);
    end_stopped(&stopped);
    end();
}

int main(int count, char **arguments)
{
    if (count == 6 && strcmp(arguments[1], "child") == 0) {
        return run_child(arguments + 2);
    }
    own_path = arguments[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_oversized_message_ends_its_stream_alone),
        cmocka_unit_test(a_message_without_end_is_not_kept),
        cmocka_unit_test(a_stalled_loop_stops_the_reading),
        cmocka_unit_test(a_pause_ends_at_once),
        cmocka_unit_test(all_streams_together_are_bounded),
        cmocka_unit_test(a_held_stream_waits),
        cmocka_unit_test(a_client_that_never_reads_is_cut_off),
        cmocka_unit_test(frames_without_a_byte_count_too),
        cmocka_unit_test(over_the_total_the_slow_are_cut_off),
        cmocka_unit_test(a_slow_reader_is_not_read_from),
        cmocka_unit_test(what_was_sent_is_told),
        cmocka_unit_test(small_sends_are_told_with_the_next_turn),
        cmocka_unit_test(a_close_does_not_wait_for_ever),
        cmocka_unit_test(streams_are_limited),
        cmocka_unit_test(calls_are_limited),
        cmocka_unit_test(a_stopped_client_is_cut_off),
        cmocka_unit_test(a_silent_connection_is_given_up),
    };
    return cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}
