#include "tests/scene.h"

/* A second replica that applies what replica 1 did in `slot`; its event may be changed. */
static struct event *apply_too(struct scene *scene, uint64_t slot)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].kind == EV_APPLIED && scene->items[i].slot == slot) {
            struct event event = scene->items[i];
            event.replica = 2;
            event.at_us = 0;
            return scene_add(scene, event);
        }
    }
    fail_msg("no such slot");
    return NULL;
}

static void accepts_the_story(void **state)
{
    scene_story(*state);
    ACCEPTED(*state, NULL);
    (void)apply_too(*state, 3);
    (void)apply_too(*state, 4);
    ACCEPTED(*state, NULL);
}

static void accepts_what_was_dropped_and_given_again(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *again = scene_apply(scene, Z(1), 2, 3, Z(4));
    again->changed = false;
    struct event *early = scene_apply(scene, Z(1), 9, 0, Z(6));
    early->changed = false;
    early->dropped = true;
    ACCEPTED(scene, NULL);
}

static void rejects_replicas_that_disagree(void **state)
{
    scene_story(*state);
    apply_too(*state, 3)->code = MODEL_NO_PARENT;
    REJECTED(*state, NULL, "different things at one place");
}

static void rejects_a_gap_of_zxids(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_APPLIED, 7)->zxid = Z(7);
    REJECTED(*state, NULL, "zxids do not follow");
}

static void rejects_a_write_nobody_asked_for(void **state)
{
    scene_story(*state);
    (void)scene_apply(*state, Z(2), 3, 0, Z(7));
    REJECTED(*state, NULL, "nobody asked for");
}

static void rejects_another_code_than_the_models(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_APPLIED, 6)->code = MODEL_NOT_EMPTY;
    REJECTED(*state, NULL, "another code");
}

static void rejects_a_write_carried_out_twice(void **state)
{
    scene_story(*state);
    (void)scene_apply(*state, Z(1), 2, 3, Z(7));
    REJECTED(*state, NULL, "applied twice");
}

static void rejects_what_was_dropped_and_yet_changed_something(void **state)
{
    scene_story(*state);
    scene_apply(*state, Z(1), 9, 0, Z(7))->dropped = true;
    REJECTED(*state, NULL, "dropped changed");
}

static void rejects_an_operation_answered_to_another_client(void **state)
{
    scene_story(*state);
    scene_find(*state, EV_RETURN, 3)->client = 2;
    REJECTED(*state, NULL, "this client did not ask");
}

/* ---- Changes ---- */

/* Session 1 makes /e, ephemeral, and expires; the changes are told. */
static void story_of_changes(struct scene *scene)
{
    (void)scene_open(scene, 1, Z(1), 1000);
    (void)scene_open(scene, 2, Z(2), 1000);
    struct event *ask = scene_ask(scene, 1, 1, MODEL_CREATE, "/e", 1);
    scene_command(scene, ask)->then_steps[0].node_kind = MODEL_EPHEMERAL;
    (void)scene_apply(scene, Z(1), 1, 1, Z(3));
    struct model_change change = {.kind = MODEL_CREATED,
                                  .path = "/e",
                                  .value = 1,
                                  .czxid = Z(3),
                                  .mzxid = Z(3),
                                  .owner = Z(1),
                                  .node_kind = MODEL_EPHEMERAL};
    struct event event = {.kind = EV_CHANGE, .replica = 1, .zxid = Z(3)};
    (void)scene_change(scene, event, change);
    (void)scene_cause(scene, CAUSE_EXPIRE, Z(1), Z(4));
    change.kind = MODEL_DELETED;
    change.value = 0;
    change.previous = 1;
    event.zxid = Z(4);
    (void)scene_change(scene, event, change);
}

static struct event *nth_change(struct scene *scene, size_t n, struct model_change **ret_change)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].kind == EV_CHANGE && n-- == 0) {
            *ret_change = &scene->changes[i];
            return &scene->items[i];
        }
    }
    fail_msg("no such change");
    return NULL;
}

