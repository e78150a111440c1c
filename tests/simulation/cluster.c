#include "simulation/cluster.h"

#include "base/hash.h"
#include "base/memory.h"
#include "simulation/frames.h"
#include "wire/peer.h"

#include <string.h>

static const char *const admins[] = {CLUSTER_ADMIN};

/* ---- Turns ---- */

static uint64_t now_ms(void *context)
{
    struct cluster_node *node = context;
    return world_clock_ms(node->cluster->world, &node->clock);
}

static uint64_t wall_ms(void *context)
{
    struct cluster_node *node = context;
    return (uint64_t)(INT64_C(1700000000000) + node->wall_shift_ms + (int64_t)now_ms(context));
}

static void take_turn(void *context, const struct world_event *event);

static void poke(struct cluster_node *node)
{
    if (node->turn_due || node->replica == NULL || node->paused) {
        return;
    }
    node->turn_due = true;
    world_after(node->cluster->world, sim_between(&node->prng, 1, 50),
                (struct world_event){.action = take_turn, .context = node, .number = node->life});
}

static void ring(void *context, const struct world_event *event)
{
    struct cluster_node *node = context;
    if (node->life == event->number && event->at_us == node->wake_us) {
        node->wake_us = UINT64_MAX;
        poke(node);
    }
}

static void set_alarm(struct cluster_node *node)
{
    uint64_t deadline_ms = replica_deadline_ms(node->replica);
    if (deadline_ms == UINT64_MAX) {
        return;
    }
    struct world *world = node->cluster->world;
    uint64_t wait_us = world_clock_wait_us(world, &node->clock, deadline_ms);
    wait_us = wait_us < 100 ? 100 : wait_us;
    if (world->now_us + wait_us < node->wake_us) {
        node->wake_us = world->now_us + wait_us;
        world_after(world, wait_us,
                    (struct world_event){.action = ring, .context = node, .number = node->life});
    }
}

static void end_process(struct cluster_node *node, bool power);

static void take_turn(void *context, const struct world_event *event)
{
    struct cluster_node *node = context;
    if (node->replica == NULL || node->life != event->number) {
        return;
    }
    node->turn_due = false;
    if (node->paused) {
        return; /* it comes when the pause ends */
    }
    node->turns++;
    replica_turn(node->replica);
    if (replica_is_fatal(node->replica)) {
        end_process(node, false);
        return;
    }
    set_alarm(node);
}

/* ---- What comes in ---- */

static void drop_input(struct cluster_input *input)
{
    cd_blob_unref(input->bytes);
}

static void feed(struct cluster_node *node, struct cluster_input *input)
{
    switch (input->kind) {
    case CLUSTER_INPUT_PEER:
        replica_on_peer_frame(node->replica, input->from, input->bytes->data, input->bytes->bytes);
        break;
    case CLUSTER_INPUT_STREAM_OPENED:
        replica_on_stream_opened(node->replica, input->stream, CLUSTER_CLIENT);
        break;
    case CLUSTER_INPUT_STREAM_FRAME:
        replica_on_stream_frame(node->replica, input->stream, input->bytes);
        break;
    case CLUSTER_INPUT_STREAM_SENT:
        replica_on_stream_sent(node->replica, input->stream, input->number);
        break;
    case CLUSTER_INPUT_STREAM_CLOSED:
        replica_on_stream_closed(node->replica, input->stream);
        break;
    }
    drop_input(input);
}

static void take_input(struct cluster_node *node, struct cluster_input input)
{
    if (node->replica == NULL) {
        drop_input(&input);
    } else if (!node->paused) {
        feed(node, &input);
        poke(node);
    } else if (node->parked_count < CLUSTER_PARKED_MAX) {
        node->parked[node->parked_count++] = input;
    } else {
        drop_input(&input);
    }
}

