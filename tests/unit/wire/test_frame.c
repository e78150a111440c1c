#include "support.h"

/* Goal: items and heads make frames that keep their limits, in the order in which they were put. */

/*
 * Written by protoc from the contract:
 *   items { event { zxid: 300 kind: EVENT_KIND_CHANGED path: "/a"
 *     stat { czxid: 281474976710658 mzxid: 281474976710659 pzxid: 281474976710660 ctime_ms: 1000
 *       mtime_ms: 2000 version: 3 cversion: 7 data_length: 5 num_children: 1 }
 *     data: "new" previous_data: "old" watch_ids: 1 watch_ids: 300 } }
 *   items { event { zxid: 301 kind: EVENT_KIND_DELETED path: "/b" stat {} watch_ids: 2 } }
 *   items { queue_front { watch_id: 4 state: QUEUE_STATE_FRONT zxid: 302 fence: 99
 *     path: "/q/a-0000000003" } }
 *   items { lagged { watch_ids: 1 watch_ids: 2 after_zxid: 301 } }
 *   items { resync { watch_ids: 3 complete_from_zxid: 305 } }
 *   items { bookmark { zxid: 306 } }
 *   items { go_away { code: CODE_SHUTTING_DOWN message: "bye" endpoints: "a:1" endpoints: "b:2" } }
 */
static const char items[] =
    "1242124008ac0210031a022f61222608828080808080401083808080808040188480808080804020e80728d0"
    "0f30033807500558012a036e657732036f6c643a0301ac021210120e08ad0210021a022f6222003a0102121c"
    "1a1a0804100218ae0220632a0f2f712f612d30303030303030303033120922070a02010210ad0212082a060a"
    "010310b1021205320308b20212134211081912036279651a03613a311a03623a32";

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

static struct fsm_bytes head_of(struct cd_buf *buf, uint64_t zxid, enum fsm_change_kind kind,
                                const char *path, const struct fsm_stat *stat)
{
    cd_buf_clear(buf);
    assert_int_equal(wire_event_encode(buf, zxid, kind, text(path), stat), CD_OK);
    return (struct fsm_bytes){buf->data, buf->bytes};
}

static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct cd_buf head;
    cd_buf_init(&head, 10000);
    static const uint64_t ids[] = {1, 300};
    static const uint64_t two[] = {1, 2};
    static const uint64_t three[] = {3};
    static const struct fsm_stat none = {0};
    struct wire_event event = {head_of(&head, 300, FSM_NODE_SET, "/a", &some_stat), text("new"),
                               text("old")};
    assert_int_equal(wire_server_put_event(&rig->buf, &event, true, true, ids, 2), CD_OK);
    event.head = head_of(&head, 301, FSM_NODE_DELETED, "/b", &none);
    assert_int_equal(wire_server_put_event(&rig->buf, &event, false, false, two + 1, 1), CD_OK);
    struct wire_queue_front front = {4, WIRE_QUEUE_FRONT, 302, 99, text("/q/a-0000000003")};
    assert_int_equal(wire_server_put_queue_front(&rig->buf, &front), CD_OK);
    assert_int_equal(wire_server_put_lagged(&rig->buf, two, 2, 301), CD_OK);
    assert_int_equal(wire_server_put_resync(&rig->buf, three, 1, 305), CD_OK);
    assert_int_equal(wire_server_put_bookmark(&rig->buf, 306), CD_OK);
    static const char *const endpoints[] = {"a:1", "b:2"};
    assert_int_equal(wire_server_put_go_away(&rig->buf, CD_SHUTTING_DOWN, "bye", endpoints, 2),
                     CD_OK);
    struct cd_blob *expected = from_hex(items);
    assert_int_equal(rig->buf.bytes, expected->bytes);
    assert_memory_equal(rig->buf.data, expected->data, expected->bytes);
    cd_blob_unref(expected);
    cd_buf_release(&head);
}

