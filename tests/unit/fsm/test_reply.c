#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/reply.h"
#include "fsm/state.h"

/* Goal: a result comes out of its bytes as it went in; bytes that are no result harm nobody. */

static void assert_bytes(struct fsm_bytes a, struct fsm_bytes b)
{
    assert_int_equal(a.bytes, b.bytes);
    if (a.bytes != 0) {
        assert_memory_equal(a.data, b.data, a.bytes);
    }
}

static void assert_stat(const struct fsm_stat *a, const struct fsm_stat *b)
{
    struct fsm_stat x = *a;
    struct fsm_stat y = *b;
    x.acl = NULL; /* private, and not of a reply */
    y.acl = NULL;
    assert_int_equal(x.czxid, y.czxid);
    assert_int_equal(x.mzxid, y.mzxid);
    assert_int_equal(x.pzxid, y.pzxid);
    assert_int_equal(x.ctime_ms, y.ctime_ms);
    assert_int_equal(x.mtime_ms, y.mtime_ms);
    assert_int_equal(x.version, y.version);
    assert_int_equal(x.creates, y.creates);
    assert_int_equal(x.children_count, y.children_count);
    assert_int_equal(x.azxid, y.azxid);
    assert_int_equal(x.aversion, y.aversion);
    assert_int_equal(x.owner, y.owner);
    assert_int_equal(x.ttl_ms, y.ttl_ms);
    assert_int_equal(x.data_bytes, y.data_bytes);
    assert_int_equal(x.kind, y.kind);
    assert_int_equal(x.suffix_bytes, y.suffix_bytes);
    assert_int_equal(x.idle_elapsed_ms, y.idle_elapsed_ms);
}

static void assert_outcome(const struct fsm_outcome *a, const struct fsm_outcome *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->changed, b->changed);
    assert_int_equal(a->found, b->found);
    assert_bytes(a->path, b->path);
    assert_stat(&a->stat, &b->stat);
    assert_bytes(a->data, b->data);
    assert_int_equal(a->value, b->value);
    assert_int_equal(a->timeout_ms, b->timeout_ms);
    assert_int_equal(a->with_stat, b->with_stat);
    assert_int_equal(a->with_data, b->with_data);
    assert_int_equal(a->children_count, b->children_count);
    for (size_t i = 0; i < a->children_count; i++) {
        assert_bytes(a->children[i].path, b->children[i].path);
        assert_stat(&a->children[i].stat, &b->children[i].stat);
        assert_bytes(a->children[i].data, b->children[i].data);
    }
    assert_int_equal(a->children_more, b->children_more);
    assert_bytes(a->message, b->message);
    assert_int_equal(a->nodes_count, b->nodes_count);
    assert_string_equal(a->limit_name == NULL ? "" : a->limit_name,
                        b->limit_name == NULL ? "" : b->limit_name);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->wanted, b->wanted);
}

static void assert_same(const struct fsm_result *a, const struct fsm_result *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->changed, b->changed);
    assert_int_equal(a->compares_held, b->compares_held);
    assert_int_equal(a->zxid, b->zxid);
    assert_int_equal(a->failed_index, b->failed_index);
    assert_int_equal(a->session_opened, b->session_opened);
    assert_int_equal(a->session_ended, b->session_ended);
    assert_int_equal(a->outcomes_count, b->outcomes_count);
    for (size_t i = 0; i < a->outcomes_count; i++) {
        assert_outcome(&a->outcomes[i], &b->outcomes[i]);
    }
}

/* There and back, and there again: the same bytes. */
static void check_round_trip(const struct fsm_result *result)
{
    struct cd_buf buf;
    struct cd_buf again;
    struct fsm_result got;
    cd_buf_init(&buf, SIZE_MAX);
    cd_buf_init(&again, SIZE_MAX);
    fsm_result_init(&got);
    fsm_reply_pack(&buf, result);
    struct fsm_bytes packed = {buf.data, buf.bytes};
    assert_int_equal(fsm_reply_unpack(packed, &got), CD_OK);
    assert_same(result, &got);
    assert_int_equal(got.changes_count, 0);
    fsm_reply_pack(&again, &got);
    assert_bytes(packed, (struct fsm_bytes){again.data, again.bytes});
    /* What it shows is its own. */
    memset(buf.data, 0xee, buf.bytes);
    assert_same(result, &got);
    fsm_result_release(&got);
    cd_buf_release(&buf);
    cd_buf_release(&again);
}

