#include "world.h"

#include "src/client_internal.h"

#include <coord/recipes.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: whatever a thread waits for in the library, it is told that the client was closed, and the
 * library does not touch the client afterwards; a session that is closed ends what hangs on it, and
 * says so. Method: replicas of fake.h that say nothing, so that everything is under way at the
 * close, and threads that dawdle after each step of a call; what is touched too late is the
 * sanitizers' and valgrind's to find.
 */

enum { PATIENCE_MS = 60000, DAWDLE_MS = 200 };

void __real_client_leave(struct coord_client *client);
void __wrap_client_leave(struct coord_client *client);

static _Thread_local bool dawdles;

void __wrap_client_leave(struct coord_client *client)
{
    __real_client_leave(client);
    if (dawdles) {
        (void)poll(NULL, 0, DAWDLE_MS);
    }
}

/* ---- What a thread can wait for ---- */

static enum coord_code do_get(struct coord_client *client)
{
    return coord_get(client, "/a", NULL, NULL, NULL);
}

static enum coord_code do_set(struct coord_client *client)
{
    return coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, NULL, NULL, NULL);
}

static enum coord_code do_watch(struct coord_client *client)
{
    struct coord_watch *watch = NULL;
    return coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &watch, NULL);
}

static enum coord_code do_create_queued(struct coord_client *client)
{
    struct coord_watch *watch = NULL;
    return coord_create_queued(client, "/q-", "x", 1, COORD_CREATE_EPHEMERAL, NULL, 1, NULL, 0,
                               NULL, &watch, NULL, NULL);
}

static enum coord_code do_dispatch(struct coord_client *client)
{
    return coord_client_dispatch(client, PATIENCE_MS) == 0 ? COORD_CLOSED : COORD_MALFORMED;
}

static enum coord_code do_status(struct coord_client *client)
{
    struct coord_status *status = NULL;
    return coord_admin_status(client, NULL, NULL, &status, NULL);
}

static enum coord_code do_lock(struct coord_client *client)
{
    struct coord_lock *lock = NULL;
    return coord_lock_acquire(client, "/lock", NULL, 0, COORD_FOREVER, &lock, NULL);
}

static enum coord_code do_lock_all(struct coord_client *client)
{
    static const char *const paths[] = {"/lock/2", "/lock/1"};
    struct coord_lock *locks[2] = {NULL};
    return coord_lock_acquire_all(client, paths, 2, NULL, 0, COORD_FOREVER, locks, NULL);
}

static enum coord_code do_observe(struct coord_client *client)
{
    struct coord_observer *observer = NULL;
    return coord_observer_create(client, "/office", &observer, NULL);
}

static enum coord_code do_pass(struct coord_client *client)
{
    return coord_barrier_wait(client, "/barrier", COORD_FOREVER, NULL);
}

static enum coord_code do_take(struct coord_client *client)
{
    struct coord_result *result = NULL;
    return coord_queue_take(client, "/queue", COORD_FOREVER, &result, NULL);
}

/* Within a call of its own, because it is closed after its client. */
static enum coord_code outlive_client(struct coord_presence *presence)
{
    enum coord_code code = coord_presence_wait(presence, COORD_FOREVER, NULL);
    bool right = coord_presence_set(presence, "y", 1, NULL) == COORD_OK &&
                 coord_presence_state(presence, NULL) == COORD_CLOSED;
    return coord_presence_close(presence, NULL) == COORD_OK && right ? code : COORD_MALFORMED;
}

static enum coord_code do_keep(struct coord_client *client)
{
    struct coord_presence *presence = NULL;
    client_enter(client);
    enum coord_code code = coord_presence_create(client, "/place", "x", 1, &presence, NULL);
    if (code == COORD_OK) {
        code = outlive_client(presence);
    }
    client_leave(client);
    return code;
}

static enum coord_code do_enter_both(struct coord_client *client)
{
    struct coord_double_barrier *barrier = NULL;
    return coord_double_barrier_enter(client, "/both", 2, COORD_FOREVER, &barrier, NULL);
}

/* Assertions are the main thread's: a wrong code ends up there. The one that asks a replica for
 * nothing comes first. */
static enum coord_code (*const waits[])(struct coord_client *client) = {
    do_dispatch, do_status,  do_get,  do_set,  do_watch, do_create_queued, do_lock,
    do_lock_all, do_observe, do_pass, do_take, do_keep,  do_enter_both,
};

enum { SILENT_COUNT = 1, CALLS_COUNT = 1, WAITS_COUNT = sizeof(waits) / sizeof(waits[0]) };

/* ---- Closing the client ---- */

struct waiter {
    struct coord_client *client;
    pthread_t thread;
    enum coord_code code;
    size_t what;
};

static void *wait_in_it(void *context)
{
    struct waiter *waiter = context;
    dawdles = true;
    waiter->code = waits[waiter->what](waiter->client);
    return NULL;
}

