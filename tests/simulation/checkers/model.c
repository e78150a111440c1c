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
    uint64_t creates;  /* children ever created, or more: the next suffix */
    uint64_t children; /* that exist */
    uint64_t owner;
    bool sequential;
    bool is_number;
    enum model_node_kind kind;
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
    struct model_change *changes;
    size_t changes_count, changes_capacity;
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
        free(model->changes);
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

static struct model_change describe(const struct model_node *node, enum model_change_kind kind)
{
    struct model_change change = {
        .kind = kind,
        .value = kind == MODEL_DELETED ? 0 : node->value,
        .previous = kind == MODEL_DELETED ? node->value : 0,
        .czxid = node->czxid,
        .mzxid = node->mzxid,
        .version = node->version,
        .owner = node->owner,
        .sequential = node->sequential,
        .node_kind = node->kind,
    };
    memcpy(change.path, node->path, sizeof(change.path));
    return change;
}

static void note(struct model *model, struct model_change change)
{
    model->changes = checker_grow(model->changes, model->changes_count, &model->changes_capacity,
                                  sizeof(*model->changes));
    model->changes[model->changes_count++] = change;
}

static void make_node(struct model *model, size_t index, uint64_t zxid, struct model_node facts)
{
    struct model_node *above = change(model, model->nodes[index].parent);
    above->creates++;
    above->children++;
    struct model_node *node = change(model, index);
    memcpy(facts.path, node->path, sizeof(facts.path));
    facts.parent = node->parent;
    facts.exists = true;
    facts.czxid = zxid;
    facts.mzxid = zxid;
    *node = facts;
    note(model, describe(node, MODEL_CREATED));
}

static void set_node(struct model *model, size_t index, uint64_t zxid, uint64_t value)
{
    struct model_node *node = change(model, index);
    uint64_t previous = node->value;
    node->value = value;
    node->mzxid = zxid;
    node->version++;
    struct model_change made = describe(node, MODEL_CHANGED);
    made.previous = previous;
    note(model, made);
}

static void remove_node(struct model *model, size_t index)
{
    note(model, describe(&model->nodes[index], MODEL_DELETED));
    change(model, model->nodes[index].parent)->children--;
    change(model, index)->exists = false;
}

/* The path of a sequential node: behind what was made, and behind what stands there by hand. */
static void add_suffix(struct model *model, const struct model_step *step, char *path)
{
    size_t above = node_at(model, step->path)->parent;
    for (uint64_t suffix = model->nodes[above].creates;; suffix++) {
        (void)snprintf(path, MODEL_PATH_BYTES, "%.55s%0*" PRIu64, step->path, MODEL_SUFFIX_DIGITS,
                       suffix);
        size_t index = find(model, path);
        if (!model->nodes[index].exists) {
            if (model->nodes[above].exists) {
                change(model, above)->creates = suffix;
            }
            return;
        }
    }
}

