#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: a client may have many thousands of watches: each is found by its ids, whatever came and
 * went, and the machine's work for one does not grow with their number. Method: the machine with a
 * hand-made replica, which answers what it was sent, one frame for each answer or event.
 */

enum { MANY = 10000, TURNS_PER_WATCH = 6 };

static struct many {
    struct client_session *session;
    uint64_t stream;
    struct client_watch watches[MANY];
    uint64_t sets[MANY], events[MANY]; /* told */
    /* Requests that the replica has not answered. */
    uint64_t requests[2 * MANY];
    size_t requests_count;
    size_t unset;
} many;

static struct client_time now(void)
{
    return (struct client_time){1000, 1000};
}

static void take_frame(struct client_bytes bytes)
{
    Coord__V1__ClientFrame *frame = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_non_null(frame);
    for (size_t i = 0; i < frame->n_requests; i++) {
        Coord__V1__Request *request =
            coord__v1__request__unpack(NULL, frame->requests[i].len, frame->requests[i].data);
        assert_non_null(request);
        many.unset += request->op_case == COORD__V1__REQUEST__OP_UNWATCH ? 1 : 0;
        if (request->op_case == COORD__V1__REQUEST__OP_WATCH) {
            many.requests[many.requests_count++] = request->id;
        }
        coord__v1__request__free_unpacked(request, NULL);
    }
    coord__v1__client_frame__free_unpacked(frame, NULL);
    client_free(bytes.data);
}

static void take_item(struct client_watch_item *item)
{
    size_t number = (size_t)(item->watch - many.watches);
    many.sets[number] += item->item.kind == COORD_WATCH_SET ? 1 : 0;
    many.events[number] += item->item.kind == COORD_WATCH_EVENTS ? 1 : 0;
    client_session_took(many.session, item->watch, item->bytes);
    client_watch_item_free(item);
}

static void settle(void)
{
    struct client_effect effect;
    struct client_bytes frame;
    while (client_session_take_effect(many.session, &effect)) {
        if (effect.kind == CLIENT_EFFECT_DIAL) {
            many.stream = effect.stream;
        } else if (effect.kind == CLIENT_EFFECT_ITEM) {
            take_item(effect.item);
        }
    }
    while (client_session_take_frame(many.session, now(), many.stream, &frame)) {
        take_frame(frame);
    }
}

static void say(const Coord__V1__ServerFrame *frame)
{
    static uint8_t bytes[1024];
    size_t count = coord__v1__server_frame__get_packed_size(frame);
    assert_true(count <= sizeof(bytes));
    (void)coord__v1__server_frame__pack(frame, bytes);
    client_session_on_frame(many.session, now(), many.stream, bytes, count);
    settle();
}

static void say_item(Coord__V1__Item *item, uint64_t complete_to)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    frame.items = &item;
    frame.n_items = 1;
    frame.complete_to = complete_to;
    say(&frame);
}

static void say_welcome(void)
{
    uint8_t cluster[COORD_CLUSTER_ID_BYTES] = {9};
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome welcome = COORD__V1__WELCOME__INIT;
    welcome.cluster_id = (ProtobufCBinaryData){sizeof(cluster), cluster};
    welcome.generation = 1;
    frame.welcome = &welcome;
    say(&frame);
}

/* The newest first: the worst order for who looks from the oldest on. */
static void answer_all(void)
{
    while (many.requests_count > 0) {
        Coord__V1__Item item = COORD__V1__ITEM__INIT;
        Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
        Coord__V1__WatchResult result = COORD__V1__WATCH_RESULT__INIT;
        result.complete_from_zxid = 100;
        reply.id = many.requests[--many.requests_count];
        reply.result_case = COORD__V1__REPLY__RESULT_WATCH;
        reply.watch = &result;
        item.item_case = COORD__V1__ITEM__ITEM_REPLY;
        item.reply = &reply;
        say_item(&item, 100);
    }
}

static void say_event(uint64_t id, uint64_t zxid)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    event.zxid = zxid;
    event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
    event.path = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "/t"};
    event.watch_ids = &id;
    event.n_watch_ids = 1;
    item.item_case = COORD__V1__ITEM__ITEM_EVENT;
    item.event = &event;
    say_item(&item, zxid);
}

static void watch(size_t number)
{
    many.watches[number] =
        (struct client_watch){.spec = {.path = "/t", .scope = COORD_WATCH_SUBTREE}};
    assert_int_equal(client_session_watch(many.session, now(), &many.watches[number]), COORD_OK);
    settle();
}

static void begin(void)
{
    static const char *const endpoints[] = {"a:1"};
    const struct client_session_config config = {
        .endpoints = endpoints, .endpoints_count = 1, .client_name = "many", .seed = 1};
    memset(&many, 0, sizeof(many));
    many.session = client_session_create(&config);
    assert_non_null(many.session);
}

static void end(size_t count)
{
    client_session_shutdown(many.session, now());
    settle();
    for (size_t i = 0; i < count; i++) {
        client_session_unwatch(many.session, &many.watches[i]);
    }
    client_session_free(many.session);
}

static void test_ids_are_given_once(void **state)
{
    uint64_t id = 0;
    (void)state;
    begin();
    watch(0);
    say_welcome();
    answer_all();
    for (size_t i = 1; i < 40; i++) {
        watch(i);
    }
    answer_all();
    id = many.watches[20].id;
    client_session_unwatch(many.session, &many.watches[20]);
    settle();
    watch(20); /* in the same slot */
    answer_all();
    assert_int_not_equal(many.watches[20].id, id);
    say_event(id, 200);
    assert_int_equal(many.events[20], 0);
    say_event(many.watches[20].id, 201);
    assert_int_equal(many.events[20], 1);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(many.sets[i], i == 20 ? 2 : 1);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(many.watches[i].id, many.watches[j].id);
        }
    }
    say_event(UINT64_MAX, 202); /* nobody's */
    say_event(0, 203);
    end(40);
}

/*
 * Set one by one, answered one by one, told one by one, removed one by one. Done for each watch by
 * walking over all of them this takes minutes, and the test's time is over before.
 */
static void test_ten_thousand(void **state)
{
    (void)state;
    begin();
    watch(0);
    say_welcome();
    answer_all();
    for (size_t i = 1; i < MANY; i++) {
        watch(i);
    }
    answer_all();
    for (int turn = 0; turn < TURNS_PER_WATCH; turn++) {
        for (size_t i = 0; i < MANY; i++) {
            say_event(many.watches[i].id, 200 + (uint64_t)turn * MANY + i);
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(many.sets[i], 1);
        assert_int_equal(many.events[i], TURNS_PER_WATCH);
        client_session_unwatch(many.session, &many.watches[i]);
        settle();
    }
    assert_int_equal(many.unset, MANY);
    end(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_given_once),
        cmocka_unit_test(test_ten_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
