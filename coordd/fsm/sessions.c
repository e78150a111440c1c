#include "fsm/sessions.h"

#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"

#define CALL_SEED UINT64_C(0x43616c6c)

/* What is packed at once is bounded by the limits of a transaction; memory is kept up to here. */
#define SCRATCH_BYTES_KEPT 65536u

/* ---- The digest ---- */

void fsm_session_changed(struct fsm *fsm, struct fsm_session *session)
{
    fsm->sessions_digest -= session->digest;
    session->digest = fsm_session_digest(session);
    fsm->sessions_digest += session->digest;
}

/* What a session and its replies add to the digest. */
static uint64_t digest_of(const struct fsm_session *session)
{
    uint64_t digest = session->digest;
    for (uint64_t seq = session->reply_mark + 1; seq <= session->last_seq; seq++) {
        digest += fsm_session_reply(session, seq)->digest;
    }
    return digest;
}

/* ---- Calls ---- */

static uint64_t digest_call(const struct fsm_call *call)
{
    uint8_t head[FSM_CALL_KEY_BYTES + 5 * sizeof(uint64_t)];
    memcpy(head, call->key, FSM_CALL_KEY_BYTES);
    cd_put_u64(head + 16, call->request_hash);
    cd_put_u64(head + 24, call->elapsed_ms);
    cd_put_u64(head + 32, call->place);
    cd_put_u64(head + 40, (uint64_t)call->scheme);
    cd_put_u64(head + 48, call->id_bytes);
    return cd_hash64_seeded(call->data, call->id_bytes + (size_t)call->packed_bytes,
                            cd_hash64_seeded(head, sizeof(head), CALL_SEED));
}

struct fsm_call *fsm_call_create(const uint8_t key[FSM_CALL_KEY_BYTES], const struct fsm_who *who,
                                 uint64_t request_hash, uint64_t elapsed_ms, uint64_t place,
                                 struct fsm_bytes packed)
{
    CD_ASSERT(who->id.bytes <= FSM_IDENTITY_BYTES_MAX && packed.bytes <= UINT32_MAX);
    struct fsm_call *call = cd_malloc(sizeof(*call) + who->id.bytes + packed.bytes);
    *call = (struct fsm_call){
        .request_hash = request_hash,
        .elapsed_ms = elapsed_ms,
        .place = place,
        .scheme = who->scheme,
        .id_bytes = (uint32_t)who->id.bytes,
        .packed_bytes = (uint32_t)packed.bytes,
    };
    memcpy(call->key, key, FSM_CALL_KEY_BYTES);
    if (who->id.bytes != 0) {
        memcpy(call->data, who->id.data, who->id.bytes);
    }
    memcpy(call->data + call->id_bytes, packed.data, packed.bytes);
    call->digest = digest_call(call);
    return call;
}

struct fsm_bytes fsm_call_packed(const struct fsm_call *call)
{
    return fsm_bytes_make(call->data + call->id_bytes, call->packed_bytes);
}

struct fsm_who fsm_call_who(const struct fsm_call *call)
{
    return (struct fsm_who){.scheme = call->scheme,
                            .id = fsm_bytes_make(call->data, call->id_bytes)};
}

uint64_t fsm_call_cost(const struct fsm_call *call)
{
    return fsm_reply_cost(call->packed_bytes) + call->id_bytes;
}

static struct fsm_fifo_key key_of_call(const uint8_t key[FSM_CALL_KEY_BYTES])
{
    return (struct fsm_fifo_key){{cd_get_u64(key), cd_get_u64(key + 8)}};
}

bool fsm_sessions_knows_call(const struct fsm *fsm, const uint8_t key[FSM_CALL_KEY_BYTES])
{
    return fsm_fifo_find(&fsm->calls, key_of_call(key)) != NULL;
}

static void drop_call(struct fsm *fsm)
{
    const struct fsm_call *call = fsm_fifo_get(&fsm->calls, fsm->calls.begin)->item;
    fsm->reply_bytes -= fsm_call_cost(call);
    fsm->sessions_digest -= call->digest;
    fsm_fifo_drop(&fsm->calls);
}

