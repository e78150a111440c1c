#include "recipes/copy.h"

#include "src/client_internal.h"

#include <string.h>

/*
 * A place for each node, and for each ancestor of one up to the top, found by going down through
 * arrays of children that are in the order of their names. Children come mostly in order, so they
 * are mostly put at the end.
 */

#define CHILDREN_CAPACITY_FIRST ((size_t)4)

struct copy_place {
    struct copy_place *parent;                   /* NULL: of the top */
    struct copy_place **children;                /* owned, as they are */
    struct copied_node *node;                    /* NULL: not there, or not to be seen */
    struct copy_place *next_todo, *next_emptied; /* of a batch */
    size_t children_count, children_capacity;
    uint32_t pins;   /* of a batch: it is not freed */
    bool is_emptied; /* one of those is of its emptied list */
    bool is_named;   /* among the children that a change names */
    size_t name_bytes;
    char name[];
};

/* ---- Nodes ---- */

static struct copied_node *make_node(const char *path, const struct coord_node_stat *stat,
                                     const void *data, size_t data_bytes)
{
    size_t path_bytes = strlen(path) + 1;
    size_t bytes = sizeof(struct copied_node) + path_bytes + data_bytes + 1;
    struct copied_node *node = client_malloc(bytes);
    if (node == NULL) {
        return NULL;
    }
    char *at = node->text;
    memcpy(at, path, path_bytes);
    if (data_bytes != 0) {
        memcpy(at + path_bytes, data, data_bytes);
    }
    at[path_bytes + data_bytes] = '\0';
    atomic_init(&node->refs, 1);
    node->stat = *stat;
    node->shown = (struct coord_cached){
        .path = at, .stat = &node->stat, .data = at + path_bytes, .data_bytes = data_bytes};
    node->bytes = bytes;
    return node;
}

struct copied_node *copied_node_ref(struct copied_node *node)
{
    (void)atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    return node;
}

void copied_node_unref(struct copied_node *node)
{
    if (node != NULL && atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) == 1) {
        client_free(node);
    }
}

/* ---- Places ---- */

static size_t bytes_of(const struct copy_place *place)
{
    return sizeof(*place) + sizeof(struct copy_place *) + place->name_bytes;
}

/* NULL: no memory. */
static struct copy_place *make_place(struct copy *copy, struct copy_place *parent, const char *name,
                                     size_t name_bytes)
{
    struct copy_place *place = client_calloc(1, sizeof(*place) + name_bytes);
    if (place != NULL) {
        place->parent = parent;
        place->name_bytes = name_bytes;
        if (name_bytes != 0) {
            memcpy(place->name, name, name_bytes);
        }
        copy->bytes += bytes_of(place);
    }
    return place;
}

static int compare(const struct copy_place *place, const char *name, size_t name_bytes)
{
    size_t common = place->name_bytes < name_bytes ? place->name_bytes : name_bytes;
    int order = memcmp(place->name, name, common);
    return order != 0 ? order : (place->name_bytes > name_bytes) - (place->name_bytes < name_bytes);
}

/* Where the child is, or would be. */
static size_t seek(const struct copy_place *parent, const char *name, size_t name_bytes,
                   bool *ret_found)
{
    size_t low = 0;
    size_t high = parent->children_count;
    *ret_found = false;
    if (high != 0 && compare(parent->children[high - 1], name, name_bytes) < 0) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(parent->children[middle], name, name_bytes);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return low;
}

static struct copy_place *child_of(const struct copy_place *parent, const char *name,
                                   size_t name_bytes)
{
    bool found = false;
    size_t index = seek(parent, name, name_bytes, &found);
    return found ? parent->children[index] : NULL;
}

/* One more child fits. False: no memory. */
static bool make_room(struct copy_place *parent)
{
    if (parent->children_count < parent->children_capacity) {
        return true;
    }
    size_t capacity =
        parent->children_capacity != 0 ? 2 * parent->children_capacity : CHILDREN_CAPACITY_FIRST;
    struct copy_place **children = client_calloc(capacity, sizeof(*children));
    if (children == NULL) {
        return false;
    }
    if (parent->children_count != 0) {
        memcpy(children, parent->children, parent->children_count * sizeof(*children));
    }
    client_free(parent->children);
    parent->children = children;
    parent->children_capacity = capacity;
    return true;
}

