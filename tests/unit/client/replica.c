#include "replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool chance(struct model *model, uint64_t in)
{
    return !model->kind && cd_prng_below(&model->prng, in) == 0;
}

void model_init(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    cd_prng_init(&model->prng, seed * 7 + 1);
    model->zxid = 100;
    model->history_after = 100;
}

static void finish(struct model_stream *stream)
{
    for (size_t i = 0; i < stream->in_count; i++) {
        coord__v1__client_frame__free_unpacked(stream->in[i], NULL);
    }
    for (size_t i = 0; i < stream->out_count; i++) {
        client_free(stream->out[i].data);
    }
    for (size_t i = 0; i < stream->held_count; i++) {
        client_free(stream->held[i].data);
    }
    stream->in_count = 0;
    stream->out_count = 0;
    stream->held_count = 0;
    stream->finished = true;
}

void model_release(struct model *model)
{
    for (size_t i = 0; i < MODEL_STREAMS_MAX; i++) {
        finish(&model->streams[i]);
    }
}

/* ---- Saying ---- */

static void say(struct model *model, struct model_stream *stream, Coord__V1__ServerFrame *frame)
{
    (void)model;
    if (stream->finished || stream->broken) {
        return;
    }
    assert_true(stream->out_count < MODEL_QUEUE_MAX);
    frame->confirmed = stream->confirmed;
    struct client_bytes *to = &stream->out[stream->out_count++];
    to->count = protobuf_c_message_get_packed_size(&frame->base);
    to->data = client_malloc(to->count);
    assert_non_null(to->data);
    (void)protobuf_c_message_pack(&frame->base, to->data);
}

static void say_item(struct model *model, struct model_stream *stream, Coord__V1__Item *item)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    frame.items = &item;
    frame.n_items = 1;
    say(model, stream, &frame);
}

static void say_reply(struct model *model, struct model_stream *stream, Coord__V1__Reply *reply)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    if (stream->holds) { /* R18 */
        assert_true(stream->held_count < MODEL_QUEUE_MAX);
        struct client_bytes *to = &stream->held[stream->held_count++];
        to->count = protobuf_c_message_get_packed_size(&reply->base);
        to->data = client_malloc(to->count);
        assert_non_null(to->data);
        (void)protobuf_c_message_pack(&reply->base, to->data);
        return;
    }
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = reply;
    say_item(model, stream, &item);
}

static void say_held(struct model *model, struct model_stream *stream)
{
    for (size_t i = 0; i < stream->held_count; i++) {
        Coord__V1__Reply *reply =
            coord__v1__reply__unpack(NULL, stream->held[i].count, stream->held[i].data);
        assert_non_null(reply);
        say_reply(model, stream, reply);
        coord__v1__reply__free_unpacked(reply, NULL);
        client_free(stream->held[i].data);
    }
    stream->held_count = 0;
}

static void say_code(struct model *model, struct model_stream *stream, uint64_t id,
                     enum coord_code code)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    reply.id = id;
    reply.code = (Coord__V1__Code)code;
    say_reply(model, stream, &reply);
}

/* ---- Events ---- */

static void speak_until(struct model *model, struct model_stream *stream, uint64_t zxid);

static struct model_watch *find_watch(struct model_stream *stream, uint64_t id)
{
    for (size_t i = 0; i < MODEL_WATCHES_MAX; i++) {
        if (stream->watches[i].id == id) {
            return &stream->watches[i];
        }
    }
    return NULL;
}

static void say_gap(struct model *model, struct model_stream *stream, struct model_watch *watch)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Resync resync = COORD__V1__RESYNC__INIT;
    resync.watch_ids = &watch->id;
    resync.n_watch_ids = 1;
    resync.complete_from_zxid = model->history_after;
    item.item_case = COORD__V1__ITEM__ITEM_RESYNC;
    item.resync = &resync;
    say_item(model, stream, &item);
    watch->next = model->history_after;
    watch->resync = false;
    model->resyncs++;
}

