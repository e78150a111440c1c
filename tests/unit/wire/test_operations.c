#include "support.h"

#include "base/prng.h"

/*
 * Goal: a command is the same after the log as before it, and nothing that this version cannot
 * carry out passes as something that it can.
 */

static void same_bytes(struct fsm_bytes a, struct fsm_bytes b)
{
    assert_int_equal(a.bytes, b.bytes);
    if (a.bytes > 0) {
        assert_memory_equal(a.data, b.data, a.bytes);
    }
}

static void same_op(const struct fsm_op *a, const struct fsm_op *b);

static void same_ops(const struct fsm_op *a, size_t a_count, const struct fsm_op *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        same_op(&a[i], &b[i]);
    }
}

static void same_txn(const struct fsm_op_txn *a, const struct fsm_op_txn *b)
{
    assert_int_equal(a->compares_count, b->compares_count);
    for (size_t i = 0; i < a->compares_count; i++) {
        same_bytes(a->compares[i].path, b->compares[i].path);
        assert_int_equal(a->compares[i].target, b->compares[i].target);
        assert_int_equal(a->compares[i].relation, b->compares[i].relation);
        assert_int_equal(a->compares[i].number, b->compares[i].number);
        same_bytes(a->compares[i].value, b->compares[i].value);
    }
    same_ops(a->then_ops, a->then_count, b->then_ops, b->then_count);
    same_ops(a->else_ops, a->else_count, b->else_ops, b->else_count);
}

static void same_op(const struct fsm_op *a, const struct fsm_op *b)
{
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case FSM_OP_CREATE:
        same_bytes(a->create.path, b->create.path);
        same_bytes(a->create.data, b->create.data);
        assert_int_equal(a->create.kind, b->create.kind);
        assert_int_equal(a->create.sequential, b->create.sequential);
        assert_int_equal(a->create.make_parents, b->create.make_parents);
        assert_int_equal(a->create.if_absent, b->create.if_absent);
        return;
    case FSM_OP_DELETE:
        same_bytes(a->remove.path, b->remove.path);
        assert_int_equal(a->remove.version, b->remove.version);
        assert_int_equal(a->remove.recursive, b->remove.recursive);
        assert_int_equal(a->remove.if_present, b->remove.if_present);
        return;
    case FSM_OP_SET:
        same_bytes(a->set.path, b->set.path);
        same_bytes(a->set.data, b->set.data);
        assert_int_equal(a->set.version, b->set.version);
        return;
    case FSM_OP_TXN:
        same_txn(&a->txn, &b->txn);
        return;
    case FSM_OP_CHECK:
        same_bytes(a->check.path, b->check.path);
        assert_int_equal(a->check.version, b->check.version);
        return;
    case FSM_OP_GET:
    case FSM_OP_EXISTS:
        same_bytes(a->read.path, b->read.path);
        return;
    case FSM_OP_CHILDREN:
    case FSM_OP_INCREMENT:
    case FSM_OP_SET_ACL:
    case FSM_OP_SET_TIMEOUT:
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_REFUSE:
    case FSM_OP_OPEN_SESSION:
    case FSM_OP_ATTACH_SESSION:
    case FSM_OP_EXPIRE_SESSION:
    case FSM_OP_REAP:
        break;
    }
    fail();
}

/* ---- Commands at random ---- */

static struct fsm_bytes any_bytes(struct cd_prng *prng)
{
    static const char *const some[] = {"", "/", "/a", "/a/b\xc3\xa9", "data data data", "0"};
    return text(some[cd_prng_below(prng, CD_ARRAY_COUNT(some))]);
}

static bool any_bool(struct cd_prng *prng)
{
    return cd_prng_below(prng, 2) == 1;
}

static int64_t any_version(struct cd_prng *prng)
{
    static const int64_t some[] = {FSM_ANY_VERSION, 0, 1, 127, 128, INT64_MAX};
    return some[cd_prng_below(prng, CD_ARRAY_COUNT(some))];
}

