#include "paxos/internal.h"

/*
 * Promises and acceptances. Every answer that states one waits for its record (P2). Slots at or
 * below the chosen mark are never answered with "nothing accepted": the mark goes along in every
 * answer and the asker fetches them (R1).
 */

void paxos_raise_promise(struct paxos *px, struct paxos_ballot ballot, struct paxos_effects *out)
{
    CD_ASSERT(paxos_ballot_compare(ballot, px->promised) >= 0); /* P1 */
    if (paxos_ballot_compare(ballot, px->promised) > 0) {
        px->promised = ballot;
        paxos_persist_promise(px, out);
    }
}

static void refuse(struct paxos *px, enum paxos_message_kind answer, uint32_t to,
                   struct paxos_effects *out)
{
    /* Says what was promised, so it waits for the record of the promise like any other. */
    struct paxos_message *reply = paxos_send_after_persist(px, out, answer, to);
    reply->granted = false;
    reply->ballot = px->promised;
    reply->chosen = px->chosen;
}

/* All acceptances from `first` on, as far as one message goes. */
static void report_acceptances(struct paxos *px, struct paxos_message *reply, paxos_slot first)
{
    size_t bytes = 0;
    paxos_slot last_open = px->chosen + paxos_alpha(px);
    reply->first = first;
    reply->last = PAXOS_SLOT_MAX;
    for (paxos_slot slot = first; slot <= last_open; slot++) {
        const struct paxos_cell *cell = paxos_cell(px, slot);
        if (cell->entry.kind == 0) {
            continue;
        }
        if (bytes >= PAXOS_MESSAGE_BYTES_SOFT) {
            reply->last = slot - 1; /* the candidate asks again from here */
            return;
        }
        paxos_message_add_entry(reply, &cell->entry);
        bytes += cell->entry.payload != NULL ? cell->entry.payload->bytes : 0;
    }
}

void paxos_on_prepare(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    paxos_saw_ballot(px, m->ballot);
    if (!px->verified || !paxos_votes_in_window(px, px->node, px->incarnation)) {
        return; /* P9, R2: not ours to promise */
    }
    if (m->ballot.node != m->from || m->ballot.incarnation != m->from_incarnation) {
        return; /* a ballot belongs to the incarnation that prepares it */
    }
    if (paxos_ballot_compare(m->ballot, px->promised) < 0) {
        refuse(px, PAXOS_MSG_PROMISE, m->from, out);
        return;
    }
    if (paxos_ballot_compare(m->ballot, px->promised) > 0) {
        paxos_step_down(px, out);
        paxos_raise_promise(px, m->ballot, out);
        paxos_reset_election_timer(px);
    }
    struct paxos_message *reply = paxos_send_after_persist(px, out, PAXOS_MSG_PROMISE, m->from);
    reply->granted = true;
    reply->ballot = px->promised;
    reply->chosen = px->chosen; /* R1 */
    paxos_slot first = m->first > px->chosen ? m->first : px->chosen + 1;
    report_acceptances(px, reply, first);
}

/* Takes one entry under the promised ballot. True if it stands accepted now. */
static bool accept_entry(struct paxos *px, const struct paxos_entry *entry,
                         struct paxos_effects *out)
{
    if (!paxos_slot_is_open(px, entry->slot)) {
        return false; /* chosen already (R1), or too far ahead of what we know (R5) */
    }
    const struct paxos_governing *governing = paxos_governing(px, entry->slot);
    if (governing == NULL || !paxos_is_voter(&governing->config, px->node, px->incarnation)) {
        return false; /* R2: this slot's configuration does not name us */
    }
    struct paxos_cell *cell = paxos_cell(px, entry->slot);
    int order = cell->entry.kind == 0 ? 1 : paxos_ballot_compare(entry->ballot, cell->entry.ballot);
    CD_ASSERT(order >= 0); /* P1: nothing was accepted above the promise */
    if (order > 0) {
        paxos_entry_assign(&cell->entry, entry);
        paxos_persist_accepted(px, entry, out);
        cell->position = px->position;
    }
    return true;
}

void paxos_on_accept(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    paxos_saw_ballot(px, m->ballot);
    if (paxos_ballot_compare(m->ballot, px->promised) < 0) {
        if (px->verified) {
            refuse(px, PAXOS_MSG_ACCEPTED, m->from, out);
        }
        return;
    }
    paxos_follow(px, m->ballot, out);
    paxos_slot first = 0;
    paxos_slot last = 0;
    for (size_t i = 0; px->verified && i < m->entries_count; i++) {
        struct paxos_entry entry = m->entries[i];
        entry.ballot = m->ballot;
        if (accept_entry(px, &entry, out)) {
            first = first == 0 ? entry.slot : first;
            last = entry.slot;
        } else if (first != 0) {
            break; /* what is answered is one range without gaps */
        }
    }
    if (first != 0) {
        struct paxos_message *reply =
            paxos_send_after_persist(px, out, PAXOS_MSG_ACCEPTED, m->from);
        reply->granted = true;
        reply->ballot = m->ballot;
        reply->first = first;
        reply->last = last;
        reply->chosen = px->chosen_durable;
    }
    paxos_learn_announced(px, m->ballot, m->chosen, out);
}

/*
 * Marks may be recorded faster than they become durable, so one at a time is watched: when it is
 * durable the newest takes its place.
 */
static void settle_durable_mark(struct paxos *px)
{
    if (px->watched_mark != 0 && px->watched_position <= px->persisted) {
        px->chosen_durable = px->watched_mark;
        px->watched_mark = 0;
    }
    if (px->watched_mark == 0 && px->marked > px->chosen_durable) {
        if (px->marked_position <= px->persisted) {
            px->chosen_durable = px->marked;
        } else {
            px->watched_mark = px->marked;
            px->watched_position = px->marked_position;
        }
    }
}

void paxos_on_persisted(struct paxos *px, uint64_t persisted, uint64_t log_position,
                        struct paxos_effects *out)
{
    CD_ASSERT(persisted >= px->persisted && persisted <= px->position);
    CD_ASSERT(log_position >= px->log_durable);
    px->persisted = persisted;
    px->log_durable = log_position;
    settle_durable_mark(px);
    if (px->role == PAXOS_ROLE_CANDIDATE) {
        paxos_try_to_lead(px, out);
    }
    if (px->role == PAXOS_ROLE_LEADER) {
        paxos_ack_self(px);
        paxos_count_chosen(px, out);
    }
}
