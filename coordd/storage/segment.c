#include "storage/segment.h"

#include "base/assert.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Offsets in the header block. Magic, version and hash keep their places in every format. */
enum {
    HEADER_MAGIC = 0,
    HEADER_VERSION = 8,
    HEADER_NODE = 12,
    HEADER_SEQUENCE = 16,
    HEADER_NONCE = 24,
    HEADER_NAME_BYTES = 32,
    HEADER_NAME = 36,
    HEADER_HASH = SEGMENT_HEADER_BYTES - 8,
};

/* Offsets in a record. */
enum {
    RECORD_MARK = 0,
    RECORD_BODY_BYTES = 4,
    RECORD_KIND = 8,
    RECORD_VERSION = 9,
    RECORD_FLAGS = 10,
    RECORD_RESERVED = 11,
    RECORD_NODE = 12,
    RECORD_SLOT = 16,
    RECORD_ROUND = 24,
    RECORD_INCARNATION = 32,
    RECORD_POSITION = 40,
    RECORD_DURABLE_TO = 48,
    RECORD_BODY_HASH = 56,
    RECORD_HEADER_HASH = 64,
};

static const char header_magic[8] = {'C', 'O', 'O', 'R', 'D', 'L', 'O', 'G'};
static const char record_mark[4] = {'C', 'R', 'E', 'C'};

CD_STATIC_ASSERT(RECORD_HEADER_HASH + 8 == SEGMENT_RECORD_HEADER_BYTES, "the hash comes last");
CD_STATIC_ASSERT(SEGMENT_HEADER_BYTES % SEGMENT_ALIGN_BYTES == 0, "records are aligned");
CD_STATIC_ASSERT(SEGMENT_RECORD_HEADER_BYTES % SEGMENT_ALIGN_BYTES == 0, "bodies are aligned");
CD_STATIC_ASSERT(HEADER_NAME + STORAGE_CLUSTER_NAME_BYTES_MAX <= HEADER_HASH, "the name fits");
CD_STATIC_ASSERT(SEGMENT_NAME_BYTES <= ENV_PATH_BYTES_MAX + 1, "names fit env's paths");

enum {
    NAME_DIGITS = 16,
    NAME_PREFIX = 4, /* "log-" */
};

void segment_name(char to[SEGMENT_NAME_BYTES], uint64_t sequence, bool temporary)
{
    CD_ASSERT(sequence >= 1);
    CD_ASSERT(sequence <= SEGMENT_SEQUENCE_MAX);
    snprintf(to, SEGMENT_NAME_BYTES, "log-%0*" PRIu32 "%s", NAME_DIGITS, (uint32_t)sequence,
             temporary ? ".tmp" : "");
}

bool segment_parse_name(const char *name, uint64_t *ret_sequence, bool *ret_temporary)
{
    if (strncmp(name, "log-", NAME_PREFIX) != 0) {
        return false;
    }
    uint64_t sequence = 0;
    const char *at = name + NAME_PREFIX;
    for (int i = 0; i < NAME_DIGITS; i++, at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        sequence = sequence * 10 + (uint64_t)(*at - '0');
    }
    bool temporary = strcmp(at, ".tmp") == 0;
    if (!temporary && *at != '\0') {
        return false;
    }
    *ret_sequence = sequence;
    *ret_temporary = temporary;
    return true;
}

void segment_encode_header(uint8_t to[SEGMENT_HEADER_BYTES], const struct segment_header *header)
{
    size_t name_bytes = strlen(header->cluster_name);
    CD_ASSERT(name_bytes <= STORAGE_CLUSTER_NAME_BYTES_MAX);
    memset(to, 0, SEGMENT_HEADER_BYTES);
    memcpy(to + HEADER_MAGIC, header_magic, sizeof(header_magic));
    cd_put_u32(to + HEADER_VERSION, header->format_version);
    cd_put_u32(to + HEADER_NODE, header->node);
    cd_put_u64(to + HEADER_SEQUENCE, header->sequence);
    cd_put_u64(to + HEADER_NONCE, header->nonce);
    cd_put_u32(to + HEADER_NAME_BYTES, (uint32_t)name_bytes);
    memcpy(to + HEADER_NAME, header->cluster_name, name_bytes);
    cd_put_u64(to + HEADER_HASH, cd_hash64(to, HEADER_HASH));
}

enum cd_status segment_decode_header(const uint8_t from[SEGMENT_HEADER_BYTES],
                                     struct segment_header *ret_header)
{
    bool intact = memcmp(from + HEADER_MAGIC, header_magic, sizeof(header_magic)) == 0 &&
                  cd_get_u64(from + HEADER_HASH) == cd_hash64(from, HEADER_HASH);
    if (!intact) {
        return CD_CORRUPT;
    }
    struct segment_header header = {.format_version = cd_get_u32(from + HEADER_VERSION)};
    if (header.format_version > STORAGE_FORMAT_VERSION) {
        *ret_header = header;
        return CD_NEWER_FORMAT;
    }
    uint32_t name_bytes = cd_get_u32(from + HEADER_NAME_BYTES);
    if (name_bytes > STORAGE_CLUSTER_NAME_BYTES_MAX) {
        return CD_CORRUPT;
    }
    header.node = cd_get_u32(from + HEADER_NODE);
    header.sequence = cd_get_u64(from + HEADER_SEQUENCE);
    header.nonce = cd_get_u64(from + HEADER_NONCE);
    memcpy(header.cluster_name, from + HEADER_NAME, name_bytes);
    *ret_header = header;
    return CD_OK;
}

uint64_t segment_seed(uint64_t sequence, uint64_t nonce)
{
    uint8_t bytes[8];
    cd_put_u64(bytes, sequence);
    return cd_hash64_seeded(bytes, sizeof(bytes), nonce);
}

