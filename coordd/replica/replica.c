#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/* Making a replica, carrying out what paxos asks for, and one turn of the loop. */

void replica_emit(struct replica *r, const struct replica_event *event)
{
    if (r->ports.event != NULL) {
        r->ports.event(r->ports.context, event);
    }
}

void replica_fail(struct replica *r, const char *text)
{
    if (!r->fatal) {
        r->fatal = true;
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FATAL, .text = text});
    }
}

void replica_get_status(const struct replica *r, struct paxos_status *ret_status)
{
    paxos_status(r->px, env_now_ms(&r->env), ret_status);
}

bool replica_leads(const struct replica *r)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    return status.role == PAXOS_ROLE_LEADER && status.established && !r->fence.on;
}

/* --- Making one --- */

static void copy_options(struct replica *r, const struct replica_options *options)
{
    r->env = *options->env;
    r->ports = *options->ports;
    r->node = options->node;
    r->cluster_name = cd_strdup(options->cluster_name);
    r->limits = options->limits;
    r->alpha = options->alpha;
    r->heartbeat_ms = options->heartbeat_ms;
    r->election_ms = options->election_ms;
    r->snapshot_bytes = options->snapshot_bytes;
    for (size_t i = 0; i < options->peers_count; i++) {
        if (options->peers[i] == r->node) {
            continue;
        }
        r->peers_ids[r->peers_count] = options->peers[i];
        r->peers[r->peers_count].node = options->peers[i];
        cd_buf_init(&r->peers[r->peers_count].frame, WIRE_PEER_FRAME_BYTES_MAX);
        r->peers_count++;
    }
    r->admins = cd_calloc(options->admins_count, sizeof(*r->admins));
    for (size_t i = 0; i < options->admins_count; i++) {
        r->admins[r->admins_count++] = cd_strdup(options->admins[i]);
    }
}

static uint64_t draw(struct replica *r)
{
    uint64_t number = 0;
    while (number == 0) {
        r->env.ops->entropy(r->env.self, &number, sizeof(number));
    }
    return number;
}

enum cd_status replica_create(const struct replica_options *options, struct replica **ret_replica,
                              struct cd_error *error)
{
    CD_ASSERT(options->node != 0 && options->peers_count <= PAXOS_MEMBERS_MAX);
    CD_ASSERT(options->alpha >= PAXOS_ALPHA_MIN && options->alpha <= PAXOS_ALPHA_MAX);
    struct replica *r = cd_calloc(1, sizeof(*r));
    copy_options(r, options);
    paxos_effects_init(&r->effects);
    wire_arena_init(&r->arena, WIRE_ARENA_BYTES_MAX);
    wire_arena_init(&r->apply_arena, WIRE_ARENA_BYTES_MAX);
    wire_arena_init(&r->command_arena, WIRE_ARENA_BYTES_MAX);
    cd_buf_init(&r->encode, STORAGE_BODY_BYTES_MAX);
    cd_buf_init(&r->making.items, STORAGE_SNAPSHOT_PUT_BYTES_MAX + WIRE_ITEM_BYTES_MAX + 16);
    fsm_result_init(&r->result);
    fsm_result_init(&r->read_result);
    wire_arena_init(&r->read_arena, WIRE_ARENA_BYTES_MAX);
    cd_buf_init(&r->event_head, WIRE_FRAME_BYTES_MAX);
    r->views = cd_calloc(WIRE_PAGE_ENTRIES_MAX, sizeof(*r->views));
    r->incarnation = draw(r);
    r->boot = draw(r);
    r->fsm = fsm_create(&r->limits, FSM_GENERATION_FIRST);
    const struct watch_limits watch_limits = {
        .per_watcher = REPLICA_STREAM_WATCHES_MAX,
        .total = REPLICA_WATCHES_MAX,
        .history_bytes = options->history_bytes,
        .history_ms = REPLICA_HISTORY_MS,
    };
    r->watches = watches_create(&watch_limits, fsm_zxid(r->fsm));
    struct paxos_options consensus = {
        .node = r->node,
        .incarnation = r->incarnation,
        .boot = r->boot,
        .seed = draw(r),
        .heartbeat_ms = r->heartbeat_ms,
        .election_ms = r->election_ms,
        .peers = r->peers_ids,
        .peers_count = r->peers_count,
    };
    r->px = paxos_create(&consensus);
    enum cd_status status = replica_recover(r, options->segment_bytes, error);
    if (status != CD_OK) {
        replica_free(r);
        return status;
    }
    r->created_ms = env_now_ms(&r->env);
    r->leaderless_ms = r->created_ms;
    *ret_replica = r;
    return CD_OK;
}

