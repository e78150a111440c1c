#include "support.h"

/* From a start to a won ballot. Verification has a file of its own: test_verification.c. */

static void hear_prevote(struct rig *rig, uint32_t from, paxos_slot chosen)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PREVOTE, from);
    m.nonce = 77;
    m.chosen = chosen;
    rig_deliver(rig, &m);
}

static void answer_prevote(struct rig *rig, uint32_t from, bool granted)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PREVOTE_REPLY, from);
    m.nonce = rig->px->prevote_nonce;
    m.granted = granted;
    rig_deliver(rig, &m);
}

/* Waits for the election deadline of a follower without a leader. */
static void become_precandidate(struct rig *rig)
{
    for (int i = 0; i < 100 && rig->px->role == PAXOS_ROLE_FOLLOWER; i++) {
        rig_tick(rig, RIG_HEARTBEAT_MS);
    }
    assert_int_equal(rig->px->role, PAXOS_ROLE_PRECANDIDATE);
}

static bool grants(struct rig *rig, uint32_t from, paxos_slot chosen)
{
    hear_prevote(rig, from, chosen);
    const struct paxos_message *m = sent(rig, PAXOS_MSG_PREVOTE_REPLY, from);
    assert_int_equal(m->nonce, 77);
    assert_int_equal(m->chosen, rig->px->chosen);
    assert_ballot(m->ballot, rig->px->promised);
    assert_int_equal(rig->out.persist_count, 0); /* a pre-vote promises nothing */
    return m->granted;
}

/* --- Pre-vote: asking --- */

static void test_silence_makes_a_follower_ask(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    uint64_t heard = rig.now_ms;
    assert_true(paxos_deadline_ms(rig.px) > rig.now_ms);
    become_precandidate(&rig);
    assert_true(rig.now_ms - heard >= RIG_ELECTION_MS);
    assert_true(rig.now_ms - heard <= 2 * RIG_ELECTION_MS + RIG_HEARTBEAT_MS);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_LEADERLESS), 1);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_PREVOTING), 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREVOTE, 2)->chosen, 1);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREVOTE, 3)->chosen, 1);
    assert_int_equal(persist_count(&rig, PAXOS_PERSIST_PROMISE), 0);
    rig_release(&rig);
}

static void test_a_leader_that_is_heard_keeps_it_quiet(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    for (int i = 0; i < 100; i++) {
        rig_tick(&rig, RIG_ELECTION_MS / 2);
        hear_leader(&rig, ballot_of(2, 2), 1);
        assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
        assert_int_equal(sent_count(&rig, PAXOS_MSG_PREVOTE), 0);
    }
    rig_release(&rig);
}

static void test_a_majority_of_grants_makes_a_candidate(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_precandidate(&rig);
    answer_prevote(&rig, 2, true);
    answer_prevote(&rig, 2, true); /* twice the same voice */
    answer_prevote(&rig, 3, false);
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    answer_prevote(&rig, 4, true);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_release(&rig);
}

static void test_grants_to_an_earlier_question_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_precandidate(&rig);
    struct paxos_message late = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 2);
    late.nonce = rig.px->prevote_nonce;
    late.granted = true;
    rig_wait(&rig, 3 * RIG_ELECTION_MS); /* asks anew */
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    assert_true(late.nonce != rig.px->prevote_nonce);
    rig_deliver(&rig, &late);
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    struct paxos_message other = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 2);
    other.nonce = rig.px->prevote_nonce;
    other.granted = true;
    other.from_incarnation = 5; /* R2 */
    rig_deliver(&rig, &other);
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    answer_prevote(&rig, 2, true);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_release(&rig);
}

