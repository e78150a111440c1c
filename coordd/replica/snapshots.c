#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * Snapshots: taken while writes go on, sent to peers that are too far behind for the log, received
 * from them and put in the place of the state (R3, R6, R16). All of it goes in steps of one turn.
 *
 *   taking     frozen state -> items -> compressed blocks -> file; then the log behind the older of
 *              two is dropped
 *   receiving  offer -> asks and chunks -> file, checked and durable -> loaded beside the state in
 *              force -> installed
 */

/* --- Taking one --- */

static void taken(void *context, enum cd_status status, uint64_t slot)
{
    struct replica *r = context;
    r->making.done = true;
    if (status == CD_OK) {
        r->counts.snapshots_taken++;
        r->snapshot_slot = slot;
        r->wanted_slot = slot >= r->wanted_slot ? 0 : r->wanted_slot;
    }
}

static bool put_cluster_item(struct replica *r)
{
    const struct paxos_base *base = &r->making.base;
    struct wire_config_at configs[PAXOS_BASE_CONFIGS_MAX];
    struct wire_snapshot_cluster cluster = {.configs = configs,
                                            .configs_count = base->configs_count};
    for (size_t i = 0; i < base->configs_count; i++) {
        configs[i].slot = base->configs[i].chosen_at;
        configs[i].config = base->configs[i].config;
    }
    if (base->configs_count > 0) {
        memcpy(cluster.cluster_id, configs[0].config.cluster_id, sizeof(cluster.cluster_id));
        cluster.generation = configs[0].config.generation;
    }
    return wire_item_put_cluster(&r->making.items, &cluster) == CD_OK;
}

static uint64_t log_bytes(const struct replica *r)
{
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    return stats.appended_bytes;
}

/* R6: at digest slots only, so that replicas can compare what they hold there. */
static bool wants_snapshot(struct replica *r)
{
    uint64_t slot = fsm_slot(r->fsm);
    if (slot == 0 || slot % REPLICA_DIGEST_SLOTS != 0 || r->making.frozen != NULL ||
        r->receiving.node != 0 || slot <= r->snapshot_slot) {
        return false;
    }
    struct storage_snapshots_stats stats;
    uint64_t least = r->snapshot_bytes;
    if (storage_snapshots_stats(r->snapshots, &stats) == CD_OK && stats.newest_bytes > least) {
        least = stats.newest_bytes; /* a large state is written no more often than its log */
    }
    bool wanted = r->wanted_slot != 0 && slot >= r->wanted_slot;
    return wanted || log_bytes(r) - r->snapshot_log_bytes >= least;
}

void replica_snapshot_at_slot(struct replica *r)
{
    if (!r->started || r->fence.on || !wants_snapshot(r)) {
        return;
    }
    struct storage_snapshot_meta meta = {
        .slot = fsm_slot(r->fsm),
        .zxid = fsm_zxid(r->fsm),
        .digest = fsm_digest(r->fsm),
        .digest_version = FSM_DIGEST_VERSION,
    };
    r->making.done = false;
    if (storage_snapshot_begin(r->snapshots, &meta, taken, r) != CD_OK) {
        return; /* the next digest slot tries again */
    }
    r->making.frozen = fsm_snapshot_take(r->fsm);
    r->making.base = r->base;
    r->making.slot = meta.slot;
    r->making.finishing = false;
    r->snapshot_log_bytes = log_bytes(r);
    cd_buf_clear(&r->making.items);
    bool put = put_cluster_item(r);
    CD_ASSERT(put);
}

/* Encodes items until a block is full. False: the last item was encoded. */
static bool fill_block(struct replica *r)
{
    struct replica_making *making = &r->making;
    while (making->items.bytes < STORAGE_SNAPSHOT_PUT_BYTES_MAX) {
        struct fsm_item item;
        if (!fsm_snapshot_next(making->frozen, &item)) {
            return false;
        }
        enum cd_status status = wire_item_put(&making->items, &item);
        CD_ASSERT(status == CD_OK); /* its limit is a block and the largest item */
    }
    return true;
}

/* Gives one block to the disk. False: nothing was taken. */
static bool put_block(struct replica *r)
{
    struct cd_buf *items = &r->making.items;
    size_t bytes = items->bytes < STORAGE_SNAPSHOT_PUT_BYTES_MAX ? items->bytes
                                                                 : STORAGE_SNAPSHOT_PUT_BYTES_MAX;
    if (bytes == 0) {
        return false;
    }
    enum cd_status status = storage_snapshot_put(r->snapshots, items->data, bytes);
    if (status == CD_OK) {
        memmove(items->data, items->data + bytes, items->bytes - bytes);
        items->bytes -= bytes;
    } else if (status != CD_BUSY) {
        r->making.done = true; /* no room, or the disk failed: the log is untouched */
    }
    return status == CD_OK;
}

