#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/path.h"
#include "fsm/state.h"
#include "model.h"

#include <stdio.h>

/*
 * Goal: the machine does what model.c says, in every detail that a client or another replica could
 * see. Method: random commands, valid and not, on both; each result is compared whole, and the tree
 * every few commands. A second machine gets the same commands while results and frozen versions
 * hold on to old nodes, so that nothing is written in place; its digest must stay the same.
 */

#define STRING_BYTES 96
#define OPS_MAX      24
#define COMPARES_MAX 8
#define HELD_RESULTS 5

struct world {
    struct fsm_limits limits;
    const char *const *names;
    size_t names_count;
    uint64_t depth;
};

static const char *const few_names[] = {"a", "b", "ab", "a-", "\xc3\xa9"};
static const char *const many_names[] = {"a", "b", "c", "a-", "a.b", "node-1", "node-10"};

/* Small limits meet refusals at every turn; wide ones let the tree grow over several pages. */
static const struct world worlds[] = {
    {{.path_bytes = 24,
      .data_bytes = 16,
      .txn_bytes = 120,
      .txn_compares = 3,
      .txn_ops = 5,
      .atomic_nodes = 6,
      .tree_nodes = 40,
      .tree_bytes = 600},
     few_names,
     CD_ARRAY_COUNT(few_names),
     4},
    {{.path_bytes = 64,
      .data_bytes = 40,
      .txn_bytes = 2000,
      .txn_compares = 6,
      .txn_ops = 12,
      .atomic_nodes = 60,
      .tree_nodes = 100000,
      .tree_bytes = 1000000},
     many_names,
     CD_ARRAY_COUNT(many_names),
     4},
};

/* ---- Random commands ---- */

struct generator {
    struct cd_prng prng;
    const struct world *world;
    const struct model *model;
    uint64_t removals; /* chance of a deletion in 100 */
    char strings[4 * OPS_MAX + 2 * COMPARES_MAX][STRING_BYTES];
    size_t strings_count;
    struct fsm_op ops[2 * OPS_MAX];
    struct fsm_compare compares[COMPARES_MAX];
};

static uint64_t below(struct generator *generator, uint64_t bound)
{
    return cd_prng_below(&generator->prng, bound);
}

static bool chance(struct generator *generator, uint64_t in_100)
{
    return below(generator, 100) < in_100;
}

static char *new_string(struct generator *generator)
{
    assert_true(generator->strings_count < CD_ARRAY_COUNT(generator->strings));
    return generator->strings[generator->strings_count++];
}

static struct fsm_bytes make_path(struct generator *generator)
{
    static const char *const bad[] = {"", "a", "//", "/a/", "/a//b", "/a/../b", "/a\x01"};
    char *path = new_string(generator);
    size_t bytes = 0;
    if (chance(generator, 1)) {
        (void)snprintf(path, STRING_BYTES, "%s", bad[below(generator, CD_ARRAY_COUNT(bad))]);
        return text(path);
    }
    if (chance(generator, 40)) {
        snprintf(path, STRING_BYTES, "%s",
                 generator->model->nodes[below(generator, generator->model->count)].path);
        return text(path);
    }
    uint64_t depth = chance(generator, 2) ? 0 : 1 + below(generator, generator->world->depth);
    for (uint64_t i = 0; i < depth; i++) {
        const char *name = generator->world->names[below(generator, generator->world->names_count)];
        bytes += (size_t)snprintf(path + bytes, STRING_BYTES - bytes, "/%s", name);
    }
    if (depth == 0) {
        (void)snprintf(path, STRING_BYTES, "/");
    }
    return text(path);
}

static struct fsm_bytes make_data(struct generator *generator)
{
    char *data = new_string(generator);
    uint64_t limit = generator->world->limits.data_bytes;
    size_t bytes = (size_t)below(generator, chance(generator, 2) ? limit + 3 : limit / 2);
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (char)below(generator, 3);
    }
    return fsm_bytes_make(data, bytes);
}

static int64_t make_version(struct generator *generator)
{
    return chance(generator, 60) ? FSM_ANY_VERSION : (int64_t)below(generator, 3);
}

