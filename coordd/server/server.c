#include "server/server.h"

#include "base/identity.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "server/dev.h"
#include "wire/client.h"
#include "wire/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What gRPC adds to a frame, generously. */
#define FRAME_SLACK_BYTES (64u * 1024u)

/* ---- Making ---- */

/* Not before transport_start, and so not before there is an env. */
static void wake(void *context)
{
    struct server *server = context;
    env_posix_wake(server->env);
}

static void on_http_log(void *context, const char *text)
{
    struct server *server = context;
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_DEBUG, "http");
    server_line_str(&line, "text", text);
    server_line_end(&line);
}

/* A larger frame than a client may send is refused by the replica, in words. */
static uint32_t frame_bytes_max(void)
{
    uint32_t client = WIRE_CLIENT_FRAME_BYTES_MAX;
    uint32_t peer = WIRE_PEER_FRAME_BYTES_MAX;
    return (client > peer ? client : peer) + FRAME_SLACK_BYTES;
}

static enum cd_status make_transport(struct server *server,
                                     const struct crypto_credentials *credentials,
                                     struct cd_error *error)
{
    const struct server_config *config = server->config;
    struct transport_peer peers[SERVER_PEERS_MAX];
    struct transport_config options;
    for (size_t i = 0; i < config->peers.count; i++) {
        peers[i] = (struct transport_peer){.node = config->peers.items[i].id,
                                           .address = config->peers.items[i].address,
                                           .identity = config->peers.items[i].identity};
    }
    transport_config_init(&options);
    options.node = (uint32_t)config->node;
    options.client_address = config->client_listen;
    options.peer_address = config->peer_listen;
    options.peers = peers;
    options.peers_count = config->peers.count;
    options.certificates.ca_pem = credentials->ca_pem;
    options.certificates.cert_pem = credentials->cert_pem;
    options.certificates.key_pem = credentials->key_pem;
    options.limits.frame_bytes_max = frame_bytes_max();
    options.limits.streams_max = (uint32_t)config->max_streams;
    options.limits.calls_max = (uint32_t)config->max_calls;
    options.limits.client_memory_bytes_max = config->max_client_memory;
    options.limits.client_keepalive_ms = (uint32_t)config->client_keepalive_ms;
    options.limits.client_ping_ms_min = (uint32_t)config->client_ping_ms;
    options.wake = wake;
    options.wake_context = server;
    return transport_create(&options, &server->transport, error);
}

static enum cd_status make_http(struct server *server, struct cd_error *error)
{
    char host[SERVER_HOST_BYTES];
    struct http_options options = {
        .host = host,
        .metrics = server->metrics.table,
        .metrics_count = server->metrics.count,
        .live_ms = SERVER_LIVE_MS,
        .log = on_http_log,
        .log_context = server,
    };
    bool split = server_address_split(server->config->http_listen, host, &options.port);
    CD_ASSERT(split); /* checked when it was set */
    return http_create(&options, &server->http, error);
}

static enum cd_status make_replica(struct server *server, struct cd_error *error)
{
    const struct server_config *config = server->config;
    struct replica_ports ports;
    uint32_t peers[SERVER_PEERS_MAX];
    size_t peers_count = 0;
    for (size_t i = 0; i < config->peers.count; i++) {
        if (config->peers.items[i].id != config->node) {
            peers[peers_count++] = config->peers.items[i].id;
        }
    }
    server_fill_ports(server, &ports);
    struct replica_options options = {
        .env = env_posix_as_env(server->env),
        .ports = &ports,
        .node = (uint32_t)config->node,
        .cluster_name = config->cluster,
        .peers = peers,
        .peers_count = peers_count,
        .admins = (const char *const *)config->admins.items,
        .admins_count = config->admins.count,
        .limits = FSM_LIMITS_DEFAULT,
        .alpha = (uint32_t)config->alpha,
        .heartbeat_ms = (uint32_t)config->heartbeat_ms,
        .election_ms = (uint32_t)config->election_ms,
        .segment_bytes = config->segment_bytes,
        .snapshot_bytes = config->snapshot_bytes,
        .history_bytes = config->history_bytes,
    };
    return replica_create(&options, &server->replica, error);
}

/* It runs, but its peers will turn it away; --check-config says no to it. */
static void warn_of_identity(struct server *server, const char *identity)
{
    struct cd_error error;
    struct server_line line;
    if (server_config_check_identity(server->config, identity, &error) == CD_OK) {
        return;
    }
    server_line_begin(&line, server->log, SERVER_LOG_WARN, "identity_differs");
    server_line_str(&line, "text", error.message);
    server_line_end(&line);
}

