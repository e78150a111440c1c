#include "checkers/watches.h"

#include "tests/scene.h"

/*
 * Client 2 watches /d and all below it (watch 1, with values) and /d alone (watch 2). Client 1
 * makes /d (2), sets it (3), makes /d/x and /d/y in one transaction (4), sets /d/x (5), deletes
 * /d/y (6).
 */
enum { KINDS_DELETED = 1 << MODEL_DELETED };

static struct event *watch(struct scene *scene, uint64_t id, const char *path,
                           enum event_scope scope, uint64_t from)
{
    return scene_add(scene, (struct event){.kind = EV_WATCH,
                                           .client = 2,
                                           .watch = id,
                                           .path = path,
                                           .scope = scope,
                                           .with_data = true,
                                           .with_previous = true,
                                           .zxid = Z(from)});
}

static struct event *write_one(struct scene *scene, uint64_t op, enum model_kind kind,
                               const char *path, uint64_t zxid)
{
    struct event *event = scene_ask(scene, 1, op, kind, path, kind == MODEL_DELETE ? 0 : op);
    (void)scene_apply(scene, Z(1), op, op, Z(zxid));
    return event;
}

static struct event *tell(struct scene *scene, uint64_t watch_id, uint64_t zxid,
                          struct model_change change)
{
    return scene_change(
        scene, (struct event){.kind = EV_EVENT, .client = 2, .watch = watch_id, .zxid = Z(zxid)},
        change);
}

static struct event *mark(struct scene *scene, enum event_kind kind, uint64_t watch_id,
                          uint64_t zxid)
{
    return scene_add(scene,
                     (struct event){.kind = kind, .client = 2, .watch = watch_id, .zxid = Z(zxid)});
}

static const struct model_change d_made = {
    .kind = MODEL_CREATED, .path = "/d", .value = 1, .czxid = Z(2), .mzxid = Z(2)};
static const struct model_change d_set = {.kind = MODEL_CHANGED,
                                          .path = "/d",
                                          .value = 2,
                                          .previous = 1,
                                          .czxid = Z(2),
                                          .mzxid = Z(3),
                                          .version = 1};
static const struct model_change x_made = {
    .kind = MODEL_CREATED, .path = "/d/x", .value = 3, .czxid = Z(4), .mzxid = Z(4)};
static const struct model_change y_made = {
    .kind = MODEL_CREATED, .path = "/d/y", .value = 33, .czxid = Z(4), .mzxid = Z(4)};
static const struct model_change x_set = {.kind = MODEL_CHANGED,
                                          .path = "/d/x",
                                          .value = 4,
                                          .previous = 3,
                                          .czxid = Z(4),
                                          .mzxid = Z(5),
                                          .version = 1};
static const struct model_change y_gone = {
    .kind = MODEL_DELETED, .path = "/d/y", .previous = 33, .czxid = Z(4), .mzxid = Z(4)};

/* The writes, all applied before anybody is told: what is told in which order is for the tests. */
static void write_all(struct scene *scene)
{
    (void)scene_open(scene, 1, Z(1), 1000);
    (void)watch(scene, 1, "/d", SCOPE_SUBTREE, 1);
    (void)watch(scene, 2, "/d", SCOPE_NODE, 1);
    (void)write_one(scene, 1, MODEL_CREATE, "/d", 2);
    (void)write_one(scene, 2, MODEL_SET, "/d", 3);
    struct event *ask = write_one(scene, 3, MODEL_CREATE, "/d/x", 4);
    struct model_command *command = scene_command(scene, ask);
    command->is_txn = true;
    command->then_steps[1] = command->then_steps[0];
    command->then_steps[1].value = 33;
    command->then_steps[1].path[3] = 'y';
    command->then_count = 2;
    (void)write_one(scene, 4, MODEL_SET, "/d/x", 5);
    (void)write_one(scene, 5, MODEL_DELETE, "/d/y", 6);
}

struct told {
    struct event *d_made[2], *d_set[2], *x_made, *y_made, *x_set, *y_gone, *bookmark;
};