static void test_a_lone_voter_needs_nobody(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 1);
    if (rig.px->role != PAXOS_ROLE_CANDIDATE) {
        rig_tick(&rig, 2 * RIG_ELECTION_MS);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    assert_int_equal(rig.out.sends_count, 0);
    rig_persisted(&rig);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

static void test_learners_do_not_ask(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    config_add(&config, 5, PAXOS_OBSERVER);
    for (uint32_t node = 4; node <= 5; node++) {
        rig_member_of(&rig, node, &config);
        for (int i = 0; i < 50; i++) {
            rig_tick(&rig, RIG_HEARTBEAT_MS);
            assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
            assert_int_equal(sent_count(&rig, PAXOS_MSG_PREVOTE), 0);
        }
        rig_release(&rig);
    }
}

static void test_learners_notice_silence_too(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 4, &config);
    hear_leader(&rig, ballot_of(2, 2), 1);
    assert_int_equal(rig.px->leader, 2);
    rig_tick(&rig, 2 * RIG_ELECTION_MS - 1);
    assert_int_equal(rig.px->leader, 2);
    rig_tick(&rig, 1);
    assert_int_equal(rig.px->leader, 0);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_LEADERLESS), 1);
    rig_release(&rig);
}

/* --- Pre-vote: granting (R23) --- */

static void test_a_voter_without_a_leader_grants(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    assert_true(grants(&rig, 2, 1));
    assert_true(grants(&rig, 3, 100));
    rig_release(&rig);
}

static void test_who_hears_a_leader_refuses(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(2, 2), 1);
    rig.now_ms += RIG_ELECTION_MS - 1;
    assert_false(grants(&rig, 3, 1));
    rig.now_ms += 1;
    assert_true(grants(&rig, 3, 1));
    rig_release(&rig);
}

static void test_a_leader_refuses(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    assert_false(grants(&rig, 2, rig.px->chosen));
    rig_release(&rig);
}

static void test_laggards_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[20];
    for (size_t i = 0; i < 20; i++) {
        entries[i] = entry_of(2 + i, PAXOS_NOOP);
    }
    hear_chosen(&rig, 2, entries, 20);
    assert_int_equal(rig.px->chosen, 21);
    assert_true(grants(&rig, 2, 21));
    assert_true(grants(&rig, 2, 21 - RIG_ALPHA));
    assert_false(grants(&rig, 2, 21 - RIG_ALPHA - 1));
    assert_false(grants(&rig, 2, 0));
    rig_release(&rig);
}

static void test_only_voters_of_the_window_are_granted(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    config_add(&config, 5, PAXOS_OBSERVER);
    rig_member_of(&rig, 1, &config);
    assert_false(grants(&rig, 4, 1));
    assert_false(grants(&rig, 5, 1));
    assert_false(grants(&rig, 6, 1));
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREVOTE, 2);
    m.from_incarnation = 5; /* an incarnation that nobody admitted */
    m.chosen = 1;
    rig_deliver(&rig, &m);
    assert_false(sent(&rig, PAXOS_MSG_PREVOTE_REPLY, 2)->granted);
    assert_true(grants(&rig, 2, 1));
    rig_release(&rig);
}

static void test_who_may_not_vote_grants_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 4, &config);
    assert_false(grants(&rig, 2, 1));
    rig_release(&rig);
    rig_restored(&rig, 1, &config); /* unverified (P9) */
    assert_false(grants(&rig, 2, 1));
    rig_release(&rig);
}

/* --- Phase 1 --- */

static void test_a_candidate_prepares_once_its_ballot_is_durable(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    become_precandidate(&rig);
    answer_prevote(&rig, 2, true);
    assert_ballot(persisted(&rig, PAXOS_PERSIST_PROMISE)->ballot, ballot_of(7, 1));
    for (uint32_t node = 2; node <= 3; node++) {
        const struct paxos_send *send = sent_as(&rig, PAXOS_MSG_PREPARE, node);
        assert_true(send->after_persist); /* P2: no ballot is used twice */
        assert_ballot(send->message.ballot, ballot_of(7, 1));
        assert_int_equal(send->message.first, 2);
    }
    assert_int_equal(note_count(&rig, PAXOS_NOTE_PREPARING), 1);
    rig_release(&rig);
}

