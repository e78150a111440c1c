#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *const lab_endpoints[LAB_ENDPOINTS] = {"a:1", "b:2", "c:3"};

void lab_init(struct lab *lab, size_t endpoints, uint64_t seed)
{
    const struct client_session_config config = {
        .endpoints = lab_endpoints,
        .endpoints_count = endpoints,
        .client_name = "lab",
        .seed = seed,
    };
    memset(lab, 0, sizeof(*lab));
    lab->now_ms = 1000;
    lab->session = client_session_create(&config);
    assert_non_null(lab->session);
}

void lab_release(struct lab *lab)
{
    client_session_shutdown(lab->session, lab->now_ms);
    lab_settle(lab);
    assert_int_equal(lab->done_count, lab->requests_count);
    for (size_t i = 0; i < lab->requests_count; i++) {
        client_free(lab->requests[i].request.bytes);
        coord_result_free(lab->requests[i].request.result);
    }
    client_session_free(lab->session);
}

/* ---- What the machine does ---- */

static void run_effect(struct lab *lab, const struct client_effect *effect)
{
    struct lab_stream *stream = &lab->streams[effect->stream];
    struct lab_request *request = NULL;
    switch (effect->kind) {
    case CLIENT_EFFECT_DIAL:
        assert_true(effect->stream < LAB_STREAMS_MAX);
        assert_false(stream->dialled);
        stream->dialled = true;
        stream->endpoint = effect->endpoint;
        stream->dialled_ms = lab->now_ms;
        lab->streams_count = effect->stream;
        return;
    case CLIENT_EFFECT_CLOSE:
        assert_true(stream->dialled && !stream->closed);
        stream->closed = true;
        return;
    case CLIENT_EFFECT_DONE:
        request = effect->request->context;
        assert_false(request->done);
        request->done = true;
        request->done_order = lab->done_count++;
        return;
    }
}

static void note_request(struct lab_stream *stream, const ProtobufCBinaryData *bytes)
{
    Coord__V1__Request *request = coord__v1__request__unpack(NULL, bytes->len, bytes->data);
    assert_non_null(request);
    assert_true(request->id != 0);
    assert_true(stream->ids_count < LAB_IDS_MAX);
    stream->ids[stream->ids_count] = request->id;
    stream->waits[stream->ids_count] = request->wait_ms;
    stream->ids_count++;
    coord__v1__request__free_unpacked(request, NULL);
}

static void note_frame(struct lab_stream *stream, struct client_bytes bytes)
{
    Coord__V1__ClientFrame *frame = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_non_null(frame);
    stream->frames++;
    assert_int_equal(frame->number, stream->frames);
    stream->hello = frame->hello != NULL;
    assert_true(stream->hello == (stream->frames == 1));
    if (stream->hello) {
        assert_int_equal(frame->n_requests, 0); /* S1 */
        assert_memory_equal(frame->hello->client.data, "lab", 3);
        stream->last_seen = frame->hello->last_seen_zxid;
        stream->generation = frame->hello->generation;
        stream->has_cluster = frame->hello->cluster_id.len == COORD_CLUSTER_ID_BYTES;
    }
    for (size_t i = 0; i < frame->n_requests; i++) {
        note_request(stream, &frame->requests[i]);
    }
    stream->last_count = frame->n_requests;
    coord__v1__client_frame__free_unpacked(frame, NULL);
    client_free(bytes.data);
}

static bool settle_once(struct lab *lab)
{
    struct client_effect effect;
    struct client_bytes frame;
    bool moved = false;
    while (client_session_take_effect(lab->session, &effect)) {
        run_effect(lab, &effect);
        moved = true;
    }
    for (uint64_t id = 1; id <= lab->streams_count; id++) {
        struct lab_stream *stream = &lab->streams[id];
        while (stream->dialled && !stream->closed && !lab->stuck[id] &&
               client_session_take_frame(lab->session, lab->now_ms, id, &frame)) {
            note_frame(stream, frame);
            moved = true;
        }
    }
    return moved;
}

