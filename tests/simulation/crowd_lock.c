#include "simulation/crowd.h"

#include <inttypes.h>
#include <string.h>

/* Clients that compete for an office, a lock and a semaphore, as R15 and R20 ask them to. */

enum {
    LOCK_PATIENCE_US = 60000000, /* above every session's timeout: unknown means that it is over */
    LOCK_HOLD_US_MIN = 100000,
    LOCK_HOLD_US_MAX = 3000000,
    LOCK_WAIT_US_MAX = 10000000,
    GHOST_US = 10000000,
};

/* Members' paths, without the suffix. */
static const char *const members[CROWD_QUEUES] = {
    [CROWD_OFFICE] = "/boss/b-", [CROWD_LOCK] = "/lock/l-", [CROWD_SEMAPHORE] = "/sem/s-"};

struct model_queue crowd_queue_of(enum crowd_queue queue)
{
    return (struct model_queue){.n = queue == CROWD_SEMAPHORE ? 2 : 1};
}

/* ---- To hold, and not to ---- */

static void grant(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    lock->state = LOCK_HELD;
    lock->until_us = client->crowd->world->now_us +
                     sim_between(&client->prng, LOCK_HOLD_US_MIN, LOCK_HOLD_US_MAX);
    caller_log(&client->caller, (struct event){.kind = EV_GRANTED,
                                               .session = lock->session,
                                               .path = lock->path,
                                               .fence = lock->fence,
                                               .number = crowd_queue_of(lock->queue).n});
    trace_line(client->crowd->trace, "client %u holds %s", client->caller.options.id, lock->path);
}

/* Its fence is tried for a while, as by somebody who has not heard of it. */
static void become_ghost(struct crowd_client *client)
{
    const struct crowd_lock *lock = &client->lock;
    client->ghost = (struct crowd_ghost){.queue = lock->queue,
                                         .fence = lock->fence,
                                         .until_us = client->crowd->world->now_us + GHOST_US};
    memcpy(client->ghost.path, lock->path, sizeof(lock->path));
}

static void drop_watch(struct crowd_client *client)
{
    if (client->lock.watch != NULL) {
        crowd_watch_drop(client, client->lock.watch);
        client->lock.watch = NULL;
    }
}

void crowd_lock_release(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    if (lock->state == LOCK_HELD) {
        caller_log(&client->caller, (struct event){.kind = EV_RELEASED, .path = lock->path});
        become_ghost(client);
    }
    if (lock->state == LOCK_HELD || lock->state == LOCK_QUEUED) {
        lock->state = LOCK_LEAVING;
        drop_watch(client);
    }
}

void crowd_lock_lost(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    if (lock->state == LOCK_HELD) {
        become_ghost(client);
    }
    if (lock->errand != NULL) {
        lock->errand->then = NULL; /* whatever became of it went with the session */
        lock->errand = NULL;
    }
    lock->state = LOCK_IDLE;
    lock->until_us = 0;
}

/* ---- Told ---- */

static void tell_place(struct crowd_client *client, const struct crowd_watch *watch,
                       const struct coord_watch_item *item)
{
    struct crowd_lock *lock = &client->lock;
    caller_log(&client->caller,
               (struct event){.kind = EV_FRONT,
                              .watch = watch->number,
                              .path = watch->path,
                              .front = (enum event_front)item->queue_state, /* equal numbers */
                              .fence = item->fence,
                              .zxid = item->zxid});
    if (item->queue_state == COORD_QUEUE_FRONT && lock->state == LOCK_QUEUED) {
        struct client_lease_view lease = client_session_lease(client->caller.session);
        enum coord_session_state state =
            client_lease_view_state(&lease, caller_now(&client->caller).lease_ms);
        lock->fence = item->fence;
        if (state == COORD_STATE_CONNECTED || state == COORD_STATE_SUSPECT) {
            grant(client);
        }
    } else if (item->queue_state == COORD_QUEUE_GONE && lock->state == LOCK_HELD) {
        (void)verdict_fail(client->crowd->verdict, "client %u: its %s went while it was held",
                           client->caller.options.id, lock->path);
    }
}

