#include "guest.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <stdio.h>
#include <string.h>

static ProtobufCBinaryData text(const char *string)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)string, .len = strlen(string)};
}

void guest_open(struct guest *guest, struct house *house, size_t index, const char *identity)
{
    static uint64_t numbers = 1000;
    *guest =
        (struct guest){.house = house, .index = index, .stream = ++numbers, .identity = identity};
    guest->seen = house->replicas[index].answers_count;
    replica_on_stream_opened(house->replicas[index].replica, guest->stream, identity);
}

void guest_leave(struct guest *guest)
{
    struct replica *replica = guest->house->replicas[guest->index].replica;
    if (replica != NULL) {
        replica_on_stream_closed(replica, guest->stream);
    }
}

static void send_frame(struct guest *guest, Coord__V1__ClientFrame *frame)
{
    struct replica *replica = guest->house->replicas[guest->index].replica;
    frame->number = ++guest->frames;
    size_t bytes = coord__v1__client_frame__get_packed_size(frame);
    struct cd_blob *blob = cd_blob_create(bytes);
    coord__v1__client_frame__pack(frame, blob->data);
    replica_on_stream_frame(replica, guest->stream, blob);
    cd_blob_unref(blob);
}

void guest_hello(struct guest *guest, Coord__V1__Hello *hello)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.hello = hello;
    send_frame(guest, &frame);
}

void guest_begin(struct guest *guest, uint8_t secret, uint32_t timeout_ms)
{
    uint8_t bytes[16];
    uint8_t hash[32];
    memset(bytes, secret, sizeof(bytes));
    crypto_sha256(bytes, sizeof(bytes), hash);
    Coord__V1__OpenSession open = COORD__V1__OPEN_SESSION__INIT;
    open.secret_hash = (ProtobufCBinaryData){.data = hash, .len = sizeof(hash)};
    open.timeout_ms = timeout_ms;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    hello.session_case = COORD__V1__HELLO__SESSION_OPEN;
    hello.open = &open;
    guest_hello(guest, &hello);
}

void guest_resume(struct guest *guest, uint64_t session, uint8_t secret, uint64_t attach,
                  uint64_t seen_zxid)
{
    uint8_t bytes[16];
    memset(bytes, secret, sizeof(bytes));
    Coord__V1__ResumeSession resume = COORD__V1__RESUME_SESSION__INIT;
    resume.session_id = session;
    resume.secret = (ProtobufCBinaryData){.data = bytes, .len = sizeof(bytes)};
    resume.attach = attach;
    Coord__V1__Hello hello = COORD__V1__HELLO__INIT;
    hello.last_seen_zxid = seen_zxid;
    hello.session_case = COORD__V1__HELLO__SESSION_RESUME;
    hello.resume = &resume;
    guest_hello(guest, &hello);
}

void guest_heartbeat(struct guest *guest)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    send_frame(guest, &frame);
}

void guest_rearm_done(struct guest *guest)
{
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.rearm_done = true;
    send_frame(guest, &frame);
}

void guest_send(struct guest *guest, Coord__V1__Request **requests, size_t count,
                uint64_t reply_mark)
{
    ProtobufCBinaryData packed[16];
    CD_ASSERT(count <= CD_ARRAY_COUNT(packed));
    for (size_t i = 0; i < count; i++) {
        packed[i].len = coord__v1__request__get_packed_size(requests[i]);
        packed[i].data = cd_malloc(packed[i].len);
        coord__v1__request__pack(requests[i], packed[i].data);
    }
    Coord__V1__ClientFrame frame = COORD__V1__CLIENT_FRAME__INIT;
    frame.requests = packed;
    frame.n_requests = count;
    frame.reply_mark = reply_mark;
    send_frame(guest, &frame);
    for (size_t i = 0; i < count; i++) {
        cd_free(packed[i].data);
    }
}

static void send_one(struct guest *guest, Coord__V1__Request *request, uint64_t id)
{
    request->id = id;
    guest_send(guest, &request, 1, 0);
}

