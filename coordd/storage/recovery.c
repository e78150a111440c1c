#include "storage/recovery.h"

#include "base/assert.h"

#include <inttypes.h>

uint64_t recovery_first_position(const struct recovery *recovery)
{
    return recovery->durable_to + 1;
}

static void note_damage(struct recovery *recovery, const struct found_segment *segment,
                        uint64_t offset, const char *what)
{
    recovery->damage = (struct damage){
        .found = true,
        .sequence = segment->sequence,
        .offset = offset,
        .position = recovery->last + 1,
        .what = what,
    };
}

static enum cd_status show(struct recovery *recovery, uint64_t position,
                           const struct segment_item *item)
{
    struct storage_record view = segment_view(&item->record, item->body);
    recovery->shown++;
    return recovery->visit(recovery->visit_context, position, &view, recovery->error);
}

static enum cd_status take_numbered(struct recovery *recovery, struct found_segment *segment,
                                    const struct segment_item *item)
{
    const struct segment_record *record = &item->record;
    uint64_t expected = recovery->last + 1;
    if (record->position < expected) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, segment->sequence, false);
        return cd_error_set(recovery->error, CD_CORRUPT,
                            "%s holds record %" PRIu64 " at byte %" PRIu64 " where record %" PRIu64
                            " belongs. " STORAGE_ADVICE,
                            name, record->position, item->offset, expected);
    }
    if (record->position > expected) {
        note_damage(recovery, segment, item->offset, "the records before this place are missing");
        recovery->cut_bytes += item->next - item->offset;
        return CD_OK;
    }
    recovery->last = record->position;
    segment->last_position = record->position;
    segment->end = item->next;
    if (record->kind == STORAGE_ENTRY) {
        if (!storage_index_fits(recovery->index, record->slot)) {
            return cd_error_set(recovery->error, CD_CORRUPT,
                                "record %" PRIu64 " of the log is of slot %" PRIu64
                                ", too far from the others. " STORAGE_ADVICE,
                                record->position, record->slot);
        }
        storage_index_put(recovery->index, record->slot, segment->sequence, item->offset);
        segment->last_slot = record->slot > segment->last_slot ? record->slot : segment->last_slot;
    }
    return segment_is_own(record->kind) ? CD_OK : show(recovery, record->position, item);
}

/* It counts wherever it lies, as a durable_to does. */
static enum cd_status note_dropped(struct recovery *recovery, const struct found_segment *segment,
                                   const struct segment_item *item)
{
    if (item->record.body_bytes != SEGMENT_DROPPED_BYTES) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, segment->sequence, false);
        return cd_error_set(recovery->error, CD_CORRUPT,
                            "%s holds a record at byte %" PRIu64
                            " that makes no sense. " STORAGE_ADVICE,
                            name, item->offset);
    }
    struct segment_dropped dropped = segment_decode_dropped(item->body);
    if (dropped.begin > recovery->dropped.begin) {
        recovery->dropped = dropped;
    }
    return CD_OK;
}

static enum cd_status take_record(struct recovery *recovery, struct found_segment *segment,
                                  const struct segment_item *item)
{
    const struct segment_record *record = &item->record;
    if (!segment_knows_record(record)) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, segment->sequence, false);
        return cd_error_set(
            recovery->error, CD_NEWER_FORMAT,
            "%s holds at byte %" PRIu64 " a record of kind %d, version %d, that "
            "this coordd does not know: start a newer coordd on this data directory",
            name, item->offset, (int)record->kind, (int)record->version);
    }
    if (record->durable_to > recovery->durable_to) {
        recovery->durable_to = record->durable_to;
    }
    if (record->kind == STORAGE_DROPPED) {
        enum cd_status status = note_dropped(recovery, segment, item);
        if (status != CD_OK) {
            return status;
        }
    }
    if (recovery->damage.found) {
        recovery->cut_bytes += item->next - item->offset;
        return CD_OK;
    }
    if ((record->flags & SEGMENT_FLAG_HEAD) != 0) {
        if (record->position > segment->limit) {
            return CD_OK;
        }
        segment->end = item->next;
        return segment_is_own(record->kind) ? CD_OK : show(recovery, 0, item);
    }
    return record->position < segment->limit ? take_numbered(recovery, segment, item) : CD_OK;
}

static void pass_gap(struct recovery *recovery, const struct found_segment *segment,
                     const struct segment_item *item)
{
    if (item->header_intact && item->record.durable_to > recovery->durable_to) {
        recovery->durable_to = item->record.durable_to;
    }
    if (recovery->last + 1 >= segment->limit) {
        return; /* superseded: all that counts of this segment was read before */
    }
    if (!recovery->damage.found) {
        const char *what = "it does not match its checksum";
        if (item->header_intact) {
            what = "its body does not match its checksum";
        } else if (item->zeros) {
            what = "there are zeros in its place";
        }
        note_damage(recovery, segment, item->offset, what);
    }
    bool last = item->next == recovery->reader.bytes;
    recovery->cut_bytes += last ? item->nonzero_bytes : item->next - item->offset;
}

