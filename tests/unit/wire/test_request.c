#include "support.h"

/* Goal: every kind of request comes out as it was meant, or is refused at its own id and seq. */

/*
 * Written by protoc from the contract:
 *   number: 2
 *   requests { id: 1 level: READ_LEVEL_SESSION after_seq: 3 wait_ms: 50
 *     list { path: "/a" with_stat: true with_data: true limit: 7 depth: 2 } }
 *   requests { id: 2 changed_since { path: "/a" zxid: 281474976710700 with_data: true } }
 *   requests { id: 3 ephemerals { session_id: 281474976710701 } }
 *   requests { id: 4 outcome_of { session_id: 5 secret: "ABCDEFGHIJKLMNOP" seq: 9 } }
 *   requests { id: 5 outcome_of { key: "0123456789abcdef" } }
 *   requests { id: 6 after_seq: 4 watch { watch_id: 8 after_zxid: 77
 *     tree { path: "/a" scope: WATCH_SCOPE_SUBTREE
 *       kinds: EVENT_KIND_DELETED kinds: EVENT_KIND_CHANGED
 *       with_data: true with_previous: true read_node: true read_children: true } } }
 *   requests { id: 7 watch { watch_id: 9
 *     queue_front { created { seq: 4 op_index: 2 } n: 3 prefixes: "w-" } } }
 *   requests { id: 8 unwatch { watch_id: 8 } }
 *   requests { id: 9 sync {} }
 *   requests { id: 10 who_am_i {} }
 *   requests { id: 11 count { path: "/c" } }
 *   requests { id: 12 get_acl { path: "/d" } }
 *   requests { id: 13 seq: 10 set_timeout { timeout_ms: 4000 } }
 *   requests { id: 14 seq: 11 forget { reply_mark: 9 } }
 *   requests { id: 15 seq: 12 close {} }
 *   requests { id: 16 seq: 13 set_acl { path: "/a"
 *     acl { entries { permissions: 31 scheme: "uri" id: "spiffe://x" } }
 *     if_aversion { value: 2 } } }
 *   reply_mark: 8
 */
static const char golden[] =
    "08021a170801180320013032f2010c0a022f6110011801200730021a1308029a020e0a022f6110ac80808080"
    "804018011a0d080392020808ad8080808080401a1b0804b20216080512104142434445464748494a4b4c4d4e"
    "4f5018091a170805b202122210303132333435363738396162636465661a1f080618049203180808104d1a12"
    "0a022f6110021a02020320012801300138011a1508079203100809220c12040804100218032202772d1a0708"
    "089a030208081a050809a202001a05080aaa02001a09080bfa01040a022f631a09080c8202040a022f641a0a"
    "080d100ae2030308a01f1a09080e100bea030208091a07080f100cf203001a260810100da2011f0a022f6112"
    "150a13081f12037572691a0a7370696666653a2f2f781a0208022008";

static void check_lists(const struct wire_request *requests)
{
    const struct wire_list *list = &requests[0].read.list;
    assert_int_equal(requests[0].kind, WIRE_LIST);
    assert_int_equal(requests[0].level, WIRE_SESSION);
    assert_int_equal(requests[0].after_seq, 3);
    assert_int_equal(requests[0].wait_ms, 50);
    assert_text(requests[0].read.path, "/a");
    assert_int_equal(list->options.kind, FSM_LIST_SUBTREE);
    assert_text(list->options.path, "/a");
    assert_int_equal(list->options.depth, 2);
    assert_int_equal(list->limit, 7);
    assert_true(list->with_stat && list->with_data && !list->cursor.given);

    list = &requests[1].read.list;
    assert_int_equal(requests[1].kind, WIRE_CHANGED_SINCE);
    assert_int_equal(list->options.kind, FSM_LIST_CHANGED);
    assert_int_equal(list->options.since, 281474976710700u);
    assert_true(list->with_data);

    list = &requests[2].read.list;
    assert_int_equal(requests[2].kind, WIRE_EPHEMERALS);
    assert_int_equal(list->options.kind, FSM_LIST_EPHEMERALS);
    assert_int_equal(list->options.session, 281474976710701u);
    assert_text(list->options.path, "/"); /* left out: all */
    assert_text(requests[2].read.path, "/");
    assert_int_equal(list->limit, WIRE_PAGE_ENTRIES_MAX);
}