void guest_create(struct guest *guest, uint64_t id, uint64_t seq, const char *path,
                  const char *data, Coord__V1__NodeKind kind, bool sequential)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__CreateRequest create = COORD__V1__CREATE_REQUEST__INIT;
    create.path = text(path);
    create.data = text(data);
    create.kind = kind;
    create.sequential = sequential;
    request.seq = seq;
    request.op_case = COORD__V1__REQUEST__OP_CREATE;
    request.create = &create;
    send_one(guest, &request, id);
}

void guest_get(struct guest *guest, uint64_t id, uint64_t after_seq, const char *path,
               Coord__V1__ReadLevel level)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__GetRequest get = COORD__V1__GET_REQUEST__INIT;
    get.path = text(path);
    request.after_seq = after_seq;
    request.level = level;
    request.op_case = COORD__V1__REQUEST__OP_GET;
    request.get = &get;
    send_one(guest, &request, id);
}

void guest_delete(struct guest *guest, uint64_t id, uint64_t seq, const char *path)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__DeleteRequest remove = COORD__V1__DELETE_REQUEST__INIT;
    remove.path = text(path);
    request.seq = seq;
    request.op_case = COORD__V1__REQUEST__OP_DELETE;
    request.delete_ = &remove;
    send_one(guest, &request, id);
}

void guest_watch(struct guest *guest, uint64_t id, uint64_t watch_id, const char *path,
                 Coord__V1__WatchScope scope, uint64_t after_zxid)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__WatchRequest watch = COORD__V1__WATCH_REQUEST__INIT;
    Coord__V1__TreeWatch tree = COORD__V1__TREE_WATCH__INIT;
    tree.path = text(path);
    tree.scope = scope;
    tree.with_data = guest->wants_data;
    watch.watch_id = watch_id;
    watch.after_zxid = after_zxid;
    watch.target_case = COORD__V1__WATCH_REQUEST__TARGET_TREE;
    watch.tree = &tree;
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_SESSION;
    request.op_case = COORD__V1__REQUEST__OP_WATCH;
    request.watch = &watch;
    send_one(guest, &request, id);
}

void guest_watch_queue(struct guest *guest, uint64_t id, uint64_t watch_id, const char *path)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__WatchRequest watch = COORD__V1__WATCH_REQUEST__INIT;
    Coord__V1__QueueFrontWatch queue = COORD__V1__QUEUE_FRONT_WATCH__INIT;
    queue.member_case = COORD__V1__QUEUE_FRONT_WATCH__MEMBER_PATH;
    queue.path = text(path);
    watch.watch_id = watch_id;
    watch.target_case = COORD__V1__WATCH_REQUEST__TARGET_QUEUE_FRONT;
    watch.queue_front = &queue;
    request.level = COORD__V1__READ_LEVEL__READ_LEVEL_SESSION;
    request.op_case = COORD__V1__REQUEST__OP_WATCH;
    request.watch = &watch;
    send_one(guest, &request, id);
}

/* ---- What comes ---- */

static void keep_path(struct guest_told *told, ProtobufCBinaryData path)
{
    snprintf(told->path, sizeof(told->path), "%.*s", (int)path.len, (const char *)path.data);
}

static bool take_item(struct guest_told *told, const Coord__V1__Item *item)
{
    switch (item->item_case) {
    case COORD__V1__ITEM__ITEM_REPLY:
        *told = (struct guest_told){.kind = GUEST_REPLY,
                                    .id = item->reply->id,
                                    .code = (int)item->reply->code,
                                    .zxid = item->reply->zxid};
        if (item->reply->result_case == COORD__V1__REPLY__RESULT_CREATE) {
            keep_path(told, item->reply->create->path);
        }
        return true;
    case COORD__V1__ITEM__ITEM_EVENT:
        *told = (struct guest_told){
            .kind = GUEST_EVENT, .code = (int)item->event->kind, .zxid = item->event->zxid};
        keep_path(told, item->event->path);
        return true;
    case COORD__V1__ITEM__ITEM_QUEUE_FRONT:
        *told = (struct guest_told){.kind = GUEST_QUEUE,
                                    .id = item->queue_front->watch_id,
                                    .code = (int)item->queue_front->state,
                                    .zxid = item->queue_front->zxid,
                                    .fence = item->queue_front->fence};
        keep_path(told, item->queue_front->path);
        return true;
    case COORD__V1__ITEM__ITEM_LAGGED:
        *told = (struct guest_told){.kind = GUEST_LAGGED, .zxid = item->lagged->after_zxid};
        return true;
    case COORD__V1__ITEM__ITEM_RESYNC:
        *told = (struct guest_told){.kind = GUEST_RESYNC, .zxid = item->resync->complete_from_zxid};
        return true;
    case COORD__V1__ITEM__ITEM_GO_AWAY:
        *told = (struct guest_told){.kind = GUEST_AWAY, .code = (int)item->go_away->code};
        return true;
    default:
        return false;
    }
}

