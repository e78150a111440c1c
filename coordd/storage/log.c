#include "storage/log.h"

#include "base/assert.h"
#include "base/memory.h"
#include "storage/index.h"
#include "storage/reader.h"
#include "storage/recovery.h"
#include "storage/segment.h"

#include <inttypes.h>
#include <string.h>

/*
 * Two chains. Segments: those with records that are not yet durable, the tail (where append puts
 * records), and behind it reserved ones. Batches: bytes for one segment at one offset each; the
 * first is taken off and written while the last is being filled.
 *
 *   append -> pending batch -> start_write -> writing -> on_written -> done(upto)
 *   tail full -> rotate: the next segment becomes the tail, describe gives its head
 *   start_reserve -> reserving -> on_reserved: one segment file at a time is made ahead of need
 *   drop -> the record that says so -> durable -> remove_next -> on_removed: oldest first
 */

enum {
    /* Buffers up to this size are kept for the next batch. */
    BATCH_KEPT_BYTES = 4 << 20,
    /* One batch: all that may wait, the record that took it over the limit, and a head. */
    BATCH_BYTES_MAX =
        STORAGE_PENDING_BYTES_MAX + SEGMENT_RECORD_BYTES_MAX + 2 * STORAGE_HEAD_BYTES_MAX,
};

enum {
    /* Leaves room for what is reserved and for what a few openings add. */
    SEGMENTS_USED_MAX = STORAGE_SEGMENTS_MAX - 64,
};

enum reserve_state {
    RESERVE_WANTED,  /* no file yet */
    RESERVE_RUNNING, /* the env makes it */
    RESERVE_READY,   /* `file` is open */
};

struct log_segment {
    struct log_segment *next;
    enum reserve_state state;
    uint64_t sequence;
    uint64_t nonce;
    uint64_t seed;
    struct env_file *file;
    uint64_t bytes;      /* reserved */
    uint64_t written_to; /* durable up to this offset */
    char name[SEGMENT_NAME_BYTES];
    uint8_t header[SEGMENT_HEADER_BYTES]; /* borrowed by the env while RUNNING */
};

struct batch {
    struct batch *next;
    struct log_segment *segment;
    uint64_t offset;
    struct cd_buf buf;      /* sealed when it is written */
    uint64_t last_position; /* of its numbered records; 0 for none */
};

struct storage_log {
    struct env env;
    struct storage_options options;
    char cluster_name[STORAGE_CLUSTER_NAME_BYTES_MAX + 1];
    struct storage_index index;
    struct segment_reader reader; /* of read_entries */
    uint64_t reader_bytes;        /* the size of the file it has open */

    struct segment_ref *refs; /* every segment, by sequence, for reading; owned */
    size_t ref_count;
    size_t ref_capacity;

    struct log_segment *segments;  /* oldest first */
    struct log_segment *tail;      /* one of them */
    struct log_segment *reserving; /* one of them, or NULL */
    uint64_t tail_offset;          /* where the next record goes */

    struct batch *pending; /* oldest first; not being written */
    struct batch *pending_last;
    struct batch *writing; /* or NULL */
    struct batch *spare;   /* emptied, for the next batch; or NULL */

    struct cd_buf head; /* what describe puts */
    uint64_t head_position;
    bool describing;

    uint64_t last;           /* positions: appended, */
    uint64_t durable;        /* durable, */
    uint64_t eager;          /* the newest that wants a sync, */
    uint64_t payload;        /* the newest that is no mark, */
    uint64_t mark;           /* the newest mark, */
    uint64_t writing_marks;  /* durable_to of the batch being written, */
    uint64_t marked;         /* and the highest that is durable itself */
    uint64_t last_append_ms; /* or the last attempt to write a mark */
    uint64_t retry_ms;       /* when full: reserve again then */

    uint64_t first_slot;            /* entries of slots before it can no longer be read */
    struct segment_dropped dropped; /* as the disk says or will say; 0, 0: nothing */
    uint64_t drop_position;         /* of the record that is to say it; 0: none waits */

    struct log_segment *drop_segment;  /* that record is being written to it alone; or NULL */
    struct cd_buf drop_buf;            /* with these bytes */
    uint64_t drop_sequence;            /* segments before it go */
    char removing[SEGMENT_NAME_BYTES]; /* is at the env; "" if none is */

    bool full;
    bool in_doubt;

    struct storage_stats stats;
};