/* Any message that names a round lets the next ballot be above it. */
static void test_ballots_go_above_all_that_was_seen(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_precandidate(&rig);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREVOTE_REPLY, 3);
    m.ballot = ballot_of(20, 3);
    rig_deliver(&rig, &m);
    answer_prevote(&rig, 2, true);
    assert_int_equal(rig.px->promised.round, 21);
    rig_persisted(&rig);
    hear_refusal(&rig, PAXOS_MSG_PROMISE, 3, ballot_of(30, 3));
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_STEPPED_DOWN), 1);
    become_candidate(&rig);
    assert_int_equal(rig.px->promised.round, 31);
    rig_release(&rig);
}

static void test_refusals_of_lower_ballots_are_old(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    become_candidate(&rig);
    hear_refusal(&rig, PAXOS_MSG_PROMISE, 3, ballot_of(6, 2));
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_release(&rig);
}

static void test_a_majority_of_promises_wins(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    hear_promise(&rig, 5, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_LEADING), 1);
    assert_int_equal(rig.px->leader, 1);
    rig_release(&rig);
}

/* Its own promise counts like any other: when it is durable (P2). */
static void test_its_own_promise_counts_when_durable(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_precandidate(&rig);
    answer_prevote(&rig, 2, true);
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_persisted(&rig);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

static void test_promises_that_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PROMISE, 2);
    m.granted = true;
    m.chosen = 1;
    m.first = 2;
    m.last = PAXOS_SLOT_MAX;
    m.ballot = ballot_of(rig.px->promised.round - 1, 1); /* to an earlier candidacy */
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    m.ballot = rig.px->promised;
    m.from_incarnation = 5; /* R2 */
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    m.from = 7; /* no voter */
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    m.from = 2;
    m.from_incarnation = incarnation_of(2);
    m.first = 3; /* says nothing of slot 2 */
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    m.first = 2;
    rig_deliver(&rig, &m);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

static void test_learners_promises_do_not_count(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    config_add(&config, 5, PAXOS_OBSERVER);
    rig_member_of(&rig, 1, &config);
    become_candidate(&rig);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 0); /* those were sent before */
    hear_promise(&rig, 4, 1, NULL, 0);
    hear_promise(&rig, 5, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    rig_release(&rig);
}

static void test_missing_promises_are_asked_for_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 3);
    assert_true(sent_as(&rig, PAXOS_MSG_PREPARE, 5)->after_persist);
    rig_tick(&rig, 1);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 0);
    rig_release(&rig);
}

static void test_a_candidate_that_does_not_win_asks_anew(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_ballot before = rig.px->promised;
    for (int i = 0; i < 100 && rig.px->role == PAXOS_ROLE_CANDIDATE; i++) {
        rig_tick(&rig, RIG_HEARTBEAT_MS);
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_PRECANDIDATE);
    assert_ballot(rig.px->promised, before); /* no round is spent without a majority */
    answer_prevote(&rig, 3, true);
    assert_true(rig.px->promised.round > before.round);
    rig_release(&rig);
}

/* --- P3: what a new leader must propose --- */

static const struct paxos_entry *proposed(const struct rig *rig, uint32_t to, paxos_slot slot)
{
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        const struct paxos_message *m = &rig->out.sends[i].message;
        for (size_t k = 0; m->kind == PAXOS_MSG_ACCEPT && m->to == to && k < m->entries_count;
             k++) {
            if (m->entries[k].slot == slot) {
                return &m->entries[k];
            }
        }
    }
    return NULL;
}

