#include "support.h"

#include <stdio.h>

/* Goal: what a client is told is what fsm found, in frames that keep their limits. */

static const struct fsm_stat some_stat = {
    .czxid = 281474976710658,
    .mzxid = 281474976710659,
    .pzxid = 281474976710660,
    .ctime_ms = 1000,
    .mtime_ms = 2000,
    .version = 3,
    .creates = 4,
    .children_count = 1,
    .data_bytes = 5,
};

static Coord__V1__ServerFrame *unpack(const struct rig *rig)
{
    Coord__V1__ServerFrame *frame =
        coord__v1__server_frame__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(frame);
    return frame;
}

static void free_frame(Coord__V1__ServerFrame *frame)
{
    coord__v1__server_frame__free_unpacked(frame, NULL);
}

static bool is(ProtobufCBinaryData bytes, const char *string)
{
    return bytes.len == strlen(string) && memcmp(bytes.data, string, bytes.len) == 0;
}

/*
 * Written by protoc from the contract:
 *   items { reply { id: 4 zxid: 281474976710658 create { path: "/a" stat { czxid: 281474976710658
 *     mzxid: 281474976710659 pzxid: 281474976710660 ctime_ms: 1000 mtime_ms: 2000 version: 3
 *     cversion: 7 data_length: 5 num_children: 1 } created: true } } }
 *   items { reply { id: 5 code: CODE_NO_NODE message: "the node does not exist"
 *     zxid: 281474976710661 } }
 *   items { no_leader { since_ms: 1500 } }
 *   items { go_away { code: CODE_SHUTTING_DOWN message: "bye" } }
 *   confirmed: 9 complete_to: 10 applied_zxid: 11 more: true
 */
static const char golden[] =
    "123c0a3a08042082808080808040422e0a022f61122608828080808080401083808080808040188480808080804020"
    "e80728d00f3003380750055801180112270a25080510021a17746865206e6f646520646f6573206e6f742065786973"
    "74208580808080804012053a0308dc0b12094207081912036279651809200a280b3001";

static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct fsm_outcome outcome = {
        .kind = FSM_OP_CREATE, .status = CD_OK, .changed = true, .path = text("/a")};
    struct fsm_result result = {.kind = FSM_OP_CREATE,
                                .status = CD_OK,
                                .changed = true,
                                .zxid = some_stat.czxid,
                                .failed_index = -1,
                                .outcomes = &outcome,
                                .outcomes_count = 1};
    outcome.stat = some_stat;
    struct wire_reply reply;
    wire_reply_from_result(&reply, 4, &result);
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    wire_reply_refuse(&reply, 5, CD_NO_NODE, NULL);
    reply.zxid = 281474976710661;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    assert_int_equal(wire_server_put_no_leader(&rig->buf, 1500), CD_OK);
    assert_int_equal(wire_server_put_go_away(&rig->buf, CD_SHUTTING_DOWN, "bye", NULL, 0), CD_OK);
    struct wire_server_head head = {NULL, 9, 10, 11, true};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);

    struct cd_blob *expected = from_hex(golden);
    assert_int_equal(rig->buf.bytes, expected->bytes);
    assert_memory_equal(rig->buf.data, expected->data, expected->bytes);
    cd_blob_unref(expected);
}

static void test_order_of_items(void **state)
{
    struct rig *rig = *state;
    struct wire_server_head head = {.confirmed = 1};
    struct wire_reply reply;
    for (uint64_t id = 1; id <= 100; id++) {
        wire_reply_refuse(&reply, id, CD_BUSY, "not now");
        assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
        if (id == 50) { /* the head may come at any place */
            assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
        }
    }
    Coord__V1__ServerFrame *frame = unpack(rig);
    assert_int_equal(frame->n_items, 100);
    assert_int_equal(frame->confirmed, 1);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(frame->items[i]->item_case, COORD__V1__ITEM__ITEM_REPLY);
        assert_int_equal(frame->items[i]->reply->id, i + 1);
        assert_int_equal(frame->items[i]->reply->code, COORD__V1__CODE__CODE_BUSY);
        assert_true(is(frame->items[i]->reply->message, "not now"));
    }
    free_frame(frame);
}

