#include "support.h"

#include "base/prng.h"

/*
 * Goal: items come out of a stream as they went in, however it is cut, and a stream that is not
 * what was written is refused.
 */

/*
 * Written by protoc from the contract:
 *   cluster { cluster_id: "0123456789abcdef" generation: 1
 *     configs { slot: 3 config { cluster_id: "0123456789abcdef" alpha: 8 generation: 1
 *       based_on_slot: 1 members { node: 1 incarnation: 70 role: ROLE_VOTER } } } }
 */
static const char golden_cluster[] =
    "0a410a103031323334353637383961626364656610011a2b080312270a103031323334353637383961626364"
    "65661008180120012a0d08011146000000000000001801";

/*
 * Written by protoc from the contract:
 *   head { slot: 100 zxid: 281474976710700 wall_ms: 1 elapsed_ms: 2
 *     leadership { round: 3 node: 4 incarnation: 5 }
 *     limits { path_bytes: 1 data_bytes: 2 txn_bytes: 3 txn_compares: 4 txn_ops: 5 atomic_nodes: 6
 *       tree_nodes: 7 tree_bytes: 8 acl_entries: 9 queue_prefixes: 10 ttl_max_ms: 11 container_ms:
 * 12 sessions: 13 session_timeout_min_ms: 14 session_timeout_default_ms: 15 session_timeout_max_ms:
 * 16 session_ephemerals: 17 unacked_writes: 18 kept_reply_bytes: 19 state_reply_bytes: 20
 * tombstones: 21 tombstone_ms: 22 call_keys: 23 call_key_ms: 24 } digest_version: 6 digest: 7
 * nodes: 8 sessions: 9 tombstones: 10 calls: 11 }
 */
static const char golden_head[] =
    "126b086410ac808080808040180120022a0d0803100419050000000000000032390801100218032004280530"
    "06380740084809500a580b600c680d700e780f800110880111900112980113a00114a80115b00116b80117c0"
    "0118380641070000000000000048085009580a600b";

/*
 * Written by protoc from the contract:
 *   node { path: "/a" data: "x" czxid: 5 mzxid: 6 pzxid: 7 ctime_ms: 8 mtime_ms: 9 version: 1
 *     creates: 2 children_count: 1 azxid: 4 aversion: 3 owner: 12 ttl_ms: 10 kind: NODE_KIND_TTL
 *     acl { entries { permissions: 1 scheme: "anyone" } } suffix_bytes: 13 idle_elapsed_ms: 11 }
 */
static const char golden_node[] =
    "1a360a022f611201781805200628073008380940014802500158046003680c700a780382010c0a0a08011206"
    "616e796f6e6588010d90010b";

/*
 * Written by protoc from the contract:
 *   session { session_id: 5 identity: "cn:x" administrator: true
 *     secret_hash: "0123456789abcdef0123456789abcdef" timeout_ms: 10 attach: 2 last_seq: 3
 *     reply_mark: 1 kept_bytes: 40 ephemerals: 6 ended: true ended_elapsed_ms: 7
 *     ended_zxid: 8 }
 */
static const char golden_session[] =
    "223e08051204636e3a7818012220303132333435363738396162636465663031323334353637383961626364"
    "6566280a30023803400148285006580160076808";

/*
 * Written by protoc from the contract:
 *   reply { seq: 2 request_hash: 3 packed: "p" }
 */
static const char golden_reply[] = "2a0e08021103000000000000001a0170";

/*
 * Written by protoc from the contract:
 *   call { key: "0123456789abcdef" identity: "dns:a.b" request_hash: 9 elapsed_ms: 8 packed: "q"
 *     place: 6 }
 */
static const char golden_call[] =
    "322b0a10303132333435363738396162636465661207646e733a612e6221090000000000000028083201713806";

static const struct fsm_acl_entry some_entries[] = {{FSM_READ, FSM_SCHEME_ANYONE, {0}}};

static struct wire_config_at some_config(void)
{
    struct wire_config_at at = {.slot = 3};
    memcpy(at.config.cluster_id, "0123456789abcdef", PAXOS_CLUSTER_ID_BYTES);
    at.config.alpha = 8;
    at.config.generation = 1;
    at.config.based_on = 1;
    at.config.members_count = 1;
    at.config.members[0] = (struct paxos_member){70, 1, PAXOS_VOTER};
    return at;
}