/* One head, streams with other wishes and ids of every length. */
static void test_events(void **state)
{
    struct rig *rig = *state;
    struct cd_buf head;
    cd_buf_init(&head, 10000);
    static const enum fsm_change_kind kinds[] = {FSM_NODE_CREATED, FSM_NODE_SET, FSM_NODE_DELETED,
                                                 FSM_NODE_ACL_SET};
    static const Coord__V1__EventKind expected[] = {
        COORD__V1__EVENT_KIND__EVENT_KIND_CREATED, COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED,
        COORD__V1__EVENT_KIND__EVENT_KIND_DELETED, COORD__V1__EVENT_KIND__EVENT_KIND_ACL_CHANGED};
    uint64_t ids[64];
    for (size_t i = 0; i < 64; i++) {
        ids[i] = UINT64_MAX >> i;
    }
    for (size_t i = 0; i < 16; i++) {
        struct wire_event event = {head_of(&head, 9, kinds[i % 4], "/a", &some_stat),
                                   text("new data"), text("old")};
        bool with_data = i % 2 == 0;
        bool with_previous = i / 2 % 2 == 0;
        size_t count = 1 + i * 4;
        cd_buf_clear(&rig->buf);
        assert_int_equal(
            wire_server_put_event(&rig->buf, &event, with_data, with_previous, ids, count), CD_OK);
        Coord__V1__ServerFrame *frame = server_frame(rig);
        const Coord__V1__Event *seen = frame->items[0]->event;
        assert_int_equal(seen->zxid, 9);
        assert_int_equal(seen->kind, expected[i % 4]);
        assert_true(is_text(seen->path, "/a"));
        assert_int_equal(seen->stat->mzxid, some_stat.mzxid);
        assert_true(is_text(seen->data, with_data ? "new data" : ""));
        assert_true(is_text(seen->previous_data, with_previous ? "old" : ""));
        assert_int_equal(seen->n_watch_ids, count);
        assert_memory_equal(seen->watch_ids, ids, count * sizeof(*ids));
        free_server_frame(frame);
    }
    cd_buf_release(&head);
}

/* Every length of data around the steps of a length's own length. */
static void test_lengths_of_events(void **state)
{
    struct rig *rig = *state;
    struct cd_buf head;
    cd_buf_init(&head, 10000);
    size_t most = 1 << 21;
    uint8_t *data = cd_malloc(most);
    memset(data, 'd', most);
    static const uint64_t id = 1;
    struct wire_event event = {.head = head_of(&head, 9, FSM_NODE_SET, "/a", &some_stat)};
    static const size_t steps[] = {1 << 7, 1 << 14, 1 << 21};
    for (size_t i = 0; i < CD_ARRAY_COUNT(steps); i++) {
        for (size_t bytes = steps[i] - 90; bytes <= steps[i] && bytes <= most; bytes++) {
            event.data = (struct fsm_bytes){data, bytes};
            cd_buf_clear(&rig->buf);
            assert_int_equal(wire_server_put_event(&rig->buf, &event, true, false, &id, 1), CD_OK);
            Coord__V1__ServerFrame *frame = server_frame(rig);
            assert_int_equal(frame->items[0]->event->data.len, bytes);
            assert_int_equal(frame->items[0]->event->n_watch_ids, 1);
            free_server_frame(frame);
        }
    }
    cd_free(data);
    cd_buf_release(&head);
}

static void test_order_of_items(void **state)
{
    struct rig *rig = *state;
    struct wire_server_head head = {.confirmed = 1};
    struct wire_reply reply;
    for (uint64_t id = 1; id <= 100; id++) {
        wire_reply_refuse(&reply, id, CD_BUSY, "not now");
        assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
        if (id == 50) { /* the head may come at any place */
            assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
        }
    }
    Coord__V1__ServerFrame *frame = server_frame(rig);
    assert_int_equal(frame->n_items, 100);
    assert_int_equal(frame->confirmed, 1);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(frame->items[i]->item_case, COORD__V1__ITEM__ITEM_REPLY);
        assert_int_equal(frame->items[i]->reply->id, i + 1);
        assert_int_equal(frame->items[i]->reply->code, COORD__V1__CODE__CODE_BUSY);
        assert_true(is_text(frame->items[i]->reply->message, "not now"));
    }
    free_server_frame(frame);
}

