#include "support.h"

/*
 * Goal: an operation that this version cannot carry out is refused by its name, and every list has
 * a bound. That operations come out as they were meant is test_command's and test_client's.
 */

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

static void test_create(void **state)
{
    struct rig *rig = *state;
    struct create_case each;
    create_init(&each);
    each.create.if_absent = true;
    each.create.ttl_ms = 5;
    each.create.kind = COORD__V1__NODE_KIND__NODE_KIND_TTL;
    each.create.parents_kind = COORD__V1__NODE_KIND__NODE_KIND_CONTAINER;
    const struct wire_request *seen = through(rig, &each.request);
    assert_int_equal(seen->kind, WIRE_WRITE);
    assert_int_equal(seen->command.op.create.kind, FSM_TTL);
    assert_int_equal(seen->command.op.create.parents_kind, FSM_CONTAINER);
    assert_int_equal(seen->command.op.create.ttl_ms, 5);
    assert_false(seen->command.op.create.has_acl);
    each.create.kind = (Coord__V1__NodeKind)4;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "kind: this server does not know kind 4");
    create_init(&each);
    each.create.parents_kind = (Coord__V1__NodeKind)-1;
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "parents_kind");
}

static void test_held(void **state)
{
    struct rig *rig = *state;
    struct create_case each;
    create_init(&each);
    Coord__V1__Held held = COORD__V1__HELD__INIT;
    ProtobufCBinaryData prefixes[] = {binary("r-"), binary("w-")};
    held.path = binary("/l/r-0000000001");
    held.fence = 9;
    held.prefixes = prefixes;
    held.n_prefixes = 2;
    each.request.if_held = &held;
    const struct fsm_held *seen = through(rig, &each.request)->command.if_held;
    assert_text(seen->path, "/l/r-0000000001");
    assert_int_equal(seen->fence, 9);
    assert_int_equal(seen->n, 1); /* what 0 means */
    assert_int_equal(seen->prefixes_count, 2);
    assert_text(seen->prefixes[1], "w-");
    prefixes[1] = binary("\xff");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "prefixes: no valid UTF-8");
    held.path = binary_bytes("/\0", 2);
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "held.path: a NUL");
}

static void test_acl(void **state)
{
    struct rig *rig = *state;
    struct create_case each;
    create_init(&each);
    Coord__V1__AclEntry list[] = {COORD__V1__ACL_ENTRY__INIT, COORD__V1__ACL_ENTRY__INIT};
    Coord__V1__AclEntry *pointers[] = {&list[0], &list[1]};
    Coord__V1__Acl acl = COORD__V1__ACL__INIT;
    each.create.acl = &acl;
    const struct fsm_op_create *seen = &through(rig, &each.request)->command.op.create;
    assert_true(seen->has_acl); /* one that grants nothing is not none */
    assert_int_equal(seen->acl.count, 0);
    list[0].permissions = 3;
    list[0].scheme = binary("anyone");
    list[1].permissions = 31;
    list[1].scheme = binary("dns");
    list[1].id = binary("a.b");
    acl.entries = pointers;
    acl.n_entries = 2;
    seen = &through(rig, &each.request)->command.op.create;
    assert_int_equal(seen->acl.count, 2);
    assert_int_equal(seen->acl.entries[0].scheme, FSM_SCHEME_ANYONE);
    assert_int_equal(seen->acl.entries[1].scheme, FSM_SCHEME_DNS);
    assert_int_equal(seen->acl.entries[1].permissions, 31);
    assert_text(seen->acl.entries[1].id, "a.b");
    list[1].id = binary("\xc3");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "acl[1]: id");
    list[1].scheme = binary("role");
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "acl[1]: scheme");
    list[1].scheme = binary("");
    must_refuse(rig, &each.request, CD_UNIMPLEMENTED, "acl[1]: scheme");
}

