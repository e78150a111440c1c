#include "replica/internal.h"

#include <string.h>

/*
 * Log records: what paxos wants kept, as storage keeps it, and back. Recovery shows every record to
 * paxos in the log's order and applies what thereby becomes chosen.
 */

static struct storage_ballot to_storage(struct paxos_ballot ballot)
{
    return (struct storage_ballot){
        .round = ballot.round, .node = ballot.node, .incarnation = ballot.incarnation};
}

static enum cd_status encode_state(struct replica *r)
{
    struct wire_config_at configs[8];
    struct wire_position positions[WIRE_POSITIONS_MAX];
    struct wire_state state = {.configs = configs, .positions = positions};
    state.incarnation = r->incarnation;
    if (r->px != NULL) {
        struct paxos_status status;
        replica_get_status(r, &status);
        state.incarnation = status.incarnation;
        state.promised = status.promised;
        state.chosen = status.chosen;
        const struct paxos_config *config = NULL;
        paxos_slot slot = 0;
        while (state.configs_count < CD_ARRAY_COUNT(configs) &&
               paxos_config_at(r->px, state.configs_count, &slot, &config)) {
            configs[state.configs_count].slot = slot;
            configs[state.configs_count].config = *config;
            state.configs_count++;
        }
        size_t n = 0;
        while (n < CD_ARRAY_COUNT(positions) &&
               paxos_remembered_at(r->px, n, &positions[n].node, &positions[n].incarnation,
                                   &positions[n].position)) {
            n++;
        }
        state.positions_count = n;
    }
    cd_buf_clear(&r->encode);
    enum cd_status status = wire_state_encode(&r->encode, &state);
    return status;
}

static enum cd_status append(struct replica *r, enum storage_kind kind, paxos_slot slot,
                             struct paxos_ballot ballot, bool lazy, uint64_t *ret_position)
{
    struct storage_record record = {
        .kind = kind,
        .slot = slot,
        .ballot = to_storage(ballot),
        .body = r->encode.data,
        .body_bytes = r->encode.bytes,
    };
    return storage_log_append(r->log, &record, lazy, ret_position);
}

enum cd_status replica_append_state(struct replica *r, uint64_t *ret_position)
{
    enum cd_status status = encode_state(r);
    CD_ASSERT(status == CD_OK); /* its size is bounded far below a body's limit */
    return append(r, STORAGE_STATE, 0, (struct paxos_ballot){0}, false, ret_position);
}

static enum cd_status encode_base(struct replica *r, const struct paxos_base *base)
{
    struct wire_config_at configs[PAXOS_BASE_CONFIGS_MAX];
    struct wire_state state = {
        .chosen = base->slot, .configs = configs, .configs_count = base->configs_count};
    for (size_t i = 0; i < base->configs_count; i++) {
        configs[i].slot = base->configs[i].chosen_at;
        configs[i].config = base->configs[i].config;
    }
    cd_buf_clear(&r->encode);
    return wire_state_encode(&r->encode, &state);
}

static enum cd_status encode_positions(struct replica *r)
{
    struct wire_position positions[WIRE_POSITIONS_MAX];
    size_t n = 0;
    while (n < CD_ARRAY_COUNT(positions) &&
           paxos_remembered_at(r->px, n, &positions[n].node, &positions[n].incarnation,
                               &positions[n].position)) {
        n++;
    }
    return wire_peers_encode(&r->encode, positions, n);
}

