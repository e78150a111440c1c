#include "wire/snapshot.h"

#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/* Items of snapshots, and the way back out of a stream that is cut anywhere. */

static const struct wire_bound item_bound = {WIRE_ITEM_BYTES_MAX, "an item of a snapshot"};

/* ---- To bytes ---- */

/* The item behind its length. */
static enum cd_status put_item(struct cd_buf *buf, const Coord__Storage__V1__SnapshotItem *item)
{
    CD_ASSERT(!buf->overflowed);
    size_t bytes = coord__storage__v1__snapshot_item__get_packed_size(item);
    size_t whole = wire_varint_bytes(bytes) + bytes;
    if (bytes > WIRE_ITEM_BYTES_MAX || whole > buf->limit - buf->bytes) {
        return CD_TOO_LARGE;
    }
    uint8_t *to = cd_buf_extend(buf, whole);
    CD_ASSERT(to != NULL);
    size_t packed = coord__storage__v1__snapshot_item__pack(item, to + wire_varint_put(to, bytes));
    CD_ASSERT(packed == bytes);
    return CD_OK;
}

enum cd_status wire_item_put_cluster(struct cd_buf *buf, const struct wire_snapshot_cluster *from)
{
    Coord__Storage__V1__SnapshotCluster cluster = COORD__STORAGE__V1__SNAPSHOT_CLUSTER__INIT;
    Coord__Storage__V1__SnapshotItem item = COORD__STORAGE__V1__SNAPSHOT_ITEM__INIT;
    cluster.cluster_id = wire_binary(from->cluster_id, PAXOS_CLUSTER_ID_BYTES);
    cluster.generation = from->generation;
    cluster.n_configs = from->configs_count;
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_CLUSTER;
    item.cluster = &cluster;
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    enum cd_status status =
        wire_fill_configs(&scratch, &cluster.configs, from->configs, from->configs_count);
    if (status == CD_OK) {
        status = put_item(buf, &item);
    }
    wire_arena_release(&scratch);
    return status;
}

/* Every field of struct fsm_limits has one of the same name. */
#define LIMITS(X)                                                                                  \
    X(path_bytes)                                                                                  \
    X(data_bytes)                                                                                  \
    X(txn_bytes)                                                                                   \
    X(txn_compares)                                                                                \
    X(txn_ops)                                                                                     \
    X(atomic_nodes)                                                                                \
    X(tree_nodes)                                                                                  \
    X(tree_bytes)                                                                                  \
    X(acl_entries)                                                                                 \
    X(queue_prefixes)                                                                              \
    X(ttl_max_ms)                                                                                  \
    X(container_ms)                                                                                \
    X(sessions)                                                                                    \
    X(session_timeout_min_ms)                                                                      \
    X(session_timeout_default_ms)                                                                  \
    X(session_timeout_max_ms)                                                                      \
    X(session_ephemerals)                                                                          \
    X(unacked_writes)                                                                              \
    X(kept_reply_bytes)                                                                            \
    X(state_reply_bytes)                                                                           \
    X(tombstones)                                                                                  \
    X(tombstone_ms)                                                                                \
    X(call_keys)                                                                                   \
    X(call_key_ms)

/* Messages of any item of fsm's, lists excepted: they come from the arena. */
struct item_messages {
    Coord__Storage__V1__SnapshotItem item;
    union {
        struct {
            Coord__Storage__V1__SnapshotHead head;
            Coord__Storage__V1__MachineLimits limits;
            Coord__Peer__V1__Ballot leadership;
        };
        Coord__Storage__V1__SnapshotNode node;
        Coord__Storage__V1__SnapshotSession session;
        Coord__Storage__V1__SnapshotReply reply;
        Coord__Storage__V1__SnapshotCall call;
    };
    uint8_t identity[WIRE_IDENTITY_BYTES_MAX];
};

