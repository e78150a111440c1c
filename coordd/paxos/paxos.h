#ifndef COORD_PAXOS_PAXOS_H
#define COORD_PAXOS_PAXOS_H

#include "base/blob.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Multi-Paxos for one replica, pure: an event comes in with its time, effects go out. It knows no
 * clock, thread, file or socket, draws no randomness but from the seed it was given, and never
 * looks into a payload.
 *
 * Invariants, cited as P1..P9 in assertions and tests; R numbers are the project's rulings.
 * [PMS] Lamport, Paxos Made Simple (2001); [PTP] The Part-Time Parliament (1998);
 * [SMR] Lamport, Malkhi, Zhou, Reconfiguring a State Machine (2010), for alpha.
 *
 *  P1 A promise only grows, and nothing below it is accepted. [PMS 2.2, phases 1b, 2b]
 *  P2 A promise, an acceptance and a prepare are said only after they are durable: such messages
 *     carry after_persist. [PTP 2.2, stable ledger]
 *  P3 A value is proposed in a slot under ballot b only after a quorum of that slot's configuration
 *     promised b for the slot, and it is the accepted value of the highest ballot that was
 *     reported, or free if there was none. [PMS 2.2, phase 2a]
 *  P4 Chosen = accepted by a quorum of the slot's configuration under one ballot. [PMS 2.1]
 *  P5 Two chosen values of one slot are equal. [PMS 2.2, theorem]
 *  P6 Slots are handed out as chosen in order, without gaps, once. [PMS 3]
 *  P7 An entry below the announced chosen mark counts as chosen only if it was accepted under the
 *     announcing ballot, or was sent as chosen.
 *  P8 A snapshot covers chosen slots alone. Of the acceptor's memory it replaces acceptances there
 *     and nothing else. (R3)
 *  P9 A replica that may have forgotten a promise or an acceptance votes again only after the log
 *     readmitted it under a fresh incarnation. (R2)
 *
 * Slots and configurations: a configuration chosen in slot i governs from i + alpha on (R5, [SMR]);
 * the first one sits in slot 1 and governs from slot 1. Only slots in (chosen, chosen + alpha] are
 * open: their configurations are known, and their number bounds all memory here.
 *
 *              no config          timer, verified         quorum of pre-votes
 *    LEARNER <----------- FOLLOWER ---------> PRECANDIDATE ---------> CANDIDATE
 *       |   named in config  ^  ^                   |                   |   |
 *       +--------------------+  +-------------------+-------------------+   | quorum of promises,
 *                               |     timer, higher ballot, leader heard    | nothing left to fetch
 *                               +---------------- LEADER <------------------+
 *                                  higher ballot, no round (R23), removed
 *
 * Threading: none; calls on one struct must not overlap.
 */

typedef uint64_t paxos_slot;

enum {
    PAXOS_MEMBERS_MAX = 16, /* of one configuration, learners included */
    PAXOS_VOTERS_MAX = 7,
    PAXOS_ALPHA_MIN = 2,
    PAXOS_ALPHA_MAX = 1024,
    PAXOS_MESSAGE_ENTRIES_MAX = 1024,
    /* A message takes no further entry once its payloads reach this; one entry may be larger. */
    PAXOS_MESSAGE_BYTES_SOFT = 1 << 20,
    PAXOS_CLUSTER_ID_BYTES = 16,
};

#define PAXOS_SLOT_MAX UINT64_MAX
#define PAXOS_NEVER    UINT64_MAX
/* Rounds grow by one an election: a higher one, or a leap, is no honest ballot's. */
#define PAXOS_ROUND_MAX      (UINT64_C(1) << 62)
#define PAXOS_ROUND_LEAP_MAX (UINT64_C(1) << 32)

/* (round, node, incarnation), compared in this order. All zero: no ballot. */
struct paxos_ballot {
    uint64_t round;
    uint64_t incarnation;
    uint32_t node;
};