static struct model_result create(struct model *model, const struct model_step *step, uint64_t zxid,
                                  uint64_t session)
{
    char path[MODEL_PATH_BYTES];
    memcpy(path, step->path, sizeof(path));
    if (step->sequential) {
        add_suffix(model, step, path);
    }
    size_t index = find(model, path);
    size_t parent = model->nodes[index].parent;
    struct model_result result;
    if (model->nodes[index].exists) {
        result = show(&model->nodes[index], step->if_absent ? MODEL_OK : MODEL_NODE_EXISTS);
    } else if (!model->nodes[parent].exists) {
        result = show(&model->nodes[index], MODEL_NO_PARENT);
    } else if (model->nodes[parent].kind == MODEL_EPHEMERAL) {
        result = show(&model->nodes[index], MODEL_NO_CHILDREN_FOR_EPHEMERALS);
    } else {
        make_node(model, index, zxid,
                  (struct model_node){
                      .value = step->value,
                      .owner = step->node_kind == MODEL_EPHEMERAL ? session : 0,
                      .sequential = step->sequential,
                      .is_number = step->is_number,
                      .kind = step->node_kind,
                  });
        result = show(&model->nodes[index], MODEL_OK);
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
    set_node(model, index, zxid, step->value);
    model->nodes[index].is_number = step->is_number;
    struct model_result result = show(&model->nodes[index], MODEL_OK);
    result.changed = true;
    return result;
}

static struct model_result increment(struct model *model, const struct model_step *step,
                                     uint64_t zxid)
{
    size_t index = find(model, step->path);
    if (!model->nodes[index].exists && step->if_absent && step->version == MODEL_ANY_VERSION) {
        struct model_step made = *step;
        made.value = (uint64_t)step->delta;
        made.is_number = true;
        made.node_kind = MODEL_PERSISTENT;
        return create(model, &made, zxid, 0);
    }
    if (!model->nodes[index].exists) {
        return show(&model->nodes[index], MODEL_NO_NODE);
    }
    if (step->version != MODEL_ANY_VERSION && step->version != model->nodes[index].version) {
        return show(&model->nodes[index], MODEL_BAD_VERSION);
    }
    if (!model->nodes[index].is_number) {
        return show(&model->nodes[index], MODEL_NOT_A_NUMBER);
    }
    set_node(model, index, zxid, model->nodes[index].value + (uint64_t)step->delta);
    struct model_result result = show(&model->nodes[index], MODEL_OK);
    result.changed = true;
    return result;
}

static bool is_below(const struct model_node *node, const char *path)
{
    size_t bytes = strlen(path);
    return strncmp(node->path, path, bytes) == 0 && node->path[bytes] == '/';
}

static int by_depth(const void *a, const void *b)
{
    const struct model_node *const *left = a;
    const struct model_node *const *right = b;
    return -strcmp((*left)->path, (*right)->path);
}

static size_t remove_below(struct model *model, const char *path)
{
    const struct model_node **found = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 1; i < model->count; i++) {
        if (model->nodes[i].exists && is_below(&model->nodes[i], path)) {
            found = checker_grow(found, count, &capacity, sizeof(*found));
            found[count++] = &model->nodes[i];
        }
    }
    if (count > 1) {
        qsort(found, count, sizeof(*found), by_depth);
    }
    for (size_t i = 0; i < count; i++) {
        remove_node(model, (size_t)(found[i] - model->nodes));
    }
    free(found);
    return count;
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
    if (node->children > 0 && !step->recursive) {
        return show(node, MODEL_NOT_EMPTY);
    }
    if (node->children > 0) {
        (void)remove_below(model, step->path);
    }
    remove_node(model, index);
    return (struct model_result){.code = MODEL_OK, .changed = true};
}

static struct model_result count_below(struct model *model, const struct model_step *step)
{
    size_t index = find(model, step->path);
    bool exists = model->nodes[index].exists;
    struct model_result result = show(&model->nodes[index], exists ? MODEL_OK : MODEL_NO_NODE);
    const char *path = strcmp(step->path, "/") == 0 ? "" : step->path;
    for (size_t i = 1; i < model->count && exists; i++) {
        result.children += model->nodes[i].exists && is_below(&model->nodes[i], path) ? 1 : 0;
    }
    return result;
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
                                     uint64_t zxid, uint64_t session)
{
    switch (step->kind) {
    case MODEL_CREATE:
        return create(model, step, zxid, session);
    case MODEL_SET:
        return set(model, step, zxid);
    case MODEL_INCREMENT:
        return increment(model, step, zxid);
    case MODEL_DELETE:
        return delete (model, step);
    case MODEL_CHILDREN:
        return children(model, step);
    case MODEL_COUNT:
        return count_below(model, step);
    case MODEL_GET:
    case MODEL_EXISTS:
    case MODEL_TXN:
        break;
    }
    const struct model_node *node = node_at(model, step->path);
    bool found = node->exists || step->kind == MODEL_EXISTS;
    return show(node, found ? MODEL_OK : MODEL_NO_NODE);
}

/* ---- Queues ---- */

static const char *name_of(const struct model_node *node)
{
    return strrchr(node->path, '/') + 1;
}

static uint64_t suffix_of(const struct model_node *node)
{
    const char *name = name_of(node);
    size_t bytes = strlen(name);
    uint64_t suffix = 0;
    for (size_t i = bytes > MODEL_SUFFIX_DIGITS ? bytes - MODEL_SUFFIX_DIGITS : 0; i < bytes; i++) {
        suffix = 10 * suffix + (uint64_t)(name[i] - '0');
    }
    return suffix;
}

