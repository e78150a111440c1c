#include "support.h"

/* snapshot.c: what stands for a log that is not there (R1, R3, P8). */

static void hear_fetch(struct rig *rig, uint32_t from, paxos_slot first)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_FETCH, from);
    m.first = first;
    rig_deliver(rig, &m);
}

static void drop_to(struct rig *rig, paxos_slot slot)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_DROPPED, .slot = slot});
}

static bool holds(const struct rig *rig, paxos_slot slot)
{
    const struct paxos_cell *cell = &rig->px->cells[slot % PAXOS_ALPHA_MAX];
    return cell->slot == slot && cell->entry.kind != 0;
}

/* Accepts these slots (up to the 0) from 2 under round 6; nothing is chosen. */
static void accept_slots(struct rig *rig, const paxos_slot *slots)
{
    for (size_t i = 0; slots[i] != 0; i++) {
        struct paxos_entry entry = command_entry(rig, slots[i], "value");
        hear_accept(rig, ballot_of(6, 2), 1, &entry, 1);
    }
}

/* --- What a base may say --- */

static struct paxos_base base_of_one(paxos_slot slot)
{
    struct paxos_base base;
    memset(&base, 0, sizeof(base));
    base.slot = slot;
    base.configs_count = 1;
    base.configs[0].chosen_at = 1;
    base.configs[0].config = config_of(3);
    return base;
}

/* A second one, chosen at 6, that governs from 10 on. */
static struct paxos_base base_of_two(paxos_slot slot)
{
    struct paxos_base base = base_of_one(slot);
    base.configs_count = 2;
    base.configs[1].chosen_at = 6;
    base.configs[1].config = config_of(4);
    base.configs[1].config.based_on = 1;
    return base;
}

static void test_sound_bases(void **state)
{
    (void)state;
    struct paxos_base base = base_of_one(1);
    assert_true(paxos_base_is_sound(&base));
    base.slot = 1000000;
    assert_true(paxos_base_is_sound(&base));
    base.configs[0].chosen_at = 999997; /* it governs the very next slot */
    base.configs[0].config.based_on = 4;
    assert_true(paxos_base_is_sound(&base));
    for (paxos_slot slot = 6; slot < 9; slot++) {
        base = base_of_two(slot);
        assert_true(paxos_base_is_sound(&base));
    }
}

static void test_unsound_bases(void **state)
{
    (void)state;
    struct paxos_base base = base_of_one(0);
    assert_false(paxos_base_is_sound(&base)); /* nothing is chosen */
    base.slot = PAXOS_SLOT_MAX;
    assert_false(paxos_base_is_sound(&base));
    base = base_of_one(5);
    base.configs_count = 0;
    assert_false(paxos_base_is_sound(&base));
    base.configs_count = PAXOS_BASE_CONFIGS_MAX + 1;
    assert_false(paxos_base_is_sound(&base));
    base = base_of_one(5);
    base.configs[0].chosen_at = 0;
    assert_false(paxos_base_is_sound(&base));
    base.configs[0].chosen_at = 6; /* beyond the prefix */
    base.configs[0].config.based_on = 1;
    assert_false(paxos_base_is_sound(&base));
    base.configs[0].chosen_at = 3; /* who governs slot 6 is missing */
    assert_false(paxos_base_is_sound(&base));
    base = base_of_one(50);
    base.configs[0].chosen_at = 20;
    base.configs[0].config.based_on = 20; /* itself */
    assert_false(paxos_base_is_sound(&base));
    base.configs[0].config.based_on = 0; /* the first one, but not in slot 1 */
    assert_false(paxos_base_is_sound(&base));
    base = base_of_one(5);
    base.configs[0].config.members_count = 0;
    assert_false(paxos_base_is_sound(&base));
}

static void test_unsound_pairs(void **state)
{
    (void)state;
    struct paxos_base base = base_of_two(9); /* the first one governs nothing any more */
    assert_false(paxos_base_is_sound(&base));
    base = base_of_two(8);
    base.configs[1].config.based_on = 2;
    assert_false(paxos_base_is_sound(&base));
    base = base_of_two(8);
    base.configs[1].config.alpha++;
    assert_false(paxos_base_is_sound(&base));
    base = base_of_two(8);
    base.configs[1].config = config_of(0); /* strangers: it would have had no effect */
    base.configs[1].config.based_on = 1;
    config_add(&base.configs[1].config, 7, PAXOS_VOTER);
    assert_false(paxos_base_is_sound(&base));
    base = base_of_two(8);
    base.configs[0].chosen_at = 3; /* two changes in flight */
    base.configs[0].config.based_on = 1;
    base.configs[1].config.based_on = 3;
    assert_false(paxos_base_is_sound(&base));
}

