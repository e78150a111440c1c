#include "story.h"

#include "base/memory.h"

/* --- What makes no sense is ignored --- */

static void ignored(struct rig *rig, const struct paxos_message *m)
{
    struct paxos_ballot promised = rig->px->promised;
    paxos_slot chosen = rig->px->chosen;
    enum paxos_role role = rig->px->role;
    struct paxos_peer peers[PAXOS_PEERS_MAX];
    memcpy(peers, rig->px->peers, sizeof(peers));
    rig_deliver(rig, m);
    assert_int_equal(rig->out.persist_count, 0);
    assert_int_equal(rig->out.sends_count, 0);
    assert_int_equal(rig->out.chosen_count, 0);
    assert_int_equal(rig->out.notes_count, 0);
    assert_ballot(rig->px->promised, promised);
    assert_int_equal(rig->px->chosen, chosen);
    assert_int_equal(rig->px->role, role);
    assert_int_equal(rig->px->known_chosen, chosen);
    assert_memory_equal(rig->px->peers, peers, sizeof(peers));
}

static struct paxos_message good_accept(struct rig *rig, struct paxos_entry *entries, size_t count)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_ACCEPT, 2);
    m.ballot = ballot_of(4, 2);
    m.chosen = 3;
    for (size_t i = 0; i < count; i++) {
        entries[i] = entry_of(2 + i, PAXOS_NOOP);
    }
    m.entries = entries;
    m.entries_count = count;
    return m;
}

static void test_messages_of_and_to_the_wrong_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[2];
    struct paxos_message m = good_accept(&rig, entries, 2);
    m.from = 0;
    ignored(&rig, &m);
    m.from = 1;
    ignored(&rig, &m);
    m = good_accept(&rig, entries, 2);
    m.to = 2;
    ignored(&rig, &m);
    m.to = 0;
    ignored(&rig, &m);
    m.to = 1;
    rig_deliver(&rig, &m);
    assert_true(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->granted);
    rig_release(&rig);
}

/* Who speaks as leader speaks under a ballot of its own (R2). */
static void test_leaders_with_a_ballot_of_another(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const enum paxos_message_kind kinds[] = {PAXOS_MSG_ACCEPT, PAXOS_MSG_HEARTBEAT,
                                             PAXOS_MSG_TAKE_OVER};
    for (size_t i = 0; i < 3; i++) {
        struct paxos_message m = message_of(&rig, kinds[i], 2);
        ignored(&rig, &m); /* none at all */
        m.ballot = ballot_of(4, 3);
        ignored(&rig, &m);
        m.ballot = ballot_of(0, 2);
        ignored(&rig, &m);
        m.ballot = ballot_of(4, 2);
        m.ballot.node = 3;
        ignored(&rig, &m);
        m.ballot = ballot_of(4, 2);
        m.from_incarnation = 5;
        ignored(&rig, &m);
    }
    rig_release(&rig);
}

static void test_rounds_that_no_honest_ballot_has(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    const uint64_t rounds[] = {UINT64_MAX, PAXOS_ROUND_MAX, PAXOS_ROUND_MAX - 1,
                               PAXOS_ROUND_LEAP_MAX + 1};
    for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
        for (int kind = 1; kind <= 16; kind++) {
            struct paxos_message m = message_of(&rig, (enum paxos_message_kind)kind, 2);
            m.ballot = ballot_of(rounds[i], 2);
            ignored(&rig, &m);
        }
    }
    struct paxos_entry entries[1];
    struct paxos_message m = good_accept(&rig, entries, 1);
    entries[0].ballot.round = PAXOS_ROUND_MAX;
    ignored(&rig, &m);
    entries[0].ballot.round = 0;
    entries[0].lead.round = UINT64_MAX;
    ignored(&rig, &m);
    hear_leader(&rig, ballot_of(PAXOS_ROUND_LEAP_MAX, 2), 1);
    assert_int_equal(rig.px->leader, 2);
    rig_persisted(&rig);
    rig.px->max_round_seen = PAXOS_ROUND_MAX - 2; /* leap after leap */
    m = message_of(&rig, PAXOS_MSG_HEARTBEAT, 2);
    m.ballot = ballot_of(PAXOS_ROUND_MAX, 2);
    ignored(&rig, &m);
    rig_release(&rig);
}

