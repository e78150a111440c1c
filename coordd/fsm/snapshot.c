#include "fsm/snapshot.h"

#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/sessions.h"

/* What is given back for one page of the tree, beside it. */
#define SESSIONS_PER_PAGE 4u

enum phase {
    PHASE_HEAD,
    PHASE_NODES,
    PHASE_SESSIONS,
    PHASE_TOMBSTONES,
    PHASE_CALLS,
    PHASE_END,
};

struct fsm_snapshot {
    struct fsm_item_head head;
    struct fsm_tree tree;
    struct fsm_session_set sessions;
    struct fsm_fifo tombstones;
    struct fsm_fifo calls;

    enum phase phase;
    struct fsm_cursor cursor;
    uint64_t at;                       /* the next session's slot, tombstone or call */
    const struct fsm_session *session; /* whose replies are shown; NULL: none */
    uint64_t seq;                      /* of the next reply */
};

struct fsm_snapshot *fsm_snapshot_take(struct fsm *fsm)
{
    struct fsm_snapshot *snapshot = cd_calloc(1, sizeof(*snapshot));
    snapshot->head = (struct fsm_item_head){
        .slot = fsm->slot,
        .zxid = fsm->zxid,
        .wall_ms = fsm->wall_ms,
        .elapsed_ms = fsm->elapsed_ms,
        .leadership = fsm->leadership,
        .limits = fsm->limits,
        .digest_version = FSM_DIGEST_VERSION,
        .digest = fsm_digest(fsm), /* asserts that no slot is under way */
        .nodes = fsm->tree.count,
        .sessions = fsm->sessions.count,
        .tombstones = fsm_fifo_count(&fsm->tombstones),
        .calls = fsm_fifo_count(&fsm->calls),
    };
    fsm_tree_share(&snapshot->tree, &fsm->tree);
    fsm_session_set_share(&snapshot->sessions, &fsm->sessions);
    fsm_fifo_share(&snapshot->tombstones, &fsm->tombstones);
    fsm_fifo_share(&snapshot->calls, &fsm->calls);
    return snapshot;
}

static void show_node(const struct fsm_node *node, struct fsm_item *ret_item)
{
    struct fsm_item_node *item = &ret_item->node;
    ret_item->kind = FSM_ITEM_NODE;
    fsm_node_stat(node, &item->stat);
    item->path = fsm_path_of_key(fsm_node_key(node));
    item->data = fsm_node_data(node);
    item->has_acl = item->stat.acl != NULL;
    if (item->has_acl) {
        item->acl = fsm_acl_entries(item->stat.acl);
    }
    item->suffix_bytes = item->stat.suffix_bytes;
    item->idle_elapsed_ms = item->stat.idle_elapsed_ms;
}

static void show_session(struct fsm_snapshot *snapshot, const struct fsm_session *session,
                         struct fsm_item *ret_item)
{
    ret_item->kind = FSM_ITEM_SESSION;
    fsm_session_view(session, &ret_item->session.view);
    ret_item->session.ended_elapsed_ms = session->ended_elapsed_ms;
    ret_item->session.ended_zxid = session->ended_zxid;
    snapshot->session = session;
    snapshot->seq = session->reply_mark + 1;
}

static void show_reply(struct fsm_snapshot *snapshot, struct fsm_item *ret_item)
{
    const struct fsm_reply *reply = fsm_session_reply(snapshot->session, snapshot->seq);
    ret_item->kind = FSM_ITEM_REPLY;
    ret_item->reply = (struct fsm_item_reply){
        .seq = reply->seq, .request_hash = reply->request_hash, .packed = fsm_reply_bytes(reply)};
    snapshot->seq++;
}

static void show_call(const struct fsm_call *call, struct fsm_item *ret_item)
{
    ret_item->kind = FSM_ITEM_CALL;
    ret_item->call = (struct fsm_item_call){
        .who = fsm_call_who(call),
        .request_hash = call->request_hash,
        .elapsed_ms = call->elapsed_ms,
        .place = call->place,
        .packed = fsm_call_packed(call),
    };
    memcpy(ret_item->call.key, call->key, FSM_CALL_KEY_BYTES);
}

/* The next item of the present phase, or false: it is over. */
static bool next_of_phase(struct fsm_snapshot *snapshot, struct fsm_item *ret_item)
{
    const struct fsm_node *node;
    if (snapshot->session != NULL && snapshot->seq <= snapshot->session->last_seq) {
        show_reply(snapshot, ret_item);
        return true;
    }
    switch (snapshot->phase) {
    case PHASE_HEAD:
        if (snapshot->at > 0) {
            return false;
        }
        ret_item->kind = FSM_ITEM_HEAD;
        ret_item->head = snapshot->head;
        break;
    case PHASE_NODES:
        node = fsm_cursor_get(&snapshot->cursor);
        if (node == NULL) {
            return false;
        }
        show_node(node, ret_item);
        fsm_cursor_next(&snapshot->cursor);
        break;
    case PHASE_SESSIONS:
        if (snapshot->at == snapshot->sessions.slots_count) {
            return false;
        }
        show_session(snapshot, snapshot->sessions.slots[snapshot->at].session, ret_item);
        break;
    case PHASE_TOMBSTONES:
        if (snapshot->at == snapshot->tombstones.end) {
            return false;
        }
        show_session(snapshot, fsm_fifo_get(&snapshot->tombstones, snapshot->at)->item, ret_item);
        break;
    case PHASE_CALLS:
        if (snapshot->at == snapshot->calls.end) {
            return false;
        }
        show_call(fsm_fifo_get(&snapshot->calls, snapshot->at)->item, ret_item);
        break;
    case PHASE_END:
        CD_UNREACHABLE();
    }
    snapshot->at++;
    return true;
}

static void begin_next_phase(struct fsm_snapshot *snapshot)
{
    snapshot->phase++;
    snapshot->session = NULL;
    snapshot->at = 0;
    if (snapshot->phase == PHASE_NODES) {
        fsm_tree_seek(&snapshot->tree, fsm_bytes_make(NULL, 0), &snapshot->cursor);
    } else if (snapshot->phase == PHASE_TOMBSTONES) {
        snapshot->at = snapshot->tombstones.begin;
    } else if (snapshot->phase == PHASE_CALLS) {
        snapshot->at = snapshot->calls.begin;
    }
}

bool fsm_snapshot_next(struct fsm_snapshot *snapshot, struct fsm_item *ret_item)
{
    *ret_item = (struct fsm_item){0};
    while (snapshot->phase != PHASE_END) {
        if (next_of_phase(snapshot, ret_item)) {
            return true;
        }
        begin_next_phase(snapshot);
    }
    return false;
}

bool fsm_snapshot_release(struct fsm_snapshot *snapshot, size_t pages)
{
    snapshot->phase = PHASE_END;
    size_t sessions = pages < SIZE_MAX / SESSIONS_PER_PAGE ? pages * SESSIONS_PER_PAGE : SIZE_MAX;
    if (!fsm_tree_release_some(&snapshot->tree, pages) ||
        !fsm_session_set_release_some(&snapshot->sessions, sessions) ||
        !fsm_fifo_release_some(&snapshot->tombstones, pages) ||
        !fsm_fifo_release_some(&snapshot->calls, pages)) {
        return false;
    }
    cd_free(snapshot);
    return true;
}
