#include "support.h"

#include "base/hash.h"
#include "base/prng.h"

/*
 * Goal: a command is the same after the log as before it, whatever it is; equal requests have equal
 * hashes; and nothing that this version cannot carry out passes as something that it can.
 */

static void same_bytes(struct fsm_bytes a, struct fsm_bytes b)
{
    assert_int_equal(a.bytes, b.bytes);
    if (a.bytes > 0) {
        assert_memory_equal(a.data, b.data, a.bytes);
    }
}

static void same_acl(const struct fsm_acl_entries *a, const struct fsm_acl_entries *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->entries[i].permissions, b->entries[i].permissions);
        assert_int_equal(a->entries[i].scheme, b->entries[i].scheme);
        same_bytes(a->entries[i].id, b->entries[i].id);
    }
}

static void same_held(const struct fsm_held *a, const struct fsm_held *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL) {
        return;
    }
    same_bytes(a->path, b->path);
    assert_int_equal(a->fence, b->fence);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->prefixes_count, b->prefixes_count);
    for (size_t i = 0; i < a->prefixes_count; i++) {
        same_bytes(a->prefixes[i], b->prefixes[i]);
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
        same_held(a->compares[i].held, b->compares[i].held);
    }
    same_ops(a->then_ops, a->then_count, b->then_ops, b->then_count);
    same_ops(a->else_ops, a->else_count, b->else_ops, b->else_count);
}

static void same_create(const struct fsm_op_create *a, const struct fsm_op_create *b)
{
    same_bytes(a->path, b->path);
    same_bytes(a->data, b->data);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->ttl_ms, b->ttl_ms);
    assert_int_equal(a->parents_kind, b->parents_kind);
    assert_int_equal(a->sequential, b->sequential);
    assert_int_equal(a->make_parents, b->make_parents);
    assert_int_equal(a->if_absent, b->if_absent);
    assert_int_equal(a->has_acl, b->has_acl);
    same_acl(&a->acl, &b->acl);
}

static void same_session_op(const struct fsm_op *a, const struct fsm_op *b)
{
    switch ((int)a->kind) {
    case FSM_OP_SET_TIMEOUT:
        assert_int_equal(a->set_timeout.timeout_ms, b->set_timeout.timeout_ms);
        return;
    case FSM_OP_FORGET:
    case FSM_OP_CLOSE:
    case FSM_OP_ATTACH_SESSION:
        return;
    case FSM_OP_REFUSE:
        assert_int_equal(a->refuse.status, b->refuse.status);
        same_bytes(a->refuse.message, b->refuse.message);
        return;
    case FSM_OP_OPEN_SESSION:
        assert_memory_equal(a->open_session.secret_hash, b->open_session.secret_hash,
                            FSM_SECRET_HASH_BYTES);
        assert_int_equal(a->open_session.timeout_ms, b->open_session.timeout_ms);
        return;
    case FSM_OP_EXPIRE_SESSION:
        assert_int_equal(a->expire_session.session, b->expire_session.session);
        assert_int_equal(a->expire_session.leader.round, b->expire_session.leader.round);
        assert_int_equal(a->expire_session.leader.node, b->expire_session.leader.node);
        assert_int_equal(a->expire_session.leader.incarnation,
                         b->expire_session.leader.incarnation);
        return;
    case FSM_OP_REAP:
        same_bytes(a->reap.path, b->reap.path);
        assert_int_equal(a->reap.mzxid, b->reap.mzxid);
        assert_int_equal(a->reap.cversion, b->reap.cversion);
        return;
    case FSM_OP_AGREE_DIGEST:
        assert_int_equal(a->agree_digest.slot, b->agree_digest.slot);
        assert_int_equal(a->agree_digest.version, b->agree_digest.version);
        assert_true(a->agree_digest.digest == b->agree_digest.digest);
        return;
    default:
        fail();
    }
}

