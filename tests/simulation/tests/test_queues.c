#include "checkers/queues.h"

#include "tests/scene.h"

/*
 * Clients 1, 2 and 3 queue in /q with nodes 0 (czxid 5), 1 (6) and 2 (7). Client 1 is told FRONT,
 * holds, writes under its fence (8), lets go (9); client 2 is told FRONT at 9 and holds.
 */
struct story {
    struct event *front[2], *waiting, *granted[2], *released, *fenced;
};

static const char *const paths[] = {"/q/n-0000000000", "/q/n-0000000001", "/q/n-0000000002"};

static struct event *queue(struct scene *scene, uint32_t client)
{
    struct event *event = scene_add(scene, (struct event){.kind = EV_QUEUED,
                                                          .client = client,
                                                          .session = Z(client),
                                                          .watch = 1,
                                                          .path = paths[client - 1]});
    scene->queues[event - scene->items].n = 1;
    event->queue = &scene->queues[event - scene->items];
    return event;
}

static struct event *place(struct scene *scene, uint32_t client, enum event_front front,
                           uint64_t zxid)
{
    return scene_add(scene, (struct event){.kind = EV_FRONT,
                                           .client = client,
                                           .watch = 1,
                                           .path = paths[client - 1],
                                           .front = front,
                                           .fence = front == FRONT_FRONT ? Z(4 + client) : 0,
                                           .zxid = Z(zxid)});
}

static struct event *hold(struct scene *scene, uint32_t client)
{
    return scene_add(scene, (struct event){.kind = EV_GRANTED,
                                           .client = client,
                                           .session = Z(client),
                                           .path = paths[client - 1],
                                           .fence = Z(4 + client)});
}

static void line_up(struct scene *scene)
{
    for (uint32_t client = 1; client <= 3; client++) {
        (void)scene_open(scene, client, Z(client), 1000);
        (void)scene_add(scene, (struct event){.kind = EV_LINKED, .client = client});
    }
    (void)scene_ask(scene, 1, 1, MODEL_CREATE, "/q", 1);
    (void)scene_apply(scene, Z(1), 1, 1, Z(4));
    for (uint32_t client = 1; client <= 3; client++) {
        struct event *ask = scene_ask(scene, client, 1 + client, MODEL_CREATE, "/q/n-", 1);
        scene_command(scene, ask)->then_steps[0].sequential = true;
        scene_command(scene, ask)->then_steps[0].node_kind = MODEL_EPHEMERAL;
        (void)scene_apply(scene, Z(client), client == 1 ? 2 : 1, 1 + client, Z(4 + client));
    }
}

static struct event *write_fenced(struct scene *scene, uint32_t client, uint64_t op, uint64_t seq,
                                  uint32_t holder, uint64_t zxid)
{
    struct event *ask = scene_ask(scene, client, op, MODEL_SET, "/q", op);
    struct model_compare *held = &scene_command(scene, ask)->if_held;
    *held = (struct model_compare){.target = MODEL_COMPARE_HELD, .number = (int64_t)Z(4 + holder)};
    memcpy(held->path, paths[holder - 1], strlen(paths[holder - 1]) + 1);
    return scene_apply(scene, Z(client), seq, op, zxid);
}

static struct story tell(struct scene *scene)
{
    struct story story = {0};
    line_up(scene);
    (void)queue(scene, 1);
    story.front[0] = place(scene, 1, FRONT_FRONT, 5);
    story.granted[0] = hold(scene, 1);
    (void)queue(scene, 2);
    story.waiting = place(scene, 2, FRONT_WAITING, 7);
    (void)queue(scene, 3);
    story.fenced = write_fenced(scene, 1, 10, 3, 1, Z(8));
    story.released =
        scene_add(scene, (struct event){.kind = EV_RELEASED, .client = 1, .path = paths[0]});
    (void)scene_ask(scene, 1, 11, MODEL_DELETE, paths[0], 0);
    (void)scene_apply(scene, Z(1), 4, 11, Z(9));
    story.front[1] = place(scene, 2, FRONT_FRONT, 9);
    story.granted[1] = hold(scene, 2);
    return story;
}

static bool check(const struct truth *truth, struct verdict *verdict)
{
    return queues_check(truth, 50000, verdict) && masters_check(truth, NULL, verdict);
}

static bool check_margin(const struct truth *truth, struct verdict *verdict)
{
    uint64_t margin_us = 0;
    bool ok = masters_check(truth, &margin_us, verdict);
    assert_int_equal(margin_us, 4000);
    return ok;
}

static void accepts_the_story(void **state)
{
    (void)tell(*state);
    ACCEPTED(*state, check);
    ACCEPTED(*state, check_margin);
}

static void accepts_a_semaphore(void **state)
{
    struct scene *scene = *state;
    line_up(scene);
    (void)queue(scene, 1);
    (void)place(scene, 1, FRONT_FRONT, 7);
    struct event *queued = queue(scene, 2);
    scene->queues[queued - scene->items].n = 2;
    (void)place(scene, 2, FRONT_FRONT, 7);
    hold(scene, 1)->number = 2;
    hold(scene, 2)->number = 2;
    ACCEPTED(scene, check);
}

