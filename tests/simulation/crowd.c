#include "simulation/crowd.h"

#include "base/memory.h"

#include <string.h>

/* Codes of the contract that a client here may get. */
enum {
    CODE_NO_LEADER = 13,
    CODE_BUSY = 14,
    CODE_OUTCOME_UNKNOWN = 15,
    CODE_NOT_APPLIED = 16,
    CODE_SHUTTING_DOWN = 25,
    CODE_BEHIND = 29,
    CODE_LIMIT_TIME = 30,
};

enum { CLIENT_TICK_US = 10000, CONNECT_PATIENCE_US = 1000000 };

static struct history_op *find_op(struct crowd *crowd, uint64_t number)
{
    return &crowd->ops[number - 1];
}

/* ---- Choosing an operation ---- */

static void name_path(struct crowd_client *client, char *path)
{
    uint64_t key = cd_prng_below(&client->prng, CROWD_KEYS);
    if (sim_chance(&client->prng, 400000)) {
        uint64_t child = cd_prng_below(&client->prng, CROWD_CHILDREN);
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%u/c%u", (unsigned)key, (unsigned)child);
    } else {
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%u", (unsigned)key);
    }
}

static int64_t guess_version(struct crowd_client *client)
{
    return sim_chance(&client->prng, 250000) ? (int64_t)cd_prng_below(&client->prng, 4)
                                             : MODEL_ANY_VERSION;
}

static struct model_step draw_write(struct crowd_client *client, uint64_t number)
{
    struct cd_prng *prng = &client->prng;
    struct model_step step = {.value = number, .version = MODEL_ANY_VERSION};
    uint64_t draw = cd_prng_below(prng, 100);
    name_path(client, step.path);
    if (draw < 35) {
        step.kind = MODEL_CREATE;
        step.if_absent = sim_chance(prng, 200000);
    } else if (draw < 80) {
        step.kind = MODEL_SET;
        step.version = guess_version(client);
    } else {
        step.kind = MODEL_DELETE;
        step.value = 0;
        step.version = guess_version(client);
        step.if_present = sim_chance(prng, 200000);
    }
    return step;
}

static void draw_queue_write(struct crowd_client *client, uint64_t number,
                             struct model_command *command)
{
    (void)client;
    command->then_steps[0] = (struct model_step){
        .kind = MODEL_CREATE, .value = number, .version = MODEL_ANY_VERSION, .sequential = true};
    (void)snprintf(command->then_steps[0].path, MODEL_PATH_BYTES, "/q/n-");
    command->then_count = 1;
}

static void draw_txn(struct crowd_client *client, uint64_t number, struct model_command *command)
{
    struct cd_prng *prng = &client->prng;
    command->is_txn = true;
    command->compare.target =
        sim_chance(prng, 500000) ? MODEL_COMPARE_EXISTS : MODEL_COMPARE_VERSION;
    command->compare.number = (int64_t)cd_prng_below(prng, 2);
    name_path(client, command->compare.path);
    command->then_count = (size_t)sim_between(prng, 1, MODEL_STEPS_MAX);
    for (size_t i = 0; i < command->then_count; i++) {
        /* Each step changes something or fails, so that success tells that a zxid was taken. */
        command->then_steps[i] = draw_write(client, number);
        command->then_steps[i].if_absent = false;
        command->then_steps[i].if_present = false;
    }
    if (sim_chance(prng, 500000)) {
        command->else_count = 1;
        command->else_steps[0] =
            (struct model_step){.kind = MODEL_GET, .version = MODEL_ANY_VERSION};
        name_path(client, command->else_steps[0].path);
    }
}

static void draw_read(struct crowd_client *client, struct model_command *command)
{
    uint64_t draw = cd_prng_below(&client->prng, 100);
    struct model_step *step = &command->then_steps[0];
    *step = (struct model_step){.version = MODEL_ANY_VERSION};
    step->kind = draw < 60 ? MODEL_GET : (draw < 80 ? MODEL_EXISTS : MODEL_CHILDREN);
    name_path(client, step->path);
    if (draw >= 95) {
        (void)snprintf(step->path, MODEL_PATH_BYTES, "/");
    }
    command->then_count = 1;
}