static struct fsm_item some_head(void)
{
    return (struct fsm_item){.kind = FSM_ITEM_HEAD,
                             .head = {.slot = 100,
                                      .zxid = 281474976710700,
                                      .wall_ms = 1,
                                      .elapsed_ms = 2,
                                      .leadership = {3, 4, 5},
                                      .limits = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                                 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24},
                                      .digest_version = 6,
                                      .digest = 7,
                                      .nodes = 8,
                                      .sessions = 9,
                                      .tombstones = 10,
                                      .calls = 11}};
}

static struct fsm_item some_node(void)
{
    return (struct fsm_item){.kind = FSM_ITEM_NODE,
                             .node = {.path = text("/a"),
                                      .stat = {.czxid = 5,
                                               .mzxid = 6,
                                               .pzxid = 7,
                                               .ctime_ms = 8,
                                               .mtime_ms = 9,
                                               .version = 1,
                                               .creates = 2,
                                               .children_count = 1,
                                               .azxid = 4,
                                               .aversion = 3,
                                               .owner = 12,
                                               .ttl_ms = 10,
                                               .data_bytes = 1,
                                               .kind = FSM_TTL},
                                      .data = text("x"),
                                      .has_acl = true,
                                      .acl = {some_entries, 1},
                                      .suffix_bytes = 13,
                                      .idle_elapsed_ms = 11}};
}

static struct fsm_item some_session(void)
{
    struct fsm_item item = {.kind = FSM_ITEM_SESSION,
                            .session = {.view = {.session = 5,
                                                 .who = {FSM_SCHEME_CN, text("x"), true},
                                                 .timeout_ms = 10,
                                                 .attach = 2,
                                                 .last_seq = 3,
                                                 .reply_mark = 1,
                                                 .kept_bytes = 40,
                                                 .ephemerals = 6,
                                                 .ended = true},
                                        .ended_elapsed_ms = 7,
                                        .ended_zxid = 8}};
    memcpy(item.session.view.secret_hash, "0123456789abcdef0123456789abcdef",
           FSM_SECRET_HASH_BYTES);
    return item;
}

static struct fsm_item some_reply(void)
{
    return (struct fsm_item){.kind = FSM_ITEM_REPLY, .reply = {2, 3, text("p")}};
}

static struct fsm_item some_call(void)
{
    struct fsm_item item = {.kind = FSM_ITEM_CALL,
                            .call = {.who = {FSM_SCHEME_DNS, text("a.b"), false},
                                     .request_hash = 9,
                                     .elapsed_ms = 8,
                                     .place = 6,
                                     .packed = text("q")}};
    memcpy(item.call.key, "0123456789abcdef", FSM_CALL_KEY_BYTES);
    return item;
}

static void put_cluster(struct cd_buf *buf)
{
    struct wire_config_at config = some_config();
    struct wire_snapshot_cluster cluster = {
        .generation = 1, .configs = &config, .configs_count = 1};
    memcpy(cluster.cluster_id, "0123456789abcdef", PAXOS_CLUSTER_ID_BYTES);
    assert_int_equal(wire_item_put_cluster(buf, &cluster), CD_OK);
}

#define SOME_ITEMS 5
static struct fsm_item some_item(size_t index)
{
    switch (index) {
    case 0:
        return some_head();
    case 1:
        return some_node();
    case 2:
        return some_session();
    case 3:
        return some_reply();
    default:
        return some_call();
    }
}

static void put_all(struct cd_buf *buf)
{
    put_cluster(buf);
    for (size_t i = 0; i < SOME_ITEMS; i++) {
        struct fsm_item item = some_item(i);
        assert_int_equal(wire_item_put(buf, &item), CD_OK);
    }
}

/* ---- Golden bytes ---- */

/* All are shorter than 128 bytes but one, whose length takes two. */
static void same_as_golden(struct cd_buf *buf, const char *golden)
{
    struct cd_blob *expected = from_hex(golden);
    size_t length = expected->bytes < 128 ? 1 : 2;
    assert_int_equal(buf->bytes, length + expected->bytes);
    assert_int_equal(buf->data[0], length == 1 ? expected->bytes : (expected->bytes & 127u) | 128u);
    if (length == 2) {
        assert_int_equal(buf->data[1], expected->bytes >> 7);
    }
    assert_memory_equal(buf->data + length, expected->data, expected->bytes);
    cd_blob_unref(expected);
    cd_buf_clear(buf);
}

