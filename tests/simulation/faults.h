#ifndef COORD_TESTS_SIMULATION_FAULTS_H
#define COORD_TESTS_SIMULATION_FAULTS_H

#include "simulation/network.h"
#include "simulation/trace.h"
#include "simulation/world.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Swarm testing: each seed draws which faults there are, how often and how long, then they happen
 * to the replicas (the subject) until the end of the first phase. The atlas keeps the cluster
 * recoverable: of what a majority remembers nothing is ever lost, so memory is taken only from as
 * many replicas at a time as may be without, until the log has readmitted them.
 */

#define FAULT_TABLE(X)                                                                             \
    X(CRASH, "crash")             /* the machine loses power; it starts again later */             \
    X(CRASH_ALL, "crash-all")     /* all of them at once */                                        \
    X(AMBUSH, "ambush")           /* the leader does not reach a minority, then crashes */         \
    X(PAUSE, "pause")             /* the process is stopped for a while */                         \
    X(SLOW_DISK, "slow-disk")     /* syncs take long */                                            \
    X(WIPE, "wipe")               /* comes back with an empty disk */                              \
    X(RESTORE, "restore")         /* comes back with yesterday's copy of its disk */               \
    X(ISOLATE, "isolate")         /* one replica is cut off */                                     \
    X(SPLIT, "split")             /* two sides that do not hear each other */                      \
    X(ONE_WAY, "one-way")         /* one link, or all to or from one replica, in one direction */  \
    X(BRIDGE, "bridge")           /* two sides and one replica that hears both */                  \
    X(RING, "ring")               /* each hears only its neighbours */                             \
    X(RANDOM_CUTS, "random-cuts") /* any set of directed links */                                  \
    X(STORM, "storm")             /* much loss, delay, repetition, reordering */                   \
    X(HAND_OVER, "hand-over")     /* the leader is told to hand over */                            \
    X(REMOVE, "remove")           /* a member is removed; its empty replacement joins */           \
    X(EXTRA, "extra")             /* the subject's own */

enum fault_kind {
#define FAULT_ENUM(name, text) FAULT_##name,
    FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_KINDS
};

const char *fault_name(enum fault_kind kind);

/* What happens to writes that were not synced when a replica crashes. */
enum fault_loss {
    FAULT_LOSS_RANDOM,
    FAULT_LOSS_ALL,
    FAULT_LOSS_NONE, /* the process died, the machine lives */
};

/* What faults are done to. Nodes are 1..nodes. All functions are called between events. */
struct fault_subject {
    void *context;
    uint32_t nodes;
    bool (*is_up)(void *context, uint32_t node);
    uint32_t (*leader)(void *context); /* 0: none */
    /* Up, votes, verified, and in touch with a leader: nothing hangs on its being young. */
    bool (*is_well)(void *context, uint32_t node);
    void (*crash)(void *context, uint32_t node, enum fault_loss loss);
    void (*start)(void *context, uint32_t node);
    void (*wipe)(void *context, uint32_t node);      /* while down */
    void (*copy_disk)(void *context, uint32_t node); /* at any time */
    bool (*has_copy)(void *context, uint32_t node);
    /* While down. Returns whether the copy lacks anything that the disk held. */
    bool (*restore_disk)(void *context, uint32_t node);
    void (*pause)(void *context, uint32_t node, bool paused);
    void (*slow_disk)(void *context, uint32_t node, bool slow);
    bool (*hand_over)(void *context); /* false: no leader to ask */
    bool (*remove)(void *context, uint32_t node);
    bool (*extra)(void *context);
};

struct faults {
    struct world *world;
    struct network *network;
    struct trace *trace;
    struct fault_subject subject;
    struct cd_prng prng;
    uint32_t weights[FAULT_KINDS]; /* 0: not in this seed */
    uint32_t weights_sum;
    uint64_t gap_us_mean;
    uint64_t length_us_mean;
    struct network_weather calm;
    bool over;                 /* healed: nothing begins any more */
    uint32_t forgetful;        /* bit set: lost its memory and was not readmitted */
    uint32_t out;              /* bit set: removed, has to come back empty */
    uint64_t lenient_until_us; /* nothing new begins before: a restored disk is being noticed */
    uint64_t removals; /* counts removals, so that only the newest is followed by a replacement */
    uint64_t cuts;     /* counts changes of the links, so that only the newest ends */
    uint64_t storms;
    uint64_t counts[FAULT_KINDS];
    uint64_t total;
};

/*
 * Draws this seed's faults and begins. `calm` is the weather between storms. Until the log has
 * admitted them, all but node 1 (the founder) count as being without memory.
 */
void faults_begin(struct faults *faults, struct world *world, struct network *network,
                  struct trace *trace, const struct fault_subject *subject,
                  const struct network_weather *calm);

/* Ends everything: links joined, weather good, paused replicas go on, dead ones start. */
void faults_heal(struct faults *faults);

/* The log has readmitted `node`: its memory counts again. */
void faults_readmitted(struct faults *faults, uint32_t node);

#endif