static void trace_frame(struct cluster *cluster, uint32_t from, uint32_t to,
                        const struct cd_blob *bytes, const char *arrow)
{
    struct wire_arena arena;
    struct wire_peer_frame frame;
    wire_arena_init(&arena, 64u << 20);
    if (wire_peer_frame_decode(&arena, to, bytes->data, bytes->bytes, &frame, NULL) == CD_OK) {
        for (size_t i = 0; i < frame.messages_count; i++) {
            const struct wire_peer_message *message = &frame.messages[i];
            if (message->kind == WIRE_PEER_CONSENSUS) {
                char text[PRINT_BYTES];
                print_message(&cluster->printer, &message->consensus, arrow, text, sizeof(text));
                trace_line(cluster->trace, "%s", text);
            } else {
                trace_line(cluster->trace, "%u%s%u %s", from, arrow, to,
                           message->kind == WIRE_PEER_FORWARD ? "FORWARD" : "FORWARD_REFUSED");
            }
        }
        wire_peer_frame_release(&frame);
    }
    wire_arena_release(&arena);
}

static void deliver(void *context, uint32_t from, uint32_t to, void *letter)
{
    struct cluster *cluster = context;
    struct cd_blob *bytes = letter;
    trace_count(cluster->trace, "frame", (uint64_t)from << 32 | to, bytes->bytes,
                cd_hash64(bytes->data, bytes->bytes));
    if (trace_is_on(cluster->trace) && !cluster->options.hide_frames) {
        trace_frame(cluster, from, to, bytes, "->");
    }
    take_input(&cluster->nodes[to],
               (struct cluster_input){.kind = CLUSTER_INPUT_PEER, .from = from, .bytes = bytes});
}

static void *share_frame(void *letter)
{
    return cd_blob_ref(letter);
}

static void drop_frame(void *letter)
{
    cd_blob_unref(letter);
}

/* ---- What goes out: the ports ---- */

static void peer_send(void *context, uint32_t to, struct cd_blob *frame)
{
    struct cluster_node *node = context;
    struct cluster *cluster = node->cluster;
    struct cd_blob *bytes =
        cluster->options.promises_forget ? frame_make_forgetful(frame) : cd_blob_ref(frame);
    network_send(&cluster->network, node->id, to, bytes);
}

static struct cluster_stream *find_stream(struct cluster *cluster, uint64_t stream)
{
    CD_ASSERT(stream > 0 && stream <= cluster->streams_count);
    return &cluster->streams[stream - 1];
}

static void find_broken(void *context, const struct world_event *event);

/* Both sides notice by their keepalive that nothing comes any more. */
static void break_later(struct cluster *cluster, uint64_t number)
{
    for (uint32_t side = 0; side < 2; side++) {
        uint64_t after_ms = CLUSTER_KEEPALIVE_MS + cd_prng_below(&cluster->prng, 1000);
        world_after(cluster->world, 1000 * after_ms,
                    (struct world_event){
                        .action = find_broken, .context = cluster, .number = number, .to = side});
    }
}

/* Whether what travels on the stream gets through. A stream that lost something is stuck for good.
 */
static bool gets_through(struct cluster *cluster, struct cluster_stream *stream)
{
    uint32_t out = cluster->client_cut[stream->node] | cluster->clients_out;
    bool cut = (out >> stream->client & 1u) != 0;
    if (cut && stream->state == CLUSTER_STREAM_OPEN) {
        stream->state = CLUSTER_STREAM_STUCK;
        break_later(cluster, (uint64_t)(stream - cluster->streams) + 1);
    }
    return !cut && stream->state != CLUSTER_STREAM_STUCK;
}

static uint64_t draw_client_delay(struct cluster *cluster, uint64_t *last_us)
{
    uint64_t now_us = cluster->world->now_us;
    uint64_t at_us = now_us + cluster->options.client_delay_us_min +
                     sim_exponential(&cluster->prng, cluster->options.client_delay_us_mean);
    at_us = at_us > *last_us ? at_us : *last_us;
    *last_us = at_us;
    return at_us - now_us;
}

static void frame_at_client(void *context, const struct world_event *event)
{
    struct cluster *cluster = context;
    struct cluster_stream *stream = find_stream(cluster, event->number);
    struct cd_blob *frame = event->cargo;
    if (gets_through(cluster, stream) && stream->state == CLUSTER_STREAM_OPEN) {
        cluster->watcher.stream_frame(cluster->watcher.context, event->number, stream->client,
                                      frame);
    }
    cd_blob_unref(frame);
}

