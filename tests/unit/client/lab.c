#include "lab.h"

#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *const lab_endpoints[LAB_ENDPOINTS] = {"a:1", "b:2", "c:3"};

struct client_time lab_now(const struct lab *lab)
{
    return (struct client_time){lab->now_ms, LAB_LEASE_AHEAD_MS + lab->now_ms + lab->suspended_ms};
}

static void begin(struct lab *lab, const struct client_session_config *config)
{
    memset(lab, 0, sizeof(*lab));
    lab->now_ms = 1000;
    lab->session = client_session_create(config);
    assert_non_null(lab->session);
}

static void init(struct lab *lab, size_t endpoints, uint64_t seed, bool sessions)
{
    const struct client_session_config config = {
        .endpoints = lab_endpoints,
        .endpoints_count = endpoints,
        .client_name = "lab",
        .seed = seed,
        .sessions = sessions,
    };
    begin(lab, &config);
}

void lab_init_limits(struct lab *lab, size_t events_max, size_t watch_max, size_t group_max)
{
    const struct client_session_config config = {
        .endpoints = lab_endpoints,
        .endpoints_count = 1,
        .client_name = "lab",
        .seed = 1,
        .sessions = true,
        .events_bytes_max = events_max,
        .watch_bytes_max = watch_max,
        .group_bytes_max = group_max,
    };
    begin(lab, &config);
}

void lab_init(struct lab *lab, size_t endpoints, uint64_t seed)
{
    init(lab, endpoints, seed, false);
}

void lab_init_sessions(struct lab *lab, size_t endpoints, uint64_t seed)
{
    init(lab, endpoints, seed, true);
}

void lab_release(struct lab *lab)
{
    client_session_shutdown(lab->session, lab_now(lab));
    lab_settle(lab);
    assert_int_equal(lab->done_count, lab->requests_count);
    for (size_t i = 0; i < lab->requests_count; i++) {
        client_free(lab->requests[i].request.bytes);
        coord_result_free(lab->requests[i].request.result);
    }
    for (size_t i = 0; i < lab->watches_count; i++) {
        client_session_unwatch(lab->session, &lab->watches[i]);
    }
    for (size_t i = 0; i < lab->items_count; i++) {
        client_watch_item_free(lab->items[i]);
    }
    client_session_free(lab->session);
}

/* ---- What the machine does ---- */

static void draw_secret(struct lab *lab)
{
    uint8_t hash[CLIENT_SECRET_HASH_BYTES];
    lab->secrets++;
    memset(lab->secret, (int)(0x40 + lab->secrets), sizeof(lab->secret));
    memset(hash, (int)(0x80 + lab->secrets), sizeof(hash));
    client_session_give_secret(lab->session, lab_now(lab), lab->no_secrets ? NULL : lab->secret,
                               hash);
}

static void run_effect(struct lab *lab, const struct client_effect *effect)
{
    struct lab_stream *stream = &lab->streams[effect->stream];
    struct lab_request *request = NULL;
    struct client_lease_view view = client_session_lease(lab->session);
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
    case CLIENT_EFFECT_SECRET:
        draw_secret(lab);
        return;
    case CLIENT_EFFECT_STATE:
        assert_true(view.state != lab->state || view.id != lab->state_id);
        lab->state = view.state;
        lab->state_id = view.id;
        lab->states++;
        return;
    case CLIENT_EFFECT_ITEM:
        assert_true(lab->items_count < LAB_ITEMS_MAX);
        lab->items[lab->items_count++] = effect->item;
        return;
    }
}

static void note_subject(struct lab_stream *stream, const Coord__V1__Request *request)
{
    uint64_t *subject = &stream->subjects[stream->ids_count];
    uint64_t *point = &stream->points[stream->ids_count];
    *subject = 0;
    *point = 0;
    if (request->op_case == COORD__V1__REQUEST__OP_WATCH) {
        const Coord__V1__WatchRequest *watch = request->watch;
        *subject = watch->watch_id;
        *point = watch->after_zxid;
        if (watch->target_case == COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT &&
            watch->queue_front->member_case == COORD__V1__QUEUE_FRONT_WATCH__MEMBER_CREATED) {
            *point = watch->queue_front->created->seq;
        }
    } else if (request->op_case == COORD__V1__REQUEST__OP_UNWATCH) {
        *subject = request->unwatch->watch_id;
    } else if (request->op_case == COORD__V1__REQUEST__OP_FORGET) {
        *subject = request->forget->reply_mark;
    } else if (request->op_case == COORD__V1__REQUEST__OP_OUTCOME_OF) {
        *subject = request->outcome_of->session_id;
        *point = request->outcome_of->seq;
    }
}