static void start_write(struct storage_log *log);
static void start_reserve(struct storage_log *log, bool retry);
static void give_up_segments(struct storage_log *log);
static void free_drop(struct storage_log *log);

/* --- segments --- */

static void note_ref(struct storage_log *log, struct segment_ref ref)
{
    CD_ASSERT(log->ref_count == 0 || log->refs[log->ref_count - 1].sequence < ref.sequence);
    if (log->ref_count == log->ref_capacity) {
        log->ref_capacity = log->ref_capacity != 0 ? log->ref_capacity * 2 : 16;
        log->refs = cd_realloc(log->refs, log->ref_capacity * sizeof(*log->refs));
    }
    log->refs[log->ref_count++] = ref;
}

static void note_slot(struct segment_ref *ref, uint64_t slot)
{
    ref->last_slot = slot > ref->last_slot ? slot : ref->last_slot;
}

/* The newest segment; there is always one. */
static struct log_segment *last_segment(struct storage_log *log)
{
    struct log_segment *segment = log->tail;
    while (segment->next != NULL) {
        segment = segment->next;
    }
    return segment;
}

/* A segment behind the newest one; its file comes later. */
static struct log_segment *want_segment(struct storage_log *log)
{
    struct log_segment *last = last_segment(log);
    struct log_segment *segment = cd_calloc(1, sizeof(*segment));
    struct segment_header header = {
        .format_version = STORAGE_FORMAT_VERSION,
        .node = log->options.node,
        .sequence = last->sequence + 1,
    };
    log->env.ops->entropy(log->env.self, &header.nonce, sizeof(header.nonce));
    memcpy(header.cluster_name, log->cluster_name, sizeof(header.cluster_name));
    segment->state = RESERVE_WANTED;
    segment->sequence = header.sequence;
    segment->seed = segment_seed(header.sequence, header.nonce);
    segment->bytes = log->options.segment_bytes;
    segment->written_to = SEGMENT_HEADER_BYTES;
    segment_name(segment->name, segment->sequence, false);
    segment_encode_header(segment->header, &header);
    last->next = segment;
    return segment;
}

static void free_segment(struct storage_log *log, struct log_segment *segment)
{
    if (segment->file != NULL) {
        log->env.ops->close(log->env.self, segment->file);
    }
    cd_free(segment);
}

/* Closes segments before the tail that wait for nothing any more. */
static void drop_written_segments(struct storage_log *log)
{
    const struct batch *first = log->writing != NULL ? log->writing : log->pending;
    while (log->segments != log->tail && (first == NULL || first->segment != log->segments)) {
        struct log_segment *segment = log->segments;
        if (segment->state != RESERVE_READY) {
            return; /* passed over without a record; its file is still to come */
        }
        if (segment->next->state != RESERVE_READY || segment == log->drop_segment) {
            return; /* on a full disk it is the one that can be told what was dropped */
        }
        log->segments = segment->next;
        free_segment(log, segment);
    }
}

static void fall_into_doubt(struct storage_log *log)
{
    CD_ASSERT(!log->in_doubt);
    log->in_doubt = true;
    log->options.done(log->options.context, CD_IN_DOUBT, log->durable);
}

static void on_reserved(void *context, enum cd_status status)
{
    struct storage_log *log = context;
    struct log_segment *segment = log->reserving;
    log->reserving = NULL;
    if (log->in_doubt) {
        return;
    }
    if (status == CD_OK) {
        CD_ASSERT(segment->file != NULL);
        segment->state = RESERVE_READY;
        log->full = false;
        start_write(log);
        drop_written_segments(log);
        start_reserve(log, false);
    } else if (status == CD_FULL) {
        bool told = log->full;
        segment->state = RESERVE_WANTED;
        log->full = true;
        log->retry_ms = env_now_ms(&log->env) + STORAGE_FULL_RETRY_MS;
        free_drop(log);
        if (!told) {
            log->options.done(log->options.context, CD_FULL, log->durable);
        }
    } else {
        fall_into_doubt(log);
    }
}

/*
 * Has the oldest segment that lacks a file made, and sees to it that one is behind the tail. On a
 * full disk only when it is time to try again.
 */
