#include "simulation/crowd.h"

#include "base/memory.h"
#include "simulation/values.h"

#include <inttypes.h>
#include <string.h>

/* Watches of the tree, and what they are told. */

/* ---- Setting and taking away ---- */

struct crowd_watch *crowd_watch_new(struct crowd_client *client)
{
    struct crowd_watch *watch = cd_calloc(1, sizeof(*watch));
    watch->client = client;
    watch->number = ++client->crowd->watches;
    watch->watch.context = watch;
    return watch;
}

static void draw_spec(struct crowd_client *client, struct crowd_watch *watch)
{
    static const char *const places[] = {"/", "/q", "/lock", "/boss", "/n0", "/k0", "/k1", "/k2"};
    struct cd_prng *prng = &client->prng;
    const char *place = places[cd_prng_below(prng, CD_ARRAY_COUNT(places))];
    (void)snprintf(watch->path, sizeof(watch->path), "%s", place);
    struct client_watch_spec *spec = &watch->watch.spec;
    spec->path = watch->path;
    spec->scope = (enum coord_watch_scope)cd_prng_below(prng, 3);
    spec->kinds = sim_chance(prng, 700000) ? 0 : (uint32_t)sim_between(prng, 1, 7) << 1;
    spec->flags = (uint32_t)cd_prng_below(prng, 16);
    if (client->slow) { /* much to read */
        (void)snprintf(watch->path, sizeof(watch->path), "/q");
        spec->kinds = 0;
        spec->flags |= COORD_WATCH_WITH_DATA | COORD_WATCH_WITH_PREVIOUS;
    }
    uint64_t counter = client->seen_zxid & ((UINT64_C(1) << MODEL_GENERATION_SHIFT) - 1);
    if (sim_chance(prng, 300000) && counter != 0) {
        spec->after_zxid = client->seen_zxid - cd_prng_below(prng, counter < 400 ? counter : 400);
    }
}

void crowd_watch_one(struct crowd_client *client)
{
    size_t place = (size_t)cd_prng_below(&client->prng, CROWD_WATCHES_MAX);
    if (client->watched[place] != NULL) {
        return;
    }
    struct crowd_watch *watch = crowd_watch_new(client);
    draw_spec(client, watch);
    if (caller_watch(&client->caller, &watch->watch) != COORD_OK) {
        (void)verdict_fail(client->crowd->verdict, "client %u: a watch was refused",
                           client->caller.options.id);
        cd_free(watch);
        return;
    }
    client->watched[place] = watch;
    trace_line(client->crowd->trace, "client %u watches %s as %" PRIu64, client->caller.options.id,
               watch->path, watch->watch.id);
}

void crowd_watch_drop(struct crowd_client *client, struct crowd_watch *watch)
{
    if (watch->is_set && !watch->ended) {
        caller_log(&client->caller, (struct event){.kind = EV_UNWATCH, .watch = watch->number});
    }
    caller_unwatch(&client->caller, &watch->watch);
    cd_free(watch);
}

void crowd_unwatch_one(struct crowd_client *client)
{
    size_t place = (size_t)cd_prng_below(&client->prng, CROWD_WATCHES_MAX);
    if (client->watched[place] != NULL) {
        crowd_watch_drop(client, client->watched[place]);
        client->watched[place] = NULL;
    }
}

void crowd_drop_watches(struct crowd_client *client)
{
    for (size_t i = 0; i < CROWD_WATCHES_MAX; i++) {
        if (client->watched[i] != NULL) {
            crowd_watch_drop(client, client->watched[i]);
            client->watched[i] = NULL;
        }
    }
    if (client->lock.watch != NULL) {
        crowd_watch_drop(client, client->lock.watch);
        client->lock.watch = NULL;
    }
}

/* ---- Told ---- */

static struct event watch_event(const struct crowd_watch *watch, uint64_t zxid)
{
    const struct client_watch_spec *spec = &watch->watch.spec;
    return (struct event){.kind = EV_WATCH,
                          .watch = watch->number,
                          .zxid = zxid,
                          .path = spec->path,
                          .scope = (enum event_scope)spec->scope, /* the numbers are equal */
                          .kinds = spec->kinds,
                          .with_data = (spec->flags & COORD_WATCH_WITH_DATA) != 0,
                          .with_previous = (spec->flags & COORD_WATCH_WITH_PREVIOUS) != 0};
}

static struct crowd_watch *find(struct crowd_client *client, uint64_t id)
{
    for (size_t i = 0; i < CROWD_WATCHES_MAX; i++) {
        struct crowd_watch *watch = client->watched[i];
        if (watch != NULL && watch->watch.id == id && watch->is_set && !watch->ended) {
            return watch;
        }
    }
    return NULL; /* of a queue front, or not set yet */
}

void crowd_watch_sent(void *context, uint64_t id, uint64_t after)
{
    struct crowd_client *client = context;
    const struct crowd_watch *watch = find(client, id);
    if (watch != NULL) {
        struct event event = watch_event(watch, after);
        event.again = true;
        caller_log(&client->caller, event);
    }
}

