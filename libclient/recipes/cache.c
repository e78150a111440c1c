#include "recipes/copy.h"
#include "recipes/internal.h"

#include <string.h>

/*
 * A copy that follows the tree. On the client's background thread a watch tells what changes, and
 * reads tell what it cannot:
 *
 *   fill      all pages of the node and what is below it, into a copy of their own
 *   changes   what changed since the state that is shown, after RESYNC
 *   absent    whether the node is not there, where one of these was told so; then the copy is empty
 *
 * Invariants
 *   K1 Every event above complete_zxid has been told, in order. Those told while a read is under
 *      way, or before the copy has reached complete_zxid, are held.
 *   K2 All pages of one read show one state, never older than what the watch has told before
 *      (COORD_SESSION); so events up to that state are dropped, and later ones are applied.
 *   K3 The copy changes under the lock alone, from one state of the tree to a later one.
 */

enum { RETRY_MS = 200 };

/* Of events that are held; beyond it what was told is read again. */
#define HELD_BYTES_MAX ((size_t)64 << 20)

enum reading { READ_NOTHING, READ_FILL, READ_CHANGES, READ_ABSENT };

struct page {
    struct page *next;
    struct coord_result *result; /* owned */
};

struct coord_cache {
    struct coord_client *client;
    char *path; /* owned, as the next one; both constant */
    struct coord_call_options *call;
    enum coord_watch_scope scope;
    size_t bytes_max;
    atomic_uint refs; /* the handle's, and the background's */
    struct client_ready begin_ready, stop_ready, told_ready;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* any of the next ones; its clock is CLOCK_MONOTONIC */
    /* Under lock; the first three are changed by the background thread alone. */
    struct copy copy;
    uint64_t shown_zxid;      /* of its last change; 0: it was not filled yet */
    struct coord_error ended; /* COORD_OK: it goes on */
    bool stopped;             /* nothing goes on in the background but a read perhaps */
    bool closed;              /* nobody is called any more */
    coord_cache_fn fn;
    void *fn_context;

    /* On the background thread. */
    struct coord_watch *watch; /* owned; NULL: it is to be set again */
    uint64_t reached_zxid;     /* the copy is of this state */
    uint64_t complete_zxid;    /* K1; UINT64_MAX: the watch is not set */
    enum reading reading;
    bool must_fill;
    uint64_t read_zxid;                         /* of the read under way; 0: no page yet */
    struct copy filling;                        /* of READ_FILL and READ_ABSENT */
    struct page *pages, **pages_end;            /* of READ_CHANGES */
    size_t pages_bytes;                         /* of their data */
    struct client_watch_item *held, **held_end; /* K1; owned */
    size_t held_bytes;
    struct client_timer timer; /* to try again what failed */
};

/* ---- What others see ---- */

/* With the lock held. */
static void tell(struct coord_cache *cache)
{
    (void)pthread_cond_broadcast(&cache->changed);
    if (cache->fn != NULL && !cache->closed) {
        client_dispatch_post(&cache->client->dispatch, &cache->told_ready);
    }
}

static void unref(struct coord_cache *cache)
{
    if (atomic_fetch_sub(&cache->refs, 1) == 1) {
        copy_release(&cache->copy);
        coord_call_options_free(cache->call);
        (void)pthread_cond_destroy(&cache->changed);
        (void)pthread_mutex_destroy(&cache->lock);
        client_free(cache->path);
        client_free(cache);
    }
}

/* ---- What is held, and what was read ---- */

static void drop_first_held(struct coord_cache *cache)
{
    struct client_watch_item *item = cache->held;
    cache->held = item->next;
    cache->held_end = cache->held != NULL ? cache->held_end : &cache->held;
    cache->held_bytes -= item->bytes;
    client_watch_item_free(item);
}

static void drop_held(struct coord_cache *cache)
{
    while (cache->held != NULL) {
        drop_first_held(cache);
    }
}

/* Takes the item. */
static void hold(struct coord_cache *cache, struct client_watch_item *item)
{
    item->next = NULL;
    *cache->held_end = item;
    cache->held_end = &item->next;
    cache->held_bytes += item->bytes;
    if (cache->held_bytes > HELD_BYTES_MAX) {
        cache->complete_zxid = item->item.zxid;
        drop_held(cache);
    }
}

