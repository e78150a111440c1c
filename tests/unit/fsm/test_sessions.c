#include "support.h"

#include "fsm/sessions.h"

/* Goal: what is remembered of sessions, ended sessions and calls, and every bound of it. */

static struct rig rig;

static void start(const struct fsm_limits *limits)
{
    rig_init(&rig, limits);
}

static struct fsm_command call(uint8_t key, const char *id, struct fsm_op op)
{
    struct fsm_command command = {
        .has_key = true, .who = make_who(id), .request_hash = key, .op = op};
    command.key[FSM_CALL_KEY_BYTES - 1] = key;
    return command;
}

static enum cd_status outcome_of(uint64_t session, uint64_t seq)
{
    struct fsm_result result;
    fsm_result_init(&result);
    enum cd_status status = fsm_outcome_of(rig.fsm, session, seq, &result);
    assert_true(status == CD_OK || (result.outcomes_count == 0 && result.zxid == 0));
    fsm_result_release(&result);
    return status;
}

static enum cd_status outcome_of_call(uint8_t key, const char *id)
{
    struct fsm_result result;
    struct fsm_who who = make_who(id);
    uint8_t bytes[FSM_CALL_KEY_BYTES] = {0};
    bytes[FSM_CALL_KEY_BYTES - 1] = key;
    fsm_result_init(&result);
    enum cd_status status = fsm_outcome_of_call(rig.fsm, bytes, &who, &result);
    fsm_result_release(&result);
    return status;
}

/* R21 */
static void test_outcome(void **state)
{
    (void)state;
    start(NULL);
    uint64_t session = rig_open(&rig);
    for (int ended = 0; ended < 2; ended++) {
        if (ended == 0) {
            rig_write(&rig, session, 1, make_create("/a", "data"));
            rig_write(&rig, session, 2, make_set("/a", "x"));
            struct fsm_command third = session_write(session, 3, make_create("/none/b", ""));
            third.reply_mark = 1;
            rig_judge(&rig, third);
        } else {
            rig_must(&rig, (struct fsm_op){.kind = FSM_OP_EXPIRE_SESSION,
                                           .expire_session = {session, {0}}});
        }
        assert_int_equal(outcome_of(session, 0), CD_OUTCOME_UNKNOWN);
        assert_int_equal(outcome_of(session, 1), CD_OUTCOME_UNKNOWN); /* acknowledged */
        assert_int_equal(outcome_of(session, 2), CD_OK);
        assert_int_equal(outcome_of(session, 3), CD_OK);
        assert_int_equal(outcome_of(session, 4), CD_NOT_APPLIED);
        assert_int_equal(outcome_of(session + 1, 1), CD_OUTCOME_UNKNOWN);
    }
    struct fsm_result result;
    fsm_result_init(&result);
    assert_int_equal(fsm_outcome_of(rig.fsm, session, 2, &result), CD_OK);
    assert_int_equal(result.kind, FSM_OP_SET);
    assert_int_equal(result.verdict, FSM_REPLAYED);
    assert_text(result.outcomes[0].path, "/a");
    assert_int_equal(fsm_outcome_of(rig.fsm, session, 3, &result), CD_OK);
    assert_int_equal(result.status, CD_NO_PARENT);
    fsm_result_release(&result);
    rig_release(&rig);
}

static void end_one(uint64_t *ret_session)
{
    *ret_session = rig_open(&rig);
    rig_write(&rig, *ret_session, 1, make_op(FSM_OP_CLOSE));
}

static void test_tombstones(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    uint64_t sessions[4];
    limits.tombstones = 3;
    limits.tombstone_ms = 1000;
    start(&limits);
    for (size_t i = 0; i < 4; i++) {
        end_one(&sessions[i]);
    }
    assert_int_equal(outcome_of(sessions[0], 1), CD_OUTCOME_UNKNOWN); /* by number */
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(outcome_of(sessions[i], 1), CD_OK);
    }
    fsm_check(rig.fsm);
    /* By age, in elapsed time: session 1 ended 50 ms ago. */
    rig_wait(&rig, 949);
    assert_int_equal(outcome_of(sessions[1], 1), CD_OK);
    rig_wait(&rig, 1);
    assert_int_equal(outcome_of(sessions[1], 1), CD_OUTCOME_UNKNOWN);
    assert_int_equal(outcome_of(sessions[2], 1), CD_OK);
    rig_wait(&rig, 5000);
    assert_int_equal(fsm_fifo_count(&rig.fsm->tombstones), 0);
    assert_int_equal(rig.fsm->reply_bytes, 0);
    assert_int_equal(rig.fsm->sessions_digest, 0);
    rig_release(&rig);

    limits.tombstones = 0;
    start(&limits);
    end_one(&sessions[0]);
    assert_int_equal(outcome_of(sessions[0], 1), CD_OUTCOME_UNKNOWN);
    rig_release(&rig);
}