static void test_golden(void **state)
{
    struct rig *rig = *state;
    put_cluster(&rig->buf);
    same_as_golden(&rig->buf, golden_cluster);
    static const char *const goldens[SOME_ITEMS] = {golden_head, golden_node, golden_session,
                                                    golden_reply, golden_call};
    for (size_t i = 0; i < SOME_ITEMS; i++) {
        struct fsm_item item = some_item(i);
        assert_int_equal(wire_item_put(&rig->buf, &item), CD_OK);
        same_as_golden(&rig->buf, goldens[i]);
    }
}

/* ---- There and back ---- */

static void same_bytes(struct fsm_bytes a, struct fsm_bytes b)
{
    assert_int_equal(a.bytes, b.bytes);
    if (a.bytes > 0) {
        assert_memory_equal(a.data, b.data, a.bytes);
    }
}

static void same_who(const struct fsm_who *a, const struct fsm_who *b)
{
    assert_int_equal(a->scheme, b->scheme);
    same_bytes(a->id, b->id);
    assert_int_equal(a->administrator, b->administrator);
}

static void same_stat(const struct fsm_stat *a, const struct fsm_stat *b)
{
    assert_int_equal(a->czxid, b->czxid);
    assert_int_equal(a->mzxid, b->mzxid);
    assert_int_equal(a->pzxid, b->pzxid);
    assert_int_equal(a->ctime_ms, b->ctime_ms);
    assert_int_equal(a->mtime_ms, b->mtime_ms);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->creates, b->creates);
    assert_int_equal(a->children_count, b->children_count);
    assert_int_equal(a->azxid, b->azxid);
    assert_int_equal(a->aversion, b->aversion);
    assert_int_equal(a->owner, b->owner);
    assert_int_equal(a->ttl_ms, b->ttl_ms);
    assert_int_equal(a->data_bytes, b->data_bytes);
    assert_int_equal(a->kind, b->kind);
}

static void same_node(const struct fsm_item_node *a, const struct fsm_item_node *b)
{
    same_bytes(a->path, b->path);
    same_bytes(a->data, b->data);
    same_stat(&a->stat, &b->stat);
    assert_int_equal(a->stat.suffix_bytes, a->suffix_bytes); /* decoded, it stands in both */
    assert_int_equal(a->stat.idle_elapsed_ms, a->idle_elapsed_ms);
    assert_int_equal(a->has_acl, b->has_acl);
    assert_int_equal(a->acl.count, b->acl.count);
    for (size_t i = 0; i < a->acl.count; i++) {
        assert_int_equal(a->acl.entries[i].permissions, b->acl.entries[i].permissions);
        assert_int_equal(a->acl.entries[i].scheme, b->acl.entries[i].scheme);
        same_bytes(a->acl.entries[i].id, b->acl.entries[i].id);
    }
    assert_int_equal(a->suffix_bytes, b->suffix_bytes);
    assert_int_equal(a->idle_elapsed_ms, b->idle_elapsed_ms);
}

static void same_session(const struct fsm_item_session *a, const struct fsm_item_session *b)
{
    assert_int_equal(a->view.session, b->view.session);
    same_who(&a->view.who, &b->view.who);
    assert_memory_equal(a->view.secret_hash, b->view.secret_hash, FSM_SECRET_HASH_BYTES);
    assert_int_equal(a->view.timeout_ms, b->view.timeout_ms);
    assert_int_equal(a->view.attach, b->view.attach);
    assert_int_equal(a->view.last_seq, b->view.last_seq);
    assert_int_equal(a->view.reply_mark, b->view.reply_mark);
    assert_int_equal(a->view.kept_bytes, b->view.kept_bytes);
    assert_int_equal(a->view.ephemerals, b->view.ephemerals);
    assert_int_equal(a->view.ended, b->view.ended);
    assert_int_equal(a->ended_elapsed_ms, b->ended_elapsed_ms);
    assert_int_equal(a->ended_zxid, b->ended_zxid);
}

