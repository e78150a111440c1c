#ifndef COORD_RECIPES_COPY_H
#define COORD_RECIPES_COPY_H

#include "coord/recipes.h"

#include "src/memory.h"

#include <stdatomic.h>

/*
 * A copy of a node and of what is below it, as far as its owner fills it: what a cache shows. Pure;
 * one thread at a time, but for nodes that others hold on to.
 *
 * Invariants
 *   C1 What is applied is applied whole, or, without memory, not at all.
 *   C2 A node that anybody else refers to never changes.
 *   C3 A parent's counts follow the creates and deletes of children that are applied as events;
 *      what is read has its counts from the replica.
 */

/* As others see it, and all that this points to. The last that refers to it frees it; any thread.
 */
struct copied_node {
    atomic_size_t refs;
    struct coord_cached shown;
    struct coord_node_stat stat;
    size_t bytes; /* of memory */
    char text[];
};

struct copied_node *copied_node_ref(struct copied_node *node);
void copied_node_unref(struct copied_node *node); /* accepts NULL */

struct copy_place;

struct copy {
    struct copy_place *top;
    char *path;   /* owned */
    size_t bytes; /* of memory */
};

/* Empty. `path` is the node's that is copied with what is below it. False: no memory. */
CD_MUST_USE bool copy_init(struct copy *copy, const char *path);
void copy_release(struct copy *copy); /* accepts one that is zeroed */

/* Into an empty copy, what a replica has read: a node, which is not there yet, or a page of
 * coord_list. COORD_OK; COORD_NO_MEMORY, COORD_MALFORMED: it is to be thrown away. */
CD_MUST_USE enum coord_code copy_add(struct copy *copy, const char *path,
                                     const struct coord_node_stat *stat, const void *data,
                                     size_t data_bytes);
CD_MUST_USE enum coord_code copy_add_page(struct copy *copy, const struct coord_result *page);

/*
 * All that a change altered, to be applied in one step: events of one zxid, or all pages of
 * coord_changed_since.
 */
struct copy_step;

struct copy_batch {
    struct copy *copy;
    uint64_t since; /* of coord_changed_since */
    struct client_arena arena;
    struct copy_step *first, **end;
    struct copy_place *emptied, **emptied_end;
    bool changed;   /* the copy, by applying it */
    bool acl_moved; /* an ACL was set: others may be seen, or not any more */
};

void copy_batch_init(struct copy_batch *batch, struct copy *copy);

/* Nothing is seen of it yet. COORD_OK, COORD_NO_MEMORY, COORD_MALFORMED; COORD_NO_NODE: data that
 * did not change are wanted of a node that the copy does not have. */
CD_MUST_USE enum coord_code copy_batch_add_event(struct copy_batch *batch,
                                                 const struct coord_event *event);
/* `page` lives until the batch is applied. */
CD_MUST_USE enum coord_code copy_batch_add_changes(struct copy_batch *batch,
                                                   const struct coord_result *page);

void copy_batch_apply(struct copy_batch *batch);

/* After it was applied, or instead. */
void copy_batch_release(struct copy_batch *batch);

/* NULL: it is not there. Belongs to the copy. */
struct copied_node *copy_find(const struct copy *copy, const char *path);

/* The children of `path`, in byte order of their names: into `ret_nodes`, if it is not NULL, which
 * has room for as many as were returned before. */
size_t copy_children(const struct copy *copy, const char *path, struct copied_node **ret_nodes);

/* Whether both show the same. */
bool copy_equals(const struct copy *copy, const struct copy *other);

#endif
