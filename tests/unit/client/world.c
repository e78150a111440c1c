#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct world world;

uint64_t world_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void world_write_files(const struct crypto_pair *ca, const struct crypto_pair *pair)
{
    assert_int_equal(crypto_pair_write(ca, world.ca, NULL, NULL), CD_OK);
    assert_int_equal(crypto_pair_write(pair, world.cert, world.key, NULL), CD_OK);
}

void world_write_good_files(void)
{
    struct crypto_pair pair = authority_issue(NULL, "client", NULL);
    world_write_files(authority_ca(), &pair);
    crypto_pair_release(&pair);
}

int world_set_up(void **state)
{
    (void)snprintf(world.folder, sizeof(world.folder), "/tmp/coord-test-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    (void)snprintf(world.ca, sizeof(world.ca), "%s/ca", world.folder);
    (void)snprintf(world.cert, sizeof(world.cert), "%s/cert", world.folder);
    (void)snprintf(world.key, sizeof(world.key), "%s/key", world.folder);
    return authority_set_up(state);
}

int world_tear_down(void **state)
{
    (void)unlink(world.ca);
    (void)unlink(world.cert);
    (void)unlink(world.key);
    (void)rmdir(world.folder);
    return authority_tear_down(state);
}

void world_start_replica(struct fake *fake, const char *address)
{
    struct crypto_pair pair;
    const struct crypto_request request = {.ips = &address, .ips_count = 1, .common_name = "fake"};
    assert_int_equal(crypto_issue(authority_ca(), &request, (int64_t)time(NULL), &pair, NULL),
                     CD_OK);
    fake_start(fake, &pair);
    crypto_pair_release(&pair);
}

struct coord_client *world_connect(const char *endpoints, bool session, uint32_t timeout_ms)
{
    struct coord_client *client = NULL;
    struct coord_error error = {.code = COORD_OK};
    struct coord_options *options = coord_options_create();
    assert_int_equal(coord_options_set_endpoints(options, endpoints, &error), COORD_OK);
    assert_int_equal(coord_options_set_tls_files(options, world.ca, world.cert, world.key, &error),
                     COORD_OK);
    assert_int_equal(coord_options_set_timeout_ms(options, timeout_ms, &error), COORD_OK);
    assert_int_equal(coord_options_set_session(options, session, 0, &error), COORD_OK);
    if (coord_client_create(options, &client, &error) != COORD_OK) {
        fail_msg("%s", error.message);
    }
    coord_options_free(options);
    return client;
}
