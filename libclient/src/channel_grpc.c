#include "driver_internal.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Channels, their credentials, and gRPC's words for what went wrong. */

enum {
    /* One address may take that long to connect; the session gives an endpoint up by itself. */
    CONNECT_MS = 2000,
    RESOLVE_MS = 5000,
    /* A replica that stops answering is noticed after both; it accepts pings every 500 ms. */
    KEEPALIVE_TIME_MS = 3000,
    KEEPALIVE_TIMEOUT_MS = 2000,
    PEM_BYTES_MAX = 1 << 20,
};

/* ---- gRPC's log ---- */

static void drop_line(gpr_log_func_args *line)
{
    (void)line;
}

static void silence_log(void)
{
    if (getenv("GRPC_VERBOSITY") == NULL) {
        gpr_set_log_function(drop_line);
    }
}

void driver_silence_log(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, silence_log); /* fails only for an invalid `once` */
}

/* ---- Files ---- */

struct pems {
    char *ca, *cert, *key; /* owned */
};

static enum coord_code read_all(FILE *file, const char *name, char *to, struct coord_error *error)
{
    size_t bytes = fread(to, 1, PEM_BYTES_MAX + 1, file);
    if (ferror(file) != 0) {
        return client_error_set(error, COORD_IO, "cannot read %s: %s", name, strerror(errno));
    }
    if (bytes > PEM_BYTES_MAX) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "%s is larger than %d bytes, so it is no PEM file", name,
                                (int)PEM_BYTES_MAX);
    }
    to[bytes] = '\0';
    if (strstr(to, "-----BEGIN ") == NULL) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "%s is no PEM file: it has no line with -----BEGIN", name);
    }
    return COORD_OK;
}

static enum coord_code read_pem(const char *name, char **ret_text, struct coord_error *error)
{
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        return client_error_set(error, COORD_IO, "cannot read %s: %s", name, strerror(errno));
    }
    char *text = client_malloc((size_t)PEM_BYTES_MAX + 2);
    enum coord_code code =
        text != NULL ? read_all(file, name, text, error) : client_error_no_memory(error);
    (void)fclose(file); /* it was only read */
    if (code != COORD_OK) {
        client_free(text);
        return code;
    }
    *ret_text = text;
    return COORD_OK;
}

static void pems_release(struct pems *pems)
{
    client_free(pems->ca);
    client_free(pems->cert);
    client_free(pems->key);
}

static enum coord_code pems_read(const struct client_driver_config *config, struct pems *ret_pems,
                                 struct coord_error *error)
{
    struct pems pems = {NULL, NULL, NULL};
    enum coord_code code = read_pem(config->ca_file, &pems.ca, error);
    if (code == COORD_OK) {
        code = read_pem(config->cert_file, &pems.cert, error);
    }
    if (code == COORD_OK) {
        code = read_pem(config->key_file, &pems.key, error);
    }
    if (code != COORD_OK) {
        pems_release(&pems);
        return code;
    }
    *ret_pems = pems;
    return COORD_OK;
}

enum coord_code driver_check_files(const struct client_driver_config *config,
                                   struct coord_error *error)
{
    struct pems pems;
    enum coord_code code = pems_read(config, &pems, error);
    if (code == COORD_OK) {
        pems_release(&pems);
    }
    return code;
}

/* ---- Channels ---- */

static grpc_arg argument(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* gRPC does not write to it */
        .value.integer = value,
    };
}

