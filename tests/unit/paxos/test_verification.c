#include "support.h"

/* R2, P9, of election.c: is the log all that this incarnation ever said? */

static const uint32_t no_peers[1] = {0};

static void hear_probe(struct rig *rig, uint32_t from, uint64_t incarnation, uint64_t durable)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PROBE, from);
    m.from_incarnation = incarnation;
    m.nonce = 4711;
    m.durable = durable;
    rig_deliver(rig, &m);
}

/* --- Answering --- */

static void test_a_probe_is_answered_with_what_is_remembered(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    m.durable = 120;
    rig_deliver(&rig, &m);
    m.durable = 90; /* late */
    rig_deliver(&rig, &m);
    hear_probe(&rig, 2, incarnation_of(2), 70);
    const struct paxos_message *reply = sent(&rig, PAXOS_MSG_PROBE_REPLY, 2);
    assert_int_equal(reply->nonce, 4711);
    assert_int_equal(reply->remembered, 120);
    assert_int_equal(reply->chosen, 1);
    hear_probe(&rig, 2, 5, 0); /* another incarnation never said anything */
    assert_int_equal(sent(&rig, PAXOS_MSG_PROBE_REPLY, 2)->remembered, 0);
    rig_release(&rig);
}

/* Whoever may have forgotten answers too: what it remembers of others is no vote. */
static void test_the_unverified_answer_each_other(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_probe(&rig, 2, incarnation_of(2), 70);
    assert_int_equal(sent(&rig, PAXOS_MSG_PROBE_REPLY, 2)->remembered, 70);
    rig_release(&rig);
}

/* What peers acknowledged is kept on the disk, once a heartbeat, and only if it moved. */
static void test_positions_of_peers_are_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    m.durable = 120;
    rig_deliver(&rig, &m);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_PEERS), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_PEERS), 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_PEERS), 0);
    uint32_t node = 0;
    uint64_t incarnation = 0;
    uint64_t position = 0;
    assert_true(paxos_remembered_at(rig.px, 0, &node, &incarnation, &position));
    assert_int_equal(node, 2);
    assert_true(incarnation == incarnation_of(2));
    assert_int_equal(position, 120);
    assert_false(paxos_remembered_at(rig.px, 1, &node, &incarnation, &position));
    rig_restart(&rig, rig.log_count);
    hear_probe(&rig, 2, incarnation_of(2), 0);
    assert_int_equal(sent(&rig, PAXOS_MSG_PROBE_REPLY, 2)->remembered, 120);
    rig_release(&rig);
}

/* --- Asking --- */

static void test_all_members_and_configured_peers_are_asked(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_restored(&rig, 1, &config);
    for (uint32_t node = 2; node <= 4; node++) {
        const struct paxos_message *m = sent(&rig, PAXOS_MSG_PROBE, node);
        assert_true(m->nonce == rig.boot);
        assert_int_equal(m->durable, RIG_START_POSITION);
    }
    rig_tick(&rig, 0);
    hear_probe_reply(&rig, 2, 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROBE), 2); /* who has not answered */
    rig_release(&rig);
}

static void test_all_voters_answers_suffice_at_once(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_restored(&rig, 1, &config);
    rig_tick(&rig, 0);
    hear_probe_reply(&rig, 2, RIG_START_POSITION); /* all that it remembers is there */
    assert_false(rig.px->verified);
    hear_probe_reply(&rig, 3, 0);
    assert_true(rig.px->verified);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_VERIFIED), 1);
    rig_release(&rig);
}

/* A majority is enough, but those who remember most may be slower: they get a while. */
static void test_a_majority_suffices_after_a_while(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(5);
    rig_restored(&rig, 1, &config);
    rig_tick(&rig, 0);
    hear_probe_reply(&rig, 2, 0);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_false(rig.px->verified); /* two of five */
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    hear_probe_reply(&rig, 4, 0);
    assert_true(rig.px->verified);
    rig_release(&rig);

    rig_restored(&rig, 1, &config);
    rig_tick(&rig, 0);
    hear_probe_reply(&rig, 2, 0);
    hear_probe_reply(&rig, 4, 0);
    rig_tick(&rig, RIG_ELECTION_MS - 1);
    assert_false(rig.px->verified);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_true(rig.px->verified);
    rig_release(&rig);
}

