#include "recipes/internal.h"

#include <stdlib.h>
#include <string.h>

/* Locks of all kinds: how their nodes are called, and what is held. Names are of bindings/SPEC.md.
 */

enum { PERMITS_MAX = 10000, PREFIXES_MAX = 2 };

/* A kind of queue: the name of a member, and who counts before it. */
struct kind {
    const char *member;
    const char *before[PREFIXES_MAX];
    size_t before_count;
};

static const struct kind fair = {"lock-", {"lock-"}, 1};
static const struct kind reading = {"read-", {"write-"}, 1};
static const struct kind writing = {"write-", {"read-", "write-"}, 2};
static const struct kind permit = {"permit-", {"permit-"}, 1};
static const struct kind candidate = {"candidate-", {"candidate-"}, 1};

struct coord_lock {
    struct coord_client *client;
    struct recipe_grant grant; /* owned */
    const struct kind *kind;   /* NULL: of the simple lock */
    uint32_t n;
    pthread_mutex_t lock;
    bool lost; /* under lock */
};

/* ---- Acquiring ---- */

static enum coord_code take(struct coord_client *client, const struct recipe_claim *claim,
                            const struct kind *kind, uint64_t until_ms,
                            struct coord_lock **ret_lock, struct coord_error *error)
{
    struct coord_lock *lock = client_calloc(1, sizeof(*lock));
    if (lock == NULL) {
        return client_error_no_memory(error);
    }
    enum coord_code code = recipe_ask(client, claim, until_ms, &lock->grant, error);
    if (code != COORD_OK) {
        client_free(lock);
        return code;
    }
    (void)pthread_mutex_init(&lock->lock, NULL);
    lock->client = client;
    lock->kind = kind;
    lock->n = claim->queue.n;
    *ret_lock = lock;
    return COORD_OK;
}

static enum coord_code queue_up(struct coord_client *client, const char *path,
                                const struct kind *kind, uint32_t n, const void *data,
                                size_t data_bytes, uint64_t until_ms, struct coord_lock **ret_lock,
                                struct coord_error *error)
{
    if (path == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    char *member = recipe_join(path, kind->member);
    if (member == NULL) {
        return client_error_no_memory(error);
    }
    const struct recipe_claim claim = {
        .path = member,
        .flags = COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS | COORD_CREATE_CONTAINER_PARENTS,
        .data = data,
        .data_bytes = data_bytes,
        .queue = {.n = n, .prefixes = kind->before, .prefixes_count = kind->before_count}};
    enum coord_code code = take(client, &claim, kind, until_ms, ret_lock, error);
    client_free(member);
    return code;
}

enum coord_code coord_lock_try(struct coord_client *client, const char *path, const void *data,
                               size_t data_bytes, struct coord_lock **ret_lock,
                               struct coord_error *reterr)
{
    const struct recipe_claim claim = {
        .path = path, .data = data, .data_bytes = data_bytes, .queue = {.n = 1}};
    return take(client, &claim, NULL, recipe_until_ms(0), ret_lock, reterr);
}

enum coord_code coord_lock_acquire(struct coord_client *client, const char *path, const void *data,
                                   size_t data_bytes, uint32_t wait_ms,
                                   struct coord_lock **ret_lock, struct coord_error *reterr)
{
    return queue_up(client, path, &fair, 1, data, data_bytes, recipe_until_ms(wait_ms), ret_lock,
                    reterr);
}

enum coord_code coord_lock_acquire_read(struct coord_client *client, const char *path,
                                        const void *data, size_t data_bytes, uint32_t wait_ms,
                                        struct coord_lock **ret_lock, struct coord_error *reterr)
{
    return queue_up(client, path, &reading, 1, data, data_bytes, recipe_until_ms(wait_ms), ret_lock,
                    reterr);
}

enum coord_code coord_lock_acquire_write(struct coord_client *client, const char *path,
                                         const void *data, size_t data_bytes, uint32_t wait_ms,
                                         struct coord_lock **ret_lock, struct coord_error *reterr)
{
    return queue_up(client, path, &writing, 1, data, data_bytes, recipe_until_ms(wait_ms), ret_lock,
                    reterr);
}

enum coord_code coord_semaphore_acquire(struct coord_client *client, const char *path,
                                        uint32_t permits, const void *data, size_t data_bytes,
                                        uint32_t wait_ms, struct coord_lock **ret_lock,
                                        struct coord_error *reterr)
{
    if (permits == 0 || permits > PERMITS_MAX) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT, "permits: %u is none of 1 to %d",
                                (unsigned)permits, PERMITS_MAX);
    }
    return queue_up(client, path, &permit, permits, data, data_bytes, recipe_until_ms(wait_ms),
                    ret_lock, reterr);
}

enum coord_code coord_election_campaign(struct coord_client *client, const char *path,
                                        const void *data, size_t data_bytes, uint32_t wait_ms,
                                        struct coord_lock **ret_office, struct coord_error *reterr)
{
    return queue_up(client, path, &candidate, 1, data, data_bytes, recipe_until_ms(wait_ms),
                    ret_office, reterr);
}

/* ---- Several at once ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

/* The places of `paths`, in the order of what stands there. */
static enum coord_code sort(const char *const *paths, size_t count,
                            const char *const *places[COORD_MULTI_LOCK_MAX],
                            struct coord_error *error)
{
    if (count > COORD_MULTI_LOCK_MAX) {
        return client_error_set(error, COORD_TOO_MANY, "%zu locks at once; at most %d", count,
                                COORD_MULTI_LOCK_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (paths[i] == NULL) {
            return client_error_set(error, COORD_INVALID_ARGUMENT, "path %zu: it is NULL", i);
        }
        places[i] = &paths[i];
    }
    qsort(places, count, sizeof(places[0]), by_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(*places[i - 1], *places[i]) == 0) {
            return client_error_set(error, COORD_INVALID_ARGUMENT, "%s: it is named twice",
                                    *places[i]);
        }
    }
    return COORD_OK;
}