/* However high the rounds are driven up, a replica never stops and never takes a ballot twice. */
static void test_elections_at_the_end_of_the_rounds(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    rig.px->max_round_seen = PAXOS_ROUND_MAX - 3; /* leap after leap */
    struct paxos_ballot last = {0};
    for (int i = 0; i < 400; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
        if (rig.px->role == PAXOS_ROLE_PRECANDIDATE) {
            struct paxos_message m = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 2);
            m.nonce = rig.px->prevote_nonce;
            m.granted = true;
            rig_deliver(&rig, &m);
        }
        if (persist_count(&rig, PAXOS_PERSIST_PROMISE) != 0) {
            assert_true(paxos_ballot_compare(rig.px->promised, last) > 0);
            last = rig.px->promised;
        }
    }
    assert_true(last.round < PAXOS_ROUND_MAX);
    assert_true(last.round > PAXOS_ROUND_MAX - 3);
    rig_release(&rig);
}

static void test_entries_that_make_no_sense(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct cd_blob *bytes = rig_text(&rig, "bytes");
    struct paxos_config unsound = config_of(0);
    unsound.based_on = 1;
    struct paxos_config baseless = config_of(3);
    struct paxos_config other_alpha = config_of(3);
    other_alpha.based_on = 1;
    other_alpha.alpha = RIG_ALPHA * 2;
    const struct paxos_entry bad[] = {
        entry_of(0, PAXOS_NOOP),
        entry_of(PAXOS_SLOT_MAX, PAXOS_NOOP),
        entry_of(3, (enum paxos_kind)0),
        entry_of(3, (enum paxos_kind)5),
        entry_of(3, PAXOS_COMMANDS),
        entry_of(3, PAXOS_CONFIG),
        {.slot = 3, .kind = PAXOS_NOOP, .payload = bytes},
        {.slot = 3, .kind = PAXOS_LEAD, .payload = bytes},
        {.slot = 3, .kind = PAXOS_CONFIG, .payload = bytes},
        config_entry(&rig, 3, &unsound),
        config_entry(&rig, 3, &baseless), /* only slot 1 is based on nothing */
        config_entry(&rig, 3, &other_alpha),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct paxos_entry entries[2];
        struct paxos_message m = good_accept(&rig, entries, 2);
        entries[1] = bad[i];
        ignored(&rig, &m);
    }
    rig_release(&rig);
}

static void test_entries_in_a_wrong_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[3];
    struct paxos_message m = good_accept(&rig, entries, 2);
    entries[1].slot = 2; /* twice */
    ignored(&rig, &m);
    entries[0].slot = 3; /* backwards */
    ignored(&rig, &m);
    entries[0].slot = 2;
    entries[1].slot = 4; /* a gap: the answer names one range */
    ignored(&rig, &m);
    m.kind = PAXOS_MSG_CHOSEN;
    ignored(&rig, &m);
    rig_release(&rig);
}

static void test_more_entries_than_a_message_has(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry *entries =
        cd_calloc(PAXOS_MESSAGE_ENTRIES_MAX + 1, sizeof(struct paxos_entry));
    struct paxos_message m = good_accept(&rig, entries, PAXOS_MESSAGE_ENTRIES_MAX + 1);
    ignored(&rig, &m);
    m.entries_count--;
    rig_deliver(&rig, &m);
    assert_int_equal(sent(&rig, PAXOS_MSG_ACCEPTED, 2)->last, 1 + RIG_ALPHA);
    cd_free(entries);
    rig_release(&rig);
}

/* Each entry is judged by what the entries before it made of this replica. */
static void test_a_message_that_changes_what_is_sound(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 1);
    struct paxos_config first = config_of(3);
    struct paxos_config second = config_of(3);
    second.alpha = RIG_ALPHA * 2;
    second.based_on = 1;
    struct paxos_entry entries[] = {config_entry(&rig, 1, &first), config_entry(&rig, 2, &second)};
    hear_chosen(&rig, 2, entries, 2);
    assert_int_equal(rig.px->chosen, 1);
    assert_int_equal(paxos_alpha(rig.px), RIG_ALPHA);
    rig_release(&rig);
}