static void same_head(const struct fsm_item_head *a, const struct fsm_item_head *b)
{
    assert_int_equal(a->slot, b->slot);
    assert_int_equal(a->zxid, b->zxid);
    assert_int_equal(a->wall_ms, b->wall_ms);
    assert_int_equal(a->elapsed_ms, b->elapsed_ms);
    assert_int_equal(a->leadership.round, b->leadership.round);
    assert_int_equal(a->leadership.node, b->leadership.node);
    assert_int_equal(a->leadership.incarnation, b->leadership.incarnation);
    assert_int_equal(a->digest_version, b->digest_version);
    assert_int_equal(a->digest, b->digest);
    assert_int_equal(a->nodes, b->nodes);
    assert_int_equal(a->sessions, b->sessions);
    assert_int_equal(a->tombstones, b->tombstones);
    assert_int_equal(a->calls, b->calls);
    const struct fsm_limits *x = &a->limits;
    const struct fsm_limits *y = &b->limits;
    assert_int_equal(x->path_bytes, y->path_bytes);
    assert_int_equal(x->ttl_max_ms, y->ttl_max_ms);
    assert_int_equal(x->state_reply_bytes, y->state_reply_bytes);
    assert_int_equal(x->call_key_ms, y->call_key_ms); /* the others: test_golden */
}

static void same_item(const struct fsm_item *a, const struct fsm_item *b)
{
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case FSM_ITEM_HEAD:
        same_head(&a->head, &b->head);
        return;
    case FSM_ITEM_NODE:
        same_node(&a->node, &b->node);
        return;
    case FSM_ITEM_SESSION:
        same_session(&a->session, &b->session);
        return;
    case FSM_ITEM_REPLY:
        assert_int_equal(a->reply.seq, b->reply.seq);
        assert_int_equal(a->reply.request_hash, b->reply.request_hash);
        same_bytes(a->reply.packed, b->reply.packed);
        return;
    case FSM_ITEM_CALL:
        assert_memory_equal(a->call.key, b->call.key, FSM_CALL_KEY_BYTES);
        same_who(&a->call.who, &b->call.who);
        assert_int_equal(a->call.request_hash, b->call.request_hash);
        assert_int_equal(a->call.elapsed_ms, b->call.elapsed_ms);
        assert_int_equal(a->call.place, b->call.place);
        same_bytes(a->call.packed, b->call.packed);
        return;
    }
    fail();
}

static void check_cluster(const struct wire_item *item)
{
    struct wire_config_at config = some_config();
    assert_true(item->is_cluster);
    assert_memory_equal(item->cluster.cluster_id, "0123456789abcdef", PAXOS_CLUSTER_ID_BYTES);
    assert_int_equal(item->cluster.generation, 1);
    assert_int_equal(item->cluster.configs_count, 1);
    assert_int_equal(item->cluster.configs[0].slot, 3);
    assert_memory_equal(&item->cluster.configs[0].config, &config.config, sizeof(config.config));
}

/* Takes out what is there; the items so far are `*seen`. */
static void take_all(struct rig *rig, struct wire_item_reader *reader, size_t *seen)
{
    struct wire_item item;
    enum cd_status status;
    while ((status = wire_item_reader_next(reader, &rig->arena, &item, &rig->error)) == CD_OK) {
        if (*seen == 0) {
            check_cluster(&item);
        } else {
            struct fsm_item expected = some_item(*seen - 1);
            assert_false(item.is_cluster);
            same_item(&item.fsm, &expected);
        }
        (*seen)++;
        wire_arena_clear(&rig->arena);
    }
    assert_int_equal(status, CD_NOT_FOUND);
}

/* Whole, byte by byte, and in pieces of every size. */
static void test_cut_anywhere(void **state)
{
    struct rig *rig = *state;
    put_all(&rig->buf);
    for (size_t piece = 1; piece <= rig->buf.bytes; piece++) {
        struct wire_item_reader reader;
        size_t seen = 0;
        wire_item_reader_init(&reader);
        for (size_t at = 0; at < rig->buf.bytes; at += piece) {
            size_t left = rig->buf.bytes - at;
            uint8_t *copy = cd_malloc(piece);
            memcpy(copy, rig->buf.data + at, piece < left ? piece : left);
            wire_item_reader_put(&reader, copy, piece < left ? piece : left);
            cd_free(copy);
            take_all(rig, &reader, &seen);
        }
        assert_int_equal(seen, 1 + SOME_ITEMS);
        assert_int_equal(wire_item_reader_finish(&reader, &rig->error), CD_OK);
        wire_item_reader_release(&reader);
    }
}

