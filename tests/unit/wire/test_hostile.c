#include "support.h"

#include "base/prng.h"

/*
 * Goal: no bytes bring a decoder down, and each answers with a status of its list. Method: a valid
 * message of every kind, cut at every byte, with every byte changed, with noise in it, and decoded
 * with too little memory at every point.
 */

struct sample {
    const char *name;
    enum cd_status (*decode)(struct wire_arena *arena, const void *bytes, size_t count);
    struct cd_blob *bytes;
};

/* ---- The decoders, alike ---- */

/* What was taken is taken again from its packed bytes, and a write can go into the log. */
static void judge_request(struct wire_arena *arena, const struct wire_request *request)
{
    struct wire_request again;
    struct cd_buf buf;
    if (request->kind == WIRE_REFUSED) {
        return;
    }
    enum cd_status status = wire_request_decode(arena, request->packed, &again, NULL);
    assert_true(status == CD_OK || arena->exhausted);
    assert_true(status != CD_OK || again.kind == request->kind);
    if (request->kind == WIRE_WRITE) {
        struct fsm_command command = request->command;
        command.origin.node = 1;
        cd_buf_init(&buf, WIRE_COMMAND_BYTES_MAX);
        assert_int_equal(wire_command_encode(&buf, &command), CD_OK);
        cd_buf_release(&buf);
    }
}

static enum cd_status decode_frame(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_client_frame frame;
    struct cd_error error;
    enum cd_status status = wire_client_frame_decode(arena, bytes, count, &frame, &error);
    if (status == CD_OK) {
        for (size_t i = 0; i < frame.requests_count; i++) {
            const struct wire_request *request = &frame.requests[i];
            assert_true(request->id != 0);
            assert_int_equal(request->kind == WIRE_REFUSED, request->refusal != NULL);
            judge_request(arena, request);
            if (request->refusal != NULL) {
                assert_true(request->refusal->status > CD_OK);
                assert_true((int)request->refusal->status <= CD_STATUS_CLIENT_MAX);
                assert_true(request->refusal->message[0] != '\0');
            }
        }
    } else {
        assert_int_equal(error.status, status);
    }
    return status;
}

static enum cd_status decode_call(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_request call;
    return wire_call_decode(arena, bytes, count, &call, NULL);
}

static enum cd_status decode_peer(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_peer_frame frame;
    enum cd_status status = wire_peer_frame_decode(arena, 1, bytes, count, &frame, NULL);
    if (status == CD_OK) {
        wire_peer_frame_release(&frame);
    }
    return status;
}

static enum cd_status decode_entry(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct paxos_entry entry = {0};
    bool learned = false;
    enum cd_status status = wire_entry_decode(arena, bytes, count, &entry, &learned, NULL);
    if (status == CD_OK) {
        cd_blob_unref(entry.payload);
    }
    return status;
}

static enum cd_status decode_state(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_state state;
    return wire_state_decode(arena, bytes, count, &state, NULL);
}

static enum cd_status decode_batch(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_batch batch;
    return wire_batch_decode(arena, bytes, count, &batch, NULL);
}

static enum cd_status decode_command(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct fsm_command command;
    return wire_command_decode(arena, bytes, count, &command, NULL);
}

static enum cd_status decode_sessions(struct wire_arena *arena, const void *bytes, size_t count)
{
    struct wire_sessions_request request;
    enum cd_status status = wire_sessions_decode(arena, bytes, count, &request, NULL);
    return status == CD_INVALID_ARGUMENT ? CD_MALFORMED : status; /* a cursor of nobody's */
}

/* ---- The samples ---- */

static struct fsm_command some_command(struct fsm_compare *compare, struct fsm_op *create,
                                       struct fsm_op *set)
{
    *compare =
        (struct fsm_compare){text("/a"), FSM_COMPARE_VALUE, FSM_EQUAL, 0, text("value"), NULL};
    *create = (struct fsm_op){.kind = FSM_OP_CREATE};
    create->create.path = text("/a/\xc3\xa9");
    create->create.data = text("some data");
    *set = (struct fsm_op){.kind = FSM_OP_SET};
    set->set = (struct fsm_op_set){text("/b"), text("more"), 5};
    struct fsm_command command = {.origin = {1, 2, 3}, .op = {.kind = FSM_OP_TXN}};
    command.op.txn = (struct fsm_op_txn){compare, 1, create, 1, set, 1};
    return command;
}