/* Takes over the frame. */
static void send_to_client(struct cluster *cluster, uint64_t number, struct cd_blob *frame)
{
    struct cluster_stream *stream = find_stream(cluster, number);
    world_after(cluster->world, draw_client_delay(cluster, &stream->to_client_us),
                (struct world_event){.action = frame_at_client,
                                     .context = cluster,
                                     .number = number,
                                     .cargo = frame,
                                     .drop = drop_frame});
}

static void stream_send(void *context, uint64_t number, struct cd_blob *frame)
{
    struct cluster *cluster = ((struct cluster_node *)context)->cluster;
    find_stream(cluster, number)->given_bytes += frame->bytes;
    struct cd_blob *late = NULL;
    struct cd_blob *bytes =
        cluster->options.saboteur != NULL
            ? saboteur_from_replica(cluster->options.saboteur, number, frame, &late)
            : cd_blob_ref(frame);
    send_to_client(cluster, number, bytes);
    if (late != NULL) {
        send_to_client(cluster, number, late);
    }
}

static void end_at_client(void *context, const struct world_event *event)
{
    struct cluster *cluster = context;
    struct cluster_stream *stream = find_stream(cluster, event->number);
    if (gets_through(cluster, stream) && stream->state == CLUSTER_STREAM_OPEN) {
        stream->state = CLUSTER_STREAM_ENDED;
        cluster->watcher.stream_closed(cluster->watcher.context, event->number, stream->client);
    }
}

static void tell_end(struct cluster *cluster, uint64_t number)
{
    struct cluster_stream *stream = find_stream(cluster, number);
    world_after(
        cluster->world, draw_client_delay(cluster, &stream->to_client_us),
        (struct world_event){.action = end_at_client, .context = cluster, .number = number});
}

static void find_broken(void *context, const struct world_event *event)
{
    struct cluster *cluster = context;
    struct cluster_stream *stream = find_stream(cluster, event->number);
    struct cluster_node *node = &cluster->nodes[stream->node];
    if (event->to == 1 && node->replica != NULL && node->life == stream->life) {
        take_input(node, (struct cluster_input){.kind = CLUSTER_INPUT_STREAM_CLOSED,
                                                .stream = event->number});
    } else if (event->to == 0 && stream->state != CLUSTER_STREAM_ENDED) {
        stream->state = CLUSTER_STREAM_ENDED;
        cluster->watcher.stream_closed(cluster->watcher.context, event->number, stream->client);
    }
}

static void stream_close(void *context, uint64_t number, enum replica_rpc_status status,
                         const char *message)
{
    struct cluster_node *node = context;
    trace_line(node->cluster->trace, "%u closes stream %llu with %d: %s", node->id,
               (unsigned long long)number, (int)status, message != NULL ? message : "");
    tell_end(node->cluster, number);
}

static void call_reply(void *context, uint64_t call, enum replica_rpc_status status,
                       const char *message, struct cd_blob *reply)
{
    struct cluster_node *node = context;
    (void)message;
    node->cluster->watcher.call_reply(node->cluster->watcher.context, node, call, status, reply);
}

static void show_event(struct cluster_node *node, const struct replica_event *event)
{
    struct cluster *cluster = node->cluster;
    char text[PRINT_BYTES];
    switch (event->kind) {
    case REPLICA_EV_NOTE:
        print_note(&cluster->printer, node->id, &event->note, text, sizeof(text));
        trace_line(cluster->trace, "%s", text);
        break;
    case REPLICA_EV_APPLIED:
        if (cluster->options.hide_frames) {
            break;
        }
        trace_line(cluster->trace, "%u applies %llu: digest %016llx", node->id,
                   (unsigned long long)event->slot, (unsigned long long)event->digest);
        break;
    case REPLICA_EV_LOADED:
    case REPLICA_EV_INSTALLED:
        trace_line(cluster->trace, "%u %s a snapshot of %llu", node->id,
                   event->kind == REPLICA_EV_LOADED ? "has loaded" : "installs",
                   (unsigned long long)event->slot);
        break;
    case REPLICA_EV_SNAPSHOT_BAD:
        trace_line(cluster->trace, "%u finds its snapshot of %llu damaged", node->id,
                   (unsigned long long)event->slot);
        break;
    case REPLICA_EV_STARTED:
        trace_line(cluster->trace, "%u has recovered %llu records and slot %llu", node->id,
                   (unsigned long long)event->count, (unsigned long long)event->slot);
        break;
    case REPLICA_EV_FRAME_BAD:
        trace_line(cluster->trace, "%u refuses a frame of %u: %s", node->id, event->node,
                   event->text);
        break;
    case REPLICA_EV_BORN:
        trace_line(cluster->trace, "%u founded a cluster", node->id);
        break;
    case REPLICA_EV_FATAL:
        trace_line(cluster->trace, "%u cannot go on: %s", node->id, event->text);
        break;
    default:
        break;
    }
}

