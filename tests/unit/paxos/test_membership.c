#include "support.h"

/* --- Helpers --- */

/* It has caught up, so that it knows to be outside. */
static void hear_join(struct rig *rig, uint32_t from, uint64_t incarnation)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_JOIN, from);
    m.from_incarnation = incarnation;
    m.chosen = rig->px->chosen;
    rig_deliver(rig, &m);
}

static void remove_node(struct rig *rig, uint32_t node)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_REMOVE, .node = node});
}

/* The configuration proposed in this step; false if none was. */
static bool proposed_config(const struct rig *rig, struct paxos_config *ret_config)
{
    for (size_t i = 0; i < rig->out.persist_count; i++) {
        const struct paxos_persist *record = &rig->out.persist[i];
        if (record->kind == PAXOS_PERSIST_ACCEPTED && record->entry.kind == PAXOS_CONFIG) {
            memcpy(ret_config, record->entry.payload->data, sizeof(*ret_config));
            return true;
        }
    }
    return false;
}

static bool proposes_config(const struct rig *rig)
{
    struct paxos_config config;
    return proposed_config(rig, &config);
}

static enum paxos_role_of_member role_in(const struct paxos_config *config, uint32_t node,
                                         uint64_t incarnation)
{
    const struct paxos_member *member = paxos_member_find(config, node, incarnation);
    return member != NULL ? member->role : (enum paxos_role_of_member)0;
}

/* Everyone in `nodes` (up to the 0) answers the present round; the leader's disk is fast. */
static void round_of(struct rig *rig, const uint32_t *nodes)
{
    rig_tick(rig, RIG_HEARTBEAT_MS);
    for (size_t i = 0; nodes[i] != 0; i++) {
        hear_round(rig, nodes[i], rig->px->round, rig->px->chosen);
    }
}

/* `nodes` accept all that is open, it is applied, until nothing is open any more. */
static void settle(struct rig *rig, const uint32_t *nodes)
{
    for (int turn = 0; turn < 20 && rig->px->role == PAXOS_ROLE_LEADER; turn++) {
        rig_persisted(rig);
        for (size_t i = 0; nodes[i] != 0 && rig->px->role == PAXOS_ROLE_LEADER; i++) {
            hear_accepted(rig, nodes[i], rig->px->chosen + 1, rig->px->next_slot - 1);
        }
        rig_applied(rig);
        if (rig->px->chosen + 1 == rig->px->next_slot) {
            return;
        }
    }
}

static const uint32_t just_2[] = {2, 0};
static const uint32_t both[] = {2, 3, 0};
static const uint32_t three[] = {2, 3, 4, 0};

/* --- Birth --- */

static void test_birth(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 3);
    assert_true(paxos_is_empty(rig.px));
    struct paxos_config birth = config_of(5); /* only cluster id and alpha count */
    memset(birth.cluster_id, 0xab, sizeof(birth.cluster_id));
    birth.alpha = 9;
    birth.generation = 7;
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_BIRTH, .config = &birth});
    assert_false(paxos_is_empty(rig.px));
    assert_int_equal(persisted(&rig, PAXOS_PERSIST_LEARNED)->slot, 1);
    assert_int_equal(rig.out.chosen_count, 1);
    const struct paxos_config *config = paxos_config_newest(rig.px, NULL);
    assert_memory_equal(config->cluster_id, birth.cluster_id, sizeof(birth.cluster_id));
    assert_int_equal(config->alpha, 9);
    assert_int_equal(config->generation, 1);
    assert_int_equal(config->based_on, 0);
    assert_int_equal(config->members_count, 1);
    assert_int_equal(role_in(config, 3, incarnation_of(3)), PAXOS_VOTER);
    /* It promises itself, once that is durable it leads, once LEAD is applied it is established. */
    for (int i = 0; i < 4; i++) {
        rig_persisted(&rig);
        rig_applied(&rig);
    }
    assert_true(rig.px->established);
    assert_int_equal(rig.px->chosen, 2);
    rig_release(&rig);
}

/* --- Asking to join --- */

