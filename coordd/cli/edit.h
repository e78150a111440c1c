#ifndef COORD_CLI_EDIT_H
#define COORD_CLI_EDIT_H

#include "complete.h"

#include <stdbool.h>

/*
 * Lines typed at a terminal, by libedit: editing, history, and completion with Tab. The history is
 * in memory alone, because lines hold data. Ctrl-C gives up the line. Thread: main.
 */
struct cli_edit;

struct cli_edit_owner {
    void *context;
    /* Written anew for each line; lives until the next call. */
    const char *(*prompt)(void *context);
    /* As cli_complete, for the line up to the cursor. */
    void (*complete)(void *context, const char *line, struct cli_candidates *ret_candidates);
};

/* The owner is borrowed. NULL: the terminal is none that libedit can use, or no memory. */
struct cli_edit *cli_edit_open(const struct cli_edit_owner *owner);
void cli_edit_close(struct cli_edit *edit);

/* The next line, without its end; empty after Ctrl-C, NULL after Ctrl-D. Lives until the next call.
 */
const char *cli_edit_read(struct cli_edit *edit);

#endif