static void test_random_nodes(void **state)
{
    struct rig *rig = *state;
    struct cd_prng prng;
    struct wire_item_reader reader;
    cd_prng_init(&prng, 3);
    static const char *const paths[] = {"/", "/a", "/a/b\xc3\xa9", "/long/path/of/a/node"};
    for (unsigned round = 0; round < 2000; round++) {
        struct fsm_item item = some_node();
        item.node.path = text(paths[cd_prng_below(&prng, 4)]);
        item.node.data = text(cd_prng_below(&prng, 2) == 0 ? "" : "some data");
        item.node.has_acl = cd_prng_below(&prng, 2) == 0;
        item.node.acl.count = item.node.has_acl ? (size_t)cd_prng_below(&prng, 2) : 0;
        item.node.suffix_bytes = (uint32_t)cd_prng_below(&prng, 30);
        item.node.stat = (struct fsm_stat){
            .czxid = cd_prng_next(&prng),
            .mzxid = cd_prng_next(&prng) >> cd_prng_below(&prng, 64),
            .pzxid = cd_prng_below(&prng, 2),
            .ctime_ms = cd_prng_next(&prng),
            .mtime_ms = cd_prng_next(&prng),
            .version = cd_prng_next(&prng),
            .creates = cd_prng_next(&prng),
            .children_count = cd_prng_next(&prng),
            .owner = cd_prng_next(&prng),
            .data_bytes = (uint32_t)item.node.data.bytes,
            .kind = (enum fsm_node_kind)cd_prng_below(&prng, 4),
        };
        cd_buf_clear(&rig->buf);
        put_cluster(&rig->buf);
        assert_int_equal(wire_item_put(&rig->buf, &item), CD_OK);
        wire_item_reader_init(&reader);
        wire_item_reader_put(&reader, rig->buf.data, rig->buf.bytes);
        struct wire_item seen;
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(wire_item_reader_next(&reader, &rig->arena, &seen, &rig->error),
                             CD_OK);
        }
        same_node(&seen.fsm.node, &item.node);
        wire_item_reader_release(&reader);
        wire_arena_clear(&rig->arena);
    }
}

/* ---- Limits ---- */

static void test_largest_item(void **state)
{
    struct rig *rig = *state;
    struct cd_buf buf;
    cd_buf_init(&buf, (size_t)40 << 20);
    size_t bytes = WIRE_ITEM_BYTES_MAX;
    uint8_t *data = cd_malloc(bytes);
    memset(data, 'p', bytes);
    struct fsm_item item = some_reply();
    item.reply.packed = (struct fsm_bytes){data, bytes - 21};
    put_cluster(&buf);
    size_t before = buf.bytes;
    assert_int_equal(wire_item_put(&buf, &item), CD_OK);
    assert_int_equal(buf.bytes - before, WIRE_ITEM_BYTES_MAX + 4);
    before = buf.bytes;
    item.reply.packed.bytes++;
    assert_int_equal(wire_item_put(&buf, &item), CD_TOO_LARGE);
    assert_int_equal(buf.bytes, before);
    struct wire_item_reader reader;
    struct wire_item seen;
    wire_item_reader_init(&reader);
    size_t taken = 0;
    for (size_t at = 0; at < buf.bytes; at += WIRE_ITEM_PUT_BYTES_MAX) {
        size_t left = buf.bytes - at;
        wire_item_reader_put(&reader, buf.data + at,
                             left < WIRE_ITEM_PUT_BYTES_MAX ? left : WIRE_ITEM_PUT_BYTES_MAX);
        while (wire_item_reader_next(&reader, &rig->arena, &seen, &rig->error) == CD_OK) {
            taken++;
        }
    }
    assert_int_equal(taken, 2);
    assert_int_equal(seen.fsm.reply.packed.bytes, bytes - 21);
    wire_item_reader_release(&reader);

    /* A buffer that is full takes nothing, and everything again when it is empty. */
    struct cd_buf small;
    cd_buf_init(&small, 40);
    item = some_reply();
    assert_int_equal(wire_item_put(&small, &item), CD_OK);
    assert_int_equal(wire_item_put(&small, &item), CD_OK);
    assert_int_equal(wire_item_put(&small, &item), CD_TOO_LARGE);
    assert_int_equal(small.bytes, 34);
    cd_buf_release(&small);
    cd_buf_release(&buf);
    cd_free(data);
}

/* ---- What is no snapshot ---- */