static void same_op(const struct fsm_op *a, const struct fsm_op *b)
{
    assert_int_equal(a->kind, b->kind);
    switch ((int)a->kind) {
    case FSM_OP_CREATE:
        same_create(&a->create, &b->create);
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
    case FSM_OP_INCREMENT:
        same_bytes(a->increment.path, b->increment.path);
        assert_int_equal(a->increment.delta, b->increment.delta);
        assert_int_equal(a->increment.version, b->increment.version);
        assert_int_equal(a->increment.create, b->increment.create);
        return;
    case FSM_OP_SET_ACL:
        same_bytes(a->set_acl.path, b->set_acl.path);
        assert_int_equal(a->set_acl.has_acl, b->set_acl.has_acl);
        assert_int_equal(a->set_acl.aversion, b->set_acl.aversion);
        same_acl(&a->set_acl.acl, &b->set_acl.acl);
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
        same_bytes(a->children.path, b->children.path);
        same_bytes(a->children.after, b->children.after);
        assert_int_equal(a->children.limit, b->children.limit);
        assert_int_equal(a->children.with_stat, b->children.with_stat);
        assert_int_equal(a->children.with_data, b->children.with_data);
        return;
    default:
        same_session_op(a, b);
        return;
    }
}

static void same_command(const struct fsm_command *a, const struct fsm_command *b)
{
    assert_int_equal(a->origin.node, b->origin.node);
    assert_int_equal(a->origin.boot, b->origin.boot);
    assert_int_equal(a->origin.counter, b->origin.counter);
    assert_int_equal(a->session, b->session);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->attach, b->attach);
    assert_int_equal(a->reply_mark, b->reply_mark);
    assert_int_equal(a->request_hash, b->request_hash);
    assert_int_equal(a->has_key, b->has_key);
    assert_memory_equal(a->key, b->key, sizeof(a->key));
    assert_int_equal(a->who.scheme, b->who.scheme);
    same_bytes(a->who.id, b->who.id);
    assert_int_equal(a->who.administrator, b->who.administrator);
    same_held(a->if_held, b->if_held);
    same_op(&a->op, &b->op);
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

#define LIST_MAX 5

/* Borrowed by what is made of it. */
struct any_lists {
    struct fsm_acl_entry entries[LIST_MAX];
    struct fsm_bytes prefixes[LIST_MAX];
    struct fsm_held held;
    struct fsm_compare compares[LIST_MAX];
    struct fsm_op then_ops[LIST_MAX], else_ops[LIST_MAX];
};

static void make_lists(struct cd_prng *prng, struct any_lists *lists)
{
    for (size_t i = 0; i < LIST_MAX; i++) {
        lists->entries[i] =
            (struct fsm_acl_entry){(uint32_t)cd_prng_below(prng, FSM_PERMISSIONS_ALL + 1),
                                   (enum fsm_scheme)cd_prng_below(prng, 4), any_bytes(prng)};
        lists->prefixes[i] = any_bytes(prng);
    }
    lists->held = (struct fsm_held){any_bytes(prng), cd_prng_next(prng),
                                    1 + (uint32_t)cd_prng_below(prng, 300), lists->prefixes,
                                    (size_t)cd_prng_below(prng, LIST_MAX + 1)};
}

static struct fsm_acl_entries any_acl(struct cd_prng *prng, const struct any_lists *lists)
{
    return (struct fsm_acl_entries){lists->entries, (size_t)cd_prng_below(prng, LIST_MAX + 1)};
}