/* Operations of its disk that were made to fail so far. */
static uint64_t count_faults(const struct cluster_node *node)
{
    struct fault_disk_stats stats;
    fault_disk_stats(node->disk, &stats);
    return stats.faults;
}

static bool is_tight(const struct cluster_node *node)
{
    bool just_now = node->room_us != 0 && node->cluster->world->now_us < node->room_us + 2000000;
    return node->disk_full || just_now;
}

static void on_event(void *context, const struct replica_event *event)
{
    struct cluster_node *node = context;
    struct cluster *cluster = node->cluster;
    trace_count(cluster->trace, "event", (uint64_t)event->kind << 32 | node->id,
                event->slot ^ (uint64_t)event->note.kind << 48, event->digest);
    /* Between the commands of a slot a replica cannot be asked what it holds. */
    if (trace_is_on(cluster->trace) && event->kind != REPLICA_EV_COMMAND) {
        if (node->replica != NULL) {
            struct replica_view view;
            cluster_view(node, &view);
            print_know(&cluster->printer, node->id, view.paxos.incarnation);
        }
        show_event(node, event);
    }
    if (event->kind == REPLICA_EV_NOTE) {
        cluster->notes[event->note.kind]++;
        cluster->watcher.noted(cluster->watcher.context, node, &event->note);
    } else if (event->kind == REPLICA_EV_APPLIED) {
        cluster->watcher.applied(cluster->watcher.context, node, event);
    } else if (event->kind == REPLICA_EV_COMMAND && cluster->watcher.carried_out != NULL) {
        cluster->watcher.carried_out(cluster->watcher.context, node, event);
    } else if ((event->kind == REPLICA_EV_LOADED || event->kind == REPLICA_EV_INSTALLED) &&
               cluster->watcher.replaced != NULL) {
        cluster->watcher.replaced(cluster->watcher.context, node, event);
    } else if (event->kind == REPLICA_EV_FATAL) {
        bool expected = count_faults(node) > node->faults_before || is_tight(node);
        cluster->watcher.died(cluster->watcher.context, node, expected, event->text);
    }
}

/* ---- The disk ---- */

static void disk_step(void *context, const struct world_event *event)
{
    struct cluster_node *node = context;
    if (node->paused || node->disk_slow) {
        world_after(node->cluster->world, 2000, *event);
        return;
    }
    if (fault_disk_step(node->disk, event->number)) {
        poke(node);
    }
}

static void disk_schedule(void *context, uint64_t delay_us, uint64_t ticket)
{
    struct cluster_node *node = context;
    world_after(node->cluster->world, delay_us,
                (struct world_event){.action = disk_step, .context = node, .number = ticket});
}

/* ---- Life ---- */

