#include "unit/transport/server.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- What the loop is told ---- */

static void copy_text(char *to, size_t bytes, const void *from, size_t from_bytes)
{
    size_t fits = from_bytes < bytes - 1 ? from_bytes : bytes - 1;
    memcpy(to, from, fits);
    to[fits] = '\0';
}

static void on_opened(void *context, uint64_t stream, const char *method, const char *identity,
                      const char *from)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->record.opened++;
    server->record.last_stream = stream;
    copy_text(server->record.method, sizeof(server->record.method), method, strlen(method));
    copy_text(server->record.identity, sizeof(server->record.identity), identity, strlen(identity));
    copy_text(server->record.from, sizeof(server->record.from), from, strlen(from));
    pthread_mutex_unlock(&server->lock);
}

static void on_frame(void *context, uint64_t stream, struct cd_blob *frame)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->record.frames++;
    server->record.frame_bytes += frame->bytes;
    copy_text(server->record.frame, sizeof(server->record.frame), frame->data, frame->bytes);
    pthread_mutex_unlock(&server->lock);
    if (server->echo) {
        (void)transport_stream_send(server->transport, stream, cd_blob_ref(frame));
    }
}

static void on_sent(void *context, uint64_t stream, uint64_t bytes)
{
    struct server *server = context;
    (void)stream;
    pthread_mutex_lock(&server->lock);
    server->record.sents++;
    server->record.sent_bytes += bytes;
    pthread_mutex_unlock(&server->lock);
}

static void on_ended(void *context, uint64_t stream)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->record.ended++;
    pthread_mutex_unlock(&server->lock);
    if (server->close_at_end) {
        transport_stream_close(server->transport, stream, TRANSPORT_OK, "bye");
    }
}

static void on_closed(void *context, uint64_t stream)
{
    struct server *server = context;
    (void)stream;
    pthread_mutex_lock(&server->lock);
    server->record.closed++;
    pthread_mutex_unlock(&server->lock);
}

static void on_call(void *context, const struct transport_call *call)
{
    struct server *server = context;
    struct server_record *record = &server->record;
    pthread_mutex_lock(&server->lock);
    record->calls++;
    record->last_call = call->id;
    record->last_timeout_ms = call->timeout_ms;
    copy_text(record->identity, sizeof(record->identity), call->identity, strlen(call->identity));
    copy_text(record->method, sizeof(record->method), call->method, strlen(call->method));
    copy_text(record->frame, sizeof(record->frame), call->request->data, call->request->bytes);
    pthread_mutex_unlock(&server->lock);
    if (server->echo) {
        transport_call_reply(server->transport, call->id, TRANSPORT_OK, NULL,
                             cd_blob_ref(call->request));
    } else if (!server->keep_calls) {
        transport_call_reply(server->transport, call->id, TRANSPORT_FAILED_PRECONDITION,
                             "not today", NULL);
    }
}

static void on_peer_up(void *context, uint32_t node)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->record.peer_ups++;
    server->record.peer_node = node;
    pthread_mutex_unlock(&server->lock);
    if (server->greet_peers) {
        (void)transport_peer_send(server->transport, node, cd_blob_copy("hello", 5));
    }
}

static void on_peer_down(void *context, uint32_t node)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->record.peer_downs++;
    server->record.peer_node = node;
    pthread_mutex_unlock(&server->lock);
}

static void on_peer_frame(void *context, uint32_t node, uint64_t link, struct cd_blob *frame)
{
    struct server *server = context;
    struct server_record *record = &server->record;
    pthread_mutex_lock(&server->lock);
    record->peer_frames++;
    record->peer_node = node;
    record->peer_link = link;
    record->peer_frame_after = record->frames;
    copy_text(record->peer_frame, sizeof(record->peer_frame), frame->data, frame->bytes);
    if (record->peer_next != 0) {
        unsigned long long number = strtoull(record->peer_frame, NULL, 10);
        record->peer_disorder += number == record->peer_next ? 0 : 1;
        record->peer_next = number + 1;
    }
    pthread_mutex_unlock(&server->lock);
}

static void on_log(void *context, enum transport_log_level level, const char *event,
                   const char *text)
{
    struct server *server = context;
    struct server_record *record = &server->record;
    pthread_mutex_lock(&server->lock);
    if (record->logs_count < SERVER_LOGS_MAX) {
        struct server_log *log = &record->logs[record->logs_count++];
        log->level = level;
        copy_text(log->event, sizeof(log->event), event, strlen(event));
        copy_text(log->text, sizeof(log->text), text, strlen(text));
    }
    pthread_mutex_unlock(&server->lock);
}

static const struct transport_handler handler = {
    .stream_opened = on_opened,
    .stream_frame = on_frame,
    .stream_sent = on_sent,
    .stream_ended = on_ended,
    .stream_closed = on_closed,
    .call = on_call,
    .peer_up = on_peer_up,
    .peer_down = on_peer_down,
    .peer_frame = on_peer_frame,
    .log = on_log,
};

/* ---- The loop ---- */

