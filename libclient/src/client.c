#include "client_internal.h"

#include "codec.h"
#include "result.h"

/* Blocking calls: each makes a request, hands it to the driver and waits for its outcome. */

#define CLIENT_NAME_DEFAULT "libcoord/0.1.0"

/* ---- Life ---- */

static enum coord_code check_options(const struct coord_options *options, struct coord_error *error)
{
    if (options->endpoints_count == 0) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "no endpoints: set them with coord_options_set_endpoints");
    }
    if (options->ca_file == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "no certificates: set them with coord_options_set_tls_files");
    }
    return COORD_OK;
}

static enum coord_code start_driver(struct coord_client *client, struct coord_error *error)
{
    const struct coord_options *options = client->options;
    const struct client_driver_config config = {
        .endpoints = (const char *const *)options->endpoints,
        .endpoints_count = options->endpoints_count,
        .client_name = options->client_name != NULL ? options->client_name : CLIENT_NAME_DEFAULT,
        .ca_file = options->ca_file,
        .cert_file = options->cert_file,
        .key_file = options->key_file,
    };
    return client_driver_create(&config, &client->driver, error);
}

enum coord_code coord_client_create(const struct coord_options *options,
                                    struct coord_client **ret_client, struct coord_error *reterr)
{
    enum coord_code code = check_options(options, reterr);
    if (code != COORD_OK) {
        return code;
    }
    struct coord_client *client = client_calloc(1, sizeof(*client));
    if (client == NULL) {
        return client_error_no_memory(reterr);
    }
    client->options = client_options_copy(options);
    code = client->options != NULL ? start_driver(client, reterr) : client_error_no_memory(reterr);
    if (code != COORD_OK) {
        coord_options_free(client->options);
        client_free(client);
        return code;
    }
    (void)pthread_mutex_init(&client->lock, NULL); /* cannot fail without attributes, as below */
    (void)pthread_cond_init(&client->idle, NULL);
    *ret_client = client;
    return COORD_OK;
}

void coord_client_close(struct coord_client *client)
{
    if (client == NULL) {
        return;
    }
    client_driver_free(client->driver);
    (void)pthread_mutex_lock(&client->lock);
    while (client->calls != 0) {
        (void)pthread_cond_wait(&client->idle, &client->lock);
    }
    (void)pthread_mutex_unlock(&client->lock);
    (void)pthread_cond_destroy(&client->idle);
    (void)pthread_mutex_destroy(&client->lock);
    coord_options_free(client->options);
    client_free(client);
}

size_t coord_client_endpoints_count(const struct coord_client *client)
{
    return client->options->endpoints_count;
}

const char *coord_client_endpoint(const struct coord_client *client, size_t index)
{
    return index < client->options->endpoints_count ? client->options->endpoints[index] : NULL;
}

/* ---- Waiting ---- */

void client_wait_begin(struct coord_client *client, struct client_wait *wait)
{
    wait->over = false;
    (void)pthread_mutex_init(&wait->lock, NULL);
    (void)pthread_cond_init(&wait->changed, NULL);
    (void)pthread_mutex_lock(&client->lock);
    client->calls++;
    (void)pthread_mutex_unlock(&client->lock);
}

void client_wait_over(struct client_wait *wait)
{
    (void)pthread_mutex_lock(&wait->lock);
    wait->over = true;
    (void)pthread_cond_signal(&wait->changed);
    (void)pthread_mutex_unlock(&wait->lock);
}

void client_wait_end(struct coord_client *client, struct client_wait *wait)
{
    (void)pthread_mutex_lock(&wait->lock);
    while (!wait->over) {
        (void)pthread_cond_wait(&wait->changed, &wait->lock);
    }
    (void)pthread_mutex_unlock(&wait->lock);
    (void)pthread_cond_destroy(&wait->changed);
    (void)pthread_mutex_destroy(&wait->lock);
    (void)pthread_mutex_lock(&client->lock);
    client->calls--;
    if (client->calls == 0) {
        (void)pthread_cond_signal(&client->idle);
    }
    (void)pthread_mutex_unlock(&client->lock);
}

uint32_t client_timeout_ms(const struct coord_client *client, const struct coord_call_options *call)
{
    return call != NULL && call->timeout_ms != 0 ? call->timeout_ms : client->options->timeout_ms;
}

/* ---- Calls ---- */

static void on_done(struct client_request *request)
{
    client_wait_over(request->context);
}

/* One operation from beginning to end. */
static enum coord_code carry_out(struct coord_client *client, const struct client_op *op,
                                 const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *reterr)
{
    struct client_wait wait;
    struct client_request request = {.done = on_done, .context = &wait};
    enum coord_code code = client_op_check(op, reterr);
    if (code != COORD_OK) {
        return code;
    }
    code = client_codec_request_encode(&request, op, call, reterr);
    if (code != COORD_OK) {
        return code;
    }
    request.submitted_ms = client_driver_now_ms();
    request.deadline_ms = request.submitted_ms + client_timeout_ms(client, call);
    client_wait_begin(client, &wait);
    client_driver_submit(client->driver, &request);
    client_wait_end(client, &wait);
    client_free(request.bytes);
    if (request.code != COORD_OK) {
        if (reterr != NULL) {
            *reterr = request.error;
        }
        return request.code;
    }
    if (ret_result != NULL) {
        *ret_result = request.result;
    } else {
        coord_result_free(request.result);
    }
    return COORD_OK;
}

enum coord_code coord_create(struct coord_client *client, const char *path, const void *data,
                             size_t data_bytes, uint32_t flags,
                             const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CREATE,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .flags = flags};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_set(struct coord_client *client, const char *path, const void *data,
                          size_t data_bytes, int64_t version, const struct coord_call_options *call,
                          struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_SET,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .version = version};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_delete(struct coord_client *client, const char *path, int64_t version,
                             uint32_t flags, const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {
        .kind = CLIENT_OP_DELETE, .path = path, .version = version, .flags = flags};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_get(struct coord_client *client, const char *path,
                          const struct coord_call_options *call, struct coord_result **ret_result,
                          struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_GET, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_exists(struct coord_client *client, const char *path,
                             const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_EXISTS, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_stat(struct coord_client *client, const char *path,
                           const struct coord_call_options *call, struct coord_result **ret_result,
                           struct coord_error *reterr)
{
    struct coord_result *result = NULL;
    enum coord_code code = coord_exists(client, path, call, &result, reterr);
    if (code != COORD_OK) {
        return code;
    }
    if (!result->exists) {
        coord_result_free(result);
        return client_error_set(reterr, COORD_NO_NODE, "%s", coord_code_text(COORD_NO_NODE));
    }
    if (ret_result != NULL) {
        *ret_result = result;
    } else {
        coord_result_free(result);
    }
    return COORD_OK;
}

enum coord_code coord_children(struct coord_client *client, const char *path, uint32_t flags,
                               uint32_t limit, const struct coord_result *previous,
                               const struct coord_call_options *call,
                               struct coord_result **ret_result, struct coord_error *reterr)
{
    struct client_op op = {
        .kind = CLIENT_OP_CHILDREN, .path = path, .flags = flags, .limit = limit};
    if (previous != NULL) {
        if (!coord_result_more(previous)) {
            return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                    "previous: that was the last page; see coord_result_more");
        }
        op.cursor = previous->cursor;
        op.cursor_bytes = previous->cursor_bytes;
    }
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_txn_run(struct coord_client *client, const struct coord_txn *txn,
                              const struct coord_call_options *call,
                              struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    return carry_out(client, &op, call, ret_result, reterr);
}
