#include "model.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *string_of(struct fsm_bytes bytes)
{
    return cd_strndup((const char *)bytes.data, bytes.bytes);
}

static uint8_t *copy_of(const uint8_t *data, size_t bytes)
{
    uint8_t *copy = cd_malloc(bytes);
    if (bytes != 0) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

/* ---- The array ---- */

static void add(struct model *model, const char *path, const struct fsm_stat *stat,
                const uint8_t *data)
{
    model->nodes = cd_realloc(model->nodes, (model->count + 1) * sizeof(*model->nodes));
    model->nodes[model->count] = (struct model_node){
        .path = cd_strdup(path), .data = copy_of(data, stat->data_bytes), .stat = *stat};
    model->count++;
}

static void drop(struct model *model, size_t at)
{
    cd_free(model->nodes[at].path);
    cd_free(model->nodes[at].data);
    model->count--;
    model->nodes[at] = model->nodes[model->count];
}

void model_init(struct model *model, const struct fsm_limits *limits, uint16_t generation)
{
    *model = (struct model){.limits = *limits, .zxid = (uint64_t)generation << 48};
    add(model, "/", &(struct fsm_stat){0}, NULL);
}

static void release_nodes(struct model *model)
{
    while (model->count > 0) {
        drop(model, model->count - 1);
    }
    cd_free(model->nodes);
}

void model_release(struct model *model)
{
    release_nodes(model);
    model_sessions_release(model);
    *model = (struct model){0};
}

static struct model model_copy(const struct model *from)
{
    struct model copy = *from;
    copy.nodes = NULL;
    copy.count = 0;
    for (size_t i = 0; i < from->count; i++) {
        add(&copy, from->nodes[i].path, &from->nodes[i].stat, from->nodes[i].data);
    }
    return copy;
}

static struct model_node *find(const struct model *model, const char *path)
{
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->nodes[i].path, path) == 0) {
            return &model->nodes[i];
        }
    }
    return NULL;
}

const struct model_node *model_find(const struct model *model, const char *path)
{
    return find(model, path);
}

static void parent_of(const char *path, char *to)
{
    memcpy(to, path, strlen(path) + 1);
    char *slash = strrchr(to, '/');
    slash[slash == to ? 1 : 0] = '\0';
}

static bool is_below(const char *path, const char *ancestor)
{
    size_t bytes = strcmp(ancestor, "/") == 0 ? 0 : strlen(ancestor);
    return strncmp(path, ancestor, bytes) == 0 && path[bytes] == '/' && path[1] != '\0';
}

static int order_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **model_children(const struct model *model, const char *path, size_t *ret_count)
{
    char **names = cd_malloc(model->count * sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        char parent[256];
        parent_of(model->nodes[i].path, parent);
        if (strcmp(model->nodes[i].path, "/") != 0 && strcmp(parent, path) == 0) {
            names[count] = cd_strdup(strrchr(model->nodes[i].path, '/') + 1);
            count++;
        }
    }
    qsort(names, count, sizeof(char *), order_strings);
    *ret_count = count;
    return names;
}

void model_children_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cd_free(names[i]);
    }
    cd_free(names);
}

static uint64_t tree_bytes(const struct model *model)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_node *node = &model->nodes[i];
        bytes += (strcmp(node->path, "/") == 0 ? 0 : strlen(node->path)) + node->stat.data_bytes;
    }
    return bytes;
}

/* ---- Results ---- */

static void outcome_clear(struct model_outcome *outcome)
{
    cd_free(outcome->path);
    cd_free(outcome->data);
    *outcome = (struct model_outcome){0};
}

static void changes_clear(struct model_result *result)
{
    for (size_t i = 0; i < result->changes_count; i++) {
        cd_free(result->changes[i].path);
    }
    result->changes_count = 0;
}

void model_result_release(struct model_result *result)
{
    for (size_t i = 0; i < result->outcomes_count; i++) {
        outcome_clear(&result->outcomes[i]);
    }
    changes_clear(result);
    cd_free(result->outcomes);
    cd_free(result->changes);
    *result = (struct model_result){0};
}