static struct told story(struct scene *scene)
{
    struct told told = {0};
    write_all(scene);
    told.d_made[0] = tell(scene, 1, 2, d_made);
    told.d_made[1] = tell(scene, 2, 2, d_made);
    told.d_set[0] = tell(scene, 1, 3, d_set);
    told.d_set[1] = tell(scene, 2, 3, d_set);
    told.y_made = tell(scene, 1, 4, y_made); /* within a zxid paths may come in any order */
    told.x_made = tell(scene, 1, 4, x_made);
    told.x_set = tell(scene, 1, 5, x_set);
    told.y_gone = tell(scene, 1, 6, y_gone);
    told.bookmark = mark(scene, EV_BOOKMARK, 0, 6);
    return told;
}

static void swap(struct event *a, struct event *b)
{
    struct event other = *a;
    *a = *b;
    *b = other;
}

static void accepts_the_story(void **state)
{
    (void)story(*state);
    ACCEPTED(*state, watches_check);
}

static void accepts_filters(void **state)
{
    struct scene *scene = *state;
    (void)scene_open(scene, 1, Z(1), 1000);
    watch(scene, 1, "/d", SCOPE_CHILDREN, 1)->kinds = KINDS_DELETED;
    (void)write_one(scene, 1, MODEL_CREATE, "/d", 2);
    (void)write_one(scene, 2, MODEL_CREATE, "/d/y", 3);
    (void)write_one(scene, 3, MODEL_CREATE, "/d/y/z", 4);
    (void)write_one(scene, 4, MODEL_DELETE, "/d/y/z", 5);
    (void)write_one(scene, 5, MODEL_DELETE, "/d/y", 6);
    struct model_change gone = y_gone;
    gone.previous = 2;
    gone.czxid = gone.mzxid = Z(3);
    (void)tell(scene, 1, 6, gone);
    (void)mark(scene, EV_COMPLETE_TO, 0, 6);
    ACCEPTED(scene, watches_check);
}

static void accepts_what_resync_covers(void **state)
{
    struct scene *scene = *state;
    struct told told = story(scene);
    told.d_made[0]->kind = told.d_made[1]->kind = told.d_set[0]->kind = told.d_set[1]->kind = 0;
    *told.d_set[0] = (struct event){
        .kind = EV_RESYNC, .client = 2, .watch = 1, .zxid = Z(3), .at_us = told.d_set[0]->at_us};
    *told.d_set[1] = *told.d_set[0];
    told.d_set[1]->watch = 2;
    ACCEPTED(scene, watches_check);
    told.d_set[1]->kind = 0;
    REJECTED(scene, watches_check, "should have been told of /d before");
}

static void accepts_what_lagged_covers_and_a_watch_set_again(void **state)
{
    struct scene *scene = *state;
    write_all(scene);
    (void)tell(scene, 1, 2, d_made);
    (void)tell(scene, 2, 2, d_made);
    (void)mark(scene, EV_LAGGED, 1, 2);
    (void)tell(scene, 2, 3, d_set);
    (void)mark(scene, EV_BOOKMARK, 0, 6); /* watch 1 is not meant */
    struct event *again = watch(scene, 1, "/d", SCOPE_SUBTREE, 2);
    again->again = true;
    struct event *late = tell(scene, 1, 3, d_set); /* behind what watch 2 was told */
    (void)mark(scene, EV_WATCHED, 1, 0);
    (void)tell(scene, 1, 4, x_made);
    (void)tell(scene, 1, 4, y_made);
    (void)tell(scene, 1, 5, x_set);
    (void)tell(scene, 1, 6, y_gone);
    (void)mark(scene, EV_BOOKMARK, 0, 6);
    ACCEPTED(scene, watches_check);
    late->kind = 0;
    REJECTED(scene, watches_check, "should have been told of /d before");
}