static void test_an_outsider_asks_its_peers(void **state)
{
    (void)state;
    struct rig rig;
    const uint32_t peers[] = {1, 2, 4};
    rig_init_with_peers(&rig, 4, peers, 3);
    rig_tick(&rig, 0);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 2);
    assert_true(sent(&rig, PAXOS_MSG_JOIN, 1)->from_incarnation == incarnation_of(4));
    rig_tick(&rig, RIG_ELECTION_MS - 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 2);
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    struct paxos_entry entry = config_entry(&rig, 1, &config);
    hear_chosen(&rig, 1, &entry, 1);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0); /* it is one of them */
    rig_release(&rig);
}

/* Who was removed does not come back by itself. */
static void test_who_was_removed_does_not_ask(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_member_of(&rig, 3, &config);
    config.based_on = 1;
    config_drop(&config, 3);
    struct paxos_entry entries[] = {config_entry(&rig, 2, &config), entry_of(3, PAXOS_NOOP),
                                    entry_of(4, PAXOS_NOOP), entry_of(5, PAXOS_NOOP)};
    hear_chosen(&rig, 1, entries, 4);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
    for (int i = 0; i < 50; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0);
        assert_int_equal(sent_count(&rig, PAXOS_MSG_PREVOTE), 0);
    }
    rig_restart(&rig, rig.log_count);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0);
    rig_release(&rig);
}

/* --- Admitting --- */

static void test_the_leader_admits_a_learner(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 4, incarnation_of(4));
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.based_on, 1);
    assert_int_equal(config.members_count, 4);
    assert_int_equal(role_in(&config, 4, incarnation_of(4)), PAXOS_LEARNER);
    assert_int_equal(role_in(&config, 2, incarnation_of(2)), PAXOS_VOTER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_JOINED), 1);
    hear_join(&rig, 5, incarnation_of(5)); /* one at a time */
    assert_false(proposes_config(&rig));
    rig_release(&rig);
}

/* Its mark says which configurations it knows to leave it out; told of more, it asks again. */
static void test_an_asker_must_know_the_newest_configuration(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 4, incarnation_of(4));
    assert_true(proposes_config(&rig));
    settle(&rig, both);
    paxos_slot newest = 0;
    (void)paxos_config_newest(rig.px, &newest);
    assert_true(newest > 1);
    round_of(&rig, both);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_JOIN, 5);
    m.chosen = newest - 1;
    rig_deliver(&rig, &m);
    assert_false(proposes_config(&rig));
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT, 5)->chosen, rig.px->chosen);
    m.chosen = newest;
    rig_deliver(&rig, &m);
    assert_true(proposes_config(&rig));
    rig_release(&rig);
}

/* A copy of its asking comes when it has been let in and removed: nobody asked since. */
static void test_a_late_join_does_not_undo_a_removal(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    struct paxos_message late = message_of(&rig, PAXOS_MSG_JOIN, 4);
    late.chosen = rig.px->chosen;
    rig_deliver(&rig, &late);
    assert_true(proposes_config(&rig));
    settle(&rig, both);
    round_of(&rig, both);
    remove_node(&rig, 4);
    assert_true(proposes_config(&rig));
    settle(&rig, both);
    round_of(&rig, both);
    rig_deliver(&rig, &late);
    assert_false(proposes_config(&rig));
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 1); /* it could have been anybody */
    rig_release(&rig);
}

/* An outsider that has caught up need not wait: it asks with the next heartbeat. */
static void test_an_outsider_asks_again_when_it_has_caught_up(void **state)
{
    (void)state;
    struct rig rig;
    const uint32_t peers[] = {1, 2};
    rig_init_with_peers(&rig, 3, peers, 2);
    rig_tick(&rig, 0);
    assert_int_equal(sent(&rig, PAXOS_MSG_JOIN, 1)->chosen, 0);
    hear_leader(&rig, ballot_of(4, 1), 2);
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 1)->first, 1);
    struct paxos_config config = config_of(2);
    struct paxos_entry entries[] = {config_entry(&rig, 1, &config), entry_of(2, PAXOS_NOOP)};
    hear_chosen(&rig, 1, entries, 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0); /* there is more to fetch */
    hear_chosen(&rig, 1, entries, 2);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent(&rig, PAXOS_MSG_JOIN, 1)->chosen, 2);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 0);
    rig_release(&rig);
}

static void test_who_is_in_needs_no_admission(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 2, incarnation_of(2));
    assert_false(proposes_config(&rig));
    rig_release(&rig);
}

