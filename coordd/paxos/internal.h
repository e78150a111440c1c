#ifndef COORD_PAXOS_INTERNAL_H
#define COORD_PAXOS_INTERNAL_H

#include "paxos/paxos.h"

#include "base/prng.h"

/*
 * The state of one replica's Multi-Paxos and the functions that its files share. Which file owns
 * what: acceptor.c promised and accepted; learner.c the chosen mark and catch-up; election.c
 * verification, pre-votes, phase 1; leader.c phase 2 and hand-over; rounds.c heartbeats and
 * barriers; membership.c changes of configuration; snapshot.c what stands for a dropped log;
 * config.c which configuration governs and who is a quorum.
 */

/* An open slot, in (chosen, chosen + alpha]. */
struct paxos_cell {
    paxos_slot slot;          /* which slot this cell serves now; 0: none yet */
    struct paxos_entry entry; /* accepted here, with its ballot; kind 0: nothing */
    struct paxos_entry adopt; /* best acceptance reported in phase 1; kind 0: none */
    uint64_t position;        /* of the record that holds `entry` */
    uint64_t proposed_ms;     /* when proposed or last repeated, as leader */
    uint32_t acks;            /* bit per index of peers[]: accepted under our ballot */
    bool proposed;            /* by us under our present ballot */
};

/* What is known of one (node, incarnation). peers[0] is this replica itself. */
struct paxos_peer {
    uint32_t node; /* 0: unused */
    uint64_t incarnation;
    uint64_t remembered;    /* highest log position it told us (R2) */
    uint64_t heard_ms;      /* when anything came from it; 0: never */
    paxos_slot chosen;      /* mark that it durably holds, as last reported */
    bool probe_answered;    /* since our start */
    bool prevote_granted;   /* for our present pre-vote */
    paxos_slot promised_to; /* it promised our ballot for [.., promised_to); PAXOS_SLOT_MAX: all */
    uint64_t prepared_ms;   /* when the last PREPARE went to it; 0: ask at once */
    uint64_t repeated_ms;   /* when lost proposals were last repeated to it */
    uint64_t round;         /* highest round of ours that it confirmed */
    uint64_t ask_nonce;     /* its newest barrier question; 0: none waiting */
    uint64_t ask_in_round;  /* the one that the round in flight will answer */
};

enum {
    PAXOS_PEERS_MAX = 2 * PAXOS_MEMBERS_MAX,    /* members and those who were or want to be */
    PAXOS_CONFIGS_MAX = PAXOS_BASE_CONFIGS_MAX, /* one that governs and one that will */
};

struct paxos_governing {
    paxos_slot chosen_at; /* slot whose value it is */
    paxos_slot from;      /* first slot it governs */
    struct paxos_config config;
};

struct paxos {
    uint32_t node;
    uint64_t incarnation;
    uint64_t identity_position; /* of the record of a fresh incarnation: nothing is said before */
    uint64_t boot;
    uint32_t heartbeat_ms, election_ms;
    uint32_t join_peers[PAXOS_MEMBERS_MAX];
    size_t join_peers_count;
    struct cd_prng prng;

    enum paxos_role role;
    uint64_t now_ms;
    bool started;

    /* Acceptor. */
    struct paxos_ballot promised;
    uint64_t position;    /* number of the last record asked for, counted from paxos_start */
    uint64_t persisted;   /* records up to this number are durable */
    uint64_t log_durable; /* the log's own position for it, told to peers (R2) */

    /* Learner. */
    paxos_slot chosen, applied;
    paxos_slot chosen_durable; /* mark whose record is durable: what may be reported as held */
    paxos_slot marked;         /* highest slot covered by a mark record already asked for */
    uint64_t marked_position;  /* position of that record */
    paxos_slot watched_mark;   /* the mark that will become chosen_durable next; 0: none */
    uint64_t watched_position;
    paxos_slot known_chosen;     /* highest mark heard from anyone */
    uint64_t fetch_until_ms;     /* a FETCH is under way until then */
    uint32_t known_from;         /* who told known_chosen */
    paxos_slot leader_mark;      /* highest that the leader of leader_ballot announced */
    paxos_slot dropped;          /* entries up to here are not in the log */
    struct paxos_base loaded;    /* by paxos_restore_base */
    paxos_slot log_mark;         /* the log's records say that everything up to here is chosen */
    struct paxos_base installed; /* the last one; slot 0: none that the log still needs */