enum cd_status replica_append(struct replica *r, const struct paxos_persist *persist,
                              uint64_t *ret_position)
{
    cd_buf_clear(&r->encode);
    enum cd_status encoded = CD_OK;
    enum storage_kind kind = STORAGE_ENTRY;
    switch (persist->kind) {
    case PAXOS_PERSIST_IDENTITY: {
        enum cd_status status = replica_append_state(r, ret_position);
        r->identity = status == CD_OK ? *ret_position : r->identity;
        return status;
    }
    case PAXOS_PERSIST_INSTALLED:
        encoded = encode_base(r, persist->base);
        kind = STORAGE_INSTALLED;
        return encoded != CD_OK ? encoded
                                : append(r, kind, persist->base->slot, (struct paxos_ballot){0},
                                         persist->lazy, ret_position);
    case PAXOS_PERSIST_PROMISE:
        kind = STORAGE_PROMISE;
        encoded = wire_promise_encode(&r->encode, persist->ballot);
        break;
    case PAXOS_PERSIST_ACCEPTED:
        encoded = wire_entry_encode(&r->encode, &persist->entry, false);
        break;
    case PAXOS_PERSIST_LEARNED:
        encoded = wire_entry_encode(&r->encode, &persist->entry, true);
        break;
    case PAXOS_PERSIST_MARK:
        kind = STORAGE_MARK;
        encoded = wire_mark_encode(&r->encode, persist->slot);
        break;
    case PAXOS_PERSIST_PEERS:
        kind = STORAGE_PEERS;
        encoded = encode_positions(r);
        break;
    }
    CD_ASSERT(encoded == CD_OK); /* payloads were bounded when they were made or received */
    return append(r, kind, persist->slot, persist->ballot, persist->lazy, ret_position);
}

/* --- Recovery --- */

static enum cd_status apply_restored(struct replica *r, enum cd_status status,
                                     struct cd_error *error)
{
    for (size_t i = 0; status == CD_OK && i < r->effects.chosen_count; i++) {
        status = replica_apply(r, &r->effects.chosen[i], error);
    }
    paxos_effects_clear(&r->effects);
    return status;
}

static enum cd_status restore_entry(struct replica *r, const struct storage_record *record,
                                    struct cd_error *error)
{
    struct paxos_entry entry = {0};
    bool learned = false;
    enum cd_status status =
        wire_entry_decode(&r->arena, record->body, record->body_bytes, &entry, &learned, error);
    if (status != CD_OK) {
        return status;
    }
    if (learned) {
        status = paxos_restore_learned(r->px, &entry, &r->effects);
        status = apply_restored(r, status, error);
    } else {
        status = paxos_restore_accepted(r->px, &entry);
    }
    cd_blob_unref(entry.payload);
    return status;
}

static enum cd_status restore_positions(struct replica *r, const struct wire_state *state)
{
    for (size_t i = 0; i < state->positions_count; i++) {
        const struct wire_position *position = &state->positions[i];
        paxos_restore_remembered(r->px, position->node, position->incarnation, position->position);
    }
    return CD_OK;
}

static enum cd_status restore_state(struct replica *r, const struct storage_record *record,
                                    struct cd_error *error)
{
    struct wire_state state;
    enum cd_status status =
        wire_state_decode(&r->arena, record->body, record->body_bytes, &state, error);
    if (status != CD_OK) {
        return status;
    }
    r->incarnation = state.incarnation;
    paxos_restore_identity(r->px, state.incarnation);
    status = paxos_restore_promise(r->px, state.promised);
    return status == CD_OK ? restore_positions(r, &state) : status;
}

/* A state that stands below an installed snapshot has lost that snapshot, and the log with it. */
static enum cd_status restore_installed(struct replica *r, const struct storage_record *record,
                                        struct cd_error *error)
{
    struct wire_state state;
    enum cd_status status =
        wire_state_decode(&r->arena, record->body, record->body_bytes, &state, error);
    if (status != CD_OK) {
        return status;
    }
    struct paxos_base base = {.slot = state.chosen, .configs_count = state.configs_count};
    if (state.configs_count > PAXOS_BASE_CONFIGS_MAX) {
        return CD_CORRUPT;
    }
    for (size_t i = 0; i < state.configs_count; i++) {
        base.configs[i].chosen_at = state.configs[i].slot;
        base.configs[i].config = state.configs[i].config;
    }
    if (base.slot > fsm_slot(r->fsm)) {
        return cd_error_set(error, CD_CORRUPT, "the snapshot of slot %llu is missing or damaged",
                            (unsigned long long)base.slot);
    }
    return paxos_restore_installed(r->px, &base);
}