static void test_only_an_established_leader_admits(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_join(&rig, 4, incarnation_of(4));
    assert_false(proposes_config(&rig));
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    hear_join(&rig, 4, incarnation_of(4));
    assert_false(proposes_config(&rig));
    rig_release(&rig);
}

/* R2: a wiped replica comes back as another incarnation; its old vote stays until it is replaced.
 */
static void test_a_wiped_voter_comes_back_as_a_learner(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 3, 77);
    assert_false(proposes_config(&rig)); /* its first incarnation was heard just now */
    for (int i = 0; i < 15; i++) {
        round_of(&rig, just_2);
    }
    hear_join(&rig, 3, 77);
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.members_count, 4);
    assert_int_equal(role_in(&config, 3, incarnation_of(3)), PAXOS_VOTER);
    assert_int_equal(role_in(&config, 3, 77), PAXOS_LEARNER);
    rig_release(&rig);
}

static void test_a_wiped_learner_takes_its_own_place(void **state)
{
    (void)state;
    for (int observer = 0; observer < 2; observer++) {
        struct rig rig;
        struct paxos_config before = config_of(3);
        config_add(&before, 4, observer ? PAXOS_OBSERVER : PAXOS_LEARNER);
        rig_leader_of(&rig, 1, &before);
        for (int i = 0; i < 15; i++) {
            round_of(&rig, both);
        }
        hear_join(&rig, 4, 77);
        struct paxos_config config;
        assert_true(proposed_config(&rig, &config));
        assert_int_equal(config.members_count, 4);
        assert_int_equal(role_in(&config, 4, incarnation_of(4)), 0);
        /* An observer stays one: it is never promoted. */
        assert_int_equal(role_in(&config, 4, 77), observer ? PAXOS_OBSERVER : PAXOS_LEARNER);
        rig_release(&rig);
    }
}

static void test_a_full_configuration_admits_nobody(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    for (uint32_t node = 4; node <= PAXOS_MEMBERS_MAX; node++) {
        config_add(&config, node, PAXOS_OBSERVER);
    }
    rig_leader_of(&rig, 1, &config);
    hear_join(&rig, 40, 1);
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CHANGE_REFUSED), 1);
    rig_release(&rig);
}

/* --- A change in flight (R5) --- */

static void test_an_idle_cluster_reaches_the_new_configuration(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 4, incarnation_of(4));
    paxos_slot at = rig.px->config_slot;
    settle(&rig, both);
    assert_int_equal(rig.px->chosen, at + RIG_ALPHA - 1); /* filled, and no further */
    assert_int_equal(rig.px->next_slot, at + RIG_ALPHA);
    paxos_slot newest = 0;
    assert_int_equal(paxos_config_newest(rig.px, &newest)->members_count, 4);
    assert_int_equal(newest, at);
    assert_true(paxos_may_propose(rig.px));
    rig_release(&rig);
}

static void test_a_change_is_done_when_a_majority_holds_all_before_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_join(&rig, 4, incarnation_of(4));
    settle(&rig, both);
    paxos_slot last = rig.px->config_slot + RIG_ALPHA - 1;
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, last - 1);
    hear_join(&rig, 5, incarnation_of(5));
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 0);
    hear_round(&rig, 4, rig.px->round, last); /* a learner */
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 0);
    hear_round(&rig, 3, rig.px->round, last);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 0); /* its own mark may be lost */
    rig_persisted(&rig);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 1); /* two of three */
    hear_join(&rig, 5, incarnation_of(5));
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.based_on, last - RIG_ALPHA + 1);
    rig_release(&rig);
}

/* A leader that inherits a change that is in flight finishes it before it begins another. */
static void test_a_change_outlives_its_leader(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config config = config_of(3);
    config.based_on = 1;
    config_add(&config, 4, PAXOS_LEARNER);
    struct paxos_entry entry = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 2, &entry, 1);
    rig_applied(&rig);
    become_candidate(&rig);
    hear_promise(&rig, 2, 2, NULL, 0);
    assert_int_equal(rig.px->config_slot, 2);
    settle(&rig, both);
    assert_int_equal(rig.px->chosen, 2 + RIG_ALPHA - 1);
    hear_join(&rig, 5, incarnation_of(5));
    assert_false(proposes_config(&rig));
    rig_persisted(&rig);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, rig.px->chosen);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 1);
    rig_release(&rig);
}

