#include "replica/internal.h"

#include "base/identity.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Service Admin: birth, status, handing over. For identities that the configuration lists. */

bool replica_is_admin(const struct replica *r, const char *identity)
{
    for (size_t i = 0; i < r->admins_count; i++) {
        if (cd_identity_matches(r->admins[i], identity)) {
            return true;
        }
    }
    return false;
}

static void reply_bytes(struct replica *r, uint64_t call, const struct cd_buf *buf)
{
    struct cd_blob *blob = cd_blob_copy(buf->data, buf->bytes);
    r->ports.call_reply(r->ports.context, call, REPLICA_RPC_OK, NULL, blob);
    cd_blob_unref(blob);
}

static void refuse(struct replica *r, uint64_t call, enum cd_status status, const char *message)
{
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_FRAME_BYTES_MAX);
    enum cd_status encoded = wire_admin_encode_refusal(&buf, status, message);
    CD_ASSERT(encoded == CD_OK);
    reply_bytes(r, call, &buf);
    cd_buf_release(&buf);
}

static struct replica_pending *add_pending(struct replica *r, enum replica_pending_kind kind,
                                           uint64_t call, uint64_t deadline_ms)
{
    struct replica_pending *pending = cd_calloc(1, sizeof(*pending));
    pending->kind = kind;
    pending->call = call;
    pending->position = r->needed;
    pending->deadline_ms = deadline_ms;
    pending->next = r->pending;
    r->pending = pending;
    r->pending_count++;
    return pending;
}

static void init(struct replica *r, uint64_t call, uint32_t alpha)
{
    if (!r->started) {
        add_pending(r, REPLICA_PENDING_START, call, UINT64_MAX)->alpha = alpha;
        return;
    }
    if (!paxos_is_empty(r->px)) {
        refuse(r, call, CD_ALREADY_BORN,
               "this replica holds a cluster already; a cluster is born once, on one replica");
        return;
    }
    if (r->pinned) {
        refuse(r, call, CD_ALREADY_BORN,
               "this replica is joining a cluster that its peers belong to; it needs no init");
        return;
    }
    struct paxos_config config = {.alpha = alpha != 0 ? alpha : r->alpha};
    r->env.ops->entropy(r->env.self, config.cluster_id, sizeof(config.cluster_id));
    struct paxos_event event = {.kind = PAXOS_EV_BIRTH, .config = &config};
    replica_step(r, &event);
    /* Answered when the birth is durable. */
    (void)add_pending(r, REPLICA_PENDING_INIT, call, UINT64_MAX);
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_BORN});
}

static enum wire_replica_state state_of(const struct replica *r, const struct paxos_status *status)
{
    if (paxos_is_empty(r->px)) {
        return WIRE_REPLICA_EMPTY;
    }
    if (r->fence.on) {
        return WIRE_REPLICA_FENCED;
    }
    switch (status->role) {
    case PAXOS_ROLE_LEARNER:
        return WIRE_REPLICA_LEARNER;
    case PAXOS_ROLE_FOLLOWER:
        return WIRE_REPLICA_FOLLOWER;
    case PAXOS_ROLE_PRECANDIDATE:
    case PAXOS_ROLE_CANDIDATE:
        return WIRE_REPLICA_CANDIDATE;
    case PAXOS_ROLE_LEADER:
        return status->established ? WIRE_REPLICA_LEADER : WIRE_REPLICA_CANDIDATE;
    }
    return WIRE_REPLICA_EMPTY;
}

/* What is kept: snapshots, log and history. */
static void fill_kept(struct replica *r, struct wire_status *status)
{
    struct storage_snapshots_stats snapshots;
    if (storage_snapshots_stats(r->snapshots, &snapshots) == CD_OK) {
        status->snapshot_bytes = snapshots.bytes;
        status->disk_free_bytes = snapshots.free_bytes;
    }
    struct storage_stats log;
    storage_log_stats(r->log, &log);
    status->log_first_slot = log.first_slot > 1 ? log.first_slot : 0;
    struct watch_history_view history;
    watch_history_view(r->watches, &history);
    status->history_after_zxid = history.lo;
    status->history_bytes = history.bytes;
}