static void test_answers_that_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_restored(&rig, 1, &config);
    rig_wait(&rig, 2 * RIG_ELECTION_MS);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PROBE_REPLY, 2);
    m.nonce = rig.boot - 1; /* to an earlier life */
    m.remembered = RIG_START_POSITION + 7;
    rig_deliver(&rig, &m);
    assert_false(rig.px->verified);
    assert_false(rig.px->forgot);
    m.nonce = rig.boot;
    m.remembered = 0;
    m.from_incarnation = 5; /* of 2, but nobody's voter */
    rig_deliver(&rig, &m);
    hear_probe_reply(&rig, 4, 0); /* a learner */
    hear_probe_reply(&rig, 9, 0); /* a stranger */
    assert_false(rig.px->verified);
    hear_probe_reply(&rig, 2, 0);
    assert_true(rig.px->verified);
    rig_release(&rig);
}

/* A log that names no other voter may be an old copy: configured peers may know better. */
static void test_a_lone_voter_asks_its_configured_peers(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 1);
    assert_true(rig.px->verified); /* nobody is configured: nobody to ask */
    rig_release(&rig);
    const uint32_t peers[] = {2, 3};
    rig_init_with_peers(&rig, 1, peers, 2);
    struct paxos_config birth = config_of(0);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_BIRTH, .config = &birth});
    rig_persisted(&rig);
    rig_restart(&rig, 1); /* its log holds the birth alone */
    assert_false(rig.px->verified);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROBE), 2);
    rig_tick(&rig, RIG_ELECTION_MS / 2);
    assert_false(rig.px->verified);
    hear_probe_reply(&rig, 3, 400); /* the cluster has grown since */
    assert_true(rig.out.forgot);
    rig_restart(&rig, 1);
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_true(rig.px->verified); /* who is down cannot warn */
    rig_release(&rig);
}

/* A lone voter chooses alone: an older volume of it forks from those who learned more. */
static void test_a_lone_voter_waits_for_its_learners(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(1);
    config_add(&config, 2, PAXOS_LEARNER);
    config_add(&config, 3, PAXOS_OBSERVER);
    rig_restored(&rig, 1, &config);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_false(rig.px->verified);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROBE), 2);
    hear_probe_reply(&rig, 2, 0);
    rig_wait(&rig, RIG_ELECTION_MS);
    assert_false(rig.px->verified);
    hear_probe_reply(&rig, 3, RIG_START_POSITION + 1); /* it remembers what this volume lacks */
    assert_true(rig.out.forgot);
    rig_release(&rig);

    rig_restored(&rig, 1, &config);
    rig_wait(&rig, 2 * RIG_ELECTION_MS);
    hear_probe_reply(&rig, 2, 0);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PROBE_REPLY, 3);
    m.nonce = rig.boot;
    m.from_incarnation = 4711; /* 3 was wiped meanwhile: what it remembered is gone */
    rig_deliver(&rig, &m);
    assert_true(rig.px->verified);
    rig_release(&rig);
}

/* --- What is drawn from the answers --- */

static void test_a_log_that_ends_too_early_has_forgotten(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_probe_reply(&rig, 2, RIG_START_POSITION + 1);
    assert_true(rig.out.forgot);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_FORGOT), 1);
    assert_false(rig.px->verified);
    hear_probe_reply(&rig, 2, 0); /* others cannot undo it */
    hear_probe_reply(&rig, 3, 0);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_false(rig.px->verified);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROBE), 0);
    rig_release(&rig);
}

static void test_a_fresh_incarnation_starts_from_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    rig_verify(&rig);
    struct paxos_entry entry = command_entry(&rig, 2, "a");
    hear_accept(&rig, ballot_of(6, 2), 1, &entry, 1);
    rig_restart(&rig, rig.log_count);
    hear_probe_reply(&rig, 3, 900);
    assert_true(rig.out.forgot);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE, .incarnation = 31});
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_IDENTITY), 1);
    assert_ballot(persisted(&rig, PAXOS_PERSIST_IDENTITY)->ballot, ballot_of(6, 2));
    assert_true(rig.px->incarnation == 31);
    assert_true(rig.px->verified);
    assert_false(rig.px->forgot);
    assert_ballot(rig.px->promised, ballot_of(6, 2)); /* P1: whatever it was, it stays */
    assert_int_equal(paxos_cell(rig.px, 2)->entry.kind, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER); /* the log names another incarnation */
    hear_probe_reply(&rig, 3, 900);                     /* a copy: it was about the one before */
    assert_false(rig.px->forgot);
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_JOIN), 2);
    assert_true(sent(&rig, PAXOS_MSG_JOIN, 2)->from_incarnation == 31);
    rig_release(&rig);
}

