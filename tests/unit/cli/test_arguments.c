#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: what is taken from the command line and the environment, and what is refused by which
 * words. */

enum { WORDS_MAX = 16 };

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *full_environment(const char *name)
{
    static char endpoints[] = "env:1";
    static char file[] = "env.pem";
    if (strcmp(name, "COORD_ENDPOINTS") == 0) {
        return endpoints;
    }
    return strncmp(name, "COORD_", 6) == 0 ? file : NULL;
}

static char *empty_environment(const char *name)
{
    static char empty[] = "";
    (void)name;
    return empty;
}

/* Parses "coordctl" and the words up to NULL, with an environment that has all four. */
static bool parse_in(char *(*environment)(const char *name), struct cli_arguments *to,
                     char message[CLI_MESSAGE_BYTES], const char *const *words)
{
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "coordctl"};
    int argc = 1;
    message[0] = '\0';
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX);
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    return cli_arguments_parse(argc, argv, cli_commands, environment, to, message);
}

#define PARSE(to, message, ...)                                                                    \
    parse_in(full_environment, to, message, (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *has, const char *const *words)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    assert_false(parse_in(full_environment, &arguments, message, words));
    if (strstr(message, has) == NULL) {
        fail_msg("\"%s\" has not: %s", message, has);
    }
}

#define REFUSED(has, ...) refused(has, (const char *const[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "get", "/a"));
    assert_string_equal(arguments.command->name, "get");
    assert_string_equal(arguments.operands[0], "/a");
    assert_int_equal(arguments.operands_count, 1);
    assert_string_equal(arguments.endpoints, "env:1");
    assert_string_equal(arguments.key_file, "env.pem");
    assert_int_equal(arguments.timeout_ms, CLI_TIMEOUT_DEFAULT_MS);
    assert_int_equal(arguments.level, COORD_LINEARIZABLE);
    assert_true(arguments.version == COORD_ANY_VERSION);
    assert_false(arguments.help);
}

static void test_options_go_before_the_environment(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "--endpoints", "a:1,b:2", "--cacert=ca", "--cert", "c",
                      "--key", "k", "--timeout", "2s", "ls", "/"));
    assert_string_equal(arguments.endpoints, "a:1,b:2");
    assert_string_equal(arguments.ca_file, "ca");
    assert_string_equal(arguments.cert_file, "c");
    assert_string_equal(arguments.key_file, "k");
    assert_int_equal(arguments.timeout_ms, 2000);
}

static void test_options_may_stand_anywhere(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "create", "/a", "--sequential", "data", "--parents",
                      "--if-absent", "--timeout=1m"));
    assert_int_equal(arguments.given, CLI_SEQUENTIAL | CLI_PARENTS | CLI_IF_ABSENT);
    assert_string_equal(arguments.operands[1], "data");
    assert_int_equal(arguments.timeout_ms, 60000);
    assert_true(PARSE(&arguments, message, "set", "/a", "--version", "0", "--", "--data"));
    assert_string_equal(arguments.operands[1], "--data");
    assert_int_equal(arguments.version, 0);
    assert_true(PARSE(&arguments, message, "create", "/a", "-"));
    assert_string_equal(arguments.operands[1], "-");
}

