#include "storage/snapshot_file.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * All that is ours lies in skippable frames of zstd (RFC 8878, 3.1.2), so that `zstd -d` gives the
 * content. They begin with a magic and the number of bytes that follow.
 */
enum {
    SKIP_LENGTH = 4,
    SKIP_BYTES = 8,
};
static const uint32_t skip_magic = 0x184D2A50;

/* Offsets in the header block. Magic, version and hash keep their places in every format. */
enum {
    HEADER_MAGIC = 8,
    HEADER_VERSION = 16,
    HEADER_DIGEST_VERSION = 20,
    HEADER_SLOT = 24,
    HEADER_ZXID = 32,
    HEADER_DIGEST = 40,
    HEADER_NAME_BYTES = 48,
    HEADER_NAME = 52,
    HEADER_HASH = SNAPSHOT_HEADER_BYTES - 8,
};

/* Offsets in a frame's header and in the trailer. */
enum {
    MARK_MAGIC = 8,
    FRAME_BODY_BYTES = 12,
    FRAME_RAW_BYTES = 16,
    FRAME_RAW_OFFSET = 24,
    FRAME_BODY_HASH = 32,
    TRAILER_FRAMES = 16,
    TRAILER_RAW_BYTES = 24,
    TRAILER_FILE_BYTES = 32,
    MARK_HASH = SNAPSHOT_MARK_BYTES - 8,
};

static const char header_magic[8] = {'C', 'O', 'O', 'R', 'D', 'S', 'N', 'P'};
static const char frame_magic[4] = {'C', 'F', 'R', 'M'};
static const char trailer_magic[4] = {'C', 'E', 'N', 'D'};

CD_STATIC_ASSERT(HEADER_NAME + STORAGE_CLUSTER_NAME_BYTES_MAX <= HEADER_HASH, "the name fits");
CD_STATIC_ASSERT(SNAPSHOT_NAME_BYTES <= ENV_PATH_BYTES_MAX + 1, "names fit env's paths");

enum {
    NAME_DIGITS = 20,
    NAME_PREFIX = 9, /* "snapshot-" */
};

void snapshot_name(char to[SNAPSHOT_NAME_BYTES], uint64_t slot, bool temporary)
{
    CD_ASSERT(slot >= 1);
    snprintf(to, SNAPSHOT_NAME_BYTES, "snapshot-%0*" PRIu64 ".zst%s", NAME_DIGITS, slot,
             temporary ? ".tmp" : "");
}

bool snapshot_parse_name(const char *name, uint64_t *ret_slot, bool *ret_temporary)
{
    if (strncmp(name, "snapshot-", NAME_PREFIX) != 0) {
        return false;
    }
    uint64_t slot = 0;
    const char *at = name + NAME_PREFIX;
    for (int i = 0; i < NAME_DIGITS; i++, at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*at - '0');
        if (slot > (UINT64_MAX - digit) / 10) {
            return false;
        }
        slot = slot * 10 + digit;
    }
    bool temporary = strcmp(at, ".zst.tmp") == 0;
    if (slot == 0 || (!temporary && strcmp(at, ".zst") != 0)) {
        return false;
    }
    *ret_slot = slot;
    *ret_temporary = temporary;
    return true;
}

static void expect(struct snapshot_check *check, enum snapshot_unit unit, size_t wanted)
{
    check->offset += check->wanted;
    check->unit = unit;
    check->wanted = wanted;
}

void snapshot_check_init(struct snapshot_check *check)
{
    *check = (struct snapshot_check){.unit = SNAPSHOT_HEADER, .wanted = SNAPSHOT_HEADER_BYTES};
}

/* --- writing --- */

static void put_skip(uint8_t *to, size_t bytes)
{
    memset(to, 0, bytes);
    cd_put_u32(to, skip_magic);
    cd_put_u32(to + SKIP_LENGTH, (uint32_t)(bytes - SKIP_BYTES));
}

