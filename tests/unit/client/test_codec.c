#include "src/codec.h"
#include "src/result.h"

#include "base/prng.h"
#include "coord/v1/coord.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: every request arrives as it was meant, every answer is understood, and no bytes of a
 * replica do harm. Method: the generated code plays the replica.
 */

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static bool is_text(ProtobufCBinaryData data, const char *text)
{
    return data.len == strlen(text) && memcmp(data.data, text, data.len) == 0;
}

/* ---- Requests ---- */

static void address(struct client_request *request, uint32_t wait_ms)
{
    const struct client_address to = {.id = request->id,
                                      .level = request->level,
                                      .at_least_zxid = request->at_least_zxid,
                                      .wait_ms = wait_ms};
    request->bytes_count = client_codec_address(request->bytes, request->tail_offset, &to);
}

/* What a replica sees of `op`; freed with coord__v1__request__free_unpacked. */
static Coord__V1__Request *sent(const struct client_op *op, const struct coord_call_options *call,
                                bool is_write)
{
    struct client_request request = {.id = 77};
    assert_int_equal(client_codec_request_encode(&request, op, call, NULL), COORD_OK);
    assert_true(request.is_write == is_write);
    assert_int_equal(request.kind, op->kind);
    address(&request, 1234);
    Coord__V1__Request *seen = coord__v1__request__unpack(NULL, request.bytes_count, request.bytes);
    assert_non_null(seen);
    assert_int_equal(seen->id, 77);
    assert_int_equal(seen->seq, 0);
    assert_int_equal(seen->wait_ms, 1234);
    client_free(request.bytes);
    return seen;
}

static void test_create(void **state)
{
    struct client_op op = {.kind = CLIENT_OP_CREATE, .path = "/a", .data = "x\0y", .data_bytes = 3};
    (void)state;
    Coord__V1__Request *seen = sent(&op, NULL, true);
    assert_int_equal(seen->op_case, COORD__V1__REQUEST__OP_CREATE);
    assert_true(is_text(seen->create->path, "/a"));
    assert_int_equal(seen->create->data.len, 3);
    assert_memory_equal(seen->create->data.data, "x\0y", 3);
    assert_false(seen->create->sequential || seen->create->parents || seen->create->if_absent);
    coord__v1__request__free_unpacked(seen, NULL);
    op.flags = COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS | COORD_CREATE_IF_ABSENT;
    seen = sent(&op, NULL, true);
    assert_true(seen->create->sequential && seen->create->parents && seen->create->if_absent);
    coord__v1__request__free_unpacked(seen, NULL);
}

static void test_set_and_delete(void **state)
{
    struct client_op set = {.kind = CLIENT_OP_SET,
                            .path = "/a",
                            .data = "new",
                            .data_bytes = 3,
                            .version = COORD_ANY_VERSION};
    struct client_op delete = {.kind = CLIENT_OP_DELETE,
                               .path = "/b",
                               .version = 0,
                               .flags = COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT};
    (void)state;
    Coord__V1__Request *seen = sent(&set, NULL, true);
    assert_true(is_text(seen->set->data, "new"));
    assert_null(seen->set->if_version);
    coord__v1__request__free_unpacked(seen, NULL);
    seen = sent(&delete, NULL, true);
    assert_true(is_text(seen->delete_->path, "/b"));
    assert_non_null(seen->delete_->if_version);
    assert_int_equal(seen->delete_->if_version->value, 0);
    assert_true(seen->delete_->recursive && seen->delete_->if_present);
    coord__v1__request__free_unpacked(seen, NULL);
}

