#include "paxos/internal.h"

#include <string.h>

/*
 * Which configuration governs a slot, and what a quorum of it is (R5). A configuration chosen in
 * slot i governs from i + alpha; so with `chosen` known, the configurations of all slots up to
 * chosen + alpha are known, and of none beyond.
 */

uint32_t paxos_alpha(const struct paxos *px)
{
    return px->configs_count != 0 ? px->configs[0].config.alpha : 0;
}

const struct paxos_governing *paxos_governing(const struct paxos *px, paxos_slot slot)
{
    const struct paxos_governing *found = NULL;
    for (size_t i = 0; i < px->configs_count && px->configs[i].from <= slot; i++) {
        found = &px->configs[i];
    }
    return found;
}

bool paxos_config_is_sound(const struct paxos_config *config)
{
    if (config->alpha < PAXOS_ALPHA_MIN || config->alpha > PAXOS_ALPHA_MAX) {
        return false;
    }
    if (config->members_count == 0 || config->members_count > PAXOS_MEMBERS_MAX) {
        return false;
    }
    size_t voters = 0;
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        if (member->node == 0 || member->role < PAXOS_VOTER || member->role > PAXOS_OBSERVER) {
            return false;
        }
        voters += member->role == PAXOS_VOTER ? 1 : 0;
        for (size_t k = 0; k < i; k++) {
            if (config->members[k].node == member->node &&
                config->members[k].incarnation == member->incarnation) {
                return false;
            }
        }
    }
    return voters != 0 && voters <= PAXOS_VOTERS_MAX;
}

/*
 * A change must keep a voter: the others learn from voters of the configuration before that theirs
 * was chosen, and a configuration of strangers alone might never hear of it and fall silent.
 */
bool paxos_config_keeps_a_voter(const struct paxos_config *before,
                                const struct paxos_config *config)
{
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        if (member->role == PAXOS_VOTER &&
            paxos_is_voter(before, member->node, member->incarnation)) {
            return true;
        }
    }
    return false;
}

paxos_slot paxos_governs_from(paxos_slot chosen_at, uint32_t alpha)
{
    return chosen_at == 1 ? 1 : chosen_at + alpha;
}

bool paxos_configs_take(struct paxos_governing *configs, size_t *count, paxos_slot chosen,
                        const struct paxos_entry *entry)
{
    CD_ASSERT(entry->kind == PAXOS_CONFIG && entry->payload->bytes == sizeof(struct paxos_config));
    struct paxos_config config;
    memcpy(&config, entry->payload->data, sizeof(config));
    CD_ASSERT(paxos_config_is_sound(&config));
    if (*count != 0) {
        const struct paxos_governing *newest = &configs[*count - 1];
        /* R5: one change in flight, alpha for ever. Every replica judges by the log alone, and
         * so alike: another change was chosen in between, the one before governs later, or
         * nobody would carry the word. */
        if (config.based_on != newest->chosen_at || newest->from > entry->slot ||
            config.alpha != newest->config.alpha ||
            !paxos_config_keeps_a_voter(&newest->config, &config)) {
            return false;
        }
    }
    paxos_configs_forget_old(configs, count, chosen);
    CD_ASSERT(*count < PAXOS_CONFIGS_MAX);
    struct paxos_governing *governing = &configs[(*count)++];
    governing->chosen_at = entry->slot;
    governing->from = paxos_governs_from(entry->slot, config.alpha);
    governing->config = config;
    return true;
}

/* Drops configurations that govern only chosen slots. */
void paxos_configs_forget_old(struct paxos_governing *configs, size_t *count, paxos_slot chosen)
{
    while (*count > 1 && configs[1].from <= chosen + 1) {
        memmove(&configs[0], &configs[1], (*count - 1) * sizeof(configs[0]));
        (*count)--;
    }
}

bool paxos_names_self(const struct paxos *px)
{
    bool named = false;
    for (size_t i = 0; i < px->configs_count; i++) {
        named =
            named || paxos_member_find(&px->configs[i].config, px->node, px->incarnation) != NULL;
    }
    return named;
}

bool paxos_config_chosen(struct paxos *px, const struct paxos_entry *entry)
{
    if (!paxos_configs_take(px->configs, &px->configs_count, px->chosen, entry)) {
        return false;
    }
    px->was_member = px->was_member || paxos_names_self(px);
    return true;
}

void paxos_config_forget_old(struct paxos *px)
{
    paxos_configs_forget_old(px->configs, &px->configs_count, px->chosen);
}

void paxos_configs_replace(struct paxos *px, const struct paxos_base *base)
{
    px->configs_count = base->configs_count;
    for (size_t i = 0; i < base->configs_count; i++) {
        const struct paxos_placed_config *placed = &base->configs[i];
        px->configs[i] = (struct paxos_governing){
            .chosen_at = placed->chosen_at,
            .from = paxos_governs_from(placed->chosen_at, placed->config.alpha),
            .config = placed->config,
        };
    }
    px->was_member = px->was_member || paxos_names_self(px);
}

const struct paxos_member *paxos_member_find(const struct paxos_config *config, uint32_t node,
                                             uint64_t incarnation)
{
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        if (member->node == node && member->incarnation == incarnation) {
            return member;
        }
    }
    return NULL;
}

