#include "simulation/faults.h"

#include "base/assert.h"

#include <string.h>

const char *fault_name(enum fault_kind kind)
{
    static const char *const names[] = {
#define FAULT_NAME(name, text) text,
        FAULT_TABLE(FAULT_NAME)
#undef FAULT_NAME
    };
    return names[kind];
}

static uint32_t bit(uint32_t node)
{
    return 1u << node;
}

static uint32_t count_bits(uint32_t set)
{
    uint32_t count = 0;
    for (; set != 0; set &= set - 1) {
        count++;
    }
    return count;
}

static uint32_t everybody(const struct faults *faults)
{
    return (bit(faults->subject.nodes + 1) - 1) & ~1u;
}

static uint32_t any_node(struct faults *faults)
{
    return 1 + (uint32_t)cd_prng_below(&faults->prng, faults->subject.nodes);
}

/* A leader has most to lose, so it is chosen more often than its share. */
static uint32_t any_victim(struct faults *faults)
{
    uint32_t node = any_node(faults);
    uint32_t leader = faults->subject.leader(faults->subject.context);
    return leader != 0 && sim_chance(&faults->prng, 400000) ? leader : node;
}

static uint32_t any_subset(struct faults *faults)
{
    return (uint32_t)cd_prng_next(&faults->prng) & everybody(faults);
}

static bool is_up(struct faults *faults, uint32_t node)
{
    return faults->subject.is_up(faults->subject.context, node);
}

/* ---- The atlas ---- */

/* Whether one more replica may lose its memory now. */
static bool may_forget(const struct faults *faults, uint32_t node)
{
    uint32_t without = faults->forgetful | faults->out | bit(node);
    return count_bits(without) <= (faults->subject.nodes - 1) / 2;
}

static bool all_well(struct faults *faults)
{
    for (uint32_t node = 1; node <= faults->subject.nodes; node++) {
        if (!faults->subject.is_well(faults->subject.context, node)) {
            return false;
        }
    }
    return true;
}

void faults_readmitted(struct faults *faults, uint32_t node)
{
    faults->forgetful &= ~bit(node);
}

/* ---- Ends ---- */

static uint64_t draw_length(struct faults *faults)
{
    return 1000 + sim_exponential(&faults->prng, faults->length_us_mean);
}

static void end_later(struct faults *faults, uint64_t delay_us, world_action action, uint32_t node,
                      uint64_t number)
{
    world_after(
        faults->world, delay_us,
        (struct world_event){.action = action, .context = faults, .to = node, .number = number});
}

static void end_crash(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if (!is_up(faults, event->to)) {
        faults->subject.start(faults->subject.context, event->to);
    }
}

static void end_pause(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if (is_up(faults, event->to)) {
        faults->subject.pause(faults->subject.context, event->to, false);
    }
}

static void end_slow_disk(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    faults->subject.slow_disk(faults->subject.context, event->to, false);
}

static void end_cuts(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if (event->number == faults->cuts) {
        network_join_all(faults->network);
        trace_line(faults->trace, "fault: links are whole again");
    }
}

static void end_storm(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if (event->number == faults->storms) {
        faults->network->weather = faults->calm;
    }
}

/* ---- Beginnings: each returns whether it happened ---- */

static enum fault_loss draw_loss(struct faults *faults)
{
    uint64_t draw = cd_prng_below(&faults->prng, 4);
    return draw < 2 ? FAULT_LOSS_RANDOM : (draw == 2 ? FAULT_LOSS_ALL : FAULT_LOSS_NONE);
}

static bool crash(struct faults *faults, uint32_t node)
{
    if (!is_up(faults, node)) {
        return false;
    }
    faults->subject.crash(faults->subject.context, node, draw_loss(faults));
    /* Some are back before anybody else has noticed. */
    uint64_t length_us = sim_chance(&faults->prng, 300000) ? sim_between(&faults->prng, 1, 20000)
                                                           : draw_length(faults);
    end_later(faults, length_us, end_crash, node, 0);
    return true;
}

