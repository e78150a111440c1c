#include "coord/recipes.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: whichever allocation of the library fails, its caller gets an error or what he asked for,
 * nothing is lost and nothing hangs. Method: one program after another over real sockets, in each
 * of which one more allocation is the one that fails, until a program needs no more of them. The
 * replica's side and the test itself are exempt. Leaks are the sanitizers' to find.
 */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_cd_malloc(size_t bytes);
void *__real_cd_calloc(size_t count, size_t bytes);
void *__real_cd_realloc(void *memory, size_t bytes);
char *__real_cd_strndup(const char *from, size_t bytes);
char *__real_cd_strdup(const char *text);
void *__wrap_cd_malloc(size_t bytes);
void *__wrap_cd_calloc(size_t count, size_t bytes);
void *__wrap_cd_realloc(void *memory, size_t bytes);
char *__wrap_cd_strndup(const char *from, size_t bytes);
char *__wrap_cd_strdup(const char *text);

static _Atomic size_t countdown; /* the allocation that fails is this many further; 0: none */
static _Atomic bool has_failed;
static _Thread_local bool exempt;

static bool is_refused(void)
{
    size_t left = exempt ? 0 : atomic_load(&countdown);
    while (left != 0 && !atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
    }
    if (left == 1) {
        atomic_store(&has_failed, true);
    }
    return left == 1;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

#define EXEMPT(type, call)                                                                         \
    bool outer = exempt;                                                                           \
    exempt = true;                                                                                 \
    type memory_made = call;                                                                       \
    exempt = outer;                                                                                \
    return memory_made

void *__wrap_cd_malloc(size_t bytes)
{
    EXEMPT(void *, __real_cd_malloc(bytes));
}

void *__wrap_cd_calloc(size_t count, size_t bytes)
{
    EXEMPT(void *, __real_cd_calloc(count, bytes));
}

void *__wrap_cd_realloc(void *memory, size_t bytes)
{
    EXEMPT(void *, __real_cd_realloc(memory, bytes));
}

char *__wrap_cd_strndup(const char *from, size_t bytes)
{
    EXEMPT(char *, __real_cd_strndup(from, bytes));
}

char *__wrap_cd_strdup(const char *text)
{
    EXEMPT(char *, __real_cd_strdup(text));
}

/* ---- The program ---- */

enum { CALL_MS = 5000, CALLBACKS_MAX = 2 };

static bool is_fine(enum coord_code code)
{
    return code == COORD_OK || code == COORD_NO_MEMORY || code == COORD_OUTCOME_UNKNOWN ||
           code == COORD_CLOSED;
}

static void check(enum coord_code code, const struct coord_error *error)
{
    if (!is_fine(code)) {
        fail_msg("%s: %s", coord_code_name(code), error->message);
    }
    assert_true(code == COORD_OK || error->code == code);
}

static struct coord_client *make_client(const char *endpoint)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    enum coord_code code = COORD_NO_MEMORY;
    if (options != NULL) {
        code = coord_options_set_endpoints(options, endpoint, &error);
        code = code == COORD_OK
                   ? coord_options_set_tls_files(options, world.ca, world.cert, world.key, &error)
                   : code;
        code = code == COORD_OK ? coord_options_set_namespace(options, "/space", &error) : code;
        code = code == COORD_OK ? coord_options_set_timeout_ms(options, CALL_MS, &error) : code;
        code = code == COORD_OK ? coord_options_set_session(options, true, 0, &error) : code;
        code = code == COORD_OK ? coord_client_create(options, &client, &error) : code;
        check(code, &error);
    }
    coord_options_free(options);
    return client;
}

static void on_done(void *context, enum coord_code code, struct coord_result *result,
                    const struct coord_error *error)
{
    check(code, error);
    coord_result_free(result);
    ++*(size_t *)context;
}

static void call_without_waiting(struct coord_client *client)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_call_options *call = coord_call_options_create();
    size_t done = 0;
    size_t begun = 0;
    if (call == NULL) {
        return;
    }
    coord_call_options_set_done(call, on_done, &done);
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        enum coord_code code =
            coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, call, NULL, &error);
        check(code, &error);
        begun += code == COORD_OK ? 1 : 0;
    }
    while (done < begun) {
        (void)coord_client_dispatch(client, CALL_MS);
    }
    coord_call_options_free(call);
}

