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

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_init),
        WITH_RIG(test_refusal),
        WITH_RIG(test_transfer),
        WITH_RIG(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