/* The read is over, or begins. */
static void drop_read(struct coord_cache *cache)
{
    copy_release(&cache->filling);
    while (cache->pages != NULL) {
        struct page *page = cache->pages;
        cache->pages = page->next;
        coord_result_free(page->result);
        client_free(page);
    }
    cache->pages_end = &cache->pages;
    cache->pages_bytes = 0;
    cache->read_zxid = 0;
    cache->reading = READ_NOTHING;
}

/* ---- Failing ---- */

static void stop_watching(struct coord_cache *cache)
{
    coord_watch_close(cache->watch);
    cache->watch = NULL;
    cache->complete_zxid = UINT64_MAX;
    drop_held(cache);
}

/* What another try may not meet. */
static bool is_passing(enum coord_code code)
{
    switch ((int)code) {
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_SESSION_EXPIRED:
    case COORD_SESSION_MOVED:
    case COORD_SESSION_REFUSED:
    case COORD_NOT_BORN:
    case COORD_SHUTTING_DOWN:
    case COORD_BEHIND:
    case COORD_LIMIT_TIME:
    case COORD_UNREACHABLE:
    case COORD_TIMEOUT:
        return true;
    default:
        return false;
    }
}

/* It is tried again in a while, or that is the end. */
static void fail(struct coord_cache *cache, enum coord_code code, const char *message)
{
    if (is_passing(code)) {
        client_timer_set(&cache->client->background, &cache->timer,
                         client_driver_now_ms() + RETRY_MS);
        return;
    }
    stop_watching(cache);
    client_timer_clear(&cache->client->background, &cache->timer);
    (void)pthread_mutex_lock(&cache->lock);
    (void)client_error_set(&cache->ended, code, "%s", message);
    tell(cache);
    (void)pthread_mutex_unlock(&cache->lock);
}

static void fail_by(struct coord_cache *cache, enum coord_code code)
{
    fail(cache, code, coord_code_text(code));
}

static bool has_ended(const struct coord_cache *cache)
{
    return cache->ended.code != COORD_OK;
}

static void check_size(struct coord_cache *cache, const struct copy *copy)
{
    if (copy->bytes > cache->bytes_max) {
        struct coord_error error;
        (void)client_error_set(&error, COORD_TOO_LARGE,
                               "%s and what is below it take more than %zu bytes: cache less of it",
                               cache->path, cache->bytes_max);
        fail(cache, error.code, error.message);
    }
}

/* ---- Applying ---- */

/* The copy is of a later state. With the lock held. */
static void reach(struct coord_cache *cache, uint64_t zxid, bool changed)
{
    CD_ASSERT(zxid >= cache->reached_zxid); /* K3: whoever calls this has looked */
    cache->reached_zxid = zxid;
    if (changed) {
        cache->shown_zxid = zxid;
        tell(cache);
    }
}

static void apply_events(struct coord_cache *cache, const struct coord_watch_item *item)
{
    struct copy_batch batch;
    enum coord_code code = COORD_OK;
    (void)pthread_mutex_lock(&cache->lock);
    copy_batch_init(&batch, &cache->copy);
    for (size_t i = 0; i < item->events_count && code == COORD_OK; i++) {
        code = copy_batch_add_event(&batch, item->events[i]);
    }
    if (code == COORD_OK) {
        copy_batch_apply(&batch);
        reach(cache, item->zxid, batch.changed);
    }
    cache->must_fill = cache->must_fill || (batch.acl_moved && cache->scope != COORD_WATCH_NODE);
    copy_batch_release(&batch);
    (void)pthread_mutex_unlock(&cache->lock);
    if (code != COORD_OK) {
        fail_by(cache, code);
    } else {
        check_size(cache, &cache->copy);
    }
}

static void finish_fill(struct coord_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    bool changed = cache->shown_zxid == 0 || !copy_equals(&cache->copy, &cache->filling);
    struct copy before = cache->copy;
    cache->copy = cache->filling;
    cache->filling = before;
    reach(cache, cache->read_zxid, changed);
    (void)pthread_mutex_unlock(&cache->lock);
    cache->must_fill = false;
    drop_read(cache);
}

