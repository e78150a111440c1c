#include "checkers/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Histories written by hand. Each good one is changed in one place to make a bad one. Operation n
 * begins at 100 n and ends at 100 n + 50 unless a test says otherwise.
 */

#define ZXID(counter) ((UINT64_C(1) << MODEL_GENERATION_SHIFT) + (counter))

enum { OPS = 6 };

struct fixture {
    struct history_op ops[OPS];
    size_t count;
    struct model_command commands[OPS];
    struct history_log log;
};

static struct model_command command(enum model_kind kind, const char *path, uint64_t value)
{
    struct model_command made = {.then_count = 1};
    made.then_steps[0] =
        (struct model_step){.kind = kind, .value = value, .version = MODEL_ANY_VERSION};
    (void)snprintf(made.then_steps[0].path, sizeof(made.then_steps[0].path), "%s", path);
    return made;
}

static struct history_op *add(struct fixture *f, enum model_kind kind, uint64_t zxid)
{
    struct history_op *op = &f->ops[f->count++];
    *op = (struct history_op){.number = f->count,
                              .client = 1,
                              .is_read = kind == MODEL_GET,
                              .level = HISTORY_LINEARIZABLE,
                              .invoked_us = 100 * f->count,
                              .returned_us = 100 * f->count + 50,
                              .outcome = HISTORY_ANSWERED,
                              .command = command(kind, "/a", kind == MODEL_GET ? 0 : f->count),
                              .shown = {.zxid = zxid, .czxid = ZXID(1)}};
    return op;
}

/* create /a = 1, set 2, get, set 4 (never answered, yet it happened), set 5, get. */
static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof(*f));
    struct history_op *op = add(f, MODEL_CREATE, ZXID(1));
    op->shown.changed = true;
    op->shown.mzxid = ZXID(1);
    (void)snprintf(op->shown.path, sizeof(op->shown.path), "/a");
    op = add(f, MODEL_SET, ZXID(2));
    op->shown.changed = true;
    op->shown.mzxid = ZXID(2);
    op->shown.version = 1;
    op = add(f, MODEL_GET, ZXID(2));
    op->shown.value = 2;
    op->shown.mzxid = ZXID(2);
    op->shown.version = 1;
    op = add(f, MODEL_SET, 0);
    op->outcome = HISTORY_UNKNOWN;
    op = add(f, MODEL_SET, ZXID(4));
    op->shown.changed = true;
    op->shown.mzxid = ZXID(4);
    op->shown.version = 3;
    op = add(f, MODEL_GET, ZXID(4));
    op->shown.value = 5;
    op->shown.mzxid = ZXID(4);
    op->shown.version = 3;
    static const size_t in_log[] = {0, 1, 3, 4};
    for (size_t i = 0; i < 4; i++) {
        f->commands[i] = f->ops[in_log[i]].command;
    }
    f->log = (struct history_log){.commands = f->commands, .count = 4, .generation = 1};
    *state = f;
    return 0;
}

static bool check(struct fixture *f, struct verdict *verdict)
{
    verdict_init(verdict);
    return history_check(f->ops, f->count, &f->log, verdict);
}

#define REJECTED(f, words)                                                                         \
    do {                                                                                           \
        struct verdict verdict_;                                                                   \
        assert_false(check(f, &verdict_));                                                         \
        if (strstr(verdict_.why, words) == NULL) {                                                 \
            fail_msg("rejected for another reason: %s", verdict_.why);                             \
        }                                                                                          \
    } while (0)

#define ACCEPTED(f)                                                                                \
    do {                                                                                           \
        struct verdict verdict_;                                                                   \
        if (!check(f, &verdict_)) {                                                                \
            fail_msg("%s", verdict_.why);                                                          \
        }                                                                                          \
    } while (0)

static void accepts_the_good_history(void **state)
{
    ACCEPTED((struct fixture *)*state);
}

static void accepts_an_unknown_write_that_never_happened(void **state)
{
    struct fixture *f = *state;
    f->commands[2] = f->commands[3];
    f->log.count = 3;
    f->ops[4].shown.zxid = f->ops[4].shown.mzxid = ZXID(3);
    f->ops[4].shown.version = 2;
    f->ops[5].shown.zxid = f->ops[5].shown.mzxid = ZXID(3);
    f->ops[5].shown.version = 2;
    ACCEPTED(f);
}

static void accepts_overlapping_operations_in_either_order(void **state)
{
    struct fixture *f = *state;
    f->ops[2].invoked_us = 110; /* the read ran beside the first set */
    f->ops[2].returned_us = 260;
    f->ops[2].shown =
        (struct model_result){.zxid = ZXID(1), .czxid = ZXID(1), .mzxid = ZXID(1), .value = 1};
    ACCEPTED(f);
}