static void say_lagged(struct model *model, struct model_stream *stream, struct model_watch *watch)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Lagged lagged = COORD__V1__LAGGED__INIT;
    lagged.watch_ids = &watch->id;
    lagged.n_watch_ids = 1;
    lagged.after_zxid = watch->next;
    item.item_case = COORD__V1__ITEM__ITEM_LAGGED;
    item.lagged = &lagged;
    say_item(model, stream, &item);
    watch->id = 0;
    model->lagged++;
}

/* The two events of a zxid for all watches that want it, perhaps in two frames. */
static void say_events(struct model *model, struct model_stream *stream, uint64_t zxid)
{
    Coord__V1__Item items[2];
    Coord__V1__Item *list[2];
    Coord__V1__Event events[2];
    uint64_t ids[MODEL_WATCHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < MODEL_WATCHES_MAX; i++) {
        if (stream->watches[i].id != 0 && stream->watches[i].next < zxid) {
            ids[count++] = stream->watches[i].id;
            stream->watches[i].next = zxid;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        items[i] = (Coord__V1__Item)COORD__V1__ITEM__INIT;
        events[i] = (Coord__V1__Event)COORD__V1__EVENT__INIT;
        events[i].zxid = zxid;
        events[i].kind = COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
        events[i].path = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "/t"};
        events[i].watch_ids = ids;
        events[i].n_watch_ids = count;
        items[i].item_case = COORD__V1__ITEM__ITEM_EVENT;
        items[i].event = &events[i];
        list[i] = &items[i];
    }
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    bool cut = chance(model, 5);
    frame.items = list;
    frame.n_items = cut ? 1 : 2;
    frame.more = cut;
    frame.complete_to = cut ? zxid - 1 : zxid;
    if (count > 0) {
        say(model, stream, &frame);
    }
    if (count > 0 && cut) {
        frame.items = &list[1];
        frame.more = false;
        frame.complete_to = zxid;
        say(model, stream, &frame);
        model->cut++;
    }
}

static void speak_until(struct model *model, struct model_stream *stream, uint64_t zxid)
{
    uint64_t lowest = zxid;
    for (size_t i = 0; i < MODEL_WATCHES_MAX; i++) {
        struct model_watch *watch = &stream->watches[i];
        if (watch->id != 0 && (watch->resync || watch->next < model->history_after)) {
            say_gap(model, stream, watch);
        }
        if (watch->id != 0 && watch->next < zxid && chance(model, 60)) {
            say_lagged(model, stream, watch);
        }
        if (watch->id != 0 && watch->next < lowest) {
            lowest = watch->next;
        }
    }
    for (uint64_t each = lowest + 1; each <= zxid; each++) {
        if (model->has_events[each]) {
            say_events(model, stream, each);
        }
    }
}

void model_speak(struct model *model, uint64_t id)
{
    struct model_stream *stream = &model->streams[id];
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    if (stream->finished || stream->broken || !stream->welcomed || stream->holds ||
        stream->out_count > MODEL_QUEUE_MAX / 2) {
        return;
    }
    speak_until(model, stream, model->zxid);
    for (size_t i = 0; i < stream->replies_count; i++) {
        Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
        Coord__V1__WatchResult result = COORD__V1__WATCH_RESULT__INIT;
        reply.id = stream->reply_ids[i];
        reply.result_case = COORD__V1__REPLY__RESULT_WATCH;
        reply.watch = &result;
        result.complete_from_zxid = stream->reply_zxids[i];
        say_reply(model, stream, &reply);
    }
    stream->replies_count = 0;
    say_held(model, stream);
    frame.complete_to = model->zxid;
    say(model, stream, &frame);
}

/* ---- Requests ---- */

static uint32_t tag_of(const Coord__V1__Request *request)
{
    uint32_t tag = 0;
    assert_int_equal(request->set->data.len, sizeof(tag));
    memcpy(&tag, request->set->data.data, sizeof(tag));
    assert_true(tag < MODEL_TAGS_MAX);
    return tag;
}

