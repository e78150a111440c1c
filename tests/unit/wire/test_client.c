#include "support.h"

/* Goal: what a client sends comes out as it was meant, or is refused at its own id. */

/*
 * Written by protoc from the contract itself and this text, which shows that the copy from which C
 * is generated is the same on the wire:
 *   number: 7
 *   hello { cluster_id: "0123456789abcdef" generation: 3 last_seen_zxid: 844424930131970
 *     client: "coord-py/0.1"
 *     resume { session_id: 281474976710700 secret: "ABCDEFGHIJKLMNOP" attach: 2 } }
 *   requests { id: 1 create { path: "/a/b" data: "x" sequential: true parents: true } }
 *   requests { id: 2 seq: 9 set { path: "/\303\244" data: "y" if_version { value: 4 } } }
 *   requests { id: 3 level: READ_LEVEL_AT_LEAST at_least_zxid: 281474976710999
 *     children { path: "/" with_stat: true limit: 10 start_after: "m" } }
 *   requests { id: 4 txn { compares { path: "/a" relation: RELATION_GREATER version: 2 }
 *     on_success { delete { path: "/a" recursive: true } }
 *     on_failure { check { path: "/b" if_version {} } } } }
 *   requests { id: 5 watch { watch_id: 1 tree { path: "/a" } } }
 *   reply_mark: 8 rearm_done: true
 */
static const char golden[] =
    "080712490a1030313233343536373839616263646566100318828080808080c0012a0c636f6f72642d70792f302e"
    "313a1c08ac80808080804012104142434445464748494a4b4c4d4e4f5018021a110801420d0a042f612f62120178"
    "200130011a12080210094a0c0a032fc3a41201791a0208041a180803200228d78280808080407a0a0a012f100120"
    "0a32016d1a2208045a1e0a080a022f611003200212081a060a022f6118011a084a060a022f6212001a0d08059203"
    "0808011a040a022f6120082801";

static void check_golden_hello(const struct wire_hello *hello)
{
    assert_non_null(hello);
    assert_int_equal(hello->kind, WIRE_HELLO_RESUME);
    assert_true(hello->has_cluster);
    assert_memory_equal(hello->cluster_id, "0123456789abcdef", 16);
    assert_int_equal(hello->generation, 3);
    assert_int_equal(hello->last_seen_zxid, fsm_zxid_make(3, 2));
    assert_text(hello->client, "coord-py/0.1");
    assert_int_equal(hello->session, 281474976710700u);
    assert_memory_equal(hello->secret, "ABCDEFGHIJKLMNOP", 16);
    assert_int_equal(hello->attach, 2);
}

static void check_golden_writes(const struct wire_request *requests)
{
    const struct fsm_op_create *create = &requests[0].command.op.create;
    assert_int_equal(requests[0].kind, WIRE_WRITE);
    assert_int_equal(requests[0].command.op.kind, FSM_OP_CREATE);
    assert_text(create->path, "/a/b");
    assert_text(create->data, "x");
    assert_true(create->sequential && create->make_parents && !create->if_absent);

    const struct fsm_op_set *set = &requests[1].command.op.set;
    assert_int_equal(requests[1].command.op.kind, FSM_OP_SET);
    assert_int_equal(requests[1].seq, 9);
    assert_int_equal(requests[1].command.seq, 9);
    assert_text(set->path, "/\xc3\xa4");
    assert_int_equal(set->version, 4);

    const struct fsm_op_txn *txn = &requests[3].command.op.txn;
    assert_int_equal(requests[3].command.op.kind, FSM_OP_TXN);
    assert_int_equal(txn->compares_count, 1);
    assert_int_equal(txn->compares[0].target, FSM_COMPARE_VERSION);
    assert_int_equal(txn->compares[0].relation, FSM_GREATER);
    assert_int_equal(txn->compares[0].number, 2);
    assert_int_equal(txn->then_count, 1);
    assert_int_equal(txn->then_ops[0].kind, FSM_OP_DELETE);
    assert_true(txn->then_ops[0].remove.recursive);
    assert_int_equal(txn->then_ops[0].remove.version, FSM_ANY_VERSION);
    assert_int_equal(txn->else_count, 1);
    assert_int_equal(txn->else_ops[0].kind, FSM_OP_CHECK);
    assert_int_equal(txn->else_ops[0].check.version, 0);
}

