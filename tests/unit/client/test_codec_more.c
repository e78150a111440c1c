#include "src/codec.h"
#include "src/result.h"
#include "src/watch.h"

#include "coord/v1/coord.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: as in test_codec.c, for what sessions and watches need, and the operations that came with
 * them. Method: the generated code plays the replica.
 */

static bool is_text(ProtobufCBinaryData data, const char *text)
{
    return data.len == strlen(text) && memcmp(data.data, text, data.len) == 0;
}

static ProtobufCBinaryData text(const char *from)
{
    return (ProtobufCBinaryData){strlen(from), (uint8_t *)(uintptr_t)from};
}

/* What a replica sees of `op`. */
static Coord__V1__Request *sent(const struct client_op *op, const struct coord_call_options *call,
                                bool is_write)
{
    struct client_request request = {.id = 1};
    struct client_address to = {
        .id = 7, .seq = is_write ? UINT64_MAX : 0, .after_seq = is_write ? 0 : 300, .wait_ms = 5};
    assert_int_equal(client_op_check(op, NULL), COORD_OK);
    assert_int_equal(client_codec_request_encode(&request, op, call, NULL), COORD_OK);
    assert_true(request.is_write == is_write);
    to.level = request.level;
    to.at_least_zxid = request.at_least_zxid;
    size_t count = client_codec_address(request.bytes, request.tail_offset, &to);
    Coord__V1__Request *seen = coord__v1__request__unpack(NULL, count, request.bytes);
    assert_non_null(seen);
    assert_int_equal(seen->id, 7);
    assert_int_equal(seen->seq, to.seq);
    assert_int_equal(seen->after_seq, to.after_seq);
    client_free(request.bytes);
    return seen;
}

/* ---- Requests ---- */

static void test_nodes_of_every_kind(void **state)
{
    struct coord_acl *acl = coord_acl_create();
    struct client_op op = {.kind = CLIENT_OP_CREATE, .path = "/a", .flags = COORD_CREATE_EPHEMERAL};
    (void)state;
    Coord__V1__Request *seen = sent(&op, NULL, true);
    assert_int_equal(seen->create->kind, COORD__V1__NODE_KIND__NODE_KIND_EPHEMERAL);
    assert_null(seen->create->acl);
    coord__v1__request__free_unpacked(seen, NULL);
    op.flags = COORD_CREATE_CONTAINER | COORD_CREATE_PARENTS | COORD_CREATE_CONTAINER_PARENTS;
    coord_acl_add(acl, COORD_MAY_READ | COORD_MAY_ADMIN, "dns", "host");
    coord_acl_add(acl, COORD_MAY_WRITE, "anyone", NULL);
    op.acl = acl;
    seen = sent(&op, NULL, true);
    assert_int_equal(seen->create->kind, COORD__V1__NODE_KIND__NODE_KIND_CONTAINER);
    assert_int_equal(seen->create->parents_kind, COORD__V1__NODE_KIND__NODE_KIND_CONTAINER);
    assert_int_equal(seen->create->acl->n_entries, 2);
    assert_int_equal(seen->create->acl->entries[0]->permissions, 17);
    assert_true(is_text(seen->create->acl->entries[0]->scheme, "dns"));
    assert_true(is_text(seen->create->acl->entries[0]->id, "host"));
    assert_true(is_text(seen->create->acl->entries[1]->scheme, "anyone"));
    coord__v1__request__free_unpacked(seen, NULL);
    op = (struct client_op){.kind = CLIENT_OP_CREATE, .path = "/a", .ttl_ms = 99};
    seen = sent(&op, NULL, true);
    assert_int_equal(seen->create->kind, COORD__V1__NODE_KIND__NODE_KIND_TTL);
    assert_int_equal(seen->create->ttl_ms, 99);
    coord__v1__request__free_unpacked(seen, NULL);
    op.flags = COORD_CREATE_EPHEMERAL;
    assert_int_equal(client_op_check(&op, NULL), COORD_INVALID_ARGUMENT); /* two kinds */
    coord_acl_free(acl);
}