static void say_set(struct model *model, struct model_stream *stream, uint64_t id, uint64_t zxid)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__SetResult set = COORD__V1__SET_RESULT__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    set.stat = &stat;
    reply.id = id;
    reply.zxid = zxid;
    reply.result_case = COORD__V1__REPLY__RESULT_SET;
    reply.set = &set;
    if (!stream->holds) {
        speak_until(model, stream, zxid); /* an event comes before a reply that could show it */
    }
    say_reply(model, stream, &reply);
}

static void apply(struct model *model, struct model_session *session, uint32_t tag)
{
    session->last_seq++;
    assert_true(session->last_seq < MODEL_SEQS_MAX && model->zxid + 1 < MODEL_ZXIDS_MAX);
    model->zxid++;
    session->tags[session->last_seq] = tag;
    session->zxids[session->last_seq] = model->zxid;
    assert_int_equal(model->applied[tag], 0); /* exactly once */
    for (uint64_t seq = 1; seq < session->last_seq; seq++) {
        assert_true(session->tags[seq] < tag); /* in the order of submission */
    }
    model->applied[tag] = model->zxid;
    model->has_events[model->zxid] = true;
}

static void on_write(struct model *model, struct model_stream *stream,
                     const Coord__V1__Request *request, uint32_t tag)
{
    struct model_session *session = stream->session;
    assert_non_null(session);
    if (stream->attach < session->attach) {
        return; /* R9 */
    }
    assert_true(request->seq > session->mark); /* R10: its reply may be gone */
    if (session->ended) {
        say_code(model, stream, request->id, COORD_SESSION_EXPIRED);
        return;
    }
    if (request->seq > session->last_seq + 1) {
        return; /* R11: early */
    }
    if (request->seq == session->last_seq + 1 && chance(model, 12)) {
        model->busy++;
        say_code(model, stream, request->id, chance(model, 3) ? COORD_NO_LEADER : COORD_BUSY);
        return;
    }
    if (request->seq == session->last_seq + 1) {
        apply(model, session, tag);
    } else {
        model->repeats++;
        assert_int_equal(session->tags[request->seq], tag); /* the same request as ever */
    }
    say_set(model, stream, request->id, session->zxids[request->seq]);
}

static void on_watch(struct model *model, struct model_stream *stream,
                     const Coord__V1__Request *request)
{
    struct model_watch *watch = find_watch(stream, 0);
    assert_non_null(watch);
    assert_null(find_watch(stream, request->watch->watch_id)); /* the id is free */
    watch->id = request->watch->watch_id;
    watch->next = request->watch->after_zxid != 0 ? request->watch->after_zxid : model->zxid;
    watch->resync = watch->next < model->history_after;
    stream->reply_ids[stream->replies_count] = request->id;
    stream->reply_zxids[stream->replies_count++] = watch->next;
}

static void on_outcome_of(struct model *model, struct model_stream *stream,
                          const Coord__V1__Request *request)
{
    for (size_t i = 0; i < model->sessions_count; i++) {
        struct model_session *session = &model->sessions[i];
        uint64_t seq = request->outcome_of->seq;
        if (session->id != request->outcome_of->session_id) {
            continue;
        }
        assert_int_equal(request->outcome_of->secret.data[0], session->secret);
        model->outcomes++;
        if (!session->ended) {
            say_code(model, stream, request->id, COORD_BUSY);
        } else if (seq > session->last_seq) {
            say_code(model, stream, request->id, COORD_NOT_APPLIED);
        } else {
            Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
            Coord__V1__OutcomeOfResult outcome = COORD__V1__OUTCOME_OF_RESULT__INIT;
            Coord__V1__SetResult set = COORD__V1__SET_RESULT__INIT;
            Coord__V1__Stat stat = COORD__V1__STAT__INIT;
            set.stat = &stat;
            outcome.zxid = session->zxids[seq];
            outcome.result_case = COORD__V1__OUTCOME_OF_RESULT__RESULT_SET;
            outcome.set = &set;
            reply.id = request->id;
            reply.result_case = COORD__V1__REPLY__RESULT_OUTCOME_OF;
            reply.outcome_of = &outcome;
            say_reply(model, stream, &reply);
        }
        return;
    }
    fail_msg("an outcome of a session that never was");
}

