#include "codec_internal.h"
#include "watch.h"

#include <string.h>

/* Watches: the requests that set and remove them, and what they are told. */

/* ---- What goes out ---- */

static enum coord_code pack_addressed(Coord__V1__Request *message,
                                      const struct client_address *address,
                                      struct client_bytes *ret_bytes)
{
    struct client_bytes packed;
    if (codec_pack(&message->base, CODEC_TAIL_BYTES, &packed) != COORD_OK) {
        return COORD_NO_MEMORY;
    }
    packed.count = client_codec_address(packed.data, packed.count, address);
    *ret_bytes = packed;
    return COORD_OK;
}

static enum coord_code encode_tree(Coord__V1__WatchRequest *request,
                                   const struct client_watch *watch, Coord__V1__Request *message,
                                   const struct client_address *address,
                                   struct client_bytes *ret_bytes)
{
    Coord__V1__TreeWatch tree = COORD__V1__TREE_WATCH__INIT;
    Coord__V1__EventKind kinds[COORD_EVENT_ACL_CHANGED];
    const struct client_watch_spec *spec = &watch->spec;
    for (uint32_t kind = COORD_EVENT_CREATED; kind <= COORD_EVENT_ACL_CHANGED; kind++) {
        if ((spec->kinds & (1u << kind)) != 0) {
            kinds[tree.n_kinds++] = (Coord__V1__EventKind)kind;
        }
    }
    tree.kinds = kinds;
    tree.path = codec_binary(spec->path, strlen(spec->path));
    tree.scope = (Coord__V1__WatchScope)spec->scope;
    tree.with_data = (spec->flags & COORD_WATCH_WITH_DATA) != 0;
    tree.with_previous = (spec->flags & COORD_WATCH_WITH_PREVIOUS) != 0;
    /* What was told once is not asked for again. */
    tree.read_node = !watch->told_set && (spec->flags & COORD_WATCH_READ_NODE) != 0;
    tree.read_children = !watch->told_set && (spec->flags & COORD_WATCH_READ_CHILDREN) != 0;
    request->after_zxid = watch->resume_zxid;
    request->target_case = COORD__V1__WATCH_REQUEST__TARGET_TREE;
    request->tree = &tree;
    return pack_addressed(message, address, ret_bytes);
}

static enum coord_code encode_queue(Coord__V1__WatchRequest *request,
                                    const struct client_watch *watch, Coord__V1__Request *message,
                                    const struct client_address *address,
                                    struct client_bytes *ret_bytes)
{
    Coord__V1__QueueFrontWatch queue = COORD__V1__QUEUE_FRONT_WATCH__INIT;
    Coord__V1__CreatedNode created = COORD__V1__CREATED_NODE__INIT;
    const struct client_watch_spec *spec = &watch->spec;
    const char *path = spec->path != NULL ? spec->path : watch->created_path;
    struct client_arena arena;
    client_arena_init(&arena, SIZE_MAX);
    if (path != NULL) {
        queue.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER_PATH;
        queue.path = codec_binary(path, strlen(path));
    } else {
        created.seq = watch->created_seq;
        created.op_index = spec->op_index;
        queue.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER_CREATED;
        queue.created = &created;
    }
    queue.n = spec->n;
    queue.prefixes = codec_make_texts(&arena, spec->prefixes, spec->prefixes_count);
    queue.n_prefixes = spec->prefixes_count;
    request->target_case = COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT;
    request->queue_front = &queue;
    enum coord_code code =
        queue.prefixes != NULL ? pack_addressed(message, address, ret_bytes) : COORD_NO_MEMORY;
    client_arena_release(&arena);
    return code;
}

enum coord_code client_codec_watch_encode(const struct client_watch *watch,
                                          const struct client_address *address,
                                          struct client_bytes *ret_bytes)
{
    Coord__V1__Request message = COORD__V1__REQUEST__INIT;
    Coord__V1__WatchRequest request = COORD__V1__WATCH_REQUEST__INIT;
    message.op_case = COORD__V1__REQUEST__OP_WATCH;
    message.watch = &request;
    request.watch_id = watch->id;
    /*
     * The first answer shows what was acknowledged before it was asked for. One that is set again
     * goes on from a point that is known, and one behind a write of the session is behind that.
     */
    if (watch->told_set || address->after_seq != 0) {
        message.level = COORD__V1__READ_LEVEL__READ_LEVEL_SESSION;
    }
    return watch->spec.queue_front ? encode_queue(&request, watch, &message, address, ret_bytes)
                                   : encode_tree(&request, watch, &message, address, ret_bytes);
}

