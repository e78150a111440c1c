#include "support.h"

/* Goal: what a client is told of a read is what fsm found. */

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
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__Reply *get = frame->items[0]->reply;
    assert_int_equal(get->zxid, 9);
    assert_true(is_text(get->get->data, "hello"));
    assert_int_equal(get->get->stat->mzxid, some_stat.mzxid);
    assert_true(frame->items[1]->reply->exists->exists);
    assert_int_equal(frame->items[1]->reply->exists->stat->cversion, 7);
    assert_int_equal(frame->items[2]->reply->result_case, COORD__V1__REPLY__RESULT_EXISTS);
    assert_false(frame->items[2]->reply->exists->exists);
    assert_null(frame->items[2]->reply->exists->stat);
    free_server_frame(frame);
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
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__ChildrenResult *page = frame->items[0]->reply->children;
    assert_int_equal(page->n_children, 2);
    assert_true(is_text(page->children[0]->name, "a"));
    assert_true(is_text(page->children[1]->data, "data of b"));
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
    free_server_frame(frame);
}

static void test_acl_and_count(void **state)
{
    struct rig *rig = *state;
    struct fsm_acl_entry entries[] = {{FSM_READ, FSM_SCHEME_ANYONE, text("")},
                                      {FSM_PERMISSIONS_ALL, FSM_SCHEME_CN, text("boss")}};
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_ACL};
    reply.acl = (struct wire_acl_result){{entries, 2}, text("/a"), some_stat};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply = (struct wire_reply){.id = 2, .kind = WIRE_RESULT_COUNT, .count = 12345678901};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__GetAclResult *acl = frame->items[0]->reply->get_acl;
    assert_int_equal(acl->acl->n_entries, 2);
    assert_int_equal(acl->acl->entries[0]->permissions, 1);
    assert_true(is_text(acl->acl->entries[0]->scheme, "anyone"));
    assert_true(is_text(acl->acl->entries[1]->scheme, "cn"));
    assert_true(is_text(acl->acl->entries[1]->id, "boss"));
    assert_true(is_text(acl->origin_path, "/a"));
    assert_int_equal(acl->stat->czxid, some_stat.czxid);
    assert_int_equal(frame->items[1]->reply->count->nodes, 12345678901);
    free_server_frame(frame);
}

static void test_lists(void **state)
{
    struct rig *rig = *state;
    struct fsm_view views[2] = {{text("/a"), some_stat, text("data of a")},
                                {text("/a/b"), {0}, text("")}};
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_LIST};
    reply.page =
        (struct wire_page){.views = views, .views_count = 2, .with_stat = true, .with_data = true};
    reply.page.next = (struct wire_cursor){true, 5, 6, text("/a/b"), text("")};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.kind = WIRE_RESULT_EPHEMERALS;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.page = (struct wire_page){0};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__ListResult *list = frame->items[0]->reply->list;
    assert_int_equal(list->n_nodes, 2);
    assert_true(is_text(list->nodes[0]->path, "/a"));
    assert_true(is_text(list->nodes[0]->data, "data of a"));
    assert_int_equal(list->nodes[0]->stat->czxid, some_stat.czxid);
    assert_non_null(list->nodes[1]->stat); /* the root of a new tree is all zero */
    assert_true(list->cursor.len > 0);
    const Coord__V1__EphemeralsResult *ephemerals = frame->items[1]->reply->ephemerals;
    assert_int_equal(ephemerals->n_paths, 2);
    assert_true(is_text(ephemerals->paths[1], "/a/b"));
    assert_int_equal(ephemerals->cursor.len, list->cursor.len);
    assert_int_equal(frame->items[2]->reply->ephemerals->n_paths, 0);
    assert_int_equal(frame->items[2]->reply->ephemerals->cursor.len, 0);
    free_server_frame(frame);
}

