#ifndef COORD_TESTS_SIMULATION_LEDGER_H
#define COORD_TESTS_SIMULATION_LEDGER_H

#include "paxos/paxos.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A replica's log in memory, for simulating paxos without storage: what paxos asked to persist, in
 * its order, and how far it is durable. A crash takes what is not. A copy made one day can be put
 * back another day. A record that was dropped keeps its position and says nothing any more.
 */

struct ledger_peer {
    uint32_t node;
    uint64_t incarnation;
    uint64_t position;
};

struct ledger_record {
    bool gone;                    /* dropped: says nothing any more */
    struct paxos_persist persist; /* entry.payload: one reference */
    uint64_t incarnation;         /* IDENTITY */
    struct ledger_peer *peers;    /* PEERS, IDENTITY */
    size_t peers_count;
    struct paxos_base *base; /* INSTALLED; owned */
};

struct ledger {
    uint64_t incarnation; /* of the directory when it was made; 0: an empty disk */
    struct ledger_record *records;
    size_t count, capacity; /* the position of records[i] is i + 1 */
    size_t durable;
    struct paxos_ballot promise; /* the highest in the first `read_to` records, */
    uint64_t identity;           /* and the last incarnation in them; 0: none */
    size_t read_to;
    paxos_slot dropped; /* entries up to here are gone */
    size_t wanted;      /* a sync is wanted up to here: records that are not lazy */
};

void ledger_init(struct ledger *ledger);
void ledger_release(struct ledger *ledger); /* also: a wiped disk */

/* Appends what one step of `px` asked for. References are taken. */
void ledger_append(struct ledger *ledger, const struct paxos *px, uint64_t incarnation,
                   const struct paxos_persist *persist, size_t count);

/* Power loss: `keep` of the records that are not durable survive; all that is left is durable. */
void ledger_crash(struct ledger *ledger, size_t keep);

/* Whole copies: `to` is released first. */
void ledger_copy(struct ledger *to, const struct ledger *from);

/*
 * Shows everything to a fresh `px`. What became chosen goes to `chosen` in slot order.
 * Returns what paxos said.
 */
typedef void (*ledger_chosen)(void *context, const struct paxos_entry *entry);
CD_MUST_USE enum cd_status ledger_replay(const struct ledger *ledger, struct paxos *px,
                                         ledger_chosen chosen, void *context);

/* A snapshot stands for the slots up to `slot`: what says no more than that goes. Promises stay. */
void ledger_drop(struct ledger *ledger, paxos_slot slot);

/* R3 broken on purpose: only the incarnation and the snapshot that stands for `slot` are left. */
void ledger_forget(struct ledger *ledger, uint64_t incarnation, paxos_slot slot);

/* Whether the record of a snapshot's installation at `slot` is there. */
bool ledger_has_installed(const struct ledger *ledger, paxos_slot slot);

/* P2, as the disk sees it: the highest promise, or acceptance, that is durable. */
struct paxos_ballot ledger_durable_promise(struct ledger *ledger);
/* R2: the incarnation that a start from what is durable would have. */
uint64_t ledger_durable_incarnation(struct ledger *ledger);
/* Whether an acceptance of `slot` under `ballot`, or the knowledge that it is chosen, is durable.
 */
bool ledger_durably_accepted(const struct ledger *ledger, paxos_slot slot,
                             struct paxos_ballot ballot);

/*
 * The newest entries of the slots [first, last], as far as there are any without a gap; borrowed.
 * Returns their number.
 */
size_t ledger_entries(const struct ledger *ledger, paxos_slot first, paxos_slot last,
                      struct paxos_entry *to);

#endif
