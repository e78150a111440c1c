#include "fixture.h"

#include "base/memory.h"
#include "storage/reader.h"
#include "storage/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    HEAD_BODY_BYTES = 24,
};

static void on_done(void *context, enum cd_status status, uint64_t upto)
{
    struct fixture *fixture = context;
    assert_false(fixture->doubt); /* nothing comes after CD_IN_DOUBT */
    assert_true(upto >= fixture->durable);
    assert_true(upto <= storage_log_last(fixture->log));
    assert_int_equal(upto, storage_log_durable(fixture->log));
    switch ((int)status) {
    case CD_OK:
        assert_true(upto > fixture->durable);
        fixture->durable = upto;
        break;
    case CD_FULL:
        fixture->fulls++;
        break;
    case CD_IN_DOUBT:
        fixture->doubt = true;
        break;
    default:
        fail_msg("done was told %s", cd_status_name(status));
    }
}

/* The state to describe: the highest round of all promises up to a position of the model. */
static uint64_t highest_promise(const struct fixture *fixture, uint64_t upto)
{
    uint64_t highest = 0;
    for (uint64_t i = 1; i <= upto; i++) {
        const struct model_record *record = &fixture->records[i];
        if (record->kind == STORAGE_PROMISE && record->ballot.round > highest) {
            highest = record->ballot.round;
        }
    }
    return highest;
}

static void on_describe(void *context, struct storage_log *log)
{
    struct fixture *fixture = context;
    fixture->describes++;
    /* In an opening the state is what was shown; afterwards what was appended. */
    uint64_t upto = fixture->log == NULL ? fixture->shown : fixture->last;
    uint64_t round = highest_promise(fixture, upto);
    if (fixture->log == NULL && fixture->head_round > round) {
        round = fixture->head_round; /* of a promise that was dropped */
    }
    uint8_t body[HEAD_BODY_BYTES];
    memset(body, 0x5a, sizeof(body));
    struct storage_record record = {
        .kind = STORAGE_STATE,
        .ballot = {.round = round},
        .body = body,
        .body_bytes = sizeof(body),
    };
    storage_log_describe_put(log, &record);
}

void fixture_init(struct fixture *fixture, const struct fault_disk_options *disk_options,
                  uint64_t segment_bytes)
{
    *fixture = (struct fixture){
        .disk = fault_disk_create(disk_options),
        .options =
            {
                .cluster_name = "unit-test",
                .node = 3,
                .segment_bytes = segment_bytes,
                .idle_ms = 20,
                .done = on_done,
                .describe = on_describe,
            },
        .now_ms = 1000,
    };
    fixture->options.context = fixture;
    fault_disk_set_time(fixture->disk, fixture->now_ms, 0);
}

static void model_cut(struct fixture *fixture, uint64_t last)
{
    while (fixture->last > last) {
        cd_free(fixture->records[fixture->last].body);
        fixture->last--;
    }
}

static struct model_record *model_extend(struct fixture *fixture)
{
    fixture->last++;
    if (fixture->last >= fixture->capacity) {
        fixture->capacity = fixture->last * 2 + 16;
        fixture->records =
            cd_realloc(fixture->records, fixture->capacity * sizeof(*fixture->records));
    }
    fixture->records[fixture->last] = (struct model_record){0};
    return &fixture->records[fixture->last];
}

void fixture_release(struct fixture *fixture)
{
    fixture_close(fixture);
    struct fault_disk_stats stats;
    fault_disk_stats(fixture->disk, &stats);
    assert_int_equal(stats.open_files, 0);
    assert_int_equal(fault_disk_waiting(fixture->disk), 0);
    fault_disk_free(fixture->disk);
    model_cut(fixture, 0);
    cd_free(fixture->records);
}

static void check_record(const struct model_record *expected, const struct storage_record *record)
{
    assert_int_equal(record->kind, expected->kind);
    assert_int_equal(record->slot, expected->slot);
    assert_int_equal(record->ballot.round, expected->ballot.round);
    assert_int_equal(record->ballot.node, expected->ballot.node);
    assert_int_equal(record->ballot.incarnation, expected->ballot.incarnation);
    assert_int_equal(record->body_bytes, expected->body_bytes);
    if (record->body_bytes != 0) {
        assert_memory_equal(record->body, expected->body, expected->body_bytes);
    }
}

/* What is missing before the first position was given up, and R3: the first head makes up for what
 * is missing with it. */
static void check_dropped(const struct fixture *fixture, uint64_t first)
{
    uint64_t i = 1;
    while (i < first && fixture->records[i].kind == 0) {
        i++;
    }
    if (i == first) {
        return; /* nothing is missing */
    }
    assert_true(first - 1 <= fixture->drop_limit);
    assert_true(fixture->head_round >= highest_promise(fixture, first - 1));
    for (; i < first; i++) {
        if (fixture->records[i].kind == STORAGE_ENTRY) {
            assert_true(fixture->records[i].slot <= fixture->floor);
        }
    }
}

