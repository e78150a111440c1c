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

/* NULL where there is none. */
static const struct coord_node_stat *take_stat(struct reader *reader, const Coord__V1__Stat *from)
{
    if (from == NULL) {
        return NULL;
    }
    struct coord_node_stat *to = take(reader, 1, sizeof(*to));
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

static void read_children(struct reader *reader, struct coord_result *to,
                          const Coord__V1__ChildrenResult *from)
{
    to->kind = CLIENT_OP_CHILDREN;
    to->stat = need_stat(reader, from->stat);
    to->cursor = take_bytes(reader, from->cursor, &to->cursor_bytes);
    struct client_child *children = take(reader, from->n_children, sizeof(*children));
    for (size_t i = 0; children != NULL && i < from->n_children; i++) {
        const Coord__V1__Child *child = from->children[i];
        children[i].name = take_name(reader, child->name);
        children[i].stat = take_stat(reader, child->stat);
        children[i].data = take_bytes(reader, child->data, &children[i].data_bytes);
    }
    to->children = children;
    to->children_count = children != NULL ? from->n_children : 0;
}

static void read_check(struct reader *reader, struct coord_result *to,
                       const Coord__V1__CheckResult *from)
{
    to->kind = CLIENT_OP_CHECK;
    to->stat = need_stat(reader, from->stat);
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

static void read_result(struct reader *reader, struct coord_result *to,
                        const Coord__V1__Reply *from)
{
    switch (from->result_case) {
    case COORD__V1__REPLY__RESULT_CREATE:
        read_create(reader, to, from->create);
        return;
    case COORD__V1__REPLY__RESULT_SET:
        read_set(reader, to, from->set);
        return;
    case COORD__V1__REPLY__RESULT_DELETE:
        read_delete(to, from->delete_);
        return;
    case COORD__V1__REPLY__RESULT_TXN:
        read_txn(reader, to, from->txn);
        return;
    case COORD__V1__REPLY__RESULT_GET:
        read_get(reader, to, from->get);
        return;
    case COORD__V1__REPLY__RESULT_EXISTS:
        read_exists(reader, to, from->exists);
        return;
    case COORD__V1__REPLY__RESULT_CHILDREN:
        read_children(reader, to, from->children);
        return;
    default: /* nothing that this library asks for */
        reader->malformed = true;
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
