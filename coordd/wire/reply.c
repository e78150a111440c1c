#include "base/assert.h"
#include "wire/client.h"
#include "wire/internal.h"

#include <string.h>

/* What goes out to clients. client.c is the other way. */

/* What a frame keeps free of items, for its head. */
#define HEAD_BYTES_MAX  ((size_t)16 << 10)
#define FRAME_ITEMS_MAX ((size_t)WIRE_FRAME_BYTES_MAX - HEAD_BYTES_MAX)

/*
 * Room for the messages that any reply needs, lists excepted: they come from the arena. `error` is
 * where a sentence is written if the caller gave none.
 */
struct reply_messages {
    Coord__V1__Reply reply;
    Coord__V1__Stat stat;
    union {
        Coord__V1__CreateResult create;
        Coord__V1__SetResult set;
        Coord__V1__DeleteResult remove;
        Coord__V1__TxnResult txn;
        Coord__V1__GetResult get;
        Coord__V1__ExistsResult exists;
        Coord__V1__ChildrenResult children;
    };
    struct wire_arena arena;
    struct cd_error error;
};

/* The same for one operation of a transaction. */
struct op_messages {
    Coord__V1__TxnOpResult result;
    Coord__V1__Stat stat;
    union {
        Coord__V1__CreateResult create;
        Coord__V1__SetResult set;
        Coord__V1__DeleteResult remove;
        Coord__V1__CheckResult check;
        Coord__V1__GetResult get;
        Coord__V1__ExistsResult exists;
    };
};

static void fill_stat(Coord__V1__Stat *ret_message, const struct fsm_stat *stat)
{
    coord__v1__stat__init(ret_message);
    ret_message->czxid = stat->czxid;
    ret_message->mzxid = stat->mzxid;
    ret_message->pzxid = stat->pzxid;
    ret_message->ctime_ms = (int64_t)stat->ctime_ms;
    ret_message->mtime_ms = (int64_t)stat->mtime_ms;
    ret_message->version = (int64_t)stat->version;
    ret_message->cversion = (int64_t)fsm_stat_cversion(stat);
    ret_message->data_length = stat->data_bytes;
    ret_message->num_children = (int64_t)stat->children_count;
    ret_message->kind = (Coord__V1__NodeKind)stat->kind; /* the numbers are equal */
}

/* ---- Results of commands ---- */

static void fill_create(Coord__V1__CreateResult *ret_message, Coord__V1__Stat *stat,
                        const struct fsm_outcome *outcome)
{
    coord__v1__create_result__init(ret_message);
    fill_stat(stat, &outcome->stat);
    ret_message->path = wire_binary_of(outcome->path);
    ret_message->stat = stat;
    ret_message->created = outcome->changed;
}

static void fill_set(Coord__V1__SetResult *ret_message, Coord__V1__Stat *stat,
                     const struct fsm_outcome *outcome)
{
    coord__v1__set_result__init(ret_message);
    fill_stat(stat, &outcome->stat);
    ret_message->stat = stat;
}

static void fill_delete(Coord__V1__DeleteResult *ret_message, const struct fsm_outcome *outcome)
{
    coord__v1__delete_result__init(ret_message);
    ret_message->deleted = outcome->changed ? (int64_t)outcome->nodes_count : 0;
}

static void fill_get(Coord__V1__GetResult *ret_message, Coord__V1__Stat *stat,
                     struct fsm_bytes data, const struct fsm_stat *from)
{
    coord__v1__get_result__init(ret_message);
    fill_stat(stat, from);
    ret_message->data = wire_binary_of(data);
    ret_message->stat = stat;
}

static void fill_exists(Coord__V1__ExistsResult *ret_message, Coord__V1__Stat *stat, bool found,
                        const struct fsm_stat *from)
{
    coord__v1__exists_result__init(ret_message);
    ret_message->exists = found;
    if (found) {
        fill_stat(stat, from);
        ret_message->stat = stat;
    }
}

