#include "simulation/errand.h"

#include "base/assert.h"
#include "base/memory.h"
#include "simulation/values.h"

#include "src/codec.h"
#include "src/result.h"

#include <string.h>

/* ---- Out ---- */

static uint32_t create_flags(const struct model_step *step)
{
    return (step->sequential ? COORD_CREATE_SEQUENTIAL : 0u) |
           (step->if_absent ? COORD_CREATE_IF_ABSENT : 0u) |
           (step->node_kind == MODEL_EPHEMERAL ? COORD_CREATE_EPHEMERAL : 0u) |
           (step->node_kind == MODEL_CONTAINER ? COORD_CREATE_CONTAINER : 0u);
}

static uint32_t delete_flags(const struct model_step *step)
{
    return (step->recursive ? COORD_DELETE_RECURSIVE : 0u) |
           (step->if_present ? COORD_DELETE_IF_PRESENT : 0u);
}

static struct client_op make_op(const struct errand *errand, const struct model_step *step,
                                uint8_t *data)
{
    struct client_op op = {.path = step->path, .version = step->version};
    switch (step->kind) {
    case MODEL_CREATE:
        op.kind = CLIENT_OP_CREATE;
        op.flags = create_flags(step);
        op.ttl_ms = step->node_kind == MODEL_TTL ? errand->ttl_ms : 0;
        op.data = data;
        op.data_bytes = value_write(step->value, step->is_number, data);
        break;
    case MODEL_SET:
        op.kind = CLIENT_OP_SET;
        op.data = data;
        op.data_bytes = value_write(step->value, step->is_number, data);
        break;
    case MODEL_DELETE:
        op.kind = CLIENT_OP_DELETE;
        op.flags = delete_flags(step);
        break;
    case MODEL_INCREMENT:
        op.kind = CLIENT_OP_INCREMENT;
        op.delta = step->delta;
        op.flags = step->if_absent ? COORD_INCREMENT_CREATE : 0;
        break;
    case MODEL_GET:
        op.kind = CLIENT_OP_GET;
        break;
    case MODEL_EXISTS:
        op.kind = CLIENT_OP_EXISTS;
        break;
    case MODEL_COUNT:
        op.kind = CLIENT_OP_COUNT;
        break;
    case MODEL_CHILDREN:
        op.kind = errand->pages == ERRAND_LIST ? CLIENT_OP_LIST : CLIENT_OP_CHILDREN;
        op.depth = 1; /* of a list */
        op.limit = errand->limit;
        if (errand->page != NULL) {
            op.cursor = errand->page->cursor;
            op.cursor_bytes = errand->page->cursor_bytes;
        }
        break;
    case MODEL_TXN:
        CD_UNREACHABLE();
    }
    return op;
}

static void add_step(struct coord_txn *txn, enum coord_branch branch, const struct client_op *op)
{
    switch ((int)op->kind) {
    case CLIENT_OP_CREATE:
        coord_txn_add_create_with(txn, branch, op->path, op->data, op->data_bytes, op->flags,
                                  op->ttl_ms, NULL);
        break;
    case CLIENT_OP_SET:
        coord_txn_add_set(txn, branch, op->path, op->data, op->data_bytes, op->version);
        break;
    case CLIENT_OP_DELETE:
        coord_txn_add_delete(txn, branch, op->path, op->version, op->flags);
        break;
    case CLIENT_OP_INCREMENT:
        coord_txn_add_increment(txn, branch, op->path, op->delta, op->version, op->flags);
        break;
    case CLIENT_OP_GET:
        coord_txn_add_get(txn, branch, op->path);
        break;
    case CLIENT_OP_EXISTS:
        coord_txn_add_exists(txn, branch, op->path);
        break;
    case CLIENT_OP_CHILDREN:
        coord_txn_add_children(txn, branch, op->path, 0, 0);
        break;
    default:
        CD_UNREACHABLE();
    }
}

