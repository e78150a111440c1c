#include "base/memory.h"
#include "fsm/ephemeral.h"
#include "fsm/path.h"
#include "fsm/sessions.h"

/* Operations on sessions, and the rules of form for all that has to do with them. */

/* ---- Form ---- */

static enum cd_status invalid(struct cd_error *error, const char *rule)
{
    return cd_error_set(error, CD_INVALID_ARGUMENT, "%s", rule);
}

bool fsm_op_is_of_sessions(enum fsm_op_kind kind)
{
    return kind >= FSM_OP_SET_TIMEOUT && kind <= FSM_OP_EXPIRE_SESSION;
}

static enum cd_status check_timeout(const struct fsm_limits *limits, uint32_t timeout_ms,
                                    struct cd_error *error)
{
    if (timeout_ms >= limits->session_timeout_min_ms &&
        timeout_ms <= limits->session_timeout_max_ms) {
        return CD_OK;
    }
    return cd_error_set(error, CD_INVALID_ARGUMENT,
                        "a timeout of %u ms; it must be from %u to %u ms", timeout_ms,
                        limits->session_timeout_min_ms, limits->session_timeout_max_ms);
}

static enum cd_status check_refuse(const struct fsm_op_refuse *refuse, struct cd_error *error)
{
    if (refuse->message.bytes > FSM_REFUSAL_BYTES_MAX) {
        return cd_error_set(error, CD_TOO_LARGE, "a refusal's sentence has at most %u bytes",
                            FSM_REFUSAL_BYTES_MAX);
    }
    int status = (int)refuse->status;
    if (status <= CD_OK || status > CD_STATUS_CLIENT_MAX || status == CD_BUSY) {
        return invalid(error, "a refusal that is kept is final, and one that clients know");
    }
    return CD_OK;
}

static enum cd_status check_session_op(const struct fsm_limits *limits,
                                       const struct fsm_command *command, struct cd_error *error)
{
    enum fsm_op_kind kind = command->op.kind;
    bool of_session = kind <= FSM_OP_REFUSE || kind == FSM_OP_ATTACH_SESSION;
    if (of_session != (command->session != 0)) {
        return invalid(error, of_session ? "this operation belongs to a session, and none is named"
                                         : "no session carries out this operation");
    }
    if (kind == FSM_OP_SET_TIMEOUT) {
        return check_timeout(limits, command->op.set_timeout.timeout_ms, error);
    }
    if (kind == FSM_OP_REFUSE) {
        return check_refuse(&command->op.refuse, error);
    }
    if (kind == FSM_OP_OPEN_SESSION && command->who.scheme == FSM_SCHEME_ANYONE) {
        return invalid(error, "a session belongs to an identity, and none is named");
    }
    return CD_OK;
}

static bool creates_ephemeral(const struct fsm_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind == FSM_OP_CREATE && ops[i].create.kind == FSM_EPHEMERAL) {
            return true;
        }
    }
    return false;
}

static bool wants_session(const struct fsm_op *op)
{
    return op->kind == FSM_OP_TXN ? creates_ephemeral(op->txn.then_ops, op->txn.then_count) ||
                                        creates_ephemeral(op->txn.else_ops, op->txn.else_count)
                                  : creates_ephemeral(op, 1);
}

enum cd_status fsm_session_check(const struct fsm_limits *limits, const struct fsm_command *command,
                                 struct cd_error *error)
{
    if (command->session != 0 && command->has_key) {
        return invalid(error, "a session's write is known by its seq and needs no key");
    }
    if (command->session == 0 && command->who.id.bytes > FSM_IDENTITY_BYTES_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "an identity has at most %u bytes",
                            FSM_IDENTITY_BYTES_MAX);
    }
    if (command->session == 0 && (unsigned)command->who.scheme > FSM_SCHEME_CN) {
        return invalid(error, "an identity of no known scheme");
    }
    if (command->has_key && command->who.scheme == FSM_SCHEME_ANYONE) {
        return invalid(error, "the key of a call belongs to an identity, and none is named");
    }
    if (fsm_op_is_of_sessions(command->op.kind)) {
        return check_session_op(limits, command, error);
    }
    if (command->session == 0 && wants_session(&command->op)) {
        return invalid(error, "an ephemeral node lives as long as its session: open one first");
    }
    return CD_OK;
}

/* ---- Operations ---- */

