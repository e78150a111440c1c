#include "recipes/internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/*
 * Ephemeral nodes that are kept up, and members of groups, which are such nodes. A watch tells what
 * is at the place; on the background thread, one step at a time, what is known decides alone:
 *
 *   no watch                       -> watch the place
 *   nothing is there               -> create the node
 *   the own node, with older data  -> set them, if it is still that node
 *   the own node, or another one   -> nothing, until the watch tells a change
 *
 * A step that fails is taken again after a pause. A lost session ends the watch, and the create
 * after it opens the next one. Threads of the program say what is wanted and post `ready`.
 */

enum {
    PAUSE_MS_MIN = 100,             /* after the first failure; doubled with each, */
    PAUSE_MS_MAX = 5000,            /* until one succeeds */
    CALL_MS = COORD_TIMEOUT_MAX_MS, /* the library itself repeats until it knows */
};

struct coord_presence {
    struct coord_client *client;
    char *path;                      /* owned */
    struct coord_call_options *call; /* owned; the background thread's */
    /* The driver takes no lock of a recipe's, so that calls to it may be made with this one. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything that follows; its clock is CLOCK_MONOTONIC */
    /* Under lock: what is wanted. */
    void *data; /* owned; NULL with 0 bytes */
    size_t data_bytes;
    uint64_t wanted; /* the number of these data: 1, 2, 3, ... */
    bool closing;
    bool abandoned; /* nobody waits for `over`: the background thread frees it */
    struct client_ready ready;
    /* Under lock, and set by the background thread alone: what is known. */
    bool known;                /* `there` is as the watch says */
    uint64_t there;            /* czxid of the node at the place; 0: none */
    uint64_t there_zxid;       /* as of then */
    uint64_t czxid, session;   /* of the node created last; 0: none was */
    uint64_t has;              /* the number of its data */
    struct coord_error failed; /* the last step, with this code, or COORD_OK; CLOSED is final */
    bool over;                 /* the background thread knows it no more */
    /* The background thread's. */
    struct coord_watch *watch; /* owned */
    struct client_timer timer; /* set: a pause */
    uint32_t pause_ms;
    bool busy;      /* a call is under way, */
    uint64_t sends; /* with the data of this number */
};

/* ---- Its end ---- */

static void release(struct coord_presence *presence)
{
    (void)pthread_cond_destroy(&presence->changed);
    (void)pthread_mutex_destroy(&presence->lock);
    coord_call_options_free(presence->call);
    client_free(presence->data);
    client_free(presence->path);
    client_free(presence);
}

/* Once it is over. No session is opened to delete the node of one that was lost. */
static enum coord_code give_back(struct coord_presence *presence, uint64_t until_ms,
                                 struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    if (presence->czxid != 0 && coord_session_holds(presence->client, presence->session)) {
        code = recipe_give_back(presence->client, presence->path, presence->czxid, until_ms, NULL,
                                error);
    }
    release(presence);
    return code;
}

static void forget_place(struct coord_presence *presence)
{
    coord_watch_close(presence->watch);
    presence->watch = NULL;
    presence->known = false;
    presence->there = 0;
}

static void end(struct coord_presence *presence)
{
    struct client_background *background = &presence->client->background;
    forget_place(presence);
    client_timer_clear(background, &presence->timer);
    client_dispatch_drop(&background->dispatch, &presence->ready);
    presence->over = true;
}

/* ---- Steps, on the background thread with the lock held ---- */

/* It is tried again after a pause, unless the client is closed. */
static void fail(struct coord_presence *presence, enum coord_code code, const char *why)
{
    struct client_background *background = &presence->client->background;
    (void)client_error_set(&presence->failed, code, "%s", why);
    client_timer_clear(background, &presence->timer);
    if (code != COORD_CLOSED) {
        client_timer_set(background, &presence->timer, client_driver_now_ms() + presence->pause_ms);
        presence->pause_ms *= 2;
        presence->pause_ms = presence->pause_ms < PAUSE_MS_MAX ? presence->pause_ms : PAUSE_MS_MAX;
    }
}

static void succeed(struct coord_presence *presence)
{
    presence->has = presence->sends;
    presence->failed.code = COORD_OK;
    presence->pause_ms = PAUSE_MS_MIN;
}

/* What was there at `zxid`; the answer of a create may come behind what the watch told later. */
static void note_there(struct coord_presence *presence, uint64_t zxid, uint64_t there)
{
    if (zxid >= presence->there_zxid) {
        presence->there_zxid = zxid;
        presence->there = there;
    }
}

