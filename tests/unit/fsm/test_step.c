#include "support.h"

#include "fsm/state.h"

/* Goal: each verdict, in its order, and what it leaves behind. */

static struct rig rig;
static uint64_t session;

static int set_up(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.unacked_writes = 3;
    limits.kept_reply_bytes = 600;
    rig_init(&rig, &limits);
    session = rig_open(&rig);
    rig_write(&rig, session, 1, make_create("/a", "")); /* attach number 1 */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

/* Judged so, with that status, and nothing else happened than what the session notes. */
static void expect(struct fsm_command command, enum fsm_verdict verdict, enum cd_status status)
{
    uint64_t zxid = fsm_zxid(rig.fsm);
    uint64_t tree = rig.fsm->tree_digest;
    assert_int_equal(rig_judge(&rig, command), verdict);
    assert_int_equal(rig.result.status, status);
    assert_int_equal(rig.result.changes_count, 0);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    assert_true(rig.fsm->tree_digest == tree);
    if (verdict != FSM_REPLAYED) {
        assert_false(rig.result.changed);
        assert_int_equal(rig.result.kind, command.op.kind);
        assert_int_equal(rig.result.outcomes_count, command.op.kind == FSM_OP_TXN ? 0 : 1);
    }
    fsm_check(rig.fsm);
}

static struct fsm_command write_2(void)
{
    return session_write(session, 2, make_create("/b", ""));
}

static void test_no_session(void **state)
{
    (void)state;
    struct fsm_command command = write_2();
    command.session++;
    expect(command, FSM_NO_SESSION, CD_SESSION_EXPIRED);
    command.op = make_txn(NULL, 0, NULL, 0, NULL, 0);
    expect(command, FSM_NO_SESSION, CD_SESSION_EXPIRED);
    rig_write(&rig, session, 2, make_op(FSM_OP_CLOSE));
    expect(session_write(session, 3, make_create("/b", "")), FSM_NO_SESSION, CD_SESSION_EXPIRED);
    expect(session_write(session, 1, make_create("/a", "")), FSM_NO_SESSION, CD_SESSION_EXPIRED);
}

/* R9: the newest attachment owns the session. */
static void test_moved(void **state)
{
    (void)state;
    struct fsm_command command = write_2();
    command.attach = 5;
    command.seq = 9; /* early: the number counts all the same */
    expect(command, FSM_EARLY, CD_NOT_APPLIED);
    assert_int_equal(rig_session(&rig, session).attach, 5);
    expect(write_2(), FSM_MOVED, CD_SESSION_MOVED);
    expect(session_write(session, 1, make_create("/a", "")), FSM_MOVED, CD_SESSION_MOVED);
    struct fsm_command marked = write_2(); /* nor does its mark */
    marked.reply_mark = 1;
    expect(marked, FSM_MOVED, CD_SESSION_MOVED);
    assert_int_equal(rig_session(&rig, session).reply_mark, 0);
    command = write_2();
    command.attach = 5;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
}

static void test_replayed(void **state)
{
    (void)state;
    uint64_t zxid = fsm_zxid(rig.fsm);
    rig_must(&rig, make_set("/a", "later"));
    expect(session_write(session, 1, make_create("/a", "")), FSM_REPLAYED, CD_OK);
    assert_int_equal(rig.result.kind, FSM_OP_CREATE);
    assert_true(rig.result.changed);
    assert_int_equal(rig.result.zxid, zxid);
    assert_int_equal(rig.result.outcomes_count, 1);
    assert_text(rig.result.outcomes[0].path, "/a");
    assert_int_equal(rig.result.outcomes[0].stat.version, 0); /* as it was */

    /* A refused one too, whatever the tree would say now. */
    struct fsm_command refused = session_write(session, 2, make_create("/n/x", ""));
    assert_int_equal(rig_judge(&rig, refused), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_NO_PARENT);
    rig_must(&rig, make_create("/n", ""));
    expect(refused, FSM_REPLAYED, CD_NO_PARENT);
    assert_int_equal(rig.result.zxid, zxid + 1);
}

static void test_conflict(void **state)
{
    (void)state;
    struct fsm_command command = session_write(session, 1, make_create("/a", ""));
    command.request_hash++;
    expect(command, FSM_CONFLICT, CD_SEQ_CONFLICT);
}

/* R10: a mark acts as a field of a command, whatever becomes of that one. */
static void test_forgotten(void **state)
{
    (void)state;
    expect(session_write(session, 0, make_create("/b", "")), FSM_FORGOTTEN, CD_NOT_APPLIED);
    rig_write(&rig, session, 2, make_set("/a", "x"));
    struct fsm_command command = session_write(session, 1, make_create("/a", ""));
    command.reply_mark = 1;
    expect(command, FSM_FORGOTTEN, CD_NOT_APPLIED);
    assert_int_equal(rig_session(&rig, session).reply_mark, 1);
    command.reply_mark = 0; /* it never goes back */
    expect(command, FSM_FORGOTTEN, CD_NOT_APPLIED);
    assert_int_equal(rig_session(&rig, session).reply_mark, 1);
    assert_int_equal(rig_session(&rig, session).last_seq, 2);
    /* One beyond what was applied counts as what was, so this one is not lost. */
    command = session_write(session, 3, make_set("/a", "y"));
    command.reply_mark = 99;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig_session(&rig, session).reply_mark, 2);
}