static void op_open(struct fsm_step *step, const struct fsm_op_open_session *open,
                    struct fsm_outcome *outcome)
{
    struct fsm *fsm = step->fsm;
    const struct fsm_limits *limits = &fsm->limits;
    if (fsm->sessions.count >= limits->sessions) {
        outcome->status = CD_TOO_MANY;
        outcome->limit_name = "sessions";
        outcome->limit = limits->sessions;
        outcome->wanted = fsm->sessions.count + 1;
        return;
    }
    uint32_t timeout_ms =
        open->timeout_ms == 0 ? limits->session_timeout_default_ms : open->timeout_ms;
    if (timeout_ms < limits->session_timeout_min_ms) {
        timeout_ms = limits->session_timeout_min_ms;
    }
    if (timeout_ms > limits->session_timeout_max_ms) {
        timeout_ms = limits->session_timeout_max_ms;
    }
    fsm_sessions_open(fsm,
                      fsm_session_create(step->zxid, &step->who, open->secret_hash, timeout_ms));
    step->result->session_opened = step->zxid;
    step->changed = true;
    outcome->timeout_ms = timeout_ms;
    outcome->changed = true;
}

static void op_set_timeout(struct fsm_step *step, const struct fsm_op_set_timeout *set,
                           struct fsm_outcome *outcome)
{
    struct fsm_session *session = fsm_session_set_own(&step->fsm->sessions, step->session);
    step->changed = session->timeout_ms != set->timeout_ms;
    outcome->changed = step->changed;
    outcome->timeout_ms = set->timeout_ms;
    session->timeout_ms = set->timeout_ms;
    fsm_session_changed(step->fsm, session);
}

static void op_attach(struct fsm_step *step, struct fsm_outcome *outcome)
{
    struct fsm_session *session = fsm_session_set_own(&step->fsm->sessions, step->session);
    if (session->attach >= INT64_MAX) {
        outcome->status = CD_TOO_MANY; /* a client said so; by counting nobody comes there */
        return;
    }
    session->attach++;
    fsm_session_changed(step->fsm, session);
    outcome->value = (int64_t)session->attach;
}

/*
 * Deletes all nodes of a session; they are at most atomic_nodes, so its end is one step (R25). The
 * session itself goes when its last reply was kept.
 */
static void end(struct fsm_step *step, uint64_t id, struct fsm_outcome *outcome)
{
    struct fsm *fsm = step->fsm;
    struct fsm_node *node = fsm_ephemeral_next(fsm, id, fsm_bytes_make(NULL, 0));
    while (node != NULL) {
        fsm_step_delete(step, &node, 1);
        outcome->nodes_count++;
        node = fsm_ephemeral_next(fsm, id, fsm_bytes_make(NULL, 0));
    }
    step->result->session_ended = id;
    step->changed = true;
    outcome->changed = true;
}

static bool same_leadership(const struct fsm_leadership *a, const struct fsm_leadership *b)
{
    return a->round == b->round && a->node == b->node && a->incarnation == b->incarnation;
}

static void op_expire(struct fsm_step *step, const struct fsm_op_expire_session *expire,
                      struct fsm_outcome *outcome)
{
    if (!same_leadership(&expire->leader, &step->fsm->leadership)) {
        outcome->status = CD_NOT_APPLIED; /* R13 */
    } else if (fsm_session_set_find(&step->fsm->sessions, expire->session) == NULL) {
        outcome->status = CD_SESSION_EXPIRED;
    } else {
        end(step, expire->session, outcome);
    }
}

static void op_refuse(const struct fsm_op_refuse *refuse, struct fsm_outcome *outcome)
{
    outcome->status = refuse->status;
    if (refuse->message.bytes != 0) {
        outcome->owned = cd_malloc(refuse->message.bytes);
        memcpy(outcome->owned, refuse->message.data, refuse->message.bytes);
        outcome->message = fsm_bytes_make(outcome->owned, refuse->message.bytes);
    }
}

void fsm_step_session_op(struct fsm_step *step, const struct fsm_op *op,
                         struct fsm_outcome *outcome)
{
    outcome->kind = op->kind;
    switch (op->kind) {
    case FSM_OP_OPEN_SESSION:
        op_open(step, &op->open_session, outcome);
        return;
    case FSM_OP_SET_TIMEOUT:
        op_set_timeout(step, &op->set_timeout, outcome);
        return;
    case FSM_OP_ATTACH_SESSION:
        op_attach(step, outcome);
        return;
    case FSM_OP_CLOSE:
        end(step, step->session, outcome);
        return;
    case FSM_OP_EXPIRE_SESSION:
        op_expire(step, &op->expire_session, outcome);
        return;
    case FSM_OP_REFUSE:
        op_refuse(&op->refuse, outcome);
        return;
    case FSM_OP_FORGET:
        return;
    case FSM_OP_CREATE:
    case FSM_OP_DELETE:
    case FSM_OP_SET:
    case FSM_OP_TXN:
    case FSM_OP_CHECK:
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_REAP:
    case FSM_OP_AGREE_DIGEST:
        break;
    }
    CD_UNREACHABLE();
}