/* Negative, zero, positive as a is below, equal to, above b. */
int paxos_ballot_compare(struct paxos_ballot a, struct paxos_ballot b);

enum paxos_role_of_member {
    PAXOS_VOTER = 1,
    PAXOS_LEARNER = 2,  /* catches up and is promoted by the leader */
    PAXOS_OBSERVER = 3, /* catches up, never promoted */
};

/* A vote belongs to (node, incarnation), not to a node (R2). */
struct paxos_member {
    uint64_t incarnation;
    uint32_t node;
    enum paxos_role_of_member role;
};

/* The payload blob of a PAXOS_CONFIG value holds exactly one of these. */
struct paxos_config {
    uint8_t cluster_id[PAXOS_CLUSTER_ID_BYTES];
    uint32_t alpha;      /* the same in every configuration of a cluster (R5) */
    uint32_t generation; /* of the cluster, 1 at birth (R14) */
    paxos_slot based_on; /* slot of the configuration this one changes; without effect if another
                            one was chosen in between, or if that one does not govern yet (R5: one
                            change in flight) */
    size_t members_count;
    struct paxos_member members[PAXOS_MEMBERS_MAX];
};

/*
 * What a chosen prefix of the log means to consensus, and all that a snapshot has to say of it: up
 * to `slot` everything is chosen (P8), `configs` (oldest first) are the one that governs slot + 1
 * and, if there is one, the next, chosen in the prefix and not in force yet. All zero: the empty
 * prefix. Who applies what is chosen keeps one beside its state by paxos_base_follow, so that a
 * snapshot of that state at any slot has its own.
 */
enum { PAXOS_BASE_CONFIGS_MAX = 2 };

struct paxos_placed_config {
    paxos_slot chosen_at;
    struct paxos_config config;
};

struct paxos_base {
    paxos_slot slot;
    size_t configs_count;
    struct paxos_placed_config configs[PAXOS_BASE_CONFIGS_MAX];
};

enum paxos_kind {
    PAXOS_NOOP = 1,
    PAXOS_LEAD = 2,     /* a leadership begins; carries its ballot */
    PAXOS_CONFIG = 3,   /* payload: struct paxos_config */
    PAXOS_COMMANDS = 4, /* payload: the replica's bytes */
};

struct paxos_entry {
    paxos_slot slot;
    struct paxos_ballot ballot; /* under which it was accepted; zero in CHOSEN messages */
    enum paxos_kind kind;
    struct paxos_ballot lead; /* PAXOS_LEAD: the leadership's ballot, which adoption keeps (R13) */
    struct cd_blob *payload;  /* CONFIG and COMMANDS, else NULL */
};

#define PAXOS_MESSAGE_TABLE(X)                                                                     \
    X(PROBE, 1)         /* what do you remember of my log? (R2) */                                 \
    X(PROBE_REPLY, 2)   /* nonce, remembered */                                                    \
    X(JOIN, 3)          /* chosen: one outside the configuration there asks to become a learner */ \
    X(PREVOTE, 4)       /* nonce, chosen */                                                        \
    X(PREVOTE_REPLY, 5) /* nonce, granted, chosen, ballot = promised */                            \
    X(PREPARE, 6)       /* ballot, first */                                                        \
    X(PROMISE, 7)       /* granted: ballot, first..last, chosen, entries; else ballot=promised */  \
    X(ACCEPT, 8)        /* ballot, chosen, entries of consecutive slots */                         \
    X(ACCEPTED, 9)      /* granted: ballot, first..last, chosen; else ballot = promised */         \
    X(HEARTBEAT, 10)    /* ballot, chosen, nonce = round, 0: no answer wanted */                   \
    X(HEARTBEAT_REPLY, 11) /* granted: ballot, nonce, chosen (durable); else ballot = promised */  \
    X(FETCH, 12)           /* first: send me what is chosen from there on */                       \
    X(CHOSEN, 13)          /* entries of consecutive slots, all chosen; chosen */                  \
    X(READ_ASK, 14)        /* nonce: a barrier, please (R8) */                                     \
    X(READ_ANSWER, 15)     /* nonce, ballot, chosen = the index to read at */                      \
    X(TAKE_OVER, 16)       /* ballot, chosen: lead in my place */

