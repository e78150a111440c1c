#include "support.h"

static uint64_t barrier_of(const struct rig *rig)
{
    return rig->out.barrier_token;
}

/* --- Followers --- */

static void test_a_round_is_confirmed(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT, 2);
    m.ballot = ballot_of(4, 2);
    m.nonce = 17;
    rig_deliver(&rig, &m);
    const struct paxos_message *reply = sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    assert_true(reply->granted);
    assert_ballot(reply->ballot, ballot_of(4, 2));
    assert_int_equal(reply->nonce, 17);
    assert_int_equal(rig.px->leader, 2);
    m.nonce = 0; /* an announcement: wants no answer */
    rig_deliver(&rig, &m);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT_REPLY), 0);
    rig_release(&rig);
}

static void test_a_deposed_leaders_round_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(5, 3), 1);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT, 2);
    m.ballot = ballot_of(4, 2);
    for (m.nonce = 0; m.nonce < 2; m.nonce++) {
        rig_deliver(&rig, &m); /* even if it wants no answer: it should know */
        const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
        assert_false(send->message.granted);
        assert_ballot(send->message.ballot, ballot_of(5, 3));
        assert_true(send->after_persist); /* it names a promise */
        assert_int_equal(rig.px->leader, 3);
    }
    rig_release(&rig);
}

/* R2: who may have forgotten confirms nobody, and refuses nobody. */
static void test_the_unverified_confirm_no_round(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_leader(&rig, ballot_of(4, 2), 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT_REPLY), 0);
    assert_int_equal(rig.px->leader, 2); /* it follows and learns all the same */
    hear_leader(&rig, ballot_of(3, 3), 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT_REPLY), 0);
    rig_verify(&rig);
    hear_leader(&rig, ballot_of(4, 2), 1);
    assert_true(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->granted);
    rig_release(&rig);
}

/* --- The leader's rounds --- */

static void test_a_heartbeat_goes_to_all_members(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    config_add(&config, 5, PAXOS_OBSERVER);
    rig_leader_of(&rig, 1, &config);
    uint64_t before = rig.px->round;
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    for (uint32_t node = 2; node <= 5; node++) {
        const struct paxos_message *m = sent(&rig, PAXOS_MSG_HEARTBEAT, node);
        assert_int_equal(m->nonce, before + 1);
        assert_int_equal(m->chosen, rig.px->chosen);
    }
    rig_tick(&rig, RIG_HEARTBEAT_MS / 2); /* early: harmless */
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 0);
    rig_release(&rig);
}

static void test_a_moved_mark_is_announced_at_once(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_OBSERVER);
    rig_leader_of(&rig, 1, &config);
    rig_propose(&rig, "value");
    rig_persisted(&rig);
    hear_accepted(&rig, 2, rig.px->next_slot - 1, rig.px->next_slot - 1);
    for (uint32_t node = 2; node <= 4; node++) {
        const struct paxos_message *m = sent(&rig, PAXOS_MSG_HEARTBEAT, node);
        assert_int_equal(m->chosen, rig.px->chosen);
        assert_int_equal(m->nonce, 0);
    }
    rig_release(&rig);
}

/* R23: it can send and is heard, but hears nobody: it gives up. */
static void test_a_leader_without_rounds_steps_down(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    for (int i = 0; i < 20; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 2, rig.px->round, 1);
        assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    }
    uint64_t completed = rig.now_ms;
    while (rig.px->role == PAXOS_ROLE_LEADER && rig.now_ms < completed + 1000) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_STEPPED_DOWN), 1);
    assert_true(rig.now_ms - completed > RIG_ELECTION_MS);
    assert_true(rig.now_ms - completed <= RIG_ELECTION_MS + RIG_HEARTBEAT_MS);
    rig_release(&rig);
}

static void test_confirmations_that_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_leader_of(&rig, 1, &config);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    uint64_t round = rig.px->round;
    uint64_t completed = rig.px->round_completed;
    assert_true(completed < round);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    m.granted = true;
    m.nonce = round;
    m.ballot = ballot_of(rig.px->promised.round - 1, 1);
    rig_deliver(&rig, &m);
    m.ballot = rig.px->promised;
    m.from_incarnation = 5; /* R2 */
    rig_deliver(&rig, &m);
    m.from_incarnation = incarnation_of(2);
    m.nonce = round + 1; /* a round that was not begun */
    rig_deliver(&rig, &m);
    hear_round(&rig, 4, round, 1); /* a learner */
    hear_round(&rig, 9, round, 1);
    assert_int_equal(rig.px->round_completed, completed);
    hear_round(&rig, 3, round, 1);
    assert_int_equal(rig.px->round_completed, round);
    rig_release(&rig);
}

