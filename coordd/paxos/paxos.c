#include "paxos/internal.h"

#include "base/memory.h"

#include <string.h>

/* The machine's outside: making it, one step, its timers, and what can be asked of it. */

struct paxos *paxos_create(const struct paxos_options *options)
{
    CD_ASSERT(options->node != 0 && options->heartbeat_ms != 0);
    CD_ASSERT(options->election_ms > options->heartbeat_ms);
    CD_ASSERT(options->peers_count <= PAXOS_MEMBERS_MAX);
    struct paxos *px = cd_calloc(1, sizeof(*px));
    px->node = options->node;
    px->incarnation = options->incarnation;
    px->boot = options->boot;
    px->heartbeat_ms = options->heartbeat_ms;
    px->election_ms = options->election_ms;
    for (size_t i = 0; i < options->peers_count; i++) {
        if (options->peers[i] != px->node) {
            px->join_peers[px->join_peers_count++] = options->peers[i];
        }
    }
    cd_prng_init(&px->prng, options->seed);
    px->role = PAXOS_ROLE_LEARNER;
    px->peers[0].node = px->node;
    px->peers[0].incarnation = px->incarnation;
    return px;
}

void paxos_free(struct paxos *px)
{
    if (px == NULL) {
        return;
    }
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        paxos_cell_reset(&px->cells[i]);
    }
    cd_free(px);
}

bool paxos_is_empty(const struct paxos *px)
{
    return px->chosen == 0 && px->configs_count == 0;
}

void paxos_start(struct paxos *px, uint64_t now_ms, uint64_t position, enum paxos_memory memory,
                 struct paxos_effects *effects)
{
    CD_ASSERT(!px->started);
    px->started = true;
    px->now_ms = now_ms;
    px->log_durable = position;
    px->start_position = position;
    px->start_ms = now_ms;
    px->prevote_nonce = px->boot;
    px->applied = px->chosen;
    px->chosen_durable = px->chosen;
    px->known_chosen = px->chosen;
    paxos_adopt_loaded(px, effects);
    px->marked = px->chosen;
    px->mark_moved = false;
    px->next_tick_ms = now_ms;
    px->leader_heard_ms = now_ms;
    paxos_reset_election_timer(px);
    px->forgot = memory == PAXOS_MEMORY_LOST;
    effects->forgot = px->forgot;
    px->verified = memory == PAXOS_MEMORY_FRESH; /* P9 */
    paxos_settle_role(px, effects);
    paxos_probe_peers(px, effects);
}

bool paxos_entry_is_sound(const struct paxos *px, const struct paxos_entry *entry)
{
    if (entry->slot == 0 || entry->slot == PAXOS_SLOT_MAX ||
        entry->ballot.round >= PAXOS_ROUND_MAX || entry->lead.round >= PAXOS_ROUND_MAX) {
        return false;
    }
    switch (entry->kind) {
    case PAXOS_NOOP:
    case PAXOS_LEAD:
        return entry->payload == NULL;
    case PAXOS_COMMANDS:
        return entry->payload != NULL;
    case PAXOS_CONFIG:
        break;
    default:
        return false;
    }
    if (entry->payload == NULL || entry->payload->bytes != sizeof(struct paxos_config)) {
        return false;
    }
    struct paxos_config config;
    memcpy(&config, entry->payload->data, sizeof(config));
    bool first = entry->slot == 1;
    return paxos_config_is_sound(&config) && first == (config.based_on == 0) &&
           (px->configs_count == 0 || config.alpha == paxos_alpha(px));
}

/* What no honest peer of this version sends. */
static bool message_is_sound(const struct paxos *px, const struct paxos_message *m)
{
    if (m->from == 0 || m->from == px->node || m->to != px->node) {
        return false;
    }
    if (m->entries_count > PAXOS_MESSAGE_ENTRIES_MAX || m->ballot.round >= PAXOS_ROUND_MAX ||
        m->ballot.round > px->max_round_seen + PAXOS_ROUND_LEAP_MAX) {
        return false;
    }
    bool may_skip = m->kind == PAXOS_MSG_PROMISE; /* the others carry consecutive slots */
    for (size_t i = 0; i < m->entries_count; i++) {
        if (!paxos_entry_is_sound(px, &m->entries[i])) {
            return false;
        }
        paxos_slot before = i != 0 ? m->entries[i - 1].slot : 0;
        if (i != 0 &&
            (m->entries[i].slot <= before || (!may_skip && m->entries[i].slot != before + 1))) {
            return false;
        }
    }
    bool speaks_as_leader = m->kind == PAXOS_MSG_ACCEPT || m->kind == PAXOS_MSG_HEARTBEAT ||
                            m->kind == PAXOS_MSG_TAKE_OVER;
    return !speaks_as_leader ||
           (m->ballot.node == m->from && m->ballot.incarnation == m->from_incarnation &&
            m->ballot.round != 0);
}