static struct cd_blob *from_buf(struct cd_buf *buf)
{
    struct cd_blob *blob = cd_blob_copy(buf->data, buf->bytes);
    cd_buf_clear(buf);
    return blob;
}

static struct cd_blob *sample_command(struct cd_buf *buf)
{
    struct fsm_compare compare;
    struct fsm_op create;
    struct fsm_op set;
    struct fsm_command command = some_command(&compare, &create, &set);
    assert_int_equal(wire_command_encode(buf, &command), CD_OK);
    return from_buf(buf);
}

static struct cd_blob *sample_batch(struct cd_buf *buf)
{
    struct fsm_batch_stamp stamp = {1000, 10};
    struct cd_blob *command = sample_command(buf);
    assert_int_equal(wire_batch_put_stamp(buf, &stamp), CD_OK);
    for (unsigned i = 0; i < 20; i++) { /* more than protobuf-c scans without an allocation */
        struct fsm_bytes bytes = {command->data, command->bytes};
        assert_int_equal(wire_batch_put_command(buf, bytes), CD_OK);
    }
    cd_blob_unref(command);
    return from_buf(buf);
}

static struct paxos_config some_config(void)
{
    struct paxos_config config = {.alpha = 8, .generation = 2, .based_on = 4, .members_count = 2};
    config.members[0] = (struct paxos_member){70, 1, PAXOS_VOTER};
    config.members[1] = (struct paxos_member){71, 2, PAXOS_OBSERVER};
    return config;
}

static struct cd_blob *sample_peer(struct cd_buf *buf)
{
    struct paxos_config config = some_config();
    struct cd_blob *value = cd_blob_copy(&config, sizeof(config));
    struct cd_blob *payload = cd_blob_copy("payload", 7);
    struct paxos_entry entries[] = {{1, {1, 2, 3}, PAXOS_CONFIG, {0}, value},
                                    {2, {1, 2, 3}, PAXOS_COMMANDS, {0}, payload},
                                    {3, {1, 2, 3}, PAXOS_LEAD, {1, 2, 3}, NULL}};
    struct paxos_message message = {
        .kind = PAXOS_MSG_PROMISE, .ballot = {1, 2, 3}, .entries = entries, .entries_count = 3};
    struct wire_peer_head head = {.from = 2, .has_cluster = true, .generation = 1};
    struct wire_forward forward = {text("command"), {1, 2, 3}};
    struct wire_forward_refused refused = {1, 2, CD_BUSY, true};
    struct wire_renewal renewal = {1, 2};
    struct wire_not_renewed not_renewed = {1, CD_SESSION_MOVED};
    struct wire_renew renew = {7, &renewal, 1};
    struct wire_renewed renewed = {7, &not_renewed, 1};
    struct wire_snapshot_offer offer = {1, 2, 3, 4, 5};
    struct wire_snapshot_ask ask = {1, 2, 3};
    struct wire_snapshot_chunk chunk = {1, 2, text("chunk")};
    struct wire_digest digest = {1, 2, 3};
    assert_int_equal(wire_peer_put_head(buf, &head), CD_OK);
    assert_int_equal(wire_peer_put_consensus(buf, &message), CD_OK);
    assert_int_equal(wire_peer_put_forward(buf, &forward), CD_OK);
    assert_int_equal(wire_peer_put_refused(buf, &refused), CD_OK);
    assert_int_equal(wire_peer_put_renew(buf, &renew), CD_OK);
    assert_int_equal(wire_peer_put_renewed(buf, &renewed), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_offer(buf, &offer), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_ask(buf, &ask), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_chunk(buf, &chunk), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_gone(buf, 1), CD_OK);
    assert_int_equal(wire_peer_put_digest(buf, &digest), CD_OK);
    cd_blob_unref(value);
    cd_blob_unref(payload);
    return from_buf(buf);
}

