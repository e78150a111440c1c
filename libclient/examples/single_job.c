/*
 * single_job NAME: a job that must not run twice at a time.
 *
 * Shows the simple lock, one node that is there or not: the first one that asks has it, everybody
 * else is told at once, with the name of who has it, and goes away with exit code 3. It runs until
 * Ctrl-C, or until the lock can no longer be trusted.
 *
 *   . .dev/env; single_job anna & single_job bert
 */

#include "example.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOCK "/nightly-report"

enum { REFUSED = 3 };

/* The lock's data say who holds it; it may have been given back meanwhile. */
static void say_refused(struct coord_client *client, const char *name)
{
    struct coord_result *result = NULL;
    size_t bytes = 0;
    const char *holder = "somebody who is gone by now";
    if (coord_get(client, LOCK, NULL, &result, NULL) == COORD_OK) {
        holder = coord_result_data(result, &bytes); /* with a NUL behind it */
    }
    example_say("%s: refused, it runs as %s", name, holder);
    coord_result_free(result);
}

/* Returns at Ctrl-C, or when the lock is LOST. */
static void run(struct coord_lock *lock, const char *name)
{
    enum coord_hold state = COORD_HOLD_SAFE;
    example_catch_signals(true);
    example_say("%s: runs, fence %" PRIu64, name, coord_lock_fence(lock));
    while (!example_stopped() && state != COORD_HOLD_LOST) {
        if (coord_lock_wait(lock, EXAMPLE_LOOK_MS, &state, NULL) == COORD_OK) {
            example_say("%s: %s", name,
                        state == COORD_HOLD_SAFE      ? "SAFE again, goes on"
                        : state == COORD_HOLD_SUSPECT ? "SUSPECT, pauses"
                                                      : "LOST, stops");
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: single_job NAME\n");
        return 2;
    }
    struct coord_client *client = example_connect();
    struct coord_lock *lock = NULL;
    struct coord_error error;
    int exit_code = 0;
    enum coord_code code = coord_lock_try(client, LOCK, argv[1], strlen(argv[1]), &lock, &error);
    if (code == COORD_OK) {
        run(lock, argv[1]);
        exit_code = coord_lock_state(lock) == COORD_HOLD_LOST ? 1 : 0;
        (void)coord_lock_release(lock, NULL);
    } else if (code == COORD_NODE_EXISTS) {
        say_refused(client, argv[1]);
        exit_code = REFUSED;
    } else {
        exit_code = example_failed(argv[1], &error);
    }
    coord_client_close(client);
    return exit_code;
}