static struct fsm_op any_write(struct cd_prng *prng, const struct any_lists *lists)
{
    struct fsm_op op = {0};
    switch (cd_prng_below(prng, 5)) {
    case 0:
        op.kind = FSM_OP_CREATE;
        op.create = (struct fsm_op_create){.path = any_bytes(prng),
                                           .data = any_bytes(prng),
                                           .kind = (enum fsm_node_kind)cd_prng_below(prng, 4),
                                           .ttl_ms = cd_prng_below(prng, 1000),
                                           .has_acl = any_bool(prng),
                                           .sequential = any_bool(prng),
                                           .make_parents = any_bool(prng),
                                           .if_absent = any_bool(prng)};
        op.create.parents_kind = (enum fsm_node_kind)cd_prng_below(prng, 4);
        if (op.create.has_acl) {
            op.create.acl = any_acl(prng, lists);
        }
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
        op.kind = FSM_OP_INCREMENT;
        op.increment = (struct fsm_op_increment){any_bytes(prng), (int64_t)cd_prng_next(prng),
                                                 any_version(prng), any_bool(prng)};
        break;
    default:
        op.kind = FSM_OP_SET_ACL;
        op.set_acl = (struct fsm_op_set_acl){
            .path = any_bytes(prng), .has_acl = any_bool(prng), .aversion = any_version(prng)};
        if (op.set_acl.has_acl) {
            op.set_acl.acl = any_acl(prng, lists);
        }
        break;
    }
    return op;
}

static struct fsm_op any_read(struct cd_prng *prng)
{
    struct fsm_op op = {0};
    switch (cd_prng_below(prng, 4)) {
    case 0:
        op.kind = FSM_OP_CHECK;
        op.check = (struct fsm_op_check){any_bytes(prng), any_version(prng)};
        break;
    case 1:
        op.kind = FSM_OP_GET;
        op.read.path = any_bytes(prng);
        break;
    case 2:
        op.kind = FSM_OP_CHILDREN;
        op.children = (struct fsm_op_children){any_bytes(prng), any_bytes(prng),
                                               1 + (uint32_t)cd_prng_below(prng, 1000),
                                               any_bool(prng), any_bool(prng)};
        break;
    default:
        op.kind = FSM_OP_EXISTS;
        op.read.path = any_bytes(prng);
        break;
    }
    return op;
}

/* What is about sessions, and the leader's own. */
static struct fsm_op any_session_op(struct cd_prng *prng)
{
    static const enum fsm_op_kind kinds[] = {
        FSM_OP_SET_TIMEOUT,    FSM_OP_FORGET,       FSM_OP_CLOSE,
        FSM_OP_REFUSE,         FSM_OP_OPEN_SESSION, FSM_OP_ATTACH_SESSION,
        FSM_OP_EXPIRE_SESSION, FSM_OP_REAP,         FSM_OP_AGREE_DIGEST};
    struct fsm_op op = {.kind = kinds[cd_prng_below(prng, CD_ARRAY_COUNT(kinds))]};
    switch ((int)op.kind) {
    case FSM_OP_SET_TIMEOUT:
        op.set_timeout.timeout_ms = (uint32_t)cd_prng_next(prng);
        break;
    case FSM_OP_REFUSE:
        op.refuse.status = CD_TOO_LARGE;
        op.refuse.message = any_bytes(prng);
        break;
    case FSM_OP_OPEN_SESSION:
        op.open_session.timeout_ms = (uint32_t)cd_prng_below(prng, 100000);
        memset(op.open_session.secret_hash, (int)cd_prng_below(prng, 256), FSM_SECRET_HASH_BYTES);
        break;
    case FSM_OP_EXPIRE_SESSION:
        op.expire_session = (struct fsm_op_expire_session){
            cd_prng_next(prng), {cd_prng_next(prng), 3, cd_prng_next(prng)}};
        break;
    case FSM_OP_REAP:
        op.reap = (struct fsm_op_reap){any_bytes(prng), cd_prng_next(prng),
                                       (uint64_t)INT64_MAX >> cd_prng_below(prng, 63)};
        break;
    case FSM_OP_AGREE_DIGEST:
        op.agree_digest = (struct fsm_op_agree_digest){
            1 + cd_prng_below(prng, 1000), cd_prng_next(prng), (uint32_t)cd_prng_next(prng)};
        break;
    default:
        break;
    }
    return op;
}

