/*
 * master_job NAME: several of these run, one of them works.
 *
 * Shows an election. Each job stands for the office /billing/master; the one that holds it makes
 * invoices, of which there is a running number. When it dies, or is cut off from the cluster, it
 * stops before the next one starts:
 *
 *   while SAFE     it works
 *   at SUSPECT     it pauses, because the cluster may give the office to another one soon
 *   at LOST        it is no master any more, and stands again
 *
 * The number is written under the office's fence, so that a job that was stopped in the middle of a
 * step and wakes up much too late is refused by the cluster, whatever it believes.
 *
 *   . .dev/env; master_job anna & master_job bert & master_job carl &
 */

#include "example.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OFFICE   "/billing/master"
#define INVOICES "/billing/invoices"

enum {
    STEP_MS = 100,
    /* Not longer than until SUSPECT: a step that waits for an answer cannot look at the state. */
    WRITE_MS = 250
};

/* One step of the work: the next number, if the office is still held where it counts. */
static void make_invoice(struct coord_client *client, const char *name,
                         const struct coord_call_options *call)
{
    struct coord_result *result = NULL;
    struct coord_error error;
    if (coord_increment(client, INVOICES, 1, COORD_ANY_VERSION, COORD_INCREMENT_CREATE, call,
                        &result, &error) == COORD_OK) {
        example_say("%s: invoice %" PRId64, name, coord_result_value(result));
    } else {
        example_say("%s: no invoice: %s", name, coord_code_name(error.code));
    }
    coord_result_free(result);
}

/* Works as long as the office is SAFE; returns when it is LOST, or at Ctrl-C. */
static void serve(struct coord_client *client, struct coord_lock *office, const char *name,
                  const struct coord_call_options *call)
{
    enum coord_hold state = coord_lock_state(office);
    while (state != COORD_HOLD_LOST && !example_stopped()) {
        enum coord_hold before = state;
        if (state == COORD_HOLD_SAFE) {
            make_invoice(client, name, call);
        }
        /* until the next step, or until the state is another one */
        if (coord_lock_wait(office, STEP_MS, &state, NULL) != COORD_OK || state == before) {
            continue;
        }
        example_say("%s: %s", name,
                    state == COORD_HOLD_SAFE      ? "SAFE again, goes on"
                    : state == COORD_HOLD_SUSPECT ? "SUSPECT, pauses"
                                                  : "LOST, is no master any more");
    }
}

/* Stands for the office until it is granted, and serves then. */
static enum coord_code hold_office(struct coord_client *client, const char *name,
                                   struct coord_error *error)
{
    struct coord_call_options *call = coord_call_options_create();
    struct coord_lock *office = NULL;
    if (call == NULL) {
        *error = (struct coord_error){.code = COORD_NO_MEMORY, .message = "no memory"};
        return COORD_NO_MEMORY;
    }
    example_say("%s: stands", name);
    enum coord_code code =
        coord_election_campaign(client, OFFICE, name, strlen(name), COORD_FOREVER, &office, error);
    if (code == COORD_OK) {
        coord_call_options_set_timeout_ms(call, WRITE_MS);
        code = coord_lock_guard(office, call, error);
    }
    if (code == COORD_OK) {
        example_catch_signals(true);
        example_say("%s: is master, fence %" PRIu64, name, coord_lock_fence(office));
        serve(client, office, name, call);
        example_catch_signals(false);
    }
    (void)coord_lock_release(office, NULL);
    coord_call_options_free(call);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: master_job NAME\n");
        return 2;
    }
    struct coord_client *client = example_connect();
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    while (!example_stopped() && (code == COORD_OK || example_passes(code))) {
        code = hold_office(client, argv[1], &error);
    }
    coord_client_close(client);
    return example_stopped() ? 0 : example_failed(argv[1], &error);
}
