#ifndef COORD_TESTS_SIMULATION_TESTS_SCENE_H
#define COORD_TESTS_SIMULATION_TESTS_SCENE_H

#include "checkers/truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Histories written by hand: good ones, in which a test then changes one thing. Each event is 1 ms
 * after the one before unless it has a time of its own; what is left without a kind is left out.
 */
enum { SCENE_EVENTS = 96 };

struct scene {
    struct event items[SCENE_EVENTS];
    struct model_command commands[SCENE_EVENTS];
    struct model_result results[SCENE_EVENTS];
    struct model_change changes[SCENE_EVENTS];
    struct model_queue queues[SCENE_EVENTS];
    size_t count;
    uint64_t at_us, slot, frame;
};

/* The zxid with that counter. */
#define Z(counter) ((UINT64_C(1) << MODEL_GENERATION_SHIFT) + (counter))

/* All return what they added, to be changed. */
struct event *scene_add(struct scene *scene, struct event event);
struct event *scene_ask(struct scene *scene, uint32_t client, uint64_t op, enum model_kind kind,
                        const char *path, uint64_t value);
/* By replica 1, in the next slot. zxid and changed are of a write that was carried out. */
struct event *scene_apply(struct scene *scene, uint64_t session, uint64_t seq, uint64_t op,
                          uint64_t zxid);
struct event *scene_cause(struct scene *scene, enum event_cause cause, uint64_t session,
                          uint64_t zxid);
struct event *scene_answer(struct scene *scene, uint32_t client, uint64_t op, uint64_t zxid,
                           struct model_result shown);
struct event *scene_open(struct scene *scene, uint32_t client, uint64_t session,
                         uint32_t timeout_ms);
struct event *scene_send(struct scene *scene, uint32_t client, uint64_t session);
struct event *scene_change(struct scene *scene, struct event event, struct model_change change);

/* What an event points to, to be changed. */
struct model_command *scene_command(struct scene *scene, struct event *event);
struct model_result *scene_shown(struct scene *scene, struct event *event);

/* The first event of that kind and operation; fails the test if there is none. */
struct event *scene_find(struct scene *scene, enum event_kind kind, uint64_t op);

/*
 * Two clients, sessions 1 and 2: op 1 creates /a = 1 (zxid 3), 2 gets it (client 2), 3 sets it to 3
 * (zxid 4), 4 gets it (SESSION), 5 is a transaction (client 2: if version 1, set to 5, create /b;
 * zxid 5), 6 is refused with BAD_VERSION, 7 (client 2) sets it to 7 (zxid 6) and is never answered,
 * 8 gets it (AT_LEAST 6).
 */
void scene_story(struct scene *scene);

typedef bool (*scene_check)(const struct truth *truth, struct verdict *verdict);

/* The log of the scene, judged. */
bool scene_judge(const struct scene *scene, scene_check check, struct verdict *verdict);

#define ACCEPTED(scene, check)                                                                     \
    do {                                                                                           \
        struct verdict verdict_;                                                                   \
        if (!scene_judge(scene, check, &verdict_)) {                                               \
            fail_msg("%s", verdict_.why);                                                          \
        }                                                                                          \
    } while (0)

/* For the reason that `words` name. */
#define REJECTED(scene, check, words)                                                              \
    do {                                                                                           \
        struct verdict verdict_;                                                                   \
        assert_false(scene_judge(scene, check, &verdict_));                                        \
        if (strstr(verdict_.why, words) == NULL) {                                                 \
            fail_msg("rejected for another reason: %s", verdict_.why);                             \
        }                                                                                          \
    } while (0)

/* cmocka's set-up: an empty scene as state. */
int scene_setup(void **state);

#define SCENE_CASE(name) cmocka_unit_test_setup(name, scene_setup)

#endif