static void go_on(struct coord_presence *presence);

static void on_created(void *context, enum coord_code code, struct coord_result *result,
                       const struct coord_error *error)
{
    struct coord_presence *presence = context;
    (void)pthread_mutex_lock(&presence->lock);
    presence->busy = false;
    if (code == COORD_OK && coord_result_stat(result)->czxid == 0) {
        fail(presence, COORD_MALFORMED, "the answer to the create has no czxid");
    } else if (code == COORD_OK) {
        presence->czxid = coord_result_stat(result)->czxid;
        presence->session = coord_result_stat(result)->ephemeral_owner;
        note_there(presence, presence->czxid, presence->czxid);
        succeed(presence);
    } else if (code != COORD_NODE_EXISTS || presence->there == 0) { /* else the watch told of it */
        fail(presence, code, error->message);
    }
    coord_result_free(result);
    go_on(presence);
}

static void on_set(void *context, enum coord_code code, struct coord_result *result,
                   const struct coord_error *error)
{
    struct coord_presence *presence = context;
    (void)pthread_mutex_lock(&presence->lock);
    presence->busy = false;
    if (code == COORD_OK) {
        succeed(presence);
    } else if (code != COORD_COMPARE_FAILED || presence->there == presence->czxid) { /* likewise */
        fail(presence, code, error->message);
    }
    coord_result_free(result);
    go_on(presence);
}

/* LAGGED leaves nothing out: what it speaks of is told later, or a RESYNC is. */
static void on_item(void *context, struct coord_watch *watch, struct coord_watch_item *item)
{
    struct coord_presence *presence = context;
    (void)watch;
    (void)pthread_mutex_lock(&presence->lock);
    if (item->kind == COORD_WATCH_SET) {
        bool exists = coord_result_exists(item->result);
        presence->known = true;
        presence->there_zxid = item->zxid;
        presence->there = exists ? coord_result_stat(item->result)->czxid : 0;
    } else if (item->kind == COORD_WATCH_RESYNC) {
        forget_place(presence);
    } else if (item->kind == COORD_WATCH_ENDED) {
        forget_place(presence);
        fail(presence, item->code, item->message);
    }
    for (size_t i = 0; i < item->events_count; i++) { /* of EVENTS alone */
        const struct coord_event *event = item->events[i];
        note_there(presence, event->zxid, event->kind == COORD_EVENT_CREATED ? event->zxid : 0);
    }
    coord_watch_item_free(item);
    go_on(presence);
}

static enum coord_code watch_place(struct coord_presence *presence, struct coord_error *error)
{
    const uint32_t kinds = 1u << COORD_EVENT_CREATED | 1u << COORD_EVENT_DELETED;
    enum coord_code code =
        coord_watch_tree(presence->client, presence->path, COORD_WATCH_NODE, kinds,
                         COORD_WATCH_READ_NODE, 0, presence->call, &presence->watch, error);
    if (code == COORD_OK) {
        client_watch_set_background(presence->watch, on_item, presence);
    }
    return code;
}

static enum coord_code create_node(struct coord_presence *presence, struct coord_error *error)
{
    coord_call_options_set_done(presence->call, on_created, presence);
    enum coord_code code =
        coord_create(presence->client, presence->path, presence->data, presence->data_bytes,
                     COORD_CREATE_EPHEMERAL | COORD_CREATE_PARENTS | COORD_CREATE_CONTAINER_PARENTS,
                     presence->call, NULL, error);
    presence->busy = code == COORD_OK;
    return code;
}

/* By czxid: the place may be another's by now. */
static enum coord_code set_data(struct coord_presence *presence, struct coord_error *error)
{
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return client_error_no_memory(error);
    }
    coord_call_options_set_done(presence->call, on_set, presence);
    coord_txn_compare(txn, presence->path, COORD_IF_CZXID, COORD_EQUAL, presence->czxid);
    coord_txn_add_set(txn, COORD_THEN, presence->path, presence->data, presence->data_bytes,
                      COORD_ANY_VERSION);
    enum coord_code code = coord_txn_run(presence->client, txn, presence->call, NULL, error);
    coord_txn_free(txn);
    presence->busy = code == COORD_OK;
    return code;
}

static bool is_own(const struct coord_presence *presence)
{
    return presence->known && presence->there != 0 && presence->there == presence->czxid;
}

static void take_step(struct coord_presence *presence)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (presence->watch == NULL) {
        code = watch_place(presence, &error);
    } else if (presence->known && presence->there == 0) {
        presence->sends = presence->wanted;
        code = create_node(presence, &error);
    } else if (is_own(presence) && presence->has != presence->wanted) {
        presence->sends = presence->wanted;
        code = set_data(presence, &error);
    }
    if (code != COORD_OK) {
        fail(presence, code, error.message);
    }
}

