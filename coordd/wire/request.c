#include "wire/client.h"

#include "base/assert.h"
#include "wire/internal.h"

#include <string.h>

/* Single requests of clients, from bytes. client.c has the frames and calls around them. */

static const struct wire_bound request_bound = {WIRE_CLIENT_FRAME_BYTES_MAX, "a request"};

/* ---- Reads ---- */

static enum cd_status take_level(struct wire_request *ret_request, const Coord__V1__Request *from,
                                 struct cd_error *error)
{
    switch (from->level) {
    case COORD__V1__READ_LEVEL__READ_LEVEL_LINEARIZABLE:
        ret_request->level = WIRE_LINEARIZABLE;
        break;
    case COORD__V1__READ_LEVEL__READ_LEVEL_SESSION:
        ret_request->level = WIRE_SESSION;
        break;
    case COORD__V1__READ_LEVEL__READ_LEVEL_AT_LEAST:
        ret_request->level = WIRE_AT_LEAST;
        break;
    default:
        return cd_error_set(error, CD_UNIMPLEMENTED, "level: this server does not know %d",
                            (int)from->level);
    }
    if ((ret_request->level == WIRE_AT_LEAST) != (from->at_least_zxid != 0)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "at_least_zxid: set with READ_LEVEL_AT_LEAST, and only then");
    }
    ret_request->at_least_zxid = from->at_least_zxid;
    return CD_OK;
}

/* What reads and watches have in common. */
static enum cd_status take_read_head(struct wire_taker *taker, struct wire_request *ret_request,
                                     const Coord__V1__Request *from)
{
    if (from->seq != 0) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                            "seq: only writes have one; a read may have after_seq");
    }
    if (from->if_held != NULL) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT, "if_held: only writes have one");
    }
    ret_request->after_seq = from->after_seq;
    return take_level(ret_request, from, taker->error);
}

static enum cd_status take_path(struct wire_taker *taker, struct wire_request *ret_request,
                                enum wire_request_kind kind, ProtobufCBinaryData path)
{
    ret_request->kind = kind;
    return wire_text(&ret_request->read.path, path, "path", taker->error);
}

/* What all lists have in common. */
static enum cd_status take_list(struct wire_taker *taker, struct wire_request *ret_request,
                                enum fsm_list_kind kind, ProtobufCBinaryData path, uint32_t limit,
                                ProtobufCBinaryData cursor)
{
    struct wire_read *read = &ret_request->read;
    struct wire_list *list = &read->list;
    list->options.kind = kind;
    list->limit = wire_page_limit(limit);
    enum cd_status status = wire_text(&read->path, path, "path", taker->error);
    if (status == CD_OK) {
        list->options.path = read->path;
        status = wire_cursor_take(&list->cursor, cursor, taker->error);
    }
    list->options.after = list->cursor.position;
    if (status == CD_OK && list->cursor.name.bytes > 0 && kind != FSM_LIST_CHANGED) {
        status = cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                              "cursor: it belongs to a list of another kind");
    }
    return status;
}

static enum cd_status take_children(struct wire_taker *taker, struct wire_request *ret_request,
                                    const Coord__V1__ChildrenRequest *from)
{
    struct wire_list *list = &ret_request->read.list;
    ret_request->kind = WIRE_CHILDREN;
    list->with_stat = from->with_stat;
    list->with_data = from->with_data;
    enum cd_status status =
        take_list(taker, ret_request, FSM_LIST_CHILDREN, from->path, from->limit, from->cursor);
    if (status != CD_OK || from->start_after.len == 0) {
        return status;
    }
    if (list->cursor.given) {
        return cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                            "start_after: only with an empty cursor, which says it already");
    }
    return wire_text(&list->options.after, from->start_after, "start_after", taker->error);
}

