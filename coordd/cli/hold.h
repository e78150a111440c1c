#ifndef COORD_CLI_HOLD_H
#define COORD_CLI_HOLD_H

#include "base/assert.h"
#include "coord/client.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * To keep a session until somebody says that it is enough: SIGINT (Ctrl-C), SIGTERM, or the end of
 * standard input. Signals that come between _begin and _end are kept, on whichever thread they
 * arrive. Thread: main; one at a time in a process.
 */

struct cli_hold {
    int read_end, write_end; /* of a pipe that a signal writes into; -1 if it was not begun */
    struct sigaction old_interrupt, old_terminate;
};

#define CLI_HOLD_NONE                                                                              \
    {                                                                                              \
        .read_end = -1, .write_end = -1                                                            \
    }

/* Returns an exit code; not CLI_DONE: it was said, and nothing is begun. */
CD_MUST_USE int cli_hold_begin(struct cli_hold *hold);

/* Accepts one that was not begun. */
void cli_hold_end(struct cli_hold *hold);

/*
 * Waits. `input`: the end of standard input counts too; what stands there is read and thrown away.
 * Returns CLI_DONE when it was told, or CLI_REFUSED, with a sentence, when `session` of the client
 * can no longer be trusted.
 */
CD_MUST_USE int cli_hold_until_told(const struct cli_hold *hold, struct coord_client *client,
                                    uint64_t session, bool input);

#endif