static void test_mistakes_in_an_acl(void **state)
{
    struct coord_error error;
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct coord_acl *acl = coord_acl_create();
        const struct client_op op = {
            .kind = CLIENT_OP_SET_ACL, .path = "/a", .acl = acl, .version = COORD_ANY_VERSION};
        coord_acl_add(acl, i == 0 ? 0 : i == 1 ? 32 : 1, i == 2 ? NULL : "cn", "x");
        coord_acl_add(acl, 1, "cn", "fine");
        assert_int_equal(client_op_check(&op, &error), COORD_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "ACL"));
        coord_acl_free(acl);
    }
}

static void test_writes(void **state)
{
    struct client_op op = {.kind = CLIENT_OP_INCREMENT,
                           .path = "/n",
                           .delta = -3,
                           .version = 4,
                           .flags = COORD_INCREMENT_CREATE};
    static const char *const prefixes[] = {"w-", "x-"};
    struct coord_call_options *call = coord_call_options_create();
    (void)state;
    char path[] = "/lock/w-1";
    assert_int_equal(coord_call_options_set_if_held(call, path, 77, 2, prefixes, 2, NULL),
                     COORD_OK);
    path[1] = 'X'; /* it was copied */
    Coord__V1__Request *seen = sent(&op, call, true);
    assert_int_equal(seen->increment->delta, -3);
    assert_int_equal(seen->increment->if_version->value, 4);
    assert_true(seen->increment->create);
    assert_true(is_text(seen->if_held->path, "/lock/w-1"));
    assert_int_equal(seen->if_held->fence, 77);
    assert_int_equal(seen->if_held->n, 2);
    assert_int_equal(seen->if_held->n_prefixes, 2);
    assert_true(is_text(seen->if_held->prefixes[1], "x-"));
    coord__v1__request__free_unpacked(seen, NULL);
    assert_int_equal(coord_call_options_set_if_held(call, NULL, 0, 0, NULL, 0, NULL), COORD_OK);
    op = (struct client_op){.kind = CLIENT_OP_SET_ACL, .path = "/n", .version = COORD_ANY_VERSION};
    seen = sent(&op, call, true);
    assert_null(seen->if_held);
    assert_null(seen->set_acl->acl);
    assert_null(seen->set_acl->if_aversion);
    coord__v1__request__free_unpacked(seen, NULL);
    seen = sent(&(struct client_op){.kind = CLIENT_OP_FORGET, .path = "", .seq = 9}, NULL, true);
    assert_int_equal(seen->forget->reply_mark, 9);
    coord__v1__request__free_unpacked(seen, NULL);
    seen = sent(&(struct client_op){.kind = CLIENT_OP_CLOSE}, NULL, true);
    assert_int_equal(seen->op_case, COORD__V1__REQUEST__OP_CLOSE);
    coord__v1__request__free_unpacked(seen, NULL);
    assert_int_equal(coord_call_options_set_if_held(call, "/a", 1, 1, NULL, 1, NULL),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(
        coord_call_options_set_if_held(call, "/a", 1, 1, prefixes, COORD_PREFIXES_MAX + 1, NULL),
        COORD_TOO_MANY);
    coord_call_options_free(call);
}

static void test_reads(void **state)
{
    const uint8_t secret[CLIENT_SECRET_BYTES] = {1, 2};
    struct client_op op = {.kind = CLIENT_OP_LIST,
                           .path = "/l",
                           .flags = COORD_LIST_WITH_DATA,
                           .depth = 3,
                           .limit = 50,
                           .cursor = "cur",
                           .cursor_bytes = 3};
    (void)state;
    Coord__V1__Request *seen = sent(&op, NULL, false);
    assert_true(is_text(seen->list->path, "/l") && is_text(seen->list->cursor, "cur"));
    assert_true(seen->list->with_data && !seen->list->with_stat);
    assert_int_equal(seen->list->depth, 3);
    assert_int_equal(seen->list->limit, 50);
    coord__v1__request__free_unpacked(seen, NULL);
    op = (struct client_op){.kind = CLIENT_OP_CHANGED_SINCE,
                            .path = "/c",
                            .zxid = 88,
                            .flags = COORD_CHANGED_WITH_DATA};
    seen = sent(&op, NULL, false);
    assert_int_equal(seen->changed_since->zxid, 88);
    assert_true(seen->changed_since->with_data);
    coord__v1__request__free_unpacked(seen, NULL);
    op = (struct client_op){.kind = CLIENT_OP_EPHEMERALS, .path = "/e", .session = 6};
    seen = sent(&op, NULL, false);
    assert_int_equal(seen->ephemerals->session_id, 6);
    coord__v1__request__free_unpacked(seen, NULL);
    op = (struct client_op){
        .kind = CLIENT_OP_OUTCOME_OF, .path = "", .session = 6, .secret = secret, .seq = 2};
    seen = sent(&op, NULL, false);
    assert_int_equal(seen->outcome_of->secret.len, CLIENT_SECRET_BYTES);
    assert_memory_equal(seen->outcome_of->secret.data, secret, CLIENT_SECRET_BYTES);
    assert_int_equal(seen->outcome_of->seq, 2);
    coord__v1__request__free_unpacked(seen, NULL);
    static const struct {
        enum client_op_kind kind;
        Coord__V1__Request__OpCase seen;
    } plain[] = {{CLIENT_OP_COUNT, COORD__V1__REQUEST__OP_COUNT},
                 {CLIENT_OP_GET_ACL, COORD__V1__REQUEST__OP_GET_ACL},
                 {CLIENT_OP_SYNC, COORD__V1__REQUEST__OP_SYNC},
                 {CLIENT_OP_WHO_AM_I, COORD__V1__REQUEST__OP_WHO_AM_I}};
    for (size_t i = 0; i < 4; i++) {
        seen = sent(&(struct client_op){.kind = plain[i].kind, .path = "/p"}, NULL, false);
        assert_int_equal(seen->op_case, plain[i].seen);
        coord__v1__request__free_unpacked(seen, NULL);
    }
}

static void test_transactions(void **state)
{
    static const char *const prefixes[] = {"w-"};
    struct coord_txn *txn = coord_txn_create();
    struct coord_acl *acl = coord_acl_create();
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    (void)state;
    coord_acl_add(acl, COORD_MAY_READ, "role", "ops");
    coord_txn_compare(txn, "/a", COORD_IF_OWNER, COORD_NOT_EQUAL, 12);
    coord_txn_compare_held(txn, "/q/w-1", COORD_EQUAL, 5, 1, prefixes, 1);
    coord_txn_add_create_with(txn, COORD_THEN, "/t", NULL, 0, 0, 60000, acl);
    coord_txn_add_increment(txn, COORD_THEN, "/n", 2, COORD_ANY_VERSION, 0);
    coord_txn_add_set_acl(txn, COORD_ELSE, "/t", acl, 1);
    coord_acl_free(acl); /* it was copied */
    Coord__V1__Request *seen = sent(&op, NULL, true);
    assert_int_equal(seen->txn->compares[0]->owner, 12);
    assert_int_equal(seen->txn->compares[1]->target_case, COORD__V1__COMPARE__TARGET_HELD);
    assert_true(is_text(seen->txn->compares[1]->held->path, "/q/w-1"));
    assert_true(is_text(seen->txn->compares[1]->held->prefixes[0], "w-"));
    assert_int_equal(seen->txn->compares[1]->path.len, 0);
    assert_int_equal(seen->txn->on_success[0]->create->ttl_ms, 60000);
    assert_true(is_text(seen->txn->on_success[0]->create->acl->entries[0]->id, "ops"));
    assert_int_equal(seen->txn->on_success[1]->increment->delta, 2);
    assert_int_equal(seen->txn->on_failure[0]->set_acl->if_aversion->value, 1);
    coord__v1__request__free_unpacked(seen, NULL);
    coord_txn_free(txn);
}

static void test_hellos_and_marks(void **state)
{
    const uint8_t secret[CLIENT_SECRET_BYTES] = {1};
    const uint8_t hash[CLIENT_SECRET_HASH_BYTES] = {2};
    struct client_hello hello = {.client = "x", .secret_hash = hash, .timeout_ms = 40};
    struct client_frame_out frame = {
        .number = 3, .hello = &hello, .reply_mark = 8, .rearm_done = true};
    struct client_bytes bytes;
    (void)state;
    assert_int_equal(client_codec_frame_encode(&frame, &bytes), COORD_OK);
    Coord__V1__ClientFrame *seen = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_int_equal(seen->number, 3);
    assert_int_equal(seen->reply_mark, 8);
    assert_true(seen->rearm_done);
    assert_int_equal(seen->hello->open->secret_hash.len, CLIENT_SECRET_HASH_BYTES);
    assert_int_equal(seen->hello->open->timeout_ms, 40);
    coord__v1__client_frame__free_unpacked(seen, NULL);
    client_free(bytes.data);
    hello = (struct client_hello){.client = "x", .session_id = 9, .attach = 4, .secret = secret};
    assert_int_equal(client_codec_frame_encode(&frame, &bytes), COORD_OK);
    seen = coord__v1__client_frame__unpack(NULL, bytes.count, bytes.data);
    assert_int_equal(seen->hello->resume->session_id, 9);
    assert_int_equal(seen->hello->resume->attach, 4);
    assert_memory_equal(seen->hello->resume->secret.data, secret, CLIENT_SECRET_BYTES);
    coord__v1__client_frame__free_unpacked(seen, NULL);
    client_free(bytes.data);
}

static Coord__V1__Request *watch_sent(const struct client_watch *watch)
{
    const struct client_address to = {.id = 3};
    struct client_bytes bytes;
    assert_int_equal(client_codec_watch_encode(watch, &to, &bytes), COORD_OK);
    Coord__V1__Request *seen = coord__v1__request__unpack(NULL, bytes.count, bytes.data);
    assert_non_null(seen);
    assert_int_equal(seen->id, 3);
    client_free(bytes.data);
    return seen;
}

static void test_watches(void **state)
{
    static const char *const prefixes[] = {"a-", "b-"};
    struct client_watch tree = {
        .spec = {.path = "/w",
                 .scope = COORD_WATCH_CHILDREN,
                 .kinds = 1u << COORD_EVENT_DELETED | 1u << COORD_EVENT_ACL_CHANGED,
                 .flags = COORD_WATCH_WITH_PREVIOUS | COORD_WATCH_READ_CHILDREN},
        .id = 11,
        .resume_zxid = 40};
    struct client_watch queue = {.spec = {.queue_front = true,
                                          .n = 2,
                                          .prefixes = prefixes,
                                          .prefixes_count = 2,
                                          .op_index = 1},
                                 .id = 12,
                                 .created_seq = 6};
    (void)state;
    Coord__V1__Request *seen = watch_sent(&tree);
    assert_int_equal(seen->watch->watch_id, 11);
    assert_int_equal(seen->watch->after_zxid, 40);
    assert_int_equal(seen->level, COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE);
    assert_int_equal(seen->watch->tree->scope, COORD__V1__WATCH_SCOPE__WATCH_SCOPE_CHILDREN);
    assert_int_equal(seen->watch->tree->n_kinds, 2);
    assert_int_equal(seen->watch->tree->kinds[0], 2);
    assert_int_equal(seen->watch->tree->kinds[1], 4);
    assert_true(seen->watch->tree->with_previous && seen->watch->tree->read_children);
    assert_false(seen->watch->tree->with_data || seen->watch->tree->read_node);
    coord__v1__request__free_unpacked(seen, NULL);
    tree.told_set = true; /* what was read once is not read again */
    seen = watch_sent(&tree);
    assert_false(seen->watch->tree->read_children);
    assert_int_equal(seen->level, COORD__V1__READ_LEVEL__READ_LEVEL_SESSION);
    coord__v1__request__free_unpacked(seen, NULL);
    seen = watch_sent(&queue);
    assert_int_equal(seen->watch->queue_front->created->seq, 6);
    assert_int_equal(seen->watch->queue_front->created->op_index, 1);
    assert_int_equal(seen->watch->queue_front->n, 2);
    assert_true(is_text(seen->watch->queue_front->prefixes[1], "b-"));
    coord__v1__request__free_unpacked(seen, NULL);
    char path[] = "/q/a-1";
    queue.created_path = path;
    seen = watch_sent(&queue);
    assert_true(is_text(seen->watch->queue_front->path, "/q/a-1"));
    coord__v1__request__free_unpacked(seen, NULL);
}

/* ---- What comes in ---- */

static struct client_frame got(Coord__V1__Item *item)
{
    Coord__V1__ServerFrame message = COORD__V1__SERVER_FRAME__INIT;
    struct client_frame frame;
    message.items = &item;
    message.n_items = 1;
    message.confirmed = 4;
    message.complete_to = 5;
    message.more = true;
    size_t count = protobuf_c_message_get_packed_size(&message.base);
    uint8_t *bytes = client_malloc(count);
    (void)protobuf_c_message_pack(&message.base, bytes);
    assert_int_equal(client_codec_frame_decode(bytes, count, &frame, NULL), COORD_OK);
    memset(bytes, 0xee, count);
    client_free(bytes);
    assert_int_equal(frame.confirmed, 4);
    assert_int_equal(frame.complete_to, 5);
    assert_true(frame.more);
    assert_int_equal(frame.items_count, 1);
    return frame;
}

static struct client_frame replied(Coord__V1__Reply *reply)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = reply;
    return got(&item);
}