static enum cd_status take_subtree(struct wire_taker *taker, struct wire_request *ret_request,
                                   const Coord__V1__ListRequest *from)
{
    struct wire_list *list = &ret_request->read.list;
    ret_request->kind = WIRE_LIST;
    list->with_stat = from->with_stat;
    list->with_data = from->with_data;
    list->options.depth = from->depth;
    return take_list(taker, ret_request, FSM_LIST_SUBTREE, from->path, from->limit, from->cursor);
}

static enum cd_status take_ephemerals(struct wire_taker *taker, struct wire_request *ret_request,
                                      const Coord__V1__EphemeralsRequest *from)
{
    ret_request->kind = WIRE_EPHEMERALS;
    ret_request->read.list.options.session = from->session_id;
    ProtobufCBinaryData path = from->path.len > 0 ? from->path : wire_binary_text("/");
    return take_list(taker, ret_request, FSM_LIST_EPHEMERALS, path, from->limit, from->cursor);
}

static enum cd_status take_changed(struct wire_taker *taker, struct wire_request *ret_request,
                                   const Coord__V1__ChangedSinceRequest *from)
{
    struct wire_list *list = &ret_request->read.list;
    ret_request->kind = WIRE_CHANGED_SINCE;
    list->with_stat = true;
    list->with_data = from->with_data;
    list->options.since = from->zxid;
    return take_list(taker, ret_request, FSM_LIST_CHANGED, from->path, from->limit, from->cursor);
}

static enum cd_status take_outcome_of(struct wire_taker *taker, struct wire_request *ret_request,
                                      const Coord__V1__OutcomeOfRequest *from)
{
    struct wire_outcome_of *outcome_of = &ret_request->read.outcome_of;
    bool has_secret = false;
    ret_request->kind = WIRE_OUTCOME_OF;
    outcome_of->session = from->session_id;
    outcome_of->seq = from->seq;
    enum cd_status status = wire_exact(outcome_of->key, &outcome_of->has_key, WIRE_CALL_KEY_BYTES,
                                       from->key, "key", taker->error);
    if (status == CD_OK) {
        status = wire_exact(outcome_of->secret, &has_secret, WIRE_SECRET_BYTES, from->secret,
                            "secret", taker->error);
    }
    bool all = has_secret && from->session_id != 0 && from->seq != 0;
    bool none = !has_secret && from->session_id == 0 && from->seq == 0;
    if (status == CD_OK && !(outcome_of->has_key ? none : all)) {
        status = cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                              "outcome_of: session_id, secret and seq, or a key instead");
    }
    return status;
}

/* A transaction that was taken and writes nothing. */
static enum cd_status take_read_txn(struct wire_taker *taker, struct wire_request *ret_request,
                                    const Coord__V1__Request *from, struct fsm_op txn)
{
    ret_request->kind = WIRE_READ_TXN;
    memset(&ret_request->command, 0, sizeof(ret_request->command));
    ret_request->read.txn = txn;
    return take_read_head(taker, ret_request, from);
}

static enum cd_status take_read(struct wire_taker *taker, struct wire_request *ret_request,
                                const Coord__V1__Request *from)
{
    enum cd_status status = take_read_head(taker, ret_request, from);
    if (status != CD_OK) {
        return status;
    }
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_GET:
        return take_path(taker, ret_request, WIRE_GET, from->get->path);
    case COORD__V1__REQUEST__OP_EXISTS:
        return take_path(taker, ret_request, WIRE_EXISTS, from->exists->path);
    case COORD__V1__REQUEST__OP_COUNT:
        return take_path(taker, ret_request, WIRE_COUNT, from->count->path);
    case COORD__V1__REQUEST__OP_GET_ACL:
        return take_path(taker, ret_request, WIRE_GET_ACL, from->get_acl->path);
    case COORD__V1__REQUEST__OP_CHILDREN:
        return take_children(taker, ret_request, from->children);
    case COORD__V1__REQUEST__OP_LIST:
        return take_subtree(taker, ret_request, from->list);
    case COORD__V1__REQUEST__OP_EPHEMERALS:
        return take_ephemerals(taker, ret_request, from->ephemerals);
    case COORD__V1__REQUEST__OP_CHANGED_SINCE:
        return take_changed(taker, ret_request, from->changed_since);
    case COORD__V1__REQUEST__OP_SYNC:
        ret_request->kind = WIRE_SYNC;
        return CD_OK;
    case COORD__V1__REQUEST__OP_WHO_AM_I:
        ret_request->kind = WIRE_WHO_AM_I;
        return CD_OK;
    case COORD__V1__REQUEST__OP_OUTCOME_OF:
        return take_outcome_of(taker, ret_request, from->outcome_of);
    default:
        CD_UNREACHABLE(); /* take_operation sends no other here */
    }
}

