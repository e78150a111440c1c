#include "simulation/group.h"

#include "base/memory.h"

#include <string.h>

/*
 * Snapshots in a group: taken while the log goes on, dropped behind, carried to who asks for what
 * left the log, and installed (R3). Their bytes are (base, digest); what matters is the order of
 * things and where a crash may fall: a snapshot is durable before paxos hears of it, and its
 * INSTALLED record comes after that.
 */

struct parcel {
    uint32_t from, to;
    struct group_snapshot snapshot;
};

static void shelve(struct group_shelf *shelf, const struct group_snapshot *snapshot)
{
    shelf->count += shelf->count < GROUP_SNAPSHOTS_MAX ? 1 : 0;
    memmove(&shelf->snapshots[1], &shelf->snapshots[0],
            (shelf->count - 1) * sizeof(shelf->snapshots[0]));
    shelf->snapshots[0] = *snapshot;
}

static void take_off(struct group_shelf *shelf)
{
    shelf->count--;
    memmove(&shelf->snapshots[0], &shelf->snapshots[1], shelf->count * sizeof(shelf->snapshots[0]));
}

static unsigned long long slot_of(const struct group_snapshot *snapshot)
{
    return (unsigned long long)snapshot->base.slot;
}

/* ---- Taking ---- */

static void drop_log(struct group_node *node, bool early)
{
    const struct group_shelf *shelf = &node->shelf;
    size_t behind = early ? 0 : 1;
    if (behind >= shelf->count || shelf->snapshots[behind].base.slot <= node->ledger.dropped) {
        return;
    }
    paxos_slot slot = shelf->snapshots[behind].base.slot;
    ledger_drop(&node->ledger, slot);
    node->group->drops++;
    trace_count(node->group->trace, "drop", node->id, slot, 0);
    trace_line(node->group->trace, "%u drops its log up to slot %llu", node->id,
               (unsigned long long)slot);
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_DROPPED, .slot = slot});
}

/* Only what the log durably holds: else its loss could not be made up for by an older one. */
static bool keep_taken(struct group_node *node, const struct group_snapshot *snapshot, bool early)
{
    struct paxos_status status;
    group_status(node, &status);
    if (status.chosen_durable < snapshot->base.slot) {
        return false;
    }
    shelve(&node->shelf, snapshot);
    node->shelf.count = node->shelf.count > 2 ? 2 : node->shelf.count;
    node->group->snapshots++;
    trace_count(node->group->trace, "snapshot", node->id, snapshot->base.slot, snapshot->digest);
    trace_line(node->group->trace, "%u has a snapshot of slot %llu", node->id, slot_of(snapshot));
    drop_log(node, early);
    return true;
}

bool group_take_snapshot(struct group_node *node, bool drop)
{
    const struct group_snapshot now = {.base = node->base, .digest = node->digest};
    return node->applied != 0 && keep_taken(node, &now, drop);
}

static void taken(void *context, const struct world_event *event)
{
    struct group_node *node = context;
    if (!node->up || event->number != node->life || !node->is_taking) {
        return;
    }
    const struct group_shelf *shelf = &node->shelf;
    bool overtaken = shelf->count != 0 && shelf->snapshots[0].base.slot >= node->taking.base.slot;
    bool ready = !node->paused && !node->disk_stalled;
    if (!overtaken &&
        (!ready || !keep_taken(node, &node->taking, node->group->options.drop_early))) {
        world_after(node->group->world, 1000, *event);
        return;
    }
    node->is_taking = false;
}

void group_snapshot_if_due(struct group_node *node)
{
    const struct group_options *options = &node->group->options;
    paxos_slot newest = node->shelf.count != 0 ? node->shelf.snapshots[0].base.slot : 0;
    if (options->snapshot_every == 0 || node->is_taking || node->replaying ||
        node->applied < newest + options->snapshot_every) {
        return;
    }
    node->is_taking = true;
    node->taking = (struct group_snapshot){.base = node->base, .digest = node->digest};
    world_after(node->group->world, sim_exponential(&node->prng, options->snapshot_us_mean),
                (struct world_event){.action = taken, .context = node, .number = node->life});
}

/* ---- Installing ---- */

static void load(struct group_node *node, const struct group_snapshot *snapshot)
{
    struct group *group = node->group;
    node->applied = snapshot->base.slot;
    node->handed = snapshot->base.slot;
    node->digest = snapshot->digest;
    node->base = snapshot->base;
    if (group->watcher.installed != NULL) {
        group->watcher.installed(group->watcher.context, node, node->applied, node->digest);
    }
}

