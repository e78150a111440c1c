#ifndef COORD_WIRE_WIRE_H
#define COORD_WIRE_WIRE_H

#include "wire/admin.h"
#include "wire/arena.h"
#include "wire/client.h"
#include "wire/health.h"
#include "wire/peer.h"
#include "wire/record.h"
#include "wire/reflection.h"
#include "wire/snapshot.h"

/*
 * Bytes to structs and back: the contract of proto/ as the rest of coordd sees it. protobuf-c is
 * known to this module alone.
 *
 *   client.h   frames of sessions, single calls
 *   admin.h    service Admin
 *   peer.h     frames between replicas
 *   record.h   bodies of log records, batches, commands
 *   health.h, reflection.h   grpc.health.v1 and server reflection
 *   snapshot.h items of snapshots
 *
 * Decoding: bytes are borrowed for the call; what comes out lives in the arena. Bad input gets a
 * status and a sentence, never an assertion.
 *
 * Encoding appends to a cd_buf. A protobuf message may be written in pieces, one after the other,
 * and that is how frames grow here: each put appends one piece that is a message of its own kind
 * with one field, and pieces in one buffer are one frame. A put that would go over the buffer's
 * limit says CD_TOO_LARGE and leaves the buffer as it was; the caller sends what it has and begins
 * the next frame.
 *
 * Thread: any, as long as calls on one arena or buffer do not overlap.
 */

#endif
