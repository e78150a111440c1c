#ifndef COORD_REPLICA_INTERNAL_H
#define COORD_REPLICA_INTERNAL_H

#include "replica/replica.h"

#include "base/buf.h"
#include "base/table.h"
#include "storage/log.h"
#include "wire/wire.h"

/*
 * The state of one replica and what its files share: recovery.c opens the log; replica.c turns
 * paxos' effects into acts; apply.c applies what is chosen; peers.c carries frames between
 * replicas; session.c serves streams and calls; writes.c and reads.c hold what waits; admin.c
 * service Admin.
 */

enum {
    REPLICA_STREAMS_MAX = 65536,
    REPLICA_STREAM_READS_MAX = 1024,      /* waiting reads of one stream */
    REPLICA_STREAM_WRITES_MAX = 1024,     /* unanswered writes of one stream */
    REPLICA_READS_MAX = 65536,            /* waiting reads of all */
    REPLICA_WRITES_MAX = 65536,           /* unanswered writes of all */
    REPLICA_CALLS_MAX = 4096,             /* pending calls of service Admin */
    REPLICA_QUEUE_BYTES_MAX = 64 << 20,   /* commands that wait to be proposed */
    REPLICA_DELAYED_BYTES_MAX = 64 << 20, /* messages that wait for the disk */
    /* With this much waiting for the disk, proposals wait and acceptances are let go unheard. */
    REPLICA_DISK_BYTES_HIGH = STORAGE_PENDING_BYTES_MAX / 2,
    REPLICA_IDLE_MARK_MS = 20,
    REPLICA_WAIT_MS_DEFAULT = 5000, /* for reads and writes whose client names no bound */
    REPLICA_WAIT_MS_MAX = 60000,
    REPLICA_EXPIRY_PERIOD_MS = 20, /* how often what waits is looked through for deadlines */
};

/* Who waits for an answer: a request of a stream, or a call. */
struct replica_asker {
    bool is_call;
    uint64_t channel; /* stream or call number */
    uint64_t request; /* id within the stream */
};

struct replica_stream {
    uint64_t stream; /* key */
    char *identity;
    bool welcomed;
    bool dirty;                 /* `frame` holds something to send */
    bool closed;                /* to be forgotten when nothing waits for it */
    uint64_t seen_zxid;         /* what it must not fall behind */
    uint64_t last_write;        /* counter of its newest write */
    uint32_t reads, writes;     /* waiting */
    uint64_t outstanding_bytes; /* given to stream_send and not yet told as sent */
    struct cd_buf frame;
    struct replica_stream *next_dirty;
    UT_hash_handle hh;
};

/* A write that was queued here or sent to the leader, until it is applied or given up. */
struct replica_write {
    uint64_t counter; /* key: of its origin */
    struct replica_asker asker;
    struct paxos_ballot leader; /* the leadership that it was meant for */
    uint64_t deadline_ms;
    uint64_t begin_us; /* when it was accepted */
    UT_hash_handle hh; /* in insertion order, so in order of counters */
};

struct replica_read {
    struct replica_asker asker;
    enum wire_request_kind kind;
    enum wire_read_level level;
    uint64_t token;       /* of its barrier; 0: needs none */
    uint64_t after_write; /* counter of the write of its stream that must be answered first; 0 */
    uint64_t zxid;        /* what the state must have reached */
    uint64_t deadline_ms;
    struct wire_list list;
    char *path; /* owned, as `after` within `list` */
    size_t path_bytes;
    struct replica_read *prev, *next;
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
    struct paxos *px;
    struct fsm *fsm;
    struct paxos_effects effects;
    struct wire_arena arena;         /* of the frame being dealt with */
    struct wire_arena apply_arena;   /* of the slot being applied */
    struct wire_arena command_arena; /* of one command or entry within those */
    struct cd_buf encode;            /* of records and commands */
    struct fsm_result result;
    struct fsm_view *views; /* WIRE_PAGE_ENTRIES_MAX, of the page being read */

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
    struct replica_stream *dirty;
    struct replica_write *writes; /* hash by counter */
    size_t writes_count;
    uint64_t write_counter;
    struct replica_command *queue_first, *queue_last;
    size_t queue_bytes;
    struct paxos_ballot queue_ballot; /* the leadership that the queue's commands are meant for */
    struct replica_read *reads;       /* list, oldest first */
    size_t reads_count;
    uint64_t token_asked; /* barriers: last one given to paxos, */
    uint64_t token_done;  /* last one answered, */
    uint64_t token_index; /* and the slot at which its reads may run */
    uint64_t expiry_ms;   /* when they are looked through next */
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
bool replica_leads(const struct replica *r); /* established */
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

/* peers.c */
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

/* session.c */
struct replica_stream *replica_stream_find(struct replica *r, uint64_t stream);
void replica_answer(struct replica *r, const struct replica_asker *asker,
                    const struct wire_reply *reply);
void replica_refuse(struct replica *r, const struct replica_asker *asker, enum cd_status status,
                    const char *message);
void replica_tell_leaderless(struct replica *r, uint64_t since_ms);
void replica_tell_stopping(struct replica *r);
void replica_flush_streams(struct replica *r);
void replica_free_streams(struct replica *r);

/* writes.c */
void replica_write(struct replica *r, const struct replica_asker *asker,
                   struct replica_stream *stream, struct wire_request *request);
void replica_on_forward(struct replica *r, uint32_t from, uint64_t boot,
                        const struct wire_forward *forward);
void replica_on_forward_refused(struct replica *r, const struct wire_forward_refused *refused);
void replica_write_applied(struct replica *r, const struct fsm_command *command,
                           const struct fsm_result *result);
void replica_leadership_applied(struct replica *r, struct paxos_ballot lead);
void replica_propose(struct replica *r);
void replica_expire_writes(struct replica *r, uint64_t now_ms);
void replica_free_writes(struct replica *r);

/* reads.c */
void replica_read(struct replica *r, const struct replica_asker *asker,
                  struct replica_stream *stream, const struct wire_request *request);
void replica_ask_barrier(struct replica *r);
void replica_run_reads(struct replica *r);
/* R24: SESSION reads that directly follow the write `counter` of its stream. */
void replica_run_reads_after(struct replica *r, uint64_t stream, uint64_t counter);
void replica_refuse_barrier_reads(struct replica *r);
void replica_expire_reads(struct replica *r, uint64_t now_ms);
void replica_free_reads(struct replica *r);

/* admin.c */
void replica_admin(struct replica *r, uint64_t call, enum replica_method method,
                   const char *identity, const void *bytes, size_t bytes_count);
void replica_settle_pending(struct replica *r, uint64_t now_ms);
void replica_free_pending(struct replica *r);

#endif
