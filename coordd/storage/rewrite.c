#include "storage/recovery.h"

#include "base/assert.h"

#include <string.h>

enum {
    /* Copied records are written when so many bytes of them have come together. */
    PORTION_BYTES = 1 << 20,
};

struct rewrite {
    struct recovery *recovery;
    struct fresh_segment *fresh;
    struct cd_buf buf; /* of records for fresh->end on, not sealed */
};

static enum cd_status fail(const struct rewrite *rewrite, enum cd_status status, const char *what)
{
    return recovery_fail(rewrite->recovery, status, what, rewrite->fresh->sequence);
}

static enum cd_status write_portion(struct rewrite *rewrite)
{
    const struct env *env = rewrite->recovery->env;
    struct fresh_segment *fresh = rewrite->fresh;
    segment_seal(rewrite->buf.data, rewrite->buf.bytes, rewrite->recovery->durable_to, fresh->seed);
    enum cd_status status =
        env->ops->write(env->self, fresh->file, fresh->end, rewrite->buf.data, rewrite->buf.bytes);
    if (status != CD_OK) {
        return fail(rewrite, status, "write");
    }
    fresh->end += rewrite->buf.bytes;
    cd_buf_clear(&rewrite->buf);
    return CD_OK;
}

static enum cd_status sync_file(const struct rewrite *rewrite)
{
    const struct env *env = rewrite->recovery->env;
    enum cd_status status = env->ops->sync(env->self, rewrite->fresh->file);
    return status == CD_OK ? CD_OK : fail(rewrite, status, "sync");
}

static enum cd_status copy_record(struct rewrite *rewrite, const struct segment_item *item)
{
    struct recovery *recovery = rewrite->recovery;
    const struct segment_record *record = &item->record;
    struct storage_record view = segment_view(record, item->body);
    if (record->kind == STORAGE_ENTRY) {
        storage_index_put(recovery->index, record->slot, rewrite->fresh->sequence,
                          rewrite->fresh->end + rewrite->buf.bytes);
        struct fresh_segment *fresh = rewrite->fresh;
        fresh->last_slot = record->slot > fresh->last_slot ? record->slot : fresh->last_slot;
    }
    segment_append_record(&rewrite->buf, &view, record->position, 0);
    recovery->rewritten++;
    return rewrite->buf.bytes < PORTION_BYTES ? CD_OK : write_portion(rewrite);
}

