#ifndef COORD_WIRE_INTERNAL_H
#define COORD_WIRE_INTERNAL_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"
#include "wire/arena.h"

#include "coord/peer/v1/peer.pb-c.h"
#include "coord/storage/v1/record.pb-c.h"
#include "coord/v1/coord.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the files of wire share: the way from bytes to protobuf-c's messages (bytes.c, text.c), and
 * from those to the structs of fsm (operations.c) and paxos (consensus.c). Functions that take a
 * message return CD_OK or a status with its sentence in `error`; CD_TOO_LARGE is the arena's limit.
 */

/* Every bound of a decoder and the name under which a sentence mentions it. */
struct wire_bound {
    size_t limit;
    const char *name; /* "a frame" */
};

/*
 * Unpacks one message into the arena; NULL with `*ret_status` CD_MALFORMED or CD_TOO_LARGE. The
 * result is never freed by itself.
 */
void *wire_unpack(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                  const void *bytes, size_t bytes_count, struct wire_bound bound,
                  enum cd_status *ret_status, struct cd_error *error);

/* Appends the message's bytes; CD_TOO_LARGE if they would take `buf` over `limit` or its own. */
CD_MUST_USE enum cd_status wire_pack(struct cd_buf *buf, size_t limit,
                                     const ProtobufCMessage *message);

/* Whether the message or one inside it has a field that this version does not know. */
bool wire_has_unknown(const ProtobufCMessage *message);

/* Value of field 1, a varint, in the bytes of a message that does not decode; 0 if not to be had.
 */
uint64_t wire_salvage_id(const uint8_t *bytes, size_t bytes_count);

/* The sentence for the arena's limit. Always returns CD_TOO_LARGE. */
enum cd_status wire_exhausted(const struct wire_arena *arena, struct cd_error *error);

/* "on_success[3]: " before what `error` says. Returns the error's status. */
enum cd_status wire_error_prefix(struct cd_error *error, enum cd_status status, const char *list,
                                 size_t index);

/* ---- Text ---- */

/* A string field: UTF-8 without NUL, or CD_INVALID_ARGUMENT naming field, rule and place. */
CD_MUST_USE enum cd_status wire_text(struct fsm_bytes *ret_text, ProtobufCBinaryData from,
                                     const char *field, struct cd_error *error);

struct fsm_bytes wire_bytes(ProtobufCBinaryData from);
ProtobufCBinaryData wire_binary(const void *bytes, size_t bytes_count);
ProtobufCBinaryData wire_binary_of(struct fsm_bytes bytes);
ProtobufCBinaryData wire_binary_text(const char *text); /* NULL: empty */

/* A field of exactly `count` bytes, or nothing. CD_INVALID_ARGUMENT for another length. */
CD_MUST_USE enum cd_status wire_exact(uint8_t *ret_bytes, bool *ret_present, size_t count,
                                      ProtobufCBinaryData from, const char *field,
                                      struct cd_error *error);

/* The code of a status that a client may see. */
Coord__V1__Code wire_code(enum cd_status status);

/*
 * A cursor is opaque to clients: a version byte, the parent's czxid and pzxid (little endian), and
 * the last name of the page before.
 */
#define WIRE_CURSOR_VERSION    1u
#define WIRE_CURSOR_HEAD_BYTES ((size_t)17)

/* ---- Operations ---- */

CD_MUST_USE enum cd_status wire_take_create(struct fsm_op *ret_op,
                                            const Coord__V1__CreateRequest *from,
                                            struct cd_error *error);
CD_MUST_USE enum cd_status wire_take_set(struct fsm_op *ret_op, const Coord__V1__SetRequest *from,
                                         struct cd_error *error);
CD_MUST_USE enum cd_status wire_take_delete(struct fsm_op *ret_op,
                                            const Coord__V1__DeleteRequest *from,
                                            struct cd_error *error);
CD_MUST_USE enum cd_status wire_take_txn(struct wire_arena *arena, struct fsm_op *ret_op,
                                         const Coord__V1__TxnRequest *from, struct cd_error *error);

/* "the operation 'watch' is not served": the status for a oneof member that wire does not take. */
enum cd_status wire_unserved(const ProtobufCMessage *message, unsigned op_case,
                             struct cd_error *error);

/* The other way. A command of fsm as a Command's op; messages come from the arena. */
CD_MUST_USE enum cd_status wire_fill_op(struct wire_arena *arena,
                                        Coord__Storage__V1__Command *ret_command,
                                        const struct fsm_op *op);

/* ---- Consensus ---- */

struct paxos_ballot wire_ballot(const Coord__Peer__V1__Ballot *from); /* NULL: no ballot */
void wire_fill_ballot(Coord__Peer__V1__Ballot *ret_ballot, struct paxos_ballot ballot);
bool wire_ballot_is_none(struct paxos_ballot ballot);

CD_MUST_USE enum cd_status wire_config(struct paxos_config *ret_config,
                                       const Coord__Peer__V1__Config *from, struct cd_error *error);
/* A config message and everything below it. */
struct wire_config_message {
    Coord__Peer__V1__Config config;
    Coord__Peer__V1__ConfigMember members[PAXOS_MEMBERS_MAX];
    Coord__Peer__V1__ConfigMember *member_pointers[PAXOS_MEMBERS_MAX];
};
/* `config` is borrowed as long as the message is used. */
void wire_fill_config(struct wire_config_message *ret_message, const struct paxos_config *config);

/*
 * An entry; its payload is a new blob that the caller owns, unless the status is not CD_OK.
 * CD_NEWER_FORMAT for a kind that this version does not know.
 */
CD_MUST_USE enum cd_status wire_entry(struct paxos_entry *ret_entry,
                                      const Coord__Peer__V1__Entry *from, struct cd_error *error);
struct wire_entry_message {
    Coord__Peer__V1__Entry entry;
    Coord__Peer__V1__Ballot ballot, lead;
    struct wire_config_message *config; /* PAXOS_CONFIG */
};
/* `entry` is borrowed as long as the message is used; `config` is where a CONFIG goes. */
void wire_fill_entry(struct wire_entry_message *ret_message, const struct paxos_entry *entry,
                     struct wire_config_message *config);

#endif
