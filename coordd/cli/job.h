#ifndef COORD_CLI_JOB_H
#define COORD_CLI_JOB_H

#include "base/assert.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A program that runs while something is held: in a process group of its own, which signals reach
 * as a whole. Where coordctl itself is killed, the kernel kills the program too. On a terminal it
 * is the foreground, so that it can read, and Ctrl-C is its own. Thread: main; one at a time in a
 * process.
 */
struct cli_job {
    pid_t group; /* that of the program too; 0: none runs */
    bool foreground;
};

/*
 * Starts words[0], found as a shell finds it, with the environment of this process. Returns an exit
 * code; not CLI_DONE: it was said.
 */
CD_MUST_USE int cli_job_start(struct cli_job *job, char *const *words);

/* Sends it to all of the group that are left. */
void cli_job_signal(const struct cli_job *job, int number);

/*
 * Whether the program has ended; then *ret_code is its exit code, or 128 and the signal's number,
 * and whom it has left behind in its group gets SIGTERM.
 */
CD_MUST_USE bool cli_job_has_ended(struct cli_job *job, int *ret_code);

#endif