    struct paxos_governing configs[PAXOS_CONFIGS_MAX]; /* oldest first */
    size_t configs_count;

    struct paxos_peer peers[PAXOS_PEERS_MAX];

    /* Following and elections. */
    uint32_t leader;                   /* 0: none known */
    struct paxos_ballot leader_ballot; /* of `leader`; our own as candidate or leader */
    uint64_t leader_heard_ms;
    uint64_t election_deadline_ms;
    uint64_t next_tick_ms;
    uint64_t max_round_seen;
    uint64_t start_position; /* of the log when this process began; UINT64_MAX: a fresh incarnation,
                                of which nobody can remember anything */
    uint64_t start_ms;
    bool verified;   /* P9: our log is known to be all that we ever said */
    bool forgot;     /* waiting for REINCARNATE */
    bool was_member; /* some chosen configuration named this incarnation */
    uint64_t prevote_nonce;
    uint64_t join_asked_ms;
    paxos_slot join_asked_chosen; /* the mark said then */

    /* Candidate and leader. */
    uint64_t ballot_position;    /* position of the record of our own promise to our ballot */
    paxos_slot told_chosen;      /* highest mark told by promises (R1) */
    paxos_slot next_slot;        /* first slot not yet proposed */
    paxos_slot adopted_to;       /* last slot in which anything was reported */
    paxos_slot lead_slot;        /* of our PAXOS_LEAD; 0: not proposed yet */
    bool established;            /* our PAXOS_LEAD is applied (R8) */
    paxos_slot proposed_from;    /* first slot proposed in this step; 0: none */
    bool mark_moved;             /* in this step */
    paxos_slot config_slot;      /* of the change in flight; 0: none */
    uint32_t hand_over_to;       /* 0: no */
    uint64_t hand_over_asked_ms; /* 0: not yet */
    uint64_t hand_over_deadline_ms;

    /* Rounds (R8, R23). */
    uint64_t round; /* last one begun in this leadership */
    uint64_t round_completed;
    uint64_t round_completed_ms;
    uint64_t round_tested;   /* scratch of settle_rounds */
    uint64_t barrier_wanted; /* highest token asked for locally */
    uint64_t barrier_served;
    uint64_t barrier_round;    /* round in flight that serves barriers; 0: none */
    uint64_t barrier_in_round; /* token that it serves */
    paxos_slot barrier_index;  /* chosen mark at its begin */
    uint64_t ask_sent;         /* token of the question under way to the leader; 0: none */

    bool peers_dirty;                         /* `remembered` changed since the last PEERS record */
    struct paxos_cell cells[PAXOS_ALPHA_MAX]; /* slot s in cells[s % PAXOS_ALPHA_MAX] */
};

/* effects.c: appending to what a step asks for. Each takes the references it needs. */
void paxos_persist_promise(struct paxos *px, struct paxos_effects *out);
void paxos_persist_accepted(struct paxos *px, const struct paxos_entry *entry,
                            struct paxos_effects *out);
void paxos_persist_learned(struct paxos *px, const struct paxos_entry *entry,
                           struct paxos_effects *out);
void paxos_persist_mark(struct paxos *px, struct paxos_effects *out);
void paxos_persist_peers(struct paxos *px, struct paxos_effects *out);
void paxos_persist_identity(struct paxos *px, struct paxos_effects *out);
void paxos_persist_installed(struct paxos *px, struct paxos_effects *out);
/* The message in its place, header filled; valid until the next send. Now: unless the incarnation
 * that says it is not durable yet (R2). */
struct paxos_message *paxos_send_now(struct paxos *px, struct paxos_effects *out,
                                     enum paxos_message_kind kind, uint32_t to);
struct paxos_message *paxos_send_after_persist(struct paxos *px, struct paxos_effects *out,
                                               enum paxos_message_kind kind, uint32_t to);
void paxos_message_add_entry(struct paxos_message *message, const struct paxos_entry *entry);
void paxos_emit_chosen(struct paxos_effects *out, const struct paxos_entry *entry);
void paxos_emit_note(struct paxos_effects *out, enum paxos_note_kind kind,
                     struct paxos_ballot ballot, paxos_slot slot, uint32_t node);

