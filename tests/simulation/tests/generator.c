#include "tests/generator.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPLICAS = 3,
    WATCHES = 3,
    KEYS = 6,
    GENERATION = 1,
    TIMEOUT_MS = 600,
    OUTAGE_US = 200000,
    FIRST_US = 1000000,
};

#define NEVER UINT64_MAX

struct watch {
    struct event set;
    bool is_set, muted;
    uint64_t lagged; /* zxid; 0: not lagged */
};

struct lock {
    char path[MODEL_PATH_BYTES];
    uint64_t fence, watch;
    bool queued, held;
};

struct client {
    uint32_t id;
    int64_t drift_ppm;
    uint64_t session, seq, frame;
    uint64_t sent_us, confirmed_us; /* sending of the last frame, and of the last confirmed one */
    uint64_t inbox_us, invoked_us;  /* last delivery, last call */
    uint64_t back_us;               /* it does nothing before */
    uint64_t lost_us, expires_us;   /* NEVER: it is not cut off */
    bool stopped;
    uint64_t pending; /* op to be heard of in the next session; 0 */
    bool pending_done;
    struct watch watches[WATCHES];
    uint64_t watch_ids;
    struct lock lock, old;
};

struct server {
    uint64_t state, now_us, op, slot, digest;
    struct model *model;
    struct client clients[GENERATOR_CLIENTS_MAX];
    size_t clients_count;
    uint64_t replica_us[REPLICAS + 1];
    struct event *items; /* unordered; what they point to is kept in `kept` */
    size_t count, capacity;
    struct events kept;
    struct truth_change *history;
    size_t history_count, history_capacity;
};

uint64_t generator_draw(uint64_t *state, uint64_t below)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static uint64_t draw(struct server *server, uint64_t below)
{
    return generator_draw(&server->state, below);
}

static bool chance(struct server *server, uint64_t percent)
{
    return draw(server, 100) < percent;
}

