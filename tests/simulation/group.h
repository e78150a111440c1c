#ifndef COORD_TESTS_SIMULATION_GROUP_H
#define COORD_TESTS_SIMULATION_GROUP_H

#include "paxos/paxos.h"
#include "simulation/ledger.h"
#include "simulation/network.h"
#include "simulation/print.h"
#include "simulation/trace.h"
#include "simulation/world.h"

/*
 * Some replicas' consensus cores (struct paxos, the shipped object code) with ledgers for disks, on
 * a world and a network. No state machine: a value is bytes, and applying it is telling the
 * watcher; a snapshot of it is its digest and what the log up to there means to consensus.
 */

enum {
    GROUP_NODES_MAX = NETWORK_NODES_MAX,
    GROUP_IDLE_US = 20000,
    GROUP_SNAPSHOTS_MAX = 3, /* two are kept; a third while an install is not durable */
    GROUP_PARKED_MAX = 4096, /* letters that wait for a paused replica; more are lost */
};

/* A message on its way; shared by reference count. */
struct group_letter {
    struct paxos_message message;
    uint32_t refs;
};

struct group_waiting { /* said only once the position is durable (P2) */
    uint64_t position;
    struct group_letter *letter;
};

struct group_snapshot {
    struct paxos_base base;
    uint64_t digest;
    bool installed; /* from a peer: part of the log once its record is in the ledger (R3) */
};

/* Snapshots on a disk, newest first. */
struct group_shelf {
    struct group_snapshot snapshots[GROUP_SNAPSHOTS_MAX];
    size_t count;
};

struct group;

struct group_node {
    struct group *group;
    uint32_t id;
    struct world_clock clock;
    struct cd_prng prng;
    bool up;
    bool paused;
    bool disk_stalled;
    bool timer_held;     /* its clock's alarm does not ring */
    bool replaying;      /* within a start: nothing is shown */
    bool apply_held;     /* chosen slots wait before they are applied */
    uint64_t life;       /* counts starts */
    uint64_t started_at; /* position of the ledger when this life began */
    struct paxos *px;    /* while up */
    struct paxos_effects effects;
    struct ledger ledger;
    struct ledger yesterday; /* a copy of the disk */
    bool has_yesterday;
    struct group_shelf shelf, yesterday_shelf;
    struct group_snapshot taking; /* being written while the log goes on */
    bool is_taking;
    struct group_snapshot arriving; /* from a peer, being written */
    bool is_arriving;
    uint64_t sent_us[GROUP_NODES_MAX]; /* until then one is on its way to that node */
    bool syncing;
    bool idle_set; /* the idle mark is scheduled */
    uint64_t syncing_to;
    uint64_t wake_us; /* when the alarm is set; UINT64_MAX: not */
    struct group_waiting *waiting;
    size_t waiting_count, waiting_capacity;
    struct group_letter **parked;
    size_t parked_count;
    paxos_slot handed; /* out by paxos; above `applied` only while apply_held */
    paxos_slot applied;
    uint64_t digest;        /* over all applied values */
    struct paxos_base base; /* what a snapshot of that says */
    uint64_t read_token;
    uint64_t incarnation;     /* the present one, also while down */
    struct paxos_ballot said; /* the highest promise or acceptance that it ever spoke of, */
    uint64_t said_by;         /* as this incarnation */
};

enum group_verdict {
    GROUP_PASS,
    GROUP_DROP,
    GROUP_TAKE, /* the watcher took it over */
};

/* Whoever looks on: a checker, a story. Every function may be NULL. */
struct group_watcher {
    void *context;
    void (*applied)(void *context, struct group_node *node, const struct paxos_entry *entry,
                    uint64_t value);
    void (*started)(void *context, struct group_node *node);
    /* The node's state is now the one after `slot`, from a snapshot. */
    void (*installed)(void *context, struct group_node *node, paxos_slot slot, uint64_t digest);
    void (*noted)(void *context, struct group_node *node, const struct paxos_note *note);
    void (*readable)(void *context, struct group_node *node, uint64_t token, paxos_slot index);
    /* May look at, change, drop or take a message that is about to leave. */
    enum group_verdict (*sending)(void *context, struct group_letter *letter);
};