static void init_node(struct cluster *cluster, uint32_t id)
{
    const struct cluster_options *options = &cluster->options;
    struct cluster_node *node = &cluster->nodes[id];
    node->cluster = cluster;
    node->id = id;
    node->wake_us = UINT64_MAX;
    world_fork_prng(cluster->world, "node", id, &node->prng);
    node->clock.base_ms = sim_between(&node->prng, 1, 10000000);
    uint64_t spread = (uint64_t)options->skew_ppm_max;
    node->clock.skew_ppm =
        (int32_t)((int64_t)sim_between(&node->prng, 0, 2 * spread) - (int64_t)spread);
    uint64_t shift = options->wall_shift_ms_max;
    node->wall_shift_ms = (int64_t)sim_between(&node->prng, 0, 2 * shift) - (int64_t)shift;
    node->parked = cd_calloc(CLUSTER_PARKED_MAX, sizeof(*node->parked));
    node->disk = fault_disk_create(&(struct fault_disk_options){
        .seed = cd_prng_next(&node->prng),
        .now_ms = now_ms,
        .wall_ms = wall_ms,
        .schedule = disk_schedule,
        .latency_us_min = options->disk_us_min,
        .latency_us_max = options->disk_us_max,
        .context = node,
    });
    if (options->disks_lie) {
        node->liar = liar_create(cluster->world, fault_disk_env(node->disk));
    }
    cluster->ports[id] = (struct replica_ports){
        .context = node,
        .peer_send = peer_send,
        .stream_send = stream_send,
        .stream_close = stream_close,
        .call_reply = call_reply,
        .event = on_event,
    };
}

static bool is_rigid(const void *letter)
{
    const struct cd_blob *frame = letter;
    return frame_forwards(frame->data, frame->bytes);
}

void cluster_init(struct cluster *cluster, struct world *world, struct trace *trace,
                  const struct cluster_options *options)
{
    *cluster = (struct cluster){.world = world, .trace = trace, .options = *options};
    network_init(&cluster->network, world,
                 &(struct network_port){.context = cluster,
                                        .deliver = deliver,
                                        .is_rigid = is_rigid,
                                        .share = share_frame,
                                        .drop = drop_frame});
    world_fork_prng(world, "cluster", 0, &cluster->prng);
    for (uint32_t id = 1; id <= options->nodes; id++) {
        init_node(cluster, id);
    }
}

static void drop_parked(struct cluster_node *node)
{
    for (size_t i = 0; i < node->parked_count; i++) {
        drop_input(&node->parked[i]);
    }
    node->parked_count = 0;
}

void cluster_release(struct cluster *cluster)
{
    for (uint32_t id = 1; id <= cluster->options.nodes; id++) {
        struct cluster_node *node = &cluster->nodes[id];
        fault_disk_kill(node->disk);
        replica_free(node->replica);
        liar_free(node->liar);
        fault_disk_image_free(node->yesterday);
        fault_disk_free(node->disk);
        drop_parked(node);
        cd_free(node->parked);
    }
    cd_free(cluster->streams);
}

struct cluster_node *cluster_node(struct cluster *cluster, uint32_t id)
{
    CD_ASSERT(id > 0 && id <= cluster->options.nodes);
    return &cluster->nodes[id];
}

static enum cd_status open_replica(struct cluster_node *node, struct cd_error *error)
{
    struct cluster *cluster = node->cluster;
    uint32_t peers[CLUSTER_NODES_MAX];
    size_t peers_count = 0;
    for (uint32_t id = 1; id <= cluster->options.nodes; id++) {
        if (id != node->id) {
            peers[peers_count++] = id;
        }
    }
    const struct env *env = node->liar != NULL ? liar_env(node->liar) : fault_disk_env(node->disk);
    struct replica_options options = {
        .env = env,
        .ports = &cluster->ports[node->id],
        .node = node->id,
        .cluster_name = "simulation",
        .peers = peers,
        .peers_count = peers_count,
        .admins = admins,
        .admins_count = CD_ARRAY_COUNT(admins),
        .limits = FSM_LIMITS_DEFAULT,
        .alpha = cluster->options.alpha,
        .heartbeat_ms = cluster->options.heartbeat_ms,
        .election_ms = cluster->options.election_ms,
        .segment_bytes = cluster->options.segment_bytes,
        .snapshot_bytes =
            cluster->options.snapshot_bytes != 0 ? cluster->options.snapshot_bytes : 64 << 20,
        .history_bytes =
            cluster->options.history_bytes != 0 ? cluster->options.history_bytes : 16 << 20,
    };
    if (cluster->options.container_ms != 0) {
        options.limits.container_ms = cluster->options.container_ms;
    }
    return replica_create(&options, &node->replica, error);
}

