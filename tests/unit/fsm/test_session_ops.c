#include "support.h"

#include <stdio.h>

/* Goal: each operation on sessions, and the rules of form about them. */

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.sessions = 4;
    rig_init(&rig, &limits);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static struct fsm_command opening(uint32_t timeout_ms)
{
    struct fsm_command command = {
        .who = make_who("spiffe://a/b"),
        .op = {.kind = FSM_OP_OPEN_SESSION, .open_session = {.timeout_ms = timeout_ms}}};
    for (uint8_t i = 0; i < FSM_SECRET_HASH_BYTES; i++) {
        command.op.open_session.secret_hash[i] = i;
    }
    return command;
}

static void refuse(struct fsm_command command, enum cd_status status, const char *sentence)
{
    struct cd_error error = {0};
    enum cd_status form = fsm_command_check(fsm_limits(rig.fsm), &command, &error);
    uint64_t zxid = fsm_zxid(rig.fsm);
    assert_int_equal(form, sentence != NULL ? status : CD_OK);
    assert_true(sentence == NULL || strstr(error.message, sentence) != NULL);
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, status);
    assert_false(rig.result.changed);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
}

static void test_open(void **state)
{
    (void)state;
    static const uint32_t timeouts[][2] = {{0, 10000}, {1, 1000}, {5000, 5000}, {9999999, 300000}};
    struct fsm_session_view view;
    for (size_t i = 0; i < CD_ARRAY_COUNT(timeouts); i++) {
        struct fsm_command command = opening(timeouts[i][0]);
        assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
        assert_int_equal(rig.result.status, CD_OK);
        assert_true(rig.result.changed);
        assert_int_equal(rig.result.zxid, fsm_zxid(rig.fsm));
        assert_int_equal(rig.result.session_opened, rig.result.zxid); /* R7 */
        assert_int_equal(rig.result.outcomes[0].timeout_ms, timeouts[i][1]);
        view = rig_session(&rig, rig.result.session_opened);
        assert_int_equal(view.session, rig.result.session_opened);
        assert_text(view.who.id, "spiffe://a/b");
        assert_int_equal(view.who.scheme, FSM_SCHEME_URI);
        assert_memory_equal(view.secret_hash, command.op.open_session.secret_hash,
                            FSM_SECRET_HASH_BYTES);
        assert_int_equal(view.timeout_ms, timeouts[i][1]);
        assert_int_equal(view.attach + view.last_seq + view.reply_mark + view.ephemerals, 0);
        assert_false(view.ended);
        assert_int_equal(fsm_sessions_count(rig.fsm), i + 1);
    }
    refuse(opening(0), CD_TOO_MANY, NULL);
    assert_string_equal(rig.result.outcomes[0].limit_name, "sessions");
    assert_int_equal(rig.result.outcomes[0].limit, 4);
    assert_int_equal(rig.result.outcomes[0].wanted, 5);
    assert_int_equal(rig.result.session_opened, 0);

    uint64_t at = 0;
    uint64_t count = 0;
    while (fsm_session_next(rig.fsm, at, &view)) {
        assert_true(view.session > at);
        at = view.session;
        count++;
    }
    assert_int_equal(count, 4);
    assert_false(fsm_session_find(rig.fsm, at + 1, &view));
    assert_false(fsm_session_find(rig.fsm, 0, &view));
}

static void test_form(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    struct fsm_command command = opening(0);
    command.who.scheme = FSM_SCHEME_ANYONE;
    refuse(command, CD_INVALID_ARGUMENT, "identity");
    static char long_id[FSM_IDENTITY_BYTES_MAX + 2];
    memset(long_id, 'x', FSM_IDENTITY_BYTES_MAX + 1);
    command.who = make_who("x");
    command.who.scheme = (enum fsm_scheme)4;
    refuse(command, CD_INVALID_ARGUMENT, "scheme");
    command.has_key = true;
    refuse(command, CD_INVALID_ARGUMENT, "scheme");
    command.has_key = false;
    command.who = make_who(long_id);
    refuse(command, CD_INVALID_ARGUMENT, "1024");
    static const enum fsm_op_kind of_session[] = {FSM_OP_SET_TIMEOUT, FSM_OP_FORGET, FSM_OP_CLOSE,
                                                  FSM_OP_REFUSE, FSM_OP_ATTACH_SESSION};
    for (size_t i = 0; i < CD_ARRAY_COUNT(of_session); i++) {
        refuse((struct fsm_command){.op = make_op(of_session[i])}, CD_INVALID_ARGUMENT,
               "belongs to a session");
    }
    uint64_t seq = 0;
    command = session_write(session, ++seq, make_op(FSM_OP_OPEN_SESSION));
    refuse(command, CD_INVALID_ARGUMENT, "no session");
    refuse(session_write(session, ++seq, make_op(FSM_OP_EXPIRE_SESSION)), CD_INVALID_ARGUMENT,
           "no session");
    command = session_write(session, ++seq, make_create("/a", ""));
    command.has_key = true;
    refuse(command, CD_INVALID_ARGUMENT, "key");
    refuse((struct fsm_command){.has_key = true, .op = make_create("/a", "")}, CD_INVALID_ARGUMENT,
           "identity");
    refuse((struct fsm_command){.op = make_ephemeral("/a", "")}, CD_INVALID_ARGUMENT,
           "open one first");
    struct fsm_op inside = make_op(FSM_OP_FORGET);
    refuse((struct fsm_command){.op = make_txn(NULL, 0, &inside, 1, NULL, 0)}, CD_UNIMPLEMENTED,
           "");
}