static void test_results(void **state)
{
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__IncrementResult increment = COORD__V1__INCREMENT_RESULT__INIT;
    Coord__V1__CountResult count = COORD__V1__COUNT_RESULT__INIT;
    Coord__V1__WhoAmIResult who = COORD__V1__WHO_AM_IRESULT__INIT;
    ProtobufCBinaryData role = text("ops");
    (void)state;
    increment.value = -5;
    increment.stat = &stat;
    reply.result_case = COORD__V1__REPLY__RESULT_INCREMENT;
    reply.increment = &increment;
    struct client_frame frame = replied(&reply);
    assert_int_equal(coord_result_value(frame.items[0].result), -5);
    assert_int_equal(coord_result_count(frame.items[0].result), 0);
    client_codec_frame_release(&frame);
    count.nodes = 12;
    reply.result_case = COORD__V1__REPLY__RESULT_COUNT;
    reply.count = &count;
    frame = replied(&reply);
    assert_int_equal(coord_result_count(frame.items[0].result), 12);
    client_codec_frame_release(&frame);
    who.scheme = text("dns");
    who.identity = text("host");
    who.session_id = 6;
    who.roles = &role;
    who.n_roles = 1;
    reply.result_case = COORD__V1__REPLY__RESULT_WHO_AM_I;
    reply.who_am_i = &who;
    frame = replied(&reply);
    assert_string_equal(coord_result_scheme(frame.items[0].result), "dns");
    assert_string_equal(coord_result_identity(frame.items[0].result), "host");
    assert_string_equal(coord_result_role(frame.items[0].result, 0), "ops");
    assert_null(coord_result_role(frame.items[0].result, 1));
    assert_int_equal(coord_result_session(frame.items[0].result), 6);
    client_codec_frame_release(&frame);
}