/* --- May it be installed --- */

static void test_what_may_be_installed(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry noops[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 2, noops, 2);
    struct paxos_base base = base_at(&rig, 3);
    assert_false(paxos_may_install(rig.px, &base)); /* it is there already */
    base = base_at(&rig, 4);
    assert_true(paxos_may_install(rig.px, &base));
    base.configs[0].config.cluster_id[3] ^= 1;
    assert_false(paxos_may_install(rig.px, &base));
    base = base_at(&rig, 4);
    base.configs[0].config.alpha++;
    assert_false(paxos_may_install(rig.px, &base));
    base = base_at(&rig, 4);
    base.configs_count = 0;
    assert_false(paxos_may_install(rig.px, &base));
    base = base_at(&rig, 4);
    hear_probe_reply(&rig, 2, 100000);
    assert_true(rig.px->forgot);
    assert_false(paxos_may_install(rig.px, &base)); /* the fresh incarnation comes first */
    rig_release(&rig);
}

/* --- Installing --- */

/* R3: acceptances at or below its slot go, and nothing else. */
static void test_an_install_drops_acceptances_below_alone(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const paxos_slot slots[] = {3, 4, 5, 0}; /* a hole in slot 2 */
    accept_slots(&rig, slots);
    struct paxos_message prepare = message_of(&rig, PAXOS_MSG_PREPARE, 3);
    prepare.ballot = ballot_of(9, 3);
    prepare.first = 2;
    rig_deliver(&rig, &prepare);
    rig_persisted(&rig);
    struct paxos_base base = base_at(&rig, 4);
    rig_install(&rig, &base);
    assert_int_equal(rig.px->chosen, 4);
    assert_int_equal(rig.px->applied, 4);
    assert_int_equal(rig.out.chosen_count, 0);
    assert_false(holds(&rig, 3));
    assert_false(holds(&rig, 4));
    assert_true(holds(&rig, 5));
    assert_ballot(rig.px->promised, ballot_of(9, 3));
    assert_true(rig.px->incarnation == incarnation_of(1));
    assert_int_equal(rig.out.persist_count, 1);
    const struct paxos_persist *record = persisted(&rig, PAXOS_PERSIST_INSTALLED);
    assert_int_equal(record->slot, 4);
    assert_false(record->lazy);
    assert_memory_equal(record->base, &base, sizeof(base));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_INSTALLED), 1);
    /* It answers for what it kept, and for no less than it promised. */
    struct paxos_message old = message_of(&rig, PAXOS_MSG_PREPARE, 2);
    old.ballot = ballot_of(8, 2);
    rig_deliver(&rig, &old);
    assert_false(sent(&rig, PAXOS_MSG_PROMISE, 2)->granted);
    prepare.ballot = ballot_of(10, 3);
    rig_deliver(&rig, &prepare);
    const struct paxos_message *promise = sent(&rig, PAXOS_MSG_PROMISE, 3);
    assert_true(promise->granted);
    assert_int_equal(promise->chosen, 4);
    assert_int_equal(promise->first, 5);
    assert_int_equal(promise->entries_count, 1);
    assert_int_equal(promise->entries[0].slot, 5);
    rig_release(&rig);
}

/* Nothing is said that depends on it before its record is durable. */
static void test_what_is_said_waits_for_the_record(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 40);
    rig_install(&rig, &base);
    struct paxos_status status;
    paxos_status(rig.px, rig.now_ms, &status);
    assert_int_equal(status.chosen_durable, 1);
    hear_leader(&rig, ballot_of(6, 2), 40);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->chosen, 1);
    struct paxos_entry entry = command_entry(&rig, 41, "value");
    hear_accept(&rig, ballot_of(6, 2), 40, &entry, 1);
    const struct paxos_send *accepted = sent_as(&rig, PAXOS_MSG_ACCEPTED, 2);
    assert_true(accepted->after_persist);
    assert_int_equal(accepted->message.chosen, 1);
    rig_persisted(&rig);
    hear_leader(&rig, ballot_of(6, 2), 40);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2)->chosen, 40);
    paxos_status(rig.px, rig.now_ms, &status);
    assert_int_equal(status.chosen_durable, 40);
    rig_release(&rig);
}

