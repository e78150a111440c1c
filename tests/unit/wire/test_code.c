#include "support.h"

#include <stdio.h>

/* Goal: the status table and coord.v1.Code are one list. */

static void test_every_status_is_a_code(void **state)
{
    (void)state;
    unsigned below_limit = 0;
#define CHECK(symbol, number, text)                                                                \
    if ((number) <= CD_STATUS_CLIENT_MAX) {                                                        \
        const ProtobufCEnumValue *value =                                                          \
            protobuf_c_enum_descriptor_get_value(&coord__v1__code__descriptor, number);            \
        assert_non_null(value);                                                                    \
        assert_string_equal(value->name, "CODE_" #symbol);                                         \
        below_limit++;                                                                             \
    }
    CD_STATUS_TABLE(CHECK)
#undef CHECK
    assert_int_equal(below_limit, coord__v1__code__descriptor.n_values);
}

static void test_message_kinds(void **state)
{
    (void)state;
    unsigned count = 1; /* UNSPECIFIED */
#define CHECK(symbol, number)                                                                      \
    {                                                                                              \
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(                    \
            &coord__peer__v1__consensus_kind__descriptor, number);                                 \
        assert_non_null(value);                                                                    \
        assert_string_equal(value->name, "CONSENSUS_KIND_" #symbol);                               \
        count++;                                                                                   \
    }
    PAXOS_MESSAGE_TABLE(CHECK)
#undef CHECK
    assert_int_equal(count, coord__peer__v1__consensus_kind__descriptor.n_values);
}

static void same_number(const ProtobufCEnumDescriptor *descriptor, const char *name, int number)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(descriptor, name);
    assert_non_null(value);
    assert_int_equal(value->value, number);
}

static void test_numbers_that_are_cast(void **state)
{
    (void)state;
    same_number(&coord__v1__node_kind__descriptor, "NODE_KIND_PERSISTENT", FSM_PERSISTENT);
    same_number(&coord__v1__node_kind__descriptor, "NODE_KIND_EPHEMERAL", FSM_EPHEMERAL);
    same_number(&coord__v1__node_kind__descriptor, "NODE_KIND_CONTAINER", FSM_CONTAINER);
    same_number(&coord__v1__node_kind__descriptor, "NODE_KIND_TTL", FSM_TTL);
    same_number(&coord__v1__member_role__descriptor, "MEMBER_ROLE_VOTER", PAXOS_VOTER);
    same_number(&coord__v1__member_role__descriptor, "MEMBER_ROLE_LEARNER", PAXOS_LEARNER);
    same_number(&coord__v1__member_role__descriptor, "MEMBER_ROLE_OBSERVER", PAXOS_OBSERVER);
    const ProtobufCEnumDescriptor *states = &coord__v1__replica_state__descriptor;
    same_number(states, "REPLICA_STATE_EMPTY", WIRE_REPLICA_EMPTY);
    same_number(states, "REPLICA_STATE_LEARNER", WIRE_REPLICA_LEARNER);
    same_number(states, "REPLICA_STATE_FOLLOWER", WIRE_REPLICA_FOLLOWER);
    same_number(states, "REPLICA_STATE_CANDIDATE", WIRE_REPLICA_CANDIDATE);
    same_number(states, "REPLICA_STATE_LEADER", WIRE_REPLICA_LEADER);
    same_number(states, "REPLICA_STATE_FENCED", WIRE_REPLICA_FENCED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_is_a_code),
        cmocka_unit_test(test_message_kinds),
        cmocka_unit_test(test_numbers_that_are_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