static void test_reads_and_their_levels(void **state)
{
    struct client_op get = {.kind = CLIENT_OP_GET, .path = "/g"};
    struct client_op exists = {.kind = CLIENT_OP_EXISTS, .path = "/e"};
    struct coord_call_options *call = coord_call_options_create();
    (void)state;
    Coord__V1__Request *seen = sent(&get, NULL, false);
    assert_true(is_text(seen->get->path, "/g"));
    assert_int_equal(seen->level, COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE);
    coord__v1__request__free_unpacked(seen, NULL);
    coord_call_options_set_level(call, COORD_SESSION);
    seen = sent(&exists, call, false);
    assert_true(is_text(seen->exists->path, "/e"));
    assert_int_equal(seen->level, COORD__V1__READ_LEVEL__READ_LEVEL_SESSION);
    coord__v1__request__free_unpacked(seen, NULL);
    coord_call_options_set_at_least(call, 9);
    seen = sent(&get, call, false);
    assert_int_equal(seen->level, COORD__V1__READ_LEVEL__READ_LEVEL_AT_LEAST);
    assert_int_equal(seen->at_least_zxid, 9);
    coord__v1__request__free_unpacked(seen, NULL);
    coord_call_options_free(call);
}

static void test_children(void **state)
{
    struct client_op op = {.kind = CLIENT_OP_CHILDREN,
                           .path = "/c",
                           .flags = COORD_CHILDREN_WITH_STAT | COORD_CHILDREN_WITH_DATA,
                           .limit = 17,
                           .cursor = "\0cur",
                           .cursor_bytes = 4};
    (void)state;
    Coord__V1__Request *seen = sent(&op, NULL, false);
    assert_true(seen->children->with_stat && seen->children->with_data);
    assert_int_equal(seen->children->limit, 17);
    assert_int_equal(seen->children->cursor.len, 4);
    assert_memory_equal(seen->children->cursor.data, "\0cur", 4);
    coord__v1__request__free_unpacked(seen, NULL);
}

static void check_txn_compares(const Coord__V1__TxnRequest *txn)
{
    assert_int_equal(txn->n_compares, 3);
    assert_int_equal(txn->compares[0]->target_case, COORD__V1__COMPARE__TARGET_EXISTS);
    assert_false(txn->compares[0]->exists);
    assert_int_equal(txn->compares[1]->target_case, COORD__V1__COMPARE__TARGET_VERSION);
    assert_int_equal(txn->compares[1]->version, 4);
    assert_int_equal(txn->compares[1]->relation, COORD__V1__RELATION__RELATION_GREATER);
    assert_int_equal(txn->compares[2]->target_case, COORD__V1__COMPARE__TARGET_VALUE);
    assert_true(is_text(txn->compares[2]->value, "v"));
}

static void test_txn(void **state)
{
    struct coord_txn *txn = coord_txn_create();
    struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    char path[] = "/t";
    (void)state;
    coord_txn_compare(txn, path, COORD_IF_EXISTS, COORD_EQUAL, 0);
    coord_txn_compare(txn, path, COORD_IF_VERSION, COORD_GREATER, 4);
    coord_txn_compare_data(txn, path, COORD_NOT_EQUAL, "v", 1);
    coord_txn_add_get(txn, COORD_ELSE, path);
    coord_txn_add_exists(txn, COORD_ELSE, path);
    coord_txn_add_children(txn, COORD_ELSE, path, COORD_CHILDREN_WITH_STAT, 5);
    Coord__V1__Request *seen = sent(&op, NULL, false); /* a read so far */
    coord__v1__request__free_unpacked(seen, NULL);
    coord_txn_add_create(txn, COORD_THEN, path, "d", 1, COORD_CREATE_PARENTS);
    coord_txn_add_set(txn, COORD_THEN, path, "e", 1, 3);
    coord_txn_add_delete(txn, COORD_THEN, path, COORD_ANY_VERSION, 0);
    coord_txn_add_check(txn, COORD_THEN, path, 6);
    path[1] = '!'; /* it was copied */
    seen = sent(&op, NULL, true);
    check_txn_compares(seen->txn);
    assert_int_equal(seen->txn->n_on_success, 4);
    assert_true(is_text(seen->txn->on_success[0]->create->path, "/t"));
    assert_true(seen->txn->on_success[0]->create->parents);
    assert_int_equal(seen->txn->on_success[1]->set->if_version->value, 3);
    assert_null(seen->txn->on_success[2]->delete_->if_version);
    assert_int_equal(seen->txn->on_success[3]->check->if_version->value, 6);
    assert_int_equal(seen->txn->n_on_failure, 3);
    assert_int_equal(seen->txn->on_failure[2]->children->limit, 5);
    coord__v1__request__free_unpacked(seen, NULL);
    coord_txn_free(txn);
}

