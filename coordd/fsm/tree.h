#ifndef COORD_FSM_TREE_H
#define COORD_FSM_TREE_H

#include "fsm/node.h"

/*
 * All nodes in the order of their keys (path.h): a B+ tree of reference-counted pages.
 *
 *                      inner  [ p0 | "/b" p1 | "/c/x" p2 ]        bound i: no key in page i - 1 is
 *                              /       |           \              at or above it, none in page i
 *              leaf [ "" "/a" ]  [ "/b" "/c" ]  [ "/c/x" "/d" ]   below it
 *
 * One structure serves everything that is asked of it: a point query, children and subtrees as
 * ranges, and frozen versions. A page or node that has more than one reference, or is below a page
 * that has, never changes: whoever writes copies the pages on its way down. So fsm_tree_share gives
 * a version of the whole tree at once, and each page is copied at most once for it while writes go
 * on. Without shared versions writes are in place.
 *
 * A version may be walked by its holder without touching a count; counts belong to the loop thread.
 *
 * Invariants: keys strictly ascend over all leaves; bounds as above; all leaves have level 0; no
 * page but an empty root leaf is empty; the root, if inner, has two pages or more.
 */
struct fsm_tree {
    struct fsm_page *root; /* owned reference */
    uint64_t count;        /* nodes */
};

void fsm_tree_init(struct fsm_tree *tree);
void fsm_tree_release(struct fsm_tree *tree);

/* Makes `tree` (not initialised before) a version equal to `from` as it is now. O(1). */
void fsm_tree_share(struct fsm_tree *tree, const struct fsm_tree *from);

/* Releases in steps of at most `pages` pages, since giving back a large version takes long. True:
 * all is released. Between steps the tree is good for nothing else. */
bool fsm_tree_release_some(struct fsm_tree *tree, size_t pages);

/* The node with that key or NULL. Borrowed until the tree next changes. */
struct fsm_node *fsm_tree_find(const struct fsm_tree *tree, struct fsm_bytes key);

/* Adds a node (its reference is moved) whose key is not in the tree. */
void fsm_tree_insert(struct fsm_tree *tree, struct fsm_node *node);

/* Puts a node (its reference is moved) in the place of the one with its key, which is there. */
void fsm_tree_replace(struct fsm_tree *tree, struct fsm_node *node);

/*
 * Gives the node with that key, which is in the tree, another stat; in place where it may. Returns
 * the node, borrowed. `key` may be the old one's own.
 */
struct fsm_node *fsm_tree_restat(struct fsm_tree *tree, struct fsm_bytes key,
                                 const struct fsm_stat *stat);

/* Drops the node with that key, which is in the tree. `key` may be the node's own. */
void fsm_tree_remove(struct fsm_tree *tree, struct fsm_bytes key);

/*
 * Cursors are invalid once the tree changes; one on a shared version lives as long as that.
 * seek: to the first node at or above `key`; seek_past: to the first one that is above `key` and
 * not below it as a path, that is, behind its whole subtree.
 */
void fsm_tree_seek(const struct fsm_tree *tree, struct fsm_bytes key, struct fsm_cursor *cursor);
void fsm_tree_seek_past(const struct fsm_tree *tree, struct fsm_bytes key,
                        struct fsm_cursor *cursor);
struct fsm_node *fsm_cursor_get(const struct fsm_cursor *cursor); /* NULL at the end */
void fsm_cursor_next(struct fsm_cursor *cursor);                  /* not at the end */

/*
 * To the next node that may have been changed by a zxid above `since`: pages in which nothing was
 * are passed over whole. Stands still if it is on one already. The node itself may be older.
 */
void fsm_cursor_skip_older(struct fsm_cursor *cursor, uint64_t since);

/* How many nodes lie from `from` on and before `to` (both of one tree; `to` not before `from`). */
uint64_t fsm_cursor_distance(const struct fsm_cursor *from, const struct fsm_cursor *to);

/* Aborts if an invariant is broken. O(tree). */
void fsm_tree_check(const struct fsm_tree *tree);

#endif
