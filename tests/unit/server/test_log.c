#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Goal: exact lines, whatever the values hold; never a blocked caller. Method: a pipe in the place
 * of stderr, a fixed clock, lines compared byte by byte.
 */

static uint64_t fixed_wall_ms(void)
{
    return UINT64_C(1700000000007); /* 2023-11-14T22:13:20.007Z */
}

struct fixture {
    int reader, writer;
    struct server_log log;
    char text[SERVER_LOG_LINE_BYTES + 1];
};

static struct fixture *open_log(enum server_log_format format, enum server_log_level level,
                                uint32_t node)
{
    int ends[2];
    struct fixture *f = cd_calloc(1, sizeof(*f));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    f->reader = ends[0];
    f->writer = ends[1];
    assert_int_equal(fcntl(f->reader, F_SETFL, O_NONBLOCK), 0);
    server_log_init(&f->log, f->writer, format, level, node);
    f->log.wall_ms = fixed_wall_ms;
    return f;
}

static void close_log(struct fixture *f)
{
    server_log_release(&f->log);
    close(f->reader);
    close(f->writer);
    cd_free(f);
}

/* What one write(2) has put into the pipe, or "". */
static const char *take(struct fixture *f)
{
    ssize_t bytes = read(f->reader, f->text, SERVER_LOG_LINE_BYTES);
    f->text[bytes > 0 ? bytes : 0] = '\0';
    return f->text;
}

static const char *line_with(struct fixture *f, const char *value, size_t bytes)
{
    struct server_line line;
    server_line_begin(&line, &f->log, SERVER_LOG_INFO, "e");
    server_line_bytes(&line, "k", value, bytes);
    server_line_end(&line);
    return take(f);
}

#define LOGFMT_HEAD "time=2023-11-14T22:13:20.007Z level=info event=e node=3 k="
#define JSON_HEAD                                                                                  \
    "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"info\",\"event\":\"e\",\"node\":3,\"k\":"

static void assert_value(const char *value, size_t bytes, const char *logfmt, const char *json)
{
    char expected[512];
    struct fixture *f = open_log(SERVER_LOG_LOGFMT, SERVER_LOG_INFO, 3);
    snprintf(expected, sizeof(expected), LOGFMT_HEAD "%s\n", logfmt);
    assert_string_equal(line_with(f, value, bytes), expected);
    close_log(f);
    f = open_log(SERVER_LOG_JSON, SERVER_LOG_INFO, 3);
    snprintf(expected, sizeof(expected), JSON_HEAD "%s}\n", json);
    assert_string_equal(line_with(f, value, bytes), expected);
    close_log(f);
}

#define ASSERT_VALUE(value, logfmt, json) assert_value(value, sizeof(value) - 1, logfmt, json)

static void values_are_escaped(void **state)
{
    (void)state;
    ASSERT_VALUE("plain-value/1:2", "plain-value/1:2", "\"plain-value/1:2\"");
    ASSERT_VALUE("", "\"\"", "\"\"");
    ASSERT_VALUE("two words", "\"two words\"", "\"two words\"");
    ASSERT_VALUE("a=b", "\"a=b\"", "\"a=b\"");
    ASSERT_VALUE("say \"x\"", "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\"");
    ASSERT_VALUE("back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\"");
    ASSERT_VALUE("a\nb\rc\td", "\"a\\nb\\rc\\td\"", "\"a\\nb\\rc\\td\"");
    ASSERT_VALUE("\x1b[31m\x01\x7f", "\"\\u001b[31m\\u0001\\u007f\"",
                 "\"\\u001b[31m\\u0001\\u007f\"");
    ASSERT_VALUE("nul\0inside", "\"nul\\u0000inside\"", "\"nul\\u0000inside\"");
}

