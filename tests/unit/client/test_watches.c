#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: what watches are told is complete, in order, whole and once, across streams (S13). Method:
 * as in test_session.c.
 */

enum { ID = 500 };

static size_t told(const struct lab *lab, size_t watch)
{
    size_t count = 0;
    while (lab_told(lab, watch, count) != NULL) {
        count++;
    }
    return count;
}

static const struct coord_watch_item *last(const struct lab *lab, size_t watch)
{
    size_t count = told(lab, watch);
    assert_true(count > 0);
    return lab_told(lab, watch, count - 1);
}

/* From where the watch was set again on that stream. */
static uint64_t point(const struct lab *lab, uint64_t stream, size_t watch)
{
    size_t at = lab_watch_at(lab, stream, watch);
    assert_true(at != SIZE_MAX);
    return lab->streams[stream].points[at];
}

/* A watch, set on a stream without a session from 100 on. */
static uint64_t begin(struct lab *lab, size_t *ret_watch)
{
    *ret_watch = lab_watch(lab, 0);
    uint64_t stream = lab_connect(lab);
    lab_watch_set(lab, stream, *ret_watch, 100);
    return stream;
}

static uint64_t next_stream(struct lab *lab)
{
    lab_advance(lab, 600);
    return lab_connect(lab);
}

static void test_a_watch_needs_no_session(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    assert_false(lab.streams[stream].opens);
    const struct coord_watch_item *set = lab_told(&lab, watch, 0);
    assert_int_equal(set->kind, COORD_WATCH_SET);
    assert_int_equal(set->zxid, 100);
    assert_non_null(set->result);
    lab_events(&lab, stream, watch, 101, 2, 101, false);
    const struct coord_watch_item *events = lab_told(&lab, watch, 1);
    assert_int_equal(events->kind, COORD_WATCH_EVENTS);
    assert_int_equal(events->zxid, 101);
    assert_int_equal(events->events_count, 2);
    assert_string_equal(events->events[1]->path, "/t/x");
    assert_int_equal(events->events[1]->kind, COORD_EVENT_CHANGED);
    lab_release(&lab);
}

static void test_a_zxid_is_told_whole(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    lab_events(&lab, stream, watch, 101, 3, 100, true);
    lab_events(&lab, stream, watch, 101, 3, 100, true);
    assert_int_equal(told(&lab, watch), 1);
    lab_events(&lab, stream, watch, 101, 1, 101, false);
    assert_int_equal(told(&lab, watch), 2);
    assert_int_equal(last(&lab, watch)->events_count, 7);
    lab_events(&lab, stream, watch, 102, 1, 101, true); /* the next zxid closes it too */
    lab_events(&lab, stream, watch, 103, 1, 103, false);
    assert_int_equal(told(&lab, watch), 4);
    assert_int_equal(last(&lab, watch)->zxid, 103);
    lab_release(&lab);
}

static void test_half_a_zxid_is_told_again(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    lab_events(&lab, stream, watch, 101, 3, 150, true); /* it lies: not all of 101 was here */
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(point(&lab, stream, watch), 100);
    lab_events(&lab, stream, watch, 101, 5, 101, false);
    assert_int_equal(last(&lab, watch)->events_count, 5);
    assert_int_equal(told(&lab, watch), 2);
    lab_release(&lab);
}

static void test_complete_to_is_the_point(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    lab_events(&lab, stream, watch, 120, 1, 110, false); /* R12: cut, and more to come */
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(point(&lab, stream, watch), 110);
    lab_events(&lab, stream, watch, 115, 1, 110, false); /* older than what was told: an answer to
                                                            nobody's question */
    lab_events(&lab, stream, watch, 120, 1, 110, false); /* known */
    assert_int_equal(told(&lab, watch), 2);
    lab_watch_set(&lab, stream, watch, 110);
    lab_events(&lab, stream, watch, 130, 1, 140, false);
    assert_int_equal(told(&lab, watch), 3);
    assert_int_equal(last(&lab, watch)->zxid, 130);
    lab_bookmark(&lab, stream, 160);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_BOOKMARK);
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(point(&lab, stream, watch), 160);
    lab_release(&lab);
}