static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *bytes = from_hex(golden);
    struct wire_client_frame frame;
    assert_int_equal(wire_client_frame_decode(&rig->arena, bytes->data, bytes->bytes, &frame, NULL),
                     CD_OK);
    cd_blob_unref(bytes);
    assert_int_equal(frame.number, 7);
    assert_int_equal(frame.reply_mark, 8);
    assert_true(frame.rearm_done);
    check_golden_hello(frame.hello);
    assert_int_equal(frame.requests_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(frame.requests[i].id, i + 1);
    }
    check_golden_writes(frame.requests);
    const struct wire_request *read = &frame.requests[2];
    assert_int_equal(read->kind, WIRE_CHILDREN);
    assert_int_equal(read->level, WIRE_AT_LEAST);
    assert_int_equal(read->at_least_zxid, 281474976710999u);
    const struct wire_list *list = &read->read.list;
    assert_text(read->read.path, "/");
    assert_text(list->options.path, "/");
    assert_int_equal(list->options.kind, FSM_LIST_CHILDREN);
    assert_true(list->with_stat && !list->with_data);
    assert_int_equal(list->limit, 10);
    assert_text(list->options.after, "m");
    assert_false(list->cursor.given);
    const struct wire_watch *watch = &frame.requests[4].watch;
    assert_int_equal(frame.requests[4].kind, WIRE_WATCH);
    assert_int_equal(watch->id, 1);
    assert_text(watch->path, "/a");
    assert_int_equal(watch->kinds, WIRE_CHANGE_KINDS_ALL);
}

/* ---- Requests that are refused ---- */

/*
 * A request with op number `field` whose content is empty, as bytes: id 5, then the field. All
 * numbers that the contract has, and some that it has not.
 */
static void test_every_operation_has_an_answer(void **state)
{
    struct rig *rig = *state;
    unsigned served = 0;
    unsigned named = 0;
    for (unsigned number = 8; number < 200; number++) {
        uint8_t bytes[] = {0x08, 0x05, (uint8_t)(((number << 3 | 2u) & 0x7fu) | 0x80u),
                           (uint8_t)(number >> 4), 0x00};
        ProtobufCBinaryData list = binary_bytes(bytes, sizeof(bytes));
        Coord__V1__ClientFrame message = COORD__V1__CLIENT_FRAME__INIT;
        message.requests = &list;
        message.n_requests = 1;
        struct cd_blob *packed = pack(&message.base);
        struct wire_client_frame frame;
        assert_int_equal(
            wire_client_frame_decode(&rig->arena, packed->data, packed->bytes, &frame, &rig->error),
            CD_OK);
        cd_blob_unref(packed);
        const struct wire_request *request = &frame.requests[0];
        assert_int_equal(request->id, 5);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(&coord__v1__request__descriptor, number);
        if (request->kind != WIRE_REFUSED) {
            served++;
            continue;
        }
        if (request->refusal->status == CD_INVALID_ARGUMENT) {
            served++; /* but needs more than an empty message */
            continue;
        }
        assert_int_equal(request->refusal->status, CD_UNIMPLEMENTED);
        assert_says(request->refusal, field != NULL ? field->name : "does not know the operation");
        named += field != NULL;
        wire_arena_clear(&rig->arena);
    }
    /* All but set_quota and get_quota. */
    assert_int_equal(served, 22);
    assert_int_equal(named, 2);
}

static void test_no_operation(void **state)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 3;
    must_refuse(*state, &request, CD_INVALID_ARGUMENT, "no operation");
}

static void test_reads(void **state)
{
    struct rig *rig = *state;
    Coord__V1__ExistsRequest exists = COORD__V1__EXISTS_REQUEST__INIT;
    exists.path = binary("/x");
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 9;
    request.after_seq = 4;
    request.wait_ms = 250;
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_SESSION;
    request.op_case = COORD__V1__REQUEST__OP_EXISTS;
    request.exists = &exists;
    const struct wire_request *seen = through(rig, &request);
    assert_int_equal(seen->kind, WIRE_EXISTS);
    assert_int_equal(seen->level, WIRE_SESSION);
    assert_int_equal(seen->after_seq, 4);
    assert_int_equal(seen->wait_ms, 250);
    assert_text(seen->read.path, "/x");

    request.level = (Coord__V1__ReadLevel)9;
    must_refuse(rig, &request, CD_UNIMPLEMENTED, "level");
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_AT_LEAST;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "at_least_zxid");
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE;
    request.at_least_zxid = 5;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "at_least_zxid");
    request.at_least_zxid = 0;
    request.seq = 1;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "seq");
}

