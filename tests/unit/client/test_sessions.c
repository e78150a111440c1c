#include "world.h"

#include "src/client_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: sessions and watches as a program sees them, over real sockets and clocks: states, waiting
 * for them, back-pressure, and closing in the middle. Method: replicas of fake.h.
 */

static struct fake *begin(void)
{
    world_write_good_files();
    world_start_replica(&world.fakes[0], "127.0.0.1");
    return &world.fakes[0];
}

static enum coord_code set(struct coord_client *client)
{
    return coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, NULL, NULL, NULL);
}

static void test_a_session_from_its_first_write_to_its_close(void **state)
{
    struct fake *fake = begin();
    uint64_t id = 77;
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(coord_session_state(client, &id), COORD_STATE_NONE);
    assert_int_equal(id, 0);
    assert_int_equal(coord_get(client, "/a", NULL, NULL, NULL), COORD_OK);
    assert_int_equal(coord_session_state(client, NULL), COORD_STATE_NONE);
    assert_int_equal(set(client), COORD_OK);
    assert_int_equal(coord_session_state(client, &id), COORD_STATE_CONNECTED);
    assert_int_equal(id, FAKE_SESSION);
    assert_int_equal(coord_session_timeout_ms(client), 3000);
    assert_true(coord_session_holds(client, FAKE_SESSION));
    assert_false(coord_session_holds(client, FAKE_SESSION + 1));
    assert_int_equal(coord_session_close(client, NULL, NULL), COORD_OK);
    assert_int_equal(coord_session_state(client, NULL), COORD_STATE_NONE);
    assert_false(coord_session_holds(client, FAKE_SESSION));
    assert_int_equal(coord_session_open(client, NULL, &id, NULL), COORD_OK);
    assert_int_equal(id, FAKE_SESSION);
    assert_int_equal(coord_session_state(client, NULL), COORD_STATE_CONNECTED);
    coord_client_close(client);
    assert_int_equal(atomic_load(&fake->closes), 2); /* the second by the client's end */
    fake_stop(fake);
}

static void test_it_stays_connected(void **state)
{
    struct fake *fake = begin();
    enum coord_session_state seen = COORD_STATE_CONNECTED;
    uint64_t id = FAKE_SESSION;
    (void)state;
    atomic_store(&fake->timeout_ms, 1000);
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(set(client), COORD_OK);
    /* Heartbeats, and nothing else, for two and a half timeouts. */
    assert_int_equal(coord_session_wait(client, 2500, &seen, &id, NULL), COORD_TIMEOUT);
    coord_client_close(client);
    fake_stop(fake);
}

static void test_it_is_lost_in_time(void **state)
{
    struct fake *fake = begin();
    enum coord_session_state seen = COORD_STATE_NONE;
    uint64_t id = 0;
    (void)state;
    atomic_store(&fake->timeout_ms, 1500);
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(set(client), COORD_OK);
    atomic_store(&fake->manner, FAKE_UNSURE);
    assert_int_equal(coord_session_wait(client, 9000, &seen, &id, NULL), COORD_OK);
    uint64_t begun_ms = world_now_ms();
    while (seen != COORD_STATE_LOST) {
        assert_int_equal(coord_session_wait(client, 9000, &seen, &id, NULL), COORD_OK);
    }
    /* The last confirmed frame may be a heartbeat of a little later than the write's. */
    assert_in_range(world_now_ms() - begun_ms, 1000, 3500);
    assert_int_equal(id, FAKE_SESSION);
    assert_false(coord_session_holds(client, FAKE_SESSION));
    coord_client_close(client);
    fake_stop(fake);
}

static void test_a_write_survives_a_broken_stream(void **state)
{
    struct fake *fake = begin();
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(set(client), COORD_OK);
    size_t streams = atomic_load(&fake->streams);
    fake_break_next(fake);
    assert_int_equal(set(client), COORD_OK);
    assert_true(atomic_load(&fake->streams) > streams);
    coord_client_close(client);
    fake_stop(fake);
}

/* ---- Watches ---- */

static struct coord_watch *watch(struct coord_client *client)
{
    struct coord_watch *made = NULL;
    struct coord_error error;
    if (coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &made, &error) !=
        COORD_OK) {
        fail_msg("%s", error.message);
    }
    return made;
}

static enum coord_watch_item_kind next(struct coord_watch *from, uint64_t *ret_zxid)
{
    struct coord_watch_item *item = NULL;
    assert_int_equal(coord_watch_next(from, 20000, &item, NULL), COORD_OK);
    enum coord_watch_item_kind kind = item->kind;
    *ret_zxid = item->zxid;
    coord_watch_item_free(item);
    return kind;
}

static void test_a_watch_is_told(void **state)
{
    struct fake *fake = begin();
    struct coord_watch_item *item = NULL;
    uint64_t zxid = 0;
    (void)state;
    atomic_store(&fake->events, 3);
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    struct coord_watch *watched = watch(client);
    assert_int_equal(next(watched, &zxid), COORD_WATCH_SET);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(next(watched, &zxid), COORD_WATCH_EVENTS);
        assert_int_equal(zxid, i);
    }
    assert_int_equal(coord_watch_next(watched, 0, &item, NULL), COORD_TIMEOUT);
    assert_int_equal(coord_watch_next(watched, 50, &item, NULL), COORD_TIMEOUT);
    coord_watch_close(watched);
    coord_client_close(client);
    fake_stop(fake);
}