bool cluster_start(struct cluster_node *node, uint64_t fail_at)
{
    struct cluster *cluster = node->cluster;
    CD_ASSERT(node->replica == NULL);
    cluster->restarts += node->life > 0 ? 1 : 0;
    node->life++;
    node->paused = false;
    node->stopping = false;
    node->turn_due = false;
    node->wake_us = UINT64_MAX;
    trace_line(cluster->trace, "%u starts%s", node->id, fail_at != 0 ? " and will fail" : "");
    cluster->watcher.started(cluster->watcher.context, node);
    struct cd_error error = {.status = CD_OK};
    node->faults_before = count_faults(node);
    fault_disk_fail_from(node->disk, fail_at, CD_IO);
    enum cd_status status = open_replica(node, &error);
    fault_disk_fail_from(node->disk, 0, CD_IO);
    if (status != CD_OK) {
        trace_line(cluster->trace, "%u did not start: %s%s%s", node->id, cd_status_name(status),
                   cluster->options.hide_frames ? "" : ": ",
                   cluster->options.hide_frames ? "" : error.message);
        node->replica = NULL;
        cluster->failed_starts++;
        bool expected = (fail_at != 0 && status == CD_IO) || (is_tight(node) && status == CD_FULL);
        cluster->watcher.died(cluster->watcher.context, node, expected, error.message);
        fault_disk_crash(node->disk);
        return false;
    }
    struct replica_view view;
    cluster_view(node, &view);
    cluster->snapshots += view.snapshots_taken;
    node->incarnation = view.paxos.incarnation;
    print_know(&cluster->printer, node->id, node->incarnation);
    poke(node);
    return true;
}

static void end_streams(struct cluster_node *node)
{
    struct cluster *cluster = node->cluster;
    for (size_t i = 0; i < cluster->streams_count; i++) {
        const struct cluster_stream *stream = &cluster->streams[i];
        if (stream->node != node->id || stream->life != node->life ||
            stream->state != CLUSTER_STREAM_OPEN) {
            continue;
        }
        if (sim_chance(&cluster->prng, 700000)) {
            tell_end(cluster, i + 1);
        } else {
            break_later(cluster, i + 1); /* these find out by waiting */
        }
    }
}

static void end_process(struct cluster_node *node, bool power)
{
    struct cluster *cluster = node->cluster;
    struct replica_view view;
    cluster_view(node, &view);
    node->incarnation = view.paxos.incarnation;
    struct fault_disk_stats before;
    struct fault_disk_stats after;
    fault_disk_stats(node->disk, &before);
    if (power) {
        fault_disk_crash(node->disk);
    } else {
        fault_disk_kill(node->disk);
    }
    fault_disk_stats(node->disk, &after);
    bool lossy =
        after.sectors_lost + after.sectors_torn > before.sectors_lost + before.sectors_torn;
    cluster->crashes++;
    cluster->lossy_crashes += lossy ? 1 : 0;
    trace_line(cluster->trace, "%u %s%s", node->id, power ? "loses power" : "is killed",
               lossy ? ", and writes that were not synced" : "");
    trace_count(cluster->trace, "crash", node->id, power, lossy);
    end_streams(node);
    if (node->liar != NULL) {
        liar_forget(node->liar);
    }
    replica_free(node->replica);
    node->replica = NULL;
    drop_parked(node);
}

void cluster_crash(struct cluster_node *node, bool power)
{
    CD_ASSERT(node->replica != NULL);
    end_process(node, power);
}

void cluster_wipe(struct cluster_node *node)
{
    CD_ASSERT(node->replica == NULL);
    trace_line(node->cluster->trace, "%u gets an empty disk", node->id);
    fault_disk_wipe(node->disk);
    node->cluster->wipes++;
}

void cluster_copy_disk(struct cluster_node *node)
{
    fault_disk_image_free(node->yesterday);
    node->yesterday = fault_disk_save(node->disk);
    trace_line(node->cluster->trace, "%u has its disk copied", node->id);
}

