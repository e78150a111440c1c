#include "support.h"

/* What the leader sends in ACCEPTs of this step to `to`: first and last slot, 0 if nothing. */
static size_t accepts_to(const struct rig *rig, uint32_t to, paxos_slot *ret_first,
                         paxos_slot *ret_last)
{
    size_t entries = 0;
    *ret_first = *ret_last = 0;
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        const struct paxos_message *m = &rig->out.sends[i].message;
        if (m->kind == PAXOS_MSG_ACCEPT && m->to == to && m->entries_count != 0) {
            *ret_first = *ret_first == 0 ? m->entries[0].slot : *ret_first;
            *ret_last = m->entries[m->entries_count - 1].slot;
            entries += m->entries_count;
        }
    }
    return entries;
}

static size_t entries_to(const struct rig *rig, uint32_t to)
{
    paxos_slot first;
    paxos_slot last;
    return accepts_to(rig, to, &first, &last);
}

/* --- Proposing --- */

static void test_a_proposal_goes_to_disk_and_peers_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot slot = rig.px->next_slot;
    rig_propose(&rig, "value");
    const struct paxos_persist *record = persisted(&rig, PAXOS_PERSIST_ACCEPTED);
    assert_int_equal(record->slot, slot);
    assert_true(entry_says(&record->entry, "value"));
    assert_ballot(record->entry.ballot, rig.px->leader_ballot);
    for (uint32_t node = 2; node <= 3; node++) {
        const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_ACCEPT, node);
        assert_false(send->after_persist); /* the promise to this ballot is durable */
        assert_int_equal(send->message.entries_count, 1);
        assert_true(entry_says(&send->message.entries[0], "value"));
        assert_int_equal(send->message.chosen, slot - 1);
    }
    rig_release(&rig);
}

static void test_nothing_is_proposed_before_the_own_lead_is_applied(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    assert_false(paxos_may_propose(rig.px));
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(rig.px->lead_slot, 2);
    assert_false(paxos_may_propose(rig.px));
    rig_persisted(&rig);
    hear_accepted(&rig, 2, 2, 2);
    assert_int_equal(rig.px->chosen, 2);
    assert_false(paxos_may_propose(rig.px)); /* chosen, not applied */
    rig_applied(&rig);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ESTABLISHED), 1);
    assert_true(paxos_may_propose(rig.px));
    rig_applied(&rig);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ESTABLISHED), 0);
    rig_release(&rig);
}

/* R5: slot s is proposed only when s - alpha is applied here. */
static void test_the_window_is_alpha_beyond_the_applied(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot first = rig.px->next_slot;
    for (int i = 0; i < RIG_ALPHA; i++) {
        rig_propose(&rig, "value");
    }
    assert_int_equal(rig.px->next_slot, rig.px->applied + RIG_ALPHA + 1);
    assert_false(paxos_may_propose(rig.px));
    rig_persisted(&rig);
    hear_accepted(&rig, 2, first, first + 1);
    assert_int_equal(rig.px->chosen, first + 1);
    assert_false(paxos_may_propose(rig.px)); /* chosen is not enough */
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_APPLIED, .slot = first});
    rig_propose(&rig, "one more");
    assert_false(paxos_may_propose(rig.px));
    rig_applied(&rig);
    assert_true(paxos_may_propose(rig.px));
    rig_release(&rig);
}

static void test_large_values_go_in_messages_of_their_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct cd_blob *large = cd_blob_create(PAXOS_MESSAGE_BYTES_SOFT);
    memset(large->data, 'x', large->bytes);
    struct paxos_entry entries[3];
    for (size_t i = 0; i < 3; i++) {
        entries[i] = entry_of(2 + i, PAXOS_COMMANDS);
        entries[i].payload = large;
    }
    hear_promise(&rig, 2, 1, entries, 3);
    /* Slots 2, 3, 4 are adopted and 5 is the own LEAD. */
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), 2 * 4);
    paxos_slot first = 0;
    paxos_slot last = 0;
    assert_int_equal(accepts_to(&rig, 3, &first, &last), 4);
    assert_int_equal(first, 2);
    assert_int_equal(last, 5);
    cd_blob_unref(large);
    rig_release(&rig);
}