static struct fsm_compare any_compare(struct cd_prng *prng, const struct any_lists *lists)
{
    struct fsm_compare compare = {.path = any_bytes(prng)};
    compare.target = (enum fsm_compare_target)(1 + cd_prng_below(prng, FSM_COMPARE_HELD));
    compare.relation = (enum fsm_relation)(1 + cd_prng_below(prng, 4));
    if (compare.target == FSM_COMPARE_EXISTS) {
        compare.number = cd_prng_below(prng, 2);
    } else if (compare.target == FSM_COMPARE_VALUE) {
        compare.value = any_bytes(prng);
    } else if (compare.target == FSM_COMPARE_HELD) {
        compare.held = &lists->held;
    } else {
        compare.number = (uint64_t)INT64_MAX >> cd_prng_below(prng, 63);
    }
    return compare;
}

static struct fsm_op any_txn(struct cd_prng *prng, struct any_lists *lists)
{
    struct fsm_op op = {.kind = FSM_OP_TXN};
    op.txn = (struct fsm_op_txn){lists->compares, (size_t)cd_prng_below(prng, LIST_MAX + 1),
                                 lists->then_ops, (size_t)cd_prng_below(prng, LIST_MAX + 1),
                                 lists->else_ops, (size_t)cd_prng_below(prng, LIST_MAX + 1)};
    for (size_t i = 0; i < LIST_MAX; i++) {
        lists->compares[i] = any_compare(prng, lists);
        lists->then_ops[i] = any_bool(prng) ? any_write(prng, lists) : any_read(prng);
        lists->else_ops[i] = any_bool(prng) ? any_write(prng, lists) : any_read(prng);
    }
    return op;
}

static struct fsm_op any_op(struct cd_prng *prng, struct any_lists *lists)
{
    switch (cd_prng_below(prng, 3)) {
    case 0:
        return any_txn(prng, lists);
    case 1:
        return any_write(prng, lists);
    default:
        return any_session_op(prng);
    }
}

static struct fsm_command any_command(struct cd_prng *prng, struct any_lists *lists)
{
    struct fsm_command command = {.origin = {3, cd_prng_next(prng), 9}};
    make_lists(prng, lists);
    if (any_bool(prng)) {
        command.session = cd_prng_next(prng);
        command.seq = cd_prng_below(prng, 1000);
        command.attach = 1 + cd_prng_below(prng, 9);
        command.reply_mark = cd_prng_below(prng, 1000);
    } else {
        command.who.scheme = (enum fsm_scheme)(1 + cd_prng_below(prng, 3));
        command.who.id = text("spiffe://somebody");
        command.has_key = any_bool(prng);
        memset(command.key, command.has_key ? 7 : 0, sizeof(command.key));
    }
    command.who.administrator = any_bool(prng);
    command.request_hash = any_bool(prng) ? cd_prng_next(prng) : 0;
    command.if_held = any_bool(prng) ? &lists->held : NULL;
    command.op = any_op(prng, lists);
    return command;
}

