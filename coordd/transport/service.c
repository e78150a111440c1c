#include "transport/internal.h"

#include "base/identity.h"
#include "base/memory.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The two listeners and who gets in: methods, identities, limits. All calls are taken as generic
 * ones: these few methods need no table inside gRPC.
 */

/* A posted wish for the next call. */
struct request {
    struct tag tag;
    struct service *service;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
};

static grpc_arg argument(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* gRPC does not write to it */
        .value.integer = value,
    };
}

static int clamp(uint64_t value)
{
    return value < INT32_MAX ? (int)value : INT32_MAX;
}

static grpc_server *create_server(const struct service *service)
{
    const struct transport_limits *limits = &service->transport->limits;
    int keepalive_ms =
        clamp(service->is_peer ? limits->peer_keepalive_ms : limits->client_keepalive_ms);
    grpc_resource_quota *quota = grpc_resource_quota_create("clients");
    grpc_resource_quota_resize(quota, (size_t)limits->client_memory_bytes_max);
    grpc_arg list[] = {
        {
            .type = GRPC_ARG_POINTER,
            .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
            .value.pointer = {.p = quota, .vtable = grpc_resource_quota_arg_vtable()},
        },
        argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, clamp(limits->frame_bytes_max)),
        /* Above our own limits, so that these answer first: gRPC's would make clients wait. */
        argument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                 clamp((uint64_t)limits->streams_max + limits->calls_max + 64)),
        argument(GRPC_ARG_ALLOW_REUSEPORT, 0), /* a taken port is an error */
        argument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, clamp(limits->handshake_timeout_ms)),
        argument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms),
        argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms),
        argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        argument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        argument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                 service->is_peer ? TRANSPORT_PEER_PING_MS_MIN : clamp(limits->client_ping_ms_min)),
        argument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, TRANSPORT_PING_STRIKES_MAX),
        argument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, TRANSPORT_CONNECTION_IDLE_MS),
        /* A small compressed message could become a large one. */
        argument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
        argument(GRPC_ARG_ENABLE_CHANNELZ, 0),
        argument(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
    };
    /* The first of the list is of clients alone: peers are members, and few. */
    size_t skipped = service->is_peer ? 1 : 0;
    const grpc_channel_args arguments = {CD_ARRAY_COUNT(list) - skipped, list + skipped};
    grpc_server *server = grpc_server_create(&arguments, NULL);
    grpc_resource_quota_unref(quota);
    return server;
}

/* gRPC only says that it could not bind. Tries once more by hand to learn why. */
static enum cd_status explain_bind(const char *address, const char *field, struct cd_error *error)
{
    char host[256];
    int why = 0;
    int family = AF_UNSPEC;
    const char *colon = strrchr(address, ':');
    size_t host_bytes = colon != NULL ? (size_t)(colon - address) : 0;
    if (colon == NULL || host_bytes >= sizeof(host)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: \"%.200s\" is not host:port", field,
                            address);
    }
    memcpy(host, address, host_bytes);
    host[host_bytes] = '\0';
    char *name = host;
    if (host_bytes >= 2 && host[0] == '[' && host[host_bytes - 1] == ']') {
        host[host_bytes - 1] = '\0';
        name = host + 1;
        family = AF_INET6;
    }
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(*name != '\0' ? name : NULL, colon + 1, &hints, &found);
    if (failed != 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: cannot resolve \"%.200s\": %s", field,
                            address, gai_strerror(failed));
    }
    int handle = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (handle >= 0) {
        (void)setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* as gRPC does */
    }
    if (handle < 0 || bind(handle, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(handle, 1) != 0) {
        why = errno;
    }
    if (handle >= 0) {
        (void)close(handle);
    }
    freeaddrinfo(found);
    return cd_error_set(error, why == EADDRINUSE ? CD_IN_USE : CD_IO,
                        "%s: cannot listen on %.200s: %s", field, address,
                        why != 0 ? strerror(why) : "gRPC failed, and a second look did not");
}

enum cd_status service_bind(struct service *service, const char *address, const char *field,
                            struct cd_error *error)
{
    service->server = create_server(service);
    grpc_server_register_completion_queue(service->server, service->transport->cq, NULL);
    grpc_server_credentials *credentials = credentials_for_service(service);
    if (credentials != NULL) {
        service->port = grpc_server_add_http2_port(service->server, address, credentials);
        grpc_server_credentials_release(credentials);
    }
    return service->port > 0 ? CD_OK : explain_bind(address, field, error);
}