static void test_an_adopted_change_is_in_flight_too(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_config config = config_of(3);
    config.based_on = 1;
    config_add(&config, 4, PAXOS_LEARNER);
    struct paxos_entry entry = config_entry(&rig, 2, &config);
    hear_promise(&rig, 2, 1, &entry, 1);
    settle(&rig, both);
    assert_int_equal(rig.px->config_slot, 2);
    assert_int_equal(rig.px->chosen, 2 + RIG_ALPHA - 1);
    rig_release(&rig);
}

/*
 * Two leaders each proposed a change of slot 1 and a third adopts both: the second one is void. The
 * first is still in flight: it is finished, and no other begins before.
 */
static void test_a_void_change_does_not_hide_the_one_in_flight(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_candidate(&rig);
    struct paxos_config y = config_of(5);
    y.based_on = 1;
    struct paxos_config x = y;
    config_add(&y, 6, PAXOS_LEARNER);
    config_add(&x, 7, PAXOS_LEARNER);
    struct paxos_entry reported[] = {config_entry(&rig, 2, &y), config_entry(&rig, 3, &x)};
    hear_promise(&rig, 2, 1, reported, 1);
    hear_promise(&rig, 3, 1, reported + 1, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    settle(&rig, both);
    paxos_slot at = 0;
    const struct paxos_config *newest = paxos_config_newest(rig.px, &at);
    assert_int_equal(at, 2);
    assert_int_equal(role_in(newest, 6, incarnation_of(6)), PAXOS_LEARNER);
    assert_int_equal(role_in(newest, 7, incarnation_of(7)), 0);
    assert_true(rig.px->chosen >= 2 + RIG_ALPHA - 1);
    assert_int_equal(rig.px->config_slot, 2);
    hear_join(&rig, 8, incarnation_of(8));
    assert_false(proposes_config(&rig));
    rig_persisted(&rig);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, rig.px->chosen);
    hear_round(&rig, 3, rig.px->round, rig.px->chosen);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_ACTIVE), 1);
    hear_join(&rig, 8, incarnation_of(8));
    assert_true(proposes_config(&rig));
    rig_release(&rig);
}

/* --- Two configurations in the window (R5) --- */

/* A leader of {1,2,3} whose slot 3 is the change to {1,2,3,4,5}; LEAD is in 2, nothing open. */
static paxos_slot growing_leader(struct rig *rig)
{
    rig_leader(rig, 1, 3);
    struct paxos_config config = config_of(5);
    config.based_on = 1;
    struct cd_blob *payload = config_entry(rig, 9, &config).payload;
    rig_tick(rig, RIG_HEARTBEAT_MS);
    struct paxos_effects *out = &rig->out;
    paxos_effects_clear(out);
    paxos_propose(rig->px, PAXOS_CONFIG, payload, out); /* by hand: two voters at once */
    rig->asked = rig->px->position;
    rig->px->proposed_from = 0;
    paxos_slot at = rig->px->config_slot;
    rig_persisted(rig);
    hear_accepted(rig, 2, at, at);
    assert_int_equal(rig->px->chosen, at);
    return at;
}

static void test_the_new_configuration_must_promise_first(void **state)
{
    (void)state;
    struct rig rig;
    paxos_slot at = growing_leader(&rig);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 4)->first, at + 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 5)->first, at + 1);
    rig_applied(&rig); /* the window now reaches slot at + alpha */
    settle(&rig, both);
    assert_int_equal(rig.px->chosen, at + RIG_ALPHA - 1); /* by the old configuration alone */
    assert_int_equal(rig.px->next_slot, at + RIG_ALPHA);
    /* 1, 2 and 3 promised long ago and are a majority of five. */
    assert_true(paxos_may_propose(rig.px));
    rig_release(&rig);
}

