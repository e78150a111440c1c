#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * A replica whose state differs from what a majority computed (R6). From then on no client gets
 * anything from it: streams are sent away, a leader hands over. Consensus is not touched: the
 * acceptor votes, what is chosen goes into the log and into the state that nobody sees (R3).
 *
 * The state is built anew beside it and takes its place once it is level:
 *
 *   1. from what the disk holds: the newest snapshot, whose digest a majority agreed on, and the
 *      chosen entries of the log behind it. Where memory was damaged, this is enough. Each agreed
 *      digest that the log holds is compared once more on the way.
 *   2. if that differs too (this replica's limits, its disk, or its program): from a snapshot of a
 *      peer, of a later slot than the one that differs, and the log behind that.
 */

const char replica_fence_text[] =
    "the state of this replica differs from the majority's, so it serves nobody: go to another one";

void replica_fence(struct replica *r, uint64_t slot)
{
    if (r->fence.on) {
        return;
    }
    r->fence.on = true;
    r->fence.slot = slot;
    r->fence.below = UINT64_MAX;
    r->counts.fences++;
}

/* Sent away once the slot that told us has ended. */
static void send_away(struct replica *r)
{
    r->fence.told = true;
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FENCED,
                                            .slot = r->fence.slot,
                                            .digest = fsm_digest(r->fsm),
                                            .text = replica_fence_text});
    replica_tell_fenced(r);
    replica_abandon_calls(r);
    replica_refuse_all_reads(r, CD_BEHIND, replica_fence_text);
    replica_give_up_versions(r);
    replica_snapshot_abandon(r);
}

/* --- The machine in its place --- */

static void drop_machine(struct replica_fence *fence)
{
    replica_load_end(&fence->loading);
    fsm_free(fence->fsm);
    fence->fsm = NULL;
    fence->differs = false;
}

/* What was built, or was to be, is of no use: the next best beginning. */
static void try_next(struct replica *r)
{
    drop_machine(&r->fence);
    r->fence.stage = REPLICA_REBUILD_CHOOSING;
}

static void begin_replay(struct replica *r, struct fsm *fsm)
{
    struct replica_fence *fence = &r->fence;
    fence->fsm = fsm;
    fence->stage = REPLICA_REBUILD_REPLAYING;
    if (fsm_slot(fsm) != 0) {
        replica_digest_begin(&fence->digests, fsm);
    } else {
        fence->digests = (struct replica_digests){0};
    }
}

static bool log_is_whole(const struct replica *r)
{
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    return stats.first_slot <= 1;
}

/* The newest snapshot that was not tried yet; without one the beginning of the log. */
static void choose(struct replica *r)
{
    struct replica_fence *fence = &r->fence;
    struct storage_snapshot_info info;
    struct cd_error error;
    for (size_t i = 0; storage_snapshots_at(r->snapshots, i, &info); i++) {
        bool usable = info.state != STORAGE_SNAPSHOT_DAMAGED && info.meta.slot < fence->below &&
                      info.meta.slot <= fsm_slot(r->fsm) &&
                      (!fence->own_wrong || info.meta.slot >= fence->slot);
        if (!usable) {
            continue;
        }
        fence->below = info.meta.slot;
        if (replica_load_begin(r, info.meta.slot, &fence->loading, &error) == CD_OK) {
            fence->stage = REPLICA_REBUILD_LOADING;
            return;
        }
        replica_load_end(&fence->loading);
    }
    if (!fence->own_wrong && fence->below != 0 && log_is_whole(r)) {
        fence->below = 0;
        begin_replay(r, fsm_create(&r->limits, FSM_GENERATION_FIRST));
        return;
    }
    fence->own_wrong = true;
    fence->stage = REPLICA_REBUILD_WAITING;
}

static void load_on(struct replica *r)
{
    struct replica_fence *fence = &r->fence;
    struct cd_error error = {0};
    bool done = false;
    enum cd_status status = replica_load_step(r, &fence->loading, &done, &error);
    if (status != CD_OK) {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_SNAPSHOT_BAD,
                                                .slot = fence->loading.slot,
                                                .text = error.message});
        try_next(r);
    } else if (done) {
        struct fsm *fsm = fence->loading.fsm;
        fence->loading.fsm = NULL;
        replica_load_end(&fence->loading);
        begin_replay(r, fsm);
    }
}

void replica_fence_agreed(struct replica *r, const struct fsm_op_agree_digest *agree)
{
    struct replica_fence *fence = &r->fence;
    if (replica_digest_compare(&fence->digests, agree) == REPLICA_DIFFERS) {
        fence->differs = true;
        fence->slot = agree->slot > fence->slot ? agree->slot : fence->slot;
    }
}

