#include "simulation/crowd.h"

#include "base/memory.h"

#include "src/codec.h"

#include <inttypes.h>
#include <string.h>

enum {
    AUDIT_PATIENCE_US = 10000000,
    EVENTS_BYTES_MIN = 4 << 10,
    EVENTS_BYTES_MAX = 64 << 10,
    BURST_WRITES = 34, /* fat ones: over a stream's high mark */
};

/* ---- Outcomes ---- */

enum event_outcome crowd_outcome(struct crowd *crowd, const struct errand *errand, int code)
{
    switch (code) {
    case MODEL_OK:
    case MODEL_NO_NODE:
        return OUTCOME_ANSWERED;
    case MODEL_NODE_EXISTS:
    case MODEL_NO_PARENT:
    case MODEL_NOT_EMPTY:
    case MODEL_BAD_VERSION:
    case MODEL_NO_CHILDREN_FOR_EPHEMERALS:
    case MODEL_COMPARE_FAILED:
    case MODEL_NOT_HELD:
    case MODEL_NOT_A_NUMBER:
        if (errand->is_write) {
            return OUTCOME_ANSWERED;
        }
        break;
    case COORD_OUTCOME_UNKNOWN:
        if (errand->is_write) {
            return OUTCOME_UNKNOWN;
        }
        break;
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_NOT_APPLIED:
    case COORD_SHUTTING_DOWN:
    case COORD_SESSION_EXPIRED:
    case COORD_BEHIND:
    case COORD_LIMIT_TIME:
    case COORD_NOT_BORN:
    case COORD_UNREACHABLE:
    case COORD_TIMEOUT:
        return OUTCOME_NOT_APPLIED;
    case COORD_CURSOR_EXPIRED:
        if (!errand->is_write) {
            return OUTCOME_NOT_APPLIED;
        }
        break;
    default:
        break;
    }
    (void)verdict_fail(crowd->verdict, "operation %" PRIu64 " (%s) got code %d: %s", errand->op,
                       errand->command.then_steps[0].path, code, errand->request.error.message);
    return OUTCOME_NOT_APPLIED;
}

void crowd_count(struct crowd *crowd, const struct errand *errand, enum event_outcome outcome)
{
    trace_count(crowd->trace, "outcome", errand->op, (uint64_t)outcome, errand->so_far.zxid);
    if (!errand->is_write) {
        crowd->reads += outcome == OUTCOME_ANSWERED ? 1 : 0;
    } else if (outcome == OUTCOME_ANSWERED) {
        crowd->writes_ok++;
        if (crowd->late_from != 0 && errand->op >= crowd->late_from && crowd->late_ok++ == 0) {
            crowd->first_late_us = crowd->world->now_us;
        }
    } else if (outcome == OUTCOME_NOT_APPLIED) {
        crowd->writes_refused++;
    } else {
        crowd->writes_unknown++;
    }
}

/* ---- Errands ---- */

struct errand *crowd_errand(struct crowd_client *client)
{
    struct errand *errand = cd_calloc(1, sizeof(*errand));
    errand->owner = client;
    errand->op = ++client->crowd->ops;
    return errand;
}

static void link_errand(struct crowd_client *client, struct errand *errand)
{
    errand->next = client->errands;
    client->errands = errand;
}

static void unlink_errand(struct crowd_client *client, const struct errand *errand)
{
    struct errand **link = &client->errands;
    while (*link != errand) {
        link = &(*link)->next;
    }
    *link = errand->next;
}

void crowd_begin(struct crowd_client *client, struct errand *errand, uint64_t patience_us)
{
    struct crowd *crowd = client->crowd;
    errand->is_write = !model_is_read(&errand->command);
    errand_encode(errand);
    errand->request.submitted_ms = caller_now(&client->caller).ms;
    errand->request.deadline_ms = errand->request.submitted_ms + patience_us / 1000;
    trace_line(crowd->trace, "client %u asks %" PRIu64 ": %s", client->caller.options.id,
               errand->op, errand->command.then_steps[0].path);
    caller_log(&client->caller, (struct event){.kind = EV_INVOKE,
                                               .op = errand->op,
                                               .level = errand->level,
                                               .at_least = errand->at_least,
                                               .command = &errand->command});
    link_errand(client, errand);
    client->pending++;
    caller_submit(&client->caller, &errand->request, errand->op);
}

