#include "src/codec.h"

#include "coord/v1/admin.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Goal: the messages of Admin, both ways. Method: the generated code plays the replica. */

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static struct client_bytes pack(const ProtobufCMessage *message)
{
    size_t count = protobuf_c_message_get_packed_size(message);
    uint8_t *data = client_malloc(count);
    assert_non_null(data);
    return (struct client_bytes){data, protobuf_c_message_pack(message, data)};
}

static void test_init(void **state)
{
    Coord__V1__InitResponse response = COORD__V1__INIT_RESPONSE__INIT;
    uint8_t id[COORD_CLUSTER_ID_BYTES] = {0};
    struct coord_error error;
    (void)state;
    response.cluster_id = bytes_of("0123456789abcdef");
    struct client_bytes bytes = pack(&response.base);
    assert_int_equal(client_codec_init_decode(bytes.data, bytes.count, id, &error), COORD_OK);
    assert_memory_equal(id, "0123456789abcdef", sizeof(id));
    client_free(bytes.data);
    response.code = COORD__V1__CODE__CODE_ALREADY_BORN;
    response.message = bytes_of("it has a cluster");
    bytes = pack(&response.base);
    assert_int_equal(client_codec_init_decode(bytes.data, bytes.count, id, &error),
                     COORD_ALREADY_BORN);
    assert_string_equal(error.message, "it has a cluster");
    client_free(bytes.data);
    response.code = COORD__V1__CODE__CODE_OK;
    response.cluster_id = bytes_of("short");
    bytes = pack(&response.base);
    assert_int_equal(client_codec_init_decode(bytes.data, bytes.count, id, &error),
                     COORD_MALFORMED);
    client_free(bytes.data);
}

static void test_a_refusal_without_a_sentence_gets_one(void **state)
{
    Coord__V1__TransferLeadershipResponse response = COORD__V1__TRANSFER_LEADERSHIP_RESPONSE__INIT;
    uint32_t leader = 7;
    struct coord_error error;
    (void)state;
    response.code = COORD__V1__CODE__CODE_NOT_BORN;
    struct client_bytes bytes = pack(&response.base);
    assert_int_equal(client_codec_transfer_decode(bytes.data, bytes.count, &leader, &error),
                     COORD_NOT_BORN);
    assert_string_equal(error.message, coord_code_text(COORD_NOT_BORN));
    assert_int_equal(leader, 7); /* untouched */
    client_free(bytes.data);
}

static void test_transfer(void **state)
{
    Coord__V1__TransferLeadershipResponse response = COORD__V1__TRANSFER_LEADERSHIP_RESPONSE__INIT;
    struct client_bytes request;
    uint32_t leader = 0;
    (void)state;
    assert_int_equal(client_codec_transfer_encode(3, &request), COORD_OK);
    Coord__V1__TransferLeadershipRequest *seen =
        coord__v1__transfer_leadership_request__unpack(NULL, request.count, request.data);
    assert_int_equal(seen->node_id, 3);
    coord__v1__transfer_leadership_request__free_unpacked(seen, NULL);
    client_free(request.data);
    response.leader_id = 3;
    struct client_bytes bytes = pack(&response.base);
    assert_int_equal(client_codec_transfer_decode(bytes.data, bytes.count, &leader, NULL),
                     COORD_OK);
    assert_int_equal(leader, 3);
    client_free(bytes.data);
}

static void fill(Coord__V1__StatusResponse *response, Coord__V1__Member **members,
                 ProtobufCBinaryData *alarms)
{
    response->node_id = 2;
    response->server = bytes_of("coordd/9");
    response->cluster_id = bytes_of("0123456789abcdef");
    response->state = COORD__V1__REPLICA_STATE__REPLICA_STATE_LEADER;
    response->leader_id = 2;
    response->applied_slot = 1000;
    response->members = members;
    response->n_members = 2;
    response->alarms = alarms;
    response->n_alarms = 1;
    response->ready = true;
    response->tree_bytes = 41;
    response->cpu_us = 42;
    response->memory_bytes = 43;
}

static void test_status(void **state)
{
    Coord__V1__StatusResponse response = COORD__V1__STATUS_RESPONSE__INIT;
    Coord__V1__Member one = COORD__V1__MEMBER__INIT;
    Coord__V1__Member two = COORD__V1__MEMBER__INIT;
    Coord__V1__Member *members[] = {&one, &two};
    ProtobufCBinaryData alarm = bytes_of("the disk is nearly full");
    struct coord_status *status = NULL;
    (void)state;
    one.node_id = 1;
    one.role = COORD__V1__MEMBER_ROLE__MEMBER_ROLE_VOTER;
    one.peer_address = bytes_of("h:7421");
    two.node_id = 2;
    two.role = COORD__V1__MEMBER_ROLE__MEMBER_ROLE_LEARNER;
    fill(&response, members, &alarm);
    struct client_bytes bytes = pack(&response.base);
    assert_int_equal(client_codec_status_decode(bytes.data, bytes.count, &status, NULL), COORD_OK);
    memset(bytes.data, 0xee, bytes.count);
    client_free(bytes.data);
    assert_int_equal(status->node_id, 2);
    assert_string_equal(status->server, "coordd/9");
    assert_true(status->born && status->ready);
    assert_int_equal(status->tree_bytes, 41);
    assert_int_equal(status->cpu_us, 42);
    assert_int_equal(status->memory_bytes, 43);
    assert_int_equal(status->state, COORD_REPLICA_LEADER);
    assert_int_equal(status->applied_slot, 1000);
    assert_int_equal(status->members_count, 2);
    assert_int_equal(status->members[0]->role, COORD_ROLE_VOTER);
    assert_string_equal(status->members[0]->peer_address, "h:7421");
    assert_int_equal(status->members[1]->node_id, 2);
    assert_string_equal(status->members[1]->identity, "");
    assert_int_equal(status->alarms_count, 1);
    assert_string_equal(status->alarms[0], "the disk is nearly full");
    coord_status_free(status);
    coord_status_free(NULL);
}

static void test_status_before_birth(void **state)
{
    Coord__V1__StatusResponse response = COORD__V1__STATUS_RESPONSE__INIT;
    struct coord_status *status = NULL;
    (void)state;
    response.node_id = 1;
    response.state = COORD__V1__REPLICA_STATE__REPLICA_STATE_EMPTY;
    struct client_bytes bytes = pack(&response.base);
    assert_int_equal(client_codec_status_decode(bytes.data, bytes.count, &status, NULL), COORD_OK);
    assert_false(status->born);
    assert_int_equal(status->members_count, 0);
    assert_string_equal(status->server, "");
    coord_status_free(status);
    client_free(bytes.data);
}

static void test_bytes_that_do_not_decode(void **state)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    struct coord_status *status = NULL;
    struct coord_error error;
    (void)state;
    assert_int_equal(client_codec_status_decode(bytes, sizeof(bytes), &status, &error),
                     COORD_MALFORMED);
    assert_null(status);
    assert_int_equal(error.code, COORD_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_a_refusal_without_a_sentence_gets_one),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_before_birth),
        cmocka_unit_test(test_bytes_that_do_not_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