static void test_the_highest_reported_ballot_is_adopted(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    hear_leader(&rig, ballot_of(9, 4), 1);
    become_candidate(&rig);
    struct paxos_entry low = command_entry(&rig, 2, "low");
    struct paxos_entry high = command_entry(&rig, 2, "high");
    low.ballot = ballot_of(3, 5);
    high.ballot = ballot_of(4, 2);
    hear_promise(&rig, 2, 1, &high, 1);
    hear_promise(&rig, 3, 1, &low, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    const struct paxos_entry *entry = proposed(&rig, 4, 2);
    assert_true(entry_says(entry, "high"));
    assert_ballot(entry->ballot, rig.px->leader_ballot); /* under our own */
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ADOPTED), 1);
    assert_int_equal(proposed(&rig, 4, 3)->kind, PAXOS_LEAD); /* our own begins behind it */
    assert_int_equal(rig.px->lead_slot, 3);
    rig_release(&rig);
}

/* The order in which reports arrive is no matter, and our own acceptance is a report too. */
static void test_our_own_acceptance_is_a_report(void **state)
{
    (void)state;
    for (int ours_higher = 0; ours_higher < 2; ours_higher++) {
        struct rig rig;
        rig_member(&rig, 1, 3);
        struct paxos_entry own = command_entry(&rig, 2, "own");
        hear_accept(&rig, ballot_of(5, 2), 1, &own, 1);
        hear_leader(&rig, ballot_of(9, 3), 1);
        become_candidate(&rig);
        struct paxos_entry theirs = command_entry(&rig, 2, "theirs");
        theirs.ballot = ours_higher ? ballot_of(4, 3) : ballot_of(5, 3);
        hear_promise(&rig, 2, 1, &theirs, 1);
        assert_true(entry_says(proposed(&rig, 3, 2), ours_higher ? "own" : "theirs"));
        rig_release(&rig);
    }
}

static void test_only_our_own_acceptance(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry own = command_entry(&rig, 3, "own");
    hear_accept(&rig, ballot_of(5, 3), 1, &own, 1);
    become_candidate(&rig);
    hear_promise(&rig, 2, 1, NULL, 0);
    assert_int_equal(proposed(&rig, 2, 2)->kind, PAXOS_NOOP); /* a hole in front of it */
    assert_true(entry_says(proposed(&rig, 2, 3), "own"));
    assert_int_equal(proposed(&rig, 2, 4)->kind, PAXOS_LEAD);
    rig_release(&rig);
}

static void test_holes_become_noops(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry reported[] = {command_entry(&rig, 3, "b"), command_entry(&rig, 5, "d")};
    reported[0].ballot = ballot_of(0, 2);
    reported[1].ballot = ballot_of(0, 2);
    reported[0].ballot.round = 0;
    hear_promise(&rig, 2, 1, reported, 2);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_HOLE_FILLED), 2);
    assert_int_equal(proposed(&rig, 3, 2)->kind, PAXOS_NOOP);
    assert_true(entry_says(proposed(&rig, 3, 3), "b"));
    assert_int_equal(proposed(&rig, 3, 4)->kind, PAXOS_NOOP);
    assert_true(entry_says(proposed(&rig, 3, 5), "d"));
    assert_null(proposed(&rig, 3, 6)); /* beyond applied + alpha */
    rig_release(&rig);
}

/* R13: an adopted leadership stays the one that it was. */
static void test_an_adopted_lead_keeps_its_ballot(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(9, 3), 1);
    become_candidate(&rig);
    struct paxos_entry lead = entry_of(2, PAXOS_LEAD);
    lead.ballot = ballot_of(5, 2);
    lead.lead = ballot_of(4, 3);
    hear_promise(&rig, 2, 1, &lead, 1);
    const struct paxos_entry *adopted = proposed(&rig, 3, 2);
    assert_int_equal(adopted->kind, PAXOS_LEAD);
    assert_ballot(adopted->lead, ballot_of(4, 3));
    const struct paxos_entry *own = proposed(&rig, 3, 3);
    assert_int_equal(own->kind, PAXOS_LEAD);
    assert_ballot(own->lead, rig.px->leader_ballot);
    assert_int_equal(rig.px->lead_slot, 3); /* only its own makes it established */
    rig_release(&rig);
}