static void note_sender(struct paxos *px, const struct paxos_message *m)
{
    struct paxos_peer *peer = paxos_peer_get(px, m->from, m->from_incarnation);
    if (peer == NULL) {
        return;
    }
    peer->heard_ms = px->now_ms;
    if (m->durable > peer->remembered) {
        peer->remembered = m->durable;
        px->peers_dirty = true;
    }
    bool reports_durable = m->kind == PAXOS_MSG_HEARTBEAT_REPLY || m->kind == PAXOS_MSG_ACCEPTED;
    if (reports_durable && m->granted && m->chosen > peer->chosen) {
        peer->chosen = m->chosen;
    }
}

static void on_message(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    if (!message_is_sound(px, m)) {
        return;
    }
    note_sender(px, m);
    switch (m->kind) {
    case PAXOS_MSG_PROBE:
        paxos_on_probe(px, m, out);
        break;
    case PAXOS_MSG_PROBE_REPLY:
        paxos_on_probe_reply(px, m, out);
        break;
    case PAXOS_MSG_JOIN:
        paxos_on_join(px, m, out);
        break;
    case PAXOS_MSG_PREVOTE:
        paxos_on_prevote(px, m, out);
        break;
    case PAXOS_MSG_PREVOTE_REPLY:
        paxos_on_prevote_reply(px, m, out);
        break;
    case PAXOS_MSG_PREPARE:
        paxos_on_prepare(px, m, out);
        break;
    case PAXOS_MSG_PROMISE:
        paxos_on_promise(px, m, out);
        break;
    case PAXOS_MSG_ACCEPT:
        paxos_on_accept(px, m, out);
        break;
    case PAXOS_MSG_ACCEPTED:
        paxos_on_accepted(px, m, out);
        break;
    case PAXOS_MSG_HEARTBEAT:
        paxos_on_heartbeat(px, m, out);
        break;
    case PAXOS_MSG_HEARTBEAT_REPLY:
        paxos_on_heartbeat_reply(px, m, out);
        break;
    case PAXOS_MSG_FETCH:
        paxos_on_fetch(px, m, out);
        break;
    case PAXOS_MSG_CHOSEN:
        paxos_on_chosen(px, m, out);
        break;
    case PAXOS_MSG_READ_ASK:
        paxos_on_read_ask(px, m, out);
        break;
    case PAXOS_MSG_READ_ANSWER:
        paxos_on_read_answer(px, m, out);
        break;
    case PAXOS_MSG_TAKE_OVER:
        paxos_on_take_over(px, m, out);
        break;
    }
    paxos_heard_mark(px, m->chosen, m->from); /* marks are true for ever, whoever says them */
}

static void tick(struct paxos *px, struct paxos_effects *out)
{
    if (px->role == PAXOS_ROLE_LEADER && px->now_ms - px->round_completed_ms > px->election_ms) {
        paxos_step_down(px, out); /* R23: nobody answers, though they may hear us */
    }
    if (px->role != PAXOS_ROLE_LEADER && px->leader != 0 &&
        px->now_ms - px->leader_heard_ms >= 2 * (uint64_t)px->election_ms) {
        paxos_emit_note(out, PAXOS_NOTE_LEADERLESS, px->leader_ballot, px->chosen, px->leader);
        px->leader = 0; /* learners have no election of their own to notice it */
    }
    if (px->now_ms < px->next_tick_ms) {
        return;
    }
    px->next_tick_ms = px->now_ms + px->heartbeat_ms;
    paxos_probe_peers(px, out);
    paxos_notice_superseded(px, out);
    paxos_ask_to_join(px, out);
    if (px->role == PAXOS_ROLE_LEADER) {
        paxos_begin_round(px, out);
        paxos_repeat_accepts(px, out);
        paxos_promote_one(px, out);
    } else {
        px->ask_sent = 0; /* a question or its answer may be lost: ask again */
    }
    if (px->peers_dirty) {
        paxos_persist_peers(px, out); /* R2: what peers acknowledged is remembered durably */
        px->peers_dirty = false;
    }
}