/* Only a session's answers wait until its watches stand on the new stream. */
static void accepts_an_answer_before_a_watch_without_a_session(void **state)
{
    struct scene *scene = *state;
    write_all(scene);
    (void)mark(scene, EV_LINKED, 0, 0);
    struct event *resumed = mark(scene, EV_RESUMED, 0, 0);
    resumed->session = Z(1);
    watch(scene, 1, "/d", SCOPE_SUBTREE, 1)->again = true;
    watch(scene, 2, "/d", SCOPE_NODE, 1)->again = true;
    struct event *ask = scene_ask(scene, 2, 9, MODEL_EXISTS, "/zz", 0);
    (void)ask;
    (void)scene_answer(scene, 2, 9, Z(6), (struct model_result){.code = MODEL_NO_NODE});
    (void)tell(scene, 1, 2, d_made);
    (void)tell(scene, 2, 2, d_made);
    (void)mark(scene, EV_WATCHED, 1, 0);
    (void)mark(scene, EV_WATCHED, 2, 0);
    REJECTED(scene, watches_check, "should have been told of /d before");
    resumed->kind = 0;
    ACCEPTED(scene, watches_check);
}

static void accepts_what_an_identity_may_not_see(void **state)
{
    struct scene *scene = *state;
    (void)scene_open(scene, 1, Z(1), 1000);
    watch(scene, 1, "/d", SCOPE_NODE, 1)->identity = 3;
    (void)write_one(scene, 1, MODEL_CREATE, "/d", 2);
    struct event *change =
        scene_change(scene, (struct event){.kind = EV_CHANGE, .replica = 1, .zxid = Z(2)}, d_made);
    change->denied = 1 << 3;
    (void)mark(scene, EV_BOOKMARK, 0, 2);
    ACCEPTED(scene, watches_check);
    scene->items[scene->count - 1].kind = 0;
    (void)tell(scene, 1, 2, d_made);
    REJECTED(scene, watches_check, "must not see");
}

static void rejects_a_missing_event(void **state)
{
    struct told told = story(*state);
    told.x_set->kind = 0;
    REJECTED(*state, watches_check, "should have been told of /d/x before");
}

static void rejects_a_missing_last_event(void **state)
{
    struct told told = story(*state);
    told.y_gone->kind = 0;
    REJECTED(*state, watches_check, "should have been told of /d/y before");
}

static void rejects_a_transaction_that_is_split(void **state)
{
    struct told told = story(*state);
    swap(told.x_made, told.x_set);
    REJECTED(*state, watches_check, "should have been told of /d/x before");
}

static void rejects_a_reply_within_a_transaction(void **state)
{
    struct scene *scene = *state;
    write_all(scene);
    (void)tell(scene, 1, 2, d_made);
    (void)tell(scene, 2, 2, d_made);
    (void)tell(scene, 1, 3, d_set);
    (void)tell(scene, 2, 3, d_set);
    (void)tell(scene, 1, 4, x_made);
    (void)scene_ask(scene, 2, 9, MODEL_EXISTS, "/d/y", 0);
    (void)scene_answer(scene, 2, 9, Z(4),
                       (struct model_result){.exists = true, .czxid = Z(4), .mzxid = Z(4)});
    (void)tell(scene, 1, 4, y_made);
    REJECTED(scene, watches_check, "should have been told of /d/y before");
}

static void rejects_events_out_of_order(void **state)
{
    struct told told = story(*state);
    swap(told.d_made[0], told.d_set[0]);
    REJECTED(*state, watches_check, "should have been told of /d before");
}

static void rejects_an_event_twice(void **state)
{
    struct told told = story(*state);
    *told.d_set[1] = *told.d_set[0];
    REJECTED(*state, watches_check, "an event twice");
}

static void rejects_an_event_outside_of_the_scope(void **state)
{
    struct told told = story(*state);
    told.x_set->watch = 2;
    REJECTED(*state, watches_check, "no change that the watch is about");
}

static void rejects_an_event_of_no_change(void **state)
{
    struct told told = story(*state);
    *told.bookmark = *told.y_gone;
    told.bookmark->zxid = Z(7);
    REJECTED(*state, watches_check, "no change that the watch is about");
}

