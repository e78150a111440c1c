#include "checkers/lifetimes.h"

#include "tests/scene.h"

/*
 * Client 1 opens a session of 1000 ms, sends frame 1 at 10 ms (confirmed) and frame 2 at 20 ms (not
 * confirmed any more), makes /e and falls silent; it is LOST at 985 ms, expires at 1015 ms.
 */
struct story {
    struct event *confirmed, *lost, *expired, *end;
};

static struct event *at(struct event *event, uint64_t ms)
{
    event->at_us = ms * 1000;
    return event;
}

static struct event *state_of(struct scene *scene, enum event_state state, uint64_t ms)
{
    return scene_add(scene, (struct event){.kind = EV_STATE,
                                           .client = 1,
                                           .session = Z(1),
                                           .state = state,
                                           .at_us = ms * 1000,
                                           .local_us = ms * 1000 + 1000000});
}

static struct story tell(struct scene *scene)
{
    struct story story = {0};
    (void)scene_open(scene, 1, Z(1), 1000);
    scene->at_us = 9000;
    (void)scene_send(scene, 1, Z(1));
    story.confirmed = scene_add(
        scene, (struct event){.kind = EV_CONFIRMED, .client = 1, .session = Z(1), .frame = 1});
    struct event *ask = scene_ask(scene, 1, 1, MODEL_CREATE, "/e", 1);
    scene_command(scene, ask)->then_steps[0].node_kind = MODEL_EPHEMERAL;
    (void)scene_apply(scene, Z(1), 1, 1, Z(2));
    scene->at_us = 19000;
    (void)scene_send(scene, 1, Z(1));
    (void)state_of(scene, STATE_CONNECTED, 21);
    (void)state_of(scene, STATE_SUSPECT, 700);
    story.lost = state_of(scene, STATE_LOST, 985);
    story.expired = at(scene_cause(scene, CAUSE_EXPIRE, Z(1), Z(3)), 1015);
    story.end = at(scene_add(scene, (struct event){.kind = EV_BOOKMARK, .client = 2}), 5000);
    return story;
}

static bool check(const struct truth *truth, struct verdict *verdict)
{
    const struct lifetimes_options options = {
        .expiry_us = 500000, .wake_us = 50000, .lost_us = 1000, .lost_permille = 980};
    return lifetimes_check(truth, &options, verdict);
}

static void accepts_the_story(void **state)
{
    (void)tell(*state);
    ACCEPTED(*state, check);
}

static void accepts_a_stopped_client_that_is_not_lost(void **state)
{
    struct scene *scene = *state;
    struct story story = tell(scene);
    *story.lost = (struct event){.kind = EV_STOPPED, .client = 1, .at_us = story.lost->at_us};
    ACCEPTED(scene, check);
}

static void accepts_an_orphan_that_expires(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    scene_cause(scene, CAUSE_OPEN, Z(4), Z(4))->timeout_ms = 1000;
    (void)at(scene_cause(scene, CAUSE_EXPIRE, Z(4), Z(5)), 6100);
    ACCEPTED(scene, check);
}

static void accepts_a_session_that_closes(void **state)
{
    struct scene *scene = *state;
    struct story story = tell(scene);
    story.lost->kind = 0;
    (void)at(story.expired, 800);
    story.expired->cause = CAUSE_CLOSE;
    ACCEPTED(scene, check);
}

/* The answer to its hello came when the lease was over: it is LOST at once, or else too late. */
static void judges_a_session_that_is_lost_when_it_is_told(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    scene->at_us = 5100000;
    (void)scene_send(scene, 3, 0);
    uint64_t hello = scene->frame;
    scene_cause(scene, CAUSE_OPEN, Z(4), Z(4))->timeout_ms = 1000;
    (void)at(scene_cause(scene, CAUSE_EXPIRE, Z(4), Z(5)), 6200);
    scene->at_us = 7000000;
    (void)scene_add(
        scene, (struct event){.kind = EV_CONFIRMED, .client = 3, .session = Z(4), .frame = hello});
    (void)scene_add(scene, (struct event){.kind = EV_OPENED, .client = 3, .session = Z(4)});
    struct event *lost = scene_add(scene, (struct event){.kind = EV_STATE,
                                                         .client = 3,
                                                         .session = Z(4),
                                                         .state = STATE_LOST,
                                                         .local_us = 8001000});
    ACCEPTED(scene, check);
    lost->at_us += 10000;
    lost->local_us += 10000;
    REJECTED(scene, check, "too late on the client's clock");
}