static void test_address_can_be_changed(void **state)
{
    struct client_op op = {.kind = CLIENT_OP_GET, .path = "/g"};
    struct client_request request = {.id = UINT64_MAX};
    (void)state;
    assert_int_equal(client_codec_request_encode(&request, &op, NULL, NULL), COORD_OK);
    address(&request, UINT32_MAX); /* the longest tail */
    request.id = 1;
    address(&request, 0);
    Coord__V1__Request *seen = coord__v1__request__unpack(NULL, request.bytes_count, request.bytes);
    assert_int_equal(seen->id, 1);
    assert_int_equal(seen->wait_ms, 0);
    coord__v1__request__free_unpacked(seen, NULL);
    client_free(request.bytes);
}

static void test_levels_that_make_no_sense(void **state)
{
    struct client_op op = {.kind = CLIENT_OP_GET, .path = "/g"};
    struct client_request request = {.id = 1};
    struct coord_error error;
    struct coord_call_options *call = coord_call_options_create();
    (void)state;
    coord_call_options_set_level(call, (enum coord_level)9);
    assert_int_equal(client_codec_request_encode(&request, &op, call, &error),
                     COORD_INVALID_ARGUMENT);
    coord_call_options_set_at_least(call, 0);
    assert_int_equal(client_codec_request_encode(&request, &op, call, &error),
                     COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "zxid"));
    coord_call_options_free(call);
}

/* ---- Replies ---- */

static struct client_bytes pack(const ProtobufCMessage *message)
{
    size_t count = protobuf_c_message_get_packed_size(message);
    uint8_t *data = client_malloc(count);
    assert_non_null(data);
    return (struct client_bytes){data, protobuf_c_message_pack(message, data)};
}

static struct client_bytes frame_of(Coord__V1__Reply *reply)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Item *items = &item;
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = reply;
    frame.items = &items;
    frame.n_items = 1;
    return pack(&frame.base);
}

/* Decodes a frame with that reply; released by the caller. */
static struct client_frame received(Coord__V1__Reply *reply)
{
    struct client_frame frame;
    struct client_bytes bytes = frame_of(reply);
    assert_int_equal(client_codec_frame_decode(bytes.data, bytes.count, &frame, NULL), COORD_OK);
    memset(bytes.data, 0xee, bytes.count); /* nothing may point into it */
    client_free(bytes.data);
    assert_int_equal(frame.items_count, 1);
    assert_int_equal(frame.items[0].kind, CLIENT_ITEM_REPLY);
    return frame;
}

static Coord__V1__Stat full_stat(void)
{
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    stat.czxid = 1;
    stat.mzxid = 2;
    stat.pzxid = 3;
    stat.ctime_ms = 4;
    stat.mtime_ms = 5;
    stat.version = 6;
    stat.cversion = 7;
    stat.aversion = 8;
    stat.ephemeral_owner = 9;
    stat.data_length = 10;
    stat.num_children = 11;
    stat.azxid = 12;
    stat.kind = COORD__V1__NODE_KIND__NODE_KIND_TTL;
    stat.ttl_ms = 13;
    return stat;
}

