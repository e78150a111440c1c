#ifndef COORD_CLI_CLUSTER_H
#define COORD_CLI_CLUSTER_H

#include "coord/client.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Asking all endpoints at once, so that a dead replica costs its timeout only once. */

struct cli_question {
    struct coord_client *client;
    const char *endpoint;
    pthread_t thread;
    bool asked; /* the thread was started */
    enum coord_code code;
    struct coord_error error;    /* unless COORD_OK */
    struct coord_status *status; /* owned; NULL unless COORD_OK */
};

/* Every endpoint's status, in their order; freed with cli_forget. */
struct cli_question *cli_ask_all(struct coord_client *client, size_t *ret_count);
void cli_forget(struct cli_question *questions, size_t count);

/* "leader". */
const char *cli_replica_state_name(enum coord_replica_state state);

/* The endpoint of the replica that leads; if none says that it does, the first one that answers; if
 * none answers, the first. Asks all at once. Belongs to the client. */
const char *cli_leader_endpoint(struct coord_client *client);

#endif