/* A result with something in every field. */
static void make_rich(struct fsm_result *result, struct fsm_view *children)
{
    fsm_result_init(result);
    result->kind = FSM_OP_TXN;
    result->status = CD_BAD_VERSION;
    result->changed = true;
    result->compares_held = true;
    result->zxid = UINT64_MAX;
    result->failed_index = INT64_MIN;
    result->session_opened = 1;
    result->session_ended = UINT64_C(1) << 63;
    fsm_result_expect(result, 3);
    struct fsm_stat stat = {.czxid = 1,
                            .mzxid = 2,
                            .pzxid = 3,
                            .ctime_ms = 4,
                            .mtime_ms = 5,
                            .version = 6,
                            .creates = 7,
                            .children_count = 8,
                            .azxid = 9,
                            .aversion = 10,
                            .owner = 11,
                            .ttl_ms = 12,
                            .data_bytes = UINT32_MAX,
                            .kind = FSM_TTL,
                            .suffix_bytes = 13,
                            .idle_elapsed_ms = 14};
    children[0] = (struct fsm_view){.path = text("a"), .stat = stat, .data = text("1")};
    children[1] = (struct fsm_view){.path = text("b")};
    result->outcomes[0] = (struct fsm_outcome){.kind = FSM_OP_CHILDREN,
                                               .with_stat = true,
                                               .with_data = true,
                                               .children = children,
                                               .children_count = 2,
                                               .children_more = true};
    result->outcomes[1] = (struct fsm_outcome){.kind = FSM_OP_INCREMENT,
                                               .status = CD_TOO_MANY,
                                               .changed = true,
                                               .found = true,
                                               .path = text("/a"),
                                               .stat = stat,
                                               .data = text("data"),
                                               .value = INT64_MIN,
                                               .timeout_ms = UINT32_MAX,
                                               .message = text("words"),
                                               .nodes_count = 300,
                                               .limit_name = "state_reply_bytes",
                                               .limit = UINT64_MAX,
                                               .wanted = 3};
}

static void test_rich(void **state)
{
    (void)state;
    struct fsm_result result;
    struct fsm_view children[2];
    make_rich(&result, children);
    check_round_trip(&result);
    fsm_result_release(&result);
}

/* Results as commands leave them, the names of all limits among them. */
static void test_real(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.atomic_nodes = 3;
    limits.tree_bytes = 100;
    limits.sessions = 1;
    rig_init(&rig, &limits);
    uint64_t session = rig_open(&rig);
    check_round_trip(&rig.result);
    struct fsm_command open = {.who = make_who("me"), .op = make_op(FSM_OP_OPEN_SESSION)};
    rig_judge(&rig, open);
    assert_int_equal(rig.result.status, CD_TOO_MANY);
    check_round_trip(&rig.result);
    struct fsm_op inner[] = {make_create("/t", "data"), make_get("/t"), make_exists("/none"),
                             make_check("/", -1), make_sequential("/t/s-")};
    struct fsm_op many[] = {make_delete("/t/s-0000000000"), make_set("/t", "x"),
                            make_create("/u", ""), make_create("/v", "")};
    struct fsm_compare compare = {
        .path = text("/none"), .target = FSM_COMPARE_EXISTS, .relation = FSM_EQUAL, .number = 1};
    struct fsm_op long_data = make_set("/t", "0123456789012345678901234567890123456789"
                                             "0123456789012345678901234567890123456789"
                                             "0123456789012345678901234567890123456789");
    const struct fsm_op ops[] = {
        make_create("/", ""),
        make_txn(NULL, 0, inner, 5, NULL, 0),
        make_create("/t", ""),
        make_delete("/none"),
        make_txn(NULL, 0, many, 4, NULL, 0),
        make_set("/", ""),
        make_exists("/"),
        make_txn(&compare, 1, many, 4, NULL, 0),
        make_txn(&compare, 1, many, 4, inner + 1, 3),
        long_data,
        make_txn(NULL, 0, NULL, 0, NULL, 0),
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(ops); i++) {
        rig_judge(&rig, session_write(session, i + 1, ops[i]));
        assert_int_equal(rig.result.verdict, FSM_TAKEN);
        check_round_trip(&rig.result);
    }
    rig_release(&rig);
}

/* The bytes that are kept are part of the state: they must not drift. */
static void test_layout(void **state)
{
    (void)state;
    static const uint8_t golden[] = {1, /* version */
                                     FSM_OP_CREATE,
                                     CD_OK,
                                     1,
                                     0x80,
                                     0x01,
                                     1,
                                     0,
                                     0,
                                     1, /* -1 is 1; one outcome */
                                     28,
                                     FSM_OP_CREATE,
                                     CD_OK,
                                     1,
                                     0x83,
                                     0x01,
                                     2,
                                     '/',
                                     'a', /* path, stat, nodes */
                                     0x80,
                                     0x01,
                                     0x80,
                                     0x01,
                                     0x80,
                                     0x01,
                                     5,
                                     5,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     3,
                                     0,
                                     0,
                                     0,
                                     1};
    struct fsm_result result;
    struct cd_buf buf;
    cd_buf_init(&buf, SIZE_MAX);
    fsm_result_init(&result);
    result.kind = FSM_OP_CREATE;
    result.changed = true;
    result.zxid = 128;
    fsm_result_expect(&result, 1);
    result.outcomes[0] = (struct fsm_outcome){.kind = FSM_OP_CREATE,
                                              .changed = true,
                                              .path = text("/a"),
                                              .stat = {.czxid = 128,
                                                       .mzxid = 128,
                                                       .pzxid = 128,
                                                       .ctime_ms = 5,
                                                       .mtime_ms = 5,
                                                       .data_bytes = 3},
                                              .nodes_count = 1};
    fsm_reply_pack(&buf, &result);
    assert_int_equal(buf.bytes, sizeof(golden));
    assert_memory_equal(buf.data, golden, sizeof(golden));
    cd_buf_release(&buf);
    fsm_result_release(&result);
}

