#include "http/http.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct http_server {
    struct MHD_Daemon *daemon; /* owned; owns the listening socket */
    const struct http_metric *metrics;
    size_t metrics_count;
    uint64_t live_ms;
    uint64_t started_s;
    void (*log)(void *context, const char *text);
    void *log_context;
    uint16_t port;

    /* Monotonic; 0: the loop has not begun. Written by the loop, read by the server's thread. */
    _Atomic uint64_t beat_ms;

    pthread_mutex_t mutex; /* guards what follows */
    bool ready;
    char reason[HTTP_REASON_BYTES];
    double values[HTTP_METRICS_MAX];
};

/* What the server's thread works with: a copy, so that the mutex is held for microseconds. */
struct snapshot {
    bool ready;
    char reason[HTTP_REASON_BYTES];
    double values[HTTP_METRICS_MAX];
};

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    CD_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void http_beat(struct http_server *server)
{
    atomic_store_explicit(&server->beat_ms, monotonic_ms(), memory_order_relaxed);
}

void http_publish(struct http_server *server, bool ready, const char *reason, const double *values)
{
    CD_ASSERT(pthread_mutex_lock(&server->mutex) == 0);
    server->ready = ready;
    snprintf(server->reason, sizeof(server->reason), "%s", reason);
    memcpy(server->values, values, server->metrics_count * sizeof(*values));
    CD_ASSERT(pthread_mutex_unlock(&server->mutex) == 0);
}

static void snapshot_take(struct http_server *server, struct snapshot *ret_snapshot)
{
    CD_ASSERT(pthread_mutex_lock(&server->mutex) == 0);
    ret_snapshot->ready = server->ready;
    memcpy(ret_snapshot->reason, server->reason, sizeof(ret_snapshot->reason));
    memcpy(ret_snapshot->values, server->values, sizeof(ret_snapshot->values));
    CD_ASSERT(pthread_mutex_unlock(&server->mutex) == 0);
}

/* ---- Answers ---- */

struct answer {
    unsigned status;
    const char *type;
    const char *allow; /* of a 405; else NULL */
    struct cd_buf body;
};

/* Milliseconds without a beat if they are too many, else 0. */
static uint64_t stuck_ms(struct http_server *server)
{
    uint64_t beat = atomic_load_explicit(&server->beat_ms, memory_order_relaxed);
    uint64_t now = monotonic_ms();
    uint64_t since = beat != 0 && now > beat ? now - beat : 0;
    return since > server->live_ms ? since : 0;
}

static void refuse(struct answer *answer, unsigned status, const char *text)
{
    answer->status = status;
    cd_buf_printf(&answer->body, "%s\n", text);
}

static bool refuse_if_stuck(struct http_server *server, struct answer *answer)
{
    uint64_t since = stuck_ms(server);
    if (since == 0) {
        return false;
    }
    answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    cd_buf_printf(&answer->body, "the loop has not turned for %llu ms\n",
                  (unsigned long long)since);
    return true;
}

static void answer_livez(struct http_server *server, struct answer *answer)
{
    if (!refuse_if_stuck(server, answer)) {
        cd_buf_printf(&answer->body, "ok\n");
    }
}

static void answer_readyz(struct http_server *server, struct answer *answer)
{
    struct snapshot snapshot;
    if (refuse_if_stuck(server, answer)) {
        return;
    }
    snapshot_take(server, &snapshot);
    if (snapshot.ready) {
        cd_buf_printf(&answer->body, "ready\n");
    } else {
        refuse(answer, MHD_HTTP_SERVICE_UNAVAILABLE, snapshot.reason);
    }
}

static void answer_metrics(struct http_server *server, struct answer *answer)
{
    struct snapshot snapshot;
    snapshot_take(server, &snapshot);
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    http_put_metrics(&answer->body, server->metrics, snapshot.values, server->metrics_count);
    http_put_process(&answer->body, server->started_s);
    if (answer->body.overflowed) {
        cd_buf_clear(&answer->body);
        refuse(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "the metrics are over their limit of size");
    }
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL ||
           (length != NULL && strcmp(length, "0") != 0);
}