/* A report that comes after the win still has to be heard where nothing was proposed yet. */
static void test_a_late_report_is_adopted_too(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    struct paxos_ballot old = ballot_of(0, 3);
    struct paxos_entry reported = command_entry(&rig, rig.px->next_slot + 1, "late");
    reported.ballot = old;
    rig.px->peers[2].promised_to = 0; /* as if it had not promised yet */
    hear_promise(&rig, 3, rig.px->chosen, &reported, 1);
    assert_int_equal(proposed(&rig, 2, reported.slot - 1)->kind, PAXOS_NOOP);
    assert_true(entry_says(proposed(&rig, 2, reported.slot), "late"));
    rig_release(&rig);
}

/* --- R1: told of a higher mark --- */

static void test_a_candidate_fetches_what_it_is_told_of(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    hear_promise(&rig, 2, 3, NULL, 0);                    /* 2 and 3 are chosen there */
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* no promise of slots we lack */
    assert_int_equal(sent(&rig, PAXOS_MSG_FETCH, 2)->first, 2);
    hear_promise(&rig, 3, 1, NULL, 0); /* a majority, with nothing in 2 and 3 */
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_ACCEPT), 0);
    rig_tick(&rig, RIG_HEARTBEAT_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 0); /* fetches first */
    struct paxos_entry chosen[] = {command_entry(&rig, 2, "a"), command_entry(&rig, 3, "b")};
    hear_chosen(&rig, 2, chosen, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* half of it */
    hear_chosen(&rig, 2, chosen + 1, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_null(proposed(&rig, 2, 2));
    assert_null(proposed(&rig, 2, 3));
    assert_int_equal(proposed(&rig, 2, 4)->kind, PAXOS_LEAD);
    /* Its round and its ACCEPTs carry the new mark; nobody is told a third time. */
    assert_int_equal(sent_count(&rig, PAXOS_MSG_HEARTBEAT), 2);
    /* The one that told it is asked for its promise once more, above the mark. */
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 2)->first, 4);
    rig_release(&rig);
}

static void test_only_the_promises_after_the_fetch_count(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_candidate(&rig);
    hear_promise(&rig, 2, 2, NULL, 0);
    hear_promise(&rig, 3, 1, NULL, 0);
    struct paxos_entry chosen = command_entry(&rig, 2, "a");
    hear_chosen(&rig, 2, &chosen, 1);
    assert_int_equal(rig.px->role,
                     PAXOS_ROLE_CANDIDATE); /* itself and 3; 2 has told, not promised */
    hear_promise(&rig, 2, 2, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    rig_release(&rig);
}

/* Reports of slots that became chosen meanwhile are no reports any more. */
static void test_fetched_slots_are_not_adopted(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry stale = command_entry(&rig, 2, "stale");
    stale.ballot = ballot_of(0, 3);
    stale.ballot.node = 3;
    hear_promise(&rig, 2, 2, NULL, 0);
    hear_promise(&rig, 3, 1, &stale, 1);
    struct paxos_entry chosen = command_entry(&rig, 2, "chosen");
    hear_chosen(&rig, 2, &chosen, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_ADOPTED), 0);
    assert_int_equal(proposed(&rig, 2, 3)->kind, PAXOS_LEAD);
    rig_release(&rig);
}

/* --- Reports in parts --- */

static void hear_part(struct rig *rig, uint32_t from, paxos_slot first, paxos_slot last,
                      struct paxos_entry *entry)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PROMISE, from);
    m.granted = true;
    m.ballot = rig->px->leader_ballot;
    m.chosen = rig->px->chosen;
    m.first = first;
    m.last = last;
    m.entries = entry;
    m.entries_count = entry != NULL ? 1 : 0;
    rig_deliver(rig, &m);
}

