#include "simulation/swarm.h"

#include "base/memory.h"
#include "checkers/agreement.h"
#include "checkers/judge.h"
#include "checkers/progress.h"
#include "simulation/cluster.h"
#include "simulation/crowd.h"
#include "simulation/deeds.h"
#include "simulation/faults.h"
#include "simulation/frames.h"

#include <string.h>

enum {
    SWARM_PHASE_MS = 60000,
    SWARM_PHASE_MS_MAX = 600000,
    SWARM_OPERATIONS_MIN = 2000,
    SWARM_FAULTS_MIN = 20,
    SWARM_LAST_WRITES = 20,
    SWARM_TOLD_MS = 30000, /* whoever is at the front of a queue is told within, faults or not */
    SWARM_CONFIGS_MAX = 4096,
    SWARM_TURNS_PER_SECOND_MAX = 20000,
    CODE_ALREADY_BORN = 24, /* of the contract */
    INIT_CALL = 1,
    TRANSFER_CALL = 2,
};

struct swarm_config {
    paxos_slot slot;
    struct paxos_config config;
};

struct swarm {
    struct world world;
    struct trace trace;
    struct cluster cluster;
    struct crowd crowd;
    struct events events;
    struct deeds deeds;
    struct saboteur *saboteur; /* NULL: none */
    struct faults faults;
    struct cd_prng prng;
    struct agreement agreement;
    struct verdict verdict;
    struct report *report;
    uint64_t lost_incarnations[CLUSTER_NODES_MAX];
    struct swarm_config configs[SWARM_CONFIGS_MAX]; /* applied ones, by slot */
    size_t configs_count;
    bool born, faulty;
    uint32_t init_calls;
    struct progress progress;
    uint64_t graces[CLUSTER_NODES_MAX]; /* of each replica, and */
    uint64_t grace_us;                  /* when one last gave any */
};

static uint64_t now_ms(const struct swarm *swarm)
{
    return swarm->world.now_us / 1000;
}

/* ---- What the cluster tells ---- */

static void on_started(void *context, struct cluster_node *node)
{
    struct swarm *swarm = context;
    agreement_started(&swarm->agreement, node->id, 1);
}

static void keep_config(struct swarm *swarm, const struct paxos_entry *entry)
{
    bool known =
        swarm->configs_count > 0 && swarm->configs[swarm->configs_count - 1].slot >= entry->slot;
    if (!known && swarm->configs_count < SWARM_CONFIGS_MAX) {
        struct swarm_config *config = &swarm->configs[swarm->configs_count++];
        config->slot = entry->slot;
        memcpy(&config->config, entry->payload->data, sizeof(config->config));
    }
}

static void on_applied(void *context, struct cluster_node *node, const struct replica_event *event)
{
    struct swarm *swarm = context;
    swarm->report->counts[COUNT_APPLIED]++;
    (void)agreement_applied(&swarm->agreement, node->id, event->slot,
                            print_value_hash(event->entry), event->digest, &swarm->verdict);
    if (event->entry->kind == PAXOS_CONFIG) {
        keep_config(swarm, event->entry);
    }
    deeds_applied(&swarm->deeds, node->id, event);
}

static void on_carried_out(void *context, struct cluster_node *node,
                           const struct replica_event *event)
{
    deeds_carried_out(&((struct swarm *)context)->deeds, node->id, event);
}

static void on_replaced(void *context, struct cluster_node *node, const struct replica_event *event)
{
    struct swarm *swarm = context;
    (void)agreement_installed(&swarm->agreement, node->id, event->slot, event->digest,
                              &swarm->verdict);
    deeds_replaced(&swarm->deeds, node->id, event);
}

static uint64_t present_incarnation(struct cluster_node *node)
{
    if (node->replica != NULL) {
        struct replica_view view;
        cluster_view(node, &view);
        return view.paxos.incarnation;
    }
    return node->incarnation;
}

static void readmit(struct swarm *swarm, const struct paxos_config *config)
{
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        uint64_t present = present_incarnation(cluster_node(&swarm->cluster, member->node));
        if (member->role == PAXOS_VOTER && member->incarnation == present &&
            present != swarm->lost_incarnations[member->node]) {
            faults_readmitted(&swarm->faults, member->node);
        }
    }
}