void fsm_sessions_add_call(struct fsm *fsm, struct fsm_call *call)
{
    fsm->reply_bytes += fsm_call_cost(call);
    fsm->sessions_digest += call->digest;
    fsm->calls_place = call->place;
    fsm_fifo_add(&fsm->calls, key_of_call(call->key), call->elapsed_ms, call);
    while (fsm_fifo_count(&fsm->calls) > fsm->limits.call_keys) {
        drop_call(fsm);
    }
}

/* ---- Tombstones ---- */

static struct fsm_fifo_key key_of_session(uint64_t id)
{
    return (struct fsm_fifo_key){{id, 0}};
}

static void drop_tombstone(struct fsm *fsm)
{
    const struct fsm_session *session = fsm_fifo_get(&fsm->tombstones, fsm->tombstones.begin)->item;
    fsm->reply_bytes -= session->kept_bytes;
    fsm->sessions_digest -= digest_of(session);
    fsm_fifo_drop(&fsm->tombstones);
}

/* Its replies are counted already, in bytes and digest. */
void fsm_sessions_add_tombstone(struct fsm *fsm, struct fsm_session *session)
{
    CD_ASSERT(session->ephemerals == 0 && session->ended_zxid != 0);
    fsm_session_changed(fsm, session);
    fsm_fifo_add(&fsm->tombstones, key_of_session(session->id), session->ended_elapsed_ms, session);
    while (fsm_fifo_count(&fsm->tombstones) > fsm->limits.tombstones) {
        drop_tombstone(fsm);
    }
}

static void release_session(void *item)
{
    fsm_session_unref(item);
}

void fsm_sessions_init(struct fsm *fsm)
{
    fsm_tree_init(&fsm->ephemerals);
    fsm_fifo_init(&fsm->tombstones, release_session);
    fsm_fifo_init(&fsm->calls, cd_free);
    cd_buf_init(&fsm->scratch, SIZE_MAX);
}

void fsm_sessions_release(struct fsm *fsm)
{
    fsm_tree_release(&fsm->ephemerals);
    fsm_session_set_release(&fsm->sessions);
    fsm_fifo_release(&fsm->tombstones);
    fsm_fifo_release(&fsm->calls);
    cd_buf_release(&fsm->scratch);
}

/* Is the oldest entry older than that? */
static bool front_is_old(const struct fsm *fsm, const struct fsm_fifo *fifo, uint64_t age_ms)
{
    return fsm_fifo_count(fifo) > 0 &&
           fsm->elapsed_ms - fsm_fifo_get(fifo, fifo->begin)->elapsed_ms >= age_ms;
}

void fsm_sessions_age(struct fsm *fsm)
{
    unsigned left = FSM_FORGOTTEN_PER_SLOT;
    while (left > 0 && front_is_old(fsm, &fsm->tombstones, fsm->limits.tombstone_ms)) {
        drop_tombstone(fsm);
        left--;
    }
    while (left > 0 && front_is_old(fsm, &fsm->calls, fsm->limits.call_key_ms)) {
        drop_call(fsm);
        left--;
    }
}

/*
 * Is there room for one more reply? Ended sessions and calls make room for living ones, the oldest
 * first: who asks for them later learns that their outcome is unknown, which is better than that
 * nobody can write.
 */
static bool make_room(struct fsm *fsm)
{
    while (fsm->reply_bytes >= fsm->limits.state_reply_bytes) {
        bool tombstones = fsm_fifo_count(&fsm->tombstones) > 0;
        bool calls = fsm_fifo_count(&fsm->calls) > 0;
        if (!tombstones && !calls) {
            return false;
        }
        if (tombstones && calls) {
            tombstones = fsm_fifo_get(&fsm->tombstones, fsm->tombstones.begin)->elapsed_ms <=
                         fsm_fifo_get(&fsm->calls, fsm->calls.begin)->elapsed_ms;
        }
        if (tombstones) {
            drop_tombstone(fsm);
        } else {
            drop_call(fsm);
        }
    }
    return true;
}

