#include "cli/commands.h"
#include "cli/complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goal: what is offered for the word before the cursor. */

/* Says what it was asked for. */
static void children(void *context, const char *folder, const char *beginning,
                     struct cli_candidates *to)
{
    char word[64];
    (void)context;
    (void)snprintf(word, sizeof(word), "%sone", folder);
    cli_candidates_add(to, beginning, word);
    (void)snprintf(word, sizeof(word), "%stwo/", folder);
    cli_candidates_add(to, beginning, word);
}

/* `expected`: the candidates with spaces between them. */
static void offers(const char *line, const char *expected, size_t replace)
{
    static struct cli_candidates candidates;
    char all[1000] = "";
    size_t used = 0;
    cli_complete(line, cli_commands, children, NULL, &candidates);
    for (size_t i = 0; i < candidates.count && used < sizeof(all); i++) {
        int more = snprintf(all + used, sizeof(all) - used, "%s%s", used > 0 ? " " : "",
                            candidates.word[i]);
        used += more > 0 ? (size_t)more : 0;
    }
    assert_string_equal(all, expected);
    assert_int_equal(candidates.replace, replace);
    cli_candidates_release(&candidates);
}

static void test_names(void **state)
{
    (void)state;
    offers("sta", "status stat", 3);
    offers("  cou", "count", 3);
    offers("ac", "acl", 2);
    offers("acl ", "get set", 0);
    offers("session s", "show", 1);
    offers("fly ", "", 0);
    offers("--timeout 2s cou", "count", 3);
}

static void test_options_and_values(void **state)
{
    (void)state;
    offers("get --le", "--level", 4);
    offers("set / x --le", "", 4);
    offers("acl get --level ", "linearizable session", 0);
    offers("status -o ", "table plain json", 0);
    offers("get --output p", "plain", 1);
    offers("create --timeout ", "", 0);
    offers("--n", "--namespace", 3);
    offers("get -- --", "", 2);
}

static void test_paths(void **state)
{
    (void)state;
    offers("get ", "one two/", 0);
    offers("get /a/t", "/a/two/", 4);
    offers("get --level session /", "/one /two/", 1);
    offers("get \"/a b/o", "/a b/one", 7);
    offers("get '/a b/", "/a b/one /a b/two/", 6);
    offers("get -- t", "two/", 1);
    offers("acl get o", "one", 1);
    offers("lock /a -- ", "", 0);         /* a program, not a path */
    offers("get /a ", "", 0);             /* that was all */
    offers("get \"/a\\", "", 4);          /* escapes are not guessed at */
    offers("get \"/a\" \"/b\"c ", "", 0); /* no words */
    offers("status ", "", 0);
    offers("set /a ", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_options_and_values),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