/* Wall time is nobody's age. */
static void test_wall_time(void **state)
{
    (void)state;
    uint64_t session;
    start(NULL);
    end_one(&session);
    struct fsm_batch_stamp stamp = {.wall_ms = UINT64_C(1) << 40};
    fsm_slot_begin(rig.fsm, fsm_slot(rig.fsm) + 1, &stamp);
    fsm_slot_end(rig.fsm);
    assert_int_equal(outcome_of(session, 1), CD_OK);
    rig_release(&rig);
}

/* A long silence does not make one slot forget all at once (F4). */
static void test_forgets_in_steps(void **state)
{
    (void)state;
    start(NULL);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t session;
        end_one(&session);
        struct fsm_command command = call((uint8_t)i, "me", make_create("/a", ""));
        assert_int_equal(rig_judge(&rig, command), FSM_TAKEN);
    }
    rig_wait(&rig, UINT64_C(1) << 40);
    assert_int_equal(fsm_fifo_count(&rig.fsm->tombstones), 0);
    assert_int_equal(fsm_fifo_count(&rig.fsm->calls), 400 - FSM_FORGOTTEN_PER_SLOT);
    rig_wait(&rig, 0);
    assert_int_equal(fsm_fifo_count(&rig.fsm->calls), 0);
    rig_release(&rig);
}

static void test_calls(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.call_keys = 2;
    limits.call_key_ms = 1000;
    start(&limits);
    struct fsm_command first = call(1, "me", make_create("/a", "data"));
    assert_int_equal(rig_judge(&rig, first), FSM_TAKEN);
    assert_int_equal(rig.result.status, CD_OK);
    uint64_t zxid = fsm_zxid(rig.fsm);
    rig_must(&rig, make_delete("/a"));
    assert_int_equal(rig_judge(&rig, first), FSM_REPLAYED);
    assert_int_equal(rig.result.zxid, zxid);
    assert_text(rig.result.outcomes[0].path, "/a");
    assert_int_equal(rig.result.changes_count, 0);
    assert_int_equal(fsm_nodes_count(rig.fsm), 1);

    struct fsm_command other = first;
    other.request_hash++;
    assert_int_equal(rig_judge(&rig, other), FSM_CONFLICT);
    assert_int_equal(rig.result.status, CD_SEQ_CONFLICT);
    other = first;
    other.who = make_who("you");
    assert_int_equal(rig_judge(&rig, other), FSM_CONFLICT);
    other.who = make_who("me");
    other.who.scheme = FSM_SCHEME_CN;
    assert_int_equal(rig_judge(&rig, other), FSM_CONFLICT);
    assert_int_equal(outcome_of_call(1, "me"), CD_OK);
    assert_int_equal(outcome_of_call(1, "you"), CD_OUTCOME_UNKNOWN);
    assert_int_equal(outcome_of_call(2, "me"), CD_OUTCOME_UNKNOWN);

    /* A refused call is kept as well; the oldest goes when there are too many. */
    assert_int_equal(rig_judge(&rig, call(2, "me", make_delete("/none"))), FSM_TAKEN);
    assert_int_equal(rig_judge(&rig, call(2, "me", make_delete("/none"))), FSM_REPLAYED);
    assert_int_equal(rig.result.status, CD_NO_NODE);
    assert_int_equal(rig_judge(&rig, call(3, "me", make_create("/c", ""))), FSM_TAKEN);
    assert_int_equal(outcome_of_call(1, "me"), CD_OUTCOME_UNKNOWN);
    assert_int_equal(outcome_of_call(2, "me"), CD_OK);
    fsm_check(rig.fsm);
    rig_wait(&rig, 2000);
    assert_int_equal(outcome_of_call(2, "me"), CD_OUTCOME_UNKNOWN);
    assert_int_equal(outcome_of_call(3, "me"), CD_OUTCOME_UNKNOWN);
    assert_int_equal(rig_judge(&rig, first), FSM_TAKEN); /* it happens again: past the bound */
    rig_release(&rig);
}

