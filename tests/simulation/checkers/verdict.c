#include "checkers/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void *resize(void *items, size_t count, size_t item_bytes)
{
    void *resized = reallocarray(items, count, item_bytes);
    if (resized == NULL) {
        fprintf(stderr, "checker: out of memory\n");
        abort();
    }
    return resized;
}

void *checker_grow(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    return resize(items, *capacity, item_bytes);
}

void *checker_zeros(size_t count, size_t item_bytes)
{
    return memset(resize(NULL, count, item_bytes), 0, count * item_bytes);
}