static enum cd_status read_bytes(struct rig *rig, const void *bytes, size_t count)
{
    struct wire_item_reader reader;
    struct wire_item item;
    enum cd_status status;
    wire_item_reader_init(&reader);
    wire_item_reader_put(&reader, bytes, count);
    while ((status = wire_item_reader_next(&reader, &rig->arena, &item, &rig->error)) == CD_OK) {
        wire_arena_clear(&rig->arena);
    }
    if (status == CD_NOT_FOUND) {
        status = wire_item_reader_finish(&reader, &rig->error);
    } else { /* it says so for ever */
        wire_item_reader_put(&reader, "\0", 1);
        assert_int_equal(wire_item_reader_next(&reader, &rig->arena, &item, &rig->error), status);
        assert_int_equal(wire_item_reader_finish(&reader, &rig->error), CD_CORRUPT);
    }
    wire_arena_clear(&rig->arena);
    wire_item_reader_release(&reader);
    return status;
}

static void test_order(void **state)
{
    struct rig *rig = *state;
    struct fsm_item node = some_node();
    assert_int_equal(read_bytes(rig, "", 0), CD_CORRUPT); /* no item at all */
    assert_int_equal(wire_item_put(&rig->buf, &node), CD_OK);
    assert_int_equal(read_bytes(rig, rig->buf.data, rig->buf.bytes), CD_CORRUPT);
    assert_says(&rig->error, "first");
    cd_buf_clear(&rig->buf);
    put_cluster(&rig->buf);
    assert_int_equal(read_bytes(rig, rig->buf.data, rig->buf.bytes), CD_OK);
    put_cluster(&rig->buf);
    assert_int_equal(read_bytes(rig, rig->buf.data, rig->buf.bytes), CD_CORRUPT);
    assert_says(&rig->error, "item 1");
}

static void test_lengths(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(read_bytes(rig, "\x00", 1), CD_CORRUPT);             /* an empty item */
    assert_int_equal(read_bytes(rig, "\x81\x80\x80\x08", 4), CD_CORRUPT); /* 16 MiB and a byte */
    assert_says(&rig->error, "over the limit");
    assert_int_equal(read_bytes(rig, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10), CD_CORRUPT);
    assert_says(&rig->error, "over the limit");
    assert_int_equal(read_bytes(rig, "\xff\xff", 2), CD_CORRUPT); /* it ends in a length */
    assert_says(&rig->error, "ends within");
}

/* A stream that is cut at any byte but an item's end is not whole. */
static void test_cut_off(void **state)
{
    struct rig *rig = *state;
    put_all(&rig->buf);
    unsigned whole = 0;
    for (size_t count = 0; count <= rig->buf.bytes; count++) {
        enum cd_status status = read_bytes(rig, rig->buf.data, count);
        assert_true(status == CD_OK || status == CD_CORRUPT);
        whole += status == CD_OK;
    }
    assert_int_equal(whole, 1 + SOME_ITEMS);
}

static enum cd_status read_message(struct rig *rig, Coord__Storage__V1__SnapshotItem *message)
{
    cd_buf_clear(&rig->buf);
    put_cluster(&rig->buf);
    struct cd_blob *bytes = pack(&message->base);
    assert_true(bytes->bytes < 128);
    uint8_t length = (uint8_t)bytes->bytes;
    cd_buf_put(&rig->buf, &length, 1);
    cd_buf_put(&rig->buf, bytes->data, bytes->bytes);
    cd_blob_unref(bytes);
    return read_bytes(rig, rig->buf.data, rig->buf.bytes);
}

