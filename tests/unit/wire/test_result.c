#include "support.h"

/*
 * Goal: what became of a write is told from its result alone, whether it was done now or long ago.
 */

static const struct fsm_stat some_stat = {
    .czxid = 281474976710658,
    .mzxid = 281474976710659,
    .pzxid = 281474976710660,
    .ctime_ms = 1000,
    .mtime_ms = 2000,
    .version = 3,
    .creates = 4,
    .children_count = 1,
    .data_bytes = 5,
};

/* ---- A machine of fsm behind it ---- */

struct world {
    struct fsm *fsm;
    struct fsm_result result;
    uint64_t slot;
};

static void world_init(struct world *world)
{
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.data_bytes = 1000;
    world->fsm = fsm_create(&limits, 1);
    world->slot = 0;
    fsm_result_init(&world->result);
}

static void world_release(struct world *world)
{
    fsm_result_release(&world->result);
    fsm_free(world->fsm);
}

/* Applies it and puts the reply into the rig's frame. */
static void apply(struct rig *rig, struct world *world, uint64_t id, struct fsm_op op)
{
    struct fsm_batch_stamp stamp = {5000, 10};
    struct fsm_command command = {.origin = {1, 2, 3}, .op = op};
    fsm_slot_begin(world->fsm, ++world->slot, &stamp);
    fsm_apply(world->fsm, &command, &world->result);
    fsm_slot_end(world->fsm);
    struct wire_reply reply;
    wire_reply_from_result(&reply, id, &world->result);
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
}

static struct fsm_op create_op(const char *path, const char *data)
{
    struct fsm_op op = {.kind = FSM_OP_CREATE};
    op.create = (struct fsm_op_create){.path = text(path), .data = text(data)};
    return op;
}

static struct fsm_op set_op(const char *path, const char *data, int64_t version)
{
    struct fsm_op op = {.kind = FSM_OP_SET};
    op.set = (struct fsm_op_set){text(path), text(data), version};
    return op;
}

static struct fsm_op delete_op(const char *path, bool recursive, bool if_present)
{
    struct fsm_op op = {.kind = FSM_OP_DELETE};
    op.remove = (struct fsm_op_delete){text(path), FSM_ANY_VERSION, recursive, if_present};
    return op;
}

static void test_commands(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    apply(rig, &world, 1, create_op("/a", "one"));
    apply(rig, &world, 2, set_op("/a", "two", FSM_ANY_VERSION));
    apply(rig, &world, 3, set_op("/a", "three", 7));
    struct fsm_op again = create_op("/a", "x");
    again.create.if_absent = true;
    apply(rig, &world, 4, again);
    apply(rig, &world, 5, delete_op("/a", false, false));
    apply(rig, &world, 6, delete_op("/a", false, true));
    apply(rig, &world, 7, delete_op("/a", false, false));
    Coord__V1__ServerFrame *frame = server_frame(rig);
    Coord__V1__Reply *replies[7];
    for (size_t i = 0; i < 7; i++) {
        replies[i] = frame->items[i]->reply;
        assert_int_equal(replies[i]->id, i + 1);
    }
    assert_int_equal(replies[0]->result_case, COORD__V1__REPLY__RESULT_CREATE);
    assert_true(is_text(replies[0]->create->path, "/a"));
    assert_true(replies[0]->create->created);
    assert_int_equal(replies[0]->create->stat->data_length, 3);
    assert_int_equal(replies[0]->create->stat->czxid, replies[0]->zxid);
    assert_int_equal(replies[0]->create->stat->ctime_ms, 5000);
    assert_int_equal(replies[1]->set->stat->version, 1);
    assert_int_equal(replies[2]->code, COORD__V1__CODE__CODE_BAD_VERSION);
    assert_int_equal(replies[2]->result_case, COORD__V1__REPLY__RESULT__NOT_SET);
    assert_true(replies[2]->message.len > 0);
    assert_int_equal(replies[2]->zxid, replies[1]->zxid);
    assert_int_equal(replies[3]->code, COORD__V1__CODE__CODE_OK);
    assert_false(replies[3]->create->created);
    assert_int_equal(replies[3]->create->stat->version, 1);
    assert_int_equal(replies[4]->delete_->deleted, 1);
    assert_int_equal(replies[5]->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(replies[5]->delete_->deleted, 0);
    assert_int_equal(replies[6]->code, COORD__V1__CODE__CODE_NO_NODE);
    free_server_frame(frame);
    world_release(&world);
}

static void test_txn_results(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    struct fsm_op get = {.kind = FSM_OP_GET, .read = {text("/a")}};
    struct fsm_op exists = {.kind = FSM_OP_EXISTS, .read = {text("/none")}};
    struct fsm_op check = {.kind = FSM_OP_CHECK, .check = {text("/a"), 0}};
    struct fsm_op ops[] = {create_op("/a", "one"), create_op("/a/b", ""),       check, get, exists,
                           set_op("/a", "two", 0), delete_op("/a", true, false)};
    struct fsm_op txn = {.kind = FSM_OP_TXN};
    txn.txn = (struct fsm_op_txn){.then_ops = ops, .then_count = 7};
    apply(rig, &world, 1, txn);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_OK);
    assert_true(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 7);
    Coord__V1__TxnOpResult *const *results = reply->txn->results;
    assert_true(is_text(results[0]->create->path, "/a"));
    assert_true(is_text(results[1]->create->path, "/a/b"));
    assert_int_equal(results[2]->result_case, COORD__V1__TXN_OP_RESULT__RESULT_CHECK);
    assert_int_equal(results[2]->check->stat->version, 0);
    assert_true(is_text(results[3]->get->data, "one"));
    assert_int_equal(results[3]->get->stat->num_children, 1);
    assert_false(results[4]->exists->exists);
    assert_null(results[4]->exists->stat);
    assert_int_equal(results[5]->set->stat->version, 1);
    assert_int_equal(results[6]->delete_->deleted, 2);
    free_server_frame(frame);
    world_release(&world);
}