/* The prefixes that a queue names. */
static size_t list_prefixes(const struct model_queue *queue, const char *to[MODEL_PREFIXES_MAX])
{
    size_t count = 0;
    while (count < MODEL_PREFIXES_MAX && queue->prefixes[count][0] != '\0') {
        to[count] = queue->prefixes[count];
        count++;
    }
    return count;
}

static void add_compare(struct coord_txn *txn, const struct model_compare *compare)
{
    static const enum coord_compared compared[] = {
        [MODEL_COMPARE_EXISTS] = COORD_IF_EXISTS, [MODEL_COMPARE_VERSION] = COORD_IF_VERSION,
        [MODEL_COMPARE_OWNER] = COORD_IF_OWNER,   [MODEL_COMPARE_CZXID] = COORD_IF_CZXID,
        [MODEL_COMPARE_MZXID] = COORD_IF_MZXID,
    };
    const char *prefixes[MODEL_PREFIXES_MAX];
    static uint8_t data[VALUE_BYTES_MAX];
    switch (compare->target) {
    case MODEL_COMPARE_VALUE:
        coord_txn_compare_data(
            txn, compare->path, COORD_EQUAL, data,
            value_write((uint64_t)compare->number, value_op((uint64_t)compare->number) == 0, data));
        break;
    case MODEL_COMPARE_HELD:
        coord_txn_compare_held(txn, compare->path, COORD_EQUAL, (uint64_t)compare->number,
                               compare->queue.n, prefixes,
                               list_prefixes(&compare->queue, prefixes));
        break;
    case MODEL_COMPARE_EXISTS:
    case MODEL_COMPARE_VERSION:
    case MODEL_COMPARE_OWNER:
    case MODEL_COMPARE_CZXID:
    case MODEL_COMPARE_MZXID:
        coord_txn_compare(txn, compare->path, compared[compare->target], COORD_EQUAL,
                          (uint64_t)compare->number);
        break;
    }
}

static struct coord_txn *make_txn(const struct errand *errand, uint8_t *data)
{
    const struct model_command *command = &errand->command;
    struct coord_txn *txn = coord_txn_create();
    CD_ASSERT(txn != NULL);
    if (command->compare.target != 0) {
        add_compare(txn, &command->compare);
    }
    for (size_t i = 0; i < command->then_count; i++) {
        struct client_op op = make_op(errand, &command->then_steps[i], data);
        add_step(txn, COORD_THEN, &op);
    }
    for (size_t i = 0; i < command->else_count; i++) {
        struct client_op op = make_op(errand, &command->else_steps[i], data);
        add_step(txn, COORD_ELSE, &op);
    }
    return txn;
}

static struct coord_call_options *make_call(const struct errand *errand)
{
    const struct model_compare *held = &errand->command.if_held;
    struct coord_call_options *call = coord_call_options_create();
    CD_ASSERT(call != NULL);
    if (errand->level == LEVEL_AT_LEAST) {
        coord_call_options_set_at_least(call, errand->at_least);
    } else {
        coord_call_options_set_level(call, errand->level == LEVEL_SESSION ? COORD_SESSION
                                                                          : COORD_LINEARIZABLE);
    }
    if (held->target != 0) {
        const char *prefixes[MODEL_PREFIXES_MAX];
        enum coord_code code =
            coord_call_options_set_if_held(call, held->path, (uint64_t)held->number, held->queue.n,
                                           prefixes, list_prefixes(&held->queue, prefixes), NULL);
        CD_ASSERT(code == COORD_OK);
    }
    return call;
}

