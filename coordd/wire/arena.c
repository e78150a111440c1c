#include "wire/arena.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* The first block, and the others; what is larger gets one of its own. */
#define FIRST_BLOCK_BYTES ((size_t)4 << 10)
#define BLOCK_BYTES       WIRE_ARENA_KEEP_BYTES

struct wire_arena_block {
    struct wire_arena_block *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) unsigned char bytes[];
};

void wire_arena_init(struct wire_arena *arena, size_t limit_bytes)
{
    CD_ASSERT(limit_bytes < SIZE_MAX / 2);
    memset(arena, 0, sizeof(*arena));
    arena->limit = limit_bytes;
}

static void free_blocks(struct wire_arena_block *block)
{
    while (block != NULL) {
        struct wire_arena_block *older = block->older;
        cd_free(block);
        block = older;
    }
}

void wire_arena_release(struct wire_arena *arena)
{
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->taken = 0;
}

void wire_arena_clear(struct wire_arena *arena)
{
    struct wire_arena_block *block = arena->blocks;
    struct wire_arena_block *kept = NULL;
    while (block != NULL) {
        struct wire_arena_block *older = block->older;
        if (kept == NULL && block->capacity <= WIRE_ARENA_KEEP_BYTES) {
            kept = block;
            kept->used = 0;
            kept->older = NULL;
        } else {
            cd_free(block);
        }
        block = older;
    }
    arena->blocks = kept;
    arena->taken = 0;
    arena->exhausted = false;
}

/*
 * A block with room for `bytes`. One that holds a single large thing goes behind the newest, in
 * which small things go on.
 */
static struct wire_arena_block *add_block(struct wire_arena *arena, size_t bytes)
{
    bool large = bytes > BLOCK_BYTES;
    size_t usual = arena->blocks == NULL ? FIRST_BLOCK_BYTES : BLOCK_BYTES;
    size_t capacity = bytes > usual ? bytes : usual;
    struct wire_arena_block *block = cd_malloc(sizeof(*block) + capacity);
    block->used = 0;
    block->capacity = capacity;
    if (large && arena->blocks != NULL) {
        block->older = arena->blocks->older;
        arena->blocks->older = block;
    } else {
        block->older = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *wire_arena_get(struct wire_arena *arena, size_t bytes)
{
    size_t align = alignof(max_align_t);
    size_t rounded = bytes == 0 ? align : (bytes + align - 1) / align * align;
    if (bytes > arena->limit || rounded > arena->limit - arena->taken) {
        arena->exhausted = true;
        return NULL;
    }
    struct wire_arena_block *block = arena->blocks;
    if (block == NULL || block->capacity - block->used < rounded) {
        block = add_block(arena, rounded);
    }
    void *result = block->bytes + block->used;
    block->used += rounded;
    arena->taken += rounded;
    memset(result, 0, rounded);
    return result;
}

void *wire_arena_get_array(struct wire_arena *arena, size_t count, size_t bytes)
{
    if (bytes != 0 && count > SIZE_MAX / bytes) {
        arena->exhausted = true;
        return NULL;
    }
    return wire_arena_get(arena, count * bytes);
}