struct group_options {
    uint32_t nodes;
    uint32_t alpha;
    uint32_t heartbeat_ms, election_ms;
    uint64_t sync_us_min, sync_us_mean;
    int32_t skew_ppm_max;
    uint32_t snapshot_every;     /* slots; 0: only when told */
    uint64_t snapshot_us_mean;   /* to write one, to carry one */
    bool drop_early;             /* the log goes behind the newest snapshot, not the older one */
    uint32_t snapshot_named_ppm; /* a start finds one that came without its record */
    uint32_t snapshot_rot_ppm;   /* a start finds the newest one damaged, if there is another */
    bool disks_lie; /* break P2: a record counts as durable the moment it is asked for */
    bool
        installs_forget; /* break R3: an install resets the log: promise and acceptances above it */
    bool promises_forget; /* break R1: promises do not tell what is chosen */
    bool hide_cuts;       /* the trace leaves out messages that a cut link loses */
    uint32_t hidden;      /* bit set of kinds of messages that the trace leaves out */
};

struct group {
    struct world *world;
    struct network network;
    struct trace *trace;
    struct printer printer;
    struct cd_prng prng;
    struct group_options options;
    struct group_watcher watcher;
    struct group_node nodes[GROUP_NODES_MAX]; /* [0] is unused */
    char broken_oath[256]; /* P1, P2: what should not have been said; empty: nothing */
    uint64_t notes[PAXOS_NOTE_COUNT];
    uint64_t syncs, restarts, crashes, lost_records, wipes, restores;
    uint64_t snapshots, installs, drops, fallbacks;
};

void group_init(struct group *group, struct world *world, struct trace *trace,
                const struct group_options *options);
void group_release(struct group *group);

struct group_node *group_node(struct group *group, uint32_t id);

/* Life of a replica. A start reads its disk; `forgot`: the disk is known to lack something. */
void group_start(struct group_node *node, bool forgot);
void group_crash(struct group_node *node, size_t keep);
void group_wipe(struct group_node *node);         /* while down */
void group_copy_disk(struct group_node *node);    /* yesterday's copy is made */
void group_restore_disk(struct group_node *node); /* while down: and put back */
void group_pause(struct group_node *node);
void group_resume(struct group_node *node);
void group_hold_timer(struct group_node *node, bool held);
void group_stall_disk(struct group_node *node, bool stalled);
void group_hold_apply(struct group_node *node, bool held);

/* Events from the replica's own side. */
void group_birth(struct group_node *node);
void group_propose(struct group_node *node, struct cd_blob *payload); /* reference is taken over */
uint64_t group_read(struct group_node *node);                         /* returns the token */
void group_hand_over(struct group_node *node, uint32_t to);
void group_remove(struct group_node *node, uint32_t removed);

/*
 * group_snapshot.c. group_take_snapshot: of what is applied, at once; with `drop` the log goes
 * behind it. False if the log does not durably hold all of that yet.
 */
bool group_take_snapshot(struct group_node *node, bool drop);
void group_snapshot_if_due(struct group_node *node);
void group_send_snapshot(struct group_node *node, uint32_t to);
/* Loads the newest good one into a node that starts; what its log lacks is told to paxos. */
void group_load_snapshot(struct group_node *node);

/* One event into a node's paxos, and what it asks for carried out. */
void group_step(struct group_node *node, struct paxos_event event);

void group_status(struct group_node *node, struct paxos_status *ret_status);

/* The node that leads under the highest ballot and is established; NULL if none. */
struct group_node *group_leader(struct group *group);

/* A letter's reference counting, and handing one over that was taken. */
struct group_letter *group_letter_share(struct group_letter *letter);
void group_letter_drop(struct group_letter *letter);
void group_letter_post(struct group *group, struct group_letter *letter);

/* A line of the trace for a letter; `arrow` says what became of it. */
void group_trace_letter(struct group *group, const struct paxos_message *message,
                        const char *arrow);

#endif