static void test_values(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "get", "/a", "--level", "session"));
    assert_int_equal(arguments.level, COORD_SESSION);
    assert_true(PARSE(&arguments, message, "status", "-o", "plain"));
    assert_int_equal(arguments.output, CLI_PLAIN);
    assert_true(PARSE(&arguments, message, "rm", "/a", "--recursive", "--version", "7"));
    assert_int_equal(arguments.given, CLI_RECURSIVE | CLI_VERSION);
    assert_int_equal(arguments.version, 7);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    refused("no command", (const char *const[]){NULL});
    REFUSED("no such command", "fly");
    REFUSED("PATH", "get");
    REFUSED("2 operands", "get", "/a", "/b");
    REFUSED("PATH [DATA|-]", "create");
    REFUSED("3 operands", "create", "/a", "b", "c");
    REFUSED("PATH DATA|-", "set", "/a");
    REFUSED("no operand", "init", "/a");
    REFUSED("value is missing", "ls", "/", "--timeout");
    REFUSED("--nonsense", "--nonsense", "ls", "/");
    REFUSED("goes behind --", "create", "/a", "-5");
    REFUSED("500ms, 2s", "--timeout", "soon", "ls", "/");
    REFUSED("--endpoints: it is empty", "--endpoints", "", "ls", "/");
    REFUSED("linearizable or session", "--level", "some", "get", "/a");
    REFUSED("table or plain", "status", "-o", "json");
    REFUSED("--version -1", "set", "/a", "b", "--version", "-1");
    REFUSED("--version 1x", "set", "/a", "b", "--version", "1x");
    REFUSED("--version 99999999999999999999", "rm", "/a", "--version", "99999999999999999999");
    REFUSED("--recursive has no meaning for ls", "ls", "/", "--recursive");
    REFUSED("--output has no meaning for get", "get", "/", "-o", "plain");
    REFUSED("--level has no meaning for set", "set", "/", "x", "--level", "session");
}

static void test_what_is_missing_is_named(void **state)
{
    static const char *const words[] = {"ls", "/", NULL};
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_false(parse_in(no_environment, &arguments, message, words));
    assert_non_null(strstr(message, "--endpoints"));
    assert_non_null(strstr(message, "COORD_ENDPOINTS"));
    assert_false(parse_in(empty_environment, &arguments, message, words));
    static const char *const with_endpoints[] = {"--endpoints", "a:1", "ls", "/", NULL};
    assert_false(parse_in(no_environment, &arguments, message, with_endpoints));
    assert_non_null(strstr(message, "COORD_CACERT"));
}

static void test_help_needs_nothing_else(void **state)
{
    static const char *const all[] = {"--help", NULL};
    static const char *const one[] = {"create", "-h", NULL};
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(parse_in(no_environment, &arguments, message, all));
    assert_true(arguments.help);
    assert_null(arguments.command);
    assert_true(parse_in(no_environment, &arguments, message, one));
    assert_true(arguments.help);
    assert_string_equal(arguments.command->name, "create");
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } good[] = {{"1ms", 1},        {"500ms", 500},          {"2s", 2000},
                {"1.5s", 1500},    {"0.001s", 1},           {"1m", 60000},
                {"24h", 86400000}, {"0.5m", 30000},         {"007s", 7000},
                {"1.999s", 1999},  {"86400000ms", 86400000}};
    static const char *const bad[] = {
        "",     "s",       "2",   "2 s",  "-1s",  "+1s",   "1.s",    ".5s",
        "0s",   "0.0001s", "25h", "1e3s", "2sec", "0.4ms", "1.2.3s", "99999999999999999999s",
        "soon", "1d",      " 1s"};
    uint32_t ms = 0;
    (void)state;
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        assert_true(cli_duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(bad); i++) {
        if (cli_duration_parse(bad[i], &ms)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(COORD_OK), 0);
    assert_int_equal(cli_exit_of(COORD_NO_NODE), 1);
    assert_int_equal(cli_exit_of(COORD_NOT_BORN), 1);
    assert_int_equal(cli_exit_of(COORD_ALREADY_BORN), 1);
    assert_int_equal(cli_exit_of(COORD_PERMISSION_DENIED), 1);
    assert_int_equal(cli_exit_of(COORD_UNREACHABLE), 3);
    assert_int_equal(cli_exit_of(COORD_NO_LEADER), 3);
    assert_int_equal(cli_exit_of(COORD_TIMEOUT), 3);
    assert_int_equal(cli_exit_of(COORD_OUTCOME_UNKNOWN), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_options_go_before_the_environment),
        cmocka_unit_test(test_options_may_stand_anywhere),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_help_needs_nothing_else),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
