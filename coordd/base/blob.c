#include "base/blob.h"

#include "base/assert.h"
#include "base/memory.h"

#include <string.h>

struct cd_blob *cd_blob_create(size_t bytes)
{
    CD_ASSERT(bytes <= UINT32_MAX);
    struct cd_blob *blob = cd_malloc(sizeof(*blob) + bytes);
    blob->refs = 1;
    blob->bytes = (uint32_t)bytes;
    return blob;
}

struct cd_blob *cd_blob_copy(const void *from, size_t bytes)
{
    struct cd_blob *blob = cd_blob_create(bytes);
    if (bytes != 0) {
        memcpy(blob->data, from, bytes);
    }
    return blob;
}

struct cd_blob *cd_blob_ref(struct cd_blob *blob)
{
    if (blob != NULL) {
        __atomic_add_fetch(&blob->refs, 1, __ATOMIC_RELAXED);
    }
    return blob;
}

void cd_blob_unref(struct cd_blob *blob)
{
    if (blob != NULL && __atomic_sub_fetch(&blob->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        cd_free(blob);
    }
}