static void start(struct waiter *waiters, size_t from, size_t to, struct coord_client *client)
{
    for (size_t i = from; i < to; i++) {
        waiters[i] = (struct waiter){.client = client, .what = i};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_in_it, &waiters[i]), 0);
    }
}

static void wait_entered(struct coord_client *client, size_t count)
{
    size_t calls = 0;
    while (calls < count) {
        (void)pthread_mutex_lock(&client->lock);
        calls = client->calls;
        (void)pthread_mutex_unlock(&client->lock);
        (void)poll(NULL, 0, 1);
    }
}

/* All of them are in there when the client is closed. */
static void close_on_all(struct fake *fake)
{
    struct waiter waiters[WAITS_COUNT];
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    start(waiters, 0, SILENT_COUNT, client);
    wait_entered(client, SILENT_COUNT);
    start(waiters, SILENT_COUNT, WAITS_COUNT, client);
    fake_wait_calls(fake, CALLS_COUNT);
    fake_wait_requests(fake, WAITS_COUNT - SILENT_COUNT - CALLS_COUNT);
    atomic_store(&fake->manner, FAKE_ANSWER); /* to the end of the session, so that it is quick */
    coord_client_close(client);
    for (size_t i = 0; i < WAITS_COUNT; i++) {
        assert_int_equal(pthread_join(waiters[i].thread, NULL), 0);
        if (waiters[i].code != COORD_CLOSED && waiters[i].code != COORD_OUTCOME_UNKNOWN) {
            fail_msg("%zu: %s", i, coord_code_name(waiters[i].code));
        }
    }
}

static void test_closing_ends_whoever_waits(void **state)
{
    struct fake *fake = &world.fakes[0];
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    atomic_store(&fake->manner, FAKE_SILENT);
    atomic_store(&fake->timeout_ms, PATIENCE_MS); /* it does not confirm anything either */
    close_on_all(fake);
    fake_stop(fake);
}

/* ---- Closing the client of a presence that is in a pause ---- */

struct keeper {
    struct coord_client *client;
    struct coord_presence *presence;
    enum coord_code code;
};

static void *keep_in_it(void *context)
{
    struct keeper *keeper = context;
    dawdles = true; /* until the background thread has ended, which has no other turn then */
    keeper->code = outlive_client(keeper->presence);
    client_leave(keeper->client);
    return NULL;
}

static void wait_state(struct coord_presence *presence, enum coord_code code)
{
    while (coord_presence_state(presence, NULL) != code) {
        (void)poll(NULL, 0, 1);
    }
}

/* Its next step, which its end brings forward, is the first to hear of the close. */
static void test_a_presence_in_a_pause_is_over_at_the_close(void **state)
{
    struct fake *fake = &world.fakes[0];
    pthread_t thread;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct keeper keeper = {.client = world_connect(fake->endpoint, true, PATIENCE_MS)};
    assert_int_equal(coord_presence_create(keeper.client, "/place", "x", 1, &keeper.presence, NULL),
                     COORD_OK);
    wait_state(keeper.presence, COORD_MALFORMED); /* no node of the fake's has a czxid */
    client_enter(keeper.client);
    assert_int_equal(pthread_create(&thread, NULL, keep_in_it, &keeper), 0);
    assert_int_equal(coord_session_close(keeper.client, NULL, NULL), COORD_OK);
    wait_state(keeper.presence, COORD_SESSION_EXPIRED);
    coord_client_close(keeper.client);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(keeper.code, COORD_CLOSED);
    fake_stop(fake);
}

/* ---- Closing the session ---- */

static void test_a_closed_session_ends_its_watches(void **state)
{
    struct fake *fake = &world.fakes[0];
    struct coord_watch *watch = NULL;
    struct coord_watch_item *item = NULL;
    struct coord_error error = {.code = COORD_OK};
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    assert_int_equal(do_set(client), COORD_OK);
    assert_int_equal(coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &watch, NULL),
                     COORD_OK);
    assert_int_equal(coord_watch_next(watch, PATIENCE_MS, &item, NULL), COORD_OK);
    assert_int_equal(item->kind, COORD_WATCH_SET);
    coord_watch_item_free(item);
    assert_int_equal(coord_session_close(client, NULL, NULL), COORD_OK);
    assert_false(coord_session_holds(client, FAKE_SESSION));
    assert_int_equal(coord_watch_next(watch, PATIENCE_MS, &item, NULL), COORD_OK);
    assert_int_equal(item->kind, COORD_WATCH_ENDED);
    assert_int_equal(item->code, COORD_SESSION_EXPIRED);
    coord_watch_item_free(item);
    assert_int_equal(coord_watch_next(watch, PATIENCE_MS, &item, &error), COORD_CLOSED);
    assert_non_null(strstr(error.message, "ended"));
    coord_watch_close(watch);
    assert_int_equal(do_set(client), COORD_OK); /* with another session */
    coord_client_close(client);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing_ends_whoever_waits),
        cmocka_unit_test(test_a_presence_in_a_pause_is_over_at_the_close),
        cmocka_unit_test(test_a_closed_session_ends_its_watches),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
