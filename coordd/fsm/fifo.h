#ifndef COORD_FSM_FIFO_H
#define COORD_FSM_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Items from the oldest to the newest, found by a key of 128 bits: what is remembered for a while,
 * ended sessions and keys of calls. Items are added at the end and dropped from the front alone.
 *
 * Entries lie in chunks with reference counts. A chunk only ever grows at its end and an entry
 * never changes while its chunk is shared, so a frozen version is one more reference to each chunk:
 * it knows where it begins and ends.
 *
 * Thread: loop.
 */
struct fsm_fifo_key {
    uint64_t words[2];
};

struct fsm_fifo_entry {
    struct fsm_fifo_key key;
    uint64_t elapsed_ms; /* when it was added */
    void *item;          /* owned by the chunk; NULL once dropped */
};

struct fsm_fifo_chunk;

struct fsm_fifo {
    void (*release)(void *item);
    struct fsm_fifo_chunk **chunks; /* owned references, oldest first */
    size_t chunks_count;
    size_t chunks_capacity;
    uint64_t begin;  /* the number of the oldest entry; numbers count everything ever added */
    uint64_t end;    /* of the next one */
    uint64_t *slots; /* number + 1 of an entry, found by its key's hash; 0: free */
    size_t slots_count;
};

void fsm_fifo_init(struct fsm_fifo *fifo, void (*release)(void *item));
void fsm_fifo_release(struct fsm_fifo *fifo);

/* Releases in steps of at most `chunks` chunks; true: all is released. */
bool fsm_fifo_release_some(struct fsm_fifo *fifo, size_t chunks);

/* Makes `fifo` (not initialised before) a version of `from` as it is now, in which nothing can be
 * found, added or dropped. O(count / 64). */
void fsm_fifo_share(struct fsm_fifo *fifo, const struct fsm_fifo *from);

static inline uint64_t fsm_fifo_count(const struct fsm_fifo *fifo)
{
    return fifo->end - fifo->begin;
}

/* The entry with a number of [begin, end). Borrowed until the next add or drop. */
const struct fsm_fifo_entry *fsm_fifo_get(const struct fsm_fifo *fifo, uint64_t number);

/* The item with that key, borrowed, or NULL. */
void *fsm_fifo_find(const struct fsm_fifo *fifo, struct fsm_fifo_key key);

/* Adds an item (moved) whose key is not there. */
void fsm_fifo_add(struct fsm_fifo *fifo, struct fsm_fifo_key key, uint64_t elapsed_ms, void *item);

/* Drops the oldest, which there must be. A frozen version keeps it. */
void fsm_fifo_drop(struct fsm_fifo *fifo);

/* Aborts if an invariant is broken. O(count). */
void fsm_fifo_check(const struct fsm_fifo *fifo);

#endif