static void note(struct model_result *result, enum fsm_change_kind kind, const char *path)
{
    result->changes =
        cd_realloc(result->changes, (result->changes_count + 1) * sizeof(*result->changes));
    result->changes[result->changes_count] =
        (struct model_change){.kind = kind, .path = cd_strdup(path)};
    result->changes_count++;
}

static void show(struct model_outcome *outcome, const struct model_node *node)
{
    outcome->path = cd_strdup(node->path);
    outcome->stat = node->stat;
}

static void refuse(struct model_outcome *outcome, enum cd_status status, const char *limit_name)
{
    *outcome = (struct model_outcome){.status = status, .limit_name = limit_name};
}

/* ---- Form ---- */

static bool path_is_valid(const struct model *model, const char *path)
{
    return path[0] == '/' && strlen(path) <= model->limits.path_bytes &&
           strstr(path, "//") == NULL && (path[1] == '\0' || path[strlen(path) - 1] != '/') &&
           strstr(path, "/../") == NULL && strchr(path, '\x01') == NULL;
}

static bool given_is_valid(const struct model *model, struct fsm_bytes given, const char *suffix)
{
    char *path = string_of(given);
    size_t room = strlen(path) + strlen(suffix) + 1;
    char *whole = cd_malloc(room);
    (void)snprintf(whole, room, "%s%s", path, suffix);
    bool valid = path_is_valid(model, whole);
    cd_free(path);
    cd_free(whole);
    return valid;
}

static enum cd_status form_of_op(const struct model *model, const struct fsm_op *op)
{
    bool root = false;
    switch (op->kind) {
    case FSM_OP_CREATE:
        root = op->create.path.bytes == 1 && !op->create.sequential && !op->create.if_absent;
        if (!given_is_valid(model, op->create.path, op->create.sequential ? "0000000000" : "")) {
            return CD_INVALID_ARGUMENT;
        }
        return root ? CD_ROOT_FIXED
                    : (op->create.data.bytes > model->limits.data_bytes ? CD_TOO_LARGE : CD_OK);
    case FSM_OP_DELETE:
        if (!given_is_valid(model, op->remove.path, "")) {
            return CD_INVALID_ARGUMENT;
        }
        return op->remove.path.bytes == 1 ? CD_ROOT_FIXED : CD_OK;
    case FSM_OP_SET:
        if (!given_is_valid(model, op->set.path, "")) {
            return CD_INVALID_ARGUMENT;
        }
        return op->set.data.bytes > model->limits.data_bytes ? CD_TOO_LARGE : CD_OK;
    case FSM_OP_CHECK:
        return given_is_valid(model, op->check.path, "") ? CD_OK : CD_INVALID_ARGUMENT;
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        return given_is_valid(model, op->read.path, "") ? CD_OK : CD_INVALID_ARGUMENT;
    case FSM_OP_TXN:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
    case FSM_OP_AGREE_DIGEST:
        break;
    }
    abort();
}

static uint64_t bytes_of_op(const struct fsm_op *op)
{
    return op->kind == FSM_OP_CREATE   ? op->create.path.bytes + op->create.data.bytes
           : op->kind == FSM_OP_SET    ? op->set.path.bytes + op->set.data.bytes
           : op->kind == FSM_OP_DELETE ? op->remove.path.bytes
           : op->kind == FSM_OP_CHECK  ? op->check.path.bytes
                                       : op->read.path.bytes;
}

static enum cd_status form_of_branch(const struct model *model, const struct fsm_op *ops,
                                     size_t count, uint64_t *bytes)
{
    if (count > model->limits.txn_ops) {
        return CD_TOO_MANY;
    }
    for (size_t i = 0; i < count; i++) {
        enum cd_status status = form_of_op(model, &ops[i]);
        if (status != CD_OK) {
            return status;
        }
        *bytes += bytes_of_op(&ops[i]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct fsm_op_create *a = &ops[i].create;
            const struct fsm_op_create *b = &ops[j].create;
            if (ops[i].kind == FSM_OP_CREATE && ops[j].kind == FSM_OP_CREATE && a->sequential &&
                b->sequential && a->path.bytes == b->path.bytes &&
                memcmp(a->path.data, b->path.data, a->path.bytes) == 0) {
                return CD_INVALID_ARGUMENT;
            }
        }
    }
    return CD_OK;
}

