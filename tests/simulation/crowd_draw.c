#include "simulation/crowd.h"

#include "simulation/values.h"

#include <inttypes.h>
#include <string.h>

/* What clients do next: all kinds of writes, transactions and reads that the model knows. */

void crowd_step(struct model_step *step, enum model_kind kind, const char *path)
{
    *step = (struct model_step){.kind = kind, .version = MODEL_ANY_VERSION};
    (void)snprintf(step->path, sizeof(step->path), "%s", path);
}

static void name_path(struct cd_prng *prng, char *path)
{
    uint64_t key = cd_prng_below(prng, CROWD_KEYS);
    if (sim_chance(prng, 400000)) {
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%" PRIu64 "/c%" PRIu64, key,
                       cd_prng_below(prng, CROWD_CHILDREN));
    } else {
        (void)snprintf(path, MODEL_PATH_BYTES, "/k%" PRIu64, key);
    }
}

static void name_number(struct cd_prng *prng, char *path)
{
    (void)snprintf(path, MODEL_PATH_BYTES, "/n%" PRIu64, cd_prng_below(prng, CROWD_NUMBERS));
}

static int64_t guess_version(struct cd_prng *prng)
{
    return sim_chance(prng, 250000) ? (int64_t)cd_prng_below(prng, 4) : MODEL_ANY_VERSION;
}

static enum model_node_kind draw_node_kind(struct cd_prng *prng, bool sessions)
{
    uint64_t draw = cd_prng_below(prng, 100);
    if (draw < 15 && sessions) {
        return MODEL_EPHEMERAL;
    }
    return draw >= 96 ? MODEL_TTL : draw >= 90 ? MODEL_CONTAINER : MODEL_PERSISTENT;
}

/* A create or set of a plain node: what anybody may do, and what is found again by its value. */
static void draw_valued(struct cd_prng *prng, bool sessions, uint64_t value,
                        struct model_step *step)
{
    char path[MODEL_PATH_BYTES];
    name_path(prng, path);
    if (sim_chance(prng, 450000)) {
        crowd_step(step, MODEL_CREATE, path);
        step->if_absent = sim_chance(prng, 200000);
        step->node_kind = draw_node_kind(prng, sessions);
    } else {
        crowd_step(step, MODEL_SET, path);
        step->version = guess_version(prng);
    }
    step->value = value;
}

static void draw_number(struct cd_prng *prng, struct model_step *step)
{
    char path[MODEL_PATH_BYTES];
    name_number(prng, path);
    if (sim_chance(prng, 100000)) {
        crowd_step(step, MODEL_SET, path);
        step->is_number = true;
        step->value = cd_prng_below(prng, 100);
        return;
    }
    if (sim_chance(prng, 100000)) {
        name_path(prng, path); /* no number */
    }
    crowd_step(step, MODEL_INCREMENT, path);
    step->delta = (int64_t)cd_prng_below(prng, 20) - 5;
    step->version = sim_chance(prng, 50000) ? guess_version(prng) : MODEL_ANY_VERSION;
    step->if_absent = path[1] == 'n' && sim_chance(prng, 700000);
}

static void draw_delete(struct cd_prng *prng, struct model_step *step)
{
    char path[MODEL_PATH_BYTES];
    name_path(prng, path);
    crowd_step(step, MODEL_DELETE, path);
    step->version = guess_version(prng);
    step->if_present = sim_chance(prng, 200000);
    step->recursive = sim_chance(prng, 300000);
}

static void draw_write(struct crowd_client *client, uint64_t value, struct model_step *step)
{
    struct cd_prng *prng = &client->prng;
    uint64_t draw = cd_prng_below(prng, 100);
    if (!client->sessions || draw < 62) {
        draw_valued(prng, client->sessions, value, step);
    } else if (draw < 80) {
        draw_delete(prng, step);
    } else {
        draw_number(prng, step);
    }
}

static void draw_queue_write(struct crowd_client *client, uint64_t value, struct model_step *step)
{
    crowd_step(step, MODEL_CREATE, sim_chance(&client->prng, 500000) ? "/q/n-" : "/q/m-");
    step->value = value;
    step->sequential = true;
    step->node_kind =
        client->sessions && sim_chance(&client->prng, 300000) ? MODEL_EPHEMERAL : MODEL_PERSISTENT;
}