/* ---- Sessions ---- */

void fsm_sessions_open(struct fsm *fsm, struct fsm_session *session)
{
    fsm_session_set_add(&fsm->sessions, session);
    fsm_session_changed(fsm, session);
}

void fsm_sessions_end(struct fsm *fsm, uint64_t id, uint64_t zxid)
{
    struct fsm_session *session = fsm_session_set_own(&fsm->sessions, id);
    (void)fsm_session_set_take(&fsm->sessions, id); /* the same reference, now ours */
    session->ended_elapsed_ms = fsm->elapsed_ms;
    session->ended_zxid = zxid;
    fsm_sessions_add_tombstone(fsm, session);
}

static void drop_first_reply(struct fsm *fsm, struct fsm_session *session)
{
    const struct fsm_reply *reply = fsm_session_reply(session, session->reply_mark + 1);
    fsm->reply_bytes -= fsm_reply_cost(reply->bytes);
    fsm->sessions_digest -= reply->digest;
    fsm_session_forget_first(session);
}

void fsm_sessions_add_reply(struct fsm *fsm, struct fsm_session *session, struct fsm_reply *reply)
{
    fsm->reply_bytes += fsm_reply_cost(reply->bytes);
    fsm->sessions_digest += reply->digest;
    fsm_session_keep(session, reply);
    fsm_session_changed(fsm, session);
}

/* ---- Judging ---- */

static void replay(struct fsm_bytes packed, struct fsm_result *result)
{
    enum cd_status status = fsm_reply_unpack(packed, result);
    CD_ASSERT(status == CD_OK); /* it was packed here, or checked when it was restored */
    result->verdict = FSM_REPLAYED;
}

/* Steps 2 and 3: the highest attach number is kept, and acknowledged replies are dropped. A mark
 * beyond what was applied acknowledges what was. */
static struct fsm_session *note(struct fsm *fsm, const struct fsm_command *command)
{
    struct fsm_session *session = fsm_session_set_own(&fsm->sessions, command->session);
    uint64_t mark =
        command->reply_mark < session->last_seq ? command->reply_mark : session->last_seq;
    session->attach = command->attach;
    while (session->reply_mark < mark) {
        drop_first_reply(fsm, session);
    }
    fsm_session_changed(fsm, session);
    return session;
}

static enum fsm_verdict judge_session(struct fsm *fsm, const struct fsm_command *command,
                                      struct fsm_result *result)
{
    struct fsm_session *session = fsm_session_set_find(&fsm->sessions, command->session);
    if (session == NULL) {
        return FSM_NO_SESSION;
    }
    if (command->op.kind == FSM_OP_ATTACH_SESSION) {
        return FSM_TAKEN;
    }
    if (command->attach < session->attach) {
        return FSM_MOVED;
    }
    if (command->attach > session->attach || command->reply_mark > session->reply_mark) {
        session = note(fsm, command);
    }
    if (command->seq <= session->reply_mark) {
        return FSM_FORGOTTEN;
    }
    if (command->seq <= session->last_seq) {
        const struct fsm_reply *reply = fsm_session_reply(session, command->seq);
        if (reply->request_hash != command->request_hash) {
            return FSM_CONFLICT;
        }
        replay(fsm_reply_bytes(reply), result);
        return FSM_REPLAYED;
    }
    if (command->seq != session->last_seq + 1) {
        return FSM_EARLY;
    }
    bool full = session->last_seq - session->reply_mark >= fsm->limits.unacked_writes ||
                session->kept_bytes >= fsm->limits.kept_reply_bytes;
    return full || !make_room(fsm) ? FSM_WINDOW : FSM_TAKEN;
}