static void on_read(struct model *model, struct model_stream *stream,
                    const Coord__V1__Request *request)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__GetResult get = COORD__V1__GET_RESULT__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    if (request->after_seq != 0) {
        assert_non_null(stream->session);
        if (stream->session->last_seq < request->after_seq) {
            say_code(model, stream, request->id, COORD_LIMIT_TIME); /* instead of waiting */
            return;
        }
    }
    get.stat = &stat;
    reply.id = request->id;
    reply.zxid = model->zxid;
    reply.result_case = COORD__V1__REPLY__RESULT_GET;
    reply.get = &get;
    if (!stream->holds) {
        speak_until(model, stream, model->zxid);
    }
    say_reply(model, stream, &reply);
}

static void on_request(struct model *model, struct model_stream *stream,
                       const ProtobufCBinaryData *bytes)
{
    Coord__V1__Request *request = coord__v1__request__unpack(NULL, bytes->len, bytes->data);
    struct model_watch *watch = NULL;
    assert_non_null(request);
    switch (request->op_case) {
    case COORD__V1__REQUEST__OP_SET:
        on_write(model, stream, request, tag_of(request));
        break;
    case COORD__V1__REQUEST__OP_CLOSE:
        if (stream->session != NULL && stream->attach == stream->session->attach &&
            request->seq == stream->session->last_seq + 1) {
            stream->session->ended = true;
        }
        break;
    case COORD__V1__REQUEST__OP_GET:
        on_read(model, stream, request);
        break;
    case COORD__V1__REQUEST__OP_WATCH:
        on_watch(model, stream, request);
        break;
    case COORD__V1__REQUEST__OP_UNWATCH:
        watch = find_watch(stream, request->unwatch->watch_id);
        if (watch != NULL) {
            watch->id = 0;
        }
        break;
    case COORD__V1__REQUEST__OP_OUTCOME_OF:
        on_outcome_of(model, stream, request);
        break;
    default:
        fail_msg("an operation that was not expected: %d", (int)request->op_case);
    }
    coord__v1__request__free_unpacked(request, NULL);
}

/* ---- Hellos ---- */

static void say_welcome(struct model *model, struct model_stream *stream, enum coord_code code)
{
    uint8_t cluster[COORD_CLUSTER_ID_BYTES] = {9};
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome welcome = COORD__V1__WELCOME__INIT;
    Coord__V1__Limits limits = COORD__V1__LIMITS__INIT;
    welcome.code = (Coord__V1__Code)code;
    welcome.cluster_id = (ProtobufCBinaryData){sizeof(cluster), cluster};
    welcome.generation = 1;
    limits.unacked_writes = 6;
    limits.frame_requests = 3;
    welcome.limits = &limits;
    if (stream->session != NULL && code == COORD_OK) {
        welcome.session_id = stream->session->id;
        welcome.attach = stream->attach;
        welcome.timeout_ms = MODEL_TIMEOUT_MS;
    }
    frame.welcome = &welcome;
    say(model, stream, &frame);
    stream->welcomed = code == COORD_OK;
}

static void on_open(struct model *model, struct model_stream *stream,
                    const Coord__V1__OpenSession *open)
{
    assert_true(model->sessions_count < MODEL_SESSIONS_MAX);
    struct model_session *session = &model->sessions[model->sessions_count++];
    *session = (struct model_session){.id = ++model->zxid,
                                      .attach = 1,
                                      .renewed_ms = model->now_ms,
                                      .secret = (uint8_t)(open->secret_hash.data[0] ^ 0xff)};
    stream->session = session;
    stream->attach = 1;
    say_welcome(model, stream, COORD_OK);
}