enum coord_code client_codec_unwatch_encode(uint64_t watch_id, const struct client_address *address,
                                            struct client_bytes *ret_bytes)
{
    Coord__V1__Request message = COORD__V1__REQUEST__INIT;
    Coord__V1__UnwatchRequest request = COORD__V1__UNWATCH_REQUEST__INIT;
    message.op_case = COORD__V1__REQUEST__OP_UNWATCH;
    message.unwatch = &request;
    request.watch_id = watch_id;
    return pack_addressed(&message, address, ret_bytes);
}

/* ---- What comes in ---- */

static bool take_ids(struct client_frame *frame, struct client_item *to, const uint64_t *ids,
                     size_t count)
{
    uint64_t *copy = client_arena_get_array(&frame->arena, count, sizeof(*copy));
    if (copy == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(copy, ids, count * sizeof(*copy));
    }
    to->watch_ids = copy;
    to->watch_ids_count = count;
    return true;
}

static bool is_path(ProtobufCBinaryData from)
{
    return from.len > 0 && memchr(from.data, '\0', from.len) == NULL;
}

static enum coord_code take_event(struct client_frame *frame, struct client_item *to,
                                  const Coord__V1__Event *from)
{
    if (from->zxid == 0 || !is_path(from->path)) {
        return COORD_MALFORMED;
    }
    to->kind = CLIENT_ITEM_EVENT;
    to->zxid = from->zxid;
    to->event = (struct coord_event){
        .zxid = from->zxid,
        .kind = (enum coord_event_kind)from->kind,
        .path = client_arena_copy(&frame->arena, from->path.data, from->path.len),
        .stat = from->stat != NULL ? codec_take_stat(&frame->arena, from->stat) : NULL,
        .data = client_arena_copy(&frame->arena, from->data.data, from->data.len),
        .data_bytes = from->data.len,
        .previous =
            client_arena_copy(&frame->arena, from->previous_data.data, from->previous_data.len),
        .previous_bytes = from->previous_data.len,
    };
    bool taken = to->event.path != NULL && to->event.data != NULL && to->event.previous != NULL &&
                 (to->event.stat != NULL || from->stat == NULL) &&
                 take_ids(frame, to, from->watch_ids, from->n_watch_ids);
    return taken ? COORD_OK : COORD_NO_MEMORY;
}

static enum coord_code take_queue_front(struct client_frame *frame, struct client_item *to,
                                        const Coord__V1__QueueFront *from)
{
    to->kind = CLIENT_ITEM_QUEUE_FRONT;
    to->zxid = from->zxid;
    to->queue_state = (enum coord_queue_state)from->state;
    to->fence = from->fence;
    to->path = client_arena_copy(&frame->arena, from->path.data, from->path.len);
    return to->path != NULL && take_ids(frame, to, &from->watch_id, 1) ? COORD_OK : COORD_NO_MEMORY;
}

enum coord_code codec_take_watch_item(struct client_frame *frame, struct client_item *to,
                                      const Coord__V1__Item *from)
{
    switch (from->item_case) {
    case COORD__V1__ITEM__ITEM_EVENT:
        return take_event(frame, to, from->event);
    case COORD__V1__ITEM__ITEM_QUEUE_FRONT:
        return take_queue_front(frame, to, from->queue_front);
    case COORD__V1__ITEM__ITEM_LAGGED:
        to->kind = CLIENT_ITEM_LAGGED;
        to->zxid = from->lagged->after_zxid;
        return take_ids(frame, to, from->lagged->watch_ids, from->lagged->n_watch_ids)
                   ? COORD_OK
                   : COORD_NO_MEMORY;
    case COORD__V1__ITEM__ITEM_RESYNC:
        to->kind = CLIENT_ITEM_RESYNC;
        to->zxid = from->resync->complete_from_zxid;
        return take_ids(frame, to, from->resync->watch_ids, from->resync->n_watch_ids)
                   ? COORD_OK
                   : COORD_NO_MEMORY;
    default:
        CD_UNREACHABLE();
    }
}
