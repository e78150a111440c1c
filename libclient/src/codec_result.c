#include "codec_internal.h"

#include <string.h>

/* Replies to struct coord_result. Everything is copied into the arena of the outermost result, so
 * that a small result does not keep a large frame alive. */

struct reader {
    struct client_arena *arena; /* of the result that is being made */
    bool no_memory, malformed;
};

static void *take(struct reader *reader, size_t count, size_t bytes)
{
    void *memory = client_arena_get_array(reader->arena, count, bytes);
    reader->no_memory = reader->no_memory || memory == NULL;
    return memory;
}

static const void *take_bytes(struct reader *reader, ProtobufCBinaryData from, size_t *ret_count)
{
    const void *copy = client_arena_copy(reader->arena, from.data, from.len);
    reader->no_memory = reader->no_memory || copy == NULL;
    *ret_count = copy != NULL ? from.len : 0;
    return copy;
}

/* A path or a name: not empty, and nothing behind a NUL. */
static const char *take_name(struct reader *reader, ProtobufCBinaryData from)
{
    size_t count = 0;
    if (from.len == 0 || memchr(from.data, '\0', from.len) != NULL) {
        reader->malformed = true;
        return NULL;
    }
    return take_bytes(reader, from, &count);
}

const struct coord_node_stat *codec_take_stat(struct client_arena *arena,
                                              const Coord__V1__Stat *from)
{
    struct coord_node_stat *to = client_arena_get(arena, sizeof(*to));
    if (to != NULL) {
        *to = (struct coord_node_stat){
            .czxid = from->czxid,
            .mzxid = from->mzxid,
            .pzxid = from->pzxid,
            .ctime_ms = from->ctime_ms,
            .mtime_ms = from->mtime_ms,
            .version = from->version,
            .cversion = from->cversion,
            .aversion = from->aversion,
            .ephemeral_owner = from->ephemeral_owner,
            .data_length = from->data_length,
            .num_children = from->num_children,
            .azxid = from->azxid,
            .kind = (enum coord_node_kind)from->kind,
            .ttl_ms = from->ttl_ms,
        };
    }
    return to;
}

/* NULL where there is none. */
static const struct coord_node_stat *take_stat(struct reader *reader, const Coord__V1__Stat *from)
{
    const struct coord_node_stat *to = from != NULL ? codec_take_stat(reader->arena, from) : NULL;
    reader->no_memory = reader->no_memory || (from != NULL && to == NULL);
    return to;
}

static const struct coord_node_stat *need_stat(struct reader *reader, const Coord__V1__Stat *from)
{
    reader->malformed = reader->malformed || from == NULL;
    return take_stat(reader, from);
}

static void read_create(struct reader *reader, struct coord_result *to,
                        const Coord__V1__CreateResult *from)
{
    to->kind = CLIENT_OP_CREATE;
    to->path = take_name(reader, from->path);
    to->stat = need_stat(reader, from->stat);
    to->created = from->created;
}

static void read_set(struct reader *reader, struct coord_result *to,
                     const Coord__V1__SetResult *from)
{
    to->kind = CLIENT_OP_SET;
    to->stat = need_stat(reader, from->stat);
}

static void read_delete(struct coord_result *to, const Coord__V1__DeleteResult *from)
{
    to->kind = CLIENT_OP_DELETE;
    to->deleted = from->deleted;
}

static void read_get(struct reader *reader, struct coord_result *to,
                     const Coord__V1__GetResult *from)
{
    to->kind = CLIENT_OP_GET;
    to->data = take_bytes(reader, from->data, &to->data_bytes);
    to->stat = need_stat(reader, from->stat);
    to->exists = true;
}

static void read_exists(struct reader *reader, struct coord_result *to,
                        const Coord__V1__ExistsResult *from)
{
    to->kind = CLIENT_OP_EXISTS;
    to->exists = from->exists;
    to->stat = from->exists ? need_stat(reader, from->stat) : NULL;
}

static struct client_child *take_children(struct reader *reader, Coord__V1__Child **from,
                                          size_t count)
{
    struct client_child *children = take(reader, count, sizeof(*children));
    for (size_t i = 0; children != NULL && i < count; i++) {
        children[i].name = take_name(reader, from[i]->name);
        children[i].stat = take_stat(reader, from[i]->stat);
        children[i].data = take_bytes(reader, from[i]->data, &children[i].data_bytes);
    }
    return children;
}

