#include "base/assert.h"
#include "base/memory.h"
#include "storage/snapshot_set.h"

#include <inttypes.h>
#include <string.h>
#include <zstd.h>

/*
 * One snapshot at a time is made, of content or of a peer's file. Bytes of the file come together
 * in `filling` while those before them are at the disk as `writing`; when nothing more comes and
 * all is written, the file is published. See the states in snapshot_set.h.
 */

enum {
    /* Measured on a million nodes of 100 bytes (README.md): in frames of this size levels 2 and 3
     * are half as fast and make more of it, not less. */
    SNAPSHOT_ZSTD_LEVEL = 1,
    /* Given to the disk at once. */
    WRITE_BYTES = 1 << 20,
    /* All that may wait, and the frame and the trailer that finish adds. */
    BUFFER_BYTES_MAX =
        STORAGE_SNAPSHOT_PENDING_BYTES_MAX + SNAPSHOT_FRAME_BYTES_MAX + SNAPSHOT_MARK_BYTES,
};

CD_STATIC_ASSERT(ZSTD_COMPRESSBOUND(SNAPSHOT_RAW_BYTES_MAX) <= SNAPSHOT_BODY_BYTES_MAX,
                 "a frame has room for what zstd makes of its content");
CD_STATIC_ASSERT(STORAGE_SNAPSHOT_CHUNK_BYTES_MAX <= STORAGE_SNAPSHOT_PENDING_BYTES_MAX,
                 "a chunk can be taken");

static void pump(struct storage_snapshots *snapshots);

void snapshot_making_release(struct storage_snapshots *snapshots)
{
    struct snapshot_making *making = &snapshots->making;
    if (making->file != NULL) {
        snapshots->env.ops->close(snapshots->env.self, making->file);
    }
    ZSTD_freeCCtx(making->zstd);
    cd_free(making->raw);
    cd_buf_release(&making->filling);
    cd_buf_release(&making->writing);
    cd_buf_release(&making->unit);
    *making = (struct snapshot_making){0};
}

/* --- the end --- */

static void on_discarded(void *context, enum cd_status status)
{
    struct storage_snapshots *snapshots = context;
    struct snapshot_making *making = &snapshots->making;
    const struct env *env = &snapshots->env;
    if (status != CD_OK && status != CD_NOT_FOUND) {
        snapshots->removals_failed++; /* the next opening removes it */
    }
    if (making->named) { /* or it has its name by now; one that was damaged goes with it */
        making->named = false;
        env->ops->discard(env->self, making->name, on_discarded, snapshots);
        return;
    }
    storage_snapshot_done done = making->done;
    void *done_context = making->context;
    enum cd_status ended = making->ended;
    uint64_t slot = making->meta.slot;
    snapshot_making_release(snapshots);
    if (ended != CD_OK) {
        done(done_context, ended, slot);
    }
}

/* Removes the file as soon as nothing is at the env. */
static void clean_up(struct storage_snapshots *snapshots)
{
    struct snapshot_making *making = &snapshots->making;
    if (making->busy) {
        return;
    }
    making->busy = true;
    if (making->file != NULL) {
        snapshots->env.ops->close(snapshots->env.self, making->file);
        making->file = NULL;
    }
    snapshots->env.ops->discard(snapshots->env.self, making->temporary, on_discarded, snapshots);
}

/* `status`: what `done` is told when the file is gone; CD_OK for nothing. */
static void end(struct storage_snapshots *snapshots, enum cd_status status)
{
    struct snapshot_making *making = &snapshots->making;
    CD_ASSERT(making->state != MAKING_NONE && making->state != MAKING_ENDING);
    making->state = MAKING_ENDING;
    making->ended = status;
    clean_up(snapshots);
}

void storage_snapshot_abort(struct storage_snapshots *snapshots)
{
    struct snapshot_making *making = &snapshots->making;
    if (making->state == MAKING_ENDING) {
        making->ended = CD_OK;
    } else if (making->state != MAKING_NONE) {
        end(snapshots, CD_OK);
    }
}

/* --- the disk --- */

