#include "driver_internal.h"

#include "secret.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <signal.h>
#include <sys/random.h>
#include <time.h>

/*
 * The thread, and the session's streams. A stream lives from its DIAL effect until gRPC has given
 * back its last tag; `id` is 0 once the session has no more use for it. At most one message is
 * being sent and one received; RECV_STATUS (over_tag) comes exactly once.
 */

#define EVENTS_PER_TURN 64 /* then what they caused is sent in one frame */
#define METHOD_SESSION  "/coord.v1.Coordination/Session"

struct driver_stream {
    struct driver_stream *next;
    struct client_driver *driver;
    uint64_t id;
    struct driver_call call;
    struct driver_tag answered_tag, received_tag, sent_tag;
    bool sending, over;
    grpc_byte_buffer *received, *sent;
};

uint64_t client_driver_now_ms(void)
{
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t client_driver_lease_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* fails only for an unknown clock */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct client_time now(void)
{
    return (struct client_time){client_driver_now_ms(), client_driver_lease_ms()};
}

/* ---- Streams ---- */

static void receive(struct driver_stream *stream)
{
    const grpc_op op = {
        .op = GRPC_OP_RECV_MESSAGE,
        .data.recv_message.recv_message = &stream->received,
    };
    driver_call_start(&stream->call, &op, &stream->received_tag);
}

static void pump(struct driver_stream *stream)
{
    struct client_bytes frame;
    if (stream->id == 0 || stream->sending || stream->over ||
        !client_session_take_frame(stream->driver->session, now(), stream->id, &frame)) {
        return;
    }
    stream->sending = true;
    stream->sent = driver_give_message(frame);
    const grpc_op op = {
        .op = GRPC_OP_SEND_MESSAGE,
        .data.send_message.send_message = stream->sent,
    };
    driver_call_start(&stream->call, &op, &stream->sent_tag);
}

static void unlink_stream(struct driver_stream *stream)
{
    struct driver_stream **link = &stream->driver->streams;
    while (*link != stream) {
        link = &(*link)->next;
    }
    *link = stream->next;
}

static void settle(struct driver_stream *stream)
{
    if (!stream->over || stream->call.pending != 0) {
        return;
    }
    char why[COORD_ERROR_MESSAGE_BYTES];
    enum coord_code code = driver_call_outcome(&stream->call, why, sizeof(why));
    unlink_stream(stream);
    driver_call_release(&stream->call);
    if (stream->id != 0) {
        client_session_on_closed(stream->driver->session, now(), stream->id, code, why);
    }
    client_free(stream);
}

static void on_opened(void *owner, bool ok)
{
    (void)ok; /* if it failed, the status tells */
    struct driver_stream *stream = owner;
    stream->call.pending--;
    settle(stream);
}

static void on_answered(void *owner, bool ok)
{
    (void)ok; /* likewise */
    struct driver_stream *stream = owner;
    stream->call.pending--;
    settle(stream);
}

static void on_sent(void *owner, bool ok)
{
    (void)ok; /* likewise */
    struct driver_stream *stream = owner;
    stream->call.pending--;
    stream->sending = false;
    grpc_byte_buffer_destroy(stream->sent);
    stream->sent = NULL;
    settle(stream);
}

static void deliver(struct driver_stream *stream, grpc_byte_buffer *message)
{
    struct client_session *session = stream->driver->session;
    struct client_bytes bytes;
    enum coord_code code = driver_take_message(message, &bytes);
    if (code == COORD_OK) {
        client_session_on_frame(session, now(), stream->id, bytes.data, bytes.count);
        client_free(bytes.data);
    } else {
        client_session_on_closed(session, now(), stream->id, code,
                                 "a frame of it could not be taken");
        stream->id = 0;
        driver_call_cancel(&stream->call);
    }
}

static void on_received(void *owner, bool ok)
{
    struct driver_stream *stream = owner;
    grpc_byte_buffer *message = stream->received;
    stream->call.pending--;
    stream->received = NULL;
    if (ok && message != NULL) {
        if (stream->id != 0) {
            deliver(stream, message);
        }
        receive(stream); /* until there is none, then the status comes */
    }
    if (message != NULL) {
        grpc_byte_buffer_destroy(message);
    }
    settle(stream);
}

static void on_over(void *owner, bool ok)
{
    (void)ok; /* always true for this one */
    struct driver_stream *stream = owner;
    stream->call.pending--;
    stream->over = true;
    settle(stream);
}

static enum coord_code open_stream(struct client_driver *driver, const struct client_effect *effect,
                                   struct coord_error *error)
{
    struct driver_stream *stream = client_calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return client_error_no_memory(error);
    }
    stream->driver = driver;
    stream->id = effect->stream;
    stream->call.opened_tag = (struct driver_tag){on_opened, stream};
    stream->call.over_tag = (struct driver_tag){on_over, stream};
    stream->answered_tag = (struct driver_tag){on_answered, stream};
    stream->received_tag = (struct driver_tag){on_received, stream};
    stream->sent_tag = (struct driver_tag){on_sent, stream};
    enum coord_code code = driver_call_begin(
        driver, &stream->call, driver->config.endpoints[effect->endpoint], METHOD_SESSION, error);
    if (code != COORD_OK) {
        client_free(stream);
        return code;
    }
    const grpc_op answer = {
        .op = GRPC_OP_RECV_INITIAL_METADATA,
        .data.recv_initial_metadata.recv_initial_metadata = &stream->call.initial,
    };
    driver_call_start(&stream->call, &answer, &stream->answered_tag);
    receive(stream);
    stream->next = driver->streams;
    driver->streams = stream;
    return COORD_OK;
}