/* config.c */
const struct paxos_governing *paxos_governing(const struct paxos *px, paxos_slot slot);
uint32_t paxos_alpha(const struct paxos *px); /* 0 before birth is known */
bool paxos_config_is_sound(const struct paxos_config *config);
/* Takes note of a chosen CONFIG entry; false if it had no effect (superseded base). */
bool paxos_config_chosen(struct paxos *px, const struct paxos_entry *entry);
void paxos_config_forget_old(struct paxos *px);
/* The same for any run of configurations, with everything up to `chosen` chosen. */
bool paxos_configs_take(struct paxos_governing *configs, size_t *count, paxos_slot chosen,
                        const struct paxos_entry *entry);
void paxos_configs_forget_old(struct paxos_governing *configs, size_t *count, paxos_slot chosen);
/* First slot that a configuration governs. */
paxos_slot paxos_governs_from(paxos_slot chosen_at, uint32_t alpha);
bool paxos_config_keeps_a_voter(const struct paxos_config *before,
                                const struct paxos_config *config);
/* Whether a known configuration names this incarnation. */
bool paxos_names_self(const struct paxos *px);
/* These in place of all known ones. */
void paxos_configs_replace(struct paxos *px, const struct paxos_base *base);
const struct paxos_member *paxos_member_find(const struct paxos_config *config, uint32_t node,
                                             uint64_t incarnation);
bool paxos_is_voter(const struct paxos_config *config, uint32_t node, uint64_t incarnation);
/* Whether (node, incarnation) votes in any configuration governing an open slot. */
bool paxos_votes_in_window(const struct paxos *px, uint32_t node, uint64_t incarnation);
bool paxos_is_member(const struct paxos *px, uint32_t node, uint64_t incarnation);
typedef bool (*paxos_vote_test)(const struct paxos *px, const struct paxos_peer *peer,
                                paxos_slot slot);
/* Whether `test` holds for a majority of the configuration's voters. */
bool paxos_has_majority(const struct paxos *px, const struct paxos_config *config,
                        paxos_vote_test test, paxos_slot slot);
/* The same in each configuration governing (chosen, chosen + alpha] (R5). */
bool paxos_has_window_majority(const struct paxos *px, paxos_vote_test test);
/* Calls for each node but ourselves that is a member of a configuration governing an open slot. */
typedef void (*paxos_each_member)(struct paxos *px, const struct paxos_member *member,
                                  struct paxos_effects *out);
void paxos_for_each_voter(struct paxos *px, paxos_each_member each, struct paxos_effects *out);
void paxos_for_each_member(struct paxos *px, paxos_each_member each, struct paxos_effects *out);
struct paxos_peer *paxos_peer_find(struct paxos *px, uint32_t node, uint64_t incarnation);
const struct paxos_peer *paxos_peer_find_const(const struct paxos *px, uint32_t node,
                                               uint64_t incarnation);
/* Finds or makes it; NULL if the table is full of members. */
struct paxos_peer *paxos_peer_get(struct paxos *px, uint32_t node, uint64_t incarnation);
unsigned paxos_peer_index(const struct paxos *px, const struct paxos_peer *peer);

/* learner.c */
bool paxos_slot_is_open(const struct paxos *px, paxos_slot slot);
struct paxos_cell *paxos_cell(struct paxos *px, paxos_slot slot); /* slot must be open */
void paxos_cell_reset(struct paxos_cell *cell);
void paxos_entry_assign(struct paxos_entry *to, const struct paxos_entry *from);
void paxos_entry_drop(struct paxos_entry *entry);
/* The next slot is chosen with this value: hands it out and moves the mark (P6). */
void paxos_choose_next(struct paxos *px, const struct paxos_entry *entry,
                       struct paxos_effects *out);
/* P7: the leader of `ballot` announces everything up to `mark` as chosen. */
void paxos_learn_announced(struct paxos *px, struct paxos_ballot ballot, paxos_slot mark,
                           struct paxos_effects *out);
