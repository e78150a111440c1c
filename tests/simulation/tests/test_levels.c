#include "checkers/levels.h"

#include "tests/scene.h"

/* What /a shows at that zxid of the story. */
static struct model_result at(uint64_t zxid)
{
    static const uint64_t values[] = {0, 0, 0, 1, 3, 5, 7};
    return (struct model_result){
        .value = values[zxid], .czxid = Z(3), .mzxid = Z(zxid), .version = (int64_t)zxid - 3};
}

/* A read that is asked for and answered behind the story. */
static void read_a(struct scene *scene, enum event_level level, uint64_t zxid)
{
    scene_ask(scene, 1, 20, MODEL_GET, "/a", 0)->level = level;
    (void)scene_answer(scene, 1, 20, Z(zxid), at(zxid));
}

static void accepts_the_story(void **state)
{
    scene_story(*state);
    read_a(*state, LEVEL_SESSION, 6);
    ACCEPTED(*state, levels_check);
}

static void accepts_an_old_read_of_who_has_seen_nothing_newer(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_ask(scene, 3, 20, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    (void)scene_answer(scene, 3, 20, Z(3), at(3));
    ACCEPTED(scene, levels_check);
}

static void accepts_a_read_sent_again_that_sees_a_later_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_ask(scene, 1, 20, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    (void)scene_ask(scene, 1, 21, MODEL_SET, "/a", 21);
    (void)scene_apply(scene, Z(1), 4, 21, Z(7));
    (void)scene_add(scene, (struct event){.kind = EV_UNLINKED, .client = 1});
    (void)scene_answer(
        scene, 1, 20, Z(7),
        (struct model_result){.value = 21, .czxid = Z(3), .mzxid = Z(7), .version = 4});
    ACCEPTED(scene, levels_check);
}

static void rejects_a_session_read_that_goes_back(void **state)
{
    scene_story(*state);
    read_a(*state, LEVEL_SESSION, 5); /* op 8 showed 6 */
    REJECTED(*state, levels_check, "older than what its client had seen");
}

static void rejects_a_session_read_older_than_an_event(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_add(scene, (struct event){.kind = EV_BOOKMARK, .client = 3, .zxid = Z(5)});
    scene_ask(scene, 3, 20, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    (void)scene_answer(scene, 3, 20, Z(4), at(4));
    REJECTED(scene, levels_check, "older than what its client had seen");
}

static void rejects_a_read_below_at_least(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *ret = scene_find(scene, EV_RETURN, 8);
    ret->zxid = Z(5);
    *scene_shown(scene, ret) = at(5);
    REJECTED(scene, levels_check, "older than what it asked for");
}

static void rejects_a_read_that_misses_its_own_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *ret = scene_find(scene, EV_RETURN, 4); /* sent behind op 3 */
    ret->zxid = Z(3);
    *scene_shown(scene, ret) = at(3);
    REJECTED(scene, levels_check, "misses a write that was sent before it");
}

/* R24 is about the session under which it went out last. */
static void accepts_that_a_read_without_the_session_misses_its_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event *ret = scene_find(scene, EV_RETURN, 4);
    ret->zxid = Z(3);
    *scene_shown(scene, ret) = at(3);
    (void)scene_add(scene,
                    (struct event){.kind = EV_SENT, .client = ret->client, .op = 4, .frame = 99});
    ACCEPTED(scene, levels_check);
}

static void send(struct scene *scene, uint64_t op, uint64_t frame)
{
    (void)scene_add(scene, (struct event){.kind = EV_SENT, .client = 4, .op = op, .frame = frame});
}

/* Without a session a stream's own order counts: the write was refused on the one before. */
static void judges_reads_without_a_session_by_their_stream(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_ask(scene, 4, 20, MODEL_SET, "/a", 20);
    scene_ask(scene, 4, 21, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    send(scene, 20, 90);
    send(scene, 21, 91);
    (void)scene_add(scene, (struct event){.kind = EV_LINKED, .client = 4});
    send(scene, 21, 92);
    size_t place = scene->count;
    send(scene, 20, 93);
    (void)scene_answer(scene, 4, 21, Z(6), at(6));
    (void)scene_apply(scene, 0, 0, 20, Z(7));
    ACCEPTED(scene, levels_check);
    struct event first = scene->items[place - 1];
    scene->items[place - 1] = scene->items[place];
    scene->items[place] = first;
    REJECTED(scene, levels_check, "misses a write that was sent before it");
}

static void rejects_an_at_least_read_that_misses_its_own_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    scene_find(scene, EV_INVOKE, 4)->level = LEVEL_AT_LEAST;
    scene_find(scene, EV_INVOKE, 4)->at_least = Z(3);
    struct event *ret = scene_find(scene, EV_RETURN, 4);
    ret->zxid = Z(3);
    *scene_shown(scene, ret) = at(3);
    REJECTED(scene, levels_check, "misses a write that was sent before it");
}

/* W1, R, W2 in one frame; R sees W2 (R24). */
static void rejects_a_session_read_that_sees_the_next_write(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_ask(scene, 1, 19, MODEL_SET, "/a", 19);
    scene_ask(scene, 1, 20, MODEL_GET, "/a", 0)->level = LEVEL_SESSION;
    (void)scene_ask(scene, 1, 21, MODEL_SET, "/a", 21);
    (void)scene_apply(scene, Z(1), 4, 19, Z(7));
    (void)scene_apply(scene, Z(1), 5, 21, Z(8));
    (void)scene_answer(
        scene, 1, 20, Z(8),
        (struct model_result){.value = 21, .czxid = Z(3), .mzxid = Z(8), .version = 5});
    REJECTED(scene, levels_check, "sees a write that was sent after it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_an_old_read_of_who_has_seen_nothing_newer),
        SCENE_CASE(accepts_a_read_sent_again_that_sees_a_later_write),
        SCENE_CASE(rejects_a_session_read_that_goes_back),
        SCENE_CASE(rejects_a_session_read_older_than_an_event),
        SCENE_CASE(rejects_a_read_below_at_least),
        SCENE_CASE(rejects_a_read_that_misses_its_own_write),
        SCENE_CASE(accepts_that_a_read_without_the_session_misses_its_write),
        SCENE_CASE(judges_reads_without_a_session_by_their_stream),
        SCENE_CASE(rejects_an_at_least_read_that_misses_its_own_write),
        SCENE_CASE(rejects_a_session_read_that_sees_the_next_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
