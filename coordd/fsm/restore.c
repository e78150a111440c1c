#include "fsm/snapshot.h"

#include "base/memory.h"
#include "fsm/ephemeral.h"
#include "fsm/path.h"
#include "fsm/sessions.h"

/*
 * A machine from the items of a snapshot. Whatever is checked here is input: nothing of it may make
 * an assertion fail later on. The digest says in the end that it is the machine that was meant.
 */

/* A node whose children are still to come. */
struct ancestor {
    size_t key_bytes;
    uint64_t children_left;
};

struct fsm_restore {
    struct fsm *fsm; /* NULL before the head */
    struct fsm_item_head head;
    uint64_t nodes, sessions, tombstones, calls; /* that came */

    uint8_t key[FSM_PATH_BYTES_CEILING]; /* of the last node */
    size_t key_bytes;
    struct ancestor *ancestors; /* owned; of the last node, itself included, the root first */
    size_t ancestors_count;
    size_t ancestors_capacity;

    struct fsm_session *session; /* the last one; owned if it is a tombstone */
    bool is_tombstone;
    uint64_t replies_end; /* its last_seq when all its replies came */
    uint64_t kept_bytes;  /* and their bytes */
    struct fsm_result scratch;
};

struct fsm_restore *fsm_restore_begin(void)
{
    struct fsm_restore *restore = cd_calloc(1, sizeof(*restore));
    fsm_result_init(&restore->scratch);
    return restore;
}

static void restore_free(struct fsm_restore *restore)
{
    if (restore->session != NULL && restore->is_tombstone) {
        fsm_session_unref(restore->session);
    }
    fsm_result_release(&restore->scratch);
    cd_free(restore->ancestors);
    cd_free(restore);
}

void fsm_restore_abort(struct fsm_restore *restore)
{
    if (restore != NULL) {
        fsm_free(restore->fsm);
        restore_free(restore);
    }
}

static enum cd_status corrupt(struct cd_error *error, const char *what)
{
    return cd_error_set(error, CD_CORRUPT, "the snapshot is damaged: %s", what);
}

/* ---- Head ---- */

static enum cd_status put_head(struct fsm_restore *restore, const struct fsm_item_head *head,
                               struct cd_error *error)
{
    if (restore->fsm != NULL) {
        return corrupt(error, "a second head");
    }
    if (head->digest_version != FSM_DIGEST_VERSION) {
        return cd_error_set(error, CD_NEWER_FORMAT,
                            "the snapshot has a digest of version %u; this server knows %u",
                            head->digest_version, FSM_DIGEST_VERSION);
    }
    if (!fsm_limits_are_sound(&head->limits)) {
        return corrupt(error, "limits over their ceilings");
    }
    if (head->nodes == 0 || head->nodes > head->limits.tree_nodes ||
        head->sessions > head->limits.sessions || head->tombstones > head->limits.tombstones ||
        head->calls > head->limits.call_keys) {
        return corrupt(error, "it counts more than its limits allow, or no node at all");
    }
    restore->head = *head;
    restore->fsm = fsm_create_bare(&head->limits);
    restore->fsm->slot = head->slot;
    restore->fsm->zxid = head->zxid;
    restore->fsm->wall_ms = head->wall_ms;
    restore->fsm->elapsed_ms = head->elapsed_ms;
    restore->fsm->leadership = head->leadership;
    return CD_OK;
}

/* ---- Nodes ---- */

static const char *judge_stat(const struct fsm *fsm, const struct fsm_item_node *item)
{
    const struct fsm_stat *stat = &item->stat;
    uint64_t zxid = fsm->zxid;
    if (stat->czxid > stat->mzxid || stat->mzxid > zxid || stat->czxid > stat->pzxid ||
        stat->pzxid > zxid || stat->azxid > zxid) {
        return "zxids of a node that cannot be";
    }
    if (stat->children_count > stat->creates || stat->children_count > UINT32_MAX) {
        return "a node has more children than were created";
    }
    if (stat->data_bytes != item->data.bytes || item->data.bytes > fsm->limits.data_bytes) {
        return "a node's data has another size";
    }
    if ((unsigned)stat->kind > FSM_TTL || (stat->kind == FSM_EPHEMERAL) != (stat->owner != 0) ||
        (stat->kind == FSM_TTL) != (stat->ttl_ms != 0) || stat->ttl_ms > fsm->limits.ttl_max_ms) {
        return "a node's kind does not fit its owner or time";
    }
    if (stat->kind == FSM_EPHEMERAL && stat->creates != 0) {
        return "an ephemeral node with children";
    }
    bool timed = stat->kind == FSM_CONTAINER || stat->kind == FSM_TTL;
    if (item->idle_elapsed_ms > (timed ? fsm->elapsed_ms : 0)) {
        return "a node's time began in the future, or has no use";
    }
    return NULL;
}

