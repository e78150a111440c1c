#include "support.h"

#include "fsm/snapshot.h"

#include <stdio.h>

/* Goal: what a snapshot shows, in which order, and that it stays what it was. */

/* One line for each item, short. */
static void describe(const struct fsm_item *item, char *to, size_t room)
{
    switch (item->kind) {
    case FSM_ITEM_HEAD:
        (void)snprintf(to, room, "head %llu %llu %llu %llu", (unsigned long long)item->head.nodes,
                       (unsigned long long)item->head.sessions,
                       (unsigned long long)item->head.tombstones,
                       (unsigned long long)item->head.calls);
        return;
    case FSM_ITEM_NODE:
        (void)snprintf(to, room, "node %.*s=%.*s", (int)item->node.path.bytes,
                       (const char *)item->node.path.data, (int)item->node.data.bytes,
                       (const char *)item->node.data.data);
        return;
    case FSM_ITEM_SESSION:
        (void)snprintf(
            to, room, "%s %.*s %llu/%llu", item->session.view.ended ? "ended" : "session",
            (int)item->session.view.who.id.bytes, (const char *)item->session.view.who.id.data,
            (unsigned long long)item->session.view.reply_mark,
            (unsigned long long)item->session.view.last_seq);
        return;
    case FSM_ITEM_REPLY:
        (void)snprintf(to, room, "reply %llu", (unsigned long long)item->reply.seq);
        return;
    case FSM_ITEM_CALL:
        (void)snprintf(to, room, "call %u", item->call.key[0]);
        return;
    }
    fail();
}

static void assert_items(struct fsm_snapshot *snapshot, const char *const *expected)
{
    struct fsm_item item;
    char line[128];
    for (size_t i = 0; expected[i] != NULL; i++) {
        assert_true(fsm_snapshot_next(snapshot, &item));
        describe(&item, line, sizeof(line));
        assert_string_equal(line, expected[i]);
    }
    assert_false(fsm_snapshot_next(snapshot, &item));
    assert_false(fsm_snapshot_next(snapshot, &item));
}

static void call(struct rig *rig, uint8_t key, struct fsm_op op)
{
    struct fsm_command command = {.has_key = true, .who = make_who("caller"), .op = op};
    command.key[0] = key;
    assert_int_equal(rig_judge(rig, command), FSM_TAKEN);
}

static void test_order(void **state)
{
    (void)state;
    static const char *const expected[] = {"head 5 2 2 2",
                                           "node /=",
                                           "node /a=1",
                                           "node /a/b=2",
                                           "node /a-=3",
                                           "node /e=4",
                                           "session me 1/3",
                                           "reply 2",
                                           "reply 3",
                                           "session me 0/0",
                                           "ended me 0/2",
                                           "reply 1",
                                           "reply 2",
                                           "ended me 0/0",
                                           "call 9",
                                           "call 8",
                                           NULL};
    struct rig rig;
    rig_init(&rig, NULL);
    uint64_t sessions[4];
    for (size_t i = 0; i < 4; i++) {
        sessions[i] = rig_open(&rig);
    }
    rig_must(&rig, make_create("/a-", "3"));
    rig_must(&rig, make_create("/a", "1"));
    call(&rig, 9, make_create("/a/b", "2"));
    rig_write(&rig, sessions[2], 1, make_ephemeral("/e", "4"));
    rig_write(&rig, sessions[2], 2, make_set("/e", "4"));
    struct fsm_command third = session_write(sessions[2], 3, make_op(FSM_OP_FORGET));
    third.reply_mark = 1;
    assert_int_equal(rig_judge(&rig, third), FSM_TAKEN);
    rig_write(&rig, sessions[1], 1, make_op(FSM_OP_FORGET));
    rig_write(&rig, sessions[1], 2, make_op(FSM_OP_CLOSE));
    call(&rig, 8, make_create("/a/b", "2"));
    struct fsm_op expire = {.kind = FSM_OP_EXPIRE_SESSION, .expire_session = {sessions[0], {0}}};
    rig_must(&rig, expire);

    struct fsm_snapshot *snapshot = fsm_snapshot_take(rig.fsm);
    /* Everything changes, and the snapshot does not. */
    rig_must(&rig, make_set("/a", "x"));
    rig_must(&rig, make_recursive("/a"));
    third = session_write(sessions[2], 4, make_op(FSM_OP_CLOSE));
    third.reply_mark = 3;
    assert_int_equal(rig_judge(&rig, third), FSM_TAKEN);
    rig_write(&rig, sessions[3], 1, make_ephemeral("/f", ""));
    call(&rig, 7, make_create("/g", "2"));
    rig_wait(&rig, UINT64_C(7200000)); /* tombstones and calls are forgotten */
    rig_open(&rig);
    assert_items(snapshot, expected);
    while (!fsm_snapshot_release(snapshot, 1)) {
    }
    rig_release(&rig);
}

