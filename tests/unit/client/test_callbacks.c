#include "world.h"

#include "src/client_internal.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: what a program with an event loop relies on: each outcome, item and state comes to its
 * callback once, in order, on the thread that dispatches, and callbacks may call everything.
 * Method: replicas of fake.h.
 */

enum { LOG_MAX = 64, PATIENCE_MS = 20000 };

enum entry_kind { DONE, ITEM, STATE };

struct log {
    struct coord_client *client;
    pthread_t thread; /* that may run callbacks */
    struct {
        enum entry_kind kind;
        int number; /* code, kind of item, state */
        uint64_t zxid;
    } entries[LOG_MAX];
    size_t count;
};

static void note(struct log *log, enum entry_kind kind, int number, uint64_t zxid)
{
    assert_true(pthread_equal(log->thread, pthread_self()) != 0);
    assert_true(log->count < LOG_MAX);
    log->entries[log->count].kind = kind;
    log->entries[log->count].number = number;
    log->entries[log->count++].zxid = zxid;
}

static void on_done(void *context, enum coord_code code, struct coord_result *result,
                    const struct coord_error *error)
{
    assert_int_equal(error->code, code);
    assert_true((code == COORD_OK) == (result != NULL));
    note(context, DONE, (int)code, result != NULL ? coord_result_zxid(result) : 0);
    coord_result_free(result);
}

static void on_item(void *context, struct coord_watch *watch, struct coord_watch_item *item)
{
    (void)watch;
    note(context, ITEM, (int)item->kind, item->zxid);
    coord_watch_item_free(item);
}

static void on_state(void *context, enum coord_session_state state, uint64_t id)
{
    note(context, STATE, (int)state, id);
}

static struct log log_of(struct coord_client *client)
{
    return (struct log){.client = client, .thread = pthread_self()};
}

static void dispatch_until(struct log *log, size_t count)
{
    uint64_t until_ms = world_now_ms() + PATIENCE_MS;
    while (log->count < count && world_now_ms() < until_ms) {
        (void)coord_client_dispatch(log->client, 100);
    }
    assert_int_equal(log->count, count);
}

static struct fake *begin(void)
{
    world_write_good_files();
    world_start_replica(&world.fakes[0], "127.0.0.1");
    return &world.fakes[0];
}

static struct coord_call_options *told_to(struct log *log)
{
    struct coord_call_options *call = coord_call_options_create();
    coord_call_options_set_done(call, on_done, log);
    return call;
}

static enum coord_code set(struct coord_client *client, const struct coord_call_options *call)
{
    return coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, call, NULL, NULL);
}

struct numbered {
    struct log *log;
    int number;
};

static void on_numbered(void *context, enum coord_code code, struct coord_result *result,
                        const struct coord_error *error)
{
    struct numbered *numbered = context;
    assert_int_equal(code, COORD_OK);
    assert_int_equal(error->code, COORD_OK);
    note(numbered->log, DONE, numbered->number, 0);
    coord_result_free(result);
}

static void test_outcomes_come_in_order(void **state)
{
    enum { CALLS = 40 };
    struct fake *fake = begin();
    struct numbered numbered[CALLS];
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = coord_call_options_create();
    for (int i = 0; i < CALLS; i++) {
        numbered[i] = (struct numbered){&log, i};
        coord_call_options_set_done(call, on_numbered, &numbered[i]);
        assert_int_equal(set(client, call), COORD_OK);
    }
    coord_call_options_free(call); /* not needed any more */
    dispatch_until(&log, CALLS);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(log.entries[i].number, i);
    }
    coord_client_close(client);
    fake_stop(fake);
}

