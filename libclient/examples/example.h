#ifndef EXAMPLE_H
#define EXAMPLE_H

/*
 * What the examples share, so that each of them shows its own matter alone: a client made from the
 * environment, lines with their time, and Ctrl-C.
 *
 *   COORD_ENDPOINTS, COORD_CACERT, COORD_CERT, COORD_KEY   as for coordctl
 *   COORD_NAMESPACE    a node that stands for the root; none by default
 *   COORD_SESSION_MS   the session's timeout; the cluster's default if it is not set
 */

#include <coord/recipes.h>

/* A client with a session. Ends the program, with exit code 2, where the environment is wrong. */
struct coord_client *example_connect(void);

/* One line on standard output: seconds since the machine was started, and the text. */
void example_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Nothing happens for so long, or until a signal. */
void example_pause(long ms);

/* Whether it is worth trying again: the cluster was not reached, or the session was lost. */
bool example_passes(enum coord_code code);

/* What could not be done and why, on standard error. Always 1, for main to return. */
int example_failed(const char *what, const struct coord_error *error);

/*
 * true: from now on Ctrl-C and SIGTERM let the program go on, and example_stopped() tells. false:
 * they end it at once, as they do by default. What it held then goes with its session.
 */
void example_catch_signals(bool wanted);
bool example_stopped(void);

/* How long to wait for something before looking at example_stopped() again. */
#define EXAMPLE_LOOK_MS 100

#endif
