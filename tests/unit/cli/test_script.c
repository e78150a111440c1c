#include "cli/script.h"
#include "cli/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: which lines a transaction may have, and what is said of others. What a line makes of the
 * transaction is shown by tests/integration/test_coordctl_txn.py, on a cluster.
 */

static int setup(void **state)
{
    static struct cli_script script;
    *state = &script;
    return cli_script_init(&script) ? 0 : -1;
}

static int teardown(void **state)
{
    cli_script_release(*state);
    return 0;
}

static void take(struct cli_script *script, const char *line)
{
    char message[CLI_SCRIPT_MESSAGE_BYTES] = "";
    if (!cli_script_add(script, line, message)) {
        fail_msg("\"%s\": %s", line, message);
    }
}

static void refuse(struct cli_script *script, const char *line, const char *words)
{
    char message[CLI_SCRIPT_MESSAGE_BYTES] = "";
    if (cli_script_add(script, line, message)) {
        fail_msg("\"%s\" was taken", line);
    }
    if (strstr(message, words) == NULL) {
        fail_msg("\"%s\": \"%s\" has not: %s", line, message, words);
    }
}

static void test_sections(void **state)
{
    struct cli_script *script = *state;
    take(script, "exists /a");
    take(script, "# a remark");
    take(script, " \t ");
    take(script, "version /a == 3");
    take(script, "then");
    take(script, "set /a b");
    take(script, "else");
    take(script, "get /a");
    take(script, "ls /");
    assert_int_equal(script->section, CLI_SECTION_ELSE);
    assert_int_equal(script->counts[CLI_SECTION_IF], 2);
    assert_int_equal(script->counts[CLI_SECTION_THEN], 1);
    assert_int_equal(script->counts[CLI_SECTION_ELSE], 2);
    assert_string_equal(script->lines[CLI_SECTION_IF][1].text, "version /a == 3");
    assert_int_equal(script->lines[CLI_SECTION_THEN][0].op, CLI_OP_SET);
    assert_int_equal(script->lines[CLI_SECTION_ELSE][1].op, CLI_OP_LS);
    refuse(script, "else", "comes once");
    refuse(script, "then", "comes once");
}

static void test_else_comes_behind_then(void **state)
{
    refuse(*state, "else", "comes once");
}

static void test_every_compare(void **state)
{
    static const char *const good[] = {
        "exists /a",           "missing /a",           "version /a == 0",   "cversion /a != 1",
        "aversion /a < 2",     "czxid /a > 3",         "mzxid /a == 0x10",  "pzxid /a == 5",
        "num_children /a < 6", "owner /a == 0",        "owner /a != 0x7",   "value /a == b",
        "value /a != \"b c\"", "held /q/n-1 == 0x100", "held /q/n-1 != 256"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        take(*state, good[i]);
    }
}

static void test_compares_that_are_none(void **state)
{
    struct cli_script *script = *state;
    refuse(script, "exists", "takes a path");
    refuse(script, "exists /a == 1", "takes a path");
    refuse(script, "version /a 3", "WHAT PATH");
    refuse(script, "version /a = 3", "=: it is ==, !=, < or >");
    refuse(script, "version /a == x", "give a number");
    refuse(script, "version /a == -1", "give a number");
    refuse(script, "owner /a < 3", "it is == or !=");
    refuse(script, "value /a < 3", "it is == or !=");
    refuse(script, "held /a == x", "give a fence");
    refuse(script, "size /a == 3", "a compare begins with");
    refuse(script, "set /a b", "behind a line \"then\"");
    assert_int_equal(script->counts[CLI_SECTION_IF], 0);
}

static void test_every_operation(void **state)
{
    static const char *const good[] = {"create /a",
                                       "create /a b",
                                       "create --parents --sequential --container /a",
                                       "create --if-absent --ttl 90s /a \"b c\"",
                                       "set /a b",
                                       "set --version 3 /a b",
                                       "set /a -- -5",
                                       "rm /a",
                                       "rm -r --version 2 /a",
                                       "incr /a",
                                       "incr --create /a 5",
                                       "incr /a -- -5",
                                       "check /a",
                                       "check --version 0 /a",
                                       "get /a",
                                       "exists /a",
                                       "ls /a",
                                       "acl /a anyone:r cn:x:rw",
                                       "acl --version 1 /a inherit",
                                       "acl /a none"};
    take(*state, "then");
    for (size_t i = 0; i < CD_ARRAY_COUNT(good); i++) {
        take(*state, good[i]);
    }
    assert_int_equal(((struct cli_script *)*state)->counts[CLI_SECTION_THEN], CD_ARRAY_COUNT(good));
}

static void test_operations_that_are_none(void **state)
{
    struct cli_script *script = *state;
    take(script, "then");
    refuse(script, "fly /a", "no such command");
    refuse(script, "set /a", "PATH DATA");
    refuse(script, "set /a b c", "3 operands");
    refuse(script, "set --values /a b", "no meaning");
    refuse(script, "set --nonsense /a b", "no such option");
    refuse(script, "set --timeout 2s /a b", "no such option");
    refuse(script, "create --ephemeral /a", "no meaning");
    refuse(script, "set --version x /a b", "--version x");
    refuse(script, "incr /a x", "give a number");
    refuse(script, "incr /a 9223372036854775808", "give a number");
    refuse(script, "acl /a r", "SCHEME:ID:PERMISSIONS");
    refuse(script, "version /a == 3", "no such command");
    assert_int_equal(script->counts[CLI_SECTION_THEN], 0);
}

static void test_quotes(void **state)
{
    struct cli_script *script = *state;
    take(script, "then");
    take(script, "set \"/a b\" \"\"");
    take(script, "set /a \"\\\"\\\\\\n\\t\\r\\xff\\x01\"\t");
    refuse(script, "set /a \"b", "not closed");
    refuse(script, "set /a \"b\\", "escapes are");
    refuse(script, "set /a \"b\\q\"", "escapes are");
    refuse(script, "set /a \"\\x00\"", "escapes are");
    refuse(script, "set /a \"\\xg1\"", "escapes are");
    refuse(script, "set /a \"\\x1\"", "escapes are");
    refuse(script, "set /a \"b\"c", "a space is missing");
}

static void test_too_many_words(void **state)
{
    char line[4 * CLI_WORDS_MAX + 16] = "acl /a";
    size_t used = strlen(line);
    take(*state, "then");
    for (int i = 2; i < CLI_WORDS_MAX; i++) {
        used += (size_t)snprintf(line + used, sizeof(line) - used, " x");
    }
    refuse(*state, line, "SCHEME"); /* it was read to its end */
    (void)snprintf(line + used, sizeof(line) - used, " x");
    refuse(*state, line, "more than 128 words");
}

static void test_too_many_lines(void **state)
{
    take(*state, "then");
    for (int i = 0; i < CLI_SCRIPT_LINES_MAX; i++) {
        take(*state, "get /");
    }
    refuse(*state, "get /", "more than 10000");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sections),        TEST(test_else_comes_behind_then),
        TEST(test_every_compare),   TEST(test_compares_that_are_none),
        TEST(test_every_operation), TEST(test_operations_that_are_none),
        TEST(test_quotes),          TEST(test_too_many_words),
        TEST(test_too_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
