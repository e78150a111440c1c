#include "world.h"

#include "coord/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

/*
 * Goal: the library as a whole over real sockets and TLS: certificates, silent and breaking
 * replicas, many threads, closing in the middle. Method: replicas of fake.h, made of coordd's
 * transport.
 */

static enum coord_code set(struct coord_client *client, struct coord_error *error)
{
    return coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, NULL, NULL, error);
}

static enum coord_code get(struct coord_client *client, struct coord_error *error)
{
    return coord_get(client, "/a", NULL, NULL, error);
}

/* ---- Work ---- */

static void test_calls_go_there_and_back(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_result *result = NULL;
    size_t bytes = 0;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    assert_int_equal(set(client, NULL), COORD_OK);
    atomic_store(&fake->data_bytes, 3 << 20);
    assert_int_equal(coord_get(client, "/a", NULL, &result, NULL), COORD_OK);
    assert_non_null(coord_result_data(result, &bytes));
    assert_int_equal(bytes, 3 << 20);
    coord_result_free(result);
    assert_int_equal(atomic_load(&fake->streams), 1);
    coord_client_close(client);
    fake_stop(fake);
}

enum { WORKERS = 8, CALLS = 100 };

static void *work(void *context)
{
    size_t failed = 0;
    for (int i = 0; i < CALLS; i++) {
        failed += set(context, NULL) != COORD_OK ? 1 : 0;
        failed += get(context, NULL) != COORD_OK ? 1 : 0;
    }
    return (void *)failed;
}

static void test_many_threads_share_a_client(void **state)
{
    struct fake *fake = &world.fakes[0];
    pthread_t threads[WORKERS];
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, client), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(atomic_load(&fake->requests), WORKERS * CALLS * 2);
    assert_int_equal(atomic_load(&fake->streams), 1);
    coord_client_close(client);
    fake_stop(fake);
}

/* ---- Replicas that fail ---- */

static void test_a_broken_stream(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_error error;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    atomic_store(&fake->manner, FAKE_BREAK);
    assert_int_equal(set(client, &error), COORD_OUTCOME_UNKNOWN);
    assert_non_null(strstr(error.message, "broken"));
    atomic_store(&fake->manner, FAKE_ANSWER);
    assert_int_equal(set(client, NULL), COORD_OK);
    assert_int_equal(atomic_load(&fake->streams), 2);
    coord_client_close(client);
    fake_stop(fake);
}

static void *read_once(void *context)
{
    struct coord_error error;
    return (void *)(uintptr_t)get(context, &error);
}

static void test_a_read_survives_a_broken_stream(void **state)
{
    struct fake *fake = &world.fakes[0];
    pthread_t reader;
    void *code = NULL;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    atomic_store(&fake->manner, FAKE_BREAK);
    assert_int_equal(pthread_create(&reader, NULL, read_once, client), 0);
    fake_wait_requests(fake, 3); /* it was sent again, and again */
    atomic_store(&fake->manner, FAKE_ANSWER);
    assert_int_equal(pthread_join(reader, &code), 0);
    assert_int_equal((uintptr_t)code, COORD_OK);
    coord_client_close(client);
    fake_stop(fake);
}

static void test_a_replica_without_leader_is_left(void **state)
{
    struct fake *good = &world.fakes[0];
    struct fake *bad = &world.fakes[1];
    char endpoints[160];
    (void)state;
    world_write_good_files();
    world_start_replica(good, "127.0.0.1");
    world_start_replica(bad, "127.0.0.1");
    atomic_store(&bad->manner, FAKE_NO_LEADER);
    (void)snprintf(endpoints, sizeof(endpoints), "%s,%s", good->endpoint, bad->endpoint);
    while (atomic_load(&bad->requests) == 0) { /* until one begins with the bad one */
        struct coord_client *client = world_connect(endpoints, false, 20000);
        assert_int_equal(set(client, NULL), COORD_OK);
        coord_client_close(client);
    }
    fake_stop(good);
    fake_stop(bad);
}

/* A port that takes connections and never says a word. */
static int listen_silently(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(handle, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(handle, 16), 0);
    assert_int_equal(getsockname(handle, (struct sockaddr *)&address, &bytes), 0);
    *ret_port = ntohs(address.sin_port);
    return handle;
}

