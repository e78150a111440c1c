#include "client_internal.h"

#include "codec.h"

/* Calls to service Admin: one replica each, nothing is ever sent twice. */

struct call {
    const char *method;
    const char *endpoint;
    bool is_write;
    struct client_bytes request; /* owned */
};

static void on_done(struct client_unary *unary)
{
    client_wait_over(unary->context);
}

/* Sends it and waits; on COORD_OK `*ret_answer` is the caller's. Frees the request's bytes. */
static enum coord_code carry_out(struct coord_client *client, const struct call *call,
                                 const struct coord_call_options *options,
                                 struct client_bytes *ret_answer, struct coord_error *error)
{
    struct client_wait wait;
    struct client_unary unary = {
        .method = call->method,
        .endpoint = call->endpoint != NULL ? call->endpoint : coord_client_endpoint(client, 0),
        .request = call->request.data,
        .request_count = call->request.count,
        .submitted_ms = client_driver_now_ms(),
        .is_write = call->is_write,
        .done = on_done,
        .context = &wait,
    };
    enum coord_code code = client_is_async(options)
                               ? client_error_set(error, COORD_INVALID_ARGUMENT,
                                                  "call: there are no callbacks for Admin calls")
                               : client_endpoint_check(unary.endpoint, error);
    if (code != COORD_OK) {
        client_free(call->request.data);
        return code;
    }
    unary.deadline_ms = unary.submitted_ms + client_timeout_ms(client, options);
    client_wait_begin(client, &wait);
    client_driver_submit_unary(client->driver, &unary);
    client_wait_end(client, &wait);
    client_free(call->request.data);
    if (unary.code == COORD_OK) {
        *ret_answer = unary.answer;
    } else if (error != NULL) {
        *error = unary.error;
    }
    return unary.code;
}

/* An answer that could not be understood leaves open what was done. */
static enum coord_code unless_clear(enum coord_code code, struct coord_error *error)
{
    if (code != COORD_MALFORMED && code != COORD_NO_MEMORY) {
        return code;
    }
    return client_error_set(error, COORD_OUTCOME_UNKNOWN,
                            "the answer could not be understood; it may or may not have been done: "
                            "ask for the status before you repeat it");
}

enum coord_code coord_admin_init(struct coord_client *client, const char *endpoint,
                                 const struct coord_call_options *call, uint8_t *ret_cluster_id,
                                 struct coord_error *reterr)
{
    struct call init = {.method = "/coord.v1.Admin/Init", .endpoint = endpoint, .is_write = true};
    uint8_t ignored[COORD_CLUSTER_ID_BYTES];
    struct client_bytes answer;
    if (client_codec_init_encode(&init.request) != COORD_OK) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code = carry_out(client, &init, call, &answer, reterr);
    if (code == COORD_OK) {
        code = client_codec_init_decode(answer.data, answer.count,
                                        ret_cluster_id != NULL ? ret_cluster_id : ignored, reterr);
        code = unless_clear(code, reterr);
        client_free(answer.data);
    }
    return code;
}

enum coord_code coord_admin_transfer(struct coord_client *client, const char *endpoint,
                                     uint32_t node_id, const struct coord_call_options *call,
                                     uint32_t *ret_leader_id, struct coord_error *reterr)
{
    struct call transfer = {
        .method = "/coord.v1.Admin/TransferLeadership", .endpoint = endpoint, .is_write = true};
    uint32_t ignored = 0;
    struct client_bytes answer;
    if (client_codec_transfer_encode(node_id, &transfer.request) != COORD_OK) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code = carry_out(client, &transfer, call, &answer, reterr);
    if (code == COORD_OK) {
        code = client_codec_transfer_decode(
            answer.data, answer.count, ret_leader_id != NULL ? ret_leader_id : &ignored, reterr);
        code = unless_clear(code, reterr);
        client_free(answer.data);
    }
    return code;
}

enum coord_code coord_admin_status(struct coord_client *client, const char *endpoint,
                                   const struct coord_call_options *call,
                                   struct coord_status **ret_status, struct coord_error *reterr)
{
    struct call status = {.method = "/coord.v1.Admin/Status", .endpoint = endpoint};
    struct client_bytes answer;
    if (client_codec_status_encode(&status.request) != COORD_OK) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code = carry_out(client, &status, call, &answer, reterr);
    if (code == COORD_OK) {
        code = client_codec_status_decode(answer.data, answer.count, ret_status, reterr);
        client_free(answer.data);
    }
    return code;
}

enum coord_code coord_admin_sessions(struct coord_client *client, const char *endpoint,
                                     uint64_t session_id, uint32_t limit,
                                     const struct coord_sessions *previous,
                                     const struct coord_call_options *call,
                                     struct coord_sessions **ret_sessions,
                                     struct coord_error *reterr)
{
    struct call list = {.method = "/coord.v1.Admin/Sessions", .endpoint = endpoint};
    struct client_bytes answer;
    if (previous != NULL && !previous->more) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT, "previous: that was the last page");
    }
    if (client_codec_sessions_encode(session_id, limit, previous, &list.request) != COORD_OK) {
        return client_error_no_memory(reterr);
    }
    enum coord_code code = carry_out(client, &list, call, &answer, reterr);
    if (code == COORD_OK) {
        code = client_codec_sessions_decode(answer.data, answer.count, ret_sessions, reterr);
        client_free(answer.data);
    }
    return code;
}