static void read_children(struct reader *reader, struct coord_result *to,
                          const Coord__V1__ChildrenResult *from)
{
    to->kind = CLIENT_OP_CHILDREN;
    to->stat = need_stat(reader, from->stat);
    to->cursor = take_bytes(reader, from->cursor, &to->cursor_bytes);
    to->children = take_children(reader, from->children, from->n_children);
    to->children_count = to->children != NULL ? from->n_children : 0;
}

static void read_check(struct reader *reader, struct coord_result *to,
                       const Coord__V1__CheckResult *from)
{
    to->kind = CLIENT_OP_CHECK;
    to->stat = need_stat(reader, from->stat);
}

static void read_increment(struct reader *reader, struct coord_result *to,
                           const Coord__V1__IncrementResult *from)
{
    to->kind = CLIENT_OP_INCREMENT;
    to->number = from->value;
    to->stat = need_stat(reader, from->stat);
}

static void read_set_acl(struct reader *reader, struct coord_result *to,
                         const Coord__V1__SetAclResult *from)
{
    to->kind = CLIENT_OP_SET_ACL;
    to->stat = need_stat(reader, from->stat);
}

static void read_list(struct reader *reader, struct coord_result *to,
                      const Coord__V1__ListResult *from)
{
    to->kind = CLIENT_OP_LIST;
    to->cursor = take_bytes(reader, from->cursor, &to->cursor_bytes);
    struct client_child *nodes = take(reader, from->n_nodes, sizeof(*nodes));
    for (size_t i = 0; nodes != NULL && i < from->n_nodes; i++) {
        nodes[i].name = take_name(reader, from->nodes[i]->path);
        nodes[i].stat = take_stat(reader, from->nodes[i]->stat);
        nodes[i].data = take_bytes(reader, from->nodes[i]->data, &nodes[i].data_bytes);
    }
    to->nodes = nodes;
    to->nodes_count = nodes != NULL ? from->n_nodes : 0;
}

static const char **take_names(struct reader *reader, const ProtobufCBinaryData *from, size_t count)
{
    const char **names = take(reader, count, sizeof(*names));
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = take_name(reader, from[i]);
    }
    return names;
}

static void read_ephemerals(struct reader *reader, struct coord_result *to,
                            const Coord__V1__EphemeralsResult *from)
{
    to->kind = CLIENT_OP_EPHEMERALS;
    to->cursor = take_bytes(reader, from->cursor, &to->cursor_bytes);
    struct client_child *nodes = take(reader, from->n_paths, sizeof(*nodes));
    for (size_t i = 0; nodes != NULL && i < from->n_paths; i++) {
        nodes[i].name = take_name(reader, from->paths[i]);
    }
    to->nodes = nodes;
    to->nodes_count = nodes != NULL ? from->n_paths : 0;
}

static void read_get_acl(struct reader *reader, struct coord_result *to,
                         const Coord__V1__GetAclResult *from)
{
    size_t count = from->acl != NULL ? from->acl->n_entries : 0;
    size_t ignored = 0;
    to->kind = CLIENT_OP_GET_ACL;
    to->stat = need_stat(reader, from->stat);
    to->origin = take_name(reader, from->origin_path);
    struct coord_acl_entry *acl = take(reader, count, sizeof(*acl));
    for (size_t i = 0; acl != NULL && i < count; i++) {
        const Coord__V1__AclEntry *entry = from->acl->entries[i];
        acl[i].permissions = entry->permissions;
        acl[i].scheme = take_name(reader, entry->scheme);
        acl[i].id = take_bytes(reader, entry->id, &ignored);
    }
    to->acl = acl;
    to->acl_count = acl != NULL ? count : 0;
}

static void read_change(struct reader *reader, struct coord_changed_node *to,
                        const Coord__V1__ChangedNode *from)
{
    to->path = take_name(reader, from->path);
    to->stat = need_stat(reader, from->stat);
    to->data = take_bytes(reader, from->data, &to->data_bytes);
    to->children_changed = from->children_changed;
    to->child_names_follow = from->child_names_follow;
    to->child_names = take_names(reader, from->child_names, from->n_child_names);
    to->child_names_count = to->child_names != NULL ? from->n_child_names : 0;
}