static void test_a_silent_endpoint_costs_little(void **state)
{
    struct fake *fake = &world.fakes[0];
    char endpoints[160];
    uint16_t port = 0;
    (void)state;
    world_write_good_files();
    int silent = listen_silently(&port);
    world_start_replica(fake, "127.0.0.1");
    (void)snprintf(endpoints, sizeof(endpoints), "127.0.0.1:%u,%s", (unsigned)port, fake->endpoint);
    for (int i = 0; i < 6; i++) { /* in random order, so some begin with the silent one */
        struct coord_client *client = world_connect(endpoints, false, 4000);
        assert_int_equal(set(client, NULL), COORD_OK);
        coord_client_close(client);
    }
    fake_stop(fake);
    (void)close(silent);
}

static void test_no_answer_in_time(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_error error;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    atomic_store(&fake->manner, FAKE_SILENT);
    struct coord_client *client = world_connect(fake->endpoint, false, 600);
    uint64_t begun_ms = world_now_ms();
    assert_int_equal(set(client, &error), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(get(client, &error), COORD_TIMEOUT);
    assert_in_range(world_now_ms() - begun_ms, 1200, 6000);
    coord_client_close(client);
    fake_stop(fake);
}

/* ---- Closing ---- */

struct caller {
    struct coord_client *client;
    enum coord_code code;
    bool writes;
};

static void *call_once(void *context)
{
    struct caller *caller = context;
    struct coord_error error;
    caller->code = caller->writes ? set(caller->client, &error) : get(caller->client, &error);
    return NULL;
}

static void test_closing_ends_calls_under_way(void **state)
{
    struct fake *fake = &world.fakes[0];
    pthread_t threads[2];
    struct caller callers[2];
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    atomic_store(&fake->manner, FAKE_SILENT);
    struct coord_client *client = world_connect(fake->endpoint, false, 60000);
    for (size_t i = 0; i < 2; i++) {
        callers[i] = (struct caller){.client = client, .writes = i == 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_once, &callers[i]), 0);
    }
    fake_wait_requests(fake, 2);
    coord_client_close(client);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(callers[0].code, COORD_OUTCOME_UNKNOWN);
    assert_int_equal(callers[1].code, COORD_CLOSED);
    fake_stop(fake);
}

static void test_a_client_that_was_never_used(void **state)
{
    (void)state;
    world_write_good_files();
    for (int i = 0; i < 20; i++) {
        coord_client_close(world_connect("127.0.0.1:1", false, 1000));
    }
}

/* ---- Certificates ---- */

static void refused_with(const char *endpoint, const char *words)
{
    struct coord_error error;
    struct coord_client *client = world_connect(endpoint, false, 800);
    assert_int_equal(set(client, &error), COORD_UNREACHABLE);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" has not: %s", error.message, words);
    }
    coord_client_close(client);
}

static void test_certificates_that_do_not_fit(void **state)
{
    struct fake *fake = &world.fakes[0];
    (void)state;
    struct crypto_pair foreign_ca = authority_foreign_ca();
    struct crypto_pair foreign = authority_issue_by(&foreign_ca, "client");
    struct crypto_pair ours = authority_issue(NULL, "client", NULL);
    struct crypto_pair expired = authority_issue_expired("client");
    struct crypto_pair mixed = {.cert_pem = ours.cert_pem, .key_pem = foreign.key_pem};
    world_start_replica(fake, "127.0.0.1");
    world_write_files(&foreign_ca, &ours);
    refused_with(fake->endpoint, "is not signed by an authority of the CA file");
    world_write_files(authority_ca(), &foreign);
    refused_with(fake->endpoint, "rejected our certificate");
    world_write_files(authority_ca(), &expired);
    refused_with(fake->endpoint, "rejected our certificate");
    world_write_files(authority_ca(), &mixed);
    refused_with(fake->endpoint, "do not belong together");
    assert_int_equal(atomic_load(&fake->requests), 0);
    fake_stop(fake);
    crypto_pair_release(&foreign_ca);
    crypto_pair_release(&foreign);
    crypto_pair_release(&ours);
    crypto_pair_release(&expired);
}

static void test_a_certificate_for_another_host(void **state)
{
    struct fake *fake = &world.fakes[0];
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.2");
    refused_with(fake->endpoint, "made out for another host");
    fake_stop(fake);
}