/* An answer to a later round completes the earlier ones; an earlier answer takes nothing back. */
static void test_rounds_complete_in_any_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 5);
    for (int i = 0; i < 3; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
    }
    uint64_t round = rig.px->round;
    hear_round(&rig, 2, round, 1);
    hear_round(&rig, 3, round - 1, 1);
    assert_int_equal(rig.px->round_completed, round - 1);
    hear_round(&rig, 2, round - 2, 1); /* late */
    hear_round(&rig, 3, round, 1);
    assert_int_equal(rig.px->round_completed, round);
    rig_release(&rig);
}

/* --- Barriers at the leader (R8) --- */

static void test_a_barrier_waits_for_a_round_begun_after_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    uint64_t before = rig.px->round;
    rig_barrier(&rig, 1);
    uint64_t mine = rig.px->round;
    assert_int_equal(mine, before + 1); /* begun at once, and for it */
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 2);
    assert_int_equal(barrier_of(&rig), 0);
    hear_round(&rig, 2, before, 1); /* a round that was in flight when the read came */
    assert_int_equal(barrier_of(&rig), 0);
    hear_round(&rig, 2, mine, 1);
    assert_int_equal(barrier_of(&rig), 1);
    assert_int_equal(rig.out.barrier_index, rig.px->chosen);
    rig_release(&rig);
}

/* A second read joins no round that is under way: a write may have been acknowledged in between. */
static void test_a_later_barrier_gets_a_later_round(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_barrier(&rig, 1);
    uint64_t first = rig.px->round;
    paxos_slot index = rig.px->chosen;
    rig_propose(&rig, "between");
    rig_persisted(&rig);
    hear_accepted(&rig, 2, index + 1, index + 1);
    assert_int_equal(rig.px->chosen, index + 1);
    rig_barrier(&rig, 2);
    assert_int_equal(rig.px->round, first);
    hear_round(&rig, 2, first, 1);
    assert_int_equal(barrier_of(&rig), 1);
    assert_int_equal(rig.out.barrier_index, index); /* the mark when its round began */
    assert_int_equal(rig.px->round, first + 1);     /* and the next one begins at once */
    hear_round(&rig, 3, first + 1, 1);
    assert_int_equal(barrier_of(&rig), 2);
    assert_int_equal(rig.out.barrier_index, index + 1);
    rig_release(&rig);
}

static void test_all_that_wait_share_a_round(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_barrier(&rig, 1);
    uint64_t first = rig.px->round;
    rig_barrier(&rig, 2);
    rig_barrier(&rig, 3);
    hear_round(&rig, 2, first, 1);
    hear_round(&rig, 2, first + 1, 1);
    assert_int_equal(barrier_of(&rig), 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(barrier_of(&rig), 0);
    rig_release(&rig);
}

/* A lost heartbeat: a later round serves as well. */
static void test_a_later_round_serves_an_earlier_barrier(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_barrier(&rig, 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 1);
    rig_release(&rig);
}

/*
 * R8: slot 2 was acknowledged by the leader before and is only adopted here. Until the own LEAD is
 * applied the mark says nothing about it.
 */
static void test_no_barrier_before_the_own_lead_is_applied(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry old = command_entry(&rig, 2, "acknowledged");
    hear_promise(&rig, 2, 1, &old, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_barrier(&rig, 1);
    hear_round(&rig, 2, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 0);
    rig_persisted(&rig);
    hear_accepted(&rig, 2, 2, 3);
    assert_int_equal(rig.px->chosen, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 0); /* chosen, not applied */
    rig_applied(&rig);
    hear_round(&rig, 2, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 1);
    assert_true(rig.out.barrier_index >= 2);
    rig_release(&rig);
}

static void test_a_lone_leader_confirms_itself(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 1);
    for (int i = 0; i < 100 && !rig.px->established; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
        rig_applied(&rig);
    }
    rig_barrier(&rig, 1);
    assert_int_equal(barrier_of(&rig), 1);
    rig_barrier(&rig, 2);
    assert_int_equal(barrier_of(&rig), 2);
    rig_release(&rig);
}

/* What waited here when leadership was lost is asked of the next leader. */
static void test_barriers_outlive_a_leadership(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_barrier(&rig, 1);
    uint64_t round = rig.px->round;
    struct paxos_ballot mine = rig.px->promised;
    hear_leader(&rig, ballot_of(mine.round + 1, 3), 1);
    assert_true(sent(&rig, PAXOS_MSG_READ_ASK, 3)->nonce == rig.boot + 1);
    struct paxos_message late = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    late.granted = true;
    late.ballot = mine;
    late.nonce = round;
    rig_deliver(&rig, &late);
    assert_int_equal(barrier_of(&rig), 0);
    rig_release(&rig);
}

/* --- Followers' barriers --- */

static void answer(struct rig *rig, uint32_t from, uint64_t nonce, paxos_slot index)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_READ_ANSWER, from);
    m.nonce = nonce;
    m.chosen = index;
    rig_deliver(rig, &m);
}