static void note_session(struct lab *lab, struct lab_stream *stream, const Coord__V1__Hello *hello)
{
    if (hello->session_case == COORD__V1__HELLO__SESSION_OPEN) {
        assert_int_equal(hello->open->secret_hash.len, CLIENT_SECRET_HASH_BYTES);
        assert_int_equal(hello->open->secret_hash.data[0], 0x80 + lab->secrets);
        stream->opens = true;
    } else if (hello->session_case == COORD__V1__HELLO__SESSION_RESUME) {
        assert_int_equal(hello->resume->secret.len, CLIENT_SECRET_BYTES);
        assert_memory_equal(hello->resume->secret.data, lab->secret, CLIENT_SECRET_BYTES);
        stream->resumes = hello->resume->session_id;
        stream->attach = hello->resume->attach;
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
    stream->seqs[stream->ids_count] = request->seq;
    stream->afters[stream->ids_count] = request->after_seq;
    stream->levels[stream->ids_count] = (enum coord_level)request->level;
    stream->at_leasts[stream->ids_count] = request->at_least_zxid;
    stream->ops[stream->ids_count] = request->op_case;
    note_subject(stream, request);
    stream->hashes[stream->ids_count] = cd_hash64(bytes->data, bytes->len);
    stream->ids_count++;
    coord__v1__request__free_unpacked(request, NULL);
}

static void note_frame(struct lab *lab, struct lab_stream *stream, struct client_bytes bytes)
{
    Coord__V1__ClientFrame *frame = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_non_null(frame);
    stream->frames++;
    assert_int_equal(frame->number, stream->frames);
    stream->hello = frame->hello != NULL;
    assert_true(stream->hello || stream->frames > 1);
    stream->sent_ms = lab->now_ms;
    stream->reply_mark = frame->reply_mark;
    if (stream->hello) {
        note_session(lab, stream, frame->hello);
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
    if (frame->rearm_done) {
        stream->rearmed_behind = stream->rearmed == 0 ? stream->ids_count : stream->rearmed_behind;
        stream->rearmed++;
    }
    coord__v1__client_frame__free_unpacked(frame, NULL);
    client_free(bytes.data);
}

static bool run_effects(struct lab *lab)
{
    struct client_effect effect;
    bool moved = false;
    while (client_session_take_effect(lab->session, &effect)) {
        run_effect(lab, &effect);
        moved = true;
    }
    return moved;
}

static bool settle_once(struct lab *lab)
{
    struct client_bytes frame;
    bool moved = run_effects(lab);
    for (uint64_t id = 1; id <= lab->streams_count; id++) {
        struct lab_stream *stream = &lab->streams[id];
        while (stream->dialled && !stream->closed && !lab->stuck[id] &&
               client_session_take_frame(lab->session, lab_now(lab), id, &frame)) {
            note_frame(lab, stream, frame);
            moved = true;
        }
    }
    return run_effects(lab) || moved;
}

static void take(struct lab *lab, size_t item)
{
    lab->taken[item] = true;
    client_session_took(lab->session, lab->items[item]->watch, lab->items[item]->bytes);
}

/* A user who is not lazy takes what comes. */
static void take_items(struct lab *lab)
{
    for (size_t i = 0; i < lab->items_count; i++) {
        if (!lab->taken[i] && !lab->lazy[lab->items[i]->watch - lab->watches]) {
            take(lab, i);
        }
    }
}

void lab_settle(struct lab *lab)
{
    while (settle_once(lab)) {
        take_items(lab);
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
        client_session_on_timer(lab->session, lab_now(lab));
    }
    lab->now_ms = end_ms;
}

/* ---- Requests ---- */

size_t lab_submit(struct lab *lab, const struct client_op *op, uint32_t timeout_ms)
{
    size_t number = lab->requests_count++;
    assert_true(number < LAB_REQUESTS_MAX);
    struct lab_request *mine = &lab->requests[number];
    mine->request.context = mine;
    mine->request.submitted_ms = lab->now_ms;
    mine->request.deadline_ms = lab->now_ms + timeout_ms;
    assert_int_equal(client_codec_request_encode(&mine->request, op, NULL, NULL), COORD_OK);
    client_session_submit(lab->session, lab_now(lab), &mine->request);
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
    size_t number = lab_submit(lab, &op, timeout_ms);
    client_free(data);
    return number;
}

size_t lab_read(struct lab *lab, uint32_t timeout_ms)
{
    const struct client_op op = {.kind = CLIENT_OP_GET, .path = "/r"};
    return lab_submit(lab, &op, timeout_ms);
}

/* ---- What the replicas do ---- */

void lab_frame(struct lab *lab, uint64_t stream, const Coord__V1__ServerFrame *frame)
{
    size_t count = protobuf_c_message_get_packed_size(&frame->base);
    uint8_t *bytes = client_malloc(count);
    assert_non_null(bytes);
    (void)protobuf_c_message_pack(&frame->base, bytes);
    client_session_on_frame(lab->session, lab_now(lab), stream, bytes, count);
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

void lab_item(struct lab *lab, uint64_t stream, Coord__V1__Item *one)
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
    lab_item(lab, stream, &one);
}

void lab_no_leader(struct lab *lab, uint64_t stream)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__NoLeader message = COORD__V1__NO_LEADER__INIT;
    one.item_case = COORD__V1__ITEM__ITEM_NO_LEADER;
    one.no_leader = &message;
    lab_item(lab, stream, &one);
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
    lab_item(lab, stream, &one);
}

void lab_garbage(struct lab *lab, uint64_t stream)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff};
    client_session_on_frame(lab->session, lab_now(lab), stream, bytes, sizeof(bytes));
    lab_settle(lab);
}

