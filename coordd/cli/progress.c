#include "progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    SHOW_EVERY_MS = 200,
    LINE_BYTES_MAX = 80, /* one that a terminal would break could not be wiped */
};

static bool shown;

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void cli_progress_show(const char *format, ...)
{
    static uint64_t next_ms;
    char line[LINE_BYTES_MAX];
    uint64_t now = now_ms();
    if ((shown && now < next_ms) || isatty(STDERR_FILENO) == 0) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\r%s\x1b[K", line);
    next_ms = now + SHOW_EVERY_MS;
    shown = true;
}

void cli_progress_wipe(void)
{
    if (shown) {
        (void)fputs("\r\x1b[K", stderr);
        shown = false;
    }
}
