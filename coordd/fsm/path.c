#include "fsm/path.h"

#include "fsm/sequence.h"

struct fsm_bytes fsm_key_parent(struct fsm_bytes key)
{
    size_t bytes = key.bytes;
    CD_ASSERT(bytes > 0);
    while (key.data[bytes - 1] != '/') {
        bytes--;
        CD_ASSERT(bytes > 0);
    }
    return fsm_bytes_make(key.data, bytes - 1);
}

static unsigned rank(uint8_t byte)
{
    return byte == '/' ? 0u : byte;
}

int fsm_key_order(struct fsm_bytes a, struct fsm_bytes b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    size_t at = 0;
    while (at + sizeof(uint64_t) <= common) {
        uint64_t word_a;
        uint64_t word_b;
        memcpy(&word_a, a.data + at, sizeof(word_a));
        memcpy(&word_b, b.data + at, sizeof(word_b));
        if (word_a != word_b) {
            break;
        }
        at += sizeof(uint64_t);
    }
    while (at < common && a.data[at] == b.data[at]) {
        at++;
    }
    if (at == common) {
        return (a.bytes > b.bytes) - (a.bytes < b.bytes);
    }
    return rank(a.data[at]) < rank(b.data[at]) ? -1 : 1;
}

/*
 * The bytes of the UTF-8 character at the start of `text`, 0 if there is none (overlong forms,
 * surrogates and numbers above U+10FFFF are none). The character goes to *ret_character.
 */
static size_t utf8_decode(const uint8_t *text, size_t bytes, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80             ? 1
                    : (text[0] & 0xe0) == 0xc0 ? 2
                    : (text[0] & 0xf0) == 0xe0 ? 3
                    : (text[0] & 0xf8) == 0xf0 ? 4
                                               : 0;
    if (length == 0 || length > bytes) {
        return 0;
    }
    uint32_t character = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (text[i] & 0x3fu);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < least[length] || surrogate || character > 0x10ffff) {
        return 0;
    }
    *ret_character = character;
    return length;
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character <= 0x9f);
}

static enum cd_status refuse(struct cd_error *error, size_t at, const char *rule)
{
    return cd_error_set(error, CD_INVALID_ARGUMENT, "invalid path: %s (at byte %zu)", rule, at);
}

static enum cd_status check_characters(struct fsm_bytes path, struct cd_error *error)
{
    size_t at = 0;
    while (at < path.bytes) {
        uint32_t character = path.data[at];
        if (character >= 0x20 && character < 0x7f) {
            at++;
            continue;
        }
        size_t length = utf8_decode(path.data + at, path.bytes - at, &character);
        if (length == 0) {
            return refuse(error, at, "it must be valid UTF-8");
        }
        if (character == 0) {
            return refuse(error, at, "it must not hold a NUL");
        }
        if (is_control(character)) {
            return refuse(error, at, "it must not hold a control character");
        }
        at += length;
    }
    return CD_OK;
}

/* The elements of an absolute path; the last one only if `last_too`. */
static enum cd_status check_elements(struct fsm_bytes path, bool last_too, struct cd_error *error)
{
    size_t start = 1;
    while (start <= path.bytes) {
        const uint8_t *slash = memchr(path.data + start, '/', path.bytes - start);
        size_t end = slash != NULL ? (size_t)(slash - path.data) : path.bytes;
        size_t bytes = end - start;
        if (slash == NULL && !last_too) {
            return CD_OK;
        }
        if (bytes == 0) {
            return slash == NULL ? refuse(error, start - 1, "it must not end with a slash")
                                 : refuse(error, start, "it must not hold an empty element");
        }
        if (path.data[start] == '.' && bytes == 1) {
            return refuse(error, start, "it must not hold the element \".\"");
        }
        if (path.data[start] == '.' && bytes == 2 && path.data[start + 1] == '.') {
            return refuse(error, start, "it must not hold the element \"..\"");
        }
        start = end + 1;
    }
    return CD_OK;
}

static enum cd_status check_form(const struct fsm_limits *limits, struct fsm_bytes path,
                                 size_t suffix_bytes, struct cd_error *error)
{
    if (path.bytes == 0) {
        return refuse(error, 0, "it must not be empty");
    }
    if (path.bytes + suffix_bytes > limits->path_bytes) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "invalid path: it would have %zu bytes, the limit path_bytes is %u",
                            path.bytes + suffix_bytes, limits->path_bytes);
    }
    if (path.data[0] != '/') {
        return refuse(error, 0, "it must be absolute, that is begin with a slash");
    }
    enum cd_status status = check_characters(path, error);
    if (status != CD_OK || (path.bytes == 1 && suffix_bytes == 0)) {
        return status;
    }
    return check_elements(path, suffix_bytes == 0, error);
}

enum cd_status fsm_path_check(const struct fsm_limits *limits, struct fsm_bytes path,
                              struct cd_error *error)
{
    return check_form(limits, path, 0, error);
}

enum cd_status fsm_path_check_prefix(const struct fsm_limits *limits, struct fsm_bytes path,
                                     struct cd_error *error)
{
    return check_form(limits, path, FSM_SEQUENCE_BYTES_MIN, error);
}
