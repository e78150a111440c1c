#include "support.h"

static void hear_prepare(struct rig *rig, struct paxos_ballot ballot, paxos_slot first)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PREPARE, ballot.node);
    m.from_incarnation = ballot.incarnation;
    m.ballot = ballot;
    m.first = first;
    rig_deliver(rig, &m);
}

static size_t answers(const struct rig *rig)
{
    return sent_count(rig, PAXOS_MSG_PROMISE) + sent_count(rig, PAXOS_MSG_ACCEPTED) +
           sent_count(rig, PAXOS_MSG_HEARTBEAT_REPLY);
}

/* --- Promises --- */

static void test_a_promise_is_durable_before_it_is_said(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    assert_ballot(persisted(&rig, PAXOS_PERSIST_PROMISE)->ballot, ballot_of(5, 2));
    const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_PROMISE, 2);
    assert_true(send->after_persist); /* P2 */
    assert_true(send->message.granted);
    assert_ballot(send->message.ballot, ballot_of(5, 2));
    assert_int_equal(send->message.chosen, 1);
    assert_int_equal(send->message.first, 2);
    assert_true(send->message.last == PAXOS_SLOT_MAX);
    assert_int_equal(send->message.entries_count, 0);
    rig_release(&rig);
}

static void test_nothing_below_a_promise_is_promised(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    const struct paxos_ballot lower[] = {ballot_of(4, 3), ballot_of(4, 2)};
    for (size_t i = 0; i < 2; i++) {
        hear_prepare(&rig, lower[i], 2);
        assert_int_equal(rig.out.persist_count, 0);
        const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_PROMISE, lower[i].node);
        assert_false(send->message.granted);
        assert_ballot(send->message.ballot, ballot_of(5, 2)); /* says what stands against it */
        assert_true(send->after_persist);
        assert_int_equal(send->message.entries_count, 0);
    }
    assert_ballot(rig.px->promised, ballot_of(5, 2));
    rig_release(&rig);
}

/* A PREPARE that is repeated gets its answer again, and no second record. */
static void test_a_repeated_prepare_is_answered_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    assert_int_equal(rig.out.persist_count, 0);
    assert_true(sent(&rig, PAXOS_MSG_PROMISE, 2)->granted);
    rig_release(&rig);
}

static void test_a_higher_ballot_is_promised(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    hear_prepare(&rig, ballot_of(5, 3), 2); /* same round: the node decides */
    assert_true(sent(&rig, PAXOS_MSG_PROMISE, 3)->granted);
    assert_ballot(rig.px->promised, ballot_of(5, 3));
    rig_release(&rig);
}

/* A ballot belongs to the incarnation that prepares it (R2). */
static void test_a_ballot_of_another_is_not_promised(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREPARE, 2);
    m.ballot = ballot_of(5, 3);
    rig_deliver(&rig, &m);
    assert_int_equal(answers(&rig) + rig.out.persist_count, 0);
    m.ballot = ballot_of(5, 2);
    m.from_incarnation = 4;
    rig_deliver(&rig, &m);
    assert_int_equal(answers(&rig) + rig.out.persist_count, 0);
    rig_release(&rig);
}

/* R1: what lies above the chosen mark is reported, all of it, and the mark goes along. */
static void test_a_promise_reports_all_acceptances_above_the_mark(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b"),
                                    command_entry(&rig, 4, "c")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 3);
    struct paxos_entry later = command_entry(&rig, 3, "b2");
    hear_accept(&rig, ballot_of(3, 3), 1, &later, 1);
    hear_leader(&rig, ballot_of(3, 3), 1);
    hear_prepare(&rig, ballot_of(5, 2), 1);
    const struct paxos_message *m = sent(&rig, PAXOS_MSG_PROMISE, 2);
    assert_int_equal(m->chosen, 1);
    assert_int_equal(m->first, 2);
    assert_int_equal(m->entries_count, 3);
    assert_true(entry_says(&m->entries[0], "a"));
    assert_ballot(m->entries[0].ballot, ballot_of(2, 2));
    assert_true(entry_says(&m->entries[1], "b2")); /* the last one accepted in a slot */
    assert_ballot(m->entries[1].ballot, ballot_of(3, 3));
    assert_true(entry_says(&m->entries[2], "c"));
    rig_release(&rig);
}

/* The naive answer to a slot that is chosen here would be "nothing accepted" (R1). */
static void test_chosen_slots_are_answered_by_the_mark(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b"),
                                    command_entry(&rig, 4, "c")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 3);
    hear_leader(&rig, ballot_of(2, 2), 3);
    assert_int_equal(rig.px->chosen, 3);
    hear_prepare(&rig, ballot_of(5, 3), 2); /* asks from 2 on */
    const struct paxos_message *m = sent(&rig, PAXOS_MSG_PROMISE, 3);
    assert_int_equal(m->chosen, 3);
    assert_int_equal(m->first, 4);
    assert_int_equal(m->entries_count, 1);
    assert_int_equal(m->entries[0].slot, 4);
    rig_release(&rig);
}