static void test_a_watch_that_is_not_set_in_time(void **state)
{
    struct coord_watch *made = NULL;
    struct coord_error error;
    struct coord_call_options *call = coord_call_options_create();
    (void)state;
    world_write_good_files();
    struct coord_client *client = world_connect("127.0.0.1:1", false, 20000);
    coord_call_options_set_timeout_ms(call, 1500);
    assert_int_equal(coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, call, &made, &error),
                     COORD_UNREACHABLE);
    assert_non_null(strstr(error.message, "refused"));
    assert_null(made);
    coord_call_options_free(call);
    coord_client_close(client);
}

/* Takes events 1 to `count`, whatever is said between them; returns how often it lagged. */
static size_t take_all(struct coord_watch *from, uint64_t count)
{
    uint64_t zxid = 0;
    size_t lagged = 0;
    assert_int_equal(next(from, &zxid), COORD_WATCH_SET);
    for (uint64_t i = 1; i <= count; i++) {
        enum coord_watch_item_kind kind = next(from, &zxid);
        if (kind == COORD_WATCH_LAGGED) {
            lagged++;
            kind = next(from, &zxid);
        }
        assert_int_equal(kind, COORD_WATCH_EVENTS);
        assert_int_equal(zxid, i);
    }
    return lagged;
}

/* S14: what is not taken stays with the replica, nothing of it is lost, and all else goes on. */
static void test_a_slow_taker(void **state)
{
    enum { EVENTS = 12 };
    struct fake *fake = begin();
    (void)state;
    atomic_store(&fake->events, EVENTS);
    atomic_store(&fake->data_bytes, 1 << 20); /* 24 MiB, of which 4 may wait for each */
    struct coord_client *client = world_connect(fake->endpoint, false, 20000);
    struct coord_watch *watched[] = {watch(client), watch(client)};
    assert_int_equal(coord_get(client, "/a", NULL, NULL, NULL), COORD_OK); /* behind all of it */
    assert_in_range(take_all(watched[0], EVENTS), 1, EVENTS);
    assert_int_equal(coord_get(client, "/a", NULL, NULL, NULL), COORD_OK);
    assert_in_range(take_all(watched[1], EVENTS), 1, EVENTS);
    coord_watch_close(watched[0]);
    coord_watch_close(watched[1]);
    coord_client_close(client);
    fake_stop(fake);
}

static void test_a_queued_node(void **state)
{
    struct fake *fake = begin();
    struct coord_watch *watched = NULL;
    struct coord_result *result = NULL;
    uint64_t zxid = 0;
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(coord_create_queued(client, "/q-", NULL, 0, COORD_CREATE_EPHEMERAL, NULL, 1,
                                         NULL, 0, NULL, &watched, &result, NULL),
                     COORD_OK);
    assert_string_equal(coord_result_path(result), "/q-0000000001");
    assert_int_equal(next(watched, &zxid), COORD_WATCH_SET);
    coord_result_free(result);
    coord_watch_close(watched);
    coord_client_close(client);
    client = world_connect(fake->endpoint, false, 20000);
    assert_int_equal(coord_create_queued(client, "/q-", NULL, 0, 0, NULL, 1, NULL, 0, NULL,
                                         &watched, NULL, NULL),
                     COORD_INVALID_ARGUMENT);
    coord_client_close(client);
    fake_stop(fake);
}

static void *wait_for_change(void *context)
{
    enum coord_session_state seen = COORD_STATE_CONNECTED;
    uint64_t id = FAKE_SESSION;
    return (void *)(uintptr_t)coord_session_wait(context, 60000, &seen, &id, NULL);
}

static void test_closing_ends_who_waits(void **state)
{
    struct fake *fake = begin();
    pthread_t thread;
    void *code = NULL;
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, 20000);
    assert_int_equal(set(client), COORD_OK);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_change, client), 0);
    for (size_t calls = 0; calls == 0;) { /* until it is in there */
        (void)pthread_mutex_lock(&client->lock);
        calls = client->calls;
        (void)pthread_mutex_unlock(&client->lock);
    }
    coord_client_close(client);
    assert_int_equal(pthread_join(thread, &code), 0);
    assert_true((uintptr_t)code == COORD_CLOSED || (uintptr_t)code == COORD_OK);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_from_its_first_write_to_its_close),
        cmocka_unit_test(test_it_stays_connected),
        cmocka_unit_test(test_it_is_lost_in_time),
        cmocka_unit_test(test_a_write_survives_a_broken_stream),
        cmocka_unit_test(test_a_watch_is_told),
        cmocka_unit_test(test_a_watch_that_is_not_set_in_time),
        cmocka_unit_test(test_a_slow_taker),
        cmocka_unit_test(test_a_queued_node),
        cmocka_unit_test(test_closing_ends_who_waits),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