void lab_break_as(struct lab *lab, uint64_t stream, enum coord_code code)
{
    client_session_on_closed(lab->session, lab_now(lab), stream, code, "it broke");
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

/* ---- Sessions ---- */

void lab_welcome_session(struct lab *lab, uint64_t stream, enum coord_code code, uint64_t id,
                         uint64_t attach, uint32_t timeout_ms)
{
    uint8_t cluster[COORD_CLUSTER_ID_BYTES];
    Coord__V1__Welcome message = COORD__V1__WELCOME__INIT;
    memset(cluster, 7, sizeof(cluster));
    message.code = (Coord__V1__Code)code;
    message.cluster_id = (ProtobufCBinaryData){sizeof(cluster), cluster};
    message.generation = 1;
    message.session_id = id;
    message.attach = attach;
    message.timeout_ms = timeout_ms;
    message.limits = lab->has_limits ? &lab->limits : NULL;
    welcome(lab, stream, &message);
}

void lab_open(struct lab *lab, uint64_t stream, uint64_t id)
{
    assert_true(lab->streams[stream].opens);
    lab_welcome_session(lab, stream, COORD_OK, id, 1, LAB_TIMEOUT_MS);
}

uint64_t lab_resume(struct lab *lab)
{
    uint64_t id = lab->streams_count;
    const struct lab_stream *stream = &lab->streams[id];
    assert_true(stream->resumes != 0);
    lab_welcome_session(lab, id, COORD_OK, stream->resumes, stream->attach, LAB_TIMEOUT_MS);
    return id;
}

void lab_confirm(struct lab *lab, uint64_t stream, uint64_t frame)
{
    Coord__V1__ServerFrame message = COORD__V1__SERVER_FRAME__INIT;
    message.confirmed = frame;
    lab_frame(lab, stream, &message);
}

uint64_t lab_session(struct lab *lab, uint64_t id)
{
    size_t write = lab_write(lab, 5000);
    uint64_t stream = lab_connect(lab);
    lab_open(lab, stream, id);
    lab_reply(lab, stream, write, COORD_OK);
    assert_int_equal(lab_code(lab, write), COORD_OK);
    return stream;
}

void lab_reply_to(struct lab *lab, uint64_t stream, uint64_t id, enum coord_code code,
                  Coord__V1__Reply *reply)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    reply->id = id;
    reply->code = (Coord__V1__Code)code;
    one.item_case = COORD__V1__ITEM__ITEM_REPLY;
    one.reply = reply;
    lab_item(lab, stream, &one);
}

size_t lab_at(const struct lab *lab, uint64_t stream, uint64_t seq)
{
    for (size_t i = 0; i < lab->streams[stream].ids_count; i++) {
        if (lab->streams[stream].seqs[i] == seq) {
            return i;
        }
    }
    fail_msg("seq %llu was not sent on stream %llu", (unsigned long long)seq,
             (unsigned long long)stream);
    return 0;
}

/* ---- Watches ---- */

size_t lab_watch(struct lab *lab, uint64_t after_zxid)
{
    size_t number = lab->watches_count++;
    assert_true(number < LAB_WATCHES_MAX);
    lab->watches[number] = (struct client_watch){
        .spec = {.path = "/t", .scope = COORD_WATCH_SUBTREE, .after_zxid = after_zxid}};
    assert_int_equal(client_session_watch(lab->session, lab_now(lab), &lab->watches[number]),
                     COORD_OK);
    lab_settle(lab);
    return number;
}

