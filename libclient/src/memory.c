#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_MIN 256u
#define ALIGNMENT       _Alignof(max_align_t)

void *client_malloc(size_t bytes)
{
    return malloc(bytes != 0 ? bytes : 1);
}

void *client_calloc(size_t count, size_t bytes)
{
    return calloc(count != 0 ? count : 1, bytes != 0 ? bytes : 1);
}

char *client_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = client_malloc(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void client_free(void *memory)
{
    free(memory);
}

/* Blocks double in size, so that an arena of n bytes has about log(n) of them. */
struct client_arena_block {
    struct client_arena_block *next;
    size_t used, bytes;
    _Alignas(max_align_t) unsigned char memory[];
};

void client_arena_init(struct client_arena *arena, size_t limit_bytes)
{
    *arena = (struct client_arena){.limit = limit_bytes};
}

void client_arena_release(struct client_arena *arena)
{
    while (arena->newest != NULL) {
        struct client_arena_block *next = arena->newest->next;
        client_free(arena->newest);
        arena->newest = next;
    }
    arena->taken = 0;
}

static struct client_arena_block *add_block(struct client_arena *arena, size_t bytes)
{
    size_t wanted = arena->newest != NULL ? arena->newest->bytes * 2 : BLOCK_BYTES_MIN;
    if (wanted < bytes) {
        wanted = bytes;
    }
    struct client_arena_block *block = client_calloc(1, sizeof(*block) + wanted);
    if (block != NULL) {
        block->bytes = wanted;
        block->next = arena->newest;
        arena->newest = block;
    }
    return block;
}

void *client_arena_get(struct client_arena *arena, size_t bytes)
{
    if (bytes > arena->limit - arena->taken || bytes > SIZE_MAX / 4) {
        arena->refused = true;
        return NULL;
    }
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct client_arena_block *block = arena->newest;
    if (block == NULL || rounded > block->bytes - block->used) {
        block = add_block(arena, rounded);
        if (block == NULL) {
            arena->refused = true;
            return NULL;
        }
    }
    void *memory = block->memory + block->used;
    block->used += rounded;
    arena->taken += bytes;
    return memory;
}

void *client_arena_get_array(struct client_arena *arena, size_t count, size_t bytes)
{
    if (bytes != 0 && count > SIZE_MAX / bytes) {
        arena->refused = true;
        return NULL;
    }
    return client_arena_get(arena, count * bytes);
}

char *client_arena_copy(struct client_arena *arena, const void *from, size_t bytes)
{
    char *copy = client_arena_get(arena, bytes + 1);
    if (copy != NULL && bytes != 0) {
        memcpy(copy, from, bytes);
    }
    return copy;
}
