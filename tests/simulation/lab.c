#include "simulation/lab.h"

#include "base/memory.h"
#include "checkers/agreement.h"
#include "checkers/durability.h"
#include "checkers/progress.h"
#include "simulation/faults.h"
#include "simulation/group.h"

#include <string.h>

enum {
    LAB_PHASE_MS = 60000,
    LAB_PHASE_MS_MAX = 600000,
    LAB_OPERATIONS_MIN = 2000,
    LAB_FAULTS_MIN = 20,
    LAB_LAST_WRITES = 20,
    LAB_READS_MAX = 1024,
};

struct lab_read {
    uint64_t token;
    paxos_slot floor; /* it has to show at least this */
};

/* What the lab knows about one replica's present life. */
struct lab_side {
    struct durability_held *held; /* what it applied */
    size_t held_count, held_capacity;
    uint64_t first_own; /* proposals of this life have numbers from here on */
    struct lab_read reads[LAB_READS_MAX];
    size_t reads_count;
    uint64_t lost_incarnation; /* the one whose memory was taken */
};

struct lab {
    struct world world;
    struct trace trace;
    struct group group;
    struct faults faults;
    struct cd_prng prng;
    struct agreement agreement;
    struct durability durability;
    struct verdict verdict;
    struct report *report;
    struct lab_side sides[GROUP_NODES_MAX];
    uint64_t *log; /* number of the proposal in each slot, [0] of slot 1; 0: none or not known */
    size_t log_count, log_capacity;
    uint32_t *proposers; /* node of each proposal, by its number */
    size_t proposals_count, proposals_capacity;
    uint64_t gap_us_mean;
    uint32_t read_ppm;
    paxos_slot shown; /* highest slot that anyone was told of */
    uint64_t acked;
    bool faulty;         /* first phase */
    uint64_t first_late; /* number of the first proposal after the healing */
    uint64_t late_acked;
    struct progress progress;
};

/* ---- What the group tells ---- */

static void on_started(void *context, struct group_node *node)
{
    struct lab *lab = context;
    struct lab_side *side = &lab->sides[node->id];
    agreement_started(&lab->agreement, node->id, 1);
    side->held_count = 0;
    side->reads_count = 0;
    side->first_own = lab->proposals_count + 1;
}

static uint64_t now_ms(const struct lab *lab)
{
    return lab->world.now_us / 1000;
}

static void acknowledge(struct lab *lab, uint64_t number, paxos_slot slot)
{
    durability_acknowledged(&lab->durability, number, slot);
    lab->shown = slot > lab->shown ? slot : lab->shown;
    lab->report->counts[COUNT_WRITES_OK]++;
    lab->acked++;
    if (!lab->faulty && number >= lab->first_late) {
        lab->late_acked++;
        if (lab->progress.first_write_ms == 0) {
            lab->progress.first_write_ms = now_ms(lab);
        }
        if (lab->late_acked == LAB_LAST_WRITES) {
            lab->progress.all_writes_ms = now_ms(lab);
        }
    }
}

static void hold(struct lab_side *side, uint64_t number, paxos_slot slot)
{
    if (side->held_count == side->held_capacity) {
        side->held_capacity = side->held_capacity == 0 ? 1024 : 2 * side->held_capacity;
        side->held = cd_realloc(side->held, side->held_capacity * sizeof(*side->held));
    }
    side->held[side->held_count++] = (struct durability_held){.write = number, .place = slot};
}

/* A snapshot holds what its digest stands for: what was applied up to there. */
static void on_installed(void *context, struct group_node *node, paxos_slot slot, uint64_t digest)
{
    struct lab *lab = context;
    struct lab_side *side = &lab->sides[node->id];
    if (!agreement_installed(&lab->agreement, node->id, slot, digest, &lab->verdict)) {
        return;
    }
    side->held_count = 0;
    for (paxos_slot at = 1; at <= slot; at++) {
        if (lab->log[at - 1] != 0) {
            hold(side, lab->log[at - 1], at);
        }
    }
}

static void note_in_log(struct lab *lab, paxos_slot slot, uint64_t number)
{
    while (lab->log_count < slot) {
        if (lab->log_count == lab->log_capacity) {
            lab->log_capacity = lab->log_capacity == 0 ? 4096 : 2 * lab->log_capacity;
            lab->log = cd_realloc(lab->log, lab->log_capacity * sizeof(*lab->log));
        }
        lab->log[lab->log_count++] = 0;
    }
    lab->log[slot - 1] = number;
}