/* ---- A machine of fsm behind it ---- */

struct world {
    struct fsm *fsm;
    struct fsm_result result;
    uint64_t slot;
};

static void world_init(struct world *world)
{
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.data_bytes = 1000;
    world->fsm = fsm_create(&limits, 1);
    world->slot = 0;
    fsm_result_init(&world->result);
}

static void world_release(struct world *world)
{
    fsm_result_release(&world->result);
    fsm_free(world->fsm);
}

/* Applies it and puts the reply into the rig's frame. */
static void apply(struct rig *rig, struct world *world, uint64_t id, struct fsm_op op)
{
    struct fsm_batch_stamp stamp = {5000, 10};
    struct fsm_command command = {.origin = {1, 2, 3}, .op = op};
    fsm_slot_begin(world->fsm, ++world->slot, &stamp);
    fsm_apply(world->fsm, &command, &world->result);
    fsm_slot_end(world->fsm);
    struct wire_reply reply;
    wire_reply_from_result(&reply, id, &world->result);
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
}

static struct fsm_op create_op(const char *path, const char *data)
{
    struct fsm_op op = {.kind = FSM_OP_CREATE};
    op.create = (struct fsm_op_create){.path = text(path), .data = text(data)};
    return op;
}

static struct fsm_op set_op(const char *path, const char *data, int64_t version)
{
    struct fsm_op op = {.kind = FSM_OP_SET};
    op.set = (struct fsm_op_set){text(path), text(data), version};
    return op;
}

static struct fsm_op delete_op(const char *path, bool recursive, bool if_present)
{
    struct fsm_op op = {.kind = FSM_OP_DELETE};
    op.remove = (struct fsm_op_delete){text(path), FSM_ANY_VERSION, recursive, if_present};
    return op;
}

static void test_commands(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    apply(rig, &world, 1, create_op("/a", "one"));
    apply(rig, &world, 2, set_op("/a", "two", FSM_ANY_VERSION));
    apply(rig, &world, 3, set_op("/a", "three", 7));
    struct fsm_op again = create_op("/a", "x");
    again.create.if_absent = true;
    apply(rig, &world, 4, again);
    apply(rig, &world, 5, delete_op("/a", false, false));
    apply(rig, &world, 6, delete_op("/a", false, true));
    apply(rig, &world, 7, delete_op("/a", false, false));
    Coord__V1__ServerFrame *frame = unpack(rig);
    Coord__V1__Reply *replies[7];
    for (size_t i = 0; i < 7; i++) {
        replies[i] = frame->items[i]->reply;
        assert_int_equal(replies[i]->id, i + 1);
    }
    assert_int_equal(replies[0]->result_case, COORD__V1__REPLY__RESULT_CREATE);
    assert_true(is(replies[0]->create->path, "/a"));
    assert_true(replies[0]->create->created);
    assert_int_equal(replies[0]->create->stat->data_length, 3);
    assert_int_equal(replies[0]->create->stat->czxid, replies[0]->zxid);
    assert_int_equal(replies[0]->create->stat->ctime_ms, 5000);
    assert_int_equal(replies[1]->set->stat->version, 1);
    assert_int_equal(replies[2]->code, COORD__V1__CODE__CODE_BAD_VERSION);
    assert_int_equal(replies[2]->result_case, COORD__V1__REPLY__RESULT__NOT_SET);
    assert_true(replies[2]->message.len > 0);
    assert_int_equal(replies[2]->zxid, replies[1]->zxid);
    assert_int_equal(replies[3]->code, COORD__V1__CODE__CODE_OK);
    assert_false(replies[3]->create->created);
    assert_int_equal(replies[3]->create->stat->version, 1);
    assert_int_equal(replies[4]->delete_->deleted, 1);
    assert_int_equal(replies[5]->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(replies[5]->delete_->deleted, 0);
    assert_int_equal(replies[6]->code, COORD__V1__CODE__CODE_NO_NODE);
    free_frame(frame);
    world_release(&world);
}

static void test_txn_results(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    struct fsm_op get = {.kind = FSM_OP_GET, .read = {text("/a")}};
    struct fsm_op exists = {.kind = FSM_OP_EXISTS, .read = {text("/none")}};
    struct fsm_op check = {.kind = FSM_OP_CHECK, .check = {text("/a"), 0}};
    struct fsm_op ops[] = {create_op("/a", "one"), create_op("/a/b", ""),       check, get, exists,
                           set_op("/a", "two", 0), delete_op("/a", true, false)};
    struct fsm_op txn = {.kind = FSM_OP_TXN};
    txn.txn = (struct fsm_op_txn){.then_ops = ops, .then_count = 7};
    apply(rig, &world, 1, txn);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_OK);
    assert_true(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 7);
    Coord__V1__TxnOpResult *const *results = reply->txn->results;
    assert_true(is(results[0]->create->path, "/a"));
    assert_true(is(results[1]->create->path, "/a/b"));
    assert_int_equal(results[2]->result_case, COORD__V1__TXN_OP_RESULT__RESULT_CHECK);
    assert_int_equal(results[2]->check->stat->version, 0);
    assert_true(is(results[3]->get->data, "one"));
    assert_int_equal(results[3]->get->stat->num_children, 1);
    assert_false(results[4]->exists->exists);
    assert_null(results[4]->exists->stat);
    assert_int_equal(results[5]->set->stat->version, 1);
    assert_int_equal(results[6]->delete_->deleted, 2);
    free_frame(frame);
    world_release(&world);
}