/* --- Counting (P4) --- */

static void test_a_majority_of_durable_acceptances_chooses(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 5);
    paxos_slot slot = rig.px->next_slot;
    rig_propose(&rig, "value");
    hear_accepted(&rig, 2, slot, slot);
    hear_accepted(&rig, 2, slot, slot); /* the same voice twice */
    assert_int_equal(rig.px->chosen, slot - 1);
    hear_accepted(&rig, 3, slot, slot);
    assert_int_equal(rig.px->chosen, slot - 1); /* two of five, and our own disk not yet */
    rig_persisted(&rig);
    assert_int_equal(rig.px->chosen, slot);
    assert_true(entry_says(&rig.out.chosen[0], "value"));
    assert_int_equal(persisted(&rig, PAXOS_PERSIST_MARK)->slot, slot);
    rig_release(&rig);
}

/* The leader's own disk is one voice like others: it may be the slowest. */
static void test_followers_may_choose_without_the_leaders_disk(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot slot = rig.px->next_slot;
    rig_propose(&rig, "value");
    hear_accepted(&rig, 2, slot, slot);
    assert_int_equal(rig.px->chosen, slot - 1);
    hear_accepted(&rig, 3, slot, slot);
    assert_int_equal(rig.px->chosen, slot);
    rig_release(&rig);
}

static void test_a_lone_voter_waits_for_its_disk(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 1);
    for (int i = 0; i < 100 && rig.px->role != PAXOS_ROLE_LEADER; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
    }
    rig_persisted(&rig);
    rig_applied(&rig);
    rig_propose(&rig, "value");
    assert_int_equal(rig.out.chosen_count, 0);
    assert_int_equal(rig.out.sends_count, 0);
    rig_persisted(&rig);
    assert_int_equal(rig.out.chosen_count, 1);
    rig_release(&rig);
}

static void test_acceptances_that_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    config_add(&config, 5, PAXOS_OBSERVER);
    rig_leader_of(&rig, 1, &config);
    paxos_slot slot = rig.px->next_slot;
    rig_propose(&rig, "value");
    rig_persisted(&rig);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_ACCEPTED, 2);
    m.granted = true;
    m.first = m.last = slot;
    m.ballot = ballot_of(rig.px->promised.round - 1, 1); /* under an earlier ballot of ours */
    rig_deliver(&rig, &m);
    m.ballot = rig.px->promised;
    m.from_incarnation = 5; /* R2 */
    rig_deliver(&rig, &m);
    m.from_incarnation = incarnation_of(2);
    m.first = m.last = slot + 1; /* of a slot that was not proposed */
    rig_deliver(&rig, &m);
    m.first = 1;
    m.last = slot - 1;
    rig_deliver(&rig, &m);
    hear_accepted(&rig, 4, slot, slot);
    hear_accepted(&rig, 5, slot, slot);
    hear_accepted(&rig, 9, slot, slot);
    assert_int_equal(rig.px->chosen, slot - 1);
    hear_accepted(&rig, 2, 1, PAXOS_SLOT_MAX);
    assert_int_equal(rig.px->chosen, slot);
    rig_release(&rig);
}

/* Acceptances come in any order; slots are handed out in theirs (P6). */
static void test_slots_are_chosen_in_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot first = rig.px->next_slot;
    rig_propose(&rig, "a");
    rig_propose(&rig, "b");
    rig_propose(&rig, "c");
    rig_persisted(&rig);
    hear_accepted(&rig, 2, first + 1, first + 2);
    assert_int_equal(rig.out.chosen_count, 0);
    hear_accepted(&rig, 3, first, first);
    assert_int_equal(rig.out.chosen_count, 3);
    assert_true(entry_says(&rig.out.chosen[0], "a"));
    assert_true(entry_says(&rig.out.chosen[2], "c"));
    rig_release(&rig);
}

