#include "paxos/internal.h"

/*
 * Phase 2: proposing within the alpha window, counting acceptances, repeating what got lost, and
 * handing leadership over.
 */

bool paxos_can_propose_at(const struct paxos *px, paxos_slot slot)
{
    if (px->role != PAXOS_ROLE_LEADER || slot > px->applied + paxos_alpha(px)) {
        return false; /* R5: slot s only when s - alpha is applied here */
    }
    const struct paxos_governing *governing = paxos_governing(px, slot);
    return governing != NULL &&
           paxos_has_majority(px, &governing->config, paxos_peer_promised, slot); /* P3 */
}

uint64_t paxos_open_bytes(const struct paxos *px)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        const struct paxos_cell *cell = &px->cells[i];
        if (cell->slot > px->chosen && cell->entry.payload != NULL) {
            bytes += cell->entry.payload->bytes;
        }
    }
    return bytes;
}

bool paxos_may_propose(const struct paxos *px)
{
    return px->established && px->hand_over_to == 0 && px->next_slot > px->adopted_to &&
           paxos_can_propose_at(px, px->next_slot);
}

static void propose_entry(struct paxos *px, struct paxos_entry entry, struct paxos_effects *out)
{
    entry.slot = px->next_slot;
    entry.ballot = px->leader_ballot;
    CD_ASSERT(paxos_can_propose_at(px, entry.slot));                       /* P3 */
    CD_ASSERT(paxos_ballot_compare(px->promised, px->leader_ballot) == 0); /* P1 */
    struct paxos_cell *cell = paxos_cell(px, entry.slot);
    paxos_entry_assign(&cell->entry, &entry);
    paxos_persist_accepted(px, &entry, out);
    cell->position = px->position;
    cell->proposed = true;
    cell->proposed_ms = px->now_ms;
    cell->acks = 0;
    if (entry.kind == PAXOS_CONFIG) {
        px->config_slot = entry.slot;
    }
    if (px->proposed_from == 0) {
        px->proposed_from = entry.slot;
    }
    px->next_slot++;
}

void paxos_propose(struct paxos *px, enum paxos_kind kind, struct cd_blob *payload,
                   struct paxos_effects *out)
{
    struct paxos_entry entry = {.kind = kind, .payload = payload};
    if (kind == PAXOS_LEAD) {
        entry.lead = px->leader_ballot;
    }
    propose_entry(px, entry, out);
}

/* What phase 1 demands for an inherited slot: the highest reported acceptance, or nothing (P3). */
static void propose_inherited(struct paxos *px, struct paxos_effects *out)
{
    struct paxos_cell *cell = paxos_cell(px, px->next_slot);
    const struct paxos_entry *best = &cell->entry;
    if (cell->adopt.kind != 0 &&
        (best->kind == 0 || paxos_ballot_compare(cell->adopt.ballot, best->ballot) > 0)) {
        best = &cell->adopt;
    }
    if (best->kind == 0) {
        paxos_emit_note(out, PAXOS_NOTE_HOLE_FILLED, px->leader_ballot, px->next_slot, px->node);
        paxos_propose(px, PAXOS_NOOP, NULL, out);
        return;
    }
    paxos_emit_note(out, PAXOS_NOTE_ADOPTED, px->leader_ballot, px->next_slot, best->ballot.node);
    struct paxos_entry entry = {0};
    paxos_entry_assign(&entry, best);
    propose_entry(px, entry, out);
    paxos_entry_drop(&entry);
}

/* Proposes all that the leader owes by itself, as far as the window goes. */
void paxos_pump(struct paxos *px, struct paxos_effects *out)
{
    while (paxos_can_propose_at(px, px->next_slot)) {
        if (px->next_slot <= px->adopted_to) {
            propose_inherited(px, out);
        } else if (px->lead_slot == 0) {
            px->lead_slot = px->next_slot;
            paxos_propose(px, PAXOS_LEAD, NULL, out);
        } else if (px->config_slot != 0 && px->next_slot < px->config_slot + paxos_alpha(px)) {
            paxos_propose(px, PAXOS_NOOP, NULL, out); /* R5: an idle cluster reaches i + alpha */
        } else {
            break;
        }
    }
}