static void on_resume(struct model *model, struct model_stream *stream,
                      const Coord__V1__ResumeSession *resume)
{
    for (size_t i = 0; i < model->sessions_count; i++) {
        struct model_session *session = &model->sessions[i];
        if (session->id != resume->session_id) {
            continue;
        }
        assert_int_equal(resume->secret.data[0], session->secret);
        assert_true(resume->attach >= 2);
        if (session->ended) {
            say_welcome(model, stream, COORD_SESSION_EXPIRED);
        } else if (resume->attach <= session->attach) {
            say_welcome(model, stream, COORD_SESSION_MOVED);
        } else {
            session->attach = resume->attach;
            session->renewed_ms = model->now_ms;
            stream->session = session;
            stream->attach = resume->attach;
            stream->holds = true;
            model->resumes++;
            say_welcome(model, stream, COORD_OK);
        }
        return;
    }
    fail_msg("a session that never was");
}

static void on_hello(struct model *model, struct model_stream *stream,
                     const Coord__V1__Hello *hello)
{
    if (hello->session_case == COORD__V1__HELLO__SESSION_OPEN) {
        assert_true(stream->welcomed && stream->session == NULL);
        on_open(model, stream, hello->open);
    } else if (chance(model, 6)) {
        say_welcome(model, stream, COORD_NO_LEADER);
    } else if (hello->session_case == COORD__V1__HELLO__SESSION_RESUME) {
        on_resume(model, stream, hello->resume);
    } else {
        say_welcome(model, stream, COORD_OK);
    }
}

/* ---- Frames ---- */

void model_send(struct model *model, uint64_t id, struct client_bytes bytes)
{
    struct model_stream *stream = &model->streams[id];
    assert_true(stream->in_count < MODEL_QUEUE_MAX);
    Coord__V1__ClientFrame *frame = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_non_null(frame);
    stream->in[stream->in_count++] = frame;
    client_free(bytes.data);
}

static void on_frame(struct model *model, struct model_stream *stream,
                     const Coord__V1__ClientFrame *frame)
{
    struct model_session *session = NULL;
    assert_int_equal(frame->number, ++stream->frames);
    if (frame->hello != NULL) {
        on_hello(model, stream, frame->hello);
    }
    session = stream->session;
    if (session != NULL && frame->reply_mark > session->mark) {
        session->mark = frame->reply_mark;
        assert_true(session->mark <= session->last_seq);
    }
    for (size_t i = 0; i < frame->n_requests; i++) {
        assert_true(stream->welcomed);
        on_request(model, stream, &frame->requests[i]);
    }
    if (frame->rearm_done) {
        assert_non_null(session);
        stream->holds = false;
    }
    if (session != NULL && !session->ended && session->attach == stream->attach) {
        session->renewed_ms = model->now_ms;
        stream->confirmed = frame->number;
    }
}

bool model_arrive(struct model *model, uint64_t id)
{
    struct model_stream *stream = &model->streams[id];
    if (stream->in_count == 0 || stream->finished || stream->out_count > MODEL_QUEUE_MAX / 2) {
        return false;
    }
    Coord__V1__ClientFrame *frame = stream->in[0];
    stream->in_count--;
    memmove(&stream->in[0], &stream->in[1], stream->in_count * sizeof(stream->in[0]));
    on_frame(model, stream, frame);
    coord__v1__client_frame__free_unpacked(frame, NULL);
    return true;
}

bool model_take(struct model *model, uint64_t id, struct client_bytes *ret_frame)
{
    struct model_stream *stream = &model->streams[id];
    if (stream->out_count == 0 || stream->broken) {
        return false;
    }
    *ret_frame = stream->out[0];
    stream->out_count--;
    memmove(&stream->out[0], &stream->out[1], stream->out_count * sizeof(stream->out[0]));
    return true;
}

void model_break(struct model *model, uint64_t id)
{
    struct model_stream *stream = &model->streams[id];
    stream->open = false;
    stream->broken = true;
    if (cd_prng_below(&model->prng, 2) == 0) {
        finish(stream);
    }
}

struct model_session *model_expire(struct model *model)
{
    for (size_t i = 0; i < model->sessions_count; i++) {
        struct model_session *session = &model->sessions[i];
        if (!session->ended && model->now_ms >= session->renewed_ms + MODEL_TIMEOUT_MS) {
            session->ended = true;
            session->expired = true;
            return session;
        }
    }
    return NULL;
}
