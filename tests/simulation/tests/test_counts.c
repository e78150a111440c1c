#include "checkers/counts.h"

#include "tests/scene.h"

static struct counts counted;

static bool count(const struct truth *truth, struct verdict *verdict)
{
    (void)verdict;
    counted = (struct counts){0};
    counts_add(&counted, truth);
    return true;
}

static void counts_what_the_story_shows(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    (void)scene_add(scene, (struct event){.kind = EV_RESYNC, .client = 1, .watch = 1});
    (void)scene_add(scene, (struct event){.kind = EV_INSTALLED, .replica = 1});
    (void)scene_cause(scene, CAUSE_EXPIRE, Z(1), Z(7));
    ACCEPTED(scene, count);
    assert_int_equal(counted.of[COUNTS_OPERATIONS], 7);
    assert_int_equal(counted.of[COUNTS_TRANSACTIONS], 1);
    assert_int_equal(counted.of[COUNTS_RESYNCS], 1);
    assert_int_equal(counted.of[COUNTS_INSTALLS], 1);
    assert_int_equal(counted.of[COUNTS_EXPIRIES], 1);
    assert_int_equal(counted.of[COUNTS_RESUMES], 0);
    assert_int_equal(counted.of[COUNTS_KEPT_REPLIES], 0);
}

/* A reply counts as kept if the stream began after its write was applied, not before. */
static void counts_kept_replies(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event resumed = {.kind = EV_RESUMED, .client = 2, .session = Z(2)};
    (void)scene_add(scene, resumed);
    (void)scene_answer(scene, 2, 7, Z(6), (struct model_result){.version = 3});
    (void)scene_ask(scene, 2, 9, MODEL_SET, "/a", 9);
    (void)scene_apply(scene, Z(2), 3, 9, Z(7));
    (void)scene_answer(scene, 2, 9, Z(7), (struct model_result){.version = 4});
    ACCEPTED(scene, count);
    assert_int_equal(counted.of[COUNTS_RESUMES], 1);
    assert_int_equal(counted.of[COUNTS_KEPT_REPLIES], 1);
}

/* One expiry, seen by three replicas and met again in another life of one. */
static void counts_an_expiry_once(void **state)
{
    struct scene *scene = *state;
    scene_story(scene);
    struct event expired = *scene_cause(scene, CAUSE_EXPIRE, Z(1), Z(7));
    for (uint32_t replica = 2; replica <= 3; replica++) {
        expired.replica = replica;
        (void)scene_add(scene, expired);
    }
    (void)scene_add(scene, expired);
    ACCEPTED(scene, count);
    assert_int_equal(counted.of[COUNTS_EXPIRIES], 1);
}

static void rejects_any_zero(void **state)
{
    (void)state;
    struct counts full;
    for (size_t i = 0; i < COUNTS_COUNT; i++) {
        full.of[i] = i + 1;
    }
    struct verdict verdict;
    verdict_init(&verdict);
    assert_true(counts_check(&full, &verdict));
    for (size_t i = 0; i < COUNTS_COUNT; i++) {
        struct counts one_missing = full;
        one_missing.of[i] = 0;
        verdict_init(&verdict);
        assert_false(counts_check(&one_missing, &verdict));
        assert_non_null(strstr(verdict.why, "counts: no "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(counts_what_the_story_shows),
        SCENE_CASE(counts_kept_replies),
        SCENE_CASE(counts_an_expiry_once),
        SCENE_CASE(rejects_any_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
