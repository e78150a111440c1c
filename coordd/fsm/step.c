#include "fsm/sessions.h"

/* One command from its verdict to its kept reply. What operations do is in apply.c, txn.c and
 * session_ops.c. */

static enum cd_status status_of(enum fsm_verdict verdict)
{
    switch (verdict) {
    case FSM_CONFLICT:
        return CD_SEQ_CONFLICT;
    case FSM_MOVED:
        return CD_SESSION_MOVED;
    case FSM_NO_SESSION:
        return CD_SESSION_EXPIRED;
    case FSM_FORGOTTEN:
    case FSM_EARLY:
    case FSM_WINDOW:
        return CD_NOT_APPLIED;
    case FSM_TAKEN:
    case FSM_REPLAYED:
        break;
    }
    CD_UNREACHABLE();
}

/* A result of a command whose operation was not carried out. */
static void refuse(const struct fsm_command *command, enum cd_status status,
                   struct fsm_result *result)
{
    result->status = status;
    if (command->op.kind != FSM_OP_TXN) {
        fsm_result_expect(result, 1);
        result->outcomes[0].kind = command->op.kind;
        result->outcomes[0].status = status;
    }
}

/* Who asks: the session's identity, for a command may say anything; administrators are known by
 * the replica's configuration. Borrowed from the session, which is not copied within a slot. */
static void introduce(struct fsm_step *step, const struct fsm_command *command)
{
    step->session = command->session;
    step->who = command->who;
    if (command->session != 0) {
        step->who = fsm_session_who(fsm_session_set_own(&step->fsm->sessions, command->session));
        step->who.administrator = command->who.administrator;
    }
}

static void run(struct fsm_step *step, const struct fsm_command *command)
{
    struct fsm_result *result = step->result;
    if (command->op.kind == FSM_OP_TXN) {
        fsm_step_txn(step, &command->op.txn);
        return;
    }
    fsm_result_expect(result, 1);
    if (fsm_op_is_of_sessions(command->op.kind)) {
        fsm_step_session_op(step, &command->op, &result->outcomes[0]);
    } else {
        fsm_step_op(step, &command->op, &result->outcomes[0]);
    }
    result->status = result->outcomes[0].status;
}

static void take(struct fsm *fsm, const struct fsm_command *command, struct fsm_result *result)
{
    enum cd_status status = fsm_command_check(&fsm->limits, command, NULL);
    if (status != CD_OK) {
        refuse(command, status, result);
        return;
    }
    struct fsm_step step;
    fsm_step_init(&step, fsm, result);
    introduce(&step, command);
    if (command->if_held != NULL) {
        status = fsm_holds(fsm, &step.who, command->if_held);
    }
    if (status == CD_OK) {
        run(&step, command);
    } else {
        refuse(command, status, result);
    }
    result->changed = result->changes_count > 0 || step.changed;
    if (result->changed) {
        fsm->zxid++;
        result->zxid = fsm->zxid;
    }
    fsm_step_release(&step);
}

void fsm_apply(struct fsm *fsm, const struct fsm_command *command, struct fsm_result *result)
{
    CD_ASSERT(fsm->in_slot);
    fsm_result_clear(result);
    enum fsm_verdict verdict = fsm_sessions_judge(fsm, command, result);
    if (verdict == FSM_REPLAYED) {
        return;
    }
    result->kind = command->op.kind;
    result->verdict = verdict;
    result->zxid = fsm->zxid;
    if (verdict != FSM_TAKEN) {
        refuse(command, status_of(verdict), result);
        return;
    }
    take(fsm, command, result);
    fsm_sessions_keep(fsm, command, result);
    if (result->session_ended != 0) {
        fsm_sessions_end(fsm, result->session_ended, result->zxid);
    }
}
