#include "fsm/watch.h"

#include "base/memory.h"
#include "base/table.h"
#include "fsm/acl.h"
#include "fsm/node.h"
#include "fsm/path.h"
#include "fsm/state.h"
#include "fsm/watch_history.h"
#include "fsm/watch_queue.h"

/*
 * Watches are found by the key of the node that they name: a change looks at its own place and at
 * those of its ancestors. What one change hits is gathered for each watcher before it is told.
 */

#define IDS_CAPACITY_FIRST 16u

/* So many watches of one watcher are looked at sooner than the places on a change's path. */
#define WATCHES_FEW 8u

/* What looking at a change costs a replay that does not tell it, in bytes of its budget: one that
 * skips a long history must come back to the loop too. */
#define REPLAY_LOOK_BYTES 16u

struct watcher;

/* A node, there or not, that watches name. */
struct place {
    struct watch *watches; /* list */
    size_t count;
    UT_hash_handle hh;
    uint16_t key_bytes;
    uint8_t key[];
};

struct watch {
    uint64_t id; /* key in its watcher's table */
    struct watcher *watcher;
    struct queue_watch *queue; /* it is of a queue front, and has no place; else NULL */
    struct place *place;
    struct watch *prev, *next; /* of its place */
    struct watch *next_hit;    /* of its watcher, by the change being told */
    uint64_t from;             /* sees changes above it */
    uint8_t scope;             /* enum watch_scope */
    uint8_t kinds;
    bool with_data, with_previous;
    bool late; /* it sees older changes than its watcher has reached */
    UT_hash_handle hh;
};

struct watcher {
    uint64_t number; /* key */
    const struct fsm_who *who;
    struct watch *watches;
    bool live;
    uint64_t told;      /* behind: everything up to it was delivered */
    struct watch *hits; /* by the change being told; NULL: none */
    struct watcher *next_hit;
    bool has_late;
    UT_hash_handle hh;
};

struct watches {
    struct watch_limits limits;
    struct place *places;
    struct watcher *watchers;
    struct watcher *hit; /* those that the change being told concerns */
    uint64_t count;
    uint64_t *ids; /* room for one event's */
    size_t ids_capacity;
    struct watch_history history;
    struct watch_queues *queues;
};

struct watches *watches_create(const struct watch_limits *limits, uint64_t zxid)
{
    struct watches *watches = cd_calloc(1, sizeof(*watches));
    watches->limits = *limits;
    watch_history_init(&watches->history, zxid);
    watches->queues = watch_queues_create();
    return watches;
}

void watches_free(struct watches *watches)
{
    if (watches == NULL) {
        return;
    }
    struct watcher *watcher;
    struct watcher *next;
    HASH_ITER(hh, watches->watchers, watcher, next)
    {
        watch_close(watches, watcher->number);
    }
    watch_history_release(&watches->history);
    watch_queues_free(watches->queues);
    cd_free(watches->ids);
    cd_free(watches);
}

/* ---- Watchers and their watches ---- */

static struct watcher *find_watcher(const struct watches *watches, uint64_t number)
{
    struct watcher *watcher = NULL;
    HASH_FIND(hh, watches->watchers, &number, sizeof(number), watcher);
    return watcher;
}

static struct place *find_place(const struct watches *watches, struct fsm_bytes key)
{
    struct place *place = NULL;
    static const uint8_t none;
    HASH_FIND(hh, watches->places, key.bytes != 0 ? key.data : &none, key.bytes, place);
    return place;
}

static struct place *make_place(struct watches *watches, struct fsm_bytes key)
{
    struct place *place = find_place(watches, key);
    if (place == NULL) {
        place = cd_calloc(1, sizeof(*place) + key.bytes);
        place->key_bytes = (uint16_t)key.bytes;
        if (key.bytes != 0) {
            memcpy(place->key, key.data, key.bytes);
        }
        HASH_ADD_KEYPTR(hh, watches->places, place->key, key.bytes, place);
    }
    return place;
}

static void link_to(struct place *place, struct watch *watch)
{
    watch->place = place;
    watch->next = place->watches;
    if (watch->next != NULL) {
        watch->next->prev = watch;
    }
    place->watches = watch;
    place->count++;
}

static void unlink_from(struct place *place, struct watch *watch)
{
    if (watch->next != NULL) {
        watch->next->prev = watch->prev;
    }
    if (watch->prev != NULL) {
        watch->prev->next = watch->next;
    } else {
        place->watches = watch->next;
    }
    place->count--;
}