static bool crash_all(struct faults *faults)
{
    bool any = false;
    for (uint32_t node = 1; node <= faults->subject.nodes; node++) {
        any = crash(faults, node) || any;
    }
    return any;
}

/* What the others have accepted by then is chosen, and those who missed it may win the election. */
static void spring(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if (event->number == faults->cuts) {
        network_join_all(faults->network);
    }
    if (!faults->over) {
        (void)crash(faults, event->to);
    }
}

static bool ambush(struct faults *faults)
{
    uint32_t leader = faults->subject.leader(faults->subject.context);
    uint32_t nodes = faults->subject.nodes;
    if (leader == 0) {
        return false;
    }
    network_join_all(faults->network);
    uint32_t node = any_node(faults);
    for (uint32_t missed = 0; missed < nodes / 2; node = node % nodes + 1) {
        if (node != leader) {
            network_cut(faults->network, leader, node);
            trace_line(faults->trace, "fault: %u does not reach %u", leader, node);
            missed++;
        }
    }
    faults->cuts++;
    end_later(faults, sim_between(&faults->prng, 5000, 500000), spring, leader, faults->cuts);
    return true;
}

static bool pause_one(struct faults *faults)
{
    uint32_t node = any_victim(faults);
    if (!is_up(faults, node)) {
        return false;
    }
    faults->subject.pause(faults->subject.context, node, true);
    trace_line(faults->trace, "fault: %u is paused", node);
    end_later(faults, draw_length(faults), end_pause, node, 0);
    return true;
}

static bool slow_disk(struct faults *faults)
{
    uint32_t node = any_node(faults);
    faults->subject.slow_disk(faults->subject.context, node, true);
    trace_line(faults->trace, "fault: %u has a slow disk", node);
    end_later(faults, draw_length(faults), end_slow_disk, node, 0);
    return true;
}

static bool wipe(struct faults *faults)
{
    uint32_t node = any_node(faults);
    if (!may_forget(faults, node)) {
        return false;
    }
    if (is_up(faults, node)) {
        faults->subject.crash(faults->subject.context, node, FAULT_LOSS_ALL);
        end_later(faults, draw_length(faults), end_crash, node, 0);
    }
    faults->forgetful |= bit(node);
    faults->subject.wipe(faults->subject.context, node);
    return true;
}

/* What is still on its way when a copy is put back must not hold up the answers of peers. */
#define RESTORE_QUIET_US UINT64_C(20000)

/*
 * An old copy is noticed because a peer remembers more (R2); nobody can notice it while those peers
 * are away. So: all well, all links whole, and nothing else happens until it has been noticed.
 */
static bool restore(struct faults *faults)
{
    uint32_t node = any_node(faults);
    struct fault_subject *subject = &faults->subject;
    if (!subject->has_copy(subject->context, node)) {
        subject->copy_disk(subject->context, node);
        return false;
    }
    if (!may_forget(faults, node) || !all_well(faults) ||
        !network_is_well(faults->network, subject->nodes, RESTORE_QUIET_US)) {
        return false;
    }
    faults->network->weather = faults->calm;
    faults->network->weather.loss_ppm = 0;
    subject->crash(subject->context, node, FAULT_LOSS_ALL);
    if (subject->restore_disk(subject->context, node)) {
        faults->forgetful |= bit(node);
    }
    faults->storms++;
    end_later(faults, 3000000, end_storm, 0, faults->storms);
    faults->lenient_until_us = faults->world->now_us + 3000000;
    subject->start(subject->context, node);
    return true;
}

static void cut_sides(struct faults *faults, uint32_t left, uint32_t right, bool one_way)
{
    for (uint32_t a = 1; a <= faults->subject.nodes; a++) {
        for (uint32_t b = 1; b <= faults->subject.nodes; b++) {
            if (a != b && (left & bit(a)) != 0 && (right & bit(b)) != 0) {
                network_cut(faults->network, a, b);
                if (!one_way) {
                    network_cut(faults->network, b, a);
                }
            }
        }
    }
}

