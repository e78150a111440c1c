#ifndef COORD_REPLICA_INTERNAL_H
#define COORD_REPLICA_INTERNAL_H

#include "replica/replica.h"

#include "base/buf.h"
#include "base/table.h"
#include "fsm/snapshot.h"
#include "fsm/watch.h"
#include "storage/log.h"
#include "storage/snapshot.h"
#include "wire/wire.h"

/*
 * The state of one replica and what its files share: recovery.c opens the log; replica.c turns
 * paxos' effects into acts; apply.c applies what is chosen; peers.c carries frames between
 * replicas; streams.c tells clients things; session.c takes what they say; writes.c and reads.c
 * hold what waits; watches.c tells events; lease.c confirms heartbeats and expires sessions;
 * upkeep.c lets nodes go whose time has come; admin.c service Admin.
 */

#define REPLICA_SERVER_NAME "coordd/" COORD_VERSION

enum {
    REPLICA_STREAMS_MAX = 65536,
    REPLICA_STREAM_READS_MAX = 1024, /* waiting reads of one stream */
    REPLICA_STREAM_WATCHES_MAX = 10000,
    REPLICA_WATCHES_MAX = 4000000,        /* of all streams */
    REPLICA_READS_MAX = 65536,            /* waiting reads of all */
    REPLICA_WRITES_MAX = 65536,           /* unanswered writes of all */
    REPLICA_WRITES_BYTES_MAX = 256 << 20, /* of commands that may be proposed again, of all, */
    REPLICA_STREAM_WRITES_BYTES_MAX = 16 << 20, /* and of one stream; one more may pass it */
    REPLICA_CALLS_MAX = 4096,                   /* pending calls of service Admin */
    REPLICA_PARKED_MAX = 16,                    /* frames of a stream whose hello is not answered */
    REPLICA_QUEUE_BYTES_MAX = 64 << 20,         /* commands that wait to be proposed */
    REPLICA_DELAYED_BYTES_MAX = 64 << 20,       /* messages that wait for the disk */
    REPLICA_FRAME_BYTES_KEPT = 64 << 10,        /* memory that an idle stream's frame may keep */
    REPLICA_HELD_BYTES_MAX = 32 << 20,          /* replies of one stream that wait for its events */
    /* A stream with more than HIGH on its way is told no events until it is below LOW. */
    REPLICA_OUTSTANDING_HIGH = 1 << 20,
    REPLICA_OUTSTANDING_LOW = 256 << 10,
    /* With this much waiting for the disk, proposals wait and acceptances are let go unheard. */
    REPLICA_DISK_BYTES_HIGH = STORAGE_PENDING_BYTES_MAX / 4,
    /* With this much proposed and not chosen, further proposals wait: whoever leads next has to put
     * all of it on its disk at once, beside what waits there already. */
    REPLICA_OPEN_BYTES_HIGH = STORAGE_PENDING_BYTES_MAX / 4,
    REPLICA_IDLE_MARK_MS = 20,
    REPLICA_WAIT_MS_DEFAULT = 5000, /* for reads and writes whose client names no bound */
    REPLICA_WAIT_MS_MAX = 60000,
    REPLICA_HELLO_MS = 3000, /* how long opening and resuming may take */
    /* Between proposing a stream's writes again: the pause doubles until one of them is taken. */
    REPLICA_AGAIN_MS = 50,
    REPLICA_AGAIN_MS_MAX = 1000,
    REPLICA_EXPIRY_PERIOD_MS = 20, /* how often what waits is looked through for deadlines */
    REPLICA_BOOKMARK_PERIOD_MS = 5000,
    REPLICA_DIGEST_SLOTS = 64, /* R6: digests are compared, and snapshots taken, at multiples */
    /* Own digests that are remembered. Half of them may still be agreed on, and the command that
     * says so is chosen within alpha of that: at most PAXOS_ALPHA_MAX slots later. */
    REPLICA_DIGESTS_KEPT = 2 * PAXOS_ALPHA_MAX / REPLICA_DIGEST_SLOTS,
    REPLICA_DIGEST_AGAIN_MS = 500,     /* between two reports of a digest nobody has agreed on */
    REPLICA_DIGEST_PATIENCE_MS = 2000, /* with voters unheard of, when two others differ */
    REPLICA_REBUILD_ENTRIES = 256,     /* of the log, put into a machine in one turn */
    REPLICA_SNAPSHOT_PACE_MS = 5,      /* between two blocks of a snapshot being taken */
    REPLICA_CHUNK_BYTES = 256 << 10,   /* of a snapshot's file, sent at once */
    REPLICA_ASK_AGAIN_MS = 300,
    REPLICA_ASKS_MAX = 20, /* without an answer, before another peer is tried */
    REPLICA_SOURCE_IDLE_MS = 10000,
    REPLICA_REPLAY_BYTES = 128 << 10, /* of history, told a stream at a time */
    REPLICA_HISTORY_MS = 600000,      /* elapsed time */
    REPLICA_VERSIONS_MAX = 64,        /* versions of the tree that lists go on with, */
    REPLICA_VERSION_IDLE_MS = 10000,  /* given up when nobody asked for so long, */
    REPLICA_VERSION_MS_MAX = 60000,   /* or held for so long */
    REPLICA_RELEASE_PAGES = 64,       /* of a version, given back in one turn */