static void start_reserve(struct storage_log *log, bool retry)
{
    if (log->reserving != NULL || log->in_doubt || (log->full && !retry)) {
        return;
    }
    struct log_segment *segment = log->segments;
    while (segment != NULL && segment->state != RESERVE_WANTED) {
        segment = segment->next;
    }
    if (segment == NULL) {
        if (log->tail->next != NULL || last_segment(log)->sequence == SEGMENT_SEQUENCE_MAX) {
            return;
        }
        segment = want_segment(log);
    }
    segment->state = RESERVE_RUNNING;
    log->reserving = segment;
    log->env.ops->create_reserved(log->env.self, segment->name, segment->bytes, segment->header,
                                  sizeof(segment->header), &segment->file, on_reserved, log);
}

/* --- batches --- */

static void release_batch(struct batch *batch)
{
    if (batch != NULL) {
        cd_buf_release(&batch->buf);
        cd_free(batch);
    }
}

static void recycle_batch(struct storage_log *log, struct batch *batch)
{
    if (log->spare != NULL || batch->buf.capacity > BATCH_KEPT_BYTES) {
        release_batch(batch);
        return;
    }
    cd_buf_clear(&batch->buf);
    log->spare = batch;
}

/* The batch that records of the tail go into. */
static struct batch *filling_batch(struct storage_log *log)
{
    if (log->pending_last != NULL && log->pending_last->segment == log->tail) {
        return log->pending_last;
    }
    struct batch *batch = log->spare;
    log->spare = NULL;
    if (batch == NULL) {
        batch = cd_calloc(1, sizeof(*batch));
        cd_buf_init(&batch->buf, BATCH_BYTES_MAX);
    }
    batch->next = NULL;
    batch->segment = log->tail;
    batch->offset = log->tail_offset;
    batch->last_position = 0;
    if (log->pending == NULL) {
        log->pending = batch;
    } else {
        log->pending_last->next = batch;
    }
    log->pending_last = batch;
    return batch;
}

static void on_written(void *context, enum cd_status status)
{
    struct storage_log *log = context;
    struct batch *batch = log->writing;
    log->writing = NULL;
    log->stats.syncs++;
    if (status != CD_OK || log->in_doubt) {
        recycle_batch(log, batch);
        if (!log->in_doubt) {
            fall_into_doubt(log);
        }
        return;
    }
    log->stats.written_bytes += batch->buf.bytes;
    log->stats.pending_bytes -= batch->buf.bytes;
    batch->segment->written_to = batch->offset + batch->buf.bytes;
    bool grown = batch->last_position != 0;
    if (grown) {
        CD_ASSERT(batch->last_position > log->durable);
        log->durable = batch->last_position;
        log->marked = log->writing_marks;
    }
    recycle_batch(log, batch);
    start_write(log); /* the disk first, then those who wait */
    drop_written_segments(log);
    give_up_segments(log);
    free_drop(log);
    if (grown) {
        log->options.done(log->options.context, CD_OK, log->durable);
    }
}

/* Group commit: writes the oldest batch, if any record that waits wants a sync. */
static void start_write(struct storage_log *log)
{
    struct batch *batch = log->pending;
    if (log->writing != NULL || log->in_doubt || batch == NULL || log->eager <= log->durable ||
        batch->segment->state != RESERVE_READY) {
        return;
    }
    log->pending = batch->next;
    if (log->pending == NULL) {
        log->pending_last = NULL;
    }
    log->writing = batch;
    log->writing_marks = log->durable;
    segment_seal(batch->buf.data, batch->buf.bytes, log->durable, batch->segment->seed);
    log->env.ops->write_sync(log->env.self, batch->segment->file, batch->offset, batch->buf.data,
                             batch->buf.bytes, on_written, log);
}

/* --- append --- */

void storage_log_describe_put(struct storage_log *log, const struct storage_record *record)
{
    CD_ASSERT(log->describing);
    CD_ASSERT(segment_record_bytes(record->body_bytes) <= log->head.limit - log->head.bytes);
    segment_append_record(&log->head, record, log->head_position, SEGMENT_FLAG_HEAD);
}

static struct storage_record dropped_record(const struct segment_dropped *dropped,
                                            uint8_t body[SEGMENT_DROPPED_BYTES])
{
    segment_encode_dropped(body, dropped);
    return (struct storage_record){
        .kind = STORAGE_DROPPED, .body = body, .body_bytes = SEGMENT_DROPPED_BYTES};
}

