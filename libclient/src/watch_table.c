#include "session_internal.h"

#include <string.h>

/*
 * Where watches are found: by their id and by the id of the request that sets them, both of which
 * name a slot, and by their state. All in constant time, since a client may have many thousands.
 *
 *   id:      number | slot          A number is given once, so that what still comes for an older
 *   request: 1 | number | slot      watch of the slot, or an older setting of it, is known as such.
 */

enum { SLOT_BITS = 16, SLOTS_MIN = 16 };

#define SLOT_NONE   UINT32_MAX
#define REQUEST_BIT (UINT64_C(1) << 63)

_Static_assert(CLIENT_WATCHES_MAX == 1 << SLOT_BITS, "a slot for every watch");

struct client_watch_slot {
    struct client_watch *watch; /* NULL: free */
    uint32_t next_free;
};

/* ---- States ---- */

static void unlink_watch(struct client_session *session, struct client_watch *watch)
{
    struct client_watch_list *list = &session->watches[watch->state];
    if (watch->prev != NULL) {
        watch->prev->next = watch->next;
    } else {
        list->first = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->prev = watch->prev;
    } else {
        list->last = watch->prev;
    }
}

static void link_watch(struct client_session *session, struct client_watch *watch,
                       enum client_watch_state state)
{
    struct client_watch_list *list = &session->watches[state];
    watch->state = state;
    watch->next = NULL;
    watch->prev = list->last;
    if (watch->prev != NULL) {
        watch->prev->next = watch;
    } else {
        list->first = watch;
    }
    list->last = watch;
}

void watch_move(struct client_session *session, struct client_watch *watch,
                enum client_watch_state state)
{
    CD_ASSERT(watch->state < WATCH_ENDED && state < WATCH_ENDED);
    unlink_watch(session, watch);
    link_watch(session, watch, state);
}

/* ---- Slots ---- */

static bool grow(struct client_session *session)
{
    uint32_t count = session->slots_count != 0 ? 2 * session->slots_count : SLOTS_MIN;
    struct client_watch_slot *slots = client_calloc(count, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    if (session->slots_count != 0) {
        memcpy(slots, session->slots, session->slots_count * sizeof(*slots));
    }
    for (uint32_t i = session->slots_count; i < count; i++) {
        slots[i].next_free = i + 1 < count ? i + 1 : SLOT_NONE;
    }
    client_free(session->slots);
    session->slots = slots;
    session->slots_free = session->slots_count;
    session->slots_count = count;
    return true;
}

static uint32_t slot_of(uint64_t id)
{
    return (uint32_t)(id & ((1u << SLOT_BITS) - 1));
}

static struct client_watch *at(const struct client_session *session, uint64_t id)
{
    uint32_t slot = slot_of(id);
    return slot < session->slots_count ? session->slots[slot].watch : NULL;
}

bool watch_table_add(struct client_session *session, struct client_watch *watch,
                     enum client_watch_state state)
{
    CD_ASSERT(session->watches_count < CLIENT_WATCHES_MAX);
    if (session->watches_count == session->slots_count && !grow(session)) {
        return false;
    }
    uint32_t slot = session->slots_free;
    session->slots_free = session->slots[slot].next_free;
    session->slots[slot].watch = watch;
    session->watches_count++;
    watch->id = ++session->last_watch << SLOT_BITS | slot;
    link_watch(session, watch, state);
    return true;
}

void watch_table_remove(struct client_session *session, struct client_watch *watch)
{
    uint32_t slot = slot_of(watch->id);
    CD_ASSERT(session->slots[slot].watch == watch);
    unlink_watch(session, watch);
    watch->state = WATCH_ENDED;
    session->slots[slot] = (struct client_watch_slot){.next_free = session->slots_free};
    session->slots_free = slot;
    session->watches_count--;
}

void watch_table_free(struct client_session *session)
{
    CD_ASSERT(session->watches_count == 0);
    client_free(session->slots);
}

/* ---- Ids ---- */

void watch_rename(struct client_session *session, struct client_watch *watch)
{
    watch->id = ++session->last_watch << SLOT_BITS | slot_of(watch->id);
}

uint64_t watch_next_request(struct client_session *session, const struct client_watch *watch)
{
    return REQUEST_BIT | ++session->last_watch << SLOT_BITS | slot_of(watch->id);
}

struct client_watch *watch_find(const struct client_session *session, const struct stream *stream,
                                uint64_t id)
{
    struct client_watch *watch = at(session, id);
    return watch != NULL && watch->id == id && watch->stream == stream->id ? watch : NULL;
}

struct client_watch *watch_find_sent(const struct client_session *session,
                                     const struct stream *stream, uint64_t request)
{
    struct client_watch *watch = (request & REQUEST_BIT) != 0 ? at(session, request) : NULL;
    bool waits = watch != NULL && watch->state == WATCH_SENT && watch->request == request &&
                 watch->stream == stream->id;
    return waits ? watch : NULL;
}