static void test_txn_refusals(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    struct fsm_op ops[] = {create_op("/a", ""), create_op("/none/b", "")};
    struct fsm_op txn = {.kind = FSM_OP_TXN};
    txn.txn = (struct fsm_op_txn){.then_ops = ops, .then_count = 2};
    apply(rig, &world, 1, txn);
    struct fsm_compare compares[] = {
        {text("/"), FSM_COMPARE_EXISTS, FSM_EQUAL, 1, {0}, NULL},
        {text("/a"), FSM_COMPARE_EXISTS, FSM_EQUAL, 1, {0}, NULL},
    };
    txn.txn.compares = compares;
    txn.txn.compares_count = 2;
    apply(rig, &world, 2, txn);
    struct fsm_op exists = {.kind = FSM_OP_EXISTS, .read = {text("/")}};
    txn.txn.else_ops = &exists;
    txn.txn.else_count = 1;
    apply(rig, &world, 3, txn);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_NO_PARENT);
    assert_int_equal(reply->txn->failed_index, 1);
    assert_true(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 0);
    reply = frame->items[1]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_COMPARE_FAILED);
    assert_int_equal(reply->txn->failed_index, 1);
    assert_false(reply->txn->succeeded);
    assert_true(is(reply->message, cd_status_text(CD_COMPARE_FAILED)));
    reply = frame->items[2]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_OK);
    assert_false(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 1);
    assert_int_equal(reply->txn->results[0]->result_case, COORD__V1__TXN_OP_RESULT__RESULT_EXISTS);
    assert_true(reply->txn->results[0]->exists->exists);
    free_frame(frame);
    world_release(&world);
}

/* Over a limit: the sentence names limit and size. */
static void test_limit_in_words(void **state)
{
    struct rig *rig = *state;
    struct world world;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.atomic_nodes = 2;
    world.fsm = fsm_create(&limits, 1);
    world.slot = 0;
    fsm_result_init(&world.result);
    struct fsm_op op = create_op("/a/b/c", "");
    op.create.make_parents = true;
    apply(rig, &world, 1, op);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_TOO_MANY);
    char message[CD_ERROR_MESSAGE_BYTES] = {0};
    assert_true(reply->message.len < sizeof(message));
    memcpy(message, reply->message.data, reply->message.len);
    assert_non_null(strstr(message, "atomic_nodes"));
    free_frame(frame);
    world_release(&world);
}

/* ---- Reads ---- */

