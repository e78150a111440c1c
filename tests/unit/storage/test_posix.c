/*
 * The log on real files: a process is killed with -9 in the middle of its writing, again and again,
 * and everything that it had reported durable is there afterwards.
 */

#include "base/memory.h"
#include "env/env_posix.h"
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
    KILLS = 12,
    REPORTS_EACH = 150, /* group commits until a process is killed */
    BODY_BYTES = 300,
};

struct writer {
    struct env_posix *posix;
    struct storage_log *log;
    struct storage_recovery recovery;
    uint64_t next;    /* the number in the next record */
    uint64_t durable; /* numbers up to it were in records called durable */
    int report_fd;    /* gets each durable number; -1 for nobody */
};

static void on_done(void *context, enum cd_status status, uint64_t upto)
{
    struct writer *writer = context;
    CD_ASSERT(status == CD_OK);
    (void)upto;
    /* The log takes no other records than ours (it is never idle), so the last ones are these. */
    writer->durable = writer->next - 1 - (storage_log_last(writer->log) - upto);
    if (writer->report_fd >= 0) {
        ssize_t written = write(writer->report_fd, &writer->durable, sizeof(writer->durable));
        CD_ASSERT(written == sizeof(writer->durable));
    }
}

/* Records hold 1, 2, 3, ... and nothing else. */
static enum cd_status on_visit(void *context, uint64_t position,
                               const struct storage_record *record, struct cd_error *error)
{
    struct writer *writer = context;
    (void)position;
    uint64_t number;
    if (record->body_bytes != BODY_BYTES) {
        return cd_error_set(error, CD_MALFORMED, "a body of %zu bytes", record->body_bytes);
    }
    memcpy(&number, record->body, sizeof(number));
    if (number != writer->next || record->slot != number) {
        return cd_error_set(error, CD_MALFORMED, "%" PRIu64 " instead of %" PRIu64, number,
                            writer->next);
    }
    writer->next++;
    return CD_OK;
}

static enum cd_status open_writer(struct writer *writer, const char *dir, struct cd_error *error)
{
    writer->next = 1;
    enum cd_status status = env_posix_create(dir, &writer->posix, error);
    if (status != CD_OK) {
        return status;
    }
    struct storage_options options = {
        .cluster_name = "unit-test",
        .node = 1,
        .segment_bytes = 64 << 10,
        .idle_ms = 1000000,
        .done = on_done,
        .context = writer,
    };
    return storage_log_open(env_posix_as_env(writer->posix), &options, on_visit, writer,
                            &writer->log, &writer->recovery, error);
}

static void close_writer(struct writer *writer)
{
    storage_log_free(writer->log);
    env_posix_free(writer->posix);
    writer->log = NULL;
    writer->posix = NULL;
}

static void append(struct writer *writer)
{
    uint8_t body[BODY_BYTES];
    memset(body, (int)(writer->next & 0xff), sizeof(body));
    memcpy(body, &writer->next, sizeof(writer->next));
    struct storage_record record = {
        .kind = STORAGE_ENTRY,
        .slot = writer->next,
        .body = body,
        .body_bytes = sizeof(body),
    };
    uint64_t position;
    enum cd_status status = storage_log_append(writer->log, &record, false, &position);
    CD_ASSERT(status == CD_OK);
    writer->next++;
}

/* Writes and reports until it is killed. */
static _Noreturn void write_for_ever(const char *dir, int report_fd)
{
    struct writer writer = {.report_fd = report_fd};
    struct cd_error error;
    if (open_writer(&writer, dir, &error) != CD_OK) {
        fprintf(stderr, "%s\n", error.message);
        _exit(1);
    }
    for (;;) {
        for (uint64_t i = 0; i <= writer.next % 5; i++) {
            append(&writer);
        }
        storage_log_flush(writer.log);
        (void)env_posix_wait(writer.posix, UINT64_MAX);
    }
}

/* Kills a writer after some reports; returns the highest number that it called durable. */
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
        assert_true(report > durable);
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
    char dir[] = "/tmp/coord-log-XXXXXX";
    assert_non_null(mkdtemp(dir));
    uint64_t durable = 0;
    for (int i = 0; i < KILLS; i++) {
        uint64_t reported = run_and_kill(dir);
        assert_true(reported > durable);
        durable = reported;
    }
    struct writer writer = {.report_fd = -1};
    struct cd_error error;
    if (open_writer(&writer, dir, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(writer.next - 1 >= durable);
    assert_int_equal(writer.recovery.last_position, writer.next - 1);
    uint64_t next = 1;
    assert_int_equal(
        storage_log_read_entries(writer.log, 1, UINT64_MAX, SIZE_MAX, count_entry, &next, &error),
        CD_OK);
    assert_int_equal(next, writer.next);

    /* A second process is refused while this one lives. */
    struct env_posix *second;
    assert_int_equal(env_posix_create(dir, &second, &error), CD_IN_USE);

    close_writer(&writer);
    assert_int_equal(env_posix_create(dir, &second, &error), CD_OK);
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
