#ifndef COORD_CLI_CLUSTER_H
#define COORD_CLI_CLUSTER_H

#include "coord/client.h"

/* The endpoint of the replica that leads; if none says that it does, the first one that answers; if
 * none answers, the first. Asks all at once. Belongs to the client. */
const char *cli_leader_endpoint(struct coord_client *client);

#endif