static enum cd_status restore_record(struct replica *r, const struct storage_record *record,
                                     struct cd_error *error)
{
    enum cd_status status = CD_OK;
    struct paxos_ballot ballot = {0};
    struct wire_state state = {0};
    paxos_slot slot = 0;
    switch (record->kind) {
    case STORAGE_STATE:
        return restore_state(r, record, error);
    case STORAGE_ENTRY:
        return restore_entry(r, record, error);
    case STORAGE_PROMISE:
        status = wire_promise_decode(&r->arena, record->body, record->body_bytes, &ballot, error);
        return status == CD_OK ? paxos_restore_promise(r->px, ballot) : status;
    case STORAGE_MARK:
        status = wire_mark_decode(&r->arena, record->body, record->body_bytes, &slot, error);
        if (status == CD_OK) {
            status = paxos_restore_mark(r->px, slot, &r->effects);
            status = apply_restored(r, status, error);
        }
        return status;
    case STORAGE_PEERS:
        status = wire_peers_decode(&r->arena, record->body, record->body_bytes, &state, error);
        return status == CD_OK ? restore_positions(r, &state) : status;
    case STORAGE_INSTALLED:
        return restore_installed(r, record, error);
    case STORAGE_SYNCED:
    case STORAGE_DROPPED:
        return CD_OK;
    }
    return CD_CORRUPT;
}

static enum cd_status visit(void *context, uint64_t position, const struct storage_record *record,
                            struct cd_error *error)
{
    struct replica *r = context;
    struct cd_error why = {.status = CD_OK, .message = "it contradicts the records before it"};
    enum cd_status status = restore_record(r, record, &why);
    wire_arena_clear(&r->arena);
    if (status == CD_OK) {
        return CD_OK;
    }
    if (status == CD_NEWER_FORMAT) {
        return cd_error_set(error, status,
                            "record %llu of the log was written by a newer version (%s): start "
                            "that version again",
                            (unsigned long long)position, why.message);
    }
    return cd_error_set(error, CD_CORRUPT,
                        "record %llu of the log (kind %d, slot %llu) makes no sense: %s. Move the "
                        "data directory aside and start this replica empty: it joins again and "
                        "gets the data from its peers",
                        (unsigned long long)position, (int)record->kind,
                        (unsigned long long)record->slot, why.message);
}

static void describe(void *context, struct storage_log *log)
{
    struct replica *r = context;
    /* Runs inside an append, whose record is copied already but may live in r->encode. */
    struct cd_buf saved = r->encode;
    cd_buf_init(&r->encode, saved.limit);
    enum cd_status status = encode_state(r);
    CD_ASSERT(status == CD_OK);
    struct storage_record record = {
        .kind = STORAGE_STATE, .body = r->encode.data, .body_bytes = r->encode.bytes};
    storage_log_describe_put(log, &record);
    if (r->px != NULL && paxos_installed(r->px) != NULL) {
        const struct paxos_base *base = paxos_installed(r->px);
        status = encode_base(r, base);
        CD_ASSERT(status == CD_OK);
        record = (struct storage_record){.kind = STORAGE_INSTALLED,
                                         .slot = base->slot,
                                         .body = r->encode.data,
                                         .body_bytes = r->encode.bytes};
        storage_log_describe_put(log, &record);
    }
    cd_buf_release(&r->encode);
    r->encode = saved;
}

static void synced(void *context, enum cd_status status, uint64_t upto)
{
    struct replica *r = context;
    if (status != CD_OK && status != CD_FULL) {
        replica_fail(r, "a write or sync of the log failed, so it is not known what is durable: "
                        "check the disk and start again");
        return;
    }
    r->durable = upto > r->durable ? upto : r->durable;
}

/* --- The snapshot to start from --- */

static enum cd_status load(struct replica *r, uint64_t slot, struct replica_loading *loading,
                           struct cd_error *error)
{
    bool done = false;
    enum cd_status status = replica_load_begin(r, slot, loading, error);
    while (status == CD_OK && !done) {
        status = replica_load_step(r, loading, &done, error);
    }
    return status;
}

/* The newest snapshot that is whole. A damaged one is passed over: the one before it and the log
 * reach as far, or the log says that they do not. */