static void test_set_timeout(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    struct fsm_op op = {.kind = FSM_OP_SET_TIMEOUT, .set_timeout = {20000}};
    rig_write(&rig, session, 1, op);
    assert_true(rig.result.changed);
    assert_int_equal(rig.result.outcomes[0].timeout_ms, 20000);
    assert_int_equal(rig_session(&rig, session).timeout_ms, 20000);
    uint64_t zxid = fsm_zxid(rig.fsm);
    rig_write(&rig, session, 2, op); /* without effect */
    assert_false(rig.result.changed);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    op.set_timeout.timeout_ms = 999;
    refuse(session_write(session, 3, op), CD_INVALID_ARGUMENT, "from 1000 to 300000");
    op.set_timeout.timeout_ms = 300001;
    refuse(session_write(session, 4, op), CD_INVALID_ARGUMENT, "from 1000 to 300000");
    assert_int_equal(rig_session(&rig, session).timeout_ms, 20000);
}

static void test_attach(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    rig_write(&rig, session, 1, make_create("/a", "")); /* of attachment 1 */
    struct fsm_command attach = {.session = session, .op = make_op(FSM_OP_ATTACH_SESSION)};
    uint64_t zxid = fsm_zxid(rig.fsm);
    for (uint64_t number = 2; number < 5; number++) {
        assert_int_equal(rig_judge(&rig, attach), FSM_TAKEN);
        assert_int_equal(rig.result.status, CD_OK);
        assert_int_equal(rig.result.outcomes[0].value, number);
        assert_int_equal(rig_session(&rig, session).attach, number);
    }
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    assert_int_equal(rig_session(&rig, session).last_seq, 1);
    assert_int_equal(rig_judge(&rig, session_write(session, 2, make_op(FSM_OP_FORGET))), FSM_MOVED);
    attach.session++;
    assert_int_equal(rig_judge(&rig, attach), FSM_NO_SESSION);
}

/* What a client claims of itself must not stop anybody: neither the next attachment nor a restore.
 */
static void test_attach_end(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    struct fsm_command command = session_write(session, 1, make_create("/a", ""));
    command.attach = UINT64_MAX;
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    struct fsm_command attach = {.session = session, .op = make_op(FSM_OP_ATTACH_SESSION)};
    refuse(attach, CD_TOO_MANY, NULL);
    fsm_free(restore_copy(rig.fsm));
}

static void test_forget(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    rig_write(&rig, session, 1, make_create("/a", ""));
    rig_write(&rig, session, 2, make_create("/b", ""));
    uint64_t zxid = fsm_zxid(rig.fsm);
    struct fsm_command forget = session_write(session, 3, make_op(FSM_OP_FORGET));
    forget.reply_mark = 2;
    assert_int_equal(rig_judge(&rig, forget), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
    assert_false(rig.result.changed);
    assert_int_equal(fsm_zxid(rig.fsm), zxid);
    assert_int_equal(rig_session(&rig, session).reply_mark, 2);
    assert_int_equal(rig_session(&rig, session).last_seq, 3);
}

/* R11: a refusal takes its write's place. */
static void test_refuse(void **state)
{
    (void)state;
    uint64_t session = rig_open(&rig);
    struct fsm_op op = {.kind = FSM_OP_REFUSE,
                        .refuse = {.status = CD_TOO_LARGE, .message = text("it is too big")}};
    struct fsm_command command = session_write(session, 1, op);
    refuse(command, CD_TOO_LARGE, NULL);
    assert_text(rig.result.outcomes[0].message, "it is too big");
    assert_int_equal(rig_session(&rig, session).last_seq, 1);
    assert_int_equal(rig_judge(&rig, command), FSM_REPLAYED);
    assert_int_equal(rig.result.status, CD_TOO_LARGE);
    assert_int_equal(rig.result.kind, FSM_OP_REFUSE);
    assert_text(rig.result.outcomes[0].message, "it is too big");
    rig_write(&rig, session, 2, make_create("/a", "")); /* and the next one goes on */

    static const int never[] = {CD_OK, CD_BUSY, CD_STATUS_CLIENT_MAX + 1, CD_CORRUPT, -1};
    for (size_t i = 0; i < CD_ARRAY_COUNT(never); i++) {
        op.refuse.status = (enum cd_status)never[i];
        refuse(session_write(session, 3 + i, op), CD_INVALID_ARGUMENT, "final");
    }
    static char long_message[FSM_REFUSAL_BYTES_MAX + 2];
    memset(long_message, 'x', FSM_REFUSAL_BYTES_MAX + 1);
    op.refuse.message = text(long_message);
    refuse(session_write(session, 8, op), CD_TOO_LARGE, "512");
    op.refuse.status = CD_TOO_LARGE;
    op.refuse.message.bytes = FSM_REFUSAL_BYTES_MAX;
    refuse(session_write(session, 9, op), CD_TOO_LARGE, NULL);
}

static void assert_ended(uint64_t session, uint64_t zxid)
{
    struct fsm_session_view view;
    static const char *const deleted[] = {"/a/x", "/a/y", "/b"};
    struct fsm_stat stat;
    assert_true(rig.result.changed);
    assert_int_equal(rig.result.zxid, zxid + 1);
    assert_int_equal(rig.result.session_ended, session);
    assert_int_equal(rig.result.outcomes[0].nodes_count, 3);
    assert_int_equal(rig.result.changes_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rig.result.changes[i].kind, FSM_NODE_DELETED);
        assert_text(rig.result.changes[i].path, deleted[i]);
        assert_int_equal(fsm_exists(rig.fsm, NULL, NULL, text(deleted[i]), &stat), CD_NO_NODE);
    }
    assert_int_equal(rig_stat(&rig, "/a").pzxid, zxid + 1);
    assert_int_equal(rig_stat(&rig, "/a").children_count, 1);
    assert_int_equal(rig_stat(&rig, "/p").owner, 0); /* not all that it created */
    assert_false(fsm_session_find(rig.fsm, session, &view));
    assert_true(fsm_session_find_ended(rig.fsm, session, &view));
    assert_true(view.ended);
    assert_int_equal(view.ephemerals, 0);
    assert_int_equal(fsm_sessions_count(rig.fsm), 1);
    fsm_check(rig.fsm);
}

