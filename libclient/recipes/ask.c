#include "recipes/internal.h"

#include <string.h>

/*
 * Asking for a node, and giving it back, so that none stays that nobody knows of. A request here
 * may outlive its caller's patience: it goes on until the session knows, and the last of the two,
 * the caller or the driver, cleans up.
 */

/* Longer than anybody waits: it ends with the session, or with the client. */
#define ENDLESS_MS UINT64_C(0x7fffffff)

struct errand {
    struct client_request request;
    struct coord_client *client;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* `over`; its clock is CLOCK_MONOTONIC */
    /* Under lock. */
    bool over;       /* the request is; its outcome does not change any more */
    bool abandoned;  /* nobody waits: whoever finds both set frees it */
    bool gives_back; /* then its node is deleted */
};

uint64_t recipe_until_ms(uint32_t wait_ms)
{
    return wait_ms == COORD_FOREVER ? UINT64_MAX : client_driver_now_ms() + wait_ms;
}

char *recipe_join(const char *path, const char *name)
{
    size_t bytes = strcmp(path, "/") == 0 ? 0 : strlen(path);
    size_t name_bytes = strlen(name) + 1;
    char *joined = client_malloc(bytes + 1 + name_bytes);
    if (joined != NULL) {
        memcpy(joined, path, bytes);
        joined[bytes] = '/';
        memcpy(joined + bytes + 1, name, name_bytes);
    }
    return joined;
}

bool recipe_is_element(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL;
}

static void free_errand(struct errand *errand)
{
    coord_result_free(errand->request.result);
    client_free(errand->request.bytes);
    (void)pthread_cond_destroy(&errand->changed);
    (void)pthread_mutex_destroy(&errand->lock);
    client_free(errand);
}

/* What the create says, which is a transaction's last operation. */
static const struct coord_result *made_by(const struct coord_result *result)
{
    size_t count = coord_result_results_count(result);
    return count != 0 ? coord_result_at(result, count - 1) : result;
}

/* With the session it goes by itself, and no other one is to be opened for it. */
static void give_back_made(struct errand *errand)
{
    if (!errand->gives_back || errand->request.code != COORD_OK) {
        return;
    }
    const struct coord_result *made = made_by(errand->request.result);
    const struct coord_node_stat *stat = coord_result_stat(made);
    if (coord_session_holds(errand->client, stat->ephemeral_owner)) {
        (void)recipe_give_back(errand->client, coord_result_path(made), stat->czxid, 0, NULL, NULL);
    }
}

/* On the driver's thread, or after its end the submitter's. */
static void on_over(struct client_request *request)
{
    struct errand *errand = request->context;
    struct coord_client *client = errand->client;
    client_result_out(client->options->space, request->result);
    (void)pthread_mutex_lock(&errand->lock);
    errand->over = true;
    bool last = errand->abandoned;
    (void)pthread_cond_signal(&errand->changed);
    (void)pthread_mutex_unlock(&errand->lock);
    if (last) {
        give_back_made(errand);
        free_errand(errand);
    }
    client_leave(client);
}

/* NULL: no memory, or the operation cannot be encoded. */
static struct errand *make_errand(struct coord_client *client, const struct client_op *op,
                                  enum coord_code *ret_code, struct coord_error *error)
{
    struct errand *errand = client_calloc(1, sizeof(*errand));
    if (errand == NULL || !client_cond_init(&errand->changed)) {
        client_free(errand);
        *ret_code = client_error_no_memory(error);
        return NULL;
    }
    (void)pthread_mutex_init(&errand->lock, NULL);
    errand->client = client;
    errand->request.done = on_over;
    errand->request.context = errand;
    errand->request.submitted_ms = client_driver_now_ms();
    errand->request.deadline_ms = errand->request.submitted_ms + ENDLESS_MS;
    *ret_code = client_encode(client, op, NULL, &errand->request, error);
    if (*ret_code != COORD_OK) {
        free_errand(errand);
        return NULL;
    }
    client_enter(client); /* until on_over */
    return errand;
}

/* One that was not submitted. */
static void drop_errand(struct errand *errand)
{
    struct coord_client *client = errand->client;
    free_errand(errand);
    client_leave(client);
}

uint32_t recipe_rest_ms(uint64_t until_ms)
{
    uint64_t now_ms = client_driver_now_ms();
    uint64_t rest = until_ms > now_ms ? until_ms - now_ms : 0;
    return rest > COORD_TIMEOUT_MAX_MS ? COORD_TIMEOUT_MAX_MS : (uint32_t)rest;
}