static void test_changed(void **state)
{
    struct rig *rig = *state;
    struct fsm_bytes names[] = {text("x"), text("y")};
    struct wire_changed_node nodes[] = {
        {.path = text("/a"),
         .stat = some_stat,
         .data = text("new"),
         .children_changed = true,
         .names = names,
         .names_count = 2,
         .names_follow = true},
        {.path = text("/a/x"), .stat = some_stat},
    };
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_CHANGED};
    reply.changed = (struct wire_changed){.nodes = nodes, .nodes_count = 2, .zxid = 77};
    reply.changed.next = (struct wire_cursor){true, 5, 6, text("/a"), text("y")};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__ChangedSinceResult *seen = frame->items[0]->reply->changed_since;
    assert_int_equal(seen->zxid, 77);
    assert_int_equal(seen->n_nodes, 2);
    assert_true(is_text(seen->nodes[0]->path, "/a"));
    assert_true(is_text(seen->nodes[0]->data, "new"));
    assert_int_equal(seen->nodes[0]->stat->pzxid, some_stat.pzxid);
    assert_true(seen->nodes[0]->children_changed);
    assert_int_equal(seen->nodes[0]->n_child_names, 2);
    assert_true(is_text(seen->nodes[0]->child_names[1], "y"));
    assert_true(seen->nodes[0]->child_names_follow);
    assert_false(seen->nodes[1]->children_changed);
    assert_false(seen->nodes[1]->child_names_follow);

    Coord__V1__ChangedSinceRequest next = COORD__V1__CHANGED_SINCE_REQUEST__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    next.path = binary("/a");
    next.cursor = seen->cursor;
    request.id = 2;
    request.op_case = COORD__V1__REQUEST__OP_CHANGED_SINCE;
    request.changed_since = &next;
    const struct wire_cursor *cursor = &through(rig, &request)->read.list.cursor;
    assert_int_equal(cursor->version, 5);
    assert_int_equal(cursor->boot, 6);
    assert_text(cursor->position, "/a");
    assert_text(cursor->name, "y");
    free_server_frame(frame);
}

static void test_who_and_nothing(void **state)
{
    struct rig *rig = *state;
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_WHO_AM_I};
    reply.who = (struct wire_who_result){{FSM_SCHEME_DNS, text("a.b"), true}, 55};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply = (struct wire_reply){.id = 2, .kind = WIRE_RESULT_SYNC, .zxid = 9};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply = (struct wire_reply){.id = 3, .kind = WIRE_RESULT_UNWATCH};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__WhoAmIResult *who = frame->items[0]->reply->who_am_i;
    assert_true(is_text(who->scheme, "dns"));
    assert_true(is_text(who->identity, "a.b"));
    assert_int_equal(who->session_id, 55);
    assert_int_equal(frame->items[1]->reply->result_case, COORD__V1__REPLY__RESULT_SYNC);
    assert_int_equal(frame->items[1]->reply->zxid, 9);
    assert_int_equal(frame->items[2]->reply->result_case, COORD__V1__REPLY__RESULT_UNWATCH);
    free_server_frame(frame);
}

static void test_watch_results(void **state)
{
    struct rig *rig = *state;
    struct fsm_view view = {text("x"), some_stat, text("")};
    struct wire_page page = {.views = &view, .views_count = 1, .top = some_stat};
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_WATCH};
    reply.watch = (struct wire_watch_result){.complete_from = 40};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.watch.read_node = true; /* a node that is not there */
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    reply.watch.found = true;
    reply.watch.stat = some_stat;
    reply.watch.stat.version = 99;
    reply.watch.data = text("data");
    reply.watch.children = &page;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__WatchResult *watch = frame->items[0]->reply->watch;
    assert_int_equal(watch->complete_from_zxid, 40);
    assert_null(watch->node);
    assert_null(watch->children);
    watch = frame->items[1]->reply->watch;
    assert_false(watch->node->exists);
    assert_null(watch->node->stat);
    watch = frame->items[2]->reply->watch;
    assert_true(watch->node->exists);
    assert_int_equal(watch->node->stat->version, 99);
    assert_true(is_text(watch->data, "data"));
    assert_int_equal(watch->children->n_children, 1);
    assert_true(is_text(watch->children->children[0]->name, "x"));
    assert_int_equal(watch->children->stat->version, some_stat.version);
    free_server_frame(frame);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),
        WITH_RIG(test_reads),
        WITH_RIG(test_children_and_cursor),
        WITH_RIG(test_acl_and_count),
        WITH_RIG(test_lists),
        WITH_RIG(test_changed),
        WITH_RIG(test_who_and_nothing),
        WITH_RIG(test_watch_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