static void take_frame(struct guest *guest, const Coord__V1__ServerFrame *frame)
{
    if (frame->welcome != NULL) {
        guest->welcomed = true;
        guest->welcome_code = (int)frame->welcome->code;
        guest->session = frame->welcome->session_id;
        guest->attach = frame->welcome->attach;
        guest->last_seq = frame->welcome->last_seq;
        guest->timeout_ms = frame->welcome->timeout_ms;
        if (frame->welcome->cluster_id.len == sizeof(guest->cluster_id)) {
            memcpy(guest->cluster_id, frame->welcome->cluster_id.data, sizeof(guest->cluster_id));
        }
    }
    for (size_t i = 0; i < frame->n_items; i++) {
        CD_ASSERT(guest->told_count < GUEST_TOLD_MAX);
        guest->told_count += take_item(&guest->told[guest->told_count], frame->items[i]);
    }
    CD_ASSERT(frame->confirmed >= guest->confirmed || frame->confirmed == 0);
    guest->confirmed = frame->confirmed > guest->confirmed ? frame->confirmed : guest->confirmed;
    CD_ASSERT(frame->complete_to >= guest->complete_to || frame->complete_to == 0);
    guest->complete_to =
        frame->complete_to > guest->complete_to ? frame->complete_to : guest->complete_to;
}

void guest_take(struct guest *guest)
{
    struct house_replica *replica = &guest->house->replicas[guest->index];
    for (; guest->seen < replica->answers_count; guest->seen++) {
        const struct house_answer *answer = &replica->answers[guest->seen];
        if (answer->is_call || answer->channel != guest->stream) {
            continue;
        }
        if (answer->is_close) {
            guest->closed = true;
            guest->close_code = (int)answer->rpc;
            continue;
        }
        guest->bytes += answer->bytes->bytes;
        Coord__V1__ServerFrame *frame =
            coord__v1__server_frame__unpack(NULL, answer->bytes->bytes, answer->bytes->data);
        CD_ASSERT(frame != NULL);
        take_frame(guest, frame);
        coord__v1__server_frame__free_unpacked(frame, NULL);
    }
}

void guest_read(struct guest *guest)
{
    if (guest->bytes > 0) {
        replica_on_stream_sent(guest->house->replicas[guest->index].replica, guest->stream,
                               guest->bytes);
        guest->bytes = 0;
    }
}

void guest_run(struct guest *guest, uint64_t ms)
{
    house_run(guest->house, ms);
    guest_take(guest);
}

const struct guest_told *guest_reply(const struct guest *guest, uint64_t id)
{
    for (size_t i = 0; i < guest->told_count; i++) {
        if (guest->told[i].kind == GUEST_REPLY && guest->told[i].id == id) {
            return &guest->told[i];
        }
    }
    return NULL;
}

int guest_code(const struct guest *guest, uint64_t id)
{
    const struct guest_told *told = guest_reply(guest, id);
    return told != NULL ? told->code : -1;
}

const struct guest_told *guest_find(const struct guest *guest, enum guest_kind kind, size_t nth)
{
    for (size_t i = 0; i < guest->told_count; i++) {
        if (guest->told[i].kind == kind && nth-- == 0) {
            return &guest->told[i];
        }
    }
    return NULL;
}