static bool is_member(const struct model_node *node, const struct model_node *of,
                      const struct model_queue *queue)
{
    if (!node->exists || !node->sequential || node->parent != of->parent) {
        return false;
    }
    if (queue->prefixes[0][0] == '\0') {
        size_t bytes = strlen(name_of(of)) - MODEL_SUFFIX_DIGITS;
        return strlen(name_of(node)) == bytes + MODEL_SUFFIX_DIGITS &&
               strncmp(name_of(node), name_of(of), bytes) == 0;
    }
    for (size_t i = 0; i < MODEL_PREFIXES_MAX; i++) {
        size_t bytes = strlen(queue->prefixes[i]);
        if (bytes > 0 && strncmp(name_of(node), queue->prefixes[i], bytes) == 0) {
            return true;
        }
    }
    return false;
}

bool model_rank(struct model *model, const char *path, const struct model_queue *queue,
                size_t *ret_rank)
{
    const struct model_node *node = node_at(model, path);
    *ret_rank = 0;
    if (!node->exists || !node->sequential) {
        return node->exists;
    }
    for (size_t i = 1; i < model->count; i++) {
        const struct model_node *other = &model->nodes[i];
        if (other->parent == node->parent && is_member(other, node, queue) &&
            (other->czxid < node->czxid ||
             (other->czxid == node->czxid && suffix_of(other) < suffix_of(node)))) {
            ++*ret_rank;
        }
    }
    return true;
}

static bool holds(struct model *model, const struct model_compare *compare)
{
    if (compare->target == 0) {
        return true;
    }
    const struct model_node *node = node_at(model, compare->path);
    uint64_t number = (uint64_t)compare->number;
    switch (compare->target) {
    case MODEL_COMPARE_EXISTS:
        return node->exists == (compare->number != 0);
    case MODEL_COMPARE_VERSION:
        return node->exists && node->version == compare->number;
    case MODEL_COMPARE_VALUE:
        return node->exists && node->value == number;
    case MODEL_COMPARE_OWNER:
        return node->exists && node->owner == number;
    case MODEL_COMPARE_CZXID:
        return node->exists && node->czxid == number;
    case MODEL_COMPARE_MZXID:
        return node->exists && node->mzxid == number;
    case MODEL_COMPARE_HELD:
        break;
    }
    size_t rank = 0;
    return node->exists && node->czxid == number &&
           model_rank(model, compare->path, &compare->queue, &rank) &&
           rank < (compare->queue.n == 0 ? 1 : compare->queue.n);
}

/* Carries the command out; what it changed can be undone. */
static struct model_result perform(struct model *model, const struct model_command *command)
{
    model->changes_count = 0;
    model->undo_count = 0;
    struct model_result result = {.code = MODEL_OK};
    if (!holds(model, &command->if_held)) {
        result.code = MODEL_NOT_HELD;
        result.zxid = model->zxid;
        return result;
    }
    bool succeeded = holds(model, &command->compare);
    const struct model_step *steps = succeeded ? command->then_steps : command->else_steps;
    size_t count = succeeded ? command->then_count : command->else_count;
    bool changed = false;
    if (!succeeded && count == 0) {
        result.code = MODEL_COMPARE_FAILED;
    }
    for (size_t i = 0; i < count && result.code == MODEL_OK; i++) {
        result = carry_out(model, &steps[i], model->zxid + 1, command->session);
        changed = changed || result.changed;
    }
    result.succeeded = succeeded;
    result.changed = changed && result.code == MODEL_OK;
    result.zxid = model->zxid + (result.changed ? 1 : 0);
    return result;
}

struct model_result model_try(struct model *model, const struct model_command *command)
{
    struct model_result result = perform(model, command);
    undo_all(model);
    model->changes_count = 0;
    return result;
}

struct model_result model_apply(struct model *model, const struct model_command *command)
{
    struct model_result result = perform(model, command);
    if (result.changed) {
        model->undo_count = 0;
        model->zxid = result.zxid;
    } else {
        undo_all(model);
        model->changes_count = 0;
    }
    return result;
}

const struct model_change *model_changes(const struct model *model, size_t *ret_count)
{
    *ret_count = model->changes_count;
    return model->changes;
}

/* ---- Changes as they come ---- */