static void rejects_an_expiry_before_the_timeout(void **state)
{
    struct story story = tell(*state);
    (void)at(story.expired, 1009);
    REJECTED(*state, check, "expired before its timeout");
}

/* Frame 2 was confirmed, however late the client hears of it. */
static void rejects_an_expiry_too_early_for_a_later_frame(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    (void)scene_add(scene,
                    (struct event){.kind = EV_CONFIRMED, .client = 1, .session = Z(1), .frame = 2});
    REJECTED(scene, check, "expired before its timeout");
}

static void rejects_an_expiry_before_the_timeout_since_the_opening(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    scene_cause(scene, CAUSE_OPEN, Z(4), Z(4))->timeout_ms = 1000;
    (void)at(scene_cause(scene, CAUSE_EXPIRE, Z(4), Z(5)), 5900);
    REJECTED(scene, check, "expired before its timeout");
}

static void rejects_an_expiry_before_lost(void **state)
{
    struct story story = tell(*state);
    story.lost->kind = 0;
    REJECTED(*state, check, "did not take for LOST");
}

static void rejects_lost_too_late_on_the_clients_clock(void **state)
{
    struct story story = tell(*state);
    story.lost->local_us += 10000;
    REJECTED(*state, check, "too late on the client's clock");
}

static void rejects_connected_after_lost(void **state)
{
    (void)tell(*state);
    (void)state_of(*state, STATE_CONNECTED, 5001);
    REJECTED(*state, check, "LOST was not final");
}

/* It was told of its session when that had expired, and took it for alive. */
static void rejects_trust_in_a_session_that_has_expired(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    scene_cause(scene, CAUSE_OPEN, Z(4), Z(4))->timeout_ms = 1000;
    (void)at(scene_cause(scene, CAUSE_EXPIRE, Z(4), Z(5)), 6100);
    scene->at_us = 6100000;
    (void)scene_add(scene, (struct event){.kind = EV_OPENED, .client = 3, .session = Z(4)});
    ACCEPTED(scene, check);
    (void)scene_add(
        scene,
        (struct event){.kind = EV_STATE, .client = 3, .session = Z(4), .state = STATE_CONNECTED});
    REJECTED(scene, check, "trusts a session that has expired");
}

static void rejects_a_node_of_a_session_that_has_ended(void **state)
{
    struct scene *scene = *state;
    (void)tell(scene);
    struct event *ask = scene_ask(scene, 1, 2, MODEL_CREATE, "/f", 1);
    scene_command(scene, ask)->then_steps[0].node_kind = MODEL_EPHEMERAL;
    (void)scene_apply(scene, Z(1), 2, 2, Z(4));
    REJECTED(scene, check, "made by a session that is not there");
}

static void rejects_a_session_that_outlives_its_client(void **state)
{
    struct story story = tell(*state);
    story.expired->kind = 0;
    REJECTED(*state, check, "outlived the silence");
}

static void rejects_a_confirmation_of_what_was_never_sent(void **state)
{
    struct story story = tell(*state);
    story.confirmed->frame = 7;
    REJECTED(*state, check, "confirmed that was never sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_a_stopped_client_that_is_not_lost),
        SCENE_CASE(accepts_an_orphan_that_expires),
        SCENE_CASE(accepts_a_session_that_closes),
        SCENE_CASE(judges_a_session_that_is_lost_when_it_is_told),
        SCENE_CASE(rejects_an_expiry_before_the_timeout),
        SCENE_CASE(rejects_an_expiry_too_early_for_a_later_frame),
        SCENE_CASE(rejects_an_expiry_before_the_timeout_since_the_opening),
        SCENE_CASE(rejects_an_expiry_before_lost),
        SCENE_CASE(rejects_lost_too_late_on_the_clients_clock),
        SCENE_CASE(rejects_connected_after_lost),
        SCENE_CASE(rejects_trust_in_a_session_that_has_expired),
        SCENE_CASE(rejects_a_node_of_a_session_that_has_ended),
        SCENE_CASE(rejects_a_session_that_outlives_its_client),
        SCENE_CASE(rejects_a_confirmation_of_what_was_never_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