static void drop(struct watches *watches, struct watch *watch)
{
    struct place *place = watch->place;
    HASH_DEL(watch->watcher->watches, watch);
    if (watch->queue != NULL) {
        watch_queue_drop(watches->queues, watch->queue);
    } else {
        unlink_from(place, watch);
        if (place->count == 0) {
            HASH_DEL(watches->places, place);
            cd_free(place);
        }
    }
    watches->count--;
    cd_free(watch);
}

void watch_open(struct watches *watches, uint64_t number, const struct fsm_who *who)
{
    CD_ASSERT(find_watcher(watches, number) == NULL);
    struct watcher *watcher = cd_calloc(1, sizeof(*watcher));
    watcher->number = number;
    watcher->who = who;
    watcher->live = true;
    HASH_ADD(hh, watches->watchers, number, sizeof(watcher->number), watcher);
}

size_t watch_unset_all(struct watches *watches, uint64_t number, uint64_t *ret_ids, size_t max)
{
    struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL);
    size_t count = 0;
    struct watch *watch;
    struct watch *next;
    HASH_ITER(hh, watcher->watches, watch, next)
    {
        if (count < max) {
            ret_ids[count] = watch->id;
        }
        count++;
        drop(watches, watch);
    }
    watcher->live = true;
    return count;
}

void watch_close(struct watches *watches, uint64_t number)
{
    struct watcher *watcher = find_watcher(watches, number);
    if (watcher != NULL) {
        (void)watch_unset_all(watches, number, NULL, 0);
        HASH_DEL(watches->watchers, watcher);
        cd_free(watcher);
    }
}

static enum cd_status may_add(const struct watches *watches, const struct watcher *watcher,
                              uint64_t id)
{
    struct watch *watch = NULL;
    HASH_FIND(hh, watcher->watches, &id, sizeof(id), watch);
    if (watch != NULL) {
        return CD_INVALID_ARGUMENT;
    }
    bool full = HASH_COUNT(watcher->watches) >= watches->limits.per_watcher ||
                watches->count >= watches->limits.total;
    return full ? CD_TOO_MANY : CD_OK;
}

static struct watch *add(struct watches *watches, struct watcher *watcher, uint64_t id)
{
    struct watch *watch = cd_calloc(1, sizeof(*watch));
    watch->id = id;
    watch->watcher = watcher;
    HASH_ADD(hh, watcher->watches, id, sizeof(watch->id), watch);
    watches->count++;
    return watch;
}

enum cd_status watch_set(struct watches *watches, uint64_t number, uint64_t id,
                         const struct watch_spec *spec, uint64_t after_zxid, uint64_t *ret_from,
                         bool *ret_resync)
{
    struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL && spec->kinds != 0);
    enum cd_status status = may_add(watches, watcher, id);
    if (status != CD_OK) {
        return status;
    }
    const struct watch_history *history = &watches->history;
    *ret_resync = after_zxid != 0 && after_zxid < history->lo; /* W2 */
    *ret_from =
        after_zxid == 0 || *ret_resync || after_zxid > history->hi ? history->hi : after_zxid;
    struct watch *watch = add(watches, watcher, id);
    link_to(make_place(watches, fsm_key_of_path(spec->path)), watch);
    watch->from = *ret_from;
    watch->late = *ret_from < history->hi;
    watcher->has_late = watcher->has_late || watch->late;
    watch->scope = (uint8_t)spec->scope;
    watch->kinds = (uint8_t)spec->kinds;
    watch->with_data = spec->with_data;
    watch->with_previous = spec->with_previous;
    return CD_OK;
}

enum cd_status watch_set_queue(struct watches *watches, const struct fsm *fsm, uint64_t number,
                               uint64_t id, const struct watch_queue_spec *spec)
{
    struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL && spec->n != 0);
    enum cd_status status = may_add(watches, watcher, id);
    if (status == CD_OK) {
        struct watch *watch = add(watches, watcher, id);
        watch->queue = watch_queue_add(watches->queues, fsm, id, spec, watcher->who, watcher);
    }
    return status;
}

bool watch_unset(struct watches *watches, uint64_t number, uint64_t id)
{
    struct watcher *watcher = find_watcher(watches, number);
    struct watch *watch = NULL;
    if (watcher != NULL) {
        HASH_FIND(hh, watcher->watches, &id, sizeof(id), watch);
    }
    if (watch == NULL) {
        return false;
    }
    drop(watches, watch);
    return true;
}