/* A reader waits for writers alone: r- in front of it do not count. */
static void accepts_prefixes(void **state)
{
    struct scene *scene = *state;
    line_up(scene);
    struct event *queued = queue(scene, 3);
    struct model_queue *prefixes = &scene->queues[queued - scene->items];
    (void)memcpy(prefixes->prefixes[0], "w-", 3);
    (void)place(scene, 3, FRONT_FRONT, 7);
    ACCEPTED(scene, check);
    (void)memcpy(prefixes->prefixes[1], "n-", 3);
    REJECTED(scene, check, "not at the front");
}

static void accepts_a_waiter_that_is_away(void **state)
{
    struct scene *scene = *state;
    struct story story = tell(scene);
    story.front[1]->kind = story.granted[1]->kind = 0;
    (void)scene_add(scene, (struct event){.kind = EV_UNLINKED, .client = 2});
    (void)scene_add(
        scene, (struct event){.kind = EV_BOOKMARK, .client = 3, .at_us = scene->at_us + 99999});
    (void)scene_add(scene, (struct event){.kind = EV_LINKED, .client = 2});
    (void)scene_add(
        scene, (struct event){.kind = EV_BOOKMARK, .client = 3, .at_us = scene->at_us + 49000});
    ACCEPTED(scene, check);
    (void)scene_add(scene, (struct event){.kind = EV_BOOKMARK, .client = 3, .at_us = 2000000});
    REJECTED(scene, check, "was not told");
}

static void rejects_front_for_the_second(void **state)
{
    struct story story = tell(*state);
    story.front[1]->zxid = Z(8);
    REJECTED(*state, check, "not at the front");
}

static void rejects_another_fence(void **state)
{
    struct story story = tell(*state);
    story.front[1]->fence = Z(5);
    REJECTED(*state, check, "with another fence");
}

static void rejects_waiting_at_the_front(void **state)
{
    struct story story = tell(*state);
    story.waiting->zxid = Z(9);
    REJECTED(*state, check, "WAITING was told");
}

static void rejects_gone_of_a_node_that_is_there(void **state)
{
    struct story story = tell(*state);
    story.waiting->front = FRONT_GONE;
    REJECTED(*state, check, "GONE was told");
}

static void rejects_a_place_of_nobody_who_asked(void **state)
{
    struct story story = tell(*state);
    story.waiting->watch = 9;
    REJECTED(*state, check, "nobody who asked");
}

static void rejects_a_notification_that_is_lost(void **state)
{
    struct scene *scene = *state;
    struct story story = tell(scene);
    story.front[1]->kind = story.granted[1]->kind = 0;
    (void)scene_add(
        scene, (struct event){.kind = EV_BOOKMARK, .client = 3, .at_us = scene->at_us + 60000});
    REJECTED(scene, check, "was not told");
}

/* The old holder's write comes behind the grant of the next one; the replicas let it through. */
static void rejects_a_write_under_an_old_fence(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    (void)write_fenced(scene, 1, 12, 5, 1, Z(10));
    REJECTED(scene, check, "the model gives another code");
}

static void rejects_a_holder_that_was_not_told(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    (void)hold(scene, 3);
    REJECTED(scene, check, "not told FRONT");
}

static void rejects_two_holders(void **state)
{
    struct story story = tell(*state);
    story.released->kind = 0;
    REJECTED(*state, check, "two holders at one time");
}

static void rejects_two_holders_after_a_late_lost(void **state)
{
    struct scene *scene = *state;
    struct story story = tell(scene);
    *story.released = (struct event){.kind = EV_STATE,
                                     .client = 1,
                                     .session = Z(1),
                                     .state = STATE_SUSPECT,
                                     .at_us = story.released->at_us};
    (void)scene_add(
        scene, (struct event){.kind = EV_STATE, .client = 1, .session = Z(1), .state = STATE_LOST});
    REJECTED(scene, check, "two holders at one time");
    story.released->state = STATE_LOST;
    ACCEPTED(scene, check);
}

static void rejects_a_fence_that_falls(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    (void)scene_add(scene, (struct event){.kind = EV_RELEASED, .client = 2, .path = paths[1]});
    (void)hold(scene, 1);
    REJECTED(scene, check, "fence of the next holder is not higher");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_a_semaphore),
        SCENE_CASE(accepts_prefixes),
        SCENE_CASE(accepts_a_waiter_that_is_away),
        SCENE_CASE(rejects_front_for_the_second),
        SCENE_CASE(rejects_another_fence),
        SCENE_CASE(rejects_waiting_at_the_front),
        SCENE_CASE(rejects_gone_of_a_node_that_is_there),
        SCENE_CASE(rejects_a_place_of_nobody_who_asked),
        SCENE_CASE(rejects_a_notification_that_is_lost),
        SCENE_CASE(rejects_a_write_under_an_old_fence),
        SCENE_CASE(rejects_a_holder_that_was_not_told),
        SCENE_CASE(rejects_two_holders),
        SCENE_CASE(rejects_two_holders_after_a_late_lost),
        SCENE_CASE(rejects_a_fence_that_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