static struct fsm_op make_write(struct generator *generator)
{
    struct fsm_op op = {.kind = FSM_OP_CREATE};
    if (chance(generator, generator->removals)) {
        op.kind = FSM_OP_DELETE;
        op.remove.path = make_path(generator);
        op.remove.version = make_version(generator);
        op.remove.recursive = chance(generator, generator->removals);
        op.remove.if_present = chance(generator, 30);
    } else if (chance(generator, 30)) {
        op.kind = FSM_OP_SET;
        op.set.path = make_path(generator);
        op.set.data = make_data(generator);
        op.set.version = make_version(generator);
    } else {
        op.create.path = make_path(generator);
        op.create.data = make_data(generator);
        op.create.sequential = chance(generator, 25);
        op.create.make_parents = chance(generator, 40);
        op.create.if_absent = !op.create.sequential && chance(generator, 20);
        char *path = (char *)generator->strings[generator->strings_count - 2];
        if (op.create.sequential && chance(generator, 50) && strlen(path) + 2 < STRING_BYTES) {
            (void)snprintf(path + strlen(path), STRING_BYTES - strlen(path), "/");
            op.create.path = text(path);
        }
    }
    return op;
}

static struct fsm_op make_txn_op(struct generator *generator)
{
    struct fsm_op op = {0};
    if (chance(generator, 70)) {
        return make_write(generator);
    }
    switch (below(generator, 3)) {
    case 0:
        op.kind = FSM_OP_CHECK;
        op.check.path = make_path(generator);
        op.check.version = make_version(generator);
        break;
    case 1:
        op.kind = FSM_OP_GET;
        op.read.path = make_path(generator);
        break;
    default:
        op.kind = FSM_OP_EXISTS;
        op.read.path = make_path(generator);
        break;
    }
    return op;
}

static struct fsm_compare make_compare(struct generator *generator)
{
    struct fsm_compare compare = {.path = make_path(generator)};
    compare.target = (enum fsm_compare_target)(1 + below(generator, 8));
    bool equality = compare.target == FSM_COMPARE_EXISTS || compare.target == FSM_COMPARE_VALUE;
    compare.relation = (enum fsm_relation)(1 + below(generator, equality ? 2 : 4));
    compare.number = below(generator, 2);
    char *path = cd_strndup((const char *)compare.path.data, compare.path.bytes);
    const struct model_node *node = model_find(generator->model, path);
    cd_free(path);
    if (compare.target == FSM_COMPARE_VALUE) {
        compare.value = node != NULL && chance(generator, 60)
                            ? fsm_bytes_make(node->data, node->stat.data_bytes)
                            : make_data(generator);
    } else if (compare.target == FSM_COMPARE_CZXID || compare.target == FSM_COMPARE_MZXID ||
               compare.target == FSM_COMPARE_PZXID) {
        compare.number = node != NULL ? node->stat.czxid + below(generator, 2) : 7;
    }
    return compare;
}

static struct fsm_op make_command(struct generator *generator)
{
    generator->strings_count = 0;
    if (chance(generator, 70)) {
        return make_write(generator);
    }
    const struct fsm_limits *limits = &generator->world->limits;
    size_t extra = chance(generator, 5) ? 2 : 0;
    size_t counts[2];
    for (size_t branch = 0; branch < 2; branch++) {
        counts[branch] = (size_t)below(
            generator, branch == 0 || chance(generator, 50) ? limits->txn_ops + 1 + extra : 1);
        for (size_t i = 0; i < counts[branch]; i++) {
            generator->ops[branch * OPS_MAX + i] = make_txn_op(generator);
        }
    }
    size_t compares = chance(generator, 50) ? 0 : (size_t)below(generator, 2 + extra);
    for (size_t i = 0; i < compares; i++) {
        generator->compares[i] = make_compare(generator);
    }
    return make_txn(generator->compares, compares, generator->ops, counts[0],
                    generator->ops + OPS_MAX, counts[1]);
}

/* ---- Comparing ---- */