static void check_full_stat(const struct coord_node_stat *stat)
{
    assert_non_null(stat);
    assert_int_equal(stat->czxid, 1);
    assert_int_equal(stat->mzxid, 2);
    assert_int_equal(stat->pzxid, 3);
    assert_int_equal(stat->ctime_ms, 4);
    assert_int_equal(stat->mtime_ms, 5);
    assert_int_equal(stat->version, 6);
    assert_int_equal(stat->cversion, 7);
    assert_int_equal(stat->aversion, 8);
    assert_int_equal(stat->ephemeral_owner, 9);
    assert_int_equal(stat->data_length, 10);
    assert_int_equal(stat->num_children, 11);
    assert_int_equal(stat->azxid, 12);
    assert_int_equal(stat->kind, COORD_NODE_TTL);
    assert_int_equal(stat->ttl_ms, 13);
}

static void test_result_of_create(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__CreateResult create = COORD__V1__CREATE_RESULT__INIT;
    Coord__V1__Stat stat = full_stat();
    (void)state;
    create.path = bytes_of("/a0000000001");
    create.stat = &stat;
    create.created = true;
    reply.id = 5;
    reply.zxid = 99;
    reply.result_case = COORD__V1__REPLY__RESULT_CREATE;
    reply.create = &create;
    struct client_frame frame = received(&reply);
    const struct coord_result *result = frame.items[0].result;
    assert_int_equal(frame.items[0].id, 5);
    assert_int_equal(frame.items[0].code, COORD_OK);
    assert_int_equal(coord_result_zxid(result), 99);
    assert_string_equal(coord_result_path(result), "/a0000000001");
    assert_true(coord_result_created(result));
    check_full_stat(coord_result_stat(result));
    client_codec_frame_release(&frame);
}

static void test_result_of_get(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__GetResult get = COORD__V1__GET_RESULT__INIT;
    Coord__V1__Stat stat = full_stat();
    size_t count = 0;
    (void)state;
    get.data = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "a\0b"};
    get.stat = &stat;
    reply.result_case = COORD__V1__REPLY__RESULT_GET;
    reply.get = &get;
    struct client_frame frame = received(&reply);
    const char *data = coord_result_data(frame.items[0].result, &count);
    assert_int_equal(count, 3);
    assert_memory_equal(data, "a\0b", 4); /* with the NUL behind it */
    assert_true(coord_result_exists(frame.items[0].result));
    client_codec_frame_release(&frame);
}

static void test_result_of_exists(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__ExistsResult exists = COORD__V1__EXISTS_RESULT__INIT;
    (void)state;
    reply.result_case = COORD__V1__REPLY__RESULT_EXISTS;
    reply.exists = &exists;
    struct client_frame frame = received(&reply);
    assert_false(coord_result_exists(frame.items[0].result));
    assert_null(coord_result_stat(frame.items[0].result));
    client_codec_frame_release(&frame);
    exists.exists = true; /* but no stat */
    frame = received(&reply);
    assert_true(frame.items[0].malformed);
    assert_null(frame.items[0].result);
    client_codec_frame_release(&frame);
}

static void test_result_of_children(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__ChildrenResult children = COORD__V1__CHILDREN_RESULT__INIT;
    Coord__V1__Child one = COORD__V1__CHILD__INIT;
    Coord__V1__Child two = COORD__V1__CHILD__INIT;
    Coord__V1__Child *list[] = {&one, &two};
    Coord__V1__Stat stat = full_stat();
    size_t count = 0;
    (void)state;
    one.name = bytes_of("one");
    two.name = bytes_of("two");
    two.stat = &stat;
    two.data = bytes_of("data");
    children.children = list;
    children.n_children = 2;
    children.stat = &stat;
    children.cursor = bytes_of("c");
    reply.result_case = COORD__V1__REPLY__RESULT_CHILDREN;
    reply.children = &children;
    struct client_frame frame = received(&reply);
    const struct coord_result *result = frame.items[0].result;
    assert_int_equal(coord_result_children_count(result), 2);
    assert_string_equal(coord_result_child_name(result, 0), "one");
    assert_null(coord_result_child_stat(result, 0));
    assert_string_equal(coord_result_child_name(result, 1), "two");
    check_full_stat(coord_result_child_stat(result, 1));
    assert_memory_equal(coord_result_child_data(result, 1, &count), "data", 5);
    assert_int_equal(count, 4);
    assert_null(coord_result_child_name(result, 2));
    assert_null(coord_result_child_data(result, 2, &count));
    assert_true(coord_result_more(result));
    client_codec_frame_release(&frame);
}