static struct cd_blob *sample_entry(struct cd_buf *buf)
{
    struct paxos_config config = some_config();
    struct paxos_entry entry = {.slot = 1, .ballot = {1, 2, 3}, .kind = PAXOS_CONFIG};
    entry.payload = cd_blob_copy(&config, sizeof(config));
    assert_int_equal(wire_entry_encode(buf, &entry, true), CD_OK);
    cd_blob_unref(entry.payload);
    return from_buf(buf);
}

static struct cd_blob *sample_state(struct cd_buf *buf)
{
    struct wire_config_at configs[2] = {{1, some_config()}, {9, some_config()}};
    struct wire_position positions[2] = {{1, 2, 3}, {4, 5, 6}};
    struct wire_state state = {1, {1, 2, 3}, 4, configs, 2, positions, 2};
    assert_int_equal(wire_state_encode(buf, &state), CD_OK);
    return from_buf(buf);
}

/* The transaction of sample_command, a list, and a write of a later issue, as a client sends them.
 */
static void fill_requests(struct fsm_bytes *list, struct cd_blob **ret_txn)
{
    /* A Request's field 11 and a Command's field 19 hold the same TxnRequest. */
    struct cd_buf buf;
    cd_buf_init(&buf, 1000);
    struct cd_blob *command = sample_command(&buf);
    Coord__Storage__V1__Command *seen =
        coord__storage__v1__command__unpack(NULL, command->bytes, command->data);
    assert_non_null(seen);
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 1;
    request.op_case = COORD__V1__REQUEST__OP_TXN;
    request.txn = seen->txn;
    *ret_txn = pack(&request.base);
    coord__storage__v1__command__free_unpacked(seen, NULL);
    cd_blob_unref(command);
    cd_buf_release(&buf);
    list[0] = (struct fsm_bytes){(*ret_txn)->data, (*ret_txn)->bytes};
    list[1] = (struct fsm_bytes){(const uint8_t *)"\x08\x02\x7a\x08\x0a\x02/a\x20\x05\x10\x01", 12};
    list[2] = (struct fsm_bytes){(const uint8_t *)"\x08\x03\x92\x03\x04\x08\x01\x10\x02", 9};
}

static struct cd_blob *sample_frame(void)
{
    struct fsm_bytes list[3];
    ProtobufCBinaryData requests[3];
    struct cd_blob *txn = NULL;
    fill_requests(list, &txn);
    for (size_t i = 0; i < 3; i++) {
        requests[i] = binary_bytes(list[i].data, list[i].bytes);
    }
    Coord__V1__OpenSession open = COORD__V1__OPEN_SESSION__INIT;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    open.secret_hash = binary("0123456789abcdef0123456789abcdef");
    hello.cluster_id = binary("0123456789abcdef");
    hello.client = binary("test");
    hello.session_case = COORD__V1__HELLO__SESSION_OPEN;
    hello.open = &open;
    frame.number = 1;
    frame.hello = &hello;
    frame.requests = requests;
    frame.n_requests = 3;
    struct cd_blob *packed = pack(&frame.base);
    cd_blob_unref(txn);
    return packed;
}

static struct cd_blob *sample_call(void)
{
    Coord__V1__SetRequest set = COORD__V1__SET_REQUEST__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__CallRequest call = COORD__V1__CALL_REQUEST__INIT;
    set.path = binary("/a/b/c");
    set.data = binary("data");
    request.op_case = COORD__V1__REQUEST__OP_SET;
    request.set = &set;
    call.request = &request;
    call.key = binary("0123456789abcdef");
    return pack(&call.base);
}

