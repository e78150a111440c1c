#include "support.h"

#include "fsm/snapshot.h"

struct fsm_op make_create(const char *path, const char *data)
{
    return (struct fsm_op){.kind = FSM_OP_CREATE,
                           .create = {.path = text(path), .data = text(data)}};
}

struct fsm_op make_ephemeral(const char *path, const char *data)
{
    struct fsm_op op = make_create(path, data);
    op.create.kind = FSM_EPHEMERAL;
    return op;
}

struct fsm_op make_op(enum fsm_op_kind kind)
{
    return (struct fsm_op){.kind = kind};
}

struct fsm_who make_who(const char *id)
{
    return (struct fsm_who){.scheme = FSM_SCHEME_URI, .id = text(id)};
}

struct fsm_command session_write(uint64_t session, uint64_t seq, struct fsm_op op)
{
    return (struct fsm_command){
        .session = session, .seq = seq, .attach = 1, .request_hash = seq * 1000, .op = op};
}

struct fsm_op make_sequential(const char *path)
{
    struct fsm_op op = make_create(path, "");
    op.create.sequential = true;
    return op;
}

struct fsm_op make_delete(const char *path)
{
    return (struct fsm_op){.kind = FSM_OP_DELETE,
                           .remove = {.path = text(path), .version = FSM_ANY_VERSION}};
}

struct fsm_op make_recursive(const char *path)
{
    struct fsm_op op = make_delete(path);
    op.remove.recursive = true;
    return op;
}

struct fsm_op make_set(const char *path, const char *data)
{
    return (struct fsm_op){
        .kind = FSM_OP_SET,
        .set = {.path = text(path), .data = text(data), .version = FSM_ANY_VERSION}};
}

struct fsm_op make_check(const char *path, int64_t version)
{
    return (struct fsm_op){.kind = FSM_OP_CHECK, .check = {.path = text(path), .version = version}};
}

struct fsm_op make_get(const char *path)
{
    return (struct fsm_op){.kind = FSM_OP_GET, .read = {.path = text(path)}};
}

struct fsm_op make_exists(const char *path)
{
    return (struct fsm_op){.kind = FSM_OP_EXISTS, .read = {.path = text(path)}};
}

struct fsm_op make_txn(const struct fsm_compare *compares, size_t compares_count,
                       const struct fsm_op *then_ops, size_t then_count,
                       const struct fsm_op *else_ops, size_t else_count)
{
    return (struct fsm_op){.kind = FSM_OP_TXN,
                           .txn = {.compares = compares,
                                   .compares_count = compares_count,
                                   .then_ops = then_ops,
                                   .then_count = then_count,
                                   .else_ops = else_ops,
                                   .else_count = else_count}};
}

void rig_init(struct rig *rig, const struct fsm_limits *limits)
{
    struct fsm_limits standard = FSM_LIMITS_DEFAULT;
    *rig = (struct rig){.wall_ms = 1000};
    if (limits != NULL) {
        standard = *limits;
    }
    if (standard.session_ephemerals > standard.atomic_nodes) {
        standard.session_ephemerals = standard.atomic_nodes;
    }
    rig->fsm = fsm_create(&standard, FSM_GENERATION_FIRST);
    fsm_result_init(&rig->result);
}

void rig_release(struct rig *rig)
{
    fsm_check(rig->fsm);
    fsm_free(rig->fsm);
    fsm_result_release(&rig->result);
}

enum fsm_verdict rig_judge(struct rig *rig, struct fsm_command command)
{
    struct fsm_batch_stamp stamp = {.wall_ms = rig->wall_ms, .elapsed_ms = rig->wall_ms};
    fsm_slot_begin(rig->fsm, fsm_slot(rig->fsm) + 1, &stamp);
    fsm_apply(rig->fsm, &command, &rig->result);
    fsm_slot_end(rig->fsm);
    rig->wall_ms += 10;
    return rig->result.verdict;
}

enum cd_status rig_apply(struct rig *rig, struct fsm_op op)
{
    assert_int_equal(rig_judge(rig, (struct fsm_command){.op = op}), FSM_TAKEN);
    return rig->result.status;
}

void rig_must(struct rig *rig, struct fsm_op op)
{
    assert_int_equal(rig_apply(rig, op), CD_OK);
}

void rig_wait(struct rig *rig, uint64_t ms)
{
    rig->wall_ms += ms;
    struct fsm_batch_stamp stamp = {.wall_ms = rig->wall_ms, .elapsed_ms = rig->wall_ms};
    fsm_slot_begin(rig->fsm, fsm_slot(rig->fsm) + 1, &stamp);
    fsm_slot_end(rig->fsm);
}

uint64_t rig_open(struct rig *rig)
{
    struct fsm_command command = {
        .who = make_who("me"),
        .op = {.kind = FSM_OP_OPEN_SESSION, .open_session = {.timeout_ms = 10000}}};
    memset(command.op.open_session.secret_hash, 0x5e, FSM_SECRET_HASH_BYTES);
    assert_int_equal(rig_judge(rig, command), FSM_TAKEN);
    assert_int_equal(rig->result.status, CD_OK);
    return rig->result.session_opened;
}

void rig_write(struct rig *rig, uint64_t session, uint64_t seq, struct fsm_op op)
{
    assert_int_equal(rig_judge(rig, session_write(session, seq, op)), FSM_TAKEN);
    assert_int_equal(rig->result.status, CD_OK);
}

struct fsm_session_view rig_session(const struct rig *rig, uint64_t session)
{
    struct fsm_session_view view;
    assert_true(fsm_session_find(rig->fsm, session, &view));
    return view;
}

struct fsm_stat rig_stat(const struct rig *rig, const char *path)
{
    struct fsm_stat stat = {0};
    assert_int_equal(fsm_exists(rig->fsm, NULL, NULL, text(path), &stat), CD_OK);
    return stat;
}

struct fsm *restore_all(struct fsm_snapshot *snapshot)
{
    struct fsm_restore *restore = fsm_restore_begin();
    struct fsm_item item;
    struct cd_error error = {0};
    struct fsm *copy = NULL;
    uint64_t digest = 0;
    while (fsm_snapshot_next(snapshot, &item)) {
        digest = item.kind == FSM_ITEM_HEAD ? item.head.digest : digest;
        if (fsm_restore_put(restore, &item, &error) != CD_OK) {
            fail_msg("%s", error.message);
        }
    }
    if (fsm_restore_finish(restore, &copy, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    while (!fsm_snapshot_release(snapshot, 3)) {
    }
    assert_true(fsm_digest(copy) == digest);
    return copy;
}

struct fsm *restore_copy(struct fsm *fsm)
{
    return restore_all(fsm_snapshot_take(fsm));
}