static struct fsm_op any_op(struct cd_prng *prng, bool in_txn)
{
    struct fsm_op op = {0};
    switch (cd_prng_below(prng, in_txn ? 6 : 3)) {
    case 0:
        op.kind = FSM_OP_CREATE;
        op.create = (struct fsm_op_create){.path = any_bytes(prng),
                                           .data = any_bytes(prng),
                                           .sequential = any_bool(prng),
                                           .make_parents = any_bool(prng),
                                           .if_absent = any_bool(prng)};
        break;
    case 1:
        op.kind = FSM_OP_DELETE;
        op.remove = (struct fsm_op_delete){any_bytes(prng), any_version(prng), any_bool(prng),
                                           any_bool(prng)};
        break;
    case 2:
        op.kind = FSM_OP_SET;
        op.set = (struct fsm_op_set){any_bytes(prng), any_bytes(prng), any_version(prng)};
        break;
    case 3:
        op.kind = FSM_OP_CHECK;
        op.check = (struct fsm_op_check){any_bytes(prng), any_version(prng)};
        break;
    case 4:
        op.kind = FSM_OP_GET;
        op.read.path = any_bytes(prng);
        break;
    default:
        op.kind = FSM_OP_EXISTS;
        op.read.path = any_bytes(prng);
        break;
    }
    return op;
}

static struct fsm_compare any_compare(struct cd_prng *prng)
{
    struct fsm_compare compare = {.path = any_bytes(prng)};
    compare.target = (enum fsm_compare_target)(1 + cd_prng_below(prng, FSM_COMPARE_VALUE));
    compare.relation = (enum fsm_relation)(1 + cd_prng_below(prng, 4));
    if (compare.target == FSM_COMPARE_EXISTS) {
        compare.number = cd_prng_below(prng, 2);
    } else if (compare.target == FSM_COMPARE_VALUE) {
        compare.value = any_bytes(prng);
    } else {
        compare.number = (uint64_t)INT64_MAX >> cd_prng_below(prng, 63);
    }
    return compare;
}

#define LIST_MAX 5

struct any_txn {
    struct fsm_compare compares[LIST_MAX];
    struct fsm_op then_ops[LIST_MAX], else_ops[LIST_MAX];
};

static struct fsm_op any_txn(struct cd_prng *prng, struct any_txn *lists)
{
    struct fsm_op op = {.kind = FSM_OP_TXN};
    op.txn = (struct fsm_op_txn){lists->compares, (size_t)cd_prng_below(prng, LIST_MAX + 1),
                                 lists->then_ops, (size_t)cd_prng_below(prng, LIST_MAX + 1),
                                 lists->else_ops, (size_t)cd_prng_below(prng, LIST_MAX + 1)};
    for (size_t i = 0; i < LIST_MAX; i++) {
        lists->compares[i] = any_compare(prng);
        lists->then_ops[i] = any_op(prng, true);
        lists->else_ops[i] = any_op(prng, true);
    }
    return op;
}

static void test_round_trip(void **state)
{
    struct rig *rig = *state;
    struct cd_prng prng;
    cd_prng_init(&prng, 11);
    for (unsigned round = 0; round < 3000; round++) {
        struct any_txn lists;
        struct fsm_command command = {.origin = {3, cd_prng_next(&prng), round}};
        if (any_bool(&prng)) {
            command.session = cd_prng_next(&prng);
            command.seq = round;
            command.attach = 1 + cd_prng_below(&prng, 9);
        }
        command.op = any_bool(&prng) ? any_txn(&prng, &lists) : any_op(&prng, false);
        cd_buf_clear(&rig->buf);
        wire_arena_clear(&rig->arena);
        assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
        struct fsm_command seen;
        assert_int_equal(
            wire_command_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error),
            CD_OK);
        memset(rig->buf.data, 0xee, rig->buf.bytes);
        assert_int_equal(seen.origin.node, 3);
        assert_int_equal(seen.origin.boot, command.origin.boot);
        assert_int_equal(seen.origin.counter, round);
        assert_int_equal(seen.session, command.session);
        assert_int_equal(seen.seq, command.seq);
        assert_int_equal(seen.attach, command.attach);
        same_op(&seen.op, &command.op);
    }
}

/*
 * Written by protoc from the contract:
 *   origin { node: 2 boot: 99 counter: 7 }
 *   txn { compares { path: "/a" relation: RELATION_NOT_EQUAL value: "v" }
 *     on_success { create { path: "/b-" data: "d" sequential: true } }
 *     on_failure { set { path: "/a" data: "e" if_version { value: 3 } } } }
 */
