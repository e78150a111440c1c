#ifndef COORD_WIRE_HEALTH_H
#define COORD_WIRE_HEALTH_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "wire/arena.h"

#include <stddef.h>

/* Messages of grpc.health.v1. See wire.h for the manner of all of it. */

enum wire_health { /* numbers of HealthCheckResponse.ServingStatus */
                   WIRE_HEALTH_UNKNOWN = 0,
                   WIRE_HEALTH_SERVING = 1,
                   WIRE_HEALTH_NOT_SERVING = 2,
                   WIRE_HEALTH_SERVICE_UNKNOWN = 3,
};

/*
 * ret_service: the service asked about, empty for the whole server; borrowed from the arena.
 * Returns: CD_OK; CD_INVALID_ARGUMENT (no UTF-8); CD_MALFORMED, CD_TOO_LARGE (it does not decode).
 */
CD_MUST_USE enum cd_status wire_health_decode(struct wire_arena *arena, const void *bytes,
                                              size_t bytes_count, struct fsm_bytes *ret_service,
                                              struct cd_error *error);

/* Appends one response. Returns: CD_OK, CD_TOO_LARGE (buf's limit). */
CD_MUST_USE enum cd_status wire_health_encode(struct cd_buf *buf, enum wire_health health);

#endif
