/*
 * Goal (T4, T5): links between replicas come up, come back, keep order, stay within their bounds,
 * do not wait behind clients, and connect nobody but the node that the configuration means, in both
 * directions.
 * Method: two transports in one process; a bare client where a replica would not misbehave; a
 * second process where one has to be stopped.
 */
#include "unit/transport/client.h"
#include "unit/transport/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME_1 "coordd-1.example"
#define NAME_2 "spiffe://example/coordd-2"

struct pair {
    struct server one, two;
    struct crypto_pair one_pair, two_pair;
    uint16_t one_port, two_port;
    char one_address[64], two_address[256];
    struct transport_peer peers[2];
};

/*
 * A port that was free a moment ago, for addresses that have to be known before they are bound.
 * From below those that the system gives to outgoing connections, or one of them may take it
 * meanwhile.
 */
static uint16_t free_port(void)
{
    static unsigned tried = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool bound = false;
    for (int attempt = 0; attempt < 1000 && !bound; attempt++) {
        unsigned place = (unsigned)getpid() * 31u + tried++;
        address.sin_port = htons((uint16_t)(20000 + place % 12000));
        int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(handle >= 0);
        bound = bind(handle, (const struct sockaddr *)&address, sizeof(address)) == 0;
        assert_int_equal(close(handle), 0);
    }
    assert_true(bound);
    return ntohs(address.sin_port);
}

/*
 * A name where there is one for loopback, so that names get resolved. Not "localhost": c-ares
 * answers that one by itself and loses its copy of the name, which the leak checker reports.
 */
static const char *own_host(void)
{
    static char host[200];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    if (gethostname(host, sizeof(host) - 1) != 0 || getaddrinfo(host, NULL, &hints, &found) != 0) {
        return "127.0.0.1";
    }
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)found->ai_addr;
    bool is_loopback = found->ai_next == NULL && ntohl(address->sin_addr.s_addr) >> 24 == 127;
    freeaddrinfo(found);
    return is_loopback && strcmp(host, "localhost") != 0 ? host : "127.0.0.1";
}

static struct pair pair;

static void prepare(void)
{
    server_init(&pair.one);
    server_init(&pair.two);
    pair.one_pair = authority_issue(NULL, NAME_1, NULL);
    pair.two_pair = authority_issue(NAME_2, NULL, NULL);
    pair.one_port = free_port();
    pair.two_port = free_port();
    (void)snprintf(pair.one_address, sizeof(pair.one_address), "127.0.0.1:%u", pair.one_port);
    (void)snprintf(pair.two_address, sizeof(pair.two_address), "%s:%u", own_host(), pair.two_port);
    pair.peers[0] = (struct transport_peer){1, pair.one_address, NAME_1};
    pair.peers[1] = (struct transport_peer){2, pair.two_address, NAME_2};
    pair.one.greet_peers = true;
    pair.two.greet_peers = true;
}

static struct transport_config config_of(uint32_t node)
{
    bool is_one = node == 1;
    struct transport_config config = server_config(is_one ? &pair.one : &pair.two, node,
                                                   is_one ? &pair.one_pair : &pair.two_pair);
    config.peer_address = is_one ? pair.one_address : pair.two_address;
    config.peers = pair.peers;
    config.peers_count = 2;
    return config;
}

static void start(uint32_t node)
{
    struct transport_config config = config_of(node);
    server_start(node == 1 ? &pair.one : &pair.two, &config);
}

static void release(void)
{
    if (pair.one.running) {
        server_stop(&pair.one);
    }
    if (pair.two.running) {
        server_stop(&pair.two);
    }
    crypto_pair_release(&pair.one_pair);
    crypto_pair_release(&pair.two_pair);
}

/* The node in *context cannot be sent to. */
static void send_in_vain(struct server *server, void *context)
{
    const uint32_t *node = context;
    assert_false(transport_peer_send(server->transport, *node, cd_blob_copy("x", 1)));
}

