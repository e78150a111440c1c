#ifndef TESTS_UNIT_WIRE_SUPPORT_H
#define TESTS_UNIT_WIRE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "wire/wire.h"

#include "coord/peer/v1/peer.pb-c.h"
#include "coord/storage/v1/record.pb-c.h"
#include "coord/storage/v1/snapshot.pb-c.h"
#include "coord/v1/coord.pb-c.h"

#include <string.h>

/* An arena and a buffer for one test, and short ways to write messages as a client would. */

struct rig {
    struct wire_arena arena;
    struct cd_buf buf;
    struct cd_error error;
};

int rig_setup(void **state);
int rig_teardown(void **state);

struct fsm_bytes text(const char *string);
ProtobufCBinaryData binary(const char *string);
ProtobufCBinaryData binary_bytes(const void *bytes, size_t count);

#define assert_text(bytes_, string)                                                                \
    do {                                                                                           \
        assert_int_equal((bytes_).bytes, strlen(string));                                          \
        assert_memory_equal((bytes_).data, string, strlen(string));                                \
    } while (0)

#define assert_says(error_, words)                                                                 \
    do {                                                                                           \
        if (strstr((error_)->message, words) == NULL) {                                            \
            fail_msg("\"%s\" does not say \"%s\"", (error_)->message, words);                      \
        }                                                                                          \
    } while (0)

/* The packed message; free with cd_blob_unref. */
struct cd_blob *pack(const ProtobufCMessage *message);

/* The bytes that these lower-case digits write. */
struct cd_blob *from_hex(const char *hex);

/* The rig's buffer as a client reads it; free it with the other one. */
Coord__V1__ServerFrame *server_frame(const struct rig *rig);
void free_server_frame(Coord__V1__ServerFrame *frame);

bool is_text(ProtobufCBinaryData bytes, const char *string);

/* A ClientFrame with number 1 that holds these requests. */
struct cd_blob *pack_frame(Coord__V1__Request *const *requests, size_t count);

/* The request as it comes out of a frame that holds it alone; lives in the rig's arena. */
const struct wire_request *through(struct rig *rig, Coord__V1__Request *request);

/* The same, and it must be refused so, in words that hold `says`. */
void must_refuse(struct rig *rig, Coord__V1__Request *request, enum cd_status status,
                 const char *says);

#endif