static void describe(struct storage_log *log, uint64_t first_position)
{
    cd_buf_clear(&log->head);
    if (log->options.describe != NULL) {
        log->head_position = first_position;
        log->describing = true;
        log->options.describe(log->options.context, log);
        log->describing = false;
    }
    if (log->dropped.begin != 0) {
        uint8_t body[SEGMENT_DROPPED_BYTES];
        const struct storage_record record = dropped_record(&log->dropped, body);
        segment_append_record(&log->head, &record, first_position, SEGMENT_FLAG_HEAD);
    }
}

/* Room for `bytes` more in the tail, without or with what is kept for saying what was dropped. */
static bool fits_tail(const struct storage_log *log, size_t bytes, bool last)
{
    size_t kept = last ? 0 : STORAGE_DROP_ROOM_BYTES;
    return bytes + kept <= log->tail->bytes - log->tail_offset;
}

/* Makes the next segment the tail, with its head if that fits. */
static void advance_tail(struct storage_log *log, uint64_t need)
{
    struct log_segment *next = log->tail->next;
    if (next == NULL) {
        next = want_segment(log);
    }
    if (next->state == RESERVE_WANTED && next->bytes < need) {
        next->bytes = need;
    }
    note_ref(log, (struct segment_ref){
                      .sequence = next->sequence,
                      .seed = next->seed,
                      .first_position = log->last + 1,
                  });
    log->tail = next;
    log->tail_offset = SEGMENT_HEADER_BYTES;
    if (log->head.bytes != 0 && fits_tail(log, log->head.bytes, false)) {
        struct batch *batch = filling_batch(log);
        cd_buf_put(&batch->buf, log->head.data, log->head.bytes);
        CD_ASSERT(!batch->buf.overflowed);
        log->tail_offset += log->head.bytes;
        log->stats.pending_bytes += log->head.bytes;
    }
}

/* Goes on in a new segment, in which the head (S3) and a record of `bytes` bytes have room. */
static void rotate(struct storage_log *log, size_t bytes)
{
    describe(log, log->last + 1);
    uint64_t need = SEGMENT_HEADER_BYTES + log->head.bytes + bytes + STORAGE_DROP_ROOM_BYTES;
    do { /* a segment that was reserved already may be too short (in tests) and is passed over */
        advance_tail(log, need);
    } while (log->tail->bytes < need);
    drop_written_segments(log);
}

/* Takes a record for which there is room. */
static uint64_t take(struct storage_log *log, const struct storage_record *record, bool lazy)
{
    size_t bytes = segment_record_bytes(record->body_bytes);
    if (!fits_tail(log, bytes, record->kind == STORAGE_DROPPED)) {
        rotate(log, bytes);
    }
    uint64_t position = ++log->last;
    struct batch *batch = filling_batch(log);
    if (record->kind == STORAGE_ENTRY) {
        storage_index_put(&log->index, record->slot, log->tail->sequence, log->tail_offset);
        note_slot(&log->refs[log->ref_count - 1], record->slot);
    }
    segment_append_record(&batch->buf, record, position, 0);
    batch->last_position = position;
    log->tail_offset += bytes;
    log->stats.pending_bytes += bytes;
    log->stats.appended_bytes += bytes;
    if (!lazy) {
        log->eager = position;
    }
    if (record->kind == STORAGE_SYNCED) {
        log->mark = position;
    } else {
        log->payload = position;
    }
    log->last_append_ms = env_now_ms(&log->env);
    start_reserve(log, false);
    return position;
}

/* Without room for a new segment, only what fits a tail that has its file may be taken. */
static bool has_room(const struct storage_log *log, size_t bytes, bool last)
{
    bool fits = fits_tail(log, bytes, last) && log->tail->state == RESERVE_READY;
    return fits || (!log->full && log->ref_count < SEGMENTS_USED_MAX);
}

enum cd_status storage_log_append(struct storage_log *log, const struct storage_record *record,
                                  bool lazy, uint64_t *ret_position)
{
    CD_ASSERT(!log->describing);
    CD_ASSERT(record->kind >= STORAGE_STATE);
    CD_ASSERT(!segment_is_own(record->kind));
    if (log->in_doubt) {
        return CD_IN_DOUBT;
    }
    if (record->body_bytes > STORAGE_BODY_BYTES_MAX) {
        return CD_TOO_LARGE;
    }
    if (record->kind == STORAGE_ENTRY && !storage_index_fits(&log->index, record->slot)) {
        return CD_TOO_MANY;
    }
    size_t bytes = segment_record_bytes(record->body_bytes);
    if (log->stats.pending_bytes + bytes > STORAGE_PENDING_BYTES_MAX) {
        return CD_BUSY;
    }
    if (!has_room(log, bytes, false)) {
        return CD_FULL;
    }
    *ret_position = take(log, record, lazy);
    return CD_OK;
}

