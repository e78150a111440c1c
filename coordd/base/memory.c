#include "base/memory.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void *cd_malloc(size_t bytes)
{
    void *memory = malloc(bytes != 0 ? bytes : 1);
    CD_ASSERT(memory != NULL);
    return memory;
}

void *cd_calloc(size_t count, size_t bytes)
{
    void *memory = calloc(count != 0 ? count : 1, bytes != 0 ? bytes : 1);
    CD_ASSERT(memory != NULL);
    return memory;
}

void *cd_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes != 0 ? bytes : 1);
    CD_ASSERT(memory != NULL);
    return memory;
}

void cd_free(void *memory)
{
    free(memory);
}

char *cd_strndup(const char *from, size_t bytes)
{
    char *copy = cd_malloc(bytes + 1);
    memcpy(copy, from, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *cd_strdup(const char *from)
{
    return cd_strndup(from, strlen(from));
}
