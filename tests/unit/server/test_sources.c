#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config.h"

#include <stdio.h>
#include <string.h>

/*
 * Goal: environment, flags, their order, what must hold between settings, and that help and README
 * know every setting. Method: environments and command lines made by hand.
 */

#define WORDS(...) ((const char *[]){"coordd", __VA_ARGS__, NULL})

static int count_of(const char *const *words)
{
    int count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return count;
}

static void names_follow_from_the_key(void **state)
{
    (void)state;
    char name[SERVER_SETTING_NAME_BYTES];
    server_setting_flag(server_setting_find("log.format"), name);
    assert_string_equal(name, "--log-format");
    server_setting_variable(server_setting_find("log.format"), name);
    assert_string_equal(name, "COORDD_LOG_FORMAT");
    server_setting_flag(server_setting_find("segment_bytes"), name);
    assert_string_equal(name, "--segment-bytes");
    server_setting_variable(server_setting_find("segment_bytes"), name);
    assert_string_equal(name, "COORDD_SEGMENT_BYTES");
    assert_null(server_setting_find("log"));
    assert_null(server_setting_find(""));
}

static void the_environment_is_read(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error = {.message = ""};
    const char *environment[] = {"PATH=/bin",
                                 "COORDD_NODES=9", /* unknown: left alone */
                                 "COORDD_NODE=4",
                                 "COORDD_LOG_FORMAT=json",
                                 "COORDD_CLUSTER=", /* empty counts as not set */
                                 "COORDD_PEERS=1=a:7421=i1,2=b:7421=i2",
                                 "COORDD_ADMINS=root",
                                 NULL};
    server_config_init(&config);
    assert_int_equal(server_config_read_environment(&config, environment, &error), CD_OK);
    assert_int_equal(config.node, 4);
    assert_int_equal(config.log_format, 1);
    assert_string_equal(config.cluster, "coord");
    assert_int_equal(config.peers.count, 2);
    assert_int_equal(config.admins.count, 1);
    server_config_release(&config);

    const char *wrong[] = {"COORDD_HEARTBEAT_MS=fast", NULL};
    server_config_init(&config);
    assert_int_equal(server_config_read_environment(&config, wrong, &error), CD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "COORDD_HEARTBEAT_MS: heartbeat_ms: \"fast\" is not a whole "
                                       "number; allowed: 5 to 10000");
    server_config_release(&config);
}

static void unknown_variables_are_found(void **state)
{
    (void)state;
    const char *environment[] = {"COORDD_NODE=1",
                                 "COORDD_CONFIG=/x",
                                 "COORDD_NODES=9",
                                 "COORDD_SERVICE_HOST=10.0.0.1",
                                 "COORDD_SERVICE_PORT_CLIENT=7420",
                                 "COORDD_PORT=tcp://10.0.0.1:7420",
                                 "COORDD_PORT_7420_TCP_ADDR=10.0.0.1",
                                 "COORDD_LOG_FROMAT=json",
                                 "OTHER=1",
                                 NULL};
    size_t index = 0;
    char name[SERVER_SETTING_NAME_BYTES];
    assert_string_equal(server_environment_unknown(environment, &index, name), "COORDD_NODES");
    assert_string_equal(server_environment_unknown(environment, &index, name), "COORDD_LOG_FROMAT");
    assert_null(server_environment_unknown(environment, &index, name));
}

static void flags_are_read(void **state)
{
    (void)state;
    struct server_config config;
    struct server_flags flags;
    struct cd_error error = {.message = ""};
    const char **words = WORDS("--config", "/etc/c.yaml", "--node=6", "--log-level", "debug",
                               "--dev", "--cluster", "--dashes");
    assert_int_equal(server_flags_read(&flags, count_of(words), words, &error), CD_OK);
    assert_string_equal(flags.config_path, "/etc/c.yaml");
    assert_true(flags.dev);
    assert_false(flags.check || flags.help || flags.version);
    server_config_init(&config);
    assert_int_equal(server_config_read_flags(&config, count_of(words), words, &error), CD_OK);
    assert_int_equal(config.node, 6);
    assert_int_equal(config.log_level, 0);
    assert_string_equal(config.cluster, "--dashes");
    server_config_release(&config);
    words = WORDS("--help", "--version", "--check-config");
    assert_int_equal(server_flags_read(&flags, count_of(words), words, &error), CD_OK);
    assert_true(flags.check && flags.help && flags.version);
    assert_false(flags.dev);
    assert_null(flags.config_path);
}