static void test_round_trip(void **state)
{
    struct rig *rig = *state;
    struct cd_prng prng;
    cd_prng_init(&prng, 11);
    for (unsigned round = 0; round < 5000; round++) {
        struct any_lists lists;
        struct fsm_command command = any_command(&prng, &lists);
        cd_buf_clear(&rig->buf);
        wire_arena_clear(&rig->arena);
        assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
        struct fsm_command seen;
        assert_int_equal(
            wire_command_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error),
            CD_OK);
        memset(rig->buf.data, 0xee, rig->buf.bytes);
        same_command(&seen, &command);
        assert_int_equal(wire_request_hash(&seen), wire_request_hash(&command));
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
 * Written by protoc from the contract:
 *   origin { node: 1 boot: 2 counter: 3 } session_id: 5 attach: 6 seq: 7 reply_mark: 4
 *   identity: "uri:spiffe://x" request_hash: 9 call_key: "0123456789abcdef"
 *   if_held { path: "/l/a-0000000000" fence: 11 n: 2 prefixes: "a-" } administrator: true
 *   increment { path: "/n" delta: -3 if_version {} create: true }
 */
static void test_golden_of_every_field(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *golden =
        from_hex("0a0d080111020000000000000018031005180620072804320e7572693a7370696666653a2f2f7839"
                 "09000000000000004210303132333435363738396162636465664a190a0f2f6c2f612d3030303030"
                 "3030303030100b18022202612d5001a201130a022f6e10fdffffffffffffffff011a002001");
    struct fsm_bytes prefix = text("a-");
    struct fsm_held held = {text("/l/a-0000000000"), 11, 2, &prefix, 1};
    struct fsm_command command = {.origin = {1, 2, 3},
                                  .session = 5,
                                  .attach = 6,
                                  .seq = 7,
                                  .reply_mark = 4,
                                  .request_hash = 9,
                                  .has_key = true,
                                  .who = {FSM_SCHEME_URI, text("spiffe://x"), true},
                                  .if_held = &held,
                                  .op = {.kind = FSM_OP_INCREMENT}};
    memcpy(command.key, "0123456789abcdef", sizeof(command.key));
    command.op.increment = (struct fsm_op_increment){text("/n"), -3, 0, true};
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

/* The same with as many ACL entries and prefixes as there may be; one more is not written. */
static void test_most_details(void **state)
{
    struct rig *rig = *state;
    size_t count = WIRE_DETAILS_MAX + 1;
    struct fsm_acl_entry *entries = cd_calloc(count, sizeof(*entries));
    struct fsm_bytes *prefixes = cd_calloc(count, sizeof(*prefixes));
    struct fsm_compare *compares = cd_calloc(WIRE_TXN_COMPARES_MAX, sizeof(*compares));
    struct fsm_op op = {.kind = FSM_OP_SET_ACL, .set_acl = {.has_acl = true}};
    op.set_acl.acl = (struct fsm_acl_entries){entries, WIRE_DETAILS_MAX / 2};
    struct fsm_held held = {text("/a"), 1, 1, prefixes, 0};
    for (size_t i = 0; i < WIRE_TXN_COMPARES_MAX; i++) {
        compares[i] = (struct fsm_compare){text("/a"), FSM_COMPARE_HELD, FSM_EQUAL, 0, {0}, &held};
    }
    held.prefixes_count = 1;
    struct fsm_held large = {text("/a"), 1, 1, prefixes,
                             WIRE_DETAILS_MAX / 2 - WIRE_TXN_COMPARES_MAX};
    struct fsm_command command = {
        .origin = {1, 2, 3}, .if_held = &large, .op = {.kind = FSM_OP_TXN}};
    command.op.txn = (struct fsm_op_txn){compares, WIRE_TXN_COMPARES_MAX, &op, 1, NULL, 0};
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_OK);
    struct fsm_command seen;
    assert_int_equal(
        wire_command_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error), CD_OK);
    assert_true(rig->arena.taken < WIRE_ARENA_BYTES_MAX / 2);
    assert_int_equal(seen.if_held->prefixes_count, large.prefixes_count);
    assert_int_equal(seen.op.txn.then_ops[0].set_acl.acl.count, WIRE_DETAILS_MAX / 2);
    size_t before = rig->buf.bytes;
    op.set_acl.acl.count++;
    assert_int_equal(wire_command_encode(&rig->buf, &command), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    assert_int_equal(wire_request_hash(&command), 0);
    cd_free(entries);
    cd_free(prefixes);
    cd_free(compares);
}

/* ---- Hashes ---- */

static uint64_t hash_of(struct rig *rig, const char *request_hex)
{
    struct cd_blob *bytes = from_hex(request_hex);
    struct wire_request request;
    assert_int_equal(wire_request_decode(&rig->arena, (struct fsm_bytes){bytes->data, bytes->bytes},
                                         &request, &rig->error),
                     CD_OK);
    cd_blob_unref(bytes);
    assert_int_equal(request.kind, WIRE_WRITE);
    return request.command.request_hash;
}

/* set { path: "/a" data: "x" } of requests that differ in everything else, or only in that. */
static void test_hash(void **state)
{
    struct rig *rig = *state;
    uint64_t hash = hash_of(rig, "08014a070a022f61120178");
    assert_true(hash != 0);
    /* XXH3 of Command's field 17 with this SetRequest: its canonical bytes, computed here anew. */
    assert_int_equal(hash, cd_hash64("\x8a\x01\x07\x0a\x02/a\x12\x01x", 10));
    assert_int_equal(hash_of(rig, "0807100930644a070a022f61120178"), hash); /* id, seq, wait */
    assert_int_equal(hash_of(rig, "4a071201780a022f610801"), hash);         /* other order */
    assert_int_equal(hash_of(rig, "08014a0b0a022f611201781a0208"
                                  "00"), /* version 0 is not any */
                     cd_hash64("\x8a\x01\x09\x0a\x02/a\x12\x01x\x1a\x00", 12));
    assert_int_equal(hash_of(rig, "08014a0a0a022f611201788001"
                                  "07"),
                     hash); /* unknown field */
    assert_int_not_equal(hash_of(rig, "08014a070a022f61120179"), hash);
    assert_int_not_equal(hash_of(rig, "08014a070a022f62120178"), hash);
    assert_int_not_equal(hash_of(rig, "08013a040a022f614a070a022f61120178"), hash); /* if_held */
}

/* The marks of a Forget are no part of it, nor is who asks. */
static void test_hash_is_of_the_request_alone(void **state)
{
    (void)state;
    struct fsm_command command = {.op = {.kind = FSM_OP_FORGET}};
    uint64_t hash = wire_request_hash(&command);
    command.reply_mark = 9;
    command.session = 8;
    command.attach = 7;
    command.origin.node = 6;
    command.who = (struct fsm_who){FSM_SCHEME_CN, text("x"), true};
    assert_int_equal(wire_request_hash(&command), hash);
    command.op.kind = FSM_OP_CLOSE;
    assert_int_not_equal(wire_request_hash(&command), hash);
}

/* ---- Identities ---- */

static void test_identities(void **state)
{
    struct rig *rig = *state;
    struct fsm_who who;
    static const struct {
        const char *text;
        enum fsm_scheme scheme;
        const char *id;
    } good[] = {{"uri:spiffe://x/y", FSM_SCHEME_URI, "spiffe://x/y"},
                {"dns:a.b", FSM_SCHEME_DNS, "a.b"},
                {"cn:uri:x", FSM_SCHEME_CN, "uri:x"},
                {"", FSM_SCHEME_ANYONE, ""}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        assert_int_equal(wire_identity_parse(&who, text(good[i].text), NULL), CD_OK);
        assert_int_equal(who.scheme, good[i].scheme);
        assert_text(who.id, good[i].id);
        uint8_t back[WIRE_IDENTITY_BYTES_MAX];
        assert_int_equal(wire_identity_format(back, &who), strlen(good[i].text));
        assert_memory_equal(back, good[i].text, strlen(good[i].text));
    }
    static const char *const bad[] = {"uri:", "uri", "x", ":x", "role:x", "anyone:", "URI:x"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        assert_int_equal(wire_identity_parse(&who, text(bad[i]), &rig->error), CD_INVALID_ARGUMENT);
    }
    char longest[WIRE_IDENTITY_BYTES_MAX + 2] = "uri:";
    memset(longest + 4, 'x', FSM_IDENTITY_BYTES_MAX);
    uint8_t back[WIRE_IDENTITY_BYTES_MAX];
    assert_int_equal(wire_identity_parse(&who, text(longest), &rig->error), CD_OK);
    assert_int_equal(wire_identity_format(back, &who), WIRE_IDENTITY_BYTES_MAX);
    longest[WIRE_IDENTITY_BYTES_MAX] = 'x';
    assert_int_equal(wire_identity_parse(&who, text(longest), &rig->error), CD_INVALID_ARGUMENT);
}

/* ---- What a newer version wrote, and what none did ---- */

static enum cd_status decode_changed(struct rig *rig, const Coord__Storage__V1__Command *command)
{
    struct fsm_command seen;
    struct cd_blob *bytes = pack(&command->base);
    enum cd_status status =
        wire_command_decode(&rig->arena, bytes->data, bytes->bytes, &seen, &rig->error);
    cd_blob_unref(bytes);
    return status;
}

/* A good command, to be spoilt. */
struct command_case {
    Coord__Storage__V1__Origin origin;
    Coord__V1__CreateRequest create;
    Coord__Storage__V1__Command command;
};

static void command_init(struct command_case *each)
{
    coord__storage__v1__origin__init(&each->origin);
    coord__v1__create_request__init(&each->create);
    coord__storage__v1__command__init(&each->command);
    each->origin.node = 1;
    each->create.path = binary("/a");
    each->command.origin = &each->origin;
    each->command.op_case = COORD__STORAGE__V1__COMMAND__OP_CREATE;
    each->command.create = &each->create;
}

static void test_spoilt_commands(void **state)
{
    struct rig *rig = *state;
    struct command_case each;
#define DECODES(change, status)                                                                    \
    do {                                                                                           \
        command_init(&each);                                                                       \
        change;                                                                                    \
        assert_int_equal(decode_changed(rig, &each.command), status);                              \
    } while (0)
    DECODES((void)0, CD_OK);
    DECODES(each.origin.node = 0, CD_MALFORMED);
    DECODES(each.command.identity = binary("x"), CD_MALFORMED);
    DECODES(each.command.identity = binary("uri:\xff"), CD_MALFORMED);
    DECODES(each.command.call_key = binary("x"), CD_MALFORMED);
    DECODES(each.create.path = binary("\xff"), CD_MALFORMED);
    DECODES(each.create.kind = (Coord__V1__NodeKind)4, CD_NEWER_FORMAT);
    DECODES(each.create.parents_kind = (Coord__V1__NodeKind)4, CD_NEWER_FORMAT);
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP__NOT_SET, CD_MALFORMED);

    Coord__V1__AclEntry entry = COORD__V1__ACL_ENTRY__INIT;
    Coord__V1__AclEntry *entries[] = {&entry};
    Coord__V1__Acl acl = COORD__V1__ACL__INIT;
    acl.entries = entries;
    acl.n_entries = 1;
    entry.scheme = binary("role");
    DECODES(each.create.acl = &acl, CD_NEWER_FORMAT);
    Coord__V1__SetQuotaRequest quota = COORD__V1__SET_QUOTA_REQUEST__INIT;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_SET_QUOTA;
            each.command.set_quota = &quota, CD_NEWER_FORMAT);
    Coord__Storage__V1__AgreeDigest agree = COORD__STORAGE__V1__AGREE_DIGEST__INIT;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_AGREE_DIGEST;
            each.command.agree_digest = &agree, CD_MALFORMED);
    agree.slot = 1;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_AGREE_DIGEST;
            each.command.agree_digest = &agree, CD_OK);
    Coord__Storage__V1__SetClusterVersion version = COORD__STORAGE__V1__SET_CLUSTER_VERSION__INIT;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_SET_CLUSTER_VERSION;
            each.command.set_cluster_version = &version, CD_NEWER_FORMAT);
}

