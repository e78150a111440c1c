#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/certificates.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Goal: every way in which the files may change is seen once it has come to rest, nothing else is,
 * and what failed is tried again. Method: real files in a temporary folder, and time that is told.
 */

#define SECOND 1000u

static char folder[64];
static char paths[SERVER_CERTIFICATES_FILES][128];
static struct server_certificates certificates;
static uint64_t now_ms;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void path_of(char ret_path[128], const char *name)
{
    (void)snprintf(ret_path, 128, "%s/%s", folder, name);
}

static void begin(const char *prefix)
{
    static const char *const names[] = {"ca", "cert", "key"};
    for (int i = 0; i < SERVER_CERTIFICATES_FILES; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%s", prefix, names[i]);
        path_of(paths[i], name);
    }
    server_certificates_init(&certificates, paths[0], paths[1], paths[2]);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/coord-certificates-XXXXXX");
    assert_non_null(mkdtemp(folder));
    now_ms = SECOND;
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_all(const char *text)
{
    for (int i = 0; i < SERVER_CERTIFICATES_FILES; i++) {
        write_file(paths[i], text);
    }
}

static bool look(void)
{
    now_ms += SECOND;
    return server_certificates_look(&certificates, now_ms);
}

static void pass(void)
{
    server_certificates_begin(&certificates);
    server_certificates_end(&certificates, true, now_ms);
}

/* Seen at the second look, and not again once it was read. */
static void expect_one_change(void)
{
    assert_false(look());
    assert_true(look());
    pass();
    for (int i = 0; i < 200; i++) {
        assert_false(look());
    }
}

static void each_way_of_changing(void **state)
{
    (void)state;
    begin("");
    write_all("one");
    begin("");
    assert_false(look());
    assert_false(look());
    for (int i = 0; i < SERVER_CERTIFICATES_FILES; i++) {
        write_file(paths[i], "other"); /* another length */
        expect_one_change();
        char beside[128];
        path_of(beside, "beside");
        write_file(beside, "other"); /* the same length, renamed into its place */
        assert_int_equal(rename(beside, paths[i]), 0);
        expect_one_change();
        assert_int_equal(chmod(paths[i], 0600), 0); /* a key that could not be read before */
        expect_one_change();
        assert_int_equal(unlink(paths[i]), 0);
        expect_one_change();
        write_file(paths[i], "again");
        expect_one_change();
    }
}

/* As Kubernetes does: ..data leads to a folder, and is replaced by a link to another one. */
static void a_symlink_swap(void **state)
{
    (void)state;
    static const char *const folders[] = {"..2026_1", "..2026_2"};
    static const char *const names[] = {"ca", "cert", "key"};
    char path[256];
    char link_path[128];
    char swap[128];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        for (size_t j = 0; j < 3; j++) {
            (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, folders[i], names[j]);
            write_file(path, "same bytes");
        }
    }
    path_of(link_path, "..data");
    path_of(swap, "..data_tmp");
    assert_int_equal(symlink(folders[0], link_path), 0);
    for (size_t j = 0; j < 3; j++) {
        char target[64];
        (void)snprintf(target, sizeof(target), "..data/%s", names[j]);
        path_of(path, names[j]);
        assert_int_equal(symlink(target, path), 0);
    }
    begin("");
    assert_false(look());
    assert_false(look());
    assert_int_equal(symlink(folders[1], swap), 0);
    assert_int_equal(rename(swap, link_path), 0);
    expect_one_change();
}

static void what_still_moves_is_left_alone(void **state)
{
    (void)state;
    begin("");
    write_all("one");
    begin("");
    char text[64] = "";
    for (int i = 0; i < 20; i++) {
        text[i] = 'x';
        write_file(paths[1 + i % 2], text);
        assert_false(look());
    }
    assert_true(look());
}

/* What changed while the files were being read is another change. */
static void a_change_meanwhile_is_a_new_one(void **state)
{
    (void)state;
    begin("");
    write_all("one");
    begin("");
    write_file(paths[1], "two, longer");
    assert_false(look());
    assert_true(look());
    server_certificates_begin(&certificates);
    write_file(paths[2], "two, longer");
    server_certificates_end(&certificates, true, now_ms);
    expect_one_change();
}

static void what_failed_is_tried_again(void **state)
{
    (void)state;
    begin("");
    write_all("one");
    begin("");
    write_file(paths[1], "bad one");
    assert_false(look());
    assert_true(look());
    server_certificates_begin(&certificates);
    server_certificates_end(&certificates, false, now_ms);
    uint64_t failed_ms = now_ms;
    while (!look()) {
        assert_true(now_ms <= failed_ms + SERVER_CERTIFICATES_AGAIN_MS);
    }
    assert_true(now_ms >= failed_ms + SERVER_CERTIFICATES_AGAIN_MS);
    server_certificates_begin(&certificates);
    server_certificates_end(&certificates, false, now_ms);
    assert_false(look());
    write_file(paths[1], "a good one"); /* does not wait for the minute */
    expect_one_change();
    assert_int_equal(atomic_load(&certificates.failures), 2);
    assert_int_equal(atomic_load(&certificates.reloads), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_way_of_changing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_symlink_swap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_still_moves_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_meanwhile_is_a_new_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_failed_is_tried_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
