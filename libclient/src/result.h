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

/* All that it points to lives in the arena of the outermost result. */
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
    bool succeeded;
    uint32_t failed_index;
    struct coord_result *const *results;
    size_t results_count;
};

#endif