static void test_a_chain_of_configurations_in_one_message(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[20];
    for (size_t i = 0; i < 20; i++) {
        struct paxos_config config = config_of(3);
        config.based_on = 1 + i;
        entries[i] = config_entry(&rig, 2 + i, &config);
    }
    hear_chosen(&rig, 2, entries, 20);
    assert_int_equal(rig.px->chosen, 21);
    assert_true(rig.px->configs_count <= PAXOS_CONFIGS_MAX);
    rig_release(&rig);
}

static void test_unknown_kinds(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    for (int kind = 17; kind < 40; kind++) {
        struct paxos_message m = message_of(&rig, (enum paxos_message_kind)kind, 2);
        rig_deliver(&rig, &m);
        assert_int_equal(rig.out.persist_count + rig.out.sends_count, 0);
    }
    rig_release(&rig);
}

/* --- Nothing that comes in ends in an assertion --- */

struct seen {
    size_t roles[PAXOS_ROLE_LEADER + 1];
    size_t notes[PAXOS_NOTE_COUNT];
    size_t sends[PAXOS_MSG_TAKE_OVER + 1];
    size_t steps;
};

static struct seen seen;

static void note_seen(const struct rig *rig)
{
    seen.steps++;
    seen.roles[rig->px->role]++;
    for (size_t i = 0; i < rig->out.notes_count; i++) {
        seen.notes[rig->out.notes[i].kind]++;
    }
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        seen.sends[rig->out.sends[i].message.kind]++;
    }
}

static void fuzz(uint64_t seed, unsigned wild, unsigned crashes, int steps)
{
    struct rig rig;
    uint32_t node = 1 + (uint32_t)(seed % 4);
    const uint32_t peers[] = {1, 2, 3, 4};
    struct paxos_config config = config_of(1 + seed % 5);
    config_add(&config, 6, seed % 2 != 0 ? PAXOS_LEARNER : PAXOS_OBSERVER);
    if (seed % 7 == 0) {
        rig_init_with_peers(&rig, node, peers, 4);
    } else if (seed % 3 == 0) {
        rig_restored(&rig, node, &config);
    } else {
        rig_member_of(&rig, node, &config);
    }
    struct story story;
    story_init(&story, &rig, seed);
    story.wild = wild;
    story.crashes = crashes;
    story.late = seed % 2 != 0;
    for (int i = 0; i < steps; i++) {
        story_step(&story);
        note_seen(&rig);
    }
    rig_release(&rig);
}

static void test_sensible_messages_never_stop_it(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        fuzz(seed, 0, seed % 2 != 0 ? 5 : 0, 1000);
    }
}

static void test_senseless_messages_never_stop_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1600; seed++) {
        fuzz(seed, seed % 2 != 0 ? 10 : 60, 5, 600);
    }
}

/* The two above are worth something only if they get everywhere. */
static void test_the_lives_were_full(void **state)
{
    (void)state;
    assert_true(seen.steps > 500000);
    for (int role = 0; role <= PAXOS_ROLE_LEADER; role++) {
        assert_true(seen.roles[role] > 1000);
    }
    for (int note = 0; note < PAXOS_NOTE_COUNT; note++) {
        assert_true(seen.notes[note] != 0);
    }
    for (int kind = 1; kind <= PAXOS_MSG_TAKE_OVER; kind++) {
        if (kind != PAXOS_MSG_CHOSEN) { /* the driver makes those */
            assert_true(seen.sends[kind] > 10);
        }
    }
}

/* --- Time --- */

static void test_the_deadline_is_kept_by_a_tick(void **state)
{
    (void)state;
    for (uint32_t node = 1; node <= 4; node++) {
        struct rig rig;
        struct paxos_config config = config_of(3);
        config_add(&config, 4, PAXOS_LEARNER);
        rig_member_of(&rig, node, &config);
        for (int i = 0; i < 300; i++) {
            uint64_t deadline = paxos_deadline_ms(rig.px);
            assert_true(deadline != PAXOS_NEVER);
            assert_true(deadline <= rig.now_ms + RIG_HEARTBEAT_MS);
            rig_tick(&rig, deadline > rig.now_ms ? deadline - rig.now_ms : 0);
            assert_true(paxos_deadline_ms(rig.px) > rig.now_ms); /* else a loop would spin */
        }
        rig_release(&rig);
    }
}