static void on_noted(void *context, struct cluster_node *node, const struct paxos_note *note)
{
    struct swarm *swarm = context;
    (void)node;
    if (note->kind == PAXOS_NOTE_CONFIG_ACTIVE) {
        for (size_t i = 0; i < swarm->configs_count; i++) {
            if (swarm->configs[i].slot == note->slot) {
                readmit(swarm, &swarm->configs[i].config);
            }
        }
    }
}

static void on_stream_frame(void *context, uint64_t stream, uint32_t client, struct cd_blob *frame)
{
    crowd_on_frame(&((struct swarm *)context)->crowd, stream, client, frame);
}

static void on_stream_closed(void *context, uint64_t stream, uint32_t client)
{
    crowd_on_closed(&((struct swarm *)context)->crowd, stream, client);
}

static void on_call_reply(void *context, struct cluster_node *node, uint64_t call,
                          enum replica_rpc_status status, struct cd_blob *reply)
{
    struct swarm *swarm = context;
    (void)node;
    if (status != REPLICA_RPC_OK) {
        (void)verdict_fail(&swarm->verdict, "a call of Admin got status %d", (int)status);
    } else if (call == INIT_CALL) {
        int code = frame_admin_code(reply->data, reply->bytes);
        swarm->born = swarm->born || code == MODEL_OK || code == CODE_ALREADY_BORN;
    }
}

static void restart_later(struct swarm *swarm, uint32_t node, uint64_t delay_us);

static void on_died(void *context, struct cluster_node *node, bool expected, const char *why)
{
    struct swarm *swarm = context;
    if (!expected) {
        report_fail(swarm->report, EXIT_CRASH, "replica %u cannot go on: %s", node->id, why);
        (void)verdict_fail(&swarm->verdict, "replica %u cannot go on: %s", node->id, why);
        return;
    }
    restart_later(swarm, node->id, sim_between(&swarm->prng, 1000, 500000));
}

/* ---- What faults do ---- */

static struct cluster_node *node_of(void *context, uint32_t id)
{
    return cluster_node(&((struct swarm *)context)->cluster, id);
}

static bool is_up(void *context, uint32_t id)
{
    return node_of(context, id)->replica != NULL;
}

static uint32_t leader(void *context)
{
    const struct cluster_node *node = cluster_leader(&((struct swarm *)context)->cluster);
    return node != NULL ? node->id : 0;
}

static bool is_well(void *context, uint32_t id)
{
    struct swarm *swarm = context;
    struct cluster_node *node = node_of(context, id);
    if (node->replica == NULL || node->paused || node->disk_slow || node->stopping) {
        return false;
    }
    struct replica_view view;
    cluster_view(node, &view);
    return view.paxos.voter && view.paxos.verified && view.paxos.leader != 0 &&
           view.paxos.since_leader_ms < swarm->cluster.options.election_ms;
}

static void crash(void *context, uint32_t id, enum fault_loss loss)
{
    cluster_crash(node_of(context, id), loss != FAULT_LOSS_NONE);
}

static void start(void *context, uint32_t id)
{
    struct swarm *swarm = context;
    bool fails = swarm->faulty && sim_chance(&swarm->prng, 100000);
    (void)cluster_start(node_of(context, id), fails ? sim_between(&swarm->prng, 1, 60) : 0);
}

static void restart(void *context, const struct world_event *event)
{
    if (!is_up(context, event->to)) {
        start(context, event->to);
    }
}

static void restart_later(struct swarm *swarm, uint32_t node, uint64_t delay_us)
{
    world_after(&swarm->world, delay_us,
                (struct world_event){.action = restart, .context = swarm, .to = node});
}

static void wipe(void *context, uint32_t id)
{
    struct swarm *swarm = context;
    swarm->lost_incarnations[id] = present_incarnation(node_of(context, id));
    cluster_wipe(node_of(context, id));
}

static void copy_disk(void *context, uint32_t id)
{
    cluster_copy_disk(node_of(context, id));
}

static bool has_copy(void *context, uint32_t id)
{
    return node_of(context, id)->yesterday != NULL;
}

