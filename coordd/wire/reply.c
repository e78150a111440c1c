#include "base/assert.h"
#include "wire/client.h"
#include "wire/internal.h"

/* Replies to requests. frame.c has the frames and calls around them, result.c what writes did. */

/* A reply and all that is below it; lists come from the arena. */
struct reply_messages {
    Coord__V1__Reply reply;
    Coord__V1__Stat stat;
    struct wire_op_result op; /* of a write, or within an outcome */
    union {
        Coord__V1__OutcomeOfResult outcome_of;
        Coord__V1__GetResult get;
        Coord__V1__ExistsResult exists;
        Coord__V1__CountResult count;
        Coord__V1__GetAclResult acl;
        Coord__V1__ChildrenResult children;
        Coord__V1__ListResult list;
        Coord__V1__EphemeralsResult ephemerals;
        Coord__V1__ChangedSinceResult changed;
        Coord__V1__SyncResult sync;
        Coord__V1__WhoAmIResult who;
        Coord__V1__UnwatchResult unwatch;
        struct {
            Coord__V1__WatchResult watch;
            Coord__V1__ExistsResult node;
            Coord__V1__ChildrenResult node_children;
            Coord__V1__Stat top;
        };
    };
    struct wire_arena arena;
    struct cd_error error; /* where a sentence is written if the caller gave none */
};

/* ---- Results of commands ---- */

static void set_reply_op(Coord__V1__Reply *reply, struct wire_op_result *op)
{
    switch (op->kind) {
#define SET(KIND, field, message)                                                                  \
    case WIRE_OP_RESULT_##KIND:                                                                    \
        reply->result_case = COORD__V1__REPLY__RESULT_##KIND;                                      \
        reply->field = &op->message;                                                               \
        return;
        SET(CREATE, create, create)
        SET(SET, set, set)
        SET(DELETE, delete_, remove)
        SET(TXN, txn, txn)
        SET(INCREMENT, increment, increment)
        SET(SET_ACL, set_acl, set_acl)
        SET(SET_TIMEOUT, set_timeout, set_timeout)
        SET(FORGET, forget, forget)
        SET(CLOSE, close, close)
#undef SET
    case WIRE_OP_RESULT_NONE:
        return;
    }
    CD_UNREACHABLE();
}

static void set_outcome_op(Coord__V1__OutcomeOfResult *outcome_of, struct wire_op_result *op)
{
    switch (op->kind) {
#define SET(KIND, field, message)                                                                  \
    case WIRE_OP_RESULT_##KIND:                                                                    \
        outcome_of->result_case = COORD__V1__OUTCOME_OF_RESULT__RESULT_##KIND;                     \
        outcome_of->field = &op->message;                                                          \
        return;
        SET(CREATE, create, create)
        SET(SET, set, set)
        SET(DELETE, delete_, remove)
        SET(TXN, txn, txn)
        SET(INCREMENT, increment, increment)
        SET(SET_ACL, set_acl, set_acl)
        SET(SET_TIMEOUT, set_timeout, set_timeout)
        SET(FORGET, forget, forget)
        SET(CLOSE, close, close)
#undef SET
    case WIRE_OP_RESULT_NONE:
        return;
    }
    CD_UNREACHABLE();
}

static enum cd_status fill_command(struct reply_messages *messages, const struct fsm_result *result)
{
    enum cd_status status = wire_fill_op_result(&messages->arena, &messages->op, result);
    set_reply_op(&messages->reply, &messages->op);
    return status;
}

static enum cd_status fill_outcome_of(struct reply_messages *messages,
                                      const struct fsm_result *result)
{
    Coord__V1__OutcomeOfResult *message = &messages->outcome_of;
    coord__v1__outcome_of_result__init(message);
    message->code = wire_code(result->status);
    message->message = wire_result_message(result, &messages->error);
    message->zxid = result->zxid;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_OUTCOME_OF;
    messages->reply.outcome_of = message;
    enum cd_status status = wire_fill_op_result(&messages->arena, &messages->op, result);
    set_outcome_op(message, &messages->op);
    return status;
}

/* ---- Results of reads ---- */

static void fill_get(struct reply_messages *messages, const struct fsm_view *view)
{
    coord__v1__get_result__init(&messages->get);
    wire_fill_stat(&messages->stat, &view->stat);
    messages->get.data = wire_binary_of(view->data);
    messages->get.stat = &messages->stat;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_GET;
    messages->reply.get = &messages->get;
}

static void fill_exists(Coord__V1__ExistsResult *ret_message, Coord__V1__Stat *stat, bool found,
                        const struct fsm_stat *from)
{
    coord__v1__exists_result__init(ret_message);
    ret_message->exists = found;
    if (found) {
        wire_fill_stat(stat, from);
        ret_message->stat = stat;
    }
}

static enum cd_status fill_acl(struct reply_messages *messages, const struct wire_acl_result *acl)
{
    struct wire_filler filler = {.arena = &messages->arena};
    coord__v1__get_acl_result__init(&messages->acl);
    wire_fill_stat(&messages->stat, &acl->stat);
    messages->acl.origin_path = wire_binary_of(acl->origin);
    messages->acl.stat = &messages->stat;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_GET_ACL;
    messages->reply.get_acl = &messages->acl;
    return wire_fill_acl(&filler, &messages->acl.acl, &acl->entries);
}

