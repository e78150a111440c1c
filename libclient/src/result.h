#ifndef COORD_LIBCLIENT_RESULT_H
#define COORD_LIBCLIENT_RESULT_H

#include "coord/client.h"
#include "memory.h"
#include "request.h"

struct client_child {
    const char *name;
    const struct coord_node_stat *stat; /* or NULL */
    const void *data;
    size_t data_bytes;
};

/* Fields that the kind has no use for are zero. All that it points to lives in the arena of the
 * outermost result. */
struct coord_result {
    struct client_arena arena; /* used by the outermost alone */
    enum client_op_kind kind;
    uint64_t zxid;
    const struct coord_node_stat *stat;
    const char *path;
    bool created, exists;
    const void *data;
    size_t data_bytes;
    int64_t deleted;
    const struct client_child *children;
    size_t children_count;
    const void *cursor;
    size_t cursor_bytes;
    int64_t number;                   /* INCREMENT, COUNT */
    const struct client_child *nodes; /* LIST, EPHEMERALS: their names are paths */
    size_t nodes_count;
    const struct coord_acl_entry *acl; /* GET_ACL, as the origin */
    size_t acl_count;
    const char *origin;
    const struct coord_changed_node *changes; /* CHANGED_SINCE */
    size_t changes_count;
    const char *scheme, *identity; /* WHO_AM_I, as those below */
    const char *const *roles;
    size_t roles_count;
    uint64_t session;
    bool succeeded;
    uint32_t failed_index;
    struct coord_result *const *results;
    size_t results_count;
};

#endif