static void test_lists(void **state)
{
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__ListResult list = COORD__V1__LIST_RESULT__INIT;
    Coord__V1__Node node = COORD__V1__NODE__INIT;
    Coord__V1__Node *nodes = &node;
    Coord__V1__ChangedSinceResult changed = COORD__V1__CHANGED_SINCE_RESULT__INIT;
    Coord__V1__ChangedNode change = COORD__V1__CHANGED_NODE__INIT;
    Coord__V1__ChangedNode *changes = &change;
    ProtobufCBinaryData names[] = {text("a"), text("b")};
    size_t bytes = 0;
    (void)state;
    node.path = text("/l/x");
    node.data = text("data");
    list.nodes = &nodes;
    list.n_nodes = 1;
    list.cursor = text("c");
    reply.result_case = COORD__V1__REPLY__RESULT_LIST;
    reply.list = &list;
    struct client_frame frame = replied(&reply);
    const struct coord_result *result = frame.items[0].result;
    assert_int_equal(coord_result_nodes_count(result), 1);
    assert_string_equal(coord_result_node_path(result, 0), "/l/x");
    assert_null(coord_result_node_stat(result, 0));
    assert_memory_equal(coord_result_node_data(result, 0, &bytes), "data", 5);
    assert_int_equal(bytes, 4);
    assert_null(coord_result_node_path(result, 1));
    assert_true(coord_result_more(result));
    client_codec_frame_release(&frame);
    change.path = text("/c");
    change.stat = &stat;
    change.children_changed = true;
    change.child_names = names;
    change.n_child_names = 2;
    changed.nodes = &changes;
    changed.n_nodes = 1;
    changed.zxid = 99;
    reply.result_case = COORD__V1__REPLY__RESULT_CHANGED_SINCE;
    reply.changed_since = &changed;
    frame = replied(&reply);
    result = frame.items[0].result;
    assert_int_equal(coord_result_zxid(result), 99);
    assert_int_equal(coord_result_changes_count(result), 1);
    assert_string_equal(coord_result_change(result, 0)->child_names[1], "b");
    assert_true(coord_result_change(result, 0)->children_changed);
    assert_null(coord_result_change(result, 1));
    client_codec_frame_release(&frame);
    names[0] = text(""); /* a name that is none */
    frame = replied(&reply);
    assert_true(frame.items[0].malformed);
    client_codec_frame_release(&frame);
}