static void test_reads(void **state)
{
    struct rig *rig = *state;
    struct wire_reply reply = {.id = 1, .zxid = 9, .kind = WIRE_RESULT_GET};
    reply.view = (struct fsm_view){.stat = some_stat, .data = text("hello")};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.kind = WIRE_RESULT_EXISTS;
    reply.found = true;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.found = false;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__Reply *get = frame->items[0]->reply;
    assert_int_equal(get->zxid, 9);
    assert_true(is(get->get->data, "hello"));
    assert_int_equal(get->get->stat->mzxid, some_stat.mzxid);
    assert_true(frame->items[1]->reply->exists->exists);
    assert_int_equal(frame->items[1]->reply->exists->stat->cversion, 7);
    assert_int_equal(frame->items[2]->reply->result_case, COORD__V1__REPLY__RESULT_EXISTS);
    assert_false(frame->items[2]->reply->exists->exists);
    assert_null(frame->items[2]->reply->exists->stat);
    free_frame(frame);
}

/* The cursor of one page is what the next request gives back. */
static void test_children_and_cursor(void **state)
{
    struct rig *rig = *state;
    struct fsm_view views[2] = {
        {text("a"), some_stat, text("data of a")},
        {text("b\xc3\xa9"), some_stat, text("data of b")},
    };
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_CHILDREN};
    reply.page =
        (struct wire_page){.views = views, .views_count = 2, .with_data = true, .top = some_stat};
    reply.page.next =
        (struct wire_cursor){.given = true, .version = 7, .boot = 8, .position = views[1].path};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.page = (struct wire_page){.with_stat = true, .top = some_stat};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__ChildrenResult *page = frame->items[0]->reply->children;
    assert_int_equal(page->n_children, 2);
    assert_true(is(page->children[0]->name, "a"));
    assert_true(is(page->children[1]->data, "data of b"));
    assert_null(page->children[0]->stat);
    assert_int_equal(page->stat->pzxid, some_stat.pzxid);
    assert_int_equal(frame->items[1]->reply->children->cursor.len, 0);

    Coord__V1__ChildrenRequest next = COORD__V1__CHILDREN_REQUEST__INIT;
    next.path = binary("/");
    next.cursor = page->cursor;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 2;
    request.op_case = COORD__V1__REQUEST__OP_CHILDREN;
    request.children = &next;
    const struct wire_list *list = &through(rig, &request)->read.list;
    assert_true(list->cursor.given);
    assert_int_equal(list->cursor.version, 7);
    assert_int_equal(list->cursor.boot, 8);
    assert_text(list->cursor.position, "b\xc3\xa9");
    assert_text(list->options.after, "b\xc3\xa9");
    free_frame(frame);
}

/* ---- Limits ---- */

static void test_full_frame(void **state)
{
    struct rig *rig = *state;
    size_t bytes = (size_t)1 << 20;
    uint8_t *data = cd_calloc(1, bytes);
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_GET};
    reply.view.data = (struct fsm_bytes){data, bytes};
    unsigned taken = 0;
    while (wire_server_put_reply(&rig->buf, &reply) == CD_OK) {
        taken++;
    }
    assert_int_equal(taken, 3);
    reply.view.data.bytes = 100; /* small ones to the brim */
    while (wire_server_put_reply(&rig->buf, &reply) == CD_OK) {
        taken++;
    }
    assert_true(taken > 1000);
    size_t before = rig->buf.bytes;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    assert_false(rig->buf.overflowed);
    char identity[2000]; /* longer than any certificate's */
    memset(identity, 'i', sizeof(identity) - 1);
    identity[sizeof(identity) - 1] = '\0';
    struct wire_welcome welcome = {.status = CD_OK, .server = "coordd", .identity = identity};
    struct wire_server_head head = {.welcome = &welcome, .confirmed = 1};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    assert_true(rig->buf.bytes <= WIRE_FRAME_BYTES_MAX);
    free_frame(unpack(rig));

    /* One reply that is larger by itself travels alone. */
    cd_buf_clear(&rig->buf);
    cd_free(data);
    data = cd_calloc(1, (size_t)9 << 20);
    reply.view.data = (struct fsm_bytes){data, (size_t)8 << 20};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    assert_int_equal(wire_server_put_no_leader(&rig->buf, 1), CD_TOO_LARGE);
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    cd_buf_clear(&rig->buf);
    reply.view.data.bytes = (size_t)9 << 20;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_TOO_LARGE);
    cd_free(data);
}

