#include "checkers/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void verdict_init(struct verdict *verdict)
{
    *verdict = (struct verdict){.ok = true};
}

bool verdict_fail(struct verdict *verdict, const char *format, ...)
{
    if (verdict->ok) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(verdict->why, sizeof(verdict->why), format, arguments);
        va_end(arguments);
        verdict->ok = false;
    }
    return false;
}

void *checker_grow(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = reallocarray(items, *capacity, item_bytes);
    if (grown == NULL) {
        fprintf(stderr, "checker: out of memory\n");
        abort();
    }
    return grown;
}
