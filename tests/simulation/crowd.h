#ifndef COORD_TESTS_SIMULATION_CROWD_H
#define COORD_TESTS_SIMULATION_CROWD_H

#include "checkers/history.h"
#include "simulation/cluster.h"
#include "simulation/frames.h"

/*
 * The clients of a simulated cluster and what they saw: each holds one stream to some replica,
 * sends a few operations at a time, and goes elsewhere when told to or when nothing comes.
 * Auditors, one for each replica, read everything at the end and stay with their replica.
 */

enum {
    CROWD_CLIENTS_MAX = 16,
    CROWD_PIPELINE_MAX = 4,
    CROWD_KEYS = 6,     /* "/k0" ... */
    CROWD_CHILDREN = 3, /* "/k0/c0" ... */
    CROWD_AUDIT_READS = CROWD_KEYS * (CROWD_CHILDREN + 2) + 2,
};

struct crowd_pending {
    uint64_t number; /* of the operation; also the request's id */
    uint64_t deadline_us;
};

struct crowd_client {
    struct crowd *crowd;
    uint32_t id;
    uint32_t pinned; /* node of an auditor; 0: goes where it likes */
    struct cd_prng prng;
    uint64_t stream; /* 0: none */
    uint32_t node;
    bool welcomed;
    uint64_t opened_us;
    uint64_t frames;
    uint64_t seen_zxid;
    uint64_t last_write; /* number of the write sent last on this stream; 0 */
    struct frame_cluster known;
    struct crowd_pending pending[CROWD_PIPELINE_MAX];
    size_t pending_count, depth;
    uint64_t think_us_mean;
    uint64_t patience_us;
    size_t audited; /* reads of the audit done */
};

struct crowd {
    struct world *world;
    struct cluster *cluster;
    struct trace *trace;
    struct verdict *verdict;
    struct crowd_client clients[CROWD_CLIENTS_MAX + CLUSTER_NODES_MAX];
    size_t clients_count;
    size_t auditors_first;  /* index of the first of them */
    bool quiet;             /* no new operations */
    struct history_op *ops; /* [n] has number n + 1 */
    size_t ops_count, ops_capacity;
    struct model_command *log;
    size_t log_count, log_capacity;
    size_t *slot_ends; /* [s]: commands in the log up to slot s + 1 */
    size_t slots, slots_capacity;
    uint64_t reads, writes_ok, writes_refused, writes_unknown, moves;
    uint64_t last_ok; /* number of the newest acknowledged write */
    uint64_t last_ok_us;
    uint64_t late_from, late_ok, first_late_us;
};

void crowd_init(struct crowd *crowd, struct world *world, struct cluster *cluster,
                struct trace *trace, struct verdict *verdict, size_t clients);
void crowd_release(struct crowd *crowd);

/* From the cluster. */
void crowd_on_frame(struct crowd *crowd, uint64_t stream, uint32_t client, struct cd_blob *frame);
void crowd_on_closed(struct crowd *crowd, uint64_t stream, uint32_t client);
void crowd_on_applied(struct crowd *crowd, const struct paxos_entry *entry);

/* From now on acknowledged writes count as late. */
void crowd_count_late(struct crowd *crowd);

/* No more new operations. */
void crowd_hush(struct crowd *crowd);
bool crowd_is_idle(const struct crowd *crowd);

/* Everything is read at every replica. */
void crowd_begin_audit(struct crowd *crowd);
bool crowd_audit_is_done(const struct crowd *crowd);

#endif