/* Whether it is over by then. */
static bool wait_over(struct errand *errand, uint64_t until_ms)
{
    (void)pthread_mutex_lock(&errand->lock);
    while (!errand->over && client_driver_now_ms() < until_ms) {
        (void)client_cond_wait(&errand->changed, &errand->lock,
                               client_driver_now_ms() + recipe_rest_ms(until_ms));
    }
    bool over = errand->over;
    (void)pthread_mutex_unlock(&errand->lock);
    return over;
}

/* The caller has no more use for it. */
static void leave_errand(struct errand *errand, bool gives_back)
{
    (void)pthread_mutex_lock(&errand->lock);
    errand->abandoned = true;
    errand->gives_back = gives_back;
    bool last = errand->over;
    (void)pthread_mutex_unlock(&errand->lock);
    if (last) {
        give_back_made(errand);
        free_errand(errand);
    }
}

/* ---- Giving back ---- */

/* By czxid: its place in the tree may be somebody else's by now. */
static enum coord_code make_give_back(struct coord_client *client, const char *path, uint64_t fence,
                                      struct errand **ret_errand, struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return client_error_no_memory(error);
    }
    coord_txn_compare(txn, path, COORD_IF_CZXID, COORD_EQUAL, fence);
    coord_txn_add_delete(txn, COORD_THEN, path, COORD_ANY_VERSION, 0);
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    code = client_op_check(&op, error);
    *ret_errand = code == COORD_OK ? make_errand(client, &op, &code, error) : NULL;
    coord_txn_free(txn);
    return code;
}

enum coord_code recipe_give_back(struct coord_client *client, const char *path, uint64_t fence,
                                 uint64_t until_ms, uint64_t *ret_zxid, struct coord_error *error)
{
    struct errand *errand = NULL;
    enum coord_code code = make_give_back(client, path, fence, &errand, error);
    if (code != COORD_OK) {
        return code;
    }
    client_driver_submit(client->driver, &errand->request);
    if (!wait_over(errand, until_ms)) {
        code = client_error_set(error, COORD_TIMEOUT,
                                "no answer in time; the library goes on trying to delete %s", path);
    } else if (errand->request.code != COORD_COMPARE_FAILED &&
               errand->request.code != COORD_SESSION_EXPIRED &&
               errand->request.code != COORD_NOT_APPLIED) { /* else it is gone, or goes */
        code = errand->request.code;
        if (error != NULL && code != COORD_OK) {
            *error = errand->request.error;
        }
        if (ret_zxid != NULL && code == COORD_OK) {
            *ret_zxid = coord_result_zxid(errand->request.result);
        }
    }
    leave_errand(errand, false);
    return code;
}

/* ---- Making ---- */

static enum coord_code grant_made(const struct coord_result *made, struct recipe_grant *ret_grant,
                                  struct coord_error *error)
{
    const struct coord_node_stat *stat = coord_result_stat(made);
    ret_grant->path = client_strdup(coord_result_path(made));
    ret_grant->fence = stat->czxid;
    ret_grant->session = stat->ephemeral_owner;
    return ret_grant->path != NULL ? COORD_OK : client_error_no_memory(error);
}

enum coord_code recipe_needs_session(const struct coord_client *client, struct coord_error *error)
{
    return client->options->session
               ? COORD_OK
               : client_error_set(error, COORD_INVALID_ARGUMENT,
                                  "the client has no session: see coord_options_set_session");
}

enum coord_code recipe_make(struct coord_client *client, const struct coord_txn *txn,
                            uint64_t until_ms, struct recipe_grant *ret_grant,
                            struct coord_error *error)
{
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    enum coord_code code = client_op_check(&op, error);
    struct errand *errand = code == COORD_OK ? make_errand(client, &op, &code, error) : NULL;
    if (errand == NULL) {
        return code;
    }
    client_driver_submit(client->driver, &errand->request);
    if (!wait_over(errand, until_ms)) {
        code = client_error_set(error, COORD_TIMEOUT, "no replica has answered in time");
    } else if (errand->request.code != COORD_OK) {
        code = errand->request.code;
        if (error != NULL) {
            *error = errand->request.error;
        }
    } else {
        code = grant_made(made_by(errand->request.result), ret_grant, error);
    }
    leave_errand(errand, code != COORD_OK);
    return code;
}

/* ---- Asking ---- */

static enum coord_code refusal(struct errand *errand, struct coord_error *error)
{
    (void)wait_over(errand, UINT64_MAX);
    if (error != NULL) {
        *error = errand->request.error;
    }
    return errand->request.code;
}

