#include "fake.h"

#include "base/blob.h"
#include "base/memory.h"
#include "coord/v1/coord.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- What it says ---- */

static struct cd_blob *pack(const ProtobufCMessage *message)
{
    struct cd_blob *blob = cd_blob_create(protobuf_c_message_get_packed_size(message));
    (void)protobuf_c_message_pack(message, blob->data);
    return blob;
}

static void send_frame(struct fake *fake, uint64_t stream, const Coord__V1__ServerFrame *frame)
{
    (void)transport_stream_send(fake->transport, stream, pack(&frame->base));
}

static void welcome(struct fake *fake, uint64_t stream, const Coord__V1__Hello *hello)
{
    uint8_t id[16] = {1};
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome message = COORD__V1__WELCOME__INIT;
    message.cluster_id = (ProtobufCBinaryData){sizeof(id), id};
    message.generation = 1;
    if (hello->session_case != COORD__V1__HELLO__SESSION__NOT_SET) {
        bool resumes = hello->session_case == COORD__V1__HELLO__SESSION_RESUME;
        message.session_id = FAKE_SESSION;
        message.attach = resumes ? hello->resume->attach : 1;
        message.timeout_ms = atomic_load(&fake->timeout_ms);
    }
    frame.welcome = &message;
    send_frame(fake, stream, &frame);
}

static void send_item(struct fake *fake, uint64_t stream, Coord__V1__Item *item, uint64_t complete)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    frame.items = &item;
    frame.n_items = 1;
    frame.complete_to = complete;
    send_frame(fake, stream, &frame);
}

static void tell_events(struct fake *fake, uint64_t stream, const Coord__V1__WatchRequest *request,
                        uint8_t *data, size_t bytes)
{
    size_t count = atomic_load(&fake->events);
    uint64_t watch = request->watch_id;
    for (uint64_t zxid = request->after_zxid + 1; zxid <= count; zxid++) {
        Coord__V1__Item item = COORD__V1__ITEM__INIT;
        Coord__V1__Event event = COORD__V1__EVENT__INIT;
        event.zxid = zxid;
        event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_CREATED;
        event.path = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "/a"};
        event.data = (ProtobufCBinaryData){bytes, data};
        event.watch_ids = &watch;
        event.n_watch_ids = 1;
        item.item_case = COORD__V1__ITEM__ITEM_EVENT;
        item.event = &event;
        send_item(fake, stream, &item, zxid);
    }
}

/* What the results of all operations that it knows are made of. */
struct answers {
    Coord__V1__Stat stat;
    Coord__V1__SetResult set;
    Coord__V1__GetResult get;
    Coord__V1__CreateResult create;
    Coord__V1__WatchResult watch;
    Coord__V1__UnwatchResult unwatch;
    Coord__V1__CloseResult close;
    Coord__V1__WhoAmIResult who;
};

static void fill(struct answers *answers, Coord__V1__Reply *message,
                 const Coord__V1__Request *request)
{
    switch (request->op_case) {
    case COORD__V1__REQUEST__OP_SET:
        message->result_case = COORD__V1__REPLY__RESULT_SET;
        message->set = &answers->set;
        return;
    case COORD__V1__REQUEST__OP_CREATE:
        answers->create.path = (ProtobufCBinaryData){13, (uint8_t *)(uintptr_t) "/q-0000000001"};
        message->result_case = COORD__V1__REPLY__RESULT_CREATE;
        message->create = &answers->create;
        return;
    case COORD__V1__REQUEST__OP_WATCH:
        message->result_case = COORD__V1__REPLY__RESULT_WATCH;
        message->watch = &answers->watch;
        return;
    case COORD__V1__REQUEST__OP_UNWATCH:
        message->result_case = COORD__V1__REPLY__RESULT_UNWATCH;
        message->unwatch = &answers->unwatch;
        return;
    case COORD__V1__REQUEST__OP_CLOSE:
        message->result_case = COORD__V1__REPLY__RESULT_CLOSE;
        message->close = &answers->close;
        return;
    case COORD__V1__REQUEST__OP_WHO_AM_I:
        answers->who.scheme = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "cn"};
        answers->who.identity = (ProtobufCBinaryData){6, (uint8_t *)(uintptr_t) "client"};
        answers->who.session_id = FAKE_SESSION;
        message->result_case = COORD__V1__REPLY__RESULT_WHO_AM_I;
        message->who_am_i = &answers->who;
        return;
    default:
        message->result_case = COORD__V1__REPLY__RESULT_GET;
        message->get = &answers->get;
    }
}

