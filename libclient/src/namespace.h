#ifndef COORD_LIBCLIENT_NAMESPACE_H
#define COORD_LIBCLIENT_NAMESPACE_H

#include "request.h"
#include "watch.h"

/*
 * Paths of a client with a namespace: its program knows them from there on, the cluster as a whole.
 * Everything below the API has whole paths. `space` is "/app/a", or NULL for no namespace; then
 * nothing is done.
 */

/* Whether `path` can be one. COORD_OK, COORD_INVALID_ARGUMENT. */
enum coord_code client_namespace_check(const char *path, struct coord_error *error);

/* The whole path, in the arena; NULL stays NULL, which is the whole namespace. COORD_OK,
 * COORD_INVALID_ARGUMENT (it does not begin with a slash), COORD_NO_MEMORY. */
enum coord_code client_path_in(const char *space, const char *path, struct client_arena *arena,
                               const char **ret_path, struct coord_error *error);

/* An operation with whole paths; what they are in lives in the arena. Likewise. */
enum coord_code client_op_in(const char *space, const struct client_op *op,
                             struct client_arena *arena, struct client_op *ret_op,
                             struct coord_error *error);

/* What the program gets to see. Paths move within their own memory. */
void client_result_out(const char *space, struct coord_result *result);
void client_item_out(const char *space, struct client_watch_item *item);

#endif
