#include "unit/transport/client.h"

#include "base/memory.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void client_connect(struct client *client, const struct client_options *options)
{
    char target[64];
    grpc_channel_credentials *credentials = NULL;
    (void)snprintf(target, sizeof(target), "127.0.0.1:%u", options->port);
    grpc_init();
    client->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_arg list[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
         .value.integer = 1},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = -1},
        {.type = GRPC_ARG_STRING,
         .key = (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
         .value.string = (char *)(uintptr_t)options->server_name},
    };
    grpc_channel_args arguments = {.num_args = options->server_name != NULL ? 3 : 2, .args = list};
    if (options->ca_pem == NULL) {
        credentials = grpc_insecure_credentials_create();
    } else if (options->pair == NULL) {
        credentials = grpc_ssl_credentials_create(options->ca_pem, NULL, NULL, NULL);
    } else {
        grpc_ssl_pem_key_cert_pair pair = {options->pair->key_pem, options->pair->cert_pem};
        credentials = grpc_ssl_credentials_create(options->ca_pem, &pair, NULL, NULL);
    }
    client->channel = grpc_channel_create(target, credentials, &arguments);
    grpc_channel_credentials_release(credentials);
}

void client_close(struct client *client)
{
    grpc_channel_destroy(client->channel);
    grpc_completion_queue_shutdown(client->cq);
    while (grpc_completion_queue_next(client->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(client->cq);
    grpc_shutdown_blocking();
}

static gpr_timespec in_ms(uint64_t wait_ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis((int64_t)wait_ms, GPR_TIMESPAN));
}

/* True if it is done in time. */
static bool wait_for(struct client_stream *stream, const struct client_operation *operation,
                     uint64_t wait_ms)
{
    gpr_timespec until = in_ms(wait_ms);
    while (operation->under_way) {
        grpc_event event = grpc_completion_queue_next(stream->client->cq, until, NULL);
        if (event.type != GRPC_OP_COMPLETE) {
            return false;
        }
        struct client_operation *done = event.tag;
        done->under_way = false;
        done->ok = event.success != 0;
    }
    return true;
}

static void start(struct client_stream *stream, const grpc_op *op,
                  struct client_operation *operation)
{
    assert_false(operation->under_way);
    operation->under_way = true;
    assert_int_equal(grpc_call_start_batch(stream->call, op, 1, operation, NULL), GRPC_CALL_OK);
}

void client_open(struct client *client, struct client_stream *stream, const char *method,
                 uint64_t timeout_ms, uint32_t node)
{
    memset(stream, 0, sizeof(*stream));
    stream->client = client;
    grpc_slice path = grpc_slice_from_copied_string(method);
    stream->call = grpc_channel_create_call(
        client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, client->cq, path, NULL,
        timeout_ms != 0 ? in_ms(timeout_ms) : gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_slice_unref(path);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);

    char text[16];
    (void)snprintf(text, sizeof(text), "%u", node);
    grpc_metadata metadata = {
        .key = grpc_slice_from_static_string("coord-node"),
        .value = grpc_slice_from_copied_string(text),
    };
    const grpc_op open = {
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = node != 0 ? 1 : 0, .metadata = &metadata},
    };
    start(stream, &open, &stream->opened);
    grpc_slice_unref(metadata.value);
    const grpc_op answer = {
        .op = GRPC_OP_RECV_INITIAL_METADATA,
        .data.recv_initial_metadata.recv_initial_metadata = &stream->initial,
    };
    start(stream, &answer, &stream->answered);
    const grpc_op over = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client = {.trailing_metadata = &stream->trailing,
                                       .status = &stream->status,
                                       .status_details = &stream->details},
    };
    start(stream, &over, &stream->over);
}

bool client_send(struct client_stream *stream, const void *data, size_t bytes, uint64_t wait_ms)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(data, bytes);
    stream->sent_bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    const grpc_op op = {
        .op = GRPC_OP_SEND_MESSAGE,
        .data.send_message.send_message = stream->sent_bytes,
    };
    start(stream, &op, &stream->sent);
    if (!wait_for(stream, &stream->sent, wait_ms)) {
        return false;
    }
    grpc_byte_buffer_destroy(stream->sent_bytes);
    stream->sent_bytes = NULL;
    return stream->sent.ok;
}

static void post_receive(struct client_stream *stream)
{
    const grpc_op op = {
        .op = GRPC_OP_RECV_MESSAGE,
        .data.recv_message.recv_message = &stream->received_bytes,
    };
    start(stream, &op, &stream->received);
}

struct cd_blob *client_receive(struct client_stream *stream)
{
    post_receive(stream);
    if (!wait_for(stream, &stream->received, CLIENT_WAIT_MS)) {
        fail_msg("no message came");
    }
    if (stream->received_bytes == NULL) {
        return NULL;
    }
    grpc_byte_buffer_reader reader;
    assert_true(grpc_byte_buffer_reader_init(&reader, stream->received_bytes));
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    struct cd_blob *blob = cd_blob_copy(GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(stream->received_bytes);
    stream->received_bytes = NULL;
    return blob;
}

void client_half_close(struct client_stream *stream)
{
    const grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    start(stream, &op, &stream->half_closed);
}

void client_cancel(struct client_stream *stream)
{
    assert_int_equal(grpc_call_cancel(stream->call, NULL), GRPC_CALL_OK);
}

/* gRPC shows a status only behind the messages that came before it. */
static void read_to_the_end(struct client_stream *stream)
{
    bool more = true;
    while (more) {
        if (!stream->received.under_way) {
            post_receive(stream);
        }
        if (!wait_for(stream, &stream->received, CLIENT_WAIT_MS)) {
            fail_msg("the stream does not end");
        }
        more = stream->received_bytes != NULL;
        if (more) {
            grpc_byte_buffer_destroy(stream->received_bytes);
            stream->received_bytes = NULL;
        }
    }
}

grpc_status_code client_finish(struct client_stream *stream)
{
    read_to_the_end(stream);
    const struct client_operation *all[] = {&stream->over, &stream->opened, &stream->answered,
                                            &stream->sent, &stream->half_closed};
    for (size_t i = 0; i < CD_ARRAY_COUNT(all); i++) {
        if (!wait_for(stream, all[i], CLIENT_WAIT_MS)) {
            fail_msg("the stream does not end");
        }
    }
    if (stream->sent_bytes != NULL) {
        grpc_byte_buffer_destroy(stream->sent_bytes);
    }
    size_t bytes = GRPC_SLICE_LENGTH(stream->details);
    assert_true(bytes < sizeof(stream->message));
    memcpy(stream->message, GRPC_SLICE_START_PTR(stream->details), bytes);
    stream->message[bytes] = '\0';
    grpc_slice_unref(stream->details);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_call_unref(stream->call);
    return stream->status;
}

grpc_status_code client_call(struct client *client, const char *method, const char *request,
                             struct cd_blob **ret_reply, char ret_message[1100])
{
    struct client_stream stream;
    client_open(client, &stream, method, 0, 0);
    (void)client_send(&stream, request, strlen(request), CLIENT_WAIT_MS);
    client_half_close(&stream);
    *ret_reply = client_receive(&stream);
    grpc_status_code status = client_finish(&stream);
    memcpy(ret_message, stream.message, sizeof(stream.message));
    return status;
}