/* What the auditor reads as number `index`. */
static void choose_audit(size_t index, struct model_command *command)
{
    struct model_step *step = &command->then_steps[0];
    *step = (struct model_step){.kind = MODEL_GET, .version = MODEL_ANY_VERSION};
    command->then_count = 1;
    size_t key = index / (CROWD_CHILDREN + 2);
    size_t part = index % (CROWD_CHILDREN + 2);
    if (index >= CROWD_AUDIT_READS - 2) {
        step->kind = MODEL_CHILDREN;
        (void)snprintf(step->path, MODEL_PATH_BYTES, "%s",
                       index == CROWD_AUDIT_READS - 2 ? "/" : "/q");
    } else if (part == CROWD_CHILDREN + 1) {
        step->kind = MODEL_CHILDREN;
        (void)snprintf(step->path, MODEL_PATH_BYTES, "/k%zu", key);
    } else if (part == CROWD_CHILDREN) {
        (void)snprintf(step->path, MODEL_PATH_BYTES, "/k%zu", key);
    } else {
        (void)snprintf(step->path, MODEL_PATH_BYTES, "/k%zu/c%zu", key, part);
    }
}

static enum history_level draw_level(struct crowd_client *client)
{
    uint64_t draw = cd_prng_below(&client->prng, 10);
    return draw < 6 ? HISTORY_LINEARIZABLE
                    : (draw < 9 || client->seen_zxid == 0 ? HISTORY_SESSION : HISTORY_AT_LEAST);
}

/* ---- Sending ---- */

static struct history_op *add_op(struct crowd *crowd, struct crowd_client *client)
{
    if (crowd->ops_count == crowd->ops_capacity) {
        crowd->ops_capacity = crowd->ops_capacity == 0 ? 4096 : 2 * crowd->ops_capacity;
        crowd->ops = cd_realloc(crowd->ops, crowd->ops_capacity * sizeof(*crowd->ops));
    }
    struct history_op *op = &crowd->ops[crowd->ops_count++];
    memset(op, 0, sizeof(*op));
    op->number = crowd->ops_count;
    op->client = client->id;
    op->level = HISTORY_LINEARIZABLE;
    op->outcome = HISTORY_UNKNOWN;
    op->at_least = client->seen_zxid;
    op->invoked_us = crowd->world->now_us;
    return op;
}

static void choose(struct crowd_client *client, struct history_op *op)
{
    struct cd_prng *prng = &client->prng;
    uint64_t draw = cd_prng_below(prng, 100);
    if (client->pinned != 0) {
        op->is_read = true;
        choose_audit(client->audited, &op->command);
    } else if (draw < 35) {
        op->is_read = true;
        op->level = draw_level(client);
        draw_read(client, &op->command);
    } else if (draw < 45) {
        draw_txn(client, op->number, &op->command);
    } else if (draw < 55) {
        draw_queue_write(client, op->number, &op->command);
    } else {
        op->command.then_steps[0] = draw_write(client, op->number);
        op->command.then_count = 1;
    }
}

static size_t draw_data_bytes(struct crowd_client *client)
{
    uint64_t draw = cd_prng_below(&client->prng, 1000);
    return draw < 900 ? 8 + cd_prng_below(&client->prng, 100)
                      : (draw < 995 ? 8 + cd_prng_below(&client->prng, 4000)
                                    : 8 + cd_prng_below(&client->prng, 60000));
}

static void send_op(struct crowd_client *client, struct history_op *op, size_t data_bytes)
{
    struct crowd *crowd = client->crowd;
    op->after = op->is_read ? client->last_write : 0;
    client->last_write = op->is_read ? client->last_write : op->number;
    struct frame_request request = {
        .id = op->number,
        .command = &op->command,
        .is_read = op->is_read,
        .level = op->level,
        .at_least = client->seen_zxid,
        .wait_ms = (uint32_t)(client->patience_us / 1000),
        .data_bytes = data_bytes,
    };
    client->pending[client->pending_count++] = (struct crowd_pending){
        .number = op->number, .deadline_us = crowd->world->now_us + client->patience_us};
    trace_line(crowd->trace, "client %u asks %u for %llu: %s kind %d%s", client->id, client->node,
               (unsigned long long)op->number, op->command.then_steps[0].path,
               op->command.is_txn ? MODEL_TXN : (int)op->command.then_steps[0].kind,
               op->is_read && op->level != HISTORY_LINEARIZABLE ? " weakly" : "");
    cluster_send(crowd->cluster, client->stream, frame_request(++client->frames, &request));
}