/* In this order: who is refused for its certificates or ports has touched no data directory. */
static enum cd_status make_parts(struct server *server, struct cd_error *error)
{
    const struct server_config *config = server->config;
    struct crypto_credentials credentials = {0};
    server_certificates_init(&server->certificates, config->tls_ca, config->tls_cert,
                             config->tls_key);
    enum cd_status status =
        crypto_credentials_load(config->tls_ca, config->tls_cert, config->tls_key,
                                (int64_t)time(NULL), &credentials, error);
    if (status != CD_OK) {
        return status;
    }
    warn_of_identity(server, credentials.identity);
    server->certificate_ends_s = credentials.not_after_s;
    server->ca_ends_s = credentials.ca_not_after_s;
    status = make_transport(server, &credentials, error);
    crypto_credentials_release(&credentials);
    if (status == CD_OK) {
        status = make_http(server, error);
    }
    if (status == CD_OK) {
        status = env_posix_create(config->data_dir, &server->env, error);
    }
    if (status == CD_OK) {
        server_signals_start(&server->signals, server->env, server_reload,
                             server_look_after_certificates, SERVER_CERTIFICATES_LOOK_MS, server);
        server->signals_started = true;
        status = make_replica(server, error);
    }
    return status;
}

enum cd_status server_create(const struct server_config *config, bool dev, struct server_log *log,
                             struct server **ret_server, struct cd_error *error)
{
    struct server *server = cd_calloc(1, sizeof(*server));
    server->config = config;
    server->log = log;
    server->dev = dev;
    server_events_init(&server->events, log);
    server_metrics_init(&server->metrics, COORD_VERSION);
    server_streams_init(&server->streams);
    struct server_tools_ports tools;
    server_fill_tools_ports(server, &tools);
    server_tools_init(&server->tools, &tools);
    enum cd_status status = make_parts(server, error);
    if (status != CD_OK) {
        server_free(server);
        return status;
    }
    *ret_server = server;
    return CD_OK;
}

void server_free(struct server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->signals_started) {
        server_signals_detach(&server->signals);
    }
    if (server->env != NULL && server->transport != NULL && server->replica != NULL) {
        while (env_posix_wait(server->env, 0) > 0) {
            /* What was posted frees itself by running; nothing new can be posted. */
        }
    }
    http_free(server->http);
    transport_free(server->transport);
    replica_free(server->replica);
    env_posix_free(server->env);
    if (server->signals_started) {
        server_signals_stop(&server->signals);
    }
    server_streams_release(&server->streams);
    server_tools_release(&server->tools);
    cd_free(server);
}

/* ---- Telling ---- */

static void publish(struct server *server, uint64_t now)
{
    struct replica_view view;
    struct transport_metrics transport;
    replica_get_view(server->replica, &view);
    transport_metrics_get(server->transport, &transport);
    bool stopping = server->state != SERVER_RUNNING;
    struct server_figures figures = {
        .view = &view,
        .transport = &transport,
        .events = &server->events,
        .turns = server->turns,
        .certificate_ends_s = server->certificate_ends_s,
        .ca_ends_s = server->ca_ends_s,
        .certificate_reloads = atomic_load(&server->certificates.reloads),
        .certificate_failures = atomic_load(&server->certificates.failures),
    };
    env_posix_sync_times(server->env, &figures.syncs);
    server_metrics_fill(&server->metrics, &figures);
    server_tools_set_serving(&server->tools, view.ready && !stopping);
    http_publish(server->http, view.ready && !stopping, server_unready_reason(&view, stopping),
                 server->metrics.values);
    server->published_ms = now;
}

static void log_started(struct server *server)
{
    const struct server_config *config = server->config;
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_INFO, "started");
    server_line_str(&line, "version", COORD_VERSION);
    server_line_str(&line, "cluster", config->cluster);
    server_line_str(&line, "data_dir", config->data_dir);
    server_line_u64(&line, "client_port", transport_client_port(server->transport));
    server_line_u64(&line, "peer_port", transport_peer_port(server->transport));
    server_line_u64(&line, "http_port", http_port(server->http));
    server_line_u64(&line, "peers", config->peers.count);
    server_line_end(&line);
}

static void log_state(struct server *server, const char *what, const char *text)
{
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_INFO, what);
    server_line_str(&line, "text", text);
    server_line_end(&line);
}

/* ---- --dev ---- */

