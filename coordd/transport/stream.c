#include "transport/internal.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <grpc/slice.h>

#include <stdio.h>
#include <string.h>

/*
 * One call that somebody made to us, from acceptance to its end. At most one RECV and one SEND are
 * outstanding. The order of its life:
 *
 *   begin: RECV_CLOSE, SEND_INITIAL_METADATA, RECV_MESSAGE -> read/send -> close: SEND_STATUS
 *   behind the last frame -> over: RECV_CLOSE came -> finish: no tag outstanding -> freed.
 *
 * RECV_CLOSE completes exactly once in every life, after a status as after a broken connection.
 */

static void on_received(void *owner, bool ok);
static void on_sent(void *owner, bool ok);
static void on_opened(void *owner, bool ok);
static void on_ended(void *owner, bool ok);
static void on_over(void *owner, bool ok);
static void settle(struct stream *stream);

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- Life ---- */

void stream_ref(struct stream *stream)
{
    atomic_fetch_add(&stream->refs, 1);
}

void stream_unref(struct stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) != 1) {
        return;
    }
    CD_ASSERT(stream->call == NULL);
    CD_ASSERT(stream->out.first == NULL);
    cd_free(stream->identity);
    cd_free(stream->from);
    cd_free(stream->method);
    item_free(stream->close);
    cd_free(stream);
}

struct stream *stream_create(struct transport *transport, enum stream_kind kind, grpc_call *call)
{
    struct stream *stream = cd_calloc(1, sizeof(*stream));
    stream->refs = 1;
    stream->transport = transport;
    stream->kind = kind;
    stream->call = call;
    stream->received_tag = (struct tag){on_received, stream};
    stream->sent_tag = (struct tag){on_sent, stream};
    stream->opened_tag = (struct tag){on_opened, stream};
    stream->ended_tag = (struct tag){on_ended, stream};
    stream->over_tag = (struct tag){on_over, stream};
    stream->next = transport->streams;
    if (stream->next != NULL) {
        stream->next->prev = stream;
    }
    transport->streams = stream;
    return stream;
}

static struct item *item_of(struct stream *stream, enum item_kind kind)
{
    struct item *item = item_create(kind);
    item->stream = stream;
    stream_ref(stream);
    return item;
}

static void start(struct stream *stream, const grpc_op *ops, size_t ops_count, struct tag *tag)
{
    stream->pending++;
    transport_batch(stream->call, ops, ops_count, tag);
}

static void wait_for_close(struct stream *stream)
{
    const grpc_op op = {
        .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
        .data.recv_close_on_server.cancelled = &stream->cancelled,
    };
    start(stream, &op, 1, &stream->over_tag);
}

static void send_initial_metadata(struct stream *stream)
{
    char text[16];
    grpc_metadata node = {0};
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (stream->kind == STREAM_PEER) {
        (void)snprintf(text, sizeof(text), "%u", stream->transport->node);
        node.key = grpc_slice_from_static_string(TRANSPORT_NODE_KEY);
        node.value = grpc_slice_from_copied_string(text);
        op.data.send_initial_metadata.count = 1;
        op.data.send_initial_metadata.metadata = &node;
    }
    start(stream, &op, 1, &stream->opened_tag);
    if (stream->kind == STREAM_PEER) {
        grpc_slice_unref(node.value);
    }
}

/* ---- Receiving ---- */

static void post_receive(struct stream *stream)
{
    const grpc_op op = {
        .op = GRPC_OP_RECV_MESSAGE,
        .data.recv_message.recv_message = &stream->received_bytes,
    };
    stream->receiving = true;
    start(stream, &op, 1, &stream->received_tag);
}

static bool is_client(const struct stream *stream)
{
    return stream->kind != STREAM_PEER;
}

/*
 * T2. A paused stream goes on only at half of each mark, so that it does not pause again at once.
 * Peers have their own bound each and no part in the clients' total: consensus goes first.
 */
