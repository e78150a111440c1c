#include "error.h"
#include "request.h"

#include <string.h>

/* What can be said about an operation without asking a replica. Rules of paths are the replicas'.
 */

bool client_op_is_write(const struct client_op *op)
{
    switch (op->kind) {
    case CLIENT_OP_CREATE:
    case CLIENT_OP_SET:
    case CLIENT_OP_DELETE:
    case CLIENT_OP_INCREMENT:
    case CLIENT_OP_SET_ACL:
    case CLIENT_OP_FORGET:
    case CLIENT_OP_CLOSE:
        return true;
    case CLIENT_OP_TXN:
        return op->txn->writes;
    case CLIENT_OP_GET:
    case CLIENT_OP_EXISTS:
    case CLIENT_OP_CHILDREN:
    case CLIENT_OP_CHECK:
    case CLIENT_OP_LIST:
    case CLIENT_OP_COUNT:
    case CLIENT_OP_GET_ACL:
    case CLIENT_OP_EPHEMERALS:
    case CLIENT_OP_CHANGED_SINCE:
    case CLIENT_OP_SYNC:
    case CLIENT_OP_WHO_AM_I:
    case CLIENT_OP_OUTCOME_OF:
    case CLIENT_OP_WATCH:
    case CLIENT_OP_UNWATCH:
        return false;
    }
    CD_UNREACHABLE();
}

static uint32_t known_flags(enum client_op_kind kind)
{
    switch ((int)kind) {
    case CLIENT_OP_CREATE:
        return COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS | COORD_CREATE_IF_ABSENT |
               COORD_CREATE_EPHEMERAL | COORD_CREATE_CONTAINER | COORD_CREATE_CONTAINER_PARENTS;
    case CLIENT_OP_DELETE:
        return COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT;
    case CLIENT_OP_INCREMENT:
        return COORD_INCREMENT_CREATE;
    case CLIENT_OP_CHILDREN:
        return COORD_CHILDREN_WITH_STAT | COORD_CHILDREN_WITH_DATA;
    case CLIENT_OP_LIST:
        return COORD_LIST_WITH_STAT | COORD_LIST_WITH_DATA;
    case CLIENT_OP_CHANGED_SINCE:
        return COORD_CHANGED_WITH_DATA;
    default:
        return 0;
    }
}

static bool has_version(enum client_op_kind kind)
{
    return kind == CLIENT_OP_SET || kind == CLIENT_OP_DELETE || kind == CLIENT_OP_CHECK ||
           kind == CLIENT_OP_INCREMENT || kind == CLIENT_OP_SET_ACL;
}

/* SYNC, WHO_AM_I and CLOSE are about no node. */
static bool has_path(enum client_op_kind kind)
{
    return kind != CLIENT_OP_SYNC && kind != CLIENT_OP_WHO_AM_I && kind != CLIENT_OP_CLOSE;
}

/* A node is of one kind. */
static enum coord_code check_kind(const struct client_op *op, struct coord_error *error)
{
    int kinds = ((op->flags & COORD_CREATE_EPHEMERAL) != 0 ? 1 : 0) +
                ((op->flags & COORD_CREATE_CONTAINER) != 0 ? 1 : 0) + (op->ttl_ms != 0 ? 1 : 0);
    if (op->kind == CLIENT_OP_CREATE && kinds > 1) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "flags: a node is ephemeral, a container, or has a TTL, not two "
                                "of these");
    }
    return COORD_OK;
}

static enum coord_code check_acl(const struct client_op *op, struct coord_error *error)
{
    if (op->acl == NULL || op->acl->mistake.code == COORD_OK) {
        return COORD_OK;
    }
    if (error != NULL) {
        *error = op->acl->mistake;
    }
    return op->acl->mistake.code;
}

enum coord_code client_op_check(const struct client_op *op, struct coord_error *error)
{
    if (op->kind == CLIENT_OP_TXN) {
        if (op->txn->mistake.code != COORD_OK && error != NULL) {
            *error = op->txn->mistake;
        }
        return op->txn->mistake.code;
    }
    if (op->path == NULL && has_path(op->kind)) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "path: it is NULL");
    }
    if ((op->flags & ~known_flags(op->kind)) != 0) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "flags: 0x%x has bits that this operation does not know",
                                (unsigned)op->flags);
    }
    if (op->data == NULL && op->data_bytes != 0) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "data: NULL, but of %zu bytes",
                                op->data_bytes);
    }
    if (op->data_bytes > CLIENT_REQUEST_BYTES_MAX) {
        return client_error_set(error, COORD_TOO_LARGE,
                                "data of %zu bytes; the limit of this library is %d, and a "
                                "cluster's is lower",
                                op->data_bytes, (int)CLIENT_REQUEST_BYTES_MAX);
    }
    if (has_version(op->kind) && op->version < 0 && op->version != COORD_ANY_VERSION) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "version: %lld; it must be 0 or more, or COORD_ANY_VERSION",
                                (long long)op->version);
    }
    enum coord_code code = check_kind(op, error);
    return code != COORD_OK ? code : check_acl(op, error);
}

/* ---- Fences ---- */

enum coord_code client_prefixes_check(const char *const *prefixes, size_t count,
                                      struct coord_error *error)
{
    if (count > COORD_PREFIXES_MAX) {
        return client_error_set(error, COORD_TOO_MANY, "%zu prefixes; the limit is %d", count,
                                COORD_PREFIXES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (prefixes == NULL || prefixes[i] == NULL) {
            return client_error_set(error, COORD_INVALID_ARGUMENT, "prefixes: one is NULL");
        }
    }
    return COORD_OK;
}

bool client_held_copy(struct client_held *to, struct client_arena *arena,
                      const struct client_held *from)
{
    const char **prefixes = client_arena_get_array(arena, from->prefixes_count, sizeof(*prefixes));
    const char *path = client_arena_copy(arena, from->path, strlen(from->path));
    if (prefixes == NULL || path == NULL) {
        return false;
    }
    for (size_t i = 0; i < from->prefixes_count; i++) {
        prefixes[i] = client_arena_copy(arena, from->prefixes[i], strlen(from->prefixes[i]));
        if (prefixes[i] == NULL) {
            return false;
        }
    }
    *to = *from;
    to->path = path;
    to->prefixes = prefixes;
    return true;
}