/* Two in one slot, the second applied while the first's slot is open. */
static void test_calls_in_one_slot(void **state)
{
    (void)state;
    start(NULL);
    struct fsm_command commands[] = {call(1, "me", make_create("/a", "")),
                                     call(1, "me", make_create("/a", "")),
                                     call(2, "me", make_create("/b", ""))};
    static const enum fsm_verdict verdicts[] = {FSM_TAKEN, FSM_REPLAYED, FSM_TAKEN};
    fsm_slot_begin(rig.fsm, 1, NULL);
    for (size_t i = 0; i < CD_ARRAY_COUNT(commands); i++) {
        fsm_apply(rig.fsm, &commands[i], &rig.result);
        assert_int_equal(rig.result.verdict, verdicts[i]);
        assert_int_equal(rig.result.status, CD_OK);
    }
    fsm_slot_end(rig.fsm);
    rig_release(&rig);
}

/* Ended sessions and calls give way to living ones, the oldest first; then there is a window. */
static void test_state_bytes(void **state)
{
    (void)state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.state_reply_bytes = 700;
    start(&limits);
    uint64_t ended[2];
    uint64_t session = rig_open(&rig);
    end_one(&ended[0]);
    assert_int_equal(rig_judge(&rig, call(1, "me", make_delete("/none"))), FSM_TAKEN);
    end_one(&ended[1]);
    uint64_t seq = 0;
    unsigned seen = 7; /* which of the three are still there */
    enum fsm_verdict verdict = FSM_TAKEN;
    while (verdict == FSM_TAKEN) {
        seq++;
        verdict = rig_judge(&rig, session_write(session, seq, make_set("/", "")));
        unsigned now = (outcome_of(ended[0], 1) == CD_OK ? 1u : 0u) |
                       (outcome_of_call(1, "me") == CD_OK ? 2u : 0u) |
                       (outcome_of(ended[1], 1) == CD_OK ? 4u : 0u);
        assert_true(now == seen || now == (seen & (seen - 1))); /* the oldest went */
        seen = now;
        fsm_check(rig.fsm);
    }
    assert_int_equal(verdict, FSM_WINDOW);
    assert_int_equal(seen, 0);
    assert_true(rig.fsm->reply_bytes >= 700 && rig.fsm->reply_bytes < 900);
    assert_int_equal(rig_judge(&rig, call(2, "me", make_delete("/none"))), FSM_WINDOW);
    uint64_t other = rig_open(&rig); /* keeps nothing */
    assert_int_equal(rig_judge(&rig, session_write(other, 1, make_set("/", ""))), FSM_WINDOW);
    struct fsm_command forget = session_write(session, seq, make_op(FSM_OP_FORGET));
    forget.reply_mark = seq - 1;
    assert_int_equal(rig_judge(&rig, forget), FSM_TAKEN);
    rig_write(&rig, other, 1, make_set("/", ""));
    fsm_check(rig.fsm);
    rig_release(&rig);
}

/* Every part of it is in the digest. */
static void test_digest(void **state)
{
    (void)state;
    start(NULL);
    uint64_t session = rig_open(&rig);
    rig_must(&rig, make_create("/a", ""));
    struct fsm_command commands[] = {
        session_write(session, 1, make_create("/a", "")), /* refused, but kept */
        session_write(session, 2, make_op(FSM_OP_FORGET)),
        call(1, "me", make_create("/a", "")),
        {.session = session, .op = make_op(FSM_OP_ATTACH_SESSION)},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(commands); i++) {
        uint64_t before = rig.fsm->sessions_digest;
        uint64_t zxid = fsm_zxid(rig.fsm);
        assert_int_equal(rig_judge(&rig, commands[i]), FSM_TAKEN);
        assert_true(rig.fsm->sessions_digest != before);
        assert_int_equal(fsm_zxid(rig.fsm), zxid);
    }
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcome),     cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_wall_time),   cmocka_unit_test(test_forgets_in_steps),
        cmocka_unit_test(test_calls),       cmocka_unit_test(test_calls_in_one_slot),
        cmocka_unit_test(test_state_bytes), cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