static bool ack_test(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    const struct paxos_cell *cell = &px->cells[slot % PAXOS_ALPHA_MAX];
    return cell->slot == slot && cell->proposed &&
           (cell->acks & (1u << paxos_peer_index(px, peer))) != 0;
}

void paxos_ack_self(struct paxos *px)
{
    for (paxos_slot slot = px->chosen + 1; slot < px->next_slot; slot++) {
        struct paxos_cell *cell = paxos_cell(px, slot);
        if (cell->proposed && cell->position <= px->persisted) {
            cell->acks |= 1u; /* peers[0] */
        }
    }
}

void paxos_count_chosen(struct paxos *px, struct paxos_effects *out)
{
    while (px->chosen + 1 < px->next_slot) {
        paxos_slot slot = px->chosen + 1;
        const struct paxos_governing *governing = paxos_governing(px, slot);
        CD_ASSERT(governing != NULL);
        if (!paxos_has_majority(px, &governing->config, ack_test, slot)) {
            return;
        }
        struct paxos_entry entry = {0};
        paxos_entry_assign(&entry, &paxos_cell(px, slot)->entry);
        CD_ASSERT(paxos_ballot_compare(entry.ballot, px->leader_ballot) == 0); /* P4 */
        paxos_choose_next(px, &entry, out);
        paxos_entry_drop(&entry);
    }
}

void paxos_on_accepted(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    if (!m->granted) {
        paxos_refused(px, m, out);
        return;
    }
    struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    if (px->role != PAXOS_ROLE_LEADER || peer == NULL ||
        paxos_ballot_compare(m->ballot, px->leader_ballot) != 0) {
        return;
    }
    paxos_slot first = m->first > px->chosen ? m->first : px->chosen + 1;
    for (paxos_slot slot = first; slot <= m->last && slot < px->next_slot; slot++) {
        struct paxos_cell *cell = paxos_cell(px, slot);
        if (cell->proposed) {
            cell->acks |= 1u << paxos_peer_index(px, peer);
        }
    }
    paxos_count_chosen(px, out);
}

/*
 * Sends our proposals of [first, last] that `peer` has not accepted; without `peer` all of them.
 * What is repeated goes in one message: its answer, or the next tick, brings the rest.
 */
static void send_accept(struct paxos *px, uint32_t node, const struct paxos_peer *peer,
                        paxos_slot first, paxos_slot last, struct paxos_effects *out)
{
    struct paxos_message *m = NULL;
    size_t bytes = 0;
    for (paxos_slot slot = first; slot <= last; slot++) {
        const struct paxos_cell *cell = paxos_cell(px, slot);
        if (!cell->proposed ||
            (peer != NULL && (cell->acks & (1u << paxos_peer_index(px, peer))) != 0)) {
            if (m != NULL) {
                return; /* one message carries consecutive slots */
            }
            continue;
        }
        if (m != NULL && peer != NULL && bytes >= PAXOS_MESSAGE_BYTES_SOFT) {
            return;
        }
        if (m == NULL || bytes >= PAXOS_MESSAGE_BYTES_SOFT) {
            m = paxos_send_now(px, out, PAXOS_MSG_ACCEPT, node);
            m->ballot = px->leader_ballot;
            m->chosen = px->chosen;
            bytes = 0;
        }
        paxos_message_add_entry(m, &cell->entry);
        bytes += cell->entry.payload != NULL ? cell->entry.payload->bytes : 0;
    }
}

static void send_new_to(struct paxos *px, const struct paxos_member *member,
                        struct paxos_effects *out)
{
    paxos_slot first = px->proposed_from > px->chosen ? px->proposed_from : px->chosen + 1;
    send_accept(px, member->node, NULL, first, px->next_slot - 1, out);
}

/* At the end of a step: what was proposed in it goes out, at once and in parallel with our own
 * disk; our promise to this ballot is durable since phase 1. */