static void test_the_deadline_is_the_nearest_timer(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    rig.px->election_deadline_ms = rig.px->next_tick_ms - 3;
    assert_int_equal(paxos_deadline_ms(rig.px), rig.px->next_tick_ms - 3);
    rig.px->election_deadline_ms = rig.px->next_tick_ms + 3;
    assert_int_equal(paxos_deadline_ms(rig.px), rig.px->next_tick_ms);
    rig_release(&rig);
}

static void test_early_ticks_do_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    for (int i = 0; i < 5; i++) {
        rig_tick(&rig, 1);
        assert_int_equal(rig.out.sends_count + rig.out.persist_count, 0);
    }
    rig_release(&rig);
}

/* A pause of the process: the leader finds that nobody confirmed it for long. */
static void test_a_late_tick_is_harmless(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_tick(&rig, 20000);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 0);
    rig_release(&rig);
}

/* The same events give the same effects: what is left of chance is the seed. */
static void test_the_same_events_give_the_same_effects(void **state)
{
    (void)state;
    for (uint64_t seed = 50; seed < 60; seed++) {
        struct rig a;
        struct rig b;
        struct story of_a;
        struct story of_b;
        rig_member(&a, 1, 3);
        rig_member(&b, 1, 3);
        story_init(&of_a, &a, seed);
        story_init(&of_b, &b, seed);
        for (int i = 0; i < 300; i++) {
            story_step(&of_a);
            story_step(&of_b);
            assert_int_equal(a.out.persist_count, b.out.persist_count);
            assert_int_equal(a.out.sends_count, b.out.sends_count);
            for (size_t k = 0; k < a.out.sends_count; k++) {
                struct paxos_message ma = a.out.sends[k].message;
                struct paxos_message mb = b.out.sends[k].message;
                assert_int_equal(ma.kind, mb.kind);
                assert_int_equal(ma.to, mb.to);
                assert_int_equal(ma.first, mb.first);
                assert_true(ma.nonce == mb.nonce && ma.chosen == mb.chosen);
            }
            assert_int_equal(a.px->election_deadline_ms, b.px->election_deadline_ms);
        }
        rig_release(&a);
        rig_release(&b);
    }
}

/* --- What can be asked --- */

static void test_status_of_a_leader_and_a_follower(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_status status;
    rig_leader(&rig, 1, 3);
    paxos_status(rig.px, rig.now_ms + 7, &status);
    assert_int_equal(status.role, PAXOS_ROLE_LEADER);
    assert_int_equal(status.leader, 1);
    assert_ballot(status.ballot, rig.px->promised);
    assert_int_equal(status.chosen, 2);
    assert_int_equal(status.applied, 2);
    assert_int_equal(status.known_chosen, 2);
    assert_true(status.incarnation == incarnation_of(1));
    assert_true(status.established && status.verified && status.voter);
    assert_int_equal(status.since_leader_ms, 0);
    hear_leader(&rig, ballot_of(9, 2), 5);
    paxos_status(rig.px, rig.now_ms + 7, &status);
    assert_int_equal(status.role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(status.leader, 2);
    assert_ballot(status.ballot, ballot_of(9, 2));
    assert_int_equal(status.known_chosen, 5);
    assert_false(status.established);
    assert_int_equal(status.since_leader_ms, 7);
    rig_release(&rig);
}

static void test_status_of_those_without_a_vote(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_status status;
    rig_init(&rig, 1);
    paxos_status(rig.px, rig.now_ms, &status);
    assert_int_equal(status.role, PAXOS_ROLE_LEARNER);
    assert_false(status.voter);
    assert_int_equal(status.leader, 0);
    rig_release(&rig);
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_restored(&rig, 4, &config);
    paxos_status(rig.px, rig.now_ms, &status);
    assert_false(status.voter);
    assert_false(status.verified);
    rig_release(&rig);
}

static void test_a_leader_that_steps_down_was_led_until_now(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    for (int i = 0; i < 30; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        hear_round(&rig, 2, rig.px->round, 1);
    }
    hear_refusal(&rig, PAXOS_MSG_ACCEPTED, 3, ballot_of(rig.px->promised.round + 1, 3));
    struct paxos_status status;
    paxos_status(rig.px, rig.now_ms + 3, &status);
    assert_int_equal(status.leader, 0);
    assert_int_equal(status.since_leader_ms, 3);
    rig_release(&rig);
}

static void test_views_of_peers(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 3, rig.px->round, 2);
    struct paxos_peer_view view;
    assert_true(paxos_peer_view(rig.px, 3, incarnation_of(3), rig.now_ms + 5, &view));
    assert_int_equal(view.chosen, 2);
    assert_int_equal(view.heard_ms_ago, 5);
    assert_true(paxos_peer_view(rig.px, 1, incarnation_of(1), rig.now_ms + 5, &view));
    assert_int_equal(view.heard_ms_ago, 0);
    assert_int_equal(view.chosen, rig.px->chosen_durable);
    struct paxos_message refusal = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 3);
    refusal.chosen = 9; /* chosen there, but nothing is said of its disk */
    rig_deliver(&rig, &refusal);
    assert_true(paxos_peer_view(rig.px, 3, incarnation_of(3), rig.now_ms, &view));
    assert_int_equal(view.chosen, 2);
    assert_false(paxos_peer_view(rig.px, 3, 5, rig.now_ms, &view));
    assert_false(paxos_peer_view(rig.px, 9, 9, rig.now_ms, &view));
    hear_leader(&rig, ballot_of(9, 2), 1);
    assert_false(paxos_peer_view(rig.px, 3, incarnation_of(3), rig.now_ms, &view));
    rig_release(&rig);
}

