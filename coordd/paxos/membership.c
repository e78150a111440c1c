#include "paxos/internal.h"

#include <string.h>

/*
 * Birth, joining, promotion and removal (R2, R5, R14). Every change is one configuration in the log
 * that names the one it changes; one is in flight at a time.
 */

static void propose_config(struct paxos *px, const struct paxos_config *config,
                           struct paxos_effects *out)
{
    CD_ASSERT(paxos_config_is_sound(config));
    struct cd_blob *payload = cd_blob_copy(config, sizeof(*config));
    paxos_propose(px, PAXOS_CONFIG, payload, out);
    cd_blob_unref(payload);
}

void paxos_birth(struct paxos *px, const struct paxos_config *birth, struct paxos_effects *out)
{
    CD_ASSERT(paxos_is_empty(px));
    struct paxos_config config;
    memset(&config, 0, sizeof(config)); /* padding too: these bytes are compared and hashed */
    memcpy(config.cluster_id, birth->cluster_id, sizeof(config.cluster_id));
    config.alpha = birth->alpha;
    config.generation = 1;
    config.members_count = 1;
    config.members[0].node = px->node;
    config.members[0].incarnation = px->incarnation;
    config.members[0].role = PAXOS_VOTER;
    CD_ASSERT(paxos_config_is_sound(&config));
    struct paxos_entry entry = {.slot = 1, .kind = PAXOS_CONFIG};
    entry.payload = cd_blob_copy(&config, sizeof(config));
    paxos_persist_learned(px, &entry, out);
    paxos_choose_next(px, &entry, out);
    paxos_entry_drop(&entry);
}

static void join_ask_member(struct paxos *px, const struct paxos_member *member,
                            struct paxos_effects *out)
{
    paxos_send_now(px, out, PAXOS_MSG_JOIN, member->node)->chosen = px->chosen;
}

/*
 * An old data directory put back, after the node had joined again without it: the configuration
 * names a later incarnation. This one's votes are gone for good, so it ends, and a fresh one asks
 * to join; if the later incarnation is alive the leader turns a deaf ear to it.
 */
void paxos_notice_superseded(struct paxos *px, struct paxos_effects *out)
{
    if (px->forgot || !px->was_member || paxos_is_member(px, px->node, px->incarnation)) {
        return;
    }
    const struct paxos_config *newest = paxos_config_newest(px, NULL);
    bool named = false;
    for (size_t i = 0; i < newest->members_count; i++) {
        named = named || newest->members[i].node == px->node;
    }
    if (named) {
        paxos_step_down(px, out);
        px->forgot = true;
        px->verified = false;
        out->forgot = true;
        paxos_emit_note(out, PAXOS_NOTE_SUPERSEDED, px->promised, px->chosen, px->node);
    }
}

/*
 * A fresh incarnation asks everyone it knows of; who leads proposes it as a learner, once it knows
 * the newest configuration. So it asks again as soon as it has caught up.
 */
void paxos_ask_to_join(struct paxos *px, struct paxos_effects *out)
{
    bool outside =
        !px->forgot && !px->was_member && !paxos_is_member(px, px->node, px->incarnation);
    bool caught_up = px->chosen > px->join_asked_chosen && px->chosen >= px->known_chosen;
    if (!outside || (!caught_up && px->now_ms < px->join_asked_ms + px->election_ms)) {
        return;
    }
    px->join_asked_ms = px->now_ms;
    px->join_asked_chosen = px->chosen;
    for (size_t i = 0; i < px->join_peers_count; i++) {
        paxos_send_now(px, out, PAXOS_MSG_JOIN, px->join_peers[i])->chosen = px->chosen;
    }
    if (px->join_peers_count == 0) {
        paxos_for_each_member(px, join_ask_member, out);
    }
}

static bool is_alive(const struct paxos *px, const struct paxos_member *member)
{
    const struct paxos_peer *peer = paxos_peer_find_const(px, member->node, member->incarnation);
    if (peer == &px->peers[0]) {
        return true;
    }
    return peer != NULL && peer->heard_ms != 0 && px->now_ms - peer->heard_ms <= px->election_ms &&
           peer->chosen + paxos_alpha(px) >= px->chosen;
}

/* Whether a later word came from another incarnation of its node: then its disk is gone (R2). */
static bool is_superseded(const struct paxos *px, const struct paxos_member *member)
{
    const struct paxos_peer *own = paxos_peer_find_const(px, member->node, member->incarnation);
    for (size_t i = 1; own != NULL && i < PAXOS_PEERS_MAX; i++) {
        const struct paxos_peer *peer = &px->peers[i];
        if (peer != own && peer->node == member->node && peer->heard_ms != 0 &&
            peer->heard_ms >= own->heard_ms) {
            return true;
        }
    }
    return false;
}

/* Whether a majority of its voters is there and close behind. */
static bool keeps_quorum(const struct paxos *px, const struct paxos_config *config)
{
    size_t voters = 0;
    size_t alive = 0;
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].role == PAXOS_VOTER) {
            const struct paxos_member *member = &config->members[i];
            voters++;
            alive += is_alive(px, member) && !is_superseded(px, member) ? 1 : 0;
        }
    }
    return voters != 0 && voters <= PAXOS_VOTERS_MAX && alive > voters / 2;
}

static void drop_member(struct paxos_config *config, size_t index)
{
    config->members_count--;
    memmove(&config->members[index], &config->members[index + 1],
            (config->members_count - index) * sizeof(config->members[0]));
    memset(&config->members[config->members_count], 0, sizeof(config->members[0]));
}