void cluster_restore_disk(struct cluster_node *node)
{
    CD_ASSERT(node->replica == NULL && node->yesterday != NULL);
    trace_line(node->cluster->trace, "%u gets yesterday's disk back", node->id);
    fault_disk_restore(node->disk, node->yesterday);
    fault_disk_image_free(node->yesterday);
    node->yesterday = NULL;
    node->cluster->restores++;
}

/* Its clients hear nothing from a process that stands still. */
static void find_paused(void *context, const struct world_event *event)
{
    struct cluster_node *node = context;
    struct cluster *cluster = node->cluster;
    for (size_t i = 0; i < cluster->streams_count && node->pauses == event->number; i++) {
        const struct cluster_stream *stream = &cluster->streams[i];
        if (stream->node == node->id && stream->life == node->life &&
            stream->state == CLUSTER_STREAM_OPEN) {
            break_later(cluster, i + 1);
        }
    }
}

void cluster_pause(struct cluster_node *node, bool paused)
{
    if (node->paused == paused || node->replica == NULL) {
        return;
    }
    node->paused = paused;
    node->pauses++;
    if (paused) {
        node->paused_us = node->cluster->world->now_us;
    } else if (node->room_us != 0 && node->room_us + 2000000 > node->paused_us) {
        node->room_us = node->cluster->world->now_us; /* it finds out only now */
    }
    trace_line(node->cluster->trace, "%u %s", node->id, paused ? "is stopped" : "goes on");
    if (paused) {
        world_after(
            node->cluster->world, UINT64_C(1000) * CLUSTER_KEEPALIVE_MS,
            (struct world_event){.action = find_paused, .context = node, .number = node->pauses});
    }
    if (!paused) {
        replica_turn(node->replica); /* timers run before the sockets (R19) */
        for (size_t i = 0; i < node->parked_count; i++) {
            feed(node, &node->parked[i]);
        }
        node->parked_count = 0;
        poke(node);
    }
}

void cluster_fill_disk(struct cluster_node *node, bool full)
{
    node->room_us = node->disk_full && !full ? node->cluster->world->now_us : node->room_us;
    node->disk_full = full;
    fault_disk_set_capacity(node->disk, full ? 1 : 0);
    trace_line(node->cluster->trace, "%u %s", node->id,
               full ? "has no room left on its disk" : "has room on its disk again");
}

void cluster_slow_disk(struct cluster_node *node, bool slow)
{
    node->disk_slow = slow;
}

static void check_stop(void *context, const struct world_event *event)
{
    struct cluster_node *node = context;
    if (node->replica == NULL || node->life != event->from) {
        return;
    }
    if (replica_may_stop(node->replica) || event->number == 0) {
        end_process(node, false);
        return;
    }
    world_after(node->cluster->world, 20000,
                (struct world_event){.action = check_stop,
                                     .context = node,
                                     .number = event->number - 1,
                                     .from = event->from});
}

void cluster_stop(struct cluster_node *node)
{
    node->stopping = true;
    trace_line(node->cluster->trace, "%u is asked to stop", node->id);
    replica_begin_stop(node->replica);
    poke(node);
    check_stop(node, &(struct world_event){.number = 250, .from = (uint32_t)node->life});
}

void cluster_view(const struct cluster_node *node, struct replica_view *ret_view)
{
    *ret_view = (struct replica_view){.born = false};
    if (node->replica != NULL) {
        replica_get_view(node->replica, ret_view);
    }
}

struct cluster_node *cluster_leader(struct cluster *cluster)
{
    struct cluster_node *best = NULL;
    struct paxos_ballot highest = {0};
    for (uint32_t id = 1; id <= cluster->options.nodes; id++) {
        struct cluster_node *node = &cluster->nodes[id];
        struct replica_view view;
        if (node->replica == NULL) {
            continue;
        }
        cluster_view(node, &view);
        if (view.paxos.role == PAXOS_ROLE_LEADER && view.paxos.established &&
            paxos_ballot_compare(view.paxos.ballot, highest) > 0) {
            best = node;
            highest = view.paxos.ballot;
        }
    }
    return best;
}

/* ---- Clients ---- */