/* Heard of before its record is durable, it would be another one's after a crash: nothing leaves.
 */
static void test_a_fresh_incarnation_waits_for_its_record(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_probe_reply(&rig, 3, 900);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE, .incarnation = 31});
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_true(sent_as(&rig, PAXOS_MSG_JOIN, 2)->after_persist);
    hear_probe(&rig, 2, incarnation_of(2), 0);
    assert_true(sent_as(&rig, PAXOS_MSG_PROBE_REPLY, 2)->after_persist);
    struct paxos_message fetch = message_of(&rig, PAXOS_MSG_FETCH, 2); /* the driver's to answer */
    fetch.first = 1;
    rig_deliver(&rig, &fetch);
    assert_int_equal(rig.out.fetch_to, 0);
    rig_persisted(&rig);
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_false(sent_as(&rig, PAXOS_MSG_JOIN, 2)->after_persist);
    rig_deliver(&rig, &fetch);
    assert_int_equal(rig.out.fetch_to, 2);
    rig_release(&rig);
}

/* The fresh incarnation is what the disk says after the next crash, too. */
static void test_a_fresh_incarnation_lasts(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    hear_probe_reply(&rig, 3, 900);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE, .incarnation = 31});
    rig_persisted(&rig);
    rig_restart(&rig, rig.log_count);
    assert_true(rig.px->incarnation == 31);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_true(sent(&rig, PAXOS_MSG_JOIN, 2)->from_incarnation == 31);
    rig_release(&rig);
}

/* P9: whoever learns that it forgot gives up what rests on its votes in that very step. */
static void test_forgetting_ends_a_candidacy_and_a_leadership(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    hear_probe_reply(&rig, 2, 100000);
    assert_true(rig.out.forgot);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_false(paxos_may_propose(rig.px));
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 0);
    rig_release(&rig);
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    hear_probe_reply(&rig, 2, 100000);
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
    rig_member(&rig, 1, 3);
    for (int i = 0; i < 100 && rig.px->role == PAXOS_ROLE_FOLLOWER; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    struct paxos_message grant = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 2);
    grant.nonce = rig.px->prevote_nonce;
    grant.granted = true;
    hear_probe_reply(&rig, 2, 100000);
    rig_deliver(&rig, &grant);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
}

/*
 * A restarted replica catches up before it is verified, and its log grows. What peers remember of
 * this very life must not look like something that the log lacks.
 */
static void test_growth_of_this_life_is_not_mistaken(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    rig_restored(&rig, 1, &config);
    struct paxos_entry entries[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 2, entries, 2);
    hear_leader(&rig, ballot_of(4, 2), 3);
    rig_persisted(&rig);
    uint64_t told = 0;
    for (int i = 0; i < 5; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        for (size_t k = 0; k < rig.out.sends_count; k++) {
            uint64_t durable = rig.out.sends[k].message.durable;
            told = durable > told ? durable : told;
        }
    }
    hear_probe_reply(&rig, 2, told); /* it remembers the most that it was told */
    hear_probe_reply(&rig, 3, told);
    assert_false(rig.px->forgot);
    assert_true(rig.px->verified);
    /* Verified, it tells its position; a late answer to a repeated probe then names that. */
    hear_probe_reply(&rig, 3, paxos_told_position(rig.px));
    assert_false(rig.px->forgot);
    rig_release(&rig);
}

/*
 * An old directory put back after its node had joined again: the configuration names a later
 * incarnation in its place. This one's votes are gone for good.
 */
static void test_a_superseded_incarnation_ends(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 3, 3);
    struct paxos_config config = config_of(3);
    config.based_on = 1;
    config_add(&config, 3, PAXOS_LEARNER);
    config.members[3].incarnation = 77;
    struct paxos_entry joined = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 1, &joined, 1);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_false(rig.out.forgot); /* its vote stays until the later one takes its place */
    struct paxos_config promoted = config_of(2);
    config_add(&promoted, 3, PAXOS_VOTER);
    promoted.members[2].incarnation = 77;
    promoted.based_on = 2;
    struct paxos_entry rest[] = {entry_of(3, PAXOS_NOOP), entry_of(4, PAXOS_NOOP),
                                 entry_of(5, PAXOS_NOOP), config_entry(&rig, 6, &promoted)};
    hear_chosen(&rig, 1, rest, 4);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_true(rig.out.forgot);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_SUPERSEDED), 1);
    assert_false(rig.px->verified);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_false(rig.out.forgot); /* asked for once */
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE, .incarnation = 88});
    rig_tick(&rig, RIG_ELECTION_MS);
    assert_true(sent(&rig, PAXOS_MSG_JOIN, 1)->from_incarnation == 88);
    rig_wait(&rig, RIG_ELECTION_MS);
    assert_false(rig.px->forgot);
    rig_release(&rig);
}

