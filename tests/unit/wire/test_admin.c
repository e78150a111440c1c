#include "support.h"

/* Goal: requests and answers of service Admin. */

static void test_init(void **state)
{
    struct rig *rig = *state;
    uint32_t alpha = 99;
    assert_int_equal(wire_init_decode(&rig->arena, "", 0, &alpha, NULL), CD_OK);
    assert_int_equal(alpha, 0);
    Coord__V1__InitRequest request = COORD__V1__INIT_REQUEST__INIT;
    static const struct {
        uint32_t alpha;
        enum cd_status status;
    } cases[] = {{1, CD_INVALID_ARGUMENT},
                 {PAXOS_ALPHA_MIN, CD_OK},
                 {PAXOS_ALPHA_MAX, CD_OK},
                 {PAXOS_ALPHA_MAX + 1, CD_INVALID_ARGUMENT}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(cases); i++) {
        request.alpha = cases[i].alpha;
        struct cd_blob *bytes = pack(&request.base);
        assert_int_equal(
            wire_init_decode(&rig->arena, bytes->data, bytes->bytes, &alpha, &rig->error),
            cases[i].status);
        if (cases[i].status == CD_OK) {
            assert_int_equal(alpha, cases[i].alpha);
        } else {
            assert_says(&rig->error, "alpha");
        }
        cd_blob_unref(bytes);
    }
    assert_int_equal(wire_init_decode(&rig->arena, "\x08", 1, &alpha, NULL), CD_MALFORMED);

    const uint8_t cluster[PAXOS_CLUSTER_ID_BYTES] = "0123456789abcde";
    assert_int_equal(wire_init_encode(&rig->buf, cluster, 1), CD_OK);
    Coord__V1__InitResponse *answer =
        coord__v1__init_response__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(answer);
    assert_int_equal(answer->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(answer->generation, 1);
    assert_memory_equal(answer->cluster_id.data, cluster, sizeof(cluster));
    coord__v1__init_response__free_unpacked(answer, NULL);
}

/* Code and message stand in the same fields of every answer. */
static void test_refusal(void **state)
{
    struct rig *rig = *state;
    static const ProtobufCMessageDescriptor *const answers[] = {
        &coord__v1__init_response__descriptor,
        &coord__v1__status_response__descriptor,
        &coord__v1__members_response__descriptor,
        &coord__v1__reconfigure_response__descriptor,
        &coord__v1__transfer_leadership_response__descriptor,
        &coord__v1__drain_response__descriptor,
        &coord__v1__backup_response__descriptor,
        &coord__v1__restore_response__descriptor,
        &coord__v1__verify_response__descriptor,
        &coord__v1__hash_response__descriptor,
        &coord__v1__sessions_response__descriptor,
    };
    assert_int_equal(wire_admin_encode_refusal(&rig->buf, CD_PERMISSION_DENIED, NULL), CD_OK);
    for (size_t i = 0; i < CD_ARRAY_COUNT(answers); i++) {
        const ProtobufCFieldDescriptor *code =
            protobuf_c_message_descriptor_get_field(answers[i], 1);
        const ProtobufCFieldDescriptor *message =
            protobuf_c_message_descriptor_get_field(answers[i], 2);
        assert_non_null(code);
        assert_non_null(message);
        assert_string_equal(code->name, "code");
        assert_string_equal(message->name, "message");
        ProtobufCMessage *answer =
            protobuf_c_message_unpack(answers[i], NULL, rig->buf.bytes, rig->buf.data);
        assert_non_null(answer);
        assert_int_equal(answer->n_unknown_fields, 0);
        protobuf_c_message_free_unpacked(answer, NULL);
    }
}

static void test_transfer(void **state)
{
    struct rig *rig = *state;
    uint32_t node = 7;
    assert_int_equal(wire_transfer_decode(&rig->arena, "\x08\x03", 2, &node, NULL), CD_OK);
    assert_int_equal(node, 3);
    assert_int_equal(wire_transfer_decode(&rig->arena, "\x08", 1, &node, NULL), CD_MALFORMED);
    assert_int_equal(wire_transfer_encode(&rig->buf, 2), CD_OK);
    Coord__V1__TransferLeadershipResponse *answer =
        coord__v1__transfer_leadership_response__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(answer);
    assert_int_equal(answer->leader_id, 2);
    coord__v1__transfer_leadership_response__free_unpacked(answer, NULL);
}

static void check_status(const Coord__V1__StatusResponse *answer)
{
    assert_int_equal(answer->code, COORD__V1__CODE__CODE_OK);
    assert_int_equal(answer->node_id, 1);
    assert_int_equal(answer->incarnation, 11);
    assert_int_equal(answer->state, COORD__V1__REPLICA_STATE__REPLICA_STATE_LEADER);
    assert_int_equal(answer->n_members, 2);
    assert_int_equal(answer->members[1]->node_id, 2);
    assert_int_equal(answer->members[1]->role, COORD__V1__MEMBER_ROLE__MEMBER_ROLE_LEARNER);
    assert_int_equal(answer->members[0]->client_address.len, strlen("a:7420"));
    assert_int_equal(answer->members[1]->client_address.len, 0);
    assert_int_equal(answer->n_alarms, 1);
    assert_int_equal(answer->chosen_slot, 20);
    assert_int_equal(answer->applied_slot, 19);
    assert_int_equal(answer->digest, 0xabcdef);
    assert_int_equal(answer->digest_version, 2);
    assert_int_equal(answer->snapshot_slot, 3);
    assert_int_equal(answer->snapshot_bytes, 4);
    assert_int_equal(answer->log_first_slot, 5);
    assert_int_equal(answer->tree_bytes, 6);
    assert_int_equal(answer->history_after_zxid, 7);
    assert_int_equal(answer->history_bytes, 8);
    assert_int_equal(answer->cpu_us, 9);
    assert_int_equal(answer->memory_bytes, 10);
    assert_true(answer->ready);
}

static void test_status(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(wire_status_decode(&rig->arena, NULL, 0, NULL), CD_OK);
    assert_int_equal(wire_status_decode(&rig->arena, "\xff", 1, NULL), CD_MALFORMED);
    struct wire_member members[2] = {
        {.member = {.incarnation = 11, .node = 1, .role = PAXOS_VOTER}, .client_address = "a:7420"},
        {.member = {.incarnation = 12, .node = 2, .role = PAXOS_LEARNER}},
    };
    const char *alarms[] = {"the disk is nearly full"};
    struct wire_status status = {.node = 1,
                                 .incarnation = 11,
                                 .server = "coordd/0.1.0",
                                 .has_cluster = true,
                                 .generation = 1,
                                 .state = WIRE_REPLICA_LEADER,
                                 .leader = 1,
                                 .chosen_slot = 20,
                                 .applied_slot = 19,
                                 .members = members,
                                 .members_count = 2,
                                 .digest = 0xabcdef,
                                 .digest_version = 2,
                                 .snapshot_slot = 3,
                                 .snapshot_bytes = 4,
                                 .log_first_slot = 5,
                                 .tree_bytes = 6,
                                 .history_after_zxid = 7,
                                 .history_bytes = 8,
                                 .cpu_us = 9,
                                 .memory_bytes = 10,
                                 .alarms = alarms,
                                 .alarms_count = 1,
                                 .ready = true};
    assert_int_equal(wire_status_encode(&rig->buf, &status), CD_OK);
    Coord__V1__StatusResponse *answer =
        coord__v1__status_response__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(answer);
    check_status(answer);
    coord__v1__status_response__free_unpacked(answer, NULL);
}

/* ---- Sessions ---- */

/*
 * Written by protoc from the contract:
 *   sessions { session_id: 281474976710657 identity: "uri:spiffe://x" timeout_ms: 10000 attach: 2
 *     last_seq: 30 ephemerals: 4 kept_reply_bytes: 500 replica_id: 3 renewed_ms_ago: 70 }
 *   sessions { session_id: 281474976710660 identity: "cn:y" timeout_ms: 4000 attach: 1 }
 *   cursor: "\001\004\000\000\000\000\000\001\000"
 */
static const char golden_sessions[] =
    "1a280881808080808040120e7572693a7370696666653a2f2f7818904e2002281e300438f403400348461a13"
    "08848080808080401204636e3a7918a01f20012209010400000000000100";

static void test_sessions(void **state)
{
    struct rig *rig = *state;
    struct wire_session_info sessions[] = {
        {.view = {.session = 281474976710657,
                  .who = {FSM_SCHEME_URI, text("spiffe://x"), false},
                  .timeout_ms = 10000,
                  .attach = 2,
                  .last_seq = 30,
                  .kept_bytes = 500,
                  .ephemerals = 4},
         .replica = 3,
         .renewed_ms_ago = 70},
        {.view = {.session = 281474976710660,
                  .who = {FSM_SCHEME_CN, text("y"), false},
                  .timeout_ms = 4000,
                  .attach = 1}},
    };
    assert_int_equal(wire_sessions_encode(&rig->buf, sessions, 2, true), CD_OK);
    struct cd_blob *expected = from_hex(golden_sessions);
    assert_int_equal(rig->buf.bytes, expected->bytes);
    assert_memory_equal(rig->buf.data, expected->data, expected->bytes);
    cd_blob_unref(expected);
    cd_buf_clear(&rig->buf);
    assert_int_equal(wire_sessions_encode(&rig->buf, sessions, 0, false), CD_OK);
    assert_int_equal(rig->buf.bytes, 0); /* none, and no cursor */

    /* The largest page. */
    char id[FSM_IDENTITY_BYTES_MAX];
    memset(id, 'i', sizeof(id));
    struct wire_session_info *page = cd_calloc(WIRE_SESSIONS_PAGE_MAX, sizeof(*page));
    for (size_t i = 0; i < WIRE_SESSIONS_PAGE_MAX; i++) {
        page[i] = sessions[0];
        page[i].view.who.id = (struct fsm_bytes){(uint8_t *)id, sizeof(id)};
    }
    assert_int_equal(wire_sessions_encode(&rig->buf, page, WIRE_SESSIONS_PAGE_MAX, true), CD_OK);
    cd_free(page);
}

static enum cd_status ask_sessions(struct rig *rig, const Coord__V1__SessionsRequest *message,
                                   struct wire_sessions_request *ret_request)
{
    struct cd_blob *bytes = pack(&message->base);
    enum cd_status status =
        wire_sessions_decode(&rig->arena, bytes->data, bytes->bytes, ret_request, &rig->error);
    cd_blob_unref(bytes);
    return status;
}

static void test_sessions_request(void **state)
{
    struct rig *rig = *state;
    struct wire_sessions_request seen;
    Coord__V1__SessionsRequest message = COORD__V1__SESSIONS_REQUEST__INIT;
    assert_int_equal(ask_sessions(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.session, 0);
    assert_int_equal(seen.after, 0);
    assert_int_equal(seen.limit, WIRE_SESSIONS_PAGE_MAX);
    message.session_id = 7;
    message.limit = 9;
    message.cursor = binary_bytes("\1\4\0\0\0\0\0\1\0", 9);
    assert_int_equal(ask_sessions(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.session, 7);
    assert_int_equal(seen.limit, 9);
    assert_int_equal(seen.after, 281474976710660);
    message.limit = WIRE_SESSIONS_PAGE_MAX + 1;
    assert_int_equal(ask_sessions(rig, &message, &seen), CD_OK);
    assert_int_equal(seen.limit, WIRE_SESSIONS_PAGE_MAX);
    message.cursor.len = 8;
    assert_int_equal(ask_sessions(rig, &message, &seen), CD_INVALID_ARGUMENT);
    message.cursor = binary_bytes("\2\4\0\0\0\0\0\1\0", 9);
    assert_int_equal(ask_sessions(rig, &message, &seen), CD_INVALID_ARGUMENT);
    assert_says(&rig->error, "cursor");
    assert_int_equal(wire_sessions_decode(&rig->arena, "\xff", 1, &seen, &rig->error),
                     CD_MALFORMED);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_init),   WITH_RIG(test_refusal),  WITH_RIG(test_transfer),
        WITH_RIG(test_status), WITH_RIG(test_sessions), WITH_RIG(test_sessions_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
