#include "storage/reader.h"

#include "base/assert.h"
#include "base/memory.h"

#include <string.h>

void segment_reader_init(struct segment_reader *reader, const struct env *env)
{
    *reader = (struct segment_reader){.env = env};
}

void segment_reader_release(struct segment_reader *reader)
{
    segment_reader_close(reader);
    cd_free(reader->window);
    reader->window = NULL;
    reader->window_capacity = 0;
}

void segment_reader_close(struct segment_reader *reader)
{
    if (reader->file != NULL) {
        reader->env->ops->close(reader->env->self, reader->file);
        reader->file = NULL;
    }
    reader->window_bytes = 0;
}

enum cd_status segment_reader_open(struct segment_reader *reader, uint64_t sequence)
{
    segment_reader_close(reader);
    const struct env *env = reader->env;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, false);
    enum cd_status status = env->ops->open(env->self, name, ENV_OPEN_READ, &reader->file);
    if (status != CD_OK) {
        return status;
    }
    status = env->ops->size(env->self, reader->file, &reader->bytes);
    if (status != CD_OK) {
        segment_reader_close(reader);
        return status;
    }
    reader->sequence = sequence;
    reader->seed = 0;
    return CD_OK;
}

enum cd_status segment_reader_fetch(struct segment_reader *reader, uint64_t offset, size_t bytes,
                                    const uint8_t **ret_data)
{
    CD_ASSERT(offset <= reader->bytes);
    CD_ASSERT(bytes <= reader->bytes - offset);
    bool inside = offset >= reader->window_offset &&
                  offset - reader->window_offset <= reader->window_bytes &&
                  bytes <= reader->window_bytes - (offset - reader->window_offset);
    if (!inside) {
        size_t wanted = bytes > READER_WINDOW_BYTES ? bytes : READER_WINDOW_BYTES;
        uint64_t left = reader->bytes - offset;
        wanted = wanted < left ? wanted : (size_t)left;
        if (wanted > reader->window_capacity) {
            reader->window = cd_realloc(reader->window, wanted);
            reader->window_capacity = wanted;
        }
        reader->window_bytes = 0;
        size_t count = 0;
        enum cd_status status = reader->env->ops->read(reader->env->self, reader->file, offset,
                                                       reader->window, wanted, &count);
        if (status != CD_OK) {
            return status;
        }
        if (count < wanted) {
            return CD_IO; /* somebody shortened the file under our hands */
        }
        reader->window_offset = offset;
        reader->window_bytes = wanted;
    }
    *ret_data = reader->window + (offset - reader->window_offset);
    return CD_OK;
}

static bool all_zero(const uint8_t *data, size_t bytes)
{
    return bytes == 0 || (data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0);
}

/* Sets *ret_last to the offset behind the last byte that is not zero among `bytes` at `offset`. */
static void note_nonzero(const uint8_t *data, size_t bytes, uint64_t offset, uint64_t *ret_last)
{
    if (all_zero(data, bytes)) {
        return; /* the usual case, and many megabytes of it */
    }
    size_t i = bytes;
    while (data[i - 1] == 0) {
        i--;
    }
    *ret_last = offset + i;
}

/* The index of the first intact header that starts in the first `usable` bytes; `usable` if none.
 */
static size_t seek_header(const struct segment_reader *reader, const uint8_t *data, size_t usable)
{
    struct segment_record record;
    for (size_t i = 0; i < usable; i += SEGMENT_ALIGN_BYTES) {
        if (segment_has_mark(data + i) && segment_check_record(data + i, reader->seed, &record)) {
            return i;
        }
    }
    return usable;
}

/*
 * From `from` on, the first aligned place that holds a header with the right hash; reader->bytes if
 * there is none. *ret_last grows to the end of the last bytes passed that are not zero.
 */
static enum cd_status find_header(struct segment_reader *reader, uint64_t from, uint64_t *ret_found,
                                  uint64_t *ret_last)
{
    uint64_t at = from;
    while (at < reader->bytes) {
        uint64_t left = reader->bytes - at;
        size_t portion = left < READER_WINDOW_BYTES ? (size_t)left : READER_WINDOW_BYTES;
        const uint8_t *data;
        enum cd_status status = segment_reader_fetch(reader, at, portion, &data);
        if (status != CD_OK) {
            return status;
        }
        /* Headers that a portion cuts off at its end are looked at again with the next one. */
        size_t usable = 0;
        if (portion >= SEGMENT_RECORD_HEADER_BYTES) {
            usable = portion - SEGMENT_RECORD_HEADER_BYTES + 1;
        }
        size_t found = all_zero(data, portion) ? usable : seek_header(reader, data, usable);
        if (found < usable) {
            note_nonzero(data, found, at, ret_last);
            *ret_found = at + found;
            return CD_OK;
        }
        if (portion == left) {
            note_nonzero(data, portion, at, ret_last);
            break;
        }
        size_t passed = (usable + SEGMENT_ALIGN_BYTES - 1) / SEGMENT_ALIGN_BYTES;
        passed *= SEGMENT_ALIGN_BYTES;
        note_nonzero(data, passed, at, ret_last);
        at += passed;
    }
    *ret_found = reader->bytes;
    return CD_OK;
}

/* No intact record at `offset`: where does it go on? */
static enum cd_status skip_damage(struct segment_reader *reader, uint64_t offset,
                                  struct segment_item *item)
{
    uint64_t last = offset;
    enum cd_status status = find_header(reader, offset, &item->next, &last);
    if (status == CD_OK && item->next == offset) { /* the intact header of a damaged body */
        last = offset + SEGMENT_RECORD_HEADER_BYTES;
        status = find_header(reader, offset + SEGMENT_ALIGN_BYTES, &item->next, &last);
    }
    if (status != CD_OK) {
        return status;
    }
    item->nonzero_bytes = last - offset;
    item->kind = last == offset && item->next == reader->bytes ? SEGMENT_END : SEGMENT_GAP;
    return CD_OK;
}

enum cd_status segment_reader_next(struct segment_reader *reader, uint64_t offset,
                                   struct segment_item *ret_item)
{
    CD_ASSERT(offset % SEGMENT_ALIGN_BYTES == 0);
    struct segment_item *item = ret_item;
    *item = (struct segment_item){.kind = SEGMENT_END, .offset = offset, .next = reader->bytes};
    if (offset > reader->bytes || reader->bytes - offset < SEGMENT_RECORD_HEADER_BYTES) {
        return CD_OK;
    }
    const uint8_t *data;
    enum cd_status status =
        segment_reader_fetch(reader, offset, SEGMENT_RECORD_HEADER_BYTES, &data);
    if (status != CD_OK) {
        return status;
    }
    item->zeros = all_zero(data, SEGMENT_RECORD_HEADER_BYTES);
    item->header_intact = segment_check_record(data, reader->seed, &item->record);
    if (!item->header_intact) {
        return skip_damage(reader, offset, item);
    }
    size_t bytes = segment_record_bytes(item->record.body_bytes);
    if (bytes <= reader->bytes - offset) {
        status = segment_reader_fetch(reader, offset, bytes, &data);
        if (status != CD_OK) {
            return status;
        }
        if (segment_check_body(&item->record, data + SEGMENT_RECORD_HEADER_BYTES)) {
            item->kind = SEGMENT_RECORD;
            item->next = offset + bytes;
            item->body = data + SEGMENT_RECORD_HEADER_BYTES;
            return CD_OK;
        }
    }
    return skip_damage(reader, offset, item);
}