static void test_acls(void **state)
{
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__GetAclResult result = COORD__V1__GET_ACL_RESULT__INIT;
    Coord__V1__Acl acl = COORD__V1__ACL__INIT;
    Coord__V1__AclEntry entry = COORD__V1__ACL_ENTRY__INIT;
    Coord__V1__AclEntry *entries = &entry;
    (void)state;
    entry.permissions = 3;
    entry.scheme = text("anyone");
    acl.entries = &entries;
    acl.n_entries = 1;
    result.acl = &acl;
    result.origin_path = text("/");
    result.stat = &stat;
    reply.result_case = COORD__V1__REPLY__RESULT_GET_ACL;
    reply.get_acl = &result;
    struct client_frame frame = replied(&reply);
    assert_int_equal(coord_result_acl_count(frame.items[0].result), 1);
    assert_string_equal(coord_result_acl_entry(frame.items[0].result, 0)->scheme, "anyone");
    assert_string_equal(coord_result_acl_entry(frame.items[0].result, 0)->id, "");
    assert_string_equal(coord_result_acl_origin(frame.items[0].result), "/");
    client_codec_frame_release(&frame);
}

static void test_outcomes(void **state)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    Coord__V1__OutcomeOfResult outcome = COORD__V1__OUTCOME_OF_RESULT__INIT;
    Coord__V1__DeleteResult deleted = COORD__V1__DELETE_RESULT__INIT;
    (void)state;
    deleted.deleted = 3;
    outcome.zxid = 44;
    outcome.result_case = COORD__V1__OUTCOME_OF_RESULT__RESULT_DELETE;
    outcome.delete_ = &deleted;
    reply.result_case = COORD__V1__REPLY__RESULT_OUTCOME_OF;
    reply.outcome_of = &outcome;
    struct client_frame frame = replied(&reply);
    assert_non_null(frame.items[0].outcome);
    assert_int_equal(coord_result_deleted(frame.items[0].outcome->result), 3);
    assert_int_equal(coord_result_zxid(frame.items[0].outcome->result), 44);
    client_codec_frame_release(&frame);
}

