#include "driver_internal.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include <stdio.h>

/*
 * One request, one answer. The request counts as sent once gRPC has put it on a connection
 * (sent_tag came and was fine); before that a failure is COORD_UNREACHABLE, after it nobody knows.
 */

struct driver_unary {
    struct driver_unary *next;
    struct client_driver *driver;
    struct client_unary *unary; /* the maker's */
    struct driver_call call;
    struct driver_tag answered_tag, received_tag, sent_tag, closed_tag;
    bool sent, over, late;
    grpc_byte_buffer *request, *answer;
};

/* ---- The end ---- */

/* Not answered: `why` is a phrase. */
static void fail(struct driver_unary *call, enum coord_code code, const char *why)
{
    struct client_unary *unary = call->unary;
    if (unary->is_write && call->sent && code != COORD_PERMISSION_DENIED &&
        code != COORD_UNIMPLEMENTED) {
        unary->code = client_error_set(&unary->error, COORD_OUTCOME_UNKNOWN,
                                       "%s; it may or may not have been done: ask for the status "
                                       "before you repeat it",
                                       why);
    } else {
        unary->code = client_error_set(&unary->error, code, "%s", why);
    }
}

static void conclude(struct driver_unary *call)
{
    struct client_unary *unary = call->unary;
    char why[COORD_ERROR_MESSAGE_BYTES / 2];
    enum coord_code code = driver_call_outcome(&call->call, why, sizeof(why));
    if (call->late) {
        (void)snprintf(why, sizeof(why), "no answer within %llu ms",
                       (unsigned long long)(unary->deadline_ms - unary->submitted_ms));
        fail(call, call->sent ? COORD_TIMEOUT : COORD_UNREACHABLE, why);
    } else if (call->answer != NULL && call->call.status == GRPC_STATUS_OK) {
        unary->code = driver_take_message(call->answer, &unary->answer);
        if (unary->code != COORD_OK) {
            fail(call, unary->code, coord_code_text(unary->code));
        }
    } else if (call->driver->stop_begun) {
        fail(call, COORD_CLOSED, "the client was closed");
    } else {
        fail(call, code, why);
    }
}

static void settle(struct driver_unary *call)
{
    struct driver_unary **link = &call->driver->calls;
    if (!call->over || call->call.pending != 0) {
        return;
    }
    while (*link != call) {
        link = &(*link)->next;
    }
    *link = call->next;
    conclude(call);
    driver_call_release(&call->call);
    if (call->answer != NULL) {
        grpc_byte_buffer_destroy(call->answer);
    }
    struct client_unary *unary = call->unary;
    client_free(call);
    unary->done(unary);
}

/* ---- Tags ---- */

static void on_any(void *owner, bool ok)
{
    (void)ok; /* if it failed, the status tells */
    struct driver_unary *call = owner;
    call->call.pending--;
    settle(call);
}

static void on_sent(void *owner, bool ok)
{
    struct driver_unary *call = owner;
    call->call.pending--;
    call->sent = ok;
    grpc_byte_buffer_destroy(call->request);
    call->request = NULL;
    settle(call);
}

static void on_over(void *owner, bool ok)
{
    (void)ok; /* always true for this one */
    struct driver_unary *call = owner;
    call->call.pending--;
    call->over = true;
    settle(call);
}

/* ---- The beginning ---- */

static void start_operations(struct driver_unary *call)
{
    const grpc_op answer = {
        .op = GRPC_OP_RECV_INITIAL_METADATA,
        .data.recv_initial_metadata.recv_initial_metadata = &call->call.initial,
    };
    driver_call_start(&call->call, &answer, &call->answered_tag);
    const grpc_op receive = {
        .op = GRPC_OP_RECV_MESSAGE,
        .data.recv_message.recv_message = &call->answer,
    };
    driver_call_start(&call->call, &receive, &call->received_tag);
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)call->unary->request,
                                                     call->unary->request_count);
    call->request = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    const grpc_op send = {
        .op = GRPC_OP_SEND_MESSAGE,
        .data.send_message.send_message = call->request,
    };
    driver_call_start(&call->call, &send, &call->sent_tag);
    const grpc_op half_close = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    driver_call_start(&call->call, &half_close, &call->closed_tag);
}

void driver_unary_begin(struct client_driver *driver, struct client_unary *unary)
{
    if (driver->stop_begun) {
        unary->code = client_error_set(&unary->error, COORD_CLOSED, "the client is closed");
        unary->done(unary);
        return;
    }
    struct driver_unary *call = client_calloc(1, sizeof(*call));
    if (call == NULL) {
        unary->code = client_error_no_memory(&unary->error);
        unary->done(unary);
        return;
    }
    call->driver = driver;
    call->unary = unary;
    call->call.opened_tag = (struct driver_tag){on_any, call};
    call->call.over_tag = (struct driver_tag){on_over, call};
    call->answered_tag = (struct driver_tag){on_any, call};
    call->received_tag = (struct driver_tag){on_any, call};
    call->closed_tag = (struct driver_tag){on_any, call};
    call->sent_tag = (struct driver_tag){on_sent, call};
    unary->code =
        driver_call_begin(driver, &call->call, unary->endpoint, unary->method, &unary->error);
    if (unary->code != COORD_OK) {
        client_free(call);
        unary->done(unary);
        return;
    }
    start_operations(call);
    call->next = driver->calls;
    driver->calls = call;
}

uint64_t driver_unary_expire(struct client_driver *driver, uint64_t now_ms)
{
    uint64_t next_ms = CLIENT_NEVER;
    for (struct driver_unary *call = driver->calls; call != NULL; call = call->next) {
        if (call->unary->deadline_ms <= now_ms && !call->late) {
            call->late = true;
            driver_call_cancel(&call->call);
        } else if (!call->late && call->unary->deadline_ms < next_ms) {
            next_ms = call->unary->deadline_ms;
        }
    }
    return next_ms;
}

void driver_unary_stop(struct client_driver *driver)
{
    for (struct driver_unary *call = driver->calls; call != NULL; call = call->next) {
        driver_call_cancel(&call->call);
    }
}
