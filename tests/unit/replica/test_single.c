#include "house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* One replica: birth, a write, a read, a crash, and what is there afterwards. */

static uint32_t voters_of(const struct house *house)
{
    struct replica_view view;
    replica_get_view(house->replicas[0].replica, &view);
    return view.voters;
}

static void test_writes_wait_for_birth(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_run(&house, 5);
    assert_int_equal(house_create(&house, 0, "/a", "1"), CD_NOT_BORN);
    assert_int_equal(voters_of(&house), 0);
    house_release(&house);
}

static void test_born_once(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_give_birth(&house);
    house_run(&house, 100);
    assert_int_equal(house_leader(&house), 0);
    assert_int_equal(voters_of(&house), 1);
    assert_int_equal(house_create(&house, 0, "/a", "one"), CD_OK);
    assert_int_equal(house_create(&house, 0, "/a", "two"), CD_NODE_EXISTS);
    char data[16];
    assert_int_equal(house_get(&house, 0, "/a", data, sizeof(data)), CD_OK);
    assert_string_equal(data, "one");
    assert_int_equal(house_get(&house, 0, "/b", data, sizeof(data)), CD_NO_NODE);
    house_release(&house);
}

static void test_acknowledged_survives_crashes(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_give_birth(&house);
    house_run(&house, 50);
    for (int i = 0; i < 20; i++) {
        char path[16];
        char data[16];
        snprintf(path, sizeof(path), "/n%d", i);
        assert_int_equal(house_create(&house, 0, path, path), CD_OK);
        house_crash(&house, 0);
        house_start(&house, 0);
        house_run(&house, 2000);
        assert_int_equal(house_leader(&house), 0);
        for (int k = 0; k <= i; k++) {
            snprintf(path, sizeof(path), "/n%d", k);
            assert_int_equal(house_get(&house, 0, path, data, sizeof(data)), CD_OK);
            assert_string_equal(data, path);
            house_forget_answers(&house);
        }
    }
    house_release(&house);
}

static void test_bad_paths_name_the_rule(void **state)
{
    (void)state;
    struct house house;
    house_init(&house, 1);
    house_give_birth(&house);
    house_run(&house, 50);
    static const char *const bad[] = {"a", "", "/a/", "//", "/a//b", "/../a", "/a\x01", "/\xff"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        assert_int_equal(house_create(&house, 0, bad[i], ""), CD_INVALID_ARGUMENT);
    }
    house_release(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_wait_for_birth),
        cmocka_unit_test(test_born_once),
        cmocka_unit_test(test_acknowledged_survives_crashes),
        cmocka_unit_test(test_bad_paths_name_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