/* A call whose reply is kept. What is not well formed is refused, and not kept. */
static bool is_keyed(const struct fsm_command *command)
{
    return command->session == 0 && command->has_key && command->who.scheme != FSM_SCHEME_ANYONE &&
           (unsigned)command->who.scheme <= FSM_SCHEME_CN &&
           command->who.id.bytes <= FSM_IDENTITY_BYTES_MAX;
}

static bool same_who(const struct fsm_who *a, const struct fsm_who *b)
{
    return a->scheme == b->scheme && fsm_bytes_equal(a->id, b->id);
}

static enum fsm_verdict judge_call(struct fsm *fsm, const struct fsm_command *command,
                                   struct fsm_result *result)
{
    const struct fsm_call *call = fsm_fifo_find(&fsm->calls, key_of_call(command->key));
    if (call == NULL) {
        return make_room(fsm) ? FSM_TAKEN : FSM_WINDOW;
    }
    struct fsm_who who = fsm_call_who(call);
    if (call->request_hash != command->request_hash || !same_who(&who, &command->who)) {
        return FSM_CONFLICT;
    }
    replay(fsm_call_packed(call), result);
    return FSM_REPLAYED;
}

enum fsm_verdict fsm_sessions_judge(struct fsm *fsm, const struct fsm_command *command,
                                    struct fsm_result *result)
{
    if (command->session != 0) {
        return judge_session(fsm, command, result);
    }
    if (is_keyed(command)) {
        return judge_call(fsm, command, result);
    }
    return FSM_TAKEN;
}

/* ---- Keeping ---- */

static struct fsm_bytes pack(struct fsm *fsm, const struct fsm_result *result)
{
    cd_buf_clear(&fsm->scratch);
    fsm_reply_pack(&fsm->scratch, result);
    return fsm_bytes_make(fsm->scratch.data, fsm->scratch.bytes);
}

static void scratch_trim(struct fsm *fsm)
{
    if (fsm->scratch.capacity > SCRATCH_BYTES_KEPT) {
        cd_buf_release(&fsm->scratch);
        cd_buf_init(&fsm->scratch, SIZE_MAX);
    }
}

static void keep_call(struct fsm *fsm, const struct fsm_command *command,
                      const struct fsm_result *result)
{
    uint64_t place = (fsm->slot + 1) * FSM_CALL_PLACES_OF_SLOT;
    place = place > fsm->calls_place ? place : fsm->calls_place + 1;
    fsm_sessions_add_call(fsm, fsm_call_create(command->key, &command->who, command->request_hash,
                                               fsm->elapsed_ms, place, pack(fsm, result)));
}

void fsm_sessions_keep(struct fsm *fsm, const struct fsm_command *command,
                       const struct fsm_result *result)
{
    if (command->session != 0 && command->op.kind != FSM_OP_ATTACH_SESSION) {
        struct fsm_session *session = fsm_session_set_own(&fsm->sessions, command->session);
        struct fsm_bytes packed = pack(fsm, result);
        fsm_sessions_add_reply(
            fsm, session,
            fsm_reply_create(session->id, command->seq, command->request_hash, packed));
    } else if (is_keyed(command)) {
        keep_call(fsm, command, result);
    }
    scratch_trim(fsm);
}

/* ---- What it shows ---- */

uint64_t fsm_sessions_count(const struct fsm *fsm)
{
    return fsm->sessions.count;
}

static bool view(const struct fsm_session *session, struct fsm_session_view *ret_view)
{
    if (session != NULL) {
        fsm_session_view(session, ret_view);
    }
    return session != NULL;
}

static const struct fsm_session *find_ended(const struct fsm *fsm, uint64_t id)
{
    const struct fsm_session *session = fsm_session_set_find(&fsm->sessions, id);
    return session != NULL ? session : fsm_fifo_find(&fsm->tombstones, key_of_session(id));
}

bool fsm_session_find(const struct fsm *fsm, uint64_t session, struct fsm_session_view *ret_view)
{
    return view(fsm_session_set_find(&fsm->sessions, session), ret_view);
}

bool fsm_session_find_ended(const struct fsm *fsm, uint64_t session,
                            struct fsm_session_view *ret_view)
{
    return view(find_ended(fsm, session), ret_view);
}

