#include "support.h"

#include "base/prng.h"
#include "fsm/session.h"

#include <stdio.h>

/* Goal: one session and the ordered set of them; a frozen set shows what it showed. */

static const uint8_t secret[FSM_SECRET_HASH_BYTES] = {1, 2, 3};

static struct fsm_session *make(uint64_t id)
{
    struct fsm_who who = make_who("spiffe://x/y");
    return fsm_session_create(id, &who, secret, 10000);
}

static void keep(struct fsm_session *session, const char *packed)
{
    fsm_session_keep(session,
                     fsm_reply_create(session->id, session->last_seq + 1, 7, text(packed)));
}

static void test_view(void **state)
{
    (void)state;
    struct fsm_session *session = make(77);
    struct fsm_session_view view;
    session->attach = 3;
    session->ephemerals = 4;
    keep(session, "0123456789");
    fsm_session_view(session, &view);
    assert_int_equal(view.session, 77);
    assert_int_equal(view.who.scheme, FSM_SCHEME_URI);
    assert_text(view.who.id, "spiffe://x/y");
    assert_false(view.who.administrator);
    assert_memory_equal(view.secret_hash, secret, sizeof(secret));
    assert_int_equal(view.timeout_ms, 10000);
    assert_int_equal(view.attach, 3);
    assert_int_equal(view.last_seq, 1);
    assert_int_equal(view.reply_mark, 0);
    assert_int_equal(view.kept_bytes, 10 + FSM_REPLY_OVERHEAD_BYTES);
    assert_int_equal(view.ephemerals, 4);
    assert_false(view.ended);
    session->ended_zxid = 99;
    fsm_session_view(session, &view);
    assert_true(view.ended);
    fsm_session_unref(session);
}

/* Each reply is found by its seq while the ring grows, wraps and shrinks. */
static void test_replies(void **state)
{
    (void)state;
    struct cd_prng prng;
    struct fsm_session *session = make(1);
    cd_prng_init(&prng, 3);
    for (unsigned step = 0; step < 5000; step++) {
        char packed[16];
        bool grow = step / 300 % 2 == 0;
        if (cd_prng_below(&prng, 100) < (grow ? 70 : 30)) {
            (void)snprintf(packed, sizeof(packed), "%llu",
                           (unsigned long long)session->last_seq + 1);
            keep(session, packed);
        } else if (session->reply_mark < session->last_seq) {
            fsm_session_forget_first(session);
        }
        for (uint64_t seq = session->reply_mark + 1; seq <= session->last_seq; seq++) {
            (void)snprintf(packed, sizeof(packed), "%llu", (unsigned long long)seq);
            assert_text(fsm_reply_bytes(fsm_session_reply(session, seq)), packed);
        }
    }
    assert_true(session->last_seq > 1000);
    fsm_session_unref(session);
}

/* The digest sees every field; what never changes in the making, the rest now. */
static void test_digest(void **state)
{
    (void)state;
    struct fsm_session *session = make(5);
    uint64_t *const fields[] = {
        &session->attach,     &session->last_seq,   &session->reply_mark,      &session->kept_bytes,
        &session->ephemerals, &session->ended_zxid, &session->ended_elapsed_ms};
    uint64_t before = fsm_session_digest(session);
    for (size_t i = 0; i < CD_ARRAY_COUNT(fields); i++) {
        (*fields[i])++;
        assert_true(fsm_session_digest(session) != before);
        (*fields[i])--;
        assert_true(fsm_session_digest(session) == before);
    }
    session->timeout_ms++;
    assert_true(fsm_session_digest(session) != before);
    fsm_session_unref(session);

    struct fsm_who who = make_who("spiffe://x/y");
    uint8_t other_secret[FSM_SECRET_HASH_BYTES] = {1, 2, 4};
    struct fsm_session *others[4];
    others[0] = make(6);
    others[1] = fsm_session_create(5, &who, other_secret, 10000);
    who.scheme = FSM_SCHEME_CN;
    others[2] = fsm_session_create(5, &who, secret, 10000);
    who = make_who("spiffe://x/z");
    others[3] = fsm_session_create(5, &who, secret, 10000);
    for (size_t i = 0; i < CD_ARRAY_COUNT(others); i++) {
        assert_true(fsm_session_digest(others[i]) != before);
        fsm_session_unref(others[i]);
    }
}

