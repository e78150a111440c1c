#include "words.h"
#include "values.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where it is said what is wrong. */
struct complaint {
    char *message;
    size_t bytes;
};

CD_PRINTF(2, 3)
static bool wrong(struct complaint complaint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(complaint.message, complaint.bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What stands behind a backslash; false if that means nothing. */
static bool take_escape(const char **at, char *ret_char)
{
    static const char from[] = "\"\\ntr";
    static const char to[] = "\"\\\n\t\r";
    const char *known = **at != '\0' ? strchr(from, **at) : NULL;
    if (known != NULL) {
        *ret_char = to[known - from];
        (*at)++;
        return true;
    }
    if (**at != 'x' || (*at)[1] == '\0' || (*at)[2] == '\0') {
        return false;
    }
    char digits[5] = {'0', 'x', (*at)[1], (*at)[2], '\0'};
    uint64_t value = 0;
    if (!cli_number_parse(digits, 255, &value) || value == 0) {
        return false;
    }
    *ret_char = (char)value;
    *at += 3;
    return true;
}

/* `from` stands behind the opening quote. */
static bool take_quoted(const char **from, char **to, struct complaint complaint)
{
    const char *at = *from;
    while (*at != '"') {
        if (*at == '\0') {
            return wrong(complaint, "a quote is not closed");
        }
        if (*at != '\\') {
            *(*to)++ = *at++;
            continue;
        }
        at++;
        if (!take_escape(&at, (*to)++)) {
            return wrong(complaint, "\\%.1s: the escapes are \\\" \\\\ \\n \\t \\r and \\xHH", at);
        }
    }
    *from = at + 1;
    return true;
}

/* `from` stands behind the opening quote. */
static bool take_literal(const char **from, char **to, struct complaint complaint)
{
    const char *end = strchr(*from, '\'');
    if (end == NULL) {
        return wrong(complaint, "a quote is not closed");
    }
    memcpy(*to, *from, (size_t)(end - *from));
    *to += end - *from;
    *from = end + 1;
    return true;
}

static bool take_word(const char **from, char **to, bool single_quotes, struct complaint complaint)
{
    const char *at = *from;
    bool literal = single_quotes && *at == '\'';
    if (*at != '"' && !literal) {
        while (*at != '\0' && !is_space(*at)) {
            *(*to)++ = *at++;
        }
        *from = at;
        return true;
    }
    at++;
    if (literal ? !take_literal(&at, to, complaint) : !take_quoted(&at, to, complaint)) {
        return false;
    }
    *from = at;
    return *at == '\0' || is_space(*at) || wrong(complaint, "a space is missing behind a quote");
}

bool cli_words_split(struct cli_words *words, const char *line, bool single_quotes, char *message,
                     size_t message_bytes)
{
    static char name[] = "coordctl";
    struct complaint complaint = {.message = message, .bytes = message_bytes};
    *words = (struct cli_words){.word = {name}};
    words->text = cd_malloc(strlen(line) + 1); /* a word and its NUL never take more than it did */
    char *to = words->text;
    const char *at = line;
    for (;;) {
        while (is_space(*at)) {
            at++;
        }
        if (*at == '\0') {
            break;
        }
        if (words->count == CLI_WORDS_MAX) {
            return wrong(complaint, "a line has more than %d words", (int)CLI_WORDS_MAX);
        }
        words->word[++words->count] = to;
        if (!take_word(&at, &to, single_quotes, complaint)) {
            return false;
        }
        *to++ = '\0';
    }
    words->word[words->count + 1] = NULL;
    return true;
}

void cli_words_release(struct cli_words *words)
{
    cd_free(words->text);
}

/* ---- The other way round ---- */

static void put_quoted(struct cd_buf *to, char c)
{
    static const char from[] = "\"\\\n\t\r";
    static const char names[] = "\"\\ntr";
    const char *known = strchr(from, c);
    if (known != NULL) {
        cd_buf_printf(to, "\\%c", names[known - from]);
    } else if ((unsigned char)c < ' ') {
        cd_buf_printf(to, "\\x%02x", (unsigned)c);
    } else {
        cd_buf_put(to, &c, 1);
    }
}

void cli_word_quote(struct cd_buf *to, const char *word, bool open)
{
    bool bare = word[strcspn(word, " \t\r\n\"\\'")] == '\0' && word[0] != '#' && word[0] != '\0';
    if (bare) {
        cd_buf_printf(to, "%s", word);
        return;
    }
    cd_buf_put(to, "\"", 1);
    for (const char *at = word; *at != '\0'; at++) {
        put_quoted(to, *at);
    }
    if (!open) {
        cd_buf_put(to, "\"", 1);
    }
}
