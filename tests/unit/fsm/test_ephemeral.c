#include "support.h"

#include "fsm/ephemeral.h"
#include "fsm/path.h"

#include <stdio.h>

/* Goal: the nodes of a session, in the order of their paths, through every way they come and go. */

static void assert_nodes(const struct fsm *fsm, uint64_t session, const char *expected)
{
    char paths[256] = "";
    size_t bytes = 0;
    uint64_t count = 0;
    struct fsm_node *node = fsm_ephemeral_next(fsm, session, text(""));
    for (; node != NULL; node = fsm_ephemeral_next(fsm, session, fsm_node_key(node))) {
        struct fsm_bytes key = fsm_node_key(node);
        memcpy(paths + bytes, key.data, key.bytes);
        bytes += key.bytes;
        paths[bytes++] = ' ';
        count++;
    }
    paths[bytes > 0 ? bytes - 1 : 0] = '\0';
    assert_string_equal(paths, expected);
    assert_int_equal(fsm_session_set_find(&fsm->sessions, session)->ephemerals, count);
    fsm_check(fsm);
}

static void test_index(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, NULL);
    uint64_t a = rig_open(&rig);
    uint64_t b = rig_open(&rig);
    rig_must(&rig, make_create("/d", ""));
    rig_write(&rig, a, 1, make_ephemeral("/z", ""));
    rig_write(&rig, a, 2, make_ephemeral("/d/b", ""));
    rig_write(&rig, b, 1, make_ephemeral("/d/a", ""));
    rig_write(&rig, a, 3, make_ephemeral("/d-", ""));
    rig_write(&rig, b, 2, make_create("/p", ""));
    assert_nodes(rig.fsm, a, "/d/b /d- /z");
    assert_nodes(rig.fsm, b, "/d/a");
    assert_int_equal(rig_stat(&rig, "/d/a").owner, b);
    assert_int_equal(rig_stat(&rig, "/d/a").kind, FSM_EPHEMERAL);
    assert_int_equal(rig_stat(&rig, "/p").owner, 0);

    rig_must(&rig, make_set("/d/b", "x")); /* by anyone; the owner stays */
    assert_int_equal(rig_stat(&rig, "/d/b").owner, a);
    assert_nodes(rig.fsm, a, "/d/b /d- /z");
    rig_must(&rig, make_delete("/z"));
    assert_nodes(rig.fsm, a, "/d/b /d-");
    rig_must(&rig, make_recursive("/d")); /* of both sessions */
    assert_nodes(rig.fsm, a, "/d-");
    assert_nodes(rig.fsm, b, "");
    rig_release(&rig);
}

/* A transaction that is refused leaves the index as it was, whatever it did before. */
static void test_undo(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, NULL);
    uint64_t a = rig_open(&rig);
    uint64_t b = rig_open(&rig);
    rig_write(&rig, a, 1, make_ephemeral("/mine", "1"));
    rig_write(&rig, b, 1, make_ephemeral("/theirs", "2"));
    rig_must(&rig, make_create("/plain", "3"));
    struct fsm_op ops[] = {
        make_ephemeral("/new", ""),  make_set("/mine", "4"),       make_delete("/mine"),
        make_create("/mine", "5"),   make_delete("/theirs"),       make_ephemeral("/theirs", "6"),
        make_delete("/plain"),       make_ephemeral("/plain", ""), make_set("/plain", "7"),
        make_delete("/plain"),       make_create("/plain", "8"),   make_delete("/new"),
        make_ephemeral("/new", "9"), make_delete("/none"),
    };
    size_t count = CD_ARRAY_COUNT(ops);
    uint64_t sessions_digest = rig.fsm->sessions_digest;
    for (size_t i = 1; i <= count; i++) {
        struct fsm_op last = ops[i - 1];
        ops[i - 1] = make_delete("/none");
        assert_int_equal(
            rig_judge(&rig, session_write(a, 1 + i, make_txn(NULL, 0, ops, i, NULL, 0))),
            FSM_TAKEN);
        assert_int_equal(rig.result.status, CD_NO_NODE);
        assert_int_equal(rig.result.failed_index, i - 1);
        ops[i - 1] = last;
        assert_nodes(rig.fsm, a, "/mine");
        assert_nodes(rig.fsm, b, "/theirs");
        assert_int_equal(rig_stat(&rig, "/plain").kind, FSM_PERSISTENT);
    }
    assert_true(rig.fsm->sessions_digest != sessions_digest); /* the replies */
    rig_write(&rig, a, 2 + count, make_txn(NULL, 0, ops, count - 1, NULL, 0));
    assert_nodes(rig.fsm, a, "/new /theirs");
    assert_nodes(rig.fsm, b, "");
    rig_release(&rig);
}

