#ifndef COORD_TESTS_SIMULATION_CROWD_H
#define COORD_TESTS_SIMULATION_CROWD_H

#include "simulation/caller.h"
#include "simulation/errand.h"

/*
 * The clients of a simulated cluster: each is a process with libclient's session machine and an
 * application that writes, reads, watches, and competes for locks. What they do and are told goes
 * to the judges' log. At the end there are auditors, one for each replica, who read everything
 * there.
 */

enum {
    CROWD_CLIENTS_MAX = 12,
    CROWD_WATCHES_MAX = 4, /* of a client at a time, without that of its lock */
    CROWD_KEYS = 6,        /* "/k0" ... */
    CROWD_CHILDREN = 3,    /* "/k0/c0" ... */
    CROWD_NUMBERS = 3,     /* "/n0" ... */
    CROWD_AUDIT_READS = CROWD_KEYS * (CROWD_CHILDREN + 3) + CROWD_NUMBERS + 7,
};

struct crowd;
struct crowd_client;

struct crowd_watch {
    struct client_watch watch; /* first */
    struct crowd_client *client;
    uint64_t number;      /* by which the judges know it: its id may change */
    size_t untaken_bytes; /* of its items, while its user is slow */
    bool is_set, ended;
    char path[MODEL_PATH_BYTES]; /* of a queue front: of its member, once known */
};

/* The queues that there are. */
enum crowd_queue {
    CROWD_OFFICE, /* two jobs compete for it all the time */
    CROWD_LOCK,
    CROWD_SEMAPHORE, /* of two */
    CROWD_QUEUES
};

enum crowd_lock_state {
    LOCK_IDLE,
    LOCK_JOINING, /* its node is being created */
    LOCK_QUEUED,
    LOCK_HELD,
    LOCK_LEAVING, /* its node is being deleted */
};

struct crowd_lock {
    enum crowd_lock_state state;
    enum crowd_queue queue;
    struct crowd_watch *watch; /* its place; NULL: none */
    struct errand *errand;     /* that makes or deletes its node; NULL: none is under way */
    uint64_t session;          /* of its node */
    uint64_t fence;
    uint64_t until_us; /* it holds, or waits, no longer */
    char path[MODEL_PATH_BYTES];
};

/* The member that it once was: what it writes under that fence must be refused. */
struct crowd_ghost {
    enum crowd_queue queue;
    uint64_t fence;
    uint64_t until_us; /* 0: none */
    char path[MODEL_PATH_BYTES];
};

struct crowd_client {
    struct crowd *crowd;
    struct caller caller;
    struct cd_prng prng;
    uint32_t pinned; /* node of an auditor; 0: none */
    bool sessions;
    bool is_job; /* it competes for the office */
    bool locks, watches;
    bool slow; /* it stops reading now and then */
    bool writes_fat;
    size_t pending, depth;
    uint64_t think_us_mean, patience_us;
    struct errand *errands; /* list */
    struct crowd_watch *watched[CROWD_WATCHES_MAX];
    struct crowd_lock lock;
    struct crowd_ghost ghost;
    bool closing;      /* its session is being closed */
    uint64_t stall_us; /* it reads again then; 0: it reads */
    uint64_t burst;    /* fat writes still to be made */
    uint64_t seen_zxid;
    size_t audited;
};

struct crowd {
    struct world *world;
    struct cluster *cluster;
    struct trace *trace;
    struct verdict *verdict;
    struct events *events;
    struct crowd_client *clients[CLUSTER_CLIENTS_MAX]; /* [id], NULL: none */
    uint32_t first_auditor;                            /* id; 0: there are none yet */
    uint32_t clients_count;
    uint64_t ops;         /* numbers given out */
    bool quiet;           /* no new operations */
    uint64_t newest_zxid; /* that anybody was shown */
    uint64_t watches;     /* numbers given out */
    uint64_t reads, writes_ok, writes_refused, writes_unknown;
    uint64_t late_from, late_ok, first_late_us;
};

void crowd_init(struct crowd *crowd, struct world *world, struct cluster *cluster,
                struct trace *trace, struct verdict *verdict, struct events *events,
                size_t clients);
void crowd_release(struct crowd *crowd);

/* From the cluster. */
void crowd_on_frame(struct crowd *crowd, uint64_t stream, uint32_t client, struct cd_blob *frame);
void crowd_on_closed(struct crowd *crowd, uint64_t stream, uint32_t client);

/* Any client that is no auditor; the cluster's number of it. */
uint32_t crowd_pick(const struct crowd *crowd, struct cd_prng *prng);
void crowd_stop(struct crowd *crowd, uint32_t client, uint64_t for_us, bool suspended);

/* From now on acknowledged writes count as late. */
void crowd_count_late(struct crowd *crowd);

/* No more new operations. */
void crowd_hush(struct crowd *crowd);
bool crowd_is_idle(const struct crowd *crowd);

/* Everything is read at every replica. */
void crowd_begin_audit(struct crowd *crowd);
bool crowd_audit_is_done(const struct crowd *crowd);

/* ---- For the files of the crowd alone ---- */

/* crowd_draw.c: what is to be done next. */
void crowd_draw(struct crowd_client *client, struct errand *errand);
void crowd_draw_audit(size_t index, struct errand *errand);
void crowd_step(struct model_step *step, enum model_kind kind, const char *path);

/* crowd.c */
struct errand *crowd_errand(struct crowd_client *client);
void crowd_begin(struct crowd_client *client, struct errand *errand, uint64_t patience_us);
/* How a code of libclient is to be taken. */
enum event_outcome crowd_outcome(struct crowd *crowd, const struct errand *errand, int code);
void crowd_count(struct crowd *crowd, const struct errand *errand, enum event_outcome outcome);
void crowd_close_session(struct crowd_client *client);

/* crowd_watch.c */
void crowd_watch_one(struct crowd_client *client);
void crowd_unwatch_one(struct crowd_client *client);
void crowd_told(void *client, struct client_watch_item *item);
void crowd_watch_sent(void *client, uint64_t watch, uint64_t after);
void crowd_watch_set(void *client, uint64_t watch, uint64_t request);
bool crowd_is_armed(void *client, uint64_t stream);
/* Takes it away and frees it. */
void crowd_watch_drop(struct crowd_client *client, struct crowd_watch *watch);
struct crowd_watch *crowd_watch_new(struct crowd_client *client);
void crowd_drop_watches(struct crowd_client *client);

/* crowd_lock.c */
void crowd_lock_step(struct crowd_client *client);
void crowd_lock_told(struct crowd_client *client, struct crowd_watch *watch,
                     const struct coord_watch_item *item);
void crowd_lock_lost(struct crowd_client *client);
void crowd_lock_release(struct crowd_client *client);
struct model_queue crowd_queue_of(enum crowd_queue queue);

#endif