void lab_settle(struct lab *lab)
{
    while (settle_once(lab)) {
    }
}

void lab_advance(struct lab *lab, uint64_t ms)
{
    uint64_t end_ms = lab->now_ms + ms;
    size_t turns = 0;
    for (;;) {
        lab_settle(lab);
        uint64_t due_ms = client_session_deadline_ms(lab->session);
        if (due_ms > end_ms) {
            break;
        }
        /* A deadline in the past that stays there would let the driver spin. */
        turns = due_ms <= lab->now_ms ? turns + 1 : 0;
        assert_true(turns < 3);
        lab->now_ms = due_ms > lab->now_ms ? due_ms : lab->now_ms;
        client_session_on_timer(lab->session, lab->now_ms);
    }
    lab->now_ms = end_ms;
}

/* ---- Requests ---- */

static size_t submit(struct lab *lab, const struct client_op *op, uint32_t timeout_ms)
{
    size_t number = lab->requests_count++;
    assert_true(number < LAB_REQUESTS_MAX);
    struct lab_request *mine = &lab->requests[number];
    mine->request.context = mine;
    mine->request.submitted_ms = lab->now_ms;
    mine->request.deadline_ms = lab->now_ms + timeout_ms;
    assert_int_equal(client_codec_request_encode(&mine->request, op, NULL, NULL), COORD_OK);
    client_session_submit(lab->session, lab->now_ms, &mine->request);
    lab_settle(lab);
    return number;
}

size_t lab_write(struct lab *lab, uint32_t timeout_ms)
{
    return lab_write_bytes(lab, timeout_ms, 1);
}

size_t lab_write_bytes(struct lab *lab, uint32_t timeout_ms, size_t data_bytes)
{
    void *data = client_calloc(1, data_bytes);
    const struct client_op op = {.kind = CLIENT_OP_SET,
                                 .path = "/w",
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .version = COORD_ANY_VERSION};
    size_t number = submit(lab, &op, timeout_ms);
    client_free(data);
    return number;
}

size_t lab_read(struct lab *lab, uint32_t timeout_ms)
{
    const struct client_op op = {.kind = CLIENT_OP_GET, .path = "/r"};
    return submit(lab, &op, timeout_ms);
}

/* ---- What the replicas do ---- */

void lab_frame(struct lab *lab, uint64_t stream, const Coord__V1__ServerFrame *frame)
{
    size_t count = protobuf_c_message_get_packed_size(&frame->base);
    uint8_t *bytes = client_malloc(count);
    assert_non_null(bytes);
    (void)protobuf_c_message_pack(&frame->base, bytes);
    client_session_on_frame(lab->session, lab->now_ms, stream, bytes, count);
    client_free(bytes);
    lab_settle(lab);
}

static void welcome(struct lab *lab, uint64_t stream, const Coord__V1__Welcome *welcome)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    frame.welcome = (Coord__V1__Welcome *)(uintptr_t)welcome;
    lab_frame(lab, stream, &frame);
}

void lab_welcome_as(struct lab *lab, uint64_t stream, uint8_t cluster, uint32_t generation,
                    const Coord__V1__Limits *limits)
{
    uint8_t id[COORD_CLUSTER_ID_BYTES];
    Coord__V1__Welcome message = COORD__V1__WELCOME__INIT;
    memset(id, cluster, sizeof(id));
    message.cluster_id = (ProtobufCBinaryData){sizeof(id), id};
    message.generation = generation;
    message.limits = (Coord__V1__Limits *)(uintptr_t)limits;
    welcome(lab, stream, &message);
}

