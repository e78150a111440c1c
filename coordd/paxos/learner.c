#include "paxos/internal.h"

/*
 * The chosen mark, how it moves (P6, P7), and how a replica that lags gets what was chosen: it asks
 * (FETCH) whoever told it of a higher mark, and is sent entries as chosen, or a snapshot where the
 * log no longer has them (R1).
 */

bool paxos_slot_is_open(const struct paxos *px, paxos_slot slot)
{
    return slot > px->chosen && slot - px->chosen <= paxos_alpha(px);
}

void paxos_entry_drop(struct paxos_entry *entry)
{
    cd_blob_unref(entry->payload);
    *entry = (struct paxos_entry){0};
}

void paxos_entry_assign(struct paxos_entry *to, const struct paxos_entry *from)
{
    struct cd_blob *payload = cd_blob_ref(from->payload);
    cd_blob_unref(to->payload);
    *to = *from;
    to->payload = payload;
}

void paxos_cell_reset(struct paxos_cell *cell)
{
    paxos_entry_drop(&cell->entry);
    paxos_entry_drop(&cell->adopt);
    *cell = (struct paxos_cell){0};
}

struct paxos_cell *paxos_cell(struct paxos *px, paxos_slot slot)
{
    CD_ASSERT(paxos_slot_is_open(px, slot));
    struct paxos_cell *cell = &px->cells[slot % PAXOS_ALPHA_MAX];
    if (cell->slot != slot) {
        paxos_cell_reset(cell);
        cell->slot = slot;
    }
    return cell;
}

void paxos_choose_next(struct paxos *px, const struct paxos_entry *entry, struct paxos_effects *out)
{
    CD_ASSERT(entry->slot == px->chosen + 1); /* P6 */
    paxos_emit_chosen(out, entry);
    px->chosen = entry->slot;
    px->mark_moved = true;
    if (entry->kind == PAXOS_CONFIG && paxos_config_chosen(px, entry)) {
        paxos_emit_note(out, PAXOS_NOTE_CONFIG_CHOSEN, px->leader_ballot, entry->slot, 0);
    }
    paxos_config_forget_old(px);
    struct paxos_cell *cell = &px->cells[entry->slot % PAXOS_ALPHA_MAX];
    if (cell->slot == entry->slot) {
        paxos_cell_reset(cell); /* `entry` may live here: not used any more */
    }
}

void paxos_heard_mark(struct paxos *px, paxos_slot mark, uint32_t from)
{
    /* The latest to say so is the likeliest to be there when asked. */
    if (mark > px->chosen && mark >= px->known_chosen) {
        px->known_chosen = mark;
        px->known_from = from;
    }
}

void paxos_learn_announced(struct paxos *px, struct paxos_ballot ballot, paxos_slot mark,
                           struct paxos_effects *out)
{
    if (paxos_ballot_compare(ballot, px->leader_ballot) == 0 && mark > px->leader_mark) {
        px->leader_mark = mark;
    }
    while (px->chosen < mark && paxos_alpha(px) != 0) {
        struct paxos_cell *cell = paxos_cell(px, px->chosen + 1);
        if (cell->entry.kind == 0 || paxos_ballot_compare(cell->entry.ballot, ballot) != 0) {
            break; /* P7: accepted under another ballot, so perhaps not what was chosen */
        }
        struct paxos_entry entry = {0};
        paxos_entry_assign(&entry, &cell->entry);
        paxos_choose_next(px, &entry, out);
        paxos_entry_drop(&entry);
    }
}

void paxos_fetch_if_behind(struct paxos *px, struct paxos_effects *out)
{
    if (px->known_chosen <= px->chosen || px->now_ms < px->fetch_until_ms) {
        return;
    }
    /* The leader knows all that is chosen; who told us last may be gone. */
    uint32_t to = px->known_from;
    if (px->fetch_until_ms != 0 && px->leader != 0 && px->leader != px->node) {
        to = px->leader;
    }
    if (to == 0 || to == px->node) {
        return;
    }
    paxos_send_now(px, out, PAXOS_MSG_FETCH, to)->first = px->chosen + 1;
    px->fetch_until_ms = px->now_ms + 2 * (uint64_t)px->heartbeat_ms;
}

void paxos_on_fetch(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    if (m->first == 0 || m->first > px->chosen || px->identity_position > px->persisted) {
        return; /* the driver sends that answer itself, at once (R2) */
    }
    if (m->first <= px->dropped) {
        out->snapshot_to = m->from;
        return;
    }
    paxos_slot last = m->first + PAXOS_MESSAGE_ENTRIES_MAX - 1;
    out->fetch_to = m->from;
    out->fetch_first = m->first;
    out->fetch_last = last < px->chosen ? last : px->chosen;
}

void paxos_make_chosen(const struct paxos *px, uint32_t to, struct paxos_entry *entries,
                       size_t count, struct paxos_message *message)
{
    CD_ASSERT(count <= PAXOS_MESSAGE_ENTRIES_MAX);
    *message = (struct paxos_message){
        .kind = PAXOS_MSG_CHOSEN,
        .from = px->node,
        .from_incarnation = px->incarnation,
        .to = to,
        .durable = paxos_told_position(px),
        .chosen = px->chosen,
        .entries = entries,
        .entries_count = count,
    };
}

void paxos_on_chosen(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    paxos_slot before = px->chosen;
    bool deposed = false;
    for (size_t i = 0; i < m->entries_count; i++) {
        const struct paxos_entry *entry = &m->entries[i];
        if (entry->slot != px->chosen + 1) {
            continue; /* known already, or a gap that another FETCH will fill */
        }
        if (px->configs_count == 0 && entry->kind != PAXOS_CONFIG) {
            return; /* every log begins with its first configuration */
        }
        if (!paxos_entry_is_sound(px, entry)) {
            return; /* judged anew: entries of this message may have changed what is sound */
        }
        paxos_persist_learned(px, entry, out);
        paxos_choose_next(px, entry, out);
        /* We never announced that slot, so somebody leads after us. */
        deposed = deposed || (px->lead_slot != 0 && entry->slot >= px->lead_slot);
    }
    if (px->chosen > before) {
        px->fetch_until_ms = 0; /* that FETCH is answered; the next one may go at once */
    }
    if (px->role == PAXOS_ROLE_LEADER && (deposed || px->chosen >= px->next_slot)) {
        paxos_step_down(px, out);
    }
}