/* True if the operation that came back leaves something to go on with. */
static bool came_back(struct storage_snapshots *snapshots, enum cd_status status)
{
    struct snapshot_making *making = &snapshots->making;
    making->busy = false;
    if (making->state == MAKING_ENDING) { /* it was aborted meanwhile */
        clean_up(snapshots);
        return false;
    }
    if (status != CD_OK) {
        end(snapshots, status == CD_FULL ? CD_FULL : CD_IO);
        return false;
    }
    return true;
}

static void on_opened(void *context, enum cd_status status)
{
    struct storage_snapshots *snapshots = context;
    if (came_back(snapshots, status)) {
        snapshots->making.state = MAKING_OPEN;
        pump(snapshots);
    }
}

static void on_written(void *context, enum cd_status status)
{
    struct storage_snapshots *snapshots = context;
    cd_buf_clear(&snapshots->making.writing);
    if (came_back(snapshots, status)) {
        pump(snapshots);
    }
}

static void on_published(void *context, enum cd_status status)
{
    struct storage_snapshots *snapshots = context;
    struct snapshot_making *making = &snapshots->making;
    making->named = status != CD_FULL;
    if (!came_back(snapshots, status)) {
        return;
    }
    storage_snapshot_done done = making->done;
    void *done_context = making->context;
    struct storage_snapshot_meta meta = making->meta;
    uint64_t file_bytes = making->check.offset;
    snapshot_making_release(snapshots);
    snapshot_keep(snapshots, &meta, file_bytes);
    done(done_context, CD_OK, meta.slot);
}

/* Gives the disk what there is for it. */
static void pump(struct storage_snapshots *snapshots)
{
    struct snapshot_making *making = &snapshots->making;
    const struct env *env = &snapshots->env;
    if (making->state != MAKING_OPEN || making->busy) {
        return;
    }
    if (making->filling.bytes >= WRITE_BYTES || (making->finished && making->filling.bytes != 0)) {
        struct cd_buf emptied = making->writing;
        making->writing = making->filling;
        making->filling = emptied;
        making->busy = true;
        uint64_t offset = making->offset;
        making->offset += making->writing.bytes;
        env->ops->write_behind(env->self, making->file, offset, making->writing.data,
                               making->writing.bytes, on_written, snapshots);
    } else if (making->finished) {
        making->state = MAKING_PUBLISHING;
        making->busy = true;
        env->ops->publish(env->self, making->file, making->temporary, making->name, on_published,
                          snapshots);
    }
}

static bool fits(const struct snapshot_making *making, size_t bytes)
{
    return making->filling.bytes + making->writing.bytes + bytes <=
           STORAGE_SNAPSHOT_PENDING_BYTES_MAX;
}

/* --- beginning --- */

static enum cd_status check_begin(const struct storage_snapshots *snapshots,
                                  const struct storage_snapshot_meta *meta)
{
    CD_ASSERT(meta->slot >= 1);
    if (snapshots->making.state != MAKING_NONE || snapshots->removing[0] != '\0') {
        return CD_BUSY;
    }
    for (size_t i = 0; i < snapshots->count; i++) {
        const struct snapshot_entry *entry = &snapshots->entries[i];
        if (entry->state != STORAGE_SNAPSHOT_DAMAGED && entry->meta.slot >= meta->slot) {
            return CD_INVALID_ARGUMENT;
        }
    }
    return CD_OK;
}

static void begin(struct storage_snapshots *snapshots, const struct storage_snapshot_meta *meta,
                  storage_snapshot_done done, void *context)
{
    struct snapshot_making *making = &snapshots->making;
    const struct env *env = &snapshots->env;
    *making = (struct snapshot_making){
        .state = MAKING_OPENING,
        .busy = true,
        .meta = *meta,
        .done = done,
        .context = context,
        .offset = SNAPSHOT_HEADER_BYTES,
    };
    struct snapshot_header header = {
        .format_version = STORAGE_SNAPSHOT_FORMAT_VERSION,
        .meta = *meta,
    };
    memcpy(header.cluster_name, snapshots->cluster_name, sizeof(header.cluster_name));
    snapshot_check_init(&making->check);
    snapshot_put_header(&making->check, &header, making->header);
    snapshot_name(making->temporary, meta->slot, true);
    snapshot_name(making->name, meta->slot, false);
    cd_buf_init(&making->filling, BUFFER_BYTES_MAX);
    cd_buf_init(&making->writing, BUFFER_BYTES_MAX);
    cd_buf_init(&making->unit, SNAPSHOT_BODY_BYTES_MAX);
    env->ops->create_reserved(env->self, making->temporary, sizeof(making->header), making->header,
                              sizeof(making->header), &making->file, on_opened, snapshots);
}