static void test_a_candidate_may_ask_for_the_rest(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b"),
                                    command_entry(&rig, 4, "c")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 3);
    hear_prepare(&rig, ballot_of(5, 3), 4);
    const struct paxos_message *m = sent(&rig, PAXOS_MSG_PROMISE, 3);
    assert_int_equal(m->first, 4);
    assert_int_equal(m->entries_count, 1);
    hear_prepare(&rig, ballot_of(5, 3), 1000);
    m = sent(&rig, PAXOS_MSG_PROMISE, 3);
    assert_int_equal(m->first, 1000);
    assert_int_equal(m->entries_count, 0);
    rig_release(&rig);
}

/* More than a message holds goes in parts; each says how far it reaches. */
static void test_a_large_report_comes_in_parts(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct cd_blob *large = cd_blob_create(PAXOS_MESSAGE_BYTES_SOFT);
    memset(large->data, 'x', large->bytes);
    struct paxos_entry entries[3];
    for (size_t i = 0; i < 3; i++) {
        entries[i] = entry_of(2 + i, PAXOS_COMMANDS);
        entries[i].payload = large;
    }
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 3);
    for (paxos_slot slot = 2; slot <= 4; slot++) {
        hear_prepare(&rig, ballot_of(5, 3), slot);
        const struct paxos_message *m = sent(&rig, PAXOS_MSG_PROMISE, 3);
        assert_int_equal(m->first, slot);
        assert_true(m->last == (slot < 4 ? slot : PAXOS_SLOT_MAX));
        assert_int_equal(m->entries_count, 1);
        assert_int_equal(m->entries[0].slot, slot);
    }
    cd_blob_unref(large);
    rig_release(&rig);
}

static void test_a_leader_that_promises_to_another_steps_down(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(rig.px->promised.round + 1, 3), 3);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_STEPPED_DOWN), 1);
    assert_true(sent(&rig, PAXOS_MSG_PROMISE, 3)->granted);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 0);
    rig_release(&rig);
}

/* --- Acceptances --- */

static void test_an_acceptance_is_durable_before_it_is_said(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 2);
    assert_int_equal(rig.out.persist_count, 3);
    assert_int_equal(rig.out.persist[0].kind, PAXOS_PERSIST_PROMISE);
    for (size_t i = 0; i < 2; i++) {
        const struct paxos_persist *record = &rig.out.persist[1 + i];
        assert_int_equal(record->kind, PAXOS_PERSIST_ACCEPTED);
        assert_int_equal(record->slot, 2 + i);
        assert_ballot(record->entry.ballot, ballot_of(2, 2));
        assert_true(entry_says(&record->entry, i == 0 ? "a" : "b"));
    }
    const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_ACCEPTED, 2);
    assert_true(send->after_persist); /* P2 */
    assert_true(send->message.granted);
    assert_ballot(send->message.ballot, ballot_of(2, 2));
    assert_int_equal(send->message.first, 2);
    assert_int_equal(send->message.last, 3);
    rig_release(&rig);
}

static void test_nothing_below_a_promise_is_accepted(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_prepare(&rig, ballot_of(5, 3), 2);
    struct paxos_entry entry = command_entry(&rig, 2, "late");
    hear_accept(&rig, ballot_of(4, 2), 1, &entry, 1);
    assert_int_equal(rig.out.persist_count, 0); /* P1 */
    const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_ACCEPTED, 2);
    assert_false(send->message.granted);
    assert_ballot(send->message.ballot, ballot_of(5, 3));
    hear_prepare(&rig, ballot_of(6, 3), 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_PROMISE, 3)->entries_count, 0);
    rig_release(&rig);
}

/* Whoever accepts under a ballot has promised it, whether it was asked before or not. */
static void test_accepting_promises(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entry = command_entry(&rig, 2, "a");
    hear_accept(&rig, ballot_of(7, 2), 1, &entry, 1);
    assert_ballot(persisted(&rig, PAXOS_PERSIST_PROMISE)->ballot, ballot_of(7, 2));
    hear_prepare(&rig, ballot_of(6, 3), 2);
    assert_false(sent(&rig, PAXOS_MSG_PROMISE, 3)->granted);
    rig_release(&rig);
}

static void test_a_repeated_accept_is_answered_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 2);
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 2);
    assert_int_equal(rig.out.persist_count, 0);
    const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_ACCEPTED, 2);
    assert_true(send->after_persist); /* the first records may still be under way */
    assert_int_equal(send->message.first, 2);
    assert_int_equal(send->message.last, 3);
    rig_release(&rig);
}

