#include "namespace.h"

#include "error.h"
#include "result.h"

#include <string.h>

/* ---- Going in ---- */

enum coord_code client_namespace_check(const char *path, struct coord_error *error)
{
    size_t bytes = strlen(path);
    if (path[0] != '/' || bytes < 2 || path[bytes - 1] == '/') {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "namespace \"%s\": it must be the path of a node below the root, "
                                "like /app/a",
                                path);
    }
    return COORD_OK;
}

enum coord_code client_path_in(const char *space, const char *path, struct client_arena *arena,
                               const char **ret_path, struct coord_error *error)
{
    *ret_path = path;
    if (space == NULL) {
        return COORD_OK;
    }
    if (path == NULL || strcmp(path, "/") == 0) {
        *ret_path = space;
        return COORD_OK;
    }
    if (path[0] != '/') {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "path \"%s\": it does not begin with a slash", path);
    }
    size_t space_bytes = strlen(space);
    size_t path_bytes = strlen(path) + 1;
    char *whole = client_arena_get(arena, space_bytes + path_bytes);
    if (whole == NULL) {
        return client_error_no_memory(error);
    }
    memcpy(whole, space, space_bytes);
    memcpy(whole + space_bytes, path, path_bytes);
    *ret_path = whole;
    return COORD_OK;
}

static enum coord_code compares_in(const char *space, const struct coord_txn *from,
                                   struct client_arena *arena, struct coord_txn *to,
                                   struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    to->compares = NULL;
    to->compares_end = &to->compares;
    for (const struct client_compare_node *node = from->compares; node != NULL && code == COORD_OK;
         node = node->next) {
        struct client_compare_node *copy = client_arena_get(arena, sizeof(*copy));
        if (copy == NULL) {
            return client_error_no_memory(error);
        }
        *copy = *node;
        copy->next = NULL;
        *to->compares_end = copy;
        to->compares_end = &copy->next;
        bool held = node->compare.held.path != NULL; /* which has a path of its own, and no other */
        code = held ? client_path_in(space, node->compare.held.path, arena,
                                     &copy->compare.held.path, error)
                    : client_path_in(space, node->compare.path, arena, &copy->compare.path, error);
    }
    return code;
}

static enum coord_code branch_in(const char *space, const struct client_op_node *from,
                                 struct client_arena *arena, struct client_op_node **ret_branch,
                                 struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    struct client_op_node **end = ret_branch;
    *end = NULL;
    for (const struct client_op_node *node = from; node != NULL && code == COORD_OK;
         node = node->next) {
        struct client_op_node *copy = client_arena_get(arena, sizeof(*copy));
        if (copy == NULL) {
            return client_error_no_memory(error);
        }
        *copy = *node;
        copy->next = NULL;
        *end = copy;
        end = &copy->next;
        code = client_path_in(space, node->op.path, arena, &copy->op.path, error);
    }
    return code;
}

/* Not to be released: its lists live in the arena. */
static enum coord_code txn_in(const char *space, const struct coord_txn *from,
                              struct client_arena *arena, const struct coord_txn **ret_txn,
                              struct coord_error *error)
{
    struct coord_txn *to = client_arena_get(arena, sizeof(*to));
    if (to == NULL) {
        return client_error_no_memory(error);
    }
    *to = *from;
    *ret_txn = to;
    enum coord_code code = compares_in(space, from, arena, to, error);
    for (size_t i = 0; i < CD_ARRAY_COUNT(from->branches) && code == COORD_OK; i++) {
        code = branch_in(space, from->branches[i], arena, &to->branches[i], error);
    }
    return code;
}

/* Kinds that are about no node. */
static bool has_path(enum client_op_kind kind)
{
    return kind != CLIENT_OP_TXN && kind != CLIENT_OP_SYNC && kind != CLIENT_OP_WHO_AM_I &&
           kind != CLIENT_OP_CLOSE;
}

enum coord_code client_op_in(const char *space, const struct client_op *op,
                             struct client_arena *arena, struct client_op *ret_op,
                             struct coord_error *error)
{
    *ret_op = *op;
    if (space == NULL) {
        return COORD_OK;
    }
    if (op->kind == CLIENT_OP_TXN) {
        return txn_in(space, op->txn, arena, &ret_op->txn, error);
    }
    return has_path(op->kind) ? client_path_in(space, op->path, arena, &ret_op->path, error)
                              : COORD_OK;
}

/* ---- Coming out ---- */

/* NULL: not in the namespace. */
static const char *path_out(const char *space, const char *path)
{
    size_t bytes = strlen(space);
    if (path == NULL || strncmp(path, space, bytes) != 0 ||
        (path[bytes] != '\0' && path[bytes] != '/')) {
        return NULL;
    }
    return path[bytes] == '\0' ? "/" : path + bytes;
}

/* Where the answer of a replica is not what was asked for, its words stay. */
static void move_out(const char *space, const char **path)
{
    const char *inner = path_out(space, *path);
    *path = inner != NULL ? inner : *path;
}

void client_result_out(const char *space, struct coord_result *result)
{
    if (space == NULL || result == NULL) {
        return;
    }
    move_out(space, &result->path);
    result->origin = path_out(space, result->origin);
    /* The lists are the result's own memory, and nobody else has seen them. */
    struct client_child *nodes = (struct client_child *)(uintptr_t)result->nodes;
    for (size_t i = 0; i < result->nodes_count; i++) {
        move_out(space, &nodes[i].name);
    }
    struct coord_changed_node *changes = (struct coord_changed_node *)(uintptr_t)result->changes;
    for (size_t i = 0; i < result->changes_count; i++) {
        move_out(space, &changes[i].path);
    }
    for (size_t i = 0; i < result->results_count; i++) {
        client_result_out(space, result->results[i]);
    }
}

void client_item_out(const char *space, struct client_watch_item *item)
{
    if (space == NULL) {
        return;
    }
    move_out(space, &item->item.path);
    client_result_out(space, item->result);
    for (size_t i = 0; i < item->item.events_count; i++) {
        struct coord_event *event = (struct coord_event *)(uintptr_t)item->item.events[i];
        move_out(space, &event->path);
    }
}
