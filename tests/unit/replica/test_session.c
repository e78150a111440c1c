#include "house.h"

#include "base/memory.h"

#include <coord/v1/coord.pb-c.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One client's stream: hello, order of replies, refusals that leave it alive, frames that end it.
 */

enum { STREAM = 77 };

static ProtobufCBinaryData text(const char *string)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)string, .len = strlen(string)};
}

static void send_frame(struct house *house, const Coord__V1__ClientFrame *frame)
{
    size_t bytes = coord__v1__client_frame__get_packed_size(frame);
    struct cd_blob *blob = cd_blob_create(bytes);
    coord__v1__client_frame__pack(frame, blob->data);
    replica_on_stream_frame(house->replicas[0].replica, STREAM, blob);
    cd_blob_unref(blob);
}

/* The generated C holds requests and strings as raw bytes, so that wire can judge each by itself.
 */
static void send_requests(struct house *house, Coord__V1__Request **requests, size_t count)
{
    ProtobufCBinaryData packed[8];
    CD_ASSERT(count <= CD_ARRAY_COUNT(packed));
    for (size_t i = 0; i < count; i++) {
        packed[i].len = coord__v1__request__get_packed_size(requests[i]);
        packed[i].data = cd_malloc(packed[i].len);
        coord__v1__request__pack(requests[i], packed[i].data);
    }
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.number = 2;
    frame.requests = packed;
    frame.n_requests = count;
    send_frame(house, &frame);
    for (size_t i = 0; i < count; i++) {
        cd_free(packed[i].data);
    }
}

static bool says(ProtobufCBinaryData message, const char *part)
{
    return memmem(message.data, message.len, part, strlen(part)) != NULL;
}

/* The reply to request `id`, or NULL; owned by the caller through its frame. */
static Coord__V1__ServerFrame *find_reply(const struct house *house, uint64_t id,
                                          Coord__V1__Reply **ret_reply)
{
    const struct house_replica *replica = &house->replicas[0];
    for (size_t i = 0; i < replica->answers_count; i++) {
        const struct house_answer *answer = &replica->answers[i];
        if (answer->is_call || answer->is_close || answer->channel != STREAM) {
            continue;
        }
        Coord__V1__ServerFrame *frame =
            coord__v1__server_frame__unpack(NULL, answer->bytes->bytes, answer->bytes->data);
        assert_non_null(frame);
        for (size_t k = 0; k < frame->n_items; k++) {
            Coord__V1__Item *item = frame->items[k];
            if (item->item_case == COORD__V1__ITEM__ITEM_REPLY && item->reply->id == id) {
                *ret_reply = item->reply;
                return frame;
            }
        }
        coord__v1__server_frame__free_unpacked(frame, NULL);
    }
    return NULL;
}

static int code_of(const struct house *house, uint64_t id)
{
    Coord__V1__Reply *reply = NULL;
    Coord__V1__ServerFrame *frame = find_reply(house, id, &reply);
    int code = reply != NULL ? (int)reply->code : -1;
    coord__v1__server_frame__free_unpacked(frame, NULL);
    return code;
}

static const struct house_answer *closed(const struct house *house)
{
    const struct house_replica *replica = &house->replicas[0];
    for (size_t i = 0; i < replica->answers_count; i++) {
        if (replica->answers[i].is_close && replica->answers[i].channel == STREAM) {
            return &replica->answers[i];
        }
    }
    return NULL;
}

static void open_stream(struct house *house)
{
    house_init(house, 1);
    house_give_birth(house);
    house_run(house, 50);
    replica_on_stream_opened(house->replicas[0].replica, STREAM, "cn:client");
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    frame.number = 1;
    frame.hello = &hello;
    send_frame(house, &frame);
    house_run(house, 2);
}

static Coord__V1__Request create_request(uint64_t id, Coord__V1__CreateRequest *create,
                                         const char *path, const char *data)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    coord__v1__create_request__init(create);
    create->path = text(path);
    create->data = text(data);
    request.id = id;
    request.op_case = COORD__V1__REQUEST__OP_CREATE;
    request.create = create;
    return request;
}

static Coord__V1__Request get_request(uint64_t id, Coord__V1__GetRequest *get, const char *path,
                                      Coord__V1__ReadLevel level)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    coord__v1__get_request__init(get);
    get->path = text(path);
    request.id = id;
    request.level = level;
    request.op_case = COORD__V1__REQUEST__OP_GET;
    request.get = get;
    return request;
}