void replica_snapshot_abandon(struct replica *r)
{
    if (r->making.frozen != NULL && !r->making.done) {
        storage_snapshot_abort(r->snapshots);
        r->making.done = true;
        r->snapshot_log_bytes = 0; /* the next digest slot tries again */
    }
}

/*
 * A snapshot is kept, and may be sent, started from and counted on, only if a majority computed its
 * digest (R6), and from when the log durably holds its slot as chosen: else its loss could not be
 * made up for.
 */
static bool may_keep(struct replica *r)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    return replica_digest_verdict(r, r->making.slot) == REPLICA_ALIKE &&
           status.chosen_durable >= r->making.slot;
}

static void make_on(struct replica *r)
{
    struct replica_making *making = &r->making;
    if (replica_digest_verdict(r, making->slot) == REPLICA_DIFFERS) {
        replica_snapshot_abandon(r);
    } else if (!making->finishing) {
        bool more = making->items.bytes >= STORAGE_SNAPSHOT_PUT_BYTES_MAX || fill_block(r);
        bool put = put_block(r);
        if (!more && put && making->items.bytes == 0) {
            making->finishing = true;
        }
    } else if (!making->asked && may_keep(r)) {
        making->asked = true;
        if (storage_snapshot_finish(r->snapshots) != CD_OK) {
            making->done = true;
        }
    }
}

static void end_making(struct replica *r)
{
    if (fsm_snapshot_release(r->making.frozen, REPLICA_RELEASE_PAGES)) {
        r->making.frozen = NULL;
        r->making.asked = false;
        cd_buf_release(&r->making.items);
    }
}

/* R3: the log behind the older of two. */
static void drop_log(struct replica *r)
{
    uint64_t floor = storage_snapshots_floor(r->snapshots);
    if (floor > r->dropped_slot && storage_log_drop(r->log, floor) == CD_OK) {
        r->dropped_slot = floor;
        struct paxos_event event = {.kind = PAXOS_EV_DROPPED, .slot = floor};
        replica_step(r, &event);
    }
}

/* --- Sending --- */

static bool newest_verified(const struct replica *r, struct storage_snapshot_info *ret_info)
{
    for (size_t i = 0; storage_snapshots_at(r->snapshots, i, ret_info); i++) {
        if (ret_info->state == STORAGE_SNAPSHOT_VERIFIED) {
            return true;
        }
    }
    return false;
}

void replica_offer_snapshot(struct replica *r, uint32_t node)
{
    struct storage_snapshot_info info;
    if (!newest_verified(r, &info)) {
        return; /* it asks again */
    }
    struct wire_snapshot_offer offer = {
        .slot = info.meta.slot,
        .zxid = info.meta.zxid,
        .file_bytes = info.file_bytes,
        .digest = info.meta.digest,
        .digest_version = info.meta.digest_version,
    };
    replica_send_offer(r, node, &offer);
}

static struct storage_snapshot_source *source_of(struct replica *r, uint64_t slot)
{
    struct replica_source *source = &r->source;
    source->used_ms = env_now_ms(&r->env);
    if (source->from != NULL && source->slot == slot) {
        return source->from;
    }
    storage_snapshot_source_free(source->from);
    source->from = NULL;
    source->slot = slot;
    struct cd_error error; /* the peer is told that it is gone */
    if (storage_snapshot_source_open(r->snapshots, slot, &source->from, &error) != CD_OK) {
        source->from = NULL;
    }
    return source->from;
}

/* A fenced peer needs one of a later slot than the one at which it differed (R6). */
static void offer_later(struct replica *r, uint32_t node, uint64_t at_least)
{
    struct storage_snapshot_info info;
    if (newest_verified(r, &info) && info.meta.slot >= at_least) {
        replica_offer_snapshot(r, node);
    } else if (at_least <= fsm_slot(r->fsm) + REPLICA_DIGEST_SLOTS) {
        r->wanted_slot = at_least;
    }
}

