#include "fsm/session.h"

#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"

#define SESSION_SEED UINT64_C(0x53657373696f6e)

/* ---- One session ---- */

static uint64_t hash_fixed(const struct fsm_session *session)
{
    uint8_t head[2 * sizeof(uint64_t)];
    cd_put_u64(head, session->id);
    cd_put_u64(head + sizeof(uint64_t), session->scheme);
    uint64_t hash = cd_hash64_seeded(head, sizeof(head), SESSION_SEED);
    hash = cd_hash64_seeded(session->secret_hash, sizeof(session->secret_hash), hash);
    return cd_hash64_seeded(session->identity, session->id_bytes, hash);
}

struct fsm_session *fsm_session_create(uint64_t id, const struct fsm_who *who,
                                       const uint8_t secret_hash[FSM_SECRET_HASH_BYTES],
                                       uint32_t timeout_ms)
{
    CD_ASSERT(who->id.bytes <= FSM_IDENTITY_BYTES_MAX);
    struct fsm_session *session = cd_malloc(sizeof(*session) + who->id.bytes);
    *session = (struct fsm_session){
        .refs = 1,
        .timeout_ms = timeout_ms,
        .id = id,
        .id_bytes = (uint32_t)who->id.bytes,
        .scheme = (uint8_t)who->scheme,
    };
    memcpy(session->secret_hash, secret_hash, FSM_SECRET_HASH_BYTES);
    if (who->id.bytes != 0) {
        memcpy(session->identity, who->id.data, who->id.bytes);
    }
    session->fixed_hash = hash_fixed(session);
    return session;
}

struct fsm_session *fsm_session_ref(struct fsm_session *session)
{
    CD_ASSERT(session->refs < UINT32_MAX);
    session->refs++;
    return session;
}

void fsm_session_unref(struct fsm_session *session)
{
    CD_ASSERT(session->refs > 0);
    session->refs--;
    if (session->refs > 0) {
        return;
    }
    for (uint64_t seq = session->reply_mark + 1; seq <= session->last_seq; seq++) {
        fsm_reply_unref(fsm_session_reply(session, seq));
    }
    cd_free(session->replies);
    cd_free(session);
}

static struct fsm_session *session_copy(const struct fsm_session *from)
{
    struct fsm_session *session = cd_malloc(sizeof(*session) + from->id_bytes);
    memcpy(session, from, sizeof(*session));
    if (from->id_bytes != 0) {
        memcpy(session->identity, from->identity, from->id_bytes);
    }
    session->refs = 1;
    session->replies = NULL;
    if (from->replies_capacity != 0) {
        session->replies = cd_calloc(from->replies_capacity, sizeof(struct fsm_reply *));
    }
    for (uint64_t seq = from->reply_mark + 1; seq <= from->last_seq; seq++) {
        session->replies[seq & (from->replies_capacity - 1)] =
            fsm_reply_ref(fsm_session_reply(from, seq));
    }
    return session;
}

struct fsm_who fsm_session_who(const struct fsm_session *session)
{
    return (struct fsm_who){.scheme = (enum fsm_scheme)session->scheme,
                            .id = fsm_bytes_make(session->identity, session->id_bytes)};
}

void fsm_session_view(const struct fsm_session *session, struct fsm_session_view *ret_view)
{
    *ret_view = (struct fsm_session_view){
        .session = session->id,
        .who = fsm_session_who(session),
        .timeout_ms = session->timeout_ms,
        .attach = session->attach,
        .last_seq = session->last_seq,
        .reply_mark = session->reply_mark,
        .kept_bytes = session->kept_bytes,
        .ephemerals = session->ephemerals,
        .ended = session->ended_zxid != 0,
    };
    memcpy(ret_view->secret_hash, session->secret_hash, FSM_SECRET_HASH_BYTES);
}

uint64_t fsm_session_digest(const struct fsm_session *session)
{
    const uint64_t fields[] = {
        session->timeout_ms, session->attach,     session->last_seq,   session->reply_mark,
        session->kept_bytes, session->ephemerals, session->ended_zxid, session->ended_elapsed_ms,
    };
    uint8_t bytes[sizeof(fields)];
    for (size_t i = 0; i < CD_ARRAY_COUNT(fields); i++) {
        cd_put_u64(bytes + i * sizeof(uint64_t), fields[i]);
    }
    return cd_hash64_seeded(bytes, sizeof(bytes), session->fixed_hash);
}

/* ---- Kept replies ---- */

#define REPLIES_FIRST 4u

static void replies_grow(struct fsm_session *session)
{
    uint32_t capacity =
        session->replies_capacity == 0 ? REPLIES_FIRST : 2 * session->replies_capacity;
    struct fsm_reply **replies = cd_calloc(capacity, sizeof(struct fsm_reply *));
    for (uint64_t seq = session->reply_mark + 1; seq <= session->last_seq; seq++) {
        replies[seq & (capacity - 1)] = fsm_session_reply(session, seq);
    }
    cd_free(session->replies);
    session->replies = replies;
    session->replies_capacity = capacity;
}

void fsm_session_keep(struct fsm_session *session, struct fsm_reply *reply)
{
    CD_ASSERT(session->refs == 1 && reply->seq == session->last_seq + 1);
    if (session->last_seq - session->reply_mark == session->replies_capacity) {
        replies_grow(session);
    }
    session->last_seq++;
    session->replies[session->last_seq & (session->replies_capacity - 1)] = reply;
    session->kept_bytes += fsm_reply_cost(reply->bytes);
}

