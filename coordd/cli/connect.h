#ifndef COORD_CLI_CONNECT_H
#define COORD_CLI_CONNECT_H

#include "arguments.h"

/*
 * A client as the command line and the environment want it, with a session of its own if `session`
 * says so. Freed with coord_client_close. Returns as coord_client_create.
 */
CD_MUST_USE enum coord_code cli_connect(const struct cli_arguments *arguments, bool session,
                                        struct coord_client **ret_client,
                                        struct coord_error *error);

#endif