/* A copy of the newest configuration, to be changed. */
static struct paxos_config change_of_newest(const struct paxos *px)
{
    const struct paxos_governing *newest = &px->configs[px->configs_count - 1];
    struct paxos_config config;
    memcpy(&config, &newest->config, sizeof(config));
    config.based_on = newest->chosen_at;
    return config;
}

static bool may_change(const struct paxos *px)
{
    return paxos_may_propose(px) && px->config_slot == 0;
}

/*
 * Who asks says by its mark which configurations it knows to leave it out. A newer one may have
 * named it and a still newer one removed it: then this is a copy from before, and to follow it
 * would undo the removal. An honest asker is told what to fetch, and asks again.
 */
static bool knows_newest(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    if (m->chosen >= px->configs[px->configs_count - 1].chosen_at) {
        return true;
    }
    struct paxos_message *answer = paxos_send_now(px, out, PAXOS_MSG_HEARTBEAT, m->from);
    answer->ballot = px->leader_ballot;
    answer->chosen = px->chosen;
    return false;
}

void paxos_on_join(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    if (px->role != PAXOS_ROLE_LEADER || paxos_is_member(px, m->from, m->from_incarnation) ||
        !knows_newest(px, m, out) || !may_change(px)) {
        return;
    }
    struct paxos_config config = change_of_newest(px);
    enum paxos_role_of_member role = PAXOS_LEARNER;
    for (size_t i = 0; i < config.members_count;) {
        const struct paxos_member *member = &config.members[i];
        if (member->node != m->from) {
            i++;
            continue;
        }
        role = member->role == PAXOS_OBSERVER ? PAXOS_OBSERVER : role;
        if (is_alive(px, member)) {
            return; /* two replicas with one id, or a message from an earlier life */
        }
        if (member->role == PAXOS_VOTER) {
            i++; /* its vote stays until the new incarnation takes its place (R2) */
        } else {
            drop_member(&config, i);
        }
    }
    if (config.members_count == PAXOS_MEMBERS_MAX) {
        paxos_emit_note(out, PAXOS_NOTE_CHANGE_REFUSED, px->leader_ballot, px->chosen, m->from);
        return;
    }
    struct paxos_member *learner = &config.members[config.members_count++];
    learner->node = m->from;
    learner->incarnation = m->from_incarnation;
    learner->role = role;
    paxos_emit_note(out, PAXOS_NOTE_JOINED, px->leader_ballot, px->next_slot, m->from);
    propose_config(px, &config, out);
}

/* Makes a voter of the first learner that has caught up, in place of its earlier incarnations. */
void paxos_promote_one(struct paxos *px, struct paxos_effects *out)
{
    if (!may_change(px)) {
        return;
    }
    struct paxos_config config = change_of_newest(px);
    for (size_t i = 0; i < config.members_count; i++) {
        struct paxos_member learner = config.members[i];
        if (learner.role != PAXOS_LEARNER || !is_alive(px, &learner)) {
            continue;
        }
        struct paxos_config changed;
        memcpy(&changed, &config, sizeof(changed));
        changed.members[i].role = PAXOS_VOTER;
        for (size_t k = 0; k < changed.members_count;) {
            bool earlier = changed.members[k].node == learner.node &&
                           changed.members[k].incarnation != learner.incarnation;
            if (earlier) {
                drop_member(&changed, k);
            } else {
                k++;
            }
        }
        if (keeps_quorum(px, &changed)) {
            paxos_emit_note(out, PAXOS_NOTE_PROMOTED, px->leader_ballot, px->next_slot,
                            learner.node);
            propose_config(px, &changed, out);
            return;
        }
    }
}

void paxos_remove(struct paxos *px, uint32_t node, struct paxos_effects *out)
{
    if (!may_change(px)) {
        return;
    }
    struct paxos_config config = change_of_newest(px);
    size_t before = config.members_count;
    for (size_t i = 0; i < config.members_count;) {
        if (config.members[i].node == node) {
            drop_member(&config, i);
        } else {
            i++;
        }
    }
    if (config.members_count == before || !keeps_quorum(px, &config)) {
        paxos_emit_note(out, PAXOS_NOTE_CHANGE_REFUSED, px->leader_ballot, px->chosen, node);
        return;
    }
    paxos_emit_note(out, PAXOS_NOTE_REMOVED, px->leader_ballot, px->next_slot, node);
    propose_config(px, &config, out);
}

/* Slot of a chosen change of which this leader does not know that it is done; 0: none. */
paxos_slot paxos_config_in_flight(const struct paxos *px)
{
    const struct paxos_governing *newest = &px->configs[px->configs_count - 1];
    bool recent = newest->chosen_at != 1 && newest->from + paxos_alpha(px) > px->chosen;
    return recent ? newest->chosen_at : 0;
}

static bool holds_test(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    return (peer == &px->peers[0] ? px->chosen_durable : peer->chosen) >= slot;
}

/* R5: done when a majority of the new configuration durably holds all below i + alpha as chosen. */
void paxos_config_settle(struct paxos *px, struct paxos_effects *out)
{
    if (px->role != PAXOS_ROLE_LEADER || px->config_slot == 0 || px->chosen < px->config_slot) {
        return;
    }
    const struct paxos_governing *newest = &px->configs[px->configs_count - 1];
    if (newest->chosen_at != px->config_slot) {
        px->config_slot =
            paxos_config_in_flight(px); /* chosen without effect; another may not be done */
        return;
    }
    if (paxos_has_majority(px, &newest->config, holds_test, newest->from - 1)) {
        paxos_emit_note(out, PAXOS_NOTE_CONFIG_ACTIVE, px->leader_ballot, newest->chosen_at, 0);
        px->config_slot = 0;
    }
}