static void test_txn_refusals(void **state)
{
    struct rig *rig = *state;
    struct world world;
    world_init(&world);
    struct fsm_op ops[] = {create_op("/a", ""), create_op("/none/b", "")};
    struct fsm_op txn = {.kind = FSM_OP_TXN};
    txn.txn = (struct fsm_op_txn){.then_ops = ops, .then_count = 2};
    apply(rig, &world, 1, txn);
    struct fsm_compare compares[] = {
        {text("/"), FSM_COMPARE_EXISTS, FSM_EQUAL, 1, {0}, NULL},
        {text("/a"), FSM_COMPARE_EXISTS, FSM_EQUAL, 1, {0}, NULL},
    };
    txn.txn.compares = compares;
    txn.txn.compares_count = 2;
    apply(rig, &world, 2, txn);
    struct fsm_op exists = {.kind = FSM_OP_EXISTS, .read = {text("/")}};
    txn.txn.else_ops = &exists;
    txn.txn.else_count = 1;
    apply(rig, &world, 3, txn);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_NO_PARENT);
    assert_int_equal(reply->txn->failed_index, 1);
    assert_true(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 0);
    reply = frame->items[1]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_COMPARE_FAILED);
    assert_int_equal(reply->txn->failed_index, 1);
    assert_false(reply->txn->succeeded);
    assert_true(is_text(reply->message, cd_status_text(CD_COMPARE_FAILED)));
    reply = frame->items[2]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_OK);
    assert_false(reply->txn->succeeded);
    assert_int_equal(reply->txn->n_results, 1);
    assert_int_equal(reply->txn->results[0]->result_case, COORD__V1__TXN_OP_RESULT__RESULT_EXISTS);
    assert_true(reply->txn->results[0]->exists->exists);
    free_server_frame(frame);
    world_release(&world);
}

/* Over a limit: the sentence names limit and size. */
static void test_limit_in_words(void **state)
{
    struct rig *rig = *state;
    struct world world;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.atomic_nodes = 2;
    limits.session_ephemerals = 2;
    world.fsm = fsm_create(&limits, 1);
    world.slot = 0;
    fsm_result_init(&world.result);
    struct fsm_op op = create_op("/a/b/c", "");
    op.create.make_parents = true;
    apply(rig, &world, 1, op);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_TOO_MANY);
    char message[CD_ERROR_MESSAGE_BYTES] = {0};
    assert_true(reply->message.len < sizeof(message));
    memcpy(message, reply->message.data, reply->message.len);
    assert_non_null(strstr(message, "atomic_nodes"));
    free_server_frame(frame);
    world_release(&world);
}

/* ---- Results by hand ---- */

/* The reply of a result, in the rig's buffer; free the frame. */
static Coord__V1__ServerFrame *frame_of(struct rig *rig, const struct fsm_result *result)
{
    struct wire_reply reply;
    cd_buf_clear(&rig->buf);
    wire_reply_from_result(&reply, 7, result);
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    return server_frame(rig);
}

static struct fsm_result result_of(struct fsm_outcome *outcomes, size_t count)
{
    return (struct fsm_result){.kind = outcomes[0].kind,
                               .status = outcomes[0].status,
                               .zxid = 99,
                               .failed_index = -1,
                               .outcomes = outcomes,
                               .outcomes_count = count};
}