static enum cd_status form_of(const struct model *model, const struct fsm_op *op)
{
    if (op->kind != FSM_OP_TXN) {
        return form_of_op(model, op);
    }
    const struct fsm_op_txn *txn = &op->txn;
    if (txn->compares_count > model->limits.txn_compares) {
        return CD_TOO_MANY;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < txn->compares_count; i++) {
        if (!given_is_valid(model, txn->compares[i].path, "")) {
            return CD_INVALID_ARGUMENT;
        }
        bytes += txn->compares[i].path.bytes + txn->compares[i].value.bytes;
    }
    enum cd_status status = form_of_branch(model, txn->then_ops, txn->then_count, &bytes);
    if (status == CD_OK) {
        status = form_of_branch(model, txn->else_ops, txn->else_count, &bytes);
    }
    return status == CD_OK && bytes > model->limits.txn_bytes ? CD_TOO_LARGE : status;
}

/* ---- Operations ---- */

/* Whose a command is, and what it has used of its limits. */
struct budget {
    uint64_t session;
    uint64_t nodes;
    uint64_t read_bytes;
};

static void create_one(struct model *model, const char *path, const struct fsm_stat *like,
                       struct fsm_bytes data, uint64_t creates, struct model_result *result)
{
    uint64_t zxid = model->zxid + 1;
    char parent[256];
    parent_of(path, parent);
    struct model_node *above = find(model, parent);
    above->stat.creates = creates != 0 ? creates : above->stat.creates + 1;
    above->stat.children_count++;
    above->stat.pzxid = zxid;
    struct fsm_stat stat = {.czxid = zxid,
                            .mzxid = zxid,
                            .pzxid = zxid,
                            .ctime_ms = model->wall_ms,
                            .mtime_ms = model->wall_ms,
                            .owner = like->owner,
                            .data_bytes = (uint32_t)data.bytes,
                            .kind = like->kind,
                            .suffix_bytes = like->suffix_bytes};
    add(model, path, &stat, data.data);
    note(result, FSM_NODE_CREATED, path);
}

static void make_missing(struct model *model, const char *path, struct model_result *result)
{
    char part[256];
    for (size_t i = 1; path[i] != '\0'; i++) {
        if (path[i] == '/') {
            memcpy(part, path, i);
            part[i] = '\0';
            if (find(model, part) == NULL) {
                create_one(model, part, &(struct fsm_stat){0}, (struct fsm_bytes){0}, 0, result);
            }
        }
    }
}

static void count_missing(const struct model *model, const char *path, uint64_t *ret_nodes,
                          uint64_t *ret_bytes)
{
    char part[256];
    for (size_t i = 1; path[i] != '\0'; i++) {
        if (path[i] == '/') {
            memcpy(part, path, i);
            part[i] = '\0';
            bool missing = find(model, part) == NULL;
            *ret_nodes += missing ? 1 : 0;
            *ret_bytes += missing ? i : 0;
        }
    }
}

/* Completes a sequential path and returns the parent's counter after it, or 0. */
static uint64_t number(const struct model *model, char *path, size_t room)
{
    char parent[256];
    size_t bytes = strlen(path);
    parent_of(path, parent);
    const struct model_node *above = find(model, parent);
    uint64_t n = above != NULL ? above->stat.creates : 0;
    for (;; n++) {
        (void)snprintf(path + bytes, room - bytes, "%010llu", (unsigned long long)n);
        if (find(model, path) == NULL) {
            return n + 1;
        }
    }
}

/* The nearest ancestor that exists. */
static const struct model_node *nearest(const struct model *model, const char *path)
{
    char above[256];
    char up[256];
    parent_of(path, above);
    while (find(model, above) == NULL) {
        parent_of(above, up);
        memcpy(above, up, sizeof(up));
    }
    return find(model, above);
}