static bool may_receive(const struct stream *stream)
{
    const struct transport_limits *limits = &stream->transport->limits;
    const uint64_t part = stream->in_paused ? 2 : 1;
    if (atomic_load(&stream->hold) ||
        atomic_load(&stream->in_bytes) > limits->stream_in_bytes_max / part) {
        return false;
    }
    return !is_client(stream) ||
           (atomic_load(&stream->out_bytes) <= limits->stream_out_bytes_mark / part &&
            atomic_load(&stream->transport->in_bytes) <= limits->in_bytes_max / part);
}

static void unpause(struct stream *stream)
{
    if (!stream->in_paused) {
        return;
    }
    if (stream->paused_prev != NULL) {
        stream->paused_prev->paused_next = stream->paused_next;
    } else {
        stream->transport->paused = stream->paused_next;
    }
    if (stream->paused_next != NULL) {
        stream->paused_next->paused_prev = stream->paused_prev;
    }
    stream->paused_next = NULL;
    stream->paused_prev = NULL;
    stream->in_paused = false;
    atomic_fetch_sub(&stream->transport->paused_count, 1);
}

static void pause_reading(struct stream *stream)
{
    struct transport *transport = stream->transport;
    stream->paused_next = transport->paused;
    if (stream->paused_next != NULL) {
        stream->paused_next->paused_prev = stream;
    }
    transport->paused = stream;
    stream->in_paused = true;
    /* Before may_receive looks again: the loop consumes first and then looks for paused streams. */
    atomic_fetch_add(&transport->paused_count, 1);
    count(&transport->counters.reads_paused, 1);
}

/* Posts a RECV, or lists the stream among the paused until it may. */
static void receive_more(struct stream *stream)
{
    if (stream->receiving || stream->reading_ended || stream->over || stream->closing ||
        stream->superseded || stream->kind == STREAM_REFUSED || stream->delivered) {
        unpause(stream);
        return;
    }
    if (!stream->in_paused && !may_receive(stream)) {
        pause_reading(stream);
    }
    if (!stream->in_paused || may_receive(stream)) {
        unpause(stream);
        post_receive(stream);
    }
}

void stream_review_paused(struct transport *transport)
{
    struct stream *next = NULL;
    for (struct stream *stream = transport->paused; stream != NULL; stream = next) {
        next = stream->paused_next;
        receive_more(stream);
    }
}

static void deliver(struct stream *stream, struct cd_blob *blob)
{
    struct transport *transport = stream->transport;
    struct counters *counters = &transport->counters;
    enum item_kind kind = ITEM_FRAME;
    if (stream->closing || stream->superseded) {
        cd_blob_unref(blob);
        return;
    }
    if (stream->kind == STREAM_PEER) {
        kind = ITEM_PEER_FRAME;
        count(&counters->peer_frames_in, 1);
        count(&counters->peer_bytes_in, blob->bytes);
    } else {
        count(&counters->client_frames_in, 1);
        count(&counters->client_bytes_in, blob->bytes);
    }
    if (stream->kind == STREAM_CALL) {
        kind = ITEM_CALL;
        stream->delivered = true;
    }
    struct item *item = item_of(stream, kind);
    item->blob = blob;
    item->node = stream->node;
    item->number = stream->number;
    uint64_t cost = item_cost(item);
    atomic_fetch_add(&stream->in_bytes, cost);
    if (is_client(stream)) {
        atomic_fetch_add(&transport->in_bytes, cost);
    }
    transport_tell(transport, item);
}

/* Our own word, so that it takes the same way as the loop's. */
static void close_self(struct stream *stream, enum transport_code code, const char *message)
{
    if (stream->closing) {
        return;
    }
    struct item *item = item_of(stream, ITEM_CLOSE);
    item->code = code;
    item->text = cd_strdup(message);
    stream_take_close(stream, item);
}