/* ---- Watches ---- */

static enum cd_status take_kinds(struct wire_taker *taker, struct wire_watch *ret_watch,
                                 const Coord__V1__TreeWatch *from)
{
    ret_watch->kinds = from->n_kinds == 0 ? WIRE_CHANGE_KINDS_ALL : 0;
    for (size_t i = 0; i < from->n_kinds; i++) {
        switch (from->kinds[i]) {
        case COORD__V1__EVENT_KIND__EVENT_KIND_CREATED:
            ret_watch->kinds |= WIRE_CHANGE_BIT(FSM_NODE_CREATED);
            break;
        case COORD__V1__EVENT_KIND__EVENT_KIND_DELETED:
            ret_watch->kinds |= WIRE_CHANGE_BIT(FSM_NODE_DELETED);
            break;
        case COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED:
            ret_watch->kinds |= WIRE_CHANGE_BIT(FSM_NODE_SET);
            break;
        case COORD__V1__EVENT_KIND__EVENT_KIND_ACL_CHANGED:
            ret_watch->kinds |= WIRE_CHANGE_BIT(FSM_NODE_ACL_SET);
            break;
        case COORD__V1__EVENT_KIND__EVENT_KIND_UNSPECIFIED:
        default:
            return cd_error_set(taker->error, CD_UNIMPLEMENTED,
                                "kinds: this server does not know %d", (int)from->kinds[i]);
        }
    }
    return CD_OK;
}

static enum cd_status take_tree_watch(struct wire_taker *taker, struct wire_watch *ret_watch,
                                      const Coord__V1__TreeWatch *from)
{
    switch (from->scope) {
    case COORD__V1__WATCH_SCOPE__WATCH_SCOPE_NODE:
    case COORD__V1__WATCH_SCOPE__WATCH_SCOPE_CHILDREN:
    case COORD__V1__WATCH_SCOPE__WATCH_SCOPE_SUBTREE:
        ret_watch->scope = (enum wire_scope)from->scope;
        break;
    default:
        return cd_error_set(taker->error, CD_UNIMPLEMENTED, "scope: this server does not know %d",
                            (int)from->scope);
    }
    ret_watch->with_data = from->with_data;
    ret_watch->with_previous = from->with_previous;
    ret_watch->read_node = from->read_node;
    ret_watch->read_children = from->read_children;
    enum cd_status status = wire_text(&ret_watch->path, from->path, "path", taker->error);
    return status != CD_OK ? status : take_kinds(taker, ret_watch, from);
}

static enum cd_status take_queue_front(struct wire_taker *taker, struct wire_watch *ret_watch,
                                       const Coord__V1__QueueFrontWatch *from)
{
    ret_watch->queue_front = true;
    ret_watch->n = from->n == 0 ? 1 : from->n;
    enum cd_status status = CD_OK;
    switch (from->member_case) {
    case COORD__V1__QUEUE_FRONT_WATCH__MEMBER_PATH:
        status = wire_text(&ret_watch->path, from->path, "path", taker->error);
        break;
    case COORD__V1__QUEUE_FRONT_WATCH__MEMBER_CREATED:
        ret_watch->created_seq = from->created->seq;
        ret_watch->created_op = from->created->op_index;
        break;
    default:
        break;
    }
    if (status == CD_OK && ret_watch->path.bytes == 0 && ret_watch->created_seq == 0) {
        status = cd_error_set(taker->error, CD_INVALID_ARGUMENT,
                              "queue_front: a path, or the seq of the write that created the node");
    }
    return status != CD_OK
               ? status
               : wire_take_prefixes(taker, &ret_watch->prefixes, &ret_watch->prefixes_count,
                                    from->prefixes, from->n_prefixes);
}

