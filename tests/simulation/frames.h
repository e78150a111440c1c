#ifndef COORD_TESTS_SIMULATION_FRAMES_H
#define COORD_TESTS_SIMULATION_FRAMES_H

#include "base/blob.h"
#include "checkers/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The contract's bytes of single calls and of Admin, and the commands in the log; by the code
 * that protobuf-c generates, without coordd's own.
 */

struct frame_request {
    const struct model_command *command;
    uint32_t wait_ms;
    size_t data_bytes; /* of what is written: the value in the first 8, then zeros */
};

enum { FRAME_DATA_BYTES_MAX = 64 << 10 };

/* A single call of one operation, and the code of its reply; -1 if that does not decode. */
struct cd_blob *frame_call(const struct frame_request *request);
int frame_call_code(const void *bytes, size_t bytes_count);

/* Arguments of calls of service Admin. */
struct cd_blob *frame_init(uint32_t alpha);
struct cd_blob *frame_transfer(uint32_t node);
/* `code` of whatever Admin answered; -1 if it does not decode. */
int frame_admin_code(const void *bytes, size_t bytes_count);

/* Calls for each command of a slot's batch. False if it does not decode. */
bool frame_read_batch(const void *bytes, size_t bytes_count,
                      void (*each)(void *context, const struct model_command *command),
                      void *context);

/* Whether a frame between replicas carries a client's write on its way to the leader. */
bool frame_forwards(const void *bytes, size_t bytes_count);

/* R1 broken on purpose: promises and pre-votes in it say nothing of what is chosen. One reference.
 */
struct cd_blob *frame_make_forgetful(struct cd_blob *frame);

#endif