static void on_applied(void *context, struct group_node *node, const struct paxos_entry *entry,
                       uint64_t value)
{
    struct lab *lab = context;
    struct lab_side *side = &lab->sides[node->id];
    lab->report->counts[COUNT_APPLIED]++;
    (void)agreement_applied(&lab->agreement, node->id, entry->slot, value, node->digest,
                            &lab->verdict);
    bool is_command = entry->kind == PAXOS_COMMANDS;
    uint64_t number = is_command ? cd_get_u64(entry->payload->data) : 0;
    note_in_log(lab, entry->slot, number);
    if (!is_command) {
        return;
    }
    hold(side, number, entry->slot);
    if (lab->proposers[number - 1] == node->id && number >= side->first_own) {
        acknowledge(lab, number, entry->slot);
    }
}

static void on_readable(void *context, struct group_node *node, uint64_t token, paxos_slot index)
{
    struct lab *lab = context;
    struct lab_side *side = &lab->sides[node->id];
    size_t left = 0;
    for (size_t i = 0; i < side->reads_count; i++) {
        const struct lab_read *read = &side->reads[i];
        if (read->token > token) {
            side->reads[left++] = *read;
            continue;
        }
        lab->report->counts[COUNT_READS]++;
        if (index < read->floor) {
            (void)verdict_fail(&lab->verdict,
                               "R8: a read at replica %u runs at slot %llu, but slot %llu had been "
                               "acknowledged or shown before it was asked",
                               node->id, (unsigned long long)index,
                               (unsigned long long)read->floor);
        }
    }
    side->reads_count = left;
    lab->shown = index > lab->shown ? index : lab->shown;
}

static void on_noted(void *context, struct group_node *node, const struct paxos_note *note)
{
    struct lab *lab = context;
    if (note->kind != PAXOS_NOTE_CONFIG_ACTIVE) {
        return;
    }
    const struct paxos_config *config = paxos_config_newest(node->px, NULL);
    for (size_t i = 0; i < config->members_count; i++) {
        const struct paxos_member *member = &config->members[i];
        const struct group_node *named = group_node(&lab->group, member->node);
        uint64_t incarnation = named->incarnation;
        if (member->role == PAXOS_VOTER && member->incarnation == incarnation &&
            incarnation != lab->sides[member->node].lost_incarnation) {
            faults_readmitted(&lab->faults, member->node);
        }
    }
}

/* ---- What faults do ---- */

static bool is_up(void *context, uint32_t id)
{
    return group_node(&((struct lab *)context)->group, id)->up;
}

static uint32_t leader(void *context)
{
    const struct group_node *node = group_leader(&((struct lab *)context)->group);
    return node != NULL ? node->id : 0;
}

static bool is_well(void *context, uint32_t id)
{
    struct lab *lab = context;
    struct group_node *node = group_node(&lab->group, id);
    if (!node->up || node->paused || node->disk_stalled) {
        return false;
    }
    struct paxos_status status;
    group_status(node, &status);
    return status.voter && status.verified && status.leader != 0 &&
           status.since_leader_ms < lab->group.options.election_ms;
}

static void crash(void *context, uint32_t id, enum fault_loss loss)
{
    struct lab *lab = context;
    struct group_node *node = group_node(&lab->group, id);
    size_t pending = node->ledger.count - node->ledger.durable;
    size_t keep = loss == FAULT_LOSS_ALL    ? 0
                  : loss == FAULT_LOSS_NONE ? pending
                                            : (size_t)cd_prng_below(&lab->prng, pending + 1);
    lab->report->counts[COUNT_CRASHES]++;
    lab->report->counts[COUNT_LOST] += keep < pending ? 1 : 0;
    group_crash(node, keep);
}

static void start(void *context, uint32_t id)
{
    group_start(group_node(&((struct lab *)context)->group, id), false);
}

static void wipe(void *context, uint32_t id)
{
    struct lab *lab = context;
    struct group_node *node = group_node(&lab->group, id);
    lab->sides[id].lost_incarnation = node->incarnation;
    group_wipe(node);
}

static void copy_disk(void *context, uint32_t id)
{
    struct group_node *node = group_node(&((struct lab *)context)->group, id);
    group_copy_disk(node);
}