static void assert_stat(const struct fsm_stat *a, const struct fsm_stat *b)
{
    assert_int_equal(a->czxid, b->czxid);
    assert_int_equal(a->mzxid, b->mzxid);
    assert_int_equal(a->pzxid, b->pzxid);
    assert_int_equal(a->ctime_ms, b->ctime_ms);
    assert_int_equal(a->mtime_ms, b->mtime_ms);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->creates, b->creates);
    assert_int_equal(a->children_count, b->children_count);
    assert_int_equal(a->data_bytes, b->data_bytes);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->owner, b->owner);
    assert_int_equal(a->suffix_bytes, b->suffix_bytes);
}

static void assert_outcome(const struct fsm_outcome *got, const struct model_outcome *expected)
{
    assert_int_equal(got->status, expected->status);
    assert_int_equal(got->changed, expected->changed);
    assert_int_equal(got->found, expected->found);
    assert_int_equal(got->nodes_count, expected->nodes_count);
    assert_stat(&got->stat, &expected->stat);
    assert_int_equal(got->path.bytes, expected->path != NULL ? strlen(expected->path) : 0);
    if (expected->path != NULL) {
        assert_text(got->path, expected->path);
    }
    assert_int_equal(got->data.bytes, expected->shows_data ? expected->stat.data_bytes : 0);
    if (expected->shows_data) {
        assert_memory_equal(got->data.data, expected->data, got->data.bytes);
    }
    assert_int_equal(got->limit_name != NULL, expected->limit_name != NULL);
    if (expected->limit_name != NULL) {
        assert_string_equal(got->limit_name, expected->limit_name);
        assert_true(got->wanted > got->limit);
    }
}

/* A result says by itself of which operations it is. */
static void assert_kinds(const struct fsm_result *got, const struct fsm_op *op)
{
    assert_int_equal(got->kind, op->kind);
    const struct fsm_op *ops = op->kind != FSM_OP_TXN ? op
                               : got->compares_held   ? op->txn.then_ops
                                                      : op->txn.else_ops;
    for (size_t i = 0; i < got->outcomes_count; i++) {
        assert_int_equal(got->outcomes[i].kind, ops[i].kind);
    }
}

static void assert_result(const struct fsm_result *got, const struct model_result *expected)
{
    assert_int_equal(got->status, expected->status);
    assert_int_equal(got->changed, expected->changed);
    assert_int_equal(got->compares_held, expected->compares_held);
    assert_int_equal(got->zxid, expected->zxid);
    assert_int_equal(got->failed_index, expected->failed_index);
    assert_int_equal(got->outcomes_count, expected->outcomes_count);
    for (size_t i = 0; i < got->outcomes_count; i++) {
        assert_outcome(&got->outcomes[i], &expected->outcomes[i]);
    }
    assert_int_equal(got->changes_count, expected->changes_count);
    for (size_t i = 0; i < got->changes_count; i++) {
        assert_int_equal(got->changes[i].kind, expected->changes[i].kind);
        assert_text(got->changes[i].path, expected->changes[i].path);
        assert_int_equal(got->changes[i].before != NULL, got->changes[i].kind == FSM_NODE_SET);
    }
}

/* The children in pages of random size are the model's. */
static void assert_children(struct generator *generator, const struct fsm *fsm, const char *path)
{
    size_t count;
    size_t at = 0;
    char **names = model_children(generator->model, path, &count);
    struct fsm_bytes after = {0};
    struct fsm_list list;
    struct fsm_view view;
    bool more = true;
    while (more) {
        uint64_t page = 1 + below(generator, 6);
        const struct fsm_list_options options = {.path = text(path), .after = after};
        assert_int_equal(fsm_list_open(fsm, NULL, NULL, &options, &list), CD_OK);
        assert_int_equal(list.top.children_count, count);
        assert_int_equal(list.zxid, fsm_zxid(fsm));
        while (page > 0 && (more = fsm_list_next(&list, &view))) {
            assert_true(at < count);
            assert_text(view.path, names[at]);
            after = text(names[at]);
            at++;
            page--;
        }
    }
    assert_int_equal(at, count);
    model_children_free(names, count);
}

