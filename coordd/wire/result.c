#include "base/assert.h"
#include "wire/internal.h"

/*
 * Results of commands, for replies and for outcomes that are asked after. All is in the result: the
 * command is not at hand when a kept reply is given again.
 */

void wire_fill_stat(Coord__V1__Stat *ret_message, const struct fsm_stat *stat)
{
    coord__v1__stat__init(ret_message);
    ret_message->czxid = stat->czxid;
    ret_message->mzxid = stat->mzxid;
    ret_message->pzxid = stat->pzxid;
    ret_message->ctime_ms = (int64_t)stat->ctime_ms;
    ret_message->mtime_ms = (int64_t)stat->mtime_ms;
    ret_message->version = (int64_t)stat->version;
    ret_message->cversion = (int64_t)fsm_stat_cversion(stat);
    ret_message->aversion = (int64_t)stat->aversion;
    ret_message->ephemeral_owner = stat->owner;
    ret_message->data_length = stat->data_bytes;
    ret_message->num_children = (int64_t)stat->children_count;
    ret_message->azxid = stat->azxid;
    ret_message->kind = (Coord__V1__NodeKind)stat->kind; /* the numbers are equal */
    ret_message->ttl_ms = stat->ttl_ms;
}

enum cd_status wire_fill_children(struct wire_arena *arena, Coord__V1__ChildrenResult *ret_message,
                                  Coord__V1__Stat *stat, const struct wire_page *page)
{
    size_t count = page->views_count;
    CD_ASSERT(count <= WIRE_PAGE_ENTRIES_MAX);
    Coord__V1__Child *list = wire_arena_get_array(arena, count, sizeof(*list));
    Coord__V1__Child **pointers = wire_arena_get_array(arena, count, sizeof(*pointers));
    Coord__V1__Stat *stats =
        wire_arena_get_array(arena, page->with_stat ? count : 0, sizeof(*stats));
    if (list == NULL || pointers == NULL || stats == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        const struct fsm_view *view = &page->views[i];
        coord__v1__child__init(&list[i]);
        list[i].name = wire_binary_of(view->path);
        if (page->with_stat && view->stat.czxid != 0) { /* 0: it may not be read */
            wire_fill_stat(&stats[i], &view->stat);
            list[i].stat = &stats[i];
        }
        if (page->with_data) {
            list[i].data = wire_binary_of(view->data);
        }
        pointers[i] = &list[i];
    }
    coord__v1__children_result__init(ret_message);
    ret_message->children = pointers;
    ret_message->n_children = count;
    wire_fill_stat(stat, &page->top);
    ret_message->stat = stat;
    return wire_cursor_fill(arena, &ret_message->cursor, &page->next);
}

/* ---- Transactions ---- */

/* The result of one operation in it. */
struct txn_op_messages {
    Coord__V1__TxnOpResult result;
    Coord__V1__Stat stat;
    union {
        Coord__V1__CreateResult create;
        Coord__V1__SetResult set;
        Coord__V1__DeleteResult remove;
        Coord__V1__IncrementResult increment;
        Coord__V1__SetAclResult set_acl;
        Coord__V1__CheckResult check;
        Coord__V1__GetResult get;
        Coord__V1__ExistsResult exists;
        Coord__V1__ChildrenResult children;
    };
};

static void fill_create(Coord__V1__CreateResult *ret_message, Coord__V1__Stat *stat,
                        const struct fsm_outcome *outcome)
{
    coord__v1__create_result__init(ret_message);
    wire_fill_stat(stat, &outcome->stat);
    ret_message->path = wire_binary_of(outcome->path);
    ret_message->stat = stat;
    ret_message->created = outcome->changed;
}

static void fill_set(Coord__V1__SetResult *ret_message, Coord__V1__Stat *stat,
                     const struct fsm_outcome *outcome)
{
    coord__v1__set_result__init(ret_message);
    wire_fill_stat(stat, &outcome->stat);
    ret_message->stat = stat;
}

static void fill_delete(Coord__V1__DeleteResult *ret_message, const struct fsm_outcome *outcome)
{
    coord__v1__delete_result__init(ret_message);
    ret_message->deleted = outcome->changed ? (int64_t)outcome->nodes_count : 0;
}