static void answer_request(struct http_server *server, struct MHD_Connection *connection,
                           const char *path, const char *method, struct answer *answer)
{
    static const struct {
        const char *path;
        void (*answer)(struct http_server *server, struct answer *answer);
    } PAGES[] = {
        {"/livez", answer_livez}, {"/readyz", answer_readyz}, {"/metrics", answer_metrics}};
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer->allow = "GET, HEAD";
        refuse(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD");
        return;
    }
    if (has_body(connection)) {
        refuse(answer, MHD_HTTP_CONTENT_TOO_LARGE, "a request has no body here");
        return;
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(PAGES); i++) {
        if (strcmp(path, PAGES[i].path) == 0) {
            PAGES[i].answer(server, answer);
            return;
        }
    }
    refuse(answer, MHD_HTTP_NOT_FOUND, "there are /livez, /readyz and /metrics");
}

static enum MHD_Result queue_answer(struct MHD_Connection *connection, const struct answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.bytes, answer->body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (result == MHD_YES) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    }
    if (result == MHD_YES && answer->allow != NULL) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    }
    if (result == MHD_YES) {
        result = MHD_queue_response(connection, answer->status, response);
    }
    MHD_destroy_response(response);
    return result;
}

/* Answers at the head of a request: of one with a body the body is never read. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_bytes, void **request)
{
    (void)version;
    (void)upload;
    (void)upload_bytes;
    (void)request;
    struct answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    cd_buf_init(&answer.body, HTTP_BODY_BYTES_MAX);
    answer_request(context, connection, path, method, &answer);
    enum MHD_Result result = queue_answer(connection, &answer);
    cd_buf_release(&answer.body);
    return result;
}

/* ---- Life ---- */

static void on_log(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void on_log(void *context, const char *format, va_list arguments)
{
    struct http_server *server = context;
    char text[256];
    if (server->log == NULL) {
        return;
    }
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\r\n")] = '\0';
    server->log(server->log_context, text);
}

static int bind_one(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, (int)HTTP_CONNECTIONS_MAX) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof(address);
    CD_ASSERT(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0);
    return address.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port)
               : ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

/* Binds the first address that the name stands for. */
static enum cd_status listen_on(const char *host, uint16_t port, int *ret_fd,
                                struct cd_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    int failure = getaddrinfo(host, service, &hints, &addresses);
    if (failure != 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "the HTTP address %s does not resolve: %s",
                            host, gai_strerror(failure));
    }
    *ret_fd = bind_one(addresses);
    int number = errno;
    freeaddrinfo(addresses);
    if (*ret_fd >= 0) {
        return CD_OK;
    }
    bool v6 = strchr(host, ':') != NULL;
    char address[300];
    snprintf(address, sizeof(address), "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
    if (number == EADDRINUSE) {
        return cd_error_set(error, CD_IN_USE,
                            "the HTTP address %s is taken by another process; stop that one or "
                            "choose another port",
                            address);
    }
    return cd_error_set(error, CD_IO, "the HTTP address %s cannot be bound: %s", address,
                        strerror(number));
}

enum cd_status http_create(const struct http_options *options, struct http_server **ret_server,
                           struct cd_error *error)
{
    CD_ASSERT(options->metrics_count <= HTTP_METRICS_MAX);
    int fd = -1;
    enum cd_status status = listen_on(options->host, options->port, &fd, error);
    if (status != CD_OK) {
        return status;
    }
    struct http_server *server = cd_calloc(1, sizeof(*server));
    server->metrics = options->metrics;
    server->metrics_count = options->metrics_count;
    server->live_ms = options->live_ms;
    server->log = options->log;
    server->log_context = options->log_context;
    server->started_s = (uint64_t)time(NULL);
    server->port = port_of(fd);
    snprintf(server->reason, sizeof(server->reason), "starting");
    CD_ASSERT(pthread_mutex_init(&server->mutex, NULL) == 0);
    /* The logger comes first: options are read in order and the later ones may already log. */
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        HTTP_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(fd);
        pthread_mutex_destroy(&server->mutex);
        cd_free(server);
        return cd_error_set(error, CD_IO, "the HTTP server on port %u does not start: %s",
                            options->port, strerror(errno));
    }
    *ret_server = server;
    return CD_OK;
}

void http_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    MHD_stop_daemon(server->daemon);
    pthread_mutex_destroy(&server->mutex);
    cd_free(server);
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}
