#include "tests/scene.h"

#include <stdio.h>

int scene_setup(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof(scene));
    *state = &scene;
    return 0;
}

struct event *scene_add(struct scene *scene, struct event event)
{
    assert_true(scene->count < SCENE_EVENTS);
    scene->at_us += 1000;
    if (event.at_us == 0) {
        event.at_us = scene->at_us;
    }
    scene->at_us = event.at_us;
    scene->items[scene->count] = event;
    return &scene->items[scene->count++];
}

struct model_command *scene_command(struct scene *scene, struct event *event)
{
    return &scene->commands[event - scene->items];
}

struct model_result *scene_shown(struct scene *scene, struct event *event)
{
    return &scene->results[event - scene->items];
}

struct event *scene_ask(struct scene *scene, uint32_t client, uint64_t op, enum model_kind kind,
                        const char *path, uint64_t value)
{
    struct event *event =
        scene_add(scene, (struct event){.kind = EV_INVOKE, .client = client, .op = op});
    struct model_command *command = scene_command(scene, event);
    *command = (struct model_command){.then_count = 1};
    command->then_steps[0] =
        (struct model_step){.kind = kind, .value = value, .version = MODEL_ANY_VERSION};
    (void)snprintf(command->then_steps[0].path, MODEL_PATH_BYTES, "%s", path);
    event->command = command;
    return event;
}

struct event *scene_apply(struct scene *scene, uint64_t session, uint64_t seq, uint64_t op,
                          uint64_t zxid)
{
    return scene_add(scene, (struct event){.kind = EV_APPLIED,
                                           .replica = 1,
                                           .slot = ++scene->slot,
                                           .cause = CAUSE_WRITE,
                                           .session = session,
                                           .seq = seq,
                                           .op = op,
                                           .zxid = zxid,
                                           .changed = true});
}

struct event *scene_cause(struct scene *scene, enum event_cause cause, uint64_t session,
                          uint64_t zxid)
{
    struct event *event = scene_apply(scene, session, 0, 0, zxid);
    event->cause = cause;
    return event;
}

struct event *scene_answer(struct scene *scene, uint32_t client, uint64_t op, uint64_t zxid,
                           struct model_result shown)
{
    struct event *event = scene_add(scene, (struct event){.kind = EV_RETURN,
                                                          .client = client,
                                                          .op = op,
                                                          .outcome = OUTCOME_ANSWERED,
                                                          .zxid = zxid});
    *scene_shown(scene, event) = shown;
    event->shown = scene_shown(scene, event);
    return event;
}

struct event *scene_open(struct scene *scene, uint32_t client, uint64_t session,
                         uint32_t timeout_ms)
{
    scene_cause(scene, CAUSE_OPEN, session, session)->timeout_ms = timeout_ms;
    return scene_add(scene, (struct event){.kind = EV_OPENED,
                                           .client = client,
                                           .session = session,
                                           .timeout_ms = timeout_ms});
}

struct event *scene_send(struct scene *scene, uint32_t client, uint64_t session)
{
    return scene_add(scene, (struct event){.kind = EV_SENT,
                                           .client = client,
                                           .session = session,
                                           .frame = ++scene->frame,
                                           .local_us = scene->at_us + 1001000});
}

struct event *scene_change(struct scene *scene, struct event event, struct model_change change)
{
    struct event *added = scene_add(scene, event);
    scene->changes[added - scene->items] = change;
    added->change = &scene->changes[added - scene->items];
    added->path = scene->changes[added - scene->items].path;
    return added;
}

struct event *scene_find(struct scene *scene, enum event_kind kind, uint64_t op)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].kind == kind && scene->items[i].op == op) {
            return &scene->items[i];
        }
    }
    fail_msg("no such event");
    return NULL;
}

static void story_txn(struct scene *scene)
{
    struct event *event = scene_ask(scene, 2, 5, MODEL_SET, "/a", 5);
    struct model_command *command = scene_command(scene, event);
    command->is_txn = true;
    command->compare =
        (struct model_compare){.target = MODEL_COMPARE_VERSION, .path = "/a", .number = 1};
    command->then_steps[1] = (struct model_step){
        .kind = MODEL_CREATE, .path = "/b", .value = 5, .version = MODEL_ANY_VERSION};
    command->then_count = 2;
    (void)scene_apply(scene, Z(2), 1, 5, Z(5));
    (void)scene_answer(
        scene, 2, 5, Z(5),
        (struct model_result){.succeeded = true, .path = "/b", .czxid = Z(5), .mzxid = Z(5)});
}

static void story_refusal(struct scene *scene)
{
    struct event *event = scene_ask(scene, 1, 6, MODEL_SET, "/a", 6);
    scene_command(scene, event)->then_steps[0].version = 9;
    event = scene_apply(scene, Z(1), 3, 6, Z(5));
    event->changed = false;
    event->code = MODEL_BAD_VERSION;
    (void)scene_answer(scene, 1, 6, Z(5), (struct model_result){.code = MODEL_BAD_VERSION});
}

void scene_story(struct scene *scene)
{
    (void)scene_open(scene, 1, Z(1), 1000);
    (void)scene_open(scene, 2, Z(2), 1000);
    (void)scene_ask(scene, 1, 1, MODEL_CREATE, "/a", 1);
    (void)scene_apply(scene, Z(1), 1, 1, Z(3));
    (void)scene_answer(scene, 1, 1, Z(3),
                       (struct model_result){.path = "/a", .czxid = Z(3), .mzxid = Z(3)});
    (void)scene_ask(scene, 2, 2, MODEL_GET, "/a", 0);
    (void)scene_answer(scene, 2, 2, Z(3),
                       (struct model_result){.value = 1, .czxid = Z(3), .mzxid = Z(3)});
    (void)scene_ask(scene, 1, 3, MODEL_SET, "/a", 3);
    scene_ask(scene, 1, 4, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    (void)scene_apply(scene, Z(1), 2, 3, Z(4));
    (void)scene_answer(scene, 1, 3, Z(4),
                       (struct model_result){.czxid = Z(3), .mzxid = Z(4), .version = 1});
    (void)scene_answer(
        scene, 1, 4, Z(4),
        (struct model_result){.value = 3, .czxid = Z(3), .mzxid = Z(4), .version = 1});
    story_txn(scene);
    story_refusal(scene);
    (void)scene_ask(scene, 2, 7, MODEL_SET, "/a", 7);
    (void)scene_apply(scene, Z(2), 2, 7, Z(6));
    struct event *event = scene_ask(scene, 1, 8, MODEL_GET, "/a", 0);
    event->level = LEVEL_AT_LEAST;
    event->at_least = Z(6);
    (void)scene_answer(
        scene, 1, 8, Z(6),
        (struct model_result){.value = 7, .czxid = Z(3), .mzxid = Z(6), .version = 3});
}

bool scene_judge(const struct scene *scene, scene_check check, struct verdict *verdict)
{
    struct events events;
    events_init(&events);
    uint64_t at_us = 0;
    for (size_t i = 0; i < scene->count; i++) {
        struct event event = scene->items[i];
        if (event.kind != 0) {
            event.at_us = event.at_us > at_us ? event.at_us : at_us;
            at_us = event.at_us;
            events_add(&events, &event);
        }
    }
    struct truth truth;
    verdict_init(verdict);
    bool ok = truth_build(&truth, &events, verdict) && (check == NULL || check(&truth, verdict));
    truth_release(&truth);
    events_release(&events);
    return ok;
}