    REPLICA_RENEW_PERIOD_MS = 20, /* between two renewals of a replica */
    REPLICA_RENEW_SHARE = 16,     /* of its timeout goes by between two renewals of a session */
    REPLICA_RENEWALS_MAX = 256,   /* on their way */
    REPLICA_REAP_PERIOD_MS = 500, /* how often a leader looks for nodes whose time has come */
    REPLICA_REAPS_MAX = 256,      /* of them at a time */
    REPLICA_EXPIRIES_MAX = 64,    /* sessions judged in one turn (R19) */
};

/* Of a peer's snapshot; a larger one is refused. */
#define REPLICA_SNAPSHOT_BYTES_MAX (UINT64_C(64) << 30)

/* Who waits for an answer: a request of a stream, or a call. */
struct replica_asker {
    bool is_call;
    uint64_t channel; /* stream or call number */
    uint64_t request; /* id within the stream */
};

/* See session.c. */
enum replica_mode {
    REPLICA_NEW = 0,
    REPLICA_OPENING,
    REPLICA_RESUMING,
    REPLICA_REARMING,
    REPLICA_BEHIND,
    REPLICA_LIVE,
};

/* A full frame of replies that waits for events. */
struct replica_held {
    struct cd_buf frame;
    struct replica_held *prev, *next;
};

struct replica_write;

struct replica_stream {
    uint64_t stream; /* key */
    char *identity;
    struct fsm_who who; /* its bytes are in `identity` */
    enum replica_mode mode;
    bool welcomed;
    bool dirty;    /* on the list of those that are flushed at the end of the turn */
    bool head_due; /* a frame is wanted for its head alone */
    bool closing;  /* ends with this turn; nothing counts for it any more */
    enum replica_rpc_status close_status;
    char *close_message; /* owned */

    uint64_t frames;     /* number of the newest ClientFrame */
    uint64_t confirmed;  /* of the newest that a leader has confirmed (R12) */
    uint64_t renew_ms;   /* not renewed before */
    bool renew_due;      /* on the list of those that are renewed next */
    uint64_t seen_zxid;  /* what it must not fall behind */
    uint64_t last_write; /* counter of its newest write */
    uint32_t reads, writes_count;
    uint64_t outstanding_bytes; /* given to stream_send and not yet told as sent */

    uint64_t session; /* key of `served`; 0: none */
    uint64_t attach;
    uint32_t timeout_ms;
    uint64_t reply_mark;                /* as its client last said */
    uint64_t next_seq;                  /* 0: any, after a resume */
    uint64_t busy_from;                 /* R11: later seqs are dropped until this one comes; 0 */
    struct replica_write *writes;       /* of the session, unanswered, in the order of seqs */
    struct replica_write *plain_writes; /* unanswered ones without a seq, oldest first */
    size_t writes_bytes;                /* of their commands */
    bool window_full;        /* the lowest one waits for room among the kept replies (R10) */
    bool again;              /* they are to be proposed again */
    uint64_t again_ms;       /* when they were */
    uint64_t again_pause_ms; /* how long they wait from then */

    struct fsm_op_open_session opening; /* OPENING */
    uint64_t resume_session;            /* RESUMING, as the next two */
    uint8_t resume_secret[WIRE_SECRET_BYTES];
    uint64_t hello_deadline_ms;
    struct cd_blob *parked[REPLICA_PARKED_MAX];
    size_t parked_count;

    uint64_t
        told_zxid; /* every event up to here was put into a frame; LIVE: see replica_complete_to */
    uint64_t event_zxid;    /* of the event put last */
    bool rearm_asked;       /* its client has said rearm_done */
    uint32_t watch_waits;   /* watches among its waiting reads */
    uint64_t rearm_zxid;    /* lowest from which a watch that was set misses events; 0: none does */
    uint64_t bookmark_zxid; /* as of the last bookmark */
    bool watching;          /* it is a watcher of `watches` */

    struct cd_buf frame;
    struct cd_buf held;               /* replies that wait until events were told */
    struct replica_held *held_frames; /* full ones, before it */
    size_t held_bytes;                /* in held_frames */
    bool full;                        /* on the list of those that fall behind after this zxid */
    struct replica_stream *next_full;
    struct replica_stream *prev_behind, *next_behind;
    struct replica_stream *next_dirty;
    UT_hash_handle hh;
    UT_hash_handle hh_session;
};

