#ifndef COORD_TESTS_SIMULATION_CLUSTER_H
#define COORD_TESTS_SIMULATION_CLUSTER_H

#include "replica/replica.h"
#include "simulation/liar.h"
#include "simulation/network.h"
#include "simulation/print.h"
#include "simulation/saboteur.h"
#include "simulation/trace.h"
#include "simulation/world.h"
#include "support/fault_disk.h"

/*
 * Whole replicas (the shipped object code from replica down) on a world: a disk each that may lose
 * what was not synced, the network between them, and streams and calls of clients.
 */

enum {
    CLUSTER_NODES_MAX = NETWORK_NODES_MAX,
    CLUSTER_PARKED_MAX = 4096,
    CLUSTER_CLIENTS_MAX = 32,    /* ids 0 to 31 */
    CLUSTER_KEEPALIVE_MS = 5000, /* whoever hears nothing for so long takes a stream for broken */
};

#define CLUSTER_ADMIN  "dns:admin.example"
#define CLUSTER_CLIENT "dns:client.example"

/* Something on its way into a replica. */
enum cluster_input_kind {
    CLUSTER_INPUT_PEER,
    CLUSTER_INPUT_STREAM_OPENED,
    CLUSTER_INPUT_STREAM_FRAME,
    CLUSTER_INPUT_STREAM_SENT, /* the client has read so much */
    CLUSTER_INPUT_STREAM_CLOSED,
};

struct cluster_input {
    enum cluster_input_kind kind;
    uint32_t from; /* PEER */
    uint64_t stream;
    uint64_t number;       /* SENT: bytes */
    struct cd_blob *bytes; /* one reference, or NULL */
};

struct cluster;

struct cluster_node {
    struct cluster *cluster;
    uint32_t id;
    struct world_clock clock;
    int64_t wall_shift_ms;
    struct cd_prng prng;
    struct fault_disk *disk;
    struct liar *liar; /* NULL unless P2 is broken */
    struct fault_disk_image *yesterday;
    struct replica *replica; /* NULL while down */
    uint64_t life;
    uint64_t turns;
    uint64_t pauses;
    uint64_t paused_us;   /* when the last one began */
    uint64_t incarnation; /* as last seen, also while down */
    bool paused, disk_slow, stopping;
    bool disk_full;         /* somebody took its room away, */
    uint64_t faults_before; /* of its disk, when this life began */
    uint64_t room_us;       /* or gave it back then: a replica looks for it once a second */
    bool turn_due;          /* a turn is scheduled */
    uint64_t wake_us;
    struct cluster_input *parked;
    size_t parked_count;
};

enum cluster_stream_state {
    CLUSTER_STREAM_OPEN,
    CLUSTER_STREAM_STUCK, /* a frame was lost to a cut: nothing after it may arrive */
    CLUSTER_STREAM_ENDED, /* by either side */
};

struct cluster_stream {
    uint32_t client, node;
    uint64_t life; /* of the node, when it opened */
    enum cluster_stream_state state;
    uint64_t to_node_us, to_client_us; /* when the last frame arrives: streams keep order */
    uint64_t given_bytes, taken_bytes; /* by the replica, and of that read by the client */
};

/* Whoever looks on. */
struct cluster_watcher {
    void *context;
    void (*started)(void *context, struct cluster_node *node);
    void (*applied)(void *context, struct cluster_node *node, const struct replica_event *event);
    /* REPLICA_EV_COMMAND; may be NULL. */
    void (*carried_out)(void *context, struct cluster_node *node,
                        const struct replica_event *event);
    /* REPLICA_EV_LOADED, REPLICA_EV_INSTALLED: the state of a snapshot took the place of its own.
     */
    void (*replaced)(void *context, struct cluster_node *node, const struct replica_event *event);
    void (*noted)(void *context, struct cluster_node *node, const struct paxos_note *note);
    void (*stream_frame)(void *context, uint64_t stream, uint32_t client, struct cd_blob *frame);
    void (*stream_closed)(void *context, uint64_t stream, uint32_t client);
    void (*call_reply)(void *context, struct cluster_node *node, uint64_t call,
                       enum replica_rpc_status status, struct cd_blob *reply);
    /* The replica cannot go on, or does not start: `expected` if a fault was injected. */
    void (*died)(void *context, struct cluster_node *node, bool expected, const char *why);
};

