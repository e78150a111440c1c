#include "support.h"

#include "fsm/snapshot.h"

#include <stdio.h>

/*
 * Goal: a restored machine is the one that was, and goes on as it would have; whatever is wrong
 * with a row of items is found, by a rule that names it or by the digest.
 */

static struct rig rig;
static uint64_t session;

static void call(uint8_t key, struct fsm_op op)
{
    struct fsm_command command = {.has_key = true, .who = make_who("caller"), .op = op};
    command.key[0] = key;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
}

/* Something of everything. */
static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, NULL);
    uint64_t ended[2] = {rig_open(&rig), rig_open(&rig)};
    session = rig_open(&rig);
    uint64_t other = rig_open(&rig);
    rig_must(&rig, make_create("/a", "data"));
    rig_must(&rig, make_create("/a/b", ""));
    rig_must(&rig, make_create("/a/b/c", ""));
    rig_must(&rig, make_create("/a/d", "more"));
    struct fsm_op op = make_sequential("/a/q-");
    op.create.kind = FSM_EPHEMERAL;
    rig_write(&rig, session, 1, op);
    rig_write(&rig, session, 2, make_ephemeral("/e", ""));
    rig_write(&rig, session, 3, make_set("/a", "data"));
    rig_write(&rig, other, 1, make_ephemeral("/f", ""));
    rig_write(&rig, ended[1], 1, make_set("/a/d", "less"));
    rig_write(&rig, ended[1], 2, make_op(FSM_OP_CLOSE));
    rig_write(&rig, ended[0], 1, make_op(FSM_OP_CLOSE));
    call(3, make_create("/g", ""));
    call(2, make_delete("/none"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static void test_goes_on(void **state)
{
    (void)state;
    struct fsm *copy = restore_copy(rig.fsm);
    struct fsm_result result;
    fsm_check(copy);
    fsm_result_init(&result);
    struct fsm_command commands[] = {
        session_write(session, 2, make_ephemeral("/e", "")), /* given again */
        session_write(session, 4, make_set("/e", "x")),
        session_write(session, 5, make_sequential("/a/q-")),
        session_write(session, 6, make_op(FSM_OP_CLOSE)),
        {.has_key = true, .key = {2}, .who = make_who("caller"), .op = make_delete("/none")},
        {.has_key = true, .key = {1}, .who = make_who("caller"), .op = make_delete("/f")},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(commands); i++) {
        struct fsm_batch_stamp stamp = {.wall_ms = rig.wall_ms, .elapsed_ms = rig.wall_ms};
        fsm_slot_begin(copy, fsm_slot(copy) + 1, &stamp);
        fsm_apply(copy, &commands[i], &result);
        fsm_slot_end(copy);
        assert_int_equal(rig_judge(&rig, commands[i]), result.verdict);
        assert_int_equal(rig.result.status, result.status);
        assert_int_equal(rig.result.zxid, result.zxid);
        assert_int_equal(rig.result.changes_count, result.changes_count);
        assert_true(fsm_digest(copy) == fsm_digest(rig.fsm));
    }
    assert_int_equal(result.verdict, FSM_TAKEN);
    fsm_check(copy);
    fsm_free(copy);
    fsm_result_release(&result);
}

static void test_empty(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct fsm *fsm = fsm_create(&limits, 7);
    struct fsm *copy = restore_copy(fsm);
    assert_int_equal(fsm_zxid(copy), fsm_zxid(fsm));
    fsm_free(copy);
    fsm_free(fsm);
    struct fsm_restore *restore = fsm_restore_begin();
    assert_int_equal(fsm_restore_finish(restore, &copy, NULL), CD_CORRUPT);
    fsm_restore_abort(restore);
    fsm_restore_abort(NULL);
}

/* ---- What is wrong ---- */

enum change { KEEP, DROP, TWICE };

/* Restores with item `at` changed; returns what came of it, and the sentence. */
static enum cd_status restore_changed(size_t at, enum change (*change)(struct fsm_item *item),
                                      struct cd_error *error)
{
    struct fsm_snapshot *snapshot = fsm_snapshot_take(rig.fsm);
    struct fsm_restore *restore = fsm_restore_begin();
    struct fsm_item item;
    struct fsm *fsm = NULL;
    enum cd_status status = CD_OK;
    *error = (struct cd_error){0};
    for (size_t i = 0; status == CD_OK && fsm_snapshot_next(snapshot, &item); i++) {
        enum change what = i == at ? change(&item) : KEEP;
        for (unsigned times = what == TWICE  ? 2
                              : what == KEEP ? 1
                                             : 0;
             status == CD_OK && times > 0; times--) {
            status = fsm_restore_put(restore, &item, error);
        }
    }
    if (status == CD_OK) {
        status = fsm_restore_finish(restore, &fsm, error);
    }
    if (status == CD_OK) {
        fsm_free(fsm);
    } else {
        fsm_restore_abort(restore);
    }
    assert_true(fsm_snapshot_release(snapshot, SIZE_MAX));
    return status;
}

static void refuse(size_t at, enum change (*change)(struct fsm_item *item), enum cd_status status,
                   const char *sentence)
{
    struct cd_error error;
    enum cd_status got = restore_changed(at, change, &error);
    if (got != status || strstr(error.message, sentence) == NULL) {
        fail_msg("item %zu: %s: %s instead of %s", at, cd_status_name(got), error.message,
                 sentence);
    }
}

static enum change drop(struct fsm_item *item)
{
    (void)item;
    return DROP;
}

static enum change twice(struct fsm_item *item)
{
    (void)item;
    return TWICE;
}

/* Of the kind, the n-th, from 0. */
static size_t find(enum fsm_item_kind kind, size_t n)
{
    struct fsm_snapshot *snapshot = fsm_snapshot_take(rig.fsm);
    struct fsm_item item;
    size_t at = 0;
    while (fsm_snapshot_next(snapshot, &item) && (item.kind != kind || n-- > 0)) {
        at++;
    }
    assert_true(fsm_snapshot_release(snapshot, SIZE_MAX));
    return at;
}

/* No item may be missing, and none may come twice. */
static void test_every_item_counts(void **state)
{
    (void)state;
    struct fsm_snapshot *snapshot = fsm_snapshot_take(rig.fsm);
    struct fsm_item item;
    size_t count = 0;
    while (fsm_snapshot_next(snapshot, &item)) {
        count++;
    }
    assert_true(fsm_snapshot_release(snapshot, SIZE_MAX));
    assert_true(count > 20);
    for (size_t at = 0; at < count; at++) {
        refuse(at, drop, CD_CORRUPT, "");
        refuse(at, twice, CD_CORRUPT, "");
    }
    refuse(0, drop, CD_CORRUPT, "begin with its head");
    refuse(0, twice, CD_CORRUPT, "second head");
    refuse(1, drop, CD_CORRUPT, "not the root");
    refuse(2, drop, CD_CORRUPT, "without a parent");
    refuse(find(FSM_ITEM_NODE, 4), drop, CD_CORRUPT, "lacks children");
    refuse(find(FSM_ITEM_REPLY, 0), drop, CD_CORRUPT, "order");
    refuse(find(FSM_ITEM_REPLY, 2), drop, CD_CORRUPT, "lacks kept replies");
    refuse(count - 1, drop, CD_CORRUPT, "too early");
    refuse(count - 1, twice, CD_CORRUPT, "out of its place");
}

#define CHANGE(name, statement)                                                                    \
    static enum change name(struct fsm_item *item)                                                 \
    {                                                                                              \
        statement;                                                                                 \
        return KEEP;                                                                               \
    }

CHANGE(head_newer, item->head.digest_version++)
CHANGE(head_digest, item->head.digest++)
CHANGE(head_slot, item->head.slot++)
CHANGE(head_limit, item->head.limits.tombstone_ms++)
CHANGE(head_unsound, item->head.limits.path_bytes = 0)
CHANGE(head_ephemerals, item->head.limits.session_ephemerals = UINT32_MAX)
CHANGE(head_nodes, item->head.nodes = item->head.limits.tree_nodes + 1)
CHANGE(head_no_nodes, item->head.nodes = 0)
CHANGE(head_sessions, item->head.sessions = item->head.limits.sessions + 1ull)
CHANGE(node_path, item->node.path = text("/a//b"))
CHANGE(node_order, item->node.path = text("/Z"))
CHANGE(node_zxid, item->node.stat.mzxid = UINT64_MAX)
CHANGE(node_children, item->node.stat.children_count++)
CHANGE(node_creates, item->node.stat.creates = 0)
CHANGE(node_version, item->node.stat.version++)
CHANGE(node_data, item->node.data = text("date"))
CHANGE(node_size, item->node.data = text("dat"))
CHANGE(node_owner, item->node.stat.owner++)
CHANGE(node_kind, item->node.stat.kind = FSM_TTL)
CHANGE(node_idle, item->node.idle_elapsed_ms = 1)
CHANGE(node_suffix, item->node.suffix_bytes = 11)
CHANGE(node_suffix_long, item->node.suffix_bytes = 99)
CHANGE(node_suffix_less, item->node.suffix_bytes = 0)
CHANGE(session_id, item->session.view.session--)
CHANGE(session_low, item->session.view.session = 1)
CHANGE(session_secret, item->session.view.secret_hash[31]++)
CHANGE(session_scheme, item->session.view.who.scheme = FSM_SCHEME_ANYONE)
CHANGE(session_who, item->session.view.who.id = text("ME"))
CHANGE(session_attach, item->session.view.attach++)
CHANGE(session_timeout, item->session.view.timeout_ms++)
CHANGE(session_mark, item->session.view.reply_mark = item->session.view.last_seq + 1)
CHANGE(session_window, item->session.view.last_seq = 99999)
CHANGE(session_bytes, item->session.view.kept_bytes++)
CHANGE(session_nodes, item->session.view.ephemerals++)
CHANGE(session_ended, item->session.view.ended = !item->session.view.ended)
CHANGE(ended_zxid, item->session.ended_zxid = 1)
CHANGE(ended_future, item->session.ended_elapsed_ms = UINT64_MAX)
CHANGE(ended_time, item->session.ended_elapsed_ms--)
CHANGE(reply_seq, item->reply.seq++)
CHANGE(reply_hash, item->reply.request_hash++)
CHANGE(reply_empty, item->reply.packed.bytes = 0)
CHANGE(reply_cut, item->reply.packed.bytes--)
CHANGE(reply_newer, item->reply.packed = text("\x02"))
CHANGE(call_key, item->call.key[15]++)
CHANGE(call_same, item->call.key[0] = 3)
CHANGE(call_hash, item->call.request_hash++)
CHANGE(call_place, item->call.place = 0)
CHANGE(call_place_more, item->call.place++)
CHANGE(call_time, item->call.elapsed_ms = 0)
CHANGE(call_future, item->call.elapsed_ms = UINT64_MAX)
CHANGE(call_who, item->call.who.scheme = (enum fsm_scheme)9)
CHANGE(call_packed, item->call.packed.bytes--)
CHANGE(no_kind, item->kind = (enum fsm_item_kind)9)

static void test_head(void **state)
{
    (void)state;
    refuse(0, head_newer, CD_NEWER_FORMAT, "digest of version 3");
    refuse(0, head_digest, CD_CORRUPT, "another digest");
    refuse(0, head_slot, CD_CORRUPT, "another digest");
    refuse(0, head_limit, CD_CORRUPT, "another digest");
    refuse(0, head_unsound, CD_CORRUPT, "ceilings");
    refuse(0, head_ephemerals, CD_CORRUPT, "ceilings");
    refuse(0, head_nodes, CD_CORRUPT, "counts more");
    refuse(0, head_no_nodes, CD_CORRUPT, "counts more");
    refuse(0, head_sessions, CD_CORRUPT, "counts more");
    refuse(5, no_kind, CD_CORRUPT, "no kind");
}

static void test_nodes(void **state)
{
    (void)state;
    size_t a = find(FSM_ITEM_NODE, 1);
    size_t q = find(FSM_ITEM_NODE, 5);
    refuse(a, node_path, CD_CORRUPT, "path");
    refuse(a + 1, node_order, CD_CORRUPT, "order");
    refuse(a, node_zxid, CD_CORRUPT, "zxids");
    refuse(a, node_children, CD_CORRUPT, "children");
    refuse(a, node_creates, CD_CORRUPT, "more children");
    refuse(a, node_version, CD_CORRUPT, "digest");
    refuse(a, node_data, CD_CORRUPT, "digest");
    refuse(a, node_size, CD_CORRUPT, "size");
    refuse(a, node_owner, CD_CORRUPT, "kind");
    refuse(a, node_kind, CD_CORRUPT, "kind");
    refuse(a, node_idle, CD_CORRUPT, "time");
    refuse(q, node_suffix, CD_CORRUPT, "suffix");
    refuse(q, node_suffix_long, CD_CORRUPT, "suffix");
    refuse(q, node_suffix_less, CD_CORRUPT, "digest");
    refuse(q, node_owner, CD_CORRUPT, "ephemeral nodes and sessions");
}

static void test_sessions(void **state)
{
    (void)state;
    size_t first = find(FSM_ITEM_SESSION, 0);
    size_t second = find(FSM_ITEM_SESSION, 1);
    size_t ended = find(FSM_ITEM_SESSION, 2);
    refuse(first, session_id, CD_CORRUPT, "twice");
    refuse(second, session_low, CD_CORRUPT, "order");
    refuse(first, session_secret, CD_CORRUPT, "digest");
    refuse(first, session_scheme, CD_CORRUPT, "identity");
    refuse(first, session_who, CD_CORRUPT, "digest");
    refuse(first, session_attach, CD_CORRUPT, "digest");
    refuse(first, session_timeout, CD_CORRUPT, "digest");
    refuse(first, session_mark, CD_CORRUPT, "numbers");
    refuse(first, session_window, CD_CORRUPT, "numbers");
    refuse(first, session_bytes, CD_CORRUPT, "lacks kept replies");
    refuse(first, session_nodes, CD_CORRUPT, "ephemeral nodes and sessions");
    refuse(first, session_ended, CD_CORRUPT, "place");
    refuse(ended, session_ended, CD_CORRUPT, "place");
    refuse(ended, ended_zxid, CD_CORRUPT, "order");
    refuse(ended, ended_future, CD_CORRUPT, "order");
    refuse(ended, ended_time, CD_CORRUPT, "digest");
    refuse(ended, session_nodes, CD_CORRUPT, "have nodes");
    refuse(ended, session_id, CD_CORRUPT, "twice");
}

static void test_replies(void **state)
{
    (void)state;
    size_t reply = find(FSM_ITEM_REPLY, 1);
    refuse(reply, reply_seq, CD_CORRUPT, "order");
    refuse(reply, reply_hash, CD_CORRUPT, "digest");
    refuse(reply, reply_empty, CD_CORRUPT, "cannot be read");
    refuse(reply, reply_cut, CD_CORRUPT, "cannot be read");
    refuse(reply, reply_newer, CD_NEWER_FORMAT, "version 2");
    size_t last = find(FSM_ITEM_CALL, 1);
    refuse(last, call_key, CD_CORRUPT, "digest");
    refuse(last, call_same, CD_CORRUPT, "twice");
    refuse(last, call_hash, CD_CORRUPT, "digest");
    refuse(last, call_place, CD_CORRUPT, "order");
    refuse(last, call_place_more, CD_CORRUPT, "digest");
    refuse(last, call_time, CD_CORRUPT, "order");
    refuse(last, call_future, CD_CORRUPT, "order");
    refuse(last, call_who, CD_CORRUPT, "identity");
    refuse(last, call_packed, CD_CORRUPT, "cannot be read");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_goes_on),
        cmocka_unit_test(test_empty),
        TEST(test_every_item_counts),
        TEST(test_head),
        TEST(test_nodes),
        TEST(test_sessions),
        TEST(test_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