static void test_a_higher_ballot_takes_the_slot_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry a = command_entry(&rig, 2, "a");
    struct paxos_entry b = command_entry(&rig, 2, "b");
    hear_accept(&rig, ballot_of(2, 2), 1, &a, 1);
    hear_accept(&rig, ballot_of(3, 3), 1, &b, 1);
    assert_true(entry_says(&persisted(&rig, PAXOS_PERSIST_ACCEPTED)->entry, "b"));
    hear_accept(&rig, ballot_of(2, 2), 1, &a, 1); /* late copy */
    assert_false(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->granted);
    hear_prepare(&rig, ballot_of(9, 2), 2);
    assert_true(entry_says(&sent(&rig, PAXOS_MSG_PROMISE, 2)->entries[0], "b"));
    rig_release(&rig);
}

/* What is answered is the part that was taken: chosen slots before it, closed ones behind it. */
static void test_only_open_slots_are_accepted(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[8];
    for (size_t i = 0; i < 8; i++) {
        entries[i] = entry_of(1 + i, PAXOS_NOOP);
    }
    struct paxos_config config = config_of(3);
    entries[0] = config_entry(&rig, 1, &config);
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 8); /* slots 1..8, open: 2..5 */
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), RIG_ALPHA);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->first, 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->last, 1 + RIG_ALPHA);
    hear_accept(&rig, ballot_of(2, 2), 1, entries + 5, 3); /* 6..8: none is open */
    assert_int_equal(answers(&rig), 0);
    rig_release(&rig);
}

/* R2: in each slot only those vote whom that slot's configuration names. */
static void test_votes_only_where_it_is_named(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 4, &config);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    hear_accept(&rig, ballot_of(2, 2), 1, &entry, 1);
    assert_int_equal(answers(&rig), 0);
    hear_prepare(&rig, ballot_of(3, 2), 2);
    assert_int_equal(answers(&rig), 0);
    config.based_on = 1;
    config.members[3].role = PAXOS_VOTER;
    struct paxos_entry promotion = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 2, &promotion, 1); /* from slot 6 on it votes */
    struct paxos_entry entries[] = {entry_of(3, PAXOS_NOOP), entry_of(4, PAXOS_NOOP),
                                    entry_of(5, PAXOS_NOOP), entry_of(6, PAXOS_NOOP)};
    hear_accept(&rig, ballot_of(3, 2), 2, entries, 4);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->first, 6);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->last, 6);
    hear_prepare(&rig, ballot_of(4, 2), 3);
    assert_true(sent(&rig, PAXOS_MSG_PROMISE, 2)->granted);
    rig_release(&rig);
}

static void test_another_incarnation_does_not_vote(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config.members[0].incarnation = 99; /* node 1, but not this one */
    rig_member_of(&rig, 1, &config);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    hear_accept(&rig, ballot_of(2, 2), 1, &entry, 1);
    assert_int_equal(answers(&rig), 0);
    hear_prepare(&rig, ballot_of(3, 2), 2);
    assert_int_equal(answers(&rig), 0);
    rig_release(&rig);
}

/* --- P9: who may have forgotten says nothing --- */

static void test_an_unverified_replica_neither_promises_nor_accepts(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    assert_false(rig.px->verified);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    assert_int_equal(answers(&rig), 0);
    assert_int_equal(rig.out.persist_count, 0);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    hear_accept(&rig, ballot_of(5, 2), 1, &entry, 1);
    assert_int_equal(answers(&rig), 0);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), 0);
    hear_accept(&rig, ballot_of(4, 3), 1, &entry, 1); /* no refusal either */
    assert_int_equal(answers(&rig), 0);
    rig_verify(&rig);
    hear_accept(&rig, ballot_of(5, 2), 1, &entry, 1);
    assert_true(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->granted);
    rig_release(&rig);
}

static void test_a_forgetful_replica_neither_promises_nor_accepts(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_probe_reply(&rig, 2, RIG_START_POSITION + 1);
    assert_true(rig.out.forgot);
    hear_prepare(&rig, ballot_of(5, 2), 2);
    assert_int_equal(answers(&rig), 0);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    hear_accept(&rig, ballot_of(5, 2), 1, &entry, 1);
    assert_int_equal(answers(&rig), 0);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), 0);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE, .incarnation = 5});
    hear_prepare(&rig, ballot_of(6, 2), 2); /* the log does not name this incarnation */
    assert_int_equal(answers(&rig), 0);
    hear_accept(&rig, ballot_of(6, 2), 1, &entry, 1);
    assert_int_equal(answers(&rig), 0);
    rig_release(&rig);
}