void errand_encode(struct errand *errand)
{
    static uint8_t data[VALUE_BYTES_MAX];
    struct coord_call_options *call = make_call(errand);
    struct coord_txn *txn = errand->command.is_txn ? make_txn(errand, data) : NULL;
    struct client_op op = txn != NULL ? (struct client_op){.kind = CLIENT_OP_TXN, .txn = txn}
                                      : make_op(errand, &errand->command.then_steps[0], data);
    struct coord_error error;
    client_free(errand->request.bytes);
    errand->request.bytes = NULL;
    enum coord_code code = client_codec_request_encode(&errand->request, &op, call, &error);
    CD_ASSERT(code == COORD_OK);
    coord_txn_free(txn);
    coord_call_options_free(call);
}

/* ---- In ---- */

static void show_stat(struct model_result *shown, const struct coord_node_stat *stat)
{
    if (stat != NULL) {
        shown->exists = true;
        shown->czxid = stat->czxid;
        shown->mzxid = stat->mzxid;
        shown->version = stat->version;
    }
}

static void show_names(struct model_result *shown, const struct coord_result *result)
{
    for (size_t i = 0; i < result->children_count; i++) {
        const char *name = coord_result_child_name(result, i);
        shown->children_hash = model_hash_name(shown->children_hash, name, strlen(name));
        shown->children++;
    }
}

/* Of a list: the first one is the node itself. */
static void show_nodes(struct model_result *shown, const char *top,
                       const struct coord_result *result)
{
    for (size_t i = 0; i < result->nodes_count; i++) {
        const char *path = coord_result_node_path(result, i);
        if (strcmp(path, top) != 0) {
            const char *name = strrchr(path, '/') + 1;
            shown->children_hash = model_hash_name(shown->children_hash, name, strlen(name));
            shown->children++;
        }
    }
}

static void show_one(const struct coord_result *result, struct model_result *shown)
{
    size_t bytes = 0;
    const void *data = NULL;
    switch ((int)result->kind) {
    case CLIENT_OP_CREATE:
        show_stat(shown, coord_result_stat(result));
        (void)snprintf(shown->path, sizeof(shown->path), "%s", coord_result_path(result));
        break;
    case CLIENT_OP_SET:
        show_stat(shown, coord_result_stat(result));
        break;
    case CLIENT_OP_INCREMENT:
        show_stat(shown, coord_result_stat(result));
        shown->value = (uint64_t)coord_result_value(result);
        break;
    case CLIENT_OP_GET:
        show_stat(shown, coord_result_stat(result));
        data = coord_result_data(result, &bytes);
        shown->value = value_read(data, bytes);
        break;
    case CLIENT_OP_EXISTS:
        show_stat(shown, coord_result_stat(result));
        shown->exists = coord_result_exists(result);
        break;
    case CLIENT_OP_COUNT:
        shown->children = (uint64_t)coord_result_count(result);
        break;
    case CLIENT_OP_CHILDREN:
        show_names(shown, result);
        break;
    default:
        break;
    }
}

void errand_show(const struct model_command *command, const struct coord_result *result,
                 struct model_result *ret_shown)
{
    *ret_shown = (struct model_result){.code = MODEL_OK, .zxid = coord_result_zxid(result)};
    if (!command->is_txn) {
        show_one(result, ret_shown);
        return;
    }
    size_t count = coord_result_results_count(result);
    ret_shown->succeeded = coord_result_succeeded(result);
    if (count > 0) {
        show_one(coord_result_at(result, count - 1), ret_shown);
    }
}

bool errand_take_page(struct errand *errand)
{
    const struct coord_result *result = errand->request.result;
    struct model_result *shown = &errand->so_far;
    shown->zxid = errand->page == NULL ? coord_result_zxid(result) : shown->zxid;
    if (errand->pages == ERRAND_LIST) {
        show_nodes(shown, errand->command.then_steps[0].path, result);
    } else {
        show_names(shown, result);
    }
    coord_result_free(errand->page);
    errand->page = errand->request.result;
    errand->request.result = NULL;
    return coord_result_more(errand->page);
}

void errand_free(struct errand *errand)
{
    client_free(errand->request.bytes);
    coord_result_free(errand->request.result);
    coord_result_free(errand->page);
    cd_free(errand);
}
