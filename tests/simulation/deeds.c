#include "simulation/deeds.h"

#include "fsm/node.h"
#include "fsm/path.h"
#include "simulation/values.h"

#include <string.h>

void deeds_init(struct deeds *deeds, const struct world *world, struct events *events)
{
    *deeds = (struct deeds){.world = world, .events = events};
}

static void add(struct deeds *deeds, uint32_t node, struct event event)
{
    event.at_us = deeds->world->now_us;
    event.replica = node;
    events_add(deeds->events, &event);
}

static void copy_path(char to[MODEL_PATH_BYTES], struct fsm_bytes path)
{
    size_t bytes = path.bytes < MODEL_PATH_BYTES ? path.bytes : MODEL_PATH_BYTES - 1;
    if (bytes > 0) {
        memcpy(to, path.data, bytes);
    }
    to[bytes] = '\0';
}

/* ---- Changes ---- */

static uint64_t value_in(const struct fsm_node *node)
{
    struct fsm_bytes data = fsm_node_data(node);
    return value_read(data.data, data.bytes);
}

static void add_change(struct deeds *deeds, uint32_t node, uint64_t zxid,
                       const struct fsm_change *from)
{
    static const enum model_change_kind kinds[] = {
        [FSM_NODE_CREATED] = MODEL_CREATED,
        [FSM_NODE_SET] = MODEL_CHANGED,
        [FSM_NODE_DELETED] = MODEL_DELETED,
        [FSM_NODE_ACL_SET] = MODEL_ACL_CHANGED,
    };
    struct fsm_stat stat;
    fsm_node_stat(from->node, &stat);
    bool deleted = from->kind == FSM_NODE_DELETED;
    struct model_change change = {
        .kind = kinds[from->kind],
        .value = deleted ? 0 : value_in(from->node),
        .previous = deleted                ? value_in(from->node)
                    : from->before != NULL ? value_in(from->before)
                                           : 0,
        .czxid = stat.czxid,
        .mzxid = stat.mzxid,
        .version = (int64_t)stat.version,
        .owner = stat.owner,
        .sequential = stat.suffix_bytes != 0,
        .node_kind = (enum model_node_kind)stat.kind, /* the numbers are equal */
    };
    copy_path(change.path, from->path);
    add(deeds, node, (struct event){.kind = EV_CHANGE, .zxid = zxid, .change = &change});
}

/* ---- Commands ---- */

static enum event_cause cause_of(enum fsm_op_kind kind)
{
    switch ((int)kind) {
    case FSM_OP_OPEN_SESSION:
        return CAUSE_OPEN;
    case FSM_OP_CLOSE:
        return CAUSE_CLOSE;
    case FSM_OP_EXPIRE_SESSION:
        return CAUSE_EXPIRE;
    case FSM_OP_REAP:
        return CAUSE_REAP;
    case FSM_OP_SET_TIMEOUT:
        return CAUSE_TIMEOUT;
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_FORGET:
    case FSM_OP_AGREE_DIGEST:
        return CAUSE_OTHER;
    default:
        return CAUSE_WRITE;
    }
}

/* Of a write without a session: what it writes says whose it is. */
static uint64_t op_of(const struct fsm_command *command)
{
    const struct fsm_op *op = &command->op;
    if (op->kind == FSM_OP_TXN && op->txn.then_count > 0) {
        op = &op->txn.then_ops[0];
    }
    struct fsm_bytes data = {0};
    if (op->kind == FSM_OP_CREATE) {
        data = op->create.data;
    } else if (op->kind == FSM_OP_SET) {
        data = op->set.data;
    }
    return value_op(value_read(data.data, data.bytes));
}

static uint64_t session_of(const struct fsm_command *command, const struct fsm_result *result)
{
    switch ((int)command->op.kind) {
    case FSM_OP_OPEN_SESSION:
        return result->session_opened;
    case FSM_OP_EXPIRE_SESSION:
        return command->op.expire_session.session;
    default:
        return command->session;
    }
}

static uint32_t timeout_of(const struct fsm_result *result)
{
    bool has = (result->kind == FSM_OP_OPEN_SESSION || result->kind == FSM_OP_SET_TIMEOUT) &&
               result->outcomes_count > 0;
    return has ? result->outcomes[0].timeout_ms : 0;
}

void deeds_carried_out(struct deeds *deeds, uint32_t node, const struct replica_event *from)
{
    const struct fsm_command *command = from->command;
    const struct fsm_result *result = from->result;
    if (deeds->at[node].slot != from->slot) {
        deeds->at[node].slot = from->slot;
        deeds->at[node].commands = 0;
    }
    struct event event = {
        .kind = EV_APPLIED,
        .slot = from->slot,
        .index = deeds->at[node].commands++,
        .cause = cause_of(command->op.kind),
        .session = session_of(command, result),
        .seq = command->seq,
        .code = (int)result->status,
        .zxid = result->zxid,
        .changed = result->verdict == FSM_TAKEN && result->changed,
        .dropped = result->verdict != FSM_TAKEN && result->verdict != FSM_REPLAYED,
        .timeout_ms = timeout_of(result),
    };
    if (event.cause == CAUSE_WRITE && command->session == 0) {
        event.op = op_of(command);
    }
    char path[MODEL_PATH_BYTES];
    if (event.cause == CAUSE_REAP) {
        copy_path(path, command->op.reap.path);
        event.path = path;
    }
    add(deeds, node, event);
    for (size_t i = 0; i < result->changes_count && event.changed; i++) {
        add_change(deeds, node, result->zxid, &result->changes[i]);
    }
}

void deeds_applied(struct deeds *deeds, uint32_t node, const struct replica_event *event)
{
    deeds->at[node].slot = 0; /* another life may apply it again */
    add(deeds, node,
        (struct event){.kind = EV_DIGEST, .slot = event->slot, .number = event->digest});
}

void deeds_replaced(struct deeds *deeds, uint32_t node, const struct replica_event *event)
{
    deeds->at[node].slot = 0;
    if (event->kind == REPLICA_EV_INSTALLED) {
        add(deeds, node, (struct event){.kind = EV_INSTALLED, .slot = event->slot});
    }
    deeds_applied(deeds, node, event);
}

void deeds_gauge(struct deeds *deeds, struct cluster_node *node)
{
    if (node->replica == NULL) {
        return;
    }
    struct replica_view view;
    cluster_view(node, &view);
    const struct {
        const char *gauge;
        uint64_t number;
    } gauges[] = {
        {"sessions", view.sessions},
        {"watches", view.watches},
        {"streams", view.streams},
        {"writes", view.waiting_writes},
        {"reads", view.waiting_reads},
        {"queued bytes", view.queued_bytes},
        {"delayed bytes", view.delayed_bytes},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(gauges); i++) {
        add(deeds, node->id,
            (struct event){.kind = EV_GAUGE, .gauge = gauges[i].gauge, .number = gauges[i].number});
    }
}