/* ---- Frames that do not decode ---- */

static void decode_list(struct rig *rig, const ProtobufCBinaryData *list, size_t count,
                        enum cd_status expected, struct wire_client_frame *ret_frame)
{
    Coord__V1__ClientFrame message = COORD__V1__CLIENT_FRAME__INIT;
    message.requests = (ProtobufCBinaryData *)list;
    message.n_requests = count;
    struct cd_blob *packed = pack(&message.base);
    assert_int_equal(
        wire_client_frame_decode(&rig->arena, packed->data, packed->bytes, ret_frame, &rig->error),
        expected);
    cd_blob_unref(packed);
}

static void test_one_bad_request_among_good_ones(void **state)
{
    struct rig *rig = *state;
    struct wire_client_frame frame;
    ProtobufCBinaryData list[] = {
        binary_bytes("\x08\x01\x6a\x04\x0a\x02/a", 8), /* id 1, get "/a" */
        binary_bytes("\x08\x02\x6a\x09\x0a\x02/a", 8), /* id 2, get that is cut short */
        binary_bytes("\x6a\x01\xff\x08\x03", 5),       /* a get of rubbish, then id 3 */
        binary_bytes("\x08\x04\x6a\x04\x0a\x02/b", 8), /* id 4, get "/b" */
        binary_bytes("\x08\x05\x07", 3),               /* id 5, a wire type that is none */
        binary_bytes("\x15\1\2\3\4\x19\1\2\3\4\5\6\7\x8\x08\x06\x07", 17), /* fixed ones, id 6 */
    };
    decode_list(rig, list, 6, CD_OK, &frame);
    assert_int_equal(frame.requests_count, 6);
    static const enum wire_request_kind kinds[] = {WIRE_GET, WIRE_REFUSED, WIRE_REFUSED,
                                                   WIRE_GET, WIRE_REFUSED, WIRE_REFUSED};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(frame.requests[i].id, i + 1);
        assert_int_equal(frame.requests[i].kind, kinds[i]);
        if (kinds[i] == WIRE_REFUSED) {
            assert_int_equal(frame.requests[i].refusal->status, CD_INVALID_ARGUMENT);
        }
    }
}

static void test_nobody_to_answer(void **state)
{
    struct rig *rig = *state;
    struct wire_client_frame frame;
    ProtobufCBinaryData no_id = binary_bytes("\x6a\x04\x0a\x02/a", 6);
    decode_list(rig, &no_id, 1, CD_MALFORMED, &frame);
    assert_says(&rig->error, "without id");
    ProtobufCBinaryData rubbish = binary_bytes("\xff\xff\xff", 3);
    decode_list(rig, &rubbish, 1, CD_MALFORMED, &frame);
    assert_int_equal(wire_client_frame_decode(&rig->arena, "\xff", 1, &frame, &rig->error),
                     CD_MALFORMED);
}

static void test_limits(void **state)
{
    struct rig *rig = *state;
    struct wire_client_frame frame;
    size_t count = WIRE_FRAME_REQUESTS_MAX + 1;
    ProtobufCBinaryData *list = cd_calloc(count, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i] = binary_bytes("\x08\x01\x6a\x04\x0a\x02/a", 8);
    }
    decode_list(rig, list, count, CD_TOO_MANY, &frame);
    assert_says(&rig->error, "4096");
    wire_arena_clear(&rig->arena);
    decode_list(rig, list, count - 1, CD_OK, &frame);
    cd_free(list);
    wire_arena_clear(&rig->arena);

    size_t bytes = WIRE_CLIENT_FRAME_BYTES_MAX + 1;
    uint8_t *large = cd_calloc(1, bytes);
    assert_int_equal(wire_client_frame_decode(&rig->arena, large, bytes, &frame, &rig->error),
                     CD_TOO_LARGE);
    assert_says(&rig->error, "limit");
    cd_free(large);
}

