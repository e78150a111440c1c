#include "replica/internal.h"

#include "base/memory.h"

/*
 * Leases: who confirms a heartbeat, and who judges that a session has run out (blueprint 9, R12,
 * R19).
 *
 * At the serving replica each ClientFrame is a heartbeat. Frames that came are gathered into a
 * renewal: sessions and the newest frame of each. It goes to the leader, or to this replica's own
 * office, and when it comes back those frames are confirmed.
 *
 * At the leader a renewal counts from the moment it comes in, and is answered when a round begun
 * after that was confirmed by a quorum: a deposed leader can prolong nobody. A session whose full
 * timeout has passed is expired by a command, after one more round, so that no leader judges what
 * it slept through.
 */

/*
 * Does this replica lead, under the ballot of its office? That may have ended within this turn, and
 * then a round that is confirmed is somebody else's.
 */
static bool holds_office(const struct replica *r)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    return r->in_office && replica_leads(r) && paxos_ballot_compare(status.ballot, r->office) == 0;
}

/* --- At the leader: its table --- */

static struct replica_lease *find_lease(const struct replica *r, uint64_t session)
{
    struct replica_lease *lease = NULL;
    HASH_FIND(hh, r->leases, &session, sizeof(session), lease);
    return lease;
}

static void heap_swap(struct replica_due *heap, size_t a, size_t b)
{
    struct replica_due kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

static void heap_push(struct replica *r, struct replica_due due)
{
    if (r->due_count == r->due_capacity) {
        r->due_capacity = r->due_capacity != 0 ? 2 * r->due_capacity : 256;
        r->due = cd_realloc(r->due, r->due_capacity * sizeof(*r->due));
    }
    size_t at = r->due_count++;
    r->due[at] = due;
    while (at > 0 && r->due[at].deadline_ms < r->due[(at - 1) / 2].deadline_ms) {
        heap_swap(r->due, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct replica_due heap_pop(struct replica *r)
{
    struct replica_due top = r->due[0];
    r->due[0] = r->due[--r->due_count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < r->due_count; child++) {
            least = r->due[child].deadline_ms < r->due[least].deadline_ms ? child : least;
        }
        if (least == at) {
            return top;
        }
        heap_swap(r->due, at, least);
        at = least;
    }
}

static void add_lease(struct replica *r, const struct fsm_session_view *view, uint64_t now_ms)
{
    struct replica_lease *lease = cd_calloc(1, sizeof(*lease));
    lease->session = view->session;
    lease->attach = view->attach;
    lease->renewed_ms = now_ms;
    HASH_ADD(hh, r->leases, session, sizeof(lease->session), lease);
    heap_push(r, (struct replica_due){.deadline_ms = now_ms + view->timeout_ms,
                                      .session = view->session});
}

void replica_lease_clear(struct replica *r)
{
    struct replica_lease *lease;
    struct replica_lease *next;
    HASH_ITER(hh, r->leases, lease, next)
    {
        HASH_DEL(r->leases, lease);
        cd_free(lease);
    }
    r->due_count = 0;
    r->judging = false;
    r->in_office = false;
}

/* Blueprint 9: every session gets its full timeout from here on. */
void replica_lease_take_office(struct replica *r, uint64_t now_ms)
{
    replica_lease_clear(r);
    r->in_office = true;
    r->turn_ms = now_ms;
    struct fsm_session_view view;
    for (uint64_t after = 0; fsm_session_next(r->fsm, after, &view); after = view.session) {
        add_lease(r, &view, now_ms);
    }
}

void replica_lease_opened(struct replica *r, uint64_t session)
{
    struct fsm_session_view view;
    if (r->in_office && fsm_session_find(r->fsm, session, &view)) {
        add_lease(r, &view, env_now_ms(&r->env));
    }
}

/* Its place in the heap is found empty when its time comes. */
void replica_lease_ended(struct replica *r, uint64_t session)
{
    struct replica_lease *lease = find_lease(r, session);
    if (lease != NULL) {
        HASH_DEL(r->leases, lease);
        cd_free(lease);
    }
}

bool replica_lease_view(const struct replica *r, uint64_t session, uint32_t *ret_node,
                        uint64_t *ret_renewed_ms)
{
    const struct replica_lease *lease = find_lease(r, session);
    if (lease == NULL) {
        return false;
    }
    *ret_node = lease->node;
    *ret_renewed_ms = lease->renewed_ms;
    return true;
}

/*
 * A heartbeat has come in at the leader. CD_OK: it counts from now, once a round was confirmed.
 * CD_SESSION_MOVED, CD_SESSION_EXPIRED: never. CD_BUSY: not now, because an expiry is proposed.
 */
static enum cd_status renew(struct replica *r, const struct wire_renewal *of, uint32_t node,
                            uint64_t now_ms)
{
    struct replica_lease *lease = find_lease(r, of->session);
    if (lease == NULL) {
        return CD_SESSION_EXPIRED;
    }
    if (of->attach < lease->attach) {
        return CD_SESSION_MOVED; /* R9 */
    }
    if (lease->expiring) {
        return CD_BUSY;
    }
    lease->attach = of->attach;
    lease->node = node;
    lease->renewed_ms = now_ms;
    return CD_OK;
}

/* --- At the leader: judging --- */

static void propose_expiry(struct replica *r, struct replica_lease *lease)
{
    struct fsm_command command = {.op = {.kind = FSM_OP_EXPIRE_SESSION}};
    command.op.expire_session.session = lease->session;
    command.op.expire_session.leader = fsm_leadership(r->fsm);
    lease->expiring = replica_submit_own(r, &command);
}

/* Those whose time was over when the round that has been confirmed now was asked for. */
static void judge(struct replica *r, uint64_t asked_ms, uint64_t now_ms)
{
    uint32_t judged = 0;
    while (r->due_count > 0 && r->due[0].deadline_ms <= asked_ms && judged < REPLICA_EXPIRIES_MAX) {
        struct replica_due due = heap_pop(r);
        struct replica_lease *lease = find_lease(r, due.session);
        struct fsm_session_view view;
        if (lease == NULL || !fsm_session_find(r->fsm, due.session, &view)) {
            continue;
        }
        uint64_t since = lease->renewed_ms > r->floor_ms ? lease->renewed_ms : r->floor_ms;
        due.deadline_ms = since + view.timeout_ms;
        if (due.deadline_ms <= asked_ms && !lease->expiring) {
            propose_expiry(r, lease);
            judged++;
        }
        if (due.deadline_ms <= now_ms) {
            due.deadline_ms = now_ms + r->election_ms; /* in case that the command is lost */
        }
        heap_push(r, due);
    }
}

static void give_grace(struct replica *r, uint64_t now_ms)
{
    r->floor_ms = now_ms;
    r->counts.graces++;
}

/*
 * R19: a leader that was late itself, or whose round took long, has heard nothing for a while and
 * cannot blame the sessions: all get their full timeout again.
 */
void replica_lease_judge(struct replica *r, uint64_t now_ms)
{
    if (!r->in_office) {
        return;
    }
    uint64_t patience = r->election_ms / 2;
    if (now_ms - r->turn_ms > r->heartbeat_ms + patience) {
        give_grace(r, now_ms);
        r->judging = false;
    }
    r->turn_ms = now_ms;
    if (r->judging && r->token_done >= r->judge_token) { /* watch_office saw to it that we lead */
        r->judging = false;
        if (now_ms - r->judge_asked_ms >= patience) {
            give_grace(r, now_ms);
        } else {
            judge(r, r->judge_asked_ms, now_ms);
        }
    }
    if (!r->judging && r->due_count > 0 && r->due[0].deadline_ms <= now_ms) {
        r->judging = true;
        r->judge_asked_ms = now_ms;
        r->judge_token = r->token_asked + 1;
    }
}

/* --- Renewals on their way --- */

static struct replica_renewal *add_renewal(struct replica *r, uint64_t now_ms)
{
    struct replica_renewal *renewal = cd_calloc(1, sizeof(*renewal));
    renewal->asked_ms = now_ms;
    DL_APPEND(r->renewals, renewal);
    r->renewals_count++;
    return renewal;
}

static void forget_renewal(struct replica *r, struct replica_renewal *renewal)
{
    DL_DELETE(r->renewals, renewal);
    r->renewals_count--;
    cd_free(renewal->entries);
    cd_free(renewal->refused);
    cd_free(renewal);
}

static void refuse_entry(struct replica_renewal *renewal, uint64_t session, enum cd_status status)
{
    if (renewal->refused == NULL) {
        renewal->refused = cd_calloc(WIRE_PEER_SESSIONS_MAX, sizeof(*renewal->refused));
    }
    CD_ASSERT(renewal->refused_count < WIRE_PEER_SESSIONS_MAX);
    renewal->refused[renewal->refused_count++] =
        (struct wire_not_renewed){.session = session, .status = status};
}

void replica_on_renew(struct replica *r, uint32_t node, const struct wire_renew *renew_of)
{
    if (!holds_office(r) || r->renewals_count >= REPLICA_RENEWALS_MAX) {
        return; /* whoever asked asks again, perhaps somebody else */
    }
    uint64_t now = env_now_ms(&r->env);
    struct replica_renewal *renewal = add_renewal(r, now);
    renewal->node = node;
    renewal->nonce = renew_of->nonce;
    renewal->token = r->token_asked + 1;
    for (size_t i = 0; i < renew_of->count; i++) {
        enum cd_status status = renew(r, &renew_of->sessions[i], node, now);
        if (status != CD_OK) {
            refuse_entry(renewal, renew_of->sessions[i].session, status);
        }
    }
}

/* --- At the serving replica --- */

void replica_heartbeat(struct replica *r, struct replica_stream *stream)
{
    if (stream->session == 0) {
        return;
    }
    uint64_t now = env_now_ms(&r->env);
    if (holds_office(r)) {
        struct wire_renewal of = {.session = stream->session, .attach = stream->attach};
        (void)renew(r, &of, r->node, now); /* asked again below, where the answer counts */
    }
    if (!stream->renew_due) {
        stream->renew_due = true;
        if (r->renew_due_count == r->renew_due_capacity) {
            r->renew_due_capacity = r->renew_due_capacity != 0 ? 2 * r->renew_due_capacity : 64;
            r->renew_due = cd_realloc(r->renew_due, r->renew_due_capacity * sizeof(*r->renew_due));
        }
        r->renew_due[r->renew_due_count++] = stream->stream;
        uint64_t at = stream->renew_ms > now ? stream->renew_ms : now;
        r->renew_ms = at < r->renew_ms || r->renew_due_count == 1 ? at : r->renew_ms;
    }
}

static void settle_entry(struct replica *r, const struct replica_renewal_entry *entry,
                         enum cd_status status)
{
    struct replica_stream *stream = replica_stream_find(r, entry->stream);
    if (stream == NULL || stream->session != entry->session) {
        return;
    }
    if (status == CD_OK) {
        replica_stream_confirm(r, stream, entry->frame);
    } else if (status == CD_SESSION_MOVED || status == CD_SESSION_EXPIRED) {
        replica_stream_end_session(r, stream, status);
    }
}

static enum cd_status refusal_of(const struct wire_not_renewed *refused, size_t count,
                                 uint64_t session)
{
    for (size_t i = 0; i < count; i++) {
        if (refused[i].session == session) {
            return refused[i].status;
        }
    }
    return CD_OK;
}

static void settle_renewal(struct replica *r, struct replica_renewal *renewal,
                           const struct wire_not_renewed *refused, size_t count)
{
    DL_DELETE(r->renewals, renewal); /* first: ending a session may look through them */
    r->renewals_count--;
    for (size_t i = 0; i < renewal->entries_count; i++) {
        const struct replica_renewal_entry *entry = &renewal->entries[i];
        settle_entry(r, entry, refusal_of(refused, count, entry->session));
    }
    cd_free(renewal->entries);
    cd_free(renewal->refused);
    cd_free(renewal);
}

void replica_on_renewed(struct replica *r, uint32_t node, const struct wire_renewed *renewed)
{
    struct replica_renewal *renewal;
    struct replica_renewal *next;
    DL_FOREACH_SAFE(r->renewals, renewal, next)
    {
        if (renewal->own && renewal->node == node && renewal->nonce == renewed->nonce) {
            settle_renewal(r, renewal, renewed->refused, renewed->count);
            return;
        }
    }
}

/* The streams whose turn it is go into `renewal`; the others stay on the list. */
static void gather(struct replica *r, struct replica_renewal *renewal, uint64_t now_ms)
{
    size_t kept = 0;
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < r->renew_due_count; i++) {
        struct replica_stream *stream = replica_stream_find(r, r->renew_due[i]);
        if (stream == NULL || !stream->renew_due) {
            continue;
        }
        if (stream->renew_ms > now_ms || renewal->entries_count >= WIRE_PEER_SESSIONS_MAX) {
            r->renew_due[kept++] = stream->stream;
            uint64_t at = stream->renew_ms > now_ms ? stream->renew_ms : now_ms;
            next_ms = at < next_ms ? at : next_ms;
            continue;
        }
        stream->renew_due = false;
        stream->renew_ms = now_ms + stream->timeout_ms / REPLICA_RENEW_SHARE;
        renewal->entries[renewal->entries_count++] =
            (struct replica_renewal_entry){.stream = stream->stream,
                                           .session = stream->session,
                                           .attach = stream->attach,
                                           .frame = stream->frames};
    }
    r->renew_due_count = kept;
    uint64_t soonest = now_ms + REPLICA_RENEW_PERIOD_MS;
    r->renew_ms = kept == 0 ? UINT64_MAX : next_ms > soonest ? next_ms : soonest;
}

static bool send_renewal(struct replica *r, const struct replica_renewal *renewal)
{
    struct wire_renewal *sessions = cd_calloc(renewal->entries_count, sizeof(*sessions));
    for (size_t i = 0; i < renewal->entries_count; i++) {
        sessions[i].session = renewal->entries[i].session;
        sessions[i].attach = renewal->entries[i].attach;
    }
    struct wire_renew message = {
        .nonce = renewal->nonce, .sessions = sessions, .count = renewal->entries_count};
    bool sent = replica_send_renew(r, renewal->node, &message);
    cd_free(sessions);
    return sent;
}

/* Their frames wait for a confirmation still: the next renewal has them. */
static void gather_again(struct replica *r, const struct replica_renewal *renewal)
{
    for (size_t i = 0; i < renewal->entries_count; i++) {
        struct replica_stream *stream = replica_stream_find(r, renewal->entries[i].stream);
        if (stream != NULL && stream->session == renewal->entries[i].session) {
            stream->renew_ms = 0;
            replica_heartbeat(r, stream);
        }
    }
}

void replica_renew(struct replica *r, uint64_t now_ms)
{
    struct replica_renewal *renewal = r->renewals;
    if (renewal != NULL && now_ms - renewal->asked_ms >= r->election_ms) {
        if (renewal->own) {
            gather_again(r, renewal);
        }
        forget_renewal(r, renewal);
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    bool here = holds_office(r);
    uint32_t leader = here ? r->node : status.leader;
    if (r->renew_due_count == 0 || now_ms < r->renew_ms || leader == 0 ||
        (leader == r->node && !here) || r->renewals_count >= REPLICA_RENEWALS_MAX) {
        return;
    }
    renewal = add_renewal(r, now_ms);
    renewal->own = true;
    renewal->node = leader;
    renewal->nonce = r->boot + ++r->renew_counter;
    size_t room = r->renew_due_count < WIRE_PEER_SESSIONS_MAX ? r->renew_due_count
                                                              : (size_t)WIRE_PEER_SESSIONS_MAX;
    renewal->entries = cd_calloc(room, sizeof(*renewal->entries));
    gather(r, renewal, now_ms);
    if (renewal->entries_count == 0) {
        forget_renewal(r, renewal);
    } else if (leader != r->node) {
        renewal->token = UINT64_MAX; /* waits for the leader's answer alone */
        if (!send_renewal(r, renewal)) {
            gather_again(r, renewal);
            forget_renewal(r, renewal);
        }
    } else {
        renewal->token = r->token_asked + 1;
        for (size_t i = 0; i < renewal->entries_count; i++) {
            const struct replica_renewal_entry *entry = &renewal->entries[i];
            struct wire_renewal of = {.session = entry->session, .attach = entry->attach};
            enum cd_status renewed = renew(r, &of, r->node, now_ms);
            if (renewed != CD_OK) {
                refuse_entry(renewal, entry->session, renewed);
            }
        }
    }
}

uint64_t replica_lease_deadline_ms(const struct replica *r)
{
    uint64_t deadline = r->renew_due_count != 0 ? r->renew_ms : UINT64_MAX;
    if (r->in_office) {
        bool due = r->due_count != 0 && !r->judging && r->due[0].deadline_ms < deadline;
        deadline = due ? r->due[0].deadline_ms : deadline;
        deadline = r->reap_ms < deadline ? r->reap_ms : deadline;
    }
    return deadline;
}

/* Does something wait for a round that was not begun yet? */
bool replica_lease_wants_round(const struct replica *r)
{
    if (r->judging && r->judge_token > r->token_asked) {
        return true;
    }
    const struct replica_renewal *newest = r->renewals != NULL ? r->renewals->prev : NULL;
    return newest != NULL && newest->token != UINT64_MAX && newest->token > r->token_asked;
}

/* A round was confirmed: renewals that came before it began are answered. */
void replica_lease_round_done(struct replica *r)
{
    bool here = holds_office(r);
    struct replica_renewal *renewal;
    struct replica_renewal *next;
    DL_FOREACH_SAFE(r->renewals, renewal, next)
    {
        if (renewal->token > r->token_done) {
            continue;
        }
        if (!here) {
            if (renewal->own) {
                gather_again(r, renewal);
            }
            forget_renewal(r, renewal);
        } else if (renewal->own) {
            settle_renewal(r, renewal, renewal->refused, renewal->refused_count);
        } else {
            struct wire_renewed message = {.nonce = renewal->nonce,
                                           .refused = renewal->refused,
                                           .count = renewal->refused_count};
            replica_send_renewed(r, renewal->node, &message);
            forget_renewal(r, renewal);
        }
    }
}

void replica_lease_free(struct replica *r)
{
    replica_lease_clear(r);
    while (r->renewals != NULL) {
        forget_renewal(r, r->renewals);
    }
    cd_free(r->due);
    cd_free(r->renew_due);
}
