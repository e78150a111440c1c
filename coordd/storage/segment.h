#ifndef COORD_STORAGE_SEGMENT_H
#define COORD_STORAGE_SEGMENT_H

#include "base/buf.h"
#include "base/status.h"
#include "storage/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of a segment file, as README.md documents them: its name, its header block and its
 * records. Pure; private to this folder.
 */

enum {
    SEGMENT_HEADER_BYTES = 4096,
    SEGMENT_RECORD_HEADER_BYTES = 72,
    SEGMENT_ALIGN_BYTES = 8, /* records start at multiples of it */
    SEGMENT_RECORD_BYTES_MAX = SEGMENT_RECORD_HEADER_BYTES + STORAGE_BODY_BYTES_MAX,
    SEGMENT_NAME_BYTES = 25, /* "log-" 16 digits ".tmp" NUL */
    SEGMENT_RECORD_VERSION = 1,
    SEGMENT_FLAG_HEAD = 1, /* the segment's head, or an opening's mark: no position of its own */
    SEGMENT_DROPPED_BYTES = 16, /* body of a STORAGE_DROPPED */
};

#define SEGMENT_SEQUENCE_MAX UINT32_MAX

struct segment_header {
    uint32_t format_version;
    uint32_t node;
    uint64_t sequence;
    uint64_t nonce; /* random, so that no bytes from elsewhere pass for this segment's records */
    char cluster_name[STORAGE_CLUSTER_NAME_BYTES_MAX + 1];
};

/* A record's header. */
struct segment_record {
    enum storage_kind kind;
    uint8_t version;
    uint8_t flags;
    uint32_t body_bytes;
    uint64_t slot;
    struct storage_ballot ballot;
    uint64_t position; /* of a head record: of the next numbered record behind it */
    uint64_t durable_to;
    uint64_t body_hash;
};

/* "log-0000000000000001", with ".tmp" behind it for a file that is being made. */
void segment_name(char to[SEGMENT_NAME_BYTES], uint64_t sequence, bool temporary);

/* False for names that are not a segment's. */
bool segment_parse_name(const char *name, uint64_t *ret_sequence, bool *ret_temporary);

void segment_encode_header(uint8_t to[SEGMENT_HEADER_BYTES], const struct segment_header *header);

/* CD_OK, CD_CORRUPT (magic or checksum), CD_NEWER_FORMAT (*ret_header then has the version alone).
 */
CD_MUST_USE enum cd_status segment_decode_header(const uint8_t from[SEGMENT_HEADER_BYTES],
                                                 struct segment_header *ret_header);

/* The seed of the records' header hashes. */
uint64_t segment_seed(uint64_t sequence, uint64_t nonce);

/* What a record takes in the file. */
size_t segment_record_bytes(size_t body_bytes);

/* Appends a record that lacks durable_to and its header hash. The buffer's limit must suffice. */
void segment_append_record(struct cd_buf *buf, const struct storage_record *record,
                           uint64_t position, uint8_t flags);

/* Completes the records in `bytes` bytes at `records`, all of one segment, for writing. */
void segment_seal(uint8_t *records, size_t bytes, uint64_t durable_to, uint64_t seed);

/* The header at `from`, sealed or not, without any check: for our own memory. */
void segment_read_record(const uint8_t from[SEGMENT_RECORD_HEADER_BYTES],
                         struct segment_record *ret_record);

/* True if `from` begins with the mark that every record begins with. */
bool segment_has_mark(const uint8_t *from);

/* True if there is an intact record header at `from`. Kind, version and flags may be unknown. */
bool segment_check_record(const uint8_t from[SEGMENT_RECORD_HEADER_BYTES], uint64_t seed,
                          struct segment_record *ret_record);

/* True if the body, with the padding behind it, is what the header says. */
bool segment_check_body(const struct segment_record *record, const uint8_t *body);

/* What a STORAGE_DROPPED says: positions below `begin`, and with them entries of slots up to
 * `slot`, may be missing. */
struct segment_dropped {
    uint64_t begin;
    uint64_t slot;
};
void segment_encode_dropped(uint8_t to[SEGMENT_DROPPED_BYTES],
                            const struct segment_dropped *dropped);
struct segment_dropped segment_decode_dropped(const uint8_t from[SEGMENT_DROPPED_BYTES]);

/* True for the kinds that are storage's own and never shown. */
bool segment_is_own(enum storage_kind kind);

/* True if this version knows kind, version and flags. */
bool segment_knows_record(const struct segment_record *record);

/* The record as log.h shows it; borrows `body`. */
struct storage_record segment_view(const struct segment_record *record, const uint8_t *body);

#endif