static enum cd_status fill_list(struct reply_messages *messages, const struct wire_page *page)
{
    size_t count = page->views_count;
    CD_ASSERT(count <= WIRE_PAGE_ENTRIES_MAX);
    Coord__V1__Node *list = wire_arena_get_array(&messages->arena, count, sizeof(*list));
    Coord__V1__Node **pointers = wire_arena_get_array(&messages->arena, count, sizeof(*pointers));
    Coord__V1__Stat *stats =
        wire_arena_get_array(&messages->arena, page->with_stat ? count : 0, sizeof(*stats));
    if (list == NULL || pointers == NULL || stats == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        const struct fsm_view *view = &page->views[i];
        coord__v1__node__init(&list[i]);
        list[i].path = wire_binary_of(view->path);
        if (page->with_stat) {
            wire_fill_stat(&stats[i], &view->stat);
            list[i].stat = &stats[i];
        }
        if (page->with_data) {
            list[i].data = wire_binary_of(view->data);
        }
        pointers[i] = &list[i];
    }
    coord__v1__list_result__init(&messages->list);
    messages->list.nodes = pointers;
    messages->list.n_nodes = count;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_LIST;
    messages->reply.list = &messages->list;
    return wire_cursor_fill(&messages->arena, &messages->list.cursor, &page->next);
}

static enum cd_status fill_ephemerals(struct reply_messages *messages, const struct wire_page *page)
{
    size_t count = page->views_count;
    CD_ASSERT(count <= WIRE_PAGE_ENTRIES_MAX);
    ProtobufCBinaryData *paths = wire_arena_get_array(&messages->arena, count, sizeof(*paths));
    if (paths == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        paths[i] = wire_binary_of(page->views[i].path);
    }
    coord__v1__ephemerals_result__init(&messages->ephemerals);
    messages->ephemerals.paths = paths;
    messages->ephemerals.n_paths = count;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_EPHEMERALS;
    messages->reply.ephemerals = &messages->ephemerals;
    return wire_cursor_fill(&messages->arena, &messages->ephemerals.cursor, &page->next);
}

static enum cd_status fill_changed_node(struct wire_arena *arena,
                                        Coord__V1__ChangedNode *ret_message, Coord__V1__Stat *stat,
                                        const struct wire_changed_node *from)
{
    CD_ASSERT(from->children_changed || from->names_count == 0);
    CD_ASSERT(from->names_count <= WIRE_PAGE_NAMES_MAX);
    ProtobufCBinaryData *names = wire_arena_get_array(arena, from->names_count, sizeof(*names));
    if (names == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < from->names_count; i++) {
        names[i] = wire_binary_of(from->names[i]);
    }
    coord__v1__changed_node__init(ret_message);
    wire_fill_stat(stat, &from->stat);
    ret_message->path = wire_binary_of(from->path);
    ret_message->stat = stat;
    ret_message->data = wire_binary_of(from->data);
    ret_message->children_changed = from->children_changed;
    ret_message->child_names = names;
    ret_message->n_child_names = from->names_count;
    ret_message->child_names_follow = from->names_follow;
    return CD_OK;
}

static enum cd_status fill_changed(struct reply_messages *messages, const struct wire_changed *from)
{
    struct wire_arena *arena = &messages->arena;
    size_t count = from->nodes_count;
    CD_ASSERT(count <= WIRE_PAGE_ENTRIES_MAX);
    Coord__V1__ChangedNode *list = wire_arena_get_array(arena, count, sizeof(*list));
    Coord__V1__ChangedNode **pointers = wire_arena_get_array(arena, count, sizeof(*pointers));
    Coord__V1__Stat *stats = wire_arena_get_array(arena, count, sizeof(*stats));
    if (list == NULL || pointers == NULL || stats == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_changed_node(arena, &list[i], &stats[i], &from->nodes[i]) != CD_OK) {
            return CD_TOO_LARGE;
        }
        pointers[i] = &list[i];
    }
    coord__v1__changed_since_result__init(&messages->changed);
    messages->changed.nodes = pointers;
    messages->changed.n_nodes = count;
    messages->changed.zxid = from->zxid;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_CHANGED_SINCE;
    messages->reply.changed_since = &messages->changed;
    return wire_cursor_fill(arena, &messages->changed.cursor, &from->next);
}

static void fill_who(struct reply_messages *messages, const struct wire_who_result *from)
{
    coord__v1__who_am_iresult__init(&messages->who);
    messages->who.scheme = wire_binary_text(wire_scheme_text(from->who.scheme));
    messages->who.identity = wire_binary_of(from->who.id);
    messages->who.session_id = from->session;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_WHO_AM_I;
    messages->reply.who_am_i = &messages->who;
}