static void cut_ring(struct faults *faults)
{
    uint32_t nodes = faults->subject.nodes;
    for (uint32_t a = 1; a <= nodes; a++) {
        for (uint32_t b = 1; b <= nodes; b++) {
            bool neighbours = a % nodes + 1 == b || b % nodes + 1 == a;
            if (a != b && !neighbours) {
                network_cut(faults->network, a, b);
            }
        }
    }
    if (nodes == 3) { /* all are neighbours of all: open the ring */
        network_cut_both(faults->network, 1, 3);
    }
}

static void cut_at_random(struct faults *faults)
{
    uint32_t chance_ppm = (uint32_t)sim_between(&faults->prng, 100000, 600000);
    for (uint32_t a = 1; a <= faults->subject.nodes; a++) {
        for (uint32_t b = 1; b <= faults->subject.nodes; b++) {
            if (a != b && sim_chance(&faults->prng, chance_ppm)) {
                network_cut(faults->network, a, b);
            }
        }
    }
}

static bool cut(struct faults *faults, enum fault_kind kind)
{
    uint32_t node = any_victim(faults);
    uint32_t side = any_subset(faults);
    uint32_t rest = everybody(faults) & ~side;
    network_join_all(faults->network);
    if (kind == FAULT_ISOLATE) {
        cut_sides(faults, bit(node), everybody(faults), false);
    } else if (kind == FAULT_SPLIT) {
        cut_sides(faults, side, rest, false);
    } else if (kind == FAULT_BRIDGE) {
        cut_sides(faults, side & ~bit(node), rest & ~bit(node), false);
    } else if (kind == FAULT_RING) {
        cut_ring(faults);
    } else if (kind == FAULT_RANDOM_CUTS) {
        cut_at_random(faults);
    } else if (sim_chance(&faults->prng, 500000)) {
        cut_sides(faults, bit(node), everybody(faults), true);
    } else {
        cut_sides(faults, everybody(faults), bit(node), true);
    }
    faults->cuts++;
    trace_line(faults->trace, "fault: links are cut: %s, %u, side %x", fault_name(kind), node,
               side);
    end_later(faults, draw_length(faults), end_cuts, 0, faults->cuts);
    return true;
}

static bool storm(struct faults *faults)
{
    struct cd_prng *prng = &faults->prng;
    faults->network->weather = (struct network_weather){
        .loss_ppm = (uint32_t)sim_between(prng, 0, 400000),
        .duplicate_ppm = (uint32_t)sim_between(prng, 0, 300000),
        .reorder_ppm = (uint32_t)sim_between(prng, 0, 1000000),
        .delay_us_min = sim_between(prng, 100, 5000),
        .delay_us_mean = sim_between(prng, 100, 50000),
        .spike_ppm = (uint32_t)sim_between(prng, 0, 100000),
        .spike_us = sim_between(prng, 1000, 2000000),
    };
    faults->storms++;
    trace_line(faults->trace, "fault: storm");
    end_later(faults, draw_length(faults), end_storm, 0, faults->storms);
    return true;
}

/* A removed replica comes back later as a new, empty one. */
static void replace(struct faults *faults, uint32_t node)
{
    if (is_up(faults, node)) {
        faults->subject.crash(faults->subject.context, node, FAULT_LOSS_ALL);
    }
    faults->out &= ~bit(node);
    faults->forgetful |= bit(node);
    faults->subject.wipe(faults->subject.context, node);
    faults->subject.start(faults->subject.context, node);
}

static void end_remove(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    if ((faults->out & bit(event->to)) != 0 && event->number == faults->removals) {
        replace(faults, event->to);
    }
}

static bool remove_one(struct faults *faults)
{
    uint32_t node = any_node(faults);
    if (!may_forget(faults, node) || faults->out != 0 || (faults->forgetful & bit(node)) != 0 ||
        !faults->subject.remove(faults->subject.context, node)) {
        return false;
    }
    /* Removed too early it would be missed by slots that still need it: so give it time (R5). */
    faults->out |= bit(node);
    faults->removals++;
    end_later(faults, 3000000 + draw_length(faults), end_remove, node, faults->removals);
    return true;
}

