#ifndef COORD_TESTS_UNIT_PAXOS_SUPPORT_H
#define COORD_TESTS_UNIT_PAXOS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "paxos/internal.h"

/*
 * One replica's machine, driven by hand. Every step is checked for what holds always: paxos_check,
 * promises that only grow (P1), messages that must wait for the disk (P2), slots handed out in
 * order and once (P6), nothing proposed beyond applied + alpha (R5), a mark kept for all that is
 * chosen.
 *
 * Everything asked to be persisted is kept, so that a rig can start again from any part of it. What
 * is handed out makes up the base that a snapshot would have (P8).
 */

enum {
    RIG_HEARTBEAT_MS = 10,
    RIG_ELECTION_MS = 100,
    RIG_ALPHA = 4,
    RIG_START_MS = 1000,
    RIG_START_POSITION = 50, /* of the log, when the records of rig_member are its beginning */
};

struct rig_peer_record {
    uint32_t node;
    uint64_t incarnation, position;
};

struct rig_record {
    struct paxos_persist persist;                  /* payload: one reference */
    uint64_t incarnation;                          /* IDENTITY */
    struct rig_peer_record peers[PAXOS_PEERS_MAX]; /* IDENTITY, PEERS */
    size_t peers_count;
    struct paxos_base base; /* INSTALLED */
};

struct rig {
    struct paxos *px;
    struct paxos_effects out; /* of the last step */
    uint64_t now_ms;
    uint64_t asked;               /* records since the start */
    uint64_t position;            /* of the log at the start */
    struct paxos_ballot promised; /* before the step */
    bool restored;                /* by rig_restored: blobs[0] is the configuration in slot 1 */
    paxos_slot handed;            /* last slot handed out as chosen, */
    struct paxos_base base;       /* and what a snapshot there says */
    uint32_t node;
    uint64_t incarnation; /* the one of its making */
    uint64_t boot;
    uint32_t peers[PAXOS_MEMBERS_MAX];
    size_t peers_count;
    struct rig_record *log;
    size_t log_count, log_capacity;
    struct cd_blob *blobs[256]; /* of rig_text and config_entry */
    size_t blobs_count;
};

/* --- Making one --- */

/* An empty replica, started. */
void rig_init(struct rig *rig, uint32_t node);
void rig_init_with_peers(struct rig *rig, uint32_t node, const uint32_t *peers, size_t count);
/* One whose log holds `config` in slot 1, started but not verified. */
void rig_restored(struct rig *rig, uint32_t node, const struct paxos_config *config);
/* The same with `count` voters 1, 2, ..., verified: a follower without a leader, or a learner. */
void rig_member(struct rig *rig, uint32_t node, size_t count);
void rig_member_of(struct rig *rig, uint32_t node, const struct paxos_config *config);
/* The same, established as leader with everything chosen and applied. */
void rig_leader(struct rig *rig, uint32_t node, size_t count);
void rig_leader_of(struct rig *rig, uint32_t node, const struct paxos_config *config);
void rig_release(struct rig *rig);

/* Crash: a new machine from the first `records` records, all durable; not started, or started. */
enum cd_status rig_restore(struct rig *rig, size_t records);
void rig_restart(struct rig *rig, size_t records);
/* The same in two steps with a snapshot's state loaded, whatever the records say of it. */
enum cd_status rig_restore_from(struct rig *rig, const struct paxos_base *base, size_t records);
void rig_begin(struct rig *rig, size_t records);
/* All other members answer that they remember nothing. */
void rig_verify(struct rig *rig);

/* --- Values --- */

uint64_t incarnation_of(uint32_t node);
/* `round` of `node` in its first incarnation. */
struct paxos_ballot ballot_of(uint64_t round, uint32_t node);
struct paxos_config config_of(size_t voters);
void config_add(struct paxos_config *config, uint32_t node, enum paxos_role_of_member role);
void config_drop(struct paxos_config *config, uint32_t node);
struct paxos_entry entry_of(paxos_slot slot, enum paxos_kind kind);
struct paxos_entry command_entry(struct rig *rig, paxos_slot slot, const char *text);
struct paxos_entry config_entry(struct rig *rig, paxos_slot slot,
                                const struct paxos_config *config);
struct cd_blob *rig_text(struct rig *rig, const char *text);
bool entry_says(const struct paxos_entry *entry, const char *text);

/* --- Events --- */

void rig_step(struct rig *rig, struct paxos_event event);
struct paxos_message message_of(const struct rig *rig, enum paxos_message_kind kind, uint32_t from);
void rig_deliver(struct rig *rig, const struct paxos_message *message);
/* Time passes, then a tick. */
void rig_tick(struct rig *rig, uint64_t after_ms);
/* Time passes in heartbeats, a tick each. */
void rig_wait(struct rig *rig, uint64_t ms);
void rig_persisted(struct rig *rig); /* everything asked for */
void rig_persisted_to(struct rig *rig, uint64_t records);
void rig_applied(struct rig *rig); /* everything handed out */
void rig_propose(struct rig *rig, const char *text);
void rig_barrier(struct rig *rig, uint64_t token);
void rig_install(struct rig *rig, const struct paxos_base *base);
/* What a snapshot says at `slot`, with no-ops chosen from here to there. */
struct paxos_base base_at(const struct rig *rig, paxos_slot slot);

/* Messages that a test needs often. */
void hear_leader(struct rig *rig, struct paxos_ballot ballot, paxos_slot chosen);
void hear_accept(struct rig *rig, struct paxos_ballot ballot, paxos_slot chosen,
                 struct paxos_entry *entries, size_t count);
void hear_chosen(struct rig *rig, uint32_t from, struct paxos_entry *entries, size_t count);
void hear_probe_reply(struct rig *rig, uint32_t from, uint64_t remembered);
/* Of `from` to the present candidacy or leadership, all of it, with what `entries` hold. */
void hear_promise(struct rig *rig, uint32_t from, paxos_slot chosen, struct paxos_entry *entries,
                  size_t count);
void hear_accepted(struct rig *rig, uint32_t from, paxos_slot first, paxos_slot last);
void hear_round(struct rig *rig, uint32_t from, uint64_t round, paxos_slot chosen);
void hear_refusal(struct rig *rig, enum paxos_message_kind kind, uint32_t from,
                  struct paxos_ballot promised);
/* Up to the deadline and a pre-vote that all grant: a candidate whose promise is durable. */
void become_candidate(struct rig *rig);

/* --- What a step asked for --- */

size_t sent_count(const struct rig *rig, enum paxos_message_kind kind); /* to anyone */
/* The only message of that kind to `to`; fails the test if there is none or more. */
const struct paxos_message *sent(const struct rig *rig, enum paxos_message_kind kind, uint32_t to);
const struct paxos_send *sent_as(const struct rig *rig, enum paxos_message_kind kind, uint32_t to);
size_t persist_count(const struct rig *rig, enum paxos_persist_kind kind);
const struct paxos_persist *persisted(const struct rig *rig, enum paxos_persist_kind kind);
size_t note_count(const struct rig *rig, enum paxos_note_kind kind);

#define assert_ballot(a, b) assert_int_equal(paxos_ballot_compare((a), (b)), 0)

#endif