static void reincarnate(struct paxos *px, uint64_t incarnation, struct paxos_effects *out)
{
    CD_ASSERT(px->forgot && incarnation != px->incarnation);
    paxos_step_down(px, out);
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        paxos_cell_reset(&px->cells[i]);
    }
    px->incarnation = incarnation;
    px->peers[0].incarnation = incarnation;
    px->was_member = false;
    px->start_position = UINT64_MAX;
    px->forgot = false;
    /* This incarnation has said nothing yet. What the log still holds of the old one's acceptances
     * is true, and a restart may report it. */
    px->verified = true;
    paxos_persist_identity(px, out);
}

static void on_applied(struct paxos *px, paxos_slot slot, struct paxos_effects *out)
{
    CD_ASSERT(slot >= px->applied && slot <= px->chosen);
    px->applied = slot;
    if (px->role == PAXOS_ROLE_LEADER && !px->established && px->lead_slot != 0 &&
        slot >= px->lead_slot) {
        px->established = true; /* R8 */
        paxos_emit_note(out, PAXOS_NOTE_ESTABLISHED, px->leader_ballot, px->lead_slot, px->node);
    }
}

/* What every step ends with, so that no handler has to think of it. */
static void finish_step(struct paxos *px, struct paxos_effects *out)
{
    if (!paxos_votes_in_window(px, px->node, px->incarnation)) {
        paxos_announce_mark(px, out); /* the last word of a leader that is removed */
        paxos_config_settle(px, out);
    }
    paxos_settle_role(px, out);
    if (px->role != PAXOS_ROLE_LEADER && px->now_ms >= px->election_deadline_ms) {
        paxos_start_prevote(px, out);
    }
    paxos_try_to_lead(px, out);
    paxos_prepare_missing(px, out);
    paxos_pump(px, out);
    paxos_serve_barriers(px, out);
    paxos_hand_over_tick(px, out);
    paxos_config_settle(px, out);
    paxos_send_accepts(px, out);
    paxos_announce_mark(px, out);
    paxos_fetch_if_behind(px, out);
    if (px->mark_moved && px->marked < px->chosen) {
        paxos_persist_mark(px, out);
    }
    px->mark_moved = false;
    px->proposed_from = 0;
}

void paxos_step(struct paxos *px, const struct paxos_event *event, struct paxos_effects *effects)
{
    CD_ASSERT(px->started && event->now_ms >= px->now_ms);
    paxos_effects_clear(effects);
    px->now_ms = event->now_ms;
    switch (event->kind) {
    case PAXOS_EV_TICK:
        tick(px, effects);
        break;
    case PAXOS_EV_MESSAGE:
        on_message(px, event->message, effects);
        break;
    case PAXOS_EV_PERSISTED:
        paxos_on_persisted(px, event->persisted, event->position, effects);
        break;
    case PAXOS_EV_APPLIED:
        on_applied(px, event->slot, effects);
        break;
    case PAXOS_EV_PROPOSE:
        CD_ASSERT(paxos_may_propose(px));
        paxos_propose(px, PAXOS_COMMANDS, event->payload, effects);
        break;
    case PAXOS_EV_BARRIER:
        CD_ASSERT(event->token > px->barrier_wanted);
        px->barrier_wanted = event->token;
        break;
    case PAXOS_EV_BIRTH:
        paxos_birth(px, event->config, effects);
        break;
    case PAXOS_EV_REINCARNATE:
        reincarnate(px, event->incarnation, effects);
        break;
    case PAXOS_EV_HAND_OVER:
        paxos_hand_over(px, event->node, effects);
        break;
    case PAXOS_EV_REMOVE:
        paxos_remove(px, event->node, effects);
        break;
    case PAXOS_EV_INSTALLED:
        paxos_install(px, event->base, effects);
        break;
    case PAXOS_EV_DROPPED:
        paxos_drop(px, event->slot);
        break;
    }
    finish_step(px, effects);
}

uint64_t paxos_deadline_ms(const struct paxos *px)
{
    uint64_t deadline = px->next_tick_ms;
    if (px->role != PAXOS_ROLE_LEADER && px->role != PAXOS_ROLE_LEARNER &&
        px->election_deadline_ms < deadline) {
        deadline = px->election_deadline_ms;
    }
    return deadline;
}