static bool restore_disk(void *context, uint32_t id)
{
    struct swarm *swarm = context;
    swarm->lost_incarnations[id] = present_incarnation(node_of(context, id));
    cluster_restore_disk(node_of(context, id));
    return true;
}

static void pause(void *context, uint32_t id, bool paused)
{
    cluster_pause(node_of(context, id), paused);
}

static void slow_disk(void *context, uint32_t id, bool slow)
{
    cluster_slow_disk(node_of(context, id), slow);
}

static bool hand_over(void *context)
{
    struct swarm *swarm = context;
    struct cluster_node *leader = cluster_leader(&swarm->cluster);
    if (leader == NULL || leader->paused) {
        return false;
    }
    uint32_t to = (uint32_t)cd_prng_below(&swarm->prng, swarm->cluster.options.nodes + 1);
    cluster_call(leader, TRANSFER_CALL, REPLICA_METHOD_ADMIN_TRANSFER, frame_transfer(to));
    return true;
}

static bool remove_node(void *context, uint32_t id)
{
    (void)context;
    (void)id;
    return false; /* not offered by service Admin yet */
}

static void join_clients(void *context, const struct world_event *event)
{
    struct swarm *swarm = context;
    swarm->cluster.client_cut[event->to] = 0;
}

static void make_room(void *context, const struct world_event *event)
{
    cluster_fill_disk(node_of(context, event->to), false);
}

static void reach_again(void *context, const struct world_event *event)
{
    struct swarm *swarm = context;
    swarm->cluster.clients_out &= ~(UINT32_C(1) << event->to);
}

/* A client's process stands still, its machine sleeps, or it reaches nobody. */
static bool harm_client(struct swarm *swarm)
{
    struct cd_prng *prng = &swarm->prng;
    uint32_t client = crowd_pick(&swarm->crowd, prng);
    uint64_t for_us = sim_exponential(prng, 4000000);
    uint64_t kind = cd_prng_below(prng, 3);
    if (kind < 2) {
        crowd_stop(&swarm->crowd, client, for_us, kind == 1);
        return true;
    }
    swarm->cluster.clients_out |= UINT32_C(1) << client;
    world_after(&swarm->world, for_us,
                (struct world_event){.action = reach_again, .context = swarm, .to = client});
    return true;
}

/* What only whole replicas and their clients can suffer. */
static bool extra(void *context)
{
    struct swarm *swarm = context;
    struct cd_prng *prng = &swarm->prng;
    if (sim_chance(prng, 400000)) {
        return harm_client(swarm);
    }
    uint32_t id = 1 + (uint32_t)cd_prng_below(prng, swarm->cluster.options.nodes);
    struct cluster_node *node = node_of(swarm, id);
    uint64_t kind = cd_prng_below(prng, 5);
    if (kind == 0) { /* some clients cannot reach a replica */
        swarm->cluster.client_cut[id] = (uint32_t)cd_prng_next(prng);
        world_after(&swarm->world, sim_exponential(prng, 2000000),
                    (struct world_event){.action = join_clients, .context = swarm, .to = id});
        return true;
    }
    if (kind == 4) { /* nothing more can be reserved on a disk (R22) */
        cluster_fill_disk(node, true);
        world_after(&swarm->world, sim_exponential(prng, 3000000),
                    (struct world_event){.action = make_room, .context = swarm, .to = id});
        return true;
    }
    if (node->replica == NULL || node->paused || node->stopping) {
        return false;
    }
    if (kind == 1) { /* stopped gracefully, as in a rolling restart */
        cluster_stop(node);
        restart_later(swarm, id, 6000000);
    } else { /* a write or sync fails: the replica is in doubt and ends itself */
        fault_disk_fail_at(node->disk, sim_between(prng, 1, 20), CD_IO);
    }
    return true;
}

/* ---- Birth ---- */

