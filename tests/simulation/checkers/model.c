#include "checkers/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_node {
    char path[MODEL_PATH_BYTES];
    size_t parent; /* index of the node above; the root's is its own */
    bool exists;
    uint64_t value;
    uint64_t czxid, mzxid;
    int64_t version;
    uint64_t creates;  /* children ever created: the next suffix */
    uint64_t children; /* that exist */
};

struct model_undo {
    size_t index;
    struct model_node before;
};

struct model {
    uint64_t zxid;
    struct model_node *nodes; /* all that ever were named; [0] is the root */
    size_t count, capacity;
    size_t *table; /* of indexes + 1, by hash of the path; a power of two */
    size_t table_size;
    struct model_undo *undo;
    size_t undo_count, undo_capacity;
};

uint64_t model_hash_name(uint64_t hash, const char *name, size_t bytes)
{
    hash ^= UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    }
    return hash * UINT64_C(0x100000001b3);
}

static size_t *place_of(const struct model *model, const char *path)
{
    size_t at = (size_t)model_hash_name(0, path, strlen(path)) & (model->table_size - 1);
    while (model->table[at] != 0 && strcmp(model->nodes[model->table[at] - 1].path, path) != 0) {
        at = (at + 1) & (model->table_size - 1);
    }
    return &model->table[at];
}

static void make_table(struct model *model, size_t size)
{
    size_t capacity = 0;
    free(model->table);
    model->table = NULL;
    while (capacity < size) {
        model->table = checker_grow(model->table, capacity, &capacity, sizeof(*model->table));
    }
    model->table_size = capacity;
    memset(model->table, 0, capacity * sizeof(*model->table));
    for (size_t i = 0; i < model->count; i++) {
        *place_of(model, model->nodes[i].path) = i + 1;
    }
}

/* The node's index; made, not existing, if it was never named. */
static size_t find(struct model *model, const char *path)
{
    size_t known = *place_of(model, path);
    if (known != 0) {
        return known - 1;
    }
    size_t parent = 0;
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        char above[MODEL_PATH_BYTES];
        memcpy(above, path, (size_t)(slash - path));
        above[slash - path] = '\0';
        parent = find(model, above);
    }
    model->nodes =
        checker_grow(model->nodes, model->count, &model->capacity, sizeof(*model->nodes));
    struct model_node *node = &model->nodes[model->count++];
    *node = (struct model_node){.parent = parent};
    (void)snprintf(node->path, sizeof(node->path), "%s", path);
    if (2 * model->count > model->table_size) {
        make_table(model, 2 * model->table_size);
    } else {
        *place_of(model, path) = model->count;
    }
    return model->count - 1;
}

static struct model_node *node_at(struct model *model, const char *path)
{
    size_t index = find(model, path); /* may move the nodes */
    return &model->nodes[index];
}

struct model *model_create(uint64_t generation)
{
    size_t capacity = 0;
    struct model *model = checker_grow(NULL, 0, &capacity, sizeof(*model));
    *model = (struct model){.zxid = generation << MODEL_GENERATION_SHIFT};
    make_table(model, 1024);
    node_at(model, "/")->exists = true;
    return model;
}

void model_free(struct model *model)
{
    if (model != NULL) {
        free(model->nodes);
        free(model->table);
        free(model->undo);
        free(model);
    }
}

uint64_t model_zxid(const struct model *model)
{
    return model->zxid;
}

/* The node, about to be changed: as it was can be had back. */
static struct model_node *change(struct model *model, size_t index)
{
    model->undo =
        checker_grow(model->undo, model->undo_count, &model->undo_capacity, sizeof(*model->undo));
    model->undo[model->undo_count++] =
        (struct model_undo){.index = index, .before = model->nodes[index]};
    return &model->nodes[index];
}

static void undo_all(struct model *model)
{
    while (model->undo_count > 0) {
        model->undo_count--;
        model->nodes[model->undo[model->undo_count].index] = model->undo[model->undo_count].before;
    }
}

static struct model_result show(const struct model_node *node, int code)
{
    struct model_result result = {.code = code, .exists = node->exists};
    if (code == MODEL_OK && node->exists) {
        result.value = node->value;
        result.czxid = node->czxid;
        result.mzxid = node->mzxid;
        result.version = node->version;
    }
    return result;
}

static struct model_result create(struct model *model, const struct model_step *step, uint64_t zxid)
{
    char path[MODEL_PATH_BYTES];
    memcpy(path, step->path, sizeof(path));
    if (step->sequential) {
        size_t above = node_at(model, step->path)->parent;
        (void)snprintf(path, sizeof(path), "%.55s%010" PRIu64, step->path,
                       model->nodes[above].creates);
    }
    size_t index = find(model, path);
    size_t parent = model->nodes[index].parent;
    struct model_result result;
    if (model->nodes[index].exists) {
        result = show(&model->nodes[index], step->if_absent ? MODEL_OK : MODEL_NODE_EXISTS);
    } else if (!model->nodes[parent].exists) {
        result = show(&model->nodes[index], MODEL_NO_PARENT);
    } else {
        struct model_node *above = change(model, parent);
        above->creates++;
        above->children++;
        struct model_node *node = change(model, index);
        node->exists = true;
        node->value = step->value;
        node->czxid = zxid;
        node->mzxid = zxid;
        node->version = 0;
        node->creates = 0;
        node->children = 0;
        result = show(node, MODEL_OK);
        result.changed = true;
    }
    memcpy(result.path, path, sizeof(path));
    return result;
}