static void draw_compare(struct crowd_client *client, struct model_compare *compare)
{
    struct cd_prng *prng = &client->prng;
    uint64_t draw = cd_prng_below(prng, 100);
    name_path(prng, compare->path);
    compare->target = draw < 45   ? MODEL_COMPARE_EXISTS
                      : draw < 75 ? MODEL_COMPARE_VERSION
                      : draw < 85 ? MODEL_COMPARE_OWNER
                      : draw < 90 ? MODEL_COMPARE_CZXID
                      : draw < 95 ? MODEL_COMPARE_MZXID
                                  : MODEL_COMPARE_VALUE;
    compare->number = (int64_t)cd_prng_below(prng, 2);
    if (compare->target == MODEL_COMPARE_VALUE) {
        compare->number = (int64_t)value_of_op(
            client->crowd->ops > 50 ? client->crowd->ops - cd_prng_below(prng, 50) : 1, false);
    } else if (compare->target == MODEL_COMPARE_OWNER) {
        compare->number = sim_chance(prng, 500000) ? (int64_t)client->caller.opened : 0;
    } else if (compare->target == MODEL_COMPARE_CZXID || compare->target == MODEL_COMPARE_MZXID) {
        compare->number = (int64_t)(client->seen_zxid - cd_prng_below(prng, 4));
    }
}

static void draw_txn(struct crowd_client *client, uint64_t value, struct model_command *command)
{
    struct cd_prng *prng = &client->prng;
    command->is_txn = true;
    if (sim_chance(prng, 800000)) {
        draw_compare(client, &command->compare);
    }
    command->then_count = (size_t)sim_between(prng, 1, MODEL_STEPS_MAX);
    for (size_t i = 0; i < command->then_count; i++) {
        struct model_step *step = &command->then_steps[i];
        if (i == 0 && sim_chance(prng, 100000)) {
            draw_queue_write(client, value, step); /* at most one of a queue (R15) */
        } else if (i == 0) {
            draw_valued(prng, client->sessions, value, step);
        } else {
            draw_write(client, value, step);
        }
    }
    if (sim_chance(prng, 500000)) {
        static const enum model_kind kinds[] = {MODEL_GET, MODEL_EXISTS, MODEL_CHILDREN};
        char path[MODEL_PATH_BYTES];
        name_path(prng, path);
        command->else_count = 1;
        crowd_step(&command->else_steps[0], kinds[cd_prng_below(prng, 3)], path);
    }
}

static void draw_read(struct crowd_client *client, struct errand *errand)
{
    struct cd_prng *prng = &client->prng;
    uint64_t draw = cd_prng_below(prng, 100);
    char path[MODEL_PATH_BYTES];
    enum model_kind kind = draw < 50   ? MODEL_GET
                           : draw < 70 ? MODEL_EXISTS
                           : draw < 93 ? MODEL_CHILDREN
                                       : MODEL_COUNT;
    name_path(prng, path);
    if (draw < 10) {
        name_number(prng, path);
    } else if (draw >= 85) {
        (void)snprintf(path, sizeof(path), "%s", draw % 2 == 0 ? "/" : "/q");
    }
    crowd_step(&errand->command.then_steps[0], kind, path);
    errand->pages = kind != MODEL_CHILDREN     ? ERRAND_WHOLE
                    : sim_chance(prng, 300000) ? ERRAND_LIST
                                               : ERRAND_CHILDREN;
    errand->limit = sim_chance(prng, 300000) ? 1 + (uint32_t)cd_prng_below(prng, 5) : 0;
    draw = cd_prng_below(prng, 10);
    errand->level = draw < 5 ? LEVEL_LINEARIZABLE : draw < 8 ? LEVEL_SESSION : LEVEL_AT_LEAST;
    if (errand->level == LEVEL_AT_LEAST && client->crowd->newest_zxid == 0) {
        errand->level = LEVEL_SESSION;
    }
    errand->at_least = errand->level == LEVEL_AT_LEAST ? client->crowd->newest_zxid : 0;
}