static void links_come_up_both_ways(void **state)
{
    (void)state;
    struct transport_metrics metrics;
    prepare();
    start(1);
    server_wait_log(&pair.one, "peer_dial_failed", "node 2 at ");
    server_run(&pair.one, send_in_vain, &(uint32_t){2});
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 1);
    SERVER_WAIT_FOR(&pair.two, peer_ups, 1);
    SERVER_WAIT_FOR(&pair.one, peer_frames, 1);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 1);
    struct server_record one = server_record_get(&pair.one);
    struct server_record two = server_record_get(&pair.two);
    assert_int_equal(one.peer_node, 2);
    assert_int_equal(two.peer_node, 1);
    assert_string_equal(one.peer_frame, "hello");
    assert_string_equal(two.peer_frame, "hello");
    transport_metrics_get(pair.one.transport, &metrics);
    assert_int_equal(metrics.peer_links_up, 1);
    assert_int_equal(metrics.peer_frames_out, 1);
    assert_int_equal(metrics.peer_frames_in, 1);
    assert_int_equal(metrics.peer_bytes_in, 5);
    assert_int_equal(metrics.peer_frames_dropped, 1);
    assert_int_equal(metrics.peer_reconnects, 0);
    server_run(&pair.one, send_in_vain, &(uint32_t){9});
    release();
}

#define NUMBERED 3000

static void send_numbered(struct server *server, void *context)
{
    uint64_t *next = context;
    for (uint64_t i = 0; i < NUMBERED; i++) {
        char text[32];
        int bytes = snprintf(text, sizeof(text), "%llu", (unsigned long long)*next);
        assert_true(transport_peer_send(server->transport, 2, cd_blob_copy(text, (size_t)bytes)));
        *next += 1;
    }
}

static void look_for_waiting(struct server *server, void *context)
{
    *(uint64_t *)context = transport_peer_waiting(server->transport, 2);
}

/* What has arrived may still have to be told as sent. */
static void expect_nothing_waiting(struct server *server)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    uint64_t waiting = 1;
    while (waiting != 0 && server_now_ms() < until_ms) {
        server_run(server, look_for_waiting, &waiting);
    }
    assert_int_equal(waiting, 0);
}

static void frames_keep_their_order(void **state)
{
    (void)state;
    uint64_t next = 1;
    prepare();
    pair.one.greet_peers = false;
    pair.two.greet_peers = false;
    pair.two.record.peer_next = 1;
    start(1);
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 1);
    server_run(&pair.one, send_numbered, &next);
    server_run(&pair.one, send_numbered, &next);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 2ULL * NUMBERED);
    assert_int_equal(server_record_get(&pair.two).peer_disorder, 0);
    expect_nothing_waiting(&pair.one);
    release();
}

static void a_link_comes_back(void **state)
{
    (void)state;
    struct transport_metrics metrics;
    prepare();
    start(1);
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_frames, 1);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 1);
    uint64_t old_link = server_record_get(&pair.one).peer_link;
    server_stop(&pair.two);
    SERVER_WAIT_FOR(&pair.one, peer_downs, 1);
    server_wait_log(&pair.one, "peer_link_broken", "node 2");
    server_run(&pair.one, send_in_vain, &(uint32_t){2});
    server_init(&pair.two);
    pair.two.greet_peers = true;
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 2);
    SERVER_WAIT_FOR(&pair.one, peer_frames, 2);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 1);
    assert_true(server_record_get(&pair.one).peer_link > old_link);
    transport_metrics_get(pair.one.transport, &metrics);
    assert_int_equal(metrics.peer_reconnects, 1);
    assert_int_equal(metrics.peer_links_up, 1);
    release();
}

static void send_stale(struct server *server, void *context)
{
    (void)context;
    /* This loop has not polled: it believes in the stream that is gone. */
    assert_true(transport_peer_send(server->transport, 2, cd_blob_copy("stale", 5)));
}

static void wait_links(uint64_t up, uint64_t reconnects)
{
    struct transport_metrics metrics;
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    do {
        server_nap();
        transport_metrics_get(pair.one.transport, &metrics);
    } while ((metrics.peer_links_up != up || metrics.peer_reconnects != reconnects) &&
             server_now_ms() < until_ms);
    assert_int_equal(metrics.peer_links_up, up);
    assert_int_equal(metrics.peer_reconnects, reconnects);
}

static void a_new_link_begins_with_what_follows_peer_up(void **state)
{
    (void)state;
    struct transport_metrics metrics;
    prepare();
    start(1);
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 1);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 1);
    server_stall(&pair.one, true);
    server_stop(&pair.two);
    wait_links(0, 0);
    server_init(&pair.two);
    start(2);
    wait_links(1, 1);
    server_run(&pair.one, send_stale, NULL);
    server_stall(&pair.one, false);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 2);
    SERVER_WAIT_FOR(&pair.two, peer_frames, 1);
    assert_string_equal(server_record_get(&pair.two).peer_frame, "hello");
    transport_metrics_get(pair.one.transport, &metrics);
    assert_int_equal(metrics.peer_frames_dropped, 1);
    release();
}