/* The child, made where it is missing. NULL: no memory. */
static struct copy_place *need_child(struct copy *copy, struct copy_place *parent, const char *name,
                                     size_t name_bytes)
{
    bool found = false;
    size_t index = seek(parent, name, name_bytes, &found);
    if (found) {
        return parent->children[index];
    }
    struct copy_place *place =
        make_room(parent) ? make_place(copy, parent, name, name_bytes) : NULL;
    if (place != NULL) {
        memmove(&parent->children[index + 1], &parent->children[index],
                (parent->children_count - index) * sizeof(struct copy_place *));
        parent->children[index] = place;
        parent->children_count++;
    }
    return place;
}

static void free_place(struct copy *copy, struct copy_place *place)
{
    copy->bytes -= bytes_of(place);
    copied_node_unref(place->node);
    client_free(place->children);
    client_free(place);
}

/* It goes, and what it leaves empty above, if nobody needs it. */
static void prune(struct copy *copy, struct copy_place *place)
{
    while (place->node == NULL && place->children_count == 0 && place->pins == 0 &&
           place->parent != NULL) {
        struct copy_place *parent = place->parent;
        bool found = false;
        size_t index = seek(parent, place->name, place->name_bytes, &found);
        CD_ASSERT(found);
        parent->children_count--;
        memmove(&parent->children[index], &parent->children[index + 1],
                (parent->children_count - index) * sizeof(struct copy_place *));
        free_place(copy, place);
        place = parent;
    }
}

/* What of `path` is below the top: "" or "/a/b". NULL: it is not below it. */
static const char *below(const struct copy *copy, const char *path)
{
    size_t bytes = strcmp(copy->path, "/") == 0 ? 0 : strlen(copy->path);
    if (strncmp(path, copy->path, bytes) != 0 || (path[bytes] != '/' && path[bytes] != '\0')) {
        return NULL;
    }
    return strcmp(path, copy->path) == 0 ? "" : path + bytes;
}

/* The place of a path below the top, made where it is missing. NULL: no memory. */
static struct copy_place *need_place(struct copy *copy, const char *path)
{
    const char *rest = below(copy, path);
    struct copy_place *place = copy->top;
    while (place != NULL && *rest == '/') {
        const char *name = rest + 1;
        size_t bytes = strcspn(name, "/");
        struct copy_place *child = need_child(copy, place, name, bytes);
        if (child == NULL) {
            prune(copy, place);
        }
        place = child;
        rest = name + bytes;
    }
    return place;
}

static const struct copy_place *find_place(const struct copy *copy, const char *path)
{
    const char *rest = below(copy, path);
    const struct copy_place *place = rest != NULL ? copy->top : NULL;
    while (place != NULL && *rest == '/') {
        const char *name = rest + 1;
        size_t bytes = strcspn(name, "/");
        place = child_of(place, name, bytes);
        rest = name + bytes;
    }
    return place;
}

/* Takes `node`, NULL for none. */
static void set_node(struct copy *copy, struct copy_place *place, struct copied_node *node)
{
    copy->bytes -= place->node != NULL ? place->node->bytes : 0;
    copied_node_unref(place->node);
    place->node = node;
    copy->bytes += node != NULL ? node->bytes : 0;
}

/* ---- Life ---- */

bool copy_init(struct copy *copy, const char *path)
{
    *copy = (struct copy){.path = client_strdup(path)};
    copy->top = copy->path != NULL ? make_place(copy, NULL, NULL, 0) : NULL;
    if (copy->top == NULL) {
        client_free(copy->path);
        *copy = (struct copy){.path = NULL};
        return false;
    }
    return true;
}

void copy_release(struct copy *copy)
{
    struct copy_place *place = copy->top;
    while (place != NULL) { /* the last of the last of the last, and so on */
        if (place->children_count != 0) {
            place = place->children[--place->children_count];
        } else {
            struct copy_place *parent = place->parent;
            free_place(copy, place);
            place = parent;
        }
    }
    client_free(copy->path);
    *copy = (struct copy){.path = NULL};
}

/* ---- Filling ---- */

enum coord_code copy_add(struct copy *copy, const char *path, const struct coord_node_stat *stat,
                         const void *data, size_t data_bytes)
{
    if (path == NULL || stat == NULL || below(copy, path) == NULL) {
        return COORD_MALFORMED;
    }
    struct copy_place *place = need_place(copy, path);
    struct copied_node *node = place != NULL ? make_node(path, stat, data, data_bytes) : NULL;
    if (node == NULL) {
        return COORD_NO_MEMORY;
    }
    set_node(copy, place, node);
    return COORD_OK;
}

enum coord_code copy_add_page(struct copy *copy, const struct coord_result *page)
{
    enum coord_code code = COORD_OK;
    for (size_t i = 0; i < coord_result_nodes_count(page) && code == COORD_OK; i++) {
        size_t bytes = 0;
        const void *data = coord_result_node_data(page, i, &bytes);
        code = copy_add(copy, coord_result_node_path(page, i), coord_result_node_stat(page, i),
                        data, bytes);
    }
    return code;
}

