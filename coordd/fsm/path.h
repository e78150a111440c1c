#ifndef COORD_FSM_PATH_H
#define COORD_FSM_PATH_H

#include "fsm/fsm.h"

#include <string.h>

/*
 * Keys: how the tree names nodes. A node's key is its path, but the root's is empty, so that a
 * child's key is always its parent's key, a slash and the child's name.
 *
 * Keys are ordered by their bytes, with the slash below every other byte. So a node comes directly
 * before everything below it, a subtree is one contiguous range, and siblings are ordered by the
 * bytes of their names:
 *
 *     ""  "/a"  "/a/b"  "/a/b/c"  "/a/d"  "/a-"  "/b"
 */

static inline struct fsm_bytes fsm_bytes_make(const void *data, size_t bytes)
{
    return (struct fsm_bytes){.data = data, .bytes = bytes};
}

static inline bool fsm_bytes_equal(struct fsm_bytes a, struct fsm_bytes b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

/* `path` must be valid. Borrows from it. */
static inline struct fsm_bytes fsm_key_of_path(struct fsm_bytes path)
{
    return path.bytes == 1 ? fsm_bytes_make(path.data, 0) : path;
}

static inline struct fsm_bytes fsm_path_of_key(struct fsm_bytes key)
{
    return key.bytes == 0 ? fsm_bytes_make("/", 1) : key;
}

/* The bytes before the last slash. Not of the root. */
struct fsm_bytes fsm_key_parent(struct fsm_bytes key);

/* Negative, 0 or positive, in the order described above. */
int fsm_key_order(struct fsm_bytes a, struct fsm_bytes b);

/* Is `key` somewhere below `ancestor`? Not if they are equal. */
static inline bool fsm_key_below(struct fsm_bytes key, struct fsm_bytes ancestor)
{
    return key.bytes > ancestor.bytes && key.data[ancestor.bytes] == '/' &&
           (ancestor.bytes == 0 || memcmp(key.data, ancestor.data, ancestor.bytes) == 0);
}

/* fsm_path_check for a sequential node's path before its suffix, which may end with a slash. */
CD_MUST_USE enum cd_status fsm_path_check_prefix(const struct fsm_limits *limits,
                                                 struct fsm_bytes path, struct cd_error *error);

#endif