static void test_a_point_holds_only_what_the_stream_knew(void **state)
{
    struct lab lab;
    size_t first = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &first);
    size_t second = lab_watch(&lab, 50);
    lab_events(&lab, stream, first, 120, 1, 120, false); /* the second was not answered yet */
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(point(&lab, stream, first), 120);
    assert_int_equal(point(&lab, stream, second), 50);
    lab_watch_set(&lab, stream, first, 120);
    lab_events(&lab, stream, first, 130, 1, 130, false);
    lab_watch_set(&lab, stream, second, 50);
    lab_events(&lab, stream, second, 60, 1, 60, false); /* lower, for its sake */
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(point(&lab, stream, first), 130);
    assert_int_equal(point(&lab, stream, second), 60);
    lab_release(&lab);
}

/* R24: it goes on only where all that it was told about has been applied. */
static void test_marks_count_as_seen(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    lab_bookmark(&lab, stream, 160);
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(lab.streams[stream].last_seen, 160);
    lab_watch_set(&lab, stream, watch, 160);
    lab_resync(&lab, stream, watch, 170);
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(lab.streams[stream].last_seen, 170);
    lab_watch_set(&lab, stream, watch, 170);
    lab_events(&lab, stream, watch, 180, 1, 190, false); /* and complete to 190 */
    lab_break(&lab, stream);
    stream = next_stream(&lab);
    assert_int_equal(lab.streams[stream].last_seen, 190);
    lab_release(&lab);
}

static size_t place(const struct lab *lab, size_t watch, enum coord_watch_item_kind kind)
{
    for (size_t i = 0; i < lab->items_count; i++) {
        if (lab->items[i]->watch == &lab->watches[watch] && lab->items[i]->item.kind == kind) {
            return i;
        }
    }
    fail();
    return 0;
}

/* R18, within one frame: an event for `first`, and the answer for `second`. */
static void test_others_are_told_before_a_watch_stands(void **state)
{
    struct lab lab;
    size_t first = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &first);
    size_t second = lab_watch(&lab, 0);
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item items[2] = {COORD__V1__ITEM__INIT, COORD__V1__ITEM__INIT};
    Coord__V1__Item *list[2] = {&items[0], &items[1]};
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__WatchResult result = COORD__V1__WATCH_RESULT__INIT;
    event.zxid = reply.zxid = result.complete_from_zxid = frame.complete_to = 110;
    event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
    event.path = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "/t/x"};
    event.watch_ids = &lab.watches[first].id;
    event.n_watch_ids = 1;
    items[0].item_case = COORD__V1__ITEM__ITEM_EVENT;
    items[0].event = &event;
    reply.id = lab.streams[stream].ids[lab_watch_at(&lab, stream, second)];
    reply.result_case = COORD__V1__REPLY__RESULT_WATCH;
    reply.watch = &result;
    items[1].item_case = COORD__V1__ITEM__ITEM_REPLY;
    items[1].reply = &reply;
    frame.items = list;
    frame.n_items = 2;
    lab_frame(&lab, stream, &frame);
    assert_true(place(&lab, first, COORD_WATCH_EVENTS) < place(&lab, second, COORD_WATCH_SET));
    lab_release(&lab);
}

/* R18, also where the frame ends with what makes the client leave: an event and the reply behind it
 * belong together. */