/* ---- Batches ---- */

/* What becomes of one place. */
struct copy_step {
    struct copy_step *next;
    struct copy_place *place;
    struct copied_node *node;                /* owned; NULL: it goes */
    uint64_t zxid;                           /* of an event */
    const struct coord_changed_node *change; /* or this; borrowed */
};

void copy_batch_init(struct copy_batch *batch, struct copy *copy)
{
    *batch = (struct copy_batch){.copy = copy};
    client_arena_init(&batch->arena, SIZE_MAX);
    batch->end = &batch->first;
    batch->emptied_end = &batch->emptied;
}

/* NULL: no memory. */
static struct copy_step *add_step(struct copy_batch *batch, const char *path)
{
    struct copy_step *step = client_arena_get(&batch->arena, sizeof(*step));
    struct copy_place *place = step != NULL ? need_place(batch->copy, path) : NULL;
    if (place == NULL) {
        return NULL;
    }
    step->place = place;
    place->pins++;
    *batch->end = step;
    batch->end = &step->next;
    return step;
}

/* Its counts will be changed: C2. False: no memory. */
static bool make_own(struct copy_place *place)
{
    struct copied_node *node = place != NULL ? place->node : NULL;
    if (node == NULL || atomic_load_explicit(&node->refs, memory_order_acquire) == 1) {
        return true;
    }
    struct copied_node *own =
        make_node(node->shown.path, &node->stat, node->shown.data, node->shown.data_bytes);
    if (own == NULL) {
        return false;
    }
    copied_node_unref(node);
    place->node = own;
    return true;
}

enum coord_code copy_batch_add_event(struct copy_batch *batch, const struct coord_event *event)
{
    bool goes = event->kind == COORD_EVENT_DELETED;
    if (event->path == NULL || (event->stat == NULL && !goes) ||
        below(batch->copy, event->path) == NULL) {
        return COORD_MALFORMED;
    }
    struct copy_step *step = add_step(batch, event->path);
    if (step == NULL || !make_own(step->place->parent)) {
        return COORD_NO_MEMORY;
    }
    step->zxid = event->zxid;
    batch->acl_moved = batch->acl_moved || event->kind == COORD_EVENT_ACL_CHANGED;
    if (goes) {
        return COORD_OK;
    }
    step->node = make_node(event->path, event->stat, event->data, event->data_bytes);
    return step->node != NULL ? COORD_OK : COORD_NO_MEMORY;
}

static enum coord_code add_change(struct copy_batch *batch, const struct coord_changed_node *change)
{
    if (change->path == NULL || change->stat == NULL || below(batch->copy, change->path) == NULL) {
        return COORD_MALFORMED;
    }
    struct copy_step *step = add_step(batch, change->path);
    if (step == NULL) {
        return COORD_NO_MEMORY;
    }
    const struct coord_node_stat *stat = change->stat;
    const struct copied_node *old = step->place->node;
    const void *data = change->data;
    size_t bytes = change->data_bytes;
    if (stat->mzxid <= batch->since) {
        if (old == NULL || old->stat.czxid != stat->czxid) {
            return COORD_NO_NODE;
        }
        data = old->shown.data;
        bytes = old->shown.data_bytes;
    }
    batch->acl_moved =
        batch->acl_moved || (stat->azxid > batch->since && stat->czxid <= batch->since);
    step->change = change;
    step->node = make_node(change->path, stat, data, bytes);
    return step->node != NULL ? COORD_OK : COORD_NO_MEMORY;
}

enum coord_code copy_batch_add_changes(struct copy_batch *batch, const struct coord_result *page)
{
    enum coord_code code = COORD_OK;
    for (size_t i = 0; i < coord_result_changes_count(page) && code == COORD_OK; i++) {
        code = add_change(batch, coord_result_change(page, i));
    }
    return code;
}

/* ---- Applying: cannot fail ---- */

/* C3. What a replica has counted itself is newer. */
static void count_child(struct copy_place *parent, uint64_t zxid, int64_t more)
{
    if (parent != NULL && parent->node != NULL) {
        struct coord_node_stat *stat = &parent->node->stat;
        stat->pzxid = zxid;
        stat->cversion++;
        stat->num_children += more;
    }
}