static enum cd_status replay_segment(struct recovery *recovery, struct found_segment *segment)
{
    enum cd_status status = segment_reader_open(&recovery->reader, segment->sequence);
    if (status != CD_OK) {
        return recovery_fail(recovery, CD_IO, "open", segment->sequence);
    }
    recovery->reader.seed = segment->seed;
    struct segment_item item = {.next = SEGMENT_HEADER_BYTES};
    for (;;) {
        if (segment_reader_next(&recovery->reader, item.next, &item) != CD_OK) {
            return recovery_fail(recovery, CD_IO, "read", segment->sequence);
        }
        if (item.kind == SEGMENT_END) {
            return CD_OK;
        }
        if (item.kind == SEGMENT_GAP) {
            pass_gap(recovery, segment, &item);
            continue;
        }
        status = take_record(recovery, segment, &item);
        if (status != CD_OK) {
            return status;
        }
    }
}

/* R4: at or below what was durable nothing may be missing; above it the tail is torn. */
static enum cd_status judge(struct recovery *recovery)
{
    const struct damage *damage = &recovery->damage;
    if (!damage->found && recovery->last < recovery->durable_to) {
        const struct found_segment *end = &recovery->segments[recovery->count - 1];
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, end->sequence, false);
        return cd_error_set(recovery->error, CD_CORRUPT,
                            "the log ends at byte %" PRIu64 " of %s with record %" PRIu64
                            ", but records up to %" PRIu64 " had reached the disk. " STORAGE_ADVICE,
                            end->end, name, recovery->last, recovery->durable_to);
    }
    if (!damage->found || damage->position > recovery->durable_to) {
        return CD_OK;
    }
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, damage->sequence, false);
    return cd_error_set(recovery->error, CD_CORRUPT,
                        "%s is damaged at byte %" PRIu64 " (record %" PRIu64
                        "): %s. Records up to %" PRIu64
                        " had reached the disk, so this is no torn end. " STORAGE_ADVICE,
                        name, damage->offset, damage->position, damage->what, recovery->durable_to);
}

/* Reads what `segment` says of drops, until that reaches up to where the log begins. */
static enum cd_status find_dropped(struct recovery *recovery, const struct found_segment *segment)
{
    if (segment_reader_open(&recovery->reader, segment->sequence) != CD_OK) {
        return recovery_fail(recovery, CD_IO, "open", segment->sequence);
    }
    recovery->reader.seed = segment->seed;
    struct segment_item item = {.next = SEGMENT_HEADER_BYTES};
    enum cd_status status = CD_OK;
    while (status == CD_OK && item.kind != SEGMENT_END &&
           recovery->dropped.begin < recovery->first) {
        if (segment_reader_next(&recovery->reader, item.next, &item) != CD_OK) {
            return recovery_fail(recovery, CD_IO, "read", segment->sequence);
        }
        if (item.kind == SEGMENT_RECORD && item.record.kind == STORAGE_DROPPED) {
            status = note_dropped(recovery, segment, &item);
        }
    }
    return status;
}

/*
 * The log begins where its first segment does, if a record says that it may: nearly always one in
 * the head of the newest segment, or near it. If the first segment's first record is damaged nobody
 * knows where that is, and the log begins with the damage.
 */
static enum cd_status find_beginning(struct recovery *recovery)
{
    recovery->first = 1;
    const struct found_segment *first = NULL;
    for (size_t i = 0; first == NULL && i < recovery->count; i++) {
        const struct found_segment *segment = &recovery->segments[i];
        if (segment->first_position < segment->limit) { /* not superseded, nor without records */
            first = segment;
            recovery->first = first->clean ? first->first_position : 1;
        }
    }
    recovery->last = recovery->first - 1;
    if (recovery->first == 1) {
        return CD_OK;
    }
    for (size_t i = recovery->count; i > 0 && recovery->dropped.begin < recovery->first; i--) {
        const struct found_segment *segment = &recovery->segments[i - 1];
        enum cd_status status = CD_OK;
        if (segment->first_position != UINT64_MAX) {
            status = find_dropped(recovery, segment);
        }
        if (status != CD_OK) {
            return status;
        }
    }
    if (recovery->dropped.begin >= recovery->first) {
        return CD_OK;
    }
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, first->sequence, false);
    return cd_error_set(
        recovery->error, CD_CORRUPT,
        "the log begins in %s with record %" PRIu64
        ": the segments before it are missing, and were not dropped. " STORAGE_ADVICE,
        name, recovery->first);
}

enum cd_status recovery_replay(struct recovery *recovery)
{
    enum cd_status status = find_beginning(recovery);
    if (status != CD_OK) {
        return status;
    }
    for (size_t i = 0; i < recovery->count; i++) {
        struct found_segment *segment = &recovery->segments[i];
        if (segment->first_position == UINT64_MAX) {
            /* Never used, or its first records are torn; a later segment would prove otherwise by
             * the positions that are missing before it. */
            recovery->cut_bytes += segment->junk_bytes;
            continue;
        }
        status = replay_segment(recovery, segment);
        if (status != CD_OK) {
            return status;
        }
    }
    segment_reader_close(&recovery->reader);
    return judge(recovery);
}