static bool is_to_end(const struct coord_presence *presence)
{
    return presence->closing || presence->failed.code == COORD_CLOSED;
}

/*
 * With the lock held, which it gives up. The presence may be gone then. It is over as soon as a
 * step says that the client is closed: the background thread may have no other turn.
 */
static void go_on(struct coord_presence *presence)
{
    if (!presence->busy && !is_to_end(presence) && presence->timer.due_ms == 0) {
        take_step(presence);
    }
    if (!presence->busy && is_to_end(presence) && !presence->over) {
        end(presence);
    }
    bool last = presence->over && presence->abandoned;
    (void)pthread_cond_broadcast(&presence->changed);
    (void)pthread_mutex_unlock(&presence->lock);
    if (last) {
        (void)give_back(presence, 0, NULL);
    }
}

/* With the lock held: the background thread looks at what is wanted. */
static void wish(struct coord_presence *presence)
{
    if (!presence->over) {
        client_dispatch_post(&presence->client->background.dispatch, &presence->ready);
    }
}

static void on_timer(struct client_timer *timer)
{
    struct coord_presence *presence =
        (struct coord_presence *)((char *)timer - offsetof(struct coord_presence, timer));
    (void)pthread_mutex_lock(&presence->lock);
    go_on(presence);
}

/* Something else is wanted: it waits for no pause. */
static void on_wish(struct client_ready *ready)
{
    struct coord_presence *presence =
        (struct coord_presence *)((char *)ready - offsetof(struct coord_presence, ready));
    (void)pthread_mutex_lock(&presence->lock);
    client_timer_clear(&presence->client->background, &presence->timer);
    go_on(presence);
}

/* ---- The program's side ---- */

static enum coord_code check(const struct coord_client *client, const char *path, const void *data,
                             size_t data_bytes, struct coord_error *error)
{
    const struct client_op op = {
        .kind = CLIENT_OP_CREATE, .path = path, .data = data, .data_bytes = data_bytes};
    struct client_op whole;
    struct client_arena arena;
    client_arena_init(&arena, SIZE_MAX);
    enum coord_code code = recipe_needs_session(client, error);
    code = code == COORD_OK ? client_op_check(&op, error) : code;
    code =
        code == COORD_OK ? client_op_in(client->options->space, &op, &arena, &whole, error) : code;
    client_arena_release(&arena);
    return code;
}

