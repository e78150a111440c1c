#include "server/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Kept free for what closes a line: a quote, the two pairs below, a brace, the newline. */
#define LINE_TAIL_BYTES 64u

static uint64_t wall_now_ms(void)
{
    struct timespec now;
    CD_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void server_log_init(struct server_log *log, int fd, enum server_log_format format,
                     enum server_log_level level, uint32_t node)
{
    *log = (struct server_log){
        .format = format, .level = level, .node = node, .fd = fd, .wall_ms = wall_now_ms};
    CD_ASSERT(pthread_mutex_init(&log->mutex, NULL) == 0);
}

void server_log_release(struct server_log *log)
{
    CD_ASSERT(pthread_mutex_destroy(&log->mutex) == 0);
}

const char *server_log_level_name(enum server_log_level level)
{
    switch (level) {
    case SERVER_LOG_DEBUG:
        return "debug";
    case SERVER_LOG_INFO:
        return "info";
    case SERVER_LOG_WARN:
        return "warn";
    case SERVER_LOG_ERROR:
        return "error";
    }
    CD_UNREACHABLE();
}

const char *server_log_format_name(enum server_log_format format)
{
    switch (format) {
    case SERVER_LOG_LOGFMT:
        return "logfmt";
    case SERVER_LOG_JSON:
        return "json";
    }
    CD_UNREACHABLE();
}

/* ---- Bytes of a line ---- */

/* All of it or, where the tail's room would be touched, nothing and a line marked as cut. */
static bool put(struct server_line *line, const char *from, size_t bytes)
{
    if (line->cut || bytes > SERVER_LOG_LINE_BYTES - LINE_TAIL_BYTES - line->bytes) {
        line->cut = true;
        return false;
    }
    memcpy(line->text + line->bytes, from, bytes);
    line->bytes += bytes;
    return true;
}

/* What closes a line: the room for it was kept. */
static void put_tail(struct server_line *line, const char *from)
{
    size_t bytes = strlen(from);
    CD_ASSERT(bytes <= SERVER_LOG_LINE_BYTES - line->bytes);
    memcpy(line->text + line->bytes, from, bytes);
    line->bytes += bytes;
}

static bool is_json(const struct server_line *line)
{
    return line->log->format == SERVER_LOG_JSON;
}

/* Writes the separator, the key and its sign; false, and nothing written, if they do not fit. */
static bool put_key(struct server_line *line, const char *key)
{
    char head[64];
    const char *separator = line->bytes == 0 ? "" : is_json(line) ? "," : " ";
    int length = is_json(line) ? snprintf(head, sizeof(head), "%s\"%s\":", separator, key)
                               : snprintf(head, sizeof(head), "%s%s=", separator, key);
    CD_ASSERT(length > 0 && (size_t)length < sizeof(head));
    if (line->bytes == 0 && is_json(line)) {
        return put(line, "{", 1) && put(line, head, (size_t)length);
    }
    return put(line, head, (size_t)length);
}

/*
 * Decodes the first character of `from` (at least one byte). Returns how many bytes it takes; for
 * bytes that are no UTF-8 (RFC 3629: nothing overlong, no surrogates, nothing over U+10FFFF) takes
 * one and gives U+FFFD with *ret_valid false.
 */
static size_t decode_utf8(const char *from, size_t bytes, uint32_t *ret_code, bool *ret_valid)
{
    static const uint32_t LOWEST[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)from[0];
    size_t length = first < 0x80             ? 1
                    : (first & 0xe0) == 0xc0 ? 2
                    : (first & 0xf0) == 0xe0 ? 3
                    : (first & 0xf8) == 0xf0 ? 4
                                             : 0;
    uint32_t code = length <= 1 ? first : first & (0x7fu >> length);
    bool valid = length != 0 && length <= bytes;
    for (size_t i = 1; valid && i < length; i++) {
        uint8_t next = (uint8_t)from[i];
        valid = (next & 0xc0) == 0x80;
        code = code << 6 | (next & 0x3f);
    }
    valid =
        valid && code >= LOWEST[length] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    *ret_valid = valid;
    *ret_code = valid ? code : 0xfffd;
    return valid ? length : 1;
}

/* C0, DEL, C1 and the two Unicode line ends: what a terminal or a line reader would act on. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029;
}

/* Writes one character as it stands between quotes; the escapes are JSON's in both formats. */
static bool put_character(struct server_line *line, uint32_t code, const char *raw, size_t bytes)
{
    char escape[8];
    switch (code) {
    case '"':
        return put(line, "\\\"", 2);
    case '\\':
        return put(line, "\\\\", 2);
    case '\n':
        return put(line, "\\n", 2);
    case '\r':
        return put(line, "\\r", 2);
    case '\t':
        return put(line, "\\t", 2);
    default:
        break;
    }
    if (is_control(code)) {
        int length = snprintf(escape, sizeof(escape), "\\u%04x", code & 0xffffu);
        return put(line, escape, (size_t)length);
    }
    return put(line, raw, bytes);
}

/* Whether a value stands in logfmt without quotes. */
static bool is_plain(const char *value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = value[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return bytes > 0;
}

void server_line_bytes(struct server_line *line, const char *key, const char *value, size_t bytes)
{
    size_t before = line->bytes;
    if (line->log == NULL || !put_key(line, key)) {
        return;
    }
    if (!is_json(line) && is_plain(value, bytes) && put(line, value, bytes)) {
        return;
    }
    /* A plain value that did not fit marked the line as cut; what fits of it still helps. */
    line->cut = false;
    if (!put(line, "\"", 1)) {
        line->bytes = before;
        return;
    }
    for (size_t at = 0; at < bytes && !line->cut;) {
        uint32_t code;
        bool valid;
        size_t length = decode_utf8(value + at, bytes - at, &code, &valid);
        if (valid) {
            put_character(line, code, value + at, length);
        } else {
            put(line, "\xef\xbf\xbd", 3);
        }
        at += length;
    }
    put_tail(line, "\"");
}

void server_line_str(struct server_line *line, const char *key, const char *value)
{
    if (value != NULL) {
        server_line_bytes(line, key, value, strlen(value));
    }
}

/* A value that needs no quotes in either format. */
static void put_bare(struct server_line *line, const char *key, const char *value)
{
    size_t before = line->bytes;
    if (line->log != NULL && put_key(line, key) && !put(line, value, strlen(value))) {
        line->bytes = before;
    }
}

void server_line_u64(struct server_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    put_bare(line, key, text);
}

void server_line_hex(struct server_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
    server_line_str(line, key, text);
}

void server_line_bool(struct server_line *line, const char *key, bool value)
{
    put_bare(line, key, value ? "true" : "false");
}

void server_line_begin(struct server_line *line, struct server_log *log,
                       enum server_log_level level, const char *event)
{
    line->log = level >= log->level ? log : NULL;
    line->bytes = 0;
    line->cut = false;
    if (line->log == NULL) {
        return;
    }
    uint64_t wall_ms = log->wall_ms();
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char stamp[40];
    CD_ASSERT(gmtime_r(&seconds, &utc) != NULL);
    size_t length = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + length, sizeof(stamp) - length, ".%03uZ", (unsigned)(wall_ms % 1000));
    server_line_str(line, "time", stamp);
    server_line_str(line, "level", server_log_level_name(level));
    server_line_str(line, "event", event);
    if (log->node != 0) {
        server_line_u64(line, "node", log->node);
    }
}

/* Closes the line's text. The log's mutex is held. */
static void finish(struct server_line *line)
{
    if (line->cut) {
        put_tail(line, is_json(line) ? ",\"cut\":true" : " cut=true");
    }
    if (line->log->lost > 0) {
        char number[24];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)line->log->lost);
        put_tail(line, is_json(line) ? ",\"lost\":" : " lost=");
        put_tail(line, number);
    }
    put_tail(line, is_json(line) ? "}\n" : "\n");
}

void server_line_end(struct server_line *line)
{
    struct server_log *log = line->log;
    if (log == NULL) {
        return;
    }
    CD_ASSERT(pthread_mutex_lock(&log->mutex) == 0);
    finish(line);
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    bool left = false;
    (void)poll(&ready, 1, 0);
    if ((ready.revents & POLLOUT) != 0) {
        ssize_t written;
        do {
            written = write(log->fd, line->text, line->bytes);
        } while (written < 0 && errno == EINTR);
        left = written > 0;
    }
    log->lost = left ? 0 : log->lost + 1;
    CD_ASSERT(pthread_mutex_unlock(&log->mutex) == 0);
}

bool server_limit_pass(struct server_limit *limit, uint64_t now_ms, uint32_t window_ms,
                       uint32_t burst, uint64_t *ret_suppressed)
{
    if (now_ms >= limit->window_ends_ms) {
        limit->window_ends_ms = now_ms + window_ms;
        limit->passed = 0;
    }
    if (limit->passed >= burst) {
        limit->suppressed++;
        return false;
    }
    limit->passed++;
    *ret_suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