static void test_without_its_promises_nothing_is_proposed_there(void **state)
{
    (void)state;
    struct rig rig;
    paxos_slot at = growing_leader(&rig);
    rig_applied(&rig);
    settle(&rig, both);
    rig.px->peers[paxos_peer_index(rig.px, paxos_peer_find(rig.px, 3, incarnation_of(3)))]
        .promised_to = 0; /* as if it had never promised */
    assert_false(paxos_may_propose(rig.px));
    struct paxos_entry old = command_entry(&rig, at + RIG_ALPHA, "old");
    hear_promise(&rig, 4, rig.px->chosen, &old, 1); /* and it reports something (P3) */
    assert_int_equal(rig.px->next_slot, at + RIG_ALPHA + 1);
    const struct paxos_persist *record = persisted(&rig, PAXOS_PERSIST_ACCEPTED);
    assert_true(entry_says(&record->entry, "old"));
    rig_release(&rig);
}

/* A slot is chosen by a quorum of its own configuration (P4). */
static void test_each_slot_counts_by_its_own_configuration(void **state)
{
    (void)state;
    struct rig rig;
    paxos_slot at = growing_leader(&rig);
    rig_applied(&rig);
    hear_promise(&rig, 4, rig.px->chosen, NULL, 0);
    hear_promise(&rig, 5, rig.px->chosen, NULL, 0);
    rig_persisted(&rig);
    assert_int_equal(rig.px->next_slot, at + RIG_ALPHA); /* the rest are no-ops of the old one */
    hear_accepted(&rig, 4, at + 1, at + RIG_ALPHA - 1);
    hear_accepted(&rig, 5, at + 1, at + RIG_ALPHA - 1);
    assert_int_equal(rig.px->chosen, at); /* 4 and 5 do not vote there */
    hear_accepted(&rig, 2, at + 1, at + RIG_ALPHA - 1);
    assert_int_equal(rig.px->chosen, at + RIG_ALPHA - 1);
    rig_applied(&rig);
    rig_propose(&rig, "new");
    rig_persisted(&rig);
    hear_accepted(&rig, 2, at + RIG_ALPHA, at + RIG_ALPHA);
    assert_int_equal(rig.px->chosen, at + RIG_ALPHA - 1); /* two of five */
    hear_accepted(&rig, 5, at + RIG_ALPHA, at + RIG_ALPHA);
    assert_int_equal(rig.px->chosen, at + RIG_ALPHA);
    rig_release(&rig);
}

static void test_rounds_need_a_majority_in_each_configuration(void **state)
{
    (void)state;
    struct rig rig;
    (void)growing_leader(&rig);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    uint64_t round = rig.px->round;
    hear_round(&rig, 4, round, 1);
    hear_round(&rig, 5, round, 1);
    assert_true(rig.px->round_completed < round); /* three of five, one of three */
    hear_round(&rig, 2, round, 1);
    assert_int_equal(rig.px->round_completed, round);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    round = rig.px->round;
    hear_round(&rig, 2, round, 1);
    assert_true(rig.px->round_completed < round); /* two of three, two of five */
    hear_round(&rig, 3, round, 1);
    assert_int_equal(rig.px->round_completed, round);
    rig_release(&rig);
}