/* A sequential node's name ends with so many digits, which are a number of 64 bits. */
static bool suffix_is_sound(struct fsm_bytes key, uint32_t suffix_bytes)
{
    if (suffix_bytes == 0) {
        return true;
    }
    if (suffix_bytes < 10 || suffix_bytes > 20 || suffix_bytes >= key.bytes) {
        return false;
    }
    for (size_t i = key.bytes - suffix_bytes; i < key.bytes; i++) {
        if (key.data[i] < '0' || key.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static void push_ancestor(struct fsm_restore *restore, size_t key_bytes, uint64_t children)
{
    if (restore->ancestors_count == restore->ancestors_capacity) {
        restore->ancestors_capacity =
            restore->ancestors_capacity == 0 ? 16 : 2 * restore->ancestors_capacity;
        restore->ancestors = cd_realloc(restore->ancestors,
                                        restore->ancestors_capacity * sizeof(*restore->ancestors));
    }
    restore->ancestors[restore->ancestors_count] =
        (struct ancestor){.key_bytes = key_bytes, .children_left = children};
    restore->ancestors_count++;
}

/* Leaves the ancestors that are not those of `key`; false: one of them lacks children. With an
 * empty `key`, which is nobody's child, all are left. */
static bool pop_ancestors(struct fsm_restore *restore, struct fsm_bytes key)
{
    while (restore->ancestors_count > 0) {
        struct ancestor *last = &restore->ancestors[restore->ancestors_count - 1];
        if (fsm_key_below(key, fsm_bytes_make(restore->key, last->key_bytes))) {
            return true;
        }
        if (last->children_left > 0) {
            return false;
        }
        restore->ancestors_count--;
    }
    return true;
}

/* In order, below a node that came, and one of its children. */
static const char *judge_place(struct fsm_restore *restore, struct fsm_bytes key)
{
    if (restore->nodes == 0) {
        return key.bytes == 0 ? NULL : "the first node is not the root";
    }
    if (fsm_key_order(fsm_bytes_make(restore->key, restore->key_bytes), key) >= 0) {
        return "nodes are out of order";
    }
    if (!pop_ancestors(restore, key)) {
        return "a node lacks children";
    }
    struct fsm_bytes parent = fsm_key_parent(key);
    if (restore->ancestors_count == 0 ||
        restore->ancestors[restore->ancestors_count - 1].key_bytes != parent.bytes) {
        return "a node without a parent";
    }
    struct ancestor *above = &restore->ancestors[restore->ancestors_count - 1];
    if (above->children_left == 0) {
        return "a node has more children than it counts";
    }
    above->children_left--;
    return NULL;
}

static enum cd_status put_node(struct fsm_restore *restore, const struct fsm_item_node *item,
                               struct cd_error *error)
{
    struct fsm *fsm = restore->fsm;
    if (restore->nodes == restore->head.nodes) {
        return corrupt(error, "more nodes than it counts");
    }
    if (fsm_path_check(&fsm->limits, item->path, NULL) != CD_OK) {
        return corrupt(error, "a path that breaks the rules");
    }
    struct fsm_bytes key = fsm_key_of_path(item->path);
    const char *fault = judge_stat(fsm, item);
    if (fault == NULL) {
        fault = judge_place(restore, key);
    }
    if (fault == NULL && !suffix_is_sound(key, item->suffix_bytes)) {
        fault = "the suffix of a sequential node is no number";
    }
    if (fault == NULL && item->has_acl && fsm_acl_check(&fsm->limits, &item->acl, NULL) != CD_OK) {
        fault = "an ACL that breaks the rules";
    }
    if (fault != NULL) {
        return corrupt(error, fault);
    }
    struct fsm_stat stat = item->stat;
    stat.suffix_bytes = (uint8_t)item->suffix_bytes;
    stat.idle_elapsed_ms = item->idle_elapsed_ms;
    stat.acl = item->has_acl ? fsm_acl_create(&item->acl) : NULL;
    fsm_restore_node(fsm, fsm_node_create(key, &stat, item->data));
    fsm_acl_unref(stat.acl);
    if (key.bytes != 0) {
        memcpy(restore->key, key.data, key.bytes);
    }
    restore->key_bytes = key.bytes;
    push_ancestor(restore, key.bytes, stat.children_count);
    restore->nodes++;
    return CD_OK;
}

/* ---- Sessions ---- */

/* All replies of the last session came, and it takes its place. */
static enum cd_status end_session(struct fsm_restore *restore, struct cd_error *error)
{
    struct fsm_session *session = restore->session;
    if (session == NULL) {
        return CD_OK;
    }
    if (session->last_seq != restore->replies_end || session->kept_bytes != restore->kept_bytes) {
        return corrupt(error, "a session lacks kept replies");
    }
    restore->session = NULL;
    if (restore->is_tombstone) {
        fsm_sessions_add_tombstone(restore->fsm, session);
    }
    return CD_OK;
}

static const char *judge_who(const struct fsm_who *who)
{
    bool sound = (unsigned)who->scheme <= FSM_SCHEME_CN && who->scheme != FSM_SCHEME_ANYONE &&
                 who->id.bytes <= FSM_IDENTITY_BYTES_MAX;
    return sound ? NULL : "an identity that cannot be";
}

static const char *judge_ended(const struct fsm *fsm, const struct fsm_item_session *item)
{
    uint64_t before_zxid = 0;
    uint64_t before_ms = 0;
    if (fsm_fifo_count(&fsm->tombstones) > 0) {
        const struct fsm_session *last =
            fsm_fifo_get(&fsm->tombstones, fsm->tombstones.end - 1)->item;
        before_zxid = last->ended_zxid;
        before_ms = last->ended_elapsed_ms;
    }
    if (item->ended_zxid <= before_zxid || item->ended_zxid > fsm->zxid ||
        item->ended_zxid <= item->view.session || item->ended_elapsed_ms < before_ms ||
        item->ended_elapsed_ms > fsm->elapsed_ms || item->view.ephemerals != 0) {
        return "ended sessions are out of order, or have nodes";
    }
    struct fsm_session_view present;
    return fsm_session_find_ended(fsm, item->view.session, &present) ? "a session came twice"
                                                                     : NULL;
}

static const char *judge_live(const struct fsm *fsm, const struct fsm_item_session *item)
{
    const struct fsm_session_set *set = &fsm->sessions;
    uint64_t before = set->slots_count > 0 ? set->slots[set->slots_count - 1].id : 0;
    bool sound =
        item->view.session > before && item->ended_zxid == 0 && item->ended_elapsed_ms == 0;
    return sound ? NULL : "sessions are out of order";
}

static const char *judge_session(const struct fsm_restore *restore,
                                 const struct fsm_item_session *item)
{
    const struct fsm *fsm = restore->fsm;
    const struct fsm_session_view *view = &item->view;
    uint64_t came = view->ended ? restore->tombstones : restore->sessions;
    if (restore->nodes < restore->head.nodes || restore->calls > 0 ||
        came == (view->ended ? restore->head.tombstones : restore->head.sessions) ||
        (view->ended ? restore->sessions < restore->head.sessions : restore->tombstones > 0)) {
        return "a session out of its place";
    }
    if (view->session == 0 || view->session > fsm->zxid || view->reply_mark > view->last_seq ||
        view->last_seq - view->reply_mark > fsm->limits.unacked_writes ||
        view->ephemerals > fsm->limits.session_ephemerals) {
        return "a session with numbers that cannot be";
    }
    const char *fault = judge_who(&view->who);
    if (fault != NULL) {
        return fault;
    }
    return view->ended ? judge_ended(fsm, item) : judge_live(fsm, item);
}

static enum cd_status put_session(struct fsm_restore *restore, const struct fsm_item_session *item,
                                  struct cd_error *error)
{
    enum cd_status status = end_session(restore, error);
    if (status != CD_OK) {
        return status;
    }
    const char *fault = judge_session(restore, item);
    if (fault != NULL) {
        return corrupt(error, fault);
    }
    const struct fsm_session_view *view = &item->view;
    struct fsm_session *session =
        fsm_session_create(view->session, &view->who, view->secret_hash, view->timeout_ms);
    session->attach = view->attach;
    session->reply_mark = view->reply_mark;
    session->last_seq = view->reply_mark; /* until its replies come */
    session->ephemerals = view->ephemerals;
    session->ended_zxid = item->ended_zxid;
    session->ended_elapsed_ms = item->ended_elapsed_ms;
    restore->session = session;
    restore->is_tombstone = view->ended;
    restore->replies_end = view->last_seq;
    restore->kept_bytes = view->kept_bytes;
    if (view->ended) {
        restore->tombstones++;
    } else {
        restore->sessions++;
        fsm_sessions_open(restore->fsm, session);
    }
    return CD_OK;
}

static enum cd_status check_packed(struct fsm_restore *restore, struct fsm_bytes packed,
                                   struct cd_error *error)
{
    enum cd_status status =
        packed.bytes > UINT32_MAX ? CD_CORRUPT : fsm_reply_unpack(packed, &restore->scratch);
    fsm_result_clear(&restore->scratch);
    if (status == CD_NEWER_FORMAT) {
        return cd_error_set(error, status, "a kept reply of version %u; this server knows %u",
                            packed.data[0], FSM_REPLY_VERSION);
    }
    return status == CD_OK ? CD_OK : corrupt(error, "a kept reply that cannot be read");
}

static enum cd_status put_reply(struct fsm_restore *restore, const struct fsm_item_reply *item,
                                struct cd_error *error)
{
    struct fsm_session *session = restore->session;
    if (session == NULL || session->last_seq == restore->replies_end ||
        item->seq != session->last_seq + 1) {
        return corrupt(error, "a kept reply of no session, or out of order");
    }
    enum cd_status status = check_packed(restore, item->packed, error);
    if (status == CD_OK) {
        fsm_sessions_add_reply(
            restore->fsm, session,
            fsm_reply_create(session->id, item->seq, item->request_hash, item->packed));
    }
    return status;
}

/* ---- Calls ---- */

static const char *judge_call(const struct fsm_restore *restore, const struct fsm_item_call *item)
{
    const struct fsm *fsm = restore->fsm;
    uint64_t before_ms = 0;
    if (restore->nodes < restore->head.nodes || restore->sessions < restore->head.sessions ||
        restore->tombstones < restore->head.tombstones || restore->calls == restore->head.calls) {
        return "a call out of its place";
    }
    if (fsm_fifo_count(&fsm->calls) > 0) {
        before_ms = fsm_fifo_get(&fsm->calls, fsm->calls.end - 1)->elapsed_ms;
    }
    if (item->place <= fsm->calls_place || item->elapsed_ms < before_ms ||
        item->elapsed_ms > fsm->elapsed_ms) {
        return "calls are out of order";
    }
    return judge_who(&item->who);
}

static enum cd_status put_call(struct fsm_restore *restore, const struct fsm_item_call *item,
                               struct cd_error *error)
{
    enum cd_status status = end_session(restore, error);
    if (status != CD_OK) {
        return status;
    }
    const char *fault = judge_call(restore, item);
    if (fault == NULL && fsm_sessions_knows_call(restore->fsm, item->key)) {
        fault = "a call came twice";
    }
    if (fault != NULL) {
        return corrupt(error, fault);
    }
    status = check_packed(restore, item->packed, error);
    if (status == CD_OK) {
        fsm_sessions_add_call(restore->fsm,
                              fsm_call_create(item->key, &item->who, item->request_hash,
                                              item->elapsed_ms, item->place, item->packed));
        restore->calls++;
    }
    return status;
}

/* ---- All ---- */

enum cd_status fsm_restore_put(struct fsm_restore *restore, const struct fsm_item *item,
                               struct cd_error *error)
{
    if (item->kind == FSM_ITEM_HEAD) {
        return put_head(restore, &item->head, error);
    }
    if (restore->fsm == NULL) {
        return corrupt(error, "it does not begin with its head");
    }
    switch (item->kind) {
    case FSM_ITEM_NODE:
        return put_node(restore, &item->node, error);
    case FSM_ITEM_SESSION:
        return put_session(restore, &item->session, error);
    case FSM_ITEM_REPLY:
        return put_reply(restore, &item->reply, error);
    case FSM_ITEM_CALL:
        return put_call(restore, &item->call, error);
    case FSM_ITEM_HEAD:
        break;
    }
    return corrupt(error, "an item of no kind");
}

static const char *judge_whole(struct fsm_restore *restore)
{
    const struct fsm *fsm = restore->fsm;
    const struct fsm_item_head *head = &restore->head;
    if (restore->nodes < head->nodes || restore->sessions < head->sessions ||
        restore->tombstones < head->tombstones || restore->calls < head->calls) {
        return "it ends too early";
    }
    if (!pop_ancestors(restore, fsm_bytes_make(NULL, 0))) {
        return "a node lacks children";
    }
    if (fsm->tree_bytes > fsm->limits.tree_bytes) {
        return "the tree is larger than its limit";
    }
    if (!fsm_ephemeral_counts_agree(fsm)) {
        return "ephemeral nodes and sessions do not fit";
    }
    return fsm_digest(fsm) == head->digest ? NULL : "the state has another digest";
}

enum cd_status fsm_restore_finish(struct fsm_restore *restore, struct fsm **ret_fsm,
                                  struct cd_error *error)
{
    if (restore->fsm == NULL) {
        return corrupt(error, "it is empty");
    }
    enum cd_status status = end_session(restore, error);
    if (status != CD_OK) {
        return status;
    }
    const char *fault = judge_whole(restore);
    if (fault != NULL) {
        return corrupt(error, fault);
    }
    *ret_fsm = restore->fsm;
    restore_free(restore);
    return CD_OK;
}