static void try_init(void *context, const struct world_event *event)
{
    struct swarm *swarm = context;
    struct cluster_node *node = cluster_node(&swarm->cluster, 1);
    (void)event;
    if (swarm->born) {
        return;
    }
    if (node->replica != NULL && !node->paused) {
        swarm->init_calls++;
        cluster_call(node, INIT_CALL, REPLICA_METHOD_ADMIN_INIT,
                     frame_init(swarm->cluster.options.alpha));
    }
    world_after(&swarm->world, 200000, (struct world_event){.action = try_init, .context = swarm});
}

/* ---- A seed's run ---- */

static void draw_options(struct swarm *swarm, const struct seed_options *seed,
                         struct cluster_options *options, struct network_weather *weather)
{
    struct cd_prng *prng = &swarm->prng;
    uint32_t heartbeat_ms = (uint32_t)sim_between(prng, 20, 100);
    *options = (struct cluster_options){
        .nodes = sim_chance(prng, 700000) ? 3 : 5,
        .alpha = (uint32_t)sim_between(prng, 2, 16),
        .heartbeat_ms = heartbeat_ms,
        .election_ms = heartbeat_ms * (uint32_t)sim_between(prng, 3, 8),
        .segment_bytes = UINT64_C(1) << sim_between(prng, 13, 18),
        .disk_us_min = sim_between(prng, 20, 500),
        .disk_us_max = sim_between(prng, 500, sim_chance(prng, 300000) ? 40000 : 10000),
        .skew_ppm_max = (int32_t)sim_between(prng, 0, 2000),
        .wall_shift_ms_max = sim_chance(prng, 300000) ? sim_between(prng, 1, 100000000) : 0,
        .client_delay_us_min = sim_between(prng, 50, 500),
        .client_delay_us_mean = sim_between(prng, 50, 2000),
        .snapshot_bytes = UINT64_C(1) << sim_between(prng, 15, 20),
        .history_bytes = UINT64_C(1) << sim_between(prng, 12, 20),
        .container_ms = (uint32_t)sim_between(prng, 2000, 20000),
        .saboteur = swarm->saboteur,
        .disks_lie = seed->breakage == BREAK_P2,
        .promises_forget = seed->breakage == BREAK_R1,
    };
    *weather = (struct network_weather){
        .loss_ppm = sim_chance(prng, 500000) ? (uint32_t)sim_between(prng, 0, 20000) : 0,
        .duplicate_ppm = sim_chance(prng, 300000) ? (uint32_t)sim_between(prng, 0, 50000) : 0,
        .reorder_ppm = sim_chance(prng, 300000) ? (uint32_t)sim_between(prng, 0, 500000) : 0,
        .delay_us_min = sim_between(prng, 50, 500),
        .delay_us_mean = sim_between(prng, 50, sim_chance(prng, 300000) ? 20000 : 2000),
    };
}

static bool all_agree(struct swarm *swarm)
{
    struct replica_view first = {0};
    for (uint32_t id = 1; id <= swarm->cluster.options.nodes; id++) {
        const struct cluster_node *node = cluster_node(&swarm->cluster, id);
        struct replica_view view;
        if (node->replica == NULL) {
            return false;
        }
        cluster_view(node, &view);
        first = id == 1 ? view : first;
        if (!view.paxos.voter || !view.paxos.verified || !view.ready ||
            view.paxos.applied != first.paxos.applied || view.digest != first.digest) {
            return false;
        }
    }
    return true;
}

static bool still_good(const struct swarm *swarm)
{
    return swarm->verdict.ok && swarm->report->code == EXIT_PASSED;
}

static void check_turns(struct swarm *swarm)
{
    for (uint32_t id = 1; id <= swarm->cluster.options.nodes; id++) {
        struct cluster_node *node = cluster_node(&swarm->cluster, id);
        if (node->turns > SWARM_TURNS_PER_SECOND_MAX) {
            report_fail(swarm->report, EXIT_LIVENESS,
                        "replica %u took %llu turns in a second: its deadline does not move", id,
                        (unsigned long long)node->turns);
        }
        node->turns = 0;
        deeds_gauge(&swarm->deeds, node);
    }
}

