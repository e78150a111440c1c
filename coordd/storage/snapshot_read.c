#include "base/assert.h"
#include "base/memory.h"
#include "storage/snapshot_set.h"

#include <string.h>
#include <zstd.h>

/* --- content --- */

struct storage_snapshot_reader {
    struct storage_snapshots *snapshots; /* borrowed */
    uint64_t slot;
    char name[SNAPSHOT_NAME_BYTES];
    struct env_file *file; /* owned */
    uint64_t file_bytes;
    struct snapshot_check check;
    ZSTD_DCtx *zstd; /* owned, as the next two */
    uint8_t *unit;   /* SNAPSHOT_BODY_BYTES_MAX */
    uint8_t *raw;    /* SNAPSHOT_RAW_BYTES_MAX */
    bool failed;
};

CD_STATIC_ASSERT(SNAPSHOT_HEADER_BYTES <= SNAPSHOT_BODY_BYTES_MAX, "every unit fits");

static enum cd_status fail_to_read(const struct storage_snapshots *snapshots, const char *name,
                                   struct cd_error *error)
{
    return cd_error_set(error, CD_IO, "cannot read %s: %s", name,
                        snapshots->env.ops->last_error(snapshots->env.self));
}

static enum cd_status damaged(struct storage_snapshot_reader *reader, uint64_t offset,
                              const char *what, struct cd_error *error)
{
    reader->failed = true;
    return snapshot_damaged(reader->snapshots, reader->slot, offset, what, error);
}

/* Reads and checks the next unit, whose bytes are in reader->unit afterwards. */
static enum cd_status next_unit(struct storage_snapshot_reader *reader, struct cd_error *error)
{
    const struct env *env = &reader->snapshots->env;
    uint64_t offset = reader->check.offset;
    size_t wanted = reader->check.wanted;
    if (offset > reader->file_bytes || wanted > reader->file_bytes - offset) {
        return damaged(reader, reader->file_bytes, "the file ends before its trailer", error);
    }
    size_t count = 0;
    enum cd_status status =
        env->ops->read(env->self, reader->file, offset, reader->unit, wanted, &count);
    if (status != CD_OK || count < wanted) {
        reader->failed = true;
        return fail_to_read(reader->snapshots, reader->name, error);
    }
    const char *what = NULL;
    status = snapshot_check_take(&reader->check, reader->unit, &what);
    if (status == CD_CORRUPT) {
        return damaged(reader, offset, what, error);
    }
    if (offset == 0) {
        status = snapshot_check_owner(reader->snapshots, reader->name, status,
                                      &reader->check.header, error);
        if (status == CD_OK && reader->check.header.meta.slot != reader->slot) {
            status = damaged(reader, 0, "its header names another slot", error);
        }
    }
    return status;
}

static enum cd_status open_file(struct storage_snapshots *snapshots, uint64_t slot,
                                char name[SNAPSHOT_NAME_BYTES], struct env_file **ret_file,
                                uint64_t *ret_bytes, struct cd_error *error)
{
    snapshot_name(name, slot, false);
    const struct snapshot_entry *entry = snapshot_find(snapshots, slot);
    if (entry == NULL || entry->state == STORAGE_SNAPSHOT_DAMAGED) {
        return cd_error_set(error, CD_NOT_FOUND, "there is no undamaged %s", name);
    }
    const struct env *env = &snapshots->env;
    if (env->ops->open(env->self, name, ENV_OPEN_READ, ret_file) != CD_OK) {
        return fail_to_read(snapshots, name, error);
    }
    if (env->ops->size(env->self, *ret_file, ret_bytes) != CD_OK) {
        env->ops->close(env->self, *ret_file);
        return fail_to_read(snapshots, name, error);
    }
    snapshots->readers++;
    return CD_OK;
}

enum cd_status storage_snapshot_reader_open(struct storage_snapshots *snapshots, uint64_t slot,
                                            struct storage_snapshot_reader **ret_reader,
                                            struct cd_error *error)
{
    struct storage_snapshot_reader *reader = cd_calloc(1, sizeof(*reader));
    reader->snapshots = snapshots;
    reader->slot = slot;
    snapshot_check_init(&reader->check);
    enum cd_status status =
        open_file(snapshots, slot, reader->name, &reader->file, &reader->file_bytes, error);
    if (status != CD_OK) {
        cd_free(reader);
        return status;
    }
    reader->zstd = ZSTD_createDCtx();
    CD_ASSERT(reader->zstd != NULL); /* out of memory, as in cd_malloc */
    reader->unit = cd_malloc(SNAPSHOT_BODY_BYTES_MAX);
    reader->raw = cd_malloc(SNAPSHOT_RAW_BYTES_MAX);
    status = next_unit(reader, error);
    if (status != CD_OK) {
        storage_snapshot_reader_free(reader);
        return status;
    }
    *ret_reader = reader;
    return CD_OK;
}

