#include "replica/internal.h"

/* A leader's housekeeping: nodes whose time has come (R13). */

void replica_reap(struct replica *r, uint64_t now_ms)
{
    if (!r->in_office || now_ms < r->reap_ms) {
        return;
    }
    r->reap_ms = now_ms + REPLICA_REAP_PERIOD_MS;
    struct fsm_op_reap due[REPLICA_REAPS_MAX];
    uint64_t elapsed_ms = r->office_elapsed_ms + (now_ms - r->office_ms);
    size_t count = fsm_due(r->fsm, elapsed_ms, due, REPLICA_REAPS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct fsm_command command = {.op = {.kind = FSM_OP_REAP}};
        command.op.reap = due[i];
        if (!replica_submit_own(r, &command)) {
            return; /* the next time looks again */
        }
    }
}