static void test_spoilt_session_commands(void **state)
{
    struct rig *rig = *state;
    struct command_case each;
    Coord__V1__OpenSession open = COORD__V1__OPEN_SESSION__INIT;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_OPEN_SESSION;
            each.command.open_session = &open, CD_MALFORMED);
    open.secret_hash = binary("0123456789abcdef0123456789abcdef");
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_OPEN_SESSION;
            each.command.open_session = &open, CD_OK);
    Coord__V1__ForgetRequest forget = COORD__V1__FORGET_REQUEST__INIT;
    forget.reply_mark = 1;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_FORGET;
            each.command.forget = &forget, CD_MALFORMED);
    Coord__Storage__V1__ReapNode reap = COORD__STORAGE__V1__REAP_NODE__INIT;
    reap.cversion = -1;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_REAP;
            each.command.reap = &reap, CD_MALFORMED);
    Coord__Storage__V1__RefuseRequest refuse = COORD__STORAGE__V1__REFUSE_REQUEST__INIT;
    static const unsigned bad[] = {CD_OK, CD_BUSY, CD_STATUS_CLIENT_MAX + 1};
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        refuse.code = bad[i];
        DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_REFUSE;
                each.command.refuse = &refuse, CD_MALFORMED);
    }
    char sentence[FSM_REFUSAL_BYTES_MAX + 1];
    memset(sentence, 's', sizeof(sentence));
    refuse.code = CD_TOO_LARGE;
    refuse.message = binary_bytes(sentence, FSM_REFUSAL_BYTES_MAX);
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_REFUSE;
            each.command.refuse = &refuse, CD_OK);
    refuse.message.len++;
    DECODES(each.command.op_case = COORD__STORAGE__V1__COMMAND__OP_REFUSE;
            each.command.refuse = &refuse, CD_MALFORMED);