static void test_result_of_txn(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__TxnResult txn = COORD__V1__TXN_RESULT__INIT;
    Coord__V1__TxnOpResult deleted = COORD__V1__TXN_OP_RESULT__INIT;
    Coord__V1__TxnOpResult checked = COORD__V1__TXN_OP_RESULT__INIT;
    Coord__V1__TxnOpResult *list[] = {&deleted, &checked};
    Coord__V1__DeleteResult delete = COORD__V1__DELETE_RESULT__INIT;
    Coord__V1__CheckResult check = COORD__V1__CHECK_RESULT__INIT;
    Coord__V1__Stat stat = full_stat();
    (void)state;
    delete.deleted = 4;
    deleted.result_case = COORD__V1__TXN_OP_RESULT__RESULT_DELETE;
    deleted.delete_ = &delete;
    check.stat = &stat;
    checked.result_case = COORD__V1__TXN_OP_RESULT__RESULT_CHECK;
    checked.check = &check;
    txn.succeeded = true;
    txn.results = list;
    txn.n_results = 2;
    reply.zxid = 50;
    reply.result_case = COORD__V1__REPLY__RESULT_TXN;
    reply.txn = &txn;
    struct client_frame frame = received(&reply);
    const struct coord_result *result = frame.items[0].result;
    assert_true(coord_result_succeeded(result));
    assert_int_equal(coord_result_results_count(result), 2);
    assert_int_equal(coord_result_deleted(coord_result_at(result, 0)), 4);
    assert_int_equal(coord_result_zxid(coord_result_at(result, 1)), 50);
    check_full_stat(coord_result_stat(coord_result_at(result, 1)));
    assert_null(coord_result_at(result, 2));
    client_codec_frame_release(&frame);
}

static void test_refusals(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__TxnResult txn = COORD__V1__TXN_RESULT__INIT;
    (void)state;
    reply.code = COORD__V1__CODE__CODE_COMPARE_FAILED;
    reply.message = bytes_of("no");
    txn.failed_index = 3;
    reply.result_case = COORD__V1__REPLY__RESULT_TXN;
    reply.txn = &txn;
    struct client_frame frame = received(&reply);
    assert_int_equal(frame.items[0].code, COORD_COMPARE_FAILED);
    assert_string_equal(frame.items[0].message, "no");
    assert_int_equal(frame.items[0].failed_index, 3);
    assert_null(frame.items[0].result);
    client_codec_frame_release(&frame);
    static const int unknown[] = {31, 99, 100, 111, 120, 1 << 30, -1};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        reply.code = (Coord__V1__Code)unknown[i];
        frame = received(&reply);
        assert_int_equal(frame.items[0].code, COORD_UNRECOGNIZED);
        client_codec_frame_release(&frame);
    }
}

