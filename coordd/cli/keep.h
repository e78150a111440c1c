#ifndef COORD_CLI_KEEP_H
#define COORD_CLI_KEEP_H

#include "arguments.h"

#include "coord/recipes.h"

/*
 * A presence that is kept up for as long as a program runs, or until SIGINT or SIGTERM.
 * Thread: main; one at a time in a process.
 */

/*
 * Waits until `presence` stands (--wait: no longer than that), says so, and keeps it.
 * words: the program and its arguments, ended by NULL; NULL: none. It is started when the presence
 *        stands. A signal takes the presence away first and is then passed on to it.
 * Returns an exit code: the program's, where there is one. The presence is closed.
 */
CD_MUST_USE int cli_keep(struct coord_presence *presence, const struct cli_arguments *arguments,
                         char *const *words);

#endif
