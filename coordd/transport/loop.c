#include "transport/internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* What the loop thread sees and says. Nothing here touches a gRPC object. */

#define HANDLES_FIRST 64

/* ---- Ids: index + 1 in the lower half, the slot's generation in the upper ---- */

static void grow_handles(struct transport *transport)
{
    uint32_t old_count = transport->handles_count;
    uint32_t count = old_count != 0 ? old_count * 2 : HANDLES_FIRST;
    transport->handles = cd_realloc(transport->handles, count * sizeof(*transport->handles));
    for (uint32_t i = count; i-- > old_count;) {
        transport->handles[i] = (struct handle){.next_free = transport->handles_free};
        transport->handles_free = i + 1;
    }
    transport->handles_count = count;
}

/* Takes a reference. The table is bounded by streams_max and calls_max, which cq has checked. */
static void put_handle(struct transport *transport, struct stream *stream)
{
    if (transport->handles_free == 0) {
        grow_handles(transport);
    }
    uint32_t place = transport->handles_free;
    struct handle *handle = &transport->handles[place - 1];
    transport->handles_free = handle->next_free;
    handle->stream = stream;
    stream_ref(stream);
    stream->id = ((uint64_t)handle->generation << 32) | place;
}

static struct stream *find_handle(const struct transport *transport, uint64_t id)
{
    uint32_t place = (uint32_t)id;
    if (place == 0 || place > transport->handles_count) {
        return NULL;
    }
    const struct handle *handle = &transport->handles[place - 1];
    return handle->generation == (uint32_t)(id >> 32) ? handle->stream : NULL;
}

/* Gives the reference back; the stream may be freed. */
static void remove_handle(struct transport *transport, struct stream *stream)
{
    uint32_t place = (uint32_t)stream->id;
    struct handle *handle = &transport->handles[place - 1];
    CD_ASSERT(handle->stream == stream);
    handle->stream = NULL;
    handle->generation++;
    handle->next_free = transport->handles_free;
    transport->handles_free = place;
    stream_unref(stream);
}

void loop_release(struct transport *transport)
{
    inbox_clear(&transport->arrived);
    queue_clear(&transport->said);
    for (uint32_t i = 0; i < transport->handles_count; i++) {
        if (transport->handles[i].stream != NULL) {
            stream_unref(transport->handles[i].stream);
        }
    }
    cd_free(transport->handles);
}

/* ---- What came ---- */

/* The place in the inbox is free again; a paused stream may go on after the next flush. */
static void consume(struct transport *transport, const struct item *item)
{
    uint64_t cost = item_cost(item);
    atomic_fetch_sub(&item->stream->in_bytes, cost);
    if (item->kind != ITEM_PEER_FRAME) {
        atomic_fetch_sub(&transport->in_bytes, cost);
    }
    transport->review = true;
}

static void hand_out_call(struct transport *transport, const struct transport_handler *handler,
                          void *context, const struct item *item)
{
    struct stream *stream = item->stream;
    put_handle(transport, stream);
    uint64_t left_ms = TRANSPORT_NO_DEADLINE;
    if (stream->deadline_ms != TRANSPORT_NO_DEADLINE) {
        uint64_t now = now_ms();
        left_ms = stream->deadline_ms > now ? stream->deadline_ms - now : 0;
    }
    const struct transport_call call = {
        .id = stream->id,
        .method = stream->method,
        .identity = stream->identity,
        .from = stream->from,
        .timeout_ms = left_ms,
        .request = item->blob,
    };
    handler->call(context, &call);
}

static void hand_out_sent(const struct transport_handler *handler, void *context,
                          struct stream *stream)
{
    uint64_t bytes = atomic_exchange(&stream->sent_bytes, 0);
    if (!stream->loop_closing) {
        handler->stream_sent(context, stream->id, bytes);
    }
}

static void hand_out_closed(struct transport *transport, const struct transport_handler *handler,
                            void *context, struct stream *stream)
{
    handler->stream_closed(context, stream->id);
    remove_handle(transport, stream);
    atomic_fetch_sub(&transport->streams_open, 1);
}

static void hand_out_link(struct transport *transport, const struct transport_handler *handler,
                          void *context, const struct item *item)
{
    struct link *link = link_find(transport, item->node);
    link->loop_up = item->kind == ITEM_PEER_UP;
    if (link->loop_up) {
        link->loop_epoch = item->number;
        handler->peer_up(context, item->node);
    } else {
        handler->peer_down(context, item->node);
    }
}

