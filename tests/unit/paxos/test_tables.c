#include "support.h"

#include "base/prng.h"

static struct paxos_ballot make(uint64_t round, uint32_t node, uint64_t incarnation)
{
    return (struct paxos_ballot){.round = round, .node = node, .incarnation = incarnation};
}

static void test_ballots_compare_by_round_node_incarnation(void **state)
{
    (void)state;
    assert_int_equal(paxos_ballot_compare(make(3, 2, 1), make(3, 2, 1)), 0);
    assert_true(paxos_ballot_compare(make(3, 9, 9), make(4, 1, 1)) < 0);
    assert_true(paxos_ballot_compare(make(4, 1, 1), make(3, 9, 9)) > 0);
    assert_true(paxos_ballot_compare(make(3, 1, 9), make(3, 2, 1)) < 0);
    assert_true(paxos_ballot_compare(make(3, 2, 1), make(3, 1, 9)) > 0);
    assert_true(paxos_ballot_compare(make(3, 2, 1), make(3, 2, 2)) < 0);
    assert_true(paxos_ballot_compare(make(0, 0, 0), make(0, 0, 1)) < 0);
    assert_true(paxos_ballot_compare(make(UINT64_MAX, 0, 0), make(1, 0, 0)) > 0);
    assert_true(paxos_ballot_compare(make(1, UINT32_MAX, 0), make(1, 1, 0)) > 0);
    assert_true(paxos_ballot_compare(make(1, 1, UINT64_MAX), make(1, 1, 0)) > 0);
}

static void test_the_order_is_total(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 1);
    for (int i = 0; i < 20000; i++) {
        struct paxos_ballot b[3];
        for (int k = 0; k < 3; k++) {
            b[k] = make(cd_prng_below(&prng, 3), (uint32_t)cd_prng_below(&prng, 3),
                        cd_prng_below(&prng, 3));
        }
        int ab = paxos_ballot_compare(b[0], b[1]);
        int bc = paxos_ballot_compare(b[1], b[2]);
        assert_int_equal(ab, -paxos_ballot_compare(b[1], b[0]));
        if (ab <= 0 && bc <= 0) {
            assert_true(paxos_ballot_compare(b[0], b[2]) <= 0);
        }
        bool same = b[0].round == b[1].round && b[0].node == b[1].node &&
                    b[0].incarnation == b[1].incarnation;
        assert_int_equal(ab == 0, same);
    }
}

static void test_message_names(void **state)
{
    (void)state;
    assert_string_equal(paxos_message_name(PAXOS_MSG_PROBE), "PROBE");
    assert_string_equal(paxos_message_name(PAXOS_MSG_TAKE_OVER), "TAKE_OVER");
    for (int kind = 1; kind <= 16; kind++) {
        assert_string_not_equal(paxos_message_name((enum paxos_message_kind)kind), "UNKNOWN");
    }
    assert_string_equal(paxos_message_name((enum paxos_message_kind)0), "UNKNOWN");
    assert_string_equal(paxos_message_name((enum paxos_message_kind)17), "UNKNOWN");
}

static void test_note_names(void **state)
{
    (void)state;
    assert_string_equal(paxos_note_name(PAXOS_NOTE_LEADING), "LEADING");
    assert_string_equal(paxos_note_text(PAXOS_NOTE_LEADING), "won its ballot");
    for (int kind = 0; kind < PAXOS_NOTE_COUNT; kind++) {
        assert_non_null(paxos_note_name((enum paxos_note_kind)kind));
        assert_true(strlen(paxos_note_text((enum paxos_note_kind)kind)) > 0);
    }
    assert_string_equal(paxos_note_name(PAXOS_NOTE_COUNT), "UNKNOWN");
    assert_string_equal(paxos_note_text(PAXOS_NOTE_COUNT), "unknown");
}

static void test_role_names(void **state)
{
    (void)state;
    assert_string_equal(paxos_role_name(PAXOS_ROLE_LEARNER), "learner");
    assert_string_equal(paxos_role_name(PAXOS_ROLE_FOLLOWER), "follower");
    assert_string_equal(paxos_role_name(PAXOS_ROLE_PRECANDIDATE), "precandidate");
    assert_string_equal(paxos_role_name(PAXOS_ROLE_CANDIDATE), "candidate");
    assert_string_equal(paxos_role_name(PAXOS_ROLE_LEADER), "leader");
    assert_string_equal(paxos_role_name((enum paxos_role)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ballots_compare_by_round_node_incarnation),
        cmocka_unit_test(test_the_order_is_total),
        cmocka_unit_test(test_message_names),
        cmocka_unit_test(test_note_names),
        cmocka_unit_test(test_role_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
