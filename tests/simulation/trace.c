#include "simulation/trace.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void trace_init(struct trace *trace, const struct world *world)
{
    *trace = (struct trace){.world = world};
}

bool trace_is_on(const struct trace *trace)
{
    return trace->file != NULL || trace->text != NULL;
}

void trace_line(struct trace *trace, const char *format, ...)
{
    if (!trace_is_on(trace)) {
        return;
    }
    char line[TRACE_LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    CD_ASSERT(bytes >= 0);
    uint64_t now_ms = trace->world->now_us / 1000;
    if (trace->file != NULL) {
        fprintf(trace->file, "[%6" PRIu64 "] %s\n", now_ms, line);
    }
    if (trace->text != NULL) {
        cd_buf_printf(trace->text, "[%6" PRIu64 "] %s\n", now_ms, line);
    }
}

void trace_count(struct trace *trace, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t facts[4] = {trace->world->now_us, a, b, c};
    trace->digest = cd_hash64_seeded(what, strlen(what), trace->digest);
    trace->digest = cd_hash64_seeded(facts, sizeof(facts), trace->digest);
}