static enum cd_status load_newest(struct replica *r, struct cd_error *error)
{
    struct storage_snapshot_info info;
    for (size_t i = 0; storage_snapshots_at(r->snapshots, i, &info); i++) {
        struct replica_loading loading = {0};
        uint64_t slot = info.meta.slot;
        enum cd_status status =
            info.state == STORAGE_SNAPSHOT_DAMAGED ? CD_CORRUPT : load(r, slot, &loading, error);
        if (status == CD_OK) {
            fsm_free(r->fsm);
            r->fsm = loading.fsm;
            loading.fsm = NULL;
            r->base = loading.base;
            r->loaded_base = loading.base;
            r->limits = *fsm_limits(r->fsm);
            r->snapshot_slot = slot;
            replica_digest_begin(&r->digests, r->fsm);
            watch_reset(r->watches, fsm_zxid(r->fsm));
            r->told_zxid = fsm_zxid(r->fsm);
            status = paxos_restore_base(r->px, &r->base, 0);
            replica_load_end(&loading);
            replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_LOADED,
                                                    .slot = slot,
                                                    .digest = fsm_digest(r->fsm)});
            return status;
        }
        replica_load_end(&loading);
        if (status != CD_CORRUPT && status != CD_NOT_FOUND) {
            return status;
        }
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_SNAPSHOT_BAD,
                                                .slot = slot,
                                                .text = info.state == STORAGE_SNAPSHOT_DAMAGED
                                                            ? info.damage
                                                            : error->message});
    }
    return CD_OK;
}

static enum cd_status open_snapshots(struct replica *r, struct cd_error *error)
{
    struct storage_snapshots_options options = {
        .cluster_name = r->cluster_name,
        .file_bytes_max = REPLICA_SNAPSHOT_BYTES_MAX,
    };
    enum cd_status status = storage_snapshots_open(&r->env, &options, &r->snapshots, error);
    return status == CD_OK ? load_newest(r, error) : status;
}

/* Does what was dropped lie in the snapshot? And is there a log at all? */
static enum cd_status judge_log(const struct replica *r, const struct storage_recovery *recovery,
                                struct cd_error *error)
{
    struct storage_snapshot_info info;
    bool any = storage_snapshots_at(r->snapshots, 0, &info);
    if (recovery->dropped_slot > r->base.slot) {
        return cd_error_set(error, CD_CORRUPT,
                            "the log begins behind slot %llu, and no whole snapshot reaches that "
                            "far. Move the data directory aside and start this replica empty: it "
                            "joins again and gets the data from its peers",
                            (unsigned long long)recovery->dropped_slot);
    }
    if (recovery->last_position == 0 && any) {
        return cd_error_set(error, CD_CORRUPT,
                            "there are snapshots but no log, and with it this replica's votes are "
                            "lost. Move the data directory aside and start this replica empty: it "
                            "joins again and gets the data from its peers");
    }
    return CD_OK;
}

enum cd_status replica_recover(struct replica *r, uint64_t segment_bytes, struct cd_error *error)
{
    enum cd_status status = open_snapshots(r, error);
    if (status != CD_OK) {
        return status;
    }
    struct storage_options options = {
        .cluster_name = r->cluster_name,
        .node = r->node,
        .segment_bytes = segment_bytes,
        .idle_ms = REPLICA_IDLE_MARK_MS,
        .done = synced,
        .describe = describe,
        .context = r,
    };
    struct storage_recovery recovery = {0};
    status = storage_log_open(&r->env, &options, visit, r, &r->log, &recovery, error);
    status = status == CD_OK ? judge_log(r, &recovery, error) : status;
    if (status == CD_OK && r->snapshot_slot != 0) {
        status = paxos_restore_base(r->px, &r->loaded_base, recovery.dropped_slot);
    }
    if (status != CD_OK) {
        return status;
    }
    r->durable = storage_log_durable(r->log);
    r->start_position = recovery.last_position;
    if (recovery.last_position == 0) {
        r->fresh = true;
        /* R2: the incarnation is durable before anybody hears of it. */
        status = replica_append_state(r, &r->start_position);
        if (status != CD_OK) {
            return cd_error_set(error, status, "cannot write the first record of the log");
        }
        storage_log_flush(r->log);
    }
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_STARTED,
                                            .slot = fsm_slot(r->fsm),
                                            .count = recovery.records});
    return CD_OK;
}