static void fill_increment(Coord__V1__IncrementResult *ret_message, Coord__V1__Stat *stat,
                           const struct fsm_outcome *outcome)
{
    coord__v1__increment_result__init(ret_message);
    wire_fill_stat(stat, &outcome->stat);
    ret_message->value = outcome->value;
    ret_message->stat = stat;
}

static void fill_set_acl(Coord__V1__SetAclResult *ret_message, Coord__V1__Stat *stat,
                         const struct fsm_outcome *outcome)
{
    coord__v1__set_acl_result__init(ret_message);
    wire_fill_stat(stat, &outcome->stat);
    ret_message->stat = stat;
}

static enum cd_status fill_txn_children(struct wire_arena *arena, struct txn_op_messages *messages,
                                        const struct fsm_outcome *outcome)
{
    struct wire_page page = {
        .views = outcome->children,
        .views_count = outcome->children_count,
        .with_stat = outcome->with_stat,
        .with_data = outcome->with_data,
        .top = outcome->stat,
    };
    if (outcome->children_more) { /* version 0: no page follows, see struct wire_cursor */
        CD_ASSERT(outcome->children_count > 0);
        page.next.given = true;
        page.next.position = outcome->children[outcome->children_count - 1].path;
    }
    messages->result.result_case = COORD__V1__TXN_OP_RESULT__RESULT_CHILDREN;
    messages->result.children = &messages->children;
    return wire_fill_children(arena, &messages->children, &messages->stat, &page);
}

static void fill_txn_read(struct txn_op_messages *messages, const struct fsm_outcome *outcome)
{
    Coord__V1__TxnOpResult *message = &messages->result;
    bool shows = outcome->kind != FSM_OP_EXISTS || outcome->found;
    if (shows) {
        wire_fill_stat(&messages->stat, &outcome->stat);
    }
    if (outcome->kind == FSM_OP_CHECK) {
        coord__v1__check_result__init(&messages->check);
        messages->check.stat = &messages->stat;
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_CHECK;
        message->check = &messages->check;
    } else if (outcome->kind == FSM_OP_GET) {
        coord__v1__get_result__init(&messages->get);
        messages->get.data = wire_binary_of(outcome->data);
        messages->get.stat = &messages->stat;
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_GET;
        message->get = &messages->get;
    } else {
        coord__v1__exists_result__init(&messages->exists);
        messages->exists.exists = outcome->found;
        messages->exists.stat = shows ? &messages->stat : NULL;
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_EXISTS;
        message->exists = &messages->exists;
    }
}