/* A write that was queued here or sent to the leader, until it is applied or given up. */
struct replica_write {
    uint64_t counter; /* key: of its origin */
    struct replica_asker asker;
    struct paxos_ballot leader; /* the leadership that it was last meant for; 0: none */
    uint64_t proposed_ms;       /* when */
    uint64_t begin_us;          /* when it was accepted */
    uint64_t deadline_ms;
    struct cd_blob *bytes; /* the command, if it may be proposed again; else NULL */
    uint64_t seq;          /* in its session; 0 without one */
    uint64_t request_hash;
    uint64_t reply_mark;               /* that `bytes` tells */
    bool opens;                        /* it is a stream's OPEN_SESSION */
    bool again;                        /* to be proposed again */
    struct replica_write *prev, *next; /* of its stream, with a seq or without one */
    UT_hash_handle hh;                 /* in insertion order, so in order of counters */
};

/* What a leader knows of a session's lease: lease.c. */
struct replica_lease {
    uint64_t session; /* key */
    uint64_t attach;  /* highest that was heard of */
    uint64_t renewed_ms;
    uint32_t node; /* that serves it; 0: not heard of yet */
    bool expiring; /* its expiry is proposed */
    UT_hash_handle hh;
};

/* A session whose lease may be over at that time; one for each lease. */
struct replica_due {
    uint64_t deadline_ms;
    uint64_t session;
};

struct replica_renewal_entry {
    uint64_t stream, session, attach;
    uint64_t frame; /* of the stream, confirmed when the renewal is */
};

/* Heartbeats that wait for a leader's round. */
struct replica_renewal {
    bool own;       /* of streams served here; else a peer's */
    uint32_t node;  /* own: who leads; else who asks */
    uint64_t nonce; /* never twice, over restarts too */
    uint64_t token; /* of the round that must be confirmed; UINT64_MAX: the leader answers */
    uint64_t asked_ms;
    struct replica_renewal_entry *entries; /* own */
    size_t entries_count;
    struct wire_not_renewed *refused; /* NULL, or room for WIRE_PEER_SESSIONS_MAX */
    size_t refused_count;
    struct replica_renewal *prev, *next;
};

/* A read, watch or unwatch that waits. */
struct replica_read {
    struct replica_asker asker;
    char *identity; /* of a call; owned */
    enum wire_read_level level;
    uint64_t token;              /* of its barrier; 0: needs none */
    uint64_t session, after_seq; /* the write that must be applied first; 0: none */
    uint64_t after_write;        /* without a session: counter of the newest before it */
    uint64_t zxid;               /* what the state must have reached */
    uint64_t deadline_ms;
    bool sets_watch;
    struct cd_blob *packed; /* the request */
    struct replica_read *prev, *next;
};

/* A version of the tree with which a list goes on. */
struct replica_version {
    uint64_t number;
    struct fsm_version *version;
    uint64_t taken_ms, used_ms;
    struct replica_version *prev, *next;
};

/* A snapshot being loaded: loading.c. All zero: none. */
struct replica_loading {
    uint64_t slot;
    struct storage_snapshot_reader *reader;
    struct wire_item_reader items;
    struct fsm_restore *restore;
    struct paxos_base base;
    struct fsm *fsm; /* when it is complete; owned until taken */
};

/* What this replica computed for a slot (R6); slot 0: nothing. */
struct replica_digest {
    uint64_t slot;
    uint64_t digest;
    bool agreed; /* a majority computed the same */
};

/* The last ones of one machine. */
struct replica_digests {
    struct replica_digest at[REPLICA_DIGESTS_KEPT];
    uint64_t agreed_slot; /* newest that a majority agreed on */
};

enum replica_verdict {
    REPLICA_ALIKE,
    REPLICA_DIFFERS,
    REPLICA_INCOMPARABLE, /* of another version, or not remembered */
};

/* What a leader was told of one slot. */
struct replica_report {
    uint32_t node;
    uint64_t incarnation;
    uint64_t digest;
    uint32_t version;
};

struct replica_count {
    uint64_t slot;
    bool proposed;     /* by the leadership in force */
    uint64_t split_ms; /* since when two differ and no majority is known; 0 */
    struct replica_report reports[PAXOS_MEMBERS_MAX];
    size_t reports_count;
};

enum replica_fence_stage {
    REPLICA_REBUILD_CHOOSING = 0, /* a snapshot to begin with */
    REPLICA_REBUILD_LOADING,
    REPLICA_REBUILD_REPLAYING,
    REPLICA_REBUILD_WAITING, /* for a peer's snapshot */
};

/* A state that differs from the majority's, and the machine that is built in its place: fence.c. */
struct replica_fence {
    bool on;
    bool told;      /* clients were sent away */
    uint64_t slot;  /* the newest digest slot known to differ */
    bool own_wrong; /* what the disk holds leads to another state than the majority's, too */
    enum replica_fence_stage stage;
    uint64_t below; /* only snapshots of earlier slots are left to begin with */
    struct replica_loading loading;
    struct fsm *fsm; /* NULL: none yet */
    struct replica_digests digests;
    bool differs; /* that machine, at a slot that it has replayed */
    uint64_t asked_ms;
    size_t asked_peer;
};

