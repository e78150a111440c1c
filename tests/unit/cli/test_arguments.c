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
    static char *argv[WORDS_MAX + 2]; /* the operands are borrowed from it */
    int argc = 1;
    argv[0] = (char *)(uintptr_t) "coordctl";

    message[0] = '\0';
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX);
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    argv[argc] = NULL;
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
    assert_string_equal(arguments.name_space, "env.pem"); /* which has a value for all */
    assert_true(PARSE(&arguments, message, "ls", "/", "--namespace", "/app"));
    assert_string_equal(arguments.name_space, "/app");
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
    REFUSED("table, plain or json", "status", "-o", "xml");
    REFUSED("--version -1", "set", "/a", "b", "--version", "-1");
    REFUSED("--version 1x", "set", "/a", "b", "--version", "1x");
    REFUSED("--version 99999999999999999999", "rm", "/a", "--version", "99999999999999999999");
    REFUSED("--recursive has no meaning for get", "get", "/", "--recursive");
    REFUSED("--output has no meaning for lock", "lock", "/", "x", "-o", "plain");
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

static void test_commands_of_two_words(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "acl", "set", "/a", "anyone:r", "cn:x:w"));
    assert_string_equal(arguments.command->name, "acl set");
    assert_int_equal(arguments.operands_count, 3);
    assert_string_equal(arguments.operands[2], "cn:x:w");
    assert_true(PARSE(&arguments, message, "session", "-o", "json", "list"));
    assert_string_equal(arguments.command->name, "session list");
    assert_int_equal(arguments.output, CLI_JSON);
    assert_int_equal(arguments.operands_count, 0);
    REFUSED("get or set", "acl");
    REFUSED("get or set", "acl", "/a");
    REFUSED("list or show", "session", "--help");
    REFUSED("acl get takes \"PATH\"", "acl", "get");
    REFUSED("no such command", "acl get");
    REFUSED("no such command", "ac");
}

static void test_what_a_command_prints(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "status"));
    assert_int_equal(arguments.output, CLI_TABLE);
    assert_true(PARSE(&arguments, message, "ls", "/"));
    assert_int_equal(arguments.output, CLI_PLAIN);
    assert_true(PARSE(&arguments, message, "ls", "/", "-ojson"));
    assert_int_equal(arguments.output, CLI_JSON);
    REFUSED("ls has no output as table", "ls", "/", "-o", "table");
    REFUSED("init has no output as table", "init", "-o", "table");
    REFUSED("--output has no meaning for elect", "elect", "/", "x", "-o", "json");
}

static void test_numbers_of_options(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "watch", "-r", "/a", "--from", "0x1000000000007",
                      "--count", "3", "--values"));
    assert_int_equal(arguments.given, CLI_RECURSIVE | CLI_FROM | CLI_COUNT | CLI_VALUES);
    assert_true(arguments.from_zxid == 0x1000000000007);
    assert_true(arguments.count == 3);
    assert_true(PARSE(&arguments, message, "ls", "-R", "/", "--limit", "10"));
    assert_true(arguments.limit == 10);
    assert_true(PARSE(&arguments, message, "create", "/a", "--ttl", "1500"));
    assert_true(arguments.ttl_ms == 1500);
    assert_true(PARSE(&arguments, message, "create", "/a", "--ttl", "1.5s"));
    assert_true(arguments.ttl_ms == 1500);
    REFUSED("--from 0", "watch", "/a", "--from", "0");
    REFUSED("--from x", "watch", "/a", "--from", "x");
    REFUSED("--count 0", "watch", "/a", "--count", "0");
    REFUSED("--limit -1", "ls", "/a", "--limit", "-1");
    REFUSED("--ttl 0", "create", "/a", "--ttl", "0");
    REFUSED("--ttl soon", "create", "/a", "--ttl", "soon");
    REFUSED("--count has no meaning for ls", "ls", "/a", "--count", "1");
    REFUSED("--ephemeral has no meaning for set", "set", "/a", "b", "--ephemeral");
}