static void test_events_are_told_with_the_reply_behind_them(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    size_t read = lab_read(&lab, 5000);
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item items[3] = {COORD__V1__ITEM__INIT, COORD__V1__ITEM__INIT,
                                COORD__V1__ITEM__INIT};
    Coord__V1__Item *list[3] = {&items[0], &items[1], &items[2]};
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__GoAway away = COORD__V1__GO_AWAY__INIT;
    event.zxid = reply.zxid = frame.complete_to = 110;
    event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_DELETED;
    event.path = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "/t/x"};
    event.watch_ids = &lab.watches[watch].id;
    event.n_watch_ids = 1;
    items[0].item_case = COORD__V1__ITEM__ITEM_EVENT;
    items[0].event = &event;
    reply.id = lab.requests[read].request.id;
    reply.code = COORD__V1__CODE__CODE_NO_NODE;
    items[1].item_case = COORD__V1__ITEM__ITEM_REPLY;
    items[1].reply = &reply;
    away.code = COORD__V1__CODE__CODE_SHUTTING_DOWN;
    items[2].item_case = COORD__V1__ITEM__ITEM_GO_AWAY;
    items[2].go_away = &away;
    frame.items = list;
    frame.n_items = 3;
    lab_frame(&lab, stream, &frame);
    assert_int_equal(lab_code(&lab, read), COORD_NO_NODE);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_EVENTS);
    assert_int_equal(last(&lab, watch)->zxid, 110);
    stream = next_stream(&lab);
    lab_watch_set(&lab, stream, watch, 110);
    size_t count = told(&lab, watch);
    lab_events(&lab, stream, watch, 110, 1, 110, false); /* but not again */
    assert_int_equal(told(&lab, watch), count);
    lab_release(&lab);
}

static void test_what_comes_before_the_answer_is_told_behind_it(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t watch = lab_watch(&lab, 50);
    uint64_t stream = lab_connect(&lab);
    lab_events(&lab, stream, watch, 60, 1, 60, false);
    assert_int_equal(told(&lab, watch), 0);
    lab_watch_set(&lab, stream, watch, 50);
    assert_int_equal(lab_told(&lab, watch, 0)->kind, COORD_WATCH_SET);
    assert_int_equal(lab_told(&lab, watch, 1)->kind, COORD_WATCH_EVENTS);
    lab_release(&lab);
}

static void test_resync_tells_the_gap(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    lab_events(&lab, stream, watch, 110, 1, 112, false);
    lab_resync(&lab, stream, watch, 150);
    const struct coord_watch_item *resync = last(&lab, watch);
    assert_int_equal(resync->kind, COORD_WATCH_RESYNC);
    assert_int_equal(resync->from_zxid, 112);
    assert_int_equal(resync->zxid, 150);
    lab_resync(&lab, stream, watch, 150);
    lab_events(&lab, stream, watch, 140, 1, 150, false); /* covered */
    assert_true(last(&lab, watch) == resync);
    lab_events(&lab, stream, watch, 151, 1, 151, false);
    assert_int_equal(last(&lab, watch)->zxid, 151);
    lab_release(&lab);
}

static void test_lagged_sets_it_again(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    size_t before = lab.streams[stream].ids_count;
    lab_events(&lab, stream, watch, 110, 1, 110, false);
    lab_events(&lab, stream, watch, 111, 2, 110, true); /* and then it gave up */
    lab_lagged(&lab, stream, watch, 110);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_LAGGED);
    assert_int_equal(told(&lab, watch), 3);
    assert_int_equal(lab.streams[stream].ids_count, before + 1);
    assert_int_equal(point(&lab, stream, watch), 110);
    lab_watch_set(&lab, stream, watch, 110);
    lab_events(&lab, stream, watch, 111, 4, 111, false);
    assert_int_equal(last(&lab, watch)->events_count, 4);
    lab_release(&lab);
}

static void test_a_session_sets_them_again_before_rearm_done(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t watch = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, watch, ID + 1);
    size_t write = lab_write(&lab, 20000);
    lab_break(&lab, stream);
    size_t read = lab_read(&lab, 20000);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_int_equal(lab.streams[other].ids_count, 3);
    assert_int_equal(lab_watch_at(&lab, other, watch), 0);
    assert_int_equal(lab.streams[other].seqs[1], 2);
    assert_int_equal(lab_sent(&lab, other, read), 1);
    assert_int_equal(lab.streams[other].rearmed, 1);
    lab_watch_set(&lab, other, watch, ID + 1);
    assert_int_equal(told(&lab, watch), 1); /* not told again that it is set */
    lab_reply(&lab, other, write, COORD_OK);
    lab_release(&lab);
}