static void finish(struct crowd_client *client, struct errand *errand, enum event_outcome outcome,
                   const struct model_result *shown)
{
    struct crowd *crowd = client->crowd;
    struct event event = {
        .kind = EV_RETURN, .op = errand->op, .outcome = outcome, .code = (int)errand->request.code};
    if (outcome == OUTCOME_ANSWERED) {
        event.zxid = shown->zxid;
        event.shown = shown;
        event.code = shown->code;
        client->seen_zxid = shown->zxid > client->seen_zxid ? shown->zxid : client->seen_zxid;
        crowd->newest_zxid = shown->zxid > crowd->newest_zxid ? shown->zxid : crowd->newest_zxid;
    }
    caller_log(&client->caller, event);
    errand->so_far.zxid = event.zxid;
    crowd_count(crowd, errand, outcome);
    trace_line(crowd->trace, "client %u: %" PRIu64 " returns: code %d zxid %" PRIx64,
               client->caller.options.id, errand->op, event.code, event.zxid);
    client->pending--;
    unlink_errand(client, errand);
    if (errand->then != NULL) {
        errand->then(errand, outcome, shown);
    }
    if (client->pinned != 0 && outcome == OUTCOME_ANSWERED) {
        client->audited++;
    }
    errand_free(errand);
}

/* The next page, within the same patience. */
static bool turn_page(struct crowd_client *client, struct errand *errand)
{
    if (!errand_take_page(errand)) {
        return false;
    }
    errand_encode(errand);
    caller_submit(&client->caller, &errand->request, errand->op);
    return true;
}

static void on_done(void *context, struct client_request *request)
{
    struct crowd_client *client = context;
    struct errand *errand = (struct errand *)request;
    struct model_result shown;
    if (errand->op == 0) { /* nothing that is judged */
        unlink_errand(client, errand);
        client->closing = false;
        errand_free(errand);
        return;
    }
    enum event_outcome outcome = crowd_outcome(client->crowd, errand, (int)request->code);
    if (outcome == OUTCOME_ANSWERED && request->code == COORD_OK) {
        if (errand->pages != ERRAND_WHOLE && turn_page(client, errand)) {
            return;
        }
        if (errand->pages != ERRAND_WHOLE) {
            shown = errand->so_far;
        } else {
            errand_show(&errand->command, request->result, &shown);
        }
    } else {
        shown = *caller_reply(&client->caller, request->id); /* has the zxid of a refusal */
        if (outcome == OUTCOME_ANSWERED && shown.code != (int)request->code) {
            (void)verdict_fail(client->crowd->verdict,
                               "client %u: %" PRIu64 " is told code %d, the replica said %d",
                               client->caller.options.id, errand->op, (int)request->code,
                               shown.code);
        }
    }
    finish(client, errand, outcome, &shown);
}

void crowd_close_session(struct crowd_client *client)
{
    struct errand *errand = cd_calloc(1, sizeof(*errand));
    const struct client_op op = {.kind = CLIENT_OP_CLOSE};
    crowd_lock_release(client);
    enum coord_code code = client_codec_request_encode(&errand->request, &op, NULL, NULL);
    CD_ASSERT(code == COORD_OK);
    errand->owner = client;
    errand->request.submitted_ms = caller_now(&client->caller).ms;
    errand->request.deadline_ms = errand->request.submitted_ms + 5000;
    client->closing = true;
    link_errand(client, errand);
    trace_line(client->crowd->trace, "client %u closes its session", client->caller.options.id);
    caller_submit(&client->caller, &errand->request, 0);
}

static void on_changed(void *context, const struct client_lease_view *lease)
{
    struct crowd_client *client = context;
    if (lease->state == COORD_STATE_LOST || lease->state == COORD_STATE_NONE) {
        crowd_lock_lost(client);
    }
}

/* ---- A client's life ---- */