static void rejects_other_values(void **state)
{
    struct scene *scene = *state;
    struct told told = story(scene);
    struct model_change *change = &scene->changes[told.x_set - scene->items];
    change->value = 3;
    REJECTED(scene, watches_check, "another value");
    *change = x_set;
    change->previous = 0;
    REJECTED(scene, watches_check, "another previous value");
    *change = x_set;
    change->version = 2;
    REJECTED(scene, watches_check, "another stat");
    *change = x_set;
    change->kind = MODEL_CREATED;
    REJECTED(scene, watches_check, "another kind");
}

static void rejects_a_bookmark_that_is_early(void **state)
{
    struct told told = story(*state);
    swap(told.bookmark, told.y_gone);
    REJECTED(*state, watches_check, "should have been told of /d/y before");
}

static void rejects_a_bookmark_of_the_future(void **state)
{
    struct told told = story(*state);
    told.bookmark->zxid = Z(9);
    REJECTED(*state, watches_check, "no replica had applied");
}

/* A client that hears of its own write, or reads it, before the event (R18). */
static void rejects_a_reply_before_the_event(void **state)
{
    struct scene *scene = *state;
    struct told told = story(scene);
    (void)scene_ask(scene, 2, 9, MODEL_EXISTS, "/d/y", 0);
    (void)scene_answer(scene, 2, 9, Z(6), (struct model_result){.exists = false});
    ACCEPTED(scene, watches_check);
    struct event late = *told.y_gone;
    told.y_gone->kind = told.bookmark->kind = 0;
    late.at_us = 0;
    (void)scene_add(scene, late);
    REJECTED(scene, watches_check, "should have been told of /d/y before");
}

static void rejects_an_event_before_its_change(void **state)
{
    struct scene *scene = *state;
    struct told told = story(scene);
    struct event *applied = scene_find(scene, EV_APPLIED, 5);
    struct event late = *applied;
    applied->kind = told.bookmark->kind = 0;
    late.at_us = 0;
    (void)scene_add(scene, late);
    REJECTED(scene, watches_check, "an event came before its change");
}

static void rejects_an_event_after_lagged(void **state)
{
    struct scene *scene = *state;
    struct told told = story(scene);
    *told.x_set = (struct event){
        .kind = EV_LAGGED, .client = 2, .watch = 1, .zxid = Z(5), .at_us = told.x_set->at_us};
    told.x_set->zxid = Z(4);
    REJECTED(scene, watches_check, "for a watch that is not set");
}

static void rejects_a_watch_set_again_above_lagged(void **state)
{
    struct scene *scene = *state;
    write_all(scene);
    (void)mark(scene, EV_LAGGED, 1, 1);
    watch(scene, 1, "/d", SCOPE_SUBTREE, 4)->again = true;
    REJECTED(scene, watches_check, "above the point of LAGGED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_CASE(accepts_the_story),
        SCENE_CASE(accepts_filters),
        SCENE_CASE(accepts_what_resync_covers),
        SCENE_CASE(accepts_what_lagged_covers_and_a_watch_set_again),
        SCENE_CASE(accepts_an_answer_before_a_watch_without_a_session),
        SCENE_CASE(accepts_what_an_identity_may_not_see),
        SCENE_CASE(rejects_a_missing_event),
        SCENE_CASE(rejects_a_missing_last_event),
        SCENE_CASE(rejects_a_transaction_that_is_split),
        SCENE_CASE(rejects_a_reply_within_a_transaction),
        SCENE_CASE(rejects_events_out_of_order),
        SCENE_CASE(rejects_an_event_twice),
        SCENE_CASE(rejects_an_event_outside_of_the_scope),
        SCENE_CASE(rejects_an_event_of_no_change),
        SCENE_CASE(rejects_other_values),
        SCENE_CASE(rejects_a_bookmark_that_is_early),
        SCENE_CASE(rejects_a_bookmark_of_the_future),
        SCENE_CASE(rejects_a_reply_before_the_event),
        SCENE_CASE(rejects_an_event_before_its_change),
        SCENE_CASE(rejects_an_event_after_lagged),
        SCENE_CASE(rejects_a_watch_set_again_above_lagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