/* A request of every kind that came with sessions; test_request says what stands in such bytes. */
static const char many_requests[] =
    "08011a30080110013a090a022f6c1002220170421f0a022f61180328054a150a13081f12037572691a0a7370"
    "696666653a2f2f781a4e080210025a480a0d6a0b0a022f6c100218032201700a080a022f6110023004121322"
    "110a022f6e10ffffffffffffffffff012001120c2a0a0a022f6112001a0208021a0a42080a012f2002320162"
    "1a240803f2011f0a022f612a170201000000000000000200000000000000020000002f6130021a2508049a02"
    "200a022f6110052a180201000000000000000200000000000000020000002f61621a07080592020208011a1b"
    "0806b20216080512104142434445464748494a4b4c4d4e4f5018091a1708079203120808104d1a0c0a022f61"
    "10021a02020320011a1508089203100809220c12040804100218032202772d1a0708099a030208081a09080a"
    "1003ea03020802";

/* A command with every field, about a session; and one of the leader's. */
static struct cd_blob *sample_session_command(struct cd_buf *buf, enum fsm_op_kind kind)
{
    struct fsm_bytes prefix = text("p");
    struct fsm_held held = {text("/l"), 5, 2, &prefix, 1};
    struct fsm_command command = {.origin = {1, 2, 3},
                                  .session = 4,
                                  .seq = 5,
                                  .attach = 6,
                                  .reply_mark = 3,
                                  .request_hash = 9,
                                  .has_key = true,
                                  .who = {FSM_SCHEME_URI, text("spiffe://x"), true},
                                  .if_held = &held,
                                  .op = {.kind = kind}};
    if (kind == FSM_OP_REFUSE) {
        command.op.refuse = (struct fsm_op_refuse){CD_TOO_LARGE, text("too large")};
    } else if (kind == FSM_OP_REAP) {
        command.op.reap = (struct fsm_op_reap){text("/c"), 5, 6};
    } else if (kind == FSM_OP_AGREE_DIGEST) {
        command.op.agree_digest = (struct fsm_op_agree_digest){64, 5, 2};
    } else if (kind == FSM_OP_EXPIRE_SESSION) {
        command.op.expire_session = (struct fsm_op_expire_session){4, {5, 6, 7}};
    }
    assert_int_equal(wire_command_encode(buf, &command), CD_OK);
    return from_buf(buf);
}

static struct cd_blob *sample_sessions(void)
{
    Coord__V1__SessionsRequest message = COORD__V1__SESSIONS_REQUEST__INIT;
    message.session_id = 5;
    message.limit = 6;
    message.cursor = binary_bytes("\1\4\0\0\0\0\0\1\0", 9);
    return pack(&message.base);
}

static struct sample samples[14];

static int make_samples(void **state)
{
    (void)state;
    struct cd_buf buf;
    cd_buf_init(&buf, 100000);
    samples[0] = (struct sample){"client frame", decode_frame, sample_frame()};
    samples[1] = (struct sample){"call", decode_call, sample_call()};
    samples[2] = (struct sample){"peer frame", decode_peer, sample_peer(&buf)};
    samples[3] = (struct sample){"entry", decode_entry, sample_entry(&buf)};
    samples[4] = (struct sample){"state", decode_state, sample_state(&buf)};
    samples[5] = (struct sample){"batch", decode_batch, sample_batch(&buf)};
    samples[6] = (struct sample){"command", decode_command, sample_command(&buf)};
    samples[7] = (struct sample){"requests", decode_frame, from_hex(many_requests)};
    static const enum fsm_op_kind kinds[] = {FSM_OP_OPEN_SESSION, FSM_OP_REFUSE, FSM_OP_REAP,
                                             FSM_OP_EXPIRE_SESSION, FSM_OP_AGREE_DIGEST};
    for (size_t i = 0; i < CD_ARRAY_COUNT(kinds); i++) {
        samples[8 + i] =
            (struct sample){"command", decode_command, sample_session_command(&buf, kinds[i])};
    }
    samples[13] = (struct sample){"sessions", decode_sessions, sample_sessions()};
    cd_buf_release(&buf);
    return 0;
}

static int free_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(samples); i++) {
        cd_blob_unref(samples[i].bytes);
    }
    return 0;
}

/* ---- What is done to them ---- */