static void begin_op(struct crowd_client *client)
{
    struct history_op *op = add_op(client->crowd, client);
    choose(client, op);
    send_op(client, op, draw_data_bytes(client));
}

/* ---- Outcomes ---- */

static bool changes(const struct history_op *op, const struct frame_item *item)
{
    if (op->is_read || item->shown.code != MODEL_OK) {
        return false;
    }
    if (!op->command.is_txn) {
        enum model_kind kind = op->command.then_steps[0].kind;
        return kind == MODEL_CREATE ? item->created
                                    : (kind == MODEL_DELETE ? item->deleted > 0 : true);
    }
    return item->shown.succeeded;
}

static void count_write(struct crowd *crowd, const struct history_op *op)
{
    if (op->outcome == HISTORY_ANSWERED) {
        crowd->writes_ok++;
        crowd->last_ok = op->number;
        crowd->last_ok_us = crowd->world->now_us;
        if (crowd->late_from != 0 && op->number >= crowd->late_from && crowd->late_ok++ == 0) {
            crowd->first_late_us = crowd->world->now_us;
        }
    } else if (op->outcome == HISTORY_NOT_DONE) {
        crowd->writes_refused++;
    } else {
        crowd->writes_unknown++;
    }
}

static void finish(struct crowd_client *client, struct history_op *op, enum history_outcome outcome)
{
    struct crowd *crowd = client->crowd;
    op->outcome = outcome;
    op->returned_us = crowd->world->now_us;
    trace_count(crowd->trace, "outcome", op->number, (uint64_t)outcome, op->shown.zxid);
    trace_line(crowd->trace, "client %u: %llu %s: code %d zxid %llx", client->id,
               (unsigned long long)op->number,
               outcome == HISTORY_ANSWERED   ? "answered"
               : outcome == HISTORY_NOT_DONE ? "not done"
                                             : "unknown",
               op->shown.code, (unsigned long long)op->shown.zxid);
    if (!op->is_read) {
        count_write(crowd, op);
    } else if (outcome == HISTORY_ANSWERED) {
        crowd->reads++;
    }
}

static enum history_outcome judge(struct crowd *crowd, const struct history_op *op, int code)
{
    switch (code) {
    case MODEL_OK:
    case MODEL_NO_NODE:
        return HISTORY_ANSWERED;
    case MODEL_NODE_EXISTS:
    case MODEL_NO_PARENT:
    case MODEL_NOT_EMPTY:
    case MODEL_BAD_VERSION:
    case MODEL_COMPARE_FAILED:
        if (!op->is_read) {
            return HISTORY_ANSWERED;
        }
        break;
    case CODE_NO_LEADER:
    case CODE_BUSY:
    case CODE_NOT_APPLIED:
    case CODE_SHUTTING_DOWN:
        return HISTORY_NOT_DONE;
    case CODE_OUTCOME_UNKNOWN:
        if (!op->is_read) {
            return HISTORY_UNKNOWN;
        }
        break;
    case CODE_BEHIND:
    case CODE_LIMIT_TIME:
        if (op->is_read) {
            return HISTORY_NOT_DONE;
        }
        break;
    default:
        break;
    }
    (void)verdict_fail(crowd->verdict, "client %u: operation %llu (%s) got code %d", op->client,
                       (unsigned long long)op->number, op->command.then_steps[0].path, code);
    return HISTORY_UNKNOWN;
}

static void leave(struct crowd_client *client)
{
    struct crowd *crowd = client->crowd;
    for (size_t i = 0; i < client->pending_count; i++) {
        finish(client, find_op(crowd, client->pending[i].number), HISTORY_UNKNOWN);
    }
    client->pending_count = 0;
    if (client->stream != 0) {
        cluster_close_stream(crowd->cluster, client->stream);
    }
    client->stream = 0;
    client->welcomed = false;
    crowd->moves++;
}