static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *golden = from_hex("0a0d080211630000000000000018079a01280a090a022f61100162017612"
                                      "0c0a0a0a032f622d12016420011a0d120b0a022f611201651a020803");
    struct fsm_compare compare = {text("/a"), FSM_COMPARE_VALUE, FSM_NOT_EQUAL, 0, text("v"), NULL};
    struct fsm_op create = {.kind = FSM_OP_CREATE};
    create.create =
        (struct fsm_op_create){.path = text("/b-"), .data = text("d"), .sequential = true};
    struct fsm_op set = {.kind = FSM_OP_SET};
    set.set = (struct fsm_op_set){text("/a"), text("e"), 3};
    struct fsm_command command = {.origin = {2, 99, 7}, .op = {.kind = FSM_OP_TXN}};
    command.op.txn = (struct fsm_op_txn){&compare, 1, &create, 1, &set, 1};
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
    assert_int_equal(rig->buf.bytes, golden->bytes);
    assert_memory_equal(rig->buf.data, golden->data, golden->bytes);
    cd_blob_unref(golden);
}

/*
 * The transaction that takes most memory to decode of all that can be encoded: as many compares and
 * operations as there may be, each as rich as it gets, and the other bytes one value. It must
 * decode, or one client could stop every replica.
 */
static void test_dearest_command(void **state)
{
    struct rig *rig = *state;
    struct fsm_compare *compares = cd_calloc(WIRE_TXN_COMPARES_MAX, sizeof(*compares));
    struct fsm_op *ops = cd_calloc(WIRE_TXN_OPS_MAX, sizeof(*ops));
    uint8_t *data = cd_calloc(1, WIRE_COMMAND_BYTES_MAX);
    for (size_t i = 0; i < WIRE_TXN_OPS_MAX; i++) {
        ops[i].kind = FSM_OP_SET;
        ops[i].set = (struct fsm_op_set){text("/a/b/c/d/e/f"), text("some data"), INT64_MAX};
    }
    for (size_t i = 0; i < WIRE_TXN_COMPARES_MAX; i++) {
        compares[i] = (struct fsm_compare){
            text("/a/b/c/d/e/f"), FSM_COMPARE_VALUE, FSM_EQUAL, 0, text("some data"), NULL};
    }
    struct fsm_command command = {.origin = {1, 2, 3}, .op = {.kind = FSM_OP_TXN}};
    command.op.txn = (struct fsm_op_txn){compares, WIRE_TXN_COMPARES_MAX, ops, WIRE_TXN_OPS_MAX,
                                         ops,      WIRE_TXN_OPS_MAX};
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
    size_t room = WIRE_COMMAND_BYTES_MAX - rig->buf.bytes;
    compares[0].value = (struct fsm_bytes){data, room};
    cd_buf_clear(&rig->buf);
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
    struct fsm_command seen;
    assert_int_equal(
        wire_command_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error), CD_OK);
    assert_true(rig->arena.taken < WIRE_ARENA_BYTES_MAX / 2);
    size_t before = rig->buf.bytes;
    compares[0].value.bytes = room + 100;
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    cd_free(compares);
    cd_free(ops);
    cd_free(data);
}

/* ---- What is refused ---- */

/* One create that is changed for each case. */
struct create_case {
    Coord__V1__CreateRequest create;
    Coord__V1__Request request;
};

static void create_init(struct create_case *each)
{
    coord__v1__create_request__init(&each->create);
    coord__v1__request__init(&each->request);
    each->create.path = binary("/a");
    each->request.id = 1;
    each->request.op_case = COORD__V1__REQUEST__OP_CREATE;
    each->request.create = &each->create;
}

static void test_create_of_later_issues(void **state)
{
    struct rig *rig = *state;
    struct create_case each;
    create_init(&each);
    each.create.if_absent = true;
    assert_int_equal(through(rig, &each.request)->kind, WIRE_WRITE);
    for (int kind = 1; kind < 6; kind++) {
        each.create.kind = (Coord__V1__NodeKind)kind;
        must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "kind");
    }
    create_init(&each);
    each.create.parents_kind = COORD__V1__NODE_KIND__NODE_KIND_CONTAINER;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "parents_kind");
    create_init(&each);
    each.create.ttl_ms = 1;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "ttl_ms");
    create_init(&each);
    Coord__V1__Acl acl = COORD__V1__ACL__INIT;
    each.create.acl = &acl;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "acl");
    create_init(&each);
    Coord__V1__Held held = COORD__V1__HELD__INIT;
    each.request.if_held = &held;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "if_held");
}