static void test_rearm_done_waits_for_the_last_frame(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    for (int i = 0; i < 3; i++) {
        lab_watch_set(&lab, stream, lab_watch(&lab, 0), ID + 1);
    }
    (void)lab_write(&lab, 20000);
    (void)lab_write(&lab, 20000);
    lab_break(&lab, stream);
    lab.has_limits = true;
    lab.limits = (Coord__V1__Limits)COORD__V1__LIMITS__INIT;
    lab.limits.frame_requests = 2;
    (void)lab_read(&lab, 20000);
    lab_advance(&lab, 50);
    uint64_t other = lab_resume(&lab);
    assert_int_equal(lab.streams[other].frames, 4); /* hello, 2 + 2 + 1 with the read */
    assert_int_equal(lab.streams[other].rearmed, 1);
    assert_int_equal(lab.streams[other].rearmed_behind, 6);
    lab_release(&lab);
}

static void test_they_end_with_their_session(void **state)
{
    struct lab lab;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t watch = lab_watch(&lab, 0);
    lab_watch_set(&lab, stream, watch, ID + 1);
    lab_advance(&lab, LAB_TIMEOUT_MS);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_ENDED);
    assert_int_equal(last(&lab, watch)->code, COORD_SESSION_EXPIRED);
    size_t again = lab_watch(&lab, last(&lab, watch)->zxid);
    lab_advance(&lab, 100);
    lab_watch_set(&lab, lab_connect(&lab), again, 900);
    assert_int_equal(last(&lab, again)->kind, COORD_WATCH_SET);
    lab_release(&lab);
}

static void test_refused(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    size_t watch = lab_watch(&lab, 0);
    uint64_t stream = lab_connect(&lab);
    lab_watch_refuse(&lab, stream, watch, COORD_BUSY);
    assert_int_equal(told(&lab, watch), 0);
    lab_advance(&lab, 100);
    assert_int_equal(lab.streams[stream].ids_count, 2); /* again, after a pause */
    lab_watch_refuse(&lab, stream, watch, COORD_TOO_MANY);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_ENDED);
    assert_int_equal(last(&lab, watch)->code, COORD_TOO_MANY);
    lab_release(&lab);
}

static void test_not_set_in_time(void **state)
{
    struct lab lab;
    (void)state;
    lab_init(&lab, 1, 1);
    lab.watches_count = 1;
    lab.watches[0] = (struct client_watch){.spec = {.path = "/t"}, .deadline_ms = lab.now_ms + 500};
    assert_int_equal(client_session_watch(lab.session, lab_now(&lab), &lab.watches[0]), COORD_OK);
    lab_settle(&lab);
    lab_break(&lab, 1);
    lab_advance(&lab, 499);
    assert_int_equal(told(&lab, 0), 0);
    lab_advance(&lab, 1);
    assert_int_equal(last(&lab, 0)->code, COORD_UNREACHABLE);
    assert_non_null(strstr(last(&lab, 0)->message, "a:1: it broke"));
    uint64_t streams = lab.streams_count;
    lab_advance(&lab, 10000);
    assert_in_range(lab.streams_count, streams, streams + 1); /* nobody wants a stream */
    lab_release(&lab);
}

static void test_removed(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init(&lab, 1, 1);
    uint64_t stream = begin(&lab, &watch);
    uint64_t id = lab.watches[watch].id;
    client_session_unwatch(lab.session, &lab.watches[watch]);
    lab_settle(&lab);
    size_t at = lab.streams[stream].ids_count - 1;
    assert_int_equal(lab.streams[stream].ops[at], COORD__V1__REQUEST__OP_UNWATCH);
    assert_int_equal(lab.streams[stream].subjects[at], id);
    lab_events(&lab, stream, watch, 101, 1, 101, false); /* on its way already */
    assert_int_equal(told(&lab, watch), 1);
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    lab_reply_to(&lab, stream, lab.streams[stream].ids[at], COORD_NO_NODE, &reply);
    lab_break(&lab, stream);
    lab_advance(&lab, 5000);
    assert_int_equal(lab.streams_count, stream);
    lab_release(&lab);
}

/* ---- Queues ---- */