static enum cd_status on_visit(void *context, uint64_t position,
                               const struct storage_record *record, struct cd_error *error)
{
    struct fixture *fixture = context;
    if (position == 0) {
        assert_int_equal(record->kind, STORAGE_STATE);
        assert_int_equal(record->body_bytes, HEAD_BODY_BYTES);
        /* S3: from here on nothing older is needed; and it knows no promise that never was. */
        assert_true(record->ballot.round >= highest_promise(fixture, fixture->shown));
        assert_true(record->ballot.round <= highest_promise(fixture, fixture->last));
        if (record->ballot.round > fixture->head_round) {
            fixture->head_round = record->ballot.round;
        }
        fixture->heads++;
        return CD_OK;
    }
    if (fixture->visit_answer != CD_OK && position == fixture->visit_answer_at) {
        return cd_error_set(error, fixture->visit_answer, "the visitor does not want it");
    }
    assert_true(position > fixture->shown);
    assert_true(position <= fixture->last);
    if (fixture->shown == 0) {
        check_dropped(fixture, position);
        fixture->shown = position - 1;
    }
    for (uint64_t i = fixture->shown + 1; i < position; i++) {
        assert_int_equal(fixture->records[i].kind, 0); /* only the log's own may be left out */
    }
    check_record(&fixture->records[position], record);
    fixture->shown = position;
    return CD_OK;
}

enum cd_status fixture_open(struct fixture *fixture)
{
    assert_null(fixture->log);
    fixture->shown = 0;
    fixture->heads = 0;
    fixture->head_round = 0;
    fixture->doubt = false;
    fixture->error = (struct cd_error){0};
    enum cd_status status =
        storage_log_open(fault_disk_env(fixture->disk), &fixture->options, on_visit, fixture,
                         &fixture->log, &fixture->recovery, &fixture->error);
    if (status != CD_OK) {
        assert_null(fixture->log);
        assert_int_equal(fixture->error.status, status);
        assert_true(fixture->error.message[0] != '\0');
        return status;
    }
    assert_true(fixture->recovery.last_position >= fixture->durable);
    assert_true(fixture->recovery.dropped_slot <= fixture->floor);
    assert_true(fixture->recovery.first_position <= fixture->drop_limit + 1);
    assert_true(fixture->drop_limit != 0 || fixture->recovery.first_position == 1);
    model_cut(fixture, fixture->recovery.last_position);
    if (fixture->shown == 0 && fixture->last != 0) {
        check_dropped(fixture, fixture->recovery.first_position);
        fixture->shown = fixture->recovery.first_position - 1;
    }
    for (uint64_t i = fixture->shown + 1; i <= fixture->last; i++) {
        assert_int_equal(fixture->records[i].kind, 0);
    }
    while (fixture->last < fixture->recovery.last_position) { /* idle marks */
        (void)model_extend(fixture);
    }
    /* R2: opening adds no positions. */
    assert_int_equal(storage_log_last(fixture->log), fixture->recovery.last_position);
    fixture->durable = storage_log_durable(fixture->log);
    assert_int_equal(fixture->durable, fixture->last);
    return CD_OK;
}

void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    enum cd_status status = fixture_open(fixture);
    if (status != CD_OK) {
        fail_msg("open: %s: %s", cd_status_name(status), fixture->error.message);
    }
}

void fixture_close(struct fixture *fixture)
{
    storage_log_free(fixture->log);
    fixture->log = NULL;
}

void fixture_crash(struct fixture *fixture)
{
    fault_disk_crash(fixture->disk);
    fixture_close(fixture);
}

void fixture_kill(struct fixture *fixture)
{
    fault_disk_kill(fixture->disk);
    fixture_close(fixture);
}

enum cd_status fixture_append(struct fixture *fixture, enum storage_kind kind, uint64_t slot,
                              size_t body_bytes, bool lazy)
{
    uint64_t expected = storage_log_last(fixture->log) + 1;
    while (fixture->last + 1 < expected) { /* marks that the log wrote meanwhile */
        (void)model_extend(fixture);
    }
    struct cd_prng prng;
    cd_prng_init(&prng, expected * 31 + body_bytes);
    struct model_record record = {
        .kind = kind,
        .slot = slot,
        .ballot = {.round = expected + 7, .node = 2, .incarnation = ~expected},
        .body = cd_malloc(body_bytes),
        .body_bytes = body_bytes,
    };
    for (size_t i = 0; i < body_bytes; i++) {
        record.body[i] = (uint8_t)cd_prng_next(&prng);
    }
    struct storage_record view = {
        .kind = kind,
        .slot = slot,
        .ballot = record.ballot,
        .body = record.body,
        .body_bytes = body_bytes,
    };
    uint64_t position = 0;
    enum cd_status status = storage_log_append(fixture->log, &view, lazy, &position);
    if (status != CD_OK) {
        cd_free(record.body);
        assert_int_equal(storage_log_last(fixture->log), expected - 1);
        return status;
    }
    assert_int_equal(position, expected);
    assert_int_equal(storage_log_last(fixture->log), expected);
    *model_extend(fixture) = record;
    return CD_OK;
}