static enum cd_status fill_watch(struct reply_messages *messages,
                                 const struct wire_watch_result *from)
{
    Coord__V1__WatchResult *message = &messages->watch;
    coord__v1__watch_result__init(message);
    message->complete_from_zxid = from->complete_from;
    messages->reply.result_case = COORD__V1__REPLY__RESULT_WATCH;
    messages->reply.watch = message;
    if (from->read_node) {
        fill_exists(&messages->node, &messages->stat, from->found, &from->stat);
        message->node = &messages->node;
        message->data = wire_binary_of(from->data);
    }
    if (from->children == NULL) {
        return CD_OK;
    }
    message->children = &messages->node_children;
    return wire_fill_children(&messages->arena, &messages->node_children, &messages->top,
                              from->children);
}

/* Those without content. */
static void fill_empty(struct reply_messages *messages, enum wire_result_kind kind)
{
    if (kind == WIRE_RESULT_SYNC) {
        coord__v1__sync_result__init(&messages->sync);
        messages->reply.result_case = COORD__V1__REPLY__RESULT_SYNC;
        messages->reply.sync = &messages->sync;
    } else {
        coord__v1__unwatch_result__init(&messages->unwatch);
        messages->reply.result_case = COORD__V1__REPLY__RESULT_UNWATCH;
        messages->reply.unwatch = &messages->unwatch;
    }
}

static enum cd_status fill_result(struct reply_messages *messages, const struct wire_reply *from)
{
    Coord__V1__Reply *reply = &messages->reply;
    switch (from->kind) {
    case WIRE_RESULT_NONE:
        return CD_OK;
    case WIRE_RESULT_COMMAND:
        return fill_command(messages, from->result);
    case WIRE_RESULT_OUTCOME:
        return fill_outcome_of(messages, from->result);
    case WIRE_RESULT_GET:
        fill_get(messages, &from->view);
        return CD_OK;
    case WIRE_RESULT_EXISTS:
        fill_exists(&messages->exists, &messages->stat, from->found, &from->view.stat);
        reply->result_case = COORD__V1__REPLY__RESULT_EXISTS;
        reply->exists = &messages->exists;
        return CD_OK;
    case WIRE_RESULT_COUNT:
        coord__v1__count_result__init(&messages->count);
        messages->count.nodes = (int64_t)from->count;
        reply->result_case = COORD__V1__REPLY__RESULT_COUNT;
        reply->count = &messages->count;
        return CD_OK;
    case WIRE_RESULT_ACL:
        return fill_acl(messages, &from->acl);
    case WIRE_RESULT_CHILDREN:
        reply->result_case = COORD__V1__REPLY__RESULT_CHILDREN;
        reply->children = &messages->children;
        return wire_fill_children(&messages->arena, &messages->children, &messages->stat,
                                  &from->page);
    case WIRE_RESULT_LIST:
        return fill_list(messages, &from->page);
    case WIRE_RESULT_EPHEMERALS:
        return fill_ephemerals(messages, &from->page);
    case WIRE_RESULT_CHANGED:
        return fill_changed(messages, &from->changed);
    case WIRE_RESULT_WHO_AM_I:
        fill_who(messages, &from->who);
        return CD_OK;
    case WIRE_RESULT_WATCH:
        return fill_watch(messages, &from->watch);
    case WIRE_RESULT_SYNC:
    case WIRE_RESULT_UNWATCH:
        fill_empty(messages, from->kind);
        return CD_OK;
    }
    CD_UNREACHABLE();
}

static ProtobufCBinaryData message_of(struct reply_messages *messages,
                                      const struct wire_reply *from)
{
    if (from->message != NULL || from->status == CD_OK) {
        return wire_binary_text(from->message);
    }
    return from->kind == WIRE_RESULT_COMMAND ? wire_result_message(from->result, &messages->error)
                                             : wire_binary_text(cd_status_text(from->status));
}

/* ---- Whole replies ---- */

enum cd_status wire_with_reply(const struct wire_reply *from,
                               enum cd_status (*use)(void *context, Coord__V1__Reply *reply),
                               void *context)
{
    struct reply_messages messages;
    Coord__V1__Reply *reply = &messages.reply;
    wire_arena_init(&messages.arena, WIRE_ARENA_BYTES_MAX);
    coord__v1__reply__init(reply);
    reply->id = from->id;
    reply->code = wire_code(from->status);
    reply->message = message_of(&messages, from);
    reply->zxid = from->zxid;
    enum cd_status status = fill_result(&messages, from);
    if (status == CD_OK) {
        status = use(context, reply);
    }
    wire_arena_release(&messages.arena);
    return status;
}

void wire_reply_from_result(struct wire_reply *ret_reply, uint64_t id,
                            const struct fsm_result *result)
{
    CD_ASSERT(result->verdict != FSM_FORGOTTEN && result->verdict != FSM_EARLY &&
              result->verdict != FSM_WINDOW);
    *ret_reply = (struct wire_reply){
        .id = id,
        .status = result->status,
        .zxid = result->zxid,
        .kind = WIRE_RESULT_COMMAND,
        .result = result,
    };
}

void wire_reply_refuse(struct wire_reply *ret_reply, uint64_t id, enum cd_status status,
                       const char *message)
{
    CD_ASSERT(status != CD_OK);
    *ret_reply = (struct wire_reply){.id = id, .status = status, .message = message};
}