static void reply(struct fake *fake, uint64_t stream, const Coord__V1__Request *request)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Reply message = COORD__V1__REPLY__INIT;
    struct answers answers = {COORD__V1__STAT__INIT,         COORD__V1__SET_RESULT__INIT,
                              COORD__V1__GET_RESULT__INIT,   COORD__V1__CREATE_RESULT__INIT,
                              COORD__V1__WATCH_RESULT__INIT, COORD__V1__UNWATCH_RESULT__INIT,
                              COORD__V1__CLOSE_RESULT__INIT, COORD__V1__WHO_AM_IRESULT__INIT};
    size_t bytes = atomic_load(&fake->data_bytes);
    uint8_t *data = cd_calloc(1, bytes);
    answers.set.stat = &answers.stat;
    answers.get.stat = &answers.stat;
    answers.get.data = (ProtobufCBinaryData){bytes, data};
    answers.create.stat = &answers.stat;
    message.id = request->id;
    message.zxid = atomic_load(&fake->zxid);
    if (atomic_load(&fake->manner) == FAKE_NO_LEADER) {
        message.code = COORD__V1__CODE__CODE_NO_LEADER;
    } else {
        fill(&answers, &message, request);
    }
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = &message;
    send_item(fake, stream, &item, 0);
    if (request->op_case == COORD__V1__REQUEST__OP_WATCH) {
        tell_events(fake, stream, request->watch, data, bytes);
    }
    if (request->op_case == COORD__V1__REQUEST__OP_CLOSE) {
        atomic_fetch_add(&fake->closes, 1);
    }
    cd_free(data);
}

/* ---- What it is told ---- */

static void on_opened(void *context, uint64_t stream, const char *method, const char *identity,
                      const char *from)
{
    struct fake *fake = context;
    (void)stream;
    (void)method;
    (void)identity;
    (void)from;
    atomic_fetch_add(&fake->streams, 1);
}

static void on_request(struct fake *fake, uint64_t stream, const ProtobufCBinaryData *bytes)
{
    Coord__V1__Request *request = coord__v1__request__unpack(NULL, bytes->len, bytes->data);
    if (request != NULL) {
        reply(fake, stream, request);
        coord__v1__request__free_unpacked(request, NULL);
    }
}

static void on_frame(void *context, uint64_t stream, struct cd_blob *bytes)
{
    struct fake *fake = context;
    Coord__V1__ClientFrame *frame =
        coord__v1__client_frame__unpack(NULL, bytes->bytes, bytes->data);
    enum fake_manner manner = atomic_load(&fake->manner);
    if (frame == NULL) {
        return;
    }
    if (frame->hello != NULL) {
        welcome(fake, stream, frame->hello);
    }
    if (frame->n_requests > 0 && atomic_exchange(&fake->breaks_next, false)) {
        manner = FAKE_BREAK;
    }
    if (frame->n_requests > 0 && manner == FAKE_BREAK) {
        transport_stream_close(fake->transport, stream, TRANSPORT_UNAVAILABLE, "broken");
    }
    for (size_t i = 0; i < frame->n_requests; i++) {
        if (manner == FAKE_ANSWER || manner == FAKE_NO_LEADER || manner == FAKE_UNSURE) {
            on_request(fake, stream, &frame->requests[i]);
        }
        atomic_fetch_add(&fake->requests, 1);
    }
    if (manner == FAKE_ANSWER) {
        Coord__V1__ServerFrame confirmation = COORD__V1__SERVER_FRAME__INIT;
        confirmation.confirmed = frame->number;
        send_frame(fake, stream, &confirmation);
    }
    coord__v1__client_frame__free_unpacked(frame, NULL);
}

static void on_sent(void *context, uint64_t stream, uint64_t bytes)
{
    (void)context;
    (void)stream;
    (void)bytes;
}

static void on_ended(void *context, uint64_t stream)
{
    struct fake *fake = context;
    transport_stream_close(fake->transport, stream, TRANSPORT_OK, "");
}

static void on_closed(void *context, uint64_t stream)
{
    (void)context;
    (void)stream;
}