void paxos_status(const struct paxos *px, uint64_t now_ms, struct paxos_status *ret_status)
{
    const struct paxos_governing *governing = paxos_governing(px, px->chosen + 1);
    *ret_status = (struct paxos_status){
        .role = px->role,
        .leader = px->leader,
        .ballot = px->leader_ballot,
        .promised = px->promised,
        .chosen = px->chosen,
        .applied = px->applied,
        .chosen_durable = px->chosen_durable,
        .known_chosen = px->known_chosen > px->chosen ? px->known_chosen : px->chosen,
        .incarnation = px->incarnation,
        .established = px->established,
        .verified = px->verified,
        .voter = governing != NULL && paxos_is_voter(&governing->config, px->node, px->incarnation),
        .since_leader_ms = px->role == PAXOS_ROLE_LEADER ? 0 : now_ms - px->leader_heard_ms,
    };
}

const struct paxos_config *paxos_config_newest(const struct paxos *px, paxos_slot *ret_slot)
{
    if (px->configs_count == 0) {
        return NULL;
    }
    const struct paxos_governing *newest = &px->configs[px->configs_count - 1];
    if (ret_slot != NULL) {
        *ret_slot = newest->chosen_at;
    }
    return &newest->config;
}

bool paxos_config_at(const struct paxos *px, size_t index, paxos_slot *ret_slot,
                     const struct paxos_config **ret_config)
{
    if (index >= px->configs_count) {
        return false;
    }
    *ret_slot = px->configs[index].chosen_at;
    *ret_config = &px->configs[index].config;
    return true;
}

bool paxos_remembered_at(const struct paxos *px, size_t index, uint32_t *ret_node,
                         uint64_t *ret_incarnation, uint64_t *ret_position)
{
    for (size_t i = 1; i < PAXOS_PEERS_MAX; i++) {
        const struct paxos_peer *peer = &px->peers[i];
        if (peer->node == 0 || peer->remembered == 0) {
            continue;
        }
        if (index-- == 0) {
            *ret_node = peer->node;
            *ret_incarnation = peer->incarnation;
            *ret_position = peer->remembered;
            return true;
        }
    }
    return false;
}

bool paxos_peer_view(const struct paxos *px, uint32_t node, uint64_t incarnation, uint64_t now_ms,
                     struct paxos_peer_view *ret_view)
{
    const struct paxos_peer *peer = paxos_peer_find_const(px, node, incarnation);
    bool self = peer == &px->peers[0];
    if (px->role != PAXOS_ROLE_LEADER || peer == NULL || (!self && peer->heard_ms == 0)) {
        return false;
    }
    ret_view->chosen = self ? px->chosen_durable : peer->chosen;
    ret_view->heard_ms_ago = self ? 0 : now_ms - peer->heard_ms;
    return true;
}

void paxos_check(const struct paxos *px)
{
    CD_ASSERT(px->applied <= px->chosen);
    CD_ASSERT(px->persisted <= px->position);
    CD_ASSERT(px->chosen_durable <= px->chosen);
    CD_ASSERT(px->dropped <= px->applied || !px->started);
    for (size_t i = 0; i < PAXOS_ALPHA_MAX; i++) {
        const struct paxos_cell *cell = &px->cells[i];
        if (cell->slot <= px->chosen || cell->entry.kind == 0) {
            continue;
        }
        CD_ASSERT(cell->entry.slot == cell->slot);
        CD_ASSERT(cell->slot - px->chosen <= paxos_alpha(px));
        CD_ASSERT(paxos_ballot_compare(cell->entry.ballot, px->promised) <= 0); /* P1 */
        CD_ASSERT(CD_IMPLIES(cell->proposed, px->role == PAXOS_ROLE_LEADER));
    }
    if (px->role == PAXOS_ROLE_LEADER) {
        CD_ASSERT(px->next_slot > px->chosen);
        CD_ASSERT(px->leader == px->node);
        CD_ASSERT(paxos_ballot_compare(px->promised, px->leader_ballot) == 0);
    }
    for (size_t i = 1; i < px->configs_count; i++) {
        CD_ASSERT(px->configs[i].from > px->configs[i - 1].from);
        CD_ASSERT(px->configs[i].config.based_on == px->configs[i - 1].chosen_at);
    }
}