static void do_create(struct model *model, const struct fsm_op_create *create,
                      struct budget *budget, struct model_outcome *outcome,
                      struct model_result *result)
{
    char path[256] = "";
    uint64_t creates = 0;
    struct fsm_stat like = {.kind = create->kind};
    like.owner = create->kind == FSM_EPHEMERAL ? budget->session : 0;
    memcpy(path, create->path.data, create->path.bytes);
    if (create->sequential) {
        creates = number(model, path, sizeof(path));
        like.suffix_bytes = (uint8_t)(strlen(path) - create->path.bytes);
    }
    const struct model_node *present = find(model, path);
    if (present != NULL) {
        if (create->if_absent) {
            show(outcome, present);
        } else {
            refuse(outcome, CD_NODE_EXISTS, NULL);
        }
        return;
    }
    uint64_t nodes = 1;
    uint64_t bytes = strlen(path) + create->data.bytes;
    count_missing(model, path, &nodes, &bytes);
    if (nodes > 1 && !create->make_parents) {
        refuse(outcome, CD_NO_PARENT, NULL);
    } else if (nearest(model, path)->stat.kind == FSM_EPHEMERAL) {
        refuse(outcome, CD_NO_CHILDREN_FOR_EPHEMERALS, NULL);
    } else if (like.owner != 0 &&
               model_ephemerals(model, like.owner) == model->limits.session_ephemerals) {
        refuse(outcome, CD_TOO_MANY, "session_ephemerals");
    } else if (budget->nodes + nodes > model->limits.atomic_nodes) {
        refuse(outcome, CD_TOO_MANY, "atomic_nodes");
    } else if (model->count + nodes > model->limits.tree_nodes) {
        refuse(outcome, CD_TOO_MANY, "tree_nodes");
    } else if (tree_bytes(model) + bytes > model->limits.tree_bytes) {
        refuse(outcome, CD_TOO_LARGE, "tree_bytes");
    } else {
        make_missing(model, path, result);
        create_one(model, path, &like, create->data, creates, result);
        budget->nodes += nodes;
        show(outcome, find(model, path));
        outcome->changed = true;
        outcome->nodes_count = nodes;
    }
}

/* Parents first, siblings in the order of their bytes: the slash becomes the lowest byte. */
static int order_paths(const void *a, const void *b)
{
    const char *x = *(char *const *)a;
    const char *y = *(char *const *)b;
    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    int low_x = *x == '/' ? 1 : (int)(unsigned char)*x;
    int low_y = *y == '/' ? 1 : (int)(unsigned char)*y;
    return low_x - low_y;
}

static size_t find_subtree(const struct model *model, const char *path, char ***ret_paths)
{
    char **paths = cd_malloc(model->count * sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        const char *at = model->nodes[i].path;
        if (strcmp(at, path) == 0 || is_below(at, path)) {
            paths[count] = cd_strdup(at);
            count++;
        }
    }
    qsort(paths, count, sizeof(char *), order_paths);
    *ret_paths = paths;
    return count;
}

static void do_delete(struct model *model, const struct fsm_op_delete *remove,
                      struct budget *budget, struct model_outcome *outcome,
                      struct model_result *result)
{
    char path[256] = "";
    char parent[256];
    memcpy(path, remove->path.data, remove->path.bytes);
    const struct model_node *node = find(model, path);
    if (node == NULL) {
        refuse(outcome, remove->if_present ? CD_OK : CD_NO_NODE, NULL);
        return;
    }
    if (remove->version >= 0 && (uint64_t)remove->version != node->stat.version) {
        refuse(outcome, CD_BAD_VERSION, NULL);
        return;
    }
    if (node->stat.children_count > 0 && !remove->recursive) {
        refuse(outcome, CD_NOT_EMPTY, NULL);
        return;
    }
    char **paths;
    size_t count = find_subtree(model, path, &paths);
    if (budget->nodes + count > model->limits.atomic_nodes) {
        refuse(outcome, CD_TOO_MANY, "atomic_nodes");
    } else {
        for (size_t i = count; i > 0; i--) {
            drop(model, (size_t)(find(model, paths[i - 1]) - model->nodes));
            note(result, FSM_NODE_DELETED, paths[i - 1]);
        }
        parent_of(path, parent);
        struct model_node *above = find(model, parent);
        above->stat.children_count--;
        above->stat.pzxid = model->zxid + 1;
        budget->nodes += count;
        outcome->path = cd_strdup(path);
        outcome->changed = true;
        outcome->nodes_count = count;
    }
    model_children_free(paths, count);
}