/* The chosen entries that the log holds, a part of them in one turn. False: it lacks one. */
static bool replay_some(struct replica *r)
{
    struct replica_fence *fence = &r->fence;
    struct paxos_entry *entries = cd_calloc(REPLICA_REBUILD_ENTRIES, sizeof(*entries));
    size_t count = 0;
    struct cd_error error = {0};
    enum cd_status status = replica_read_entries(r, fsm_slot(fence->fsm) + 1, fsm_slot(r->fsm),
                                                 entries, REPLICA_REBUILD_ENTRIES, &count, &error);
    bool good = status == CD_OK && count != 0;
    for (size_t i = 0; i < count; i++) {
        good = good && entries[i].slot == fsm_slot(fence->fsm) + 1 &&
               replica_apply_to(r, fence->fsm, &fence->digests, &entries[i], &error) == CD_OK;
        cd_blob_unref(entries[i].payload);
    }
    cd_free(entries);
    return good;
}

/* In the place of the one that differed. Consensus hears nothing of it. */
static void put_in_force(struct replica *r)
{
    struct fsm *old = r->fsm;
    r->fsm = r->fence.fsm;
    r->fence.fsm = NULL;
    r->digests = r->fence.digests;
    r->limits = *fsm_limits(r->fsm);
    replica_reset_watches(r);
    fsm_free(old);
    r->counts.rebuilds++;
    replica_fence_end(r);
}

static void replay_on(struct replica *r)
{
    struct replica_fence *fence = &r->fence;
    if (fsm_slot(fence->fsm) < fsm_slot(r->fsm)) {
        bool whole = replay_some(r);
        if (fence->differs) {
            fence->own_wrong = true;
            fence->below = UINT64_MAX;
        }
        if (fence->differs || !whole) {
            try_next(r);
        }
        return;
    }
    /* A list or snapshot of the old one is given back first. */
    if (r->making.frozen == NULL) {
        put_in_force(r);
    }
}

/* --- A peer's snapshot --- */

bool replica_fence_wants(const struct replica *r, uint64_t slot)
{
    return r->fence.on && r->fence.own_wrong && r->fence.stage == REPLICA_REBUILD_WAITING &&
           slot >= r->fence.slot;
}

bool replica_fence_received(struct replica *r, uint64_t slot)
{
    if (!replica_fence_wants(r, slot) || slot > fsm_slot(r->fsm)) {
        return false; /* above all that is here: installed as any other */
    }
    r->fence.below = UINT64_MAX;
    r->fence.stage = REPLICA_REBUILD_CHOOSING;
    return true;
}

/* Each peer in turn, until one has something to offer. */
static void ask_on(struct replica *r, uint64_t now_ms)
{
    struct replica_fence *fence = &r->fence;
    if (r->receiving.node != 0 || r->peers_count == 0 || now_ms < fence->asked_ms) {
        return;
    }
    fence->asked_ms = now_ms + REPLICA_ASK_AGAIN_MS;
    fence->asked_peer = (fence->asked_peer + 1) % r->peers_count;
    struct wire_snapshot_ask message = {.at_least = fence->slot};
    replica_send_ask(r, r->peers[fence->asked_peer].node, &message);
}

/* --- A turn --- */

void replica_fence_end(struct replica *r)
{
    if (!r->fence.on) {
        return;
    }
    drop_machine(&r->fence);
    uint64_t slot = r->fence.slot;
    r->fence = (struct replica_fence){0};
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_REBUILT,
                                            .slot = fsm_slot(r->fsm),
                                            .count = slot,
                                            .digest = fsm_digest(r->fsm)});
}

void replica_fence_turn(struct replica *r, uint64_t now_ms)
{
    if (!r->fence.on) {
        return;
    }
    if (!r->fence.told) {
        send_away(r);
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    if (status.role == PAXOS_ROLE_LEADER) {
        struct paxos_event event = {.kind = PAXOS_EV_HAND_OVER};
        replica_step(r, &event);
    }
    switch (r->fence.stage) {
    case REPLICA_REBUILD_CHOOSING:
        choose(r);
        return;
    case REPLICA_REBUILD_LOADING:
        load_on(r);
        return;
    case REPLICA_REBUILD_REPLAYING:
        replay_on(r);
        return;
    case REPLICA_REBUILD_WAITING:
        ask_on(r, now_ms);
        return;
    }
}

uint64_t replica_fence_deadline_ms(const struct replica *r)
{
    if (!r->fence.on) {
        return UINT64_MAX;
    }
    return r->fence.stage == REPLICA_REBUILD_WAITING ? r->fence.asked_ms : 0;
}

void replica_fence_free(struct replica *r)
{
    drop_machine(&r->fence);
}