static void test_events(void **state)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    Coord__V1__Stat stat = COORD__V1__STAT__INIT;
    uint64_t ids[] = {4, 9};
    struct client_frame frame;
    (void)state;
    stat.version = 2;
    event.zxid = 70;
    event.kind = COORD__V1__EVENT_KIND__EVENT_KIND_DELETED;
    event.path = text("/x");
    event.stat = &stat;
    event.previous_data = text("old");
    event.watch_ids = ids;
    event.n_watch_ids = 2;
    item.item_case = COORD__V1__ITEM__ITEM_EVENT;
    item.event = &event;
    frame = got(&item);
    const struct client_item *one = &frame.items[0];
    assert_int_equal(one->kind, CLIENT_ITEM_EVENT);
    assert_int_equal(one->zxid, 70);
    assert_string_equal(one->event.path, "/x");
    assert_int_equal(one->event.stat->version, 2);
    assert_int_equal(one->event.data_bytes, 0);
    assert_memory_equal(one->event.previous, "old", 4);
    assert_int_equal(one->watch_ids_count, 2);
    assert_int_equal(one->watch_ids[1], 9);
    client_codec_frame_release(&frame);
    event.path = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "/\0x"}; /* nonsense */
    Coord__V1__ServerFrame message = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item *items = &item;
    message.items = &items;
    message.n_items = 1;
    uint8_t bytes[200];
    size_t count = protobuf_c_message_pack(&message.base, bytes);
    assert_int_equal(client_codec_frame_decode(bytes, count, &frame, NULL), COORD_MALFORMED);
}

