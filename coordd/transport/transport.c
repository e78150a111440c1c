#include "transport/internal.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <signal.h>
#include <string.h>
#include <time.h>

/* Creation, the completion-queue thread, and the end. */

uint64_t now_ms(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    CD_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void transport_tell(struct transport *transport, struct item *item)
{
    inbox_push(&transport->news, item);
    transport->news_urgent = true;
}

void transport_tell_later(struct transport *transport, struct item *item)
{
    inbox_push(&transport->news, item);
}

void transport_batch(grpc_call *call, const grpc_op *ops, size_t count, struct tag *tag)
{
    grpc_call_error failed = grpc_call_start_batch(call, ops, count, tag, NULL);
    CD_ASSERT(failed == GRPC_CALL_OK);
}

/* ---- The completion-queue thread ---- */

static void on_wake(void *owner, bool ok)
{
    (void)owner; /* the drain that it ends up in takes the outbox */
    (void)ok;
}

/* Gives this drain's items to the loop, and wakes it unless it was woken and has not looked yet. */
static void publish(struct transport *transport)
{
    if (inbox_is_empty(&transport->news) && !transport->news_urgent) {
        return;
    }
    pthread_mutex_lock(&transport->lock);
    inbox_append(&transport->inbox, &transport->news);
    bool wake = transport->news_urgent && !transport->loop_woken && !transport->stop;
    transport->loop_woken = transport->loop_woken || transport->news_urgent;
    pthread_mutex_unlock(&transport->lock);
    transport->news_urgent = false;
    if (wake) {
        transport->wake(transport->wake_context);
    }
}

static void take_item(struct transport *transport, struct item *item)
{
    switch (item->kind) {
    case ITEM_SEND:
        stream_take_frame(item->stream, item);
        return;
    case ITEM_CUT:
        stream_take_cut(item->stream, item);
        return;
    case ITEM_CLOSE:
    case ITEM_REPLY:
        stream_take_close(item->stream, item);
        return;
    case ITEM_PEER_SEND:
        link_take(link_find(transport, item->node), item);
        return;
    case ITEM_DRAIN:
        service_stop(&transport->client);
        item_free(item);
        return;
    case ITEM_OPENED:
    case ITEM_FRAME:
    case ITEM_SENT:
    case ITEM_ENDED:
    case ITEM_CLOSED:
    case ITEM_CALL:
    case ITEM_PEER_FRAME:
    case ITEM_PEER_UP:
    case ITEM_PEER_DOWN:
    case ITEM_LOG:
        break; /* these go the other way */
    }
    CD_UNREACHABLE();
}

/* Everything ends now; what is open is cancelled and comes back through its tags. */
static void begin_stop(struct transport *transport)
{
    transport->stop_begun = true;
    service_stop(&transport->client);
    service_stop(&transport->peer);
    grpc_server_cancel_all_calls(transport->client.server);
    grpc_server_cancel_all_calls(transport->peer.server);
    for (size_t i = 0; i < transport->links_count; i++) {
        link_stop(&transport->links[i]);
    }
}

static void take_outbox(struct transport *transport)
{
    struct queue taken = {0};
    pthread_mutex_lock(&transport->lock);
    queue_append(&taken, &transport->outbox);
    transport->cq_woken = false;
    bool stop = transport->stop;
    pthread_mutex_unlock(&transport->lock);
    struct item *item;
    while ((item = queue_take(&taken)) != NULL) {
        take_item(transport, item);
    }
    stream_review_paused(transport);
    if (stop && !transport->stop_begun) {
        begin_stop(transport);
    }
}

static uint64_t run_due(struct transport *transport)
{
    uint64_t now = now_ms();
    uint64_t due = stream_due(transport, now);
    for (size_t i = 0; i < transport->links_count; i++) {
        uint64_t link_ms = link_due(&transport->links[i], now);
        due = link_ms < due ? link_ms : due;
    }
    uint64_t report_ms = report_due(transport, now);
    return report_ms < due ? report_ms : due;
}

/*
 * A handshake fails inside the wait without ending it, so that a wait is never long: what gRPC said
 * is looked at once a second.
 */
static gpr_timespec deadline_at(uint64_t due_ms)
{
    uint64_t now = now_ms();
    uint64_t left_ms = due_ms > now ? due_ms - now : 0;
    left_ms = left_ms < TRANSPORT_WAIT_MS_MAX ? left_ms : TRANSPORT_WAIT_MS_MAX;
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis((int64_t)left_ms, GPR_TIMESPAN));
}