static void test_details(void **state)
{
    struct rig *rig = *state;
    struct create_case each;
    create_init(&each);
    Coord__V1__AclEntry entry = COORD__V1__ACL_ENTRY__INIT;
    Coord__V1__AclEntry **pointers = cd_calloc(WIRE_DETAILS_MAX, sizeof(*pointers));
    for (size_t i = 0; i < WIRE_DETAILS_MAX; i++) {
        pointers[i] = &entry;
    }
    Coord__V1__Acl acl = COORD__V1__ACL__INIT;
    Coord__V1__Held held = COORD__V1__HELD__INIT;
    ProtobufCBinaryData prefix = binary("p");
    entry.scheme = binary("cn");
    acl.entries = pointers;
    acl.n_entries = WIRE_DETAILS_MAX;
    each.create.acl = &acl;
    assert_int_equal(through(rig, &each.request)->kind, WIRE_WRITE);
    wire_arena_clear(&rig->arena);
    held.prefixes = &prefix;
    held.n_prefixes = 1;
    each.request.if_held = &held; /* all of a request count together */
    must_refuse(rig, &each.request, CD_TOO_MANY, "65537");
    cd_free(pointers);
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
    const struct wire_request *seen = through(rig, &each.request);
    assert_int_equal(seen->kind, WIRE_READ_TXN); /* it only reads */
    assert_int_equal(seen->read.txn.kind, FSM_OP_TXN);
    assert_int_equal(seen->read.txn.txn.then_count, 2);
    assert_int_equal(seen->read.txn.txn.compares_count, 1);
    each.op.op_case = COORD__V1__TXN_OP__OP_INCREMENT;
    each.op.increment = &each.increment;
    each.increment.path = binary("/n");
    each.increment.delta = INT64_MIN;
    seen = through(rig, &each.request);
    assert_int_equal(seen->kind, WIRE_WRITE);
    assert_int_equal(seen->command.op.txn.then_ops[1].increment.delta, INT64_MIN);
    txn_init(&each);
    each.get.path = binary_bytes("/a\0", 3);
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "on_success[0]: path: a NUL");
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

/* A transaction that writes in one branch alone is a write, also if that branch does not run. */
static void test_which_transactions_write(void **state)
{
    struct rig *rig = *state;
    struct txn_case each;
    Coord__V1__TxnOp write = COORD__V1__TXN_OP__INIT;
    Coord__V1__TxnOp *writes[] = {&write};
    txn_init(&each);
    each.increment.path = binary("/n");
    write.op_case = COORD__V1__TXN_OP__OP_INCREMENT;
    write.increment = &each.increment;
    each.request.seq = 4;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "seq: only writes");
    each.txn.on_failure = writes;
    each.txn.n_on_failure = 1;
    const struct wire_request *seen = through(rig, &each.request);
    assert_int_equal(seen->kind, WIRE_WRITE);
    assert_int_equal(seen->seq, 4);
    each.request.seq = 0;
    each.txn.n_on_failure = 0;
    Coord__V1__Held held = COORD__V1__HELD__INIT;
    each.request.if_held = &held;
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "if_held: only writes");
}

static void test_children_of_a_transaction(void **state)
{
    struct rig *rig = *state;
    struct txn_case each;
    Coord__V1__ChildrenRequest children = COORD__V1__CHILDREN_REQUEST__INIT;
    txn_init(&each);
    children.path = binary("/a");
    children.start_after = binary("m");
    each.op.op_case = COORD__V1__TXN_OP__OP_CHILDREN;
    each.op.children = &children;
    const struct fsm_op_children *seen =
        &through(rig, &each.request)->read.txn.txn.then_ops[0].children;
    assert_text(seen->path, "/a");
    assert_text(seen->after, "m");
    assert_int_equal(seen->limit, WIRE_PAGE_ENTRIES_MAX);
    children.cursor = binary("c");
    must_refuse(rig, &each.request, CD_INVALID_ARGUMENT, "on_success[0]: cursor");
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
        WITH_RIG(test_create),
        WITH_RIG(test_held),
        WITH_RIG(test_acl),
        WITH_RIG(test_details),
        WITH_RIG(test_versions),
        WITH_RIG(test_txn),
        WITH_RIG(test_compares),
        WITH_RIG(test_which_transactions_write),
        WITH_RIG(test_children_of_a_transaction),
        WITH_RIG(test_txn_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