static void test_what_cannot_begin(void **state)
{
    struct fake *fake = begin();
    struct coord_result *result = NULL;
    struct coord_error error;
    uint64_t id = 0;
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = told_to(&log);
    assert_int_equal(coord_get(client, "/a", call, &result, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "ret_result"));
    assert_int_equal(coord_get(client, NULL, call, NULL, &error), COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_session_open(client, call, &id, &error), COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_admin_init(client, fake->endpoint, call, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_client_dispatch(client, 50), 0);
    coord_call_options_free(call);
    coord_client_close(client);
    assert_int_equal(log.count, 0);
    fake_stop(fake);
}

static bool is_readable(struct coord_client *client, int timeout_ms)
{
    struct pollfd one = {.fd = coord_client_fd(client), .events = POLLIN};
    return poll(&one, 1, timeout_ms) == 1 && (one.revents & POLLIN) != 0;
}

static void test_the_descriptor_tells(void **state)
{
    struct fake *fake = begin();
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, false, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = told_to(&log);
    assert_false(is_readable(client, 0));
    assert_int_equal(coord_get(client, "/a", call, NULL, NULL), COORD_OK);
    assert_true(is_readable(client, PATIENCE_MS));
    assert_int_equal(log.count, 0); /* nothing runs by itself */
    assert_int_equal(coord_client_dispatch(client, 0), 1);
    assert_int_equal(log.count, 1);
    assert_false(is_readable(client, 0));
    coord_call_options_free(call);
    coord_client_close(client);
    fake_stop(fake);
}

static void test_a_watch_and_a_state(void **state)
{
    struct fake *fake = begin();
    struct coord_watch *watch = NULL;
    (void)state;
    atomic_store(&fake->events, 3);
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = told_to(&log);
    coord_session_set_callback(client, on_state, &log);
    dispatch_until(&log, 1);
    assert_int_equal(log.entries[0].number, COORD_STATE_NONE);
    assert_int_equal(coord_session_open(client, call, NULL, NULL), COORD_OK);
    dispatch_until(&log, 3);
    assert_int_equal(log.entries[1].number, COORD_STATE_CONNECTED);
    assert_int_equal(log.entries[1].zxid, FAKE_SESSION);
    assert_int_equal(log.entries[2].kind, DONE);
    assert_int_equal(coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, call, &watch, NULL),
                     COORD_OK);
    assert_int_equal(coord_get(client, "/a", NULL, NULL, NULL), COORD_OK); /* all events are here */
    coord_watch_set_callback(watch, on_item, &log);
    dispatch_until(&log, 7);
    assert_int_equal(log.entries[3].number, COORD_WATCH_SET);
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(log.entries[3 + i].kind, ITEM);
        assert_int_equal(log.entries[3 + i].zxid, i);
    }
    coord_watch_close(watch);
    coord_call_options_free(call);
    coord_client_close(client);
    assert_int_equal(log.count, 7);
    fake_stop(fake);
}

/* The place in a queue, without waiting for anything. */
static void test_a_queued_node(void **state)
{
    struct fake *fake = begin();
    struct coord_watch *watch = NULL;
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = told_to(&log);
    assert_int_equal(coord_create_queued(client, "/q-", NULL, 0, COORD_CREATE_EPHEMERAL, NULL, 1,
                                         NULL, 0, call, &watch, NULL, NULL),
                     COORD_OK);
    coord_watch_set_callback(watch, on_item, &log);
    dispatch_until(&log, 2);
    assert_int_equal(log.entries[0].kind + log.entries[1].kind, DONE + ITEM);
    assert_int_equal(log.entries[0].kind == DONE ? log.entries[0].number : log.entries[1].number,
                     COORD_OK);
    coord_watch_close(watch);
    coord_call_options_free(call);
    coord_client_close(client);
    fake_stop(fake);
}

/* ---- Callbacks that call ---- */

struct caller {
    struct log log;
    struct coord_watch *watch;
    enum coord_code code;
    size_t nested;
};

static void on_done_that_calls(void *context, enum coord_code code, struct coord_result *result,
                               const struct coord_error *error)
{
    struct caller *caller = context;
    on_done(&caller->log, code, result, error);
    caller->nested = coord_client_dispatch(caller->log.client, 1000);
    caller->code = set(caller->log.client, NULL); /* blocks, and is answered all the same */
}

static void on_item_that_closes(void *context, struct coord_watch *watch,
                                struct coord_watch_item *item)
{
    struct caller *caller = context;
    on_item(&caller->log, watch, item);
    coord_watch_close(watch);
}

static void test_callbacks_may_call(void **state)
{
    struct fake *fake = begin();
    (void)state;
    atomic_store(&fake->events, 3);
    struct coord_client *client = world_connect(fake->endpoint, true, PATIENCE_MS);
    struct caller caller = {.log = log_of(client), .code = COORD_CLOSED, .nested = 77};
    struct coord_call_options *call = coord_call_options_create();
    coord_call_options_set_done(call, on_done_that_calls, &caller);
    assert_int_equal(set(client, call), COORD_OK);
    dispatch_until(&caller.log, 1);
    assert_int_equal(caller.code, COORD_OK);
    assert_int_equal(caller.nested, 0);
    assert_int_equal(
        coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &caller.watch, NULL),
        COORD_OK);
    assert_int_equal(coord_get(client, "/a", NULL, NULL, NULL), COORD_OK); /* its events are here */
    coord_watch_set_callback(caller.watch, on_item_that_closes, &caller);
    dispatch_until(&caller.log, 2);
    assert_int_equal(coord_client_dispatch(client, 50), 0); /* the other items went with it */
    coord_call_options_free(call);
    coord_client_close(client);
    fake_stop(fake);
}