static void test_elections_need_a_majority_in_each_configuration(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config config = config_of(5);
    config.based_on = 1;
    struct paxos_entry entry = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 2, &entry, 1);
    for (int i = 0; i < 100 && rig.px->role == PAXOS_ROLE_FOLLOWER; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
    }
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREVOTE), 4);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 2);
    m.nonce = rig.px->prevote_nonce;
    m.granted = true;
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    m.from = 4;
    m.from_incarnation = incarnation_of(4);
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_persisted(&rig);
    hear_promise(&rig, 4, 2, NULL, 0);
    hear_promise(&rig, 5, 2, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* three of five, one of three */
    hear_promise(&rig, 3, 2, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    hear_refusal(&rig, PAXOS_MSG_PROMISE, 3, ballot_of(rig.px->promised.round + 1, 3));
    become_candidate(&rig);
    hear_promise(&rig, 3, 2, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* two of three, two of five */
    hear_promise(&rig, 4, 2, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

/* R1 meets R5: what a candidate fetches may bring another configuration, whose voters it must ask.
 */
static void test_a_fetched_configuration_demands_its_own_promises(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    hear_promise(&rig, 2, 6, NULL, 0);
    hear_promise(&rig, 3, 1, NULL, 0);
    struct paxos_config config = config_of(0);
    config.based_on = 1;
    config_add(&config, 1, PAXOS_VOTER);
    config_add(&config, 4, PAXOS_VOTER);
    config_add(&config, 5, PAXOS_VOTER);
    struct paxos_entry entries[] = {config_entry(&rig, 2, &config), entry_of(3, PAXOS_NOOP),
                                    entry_of(4, PAXOS_NOOP), entry_of(5, PAXOS_NOOP),
                                    entry_of(6, PAXOS_NOOP)};
    hear_chosen(&rig, 2, entries, 5);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* 2 and 3 count no longer */
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 4)->first, 7);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 5)->first, 7);
    hear_promise(&rig, 4, 6, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

/* --- Promotion --- */

static void with_learner(struct rig *rig)
{
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_leader_of(rig, 1, &config);
}

static void test_a_learner_that_caught_up_is_promoted(void **state)
{
    (void)state;
    struct rig rig;
    with_learner(&rig);
    round_of(&rig, both);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_false(proposes_config(&rig)); /* nothing was heard of it */
    round_of(&rig, three);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(role_in(&config, 4, incarnation_of(4)), PAXOS_VOTER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_PROMOTED), 1);
    rig_release(&rig);
}

static void test_a_learner_that_lags_is_not(void **state)
{
    (void)state;
    struct rig rig;
    with_learner(&rig);
    while (rig.px->chosen < 20) {
        rig_propose(&rig, "value");
        settle(&rig, both);
    }
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, rig.px->chosen);
    hear_round(&rig, 3, rig.px->round, rig.px->chosen);
    hear_round(&rig, 4, rig.px->round, rig.px->chosen - RIG_ALPHA - 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_false(proposes_config(&rig));
    hear_round(&rig, 4, rig.px->round, rig.px->chosen - RIG_ALPHA);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_true(proposes_config(&rig));
    rig_release(&rig);
}

static void test_observers_are_never_promoted(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_OBSERVER);
    rig_leader_of(&rig, 1, &config);
    for (int i = 0; i < 10; i++) {
        round_of(&rig, three);
        assert_false(proposes_config(&rig));
    }
    rig_release(&rig);
}

static void test_promotion_replaces_the_earlier_incarnation(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config before = config_of(3);
    config_add(&before, 3, PAXOS_LEARNER);
    before.members[3].incarnation = 77;
    rig_member_of(&rig, 1, &before);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    settle(&rig, just_2);
    assert_true(rig.px->established);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    hear_round(&rig, 2, rig.px->round, rig.px->chosen);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 3);
    m.from_incarnation = 77;
    m.granted = true;
    m.ballot = rig.px->leader_ballot;
    m.nonce = rig.px->round;
    m.chosen = rig.px->chosen;
    rig_deliver(&rig, &m);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.members_count, 3);
    assert_int_equal(role_in(&config, 3, 77), PAXOS_VOTER);
    assert_int_equal(role_in(&config, 3, incarnation_of(3)), 0);
    rig_release(&rig);
}

/* With one of two voters gone a third would make two of three, but a dead learner makes none. */
static void test_a_promotion_must_keep_the_quorum(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(PAXOS_VOTERS_MAX);
    config_add(&config, 8, PAXOS_LEARNER);
    rig_leader_of(&rig, 1, &config);
    const uint32_t all[] = {2, 3, 4, 5, 6, 7, 8, 0};
    for (int i = 0; i < 3; i++) {
        round_of(&rig, all);
        assert_false(proposes_config(&rig)); /* eight voters are one too many */
    }
    rig_release(&rig);
}

/* --- Removal --- */

static void test_a_member_is_removed(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    round_of(&rig, both);
    remove_node(&rig, 3);
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.members_count, 2);
    assert_int_equal(role_in(&config, 3, incarnation_of(3)), 0);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_REMOVED), 1);
    remove_node(&rig, 2); /* one at a time */
    assert_false(proposes_config(&rig));
    rig_release(&rig);
}

static void test_a_removal_that_loses_the_quorum_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    for (int i = 0; i < 15; i++) {
        round_of(&rig, just_2); /* 3 is gone */
    }
    remove_node(&rig, 2); /* leaves 1 and the dead 3 */
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CHANGE_REFUSED), 1);
    remove_node(&rig, 3); /* leaves 1 and 2 */
    assert_true(proposes_config(&rig));
    rig_release(&rig);
}