static bool impose(struct model *model, uint64_t zxid, const struct model_change *made,
                   struct verdict *why)
{
    size_t index = find(model, made->path);
    const struct model_node *node = &model->nodes[index];
    if (node->exists == (made->kind == MODEL_CREATED)) {
        return verdict_fail(why, "%s %s", made->path,
                            node->exists ? "was there already" : "was not there");
    }
    switch (made->kind) {
    case MODEL_CREATED:
        if (!model->nodes[node->parent].exists) {
            return verdict_fail(why, "the parent of %s was not there", made->path);
        }
        make_node(model, index, zxid,
                  (struct model_node){.value = made->value,
                                      .owner = made->owner,
                                      .sequential = made->sequential,
                                      .kind = made->node_kind});
        break;
    case MODEL_CHANGED:
        set_node(model, index, zxid, made->value);
        break;
    case MODEL_DELETED:
        if (node->children > 0) {
            return verdict_fail(why, "%s had children", made->path);
        }
        remove_node(model, index);
        break;
    case MODEL_ACL_CHANGED:
        break;
    }
    return true;
}

bool model_impose(struct model *model, uint64_t zxid, const struct model_change *changes,
                  size_t count, struct verdict *why)
{
    model->changes_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!impose(model, zxid, &changes[i], why)) {
            return false;
        }
    }
    model->undo_count = 0;
    model->zxid = zxid;
    return true;
}

bool model_find(struct model *model, const char *path, struct model_change *ret_node)
{
    const struct model_node *node = node_at(model, path);
    *ret_node = describe(node, MODEL_CHANGED);
    return node->exists;
}

bool model_has_children(struct model *model, const char *path)
{
    return node_at(model, path)->children > 0;
}

size_t model_list_owned(const struct model *model, uint64_t session, struct model_change **nodes,
                        size_t *capacity)
{
    size_t owned = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (model->nodes[i].exists && model->nodes[i].owner == session) {
            *nodes = checker_grow(*nodes, owned, capacity, sizeof(**nodes));
            (*nodes)[owned++] = describe(&model->nodes[i], MODEL_DELETED);
        }
    }
    return owned;
}

/* ---- Answers ---- */

static bool reads(const struct model_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].kind == MODEL_CREATE || steps[i].kind == MODEL_SET ||
            steps[i].kind == MODEL_DELETE || steps[i].kind == MODEL_INCREMENT) {
            return false;
        }
    }
    return true;
}

bool model_is_read(const struct model_command *command)
{
    return reads(command->then_steps, command->then_count) &&
           reads(command->else_steps, command->else_count);
}

static const char *stat_difference(const struct model_result *shown,
                                   const struct model_result *model)
{
    if (shown->version != model->version) {
        return "version";
    }
    if (shown->czxid != model->czxid) {
        return "czxid";
    }
    return shown->mzxid != model->mzxid ? "mzxid" : NULL;
}

static const char *step_difference(enum model_kind kind, const struct model_result *shown,
                                   const struct model_result *model)
{
    switch (kind) {
    case MODEL_CREATE:
        return strcmp(shown->path, model->path) != 0 ? "path" : stat_difference(shown, model);
    case MODEL_GET:
    case MODEL_INCREMENT:
        return shown->value != model->value ? "value" : stat_difference(shown, model);
    case MODEL_SET:
        return stat_difference(shown, model);
    case MODEL_EXISTS:
        return shown->exists != model->exists ? "existence" : stat_difference(shown, model);
    case MODEL_CHILDREN:
        return shown->children != model->children || shown->children_hash != model->children_hash
                   ? "children"
                   : NULL;
    case MODEL_COUNT:
        return shown->children != model->children ? "count" : NULL;
    case MODEL_DELETE:
    case MODEL_TXN:
        break;
    }
    return NULL;
}

const char *model_difference(const struct model_command *command, const struct model_result *shown,
                             const struct model_result *model)
{
    if (shown->code != model->code) {
        return "code";
    }
    if (shown->code == MODEL_NOT_HELD) {
        return NULL;
    }
    if (command->is_txn && shown->succeeded != model->succeeded) {
        return "branch";
    }
    size_t count = model->succeeded ? command->then_count : command->else_count;
    const struct model_step *steps = model->succeeded ? command->then_steps : command->else_steps;
    return model->code != MODEL_OK || count == 0
               ? NULL
               : step_difference(steps[count - 1].kind, shown, model);
}
