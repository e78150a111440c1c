#include "storage/index.h"

#include "base/assert.h"
#include "base/memory.h"
#include "storage/segment.h"

#include <string.h>

/* Offsets are kept in units of the records' alignment, so that 32 bits reach far enough. */
struct index_place {
    uint32_t sequence; /* 0: no record */
    uint32_t offset;
};

struct index_page {
    struct index_place places[INDEX_PAGE_SLOTS];
};

CD_STATIC_ASSERT(SEGMENT_SEQUENCE_MAX <= UINT32_MAX, "sequences fit");
CD_STATIC_ASSERT(STORAGE_SEGMENT_BYTES_MAX / SEGMENT_ALIGN_BYTES <= UINT32_MAX, "offsets fit");

void storage_index_init(struct storage_index *index)
{
    *index = (struct storage_index){0};
}

void storage_index_release(struct storage_index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        cd_free(index->pages[i]);
    }
    cd_free(index->pages);
    storage_index_init(index);
}

bool storage_index_fits(const struct storage_index *index, uint64_t slot)
{
    if (index->count == 0) {
        return true;
    }
    uint64_t page = slot / INDEX_PAGE_SLOTS;
    uint64_t last = index->first_page + index->count - 1;
    uint64_t low = page < index->first_page ? page : index->first_page;
    uint64_t high = page > last ? page : last;
    return high - low < INDEX_PAGES_MAX;
}

/* Makes the table reach from page `low` for `count` pages, a superset of what it is now. */
static void widen(struct storage_index *index, uint64_t low, size_t count)
{
    if (count > index->capacity) {
        size_t capacity = index->capacity != 0 ? index->capacity * 2 : 8;
        capacity = capacity < count ? count : capacity;
        index->pages = cd_realloc(index->pages, capacity * sizeof(struct index_page *));
        index->capacity = capacity;
    }
    size_t shift = index->count != 0 ? (size_t)(index->first_page - low) : 0;
    if (shift != 0) {
        memmove(index->pages + shift, index->pages, index->count * sizeof(struct index_page *));
    }
    for (size_t i = 0; i < count; i++) {
        if (i < shift || i >= shift + index->count) {
            index->pages[i] = NULL;
        }
    }
    index->first_page = low;
    index->count = count;
}

void storage_index_put(struct storage_index *index, uint64_t slot, uint64_t sequence,
                       uint64_t offset)
{
    CD_ASSERT(storage_index_fits(index, slot));
    CD_ASSERT(sequence >= 1);
    CD_ASSERT(sequence <= SEGMENT_SEQUENCE_MAX);
    CD_ASSERT(offset % SEGMENT_ALIGN_BYTES == 0);
    uint64_t page = slot / INDEX_PAGE_SLOTS;
    if (index->count == 0 || page < index->first_page) {
        uint64_t end = index->count != 0 ? index->first_page + index->count : page + 1;
        widen(index, page, (size_t)(end - page));
    } else if (page >= index->first_page + index->count) {
        widen(index, index->first_page, (size_t)(page + 1 - index->first_page));
    }
    struct index_page **place = &index->pages[page - index->first_page];
    if (*place == NULL) {
        *place = cd_calloc(1, sizeof(struct index_page));
    }
    (*place)->places[slot % INDEX_PAGE_SLOTS] = (struct index_place){
        .sequence = (uint32_t)sequence,
        .offset = (uint32_t)(offset / SEGMENT_ALIGN_BYTES),
    };
}

static const struct index_page *find_page(const struct storage_index *index, uint64_t page)
{
    bool inside = page >= index->first_page && page - index->first_page < index->count;
    return inside ? index->pages[page - index->first_page] : NULL;
}

bool storage_index_find(const struct storage_index *index, uint64_t slot, uint64_t *ret_sequence,
                        uint64_t *ret_offset)
{
    const struct index_page *page = find_page(index, slot / INDEX_PAGE_SLOTS);
    if (page == NULL || page->places[slot % INDEX_PAGE_SLOTS].sequence == 0) {
        return false;
    }
    const struct index_place *place = &page->places[slot % INDEX_PAGE_SLOTS];
    *ret_sequence = place->sequence;
    *ret_offset = (uint64_t)place->offset * SEGMENT_ALIGN_BYTES;
    return true;
}

/* True if nothing is left of the page. */
static bool drop_from_page(struct index_page *page, uint64_t slots, uint64_t sequence)
{
    bool empty = true;
    for (uint64_t i = 0; i < INDEX_PAGE_SLOTS; i++) {
        if (i < slots && page->places[i].sequence < sequence) {
            page->places[i] = (struct index_place){0};
        }
        empty = empty && page->places[i].sequence == 0;
    }
    return empty;
}

void storage_index_drop(struct storage_index *index, uint64_t last, uint64_t sequence)
{
    for (size_t i = 0; i < index->count; i++) {
        uint64_t first = (index->first_page + i) * INDEX_PAGE_SLOTS;
        if (first > last) {
            break;
        }
        if (index->pages[i] != NULL &&
            drop_from_page(index->pages[i], last - first + 1, sequence)) {
            cd_free(index->pages[i]);
            index->pages[i] = NULL;
        }
    }
    size_t gone = 0;
    while (gone < index->count && index->pages[gone] == NULL) {
        gone++;
    }
    if (gone == 0) {
        return;
    }
    index->count -= gone;
    index->first_page += gone;
    memmove(index->pages, index->pages + gone, index->count * sizeof(struct index_page *));
}

bool storage_index_next(const struct storage_index *index, uint64_t slot, uint64_t *ret_slot)
{
    uint64_t page = slot / INDEX_PAGE_SLOTS;
    uint64_t within = slot % INDEX_PAGE_SLOTS;
    if (page < index->first_page) {
        page = index->first_page;
        within = 0;
    }
    for (; index->count != 0 && page - index->first_page < index->count; page++, within = 0) {
        const struct index_page *found = find_page(index, page);
        for (uint64_t i = within; found != NULL && i < INDEX_PAGE_SLOTS; i++) {
            if (found->places[i].sequence != 0) {
                *ret_slot = page * INDEX_PAGE_SLOTS + i;
                return true;
            }
        }
    }
    return false;
}