/* The parents that all others need; whoever comes first makes them. */
static void draw_parent(struct cd_prng *prng, uint64_t value, struct model_step *step)
{
    static const char *const parents[] = {"/q", "/boss", "/lock", "/sem"};
    crowd_step(step, MODEL_CREATE, parents[cd_prng_below(prng, CD_ARRAY_COUNT(parents))]);
    step->value = value;
    step->if_absent = true;
}

/* A write under a fence that is held, or once was. */
static bool draw_fenced(struct crowd_client *client, uint64_t value, struct model_command *command)
{
    const struct crowd_lock *lock = &client->lock;
    const struct crowd_ghost *ghost = &client->ghost;
    bool holds = lock->state == LOCK_HELD;
    bool haunts = !holds && ghost->until_us > client->crowd->world->now_us;
    if (!holds && !haunts) {
        return false;
    }
    command->if_held = (struct model_compare){
        .target = MODEL_COMPARE_HELD,
        .number = (int64_t)(holds ? lock->fence : ghost->fence),
        .queue = crowd_queue_of(holds ? lock->queue : ghost->queue),
    };
    memcpy(command->if_held.path, holds ? lock->path : ghost->path, MODEL_PATH_BYTES);
    draw_valued(&client->prng, false, value, &command->then_steps[0]);
    return true;
}

void crowd_draw(struct crowd_client *client, struct errand *errand)
{
    struct cd_prng *prng = &client->prng;
    struct model_command *command = &errand->command;
    uint64_t value = value_of_op(errand->op, client->burst > 0);
    uint64_t draw = cd_prng_below(prng, 100);
    command->then_count = 1;
    errand->ttl_ms = (uint32_t)sim_between(prng, 1000, 5000);
    if (client->burst > 0) {
        client->burst--;
        crowd_step(&command->then_steps[0], MODEL_SET, "/q");
        command->then_steps[0].value = value;
    } else if (draw < 35) {
        draw_read(client, errand);
    } else if (errand->op < 40 || draw < 36) {
        draw_parent(prng, value, &command->then_steps[0]);
    } else if (draw < 50 && sim_chance(prng, 500000) && draw_fenced(client, value, command)) {
        return;
    } else if (draw < 50) {
        draw_txn(client, value, command);
    } else if (draw < 56) {
        draw_queue_write(client, value, &command->then_steps[0]);
    } else {
        draw_write(client, value, &command->then_steps[0]);
    }
}

void crowd_draw_audit(size_t index, struct errand *errand)
{
    static const char *const places[] = {"/", "/q", "/boss", "/lock", "/sem"};
    struct model_step *step = &errand->command.then_steps[0];
    size_t keys = CROWD_KEYS * (CROWD_CHILDREN + 3);
    char path[MODEL_PATH_BYTES];
    enum model_kind kind = MODEL_GET;
    errand->command.then_count = 1;
    if (index < keys) {
        size_t key = index / (CROWD_CHILDREN + 3);
        size_t part = index % (CROWD_CHILDREN + 3);
        if (part < CROWD_CHILDREN) {
            (void)snprintf(path, sizeof(path), "/k%zu/c%zu", key, part);
        } else {
            (void)snprintf(path, sizeof(path), "/k%zu", key);
        }
        kind = part <= CROWD_CHILDREN       ? MODEL_GET
               : part == CROWD_CHILDREN + 1 ? MODEL_CHILDREN
                                            : MODEL_COUNT;
    } else if (index < keys + CROWD_NUMBERS) {
        (void)snprintf(path, sizeof(path), "/n%zu", index - keys);
    } else {
        size_t place = index - keys - CROWD_NUMBERS;
        bool lists = place < CD_ARRAY_COUNT(places);
        (void)snprintf(path, sizeof(path), "%s", places[lists ? place : 0]);
        kind = lists ? MODEL_CHILDREN : MODEL_COUNT;
    }
    crowd_step(step, kind, path);
    errand->pages = kind == MODEL_CHILDREN ? ERRAND_CHILDREN : ERRAND_WHOLE;
    errand->limit = 7;
}