static void test_a_follower_asks_its_leader(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    rig_barrier(&rig, 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ASK), 0); /* nobody to ask */
    hear_leader(&rig, ballot_of(4, 2), 1);
    uint64_t nonce = sent(&rig, PAXOS_MSG_READ_ASK, 2)->nonce;
    rig_barrier(&rig, 2);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ASK), 0); /* one question at a time */
    answer(&rig, 2, nonce, 9);
    assert_int_equal(barrier_of(&rig), 1); /* the second read came after it was sent */
    assert_int_equal(rig.out.barrier_index, 9);
    uint64_t next = sent(&rig, PAXOS_MSG_READ_ASK, 2)->nonce;
    assert_true(next != nonce);
    answer(&rig, 2, nonce, 10); /* a copy of the first answer */
    assert_int_equal(barrier_of(&rig), 0);
    answer(&rig, 2, next, 11);
    assert_int_equal(barrier_of(&rig), 2);
    assert_int_equal(rig.out.barrier_index, 11);
    rig_release(&rig);
}

static void test_answers_to_an_earlier_life_are_ignored(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(4, 2), 1);
    rig_barrier(&rig, 1);
    uint64_t nonce = sent(&rig, PAXOS_MSG_READ_ASK, 2)->nonce;
    rig_restart(&rig, rig.log_count);
    rig.boot += 1000000; /* drawn at random in truth */
    rig_restart(&rig, rig.log_count);
    rig_verify(&rig);
    hear_leader(&rig, ballot_of(4, 2), 1);
    rig_barrier(&rig, 1);
    answer(&rig, 2, nonce, 9);
    assert_int_equal(barrier_of(&rig), 0);
    answer(&rig, 2, rig.boot + 7, 9); /* a question that was not asked */
    assert_int_equal(barrier_of(&rig), 0);
    answer(&rig, 2, rig.boot + 1, 9);
    assert_int_equal(barrier_of(&rig), 1);
    rig_release(&rig);
}

static void test_a_lost_question_is_repeated(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(4, 2), 1);
    rig_barrier(&rig, 1);
    rig_barrier(&rig, 2);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_true(sent(&rig, PAXOS_MSG_READ_ASK, 2)->nonce == rig.boot + 2);
    hear_leader(&rig, ballot_of(5, 3), 1); /* a new leader: at once */
    assert_true(sent(&rig, PAXOS_MSG_READ_ASK, 3)->nonce == rig.boot + 2);
    rig_release(&rig);
}

/* --- The leader's answers to followers --- */

static void ask(struct rig *rig, uint32_t from, uint64_t nonce)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_READ_ASK, from);
    m.nonce = nonce;
    rig_deliver(rig, &m);
}

static void test_a_question_waits_for_a_round_begun_after_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    ask(&rig, 2, 100);
    uint64_t first = rig.px->round;
    ask(&rig, 3, 200); /* the round under way is not for it */
    hear_round(&rig, 2, first, 1);
    const struct paxos_message *m = sent(&rig, PAXOS_MSG_READ_ANSWER, 2);
    assert_int_equal(m->nonce, 100);
    assert_int_equal(m->chosen, rig.px->chosen);
    assert_ballot(m->ballot, rig.px->leader_ballot);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ANSWER), 1);
    hear_round(&rig, 2, first + 1, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_READ_ANSWER, 3)->nonce, 200);
    hear_round(&rig, 3, rig.px->round, 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ANSWER), 0); /* each once */
    rig_release(&rig);
}