/* R11: a gap is nobody's business but the serving replica's. */
static void test_early(void **state)
{
    (void)state;
    expect(session_write(session, 3, make_create("/b", "")), FSM_EARLY, CD_NOT_APPLIED);
    expect(session_write(session, UINT64_MAX, make_create("/b", "")), FSM_EARLY, CD_NOT_APPLIED);
    assert_int_equal(rig_session(&rig, session).last_seq, 1);
    assert_int_equal(rig_judge(&rig, write_2()), FSM_TAKEN);
}

static void test_window(void **state)
{
    (void)state;
    rig_write(&rig, session, 2, make_set("/a", ""));
    rig_write(&rig, session, 3, make_set("/a", ""));
    struct fsm_command fourth = session_write(session, 4, make_set("/a", ""));
    expect(fourth, FSM_WINDOW, CD_NOT_APPLIED);
    expect(session_write(session, 4, make_op(FSM_OP_CLOSE)), FSM_WINDOW, CD_NOT_APPLIED);
    expect(session_write(session, 3, make_set("/a", "")), FSM_REPLAYED, CD_OK);
    fourth.reply_mark = 1; /* makes room for itself */
    assert_int_equal(rig_judge(&rig, fourth), FSM_TAKEN);
    fsm_check(rig.fsm);
}

static void test_window_bytes(void **state)
{
    (void)state;
    struct fsm_op ops[30];
    for (size_t i = 0; i < CD_ARRAY_COUNT(ops); i++) {
        ops[i] = make_check("/a", -1);
    }
    rig_write(&rig, session, 2, make_txn(NULL, 0, ops, 30, NULL, 0)); /* over it alone: kept */
    assert_true(rig_session(&rig, session).kept_bytes > 600);
    struct fsm_command third = session_write(session, 3, make_set("/a", ""));
    expect(third, FSM_WINDOW, CD_NOT_APPLIED);
    third.reply_mark = 2;
    assert_int_equal(rig_judge(&rig, third), FSM_TAKEN);
}

/* A command of bad form takes its seq, or the session would wait for it for ever. */
static void test_bad_form(void **state)
{
    (void)state;
    struct fsm_command command = session_write(session, 2, make_create("b", ""));
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_INVALID_ARGUMENT);
    assert_int_equal(rig.result.outcomes_count, 1);
    expect(command, FSM_REPLAYED, CD_INVALID_ARGUMENT);
    command = session_write(session, 3, make_op((enum fsm_op_kind)99));
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_UNIMPLEMENTED);
    expect(command, FSM_REPLAYED, CD_UNIMPLEMENTED);
    command = session_write(session, 4, make_set("/a", ""));
    command.reply_mark = 1;
    command.has_key = true;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_INVALID_ARGUMENT);
}

static void test_replay_of_txn(void **state)
{
    (void)state;
    struct fsm_op ops[] = {make_create("/t", "data"), make_get("/t"), make_exists("/none")};
    struct fsm_command command = session_write(session, 2, make_txn(NULL, 0, ops, 3, NULL, 0));
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    uint64_t zxid = rig.result.zxid;
    rig_must(&rig, make_delete("/t"));
    expect(command, FSM_REPLAYED, CD_OK);
    assert_int_equal(rig.result.kind, FSM_OP_TXN);
    assert_int_equal(rig.result.zxid, zxid);
    assert_true(rig.result.compares_held);
    assert_int_equal(rig.result.outcomes_count, 3);
    assert_text(rig.result.outcomes[1].data, "data");
    assert_int_equal(rig.result.outcomes[1].kind, FSM_OP_GET);
    assert_false(rig.result.outcomes[2].found);
}

