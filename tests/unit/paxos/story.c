#include "story.h"

static uint64_t below(struct story *story, uint64_t bound)
{
    return cd_prng_below(&story->prng, bound);
}

static bool chance(struct story *story, unsigned of_100)
{
    return below(story, 100) < of_100;
}

/* --- Parts of messages --- */

static uint32_t some_node(struct story *story)
{
    uint32_t node = 1 + (uint32_t)below(story, STORY_NODES);
    return node == story->rig->node ? 1 + node % STORY_NODES : node;
}

static uint64_t some_incarnation(struct story *story, uint32_t node)
{
    uint64_t present =
        node == story->rig->node ? story->rig->px->incarnation : incarnation_of(node);
    return chance(story, 90) ? present : 1 + below(story, 3);
}

static paxos_slot some_slot(struct story *story)
{
    paxos_slot slot = story->rig->px->chosen + below(story, RIG_ALPHA + 4);
    return slot > 2 ? slot - 2 : slot;
}

static struct paxos_ballot some_ballot(struct story *story, uint32_t node, uint64_t incarnation)
{
    uint64_t round = story->rig->px->promised.round + (story->calm ? 0 : below(story, 4));
    return (struct paxos_ballot){
        .round = round > 1 ? round - 1 : 1, .node = node, .incarnation = incarnation};
}

static struct cd_blob *some_config(struct story *story, paxos_slot slot)
{
    paxos_slot base = 0;
    const struct paxos_config *newest = paxos_config_newest(story->rig->px, &base);
    struct paxos_config config = config_of(1 + below(story, 5));
    if (newest != NULL && chance(story, 80)) {
        config = *newest;
        uint32_t node = 1 + (uint32_t)below(story, STORY_NODES);
        if (chance(story, 15)) { /* a wiped member has taken its own place */
            config.members[below(story, config.members_count)].incarnation = story->steps;
        } else if (chance(story, 50) && config.members_count > 2) {
            config_drop(&config, node);
        } else if (config.members_count < PAXOS_MEMBERS_MAX) {
            config_add(&config, node, (enum paxos_role_of_member)(1 + below(story, 3)));
            config.members[config.members_count - 1].incarnation = some_incarnation(story, node);
        }
    }
    config.based_on = slot == 1 ? 0 : chance(story, 80) ? base : below(story, slot + 2);
    if (chance(story, 3)) {
        config.alpha = 1 + (uint32_t)below(story, 6);
    }
    return cd_blob_copy(&config, sizeof(config));
}

static struct paxos_entry some_entry(struct story *story, paxos_slot slot, uint32_t from)
{
    struct paxos_entry entry = {.slot = slot};
    entry.ballot = some_ballot(story, from, incarnation_of(from));
    entry.kind = (enum paxos_kind)(1 + below(story, 4));
    if (slot == 1 || chance(story, 3)) {
        entry.kind = PAXOS_CONFIG;
    } else if (entry.kind == PAXOS_CONFIG) {
        entry.kind = PAXOS_COMMANDS;
    }
    if (entry.kind == PAXOS_LEAD) {
        entry.lead = entry.ballot;
    } else if (entry.kind == PAXOS_CONFIG) {
        entry.payload = some_config(story, slot);
    } else if (entry.kind == PAXOS_COMMANDS) {
        uint64_t value = cd_prng_next(&story->prng);
        entry.payload = cd_blob_copy(&value, 1 + (size_t)below(story, sizeof(value)));
    }
    return entry;
}

/* --- Nonsense --- */

static uint64_t extreme(struct story *story)
{
    const struct paxos *px = story->rig->px;
    const uint64_t values[] = {0,
                               1,
                               2,
                               UINT64_MAX,
                               UINT64_MAX - 1,
                               UINT64_MAX / 2 + 1,
                               (uint64_t)UINT32_MAX + 1,
                               PAXOS_ROUND_MAX,
                               PAXOS_ROUND_MAX - 1,
                               px->chosen,
                               px->next_slot,
                               px->boot,
                               px->log_durable,
                               px->promised.round,
                               PAXOS_MESSAGE_ENTRIES_MAX};
    return values[below(story, sizeof(values) / sizeof(values[0]))];
}

static void spoil_entry(struct story *story, struct paxos_entry *entry)
{
    switch (below(story, 6)) {
    case 0:
        entry->slot = extreme(story);
        break;
    case 1:
        entry->kind = (enum paxos_kind)below(story, 7);
        break;
    case 2:
        cd_blob_unref(entry->payload);
        entry->payload = chance(story, 50) ? NULL : cd_blob_copy("short", below(story, 6));
        break;
    case 3:
        entry->ballot.round = extreme(story);
        break;
    case 4:
        entry->lead.round = extreme(story);
        break;
    default:
        if (entry->payload != NULL && entry->payload->bytes > 0) {
            entry->payload->data[below(story, entry->payload->bytes)] ^=
                (uint8_t)(1u << below(story, 8));
        }
        break;
    }
}

