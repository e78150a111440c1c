#include "client_internal.h"

#include "codec.h"

#include <time.h>

/* A client's life, and how its callers wait for the driver. */

#define CLIENT_NAME_DEFAULT "libcoord/" COORD_VERSION

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

/* On the driver's thread. What somebody was told is lost stays lost. */
static void on_publish(void *context, const struct client_lease_view *view)
{
    struct coord_client *client = context;
    (void)pthread_mutex_lock(&client->lock);
    bool changed = view->state != client->lease.state || view->id != client->lease.id;
    client->lease = *view;
    if (client->doomed != 0 && client->doomed == view->id) {
        client->lease.state = COORD_STATE_LOST;
    }
    if (changed) {
        (void)pthread_cond_broadcast(&client->changed);
        client_state_changed(client);
    }
    (void)pthread_mutex_unlock(&client->lock);
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
        .session = options->session,
        .session_timeout_ms = options->session_timeout_ms,
        .publish = on_publish,
        .context = client,
    };
    return client_driver_create(&config, &client->driver, error);
}

static void release(struct coord_client *client)
{
    (void)pthread_cond_destroy(&client->changed);
    client_background_release(&client->background);
    client_dispatch_release(&client->dispatch);
    (void)pthread_cond_destroy(&client->idle);
    (void)pthread_mutex_destroy(&client->lock);
    coord_options_free(client->options);
    client_free(client);
}

/* False: no memory, and nothing was done. */
static bool init_waiting(struct coord_client *client)
{
    if (!client_cond_init(&client->changed)) {
        return false;
    }
    if (!client_dispatch_init(&client->dispatch)) {
        (void)pthread_cond_destroy(&client->changed);
        return false;
    }
    if (!client_background_init(&client->background)) {
        client_dispatch_release(&client->dispatch);
        (void)pthread_cond_destroy(&client->changed);
        return false;
    }
    (void)pthread_mutex_init(&client->lock, NULL); /* cannot fail without attributes, as below */
    (void)pthread_cond_init(&client->idle, NULL);
    client->state_ready.run = client_run_state;
    return true;
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
    if (!init_waiting(client)) {
        client_free(client);
        return client_error_no_memory(reterr);
    }
    client->options = client_options_copy(options);
    code = client->options != NULL ? start_driver(client, reterr) : client_error_no_memory(reterr);
    if (code != COORD_OK) {
        release(client);
        return code;
    }
    *ret_client = client;
    return COORD_OK;
}

/* Nobody else has the client. A callback may begin another call, which ends at once. */
static void run_the_last(struct coord_client *client)
{
    bool close = false;
    coord_session_set_callback(client, NULL, NULL);
    while (client_dispatch_run(&client->dispatch, 0, &close) != 0) {
    }
    while (client_dispatch_run(&client->background.dispatch, 0, &close) !=
           0) { /* its thread ended */
    }
}

void coord_client_close(struct coord_client *client)
{
    if (client == NULL || client_dispatch_want_close(&client->dispatch)) {
        return;
    }
    client_dispatch_close(&client->dispatch);
    (void)pthread_mutex_lock(&client->lock);
    client->closing = true;
    (void)pthread_cond_broadcast(&client->changed);
    (void)pthread_mutex_unlock(&client->lock);
    client_driver_stop(client->driver);
    client_background_stop(client);
    (void)pthread_mutex_lock(&client->lock);
    while (client->calls != 0) {
        (void)pthread_cond_wait(&client->idle, &client->lock);
    }
    (void)pthread_mutex_unlock(&client->lock);
    run_the_last(client);
    client_driver_free(client->driver);
    release(client);
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

void client_enter(struct coord_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    client->calls++;
    (void)pthread_mutex_unlock(&client->lock);
}

void client_leave(struct coord_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    client->calls--;
    if (client->calls == 0) {
        (void)pthread_cond_signal(&client->idle);
    }
    (void)pthread_mutex_unlock(&client->lock);
}

bool client_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes); /* cannot fail on Linux, nor can the clock */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool made = pthread_cond_init(cond, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made;
}

bool client_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};
    return pthread_cond_timedwait(cond, lock, &until) == 0;
}

void client_wait_begin(struct coord_client *client, struct client_wait *wait)
{
    wait->over = false;
    (void)pthread_mutex_init(&wait->lock, NULL);
    (void)pthread_cond_init(&wait->changed, NULL);
    client_enter(client);
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
    client_leave(client);
}

uint32_t client_timeout_ms(const struct coord_client *client, const struct coord_call_options *call)
{
    return call != NULL && call->timeout_ms != 0 ? call->timeout_ms : client->options->timeout_ms;
}

/* ---- A call ---- */

/* A blocking call, or one whose outcome goes to a callback: async.c. */
static void on_done(struct client_request *request)
{
    client_wait_over(request->context);
}

enum coord_code client_encode(const struct coord_client *client, const struct client_op *op,
                              const struct coord_call_options *call, struct client_request *request,
                              struct coord_error *error)
{
    const char *space = client->options->space;
    struct client_arena arena;
    struct client_op whole;
    client_arena_init(&arena, SIZE_MAX);
    enum coord_code code = client_op_in(space, op, &arena, &whole, error);
    if (code == COORD_OK && space != NULL && call != NULL && call->held.path != NULL) {
        struct coord_call_options with = *call; /* borrows all but the path */
        code = client_path_in(space, call->held.path, &arena, &with.held.path, error);
        code = code == COORD_OK ? client_codec_request_encode(request, &whole, &with, error) : code;
    } else if (code == COORD_OK) {
        code = client_codec_request_encode(request, &whole, call, error);
    }
    client_arena_release(&arena);
    return code;
}

enum coord_code client_conclude(const struct coord_client *client, struct client_request *request,
                                struct coord_result **ret_result, struct coord_error *error)
{
    client_result_out(client->options->space, request->result);
    client_free(request->bytes);
    if (request->code != COORD_OK) {
        if (error != NULL) {
            *error = request->error;
        }
        return request->code;
    }
    if (ret_result != NULL) {
        *ret_result = request->result;
    } else {
        coord_result_free(request->result);
    }
    return COORD_OK;
}

enum coord_code client_carry_out(struct coord_client *client, const struct client_op *op,
                                 bool needs_session, const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *error)
{
    struct client_wait wait;
    struct client_request request = {
        .needs_session = needs_session, .done = on_done, .context = &wait};
    enum coord_code code = client_op_check(op, error);
    if (code != COORD_OK) {
        return code;
    }
    if (client_is_async(call)) {
        return client_async_begin(client, op, needs_session, call, ret_result != NULL, error);
    }
    code = client_encode(client, op, call, &request, error);
    if (code != COORD_OK) {
        return code;
    }
    request.submitted_ms = client_driver_now_ms();
    request.deadline_ms = request.submitted_ms + client_timeout_ms(client, call);
    client_enter(client); /* its conclusion needs it as well */
    client_wait_begin(client, &wait);
    client_driver_submit(client->driver, &request);
    client_wait_end(client, &wait);
    code = client_conclude(client, &request, ret_result, error);
    client_leave(client);
    return code;
}