static void test_spoilt_items(void **state)
{
    struct rig *rig = *state;
    Coord__Storage__V1__SnapshotItem item = COORD__STORAGE__V1__SNAPSHOT_ITEM__INIT;
    Coord__Storage__V1__SnapshotHead head = COORD__STORAGE__V1__SNAPSHOT_HEAD__INIT;
    Coord__Storage__V1__SnapshotNode node = COORD__STORAGE__V1__SNAPSHOT_NODE__INIT;
    Coord__Storage__V1__SnapshotSession session = COORD__STORAGE__V1__SNAPSHOT_SESSION__INIT;
    Coord__Storage__V1__SnapshotCall call = COORD__STORAGE__V1__SNAPSHOT_CALL__INIT;
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_HEAD;
    item.head = &head;
    assert_int_equal(read_message(rig, &item), CD_CORRUPT); /* no limits */
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_NODE;
    item.node = &node;
    node.path = binary("/\xff");
    assert_int_equal(read_message(rig, &item), CD_CORRUPT);
    node.path = binary("/a");
    node.kind = (Coord__V1__NodeKind)4;
    assert_int_equal(read_message(rig, &item), CD_NEWER_FORMAT);
    node.kind = (Coord__V1__NodeKind)-1;
    assert_int_equal(read_message(rig, &item), CD_NEWER_FORMAT);
    node.kind = COORD__V1__NODE_KIND__NODE_KIND_PERSISTENT;
    node.suffix_bytes = 255;
    assert_int_equal(read_message(rig, &item), CD_OK);
    node.suffix_bytes = 256;
    assert_int_equal(read_message(rig, &item), CD_CORRUPT);
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_SESSION;
    item.session = &session;
    assert_int_equal(read_message(rig, &item), CD_CORRUPT); /* no hash */
    session.secret_hash = binary("0123456789abcdef0123456789abcde");
    assert_int_equal(read_message(rig, &item), CD_CORRUPT);
    session.secret_hash = binary("0123456789abcdef0123456789abcdef");
    assert_int_equal(read_message(rig, &item), CD_OK);
    session.identity = binary("nobody");
    assert_int_equal(read_message(rig, &item), CD_CORRUPT);
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM_CALL;
    item.call = &call;
    assert_int_equal(read_message(rig, &item), CD_CORRUPT); /* no key */
    call.key = binary("0123456789abcdef");
    assert_int_equal(read_message(rig, &item), CD_OK);

    uint8_t one = 1;
    ProtobufCMessageUnknownField unknown = {
        .tag = 500, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = &one};
    call.base.unknown_fields = &unknown;
    call.base.n_unknown_fields = 1;
    assert_int_equal(read_message(rig, &item), CD_NEWER_FORMAT);
    call.base.n_unknown_fields = 0;
    item.item_case = COORD__STORAGE__V1__SNAPSHOT_ITEM__ITEM__NOT_SET;
    item.base.unknown_fields = &unknown;
    item.base.n_unknown_fields = 1;
    assert_int_equal(read_message(rig, &item), CD_NEWER_FORMAT); /* an item of another kind */
}

/* No byte brings the reader down, and it says one of its list. */
static void test_hostile(void **state)
{
    struct rig *rig = *state;
    put_all(&rig->buf);
    for (size_t at = 0; at < rig->buf.bytes; at++) {
        uint8_t kept = rig->buf.data[at];
        for (unsigned value = 0; value < 256; value++) {
            rig->buf.data[at] = (uint8_t)value;
            uint8_t *copy = cd_malloc(rig->buf.bytes);
            memcpy(copy, rig->buf.data, rig->buf.bytes);
            enum cd_status status = read_bytes(rig, copy, rig->buf.bytes);
            cd_free(copy);
            assert_true(status == CD_OK || status == CD_CORRUPT || status == CD_NEWER_FORMAT);
        }
        rig->buf.data[at] = kept;
    }
}

/* With every limit of memory: too large until it is enough. */
static void test_too_little_memory(void **state)
{
    struct rig *rig = *state;
    put_all(&rig->buf);
    bool enough = false;
    for (size_t limit = 0; limit < 4000; limit += 16) {
        struct wire_arena arena;
        struct wire_item_reader reader;
        struct wire_item item;
        enum cd_status status;
        wire_arena_init(&arena, limit);
        wire_item_reader_init(&reader);
        wire_item_reader_put(&reader, rig->buf.data, rig->buf.bytes);
        while ((status = wire_item_reader_next(&reader, &arena, &item, &rig->error)) == CD_OK) {
            wire_arena_clear(&arena);
        }
        assert_true(status == CD_NOT_FOUND || (status == CD_TOO_LARGE && !enough));
        enough = status == CD_NOT_FOUND;
        wire_item_reader_release(&reader);
        wire_arena_release(&arena);
    }
    assert_true(enough);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),       WITH_RIG(test_cut_anywhere),
        WITH_RIG(test_random_nodes), WITH_RIG(test_largest_item),
        WITH_RIG(test_order),        WITH_RIG(test_lengths),
        WITH_RIG(test_cut_off),      WITH_RIG(test_spoilt_items),
        WITH_RIG(test_hostile),      WITH_RIG(test_too_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