/* The record makes it lasting; without it a start finds what stood before. */
static void test_the_record_makes_it_lasting(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const paxos_slot slots[] = {3, 5, 0};
    accept_slots(&rig, slots);
    size_t before = rig.log_count;
    struct paxos_base base = base_at(&rig, 4);
    rig_install(&rig, &base);
    size_t after = rig.log_count;
    rig_restart(&rig, after);
    assert_int_equal(rig.px->chosen, 4);
    assert_int_equal(rig.px->applied, 4);
    assert_int_equal(rig.px->chosen_durable, 4);
    assert_false(holds(&rig, 3));
    assert_true(holds(&rig, 5));
    assert_ballot(rig.px->promised, ballot_of(6, 2));
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_restart(&rig, before);
    assert_int_equal(rig.px->chosen, 1);
    assert_true(holds(&rig, 3));
    assert_true(holds(&rig, 5));
    rig_release(&rig);
}

/* A crash came between the snapshot and its record: a start that loads it makes up for that. */
static void test_a_snapshot_that_the_log_does_not_know_is_installed_at_the_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const paxos_slot slots[] = {3, 4, 5, 0};
    accept_slots(&rig, slots);
    struct paxos_base base = base_at(&rig, 4);
    size_t records = rig.log_count;
    assert_int_equal(rig_restore_from(&rig, &base, records), CD_OK);
    rig_begin(&rig, records);
    assert_int_equal(persisted(&rig, PAXOS_PERSIST_INSTALLED)->slot, 4);
    assert_memory_equal(persisted(&rig, PAXOS_PERSIST_INSTALLED)->base, &base, sizeof(base));
    assert_true(holds(&rig, 5));
    hear_fetch(&rig, 3, 4);
    assert_int_equal(rig.out.snapshot_to, 3);
    rig_persisted(&rig);
    rig_restart(&rig, rig.log_count);
    assert_int_equal(rig.px->chosen, 4);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_INSTALLED), 0); /* the log knows it now */
    rig_release(&rig);
}

/* One's own snapshot is vouched for by the marks of the log. */
static void test_a_snapshot_that_the_log_vouches_for_needs_no_record(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry noops[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 2, noops, 2);
    size_t learned = rig.log_count; /* no mark in it, but two learned entries */
    const paxos_slot slots[] = {4, 0};
    accept_slots(&rig, slots);
    hear_leader(&rig, ballot_of(6, 2), 4);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_MARK), 1);
    size_t records = rig.log_count;
    for (paxos_slot slot = 3; slot <= 4; slot++) {
        struct paxos_base base = base_of_one(slot);
        assert_int_equal(rig_restore_from(&rig, &base, records), CD_OK);
        rig_begin(&rig, records);
        assert_int_equal(persist_count(&rig, PAXOS_PERSIST_INSTALLED), 0);
        assert_null(paxos_installed(rig.px));
        assert_int_equal(rig.px->chosen, 4);
    }
    for (paxos_slot slot = 2; slot <= 3; slot++) {
        struct paxos_base base = base_of_one(slot);
        assert_int_equal(rig_restore_from(&rig, &base, learned), CD_OK);
        rig_begin(&rig, learned);
        assert_int_equal(persist_count(&rig, PAXOS_PERSIST_INSTALLED), 0);
        assert_int_equal(rig.px->chosen, 3);
    }
    /* The marks up to there went with the log; what comes after speaks for them. */
    struct paxos_base base = base_of_one(3);
    assert_int_equal(rig_restore_from(&rig, &base, 0), CD_OK);
    struct paxos_entry next = entry_of(4, PAXOS_NOOP);
    assert_int_equal(paxos_restore_learned(rig.px, &next, &rig.out), CD_OK);
    rig.handed = 4;
    paxos_base_follow(&rig.base, &next);
    rig_begin(&rig, 0);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_INSTALLED), 0);
    rig_release(&rig);
}

/* What the leader announced and what was accepted under its ballot need not be said again. */
static void test_what_is_known_as_chosen_above_is_handed_out(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const paxos_slot slots[] = {3, 4, 5, 0};
    accept_slots(&rig, slots);
    hear_leader(&rig, ballot_of(6, 2), 4); /* slot 2 is missing */
    assert_int_equal(rig.px->chosen, 1);
    struct paxos_base base = base_at(&rig, 2);
    rig_install(&rig, &base);
    assert_int_equal(rig.px->chosen, 4);
    assert_int_equal(rig.px->applied, 2);
    assert_int_equal(rig.out.chosen_count, 2);
    assert_true(entry_says(&rig.out.chosen[0], "value"));
    rig_applied(&rig);
    rig_release(&rig);
}

