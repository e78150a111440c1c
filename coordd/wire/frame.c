#include "base/assert.h"
#include "wire/client.h"
#include "wire/internal.h"

#include <string.h>

/* Frames and calls to clients; client.c is the other way. */

/* What a frame keeps free of items, for its head. */
#define HEAD_BYTES_MAX  ((size_t)16 << 10)
#define FRAME_ITEMS_MAX ((size_t)WIRE_FRAME_BYTES_MAX - HEAD_BYTES_MAX)

/* How large the frame may become by one more item. */
static size_t item_limit(const struct cd_buf *frame)
{
    return frame->bytes == 0 ? (size_t)WIRE_SERVER_FRAME_BYTES_MAX - HEAD_BYTES_MAX
                             : FRAME_ITEMS_MAX;
}

static enum cd_status put_item(struct cd_buf *frame, Coord__V1__Item *item)
{
    Coord__V1__ServerFrame piece = COORD__V1__SERVER_FRAME__INIT;
    piece.items = &item;
    piece.n_items = 1;
    return wire_pack(frame, item_limit(frame), &piece.base);
}

static enum cd_status put_reply(void *context, Coord__V1__Reply *reply)
{
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_REPLY;
    item.reply = reply;
    return put_item(context, &item);
}

enum cd_status wire_server_put_reply(struct cd_buf *frame, const struct wire_reply *reply)
{
    return wire_with_reply(reply, put_reply, frame);
}

/* ---- Events ---- */

/* Tags of fields with a length, as they stand in a message. */
#define TAG(field)    ((uint8_t)((field) << 3 | 2u))
#define ITEMS_TAG     TAG(2u) /* ServerFrame.items */
#define EVENT_TAG     TAG(2u) /* Item.event */
#define DATA_TAG      TAG(5u) /* Event.data, as the next two */
#define PREVIOUS_TAG  TAG(6u)
#define WATCH_IDS_TAG TAG(7u)

static Coord__V1__EventKind event_kind(enum fsm_change_kind kind)
{
    switch (kind) {
    case FSM_NODE_CREATED:
        return COORD__V1__EVENT_KIND__EVENT_KIND_CREATED;
    case FSM_NODE_SET:
        return COORD__V1__EVENT_KIND__EVENT_KIND_CHANGED;
    case FSM_NODE_DELETED:
        return COORD__V1__EVENT_KIND__EVENT_KIND_DELETED;
    case FSM_NODE_ACL_SET:
        return COORD__V1__EVENT_KIND__EVENT_KIND_ACL_CHANGED;
    }
    CD_UNREACHABLE();
}

enum cd_status wire_event_encode(struct cd_buf *buf, uint64_t zxid, enum fsm_change_kind kind,
                                 struct fsm_bytes path, const struct fsm_stat *stat)
{
    Coord__V1__Event event = COORD__V1__EVENT__INIT;
    Coord__V1__Stat message;
    wire_fill_stat(&message, stat);
    event.zxid = zxid;
    event.kind = event_kind(kind);
    event.path = wire_binary_of(path);
    event.stat = &message;
    return wire_pack(buf, WIRE_SERVER_FRAME_BYTES_MAX, &event.base);
}

/* Bytes of a field with a length, none for an empty one. */
static size_t field_bytes(size_t content)
{
    return content == 0 ? 0 : 1 + wire_varint_bytes(content) + content;
}

/* Writes tag and length; returns where the content goes. */
static uint8_t *put_tag(uint8_t *to, uint8_t tag, size_t content)
{
    *to = tag;
    return to + 1 + wire_varint_put(to + 1, content);
}

static uint8_t *put_field(uint8_t *to, uint8_t tag, struct fsm_bytes content)
{
    if (content.bytes == 0) {
        return to;
    }
    to = put_tag(to, tag, content.bytes);
    memcpy(to, content.data, content.bytes);
    return to + content.bytes;
}

/*
 * Written by hand: an event may go to thousands of streams, and what is theirs alone is a few
 * bytes. The head goes first, then what protobuf-c would write behind it.
 */