static void test_set(void **state)
{
    (void)state;
    struct fsm_session_set set = {0};
    struct cd_prng prng;
    bool live[3000] = {0};
    uint64_t count = 0;
    cd_prng_init(&prng, 11);
    assert_null(fsm_session_set_find(&set, 1));
    assert_null(fsm_session_set_next(&set, 0));
    for (uint64_t id = 1; id < CD_ARRAY_COUNT(live); id++) {
        if (id % 3 != 0) {
            fsm_session_set_add(&set, make(id));
            live[id] = true;
            count++;
        }
        for (unsigned i = 0; i < (id < 1500 ? 1 : 2); i++) {
            uint64_t victim = 1 + cd_prng_below(&prng, id);
            if (live[victim] && victim % 50 != 1) {
                fsm_session_unref(fsm_session_set_take(&set, victim));
                live[victim] = false;
                count--;
            }
        }
        assert_int_equal(set.count, count);
        assert_true(set.slots_count < 2 * count + 17);
        if (id % 100 != 0) {
            continue;
        }
        uint64_t before = 0;
        for (uint64_t at = 1; at < CD_ARRAY_COUNT(live); at++) {
            const struct fsm_session *found = fsm_session_set_find(&set, at);
            assert_true((found != NULL) == live[at]);
            if (live[at]) {
                assert_int_equal(found->id, at);
                assert_ptr_equal(fsm_session_set_next(&set, before), found);
                assert_ptr_equal(fsm_session_set_next(&set, at - 1), found);
                before = at;
            }
        }
        assert_null(fsm_session_set_next(&set, before));
    }
    assert_null(fsm_session_set_next(&set, UINT64_MAX));
    fsm_session_set_release(&set);
}

static void test_frozen(void **state)
{
    (void)state;
    struct fsm_session_set set = {0};
    struct fsm_session_set frozen;
    for (uint64_t id = 1; id <= 5; id++) {
        fsm_session_set_add(&set, make(id));
    }
    keep(fsm_session_set_own(&set, 2), "a");
    keep(fsm_session_set_own(&set, 2), "b");
    fsm_session_unref(fsm_session_set_take(&set, 4));
    fsm_session_set_share(&frozen, &set);

    struct fsm_session *session = fsm_session_set_own(&set, 2);
    assert_ptr_equal(session, fsm_session_set_own(&set, 2)); /* copied once */
    fsm_session_forget_first(session);
    keep(session, "c");
    session->attach = 9;
    fsm_session_unref(fsm_session_set_take(&set, 5));
    fsm_session_set_add(&set, make(6));

    const struct fsm_session *old = fsm_session_set_find(&frozen, 2);
    assert_int_equal(old->attach, 0);
    assert_int_equal(old->last_seq, 2);
    assert_text(fsm_reply_bytes(fsm_session_reply(old, 1)), "a");
    assert_text(fsm_reply_bytes(fsm_session_reply(old, 2)), "b");
    assert_text(fsm_reply_bytes(fsm_session_reply(session, 2)), "b");
    assert_text(fsm_reply_bytes(fsm_session_reply(session, 3)), "c");
    assert_non_null(fsm_session_set_find(&frozen, 5));
    assert_null(fsm_session_set_find(&frozen, 4));
    assert_null(fsm_session_set_find(&frozen, 6));
    assert_ptr_equal(fsm_session_set_find(&frozen, 1), fsm_session_set_find(&set, 1));

    assert_false(fsm_session_set_release_some(&frozen, 2));
    assert_true(fsm_session_set_release_some(&frozen, 2));
    fsm_session_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view), cmocka_unit_test(test_replies), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_set),  cmocka_unit_test(test_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