void lab_welcome(struct lab *lab, uint64_t stream, enum coord_code code)
{
    Coord__V1__Welcome message = COORD__V1__WELCOME__INIT;
    if (code == COORD_OK) {
        lab_welcome_as(lab, stream, 7, 1, NULL);
        return;
    }
    message.code = (Coord__V1__Code)code;
    welcome(lab, stream, &message);
}

static void item(struct lab *lab, uint64_t stream, Coord__V1__Item *one)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    frame.items = &one;
    frame.n_items = 1;
    lab_frame(lab, stream, &frame);
}

void lab_reply(struct lab *lab, uint64_t stream, size_t number, enum coord_code code)
{
    const struct client_request *request = &lab->requests[number].request;
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    Coord__V1__SetResult set = COORD__V1__SET_RESULT__INIT;
    Coord__V1__GetResult get = COORD__V1__GET_RESULT__INIT;
    reply.id = request->id;
    reply.code = (Coord__V1__Code)code;
    if (code == COORD_OK && request->is_write) {
        reply.zxid = 100 + number;
        set.stat = &stat;
        reply.result_case = COORD__V1__REPLY__RESULT_SET;
        reply.set = &set;
    } else if (code == COORD_OK) {
        reply.zxid = 100 + number;
        get.stat = &stat;
        reply.result_case = COORD__V1__REPLY__RESULT_GET;
        reply.get = &get;
    }
    one.item_case = COORD__V1__ITEM__ITEM_REPLY;
    one.reply = &reply;
    item(lab, stream, &one);
}

void lab_no_leader(struct lab *lab, uint64_t stream)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__NoLeader message = COORD__V1__NO_LEADER__INIT;
    one.item_case = COORD__V1__ITEM__ITEM_NO_LEADER;
    one.no_leader = &message;
    item(lab, stream, &one);
}

void lab_go_away(struct lab *lab, uint64_t stream, const char *endpoint)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__GoAway message = COORD__V1__GO_AWAY__INIT;
    ProtobufCBinaryData hint = {0, NULL};
    message.code = COORD__V1__CODE__CODE_SHUTTING_DOWN;
    if (endpoint != NULL) {
        hint = (ProtobufCBinaryData){strlen(endpoint), (uint8_t *)(uintptr_t)endpoint};
        message.endpoints = &hint;
        message.n_endpoints = 1;
    }
    one.item_case = COORD__V1__ITEM__ITEM_GO_AWAY;
    one.go_away = &message;
    item(lab, stream, &one);
}

void lab_garbage(struct lab *lab, uint64_t stream)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff};
    client_session_on_frame(lab->session, lab->now_ms, stream, bytes, sizeof(bytes));
    lab_settle(lab);
}

void lab_break_as(struct lab *lab, uint64_t stream, enum coord_code code)
{
    client_session_on_closed(lab->session, lab->now_ms, stream, code, "it broke");
    lab->streams[stream].closed = true;
    lab_settle(lab);
}

void lab_break(struct lab *lab, uint64_t stream)
{
    lab_break_as(lab, stream, COORD_UNREACHABLE);
}

uint64_t lab_connect(struct lab *lab)
{
    uint64_t stream = lab->streams_count;
    assert_true(stream > 0);
    lab_welcome(lab, stream, COORD_OK);
    return stream;
}

/* ---- What came of it ---- */

size_t lab_sent(const struct lab *lab, uint64_t stream, size_t request)
{
    size_t times = 0;
    for (size_t i = 0; i < lab->streams[stream].ids_count; i++) {
        times += lab->streams[stream].ids[i] == lab->requests[request].request.id ? 1 : 0;
    }
    return times;
}

bool lab_is_done(const struct lab *lab, size_t request)
{
    return lab->requests[request].done;
}

enum coord_code lab_code(const struct lab *lab, size_t request)
{
    assert_true(lab->requests[request].done);
    return lab->requests[request].request.code;
}

const char *lab_message(const struct lab *lab, size_t request)
{
    assert_true(lab->requests[request].done);
    return lab->requests[request].request.error.message;
}
