#include "server/server.h"

#include <stdio.h>
#include <string.h>

/* Between replica and transport, both ways; all on the loop thread. */

CD_STATIC_ASSERT((int)REPLICA_RPC_OK == (int)TRANSPORT_OK, "gRPC's numbers");
CD_STATIC_ASSERT((int)REPLICA_RPC_INVALID_ARGUMENT == (int)TRANSPORT_INVALID_ARGUMENT, "the same");
CD_STATIC_ASSERT((int)REPLICA_RPC_PERMISSION_DENIED == (int)TRANSPORT_PERMISSION_DENIED,
                 "the same");
CD_STATIC_ASSERT((int)REPLICA_RPC_RESOURCE_EXHAUSTED == (int)TRANSPORT_RESOURCE_EXHAUSTED,
                 "the same");
CD_STATIC_ASSERT((int)REPLICA_RPC_UNIMPLEMENTED == (int)TRANSPORT_UNIMPLEMENTED, "the same");
CD_STATIC_ASSERT((int)REPLICA_RPC_UNAVAILABLE == (int)TRANSPORT_UNAVAILABLE, "the same");

static uint64_t now_ms(const struct server *server)
{
    return env_now_ms(env_posix_as_env(server->env));
}

/* ---- The replica's ports ---- */

static void peer_send(void *context, uint32_t node, struct cd_blob *frame)
{
    struct server *server = context;
    (void)transport_peer_send(server->transport, node, cd_blob_ref(frame));
}

static void stream_send(void *context, uint64_t stream, struct cd_blob *frame)
{
    struct server *server = context;
    server_streams_touch(&server->streams, stream, now_ms(server) + SERVER_LINGER_MS);
    /* Full or closed: stream_closed follows and says so to the replica. */
    (void)transport_stream_send(server->transport, stream, cd_blob_ref(frame));
}

static void stream_close(void *context, uint64_t stream, enum replica_rpc_status status,
                         const char *message)
{
    struct server *server = context;
    transport_stream_close(server->transport, stream, (enum transport_code)status, message);
}

static void call_reply(void *context, uint64_t call, enum replica_rpc_status status,
                       const char *message, struct cd_blob *reply)
{
    struct server *server = context;
    if (call == SERVER_BIRTH_CALL) {
        server->birth_asked = false; /* a refusal is tried again in a later turn */
        return;
    }
    transport_call_reply(server->transport, call, (enum transport_code)status, message,
                         cd_blob_ref(reply));
}

static void event(void *context, const struct replica_event *event)
{
    struct server *server = context;
    server_events_replica(&server->events, event, now_ms(server));
}

static void usage(void *context, uint64_t *ret_cpu_us, uint64_t *ret_memory_bytes)
{
    (void)context;
    *ret_cpu_us = http_process_cpu_us();
    *ret_memory_bytes = http_process_memory_bytes();
}

void server_fill_ports(struct server *server, struct replica_ports *ports)
{
    *ports = (struct replica_ports){
        .context = server,
        .peer_send = peer_send,
        .stream_send = stream_send,
        .stream_close = stream_close,
        .call_reply = call_reply,
        .event = event,
        .usage = usage,
    };
}

/* ---- What the transport tells ---- */

static void on_stream_opened(void *context, uint64_t stream, const char *method,
                             const char *identity, const char *from)
{
    struct server *server = context;
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_DEBUG, "stream_opened");
    server_line_u64(&line, "stream", stream);
    server_line_str(&line, "method", method);
    server_line_str(&line, "identity", identity);
    server_line_str(&line, "from", from);
    server_line_end(&line);
    server_streams_add(&server->streams, stream);
    if (!server_tools_opened(&server->tools, stream, method)) {
        replica_on_stream_opened(server->replica, stream, identity);
    }
}

static void on_stream_frame(void *context, uint64_t stream, struct cd_blob *frame)
{
    struct server *server = context;
    if (!server_tools_frame(&server->tools, stream, frame)) {
        replica_on_stream_frame(server->replica, stream, frame);
    }
}

static void on_stream_sent(void *context, uint64_t stream, uint64_t bytes)
{
    struct server *server = context;
    replica_on_stream_sent(server->replica, stream, (size_t)bytes);
}

