#include "support.h"

int rig_setup(void **state)
{
    struct rig *rig = cd_calloc(1, sizeof(*rig));
    wire_arena_init(&rig->arena, WIRE_ARENA_BYTES_MAX);
    cd_buf_init(&rig->buf, (size_t)16 << 20);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    wire_arena_release(&rig->arena);
    cd_buf_release(&rig->buf);
    cd_free(rig);
    return 0;
}

struct fsm_bytes text(const char *string)
{
    return (struct fsm_bytes){.data = (const uint8_t *)string, .bytes = strlen(string)};
}

ProtobufCBinaryData binary_bytes(const void *bytes, size_t count)
{
    return (ProtobufCBinaryData){.len = count, .data = (uint8_t *)bytes};
}

ProtobufCBinaryData binary(const char *string)
{
    return binary_bytes(string, strlen(string));
}

struct cd_blob *pack(const ProtobufCMessage *message)
{
    struct cd_blob *blob = cd_blob_create(protobuf_c_message_get_packed_size(message));
    assert_int_equal(protobuf_c_message_pack(message, blob->data), blob->bytes);
    return blob;
}

static uint8_t hex_digit(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

struct cd_blob *from_hex(const char *hex)
{
    struct cd_blob *blob = cd_blob_create(strlen(hex) / 2);
    for (size_t i = 0; i < blob->bytes; i++) {
        blob->data[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    }
    return blob;
}

Coord__V1__ServerFrame *server_frame(const struct rig *rig)
{
    Coord__V1__ServerFrame *frame =
        coord__v1__server_frame__unpack(NULL, rig->buf.bytes, rig->buf.data);
    assert_non_null(frame);
    return frame;
}

void free_server_frame(Coord__V1__ServerFrame *frame)
{
    coord__v1__server_frame__free_unpacked(frame, NULL);
}

bool is_text(ProtobufCBinaryData bytes, const char *string)
{
    return bytes.len == strlen(string) &&
           (bytes.len == 0 || memcmp(bytes.data, string, bytes.len) == 0);
}

struct cd_blob *pack_frame(Coord__V1__Request *const *requests, size_t count)
{
    struct cd_blob **blobs = cd_calloc(count + 1, sizeof(struct cd_blob *));
    ProtobufCBinaryData *list = cd_calloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        blobs[i] = pack(&requests[i]->base);
        list[i] = binary_bytes(blobs[i]->data, blobs[i]->bytes);
    }
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.number = 1;
    frame.requests = list;
    frame.n_requests = count;
    struct cd_blob *packed = pack(&frame.base);
    for (size_t i = 0; i < count; i++) {
        cd_blob_unref(blobs[i]);
    }
    cd_free(blobs);
    cd_free(list);
    return packed;
}

const struct wire_request *through(struct rig *rig, Coord__V1__Request *request)
{
    struct cd_blob *bytes = pack_frame(&request, 1);
    struct wire_client_frame frame;
    enum cd_status status =
        wire_client_frame_decode(&rig->arena, bytes->data, bytes->bytes, &frame, &rig->error);
    memset(bytes->data, 0xee, bytes->bytes); /* nothing may point into it */
    cd_blob_unref(bytes);
    assert_int_equal(status, CD_OK);
    assert_int_equal(frame.requests_count, 1);
    assert_int_equal(frame.requests[0].id, request->id);
    return &frame.requests[0];
}

void must_refuse(struct rig *rig, Coord__V1__Request *request, enum cd_status status,
                 const char *says)
{
    const struct wire_request *seen = through(rig, request);
    assert_int_equal(seen->kind, WIRE_REFUSED);
    assert_non_null(seen->refusal);
    assert_int_equal(seen->refusal->status, status);
    assert_says(seen->refusal, says);
}