void replica_on_snapshot_ask(struct replica *r, uint32_t node, const struct wire_snapshot_ask *ask)
{
    if (ask->slot == 0) {
        offer_later(r, node, ask->at_least);
        return;
    }
    struct storage_snapshot_source *source = source_of(r, ask->slot);
    size_t bytes = 0;
    if (source == NULL || ask->offset >= storage_snapshot_source_bytes(source)) {
        replica_send_gone(r, node, ask->slot);
        return;
    }
    uint8_t *data = cd_malloc(REPLICA_CHUNK_BYTES);
    if (storage_snapshot_source_read(source, ask->offset, data, REPLICA_CHUNK_BYTES, &bytes) ==
            CD_OK &&
        bytes > 0) {
        struct wire_snapshot_chunk chunk = {
            .slot = ask->slot, .offset = ask->offset, .data = {data, bytes}};
        replica_send_chunk(r, node, &chunk);
    }
    cd_free(data);
}

/* --- Receiving --- */

static void received(void *context, enum cd_status status, uint64_t slot)
{
    struct replica *r = context;
    if (status == CD_OK) {
        r->receiving.stage = REPLICA_RECEIVED;
    } else {
        r->receiving = (struct replica_receiving){0}; /* it is offered again */
    }
    (void)slot;
}

static void give_up_receiving(struct replica *r)
{
    if (r->receiving.stage == REPLICA_ASKING) {
        storage_snapshot_abort(r->snapshots);
    }
    replica_load_end(&r->receiving.loading);
    r->receiving = (struct replica_receiving){0};
}

static void ask(struct replica *r, uint64_t now_ms)
{
    r->receiving.asked_ms = now_ms;
    struct wire_snapshot_ask message = {.slot = r->receiving.offer.slot,
                                        .offset = r->receiving.next};
    replica_send_ask(r, r->receiving.node, &message);
}

void replica_on_snapshot_offer(struct replica *r, uint32_t node,
                               const struct wire_snapshot_offer *offer)
{
    if (r->receiving.node != 0 ||
        (offer->slot <= fsm_slot(r->fsm) && !replica_fence_wants(r, offer->slot))) {
        return;
    }
    if (r->making.frozen != NULL) {
        /* An own one may wait for an agreement that lies in what is missing here. */
        if (!r->making.asked) {
            replica_snapshot_abandon(r);
        }
        return; /* it is offered again */
    }
    struct storage_snapshot_meta meta = {
        .slot = offer->slot,
        .zxid = offer->zxid,
        .digest = offer->digest,
        .digest_version = offer->digest_version,
    };
    enum cd_status status =
        storage_snapshot_receive(r->snapshots, &meta, offer->file_bytes, received, r);
    if (status == CD_INVALID_ARGUMENT) {
        /* It lies here already: received once, and not installed because of a crash. */
        r->receiving.stage = REPLICA_RECEIVED;
    } else if (status == CD_OK) {
        r->receiving.stage = REPLICA_ASKING;
    } else {
        return; /* it is offered again */
    }
    r->receiving.node = node;
    r->receiving.offer = *offer;
    r->receiving.next = 0;
    if (r->receiving.stage == REPLICA_ASKING) {
        ask(r, env_now_ms(&r->env));
    }
}

void replica_on_snapshot_chunk(struct replica *r, uint32_t node,
                               const struct wire_snapshot_chunk *chunk)
{
    struct replica_receiving *receiving = &r->receiving;
    if (receiving->stage != REPLICA_ASKING || node != receiving->node ||
        chunk->slot != receiving->offer.slot) {
        return;
    }
    struct cd_error error;
    enum cd_status status = storage_snapshot_receive_put(
        r->snapshots, chunk->offset, chunk->data.data, chunk->data.bytes, &receiving->next, &error);
    if (status == CD_BUSY) {
        return; /* asked for again a little later */
    }
    if (status != CD_OK) {
        receiving->stage = REPLICA_NOT_RECEIVING; /* it has ended */
        replica_emit(r, &(struct replica_event){
                            .kind = REPLICA_EV_FRAME_BAD, .node = node, .text = error.message});
        give_up_receiving(r);
    } else if (receiving->next < receiving->offer.file_bytes) {
        receiving->silent = 0;
        ask(r, env_now_ms(&r->env));
    } else {
        receiving->stage = REPLICA_WRITING;
        if (storage_snapshot_finish(r->snapshots) != CD_OK) {
            receiving->stage = REPLICA_NOT_RECEIVING;
            give_up_receiving(r);
        }
    }
}

void replica_on_snapshot_gone(struct replica *r, uint32_t node, uint64_t slot)
{
    if (r->receiving.stage == REPLICA_ASKING && node == r->receiving.node &&
        slot == r->receiving.offer.slot) {
        give_up_receiving(r);
    }
}

/* --- Installing --- */

/*
 * Streams go on, on another state: what a session's write was answered is in its kept replies, and
 * every watch is told what it missed (R16). What has neither is unknown.
 */
