/*
 * fair_worker NAME [TURN_MS]: several of these share one printer.
 *
 * Shows the fair lock: it is granted in the order of asking, so nobody waits for ever, and each
 * release wakes the next worker alone. A worker asks for the lock /printer/turn, prints a page,
 * gives the lock back and asks again. What the lock protects is the number of pages; it is written
 * under the lock's fence.
 *
 *   . .dev/env; fair_worker anna & fair_worker bert & fair_worker carl &
 */

#include "example.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN  "/printer/turn"
#define PAGES "/printer/pages"

enum { TURN_MS = 500 };

/* The page counts only if the lock is held at the moment at which the cluster writes that down. */
static enum coord_code finish_page(struct coord_client *client, const struct coord_lock *lock,
                                   int64_t *ret_page, struct coord_error *error)
{
    struct coord_call_options *call = coord_call_options_create();
    struct coord_result *result = NULL;
    enum coord_code code = COORD_NO_MEMORY;
    if (call != NULL) {
        code = coord_lock_guard(lock, call, error);
    }
    if (code == COORD_OK) {
        code = coord_increment(client, PAGES, 1, COORD_ANY_VERSION, COORD_INCREMENT_CREATE, call,
                               &result, error);
    }
    if (code == COORD_OK) {
        *ret_page = coord_result_value(result);
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}

/* What is done under the lock. */
static void use_printer(struct coord_client *client, struct coord_lock *lock, const char *name,
                        uint32_t turn_ms)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_hold state = COORD_HOLD_SAFE;
    int64_t page = 0;
    example_say("%s: has the printer, fence %" PRIu64, name, coord_lock_fence(lock));
    if (coord_lock_wait(lock, turn_ms, &state, NULL) != COORD_TIMEOUT) {
        example_say("%s: not SAFE any more, throws the page away", name);
    } else if (finish_page(client, lock, &page, &error) != COORD_OK) {
        example_say("%s: no page: %s", name, coord_code_name(error.code));
    } else {
        example_say("%s: page %" PRId64 " is done", name, page);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: fair_worker NAME [TURN_MS]\n");
        return 2;
    }
    uint32_t turn_ms = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : TURN_MS;
    struct coord_client *client = example_connect();
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    while (!example_stopped() && (code == COORD_OK || example_passes(code))) {
        struct coord_lock *lock = NULL;
        example_say("%s: asks for the printer", argv[1]);
        code = coord_lock_acquire(client, TURN, argv[1], strlen(argv[1]), COORD_FOREVER, &lock,
                                  &error);
        if (code == COORD_OK) {
            example_catch_signals(true); /* a turn that has begun is finished */
            use_printer(client, lock, argv[1], turn_ms);
            (void)coord_lock_release(lock, NULL);
            example_catch_signals(false);
        }
    }
    coord_client_close(client);
    return example_stopped() ? 0 : example_failed(argv[1], &error);
}