static size_t padded(size_t bytes)
{
    return (bytes + SEGMENT_ALIGN_BYTES - 1) / SEGMENT_ALIGN_BYTES * SEGMENT_ALIGN_BYTES;
}

size_t segment_record_bytes(size_t body_bytes)
{
    return SEGMENT_RECORD_HEADER_BYTES + padded(body_bytes);
}

void segment_append_record(struct cd_buf *buf, const struct storage_record *record,
                           uint64_t position, uint8_t flags)
{
    CD_ASSERT(record->body_bytes <= STORAGE_BODY_BYTES_MAX);
    uint8_t *to = cd_buf_extend(buf, segment_record_bytes(record->body_bytes));
    CD_ASSERT(to != NULL);
    memset(to, 0, SEGMENT_RECORD_HEADER_BYTES);
    memcpy(to + RECORD_MARK, record_mark, sizeof(record_mark));
    cd_put_u32(to + RECORD_BODY_BYTES, (uint32_t)record->body_bytes);
    to[RECORD_KIND] = (uint8_t)record->kind;
    to[RECORD_VERSION] = SEGMENT_RECORD_VERSION;
    to[RECORD_FLAGS] = flags;
    cd_put_u32(to + RECORD_NODE, record->ballot.node);
    cd_put_u64(to + RECORD_SLOT, record->slot);
    cd_put_u64(to + RECORD_ROUND, record->ballot.round);
    cd_put_u64(to + RECORD_INCARNATION, record->ballot.incarnation);
    cd_put_u64(to + RECORD_POSITION, position);
    cd_put_u64(to + RECORD_BODY_HASH, cd_hash64(record->body, record->body_bytes));
    uint8_t *body = to + SEGMENT_RECORD_HEADER_BYTES;
    if (record->body_bytes != 0) {
        memcpy(body, record->body, record->body_bytes);
    }
    memset(body + record->body_bytes, 0, padded(record->body_bytes) - record->body_bytes);
}

void segment_seal(uint8_t *records, size_t bytes, uint64_t durable_to, uint64_t seed)
{
    size_t at = 0;
    while (at < bytes) {
        uint8_t *record = records + at;
        CD_ASSERT(segment_has_mark(record));
        cd_put_u64(record + RECORD_DURABLE_TO, durable_to);
        cd_put_u64(record + RECORD_HEADER_HASH, cd_hash64_seeded(record, RECORD_HEADER_HASH, seed));
        at += segment_record_bytes(cd_get_u32(record + RECORD_BODY_BYTES));
    }
    CD_ASSERT(at == bytes);
}

void segment_read_record(const uint8_t from[SEGMENT_RECORD_HEADER_BYTES],
                         struct segment_record *ret_record)
{
    *ret_record = (struct segment_record){
        .kind = (enum storage_kind)from[RECORD_KIND],
        .version = from[RECORD_VERSION],
        .flags = from[RECORD_FLAGS],
        .body_bytes = cd_get_u32(from + RECORD_BODY_BYTES),
        .slot = cd_get_u64(from + RECORD_SLOT),
        .ballot =
            {
                .round = cd_get_u64(from + RECORD_ROUND),
                .node = cd_get_u32(from + RECORD_NODE),
                .incarnation = cd_get_u64(from + RECORD_INCARNATION),
            },
        .position = cd_get_u64(from + RECORD_POSITION),
        .durable_to = cd_get_u64(from + RECORD_DURABLE_TO),
        .body_hash = cd_get_u64(from + RECORD_BODY_HASH),
    };
}

bool segment_has_mark(const uint8_t *from)
{
    return memcmp(from + RECORD_MARK, record_mark, sizeof(record_mark)) == 0;
}

bool segment_check_record(const uint8_t from[SEGMENT_RECORD_HEADER_BYTES], uint64_t seed,
                          struct segment_record *ret_record)
{
    bool intact = segment_has_mark(from) && cd_get_u64(from + RECORD_HEADER_HASH) ==
                                                cd_hash64_seeded(from, RECORD_HEADER_HASH, seed);
    if (!intact || cd_get_u32(from + RECORD_BODY_BYTES) > STORAGE_BODY_BYTES_MAX) {
        return false;
    }
    segment_read_record(from, ret_record);
    return true;
}

bool segment_check_body(const struct segment_record *record, const uint8_t *body)
{
    for (size_t i = record->body_bytes; i < padded(record->body_bytes); i++) {
        if (body[i] != 0) {
            return false;
        }
    }
    return cd_hash64(body, record->body_bytes) == record->body_hash;
}

void segment_encode_dropped(uint8_t to[SEGMENT_DROPPED_BYTES],
                            const struct segment_dropped *dropped)
{
    cd_put_u64(to, dropped->begin);
    cd_put_u64(to + 8, dropped->slot);
}

struct segment_dropped segment_decode_dropped(const uint8_t from[SEGMENT_DROPPED_BYTES])
{
    return (struct segment_dropped){.begin = cd_get_u64(from), .slot = cd_get_u64(from + 8)};
}

bool segment_is_own(enum storage_kind kind)
{
    return kind == STORAGE_SYNCED || kind == STORAGE_DROPPED;
}

bool segment_knows_record(const struct segment_record *record)
{
    return record->version <= SEGMENT_RECORD_VERSION && record->kind >= STORAGE_STATE &&
           record->kind <= STORAGE_INSTALLED && (record->flags & ~SEGMENT_FLAG_HEAD) == 0;
}

struct storage_record segment_view(const struct segment_record *record, const uint8_t *body)
{
    return (struct storage_record){
        .kind = record->kind,
        .slot = record->slot,
        .ballot = record->ballot,
        .body = body,
        .body_bytes = record->body_bytes,
    };
}
