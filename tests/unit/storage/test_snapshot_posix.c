/*
 * Log and snapshots on real files: a process that writes both and drops the log behind them is
 * killed with -9 again and again, and always finds a snapshot and a log that together reach the
 * last number that it had reported durable.
 */

#include "base/memory.h"
#include "env/env_posix.h"
#include "snapshot_fixture.h"
#include "storage/log.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    KILLS = 10,
    REPORTS_EACH = 200, /* group commits until a process is killed */
    BODY_BYTES = 600,
    CONTENT_BYTES = 1500000,
    SNAPSHOT_EVERY = 60, /* entries */
    PIECE_BYTES = 200000,
    SLOTS_WAITING_MAX = 4096,
};

struct writer {
    struct env_posix *posix;
    struct storage_snapshots *set;
    struct storage_log *log;
    struct storage_recovery recovery;
    struct cd_error error;
    uint64_t loaded;   /* slot of the snapshot that was loaded, 0 for none */
    uint64_t last;     /* slot of the last entry */
    uint64_t durable;  /* slots up to it are */
    uint64_t snapshot; /* slot of the newest one begun or loaded */
    bool making;
    uint64_t put;                          /* of its content */
    uint64_t positions[SLOTS_WAITING_MAX]; /* of the last slots, in the log */
    int report_fd;                         /* gets each durable slot; -1 for nobody */
};

static void on_synced(void *context, enum cd_status status, uint64_t upto)
{
    struct writer *writer = context;
    CD_ASSERT(status == CD_OK);
    while (writer->durable < writer->last &&
           writer->positions[(writer->durable + 1) % SLOTS_WAITING_MAX] <= upto) {
        writer->durable++;
    }
    ssize_t written = write(writer->report_fd, &writer->durable, sizeof(writer->durable));
    CD_ASSERT(written == sizeof(writer->durable));
}

/* Slots come one after the other; those of the snapshot may be there or not. */
static enum cd_status on_visit(void *context, uint64_t position,
                               const struct storage_record *record, struct cd_error *error)
{
    struct writer *writer = context;
    (void)position;
    if (record->kind == STORAGE_STATE) {
        return CD_OK;
    }
    if (record->slot > writer->last + 1 && record->slot > writer->loaded + 1) {
        return cd_error_set(error, CD_MALFORMED, "%" PRIu64 " behind %" PRIu64, record->slot,
                            writer->last);
    }
    writer->last = record->slot > writer->last ? record->slot : writer->last;
    return CD_OK;
}

static void on_describe(void *context, struct storage_log *log)
{
    (void)context;
    const struct storage_record record = {.kind = STORAGE_STATE};
    storage_log_describe_put(log, &record);
}

/* Reads the newest; every byte of it must be right. */
static enum cd_status load(struct writer *writer)
{
    struct storage_snapshot_info info;
    if (!storage_snapshots_at(writer->set, 0, &info)) {
        return CD_OK;
    }
    struct storage_snapshot_reader *reader = NULL;
    enum cd_status status =
        storage_snapshot_reader_open(writer->set, info.meta.slot, &reader, &writer->error);
    uint8_t *expected = cd_malloc(STORAGE_SNAPSHOT_PUT_BYTES_MAX);
    uint64_t offset = 0;
    size_t bytes = 1;
    while (status == CD_OK && bytes != 0) {
        const uint8_t *data;
        status = storage_snapshot_read(reader, &data, &bytes, &writer->error);
        if (status == CD_OK) {
            snaps_content(info.meta.slot, offset, expected, bytes);
            CD_ASSERT(memcmp(data, expected, bytes) == 0);
            offset += bytes;
        }
    }
    cd_free(expected);
    storage_snapshot_reader_free(reader);
    writer->loaded = info.meta.slot;
    writer->snapshot = info.meta.slot;
    writer->last = info.meta.slot;
    CD_ASSERT(status != CD_OK || offset == CONTENT_BYTES);
    return status;
}

static enum cd_status open_writer(struct writer *writer, const char *dir)
{
    enum cd_status status = env_posix_create(dir, &writer->posix, &writer->error);
    if (status != CD_OK) {
        return status;
    }
    const struct env *env = env_posix_as_env(writer->posix);
    struct storage_snapshots_options snapshots = {.cluster_name = "unit-test"};
    status = storage_snapshots_open(env, &snapshots, &writer->set, &writer->error);
    if (status == CD_OK) {
        status = load(writer);
    }
    struct storage_options options = {
        .cluster_name = "unit-test",
        .node = 1,
        .segment_bytes = 32 << 10,
        .idle_ms = 1000000,
        .done = on_synced,
        .describe = on_describe,
        .context = writer,
    };
    if (status == CD_OK) {
        status = storage_log_open(env, &options, on_visit, writer, &writer->log, &writer->recovery,
                                  &writer->error);
    }
    return status;
}

static void close_writer(struct writer *writer)
{
    storage_log_free(writer->log);
    storage_snapshots_free(writer->set);
    env_posix_free(writer->posix);
}

