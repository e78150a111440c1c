#ifndef COORD_BASE_MEMORY_H
#define COORD_BASE_MEMORY_H

#include <stddef.h>

/*
 * Allocation for code whose sizes were checked against a limit beforehand: running out of memory
 * here is not an outcome a caller could handle alike on every replica, so the process stops.
 * Never returns NULL. Freed with cd_free. Thread: any.
 */
void *cd_malloc(size_t bytes);
void *cd_calloc(size_t count, size_t bytes);
void *cd_realloc(void *old, size_t bytes);
void cd_free(void *memory);

/* A copy of the `bytes` bytes at `from` with a NUL behind it. */
char *cd_strndup(const char *from, size_t bytes);
char *cd_strdup(const char *from);

#endif