static enum cd_status fill_txn_op(struct wire_arena *arena, struct txn_op_messages *messages,
                                  const struct fsm_outcome *outcome)
{
    Coord__V1__TxnOpResult *message = &messages->result;
    coord__v1__txn_op_result__init(message);
    switch (outcome->kind) {
    case FSM_OP_CREATE:
        fill_create(&messages->create, &messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_CREATE;
        message->create = &messages->create;
        return CD_OK;
    case FSM_OP_SET:
        fill_set(&messages->set, &messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_SET;
        message->set = &messages->set;
        return CD_OK;
    case FSM_OP_DELETE:
        fill_delete(&messages->remove, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_DELETE;
        message->delete_ = &messages->remove;
        return CD_OK;
    case FSM_OP_INCREMENT:
        fill_increment(&messages->increment, &messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_INCREMENT;
        message->increment = &messages->increment;
        return CD_OK;
    case FSM_OP_SET_ACL:
        fill_set_acl(&messages->set_acl, &messages->stat, outcome);
        message->result_case = COORD__V1__TXN_OP_RESULT__RESULT_SET_ACL;
        message->set_acl = &messages->set_acl;
        return CD_OK;
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        fill_txn_read(messages, outcome);
        return CD_OK;
    case FSM_OP_CHILDREN:
        return fill_txn_children(arena, messages, outcome);
    default:
        CD_UNREACHABLE(); /* a transaction holds no other */
    }
}

static enum cd_status fill_txn(struct wire_arena *arena, struct wire_op_result *ret_result,
                               const struct fsm_result *result)
{
    Coord__V1__TxnResult *message = &ret_result->txn;
    if (result->status != CD_OK && result->failed_index < 0) {
        return CD_OK; /* refused before any compare or operation was looked at */
    }
    coord__v1__txn_result__init(message);
    ret_result->kind = WIRE_OP_RESULT_TXN;
    message->succeeded = result->compares_held;
    if (result->status != CD_OK) {
        message->failed_index = (uint32_t)result->failed_index;
        return CD_OK;
    }
    size_t count = result->outcomes_count;
    struct txn_op_messages *results = wire_arena_get_array(arena, count, sizeof(*results));
    Coord__V1__TxnOpResult **pointers = wire_arena_get_array(arena, count, sizeof(*pointers));
    if (results == NULL || pointers == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_txn_op(arena, &results[i], &result->outcomes[i]) != CD_OK) {
            return CD_TOO_LARGE;
        }
        pointers[i] = &results[i].result;
    }
    message->results = pointers;
    message->n_results = count;
    return CD_OK;
}

/* ---- Whole commands ---- */

/* Of a command that was done and is no transaction. */
static void fill_single(struct wire_op_result *ret_result, const struct fsm_outcome *outcome)
{
    switch (outcome->kind) {
    case FSM_OP_CREATE:
        ret_result->kind = WIRE_OP_RESULT_CREATE;
        fill_create(&ret_result->create, &ret_result->stat, outcome);
        return;
    case FSM_OP_SET:
        ret_result->kind = WIRE_OP_RESULT_SET;
        fill_set(&ret_result->set, &ret_result->stat, outcome);
        return;
    case FSM_OP_DELETE:
        ret_result->kind = WIRE_OP_RESULT_DELETE;
        fill_delete(&ret_result->remove, outcome);
        return;
    case FSM_OP_INCREMENT:
        ret_result->kind = WIRE_OP_RESULT_INCREMENT;
        fill_increment(&ret_result->increment, &ret_result->stat, outcome);
        return;
    case FSM_OP_SET_ACL:
        ret_result->kind = WIRE_OP_RESULT_SET_ACL;
        fill_set_acl(&ret_result->set_acl, &ret_result->stat, outcome);
        return;
    case FSM_OP_SET_TIMEOUT:
        ret_result->kind = WIRE_OP_RESULT_SET_TIMEOUT;
        coord__v1__set_timeout_result__init(&ret_result->set_timeout);
        ret_result->set_timeout.timeout_ms = outcome->timeout_ms;
        return;
    case FSM_OP_FORGET:
        ret_result->kind = WIRE_OP_RESULT_FORGET;
        coord__v1__forget_result__init(&ret_result->forget);
        return;
    case FSM_OP_CLOSE:
        ret_result->kind = WIRE_OP_RESULT_CLOSE;
        coord__v1__close_result__init(&ret_result->close);
        return;
    default:
        CD_UNREACHABLE(); /* nobody is answered */
    }
}

enum cd_status wire_fill_op_result(struct wire_arena *arena, struct wire_op_result *ret_result,
                                   const struct fsm_result *result)
{
    ret_result->kind = WIRE_OP_RESULT_NONE;
    if (result->kind == FSM_OP_TXN) {
        return fill_txn(arena, ret_result, result);
    }
    if (result->status == CD_OK) {
        CD_ASSERT(result->outcomes_count == 1);
        fill_single(ret_result, &result->outcomes[0]);
    }
    return CD_OK;
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

ProtobufCBinaryData wire_result_message(const struct fsm_result *result, struct cd_error *room)
{
    if (result->status == CD_OK) {
        return (ProtobufCBinaryData){0};
    }
    const struct fsm_outcome *outcome = refused_outcome(result);
    if (outcome == NULL || outcome->status != result->status) {
        return wire_binary_text(cd_status_text(result->status));
    }
    if (outcome->kind == FSM_OP_REFUSE && outcome->message.bytes > 0) {
        return wire_binary_of(outcome->message);
    }
    fsm_outcome_describe(outcome, room);
    return wire_binary_text(room->message);
}
