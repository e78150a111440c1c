#include "transport/internal.h"

#include "base/memory.h"

#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <stdio.h>
#include <string.h>

/*
 * The outgoing half of what two replicas say to each other: we dial, we send, the peer only
 * answers with its node id. Every attempt has a channel of its own, so that names are resolved
 * again, no connection is shared and nothing of gRPC's own reconnecting is in play.
 *
 *   IDLE --due_ms--> DIALING --answer with the right node--> UP
 *   DIALING, UP --status, timeout or stop--> ENDING --last tag--> IDLE
 */

#define TELL_AGAIN_MS 30000 /* a failure that stays the same is logged that often */
#define STEADY_MS     1000  /* a link that stood that long starts again with the shortest pause */

static void on_opened(void *owner, bool ok);
static void on_answered(void *owner, bool ok);
static void on_sent(void *owner, bool ok);
static void on_over(void *owner, bool ok);

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void link_init(struct link *link, struct transport *transport, const struct transport_peer *peer)
{
    link->transport = transport;
    link->node = peer->node;
    link->address = cd_strdup(peer->address);
    link->identity = cd_strdup(peer->identity);
    link->opened_tag = (struct tag){on_opened, link};
    link->answered_tag = (struct tag){on_answered, link};
    link->sent_tag = (struct tag){on_sent, link};
    link->over_tag = (struct tag){on_over, link};
    link->state = LINK_IDLE;
    link->backoff_ms = transport->limits.redial_ms_min;
}

static void drop_out(struct link *link)
{
    struct item *item;
    while ((item = queue_take(&link->out)) != NULL) {
        atomic_fetch_sub(&link->out_bytes, item_cost(item));
        count(&link->transport->counters.peer_frames_dropped, 1);
        item_free(item);
    }
}

void link_release(struct link *link)
{
    CD_ASSERT(link->call == NULL);
    drop_out(link);
    cd_free(link->address);
    cd_free(link->identity);
    cd_free(link->told);
}

struct link *link_find(struct transport *transport, uint32_t node)
{
    for (size_t i = 0; i < transport->links_count; i++) {
        if (transport->links[i].node == node) {
            return &transport->links[i];
        }
    }
    return NULL;
}

/* ---- Dialling ---- */

static grpc_arg argument(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* gRPC does not write to it */
        .value.integer = value,
    };
}

static grpc_channel *create_channel(const struct link *link)
{
    const struct transport_limits *limits = &link->transport->limits;
    int keepalive_ms = (int)limits->peer_keepalive_ms;
    int dial_ms = (int)limits->dial_timeout_ms;
    grpc_arg list[] = {
        argument(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        argument(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, dial_ms), /* also bounds one connect */
        argument(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, dial_ms),
        argument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms),
        argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms),
        argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        argument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        argument(GRPC_ARG_ENABLE_RETRIES, 0),
        argument(GRPC_ARG_ENABLE_HTTP_PROXY, 0), /* peers are reached directly or not at all */
        argument(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        argument(GRPC_ARG_ENABLE_CHANNELZ, 0),
        argument(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
    };
    const grpc_channel_args arguments = {CD_ARRAY_COUNT(list), list};
    grpc_channel_credentials *credentials = credentials_for_dial(link->transport, link->identity);
    grpc_channel *channel = grpc_channel_create(link->address, credentials, &arguments);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static void start(struct link *link, const grpc_op *op, struct tag *tag)
{
    link->pending++;
    transport_batch(link->call, op, 1, tag);
}

static void send_initial_metadata(struct link *link)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", link->transport->node);
    grpc_metadata node = {
        .key = grpc_slice_from_static_string(TRANSPORT_NODE_KEY),
        .value = grpc_slice_from_copied_string(text),
    };
    const grpc_op op = {
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = 1, .metadata = &node},
    };
    start(link, &op, &link->opened_tag);
    grpc_slice_unref(node.value);
}