/* ---- Calls coming in ---- */

static void on_request(void *owner, bool ok);

static void post_request(struct service *service)
{
    struct request *request = cd_calloc(1, sizeof(*request));
    request->tag = (struct tag){on_request, request};
    request->service = service;
    grpc_call_details_init(&request->details);
    grpc_metadata_array_init(&request->metadata);
    service->requests_posted++;
    grpc_completion_queue *cq = service->transport->cq;
    grpc_call_error failed =
        grpc_server_request_call(service->server, &request->call, &request->details,
                                 &request->metadata, cq, cq, &request->tag);
    CD_ASSERT(failed == GRPC_CALL_OK);
}

static void refuse(struct request *request, enum transport_code code, const char *message)
{
    stream_refuse(stream_create(request->service->transport, STREAM_REFUSED, request->call), code,
                  message);
}

/* A client's stream or call that may not begin, for a reason of ours. */
static void refuse_client(struct request *request, bool is_stream, enum transport_code code,
                          const char *message)
{
    struct transport *transport = request->service->transport;
    struct counters *counters = &transport->counters;
    char *from = grpc_call_get_peer(request->call);
    atomic_fetch_add_explicit(is_stream ? &counters->streams_refused : &counters->calls_refused, 1,
                              memory_order_relaxed);
    report_limited(transport, is_stream ? REPORT_STREAM_REFUSED : REPORT_CALL_REFUSED,
                   "from %.60s: %.300s", from, message);
    gpr_free(from);
    refuse(request, code, message);
}

static uint64_t deadline_of(const grpc_call_details *details)
{
    gpr_timespec deadline = details->deadline;
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
        return TRANSPORT_NO_DEADLINE;
    }
    gpr_timespec left = gpr_time_sub(gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC),
                                     gpr_now(GPR_CLOCK_MONOTONIC));
    int64_t left_ms = (int64_t)left.tv_sec * 1000 + left.tv_nsec / 1000000;
    return now_ms() + (left_ms > 0 ? (uint64_t)left_ms : 0);
}

static struct stream *accept_as(struct request *request, enum stream_kind kind, char *identity,
                                char *method)
{
    struct stream *stream = stream_create(request->service->transport, kind, request->call);
    char *from = grpc_call_get_peer(request->call);
    stream->identity = identity;
    stream->method = method;
    stream->from = cd_strdup(from);
    stream->deadline_ms = deadline_of(&request->details);
    gpr_free(from);
    return stream;
}

static void accept_client(struct request *request, char *method, bool is_stream)
{
    struct transport *transport = request->service->transport;
    struct cd_error error = {0};
    char text[128];
    _Atomic uint64_t *open = is_stream ? &transport->streams_open : &transport->calls_open;
    uint64_t limit = is_stream ? transport->limits.streams_max : transport->limits.calls_max;
    char *identity = credentials_identity(request->call, &error);
    if (identity == NULL) {
        refuse_client(request, is_stream, TRANSPORT_UNAUTHENTICATED, error.message);
    } else if (atomic_load(&transport->draining)) {
        refuse_client(request, is_stream, TRANSPORT_UNAVAILABLE,
                      "this replica is stopping; use another one");
    } else if (atomic_load(open) >= limit) {
        (void)snprintf(text, sizeof(text), "this replica has %llu %s open, its limit",
                       (unsigned long long)limit, is_stream ? "session streams" : "calls");
        refuse_client(request, is_stream, TRANSPORT_RESOURCE_EXHAUSTED, text);
    } else {
        struct counters *counters = &transport->counters;
        atomic_fetch_add(open, 1);
        atomic_fetch_add_explicit(is_stream ? &counters->streams_opened : &counters->calls_received,
                                  1, memory_order_relaxed);
        stream_begin(
            accept_as(request, is_stream ? STREAM_SESSION : STREAM_CALL, identity, method));
        return;
    }
    cd_free(identity);
    cd_free(method);
}

/* T4: the caller says which node it is, and its certificate has to be that node's. */
static struct link *find_caller(struct request *request, const char *identity, char *ret_why,
                                size_t why_bytes)
{
    uint32_t node = bytes_node_of(&request->metadata);
    struct link *link = link_find(request->service->transport, node);
    if (link == NULL) {
        (void)snprintf(ret_why, why_bytes, "node %u (\"%.150s\") is not among the peers configured",
                       node, identity);
    } else if (!cd_identity_matches(link->identity, identity)) {
        (void)snprintf(ret_why, why_bytes,
                       "says it is node %u but its certificate is of \"%.150s\", expected "
                       "\"%.150s\"",
                       node, identity, link->identity);
        link = NULL;
    }
    return link;
}

