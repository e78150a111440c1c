/*
 * allocations [--once]: whichever allocation of libcoord fails, its caller gets an error or what he
 * asked for, nothing is lost and nothing hangs: for recipes and for Admin's calls, as
 * unit/client/test_allocations.c shows it for connecting and for the other calls. Each program of
 * the table is run again and again, by a client that has its session, and each time one more
 * allocation is the one that fails, until it needs no more of them. Leaks are the sanitizers' to
 * find. With --once no allocation fails, and each program is run once.
 *
 * COORD_ENDPOINTS, _CACERT, _CERT and _KEY are coordctl's, of an administrator.
 */

#include "coord/recipes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_MS = 20000, SESSION_MS = 10000, SOON_MS = 1, FAILURES_MAX = 5000 };

/* ---- One allocation fails ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

static _Atomic size_t countdown; /* the allocation that fails is this many further; 0: none */
static _Atomic bool has_failed;

static bool is_refused(void)
{
    size_t left = atomic_load(&countdown);
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

/* ---- What a call may say ---- */

static const char *doing; /* the program under way */
static size_t round_number;

/* `else_code`: what is right as well, because of what could not be done before. */
static bool judge(enum coord_code code, const struct coord_error *error, enum coord_code else_code)
{
    bool is_fine =
        code == COORD_OK || code == else_code ||
        (atomic_load(&has_failed) && (code == COORD_NO_MEMORY || code == COORD_OUTCOME_UNKNOWN));
    if (!is_fine || (code != COORD_OK && error->code != code)) {
        printf("%s, allocation %zu: %s (%s): %s\n", doing, round_number, coord_code_name(code),
               coord_code_name(error->code), error->message);
        exit(1);
    }
    return code == COORD_OK;
}

/* A place of its own for each round: what the last one could not delete is not in the way. */
static const char *place(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "/%s-%zu/%s", doing, round_number, name);
    return path;
}

static struct coord_client *make_client(void)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    enum coord_code code = coord_options_set_endpoints(options, getenv("COORD_ENDPOINTS"), &error);
    code = code == COORD_OK
               ? coord_options_set_tls_files(options, getenv("COORD_CACERT"), getenv("COORD_CERT"),
                                             getenv("COORD_KEY"), &error)
               : code;
    code = code == COORD_OK ? coord_options_set_session(options, true, SESSION_MS, &error) : code;
    code = code == COORD_OK ? coord_options_set_timeout_ms(options, CALL_MS, &error) : code;
    code = code == COORD_OK ? coord_client_create(options, &client, &error) : code;
    (void)judge(code, &error, COORD_OK);
    coord_options_free(options);
    return client;
}

/* ---- The programs: every function of recipes.h and admin.h is called in one of them ---- */

static void run_admin(struct coord_client *client)
{
    struct coord_error error;
    struct coord_status *status = NULL;
    struct coord_sessions *sessions = NULL;
    uint8_t id[COORD_CLUSTER_ID_BYTES];
    uint32_t leader = 0;
    (void)judge(coord_admin_init(client, NULL, NULL, id, &error), &error, COORD_ALREADY_BORN);
    (void)judge(coord_admin_status(client, NULL, NULL, &status, &error), &error, COORD_OK);
    (void)judge(coord_admin_sessions(client, NULL, 0, 0, NULL, NULL, &sessions, &error), &error,
                COORD_OK);
    (void)judge(coord_admin_transfer(client, NULL, 1, NULL, &leader, &error), &error,
                COORD_INVALID_ARGUMENT); /* it leads already */
    coord_status_free(status);
    coord_sessions_free(sessions);
}

static void give_back(struct coord_lock *lock)
{
    struct coord_error error;
    (void)judge(coord_lock_release(lock, &error), &error, COORD_OK);
}

/* Whatever is held; each call on it. */
static void hold(struct coord_client *client, struct coord_lock *lock)
{
    struct coord_error error;
    enum coord_hold state = COORD_HOLD_SAFE;
    struct coord_call_options *call = coord_call_options_create();
    if (coord_lock_state(lock) != COORD_HOLD_LOST) { /* it is, if its watch had no memory */
        (void)judge(coord_lock_wait(lock, SOON_MS, &state, &error), &error, COORD_TIMEOUT);
    }
    if (call != NULL && judge(coord_lock_guard(lock, call, &error), &error, COORD_OK)) {
        (void)judge(coord_set(client, coord_lock_path(lock), "held", 4, COORD_ANY_VERSION, call,
                              NULL, &error),
                    &error, COORD_OK);
    }
    coord_call_options_free(call);
    if (coord_lock_fence(lock) == 0) {
        exit(1);
    }
    give_back(lock);
}

static void run_try(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *lock = NULL;
    struct coord_lock *second = NULL;
    char path[64];
    snprintf(path, sizeof(path), "/%s-%zu", doing, round_number);
    if (judge(coord_lock_try(client, path, "me", 2, &lock, &error), &error, COORD_OK)) {
        if (judge(coord_lock_try(client, path, "me", 2, &second, &error), &error,
                  COORD_NODE_EXISTS)) {
            exit(1);
        }
        hold(client, lock);
    }
}

