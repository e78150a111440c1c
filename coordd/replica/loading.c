#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/* A machine made of a snapshot's file, in steps: while starting, and beside the one in force. */

enum cd_status replica_load_begin(struct replica *r, uint64_t slot, struct replica_loading *loading,
                                  struct cd_error *error)
{
    *loading = (struct replica_loading){.slot = slot};
    wire_item_reader_init(&loading->items);
    enum cd_status status =
        storage_snapshot_reader_open(r->snapshots, slot, &loading->reader, error);
    if (status == CD_OK) {
        loading->restore = fsm_restore_begin();
    }
    return status;
}

void replica_load_end(struct replica_loading *loading)
{
    storage_snapshot_reader_free(loading->reader);
    fsm_restore_abort(loading->restore);
    fsm_free(loading->fsm);
    wire_item_reader_release(&loading->items);
    *loading = (struct replica_loading){0};
}

static enum cd_status take_cluster(struct replica_loading *loading,
                                   const struct wire_snapshot_cluster *cluster,
                                   struct cd_error *error)
{
    struct paxos_base *base = &loading->base;
    if (cluster->configs_count > PAXOS_BASE_CONFIGS_MAX) {
        return cd_error_set(error, CD_CORRUPT, "the snapshot has %zu configurations, at most %d",
                            cluster->configs_count, (int)PAXOS_BASE_CONFIGS_MAX);
    }
    base->slot = loading->slot;
    base->configs_count = cluster->configs_count;
    for (size_t i = 0; i < cluster->configs_count; i++) {
        base->configs[i].chosen_at = cluster->configs[i].slot;
        base->configs[i].config = cluster->configs[i].config;
    }
    if (!paxos_base_is_sound(base)) {
        return cd_error_set(error, CD_CORRUPT, "the snapshot's configurations make no sense");
    }
    return CD_OK;
}

static enum cd_status take_items(struct replica *r, struct replica_loading *loading,
                                 struct cd_error *error)
{
    for (;;) {
        struct wire_item item;
        enum cd_status status =
            wire_item_reader_next(&loading->items, &r->read_arena, &item, error);
        if (status == CD_NOT_FOUND) {
            return CD_OK;
        }
        if (status == CD_OK) {
            status = item.is_cluster ? take_cluster(loading, &item.cluster, error)
                                     : fsm_restore_put(loading->restore, &item.fsm, error);
        }
        wire_arena_clear(&r->read_arena);
        if (status != CD_OK) {
            return status;
        }
    }
}

static enum cd_status finish(struct replica_loading *loading, struct cd_error *error)
{
    enum cd_status status = wire_item_reader_finish(&loading->items, error);
    if (status != CD_OK) {
        return status;
    }
    status = fsm_restore_finish(loading->restore, &loading->fsm, error);
    if (status != CD_OK) {
        return status;
    }
    loading->restore = NULL;
    if (fsm_slot(loading->fsm) != loading->slot) {
        return cd_error_set(error, CD_CORRUPT, "the snapshot of slot %llu holds slot %llu",
                            (unsigned long long)loading->slot,
                            (unsigned long long)fsm_slot(loading->fsm));
    }
    return CD_OK;
}

enum cd_status replica_load_step(struct replica *r, struct replica_loading *loading, bool *ret_done,
                                 struct cd_error *error)
{
    const uint8_t *data = NULL;
    size_t bytes = 0;
    enum cd_status status = storage_snapshot_read(loading->reader, &data, &bytes, error);
    if (status != CD_OK) {
        return status;
    }
    if (bytes == 0) {
        *ret_done = true;
        return finish(loading, error);
    }
    wire_item_reader_put(&loading->items, data, bytes);
    return take_items(r, loading, error);
}