uint64_t fixture_entry(struct fixture *fixture, uint64_t slot, size_t body_bytes)
{
    assert_int_equal(fixture_append(fixture, STORAGE_ENTRY, slot, body_bytes, false), CD_OK);
    return fixture->last;
}

enum cd_status fixture_drop(struct fixture *fixture, uint64_t slot)
{
    enum cd_status status = storage_log_drop(fixture->log, slot);
    if (status == CD_OK) {
        fixture->floor = slot > fixture->floor ? slot : fixture->floor;
        fixture->drop_limit = storage_log_last(fixture->log);
    }
    return status;
}

void fixture_sync(struct fixture *fixture)
{
    storage_log_flush(fixture->log);
    (void)fault_disk_pump(fixture->disk);
}

void fixture_advance(struct fixture *fixture, uint64_t ms)
{
    fixture->now_ms += ms;
    fault_disk_set_time(fixture->disk, fixture->now_ms, 0);
    storage_log_tick(fixture->log, fixture->now_ms);
}

struct entries_check {
    struct fixture *fixture;
    const struct model_record **newest; /* by slot */
    uint64_t slots;
    uint64_t at;
};

static bool on_entry(void *context, const struct storage_record *record)
{
    struct entries_check *check = context;
    assert_true(record->slot > check->at);
    for (uint64_t slot = check->at + 1; slot < record->slot; slot++) {
        assert_null(check->newest[slot]);
    }
    assert_true(record->slot < check->slots);
    check_record(check->newest[record->slot], record);
    check->at = record->slot;
    return true;
}

void fixture_check_entries(struct fixture *fixture)
{
    struct entries_check check = {.fixture = fixture};
    for (uint64_t i = 1; i <= fixture->last; i++) {
        if (fixture->records[i].kind == STORAGE_ENTRY && fixture->records[i].slot >= check.slots) {
            check.slots = fixture->records[i].slot + 1;
        }
    }
    check.newest = cd_calloc((size_t)check.slots + 1, sizeof(struct model_record *));
    for (uint64_t i = 1; i <= fixture->last; i++) {
        if (fixture->records[i].kind == STORAGE_ENTRY) {
            check.newest[fixture->records[i].slot] = &fixture->records[i];
        }
    }
    struct storage_stats stats;
    storage_log_stats(fixture->log, &stats);
    assert_true(stats.first_slot - 1 <= fixture->floor);
    uint64_t slot = stats.first_slot;
    while (slot < check.slots && check.newest[slot] == NULL) {
        slot++;
    }
    check.at = slot - 1;
    struct cd_error error;
    enum cd_status status = storage_log_read_entries(fixture->log, slot, UINT64_MAX, SIZE_MAX,
                                                     on_entry, &check, &error);
    if (slot >= check.slots) {
        assert_int_equal(status, CD_NOT_FOUND);
    } else {
        assert_int_equal(status, CD_OK);
        assert_int_equal(check.at + 1, check.slots);
    }
    cd_free(check.newest);
}

const char *fixture_segment(uint64_t sequence)
{
    static char name[SEGMENT_NAME_BYTES];
    segment_name(name, sequence, false);
    return name;
}

uint64_t fixture_find_record(struct fixture *fixture, uint64_t sequence, uint64_t position)
{
    uint64_t bytes = 0;
    const uint8_t *data = fault_disk_peek(fixture->disk, fixture_segment(sequence), &bytes);
    assert_non_null(data);
    struct segment_header header;
    assert_int_equal(segment_decode_header(data, &header), CD_OK);
    uint64_t seed = segment_seed(header.sequence, header.nonce);
    uint64_t at = SEGMENT_HEADER_BYTES;
    struct segment_record record;
    while (at + SEGMENT_RECORD_HEADER_BYTES <= bytes &&
           segment_check_record(data + at, seed, &record)) {
        if (record.position == position && (record.flags & SEGMENT_FLAG_HEAD) == 0) {
            return at;
        }
        at += segment_record_bytes(record.body_bytes);
    }
    return 0;
}

struct ends {
    uint64_t first;
    uint64_t last;
};

static void note_segment(void *context, const char *name)
{
    struct ends *ends = context;
    uint64_t sequence;
    bool temporary;
    if (segment_parse_name(name, &sequence, &temporary) && !temporary) {
        ends->first = ends->first == 0 ? sequence : ends->first;
        ends->last = sequence; /* they come in order */
    }
}

static struct ends find_ends(struct fixture *fixture)
{
    struct ends ends = {0};
    const struct env *env = fault_disk_env(fixture->disk);
    assert_int_equal(env->ops->list(env->self, note_segment, &ends), CD_OK);
    return ends;
}

uint64_t fixture_last_segment(struct fixture *fixture)
{
    return find_ends(fixture).last;
}

uint64_t fixture_first_segment(struct fixture *fixture)
{
    return find_ends(fixture).first;
}