/* Nothing more comes: the other side closed its half, the message was too long, or all broke. */
static void end_reading(struct stream *stream)
{
    stream->reading_ended = true;
    if (stream->over || stream->closing) {
        return;
    }
    switch (stream->kind) {
    case STREAM_SESSION:
        transport_tell(stream->transport, item_of(stream, ITEM_ENDED));
        return;
    case STREAM_CALL:
        close_self(stream, TRANSPORT_INVALID_ARGUMENT, "a call carries exactly one message");
        return;
    case STREAM_PEER:
        close_self(stream, TRANSPORT_OK, "");
        return;
    case STREAM_REFUSED:
        return;
    }
    CD_UNREACHABLE();
}

static void on_received(void *owner, bool ok)
{
    struct stream *stream = owner;
    grpc_byte_buffer *bytes = stream->received_bytes;
    stream->received_bytes = NULL;
    stream->receiving = false;
    stream->pending--;
    struct cd_blob *blob = ok && bytes != NULL ? bytes_to_blob(bytes) : NULL;
    if (bytes != NULL) {
        grpc_byte_buffer_destroy(bytes);
    }
    if (blob != NULL) {
        deliver(stream, blob);
        receive_more(stream);
    } else {
        end_reading(stream);
    }
    settle(stream);
}

/* ---- Sending ---- */

/* An item may hold the last reference to the stream. */
static void drop_out(struct stream *stream)
{
    struct item *item;
    stream_ref(stream);
    while ((item = queue_take(&stream->out)) != NULL) {
        uint64_t cost = item_cost(item);
        atomic_fetch_sub(&stream->out_bytes, cost);
        atomic_fetch_sub(&stream->transport->out_bytes, cost);
        item_free(item);
    }
    stream_unref(stream);
}

static void set_dirty(struct stream *stream)
{
    if (!stream->in_dirty) {
        stream->in_dirty = true;
        stream->dirty_next = stream->transport->dirty;
        stream->transport->dirty = stream;
        stream_ref(stream);
    }
}

static void send_frame(struct stream *stream, struct item *item)
{
    struct counters *counters = &stream->transport->counters;
    stream->sending = true;
    stream->sending_cost = item_cost(item);
    stream->sending_payload = item->blob->bytes;
    stream->sending_bytes = bytes_of_blob(item->blob);
    count(&counters->client_frames_out, 1);
    count(&counters->client_bytes_out, item->blob->bytes);
    const grpc_op op = {
        .op = GRPC_OP_SEND_MESSAGE,
        /* Only if another frame surely follows: the last one with the hint is never flushed. */
        .flags = stream->out.first != NULL ? GRPC_WRITE_BUFFER_HINT : 0,
        .data.send_message.send_message = stream->sending_bytes,
    };
    item_free(item);
    start(stream, &op, 1, &stream->sent_tag);
}