bool paxos_is_voter(const struct paxos_config *config, uint32_t node, uint64_t incarnation)
{
    const struct paxos_member *member = paxos_member_find(config, node, incarnation);
    return member != NULL && member->role == PAXOS_VOTER;
}

static bool governs_open_slot(const struct paxos *px, size_t index)
{
    bool ended = index + 1 < px->configs_count && px->configs[index + 1].from <= px->chosen + 1;
    bool begun = px->configs[index].from <= px->chosen + paxos_alpha(px);
    return begun && !ended;
}

bool paxos_votes_in_window(const struct paxos *px, uint32_t node, uint64_t incarnation)
{
    for (size_t i = 0; i < px->configs_count; i++) {
        if (governs_open_slot(px, i) && paxos_is_voter(&px->configs[i].config, node, incarnation)) {
            return true;
        }
    }
    return false;
}

bool paxos_is_member(const struct paxos *px, uint32_t node, uint64_t incarnation)
{
    return px->configs_count != 0 &&
           paxos_member_find(&px->configs[px->configs_count - 1].config, node, incarnation) != NULL;
}

bool paxos_has_majority(const struct paxos *px, const struct paxos_config *config,
                        paxos_vote_test test, paxos_slot slot)
{
    size_t voters = 0;
    size_t votes = 0;
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        if (member->role != PAXOS_VOTER) {
            continue; /* R5: learners and observers never count */
        }
        voters++;
        const struct paxos_peer *peer =
            paxos_peer_find_const(px, member->node, member->incarnation);
        votes += peer != NULL && test(px, peer, slot) ? 1 : 0;
    }
    return votes > voters / 2;
}

bool paxos_has_window_majority(const struct paxos *px, paxos_vote_test test)
{
    for (size_t i = 0; i < px->configs_count; i++) {
        if (governs_open_slot(px, i) &&
            !paxos_has_majority(px, &px->configs[i].config, test, px->chosen + 1)) {
            return false;
        }
    }
    return px->configs_count != 0;
}

static void for_each(struct paxos *px, paxos_each_member each, bool voters_only,
                     struct paxos_effects *out)
{
    for (size_t i = 0; i < px->configs_count; i++) {
        if (voters_only && !governs_open_slot(px, i)) {
            continue;
        }
        const struct paxos_config *config = &px->configs[i].config;
        for (size_t k = 0; k < config->members_count; k++) {
            const struct paxos_member *member = &config->members[k];
            bool seen = false;
            for (size_t earlier = 0; earlier < i; earlier++) {
                const struct paxos_member *other = paxos_member_find(
                    &px->configs[earlier].config, member->node, member->incarnation);
                seen = seen || (other != NULL && (!voters_only || (governs_open_slot(px, earlier) &&
                                                                   other->role == PAXOS_VOTER)));
            }
            bool wanted = !voters_only || member->role == PAXOS_VOTER;
            if (wanted && !seen && member->node != px->node) {
                each(px, member, out);
            }
        }
    }
}

void paxos_for_each_voter(struct paxos *px, paxos_each_member each, struct paxos_effects *out)
{
    for_each(px, each, true, out);
}

void paxos_for_each_member(struct paxos *px, paxos_each_member each, struct paxos_effects *out)
{
    for_each(px, each, false, out);
}

const struct paxos_peer *paxos_peer_find_const(const struct paxos *px, uint32_t node,
                                               uint64_t incarnation)
{
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        if (px->peers[i].node == node && px->peers[i].incarnation == incarnation) {
            return &px->peers[i];
        }
    }
    return NULL;
}

struct paxos_peer *paxos_peer_find(struct paxos *px, uint32_t node, uint64_t incarnation)
{
    return (struct paxos_peer *)paxos_peer_find_const(px, node, incarnation);
}

unsigned paxos_peer_index(const struct paxos *px, const struct paxos_peer *peer)
{
    return (unsigned)(peer - px->peers);
}

static bool named_by_any_config(const struct paxos *px, const struct paxos_peer *peer)
{
    for (size_t i = 0; i < px->configs_count; i++) {
        if (paxos_member_find(&px->configs[i].config, peer->node, peer->incarnation) != NULL) {
            return true;
        }
    }
    return false;
}

struct paxos_peer *paxos_peer_get(struct paxos *px, uint32_t node, uint64_t incarnation)
{
    struct paxos_peer *found = paxos_peer_find(px, node, incarnation);
    if (found != NULL) {
        return found;
    }
    /* A free place, else that of the stranger heard longest ago. peers[0] is ourselves. */
    struct paxos_peer *place = NULL;
    for (size_t i = 1; i < PAXOS_PEERS_MAX; i++) {
        struct paxos_peer *peer = &px->peers[i];
        if (peer->node == 0) {
            place = peer;
            break;
        }
        if (!named_by_any_config(px, peer) && (place == NULL || peer->heard_ms < place->heard_ms)) {
            place = peer;
        }
    }
    if (place == NULL) {
        return NULL;
    }
    uint32_t bit = 1u << paxos_peer_index(px, place);
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        px->cells[i].acks &= ~bit;
    }
    *place = (struct paxos_peer){.node = node, .incarnation = incarnation};
    return place;
}
