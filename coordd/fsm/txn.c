#include "fsm/allow.h"
#include "fsm/path.h"
#include "fsm/queue.h"

/* Negative, 0 or positive: what the node has against what is given. The target is not EXISTS. */
static int compare_node(const struct fsm_node *node, const struct fsm_compare *compare)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    uint64_t has = 0;
    switch (compare->target) {
    case FSM_COMPARE_VERSION:
        has = stat.version;
        break;
    case FSM_COMPARE_CVERSION:
        has = fsm_stat_cversion(&stat);
        break;
    case FSM_COMPARE_CZXID:
        has = stat.czxid;
        break;
    case FSM_COMPARE_MZXID:
        has = stat.mzxid;
        break;
    case FSM_COMPARE_PZXID:
        has = stat.pzxid;
        break;
    case FSM_COMPARE_CHILDREN:
        has = stat.children_count;
        break;
    case FSM_COMPARE_OWNER:
        has = stat.owner;
        break;
    case FSM_COMPARE_AVERSION:
        has = stat.aversion;
        break;
    case FSM_COMPARE_VALUE:
        return fsm_bytes_equal(fsm_node_data(node), compare->value) ? 0 : 1;
    case FSM_COMPARE_EXISTS:
    case FSM_COMPARE_HELD:
        CD_UNREACHABLE(); /* handled by the caller */
    }
    return (has > compare->number) - (has < compare->number);
}

static bool relation_holds(enum fsm_relation relation, int order)
{
    switch (relation) {
    case FSM_EQUAL:
        return order == 0;
    case FSM_NOT_EQUAL:
        return order != 0;
    case FSM_LESS:
        return order < 0;
    case FSM_GREATER:
        return order > 0;
    }
    CD_UNREACHABLE();
}

static bool compare_holds(const struct fsm_tree *tree, const struct fsm_compare *compare)
{
    if (compare->target == FSM_COMPARE_HELD) {
        return fsm_queue_holds(tree, compare->held) == (compare->relation == FSM_EQUAL);
    }
    const struct fsm_node *node = fsm_tree_find(tree, fsm_key_of_path(compare->path));
    if (compare->target == FSM_COMPARE_EXISTS) {
        int present = node != NULL;
        return relation_holds(compare->relation, present - (int)compare->number);
    }
    return node != NULL && relation_holds(compare->relation, compare_node(node, compare));
}

/* The first compare that does not hold, or -1. */
static int64_t find_failing(const struct fsm_tree *tree, const struct fsm_op_txn *txn)
{
    for (size_t i = 0; i < txn->compares_count; i++) {
        if (!compare_holds(tree, &txn->compares[i])) {
            return (int64_t)i;
        }
    }
    return -1;
}

/* The first compare that who asks may not make, or -1. */
static int64_t find_denied(const struct fsm_step *step, const struct fsm_op_txn *txn)
{
    for (size_t i = 0; i < txn->compares_count; i++) {
        const struct fsm_compare *compare = &txn->compares[i];
        struct fsm_bytes path =
            compare->target == FSM_COMPARE_HELD ? compare->held->path : compare->path;
        struct fsm_outcome outcome = {0};
        if (!fsm_step_may(step, fsm_key_of_path(path), FSM_READ, &outcome)) {
            return (int64_t)i;
        }
    }
    return -1;
}

/* Takes everything back; only the refused operation keeps its outcome. */
static void fail(struct fsm_step *step, const struct fsm_op *ops, size_t at)
{
    struct fsm_result *result = step->result;
    fsm_step_undo(step);
    for (size_t i = 0; i < result->outcomes_count; i++) {
        if (i != at) {
            fsm_outcome_clear(&result->outcomes[i]);
            result->outcomes[i].kind = ops[i].kind;
            result->outcomes[i].status = CD_NOT_APPLIED;
        }
    }
    result->status = result->outcomes[at].status;
    result->failed_index = (int64_t)at;
}

void fsm_step_txn(struct fsm_step *step, const struct fsm_op_txn *txn)
{
    struct fsm_result *result = step->result;
    int64_t denied = find_denied(step, txn);
    if (denied >= 0) {
        result->status = CD_PERMISSION_DENIED;
        result->failed_index = denied;
        return;
    }
    int64_t failing = find_failing(&step->fsm->tree, txn);
    result->compares_held = failing < 0;
    if (failing >= 0 && txn->else_count == 0) {
        result->status = CD_COMPARE_FAILED;
        result->failed_index = failing;
        return;
    }
    const struct fsm_op *ops = failing < 0 ? txn->then_ops : txn->else_ops;
    size_t count = failing < 0 ? txn->then_count : txn->else_count;
    fsm_result_expect(result, count);
    step->in_txn = true;
    for (size_t i = 0; i < count; i++) {
        fsm_step_op(step, &ops[i], &result->outcomes[i]);
        if (result->outcomes[i].status != CD_OK) {
            fail(step, ops, i);
            return;
        }
    }
}

static bool writes(const struct fsm_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (ops[i].kind) {
        case FSM_OP_CHECK:
        case FSM_OP_GET:
        case FSM_OP_EXISTS:
        case FSM_OP_CHILDREN:
            break;
        default:
            return true;
        }
    }
    return false;
}

void fsm_read_txn(struct fsm *fsm, const struct fsm_who *who, const struct fsm_op_txn *txn,
                  struct fsm_result *result)
{
    const struct fsm_command command = {.who = *who, .op = {.kind = FSM_OP_TXN, .txn = *txn}};
    fsm_result_clear(result);
    result->kind = FSM_OP_TXN;
    result->zxid = fsm->zxid;
    result->status = fsm_command_check(&fsm->limits, &command, NULL);
    if (result->status != CD_OK) {
        return;
    }
    CD_ASSERT(!writes(txn->then_ops, txn->then_count) && !writes(txn->else_ops, txn->else_count));
    struct fsm_step step;
    fsm_step_init(&step, fsm, result);
    fsm_step_txn(&step, txn);
    fsm_step_release(&step);
    CD_ASSERT(result->changes_count == 0);
}