static bool begin_one(struct faults *faults, enum fault_kind kind)
{
    switch (kind) {
    case FAULT_CRASH:
        return crash(faults, any_victim(faults));
    case FAULT_CRASH_ALL:
        return crash_all(faults);
    case FAULT_AMBUSH:
        return ambush(faults);
    case FAULT_PAUSE:
        return pause_one(faults);
    case FAULT_SLOW_DISK:
        return slow_disk(faults);
    case FAULT_WIPE:
        return wipe(faults);
    case FAULT_RESTORE:
        return restore(faults);
    case FAULT_ISOLATE:
    case FAULT_SPLIT:
    case FAULT_ONE_WAY:
    case FAULT_BRIDGE:
    case FAULT_RING:
    case FAULT_RANDOM_CUTS:
        return cut(faults, kind);
    case FAULT_STORM:
        return storm(faults);
    case FAULT_HAND_OVER:
        return faults->subject.hand_over(faults->subject.context);
    case FAULT_REMOVE:
        return remove_one(faults);
    case FAULT_EXTRA:
        return faults->subject.extra != NULL && faults->subject.extra(faults->subject.context);
    case FAULT_KINDS:
        break;
    }
    return false;
}

static enum fault_kind draw_kind(struct faults *faults)
{
    uint64_t draw = cd_prng_below(&faults->prng, faults->weights_sum);
    enum fault_kind kind = 0;
    while (draw >= faults->weights[kind]) {
        draw -= faults->weights[kind];
        kind++;
    }
    return kind;
}

static void next_fault(void *context, const struct world_event *event)
{
    struct faults *faults = context;
    (void)event;
    if (faults->over) {
        return;
    }
    uint64_t gap_us = sim_exponential(&faults->prng, faults->gap_us_mean);
    if (faults->world->now_us >= faults->lenient_until_us) {
        enum fault_kind kind = draw_kind(faults);
        if (begin_one(faults, kind)) {
            faults->counts[kind]++;
            faults->total++;
            trace_count(faults->trace, fault_name(kind), faults->total, 0, 0);
        } else {
            gap_us = 1 + gap_us / 8; /* not possible now: try another one soon */
        }
    }
    end_later(faults, gap_us, next_fault, 0, 0);
}

void faults_begin(struct faults *faults, struct world *world, struct network *network,
                  struct trace *trace, const struct fault_subject *subject,
                  const struct network_weather *calm)
{
    *faults = (struct faults){
        .world = world, .network = network, .trace = trace, .subject = *subject, .calm = *calm};
    world_fork_prng(world, "faults", 0, &faults->prng);
    struct cd_prng *prng = &faults->prng;
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        bool wanted = sim_chance(prng, 500000);
        faults->weights[i] = wanted ? 1u << cd_prng_below(prng, 6) : 0;
    }
    if (faults->weights[FAULT_CRASH] == 0) {
        faults->weights[FAULT_CRASH] = 1; /* every seed restarts something */
    }
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        faults->weights_sum += faults->weights[i];
    }
    faults->gap_us_mean = sim_between(prng, 300000, 1500000);
    faults->length_us_mean = sim_between(prng, 100000, 3000000);
    network->weather = *calm;
    faults->forgetful = everybody(faults) & ~bit(1);
    end_later(faults, faults->gap_us_mean, next_fault, 0, 0);
}

void faults_heal(struct faults *faults)
{
    faults->over = true;
    network_join_all(faults->network);
    faults->cuts++;
    faults->storms++;
    faults->network->weather = faults->calm;
    faults->network->weather.loss_ppm = 0;
    trace_line(faults->trace, "all faults are over");
    for (uint32_t node = 1; node <= faults->subject.nodes; node++) {
        faults->subject.slow_disk(faults->subject.context, node, false);
        if (is_up(faults, node)) {
            faults->subject.pause(faults->subject.context, node, false);
        }
        if ((faults->out & bit(node)) != 0) {
            replace(faults, node);
        } else if (!is_up(faults, node)) {
            faults->subject.start(faults->subject.context, node);
        }
    }
}