void replica_free(struct replica *r)
{
    if (r == NULL) {
        return;
    }
    replica_free_reads(r);
    replica_free_writes(r);
    replica_free_pending(r);
    replica_free_streams(r);
    replica_lease_free(r);
    watches_free(r->watches);
    cd_buf_release(&r->event_head);
    replica_free_versions(r);
    replica_free_peers(r);
    replica_fence_free(r);
    replica_snapshots_free(r);
    storage_log_free(r->log);
    paxos_free(r->px);
    paxos_effects_release(&r->effects);
    fsm_result_release(&r->result);
    fsm_result_release(&r->read_result);
    wire_arena_release(&r->read_arena);
    fsm_free(r->fsm);
    wire_arena_release(&r->arena);
    wire_arena_release(&r->apply_arena);
    wire_arena_release(&r->command_arena);
    cd_buf_release(&r->encode);
    for (size_t i = 0; i < r->admins_count; i++) {
        cd_free(r->admins[i]);
    }
    cd_free(r->admins);
    cd_free(r->views);
    cd_free(r->changed_nodes);
    cd_free(r->changed_names);
    cd_free(r->records);
    cd_free(r->cluster_name);
    cd_free(r);
}

/* --- What paxos asks for --- */

/* Remembers where in the log paxos' record number r->persists lies. */
static void note_record(struct replica *r, struct replica_record record)
{
    uint64_t waiting = r->persists - r->persists_durable;
    if (waiting >= r->records_capacity) {
        size_t capacity = r->records_capacity != 0 ? 2 * r->records_capacity : 256;
        struct replica_record *records = cd_calloc(capacity, sizeof(*records));
        for (uint64_t n = r->persists_durable + 1; n < r->persists; n++) {
            records[n % capacity] = r->records[n % r->records_capacity];
        }
        cd_free(r->records);
        r->records = records;
        r->records_capacity = capacity;
    }
    r->records[r->persists % r->records_capacity] = record;
}

static void persist_all(struct replica *r)
{
    for (size_t i = 0; i < r->effects.persist_count && !r->fatal; i++) {
        uint64_t position = 0;
        enum cd_status status = replica_append(r, &r->effects.persist[i], &position);
        if (status != CD_OK) {
            replica_fail(r, status == CD_FULL
                                ? "no room for the log on the disk: make room and start again"
                                : "the log takes no more records: check the disk and start again");
            return;
        }
        r->persists++;
        bool lazy = r->effects.persist[i].lazy;
        r->needed = lazy ? r->needed : position;
        note_record(r, (struct replica_record){.position = position, .lazy = lazy});
    }
}

static void apply_all(struct replica *r)
{
    for (size_t i = 0; i < r->effects.chosen_count && !r->fatal; i++) {
        struct cd_error error = {0};
        enum cd_status status = replica_apply(r, &r->effects.chosen[i], &error);
        if (status != CD_OK) {
            replica_fail(r, status == CD_NEWER_FORMAT
                                ? "a chosen command comes from a newer version: upgrade this "
                                  "replica"
                                : "a chosen command does not decode: this replica cannot go on");
        }
    }
}

static void carry_out(struct replica *r)
{
    struct paxos_effects *effects = &r->effects;
    persist_all(r);
    for (size_t i = 0; i < effects->sends_count && !r->fatal; i++) {
        replica_peer_send(r, &effects->sends[i]);
    }
    apply_all(r);
    for (size_t i = 0; i < effects->notes_count; i++) {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_NOTE,
                                                .note = effects->notes[i],
                                                .ballot = effects->notes[i].ballot,
                                                .slot = effects->notes[i].slot,
                                                .node = effects->notes[i].node});
    }
    if (effects->snapshot_to != 0 && !r->fatal) {
        replica_offer_snapshot(r, effects->snapshot_to);
    }
    if (effects->fetch_to != 0 && !r->fatal) {
        replica_answer_fetch(r, effects->fetch_to, effects->fetch_first, effects->fetch_last);
    }
    if (effects->barrier_token != 0) {
        r->token_done = effects->barrier_token;
        r->token_index = effects->barrier_index;
        replica_lease_round_done(r);
    }
}

static void step_once(struct replica *r, struct paxos_event *event)
{
    event->now_ms = env_now_ms(&r->env);
    paxos_step(r->px, event, &r->effects);
    carry_out(r);
}

