#include "fsm/allow.h"

void fsm_outcome_refuse(struct fsm_outcome *outcome, enum cd_status status)
{
    *outcome = (struct fsm_outcome){.kind = outcome->kind, .status = status};
}

void fsm_outcome_refuse_limit(struct fsm_outcome *outcome, enum cd_status status,
                              const char *limit_name, uint64_t limit, uint64_t wanted)
{
    *outcome = (struct fsm_outcome){.kind = outcome->kind,
                                    .status = status,
                                    .limit_name = limit_name,
                                    .limit = limit,
                                    .wanted = wanted};
}

bool fsm_step_may(const struct fsm_step *step, struct fsm_bytes key, uint32_t permissions,
                  struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    const struct fsm_acl *acl =
        fsm->acls_count == 0 ? NULL : fsm_acl_in_force(&fsm->tree, key, NULL);
    if (fsm_acl_allows(acl, &step->who, permissions)) {
        return true;
    }
    fsm_outcome_refuse(outcome, CD_PERMISSION_DENIED);
    return false;
}

bool fsm_step_may_touch(const struct fsm_step *step, uint64_t more, struct fsm_outcome *outcome)
{
    uint64_t limit = step->fsm->limits.atomic_nodes;
    if (step->nodes_count + more <= limit) {
        return true;
    }
    fsm_outcome_refuse_limit(outcome, CD_TOO_MANY, "atomic_nodes", limit, step->nodes_count + more);
    return false;
}

bool fsm_step_may_grow(const struct fsm_step *step, uint64_t nodes, uint64_t bytes,
                       struct fsm_outcome *outcome)
{
    const struct fsm *fsm = step->fsm;
    if (fsm->tree.count + nodes > fsm->limits.tree_nodes) {
        fsm_outcome_refuse_limit(outcome, CD_TOO_MANY, "tree_nodes", fsm->limits.tree_nodes,
                                 fsm->tree.count + nodes);
        return false;
    }
    if (fsm->tree_bytes + bytes > fsm->limits.tree_bytes) {
        fsm_outcome_refuse_limit(outcome, CD_TOO_LARGE, "tree_bytes", fsm->limits.tree_bytes,
                                 fsm->tree_bytes + bytes);
        return false;
    }
    return true;
}

bool fsm_step_may_read(struct fsm_step *step, uint64_t bytes, struct fsm_outcome *outcome)
{
    uint64_t limit = step->fsm->limits.txn_bytes;
    if (step->read_bytes + bytes > limit) {
        fsm_outcome_refuse_limit(outcome, CD_TOO_LARGE, "txn_bytes", limit,
                                 step->read_bytes + bytes);
        return false;
    }
    step->read_bytes += bytes;
    return true;
}

bool fsm_node_has_version(const struct fsm_node *node, int64_t version)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    return version == FSM_ANY_VERSION || stat.version == (uint64_t)version;
}