enum cd_status storage_snapshot_begin(struct storage_snapshots *snapshots,
                                      const struct storage_snapshot_meta *meta,
                                      storage_snapshot_done done, void *context)
{
    enum cd_status status = check_begin(snapshots, meta);
    if (status != CD_OK) {
        return status;
    }
    begin(snapshots, meta, done, context);
    struct snapshot_making *making = &snapshots->making;
    making->zstd = ZSTD_createCCtx();
    CD_ASSERT(making->zstd != NULL); /* out of memory, as in cd_malloc */
    making->raw = cd_malloc(SNAPSHOT_RAW_BYTES_MAX);
    return CD_OK;
}

enum cd_status storage_snapshot_receive(struct storage_snapshots *snapshots,
                                        const struct storage_snapshot_meta *meta,
                                        uint64_t file_bytes, storage_snapshot_done done,
                                        void *context)
{
    enum cd_status status = check_begin(snapshots, meta);
    if (status != CD_OK) {
        return status;
    }
    if (file_bytes < SNAPSHOT_FILE_BYTES_MIN) {
        return CD_CORRUPT;
    }
    if (file_bytes > snapshots->file_bytes_max) {
        return CD_TOO_LARGE;
    }
    begin(snapshots, meta, done, context);
    struct snapshot_making *making = &snapshots->making;
    making->received = true;
    making->file_bytes = file_bytes;
    making->offset = 0; /* its header comes with the rest, and is the same */
    snapshot_check_init(&making->check);
    return CD_OK;
}

/* --- content --- */

/* True if more may come. */
static bool is_open(const struct snapshot_making *making, bool received)
{
    if (making->state == MAKING_NONE || making->state == MAKING_ENDING) {
        return false;
    }
    CD_ASSERT(making->received == received);
    CD_ASSERT(!making->finished);
    return true;
}

/* What came together becomes a frame in `filling`. */
static void put_frame(struct snapshot_making *making)
{
    struct cd_buf *filling = &making->filling;
    size_t start = filling->bytes;
    uint8_t *to = cd_buf_extend(filling, SNAPSHOT_FRAME_BYTES_MAX);
    CD_ASSERT(to != NULL);
    uint8_t *body = to + SNAPSHOT_MARK_BYTES;
    size_t bytes = ZSTD_compressCCtx(making->zstd, body, SNAPSHOT_BODY_BYTES_MAX, making->raw,
                                     making->raw_bytes, SNAPSHOT_ZSTD_LEVEL);
    CD_ASSERT(!ZSTD_isError(bytes)); /* there is room, and the context is sound */
    snapshot_put_frame(&making->check, body, bytes, making->raw_bytes, to);
    filling->bytes = start + SNAPSHOT_MARK_BYTES + bytes;
    making->raw_bytes = 0;
}

enum cd_status storage_snapshot_put(struct storage_snapshots *snapshots, const void *from,
                                    size_t bytes)
{
    struct snapshot_making *making = &snapshots->making;
    CD_ASSERT(bytes >= 1 && bytes <= STORAGE_SNAPSHOT_PUT_BYTES_MAX);
    if (!is_open(making, false)) {
        return CD_CLOSED;
    }
    if (!fits(making, SNAPSHOT_FRAME_BYTES_MAX)) {
        return CD_BUSY;
    }
    size_t room = SNAPSHOT_RAW_BYTES_MAX - making->raw_bytes;
    size_t first = bytes < room ? bytes : room;
    memcpy(making->raw + making->raw_bytes, from, first);
    making->raw_bytes += first;
    if (making->raw_bytes == SNAPSHOT_RAW_BYTES_MAX) {
        put_frame(making);
    }
    if (bytes > first) {
        memcpy(making->raw, (const uint8_t *)from + first, bytes - first);
        making->raw_bytes = bytes - first;
    }
    pump(snapshots);
    return CD_OK;
}