/* The trailer was right: nothing may be behind it. */
static enum cd_status end(struct storage_snapshot_reader *reader, struct cd_error *error)
{
    if (reader->check.offset != reader->file_bytes) {
        return damaged(reader, reader->check.offset, "there is something behind its trailer",
                       error);
    }
    struct snapshot_entry *entry = snapshot_find(reader->snapshots, reader->slot);
    if (entry != NULL && entry->state == STORAGE_SNAPSHOT_UNVERIFIED) {
        entry->state = STORAGE_SNAPSHOT_VERIFIED;
    }
    return CD_OK;
}

enum cd_status storage_snapshot_read(struct storage_snapshot_reader *reader,
                                     const uint8_t **ret_data, size_t *ret_bytes,
                                     struct cd_error *error)
{
    CD_ASSERT(!reader->failed);
    struct snapshot_check *check = &reader->check;
    enum cd_status status = check->unit == SNAPSHOT_MARK ? next_unit(reader, error) : CD_OK;
    if (status == CD_OK && check->unit == SNAPSHOT_END) {
        status = end(reader, error);
        if (status == CD_OK) {
            *ret_data = reader->raw;
            *ret_bytes = 0;
        }
        return status;
    }
    uint64_t offset = check->offset;
    size_t body_bytes = check->wanted;
    if (status == CD_OK) {
        status = next_unit(reader, error);
    }
    if (status != CD_OK) {
        return status;
    }
    size_t raw_bytes = ZSTD_decompressDCtx(reader->zstd, reader->raw, SNAPSHOT_RAW_BYTES_MAX,
                                           reader->unit, body_bytes);
    if (ZSTD_isError(raw_bytes) || raw_bytes != check->frame_raw_bytes) {
        return damaged(reader, offset, "the body of a frame does not decompress", error);
    }
    *ret_data = reader->raw;
    *ret_bytes = raw_bytes;
    return CD_OK;
}

void storage_snapshot_reader_free(struct storage_snapshot_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    const struct env *env = &reader->snapshots->env;
    env->ops->close(env->self, reader->file);
    CD_ASSERT(reader->snapshots->readers > 0);
    reader->snapshots->readers--;
    ZSTD_freeDCtx(reader->zstd);
    cd_free(reader->unit);
    cd_free(reader->raw);
    cd_free(reader);
}

enum cd_status storage_snapshot_verify(struct storage_snapshots *snapshots, uint64_t slot,
                                       struct cd_error *error)
{
    struct storage_snapshot_reader *reader = NULL;
    enum cd_status status = storage_snapshot_reader_open(snapshots, slot, &reader, error);
    size_t bytes = 1;
    while (status == CD_OK && bytes != 0) {
        const uint8_t *data;
        status = storage_snapshot_read(reader, &data, &bytes, error);
    }
    storage_snapshot_reader_free(reader);
    return status;
}

/* --- the file as it is --- */

struct storage_snapshot_source {
    struct storage_snapshots *snapshots; /* borrowed */
    struct storage_snapshot_meta meta;
    struct env_file *file; /* owned */
    uint64_t file_bytes;
};

enum cd_status storage_snapshot_source_open(struct storage_snapshots *snapshots, uint64_t slot,
                                            struct storage_snapshot_source **ret_source,
                                            struct cd_error *error)
{
    struct storage_snapshot_source *source = cd_calloc(1, sizeof(*source));
    char name[SNAPSHOT_NAME_BYTES];
    enum cd_status status =
        open_file(snapshots, slot, name, &source->file, &source->file_bytes, error);
    if (status != CD_OK) {
        cd_free(source);
        return status;
    }
    source->snapshots = snapshots;
    source->meta = snapshot_find(snapshots, slot)->meta;
    *ret_source = source;
    return CD_OK;
}

const struct storage_snapshot_meta *
storage_snapshot_source_meta(const struct storage_snapshot_source *source)
{
    return &source->meta;
}

uint64_t storage_snapshot_source_bytes(const struct storage_snapshot_source *source)
{
    return source->file_bytes;
}

enum cd_status storage_snapshot_source_read(struct storage_snapshot_source *source, uint64_t offset,
                                            void *to, size_t bytes, size_t *ret_bytes)
{
    CD_ASSERT(bytes <= STORAGE_SNAPSHOT_CHUNK_BYTES_MAX);
    const struct env *env = &source->snapshots->env;
    uint64_t left = offset < source->file_bytes ? source->file_bytes - offset : 0;
    size_t wanted = bytes < left ? bytes : (size_t)left;
    size_t count = 0;
    enum cd_status status = env->ops->read(env->self, source->file, offset, to, wanted, &count);
    if (status != CD_OK || count < wanted) {
        return CD_IO;
    }
    *ret_bytes = count;
    return CD_OK;
}

void storage_snapshot_source_free(struct storage_snapshot_source *source)
{
    if (source == NULL) {
        return;
    }
    const struct env *env = &source->snapshots->env;
    env->ops->close(env->self, source->file);
    CD_ASSERT(source->snapshots->readers > 0);
    source->snapshots->readers--;
    cd_free(source);
}