size_t watch_count_of(const struct watches *watches, uint64_t number)
{
    const struct watcher *watcher = find_watcher(watches, number);
    return watcher != NULL ? HASH_COUNT(watcher->watches) : 0;
}

uint64_t watch_count(const struct watches *watches)
{
    return watches->count;
}

void watch_each(const struct watches *watches, uint64_t number,
                void (*each)(void *context, uint64_t id), void *context)
{
    const struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL);
    for (const struct watch *watch = watcher->watches; watch != NULL; watch = watch->hh.next) {
        each(context, watch->id);
    }
}

/* ---- Matching ---- */

/* How far above the changed node a place is. */
enum distance { ITSELF, PARENT, ABOVE };

static bool concerns(const struct watch *watch, enum distance distance,
                     const struct watch_change *change)
{
    static const enum watch_scope needs[] = {
        [ITSELF] = WATCH_NODE, [PARENT] = WATCH_CHILDREN, [ABOVE] = WATCH_SUBTREE};
    return watch->scope >= (uint8_t)needs[distance] && change->zxid > watch->from &&
           (watch->kinds & WATCH_KIND_BIT(change->kind)) != 0;
}

static void hit(struct watches *watches, struct watch *watch)
{
    struct watcher *watcher = watch->watcher;
    if (watcher->hits == NULL) {
        watcher->next_hit = watches->hit;
        watches->hit = watcher;
    }
    watch->next_hit = watcher->hits;
    watcher->hits = watch;
}

static void match_place(struct watches *watches, const struct place *place, enum distance distance,
                        const struct watch_change *change)
{
    for (struct watch *watch = place->watches; watch != NULL; watch = watch->next) {
        if (watch->watcher->live && concerns(watch, distance, change)) {
            hit(watches, watch);
        }
    }
}

static enum distance distance_of(struct fsm_bytes place, struct fsm_bytes key)
{
    if (place.bytes == key.bytes) {
        return ITSELF;
    }
    return fsm_bytes_equal(place, fsm_key_parent(key)) ? PARENT : ABOVE;
}

/* W4: the changed node and its ancestors, whoever watches them. */
static void match_live(struct watches *watches, const struct watch_change *change)
{
    struct fsm_bytes key = fsm_node_key(change->node);
    struct fsm_bytes at = key;
    for (;;) {
        const struct place *place = find_place(watches, at);
        if (place != NULL) {
            match_place(watches, place, distance_of(at, key), change);
        }
        if (at.bytes == 0) {
            return;
        }
        at = fsm_key_parent(at);
    }
}

/* Watches that name the key or an ancestor of it, but not more than `most`. */
static size_t count_on_path(const struct watches *watches, struct fsm_bytes key, size_t most)
{
    size_t count = 0;
    while (count < most) {
        const struct place *place = find_place(watches, key);
        count += place != NULL ? place->count : 0;
        if (key.bytes == 0) {
            break;
        }
        key = fsm_key_parent(key);
    }
    return count;
}

static void match_path_of_one(struct watches *watches, const struct watcher *watcher,
                              const struct watch_change *change)
{
    struct fsm_bytes key = fsm_node_key(change->node);
    struct fsm_bytes at = key;
    for (;;) {
        const struct place *place = find_place(watches, at);
        struct watch *watch = place != NULL ? place->watches : NULL;
        for (; watch != NULL; watch = watch->next) {
            if (watch->watcher == watcher && concerns(watch, distance_of(at, key), change)) {
                hit(watches, watch);
            }
        }
        if (at.bytes == 0) {
            return;
        }
        at = fsm_key_parent(at);
    }
}

/* The same for one watcher: by its own watches, or by places, whichever are fewer. */
static void match_one(struct watches *watches, struct watcher *watcher,
                      const struct watch_change *change)
{
    struct fsm_bytes key = fsm_node_key(change->node);
    size_t own = HASH_COUNT(watcher->watches);
    if (own > WATCHES_FEW && count_on_path(watches, key, own) < own) {
        match_path_of_one(watches, watcher, change);
        return;
    }
    struct watch *watch;
    struct watch *next;
    HASH_ITER(hh, watcher->watches, watch, next)
    {
        if (watch->queue != NULL) {
            continue;
        }
        struct fsm_bytes at = fsm_bytes_make(watch->place->key, watch->place->key_bytes);
        bool above = fsm_bytes_equal(at, key) || fsm_key_below(key, at);
        if (above && concerns(watch, distance_of(at, key), change)) {
            hit(watches, watch);
        }
    }
}