size_t lab_watch_at(const struct lab *lab, uint64_t stream, size_t watch)
{
    const struct lab_stream *on = &lab->streams[stream];
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < on->ids_count; i++) {
        if (on->ops[i] == COORD__V1__REQUEST__OP_WATCH &&
            on->subjects[i] == lab->watches[watch].id) {
            found = i;
        }
    }
    return found;
}

void lab_watch_set(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__WatchResult result = COORD__V1__WATCH_RESULT__INIT;
    size_t at = lab_watch_at(lab, stream, watch);
    assert_true(at != SIZE_MAX);
    result.complete_from_zxid = zxid;
    reply.zxid = zxid;
    reply.result_case = COORD__V1__REPLY__RESULT_WATCH;
    reply.watch = &result;
    lab_reply_to(lab, stream, lab->streams[stream].ids[at], COORD_OK, &reply);
}

void lab_watch_refuse(struct lab *lab, uint64_t stream, size_t watch, enum coord_code code)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    size_t at = lab_watch_at(lab, stream, watch);
    assert_true(at != SIZE_MAX);
    lab_reply_to(lab, stream, lab->streams[stream].ids[at], code, &reply);
}

enum { EVENTS_MAX = 16 };

void lab_events(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid, size_t count,
                uint64_t complete_to, bool more)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item items[EVENTS_MAX], *list[EVENTS_MAX];
    Coord__V1__Event events[EVENTS_MAX];
    assert_true(count <= EVENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        items[i] = (Coord__V1__Item)COORD__V1__ITEM__INIT;
        events[i] = (Coord__V1__Event)COORD__V1__EVENT__INIT;
        events[i].zxid = zxid;
        events[i].kind = COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
        events[i].path = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "/t/x"};
        events[i].data = (ProtobufCBinaryData){lab->event_bytes, lab->event_data};
        events[i].watch_ids = &lab->watches[watch].id;
        events[i].n_watch_ids = 1;
        items[i].item_case = COORD__V1__ITEM__ITEM_EVENT;
        items[i].event = &events[i];
        list[i] = &items[i];
    }
    frame.items = list;
    frame.n_items = count;
    frame.complete_to = complete_to;
    frame.more = more;
    lab_frame(lab, stream, &frame);
}

void lab_lagged(struct lab *lab, uint64_t stream, size_t watch, uint64_t after_zxid)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__Lagged message = COORD__V1__LAGGED__INIT;
    message.watch_ids = &lab->watches[watch].id;
    message.n_watch_ids = 1;
    message.after_zxid = after_zxid;
    one.item_case = COORD__V1__ITEM__ITEM_LAGGED;
    one.lagged = &message;
    lab_item(lab, stream, &one);
}

void lab_resync(struct lab *lab, uint64_t stream, size_t watch, uint64_t zxid)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__Resync message = COORD__V1__RESYNC__INIT;
    message.watch_ids = &lab->watches[watch].id;
    message.n_watch_ids = 1;
    message.complete_from_zxid = zxid;
    one.item_case = COORD__V1__ITEM__ITEM_RESYNC;
    one.resync = &message;
    lab_item(lab, stream, &one);
}

void lab_bookmark(struct lab *lab, uint64_t stream, uint64_t zxid)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__Bookmark message = COORD__V1__BOOKMARK__INIT;
    message.zxid = zxid;
    one.item_case = COORD__V1__ITEM__ITEM_BOOKMARK;
    one.bookmark = &message;
    lab_item(lab, stream, &one);
}

const struct coord_watch_item *lab_told(const struct lab *lab, size_t watch, size_t index)
{
    for (size_t i = 0; i < lab->items_count; i++) {
        if (lab->items[i]->watch == &lab->watches[watch] && index-- == 0) {
            return &lab->items[i]->item;
        }
    }
    return NULL;
}

int lab_take(struct lab *lab, size_t watch)
{
    for (size_t i = 0; i < lab->items_count; i++) {
        if (!lab->taken[i] && lab->items[i]->watch == &lab->watches[watch]) {
            take(lab, i);
            lab_settle(lab);
            return (int)lab->items[i]->item.kind;
        }
    }
    return 0;
}

size_t lab_waiting(const struct lab *lab, size_t watch)
{
    size_t bytes = 0;
    for (size_t i = 0; i < lab->items_count; i++) {
        bool waits = !lab->taken[i] && lab->items[i]->watch == &lab->watches[watch];
        bytes += waits ? lab->items[i]->bytes : 0;
    }
    return bytes;
}