/* An acceptance of a value that an earlier ballot had there says nothing about ours. */
static void test_only_acceptances_under_the_own_ballot_count(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry own = command_entry(&rig, 2, "own");
    hear_accept(&rig, ballot_of(5, 2), 1, &own, 1);
    rig_persisted(&rig);
    become_candidate(&rig);
    hear_promise(&rig, 3, 1, NULL, 0);
    assert_int_equal(rig.px->chosen, 1);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_ACCEPTED, 2);
    m.granted = true;
    m.ballot = ballot_of(5, 2);
    m.first = m.last = 2;
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->chosen, 1);
    rig_persisted(&rig); /* under our ballot it is one voice, our own */
    assert_int_equal(rig.px->chosen, 1);
    hear_accepted(&rig, 3, 2, 2);
    assert_int_equal(rig.px->chosen, 2);
    rig_release(&rig);
}

/* --- Repeating --- */

static void test_lost_proposals_are_repeated(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot slot = rig.px->next_slot;
    rig_propose(&rig, "a");
    rig_propose(&rig, "b");
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), 0); /* patience */
    hear_round(&rig, 2, rig.px->round, 1);
    hear_round(&rig, 3, rig.px->round, 1);
    hear_accepted(&rig, 2, slot, slot); /* one of them arrived at 2 */
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    paxos_slot first = 0;
    paxos_slot last = 0;
    assert_int_equal(accepts_to(&rig, 2, &first, &last), 1);
    assert_int_equal(first, slot + 1);
    assert_int_equal(accepts_to(&rig, 3, &first, &last), 2);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), 0); /* not at once again */
    rig_release(&rig);
}

static void test_who_is_not_heard_gets_no_repeats(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    for (int i = 0; i < 20; i++) { /* 3 is gone */
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 2, rig.px->round, 1);
    }
    rig_propose(&rig, "a");
    assert_int_equal(entries_to(&rig, 3), 1); /* the first time is for everyone */
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(entries_to(&rig, 2), 1);
    assert_int_equal(entries_to(&rig, 3), 0);
    hear_round(&rig, 3, rig.px->round, 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(entries_to(&rig, 3), 1);
    rig_release(&rig);
}

/* A window of large values is not poured out again in one step. */
static void test_a_tick_repeats_no_more_than_a_message(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    struct cd_blob *large = cd_blob_create(PAXOS_MESSAGE_BYTES_SOFT);
    memset(large->data, 'x', large->bytes);
    for (int i = 0; i < 3; i++) {
        rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_PROPOSE, .payload = large});
    }
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(entries_to(&rig, 2), 1);
    assert_int_equal(entries_to(&rig, 3), 1);
    cd_blob_unref(large);
    rig_release(&rig);
}

/* The most that a step may have to send: a whole window of large values to all voters at once. */
static void test_a_window_of_large_values_is_adopted(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(PAXOS_VOTERS_MAX);
    config.alpha = PAXOS_ALPHA_MAX;
    rig_member_of(&rig, 1, &config);
    become_candidate(&rig);
    struct cd_blob *large = cd_blob_create(PAXOS_MESSAGE_BYTES_SOFT);
    memset(large->data, 'x', large->bytes);
    static struct paxos_entry entries[PAXOS_ALPHA_MAX];
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        entries[i] = entry_of(2 + i, PAXOS_COMMANDS);
        entries[i].payload = large;
    }
    hear_promise(&rig, 2, 1, entries, PAXOS_ALPHA_MAX);
    hear_promise(&rig, 3, 1, NULL, 0);
    hear_promise(&rig, 4, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), (PAXOS_VOTERS_MAX - 1) * PAXOS_ALPHA_MAX);
    rig_persisted(&rig);
    for (uint32_t node = 2; node <= PAXOS_VOTERS_MAX; node++) {
        hear_round(&rig, node, rig.px->round, 1);
    }
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), PAXOS_VOTERS_MAX - 1);
    cd_blob_unref(large);
    rig_release(&rig);
}