void cluster_call(struct cluster_node *node, uint64_t call, enum replica_method method,
                  struct cd_blob *bytes)
{
    replica_on_call(node->replica, call, method, CLUSTER_ADMIN, bytes->data, bytes->bytes);
    cd_blob_unref(bytes);
    poke(node);
}

static void input_at_node(void *context, const struct world_event *event)
{
    struct cluster *cluster = context;
    struct cluster_stream *stream = find_stream(cluster, event->number);
    struct cluster_node *node = &cluster->nodes[stream->node];
    struct cluster_input input = {.kind = (enum cluster_input_kind)event->from,
                                  .stream = event->number,
                                  .number = event->to,
                                  .bytes = event->cargo};
    if (!gets_through(cluster, stream) && input.kind != CLUSTER_INPUT_STREAM_CLOSED) {
        drop_input(&input);
        return;
    }
    if (input.kind == CLUSTER_INPUT_STREAM_OPENED) {
        stream->life = node->life;
    }
    if (node->replica == NULL || stream->life != node->life) {
        drop_input(&input);
        tell_end(cluster, event->number); /* nobody there: connection refused or reset */
        return;
    }
    if (cluster->options.saboteur != NULL && input.kind == CLUSTER_INPUT_STREAM_FRAME) {
        struct cd_blob *said =
            saboteur_on_arrival(cluster->options.saboteur, event->number, input.bytes);
        if (said != NULL) {
            send_to_client(cluster, event->number, said);
        }
    }
    take_input(node, input);
}

static void send_input(struct cluster *cluster, uint64_t number, enum cluster_input_kind kind,
                       struct cd_blob *bytes, uint32_t amount)
{
    struct cluster_stream *stream = find_stream(cluster, number);
    world_after(cluster->world, draw_client_delay(cluster, &stream->to_node_us),
                (struct world_event){.action = input_at_node,
                                     .context = cluster,
                                     .number = number,
                                     .from = (uint32_t)kind,
                                     .to = amount,
                                     .cargo = bytes,
                                     .drop = drop_frame});
}

uint64_t cluster_open_stream(struct cluster *cluster, uint32_t client, uint32_t node)
{
    if (cluster->streams_count == cluster->streams_capacity) {
        cluster->streams_capacity =
            cluster->streams_capacity == 0 ? 256 : 2 * cluster->streams_capacity;
        cluster->streams =
            cd_realloc(cluster->streams, cluster->streams_capacity * sizeof(*cluster->streams));
    }
    cluster->streams[cluster->streams_count++] =
        (struct cluster_stream){.client = client, .node = node, .state = CLUSTER_STREAM_OPEN};
    send_input(cluster, cluster->streams_count, CLUSTER_INPUT_STREAM_OPENED, NULL, 0);
    return cluster->streams_count;
}

void cluster_send(struct cluster *cluster, uint64_t stream, struct cd_blob *frame)
{
    struct cd_blob *bytes = frame;
    if (cluster->options.saboteur != NULL) {
        bytes = saboteur_from_client(cluster->options.saboteur, stream,
                                     find_stream(cluster, stream)->client, frame);
        cd_blob_unref(frame);
    }
    send_input(cluster, stream, CLUSTER_INPUT_STREAM_FRAME, bytes, 0);
}

void cluster_took(struct cluster *cluster, uint64_t number, size_t bytes)
{
    struct cluster_stream *stream = find_stream(cluster, number);
    uint64_t left = stream->given_bytes - stream->taken_bytes;
    CD_ASSERT(bytes <= left || cluster->options.saboteur != NULL); /* whose frames are its own */
    bytes = bytes <= left ? bytes : left;
    stream->taken_bytes += bytes;
    if (bytes > 0) {
        send_input(cluster, number, CLUSTER_INPUT_STREAM_SENT, NULL, (uint32_t)bytes);
    }
}

void cluster_close_stream(struct cluster *cluster, uint64_t stream)
{
    find_stream(cluster, stream)->state = CLUSTER_STREAM_ENDED;
    send_input(cluster, stream, CLUSTER_INPUT_STREAM_CLOSED, NULL, 0);
}
