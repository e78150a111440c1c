#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "server/tools.h"

#include <stdbool.h>
#include <string.h>

/*
 * Goal: health tells each watch the state at once and every change once, reflection answers each
 * question, and streams of neither are left to the replica. Method: a port that records the last
 * thing said. Frames are written by hand: they are two bytes long.
 */

#define WATCH   "/grpc.health.v1.Health/Watch"
#define CHECK   "/grpc.health.v1.Health/Check"
#define REFLECT "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define ALPHA   "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

static struct {
    size_t sent, closed;
    uint64_t stream;
    int health; /* of the last frame, if it was one */
    size_t bytes;
    enum transport_code code;
} said;

static struct server_tools tools;

static void on_send(void *context, uint64_t stream, struct cd_blob *frame)
{
    (void)context;
    said.sent++;
    said.stream = stream;
    said.bytes = frame->bytes;
    said.health = frame->bytes == 2 && frame->data[0] == 0x08 ? frame->data[1] : -1;
    cd_blob_unref(frame);
}

static void on_close(void *context, uint64_t stream, enum transport_code code, const char *message)
{
    (void)context;
    assert_non_null(message);
    said.closed++;
    said.stream = stream;
    said.code = code;
}

static int set_up(void **state)
{
    (void)state;
    static const struct server_tools_ports ports = {.send = on_send, .close = on_close};
    memset(&said, 0, sizeof(said));
    server_tools_init(&tools, &ports);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_tools_release(&tools);
    return 0;
}

static void give(uint64_t stream, const char *bytes, size_t count)
{
    struct cd_blob *frame = cd_blob_copy(bytes, count);
    assert_true(server_tools_frame(&tools, stream, frame));
    cd_blob_unref(frame);
}

static void others_are_left_alone(void **state)
{
    (void)state;
    struct cd_blob *frame = cd_blob_copy("", 0);
    assert_false(server_tools_opened(&tools, 1, "/coord.v1.Coordination/Session"));
    assert_false(server_tools_frame(&tools, 1, frame));
    assert_false(server_tools_ended(&tools, 1));
    assert_false(server_tools_closed(&tools, 1));
    assert_int_equal(said.sent + said.closed, 0);
    cd_blob_unref(frame);
}

static void a_watch_hears_the_state_and_each_change(void **state)
{
    (void)state;
    assert_true(server_tools_opened(&tools, 7, WATCH));
    server_tools_set_serving(&tools, true);
    assert_int_equal(said.sent, 0); /* it has not said for which service */
    give(7, "", 0);
    assert_int_equal(said.sent, 1);
    assert_int_equal(said.health, 1);
    assert_true(server_tools_ended(&tools, 7)); /* as every client of Watch does */
    assert_int_equal(said.closed, 0);
    server_tools_set_serving(&tools, true);
    assert_int_equal(said.sent, 1);
    server_tools_set_serving(&tools, false);
    assert_int_equal(said.sent, 2);
    assert_int_equal(said.health, 2);
    assert_true(server_tools_closed(&tools, 7));
    server_tools_set_serving(&tools, true);
    assert_int_equal(said.sent, 2);
    assert_int_equal(said.closed, 0);
}

static void a_watch_of_an_unknown_service_hears_that_alone(void **state)
{
    (void)state;
    assert_true(server_tools_opened(&tools, 7, WATCH));
    give(7, "\x0a\x03web", 5);
    assert_int_equal(said.health, 3);
    server_tools_set_serving(&tools, true);
    assert_int_equal(said.sent, 1);
    give(7, "", 0); /* a second question */
    assert_int_equal(said.closed, 1);
    assert_int_equal(said.code, TRANSPORT_INVALID_ARGUMENT);
}

