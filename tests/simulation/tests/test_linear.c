#include "checkers/linear.h"

#include "tests/scene.h"

static void accepts_the_story(void **state)
{
    scene_story(*state);
    ACCEPTED(*state, linear_check);
}

static void accepts_an_unknown_write_that_never_happened(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_APPLIED, 7)->kind = 0;
    scene_find(*state, EV_INVOKE, 8)->kind = 0;
    scene_find(*state, EV_RETURN, 8)->kind = 0;
    ACCEPTED(*state, linear_check);
}

static void accepts_overlapping_operations_in_either_order(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *read = scene_find(scene, EV_INVOKE, 8);
    read->level = LEVEL_LINEARIZABLE; /* beside op 7, of which it sees nothing */
    struct event *ret = scene_find(scene, EV_RETURN, 8);
    ret->zxid = Z(5);
    *scene_shown(scene, ret) =
        (struct model_result){.value = 5, .czxid = Z(3), .mzxid = Z(5), .version = 2};
    ACCEPTED(scene, linear_check);
}

static void accepts_an_old_session_read(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_INVOKE, 8)->level = LEVEL_SESSION;
    struct event *ret = scene_find(scene, EV_RETURN, 8);
    ret->zxid = Z(4);
    *scene_shown(scene, ret) = *scene_shown(scene, scene_find(scene, EV_RETURN, 4));
    ACCEPTED(scene, linear_check);
}

static void rejects_a_stale_read(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_INVOKE, 8)->level = LEVEL_LINEARIZABLE;
    struct event *ret = scene_find(scene, EV_RETURN, 8);
    ret->zxid = Z(4); /* as op 3 left it; op 5 had been answered */
    *scene_shown(scene, ret) = *scene_shown(scene, scene_find(scene, EV_RETURN, 4));
    REJECTED(scene, linear_check, "after a newer state had been seen");
}

static void rejects_a_read_older_than_what_another_client_was_told(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_RETURN, 8)->kind = 0; /* it showed 6 too */
    (void)scene_add(scene, (struct event){.kind = EV_BOOKMARK, .client = 2, .zxid = Z(6)});
    (void)scene_ask(scene, 1, 9, MODEL_GET, "/a", 0);
    (void)scene_answer(
        scene, 1, 9, Z(5),
        (struct model_result){.value = 5, .czxid = Z(3), .mzxid = Z(5), .version = 2});
    REJECTED(scene, linear_check, "after a newer state had been seen");
}

static void rejects_a_wrong_value(void **state)
{
    scene_story(*state);
    scene_shown(*state, scene_find(*state, EV_RETURN, 2))->value = 2;
    REJECTED(*state, linear_check, "another value");
}

static void rejects_a_wrong_version(void **state)
{
    scene_story(*state);
    scene_shown(*state, scene_find(*state, EV_RETURN, 8))->version = 2;
    REJECTED(*state, linear_check, "another version");
}

static void rejects_the_wrong_branch(void **state)
{
    scene_story(*state);
    scene_shown(*state, scene_find(*state, EV_RETURN, 5))->succeeded = false;
    REJECTED(*state, linear_check, "another branch");
}

static void rejects_a_refusal_that_was_none(void **state)
{
    scene_story(*state);
    scene_shown(*state, scene_find(*state, EV_RETURN, 3))->code = MODEL_BAD_VERSION;
    REJECTED(*state, linear_check, "another code");
}

static void rejects_another_zxid(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_RETURN, 5)->zxid = Z(6);
    REJECTED(*state, linear_check, "another zxid than it has");
}

static void rejects_a_zxid_nobody_took(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_RETURN, 8)->zxid = Z(7);
    REJECTED(*state, linear_check, "no replica had applied");
}

static void rejects_a_read_of_the_future(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *applied = scene_find(scene, EV_APPLIED, 7);
    struct event late = *applied;
    applied->kind = 0;
    late.at_us = 0;
    (void)scene_add(scene, late);
    REJECTED(scene, linear_check, "no replica had applied");
}

/* The zxid that op 8 had seen, by somebody who asked later. */
static void rejects_a_write_that_takes_a_zxid_seen_before(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_APPLIED, 7)->op = 9;
    (void)scene_ask(scene, 2, 9, MODEL_SET, "/a", 7);
    (void)scene_answer(scene, 2, 9, Z(6),
                       (struct model_result){.czxid = Z(3), .mzxid = Z(6), .version = 3});
    REJECTED(scene, linear_check, "after a newer state had been seen");
}

static void rejects_writes_against_real_time(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    /* Op 7 took zxid 6 and op 9, asked for after op 10 had been answered with 8, takes 7. */
    (void)scene_ask(scene, 2, 10, MODEL_SET, "/b", 10);
    struct event *late = scene_ask(scene, 1, 9, MODEL_SET, "/b", 9);
    (void)scene_apply(scene, Z(1), 4, 9, Z(7));
    (void)scene_apply(scene, Z(2), 3, 10, Z(8));
    (void)scene_answer(scene, 2, 10, Z(8),
                       (struct model_result){.czxid = Z(5), .mzxid = Z(8), .version = 2});
    struct event moved = *late;
    late->kind = 0;
    moved.at_us = 0;
    struct event *asked = scene_add(scene, moved);
    asked->command = moved.command;
    (void)scene_answer(scene, 1, 9, Z(7),
                       (struct model_result){.czxid = Z(5), .mzxid = Z(7), .version = 1});
    REJECTED(scene, linear_check, "after a newer state had been seen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_an_unknown_write_that_never_happened),
        SCENE_CASE(accepts_overlapping_operations_in_either_order),
        SCENE_CASE(accepts_an_old_session_read),
        SCENE_CASE(rejects_a_stale_read),
        SCENE_CASE(rejects_a_read_older_than_what_another_client_was_told),
        SCENE_CASE(rejects_a_wrong_value),
        SCENE_CASE(rejects_a_wrong_version),
        SCENE_CASE(rejects_the_wrong_branch),
        SCENE_CASE(rejects_a_refusal_that_was_none),
        SCENE_CASE(rejects_another_zxid),
        SCENE_CASE(rejects_a_zxid_nobody_took),
        SCENE_CASE(rejects_a_read_of_the_future),
        SCENE_CASE(rejects_a_write_that_takes_a_zxid_seen_before),
        SCENE_CASE(rejects_writes_against_real_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