void storage_log_flush(struct storage_log *log)
{
    start_write(log);
}

/* --- dropping --- */

/* How many of the oldest segments may go. */
static size_t count_droppable(const struct storage_log *log, uint64_t slot)
{
    size_t count = 0;
    /* Those before log->segments are closed, with all their records durable. */
    while (log->refs[count].sequence < log->segments->sequence &&
           log->refs[count].last_slot <= slot) {
        count++;
    }
    return count;
}

/* What the disk will say once the first `count` segments are gone. */
static struct segment_dropped after_dropping(const struct storage_log *log, size_t count)
{
    struct segment_dropped dropped = {.begin = UINT64_MAX, .slot = log->dropped.slot};
    for (size_t i = 0; i < log->ref_count; i++) {
        const struct segment_ref *ref = &log->refs[i];
        if (i < count) {
            dropped.slot = ref->last_slot > dropped.slot ? ref->last_slot : dropped.slot;
        } else if (ref->first_position < dropped.begin) {
            dropped.begin = ref->first_position;
        }
    }
    return dropped;
}

static void on_drop_written(void *context, enum cd_status status)
{
    struct storage_log *log = context;
    struct log_segment *segment = log->drop_segment;
    log->drop_segment = NULL;
    if (log->in_doubt) {
        return;
    }
    if (status != CD_OK) {
        fall_into_doubt(log);
        return;
    }
    segment->written_to += log->drop_buf.bytes;
    drop_written_segments(log);
    give_up_segments(log);
}

/*
 * The tail waits for a file that a full disk has no room for, so what goes behind the records that
 * wait would never be written: the record goes to the end of the last segment that has one, where
 * all else is durable. False if that is not how things stand.
 */
static bool drop_past_the_waiting(struct storage_log *log, const struct segment_dropped *dropped)
{
    struct log_segment *segment = log->segments;
    bool stuck = log->full && log->tail->state != RESERVE_READY && log->writing == NULL &&
                 segment->state == RESERVE_READY && segment->next->state != RESERVE_READY &&
                 (log->pending == NULL || log->pending->segment != segment);
    if (!stuck || segment->bytes - segment->written_to < STORAGE_DROP_ROOM_BYTES) {
        return false;
    }
    uint8_t body[SEGMENT_DROPPED_BYTES];
    const struct storage_record record = dropped_record(dropped, body);
    cd_buf_clear(&log->drop_buf);
    segment_append_record(&log->drop_buf, &record, log->durable + 1, SEGMENT_FLAG_HEAD);
    segment_seal(log->drop_buf.data, log->drop_buf.bytes, log->durable, segment->seed);
    log->drop_segment = segment;
    log->env.ops->write_sync(log->env.self, segment->file, segment->written_to, log->drop_buf.data,
                             log->drop_buf.bytes, on_drop_written, log);
    return true;
}

/* The record that was to say what is dropped may itself have come to wait for room. */
static void free_drop(struct storage_log *log)
{
    if (log->drop_position > log->durable && log->drop_segment == NULL &&
        drop_past_the_waiting(log, &log->dropped)) {
        log->drop_position = log->durable;
    }
}

enum cd_status storage_log_drop(struct storage_log *log, uint64_t slot)
{
    CD_ASSERT(!log->describing);
    if (log->in_doubt) {
        return CD_IN_DOUBT;
    }
    size_t count = count_droppable(log, slot);
    if (count == 0 || log->drop_position != 0 || log->drop_segment != NULL ||
        log->removing[0] != '\0') {
        return CD_OK;
    }
    struct segment_dropped dropped = after_dropping(log, count);
    uint64_t sequence = log->refs[count].sequence;
    bool room = has_room(log, STORAGE_DROP_ROOM_BYTES, true);
    if (!room && !drop_past_the_waiting(log, &dropped)) {
        return CD_FULL;
    }
    log->dropped = dropped;
    log->drop_sequence = sequence;
    log->drop_position = log->durable;
    if (room) {
        uint8_t body[SEGMENT_DROPPED_BYTES];
        const struct storage_record record = dropped_record(&dropped, body);
        log->drop_position = take(log, &record, false);
    }
    return CD_OK;
}