enum paxos_message_kind {
#define PAXOS_MESSAGE_ENUM(name, number) PAXOS_MSG_##name = number,
    PAXOS_MESSAGE_TABLE(PAXOS_MESSAGE_ENUM)
#undef PAXOS_MESSAGE_ENUM
};

/* "PREPARE"; "UNKNOWN" outside the table. */
const char *paxos_message_name(enum paxos_message_kind kind);

struct paxos_message {
    enum paxos_message_kind kind;
    uint32_t from, to;
    uint64_t from_incarnation;
    uint64_t durable; /* sender's durable log position, for R2; in every message. A driver that
                         holds messages back says paxos_told_position anew when they leave */
    struct paxos_ballot ballot;
    paxos_slot first, last;
    paxos_slot chosen;
    uint64_t nonce;
    uint64_t remembered;
    bool granted;
    /* Borrowed for the call when coming in; owned by the effects when going out. */
    struct paxos_entry *entries;
    size_t entries_count;
};

enum paxos_event_kind {
    PAXOS_EV_TICK,        /* the deadline has come; early or late is harmless */
    PAXOS_EV_MESSAGE,     /* message: from a peer whose identity was verified */
    PAXOS_EV_PERSISTED,   /* persisted: records asked for that are durable; position: of the log */
    PAXOS_EV_APPLIED,     /* slot: applied up to here */
    PAXOS_EV_PROPOSE,     /* payload: only while paxos_may_propose */
    PAXOS_EV_BARRIER,     /* token: growing; answered by effects.barrier_token */
    PAXOS_EV_BIRTH,       /* config: cluster id and alpha; only while paxos_is_empty (R14) */
    PAXOS_EV_REINCARNATE, /* incarnation: the fresh one that effects.forgot asked for (R2) */
    PAXOS_EV_HAND_OVER,   /* node: to whom, 0 for the best one; a leader alone acts on it */
    PAXOS_EV_REMOVE,      /* node: leave the configuration; a leader alone acts on it */
    /*
     * base: a snapshot of the state there is durable and loaded: what is chosen comes from
     * base.slot + 1 on. Only while paxos_may_install. Acceptances at or below the slot go, nothing
     * else of the acceptor's memory (R3). The INSTALLED record that it asks for makes it part of
     * the log; what is said afterwards waits for it.
     */
    PAXOS_EV_INSTALLED,
    PAXOS_EV_DROPPED, /* slot: entries up to here leave the log now: a snapshot kept covers them */
};

struct paxos_event {
    enum paxos_event_kind kind;
    uint64_t now_ms; /* env time; never goes back */
    const struct paxos_message *message;
    struct cd_blob *payload; /* shared: a reference is taken */
    const struct paxos_config *config;
    const struct paxos_base *base;
    uint64_t persisted; /* counts the effects' persist records since paxos_start */
    uint64_t position;  /* the log's own durable position, which peers are told (R2) */
    paxos_slot slot;
    uint64_t token;
    uint64_t incarnation;
    uint32_t node;
};

enum paxos_persist_kind {
    PAXOS_PERSIST_PROMISE,   /* ballot */
    PAXOS_PERSIST_ACCEPTED,  /* entry */
    PAXOS_PERSIST_LEARNED,   /* entry, known chosen: counts as a mark of its slot */
    PAXOS_PERSIST_MARK,      /* slot: everything up to here is chosen; lazy */
    PAXOS_PERSIST_PEERS,     /* paxos_remembered_at tells what; lazy */
    PAXOS_PERSIST_IDENTITY,  /* the whole state, because the incarnation changed */
    PAXOS_PERSIST_INSTALLED, /* base: a snapshot took the place of the log up to its slot (R3) */
};