static void refuse_peer(struct request *request, const char *why)
{
    struct transport *transport = request->service->transport;
    char *from = grpc_call_get_peer(request->call);
    atomic_fetch_add_explicit(&transport->counters.peer_refused, 1, memory_order_relaxed);
    report_limited(transport, REPORT_PEER_REFUSED, "from %.60s: %.400s", from, why);
    gpr_free(from);
    refuse(request, TRANSPORT_PERMISSION_DENIED, why);
}

static void accept_peer(struct request *request, char *method)
{
    struct transport *transport = request->service->transport;
    struct cd_error error = {0};
    char why[400];
    char *identity = credentials_identity(request->call, &error);
    struct link *link = identity != NULL ? find_caller(request, identity, why, sizeof(why)) : NULL;
    if (link == NULL) {
        refuse_peer(request, identity != NULL ? why : error.message);
        cd_free(identity);
        cd_free(method);
        return;
    }
    struct stream **slot = &transport->incoming[link - transport->links];
    if (*slot != NULL) {
        (*slot)->superseded = true;
        stream_cancel(*slot, TRANSPORT_ABORTED, "a newer link of this node took its place");
    }
    struct stream *stream = accept_as(request, STREAM_PEER, identity, method);
    stream->node = link->node;
    stream->number = ++transport->next_number;
    *slot = stream;
    stream_begin(stream);
}

/* What the client port has. "/" at the end: every method of that service. */
static const struct {
    const char *method;
    bool is_stream;
} CLIENT_METHODS[] = {
    {"/coord.v1.Coordination/Session", true},
    {"/coord.v1.Coordination/Call", false},
    {"/coord.v1.Admin/", false},
    {"/grpc.health.v1.Health/Check", false},
    {"/grpc.health.v1.Health/Watch", true},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true},
};

static bool is_method(const char *pattern, const char *method)
{
    size_t bytes = strlen(pattern);
    return pattern[bytes - 1] == '/' ? strncmp(method, pattern, bytes) == 0
                                     : strcmp(method, pattern) == 0;
}

static void accept_call(struct request *request)
{
    struct service *service = request->service;
    char *method = GRPC_SLICE_LENGTH(request->details.method) <= TRANSPORT_METHOD_BYTES_MAX
                       ? bytes_to_text(request->details.method)
                       : cd_strdup("?");
    if (service->is_peer) {
        if (strcmp(method, TRANSPORT_METHOD_LINK) == 0) {
            accept_peer(request, method);
            return;
        }
    } else {
        for (size_t i = 0; i < CD_ARRAY_COUNT(CLIENT_METHODS); i++) {
            if (is_method(CLIENT_METHODS[i].method, method)) {
                accept_client(request, method, CLIENT_METHODS[i].is_stream);
                return;
            }
        }
    }
    char text[TRANSPORT_METHOD_BYTES_MAX + 64];
    (void)snprintf(text, sizeof(text), "this port has no method %s", method);
    refuse_client(request, false, TRANSPORT_UNIMPLEMENTED, text);
    cd_free(method);
}

static void on_request(void *owner, bool ok)
{
    struct request *request = owner;
    struct service *service = request->service;
    service->requests_posted--;
    if (ok) {
        if (!service->stopping) {
            post_request(service);
        }
        accept_call(request);
    }
    grpc_call_details_destroy(&request->details);
    grpc_metadata_array_destroy(&request->metadata);
    cd_free(request);
}

/* ---- Begin and end ---- */

void service_start(struct service *service)
{
    grpc_server_start(service->server);
    service->started = true;
    for (int i = 0; i < TRANSPORT_REQUESTS; i++) {
        post_request(service);
    }
}

static void on_stopped(void *owner, bool ok)
{
    (void)ok; /* nothing to do differently */
    struct service *service = owner;
    service->stopped = true;
}

void service_stop(struct service *service)
{
    if (!service->stopping) {
        service->stopping = true;
        service->stopped_tag = (struct tag){on_stopped, service};
        grpc_server_shutdown_and_notify(service->server, service->transport->cq,
                                        &service->stopped_tag);
    }
}