static void remove_next(struct storage_log *log);

static void on_removed(void *context, enum cd_status status)
{
    struct storage_log *log = context;
    log->removing[0] = '\0';
    if (log->in_doubt) {
        return;
    }
    if (status != CD_OK && status != CD_NOT_FOUND) {
        fall_into_doubt(log);
        return;
    }
    log->ref_count--;
    memmove(log->refs, log->refs + 1, log->ref_count * sizeof(*log->refs));
    if (log->full) {
        start_reserve(log, true);
    }
    remove_next(log);
}

/* One after the other, each removal durable before the next: what a crash leaves has no hole. */
static void remove_next(struct storage_log *log)
{
    if (log->refs[0].sequence < log->drop_sequence) {
        segment_name(log->removing, log->refs[0].sequence, false);
        log->env.ops->discard(log->env.self, log->removing, on_removed, log);
    }
}

/* Once the disk says what was dropped, and with it holds all that was before, heads included. */
static void give_up_segments(struct storage_log *log)
{
    if (log->drop_position == 0 || log->drop_position > log->durable || log->drop_segment != NULL) {
        return;
    }
    log->drop_position = 0;
    log->first_slot = log->dropped.slot + 1;
    storage_index_drop(&log->index, log->dropped.slot, log->drop_sequence);
    if (log->reader.file != NULL && log->reader.sequence < log->drop_sequence) {
        segment_reader_close(&log->reader);
    }
    remove_next(log);
}

/* --- timers --- */

/* True if the disk does not yet say of the newest records that they are durable, and none is on the
 * way to say it. */
static bool mark_wanted(const struct storage_log *log)
{
    return !log->in_doubt && log->writing == NULL && log->payload > log->marked &&
           log->mark <= log->durable;
}

void storage_log_tick(struct storage_log *log, uint64_t now_ms)
{
    if (log->full && now_ms >= log->retry_ms) {
        log->retry_ms = now_ms + STORAGE_FULL_RETRY_MS;
        start_reserve(log, true);
    }
    if (mark_wanted(log) && now_ms >= log->last_append_ms + log->options.idle_ms) {
        const struct storage_record mark = {.kind = STORAGE_SYNCED};
        if (has_room(log, segment_record_bytes(0), false)) {
            (void)take(log, &mark, false);
            start_write(log);
        } else {
            log->last_append_ms = now_ms;
        }
    }
}

uint64_t storage_log_deadline_ms(const struct storage_log *log)
{
    uint64_t deadline = UINT64_MAX;
    if (log->in_doubt) {
        return deadline;
    }
    if (mark_wanted(log)) {
        deadline = log->last_append_ms + log->options.idle_ms;
    }
    if (log->full && log->retry_ms < deadline) {
        deadline = log->retry_ms;
    }
    return deadline;
}

uint64_t storage_log_last(const struct storage_log *log)
{
    return log->last;
}

uint64_t storage_log_durable(const struct storage_log *log)
{
    return log->durable;
}

void storage_log_stats(const struct storage_log *log, struct storage_stats *ret_stats)
{
    *ret_stats = log->stats;
    ret_stats->segments = log->ref_count;
    ret_stats->full = log->full;
    ret_stats->first_slot = log->first_slot;
    ret_stats->room_bytes = 0;
    for (const struct log_segment *segment = log->tail; segment != NULL; segment = segment->next) {
        if (segment->state == RESERVE_READY) {
            uint64_t used = segment == log->tail ? log->tail_offset : SEGMENT_HEADER_BYTES;
            used += STORAGE_DROP_ROOM_BYTES;
            ret_stats->room_bytes += segment->bytes > used ? segment->bytes - used : 0;
        }
    }
}

/* --- reading --- */

/* The record's bytes if it still waits for the disk. */
static const uint8_t *find_waiting(const struct storage_log *log, uint64_t sequence,
                                   uint64_t offset)
{
    const struct batch *batch = log->writing != NULL ? log->writing : log->pending;
    while (batch != NULL) {
        if (batch->segment->sequence == sequence && offset >= batch->offset &&
            offset - batch->offset < batch->buf.bytes) {
            return batch->buf.data + (offset - batch->offset);
        }
        batch = batch == log->writing ? log->pending : batch->next;
    }
    return NULL;
}