/* An event that does not fit leaves the frame as it was, and goes into the next one. */
static void test_full_of_events(void **state)
{
    struct rig *rig = *state;
    struct cd_buf head;
    cd_buf_init(&head, 10000);
    size_t bytes = (size_t)1 << 20;
    uint8_t *data = cd_calloc(1, bytes);
    static const uint64_t id = 1;
    struct wire_event event = {
        head_of(&head, 9, FSM_NODE_SET, "/a", &some_stat), {data, bytes}, {data, bytes}};
    assert_int_equal(wire_server_put_event(&rig->buf, &event, true, true, &id, 1), CD_OK);
    size_t before = rig->buf.bytes;
    assert_int_equal(wire_server_put_event(&rig->buf, &event, true, true, &id, 1), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    assert_false(rig->buf.overflowed);
    while (wire_server_put_event(&rig->buf, &event, false, false, &id, 1) == CD_OK) {
    }
    assert_int_equal(wire_server_put_bookmark(&rig->buf, UINT64_MAX), CD_OK); /* it is smaller */
    struct wire_server_head end = {.confirmed = UINT64_MAX, .complete_to = UINT64_MAX};
    assert_int_equal(wire_server_put_head(&rig->buf, &end), CD_OK);
    assert_true(rig->buf.bytes <= WIRE_FRAME_BYTES_MAX);
    free_server_frame(server_frame(rig));

    /* A buffer with a limit of its own is the same. */
    struct cd_buf small;
    cd_buf_init(&small, 100);
    assert_int_equal(wire_server_put_event(&small, &event, true, false, &id, 1), CD_TOO_LARGE);
    assert_int_equal(small.bytes, 0);
    assert_int_equal(wire_server_put_event(&small, &event, false, false, &id, 1), CD_OK);
    cd_buf_release(&small);
    cd_buf_release(&head);
    cd_free(data);
}

/* ---- Limits ---- */

static void test_full_frame(void **state)
{
    struct rig *rig = *state;
    size_t bytes = (size_t)1 << 20;
    uint8_t *data = cd_calloc(1, bytes);
    struct wire_reply reply = {.id = 1, .kind = WIRE_RESULT_GET};
    reply.view.data = (struct fsm_bytes){data, bytes};
    unsigned taken = 0;
    while (wire_server_put_reply(&rig->buf, &reply) == CD_OK) {
        taken++;
    }
    assert_int_equal(taken, 3);
    reply.view.data.bytes = 100; /* small ones to the brim */
    while (wire_server_put_reply(&rig->buf, &reply) == CD_OK) {
        taken++;
    }
    assert_true(taken > 1000);
    size_t before = rig->buf.bytes;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    assert_false(rig->buf.overflowed);
    char identity[2000]; /* longer than any certificate's */
    memset(identity, 'i', sizeof(identity) - 1);
    identity[sizeof(identity) - 1] = '\0';
    struct wire_welcome welcome = {.status = CD_OK, .server = "coordd", .identity = identity};
    struct wire_server_head head = {.welcome = &welcome, .confirmed = 1};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    assert_true(rig->buf.bytes <= WIRE_FRAME_BYTES_MAX);
    free_server_frame(server_frame(rig));

    /* One reply that is larger by itself travels alone. */
    cd_buf_clear(&rig->buf);
    cd_free(data);
    data = cd_calloc(1, (size_t)9 << 20);
    reply.view.data = (struct fsm_bytes){data, (size_t)8 << 20};
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_OK);
    assert_int_equal(wire_server_put_no_leader(&rig->buf, 1), CD_TOO_LARGE);
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    cd_buf_clear(&rig->buf);
    reply.view.data.bytes = (size_t)9 << 20;
    assert_int_equal(wire_server_put_reply(&rig->buf, &reply), CD_TOO_LARGE);
    cd_free(data);
}