/* A reply that was given again lives on while others are applied, and its session ends. */
static void test_replay_is_its_own(void **state)
{
    (void)state;
    struct fsm_result kept;
    fsm_result_init(&kept);
    struct fsm_command command = session_write(session, 1, make_create("/a", ""));
    fsm_slot_begin(rig.fsm, fsm_slot(rig.fsm) + 1, NULL);
    fsm_apply(rig.fsm, &command, &kept);
    fsm_slot_end(rig.fsm);
    command = session_write(session, 2, make_op(FSM_OP_CLOSE));
    command.reply_mark = 1;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    rig_wait(&rig, UINT64_C(10000000));
    assert_text(kept.outcomes[0].path, "/a");
    fsm_result_release(&kept);
}

/* R15: a fence that does not hold refuses, and the refusal is kept. */
static void test_if_held(void **state)
{
    (void)state;
    struct fsm_held held = {.path = text("/a"), .n = 1};
    held.fence = rig_stat(&rig, "/a").czxid;
    struct fsm_command command = write_2();
    command.if_held = &held;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
    held.fence++;
    command = session_write(session, 3, make_txn(NULL, 0, &command.op, 1, NULL, 0));
    command.if_held = &held;
    command.op = make_txn(NULL, 0, NULL, 0, NULL, 0);
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_NOT_HELD);
    assert_int_equal(rig.result.failed_index, -1);
    held.fence--;
    expect(command, FSM_REPLAYED, CD_NOT_HELD);

    struct fsm_command call = {.op = make_set("/a", ""), .if_held = &held};
    held.path = text("/none");
    expect(call, FSM_TAKEN, CD_NOT_HELD);
    assert_int_equal(rig.result.outcomes[0].status, CD_NOT_HELD);
    held.path = text("none");
    expect(call, FSM_TAKEN, CD_INVALID_ARGUMENT);
    held.path = text("/a");
    held.n = 0;
    expect(call, FSM_TAKEN, CD_INVALID_ARGUMENT);
    held.n = 1;
    struct fsm_bytes prefixes[20] = {text("x/y")};
    held.prefixes = prefixes;
    held.prefixes_count = 1;
    expect(call, FSM_TAKEN, CD_INVALID_ARGUMENT);
    prefixes[0] = text("x-");
    rig_must(&rig, make_create("/z", ""));
    held.prefixes_count = 20;
    expect(call, FSM_TAKEN, CD_TOO_MANY);
    held.prefixes_count = 1;
    assert_int_equal(rig_judge(&rig, call), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
}

static void expect_set(struct fsm_command command, enum cd_status status)
{
    command.op = make_set("/mine", "x");
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, status);
}

/* Who asks is who opened the session, whatever the command says; that it is an administrator is
 * known to the replica alone. */
static void test_who(void **state)
{
    (void)state;
    const struct fsm_acl_entry mine = {FSM_READ | FSM_WRITE, FSM_SCHEME_URI, text("me")};
    struct fsm_op op = make_create("/mine", "");
    op.create.has_acl = true;
    op.create.acl = (struct fsm_acl_entries){&mine, 1};
    rig_write(&rig, session, 2, op);
    struct fsm_command command = session_write(session, 3, make_op(FSM_OP_FORGET));
    command.who = make_who("you");
    expect_set(command, CD_OK);
    expect_set((struct fsm_command){.who = make_who("you")}, CD_PERMISSION_DENIED);
    expect_set((struct fsm_command){.who = make_who("me")}, CD_OK);

    struct fsm_command open = {.who = make_who("you"), .op = make_op(FSM_OP_OPEN_SESSION)};
    assert_int_equal(rig_judge(&rig, open), FSM_TAKEN);
    uint64_t yours = rig.result.session_opened;
    command = session_write(yours, 1, make_op(FSM_OP_FORGET));
    command.who = make_who("me");
    expect_set(command, CD_PERMISSION_DENIED);
    command = session_write(yours, 2, make_op(FSM_OP_FORGET));
    command.who.administrator = true;
    expect_set(command, CD_OK);
    command = session_write(yours, 3, make_op(FSM_OP_FORGET)); /* that one alone */
    expect_set(command, CD_PERMISSION_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_session),
        TEST(test_moved),
        TEST(test_replayed),
        TEST(test_conflict),
        TEST(test_forgotten),
        TEST(test_early),
        TEST(test_window),
        TEST(test_window_bytes),
        TEST(test_bad_form),
        TEST(test_replay_of_txn),
        TEST(test_replay_is_its_own),
        TEST(test_if_held),
        TEST(test_who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
