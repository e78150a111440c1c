#include "support.h"

static void test_records_count_from_the_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    uint64_t before = rig.px->position;
    struct paxos_effects out;
    paxos_effects_init(&out);
    rig.px->promised = ballot_of(7, 2);
    paxos_persist_promise(rig.px, &out);
    paxos_persist_mark(rig.px, &out);
    paxos_persist_peers(rig.px, &out);
    paxos_persist_identity(rig.px, &out);
    assert_int_equal(rig.px->position, before + 4);
    assert_int_equal(out.persist_count, 4);
    assert_int_equal(out.persist[0].kind, PAXOS_PERSIST_PROMISE);
    assert_ballot(out.persist[0].ballot, ballot_of(7, 2));
    assert_false(out.persist[0].lazy);
    assert_int_equal(out.persist[1].kind, PAXOS_PERSIST_MARK);
    assert_int_equal(out.persist[1].slot, 1);
    assert_true(out.persist[1].lazy);
    assert_true(out.persist[2].lazy);
    assert_int_equal(out.persist[3].kind, PAXOS_PERSIST_IDENTITY);
    assert_ballot(out.persist[3].ballot, ballot_of(7, 2));
    assert_false(out.persist[3].lazy);
    paxos_effects_release(&out);
    rig_release(&rig);
}

/* A record, a message and a chosen entry each hold their own reference to the payload. */
static void test_payloads_are_shared_by_reference(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entry = command_entry(&rig, 2, "value");
    entry.ballot = ballot_of(1, 1);
    struct paxos_effects out;
    paxos_effects_init(&out);
    paxos_persist_accepted(rig.px, &entry, &out);
    struct paxos_message *m = paxos_send_now(rig.px, &out, PAXOS_MSG_ACCEPT, 2);
    for (int i = 0; i < 5; i++) {
        paxos_message_add_entry(m, &entry);
    }
    paxos_emit_chosen(&out, &entry);
    assert_int_equal(entry.payload->refs, 8);
    assert_int_equal(m->entries_count, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(entry_says(&m->entries[i], "value"));
        assert_ballot(m->entries[i].ballot, ballot_of(1, 1));
    }
    paxos_effects_clear(&out);
    assert_int_equal(entry.payload->refs, 1);
    assert_int_equal(out.persist_count + out.sends_count + out.chosen_count, 0);
    paxos_effects_release(&out);
    rig_release(&rig);
}

static void test_a_learned_entry_is_a_mark(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entry = command_entry(&rig, 2, "value");
    entry.ballot = ballot_of(9, 3);
    struct paxos_effects out;
    paxos_effects_init(&out);
    paxos_persist_learned(rig.px, &entry, &out);
    assert_int_equal(out.persist[0].kind, PAXOS_PERSIST_LEARNED);
    assert_false(out.persist[0].lazy);
    assert_int_equal(out.persist[0].slot, 2);
    /* Under which ballot it was chosen is no matter for who learns it. */
    assert_ballot(out.persist[0].entry.ballot, (struct paxos_ballot){0});
    assert_int_equal(rig.px->marked, 2);
    assert_int_equal(rig.px->marked_position, rig.px->position);
    rig.px->marked = 1; /* the slot was not chosen in truth */
    paxos_effects_release(&out);
    rig_release(&rig);
}

static void test_messages_name_their_sender(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_effects out;
    paxos_effects_init(&out);
    rig.px->log_durable = 99;
    struct paxos_message *m = paxos_send_now(rig.px, &out, PAXOS_MSG_JOIN, 3);
    assert_int_equal(m->kind, PAXOS_MSG_JOIN);
    assert_int_equal(m->from, 1);
    assert_int_equal(m->to, 3);
    assert_true(m->from_incarnation == incarnation_of(1));
    assert_int_equal(m->durable, 99);
    assert_false(out.sends[0].after_persist);
    (void)paxos_send_after_persist(rig.px, &out, PAXOS_MSG_PREPARE, 2);
    assert_true(out.sends[1].after_persist);
    paxos_effects_release(&out);
    rig_release(&rig);
}