static void check_reads(const struct wire_request *requests)
{
    const struct wire_outcome_of *outcome_of = &requests[3].read.outcome_of;
    assert_int_equal(requests[3].kind, WIRE_OUTCOME_OF);
    assert_false(outcome_of->has_key);
    assert_int_equal(outcome_of->session, 5);
    assert_int_equal(outcome_of->seq, 9);
    assert_memory_equal(outcome_of->secret, "ABCDEFGHIJKLMNOP", WIRE_SECRET_BYTES);
    assert_true(requests[4].read.outcome_of.has_key);
    assert_memory_equal(requests[4].read.outcome_of.key, "0123456789abcdef", WIRE_CALL_KEY_BYTES);
    assert_int_equal(requests[8].kind, WIRE_SYNC);
    assert_int_equal(requests[9].kind, WIRE_WHO_AM_I);
    assert_int_equal(requests[10].kind, WIRE_COUNT);
    assert_text(requests[10].read.path, "/c");
    assert_int_equal(requests[11].kind, WIRE_GET_ACL);
    assert_text(requests[11].read.path, "/d");
}

static void check_watches(const struct wire_request *requests)
{
    const struct wire_watch *watch = &requests[5].watch;
    assert_int_equal(requests[5].kind, WIRE_WATCH);
    assert_int_equal(requests[5].after_seq, 4);
    assert_int_equal(watch->id, 8);
    assert_int_equal(watch->after_zxid, 77);
    assert_false(watch->queue_front);
    assert_text(watch->path, "/a");
    assert_int_equal(watch->scope, WIRE_SCOPE_SUBTREE);
    assert_int_equal(watch->kinds,
                     WIRE_CHANGE_BIT(FSM_NODE_DELETED) | WIRE_CHANGE_BIT(FSM_NODE_SET));
    assert_true(watch->with_data && watch->with_previous);
    assert_true(watch->read_node && watch->read_children);

    watch = &requests[6].watch;
    assert_int_equal(requests[6].kind, WIRE_WATCH);
    assert_int_equal(watch->id, 9);
    assert_true(watch->queue_front);
    assert_int_equal(watch->path.bytes, 0);
    assert_int_equal(watch->created_seq, 4);
    assert_int_equal(watch->created_op, 2);
    assert_int_equal(watch->n, 3);
    assert_int_equal(watch->prefixes_count, 1);
    assert_text(watch->prefixes[0], "w-");
    assert_int_equal(requests[7].kind, WIRE_UNWATCH);
    assert_int_equal(requests[7].watch.id, 8);
}

static void check_writes(const struct wire_request *requests)
{
    const struct fsm_command *command = &requests[12].command;
    for (size_t i = 12; i < 16; i++) {
        assert_int_equal(requests[i].kind, WIRE_WRITE);
        assert_int_equal(requests[i].seq, i - 2);
        assert_int_equal(requests[i].command.seq, i - 2);
        assert_int_equal(requests[i].command.request_hash, wire_request_hash(&requests[i].command));
    }
    assert_int_equal(command->op.kind, FSM_OP_SET_TIMEOUT);
    assert_int_equal(command->op.set_timeout.timeout_ms, 4000);
    assert_int_equal(command->reply_mark, 8); /* the frame's */
    command = &requests[13].command;
    assert_int_equal(command->op.kind, FSM_OP_FORGET);
    assert_int_equal(command->reply_mark, 9); /* its own, which is higher */
    assert_int_equal(requests[14].command.op.kind, FSM_OP_CLOSE);
    command = &requests[15].command;
    assert_int_equal(command->op.kind, FSM_OP_SET_ACL);
    assert_int_equal(command->op.set_acl.aversion, 2);
    assert_true(command->op.set_acl.has_acl);
    assert_int_equal(command->op.set_acl.acl.entries[0].scheme, FSM_SCHEME_URI);
    assert_text(command->op.set_acl.acl.entries[0].id, "spiffe://x");
}

static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *bytes = from_hex(golden);
    struct wire_client_frame frame;
    assert_int_equal(wire_client_frame_decode(&rig->arena, bytes->data, bytes->bytes, &frame, NULL),
                     CD_OK);
    memset(bytes->data, 0xee, bytes->bytes); /* nothing may point into it */
    cd_blob_unref(bytes);
    assert_int_equal(frame.requests_count, 16);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(frame.requests[i].id, i + 1);
        assert_null(frame.requests[i].refusal);
    }
    check_lists(frame.requests);
    check_reads(frame.requests);
    check_watches(frame.requests);
    check_writes(frame.requests);
}