static void hand_out(struct transport *transport, const struct transport_handler *handler,
                     void *context, const struct item *item)
{
    struct stream *stream = item->stream;
    switch (item->kind) {
    case ITEM_OPENED:
        put_handle(transport, stream);
        handler->stream_opened(context, stream->id, stream->method, stream->identity, stream->from);
        return;
    case ITEM_FRAME:
        if (!stream->loop_closing) {
            handler->stream_frame(context, stream->id, item->blob);
        }
        consume(transport, item);
        return;
    case ITEM_SENT:
        hand_out_sent(handler, context, stream);
        return;
    case ITEM_ENDED:
        if (!stream->loop_closing) {
            handler->stream_ended(context, stream->id);
        }
        return;
    case ITEM_CLOSED:
        hand_out_closed(transport, handler, context, stream);
        return;
    case ITEM_CALL:
        hand_out_call(transport, handler, context, item);
        consume(transport, item);
        return;
    case ITEM_PEER_FRAME:
        handler->peer_frame(context, item->node, item->number, item->blob);
        consume(transport, item);
        return;
    case ITEM_PEER_UP:
    case ITEM_PEER_DOWN:
        hand_out_link(transport, handler, context, item);
        return;
    case ITEM_LOG:
        atomic_fetch_sub(&transport->log_items, 1);
        handler->log(context, item->level, item->event, item->text);
        return;
    case ITEM_SEND:
    case ITEM_CLOSE:
    case ITEM_CUT:
    case ITEM_REPLY:
    case ITEM_PEER_SEND:
    case ITEM_DRAIN:
        break; /* these go the other way */
    }
    CD_UNREACHABLE();
}

bool transport_poll(struct transport *transport, const struct transport_handler *handler,
                    void *context, uint32_t events_max)
{
    pthread_mutex_lock(&transport->lock);
    inbox_append(&transport->arrived, &transport->inbox);
    transport->loop_woken = false;
    pthread_mutex_unlock(&transport->lock);
    for (uint32_t i = 0; i < events_max; i++) {
        struct item *item = inbox_take(&transport->arrived);
        if (item == NULL) {
            return false;
        }
        hand_out(transport, handler, context, item);
        item_free(item);
    }
    return !inbox_is_empty(&transport->arrived);
}

/* ---- What is said ---- */

void transport_flush(struct transport *transport)
{
    /*
     * cq lists a stream as paused and then looks once more whether it may go on; here it is the
     * other way round. So one of the two sees the other, and no stream stays paused for ever.
     */
    bool review = transport->review && atomic_load(&transport->paused_count) != 0;
    transport->review = false;
    if (transport->said.first == NULL && !review) {
        return;
    }
    pthread_mutex_lock(&transport->lock);
    queue_append(&transport->outbox, &transport->said);
    bool post = transport->running && !transport->cq_woken;
    transport->cq_woken = transport->cq_woken || post;
    pthread_mutex_unlock(&transport->lock);
    if (post) {
        transport_batch(transport->wake_call, NULL, 0, &transport->wake_tag);
    }
}

static void say(struct transport *transport, struct stream *stream, struct item *item)
{
    if (stream != NULL) {
        item->stream = stream;
        stream_ref(stream);
    }
    queue_push(&transport->said, item);
}

static struct stream *find_stream(const struct transport *transport, uint64_t id)
{
    struct stream *stream = find_handle(transport, id);
    return stream != NULL && stream->kind == STREAM_SESSION ? stream : NULL;
}

static void cut_off(struct transport *transport, struct stream *stream, const char *text)
{
    stream->loop_closing = true;
    struct item *item = item_create(ITEM_CUT);
    item->text = cd_strdup(text);
    say(transport, stream, item);
}

/* T2. True if a frame of `cost` would pass a limit; then the stream is cut off. */
static bool overflows(struct transport *transport, struct stream *stream, uint64_t cost)
{
    char text[256];
    const struct transport_limits *limits = &transport->limits;
    uint64_t waiting = atomic_load(&stream->out_bytes) + cost;
    if (waiting > limits->stream_out_bytes_max) {
        (void)snprintf(text, sizeof(text), "the client does not read: %llu bytes waiting, limit %u",
                       (unsigned long long)waiting, limits->stream_out_bytes_max);
    } else if (waiting > limits->stream_out_bytes_mark &&
               atomic_load(&transport->out_bytes) + cost > limits->out_bytes_max) {
        (void)snprintf(text, sizeof(text),
                       "the client does not read: %llu bytes waiting, limit %u while all "
                       "clients together have more than %llu",
                       (unsigned long long)waiting, limits->stream_out_bytes_mark,
                       (unsigned long long)limits->out_bytes_max);
    } else {
        return false;
    }
    cut_off(transport, stream, text);
    return true;
}

enum cd_status transport_stream_send(struct transport *transport, uint64_t id,
                                     struct cd_blob *frame)
{
    struct stream *stream = find_stream(transport, id);
    if (stream == NULL || stream->loop_closing) {
        cd_blob_unref(frame);
        return CD_CLOSED;
    }
    uint64_t cost = TRANSPORT_FRAME_OVERHEAD + (uint64_t)frame->bytes;
    if (overflows(transport, stream, cost)) {
        cd_blob_unref(frame);
        return CD_FULL;
    }
    atomic_fetch_add(&stream->out_bytes, cost);
    atomic_fetch_add(&transport->out_bytes, cost);
    struct item *item = item_create(ITEM_SEND);
    item->blob = frame;
    say(transport, stream, item);
    return CD_OK;
}

