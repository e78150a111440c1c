#include "say.h"
#include "progress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum cli_exit cli_exit_of(enum coord_code code)
{
    switch ((int)code) {
    case COORD_OK:
        return CLI_DONE;
    case COORD_UNREACHABLE:
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_BEHIND:
    case COORD_SHUTTING_DOWN:
    case COORD_LIMIT_TIME:
    case COORD_TIMEOUT:
    case COORD_CLOSED:
    case COORD_OUTCOME_UNKNOWN:
        return CLI_UNREACHABLE;
    default:
        return CLI_REFUSED;
    }
}

int cli_say_failure(const char *command, const char *subject, const struct coord_error *error)
{
    cli_progress_wipe();
    (void)fflush(stdout); /* so that a terminal shows both in order; cli_finish_output judges */
    (void)fprintf(stderr, "coordctl: %s%s%s: %s (%s)\n", command, subject != NULL ? " " : "",
                  subject != NULL ? subject : "", error->message, coord_code_name(error->code));
    return (int)cli_exit_of(error->code);
}

int cli_say(enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cli_progress_wipe();
    (void)fflush(stdout); /* likewise */
    (void)fputs("coordctl: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return (int)code;
}

int cli_finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return cli_say(CLI_REFUSED, "cannot write the output: %s", strerror(errno));
    }
    return CLI_DONE;
}
