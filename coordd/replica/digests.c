#include "replica/internal.h"

#include <string.h>

/*
 * R6: every voter computes the digest of its state at multiples of REPLICA_DIGEST_SLOTS and reports
 * it to the leader, which logs what a majority computed. Each replica compares that with its own
 * when it applies it: whoever differs fences itself (fence.c). Where no majority can come about the
 * leader takes no writes any more. Digests of another version say nothing about this one's.
 */

static struct replica_digest *digest_at(struct replica_digests *kept, uint64_t slot)
{
    return &kept->at[slot / REPLICA_DIGEST_SLOTS % REPLICA_DIGESTS_KEPT];
}

void replica_digest_note(struct replica_digests *kept, const struct fsm *fsm)
{
    uint64_t slot = fsm_slot(fsm);
    if (slot != 0 && slot % REPLICA_DIGEST_SLOTS == 0) {
        *digest_at(kept, slot) = (struct replica_digest){.slot = slot, .digest = fsm_digest(fsm)};
    }
}

void replica_digest_begin(struct replica_digests *kept, const struct fsm *fsm)
{
    *kept = (struct replica_digests){.agreed_slot = fsm_slot(fsm)};
    replica_digest_note(kept, fsm);
    digest_at(kept, fsm_slot(fsm))->agreed = true;
}

enum replica_verdict replica_digest_compare(struct replica_digests *kept,
                                            const struct fsm_op_agree_digest *agree)
{
    kept->agreed_slot = agree->slot > kept->agreed_slot ? agree->slot : kept->agreed_slot;
    struct replica_digest *own = digest_at(kept, agree->slot);
    if (own->slot != agree->slot || agree->version != FSM_DIGEST_VERSION) {
        return REPLICA_INCOMPARABLE;
    }
    own->agreed = own->digest == agree->digest;
    return own->agreed ? REPLICA_ALIKE : REPLICA_DIFFERS;
}

enum replica_verdict replica_digest_verdict(struct replica *r, uint64_t slot)
{
    const struct replica_digest *own = digest_at(&r->digests, slot);
    if (own->slot == slot && own->agreed) {
        return REPLICA_ALIKE;
    }
    return own->slot != slot || r->digests.agreed_slot > slot ? REPLICA_DIFFERS
                                                              : REPLICA_INCOMPARABLE;
}

void replica_digest_agreed(struct replica *r, const struct fsm_op_agree_digest *agree)
{
    enum replica_verdict verdict = replica_digest_compare(&r->digests, agree);
    r->counts.digests_agreed += verdict == REPLICA_ALIKE;
    if (verdict == REPLICA_DIFFERS) {
        replica_fence(r, agree->slot);
    }
}

/* --- At a follower --- */

/* Those that nobody has agreed on and that are still young enough to be. */
static bool is_open(const struct replica *r, const struct replica_digest *digest)
{
    uint64_t reach = (uint64_t)REPLICA_DIGEST_SLOTS * (REPLICA_DIGESTS_KEPT / 2);
    return digest->slot > r->digests.agreed_slot && digest->slot + reach > fsm_slot(r->fsm);
}

static void report(struct replica *r, bool again)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    if (status.leader == 0 || status.leader == r->node || r->fence.on ||
        !replica_peer_knows(r, status.leader, WIRE_PEER_DIGESTS)) {
        return;
    }
    if (again || paxos_ballot_compare(status.ballot, r->reported_to) != 0) {
        r->reported_to = status.ballot;
        r->reported_slot = 0; /* what was said may be lost, or was said to another */
    }
    uint64_t upto = r->reported_slot;
    for (size_t i = 0; i < REPLICA_DIGESTS_KEPT; i++) {
        const struct replica_digest *digest = &r->digests.at[i];
        if (is_open(r, digest) && digest->slot > r->reported_slot) {
            struct wire_digest message = {
                .slot = digest->slot, .digest = digest->digest, .version = FSM_DIGEST_VERSION};
            replica_send_digest(r, status.leader, &message);
            upto = digest->slot > upto ? digest->slot : upto;
        }
    }
    r->reported_slot = upto;
}

/* --- At the leader --- */

static struct replica_count *count_at(struct replica *r, uint64_t slot)
{
    struct replica_count *count =
        &r->digest_counts[slot / REPLICA_DIGEST_SLOTS % REPLICA_DIGESTS_KEPT];
    if (count->slot < slot) {
        *count = (struct replica_count){.slot = slot};
    }
    return count->slot == slot ? count : NULL;
}

static bool is_voter(const struct replica *r, uint32_t node, uint64_t incarnation)
{
    const struct paxos_config *config = &r->base.configs[0].config;
    for (size_t i = 0; r->base.configs_count != 0 && i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        if (member->node == node && member->incarnation == incarnation) {
            return member->role == PAXOS_VOTER;
        }
    }
    return false;
}

void replica_on_digest(struct replica *r, uint32_t node, uint64_t incarnation,
                       const struct wire_digest *digest)
{
    bool sound = digest->slot != 0 && digest->slot % REPLICA_DIGEST_SLOTS == 0 &&
                 digest->slot <= fsm_slot(r->fsm); /* later ones are reported again */
    struct replica_count *count =
        sound && is_voter(r, node, incarnation) ? count_at(r, digest->slot) : NULL;
    if (count == NULL) {
        return;
    }
    struct replica_report *report = NULL;
    for (size_t i = 0; i < count->reports_count && report == NULL; i++) {
        report = count->reports[i].node == node ? &count->reports[i] : NULL;
    }
    if (report == NULL && count->reports_count < PAXOS_MEMBERS_MAX) {
        report = &count->reports[count->reports_count++];
    }
    if (report != NULL) {
        *report = (struct replica_report){.node = node,
                                          .incarnation = incarnation,
                                          .digest = digest->digest,
                                          .version = digest->version};
    }
}

