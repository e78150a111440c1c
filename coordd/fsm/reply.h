#ifndef COORD_FSM_REPLY_H
#define COORD_FSM_REPLY_H

#include "base/buf.h"
#include "fsm/fsm.h"

/*
 * A result as bytes, so that it can be kept and given again exactly (R10). Everything of it but the
 * list of changes, which only watches want, at the time of the apply.
 *
 * Numbers are little-endian base 128, the top bit saying that more follow ("number"); signed ones
 * are zigzag. Bytes are a number and so many bytes. One result has one form only.
 *
 *     byte     FSM_REPLY_VERSION
 *     numbers  kind, status, flags, zxid, failed_index (signed), session_opened, session_ended,
 *              how many outcomes
 *     each     bytes: numbers kind, status, flags, parts; then the parts that are there:
 *                path      bytes
 *                stat      numbers czxid, mzxid, pzxid, ctime_ms, mtime_ms, version, creates,
 *                          children_count, azxid, aversion, owner, ttl_ms, data_bytes, kind,
 *                          suffix_bytes, idle_elapsed_ms
 *                data      bytes
 *                value     signed number
 *                timeout   number
 *                children  number, and for each: bytes, stat, bytes
 *                message   bytes
 *                nodes     number
 *                limit     numbers: which field of fsm_limits, its value, wanted
 *
 * Thread: any.
 */
#define FSM_REPLY_VERSION 1u

/* Appends the result's bytes. */
void fsm_reply_pack(struct cd_buf *buf, const struct fsm_result *result);

/*
 * Fills a cleared result with copies. CD_OK; CD_CORRUPT; CD_NEWER_FORMAT (another version). After a
 * failure the result is clear.
 */
CD_MUST_USE enum cd_status fsm_reply_unpack(struct fsm_bytes packed, struct fsm_result *result);

/* Memory that a kept reply takes beside its bytes, as it is counted (R10). Part of the format of
 * the state: every replica counts the same. */
#define FSM_REPLY_OVERHEAD_BYTES 64u

/* One kept reply, immutable, with a reference count. */
struct fsm_reply {
    uint32_t refs;
    uint32_t bytes;
    uint64_t seq;
    uint64_t request_hash;
    uint64_t digest; /* what it adds to the digest */
    uint8_t packed[];
};

/* One reference. `owner`: the session's id, for the digest. Copies the bytes. */
struct fsm_reply *fsm_reply_create(uint64_t owner, uint64_t seq, uint64_t request_hash,
                                   struct fsm_bytes packed);
struct fsm_reply *fsm_reply_ref(struct fsm_reply *reply);
void fsm_reply_unref(struct fsm_reply *reply);

static inline uint64_t fsm_reply_cost(size_t packed_bytes)
{
    return packed_bytes + (uint64_t)FSM_REPLY_OVERHEAD_BYTES;
}

static inline struct fsm_bytes fsm_reply_bytes(const struct fsm_reply *reply)
{
    return (struct fsm_bytes){.data = reply->packed, .bytes = reply->bytes};
}

#endif