/* The answers to what it sent are still due; a client in a hurry cancels. */
static void on_stream_ended(void *context, uint64_t stream)
{
    struct server *server = context;
    if (!server_tools_ended(&server->tools, stream)) {
        server_streams_end(&server->streams, stream, now_ms(server) + SERVER_LINGER_MS);
    }
}

static void on_stream_closed(void *context, uint64_t stream)
{
    struct server *server = context;
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_DEBUG, "stream_closed");
    server_line_u64(&line, "stream", stream);
    server_line_end(&line);
    server_streams_remove(&server->streams, stream);
    if (!server_tools_closed(&server->tools, stream)) {
        replica_on_stream_closed(server->replica, stream);
    }
}

static void tool_send(void *context, uint64_t stream, struct cd_blob *frame)
{
    struct server *server = context;
    (void)transport_stream_send(server->transport, stream, frame); /* stream_closed says the rest */
}

static void tool_close(void *context, uint64_t stream, enum transport_code code,
                       const char *message)
{
    struct server *server = context;
    transport_stream_close(server->transport, stream, code, message);
}

void server_fill_tools_ports(struct server *server, struct server_tools_ports *ports)
{
    *ports = (struct server_tools_ports){
        .context = server,
        .send = tool_send,
        .close = tool_close,
    };
}

static void on_call(void *context, const struct transport_call *call)
{
    static const struct {
        const char *name;
        enum replica_method method;
    } METHODS[] = {
        {"/coord.v1.Coordination/Call", REPLICA_METHOD_CALL},
        {"/coord.v1.Admin/Init", REPLICA_METHOD_ADMIN_INIT},
        {"/coord.v1.Admin/Status", REPLICA_METHOD_ADMIN_STATUS},
        {"/coord.v1.Admin/TransferLeadership", REPLICA_METHOD_ADMIN_TRANSFER},
        {"/coord.v1.Admin/Sessions", REPLICA_METHOD_ADMIN_SESSIONS},
    };
    struct server *server = context;
    for (size_t i = 0; i < CD_ARRAY_COUNT(METHODS); i++) {
        if (strcmp(call->method, METHODS[i].name) == 0) {
            replica_on_call(server->replica, call->id, METHODS[i].method, call->identity,
                            call->request->data, call->request->bytes);
            return;
        }
    }
    char message[SERVER_TOOLS_MESSAGE_BYTES];
    enum transport_code code;
    struct cd_blob *reply;
    if (server_tools_call(&server->tools, call->method, call->request, &code, &reply, message)) {
        transport_call_reply(server->transport, call->id, code, message, reply);
        return;
    }
    snprintf(message, sizeof(message), "this version of coordd has no method %.150s", call->method);
    transport_call_reply(server->transport, call->id, TRANSPORT_UNIMPLEMENTED, message, NULL);
}

static void log_peer(struct server *server, enum server_log_level level, const char *what,
                     uint32_t node)
{
    struct server_line line;
    server_line_begin(&line, server->log, level, what);
    server_line_u64(&line, "peer", node);
    server_line_end(&line);
}

static void on_peer_up(void *context, uint32_t node)
{
    log_peer(context, SERVER_LOG_INFO, "peer_up", node);
}

static void on_peer_down(void *context, uint32_t node)
{
    /* The transport says why it broke, as a warning. */
    log_peer(context, SERVER_LOG_DEBUG, "peer_down", node);
}

static void on_peer_frame(void *context, uint32_t node, uint64_t link, struct cd_blob *frame)
{
    (void)link; /* each frame says which incarnation sent it, which is what the replica goes by */
    struct server *server = context;
    replica_on_peer_frame(server->replica, node, frame->data, frame->bytes);
}

static void on_log(void *context, enum transport_log_level level, const char *name,
                   const char *text)
{
    struct server *server = context;
    server_events_transport(&server->events, level, name, text);
}

const struct transport_handler SERVER_HANDLER = {
    .stream_opened = on_stream_opened,
    .stream_frame = on_stream_frame,
    .stream_sent = on_stream_sent,
    .stream_ended = on_stream_ended,
    .stream_closed = on_stream_closed,
    .call = on_call,
    .peer_up = on_peer_up,
    .peer_down = on_peer_down,
    .peer_frame = on_peer_frame,
    .log = on_log,
};