/* --- What is durable --- */

/* A mark may be reported as held only when its record is on the disk. */
static void test_marks_are_reported_when_durable(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->chosen, 1);
    hear_leader(&rig, ballot_of(2, 2), 2);
    assert_int_equal(persisted(&rig, PAXOS_PERSIST_MARK)->slot, 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->chosen, 1);
    uint64_t first_mark = rig.asked;
    hear_leader(&rig, ballot_of(2, 2), 3);
    assert_int_equal(rig.px->chosen, 3);
    assert_int_equal(rig.px->chosen_durable, 1);
    struct paxos_entry next = entry_of(4, PAXOS_NOOP);
    hear_accept(&rig, ballot_of(2, 2), 3, &next, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->chosen, 1);
    rig_persisted_to(&rig, first_mark);
    hear_leader(&rig, ballot_of(2, 2), 3);
    assert_true(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->chosen <= 2);
    rig_persisted(&rig);
    hear_leader(&rig, ballot_of(2, 2), 3);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->chosen, 3);
    rig_release(&rig);
}

/* Marks that move faster than the disk: the reported one still gets there, and never runs ahead. */
static void test_a_slow_disk_still_reports_marks(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    uint64_t asked[64] = {0};
    paxos_slot chosen_at[64] = {0};
    for (size_t i = 2; i < 60; i++) {
        struct paxos_entry entry = entry_of(i, PAXOS_NOOP);
        hear_accept(&rig, ballot_of(2, 2), i, &entry, 1); /* accepted and announced at once */
        assert_int_equal(rig.px->chosen, i);
        asked[i] = rig.asked;
        chosen_at[i] = i;
        if (i >= 12) { /* the disk is ten records' steps behind */
            rig_persisted_to(&rig, asked[i - 10]);
            assert_true(rig.px->chosen_durable <= chosen_at[i - 10]);
            assert_true(i < 40 || rig.px->chosen_durable >= i - 22);
        }
    }
    rig_persisted(&rig);
    assert_int_equal(rig.px->chosen_durable, 59);
    rig_release(&rig);
}

static void test_the_log_position_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    rig_persisted(&rig);
    hear_leader(&rig, ballot_of(2, 2), 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->durable,
                     RIG_START_POSITION + rig.asked);
    rig_release(&rig);
}

/* Whoever promised gives the candidate the time to win. */
static void test_a_promise_defers_the_own_candidacy(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    rig.now_ms = rig.px->election_deadline_ms - 1;
    hear_prepare(&rig, ballot_of(5, 2), 2);
    assert_true(rig.px->election_deadline_ms >= rig.now_ms + RIG_ELECTION_MS);
    rig.now_ms += 10;
    hear_prepare(&rig, ballot_of(5, 2), 2); /* a copy does not defer it again */
    assert_true(rig.px->election_deadline_ms <= rig.now_ms - 10 + 2 * RIG_ELECTION_MS);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_promise_is_durable_before_it_is_said),
        cmocka_unit_test(test_nothing_below_a_promise_is_promised),
        cmocka_unit_test(test_a_repeated_prepare_is_answered_again),
        cmocka_unit_test(test_a_higher_ballot_is_promised),
        cmocka_unit_test(test_a_ballot_of_another_is_not_promised),
        cmocka_unit_test(test_a_promise_reports_all_acceptances_above_the_mark),
        cmocka_unit_test(test_chosen_slots_are_answered_by_the_mark),
        cmocka_unit_test(test_a_candidate_may_ask_for_the_rest),
        cmocka_unit_test(test_a_large_report_comes_in_parts),
        cmocka_unit_test(test_a_leader_that_promises_to_another_steps_down),
        cmocka_unit_test(test_an_acceptance_is_durable_before_it_is_said),
        cmocka_unit_test(test_nothing_below_a_promise_is_accepted),
        cmocka_unit_test(test_accepting_promises),
        cmocka_unit_test(test_a_repeated_accept_is_answered_again),
        cmocka_unit_test(test_a_higher_ballot_takes_the_slot_over),
        cmocka_unit_test(test_only_open_slots_are_accepted),
        cmocka_unit_test(test_votes_only_where_it_is_named),
        cmocka_unit_test(test_another_incarnation_does_not_vote),
        cmocka_unit_test(test_an_unverified_replica_neither_promises_nor_accepts),
        cmocka_unit_test(test_a_forgetful_replica_neither_promises_nor_accepts),
        cmocka_unit_test(test_marks_are_reported_when_durable),
        cmocka_unit_test(test_a_slow_disk_still_reports_marks),
        cmocka_unit_test(test_the_log_position_is_told),
        cmocka_unit_test(test_a_promise_defers_the_own_candidacy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
