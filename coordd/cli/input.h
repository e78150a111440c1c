#ifndef COORD_CLI_INPUT_H
#define COORD_CLI_INPUT_H

#include "base/assert.h"
#include "base/buf.h"

#include <stdbool.h>

/* Of standard input; a cluster takes less and says how much. */
#define CLI_INPUT_BYTES_MAX (32 << 20)

/* All of standard input, into an empty buffer with the limit CLI_INPUT_BYTES_MAX. Returns an exit
 * code; not CLI_DONE: it was said. */
CD_MUST_USE int cli_read_input(struct cd_buf *data);

/* From here on standard input is for the shell that reads its lines there: _read refuses. */
void cli_input_keep(void);
bool cli_input_is_kept(void);

#endif