static void on_reply(struct crowd_client *client, const struct frame_item *item)
{
    struct crowd *crowd = client->crowd;
    size_t place = 0;
    while (place < client->pending_count && client->pending[place].number != item->id) {
        place++;
    }
    if (place == client->pending_count) {
        (void)verdict_fail(crowd->verdict, "client %u: a reply to %llu, which is not open",
                           client->id, (unsigned long long)item->id);
        return;
    }
    client->pending_count--;
    memmove(&client->pending[place], &client->pending[place + 1],
            (client->pending_count - place) * sizeof(client->pending[0]));
    struct history_op *op = find_op(crowd, item->id);
    op->shown = item->shown;
    op->shown.changed = changes(op, item);
    enum history_outcome outcome = judge(crowd, op, item->shown.code);
    if (outcome == HISTORY_ANSWERED && item->shown.zxid > client->seen_zxid) {
        client->seen_zxid = item->shown.zxid;
    }
    finish(client, op, outcome);
    if (client->pinned != 0 && outcome == HISTORY_ANSWERED) {
        client->audited++;
    }
}

/* ---- A client's life ---- */

static void connect_to(struct crowd_client *client)
{
    struct crowd *crowd = client->crowd;
    uint32_t nodes = crowd->cluster->options.nodes;
    client->node =
        client->pinned != 0 ? client->pinned : 1 + (uint32_t)cd_prng_below(&client->prng, nodes);
    client->stream = cluster_open_stream(crowd->cluster, client->id, client->node);
    client->opened_us = crowd->world->now_us;
    client->welcomed = false;
    client->last_write = 0;
    client->frames = 1;
    cluster_send(crowd->cluster, client->stream, frame_hello(client->seen_zxid, &client->known));
}

static bool has_waited_too_long(const struct crowd_client *client)
{
    uint64_t now_us = client->crowd->world->now_us;
    if (!client->welcomed) {
        return now_us > client->opened_us + CONNECT_PATIENCE_US;
    }
    for (size_t i = 0; i < client->pending_count; i++) {
        /* A little longer than the replica was asked to, so that its answer can come. */
        if (now_us > client->pending[i].deadline_us + 200000) {
            return true;
        }
    }
    return false;
}

static bool wants_more(const struct crowd_client *client)
{
    if (client->pinned != 0) {
        return client->audited < CROWD_AUDIT_READS && client->pending_count == 0;
    }
    return !client->crowd->quiet && client->pending_count < client->depth;
}

static void live(void *context, const struct world_event *event)
{
    struct crowd_client *client = context;
    struct crowd *crowd = client->crowd;
    (void)event;
    if (client->stream != 0 && has_waited_too_long(client)) {
        leave(client);
    }
    if (client->stream == 0) {
        connect_to(client);
    } else if (client->welcomed && wants_more(client)) {
        begin_op(client);
    }
    uint64_t wait_us =
        client->welcomed ? sim_exponential(&client->prng, client->think_us_mean) : CLIENT_TICK_US;
    world_after(crowd->world, wait_us + 1, (struct world_event){.action = live, .context = client});
}

static struct crowd_client *find_client(struct crowd *crowd, uint32_t id, uint64_t stream)
{
    struct crowd_client *client = &crowd->clients[id];
    return client->stream == stream ? client : NULL;
}

void crowd_on_frame(struct crowd *crowd, uint64_t stream, uint32_t id, struct cd_blob *frame)
{
    struct crowd_client *client = find_client(crowd, id, stream);
    if (client == NULL) {
        return;
    }
    struct frame_answer answer;
    if (!frame_read(frame->data, frame->bytes, &answer)) {
        (void)verdict_fail(crowd->verdict, "client %u: a frame that does not decode", id);
        return;
    }
    if (answer.has_welcome) {
        client->welcomed = answer.welcome_code == MODEL_OK;
        client->known = client->welcomed ? answer.cluster : client->known;
    }
    bool go = answer.has_welcome && !client->welcomed;
    for (size_t i = 0; i < answer.items_count; i++) {
        const struct frame_item *item = &answer.items[i];
        if (item->kind == FRAME_REPLY) {
            on_reply(client, item);
        } else if (item->kind == FRAME_UNKNOWN) {
            (void)verdict_fail(crowd->verdict, "client %u: an item that nobody asked for", id);
        } else {
            /* Some leave at once, some wait for what they have asked. */
            go = go || item->kind == FRAME_GO_AWAY || sim_chance(&client->prng, 500000);
        }
    }
    if (go) {
        leave(client);
    }
}