static const struct segment_ref *find_ref(const struct storage_log *log, uint64_t sequence)
{
    size_t low = 0;
    size_t high = log->ref_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (log->refs[middle].sequence <= sequence) {
            low = middle;
        } else {
            high = middle;
        }
    }
    CD_ASSERT(log->ref_count != 0);
    CD_ASSERT(log->refs[low].sequence == sequence);
    return &log->refs[low];
}

static enum cd_status open_for_reading(struct storage_log *log, uint64_t sequence)
{
    struct segment_reader *reader = &log->reader;
    if (reader->file == NULL || reader->sequence != sequence) {
        enum cd_status status = segment_reader_open(reader, sequence);
        if (status != CD_OK) {
            return status;
        }
        reader->seed = find_ref(log, sequence)->seed;
        log->reader_bytes = reader->bytes;
    }
    reader->bytes = log->reader_bytes;
    /* What lies behind the last durable record will still change: it must not get into the window.
     */
    for (const struct log_segment *each = log->segments; each != NULL; each = each->next) {
        if (each->sequence == sequence) {
            reader->bytes = each->written_to;
        }
    }
    return CD_OK;
}

/* Reads the record from its file; the body lives until the next call. */
static enum cd_status read_record(struct storage_log *log, uint64_t slot, uint64_t sequence,
                                  uint64_t offset, struct storage_record *ret_record,
                                  struct cd_error *error)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, false);
    struct segment_item item = {0};
    enum cd_status status = open_for_reading(log, sequence);
    if (status == CD_OK) {
        status = segment_reader_next(&log->reader, offset, &item);
    }
    if (status != CD_OK) {
        return cd_error_set(error, CD_IO, "cannot read %s of the log: %s", name,
                            log->env.ops->last_error(log->env.self));
    }
    if (item.kind != SEGMENT_RECORD || item.record.slot != slot) {
        return cd_error_set(error, CD_CORRUPT,
                            "%s is damaged at byte %" PRIu64 " (the record of slot %" PRIu64
                            "): it does not match its checksum. " STORAGE_ADVICE,
                            name, offset, slot);
    }
    *ret_record = segment_view(&item.record, item.body);
    return CD_OK;
}

enum cd_status
storage_log_read_entries(struct storage_log *log, uint64_t first, uint64_t last, size_t bytes_max,
                         bool (*visit)(void *context, const struct storage_record *record),
                         void *context, struct cd_error *error)
{
    uint64_t sequence;
    uint64_t offset;
    if (first < log->first_slot || !storage_index_find(&log->index, first, &sequence, &offset)) {
        return cd_error_set(error, CD_NOT_FOUND, "the log does not hold slot %" PRIu64, first);
    }
    size_t shown = 0;
    uint64_t slot = first;
    while (slot <= last && (shown < bytes_max || slot == first)) {
        CD_ASSERT(storage_index_find(&log->index, slot, &sequence, &offset));
        struct storage_record record;
        const uint8_t *waiting = find_waiting(log, sequence, offset);
        if (waiting != NULL) {
            struct segment_record header;
            segment_read_record(waiting, &header);
            record = segment_view(&header, waiting + SEGMENT_RECORD_HEADER_BYTES);
        } else {
            enum cd_status status = read_record(log, slot, sequence, offset, &record, error);
            if (status != CD_OK) {
                return status;
            }
        }
        if (!visit(context, &record)) {
            break;
        }
        shown += record.body_bytes;
        if (slot == UINT64_MAX || !storage_index_next(&log->index, slot + 1, &slot)) {
            break;
        }
    }
    return CD_OK;
}

/* --- opening and closing --- */

/* Takes over what recovery made. */
static void adopt(struct storage_log *log, const struct recovery *recovery,
                  const struct fresh_segment *fresh)
{
    for (size_t i = 0; i < recovery->count; i++) {
        const struct found_segment *found = &recovery->segments[i];
        note_ref(log, (struct segment_ref){
                          .sequence = found->sequence,
                          .seed = found->seed,
                          .first_position = found->first_position,
                          .last_slot = found->last_slot,
                      });
    }
    note_ref(log, (struct segment_ref){
                      .sequence = fresh->sequence,
                      .seed = fresh->seed,
                      .first_position = fresh->first_position,
                      .last_slot = fresh->last_slot,
                  });
    struct log_segment *tail = cd_calloc(1, sizeof(*tail));
    tail->state = RESERVE_READY;
    tail->sequence = fresh->sequence;
    tail->seed = fresh->seed;
    tail->file = fresh->file;
    tail->bytes = fresh->bytes;
    tail->written_to = fresh->end;
    segment_name(tail->name, tail->sequence, false);
    log->segments = tail;
    log->tail = tail;
    log->tail_offset = fresh->end;
    log->first_slot = recovery->dropped.slot + 1;
    log->last = recovery->last;
    log->durable = recovery->last;
    log->marked = recovery->last;
    log->payload = recovery->last;
    log->mark = recovery->last;
    log->last_append_ms = env_now_ms(&log->env);
}