/* A snapshot being taken; frozen NULL: none. */
struct replica_making {
    struct fsm_snapshot *frozen;
    uint64_t slot;
    struct paxos_base base;
    struct cd_buf items; /* encoded, not yet given to storage */
    bool finishing;      /* all items were given */
    bool asked;          /* for the end of it */
    bool done;           /* it has ended, well or not: what was frozen is given back */
    uint64_t next_ms;    /* when its next step is due */
};

enum replica_receiving_stage {
    REPLICA_NOT_RECEIVING = 0,
    REPLICA_ASKING,
    REPLICA_WRITING, /* all of it came; it becomes durable */
    REPLICA_RECEIVED,
    REPLICA_LOADING,
};

struct replica_receiving {
    enum replica_receiving_stage stage;
    uint32_t node; /* from whom; 0: nothing is received */
    struct wire_snapshot_offer offer;
    uint64_t next; /* offset of the file that is wanted next */
    uint64_t asked_ms;
    uint32_t silent; /* asks in a row that were not answered */
    struct replica_loading loading;
};

/* The snapshot that peers are being sent. */
struct replica_source {
    struct storage_snapshot_source *from; /* NULL: none */
    uint64_t slot;
    uint64_t used_ms;
};

/* A command on its way into a slot; the leader's queue. */
struct replica_command {
    struct cd_blob *bytes;
    uint32_t node; /* origin, to tell it of a refusal */
    uint64_t boot, counter;
    struct replica_command *next;
};

struct replica_peer {
    uint32_t node;
    uint64_t features;   /* as its last frame said; 0: not heard of yet */
    struct cd_buf frame; /* pieces of this turn */
    size_t messages;
};

/* A message that must not leave before `position` is durable (P2). */
struct replica_delayed {
    uint64_t position;
    uint32_t node;
    struct cd_blob *piece;
    struct replica_delayed *next;
};

/* A record that paxos asked for: where in the log it lies, and whether anybody waits for it. */
struct replica_record {
    uint64_t position;
    bool lazy;
};

enum replica_pending_kind {
    REPLICA_PENDING_START, /* an Init that came before the first record was durable */
    REPLICA_PENDING_INIT,
    REPLICA_PENDING_TRANSFER,
};

/* A call of service Admin that is answered later. */
struct replica_pending {
    enum replica_pending_kind kind;
    uint64_t call;
    uint64_t position; /* INIT: answered when durable */
    uint32_t alpha;    /* START: as asked for */
    uint64_t deadline_ms;
    struct replica_pending *next;
};

struct replica {
    struct env env;
    struct replica_ports ports;
    uint32_t node;
    char *cluster_name;
    uint32_t peers_ids[PAXOS_MEMBERS_MAX];
    char **admins;
    size_t admins_count;
    struct fsm_limits limits;
    uint32_t alpha, heartbeat_ms, election_ms;

    struct storage_log *log;
    struct storage_snapshots *snapshots;
    uint64_t snapshot_bytes;     /* of log between two snapshots, at least */
    uint64_t snapshot_slot;      /* of the newest snapshot taken or installed */
    uint64_t snapshot_log_bytes; /* of log when it was begun */
    uint64_t dropped_slot;       /* up to it the log was to be dropped */
    struct replica_making making;
    struct replica_receiving receiving;
    struct replica_source source;
    struct paxos *px;
    struct paxos_base base;        /* of what is applied */
    struct paxos_base loaded_base; /* of the snapshot that this start has loaded */
    struct fsm *fsm;
    struct replica_digests digests; /* of `fsm` */
    struct replica_fence fence;
    uint64_t digests_ms;             /* when what nobody has agreed on is said again */
    struct paxos_ballot reported_to; /* the leadership that was told, */
    uint64_t reported_slot;          /* and up to where */
    struct replica_count digest_counts[REPLICA_DIGESTS_KEPT];
    struct paxos_ballot counted_under;
    uint64_t undecided_slot; /* at the leader: no majority can agree on it; 0 */
    uint64_t wanted_slot;    /* a peer needs a snapshot of this slot or a later one; 0 */
    struct paxos_effects effects;
    struct wire_arena arena;         /* of the frame being dealt with */
    struct wire_arena apply_arena;   /* of the slot being applied */
    struct wire_arena command_arena; /* of one command or entry within those */
    struct wire_arena read_arena;    /* of a read that is run, perhaps between two commands */
    struct cd_buf encode;            /* of records and commands */
    struct fsm_result result;
    struct fsm_result read_result;           /* of a read that has one */
    struct fsm_view *views;                  /* WIRE_PAGE_ENTRIES_MAX, of the page being read */
    struct wire_changed_node *changed_nodes; /* NULL, or WIRE_PAGE_ENTRIES_MAX */
    struct fsm_bytes *changed_names;         /* likewise, WIRE_PAGE_NAMES_MAX */
    struct replica_version *versions;        /* that lists go on with; list, oldest use first */
    struct replica_version *versions_given_up;
    size_t versions_count;
    uint64_t version_counter;