static void queue_front(struct lab *lab, uint64_t stream, size_t watch,
                        enum coord_queue_state state, uint64_t fence)
{
    Coord__V1__Item one = COORD__V1__ITEM__INIT;
    Coord__V1__QueueFront message = COORD__V1__QUEUE_FRONT__INIT;
    message.watch_id = lab->watches[watch].id;
    message.state = (Coord__V1__QueueState)state;
    message.fence = fence;
    message.zxid = 700;
    one.item_case = COORD__V1__ITEM__ITEM_QUEUE_FRONT;
    one.queue_front = &message;
    lab_item(lab, stream, &one);
}

/* A create and the watch on its node, submitted in one turn. */
static size_t create_queued(struct lab *lab, size_t *ret_watch)
{
    size_t number = lab->requests_count++;
    struct client_request *request = &lab->requests[number].request;
    const struct client_op op = {
        .kind = CLIENT_OP_CREATE, .path = "/q/lock-", .flags = COORD_CREATE_SEQUENTIAL};
    *ret_watch = lab->watches_count++;
    struct client_watch *watch = &lab->watches[*ret_watch];
    request->context = &lab->requests[number];
    request->submitted_ms = lab->now_ms;
    request->deadline_ms = lab->now_ms + 20000;
    request->watch = watch;
    *watch = (struct client_watch){.spec = {.queue_front = true, .n = 1}, .create = request};
    assert_int_equal(client_codec_request_encode(request, &op, NULL, NULL), COORD_OK);
    assert_int_equal(client_session_watch(lab->session, lab_now(lab), watch), COORD_OK);
    client_session_submit(lab->session, lab_now(lab), request);
    lab_settle(lab);
    return number;
}

static void created(struct lab *lab, uint64_t stream, size_t number, enum coord_code code)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__CreateResult create = COORD__V1__CREATE_RESULT__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    create.path = (ProtobufCBinaryData){18, (uint8_t *)(uintptr_t) "/q/lock-0000000003"};
    create.stat = &stat;
    if (code == COORD_OK) {
        reply.result_case = COORD__V1__REPLY__RESULT_CREATE;
        reply.create = &create;
    }
    lab_reply_to(lab, stream, lab->requests[number].request.id, code, &reply);
}

static void test_a_lock_in_one_frame(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    uint64_t frames = lab.streams[stream].frames;
    size_t create = create_queued(&lab, &watch);
    assert_int_equal(lab.streams[stream].frames, frames + 1);
    assert_int_equal(lab.streams[stream].last_count, 2);
    size_t at = lab_at(&lab, stream, 2);
    assert_int_equal(lab_watch_at(&lab, stream, watch), at + 1);
    assert_int_equal(point(&lab, stream, watch), 2);         /* by the seq of its create */
    assert_int_equal(lab.streams[stream].afters[at + 1], 2); /* and once that was applied */
    /* Before any answer the stream breaks: both are sent again, in that order. */
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    stream = lab_resume(&lab);
    assert_int_equal(lab.streams[stream].seqs[0], 2);
    assert_int_equal(lab_watch_at(&lab, stream, watch), 1);
    assert_int_equal(point(&lab, stream, watch), 2);
    created(&lab, stream, create, COORD_OK);
    assert_int_equal(lab_code(&lab, create), COORD_OK);
    lab_watch_set(&lab, stream, watch, 700);
    queue_front(&lab, stream, watch, COORD_QUEUE_WAITING, 0);
    queue_front(&lab, stream, watch, COORD_QUEUE_FRONT, 600);
    assert_int_equal(told(&lab, watch), 3);
    assert_int_equal(last(&lab, watch)->queue_state, COORD_QUEUE_FRONT);
    assert_int_equal(last(&lab, watch)->fence, 600);
    /* From here on by its path. */
    lab_break(&lab, stream);
    lab_advance(&lab, 50);
    stream = lab_resume(&lab);
    assert_int_equal(point(&lab, stream, watch), 0);
    assert_int_equal(lab.streams[stream].afters[lab_watch_at(&lab, stream, watch)], 0);
    queue_front(&lab, stream, watch, COORD_QUEUE_FRONT, 600); /* told because it was set again */
    lab_watch_set(&lab, stream, watch, 700);
    assert_int_equal(told(&lab, watch), 3);
    queue_front(&lab, stream, watch, COORD_QUEUE_GONE, 0);
    assert_int_equal(last(&lab, watch)->queue_state, COORD_QUEUE_GONE);
    lab_release(&lab);
}