static void test_a_promise_counts_when_all_its_parts_are_here(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry a = command_entry(&rig, 2, "a");
    struct paxos_entry c = command_entry(&rig, 4, "c");
    a.ballot = c.ballot = ballot_of(0, 2);
    hear_part(&rig, 2, 2, 3, &a);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    assert_int_equal(sent(&rig, PAXOS_MSG_PREPARE, 2)->first, 4); /* at once */
    hear_part(&rig, 2, 2, 3, &a);                                 /* a copy */
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    hear_part(&rig, 2, 5, PAXOS_SLOT_MAX, NULL); /* leaves 4 out */
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE);
    hear_part(&rig, 2, 4, PAXOS_SLOT_MAX, &c);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_true(entry_says(proposed(&rig, 3, 2), "a"));
    assert_int_equal(proposed(&rig, 3, 3)->kind, PAXOS_NOOP);
    assert_true(entry_says(proposed(&rig, 3, 4), "c"));
    rig_release(&rig);
}

/* --- Following and giving up --- */

static void test_a_higher_ballot_is_followed(void **state)
{
    (void)state;
    const enum paxos_message_kind kinds[] = {PAXOS_MSG_HEARTBEAT, PAXOS_MSG_ACCEPT};
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        rig_leader(&rig, 1, 3);
        struct paxos_message m = message_of(&rig, kinds[i], 3);
        m.ballot = ballot_of(rig.px->promised.round + 1, 3);
        rig_deliver(&rig, &m);
        assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
        assert_int_equal(rig.px->leader, 3);
        assert_ballot(rig.px->leader_ballot, m.ballot);
        assert_ballot(persisted(&rig, PAXOS_PERSIST_PROMISE)->ballot, m.ballot);
        assert_int_equal(note_count(&rig, PAXOS_NOTE_STEPPED_DOWN), 1);
        assert_int_equal(note_count(&rig, PAXOS_NOTE_FOLLOWING), 1);
        rig_deliver(&rig, &m);
        assert_int_equal(note_count(&rig, PAXOS_NOTE_FOLLOWING), 0); /* no news */
        rig_release(&rig);
    }
}

static void test_a_lower_ballot_is_not_followed(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    hear_leader(&rig, ballot_of(5, 3), 1);
    assert_int_equal(rig.px->leader, 2);
    assert_false(sent(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 3)->granted);
    rig_release(&rig);
}

static void test_whoever_asks_stops_when_a_leader_speaks(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    become_precandidate(&rig);
    hear_leader(&rig, ballot_of(6, 2), 1); /* it was only slow */
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_int_equal(rig.px->leader, 2);
    answer_prevote(&rig, 3, true);
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
}

static void test_a_refused_leader_steps_down(void **state)
{
    (void)state;
    const enum paxos_message_kind kinds[] = {PAXOS_MSG_PROMISE, PAXOS_MSG_ACCEPTED,
                                             PAXOS_MSG_HEARTBEAT_REPLY};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_leader(&rig, 1, 3);
        hear_refusal(&rig, kinds[i], 2, ballot_of(rig.px->promised.round, 1));
        assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER); /* its own ballot: no higher one */
        hear_refusal(&rig, kinds[i], 2, ballot_of(rig.px->promised.round, 2));
        assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
        assert_int_equal(rig.px->leader, 0);
        rig_release(&rig);
    }
}

static void test_a_deposed_leader_forgets_its_proposals(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_propose(&rig, "mine");
    paxos_slot slot = rig.px->chosen + 1;
    hear_leader(&rig, ballot_of(rig.px->promised.round + 1, 3), 1);
    rig_persisted(&rig);
    hear_accepted(&rig, 2, slot, slot); /* too late: counted under the old ballot */
    assert_int_equal(rig.px->chosen, slot - 1);
    assert_false(paxos_may_propose(rig.px));
    assert_false(rig.px->established);
    rig_release(&rig);
}

/* --- Handing over --- */

static void hear_take_over(struct rig *rig, uint32_t from, struct paxos_ballot ballot)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_TAKE_OVER, from);
    m.ballot = ballot;
    m.chosen = rig->px->chosen;
    rig_deliver(rig, &m);
}