void crowd_lock_told(struct crowd_client *client, struct crowd_watch *watch,
                     const struct coord_watch_item *item)
{
    if (item->kind == COORD_WATCH_QUEUE && !client->caller.closing) {
        tell_place(client, watch, item);
    } else if (item->kind == COORD_WATCH_ENDED) {
        if (item->code != COORD_SESSION_EXPIRED && item->code != COORD_CLOSED) {
            (void)verdict_fail(client->crowd->verdict, "client %u: its place ended with %d: %s",
                               client->caller.options.id, (int)item->code, item->message);
        }
        caller_log(&client->caller, (struct event){.kind = EV_UNWATCH, .watch = watch->number});
        watch->ended = true;
    }
}

/* ---- In and out ---- */

static void joined(struct errand *errand, enum event_outcome outcome,
                   const struct model_result *shown)
{
    struct crowd_client *client = errand->owner;
    struct crowd_lock *lock = &client->lock;
    lock->errand = NULL;
    if (outcome == OUTCOME_ANSWERED && shown->code == MODEL_OK) {
        lock->state = LOCK_QUEUED;
        lock->session = client->caller.opened;
        lock->until_us = client->crowd->world->now_us + LOCK_WAIT_US_MAX;
        memcpy(lock->path, shown->path, sizeof(lock->path));
    } else {
        lock->state = LOCK_IDLE;
    }
}

static void left(struct errand *errand, enum event_outcome outcome,
                 const struct model_result *shown)
{
    struct crowd_lock *lock = &((struct crowd_client *)errand->owner)->lock;
    (void)shown;
    lock->errand = NULL;
    if (outcome == OUTCOME_ANSWERED) {
        lock->state = LOCK_IDLE;
    }
}

static void send(struct crowd_client *client, enum model_kind kind, const char *path,
                 errand_then then)
{
    struct errand *errand = crowd_errand(client);
    struct model_step *step = &errand->command.then_steps[0];
    errand->command.then_count = 1;
    errand->then = then;
    crowd_step(step, kind, path);
    if (kind == MODEL_CREATE) {
        step->sequential = true;
        step->node_kind = MODEL_EPHEMERAL;
    }
    client->lock.errand = errand;
    crowd_begin(client, errand, LOCK_PATIENCE_US);
}

static void stand_in_line(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    struct crowd_watch *watch = crowd_watch_new(client);
    struct model_queue queue = crowd_queue_of(lock->queue);
    memcpy(watch->path, lock->path, sizeof(lock->path));
    watch->watch.spec =
        (struct client_watch_spec){.queue_front = true, .path = watch->path, .n = queue.n};
    if (caller_watch(&client->caller, &watch->watch) != COORD_OK) {
        (void)verdict_fail(client->crowd->verdict, "client %u: a watch was refused",
                           client->caller.options.id);
    }
    watch->is_set = true;
    lock->watch = watch;
    caller_log(&client->caller, (struct event){.kind = EV_QUEUED,
                                               .session = lock->session,
                                               .watch = watch->number,
                                               .path = watch->path,
                                               .queue = &queue});
}

static void wait_or_hold(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    if (lock->state == LOCK_QUEUED && lock->watch == NULL) {
        stand_in_line(client);
    }
    if (client->crowd->world->now_us >= lock->until_us || client->crowd->quiet) {
        crowd_lock_release(client);
    }
}

void crowd_lock_step(struct crowd_client *client)
{
    struct crowd_lock *lock = &client->lock;
    struct client_lease_view lease = caller_lease(&client->caller);
    if (lock->watch != NULL && lock->watch->ended) {
        drop_watch(client);
    }
    if (lease.state == COORD_STATE_LOST || lease.state == COORD_STATE_NONE) {
        if (lock->state != LOCK_IDLE && lock->state != LOCK_JOINING) {
            crowd_lock_lost(client);
        }
        drop_watch(client);
    }
    switch (lock->state) {
    case LOCK_IDLE:
        if (client->locks && !client->crowd->quiet &&
            sim_chance(&client->prng, client->is_job ? 300000 : 50000)) {
            lock->queue = client->is_job                      ? CROWD_OFFICE
                          : sim_chance(&client->prng, 500000) ? CROWD_LOCK
                                                              : CROWD_SEMAPHORE;
            lock->state = LOCK_JOINING;
            send(client, MODEL_CREATE, members[lock->queue], joined);
        }
        break;
    case LOCK_JOINING:
        break;
    case LOCK_QUEUED:
    case LOCK_HELD:
        wait_or_hold(client);
        break;
    case LOCK_LEAVING:
        if (lock->errand == NULL) {
            send(client, MODEL_DELETE, lock->path, left);
        }
        break;
    }
}