void replica_step(struct replica *r, struct paxos_event *event)
{
    if (r->fatal) {
        return;
    }
    step_once(r, event);
    for (;;) {
        if (r->effects.forgot && !r->fatal) {
            replica_drop_unsaid(r);
            struct paxos_event fresh = {.kind = PAXOS_EV_REINCARNATE, .incarnation = draw(r)};
            r->incarnation = fresh.incarnation;
            step_once(r, &fresh);
        } else if (r->applied_told < fsm_slot(r->fsm) && !r->fatal) {
            r->applied_told = fsm_slot(r->fsm);
            struct paxos_event applied = {.kind = PAXOS_EV_APPLIED, .slot = r->applied_told};
            step_once(r, &applied);
        } else {
            return;
        }
    }
}

/* --- One turn --- */

static void start_when_durable(struct replica *r)
{
    if (r->started || r->durable < r->start_position) {
        return;
    }
    r->started = true;
    r->applied_told = fsm_slot(r->fsm);
    r->acknowledged = r->start_position;
    paxos_effects_clear(&r->effects);
    paxos_start(r->px, env_now_ms(&r->env), r->start_position,
                r->fresh ? PAXOS_MEMORY_FRESH : PAXOS_MEMORY_KEPT, &r->effects);
    carry_out(r);
}

/*
 * Peers are told the position of the newest record that somebody may have waited for (R2). Lazy
 * ones do not count: a record of what peers said would be news to them, and theirs to us, for ever.
 */
static void tell_persisted(struct replica *r)
{
    uint64_t before = r->persists_durable;
    while (r->persists_durable < r->persists) {
        uint64_t next = r->persists_durable + 1;
        const struct replica_record *record = &r->records[next % r->records_capacity];
        if (record->position > r->durable) {
            break;
        }
        r->acknowledged = record->lazy ? r->acknowledged : record->position;
        r->persists_durable = next;
    }
    if (r->persists_durable > before) {
        struct paxos_event event = {.kind = PAXOS_EV_PERSISTED,
                                    .persisted = r->persists_durable,
                                    .position = r->acknowledged};
        replica_step(r, &event);
    }
    replica_release_delayed(r);
}

/* R23: streams hear of a missing leader within one election timeout. */
static void watch_leader(struct replica *r, uint64_t now_ms)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    uint32_t leader = status.role == PAXOS_ROLE_LEADER && !status.established ? 0 : status.leader;
    if (leader != 0) {
        r->leaderless_told = false;
    } else if (r->leader_seen != 0) {
        r->leaderless_ms = now_ms;
    }
    r->leader_seen = leader;
    if (leader != 0 && leader != r->leader_before) {
        r->leader_before = leader;
        r->counts.leader_changes++;
    }
    if (leader == 0 && now_ms - r->leaderless_ms >= r->election_ms) {
        replica_refuse_barrier_reads(r);
        if (!r->leaderless_told) {
            r->leaderless_told = true;
            replica_tell_leaderless(r, now_ms - r->leaderless_ms);
        }
    }
}

/* One round for all that came since the last one was asked for (R8). */
static void ask_round(struct replica *r)
{
    if (!replica_reads_want_round(r) && !replica_lease_wants_round(r)) {
        return;
    }
    r->token_asked++;
    struct paxos_event event = {.kind = PAXOS_EV_BARRIER, .token = r->token_asked};
    replica_step(r, &event);
}

/*
 * In office is who leads and has applied its own leadership: the elapsed time of its stamps (R13)
 * and every lease count from that moment.
 */
static void watch_office(struct replica *r, uint64_t now_ms)
{
    bool leads = replica_leads(r);
    struct paxos_status status;
    replica_get_status(r, &status);
    if (leads && (!r->in_office || paxos_ballot_compare(r->office, status.ballot) != 0)) {
        r->office = status.ballot;
        r->office_ms = now_ms;
        r->office_elapsed_ms = fsm_elapsed_ms(r->fsm);
        replica_lease_take_office(r, now_ms);
    } else if (!leads && r->in_office) {
        replica_lease_clear(r);
    }
}

/* What is looked through now and then. */
static void look_through(struct replica *r, uint64_t now_ms)
{
    if (now_ms < r->expiry_ms) {
        return;
    }
    r->expiry_ms = now_ms + REPLICA_EXPIRY_PERIOD_MS;
    replica_expire_reads(r, now_ms);
    replica_expire_writes(r, now_ms);
    replica_propose_again(r, now_ms);
    replica_release_versions(r, now_ms);
    replica_tell_bookmarks(r, now_ms);
}