static void read_again(struct crowd_client *client)
{
    client->stall_us = 0;
    for (size_t i = 0; i < CROWD_WATCHES_MAX; i++) {
        struct crowd_watch *watch = client->watched[i];
        if (watch != NULL && watch->untaken_bytes > 0) {
            caller_took(&client->caller, &watch->watch, watch->untaken_bytes);
            watch->untaken_bytes = 0;
        }
    }
}

/* A slow reader stops, and those who write much do so meanwhile. */
static void stall(struct crowd_client *client)
{
    struct crowd *crowd = client->crowd;
    client->stall_us = crowd->world->now_us + sim_between(&client->prng, 1000000, 6000000);
    trace_line(crowd->trace, "client %u stops reading", client->caller.options.id);
    for (uint32_t id = 1; id < CLUSTER_CLIENTS_MAX; id++) {
        struct crowd_client *other = crowd->clients[id];
        if (other != NULL && other->writes_fat && other->burst == 0 && !crowd->quiet) {
            other->burst = BURST_WRITES;
        }
    }
}

static void audit_more(struct crowd_client *client)
{
    if (client->audited < CROWD_AUDIT_READS && client->pending == 0) {
        struct errand *errand = crowd_errand(client);
        crowd_draw_audit(client->audited, errand);
        crowd_begin(client, errand, AUDIT_PATIENCE_US);
    }
}

static void do_something(struct crowd_client *client)
{
    struct crowd *crowd = client->crowd;
    struct cd_prng *prng = &client->prng;
    if (client->sessions && !client->closing) {
        crowd_lock_step(client);
    }
    if (crowd->quiet) {
        return;
    }
    if (client->pending < client->depth) {
        struct errand *errand = crowd_errand(client);
        crowd_draw(client, errand);
        crowd_begin(client, errand,
                    client->patience_us / 4 + sim_exponential(prng, client->patience_us));
    }
    if (client->watches && sim_chance(prng, 40000)) {
        crowd_watch_one(client);
    }
    if (client->watches && sim_chance(prng, 10000)) {
        crowd_unwatch_one(client);
    }
    if (client->slow && client->stall_us == 0 && sim_chance(prng, 4000)) {
        stall(client);
    }
    if (client->sessions && client->caller.opened != 0 && !client->closing && !client->is_job &&
        sim_chance(prng, 2000)) {
        crowd_close_session(client);
    }
}

static void live(void *context, const struct world_event *event)
{
    struct crowd_client *client = context;
    struct crowd *crowd = client->crowd;
    (void)event;
    if (!client->caller.stopped) {
        if (client->stall_us != 0 && (crowd->world->now_us >= client->stall_us || crowd->quiet)) {
            read_again(client);
        }
        if (client->pinned != 0) {
            audit_more(client);
        } else {
            do_something(client);
        }
        caller_turn(&client->caller);
    }
    uint64_t wait_us =
        client->burst > 0 ? 5000 : sim_exponential(&client->prng, client->think_us_mean);
    world_after(crowd->world, wait_us + 1, (struct world_event){.action = live, .context = client});
}

static void go_on(void *context, const struct world_event *event)
{
    struct crowd_client *client = context;
    caller_continue(&client->caller, event->number != 0);
}

void crowd_stop(struct crowd *crowd, uint32_t id, uint64_t for_us, bool suspended)
{
    struct crowd_client *client = crowd->clients[id];
    if (!client->caller.stopped) {
        caller_stop(&client->caller);
        world_after(
            crowd->world, for_us,
            (struct world_event){.action = go_on, .context = client, .number = suspended ? 1 : 0});
    }
}

uint32_t crowd_pick(const struct crowd *crowd, struct cd_prng *prng)
{
    return 1 + (uint32_t)cd_prng_below(prng, crowd->clients_count);
}

/* ---- From the cluster ---- */

void crowd_on_frame(struct crowd *crowd, uint64_t stream, uint32_t id, struct cd_blob *frame)
{
    caller_on_frame(&crowd->clients[id]->caller, stream, frame);
}

void crowd_on_closed(struct crowd *crowd, uint64_t stream, uint32_t id)
{
    caller_on_closed(&crowd->clients[id]->caller, stream);
}

/* ---- The whole ---- */