static enum cd_status recover(struct storage_log *log, struct recovery *recovery,
                              struct storage_recovery *ret_recovery)
{
    enum cd_status status = recovery_survey(recovery);
    if (status == CD_OK) {
        status = recovery_replay(recovery);
    }
    if (status != CD_OK) {
        return status;
    }
    struct storage_recovery found = {
        .last_position = recovery->last,
        .durable_to = recovery->durable_to,
        .cut_bytes = recovery->cut_bytes,
        .records = recovery->shown,
        .dropped_slot = recovery->dropped.slot,
        .first_position = recovery->first,
    };
    for (size_t i = 0; i < recovery->count; i++) {
        found.segments += recovery->segments[i].first_position != UINT64_MAX ? 1 : 0;
    }
    if (recovery->last != 0) {
        log->dropped = recovery->dropped;
        describe(log, recovery_first_position(recovery));
    }
    struct fresh_segment fresh;
    status = recovery_rewrite(recovery, &log->head, &fresh);
    if (status != CD_OK) {
        return status;
    }
    adopt(log, recovery, &fresh);
    found.rewritten = recovery->rewritten;
    *ret_recovery = found;
    return CD_OK;
}

enum cd_status storage_log_open(const struct env *env, const struct storage_options *options,
                                storage_visit visit, void *visit_context,
                                struct storage_log **ret_log, struct storage_recovery *ret_recovery,
                                struct cd_error *error)
{
    size_t name_bytes = strlen(options->cluster_name);
    CD_ASSERT(name_bytes <= STORAGE_CLUSTER_NAME_BYTES_MAX);
    CD_ASSERT(options->segment_bytes >= SEGMENT_HEADER_BYTES + SEGMENT_RECORD_HEADER_BYTES);
    CD_ASSERT(options->segment_bytes <= STORAGE_SEGMENT_BYTES_MAX);
    CD_ASSERT(options->done != NULL);
    struct storage_log *log = cd_calloc(1, sizeof(*log));
    log->env = *env;
    log->options = *options;
    memcpy(log->cluster_name, options->cluster_name, name_bytes + 1);
    log->options.cluster_name = log->cluster_name;
    log->options.segment_bytes -= options->segment_bytes % SEGMENT_ALIGN_BYTES;
    storage_index_init(&log->index);
    segment_reader_init(&log->reader, &log->env);
    cd_buf_init(&log->head, STORAGE_HEAD_BYTES_MAX);
    cd_buf_init(&log->drop_buf, STORAGE_DROP_ROOM_BYTES);

    struct recovery recovery;
    recovery_init(&recovery, &log->env, &log->options);
    recovery.visit = visit;
    recovery.visit_context = visit_context;
    recovery.index = &log->index;
    recovery.error = error;
    enum cd_status status = recover(log, &recovery, ret_recovery);
    recovery_release(&recovery);
    if (status != CD_OK) {
        storage_log_free(log);
        return status;
    }
    *ret_log = log;
    return CD_OK;
}

void storage_log_free(struct storage_log *log)
{
    if (log == NULL) {
        return;
    }
    log->env.ops->cancel(log->env.self, log);
    while (log->segments != NULL) {
        struct log_segment *segment = log->segments;
        log->segments = segment->next;
        free_segment(log, segment);
    }
    while (log->pending != NULL) {
        struct batch *batch = log->pending;
        log->pending = batch->next;
        release_batch(batch);
    }
    release_batch(log->writing);
    release_batch(log->spare);
    segment_reader_release(&log->reader);
    storage_index_release(&log->index);
    cd_buf_release(&log->head);
    cd_buf_release(&log->drop_buf);
    cd_free(log->refs);
    cd_free(log);
}