void replica_turn(struct replica *r)
{
    uint64_t now = env_now_ms(&r->env);
    if (r->fatal) {
        return;
    }
    start_when_durable(r);
    if (!r->started) {
        storage_log_flush(r->log);
        return;
    }
    tell_persisted(r);
    if (now >= paxos_deadline_ms(r->px)) {
        struct paxos_event tick = {.kind = PAXOS_EV_TICK};
        replica_step(r, &tick);
    }
    replica_fence_turn(r, now);
    replica_digests_turn(r, now);
    watch_office(r, now);
    replica_lease_judge(r, now);
    replica_reap(r, now);
    replica_propose(r);
    replica_renew(r, now);
    ask_round(r);
    storage_log_tick(r->log, now);
    storage_log_flush(r->log);
    watch_leader(r, now);
    replica_snapshots_turn(r, now);
    replica_settle_hellos(r, now);
    replica_catch_up(r);
    replica_run_reads(r);
    replica_settle_rearms(r);
    look_through(r, now);
    replica_settle_pending(r, now);
    if (!r->fatal) {
        replica_flush_peers(r);
        replica_flush_streams(r);
    }
}

uint64_t replica_deadline_ms(const struct replica *r)
{
    uint64_t deadline = storage_log_deadline_ms(r->log);
    if (!r->started) {
        return deadline;
    }
    uint64_t other = paxos_deadline_ms(r->px);
    deadline = other < deadline ? other : deadline;
    bool waiting = r->reads != NULL || r->writes != NULL || r->pending != NULL ||
                   r->resuming_count != 0 || r->versions != NULL || r->versions_given_up != NULL ||
                   r->watching_count != 0;
    deadline = waiting && r->expiry_ms < deadline ? r->expiry_ms : deadline;
    other = replica_snapshots_deadline_ms(r);
    deadline = other < deadline ? other : deadline;
    other = replica_digests_deadline_ms(r);
    deadline = other < deadline ? other : deadline;
    other = replica_fence_deadline_ms(r);
    deadline = other < deadline ? other : deadline;
    other = replica_lease_deadline_ms(r);
    return other < deadline ? other : deadline;
}

/* --- Stopping, and what can be asked --- */

void replica_begin_stop(struct replica *r)
{
    if (r->stopping) {
        return;
    }
    r->stopping = true;
    if (r->started && !r->fatal) {
        replica_tell_stopping(r);
        struct paxos_event event = {.kind = PAXOS_EV_HAND_OVER};
        replica_step(r, &event);
        replica_turn(r); /* the successor hears of it now, not at the next timer */
    }
}

/* Voters of the newest configuration, `without` not counted. */
static uint32_t count_voters(const struct replica *r, uint32_t without)
{
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    uint32_t voters = 0;
    for (size_t i = 0; config != NULL && i < config->members_count; i++) {
        bool voter = config->members[i].role == PAXOS_VOTER;
        voters += voter && config->members[i].node != without ? 1 : 0;
    }
    return voters;
}

bool replica_may_stop(const struct replica *r)
{
    if (!r->started || r->fatal) {
        return true;
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    bool lead_alone = status.role == PAXOS_ROLE_LEADER && count_voters(r, r->node) == 0;
    bool done = r->writes_count == 0 && r->reads_count == 0;
    return done && (status.role != PAXOS_ROLE_LEADER || lead_alone);
}

bool replica_is_fatal(const struct replica *r)
{
    return r->fatal;
}

void replica_get_view(const struct replica *r, struct replica_view *ret_view)
{
    *ret_view = r->counts;
    replica_get_status(r, &ret_view->paxos);
    const struct paxos_status *status = &ret_view->paxos;
    ret_view->born = !paxos_is_empty(r->px);
    bool led = status->role == PAXOS_ROLE_LEADER ? status->established : status->leader != 0;
    bool close = status->known_chosen - status->chosen <= r->alpha;
    ret_view->fenced = r->fence.on;
    ret_view->undecided_slot = r->undecided_slot;
    ret_view->ready =
        r->started && !r->fatal && !r->stopping && !r->fence.on && ret_view->born && led && close;
    ret_view->voters = count_voters(r, 0); /* no node is 0 */
    ret_view->zxid = fsm_zxid(r->fsm);
    ret_view->nodes = fsm_nodes_count(r->fsm);
    ret_view->sessions = fsm_sessions_count(r->fsm);
    ret_view->streams = HASH_COUNT(r->streams);
    ret_view->watches = watch_count(r->watches);
    ret_view->waiting_writes = r->writes_count;
    ret_view->waiting_reads = r->reads_count;
    ret_view->digest = fsm_digest(r->fsm);
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    ret_view->log_bytes = stats.appended_bytes;
    ret_view->log_syncs = stats.syncs;
    ret_view->queued_bytes = r->queue_bytes;
    ret_view->delayed_bytes = r->delayed_bytes;
    ret_view->disk_bytes = stats.pending_bytes;
}
