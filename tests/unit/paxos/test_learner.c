#include "support.h"

/* --- P6: in order, once --- */

static void test_learned_entries_are_taken_in_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 3, "b"), command_entry(&rig, 4, "c")};
    hear_chosen(&rig, 2, entries, 2); /* slot 2 is missing */
    assert_int_equal(rig.out.chosen_count, 0);
    assert_int_equal(rig.out.persist_count, 0);
    assert_int_equal(rig.px->chosen, 1);
    struct paxos_entry all[] = {command_entry(&rig, 2, "a"), entries[0], entries[1]};
    hear_chosen(&rig, 2, all, 3);
    assert_int_equal(rig.out.chosen_count, 3);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_LEARNED), 3);
    assert_true(entry_says(&rig.out.chosen[0], "a"));
    assert_true(entry_says(&rig.out.chosen[2], "c"));
    hear_chosen(&rig, 2, all, 3); /* a copy */
    assert_int_equal(rig.out.chosen_count, 0);
    assert_int_equal(rig.out.persist_count, 0);
    rig_release(&rig);
}

static void test_known_slots_in_front_are_skipped(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry all[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b"),
                                command_entry(&rig, 4, "c")};
    hear_chosen(&rig, 2, all, 2);
    hear_chosen(&rig, 3, all, 3);
    assert_int_equal(rig.out.chosen_count, 1);
    assert_true(entry_says(&rig.out.chosen[0], "c"));
    rig_release(&rig);
}

static void test_every_log_begins_with_a_configuration(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 2);
    struct paxos_entry first = entry_of(1, PAXOS_NOOP);
    hear_chosen(&rig, 1, &first, 1);
    assert_int_equal(rig.px->chosen, 0);
    assert_true(paxos_is_empty(rig.px));
    rig_release(&rig);
}

/* What was accepted here gives way to what was chosen. */
static void test_a_learned_value_replaces_an_accepted_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry accepted = command_entry(&rig, 2, "accepted");
    hear_accept(&rig, ballot_of(2, 2), 1, &accepted, 1);
    struct paxos_entry chosen = command_entry(&rig, 2, "chosen");
    hear_chosen(&rig, 3, &chosen, 1);
    assert_true(entry_says(&rig.out.chosen[0], "chosen"));
    assert_true(entry_says(&persisted(&rig, PAXOS_PERSIST_LEARNED)->entry, "chosen"));
    rig_release(&rig);
}

/* --- P7: what an announced mark says --- */

static void test_an_announced_mark_counts_under_its_ballot(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b")};
    hear_accept(&rig, ballot_of(2, 2), 1, entries, 2);
    hear_leader(&rig, ballot_of(2, 2), 2);
    assert_int_equal(rig.out.chosen_count, 1);
    assert_true(entry_says(&rig.out.chosen[0], "a"));
    assert_int_equal(persisted(&rig, PAXOS_PERSIST_MARK)->slot, 2);
    hear_leader(&rig, ballot_of(2, 2), 9);
    assert_int_equal(rig.px->chosen, 3); /* as far as it goes */
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 4);
    rig_release(&rig);
}

/* Another leader announces the slot: the value accepted from the first may not be the chosen one.
 */
static void test_it_does_not_count_under_another_ballot(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entry = command_entry(&rig, 2, "perhaps");
    hear_accept(&rig, ballot_of(2, 2), 1, &entry, 1);
    hear_leader(&rig, ballot_of(3, 3), 2);
    assert_int_equal(rig.px->chosen, 1);
    assert_int_equal(rig.out.chosen_count, 0);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 3)->first, 2);
    struct paxos_entry chosen = command_entry(&rig, 2, "in truth");
    hear_chosen(&rig, 3, &chosen, 1);
    assert_true(entry_says(&rig.out.chosen[0], "in truth"));
    rig_release(&rig);
}

static void test_a_gap_stops_an_announced_mark(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry a = command_entry(&rig, 2, "a");
    struct paxos_entry c = command_entry(&rig, 4, "c");
    hear_accept(&rig, ballot_of(2, 2), 1, &a, 1);
    hear_accept(&rig, ballot_of(2, 2), 1, &c, 1);
    hear_leader(&rig, ballot_of(2, 2), 4);
    assert_int_equal(rig.px->chosen, 2);
    struct paxos_entry b = command_entry(&rig, 3, "b");
    hear_accept(&rig, ballot_of(2, 2), 4, &b, 1); /* the repeated one */
    assert_int_equal(rig.px->chosen, 4);
    assert_int_equal(rig.out.chosen_count, 2);
    rig_release(&rig);
}