static void test_a_follower_takes_over_when_its_leader_asks(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    hear_take_over(&rig, 2, ballot_of(6, 2));
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* without a pre-vote */
    assert_ballot(rig.px->promised, ballot_of(7, 1));
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREPARE), 2);
    rig_release(&rig);
}

static void test_nobody_else_may_ask_for_that(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    hear_leader(&rig, ballot_of(6, 2), 1);
    hear_take_over(&rig, 3, ballot_of(6, 3)); /* not the leader */
    hear_take_over(&rig, 2, ballot_of(5, 2)); /* a leadership of the past */
    hear_take_over(&rig, 2, ballot_of(7, 2)); /* one it does not follow */
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    assert_ballot(rig.px->promised, ballot_of(6, 2));
    struct paxos_message m = message_of(&rig, PAXOS_MSG_PREPARE, 3);
    m.ballot = ballot_of(7, 3);
    rig_deliver(&rig, &m);
    hear_take_over(&rig, 3, ballot_of(7, 3)); /* promised, but it does not lead yet */
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 4, &config);
    hear_leader(&rig, ballot_of(6, 2), 1);
    hear_take_over(&rig, 2, ballot_of(6, 2));
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
    rig_release(&rig);
    rig_restored(&rig, 1, &config); /* unverified (P9) */
    hear_leader(&rig, ballot_of(6, 2), 1);
    hear_take_over(&rig, 2, ballot_of(6, 2));
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
}

/* --- Roles follow the configuration --- */

static void test_a_promoted_learner_becomes_a_follower(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config config = config_of(3);
    config_add(&config, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 4, &config);
    hear_leader(&rig, ballot_of(2, 2), 1);
    config.based_on = 1;
    config.members[3].role = PAXOS_VOTER;
    struct paxos_entry promotion = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 2, &promotion, 1); /* its first slot is open already */
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    rig_release(&rig);
}

static void test_a_removed_leader_becomes_a_learner(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    struct paxos_message m = message_of(&rig, PAXOS_MSG_HEARTBEAT_REPLY, 2);
    rig_deliver(&rig, &m);
    m.from = 3;
    m.from_incarnation = incarnation_of(3);
    rig_deliver(&rig, &m);
    rig_step(&rig, (struct paxos_event){.kind = PAXOS_EV_REMOVE, .node = 1});
    assert_int_equal(note_count(&rig, PAXOS_NOTE_REMOVED), 1);
    for (int i = 0; i < 20 && rig.px->role == PAXOS_ROLE_LEADER; i++) {
        paxos_slot last = rig.px->next_slot - 1;
        hear_accepted(&rig, 2, rig.px->chosen + 1, last);
        if (rig.px->role == PAXOS_ROLE_LEADER) {
            hear_accepted(&rig, 3, rig.px->chosen + 1, last);
        }
        if (rig.px->role == PAXOS_ROLE_LEADER) {
            rig_persisted(&rig);
            rig_applied(&rig);
        }
    }
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEARNER);
    assert_int_equal(rig.px->leader, 0);
    /* Its last word: what it chose, so that nobody has to find out by an election. */
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT, 2)->chosen, rig.px->chosen);
    assert_int_equal(sent(&rig, PAXOS_MSG_HEARTBEAT, 3)->chosen, rig.px->chosen);
    rig_wait(&rig, 3 * RIG_ELECTION_MS);
    assert_int_equal(sent_count(&rig, PAXOS_MSG_PREVOTE), 0);
    rig_release(&rig);
}

/* No honest acceptor reports a ballot above the one it promises. */
static void test_reports_above_the_own_ballot_are_no_reports(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_entry entry = command_entry(&rig, 2, "from nowhere");
    entry.ballot = ballot_of(rig.px->promised.round + 5, 2);
    hear_promise(&rig, 2, 1, &entry, 1);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(proposed(&rig, 3, 2)->kind, PAXOS_LEAD);
    rig_release(&rig);
}