static struct fsm_acl *in_force(const struct fsm *fsm, struct fsm_bytes key)
{
    return fsm->acls_count == 0 ? NULL : fsm_acl_in_force(&fsm->tree, key, NULL);
}

/* Lets the id at `root` of a heap sink to its place. */
static void sink(uint64_t *ids, size_t root, size_t count)
{
    uint64_t id = ids[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        child += child + 1 < count && ids[child + 1] > ids[child];
        if (ids[child] <= id) {
            break;
        }
        ids[root] = ids[child];
        root = child;
    }
    ids[root] = id;
}

/* A heap sort: one watcher may have thousands of watches in one place. */
static void sort_ids(uint64_t *ids, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sink(ids, i - 1, count);
    }
    for (size_t last = count; last > 1; last--) {
        uint64_t highest = ids[0];
        ids[0] = ids[last - 1];
        ids[last - 1] = highest;
        sink(ids, 0, last - 1);
    }
}

static void gather_ids(struct watches *watches, struct watcher *watcher, struct watch_event *event)
{
    event->with_data = false;
    event->with_previous = false;
    event->ids_count = 0;
    for (struct watch *watch = watcher->hits; watch != NULL; watch = watch->next_hit) {
        if (event->ids_count == watches->ids_capacity) {
            watches->ids_capacity =
                watches->ids_capacity != 0 ? 2 * watches->ids_capacity : IDS_CAPACITY_FIRST;
            watches->ids = cd_realloc(watches->ids, watches->ids_capacity * sizeof(*watches->ids));
        }
        watches->ids[event->ids_count++] = watch->id;
        event->with_data = event->with_data || watch->with_data;
        event->with_previous = event->with_previous || watch->with_previous;
    }
    sort_ids(watches->ids, event->ids_count);
    event->ids = watches->ids;
    watcher->hits = NULL;
}

/* Tells a change to all that it has hit. Returns how many saw it. */
static size_t tell(struct watches *watches, const struct fsm *fsm,
                   const struct watch_change *change, watch_deliver deliver, void *context)
{
    struct watch_event event = {
        .zxid = change->zxid,
        .kind = change->kind,
        .path = fsm_path_of_key(fsm_node_key(change->node)),
        .data = fsm_node_data(change->node),
    };
    fsm_node_stat(change->node, &event.stat);
    if (change->before != NULL) {
        event.previous = fsm_node_data(change->before);
    } else if (change->kind == FSM_NODE_DELETED) {
        event.previous = event.data;
    }
    size_t seen = 0;
    const struct fsm_acl *now =
        watches->hit != NULL ? in_force(fsm, fsm_node_key(change->node)) : NULL;
    while (watches->hit != NULL) {
        struct watcher *watcher = watches->hit;
        watches->hit = watcher->next_hit;
        bool may = fsm_acl_allows(change->acl, watcher->who, FSM_READ) &&
                   fsm_acl_allows(now, watcher->who, FSM_READ); /* W3 */
        gather_ids(watches, watcher, &event);
        if (may) {
            event.same = seen > 0;
            deliver(context, watcher->number, &event);
            seen++;
        }
    }
    return seen;
}

/* ---- Telling ---- */

/* For whom the answers of queue fronts are meant. */
struct queue_telling {
    watch_deliver_queue deliver;
    void *context;
};

static bool is_live(const void *owner)
{
    const struct watcher *watcher = owner;
    return watcher->live;
}

static void tell_queue(void *context, void *owner, const struct watch_queue_event *event)
{
    const struct queue_telling *telling = context;
    const struct watcher *watcher = owner;
    telling->deliver(telling->context, watcher->number, event);
}

void watch_tell_queues(struct watches *watches, const struct fsm *fsm, uint64_t number, uint64_t id,
                       watch_deliver_queue deliver, void *context)
{
    struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL && watcher->live);
    struct watch *watch;
    struct watch *next;
    struct watch_queue_event event;
    if (id != 0) {
        HASH_FIND(hh, watcher->watches, &id, sizeof(id), watch);
        CD_ASSERT(watch != NULL && watch->queue != NULL);
        if (watch_queue_judge(watches->queues, fsm, watch->queue, true, &event)) {
            deliver(context, number, &event);
        }
        return;
    }
    HASH_ITER(hh, watcher->watches, watch, next)
    {
        if (watch->queue != NULL &&
            watch_queue_judge(watches->queues, fsm, watch->queue, false, &event)) {
            deliver(context, number, &event);
        }
    }
}

