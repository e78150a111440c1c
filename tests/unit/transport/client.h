#ifndef COORD_TESTS_TRANSPORT_CLIENT_H
#define COORD_TESTS_TRANSPORT_CLIENT_H

#include "base/blob.h"
#include "crypto/crypto.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <stdbool.h>
#include <stdint.h>

/* A small blocking gRPC client in C, for one thread. */

#define CLIENT_SESSION "/coord.v1.Coordination/Session"
#define CLIENT_CALL    "/coord.v1.Coordination/Call"
#define CLIENT_LINK    "/coord.peer.v1.Peer/Link"
#define CLIENT_WAIT_MS 20000

struct client {
    grpc_completion_queue *cq;
    grpc_channel *channel;
};

struct client_operation {
    bool under_way, ok;
};

struct client_stream {
    struct client *client;
    grpc_call *call;
    struct client_operation opened, answered, received, sent, half_closed, over;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *received_bytes, *sent_bytes;
    grpc_status_code status;
    grpc_slice details;
    char message[1100]; /* of the status, after client_finish */
};

struct client_options {
    uint16_t port;
    const char *ca_pem;             /* NULL: plaintext */
    const struct crypto_pair *pair; /* NULL: no certificate */
    const char *server_name;        /* in the server's certificate */
};

void client_connect(struct client *client, const struct client_options *options);
void client_close(struct client *client);

/* `node` > 0 goes along as the peer's metadata does. */
void client_open(struct client *client, struct client_stream *stream, const char *method,
                 uint64_t timeout_ms, uint32_t node);
/* False if the stream broke, or if it did not go in `wait_ms` (then it is still under way). */
bool client_send(struct client_stream *stream, const void *data, size_t bytes, uint64_t wait_ms);
/* NULL if the stream ended. The caller unrefs. */
struct cd_blob *client_receive(struct client_stream *stream);
void client_half_close(struct client_stream *stream);
void client_cancel(struct client_stream *stream);
/* Waits for the status, frees the stream; the status and message stay readable. */
grpc_status_code client_finish(struct client_stream *stream);

/* A unary call, whole. *ret_reply may be NULL on an error; the caller unrefs. */
grpc_status_code client_call(struct client *client, const char *method, const char *request,
                             struct cd_blob **ret_reply, char ret_message[1100]);

#endif