/* What the voters of the configuration in force said of one slot. */
struct tally {
    size_t voters, said;
    size_t most;                 /* who said the same, */
    struct replica_report value; /* and what */
    bool split;                  /* two of one version differ */
};

static const struct replica_report *said_by(const struct replica *r,
                                            const struct replica_count *count,
                                            const struct paxos_member *member,
                                            const struct replica_report *own)
{
    if (member->node == r->node) {
        return member->incarnation == own->incarnation ? own : NULL;
    }
    for (size_t i = 0; i < count->reports_count; i++) {
        const struct replica_report *report = &count->reports[i];
        if (report->node == member->node && report->incarnation == member->incarnation) {
            return report;
        }
    }
    return NULL;
}

static void take_tally(const struct replica *r, const struct replica_count *count,
                       const struct replica_report *own, struct tally *ret_tally)
{
    const struct replica_report *said[PAXOS_MEMBERS_MAX];
    *ret_tally = (struct tally){0};
    const struct paxos_config *config = &r->base.configs[0].config;
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].role != PAXOS_VOTER) {
            continue;
        }
        ret_tally->voters++;
        said[ret_tally->said] = said_by(r, count, &config->members[i], own);
        ret_tally->said += said[ret_tally->said] != NULL;
    }
    for (size_t i = 0; i < ret_tally->said; i++) {
        size_t same = 0;
        for (size_t k = 0; k < ret_tally->said; k++) {
            bool version = said[k]->version == said[i]->version;
            bool digest = said[k]->digest == said[i]->digest;
            same += version && digest;
            ret_tally->split = ret_tally->split || (version && !digest);
        }
        if (same > ret_tally->most) {
            ret_tally->most = same;
            ret_tally->value = *said[i];
        }
    }
}

static void propose_agreement(struct replica *r, struct replica_count *count,
                              const struct replica_report *value)
{
    struct fsm_command command = {.op = {.kind = FSM_OP_AGREE_DIGEST}};
    command.op.agree_digest = (struct fsm_op_agree_digest){
        .slot = count->slot, .digest = value->digest, .version = value->version};
    count->proposed = replica_submit_own(r, &command);
}

/* False: this slot's digest may never get a majority, as far as can be told now. */
static bool judge(struct replica *r, const struct replica_digest *digest, bool again,
                  uint64_t now_ms)
{
    struct replica_count *count = count_at(r, digest->slot);
    CD_ASSERT(count != NULL); /* none above what is applied was taken */
    struct paxos_status status;
    replica_get_status(r, &status);
    struct replica_report own = {.node = r->node,
                                 .incarnation = status.incarnation,
                                 .digest = digest->digest,
                                 .version = FSM_DIGEST_VERSION};
    struct tally tally;
    take_tally(r, count, &own, &tally);
    size_t majority = tally.voters / 2 + 1;
    if (tally.most >= majority) {
        if (!count->proposed || again) {
            propose_agreement(r, count, &tally.value);
        }
        return true;
    }
    if (!tally.split) {
        count->split_ms = 0;
    } else if (count->split_ms == 0) {
        count->split_ms = now_ms;
    }
    /* Two that differ wait for the others a while: those may be down for long. */
    bool waited = tally.split && now_ms - count->split_ms >= REPLICA_DIGEST_PATIENCE_MS;
    return tally.most + (tally.voters - tally.said) >= majority && !waited;
}

static void lead(struct replica *r, bool again, uint64_t now_ms)
{
    r->undecided_slot = 0;
    if (!replica_leads(r) || r->base.configs_count == 0 ||
        !replica_peers_know(r, WIRE_PEER_DIGESTS)) { /* one could not apply what is logged */
        return;
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    if (paxos_ballot_compare(status.ballot, r->counted_under) != 0) {
        r->counted_under = status.ballot;
        for (size_t i = 0; i < REPLICA_DIGESTS_KEPT; i++) {
            r->digest_counts[i].proposed = false;
            r->digest_counts[i].split_ms = 0;
        }
    }
    uint64_t newest = fsm_slot(r->fsm) / REPLICA_DIGEST_SLOTS * REPLICA_DIGEST_SLOTS;
    uint64_t reach = (uint64_t)REPLICA_DIGEST_SLOTS * (REPLICA_DIGESTS_KEPT / 2);
    uint64_t slot = newest > reach ? newest - reach : 0;
    for (; slot <= newest; slot += REPLICA_DIGEST_SLOTS) {
        const struct replica_digest *digest = digest_at(&r->digests, slot);
        if (digest->slot == slot && is_open(r, digest) && !judge(r, digest, again, now_ms)) {
            r->undecided_slot = slot;
        }
    }
}

void replica_digests_turn(struct replica *r, uint64_t now_ms)
{
    bool again = now_ms >= r->digests_ms;
    if (again) {
        r->digests_ms = now_ms + REPLICA_DIGEST_AGAIN_MS;
    }
    report(r, again);
    lead(r, again, now_ms);
}

uint64_t replica_digests_deadline_ms(const struct replica *r)
{
    for (size_t i = 0; i < REPLICA_DIGESTS_KEPT; i++) {
        if (is_open(r, &r->digests.at[i])) {
            return r->digests_ms;
        }
    }
    return UINT64_MAX;
}