struct fsm_reply *fsm_session_reply(const struct fsm_session *session, uint64_t seq)
{
    CD_ASSERT(seq > session->reply_mark && seq <= session->last_seq);
    struct fsm_reply *reply = session->replies[seq & (session->replies_capacity - 1)];
    CD_ASSERT(reply->seq == seq);
    return reply;
}

void fsm_session_forget_first(struct fsm_session *session)
{
    CD_ASSERT(session->refs == 1);
    struct fsm_reply *reply = fsm_session_reply(session, session->reply_mark + 1);
    session->reply_mark++;
    session->kept_bytes -= fsm_reply_cost(reply->bytes);
    fsm_reply_unref(reply);
    if (session->reply_mark == session->last_seq && session->replies_capacity > REPLIES_FIRST) {
        cd_free(session->replies);
        session->replies = NULL;
        session->replies_capacity = 0;
    }
}

/* ---- The set ---- */

#define SLOTS_FIRST 16u

bool fsm_session_set_release_some(struct fsm_session_set *set, size_t most)
{
    while (set->slots_count > 0 && most > 0) {
        set->slots_count--;
        most--;
        if (set->slots[set->slots_count].session != NULL) {
            fsm_session_unref(set->slots[set->slots_count].session);
        }
    }
    if (set->slots_count > 0) {
        return false;
    }
    cd_free(set->slots);
    *set = (struct fsm_session_set){0};
    return true;
}

void fsm_session_set_release(struct fsm_session_set *set)
{
    (void)fsm_session_set_release_some(set, SIZE_MAX); /* all of it */
}

void fsm_session_set_share(struct fsm_session_set *set, const struct fsm_session_set *from)
{
    *set = (struct fsm_session_set){.slots_capacity = from->count, .count = from->count};
    set->slots = cd_malloc(from->count * sizeof(*set->slots));
    for (size_t i = 0; i < from->slots_count; i++) {
        if (from->slots[i].session != NULL) {
            set->slots[set->slots_count] = from->slots[i];
            fsm_session_ref(from->slots[i].session);
            set->slots_count++;
        }
    }
    CD_ASSERT(set->slots_count == from->count);
}

/* The first slot with an id at or above `id`. */
static size_t slot_at_or_above(const struct fsm_session_set *set, uint64_t id)
{
    size_t low = 0;
    size_t high = set->slots_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->slots[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The slot of a session that is there, or NULL. */
static struct fsm_session_slot *slot_of(const struct fsm_session_set *set, uint64_t id)
{
    size_t at = slot_at_or_above(set, id);
    bool there = at < set->slots_count && set->slots[at].id == id && set->slots[at].session != NULL;
    return there ? &set->slots[at] : NULL;
}

struct fsm_session *fsm_session_set_find(const struct fsm_session_set *set, uint64_t id)
{
    const struct fsm_session_slot *slot = slot_of(set, id);
    return slot != NULL ? slot->session : NULL;
}

struct fsm_session *fsm_session_set_next(const struct fsm_session_set *set, uint64_t after)
{
    if (after == UINT64_MAX) {
        return NULL;
    }
    for (size_t at = slot_at_or_above(set, after + 1); at < set->slots_count; at++) {
        if (set->slots[at].session != NULL) {
            return set->slots[at].session;
        }
    }
    return NULL;
}

struct fsm_session *fsm_session_set_own(struct fsm_session_set *set, uint64_t id)
{
    struct fsm_session_slot *slot = slot_of(set, id);
    CD_ASSERT(slot != NULL);
    if (slot->session->refs > 1) {
        struct fsm_session *copy = session_copy(slot->session);
        fsm_session_unref(slot->session);
        slot->session = copy;
    }
    return slot->session;
}

/* Closes the slots of sessions that ended. */
static void compact(struct fsm_session_set *set)
{
    size_t used = 0;
    for (size_t i = 0; i < set->slots_count; i++) {
        if (set->slots[i].session != NULL) {
            set->slots[used] = set->slots[i];
            used++;
        }
    }
    set->slots_count = used;
}

void fsm_session_set_add(struct fsm_session_set *set, struct fsm_session *session)
{
    CD_ASSERT(set->slots_count == 0 || set->slots[set->slots_count - 1].id < session->id);
    if (set->slots_count == set->slots_capacity) {
        set->slots_capacity = set->slots_capacity == 0 ? SLOTS_FIRST : 2 * set->slots_capacity;
        set->slots = cd_realloc(set->slots, set->slots_capacity * sizeof(*set->slots));
    }
    set->slots[set->slots_count] = (struct fsm_session_slot){.id = session->id, .session = session};
    set->slots_count++;
    set->count++;
}

/* The slot stays until half of all are empty, so that an end costs O(1) over many. */
struct fsm_session *fsm_session_set_take(struct fsm_session_set *set, uint64_t id)
{
    struct fsm_session_slot *slot = slot_of(set, id);
    CD_ASSERT(slot != NULL);
    struct fsm_session *session = slot->session;
    slot->session = NULL;
    set->count--;
    if (set->slots_count >= 2 * set->count + SLOTS_FIRST) {
        compact(set);
    }
    return session;
}