static void do_set(struct model *model, const struct fsm_op_set *set, struct budget *budget,
                   struct model_outcome *outcome, struct model_result *result)
{
    char *path = string_of(set->path);
    struct model_node *node = find(model, path);
    cd_free(path);
    if (node == NULL) {
        refuse(outcome, CD_NO_NODE, NULL);
    } else if (set->version >= 0 && (uint64_t)set->version != node->stat.version) {
        refuse(outcome, CD_BAD_VERSION, NULL);
    } else if (budget->nodes + 1 > model->limits.atomic_nodes) {
        refuse(outcome, CD_TOO_MANY, "atomic_nodes");
    } else if (set->data.bytes > node->stat.data_bytes &&
               tree_bytes(model) - node->stat.data_bytes + set->data.bytes >
                   model->limits.tree_bytes) {
        refuse(outcome, CD_TOO_LARGE, "tree_bytes");
    } else {
        cd_free(node->data);
        node->data = copy_of(set->data.data, set->data.bytes);
        node->stat.data_bytes = (uint32_t)set->data.bytes;
        node->stat.version++;
        node->stat.mzxid = model->zxid + 1;
        node->stat.mtime_ms = model->wall_ms;
        budget->nodes++;
        note(result, FSM_NODE_SET, node->path);
        show(outcome, node);
        outcome->changed = true;
        outcome->nodes_count = 1;
    }
}

static void do_read(struct model *model, const struct fsm_op *op, struct budget *budget,
                    struct model_outcome *outcome)
{
    char *path = string_of(op->kind == FSM_OP_CHECK ? op->check.path : op->read.path);
    const struct model_node *node = find(model, path);
    cd_free(path);
    if (node == NULL) {
        refuse(outcome, op->kind == FSM_OP_EXISTS ? CD_OK : CD_NO_NODE, NULL);
        return;
    }
    if (op->kind == FSM_OP_CHECK && op->check.version >= 0 &&
        (uint64_t)op->check.version != node->stat.version) {
        refuse(outcome, CD_BAD_VERSION, NULL);
        return;
    }
    if (op->kind == FSM_OP_GET) {
        if (budget->read_bytes + node->stat.data_bytes > model->limits.txn_bytes) {
            refuse(outcome, CD_TOO_LARGE, "txn_bytes");
            return;
        }
        budget->read_bytes += node->stat.data_bytes;
        outcome->shows_data = true;
        outcome->data = copy_of(node->data, node->stat.data_bytes);
    }
    outcome->found = op->kind == FSM_OP_EXISTS;
    show(outcome, node);
}

static void do_op(struct model *model, const struct fsm_op *op, struct budget *budget,
                  struct model_outcome *outcome, struct model_result *result)
{
    if (op->kind == FSM_OP_CREATE) {
        do_create(model, &op->create, budget, outcome, result);
    } else if (op->kind == FSM_OP_DELETE) {
        do_delete(model, &op->remove, budget, outcome, result);
    } else if (op->kind == FSM_OP_SET) {
        do_set(model, &op->set, budget, outcome, result);
    } else {
        do_read(model, op, budget, outcome);
    }
}

static bool holds(const struct model *model, const struct fsm_compare *compare)
{
    char *path = string_of(compare->path);
    const struct model_node *node = find(model, path);
    cd_free(path);
    bool equal = compare->relation == FSM_EQUAL;
    if (compare->target == FSM_COMPARE_EXISTS) {
        return ((node != NULL) == (compare->number == 1)) == equal;
    }
    if (node == NULL) {
        return false;
    }
    if (compare->target == FSM_COMPARE_VALUE) {
        return (compare->value.bytes == node->stat.data_bytes &&
                memcmp(node->data, compare->value.data, compare->value.bytes) == 0) == equal;
    }
    const struct fsm_stat *stat = &node->stat;
    uint64_t has = compare->target == FSM_COMPARE_VERSION ? stat->version
                   : compare->target == FSM_COMPARE_CVERSION
                       ? 2 * stat->creates - stat->children_count
                   : compare->target == FSM_COMPARE_CZXID ? stat->czxid
                   : compare->target == FSM_COMPARE_MZXID ? stat->mzxid
                   : compare->target == FSM_COMPARE_PZXID ? stat->pzxid
                                                          : stat->children_count;
    return equal                                ? has == compare->number
           : compare->relation == FSM_NOT_EQUAL ? has != compare->number
           : compare->relation == FSM_LESS      ? has < compare->number
                                                : has > compare->number;
}