static void close_stream(struct client_driver *driver, uint64_t id)
{
    for (struct driver_stream *stream = driver->streams; stream != NULL; stream = stream->next) {
        if (stream->id == id) {
            stream->id = 0;
            driver_call_cancel(&stream->call);
        }
    }
}

/* ---- The turn ---- */

static void publish(struct client_driver *driver)
{
    struct client_lease_view view = client_session_lease(driver->session);
    driver->config.publish(driver->config.context, &view);
}

static void draw_secret(struct client_driver *driver)
{
    uint8_t secret[CLIENT_SECRET_BYTES];
    uint8_t hash[CLIENT_SECRET_HASH_BYTES];
    bool drawn = client_secret_draw(secret, hash);
    client_session_give_secret(driver->session, now(), drawn ? secret : NULL, drawn ? hash : NULL);
}

static void run_effects(struct client_driver *driver)
{
    struct client_effect effect;
    struct coord_error error;
    while (client_session_take_effect(driver->session, &effect)) {
        switch (effect.kind) {
        case CLIENT_EFFECT_DIAL:
            if (open_stream(driver, &effect, &error) != COORD_OK) {
                client_session_on_closed(driver->session, now(), effect.stream, COORD_UNREACHABLE,
                                         error.message);
            }
            break;
        case CLIENT_EFFECT_CLOSE:
            close_stream(driver, effect.stream);
            break;
        case CLIENT_EFFECT_DONE:
            effect.request->done(effect.request);
            break;
        case CLIENT_EFFECT_ITEM:
            effect.item->watch->told(effect.item);
            break;
        case CLIENT_EFFECT_SECRET:
            draw_secret(driver);
            break;
        case CLIENT_EFFECT_STATE:
            publish(driver); /* before whoever waits for what caused it is told */
            break;
        }
    }
}

static void take_job(struct client_driver *driver, struct client_watch_job *job)
{
    struct client_request *create = job->create;
    enum coord_code code = COORD_OK;
    if (job->remove) {
        client_session_unwatch(driver->session, job->watch);
    } else {
        code = client_session_watch(driver->session, now(), job->watch);
    }
    job->done(job, code); /* it may be gone */
    if (create != NULL && code == COORD_OK) {
        client_session_submit(driver->session, now(), create);
    } else if (create != NULL) {
        create->code = client_error_set(&create->error, code, "the watch: %s; nothing was done",
                                        coord_code_text(code));
        create->done(create);
    }
}

/* What other threads have handed over. */
struct inbox {
    struct client_request *requests;
    struct client_unary *unaries;
    struct client_watch_job *jobs;
    uint64_t abandoned;
    bool stop;
};

static void open_inbox(struct client_driver *driver, struct inbox *ret_inbox)
{
    (void)pthread_mutex_lock(&driver->lock); /* cannot fail for a plain mutex */
    *ret_inbox = (struct inbox){driver->requests, driver->unaries, driver->jobs, driver->abandoned,
                                driver->stopping};
    while (driver->took != NULL) {
        struct client_watch *watch = driver->took;
        driver->took = watch->took_next;
        client_session_took(driver->session, watch, watch->took);
        watch->took = 0;
    }
    driver->requests = NULL;
    driver->requests_end = &driver->requests;
    driver->unaries = NULL;
    driver->unaries_end = &driver->unaries;
    driver->jobs = NULL;
    driver->jobs_end = &driver->jobs;
    (void)pthread_mutex_unlock(&driver->lock);
}