static void settle_streams(struct replica *r)
{
    replica_reset_watches(r); /* before the last word of those that end */
    struct replica_stream *stream;
    struct replica_stream *next;
    HASH_ITER(hh, r->streams, stream, next)
    {
        struct fsm_session_view view;
        if (stream->session != 0 && !fsm_session_find(r->fsm, stream->session, &view)) {
            replica_stream_end_session(r, stream, CD_SESSION_EXPIRED);
        } else if (stream->session != 0 && view.attach > stream->attach) {
            replica_stream_end_session(r, stream, CD_SESSION_MOVED);
        }
    }
    replica_settle_writes(r);
}

static void install(struct replica *r)
{
    struct replica_loading *loading = &r->receiving.loading;
    if (!paxos_may_install(r->px, &loading->base)) {
        return; /* the log was faster */
    }
    struct fsm *old = r->fsm;
    r->fsm = loading->fsm;
    loading->fsm = NULL;
    r->base = loading->base;
    replica_digest_begin(&r->digests, r->fsm);
    r->limits = *fsm_limits(r->fsm);
    r->applied_told = fsm_slot(r->fsm);
    r->snapshot_slot = r->base.slot;
    r->snapshot_log_bytes = log_bytes(r);
    r->counts.snapshots_installed++;
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_INSTALLED,
                                            .slot = r->base.slot,
                                            .digest = fsm_digest(r->fsm)});
    struct paxos_event event = {.kind = PAXOS_EV_INSTALLED, .base = &r->base};
    replica_step(r, &event);
    settle_streams(r);
    fsm_free(old);
    replica_fence_end(r);
}

static void receive_on(struct replica *r, uint64_t now_ms)
{
    struct replica_receiving *receiving = &r->receiving;
    struct cd_error error = {0};
    enum cd_status status = CD_OK;
    bool done = false;
    switch (receiving->stage) {
    case REPLICA_NOT_RECEIVING:
    case REPLICA_WRITING:
        return;
    case REPLICA_ASKING:
        if (now_ms - receiving->asked_ms >= REPLICA_ASK_AGAIN_MS) {
            receiving->silent++;
            if (receiving->silent > REPLICA_ASKS_MAX) {
                give_up_receiving(r);
            } else {
                ask(r, now_ms);
            }
        }
        return;
    case REPLICA_RECEIVED:
        if (replica_fence_received(r, receiving->offer.slot)) {
            give_up_receiving(r); /* it lies here: that is enough */
            return;
        }
        status = replica_load_begin(r, receiving->offer.slot, &receiving->loading, &error);
        receiving->stage = REPLICA_LOADING;
        break;
    case REPLICA_LOADING:
        status = replica_load_step(r, &receiving->loading, &done, &error);
        break;
    }
    if (status != CD_OK) {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FRAME_BAD,
                                                .node = receiving->node,
                                                .text = error.message});
    } else if (done) {
        install(r);
    }
    if (status != CD_OK || done) {
        give_up_receiving(r);
    }
}

/* --- A turn --- */

void replica_snapshots_turn(struct replica *r, uint64_t now_ms)
{
    if (r->making.frozen != NULL && now_ms >= r->making.next_ms) {
        r->making.next_ms = now_ms + REPLICA_SNAPSHOT_PACE_MS;
        if (r->making.done) {
            end_making(r);
        } else {
            make_on(r);
        }
    }
    receive_on(r, now_ms);
    drop_log(r);
    if (r->source.from != NULL && now_ms - r->source.used_ms >= REPLICA_SOURCE_IDLE_MS) {
        storage_snapshot_source_free(r->source.from);
        r->source.from = NULL;
    }
}

uint64_t replica_snapshots_deadline_ms(const struct replica *r)
{
    uint64_t deadline = r->making.frozen != NULL ? r->making.next_ms : UINT64_MAX;
    if (r->receiving.stage == REPLICA_ASKING) {
        uint64_t again = r->receiving.asked_ms + REPLICA_ASK_AGAIN_MS;
        deadline = again < deadline ? again : deadline;
    } else if (r->receiving.stage == REPLICA_RECEIVED || r->receiving.stage == REPLICA_LOADING) {
        deadline = 0; /* at once */
    }
    return deadline;
}

void replica_snapshots_free(struct replica *r)
{
    replica_load_end(&r->receiving.loading);
    while (r->making.frozen != NULL &&
           !fsm_snapshot_release(r->making.frozen, REPLICA_RELEASE_PAGES)) {
    }
    cd_buf_release(&r->making.items);
    storage_snapshot_source_free(r->source.from);
    storage_snapshots_free(r->snapshots);
}