static void spoil(struct story *story, struct paxos_message *m)
{
    uint64_t *numbers[] = {&m->durable, &m->ballot.round, &m->ballot.incarnation,
                           &m->first,   &m->last,         &m->chosen,
                           &m->nonce,   &m->remembered,   &m->from_incarnation};
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    size_t which = (size_t)below(story, count + 5);
    if (which < count) {
        *numbers[which] = extreme(story);
    } else if (which == count) {
        m->from = chance(story, 50) ? m->to : (uint32_t)extreme(story);
    } else if (which == count + 1) {
        m->to = (uint32_t)extreme(story);
    } else if (which == count + 2) {
        m->ballot.node = (uint32_t)extreme(story);
    } else if (which == count + 3) {
        m->kind = (enum paxos_message_kind)below(story, 20);
    } else if (m->entries_count != 0) {
        spoil_entry(story, &m->entries[below(story, m->entries_count)]);
    }
}

/* --- Messages --- */

static void fill_numbers(struct story *story, struct paxos_message *m)
{
    const struct paxos *px = story->rig->px;
    bool own = m->kind == PAXOS_MSG_PROMISE || m->kind == PAXOS_MSG_ACCEPTED ||
               m->kind == PAXOS_MSG_HEARTBEAT_REPLY;
    m->ballot = some_ballot(story, m->from, m->from_incarnation);
    m->granted = chance(story, 80);
    if (own && m->granted) {
        m->ballot = px->leader_ballot;
    }
    m->first = some_slot(story);
    m->last = m->kind == PAXOS_MSG_PROMISE && chance(story, 80) ? PAXOS_SLOT_MAX
                                                                : m->first + below(story, 4);
    m->chosen = chance(story, 60) ? px->chosen : some_slot(story);
    m->durable = below(story, 50);
    m->remembered = chance(story, 99) ? below(story, RIG_START_POSITION) : 1000000;
    switch (m->kind) {
    case PAXOS_MSG_PROBE_REPLY:
        m->nonce = px->boot;
        break;
    case PAXOS_MSG_PREVOTE_REPLY:
        m->nonce = px->prevote_nonce;
        break;
    case PAXOS_MSG_READ_ANSWER:
        m->nonce = px->boot + below(story, story->token + 2);
        break;
    case PAXOS_MSG_HEARTBEAT:
    case PAXOS_MSG_HEARTBEAT_REPLY:
        m->nonce = below(story, px->round + 2);
        break;
    default:
        m->nonce = below(story, 9);
        break;
    }
}

static size_t fill_entries(struct story *story, struct paxos_message *m,
                           struct paxos_entry *entries)
{
    bool carries =
        m->kind == PAXOS_MSG_ACCEPT || m->kind == PAXOS_MSG_CHOSEN || m->kind == PAXOS_MSG_PROMISE;
    if (!carries) {
        return 0;
    }
    const struct paxos *px = story->rig->px;
    paxos_slot slot = chance(story, 70) ? px->chosen + 1 : some_slot(story);
    size_t count = (size_t)below(story, 5);
    for (size_t i = 0; i < count; i++) {
        entries[i] = some_entry(story, slot, some_node(story));
        if (m->kind == PAXOS_MSG_CHOSEN) {
            entries[i].ballot = (struct paxos_ballot){0};
        }
        slot += m->kind == PAXOS_MSG_PROMISE && chance(story, 30) ? 2 : 1;
    }
    return count;
}

/* What the others would say to bring forward what this replica is at. */
static void help(struct story *story, struct paxos_message *m)
{
    const struct paxos *px = story->rig->px;
    m->granted = true;
    m->ballot = px->leader_ballot;
    m->chosen = px->chosen;
    m->first = px->chosen + 1;
    m->last = px->next_slot;
    m->remembered = 0;
    switch (px->role) {
    case PAXOS_ROLE_LEARNER:
    case PAXOS_ROLE_FOLLOWER:
        m->kind = px->verified ? PAXOS_MSG_PREVOTE : PAXOS_MSG_PROBE_REPLY;
        m->nonce = px->boot;
        break;
    case PAXOS_ROLE_PRECANDIDATE:
        m->kind = PAXOS_MSG_PREVOTE_REPLY;
        m->nonce = px->prevote_nonce;
        break;
    case PAXOS_ROLE_CANDIDATE:
        m->kind = PAXOS_MSG_PROMISE;
        m->last = PAXOS_SLOT_MAX;
        break;
    case PAXOS_ROLE_LEADER:
        m->kind = chance(story, 50) ? PAXOS_MSG_ACCEPTED : PAXOS_MSG_HEARTBEAT_REPLY;
        m->nonce = px->round;
        break;
    }
}

