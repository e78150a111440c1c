#include "wire/reflection.h"

#include "base/assert.h"
#include "wire/descriptors.h"
#include "wire/internal.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

#define REQUEST_BYTES_MAX ((size_t)8 << 10)
#define SERVICES_MAX      16

static const struct wire_bound request_bound = {REQUEST_BYTES_MAX, "a question for reflection"};

/* gRPC's numbers. */
enum {
    INVALID_ARGUMENT = 3,
    NOT_FOUND = 5,
};

/* Where one answer is put together. */
struct answer {
    Response response;
    Grpc__Reflection__V1__ErrorResponse error;
    Grpc__Reflection__V1__FileDescriptorResponse files;
    Grpc__Reflection__V1__ExtensionNumberResponse numbers;
    Grpc__Reflection__V1__ListServiceResponse list;
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX];
    Grpc__Reflection__V1__ServiceResponse *service_pointers[SERVICES_MAX];
    ProtobufCBinaryData file;
    char text[256];
};

/* ---- The tables ---- */

/* As strcmp, for a text without NUL. */
static int compare(const ProtobufCBinaryData *text, const char *name)
{
    size_t name_bytes = strlen(name);
    size_t both = text->len < name_bytes ? text->len : name_bytes;
    int order = both > 0 ? memcmp(text->data, name, both) : 0;
    return order != 0 ? order : (text->len > name_bytes) - (text->len < name_bytes);
}

