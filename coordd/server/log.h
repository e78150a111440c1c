#ifndef COORD_SERVER_LOG_H
#define COORD_SERVER_LOG_H

#include "base/assert.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The process's log: one line an event, as logfmt or JSON, with time (RFC 3339, UTC, milliseconds),
 * level, event and the replica's node first and key=value pairs behind.
 *
 * Invariants
 *  - A line is at most SERVER_LOG_LINE_BYTES long, ends with a newline and leaves in one write(2).
 *    What does not fit is cut between characters and the line says cut=true.
 *  - Nothing that came from outside can break a line or reach a terminal raw: control characters
 *    are escaped, bytes that are no UTF-8 become U+FFFD.
 *  - The caller never waits for whoever reads the log: if the file descriptor cannot take a whole
 *    line now, the line is lost, and the next one that leaves says how many were (lost=N).
 *  - There is no formatter for secrets: keys, session secrets, node data and frames are not logged.
 *
 * Thread: any.
 */

enum server_log_level {
    SERVER_LOG_DEBUG,
    SERVER_LOG_INFO,
    SERVER_LOG_WARN,
    SERVER_LOG_ERROR,
};

enum server_log_format {
    SERVER_LOG_LOGFMT,
    SERVER_LOG_JSON,
};

/*
 * PIPE_BUF on Linux: a pipe that polls as writable takes this much without blocking, and does not
 * mix it with another writer's bytes.
 */
#define SERVER_LOG_LINE_BYTES 4096u

struct server_log {
    pthread_mutex_t mutex;         /* guards `lost` and the order of lines */
    uint64_t lost;                 /* lines since the last one that left */
    enum server_log_format format; /* constant after init */
    enum server_log_level level;   /* constant after init: lower ones are dropped */
    uint32_t node;                 /* constant after init; 0: lines have no node */
    int fd;                        /* borrowed */
    uint64_t (*wall_ms)(void);     /* milliseconds since 1970; tests replace it */
};

/* `fd` is borrowed until release and is never closed here. */
void server_log_init(struct server_log *log, int fd, enum server_log_format format,
                     enum server_log_level level, uint32_t node);
void server_log_release(struct server_log *log);

/* "debug", "info", "warn", "error"; "logfmt", "json". Static strings. */
const char *server_log_level_name(enum server_log_level level);
const char *server_log_format_name(enum server_log_format format);

/*
 * One line in the making, on the caller's stack: begin, any number of puts, end. A line below the
 * log's level costs one comparison for each of them.
 */
struct server_line {
    struct server_log *log; /* NULL: dropped */
    size_t bytes;
    bool cut;
    char text[SERVER_LOG_LINE_BYTES];
};

/* `event` and every `key` are words of our own: a-z, 0-9, '_'. */
void server_line_begin(struct server_line *line, struct server_log *log,
                       enum server_log_level level, const char *event);

/* `value` may hold any bytes before its NUL; NULL leaves the pair out. */
void server_line_str(struct server_line *line, const char *key, const char *value);
void server_line_bytes(struct server_line *line, const char *key, const char *value, size_t bytes);
void server_line_u64(struct server_line *line, const char *key, uint64_t value);
void server_line_hex(struct server_line *line, const char *key, uint64_t value); /* 16 digits */
void server_line_bool(struct server_line *line, const char *key, bool value);
void server_line_end(struct server_line *line);

/*
 * Lets `burst` lines of a kind through in each window and counts the others, for lines that a
 * stranger or a fault can provoke at will. Zeroed before first use. Not shared between threads.
 */
struct server_limit {
    uint64_t window_ends_ms;
    uint64_t suppressed; /* since the last line that passed */
    uint32_t passed;     /* in this window */
};

/*
 * Whether a line may be written at `now_ms` (monotonic). If so, *ret_suppressed is how many were
 * not since the last one, for the line to tell (suppressed=N).
 */
bool server_limit_pass(struct server_limit *limit, uint64_t now_ms, uint32_t window_ms,
                       uint32_t burst, uint64_t *ret_suppressed);

#endif