/* Waits for the first event, then takes what else is there. False at the queue's own end. */
static bool drain_events(struct transport *transport, uint64_t due_ms)
{
    gpr_timespec until = deadline_at(due_ms);
    for (int i = 0; i < TRANSPORT_EVENTS_PER_DRAIN; i++) {
        grpc_event event = grpc_completion_queue_next(transport->cq, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return false;
        }
        if (event.type == GRPC_QUEUE_TIMEOUT) {
            break;
        }
        struct tag *tag = event.tag;
        tag->done(tag->owner, event.success != 0);
        until = gpr_time_0(GPR_CLOCK_MONOTONIC);
    }
    return true;
}

static bool all_ended(const struct transport *transport)
{
    if (!transport->stop_begun || !transport->client.stopped || !transport->peer.stopped ||
        transport->streams != NULL ||
        transport->client.requests_posted + transport->peer.requests_posted != 0) {
        return false;
    }
    for (size_t i = 0; i < transport->links_count; i++) {
        if (transport->links[i].state != LINK_IDLE) {
            return false;
        }
    }
    return true;
}

/*
 * One turn: events, then what the loop said, then timers, then everything that has something to
 * send sends it, then the loop is told. The batching lives in this order.
 */
static void *run(void *context)
{
    struct transport *transport = context;
    uint64_t due_ms = 0;
    while (!all_ended(transport)) {
        bool open = drain_events(transport, due_ms);
        CD_ASSERT(open);
        take_outbox(transport);
        due_ms = run_due(transport);
        stream_pump_dirty(transport);
        link_pump_all(transport);
        publish(transport);
    }
    return NULL;
}

/* ---- Creation ---- */

void transport_config_init(struct transport_config *config)
{
    memset(config, 0, sizeof(*config));
    config->limits = (struct transport_limits){
        .frame_bytes_max = 4 * 1024 * 1024 + 64 * 1024,
        .streams_max = 10000,
        .calls_max = 4096,
        .stream_in_bytes_max = 1024 * 1024,
        .in_bytes_max = 64 * 1024 * 1024,
        .stream_out_bytes_mark = 1024 * 1024,
        .stream_out_bytes_max = 16 * 1024 * 1024,
        .out_bytes_max = 256 * 1024 * 1024,
        .client_memory_bytes_max = 512 * 1024 * 1024,
        .peer_out_bytes_max = 32 * 1024 * 1024,
        .close_grace_ms = 10000,
        .handshake_timeout_ms = 10000,
        .client_keepalive_ms = 10000,
        .client_ping_ms_min = 500,
        .peer_keepalive_ms = 1000,
        .dial_timeout_ms = 5000,
        .redial_ms_min = 50,
        .redial_ms_max = 2000,
    };
}

static enum cd_status check_limits(const struct transport_limits *limits, struct cd_error *error)
{
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"frame_bytes_max", limits->frame_bytes_max},
        {"streams_max", limits->streams_max},
        {"calls_max", limits->calls_max},
        {"stream_in_bytes_max", limits->stream_in_bytes_max},
        {"in_bytes_max", limits->in_bytes_max},
        {"stream_out_bytes_mark", limits->stream_out_bytes_mark},
        {"stream_out_bytes_max", limits->stream_out_bytes_max},
        {"out_bytes_max", limits->out_bytes_max},
        {"client_memory_bytes_max", limits->client_memory_bytes_max},
        {"peer_out_bytes_max", limits->peer_out_bytes_max},
        {"close_grace_ms", limits->close_grace_ms},
        {"handshake_timeout_ms", limits->handshake_timeout_ms},
        {"client_keepalive_ms", limits->client_keepalive_ms},
        {"client_ping_ms_min", limits->client_ping_ms_min},
        {"peer_keepalive_ms", limits->peer_keepalive_ms},
        {"dial_timeout_ms", limits->dial_timeout_ms},
        {"redial_ms_min", limits->redial_ms_min},
        {"redial_ms_max", limits->redial_ms_max},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(list); i++) {
        if (list[i].value == 0 || list[i].value > INT32_MAX) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "the limit %s is %llu; it takes 1 to %d", list[i].name,
                                (unsigned long long)list[i].value, INT32_MAX);
        }
    }
    if (limits->redial_ms_min > limits->redial_ms_max) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "the limit redial_ms_min is above redial_ms_max");
    }
    return CD_OK;
}