static void accepts_changes(void **state)
{
    story_of_changes(*state);
    ACCEPTED(*state, NULL);
}

static void rejects_a_change_with_another_value(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    (void)nth_change(*state, 0, &change);
    change->value = 2;
    REJECTED(*state, NULL, "left another value");
}

static void rejects_a_change_with_another_previous_value(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    (void)nth_change(*state, 1, &change);
    change->previous = 2;
    REJECTED(*state, NULL, "found another value");
}

static void rejects_a_change_with_another_stat(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    (void)nth_change(*state, 0, &change);
    change->mzxid = Z(2);
    REJECTED(*state, NULL, "another stat");
}

static void rejects_a_change_by_one_of_two_replicas(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    struct event told = *nth_change(*state, 0, &change);
    struct model_change other = *change;
    (void)apply_too(*state, 3);
    other.value = 9;
    told.replica = 2;
    told.at_us = 0;
    (void)scene_change(*state, told, other);
    REJECTED(*state, NULL, "changed different things");
}

static void rejects_a_change_that_is_not_told(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    nth_change(*state, 0, &change)->kind = 0;
    REJECTED(*state, NULL, "more or fewer nodes");
}

static void rejects_a_node_that_goes_with_another_session(void **state)
{
    struct scene *scene = *state;
    story_of_changes(scene);
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].cause == CAUSE_EXPIRE) {
            scene->items[i].session = Z(2);
        }
    }
    REJECTED(scene, NULL, "does not own it");
}

static void rejects_a_node_that_outlives_its_session(void **state)
{
    struct model_change *change = NULL;
    story_of_changes(*state);
    nth_change(*state, 1, &change)->kind = 0;
    REJECTED(*state, NULL, "left nodes behind");
}

/* Without the end of any session. */
static void rejects_an_ephemeral_node_that_is_reaped(void **state)
{
    struct scene *scene = *state;
    story_of_changes(scene);
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].cause == CAUSE_EXPIRE) {
            scene->items[i].cause = CAUSE_REAP;
        }
    }
    REJECTED(scene, NULL, "neither container nor TTL");
}

static void rejects_an_opening_that_changes_nodes(void **state)
{
    struct scene *scene = *state;
    story_of_changes(scene);
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->items[i].cause == CAUSE_EXPIRE) {
            scene->items[i].cause = CAUSE_OTHER;
        }
    }
    REJECTED(scene, NULL, "it changed nodes");
}

static void rejects_a_persistent_node_that_is_reaped(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_cause(scene, CAUSE_REAP, 0, Z(7))->path = "/b";
    REJECTED(scene, NULL, "neither container nor TTL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_what_was_dropped_and_given_again),
        SCENE_CASE(rejects_replicas_that_disagree),
        SCENE_CASE(rejects_a_gap_of_zxids),
        SCENE_CASE(rejects_a_write_nobody_asked_for),
        SCENE_CASE(rejects_another_code_than_the_models),
        SCENE_CASE(rejects_a_write_carried_out_twice),
        SCENE_CASE(rejects_what_was_dropped_and_yet_changed_something),
        SCENE_CASE(rejects_an_operation_answered_to_another_client),
        SCENE_CASE(accepts_changes),
        SCENE_CASE(rejects_a_change_with_another_value),
        SCENE_CASE(rejects_a_change_with_another_previous_value),
        SCENE_CASE(rejects_a_change_with_another_stat),
        SCENE_CASE(rejects_a_change_by_one_of_two_replicas),
        SCENE_CASE(rejects_a_change_that_is_not_told),
        SCENE_CASE(rejects_a_node_that_goes_with_another_session),
        SCENE_CASE(rejects_a_node_that_outlives_its_session),
        SCENE_CASE(rejects_an_ephemeral_node_that_is_reaped),
        SCENE_CASE(rejects_an_opening_that_changes_nodes),
        SCENE_CASE(rejects_a_persistent_node_that_is_reaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
