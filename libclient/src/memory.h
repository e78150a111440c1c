#ifndef COORD_LIBCLIENT_MEMORY_H
#define COORD_LIBCLIENT_MEMORY_H

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The library's memory. Running out of it is an error of the call in question, never the end of the
 * process, so everything here may return NULL. Thread: any.
 */
CD_MUST_USE void *client_malloc(size_t bytes);
CD_MUST_USE void *client_calloc(size_t count, size_t bytes); /* zeroed */
CD_MUST_USE char *client_strdup(const char *text);
void client_free(void *memory); /* accepts NULL */

/*
 * Memory that is freed in one step: what a message is unpacked into, and what a result is made of.
 * One thread at a time.
 */
struct client_arena_block;

struct client_arena {
    struct client_arena_block *newest; /* private */
    size_t taken;                      /* bytes handed out */
    size_t limit;                      /* never more than that */
    bool refused;                      /* something was not given */
};

/* Allocates nothing yet. */
void client_arena_init(struct client_arena *arena, size_t limit_bytes);
void client_arena_release(struct client_arena *arena);

/* Zeroed, for any type; NULL without memory or over the limit. 0 bytes give a pointer too. */
CD_MUST_USE void *client_arena_get(struct client_arena *arena, size_t bytes);

/* The same for `count` elements; NULL also where the product does not fit a size_t. */
CD_MUST_USE void *client_arena_get_array(struct client_arena *arena, size_t count, size_t bytes);

/* A copy with a NUL behind it; `from` may be NULL if `bytes` is 0. */
CD_MUST_USE char *client_arena_copy(struct client_arena *arena, const void *from, size_t bytes);

#endif
