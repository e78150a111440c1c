#ifndef COORD_FSM_NODE_H
#define COORD_FSM_NODE_H

#include "fsm/acl.h"

/*
 * One version of one node in one block of memory, with a reference count. The tree, frozen versions
 * of it, results and undo logs share versions, so a version changes in place only while a single
 * reference exists; everybody else makes a new one.
 *
 * A million nodes must fit a small memory, so fields that most nodes do not need are kept only
 * where they differ from what the others imply:
 *
 *     +--------------+-------------------+--------------------------+-------+----------+
 *     | fixed fields | FAMILY, if unlike | MODIFIED, if unlike      | OWNER | LIFE     |
 *     |              | pzxid, creates    | mzxid, mtime_ms, version | owner | ttl, idle|
 *     +--------------+-------------------+--------------------------+-------+----------+
 *     | ACL                  | key   | data  |
 *     | azxid, aversion, acl |       |       |
 *     +----------------------+-------+-------+
 *
 * FAMILY is left out if pzxid = czxid and creates = 0 (never had a child), MODIFIED if mzxid =
 * czxid, mtime = ctime and version = 0 (data never set), OWNER, LIFE and ACL if all of theirs are
 * 0. fsm_node_stat gives the whole. The node holds a reference to its own ACL.
 *
 * References are counted without atomics: loop thread only.
 */
struct fsm_node {
    uint32_t refs;
    uint32_t data_bytes;
    uint32_t children_count;
    uint16_t key_bytes; /* see path.h */
    uint8_t form;       /* private to node.c: kind and suffix_bytes */
    uint8_t parts;      /* private to node.c */
    uint64_t czxid;
    uint64_t ctime_ms;
    uint64_t tail[];
};

/* A new version with one reference. Copies key and data; stat->data_bytes must be data's. */
struct fsm_node *fsm_node_create(struct fsm_bytes key, const struct fsm_stat *stat,
                                 struct fsm_bytes data);
struct fsm_node *fsm_node_ref(struct fsm_node *node);
void fsm_node_unref(struct fsm_node *node); /* accepts NULL */

struct fsm_bytes fsm_node_key(const struct fsm_node *node);  /* borrowed from the node */
struct fsm_bytes fsm_node_data(const struct fsm_node *node); /* borrowed from the node */
void fsm_node_stat(const struct fsm_node *node, struct fsm_stat *ret_stat);

/* Parts of the stat that are asked for alone. */
enum fsm_node_kind fsm_node_kind_of(const struct fsm_node *node);
uint8_t fsm_node_suffix_bytes(const struct fsm_node *node);
struct fsm_acl *fsm_node_acl(const struct fsm_node *node); /* its own, borrowed; or NULL */

/* What it adds to the size of the tree: key, data and its own ACL. */
uint64_t fsm_node_bytes(const struct fsm_node *node);

/* The zxid that last changed anything in it. */
uint64_t fsm_stat_last_zxid(const struct fsm_stat *stat);
uint64_t fsm_node_last_zxid(const struct fsm_node *node);

/*
 * Gives the node, which must have one reference, another stat in place. False, and nothing done, if
 * that stat needs another shape. The data stays, so its size must be the same.
 */
bool fsm_node_restat(struct fsm_node *node, const struct fsm_stat *stat);

/*
 * What this version adds to the digest of the tree: one term for key and stat, one for key and
 * data, so that a new stat need not read a large node's data again. Fixed by FSM_DIGEST_VERSION.
 */
uint64_t fsm_node_digest(const struct fsm_node *node);
uint64_t fsm_node_digest_stat(const struct fsm_node *node); /* the first term alone */

#endif
