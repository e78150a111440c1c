#include "checkers/once.h"

#include "tests/scene.h"

static struct event *reply(struct scene *scene, uint64_t op, uint64_t zxid, int code)
{
    struct event *event =
        scene_add(scene, (struct event){.kind = EV_REPLY, .client = 1, .op = op, .zxid = zxid});
    scene_shown(scene, event)->code = code;
    event->shown = scene_shown(scene, event);
    return event;
}

static void accepts_the_story(void **state)
{
    scene_story(*state);
    ACCEPTED(*state, once_check);
    ACCEPTED(*state, order_check);
}

static void accepts_unknown_outcomes_either_way(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_add(
        scene, (struct event){.kind = EV_RETURN, .client = 2, .op = 7, .outcome = OUTCOME_UNKNOWN});
    (void)scene_ask(scene, 2, 9, MODEL_SET, "/a", 9);
    (void)scene_add(
        scene, (struct event){.kind = EV_RETURN, .client = 2, .op = 9, .outcome = OUTCOME_UNKNOWN});
    ACCEPTED(scene, once_check);
}

static void accepts_a_kept_reply_given_again(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    enum { BUSY = 14 };
    (void)reply(scene, 6, 0, BUSY);
    (void)reply(scene, 6, Z(5), MODEL_BAD_VERSION);
    (void)reply(scene, 6, Z(5), MODEL_BAD_VERSION);
    ACCEPTED(scene, once_check);
}

static void rejects_a_lost_acknowledged_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_APPLIED, 6)->kind = 0; /* it took no zxid: nothing else misses it */
    REJECTED(scene, once_check, "acknowledged and is nowhere");
}

static void rejects_a_write_that_was_said_never_to_be(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_add(
        scene,
        (struct event){.kind = EV_RETURN, .client = 2, .op = 7, .outcome = OUTCOME_NOT_APPLIED});
    REJECTED(scene, once_check, "said never to be");
}

static void rejects_another_answer_to_the_same_write(void **state)
{
    scene_story(*state);
    (void)reply(*state, 6, Z(6), MODEL_BAD_VERSION);
    REJECTED(*state, once_check, "two different answers");
}

static void rejects_another_code_given_again(void **state)
{
    scene_story(*state);
    (void)reply(*state, 6, Z(5), MODEL_OK);
    REJECTED(*state, once_check, "two different answers");
}

static void rejects_an_answer_before_the_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *applied = scene_find(scene, EV_APPLIED, 7);
    struct event later = *applied;
    applied->kind = 0;
    (void)scene_answer(scene, 2, 7, Z(6), (struct model_result){.version = 3});
    later.at_us = 0;
    (void)scene_add(scene, later);
    REJECTED(scene, once_check, "before it was applied");
}

static void rejects_a_write_before_it_was_asked_for(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *ask = scene_find(scene, EV_INVOKE, 7);
    struct event later = *ask;
    ask->kind = 0;
    later.at_us = 0;
    (void)scene_add(scene, later);
    (void)scene_answer(scene, 2, 7, Z(6), (struct model_result){.version = 3});
    REJECTED(scene, once_check, "before anybody asked");
}

static void rejects_two_returns(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event again = *scene_find(scene, EV_RETURN, 3);
    again.at_us = 0;
    (void)scene_add(scene, again);
    REJECTED(scene, once_check, "returned twice");
}

/* ---- Order ---- */

static void rejects_a_gap_in_a_session(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_APPLIED, 3)->seq = 3;
    REJECTED(*state, order_check, "seq 3 took effect where 2 was next");
}

static void rejects_a_session_that_does_not_begin_with_1(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_APPLIED, 5)->seq = 2;
    REJECTED(*state, order_check, "seq 2 took effect where 1 was next");
}

static void rejects_writes_against_the_order_of_sending(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_ask(scene, 1, 9, MODEL_SET, "/a", 9);
    (void)scene_ask(scene, 1, 10, MODEL_SET, "/a", 10);
    (void)scene_apply(scene, Z(1), 4, 10, Z(7));
    (void)scene_apply(scene, Z(1), 5, 9, Z(8));
    REJECTED(scene, order_check, "against the order of their sending");
}

static void rejects_a_write_after_the_session(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_cause(scene, CAUSE_EXPIRE, Z(1), Z(7));
    (void)scene_ask(scene, 1, 9, MODEL_SET, "/a", 9);
    (void)scene_apply(scene, Z(1), 4, 9, Z(8));
    REJECTED(scene, order_check, "a session that had ended");
}

static void rejects_a_session_that_was_never_opened(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_ask(scene, 1, 9, MODEL_SET, "/a", 9);
    (void)scene_apply(scene, Z(5), 1, 9, Z(7));
    REJECTED(scene, order_check, "never opened");
}

static void rejects_two_clients_in_one_session(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_ask(scene, 2, 9, MODEL_SET, "/a", 9);
    (void)scene_apply(scene, Z(1), 4, 9, Z(7));
    REJECTED(scene, order_check, "two clients write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_unknown_outcomes_either_way),
        SCENE_CASE(accepts_a_kept_reply_given_again),
        SCENE_CASE(rejects_a_lost_acknowledged_write),
        SCENE_CASE(rejects_a_write_that_was_said_never_to_be),
        SCENE_CASE(rejects_another_answer_to_the_same_write),
        SCENE_CASE(rejects_another_code_given_again),
        SCENE_CASE(rejects_an_answer_before_the_write),
        SCENE_CASE(rejects_a_write_before_it_was_asked_for),
        SCENE_CASE(rejects_two_returns),
        SCENE_CASE(rejects_a_gap_in_a_session),
        SCENE_CASE(rejects_a_session_that_does_not_begin_with_1),
        SCENE_CASE(rejects_writes_against_the_order_of_sending),
        SCENE_CASE(rejects_a_write_after_the_session),
        SCENE_CASE(rejects_a_session_that_was_never_opened),
        SCENE_CASE(rejects_two_clients_in_one_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
