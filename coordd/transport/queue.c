#include "transport/queue.h"

#include "base/memory.h"
#include "transport/internal.h"

struct item *item_create(enum item_kind kind)
{
    struct item *item = cd_calloc(1, sizeof(*item));
    item->kind = kind;
    return item;
}

void item_free(struct item *item)
{
    if (item == NULL) {
        return;
    }
    if (item->stream != NULL) {
        stream_unref(item->stream);
    }
    cd_blob_unref(item->blob);
    cd_free(item->text);
    cd_free(item);
}

uint64_t item_cost(const struct item *item)
{
    return TRANSPORT_FRAME_OVERHEAD + (uint64_t)(item->blob != NULL ? item->blob->bytes : 0);
}

void queue_push(struct queue *queue, struct item *item)
{
    item->next = NULL;
    if (queue->first == NULL) {
        queue->first = item;
    } else {
        queue->last->next = item;
    }
    queue->last = item;
}

struct item *queue_take(struct queue *queue)
{
    struct item *item = queue->first;
    if (item != NULL) {
        queue->first = item->next;
        item->next = NULL;
    }
    return item;
}

void queue_append(struct queue *to, struct queue *from)
{
    if (from->first == NULL) {
        return;
    }
    if (to->first == NULL) {
        to->first = from->first;
    } else {
        to->last->next = from->first;
    }
    to->last = from->last;
    from->first = NULL;
}

void queue_clear(struct queue *queue)
{
    struct item *item;
    while ((item = queue_take(queue)) != NULL) {
        item_free(item);
    }
}

static bool is_of_peer(const struct item *item)
{
    return item->kind == ITEM_PEER_FRAME || item->kind == ITEM_PEER_UP ||
           item->kind == ITEM_PEER_DOWN;
}

void inbox_push(struct inbox *inbox, struct item *item)
{
    queue_push(is_of_peer(item) ? &inbox->peers : &inbox->others, item);
}

struct item *inbox_take(struct inbox *inbox)
{
    struct item *item = queue_take(&inbox->peers);
    return item != NULL ? item : queue_take(&inbox->others);
}

void inbox_append(struct inbox *to, struct inbox *from)
{
    queue_append(&to->peers, &from->peers);
    queue_append(&to->others, &from->others);
}

void inbox_clear(struct inbox *inbox)
{
    queue_clear(&inbox->peers);
    queue_clear(&inbox->others);
}

bool inbox_is_empty(const struct inbox *inbox)
{
    return inbox->peers.first == NULL && inbox->others.first == NULL;
}
