#include "paxos/internal.h"

/*
 * From silence to leadership: is our memory whole (R2), do others miss a leader too (R23), then
 * phase 1 over all open slots at once.
 */

void paxos_reset_election_timer(struct paxos *px)
{
    px->election_deadline_ms =
        px->now_ms + px->election_ms + cd_prng_below(&px->prng, px->election_ms + 1u);
}

void paxos_saw_ballot(struct paxos *px, struct paxos_ballot ballot)
{
    if (ballot.round > px->max_round_seen) {
        px->max_round_seen = ballot.round;
    }
}

static void reset_proposer(struct paxos *px)
{
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        struct paxos_cell *cell = &px->cells[i];
        paxos_entry_drop(&cell->adopt);
        cell->proposed = false;
        cell->acks = 0;
    }
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        struct paxos_peer *peer = &px->peers[i];
        peer->prevote_granted = false;
        peer->promised_to = 0;
        peer->prepared_ms = 0;
        peer->round = 0;
        peer->ask_nonce = 0;
        peer->ask_in_round = 0;
    }
    px->lead_slot = 0;
    px->established = false;
    px->adopted_to = 0;
    px->told_chosen = 0;
    px->proposed_from = 0;
    px->config_slot = 0;
    px->hand_over_to = 0;
    px->hand_over_asked_ms = 0;
    px->round = 0;
    px->round_completed = 0;
    px->barrier_round = 0;
    px->ask_sent = 0;
}

void paxos_step_down(struct paxos *px, struct paxos_effects *out)
{
    if (px->role != PAXOS_ROLE_PRECANDIDATE && px->role != PAXOS_ROLE_CANDIDATE &&
        px->role != PAXOS_ROLE_LEADER) {
        return;
    }
    if (px->role == PAXOS_ROLE_LEADER) {
        px->leader_heard_ms = px->now_ms; /* there was one until now */
    }
    if (px->role != PAXOS_ROLE_PRECANDIDATE) {
        paxos_emit_note(out, PAXOS_NOTE_STEPPED_DOWN, px->leader_ballot, px->chosen, px->node);
    }
    reset_proposer(px);
    px->role = PAXOS_ROLE_FOLLOWER;
    px->leader = 0;
    paxos_reset_election_timer(px);
}

void paxos_follow(struct paxos *px, struct paxos_ballot ballot, struct paxos_effects *out)
{
    bool news = px->leader != ballot.node || paxos_ballot_compare(px->leader_ballot, ballot) != 0;
    if (paxos_ballot_compare(ballot, px->promised) > 0 || px->role == PAXOS_ROLE_PRECANDIDATE) {
        paxos_step_down(px, out);
    }
    paxos_raise_promise(px, ballot, out);
    CD_ASSERT(px->role == PAXOS_ROLE_FOLLOWER || px->role == PAXOS_ROLE_LEARNER);
    px->leader_mark = news ? 0 : px->leader_mark;
    px->leader = ballot.node;
    px->leader_ballot = ballot;
    px->leader_heard_ms = px->now_ms;
    paxos_reset_election_timer(px);
    if (news) {
        px->ask_sent = 0; /* the question went to another leader; it is asked again */
        paxos_emit_note(out, PAXOS_NOTE_FOLLOWING, ballot, px->chosen, ballot.node);
    }
}

/* An answer that names a higher promise than our ballot. */
void paxos_refused(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    paxos_saw_ballot(px, m->ballot);
    bool competing = px->role == PAXOS_ROLE_CANDIDATE || px->role == PAXOS_ROLE_LEADER;
    if (competing && paxos_ballot_compare(m->ballot, px->leader_ballot) > 0) {
        paxos_step_down(px, out);
    }
}

/* LEARNER or not follows from the configurations alone. */
void paxos_settle_role(struct paxos *px, struct paxos_effects *out)
{
    bool votes = paxos_votes_in_window(px, px->node, px->incarnation);
    if (!votes && px->role != PAXOS_ROLE_LEARNER) {
        paxos_step_down(px, out);
        px->role = PAXOS_ROLE_LEARNER;
    } else if (votes && px->role == PAXOS_ROLE_LEARNER) {
        px->role = PAXOS_ROLE_FOLLOWER;
        if (px->leader == 0) {
            px->election_deadline_ms = px->now_ms; /* nobody to wait for: just born or restarted */
        }
    }
}

/* --- Verification (R2) --- */

static bool probe_test(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    (void)slot;
    return peer == &px->peers[0] || peer->probe_answered;
}