static void run_fair(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *lock = NULL;
    struct coord_lock *second = NULL;
    if (judge(coord_lock_acquire(client, place("fair"), NULL, 0, SOON_MS, &lock, &error), &error,
              COORD_TIMEOUT)) {
        if (judge(coord_lock_acquire(client, place("fair"), NULL, 0, SOON_MS, &second, &error),
                  &error, COORD_TIMEOUT)) {
            (void)coord_lock_release(second, NULL); /* the first one was lost */
        }
        hold(client, lock);
    }
}

static void run_shared(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *lock = NULL;
    if (judge(coord_lock_acquire_read(client, place("rw"), NULL, 0, COORD_FOREVER, &lock, &error),
              &error, COORD_OK)) {
        give_back(lock);
    }
    if (judge(
            coord_lock_acquire_write(client, place("other"), NULL, 0, COORD_FOREVER, &lock, &error),
            &error, COORD_OK)) {
        give_back(lock);
    }
    if (judge(coord_semaphore_acquire(client, place("permits"), 2, "me", 2, COORD_FOREVER, &lock,
                                      &error),
              &error, COORD_OK)) {
        give_back(lock);
    }
}

static void run_all(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *locks[2] = {NULL};
    char first[128];
    char second[128];
    snprintf(first, sizeof(first), "%s", place("2"));
    snprintf(second, sizeof(second), "%s", place("1"));
    const char *const paths[] = {first, second};
    if (judge(coord_lock_acquire_all(client, paths, 2, NULL, 0, COORD_FOREVER, locks, &error),
              &error, COORD_OK)) {
        give_back(locks[0]);
        give_back(locks[1]);
    }
}

static void run_office(struct coord_client *client)
{
    struct coord_error error;
    struct coord_lock *office = NULL;
    struct coord_observer *observer = NULL;
    struct coord_leader leader;
    bool stands = judge(
        coord_election_campaign(client, place("office"), "me", 2, COORD_FOREVER, &office, &error),
        &error, COORD_OK);
    if (judge(coord_observer_create(client, place("office"), &observer, &error), &error,
              COORD_OK)) {
        (void)judge(coord_observer_next(observer, CALL_MS, &leader, &error), &error, COORD_OK);
        coord_observer_free(observer);
    }
    if (stands) {
        hold(client, office);
    }
}

static void run_barrier(struct coord_client *client)
{
    struct coord_error error;
    (void)judge(coord_barrier_raise(client, place("gate"), &error), &error, COORD_OK);
    (void)judge(coord_barrier_wait(client, place("gate"), SOON_MS, &error), &error, COORD_TIMEOUT);
    if (judge(coord_barrier_lower(client, place("gate"), &error), &error, COORD_OK)) {
        (void)judge(coord_barrier_wait(client, place("gate"), 0, &error), &error, COORD_OK);
    }
}

static void run_queue(struct coord_client *client)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    (void)judge(coord_queue_put(client, place("jobs"), COORD_QUEUE_PRIORITY, "job", 3, &error),
                &error, COORD_OK);
    for (size_t i = 0; i < 2; i++) { /* the second time it is empty */
        if (judge(coord_queue_take(client, place("jobs"), SOON_MS, &result, &error), &error,
                  COORD_TIMEOUT)) {
            coord_result_free(result);
        }
    }
}

static void run_double(struct coord_client *client)
{
    struct coord_error error;
    struct coord_double_barrier *barrier = NULL;
    if (judge(
            coord_double_barrier_enter(client, place("double"), 1, COORD_FOREVER, &barrier, &error),
            &error, COORD_OK)) {
        (void)judge(coord_double_barrier_leave(barrier, CALL_MS, &error), &error, COORD_OK);
    }
}

static void run_counter(struct coord_client *client)
{
    struct coord_error error;
    int64_t value = 0;
    (void)judge(coord_counter_add(client, place("hits"), 5, &value, &error), &error, COORD_OK);
    (void)judge(coord_counter_get(client, place("hits"), &value, &error), &error, COORD_OK);
    (void)judge(coord_counter_set(client, place("hits"), 7, &error), &error, COORD_OK);
}

/* It goes on trying whatever fails, so it stands in the end. */
static void stand(struct coord_presence *presence)
{
    struct coord_error error;
    (void)judge(coord_presence_wait(presence, CALL_MS, &error), &error, COORD_OK);
    (void)judge(coord_presence_set(presence, "busy", 4, &error), &error, COORD_OK);
    (void)judge(coord_presence_state(presence, &error), &error, COORD_TIMEOUT);
    if (coord_presence_path(presence) == NULL) {
        exit(1);
    }
    (void)judge(coord_presence_close(presence, &error), &error, COORD_OK);
}

static void run_presence(struct coord_client *client)
{
    struct coord_error error;
    struct coord_presence *presence = NULL;
    if (judge(coord_presence_create(client, place("here"), "me", 2, &presence, &error), &error,
              COORD_OK)) {
        stand(presence);
    }
    if (judge(coord_group_join(client, place("group"), "anna", NULL, 0, &presence, &error), &error,
              COORD_OK)) {
        stand(presence);
    }
}

