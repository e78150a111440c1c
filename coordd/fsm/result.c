#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/state.h"

#define CHANGES_CAPACITY_FIRST 4u

void fsm_result_init(struct fsm_result *result)
{
    *result = (struct fsm_result){.failed_index = -1};
}

void fsm_result_drop_changes(struct fsm_result *result)
{
    for (size_t i = 0; i < result->changes_count; i++) {
        fsm_node_unref(result->changes[i].node);
        fsm_node_unref(result->changes[i].before);
        fsm_acl_unref(result->changes[i].acl);
    }
    result->changes_count = 0;
}

void fsm_result_clear(struct fsm_result *result)
{
    for (size_t i = 0; i < result->outcomes_count; i++) {
        fsm_outcome_clear(&result->outcomes[i]);
    }
    fsm_result_drop_changes(result);
    *result = (struct fsm_result){
        .failed_index = -1,
        .outcomes = result->outcomes,
        .outcomes_capacity = result->outcomes_capacity,
        .changes = result->changes,
        .changes_capacity = result->changes_capacity,
    };
}

void fsm_result_release(struct fsm_result *result)
{
    fsm_result_clear(result);
    cd_free(result->outcomes);
    cd_free(result->changes);
    fsm_result_init(result);
}

void fsm_result_expect(struct fsm_result *result, size_t count)
{
    CD_ASSERT(result->outcomes_count == 0);
    if (count > result->outcomes_capacity) {
        result->outcomes = cd_realloc(result->outcomes, count * sizeof(*result->outcomes));
        result->outcomes_capacity = count;
    }
    for (size_t i = 0; i < count; i++) {
        result->outcomes[i] = (struct fsm_outcome){0};
    }
    result->outcomes_count = count;
}

void fsm_result_add_change(struct fsm_result *result, enum fsm_change_kind kind,
                           struct fsm_node *node, struct fsm_node *before, struct fsm_acl *acl)
{
    if (result->changes_count == result->changes_capacity) {
        result->changes_capacity =
            result->changes_capacity == 0 ? CHANGES_CAPACITY_FIRST : 2 * result->changes_capacity;
        result->changes =
            cd_realloc(result->changes, result->changes_capacity * sizeof(*result->changes));
    }
    result->changes[result->changes_count] = (struct fsm_change){
        .kind = kind,
        .path = fsm_path_of_key(fsm_node_key(node)),
        .node = fsm_node_ref(node),
        .before = before != NULL ? fsm_node_ref(before) : NULL,
        .acl = fsm_acl_ref(acl),
    };
    result->changes_count++;
}

void fsm_outcome_show(struct fsm_outcome *outcome, struct fsm_node *node)
{
    CD_ASSERT(outcome->holds == NULL);
    outcome->holds = fsm_node_ref(node);
    outcome->path = fsm_path_of_key(fsm_node_key(node));
    fsm_node_stat(node, &outcome->stat);
}

void fsm_outcome_clear(struct fsm_outcome *outcome)
{
    fsm_node_unref(outcome->holds);
    cd_free(outcome->owned);
    *outcome = (struct fsm_outcome){0};
}

void fsm_outcome_describe(const struct fsm_outcome *outcome, struct cd_error *error)
{
    if (outcome->limit_name == NULL) {
        (void)cd_error_set(error, outcome->status, "%s", cd_status_text(outcome->status));
        return; /* the status is the caller's already */
    }
    const char *advice = outcome->status == CD_TOO_MANY ? "; do it in smaller steps" : "";
    (void)cd_error_set(error, outcome->status,
                       "%s: this would come to %llu, the limit %s is %llu%s",
                       cd_status_text(outcome->status), (unsigned long long)outcome->wanted,
                       outcome->limit_name, (unsigned long long)outcome->limit, advice);
}