/* The largest frame of the messages that cost most memory for their bytes: empty operations. */
static void test_memory(void **state)
{
    struct rig *rig = *state;
    size_t bytes = (size_t)2 << 20;
    uint8_t *txn = cd_malloc(bytes);
    for (size_t i = 0; i < bytes; i += 2) {
        txn[i] = 0x12; /* on_success, of length 0 */
        txn[i + 1] = 0;
    }
    uint8_t *request = cd_malloc(bytes + 8);
    memcpy(request, "\x08\x01\x5a\x80\x80\x80\x01", 7); /* id 1, txn of 2 MiB */
    memcpy(request + 7, txn, bytes);
    struct wire_client_frame frame;
    ProtobufCBinaryData list = binary_bytes(request, bytes + 7);
    decode_list(rig, &list, 1, CD_TOO_LARGE, &frame);
    assert_says(&rig->error, "memory");
    assert_true(rig->arena.taken <= WIRE_ARENA_BYTES_MAX);
    cd_free(txn);
    cd_free(request);
}

/* ---- Hello ---- */

static void hello(struct rig *rig, Coord__V1__Hello *message, struct wire_client_frame *ret_frame)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.hello = message;
    struct cd_blob *packed = pack(&frame.base);
    assert_int_equal(
        wire_client_frame_decode(&rig->arena, packed->data, packed->bytes, ret_frame, &rig->error),
        CD_OK);
    cd_blob_unref(packed);
}

static void refuse_hello(struct rig *rig, Coord__V1__Hello *message, const char *says)
{
    struct wire_client_frame frame;
    hello(rig, message, &frame);
    assert_null(frame.hello);
    assert_non_null(frame.hello_refusal);
    assert_int_equal(frame.hello_refusal->status, CD_INVALID_ARGUMENT);
    assert_says(frame.hello_refusal, says);
}

static void test_hello(void **state)
{
    struct rig *rig = *state;
    struct wire_client_frame frame;
    Coord__V1__Hello message = COORD__V1__HELLO__INIT;
    hello(rig, &message, &frame);
    assert_non_null(frame.hello);
    assert_null(frame.hello_refusal);
    assert_int_equal(frame.hello->kind, WIRE_HELLO_PLAIN);
    assert_false(frame.hello->has_cluster);

    message.cluster_id = binary("0123456789abcde");
    refuse_hello(rig, &message, "cluster_id: 15 bytes");
    message.cluster_id = binary("");
    message.client = binary("evil\nline");
    refuse_hello(rig, &message, "client");
    char name[WIRE_CLIENT_NAME_BYTES_MAX + 2];
    memset(name, 'n', sizeof(name));
    message.client = binary_bytes(name, WIRE_CLIENT_NAME_BYTES_MAX + 1);
    refuse_hello(rig, &message, "client: 129 bytes");
    message.client.len--;
    hello(rig, &message, &frame);
    assert_int_equal(frame.hello->client.bytes, WIRE_CLIENT_NAME_BYTES_MAX);
}

static void test_hello_with_a_session(void **state)
{
    struct rig *rig = *state;
    struct wire_client_frame frame;
    Coord__V1__Hello message = COORD__V1__HELLO__INIT;
    Coord__V1__OpenSession open = COORD__V1__OPEN_SESSION__INIT;
    message.session_case = COORD__V1__HELLO__SESSION_OPEN;
    message.open = &open;
    refuse_hello(rig, &message, "secret_hash: it is missing");
    open.secret_hash = binary("short");
    refuse_hello(rig, &message, "secret_hash: 5 bytes");
    open.secret_hash = binary("0123456789abcdef0123456789abcdef");
    open.timeout_ms = 4000;
    hello(rig, &message, &frame);
    assert_int_equal(frame.hello->kind, WIRE_HELLO_OPEN);
    assert_int_equal(frame.hello->timeout_ms, 4000);
    assert_memory_equal(frame.hello->secret_hash, "0123456789abcdef0123456789abcdef", 32);

    Coord__V1__ResumeSession resume = COORD__V1__RESUME_SESSION__INIT;
    message.session_case = COORD__V1__HELLO__SESSION_RESUME;
    message.resume = &resume;
    refuse_hello(rig, &message, "resume");
    resume.session_id = 5;
    resume.secret = binary("0123456789abcdef");
    resume.attach = 1;
    refuse_hello(rig, &message, "resume");
    resume.attach = 2;
    hello(rig, &message, &frame);
    assert_int_equal(frame.hello->kind, WIRE_HELLO_RESUME);
}

/* ---- Calls ---- */