void paxos_send_accepts(struct paxos *px, struct paxos_effects *out)
{
    if (px->role == PAXOS_ROLE_LEADER && px->proposed_from != 0) {
        paxos_for_each_voter(px, send_new_to, out);
    }
}

static void repeat_to(struct paxos *px, const struct paxos_member *member,
                      struct paxos_effects *out)
{
    struct paxos_peer *peer = paxos_peer_get(px, member->node, member->incarnation);
    uint64_t patience = 2 * (uint64_t)px->heartbeat_ms;
    if (peer == NULL || px->now_ms - peer->heard_ms > px->election_ms ||
        px->now_ms < peer->repeated_ms + patience) {
        return; /* it hears nothing, or was just told */
    }
    paxos_slot last = px->chosen;
    while (last + 1 < px->next_slot && paxos_cell(px, last + 1)->proposed &&
           paxos_cell(px, last + 1)->proposed_ms + patience <= px->now_ms) {
        last++;
    }
    if (last > px->chosen) {
        send_accept(px, member->node, peer, px->chosen + 1, last, out);
        peer->repeated_ms = px->now_ms;
    }
}

void paxos_repeat_accepts(struct paxos *px, struct paxos_effects *out)
{
    if (px->role == PAXOS_ROLE_LEADER) {
        paxos_for_each_voter(px, repeat_to, out);
    }
}

/* --- Handing over --- */

static uint32_t best_successor(const struct paxos *px)
{
    const struct paxos_peer *best = NULL;
    const struct paxos_config *config = &paxos_governing(px, px->chosen + 1)->config;
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        const struct paxos_peer *peer =
            paxos_peer_find_const(px, member->node, member->incarnation);
        bool able = peer != NULL && member->role == PAXOS_VOTER && peer != &px->peers[0] &&
                    px->now_ms - peer->heard_ms < px->election_ms;
        if (able && (best == NULL || peer->chosen > best->chosen)) {
            best = peer;
        }
    }
    return best != NULL ? best->node : 0;
}

void paxos_hand_over(struct paxos *px, uint32_t node, struct paxos_effects *out)
{
    if (px->role != PAXOS_ROLE_LEADER || px->hand_over_to != 0) {
        return;
    }
    const struct paxos_config *config = &paxos_governing(px, px->chosen + 1)->config;
    bool named = false;
    for (size_t i = 0; i < config->members_count; i++) {
        named = named || (config->members[i].node == node && node != px->node &&
                          config->members[i].role == PAXOS_VOTER);
    }
    px->hand_over_to = named ? node : best_successor(px);
    px->hand_over_asked_ms = 0;
    px->hand_over_deadline_ms = px->now_ms + 2 * (uint64_t)px->election_ms;
    paxos_hand_over_tick(px, out);
}

/*
 * Asks the successor once nothing of ours is open, so that it has nothing to adopt; then with each
 * heartbeat, for the question may be lost. Once it prepares, further ones mean nothing to it.
 */
void paxos_hand_over_tick(struct paxos *px, struct paxos_effects *out)
{
    if (px->role != PAXOS_ROLE_LEADER || px->hand_over_to == 0) {
        return;
    }
    if (px->now_ms >= px->hand_over_deadline_ms) {
        px->hand_over_to = 0; /* it did not take over: lead on */
        return;
    }
    bool first = px->hand_over_asked_ms == 0;
    bool due = first || px->now_ms >= px->hand_over_asked_ms + px->heartbeat_ms;
    if (!due || !px->established || px->chosen + 1 != px->next_slot) {
        return;
    }
    struct paxos_message *m = paxos_send_now(px, out, PAXOS_MSG_TAKE_OVER, px->hand_over_to);
    m->ballot = px->leader_ballot;
    m->chosen = px->chosen;
    px->hand_over_asked_ms = px->now_ms;
    if (first) {
        paxos_emit_note(out, PAXOS_NOTE_HANDING_OVER, px->leader_ballot, px->chosen,
                        px->hand_over_to);
    }
}