static void fill_check(struct op_messages *ret_messages, const struct fsm_outcome *outcome)
{
    coord__v1__check_result__init(&ret_messages->check);
    fill_stat(&ret_messages->stat, &outcome->stat);
    ret_messages->check.stat = &ret_messages->stat;
}

static void fill_op_result(struct op_messages *ret_messages, enum fsm_op_kind kind,
                           const struct fsm_outcome *outcome)
{
    Coord__V1__TxnOpResult *message = &ret_messages->result;
    coord__v1__txn_op_result__init(message);
    switch (kind) {
    case FSM_OP_CREATE:
        fill_create(&ret_messages->create, &ret_messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_CREATE;
        message->create = &ret_messages->create;
        return;
    case FSM_OP_SET:
        fill_set(&ret_messages->set, &ret_messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_SET;
        message->set = &ret_messages->set;
        return;
    case FSM_OP_DELETE:
        fill_delete(&ret_messages->remove, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_DELETE;
        message->delete_ = &ret_messages->remove;
        return;
    case FSM_OP_CHECK:
        fill_check(ret_messages, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_CHECK;
        message->check = &ret_messages->check;
        return;
    case FSM_OP_GET:
        fill_get(&ret_messages->get, &ret_messages->stat, outcome->data, &outcome->stat);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_GET;
        message->get = &ret_messages->get;
        return;
    case FSM_OP_EXISTS:
        fill_exists(&ret_messages->exists, &ret_messages->stat, outcome->found, &outcome->stat);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_EXISTS;
        message->exists = &ret_messages->exists;
        return;
    case FSM_OP_TXN:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
        break;
    }
    CD_UNREACHABLE(); /* a transaction holds no other */
}

static enum cd_status fill_txn(struct reply_messages *messages, const struct fsm_op_txn *txn,
                               const struct fsm_result *result)
{
    Coord__V1__TxnResult *message = &messages->txn;
    coord__v1__txn_result__init(message);
    messages->reply.result_case = COORD__V1__REPLY__RESULT_TXN;
    messages->reply.txn = message;
    message->succeeded = result->compares_held;
    if (result->status != CD_OK) {
        message->failed_index = result->failed_index < 0 ? 0 : (uint32_t)result->failed_index;
        return CD_OK;
    }
    const struct fsm_op *ops = result->compares_held ? txn->then_ops : txn->else_ops;
    size_t count = result->compares_held ? txn->then_count : txn->else_count;
    CD_ASSERT(count == result->outcomes_count);
    struct op_messages *results = wire_arena_get_array(&messages->arena, count, sizeof(*results));
    Coord__V1__TxnOpResult **pointers =
        wire_arena_get_array(&messages->arena, count, sizeof(*pointers));
    if (results == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        fill_op_result(&results[i], ops[i].kind, &result->outcomes[i]);
        pointers[i] = &results[i].result;
    }
    message->results = pointers;
    message->n_results = count;
    return CD_OK;
}

static enum cd_status fill_command(struct reply_messages *messages,
                                   const struct fsm_command *command,
                                   const struct fsm_result *result)
{
    Coord__V1__Reply *reply = &messages->reply;
    if (command->op.kind == FSM_OP_TXN) {
        return fill_txn(messages, &command->op.txn, result);
    }
    if (result->status != CD_OK) {
        return CD_OK;
    }
    CD_ASSERT(result->outcomes_count == 1);
    const struct fsm_outcome *outcome = &result->outcomes[0];
    switch (command->op.kind) {
    case FSM_OP_CREATE:
        fill_create(&messages->create, &messages->stat, outcome);
        reply->result_case = COORD__V1__REPLY__RESULT_CREATE;
        reply->create = &messages->create;
        return CD_OK;
    case FSM_OP_SET:
        fill_set(&messages->set, &messages->stat, outcome);
        reply->result_case = COORD__V1__REPLY__RESULT_SET;
        reply->set = &messages->set;
        return CD_OK;
    case FSM_OP_DELETE:
        fill_delete(&messages->remove, outcome);
        reply->result_case = COORD__V1__REPLY__RESULT_DELETE;
        reply->delete_ = &messages->remove;
        return CD_OK;
    case FSM_OP_TXN:
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
        break;
    }
    CD_UNREACHABLE(); /* only inside a transaction */
}

/* ---- Results of reads ---- */

static enum cd_status fill_cursor(struct wire_arena *arena, ProtobufCBinaryData *ret_cursor,
                                  const struct wire_children_result *children)
{
    CD_ASSERT(children->views_count > 0);
    struct fsm_bytes last = children->views[children->views_count - 1].path;
    uint8_t *bytes = wire_arena_get(arena, WIRE_CURSOR_HEAD_BYTES + last.bytes);
    if (bytes == NULL) {
        return CD_TOO_LARGE;
    }
    bytes[0] = WIRE_CURSOR_VERSION;
    cd_put_u64(bytes + 1, children->parent.czxid);
    cd_put_u64(bytes + 9, children->parent.pzxid);
    memcpy(bytes + WIRE_CURSOR_HEAD_BYTES, last.data, last.bytes);
    *ret_cursor = wire_binary(bytes, WIRE_CURSOR_HEAD_BYTES + last.bytes);
    return CD_OK;
}

static enum cd_status fill_children(struct reply_messages *messages,
                                    const struct wire_children_result *children)
{
    Coord__V1__ChildrenResult *message = &messages->children;
    size_t count = children->views_count;
    CD_ASSERT(count <= WIRE_PAGE_ENTRIES_MAX);
    Coord__V1__Child *list = wire_arena_get_array(&messages->arena, count, sizeof(*list));
    Coord__V1__Child **pointers = wire_arena_get_array(&messages->arena, count, sizeof(*pointers));
    Coord__V1__Stat *stats = wire_arena_get_array(&messages->arena, count, sizeof(*stats));
    if (list == NULL || pointers == NULL || stats == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        const struct fsm_view *view = &children->views[i];
        coord__v1__child__init(&list[i]);
        list[i].name = wire_binary_of(view->path);
        if (children->with_stat) {
            fill_stat(&stats[i], &view->stat);
            list[i].stat = &stats[i];
        }
        if (children->with_data) {
            list[i].data = wire_binary_of(view->data);
        }
        pointers[i] = &list[i];
    }
    coord__v1__children_result__init(message);
    message->children = pointers;
    message->n_children = count;
    fill_stat(&messages->stat, &children->parent);
    message->stat = &messages->stat;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_CHILDREN;
    messages->reply.children = message;
    return children->more ? fill_cursor(&messages->arena, &message->cursor, children) : CD_OK;
}

static enum cd_status fill_result(struct reply_messages *messages, const struct wire_reply *from)
{
    Coord__V1__Reply *reply = &messages->reply;
    switch (from->kind) {
    case WIRE_RESULT_NONE:
        return CD_OK;
    case WIRE_RESULT_COMMAND:
        return fill_command(messages, from->command, from->result);
    case WIRE_RESULT_GET:
        fill_get(&messages->get, &messages->stat, from->view.data, &from->view.stat);
        reply->result_case = COORD__V1__REPLY__RESULT_GET;
        reply->get = &messages->get;
        return CD_OK;
    case WIRE_RESULT_EXISTS:
        fill_exists(&messages->exists, &messages->stat, from->found, &from->view.stat);
        reply->result_case = COORD__V1__REPLY__RESULT_EXISTS;
        reply->exists = &messages->exists;
        return CD_OK;
    case WIRE_RESULT_CHILDREN:
        return fill_children(messages, &from->children);
    }
    CD_UNREACHABLE();
}

/* The operation that was refused, if it is known. */
static const struct fsm_outcome *refused_outcome(const struct fsm_result *result)
{
    if (result->status == CD_COMPARE_FAILED) {
        return NULL;
    }
    size_t index = result->failed_index < 0 ? 0 : (size_t)result->failed_index;
    return index < result->outcomes_count ? &result->outcomes[index] : NULL;
}

static ProtobufCBinaryData message_of(struct reply_messages *messages,
                                      const struct wire_reply *from)
{
    if (from->message != NULL || from->status == CD_OK) {
        return wire_binary_text(from->message);
    }
    const struct fsm_outcome *outcome =
        from->kind == WIRE_RESULT_COMMAND ? refused_outcome(from->result) : NULL;
    if (outcome == NULL || outcome->status != from->status) {
        return wire_binary_text(cd_status_text(from->status));
    }
    fsm_outcome_describe(outcome, &messages->error);
    return wire_binary_text(messages->error.message);
}

/* Release with wire_arena_release(&messages->arena), whatever the status. */
static enum cd_status fill_reply(struct reply_messages *messages, const struct wire_reply *from)
{
    Coord__V1__Reply *reply = &messages->reply;
    wire_arena_init(&messages->arena, WIRE_ARENA_BYTES_MAX);
    coord__v1__reply__init(reply);
    reply->id = from->id;
    reply->code = wire_code(from->status);
    reply->message = message_of(messages, from);
    reply->zxid = from->zxid;
    return fill_result(messages, from);
}

void wire_reply_from_result(struct wire_reply *ret_reply, uint64_t id,
                            const struct fsm_command *command, const struct fsm_result *result)
{
    *ret_reply = (struct wire_reply){
        .id = id,
        .status = result->status,
        .zxid = result->zxid,
        .kind = WIRE_RESULT_COMMAND,
        .command = command,
        .result = result,
    };
}

void wire_reply_refuse(struct wire_reply *ret_reply, uint64_t id, enum cd_status status,
                       const char *message)
{
    CD_ASSERT(status != CD_OK);
    *ret_reply = (struct wire_reply){.id = id, .status = status, .message = message};
}

/* ---- Frames ---- */

static enum cd_status put_item(struct cd_buf *frame, Coord__V1__Item *item)
{
    Coord__V1__ServerFrame piece = COORD__V1__SERVER_FRAME__INIT;
    piece.items = &item;
    piece.n_items = 1;
    size_t limit =
        frame->bytes == 0 ? (size_t)WIRE_SERVER_FRAME_BYTES_MAX - HEAD_BYTES_MAX : FRAME_ITEMS_MAX;
    return wire_pack(frame, limit, &piece.base);
}

enum cd_status wire_server_put_reply(struct cd_buf *frame, const struct wire_reply *reply)
{
    struct reply_messages messages;
    enum cd_status status = fill_reply(&messages, reply);
    if (status == CD_OK) {
        Coord__V1__Item item = COORD__V1__ITEM__INIT;
        item.item_case = COORD__V1__ITEM__ITEM_REPLY;
        item.reply = &messages.reply;
        status = put_item(frame, &item);
    }
    wire_arena_release(&messages.arena);
    return status;
}

enum cd_status wire_server_put_no_leader(struct cd_buf *frame, uint64_t since_ms)
{
    Coord__V1__NoLeader no_leader = COORD__V1__NO_LEADER__INIT;
    no_leader.since_ms = since_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)since_ms;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_NO_LEADER;
    item.no_leader = &no_leader;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_go_away(struct cd_buf *frame, enum cd_status status,
                                       const char *message)
{
    Coord__V1__GoAway go_away = COORD__V1__GO_AWAY__INIT;
    go_away.code = wire_code(status);
    go_away.message = wire_binary_text(message != NULL ? message : cd_status_text(status));
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_GO_AWAY;
    item.go_away = &go_away;
    return put_item(frame, &item);
}

void wire_limits_from_fsm(struct wire_limits *ret_limits, const struct fsm_limits *limits)
{
    *ret_limits = (struct wire_limits){
        .frame_bytes = WIRE_FRAME_BYTES_MAX,
        .frame_requests = WIRE_FRAME_REQUESTS_MAX,
        .path_bytes = limits->path_bytes,
        .data_bytes = limits->data_bytes,
        .txn_bytes = limits->txn_bytes,
        .txn_compares = limits->txn_compares,
        .txn_ops = limits->txn_ops,
        .page_entries = WIRE_PAGE_ENTRIES_MAX,
        .page_bytes = WIRE_PAGE_BYTES_MAX,
        .atomic_nodes = limits->atomic_nodes,
    };
}

static void fill_limits(Coord__V1__Limits *ret_message, const struct wire_limits *limits)
{
    coord__v1__limits__init(ret_message);
    ret_message->frame_bytes = limits->frame_bytes;
    ret_message->frame_requests = limits->frame_requests;
    ret_message->path_bytes = limits->path_bytes;
    ret_message->data_bytes = limits->data_bytes;
    ret_message->txn_bytes = limits->txn_bytes;
    ret_message->txn_compares = limits->txn_compares;
    ret_message->txn_ops = limits->txn_ops;
    ret_message->page_entries = limits->page_entries;
    ret_message->page_bytes = limits->page_bytes;
    ret_message->acl_entries = limits->acl_entries;
    ret_message->watches = limits->watches;
    ret_message->queue_prefixes = limits->queue_prefixes;
    ret_message->unacked_writes = limits->unacked_writes;
    ret_message->kept_reply_bytes = limits->kept_reply_bytes;
    ret_message->waiting_reads = limits->waiting_reads;
    ret_message->atomic_nodes = limits->atomic_nodes;
    ret_message->session_timeout_min_ms = limits->session_timeout_min_ms;
    ret_message->session_timeout_default_ms = limits->session_timeout_default_ms;
    ret_message->session_timeout_max_ms = limits->session_timeout_max_ms;
    ret_message->ttl_max_ms = limits->ttl_max_ms;
}

static void fill_welcome(Coord__V1__Welcome *ret_message, Coord__V1__Limits *limits,
                         const struct wire_welcome *from)
{
    coord__v1__welcome__init(ret_message);
    const char *message = from->message;
    if (message == NULL && from->status != CD_OK) {
        message = cd_status_text(from->status);
    }
    ret_message->code = wire_code(from->status);
    ret_message->message = wire_binary_text(message);
    if (from->has_cluster) {
        ret_message->cluster_id = wire_binary(from->cluster_id, sizeof(from->cluster_id));
    }
    ret_message->generation = from->generation;
    ret_message->replica_id = from->replica;
    ret_message->leader_id = from->leader;
    ret_message->features = from->features;
    ret_message->server = wire_binary_text(from->server);
    ret_message->identity = wire_binary_text(from->identity);
    fill_limits(limits, &from->limits);
    ret_message->limits = limits;
    ret_message->session_id = from->session;
    ret_message->attach = from->attach;
    ret_message->timeout_ms = from->timeout_ms;
    ret_message->last_seq = from->last_seq;
}

enum cd_status wire_server_put_head(struct cd_buf *frame, const struct wire_server_head *head)
{
    Coord__V1__ServerFrame piece = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome welcome;
    Coord__V1__Limits limits;
    if (head->welcome != NULL) {
        fill_welcome(&welcome, &limits, head->welcome);
        piece.welcome = &welcome;
    }
    piece.confirmed = head->confirmed;
    piece.complete_to = head->complete_to;
    piece.applied_zxid = head->applied_zxid;
    piece.more = head->more;
    return wire_pack(frame, WIRE_SERVER_FRAME_BYTES_MAX, &piece.base);
}

enum cd_status wire_call_encode(struct cd_buf *buf, const struct wire_reply *reply,
                                const uint8_t *cluster_id, uint32_t generation)
{
    struct reply_messages messages;
    enum cd_status status = fill_reply(&messages, reply);
    if (status == CD_OK) {
        Coord__V1__CallResponse response = COORD__V1__CALL_RESPONSE__INIT;
        response.reply = &messages.reply;
        if (cluster_id != NULL) {
            response.cluster_id = wire_binary(cluster_id, WIRE_CLUSTER_ID_BYTES);
        }
        response.generation = generation;
        status = wire_pack(buf, WIRE_SERVER_FRAME_BYTES_MAX, &response.base);
    }
    wire_arena_release(&messages.arena);
    return status;
}
