#ifndef COORD_TESTS_SIMULATION_FRAMES_H
#define COORD_TESTS_SIMULATION_FRAMES_H

#include "base/blob.h"
#include "checkers/history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The contract's bytes as a client of its own sees them, and the commands in the log; by the code
 * that protobuf-c generates, without coordd's own.
 */

enum {
    FRAME_ITEMS_MAX = 64,
    FRAME_CLUSTER_ID_BYTES = 16,
    FRAME_DATA_BYTES_MAX = 64 << 10,
};

struct frame_cluster {
    bool known;
    uint8_t id[FRAME_CLUSTER_ID_BYTES];
    uint32_t generation;
};

struct frame_request {
    uint64_t id;
    const struct model_command *command;
    bool is_read;
    enum history_level level;
    uint64_t at_least; /* HISTORY_AT_LEAST */
    uint32_t wait_ms;
    size_t data_bytes; /* of what is written: the value in the first 8, then zeros */
};

/* Frames from a client; one reference, owned by the caller. */
struct cd_blob *frame_hello(uint64_t last_seen_zxid, const struct frame_cluster *cluster);
struct cd_blob *frame_request(uint64_t number, const struct frame_request *request);

/* A single call of one operation, and the code of its reply; -1 if that does not decode. */
struct cd_blob *frame_call(const struct frame_request *request);
int frame_call_code(const void *bytes, size_t bytes_count);

/* Arguments of calls of service Admin. */
struct cd_blob *frame_init(uint32_t alpha);
struct cd_blob *frame_transfer(uint32_t node);
/* `code` of whatever Admin answered; -1 if it does not decode. */
int frame_admin_code(const void *bytes, size_t bytes_count);

enum frame_item_kind {
    FRAME_REPLY,
    FRAME_NO_LEADER,
    FRAME_GO_AWAY,
    FRAME_UNKNOWN, /* nothing that was asked for */
};

struct frame_item {
    enum frame_item_kind kind;
    uint64_t id;
    struct model_result shown; /* zxid and code are the reply's; `changed` is the caller's */
    bool created;              /* of a create */
    int64_t deleted;           /* of a delete */
};

struct frame_answer {
    bool has_welcome;
    int welcome_code;
    struct frame_cluster cluster;
    struct frame_item items[FRAME_ITEMS_MAX];
    size_t items_count;
};

/* Frames to a client. False if it does not decode or holds more than a client here asks for. */
bool frame_read(const void *bytes, size_t bytes_count, struct frame_answer *ret_answer);

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