static void fill_head(struct item_messages *messages, const struct fsm_item_head *from)
{
    Coord__Storage__V1__SnapshotHead *head = &messages->head;
    coord__storage__v1__snapshot_head__init(head);
    head->slot = from->slot;
    head->zxid = from->zxid;
    head->wall_ms = from->wall_ms;
    head->elapsed_ms = from->elapsed_ms;
    wire_fill_ballot(&messages->leadership,
                     (struct paxos_ballot){.round = from->leadership.round,
                                           .incarnation = from->leadership.incarnation,
                                           .node = from->leadership.node});
    head->leadership = &messages->leadership;
    coord__storage__v1__machine_limits__init(&messages->limits);
#define FILL(field) messages->limits.field = from->limits.field;
    LIMITS(FILL)
#undef FILL
    head->limits = &messages->limits;
    head->digest_version = from->digest_version;
    head->digest = from->digest;
    head->nodes = from->nodes;
    head->sessions = from->sessions;
    head->tombstones = from->tombstones;
    head->calls = from->calls;
    messages->item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_HEAD;
    messages->item.head = head;
}

static enum cd_status fill_node(struct wire_filler *filler, struct item_messages *messages,
                                const struct fsm_item_node *from)
{
    Coord__Storage__V1__SnapshotNode *node = &messages->node;
    const struct fsm_stat *stat = &from->stat;
    coord__storage__v1__snapshot_node__init(node);
    node->path = wire_binary_of(from->path);
    node->data = wire_binary_of(from->data);
    node->czxid = stat->czxid;
    node->mzxid = stat->mzxid;
    node->pzxid = stat->pzxid;
    node->ctime_ms = stat->ctime_ms;
    node->mtime_ms = stat->mtime_ms;
    node->version = stat->version;
    node->creates = stat->creates;
    node->children_count = stat->children_count;
    node->azxid = stat->azxid;
    node->aversion = stat->aversion;
    node->owner = stat->owner;
    node->ttl_ms = stat->ttl_ms;
    node->kind = (Coord__V1__NodeKind)stat->kind; /* the numbers are equal */
    node->suffix_bytes = from->suffix_bytes;
    node->idle_elapsed_ms = from->idle_elapsed_ms;
    messages->item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_NODE;
    messages->item.node = node;
    return from->has_acl ? wire_fill_acl(filler, &node->acl, &from->acl) : CD_OK;
}

static void fill_session(struct item_messages *messages, const struct fsm_item_session *from)
{
    Coord__Storage__V1__SnapshotSession *session = &messages->session;
    const struct fsm_session_view *view = &from->view;
    coord__storage__v1__snapshot_session__init(session);
    session->session_id = view->session;
    session->identity =
        wire_binary(messages->identity, wire_identity_format(messages->identity, &view->who));
    session->administrator = view->who.administrator;
    session->secret_hash = wire_binary(view->secret_hash, FSM_SECRET_HASH_BYTES);
    session->timeout_ms = view->timeout_ms;
    session->attach = view->attach;
    session->last_seq = view->last_seq;
    session->reply_mark = view->reply_mark;
    session->kept_bytes = view->kept_bytes;
    session->ephemerals = view->ephemerals;
    session->ended = view->ended;
    session->ended_elapsed_ms = from->ended_elapsed_ms;
    session->ended_zxid = from->ended_zxid;
    messages->item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_SESSION;
    messages->item.session = session;
}

static void fill_reply(struct item_messages *messages, const struct fsm_item_reply *from)
{
    coord__storage__v1__snapshot_reply__init(&messages->reply);
    messages->reply.seq = from->seq;
    messages->reply.request_hash = from->request_hash;
    messages->reply.packed = wire_binary_of(from->packed);
    messages->item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_REPLY;
    messages->item.reply = &messages->reply;
}

static void fill_call(struct item_messages *messages, const struct fsm_item_call *from)
{
    Coord__Storage__V1__SnapshotCall *call = &messages->call;
    coord__storage__v1__snapshot_call__init(call);
    call->key = wire_binary(from->key, FSM_CALL_KEY_BYTES);
    call->identity =
        wire_binary(messages->identity, wire_identity_format(messages->identity, &from->who));
    call->administrator = from->who.administrator;
    call->request_hash = from->request_hash;
    call->elapsed_ms = from->elapsed_ms;
    call->place = from->place;
    call->packed = wire_binary_of(from->packed);
    messages->item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_CALL;
    messages->item.call = call;
}

