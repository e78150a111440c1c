#ifndef COORD_CLI_WORDS_H
#define COORD_CLI_WORDS_H

#include "base/assert.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One line taken apart, as a shell does it: words stand between spaces, or in double quotes with
 * the escapes \" \\ \n \t \r and \xHH (but not \x00), or, if the language has them, in single
 * quotes without any. word[0] is a name, as in argv, and counts for nothing.
 */

enum { CLI_WORDS_MAX = 128 };

struct cli_words {
    char *text; /* owned; the words lie in it */
    char *word[CLI_WORDS_MAX + 2];
    int count; /* without word[0] and the NULL behind the last */
};

/* Released with cli_words_release also after false; then `message` says what is wrong with it. */
CD_MUST_USE bool cli_words_split(struct cli_words *words, const char *line, bool single_quotes,
                                 char *message, size_t message_bytes);
void cli_words_release(struct cli_words *words);

/* Appends the word as a line has it: bare, or if need be in double quotes; `open` leaves out the
 * closing one, because the word goes on. */
void cli_word_quote(struct cd_buf *to, const char *word, bool open);

#endif