static enum cd_status check_peers(const struct transport_config *config, struct cd_error *error)
{
    if (config->peers_count > TRANSPORT_PEERS_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%zu peers; the limit is %d",
                            config->peers_count, TRANSPORT_PEERS_MAX);
    }
    for (size_t i = 0; i < config->peers_count; i++) {
        const struct transport_peer *peer = &config->peers[i];
        if (peer->node == 0 || peer->address == NULL || *peer->address == '\0' ||
            peer->identity == NULL || *peer->identity == '\0') {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "peer %zu: an id above 0, an address and an identity are wanted",
                                i + 1);
        }
        if (strlen(peer->identity) > CD_IDENTITY_BYTES_MAX) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "peer %u: the identity has more than %u bytes", peer->node,
                                CD_IDENTITY_BYTES_MAX);
        }
        for (size_t j = 0; j < i; j++) {
            if (config->peers[j].node == peer->node) {
                return cd_error_set(error, CD_INVALID_ARGUMENT, "peer %u is named twice",
                                    peer->node);
            }
        }
    }
    return CD_OK;
}

static enum cd_status check_config(const struct transport_config *config, struct cd_error *error)
{
    CD_ASSERT(config->wake != NULL);
    CD_ASSERT(config->certificates.ca_pem != NULL);
    CD_ASSERT(config->certificates.cert_pem != NULL);
    CD_ASSERT(config->certificates.key_pem != NULL);
    if (config->node == 0 || config->client_address == NULL || config->peer_address == NULL) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "a node id above 0, a client address and a peer address are wanted");
    }
    enum cd_status status = check_limits(&config->limits, error);
    return status == CD_OK ? check_peers(config, error) : status;
}

static struct transport *create(const struct transport_config *config)
{
    struct transport *transport = cd_calloc(1, sizeof(*transport));
    uint64_t seed;
    crypto_random(&seed, sizeof(seed));
    cd_prng_init(&transport->prng, seed);
    transport->node = config->node;
    transport->limits = config->limits;
    transport->wake = config->wake;
    transport->wake_context = config->wake_context;
    transport->client = (struct service){.transport = transport};
    transport->peer = (struct service){.transport = transport, .is_peer = true};
    transport->wake_tag = (struct tag){on_wake, transport};
    (void)pthread_mutex_init(&transport->lock, NULL); /* default ones always succeed */
    (void)pthread_mutex_init(&transport->certificates_lock, NULL);
    (void)pthread_mutex_init(&transport->log_lock, NULL);
    transport_set_certificates(transport, &config->certificates);
    transport->links = cd_calloc(config->peers_count, sizeof(*transport->links));
    transport->incoming = cd_calloc(config->peers_count, sizeof(*transport->incoming));
    for (size_t i = 0; i < config->peers_count; i++) {
        if (config->peers[i].node != config->node) {
            link_init(&transport->links[transport->links_count++], transport, &config->peers[i]);
        }
    }
    return transport;
}