/* Copies the records that recovery_replay took from `segment` and that lie above durable_to. */
static enum cd_status copy_segment(struct rewrite *rewrite, const struct found_segment *segment)
{
    struct recovery *recovery = rewrite->recovery;
    if (segment_reader_open(&recovery->reader, segment->sequence) != CD_OK) {
        return recovery_fail(recovery, CD_IO, "open", segment->sequence);
    }
    recovery->reader.seed = segment->seed;
    struct segment_item item = {.next = SEGMENT_HEADER_BYTES};
    while (item.next < segment->end) {
        if (segment_reader_next(&recovery->reader, item.next, &item) != CD_OK ||
            item.kind != SEGMENT_RECORD) { /* it was intact a moment ago */
            return recovery_fail(recovery, CD_IO, "read", segment->sequence);
        }
        bool wanted = (item.record.flags & SEGMENT_FLAG_HEAD) == 0 &&
                      item.record.position > recovery->durable_to;
        enum cd_status status = wanted ? copy_record(rewrite, &item) : CD_OK;
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}

static enum cd_status copy_records(struct rewrite *rewrite)
{
    struct recovery *recovery = rewrite->recovery;
    for (size_t i = 0; i < recovery->count; i++) {
        const struct found_segment *segment = &recovery->segments[i];
        if (segment->last_position > recovery->durable_to) {
            enum cd_status status = copy_segment(rewrite, segment);
            if (status != CD_OK) {
                return status;
            }
        }
    }
    segment_reader_close(&recovery->reader);
    CD_ASSERT(recovery->rewritten == recovery->last - recovery->durable_to);
    return rewrite->buf.bytes == 0 ? CD_OK : write_portion(rewrite);
}

/*
 * What was copied is durable; a mark says so, so that damage to it is known for what it is. It
 * takes no position: openings alone must not make a log look longer than its peers remember it
 * (R2).
 */
static enum cd_status write_mark(struct rewrite *rewrite)
{
    struct recovery *recovery = rewrite->recovery;
    if (recovery->last == 0) {
        return CD_OK;
    }
    recovery->durable_to = recovery->last;
    const struct storage_record mark = {.kind = STORAGE_SYNCED};
    segment_append_record(&rewrite->buf, &mark, recovery->last + 1, SEGMENT_FLAG_HEAD);
    enum cd_status status = write_portion(rewrite);
    return status == CD_OK ? sync_file(rewrite) : status;
}

static enum cd_status create_file(struct rewrite *rewrite, const char *name)
{
    struct recovery *recovery = rewrite->recovery;
    const struct env *env = recovery->env;
    struct fresh_segment *fresh = rewrite->fresh;
    enum cd_status status = env->ops->open(env->self, name, ENV_OPEN_CREATE, &fresh->file);
    if (status != CD_OK) {
        return fail(rewrite, status, "create");
    }
    status = env->ops->allocate(env->self, fresh->file, recovery->options->segment_bytes);
    if (status == CD_OK) {
        fresh->bytes = recovery->options->segment_bytes;
    } else if (status != CD_FULL) { /* on a full disk a segment that just holds the rest will do */
        return fail(rewrite, status, "reserve");
    }
    struct segment_header header = {
        .format_version = STORAGE_FORMAT_VERSION,
        .node = recovery->options->node,
        .sequence = fresh->sequence,
    };
    env->ops->entropy(env->self, &header.nonce, sizeof(header.nonce));
    fresh->seed = segment_seed(header.sequence, header.nonce);
    size_t name_bytes = strlen(recovery->options->cluster_name);
    memcpy(header.cluster_name, recovery->options->cluster_name, name_bytes + 1);
    uint8_t block[SEGMENT_HEADER_BYTES];
    segment_encode_header(block, &header);
    status = env->ops->write(env->self, fresh->file, 0, block, sizeof(block));
    fresh->end = SEGMENT_HEADER_BYTES;
    return status == CD_OK ? CD_OK : fail(rewrite, status, "write");
}

/* On a full disk the segment ends with what it must hold, and room to say what was dropped. */
static enum cd_status keep_drop_room(struct rewrite *rewrite)
{
    const struct env *env = rewrite->recovery->env;
    struct fresh_segment *fresh = rewrite->fresh;
    uint64_t bytes = fresh->end + STORAGE_DROP_ROOM_BYTES;
    if (fresh->bytes >= bytes) {
        return CD_OK;
    }
    enum cd_status status = env->ops->allocate(env->self, fresh->file, bytes);
    if (status == CD_OK) {
        status = env->ops->sync(env->self, fresh->file);
        fresh->bytes = bytes;
    } else if (status == CD_FULL) {
        fresh->bytes = fresh->end > fresh->bytes ? fresh->end : fresh->bytes;
        return CD_OK;
    }
    return status == CD_OK ? CD_OK : fail(rewrite, status, "reserve");
}

/* Everything of the fresh segment, durable under its temporary name; then it takes effect. */
static enum cd_status make_fresh(struct rewrite *rewrite, struct cd_buf *head)
{
    const struct env *env = rewrite->recovery->env;
    struct fresh_segment *fresh = rewrite->fresh;
    char temporary[SEGMENT_NAME_BYTES];
    char name[SEGMENT_NAME_BYTES];
    segment_name(temporary, fresh->sequence, true);
    segment_name(name, fresh->sequence, false);
    enum cd_status status = create_file(rewrite, temporary);
    if (status != CD_OK) {
        return status;
    }
    cd_buf_put(&rewrite->buf, head->data, head->bytes);
    status = copy_records(rewrite);
    if (status == CD_OK) {
        status = sync_file(rewrite);
    }
    if (status == CD_OK) {
        status = write_mark(rewrite);
    }
    if (status != CD_OK) {
        return status;
    }
    status = keep_drop_room(rewrite);
    if (status != CD_OK) {
        return status;
    }
    status = env->ops->rename(env->self, temporary, name);
    if (status == CD_OK) {
        status = env->ops->sync_directory(env->self);
    }
    return status == CD_OK ? CD_OK : fail(rewrite, CD_IO, "name");
}

static enum cd_status remove_file(struct recovery *recovery, uint64_t sequence, bool temporary)
{
    const struct env *env = recovery->env;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, temporary);
    enum cd_status status = env->ops->remove(env->self, name);
    return status == CD_OK ? CD_OK : recovery_fail(recovery, status, "remove", sequence);
}

