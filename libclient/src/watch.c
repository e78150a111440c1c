#include "client_internal.h"

#include "result.h"

#include <stddef.h>
#include <string.h>

/* Watches as their user sees them: the queue between the driver's thread and whoever takes. */

/* All texts of one watch. */
#define WATCH_BYTES_MAX ((size_t)1 << 20)

struct coord_watch {
    struct client_watch watch;
    struct coord_client *client;
    struct client_arena arena; /* of what watch.spec points to */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* its clock is CLOCK_MONOTONIC */
    /* Under lock. */
    struct client_watch_item *first, **end; /* owned: told and not taken */
    struct client_watch_item **last_link;   /* to the last of them, if there is one */
    bool ended;                             /* the last item was taken */
    coord_item_fn fn;                       /* takes items, if not NULL */
    void *fn_context;
    struct client_dispatch *dispatch; /* where fn runs, if it is not NULL */
    struct client_ready ready;
};

void coord_watch_item_free(struct coord_watch_item *item)
{
    client_watch_item_free((struct client_watch_item *)item);
}

/* ---- Told ---- */

/* Of those only the newest counts. */
static bool replaces(const struct client_watch_item *item, const struct client_watch_item *before)
{
    enum coord_watch_item_kind kind = item->item.kind;
    return before->item.kind == kind && (kind == COORD_WATCH_BOOKMARK || kind == COORD_WATCH_QUEUE);
}