static void do_txn(struct model *model, const struct fsm_op_txn *txn, uint64_t session,
                   struct model_result *result)
{
    size_t failing = 0;
    while (failing < txn->compares_count && holds(model, &txn->compares[failing])) {
        failing++;
    }
    result->compares_held = failing == txn->compares_count;
    if (!result->compares_held && txn->else_count == 0) {
        result->status = CD_COMPARE_FAILED;
        result->failed_index = (int64_t)failing;
        return;
    }
    const struct fsm_op *ops = result->compares_held ? txn->then_ops : txn->else_ops;
    result->outcomes_count = result->compares_held ? txn->then_count : txn->else_count;
    result->outcomes = cd_calloc(result->outcomes_count, sizeof(*result->outcomes));
    struct model before = model_copy(model);
    struct budget budget = {.session = session};
    size_t at = 0;
    while (at < result->outcomes_count && result->status == CD_OK) {
        do_op(model, &ops[at], &budget, &result->outcomes[at], result);
        result->status = result->outcomes[at].status;
        at++;
    }
    if (result->status == CD_OK) {
        release_nodes(&before);
        return;
    }
    result->failed_index = (int64_t)at - 1;
    for (size_t i = 0; i < result->outcomes_count; i++) {
        if ((int64_t)i != result->failed_index) {
            outcome_clear(&result->outcomes[i]);
            result->outcomes[i].status = CD_NOT_APPLIED;
        }
    }
    changes_clear(result);
    release_nodes(model);
    *model = before;
}

/* ---- Sessions ---- */

static bool makes_ephemeral(const struct fsm_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind == FSM_OP_CREATE && ops[i].create.kind == FSM_EPHEMERAL) {
            return true;
        }
    }
    return false;
}

static enum cd_status form_of_command(const struct model *model, const struct fsm_command *command)
{
    const struct fsm_op *op = &command->op;
    const struct fsm_limits *limits = &model->limits;
    if (op->kind == FSM_OP_SET_TIMEOUT) {
        return op->set_timeout.timeout_ms < limits->session_timeout_min_ms ||
                       op->set_timeout.timeout_ms > limits->session_timeout_max_ms
                   ? CD_INVALID_ARGUMENT
                   : CD_OK;
    }
    if (op->kind >= FSM_OP_SET_TIMEOUT) {
        return CD_OK;
    }
    enum cd_status status = form_of(model, op);
    bool ephemeral = op->kind == FSM_OP_TXN
                         ? makes_ephemeral(op->txn.then_ops, op->txn.then_count) ||
                               makes_ephemeral(op->txn.else_ops, op->txn.else_count)
                         : makes_ephemeral(op, 1);
    return status == CD_OK && ephemeral && command->session == 0 ? CD_INVALID_ARGUMENT : status;
}

static void end_session(struct model *model, uint64_t id, struct model_outcome *outcome,
                        struct model_result *result)
{
    char **paths = cd_malloc((model->count + 1) * sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (model->nodes[i].stat.owner == id) {
            paths[count++] = cd_strdup(model->nodes[i].path);
        }
    }
    qsort(paths, count, sizeof(char *), order_paths);
    for (size_t i = 0; i < count; i++) {
        char parent[256];
        drop(model, (size_t)(find(model, paths[i]) - model->nodes));
        note(result, FSM_NODE_DELETED, paths[i]);
        parent_of(paths[i], parent);
        struct model_node *above = find(model, parent);
        above->stat.children_count--;
        above->stat.pzxid = model->zxid + 1;
    }
    model_children_free(paths, count);
    outcome->nodes_count = count;
    outcome->changed = true;
    result->session_ended = id;
    result->changed = true;
}