static void announce(struct server *server)
{
    struct cd_buf out;
    struct cd_error error;
    cd_buf_init(&out, 64 * 1024);
    server_dev_exports(server->config, transport_client_port(server->transport), &out);
    if (server_dev_write_env(server->config, &out, &error) != CD_OK) {
        log_state(server, "env_file", error.message);
    }
    printf("# One replica is ready; Ctrl-C stops it. In another terminal type these lines, then\n"
           "# try: coordctl create /hello world; coordctl get /hello\n%.*s",
           (int)out.bytes, (const char *)out.data);
    fflush(stdout);
    cd_buf_release(&out);
    server->announced = true;
}

/* As somebody who may: a name without a scheme stands for any. */
static void found_cluster(struct server *server)
{
    const char *admin = server->config->admins.items[0];
    struct cd_identity parsed;
    char whole[CD_IDENTITY_BYTES_MAX + 8];
    bool is_whole = cd_identity_parse(admin, strlen(admin), &parsed);
    (void)snprintf(whole, sizeof(whole), "%s%s", is_whole ? "" : "cn:", admin);
    replica_on_call(server->replica, SERVER_BIRTH_CALL, REPLICA_METHOD_ADMIN_INIT, whole, "", 0);
}

/* A replica of --dev founds its cluster by itself and says when it can be used. */
static void tend_dev(struct server *server)
{
    struct replica_view view;
    replica_get_view(server->replica, &view);
    if (!view.born && !server->birth_asked) {
        server->birth_asked = true;
        found_cluster(server);
    } else if (view.ready) {
        announce(server);
    }
}

/* ---- Stopping ---- */

static void close_all_streams(struct server *server)
{
    for (size_t i = 0; i < server->streams.count; i++) {
        transport_stream_close(server->transport, server->streams.items[i].id,
                               TRANSPORT_UNAVAILABLE, "this replica stops: go to another one");
    }
}

static void tend_stop(struct server *server, uint64_t now)
{
    if (server->state == SERVER_RUNNING && atomic_load(&server->signals.stop_asked)) {
        log_state(server, "stopping", "leadership is handed over and open work is finished");
        server->state = SERVER_HANDING_OVER;
        server->patience_ms = now + server->config->stop_grace_ms;
        server_tools_set_serving(&server->tools, false);
        transport_drain(server->transport);
        replica_begin_stop(server->replica);
    }
    if (server->state == SERVER_HANDING_OVER &&
        (replica_may_stop(server->replica) || now >= server->patience_ms)) {
        server->state = SERVER_CLOSING;
        server->patience_ms = now + SERVER_CLOSE_MS;
        close_all_streams(server);
    } else if (server->state == SERVER_CLOSING &&
               (transport_open_count(server->transport) == 0 || now >= server->patience_ms)) {
        server->state = SERVER_ENDED;
    }
}

/* ---- The loop ---- */

static uint64_t deadline(const struct server *server, uint64_t now)
{
    uint64_t at = now + SERVER_TURN_MS_MAX;
    uint64_t replica = replica_deadline_ms(server->replica);
    at = replica < at ? replica : at;
    at = server->streams.due_ms < at ? server->streams.due_ms : at;
    if (server->state != SERVER_RUNNING && server->patience_ms < at) {
        at = server->patience_ms;
    }
    return at;
}

static void close_due_streams(struct server *server, uint64_t now)
{
    uint64_t stream;
    while ((stream = server_streams_take_due(&server->streams, now)) != 0) {
        transport_stream_close(server->transport, stream, TRANSPORT_OK, "");
    }
}

/* Returns true if more waits, so that the next turn must not sleep. */
static bool turn(struct server *server)
{
    const struct env *env = env_posix_as_env(server->env);
    bool more = transport_poll(server->transport, &SERVER_HANDLER, server, SERVER_TURN_EVENTS);
    uint64_t now = env_now_ms(env);
    if (server->dev && !server->announced && server->state == SERVER_RUNNING) {
        tend_dev(server);
    }
    replica_turn(server->replica);
    tend_stop(server, now);
    close_due_streams(server, now);
    server->turns++;
    if (now - server->published_ms >= SERVER_PUBLISH_MS) {
        publish(server, now);
    }
    transport_flush(server->transport); /* with what the watches of health were told */
    http_beat(server->http); /* last: who sees it live sees figures that were published */
    return more;
}

enum server_exit server_run(struct server *server)
{
    const struct env *env = env_posix_as_env(server->env);
    bool more = false;
    transport_start(server->transport);
    log_started(server);
    while (server->state != SERVER_ENDED) {
        (void)env_posix_wait(server->env, more ? 0 : deadline(server, env_now_ms(env)));
        more = turn(server);
        if (replica_is_fatal(server->replica)) {
            /* The log has the sentence. Nothing more may be said to anyone. */
            return SERVER_EXIT_FAILED;
        }
    }
    log_state(server, "stopped", "as asked");
    return SERVER_EXIT_STOPPED;
}