/* Whether some voter of an open slot, or for a lone voter any configured peer, has yet to answer.
 */
static bool may_still_answer(const struct paxos *px)
{
    size_t voters = 0;
    size_t answered = 0;
    const struct paxos_config *newest = paxos_config_newest(px, NULL);
    CD_ASSERT(newest != NULL); /* somebody's majority was asked for */
    for (size_t i = 0; i < newest->members_count; i++) {
        const struct paxos_member *member = &newest->members[i];
        const struct paxos_peer *peer =
            paxos_peer_find_const(px, member->node, member->incarnation);
        voters += member->role == PAXOS_VOTER ? 1 : 0;
        answered += member->role == PAXOS_VOTER && peer != NULL && probe_test(px, peer, 0) ? 1 : 0;
    }
    bool lone = voters == 1 && px->join_peers_count != 0;
    return answered < voters || lone;
}

static bool has_answered(const struct paxos *px, uint32_t node)
{
    for (size_t i = 1; i < PAXOS_PEERS_MAX; i++) {
        if (px->peers[i].node == node && px->peers[i].probe_answered) {
            return true;
        }
    }
    return false;
}

/*
 * A lone voter chooses by itself: only who learns from it can know what it forgot, so each of them
 * has to answer, however long it takes. A fresh incarnation's answer will do: the one before it,
 * and what it remembered, is gone.
 */
static bool lone_voter_must_wait(const struct paxos *px)
{
    const struct paxos_config *newest = paxos_config_newest(px, NULL);
    size_t voters = 0;
    bool missing = false;
    for (size_t i = 0; i < newest->members_count; i++) {
        const struct paxos_member *member = &newest->members[i];
        voters += member->role == PAXOS_VOTER ? 1 : 0;
        missing = missing || (member->node != px->node && !has_answered(px, member->node));
    }
    return voters == 1 && missing;
}

/*
 * A majority must have answered; those who remember most may be slower, so the rest gets a while.
 * A log that names no other voter may be an old copy of one whose cluster has grown since: the
 * configured peers get the same while to say so. Who is down then cannot warn us: R2 has no more.
 */
static void settle_verified(struct paxos *px, struct paxos_effects *out)
{
    bool waited = px->now_ms >= px->start_ms + px->election_ms;
    if (!px->verified && !px->forgot && paxos_has_window_majority(px, probe_test) &&
        (waited || !may_still_answer(px)) && !lone_voter_must_wait(px)) {
        px->verified = true;
        paxos_emit_note(out, PAXOS_NOTE_VERIFIED, px->promised, px->chosen, px->node);
    }
}

static void probe_one(struct paxos *px, const struct paxos_member *member,
                      struct paxos_effects *out)
{
    const struct paxos_peer *peer = paxos_peer_get(px, member->node, member->incarnation);
    if (peer != NULL && !peer->probe_answered) {
        paxos_send_now(px, out, PAXOS_MSG_PROBE, member->node)->nonce = px->boot;
    }
}

void paxos_probe_peers(struct paxos *px, struct paxos_effects *out)
{
    if (!px->verified && !px->forgot) {
        paxos_for_each_member(px, probe_one, out);
        for (size_t i = 0; i < px->join_peers_count; i++) {
            bool member = false;
            const struct paxos_config *newest = paxos_config_newest(px, NULL);
            for (size_t k = 0; newest != NULL && k < newest->members_count; k++) {
                member = member || newest->members[k].node == px->join_peers[i];
            }
            if (!member) {
                paxos_send_now(px, out, PAXOS_MSG_PROBE, px->join_peers[i])->nonce = px->boot;
            }
        }
        settle_verified(px, out);
    }
}

void paxos_on_probe(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    const struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    struct paxos_message *reply = paxos_send_now(px, out, PAXOS_MSG_PROBE_REPLY, m->from);
    reply->nonce = m->nonce;
    reply->remembered = peer != NULL ? peer->remembered : 0;
    reply->chosen = px->chosen;
}

void paxos_on_probe_reply(struct paxos *px, const struct paxos_message *m,
                          struct paxos_effects *out)
{
    if (m->nonce != px->boot || px->forgot) {
        return; /* an answer to an earlier life */
    }
    if (m->remembered > px->start_position && m->remembered > paxos_told_position(px)) {
        paxos_step_down(px, out); /* P9: no vote, and no leadership that rests on one */
        px->forgot = true;
        px->verified = false;
        out->forgot = true;
        paxos_emit_note(out, PAXOS_NOTE_FORGOT, px->promised, px->chosen, m->from);
        return;
    }
    struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    if (peer != NULL) {
        peer->probe_answered = true;
        settle_verified(px, out);
    }
}