void crowd_watch_set(void *context, uint64_t id, uint64_t request)
{
    struct crowd_client *client = context;
    const struct crowd_watch *watch = find(client, id);
    if (watch != NULL && watch->watch.request == request) {
        caller_log(&client->caller, (struct event){.kind = EV_WATCHED, .watch = watch->number});
    }
}

bool crowd_is_armed(void *context, uint64_t stream)
{
    const struct crowd_client *client = context;
    size_t set = 0;
    for (size_t i = 0; i < CROWD_WATCHES_MAX; i++) {
        const struct crowd_watch *watch = client->watched[i];
        if (watch != NULL && watch->is_set && !watch->ended) {
            if (watch->watch.state == WATCH_UNSENT || watch->watch.state == WATCH_SENT ||
                watch->watch.stream != stream) {
                return false;
            }
            set++;
        }
    }
    return set > 0;
}

static void tell_change(struct crowd_client *client, const struct crowd_watch *watch,
                        const struct coord_event *from)
{
    struct model_change change = {
        .kind = (enum model_change_kind)from->kind, /* the numbers are equal */
        .previous = value_read(from->previous, from->previous_bytes),
    };
    (void)snprintf(change.path, sizeof(change.path), "%s", from->path);
    if (from->kind != COORD_EVENT_DELETED) {
        change.value = value_read(from->data, from->data_bytes);
    }
    if (from->stat != NULL) {
        change.czxid = from->stat->czxid;
        change.mzxid = from->stat->mzxid;
        change.version = from->stat->version;
        change.owner = from->stat->ephemeral_owner;
        change.node_kind = (enum model_node_kind)from->stat->kind; /* likewise */
    }
    client->seen_zxid = from->zxid > client->seen_zxid ? from->zxid : client->seen_zxid;
    caller_log(&client->caller, (struct event){.kind = EV_EVENT,
                                               .watch = watch->number,
                                               .zxid = from->zxid,
                                               .change = &change});
}

static void tell_tree(struct crowd_client *client, struct crowd_watch *watch,
                      const struct coord_watch_item *item)
{
    uint64_t id = watch->number;
    switch (item->kind) {
    case COORD_WATCH_SET:
        watch->is_set = true;
        caller_log(&client->caller, watch_event(watch, item->zxid));
        break;
    case COORD_WATCH_EVENTS:
        for (size_t i = 0; i < item->events_count; i++) {
            tell_change(client, watch, item->events[i]);
        }
        break;
    case COORD_WATCH_BOOKMARK:
        client->seen_zxid = item->zxid > client->seen_zxid ? item->zxid : client->seen_zxid;
        caller_log(&client->caller, (struct event){.kind = EV_BOOKMARK, .zxid = item->zxid});
        break;
    case COORD_WATCH_RESYNC:
        caller_log(&client->caller,
                   (struct event){.kind = EV_RESYNC, .watch = id, .zxid = item->zxid});
        break;
    case COORD_WATCH_LAGGED:
        caller_log(&client->caller,
                   (struct event){.kind = EV_LAGGED, .watch = id, .zxid = item->from_zxid});
        break;
    case COORD_WATCH_QUEUE:
    case COORD_WATCH_ENDED:
        break;
    }
}

/* A session that is over takes its watches along, and none is set before the cluster's birth; all
 * other reasons are faults. */
static void end(struct crowd_client *client, struct crowd_watch *watch,
                const struct coord_watch_item *item)
{
    if (item->code != COORD_SESSION_EXPIRED && item->code != COORD_CLOSED &&
        item->code != COORD_NOT_BORN) {
        (void)verdict_fail(client->crowd->verdict, "client %u: watch %" PRIu64 " ended with %d: %s",
                           client->caller.options.id, watch->watch.id, (int)item->code,
                           item->message);
    }
    if (watch->is_set && !watch->ended) {
        caller_log(&client->caller, (struct event){.kind = EV_UNWATCH, .watch = watch->number});
    }
    watch->ended = true;
}

/* Its place is free for another one. */
static void forget_ended(struct crowd_client *client, const struct crowd_watch *ended)
{
    for (size_t i = 0; i < CROWD_WATCHES_MAX; i++) {
        if (client->watched[i] == ended) {
            crowd_watch_drop(client, client->watched[i]);
            client->watched[i] = NULL;
        }
    }
}

void crowd_told(void *context, struct client_watch_item *item)
{
    struct crowd_client *client = context;
    struct crowd_watch *watch = item->watch->context;
    bool ends = item->item.kind == COORD_WATCH_ENDED;
    trace_line(client->crowd->trace, "client %u: watch %" PRIu64 " is told %d, zxid %" PRIx64,
               client->caller.options.id, watch->watch.id, (int)item->item.kind, item->item.zxid);
    bool of_queue = watch->watch.spec.queue_front;
    if (of_queue) {
        crowd_lock_told(client, watch, &item->item);
    } else if (ends) {
        end(client, watch, &item->item);
    } else {
        tell_tree(client, watch, &item->item);
    }
    if (client->stall_us != 0 && !of_queue && !client->caller.closing) {
        watch->untaken_bytes += item->bytes;
    } else {
        caller_took(&client->caller, &watch->watch, item->bytes);
    }
    client_watch_item_free(item);
    if (ends && !of_queue) {
        forget_ended(client, watch);
    }
}