static void run_first_phase(struct swarm *swarm)
{
    swarm->faulty = true;
    while (still_good(swarm)) {
        world_run_until(&swarm->world, swarm->world.now_us + 1000000);
        check_turns(swarm);
        bool enough = now_ms(swarm) >= SWARM_PHASE_MS && swarm->crowd.ops >= SWARM_OPERATIONS_MIN &&
                      swarm->faults.total >= SWARM_FAULTS_MIN;
        if (enough || now_ms(swarm) >= SWARM_PHASE_MS_MAX) {
            break;
        }
    }
    swarm->faulty = false;
}

/* What the swarm itself has done to disks and clients. */
static void heal(struct swarm *swarm)
{
    for (uint32_t id = 1; id <= swarm->cluster.options.nodes; id++) {
        swarm->cluster.client_cut[id] = 0;
        cluster_fill_disk(cluster_node(&swarm->cluster, id), false);
        fault_disk_fail_at(cluster_node(&swarm->cluster, id)->disk, 0, CD_IO);
    }
    faults_heal(&swarm->faults);
    /* What is promised within a bound needs a network that is fast next to the election timeout. */
    struct network_weather *weather = &swarm->cluster.network.weather;
    uint64_t slowest_us = UINT64_C(1000) * swarm->cluster.options.election_ms / 20;
    if (weather->delay_us_mean > slowest_us) {
        weather->delay_us_mean = slowest_us;
    }
}

/* R19: while rounds take longer than half an election timeout, leaders judge nobody. */
static void note_graces(struct swarm *swarm)
{
    for (uint32_t id = 1; id <= swarm->cluster.options.nodes; id++) {
        struct replica_view view;
        cluster_view(cluster_node(&swarm->cluster, id), &view);
        if (view.graces != swarm->graces[id]) {
            swarm->graces[id] = view.graces;
            swarm->grace_us = swarm->world.now_us;
        }
    }
}

static void run_second_phase(struct swarm *swarm)
{
    uint64_t election_ms = swarm->cluster.options.election_ms;
    swarm->cluster.clients_out = 0;
    heal(swarm);
    crowd_count_late(&swarm->crowd);
    /* A stop that was under way ends and its replica starts within seven seconds. */
    swarm->progress = (struct progress){
        .healed_ms = now_ms(swarm),
        .elected_bound_ms = 20 * election_ms + 8000,
        .write_bound_ms = 20 * election_ms + 12000,
        .all_writes_bound_ms = 20 * election_ms + 20000,
        .converged_bound_ms = 60 * election_ms + 40000,
    };
    struct progress *p = &swarm->progress;
    while (still_good(swarm) && now_ms(swarm) < p->healed_ms + p->converged_bound_ms) {
        world_run_until(&swarm->world, swarm->world.now_us + 5000);
        note_graces(swarm);
        if (p->elected_ms == 0 && cluster_leader(&swarm->cluster) != NULL) {
            p->elected_ms = now_ms(swarm);
        }
        if (p->all_writes_ms == 0 && swarm->crowd.late_ok >= SWARM_LAST_WRITES) {
            p->first_write_ms = swarm->crowd.first_late_us / 1000;
            p->all_writes_ms = now_ms(swarm);
            crowd_hush(&swarm->crowd);
        }
        if (p->elected_ms != 0 && p->all_writes_ms != 0 && crowd_is_idle(&swarm->crowd) &&
            all_agree(swarm)) {
            p->converged_ms = now_ms(swarm);
            break;
        }
    }
}

static void run_audit(struct swarm *swarm)
{
    uint64_t until_ms = now_ms(swarm) + 30000;
    crowd_begin_audit(&swarm->crowd);
    while (still_good(swarm) && !crowd_audit_is_done(&swarm->crowd)) {
        world_run_until(&swarm->world, swarm->world.now_us + 10000);
        note_graces(swarm);
        if (now_ms(swarm) > until_ms) {
            report_fail(swarm->report, EXIT_LIVENESS,
                        "a healed cluster did not answer all reads within 30 s");
        }
    }
}

/* ---- Judgement ---- */