/* The newest question of a follower counts; the one that a round in flight answers is answered. */
static void test_a_newer_question_takes_the_place_of_an_older(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    ask(&rig, 2, 100);
    uint64_t first = rig.px->round;
    ask(&rig, 2, 101);
    ask(&rig, 2, 102);
    hear_round(&rig, 3, first, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_READ_ANSWER, 2)->nonce, 100);
    hear_round(&rig, 3, first + 1, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_READ_ANSWER, 2)->nonce, 102);
    rig_release(&rig);
}

static void test_only_an_established_leader_answers(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    ask(&rig, 2, 100);
    rig_wait(&rig, 3 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ANSWER), 0);
    become_candidate(&rig);
    hear_promise(&rig, 3, 1, NULL, 0);
    ask(&rig, 2, 101);
    hear_round(&rig, 3, rig.px->round, 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_READ_ANSWER), 0);
    rig_persisted(&rig);
    hear_accepted(&rig, 3, 2, 2);
    rig_applied(&rig);
    hear_round(&rig, 3, rig.px->round, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_READ_ANSWER, 2)->nonce, 101);
    rig_release(&rig);
}

static void test_questions_are_forgotten_with_the_leadership(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    ask(&rig, 2, 100);
    hear_leader(&rig, ballot_of(rig.px->promised.round + 1, 3), 1);
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        assert_int_equal(rig.px->peers[i].ask_nonce, 0);
        assert_int_equal(rig.px->peers[i].ask_in_round, 0);
    }
    rig_release(&rig);
}

/* Rounds are numbered anew in each leadership: what was confirmed in the last one is nothing now.
 */
static void test_a_leadership_begins_without_rounds(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    for (int i = 0; i < 5; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 2, rig.px->round, 1);
    }
    rig_barrier(&rig, 1); /* its round is under way when the leadership ends */
    hear_refusal(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 3, ballot_of(rig.px->promised.round + 1, 3));
    become_candidate(&rig);
    struct paxos_entry between = command_entry(&rig, rig.px->chosen + 1, "between");
    hear_promise(&rig, 3, rig.px->chosen, &between, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(rig.px->round, 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(rig.px->round_completed, 0); /* 2 has confirmed none of these */
    rig_persisted(&rig);
    hear_accepted(&rig, 3, between.slot, between.slot + 1);
    for (int i = 0; i < 9; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 3, rig.px->round, 1);
        assert_int_equal(barrier_of(&rig), 0);
    }
    rig_applied(&rig);
    hear_round(&rig, 3, rig.px->round, 1);
    assert_int_equal(barrier_of(&rig), 1);
    assert_true(rig.out.barrier_index >= between.slot);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_round_is_confirmed),
        cmocka_unit_test(test_a_deposed_leaders_round_is_refused),
        cmocka_unit_test(test_the_unverified_confirm_no_round),
        cmocka_unit_test(test_a_heartbeat_goes_to_all_members),
        cmocka_unit_test(test_a_moved_mark_is_announced_at_once),
        cmocka_unit_test(test_a_leader_without_rounds_steps_down),
        cmocka_unit_test(test_confirmations_that_do_not_count),
        cmocka_unit_test(test_rounds_complete_in_any_order),
        cmocka_unit_test(test_a_barrier_waits_for_a_round_begun_after_it),
        cmocka_unit_test(test_a_later_barrier_gets_a_later_round),
        cmocka_unit_test(test_all_that_wait_share_a_round),
        cmocka_unit_test(test_a_later_round_serves_an_earlier_barrier),
        cmocka_unit_test(test_no_barrier_before_the_own_lead_is_applied),
        cmocka_unit_test(test_a_lone_leader_confirms_itself),
        cmocka_unit_test(test_barriers_outlive_a_leadership),
        cmocka_unit_test(test_a_follower_asks_its_leader),
        cmocka_unit_test(test_answers_to_an_earlier_life_are_ignored),
        cmocka_unit_test(test_a_lost_question_is_repeated),
        cmocka_unit_test(test_a_question_waits_for_a_round_begun_after_it),
        cmocka_unit_test(test_a_newer_question_takes_the_place_of_an_older),
        cmocka_unit_test(test_only_an_established_leader_answers),
        cmocka_unit_test(test_questions_are_forgotten_with_the_leadership),
        cmocka_unit_test(test_a_leadership_begins_without_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