struct paxos_persist {
    enum paxos_persist_kind kind;
    bool lazy; /* nothing waits for it */
    struct paxos_ballot ballot;
    paxos_slot slot;
    struct paxos_entry entry;      /* payload: one reference owned by the effects */
    const struct paxos_base *base; /* INSTALLED; valid until the next step */
};

struct paxos_send {
    struct paxos_message message;
    /* P2, R2: only once all that was persisted up to this step, lazy records aside, is durable. */
    bool after_persist;
};

/* What a person or a test wants to know of; no part of the protocol. */
#define PAXOS_NOTE_TABLE(X)                                                                        \
    X(VERIFIED, "the peers remember nothing that this log lacks")                                  \
    X(FORGOT, "a peer remembers more of this log than there is")                                   \
    X(SUPERSEDED, "another incarnation of this node has its place: joins again as a fresh one")    \
    X(PREVOTING, "no leader heard, asking who else misses one")                                    \
    X(PREPARING, "prepares a ballot")                                                              \
    X(LEADING, "won its ballot")                                                                   \
    X(ESTABLISHED, "applied its own leadership")                                                   \
    X(STEPPED_DOWN, "gave up leadership or candidacy")                                             \
    X(FOLLOWING, "follows a leader")                                                               \
    X(LEADERLESS, "heard no leader for too long")                                                  \
    X(ADOPTED, "proposes a value that an earlier leader left")                                     \
    X(HOLE_FILLED, "closes a slot that nobody had accepted")                                       \
    X(CONFIG_CHOSEN, "a configuration was chosen")                                                 \
    X(CONFIG_ACTIVE, "a majority of the new configuration holds all that came before it")          \
    X(JOINED, "a learner was proposed")                                                            \
    X(PROMOTED, "a learner was proposed as voter")                                                 \
    X(REMOVED, "a removal was proposed")                                                           \
    X(HANDING_OVER, "asks another replica to lead")                                                \
    X(CHANGE_REFUSED, "a change of members would lose the quorum")                                 \
    X(INSTALLED, "a snapshot took the place of the log up to here")

enum paxos_note_kind {
#define PAXOS_NOTE_ENUM(name, text) PAXOS_NOTE_##name,
    PAXOS_NOTE_TABLE(PAXOS_NOTE_ENUM)
#undef PAXOS_NOTE_ENUM
        PAXOS_NOTE_COUNT
};

const char *paxos_note_name(enum paxos_note_kind kind);
const char *paxos_note_text(enum paxos_note_kind kind);

struct paxos_note {
    enum paxos_note_kind kind;
    struct paxos_ballot ballot;
    paxos_slot slot;
    uint32_t node;
};

/*
 * What a step asks for, to be carried out in this order: persist (in order; each record counts one
 * in PAXOS_EV_PERSISTED), send, chosen, then the rest. Everything in it is valid until the next
 * step or clear.
 */
struct paxos_effects {
    struct paxos_persist *persist;
    size_t persist_count, persist_capacity;
    struct paxos_send *sends;
    size_t sends_count, sends_capacity;
    struct paxos_entry
        *chosen; /* to apply, slots consecutive (P6); references owned by the effects */
    size_t chosen_count, chosen_capacity;
    struct paxos_note *notes;
    size_t notes_count, notes_capacity;
    /* Answer a FETCH: read these slots from the log, send them by paxos_make_chosen. 0: none. */
    uint32_t fetch_to;
    paxos_slot fetch_first, fetch_last;
    /* Answer a FETCH of slots that left the log: send the newest snapshot. It is asked for again
     * while it is on its way. 0: none. */
    uint32_t snapshot_to;
    /* Reads whose barrier token is at or below this may run once applied >= barrier_index. */
    uint64_t barrier_token; /* 0: none in this step */
    paxos_slot barrier_index;
    bool forgot; /* draw a fresh incarnation and give it back by REINCARNATE (R2) */
};

void paxos_effects_init(struct paxos_effects *effects);
void paxos_effects_clear(struct paxos_effects *effects);
void paxos_effects_release(struct paxos_effects *effects);