/* P7: a mark of one leader says nothing of what another's ballot put there. */
static void test_another_leaders_mark_is_not_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(5, 3), 4);
    const paxos_slot slots[] = {3, 4, 0};
    accept_slots(&rig, slots); /* under round 6 of 2 */
    struct paxos_base base = base_at(&rig, 2);
    rig_install(&rig, &base);
    assert_int_equal(rig.px->chosen, 2);
    rig_release(&rig);
}

static void test_it_fetches_on_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 90);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2);
    struct paxos_base base = base_at(&rig, 80);
    rig_install(&rig, &base);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 81);
    rig_release(&rig);
}

static void test_an_empty_replica_installs(void **state)
{
    (void)state;
    struct rig rig;
    const uint32_t peers[] = {1, 2};
    rig_init_with_peers(&rig, 3, peers, 2);
    struct paxos_base base = base_of_one(30);
    rig_install(&rig, &base);
    assert_false(paxos_is_empty(rig.px));
    assert_int_equal(paxos_config_newest(rig.px, NULL)->members_count, 3);
    assert_true(paxos_votes_in_window(rig.px, 3, incarnation_of(3))); /* it is named there */
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0);
    rig_release(&rig);
}

/* --- Leaders and candidates --- */

static void test_a_leader_that_installs_steps_down(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_propose(&rig, "mine");
    struct paxos_base base = base_at(&rig, rig.px->next_slot + 2);
    rig_install(&rig, &base);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_false(paxos_may_propose(rig.px));
    rig_release(&rig);
}

/* R1: told of more than it holds, a candidate waits; where only a snapshot has it, for that. */
static void test_a_candidate_waits_for_the_snapshot(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 3), 1);
    become_candidate(&rig);
    hear_promise(&rig, 2, 50, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2);
    struct paxos_base base = base_at(&rig, 49);
    rig_install(&rig, &base);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 0); /* 50 is still missing */
    base = base_at(&rig, 50);
    rig_install(&rig, &base);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 2)->first, 51);
    struct paxos_entry left = command_entry(&rig, 52, "left");
    left.ballot = ballot_of(6, 3);
    hear_promise(&rig, 2, 50, &left, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_HOLE_FILLED), 1);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ADOPTED), 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPT, 2)->entries[0].slot, 51);
    rig_release(&rig);
}

/* R1: the configurations of the open window are worked out anew, and their promises gathered. */
static void test_a_candidate_needs_the_installed_configurations(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    hear_promise(&rig, 2, 50, NULL, 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    struct paxos_base base = base_at(&rig, 50);
    base.configs[0].chosen_at = 30; /* 2 has left, 4 and 5 are in */
    base.configs[0].config.based_on = 12;
    config_drop(&base.configs[0].config, 2);
    config_add(&base.configs[0].config, 4, PAXOS_VOTER);
    config_add(&base.configs[0].config, 5, PAXOS_VOTER);
    rig_install(&rig, &base);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 3); /* 3, 4 and 5 */
    hear_promise(&rig, 2, 50, NULL, 0);
    hear_promise(&rig, 4, 50, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* two of four */
    hear_promise(&rig, 5, 50, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

/* --- Asked for what is gone --- */

static void test_a_fetch_of_dropped_slots_asks_for_a_snapshot(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry noops[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP),
                                  entry_of(4, PAXOS_NOOP)};
    hear_chosen(&rig, 2, noops, 3);
    rig_applied(&rig);
    drop_to(&rig, 3);
    hear_fetch(&rig, 3, 3);
    assert_int_equal(rig.out.snapshot_to, 3);
    assert_int_equal(rig.out.fetch_to, 0);
    hear_fetch(&rig, 3, 4);
    assert_int_equal(rig.out.snapshot_to, 0);
    assert_int_equal(rig.out.fetch_to, 3);
    assert_int_equal(rig.out.fetch_first, 4);
    drop_to(&rig, 2); /* what is gone is gone */
    hear_fetch(&rig, 3, 3);
    assert_int_equal(rig.out.snapshot_to, 3);
    hear_fetch(&rig, 3, 5); /* nobody knows that yet */
    assert_int_equal(rig.out.snapshot_to, 0);
    assert_int_equal(rig.out.fetch_to, 0);
    rig_release(&rig);
}

/* What was installed is not in the log either, in this life and the next. */
static void test_what_was_installed_is_not_in_the_log(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 20);
    rig_install(&rig, &base);
    rig_persisted(&rig);
    hear_fetch(&rig, 3, 20);
    assert_int_equal(rig.out.snapshot_to, 3);
    rig_restart(&rig, rig.log_count);
    hear_fetch(&rig, 3, 20);
    assert_int_equal(rig.out.snapshot_to, 3);
    rig_release(&rig);
}

/*
 * R3: with the segment that holds its record the log would lose the installation, and with it all
 * that stands on it, so new segments repeat it until a snapshot made here stands for more.
 */
static void test_the_last_installation_is_there_to_be_repeated(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    assert_null(paxos_installed(rig.px));
    struct paxos_base base = base_at(&rig, 20);
    rig_install(&rig, &base);
    assert_memory_equal(paxos_installed(rig.px), &base, sizeof(base));
    rig_persisted(&rig);
    rig_restart(&rig, rig.log_count);
    assert_int_equal(paxos_installed(rig.px)->slot, 20);
    struct paxos_entry noop = entry_of(21, PAXOS_NOOP);
    hear_chosen(&rig, 2, &noop, 1);
    rig_applied(&rig);
    drop_to(&rig, 19);
    assert_int_equal(paxos_installed(rig.px)->slot, 20);
    drop_to(&rig, 20);
    assert_null(paxos_installed(rig.px));
    rig_release(&rig);
}

/* A head that repeats it comes before records that are older than it: they are passed over. */
static void test_a_repeated_installation_comes_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 20);
    assert_int_equal(rig_restore(&rig, 0), CD_OK);
    assert_int_equal(paxos_restore_installed(rig.px, &base), CD_OK);
    struct paxos_base older = base_at(&rig, 10);
    assert_int_equal(paxos_restore_installed(rig.px, &older), CD_OK);
    assert_int_equal(rig.px->chosen, 20);
    assert_int_equal(paxos_installed(rig.px)->slot, 20);
    rig_release(&rig);
}

