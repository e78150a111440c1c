#include "server/streams.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

void server_streams_init(struct server_streams *streams)
{
    *streams = (struct server_streams){.due_ms = SERVER_NEVER_MS};
}

void server_streams_release(struct server_streams *streams)
{
    cd_free(streams->items);
    server_streams_init(streams);
}

/* Index of `id`, or where it belongs. */
static size_t place_of(const struct server_streams *streams, uint64_t id)
{
    size_t low = 0;
    size_t high = streams->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (streams->items[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct server_stream *find(const struct server_streams *streams, uint64_t id)
{
    size_t place = place_of(streams, id);
    bool found = place < streams->count && streams->items[place].id == id;
    return found ? &streams->items[place] : NULL;
}

void server_streams_add(struct server_streams *streams, uint64_t id)
{
    size_t place = place_of(streams, id);
    CD_ASSERT(id != 0);
    CD_ASSERT(place == streams->count || streams->items[place].id != id);
    if (streams->count == streams->capacity) {
        streams->capacity = streams->capacity != 0 ? 2 * streams->capacity : 64;
        streams->items = cd_realloc(streams->items, streams->capacity * sizeof(*streams->items));
    }
    memmove(&streams->items[place + 1], &streams->items[place],
            (streams->count - place) * sizeof(*streams->items));
    streams->items[place] = (struct server_stream){.id = id, .close_ms = SERVER_NEVER_MS};
    streams->count++;
}

void server_streams_remove(struct server_streams *streams, uint64_t id)
{
    size_t place = place_of(streams, id);
    CD_ASSERT(place < streams->count && streams->items[place].id == id);
    memmove(&streams->items[place], &streams->items[place + 1],
            (streams->count - place - 1) * sizeof(*streams->items));
    streams->count--;
}

void server_streams_end(struct server_streams *streams, uint64_t id, uint64_t close_ms)
{
    struct server_stream *stream = find(streams, id);
    if (stream != NULL) {
        stream->close_ms = close_ms;
        streams->due_ms = close_ms < streams->due_ms ? close_ms : streams->due_ms;
    }
}

void server_streams_touch(struct server_streams *streams, uint64_t id, uint64_t close_ms)
{
    if (streams->due_ms == SERVER_NEVER_MS) {
        return; /* nobody is to be closed: the common case, on the path of every frame */
    }
    struct server_stream *stream = find(streams, id);
    if (stream != NULL && stream->close_ms != SERVER_NEVER_MS) {
        stream->close_ms = close_ms;
        streams->due_ms = close_ms < streams->due_ms ? close_ms : streams->due_ms;
    }
}

uint64_t server_streams_take_due(struct server_streams *streams, uint64_t now_ms)
{
    uint64_t due_ms = SERVER_NEVER_MS;
    if (now_ms < streams->due_ms) {
        return 0;
    }
    for (size_t i = 0; i < streams->count; i++) {
        if (streams->items[i].close_ms <= now_ms) {
            streams->items[i].close_ms = SERVER_NEVER_MS;
            return streams->items[i].id;
        }
        due_ms = streams->items[i].close_ms < due_ms ? streams->items[i].close_ms : due_ms;
    }
    streams->due_ms = due_ms;
    return 0;
}