    uint64_t incarnation, boot;
    uint64_t created_ms;
    bool fresh;   /* the incarnation was drawn by this process */
    bool started; /* paxos_start was called: the incarnation is durable */
    bool fatal, stopping;
    bool hand_over_asked;
    uint64_t start_position; /* what must be durable before the start */
    uint64_t durable;        /* log position told by storage */
    uint64_t identity;       /* log position of a fresh incarnation's record: none speaks before */
    uint64_t needed;         /* log position of the newest record that a message may wait for */
    uint64_t persists;       /* records that paxos has asked for, */
    uint64_t persists_durable;      /* and those durable, */
    struct replica_record *records; /* ring: record n at n % records_capacity */
    size_t records_capacity;
    uint64_t acknowledged; /* log position of the newest durable one that is not lazy */
    uint64_t applied_told; /* slot told to paxos */
    bool pinned;           /* frames of other clusters are refused */
    uint8_t cluster_id[PAXOS_CLUSTER_ID_BYTES];

    struct replica_peer peers[PAXOS_MEMBERS_MAX];
    size_t peers_count;
    struct replica_delayed *delayed_first, *delayed_last;
    size_t delayed_bytes;

    struct replica_stream *streams; /* hash by number */
    struct replica_stream *served;  /* those with a session, hash by it */
    struct replica_stream *dirty;
    struct replica_stream *full;  /* within one replica_tell_events */
    size_t resuming_count;        /* streams in REPLICA_RESUMING */
    struct replica_write *writes; /* hash by counter */
    size_t writes_count, writes_bytes;
    uint64_t write_counter;
    bool again; /* a write is to be proposed again */
    struct replica_command *queue_first, *queue_last;
    size_t queue_bytes;
    struct paxos_ballot queue_ballot; /* the leadership that the queue's commands are meant for */
    struct replica_read *reads;       /* list, oldest first */
    size_t reads_count;
    uint64_t token_asked; /* barriers: last one given to paxos, */
    uint64_t token_done;  /* last one answered, */
    uint64_t token_index; /* and the slot at which its reads may run */
    uint64_t expiry_ms;   /* when they are looked through next */

    struct watches *watches;
    uint64_t told_zxid;            /* its events were put into the frames of all that are live */
    size_t watching_count;         /* streams that watch, */
    struct replica_stream *behind; /* those of them in REPLICA_BEHIND; list */
    size_t rearming_count;         /* streams with rearm_asked */
    uint64_t bookmark_ms;          /* when bookmarks are due next */
    struct cd_buf event_head;      /* of the change being told */
    struct wire_page watch_page;   /* read along with a watch */

    bool in_office;               /* this replica leads and has applied its leadership, */
    struct paxos_ballot office;   /* this one */
    struct replica_lease *leases; /* in office: hash by session */
    struct replica_due *due;      /* heap */
    size_t due_count, due_capacity;
    uint64_t floor_ms; /* no lease counts from before */
    uint64_t turn_ms;  /* of the last turn in office */
    bool judging;      /* a round is wanted before anybody is judged */
    uint64_t judge_asked_ms, judge_token;
    uint64_t reap_ms;                 /* when nodes are looked for next */
    struct replica_renewal *renewals; /* list, oldest first */
    size_t renewals_count;
    uint64_t renew_counter;
    uint64_t *renew_due; /* streams */
    size_t renew_due_count, renew_due_capacity;
    uint64_t renew_ms; /* when the next renewal may leave */

    struct replica_pending *pending;
    size_t pending_count;

    uint32_t leader_seen;   /* of the last turn */
    uint32_t leader_before; /* the last one that was known; 0: none yet */
    uint64_t leaderless_ms; /* since when */
    bool leaderless_told;
    uint64_t office_ms;         /* when our leadership was applied, */
    uint64_t office_elapsed_ms; /* and the cluster's time then (R13) */

    struct replica_view counts; /* the counters of it */
};

/* replica.c */
void replica_step(struct replica *r, struct paxos_event *event);
void replica_fail(struct replica *r, const char *text);
void replica_emit(struct replica *r, const struct replica_event *event);
bool replica_leads(const struct replica *r); /* established, and not fenced */
void replica_get_status(const struct replica *r, struct paxos_status *ret_status);

/* recovery.c */
CD_MUST_USE enum cd_status replica_recover(struct replica *r, uint64_t segment_bytes,
                                           struct cd_error *error);