#undef DECODES
}

/* A field that nobody knows, planted into each message of a transaction in turn. */
static void test_unknown_fields(void **state)
{
    struct rig *rig = *state;
    uint8_t one = 1;
    ProtobufCMessageUnknownField unknown = {
        .tag = 500, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = &one};
    Coord__Storage__V1__Origin origin = COORD__STORAGE__V1__ORIGIN__INIT;
    Coord__V1__SetRequest set = COORD__V1__SET_REQUEST__INIT;
    Coord__V1__Version version = COORD__V1__VERSION__INIT;
    Coord__V1__TxnOp op = COORD__V1__TXN_OP__INIT;
    Coord__V1__TxnOp *ops[] = {&op};
    Coord__V1__Compare compare = COORD__V1__COMPARE__INIT;
    Coord__V1__Compare *compares[] = {&compare};
    Coord__V1__TxnRequest txn = COORD__V1__TXN_REQUEST__INIT;
    Coord__Storage__V1__Command command = COORD__STORAGE__V1__COMMAND__INIT;
    origin.node = 1;
    set.if_version = &version;
    op.op_case = COORD__V1__TXN_OP__OP_SET;
    op.set = &set;
    compare.target_case = COORD__V1__COMPARE__TARGET_EXISTS;
    txn.compares = compares;
    txn.n_compares = 1;
    txn.on_failure = ops;
    txn.n_on_failure = 1;
    command.origin = &origin;
    command.op_case = COORD__STORAGE__V1__COMMAND__OP_TXN;
    command.txn = &txn;
    assert_int_equal(decode_changed(rig, &command), CD_OK);
    ProtobufCMessage *const messages[] = {&command.base, &origin.base, &txn.base,    &compare.base,
                                          &op.base,      &set.base,    &version.base};
    for (size_t i = 0; i < CD_ARRAY_COUNT(messages); i++) {
        messages[i]->unknown_fields = &unknown;
        messages[i]->n_unknown_fields = 1;
        assert_int_equal(decode_changed(rig, &command), CD_NEWER_FORMAT);
        messages[i]->n_unknown_fields = 0;
    }
    assert_int_equal(decode_changed(rig, &command), CD_OK);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_round_trip),
        WITH_RIG(test_golden),
        WITH_RIG(test_golden_of_every_field),
        WITH_RIG(test_dearest_command),
        WITH_RIG(test_most_details),
        WITH_RIG(test_hash),
        WITH_RIG(test_hash_is_of_the_request_alone),
        WITH_RIG(test_identities),
        WITH_RIG(test_spoilt_commands),
        WITH_RIG(test_spoilt_session_commands),
        WITH_RIG(test_unknown_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
