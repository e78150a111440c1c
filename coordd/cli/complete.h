#ifndef COORD_CLI_COMPLETE_H
#define COORD_CLI_COMPLETE_H

#include "arguments.h"

#include <stddef.h>

/* What the word before the cursor may become: commands, options, their values, paths. */

enum {
    /* More are left out, and `more` says so. */
    CLI_CANDIDATES_MAX = 1000,
};

struct cli_candidates {
    char *word[CLI_CANDIDATES_MAX]; /* owned; whole words, not quoted */
    size_t count;
    bool more;
    size_t replace; /* bytes before the cursor that a candidate stands in for */
};

/* Takes a copy, if it begins with `beginning`. */
void cli_candidates_add(struct cli_candidates *to, const char *beginning, const char *word);
void cli_candidates_release(struct cli_candidates *candidates);

/*
 * Adds the children of the node at `folder`, a path as it was typed, so "" is where the shell is:
 * folder and name, if that begins with `beginning`. Where they cannot be had in a short time there
 * are none.
 */
typedef void (*cli_children_fn)(void *context, const char *folder, const char *beginning,
                                struct cli_candidates *to);

/* `line` ends at the cursor. Released with cli_candidates_release. */
void cli_complete(const char *line, const struct cli_command *commands, cli_children_fn children,
                  void *context, struct cli_candidates *ret_candidates);

/* Whether its first operand is a path. */
bool cli_takes_path(const struct cli_command *command);

#endif
