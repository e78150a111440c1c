#include "input.h"
#include "say.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_BYTES_STEP = 64 << 10 };

static bool kept;

void cli_input_keep(void)
{
    kept = true;
}

bool cli_input_is_kept(void)
{
    return kept;
}

int cli_read_input(struct cd_buf *data)
{
    if (kept) {
        return cli_say(CLI_USAGE, "standard input holds the lines of the shell; give the data in "
                                  "the line");
    }
    uint8_t *chunk = cd_malloc(INPUT_BYTES_STEP);
    size_t count = 0;
    /* A terminal says the end once; asked again it goes on. */
    while (!data->overflowed && feof(stdin) == 0 &&
           (count = fread(chunk, 1, INPUT_BYTES_STEP, stdin)) > 0) {
        cd_buf_put(data, chunk, count);
    }
    cd_free(chunk);
    if (ferror(stdin) != 0) {
        return cli_say(CLI_USAGE, "cannot read standard input: %s", strerror(errno));
    }
    if (data->overflowed) {
        return cli_say(CLI_REFUSED, "standard input has more than %d bytes; no cluster takes that",
                       (int)CLI_INPUT_BYTES_MAX);
    }
    return CLI_DONE;
}