static void add_counts(struct swarm *swarm, const struct counts *from)
{
    uint64_t *counts = swarm->report->counts;
    counts[COUNT_TRANSACTIONS] = from->of[COUNTS_TRANSACTIONS];
    counts[COUNT_RESUMES] = from->of[COUNTS_RESUMES];
    counts[COUNT_EXPIRIES] = from->of[COUNTS_EXPIRIES];
    counts[COUNT_SESSIONS_LOST] = from->of[COUNTS_LOST];
    counts[COUNT_EPHEMERALS] = from->of[COUNTS_EPHEMERALS];
    counts[COUNT_EVENTS] = from->of[COUNTS_EVENTS];
    counts[COUNT_BOOKMARKS] = from->of[COUNTS_BOOKMARKS];
    counts[COUNT_RESYNCS] = from->of[COUNTS_RESYNCS];
    counts[COUNT_LAGGED] = from->of[COUNTS_LAGGED];
    counts[COUNT_KEPT_REPLIES] = from->of[COUNTS_KEPT_REPLIES];
    counts[COUNT_INSTALLS] = from->of[COUNTS_INSTALLS];
    counts[COUNT_GRANTS] = from->of[COUNTS_GRANTS];
    counts[COUNT_FENCED] = from->of[COUNTS_FENCED];
}

/* The limits of replica/internal.h and of the state. */
static const struct replicas_limit limits[] = {
    {"sessions", 100000},        {"watches", 4000000}, {"streams", 65536},
    {"writes", 65536},           {"reads", 65536},     {"queued bytes", 64 << 20},
    {"delayed bytes", 64 << 20},
};

static void judge_all(struct swarm *swarm)
{
    if (still_good(swarm) && swarm->progress.converged_ms != 0) {
        struct counts counts = {0};
        struct judge_options options = {.lifetimes = LIFETIMES_DEFAULT,
                                        .told_us = SWARM_TOLD_MS * UINT64_C(1000),
                                        .limits = limits,
                                        .limits_count = CD_ARRAY_COUNT(limits)};
        options.lifetimes.end_us = swarm->world.now_us;
        uint64_t healed_us = 1000 * swarm->progress.healed_ms;
        options.lifetimes.healed_us = healed_us > swarm->grace_us ? healed_us : swarm->grace_us;
        (void)judge(&swarm->events, &options, &counts, NULL, &swarm->verdict);
        add_counts(swarm, &counts);
    }
    if (!swarm->verdict.ok && swarm->trace.file != NULL) {
        events_print(&swarm->events, 0, swarm->trace.file);
    }
    report_verdict(swarm->report, &swarm->verdict);
    struct verdict progress;
    verdict_init(&progress);
    if (!progress_check(&swarm->progress, &progress)) {
        report_fail(swarm->report, EXIT_LIVENESS, "%s", progress.why);
    }
}

static void add_up(struct swarm *swarm)
{
    uint64_t *counts = swarm->report->counts;
    const uint64_t *notes = swarm->cluster.notes;
    const struct crowd *crowd = &swarm->crowd;
    counts[COUNT_SECONDS] = now_ms(swarm) / 1000;
    counts[COUNT_OPERATIONS] = crowd->ops;
    counts[COUNT_FAULTS] = swarm->faults.total;
    counts[COUNT_ELECTIONS] = notes[PAXOS_NOTE_LEADING];
    counts[COUNT_ADOPTED] = notes[PAXOS_NOTE_ADOPTED];
    counts[COUNT_HOLES] = notes[PAXOS_NOTE_HOLE_FILLED];
    counts[COUNT_PROMOTIONS] = notes[PAXOS_NOTE_PROMOTED];
    counts[COUNT_CONFIGS] = swarm->configs_count;
    counts[COUNT_HAND_OVERS] = notes[PAXOS_NOTE_HANDING_OVER];
    counts[COUNT_FORGOT] = notes[PAXOS_NOTE_FORGOT];
    counts[COUNT_REMOVALS] = notes[PAXOS_NOTE_REMOVED];
    counts[COUNT_RESTARTS] = swarm->cluster.restarts;
    counts[COUNT_CRASHES] = swarm->cluster.crashes;
    counts[COUNT_LOST] = swarm->cluster.lossy_crashes;
    counts[COUNT_WIPES] = swarm->cluster.wipes;
    counts[COUNT_RESTORES] = swarm->cluster.restores;
    for (int kind = FAULT_ISOLATE; kind <= FAULT_RANDOM_CUTS; kind++) {
        counts[COUNT_PARTITIONS] += swarm->faults.counts[kind];
    }
    counts[COUNT_READS] = crowd->reads;
    counts[COUNT_WRITES_OK] = crowd->writes_ok;
    counts[COUNT_WRITES_REFUSED] = crowd->writes_refused;
    counts[COUNT_WRITES_UNKNOWN] = crowd->writes_unknown;
    counts[COUNT_SNAPSHOTS] = swarm->cluster.snapshots;
    for (uint32_t id = 1; id <= swarm->cluster.options.nodes; id++) {
        struct replica_view view;
        cluster_view(cluster_node(&swarm->cluster, id), &view);
        counts[COUNT_SNAPSHOTS] += view.snapshots_taken;
    }
    counts[COUNT_MESSAGES] = swarm->cluster.network.counts.delivered;
    swarm->report->digest = swarm->trace.digest;
}

