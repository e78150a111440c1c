#include "client_internal.h"

#include <stddef.h>

/* Calls that do not wait: their outcomes, and what else a program is called for. */

static struct client_async *of_ready(struct client_ready *ready)
{
    return (struct client_async *)((char *)ready - offsetof(struct client_async, ready));
}

/* The program's thread. */
static void run(struct client_ready *ready)
{
    struct client_async *async = of_ready(ready);
    coord_done_fn done = async->done;
    void *context = async->context;
    struct coord_result *result = NULL;
    struct coord_error error = {.code = COORD_OK, .failed_index = COORD_NO_INDEX};
    enum coord_code code = client_conclude(async->client, &async->request, &result, &error);
    client_free(async);
    done(context, code, result, &error);
}

/* The driver's thread, or after its end the submitter's. */
static void on_done(struct client_request *request)
{
    struct client_async *async = request->context;
    struct coord_client *client = async->client;
    client_dispatch_post(async->dispatch, &async->ready);
    client_leave(client);
}

enum coord_code client_async_create(struct coord_client *client, const struct client_op *op,
                                    bool needs_session, const struct coord_call_options *call,
                                    bool has_output, struct client_async **ret_async,
                                    struct coord_error *error)
{
    if (has_output) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "ret_result: it must be NULL, as the outcome goes to a callback");
    }
    struct client_async *async = client_calloc(1, sizeof(*async));
    if (async == NULL) {
        return client_error_no_memory(error);
    }
    async->client = client;
    async->dispatch = call->in_background ? &client->background.dispatch : &client->dispatch;
    async->done = call->done;
    async->context = call->done_context;
    async->ready.run = run;
    async->request.needs_session = needs_session;
    async->request.done = on_done;
    async->request.context = async;
    enum coord_code code = client_encode(client, op, call, &async->request, error);
    if (code != COORD_OK) {
        client_free(async);
        return code;
    }
    async->request.submitted_ms = client_driver_now_ms();
    async->request.deadline_ms = async->request.submitted_ms + client_timeout_ms(client, call);
    client_enter(client); /* until on_done */
    *ret_async = async;
    return COORD_OK;
}

void client_async_drop(struct client_async *async)
{
    struct coord_client *client = async->client;
    client_free(async->request.bytes);
    client_free(async);
    client_leave(client);
}

enum coord_code client_async_begin(struct coord_client *client, const struct client_op *op,
                                   bool needs_session, const struct coord_call_options *call,
                                   bool has_output, struct coord_error *error)
{
    struct client_async *async = NULL;
    enum coord_code code =
        client_async_create(client, op, needs_session, call, has_output, &async, error);
    if (code == COORD_OK) {
        client_driver_submit(client->driver, &async->request);
    }
    return code;
}

/* ---- The session's state ---- */

void client_state_changed(struct coord_client *client)
{
    if (client->state_fn != NULL) {
        client_dispatch_post(&client->dispatch, &client->state_ready);
    }
}

void client_run_state(struct client_ready *ready)
{
    struct coord_client *client =
        (struct coord_client *)((char *)ready - offsetof(struct coord_client, state_ready));
    uint64_t id = 0;
    enum coord_session_state state = coord_session_state(client, &id);
    (void)pthread_mutex_lock(&client->lock);
    coord_state_fn fn = client->state_fn;
    void *context = client->state_context;
    bool is_new = !client->told_any || state != client->told_state || id != client->told_id;
    client->told_any = true;
    client->told_state = state;
    client->told_id = id;
    (void)pthread_mutex_unlock(&client->lock);
    if (fn != NULL && is_new) {
        fn(context, state, id);
    }
}

void coord_session_set_callback(struct coord_client *client, coord_state_fn changed, void *context)
{
    client_dispatch_drop(&client->dispatch, &client->state_ready);
    (void)pthread_mutex_lock(&client->lock);
    client->state_fn = changed;
    client->state_context = context;
    client->told_any = false;
    client_state_changed(client);
    (void)pthread_mutex_unlock(&client->lock);
}

/* ---- The program's side ---- */

size_t coord_client_dispatch(struct coord_client *client, uint32_t timeout_ms)
{
    bool close = false;
    client_enter(client);
    size_t ran =
        client_dispatch_run(&client->dispatch, client_driver_now_ms() + timeout_ms, &close);
    client_leave(client);
    if (close) {
        coord_client_close(client);
    }
    return ran;
}

int coord_client_fd(struct coord_client *client)
{
    return client_dispatch_fd(&client->dispatch);
}