void watch_feed(struct watches *watches, const struct fsm *fsm, const struct fsm_result *result,
                watch_deliver deliver, watch_deliver_queue deliver_queue, void *context)
{
    struct watch_history *history = &watches->history;
    uint64_t first = history->end;
    for (size_t i = 0; i < result->changes_count; i++) {
        watch_history_add(history, result->zxid, fsm_elapsed_ms(fsm), &result->changes[i]);
    }
    watch_history_reach(history, fsm_zxid(fsm));
    for (uint64_t i = first; watches->count > 0 && i != history->end; i++) {
        const struct watch_change *change = watch_history_at(history, i);
        match_live(watches, change);
        (void)tell(watches, fsm, change, deliver, context);
    }
    struct queue_telling telling = {.deliver = deliver_queue, .context = context};
    watch_queues_feed(watches->queues, fsm, result, is_live, tell_queue, &telling);
    watch_history_trim(history, &watches->limits, fsm_elapsed_ms(fsm));
}

/* All of its watches have reached, or will together, what it has. */
static void forget_late(struct watcher *watcher)
{
    for (struct watch *watch = watcher->has_late ? watcher->watches : NULL; watch != NULL;
         watch = watch->hh.next) {
        watch->late = false;
    }
    watcher->has_late = false;
}

void watch_set_behind(struct watches *watches, uint64_t number, uint64_t zxid)
{
    struct watcher *watcher = find_watcher(watches, number);
    CD_ASSERT(watcher != NULL && zxid <= watches->history.hi);
    uint64_t reached = watcher->live ? watches->history.hi : watcher->told;
    if (zxid < reached) {
        for (struct watch *watch = watcher->watches; watch != NULL; watch = watch->hh.next) {
            if (!watch->late && watch->from < reached) {
                watch->from = reached; /* W1: it saw everything up to there */
            }
        }
    }
    forget_late(watcher);
    watcher->live = false;
    watcher->told = zxid;
}

enum watch_progress watch_replay(struct watches *watches, const struct fsm *fsm, uint64_t number,
                                 size_t bytes, uint64_t *ret_zxid, watch_deliver deliver,
                                 void *context)
{
    struct watcher *watcher = find_watcher(watches, number);
    const struct watch_history *history = &watches->history;
    CD_ASSERT(watcher != NULL && !watcher->live);
    *ret_zxid = watcher->told;
    if (watcher->told < history->lo) {
        return WATCH_LAGGED; /* W2 */
    }
    size_t delivered = 0;
    for (uint64_t i = watch_history_above(history, watcher->told); i != history->end; i++) {
        const struct watch_change *change = watch_history_at(history, i);
        if (change->zxid != watcher->told && delivered > 0 && delivered >= bytes) {
            *ret_zxid = watcher->told;
            return WATCH_MORE;
        }
        match_one(watches, watcher, change);
        delivered += REPLAY_LOOK_BYTES;
        if (tell(watches, fsm, change, deliver, context) > 0) {
            delivered += change->node->key_bytes + change->node->data_bytes;
        }
        watcher->told = change->zxid;
    }
    watcher->told = history->hi;
    watcher->live = true;
    forget_late(watcher);
    *ret_zxid = history->hi;
    return WATCH_LIVE;
}

/* ---- History ---- */

void watch_reset(struct watches *watches, uint64_t zxid)
{
    watch_history_reset(&watches->history, zxid);
    for (struct watcher *watcher = watches->watchers; watcher != NULL; watcher = watcher->hh.next) {
        watcher->live = true;
        for (struct watch *watch = watcher->watches; watch != NULL; watch = watch->hh.next) {
            watch->from = zxid;
        }
    }
}

void watch_history_view(const struct watches *watches, struct watch_history_view *ret_view)
{
    *ret_view = (struct watch_history_view){
        .lo = watches->history.lo,
        .hi = watches->history.hi,
        .changes = watches->history.end - watches->history.first,
        .bytes = watches->history.bytes,
    };
}