uint64_t transport_stream_waiting(const struct transport *transport, uint64_t id)
{
    const struct stream *stream = find_stream(transport, id);
    return stream != NULL ? atomic_load(&stream->out_bytes) : 0;
}

static char *copy_message(const char *message)
{
    return message != NULL ? cd_strndup(message, strnlen(message, TRANSPORT_MESSAGE_BYTES_MAX))
                           : NULL;
}

void transport_stream_close(struct transport *transport, uint64_t id, enum transport_code code,
                            const char *message)
{
    struct stream *stream = find_stream(transport, id);
    if (stream == NULL || stream->loop_closing) {
        return;
    }
    stream->loop_closing = true;
    struct item *item = item_create(ITEM_CLOSE);
    item->code = code;
    item->text = copy_message(message);
    say(transport, stream, item);
}

void transport_stream_hold(struct transport *transport, uint64_t id, bool hold)
{
    struct stream *stream = find_stream(transport, id);
    if (stream == NULL) {
        return;
    }
    atomic_store(&stream->hold, hold);
    if (!hold) {
        transport->review = true;
    }
}

void transport_call_reply(struct transport *transport, uint64_t id, enum transport_code code,
                          const char *message, struct cd_blob *reply)
{
    struct stream *stream = find_handle(transport, id);
    CD_ASSERT(stream != NULL);
    CD_ASSERT(stream->kind == STREAM_CALL);
    struct item *item = item_create(ITEM_REPLY);
    item->code = code;
    if (code == TRANSPORT_OK) {
        CD_ASSERT(reply != NULL);
        item->blob = reply;
        atomic_fetch_add(&stream->out_bytes, item_cost(item));
        atomic_fetch_add(&transport->out_bytes, item_cost(item));
    } else {
        item->text = copy_message(message);
        cd_blob_unref(reply);
    }
    say(transport, stream, item);
    remove_handle(transport, stream);
    atomic_fetch_sub(&transport->calls_open, 1);
}

bool transport_peer_send(struct transport *transport, uint32_t node, struct cd_blob *frame)
{
    struct link *link = link_find(transport, node);
    uint64_t cost = TRANSPORT_FRAME_OVERHEAD + (uint64_t)frame->bytes;
    if (link == NULL || !link->loop_up ||
        atomic_load(&link->out_bytes) + cost > transport->limits.peer_out_bytes_max) {
        cd_blob_unref(frame);
        atomic_fetch_add_explicit(&transport->counters.peer_frames_dropped, 1,
                                  memory_order_relaxed);
        return false;
    }
    atomic_fetch_add(&link->out_bytes, cost);
    struct item *item = item_create(ITEM_PEER_SEND);
    item->node = node;
    item->number = link->loop_epoch;
    item->blob = frame;
    say(transport, NULL, item);
    return true;
}

uint64_t transport_peer_waiting(const struct transport *transport, uint32_t node)
{
    for (size_t i = 0; i < transport->links_count; i++) {
        if (transport->links[i].node == node) {
            return atomic_load(&transport->links[i].out_bytes);
        }
    }
    return 0;
}

void transport_drain(struct transport *transport)
{
    if (!atomic_exchange(&transport->draining, true)) {
        say(transport, NULL, item_create(ITEM_DRAIN));
        transport_flush(transport);
    }
}

uint64_t transport_open_count(const struct transport *transport)
{
    return atomic_load(&transport->streams_open) + atomic_load(&transport->calls_open);
}

void transport_metrics_get(const struct transport *transport, struct transport_metrics *ret_metrics)
{
    const struct counters *from = &transport->counters;
    memset(ret_metrics, 0, sizeof(*ret_metrics));
    ret_metrics->streams_open = atomic_load(&transport->streams_open);
    ret_metrics->calls_open = atomic_load(&transport->calls_open);
    ret_metrics->in_bytes_waiting = atomic_load(&transport->in_bytes);
    ret_metrics->out_bytes_waiting = atomic_load(&transport->out_bytes);
#define COPY(name) ret_metrics->name = atomic_load_explicit(&from->name, memory_order_relaxed)
    COPY(streams_opened);
    COPY(streams_refused);
    COPY(streams_cut_off);
    COPY(calls_received);
    COPY(calls_refused);
    COPY(client_frames_in);
    COPY(client_bytes_in);
    COPY(client_frames_out);
    COPY(client_bytes_out);
    COPY(reads_paused);
    COPY(peer_links_up);
    COPY(peer_dials);
    COPY(peer_dials_failed);
    COPY(peer_reconnects);
    COPY(peer_refused);
    COPY(peer_frames_in);
    COPY(peer_bytes_in);
    COPY(peer_frames_out);
    COPY(peer_bytes_out);
    COPY(peer_frames_dropped);
    COPY(handshakes_failed);
#undef COPY
}
