#include "fsm/queue.h"

#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/sequence.h"

#define PLACES_ON_STACK 64u

bool fsm_queue_place_of(const struct fsm_node *node, struct fsm_queue_place *ret_place)
{
    size_t suffix = fsm_node_suffix_bytes(node);
    if (suffix == 0) {
        return false;
    }
    struct fsm_bytes key = fsm_node_key(node);
    uint64_t number = 0;
    for (size_t i = key.bytes - suffix; i < key.bytes; i++) {
        number = 10 * number + (uint64_t)(key.data[i] - '0');
    }
    *ret_place = (struct fsm_queue_place){.czxid = node->czxid, .number = number};
    return true;
}

struct fsm_bytes fsm_queue_prefix_of(const struct fsm_node *node)
{
    struct fsm_bytes key = fsm_node_key(node);
    size_t parent = fsm_key_parent(key).bytes;
    return fsm_bytes_make(key.data + parent + 1,
                          key.bytes - parent - 1 - fsm_node_suffix_bytes(node));
}

/* The first `room` places of a queue, sorted. */
struct first {
    struct fsm_queue_place *places;
    size_t count, room;
};

static void first_add(struct first *first, struct fsm_queue_place place)
{
    size_t at = first->count;
    if (at == first->room) {
        if (!fsm_queue_before(place, first->places[at - 1])) {
            return;
        }
        at--;
    } else {
        first->count++;
    }
    while (at > 0 && fsm_queue_before(place, first->places[at - 1])) {
        first->places[at] = first->places[at - 1];
        at--;
    }
    first->places[at] = place;
}

/*
 * Members with one prefix. Their names are ordered by their bytes, which is the order of their
 * numbers among those that have the fewest digits; longer ones lie anywhere, so all are looked at
 * then.
 */
static void gather(const struct fsm_tree *tree, struct fsm_bytes parent_key,
                   struct fsm_bytes prefix, struct first *first)
{
    uint8_t buffer[FSM_PATH_BYTES_CEILING];
    size_t bytes = parent_key.bytes + 1 + prefix.bytes;
    if (bytes > sizeof(buffer)) {
        return;
    }
    if (parent_key.bytes != 0) {
        memcpy(buffer, parent_key.data, parent_key.bytes);
    }
    buffer[parent_key.bytes] = '/';
    if (prefix.bytes != 0) {
        memcpy(buffer + parent_key.bytes + 1, prefix.data, prefix.bytes);
    }
    struct fsm_cursor cursor;
    fsm_tree_seek(tree, fsm_bytes_make(buffer, bytes), &cursor);
    size_t shortest = 0; /* members with the fewest digits, which come before all others */
    for (struct fsm_node *node = fsm_cursor_get(&cursor); node != NULL;
         node = fsm_cursor_get(&cursor)) {
        struct fsm_bytes key = fsm_node_key(node);
        if (key.bytes < bytes || memcmp(key.data, buffer, bytes) != 0) {
            return;
        }
        struct fsm_queue_place place;
        bool child = fsm_key_parent(key).bytes == parent_key.bytes;
        if (child && fsm_queue_place_of(node, &place) &&
            fsm_queue_prefix_of(node).bytes == prefix.bytes) {
            first_add(first, place);
            shortest += fsm_node_suffix_bytes(node) == FSM_SEQUENCE_BYTES_MIN;
            if (shortest == first->room) {
                return;
            }
        }
        if (node->children_count != 0) {
            fsm_tree_seek_past(tree, key, &cursor);
        } else {
            fsm_cursor_next(&cursor);
        }
    }
}

bool fsm_queue_nth(const struct fsm_tree *tree, struct fsm_bytes parent_key,
                   const struct fsm_bytes *prefixes, size_t prefixes_count, uint32_t n,
                   struct fsm_queue_place *ret_place)
{
    struct fsm_queue_place on_stack[PLACES_ON_STACK];
    struct fsm_node *parent = fsm_tree_find(tree, parent_key);
    if (parent == NULL || parent->children_count < n) {
        return false;
    }
    struct first first = {
        .places = n <= PLACES_ON_STACK ? on_stack : cd_calloc(n, sizeof(*first.places)), .room = n};
    for (size_t i = 0; i < prefixes_count; i++) {
        gather(tree, parent_key, prefixes[i], &first);
    }
    bool found = first.count == n;
    if (found) {
        *ret_place = first.places[n - 1];
    }
    if (first.places != on_stack) {
        cd_free(first.places);
    }
    return found;
}

bool fsm_queue_holds(const struct fsm_tree *tree, const struct fsm_held *held)
{
    struct fsm_bytes key = fsm_key_of_path(held->path);
    const struct fsm_node *node = fsm_tree_find(tree, key);
    struct fsm_queue_place place;
    if (node == NULL || node->czxid != held->fence) {
        return false;
    }
    if (!fsm_queue_place_of(node, &place)) {
        return true; /* no queue: none precedes it */
    }
    struct fsm_bytes own = fsm_queue_prefix_of(node);
    bool given = held->prefixes_count != 0;
    struct fsm_queue_place last;
    /* Fewer than n precede it: the n-th is not before it. */
    return !fsm_queue_nth(tree, fsm_key_parent(key), given ? held->prefixes : &own,
                          given ? held->prefixes_count : 1, held->n, &last) ||
           !fsm_queue_before(last, place);
}
