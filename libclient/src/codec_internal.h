#ifndef COORD_LIBCLIENT_CODEC_INTERNAL_H
#define COORD_LIBCLIENT_CODEC_INTERNAL_H

#include "codec.h"
#include "result.h"

#include "coord/v1/coord.pb-c.h"

/* What the files of the codec share. In the generated code strings are bytes. */

/* Memory that one unpacked message may take: a few bytes of input can ask for many of memory. */
#define CLIENT_UNPACK_BYTES_MAX ((size_t)256 << 20)

/*
 * Unpacks into the arena; the result is never freed by itself. NULL: *ret_code is COORD_MALFORMED
 * or COORD_NO_MEMORY, with a sentence.
 */
void *codec_unpack(struct client_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                   const void *bytes, size_t count, enum coord_code *ret_code,
                   struct coord_error *error);

/* Packs into memory with `spare` bytes behind. Returns: COORD_OK, COORD_NO_MEMORY. */
CD_MUST_USE enum coord_code codec_pack(const ProtobufCMessage *message, size_t spare,
                                       struct client_bytes *ret_bytes);

/* protobuf-c's bytes are not const, but packing only reads them. */
ProtobufCBinaryData codec_binary(const void *data, size_t count);

/* Writes fences and ACLs into an arena. NULL: no memory. */
Coord__V1__Held *codec_make_held(struct client_arena *arena, const struct client_held *from);
Coord__V1__Acl *codec_make_acl(struct client_arena *arena, const struct coord_acl *from);

/* Bytes that point to each text. NULL: no memory. */
ProtobufCBinaryData *codec_make_texts(struct client_arena *arena, const char *const *texts,
                                      size_t count);

/* What a request may get behind its other fields: their tags, and varints of 64 and 32 bits. */
enum { CODEC_TAIL_BYTES = 4 * (1 + 10) + 2 + 1 + 5 };

/*
 * The result in `reply`, or in the answer to OutcomeOf, as the caller's. Returns: COORD_OK with
 * NULL if there is none; COORD_MALFORMED, COORD_NO_MEMORY.
 */
CD_MUST_USE enum coord_code codec_take_result(const Coord__V1__Reply *reply,
                                              struct coord_result **ret_result);
CD_MUST_USE enum coord_code codec_take_outcome(const Coord__V1__OutcomeOfResult *outcome,
                                               struct coord_result **ret_result);

/* An event, or what else a watch is told. Returns: COORD_OK, COORD_MALFORMED, COORD_NO_MEMORY. */
CD_MUST_USE enum coord_code codec_take_watch_item(struct client_frame *frame,
                                                  struct client_item *to,
                                                  const Coord__V1__Item *from);

/* A stat in the arena; NULL: no memory. */
const struct coord_node_stat *codec_take_stat(struct client_arena *arena,
                                              const Coord__V1__Stat *from);

#endif
