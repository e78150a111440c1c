#ifndef COORD_WIRE_INTERNAL_H
#define COORD_WIRE_INTERNAL_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"
#include "wire/arena.h"
#include "wire/client.h"
#include "wire/record.h"

#include "coord/peer/v1/peer.pb-c.h"
#include "coord/storage/v1/record.pb-c.h"
#include "coord/storage/v1/snapshot.pb-c.h"
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

/*
 * As wire_unpack, for what is on disks and in the log: a field that this version does not know has
 * a meaning that it must not do without (CD_NEWER_FORMAT).
 */
void *wire_unpack_known(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                        const void *bytes, size_t bytes_count, struct wire_bound bound,
                        enum cd_status *ret_status, struct cd_error *error);

/* Appends the message's bytes; CD_TOO_LARGE if they would take `buf` over `limit` or its own. */
CD_MUST_USE enum cd_status wire_pack(struct cd_buf *buf, size_t limit,
                                     const ProtobufCMessage *message);

/* Whether the message or one inside it has a field that this version does not know. */
bool wire_has_unknown(const ProtobufCMessage *message);

/* Value of a varint field in the bytes of a message that does not decode; 0 if not to be had. */
uint64_t wire_salvage(const uint8_t *bytes, size_t bytes_count, unsigned field);

/* Reads a varint. Returns its length, 0 if the bytes end within it, and more than 10 for one that
 * does not end. */
size_t wire_varint_get(uint64_t *ret_value, const uint8_t *bytes, size_t bytes_count);
#define WIRE_VARINT_BYTES_MAX ((size_t)10)
/* Writes one; returns its length. */
size_t wire_varint_put(uint8_t to[WIRE_VARINT_BYTES_MAX], uint64_t value);
size_t wire_varint_bytes(uint64_t value);

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

/* ---- Requests ---- */

/*
 * A request as far as it can be understood. CD_OK also for one that is refused; CD_TOO_LARGE if the
 * arena is full, which is not the fault of this request alone. `packed` are its bytes, in the
 * arena; the second one unpacks them first.
 */
CD_MUST_USE enum cd_status wire_take_request(struct wire_arena *arena, struct fsm_bytes packed,
                                             struct wire_request *ret_request,
                                             const Coord__V1__Request *from,
                                             struct cd_error *error);
CD_MUST_USE enum cd_status wire_unpack_request(struct wire_arena *arena, struct fsm_bytes packed,
                                               struct wire_request *ret_request,
                                               struct cd_error *error);

/* Makes `request` one that is to be answered with `reason`. CD_TOO_LARGE: the arena's limit. */
CD_MUST_USE enum cd_status wire_refuse_request(struct wire_arena *arena,
                                               struct wire_request *request,
                                               const struct cd_error *reason);

/* ---- Cursors ---- */

/* CD_INVALID_ARGUMENT for what no server wrote. Empty bytes: it starts. */
CD_MUST_USE enum cd_status wire_cursor_take(struct wire_cursor *ret_cursor,
                                            ProtobufCBinaryData from, struct cd_error *error);

/* Empty if not given. CD_TOO_LARGE: the arena's limit. */
CD_MUST_USE enum cd_status wire_cursor_fill(struct wire_arena *arena,
                                            ProtobufCBinaryData *ret_bytes,
                                            const struct wire_cursor *cursor);

/* A list's `limit` as it counts. */
uint32_t wire_page_limit(uint32_t asked);

/* ---- Operations ---- */

/* What goes along while one operation is taken out of its messages. */
struct wire_taker {
    struct wire_arena *arena;
    struct cd_error *error;
    size_t details; /* ACL entries and prefixes so far, at most WIRE_DETAILS_MAX */
};

CD_MUST_USE enum cd_status wire_take_create(struct wire_taker *taker, struct fsm_op *ret_op,
                                            const Coord__V1__CreateRequest *from);
CD_MUST_USE enum cd_status wire_take_set(struct wire_taker *taker, struct fsm_op *ret_op,
                                         const Coord__V1__SetRequest *from);
CD_MUST_USE enum cd_status wire_take_delete(struct wire_taker *taker, struct fsm_op *ret_op,
                                            const Coord__V1__DeleteRequest *from);
CD_MUST_USE enum cd_status wire_take_increment(struct wire_taker *taker, struct fsm_op *ret_op,
                                               const Coord__V1__IncrementRequest *from);
CD_MUST_USE enum cd_status wire_take_set_acl(struct wire_taker *taker, struct fsm_op *ret_op,
                                             const Coord__V1__SetAclRequest *from);
CD_MUST_USE enum cd_status wire_take_txn(struct wire_taker *taker, struct fsm_op *ret_op,
                                         const Coord__V1__TxnRequest *from);