static bool has_copy(void *context, uint32_t id)
{
    const struct group_node *node = group_node(&((struct lab *)context)->group, id);
    return node->has_yesterday;
}

static bool restore_disk(void *context, uint32_t id)
{
    struct lab *lab = context;
    struct group_node *node = group_node(&lab->group, id);
    bool lacks = node->yesterday.incarnation != node->ledger.incarnation ||
                 node->yesterday.count < node->ledger.count;
    lab->sides[id].lost_incarnation = lacks ? node->incarnation : 0;
    group_restore_disk(node);
    node->has_yesterday = false;
    return lacks;
}

static void pause(void *context, uint32_t id, bool paused)
{
    struct group_node *node = group_node(&((struct lab *)context)->group, id);
    if (paused) {
        group_pause(node);
    } else if (node->paused) {
        group_resume(node);
    }
}

static void slow_disk(void *context, uint32_t id, bool slow)
{
    group_stall_disk(group_node(&((struct lab *)context)->group, id), slow);
}

static bool hand_over(void *context)
{
    struct lab *lab = context;
    struct group_node *leader = group_leader(&lab->group);
    if (leader == NULL || leader->paused) {
        return false;
    }
    group_hand_over(leader, (uint32_t)cd_prng_below(&lab->prng, lab->group.options.nodes + 1));
    return true;
}

static bool remove_node(void *context, uint32_t id)
{
    struct lab *lab = context;
    struct group_node *leader = group_leader(&lab->group);
    if (leader == NULL || leader->paused) {
        return false;
    }
    uint64_t before = lab->group.notes[PAXOS_NOTE_REMOVED];
    group_remove(leader, id);
    return lab->group.notes[PAXOS_NOTE_REMOVED] > before;
}

/* ---- What clients do ---- */

static void propose(struct lab *lab, struct group_node *node)
{
    if (!paxos_may_propose(node->px)) {
        lab->report->counts[COUNT_WRITES_REFUSED]++;
        return;
    }
    if (lab->proposals_count == lab->proposals_capacity) {
        lab->proposals_capacity = lab->proposals_capacity == 0 ? 4096 : 2 * lab->proposals_capacity;
        lab->proposers =
            cd_realloc(lab->proposers, lab->proposals_capacity * sizeof(*lab->proposers));
    }
    lab->proposers[lab->proposals_count++] = node->id;
    struct cd_blob *payload = cd_blob_create(sizeof(uint64_t));
    cd_put_u64(payload->data, lab->proposals_count);
    group_propose(node, payload);
}

static void read(struct lab *lab, struct group_node *node)
{
    struct lab_side *side = &lab->sides[node->id];
    if (side->reads_count < LAB_READS_MAX) {
        /* Noted before it is asked: the answer may come at once. */
        side->reads[side->reads_count++] =
            (struct lab_read){.token = node->read_token + 1, .floor = lab->shown};
        (void)group_read(node);
    }
}

static void next_operation(void *context, const struct world_event *event)
{
    struct lab *lab = context;
    (void)event;
    uint32_t id = 1 + (uint32_t)cd_prng_below(&lab->prng, lab->group.options.nodes);
    struct group_node *node = group_node(&lab->group, id);
    struct group_node *leader = group_leader(&lab->group);
    if (leader != NULL && sim_chance(&lab->prng, 800000)) {
        node = leader;
    }
    lab->report->counts[COUNT_OPERATIONS]++;
    if (node->up && !node->paused) {
        if (sim_chance(&lab->prng, lab->read_ppm)) {
            read(lab, node);
        } else {
            propose(lab, node);
        }
    }
    world_after(&lab->world, sim_exponential(&lab->prng, lab->gap_us_mean),
                (struct world_event){.action = next_operation, .context = lab});
}

/* ---- A seed's run ---- */