/* The status, and for a unary reply its message, in one write. */
static void send_status(struct stream *stream)
{
    struct item *last = stream->close;
    grpc_slice details = grpc_slice_from_copied_string(last->text != NULL ? last->text : "");
    grpc_op ops[2] = {{0}, {0}};
    size_t ops_count = 0;
    if (last->blob != NULL) {
        struct counters *counters = &stream->transport->counters;
        stream->sending_bytes = bytes_of_blob(last->blob);
        ops[ops_count].op = GRPC_OP_SEND_MESSAGE;
        ops[ops_count].data.send_message.send_message = stream->sending_bytes;
        ops_count++;
        count(&counters->client_frames_out, 1);
        count(&counters->client_bytes_out, last->blob->bytes);
    }
    ops[ops_count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[ops_count].data.send_status_from_server.status = (grpc_status_code)last->code;
    ops[ops_count].data.send_status_from_server.status_details = &details;
    ops_count++;
    stream->status_sent = true;
    start(stream, ops, ops_count, &stream->ended_tag);
    grpc_slice_unref(details);
}

static void pump(struct stream *stream)
{
    if (stream->over) {
        drop_out(stream);
        return;
    }
    if (stream->sending || stream->status_sent) {
        return;
    }
    struct item *item = queue_take(&stream->out);
    if (item != NULL) {
        send_frame(stream, item);
    } else if (stream->close != NULL) {
        send_status(stream);
    }
}

void stream_pump_dirty(struct transport *transport)
{
    struct stream *stream = transport->dirty;
    transport->dirty = NULL;
    while (stream != NULL) {
        struct stream *next = stream->dirty_next;
        stream->in_dirty = false;
        stream->dirty_next = NULL;
        if (stream->call != NULL) {
            pump(stream);
        }
        stream_unref(stream);
        stream = next;
    }
}

/* One item at a time for each stream: the loop takes all that has come together by then. */
static void tell_sent(struct stream *stream)
{
    uint64_t before = atomic_fetch_add(&stream->sent_bytes, stream->sending_payload);
    if (before == 0 && stream->sending_payload > 0) {
        transport_tell_later(stream->transport, item_of(stream, ITEM_SENT));
    }
    if (before + stream->sending_payload >= TRANSPORT_SENT_WAKE_BYTES) {
        stream->transport->news_urgent = true;
    }
}

static void on_sent(void *owner, bool ok)
{
    struct stream *stream = owner;
    stream->pending--;
    stream->sending = false;
    grpc_byte_buffer_destroy(stream->sending_bytes);
    stream->sending_bytes = NULL;
    atomic_fetch_sub(&stream->out_bytes, stream->sending_cost);
    atomic_fetch_sub(&stream->transport->out_bytes, stream->sending_cost);
    if (ok && stream->kind == STREAM_SESSION) {
        tell_sent(stream); /* if it failed, RECV_CLOSE tells */
    }
    if (stream->in_paused) {
        receive_more(stream);
    }
    settle(stream);
}

static void on_opened(void *owner, bool ok)
{
    (void)ok; /* if it failed, RECV_CLOSE tells */
    struct stream *stream = owner;
    stream->pending--;
    settle(stream);
}

static void on_ended(void *owner, bool ok)
{
    (void)ok; /* RECV_CLOSE follows in both cases */
    struct stream *stream = owner;
    stream->pending--;
    if (stream->sending_bytes != NULL) {
        grpc_byte_buffer_destroy(stream->sending_bytes);
        stream->sending_bytes = NULL;
        atomic_fetch_sub(&stream->out_bytes, item_cost(stream->close));
        atomic_fetch_sub(&stream->transport->out_bytes, item_cost(stream->close));
    }
    settle(stream);
}

/* ---- Ending ---- */

static void leave_closing(struct stream *stream)
{
    struct transport *transport = stream->transport;
    if (!stream->in_closing) {
        return;
    }
    if (stream->closing_prev != NULL) {
        stream->closing_prev->closing_next = stream->closing_next;
    } else {
        transport->closing_first = stream->closing_next;
    }
    if (stream->closing_next != NULL) {
        stream->closing_next->closing_prev = stream->closing_prev;
    } else {
        transport->closing_last = stream->closing_prev;
    }
    stream->in_closing = false;
}

/* All deadlines have the same distance, so that the list stays in their order. */
static void enter_closing(struct stream *stream)
{
    struct transport *transport = stream->transport;
    stream->closing_until_ms = now_ms() + transport->limits.close_grace_ms;
    stream->closing_next = NULL;
    stream->closing_prev = transport->closing_last;
    if (stream->closing_prev != NULL) {
        stream->closing_prev->closing_next = stream;
    } else {
        transport->closing_first = stream;
    }
    transport->closing_last = stream;
    stream->in_closing = true;
}

uint64_t stream_due(struct transport *transport, uint64_t now)
{
    struct stream *stream;
    while ((stream = transport->closing_first) != NULL && stream->closing_until_ms <= now) {
        leave_closing(stream);
        stream_cancel(stream, TRANSPORT_CANCELLED, "the client did not take the end in time");
    }
    return stream != NULL ? stream->closing_until_ms : UINT64_MAX;
}

static void unlink_stream(struct stream *stream)
{
    struct transport *transport = stream->transport;
    if (stream->prev != NULL) {
        stream->prev->next = stream->next;
    } else {
        transport->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->prev = stream->prev;
    }
    leave_closing(stream);
    unpause(stream);
    for (size_t i = 0; i < transport->links_count; i++) {
        if (transport->incoming[i] == stream) {
            transport->incoming[i] = NULL;
        }
    }
}

/* gRPC is done with it. */
static void finish(struct stream *stream)
{
    struct transport *transport = stream->transport;
    drop_out(stream);
    unlink_stream(stream);
    if (stream->close != NULL && stream->close->blob != NULL && !stream->status_sent) {
        /* A reply that came too late for its client. */
        atomic_fetch_sub(&stream->out_bytes, item_cost(stream->close));
        atomic_fetch_sub(&transport->out_bytes, item_cost(stream->close));
    }
    grpc_call_unref(stream->call);
    stream->call = NULL;
    if (stream->kind == STREAM_SESSION) {
        transport_tell(transport, item_of(stream, ITEM_CLOSED));
    } else if (stream->kind == STREAM_CALL && !stream->delivered) {
        atomic_fetch_sub(&transport->calls_open, 1);
    }
    stream_unref(stream);
}

static void settle(struct stream *stream)
{
    if (!stream->over) {
        pump(stream);
    } else if (stream->pending == 0) {
        finish(stream);
    }
}

static void on_over(void *owner, bool ok)
{
    (void)ok; /* always true for this one */
    struct stream *stream = owner;
    stream->pending--;
    stream->over = true;
    drop_out(stream);
    unpause(stream);
    settle(stream);
}

/* ---- What others ask of it ---- */

void stream_begin(struct stream *stream)
{
    wait_for_close(stream);
    send_initial_metadata(stream);
    if (stream->kind == STREAM_SESSION) {
        transport_tell(stream->transport, item_of(stream, ITEM_OPENED));
    }
    receive_more(stream);
}

void stream_refuse(struct stream *stream, enum transport_code code, const char *message)
{
    CD_ASSERT(stream->kind == STREAM_REFUSED);
    wait_for_close(stream);
    send_initial_metadata(stream);
    close_self(stream, code, message);
}

void stream_cancel(struct stream *stream, enum transport_code code, const char *message)
{
    if (stream->call != NULL && !stream->over) {
        /* Fails only for a NULL call or reserved argument. */
        (void)grpc_call_cancel_with_status(stream->call, (grpc_status_code)code, message, NULL);
    }
}

static void cut(struct stream *stream, const struct item *item)
{
    struct transport *transport = stream->transport;
    stream->closing = true; /* reads stop; the cancellation carries the status */
    drop_out(stream);
    unpause(stream);
    count(&transport->counters.streams_cut_off, 1);
    report_limited(transport, REPORT_STREAM_CUT_OFF, "stream of \"%.100s\" from %.60s: %.200s",
                   stream->identity, stream->from, item->text);
    stream_cancel(stream, TRANSPORT_RESOURCE_EXHAUSTED, item->text);
}

static bool is_gone(const struct stream *stream)
{
    return stream->call == NULL || stream->over;
}

void stream_take_frame(struct stream *stream, struct item *item)
{
    queue_push(&stream->out, item);
    if (is_gone(stream) || stream->closing) {
        drop_out(stream);
    } else {
        set_dirty(stream);
    }
}

void stream_take_cut(struct stream *stream, struct item *item)
{
    if (!is_gone(stream)) {
        cut(stream, item);
    }
    item_free(item);
}

void stream_take_close(struct stream *stream, struct item *item)
{
    if (is_gone(stream) || stream->closing) {
        if (item->blob != NULL) {
            atomic_fetch_sub(&stream->out_bytes, item_cost(item));
            atomic_fetch_sub(&stream->transport->out_bytes, item_cost(item));
        }
        item_free(item);
        return;
    }
    stream->closing = true;
    stream->close = item;
    item->stream = NULL; /* a stream that holds a reference to itself would never be freed */
    enter_closing(stream);
    unpause(stream);
    set_dirty(stream);
    stream_unref(stream);
}