void snapshot_put_header(struct snapshot_check *check, const struct snapshot_header *header,
                         uint8_t to[SNAPSHOT_HEADER_BYTES])
{
    CD_ASSERT(check->unit == SNAPSHOT_HEADER);
    size_t name_bytes = strlen(header->cluster_name);
    CD_ASSERT(name_bytes <= STORAGE_CLUSTER_NAME_BYTES_MAX);
    put_skip(to, SNAPSHOT_HEADER_BYTES);
    memcpy(to + HEADER_MAGIC, header_magic, sizeof(header_magic));
    cd_put_u32(to + HEADER_VERSION, header->format_version);
    cd_put_u32(to + HEADER_DIGEST_VERSION, header->meta.digest_version);
    cd_put_u64(to + HEADER_SLOT, header->meta.slot);
    cd_put_u64(to + HEADER_ZXID, header->meta.zxid);
    cd_put_u64(to + HEADER_DIGEST, header->meta.digest);
    cd_put_u32(to + HEADER_NAME_BYTES, (uint32_t)name_bytes);
    memcpy(to + HEADER_NAME, header->cluster_name, name_bytes);
    check->seed = cd_hash64(to, HEADER_HASH);
    cd_put_u64(to + HEADER_HASH, check->seed);
    check->header = *header;
    expect(check, SNAPSHOT_MARK, SNAPSHOT_MARK_BYTES);
}

void snapshot_put_frame(struct snapshot_check *check, const uint8_t *body, size_t body_bytes,
                        size_t raw_bytes, uint8_t to[SNAPSHOT_MARK_BYTES])
{
    CD_ASSERT(check->unit == SNAPSHOT_MARK);
    CD_ASSERT(raw_bytes >= 1 && raw_bytes <= SNAPSHOT_RAW_BYTES_MAX);
    CD_ASSERT(body_bytes >= 1 && body_bytes <= SNAPSHOT_BODY_BYTES_MAX);
    put_skip(to, SNAPSHOT_MARK_BYTES);
    memcpy(to + MARK_MAGIC, frame_magic, sizeof(frame_magic));
    cd_put_u32(to + FRAME_BODY_BYTES, (uint32_t)body_bytes);
    cd_put_u32(to + FRAME_RAW_BYTES, (uint32_t)raw_bytes);
    cd_put_u64(to + FRAME_RAW_OFFSET, check->raw_bytes);
    cd_put_u64(to + FRAME_BODY_HASH, cd_hash64(body, body_bytes));
    check->seed = cd_hash64_seeded(to, MARK_HASH, check->seed);
    cd_put_u64(to + MARK_HASH, check->seed);
    check->frames++;
    check->raw_bytes += raw_bytes;
    expect(check, SNAPSHOT_BODY, body_bytes);
    expect(check, SNAPSHOT_MARK, SNAPSHOT_MARK_BYTES);
}

void snapshot_put_trailer(struct snapshot_check *check, uint8_t to[SNAPSHOT_MARK_BYTES])
{
    CD_ASSERT(check->unit == SNAPSHOT_MARK);
    put_skip(to, SNAPSHOT_MARK_BYTES);
    memcpy(to + MARK_MAGIC, trailer_magic, sizeof(trailer_magic));
    cd_put_u64(to + TRAILER_FRAMES, check->frames);
    cd_put_u64(to + TRAILER_RAW_BYTES, check->raw_bytes);
    cd_put_u64(to + TRAILER_FILE_BYTES, check->offset + SNAPSHOT_MARK_BYTES);
    check->seed = cd_hash64_seeded(to, MARK_HASH, check->seed);
    cd_put_u64(to + MARK_HASH, check->seed);
    expect(check, SNAPSHOT_END, 0);
}

/* --- checking --- */

static bool has_skip(const uint8_t *from, size_t bytes)
{
    return cd_get_u32(from) == skip_magic && cd_get_u32(from + SKIP_LENGTH) == bytes - SKIP_BYTES;
}