/* 3 was wiped and asks to join: with 2 gone its old vote would be needed, which nobody has. */
static void test_a_wiped_voter_is_not_counted_for_a_removal(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    round_of(&rig, both);
    hear_join(&rig, 3, 4711); /* within an election timeout of the old one's last word */
    assert_false(proposes_config(&rig));
    remove_node(&rig, 2);
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CHANGE_REFUSED), 1);
    round_of(&rig, both); /* a late message of an earlier life: the present one speaks on */
    remove_node(&rig, 2);
    assert_true(proposes_config(&rig));
    rig_release(&rig);
}

static void test_the_last_voter_stays(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 1);
    for (int i = 0; i < 100 && !rig.px->established; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
        rig_applied(&rig);
    }
    remove_node(&rig, 1);
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CHANGE_REFUSED), 1);
    remove_node(&rig, 9);
    assert_false(proposes_config(&rig));
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CHANGE_REFUSED), 1);
    rig_release(&rig);
}

static void test_both_incarnations_of_a_node_are_removed(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config before = config_of(3);
    config_add(&before, 3, PAXOS_LEARNER);
    before.members[3].incarnation = 77;
    rig_member_of(&rig, 1, &before);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    settle(&rig, just_2);
    round_of(&rig, just_2);
    remove_node(&rig, 3);
    struct paxos_config config;
    assert_true(proposed_config(&rig, &config));
    assert_int_equal(config.members_count, 2);
    rig_release(&rig);
}

static void test_followers_change_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    remove_node(&rig, 3);
    assert_int_equal(rig.out.persist_count + rig.out.sends_count, 0);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_birth),
        cmocka_unit_test(test_an_outsider_asks_its_peers),
        cmocka_unit_test(test_who_was_removed_does_not_ask),
        cmocka_unit_test(test_the_leader_admits_a_learner),
        cmocka_unit_test(test_an_asker_must_know_the_newest_configuration),
        cmocka_unit_test(test_a_late_join_does_not_undo_a_removal),
        cmocka_unit_test(test_an_outsider_asks_again_when_it_has_caught_up),
        cmocka_unit_test(test_who_is_in_needs_no_admission),
        cmocka_unit_test(test_only_an_established_leader_admits),
        cmocka_unit_test(test_a_wiped_voter_comes_back_as_a_learner),
        cmocka_unit_test(test_a_wiped_learner_takes_its_own_place),
        cmocka_unit_test(test_a_full_configuration_admits_nobody),
        cmocka_unit_test(test_an_idle_cluster_reaches_the_new_configuration),
        cmocka_unit_test(test_a_change_is_done_when_a_majority_holds_all_before_it),
        cmocka_unit_test(test_a_change_outlives_its_leader),
        cmocka_unit_test(test_an_adopted_change_is_in_flight_too),
        cmocka_unit_test(test_a_void_change_does_not_hide_the_one_in_flight),
        cmocka_unit_test(test_the_new_configuration_must_promise_first),
        cmocka_unit_test(test_without_its_promises_nothing_is_proposed_there),
        cmocka_unit_test(test_each_slot_counts_by_its_own_configuration),
        cmocka_unit_test(test_rounds_need_a_majority_in_each_configuration),
        cmocka_unit_test(test_elections_need_a_majority_in_each_configuration),
        cmocka_unit_test(test_a_fetched_configuration_demands_its_own_promises),
        cmocka_unit_test(test_a_learner_that_caught_up_is_promoted),
        cmocka_unit_test(test_a_learner_that_lags_is_not),
        cmocka_unit_test(test_observers_are_never_promoted),
        cmocka_unit_test(test_promotion_replaces_the_earlier_incarnation),
        cmocka_unit_test(test_a_promotion_must_keep_the_quorum),
        cmocka_unit_test(test_a_member_is_removed),
        cmocka_unit_test(test_a_removal_that_loses_the_quorum_is_refused),
        cmocka_unit_test(test_a_wiped_voter_is_not_counted_for_a_removal),
        cmocka_unit_test(test_the_last_voter_stays),
        cmocka_unit_test(test_both_incarnations_of_a_node_are_removed),
        cmocka_unit_test(test_followers_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