static void utf8_stays_and_what_is_none_is_replaced(void **state)
{
    (void)state;
    ASSERT_VALUE("gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\"");
    ASSERT_VALUE("\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
                 "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
    /* A C1 control, and the line separator that some readers break lines at. */
    ASSERT_VALUE("\xc2\x9b\xe2\x80\xa8", "\"\\u009b\\u2028\"", "\"\\u009b\\u2028\"");
#define R "\xef\xbf\xbd"
    ASSERT_VALUE("a\xff", "\"a" R "\"", "\"a" R "\"");              /* no UTF-8 byte at all */
    ASSERT_VALUE("a\x80", "\"a" R "\"", "\"a" R "\"");              /* continuation alone */
    ASSERT_VALUE("\xc3", "\"" R "\"", "\"" R "\"");                 /* cut short */
    ASSERT_VALUE("\xc3(", "\"" R "(\"", "\"" R "(\"");              /* wrong continuation */
    ASSERT_VALUE("\xc0\xaf", "\"" R R "\"", "\"" R R "\"");         /* overlong "/" */
    ASSERT_VALUE("\xe0\x80\xaf", "\"" R R R "\"", "\"" R R R "\""); /* overlong "/" */
    ASSERT_VALUE("\xed\xa0\x80", "\"" R R R "\"", "\"" R R R "\""); /* surrogate */
    ASSERT_VALUE("\xf4\x90\x80\x80", "\"" R R R R "\"", "\"" R R R R "\"");
#undef R
}

static void kinds_of_values(void **state)
{
    (void)state;
    struct server_line line;
    for (int json = 0; json < 2; json++) {
        struct fixture *f =
            open_log(json ? SERVER_LOG_JSON : SERVER_LOG_LOGFMT, SERVER_LOG_DEBUG, 0);
        server_line_begin(&line, &f->log, SERVER_LOG_WARN, "kinds");
        server_line_u64(&line, "u", UINT64_MAX);
        server_line_hex(&line, "h", 0xbeef);
        server_line_bool(&line, "b", true);
        server_line_str(&line, "left_out", NULL);
        server_line_end(&line);
        assert_string_equal(
            take(f),
            json ? "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"warn\",\"event\":\"kinds\","
                   "\"u\":18446744073709551615,\"h\":\"000000000000beef\",\"b\":true}\n"
                 : "time=2023-11-14T22:13:20.007Z level=warn event=kinds "
                   "u=18446744073709551615 h=000000000000beef b=true\n");
        close_log(f);
    }
}

static void lines_below_the_level_are_left_out(void **state)
{
    (void)state;
    struct server_line line;
    struct fixture *f = open_log(SERVER_LOG_LOGFMT, SERVER_LOG_WARN, 1);
    for (int level = SERVER_LOG_DEBUG; level <= SERVER_LOG_ERROR; level++) {
        server_line_begin(&line, &f->log, (enum server_log_level)level, "e");
        server_line_u64(&line, "k", 1);
        server_line_end(&line);
        const char *text = take(f);
        if (level < SERVER_LOG_WARN) {
            assert_string_equal(text, "");
        } else {
            assert_non_null(strstr(text, server_log_level_name((enum server_log_level)level)));
        }
    }
    close_log(f);
}

/* Every length around the limit, with a character of two bytes at the end of each. */
static void long_lines_are_cut_between_characters(void **state)
{
    (void)state;
    static char value[SERVER_LOG_LINE_BYTES + 64];
    for (int json = 0; json < 2; json++) {
        struct fixture *f =
            open_log(json ? SERVER_LOG_JSON : SERVER_LOG_LOGFMT, SERVER_LOG_INFO, 3);
        for (size_t bytes = SERVER_LOG_LINE_BYTES - 200; bytes < sizeof(value) - 2; bytes++) {
            memset(value, 'a', bytes);
            memcpy(value + bytes - 2, "\xc3\xbc", 2);
            const char *text = line_with(f, value, bytes);
            size_t length = strlen(text);
            assert_in_range(length, 1, SERVER_LOG_LINE_BYTES);
            assert_int_equal(text[length - 1], '\n');
            assert_string_equal(take(f), ""); /* it was one write */
        }
        memset(value, 'a', sizeof(value));
        const char *text = line_with(f, value, sizeof(value));
        const char *tail = json ? "aaa\",\"cut\":true}\n" : "aaa\" cut=true\n";
        assert_string_equal(text + strlen(text) - strlen(tail), tail);
        /* An escape is not split: the last thing before the quote is a whole one. */
        memset(value, '\x01', sizeof(value));
        text = line_with(f, value, sizeof(value));
        tail = json ? "\\u0001\",\"cut\":true}\n" : "\\u0001\" cut=true\n";
        assert_string_equal(text + strlen(text) - strlen(tail), tail);
        close_log(f);
    }
}

static void pairs_behind_a_cut_are_left_out(void **state)
{
    (void)state;
    static char value[SERVER_LOG_LINE_BYTES];
    struct server_line line;
    struct fixture *f = open_log(SERVER_LOG_JSON, SERVER_LOG_INFO, 3);
    memset(value, 'a', sizeof(value));
    server_line_begin(&line, &f->log, SERVER_LOG_INFO, "e");
    server_line_bytes(&line, "k", value, sizeof(value));
    server_line_u64(&line, "behind", 1);
    server_line_bool(&line, "too", true);
    server_line_end(&line);
    const char *text = take(f);
    assert_null(strstr(text, "behind"));
    assert_string_equal(text + strlen(text) - 14, "\",\"cut\":true}\n");
    close_log(f);
}

static void a_full_pipe_loses_lines_and_says_so(void **state)
{
    (void)state;
    struct fixture *f = open_log(SERVER_LOG_LOGFMT, SERVER_LOG_INFO, 3);
    int room = fcntl(f->writer, F_SETPIPE_SZ, 8192);
    assert_true(room >= 8192);
    struct server_line line;
    static char value[3000];
    memset(value, 'a', sizeof(value));
    for (int i = 0; i < 100; i++) { /* would block for ever if it could */
        server_line_begin(&line, &f->log, SERVER_LOG_INFO, "e");
        server_line_bytes(&line, "k", value, sizeof(value));
        server_line_end(&line);
    }
    size_t written = 0;
    while (take(f)[0] != '\0') {
        for (const char *c = f->text; *c != '\0'; c++) {
            written += *c == '\n';
        }
    }
    assert_in_range(written, 1, 4);
    char expected[256];
    snprintf(expected, sizeof(expected), LOGFMT_HEAD "after lost=%zu\n", 100 - written);
    assert_string_equal(line_with(f, "after", 5), expected);
    assert_string_equal(line_with(f, "after", 5), LOGFMT_HEAD "after\n");
    close_log(f);
}

static void the_limit_passes_a_burst_and_counts_the_rest(void **state)
{
    (void)state;
    struct server_limit limit = {0};
    uint64_t suppressed = 99;
    assert_true(server_limit_pass(&limit, 1000, 100, 2, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_true(server_limit_pass(&limit, 1001, 100, 2, &suppressed));
    for (int i = 0; i < 7; i++) {
        assert_false(server_limit_pass(&limit, 1099, 100, 2, &suppressed));
    }
    assert_true(server_limit_pass(&limit, 1100, 100, 2, &suppressed));
    assert_int_equal(suppressed, 7);
    assert_true(server_limit_pass(&limit, 1100, 100, 2, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(server_limit_pass(&limit, 1199, 100, 2, &suppressed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(utf8_stays_and_what_is_none_is_replaced),
        cmocka_unit_test(kinds_of_values),
        cmocka_unit_test(lines_below_the_level_are_left_out),
        cmocka_unit_test(long_lines_are_cut_between_characters),
        cmocka_unit_test(pairs_behind_a_cut_are_left_out),
        cmocka_unit_test(a_full_pipe_loses_lines_and_says_so),
        cmocka_unit_test(the_limit_passes_a_burst_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
