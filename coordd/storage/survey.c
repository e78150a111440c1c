#include "storage/recovery.h"

#include "base/assert.h"
#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

void recovery_init(struct recovery *recovery, const struct env *env,
                   const struct storage_options *options)
{
    *recovery = (struct recovery){.env = env, .options = options};
    segment_reader_init(&recovery->reader, env);
}

void recovery_release(struct recovery *recovery)
{
    segment_reader_release(&recovery->reader);
    cd_free(recovery->segments);
    cd_free(recovery->leftovers);
    recovery->segments = NULL;
    recovery->leftovers = NULL;
}

enum cd_status recovery_fail(struct recovery *recovery, enum cd_status status, const char *what,
                             uint64_t sequence)
{
    const struct env *env = recovery->env;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, false);
    return cd_error_set(recovery->error, status, "cannot %s %s of the log: %s (%s)", what, name,
                        cd_status_text(status), env->ops->last_error(env->self));
}

/* --- which files there are --- */

static void note_file(void *context, const char *name)
{
    struct recovery *recovery = context;
    uint64_t sequence;
    bool temporary;
    if (!segment_parse_name(name, &sequence, &temporary)) {
        return; /* not the log's */
    }
    if (sequence == 0 || sequence > SEGMENT_SEQUENCE_MAX ||
        recovery->count + recovery->leftover_count == STORAGE_SEGMENTS_MAX) {
        recovery->too_many = true;
        return;
    }
    if (temporary) {
        size_t count = ++recovery->leftover_count;
        recovery->leftovers = cd_realloc(recovery->leftovers, count * sizeof(*recovery->leftovers));
        recovery->leftovers[count - 1] = sequence;
        return;
    }
    if (recovery->count == recovery->capacity) {
        recovery->capacity = recovery->capacity != 0 ? recovery->capacity * 2 : 16;
        recovery->segments =
            cd_realloc(recovery->segments, recovery->capacity * sizeof(*recovery->segments));
    }
    recovery->segments[recovery->count++] = (struct found_segment){
        .sequence = sequence,
        .first_position = UINT64_MAX,
        .limit = UINT64_MAX,
        .end = SEGMENT_HEADER_BYTES,
    };
}

/* --- whose they are --- */

static enum cd_status check_owner(struct recovery *recovery, const struct segment_header *header)
{
    const struct storage_options *options = recovery->options;
    if (strcmp(header->cluster_name, options->cluster_name) != 0) {
        return cd_error_set(
            recovery->error, CD_FOREIGN,
            "the data directory belongs to cluster \"%s\", not to \"%s\": give this "
            "replica another data directory, or correct its cluster name",
            header->cluster_name, options->cluster_name);
    }
    if (header->node != options->node) {
        return cd_error_set(recovery->error, CD_FOREIGN,
                            "the data directory belongs to replica %" PRIu32 ", not to %" PRIu32
                            ": give this replica another data directory, or correct its id",
                            header->node, options->node);
    }
    return CD_OK;
}

static enum cd_status damaged_header(struct recovery *recovery, uint64_t sequence, const char *what)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, false);
    return cd_error_set(recovery->error, CD_CORRUPT, "%s is damaged at byte 0: %s. " STORAGE_ADVICE,
                        name, what);
}