static void test_configurations_that_still_matter(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config change = config_of(4);
    change.based_on = 1;
    struct paxos_entry entry = config_entry(&rig, 2, &change);
    hear_chosen(&rig, 2, &entry, 1);
    const struct paxos_config *config = NULL;
    paxos_slot slot = 0;
    assert_true(paxos_config_at(rig.px, 0, &slot, &config));
    assert_int_equal(slot, 1);
    assert_int_equal(config->members_count, 3);
    assert_true(paxos_config_at(rig.px, 1, &slot, &config));
    assert_int_equal(slot, 2);
    assert_int_equal(config->members_count, 4);
    assert_false(paxos_config_at(rig.px, 2, &slot, &config));
    rig_release(&rig);
}

static void test_own_id_among_the_peers_is_no_peer(void **state)
{
    (void)state;
    struct rig rig;
    const uint32_t peers[] = {3, 1, 2};
    rig_init_with_peers(&rig, 3, peers, 3);
    rig_tick(&rig, 0);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 2);
    rig_release(&rig);
    paxos_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_and_to_the_wrong_one),
        cmocka_unit_test(test_leaders_with_a_ballot_of_another),
        cmocka_unit_test(test_rounds_that_no_honest_ballot_has),
        cmocka_unit_test(test_elections_at_the_end_of_the_rounds),
        cmocka_unit_test(test_entries_that_make_no_sense),
        cmocka_unit_test(test_entries_in_a_wrong_order),
        cmocka_unit_test(test_more_entries_than_a_message_has),
        cmocka_unit_test(test_a_message_that_changes_what_is_sound),
        cmocka_unit_test(test_a_chain_of_configurations_in_one_message),
        cmocka_unit_test(test_unknown_kinds),
        cmocka_unit_test(test_sensible_messages_never_stop_it),
        cmocka_unit_test(test_senseless_messages_never_stop_it),
        cmocka_unit_test(test_the_lives_were_full),
        cmocka_unit_test(test_the_deadline_is_kept_by_a_tick),
        cmocka_unit_test(test_the_deadline_is_the_nearest_timer),
        cmocka_unit_test(test_early_ticks_do_nothing),
        cmocka_unit_test(test_a_late_tick_is_harmless),
        cmocka_unit_test(test_the_same_events_give_the_same_effects),
        cmocka_unit_test(test_status_of_a_leader_and_a_follower),
        cmocka_unit_test(test_status_of_those_without_a_vote),
        cmocka_unit_test(test_a_leader_that_steps_down_was_led_until_now),
        cmocka_unit_test(test_views_of_peers),
        cmocka_unit_test(test_configurations_that_still_matter),
        cmocka_unit_test(test_own_id_among_the_peers_is_no_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
