#include "cli/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Goal: a line's words, and that a word that was quoted comes back as it was. */

static void splits(const char *line, bool single_quotes, const char *first, int count)
{
    struct cli_words words;
    char message[256] = "";
    assert_true(cli_words_split(&words, line, single_quotes, message, sizeof(message)));
    assert_int_equal(words.count, count);
    assert_null(words.word[count + 1]);
    if (count > 0) {
        assert_string_equal(words.word[1], first);
    }
    cli_words_release(&words);
}

static void refuses(const char *line, const char *why)
{
    struct cli_words words;
    char message[256] = "";
    assert_false(cli_words_split(&words, line, true, message, sizeof(message)));
    assert_non_null(strstr(message, why));
    cli_words_release(&words);
}

static void test_split(void **state)
{
    (void)state;
    splits("", true, NULL, 0);
    splits("  a\tb \r", true, "a", 2);
    splits("\"a b\" c", true, "a b", 2);
    splits("\"\\\"\\\\\\n\\x41\"", true, "\"\\\nA", 1);
    splits("''", true, "", 1);
    splits("'a \"b\\' c", true, "a \"b\\", 2);
    splits("'a b'", false, "'a", 2); /* of a transaction */
    splits("it's", true, "it's", 1);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses("\"a", "not closed");
    refuses("'a", "not closed");
    refuses("'a'b", "space is missing");
    refuses("\"a\"b", "space is missing");
    refuses("\"\\q\"", "escapes");
    refuses("\"\\x00\"", "escapes");
    char line[2 * CLI_WORDS_MAX + 4] = "";
    for (int i = 0; i < CLI_WORDS_MAX; i++) {
        line[2 * i] = 'a';
        line[2 * i + 1] = ' ';
    }
    splits(line, true, "a", CLI_WORDS_MAX);
    line[2 * CLI_WORDS_MAX] = 'a';
    refuses(line, "128 words");
}

static void test_quoting_and_back(void **state)
{
    (void)state;
    static const char *const cases[] = {"a",  "",           "a b", "it's", "\"\\\n\t\r\x01",
                                        "#a", "gr\xc3\xbcn"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(cases); i++) {
        struct cd_buf line;
        cd_buf_init(&line, 1000);
        cli_word_quote(&line, cases[i], false);
        cd_buf_put(&line, "", 1);
        splits((const char *)line.data, true, cases[i], 1);
        splits((const char *)line.data, false, cases[i], 1);
        cd_buf_release(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_quoting_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