CD_MUST_USE enum cd_status replica_append_state(struct replica *r, uint64_t *ret_position);
/* The records of one paxos_persist. CD_BUSY, CD_IN_DOUBT as storage_log_append. */
CD_MUST_USE enum cd_status replica_append(struct replica *r, const struct paxos_persist *persist,
                                          uint64_t *ret_position);

/* apply.c */
CD_MUST_USE enum cd_status replica_apply(struct replica *r, const struct paxos_entry *entry,
                                         struct cd_error *error);
/* The same to a machine that nobody sees, beside the one in force. */
CD_MUST_USE enum cd_status replica_apply_to(struct replica *r, struct fsm *fsm,
                                            struct replica_digests *digests,
                                            const struct paxos_entry *entry,
                                            struct cd_error *error);

/* digests.c */
/* `fsm` has ended a slot. */
void replica_digest_note(struct replica_digests *kept, const struct fsm *fsm);
/* `fsm` is as a snapshot of an agreed slot had it. */
void replica_digest_begin(struct replica_digests *kept, const struct fsm *fsm);
enum replica_verdict replica_digest_compare(struct replica_digests *kept,
                                            const struct fsm_op_agree_digest *agree);
/* Of a snapshot of that slot: may it be kept? INCOMPARABLE: not known yet. */
enum replica_verdict replica_digest_verdict(struct replica *r, uint64_t slot);
void replica_digest_agreed(struct replica *r, const struct fsm_op_agree_digest *agree);
void replica_on_digest(struct replica *r, uint32_t node, uint64_t incarnation,
                       const struct wire_digest *digest);
void replica_digests_turn(struct replica *r, uint64_t now_ms);
uint64_t replica_digests_deadline_ms(const struct replica *r);

/* fence.c */
/* The state differs from the majority's at `slot`. May be called while a slot is applied. */
void replica_fence(struct replica *r, uint64_t slot);
void replica_fence_agreed(struct replica *r, const struct fsm_op_agree_digest *agree);
/* A peer's snapshot lies here now. False: it is nothing for a fenced replica. */
bool replica_fence_received(struct replica *r, uint64_t slot);
bool replica_fence_wants(const struct replica *r, uint64_t slot);
/* A whole other state was put in force. */
void replica_fence_end(struct replica *r);
void replica_fence_turn(struct replica *r, uint64_t now_ms);
uint64_t replica_fence_deadline_ms(const struct replica *r);
void replica_fence_free(struct replica *r);
extern const char replica_fence_text[]; /* for clients */

/* peers.c */
bool replica_peer_knows(const struct replica *r, uint32_t node, uint64_t feature);
/* No peer that was heard of lacks it. */
bool replica_peers_know(const struct replica *r, uint64_t feature);
/* Chosen entries from `first` on, at most `max`, for who releases their payloads. */
CD_MUST_USE enum cd_status replica_read_entries(struct replica *r, paxos_slot first,
                                                paxos_slot last, struct paxos_entry *entries,
                                                size_t max, size_t *ret_count,
                                                struct cd_error *error);
void replica_send_digest(struct replica *r, uint32_t node, const struct wire_digest *digest);
void replica_peer_send(struct replica *r, const struct paxos_send *send);
void replica_release_delayed(struct replica *r);
/* Drops all that was composed and has not left: a frame names one incarnation for all of it (R2).
 */
void replica_drop_unsaid(struct replica *r);
void replica_answer_fetch(struct replica *r, uint32_t to, paxos_slot first, paxos_slot last);
/* False: not a configured peer. */
bool replica_forward(struct replica *r, uint32_t leader, struct paxos_ballot ballot,
                     struct fsm_bytes command);
void replica_refuse_forwarded(struct replica *r, const struct replica_command *command,
                              enum cd_status status);
void replica_flush_peers(struct replica *r);
void replica_free_peers(struct replica *r);

void replica_send_offer(struct replica *r, uint32_t node, const struct wire_snapshot_offer *offer);
void replica_send_ask(struct replica *r, uint32_t node, const struct wire_snapshot_ask *ask);
void replica_send_chunk(struct replica *r, uint32_t node, const struct wire_snapshot_chunk *chunk);
void replica_send_gone(struct replica *r, uint32_t node, uint64_t slot);
bool replica_send_renew(struct replica *r, uint32_t node, const struct wire_renew *renew);
void replica_send_renewed(struct replica *r, uint32_t node, const struct wire_renewed *renewed);

/* streams.c */
struct replica_stream *replica_stream_find(const struct replica *r, uint64_t stream);
struct replica_stream *replica_served_find(const struct replica *r, uint64_t session);
void replica_serve(struct replica *r, struct replica_stream *stream, uint64_t session);
void replica_unserve(struct replica *r, struct replica_stream *stream);
void replica_stream_touch(struct replica *r, struct replica_stream *stream);
/* Sends what its frame holds; `more`: the last zxid's events go on in the next one. */
void replica_stream_flush(struct replica *r, struct replica_stream *stream, bool more);
/* For one more item of a stream that will be flushed with the turn. */
struct cd_buf *replica_stream_frame(struct replica *r, struct replica_stream *stream);
void replica_stream_reply(struct replica *r, struct replica_stream *stream,
                          const struct wire_reply *reply);