static void take_inbox(struct client_driver *driver)
{
    struct inbox inbox;
    open_inbox(driver, &inbox);
    client_session_abandon(driver->session, now(), inbox.abandoned);
    while (inbox.jobs != NULL) {
        struct client_watch_job *next = inbox.jobs->next;
        take_job(driver, inbox.jobs);
        inbox.jobs = next;
    }
    while (inbox.requests != NULL) {
        struct client_request *next = inbox.requests->next;
        client_session_submit(driver->session, now(), inbox.requests);
        inbox.requests = next;
    }
    while (inbox.unaries != NULL) {
        struct client_unary *next = inbox.unaries->next;
        driver_unary_begin(driver, inbox.unaries);
        inbox.unaries = next;
    }
    if (inbox.stop && !driver->stop_begun) {
        driver->stop_begun = true;
        client_session_shutdown(driver->session, now());
        driver_unary_stop(driver);
    }
}

/* What came leads to effects, and these to frames; returns when the next turn is due. */
static uint64_t turn(struct client_driver *driver)
{
    take_inbox(driver);
    client_session_on_timer(driver->session, now());
    uint64_t unaries_ms = driver_unary_expire(driver, client_driver_now_ms());
    run_effects(driver);
    for (struct driver_stream *stream = driver->streams; stream != NULL; stream = stream->next) {
        pump(stream);
    }
    run_effects(driver); /* taking a frame can end a request that is too large */
    publish(driver);     /* its times change without an effect */
    uint64_t session_ms = client_session_deadline_ms(driver->session);
    return session_ms < unaries_ms ? session_ms : unaries_ms;
}

static gpr_timespec time_of(uint64_t ms)
{
    return ms == CLIENT_NEVER ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                              : gpr_time_from_millis((int64_t)ms, GPR_CLOCK_MONOTONIC);
}

static void on_wake(void *owner, bool ok)
{
    (void)ok;
    struct client_driver *driver = owner;
    (void)pthread_mutex_lock(&driver->lock);
    driver->woken = false;
    (void)pthread_mutex_unlock(&driver->lock);
}

static void *run(void *context)
{
    struct client_driver *driver = context;
    for (;;) {
        uint64_t due_ms = turn(driver);
        if (driver->stop_begun && driver->streams == NULL && driver->calls == NULL) {
            return NULL;
        }
        grpc_event event = grpc_completion_queue_next(driver->cq, time_of(due_ms), NULL);
        for (int i = 0; event.type == GRPC_OP_COMPLETE; i++) {
            struct driver_tag *tag = event.tag;
            tag->done(tag->owner, event.success != 0);
            if (i == EVENTS_PER_TURN) {
                break;
            }
            event = grpc_completion_queue_next(driver->cq, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
        }
    }
}

/* ---- For other threads ---- */

/* With the lock held. */
static void wake(struct client_driver *driver)
{
    if (!driver->woken) {
        driver->woken = true;
        grpc_call_error failed =
            grpc_call_start_batch(driver->wake_call, NULL, 0, &driver->wake_tag, NULL);
        CD_ASSERT(failed == GRPC_CALL_OK);
    }
}

void client_driver_submit(struct client_driver *driver, struct client_request *request)
{
    request->next = NULL;
    (void)pthread_mutex_lock(&driver->lock);
    bool stopped = driver->stopped;
    if (!stopped) {
        *driver->requests_end = request;
        driver->requests_end = &request->next;
        wake(driver);
    }
    (void)pthread_mutex_unlock(&driver->lock);
    if (stopped) {
        request->code = client_error_set(&request->error, COORD_CLOSED, "the client is closed");
        request->done(request);
    }
}

void client_driver_submit_unary(struct client_driver *driver, struct client_unary *unary)
{
    unary->next = NULL;
    (void)pthread_mutex_lock(&driver->lock);
    bool stopped = driver->stopped;
    if (!stopped) {
        *driver->unaries_end = unary;
        driver->unaries_end = &unary->next;
        wake(driver);
    }
    (void)pthread_mutex_unlock(&driver->lock);
    if (stopped) {
        unary->code = client_error_set(&unary->error, COORD_CLOSED, "the client is closed");
        unary->done(unary);
    }
}

void client_driver_submit_watch(struct client_driver *driver, struct client_watch_job *job)
{
    job->next = NULL;
    (void)pthread_mutex_lock(&driver->lock);
    bool stopped = driver->stopped;
    if (!stopped) {
        *driver->jobs_end = job;
        driver->jobs_end = &job->next;
        wake(driver);
    }
    (void)pthread_mutex_unlock(&driver->lock);
    if (stopped) {
        (void)pthread_mutex_lock(&driver->late);
        take_job(driver, job);
        (void)pthread_mutex_unlock(&driver->late);
    }
}

void client_driver_took(struct client_driver *driver, struct client_watch *watch, size_t bytes)
{
    (void)pthread_mutex_lock(&driver->lock);
    if (!driver->stopped) { /* else nobody counts any more */
        if (watch->took == 0) {
            watch->took_next = driver->took;
            driver->took = watch;
        }
        watch->took += bytes;
        wake(driver);
    }
    (void)pthread_mutex_unlock(&driver->lock);
}

void client_driver_abandon(struct client_driver *driver, uint64_t id)
{
    (void)pthread_mutex_lock(&driver->lock);
    driver->abandoned = id;
    wake(driver);
    (void)pthread_mutex_unlock(&driver->lock);
}

/* ---- Beginning and end ---- */

static uint64_t draw_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed ^= client_driver_now_ms() ^ (uint64_t)(uintptr_t)&seed; /* only spreads dialling */
    }
    return seed;
}