/* Checks the header block; *ret_usable is false for a file that was never completed. */
static enum cd_status read_header(struct recovery *recovery, struct found_segment *segment,
                                  bool *ret_usable)
{
    struct segment_reader *reader = &recovery->reader;
    const uint8_t *block;
    *ret_usable = false;
    if (segment->bytes < SEGMENT_HEADER_BYTES) {
        return CD_OK;
    }
    if (segment_reader_fetch(reader, 0, SEGMENT_HEADER_BYTES, &block) != CD_OK) {
        return recovery_fail(recovery, CD_IO, "read", segment->sequence);
    }
    struct segment_header header;
    enum cd_status status = segment_decode_header(block, &header);
    if (status == CD_NEWER_FORMAT) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, segment->sequence, false);
        return cd_error_set(recovery->error, status,
                            "%s was written in format %" PRIu32 ", this coordd knows formats up to "
                            "%d: start a newer coordd on this data directory",
                            name, header.format_version, STORAGE_FORMAT_VERSION);
    }
    if (status != CD_OK) {
        /* The header is durable before the first record is written, so with records it was there.
         */
        struct segment_item item;
        if (segment_reader_next(reader, SEGMENT_HEADER_BYTES, &item) != CD_OK) {
            return recovery_fail(recovery, CD_IO, "read", segment->sequence);
        }
        return item.kind == SEGMENT_END ? CD_OK
                                        : damaged_header(recovery, segment->sequence,
                                                         "its header does not match its checksum, "
                                                         "though records were written behind it");
    }
    if (header.sequence != segment->sequence) {
        return damaged_header(
            recovery, segment->sequence,
            "its header names another segment, so the file was renamed or copied");
    }
    segment->seed = segment_seed(header.sequence, header.nonce);
    *ret_usable = true;
    return check_owner(recovery, &header);
}

/* --- where they begin --- */

static enum cd_status find_first_position(struct recovery *recovery, struct found_segment *segment)
{
    struct segment_item item = {.next = SEGMENT_HEADER_BYTES};
    do {
        if (segment_reader_next(&recovery->reader, item.next, &item) != CD_OK) {
            return recovery_fail(recovery, CD_IO, "read", segment->sequence);
        }
        if (item.kind == SEGMENT_RECORD || item.header_intact) {
            segment->first_position = item.record.position;
            segment->clean = item.kind == SEGMENT_RECORD && item.offset == SEGMENT_HEADER_BYTES;
            return CD_OK;
        }
        segment->junk_bytes += item.nonzero_bytes;
    } while (item.kind != SEGMENT_END);
    return CD_OK;
}

static enum cd_status survey_segment(struct recovery *recovery, struct found_segment *segment)
{
    struct segment_reader *reader = &recovery->reader;
    enum cd_status status = segment_reader_open(reader, segment->sequence);
    if (status != CD_OK) {
        return recovery_fail(recovery, CD_IO, "open", segment->sequence);
    }
    segment->bytes = reader->bytes;
    if (segment->bytes > STORAGE_SEGMENT_BYTES_MAX) {
        return damaged_header(recovery, segment->sequence, "it is longer than any segment");
    }
    bool usable;
    status = read_header(recovery, segment, &usable);
    if (status != CD_OK || !usable) {
        return status;
    }
    reader->seed = segment->seed;
    return find_first_position(recovery, segment);
}

enum cd_status recovery_survey(struct recovery *recovery)
{
    const struct env *env = recovery->env;
    if (env->ops->list(env->self, note_file, recovery) != CD_OK) {
        return cd_error_set(recovery->error, CD_IO, "cannot list the data directory: %s",
                            env->ops->last_error(env->self));
    }
    if (recovery->too_many) {
        return cd_error_set(recovery->error, CD_CORRUPT,
                            "the data directory holds log files with numbers that coordd does not "
                            "write, or more than %d of them. " STORAGE_ADVICE,
                            STORAGE_SEGMENTS_MAX);
    }
    /* list gives names in order, and the numbers in them have one width. */
    for (size_t i = 0; i < recovery->count; i++) {
        CD_ASSERT(i == 0 || recovery->segments[i - 1].sequence < recovery->segments[i].sequence);
        enum cd_status status = survey_segment(recovery, &recovery->segments[i]);
        if (status != CD_OK) {
            return status;
        }
    }
    uint64_t limit = UINT64_MAX;
    for (size_t i = recovery->count; i > 0; i--) {
        struct found_segment *segment = &recovery->segments[i - 1];
        segment->limit = limit;
        limit = segment->first_position < limit ? segment->first_position : limit;
    }
    return CD_OK;
}
