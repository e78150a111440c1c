#ifndef COORD_CLI_PROGRESS_H
#define COORD_CLI_PROGRESS_H

#include "base/assert.h"

/*
 * How far something long has come: a line on stderr that is written over, if stderr is a terminal,
 * else nothing. Thread: main.
 */

/* At most a few times a second. */
void cli_progress_show(const char *format, ...) CD_PRINTF(1, 2);

/* Before anything else is written there: at the end, and by what say.h says. */
void cli_progress_wipe(void);

#endif