/* The events before held replies were told: they follow. */
void replica_stream_let_go(struct replica *r, struct replica_stream *stream);
void replica_stream_confirm(struct replica *r, struct replica_stream *stream, uint64_t frame);
/* CD_SESSION_MOVED, CD_SESSION_EXPIRED: the stream is told and closed. */
void replica_stream_end_session(struct replica *r, struct replica_stream *stream,
                                enum cd_status status);
/* At the end of the turn; until then nothing more counts for it. `message` is copied. */
void replica_close_stream(struct replica *r, struct replica_stream *stream,
                          enum replica_rpc_status status, const char *message);
void replica_tell_leaderless(struct replica *r, uint64_t since_ms);
void replica_tell_stopping(struct replica *r);
void replica_tell_fenced(struct replica *r);
void replica_flush_streams(struct replica *r);
void replica_free_streams(struct replica *r);

/* session.c */
bool replica_hello_waits(const struct replica_stream *stream);
void replica_drop_hello(struct replica *r, struct replica_stream *stream);
void replica_refuse_hello(struct replica *r, struct replica_stream *stream, enum cd_status status,
                          const char *message);
/* The stream's OPEN_SESSION was applied, or will not be. `stream` may be NULL: it is gone. */
void replica_session_opened(struct replica *r, struct replica_stream *stream,
                            const struct fsm_result *result);
void replica_session_refused(struct replica *r, struct replica_stream *stream,
                             enum cd_status status);
void replica_settle_hellos(struct replica *r, uint64_t now_ms);
/* Is it the session's identity, and its secret? */
bool replica_may_claim(const struct fsm_session_view *view, const struct fsm_who *who,
                       const uint8_t secret[WIRE_SECRET_BYTES]);

void replica_take_request(struct replica *r, const struct replica_asker *asker,
                          struct replica_stream *stream, const char *identity,
                          struct wire_request *request);

/* calls.c */
void replica_answer(struct replica *r, const struct replica_asker *asker,
                    const struct wire_reply *reply);
void replica_refuse(struct replica *r, const struct replica_asker *asker, enum cd_status status,
                    const char *message);
/* Splits an identity, which must outlive it, and says whether it may administer. */
void replica_who_of(const struct replica *r, const char *identity, struct fsm_who *ret_who);

/* lease.c */
void replica_lease_take_office(struct replica *r, uint64_t now_ms);
void replica_lease_clear(struct replica *r); /* out of office */
void replica_lease_opened(struct replica *r, uint64_t session);
void replica_lease_ended(struct replica *r, uint64_t session);
/* What a leader knows; false if it is not in office or there is no such session. */
bool replica_lease_view(const struct replica *r, uint64_t session, uint32_t *ret_node,
                        uint64_t *ret_renewed_ms);
void replica_lease_judge(struct replica *r, uint64_t now_ms);
uint64_t replica_lease_deadline_ms(const struct replica *r);
bool replica_lease_wants_round(const struct replica *r);
void replica_lease_round_done(struct replica *r);
void replica_heartbeat(struct replica *r, struct replica_stream *stream);
void replica_renew(struct replica *r, uint64_t now_ms);
void replica_on_renew(struct replica *r, uint32_t node, const struct wire_renew *renew);
void replica_on_renewed(struct replica *r, uint32_t node, const struct wire_renewed *renewed);
void replica_lease_free(struct replica *r);

/* watches.c */
static inline bool replica_stream_is_live(const struct replica_stream *stream)
{
    return stream->mode != REPLICA_REARMING && stream->mode != REPLICA_BEHIND;
}
void replica_fall_behind(struct replica *r, struct replica_stream *stream, uint64_t zxid);
uint64_t replica_complete_to(const struct replica *r, const struct replica_stream *stream);
/* Set or unset a watch. CD_OK: the reply is filled. */
enum cd_status replica_watch(struct replica *r, struct replica_stream *stream,
                             const struct fsm_who *who, const struct wire_watch *watch,
                             struct wire_reply *reply);
enum cd_status replica_unwatch(struct replica *r, struct replica_stream *stream,
                               const struct wire_watch *watch, struct wire_reply *reply);
/* All watches were set again; what the stream's client missed is told when they stand. */
void replica_rearm(struct replica *r, struct replica_stream *stream);
void replica_settle_rearms(struct replica *r);
/* What a command changed, to all streams with a watch on it. */
void replica_tell_events(struct replica *r, const struct fsm_result *result);
/* Another state was installed: its history is empty. */
void replica_reset_watches(struct replica *r);
/* Goes on with streams that are behind. */
void replica_catch_up(struct replica *r);
/* A stream that will be closed: what it has room for, and the held replies if that is all. */
void replica_catch_up_last(struct replica *r, struct replica_stream *stream);
void replica_tell_bookmarks(struct replica *r, uint64_t now_ms);
void replica_drop_watches(struct replica *r, struct replica_stream *stream);