static void finish_changes(struct coord_cache *cache)
{
    struct copy_batch batch;
    enum coord_code code = COORD_OK;
    (void)pthread_mutex_lock(&cache->lock);
    copy_batch_init(&batch, &cache->copy);
    batch.since = cache->reached_zxid;
    for (struct page *page = cache->pages; page != NULL && code == COORD_OK; page = page->next) {
        code = copy_batch_add_changes(&batch, page->result);
    }
    if (code == COORD_OK) {
        copy_batch_apply(&batch);
        reach(cache, cache->read_zxid, batch.changed);
    }
    /* Without a change of its own something has come into sight. */
    cache->must_fill = cache->must_fill || batch.acl_moved || code == COORD_NO_NODE;
    copy_batch_release(&batch);
    (void)pthread_mutex_unlock(&cache->lock);
    drop_read(cache);
    if (code != COORD_OK && code != COORD_NO_NODE) {
        fail_by(cache, code);
    } else {
        check_size(cache, &cache->copy);
    }
}

/* ---- Reading ---- */

static void ask(struct coord_cache *cache, const struct coord_result *previous)
{
    struct coord_client *client = cache->client;
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (cache->reading == READ_ABSENT) {
        code = coord_exists(client, cache->path, cache->call, NULL, &error);
    } else if (cache->reading == READ_CHANGES) {
        code = coord_changed_since(client, cache->path, cache->reached_zxid,
                                   COORD_CHANGED_WITH_DATA, 0, previous, cache->call, NULL, &error);
    } else if (cache->scope == COORD_WATCH_NODE) {
        code = coord_get(client, cache->path, cache->call, NULL, &error);
    } else {
        code = coord_list(client, cache->path, COORD_LIST_WITH_STAT | COORD_LIST_WITH_DATA,
                          cache->scope == COORD_WATCH_CHILDREN ? 1 : 0, 0, previous, cache->call,
                          NULL, &error);
    }
    if (code != COORD_OK) {
        drop_read(cache);
        fail(cache, code, error.message);
    }
}

static void begin_read(struct coord_cache *cache, enum reading reading)
{
    cache->reading = reading;
    if (reading != READ_CHANGES && !copy_init(&cache->filling, cache->path)) {
        drop_read(cache);
        fail_by(cache, COORD_NO_MEMORY);
        return;
    }
    ask(cache, NULL);
}

/* Takes the page. */
static enum coord_code keep_page(struct coord_cache *cache, struct coord_result *result)
{
    struct page *page = client_calloc(1, sizeof(*page));
    if (page == NULL) {
        coord_result_free(result);
        return COORD_NO_MEMORY;
    }
    page->result = result;
    *cache->pages_end = page;
    cache->pages_end = &page->next;
    for (size_t i = 0; i < coord_result_changes_count(result); i++) {
        cache->pages_bytes += coord_result_change(result, i)->data_bytes;
    }
    return cache->pages_bytes <= cache->bytes_max ? COORD_OK : COORD_TOO_LARGE;
}

/* What a page of a fill, or the node alone, has. */
static enum coord_code add_page(struct coord_cache *cache, const struct coord_result *result)
{
    if (cache->scope != COORD_WATCH_NODE) {
        return copy_add_page(&cache->filling, result);
    }
    size_t bytes = 0;
    const void *data = coord_result_data(result, &bytes);
    return copy_add(&cache->filling, cache->path, coord_result_stat(result), data, bytes);
}

/* A page of a fill. */
static void take_filling(struct coord_cache *cache, struct coord_result *result)
{
    enum coord_code code = add_page(cache, result);
    if (code != COORD_OK) {
        drop_read(cache);
        fail_by(cache, code);
    } else if (cache->filling.bytes > cache->bytes_max) {
        check_size(cache, &cache->filling);
        drop_read(cache);
    } else if (coord_result_more(result)) {
        ask(cache, result);
    } else {
        finish_fill(cache);
    }
    coord_result_free(result);
}

/* Takes one page of the read. */
static void take_page(struct coord_cache *cache, struct coord_result *result)
{
    cache->read_zxid = cache->read_zxid != 0 ? cache->read_zxid : coord_result_zxid(result);
    if (cache->read_zxid < cache->reached_zxid) { /* K2: no replica may answer so */
        coord_result_free(result);
        drop_read(cache);
        fail_by(cache, COORD_BEHIND);
    } else if (cache->reading == READ_FILL) {
        take_filling(cache, result);
    } else if (cache->reading == READ_CHANGES) {
        enum coord_code code = keep_page(cache, result);
        if (code != COORD_OK) {
            drop_read(cache);
            fail_by(cache, code);
        } else if (coord_result_more(result)) {
            ask(cache, result);
        } else {
            finish_changes(cache);
        }
    } else {
        bool exists = coord_result_exists(result);
        coord_result_free(result);
        if (exists) {
            drop_read(cache); /* by now; it is read again */
        } else {
            finish_fill(cache);
        }
    }
}