enum coord_code coord_lock_acquire_all(struct coord_client *client, const char *const *paths,
                                       size_t count, const void *data, size_t data_bytes,
                                       uint32_t wait_ms, struct coord_lock **ret_locks,
                                       struct coord_error *reterr)
{
    const char *const *places[COORD_MULTI_LOCK_MAX];
    struct coord_lock *locks[COORD_MULTI_LOCK_MAX] = {NULL};
    uint64_t until_ms = recipe_until_ms(wait_ms);
    enum coord_code code = sort(paths, count, places, reterr);
    client_enter(client);
    for (size_t i = 0; i < count && code == COORD_OK; i++) {
        code = queue_up(client, *places[i], &fair, 1, data, data_bytes, until_ms,
                        &locks[places[i] - paths], reterr);
    }
    for (size_t i = 0; i < count && i < COORD_MULTI_LOCK_MAX; i++) {
        if (code == COORD_OK) {
            ret_locks[i] = locks[i];
        } else {
            (void)coord_lock_release(locks[i], NULL);
        }
    }
    client_leave(client);
    return code;
}

/* ---- What is held ---- */

/* With the lock held: takes in what the watch has told. */
static void note_item(struct coord_lock *lock, struct coord_watch_item *item)
{
    bool elsewhere = item->kind == COORD_WATCH_QUEUE &&
                     (item->queue_state != COORD_QUEUE_FRONT || item->fence != lock->grant.fence);
    lock->lost = lock->lost || elsewhere || item->kind == COORD_WATCH_ENDED;
    coord_watch_item_free(item);
}

static void note_told(struct coord_lock *lock)
{
    struct coord_watch_item *item = NULL;
    while (coord_watch_next(lock->grant.watch, 0, &item, NULL) == COORD_OK) {
        note_item(lock, item);
    }
}

/* With the lock held. */
static enum coord_hold state_now(struct coord_lock *lock)
{
    uint64_t id = 0;
    note_told(lock);
    enum coord_session_state state = coord_session_state(lock->client, &id);
    bool lives = id == lock->grant.session &&
                 (state == COORD_STATE_CONNECTED || state == COORD_STATE_SUSPECT);
    lock->lost = lock->lost || !lives;
    if (lock->lost) {
        return COORD_HOLD_LOST;
    }
    return state == COORD_STATE_SUSPECT ? COORD_HOLD_SUSPECT : COORD_HOLD_SAFE;
}

enum coord_hold coord_lock_state(struct coord_lock *lock)
{
    (void)pthread_mutex_lock(&lock->lock);
    enum coord_hold state = state_now(lock);
    (void)pthread_mutex_unlock(&lock->lock);
    return state;
}

/* Until something may have changed, or until then. */
static void wait_change(struct coord_lock *lock, enum coord_hold state, uint64_t until_ms)
{
    struct coord_watch_item *item = NULL;
    if (state == COORD_HOLD_SUSPECT) { /* the cluster is not heard, so the watch is not either */
        enum coord_session_state seen = COORD_STATE_SUSPECT;
        uint64_t id = lock->grant.session;
        (void)coord_session_wait(lock->client, recipe_rest_ms(until_ms), &seen, &id, NULL);
        return;
    }
    uint64_t look_ms = client_state_look_ms(lock->client, until_ms);
    if (coord_watch_next(lock->grant.watch, recipe_rest_ms(look_ms), &item, NULL) == COORD_OK) {
        (void)pthread_mutex_lock(&lock->lock);
        note_item(lock, item);
        (void)pthread_mutex_unlock(&lock->lock);
    }
}

enum coord_code coord_lock_wait(struct coord_lock *lock, uint32_t wait_ms, enum coord_hold *state,
                                struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    enum coord_hold found = coord_lock_state(lock);
    while (found == *state) {
        if (found == COORD_HOLD_LOST) {
            return client_error_set(reterr, COORD_CLOSED, "it is lost, and stays so");
        }
        if (client_driver_now_ms() >= until_ms) {
            return client_error_set(reterr, COORD_TIMEOUT, "no change in time");
        }
        wait_change(lock, found, until_ms);
        found = coord_lock_state(lock);
    }
    *state = found;
    return COORD_OK;
}

uint64_t coord_lock_fence(const struct coord_lock *lock)
{
    return lock->grant.fence;
}

const char *coord_lock_path(const struct coord_lock *lock)
{
    return lock->grant.path;
}

enum coord_code coord_lock_guard(const struct coord_lock *lock, struct coord_call_options *call,
                                 struct coord_error *reterr)
{
    const struct kind *kind = lock->kind;
    return coord_call_options_set_if_held(call, lock->grant.path, lock->grant.fence, lock->n,
                                          kind != NULL ? kind->before : NULL,
                                          kind != NULL ? kind->before_count : 0, reterr);
}

enum coord_code coord_lock_release(struct coord_lock *lock, struct coord_error *reterr)
{
    enum coord_code code = COORD_OK;
    if (lock == NULL) {
        return COORD_OK;
    }
    if (coord_lock_state(lock) != COORD_HOLD_LOST) {
        uint64_t until_ms = client_driver_now_ms() + lock->client->options->timeout_ms;
        code = recipe_give_back(lock->client, lock->grant.path, lock->grant.fence, until_ms, NULL,
                                reterr);
    }
    coord_watch_close(lock->grant.watch);
    (void)pthread_mutex_destroy(&lock->lock);
    client_free(lock->grant.path);
    client_free(lock);
    return code;
}
