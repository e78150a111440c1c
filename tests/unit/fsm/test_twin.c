#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/path.h"
#include "fsm/snapshot.h"
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
      .tree_bytes = 600,
      .sessions = 4,
      .session_timeout_min_ms = 10,
      .session_timeout_default_ms = 20,
      .session_timeout_max_ms = 30,
      .session_ephemerals = 3,
      .unacked_writes = 4,
      .kept_reply_bytes = 400,
      .state_reply_bytes = 1500,
      .tombstones = 3,
      .tombstone_ms = 300,
      .call_keys = 4,
      .call_key_ms = 200},
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
      .tree_bytes = 1000000,
      .sessions = 30,
      .session_timeout_min_ms = 10,
      .session_timeout_default_ms = 20,
      .session_timeout_max_ms = 30,
      .session_ephemerals = 40,
      .unacked_writes = 6,
      .kept_reply_bytes = 20000,
      .state_reply_bytes = 8000,
      .tombstones = 20,
      .tombstone_ms = 3000,
      .call_keys = 50,
      .call_key_ms = 2000},
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
    bool in_session; /* the command is of one, so that it may have ephemeral nodes */
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
        const char *below_it = chance(generator, 5) ? "/b" : "";
        snprintf(path, STRING_BYTES, "%s%s",
                 generator->model->nodes[below(generator, generator->model->count)].path, below_it);
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
        if (chance(generator, generator->in_session ? 25 : 1)) {
            op.create.kind = FSM_EPHEMERAL;
        }
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