/* ---- What goes on ---- */

/* What it is told next can be applied. */
static bool is_in_step(const struct coord_cache *cache)
{
    return !has_ended(cache) && cache->shown_zxid != 0 && cache->reading == READ_NOTHING &&
           !cache->must_fill && cache->complete_zxid <= cache->reached_zxid;
}

/* Applies what is held, as far as that can be done, and reads what is missing. */
static void go_on(struct coord_cache *cache)
{
    while (cache->held != NULL &&
           (cache->held->item.zxid <= cache->reached_zxid || is_in_step(cache))) {
        struct client_watch_item *item = cache->held;
        if (item->item.zxid > cache->reached_zxid) {
            apply_events(cache, &item->item); /* which may drop all that is held */
        }
        if (cache->held == item) {
            drop_first_held(cache);
        }
    }
    bool may_read = !has_ended(cache) && cache->reading == READ_NOTHING &&
                    cache->complete_zxid != UINT64_MAX && cache->timer.due_ms == 0;
    if (may_read && !is_in_step(cache)) {
        bool changes =
            cache->shown_zxid != 0 && !cache->must_fill && cache->scope == COORD_WATCH_SUBTREE;
        begin_read(cache, changes ? READ_CHANGES : READ_FILL);
    }
}

static void on_read(void *context, enum coord_code code, struct coord_result *result,
                    const struct coord_error *error)
{
    struct coord_cache *cache = context;
    if (cache->stopped || has_ended(cache)) {
        bool stopped = cache->stopped;
        coord_result_free(result);
        drop_read(cache);
        if (stopped) {
            unref(cache);
        }
        return;
    }
    if (code == COORD_OK) {
        take_page(cache, result);
    } else if (code == COORD_NO_NODE && cache->reading != READ_ABSENT) {
        drop_read(cache);
        begin_read(cache, READ_ABSENT);
    } else {
        drop_read(cache);
        if (code != COORD_CURSOR_EXPIRED) { /* then from its first page on, at once */
            fail(cache, code, error->message);
        }
    }
    go_on(cache);
}

static void on_item(void *context, struct coord_watch *watch, struct coord_watch_item *item)
{
    struct coord_cache *cache = context;
    (void)watch;
    switch (item->kind) {
    case COORD_WATCH_EVENTS:
        hold(cache, (struct client_watch_item *)item);
        go_on(cache);
        return;
    case COORD_WATCH_SET:
    case COORD_WATCH_RESYNC: /* of what is held nothing is above its zxid */
        drop_held(cache);
        cache->complete_zxid = item->zxid;
        go_on(cache);
        break;
    case COORD_WATCH_BOOKMARK:
        if (is_in_step(cache) && item->zxid > cache->reached_zxid) {
            cache->reached_zxid = item->zxid;
        }
        break;
    case COORD_WATCH_ENDED:
        stop_watching(cache);
        fail(cache, item->code, item->message);
        break;
    case COORD_WATCH_LAGGED: /* what was left out is told again, or RESYNC */
    case COORD_WATCH_QUEUE:
        break;
    }
    coord_watch_item_free(item);
}

static void set_watch(struct coord_cache *cache)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code =
        coord_watch_tree(cache->client, cache->path, cache->scope, 0, COORD_WATCH_WITH_DATA,
                         cache->reached_zxid, cache->call, &cache->watch, &error);
    if (code != COORD_OK) {
        fail(cache, code, error.message);
        return;
    }
    client_watch_set_background(cache->watch, on_item, cache);
}

static void run_timer(struct client_timer *timer)
{
    struct coord_cache *cache =
        (struct coord_cache *)((char *)timer - offsetof(struct coord_cache, timer));
    if (cache->watch == NULL) {
        set_watch(cache);
    } else {
        go_on(cache);
    }
}

static void run_begin(struct client_ready *ready)
{
    set_watch((struct coord_cache *)((char *)ready - offsetof(struct coord_cache, begin_ready)));
}