static void a_server_with_another_identity_is_not_spoken_to(void **state)
{
    (void)state;
    prepare();
    crypto_pair_release(&pair.two_pair);
    pair.two_pair = authority_issue(NULL, "impostor.example", NULL);
    start(2);
    start(1);
    server_wait_log(&pair.one, "peer_dial_failed",
                    "its certificate is of \"dns:impostor.example\", expected \"" NAME_2 "\"");
    assert_int_equal(server_record_get(&pair.one).peer_ups, 0);
    /* And node 1 does not listen to it either. */
    server_wait_log(&pair.one, "peer_refused", "says it is node 2 but its certificate is of");
    assert_int_equal(server_record_get(&pair.one).peer_frames, 0);
    assert_int_equal(server_record_get(&pair.two).peer_ups, 0);
    release();
}

static void a_wrong_address_is_noticed(void **state)
{
    (void)state;
    prepare();
    start(2);
    struct transport_peer peers[] = {{3, pair.two_address, NAME_2}};
    struct transport_config config = config_of(1);
    config.peers = peers;
    config.peers_count = 1;
    server_start(&pair.one, &config);
    server_wait_log(&pair.one, "peer_dial_failed", "node 2 answers there");
    assert_int_equal(server_record_get(&pair.one).peer_ups, 0);
    release();
}

/* ---- Callers that no replica would be ---- */

static struct client_options options_for(const struct crypto_pair *mine)
{
    return (struct client_options){
        .port = pair.one_port,
        .ca_pem = authority_ca()->cert_pem,
        .pair = mine,
        .server_name = NAME_1,
    };
}

static void expect_refused(const struct crypto_pair *mine, uint32_t node, const char *reason)
{
    struct client client;
    struct client_stream stream;
    struct client_options options = options_for(mine);
    client_connect(&client, &options);
    client_open(&client, &stream, CLIENT_LINK, 0, node);
    (void)client_send(&stream, "frame", 5, CLIENT_WAIT_MS);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_PERMISSION_DENIED);
    assert_non_null(strstr(stream.message, reason));
    client_close(&client);
    server_wait_log(&pair.one, "peer_refused", reason);
}

static void strangers_are_refused(void **state)
{
    (void)state;
    struct transport_metrics metrics;
    prepare();
    start(1);
    struct crypto_pair web = authority_issue(NULL, "web.example", NULL);
    expect_refused(&web, 2, "says it is node 2 but its certificate is of \"dns:web.example\"");
    expect_refused(&pair.two_pair, 3, "node 3 (\"uri:" NAME_2 "\") is not among the peers");
    expect_refused(&pair.two_pair, 0, "node 0");
    expect_refused(&pair.two_pair, 1, "node 1"); /* the server itself */
    assert_int_equal(server_record_get(&pair.one).peer_frames, 0);
    transport_metrics_get(pair.one.transport, &metrics);
    assert_int_equal(metrics.peer_refused, 4);

    /* Client methods are not served there. */
    struct client client;
    struct client_stream stream;
    struct client_options options = options_for(&pair.two_pair);
    client_connect(&client, &options);
    client_open(&client, &stream, CLIENT_SESSION, 0, 2);
    assert_int_equal(client_finish(&stream), GRPC_STATUS_UNIMPLEMENTED);
    client_close(&client);
    crypto_pair_release(&web);
    release();
}