static void on_wake(void *context)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    server->woken = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void *run_loop(void *context)
{
    struct server *server = context;
    bool more = false;
    pthread_mutex_lock(&server->lock);
    while (!server->quit) {
        bool may_poll = !server->stalled && (server->woken || more);
        if (!may_poll && server->job == NULL) {
            pthread_cond_wait(&server->changed, &server->lock);
            continue;
        }
        void (*job)(struct server *, void *) = server->job;
        if (may_poll) {
            server->woken = false;
        }
        pthread_mutex_unlock(&server->lock);
        if (may_poll) {
            more = transport_poll(server->transport, &handler, server, 100);
        }
        if (job != NULL) {
            job(server, server->job_context);
        }
        transport_flush(server->transport);
        pthread_mutex_lock(&server->lock);
        if (job != NULL) {
            server->job = NULL;
        }
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- For tests ---- */

void server_init(struct server *server)
{
    if (server->running) {
        fail_msg("an earlier test failed and left its server running");
    }
    memset(server, 0, sizeof(*server));
}

struct transport_config server_config(struct server *server, uint32_t node,
                                      const struct crypto_pair *pair)
{
    struct transport_config config;
    transport_config_init(&config);
    config.node = node;
    config.client_address = "127.0.0.1:0";
    config.peer_address = "127.0.0.1:0";
    config.certificates.ca_pem = authority_ca()->cert_pem;
    config.certificates.cert_pem = pair->cert_pem;
    config.certificates.key_pem = pair->key_pem;
    config.wake = on_wake;
    config.wake_context = server;
    return config;
}

void server_start(struct server *server, const struct transport_config *config)
{
    struct cd_error error = {0};
    assert_int_equal(pthread_mutex_init(&server->lock, NULL), 0);
    pthread_condattr_t attributes;
    assert_int_equal(pthread_condattr_init(&attributes), 0);
    assert_int_equal(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
    assert_int_equal(pthread_cond_init(&server->changed, &attributes), 0);
    if (transport_create(config, &server->transport, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    transport_start(server->transport);
    assert_int_equal(pthread_create(&server->thread, NULL, run_loop, server), 0);
    server->running = true;
}

void server_stop(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    server->quit = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    server->running = false;
    transport_free(server->transport);
    server->transport = NULL;
    assert_int_equal(pthread_cond_destroy(&server->changed), 0);
    assert_int_equal(pthread_mutex_destroy(&server->lock), 0);
}

void server_run(struct server *server, void (*job)(struct server *server, void *context),
                void *context)
{
    pthread_mutex_lock(&server->lock);
    server->job = job;
    server->job_context = context;
    pthread_cond_broadcast(&server->changed);
    while (server->job != NULL) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

void server_stall(struct server *server, bool stalled)
{
    pthread_mutex_lock(&server->lock);
    server->stalled = stalled;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

uint64_t server_now_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void server_nap(void)
{
    (void)usleep(1000);
}

/* Under lock. False when the time is over. */
static bool wait_change(struct server *server, uint64_t until_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(until_ms / 1000),
        .tv_nsec = (long)(until_ms % 1000) * 1000000,
    };
    return pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0;
}

static void fail_with_logs(const struct server_record *record, const char *what)
{
    for (size_t i = 0; i < record->logs_count; i++) {
        print_message("log: %s: %s\n", record->logs[i].event, record->logs[i].text);
    }
    fail_msg("waited in vain for: %s", what);
}

void server_wait_field(struct server *server, size_t offset, uint64_t at_least, const char *what)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    const uint64_t *field =
        (const uint64_t *)(const void *)((const char *)&server->record + offset);
    pthread_mutex_lock(&server->lock);
    bool in_time = true;
    while (*field < at_least && in_time) {
        in_time = wait_change(server, until_ms);
    }
    bool held = *field >= at_least;
    pthread_mutex_unlock(&server->lock);
    if (!held) {
        fail_with_logs(&server->record, what);
    }
}

void server_wait_open(struct server *server, uint64_t count)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    while (transport_open_count(server->transport) != count && server_now_ms() < until_ms) {
        server_nap();
    }
    assert_int_equal(transport_open_count(server->transport), count);
}

static bool has_log(const struct server_record *record, const char *event, const char *text)
{
    for (size_t i = 0; i < record->logs_count; i++) {
        if (strcmp(record->logs[i].event, event) == 0 &&
            strstr(record->logs[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

void server_wait_log(struct server *server, const char *event, const char *text)
{
    uint64_t until_ms = server_now_ms() + SERVER_WAIT_MS;
    pthread_mutex_lock(&server->lock);
    bool in_time = true;
    while (!has_log(&server->record, event, text) && in_time) {
        in_time = wait_change(server, until_ms);
    }
    bool held = has_log(&server->record, event, text);
    pthread_mutex_unlock(&server->lock);
    if (!held) {
        fail_with_logs(&server->record, event);
    }
}

uint64_t server_count_log(struct server *server, const char *event)
{
    uint64_t count = 0;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->record.logs_count; i++) {
        count += strcmp(server->record.logs[i].event, event) == 0 ? 1 : 0;
    }
    pthread_mutex_unlock(&server->lock);
    return count;
}

struct server_record server_record_get(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    struct server_record copy = server->record;
    pthread_mutex_unlock(&server->lock);
    return copy;
}