static enum cd_status take_watch(struct wire_taker *taker, struct wire_request *ret_request,
                                 const Coord__V1__Request *from)
{
    struct wire_watch *watch = &ret_request->watch;
    bool set = from->op_case == COORD__V1__REQUEST__OP_WATCH;
    ret_request->kind = set ? WIRE_WATCH : WIRE_UNWATCH;
    watch->id = set ? from->watch->watch_id : from->unwatch->watch_id;
    enum cd_status status = take_read_head(taker, ret_request, from);
    if (status == CD_OK && watch->id == 0) {
        status = cd_error_set(taker->error, CD_INVALID_ARGUMENT, "watch_id: it is not 0");
    }
    if (status != CD_OK || !set) {
        return status;
    }
    watch->after_zxid = from->watch->after_zxid;
    switch (from->watch->target_case) {
    case COORD__V1__WATCH_REQUEST__TARGET_TREE:
        return take_tree_watch(taker, watch, from->watch->tree);
    case COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT:
        return take_queue_front(taker, watch, from->watch->queue_front);
    default:
        return wire_unserved(&from->watch->base, (unsigned)from->watch->target_case, taker->error);
    }
}

/* ---- Writes ---- */

static enum cd_status take_write_op(struct wire_taker *taker, struct fsm_command *command,
                                    const Coord__V1__Request *from)
{
    struct fsm_op *op = &command->op;
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_CREATE:
        return wire_take_create(taker, op, from->create);
    case COORD__V1__REQUEST__OP_SET:
        return wire_take_set(taker, op, from->set);
    case COORD__V1__REQUEST__OP_DELETE:
        return wire_take_delete(taker, op, from->delete_);
    case COORD__V1__REQUEST__OP_INCREMENT:
        return wire_take_increment(taker, op, from->increment);
    case COORD__V1__REQUEST__OP_SET_ACL:
        return wire_take_set_acl(taker, op, from->set_acl);
    case COORD__V1__REQUEST__OP_TXN:
        return wire_take_txn(taker, op, from->txn);
    case COORD__V1__REQUEST__OP_SET_TIMEOUT:
        op->kind = FSM_OP_SET_TIMEOUT;
        op->set_timeout.timeout_ms = from->set_timeout->timeout_ms;
        return CD_OK;
    case COORD__V1__REQUEST__OP_FORGET:
        op->kind = FSM_OP_FORGET;
        command->reply_mark = from->forget->reply_mark;
        return CD_OK;
    case COORD__V1__REQUEST__OP_CLOSE:
        op->kind = FSM_OP_CLOSE;
        return CD_OK;
    default:
        return wire_unserved(&from->base, (unsigned)from->op_case, taker->error);
    }
}

static enum cd_status take_write(struct wire_taker *taker, struct wire_request *ret_request,
                                 const Coord__V1__Request *from)
{
    struct fsm_command *command = &ret_request->command;
    ret_request->kind = WIRE_WRITE;
    command->seq = from->seq;
    enum cd_status status = take_write_op(taker, command, from);
    if (status == CD_OK && command->op.kind == FSM_OP_TXN && !wire_op_writes(&command->op)) {
        return take_read_txn(taker, ret_request, from, command->op);
    }
    if (status == CD_OK) {
        status = wire_take_held(taker, &command->if_held, from->if_held);
    }
    if (status == CD_OK) {
        command->request_hash = wire_request_hash(command);
    }
    return status;
}

/* ---- Any request ---- */