static bool in_list(enum cd_status status)
{
    return status == CD_OK || status == CD_MALFORMED || status == CD_TOO_LARGE ||
           status == CD_TOO_MANY || status == CD_NEWER_FORMAT;
}

/* Decodes a copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static enum cd_status decode_copy(const struct sample *sample, struct wire_arena *arena,
                                  const uint8_t *bytes, size_t count)
{
    uint8_t *copy = cd_malloc(count > 0 ? count : 1);
    memcpy(copy, bytes, count);
    enum cd_status status = sample->decode(arena, copy, count);
    cd_free(copy);
    if (!in_list(status)) {
        fail_msg("%s: %s", sample->name, cd_status_name(status));
    }
    wire_arena_clear(arena);
    return status;
}

static void test_whole(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(samples); i++) {
        const struct cd_blob *bytes = samples[i].bytes;
        assert_int_equal(decode_copy(&samples[i], &rig->arena, bytes->data, bytes->bytes), CD_OK);
    }
}

/* A cut message is malformed, or the fields before the cut, never more. */
static void test_cut_at_every_byte(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(samples); i++) {
        const struct cd_blob *bytes = samples[i].bytes;
        size_t malformed = 0;
        for (size_t count = 0; count < bytes->bytes; count++) {
            malformed += decode_copy(&samples[i], &rig->arena, bytes->data, count) == CD_MALFORMED;
        }
        assert_true(malformed > bytes->bytes / 2);
    }
}

static void test_every_byte_changed(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(samples); i++) {
        struct cd_blob *bytes = samples[i].bytes;
        for (size_t at = 0; at < bytes->bytes; at++) {
            uint8_t kept = bytes->data[at];
            for (unsigned value = 0; value < 256; value++) {
                bytes->data[at] = (uint8_t)value;
                (void)decode_copy(&samples[i], &rig->arena, bytes->data, bytes->bytes);
            }
            bytes->data[at] = kept;
        }
    }
}

static void test_noise(void **state)
{
    struct rig *rig = *state;
    struct cd_prng prng;
    cd_prng_init(&prng, 5);
    uint8_t noise[4000];
    for (unsigned round = 0; round < 20000; round++) {
        const struct sample *sample = &samples[round % CD_ARRAY_COUNT(samples)];
        const struct cd_blob *bytes = sample->bytes;
        size_t count = bytes->bytes;
        assert_true(count < sizeof(noise));
        memcpy(noise, bytes->data, count);
        size_t changes = 1 + (size_t)cd_prng_below(&prng, 8);
        for (size_t i = 0; i < changes; i++) {
            size_t at = (size_t)cd_prng_below(&prng, count);
            size_t from = (size_t)cd_prng_below(&prng, count);
            switch (cd_prng_below(&prng, 3)) {
            case 0: /* a random byte */
                noise[at] = (uint8_t)cd_prng_next(&prng);
                break;
            case 1: /* a piece moved */
                memmove(noise + at, noise + from, count - (at > from ? at : from));
                break;
            default: /* a piece taken out */
                memmove(noise + at, noise + at + 1, count - at - 1);
                count -= count > 1;
                break;
            }
        }
        (void)decode_copy(sample, &rig->arena, noise, count);
    }
}

/* Every limit of memory from nothing to enough: too large until it is enough, then always good. */
static void test_too_little_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(samples); i++) {
        const struct cd_blob *bytes = samples[i].bytes;
        bool enough = false;
        for (size_t limit = 0; limit < 64000; limit += 16) {
            struct wire_arena arena;
            wire_arena_init(&arena, limit);
            enum cd_status status = decode_copy(&samples[i], &arena, bytes->data, bytes->bytes);
            wire_arena_release(&arena);
            assert_int_equal(status, enough || status == CD_OK ? CD_OK : CD_TOO_LARGE);
            enough = status == CD_OK;
        }
        assert_true(enough);
    }
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_whole), WITH_RIG(test_cut_at_every_byte), WITH_RIG(test_every_byte_changed),
        WITH_RIG(test_noise), WITH_RIG(test_too_little_memory),
    };
    return cmocka_run_group_tests(tests, make_samples, free_samples);
}