static struct model_result set(struct model *model, const struct model_step *step, uint64_t zxid)
{
    size_t index = find(model, step->path);
    if (!model->nodes[index].exists) {
        return show(&model->nodes[index], MODEL_NO_NODE);
    }
    if (step->version != MODEL_ANY_VERSION && step->version != model->nodes[index].version) {
        return show(&model->nodes[index], MODEL_BAD_VERSION);
    }
    struct model_node *node = change(model, index);
    node->value = step->value;
    node->mzxid = zxid;
    node->version++;
    struct model_result result = show(node, MODEL_OK);
    result.changed = true;
    return result;
}

static struct model_result delete (struct model *model, const struct model_step *step)
{
    size_t index = find(model, step->path);
    const struct model_node *node = &model->nodes[index];
    if (!node->exists) {
        return show(node, step->if_present ? MODEL_OK : MODEL_NO_NODE);
    }
    if (step->version != MODEL_ANY_VERSION && step->version != node->version) {
        return show(node, MODEL_BAD_VERSION);
    }
    if (node->children > 0) {
        return show(node, MODEL_NOT_EMPTY);
    }
    change(model, node->parent)->children--;
    change(model, index)->exists = false;
    return (struct model_result){.code = MODEL_OK, .changed = true};
}

static int by_path(const void *a, const void *b)
{
    const struct model_node *const *left = a;
    const struct model_node *const *right = b;
    return strcmp((*left)->path, (*right)->path);
}

static struct model_result children(struct model *model, const struct model_step *step)
{
    size_t index = find(model, step->path);
    struct model_result result =
        show(&model->nodes[index], model->nodes[index].exists ? MODEL_OK : MODEL_NO_NODE);
    const struct model_node **found = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 1; i < model->count && result.code == MODEL_OK; i++) {
        if (model->nodes[i].exists && model->nodes[i].parent == index) {
            found = checker_grow(found, count, &capacity, sizeof(*found));
            found[count++] = &model->nodes[i];
        }
    }
    if (count > 1) {
        qsort(found, count, sizeof(*found), by_path);
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = strrchr(found[i]->path, '/') + 1;
        result.children_hash = model_hash_name(result.children_hash, name, strlen(name));
    }
    result.children = count;
    free(found);
    return result;
}

static struct model_result carry_out(struct model *model, const struct model_step *step,
                                     uint64_t zxid)
{
    switch (step->kind) {
    case MODEL_CREATE:
        return create(model, step, zxid);
    case MODEL_SET:
        return set(model, step, zxid);
    case MODEL_DELETE:
        return delete (model, step);
    case MODEL_CHILDREN:
        return children(model, step);
    case MODEL_GET:
    case MODEL_EXISTS:
    case MODEL_TXN:
        break;
    }
    const struct model_node *node = node_at(model, step->path);
    bool found = node->exists || step->kind == MODEL_EXISTS;
    return show(node, found ? MODEL_OK : MODEL_NO_NODE);
}

static bool holds(struct model *model, const struct model_compare *compare)
{
    if (compare->target == 0) {
        return true;
    }
    const struct model_node *node = node_at(model, compare->path);
    if (compare->target == MODEL_COMPARE_EXISTS) {
        return node->exists == (compare->number != 0);
    }
    return node->exists && node->version == compare->number;
}

struct model_result model_try(struct model *model, const struct model_command *command)
{
    bool succeeded = holds(model, &command->compare);
    const struct model_step *steps = succeeded ? command->then_steps : command->else_steps;
    size_t count = succeeded ? command->then_count : command->else_count;
    struct model_result result = {.code = MODEL_OK};
    bool changed = false;
    if (!succeeded && count == 0) {
        result.code = MODEL_COMPARE_FAILED;
    }
    for (size_t i = 0; i < count && result.code == MODEL_OK; i++) {
        result = carry_out(model, &steps[i], model->zxid + 1);
        changed = changed || result.changed;
    }
    undo_all(model);
    result.succeeded = succeeded;
    result.changed = changed && result.code == MODEL_OK;
    result.zxid = model->zxid + (result.changed ? 1 : 0);
    return result;
}

struct model_result model_apply(struct model *model, const struct model_command *command)
{
    struct model_result result = model_try(model, command);
    if (result.changed) {
        const struct model_step *steps =
            result.succeeded ? command->then_steps : command->else_steps;
        size_t count = result.succeeded ? command->then_count : command->else_count;
        for (size_t i = 0; i < count; i++) {
            (void)carry_out(model, &steps[i], result.zxid);
        }
        model->undo_count = 0;
        model->zxid = result.zxid;
    }
    return result;
}