static void create_queue(struct transport *transport)
{
    transport->cq = grpc_completion_queue_create_for_next(NULL);
    transport->wake_channel =
        grpc_lame_client_channel_create("wake", GRPC_STATUS_UNAVAILABLE, "only wakes a thread");
    transport->wake_call = grpc_channel_create_call(
        transport->wake_channel, NULL, GRPC_PROPAGATE_DEFAULTS, transport->cq,
        grpc_slice_from_static_string("/wake"), NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    CD_ASSERT(transport->wake_call != NULL);
}

enum cd_status transport_create(const struct transport_config *config,
                                struct transport **ret_transport, struct cd_error *error)
{
    enum cd_status status = check_config(config, error);
    if (status != CD_OK) {
        return status;
    }
    if (!crypto_tls13_only()) {
        return cd_error_set(error, CD_IO,
                            "TLS 1.2 is not switched off; crypto_init has to run first");
    }
    /* Threads that gRPC makes inherit this: signals are for the process's own threads. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail with these arguments */
    grpc_init();
    struct transport *transport = create(config);
    report_start(transport);
    create_queue(transport);
    status = service_bind(&transport->client, config->client_address, "client address", error);
    if (status == CD_OK) {
        status = service_bind(&transport->peer, config->peer_address, "peer address", error);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != CD_OK) {
        transport_free(transport);
        return status;
    }
    *ret_transport = transport;
    return CD_OK;
}

uint16_t transport_client_port(const struct transport *transport)
{
    return (uint16_t)transport->client.port;
}

uint16_t transport_peer_port(const struct transport *transport)
{
    return (uint16_t)transport->peer.port;
}

static void start_thread(struct transport *transport)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&transport->thread, NULL, run, transport);
    CD_ASSERT(failed == 0);
    (void)pthread_setname_np(transport->thread, "coord-grpc"); /* for top and gdb alone */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    transport->running = true;
}

void transport_start(struct transport *transport)
{
    CD_ASSERT(!transport->running);
    service_start(&transport->client);
    service_start(&transport->peer);
    start_thread(transport);
}

void transport_set_certificates(struct transport *transport,
                                const struct transport_certificates *certificates)
{
    char *old_ca = transport->ca_pem;
    char *old_cert = transport->cert_pem;
    char *old_key = transport->key_pem;
    pthread_mutex_lock(&transport->certificates_lock);
    transport->ca_pem = cd_strdup(certificates->ca_pem);
    transport->cert_pem = cd_strdup(certificates->cert_pem);
    transport->key_pem = cd_strdup(certificates->key_pem);
    transport->certificates_version++;
    pthread_mutex_unlock(&transport->certificates_lock);
    cd_free(old_ca);
    cd_free(old_cert);
    if (old_key != NULL) {
        explicit_bzero(old_key, strlen(old_key));
        cd_free(old_key);
    }
}

/* ---- The end ---- */

static void stop_service(struct transport *transport, struct service *service)
{
    if (service->server != NULL) {
        service_stop(service);
        while (!service->stopped) {
            bool open = drain_events(transport, UINT64_MAX);
            CD_ASSERT(open);
        }
        grpc_server_destroy(service->server);
    }
}

static void stop_thread(struct transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    transport->stop = true;
    pthread_mutex_unlock(&transport->lock);
    transport_batch(transport->wake_call, NULL, 0, &transport->wake_tag);
    int failed = pthread_join(transport->thread, NULL);
    CD_ASSERT(failed == 0);
    transport->running = false;
}

static void release_queue(struct transport *transport)
{
    grpc_call_unref(transport->wake_call);
    grpc_channel_destroy(transport->wake_channel);
    grpc_completion_queue_shutdown(transport->cq);
    while (drain_events(transport, UINT64_MAX)) {
    }
    grpc_completion_queue_destroy(transport->cq);
}

void transport_free(struct transport *transport)
{
    if (transport == NULL) {
        return;
    }
    if (transport->running) {
        stop_thread(transport);
    }
    /* No other thread from here on. */
    stop_service(transport, &transport->client);
    stop_service(transport, &transport->peer);
    release_queue(transport);
    inbox_clear(&transport->inbox);
    queue_clear(&transport->outbox);
    inbox_clear(&transport->news);
    loop_release(transport);
    for (size_t i = 0; i < transport->links_count; i++) {
        link_release(&transport->links[i]);
    }
    report_stop(transport);
    grpc_shutdown_blocking();
    cd_free(transport->links);
    cd_free(transport->incoming);
    cd_free(transport->ca_pem);
    cd_free(transport->cert_pem);
    explicit_bzero(transport->key_pem, strlen(transport->key_pem));
    cd_free(transport->key_pem);
    (void)pthread_mutex_destroy(&transport->lock);
    (void)pthread_mutex_destroy(&transport->certificates_lock);
    (void)pthread_mutex_destroy(&transport->log_lock);
    cd_free(transport);
}