static void draw_options(struct lab *lab, const struct seed_options *seed,
                         struct group_options *options, struct network_weather *weather)
{
    struct cd_prng *prng = &lab->prng;
    uint32_t heartbeat_ms = (uint32_t)sim_between(prng, 20, 100);
    *options = (struct group_options){
        .nodes = sim_chance(prng, 600000) ? 3 : 5,
        .alpha = (uint32_t)sim_between(prng, 2, 16),
        .heartbeat_ms = heartbeat_ms,
        .election_ms = heartbeat_ms * (uint32_t)sim_between(prng, 3, 8),
        .sync_us_min = sim_between(prng, 50, 1000),
        .sync_us_mean = sim_between(prng, 100, 5000),
        .skew_ppm_max = (int32_t)sim_between(prng, 0, 2000),
        .hidden = 1u << PAXOS_MSG_HEARTBEAT | 1u << PAXOS_MSG_HEARTBEAT_REPLY,
        .disks_lie = seed->breakage == BREAK_P2,
        .promises_forget = seed->breakage == BREAK_R1,
        .installs_forget = seed->breakage == BREAK_R3,
    };
    *weather = (struct network_weather){
        .loss_ppm = sim_chance(prng, 500000) ? (uint32_t)sim_between(prng, 0, 20000) : 0,
        .duplicate_ppm = sim_chance(prng, 300000) ? (uint32_t)sim_between(prng, 0, 50000) : 0,
        .reorder_ppm = sim_chance(prng, 300000) ? (uint32_t)sim_between(prng, 0, 500000) : 0,
        .delay_us_min = sim_between(prng, 50, 500),
        .delay_us_mean = sim_between(prng, 50, 2000),
    };
    bool breaks_r3 = seed->breakage == BREAK_R3;
    if (breaks_r3 || sim_chance(prng, 700000)) {
        options->snapshot_every = (uint32_t)sim_between(prng, 2, breaks_r3 ? 10 : 100);
        options->snapshot_us_mean = sim_between(prng, 100, breaks_r3 ? 10000 : 300000);
        options->drop_early = breaks_r3 || sim_chance(prng, 500000);
        options->snapshot_rot_ppm = 100000;
        options->snapshot_named_ppm = 500000;
    }
    lab->gap_us_mean = sim_between(prng, 5000, 20000);
    lab->read_ppm = (uint32_t)sim_between(prng, 50000, 500000);
}

static bool all_agree(struct lab *lab)
{
    paxos_slot applied = 0;
    for (uint32_t id = 1; id <= lab->group.options.nodes; id++) {
        struct group_node *node = group_node(&lab->group, id);
        struct paxos_status status;
        if (!node->up) {
            return false;
        }
        group_status(node, &status);
        applied = id == 1 ? node->applied : applied;
        if (!status.voter || !status.verified || node->applied != applied) {
            return false;
        }
    }
    return true;
}

/* False, with a verdict, once anything has gone wrong. */
static bool still_good(struct lab *lab)
{
    if (lab->group.broken_oath[0] != '\0') {
        (void)verdict_fail(&lab->verdict, "%s", lab->group.broken_oath);
    }
    return lab->verdict.ok;
}

static void run_first_phase(struct lab *lab)
{
    lab->faulty = true;
    uint64_t until_ms = LAB_PHASE_MS;
    while (still_good(lab)) {
        world_run_until(&lab->world, until_ms * 1000);
        bool enough = lab->report->counts[COUNT_OPERATIONS] >= LAB_OPERATIONS_MIN &&
                      lab->faults.total >= LAB_FAULTS_MIN;
        if (enough || until_ms >= LAB_PHASE_MS_MAX) {
            break;
        }
        until_ms += 1000;
    }
    lab->faulty = false;
}

static void run_second_phase(struct lab *lab)
{
    uint32_t election_ms = lab->group.options.election_ms;
    faults_heal(&lab->faults);
    lab->first_late = lab->proposals_count + 1;
    lab->progress = (struct progress){
        .healed_ms = now_ms(lab),
        .elected_bound_ms = 20 * (uint64_t)election_ms,
        .write_bound_ms = 20 * (uint64_t)election_ms + 2000,
        .all_writes_bound_ms = 20 * (uint64_t)election_ms + 10000,
        .converged_bound_ms = 60 * (uint64_t)election_ms + 20000,
    };
    struct progress *p = &lab->progress;
    while (still_good(lab) && now_ms(lab) < p->healed_ms + p->converged_bound_ms) {
        world_run_until(&lab->world, lab->world.now_us + 5000);
        if (p->elected_ms == 0 && group_leader(&lab->group) != NULL) {
            p->elected_ms = now_ms(lab);
        }
        if (p->elected_ms != 0 && p->all_writes_ms != 0 && all_agree(lab)) {
            p->converged_ms = now_ms(lab);
            break;
        }
    }
}