/* NULL: no memory, or no bytes. */
static void *copy_of(const void *data, size_t bytes)
{
    void *copy = bytes != 0 ? client_malloc(bytes) : NULL;
    if (copy != NULL) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

/* NULL: no memory. */
static struct coord_presence *make(struct coord_client *client, const char *path, const void *data,
                                   size_t data_bytes)
{
    struct coord_presence *presence = client_calloc(1, sizeof(*presence));
    if (presence == NULL || !client_cond_init(&presence->changed)) {
        client_free(presence);
        return NULL;
    }
    (void)pthread_mutex_init(&presence->lock, NULL);
    presence->client = client;
    presence->path = client_strdup(path);
    presence->call = coord_call_options_create();
    presence->data = copy_of(data, data_bytes);
    presence->data_bytes = data_bytes;
    presence->wanted = 1;
    presence->ready.run = on_wish;
    presence->timer.run = on_timer;
    presence->pause_ms = PAUSE_MS_MIN;
    if (presence->path == NULL || presence->call == NULL ||
        (presence->data == NULL && data_bytes != 0)) {
        release(presence);
        return NULL;
    }
    coord_call_options_set_timeout_ms(presence->call, CALL_MS);
    coord_call_options_set_done(presence->call, on_created, presence);
    presence->call->in_background = true;
    return presence;
}

static enum coord_code begin(struct coord_client *client, const char *path, const void *data,
                             size_t data_bytes, struct coord_presence **ret_presence,
                             struct coord_error *error)
{
    enum coord_code code = check(client, path, data, data_bytes, error);
    if (code != COORD_OK) {
        return code;
    }
    struct coord_presence *presence = make(client, path, data, data_bytes);
    if (presence == NULL || !client_background_start(client)) {
        if (presence != NULL) {
            release(presence);
        }
        return client_error_no_memory(error);
    }
    client_dispatch_post(&client->background.dispatch, &presence->ready);
    *ret_presence = presence;
    return COORD_OK;
}

enum coord_code coord_presence_create(struct coord_client *client, const char *path,
                                      const void *data, size_t data_bytes,
                                      struct coord_presence **ret_presence,
                                      struct coord_error *reterr)
{
    client_enter(client);
    enum coord_code code = begin(client, path, data, data_bytes, ret_presence, reterr);
    client_leave(client);
    return code;
}

/* With the lock held. */
static enum coord_code judge(struct coord_presence *presence, struct coord_error *error)
{
    bool stands = is_own(presence) && coord_session_holds(presence->client, presence->session);
    bool is_refused = presence->failed.code != COORD_OK;
    if (stands && presence->has == presence->wanted && presence->failed.code != COORD_CLOSED) {
        return COORD_OK;
    }
    if (presence->known && presence->there != 0 && !is_own(presence)) {
        return client_error_set(error, COORD_NODE_EXISTS,
                                "another node is at %s, created by zxid %" PRIu64, presence->path,
                                presence->there);
    }
    if (is_refused && error != NULL) {
        *error = presence->failed;
    }
    return is_refused ? presence->failed.code
                      : client_error_set(error, COORD_TIMEOUT, "%s is on its way", presence->path);
}

enum coord_code coord_presence_state(struct coord_presence *presence, struct coord_error *reterr)
{
    (void)pthread_mutex_lock(&presence->lock);
    enum coord_code code = judge(presence, reterr);
    (void)pthread_mutex_unlock(&presence->lock);
    return code;
}

enum coord_code coord_presence_wait(struct coord_presence *presence, uint32_t wait_ms,
                                    struct coord_error *reterr)
{
    uint64_t until_ms = recipe_until_ms(wait_ms);
    client_enter(presence->client);
    (void)pthread_mutex_lock(&presence->lock);
    enum coord_code code = judge(presence, reterr);
    while (code != COORD_OK && code != COORD_CLOSED && client_driver_now_ms() < until_ms) {
        (void)client_cond_wait(&presence->changed, &presence->lock,
                               client_driver_now_ms() + recipe_rest_ms(until_ms));
        code = judge(presence, reterr);
    }
    (void)pthread_mutex_unlock(&presence->lock);
    client_leave(presence->client);
    return code;
}

enum coord_code coord_presence_set(struct coord_presence *presence, const void *data,
                                   size_t data_bytes, struct coord_error *reterr)
{
    enum coord_code code = check(presence->client, presence->path, data, data_bytes, reterr);
    void *copy = code == COORD_OK ? copy_of(data, data_bytes) : NULL;
    if (code != COORD_OK || (copy == NULL && data_bytes != 0)) {
        return code != COORD_OK ? code : client_error_no_memory(reterr);
    }
    (void)pthread_mutex_lock(&presence->lock);
    void *old = presence->data;
    presence->data = copy;
    presence->data_bytes = data_bytes;
    presence->wanted++;
    wish(presence);
    (void)pthread_mutex_unlock(&presence->lock);
    client_free(old);
    return COORD_OK;
}

const char *coord_presence_path(const struct coord_presence *presence)
{
    return presence->path;
}

enum coord_code coord_presence_close(struct coord_presence *presence, struct coord_error *reterr)
{
    if (presence == NULL) {
        return COORD_OK;
    }
    struct coord_client *client = presence->client;
    uint64_t until_ms = client_driver_now_ms() + client->options->timeout_ms;
    client_enter(client);
    (void)pthread_mutex_lock(&presence->lock);
    presence->closing = true;
    wish(presence);
    while (!presence->over && client_driver_now_ms() < until_ms) {
        (void)client_cond_wait(&presence->changed, &presence->lock, until_ms);
    }
    bool over = presence->over;
    presence->abandoned = !over;
    (void)pthread_mutex_unlock(&presence->lock);
    enum coord_code code =
        over ? give_back(presence, until_ms, reterr)
             : client_error_set(reterr, COORD_TIMEOUT,
                                "no answer in time; the library deletes the node when it can");
    client_leave(client);
    return code;
}

/* ---- Groups ---- */

enum coord_code coord_group_join(struct coord_client *client, const char *path, const char *member,
                                 const void *data, size_t data_bytes,
                                 struct coord_presence **ret_presence, struct coord_error *reterr)
{
    if (path == NULL || member == NULL || !recipe_is_element(member)) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "path, member: a directory, and one element of a path in it");
    }
    char *node = recipe_join(path, member);
    if (node == NULL) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code =
        coord_presence_create(client, node, data, data_bytes, ret_presence, reterr);
    client_free(node);
    return code;
}