static struct client_driver *make_driver(const struct client_driver_config *config)
{
    struct client_driver *driver = client_calloc(1, sizeof(*driver));
    const struct client_session_config session = {
        .endpoints = config->endpoints,
        .endpoints_count = config->endpoints_count,
        .client_name = config->client_name,
        .seed = draw_seed(),
        .sessions = config->session,
        .session_timeout_ms = config->session_timeout_ms,
    };
    if (driver == NULL) {
        return NULL;
    }
    driver->session = client_session_create(&session);
    if (driver->session == NULL) {
        client_free(driver);
        return NULL;
    }
    driver->config = *config;
    driver->requests_end = &driver->requests;
    driver->unaries_end = &driver->unaries;
    driver->jobs_end = &driver->jobs;
    driver->wake_tag = (struct driver_tag){on_wake, driver};
    (void)pthread_mutex_init(&driver->lock, NULL); /* cannot fail without attributes */
    (void)pthread_mutex_init(&driver->late, NULL);
    driver->cq = grpc_completion_queue_create_for_next(NULL);
    driver->wake_channel =
        grpc_lame_client_channel_create("wake", GRPC_STATUS_UNAVAILABLE, "only wakes a thread");
    driver->wake_call = grpc_channel_create_call(
        driver->wake_channel, NULL, GRPC_PROPAGATE_DEFAULTS, driver->cq,
        grpc_slice_from_static_string("/wake"), NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return driver;
}

static void free_driver(struct client_driver *driver)
{
    grpc_call_unref(driver->wake_call);
    grpc_channel_destroy(driver->wake_channel);
    grpc_completion_queue_shutdown(driver->cq);
    while (grpc_completion_queue_next(driver->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
        /* a wake that nobody has taken */
    }
    grpc_completion_queue_destroy(driver->cq);
    (void)pthread_mutex_destroy(&driver->lock);
    (void)pthread_mutex_destroy(&driver->late);
    client_session_free(driver->session);
    client_free(driver);
}

/* Our thread, and those that gRPC starts, take no signal: they are the program's to handle. */
static enum coord_code start_driver(const struct client_driver_config *config,
                                    struct client_driver **ret_driver, struct coord_error *error)
{
    grpc_init();
    struct client_driver *driver = make_driver(config);
    if (driver != NULL && pthread_create(&driver->thread, NULL, run, driver) != 0) {
        free_driver(driver);
        driver = NULL;
    }
    if (driver == NULL) {
        grpc_shutdown_blocking();
        return client_error_no_memory(error);
    }
    *ret_driver = driver;
    return COORD_OK;
}

enum coord_code client_driver_create(const struct client_driver_config *config,
                                     struct client_driver **ret_driver, struct coord_error *error)
{
    sigset_t all;
    sigset_t before;
    enum coord_code code = driver_check_files(config, error);
    if (code != COORD_OK) {
        return code;
    }
    client_secret_begin();
    driver_silence_log();
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for an invalid argument */
    code = start_driver(config, ret_driver, error);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* What came in the thread's last moments is done here. */
void client_driver_stop(struct client_driver *driver)
{
    (void)pthread_mutex_lock(&driver->lock);
    driver->stopping = true;
    wake(driver);
    (void)pthread_mutex_unlock(&driver->lock);
    (void)pthread_join(driver->thread, NULL);
    (void)pthread_mutex_lock(&driver->late);
    (void)pthread_mutex_lock(&driver->lock);
    driver->stopped = true;
    (void)pthread_mutex_unlock(&driver->lock);
    take_inbox(driver);
    run_effects(driver);
    (void)pthread_mutex_unlock(&driver->late);
}

void client_driver_free(struct client_driver *driver)
{
    free_driver(driver);
    grpc_shutdown_blocking();
}
