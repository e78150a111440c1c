#include "support.h"

#include "grpc/health/v1/health.pb-c.h"

/* Goal: the messages of grpc.health.v1, to the byte where it is short: the numbers are gRPC's. */

static void test_questions(void **state)
{
    struct rig *rig = *state;
    struct fsm_bytes service;
    assert_int_equal(wire_health_decode(&rig->arena, "", 0, &service, NULL), CD_OK);
    assert_int_equal(service.bytes, 0);
    assert_int_equal(wire_health_decode(&rig->arena, "\x0a\x03web", 5, &service, NULL), CD_OK);
    assert_text(service, "web");
    assert_int_equal(wire_health_decode(&rig->arena, "\x0a\x03we", 4, &service, NULL),
                     CD_MALFORMED);
    assert_int_equal(wire_health_decode(&rig->arena, "\x0a\x02w\0", 4, &service, &rig->error),
                     CD_INVALID_ARGUMENT);
    assert_says(&rig->error, "service");
    struct cd_blob *large = cd_blob_create(5000);
    assert_int_equal(
        wire_health_decode(&rig->arena, large->data, large->bytes, &service, &rig->error),
        CD_TOO_LARGE);
    cd_blob_unref(large);
}

static void test_answers(void **state)
{
    struct rig *rig = *state;
    static const enum wire_health table[] = {WIRE_HEALTH_SERVING, WIRE_HEALTH_NOT_SERVING,
                                             WIRE_HEALTH_SERVICE_UNKNOWN};
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        cd_buf_clear(&rig->buf);
        assert_int_equal(wire_health_encode(&rig->buf, table[i]), CD_OK);
        assert_int_equal(rig->buf.bytes, 2);
        assert_int_equal(rig->buf.data[0], 0x08);
        assert_int_equal(rig->buf.data[1], i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_questions, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_answers, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