/* --- Starts --- */

static void test_what_a_start_knows_of_its_memory(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 3);
    assert_true(rig.px->verified); /* drawn in this start: it has said nothing */
    rig_release(&rig);

    const struct paxos_options options = {.node = 3,
                                          .incarnation = 8,
                                          .boot = 1,
                                          .seed = 1,
                                          .heartbeat_ms = RIG_HEARTBEAT_MS,
                                          .election_ms = RIG_ELECTION_MS,
                                          .peers = no_peers};
    struct paxos_effects out;
    paxos_effects_init(&out);
    struct paxos *px = paxos_create(&options);
    paxos_start(px, 1, 40, PAXOS_MEMORY_LOST, &out);
    assert_true(out.forgot);
    assert_false(px->verified);
    const struct paxos_event fresh = {.kind = PAXOS_EV_REINCARNATE, .now_ms = 1, .incarnation = 9};
    paxos_step(px, &fresh, &out);
    assert_false(out.forgot);
    assert_true(px->verified);
    paxos_free(px);
    paxos_effects_release(&out);
}

/*
 * A volume restored from when it was empty: the log names no configuration, yet its incarnation may
 * have voted since. It learns that it is a voter, and has to ask like any other.
 */
static void test_an_empty_log_may_have_forgotten_too(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 3);
    rig_restart(&rig, 0);
    assert_false(rig.px->verified);
    struct paxos_config config = config_of(3);
    struct paxos_entry entry = config_entry(&rig, 1, &config);
    hear_chosen(&rig, 1, &entry, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    struct paxos_message prepare = message_of(&rig, PAXOS_MSG_PREPARE, 2);
    prepare.ballot = ballot_of(5, 2);
    prepare.first = 2;
    rig_deliver(&rig, &prepare);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROMISE), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PROBE), 2);
    hear_probe_reply(&rig, 1, 20);
    assert_true(rig.out.forgot);
    rig_release(&rig);
}

/* Restarted before it was ever told anything, it gets to vote all the same. */
static void test_an_empty_log_gets_verified(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 3);
    rig_restart(&rig, 0);
    struct paxos_config config = config_of(3);
    struct paxos_entry entry = config_entry(&rig, 1, &config);
    hear_chosen(&rig, 1, &entry, 1);
    rig_persisted(&rig);
    rig_verify(&rig);
    rig_release(&rig);
}

/* Born after a restart: nobody to ask if nobody is configured. */
static void test_birth_after_a_restart(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 1);
    rig_restart(&rig, 0);
    assert_false(rig.px->verified);
    struct paxos_config birth = config_of(0);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_BIRTH, .config = &birth});
    rig_persisted(&rig);
    for (int i = 0; i < 100 && rig.px->role != PAXOS_ROLE_LEADER; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
        rig_persisted(&rig);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_probe_is_answered_with_what_is_remembered),
        cmocka_unit_test(test_the_unverified_answer_each_other),
        cmocka_unit_test(test_positions_of_peers_are_kept),
        cmocka_unit_test(test_all_members_and_configured_peers_are_asked),
        cmocka_unit_test(test_all_voters_answers_suffice_at_once),
        cmocka_unit_test(test_a_majority_suffices_after_a_while),
        cmocka_unit_test(test_answers_that_do_not_count),
        cmocka_unit_test(test_a_lone_voter_asks_its_configured_peers),
        cmocka_unit_test(test_a_lone_voter_waits_for_its_learners),
        cmocka_unit_test(test_a_log_that_ends_too_early_has_forgotten),
        cmocka_unit_test(test_a_fresh_incarnation_starts_from_nothing),
        cmocka_unit_test(test_a_fresh_incarnation_waits_for_its_record),
        cmocka_unit_test(test_a_fresh_incarnation_lasts),
        cmocka_unit_test(test_forgetting_ends_a_candidacy_and_a_leadership),
        cmocka_unit_test(test_growth_of_this_life_is_not_mistaken),
        cmocka_unit_test(test_a_superseded_incarnation_ends),
        cmocka_unit_test(test_what_a_start_knows_of_its_memory),
        cmocka_unit_test(test_an_empty_log_may_have_forgotten_too),
        cmocka_unit_test(test_an_empty_log_gets_verified),
        cmocka_unit_test(test_birth_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
