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
        return true;
    case CLIENT_OP_TXN:
        return op->txn->writes;
    case CLIENT_OP_GET:
    case CLIENT_OP_EXISTS:
    case CLIENT_OP_CHILDREN:
    case CLIENT_OP_CHECK:
        return false;
    }
    CD_UNREACHABLE();
}

static uint32_t known_flags(enum client_op_kind kind)
{
    switch (kind) {
    case CLIENT_OP_CREATE:
        return COORD_CREATE_SEQUENTIAL | COORD_CREATE_PARENTS | COORD_CREATE_IF_ABSENT;
    case CLIENT_OP_DELETE:
        return COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT;
    case CLIENT_OP_CHILDREN:
        return COORD_CHILDREN_WITH_STAT | COORD_CHILDREN_WITH_DATA;
    case CLIENT_OP_SET:
    case CLIENT_OP_TXN:
    case CLIENT_OP_GET:
    case CLIENT_OP_EXISTS:
    case CLIENT_OP_CHECK:
        return 0;
    }
    CD_UNREACHABLE();
}

static bool has_version(enum client_op_kind kind)
{
    return kind == CLIENT_OP_SET || kind == CLIENT_OP_DELETE || kind == CLIENT_OP_CHECK;
}

enum coord_code client_op_check(const struct client_op *op, struct coord_error *error)
{
    if (op->kind == CLIENT_OP_TXN) {
        if (op->txn->mistake.code != COORD_OK && error != NULL) {
            *error = op->txn->mistake;
        }
        return op->txn->mistake.code;
    }
    if (op->path == NULL) {
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
    return COORD_OK;
}