/* Any replica tells what it has applied; what leases say only a leader knows. */
static void sessions_of(struct replica *r, uint64_t call,
                        const struct wire_sessions_request *request)
{
    if (r->fence.on) {
        refuse(r, call, CD_BEHIND, replica_fence_text);
        return;
    }
    struct wire_session_info *infos = cd_calloc(WIRE_SESSIONS_PAGE_MAX, sizeof(*infos));
    uint64_t now = env_now_ms(&r->env);
    size_t count = 0;
    bool more = false;
    struct fsm_session_view view;
    uint64_t after = request->session != 0 ? request->session - 1 : request->after;
    for (; fsm_session_next(r->fsm, after, &view); after = view.session) {
        more = count == request->limit;
        if (more || (request->session != 0 && view.session != request->session)) {
            break;
        }
        uint64_t renewed_ms = now;
        infos[count].view = view;
        if (replica_lease_view(r, view.session, &infos[count].replica, &renewed_ms)) {
            infos[count].renewed_ms_ago = now - renewed_ms;
        }
        count++;
    }
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_SERVER_FRAME_BYTES_MAX);
    enum cd_status encoded = wire_sessions_encode(&buf, infos, count, more);
    if (encoded == CD_OK) {
        reply_bytes(r, call, &buf);
    } else {
        refuse(r, call, encoded, "the page is too large: ask for fewer at a time");
    }
    cd_buf_release(&buf);
    cd_free(infos);
}

/* R6 */
static size_t fill_alarms(const struct replica *r, char texts[2][256], const char *ret_alarms[2])
{
    size_t count = 0;
    if (r->fence.on) {
        snprintf(texts[count], sizeof(texts[count]),
                 "the state here differs from what a majority computed for slot %llu; %s",
                 (unsigned long long)r->fence.slot,
                 r->fence.own_wrong
                     ? "so does what this disk holds: a peer's next snapshot takes its place. "
                       "Check that version and limits are those of the other replicas, and the disk"
                     : "it is being built anew from this replica's snapshot and log");
        ret_alarms[count] = texts[count];
        count++;
    }
    if (r->undecided_slot != 0) {
        snprintf(texts[count], sizeof(texts[count]),
                 "no majority agrees on the state at slot %llu, so writes have stopped: compare "
                 "version, limits and digest of all replicas, and restart those that differ",
                 (unsigned long long)r->undecided_slot);
        ret_alarms[count] = texts[count];
        count++;
    }
    return count;
}

static void status_of(struct replica *r, uint64_t call)
{
    struct replica_view view;
    replica_get_view(r, &view);
    struct wire_member members[PAXOS_MEMBERS_MAX];
    memset(members, 0, sizeof(members));
    struct wire_status status = {
        .node = r->node,
        .incarnation = view.paxos.incarnation,
        .server = REPLICA_SERVER_NAME,
        .state = state_of(r, &view.paxos),
        .leader = view.paxos.leader,
        .ballot_round = view.paxos.ballot.round,
        .chosen_slot = view.paxos.chosen,
        .applied_slot = view.paxos.applied,
        .zxid = view.zxid,
        .members = members,
        .nodes = view.nodes,
        .sessions = view.sessions,
        .watches = view.watches,
        .tree_bytes = fsm_tree_bytes(r->fsm),
        .snapshot_slot = r->snapshot_slot,
        .digest_version = FSM_DIGEST_VERSION,
        .streams = view.streams,
        .uptime_ms = env_now_ms(&r->env) - r->created_ms,
        .log_bytes = view.log_bytes,
        .digest = view.digest,
        .ready = view.ready,
    };
    char texts[2][256];
    const char *alarms[2];
    status.alarms = alarms;
    status.alarms_count = fill_alarms(r, texts, alarms);
    fill_kept(r, &status);
    if (r->ports.usage != NULL) {
        r->ports.usage(r->ports.context, &status.cpu_us, &status.memory_bytes);
    }
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    if (config != NULL) {
        status.has_cluster = true;
        memcpy(status.cluster_id, config->cluster_id, sizeof(status.cluster_id));
        status.generation = config->generation;
        status.members_count = config->members_count;
        for (size_t i = 0; i < config->members_count; i++) {
            members[i].member = config->members[i];
            struct paxos_peer_view peer;
            if (paxos_peer_view(r->px, config->members[i].node, config->members[i].incarnation,
                                env_now_ms(&r->env), &peer)) {
                members[i].chosen_slot = peer.chosen;
                members[i].heard_ms_ago = peer.heard_ms_ago;
            }
        }
    }
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_FRAME_BYTES_MAX);
    enum cd_status encoded = wire_status_encode(&buf, &status);
    CD_ASSERT(encoded == CD_OK);
    reply_bytes(r, call, &buf);
    cd_buf_release(&buf);
}

static void transfer(struct replica *r, uint64_t call, uint32_t node)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    if (!replica_leads(r)) {
        char message[128];
        snprintf(message, sizeof(message),
                 status.leader != 0 ? "replica %u leads: ask it" : "no replica is known to lead",
                 (unsigned)status.leader);
        refuse(r, call, CD_NO_LEADER, message);
        return;
    }
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    bool able = false;
    for (size_t i = 0; i < config->members_count; i++) {
        bool voter = config->members[i].role == PAXOS_VOTER && config->members[i].node != r->node;
        able = able || (voter && (node == 0 || config->members[i].node == node));
    }
    if (!able) {
        refuse(r, call, CD_INVALID_ARGUMENT,
               "leadership goes to another replica that votes; `status` lists them");
        return;
    }
    struct paxos_event event = {.kind = PAXOS_EV_HAND_OVER, .node = node};
    replica_step(r, &event);
    (void)add_pending(r, REPLICA_PENDING_TRANSFER, call,
                      env_now_ms(&r->env) + 4 * (uint64_t)r->election_ms);
}