/* The watch tells of the grant before the answer tells of the node: they come together. */
static enum coord_code conclude(struct errand *errand, const struct coord_watch_item *item,
                                struct recipe_grant *ret_grant, struct coord_error *error)
{
    (void)wait_over(errand, UINT64_MAX);
    if (errand->request.code != COORD_OK) {
        return refusal(errand, error);
    }
    const struct coord_result *made = errand->request.result;
    const struct coord_node_stat *stat = coord_result_stat(made);
    if (item->fence != stat->czxid) {
        return client_error_set(error, COORD_NO_NODE, "somebody has deleted %s",
                                coord_result_path(made));
    }
    return grant_made(made, ret_grant, error);
}

/*
 * Whether an item decides on a claim, and how. A watch that is set again behind a lost stream may
 * be told that there is no such node before the write, sent again as well, is told why: that
 * counts.
 */
static bool judge(struct errand *errand, const struct coord_watch_item *item, uint64_t limit_ms,
                  struct recipe_grant *ret_grant, enum coord_code *ret_code,
                  struct coord_error *error)
{
    bool is_front = item->kind == COORD_WATCH_QUEUE && item->queue_state == COORD_QUEUE_FRONT;
    bool is_gone = item->kind == COORD_WATCH_QUEUE && item->queue_state == COORD_QUEUE_GONE;
    bool has_ended = item->kind == COORD_WATCH_ENDED;
    uint64_t until_ms = has_ended && item->code != COORD_SESSION_EXPIRED ? limit_ms : 0;
    bool is_refused = has_ended && wait_over(errand, until_ms) && errand->request.code != COORD_OK;
    if (is_front || is_refused) {
        *ret_code = conclude(errand, item, ret_grant, error);
    } else if (is_gone) {
        *ret_code = client_error_set(error, COORD_NO_NODE, "somebody has deleted %s", item->path);
    } else if (has_ended) {
        *ret_code = client_error_set(error, item->code, "%s", item->message);
    }
    return is_front || is_gone || has_ended;
}

/* Items until one decides, or it is too late. */
static enum coord_code wait_granted(struct errand *errand, struct coord_watch *watch,
                                    uint64_t until_ms, struct recipe_grant *ret_grant,
                                    struct coord_error *error)
{
    uint64_t first_ms = client_driver_now_ms() + errand->client->options->timeout_ms;
    enum coord_code code = COORD_OK;
    bool told = false;
    bool decided = false;
    while (!decided) {
        uint64_t limit_ms = told || until_ms > first_ms ? until_ms : first_ms;
        struct coord_watch_item *item = NULL;
        enum coord_code next = coord_watch_next(watch, recipe_rest_ms(limit_ms), &item, NULL);
        if (next == COORD_CLOSED) { /* there was no room for it, so its node was not asked for */
            return refusal(errand, error);
        }
        if (next == COORD_OK) {
            told = told || item->kind == COORD_WATCH_QUEUE;
            decided = judge(errand, item, limit_ms, ret_grant, &code, error);
            coord_watch_item_free(item);
        } else if (client_driver_now_ms() >= limit_ms) {
            return client_error_set(error, COORD_TIMEOUT,
                                    told ? "others were before it all the time"
                                         : "no replica has answered in time");
        }
    }
    return code;
}

static enum coord_code ask(struct coord_client *client, const struct recipe_claim *claim,
                           uint64_t until_ms, struct recipe_grant *ret_grant,
                           struct coord_error *error)
{
    const struct client_op op = {.kind = CLIENT_OP_CREATE,
                                 .path = claim->path,
                                 .data = claim->data,
                                 .data_bytes = claim->data_bytes,
                                 .flags = claim->flags | COORD_CREATE_EPHEMERAL};
    enum coord_code code = client_queue_check(client, &op, &claim->queue, error);
    struct errand *errand = code == COORD_OK ? make_errand(client, &op, &code, error) : NULL;
    if (errand == NULL) {
        return code;
    }
    struct coord_watch *watch = NULL;
    code = client_watch_created(client, &claim->queue, &errand->request, &watch, error);
    if (code != COORD_OK) {
        drop_errand(errand);
        return code;
    }
    code = wait_granted(errand, watch, until_ms, ret_grant, error);
    if (code == COORD_OK) {
        ret_grant->watch = watch;
    } else {
        coord_watch_close(watch);
    }
    leave_errand(errand, code != COORD_OK);
    return code;
}

enum coord_code recipe_ask(struct coord_client *client, const struct recipe_claim *claim,
                           uint64_t until_ms, struct recipe_grant *ret_grant,
                           struct coord_error *error)
{
    client_enter(client);
    enum coord_code code = ask(client, claim, until_ms, ret_grant, error);
    client_leave(client);
    return code;
}