enum paxos_role {
    PAXOS_ROLE_LEARNER,
    PAXOS_ROLE_FOLLOWER,
    PAXOS_ROLE_PRECANDIDATE,
    PAXOS_ROLE_CANDIDATE,
    PAXOS_ROLE_LEADER,
};
const char *paxos_role_name(enum paxos_role role);

struct paxos_options {
    uint32_t node;         /* > 0 */
    uint64_t incarnation;  /* of this directory; random when it was made */
    uint64_t boot;         /* drawn anew at every start: makes nonces unique across restarts */
    uint64_t seed;         /* of the election jitter */
    uint32_t heartbeat_ms; /* a leader's; also the period of everything that is repeated */
    uint32_t election_ms;  /* a follower waits this long to twice as long without a leader */
    const uint32_t *peers; /* whom an empty replica asks to join; copied */
    size_t peers_count;    /* at most PAXOS_MEMBERS_MAX */
};

struct paxos;

struct paxos *paxos_create(const struct paxos_options *options);
void paxos_free(struct paxos *px);

/*
 * Snapshots (R3, P8). paxos_base_is_sound judges what comes from a peer or a disk; the functions
 * below do so by themselves. paxos_base_follow: `entry` is the chosen value of slot base->slot + 1.
 */
bool paxos_base_is_sound(const struct paxos_base *base);
void paxos_base_follow(struct paxos_base *base, const struct paxos_entry *entry);

/*
 * Whether a snapshot with this base takes this replica further and belongs to its cluster: before
 * its bytes are asked for, and again right before it is loaded and INSTALLED is said.
 */
bool paxos_may_install(const struct paxos *px, const struct paxos_base *base);

/*
 * What the log holds, in its order, before paxos_start. A mark or a learned entry puts what became
 * chosen into `effects->chosen`, to be applied. Whoever restores calls paxos_effects_clear between.
 * Returns: CD_OK, CD_CORRUPT (the log contradicts itself: a mark over a slot that it lacks, a slot
 * outside the window, a configuration that breaks a limit).
 */
void paxos_restore_identity(struct paxos *px, uint64_t incarnation);
CD_MUST_USE enum cd_status paxos_restore_promise(struct paxos *px, struct paxos_ballot ballot);
CD_MUST_USE enum cd_status paxos_restore_accepted(struct paxos *px,
                                                  const struct paxos_entry *entry);
CD_MUST_USE enum cd_status paxos_restore_learned(struct paxos *px, const struct paxos_entry *entry,
                                                 struct paxos_effects *effects);
CD_MUST_USE enum cd_status paxos_restore_mark(struct paxos *px, paxos_slot slot,
                                              struct paxos_effects *effects);
/*
 * A snapshot stands for everything up to its base's slot: nothing of that is handed out as chosen,
 * records of it are passed over. paxos_restore_base, before any record: the one whose state is
 * loaded, the newest good one: if the log does not vouch for it (a crash came between it and its
 * record), paxos_start asks for the INSTALLED record once more. Again after them to say what is
 * `dropped`, if that is not known before: entries at or below it are not in the log.
 * paxos_restore_installed: at each INSTALLED record. A driver whose loaded state stands below such
 * a record has lost that snapshot, and with it the log: it treats that as CD_CORRUPT (R2). Returns:
 * CD_OK, CD_CORRUPT (unsound, another alpha than the log's, `dropped` above the base).
 */
CD_MUST_USE enum cd_status paxos_restore_base(struct paxos *px, const struct paxos_base *base,
                                              paxos_slot dropped);
CD_MUST_USE enum cd_status paxos_restore_installed(struct paxos *px, const struct paxos_base *base);
void paxos_restore_remembered(struct paxos *px, uint32_t node, uint64_t incarnation,
                              uint64_t position);