void crowd_on_closed(struct crowd *crowd, uint64_t stream, uint32_t id)
{
    struct crowd_client *client = find_client(crowd, id, stream);
    if (client != NULL) {
        client->stream = 0; /* closed already */
        leave(client);
    }
}

/* ---- The log ---- */

static void add_command(void *context, const struct model_command *command)
{
    struct crowd *crowd = context;
    if (crowd->log_count == crowd->log_capacity) {
        crowd->log_capacity = crowd->log_capacity == 0 ? 4096 : 2 * crowd->log_capacity;
        crowd->log = cd_realloc(crowd->log, crowd->log_capacity * sizeof(*crowd->log));
    }
    crowd->log[crowd->log_count++] = *command;
}

void crowd_on_applied(struct crowd *crowd, const struct paxos_entry *entry)
{
    if (entry->slot != crowd->slots + 1) {
        return; /* another replica was there before */
    }
    if (entry->kind == PAXOS_COMMANDS &&
        !frame_read_batch(entry->payload->data, entry->payload->bytes, add_command, crowd)) {
        (void)verdict_fail(crowd->verdict, "slot %llu holds a batch that nobody can have sent",
                           (unsigned long long)entry->slot);
    }
    if (crowd->slots == crowd->slots_capacity) {
        crowd->slots_capacity = crowd->slots_capacity == 0 ? 4096 : 2 * crowd->slots_capacity;
        crowd->slot_ends =
            cd_realloc(crowd->slot_ends, crowd->slots_capacity * sizeof(*crowd->slot_ends));
    }
    crowd->slot_ends[crowd->slots++] = crowd->log_count;
}

/* ---- All of them ---- */

static struct crowd_client *add_client(struct crowd *crowd, uint32_t pinned)
{
    uint32_t id = (uint32_t)crowd->clients_count++;
    struct crowd_client *client = &crowd->clients[id];
    *client = (struct crowd_client){.crowd = crowd, .id = id, .pinned = pinned};
    world_fork_prng(crowd->world, "client", id, &client->prng);
    client->depth = pinned != 0 ? 1 : (size_t)sim_between(&client->prng, 1, CROWD_PIPELINE_MAX);
    client->think_us_mean = pinned != 0 ? 1000 : sim_between(&client->prng, 5000, 100000);
    client->patience_us = sim_between(&client->prng, 500000, 3000000);
    world_after(crowd->world, sim_between(&client->prng, 1, 100000),
                (struct world_event){.action = live, .context = client});
    return client;
}

void crowd_init(struct crowd *crowd, struct world *world, struct cluster *cluster,
                struct trace *trace, struct verdict *verdict, size_t clients)
{
    CD_ASSERT(clients <= CROWD_CLIENTS_MAX);
    *crowd = (struct crowd){.world = world, .cluster = cluster, .trace = trace, .verdict = verdict};
    for (size_t i = 0; i < clients; i++) {
        (void)add_client(crowd, 0);
    }
    crowd->auditors_first = clients;
}

void crowd_release(struct crowd *crowd)
{
    cd_free(crowd->ops);
    cd_free(crowd->log);
    cd_free(crowd->slot_ends);
}

void crowd_count_late(struct crowd *crowd)
{
    crowd->late_from = crowd->ops_count + 1;
}

void crowd_hush(struct crowd *crowd)
{
    crowd->quiet = true;
}

bool crowd_is_idle(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->auditors_first; i++) {
        if (crowd->clients[i].pending_count > 0) {
            return false;
        }
    }
    return true;
}

void crowd_begin_audit(struct crowd *crowd)
{
    for (uint32_t id = 1; id <= crowd->cluster->options.nodes; id++) {
        (void)add_client(crowd, id);
    }
}

bool crowd_audit_is_done(const struct crowd *crowd)
{
    for (size_t i = crowd->auditors_first; i < crowd->clients_count; i++) {
        if (crowd->clients[i].audited < CROWD_AUDIT_READS) {
            return false;
        }
    }
    return true;
}