/* What must wait is kept as bytes and decoded again when its time has come. */
static void test_packed(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *bytes = from_hex(golden);
    struct wire_client_frame frame;
    assert_int_equal(wire_client_frame_decode(&rig->arena, bytes->data, bytes->bytes, &frame, NULL),
                     CD_OK);
    cd_blob_unref(bytes);
    struct wire_request again[16];
    for (size_t i = 0; i < 16; i++) {
        struct fsm_bytes packed = frame.requests[i].packed;
        uint8_t *copy = cd_malloc(packed.bytes);
        memcpy(copy, packed.data, packed.bytes);
        assert_int_equal(wire_request_decode(&rig->arena, (struct fsm_bytes){copy, packed.bytes},
                                             &again[i], &rig->error),
                         CD_OK);
        memset(copy, 0xee, packed.bytes);
        cd_free(copy);
        if (again[i].kind == WIRE_WRITE) { /* what the frame alone knows */
            again[i].command.reply_mark = frame.requests[i].command.reply_mark;
        }
    }
    check_lists(again);
    check_reads(again);
    check_watches(again);
    check_writes(again);
    assert_int_equal(
        wire_request_decode(&rig->arena, (struct fsm_bytes){0}, &again[0], &rig->error),
        CD_MALFORMED);
}

/* ---- What is refused ---- */

static void request_init(Coord__V1__Request *request, Coord__V1__Request__OpCase op_case)
{
    coord__v1__request__init(request);
    request->id = 7;
    request->op_case = op_case;
}

static void test_levels(void **state)
{
    struct rig *rig = *state;
    Coord__V1__Request request;
    Coord__V1__SyncRequest sync = COORD__V1__SYNC_REQUEST__INIT;
    request_init(&request, COORD__V1__REQUEST__OP_SYNC);
    request.sync = &sync;
    assert_int_equal(through(rig, &request)->level, WIRE_LINEARIZABLE);
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_AT_LEAST;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "at_least_zxid");
    request.at_least_zxid = 5;
    assert_int_equal(through(rig, &request)->at_least_zxid, 5);
    request.level = (Coord__V1__ReadLevel)9;
    must_refuse(rig, &request, CD_UNIMPLEMENTED, "level");
}

/* A command carries the higher mark: the frame's or a Forget's own. */
static void test_marks(void **state)
{
    struct rig *rig = *state;
    static const uint8_t marks[][2] = {{9, 8}, {8, 9}, {9, 9}, {0, 9}, {9, 0}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(marks); i++) {
        uint8_t request[] = {0x08, 0x01, 0xea, 0x03, 0x02, 0x08, marks[i][1]}; /* id, forget */
        ProtobufCBinaryData list = binary_bytes(request, sizeof(request));
        Coord__V1__ClientFrame message = COORD__V1__CLIENT_FRAME__INIT;
        message.requests = &list;
        message.n_requests = 1;
        message.reply_mark = marks[i][0];
        struct cd_blob *packed = pack(&message.base);
        struct wire_client_frame frame;
        assert_int_equal(
            wire_client_frame_decode(&rig->arena, packed->data, packed->bytes, &frame, &rig->error),
            CD_OK);
        cd_blob_unref(packed);
        assert_int_equal(frame.reply_mark, marks[i][0]);
        assert_int_equal(frame.requests[0].command.op.kind, FSM_OP_FORGET);
        assert_int_equal(frame.requests[0].command.reply_mark,
                         marks[i][0] > marks[i][1] ? marks[i][0] : marks[i][1]);
    }
}

/* R11: what is refused and has a seq must still take its place in the log. */
static void test_refusals_keep_their_seq(void **state)
{
    struct rig *rig = *state;
    Coord__V1__Request request;
    Coord__V1__SetRequest set = COORD__V1__SET_REQUEST__INIT;
    request_init(&request, COORD__V1__REQUEST__OP_SET);
    set.path = binary("\xff");
    request.set = &set;
    request.seq = 12;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "path");
    assert_int_equal(through(rig, &request)->seq, 12);

    /* Also one that does not decode: id 1, seq 300, an operation that is cut short. */
    ProtobufCBinaryData cut = binary_bytes("\x08\x01\x10\xac\x02\x4a\x09\x0a", 8);
    Coord__V1__ClientFrame message = COORD__V1__CLIENT_FRAME__INIT;
    message.requests = &cut;
    message.n_requests = 1;
    struct cd_blob *packed = pack(&message.base);
    struct wire_client_frame frame;
    assert_int_equal(
        wire_client_frame_decode(&rig->arena, packed->data, packed->bytes, &frame, &rig->error),
        CD_OK);
    cd_blob_unref(packed);
    assert_int_equal(frame.requests[0].kind, WIRE_REFUSED);
    assert_int_equal(frame.requests[0].id, 1);
    assert_int_equal(frame.requests[0].seq, 300);
}