enum cd_status wire_server_put_event(struct cd_buf *frame, const struct wire_event *event,
                                     bool with_data, bool with_previous, const uint64_t *watch_ids,
                                     size_t watch_ids_count)
{
    CD_ASSERT(watch_ids_count > 0 && watch_ids_count <= WIRE_FRAME_BYTES_MAX);
    static const struct fsm_bytes nothing = {0};
    struct fsm_bytes data = with_data ? event->data : nothing;
    struct fsm_bytes previous = with_previous ? event->previous : nothing;
    size_t ids_bytes = 0;
    for (size_t i = 0; i < watch_ids_count; i++) {
        ids_bytes += wire_varint_bytes(watch_ids[i]);
    }
    size_t event_bytes = event->head.bytes + field_bytes(data.bytes) + field_bytes(previous.bytes) +
                         field_bytes(ids_bytes);
    size_t item_bytes = field_bytes(event_bytes);
    size_t bytes = field_bytes(item_bytes);
    size_t limit = item_limit(frame) < frame->limit ? item_limit(frame) : frame->limit;
    if (frame->bytes > limit || bytes > limit - frame->bytes) {
        return CD_TOO_LARGE;
    }
    uint8_t *to = cd_buf_extend(frame, bytes);
    CD_ASSERT(to != NULL);
    const uint8_t *end = to + bytes;
    to = put_tag(to, ITEMS_TAG, item_bytes);
    to = put_tag(to, EVENT_TAG, event_bytes);
    memcpy(to, event->head.data, event->head.bytes);
    to = put_field(to + event->head.bytes, DATA_TAG, data);
    to = put_field(to, PREVIOUS_TAG, previous);
    to = put_tag(to, WATCH_IDS_TAG, ids_bytes);
    for (size_t i = 0; i < watch_ids_count; i++) {
        to += wire_varint_put(to, watch_ids[i]);
    }
    CD_ASSERT(to == end);
    return CD_OK;
}

/* ---- Other items ---- */

CD_STATIC_ASSERT(WIRE_QUEUE_WAITING == (int)COORD__V1__QUEUE_STATE__QUEUE_STATE_WAITING, "equal");
CD_STATIC_ASSERT(WIRE_QUEUE_FRONT == (int)COORD__V1__QUEUE_STATE__QUEUE_STATE_FRONT, "equal");
CD_STATIC_ASSERT(WIRE_QUEUE_GONE == (int)COORD__V1__QUEUE_STATE__QUEUE_STATE_GONE, "equal");