static void accepts_an_old_session_read(void **state)
{
    struct fixture *f = *state;
    f->ops[5].level = HISTORY_SESSION;
    f->ops[5].client = 2;
    f->ops[5].at_least = ZXID(1);
    f->ops[5].shown = (struct model_result){
        .zxid = ZXID(2), .czxid = ZXID(1), .mzxid = ZXID(2), .value = 2, .version = 1};
    ACCEPTED(f);
}

static void accepts_a_refusal(void **state)
{
    struct fixture *f = *state;
    f->ops[5].is_read = false;
    f->ops[5].command = command(MODEL_CREATE, "/a", 6);
    f->ops[5].shown = (struct model_result){.code = MODEL_NODE_EXISTS, .zxid = ZXID(4)};
    ACCEPTED(f);
}

static void rejects_a_stale_read(void **state)
{
    struct fixture *f = *state;
    f->ops[5].shown = f->ops[2].shown;
    REJECTED(f, "had ended");
}

static void rejects_a_wrong_value(void **state)
{
    struct fixture *f = *state;
    f->ops[5].shown.value = 4;
    REJECTED(f, "value");
}

static void rejects_a_wrong_version(void **state)
{
    struct fixture *f = *state;
    f->ops[5].shown.version = 2; /* as if the unanswered write had not happened */
    REJECTED(f, "version");
}

static void rejects_a_lost_acknowledged_write(void **state)
{
    struct fixture *f = *state;
    f->log.count = 3;
    REJECTED(f, "lost");
}

static void rejects_an_acknowledged_write_replaced_by_another(void **state)
{
    struct fixture *f = *state;
    f->commands[3] = f->commands[2];
    f->commands[2] = f->ops[4].command;
    REJECTED(f, "which the log gives to");
}

static void rejects_a_write_that_happened_twice(void **state)
{
    struct fixture *f = *state;
    f->commands[4] = f->commands[3];
    f->log.count = 5;
    REJECTED(f, "times in the log");
}

static void rejects_a_write_that_was_said_not_to_happen(void **state)
{
    struct fixture *f = *state;
    f->ops[3].outcome = HISTORY_NOT_DONE;
    REJECTED(f, "times in the log");
}

static void rejects_a_command_from_nowhere(void **state)
{
    struct fixture *f = *state;
    f->commands[4] = command(MODEL_SET, "/a", 77);
    f->log.count = 5;
    REJECTED(f, "nobody sent");
}

static void rejects_writes_against_real_time(void **state)
{
    struct fixture *f = *state;
    f->ops[1].invoked_us = 400; /* set 2 begins after the read of it had ended */
    f->ops[1].returned_us = 450;
    REJECTED(f, "had ended");
}

static void rejects_a_session_read_that_goes_back(void **state)
{
    struct fixture *f = *state;
    f->ops[5].level = HISTORY_SESSION;
    f->ops[5].at_least = ZXID(4);
    f->ops[5].shown = f->ops[2].shown;
    REJECTED(f, "had seen");
}

static void rejects_a_read_that_misses_its_own_streams_write(void **state)
{
    struct fixture *f = *state;
    f->ops[5].level = HISTORY_SESSION;
    f->ops[5].after = 5; /* sent before it, answered after it */
    f->ops[4].returned_us = 700;
    f->ops[5].shown = f->ops[2].shown;
    REJECTED(f, "its stream had sent");
}

static void rejects_two_owners_of_a_zxid(void **state)
{
    struct fixture *f = *state;
    f->ops[3] = f->ops[4]; /* the same set sent twice, both said to be the second one */
    f->ops[3].number = 4;
    f->commands[2] = f->commands[3];
    REJECTED(f, "took zxid");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(accepts_the_good_history),
        CASE(accepts_an_unknown_write_that_never_happened),
        CASE(accepts_overlapping_operations_in_either_order),
        CASE(accepts_an_old_session_read),
        CASE(accepts_a_refusal),
        CASE(rejects_a_stale_read),
        CASE(rejects_a_wrong_value),
        CASE(rejects_a_wrong_version),
        CASE(rejects_a_lost_acknowledged_write),
        CASE(rejects_an_acknowledged_write_replaced_by_another),
        CASE(rejects_a_write_that_happened_twice),
        CASE(rejects_a_write_that_was_said_not_to_happen),
        CASE(rejects_a_command_from_nowhere),
        CASE(rejects_writes_against_real_time),
        CASE(rejects_a_session_read_that_goes_back),
        CASE(rejects_a_read_that_misses_its_own_streams_write),
        CASE(rejects_two_owners_of_a_zxid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
