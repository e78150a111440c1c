#include "transport/internal.h"

#include "base/memory.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include <stdlib.h>
#include <string.h>

static void unref_blob(void *blob)
{
    cd_blob_unref(blob);
}

grpc_byte_buffer *bytes_of_blob(struct cd_blob *blob)
{
    if (blob->bytes == 0) {
        return grpc_raw_byte_buffer_create(NULL, 0);
    }
    grpc_slice slice =
        grpc_slice_new_with_user_data(blob->data, blob->bytes, unref_blob, cd_blob_ref(blob));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

struct cd_blob *bytes_to_blob(grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        return NULL;
    }
    struct cd_blob *blob = cd_blob_create(grpc_byte_buffer_length(reader.buffer_out));
    size_t at = 0;
    grpc_slice *slice;
    while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
        size_t bytes = GRPC_SLICE_LENGTH(*slice);
        CD_ASSERT(at + bytes <= blob->bytes);
        memcpy(blob->data + at, GRPC_SLICE_START_PTR(*slice), bytes);
        at += bytes;
    }
    CD_ASSERT(at == blob->bytes);
    grpc_byte_buffer_reader_destroy(&reader);
    return blob;
}

char *bytes_to_text(grpc_slice slice)
{
    return cd_strndup((const char *)GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
}

uint32_t bytes_node_of(const grpc_metadata_array *metadata)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, TRANSPORT_NODE_KEY) != 0) {
            continue;
        }
        char text[16] = {0};
        size_t bytes = GRPC_SLICE_LENGTH(metadata->metadata[i].value);
        if (bytes >= sizeof(text)) {
            return 0;
        }
        memcpy(text, GRPC_SLICE_START_PTR(metadata->metadata[i].value), bytes);
        if (strlen(text) != bytes || strspn(text, "0123456789") != bytes) {
            return 0;
        }
        unsigned long long node = strtoull(text, NULL, 10);
        return node <= UINT32_MAX ? (uint32_t)node : 0;
    }
    return 0;
}