static void the_newest_link_of_a_node_counts(void **state)
{
    (void)state;
    struct client client;
    struct client_stream old_stream;
    struct client_stream new_stream;
    prepare();
    start(1);
    struct client_options options = options_for(&pair.two_pair);
    client_connect(&client, &options);
    client_open(&client, &old_stream, CLIENT_LINK, 0, 2);
    assert_true(client_send(&old_stream, "old", 3, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&pair.one, peer_frames, 1);
    uint64_t old_link = server_record_get(&pair.one).peer_link;
    client_open(&client, &new_stream, CLIENT_LINK, 0, 2);
    assert_int_equal(client_finish(&old_stream), GRPC_STATUS_ABORTED);
    assert_true(client_send(&new_stream, "new", 3, CLIENT_WAIT_MS));
    SERVER_WAIT_FOR(&pair.one, peer_frames, 2);
    struct server_record record = server_record_get(&pair.one);
    assert_string_equal(record.peer_frame, "new");
    assert_true(record.peer_link > old_link);
    client_half_close(&new_stream);
    assert_int_equal(client_finish(&new_stream), GRPC_STATUS_OK);
    client_close(&client);
    release();
}

/* ---- Bounds ---- */

#define LARGE_BYTES 65536u

struct flood {
    uint64_t sent, dropped, waiting_max;
};

static void send_large(struct server *server, void *context)
{
    struct flood *flood = context;
    for (int i = 0; i < 64; i++) {
        struct cd_blob *blob = cd_blob_create(LARGE_BYTES);
        memset(blob->data, 0, LARGE_BYTES);
        (void)snprintf((char *)blob->data, LARGE_BYTES, "%llu",
                       (unsigned long long)flood->sent + 1);
        if (transport_peer_send(server->transport, 2, blob)) {
            flood->sent++;
        } else {
            flood->dropped++;
        }
        uint64_t waiting = transport_peer_waiting(server->transport, 2);
        flood->waiting_max = waiting > flood->waiting_max ? waiting : flood->waiting_max;
    }
}

static void a_slow_peer_costs_bounded_memory(void **state)
{
    (void)state;
    struct flood flood = {0};
    prepare();
    pair.one.greet_peers = false;
    pair.two.greet_peers = false;
    pair.two.record.peer_next = 1;
    struct transport_config config = config_of(1);
    config.limits.peer_out_bytes_max = 2 * 1024 * 1024;
    server_start(&pair.one, &config);
    start(2);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 1);
    server_stall(&pair.two, true);
    /* It takes what fits its inbox and the windows of HTTP/2, then nothing more. */
    struct transport_metrics metrics = {0};
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    while (metrics.reads_paused == 0 && server_now_ms() < until_ms) {
        server_run(&pair.one, send_large, &flood);
        transport_metrics_get(pair.two.transport, &metrics);
    }
    assert_int_equal(metrics.reads_paused, 1);
    for (int i = 0; i < 100; i++) {
        server_run(&pair.one, send_large, &flood);
    }
    assert_true(flood.dropped > 0);
    assert_true(flood.waiting_max <= 2 * 1024 * 1024);
    assert_true(flood.sent * LARGE_BYTES < 64ULL * 1024 * 1024);
    server_stall(&pair.two, false);
    SERVER_WAIT_FOR(&pair.two, peer_frames, flood.sent);
    assert_int_equal(server_record_get(&pair.two).peer_disorder, 0);
    assert_int_equal(server_record_get(&pair.one).peer_downs, 0);
    release();
}

#define FLOOD_FRAMES 1000u

/* From the loop itself: no poll is under way when it returns. */
static void stall_here(struct server *server, void *context)
{
    (void)context;
    server_stall(server, true);
}

/* Until the transport of node 1 took in so many frames of clients and of peers. */
static void wait_received(struct transport_metrics *metrics, uint64_t clients, uint64_t peers)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    do {
        server_nap();
        transport_metrics_get(pair.one.transport, metrics);
    } while ((metrics->client_frames_in < clients || metrics->peer_frames_in < peers) &&
             server_now_ms() < until_ms);
    assert_int_equal(metrics->client_frames_in, clients);
    assert_int_equal(metrics->peer_frames_in, peers);
}

static void send_flood(struct client_stream *stream)
{
    for (unsigned i = 0; i < FLOOD_FRAMES; i++) {
        assert_true(client_send(stream, "flood", 5, CLIENT_WAIT_MS));
    }
}