static void apply_event(struct copy_batch *batch, struct copy_step *step)
{
    struct copy_place *place = step->place;
    bool was_there = place->node != NULL;
    bool is_there = step->node != NULL;
    batch->changed = batch->changed || was_there || is_there;
    set_node(batch->copy, place, step->node);
    step->node = NULL;
    if (was_there != is_there) {
        count_child(place->parent, step->zxid, is_there ? 1 : -1);
    }
}

/* All below it goes, and itself. Places stay until the batch is released. */
static void empty(struct copy_batch *batch, struct copy_place *place)
{
    struct copy_place *todo = place;
    place->next_todo = NULL;
    while (todo != NULL) {
        struct copy_place *at = todo;
        todo = at->next_todo;
        for (size_t i = 0; i < at->children_count; i++) { /* the last one comes first */
            at->children[i]->next_todo = todo;
            todo = at->children[i];
        }
        set_node(batch->copy, at, NULL);
        if (!at->is_emptied) {
            at->is_emptied = true;
            at->pins++;
            at->next_emptied = NULL;
            *batch->emptied_end = at;
            batch->emptied_end = &at->next_emptied;
        }
    }
}

static void apply_names(struct copy_batch *batch, struct copy_place *place,
                        const struct coord_changed_node *change)
{
    for (size_t i = 0; i < change->child_names_count; i++) {
        const char *name = change->child_names[i];
        struct copy_place *child = child_of(place, name, strlen(name));
        if (child != NULL) {
            child->is_named = true;
        }
    }
    for (size_t i = place->children_count; i > 0 && !change->child_names_follow; i--) {
        struct copy_place *child = place->children[i - 1];
        if (!child->is_named) {
            empty(batch, child);
        }
        child->is_named = false;
    }
}

void copy_batch_apply(struct copy_batch *batch)
{
    for (struct copy_step *step = batch->first; step != NULL; step = step->next) {
        if (step->change == NULL) {
            apply_event(batch, step);
            continue;
        }
        if (step->change->children_changed) {
            apply_names(batch, step->place, step->change);
        }
        set_node(batch->copy, step->place, step->node);
        step->node = NULL;
        batch->changed = true;
    }
}

void copy_batch_release(struct copy_batch *batch)
{
    while (batch->emptied != NULL) {
        struct copy_place *place = batch->emptied;
        batch->emptied = place->next_emptied;
        place->is_emptied = false;
        place->pins--;
        prune(batch->copy, place);
    }
    for (struct copy_step *step = batch->first; step != NULL; step = step->next) {
        copied_node_unref(step->node);
        step->place->pins--;
        prune(batch->copy, step->place);
    }
    client_arena_release(&batch->arena);
}

/* ---- What it shows ---- */

struct copied_node *copy_find(const struct copy *copy, const char *path)
{
    const struct copy_place *place = find_place(copy, path);
    return place != NULL ? place->node : NULL;
}

size_t copy_children(const struct copy *copy, const char *path, struct copied_node **ret_nodes)
{
    const struct copy_place *place = find_place(copy, path);
    size_t count = 0;
    for (size_t i = 0; place != NULL && i < place->children_count; i++) {
        struct copied_node *node = place->children[i]->node;
        if (node != NULL && ret_nodes != NULL) {
            ret_nodes[count] = node;
        }
        count += node != NULL ? 1 : 0;
    }
    return count;
}

/* A state of a node is named by the zxids that last changed it. */
static bool is_same(const struct copied_node *node, const struct copied_node *other)
{
    if (node == NULL || other == NULL) {
        return node == other;
    }
    return node->stat.czxid == other->stat.czxid && node->stat.mzxid == other->stat.mzxid &&
           node->stat.pzxid == other->stat.pzxid && node->stat.azxid == other->stat.azxid &&
           node->stat.num_children == other->stat.num_children;
}

/* The place after it in an order in which all below a place follow it. NULL: it was the last. */
static const struct copy_place *place_after(const struct copy_place *place)
{
    if (place->children_count != 0) {
        return place->children[0];
    }
    while (place->parent != NULL) {
        const struct copy_place *parent = place->parent;
        bool found = false;
        size_t index = seek(parent, place->name, place->name_bytes, &found);
        if (index + 1 < parent->children_count) {
            return parent->children[index + 1];
        }
        place = parent;
    }
    return NULL;
}

bool copy_equals(const struct copy *copy, const struct copy *other)
{
    const struct copy_place *left = copy->top;
    const struct copy_place *right = other->top;
    while (left != NULL && right != NULL && is_same(left->node, right->node) &&
           left->children_count == right->children_count &&
           compare(left, right->name, right->name_bytes) == 0) {
        left = place_after(left);
        right = place_after(right);
    }
    return left == NULL && right == NULL;
}