static void test_versions(void **state)
{
    struct rig *rig = *state;
    Coord__V1__SetRequest set = COORD__V1__SET_REQUEST__INIT;
    Coord__V1__Version version = COORD__V1__VERSION__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    set.path = binary("/a");
    request.id = 1;
    request.op_case = COORD__V1__REQUEST__OP_SET;
    request.set = &set;
    assert_int_equal(through(rig, &request)->command.op.set.version, FSM_ANY_VERSION);
    set.if_version = &version;
    assert_int_equal(through(rig, &request)->command.op.set.version, 0);
    version.value = -1;
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "if_version");
}

struct txn_case {
    Coord__V1__TxnRequest txn;
    Coord__V1__TxnOp op;
    Coord__V1__TxnOp *ops[2];
    Coord__V1__Compare compare;
    Coord__V1__Compare *compares[1];
    Coord__V1__Request request;
    Coord__V1__IncrementRequest increment;
    Coord__V1__GetRequest get;
};

static void txn_init(struct txn_case *each)
{
    coord__v1__txn_request__init(&each->txn);
    coord__v1__txn_op__init(&each->op);
    coord__v1__compare__init(&each->compare);
    coord__v1__request__init(&each->request);
    coord__v1__increment_request__init(&each->increment);
    coord__v1__get_request__init(&each->get);
    each->get.path = binary("/a");
    each->op.op_case = COORD__V1__TXN_OP__OP_GET;
    each->op.get = &each->get;
    each->ops[0] = &each->op;
    each->ops[1] = &each->op;
    each->compare.path = binary("/a");
    each->compare.target_case = COORD__V1__COMPARE__TARGET_EXISTS;
    each->compares[0] = &each->compare;
    each->txn.on_success = each->ops;
    each->txn.n_on_success = 2;
    each->txn.compares = each->compares;
    each->txn.n_compares = 1;
    each->request.id = 1;
    each->request.op_case = COORD__V1__REQUEST__OP_TXN;
    each->request.txn = &each->txn;
}

static void test_txn(void **state)
{
    struct rig *rig = *state;
    struct txn_case each;
    txn_init(&each);
    assert_int_equal(through(rig, &each.request)->command.op.txn.then_count, 2);
    each.get.path = binary_bytes("/a\0", 3);
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "on_success[0]: path: a NUL");
    txn_init(&each);
    each.op.op_case = COORD__V1__TXN_OP__OP_INCREMENT;
    each.op.increment = &each.increment;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "on_success[0]: ");
    txn_init(&each);
    each.op.op_case = COORD__V1__TXN_OP__OP__NOT_SET;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "no operation");
}

static void test_compares(void **state)
{
    struct rig *rig = *state;
    struct txn_case each;
    txn_init(&each);
    each.compare.relation = (Coord__V1__Relation)7;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "compares[0]: relation");
    txn_init(&each);
    each.compare.target_case = COORD__V1__COMPARE__TARGET_OWNER;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "owner");
    txn_init(&each);
    each.compare.target_case = COORD__V1__COMPARE__TARGET__NOT_SET;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "compares[0]");
    txn_init(&each);
    each.compare.target_case = COORD__V1__COMPARE__TARGET_VERSION;
    each.compare.version = -1;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "compares[0]");
    txn_init(&each);
    each.compare.path = binary("\xff");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "compares[0]: path");
}

static void test_txn_limits(void **state)
{
    struct rig *rig = *state;
    struct txn_case each;
    size_t count = WIRE_TXN_OPS_MAX + 1;
    Coord__V1__TxnOp **ops = cd_calloc(count, sizeof(*ops));
    Coord__V1__Compare **compares = cd_calloc(count, sizeof(*compares));
    txn_init(&each);
    for (size_t i = 0; i < count; i++) {
        ops[i] = &each.op;
        compares[i] = &each.compare;
    }
    each.txn.on_failure = ops;
    each.txn.n_on_failure = count;
    must_refuse(rig, &each.request, CD_TOO_MANY, "on_failure");
    wire_arena_clear(&rig->arena);
    each.txn.n_on_failure = 0;
    each.txn.compares = compares;
    each.txn.n_compares = WIRE_TXN_COMPARES_MAX + 1;
    must_refuse(rig, &each.request, CD_TOO_MANY, "compares");
    cd_free(ops);
    cd_free(compares);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),     WITH_RIG(test_dearest_command),
        WITH_RIG(test_round_trip), WITH_RIG(test_create_of_later_issues),
        WITH_RIG(test_versions),   WITH_RIG(test_txn),
        WITH_RIG(test_compares),   WITH_RIG(test_txn_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