void replica_admin(struct replica *r, uint64_t call, enum replica_method method,
                   const char *identity, const void *bytes, size_t bytes_count)
{
    if (!replica_is_admin(r, identity)) {
        refuse(r, call, CD_PERMISSION_DENIED,
               "service Admin is for the identities that the configuration lists under `admins`");
        return;
    }
    if (r->stopping || r->pending_count >= REPLICA_CALLS_MAX) {
        refuse(r, call, r->stopping ? CD_SHUTTING_DOWN : CD_BUSY, NULL);
        return;
    }
    uint32_t number = 0;
    struct cd_error error = {0};
    struct wire_sessions_request sessions = {0};
    enum cd_status status = CD_UNIMPLEMENTED;
    if (method == REPLICA_METHOD_ADMIN_INIT) {
        status = wire_init_decode(&r->arena, bytes, bytes_count, &number, &error);
    } else if (method == REPLICA_METHOD_ADMIN_STATUS) {
        status = wire_status_decode(&r->arena, bytes, bytes_count, &error);
    } else if (method == REPLICA_METHOD_ADMIN_SESSIONS) {
        status = wire_sessions_decode(&r->arena, bytes, bytes_count, &sessions, &error);
    } else if (method == REPLICA_METHOD_ADMIN_TRANSFER) {
        status = wire_transfer_decode(&r->arena, bytes, bytes_count, &number, &error);
    }
    wire_arena_clear(&r->arena);
    if (status != CD_OK && status != CD_INVALID_ARGUMENT) {
        r->ports.call_reply(r->ports.context, call, REPLICA_RPC_INVALID_ARGUMENT, error.message,
                            NULL);
    } else if (status != CD_OK) {
        refuse(r, call, status, error.message);
    } else if (method == REPLICA_METHOD_ADMIN_INIT) {
        init(r, call, number);
    } else if (method == REPLICA_METHOD_ADMIN_STATUS) {
        status_of(r, call);
    } else if (method == REPLICA_METHOD_ADMIN_SESSIONS) {
        sessions_of(r, call, &sessions);
    } else {
        transfer(r, call, number);
    }
}

static bool settle_init(struct replica *r, const struct replica_pending *pending)
{
    if (r->durable < pending->position) {
        return false;
    }
    const struct paxos_config *config = paxos_config_newest(r->px, NULL);
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_FRAME_BYTES_MAX);
    enum cd_status encoded = wire_init_encode(&buf, config->cluster_id, config->generation);
    CD_ASSERT(encoded == CD_OK);
    reply_bytes(r, pending->call, &buf);
    cd_buf_release(&buf);
    return true;
}

static bool settle_transfer(struct replica *r, const struct replica_pending *pending,
                            uint64_t now_ms)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    if (status.leader != 0 && status.leader != r->node) {
        struct cd_buf buf;
        cd_buf_init(&buf, WIRE_FRAME_BYTES_MAX);
        enum cd_status encoded = wire_transfer_encode(&buf, status.leader);
        CD_ASSERT(encoded == CD_OK);
        reply_bytes(r, pending->call, &buf);
        cd_buf_release(&buf);
        return true;
    }
    if (now_ms >= pending->deadline_ms) {
        refuse(r, pending->call, CD_LIMIT_TIME, "nobody took leadership over in time");
        return true;
    }
    return false;
}

static bool settle(struct replica *r, const struct replica_pending *pending, uint64_t now_ms)
{
    switch (pending->kind) {
    case REPLICA_PENDING_START:
        return r->started;
    case REPLICA_PENDING_INIT:
        return settle_init(r, pending);
    case REPLICA_PENDING_TRANSFER:
        return settle_transfer(r, pending, now_ms);
    }
    return false;
}

void replica_settle_pending(struct replica *r, uint64_t now_ms)
{
    struct replica_pending **link = &r->pending;
    while (*link != NULL) {
        struct replica_pending *pending = *link;
        if (!settle(r, pending, now_ms)) {
            link = &pending->next;
            continue;
        }
        *link = pending->next; /* first: what follows may add to the list */
        r->pending_count--;
        if (pending->kind == REPLICA_PENDING_START) {
            init(r, pending->call, pending->alpha);
        }
        cd_free(pending);
    }
}

void replica_free_pending(struct replica *r)
{
    while (r->pending != NULL) {
        struct replica_pending *pending = r->pending;
        r->pending = pending->next;
        cd_free(pending);
    }
}