static void test_welcome(void **state)
{
    struct rig *rig = *state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct wire_welcome welcome = {.status = CD_OK,
                                   .has_cluster = true,
                                   .cluster_id = "0123456789abcde",
                                   .generation = 2,
                                   .replica = 3,
                                   .leader = 1,
                                   .server = "coordd/0.1.0",
                                   .identity = "uri:spiffe://x/y",
                                   .session = 5,
                                   .attach = 6,
                                   .timeout_ms = 7,
                                   .last_seq = 8};
    wire_limits_from_fsm(&welcome.limits, &limits, 99, 98);
    struct wire_server_head head = {.welcome = &welcome};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    Coord__V1__ServerFrame *frame = unpack(rig);
    const Coord__V1__Welcome *seen = frame->welcome;
    assert_int_equal(seen->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(seen->message.len, 0);
    assert_int_equal(seen->cluster_id.len, 16);
    assert_int_equal(seen->generation, 2);
    assert_int_equal(seen->replica_id, 3);
    assert_int_equal(seen->leader_id, 1);
    assert_true(is(seen->server, "coordd/0.1.0"));
    assert_true(is(seen->identity, "uri:spiffe://x/y"));
    assert_int_equal(seen->session_id, 5);
    assert_int_equal(seen->attach, 6);
    assert_int_equal(seen->timeout_ms, 7);
    assert_int_equal(seen->last_seq, 8);
    assert_int_equal(seen->limits->frame_bytes, WIRE_FRAME_BYTES_MAX);
    assert_int_equal(seen->limits->path_bytes, limits.path_bytes);
    assert_int_equal(seen->limits->data_bytes, limits.data_bytes);
    assert_int_equal(seen->limits->atomic_nodes, limits.atomic_nodes);
    assert_int_equal(seen->limits->watches, 99);
    assert_int_equal(seen->limits->waiting_reads, 98);
    assert_int_equal(seen->limits->ttl_max_ms, limits.ttl_max_ms);
    free_frame(frame);

    cd_buf_clear(&rig->buf);
    welcome = (struct wire_welcome){.status = CD_NOT_BORN};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    frame = unpack(rig);
    assert_int_equal(frame->welcome->code, COORD__V1__CODE__CODE_NOT_BORN);
    assert_true(is(frame->welcome->message, cd_status_text(CD_NOT_BORN)));
    assert_int_equal(frame->welcome->cluster_id.len, 0);
    free_frame(frame);
}

static void test_call_response(void **state)
{
    struct rig *rig = *state;
    struct wire_reply reply;
    wire_reply_refuse(&reply, 0, CD_NO_LEADER, NULL);
    const uint8_t cluster[WIRE_CLUSTER_ID_BYTES] = "0123456789abcde";
    assert_int_equal(wire_call_encode(&rig->buf, &reply, cluster, 4), CD_OK);
    Coord__V1__CallResponse *response =
        coord__v1__call_response__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(response);
    assert_int_equal(response->reply->code, COORD__V1__CODE__CODE_NO_LEADER);
    assert_int_equal(response->generation, 4);
    assert_memory_equal(response->cluster_id.data, cluster, sizeof(cluster));
    coord__v1__call_response__free_unpacked(response, NULL);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),        WITH_RIG(test_order_of_items),
        WITH_RIG(test_commands),      WITH_RIG(test_txn_results),
        WITH_RIG(test_txn_refusals),  WITH_RIG(test_limit_in_words),
        WITH_RIG(test_reads),         WITH_RIG(test_children_and_cursor),
        WITH_RIG(test_full_frame),    WITH_RIG(test_welcome),
        WITH_RIG(test_call_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
