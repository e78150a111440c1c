#include "simulation/caller.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <inttypes.h>
#include <string.h>

struct client_time caller_now(const struct caller *caller)
{
    uint64_t ms = world_clock_ms(caller->options.world, &caller->clock);
    return (struct client_time){.ms = ms - caller->suspended_ms, .lease_ms = ms};
}

void caller_log(struct caller *caller, struct event event)
{
    if (!caller->closing) {
        event.at_us = caller->options.world->now_us;
        event.client = caller->options.id;
        events_add(caller->options.events, &event);
    }
}

static uint64_t local_us(const struct caller *caller)
{
    return 1000 * world_clock_ms(caller->options.world, &caller->clock);
}

/* ---- Streams ---- */

static struct caller_stream *find_stream(struct caller *caller, uint64_t stream)
{
    for (size_t i = 0; i < CALLER_STREAMS_MAX; i++) {
        if (caller->streams[i].stream == stream) {
            return &caller->streams[i];
        }
    }
    return NULL;
}

static struct caller_stream *find_by_id(struct caller *caller, uint64_t id)
{
    for (size_t i = 0; i < CALLER_STREAMS_MAX; i++) {
        if (caller->streams[i].stream != 0 && caller->streams[i].id == id) {
            return &caller->streams[i];
        }
    }
    return NULL;
}

static void dial(struct caller *caller, const struct client_effect *effect)
{
    struct caller_stream *stream = find_stream(caller, 0);
    CD_ASSERT(stream != NULL);
    uint32_t node = caller->nodes[effect->endpoint];
    *stream = (struct caller_stream){
        .id = effect->stream,
        .node = node,
        .stream = cluster_open_stream(caller->options.cluster, caller->options.id, node),
    };
}

static void forget(struct caller *caller, struct caller_stream *stream)
{
    if (stream->linked && !stream->left) {
        caller_log(caller, (struct event){.kind = EV_UNLINKED, .replica = stream->node});
    }
    for (size_t i = 0; i < stream->parked_count; i++) {
        cd_blob_unref(stream->parked[i]);
    }
    cd_free(stream->parked);
    cd_free(stream->frames);
    *stream = (struct caller_stream){0};
}

static void hang_up(struct caller *caller, uint64_t id)
{
    struct caller_stream *stream = find_by_id(caller, id);
    if (stream != NULL) {
        cluster_close_stream(caller->options.cluster, stream->stream);
        forget(caller, stream);
    }
}

/* ---- Frames that leave ---- */

static struct caller_request *request_at(struct caller *caller, uint64_t id)
{
    if (id >= caller->requests_count) {
        size_t count = caller->requests_count == 0 ? 256 : 2 * caller->requests_count;
        count = id >= count ? 2 * id : count;
        caller->requests = cd_realloc(caller->requests, count * sizeof(*caller->requests));
        memset(caller->requests + caller->requests_count, 0,
               (count - caller->requests_count) * sizeof(*caller->requests));
        caller->requests_count = count;
    }
    return &caller->requests[id];
}

static struct caller_request *known_request(struct caller *caller, uint64_t id)
{
    return id < caller->requests_count ? &caller->requests[id] : NULL;
}

static void number_frame(struct caller *caller, struct caller_stream *stream)
{
    if (stream->frames_count == stream->frames_capacity) {
        stream->frames_capacity = stream->frames_capacity == 0 ? 32 : 2 * stream->frames_capacity;
        stream->frames =
            cd_realloc(stream->frames, stream->frames_capacity * sizeof(*stream->frames));
    }
    stream->frames[stream->frames_count++] = ++caller->frames;
}