static void refuse(struct rig *rig, uint64_t session, uint64_t seq, struct fsm_op op,
                   enum cd_status status)
{
    assert_int_equal(rig_judge(rig, session_write(session, seq, op)), FSM_TAKEN);
    assert_int_equal(rig->result.status, status);
}

static void test_refusals(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    limits.session_ephemerals = 3;
    rig_init(&rig, &limits);
    uint64_t a = rig_open(&rig);
    assert_int_equal(rig_apply(&rig, make_ephemeral("/e", "")), CD_INVALID_ARGUMENT);
    struct fsm_op inside = make_ephemeral("/e", "");
    assert_int_equal(rig_apply(&rig, make_txn(NULL, 0, NULL, 0, &inside, 1)), CD_INVALID_ARGUMENT);

    rig_write(&rig, a, 1, inside);
    refuse(&rig, a, 2, make_create("/e/child", ""), CD_NO_CHILDREN_FOR_EPHEMERALS);
    refuse(&rig, a, 3, make_ephemeral("/e/child", ""), CD_NO_CHILDREN_FOR_EPHEMERALS);
    refuse(&rig, a, 4, make_sequential("/e/child-"), CD_NO_CHILDREN_FOR_EPHEMERALS);
    struct fsm_op deep = make_create("/e/a/b", "");
    refuse(&rig, a, 5, deep, CD_NO_PARENT);
    deep.create.make_parents = true;
    refuse(&rig, a, 6, deep, CD_NO_CHILDREN_FOR_EPHEMERALS);

    struct fsm_op sequential = make_sequential("/s-");
    sequential.create.kind = FSM_EPHEMERAL;
    rig_write(&rig, a, 7, sequential);
    struct fsm_op parents = make_ephemeral("/x/y/z", "");
    parents.create.make_parents = true;
    rig_write(&rig, a, 8, parents);
    assert_int_equal(rig_stat(&rig, "/x/y").kind, FSM_PERSISTENT);
    assert_nodes(rig.fsm, a, "/e /s-0000000001 /x/y/z");
    refuse(&rig, a, 9, make_ephemeral("/four", ""), CD_TOO_MANY);
    assert_string_equal(rig.result.outcomes[0].limit_name, "session_ephemerals");
    assert_int_equal(rig.result.outcomes[0].limit, 3);
    assert_int_equal(rig.result.outcomes[0].wanted, 4);
    struct fsm_op swap[] = {make_delete("/e"), make_ephemeral("/four", ""),
                            make_ephemeral("/five", "")};
    refuse(&rig, a, 10, make_txn(NULL, 0, swap, 3, NULL, 0), CD_TOO_MANY);
    assert_int_equal(rig.result.failed_index, 2);
    rig_write(&rig, a, 11, make_txn(NULL, 0, swap, 2, NULL, 0));
    rig_release(&rig);
}

/* Paths as long as they get, and ids of every digit. */
static void test_keys(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    static char path[FSM_PATH_BYTES_CEILING + 1];
    limits.path_bytes = FSM_PATH_BYTES_CEILING;
    memset(path, 'x', FSM_PATH_BYTES_CEILING);
    path[0] = '/';
    rig_init(&rig, &limits);
    uint64_t sessions[40];
    for (size_t i = 0; i < CD_ARRAY_COUNT(sessions); i++) {
        char small[8];
        sessions[i] = rig_open(&rig);
        (void)snprintf(small, sizeof(small), "/%zu", i);
        rig_write(&rig, sessions[i], 1, make_ephemeral(small, ""));
    }
    rig_write(&rig, sessions[0], 2, make_ephemeral(path, ""));
    assert_int_equal(rig_session(&rig, sessions[0]).ephemerals, 2);
    fsm_check(rig.fsm);
    for (size_t i = 0; i < CD_ARRAY_COUNT(sessions); i++) {
        struct fsm_node *node = fsm_ephemeral_next(rig.fsm, sessions[i], text(""));
        struct fsm_stat stat;
        fsm_node_stat(node, &stat);
        assert_int_equal(stat.owner, sessions[i]);
    }
    rig_release(&rig);
}