static void test_outcome_of(void **state)
{
    struct rig *rig = *state;
    Coord__V1__Request request;
    Coord__V1__OutcomeOfRequest outcome_of = COORD__V1__OUTCOME_OF_REQUEST__INIT;
    request_init(&request, COORD__V1__REQUEST__OP_OUTCOME_OF);
    request.outcome_of = &outcome_of;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "session_id, secret and seq");
    outcome_of.key = binary("0123456789abcdef");
    outcome_of.seq = 1; /* both ways */
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "session_id, secret and seq");
    outcome_of.key = binary("short");
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "key: 5 bytes");
    outcome_of.key = binary("");
    outcome_of.session_id = 1;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "session_id, secret and seq");
    outcome_of.secret = binary("0123456789abcde");
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "secret: 15 bytes");
    outcome_of.secret = binary("0123456789abcdef");
    assert_int_equal(through(rig, &request)->kind, WIRE_OUTCOME_OF);
}

/* ---- Watches ---- */

struct watch_case {
    Coord__V1__WatchRequest watch;
    Coord__V1__TreeWatch tree;
    Coord__V1__QueueFrontWatch front;
    Coord__V1__CreatedNode created;
    Coord__V1__EventKind kinds[2];
    Coord__V1__Request request;
};

static void watch_init(struct watch_case *each)
{
    coord__v1__watch_request__init(&each->watch);
    coord__v1__tree_watch__init(&each->tree);
    coord__v1__queue_front_watch__init(&each->front);
    coord__v1__created_node__init(&each->created);
    request_init(&each->request, COORD__V1__REQUEST__OP_WATCH);
    each->request.watch = &each->watch;
    each->watch.watch_id = 1;
    each->watch.target_case = COORD__V1__WATCH_REQUEST__TARGET_TREE;
    each->watch.tree = &each->tree;
    each->tree.path = binary("/a");
    each->front.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER_PATH;
    each->front.path = binary("/q/a-0000000000");
}

static void test_tree_watches(void **state)
{
    struct rig *rig = *state;
    struct watch_case each;
    watch_init(&each);
    assert_int_equal(through(rig, &each.request)->watch.kinds, WIRE_CHANGE_KINDS_ALL);
    assert_int_equal(through(rig, &each.request)->watch.scope, WIRE_SCOPE_NODE);
    each.kinds[0] = COORD__V1__EVENT_KIND__EVENT_KIND_CREATED;
    each.kinds[1] = COORD__V1__EVENT_KIND__EVENT_KIND_ACL_CHANGED;
    each.tree.kinds = each.kinds;
    each.tree.n_kinds = 2;
    assert_int_equal(through(rig, &each.request)->watch.kinds,
                     WIRE_CHANGE_BIT(FSM_NODE_CREATED) | WIRE_CHANGE_BIT(FSM_NODE_ACL_SET));
    each.kinds[1] = COORD__V1__EVENT_KIND__EVENT_KIND_UNSPECIFIED;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "kinds");
    each.kinds[1] = (Coord__V1__EventKind)5;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "kinds");
    watch_init(&each);
    each.tree.scope = (Coord__V1__WatchScope)3;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "scope");
    watch_init(&each);
    each.watch.watch_id = 0;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "watch_id");
    watch_init(&each);
    each.request.seq = 1;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "seq");
    watch_init(&each);
    each.watch.target_case = COORD__V1__WATCH_REQUEST__TARGET__NOT_SET;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "no operation");
    watch_init(&each);
    each.tree.path = binary("\xff");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "path");
}

static void test_queue_watches(void **state)
{
    struct rig *rig = *state;
    struct watch_case each;
    watch_init(&each);
    each.watch.target_case = COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT;
    each.watch.queue_front = &each.front;
    const struct wire_watch *seen = &through(rig, &each.request)->watch;
    assert_true(seen->queue_front);
    assert_text(seen->path, "/q/a-0000000000");
    assert_int_equal(seen->n, 1);
    assert_int_equal(seen->created_seq, 0);
    each.front.path = binary("");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "queue_front");
    each.front.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER_CREATED;
    each.front.created = &each.created;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "queue_front");
    each.front.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER__NOT_SET;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "queue_front");

    size_t count = WIRE_DETAILS_MAX + 1;
    ProtobufCBinaryData *prefixes = cd_calloc(count, sizeof(*prefixes));
    watch_init(&each);
    each.watch.target_case = COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT;
    each.watch.queue_front = &each.front;
    each.front.prefixes = prefixes;
    each.front.n_prefixes = count;
    must_refuse(rig, &each.request, CD_TOO_MANY, "prefixes");
    cd_free(prefixes);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),
        WITH_RIG(test_packed),
        WITH_RIG(test_levels),
        WITH_RIG(test_marks),
        WITH_RIG(test_refusals_keep_their_seq),
        WITH_RIG(test_outcome_of),
        WITH_RIG(test_tree_watches),
        WITH_RIG(test_queue_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