static void emit(struct server *server, struct event event)
{
    server->items =
        checker_grow(server->items, server->count, &server->capacity, sizeof(*server->items));
#define KEEP(field, bytes)                                                                         \
    event.field = event.field != NULL ? events_keep(&server->kept, event.field, bytes) : NULL
    KEEP(path, strlen(event.path) + 1);
    KEEP(command, sizeof(*event.command));
    KEEP(shown, sizeof(*event.shown));
    KEEP(change, sizeof(*event.change));
    KEEP(queue, sizeof(*event.queue));
#undef KEEP
    server->items[server->count++] = event;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t local(const struct client *client, uint64_t at_us)
{
    return at_us + (uint64_t)((int64_t)at_us / 1000000 * client->drift_ppm) + 5000000;
}

/* To the client, behind all that it was sent before. */
static void deliver(struct server *server, struct client *client, struct event event)
{
    client->inbox_us = later(client->inbox_us, server->now_us + 100 + draw(server, 1900));
    event.at_us = client->inbox_us;
    event.client = client->id;
    emit(server, event);
}

/* ---- What is applied ---- */

static void apply_at(struct server *server, uint32_t replica, const struct event *applied,
                     const struct model_change *changes, size_t count)
{
    uint64_t at_us = replica == 1 ? server->now_us : server->now_us + draw(server, 3000);
    server->replica_us[replica] = later(server->replica_us[replica], at_us);
    struct event event = *applied;
    event.replica = replica;
    event.at_us = server->replica_us[replica];
    emit(server, event);
    for (size_t i = 0; i < count; i++) {
        emit(server, (struct event){.kind = EV_CHANGE,
                                    .at_us = event.at_us,
                                    .replica = replica,
                                    .zxid = event.zxid,
                                    .change = &changes[i]});
    }
    emit(server, (struct event){.kind = EV_DIGEST,
                                .at_us = event.at_us,
                                .replica = replica,
                                .slot = event.slot,
                                .number = server->digest});
}

static bool fits(const struct event *set, const struct model_change *change)
{
    size_t bytes = strcmp(set->path, "/") == 0 ? 0 : strlen(set->path);
    bool same = strcmp(set->path, change->path) == 0;
    bool below = strncmp(set->path, change->path, bytes) == 0 && change->path[bytes] == '/';
    bool child = below && strchr(change->path + bytes + 1, '/') == NULL;
    return (set->kinds == 0 || (set->kinds & 1u << change->kind) != 0) &&
           (same || (set->scope == SCOPE_CHILDREN && child) ||
            (set->scope == SCOPE_SUBTREE && below));
}

static void tell_event(struct server *server, struct client *client, const struct watch *watch,
                       const struct model_change *change, uint64_t zxid)
{
    struct model_change shown = *change;
    shown.value = watch->set.with_data ? shown.value : 0;
    shown.previous = watch->set.with_previous ? shown.previous : 0;
    deliver(server, client,
            (struct event){.kind = EV_EVENT,
                           .watch = watch->set.watch,
                           .zxid = zxid,
                           .path = shown.path,
                           .change = &shown});
}

static bool is_gone(const struct client *client)
{
    return client->session == 0 || client->lost_us != NEVER;
}

static void tell_front(struct server *server, struct client *client)
{
    struct lock *lock = &client->lock;
    size_t rank = 0;
    struct model_queue queue = {.n = 1};
    if (!lock->queued || lock->held || is_gone(client) ||
        !model_rank(server->model, lock->path, &queue, &rank) || rank > 0) {
        return;
    }
    lock->held = true;
    deliver(server, client,
            (struct event){.kind = EV_FRONT,
                           .watch = lock->watch,
                           .path = lock->path,
                           .front = FRONT_FRONT,
                           .fence = lock->fence,
                           .zxid = model_zxid(server->model)});
    deliver(server, client,
            (struct event){.kind = EV_GRANTED,
                           .session = client->session,
                           .path = lock->path,
                           .fence = lock->fence});
}

/* Everywhere, and to all who watch. */
static void apply(struct server *server, struct event applied)
{
    size_t count = 0;
    const struct model_change *changes = model_changes(server->model, &count);
    applied.kind = EV_APPLIED;
    applied.slot = ++server->slot;
    applied.zxid = model_zxid(server->model);
    server->digest = server->digest * 31 + applied.zxid;
    for (uint32_t replica = 1; replica <= REPLICAS; replica++) {
        apply_at(server, replica, &applied, changes, applied.changed ? count : 0);
    }
    for (size_t k = 0; k < count && applied.changed; k++) {
        server->history = checker_grow(server->history, server->history_count,
                                       &server->history_capacity, sizeof(*server->history));
        server->history[server->history_count++] =
            (struct truth_change){.change = changes[k], .zxid = applied.zxid};
    }
    for (size_t i = 0; i < server->clients_count; i++) {
        struct client *client = &server->clients[i];
        for (size_t k = 0; k < count && applied.changed && !is_gone(client); k++) {
            for (size_t w = 0; w < WATCHES; w++) {
                const struct watch *watch = &client->watches[w];
                if (watch->is_set && !watch->muted && watch->lagged == 0 &&
                    fits(&watch->set, &changes[k])) {
                    tell_event(server, client, watch, &changes[k], applied.zxid);
                }
            }
        }
    }
    for (size_t i = 0; i < server->clients_count; i++) {
        tell_front(server, &server->clients[i]);
    }
}

/* ---- Calls ---- */

static struct model_step step(enum model_kind kind, const char *path, uint64_t value)
{
    struct model_step made = {.kind = kind, .value = value, .version = MODEL_ANY_VERSION};
    (void)snprintf(made.path, sizeof(made.path), "%s", path);
    return made;
}

static uint64_t call(struct server *server, struct client *client,
                     const struct model_command *command, enum event_level level)
{
    uint64_t at_us = server->now_us - draw(server, 1500);
    client->invoked_us = later(client->invoked_us, later(at_us, client->back_us));
    bool read = model_is_read(command);
    emit(server,
         (struct event){.kind = EV_INVOKE,
                        .at_us = client->invoked_us,
                        .client = client->id,
                        .op = ++server->op,
                        .command = command,
                        .level = level,
                        .at_least = level == LEVEL_AT_LEAST ? model_zxid(server->model) : 0});
    client->sent_us = client->invoked_us;
    client->frame++;
    emit(server, (struct event){.kind = EV_SENT,
                                .at_us = client->invoked_us,
                                .local_us = local(client, client->invoked_us),
                                .client = client->id,
                                .session = client->session,
                                .frame = client->frame,
                                .op = server->op,
                                .seq = read ? 0 : client->seq + 1});
    return server->op;
}

/* The write happens now; `cut`: the answer comes on the next stream. */
static struct model_result write_now(struct server *server, struct client *client,
                                     const struct model_command *command)
{
    struct model_command mine = *command;
    mine.session = client->session;
    struct model_result result = model_apply(server->model, &mine);
    client->seq++;
    apply(server, (struct event){.cause = CAUSE_WRITE,
                                 .session = client->session,
                                 .seq = client->seq,
                                 .op = chance(server, 50) ? server->op : 0,
                                 .code = result.code,
                                 .changed = result.changed});
    return result;
}

static void cut(struct server *server, struct client *client, bool mute)
{
    uint64_t at_us = later(client->inbox_us, server->now_us);
    emit(server, (struct event){.kind = EV_UNLINKED, .at_us = at_us, .client = client->id});
    client->inbox_us = at_us + 1000 + draw(server, OUTAGE_US);
    client->back_us = client->inbox_us + 1;
    struct event resumed = {.kind = EV_RESUMED,
                            .at_us = client->inbox_us,
                            .client = client->id,
                            .session = client->session};
    emit(server, resumed);
    resumed.kind = EV_LINKED;
    emit(server, resumed);
    for (size_t i = 0; i < WATCHES && mute; i++) {
        client->watches[i].muted = client->watches[i].is_set && client->watches[i].lagged == 0;
    }
}

static void answer(struct server *server, struct client *client, uint64_t op, uint64_t zxid,
                   const struct model_result *result)
{
    struct event reply = {.kind = EV_REPLY, .op = op, .zxid = zxid, .shown = result};
    if (chance(server, 30)) {
        deliver(server, client, reply);
    }
    reply.kind = EV_RETURN;
    reply.outcome = OUTCOME_ANSWERED;
    deliver(server, client, reply);
}

static struct model_result do_write(struct server *server, struct client *client,
                                    const struct model_command *command)
{
    uint64_t op = call(server, client, command, LEVEL_LINEARIZABLE);
    struct model_result result = write_now(server, client, command);
    if (chance(server, 3)) {
        cut(server, client, false);
    }
    answer(server, client, op, model_zxid(server->model), &result);
    return result;
}

static void do_read(struct server *server, struct client *client,
                    const struct model_command *command)
{
    enum event_level level = (enum event_level)draw(server, 3);
    uint64_t op = call(server, client, command, level);
    struct model_result result = model_try(server->model, command);
    answer(server, client, op, model_zxid(server->model), &result);
}

static void name_path(struct server *server, char *path)
{
    int key = (int)draw(server, KEYS);
    if (chance(server, 40)) {
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%d/c%d", key, (int)draw(server, 3));
    } else {
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%d", key);
    }
}

static struct model_step draw_step(struct server *server)
{
    static const enum model_kind kinds[] = {MODEL_CREATE, MODEL_CREATE, MODEL_SET,
                                            MODEL_SET,    MODEL_SET,    MODEL_DELETE};
    char path[MODEL_PATH_BYTES];
    name_path(server, path);
    struct model_step made = step(kinds[draw(server, 6)], path, server->op + 1);
    if (made.kind == MODEL_CREATE && strlen(path) > 3 && chance(server, 40)) {
        made.node_kind = MODEL_EPHEMERAL;
    }
    made.recursive = made.kind == MODEL_DELETE && chance(server, 30);
    made.version = chance(server, 15) && made.kind != MODEL_CREATE ? (int64_t)draw(server, 3)
                                                                   : MODEL_ANY_VERSION;
    return made;
}

static struct model_command draw_write(struct server *server)
{
    struct model_command command = {.then_count = 1};
    if (chance(server, 10)) {
        command.then_steps[0] = step(MODEL_INCREMENT, "/counter", 0);
        command.then_steps[0].delta = 1;
        command.then_steps[0].if_absent = true;
        return command;
    }
    command.then_steps[0] = draw_step(server);
    if (chance(server, 20)) {
        command.is_txn = true;
        command.then_count = 1 + draw(server, 3);
        command.compare.target = MODEL_COMPARE_EXISTS;
        command.compare.number = (int64_t)draw(server, 2);
        name_path(server, command.compare.path);
        for (size_t i = 1; i < command.then_count; i++) {
            command.then_steps[i] = draw_step(server);
        }
        command.else_steps[0] = step(MODEL_GET, command.compare.path, 0);
        command.else_count = chance(server, 50) ? 1 : 0;
    }
    return command;
}

static struct model_command draw_read(struct server *server)
{
    static const enum model_kind kinds[] = {MODEL_GET, MODEL_GET, MODEL_EXISTS, MODEL_CHILDREN,
                                            MODEL_COUNT};
    char path[MODEL_PATH_BYTES];
    name_path(server, path);
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = step(kinds[draw(server, 5)], path, 0);
    return command;
}

/* ---- Sessions ---- */

static void know(struct server *server, const struct client *client, enum event_state state,
                 uint64_t at_us)
{
    emit(server, (struct event){.kind = EV_STATE,
                                .at_us = at_us,
                                .local_us = local(client, at_us),
                                .client = client->id,
                                .session = client->session,
                                .state = state});
}

static void hear_of_pending(struct server *server, struct client *client)
{
    struct event ret = {.kind = EV_RETURN, .op = client->pending, .outcome = OUTCOME_UNKNOWN};
    if (client->pending != 0) {
        if (!client->pending_done && chance(server, 70)) {
            ret.outcome = OUTCOME_NOT_APPLIED;
        }
        deliver(server, client, ret);
    }
    client->pending = 0;
}

static void open_session(struct server *server, struct client *client)
{
    uint64_t zxid = model_zxid(server->model) + 1;
    struct verdict why;
    verdict_init(&why);
    (void)model_impose(server->model, zxid, NULL, 0, &why);
    apply(server,
          (struct event){
              .cause = CAUSE_OPEN, .session = zxid, .changed = true, .timeout_ms = TIMEOUT_MS});
    client->session = zxid;
    client->seq = 0;
    client->lost_us = client->expires_us = NEVER;
    client->sent_us = client->confirmed_us = server->now_us;
    deliver(server, client,
            (struct event){.kind = EV_OPENED, .session = zxid, .timeout_ms = TIMEOUT_MS});
    deliver(server, client, (struct event){.kind = EV_LINKED, .session = zxid});
    know(server, client, STATE_CONNECTED, client->inbox_us);
    client->back_us = client->inbox_us + 1;
    hear_of_pending(server, client);
}

static void beat(struct server *server, struct client *client)
{
    client->sent_us = later(client->invoked_us, server->now_us);
    client->invoked_us = client->sent_us;
    client->frame++;
    emit(server, (struct event){.kind = EV_SENT,
                                .at_us = client->sent_us,
                                .local_us = local(client, client->sent_us),
                                .client = client->id,
                                .session = client->session,
                                .frame = client->frame});
    client->confirmed_us = client->sent_us;
    deliver(
        server, client,
        (struct event){.kind = EV_CONFIRMED, .session = client->session, .frame = client->frame});
}

/* The client is heard of no more until its session has expired. */
static void fall_silent(struct server *server, struct client *client)
{
    client->stopped = chance(server, 30);
    beat(server, client);
    client->lost_us = client->sent_us + TIMEOUT_MS * 980;
    client->expires_us = client->sent_us + TIMEOUT_MS * 1000 + draw(server, 200000);
    if (chance(server, 50)) {
        struct model_command command = draw_write(server);
        client->pending = call(server, client, &command, LEVEL_LINEARIZABLE);
        client->pending_done = chance(server, 50);
        if (client->pending_done) {
            (void)write_now(server, client, &command);
        }
    }
    uint64_t at_us = later(client->inbox_us, later(client->invoked_us, server->now_us)) + 1;
    emit(server, (struct event){.kind = client->stopped ? EV_STOPPED : EV_UNLINKED,
                                .at_us = at_us,
                                .client = client->id});
    if (!client->stopped) {
        know(server, client, STATE_SUSPECT, at_us + 1);
        know(server, client, STATE_LOST, client->lost_us);
    }
}

static void expire(struct server *server, struct client *client)
{
    struct model_change *owned = NULL;
    size_t capacity = 0;
    size_t count = model_list_owned(server->model, client->session, &owned, &capacity);
    struct verdict why;
    verdict_init(&why);
    (void)model_impose(server->model, model_zxid(server->model) + 1, owned, count, &why);
    free(owned);
    client->old = client->lock.held ? client->lock : client->old;
    client->lock = (struct lock){0};
    memset(client->watches, 0, sizeof(client->watches));
    uint64_t session = client->session;
    apply(server, (struct event){.cause = CAUSE_EXPIRE, .session = session, .changed = true});
    client->inbox_us = server->now_us + 1000;
    if (client->stopped) {
        emit(server,
             (struct event){.kind = EV_CONTINUED, .at_us = client->inbox_us, .client = client->id});
        know(server, client, STATE_LOST, client->inbox_us + 1);
        client->inbox_us += 2;
    }
    client->session = 0;
    client->back_us = client->inbox_us + draw(server, 100000);
}

/* ---- Watches and locks ---- */

static void set_watch(struct server *server, struct client *client, struct watch *watch)
{
    char path[MODEL_PATH_BYTES] = "/";
    if (chance(server, 70)) {
        name_path(server, path);
    }
    *watch = (struct watch){.is_set = true};
    watch->set = (struct event){
        .kind = EV_WATCH,
        .watch = ++client->watch_ids,
        .scope = (enum event_scope)draw(server, 3),
        .kinds = chance(server, 30) ? 1u << MODEL_DELETED | 1u << MODEL_CHANGED : 0,
        .with_data = chance(server, 70),
        .with_previous = chance(server, 50),
        .zxid = model_zxid(server->model),
    };
    watch->set.path = events_keep(&server->kept, path, strlen(path) + 1);
    deliver(server, client, watch->set);
}

static void set_again(struct server *server, struct client *client, struct watch *watch)
{
    struct event set = watch->set;
    set.again = true;
    set.zxid = watch->lagged;
    deliver(server, client, set);
    deliver(server, client, (struct event){.kind = EV_WATCHED, .watch = set.watch});
    for (size_t i = 0; i < server->history_count; i++) {
        const struct truth_change *change = &server->history[i];
        if (change->zxid > watch->lagged && fits(&set, &change->change)) {
            tell_event(server, client, watch, &change->change, change->zxid);
        }
    }
    watch->lagged = 0;
}

static void care_for_watch(struct server *server, struct client *client)
{
    struct watch *watch = &client->watches[draw(server, WATCHES)];
    uint64_t zxid = model_zxid(server->model);
    if (!watch->is_set) {
        set_watch(server, client, watch);
    } else if (watch->lagged != 0) {
        set_again(server, client, watch);
    } else if (chance(server, 10)) {
        deliver(server, client,
                (struct event){.kind = EV_LAGGED, .watch = watch->set.watch, .zxid = zxid});
        watch->lagged = zxid;
    } else if (chance(server, 10)) {
        deliver(server, client, (struct event){.kind = EV_UNWATCH, .watch = watch->set.watch});
        watch->is_set = false;
    } else {
        bool book = chance(server, 50);
        deliver(server, client,
                (struct event){.kind = book ? EV_BOOKMARK : EV_COMPLETE_TO, .zxid = zxid});
    }
}

static void resync(struct server *server, struct client *client)
{
    for (size_t i = 0; i < WATCHES; i++) {
        struct watch *watch = &client->watches[i];
        if (watch->muted) {
            deliver(server, client,
                    (struct event){.kind = EV_RESYNC,
                                   .watch = watch->set.watch,
                                   .zxid = model_zxid(server->model)});
            watch->muted = false;
        }
    }
}

static void take_turn(struct server *server, struct client *client)
{
    struct lock *lock = &client->lock;
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = step(MODEL_CREATE, "/q/n-", server->op + 1);
    command.then_steps[0].sequential = true;
    command.then_steps[0].node_kind = MODEL_EPHEMERAL;
    struct model_result made = do_write(server, client, &command);
    if (made.code != MODEL_OK) {
        return;
    }
    struct model_queue queue = {.n = 1};
    size_t rank = 0;
    *lock = (struct lock){.fence = made.czxid, .watch = ++client->watch_ids, .queued = true};
    memcpy(lock->path, made.path, sizeof(lock->path));
    (void)model_rank(server->model, lock->path, &queue, &rank);
    deliver(server, client,
            (struct event){.kind = EV_QUEUED,
                           .session = client->session,
                           .watch = lock->watch,
                           .path = lock->path,
                           .queue = &queue});
    if (rank > 0) {
        deliver(server, client,
                (struct event){.kind = EV_FRONT,
                               .watch = lock->watch,
                               .path = lock->path,
                               .front = FRONT_WAITING,
                               .zxid = model_zxid(server->model)});
    }
    tell_front(server, client);
}

static void write_fenced(struct server *server, struct client *client, const struct lock *lock)
{
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = step(MODEL_SET, "/q/data", server->op + 1);
    command.if_held = (struct model_compare){
        .target = MODEL_COMPARE_HELD, .number = (int64_t)lock->fence, .queue = {.n = 1}};
    memcpy(command.if_held.path, lock->path, sizeof(lock->path));
    (void)do_write(server, client, &command);
}

static void let_go(struct server *server, struct client *client)
{
    struct lock lock = client->lock;
    client->lock = (struct lock){0};
    client->invoked_us = later(client->invoked_us, server->now_us - 1500);
    struct event event = {
        .kind = EV_RELEASED, .at_us = client->invoked_us, .client = client->id, .path = lock.path};
    emit(server, event);
    emit(server, (struct event){.kind = EV_UNWATCH,
                                .at_us = client->invoked_us,
                                .client = client->id,
                                .watch = lock.watch});
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = step(MODEL_DELETE, lock.path, 0);
    (void)do_write(server, client, &command);
}

static void care_for_lock(struct server *server, struct client *client)
{
    if (!client->lock.queued) {
        if (client->old.fence != 0 && chance(server, 50)) {
            write_fenced(server, client, &client->old);
        } else {
            take_turn(server, client);
        }
    } else if (client->lock.held && client->inbox_us + 2000 < server->now_us) {
        if (chance(server, 50)) {
            write_fenced(server, client, &client->lock);
        } else {
            let_go(server, client);
        }
    }
}

/* ---- The run ---- */

static void act(struct server *server, struct client *client)
{
    uint64_t what = draw(server, 1000);
    resync(server, client);
    if (what < 350) {
        struct model_command command = draw_write(server);
        (void)do_write(server, client, &command);
    } else if (what < 600) {
        struct model_command command = draw_read(server);
        do_read(server, client, &command);
    } else if (what < 770) {
        care_for_watch(server, client);
    } else if (what < 970) {
        care_for_lock(server, client);
    } else if (what < 985) {
        cut(server, client, chance(server, 50));
    } else if (what < 992) {
        fall_silent(server, client);
    } else {
        struct event gauge = {.kind = EV_GAUGE,
                              .at_us = server->now_us,
                              .replica = 1,
                              .gauge = "watches",
                              .number = draw(server, 100)};
        emit(server, gauge);
        emit(server, (struct event){.kind = EV_INSTALLED,
                                    .at_us = server->now_us,
                                    .replica = 3,
                                    .slot = server->slot});
    }
}

static void go_on(struct server *server)
{
    server->now_us += 200 + draw(server, 3000);
    for (size_t i = 0; i < server->clients_count; i++) {
        struct client *client = &server->clients[i];
        if (client->session != 0 && client->expires_us < server->now_us) {
            expire(server, client);
        } else if (client->session != 0 && client->lost_us == NEVER &&
                   client->back_us + 2000 < server->now_us &&
                   client->confirmed_us + TIMEOUT_MS * 250 < server->now_us) {
            resync(server, client);
            beat(server, client);
        }
    }
    struct client *client = &server->clients[draw(server, server->clients_count)];
    if (client->back_us + 2000 > server->now_us || client->lost_us != NEVER) {
        if (client->session != 0 || client->back_us + 2000 > server->now_us) {
            return;
        }
    }
    if (client->session == 0) {
        open_session(server, client);
    } else {
        act(server, client);
    }
}

struct ordered {
    const struct event *event;
};

static int by_time(const void *a, const void *b)
{
    const struct event *left = ((const struct ordered *)a)->event;
    const struct event *right = ((const struct ordered *)b)->event;
    if (left->at_us != right->at_us) {
        return left->at_us < right->at_us ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

static void finish(struct server *server, struct events *events)
{
    struct ordered *order = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < server->count; i++) {
        order = checker_grow(order, i, &capacity, sizeof(*order));
        order[i].event = &server->items[i];
    }
    qsort(order, server->count, sizeof(*order), by_time);
    events_init(events);
    for (size_t i = 0; i < server->count; i++) {
        events_add(events, order[i].event);
    }
    free(order);
}

/* The nodes that are there from the beginning. */
static void plant(struct server *server)
{
    static const char *const paths[] = {"/q", "/q/data"};
    struct client *client = &server->clients[0];
    open_session(server, client);
    server->now_us += 10000;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct model_command command = {.then_count = 1};
        command.then_steps[0] = step(MODEL_CREATE, paths[i], server->op + 1);
        (void)do_write(server, client, &command);
        server->now_us += 10000;
    }
}

void generate(const struct generator_options *options, struct events *events)
{
    struct server *server = checker_zeros(1, sizeof(*server));
    server->state = options->seed;
    server->now_us = FIRST_US;
    server->model = model_create(GENERATION);
    server->clients_count = options->clients;
    events_init(&server->kept);
    for (size_t i = 0; i < options->clients; i++) {
        server->clients[i].id = (uint32_t)i + 1;
        server->clients[i].drift_ppm = (int64_t)draw(server, 10000) - 5000;
        server->clients[i].lost_us = server->clients[i].expires_us = NEVER;
    }
    plant(server);
    for (size_t i = 0; i < options->steps; i++) {
        go_on(server);
    }
    finish(server, events);
    model_free(server->model);
    events_release(&server->kept);
    free(server->items);
    free(server->history);
    free(server);
}

struct judge_options generator_judge_options(void)
{
    static const struct replicas_limit limits[] = {{"watches", 100}};
    return (struct judge_options){
        .lifetimes = LIFETIMES_DEFAULT, .told_us = 1000000, .limits = limits, .limits_count = 1};
}