static void test_pages_of_sessions(void **state)
{
    Coord__V1__SessionsResponse message = COORD__V1__SESSIONS_RESPONSE__INIT;
    Coord__V1__SessionInfo info = COORD__V1__SESSION_INFO__INIT;
    Coord__V1__SessionInfo *list = &info;
    struct coord_sessions *sessions = NULL;
    struct client_bytes again;
    uint8_t bytes[200];
    (void)state;
    info.session_id = 8;
    info.identity = text("dns:host");
    info.ephemerals = 3;
    message.sessions = &list;
    message.n_sessions = 1;
    message.cursor = text("next");
    size_t count = protobuf_c_message_pack(&message.base, bytes);
    assert_int_equal(client_codec_sessions_decode(bytes, count, &sessions, NULL), COORD_OK);
    assert_int_equal(sessions->sessions_count, 1);
    assert_true(sessions->more);
    assert_string_equal(sessions->sessions[0]->identity, "dns:host");
    assert_int_equal(sessions->sessions[0]->ephemerals, 3);
    assert_int_equal(client_codec_sessions_encode(0, 10, sessions, &again), COORD_OK);
    Coord__V1__SessionsRequest *request =
        coord__v1__sessions_request__unpack(NULL, again.count, again.data);
    assert_true(is_text(request->cursor, "next"));
    assert_int_equal(request->limit, 10);
    coord__v1__sessions_request__free_unpacked(request, NULL);
    client_free(again.data);
    coord_sessions_free(sessions);
    coord_sessions_free(NULL);
    message.code = COORD__V1__CODE__CODE_NO_LEADER;
    count = protobuf_c_message_pack(&message.base, bytes);
    assert_int_equal(client_codec_sessions_decode(bytes, count, &sessions, NULL), COORD_NO_LEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_of_every_kind),
        cmocka_unit_test(test_mistakes_in_an_acl),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_hellos_and_marks),
        cmocka_unit_test(test_watches),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_acls),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_pages_of_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