static void test_load(void **state)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    assert_true(PARSE(&arguments, message, "bench"));
    assert_int_equal(arguments.operands_count, 0);
    assert_int_equal(arguments.load.sessions, 10);
    assert_int_equal(arguments.load.outstanding, 16);
    assert_int_equal(arguments.load.bytes, 100);
    assert_int_equal(arguments.load.reads, 0);
    assert_int_equal(arguments.load.seconds, 10);
    assert_int_equal(arguments.output, CLI_TABLE);
    assert_true(PARSE(&arguments, message, "bench", "/a", "--sessions", "10000", "--outstanding",
                      "1024", "--bytes", "0", "--reads", "100", "--seconds", "3600"));
    assert_int_equal(arguments.load.sessions, 10000);
    assert_int_equal(arguments.load.outstanding, 1024);
    assert_int_equal(arguments.load.bytes, 0);
    assert_int_equal(arguments.load.reads, 100);
    assert_int_equal(arguments.load.seconds, 3600);
    REFUSED("--sessions 0: give a number from 1 to 10000", "bench", "--sessions", "0");
    REFUSED("--sessions 10001", "bench", "--sessions", "10001");
    REFUSED("--outstanding 1025: give a number from 1 to 1024", "bench", "--outstanding", "1025");
    REFUSED("--bytes 1048577", "bench", "--bytes", "1048577");
    REFUSED("--reads 101", "bench", "--reads", "101");
    REFUSED("--seconds 1s: give a number from 1 to 3600", "bench", "--seconds", "1s");
    REFUSED("--sessions has no meaning for ls", "ls", "/", "--sessions", "1");
    REFUSED("--seconds has no meaning for watch", "watch", "/", "--seconds", "1");
    REFUSED("bench has no output as plain", "bench", "-o", "plain");
}

/* Words of a line in a transaction: no environment, and no options about the cluster. */
static void test_words_alone(void **state)
{
    static const struct cli_command commands[] = {{.name = "set",
                                                   .operands = "PATH DATA",
                                                   .takes = CLI_VERSION,
                                                   .operands_min = 2,
                                                   .operands_max = 2},
                                                  {.name = NULL}};
    char txn[] = "txn", set[] = "set", path[] = "/a", data[] = "b", version[] = "--version",
         three[] = "3", timeout[] = "--timeout", help[] = "-h";
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    (void)state;
    char *good[] = {txn, set, version, three, path, data, NULL};
    assert_true(cli_words_parse(6, good, commands, &arguments, message));
    assert_ptr_equal(arguments.command, commands);
    assert_int_equal(arguments.version, 3);
    assert_string_equal(arguments.operands[1], "b");
    char *with_timeout[] = {txn, set, timeout, three, path, data, NULL};
    assert_false(cli_words_parse(6, with_timeout, commands, &arguments, message));
    assert_non_null(strstr(message, "no such option"));
    char *with_help[] = {txn, set, help, path, data, NULL};
    assert_false(cli_words_parse(5, with_help, commands, &arguments, message));
    char *short_of_data[] = {txn, set, path, NULL};
    assert_false(cli_words_parse(3, short_of_data, commands, &arguments, message));
    assert_non_null(strstr(message, "PATH DATA"));
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(COORD_OK), 0);
    assert_int_equal(cli_exit_of(COORD_NO_NODE), 1);
    assert_int_equal(cli_exit_of(COORD_NOT_BORN), 1);
    assert_int_equal(cli_exit_of(COORD_ALREADY_BORN), 1);
    assert_int_equal(cli_exit_of(COORD_PERMISSION_DENIED), 1);
    assert_int_equal(cli_exit_of(COORD_SESSION_EXPIRED), 1);
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
        cmocka_unit_test(test_commands_of_two_words),
        cmocka_unit_test(test_what_a_command_prints),
        cmocka_unit_test(test_numbers_of_options),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_words_alone),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