static void run_stop(struct client_ready *ready)
{
    struct coord_cache *cache =
        (struct coord_cache *)((char *)ready - offsetof(struct coord_cache, stop_ready));
    bool is_reading = cache->reading != READ_NOTHING;
    stop_watching(cache);
    client_timer_clear(&cache->client->background, &cache->timer);
    (void)pthread_mutex_lock(&cache->lock);
    cache->stopped = true;
    (void)pthread_cond_broadcast(&cache->changed);
    (void)pthread_mutex_unlock(&cache->lock);
    if (!is_reading) { /* else its outcome does */
        unref(cache);
    }
}

static void run_told(struct client_ready *ready)
{
    struct coord_cache *cache =
        (struct coord_cache *)((char *)ready - offsetof(struct coord_cache, told_ready));
    (void)pthread_mutex_lock(&cache->lock);
    coord_cache_fn fn = cache->fn;
    void *context = cache->fn_context;
    (void)pthread_mutex_unlock(&cache->lock);
    if (fn != NULL) {
        fn(context, cache);
    }
}

/* ---- Life ---- */

static struct coord_call_options *make_call(struct coord_cache *cache)
{
    struct coord_call_options *call = coord_call_options_create();
    if (call != NULL) {
        coord_call_options_set_timeout_ms(call, COORD_TIMEOUT_MAX_MS);
        coord_call_options_set_level(call, COORD_SESSION);
        coord_call_options_set_done(call, on_read, cache);
        call->in_background = true;
    }
    return call;
}

/* NULL: no memory. */
static struct coord_cache *make(struct coord_client *client, const char *path,
                                enum coord_watch_scope scope, size_t bytes_max)
{
    struct coord_cache *cache = client_calloc(1, sizeof(*cache));
    if (cache == NULL || !client_cond_init(&cache->changed)) {
        client_free(cache);
        return NULL;
    }
    (void)pthread_mutex_init(&cache->lock, NULL); /* cannot fail without attributes */
    atomic_init(&cache->refs, 1);
    cache->client = client;
    cache->scope = scope;
    cache->bytes_max = bytes_max;
    cache->complete_zxid = UINT64_MAX;
    cache->pages_end = &cache->pages;
    cache->held_end = &cache->held;
    cache->begin_ready.run = run_begin;
    cache->stop_ready.run = run_stop;
    cache->told_ready.run = run_told;
    cache->timer.run = run_timer;
    cache->path = client_strdup(path);
    cache->call = make_call(cache);
    if (cache->path == NULL || cache->call == NULL || !copy_init(&cache->copy, path) ||
        !client_background_start(client)) {
        unref(cache);
        return NULL;
    }
    return cache;
}

enum coord_code recipe_cache_create(struct coord_client *client, const char *path,
                                    enum coord_watch_scope scope, size_t bytes_max,
                                    struct coord_cache **ret_cache, struct coord_error *error)
{
    if (path == NULL || path[0] != '/') {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "path: it is %s, and must begin with a slash",
                                path != NULL ? path : "NULL");
    }
    if (scope != COORD_WATCH_NODE && scope != COORD_WATCH_CHILDREN &&
        scope != COORD_WATCH_SUBTREE) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "scope: none of its enum");
    }
    struct coord_cache *cache = make(client, path, scope, bytes_max);
    if (cache == NULL) {
        return client_error_no_memory(error);
    }
    (void)atomic_fetch_add(&cache->refs, 1);
    client_dispatch_post(&client->background.dispatch, &cache->begin_ready);
    *ret_cache = cache;
    return COORD_OK;
}

enum coord_code coord_cache_create(struct coord_client *client, const char *path,
                                   enum coord_watch_scope scope, struct coord_cache **ret_cache,
                                   struct coord_error *reterr)
{
    return recipe_cache_create(client, path, scope, COORD_CACHE_BYTES_MAX, ret_cache, reterr);
}

void coord_cache_close(struct coord_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&cache->lock);
    cache->closed = true;
    (void)pthread_mutex_unlock(&cache->lock);
    client_dispatch_drop(&cache->client->dispatch, &cache->told_ready);
    client_dispatch_post(&cache->client->background.dispatch, &cache->stop_ready);
    (void)pthread_mutex_lock(&cache->lock);
    while (!cache->stopped) { /* soon: that thread waits for no replica */
        (void)pthread_cond_wait(&cache->changed, &cache->lock);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    unref(cache);
}

/* ---- Asking it ---- */