static void begin(struct swarm *swarm, const struct seed_options *seed)
{
    struct cluster_options options;
    struct network_weather weather;
    if (seed->breakage >= BREAK_R12) {
        static const enum saboteur_rule rules[] = {
            [BREAK_R12] = SABOTAGE_R12, [BREAK_R18] = SABOTAGE_R18, [BREAK_ONCE] = SABOTAGE_ONCE};
        swarm->saboteur = saboteur_create(rules[seed->breakage]);
    }
    draw_options(swarm, seed, &options, &weather);
    cluster_init(&swarm->cluster, &swarm->world, &swarm->trace, &options);
    swarm->cluster.watcher = (struct cluster_watcher){
        .context = swarm,
        .started = on_started,
        .applied = on_applied,
        .carried_out = on_carried_out,
        .replaced = on_replaced,
        .noted = on_noted,
        .stream_frame = on_stream_frame,
        .stream_closed = on_stream_closed,
        .call_reply = on_call_reply,
        .died = on_died,
    };
    const struct fault_subject subject = {
        .context = swarm,
        .nodes = options.nodes,
        .is_up = is_up,
        .leader = leader,
        .is_well = is_well,
        .crash = crash,
        .start = start,
        .wipe = wipe,
        .copy_disk = copy_disk,
        .has_copy = has_copy,
        .restore_disk = restore_disk,
        .pause = pause,
        .slow_disk = slow_disk,
        .hand_over = hand_over,
        .remove = remove_node,
        .extra = extra,
    };
    deeds_init(&swarm->deeds, &swarm->world, &swarm->events);
    crowd_init(&swarm->crowd, &swarm->world, &swarm->cluster, &swarm->trace, &swarm->verdict,
               &swarm->events, (size_t)sim_between(&swarm->prng, 4, 8));
    faults_begin(&swarm->faults, &swarm->world, &swarm->cluster.network, &swarm->trace, &subject,
                 &weather);
    for (uint32_t id = 1; id <= options.nodes; id++) {
        (void)cluster_start(cluster_node(&swarm->cluster, id), 0);
    }
    try_init(swarm, NULL);
}

void swarm_run_seed(const struct seed_options *seed, struct report *report)
{
    struct swarm *swarm = cd_calloc(1, sizeof(*swarm));
    swarm->report = report;
    verdict_init(&swarm->verdict);
    agreement_init(&swarm->agreement);
    events_init(&swarm->events);
    world_init(&swarm->world, seed->seed);
    trace_init(&swarm->trace, &swarm->world);
    swarm->trace.file = seed->trace;
    world_fork_prng(&swarm->world, "swarm", 0, &swarm->prng);
    begin(swarm, seed);
    run_first_phase(swarm);
    if (still_good(swarm)) {
        run_second_phase(swarm);
    }
    if (still_good(swarm) && swarm->progress.converged_ms != 0) {
        run_audit(swarm);
    }
    judge_all(swarm);
    add_up(swarm);
    crowd_release(&swarm->crowd);
    world_release(&swarm->world);
    cluster_release(&swarm->cluster);
    saboteur_free(swarm->saboteur);
    events_release(&swarm->events);
    agreement_release(&swarm->agreement);
    cd_free(swarm);
}