static void test_items_in_order_and_unknown_ones(void **state)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item items[4];
    Coord__V1__Item *list[4];
    Coord__V1__Reply replies[2] = {COORD__V1__REPLY__INIT, COORD__V1__REPLY__INIT};
    Coord__V1__Bookmark bookmark = COORD__V1__BOOKMARK__INIT;
    struct client_frame got;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        items[i] = (Coord__V1__Item)COORD__V1__ITEM__INIT;
        list[i] = &items[i];
    }
    replies[0].id = 2;
    replies[1].id = 1;
    items[0].item_case = COORD__V1__ITEM__ITEM_REPLY;
    items[0].reply = &replies[0];
    items[1].item_case = COORD__V1__ITEM__ITEM_BOOKMARK;
    items[1].bookmark = &bookmark;
    bookmark.zxid = 44;
    items[3].item_case = COORD__V1__ITEM__ITEM_REPLY; /* items[2] is empty */
    items[3].reply = &replies[1];
    frame.items = list;
    frame.n_items = 4;
    struct client_bytes bytes = pack(&frame.base);
    assert_int_equal(client_codec_frame_decode(bytes.data, bytes.count, &got, NULL), COORD_OK);
    assert_int_equal(got.items_count, 3);
    assert_int_equal(got.items[0].id, 2);
    assert_int_equal(got.items[1].kind, CLIENT_ITEM_BOOKMARK);
    assert_int_equal(got.items[1].zxid, 44);
    assert_int_equal(got.items[2].id, 1);
    assert_null(got.welcome);
    client_codec_frame_release(&got);
    client_free(bytes.data);
}

static void test_welcome(void **state)
{
    Coord__V1__ServerFrame frame = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome welcome = COORD__V1__WELCOME__INIT;
    Coord__V1__Limits limits = COORD__V1__LIMITS__INIT;
    struct client_frame got;
    struct coord_error error;
    (void)state;
    welcome.cluster_id = bytes_of("0123456789abcdef");
    welcome.generation = 3;
    limits.frame_bytes = 1 << 20;
    limits.frame_requests = 99;
    welcome.limits = &limits;
    frame.welcome = &welcome;
    struct client_bytes bytes = pack(&frame.base);
    assert_int_equal(client_codec_frame_decode(bytes.data, bytes.count, &got, NULL), COORD_OK);
    assert_true(got.welcome->has_cluster);
    assert_memory_equal(got.welcome->cluster_id, "0123456789abcdef", 16);
    assert_int_equal(got.welcome->generation, 3);
    assert_int_equal(got.welcome->limits.frame_bytes, 1 << 20);
    assert_int_equal(got.welcome->limits.frame_requests, 99);
    client_codec_frame_release(&got);
    client_free(bytes.data);
    welcome.cluster_id = bytes_of("short");
    bytes = pack(&frame.base);
    assert_int_equal(client_codec_frame_decode(bytes.data, bytes.count, &got, &error),
                     COORD_MALFORMED);
    assert_non_null(strstr(error.message, "5 bytes"));
    client_free(bytes.data);
}

/* ---- Bytes that mean harm ---- */

static void test_names_with_nul_or_empty(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__ChildrenResult children = COORD__V1__CHILDREN_RESULT__INIT;
    Coord__V1__Child child = COORD__V1__CHILD__INIT;
    Coord__V1__Child *list = &child;
    Coord__V1__Stat stat = full_stat();
    (void)state;
    children.children = &list;
    children.n_children = 1;
    children.stat = &stat;
    reply.result_case = COORD__V1__REPLY__RESULT_CHILDREN;
    reply.children = &children;
    struct client_frame frame = received(&reply); /* an empty name */
    assert_true(frame.items[0].malformed);
    client_codec_frame_release(&frame);
    child.name = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "a\0b"};
    frame = received(&reply);
    assert_true(frame.items[0].malformed);
    client_codec_frame_release(&frame);
}

static void test_results_that_were_not_asked_for(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__SetQuotaResult quota = COORD__V1__SET_QUOTA_RESULT__INIT;
    (void)state;
    reply.result_case = COORD__V1__REPLY__RESULT_SET_QUOTA;
    reply.set_quota = &quota;
    struct client_frame frame = received(&reply);
    assert_true(frame.items[0].malformed);
    client_codec_frame_release(&frame);
}