static enum cd_status take_header(struct snapshot_check *check, const uint8_t *from,
                                  const char **ret_what)
{
    *ret_what = "its header does not match its checksum";
    uint64_t hash = cd_hash64(from, HEADER_HASH);
    if (memcmp(from + HEADER_MAGIC, header_magic, sizeof(header_magic)) != 0 ||
        cd_get_u64(from + HEADER_HASH) != hash) {
        return CD_CORRUPT;
    }
    struct snapshot_header header = {.format_version = cd_get_u32(from + HEADER_VERSION)};
    if (header.format_version > STORAGE_SNAPSHOT_FORMAT_VERSION) {
        check->header = header;
        return CD_NEWER_FORMAT;
    }
    uint32_t name_bytes = cd_get_u32(from + HEADER_NAME_BYTES);
    header.meta = (struct storage_snapshot_meta){
        .slot = cd_get_u64(from + HEADER_SLOT),
        .zxid = cd_get_u64(from + HEADER_ZXID),
        .digest = cd_get_u64(from + HEADER_DIGEST),
        .digest_version = cd_get_u32(from + HEADER_DIGEST_VERSION),
    };
    if (!has_skip(from, SNAPSHOT_HEADER_BYTES) || name_bytes > STORAGE_CLUSTER_NAME_BYTES_MAX ||
        header.meta.slot == 0) {
        *ret_what = "its header makes no sense";
        return CD_CORRUPT;
    }
    memcpy(header.cluster_name, from + HEADER_NAME, name_bytes);
    check->header = header;
    check->seed = hash;
    expect(check, SNAPSHOT_MARK, SNAPSHOT_MARK_BYTES);
    return CD_OK;
}

static enum cd_status take_frame_header(struct snapshot_check *check, const uint8_t *from,
                                        const char **ret_what)
{
    uint32_t body_bytes = cd_get_u32(from + FRAME_BODY_BYTES);
    uint32_t raw_bytes = cd_get_u32(from + FRAME_RAW_BYTES);
    if (body_bytes == 0 || body_bytes > SNAPSHOT_BODY_BYTES_MAX || raw_bytes == 0 ||
        raw_bytes > SNAPSHOT_RAW_BYTES_MAX ||
        cd_get_u64(from + FRAME_RAW_OFFSET) != check->raw_bytes) {
        *ret_what = "the header of a frame makes no sense";
        return CD_CORRUPT;
    }
    check->frame_raw_bytes = raw_bytes;
    check->frame_body_hash = cd_get_u64(from + FRAME_BODY_HASH);
    check->frames++;
    check->raw_bytes += raw_bytes;
    expect(check, SNAPSHOT_BODY, body_bytes);
    return CD_OK;
}

static enum cd_status take_mark(struct snapshot_check *check, const uint8_t *from,
                                const char **ret_what)
{
    *ret_what = "the header of a frame, or the trailer, does not match its checksum";
    uint64_t hash = cd_hash64_seeded(from, MARK_HASH, check->seed);
    if (!has_skip(from, SNAPSHOT_MARK_BYTES) || cd_get_u64(from + MARK_HASH) != hash) {
        return CD_CORRUPT;
    }
    check->seed = hash;
    if (memcmp(from + MARK_MAGIC, frame_magic, sizeof(frame_magic)) == 0) {
        return take_frame_header(check, from, ret_what);
    }
    if (memcmp(from + MARK_MAGIC, trailer_magic, sizeof(trailer_magic)) != 0 ||
        cd_get_u64(from + TRAILER_FRAMES) != check->frames ||
        cd_get_u64(from + TRAILER_RAW_BYTES) != check->raw_bytes ||
        cd_get_u64(from + TRAILER_FILE_BYTES) != check->offset + SNAPSHOT_MARK_BYTES) {
        *ret_what = "the trailer does not fit what is before it";
        return CD_CORRUPT;
    }
    expect(check, SNAPSHOT_END, 0);
    return CD_OK;
}

enum cd_status snapshot_check_take(struct snapshot_check *check, const uint8_t *from,
                                   const char **ret_what)
{
    switch (check->unit) {
    case SNAPSHOT_HEADER:
        return take_header(check, from, ret_what);
    case SNAPSHOT_MARK:
        return take_mark(check, from, ret_what);
    case SNAPSHOT_BODY:
        if (cd_hash64(from, check->wanted) != check->frame_body_hash) {
            *ret_what = "the body of a frame does not match its checksum";
            return CD_CORRUPT;
        }
        expect(check, SNAPSHOT_MARK, SNAPSHOT_MARK_BYTES);
        return CD_OK;
    case SNAPSHOT_END:
        break;
    }
    CD_UNREACHABLE();
}