static void dial(struct link *link, uint64_t now)
{
    link->state = LINK_DIALING;
    link->due_ms = now + link->transport->limits.dial_timeout_ms;
    link->over = false;
    link->timed_out = false;
    link->other_node = 0;
    link->channel = create_channel(link);
    link->call =
        grpc_channel_create_call(link->channel, NULL, GRPC_PROPAGATE_DEFAULTS, link->transport->cq,
                                 grpc_slice_from_static_string(TRANSPORT_METHOD_LINK), NULL,
                                 gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    CD_ASSERT(link->call != NULL);
    count(&link->transport->counters.peer_dials, 1);

    grpc_metadata_array_init(&link->initial);
    grpc_metadata_array_init(&link->trailing);
    send_initial_metadata(link);
    const grpc_op answer = {
        .op = GRPC_OP_RECV_INITIAL_METADATA,
        .data.recv_initial_metadata.recv_initial_metadata = &link->initial,
    };
    start(link, &answer, &link->answered_tag);
    const grpc_op status = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client =
            {
                .trailing_metadata = &link->trailing,
                .status = &link->status,
                .status_details = &link->details,
            },
    };
    start(link, &status, &link->over_tag);
}

static void cancel(struct link *link)
{
    link->state = LINK_ENDING;
    /* Fails only for a NULL call or reserved argument. */
    (void)grpc_call_cancel(link->call, NULL);
}

static void tell_up(struct link *link)
{
    struct transport *transport = link->transport;
    count(&transport->counters.peer_links_up, 1);
    if (link->was_up) {
        count(&transport->counters.peer_reconnects, 1);
    }
    link->was_up = true;
    cd_free(link->told);
    link->told = NULL;
    struct item *item = item_create(ITEM_PEER_UP);
    item->node = link->node;
    item->number = ++link->epoch;
    transport_tell(transport, item);
}

static void on_answered(void *owner, bool ok)
{
    struct link *link = owner;
    link->pending--;
    uint32_t node = ok ? bytes_node_of(&link->initial) : 0;
    /* A refusal comes without that key; its status says why. */
    if (link->state == LINK_DIALING && node != 0) {
        if (node == link->node) {
            link->state = LINK_UP;
            link->up_since_ms = now_ms();
            tell_up(link);
        } else {
            link->other_node = node;
            cancel(link);
        }
    }
}

/* ---- Ending ---- */

/* A peer that stays away is worth a line at first, when the reason changes, and now and then. */
static void tell_failure(struct link *link, const char *event, uint64_t now)
{
    char text[TRANSPORT_LOG_BYTES_MAX];
    char *details = bytes_to_text(link->details);
    if (link->timed_out) {
        (void)snprintf(text, sizeof(text), "node %u at %.100s: no answer in %u ms", link->node,
                       link->address, link->transport->limits.dial_timeout_ms);
    } else if (link->other_node != 0) {
        (void)snprintf(text, sizeof(text), "node %u at %.100s: node %u answers there", link->node,
                       link->address, link->other_node);
    } else {
        (void)snprintf(text, sizeof(text), "node %u at %.100s: %.300s", link->node, link->address,
                       *details != '\0' ? details : "it ended the link");
    }
    cd_free(details);
    if (link->told == NULL || strcmp(link->told, text) != 0 ||
        now >= link->told_ms + TELL_AGAIN_MS) {
        report_say(link->transport, TRANSPORT_LOG_WARNING, event, "%s", text);
        cd_free(link->told);
        link->told = cd_strdup(text);
        link->told_ms = now;
    }
}

static void tell_down(struct link *link)
{
    atomic_fetch_sub_explicit(&link->transport->counters.peer_links_up, 1, memory_order_relaxed);
    struct item *item = item_create(ITEM_PEER_DOWN);
    item->node = link->node;
    transport_tell(link->transport, item);
}