static void a_flood_of_clients_does_not_delay_a_peer(void **state)
{
    (void)state;
    struct client clients;
    struct client peers;
    struct client_stream flood;
    struct client_stream link;
    struct transport_metrics metrics = {0};
    prepare();
    start(1);
    struct client_options options = options_for(&pair.two_pair);
    client_connect(&peers, &options);
    options.port = transport_client_port(pair.one.transport);
    client_connect(&clients, &options);
    client_open(&clients, &flood, CLIENT_SESSION, 0, 0);
    client_open(&peers, &link, CLIENT_LINK, 0, 2);
    SERVER_WAIT_FOR(&pair.one, opened, 1);
    server_run(&pair.one, stall_here, NULL);
    send_flood(&flood);
    /* Only then the peer, and behind it again so many that it surely waits when polling goes on. */
    wait_received(&metrics, FLOOD_FRAMES, 0);
    assert_true(client_send(&link, "vote", 4, CLIENT_WAIT_MS));
    wait_received(&metrics, FLOOD_FRAMES, 1);
    send_flood(&flood);
    wait_received(&metrics, 2ULL * FLOOD_FRAMES, 1);
    assert_int_equal(metrics.reads_paused, 0);
    server_stall(&pair.one, false);
    SERVER_WAIT_FOR(&pair.one, peer_frames, 1);
    SERVER_WAIT_FOR(&pair.one, frames, 2ULL * FLOOD_FRAMES);
    assert_int_equal(server_record_get(&pair.one).peer_frame_after, 0);
    client_half_close(&link);
    assert_int_equal(client_finish(&link), GRPC_STATUS_OK);
    client_cancel(&flood);
    (void)client_finish(&flood);
    client_close(&clients);
    client_close(&peers);
    release();
}

/* ---- A peer that stands still ---- */

static const char *own_path;

/* The second process: node 2 of a pair, until its standard input ends. */
static int run_child(char **arguments)
{
    static struct server server;
    struct crypto_credentials credentials;
    struct cd_error error;
    if (crypto_init(&error) != CD_OK ||
        crypto_credentials_load(arguments[0], arguments[1], arguments[2], (int64_t)time(NULL),
                                &credentials, &error) != CD_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct transport_peer peers[] = {{1, arguments[4], NAME_1}};
    struct crypto_pair mine = {credentials.cert_pem, credentials.key_pem};
    struct transport_config config = server_config(&server, 2, &mine);
    config.certificates.ca_pem = credentials.ca_pem;
    config.peer_address = arguments[3];
    config.peers = peers;
    config.peers_count = 1;
    server_start(&server, &config);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    server_stop(&server);
    crypto_credentials_release(&credentials);
    return 0;
}

static pid_t start_child(const char *folder, int *ret_stdin)
{
    static char ca[128];
    static char cert[128];
    static char key[128];
    int ends[2];
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
    (void)snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", folder);
    assert_int_equal(crypto_pair_write(authority_ca(), ca, NULL, NULL), CD_OK);
    assert_int_equal(crypto_pair_write(&pair.two_pair, cert, key, NULL), CD_OK);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[0], STDIN_FILENO);
        (void)close(ends[1]);
        (void)execl(own_path, own_path, "child", ca, cert, key, pair.two_address, pair.one_address,
                    (char *)NULL);
        _exit(127);
    }
    assert_int_equal(close(ends[0]), 0);
    *ret_stdin = ends[1];
    return child;
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};
    char path[128];
    for (size_t i = 0; i < CD_ARRAY_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void a_stopped_peer_is_noticed_in_seconds(void **state)
{
    (void)state;
    char folder[] = "/tmp/coord-test-peer-XXXXXX";
    int child_stdin = -1;
    assert_non_null(mkdtemp(folder));
    prepare();
    pid_t child = start_child(folder, &child_stdin);
    start(1);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 1);
    uint64_t begun_ms = server_now_ms();
    assert_int_equal(kill(child, SIGSTOP), 0);
    SERVER_WAIT_FOR(&pair.one, peer_downs, 1);
    assert_true(server_now_ms() - begun_ms < 5000);
    server_wait_log(&pair.one, "peer_dial_failed", "node 2"); /* and its silence ends each dial */
    assert_int_equal(kill(child, SIGCONT), 0);
    SERVER_WAIT_FOR(&pair.one, peer_ups, 2);
    assert_int_equal(close(child_stdin), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    remove_folder(folder);
    release();
}

int main(int count, char **arguments)
{
    if (count == 7 && strcmp(arguments[1], "child") == 0) {
        return run_child(arguments + 2);
    }
    own_path = arguments[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_come_up_both_ways),
        cmocka_unit_test(frames_keep_their_order),
        cmocka_unit_test(a_link_comes_back),
        cmocka_unit_test(a_new_link_begins_with_what_follows_peer_up),
        cmocka_unit_test(a_server_with_another_identity_is_not_spoken_to),
        cmocka_unit_test(a_wrong_address_is_noticed),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(the_newest_link_of_a_node_counts),
        cmocka_unit_test(a_slow_peer_costs_bounded_memory),
        cmocka_unit_test(a_flood_of_clients_does_not_delay_a_peer),
        cmocka_unit_test(a_stopped_peer_is_noticed_in_seconds),
    };
    return cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}