static void put_rest(struct snapshot_making *making)
{
    if (making->raw_bytes != 0) {
        put_frame(making);
    }
    uint8_t *trailer = cd_buf_extend(&making->filling, SNAPSHOT_MARK_BYTES);
    CD_ASSERT(trailer != NULL);
    snapshot_put_trailer(&making->check, trailer);
}

enum cd_status storage_snapshot_finish(struct storage_snapshots *snapshots)
{
    struct snapshot_making *making = &snapshots->making;
    if (!is_open(making, making->received)) {
        return CD_CLOSED;
    }
    if (!making->received) {
        put_rest(making);
    } else if (making->check.unit != SNAPSHOT_END || making->next != making->file_bytes) {
        end(snapshots, CD_OK);
        return CD_CORRUPT;
    }
    making->finished = true;
    pump(snapshots);
    return CD_OK;
}

/* --- a peer's file --- */

/* The unit that has come together is right; `error` says otherwise. */
static enum cd_status take_unit(struct storage_snapshots *snapshots, struct cd_error *error)
{
    struct snapshot_making *making = &snapshots->making;
    uint64_t offset = making->check.offset;
    const char *what = NULL;
    enum cd_status status = snapshot_check_take(&making->check, making->unit.data, &what);
    if (status == CD_CORRUPT) {
        return cd_error_set(error, status,
                            "the peer's %s is damaged at byte %" PRIu64
                            ": %s. It is fetched again; check that peer's disk if this comes again",
                            making->name, offset, what);
    }
    if (offset == 0) {
        status =
            snapshot_check_owner(snapshots, making->name, status, &making->check.header, error);
        if (status == CD_OK &&
            memcmp(making->unit.data, making->header, sizeof(making->header)) != 0) {
            status =
                cd_error_set(error, CD_CORRUPT,
                             "the header of the peer's %s is not what it announced", making->name);
        }
    }
    cd_buf_clear(&making->unit);
    return status;
}

static enum cd_status check_bytes(struct storage_snapshots *snapshots, const uint8_t *from,
                                  size_t bytes, struct cd_error *error)
{
    struct snapshot_making *making = &snapshots->making;
    enum cd_status status = CD_OK;
    size_t at = 0;
    while (status == CD_OK && at < bytes) {
        if (making->check.unit == SNAPSHOT_END) {
            return cd_error_set(error, CD_CORRUPT,
                                "there is something behind the trailer of the peer's %s",
                                making->name);
        }
        size_t missing = making->check.wanted - making->unit.bytes;
        size_t part = bytes - at < missing ? bytes - at : missing;
        cd_buf_put(&making->unit, from + at, part);
        CD_ASSERT(!making->unit.overflowed);
        at += part;
        if (making->unit.bytes == making->check.wanted) {
            status = take_unit(snapshots, error);
        }
    }
    return status;
}

enum cd_status storage_snapshot_receive_put(struct storage_snapshots *snapshots, uint64_t offset,
                                            const void *from, size_t bytes, uint64_t *ret_next,
                                            struct cd_error *error)
{
    struct snapshot_making *making = &snapshots->making;
    CD_ASSERT(bytes >= 1 && bytes <= STORAGE_SNAPSHOT_CHUNK_BYTES_MAX);
    if (!is_open(making, true)) {
        return cd_error_set(error, CD_CLOSED, "the snapshot has ended");
    }
    *ret_next = making->next;
    if (offset > making->next || making->next - offset >= bytes) {
        return CD_OK; /* it would leave a hole, or came before */
    }
    size_t known = (size_t)(making->next - offset);
    bytes -= known;
    if (!fits(making, bytes)) {
        return cd_error_set(error, CD_BUSY, "the disk is behind");
    }
    const uint8_t *rest = (const uint8_t *)from + known;
    enum cd_status status;
    if (bytes > making->file_bytes - making->next) {
        status = cd_error_set(error, CD_CORRUPT,
                              "the peer's %s is longer than the %" PRIu64 " bytes announced",
                              making->name, making->file_bytes);
    } else {
        status = check_bytes(snapshots, rest, bytes, error);
    }
    if (status != CD_OK) {
        end(snapshots, CD_OK);
        return status;
    }
    cd_buf_put(&making->filling, rest, bytes);
    CD_ASSERT(!making->filling.overflowed);
    making->next += bytes;
    *ret_next = making->next;
    pump(snapshots);
    return CD_OK;
}