static enum cd_status fill_item(struct wire_filler *filler, struct item_messages *messages,
                                const struct fsm_item *from)
{
    coord__storage__v1__snapshot_item__init(&messages->item);
    switch (from->kind) {
    case FSM_ITEM_HEAD:
        fill_head(messages, &from->head);
        return CD_OK;
    case FSM_ITEM_NODE:
        return fill_node(filler, messages, &from->node);
    case FSM_ITEM_SESSION:
        fill_session(messages, &from->session);
        return CD_OK;
    case FSM_ITEM_REPLY:
        fill_reply(messages, &from->reply);
        return CD_OK;
    case FSM_ITEM_CALL:
        fill_call(messages, &from->call);
        return CD_OK;
    }
    CD_UNREACHABLE();
}

enum cd_status wire_item_put(struct cd_buf *buf, const struct fsm_item *item)
{
    struct item_messages messages;
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    struct wire_filler filler = {.arena = &scratch};
    enum cd_status status = fill_item(&filler, &messages, item);
    if (status == CD_OK) {
        status = put_item(buf, &messages.item);
    }
    wire_arena_release(&scratch);
    return status;
}

/* ---- From bytes ---- */

static enum cd_status take_cluster(struct wire_arena *arena, struct wire_item *ret_item,
                                   const Coord__Storage__V1__SnapshotCluster *from,
                                   struct cd_error *error)
{
    bool present = false;
    ret_item->is_cluster = true;
    ret_item->cluster.generation = from->generation;
    enum cd_status status =
        wire_exact(ret_item->cluster.cluster_id, &present, PAXOS_CLUSTER_ID_BYTES, from->cluster_id,
                   "cluster_id", error);
    if (status == CD_OK && !present) {
        status = cd_error_set(error, CD_MALFORMED, "cluster_id: it is missing");
    }
    return status != CD_OK ? status
                           : wire_take_configs(arena, &ret_item->cluster.configs,
                                               &ret_item->cluster.configs_count, from->configs,
                                               from->n_configs, error);
}

static enum cd_status take_head(struct fsm_item_head *ret_head,
                                const Coord__Storage__V1__SnapshotHead *from,
                                struct cd_error *error)
{
    if (from->limits == NULL) {
        return cd_error_set(error, CD_MALFORMED, "the head of a machine without limits");
    }
    struct paxos_ballot leadership = wire_ballot(from->leadership);
    ret_head->slot = from->slot;
    ret_head->zxid = from->zxid;
    ret_head->wall_ms = from->wall_ms;
    ret_head->elapsed_ms = from->elapsed_ms;
    ret_head->leadership = (struct fsm_leadership){
        .round = leadership.round, .node = leadership.node, .incarnation = leadership.incarnation};
#define TAKE(field) ret_head->limits.field = from->limits->field;
    LIMITS(TAKE)
#undef TAKE
    ret_head->digest_version = from->digest_version;
    ret_head->digest = from->digest;
    ret_head->nodes = from->nodes;
    ret_head->sessions = from->sessions;
    ret_head->tombstones = from->tombstones;
    ret_head->calls = from->calls;
    return CD_OK;
}

static enum cd_status take_node(struct wire_taker *taker, struct fsm_item_node *ret_node,
                                const Coord__Storage__V1__SnapshotNode *from)
{
    if ((unsigned)from->kind > (unsigned)FSM_TTL) {
        return cd_error_set(taker->error, CD_UNIMPLEMENTED, "a node of kind %d", (int)from->kind);
    }
    if (from->suffix_bytes > UINT8_MAX) {
        return cd_error_set(taker->error, CD_MALFORMED, "a suffix of %u bytes",
                            (unsigned)from->suffix_bytes);
    }
    ret_node->data = wire_bytes(from->data);
    ret_node->stat = (struct fsm_stat){
        .czxid = from->czxid,
        .mzxid = from->mzxid,
        .pzxid = from->pzxid,
        .ctime_ms = from->ctime_ms,
        .mtime_ms = from->mtime_ms,
        .version = from->version,
        .creates = from->creates,
        .children_count = from->children_count,
        .azxid = from->azxid,
        .aversion = from->aversion,
        .owner = from->owner,
        .ttl_ms = from->ttl_ms,
        .data_bytes = (uint32_t)from->data.len, /* at most WIRE_ITEM_BYTES_MAX */
        .kind = (enum fsm_node_kind)from->kind,
        .suffix_bytes = (uint8_t)from->suffix_bytes,
        .idle_elapsed_ms = from->idle_elapsed_ms,
    };
    ret_node->suffix_bytes = from->suffix_bytes;
    ret_node->idle_elapsed_ms = from->idle_elapsed_ms;
    ret_node->has_acl = from->acl != NULL;
    enum cd_status status = wire_text(&ret_node->path, from->path, "path", taker->error);
    if (status == CD_OK && from->acl != NULL) {
        status = wire_take_acl(taker, &ret_node->acl, from->acl);
    }
    return status;
}