static void test_welcome(void **state)
{
    struct rig *rig = *state;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct wire_welcome welcome = {.status = CD_OK,
                                   .has_cluster = true,
                                   .cluster_id = "0123456789abcde",
                                   .generation = 2,
                                   .replica = 3,
                                   .leader = 1,
                                   .server = "coordd/0.1.0",
                                   .identity = "uri:spiffe://x/y",
                                   .session = 5,
                                   .attach = 6,
                                   .timeout_ms = 7,
                                   .last_seq = 8};
    wire_limits_from_fsm(&welcome.limits, &limits, 99, 98);
    struct wire_server_head head = {.welcome = &welcome};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    Coord__V1__ServerFrame *frame = server_frame(rig);
    const Coord__V1__Welcome *seen = frame->welcome;
    assert_int_equal(seen->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(seen->message.len, 0);
    assert_int_equal(seen->cluster_id.len, 16);
    assert_int_equal(seen->generation, 2);
    assert_int_equal(seen->replica_id, 3);
    assert_int_equal(seen->leader_id, 1);
    assert_true(is_text(seen->server, "coordd/0.1.0"));
    assert_true(is_text(seen->identity, "uri:spiffe://x/y"));
    assert_int_equal(seen->session_id, 5);
    assert_int_equal(seen->attach, 6);
    assert_int_equal(seen->timeout_ms, 7);
    assert_int_equal(seen->last_seq, 8);
    assert_int_equal(seen->limits->frame_bytes, WIRE_FRAME_BYTES_MAX);
    assert_int_equal(seen->limits->path_bytes, limits.path_bytes);
    assert_int_equal(seen->limits->data_bytes, limits.data_bytes);
    assert_int_equal(seen->limits->atomic_nodes, limits.atomic_nodes);
    assert_int_equal(seen->limits->watches, 99);
    assert_int_equal(seen->limits->waiting_reads, 98);
    assert_int_equal(seen->limits->ttl_max_ms, limits.ttl_max_ms);
    free_server_frame(frame);

    cd_buf_clear(&rig->buf);
    welcome = (struct wire_welcome){.status = CD_NOT_BORN};
    assert_int_equal(wire_server_put_head(&rig->buf, &head), CD_OK);
    frame = server_frame(rig);
    assert_int_equal(frame->welcome->code, COORD__V1__CODE__CODE_NOT_BORN);
    assert_true(is_text(frame->welcome->message, cd_status_text(CD_NOT_BORN)));
    assert_int_equal(frame->welcome->cluster_id.len, 0);
    free_server_frame(frame);
}

static void test_call_response(void **state)
{
    struct rig *rig = *state;
    struct wire_reply reply;
    wire_reply_refuse(&reply, 0, CD_NO_LEADER, NULL);
    const uint8_t cluster[WIRE_CLUSTER_ID_BYTES] = "0123456789abcde";
    assert_int_equal(wire_call_encode(&rig->buf, &reply, cluster, 4), CD_OK);
    Coord__V1__CallResponse *response =
        coord__v1__call_response__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(response);
    assert_int_equal(response->reply->code, COORD__V1__CODE__CODE_NO_LEADER);
    assert_int_equal(response->generation, 4);
    assert_memory_equal(response->cluster_id.data, cluster, sizeof(cluster));
    coord__v1__call_response__free_unpacked(response, NULL);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),
        WITH_RIG(test_events),
        WITH_RIG(test_lengths_of_events),
        WITH_RIG(test_order_of_items),
        WITH_RIG(test_full_of_events),
        WITH_RIG(test_full_frame),
        WITH_RIG(test_welcome),
        WITH_RIG(test_call_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