/* Who speaks under a ballot below the promise is no leader: its mark is true, not its say on
 * values. */
static void test_a_deposed_leaders_announcement_chooses_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entry = command_entry(&rig, 2, "a");
    hear_accept(&rig, ballot_of(2, 2), 1, &entry, 1);
    hear_leader(&rig, ballot_of(3, 3), 1);
    hear_leader(&rig, ballot_of(2, 2), 2);
    assert_int_equal(rig.px->chosen, 1);
    assert_int_equal(rig.px->known_chosen, 2);
    rig_release(&rig);
}

/* --- Catching up --- */

static void hear_mark(struct rig *rig, uint32_t from, paxos_slot mark)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PREVOTE, from);
    m.chosen = mark;
    rig_deliver(rig, &m);
}

static void test_any_higher_mark_starts_a_fetch(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_mark(&rig, 3, 7);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 3)->first, 2);
    struct paxos_status status;
    paxos_status(rig.px, rig.now_ms, &status);
    assert_int_equal(status.known_chosen, 7);
    hear_mark(&rig, 3, 9);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_FETCH), 0); /* one at a time */
    rig_release(&rig);
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    hear_mark(&rig, 3, 7); /* whoever told of it has it */
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 3)->first, 2);
    rig_release(&rig);
}

static void test_an_unanswered_fetch_is_repeated(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_mark(&rig, 3, 7);
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 3)->first, 2);
    hear_leader(&rig, ballot_of(2, 2), 1);
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2); /* the leader knows */
    rig_release(&rig);
}

static void test_the_latest_to_tell_is_asked(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_mark(&rig, 3, 7);
    hear_mark(&rig, 2, 7);
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2);
    hear_mark(&rig, 3, 5); /* knows less */
    rig_tick(&rig, 2 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2);
    rig_release(&rig);
}

static void test_an_answered_fetch_goes_on_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_mark(&rig, 3, 7);
    struct paxos_entry entries[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 3, entries, 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 3)->first, 4);
    struct paxos_entry rest[] = {entry_of(4, PAXOS_NOOP), entry_of(5, PAXOS_NOOP),
                                 entry_of(6, PAXOS_NOOP), entry_of(7, PAXOS_NOOP)};
    hear_chosen(&rig, 3, rest, 4);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_FETCH), 0);
    rig_wait(&rig, 5 * RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_FETCH), 0);
    rig_release(&rig);
}

static void hear_fetch(struct rig *rig, uint32_t from, paxos_slot first)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_FETCH, from);
    m.first = first;
    rig_deliver(rig, &m);
}

static void test_a_fetch_is_answered_from_the_log(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[1024];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 1024; i++) {
            entries[i] = entry_of(rig.px->chosen + 1 + i, PAXOS_NOOP);
        }
        hear_chosen(&rig, 2, entries, 1024);
    }
    assert_int_equal(rig.px->chosen, 2049);
    hear_fetch(&rig, 3, 2040);
    assert_int_equal(rig.out.fetch_to, 3);
    assert_int_equal(rig.out.fetch_first, 2040);
    assert_int_equal(rig.out.fetch_last, 2049);
    hear_fetch(&rig, 3, 1);
    assert_int_equal(rig.out.fetch_first, 1);
    assert_int_equal(rig.out.fetch_last, PAXOS_MESSAGE_ENTRIES_MAX);
    hear_fetch(&rig, 3, 2050); /* nothing there yet */
    assert_int_equal(rig.out.fetch_to, 0);
    hear_fetch(&rig, 3, 0);
    assert_int_equal(rig.out.fetch_to, 0);
    hear_fetch(&rig, 3, PAXOS_SLOT_MAX);
    assert_int_equal(rig.out.fetch_to, 0);
    hear_fetch(&rig, 9, 2049); /* learners, and those who join, catch up like that too */
    assert_int_equal(rig.out.fetch_to, 9);
    rig_release(&rig);
}