/*
 * Files that hold no intact record go first, because on a full disk their room is needed: what an
 * earlier opening did not finish, and segments at the end that were reserved and never used.
 */
static enum cd_status remove_unused(struct recovery *recovery)
{
    enum cd_status status = CD_OK;
    bool removed = recovery->leftover_count != 0;
    for (size_t i = 0; status == CD_OK && i < recovery->leftover_count; i++) {
        status = remove_file(recovery, recovery->leftovers[i], true);
    }
    while (status == CD_OK && recovery->count > 0 &&
           recovery->segments[recovery->count - 1].first_position == UINT64_MAX) {
        status = remove_file(recovery, recovery->segments[recovery->count - 1].sequence, false);
        recovery->count--;
        removed = true;
    }
    if (status == CD_OK && removed) { /* the room is only free once the removal is durable */
        const struct env *env = recovery->env;
        status = env->ops->sync_directory(env->self);
        if (status != CD_OK) {
            return cd_error_set(recovery->error, status, "cannot sync the data directory: %s",
                                env->ops->last_error(env->self));
        }
    }
    return status;
}

/* Gives back what lies behind the last record taken of each segment: reserved room, a torn tail. */
static enum cd_status trim(struct recovery *recovery)
{
    const struct env *env = recovery->env;
    for (size_t i = 0; i < recovery->count; i++) {
        struct found_segment *segment = &recovery->segments[i];
        if (segment->bytes <= segment->end) {
            continue;
        }
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, segment->sequence, false);
        struct env_file *file;
        enum cd_status status = env->ops->open(env->self, name, ENV_OPEN_WRITE, &file);
        if (status == CD_OK) {
            status = env->ops->truncate(env->self, file, segment->end);
            env->ops->close(env->self, file);
        }
        if (status != CD_OK) {
            return recovery_fail(recovery, CD_IO, "cut", segment->sequence);
        }
    }
    return CD_OK;
}

enum cd_status recovery_rewrite(struct recovery *recovery, struct cd_buf *head,
                                struct fresh_segment *ret_fresh)
{
    enum cd_status status = remove_unused(recovery);
    if (status != CD_OK) {
        return status;
    }
    uint64_t newest = recovery->count != 0 ? recovery->segments[recovery->count - 1].sequence : 0;
    if (newest == SEGMENT_SEQUENCE_MAX) {
        return cd_error_set(recovery->error, CD_IO, "the log has used up all segment numbers");
    }
    *ret_fresh = (struct fresh_segment){
        .sequence = newest + 1,
        .first_position = recovery_first_position(recovery),
    };
    struct rewrite rewrite = {.recovery = recovery, .fresh = ret_fresh};
    cd_buf_init(&rewrite.buf,
                STORAGE_HEAD_BYTES_MAX + PORTION_BYTES + (size_t)SEGMENT_RECORD_BYTES_MAX);
    status = make_fresh(&rewrite, head);
    cd_buf_release(&rewrite.buf);
    if (status == CD_OK) {
        status = trim(recovery);
    }
    if (status != CD_OK && ret_fresh->file != NULL) {
        recovery->env->ops->close(recovery->env->self, ret_fresh->file);
        ret_fresh->file = NULL;
    }
    return status;
}