/* R3 broken on purpose: "it resets its log". */
static void install_and_forget(struct group_node *node, struct group_snapshot snapshot)
{
    group_crash(node, SIZE_MAX);
    snapshot.installed = false;
    node->shelf.count = 0;
    shelve(&node->shelf, &snapshot);
    ledger_forget(&node->ledger, node->incarnation, snapshot.base.slot);
    group_start(node, false);
}

static void install(struct group_node *node)
{
    struct group *group = node->group;
    struct group_snapshot snapshot = node->arriving;
    node->is_arriving = false;
    if (!paxos_may_install(node->px, &snapshot.base)) {
        return; /* it caught up meanwhile */
    }
    group->installs++;
    trace_count(group->trace, "install", node->id, snapshot.base.slot, snapshot.digest);
    trace_line(group->trace, "%u has the snapshot of slot %llu on its disk and loads it", node->id,
               slot_of(&snapshot));
    if (group->options.installs_forget) {
        install_and_forget(node, snapshot);
        return;
    }
    snapshot.installed = true;
    shelve(&node->shelf, &snapshot);
    load(node, &snapshot);
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_INSTALLED, .base = &snapshot.base});
}

static void written(void *context, const struct world_event *event)
{
    struct group_node *node = context;
    if (!node->up || event->number != node->life || !node->is_arriving) {
        return;
    }
    if (node->paused || node->disk_stalled) {
        world_after(node->group->world, 1000, *event);
        return;
    }
    install(node);
}

/* ---- Carrying ---- */

static void arrive(void *context, const struct world_event *event)
{
    struct group *group = context;
    const struct parcel *parcel = event->cargo;
    struct group_node *node = group_node(group, parcel->to);
    bool lost = group->network.cut[parcel->from][parcel->to] || !node->up || node->paused;
    if (lost) {
        trace_line(group->trace, "%u-x%u SNAPSHOT of slot %llu", parcel->from, parcel->to,
                   slot_of(&parcel->snapshot));
    } else if (!node->is_arriving && paxos_may_install(node->px, &parcel->snapshot.base)) {
        trace_line(group->trace, "%u->%u SNAPSHOT of slot %llu", parcel->from, parcel->to,
                   slot_of(&parcel->snapshot));
        node->is_arriving = true;
        node->arriving = parcel->snapshot;
        uint64_t wait_us = group->options.sync_us_min +
                           sim_exponential(&node->prng, group->options.snapshot_us_mean);
        world_after(group->world, wait_us,
                    (struct world_event){.action = written, .context = node, .number = node->life});
    }
    cd_free(event->cargo);
}

void group_send_snapshot(struct group_node *node, uint32_t to)
{
    struct group *group = node->group;
    if (to > group->options.nodes || group->world->now_us < node->sent_us[to]) {
        return; /* it is on its way */
    }
    CD_ASSERT(node->shelf.count != 0); /* the log went behind one */
    struct parcel *parcel = cd_malloc(sizeof(*parcel));
    *parcel = (struct parcel){.from = node->id, .to = to, .snapshot = node->shelf.snapshots[0]};
    uint64_t wait_us = group->network.weather.delay_us_min +
                       sim_exponential(&node->prng, group->options.snapshot_us_mean);
    node->sent_us[to] = group->world->now_us + wait_us;
    world_after(
        group->world, wait_us,
        (struct world_event){.action = arrive, .context = group, .cargo = parcel, .drop = cd_free});
}

/* ---- Starting ---- */

void group_load_snapshot(struct group_node *node)
{
    struct group *group = node->group;
    struct group_shelf *shelf = &node->shelf;
    /* An install whose record did not reach the disk: the file may have its name or not. What the
     * log was dropped behind has one, though the record may have gone with the log. */
    while (shelf->count != 0 && shelf->snapshots[0].installed &&
           shelf->snapshots[0].base.slot > node->ledger.dropped &&
           !ledger_has_installed(&node->ledger, shelf->snapshots[0].base.slot) &&
           !sim_chance(&node->prng, group->options.snapshot_named_ppm)) {
        take_off(shelf);
    }
    bool may_rot = shelf->count > 1 && !shelf->snapshots[0].installed &&
                   shelf->snapshots[1].base.slot >= node->ledger.dropped;
    if (may_rot && sim_chance(&node->prng, group->options.snapshot_rot_ppm)) {
        take_off(shelf);
        group->fallbacks++;
    }
    if (shelf->count == 0) {
        return;
    }
    load(node, &shelf->snapshots[0]);
    enum cd_status status =
        paxos_restore_base(node->px, &shelf->snapshots[0].base, node->ledger.dropped);
    CD_ASSERT(status == CD_OK);
}