enum paxos_memory {
    PAXOS_MEMORY_FRESH, /* the incarnation was drawn in this start: it has said nothing yet */
    PAXOS_MEMORY_KEPT,  /* the log is what the disk held; peers are asked whether it is all (R2) */
    PAXOS_MEMORY_LOST,  /* the log is known to lack what it once held */
};

/*
 * Begins work. `position`: the last position that the log held when it was opened, all durable.
 * Everything restored counts as applied.
 */
void paxos_start(struct paxos *px, uint64_t now_ms, uint64_t position, enum paxos_memory memory,
                 struct paxos_effects *effects);

/* The log position that messages tell peers now (R2). */
uint64_t paxos_told_position(const struct paxos *px);

/* One event. Clears `effects` first. Cannot fail: peer input that makes no sense is ignored. */
void paxos_step(struct paxos *px, const struct paxos_event *event, struct paxos_effects *effects);

/* Absolute time of the next TICK wanted. */
uint64_t paxos_deadline_ms(const struct paxos *px);

/* Stops the process if an invariant of the struct is broken. O(window). For tests and simulation.
 */
void paxos_check(const struct paxos *px);

/* Whether a PROPOSE would be taken now: an established leader with room in its window. */
bool paxos_may_propose(const struct paxos *px);

/*
 * Bytes of payloads in slots that are not chosen yet. Who wins a ballot proposes all of them again
 * in one step, so a leader that keeps them small keeps small what its successors owe their disks at
 * once. O(alpha).
 */
uint64_t paxos_open_bytes(const struct paxos *px);

/* No configuration, nothing chosen: the only state in which BIRTH is allowed. */
bool paxos_is_empty(const struct paxos *px);

/* Fills `message` as the CHOSEN answer to a FETCH; `entries` are borrowed. */
void paxos_make_chosen(const struct paxos *px, uint32_t to, struct paxos_entry *entries,
                       size_t count, struct paxos_message *message);

struct paxos_status {
    enum paxos_role role;
    uint32_t leader;            /* 0: none known */
    struct paxos_ballot ballot; /* under which `leader` leads, or of the own candidacy */
    struct paxos_ballot promised;
    paxos_slot chosen, applied;
    paxos_slot chosen_durable; /* what the log durably holds as chosen; an own snapshot at a slot is
                                  worth keeping once this has reached it (else older ones and the
                                  log no longer make up for its loss) */
    paxos_slot known_chosen;   /* highest mark heard of; above `chosen`: still to be fetched */
    uint64_t incarnation;
    bool established;         /* leader whose own leadership is applied */
    bool verified;            /* may vote as far as R2 is concerned */
    bool voter;               /* named as voter for the first open slot */
    uint64_t since_leader_ms; /* time since a leader was heard; 0 for a leader */
};
void paxos_status(const struct paxos *px, uint64_t now_ms, struct paxos_status *ret_status);

/* The newest chosen configuration and its slot; NULL before birth. Borrowed until the next step. */
const struct paxos_config *paxos_config_newest(const struct paxos *px, paxos_slot *ret_slot);

/*
 * What a new segment repeats (R3): all configurations that still matter and the peers' positions
 * (index from 0; false past the end), and as an INSTALLED record the base that was installed last:
 * NULL if there is none or the log went beyond it. Borrowed until the next step.
 */
const struct paxos_base *paxos_installed(const struct paxos *px);
bool paxos_config_at(const struct paxos *px, size_t index, paxos_slot *ret_slot,
                     const struct paxos_config **ret_config);
bool paxos_remembered_at(const struct paxos *px, size_t index, uint32_t *ret_node,
                         uint64_t *ret_incarnation, uint64_t *ret_position);

/* What the leader knows of a peer; false if it has heard nothing of it, or does not lead. */
struct paxos_peer_view {
    paxos_slot chosen; /* durably held as chosen, as last reported */
    uint64_t heard_ms_ago;
};
bool paxos_peer_view(const struct paxos *px, uint32_t node, uint64_t incarnation, uint64_t now_ms,
                     struct paxos_peer_view *ret_view);

#endif