bool fsm_session_next(const struct fsm *fsm, uint64_t after, struct fsm_session_view *ret_view)
{
    return view(fsm_session_set_next(&fsm->sessions, after), ret_view);
}

enum cd_status fsm_outcome_of(const struct fsm *fsm, uint64_t session, uint64_t seq,
                              struct fsm_result *result)
{
    fsm_result_clear(result);
    const struct fsm_session *found = find_ended(fsm, session);
    if (found == NULL || seq <= found->reply_mark) {
        return CD_OUTCOME_UNKNOWN;
    }
    if (seq > found->last_seq) {
        return CD_NOT_APPLIED;
    }
    replay(fsm_reply_bytes(fsm_session_reply(found, seq)), result);
    return CD_OK;
}

enum cd_status fsm_outcome_of_call(const struct fsm *fsm, const uint8_t key[FSM_CALL_KEY_BYTES],
                                   const struct fsm_who *who, struct fsm_result *result)
{
    fsm_result_clear(result);
    const struct fsm_call *call = fsm_fifo_find(&fsm->calls, key_of_call(key));
    if (call == NULL) {
        return CD_OUTCOME_UNKNOWN;
    }
    struct fsm_who owner = fsm_call_who(call);
    if (!same_who(&owner, who)) {
        return CD_OUTCOME_UNKNOWN;
    }
    replay(fsm_call_packed(call), result);
    return CD_OK;
}

/* ---- Checking ---- */

/* Returns its kept bytes. */
static uint64_t check_session(const struct fsm *fsm, const struct fsm_session *session)
{
    uint64_t bytes = 0;
    CD_ASSERT(session->refs > 0 && session->id <= fsm->zxid);
    CD_ASSERT(session->reply_mark <= session->last_seq);
    CD_ASSERT(session->last_seq - session->reply_mark <= fsm->limits.unacked_writes);
    CD_ASSERT(session->digest == fsm_session_digest(session));
    for (uint64_t seq = session->reply_mark + 1; seq <= session->last_seq; seq++) {
        bytes += fsm_reply_cost(fsm_session_reply(session, seq)->bytes);
    }
    CD_ASSERT(bytes == session->kept_bytes);
    return bytes;
}

void fsm_sessions_check(const struct fsm *fsm)
{
    uint64_t bytes = 0;
    uint64_t digest = 0;
    uint64_t count = 0;
    for (const struct fsm_session *session = fsm_session_set_next(&fsm->sessions, 0);
         session != NULL; session = fsm_session_set_next(&fsm->sessions, session->id)) {
        CD_ASSERT(session->ended_zxid == 0);
        bytes += check_session(fsm, session);
        digest += digest_of(session);
        count++;
    }
    CD_ASSERT(count == fsm->sessions.count && count <= fsm->limits.sessions);
    CD_ASSERT(fsm_fifo_count(&fsm->tombstones) <= fsm->limits.tombstones);
    fsm_fifo_check(&fsm->tombstones);
    for (uint64_t i = fsm->tombstones.begin; i < fsm->tombstones.end; i++) {
        const struct fsm_session *session = fsm_fifo_get(&fsm->tombstones, i)->item;
        CD_ASSERT(session->ended_zxid > session->id && session->ephemerals == 0);
        bytes += check_session(fsm, session);
        digest += digest_of(session);
    }
    CD_ASSERT(fsm_fifo_count(&fsm->calls) <= fsm->limits.call_keys);
    fsm_fifo_check(&fsm->calls);
    for (uint64_t i = fsm->calls.begin; i < fsm->calls.end; i++) {
        const struct fsm_call *call = fsm_fifo_get(&fsm->calls, i)->item;
        CD_ASSERT(call->digest == digest_call(call));
        bytes += fsm_call_cost(call);
        digest += call->digest;
    }
    CD_ASSERT(bytes == fsm->reply_bytes);
    CD_ASSERT(digest == fsm->sessions_digest);
}