/* On the driver's thread. */
static void on_told(struct client_watch_item *item)
{
    struct coord_watch *watch = item->watch->context;
    struct client_watch_item *old = NULL;
    client_item_out(watch->client->options->space, item);
    (void)pthread_mutex_lock(&watch->lock);
    if (watch->first != NULL && replaces(item, *watch->last_link)) {
        old = *watch->last_link;
        watch->end = watch->last_link;
    }
    item->next = NULL;
    watch->last_link = watch->end;
    *watch->end = item;
    watch->end = &item->next;
    (void)pthread_cond_broadcast(&watch->changed);
    if (watch->fn != NULL) {
        client_dispatch_post(watch->dispatch, &watch->ready);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    if (old != NULL) {
        client_driver_took(watch->client->driver, &watch->watch, old->bytes);
        client_watch_item_free(old);
    }
}

/* With the lock held: there is an item. It stays there. */
static const struct client_watch_item *wait_first(struct coord_watch *watch)
{
    while (watch->first == NULL) {
        (void)pthread_cond_wait(&watch->changed, &watch->lock);
    }
    return watch->first;
}

/* With the lock held. NULL: there is none. */
static struct client_watch_item *take_first(struct coord_watch *watch)
{
    struct client_watch_item *item = watch->first;
    if (item != NULL) {
        watch->first = item->next;
        watch->end = watch->first != NULL ? watch->end : &watch->first;
        watch->last_link = watch->last_link == &item->next ? &watch->first : watch->last_link;
        watch->ended = item->item.kind == COORD_WATCH_ENDED;
        (void)pthread_cond_broadcast(&watch->changed);
    }
    return item;
}

/* One item; the rest has its turn before all else, as it was told before. */
static void run_callback(struct client_ready *ready)
{
    struct coord_watch *watch =
        (struct coord_watch *)((char *)ready - offsetof(struct coord_watch, ready));
    (void)pthread_mutex_lock(&watch->lock);
    struct client_watch_item *item = take_first(watch);
    if (watch->first != NULL) {
        client_dispatch_post_first(watch->dispatch, ready);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    if (item != NULL) {
        client_driver_took(watch->client->driver, &watch->watch, item->bytes);
        watch->fn(watch->fn_context, watch, &item->item); /* the watch may be gone afterwards */
    }
}

static void set_callback(struct coord_watch *watch, struct client_dispatch *dispatch,
                         coord_item_fn told, void *context)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->fn = told;
    watch->fn_context = context;
    watch->dispatch = dispatch;
    if (watch->first != NULL) {
        client_dispatch_post(dispatch, &watch->ready);
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

void coord_watch_set_callback(struct coord_watch *watch, coord_item_fn told, void *context)
{
    set_callback(watch, &watch->client->dispatch, told, context);
}

void client_watch_set_background(struct coord_watch *watch, coord_item_fn told, void *context)
{
    set_callback(watch, &watch->client->background.dispatch, told, context);
}

enum coord_code coord_watch_next(struct coord_watch *watch, uint32_t timeout_ms,
                                 struct coord_watch_item **ret_item, struct coord_error *reterr)
{
    uint64_t until_ms = client_driver_now_ms() + timeout_ms;
    struct client_watch_item *item = NULL;
    enum coord_code code = COORD_OK;
    client_enter(watch->client);
    (void)pthread_mutex_lock(&watch->lock);
    while (watch->first == NULL && !watch->ended && code == COORD_OK) {
        if (client_driver_now_ms() >= until_ms) {
            code = client_error_set(reterr, COORD_TIMEOUT, "nothing within %u ms",
                                    (unsigned)timeout_ms);
        } else {
            (void)client_cond_wait(&watch->changed, &watch->lock, until_ms);
        }
    }
    item = take_first(watch);
    if (item != NULL) {
        code = COORD_OK;
    } else if (watch->ended) {
        code = client_error_set(reterr, COORD_CLOSED, "the watch has ended");
    }
    (void)pthread_mutex_unlock(&watch->lock);
    if (item != NULL) {
        client_driver_took(watch->client->driver, &watch->watch, item->bytes);
        *ret_item = &item->item;
    }
    client_leave(watch->client);
    return code;
}

/* ---- Life ---- */

static void release(struct coord_watch *watch)
{
    while (watch->first != NULL) {
        struct client_watch_item *item = watch->first;
        watch->first = item->next;
        client_watch_item_free(item);
    }
    (void)pthread_cond_destroy(&watch->changed);
    (void)pthread_mutex_destroy(&watch->lock);
    client_arena_release(&watch->arena);
    client_free(watch);
}

/* Copies what the caller may change or free. NULL: no memory. */
static struct coord_watch *make(struct coord_client *client, const struct client_watch_spec *spec)
{
    struct coord_watch *watch = client_calloc(1, sizeof(*watch));
    if (watch == NULL || !client_cond_init(&watch->changed)) {
        client_free(watch);
        return NULL;
    }
    struct client_held texts = {
        .path = "", .prefixes = spec->prefixes, .prefixes_count = spec->prefixes_count};
    struct client_held copies = {.path = NULL};
    (void)pthread_mutex_init(&watch->lock, NULL);
    client_arena_init(&watch->arena, WATCH_BYTES_MAX);
    watch->client = client;
    watch->end = &watch->first;
    watch->watch.spec = *spec;
    watch->watch.told = on_told;
    watch->ready.run = run_callback;
    watch->watch.context = watch;
    bool mapped = spec->path == NULL ||
                  client_path_in(client->options->space, spec->path, &watch->arena, &texts.path,
                                 NULL) == COORD_OK; /* its form was checked */
    if (!mapped || !client_held_copy(&copies, &watch->arena, &texts)) {
        release(watch);
        return NULL;
    }
    watch->watch.spec.path = spec->path != NULL ? copies.path : NULL;
    watch->watch.spec.prefixes = copies.prefixes;
    return watch;
}

struct job {
    struct client_watch_job job;
    struct client_wait wait;
    enum coord_code code;
};

static void on_job(struct client_watch_job *part, enum coord_code code)
{
    struct job *job = part->context;
    job->code = code;
    client_wait_over(&job->wait);
}

/* Hands the watch to the driver, or takes it back; with it the write that makes its node, or NULL.
 */
static enum coord_code run_job(struct coord_watch *watch, bool remove,
                               struct client_request *create)
{
    struct job job = {.job = {.watch = &watch->watch,
                              .remove = remove,
                              .create = create,
                              .done = on_job,
                              .context = &job}};
    client_wait_begin(watch->client, &job.wait);
    client_driver_submit_watch(watch->client->driver, &job.job);
    client_wait_end(watch->client, &job.wait);
    return job.code;
}

void coord_watch_close(struct coord_watch *watch)
{
    if (watch != NULL) {
        (void)run_job(watch, true, NULL); /* taking back cannot fail */
        if (watch->dispatch != NULL) {
            client_dispatch_drop(watch->dispatch, &watch->ready);
        }
        release(watch);
    }
}

/* The watch is on its way, or `watch` is freed. */
static enum coord_code submit(struct coord_watch *watch, struct coord_error *error)
{
    enum coord_code code = run_job(watch, false, NULL);
    if (code != COORD_OK) {
        release(watch);
        return client_error_set(error, code, "the watch: %s", coord_code_text(code));
    }
    return COORD_OK;
}

/* Likewise. */
static enum coord_code wait_until_set(struct coord_watch *watch, struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    (void)pthread_mutex_lock(&watch->lock);
    const struct client_watch_item *first = wait_first(watch);
    if (first->item.kind == COORD_WATCH_ENDED) {
        code = client_error_set(error, first->item.code, "%s", first->item.message);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    if (code != COORD_OK) {
        coord_watch_close(watch);
    }
    return code;
}

/* ---- The calls ---- */

static enum coord_code check_path(const struct coord_client *client, const char *path,
                                  struct coord_error *error)
{
    if (path == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    struct client_arena arena;
    const char *whole = NULL;
    client_arena_init(&arena, SIZE_MAX);
    enum coord_code code = client_path_in(client->options->space, path, &arena, &whole, error);
    client_arena_release(&arena);
    return code;
}

static enum coord_code begin(struct coord_client *client, const struct client_watch_spec *spec,
                             const struct coord_call_options *call, struct coord_watch **ret_watch,
                             struct coord_error *error)
{
    struct coord_watch *watch = make(client, spec);
    if (watch == NULL) {
        return client_error_no_memory(error);
    }
    watch->watch.deadline_ms = client_driver_now_ms() + client_timeout_ms(client, call);
    client_enter(client);
    enum coord_code code = submit(watch, error);
    if (code == COORD_OK && !client_is_async(call)) {
        code = wait_until_set(watch, error);
    }
    client_leave(client);
    if (code == COORD_OK) {
        *ret_watch = watch;
    }
    return code;
}

enum coord_code coord_watch_tree(struct coord_client *client, const char *path,
                                 enum coord_watch_scope scope, uint32_t kinds, uint32_t flags,
                                 uint64_t after_zxid, const struct coord_call_options *call,
                                 struct coord_watch **ret_watch, struct coord_error *reterr)
{
    const uint32_t all_kinds = 1u << COORD_EVENT_CREATED | 1u << COORD_EVENT_DELETED |
                               1u << COORD_EVENT_CHANGED | 1u << COORD_EVENT_ACL_CHANGED;
    const uint32_t all_flags = COORD_WATCH_WITH_DATA | COORD_WATCH_WITH_PREVIOUS |
                               COORD_WATCH_READ_NODE | COORD_WATCH_READ_CHILDREN;
    const struct client_watch_spec spec = {
        .path = path, .scope = scope, .kinds = kinds, .flags = flags, .after_zxid = after_zxid};
    enum coord_code code = check_path(client, path, reterr);
    if (code != COORD_OK) {
        return code;
    }
    if ((kinds & ~all_kinds) != 0 || (flags & ~all_flags) != 0 ||
        (scope != COORD_WATCH_NODE && scope != COORD_WATCH_CHILDREN &&
         scope != COORD_WATCH_SUBTREE)) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "scope, kinds or flags: none of their enum");
    }
    return begin(client, &spec, call, ret_watch, reterr);
}

enum coord_code coord_watch_queue(struct coord_client *client, const char *path, uint32_t n,
                                  const char *const *prefixes, size_t prefixes_count,
                                  const struct coord_call_options *call,
                                  struct coord_watch **ret_watch, struct coord_error *reterr)
{
    const struct client_watch_spec spec = {.queue_front = true,
                                           .path = path,
                                           .n = n,
                                           .prefixes = prefixes,
                                           .prefixes_count = prefixes_count};
    enum coord_code code = check_path(client, path, reterr);
    if (code == COORD_OK) {
        code = client_prefixes_check(prefixes, prefixes_count, reterr);
    }
    return code == COORD_OK ? begin(client, &spec, call, ret_watch, reterr) : code;
}

enum coord_code client_watch_created(struct coord_client *client, const struct client_queue *queue,
                                     struct client_request *create, struct coord_watch **ret_watch,
                                     struct coord_error *error)
{
    const struct client_watch_spec spec = {.queue_front = true,
                                           .n = queue->n,
                                           .prefixes = queue->prefixes,
                                           .prefixes_count = queue->prefixes_count};
    struct coord_watch *watch = make(client, &spec);
    if (watch == NULL) {
        return client_error_no_memory(error);
    }
    create->watch = &watch->watch;
    watch->watch.create = create;
    /* The code is the request's too; nobody will tell a watch anything that was not taken. */
    watch->ended = run_job(watch, false, create) != COORD_OK;
    *ret_watch = watch;
    return COORD_OK;
}

static void on_created(struct client_request *request)
{
    client_wait_over(request->context);
}

/* The write and the watch on its node, in one turn of the driver. */
static enum coord_code create_queued(struct coord_client *client, const struct client_op *op,
                                     const struct client_queue *queue,
                                     const struct coord_call_options *call,
                                     struct coord_watch **ret_watch,
                                     struct coord_result **ret_result, struct coord_error *error)
{
    struct client_wait wait;
    struct client_request request = {.done = on_created, .context = &wait};
    struct coord_watch *watch = NULL;
    enum coord_code code = client_encode(client, op, call, &request, error);
    if (code != COORD_OK) {
        return code;
    }
    request.submitted_ms = client_driver_now_ms();
    request.deadline_ms = request.submitted_ms + client_timeout_ms(client, call);
    client_wait_begin(client, &wait);
    code = client_watch_created(client, queue, &request, &watch, error);
    if (code != COORD_OK) {
        client_wait_over(&wait);
        client_wait_end(client, &wait);
        client_free(request.bytes);
        return code;
    }
    client_wait_end(client, &wait);
    code = client_conclude(client, &request, ret_result, error);
    if (code == COORD_OK) {
        *ret_watch = watch;
    } else {
        coord_watch_close(watch);
    }
    return code;
}

/* The same without waiting. */
static enum coord_code begin_queued(struct coord_client *client, const struct client_op *op,
                                    const struct client_queue *queue,
                                    const struct coord_call_options *call, bool has_output,
                                    struct coord_watch **ret_watch, struct coord_error *error)
{
    struct client_async *async = NULL;
    enum coord_code code = client_async_create(client, op, false, call, has_output, &async, error);
    if (code != COORD_OK) {
        return code;
    }
    code = client_watch_created(client, queue, &async->request, ret_watch, error);
    if (code != COORD_OK) {
        client_async_drop(async);
    }
    return code;
}

enum coord_code client_queue_check(const struct coord_client *client, const struct client_op *op,
                                   const struct client_queue *queue, struct coord_error *error)
{
    if (!client->options->session) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "the client has no session: see coord_options_set_session");
    }
    enum coord_code code = client_op_check(op, error);
    return code == COORD_OK ? client_prefixes_check(queue->prefixes, queue->prefixes_count, error)
                            : code;
}

enum coord_code coord_create_queued(struct coord_client *client, const char *path, const void *data,
                                    size_t data_bytes, uint32_t flags, const struct coord_acl *acl,
                                    uint32_t n, const char *const *prefixes, size_t prefixes_count,
                                    const struct coord_call_options *call,
                                    struct coord_watch **ret_watch,
                                    struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CREATE,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .flags = flags | COORD_CREATE_SEQUENTIAL,
                                 .acl = acl};
    const struct client_queue queue = {
        .n = n, .prefixes = prefixes, .prefixes_count = prefixes_count};
    enum coord_code code = client_queue_check(client, &op, &queue, reterr);
    if (code != COORD_OK) {
        return code;
    }
    client_enter(client);
    code = client_is_async(call)
               ? begin_queued(client, &op, &queue, call, ret_result != NULL, ret_watch, reterr)
               : create_queued(client, &op, &queue, call, ret_watch, ret_result, reterr);
    client_leave(client);
    return code;
}
