#ifndef COORD_WIRE_SNAPSHOT_H
#define COORD_WIRE_SNAPSHOT_H

#include "base/buf.h"
#include "base/status.h"
#include "fsm/snapshot.h"
#include "wire/arena.h"
#include "wire/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The content of a snapshot: coord.storage.v1.SnapshotItem, each behind its length as a varint. One
 * item of the replica's own comes first, the others are fsm's (fsm/snapshot.h). The order is fsm's
 * business; here only the first is known to be one. See wire.h for the manner of all of it.
 */

enum {
    /* One item, without its length: a kept reply may hold all that a transaction read. */
    WIRE_ITEM_BYTES_MAX = 16 << 20,
    /* What a reader may be given at once. */
    WIRE_ITEM_PUT_BYTES_MAX = 1 << 20,
};

/* What the replica must know besides the machine at the snapshot's slot. */
struct wire_snapshot_cluster {
    uint8_t cluster_id[PAXOS_CLUSTER_ID_BYTES];
    uint32_t generation;
    const struct wire_config_at *configs; /* in force, or chosen and not yet in force */
    size_t configs_count;                 /* at most WIRE_CONFIGS_MAX */
};

struct wire_item {
    bool is_cluster;
    union {
        struct wire_snapshot_cluster cluster;
        struct fsm_item fsm;
    };
};

/*
 * Each appends one item, its length included. Returns: CD_OK; CD_TOO_LARGE (the buffer's limit: it
 * is as it was, hand on what it holds and try again; or WIRE_ITEM_BYTES_MAX, or over
 * WIRE_DETAILS_MAX entries in an ACL, which no empty buffer helps).
 */
CD_MUST_USE enum cd_status wire_item_put_cluster(struct cd_buf *buf,
                                                 const struct wire_snapshot_cluster *cluster);
CD_MUST_USE enum cd_status wire_item_put(struct cd_buf *buf, const struct fsm_item *item);

/*
 * Takes items out of bytes that come in pieces cut anywhere. After an error it gives that error
 * for ever. Holds at most one item and one piece.
 *
 * Thread: any; calls on one reader must not overlap.
 */
struct wire_item_reader {
    struct cd_buf buf; /* private, as all below */
    size_t taken;      /* of buf */
    uint64_t items;    /* given out */
    enum cd_status status;
    struct cd_error error;
};

void wire_item_reader_init(struct wire_item_reader *reader); /* allocates nothing yet */
void wire_item_reader_release(struct wire_item_reader *reader);

/* Adds the next piece (copied), at most WIRE_ITEM_PUT_BYTES_MAX. Take all items out before the next
 * one. */
void wire_item_reader_put(struct wire_item_reader *reader, const void *bytes, size_t bytes_count);

/*
 * The next item, which lives in the arena; clear it after each.
 * Returns: CD_OK; CD_NOT_FOUND (it needs more bytes); CD_CORRUPT (it does not decode, breaks a
 * limit, or the first item is not the replica's, or a later one is), CD_NEWER_FORMAT (an item or
 * field that this version does not know), CD_TOO_LARGE (the arena's limit, and only that).
 */
CD_MUST_USE enum cd_status wire_item_reader_next(struct wire_item_reader *reader,
                                                 struct wire_arena *arena,
                                                 struct wire_item *ret_item,
                                                 struct cd_error *error);

/* At the end of the stream: CD_OK if it ended behind an item, else CD_CORRUPT. */
CD_MUST_USE enum cd_status wire_item_reader_finish(const struct wire_item_reader *reader,
                                                   struct cd_error *error);

#endif
