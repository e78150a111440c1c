#ifndef COORD_STORAGE_INDEX_H
#define COORD_STORAGE_INDEX_H

#include "storage/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where the newest STORAGE_ENTRY record of each slot lies: 8 bytes a slot in pages of
 * INDEX_PAGE_SLOTS, made as slots come. Slots may come in any order, within a range of
 * STORAGE_SLOT_RANGE_MAX. Private to this folder.
 */

enum {
    INDEX_PAGE_SLOTS = 1024,
    INDEX_PAGES_MAX = STORAGE_SLOT_RANGE_MAX / INDEX_PAGE_SLOTS,
};

struct index_page;

struct storage_index {
    struct index_page **pages; /* owned; NULL where no slot of the page has come */
    uint64_t first_page;       /* page number of pages[0] */
    size_t count;
    size_t capacity;
};

void storage_index_init(struct storage_index *index);
void storage_index_release(struct storage_index *index);

/* False if `slot` is too far from the others to be put. */
bool storage_index_fits(const struct storage_index *index, uint64_t slot);

/* The slot's newest record is in segment `sequence` at byte `offset`. The slot must fit. */
void storage_index_put(struct storage_index *index, uint64_t slot, uint64_t sequence,
                       uint64_t offset);

/* False if the slot has none. */
bool storage_index_find(const struct storage_index *index, uint64_t slot, uint64_t *ret_sequence,
                        uint64_t *ret_offset);

/* Forgets the records of slots up to `last` that lie in segments before `sequence`, and gives their
 * memory back. Linear in the slots up to `last`. */
void storage_index_drop(struct storage_index *index, uint64_t last, uint64_t sequence);

/* The lowest slot >= `slot` that has a record; false if there is none. */
bool storage_index_next(const struct storage_index *index, uint64_t slot, uint64_t *ret_slot);

#endif