/* --- Being deposed without hearing of the ballot --- */

/*
 * Somebody else's value turns up as chosen where this leader proposed its LEAD: a later leadership
 * exists. It must not take that slot for its own leadership.
 */
static void test_a_leader_told_of_foreign_slots_steps_down(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(rig.px->lead_slot, 2);
    struct paxos_entry foreign = command_entry(&rig, 2, "foreign");
    hear_chosen(&rig, 3, &foreign, 1);
    assert_int_equal(rig.px->chosen, 2);
    assert_true(entry_says(&rig.out.chosen[0], "foreign"));
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_applied(&rig);
    assert_false(rig.px->established);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ESTABLISHED), 0);
    rig_release(&rig);
}

static void test_a_leader_may_be_told_of_what_it_inherited(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry old = command_entry(&rig, 2, "old");
    hear_promise(&rig, 2, 1, &old, 1);
    assert_int_equal(rig.px->lead_slot, 3);
    hear_chosen(&rig, 3, &old, 1); /* an earlier leader had chosen it */
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(rig.px->chosen, 2);
    rig_applied(&rig);
    assert_false(rig.px->established); /* that was not its own LEAD */
    rig_persisted(&rig);
    hear_accepted(&rig, 2, 2, 3);
    assert_int_equal(rig.px->chosen, 3);
    rig_applied(&rig);
    assert_true(rig.px->established);
    rig_release(&rig);
}

/* --- Handing over --- */

static void hand_over(struct rig *rig, uint32_t node)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_HAND_OVER, .node = node});
}

static void test_leadership_is_handed_to_whom_was_named(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hand_over(&rig, 3);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 1);
    const struct paxos_message *m = sent(&rig, PAXOS_MSG_TAKE_OVER, 3);
    assert_ballot(m->ballot, rig.px->leader_ballot);
    assert_int_equal(m->chosen, rig.px->chosen);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_HANDING_OVER), 1);
    assert_false(paxos_may_propose(rig.px));
    rig_release(&rig);
}

/* Lost once, it would keep writes waiting until the hand-over is given up. */
static void test_a_lost_take_over_is_repeated(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hand_over(&rig, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS - 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 0);
    rig_tick(&rig, 1);
    assert_ballot(sent(&rig, PAXOS_MSG_TAKE_OVER, 3)->ballot, rig.px->leader_ballot);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_HANDING_OVER), 0); /* noted once */
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 1);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREPARE, 3); /* it takes over */
    m.ballot = ballot_of(rig.px->promised.round + 1, 3);
    m.first = rig.px->chosen + 1;
    rig_deliver(&rig, &m);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 0);
    rig_release(&rig);
}

static void test_what_is_open_is_finished_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_propose(&rig, "value");
    paxos_slot slot = rig.px->next_slot - 1;
    hand_over(&rig, 2);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 0);
    assert_false(paxos_may_propose(rig.px));
    rig_persisted(&rig);
    hear_accepted(&rig, 3, slot, slot);
    assert_int_equal(sent(&rig, PAXOS_MSG_TAKE_OVER, 2)->chosen, slot);
    rig_release(&rig);
}

static void test_the_best_successor_is_the_one_that_holds_most(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, 1);
    hear_round(&rig, 3, rig.px->round, 2);
    hand_over(&rig, 0);
    assert_int_equal(sent(&rig, PAXOS_MSG_TAKE_OVER, 3)->kind, PAXOS_MSG_TAKE_OVER);
    rig_release(&rig);
}