static void bad_questions_end_the_stream(void **state)
{
    (void)state;
    static const char *const methods[] = {WATCH, REFLECT, ALPHA};
    for (size_t i = 0; i < CD_ARRAY_COUNT(methods); i++) {
        assert_true(server_tools_opened(&tools, i, methods[i]));
        give(i, "\x0a\x09", 2);
        assert_int_equal(said.closed, i + 1);
        assert_int_equal(said.code, TRANSPORT_INVALID_ARGUMENT);
        assert_true(server_tools_closed(&tools, i));
    }
    assert_int_equal(said.sent, 0);
    assert_true(server_tools_opened(&tools, 9, WATCH));
    assert_true(server_tools_ended(&tools, 9)); /* without a question */
    assert_int_equal(said.closed, 4);
}

static void checks(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool serving;
        enum transport_code code;
        uint8_t health;
    } table[] = {
        {"", true, TRANSPORT_OK, 1},
        {"", false, TRANSPORT_OK, 2},
        {"\x0a\x15"
         "coord.v1.Coordination",
         true, TRANSPORT_OK, 1},
        {"\x0a\x0e"
         "coord.v1.Admin",
         false, TRANSPORT_OK, 2},
        {"\x0a\x0d"
         "coord.v1.Admi",
         true, TRANSPORT_NOT_FOUND, 0},
        {"\x0a\x09", true, TRANSPORT_INVALID_ARGUMENT, 0},
    };
    char message[SERVER_TOOLS_MESSAGE_BYTES];
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        enum transport_code code = TRANSPORT_INTERNAL;
        struct cd_blob *reply = NULL;
        struct cd_blob *request = cd_blob_copy(table[i].request, strlen(table[i].request));
        server_tools_set_serving(&tools, table[i].serving);
        assert_true(server_tools_call(&tools, CHECK, request, &code, &reply, message));
        assert_int_equal(code, table[i].code);
        assert_int_equal(reply != NULL, code == TRANSPORT_OK);
        if (reply != NULL) {
            assert_int_equal(reply->bytes, 2);
            assert_int_equal(reply->data[1], table[i].health);
        } else {
            assert_true(strlen(message) > 5);
        }
        assert_false(
            server_tools_call(&tools, "/coord.v1.Admin/Status", request, &code, &reply, message));
        cd_blob_unref(reply);
        cd_blob_unref(request);
    }
}

static void reflection_answers_until_its_client_ends(void **state)
{
    (void)state;
    static const char *const methods[] = {REFLECT, ALPHA};
    for (size_t i = 0; i < CD_ARRAY_COUNT(methods); i++) {
        assert_int_equal(said.closed, i);
        assert_true(server_tools_opened(&tools, 5, methods[i]));
        give(5, "\x3a\x00", 2);
        give(5, "\x3a\x00", 2);
        assert_int_equal(said.sent, 2 * (i + 1));
        assert_true(said.bytes > 100);
        assert_true(server_tools_ended(&tools, 5));
        assert_int_equal(said.closed, i + 1);
        assert_int_equal(said.code, TRANSPORT_OK);
        assert_true(server_tools_closed(&tools, 5));
    }
}

static void they_are_bounded(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= SERVER_TOOLS_MAX; i++) {
        assert_true(server_tools_opened(&tools, i, i % 2 == 0 ? WATCH : REFLECT));
    }
    assert_int_equal(said.closed, 0);
    assert_true(server_tools_opened(&tools, 9999, WATCH));
    assert_int_equal(said.closed, 1);
    assert_int_equal(said.code, TRANSPORT_RESOURCE_EXHAUSTED);
    assert_false(server_tools_closed(&tools, 9999));
    assert_true(server_tools_closed(&tools, 1));
    assert_true(server_tools_opened(&tools, 10000, WATCH));
    assert_int_equal(said.closed, 1);
    for (uint64_t i = 2; i <= SERVER_TOOLS_MAX; i++) {
        assert_true(server_tools_closed(&tools, i));
    }
    assert_true(server_tools_closed(&tools, 10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(others_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_hears_the_state_and_each_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_of_an_unknown_service_hears_that_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bad_questions_end_the_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reflection_answers_until_its_client_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(they_are_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
