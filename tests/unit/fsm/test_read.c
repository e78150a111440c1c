#include "support.h"

/* Goal: what reads show, and that pages of a list fit together while the tree changes. */

static void test_get(void **state)
{
    (void)state;
    struct rig rig;
    struct fsm_view view;
    struct fsm_stat stat;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", "data"));
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/a"), &view), CD_OK);
    assert_text(view.path, "/a");
    assert_text(view.data, "data");
    assert_int_equal(view.stat.czxid, fsm_zxid(rig.fsm));
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/"), &view), CD_OK);
    assert_text(view.path, "/");
    assert_int_equal(view.stat.children_count, 1);
    assert_int_equal(fsm_exists(rig.fsm, NULL, NULL, text("/a"), &stat), CD_OK);
    assert_int_equal(stat.data_bytes, 4);
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/b"), &view), CD_NO_NODE);
    assert_int_equal(fsm_exists(rig.fsm, NULL, NULL, text("/a/b"), &stat), CD_NO_NODE);
    assert_int_equal(fsm_get(rig.fsm, NULL, NULL, text("/a/"), &view), CD_INVALID_ARGUMENT);
    assert_int_equal(fsm_exists(rig.fsm, NULL, NULL, text(""), &stat), CD_INVALID_ARGUMENT);
    rig_release(&rig);
}

/* Reads `limit` names behind `after`, joined by spaces. */
static void check_page(const struct fsm *fsm, const char *path, const char *after, size_t limit,
                       const char *expected)
{
    const struct fsm_list_options options = {.path = text(path), .after = text(after)};
    struct fsm_list list;
    struct fsm_view view;
    char names[128] = "";
    size_t bytes = 0;
    assert_int_equal(fsm_list_open(fsm, NULL, NULL, &options, &list), CD_OK);
    while (limit > 0 && fsm_list_next(&list, &view)) {
        memcpy(names + bytes, view.path.data, view.path.bytes);
        bytes += view.path.bytes;
        names[bytes] = ' ';
        bytes++;
        limit--;
    }
    names[bytes > 0 ? bytes - 1 : 0] = '\0';
    assert_string_equal(names, expected);
}

static void test_children(void **state)
{
    (void)state;
    struct rig rig;
    const char *paths[] = {"/b", "/a", "/ab", "/a-", "/a/x", "/a/x/y", "/a/z", "/b/x", "/\xc3\xa9"};
    rig_init(&rig, NULL);
    for (size_t i = 0; i < CD_ARRAY_COUNT(paths); i++) {
        rig_must(&rig, make_create(paths[i], ""));
    }
    check_page(rig.fsm, "/", "", 9, "a a- ab b \xc3\xa9");
    check_page(rig.fsm, "/", "", 2, "a a-");
    check_page(rig.fsm, "/", "a", 9, "a- ab b \xc3\xa9");
    check_page(rig.fsm, "/", "a-", 1, "ab");
    check_page(rig.fsm, "/", "aa", 9, "ab b \xc3\xa9"); /* need not exist */
    check_page(rig.fsm, "/", "\xc3\xa9", 9, "");
    check_page(rig.fsm, "/a", "", 9, "x z");
    check_page(rig.fsm, "/a", "x", 9, "z");
    check_page(rig.fsm, "/ab", "", 9, "");
    check_page(rig.fsm, "/a/x/y", "", 9, "");
    rig_must(&rig, make_recursive("/a")); /* the last name of a page went meanwhile */
    check_page(rig.fsm, "/", "a", 9, "a- ab b \xc3\xa9");
    rig_release(&rig);
}

static void test_children_view(void **state)
{
    (void)state;
    struct rig rig;
    const struct fsm_list_options options = {.path = text("/p")};
    struct fsm_list list;
    struct fsm_view view;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/p", ""));
    rig_must(&rig, make_create("/p/a", "data"));
    rig_must(&rig, make_set("/", ""));
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_OK);
    assert_int_equal(list.zxid, fsm_zxid(rig.fsm));
    assert_int_equal(list.top.pzxid, fsm_zxid(rig.fsm) - 1);
    assert_int_equal(list.top.children_count, 1);
    assert_true(fsm_list_next(&list, &view));
    assert_text(view.path, "a");
    assert_text(view.data, "data");
    assert_int_equal(view.stat.czxid, fsm_zxid(rig.fsm) - 1);
    assert_false(fsm_list_next(&list, &view));
    assert_false(fsm_list_next(&list, &view));
    rig_release(&rig);
}

static void refuse(const struct fsm *fsm, const char *path, struct fsm_bytes after,
                   enum cd_status status)
{
    const struct fsm_list_options options = {.path = text(path), .after = after};
    struct fsm_list list;
    assert_int_equal(fsm_list_open(fsm, NULL, NULL, &options, &list), status);
}

static void test_children_refused(void **state)
{
    (void)state;
    struct rig rig;
    static uint8_t long_name[FSM_PATH_BYTES_CEILING];
    memset(long_name, 'x', sizeof(long_name));
    rig_init(&rig, NULL);
    refuse(rig.fsm, "/none", text(""), CD_NO_NODE);
    refuse(rig.fsm, "/none", text("a"), CD_NO_NODE);
    refuse(rig.fsm, "none", text(""), CD_INVALID_ARGUMENT);
    refuse(rig.fsm, "/", text("a/b"), CD_INVALID_ARGUMENT);
    refuse(rig.fsm, "/", text("/"), CD_INVALID_ARGUMENT);
    refuse(rig.fsm, "/", text(".."), CD_INVALID_ARGUMENT);
    refuse(rig.fsm, "/", text("\x01"), CD_INVALID_ARGUMENT);
    for (size_t bytes = 4095; bytes < sizeof(long_name); bytes += 4096) {
        refuse(rig.fsm, "/", (struct fsm_bytes){.data = long_name, .bytes = bytes},
               bytes == 4095 ? CD_OK : CD_INVALID_ARGUMENT);
    }
    refuse(rig.fsm, "/", (struct fsm_bytes){.data = long_name, .bytes = 4096}, CD_INVALID_ARGUMENT);
    refuse(rig.fsm, "/", (struct fsm_bytes){.data = long_name, .bytes = sizeof(long_name)},
           CD_INVALID_ARGUMENT);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_children_view),
        cmocka_unit_test(test_children_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
