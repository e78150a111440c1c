#include "paxos/internal.h"

/* Building the state again from the log's records, in their order, before paxos_start. */

void paxos_restore_identity(struct paxos *px, uint64_t incarnation)
{
    CD_ASSERT(!px->started);
    if (incarnation != px->incarnation) {
        px->incarnation = incarnation;
        px->was_member = paxos_names_self(px);
        px->peers[0].incarnation = incarnation;
    }
}

enum cd_status paxos_restore_promise(struct paxos *px, struct paxos_ballot ballot)
{
    CD_ASSERT(!px->started);
    if (ballot.round >= PAXOS_ROUND_MAX) {
        return CD_CORRUPT;
    }
    if (paxos_ballot_compare(ballot, px->promised) > 0) {
        px->promised = ballot;
    }
    paxos_saw_ballot(px, ballot);
    return CD_OK;
}

enum cd_status paxos_restore_accepted(struct paxos *px, const struct paxos_entry *entry)
{
    CD_ASSERT(!px->started);
    if (entry->slot != 0 && entry->slot <= px->chosen) {
        return CD_OK; /* written before its slot was learned as chosen */
    }
    if (!paxos_entry_is_sound(px, entry) || !paxos_slot_is_open(px, entry->slot)) {
        return CD_CORRUPT;
    }
    paxos_entry_assign(&paxos_cell(px, entry->slot)->entry, entry);
    return paxos_restore_promise(px, entry->ballot);
}

static void vouch(struct paxos *px, paxos_slot slot)
{
    px->log_mark = slot > px->log_mark ? slot : px->log_mark;
}

enum cd_status paxos_restore_learned(struct paxos *px, const struct paxos_entry *entry,
                                     struct paxos_effects *effects)
{
    CD_ASSERT(!px->started);
    if (entry->slot != 0 && entry->slot <= px->chosen) {
        vouch(px, entry->slot);
        return CD_OK;
    }
    bool first_is_config = px->configs_count != 0 || entry->kind == PAXOS_CONFIG;
    if (entry->slot != px->chosen + 1 || !first_is_config || !paxos_entry_is_sound(px, entry)) {
        return CD_CORRUPT;
    }
    paxos_choose_next(px, entry, effects);
    vouch(px, entry->slot);
    return CD_OK;
}

enum cd_status paxos_restore_mark(struct paxos *px, paxos_slot slot, struct paxos_effects *effects)
{
    CD_ASSERT(!px->started);
    while (px->chosen < slot) {
        if (!paxos_slot_is_open(px, px->chosen + 1)) {
            return CD_CORRUPT;
        }
        struct paxos_entry entry = {0};
        paxos_entry_assign(&entry, &paxos_cell(px, px->chosen + 1)->entry);
        if (entry.kind == 0) {
            return CD_CORRUPT; /* a mark over a slot that the log does not hold */
        }
        paxos_choose_next(px, &entry, effects);
        paxos_entry_drop(&entry);
    }
    vouch(px, slot);
    return CD_OK;
}

static enum cd_status restore_base(struct paxos *px, const struct paxos_base *base,
                                   paxos_slot dropped)
{
    CD_ASSERT(!px->started);
    bool known = px->configs_count != 0;
    if (!paxos_base_is_sound(base) || dropped > base->slot ||
        (known && base->configs[0].config.alpha != paxos_alpha(px))) {
        return CD_CORRUPT;
    }
    if (base->slot > px->chosen) {
        paxos_jump_to(px, base);
    }
    px->dropped = dropped > px->dropped ? dropped : px->dropped;
    return CD_OK;
}

enum cd_status paxos_restore_base(struct paxos *px, const struct paxos_base *base,
                                  paxos_slot dropped)
{
    enum cd_status status = restore_base(px, base, dropped);
    if (status == CD_OK) {
        px->loaded = *base;
    }
    return status;
}

enum cd_status paxos_restore_installed(struct paxos *px, const struct paxos_base *base)
{
    enum cd_status status = restore_base(px, base, base->slot);
    if (status == CD_OK) {
        vouch(px, base->slot);
        px->installed = base->slot > px->installed.slot ? *base : px->installed;
    }
    return status;
}

void paxos_adopt_loaded(struct paxos *px, struct paxos_effects *out)
{
    if (px->loaded.slot <= px->log_mark) {
        return;
    }
    px->installed = px->loaded;
    px->dropped = px->loaded.slot;
    paxos_persist_installed(px, out);
}

void paxos_restore_remembered(struct paxos *px, uint32_t node, uint64_t incarnation,
                              uint64_t position)
{
    CD_ASSERT(!px->started);
    if (node == 0 || node == px->node) {
        return;
    }
    struct paxos_peer *peer = paxos_peer_get(px, node, incarnation);
    if (peer != NULL && position > peer->remembered) {
        peer->remembered = position;
    }
}