static enum cd_status call(struct rig *rig, Coord__V1__CallRequest *message,
                           struct wire_request *ret_request)
{
    struct cd_blob *packed = pack(&message->base);
    enum cd_status status =
        wire_call_decode(&rig->arena, packed->data, packed->bytes, ret_request, &rig->error);
    cd_blob_unref(packed);
    return status;
}

static void test_call(void **state)
{
    struct rig *rig = *state;
    struct wire_request seen;
    Coord__V1__CallRequest message = COORD__V1__CALL_REQUEST__INIT;
    assert_int_equal(call(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.kind, WIRE_REFUSED);
    assert_says(seen.refusal, "no operation");

    Coord__V1__DeleteRequest remove = COORD__V1__DELETE_REQUEST__INIT;
    Coord__V1__Version version = COORD__V1__VERSION__INIT;
    remove.path = binary("/x");
    remove.if_version = &version;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.op_case = COORD__V1__REQUEST__OP_DELETE;
    request.delete_ = &remove;
    message.request = &request;
    message.key = binary("0123456789abcdef");
    assert_int_equal(call(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.kind, WIRE_WRITE);
    assert_int_equal(seen.id, 0);
    assert_int_equal(seen.command.op.remove.version, 0);
    assert_true(seen.command.has_key);
    assert_memory_equal(seen.command.key, "0123456789abcdef", 16);

    message.key = binary("0");
    request.id = 6;
    assert_int_equal(call(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.kind, WIRE_REFUSED);
    assert_int_equal(seen.id, 6);
    assert_says(seen.refusal, "key: 1 bytes");
    message.key = binary("");
    request.seq = 1;
    assert_int_equal(call(rig, &message, &seen), CD_OK);
    assert_says(seen.refusal, "seq");
    assert_int_equal(seen.seq, 0);
    assert_int_equal(wire_call_decode(&rig->arena, "\x0a", 1, &seen, &rig->error), CD_MALFORMED);
}

/* What needs a session or a stream, and a key where it means nothing. */
static void test_what_a_call_cannot(void **state)
{
    struct rig *rig = *state;
    struct wire_request seen;
    Coord__V1__CallRequest message = COORD__V1__CALL_REQUEST__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__UnwatchRequest unwatch = COORD__V1__UNWATCH_REQUEST__INIT;
    Coord__V1__SetTimeoutRequest set_timeout = COORD__V1__SET_TIMEOUT_REQUEST__INIT;
    Coord__V1__ForgetRequest forget = COORD__V1__FORGET_REQUEST__INIT;
    Coord__V1__CloseRequest close = COORD__V1__CLOSE_REQUEST__INIT;
    Coord__V1__SyncRequest sync = COORD__V1__SYNC_REQUEST__INIT;
    message.request = &request;
#define REFUSED(CASE, field, says)                                                                 \
    do {                                                                                           \
        request.op_case = COORD__V1__REQUEST__OP_##CASE;                                           \
        request.field = &field;                                                                    \
        assert_int_equal(call(rig, &message, &seen), CD_OK);                                       \
        assert_int_equal(seen.kind, WIRE_REFUSED);                                                 \
        assert_int_equal(seen.refusal->status, CD_INVALID_ARGUMENT);                               \
        assert_says(seen.refusal, says);                                                           \
    } while (0)
    unwatch.watch_id = 1;
    REFUSED(UNWATCH, unwatch, "need a stream");
    REFUSED(SET_TIMEOUT, set_timeout, "need a stream");
    REFUSED(FORGET, forget, "need a stream");
    REFUSED(CLOSE, close, "need a stream");
    message.key = binary("0123456789abcdef");
    REFUSED(SYNC, sync, "key: only a write");
    message.key = binary("");
    assert_int_equal(call(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.kind, WIRE_SYNC);
    request.after_seq = 1;
    REFUSED(SYNC, sync, "after_seq");
#undef REFUSED
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),
        WITH_RIG(test_every_operation_has_an_answer),
        WITH_RIG(test_no_operation),
        WITH_RIG(test_reads),
        WITH_RIG(test_one_bad_request_among_good_ones),
        WITH_RIG(test_nobody_to_answer),
        WITH_RIG(test_limits),
        WITH_RIG(test_memory),
        WITH_RIG(test_hello),
        WITH_RIG(test_hello_with_a_session),
        WITH_RIG(test_call),
        WITH_RIG(test_what_a_call_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