static void on_cache(void *context, struct coord_cache *cache)
{
    (void)context;
    (void)cache;
}

static void look_at(struct coord_cache *cache, const char *path)
{
    struct coord_error error;
    struct coord_view *view = NULL;
    if (judge(coord_cache_get(cache, path, &view, &error), &error, COORD_NO_NODE)) {
        if (coord_view_count(view) != 1 || coord_view_at(view, 0) == NULL ||
            coord_view_zxid(view) == 0) {
            exit(1);
        }
        coord_view_free(view);
    }
    if (judge(coord_cache_children(cache, path, &view, &error), &error, COORD_OK)) {
        coord_view_free(view);
    }
}

static void run_cache(struct coord_client *client)
{
    struct coord_error error;
    struct coord_cache *cache = NULL;
    uint64_t zxid = 0;
    char path[128];
    snprintf(path, sizeof(path), "%s", place("cached"));
    (void)judge(coord_create(client, path, "x", 1, COORD_CREATE_PARENTS, NULL, NULL, &error),
                &error, COORD_OK);
    if (!judge(coord_cache_create(client, path, COORD_WATCH_SUBTREE, &cache, &error), &error,
               COORD_OK)) {
        return;
    }
    coord_cache_set_callback(cache, on_cache, NULL);
    if (judge(coord_cache_wait(cache, CALL_MS, &zxid, &error), &error, COORD_OK)) {
        look_at(cache, path);
    }
    (void)coord_client_dispatch(client, 0);
    coord_cache_close(cache);
}

static void on_discovery(void *context, struct coord_discovery *discovery)
{
    (void)context;
    (void)discovery;
}

static void look_for(struct coord_discovery *discovery)
{
    struct coord_error error;
    struct coord_instances *instances = NULL;
    if (judge(coord_discovery_list(discovery, &instances, &error), &error, COORD_OK)) {
        const struct coord_instance *first = coord_instances_at(instances, 0);
        if (coord_instances_malformed(instances) != 0 ||
            (coord_instances_count(instances) > 0) != (first != NULL) ||
            (first != NULL && coord_instance_metadata(first, "zone") == NULL)) {
            exit(1);
        }
        coord_instances_free(instances);
    }
    if (judge(coord_discovery_choose(discovery, COORD_RANDOM, &instances, &error), &error,
              COORD_NO_NODE)) {
        coord_instances_free(instances);
    }
}

static void run_service(struct coord_client *client)
{
    const struct coord_pair zone = {"zone", "b"};
    struct coord_error error;
    struct coord_presence *presence = NULL;
    struct coord_discovery *discovery = NULL;
    uint64_t zxid = 0;
    char name[64];
    snprintf(name, sizeof(name), "service-%zu", round_number);
    if (judge(coord_service_register(client, name, NULL, "10.0.0.7", 8080, &zone, 1, &presence,
                                     &error),
              &error, COORD_OK)) {
        (void)judge(coord_presence_wait(presence, CALL_MS, &error), &error, COORD_OK);
    }
    if (judge(coord_discovery_create(client, name, &discovery, &error), &error, COORD_OK)) {
        coord_discovery_set_callback(discovery, on_discovery, NULL);
        if (judge(coord_discovery_wait(discovery, CALL_MS, &zxid, &error), &error, COORD_OK)) {
            look_for(discovery);
        }
        (void)coord_client_dispatch(client, 0);
        coord_discovery_close(discovery);
    }
    (void)judge(coord_presence_close(presence, &error), &error, COORD_OK);
}

static const struct program {
    const char *name;
    void (*run)(struct coord_client *client);
} programs[] = {
    {"admin", run_admin},     {"try", run_try},           {"fair", run_fair},
    {"shared", run_shared},   {"all", run_all},           {"office", run_office},
    {"barrier", run_barrier}, {"double", run_double},     {"queue", run_queue},
    {"counter", run_counter}, {"presence", run_presence}, {"cache", run_cache},
    {"service", run_service},
};

/* The first `failing` allocations of it succeed but for the last; 0: all do. */
static void run_once(const struct program *program, size_t failing)
{
    struct coord_error error;
    struct coord_client *client = make_client();
    (void)judge(coord_session_open(client, NULL, NULL, &error), &error, COORD_OK);
    atomic_store(&countdown, failing);
    program->run(client);
    coord_client_close(client);
    atomic_store(&countdown, 0);
}

static void run_failing(const struct program *program)
{
    do {
        atomic_store(&has_failed, false);
        run_once(program, ++round_number);
    } while (atomic_load(&has_failed) && round_number < FAILURES_MAX);
    printf("%s: %zu allocations failed\n", program->name, round_number - 1);
}

int main(int argc, char **argv)
{
    bool once = argc > 1 && strcmp(argv[1], "--once") == 0;
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        doing = programs[i].name;
        round_number = 0;
        if (once) {
            run_once(&programs[i], 0);
            printf("%s: done\n", doing);
        } else {
            run_failing(&programs[i]);
        }
        fflush(stdout);
    }
    return 0;
}