/* --- Pre-vote (R23) --- */

static bool prevote_test(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    (void)slot;
    return peer == &px->peers[0] || peer->prevote_granted;
}

static void prevote_one(struct paxos *px, const struct paxos_member *member,
                        struct paxos_effects *out)
{
    struct paxos_message *m = paxos_send_now(px, out, PAXOS_MSG_PREVOTE, member->node);
    m->nonce = px->prevote_nonce;
    m->chosen = px->chosen;
}

void paxos_start_prevote(struct paxos *px, struct paxos_effects *out)
{
    paxos_step_down(px, out);
    paxos_reset_election_timer(px);
    if (!px->verified || px->role != PAXOS_ROLE_FOLLOWER) {
        return;
    }
    if (px->leader != 0) {
        paxos_emit_note(out, PAXOS_NOTE_LEADERLESS, px->leader_ballot, px->chosen, px->leader);
        px->leader = 0;
    }
    px->role = PAXOS_ROLE_PRECANDIDATE;
    px->prevote_nonce++;
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        px->peers[i].prevote_granted = false;
    }
    paxos_emit_note(out, PAXOS_NOTE_PREVOTING, px->promised, px->chosen, px->node);
    paxos_for_each_voter(px, prevote_one, out);
    if (paxos_has_window_majority(px, prevote_test)) {
        paxos_start_candidacy(px, out);
    }
}

static bool grants_prevote(const struct paxos *px, const struct paxos_message *m)
{
    if (!px->verified || !paxos_votes_in_window(px, px->node, px->incarnation)) {
        return false;
    }
    if (!paxos_votes_in_window(px, m->from, m->from_incarnation)) {
        return false; /* a learner, an observer, or an incarnation that nobody admitted */
    }
    if (px->role == PAXOS_ROLE_LEADER) {
        return false;
    }
    if (px->leader != 0 && px->now_ms - px->leader_heard_ms < px->election_ms) {
        return false;
    }
    return m->chosen + paxos_alpha(px) >= px->chosen; /* R23: no laggards */
}

void paxos_on_prevote(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    struct paxos_message *reply = paxos_send_now(px, out, PAXOS_MSG_PREVOTE_REPLY, m->from);
    reply->nonce = m->nonce;
    reply->granted = grants_prevote(px, m);
    reply->ballot = px->promised;
    reply->chosen = px->chosen;
}

void paxos_on_prevote_reply(struct paxos *px, const struct paxos_message *m,
                            struct paxos_effects *out)
{
    paxos_saw_ballot(px, m->ballot);
    struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    if (px->role != PAXOS_ROLE_PRECANDIDATE || m->nonce != px->prevote_nonce || peer == NULL ||
        !m->granted) {
        return;
    }
    peer->prevote_granted = true;
    if (paxos_has_window_majority(px, prevote_test)) {
        paxos_start_candidacy(px, out);
    }
}

/* --- Phase 1 --- */

bool paxos_peer_promised(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    (void)slot; /* a whole promise covers every open slot */
    if (peer == &px->peers[0]) {
        return px->ballot_position <= px->persisted; /* P2 */
    }
    return peer->promised_to == PAXOS_SLOT_MAX;
}

static void prepare_one(struct paxos *px, const struct paxos_member *member,
                        struct paxos_effects *out)
{
    struct paxos_peer *peer = paxos_peer_get(px, member->node, member->incarnation);
    bool recently =
        peer != NULL && peer->prepared_ms != 0 && px->now_ms < peer->prepared_ms + px->heartbeat_ms;
    if (peer == NULL || peer->promised_to == PAXOS_SLOT_MAX || recently) {
        return;
    }
    struct paxos_message *m =
        paxos_send_after_persist(px, out, PAXOS_MSG_PREPARE, member->node); /* P2 */
    m->ballot = px->leader_ballot;
    m->first = peer->promised_to > px->chosen ? peer->promised_to : px->chosen + 1;
    peer->prepared_ms = px->now_ms;
}

/* Asks every voter of an open slot that has not promised all of it yet; also late in a leadership,
 * when the window has reached a new configuration (R5). */
void paxos_prepare_missing(struct paxos *px, struct paxos_effects *out)
{
    bool competing = px->role == PAXOS_ROLE_CANDIDATE || px->role == PAXOS_ROLE_LEADER;
    if (competing && px->chosen >= px->told_chosen) {
        paxos_for_each_voter(px, prepare_one, out);
    }
}