static struct fsm_op make_tree_op(struct generator *generator)
{
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

/* ---- Random commands of sessions ---- */

/* A live session, or sometimes one that ended or never was; 0: there was none to choose. */
static uint64_t any_session(struct generator *generator)
{
    const struct model *model = generator->model;
    if (model->ended_count > 0 && chance(generator, 3)) {
        return model->ended[below(generator, model->ended_count)].id;
    }
    if (chance(generator, 1)) {
        return 1 + below(generator, model->zxid);
    }
    return model->sessions_count > 0 ? model->sessions[below(generator, model->sessions_count)].id
                                     : 0;
}

static struct fsm_op make_op_of_session(struct generator *generator)
{
    struct fsm_op op = {.kind = FSM_OP_FORGET};
    switch (below(generator, 8)) {
    case 0:
        op.kind = FSM_OP_SET_TIMEOUT;
        op.set_timeout.timeout_ms = (uint32_t)(8 + below(generator, 24));
        break;
    case 1:
        op.kind = FSM_OP_CLOSE;
        break;
    case 2:
        op.kind = FSM_OP_REFUSE;
        op.refuse.status = CD_TOO_LARGE;
        op.refuse.message = text("too large");
        break;
    case 3:
        op.kind = FSM_OP_ATTACH_SESSION;
        break;
    default:
        break;
    }
    return op;
}

/* Mostly the next write as it should be; now and then everything that may be wrong with one. */
static struct fsm_command make_session_command(struct generator *generator, uint64_t id)
{
    const struct model_session *session = model_session_find(generator->model, id, true);
    struct fsm_command command = {.session = id, .seq = 1, .attach = 1};
    if (session != NULL) {
        command.seq = session->last_seq + 1;
        command.attach = session->attach + (chance(generator, 3) ? 1 : 0);
        command.reply_mark = session->mark;
    }
    if (chance(generator, 15)) {
        command.seq = below(generator, command.seq + 3);
    }
    if (chance(generator, 3) && command.attach > 0) {
        command.attach--;
    }
    if (session != NULL && chance(generator, 40)) {
        command.reply_mark = session->last_seq - below(generator, 2) * (session->last_seq > 0);
    } else if (session != NULL && chance(generator, 10)) {
        command.reply_mark = below(generator, session->last_seq + 3);
    }
    command.request_hash = command.seq * 7 + id + (chance(generator, 1) ? 1 : 0);
    generator->in_session = true;
    command.op = chance(generator, 12) ? make_op_of_session(generator) : make_tree_op(generator);
    return command;
}

static struct fsm_command make_sessionless_command(struct generator *generator)
{
    const struct model *model = generator->model;
    struct fsm_command command = {.who = {.scheme = FSM_SCHEME_URI, .id = text("me")}};
    generator->in_session = false;
    if (chance(generator, 8)) {
        command.op.kind = FSM_OP_OPEN_SESSION;
        command.op.open_session.timeout_ms = (uint32_t)below(generator, 40);
    } else if (chance(generator, 8)) {
        command.op.kind = FSM_OP_EXPIRE_SESSION;
        command.op.expire_session.session = any_session(generator);
        command.op.expire_session.leader = model->leadership;
        command.op.expire_session.leader.round -= chance(generator, 50) ? 1 : 0;
    } else {
        command.op = make_tree_op(generator);
    }
    if (chance(generator, 30)) {
        command.has_key = true;
        command.key[3] = (uint8_t)below(generator, 40);
        command.request_hash = command.key[3] + (chance(generator, 5) ? 1u : 0u);
        command.who.id = text(chance(generator, 5) ? "you" : "me");
    }
    return command;
}

static struct fsm_command make_command(struct generator *generator)
{
    generator->strings_count = 0;
    uint64_t session = chance(generator, 65) ? any_session(generator) : 0;
    return session != 0 ? make_session_command(generator, session)
                        : make_sessionless_command(generator);
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
    assert_int_equal(got->timeout_ms, expected->timeout_ms);
    assert_int_equal(got->value, expected->value);
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
    assert_int_equal(got->verdict, expected->verdict);
    assert_int_equal(got->changed, expected->changed);
    assert_int_equal(got->session_opened, expected->session_opened);
    assert_int_equal(got->session_ended, expected->session_ended);
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

/* ---- Comparing sessions ---- */

static void assert_session(const struct fsm *fsm, const struct model_session *expected, bool ended)
{
    struct fsm_session_view view;
    uint64_t bytes = 0;
    assert_true(fsm_session_find(fsm, expected->id, &view) == !ended);
    assert_true(fsm_session_find_ended(fsm, expected->id, &view));
    for (size_t i = 0; i < expected->replies_count; i++) {
        bytes += expected->replies[i].cost;
    }
    assert_int_equal(view.ended, ended);
    assert_int_equal(view.timeout_ms, expected->timeout_ms);
    assert_int_equal(view.attach, expected->attach);
    assert_int_equal(view.last_seq, expected->last_seq);
    assert_int_equal(view.reply_mark, expected->mark);
    assert_int_equal(view.kept_bytes, bytes);
    assert_text(view.who.id, expected->who);
}

static void assert_outcome_of(const struct fsm *fsm, const struct model_session *expected,
                              uint64_t seq)
{
    struct fsm_result result;
    fsm_result_init(&result);
    enum cd_status status = fsm_outcome_of(fsm, expected->id, seq, &result);
    assert_int_equal(status, seq > expected->last_seq ? CD_NOT_APPLIED
                             : seq > expected->mark   ? CD_OK
                                                      : CD_OUTCOME_UNKNOWN);
    if (status == CD_OK) {
        struct model_result kept = expected->replies[seq - expected->mark - 1].result;
        kept.verdict = FSM_REPLAYED;
        assert_result(&result, &kept);
    }
    fsm_result_release(&result);
}

static void assert_ephemerals(const struct fsm *fsm, const struct model *model, uint64_t session)
{
    const struct fsm_list_options options = {
        .kind = FSM_LIST_EPHEMERALS, .path = text("/"), .session = session};
    struct fsm_list list;
    struct fsm_view view;
    uint64_t count = 0;
    assert_int_equal(fsm_list_open(fsm, NULL, NULL, &options, &list), CD_OK);
    while (fsm_list_next(&list, &view)) {
        char *path = cd_strndup((const char *)view.path.data, view.path.bytes);
        const struct model_node *node = model_find(model, path);
        cd_free(path);
        assert_non_null(node);
        assert_int_equal(node->stat.owner, session);
        count++;
    }
    assert_int_equal(count, model_ephemerals(model, session));
}

static void assert_sessions(struct generator *generator, const struct fsm *fsm)
{
    const struct model *model = generator->model;
    struct fsm_session_view view = {0};
    assert_int_equal(fsm_sessions_count(fsm), model->sessions_count);
    for (size_t i = 0; i < model->sessions_count; i++) {
        assert_true(fsm_session_next(fsm, view.session, &view));
        assert_int_equal(view.session, model->sessions[i].id); /* ids ascend with time */
        assert_int_equal(view.ephemerals, model_ephemerals(model, view.session));
        assert_session(fsm, &model->sessions[i], false);
        assert_ephemerals(fsm, model, model->sessions[i].id);
        assert_outcome_of(fsm, &model->sessions[i],
                          below(generator, model->sessions[i].last_seq + 3));
    }
    assert_false(fsm_session_next(fsm, view.session, &view));
    for (size_t i = 0; i < model->ended_count; i++) {
        assert_session(fsm, &model->ended[i], true);
        assert_outcome_of(fsm, &model->ended[i], below(generator, model->ended[i].last_seq + 3));
    }
    struct fsm_result result;
    fsm_result_init(&result);
    for (size_t i = 0; i < model->calls_count; i++) {
        const struct fsm_who who = {.scheme = FSM_SCHEME_URI, .id = text(model->calls[i].id)};
        struct model_result kept = model->calls[i].reply.result;
        kept.verdict = FSM_REPLAYED;
        assert_int_equal(fsm_outcome_of_call(fsm, model->calls[i].key, &who, &result), CD_OK);
        assert_result(&result, &kept);
    }
    fsm_result_release(&result);
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
    assert_true(other->tree_digest == fsm->tree_digest && other->tree_bytes == fsm->tree_bytes);
    assert_sessions(generator, fsm);
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
    struct fsm_snapshot *snapshot; /* NULL: none */
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

/*
 * Between slots. A snapshot is held while writes go on and restored later; and now and then the
 * machine is replaced by one that is restored from it, which must go on as the first one does.
 */
static void second_snapshot(struct second *second)
{
    if (second->applied % 90 == 0) {
        second->snapshot = fsm_snapshot_take(second->fsm);
    } else if (second->applied % 90 == 50 && second->snapshot != NULL) {
        struct fsm *restored = restore_all(second->snapshot);
        fsm_check(restored);
        fsm_free(restored);
        second->snapshot = NULL;
    } else if (second->applied % 170 == 0) {
        struct fsm *restored = restore_copy(second->fsm);
        fsm_free(second->fsm);
        second->fsm = restored;
    }
}

static void second_release(struct second *second)
{
    fsm_check(second->fsm);
    fsm_free(second->fsm);
    if (second->snapshot != NULL) {
        fsm_free(restore_all(second->snapshot));
    }
    fsm_tree_release(&second->frozen);
    for (size_t i = 0; i < HELD_RESULTS; i++) {
        fsm_result_release(&second->results[i]); /* results outlive their machine */
    }
}

/* ---- Runs ---- */

struct tally {
    uint64_t statuses[CD_STATUS_CLIENT_MAX + 1];
    uint64_t verdicts[FSM_NO_SESSION + 1];
    uint64_t made_ephemeral, ended_with_nodes;
    uint64_t rolled_back; /* transactions refused after an operation had changed something */
    uint64_t nodes_most;
};

/* What the reply takes when it is kept: a size that the model cannot know. */
static uint64_t packed_bytes(const struct fsm_result *result)
{
    struct cd_buf buf;
    cd_buf_init(&buf, SIZE_MAX);
    fsm_reply_pack(&buf, result);
    uint64_t bytes = buf.bytes;
    cd_buf_release(&buf);
    return bytes;
}

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
        struct fsm_batch_stamp stamp = {.wall_ms = 1000 + below(generator, 50) + step,
                                        .elapsed_ms = below(generator, 40) + 5 * step};
        model.wall_ms = model.wall_ms > stamp.wall_ms ? model.wall_ms : stamp.wall_ms;
        model.elapsed_ms =
            model.elapsed_ms > stamp.elapsed_ms ? model.elapsed_ms : stamp.elapsed_ms;
        model_age(&model);
        struct fsm_command command = make_command(generator);
        struct model_result expected;
        uint64_t digest = fsm->tree_digest;
        fsm_slot_begin(fsm, step, &stamp);
        fsm_slot_begin(second.fsm, step, &stamp);
        if (step % 100 == 1) {
            model.leadership.round = step;
            model.leadership.node = 3;
            fsm_apply_leadership(fsm, &model.leadership);
            fsm_apply_leadership(second.fsm, &model.leadership);
        }
        fsm_apply(fsm, &command, &result);
        if (result.verdict != FSM_REPLAYED) {
            assert_kinds(&result, &command.op);
        }
        second_apply(&second, &command);
        /* After the machines: the command may borrow the model's bytes. */
        uint64_t before_zxid = model.zxid;
        model_apply(&model, &command, packed_bytes(&result), &expected);
        assert_result(&result, &expected);
        bool now = result.changed && result.verdict == FSM_TAKEN;
        assert_true(now || (fsm->tree_digest == digest && model.zxid == before_zxid));
        fsm_slot_end(fsm);
        fsm_slot_end(second.fsm);
        second_snapshot(&second);
        assert_true(fsm_digest(fsm) == fsm_digest(second.fsm));
        tally->statuses[result.status]++;
        tally->verdicts[result.verdict]++;
        tally->made_ephemeral +=
            now && command.op.kind == FSM_OP_CREATE && command.op.create.kind == FSM_EPHEMERAL;
        tally->ended_with_nodes += result.session_ended != 0 && result.changes_count > 1;
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
        static const enum cd_status must[] = {CD_OK,
                                              CD_INVALID_ARGUMENT,
                                              CD_NO_NODE,
                                              CD_NODE_EXISTS,
                                              CD_NO_PARENT,
                                              CD_NOT_EMPTY,
                                              CD_BAD_VERSION,
                                              CD_COMPARE_FAILED,
                                              CD_TOO_LARGE,
                                              CD_TOO_MANY,
                                              CD_ROOT_FIXED,
                                              CD_NO_CHILDREN_FOR_EPHEMERALS,
                                              CD_SESSION_EXPIRED,
                                              CD_NOT_APPLIED,
                                              CD_SESSION_MOVED,
                                              CD_SEQ_CONFLICT};
        for (size_t j = 0; j < CD_ARRAY_COUNT(must); j++) {
            assert_true(tally.statuses[must[j]] > 10);
        }
        assert_true(tally.rolled_back > 100);
        for (size_t j = 0; j < CD_ARRAY_COUNT(tally.verdicts); j++) {
            print_message("%8llu of verdict %zu\n", (unsigned long long)tally.verdicts[j], j);
            assert_true(tally.verdicts[j] > 10);
        }
        print_message("%8llu ephemeral nodes, %llu ends of sessions with several\n",
                      (unsigned long long)tally.made_ephemeral,
                      (unsigned long long)tally.ended_with_nodes);
        assert_true(tally.made_ephemeral > 100);
        assert_true(tally.ended_with_nodes > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