static void test_a_node_that_was_not_created(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t create = create_queued(&lab, &watch);
    created(&lab, stream, create, COORD_NO_PARENT);
    assert_int_equal(lab_code(&lab, create), COORD_NO_PARENT);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_ENDED);
    assert_int_equal(last(&lab, watch)->code, COORD_NO_PARENT);
    lab_release(&lab);
}

static void test_a_watch_that_is_removed_before_its_node_is_made(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    lab.stuck[stream] = true;
    size_t create = create_queued(&lab, &watch);
    client_session_unwatch(lab.session, &lab.watches[watch]);
    lab.stuck[stream] = false;
    lab_settle(&lab);
    assert_int_equal(lab_watch_at(&lab, stream, watch), SIZE_MAX);
    created(&lab, stream, create, COORD_OK);
    assert_int_equal(lab_code(&lab, create), COORD_OK);
    lab_release(&lab);
}

static void test_a_watch_that_is_removed_while_its_node_is_made(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    uint64_t stream = lab_session(&lab, ID);
    size_t create = create_queued(&lab, &watch);
    assert_int_not_equal(lab_watch_at(&lab, stream, watch), SIZE_MAX); /* both were sent */
    client_session_unwatch(lab.session, &lab.watches[watch]);
    assert_null(lab.requests[create].request.watch); /* whose memory is its user's again */
    created(&lab, stream, create, COORD_OK);
    assert_int_equal(lab_code(&lab, create), COORD_OK);
    lab_release(&lab);
}

/* The session is lost, the watch with it; what became of the create is asked for. */
static void test_a_watch_that_ended_before_its_node_is_known(void **state)
{
    struct lab lab;
    size_t watch = 0;
    (void)state;
    lab_init_sessions(&lab, 1, 1);
    (void)lab_session(&lab, ID);
    size_t create = create_queued(&lab, &watch);
    lab_advance(&lab, LAB_TIMEOUT_MS);
    assert_int_equal(lab.state, COORD_STATE_LOST);
    assert_int_equal(last(&lab, watch)->kind, COORD_WATCH_ENDED);
    assert_null(lab.requests[create].request.watch);
    client_session_shutdown(lab.session, lab_now(&lab));
    lab_settle(&lab);
    assert_int_equal(lab_code(&lab, create), COORD_OUTCOME_UNKNOWN);
    lab_release(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_watch_needs_no_session),
        cmocka_unit_test(test_a_zxid_is_told_whole),
        cmocka_unit_test(test_half_a_zxid_is_told_again),
        cmocka_unit_test(test_complete_to_is_the_point),
        cmocka_unit_test(test_a_point_holds_only_what_the_stream_knew),
        cmocka_unit_test(test_marks_count_as_seen),
        cmocka_unit_test(test_others_are_told_before_a_watch_stands),
        cmocka_unit_test(test_events_are_told_with_the_reply_behind_them),
        cmocka_unit_test(test_what_comes_before_the_answer_is_told_behind_it),
        cmocka_unit_test(test_resync_tells_the_gap),
        cmocka_unit_test(test_lagged_sets_it_again),
        cmocka_unit_test(test_a_session_sets_them_again_before_rearm_done),
        cmocka_unit_test(test_rearm_done_waits_for_the_last_frame),
        cmocka_unit_test(test_they_end_with_their_session),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_set_in_time),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_a_lock_in_one_frame),
        cmocka_unit_test(test_a_node_that_was_not_created),
        cmocka_unit_test(test_a_watch_that_is_removed_before_its_node_is_made),
        cmocka_unit_test(test_a_watch_that_is_removed_while_its_node_is_made),
        cmocka_unit_test(test_a_watch_that_ended_before_its_node_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