void paxos_start_candidacy(struct paxos *px, struct paxos_effects *out)
{
    CD_ASSERT(px->verified && paxos_votes_in_window(px, px->node, px->incarnation)); /* P9 */
    uint64_t round =
        px->max_round_seen > px->promised.round ? px->max_round_seen : px->promised.round;
    if (round + 1 >= PAXOS_ROUND_MAX) {
        return; /* none is left; nobody gets here honestly */
    }
    reset_proposer(px);
    struct paxos_ballot ballot = {
        .round = round + 1, .node = px->node, .incarnation = px->incarnation};
    px->role = PAXOS_ROLE_CANDIDATE;
    px->leader = 0;
    px->leader_ballot = ballot;
    px->leader_mark = 0;
    paxos_raise_promise(px, ballot, out);
    px->ballot_position = px->position;
    px->max_round_seen = ballot.round;
    px->told_chosen = px->chosen;
    paxos_reset_election_timer(px);
    paxos_emit_note(out, PAXOS_NOTE_PREPARING, ballot, px->chosen + 1, px->node);
    paxos_prepare_missing(px, out);
}

void paxos_on_take_over(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    bool follows = px->role == PAXOS_ROLE_FOLLOWER && px->leader == m->from &&
                   paxos_ballot_compare(m->ballot, px->promised) == 0;
    if (follows && px->verified) {
        paxos_start_candidacy(px, out);
    }
}

static void merge_reported(struct paxos *px, const struct paxos_entry *entry)
{
    if (!paxos_slot_is_open(px, entry->slot) ||
        paxos_ballot_compare(entry->ballot, px->leader_ballot) >= 0) {
        return; /* chosen meanwhile, or our own proposal come back */
    }
    struct paxos_cell *cell = paxos_cell(px, entry->slot);
    if (cell->adopt.kind == 0 ||
        paxos_ballot_compare(entry->ballot, cell->adopt.ballot) > 0) { /* P3 */
        paxos_entry_assign(&cell->adopt, entry);
    }
    if (entry->slot > px->adopted_to) {
        px->adopted_to = entry->slot;
    }
}

void paxos_on_promise(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    bool competing = px->role == PAXOS_ROLE_CANDIDATE || px->role == PAXOS_ROLE_LEADER;
    struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    if (!m->granted) {
        paxos_refused(px, m, out);
        return;
    }
    if (!competing || peer == NULL || paxos_ballot_compare(m->ballot, px->leader_ballot) != 0) {
        return;
    }
    if (m->chosen > px->chosen) {
        /* R1: it holds chosen slots that we lack. Fetch them first, then ask it again. */
        px->told_chosen = m->chosen > px->told_chosen ? m->chosen : px->told_chosen;
        peer->prepared_ms = 0;
        return;
    }
    for (size_t i = 0; i < m->entries_count; i++) {
        merge_reported(px, &m->entries[i]);
    }
    paxos_slot covered = peer->promised_to > px->chosen ? peer->promised_to : px->chosen + 1;
    if (m->first <= covered && peer->promised_to != PAXOS_SLOT_MAX) {
        if (m->last == PAXOS_SLOT_MAX) {
            peer->promised_to = PAXOS_SLOT_MAX;
        } else if (m->last >= covered) {
            peer->promised_to = m->last + 1;
            peer->prepared_ms = 0; /* ask for the rest at once */
        }
    }
    paxos_try_to_lead(px, out);
}

void paxos_try_to_lead(struct paxos *px, struct paxos_effects *out)
{
    bool complete = px->role == PAXOS_ROLE_CANDIDATE && px->chosen >= px->told_chosen &&
                    paxos_has_window_majority(px, paxos_peer_promised); /* P3, R5 */
    if (!complete) {
        return;
    }
    px->role = PAXOS_ROLE_LEADER;
    px->leader = px->node;
    px->next_slot = px->chosen + 1;
    for (paxos_slot slot = px->next_slot; paxos_slot_is_open(px, slot); slot++) {
        if (paxos_cell(px, slot)->entry.kind != 0 && slot > px->adopted_to) {
            px->adopted_to = slot; /* what we accepted ourselves is reported too */
        }
    }
    px->config_slot = paxos_config_in_flight(px); /* an earlier leader's */
    px->round_completed_ms = px->now_ms;
    paxos_emit_note(out, PAXOS_NOTE_LEADING, px->leader_ballot, px->next_slot, px->node);
    paxos_begin_round(px, out);
}