static void test_single_results(void **state)
{
    struct rig *rig = *state;
    struct fsm_outcome outcome = {.kind = FSM_OP_INCREMENT, .value = -12, .stat = some_stat};
    struct fsm_result result = result_of(&outcome, 1);
    Coord__V1__ServerFrame *frame = frame_of(rig, &result);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->id, 7);
    assert_int_equal(reply->zxid, 99);
    assert_int_equal(reply->result_case, COORD__V1__REPLY__RESULT_INCREMENT);
    assert_int_equal(reply->increment->value, -12);
    assert_int_equal(reply->increment->stat->mzxid, some_stat.mzxid);
    free_server_frame(frame);

    outcome.kind = FSM_OP_SET_ACL;
    outcome.stat.azxid = 5;
    outcome.stat.aversion = 6;
    outcome.stat.owner = 7;
    outcome.stat.ttl_ms = 8;
    outcome.stat.kind = FSM_TTL;
    result = result_of(&outcome, 1);
    frame = frame_of(rig, &result);
    const Coord__V1__Stat *stat = frame->items[0]->reply->set_acl->stat;
    assert_int_equal(stat->azxid, 5);
    assert_int_equal(stat->aversion, 6);
    assert_int_equal(stat->ephemeral_owner, 7);
    assert_int_equal(stat->ttl_ms, 8);
    assert_int_equal(stat->kind, COORD__V1__NODE_KIND__NODE_KIND_TTL);
    free_server_frame(frame);

    outcome = (struct fsm_outcome){.kind = FSM_OP_SET_TIMEOUT, .timeout_ms = 4000};
    result = result_of(&outcome, 1);
    frame = frame_of(rig, &result);
    assert_int_equal(frame->items[0]->reply->set_timeout->timeout_ms, 4000);
    free_server_frame(frame);

    static const struct {
        enum fsm_op_kind kind;
        Coord__V1__Reply__ResultCase result;
    } empty[] = {{FSM_OP_FORGET, COORD__V1__REPLY__RESULT_FORGET},
                 {FSM_OP_CLOSE, COORD__V1__REPLY__RESULT_CLOSE}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(empty); i++) {
        outcome.kind = empty[i].kind;
        result = result_of(&outcome, 1);
        frame = frame_of(rig, &result);
        assert_int_equal(frame->items[0]->reply->result_case, empty[i].result);
        free_server_frame(frame);
    }
}

static bool says(ProtobufCBinaryData message, const char *words)
{
    char copy[CD_ERROR_MESSAGE_BYTES] = {0};
    assert_true(message.len < sizeof(copy));
    memcpy(copy, message.data, message.len);
    return strstr(copy, words) != NULL;
}

static void test_refusals(void **state)
{
    struct rig *rig = *state;
    /* R11: a refusal that took its place in the log, in the replica's own words. */
    struct fsm_outcome outcome = {
        .kind = FSM_OP_REFUSE, .status = CD_TOO_LARGE, .message = text("8 bytes; the limit is 7")};
    struct fsm_result result = result_of(&outcome, 1);
    Coord__V1__ServerFrame *frame = frame_of(rig, &result);
    const Coord__V1__Reply *reply = frame->items[0]->reply;
    assert_int_equal(reply->code, COORD__V1__CODE__CODE_TOO_LARGE);
    assert_true(is_text(reply->message, "8 bytes; the limit is 7"));
    assert_int_equal(reply->result_case, COORD__V1__REPLY__RESULT__NOT_SET);
    free_server_frame(frame);

    /* Judged before its operation: nothing but the status. */
    static const struct {
        enum fsm_verdict verdict;
        enum cd_status status;
    } verdicts[] = {{FSM_CONFLICT, CD_SEQ_CONFLICT},
                    {FSM_MOVED, CD_SESSION_MOVED},
                    {FSM_NO_SESSION, CD_SESSION_EXPIRED},
                    {FSM_TAKEN, CD_NOT_HELD}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(verdicts); i++) {
        for (unsigned txn = 0; txn < 2; txn++) {
            struct fsm_result judged = {.kind = txn == 1 ? FSM_OP_TXN : FSM_OP_SET,
                                        .verdict = verdicts[i].verdict,
                                        .status = verdicts[i].status,
                                        .failed_index = -1};
            frame = frame_of(rig, &judged);
            reply = frame->items[0]->reply;
            assert_int_equal(reply->code, verdicts[i].status);
            assert_true(is_text(reply->message, cd_status_text(verdicts[i].status)));
            assert_int_equal(reply->result_case, COORD__V1__REPLY__RESULT__NOT_SET);
            free_server_frame(frame);
        }
    }
    outcome = (struct fsm_outcome){.kind = FSM_OP_CREATE,
                                   .status = CD_TOO_MANY,
                                   .limit_name = "session_ephemerals",
                                   .limit = 10,
                                   .wanted = 11};
    result = result_of(&outcome, 1);
    frame = frame_of(rig, &result);
    assert_true(says(frame->items[0]->reply->message, "session_ephemerals"));
    free_server_frame(frame);
}