/* The replica answers as to a get, which makes no sense here. */
static void run_txn(struct coord_client *client)
{
    static const char *const prefixes[] = {"a-", "b-"};
    struct coord_error error = {.code = COORD_OK};
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return;
    }
    coord_txn_compare(txn, "/a", COORD_IF_EXISTS, COORD_EQUAL, 1);
    coord_txn_compare_held(txn, "/a-1", COORD_EQUAL, 7, 1, prefixes, 2);
    coord_txn_add_get(txn, COORD_THEN, "/a");
    coord_txn_add_exists(txn, COORD_ELSE, "/b");
    enum coord_code code = coord_txn_run(client, txn, NULL, NULL, &error);
    assert_true(code == COORD_NO_MEMORY || code == COORD_MALFORMED);
    coord_txn_free(txn);
}

static void read_and_watch(struct coord_client *client)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_result *result = NULL;
    struct coord_watch *watch = NULL;
    check(coord_get(client, "/a", NULL, &result, &error), &error);
    coord_result_free(result);
    enum coord_code code =
        coord_watch_tree(client, "/a", COORD_WATCH_NODE, 0, 0, 0, NULL, &watch, &error);
    check(code, &error);
    for (uint64_t zxid = 0; code == COORD_OK && zxid < 3;) {
        struct coord_watch_item *item = NULL;
        code = coord_watch_next(watch, CALL_MS, &item, &error);
        check(code, &error);
        zxid = code == COORD_OK && item->kind == COORD_WATCH_EVENTS ? item->zxid : zxid;
        /* What is out of memory for a watch ends it, and says so. */
        code = code == COORD_OK && item->kind == COORD_WATCH_ENDED ? item->code : code;
        coord_watch_item_free(item);
    }
    coord_watch_close(watch);
}

static void queue(struct coord_client *client)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_result *result = NULL;
    struct coord_watch *watch = NULL;
    check(coord_create_queued(client, "/q-", "x", 1, COORD_CREATE_EPHEMERAL, NULL, 1, NULL, 0, NULL,
                              &watch, &result, &error),
          &error);
    coord_result_free(result);
    coord_watch_close(watch);
}

/* It ends if anything that it does by itself gets no memory; whoever waits is told so. */
static void follow(struct coord_client *client)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_cache *cache = NULL;
    struct coord_view *view = NULL;
    uint64_t zxid = 0;
    enum coord_code code = coord_cache_create(client, "/a", COORD_WATCH_NODE, &cache, &error);
    check(code, &error);
    if (code == COORD_OK) {
        check(coord_cache_wait(cache, CALL_MS, &zxid, &error), &error);
        check(coord_cache_get(cache, "/a", &view, &error), &error);
        coord_view_free(view);
        view = NULL;
        check(coord_cache_children(cache, "/a", &view, &error), &error);
        coord_view_free(view);
    }
    coord_cache_close(cache);
}

static void run_program(const struct fake *fake)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_client *client = make_client(fake->endpoint);
    if (client == NULL) {
        return;
    }
    check(coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, NULL, NULL, &error), &error);
    read_and_watch(client);
    queue(client);
    follow(client);
    run_txn(client);
    call_without_waiting(client);
    coord_client_close(client);
}

static void test_each_allocation_fails_once(void **state)
{
    struct fake *fake = &world.fakes[0];
    size_t count = 0;
    (void)state;
    world_write_good_files();
    world_start_replica(fake, "127.0.0.1");
    atomic_store(&fake->events, 3);
    atomic_store(&fake->zxid, 3);
    do {
        atomic_store(&has_failed, false);
        atomic_store(&countdown, ++count);
        run_program(fake);
        atomic_store(&countdown, 0);
    } while (atomic_load(&has_failed));
    fake_stop(fake);
    print_message("%zu allocations failed\n", count - 1);
    assert_in_range(count, 100, 2000); /* else it is not they that failed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