static enum cd_status take_who(struct fsm_who *ret_who, ProtobufCBinaryData identity,
                               bool administrator, struct cd_error *error)
{
    struct fsm_bytes text = {0};
    enum cd_status status = wire_text(&text, identity, "identity", error);
    if (status == CD_OK) {
        status = wire_identity_parse(ret_who, text, error);
    }
    ret_who->administrator = administrator;
    return status;
}

static enum cd_status take_session(struct fsm_item_session *ret_session,
                                   const Coord__Storage__V1__SnapshotSession *from,
                                   struct cd_error *error)
{
    struct fsm_session_view *view = &ret_session->view;
    bool present = false;
    view->session = from->session_id;
    view->timeout_ms = from->timeout_ms;
    view->attach = from->attach;
    view->last_seq = from->last_seq;
    view->reply_mark = from->reply_mark;
    view->kept_bytes = from->kept_bytes;
    view->ephemerals = from->ephemerals;
    view->ended = from->ended;
    ret_session->ended_elapsed_ms = from->ended_elapsed_ms;
    ret_session->ended_zxid = from->ended_zxid;
    enum cd_status status = wire_exact(view->secret_hash, &present, FSM_SECRET_HASH_BYTES,
                                       from->secret_hash, "secret_hash", error);
    if (status == CD_OK && !present) {
        status = cd_error_set(error, CD_MALFORMED, "secret_hash: it is missing");
    }
    return status != CD_OK ? status
                           : take_who(&view->who, from->identity, from->administrator, error);
}

static enum cd_status take_call(struct fsm_item_call *ret_call,
                                const Coord__Storage__V1__SnapshotCall *from,
                                struct cd_error *error)
{
    bool present = false;
    ret_call->request_hash = from->request_hash;
    ret_call->elapsed_ms = from->elapsed_ms;
    ret_call->place = from->place;
    ret_call->packed = wire_bytes(from->packed);
    enum cd_status status =
        wire_exact(ret_call->key, &present, FSM_CALL_KEY_BYTES, from->key, "key", error);
    if (status == CD_OK && !present) {
        status = cd_error_set(error, CD_MALFORMED, "key: it is missing");
    }
    return status != CD_OK ? status
                           : take_who(&ret_call->who, from->identity, from->administrator, error);
}

static enum cd_status take_item(struct wire_arena *arena, struct wire_item *ret_item,
                                const Coord__Storage__V1__SnapshotItem *from,
                                struct cd_error *error)
{
    struct wire_taker taker = {.arena = arena, .error = error};
    struct fsm_item *item = &ret_item->fsm;
    memset(ret_item, 0, sizeof(*ret_item));
    switch (from->item_case) {
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_CLUSTER:
        return take_cluster(arena, ret_item, from->cluster, error);
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_HEAD:
        item->kind = FSM_ITEM_HEAD;
        return take_head(&item->head, from->head, error);
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_NODE:
        item->kind = FSM_ITEM_NODE;
        return take_node(&taker, &item->node, from->node);
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_SESSION:
        item->kind = FSM_ITEM_SESSION;
        return take_session(&item->session, from->session, error);
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_REPLY:
        item->kind = FSM_ITEM_REPLY;
        item->reply = (struct fsm_item_reply){from->reply->seq, from->reply->request_hash,
                                              wire_bytes(from->reply->packed)};
        return CD_OK;
    case COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_CALL:
        item->kind = FSM_ITEM_CALL;
        return take_call(&item->call, from->call, error);
    default:
        return cd_error_set(error, CD_MALFORMED, "an item without content");
    }
}

/* ---- The reader ---- */

void wire_item_reader_init(struct wire_item_reader *reader)
{
    memset(reader, 0, sizeof(*reader));
    cd_buf_init(&reader->buf,
                (size_t)WIRE_ITEM_BYTES_MAX + WIRE_VARINT_BYTES_MAX + WIRE_ITEM_PUT_BYTES_MAX);
}