static void test_txn_of_new_operations(void **state)
{
    struct rig *rig = *state;
    struct fsm_view views[] = {{text("x"), some_stat, text("data of x")},
                               {text("y"), {0}, {0}}}; /* it may not be read */
    struct fsm_outcome outcomes[] = {
        {.kind = FSM_OP_INCREMENT, .value = 41, .stat = some_stat},
        {.kind = FSM_OP_SET_ACL, .stat = some_stat},
        {.kind = FSM_OP_CHILDREN,
         .stat = some_stat,
         .with_stat = true,
         .with_data = true,
         .children = views,
         .children_count = 2,
         .children_more = true},
    };
    struct fsm_result result = result_of(outcomes, 3);
    result.kind = FSM_OP_TXN;
    result.compares_held = true;
    Coord__V1__ServerFrame *frame = frame_of(rig, &result);
    const Coord__V1__TxnResult *txn = frame->items[0]->reply->txn;
    assert_true(txn->succeeded);
    assert_int_equal(txn->n_results, 3);
    assert_int_equal(txn->results[0]->increment->value, 41);
    assert_int_equal(txn->results[1]->set_acl->stat->czxid, some_stat.czxid);
    const Coord__V1__ChildrenResult *page = txn->results[2]->children;
    assert_int_equal(page->n_children, 2);
    assert_true(is_text(page->children[0]->name, "x"));
    assert_true(is_text(page->children[0]->data, "data of x"));
    assert_int_equal(page->children[0]->stat->czxid, some_stat.czxid);
    assert_null(page->children[1]->stat);
    assert_int_equal(page->stat->czxid, some_stat.czxid);

    /* There is more, and no page follows: a cursor that no replica holds. */
    Coord__V1__ChildrenRequest next = COORD__V1__CHILDREN_REQUEST__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    next.path = binary("/");
    next.cursor = page->cursor;
    request.id = 2;
    request.op_case = COORD__V1__REQUEST__OP_CHILDREN;
    request.children = &next;
    const struct wire_cursor *cursor = &through(rig, &request)->read.list.cursor;
    assert_true(cursor->given);
    assert_int_equal(cursor->version, 0);
    assert_text(cursor->position, "y");
    free_server_frame(frame);
    outcomes[2].children_more = false;
    frame = frame_of(rig, &result);
    assert_int_equal(frame->items[0]->reply->txn->results[2]->children->cursor.len, 0);
    free_server_frame(frame);
}