static void log_sent(struct caller *caller, struct caller_stream *stream,
                     const struct stream_sent *sent)
{
    struct event event = {.kind = EV_SENT,
                          .session = stream->session,
                          .frame = caller->frames,
                          .local_us = local_us(caller)};
    bool alone = true;
    for (size_t i = 0; i < sent->count; i++) {
        const struct stream_request *request = &sent->requests[i];
        const struct caller_request *known = known_request(caller, request->id);
        if (request->is_watch) {
            caller->settings[caller->settings_count++ % CALLER_SETTINGS] =
                (struct caller_setting){.request = request->id, .watch = request->watch};
            caller->options.port.watch_sent(caller->options.port.context, request->watch,
                                            request->after);
        } else if (known != NULL && known->op != 0 && !request->asks_outcome) {
            event.op = known->op;
            event.seq = request->seq;
            caller_log(caller, event);
            alone = false;
        }
    }
    if (alone) {
        event.op = 0;
        event.seq = 0;
        event.session = stream->session;
        caller_log(caller, event);
    }
}

static void send_frame(struct caller *caller, struct caller_stream *stream,
                       const struct client_bytes *bytes)
{
    bool read = stream_read_sent(&caller->sent, bytes->data, bytes->count);
    CD_ASSERT(read);
    if (caller->sent.number != stream->frames_count + 1) {
        (void)verdict_fail(caller->options.verdict,
                           "client %u: frame %" PRIu64 " of a stream comes as number %" PRIu64,
                           caller->options.id, (uint64_t)stream->frames_count + 1,
                           caller->sent.number);
    }
    number_frame(caller, stream);
    if (caller->sent.resumes != 0) {
        stream->session = caller->sent.resumes;
        stream->since = caller->sent.number;
    } else if (caller->sent.opens) {
        stream->opening = true;
        stream->since = caller->sent.number;
    }
    log_sent(caller, stream, &caller->sent);
    cluster_send(caller->options.cluster, stream->stream, cd_blob_copy(bytes->data, bytes->count));
}

/* ---- Frames that come ---- */

static bool is_by_the_tree(int code)
{
    return code == MODEL_OK || (code >= MODEL_NO_NODE && code <= MODEL_COMPARE_FAILED) ||
           code == MODEL_NOT_HELD || code == MODEL_NOT_A_NUMBER;
}

static void log_replies(struct caller *caller, const struct stream_said *said)
{
    for (size_t i = 0; i < said->count; i++) {
        struct caller_request *request = known_request(caller, said->replies[i].id);
        const struct model_result *shown = &said->replies[i].shown;
        if (request == NULL) {
            continue;
        }
        request->got = *shown;
        if (request->op != 0 && is_by_the_tree(shown->code)) {
            caller_log(caller, (struct event){.kind = EV_REPLY,
                                              .op = request->op,
                                              .zxid = shown->zxid,
                                              .shown = shown});
        }
    }
}

static void log_confirmed(struct caller *caller, struct caller_stream *stream,
                          const struct stream_said *said)
{
    if (stream->session != 0 && said->confirmed >= stream->since &&
        said->confirmed > stream->confirmed && said->confirmed <= stream->frames_count) {
        stream->confirmed = said->confirmed;
        caller_log(caller, (struct event){.kind = EV_CONFIRMED,
                                          .session = stream->session,
                                          .frame = stream->frames[said->confirmed - 1],
                                          .local_us = local_us(caller)});
    }
}

/* The session's state has to be told before anything else that it explains. */
static void look_at_state(struct caller *caller, const struct client_lease_view *lease)
{
    static const enum event_state states[] = {[COORD_STATE_CONNECTED] = STATE_CONNECTED,
                                              [COORD_STATE_SUSPECT] = STATE_SUSPECT,
                                              [COORD_STATE_LOST] = STATE_LOST};
    if (lease->id != caller->opened && lease->id != 0) {
        caller->opened = lease->id;
        caller->timeout_ms = lease->timeout_ms;
        caller_log(caller, (struct event){.kind = EV_OPENED,
                                          .session = lease->id,
                                          .timeout_ms = lease->timeout_ms});
    }
    if (lease->state != COORD_STATE_NONE) {
        caller_log(caller, (struct event){.kind = EV_STATE,
                                          .session = lease->id,
                                          .state = states[lease->state],
                                          .local_us = local_us(caller)});
    }
    trace_line(caller->options.trace, "client %u: session %" PRIx64 " is in state %d",
               caller->options.id, lease->id, (int)lease->state);
    caller->options.port.changed(caller->options.port.context, lease);
}