/* --- What comes late --- */

static void test_what_lies_below_the_base_is_ignored(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 20);
    rig_install(&rig, &base);
    rig_persisted(&rig);
    struct paxos_config config = config_of(5);
    struct paxos_entry late[] = {config_entry(&rig, 1, &config), entry_of(2, PAXOS_NOOP),
                                 entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 2, late, 3);
    assert_int_equal(rig.out.persist_count + rig.out.chosen_count, 0);
    struct paxos_entry answer[] = {entry_of(19, PAXOS_NOOP), entry_of(20, PAXOS_NOOP),
                                   entry_of(21, PAXOS_NOOP)};
    hear_chosen(&rig, 2, answer, 2);
    assert_int_equal(rig.out.persist_count + rig.out.chosen_count, 0);
    hear_accept(&rig, ballot_of(6, 2), 1, answer, 2);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPTED), 0);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_ACCEPTED), 0);
    hear_chosen(&rig, 2, answer, 3); /* as far as it is news it is taken */
    assert_int_equal(rig.out.chosen_count, 1);
    assert_int_equal(rig.px->chosen, 21);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_bases),
        cmocka_unit_test(test_unsound_bases),
        cmocka_unit_test(test_unsound_pairs),
        cmocka_unit_test(test_what_may_be_installed),
        cmocka_unit_test(test_an_install_drops_acceptances_below_alone),
        cmocka_unit_test(test_what_is_said_waits_for_the_record),
        cmocka_unit_test(test_the_record_makes_it_lasting),
        cmocka_unit_test(test_a_snapshot_that_the_log_does_not_know_is_installed_at_the_start),
        cmocka_unit_test(test_a_snapshot_that_the_log_vouches_for_needs_no_record),
        cmocka_unit_test(test_what_is_known_as_chosen_above_is_handed_out),
        cmocka_unit_test(test_another_leaders_mark_is_not_kept),
        cmocka_unit_test(test_it_fetches_on_at_once),
        cmocka_unit_test(test_an_empty_replica_installs),
        cmocka_unit_test(test_a_leader_that_installs_steps_down),
        cmocka_unit_test(test_a_candidate_waits_for_the_snapshot),
        cmocka_unit_test(test_a_candidate_needs_the_installed_configurations),
        cmocka_unit_test(test_a_fetch_of_dropped_slots_asks_for_a_snapshot),
        cmocka_unit_test(test_what_was_installed_is_not_in_the_log),
        cmocka_unit_test(test_the_last_installation_is_there_to_be_repeated),
        cmocka_unit_test(test_a_repeated_installation_comes_first),
        cmocka_unit_test(test_what_lies_below_the_base_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
