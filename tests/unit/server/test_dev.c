#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/identity.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "server/dev.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Goal: --dev makes what a replica needs, keeps it, renews it in time, and stays on this machine.
 * Method: a temporary working directory; what it made goes through the same checks as a real start.
 */

static char folder[] = "/tmp/coord-dev-XXXXXX";
static int64_t now_s;

static int enter_folder(void **state)
{
    (void)state;
    struct cd_error error;
    now_s = (int64_t)time(NULL);
    return crypto_init(&error) == CD_OK && mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static void remove_tree(const char *path)
{
    static const char *const FILES[] = {"tls/ca.crt",
                                        "tls/server.crt",
                                        "tls/server.key",
                                        "tls/client.crt",
                                        "tls/client.key",
                                        "tls",
                                        "env",
                                        ""};
    for (size_t i = 0; i < CD_ARRAY_COUNT(FILES); i++) {
        char name[PATH_MAX];
        snprintf(name, sizeof(name), "%s/%s", path, FILES[i]);
        (void)remove(name);
    }
}

static int leave_folder(void **state)
{
    (void)state;
    remove_tree(".coord-dev");
    remove_tree("it's here");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void set(struct server_config *config, const char *key, const char *value)
{
    static const struct server_origin ORIGIN = {.text = "--flag"};
    struct cd_error error;
    assert_int_equal(server_config_set(config, server_setting_find(key), value, &ORIGIN, &error),
                     CD_OK);
}

static void prepare(struct server_config *config, int64_t at_s)
{
    struct cd_error error = {.message = ""};
    if (server_dev_prepare(config, at_s, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    if (server_config_check(config, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
}

static void assert_credentials(const char *ca, const char *cert, const char *key,
                               const char *identity)
{
    struct crypto_credentials credentials = {0};
    struct cd_error error = {.message = ""};
    if (crypto_credentials_load(ca, cert, key, now_s, &credentials, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(cd_identity_matches(identity, credentials.identity));
    crypto_credentials_release(&credentials);
}

static char *contents(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void it_makes_all_that_is_needed(void **state)
{
    (void)state;
    struct server_config config;
    struct stat about;
    server_config_init(&config);
    prepare(&config, now_s);
    assert_int_equal(config.node, 1);
    assert_string_equal(config.client_listen, "127.0.0.1:7420");
    assert_string_equal(config.peer_listen, "127.0.0.1:7421");
    assert_string_equal(config.http_listen, "127.0.0.1:7422");
    assert_int_equal(config.admins.count, 1);
    assert_int_equal(config.data_dir[0], '/');
    assert_credentials(config.tls_ca, config.tls_cert, config.tls_key, "coordd-dev");
    assert_credentials(".coord-dev/tls/ca.crt", ".coord-dev/tls/client.crt",
                       ".coord-dev/tls/client.key", config.admins.items[0]);
    assert_int_equal(stat(".coord-dev", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stat(".coord-dev/tls/client.key", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(access(".coord-dev/tls/ca.key", F_OK), -1);
    server_config_release(&config);
}

static void certificates_are_kept_until_they_near_their_end(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    prepare(&config, now_s);
    char *before = cd_strdup(contents(config.tls_cert));
    server_config_release(&config);
    server_config_init(&config);
    prepare(&config, now_s + 3600);
    assert_string_equal(contents(config.tls_cert), before);
    server_config_release(&config);
    server_config_init(&config);
    prepare(&config, now_s + (CRYPTO_LEAF_DAYS - 1) * INT64_C(86400));
    assert_string_not_equal(contents(config.tls_cert), before);
    server_config_release(&config);
    assert_int_equal(remove(".coord-dev/tls/client.key"), 0);
    server_config_init(&config);
    prepare(&config, now_s);
    assert_credentials(".coord-dev/tls/ca.crt", ".coord-dev/tls/client.crt",
                       ".coord-dev/tls/client.key", "coord-dev");
    server_config_release(&config);
    cd_free(before);
}

static void what_was_given_stands(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    set(&config, "node", "9");
    set(&config, "admins", "me");
    set(&config, "client_listen", "[::1]:0");
    set(&config, "http_listen", "localhost:8080");
    set(&config, "data_dir", "it's here");
    prepare(&config, now_s);
    assert_int_equal(config.node, 9);
    assert_string_equal(config.admins.items[0], "me");
    assert_string_equal(config.client_listen, "[::1]:0");
    assert_int_equal(access("it's here/tls/ca.crt", F_OK), 0);

    struct cd_buf exports;
    struct cd_error error;
    char where[PATH_MAX];
    char expected[4 * PATH_MAX];
    cd_buf_init(&exports, 65536);
    server_dev_exports(&config, 4711, &exports);
    assert_int_equal(server_dev_write_env(&config, &exports, &error), CD_OK);
    assert_non_null(getcwd(where, sizeof(where)));
    snprintf(expected, sizeof(expected),
             "export COORD_ENDPOINTS='[::1]:4711'\n"
             "export COORD_CACERT='%s/it'\\''s here/tls/ca.crt'\n"
             "export COORD_CERT='%s/it'\\''s here/tls/client.crt'\n"
             "export COORD_KEY='%s/it'\\''s here/tls/client.key'\n",
             where, where, where);
    assert_string_equal(contents("it's here/env"), expected);
    cd_buf_release(&exports);
    server_config_release(&config);
}

static void assert_refused(const char *key, const char *value, const char *message)
{
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    set(&config, key, value);
    assert_int_equal(server_dev_prepare(&config, now_s, &error), CD_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    server_config_release(&config);
}

static void it_stays_on_this_machine(void **state)
{
    (void)state;
    assert_refused("client_listen", "0.0.0.0:7420",
                   "--flag: client_listen: \"0.0.0.0:7420\" is beyond this machine; with --dev it "
                   "is 127.0.0.1, [::1] or localhost");
    assert_refused("http_listen", "coordd.example:80",
                   "--flag: http_listen: \"coordd.example:80\" is beyond this machine; with --dev "
                   "it is 127.0.0.1, [::1] or localhost");
    assert_refused("tls.key", "k",
                   "--flag: tls.key: --dev makes its own certificates and has no "
                   "peers; leave it out");
    assert_refused("peers", "2=a:1=b",
                   "--flag: peers: --dev makes its own certificates and has no "
                   "peers; leave it out");
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    set(&config, "data_dir", "no/such/parent");
    assert_int_equal(server_dev_prepare(&config, now_s, &error), CD_IO);
    assert_string_equal(error.message, "the directory no/such/parent cannot be made: No such file "
                                       "or directory");
    server_config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_makes_all_that_is_needed),
        cmocka_unit_test(certificates_are_kept_until_they_near_their_end),
        cmocka_unit_test(what_was_given_stands),
        cmocka_unit_test(it_stays_on_this_machine),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