/* OutcomeOf shows the kept reply within its own, code and sentence included. */
static void test_outcomes(void **state)
{
    struct rig *rig = *state;
    struct fsm_outcome outcome = {
        .kind = FSM_OP_CREATE, .changed = true, .path = text("/q-0000000004"), .stat = some_stat};
    struct fsm_result result = result_of(&outcome, 1);
    struct wire_reply reply = {.id = 3, .zxid = 500, .kind = WIRE_RESULT_OUTCOME};
    reply.result = &result;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    outcome.status = CD_NODE_EXISTS;
    result.status = CD_NODE_EXISTS;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__OutcomeOfResult *seen = frame->items[0]->reply->outcome_of;
    assert_int_equal(frame->items[0]->reply->zxid, 500);
    assert_int_equal(seen->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(seen->zxid, 99);
    assert_int_equal(seen->result_case, COORD__V1__OUTCOME_OF_RESULT__RESULT_CREATE);
    assert_true(is_text(seen->create->path, "/q-0000000004"));
    seen = frame->items[1]->reply->outcome_of;
    assert_int_equal(frame->items[1]->reply->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(seen->code, COORD__V1__CODE__CODE_NODE_EXISTS);
    assert_true(seen->message.len > 0);
    assert_int_equal(seen->result_case, COORD__V1__OUTCOME_OF_RESULT__RESULT__NOT_SET);
    free_server_frame(frame);
}

/* ---- Kept replies ---- */

/* Applies a write of the session and gives the bytes of its reply; free them. */
static struct cd_blob *reply_bytes(struct world *world, uint64_t session, uint64_t seq,
                                   struct fsm_op op, enum fsm_verdict expected)
{
    struct fsm_batch_stamp stamp = {5000 + world->slot, 10};
    struct fsm_command command = {
        .origin = {1, 2, seq}, .session = session, .seq = seq, .attach = 1, .op = op};
    command.request_hash = wire_request_hash(&command);
    fsm_slot_begin(world->fsm, ++world->slot, &stamp);
    fsm_apply(world->fsm, &command, &world->result);
    fsm_slot_end(world->fsm);
    assert_int_equal(world->result.verdict, expected);
    struct wire_reply reply;
    struct cd_buf buf;
    cd_buf_init(&buf, WIRE_SERVER_FRAME_BYTES_MAX);
    wire_reply_from_result(&reply, seq, &world->result);
    assert_int_equal(wire_server_put_reply(&buf, &reply), CD_OK);
    struct cd_blob *bytes = cd_blob_copy(buf.data, buf.bytes);
    cd_buf_release(&buf);
    return bytes;
}

static uint64_t open_session(struct world *world)
{
    struct fsm_command command = {.origin = {1, 2, 3},
                                  .who = {FSM_SCHEME_CN, text("x"), false},
                                  .op = {.kind = FSM_OP_OPEN_SESSION}};
    fsm_slot_begin(world->fsm, ++world->slot, NULL);
    fsm_apply(world->fsm, &command, &world->result);
    fsm_slot_end(world->fsm);
    assert_int_equal(world->result.status, CD_OK);
    return world->result.session_opened;
}

/* R9, R21: a kept reply is, to the byte, the one that was given when the write was applied. */
static void test_kept_replies(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t session = open_session(&world);
    struct fsm_op get = {.kind = FSM_OP_GET, .read = {text("/a")}};
    struct fsm_op exists = {.kind = FSM_OP_EXISTS, .read = {text("/none")}};
    struct fsm_op check = {.kind = FSM_OP_CHECK, .check = {text("/a"), FSM_ANY_VERSION}};
    struct fsm_op txn_ops[] = {create_op("/t", "one"), check, get, exists};
    struct fsm_op txn = {.kind = FSM_OP_TXN};
    txn.txn = (struct fsm_op_txn){.then_ops = txn_ops, .then_count = 4};
    struct fsm_op sequential = create_op("/q-", "");
    sequential.create.sequential = true;
    struct fsm_op refuse = {.kind = FSM_OP_REFUSE};
    refuse.refuse = (struct fsm_op_refuse){CD_TOO_LARGE, text("8 bytes; the limit is 7")};
    struct fsm_op timeout = {.kind = FSM_OP_SET_TIMEOUT, .set_timeout = {4000}};
    struct fsm_op forget = {.kind = FSM_OP_FORGET};
    struct fsm_op ops[] = {create_op("/a", "1"),
                           set_op("/a", "2", FSM_ANY_VERSION),
                           set_op("/a", "3", 7), /* refused, and kept like the others */
                           sequential,
                           txn,
                           txn, /* refused now: its first node exists */
                           refuse,
                           timeout,
                           forget,
                           delete_op("/a", false, false)};
    struct cd_blob *first[CD_ARRAY_COUNT(ops)];
    for (size_t i = 0; i < CD_ARRAY_COUNT(ops); i++) {
        first[i] = reply_bytes(&world, session, i + 1, ops[i], FSM_TAKEN);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(ops); i++) {
        struct cd_blob *again = reply_bytes(&world, session, i + 1, ops[i], FSM_REPLAYED);
        assert_int_equal(again->bytes, first[i]->bytes);
        assert_memory_equal(again->data, first[i]->data, again->bytes);
        cd_blob_unref(again);
        cd_blob_unref(first[i]);
    }
    /* Another request under a seq that was used. */
    struct cd_blob *conflict =
        reply_bytes(&world, session, 1, create_op("/a", "other"), FSM_CONFLICT);
    Coord__V1__ServerFrame *frame =
        coord__v1__server_frame__unpack(NULL, conflict->bytes, conflict->data);
    assert_int_equal(frame->items[0]->reply->code, COORD__V1__CODE__CODE_SEQ_CONFLICT);
    free_server_frame(frame);
    cd_blob_unref(conflict);
    world_release(&world);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_commands),
        WITH_RIG(test_txn_results),
        WITH_RIG(test_txn_refusals),
        WITH_RIG(test_limit_in_words),
        WITH_RIG(test_single_results),
        WITH_RIG(test_refusals),
        WITH_RIG(test_txn_of_new_operations),
        WITH_RIG(test_outcomes),
        WITH_RIG(test_kept_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
