#ifndef COORD_WIRE_REFLECTION_H
#define COORD_WIRE_REFLECTION_H

#include "base/buf.h"
#include "base/status.h"
#include "wire/arena.h"

#include <stddef.h>

/*
 * Server reflection, whole: one question of grpc.reflection.v1 or v1alpha, whose messages are
 * equal, to its answer. The answers are constant: the contract that this program was built from.
 * See wire.h for the manner of all of it.
 *
 * What is not known is answered with an ErrorResponse (NOT_FOUND), as is a question without a kind
 * (INVALID_ARGUMENT). An answer is below WIRE_REFLECTION_BYTES_MAX and the question together.
 * Returns: CD_OK; CD_INVALID_ARGUMENT (no UTF-8), CD_MALFORMED, CD_TOO_LARGE (it does not decode),
 * with nothing written.
 */
CD_MUST_USE enum cd_status wire_reflection_answer(struct wire_arena *arena, const void *bytes,
                                                  size_t bytes_count, struct cd_buf *buf,
                                                  struct cd_error *error);

#define WIRE_REFLECTION_BYTES_MAX ((size_t)128 << 10)

#endif