enum coord_code coord_cache_wait(struct coord_cache *cache, uint32_t wait_ms, uint64_t *zxid,
                                 struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    enum coord_code code = COORD_OK;
    client_enter(cache->client);
    (void)pthread_mutex_lock(&cache->lock);
    while (cache->shown_zxid == *zxid && !has_ended(cache) && code == COORD_OK) {
        if (client_driver_now_ms() >= until_ms) {
            code = client_error_set(reterr, COORD_TIMEOUT, "%s: no change within %u ms",
                                    cache->path, (unsigned)wait_ms);
        } else {
            (void)client_cond_wait(&cache->changed, &cache->lock, until_ms);
        }
    }
    if (cache->shown_zxid != *zxid) {
        *zxid = cache->shown_zxid;
        code = COORD_OK;
    } else if (has_ended(cache)) {
        code = client_error_set(reterr, cache->ended.code, "%s", cache->ended.message);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    client_leave(cache->client);
    return code;
}

void coord_cache_set_callback(struct coord_cache *cache, coord_cache_fn changed, void *context)
{
    client_dispatch_drop(&cache->client->dispatch, &cache->told_ready);
    (void)pthread_mutex_lock(&cache->lock);
    cache->fn = changed;
    cache->fn_context = context;
    if (changed != NULL) {
        client_dispatch_post(&cache->client->dispatch, &cache->told_ready);
    }
    (void)pthread_mutex_unlock(&cache->lock);
}

/* ---- Views ---- */

struct coord_view {
    uint64_t zxid;
    size_t count;
    struct copied_node *nodes[]; /* references */
};

/* With the lock held: whether there is something to be seen. */
static enum coord_code check_filled(const struct coord_cache *cache, const char *path,
                                    struct coord_error *error)
{
    if (path == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    if (cache->shown_zxid != 0) {
        return COORD_OK;
    }
    return has_ended(cache)
               ? client_error_set(error, cache->ended.code, "%s", cache->ended.message)
               : client_error_set(error, COORD_TIMEOUT, "%s was not read yet", cache->path);
}

/* With the lock held. The nodes are to be put in. */
static enum coord_code make_view(const struct coord_cache *cache, size_t count,
                                 struct coord_view **ret_view, struct coord_error *error)
{
    struct coord_view *view =
        client_calloc(1, sizeof(*view) + count * sizeof(struct copied_node *));
    if (view == NULL) {
        return client_error_no_memory(error);
    }
    view->zxid = cache->shown_zxid;
    view->count = count;
    *ret_view = view;
    return COORD_OK;
}

enum coord_code coord_cache_get(struct coord_cache *cache, const char *path,
                                struct coord_view **ret_view, struct coord_error *reterr)
{
    struct copied_node *node = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    enum coord_code code = check_filled(cache, path, reterr);
    if (code == COORD_OK) {
        node = copy_find(&cache->copy, path);
        code = node != NULL ? make_view(cache, 1, ret_view, reterr)
                            : client_error_set(reterr, COORD_NO_NODE, "%s is not there", path);
    }
    if (code == COORD_OK) {
        (*ret_view)->nodes[0] = copied_node_ref(node);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return code;
}

enum coord_code coord_cache_children(struct coord_cache *cache, const char *path,
                                     struct coord_view **ret_view, struct coord_error *reterr)
{
    (void)pthread_mutex_lock(&cache->lock);
    enum coord_code code = check_filled(cache, path, reterr);
    if (code == COORD_OK) {
        code = make_view(cache, copy_children(&cache->copy, path, NULL), ret_view, reterr);
    }
    if (code == COORD_OK) {
        struct coord_view *view = *ret_view;
        (void)copy_children(&cache->copy, path, view->nodes);
        for (size_t i = 0; i < view->count; i++) {
            (void)copied_node_ref(view->nodes[i]);
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return code;
}

size_t coord_view_count(const struct coord_view *view)
{
    return view->count;
}

const struct coord_cached *coord_view_at(const struct coord_view *view, size_t index)
{
    return index < view->count ? &view->nodes[index]->shown : NULL;
}

uint64_t coord_view_zxid(const struct coord_view *view)
{
    return view->zxid;
}

void coord_view_free(struct coord_view *view)
{
    for (size_t i = 0; view != NULL && i < view->count; i++) {
        copied_node_unref(view->nodes[i]);
    }
    client_free(view);
}