static void log_welcome(struct caller *caller, struct caller_stream *stream,
                        const struct stream_said *said)
{
    if (!said->welcomes) {
        stream->opening = false;
        return;
    }
    if (!stream->linked) {
        stream->linked = true;
        caller_log(caller, (struct event){.kind = EV_LINKED, .replica = stream->node});
        if (stream->session != 0) {
            caller_log(caller, (struct event){.kind = EV_RESUMED,
                                              .session = stream->session,
                                              .replica = stream->node});
        }
    }
    if (stream->opening) {
        stream->opening = false;
        stream->session = said->session;
    }
}

static void log_watches(struct caller *caller, const struct stream_said *said)
{
    for (size_t i = 0; i < said->count; i++) {
        for (size_t k = 0; k < CALLER_SETTINGS; k++) {
            const struct caller_setting *setting = &caller->settings[k];
            if (setting->request == said->replies[i].id &&
                said->replies[i].shown.code == MODEL_OK && setting->request != 0) {
                caller->options.port.watch_set(caller->options.port.context, setting->watch,
                                               setting->request);
            }
        }
    }
}

static void run_effects(struct caller *caller);

static void feed(struct caller *caller, struct caller_stream *stream, struct cd_blob *frame)
{
    struct stream_said *said = &caller->said;
    uint64_t number = stream->stream;
    bool read = stream_read_said(said, frame->data, frame->bytes);
    CD_ASSERT(read);
    cluster_took(caller->options.cluster, number, frame->bytes);
    log_replies(caller, said);
    if (said->answers_hello) {
        log_welcome(caller, stream, said);
    }
    log_confirmed(caller, stream, said);
    client_session_on_frame(caller->session, caller_now(caller), stream->id, frame->data,
                            frame->bytes);
    run_effects(caller);
    if (find_stream(caller, number) == NULL) {
        return;
    }
    log_watches(caller, said);
    if (!said->more && said->complete_to > caller->complete_to &&
        caller->options.port.is_armed(caller->options.port.context, stream->id)) {
        caller->complete_to = said->complete_to;
        caller_log(caller, (struct event){.kind = EV_COMPLETE_TO, .zxid = said->complete_to});
    }
}

/* ---- The turn ---- */

/* A stream that is left stays open for answers, which nothing comes before any more. */
static void note_left(struct caller *caller)
{
    uint64_t active = client_session_stream(caller->session);
    struct caller_stream *left = find_by_id(caller, caller->active);
    if (active != caller->active && left != NULL && left->linked) {
        left->left = true;
        caller_log(caller, (struct event){.kind = EV_UNLINKED, .replica = left->node});
    }
    caller->active = active;
}

static void run_effects(struct caller *caller)
{
    struct client_effect effect;
    note_left(caller);
    while (client_session_take_effect(caller->session, &effect)) {
        const struct caller_port *port = &caller->options.port;
        switch (effect.kind) {
        case CLIENT_EFFECT_DIAL:
            dial(caller, &effect);
            break;
        case CLIENT_EFFECT_CLOSE:
            hang_up(caller, effect.stream);
            break;
        case CLIENT_EFFECT_DONE:
            port->done(port->context, effect.request);
            break;
        case CLIENT_EFFECT_ITEM:
            port->told(port->context, effect.item);
            break;
        case CLIENT_EFFECT_STATE: {
            struct client_lease_view lease = client_session_lease(caller->session);
            look_at_state(caller, &lease);
            break;
        }
        case CLIENT_EFFECT_SECRET: {
            uint8_t secret[CLIENT_SECRET_BYTES];
            uint8_t hash[CRYPTO_SHA256_BYTES];
            for (size_t i = 0; i < sizeof(secret); i++) {
                secret[i] = (uint8_t)cd_prng_next(&caller->prng);
            }
            crypto_sha256(secret, sizeof(secret), hash);
            client_session_give_secret(caller->session, caller_now(caller), secret, hash);
            break;
        }
        }
    }
}

