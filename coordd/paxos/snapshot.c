#include "paxos/internal.h"

#include <string.h>

/*
 * What stands for a log that is not there: the base of a snapshot (R3, P8). Installing one drops
 * acceptances at or below its slot; the promise, the incarnation and acceptances above it are the
 * acceptor's memory and stay.
 */

/* Whether these two could be what a log up to `slot` leaves (R5). */
static bool follow_each_other(const struct paxos_placed_config *first,
                              const struct paxos_placed_config *second, paxos_slot slot)
{
    uint32_t alpha = first->config.alpha;
    return second->config.based_on == first->chosen_at && second->config.alpha == alpha &&
           second->chosen_at >= paxos_governs_from(first->chosen_at, alpha) &&
           paxos_governs_from(second->chosen_at, alpha) > slot + 1 &&
           paxos_config_keeps_a_voter(&first->config, &second->config);
}

bool paxos_base_is_sound(const struct paxos_base *base)
{
    if (base->slot == 0 || base->slot > PAXOS_SLOT_MAX - 2 * PAXOS_ALPHA_MAX ||
        base->configs_count == 0 || base->configs_count > PAXOS_BASE_CONFIGS_MAX) {
        return false;
    }
    for (size_t i = 0; i < base->configs_count; i++) {
        const struct paxos_placed_config *placed = &base->configs[i];
        if (!paxos_config_is_sound(&placed->config) || placed->chosen_at == 0 ||
            placed->chosen_at > base->slot || placed->config.based_on >= placed->chosen_at ||
            (placed->chosen_at == 1) != (placed->config.based_on == 0)) {
            return false;
        }
    }
    const struct paxos_placed_config *first = &base->configs[0];
    return paxos_governs_from(first->chosen_at, first->config.alpha) <= base->slot + 1 &&
           (base->configs_count == 1 || follow_each_other(first, &base->configs[1], base->slot));
}

void paxos_base_follow(struct paxos_base *base, const struct paxos_entry *entry)
{
    CD_ASSERT(entry->slot == base->slot + 1); /* P6, P8 */
    base->slot = entry->slot;
    if (entry->kind != PAXOS_CONFIG && base->configs_count == 1) {
        return;
    }
    struct paxos_governing configs[PAXOS_CONFIGS_MAX];
    size_t count = base->configs_count;
    for (size_t i = 0; i < count; i++) {
        const struct paxos_placed_config *placed = &base->configs[i];
        configs[i].chosen_at = placed->chosen_at;
        configs[i].from = paxos_governs_from(placed->chosen_at, placed->config.alpha);
        configs[i].config = placed->config;
    }
    if (entry->kind == PAXOS_CONFIG) {
        (void)paxos_configs_take(configs, &count, base->slot, entry);
    }
    paxos_configs_forget_old(configs, &count, base->slot);
    base->configs_count = count;
    for (size_t i = 0; i < count; i++) {
        base->configs[i].chosen_at = configs[i].chosen_at;
        base->configs[i].config = configs[i].config;
    }
}

bool paxos_may_install(const struct paxos *px, const struct paxos_base *base)
{
    if (px->forgot || !paxos_base_is_sound(base) || base->slot <= px->chosen) {
        return false;
    }
    const struct paxos_config *known = paxos_config_newest(px, NULL);
    const struct paxos_config *theirs = &base->configs[0].config;
    return known == NULL ||
           (theirs->alpha == known->alpha &&
            memcmp(theirs->cluster_id, known->cluster_id, sizeof(known->cluster_id)) == 0);
}

void paxos_jump_to(struct paxos *px, const struct paxos_base *base)
{
    CD_ASSERT(base->slot > px->chosen);
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        if (px->cells[i].slot <= base->slot) {
            paxos_cell_reset(&px->cells[i]);
        }
    }
    px->chosen = base->slot;
    paxos_configs_replace(px, base);
}

void paxos_install(struct paxos *px, const struct paxos_base *base, struct paxos_effects *out)
{
    CD_ASSERT(paxos_may_install(px, base));
    if (px->role == PAXOS_ROLE_LEADER) {
        paxos_step_down(px, out); /* it announced none of this, so somebody leads after it */
    }
    paxos_jump_to(px, base);
    px->applied = base->slot;
    px->dropped = base->slot;
    px->installed = *base;
    paxos_persist_installed(px, out);
    px->fetch_until_ms = 0; /* that FETCH is answered; the next one may go at once */
    paxos_emit_note(out, PAXOS_NOTE_INSTALLED, px->promised, px->chosen, px->node);
    paxos_learn_announced(px, px->leader_ballot, px->leader_mark, out);
}

void paxos_drop(struct paxos *px, paxos_slot slot)
{
    CD_ASSERT(slot <= px->applied); /* P8: a snapshot covers it */
    px->dropped = slot > px->dropped ? slot : px->dropped;
    if (px->installed.slot <= slot) {
        px->installed.slot = 0; /* a later snapshot stands for all that it stood for */
    }
}

const struct paxos_base *paxos_installed(const struct paxos *px)
{
    return px->installed.slot != 0 ? &px->installed : NULL;
}