static void read_changed_since(struct reader *reader, struct coord_result *to,
                               const Coord__V1__ChangedSinceResult *from)
{
    to->kind = CLIENT_OP_CHANGED_SINCE;
    to->zxid = from->zxid;
    to->cursor = take_bytes(reader, from->cursor, &to->cursor_bytes);
    struct coord_changed_node *changes = take(reader, from->n_nodes, sizeof(*changes));
    for (size_t i = 0; changes != NULL && i < from->n_nodes; i++) {
        read_change(reader, &changes[i], from->nodes[i]);
    }
    to->changes = changes;
    to->changes_count = changes != NULL ? from->n_nodes : 0;
}

static void read_who_am_i(struct reader *reader, struct coord_result *to,
                          const Coord__V1__WhoAmIResult *from)
{
    to->kind = CLIENT_OP_WHO_AM_I;
    to->scheme = take_name(reader, from->scheme);
    to->identity = take_name(reader, from->identity);
    to->session = from->session_id;
    to->roles = take_names(reader, from->roles, from->n_roles);
    to->roles_count = to->roles != NULL ? from->n_roles : 0;
}

static void read_watch(struct reader *reader, struct coord_result *to,
                       const Coord__V1__WatchResult *from)
{
    to->kind = CLIENT_OP_WATCH;
    to->zxid = from->complete_from_zxid;
    to->data = take_bytes(reader, from->data, &to->data_bytes);
    if (from->node != NULL) {
        to->exists = from->node->exists;
        to->stat = from->node->exists ? need_stat(reader, from->node->stat) : NULL;
    }
    if (from->children != NULL) {
        to->cursor = take_bytes(reader, from->children->cursor, &to->cursor_bytes);
        to->children = take_children(reader, from->children->children, from->children->n_children);
        to->children_count = to->children != NULL ? from->children->n_children : 0;
    }
}

static void read_txn_op(struct reader *reader, struct coord_result *to,
                        const Coord__V1__TxnOpResult *from)
{
    switch (from->result_case) {
    case COORD__V1__TXN_OP_RESULT__RESULT_CREATE:
        read_create(reader, to, from->create);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_SET:
        read_set(reader, to, from->set);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_DELETE:
        read_delete(to, from->delete_);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_INCREMENT:
        read_increment(reader, to, from->increment);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_SET_ACL:
        read_set_acl(reader, to, from->set_acl);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_GET:
        read_get(reader, to, from->get);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_EXISTS:
        read_exists(reader, to, from->exists);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_CHILDREN:
        read_children(reader, to, from->children);
        return;
    case COORD__V1__TXN_OP_RESULT__RESULT_CHECK:
        read_check(reader, to, from->check);
        return;
    default: /* nothing that this library asks for */
        reader->malformed = true;
    }
}

static void read_txn(struct reader *reader, struct coord_result *to,
                     const Coord__V1__TxnResult *from)
{
    to->kind = CLIENT_OP_TXN;
    to->succeeded = from->succeeded;
    to->failed_index = from->failed_index;
    struct coord_result **results = take(reader, from->n_results, sizeof(struct coord_result *));
    for (size_t i = 0; results != NULL && i < from->n_results; i++) {
        results[i] = take(reader, 1, sizeof(*results[i]));
        if (results[i] == NULL) {
            return;
        }
        results[i]->zxid = to->zxid;
        read_txn_op(reader, results[i], from->results[i]);
    }
    to->results = results;
    to->results_count = results != NULL ? from->n_results : 0;
}

/* True if it was one of those that a write has. */
static bool read_written(struct reader *reader, struct coord_result *to,
                         const Coord__V1__Reply *from)
{
    switch (from->result_case) {
    case COORD__V1__REPLY__RESULT_CREATE:
        read_create(reader, to, from->create);
        return true;
    case COORD__V1__REPLY__RESULT_SET:
        read_set(reader, to, from->set);
        return true;
    case COORD__V1__REPLY__RESULT_DELETE:
        read_delete(to, from->delete_);
        return true;
    case COORD__V1__REPLY__RESULT_TXN:
        read_txn(reader, to, from->txn);
        return true;
    case COORD__V1__REPLY__RESULT_INCREMENT:
        read_increment(reader, to, from->increment);
        return true;
    case COORD__V1__REPLY__RESULT_SET_ACL:
        read_set_acl(reader, to, from->set_acl);
        return true;
    case COORD__V1__REPLY__RESULT_FORGET:
        to->kind = CLIENT_OP_FORGET;
        return true;
    case COORD__V1__REPLY__RESULT_CLOSE:
        to->kind = CLIENT_OP_CLOSE;
        return true;
    default:
        return false;
    }
}