void paxos_heard_mark(struct paxos *px, paxos_slot mark, uint32_t from);
void paxos_fetch_if_behind(struct paxos *px, struct paxos_effects *out);
void paxos_on_fetch(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_chosen(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);

/* snapshot.c */
/* Everything up to the base's slot is chosen and gone: drops acceptances there and nothing else. */
void paxos_jump_to(struct paxos *px, const struct paxos_base *base);
void paxos_install(struct paxos *px, const struct paxos_base *base, struct paxos_effects *out);
void paxos_drop(struct paxos *px, paxos_slot slot);

/* restore.c */
/* A snapshot was loaded of which the log does not know: its record is asked for again. */
void paxos_adopt_loaded(struct paxos *px, struct paxos_effects *out);

/* acceptor.c */
void paxos_raise_promise(struct paxos *px, struct paxos_ballot ballot, struct paxos_effects *out);
void paxos_on_prepare(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_accept(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_persisted(struct paxos *px, uint64_t persisted, uint64_t log_position,
                        struct paxos_effects *out);

/* election.c */
void paxos_step_down(struct paxos *px, struct paxos_effects *out);
/* A leader of `ballot` was heard from; follows it if the ballot is not below the promise. */
void paxos_follow(struct paxos *px, struct paxos_ballot ballot, struct paxos_effects *out);
void paxos_reset_election_timer(struct paxos *px);
void paxos_saw_ballot(struct paxos *px, struct paxos_ballot ballot);
void paxos_refused(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_settle_role(struct paxos *px, struct paxos_effects *out);
void paxos_probe_peers(struct paxos *px, struct paxos_effects *out);
void paxos_on_probe(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_probe_reply(struct paxos *px, const struct paxos_message *m,
                          struct paxos_effects *out);
void paxos_start_prevote(struct paxos *px, struct paxos_effects *out);
void paxos_on_prevote(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_prevote_reply(struct paxos *px, const struct paxos_message *m,
                            struct paxos_effects *out);
void paxos_start_candidacy(struct paxos *px, struct paxos_effects *out);
void paxos_on_take_over(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_promise(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_prepare_missing(struct paxos *px, struct paxos_effects *out);
void paxos_try_to_lead(struct paxos *px, struct paxos_effects *out);
bool paxos_peer_promised(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot);

/* leader.c */
bool paxos_can_propose_at(const struct paxos *px, paxos_slot slot);
void paxos_pump(struct paxos *px, struct paxos_effects *out);
void paxos_propose(struct paxos *px, enum paxos_kind kind, struct cd_blob *payload,
                   struct paxos_effects *out);
void paxos_on_accepted(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_ack_self(struct paxos *px);
void paxos_count_chosen(struct paxos *px, struct paxos_effects *out);
void paxos_send_accepts(struct paxos *px, struct paxos_effects *out);
void paxos_repeat_accepts(struct paxos *px, struct paxos_effects *out);
void paxos_hand_over(struct paxos *px, uint32_t node, struct paxos_effects *out);
void paxos_hand_over_tick(struct paxos *px, struct paxos_effects *out);

/* rounds.c */
void paxos_begin_round(struct paxos *px, struct paxos_effects *out);
void paxos_announce_mark(struct paxos *px, struct paxos_effects *out);
void paxos_on_heartbeat(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_heartbeat_reply(struct paxos *px, const struct paxos_message *m,
                              struct paxos_effects *out);
void paxos_serve_barriers(struct paxos *px, struct paxos_effects *out);
void paxos_on_read_ask(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_on_read_answer(struct paxos *px, const struct paxos_message *m,
                          struct paxos_effects *out);

/* membership.c */
void paxos_birth(struct paxos *px, const struct paxos_config *config, struct paxos_effects *out);
void paxos_notice_superseded(struct paxos *px, struct paxos_effects *out);
void paxos_ask_to_join(struct paxos *px, struct paxos_effects *out);
void paxos_on_join(struct paxos *px, const struct paxos_message *m, struct paxos_effects *out);
void paxos_promote_one(struct paxos *px, struct paxos_effects *out);
void paxos_remove(struct paxos *px, uint32_t node, struct paxos_effects *out);
paxos_slot paxos_config_in_flight(const struct paxos *px);
void paxos_config_settle(struct paxos *px, struct paxos_effects *out);

/* paxos.c */
bool paxos_entry_is_sound(const struct paxos *px, const struct paxos_entry *entry);

#endif