/* A frame with something of everything. */
static struct client_bytes rich_frame(void)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__ChildrenResult children = COORD__V1__CHILDREN_RESULT__INIT;
    Coord__V1__Child child = COORD__V1__CHILD__INIT;
    Coord__V1__Child *list[] = {&child, &child, &child};
    Coord__V1__Stat stat = full_stat();
    child.name = bytes_of("child");
    child.stat = &stat;
    child.data = bytes_of("some data");
    children.children = list;
    children.n_children = 3;
    children.stat = &stat;
    children.cursor = bytes_of("cursor");
    reply.id = 300;
    reply.message = bytes_of("a sentence");
    reply.result_case = COORD__V1__REPLY__RESULT_CHILDREN;
    reply.children = &children;
    return frame_of(&reply);
}

/* Decodes a copy of exactly that size, so that a sanitizer sees every byte read beyond it. */
static void decode_whatever(const uint8_t *bytes, size_t count)
{
    struct client_frame frame;
    struct coord_error error;
    uint8_t *copy = client_malloc(count);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    enum coord_code code = client_codec_frame_decode(copy, count, &frame, &error);
    if (code == COORD_OK) {
        client_codec_frame_release(&frame);
    } else {
        assert_int_equal(code, COORD_MALFORMED);
        assert_int_equal(error.code, COORD_MALFORMED);
    }
    client_free(copy);
}

static void test_cut_frames(void **state)
{
    struct client_bytes whole = rich_frame();
    (void)state;
    for (size_t count = 0; count <= whole.count; count++) {
        decode_whatever(whole.data, count);
    }
    client_free(whole.data);
}

static void test_damaged_frames(void **state)
{
    struct client_bytes whole = rich_frame();
    struct cd_prng prng;
    (void)state;
    cd_prng_init(&prng, 1);
    for (int i = 0; i < 20000; i++) {
        size_t at = (size_t)cd_prng_below(&prng, whole.count);
        uint8_t before = whole.data[at];
        whole.data[at] = (uint8_t)cd_prng_next(&prng);
        decode_whatever(whole.data, whole.count);
        whole.data[at] = before;
    }
    client_free(whole.data);
}

/* Two bytes a child: what they unpack to is bounded, and the frame refused. */
static void test_a_frame_that_grows_in_memory(void **state)
{
    enum { COUNT = 8 << 20 };
    uint8_t head[] = {0x12, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0x7a, 0, 0, 0, 0};
    size_t lengths[] = {2 * COUNT + 10, 2 * COUNT + 5, 2 * COUNT};
    uint8_t *bytes = client_calloc(1, sizeof(head) + 2 * COUNT);
    struct client_frame frame;
    struct coord_error error;
    (void)state;
    for (size_t i = 0; i < 3; i++) { /* items, reply, children (15) with their lengths */
        for (size_t j = 0; j < 4; j++) {
            uint8_t more = j < 3 ? 0x80 : 0;
            head[i * 5 + 1 + j] = (uint8_t)(((lengths[i] >> (7 * j)) & 0x7f) | more);
        }
    }
    memcpy(bytes, head, sizeof(head));
    for (size_t i = 0; i < COUNT; i++) {
        bytes[sizeof(head) + 2 * i] = 0x0a;
    }
    assert_int_equal(client_codec_frame_decode(bytes, sizeof(head) + 2 * COUNT, &frame, &error),
                     COORD_NO_MEMORY);
    client_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_set_and_delete),
        cmocka_unit_test(test_reads_and_their_levels),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_txn),
        cmocka_unit_test(test_address_can_be_changed),
        cmocka_unit_test(test_levels_that_make_no_sense),
        cmocka_unit_test(test_result_of_create),
        cmocka_unit_test(test_result_of_get),
        cmocka_unit_test(test_result_of_exists),
        cmocka_unit_test(test_result_of_children),
        cmocka_unit_test(test_result_of_txn),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_items_in_order_and_unknown_ones),
        cmocka_unit_test(test_welcome),
        cmocka_unit_test(test_names_with_nul_or_empty),
        cmocka_unit_test(test_results_that_were_not_asked_for),
        cmocka_unit_test(test_cut_frames),
        cmocka_unit_test(test_damaged_frames),
        cmocka_unit_test(test_a_frame_that_grows_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