static grpc_channel *create_channel(const char *target, const struct pems *pems)
{
    grpc_arg list[] = {
        argument(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        argument(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS), /* also bounds one connect */
        argument(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, RESOLVE_MS),
        argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_TIME_MS),
        argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        argument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, CLIENT_FRAME_BYTES_MAX),
        argument(GRPC_ARG_ENABLE_RETRIES, 0), /* what may be sent again is the session's to know */
        argument(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        argument(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        argument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
        argument(GRPC_ARG_ENABLE_CHANNELZ, 0),
        argument(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
    };
    const grpc_channel_args arguments = {sizeof(list) / sizeof(list[0]), list};
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pems->key, .cert_chain = pems->cert};
    grpc_channel_credentials *credentials =
        grpc_ssl_credentials_create_ex(pems->ca, &pair, NULL, NULL);
    grpc_channel *channel = grpc_channel_create(target, credentials, &arguments);
    grpc_channel_credentials_release(credentials);
    return channel;
}

/*
 * A name is resolved by DNS whatever it looks like ("unix:1" is a host and a port here). Brackets
 * cannot stand in a URI, and without a scheme gRPC takes them for what they are.
 */
static grpc_channel *dial(const char *endpoint, const struct pems *pems)
{
    char target[512];
    const char *scheme = endpoint[0] == '[' ? "" : "dns:///";
    (void)snprintf(target, sizeof(target), "%s%s", scheme, endpoint);
    return create_channel(target, pems);
}

/* ---- Calls ---- */

void driver_call_start(struct driver_call *call, const grpc_op *op, struct driver_tag *tag)
{
    call->pending++;
    grpc_call_error failed = grpc_call_start_batch(call->call, op, 1, tag, NULL);
    CD_ASSERT(failed == GRPC_CALL_OK); /* only a batch that breaks gRPC's rules fails */
}

enum coord_code driver_call_begin(struct client_driver *driver, struct driver_call *call,
                                  const char *endpoint, const char *method,
                                  struct coord_error *error)
{
    struct pems pems;
    enum coord_code code = pems_read(&driver->config, &pems, error);
    if (code != COORD_OK) {
        return code;
    }
    call->channel = dial(endpoint, &pems);
    pems_release(&pems);
    grpc_slice path = grpc_slice_from_copied_string(method);
    call->call = grpc_channel_create_call(call->channel, NULL, GRPC_PROPAGATE_DEFAULTS, driver->cq,
                                          path, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_slice_unref(path);
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    const grpc_op open = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    driver_call_start(call, &open, &call->opened_tag);
    const grpc_op status = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client =
            {
                .trailing_metadata = &call->trailing,
                .status = &call->status,
                .status_details = &call->details,
            },
    };
    driver_call_start(call, &status, &call->over_tag);
    return COORD_OK;
}

void driver_call_cancel(struct driver_call *call)
{
    /* Fails only for a NULL call or reserved argument. */
    (void)grpc_call_cancel(call->call, NULL);
}

void driver_call_release(struct driver_call *call)
{
    CD_ASSERT(call->pending == 0);
    grpc_slice_unref(call->details);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_call_unref(call->call);
    grpc_channel_destroy(call->channel);
}

/* ---- What gRPC says ---- */

/*
 * Where gRPC's text has the words before, a person is told those behind. The first match counts.
 * In TLS 1.3 a client learns that its certificate was rejected only by the connection's end.
 */
static const struct {
    const char *has, *say;
} phrases[] = {
    {"Connection refused", "connection refused: nothing listens there"},
    {"No route to host", "no route to that host"},
    {"Network is unreachable", "the network is not reachable"},
    {"DNS resolution failed", "its name does not resolve"},
    {"certificate verify failed", "its certificate is not signed by an authority of the CA file, "
                                  "or has expired"},
    {"is not in peer certificate", "its certificate is made out for another host"},
    {"WRONG_VERSION_NUMBER", "it does not speak TLS"},
    {"wrong version number", "it does not speak TLS"},
    {"Cannot check peer", "it does not speak HTTP/2"},
    {"empty address list", "the CA file, the certificate or its key cannot be used, or the two do "
                           "not belong together"},
    {"last error: UNAVAILABLE", "it ended the connection in the handshake: it may have rejected "
                                "our certificate"},
};

static enum coord_code code_of_status(grpc_status_code status)
{
    switch (status) {
    case GRPC_STATUS_PERMISSION_DENIED:
    case GRPC_STATUS_UNAUTHENTICATED:
        return COORD_PERMISSION_DENIED;
    case GRPC_STATUS_UNIMPLEMENTED:
        return COORD_UNIMPLEMENTED;
    default:
        return COORD_UNREACHABLE;
    }
}

enum coord_code driver_call_outcome(const struct driver_call *call, char *to, size_t size)
{
    const char *text = (const char *)GRPC_SLICE_START_PTR(call->details);
    int bytes = (int)GRPC_SLICE_LENGTH(call->details);
    (void)snprintf(to, size, "%.*s", bytes, text);
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (strstr(to, phrases[i].has) != NULL) {
            (void)snprintf(to, size, "%s", phrases[i].say);
            break;
        }
    }
    if (to[0] == '\0') {
        (void)snprintf(to, size, "it ended the connection without a word (gRPC status %d)",
                       (int)call->status);
    }
    return code_of_status(call->status);
}

/* ---- Messages ---- */

enum coord_code driver_take_message(grpc_byte_buffer *from, struct client_bytes *ret_bytes)
{
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_reader_init(&reader, from) == 0) {
        return COORD_MALFORMED;
    }
    size_t count = grpc_byte_buffer_length(reader.buffer_out);
    uint8_t *data = client_malloc(count);
    size_t at = 0;
    grpc_slice *slice = NULL;
    while (data != NULL && grpc_byte_buffer_reader_peek(&reader, &slice) != 0) {
        size_t bytes = GRPC_SLICE_LENGTH(*slice);
        CD_ASSERT(bytes <= count - at);
        memcpy(data + at, GRPC_SLICE_START_PTR(*slice), bytes);
        at += bytes;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (data == NULL) {
        return COORD_NO_MEMORY;
    }
    *ret_bytes = (struct client_bytes){data, at};
    return COORD_OK;
}

grpc_byte_buffer *driver_give_message(struct client_bytes bytes)
{
    grpc_slice slice = grpc_slice_new(bytes.data, bytes.count, client_free);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}