static void some_message(struct story *story)
{
    struct paxos_entry entries[8];
    struct paxos_message m =
        message_of(story->rig, (enum paxos_message_kind)(1 + below(story, 16)), some_node(story));
    m.from_incarnation = some_incarnation(story, m.from);
    fill_numbers(story, &m);
    if (chance(story, story->calm ? 70 : 10)) {
        help(story, &m);
    }
    m.entries = entries;
    m.entries_count = fill_entries(story, &m, entries);
    size_t count = m.entries_count;
    if (chance(story, story->wild)) {
        spoil(story, &m);
    }
    rig_deliver(story->rig, &m);
    for (size_t i = 0; i < count; i++) {
        cd_blob_unref(entries[i].payload);
    }
}

/* --- What a driver does --- */

static void crash(struct story *story)
{
    struct rig *rig = story->rig;
    size_t lost = (size_t)below(story, rig->log_count - story->durable + 1);
    rig_restart(rig, rig->log_count - lost);
    story->durable = rig->log_count; /* written again before anything is said (R4) */
    story->started_at = rig->log_count;
    story->token = 0;
}

static void persist_some(struct story *story)
{
    struct rig *rig = story->rig;
    uint64_t open = rig->log_count - story->durable;
    story->durable += chance(story, 70) ? open : below(story, open + 1);
    rig_persisted_to(rig, story->durable - story->started_at);
}

static void apply_some(struct story *story)
{
    struct rig *rig = story->rig;
    paxos_slot open = rig->handed - rig->px->applied;
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_APPLIED,
                                       .slot = chance(story, 80)
                                                   ? rig->handed
                                                   : rig->px->applied + below(story, open + 1)});
}

static void propose_one(struct story *story)
{
    if (paxos_may_propose(story->rig->px)) {
        uint64_t value = cd_prng_next(&story->prng);
        struct cd_blob *payload = cd_blob_copy(&value, sizeof(value));
        rig_step(story->rig, (struct paxos_event){.kind = PAXOS_EV_PROPOSE, .payload = payload});
        cd_blob_unref(payload);
    }
}

/* A snapshot from a peer that is ahead: what was chosen there, configurations among it. */
static void install_some(struct story *story)
{
    struct rig *rig = story->rig;
    struct paxos_base base = rig->base;
    uint64_t steps = 1 + below(story, 2 * RIG_ALPHA);
    for (uint64_t i = 0; i < steps && base.configs_count != 0; i++) {
        struct paxos_entry entry = entry_of(base.slot + 1, PAXOS_NOOP);
        struct paxos_entry other = some_entry(story, entry.slot, some_node(story));
        bool sound = other.kind == PAXOS_CONFIG && paxos_entry_is_sound(rig->px, &other);
        paxos_base_follow(&base, sound ? &other : &entry);
        cd_blob_unref(other.payload);
    }
    if (paxos_may_install(rig->px, &base)) {
        rig_install(rig, &base);
    }
}

static void administrate(struct story *story)
{
    struct rig *rig = story->rig;
    if (paxos_is_empty(rig->px) && !rig->px->forgot && chance(story, 30)) {
        struct paxos_config config = config_of(0);
        rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_BIRTH, .config = &config});
    } else if (chance(story, 40)) {
        install_some(story);
    } else if (chance(story, 20)) {
        rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_DROPPED,
                                           .slot = below(story, rig->px->applied + 1)});
    } else {
        rig_step(rig, (struct paxos_event){.kind = chance(story, 50) ? PAXOS_EV_HAND_OVER
                                                                     : PAXOS_EV_REMOVE,
                                           .node = (uint32_t)below(story, STORY_NODES + 1)});
    }
}

void story_init(struct story *story, struct rig *rig, uint64_t seed)
{
    memset(story, 0, sizeof(*story));
    story->rig = rig;
    cd_prng_init(&story->prng, seed);
}

void story_step(struct story *story)
{
    struct rig *rig = story->rig;
    if (story->steps++ % 64 == 0) {
        story->calm = chance(story, 60);
    }
    rig->now_ms += chance(story, 1) ? below(story, 300) : below(story, 4);
    if (rig->px->forgot && !(story->late && chance(story, 80))) {
        rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE,
                                           .incarnation = 5000 + story->steps});
        return;
    }
    if (below(story, 1000) < story->crashes) {
        crash(story);
        return;
    }
    uint64_t draw = below(story, 100);
    if (draw < 55) {
        some_message(story);
    } else if (draw < 70) {
        persist_some(story);
    } else if (draw < 80) {
        apply_some(story);
    } else if (draw < 88) {
        rig_tick(rig, 0);
    } else if (draw < 94) {
        propose_one(story);
    } else if (draw < 98) {
        rig_barrier(rig, ++story->token);
    } else {
        administrate(story);
    }
}
