#include "paxos/internal.h"

/*
 * Rounds: a numbered heartbeat that a majority answers proves that the leader led after the round
 * began. They keep followers quiet, make a leader that is not heard step down (R23), and give
 * barrier reads their index (R8): the chosen mark at the begin of a round that began after the read
 * reached the leader.
 */

static bool round_test(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    (void)slot;
    return peer->round >= px->round_tested;
}

/* The highest round that a majority has confirmed. */
static void settle_rounds(struct paxos *px)
{
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        uint64_t round = px->peers[i].round;
        px->round_tested = round;
        if (round > px->round_completed && paxos_has_window_majority(px, round_test)) {
            px->round_completed = round;
            px->round_completed_ms = px->now_ms;
        }
    }
}

static void heartbeat_to(struct paxos *px, const struct paxos_member *member,
                         struct paxos_effects *out)
{
    struct paxos_message *m = paxos_send_now(px, out, PAXOS_MSG_HEARTBEAT, member->node);
    m->ballot = px->leader_ballot;
    m->chosen = px->chosen;
    m->nonce = px->round;
}

static bool barrier_is_wanted(const struct paxos *px)
{
    bool wanted = px->barrier_wanted > px->barrier_served;
    for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
        wanted = wanted || px->peers[i].ask_nonce != 0;
    }
    return wanted;
}

void paxos_begin_round(struct paxos *px, struct paxos_effects *out)
{
    px->round++;
    px->peers[0].round = px->round;
    if (px->barrier_round == 0 && px->established && barrier_is_wanted(px)) {
        px->barrier_round = px->round;
        px->barrier_in_round = px->barrier_wanted;
        px->barrier_index = px->chosen;
        for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
            px->peers[i].ask_in_round = px->peers[i].ask_nonce;
        }
    }
    paxos_for_each_member(px, heartbeat_to, out);
    settle_rounds(px);
}

static void announce_to(struct paxos *px, const struct paxos_member *member,
                        struct paxos_effects *out)
{
    bool told =
        px->proposed_from != 0 && paxos_votes_in_window(px, member->node, member->incarnation);
    if (!told) { /* else the ACCEPT of this step carried the mark */
        struct paxos_message *m = paxos_send_now(px, out, PAXOS_MSG_HEARTBEAT, member->node);
        m->ballot = px->leader_ballot;
        m->chosen = px->chosen;
    }
}

/* The mark goes out as soon as it moves: followers have clients waiting for it. */
void paxos_announce_mark(struct paxos *px, struct paxos_effects *out)
{
    if (px->role == PAXOS_ROLE_LEADER && px->mark_moved) {
        paxos_for_each_member(px, announce_to, out);
    }
}

void paxos_on_heartbeat(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    paxos_saw_ballot(px, m->ballot);
    bool stale = paxos_ballot_compare(m->ballot, px->promised) < 0;
    if (!stale) {
        paxos_follow(px, m->ballot, out);
        paxos_learn_announced(px, m->ballot, m->chosen, out);
    }
    if (!px->verified || (m->nonce == 0 && !stale)) {
        return; /* R2: who may have forgotten confirms nobody */
    }
    struct paxos_message *reply =
        stale ? paxos_send_after_persist(px, out, PAXOS_MSG_HEARTBEAT_REPLY, m->from)
              : paxos_send_now(px, out, PAXOS_MSG_HEARTBEAT_REPLY, m->from);
    reply->granted = !stale;
    reply->ballot = px->promised;
    reply->nonce = m->nonce;
    reply->chosen = px->chosen_durable;
}

void paxos_on_heartbeat_reply(struct paxos *px, const struct paxos_message *m,
                              struct paxos_effects *out)
{
    if (!m->granted) {
        paxos_refused(px, m, out);
        return;
    }
    struct paxos_peer *peer = paxos_peer_find(px, m->from, m->from_incarnation);
    if (px->role != PAXOS_ROLE_LEADER || peer == NULL ||
        paxos_ballot_compare(m->ballot, px->leader_ballot) != 0 || m->nonce > px->round) {
        return;
    }
    if (m->nonce > peer->round) {
        peer->round = m->nonce;
        settle_rounds(px);
    }
}

/* Leader: hands out what the completed round answers; then begins the next one if more waits. */
static void serve_as_leader(struct paxos *px, struct paxos_effects *out)
{
    for (int turn = 0; turn < 2; turn++) {
        if (px->barrier_round != 0 && px->round_completed >= px->barrier_round) {
            if (px->barrier_in_round > px->barrier_served) {
                px->barrier_served = px->barrier_in_round;
                out->barrier_token = px->barrier_in_round;
                out->barrier_index = px->barrier_index;
            }
            for (size_t i = 0; i < PAXOS_PEERS_MAX; i++) {
                struct paxos_peer *peer = &px->peers[i];
                if (peer->ask_in_round == 0) {
                    continue;
                }
                struct paxos_message *m =
                    paxos_send_now(px, out, PAXOS_MSG_READ_ANSWER, peer->node);
                m->ballot = px->leader_ballot;
                m->nonce = peer->ask_in_round;
                m->chosen = px->barrier_index;
                peer->ask_nonce = peer->ask_nonce == peer->ask_in_round ? 0 : peer->ask_nonce;
                peer->ask_in_round = 0;
            }
            px->barrier_round = 0;
        }
        if (px->barrier_round == 0 && px->established && barrier_is_wanted(px)) {
            paxos_begin_round(px, out);
        }
    }
}

static void ask_leader(struct paxos *px, struct paxos_effects *out)
{
    if (px->leader == 0 || px->leader == px->node || px->ask_sent != 0 ||
        px->barrier_wanted <= px->barrier_served) {
        return;
    }
    px->ask_sent = px->barrier_wanted;
    struct paxos_message *m = paxos_send_now(px, out, PAXOS_MSG_READ_ASK, px->leader);
    m->nonce = px->boot + px->ask_sent; /* R8: serves only reads that came before it was sent */
}

void paxos_serve_barriers(struct paxos *px, struct paxos_effects *out)
{
    if (px->role == PAXOS_ROLE_LEADER) {
        serve_as_leader(px, out);
    } else {
        ask_leader(px, out);
    }
}

void paxos_on_read_ask(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out)
{
    (void)out;
    struct paxos_peer *peer = paxos_peer_get(px, m->from, m->from_incarnation);
    if (px->role == PAXOS_ROLE_LEADER && peer != NULL) {
        peer->ask_nonce = m->nonce; /* the next round to begin answers it */
    }
}

void paxos_on_read_answer(struct paxos *px, const struct paxos_message *m,
                          struct paxos_effects *out)
{
    uint64_t token = m->nonce - px->boot;
    if (token <= px->barrier_served || token > px->barrier_wanted) {
        return; /* an earlier life's question, or answered already */
    }
    px->barrier_served = token;
    out->barrier_token = token;
    out->barrier_index = m->chosen;
    px->ask_sent = px->ask_sent <= token ? 0 : px->ask_sent;
}