/* What was won for one ballot is nothing for the next. */
static void test_a_new_candidacy_begins_from_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 5);
    become_candidate(&rig);
    struct paxos_entry entry = command_entry(&rig, 2, "reported once");
    hear_promise(&rig, 2, 1, &entry, 1);
    hear_refusal(&rig, PAXOS_MSG_PROMISE, 3, ballot_of(rig.px->promised.round + 1, 3));
    assert_int_equal(rig.px->role, PAXOS_ROLE_FOLLOWER);
    become_candidate(&rig);
    hear_promise(&rig, 4, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_CANDIDATE); /* itself and 4 */
    hear_promise(&rig, 5, 1, NULL, 0);
    assert_int_equal(rig.px->role, PAXOS_ROLE_LEADER);
    assert_int_equal(proposed(&rig, 3, 2)->kind, PAXOS_LEAD);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_makes_a_follower_ask),
        cmocka_unit_test(test_a_leader_that_is_heard_keeps_it_quiet),
        cmocka_unit_test(test_a_majority_of_grants_makes_a_candidate),
        cmocka_unit_test(test_grants_to_an_earlier_question_do_not_count),
        cmocka_unit_test(test_a_lone_voter_needs_nobody),
        cmocka_unit_test(test_learners_do_not_ask),
        cmocka_unit_test(test_learners_notice_silence_too),
        cmocka_unit_test(test_a_voter_without_a_leader_grants),
        cmocka_unit_test(test_who_hears_a_leader_refuses),
        cmocka_unit_test(test_a_leader_refuses),
        cmocka_unit_test(test_laggards_are_refused),
        cmocka_unit_test(test_only_voters_of_the_window_are_granted),
        cmocka_unit_test(test_who_may_not_vote_grants_nothing),
        cmocka_unit_test(test_a_candidate_prepares_once_its_ballot_is_durable),
        cmocka_unit_test(test_ballots_go_above_all_that_was_seen),
        cmocka_unit_test(test_refusals_of_lower_ballots_are_old),
        cmocka_unit_test(test_a_majority_of_promises_wins),
        cmocka_unit_test(test_its_own_promise_counts_when_durable),
        cmocka_unit_test(test_promises_that_do_not_count),
        cmocka_unit_test(test_learners_promises_do_not_count),
        cmocka_unit_test(test_missing_promises_are_asked_for_again),
        cmocka_unit_test(test_a_candidate_that_does_not_win_asks_anew),
        cmocka_unit_test(test_the_highest_reported_ballot_is_adopted),
        cmocka_unit_test(test_our_own_acceptance_is_a_report),
        cmocka_unit_test(test_only_our_own_acceptance),
        cmocka_unit_test(test_holes_become_noops),
        cmocka_unit_test(test_an_adopted_lead_keeps_its_ballot),
        cmocka_unit_test(test_a_late_report_is_adopted_too),
        cmocka_unit_test(test_a_candidate_fetches_what_it_is_told_of),
        cmocka_unit_test(test_only_the_promises_after_the_fetch_count),
        cmocka_unit_test(test_fetched_slots_are_not_adopted),
        cmocka_unit_test(test_a_promise_counts_when_all_its_parts_are_here),
        cmocka_unit_test(test_a_higher_ballot_is_followed),
        cmocka_unit_test(test_a_lower_ballot_is_not_followed),
        cmocka_unit_test(test_whoever_asks_stops_when_a_leader_speaks),
        cmocka_unit_test(test_a_refused_leader_steps_down),
        cmocka_unit_test(test_a_deposed_leader_forgets_its_proposals),
        cmocka_unit_test(test_a_follower_takes_over_when_its_leader_asks),
        cmocka_unit_test(test_nobody_else_may_ask_for_that),
        cmocka_unit_test(test_a_promoted_learner_becomes_a_follower),
        cmocka_unit_test(test_a_removed_leader_becomes_a_learner),
        cmocka_unit_test(test_reports_above_the_own_ballot_are_no_reports),
        cmocka_unit_test(test_a_new_candidacy_begins_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