enum cd_status wire_server_put_queue_front(struct cd_buf *frame,
                                           const struct wire_queue_front *front)
{
    Coord__V1__QueueFront message = COORD__V1__QUEUE_FRONT__INIT;
    message.watch_id = front->watch_id;
    message.state = (Coord__V1__QueueState)front->state;
    message.zxid = front->zxid;
    message.fence = front->fence;
    message.path = wire_binary_of(front->path);
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_QUEUE_FRONT;
    item.queue_front = &message;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_lagged(struct cd_buf *frame, const uint64_t *watch_ids,
                                      size_t watch_ids_count, uint64_t after_zxid)
{
    Coord__V1__Lagged message = COORD__V1__LAGGED__INIT;
    message.watch_ids = (uint64_t *)watch_ids; /* protobuf-c has no type for what it only reads */
    message.n_watch_ids = watch_ids_count;
    message.after_zxid = after_zxid;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_LAGGED;
    item.lagged = &message;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_resync(struct cd_buf *frame, const uint64_t *watch_ids,
                                      size_t watch_ids_count, uint64_t complete_from_zxid)
{
    Coord__V1__Resync message = COORD__V1__RESYNC__INIT;
    message.watch_ids = (uint64_t *)watch_ids;
    message.n_watch_ids = watch_ids_count;
    message.complete_from_zxid = complete_from_zxid;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_RESYNC;
    item.resync = &message;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_bookmark(struct cd_buf *frame, uint64_t zxid)
{
    Coord__V1__Bookmark message = COORD__V1__BOOKMARK__INIT;
    message.zxid = zxid;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_BOOKMARK;
    item.bookmark = &message;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_no_leader(struct cd_buf *frame, uint64_t since_ms)
{
    Coord__V1__NoLeader no_leader = COORD__V1__NO_LEADER__INIT;
    no_leader.since_ms = since_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)since_ms;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_NO_LEADER;
    item.no_leader = &no_leader;
    return put_item(frame, &item);
}

enum cd_status wire_server_put_go_away(struct cd_buf *frame, enum cd_status status,
                                       const char *message, const char *const *endpoints,
                                       size_t endpoints_count)
{
    CD_ASSERT(endpoints_count <= WIRE_ENDPOINTS_MAX);
    ProtobufCBinaryData texts[WIRE_ENDPOINTS_MAX];
    for (size_t i = 0; i < endpoints_count; i++) {
        texts[i] = wire_binary_text(endpoints[i]);
    }
    Coord__V1__GoAway go_away = COORD__V1__GO_AWAY__INIT;
    go_away.code = wire_code(status);
    go_away.message = wire_binary_text(message != NULL ? message : cd_status_text(status));
    go_away.endpoints = texts;
    go_away.n_endpoints = endpoints_count;
    Coord__V1__Item item = COORD__V1__ITEM__INIT;
    item.item_case = COORD__V1__ITEM__ITEM_GO_AWAY;
    item.go_away = &go_away;
    return put_item(frame, &item);
}

/* ---- Heads ---- */

void wire_limits_from_fsm(struct wire_limits *ret_limits, const struct fsm_limits *limits,
                          uint32_t watches, uint32_t waiting_reads)
{
    *ret_limits = (struct wire_limits){
        .frame_bytes = WIRE_FRAME_BYTES_MAX,
        .frame_requests = WIRE_FRAME_REQUESTS_MAX,
        .path_bytes = limits->path_bytes,
        .data_bytes = limits->data_bytes,
        .txn_bytes = limits->txn_bytes,
        .txn_compares = limits->txn_compares,
        .txn_ops = limits->txn_ops,
        .page_entries = WIRE_PAGE_ENTRIES_MAX,
        .page_bytes = WIRE_PAGE_BYTES_MAX,
        .acl_entries = limits->acl_entries,
        .watches = watches,
        .queue_prefixes = limits->queue_prefixes,
        .unacked_writes = limits->unacked_writes,
        .kept_reply_bytes = limits->kept_reply_bytes,
        .waiting_reads = waiting_reads,
        .atomic_nodes = limits->atomic_nodes,
        .session_timeout_min_ms = limits->session_timeout_min_ms,
        .session_timeout_default_ms = limits->session_timeout_default_ms,
        .session_timeout_max_ms = limits->session_timeout_max_ms,
        .ttl_max_ms = limits->ttl_max_ms,
    };
}

static void fill_limits(Coord__V1__Limits *ret_message, const struct wire_limits *limits)
{
    coord__v1__limits__init(ret_message);
    ret_message->frame_bytes = limits->frame_bytes;
    ret_message->frame_requests = limits->frame_requests;
    ret_message->path_bytes = limits->path_bytes;
    ret_message->data_bytes = limits->data_bytes;
    ret_message->txn_bytes = limits->txn_bytes;
    ret_message->txn_compares = limits->txn_compares;
    ret_message->txn_ops = limits->txn_ops;
    ret_message->page_entries = limits->page_entries;
    ret_message->page_bytes = limits->page_bytes;
    ret_message->acl_entries = limits->acl_entries;
    ret_message->watches = limits->watches;
    ret_message->queue_prefixes = limits->queue_prefixes;
    ret_message->unacked_writes = limits->unacked_writes;
    ret_message->kept_reply_bytes = limits->kept_reply_bytes;
    ret_message->waiting_reads = limits->waiting_reads;
    ret_message->atomic_nodes = limits->atomic_nodes;
    ret_message->session_timeout_min_ms = limits->session_timeout_min_ms;
    ret_message->session_timeout_default_ms = limits->session_timeout_default_ms;
    ret_message->session_timeout_max_ms = limits->session_timeout_max_ms;
    ret_message->ttl_max_ms = limits->ttl_max_ms;
}

static void fill_welcome(Coord__V1__Welcome *ret_message, Coord__V1__Limits *limits,
                         const struct wire_welcome *from)
{
    coord__v1__welcome__init(ret_message);
    const char *message = from->message;
    if (message == NULL && from->status != CD_OK) {
        message = cd_status_text(from->status);
    }
    ret_message->code = wire_code(from->status);
    ret_message->message = wire_binary_text(message);
    if (from->has_cluster) {
        ret_message->cluster_id = wire_binary(from->cluster_id, sizeof(from->cluster_id));
    }
    ret_message->generation = from->generation;
    ret_message->replica_id = from->replica;
    ret_message->leader_id = from->leader;
    ret_message->features = from->features;
    ret_message->server = wire_binary_text(from->server);
    ret_message->identity = wire_binary_text(from->identity);
    fill_limits(limits, &from->limits);
    ret_message->limits = limits;
    ret_message->session_id = from->session;
    ret_message->attach = from->attach;
    ret_message->timeout_ms = from->timeout_ms;
    ret_message->last_seq = from->last_seq;
}

enum cd_status wire_server_put_head(struct cd_buf *frame, const struct wire_server_head *head)
{
    Coord__V1__ServerFrame piece = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Welcome welcome;
    Coord__V1__Limits limits;
    if (head->welcome != NULL) {
        fill_welcome(&welcome, &limits, head->welcome);
        piece.welcome = &welcome;
    }
    piece.confirmed = head->confirmed;
    piece.complete_to = head->complete_to;
    piece.applied_zxid = head->applied_zxid;
    piece.more = head->more;
    return wire_pack(frame, WIRE_SERVER_FRAME_BYTES_MAX, &piece.base);
}

/* ---- Calls ---- */

struct call {
    struct cd_buf *buf;
    const uint8_t *cluster_id;
    uint32_t generation;
};

static enum cd_status put_response(void *context, Coord__V1__Reply *reply)
{
    const struct call *call = context;
    Coord__V1__CallResponse response = COORD__V1__CALL_RESPONSE__INIT;
    response.reply = reply;
    if (call->cluster_id != NULL) {
        response.cluster_id = wire_binary(call->cluster_id, WIRE_CLUSTER_ID_BYTES);
    }
    response.generation = call->generation;
    return wire_pack(call->buf, WIRE_SERVER_FRAME_BYTES_MAX, &response.base);
}

enum cd_status wire_call_encode(struct cd_buf *buf, const struct wire_reply *reply,
                                const uint8_t *cluster_id, uint32_t generation)
{
    struct call call = {buf, cluster_id, generation};
    return wire_with_reply(reply, put_response, &call);
}