void wire_item_reader_release(struct wire_item_reader *reader)
{
    cd_buf_release(&reader->buf);
}

void wire_item_reader_put(struct wire_item_reader *reader, const void *bytes, size_t bytes_count)
{
    CD_ASSERT(bytes_count <= WIRE_ITEM_PUT_BYTES_MAX);
    size_t left = reader->buf.bytes - reader->taken;
    if (left > 0) {
        memmove(reader->buf.data, reader->buf.data + reader->taken, left);
    }
    reader->buf.bytes = left;
    reader->taken = 0;
    if (reader->status == CD_OK) {
        cd_buf_put(&reader->buf, bytes, bytes_count);
        CD_ASSERT(!reader->buf.overflowed); /* all items were taken out before */
    }
}

static enum cd_status fail(struct wire_item_reader *reader, enum cd_status status)
{
    if (reader->error.status == CD_OK) {
        (void)cd_error_set(&reader->error, status, "%s", cd_status_text(status));
    }
    reader->status = status;
    return status;
}

/* The bytes of the next item. CD_NOT_FOUND: not all there. */
static enum cd_status next_bytes(struct wire_item_reader *reader, struct fsm_bytes *ret_bytes)
{
    const uint8_t *at = reader->buf.data + reader->taken;
    size_t left = reader->buf.bytes - reader->taken;
    uint64_t bytes = 0;
    size_t length = left == 0 ? 0 : wire_varint_get(&bytes, at, left);
    if (length == 0) {
        return CD_NOT_FOUND;
    }
    if (length > WIRE_VARINT_BYTES_MAX || bytes > WIRE_ITEM_BYTES_MAX) {
        return cd_error_set(&reader->error, CD_CORRUPT,
                            "snapshot item %llu: a length over the limit of %d",
                            (unsigned long long)reader->items, (int)WIRE_ITEM_BYTES_MAX);
    }
    if (bytes > left - length) {
        return CD_NOT_FOUND;
    }
    *ret_bytes = (struct fsm_bytes){.data = at + length, .bytes = (size_t)bytes};
    reader->taken += length + (size_t)bytes;
    return CD_OK;
}

static enum cd_status decode(struct wire_item_reader *reader, struct wire_arena *arena,
                             struct fsm_bytes bytes, struct wire_item *ret_item)
{
    enum cd_status status = CD_OK;
    const Coord__Storage__V1__SnapshotItem *from =
        wire_unpack_known(arena, &coord__storage__v1__snapshot_item__descriptor, bytes.data,
                          bytes.bytes, item_bound, &status, &reader->error);
    if (from != NULL) {
        status = take_item(arena, ret_item, from, &reader->error);
    }
    if (status == CD_OK && ret_item->is_cluster != (reader->items == 0)) {
        status = cd_error_set(&reader->error, CD_CORRUPT,
                              "snapshot item %llu: the cluster's item is the first one, and only "
                              "that",
                              (unsigned long long)reader->items);
    }
    if (status == CD_OK || arena->exhausted || status == CD_NEWER_FORMAT) {
        return status;
    }
    return status == CD_UNIMPLEMENTED ? CD_NEWER_FORMAT : CD_CORRUPT;
}

enum cd_status wire_item_reader_next(struct wire_item_reader *reader, struct wire_arena *arena,
                                     struct wire_item *ret_item, struct cd_error *error)
{
    struct fsm_bytes bytes = {0};
    enum cd_status status = reader->status;
    if (status == CD_OK) {
        status = next_bytes(reader, &bytes);
    }
    if (status == CD_OK) {
        status = decode(reader, arena, bytes, ret_item);
        reader->items++;
    }
    if (status != CD_OK && status != CD_NOT_FOUND) {
        (void)fail(reader, status);
        (void)cd_error_set(error, status, "%s", reader->error.message);
    }
    return status;
}

enum cd_status wire_item_reader_finish(const struct wire_item_reader *reader,
                                       struct cd_error *error)
{
    if (reader->status != CD_OK) {
        return cd_error_set(error, CD_CORRUPT, "%s", reader->error.message);
    }
    if (reader->items == 0 || reader->taken != reader->buf.bytes) {
        return cd_error_set(error, CD_CORRUPT, "the snapshot ends within item %llu",
                            (unsigned long long)reader->items);
    }
    return CD_OK;
}