static void read_result(struct reader *reader, struct coord_result *to,
                        const Coord__V1__Reply *from)
{
    switch (from->result_case) {
    case COORD__V1__REPLY__RESULT_GET:
        read_get(reader, to, from->get);
        return;
    case COORD__V1__REPLY__RESULT_EXISTS:
        read_exists(reader, to, from->exists);
        return;
    case COORD__V1__REPLY__RESULT_CHILDREN:
        read_children(reader, to, from->children);
        return;
    case COORD__V1__REPLY__RESULT_LIST:
        read_list(reader, to, from->list);
        return;
    case COORD__V1__REPLY__RESULT_COUNT:
        to->kind = CLIENT_OP_COUNT;
        to->number = from->count->nodes;
        return;
    case COORD__V1__REPLY__RESULT_GET_ACL:
        read_get_acl(reader, to, from->get_acl);
        return;
    case COORD__V1__REPLY__RESULT_EPHEMERALS:
        read_ephemerals(reader, to, from->ephemerals);
        return;
    case COORD__V1__REPLY__RESULT_CHANGED_SINCE:
        read_changed_since(reader, to, from->changed_since);
        return;
    case COORD__V1__REPLY__RESULT_SYNC:
        to->kind = CLIENT_OP_SYNC;
        return;
    case COORD__V1__REPLY__RESULT_WHO_AM_I:
        read_who_am_i(reader, to, from->who_am_i);
        return;
    case COORD__V1__REPLY__RESULT_WATCH:
        read_watch(reader, to, from->watch);
        return;
    case COORD__V1__REPLY__RESULT_UNWATCH:
        to->kind = CLIENT_OP_UNWATCH;
        return;
    default:
        /* Else nothing that this library asks for. */
        reader->malformed = reader->malformed || !read_written(reader, to, from);
    }
}

enum coord_code codec_take_result(const Coord__V1__Reply *reply, struct coord_result **ret_result)
{
    *ret_result = NULL;
    if (reply->result_case == COORD__V1__REPLY__RESULT__NOT_SET) {
        return COORD_OK;
    }
    struct coord_result *result = client_calloc(1, sizeof(*result));
    if (result == NULL) {
        return COORD_NO_MEMORY;
    }
    client_arena_init(&result->arena, CLIENT_UNPACK_BYTES_MAX);
    result->zxid = reply->zxid;
    struct reader reader = {.arena = &result->arena};
    read_result(&reader, result, reply);
    if (reader.no_memory || reader.malformed) {
        coord_result_free(result);
        return reader.no_memory ? COORD_NO_MEMORY : COORD_MALFORMED;
    }
    *ret_result = result;
    return COORD_OK;
}

enum coord_code codec_take_outcome(const Coord__V1__OutcomeOfResult *outcome,
                                   struct coord_result **ret_result)
{
    Coord__V1__Reply reply = COORD__V1__REPLY__INIT;
    reply.zxid = outcome->zxid;
    switch (outcome->result_case) {
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_CREATE:
        reply.result_case = COORD__V1__REPLY__RESULT_CREATE;
        reply.create = outcome->create;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_SET:
        reply.result_case = COORD__V1__REPLY__RESULT_SET;
        reply.set = outcome->set;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_DELETE:
        reply.result_case = COORD__V1__REPLY__RESULT_DELETE;
        reply.delete_ = outcome->delete_;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_TXN:
        reply.result_case = COORD__V1__REPLY__RESULT_TXN;
        reply.txn = outcome->txn;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_INCREMENT:
        reply.result_case = COORD__V1__REPLY__RESULT_INCREMENT;
        reply.increment = outcome->increment;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_SET_ACL:
        reply.result_case = COORD__V1__REPLY__RESULT_SET_ACL;
        reply.set_acl = outcome->set_acl;
        break;
    case COORD__V1__OUTCOME_OF_RESULT__RESULT_CLOSE:
        reply.result_case = COORD__V1__REPLY__RESULT_CLOSE;
        reply.close = outcome->close;
        break;
    default:
        *ret_result = NULL;
        return COORD_MALFORMED;
    }
    return codec_take_result(&reply, ret_result);
}
