#include "fsm/fifo.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"

#include <string.h>

#define CHUNK_ENTRIES 64u
#define SLOTS_FIRST   16u

struct fsm_fifo_chunk {
    uint32_t refs;
    uint32_t count; /* entries ever put in */
    struct fsm_fifo_entry entries[CHUNK_ENTRIES];
};

void fsm_fifo_init(struct fsm_fifo *fifo, void (*release)(void *item))
{
    *fifo = (struct fsm_fifo){.release = release};
}

static void chunk_unref(const struct fsm_fifo *fifo, struct fsm_fifo_chunk *chunk)
{
    CD_ASSERT(chunk->refs > 0);
    chunk->refs--;
    if (chunk->refs > 0) {
        return;
    }
    for (uint32_t i = 0; i < chunk->count; i++) {
        if (chunk->entries[i].item != NULL) {
            fifo->release(chunk->entries[i].item);
        }
    }
    cd_free(chunk);
}

bool fsm_fifo_release_some(struct fsm_fifo *fifo, size_t chunks)
{
    while (fifo->chunks_count > 0 && chunks > 0) {
        fifo->chunks_count--;
        chunks--;
        chunk_unref(fifo, fifo->chunks[fifo->chunks_count]);
    }
    if (fifo->chunks_count > 0) {
        return false;
    }
    cd_free(fifo->chunks);
    cd_free(fifo->slots);
    *fifo = (struct fsm_fifo){0};
    return true;
}

void fsm_fifo_release(struct fsm_fifo *fifo)
{
    (void)fsm_fifo_release_some(fifo, SIZE_MAX); /* all of it */
}

void fsm_fifo_share(struct fsm_fifo *fifo, const struct fsm_fifo *from)
{
    *fifo = *from;
    fifo->slots = NULL;
    fifo->slots_count = 0;
    fifo->chunks_capacity = from->chunks_count;
    fifo->chunks = cd_malloc(from->chunks_count * sizeof(struct fsm_fifo_chunk *));
    for (size_t i = 0; i < from->chunks_count; i++) {
        fifo->chunks[i] = from->chunks[i];
        fifo->chunks[i]->refs++;
    }
}

/* The first chunk holds entry `begin`, or is the one to which it will be added. */
static struct fsm_fifo_entry *entry_of(const struct fsm_fifo *fifo, uint64_t number)
{
    uint64_t at = number / CHUNK_ENTRIES - fifo->begin / CHUNK_ENTRIES;
    CD_ASSERT(at < fifo->chunks_count);
    return &fifo->chunks[at]->entries[number % CHUNK_ENTRIES];
}

const struct fsm_fifo_entry *fsm_fifo_get(const struct fsm_fifo *fifo, uint64_t number)
{
    CD_ASSERT(number >= fifo->begin && number < fifo->end);
    return entry_of(fifo, number);
}

/* ---- Finding ---- */

static size_t home_of(const struct fsm_fifo *fifo, const struct fsm_fifo_key *key)
{
    uint8_t bytes[2 * sizeof(uint64_t)];
    cd_put_u64(bytes, key->words[0]);
    cd_put_u64(bytes + sizeof(uint64_t), key->words[1]);
    return (size_t)cd_hash64(bytes, sizeof(bytes)) & (fifo->slots_count - 1);
}

static bool keys_equal(const struct fsm_fifo_key *a, const struct fsm_fifo_key *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* The slot of that key, or the free one where it would go. */
static size_t slot_of(const struct fsm_fifo *fifo, const struct fsm_fifo_key *key)
{
    size_t slot = home_of(fifo, key);
    while (fifo->slots[slot] != 0 &&
           !keys_equal(&entry_of(fifo, fifo->slots[slot] - 1)->key, key)) {
        slot = (slot + 1) & (fifo->slots_count - 1);
    }
    return slot;
}

void *fsm_fifo_find(const struct fsm_fifo *fifo, struct fsm_fifo_key key)
{
    if (fifo->slots_count == 0) {
        return NULL;
    }
    uint64_t number = fifo->slots[slot_of(fifo, &key)];
    return number != 0 ? entry_of(fifo, number - 1)->item : NULL;
}

static void slots_grow(struct fsm_fifo *fifo)
{
    cd_free(fifo->slots);
    fifo->slots_count = fifo->slots_count == 0 ? SLOTS_FIRST : 2 * fifo->slots_count;
    fifo->slots = cd_calloc(fifo->slots_count, sizeof(*fifo->slots));
    for (uint64_t number = fifo->begin; number < fifo->end; number++) {
        fifo->slots[slot_of(fifo, &entry_of(fifo, number)->key)] = number + 1;
    }
}

/* Frees a slot and moves into it what was pushed behind it, so that no search stops too early. */
static void slot_free(struct fsm_fifo *fifo, size_t hole)
{
    size_t mask = fifo->slots_count - 1;
    for (size_t slot = (hole + 1) & mask; fifo->slots[slot] != 0; slot = (slot + 1) & mask) {
        size_t home = home_of(fifo, &entry_of(fifo, fifo->slots[slot] - 1)->key);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            fifo->slots[hole] = fifo->slots[slot];
            hole = slot;
        }
    }
    fifo->slots[hole] = 0;
}