/* NULL if `from` is. */
CD_MUST_USE enum cd_status wire_take_held(struct wire_taker *taker,
                                          const struct fsm_held **ret_held,
                                          const Coord__V1__Held *from);
CD_MUST_USE enum cd_status wire_take_prefixes(struct wire_taker *taker,
                                              const struct fsm_bytes **ret_prefixes,
                                              size_t *ret_count, const ProtobufCBinaryData *from,
                                              size_t count);
CD_MUST_USE enum cd_status wire_take_acl(struct wire_taker *taker, struct fsm_acl_entries *ret_acl,
                                         const Coord__V1__Acl *from);

/* Whether the operation changes anything by its nature: a transaction may only read. */
bool wire_op_writes(const struct fsm_op *op);

/* "this server does not serve watch": the status for a oneof member that wire does not take. */
enum cd_status wire_unserved(const ProtobufCMessage *message, unsigned op_case,
                             struct cd_error *error);

/* "uri"; static. */
const char *wire_scheme_text(enum fsm_scheme scheme);

/* The other way. Messages come from the arena; bytes are borrowed from what is filled in. */
struct wire_filler {
    struct wire_arena *arena;
    size_t details; /* as in wire_taker */
};

/* An operation of clients as a Command's op. CD_TOO_LARGE: the arena's limit, or one of number. */
CD_MUST_USE enum cd_status wire_fill_op(struct wire_filler *filler,
                                        Coord__Storage__V1__Command *ret_command,
                                        const struct fsm_op *op);
CD_MUST_USE enum cd_status wire_fill_held(struct wire_filler *filler, Coord__V1__Held **ret_message,
                                          const struct fsm_held *held);
CD_MUST_USE enum cd_status wire_fill_acl(struct wire_filler *filler, Coord__V1__Acl **ret_message,
                                         const struct fsm_acl_entries *acl);

void wire_fill_stat(Coord__V1__Stat *ret_message, const struct fsm_stat *stat);

/* ---- Results of commands, for replies and for outcomes that are asked after ---- */

enum wire_op_result_kind {
    WIRE_OP_RESULT_NONE,
    WIRE_OP_RESULT_CREATE,
    WIRE_OP_RESULT_SET,
    WIRE_OP_RESULT_DELETE,
    WIRE_OP_RESULT_TXN,
    WIRE_OP_RESULT_INCREMENT,
    WIRE_OP_RESULT_SET_ACL,
    WIRE_OP_RESULT_SET_TIMEOUT,
    WIRE_OP_RESULT_FORGET,
    WIRE_OP_RESULT_CLOSE,
};

/* The message of one result, with what is below it. */
struct wire_op_result {
    enum wire_op_result_kind kind;
    Coord__V1__Stat stat;
    union {
        Coord__V1__CreateResult create;
        Coord__V1__SetResult set;
        Coord__V1__DeleteResult remove;
        Coord__V1__TxnResult txn;
        Coord__V1__IncrementResult increment;
        Coord__V1__SetAclResult set_acl;
        Coord__V1__SetTimeoutResult set_timeout;
        Coord__V1__ForgetResult forget;
        Coord__V1__CloseResult close;
    };
};

/* CD_TOO_LARGE: the arena's limit. */
CD_MUST_USE enum cd_status wire_fill_op_result(struct wire_arena *arena,
                                               struct wire_op_result *ret_result,
                                               const struct fsm_result *result);

/* The sentence about a refused command; empty for CD_OK. It may lie in `room`. */
ProtobufCBinaryData wire_result_message(const struct fsm_result *result, struct cd_error *room);

/* A page's children; those of a transaction and of a watch too. */
CD_MUST_USE enum cd_status wire_fill_children(struct wire_arena *arena,
                                              Coord__V1__ChildrenResult *ret_message,
                                              Coord__V1__Stat *stat, const struct wire_page *page);

/* Gives the message of a whole reply to `use`, whose status it returns. CD_TOO_LARGE by itself: the
 * reply needs more memory than an arena may hold. */
CD_MUST_USE enum cd_status
wire_with_reply(const struct wire_reply *from,
                enum cd_status (*use)(void *context, Coord__V1__Reply *reply), void *context);

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

/* Configurations with their slots, at most WIRE_CONFIGS_MAX. `from` is borrowed for the message. */
CD_MUST_USE enum cd_status wire_fill_configs(struct wire_arena *arena,
                                             Coord__Storage__V1__ConfigAt ***ret_pointers,
                                             const struct wire_config_at *from, size_t count);
CD_MUST_USE enum cd_status wire_take_configs(struct wire_arena *arena,
                                             const struct wire_config_at **ret_configs,
                                             size_t *ret_count,
                                             Coord__Storage__V1__ConfigAt *const *from,
                                             size_t count, struct cd_error *error);

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