static void assert_flags_refused(const char **words, const char *message)
{
    struct server_flags flags;
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    enum cd_status status = server_flags_read(&flags, count_of(words), words, &error);
    if (status == CD_OK) {
        status = server_config_read_flags(&config, count_of(words), words, &error);
    }
    assert_int_equal(status, CD_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    server_config_release(&config);
}

static void wrong_flags(void **state)
{
    (void)state;
    assert_flags_refused(WORDS("--nod", "1"), "unknown flag \"--nod\"; the nearest known one is "
                                              "\"--node\" (see --help)");
    assert_flags_refused(WORDS("--data_dir", "x"), "unknown flag \"--data_dir\"; the nearest known "
                                                   "one is \"--data-dir\" (see --help)");
    assert_flags_refused(WORDS("--chek-config"),
                         "unknown flag \"--chek-config\"; the nearest known "
                         "one is \"--check-config\" (see --help)");
    assert_flags_refused(WORDS("start"),
                         "unexpected word \"start\"; coordd takes flags alone (see --help)");
    assert_flags_refused(WORDS("-h"),
                         "unexpected word \"-h\"; coordd takes flags alone (see --help)");
    assert_flags_refused(WORDS("--"),
                         "unexpected word \"--\"; coordd takes flags alone (see --help)");
    assert_flags_refused(WORDS("--node"), "--node needs a value");
    assert_flags_refused(WORDS("--config"), "--config needs a value");
    assert_flags_refused(WORDS("--dev=yes"), "--dev takes no value");
    assert_flags_refused(WORDS("--node", "0"),
                         "--node: node: \"0\" is out of range; allowed: 1 to 4294967295");
}

static void the_later_source_counts(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error = {.message = ""};
    const char *environment[] = {"COORDD_NODE=2", "COORDD_CLUSTER=from-env",
                                 "COORDD_PEERS=5=e:1=env", NULL};
    const char **words = WORDS("--node", "3");
    server_config_init(&config);
    assert_int_equal(server_config_read_file(&config, EXAMPLE_FILE, &error), CD_OK);
    assert_int_equal(config.node, 1);
    assert_int_equal(config.peers.count, 3);
    assert_int_equal(server_config_read_environment(&config, environment, &error), CD_OK);
    assert_int_equal(config.node, 2);
    assert_int_equal(server_config_read_flags(&config, count_of(words), words, &error), CD_OK);
    assert_int_equal(config.node, 3);
    assert_string_equal(config.cluster, "from-env");
    assert_int_equal(config.peers.count, 1); /* a list is replaced as a whole */
    assert_int_equal(config.peers.items[0].id, 5);
    const struct server_setting *node = server_setting_find("node");
    const struct server_setting *cluster = server_setting_find("cluster");
    assert_string_equal(config.origins[node - SERVER_SETTINGS].text, "--node");
    assert_string_equal(config.origins[cluster - SERVER_SETTINGS].text, "COORDD_CLUSTER");
    server_config_release(&config);
}

static void assert_check(const char **words, const char *message)
{
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    assert_int_equal(server_config_read_flags(&config, count_of(words), words, &error), CD_OK);
    enum cd_status status = server_config_check(&config, &error);
    assert_string_equal(error.message, message);
    assert_int_equal(status, message[0] == '\0' ? CD_OK : CD_INVALID_ARGUMENT);
    server_config_release(&config);
}

#define COMPLETE "--node", "1", "--tls-ca", "a", "--tls-cert", "b", "--tls-key", "c"

static void what_must_hold_between_settings(void **state)
{
    (void)state;
    assert_check(WORDS(COMPLETE), "");
    assert_check(WORDS("--tls-ca", "a", "--tls-cert", "b", "--tls-key", "c"),
                 "node is not set; give it in the file as node, as COORDD_NODE or as --node");
    assert_check(WORDS("--node", "1", "--tls-ca", "a", "--tls-cert", "b"),
                 "tls.key is not set; give it in the file as tls.key, as COORDD_TLS_KEY or as "
                 "--tls-key");
    assert_check(WORDS(COMPLETE, "--heartbeat-ms", "100", "--election-ms", "300"), "");
    assert_check(WORDS(COMPLETE, "--heartbeat-ms", "100", "--election-ms", "299"),
                 "--election-ms: election_ms: 299 is below 3 * heartbeat_ms (300); one late "
                 "heartbeat would depose a leader");
    assert_check(WORDS(COMPLETE, "--peer-listen", "0.0.0.0:7420"),
                 "--peer-listen: peer_listen: \"0.0.0.0:7420\" is the address of client_listen "
                 "already");
    assert_check(WORDS(COMPLETE, "--peer-listen", "h:0", "--client-listen", "h:0"), "");
}

static void help_is_whole(void **state)
{
    (void)state;
    struct cd_buf out;
    cd_buf_init(&out, 65536);
    server_config_help(&out);
    assert_false(out.overflowed);
    cd_buf_put(&out, "", 1);
    const char *text = (const char *)out.data;
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        char name[SERVER_SETTING_NAME_BYTES];
        server_setting_variable(&SERVER_SETTINGS[i], name);
        assert_non_null(strstr(text, name));
        server_setting_flag(&SERVER_SETTINGS[i], name);
        assert_non_null(strstr(text, name));
        assert_non_null(strstr(text, SERVER_SETTINGS[i].help));
    }
    assert_non_null(strstr(text, "later of the three counts"));
    assert_non_null(strstr(text, "\"format\" under \"log\".\n"));
    assert_non_null(strstr(text, "file unreadable).\n"));
    cd_buf_release(&out);
}

/* The README's table holds every setting with its range and default, as the code has them. */
static void the_readme_knows_every_setting(void **state)
{
    (void)state;
    static char text[65536];
    FILE *file = fopen(README_FILE, "rbe");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const struct server_setting *setting = &SERVER_SETTINGS[i];
        char range[SERVER_SETTING_RANGE_BYTES];
        char row[512];
        server_setting_range(setting, range);
        snprintf(row, sizeof(row), "| `%s` | %s%s%s | %s | %s |\n", setting->key,
                 setting->fallback[0] != '\0' ? "`" : "",
                 setting->fallback[0] != '\0' ? setting->fallback
                 : setting->required          ? "required"
                                              : "none",
                 setting->fallback[0] != '\0' ? "`" : "", range, setting->help);
        if (strstr(text, row) == NULL) {
            fail_msg("coordd/server/README.md lacks the row\n%s", row);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_from_the_key),
        cmocka_unit_test(the_environment_is_read),
        cmocka_unit_test(unknown_variables_are_found),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(wrong_flags),
        cmocka_unit_test(the_later_source_counts),
        cmocka_unit_test(what_must_hold_between_settings),
        cmocka_unit_test(help_is_whole),
        cmocka_unit_test(the_readme_knows_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