static void on_over(void *owner, bool ok)
{
    (void)ok; /* always true for this one */
    struct link *link = owner;
    uint64_t now = now_ms();
    link->pending--;
    link->over = true;
    bool was_up = link->state == LINK_UP;
    if (was_up) {
        tell_down(link);
        if (now >= link->up_since_ms + STEADY_MS) {
            link->backoff_ms = link->transport->limits.redial_ms_min;
        }
    } else {
        count(&link->transport->counters.peer_dials_failed, 1);
    }
    if (!link->transport->stop_begun) {
        tell_failure(link, was_up ? "peer_link_broken" : "peer_dial_failed", now);
    }
    grpc_slice_unref(link->details);
    link->state = LINK_ENDING;
    drop_out(link);
}

/* Between half the pause and all of it, so that replicas do not dial in step. */
static uint64_t next_pause_ms(struct link *link)
{
    uint32_t pause_ms = link->backoff_ms;
    uint32_t longer_ms = pause_ms * 2;
    link->backoff_ms = longer_ms < link->transport->limits.redial_ms_max
                           ? longer_ms
                           : link->transport->limits.redial_ms_max;
    return pause_ms - cd_prng_below(&link->transport->prng, pause_ms / 2 + 1);
}

static void finish(struct link *link, uint64_t now)
{
    grpc_metadata_array_destroy(&link->initial);
    grpc_metadata_array_destroy(&link->trailing);
    grpc_call_unref(link->call);
    grpc_channel_destroy(link->channel);
    link->call = NULL;
    link->channel = NULL;
    link->state = LINK_IDLE;
    link->due_ms = now + next_pause_ms(link);
}

uint64_t link_due(struct link *link, uint64_t now)
{
    if (link->state == LINK_ENDING && link->over && link->pending == 0) {
        finish(link, now);
    }
    if (link->state == LINK_IDLE) {
        if (link->transport->stop_begun) {
            return UINT64_MAX;
        }
        if (link->due_ms <= now) {
            dial(link, now);
        }
        return link->due_ms;
    }
    if (link->state == LINK_DIALING) {
        if (link->due_ms > now) {
            return link->due_ms;
        }
        link->timed_out = true;
        cancel(link);
    }
    return UINT64_MAX;
}

void link_stop(struct link *link)
{
    if (link->state == LINK_DIALING || link->state == LINK_UP) {
        if (link->state == LINK_UP) {
            tell_down(link);
        }
        cancel(link);
    }
}

/* ---- Sending ---- */

static void pump(struct link *link)
{
    struct item *item;
    if (link->state != LINK_UP || link->sending || (item = queue_take(&link->out)) == NULL) {
        return;
    }
    struct counters *counters = &link->transport->counters;
    link->sending = true;
    link->sending_cost = item_cost(item);
    link->sending_bytes = bytes_of_blob(item->blob);
    count(&counters->peer_frames_out, 1);
    count(&counters->peer_bytes_out, item->blob->bytes);
    const grpc_op op = {
        .op = GRPC_OP_SEND_MESSAGE,
        /* Only if another frame surely follows: the last one with the hint is never flushed. */
        .flags = link->out.first != NULL ? GRPC_WRITE_BUFFER_HINT : 0,
        .data.send_message.send_message = link->sending_bytes,
    };
    item_free(item);
    start(link, &op, &link->sent_tag);
}

static void on_opened(void *owner, bool ok)
{
    (void)ok; /* if it failed, the status tells */
    struct link *link = owner;
    link->pending--;
}

static void on_sent(void *owner, bool ok)
{
    (void)ok; /* if it failed, the status tells */
    struct link *link = owner;
    link->pending--;
    link->sending = false;
    grpc_byte_buffer_destroy(link->sending_bytes);
    link->sending_bytes = NULL;
    atomic_fetch_sub(&link->out_bytes, link->sending_cost);
    pump(link);
}

void link_take(struct link *link, struct item *item)
{
    queue_push(&link->out, item);
    if (link->state != LINK_UP || item->number != link->epoch) {
        drop_out(link); /* it was said to a stream that is gone, and so was all before it */
    }
}

void link_pump_all(struct transport *transport)
{
    for (size_t i = 0; i < transport->links_count; i++) {
        pump(&transport->links[i]);
    }
}