/* writes.c */
/* Also a refused one with a seq, whose refusal takes its place in the log (R11). */
void replica_write(struct replica *r, const struct replica_asker *asker,
                   struct replica_stream *stream, const char *identity,
                   struct wire_request *request);
void replica_open_session(struct replica *r, struct replica_stream *stream);
/* A command of the leader's own, for which nobody waits. False: it could not be queued. */
bool replica_submit_own(struct replica *r, struct fsm_command *command);
void replica_propose_again(struct replica *r, uint64_t now_ms);
void replica_drop_writes(struct replica *r, struct replica_stream *stream);
void replica_on_forward(struct replica *r, uint32_t from, uint64_t boot,
                        const struct wire_forward *forward);
void replica_on_forward_refused(struct replica *r, const struct wire_forward_refused *refused);
void replica_write_applied(struct replica *r, const struct fsm_command *command,
                           const struct fsm_result *result);
void replica_leadership_applied(struct replica *r, struct paxos_ballot lead);
void replica_propose(struct replica *r);
void replica_expire_writes(struct replica *r, uint64_t now_ms);
/* Another state was installed: what it knows of waiting writes is answered. */
void replica_settle_writes(struct replica *r);
/* Calls whose writes are on their way are told that the outcome is unknown. */
void replica_abandon_calls(struct replica *r);
void replica_free_writes(struct replica *r);

/* reads.c */
void replica_read(struct replica *r, const struct replica_asker *asker,
                  struct replica_stream *stream, const char *identity,
                  const struct wire_request *request);
bool replica_reads_want_round(const struct replica *r);
void replica_run_reads(struct replica *r);
/* R24: SESSION reads that directly follow the write `counter` of the stream, or `seq` of its
 * session if that is not 0. */
void replica_run_reads_after(struct replica *r, uint64_t stream, uint64_t counter, uint64_t seq);
void replica_refuse_barrier_reads(struct replica *r);
void replica_refuse_all_reads(struct replica *r, enum cd_status status, const char *message);
void replica_expire_reads(struct replica *r, uint64_t now_ms);
void replica_free_reads(struct replica *r);

/* answers.c */
void replica_answer_read(struct replica *r, const struct replica_asker *asker,
                         struct replica_stream *stream, const struct fsm_who *who,
                         struct wire_request *request);
enum cd_status replica_read_now(struct replica *r, const struct fsm_who *who, uint64_t session,
                                struct wire_request *request, struct wire_reply *reply);
enum cd_status replica_read_page(struct replica *r, const struct fsm_who *who,
                                 const struct wire_list *wanted, struct wire_page *ret_page);
void replica_release_versions(struct replica *r, uint64_t now_ms);
void replica_give_up_versions(struct replica *r);
void replica_free_versions(struct replica *r);

/* loading.c: CD_OK, CD_NOT_FOUND, CD_CORRUPT, CD_NEWER_FORMAT, CD_IO. After a failure: end. */
CD_MUST_USE enum cd_status replica_load_begin(struct replica *r, uint64_t slot,
                                              struct replica_loading *loading,
                                              struct cd_error *error);
CD_MUST_USE enum cd_status replica_load_step(struct replica *r, struct replica_loading *loading,
                                             bool *ret_done, struct cd_error *error);
void replica_load_end(struct replica_loading *loading);

/* snapshots.c */
void replica_snapshot_at_slot(struct replica *r); /* a slot was applied */
void replica_snapshot_abandon(struct replica *r); /* the one that is being taken */
void replica_offer_snapshot(struct replica *r, uint32_t node);
void replica_on_snapshot_offer(struct replica *r, uint32_t node,
                               const struct wire_snapshot_offer *offer);
void replica_on_snapshot_ask(struct replica *r, uint32_t node, const struct wire_snapshot_ask *ask);
void replica_on_snapshot_chunk(struct replica *r, uint32_t node,
                               const struct wire_snapshot_chunk *chunk);
void replica_on_snapshot_gone(struct replica *r, uint32_t node, uint64_t slot);
void replica_snapshots_turn(struct replica *r, uint64_t now_ms);
uint64_t replica_snapshots_deadline_ms(const struct replica *r);
void replica_snapshots_free(struct replica *r);

/* upkeep.c */
void replica_reap(struct replica *r, uint64_t now_ms);

/* admin.c */
bool replica_is_admin(const struct replica *r, const char *identity);
void replica_admin(struct replica *r, uint64_t call, enum replica_method method,
                   const char *identity, const void *bytes, size_t bytes_count);
void replica_settle_pending(struct replica *r, uint64_t now_ms);
void replica_free_pending(struct replica *r);

#endif