static void test_observers_and_the_silent_are_no_successors(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_OBSERVER);
    rig_leader_of(&rig, 1, &config);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 3, rig.px->round, 2); /* holds much, then falls silent */
    for (int i = 0; i < 15; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 4, rig.px->round, 2);
        hear_round(&rig, 2, rig.px->round, 1);
    }
    hand_over(&rig, 4); /* an observer cannot: the best one then */
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 1);
    assert_non_null(sent(&rig, PAXOS_MSG_TAKE_OVER, 2));
    rig_release(&rig);
}

static void test_a_hand_over_that_fails_ends(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hand_over(&rig, 3);
    for (int i = 0; i < 2 * RIG_ELECTION_MS / RIG_HEARTBEAT_MS; i++) {
        assert_false(paxos_may_propose(rig.px));
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 2, rig.px->round, 1);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_true(paxos_may_propose(rig.px)); /* it leads on */
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_TAKE_OVER), 0);
    rig_release(&rig);
}

static void test_only_a_leader_hands_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hand_over(&rig, 2);
    assert_int_equal(rig.out.sends_count, 0);
    rig_release(&rig);
    rig_member(&rig, 1, 1); /* alone: to nobody */
    for (int i = 0; i < 100 && !rig.px->established; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
        rig_applied(&rig);
    }
    hand_over(&rig, 0);
    assert_true(paxos_may_propose(rig.px));
    rig_release(&rig);
}

/* Its disk writes one record after the other: only what is durable is its own voice. */
static void test_a_half_written_log_is_half_a_voice(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    paxos_slot first = rig.px->next_slot;
    rig_propose(&rig, "a");
    uint64_t written = rig.asked;
    rig_propose(&rig, "b");
    hear_accepted(&rig, 2, first, first + 1);
    assert_int_equal(rig.px->chosen, first - 1);
    rig_persisted_to(&rig, written);
    assert_int_equal(rig.px->chosen, first);
    rig_persisted(&rig);
    assert_int_equal(rig.px->chosen, first + 1);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_proposal_goes_to_disk_and_peers_at_once),
        cmocka_unit_test(test_nothing_is_proposed_before_the_own_lead_is_applied),
        cmocka_unit_test(test_the_window_is_alpha_beyond_the_applied),
        cmocka_unit_test(test_large_values_go_in_messages_of_their_own),
        cmocka_unit_test(test_a_majority_of_durable_acceptances_chooses),
        cmocka_unit_test(test_followers_may_choose_without_the_leaders_disk),
        cmocka_unit_test(test_a_lone_voter_waits_for_its_disk),
        cmocka_unit_test(test_acceptances_that_do_not_count),
        cmocka_unit_test(test_slots_are_chosen_in_order),
        cmocka_unit_test(test_only_acceptances_under_the_own_ballot_count),
        cmocka_unit_test(test_lost_proposals_are_repeated),
        cmocka_unit_test(test_who_is_not_heard_gets_no_repeats),
        cmocka_unit_test(test_a_tick_repeats_no_more_than_a_message),
        cmocka_unit_test(test_a_window_of_large_values_is_adopted),
        cmocka_unit_test(test_a_leader_told_of_foreign_slots_steps_down),
        cmocka_unit_test(test_a_leader_may_be_told_of_what_it_inherited),
        cmocka_unit_test(test_leadership_is_handed_to_whom_was_named),
        cmocka_unit_test(test_a_lost_take_over_is_repeated),
        cmocka_unit_test(test_what_is_open_is_finished_first),
        cmocka_unit_test(test_the_best_successor_is_the_one_that_holds_most),
        cmocka_unit_test(test_observers_and_the_silent_are_no_successors),
        cmocka_unit_test(test_a_hand_over_that_fails_ends),
        cmocka_unit_test(test_only_a_leader_hands_over),
        cmocka_unit_test(test_a_half_written_log_is_half_a_voice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