static uint64_t make_owner(void)
{
    uint64_t session = rig_open(&rig);
    uint64_t other = rig_open(&rig);
    rig_must(&rig, make_create("/a", ""));
    rig_write(&rig, session, 1, make_ephemeral("/b", ""));
    rig_write(&rig, session, 2, make_ephemeral("/a/y", ""));
    rig_write(&rig, session, 3, make_ephemeral("/a/x", ""));
    rig_write(&rig, session, 4, make_create("/p", ""));
    rig_write(&rig, other, 1, make_ephemeral("/a/z", ""));
    return session;
}

/* All in one step, under one zxid (R25). */
static void test_close(void **state)
{
    (void)state;
    uint64_t session = make_owner();
    uint64_t zxid = fsm_zxid(rig.fsm);
    rig_write(&rig, session, 5, make_op(FSM_OP_CLOSE));
    assert_ended(session, zxid);
    struct fsm_result result; /* its own reply is kept with it */
    fsm_result_init(&result);
    assert_int_equal(fsm_outcome_of(rig.fsm, session, 5, &result), CD_OK);
    assert_int_equal(result.kind, FSM_OP_CLOSE);
    assert_int_equal(result.session_ended, session);
    fsm_result_release(&result);
}

/* R13: only the present leader's judgement counts. */
static void test_expire(void **state)
{
    (void)state;
    uint64_t session = make_owner();
    const struct fsm_leadership leader = {7, 2, 99};
    fsm_slot_begin(rig.fsm, fsm_slot(rig.fsm) + 1, NULL);
    fsm_apply_leadership(rig.fsm, &leader);
    fsm_slot_end(rig.fsm);
    const struct fsm_leadership others[] = {{6, 2, 99}, {8, 2, 99}, {7, 1, 99}, {7, 2, 98}, {0}};
    struct fsm_command command = {.op = {.kind = FSM_OP_EXPIRE_SESSION}};
    command.op.expire_session.session = session;
    for (size_t i = 0; i < CD_ARRAY_COUNT(others); i++) {
        command.op.expire_session.leader = others[i];
        refuse(command, CD_NOT_APPLIED, NULL);
        assert_int_equal(rig.result.session_ended, 0);
    }
    assert_int_equal(rig_session(&rig, session).ephemerals, 3);
    command.op.expire_session.leader = leader;
    uint64_t zxid = fsm_zxid(rig.fsm);
    assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
    assert_ended(session, zxid);
    refuse(command, CD_SESSION_EXPIRED, NULL);
    command.op.expire_session.session = 12345;
    refuse(command, CD_SESSION_EXPIRED, NULL);
}

/* The end of a session with as many nodes as it may have is one step. */
static void test_end_of_many(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct rig small;
    limits.atomic_nodes = 50;
    limits.session_ephemerals = 50;
    rig_init(&small, &limits);
    uint64_t session = rig_open(&small);
    for (unsigned i = 0; i < 50; i++) {
        char path[16];
        (void)snprintf(path, sizeof(path), "/%u", i);
        rig_write(&small, session, i + 1, make_ephemeral(path, ""));
    }
    rig_write(&small, session, 51, make_op(FSM_OP_CLOSE));
    assert_int_equal(small.result.changes_count, 50);
    assert_int_equal(fsm_nodes_count(small.fsm), 1);
    rig_release(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),       TEST(test_form),        TEST(test_set_timeout), TEST(test_attach),
        TEST(test_attach_end), TEST(test_forget),      TEST(test_refuse),      TEST(test_close),
        TEST(test_expire),     TEST(test_end_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