/* Until it is verified a replica tells the position that it is asked about (R2). */
static void test_an_unverified_replica_tells_its_start_position(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    assert_int_equal(sent(&rig, PAXOS_MSG_PROBE, 2)->durable, RIG_START_POSITION);
    struct paxos_entry entry = command_entry(&rig, 2, "learned");
    hear_chosen(&rig, 2, &entry, 1);
    rig_persisted(&rig);
    assert_int_equal(rig.px->log_durable, RIG_START_POSITION + 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_PROBE, 2)->durable, RIG_START_POSITION);
    rig_verify(&rig);
    assert_int_equal(paxos_told_position(rig.px), RIG_START_POSITION + 1);
    rig_release(&rig);
}

static void test_lists_grow_and_are_used_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_effects out;
    paxos_effects_init(&out);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t i = 0; i < 1000; i++) {
            paxos_emit_note(&out, PAXOS_NOTE_LEADING, ballot_of(i, 1), i, 2);
            entry.slot = i + 2;
            paxos_emit_chosen(&out, &entry);
            paxos_send_now(rig.px, &out, PAXOS_MSG_FETCH, 2)->first = i;
        }
        assert_int_equal(out.notes[999].slot, 999);
        assert_int_equal(out.notes[999].kind, PAXOS_NOTE_LEADING);
        assert_int_equal(out.notes[500].node, 2);
        assert_int_equal(out.chosen[999].slot, 1001);
        assert_int_equal(out.sends[999].message.first, 999);
        assert_true(out.sends[999].message.entries == NULL);
        paxos_effects_clear(&out);
        assert_int_equal(out.notes_count, 0);
    }
    paxos_effects_release(&out);
    assert_null(out.sends);
    rig_release(&rig);
}

static void test_a_message_holds_as_many_entries_as_it_may(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_effects out;
    paxos_effects_init(&out);
    struct paxos_message *m = paxos_send_now(rig.px, &out, PAXOS_MSG_CHOSEN, 2);
    struct paxos_entry entry = command_entry(&rig, 2, "value");
    for (size_t i = 0; i < PAXOS_MESSAGE_ENTRIES_MAX; i++) {
        entry.slot = i + 2;
        paxos_message_add_entry(m, &entry);
    }
    assert_int_equal(m->entries_count, PAXOS_MESSAGE_ENTRIES_MAX);
    assert_int_equal(m->entries[PAXOS_MESSAGE_ENTRIES_MAX - 1].slot, entry.slot);
    paxos_effects_release(&out);
    rig_release(&rig);
}

static void test_clear_forgets_single_answers(void **state)
{
    (void)state;
    struct paxos_effects out;
    paxos_effects_init(&out);
    out.fetch_to = 2;
    out.barrier_token = 3;
    out.forgot = true;
    paxos_effects_clear(&out);
    assert_int_equal(out.fetch_to, 0);
    assert_int_equal(out.barrier_token, 0);
    assert_false(out.forgot);
    paxos_effects_release(&out);
}

/* Each step begins with nothing of the one before. */
static void test_a_step_clears_what_the_last_one_left(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    assert_int_equal(rig.out.persist_count, 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT_REPLY), 1);
    rig_persisted(&rig);
    assert_int_equal(rig.out.persist_count, 0);
    assert_int_equal(rig.out.sends_count, 0);
    assert_int_equal(rig.out.notes_count, 0);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_count_from_the_start),
        cmocka_unit_test(test_payloads_are_shared_by_reference),
        cmocka_unit_test(test_a_learned_entry_is_a_mark),
        cmocka_unit_test(test_messages_name_their_sender),
        cmocka_unit_test(test_an_unverified_replica_tells_its_start_position),
        cmocka_unit_test(test_lists_grow_and_are_used_again),
        cmocka_unit_test(test_a_message_holds_as_many_entries_as_it_may),
        cmocka_unit_test(test_clear_forgets_single_answers),
        cmocka_unit_test(test_a_step_clears_what_the_last_one_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