/* ---- Writing ---- */

static struct fsm_fifo_chunk *chunk_for_end(struct fsm_fifo *fifo)
{
    size_t at = (size_t)(fifo->end / CHUNK_ENTRIES - fifo->begin / CHUNK_ENTRIES);
    if (at < fifo->chunks_count) {
        return fifo->chunks[at];
    }
    if (fifo->chunks_count == fifo->chunks_capacity) {
        fifo->chunks_capacity = fifo->chunks_capacity == 0 ? 4 : 2 * fifo->chunks_capacity;
        fifo->chunks =
            cd_realloc(fifo->chunks, fifo->chunks_capacity * sizeof(struct fsm_fifo_chunk *));
    }
    struct fsm_fifo_chunk *chunk = cd_malloc(sizeof(*chunk));
    chunk->refs = 1;
    chunk->count = 0;
    fifo->chunks[fifo->chunks_count] = chunk;
    fifo->chunks_count++;
    return chunk;
}

void fsm_fifo_add(struct fsm_fifo *fifo, struct fsm_fifo_key key, uint64_t elapsed_ms, void *item)
{
    if (2 * (fsm_fifo_count(fifo) + 1) > fifo->slots_count) {
        slots_grow(fifo);
    }
    size_t slot = slot_of(fifo, &key);
    CD_ASSERT(fifo->slots[slot] == 0);
    struct fsm_fifo_chunk *chunk = chunk_for_end(fifo);
    CD_ASSERT(chunk->count == fifo->end % CHUNK_ENTRIES);
    chunk->entries[chunk->count] =
        (struct fsm_fifo_entry){.key = key, .elapsed_ms = elapsed_ms, .item = item};
    chunk->count++;
    fifo->end++;
    fifo->slots[slot] = fifo->end;
}

/*
 * Items go when they are dropped, not with their chunk, for they may be large; but what a frozen
 * version still shows goes at the next drop after it was given back.
 */
void fsm_fifo_drop(struct fsm_fifo *fifo)
{
    CD_ASSERT(fsm_fifo_count(fifo) > 0);
    struct fsm_fifo_chunk *chunk = fifo->chunks[0];
    uint32_t at = (uint32_t)(fifo->begin % CHUNK_ENTRIES);
    slot_free(fifo, slot_of(fifo, &chunk->entries[at].key));
    for (uint32_t i = 0; i <= at && chunk->refs == 1; i++) {
        if (chunk->entries[i].item != NULL) {
            fifo->release(chunk->entries[i].item);
            chunk->entries[i].item = NULL;
        }
    }
    fifo->begin++;
    if (fifo->begin % CHUNK_ENTRIES == 0) {
        chunk_unref(fifo, chunk);
        fifo->chunks_count--;
        memmove(fifo->chunks, fifo->chunks + 1,
                fifo->chunks_count * sizeof(struct fsm_fifo_chunk *));
    }
}

void fsm_fifo_check(const struct fsm_fifo *fifo)
{
    uint64_t used = 0;
    for (size_t i = 0; i < fifo->slots_count; i++) {
        used += fifo->slots[i] != 0;
    }
    CD_ASSERT(used == fsm_fifo_count(fifo));
    uint64_t before_ms = 0;
    for (uint64_t number = fifo->begin; number < fifo->end; number++) {
        const struct fsm_fifo_entry *entry = fsm_fifo_get(fifo, number);
        CD_ASSERT(entry->item != NULL && fsm_fifo_find(fifo, entry->key) == entry->item);
        CD_ASSERT(entry->elapsed_ms >= before_ms);
        before_ms = entry->elapsed_ms;
    }
}