/* The answers of all three methods have code, message and an id or number that zero bytes fill. */
static void on_call(void *context, const struct transport_call *call)
{
    struct fake *fake = context;
    uint8_t id[16] = {1};
    enum fake_manner manner = atomic_load(&fake->manner);
    if (manner == FAKE_REFUSE) {
        transport_call_reply(fake->transport, call->id, TRANSPORT_PERMISSION_DENIED, "not you",
                             NULL);
    } else if (manner == FAKE_BREAK) {
        transport_call_reply(fake->transport, call->id, TRANSPORT_UNAVAILABLE, "broken", NULL);
    } else if (manner == FAKE_ANSWER && strstr(call->method, "Init") != NULL) {
        Coord__V1__InitResponse answer = COORD__V1__INIT_RESPONSE__INIT;
        answer.cluster_id = (ProtobufCBinaryData){sizeof(id), id};
        transport_call_reply(fake->transport, call->id, TRANSPORT_OK, NULL, pack(&answer.base));
    } else if (manner == FAKE_ANSWER) {
        Coord__V1__StatusResponse answer = COORD__V1__STATUS_RESPONSE__INIT;
        answer.node_id = 7;
        transport_call_reply(fake->transport, call->id, TRANSPORT_OK, NULL, pack(&answer.base));
    }
    atomic_fetch_add(&fake->calls, 1);
}

static void on_peer(void *context, uint32_t node)
{
    (void)context;
    (void)node;
}

static void on_peer_frame(void *context, uint32_t node, uint64_t link, struct cd_blob *frame)
{
    (void)context;
    (void)node;
    (void)link;
    (void)frame;
}

static void on_log(void *context, enum transport_log_level level, const char *event,
                   const char *text)
{
    (void)context;
    (void)level;
    (void)event;
    (void)text;
}

/* ---- Life ---- */

static void wake(void *context)
{
    struct fake *fake = context;
    (void)pthread_mutex_lock(&fake->lock);
    fake->woken = true;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
}

static void *run(void *context)
{
    static const struct transport_handler handler = {
        .stream_opened = on_opened,
        .stream_frame = on_frame,
        .stream_sent = on_sent,
        .stream_ended = on_ended,
        .stream_closed = on_closed,
        .call = on_call,
        .peer_up = on_peer,
        .peer_down = on_peer,
        .peer_frame = on_peer_frame,
        .log = on_log,
    };
    struct fake *fake = context;
    (void)pthread_mutex_lock(&fake->lock);
    while (!fake->quit) {
        bool woken = fake->woken;
        fake->woken = false;
        (void)pthread_mutex_unlock(&fake->lock);
        bool more = woken && transport_poll(fake->transport, &handler, fake, 64);
        transport_flush(fake->transport);
        (void)pthread_mutex_lock(&fake->lock);
        fake->woken = fake->woken || more;
        (void)pthread_cond_broadcast(&fake->changed);
        while (!fake->woken && !fake->quit) {
            (void)pthread_cond_wait(&fake->changed, &fake->lock);
        }
    }
    (void)pthread_mutex_unlock(&fake->lock);
    return NULL;
}

void fake_start(struct fake *fake, const struct crypto_pair *pair)
{
    struct transport_config config;
    struct cd_error error = {0};
    memset(fake, 0, sizeof(*fake));
    atomic_store(&fake->timeout_ms, 3000);
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)pthread_cond_init(&fake->changed, NULL);
    transport_config_init(&config);
    config.node = 1;
    config.client_address = "127.0.0.1:0";
    config.peer_address = "127.0.0.1:0";
    config.certificates.ca_pem = authority_ca()->cert_pem;
    config.certificates.cert_pem = pair->cert_pem;
    config.certificates.key_pem = pair->key_pem;
    config.limits.stream_out_bytes_max =
        64 << 20; /* a client that does not read is not cut off soon */
    config.wake = wake;
    config.wake_context = fake;
    if (transport_create(&config, &fake->transport, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    (void)snprintf(fake->endpoint, sizeof(fake->endpoint), "127.0.0.1:%u",
                   (unsigned)transport_client_port(fake->transport));
    transport_start(fake->transport);
    assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void fake_stop(struct fake *fake)
{
    (void)pthread_mutex_lock(&fake->lock);
    fake->quit = true;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    (void)pthread_join(fake->thread, NULL);
    transport_free(fake->transport);
    (void)pthread_cond_destroy(&fake->changed);
    (void)pthread_mutex_destroy(&fake->lock);
}

void fake_break_next(struct fake *fake)
{
    atomic_store(&fake->breaks_next, true);
}

static void wait_for(struct fake *fake, const _Atomic size_t *counter, size_t count)
{
    struct timespec deadline;
    int failed = 0;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    (void)pthread_mutex_lock(&fake->lock);
    while (atomic_load(counter) < count && failed == 0) {
        failed = pthread_cond_timedwait(&fake->changed, &fake->lock, &deadline);
    }
    (void)pthread_mutex_unlock(&fake->lock);
    assert_int_equal(failed, 0);
}

void fake_wait_requests(struct fake *fake, size_t count)
{
    wait_for(fake, &fake->requests, count);
}

void fake_wait_calls(struct fake *fake, size_t count)
{
    wait_for(fake, &fake->calls, count);
}
