#ifndef COORD_SERVER_TOOLS_H
#define COORD_SERVER_TOOLS_H

#include "base/blob.h"
#include "transport/transport.h"
#include "wire/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What other people's tools find on the client port: grpc.health.v1 (Check, Watch) and server
 * reflection (v1, v1alpha). Health says what /readyz says, for the services "",
 * coord.v1.Coordination and coord.v1.Admin. The streams among it are kept here, so that the replica
 * never hears of them. Thread: loop.
 */

#define SERVER_TOOLS_MAX 256u /* such streams at a time; more are refused */

/* How it answers. `frame` moves. Neither may call back. */
struct server_tools_ports {
    void *context;
    void (*send)(void *context, uint64_t stream, struct cd_blob *frame);
    void (*close)(void *context, uint64_t stream, enum transport_code code, const char *message);
};

struct server_tool {
    uint64_t stream;
    bool is_watch;  /* of health; else reflection */
    bool asked;     /* WATCH: its one question came */
    bool is_served; /* WATCH: the service asked about is one of ours */
};

struct server_tools {
    struct server_tools_ports ports;
    struct wire_arena arena;
    struct server_tool items[SERVER_TOOLS_MAX];
    size_t count;
    bool serving; /* what health says; false until it is set */
};

void server_tools_init(struct server_tools *tools, const struct server_tools_ports *ports);
void server_tools_release(struct server_tools *tools);

/*
 * Events of the transport. Each returns true if the stream is one of these, and then the caller
 * leaves it to this module. `opened` decides by the method; with SERVER_TOOLS_MAX open it closes
 * the stream with RESOURCE_EXHAUSTED, and knows nothing of it from then on.
 */
bool server_tools_opened(struct server_tools *tools, uint64_t stream, const char *method);
bool server_tools_frame(struct server_tools *tools, uint64_t stream, const struct cd_blob *frame);
bool server_tools_ended(struct server_tools *tools, uint64_t stream);
bool server_tools_closed(struct server_tools *tools, uint64_t stream);

/* Tells the watches of health, if that is news. */
void server_tools_set_serving(struct server_tools *tools, bool serving);

/*
 * A single call. False: its method is none of these. True: *ret_code is the answer's, with
 * *ret_reply (owned by the caller) for OK, and else `message` filled.
 */
#define SERVER_TOOLS_MESSAGE_BYTES 256u
bool server_tools_call(struct server_tools *tools, const char *method,
                       const struct cd_blob *request, enum transport_code *ret_code,
                       struct cd_blob **ret_reply, char message[SERVER_TOOLS_MESSAGE_BYTES]);

#endif
