#include "support.h"

#include "wire/descriptors.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

/*
 * Goal: every question of server reflection gets the answer that the protocol asks for, and what is
 * served is the contract, whole. Method: questions packed with the generated code, answers
 * unpacked.
 */

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

#define ASKS(kind)    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind
#define ANSWERS(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##kind

/* The caller frees it with drop. */
static Response *ask(struct rig *rig, Request *request)
{
    struct cd_blob *bytes = pack(&request->base);
    cd_buf_clear(&rig->buf);
    assert_int_equal(
        wire_reflection_answer(&rig->arena, bytes->data, bytes->bytes, &rig->buf, &rig->error),
        CD_OK);
    Response *response = grpc__reflection__v1__server_reflection_response__unpack(
        NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(response);
    assert_non_null(response->original_request);
    struct cd_blob *back = pack(&response->original_request->base);
    assert_int_equal(back->bytes, bytes->bytes);
    assert_memory_equal(back->data, bytes->data, bytes->bytes);
    cd_blob_unref(back);
    cd_blob_unref(bytes);
    return response;
}

static void drop(Response *response)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

static Response *ask_text(struct rig *rig, int kind, const char *name)
{
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    request.message_request_case =
        (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)kind;
    request.file_by_filename = binary(name); /* all of them share their place */
    return ask(rig, &request);
}

static void expect_error(struct rig *rig, int kind, const char *name, int code)
{
    Response *response = ask_text(rig, kind, name);
    assert_int_equal(response->message_response_case, ANSWERS(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, code);
    assert_true(response->error_response->error_message.len > 10);
    drop(response);
}

static void expect_file(struct rig *rig, int kind, const char *name, const char *file)
{
    Response *response = ask_text(rig, kind, name);
    assert_int_equal(response->message_response_case, ANSWERS(FILE_DESCRIPTOR_RESPONSE));
    assert_int_equal(response->file_descriptor_response->n_file_descriptor_proto, 1);
    ProtobufCBinaryData found = response->file_descriptor_response->file_descriptor_proto[0];
    /* A FileDescriptorProto begins with its name. */
    assert_true(found.len > strlen(file) + 2);
    assert_int_equal(found.data[0], 0x0a);
    assert_int_equal(found.data[1], strlen(file));
    assert_memory_equal(found.data + 2, file, strlen(file));
    drop(response);
}

static void test_services(void **state)
{
    static const char *const expected[] = {
        "coord.v1.Admin", "coord.v1.Coordination", "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"};
    Response *response = ask_text(*state, ASKS(LIST_SERVICES), "");
    assert_int_equal(response->message_response_case, ANSWERS(LIST_SERVICES_RESPONSE));
    assert_int_equal(response->list_services_response->n_service, CD_ARRAY_COUNT(expected));
    for (size_t i = 0; i < CD_ARRAY_COUNT(expected); i++) {
        ProtobufCBinaryData name = response->list_services_response->service[i]->name;
        assert_int_equal(name.len, strlen(expected[i]));
        assert_memory_equal(name.data, expected[i], name.len);
    }
    drop(response);
}

static void test_files(void **state)
{
    expect_file(*state, ASKS(FILE_BY_FILENAME), "coord/v1/coord.proto", "coord/v1/coord.proto");
    expect_file(*state, ASKS(FILE_BY_FILENAME), "grpc/health/v1/health.proto",
                "grpc/health/v1/health.proto");
    expect_error(*state, ASKS(FILE_BY_FILENAME), "coord/peer/v1/peer.proto", 5);
    expect_error(*state, ASKS(FILE_BY_FILENAME), "coord/v1/coord.prot", 5);
    expect_error(*state, ASKS(FILE_BY_FILENAME), "", 5);
}

static void test_symbols(void **state)
{
    static const struct {
        const char *name, *file;
    } table[] = {
        {"coord.v1.Coordination", "coord/v1/coord.proto"},
        {"coord.v1.Coordination.Session", "coord/v1/coord.proto"},
        {"coord.v1.Admin.Init", "coord/v1/coord.proto"},
        {"coord.v1.Stat", "coord/v1/operations.proto"},
        {"coord.v1.Stat.czxid", "coord/v1/operations.proto"},
        {"coord.v1.CODE_OK", "coord/v1/operations.proto"},
        {"coord.v1.InitRequest", "coord/v1/admin.proto"},
        {"grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"},
        {"grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"},
        {"grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"},
        {"grpc.reflection.v1alpha.ServerReflection", "grpc/reflection/v1alpha/reflection.proto"},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        expect_file(*state, ASKS(FILE_CONTAINING_SYMBOL), table[i].name, table[i].file);
    }
    static const char *const unknown[] = {"",
                                          "coord",
                                          "coord.v1",
                                          "coord.v1.Coordinatio",
                                          "coord.v1.Coordination.",
                                          "coord.peer.v1.Peer",
                                          "zzz",
                                          "\xc3\xa9"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(unknown); i++) {
        expect_error(*state, ASKS(FILE_CONTAINING_SYMBOL), unknown[i], 5);
    }
    /* Each is found by the search, wherever it stands in the table. */
    for (size_t i = 0; i < WIRE_DESCRIPTOR_SYMBOLS_COUNT; i++) {
        const struct wire_descriptor_symbol *symbol = &WIRE_DESCRIPTOR_SYMBOLS[i];
        expect_file(*state, ASKS(FILE_CONTAINING_SYMBOL), symbol->name,
                    WIRE_DESCRIPTOR_FILES[symbol->file].name);
    }
}

static void test_extensions(void **state)
{
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    extension.containing_type = binary("coord.v1.Stat");
    extension.extension_number = 1000;
    request.message_request_case = ASKS(FILE_CONTAINING_EXTENSION);
    request.file_containing_extension = &extension;
    Response *response = ask(*state, &request);
    assert_int_equal(response->message_response_case, ANSWERS(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, 5);
    drop(response);

    response = ask_text(*state, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "coord.v1.Stat");
    assert_int_equal(response->message_response_case, ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE));
    assert_int_equal(response->all_extension_numbers_response->n_extension_number, 0);
    assert_int_equal(response->all_extension_numbers_response->base_type_name.len, 13);
    drop(response);
    expect_error(*state, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "coord.v1.Nothing", 5);
    expect_error(*state, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "coord.v1.Admin", 5);
}

static void test_odd_questions(void **state)
{
    struct rig *rig = *state;
    Request nothing = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    nothing.host = binary("here");
    Response *response = ask(rig, &nothing);
    assert_int_equal(response->message_response_case, ANSWERS(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, 3);
    assert_int_equal(response->valid_host.len, 4);
    drop(response);

    cd_buf_clear(&rig->buf);
    assert_int_equal(wire_reflection_answer(&rig->arena, "\x22\x05x", 3, &rig->buf, &rig->error),
                     CD_MALFORMED);
    assert_int_equal(wire_reflection_answer(&rig->arena, "\x22\x01\xff", 3, &rig->buf, &rig->error),
                     CD_INVALID_ARGUMENT);
    assert_says(&rig->error, "file_containing_symbol");
    assert_int_equal(rig->buf.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_services, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_files, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_symbols, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_extensions, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_odd_questions, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
