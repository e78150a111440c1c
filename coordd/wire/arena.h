#ifndef COORD_WIRE_ARENA_H
#define COORD_WIRE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The memory of one decoded frame: everything that decoding makes is taken from an arena and goes
 * with it in one step. It has a limit, because a few bytes of input can ask for many of memory.
 * Everything that a decoder gives back lives until the next clear or release of its arena; nothing
 * points into the bytes that were decoded.
 *
 * Thread: any; calls on one arena must not overlap.
 */
struct wire_arena_block;

/* The limit for a frame of clients or peers, or a record, whatever its content. */
#define WIRE_ARENA_BYTES_MAX ((size_t)48 << 20)

struct wire_arena {
    struct wire_arena_block *blocks; /* newest first; private */
    size_t taken;                    /* bytes handed out since the last clear */
    size_t limit;
    bool exhausted; /* somebody asked for more than the limit since the last clear */
};

/* Allocates nothing yet. */
void wire_arena_init(struct wire_arena *arena, size_t limit_bytes);
void wire_arena_release(struct wire_arena *arena);

/* Takes everything back. Keeps up to WIRE_ARENA_KEEP_BYTES for the next frame. */
void wire_arena_clear(struct wire_arena *arena);
#define WIRE_ARENA_KEEP_BYTES ((size_t)64 << 10)

/* Zeroed bytes for any type; NULL over the limit, which `exhausted` remembers. */
void *wire_arena_get(struct wire_arena *arena, size_t bytes);

/* The same for `count` elements; NULL also where the product does not fit a size_t. */
void *wire_arena_get_array(struct wire_arena *arena, size_t count, size_t bytes);

#endif
