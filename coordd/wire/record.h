#ifndef COORD_WIRE_RECORD_H
#define COORD_WIRE_RECORD_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/fsm.h"
#include "paxos/paxos.h"
#include "wire/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a replica writes into its log: coord.storage.v1. See wire.h for the manner of all of it.
 *
 * All decoders return CD_OK; CD_MALFORMED (it does not decode, or breaks a limit), CD_NEWER_FORMAT
 * (a kind or field that this version does not know: a newer one wrote it), CD_TOO_LARGE (the
 * arena's limit). All encoders return CD_OK or CD_TOO_LARGE.
 */

enum {
    /* One Command: a whole frame of a client and what the replica adds. */
    WIRE_COMMAND_BYTES_MAX = (4 << 20) + (80 << 10),
    /* A Batch takes no further command once it has reached this... */
    WIRE_BATCH_BYTES_SOFT = 1 << 20,
    /* ... so that it never holds more than this. */
    WIRE_BATCH_BYTES_MAX = 6 << 20,
    WIRE_BATCH_COMMANDS_MAX = 4096,
    WIRE_RECORD_BYTES_MAX = 7 << 20, /* the body of one record: a batch and what goes around it */
    WIRE_CONFIGS_MAX = 64,           /* of one STATE record */
    WIRE_POSITIONS_MAX = 64,         /* of one STATE or PEERS record */
};

/* ---- Bodies of records ---- */

/* ENTRY. Decoded, the entry's payload is a blob with one reference owned by the caller. */
CD_MUST_USE enum cd_status wire_entry_encode(struct cd_buf *buf, const struct paxos_entry *entry,
                                             bool learned);
CD_MUST_USE enum cd_status wire_entry_decode(struct wire_arena *arena, const void *bytes,
                                             size_t bytes_count, struct paxos_entry *ret_entry,
                                             bool *ret_learned, struct cd_error *error);

/* PROMISE. */
CD_MUST_USE enum cd_status wire_promise_encode(struct cd_buf *buf, struct paxos_ballot ballot);
CD_MUST_USE enum cd_status wire_promise_decode(struct wire_arena *arena, const void *bytes,
                                               size_t bytes_count, struct paxos_ballot *ret_ballot,
                                               struct cd_error *error);

/* MARK. */
CD_MUST_USE enum cd_status wire_mark_encode(struct cd_buf *buf, paxos_slot slot);
CD_MUST_USE enum cd_status wire_mark_decode(struct wire_arena *arena, const void *bytes,
                                            size_t bytes_count, paxos_slot *ret_slot,
                                            struct cd_error *error);

struct wire_position {
    uint32_t node;
    uint64_t incarnation;
    uint64_t position;
};

struct wire_config_at {
    paxos_slot slot;
    struct paxos_config config;
};

/* PEERS is one of these with `positions` alone, STATE a whole one. Arrays borrowed or in the arena.
 */
struct wire_state {
    uint64_t incarnation;
    struct paxos_ballot promised;
    paxos_slot chosen;
    const struct wire_config_at *configs;
    size_t configs_count; /* at most WIRE_CONFIGS_MAX */
    const struct wire_position *positions;
    size_t positions_count; /* at most WIRE_POSITIONS_MAX */
};

CD_MUST_USE enum cd_status wire_state_encode(struct cd_buf *buf, const struct wire_state *state);
CD_MUST_USE enum cd_status wire_state_decode(struct wire_arena *arena, const void *bytes,
                                             size_t bytes_count, struct wire_state *ret_state,
                                             struct cd_error *error);
CD_MUST_USE enum cd_status wire_peers_encode(struct cd_buf *buf,
                                             const struct wire_position *positions, size_t count);
CD_MUST_USE enum cd_status wire_peers_decode(struct wire_arena *arena, const void *bytes,
                                             size_t bytes_count, struct wire_state *ret_state,
                                             struct cd_error *error);

/* ---- Commands and batches ---- */

/*
 * An identity as text: "uri:", "dns:" or "cn:" and the name, as certificates' identities come from
 * crypto; empty for nobody (FSM_SCHEME_ANYONE). `administrator` is not part of it.
 */
#define WIRE_IDENTITY_BYTES_MAX (FSM_IDENTITY_BYTES_MAX + 4u)

/* The name is borrowed from `text`. CD_OK; CD_INVALID_ARGUMENT (no such scheme, no name, a name
 * over FSM_IDENTITY_BYTES_MAX). */
CD_MUST_USE enum cd_status wire_identity_parse(struct fsm_who *ret_who, struct fsm_bytes text,
                                               struct cd_error *error);

/* Writes the text, without a NUL; returns its bytes. */
size_t wire_identity_format(uint8_t ret_text[WIRE_IDENTITY_BYTES_MAX], const struct fsm_who *who);

/*
 * Appends one Command. CD_TOO_LARGE also over WIRE_COMMAND_BYTES_MAX, or over what
 * wire_command_decode takes (WIRE_TXN_OPS_MAX, WIRE_TXN_COMPARES_MAX, WIRE_DETAILS_MAX).
 */
CD_MUST_USE enum cd_status wire_command_encode(struct cd_buf *buf,
                                               const struct fsm_command *command);

/*
 * Decodes one Command. A field or operation that this version does not know is CD_NEWER_FORMAT,
 * because a replica that left it out would come to another outcome than the others.
 *
 * Whatever wire_command_encode has written decodes in an empty arena with the limit
 * WIRE_ARENA_BYTES_MAX. To apply a batch, which must not fail, give commands an arena of their own
 * and clear it before each: all commands of a batch together may take more than the limit.
 */
CD_MUST_USE enum cd_status wire_command_decode(struct wire_arena *arena, const void *bytes,
                                               size_t bytes_count, struct fsm_command *ret_command,
                                               struct cd_error *error);

/*
 * A Batch grows piece by piece (see wire.h) in a buffer with the limit WIRE_BATCH_BYTES_MAX: the
 * stamp once, then the bytes of commands in their order. The caller counts them.
 */
CD_MUST_USE enum cd_status wire_batch_put_stamp(struct cd_buf *buf,
                                                const struct fsm_batch_stamp *stamp);
CD_MUST_USE enum cd_status wire_batch_put_command(struct cd_buf *buf, struct fsm_bytes command);

struct wire_batch {
    struct fsm_batch_stamp stamp;
    struct fsm_bytes *commands; /* each a Command, in order */
    size_t commands_count;      /* at most WIRE_BATCH_COMMANDS_MAX */
};

CD_MUST_USE enum cd_status wire_batch_decode(struct wire_arena *arena, const void *bytes,
                                             size_t bytes_count, struct wire_batch *ret_batch,
                                             struct cd_error *error);

#endif