/* ---- A watch that is closed while its callback runs ---- */

struct slow {
    struct coord_client *client;
    _Atomic bool begun, over;
};

static void on_item_slowly(void *context, struct coord_watch *watch, struct coord_watch_item *item)
{
    struct slow *slow = context;
    (void)watch;
    atomic_store(&slow->begun, true);
    (void)poll(NULL, 0, 50); /* the other one closes meanwhile */
    atomic_store(&slow->over, true);
    coord_watch_item_free(item);
}

static void *dispatch_once(void *context)
{
    struct slow *slow = context;
    return (void *)(uintptr_t)coord_client_dispatch(slow->client, PATIENCE_MS);
}

static void test_closing_waits_for_the_callback(void **state)
{
    struct fake *fake = begin();
    struct coord_watch *watch = NULL;
    pthread_t thread;
    (void)state;
    atomic_store(&fake->events, 3);
    struct slow slow = {.client = world_connect(fake->endpoint, false, PATIENCE_MS)};
    assert_int_equal(
        coord_watch_tree(slow.client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &watch, NULL),
        COORD_OK);
    coord_watch_set_callback(watch, on_item_slowly, &slow);
    assert_int_equal(pthread_create(&thread, NULL, dispatch_once, &slow), 0);
    while (!atomic_load(&slow.begun)) {
        (void)poll(NULL, 0, 1);
    }
    coord_watch_close(watch);
    assert_true(atomic_load(&slow.over));
    assert_int_equal(pthread_join(thread, NULL), 0);
    coord_client_close(slow.client);
    fake_stop(fake);
}

/* ---- The end ---- */

static void test_closing_runs_what_is_left(void **state)
{
    struct fake *fake = begin();
    (void)state;
    atomic_store(&fake->manner, FAKE_SILENT);
    struct coord_client *client = world_connect(fake->endpoint, false, PATIENCE_MS);
    struct log log = log_of(client);
    struct coord_call_options *call = told_to(&log);
    assert_int_equal(coord_get(client, "/a", call, NULL, NULL), COORD_OK);
    assert_int_equal(set(client, call), COORD_OK);
    fake_wait_requests(fake, 2);
    coord_call_options_free(call);
    coord_client_close(client);
    assert_int_equal(log.count, 2);
    assert_int_equal(log.entries[0].number + log.entries[1].number,
                     COORD_CLOSED + COORD_OUTCOME_UNKNOWN);
    fake_stop(fake);
}

static void on_done_that_ends(void *context, enum coord_code code, struct coord_result *result,
                              const struct coord_error *error)
{
    struct caller *caller = context;
    on_done(&caller->log, code, result, error);
    coord_client_close(caller->log.client);
    caller->nested++;
}

static void test_closing_in_a_callback(void **state)
{
    struct fake *fake = begin();
    (void)state;
    struct coord_client *client = world_connect(fake->endpoint, false, PATIENCE_MS);
    struct caller caller = {.log = log_of(client)};
    struct coord_call_options *call = coord_call_options_create();
    coord_call_options_set_done(call, on_done_that_ends, &caller);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(coord_get(client, "/a", call, NULL, NULL), COORD_OK);
    }
    while (caller.nested == 0) {
        (void)coord_client_dispatch(client, 100);
    }
    assert_int_equal(caller.nested, 3); /* the others within its close */
    coord_call_options_free(call);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_come_in_order),
        cmocka_unit_test(test_what_cannot_begin),
        cmocka_unit_test(test_the_descriptor_tells),
        cmocka_unit_test(test_a_watch_and_a_state),
        cmocka_unit_test(test_a_queued_node),
        cmocka_unit_test(test_callbacks_may_call),
        cmocka_unit_test(test_closing_waits_for_the_callback),
        cmocka_unit_test(test_closing_runs_what_is_left),
        cmocka_unit_test(test_closing_in_a_callback),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