static void test_files_are_read_again(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_error error;
    (void)state;
    struct crypto_pair foreign_ca = authority_foreign_ca();
    struct crypto_pair foreign = authority_issue_by(&foreign_ca, "client");
    world_start_replica(fake, "127.0.0.1");
    world_write_files(authority_ca(), &foreign);
    struct coord_client *client = world_connect(fake->endpoint, false, 800);
    assert_int_equal(set(client, &error), COORD_UNREACHABLE);
    assert_int_equal(unlink(world.cert), 0);
    assert_int_equal(set(client, &error), COORD_UNREACHABLE);
    assert_non_null(strstr(error.message, world.cert));
    world_write_good_files();
    assert_int_equal(set(client, NULL), COORD_OK);
    coord_client_close(client);
    fake_stop(fake);
    crypto_pair_release(&foreign_ca);
    crypto_pair_release(&foreign);
}

/* ---- Admin ---- */

static void test_admin(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_error error;
    struct coord_status *status = NULL;
    uint8_t id[COORD_CLUSTER_ID_BYTES] = {0};
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect("127.0.0.1:1", false, 20000);
    assert_int_equal(coord_admin_status(client, fake->endpoint, NULL, &status, NULL), COORD_OK);
    assert_int_equal(status->node_id, 7);
    coord_status_free(status);
    assert_int_equal(coord_admin_init(client, fake->endpoint, NULL, id, NULL), COORD_OK);
    assert_int_equal(id[0], 1);
    atomic_store(&fake->manner, FAKE_REFUSE);
    assert_int_equal(coord_admin_init(client, fake->endpoint, NULL, id, &error),
                     COORD_PERMISSION_DENIED);
    assert_non_null(strstr(error.message, "not you"));
    atomic_store(&fake->manner, FAKE_BREAK);
    assert_int_equal(coord_admin_init(client, fake->endpoint, NULL, id, &error),
                     COORD_OUTCOME_UNKNOWN);
    assert_int_equal(coord_admin_status(client, fake->endpoint, NULL, &status, &error),
                     COORD_UNREACHABLE);
    assert_int_equal(coord_admin_init(client, NULL, NULL, id, &error), COORD_UNREACHABLE);
    coord_client_close(client);
    fake_stop(fake);
}

static void *init_once(void *context)
{
    struct caller *caller = context;
    struct coord_error error;
    caller->code = coord_admin_init(caller->client, NULL, NULL, NULL, &error);
    return NULL;
}

static void test_admin_without_an_answer(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_error error;
    struct coord_status *status = NULL;
    pthread_t thread;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    atomic_store(&fake->manner, FAKE_SILENT);
    struct coord_client *client = world_connect(fake->endpoint, false, 600);
    assert_int_equal(coord_admin_init(client, NULL, NULL, NULL, &error), COORD_OUTCOME_UNKNOWN);
    assert_int_equal(coord_admin_status(client, NULL, NULL, &status, &error), COORD_TIMEOUT);
    coord_client_close(client);
    struct caller caller = {.client = world_connect(fake->endpoint, false, 60000)};
    assert_int_equal(pthread_create(&thread, NULL, init_once, &caller), 0);
    fake_wait_calls(fake, 3);
    coord_client_close(caller.client);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(caller.code, COORD_OUTCOME_UNKNOWN);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_go_there_and_back),
        cmocka_unit_test(test_many_threads_share_a_client),
        cmocka_unit_test(test_a_broken_stream),
        cmocka_unit_test(test_a_read_survives_a_broken_stream),
        cmocka_unit_test(test_a_replica_without_leader_is_left),
        cmocka_unit_test(test_a_silent_endpoint_costs_little),
        cmocka_unit_test(test_no_answer_in_time),
        cmocka_unit_test(test_closing_ends_calls_under_way),
        cmocka_unit_test(test_a_client_that_was_never_used),
        cmocka_unit_test(test_certificates_that_do_not_fit),
        cmocka_unit_test(test_a_certificate_for_another_host),
        cmocka_unit_test(test_files_are_read_again),
        cmocka_unit_test(test_admin),
        cmocka_unit_test(test_admin_without_an_answer),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