static void test_welcome_tells_cluster_and_limits(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    const struct house_replica *replica = &house.replicas[0];
    const struct house_answer *last = &replica->answers[replica->answers_count - 1];
    Coord__V1__ServerFrame *frame =
        coord__v1__server_frame__unpack(NULL, last->bytes->bytes, last->bytes->data);
    assert_non_null(frame);
    assert_non_null(frame->welcome);
    assert_int_equal(frame->welcome->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(frame->welcome->cluster_id.len, 16);
    assert_int_equal(frame->welcome->replica_id, 1);
    assert_int_equal(frame->welcome->limits->data_bytes, 1 << 20);
    assert_true(says(frame->welcome->identity, "cn:client"));
    coord__v1__server_frame__free_unpacked(frame, NULL);
    house_release(&house);
}

/* R24: a SESSION read sees the write sent before it and not the one sent behind it. */
static void test_session_reads_run_between_writes(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    Coord__V1__CreateRequest create[2];
    Coord__V1__GetRequest get[4];
    Coord__V1__Request requests[] = {
        get_request(1, &get[0], "/a", COORD__V1__READ_LEVEL__READ_LEVEL_SESSION),
        create_request(2, &create[0], "/a", "1"),
        get_request(3, &get[1], "/a", COORD__V1__READ_LEVEL__READ_LEVEL_SESSION),
        get_request(4, &get[2], "/b", COORD__V1__READ_LEVEL__READ_LEVEL_SESSION),
        create_request(5, &create[1], "/b", "2"),
        get_request(6, &get[3], "/b", COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE),
    };
    Coord__V1__Request *pointers[CD_ARRAY_COUNT(requests)];
    for (size_t i = 0; i < CD_ARRAY_COUNT(requests); i++) {
        pointers[i] = &requests[i];
    }
    send_requests(&house, pointers, CD_ARRAY_COUNT(requests));
    house_run(&house, 50);
    assert_int_equal(code_of(&house, 1), CD_NO_NODE);
    assert_int_equal(code_of(&house, 2), CD_OK);
    assert_int_equal(code_of(&house, 3), CD_OK);
    assert_int_equal(code_of(&house, 4), CD_NO_NODE);
    assert_int_equal(code_of(&house, 5), CD_OK);
    assert_int_equal(code_of(&house, 6), CD_OK);
    house_release(&house);
}

/* R24: also when the newest write before the read was given up first. */
static void test_session_reads_wait_for_every_write_before(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    Coord__V1__CreateRequest create[2];
    Coord__V1__GetRequest get;
    Coord__V1__Request requests[] = {
        create_request(1, &create[0], "/a", "1"),
        create_request(2, &create[1], "/b", "2"),
        get_request(3, &get, "/a", COORD__V1__READ_LEVEL__READ_LEVEL_SESSION),
    };
    requests[0].wait_ms = requests[2].wait_ms = 5000;
    requests[1].wait_ms = 10;
    Coord__V1__Request *pointers[] = {&requests[0], &requests[1], &requests[2]};
    house.replicas[0].stalled = true;
    send_requests(&house, pointers, CD_ARRAY_COUNT(pointers));
    house_run(&house, 200);
    assert_int_equal(code_of(&house, 1), -1);
    assert_int_equal(code_of(&house, 2), CD_OUTCOME_UNKNOWN);
    assert_int_equal(code_of(&house, 3), -1);
    house.replicas[0].stalled = false;
    house_run(&house, 200);
    assert_int_equal(code_of(&house, 1), CD_OK);
    assert_int_equal(code_of(&house, 3), CD_OK);
    house_release(&house);
}

static void test_oversized_data_leaves_the_stream_alive(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    size_t bytes = (1 << 20) + 1;
    char *data = cd_malloc(bytes + 1);
    memset(data, 'x', bytes);
    data[bytes] = '\0';
    Coord__V1__CreateRequest create[2];
    Coord__V1__Request big = create_request(1, &create[0], "/big", data);
    Coord__V1__Request small = create_request(2, &create[1], "/small", "x");
    Coord__V1__Request *pointers[] = {&big, &small};
    send_requests(&house, pointers, 2);
    house_run(&house, 50);
    Coord__V1__Reply *reply = NULL;
    Coord__V1__ServerFrame *frame = find_reply(&house, 1, &reply);
    assert_non_null(frame);
    assert_int_equal(reply->code, CD_TOO_LARGE);
    assert_true(says(reply->message, "1048577")); /* the size */
    assert_true(says(reply->message, "1048576")); /* and the limit */
    coord__v1__server_frame__free_unpacked(frame, NULL);
    assert_int_equal(code_of(&house, 2), CD_OK);
    assert_null(closed(&house));
    cd_free(data);
    house_release(&house);
}

static void test_unknown_operation_is_unimplemented(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    Coord__V1__Request empty = COORD__V1__REQUEST__INIT;
    empty.id = 1;
    Coord__V1__Request watch = COORD__V1__REQUEST__INIT;
    Coord__V1__WatchRequest watch_request = COORD__V1__WATCH_REQUEST__INIT;
    watch.id = 2;
    watch.op_case = COORD__V1__REQUEST__OP_WATCH;
    watch.watch = &watch_request;
    Coord__V1__CreateRequest create;
    Coord__V1__Request ephemeral = create_request(3, &create, "/e", "");
    create.kind = COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL;
    Coord__V1__Request *pointers[] = {&empty, &watch, &ephemeral};
    send_requests(&house, pointers, 3);
    house_run(&house, 50);
    assert_int_equal(code_of(&house, 1), CD_INVALID_ARGUMENT);
    assert_int_equal(code_of(&house, 2), CD_INVALID_ARGUMENT); /* no watch_id */
    assert_int_equal(code_of(&house, 3), CD_INVALID_ARGUMENT); /* no session */
    assert_null(closed(&house));
    house_release(&house);
}

static void test_malformed_frame_ends_this_stream_alone(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    replica_on_stream_opened(house.replicas[0].replica, STREAM + 1, "cn:other");
    struct cd_blob *junk = cd_blob_copy("\xff\xff\xff\xff junk", 9);
    replica_on_stream_frame(house.replicas[0].replica, STREAM, junk);
    cd_blob_unref(junk);
    house_run(&house, 5);
    const struct house_answer *answer = closed(&house);
    assert_non_null(answer);
    assert_int_equal(answer->rpc, REPLICA_RPC_INVALID_ARGUMENT);
    assert_true(strlen(answer->text) > 10);
    struct replica_view view;
    replica_get_view(house.replicas[0].replica, &view);
    assert_int_equal(view.streams, 1);
    house_release(&house);
}

static void test_first_frame_needs_a_hello(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_give_birth(&house);
    replica_on_stream_opened(house.replicas[0].replica, STREAM, "cn:client");
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.number = 1;
    send_frame(&house, &frame);
    house_run(&house, 5);
    assert_non_null(closed(&house));
    house_release(&house);
}

static void test_hello_of_another_cluster_is_refused(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_give_birth(&house);
    replica_on_stream_opened(house.replicas[0].replica, STREAM, "cn:client");
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    uint8_t foreign[16] = {1, 2, 3};
    hello.cluster_id.data = foreign;
    hello.cluster_id.len = sizeof(foreign);
    hello.generation = 1;
    frame.number = 1;
    frame.hello = &hello;
    house_forget_answers(&house);
    send_frame(&house, &frame);
    house_run(&house, 5);
    const struct house_answer *first = &house.replicas[0].answers[0];
    Coord__V1__ServerFrame *answer =
        coord__v1__server_frame__unpack(NULL, first->bytes->bytes, first->bytes->data);
    assert_non_null(answer);
    assert_int_equal(answer->welcome->code, CD_WRONG_CLUSTER);
    coord__v1__server_frame__free_unpacked(answer, NULL);
    assert_non_null(closed(&house));
    house_release(&house);
}

/* What was sent is told once for each byte that was given; the replica asserts that it is no more.
 */
static void test_what_was_sent_is_told(void **state)
{
    (void)state;
    struct house house;
    open_stream(&house);
    struct house_replica *replica = &house.replicas[0];
    size_t given = 0;
    for (size_t i = 0; i < replica->answers_count; i++) {
        const struct house_answer *answer = &replica->answers[i];
        given += !answer->is_call && answer->bytes != NULL ? answer->bytes->bytes : 0;
    }
    assert_true(given > 1);
    replica_on_stream_sent(replica->replica, STREAM, 1);
    replica_on_stream_sent(replica->replica, STREAM, given - 1);
    replica_on_stream_closed(replica->replica, STREAM);
    replica_on_stream_sent(replica->replica, STREAM, 1); /* it was on its way */
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_welcome_tells_cluster_and_limits),
        cmocka_unit_test(test_session_reads_run_between_writes),
        cmocka_unit_test(test_session_reads_wait_for_every_write_before),
        cmocka_unit_test(test_oversized_data_leaves_the_stream_alive),
        cmocka_unit_test(test_unknown_operation_is_unimplemented),
        cmocka_unit_test(test_malformed_frame_ends_this_stream_alone),
        cmocka_unit_test(test_first_frame_needs_a_hello),
        cmocka_unit_test(test_hello_of_another_cluster_is_refused),
        cmocka_unit_test(test_what_was_sent_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