static enum cd_status take_operation(struct wire_taker *taker, struct wire_request *ret_request,
                                     const Coord__V1__Request *from)
{
    switch (from->op_case) {
    case COORD__V1__REQUEST__OP_GET:
    case COORD__V1__REQUEST__OP_EXISTS:
    case COORD__V1__REQUEST__OP_COUNT:
    case COORD__V1__REQUEST__OP_GET_ACL:
    case COORD__V1__REQUEST__OP_CHILDREN:
    case COORD__V1__REQUEST__OP_LIST:
    case COORD__V1__REQUEST__OP_EPHEMERALS:
    case COORD__V1__REQUEST__OP_CHANGED_SINCE:
    case COORD__V1__REQUEST__OP_SYNC:
    case COORD__V1__REQUEST__OP_WHO_AM_I:
    case COORD__V1__REQUEST__OP_OUTCOME_OF:
        return take_read(taker, ret_request, from);
    case COORD__V1__REQUEST__OP_WATCH:
    case COORD__V1__REQUEST__OP_UNWATCH:
        return take_watch(taker, ret_request, from);
    default:
        return take_write(taker, ret_request, from);
    }
}

enum cd_status wire_refuse_request(struct wire_arena *arena, struct wire_request *request,
                                   const struct cd_error *reason)
{
    struct cd_error *refusal = wire_arena_get(arena, sizeof(*refusal));
    if (refusal == NULL) {
        return CD_TOO_LARGE;
    }
    *refusal = *reason;
    *request = (struct wire_request){
        .id = request->id, .seq = request->seq, .packed = request->packed, .refusal = refusal};
    return CD_OK;
}

enum cd_status wire_take_request(struct wire_arena *arena, struct fsm_bytes packed,
                                 struct wire_request *ret_request, const Coord__V1__Request *from,
                                 struct cd_error *error)
{
    struct cd_error reason;
    struct wire_taker taker = {.arena = arena, .error = &reason};
    memset(ret_request, 0, sizeof(*ret_request));
    ret_request->packed = packed;
    ret_request->id = from->id;
    ret_request->seq = from->seq;
    ret_request->wait_ms = from->wait_ms;
    enum cd_status status = take_operation(&taker, ret_request, from);
    if (status != CD_OK && !arena->exhausted) {
        status = wire_refuse_request(arena, ret_request, &reason);
    }
    return status == CD_OK ? CD_OK : wire_exhausted(arena, error);
}

enum cd_status wire_unpack_request(struct wire_arena *arena, struct fsm_bytes packed,
                                   struct wire_request *ret_request, struct cd_error *error)
{
    struct cd_error reason;
    enum cd_status status = CD_OK;
    const Coord__V1__Request *from =
        wire_unpack(arena, &coord__v1__request__descriptor, packed.data, packed.bytes,
                    request_bound, &status, &reason);
    if (from != NULL) {
        return wire_take_request(arena, packed, ret_request, from, error);
    }
    *ret_request = (struct wire_request){
        .id = wire_salvage(packed.data, packed.bytes, 1),
        .seq = wire_salvage(packed.data, packed.bytes, 2),
        .packed = packed,
    };
    reason.status = CD_INVALID_ARGUMENT;
    if (!arena->exhausted) {
        status = wire_refuse_request(arena, ret_request, &reason);
    }
    return status == CD_OK ? CD_OK : wire_exhausted(arena, error);
}

enum cd_status wire_request_decode(struct wire_arena *arena, struct fsm_bytes packed,
                                   struct wire_request *ret_request, struct cd_error *error)
{
    uint8_t *bytes = wire_arena_get(arena, packed.bytes);
    if (bytes == NULL) {
        return wire_exhausted(arena, error);
    }
    if (packed.bytes > 0) {
        memcpy(bytes, packed.data, packed.bytes);
    }
    enum cd_status status = wire_unpack_request(
        arena, (struct fsm_bytes){.data = bytes, .bytes = packed.bytes}, ret_request, error);
    if (status == CD_OK && ret_request->kind == WIRE_REFUSED) {
        return cd_error_set(error, CD_MALFORMED, "not a request that was taken before");
    }
    return status;
}
