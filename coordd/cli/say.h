#ifndef COORD_CLI_SAY_H
#define COORD_CLI_SAY_H

#include "base/assert.h"
#include "coord/client.h"

/* What coordctl says when something went wrong, and what its exit code tells a script. */

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,     /* by the cluster, or its answer could not be written out */
    CLI_USAGE = 2,       /* the command line, the environment, or the files that they name */
    CLI_UNREACHABLE = 3, /* no replica served in time, or it is not known whether it was done */
    CLI_LOST = 4,        /* lock and elect: it was lost while the program ran */
};

enum cli_exit cli_exit_of(enum coord_code code);

/* "coordctl: get /a: the node does not exist (NO_NODE)" on stderr. Returns the exit code. */
int cli_say_failure(const char *command, const char *subject, const struct coord_error *error);

/* "coordctl: ..." on stderr. Returns `code`. */
int cli_say(enum cli_exit code, const char *format, ...) CD_PRINTF(2, 3);

/* All of stdout is written, or CLI_REFUSED with the reason. */
int cli_finish_output(void);

#endif