/* A machine made from the model's nodes in random order, with the counters of `like`. */
static struct fsm *rebuild(struct generator *generator, const struct fsm *like)
{
    const struct model *model = generator->model;
    struct fsm *fsm = fsm_create(&like->limits, FSM_GENERATION_FIRST);
    struct fsm_tree tree;
    size_t *order = cd_malloc(model->count * sizeof(*order));
    for (size_t i = 0; i < model->count; i++) {
        size_t j = (size_t)below(generator, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    fsm_tree_init(&tree);
    fsm->tree_digest = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_node *node = &model->nodes[order[i]];
        struct fsm_node *made = fsm_node_create(fsm_key_of_path(text(node->path)), &node->stat,
                                                fsm_bytes_make(node->data, node->stat.data_bytes));
        fsm->tree_digest += fsm_node_digest(made);
        fsm->tree_bytes += made->key_bytes + made->data_bytes;
        fsm_tree_insert(&tree, made);
    }
    cd_free(order);
    fsm_tree_release(&fsm->tree);
    fsm->tree = tree;
    fsm->zxid = like->zxid;
    fsm->slot = like->slot;
    fsm->wall_ms = like->wall_ms;
    fsm->elapsed_ms = like->elapsed_ms;
    return fsm;
}

/* Any other state has another digest: one random field of one random node is changed. */
static void assert_digest_differs(struct generator *generator, struct fsm *fsm)
{
    uint64_t before = fsm_digest(fsm);
    const char *path = generator->model->nodes[below(generator, generator->model->count)].path;
    struct fsm_node *node = fsm_tree_find(&fsm->tree, fsm_key_of_path(text(path)));
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    switch (below(generator, 4)) {
    case 0:
        stat.version++;
        break;
    case 1:
        stat.pzxid++;
        break;
    case 2:
        stat.creates++;
        break;
    default:
        stat.mtime_ms++;
        break;
    }
    fsm->tree_digest -= fsm_node_digest(node);
    node = fsm_tree_restat(&fsm->tree, fsm_node_key(node), &stat);
    fsm->tree_digest += fsm_node_digest(node);
    assert_true(fsm_digest(fsm) != before);
}

static void assert_tree(struct generator *generator, const struct fsm *fsm)
{
    const struct model *model = generator->model;
    fsm_check(fsm);
    assert_int_equal(fsm_nodes_count(fsm), model->count);
    for (size_t i = 0; i < model->count; i++) {
        struct fsm_view view;
        const struct model_node *node = &model->nodes[i];
        assert_int_equal(fsm_get(fsm, NULL, NULL, text(node->path), &view), CD_OK);
        assert_text(view.path, node->path);
        assert_stat(&view.stat, &node->stat);
        assert_int_equal(view.data.bytes, node->stat.data_bytes);
        assert_memory_equal(view.data.data, node->data, view.data.bytes);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_children(generator, fsm, model->nodes[below(generator, model->count)].path);
    }
    struct fsm *other = rebuild(generator, fsm);
    assert_true(fsm_digest(other) == fsm_digest(fsm));
    assert_digest_differs(generator, other);
    fsm_free(other);
}

/* ---- The second machine ---- */

struct second {
    struct fsm *fsm;
    struct fsm_result results[HELD_RESULTS];
    uint64_t applied;
    struct fsm_tree frozen; /* root NULL: none */
    uint64_t frozen_digest;
};

static uint64_t digest_of_tree(const struct fsm_tree *tree)
{
    struct fsm_cursor cursor;
    uint64_t digest = 0;
    fsm_tree_seek(tree, text(""), &cursor);
    while (fsm_cursor_get(&cursor) != NULL) {
        digest += fsm_node_digest(fsm_cursor_get(&cursor));
        fsm_cursor_next(&cursor);
    }
    return digest;
}

static void second_apply(struct second *second, const struct fsm_command *command)
{
    struct fsm_result *result = &second->results[second->applied % HELD_RESULTS];
    fsm_apply(second->fsm, command, result);
    second->applied++;
    if (second->applied % 40 == 0) {
        fsm_tree_share(&second->frozen, &second->fsm->tree);
        second->frozen_digest = second->fsm->tree_digest;
    } else if (second->applied % 40 == 30 && second->frozen.root != NULL) {
        fsm_tree_check(&second->frozen);
        assert_true(digest_of_tree(&second->frozen) == second->frozen_digest);
        fsm_tree_release(&second->frozen);
    }
}

static void second_release(struct second *second)
{
    fsm_check(second->fsm);
    fsm_free(second->fsm);
    fsm_tree_release(&second->frozen);
    for (size_t i = 0; i < HELD_RESULTS; i++) {
        fsm_result_release(&second->results[i]); /* results outlive their machine */
    }
}

/* ---- Runs ---- */

struct tally {
    uint64_t statuses[CD_STATUS_CLIENT_MAX + 1];
    uint64_t rolled_back; /* transactions refused after an operation had changed something */
    uint64_t nodes_most;
};

static void run(const struct world *world, uint64_t seed, unsigned steps, struct tally *tally)
{
    struct model model;
    struct generator *generator = cd_calloc(1, sizeof(*generator));
    struct second second = {.fsm = fsm_create(&world->limits, FSM_GENERATION_FIRST)};
    struct fsm *fsm = fsm_create(&world->limits, FSM_GENERATION_FIRST);
    struct fsm_result result;
    fsm_result_init(&result);
    for (size_t i = 0; i < HELD_RESULTS; i++) {
        fsm_result_init(&second.results[i]);
    }
    model_init(&model, &world->limits, FSM_GENERATION_FIRST);
    generator->world = world;
    generator->model = &model;
    cd_prng_init(&generator->prng, seed);
    for (unsigned step = 1; step <= steps; step++) {
        generator->removals = step / 400 % 3 == 2 ? 50 : 8;
        struct fsm_command command = {.op = make_command(generator)};
        struct fsm_batch_stamp stamp = {.wall_ms = 1000 + below(generator, 50) + step};
        model.wall_ms = model.wall_ms > stamp.wall_ms ? model.wall_ms : stamp.wall_ms;
        struct model_result expected;
        uint64_t digest = fsm->tree_digest;
        fsm_slot_begin(fsm, step, &stamp);
        fsm_slot_begin(second.fsm, step, &stamp);
        fsm_apply(fsm, &command, &result);
        assert_kinds(&result, &command.op);
        second_apply(&second, &command);
        /* After the machines: the command may borrow the model's bytes. */
        struct model before = model;
        model_apply(&model, &command, &expected);
        assert_result(&result, &expected);
        assert_true(result.changed || (fsm->tree_digest == digest && model.zxid == before.zxid));
        fsm_slot_end(fsm);
        fsm_slot_end(second.fsm);
        assert_true(fsm_digest(fsm) == fsm_digest(second.fsm));
        tally->statuses[result.status]++;
        tally->rolled_back += result.failed_index > 0 && result.status != CD_COMPARE_FAILED;
        tally->nodes_most = model.count > tally->nodes_most ? model.count : tally->nodes_most;
        if (step % 16 == 0) {
            assert_tree(generator, fsm);
        }
        model_result_release(&expected);
    }
    fsm_result_release(&result);
    fsm_free(fsm);
    second_release(&second);
    model_release(&model);
    cd_free(generator);
}

static void test_worlds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(worlds); i++) {
        struct tally tally = {0};
        for (uint64_t seed = 1; seed <= 12; seed++) {
            print_message("world %zu seed %llu\n", i, (unsigned long long)seed);
            run(&worlds[i], seed, 3000, &tally);
        }
        for (size_t status = 0; status < CD_ARRAY_COUNT(tally.statuses); status++) {
            if (tally.statuses[status] != 0) {
                print_message("%8llu %s\n", (unsigned long long)tally.statuses[status],
                              cd_status_name((enum cd_status)status));
            }
        }
        print_message("%8llu rolled back, at most %llu nodes\n",
                      (unsigned long long)tally.rolled_back, (unsigned long long)tally.nodes_most);
        /* A run that meets none of these tests nothing. */
        static const enum cd_status must[] = {CD_OK,          CD_INVALID_ARGUMENT, CD_NO_NODE,
                                              CD_NODE_EXISTS, CD_NO_PARENT,        CD_NOT_EMPTY,
                                              CD_BAD_VERSION, CD_COMPARE_FAILED,   CD_TOO_LARGE,
                                              CD_TOO_MANY,    CD_ROOT_FIXED};
        for (size_t j = 0; j < CD_ARRAY_COUNT(must); j++) {
            assert_true(tally.statuses[must[j]] > 10);
        }
        assert_true(tally.rolled_back > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
