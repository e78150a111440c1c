#include "support.h"

#include "fsm/state.h"

/* Goal: results keep what they show alive, and describe refusals with limit and size. */

static void test_lifetime(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_result kept;
    struct fsm_command command = {.op = make_set("/a", "second")};
    rig_init(&rig, NULL);
    fsm_result_init(&kept);
    rig_must(&rig, make_create("/a", "first"));
    fsm_slot_begin(rig.fsm, 2, NULL);
    fsm_apply(rig.fsm, &command, &kept);
    fsm_slot_end(rig.fsm);
    const struct fsm_op read[] = {make_get("/a")};
    rig_must(&rig, make_txn(NULL, 0, read, 1, NULL, 0));
    struct fsm_result moved = rig.result; /* a plain struct: it may be moved */
    fsm_result_init(&rig.result);
    rig_must(&rig, make_set("/a", "third"));
    rig_must(&rig, make_delete("/a"));
    rig_release(&rig);
    assert_text(moved.outcomes[0].data, "second");
    assert_text(kept.outcomes[0].path, "/a");
    assert_text(kept.changes[0].path, "/a");
    assert_text(fsm_node_data(kept.changes[0].before), "first");
    fsm_result_release(&kept);
    fsm_result_release(&moved);
    fsm_result_release(&moved);
}

static void test_clear(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", "first"));
    fsm_result_clear(&rig.result);
    assert_int_equal(rig.result.outcomes_count, 0);
    assert_int_equal(rig.result.changes_count, 0);
    assert_int_equal(rig.result.failed_index, -1);
    assert_true(rig.result.outcomes_capacity > 0);
    rig_release(&rig);
}

static void test_describe(void **state)
{
    (void)state;
    struct rig rig;
    struct cd_error error;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.atomic_nodes = 2;
    rig_init(&rig, &limits);
    rig_must(&rig, make_create("/a", ""));
    rig_must(&rig, make_create("/a/b", ""));
    rig_must(&rig, make_create("/a/c", ""));
    assert_int_equal(rig_apply(&rig, make_recursive("/a")), CD_TOO_MANY);
    fsm_outcome_describe(&rig.result.outcomes[0], &error);
    assert_int_equal(error.status, CD_TOO_MANY);
    assert_non_null(strstr(error.message, "come to 3, the limit atomic_nodes is 2"));
    assert_non_null(strstr(error.message, "smaller steps"));
    assert_int_equal(rig_apply(&rig, make_delete("/a")), CD_NOT_EMPTY);
    fsm_outcome_describe(&rig.result.outcomes[0], &error);
    assert_int_equal(error.status, CD_NOT_EMPTY);
    assert_string_equal(error.message, cd_status_text(CD_NOT_EMPTY));
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