static void append(struct writer *writer)
{
    uint8_t body[BODY_BYTES] = {0};
    struct storage_record record = {
        .kind = STORAGE_ENTRY,
        .slot = writer->last + 1,
        .body = body,
        .body_bytes = sizeof(body),
    };
    uint64_t position;
    enum cd_status status = storage_log_append(writer->log, &record, false, &position);
    CD_ASSERT(status == CD_OK);
    writer->last++;
    CD_ASSERT(writer->last - writer->durable < SLOTS_WAITING_MAX);
    writer->positions[writer->last % SLOTS_WAITING_MAX] = position;
}

static void on_snapshot(void *context, enum cd_status status, uint64_t slot)
{
    struct writer *writer = context;
    CD_ASSERT(status == CD_OK);
    CD_ASSERT(slot == writer->snapshot);
    writer->making = false;
    uint64_t floor = storage_snapshots_floor(writer->set);
    status = floor != 0 ? storage_log_drop(writer->log, floor) : CD_OK;
    CD_ASSERT(status == CD_OK);
}

/* A snapshot of what is durable, one piece a turn. */
static void snapshot(struct writer *writer)
{
    static uint8_t piece[PIECE_BYTES];
    enum cd_status status = CD_OK;
    if (!writer->making && writer->durable >= writer->snapshot + SNAPSHOT_EVERY) {
        struct storage_snapshot_meta meta = snaps_meta(writer->durable);
        status = storage_snapshot_begin(writer->set, &meta, on_snapshot, writer);
        if (status == CD_OK) {
            writer->making = true;
            writer->snapshot = meta.slot;
            writer->put = 0;
        }
    } else if (writer->making && writer->put < CONTENT_BYTES) {
        uint64_t left = CONTENT_BYTES - writer->put;
        size_t bytes = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        snaps_content(writer->snapshot, writer->put, piece, bytes);
        status = storage_snapshot_put(writer->set, piece, bytes);
        writer->put += status == CD_OK ? bytes : 0;
    } else if (writer->making && writer->put == CONTENT_BYTES) {
        writer->put++;
        status = storage_snapshot_finish(writer->set);
    }
    CD_ASSERT(status == CD_OK || status == CD_BUSY);
}

static _Noreturn void write_for_ever(const char *dir, int report_fd)
{
    struct writer writer = {.report_fd = -1};
    if (open_writer(&writer, dir) != CD_OK) {
        fprintf(stderr, "%s\n", writer.error.message);
        _exit(1);
    }
    writer.report_fd = report_fd;
    writer.durable = writer.last;
    for (;;) {
        for (uint64_t i = 0; i <= writer.last % 4; i++) {
            append(&writer);
        }
        snapshot(&writer);
        storage_log_flush(writer.log);
        (void)env_posix_wait(writer.posix, UINT64_MAX);
    }
}

static uint64_t run_and_kill(const char *dir)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        write_for_ever(dir, fds[1]);
    }
    close(fds[1]);
    uint64_t durable = 0;
    uint64_t report;
    for (int i = 0; i < REPORTS_EACH; i++) {
        assert_int_equal(read(fds[0], &report, sizeof(report)), sizeof(report));
        durable = report;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(fds[0], &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        durable = report;
    }
    close(fds[0]);
    return durable;
}

static void remove_each(void *context, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
    (void)unlink(path);
}

static bool count_entry(void *context, const struct storage_record *record)
{
    uint64_t *next = context;
    assert_int_equal(record->slot, *next);
    (*next)++;
    return true;
}

static void test_killed_in_the_middle(void **state)
{
    (void)state;
    char dir[] = "/tmp/coord-snapshot-XXXXXX";
    assert_non_null(mkdtemp(dir));
    uint64_t durable = 0;
    for (int i = 0; i < KILLS; i++) {
        uint64_t reported = run_and_kill(dir);
        assert_true(reported > durable);
        durable = reported;
    }
    struct writer writer = {.report_fd = -1};
    if (open_writer(&writer, dir) != CD_OK) {
        fail_msg("%s", writer.error.message);
    }
    assert_true(writer.last >= durable);
    assert_true(writer.loaded > 0);
    assert_true(writer.recovery.first_position > 1); /* it was dropped, and not too far: */
    assert_true(writer.recovery.dropped_slot <= writer.loaded);
    struct storage_snapshot_info older;
    assert_true(storage_snapshots_at(writer.set, 1, &older));
    assert_true(writer.recovery.dropped_slot <= older.meta.slot);
    uint64_t next = older.meta.slot + 1;
    assert_int_equal(storage_log_read_entries(writer.log, next, UINT64_MAX, SIZE_MAX, count_entry,
                                              &next, &writer.error),
                     CD_OK);
    assert_int_equal(next, writer.last + 1);
    close_writer(&writer);
    struct env_posix *second;
    assert_int_equal(env_posix_create(dir, &second, NULL), CD_OK);
    const struct env *env = env_posix_as_env(second);
    assert_int_equal(env->ops->list(env->self, remove_each, dir), CD_OK);
    remove_each(dir, ENV_POSIX_LOCK_NAME);
    env_posix_free(second);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