static const struct wire_descriptor_symbol *find_symbol(const ProtobufCBinaryData *name)
{
    size_t low = 0;
    size_t high = WIRE_DESCRIPTOR_SYMBOLS_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, WIRE_DESCRIPTOR_SYMBOLS[middle].name);
        if (order == 0) {
            return &WIRE_DESCRIPTOR_SYMBOLS[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static const struct wire_descriptor_file *find_file(const ProtobufCBinaryData *name)
{
    for (size_t i = 0; i < WIRE_DESCRIPTOR_FILES_COUNT; i++) {
        if (compare(name, WIRE_DESCRIPTOR_FILES[i].name) == 0) {
            return &WIRE_DESCRIPTOR_FILES[i];
        }
    }
    return NULL;
}

/* ---- The answers ---- */

static void refuse(struct answer *to, int code, const char *what, const ProtobufCBinaryData *name)
{
    int shown = name->len < 120 ? (int)name->len : 120;
    (void)snprintf(to->text, sizeof(to->text), "%s%s%.*s%s", what, shown > 0 ? " \"" : "", shown,
                   shown > 0 ? (const char *)name->data : "", shown > 0 ? "\"" : "");
    /* Cut in the middle of a character it would be no UTF-8. */
    for (char *c = to->text; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    grpc__reflection__v1__error_response__init(&to->error);
    to->error.error_code = code;
    to->error.error_message = wire_binary_text(to->text);
    to->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    to->response.error_response = &to->error;
}

static void answer_file(struct answer *to, const struct wire_descriptor_file *file)
{
    to->file = wire_binary(file->bytes, file->bytes_count);
    grpc__reflection__v1__file_descriptor_response__init(&to->files);
    to->files.file_descriptor_proto = &to->file;
    to->files.n_file_descriptor_proto = 1;
    to->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    to->response.file_descriptor_response = &to->files;
}

static void by_filename(struct answer *to, const ProtobufCBinaryData *name)
{
    const struct wire_descriptor_file *file = find_file(name);
    if (file != NULL) {
        answer_file(to, file);
    } else {
        refuse(to, NOT_FOUND, "there is no file", name);
    }
}

static void by_symbol(struct answer *to, const ProtobufCBinaryData *name)
{
    const struct wire_descriptor_symbol *symbol = find_symbol(name);
    if (symbol != NULL) {
        answer_file(to, &WIRE_DESCRIPTOR_FILES[symbol->file]);
    } else {
        refuse(to, NOT_FOUND, "there is no symbol", name);
    }
}

/* proto3 knows no extensions of our messages, and describe.py makes sure of it. */
static void numbers_of(struct answer *to, const ProtobufCBinaryData *type)
{
    const struct wire_descriptor_symbol *symbol = find_symbol(type);
    if (symbol == NULL || symbol->kind != WIRE_SYMBOL_MESSAGE) {
        refuse(to, NOT_FOUND, "there is no message", type);
        return;
    }
    grpc__reflection__v1__extension_number_response__init(&to->numbers);
    to->numbers.base_type_name = *type;
    to->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    to->response.all_extension_numbers_response = &to->numbers;
}

static void list_services(struct answer *to)
{
    size_t count = 0;
    for (size_t i = 0; i < WIRE_DESCRIPTOR_SYMBOLS_COUNT; i++) {
        if (WIRE_DESCRIPTOR_SYMBOLS[i].kind == WIRE_SYMBOL_SERVICE) {
            CD_ASSERT(count < SERVICES_MAX);
            grpc__reflection__v1__service_response__init(&to->services[count]);
            to->services[count].name = wire_binary_text(WIRE_DESCRIPTOR_SYMBOLS[i].name);
            to->service_pointers[count] = &to->services[count];
            count++;
        }
    }
    grpc__reflection__v1__list_service_response__init(&to->list);
    to->list.service = to->service_pointers;
    to->list.n_service = count;
    to->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    to->response.list_services_response = &to->list;
}

#define ASKS(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind

static void answer_request(struct answer *to, Request *from)
{
    static const ProtobufCBinaryData nothing = {0};
    grpc__reflection__v1__server_reflection_response__init(&to->response);
    to->response.valid_host = from->host;
    to->response.original_request = from;
    switch ((int)from->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
        by_filename(to, &from->file_by_filename);
        return;
    case ASKS(FILE_CONTAINING_SYMBOL):
        by_symbol(to, &from->file_containing_symbol);
        return;
    case ASKS(FILE_CONTAINING_EXTENSION):
        refuse(to, NOT_FOUND, "there is no extension of",
               &from->file_containing_extension->containing_type);
        return;
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        numbers_of(to, &from->all_extension_numbers_of_type);
        return;
    case ASKS(LIST_SERVICES):
        list_services(to);
        return;
    default:
        refuse(to, INVALID_ARGUMENT, "the request asks for nothing that this server knows",
               &nothing);
        return;
    }
}

/* They come back in the answer, where they must be UTF-8. */
static enum cd_status check_texts(const Request *from, struct cd_error *error)
{
    struct fsm_bytes text;
    enum cd_status status = wire_text(&text, from->host, "host", error);
    if (status != CD_OK) {
        return status;
    }
    switch ((int)from->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
        return wire_text(&text, from->file_by_filename, "file_by_filename", error);
    case ASKS(FILE_CONTAINING_SYMBOL):
        return wire_text(&text, from->file_containing_symbol, "file_containing_symbol", error);
    case ASKS(FILE_CONTAINING_EXTENSION):
        return wire_text(&text, from->file_containing_extension->containing_type, "containing_type",
                         error);
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        return wire_text(&text, from->all_extension_numbers_of_type,
                         "all_extension_numbers_of_type", error);
    case ASKS(LIST_SERVICES):
        return wire_text(&text, from->list_services, "list_services", error);
    default:
        return CD_OK;
    }
}

enum cd_status wire_reflection_answer(struct wire_arena *arena, const void *bytes,
                                      size_t bytes_count, struct cd_buf *buf,
                                      struct cd_error *error)
{
    enum cd_status status = CD_OK;
    struct answer answer;
    Request *from = wire_unpack(arena, &grpc__reflection__v1__server_reflection_request__descriptor,
                                bytes, bytes_count, request_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    status = check_texts(from, error);
    if (status != CD_OK) {
        return status;
    }
    answer_request(&answer, from);
    return wire_pack(buf, WIRE_REFLECTION_BYTES_MAX, &answer.response.base);
}