struct cluster_options {
    uint32_t nodes;
    uint32_t alpha;
    uint32_t heartbeat_ms, election_ms;
    uint64_t segment_bytes;
    uint64_t snapshot_bytes, history_bytes; /* 0: the defaults */
    uint32_t container_ms;                  /* likewise */
    uint64_t disk_us_min, disk_us_max;
    int32_t skew_ppm_max;
    uint64_t wall_shift_ms_max;
    uint64_t client_delay_us_min, client_delay_us_mean;
    bool hide_frames;          /* the trace leaves out frames, slots and texts that may change */
    bool disks_lie;            /* break P2 */
    bool promises_forget;      /* break R1 */
    struct saboteur *saboteur; /* breaks a rule on clients' streams; NULL: none. Borrowed. */
};

struct cluster {
    struct world *world;
    struct network network;
    struct trace *trace;
    struct printer printer;
    struct cd_prng prng;
    struct cluster_options options;
    struct cluster_watcher watcher;
    struct replica_ports ports[CLUSTER_NODES_MAX];
    struct cluster_node nodes[CLUSTER_NODES_MAX]; /* [0] is unused */
    struct cluster_stream *streams;               /* [n] is stream n + 1 */
    size_t streams_count, streams_capacity;
    uint32_t client_cut[CLUSTER_NODES_MAX]; /* bit set of clients that cannot reach the node */
    uint32_t clients_out;                   /* those that cannot reach any */
    uint64_t notes[PAXOS_NOTE_COUNT];
    uint64_t restarts, crashes, lossy_crashes, wipes, restores, failed_starts;
    uint64_t snapshots; /* taken in lives that are over */
};

void cluster_init(struct cluster *cluster, struct world *world, struct trace *trace,
                  const struct cluster_options *options);
void cluster_release(struct cluster *cluster);
struct cluster_node *cluster_node(struct cluster *cluster, uint32_t id);

/*
 * Starts a replica from its disk. `fail_at`: the n-th disk operation from now on fails, and all
 * after it, as in a crash during recovery; 0: none. Returns whether it is up.
 */
bool cluster_start(struct cluster_node *node, uint64_t fail_at);
/* `power`: unsynced writes are lost, kept or torn; else the process alone ends. */
void cluster_crash(struct cluster_node *node, bool power);
void cluster_wipe(struct cluster_node *node);
void cluster_copy_disk(struct cluster_node *node);
void cluster_restore_disk(struct cluster_node *node);
void cluster_pause(struct cluster_node *node, bool paused);
void cluster_slow_disk(struct cluster_node *node, bool slow);
/* Nothing more can be reserved; what was goes on being written. */
void cluster_fill_disk(struct cluster_node *node, bool full);
/* Graceful stop: asked to hand over; the process ends when it may, at the latest in 5 s. */
void cluster_stop(struct cluster_node *node);

/* All zero of one that is down. */
void cluster_view(const struct cluster_node *node, struct replica_view *ret_view);
/* The replica that leads under the highest ballot and is established; NULL if none. */
struct cluster_node *cluster_leader(struct cluster *cluster);

/* A call of an administrator, without delay. */
void cluster_call(struct cluster_node *node, uint64_t call, enum replica_method method,
                  struct cd_blob *bytes);

/* A client's side of a stream. Frames are taken over. */
uint64_t cluster_open_stream(struct cluster *cluster, uint32_t client, uint32_t node);
void cluster_send(struct cluster *cluster, uint64_t stream, struct cd_blob *frame);
/* It has read frames of so many bytes: the replica may send more. */
void cluster_took(struct cluster *cluster, uint64_t stream, size_t bytes);
void cluster_close_stream(struct cluster *cluster, uint64_t stream);

#endif