static void draw_character(struct crowd_client *client, uint32_t id)
{
    struct cd_prng *prng = &client->prng;
    client->is_job = id <= 2;
    client->sessions = client->is_job || sim_chance(prng, 850000);
    client->locks = client->is_job || sim_chance(prng, 500000);
    client->watches = sim_chance(prng, 600000);
    client->slow = !client->is_job && client->watches && sim_chance(prng, 300000);
    client->writes_fat = !client->slow && sim_chance(prng, 200000);
    client->depth = (size_t)sim_between(prng, 1, 4);
    client->think_us_mean = sim_between(prng, 20000, 200000);
    client->patience_us = sim_between(prng, 500000, 4000000);
}

static void add_client(struct crowd *crowd, uint32_t id, uint32_t pinned)
{
    struct crowd_client *client = cd_calloc(1, sizeof(*client));
    CD_ASSERT(id < CLUSTER_CLIENTS_MAX);
    client->crowd = crowd;
    client->pinned = pinned;
    world_fork_prng(crowd->world, "client", id, &client->prng);
    if (pinned == 0) {
        draw_character(client, id);
    } else {
        client->think_us_mean = 5000;
    }
    struct cd_prng *prng = &client->prng;
    caller_init(&client->caller,
                &(struct caller_options){
                    .world = crowd->world,
                    .cluster = crowd->cluster,
                    .trace = crowd->trace,
                    .events = crowd->events,
                    .verdict = crowd->verdict,
                    .id = id,
                    .pinned = pinned,
                    .sessions = client->sessions,
                    .timeout_ms = (uint32_t)sim_between(prng, 1000, 6000),
                    .events_bytes_max = sim_between(prng, EVENTS_BYTES_MIN, EVENTS_BYTES_MAX),
                    .skew_ppm = (int32_t)sim_between(prng, 0, 14000) - 7000,
                    .port = {.context = client,
                             .done = on_done,
                             .told = crowd_told,
                             .changed = on_changed,
                             .watch_sent = crowd_watch_sent,
                             .watch_set = crowd_watch_set,
                             .is_armed = crowd_is_armed},
                });
    crowd->clients[id] = client;
    world_after(crowd->world, cd_prng_below(prng, 100000),
                (struct world_event){.action = live, .context = client});
}

void crowd_init(struct crowd *crowd, struct world *world, struct cluster *cluster,
                struct trace *trace, struct verdict *verdict, struct events *events, size_t clients)
{
    *crowd = (struct crowd){.world = world,
                            .cluster = cluster,
                            .trace = trace,
                            .verdict = verdict,
                            .events = events,
                            .clients_count = (uint32_t)clients};
    CD_ASSERT(clients <= CROWD_CLIENTS_MAX);
    for (uint32_t id = 1; id <= clients; id++) {
        add_client(crowd, id, 0);
    }
}

void crowd_release(struct crowd *crowd)
{
    for (uint32_t id = 1; id < CLUSTER_CLIENTS_MAX; id++) {
        struct crowd_client *client = crowd->clients[id];
        if (client == NULL) {
            continue;
        }
        caller_shut(&client->caller);
        crowd_drop_watches(client);
        CD_ASSERT(client->errands == NULL);
        caller_release(&client->caller);
        cd_free(client);
    }
}

void crowd_count_late(struct crowd *crowd)
{
    crowd->late_from = crowd->ops + 1;
}

void crowd_hush(struct crowd *crowd)
{
    crowd->quiet = true;
}

bool crowd_is_idle(const struct crowd *crowd)
{
    for (uint32_t id = 1; id <= crowd->clients_count; id++) {
        if (crowd->clients[id]->pending > 0) {
            return false;
        }
    }
    return true;
}

void crowd_begin_audit(struct crowd *crowd)
{
    crowd->first_auditor = crowd->clients_count + 1;
    for (uint32_t node = 1; node <= crowd->cluster->options.nodes; node++) {
        add_client(crowd, crowd->clients_count + node, node);
    }
}

bool crowd_audit_is_done(const struct crowd *crowd)
{
    for (uint32_t node = 1; node <= crowd->cluster->options.nodes; node++) {
        if (crowd->clients[crowd->clients_count + node]->audited < CROWD_AUDIT_READS) {
            return false;
        }
    }
    return true;
}