/* Reads `limit` paths of a session, joined by spaces. */
static void check_page(const struct fsm *fsm, uint64_t session, const char *path, const char *after,
                       size_t limit, const char *expected)
{
    const struct fsm_list_options options = {
        .kind = FSM_LIST_EPHEMERALS, .path = text(path), .after = text(after), .session = session};
    struct fsm_list list;
    struct fsm_view view;
    char paths[256] = "";
    size_t bytes = 0;
    assert_int_equal(fsm_list_open(fsm, NULL, NULL, &options, &list), CD_OK);
    assert_int_equal(list.zxid, fsm_zxid(fsm));
    while (limit > 0 && fsm_list_next(&list, &view)) {
        memcpy(paths + bytes, view.path.data, view.path.bytes);
        bytes += view.path.bytes;
        paths[bytes++] = ' ';
        limit--;
        assert_int_equal(view.stat.owner, session);
        assert_text(view.data, "data");
    }
    paths[bytes > 0 ? bytes - 1 : 0] = '\0';
    assert_string_equal(paths, expected);
}

static void test_list(void **state)
{
    (void)state;
    static const char *const paths[] = {"/b", "/d/x", "/d-", "/d/y", "/a", "/d/e/f"};
    struct rig rig;
    rig_init(&rig, NULL);
    uint64_t a = rig_open(&rig);
    uint64_t b = rig_open(&rig);
    rig_must(&rig, make_create("/d", ""));
    rig_must(&rig, make_create("/d/e", ""));
    for (size_t i = 0; i < CD_ARRAY_COUNT(paths); i++) {
        rig_write(&rig, a, i + 1, make_ephemeral(paths[i], "data"));
    }
    rig_write(&rig, b, 1, make_ephemeral("/d/z", "data"));
    check_page(rig.fsm, a, "/", "", 9, "/a /b /d/e/f /d/x /d/y /d-");
    check_page(rig.fsm, a, "/", "", 2, "/a /b");
    check_page(rig.fsm, a, "/", "/b", 2, "/d/e/f /d/x");
    check_page(rig.fsm, a, "/", "/bb", 1, "/d/e/f"); /* need not exist */
    check_page(rig.fsm, a, "/", "/d-", 9, "");
    check_page(rig.fsm, a, "/d", "", 9, "/d/e/f /d/x /d/y");
    check_page(rig.fsm, a, "/d", "/a", 9, "/d/e/f /d/x /d/y");
    check_page(rig.fsm, a, "/d", "/d/x", 9, "/d/y");
    check_page(rig.fsm, a, "/d/x", "", 9, "/d/x");
    check_page(rig.fsm, a, "/none", "", 9, "");
    check_page(rig.fsm, b, "/", "", 9, "/d/z");
    check_page(rig.fsm, b + 1, "/", "", 9, "");
    check_page(rig.fsm, 0, "/", "", 9, "");

    struct fsm_list list;
    struct fsm_list_options options = {.kind = FSM_LIST_EPHEMERALS, .path = text("d")};
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_INVALID_ARGUMENT);
    options.path = text("/");
    options.after = text("d");
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_INVALID_ARGUMENT);
    options.after = text("/");
    struct fsm_version *version = fsm_version_take(rig.fsm);
    assert_int_equal(fsm_list_open(rig.fsm, version, NULL, &options, &list), CD_INVALID_ARGUMENT);
    assert_true(fsm_version_release(version, SIZE_MAX));
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index), cmocka_unit_test(test_undo), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_keys),  cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