static void judge(struct lab *lab)
{
    for (uint32_t id = 1; id <= lab->group.options.nodes && lab->verdict.ok; id++) {
        struct lab_side *side = &lab->sides[id];
        if (lab->progress.converged_ms != 0) {
            (void)durability_check(&lab->durability, id, side->held, side->held_count,
                                   &lab->verdict);
        }
    }
    report_verdict(lab->report, &lab->verdict);
    struct verdict progress;
    verdict_init(&progress);
    if (!progress_check(&lab->progress, &progress)) {
        report_fail(lab->report, EXIT_LIVENESS, "%s", progress.why);
    }
}

static void add_up(struct lab *lab)
{
    uint64_t *counts = lab->report->counts;
    const uint64_t *notes = lab->group.notes;
    const uint64_t *faults = lab->faults.counts;
    counts[COUNT_SECONDS] = now_ms(lab) / 1000;
    counts[COUNT_FAULTS] = lab->faults.total;
    counts[COUNT_ELECTIONS] = notes[PAXOS_NOTE_LEADING];
    counts[COUNT_ADOPTED] = notes[PAXOS_NOTE_ADOPTED];
    counts[COUNT_HOLES] = notes[PAXOS_NOTE_HOLE_FILLED];
    counts[COUNT_PROMOTIONS] = notes[PAXOS_NOTE_PROMOTED];
    counts[COUNT_CONFIGS] = notes[PAXOS_NOTE_CONFIG_CHOSEN];
    counts[COUNT_HAND_OVERS] = notes[PAXOS_NOTE_HANDING_OVER];
    counts[COUNT_FORGOT] = notes[PAXOS_NOTE_FORGOT];
    counts[COUNT_REMOVALS] = notes[PAXOS_NOTE_REMOVED];
    counts[COUNT_SNAPSHOTS] = lab->group.snapshots;
    counts[COUNT_DROPS] = lab->group.drops;
    counts[COUNT_INSTALLS] = lab->group.installs;
    counts[COUNT_FALLBACKS] = lab->group.fallbacks;
    counts[COUNT_RESTARTS] = lab->group.restarts;
    counts[COUNT_WIPES] = lab->group.wipes;
    counts[COUNT_RESTORES] = lab->group.restores;
    for (int kind = FAULT_ISOLATE; kind <= FAULT_RANDOM_CUTS; kind++) {
        counts[COUNT_PARTITIONS] += faults[kind];
    }
    counts[COUNT_WRITES_UNKNOWN] = lab->proposals_count - lab->acked;
    counts[COUNT_MESSAGES] = lab->group.network.counts.delivered;
    lab->report->digest = lab->trace.digest;
}

static void release(struct lab *lab)
{
    world_release(&lab->world);
    group_release(&lab->group);
    agreement_release(&lab->agreement);
    durability_release(&lab->durability);
    for (uint32_t id = 0; id < GROUP_NODES_MAX; id++) {
        cd_free(lab->sides[id].held);
    }
    cd_free(lab->proposers);
    cd_free(lab->log);
    cd_free(lab);
}

void lab_run_seed(const struct seed_options *seed, struct report *report)
{
    struct lab *lab = cd_calloc(1, sizeof(*lab));
    lab->report = report;
    verdict_init(&lab->verdict);
    agreement_init(&lab->agreement);
    durability_init(&lab->durability);
    world_init(&lab->world, seed->seed);
    trace_init(&lab->trace, &lab->world);
    lab->trace.file = seed->trace;
    world_fork_prng(&lab->world, "lab", 0, &lab->prng);
    struct group_options options;
    struct network_weather weather;
    draw_options(lab, seed, &options, &weather);
    group_init(&lab->group, &lab->world, &lab->trace, &options);
    lab->group.watcher = (struct group_watcher){.context = lab,
                                                .applied = on_applied,
                                                .started = on_started,
                                                .installed = on_installed,
                                                .noted = on_noted,
                                                .readable = on_readable};
    const struct fault_subject subject = {
        .context = lab,
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
    };
    faults_begin(&lab->faults, &lab->world, &lab->group.network, &lab->trace, &subject, &weather);
    for (uint32_t id = 1; id <= options.nodes; id++) {
        group_start(group_node(&lab->group, id), false);
    }
    group_birth(group_node(&lab->group, 1));
    next_operation(lab, NULL);
    run_first_phase(lab);
    if (still_good(lab)) {
        run_second_phase(lab);
    }
    judge(lab);
    add_up(lab);
    release(lab);
}