static void ring(void *context, const struct world_event *event)
{
    struct caller *caller = context;
    if (event->at_us == caller->wake_us) {
        caller->wake_us = UINT64_MAX;
        caller_turn(caller);
    }
}

static void set_alarm(struct caller *caller)
{
    uint64_t deadline_ms = client_session_deadline_ms(caller->session);
    if (deadline_ms == CLIENT_NEVER || caller->closing) {
        return;
    }
    struct world *world = caller->options.world;
    uint64_t wait_us =
        world_clock_wait_us(world, &caller->clock, deadline_ms + caller->suspended_ms);
    wait_us = wait_us < 100 ? 100 : wait_us;
    if (world->now_us + wait_us < caller->wake_us) {
        caller->wake_us = world->now_us + wait_us;
        world_after(world, wait_us, (struct world_event){.action = ring, .context = caller});
    }
}

static void send_frames(struct caller *caller)
{
    struct client_bytes frame;
    for (size_t i = 0; i < CALLER_STREAMS_MAX; i++) {
        struct caller_stream *stream = &caller->streams[i];
        while (stream->stream != 0 && !stream->ended &&
               client_session_take_frame(caller->session, caller_now(caller), stream->id, &frame)) {
            send_frame(caller, stream, &frame);
            client_free(frame.data);
        }
    }
}

/* One frame, or the end of a stream, that waits to be read. */
static bool read_one(struct caller *caller)
{
    for (size_t i = 0; i < CALLER_STREAMS_MAX; i++) {
        struct caller_stream *stream = &caller->streams[i];
        if (stream->stream != 0 && stream->parked_count > 0) {
            struct cd_blob *frame = stream->parked[0];
            stream->parked_count--;
            memmove(&stream->parked[0], &stream->parked[1],
                    stream->parked_count * sizeof(struct cd_blob *));
            feed(caller, stream, frame);
            cd_blob_unref(frame);
            return true;
        }
        if (stream->stream != 0 && stream->parked_count == 0 && stream->ended) {
            uint64_t id = stream->id;
            forget(caller, stream);
            client_session_on_closed(caller->session, caller_now(caller), id, COORD_UNREACHABLE,
                                     "the stream broke");
            return true;
        }
    }
    return false;
}

void caller_turn(struct caller *caller)
{
    if (caller->stopped || caller->in_turn) {
        return;
    }
    caller->in_turn = true;
    do {
        client_session_on_timer(caller->session, caller_now(caller));
        run_effects(caller);
        send_frames(caller);
        run_effects(caller);
    } while (read_one(caller));
    set_alarm(caller);
    caller->in_turn = false;
}

/* ---- From the network ---- */

void caller_on_frame(struct caller *caller, uint64_t number, struct cd_blob *frame)
{
    struct caller_stream *stream = find_stream(caller, number);
    if (stream == NULL) {
        return;
    }
    if (stream->parked_count == stream->parked_capacity) {
        stream->parked_capacity = stream->parked_capacity == 0 ? 8 : 2 * stream->parked_capacity;
        stream->parked =
            cd_realloc(stream->parked, stream->parked_capacity * sizeof(struct cd_blob *));
    }
    stream->parked[stream->parked_count++] = cd_blob_ref(frame);
    caller_turn(caller);
}

void caller_on_closed(struct caller *caller, uint64_t number)
{
    struct caller_stream *stream = find_stream(caller, number);
    if (stream != NULL) {
        stream->ended = true;
        caller_turn(caller);
    }
}

/* ---- The application ---- */