static enum cd_status unpack(const uint8_t *data, size_t bytes)
{
    struct fsm_result result;
    fsm_result_init(&result);
    enum cd_status status = fsm_reply_unpack((struct fsm_bytes){data, bytes}, &result);
    assert_true(status == CD_OK || result.outcomes_count == 0);
    fsm_result_release(&result);
    return status;
}

static void test_damaged(void **state)
{
    (void)state;
    struct fsm_result result;
    struct fsm_view children[2];
    struct cd_buf buf;
    struct cd_prng prng;
    cd_prng_init(&prng, 5);
    cd_buf_init(&buf, SIZE_MAX);
    make_rich(&result, children);
    fsm_reply_pack(&buf, &result);
    fsm_result_release(&result);
    for (size_t bytes = 0; bytes < buf.bytes; bytes++) {
        /* A copy of its own size, so that a read beyond it is seen. */
        uint8_t *cut = cd_malloc(bytes);
        memcpy(cut, buf.data, bytes);
        assert_int_equal(unpack(cut, bytes), CD_CORRUPT);
        cd_free(cut);
    }
    uint64_t accepted = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t *copy = cd_malloc(buf.bytes);
        memcpy(copy, buf.data, buf.bytes);
        for (uint64_t left = 1 + cd_prng_below(&prng, 3); left > 0; left--) {
            copy[1 + cd_prng_below(&prng, buf.bytes - 1)] = (uint8_t)cd_prng_below(&prng, 256);
        }
        accepted += unpack(copy, buf.bytes) == CD_OK;
        cd_free(copy);
    }
    assert_true(accepted > 1000); /* other numbers are another result */
    buf.data[0] = 2;
    assert_int_equal(unpack(buf.data, buf.bytes), CD_NEWER_FORMAT);
    buf.data[0] = 0;
    assert_int_equal(unpack(buf.data, buf.bytes), CD_CORRUPT);
    cd_buf_release(&buf);

    static const uint8_t long_number[] = {1, 0x81, 0x00, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(unpack(long_number, sizeof(long_number)), CD_CORRUPT);
    /* A part that is there and empty would be a second form of one that is not. */
    static const uint8_t empty_path[] = {1, 1, 0, 0, 0, 0, 0, 0, 1, 5, 1, 0, 0, 1, 0};
    assert_int_equal(unpack(empty_path, sizeof(empty_path)), CD_CORRUPT);
    static const uint8_t one_path[] = {1, 1, 0, 0, 0, 0, 0, 0, 1, 6, 1, 0, 0, 1, 1, '/'};
    assert_int_equal(unpack(one_path, sizeof(one_path)), CD_OK);
    static const uint8_t large_number[] = {1,    1,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0x02, 0,    0,    0,    0};
    assert_int_equal(unpack(large_number, sizeof(large_number)), CD_CORRUPT);
}

static void test_kept(void **state)
{
    (void)state;
    struct fsm_reply *reply = fsm_reply_create(1, 2, 3, text("packed"));
    assert_text(fsm_reply_bytes(reply), "packed");
    assert_int_equal(reply->seq, 2);
    assert_int_equal(reply->request_hash, 3);
    assert_int_equal(fsm_reply_cost(6), 6 + FSM_REPLY_OVERHEAD_BYTES);
    struct fsm_reply *others[] = {
        fsm_reply_create(2, 2, 3, text("packed")), fsm_reply_create(1, 3, 3, text("packed")),
        fsm_reply_create(1, 2, 4, text("packed")), fsm_reply_create(1, 2, 3, text("Packed"))};
    for (size_t i = 0; i < CD_ARRAY_COUNT(others); i++) {
        assert_true(others[i]->digest != reply->digest);
        fsm_reply_unref(others[i]);
    }
    assert_ptr_equal(fsm_reply_ref(reply), reply);
    fsm_reply_unref(reply);
    fsm_reply_unref(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rich),    cmocka_unit_test(test_real), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