static void do_open(struct model *model, const struct fsm_command *command,
                    struct model_outcome *outcome, struct model_result *result)
{
    uint32_t timeout_ms = command->op.open_session.timeout_ms;
    const struct fsm_limits *limits = &model->limits;
    if (model->sessions_count == limits->sessions) {
        refuse(outcome, CD_TOO_MANY, "sessions");
        return;
    }
    outcome->timeout_ms =
        timeout_ms == 0                               ? limits->session_timeout_default_ms
        : timeout_ms < limits->session_timeout_min_ms ? limits->session_timeout_min_ms
        : timeout_ms > limits->session_timeout_max_ms ? limits->session_timeout_max_ms
                                                      : timeout_ms;
    outcome->changed = true;
    result->changed = true;
    result->session_opened = model->zxid + 1;
    model_open(model, model->zxid + 1, command->who.id, outcome->timeout_ms);
}

static void do_session_op(struct model *model, const struct fsm_command *command,
                          struct model_outcome *outcome, struct model_result *result)
{
    const struct fsm_op *op = &command->op;
    struct model_session *session = model_session_find(model, command->session, false);
    const struct fsm_op_expire_session *expire = &op->expire_session;
    if (op->kind == FSM_OP_OPEN_SESSION) {
        do_open(model, command, outcome, result);
    } else if (op->kind == FSM_OP_SET_TIMEOUT) {
        outcome->timeout_ms = op->set_timeout.timeout_ms;
        outcome->changed = session->timeout_ms != outcome->timeout_ms;
        result->changed = outcome->changed;
        session->timeout_ms = outcome->timeout_ms;
    } else if (op->kind == FSM_OP_CLOSE) {
        end_session(model, command->session, outcome, result);
    } else if (op->kind == FSM_OP_ATTACH_SESSION) {
        session->attach++;
        outcome->value = (int64_t)session->attach;
    } else if (op->kind == FSM_OP_REFUSE) {
        refuse(outcome, op->refuse.status, NULL);
    } else if (op->kind == FSM_OP_EXPIRE_SESSION) {
        if (expire->leader.round != model->leadership.round ||
            expire->leader.node != model->leadership.node ||
            expire->leader.incarnation != model->leadership.incarnation) {
            refuse(outcome, CD_NOT_APPLIED, NULL);
        } else if (model_session_find(model, expire->session, false) == NULL) {
            refuse(outcome, CD_SESSION_EXPIRED, NULL);
        } else {
            end_session(model, expire->session, outcome, result);
        }
    }
}

static enum cd_status status_of(enum fsm_verdict verdict)
{
    return verdict == FSM_CONFLICT     ? CD_SEQ_CONFLICT
           : verdict == FSM_MOVED      ? CD_SESSION_MOVED
           : verdict == FSM_NO_SESSION ? CD_SESSION_EXPIRED
                                       : CD_NOT_APPLIED;
}

static void carry_out(struct model *model, const struct fsm_command *command,
                      struct model_result *result)
{
    struct budget budget = {.session = command->session};
    if (command->op.kind == FSM_OP_TXN) {
        do_txn(model, &command->op.txn, command->session, result);
        return;
    }
    if (command->op.kind >= FSM_OP_SET_TIMEOUT) {
        do_session_op(model, command, &result->outcomes[0], result);
    } else {
        do_op(model, &command->op, &budget, &result->outcomes[0], result);
    }
    result->status = result->outcomes[0].status;
}

void model_apply(struct model *model, const struct fsm_command *command, uint64_t packed_bytes,
                 struct model_result *result)
{
    *result = (struct model_result){.failed_index = -1, .zxid = model->zxid};
    enum fsm_verdict verdict = model_judge(model, command, result);
    result->verdict = verdict;
    if (verdict == FSM_REPLAYED) {
        return;
    }
    result->status = verdict == FSM_TAKEN ? form_of_command(model, command) : status_of(verdict);
    if (command->op.kind != FSM_OP_TXN) {
        result->outcomes_count = 1;
        result->outcomes = cd_calloc(1, sizeof(*result->outcomes));
        result->outcomes[0].status = result->status;
    }
    if (result->status == CD_OK) {
        carry_out(model, command, result);
        result->changed = result->changed || result->changes_count > 0;
        model->zxid += result->changed;
        result->zxid = model->zxid;
    }
    if (verdict == FSM_TAKEN) {
        model_keep(model, command, result, packed_bytes);
        if (result->session_ended != 0) {
            model_end(model, result->session_ended);
        }
    }
}