static void test_fields(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_item item;
    rig_init(&rig, NULL);
    fsm_slot_begin(rig.fsm, 1, NULL);
    fsm_apply_leadership(rig.fsm, &(struct fsm_leadership){3, 2, 1});
    fsm_slot_end(rig.fsm);
    uint64_t session = rig_open(&rig);
    struct fsm_op op = make_sequential("/q-");
    op.create.kind = FSM_EPHEMERAL;
    rig_write(&rig, session, 1, op);
    call(&rig, 5, make_create("/x", "data"));
    rig_write(&rig, session, 2, make_op(FSM_OP_CLOSE));

    struct fsm_snapshot *snapshot = fsm_snapshot_take(rig.fsm);
    assert_true(fsm_snapshot_next(snapshot, &item));
    assert_int_equal(item.head.slot, fsm_slot(rig.fsm));
    assert_int_equal(item.head.zxid, fsm_zxid(rig.fsm));
    assert_int_equal(item.head.wall_ms, fsm_wall_ms(rig.fsm));
    assert_int_equal(item.head.elapsed_ms, fsm_elapsed_ms(rig.fsm));
    assert_int_equal(item.head.leadership.round, 3);
    assert_memory_equal(&item.head.limits, fsm_limits(rig.fsm), sizeof(struct fsm_limits));
    assert_int_equal(item.head.digest_version, FSM_DIGEST_VERSION);
    assert_true(item.head.digest == fsm_digest(rig.fsm));
    assert_true(fsm_snapshot_next(snapshot, &item)); /* the root */
    assert_int_equal(item.node.stat.creates, 2);
    assert_int_equal(item.node.suffix_bytes, 0);
    assert_true(fsm_snapshot_next(snapshot, &item)); /* /x */
    assert_text(item.node.data, "data");
    assert_int_equal(item.node.stat.data_bytes, 4);
    assert_false(item.node.has_acl);
    assert_true(fsm_snapshot_next(snapshot, &item)); /* the session */
    assert_int_equal(item.session.view.session, session);
    assert_int_equal(item.session.view.attach, 1);
    assert_int_equal(item.session.view.timeout_ms, 10000);
    assert_int_equal(item.session.ended_zxid, fsm_zxid(rig.fsm));
    assert_int_equal(item.session.ended_elapsed_ms, fsm_elapsed_ms(rig.fsm));
    assert_true(fsm_snapshot_next(snapshot, &item)); /* its replies */
    assert_int_equal(item.reply.request_hash, 1000);
    assert_true(item.reply.packed.bytes > 0);
    assert_true(fsm_snapshot_next(snapshot, &item));
    assert_true(fsm_snapshot_next(snapshot, &item));
    assert_int_equal(item.call.key[0], 5);
    assert_text(item.call.who.id, "caller");
    assert_int_equal(item.call.elapsed_ms, fsm_elapsed_ms(rig.fsm) - 10);
    assert_true(item.call.place > 0);
    assert_false(fsm_snapshot_next(snapshot, &item));
    assert_true(fsm_snapshot_release(snapshot, SIZE_MAX));
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
