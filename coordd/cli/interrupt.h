#ifndef COORD_CLI_INTERRUPT_H
#define COORD_CLI_INTERRUPT_H

#include <stdbool.h>

/*
 * Ctrl-C where it ends a command and not the program: in a shell. Elsewhere it ends coordctl as any
 * program, and nothing here is ever true. Thread: main.
 */

enum {
    /* How late a command that waits may notice. */
    CLI_INTERRUPT_LOOK_EVERY_MS = 100,
};

/* SIGINT says nothing: no command runs. */
void cli_interrupt_ignore(void);

/* From here on it is remembered; what reads standard input gives up. */
void cli_interrupt_catch(void);

/* There was one since _catch. */
bool cli_interrupted(void);

#endif