static void test_the_answer_names_its_sender(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {entry_of(1, PAXOS_NOOP), entry_of(2, PAXOS_NOOP)};
    struct paxos_message m;
    paxos_make_chosen(rig.px, 3, entries, 2, &m);
    assert_int_equal(m.kind, PAXOS_MSG_CHOSEN);
    assert_int_equal(m.from, 1);
    assert_true(m.from_incarnation == incarnation_of(1));
    assert_int_equal(m.to, 3);
    assert_int_equal(m.chosen, 1);
    assert_int_equal(m.durable, paxos_told_position(rig.px));
    assert_ptr_equal(m.entries, entries);
    assert_int_equal(m.entries_count, 2);
    rig_release(&rig);
}

/* --- Cells --- */

static void test_open_slots(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    assert_false(paxos_slot_is_open(rig.px, 0));
    assert_false(paxos_slot_is_open(rig.px, 1));
    assert_true(paxos_slot_is_open(rig.px, 2));
    assert_true(paxos_slot_is_open(rig.px, 1 + RIG_ALPHA));
    assert_false(paxos_slot_is_open(rig.px, 2 + RIG_ALPHA));
    assert_false(paxos_slot_is_open(rig.px, PAXOS_SLOT_MAX));
    rig_release(&rig);
}

/* A cell serves slot after slot and must not show one what another held. */
static void test_cells_are_used_again(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config.alpha = PAXOS_ALPHA_MAX; /* every cell is in the window */
    rig_member_of(&rig, 1, &config);
    struct cd_blob *payload = rig_text(&rig, "value");
    for (paxos_slot slot = 2; slot <= 1 + PAXOS_ALPHA_MAX; slot++) {
        struct paxos_entry entry = entry_of(slot, PAXOS_COMMANDS);
        entry.payload = payload;
        hear_accept(&rig, ballot_of(2, 2), slot, &entry, 1);
        assert_int_equal(rig.px->chosen, slot);
    }
    for (paxos_slot slot = rig.px->chosen + 1; slot <= rig.px->chosen + 1000; slot++) {
        assert_int_equal(paxos_cell(rig.px, slot)->slot, slot);
        assert_int_equal(paxos_cell(rig.px, slot)->entry.kind, 0);
    }
    rig_release(&rig);
}

static void test_assigning_an_entry_to_itself_or_over_another(void **state)
{
    (void)state;
    struct cd_blob *a = cd_blob_copy("a", 1);
    struct cd_blob *b = cd_blob_copy("b", 1);
    struct paxos_entry from = {.slot = 1, .kind = PAXOS_COMMANDS, .payload = a};
    struct paxos_entry to = {.slot = 2, .kind = PAXOS_COMMANDS, .payload = b};
    paxos_entry_assign(&to, &from);
    assert_ptr_equal(to.payload, a);
    assert_int_equal(a->refs, 2);
    paxos_entry_assign(&to, &to);
    assert_int_equal(a->refs, 2);
    paxos_entry_drop(&to);
    assert_int_equal(a->refs, 1);
    assert_int_equal(to.kind, 0);
    paxos_entry_drop(&to);
    cd_blob_unref(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learned_entries_are_taken_in_order),
        cmocka_unit_test(test_known_slots_in_front_are_skipped),
        cmocka_unit_test(test_every_log_begins_with_a_configuration),
        cmocka_unit_test(test_a_learned_value_replaces_an_accepted_one),
        cmocka_unit_test(test_an_announced_mark_counts_under_its_ballot),
        cmocka_unit_test(test_it_does_not_count_under_another_ballot),
        cmocka_unit_test(test_a_gap_stops_an_announced_mark),
        cmocka_unit_test(test_a_deposed_leaders_announcement_chooses_nothing),
        cmocka_unit_test(test_any_higher_mark_starts_a_fetch),
        cmocka_unit_test(test_an_unanswered_fetch_is_repeated),
        cmocka_unit_test(test_the_latest_to_tell_is_asked),
        cmocka_unit_test(test_an_answered_fetch_goes_on_at_once),
        cmocka_unit_test(test_a_fetch_is_answered_from_the_log),
        cmocka_unit_test(test_the_answer_names_its_sender),
        cmocka_unit_test(test_open_slots),
        cmocka_unit_test(test_cells_are_used_again),
        cmocka_unit_test(test_assigning_an_entry_to_itself_or_over_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