void caller_submit(struct caller *caller, struct client_request *request, uint64_t op)
{
    client_session_submit(caller->session, caller_now(caller), request);
    request_at(caller, request->id)->op = op;
}

enum coord_code caller_watch(struct caller *caller, struct client_watch *watch)
{
    return client_session_watch(caller->session, caller_now(caller), watch);
}

void caller_unwatch(struct caller *caller, struct client_watch *watch)
{
    client_session_unwatch(caller->session, watch);
}

void caller_took(struct caller *caller, struct client_watch *watch, size_t bytes)
{
    client_session_took(caller->session, watch, bytes);
}

struct client_lease_view caller_lease(struct caller *caller)
{
    struct client_lease_view lease = client_session_lease(caller->session);
    struct client_time now = caller_now(caller);
    bool held = lease.state == COORD_STATE_CONNECTED || lease.state == COORD_STATE_SUSPECT;
    lease.state = client_lease_view_state(&lease, now.lease_ms);
    if (held && lease.state == COORD_STATE_LOST) {
        client_session_abandon(caller->session, now, lease.id);
    }
    return lease;
}

const struct model_result *caller_reply(const struct caller *caller, uint64_t request)
{
    CD_ASSERT(request < caller->requests_count);
    return &caller->requests[request].got;
}

/* ---- Life ---- */

void caller_stop(struct caller *caller)
{
    if (!caller->stopped) {
        caller->stopped = true;
        caller->stopped_ms = world_clock_ms(caller->options.world, &caller->clock);
        caller_log(caller, (struct event){.kind = EV_STOPPED});
        trace_line(caller->options.trace, "client %u is stopped", caller->options.id);
    }
}

void caller_continue(struct caller *caller, bool suspended)
{
    if (caller->stopped) {
        uint64_t now_ms = world_clock_ms(caller->options.world, &caller->clock);
        caller->stopped = false;
        caller->suspended_ms += suspended ? now_ms - caller->stopped_ms : 0;
        caller_log(caller, (struct event){.kind = EV_CONTINUED});
        trace_line(caller->options.trace, "client %u goes on%s", caller->options.id,
                   suspended ? ", its machine was suspended" : "");
        caller_turn(caller);
    }
}

void caller_init(struct caller *caller, const struct caller_options *options)
{
    *caller = (struct caller){.options = *options, .wake_us = UINT64_MAX};
    world_fork_prng(options->world, "caller", options->id, &caller->prng);
    caller->clock = (struct world_clock){.base_ms = sim_between(&caller->prng, 1, 10000000),
                                         .skew_ppm = options->skew_ppm};
    size_t count = 0;
    for (uint32_t node = 1; node <= options->cluster->options.nodes; node++) {
        if (options->pinned == 0 || options->pinned == node) {
            (void)snprintf(caller->names[count], sizeof(caller->names[0]), "r%u:1", node);
            caller->endpoints[count] = caller->names[count];
            caller->nodes[count++] = node;
        }
    }
    caller->session = client_session_create(&(struct client_session_config){
        .endpoints = caller->endpoints,
        .endpoints_count = count,
        .client_name = "simulation",
        .seed = cd_prng_next(&caller->prng),
        .sessions = options->sessions,
        .session_timeout_ms = options->timeout_ms,
        .events_bytes_max = options->events_bytes_max,
    });
    CD_ASSERT(caller->session != NULL);
}

void caller_shut(struct caller *caller)
{
    caller->closing = true;
    client_session_shutdown(caller->session, caller_now(caller));
    run_effects(caller);
}

void caller_release(struct caller *caller)
{
    for (size_t i = 0; i < CALLER_STREAMS_MAX; i++) {
        if (caller->streams[i].stream != 0) {
            forget(caller, &caller->streams[i]);
        }
    }
    client_session_free(caller->session);
    stream_sent_release(&caller->sent);
    stream_said_release(&caller->said);
    cd_free(caller->requests);
}
