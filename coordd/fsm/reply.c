#include "fsm/reply.h"

#include "base/hash.h"
#include "base/memory.h"
#include "fsm/path.h"
#include "fsm/state.h"

#define REPLY_SEED UINT64_C(0x5265706c79)

enum result_flag {
    RESULT_CHANGED = 1,
    RESULT_COMPARES_HELD = 2,
};

enum outcome_flag {
    OUTCOME_CHANGED = 1,
    OUTCOME_FOUND = 2,
    OUTCOME_WITH_STAT = 4,
    OUTCOME_WITH_DATA = 8,
    OUTCOME_CHILDREN_MORE = 16,
};
#define OUTCOME_FLAGS 31u

enum part {
    PART_PATH = 1,
    PART_STAT = 2,
    PART_DATA = 4,
    PART_VALUE = 8,
    PART_TIMEOUT = 16,
    PART_CHILDREN = 32,
    PART_MESSAGE = 64,
    PART_NODES = 128,
    PART_LIMIT = 256,
};
#define PARTS 511u

#define STAT_NUMBERS 16u

/* An operation that nobody knows is refused, and that is kept as well. */
#define KIND_MAX UINT8_MAX

/* By their place in this row, so new ones go to its end. */
static const char *const limit_names[] = {
    "path_bytes",       "data_bytes",       "txn_bytes",  "txn_compares",       "txn_ops",
    "atomic_nodes",     "tree_nodes",       "tree_bytes", "acl_entries",        "queue_prefixes",
    "ttl_max_ms",       "container_ms",     "sessions",   "session_ephemerals", "unacked_writes",
    "kept_reply_bytes", "state_reply_bytes"};

/* ---- Packing ---- */

static void put_number(struct cd_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count] = (uint8_t)(value | 0x80);
        count++;
        value >>= 7;
    }
    bytes[count] = (uint8_t)value;
    cd_buf_put(buf, bytes, count + 1);
}

static void put_signed(struct cd_buf *buf, int64_t value)
{
    uint64_t bits = (uint64_t)value << 1;
    put_number(buf, value < 0 ? ~bits : bits);
}

static void put_bytes(struct cd_buf *buf, struct fsm_bytes bytes)
{
    put_number(buf, bytes.bytes);
    if (bytes.bytes != 0) {
        cd_buf_put(buf, bytes.data, bytes.bytes);
    }
}

static void put_stat(struct cd_buf *buf, const struct fsm_stat *stat)
{
    const uint64_t numbers[STAT_NUMBERS] = {
        stat->czxid,      stat->mzxid,          stat->pzxid,        stat->ctime_ms,
        stat->mtime_ms,   stat->version,        stat->creates,      stat->children_count,
        stat->azxid,      stat->aversion,       stat->owner,        stat->ttl_ms,
        stat->data_bytes, (uint64_t)stat->kind, stat->suffix_bytes, stat->idle_elapsed_ms};
    for (size_t i = 0; i < STAT_NUMBERS; i++) {
        put_number(buf, numbers[i]);
    }
}

/* The root of a new tree has nothing but zeroes, and then the part is left out. */
static bool stat_is_zero(const struct fsm_stat *stat)
{
    const struct fsm_stat zero = {0};
    return stat->czxid == 0 && stat->pzxid == 0 && stat->mzxid == 0 && stat->azxid == 0 &&
           stat->kind == zero.kind;
}

static uint64_t limit_number(const char *name)
{
    size_t i = 0;
    while (strcmp(limit_names[i], name) != 0) {
        i++;
        CD_ASSERT(i < CD_ARRAY_COUNT(limit_names));
    }
    return i;
}

static uint64_t parts_of(const struct fsm_outcome *outcome)
{
    return (outcome->path.bytes != 0 ? PART_PATH : 0u) |
           (!stat_is_zero(&outcome->stat) ? PART_STAT : 0u) |
           (outcome->data.bytes != 0 ? PART_DATA : 0u) | (outcome->value != 0 ? PART_VALUE : 0u) |
           (outcome->timeout_ms != 0 ? PART_TIMEOUT : 0u) |
           (outcome->children_count != 0 ? PART_CHILDREN : 0u) |
           (outcome->message.bytes != 0 ? PART_MESSAGE : 0u) |
           (outcome->nodes_count != 0 ? PART_NODES : 0u) |
           (outcome->limit_name != NULL ? PART_LIMIT : 0u);
}

static void put_children(struct cd_buf *buf, const struct fsm_outcome *outcome)
{
    put_number(buf, outcome->children_count);
    for (size_t i = 0; i < outcome->children_count; i++) {
        put_bytes(buf, outcome->children[i].path);
        put_stat(buf, &outcome->children[i].stat);
        put_bytes(buf, outcome->children[i].data);
    }
}

static void put_outcome(struct cd_buf *buf, const struct fsm_outcome *outcome)
{
    uint64_t parts = parts_of(outcome);
    put_number(buf, (uint64_t)outcome->kind);
    put_number(buf, (uint64_t)outcome->status);
    put_number(buf, (outcome->changed ? OUTCOME_CHANGED : 0u) |
                        (outcome->found ? OUTCOME_FOUND : 0u) |
                        (outcome->with_stat ? OUTCOME_WITH_STAT : 0u) |
                        (outcome->with_data ? OUTCOME_WITH_DATA : 0u) |
                        (outcome->children_more ? OUTCOME_CHILDREN_MORE : 0u));
    put_number(buf, parts);
    if ((parts & PART_PATH) != 0) {
        put_bytes(buf, outcome->path);
    }
    if ((parts & PART_STAT) != 0) {
        put_stat(buf, &outcome->stat);
    }
    if ((parts & PART_DATA) != 0) {
        put_bytes(buf, outcome->data);
    }
    if ((parts & PART_VALUE) != 0) {
        put_signed(buf, outcome->value);
    }
    if ((parts & PART_TIMEOUT) != 0) {
        put_number(buf, outcome->timeout_ms);
    }
    if ((parts & PART_CHILDREN) != 0) {
        put_children(buf, outcome);
    }
    if ((parts & PART_MESSAGE) != 0) {
        put_bytes(buf, outcome->message);
    }
    if ((parts & PART_NODES) != 0) {
        put_number(buf, outcome->nodes_count);
    }
    if ((parts & PART_LIMIT) != 0) {
        put_number(buf, limit_number(outcome->limit_name));
        put_number(buf, outcome->limit);
        put_number(buf, outcome->wanted);
    }
}

void fsm_reply_pack(struct cd_buf *buf, const struct fsm_result *result)
{
    const uint8_t version = FSM_REPLY_VERSION;
    cd_buf_put(buf, &version, 1);
    put_number(buf, (uint64_t)result->kind);
    put_number(buf, (uint64_t)result->status);
    put_number(buf, (result->changed ? RESULT_CHANGED : 0u) |
                        (result->compares_held ? RESULT_COMPARES_HELD : 0u));
    put_number(buf, result->zxid);
    put_signed(buf, result->failed_index);
    put_number(buf, result->session_opened);
    put_number(buf, result->session_ended);
    put_number(buf, result->outcomes_count);
    struct cd_buf one;
    cd_buf_init(&one, buf->limit);
    for (size_t i = 0; i < result->outcomes_count; i++) {
        cd_buf_clear(&one);
        put_outcome(&one, &result->outcomes[i]);
        put_bytes(buf, fsm_bytes_make(one.data, one.bytes));
    }
    cd_buf_release(&one);
    CD_ASSERT(!buf->overflowed);
}

/* ---- Unpacking ---- */

/* A failure is kept, and everything read after it is 0 or empty. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static uint64_t get_number(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->failed || reader->at == reader->end) {
            break;
        }
        uint8_t byte = *reader->at;
        reader->at++;
        if (shift == 63 && byte > 1) {
            break; /* over 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            /* A last byte of 0 would be a second form of the same number. */
            if (byte == 0 && shift != 0) {
                break;
            }
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

/* A number of at most `most`. */
static uint64_t get_within(struct reader *reader, uint64_t most)
{
    uint64_t value = get_number(reader);
    if (value > most) {
        reader->failed = true;
        return 0;
    }
    return value;
}

static int64_t get_signed(struct reader *reader)
{
    uint64_t bits = get_number(reader);
    return (int64_t)((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

static struct fsm_bytes get_bytes(struct reader *reader)
{
    uint64_t bytes = get_number(reader);
    if (reader->failed || bytes > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        return fsm_bytes_make(NULL, 0);
    }
    struct fsm_bytes result = fsm_bytes_make(reader->at, (size_t)bytes);
    reader->at += bytes;
    return result;
}

static void get_stat(struct reader *reader, struct fsm_stat *ret_stat)
{
    uint64_t numbers[STAT_NUMBERS];
    for (size_t i = 0; i < STAT_NUMBERS; i++) {
        numbers[i] = get_number(reader);
    }
    if (numbers[12] > UINT32_MAX || numbers[13] > FSM_TTL || numbers[14] > UINT8_MAX) {
        reader->failed = true;
        return;
    }
    *ret_stat = (struct fsm_stat){
        .czxid = numbers[0],
        .mzxid = numbers[1],
        .pzxid = numbers[2],
        .ctime_ms = numbers[3],
        .mtime_ms = numbers[4],
        .version = numbers[5],
        .creates = numbers[6],
        .children_count = numbers[7],
        .azxid = numbers[8],
        .aversion = numbers[9],
        .owner = numbers[10],
        .ttl_ms = numbers[11],
        .data_bytes = (uint32_t)numbers[12],
        .kind = (enum fsm_node_kind)numbers[13],
        .suffix_bytes = (uint8_t)numbers[14],
        .idle_elapsed_ms = numbers[15],
    };
}

/* A child has its name's length, its stat and its data's length, each a byte or more. */
#define CHILD_BYTES_MIN (STAT_NUMBERS + 2u)

/* The views are in front of the outcome's copied bytes, where room was made for `room` of them. */
static void get_children(struct reader *reader, struct fsm_view *views, size_t room,
                         struct fsm_outcome *outcome)
{
    outcome->children_count = (size_t)get_within(reader, room);
    outcome->children = views;
    for (size_t i = 0; i < outcome->children_count && !reader->failed; i++) {
        views[i].path = get_bytes(reader);
        get_stat(reader, &views[i].stat);
        views[i].data = get_bytes(reader);
    }
}

static void get_limit(struct reader *reader, struct fsm_outcome *outcome)
{
    outcome->limit_name = limit_names[get_within(reader, CD_ARRAY_COUNT(limit_names) - 1)];
    outcome->limit = get_number(reader);
    outcome->wanted = get_number(reader);
}

static void get_parts(struct reader *reader, uint64_t parts, struct fsm_view *views, size_t room,
                      struct fsm_outcome *outcome)
{
    if ((parts & PART_PATH) != 0) {
        outcome->path = get_bytes(reader);
    }
    if ((parts & PART_STAT) != 0) {
        get_stat(reader, &outcome->stat);
    }
    if ((parts & PART_DATA) != 0) {
        outcome->data = get_bytes(reader);
    }
    if ((parts & PART_VALUE) != 0) {
        outcome->value = get_signed(reader);
    }
    if ((parts & PART_TIMEOUT) != 0) {
        outcome->timeout_ms = (uint32_t)get_within(reader, UINT32_MAX);
    }
    if ((parts & PART_CHILDREN) != 0) {
        get_children(reader, views, room, outcome);
    }
    if ((parts & PART_MESSAGE) != 0) {
        outcome->message = get_bytes(reader);
    }
    if ((parts & PART_NODES) != 0) {
        outcome->nodes_count = get_number(reader);
    }
    if ((parts & PART_LIMIT) != 0) {
        get_limit(reader, outcome);
    }
}

/* The outcome owns one block: room for the views of children, and a copy of its bytes. */
static bool get_outcome(struct fsm_bytes packed, struct fsm_outcome *outcome)
{
    size_t room = packed.bytes / CHILD_BYTES_MIN;
    struct reader peek = {.at = packed.data, .end = packed.data + packed.bytes};
    uint64_t kind = get_within(&peek, KIND_MAX);
    uint64_t status = get_within(&peek, CD_STATUS_CLIENT_MAX);
    uint64_t flags = get_within(&peek, OUTCOME_FLAGS);
    uint64_t parts = get_within(&peek, PARTS);
    if (peek.failed) {
        return false;
    }
    if ((parts & PART_CHILDREN) == 0) {
        room = 0;
    }
    size_t rest = (size_t)(peek.end - peek.at);
    struct fsm_view *views = cd_malloc(room * sizeof(*views) + rest);
    uint8_t *copy = (uint8_t *)(views + room);
    if (rest != 0) {
        memcpy(copy, peek.at, rest);
    }
    *outcome = (struct fsm_outcome){
        .kind = (enum fsm_op_kind)kind,
        .status = (enum cd_status)status,
        .changed = (flags & OUTCOME_CHANGED) != 0,
        .found = (flags & OUTCOME_FOUND) != 0,
        .with_stat = (flags & OUTCOME_WITH_STAT) != 0,
        .with_data = (flags & OUTCOME_WITH_DATA) != 0,
        .children_more = (flags & OUTCOME_CHILDREN_MORE) != 0,
        .owned = views,
    };
    struct reader reader = {.at = copy, .end = copy + rest};
    get_parts(&reader, parts, views, room, outcome);
    return !reader.failed && reader.at == reader.end && parts_of(outcome) == parts;
}

static bool get_result(struct reader *reader, struct fsm_result *result)
{
    result->kind = (enum fsm_op_kind)get_within(reader, KIND_MAX);
    result->status = (enum cd_status)get_within(reader, CD_STATUS_CLIENT_MAX);
    uint64_t flags = get_within(reader, RESULT_CHANGED | RESULT_COMPARES_HELD);
    result->changed = (flags & RESULT_CHANGED) != 0;
    result->compares_held = (flags & RESULT_COMPARES_HELD) != 0;
    result->zxid = get_number(reader);
    result->failed_index = get_signed(reader);
    result->session_opened = get_number(reader);
    result->session_ended = get_number(reader);
    /* An outcome has five bytes or more, so the bytes themselves bound what is allocated. */
    size_t count = (size_t)get_within(reader, (uint64_t)(reader->end - reader->at) / 5);
    if (reader->failed) {
        return false;
    }
    fsm_result_expect(result, count);
    for (size_t i = 0; i < count; i++) {
        struct fsm_bytes packed = get_bytes(reader);
        if (reader->failed || !get_outcome(packed, &result->outcomes[i])) {
            return false;
        }
    }
    return reader->at == reader->end;
}

enum cd_status fsm_reply_unpack(struct fsm_bytes packed, struct fsm_result *result)
{
    if (packed.bytes == 0) {
        return CD_CORRUPT;
    }
    if (packed.data[0] != FSM_REPLY_VERSION) {
        return packed.data[0] == 0 ? CD_CORRUPT : CD_NEWER_FORMAT;
    }
    struct reader reader = {.at = packed.data + 1, .end = packed.data + packed.bytes};
    if (!get_result(&reader, result)) {
        fsm_result_clear(result);
        return CD_CORRUPT;
    }
    return CD_OK;
}

/* ---- Kept replies ---- */

struct fsm_reply *fsm_reply_create(uint64_t owner, uint64_t seq, uint64_t request_hash,
                                   struct fsm_bytes packed)
{
    CD_ASSERT(packed.bytes <= UINT32_MAX);
    struct fsm_reply *reply = cd_malloc(sizeof(*reply) + packed.bytes);
    uint8_t head[3 * sizeof(uint64_t)];
    cd_put_u64(head, owner);
    cd_put_u64(head + 8, seq);
    cd_put_u64(head + 16, request_hash);
    *reply = (struct fsm_reply){
        .refs = 1,
        .bytes = (uint32_t)packed.bytes,
        .seq = seq,
        .request_hash = request_hash,
        .digest = cd_hash64_seeded(packed.data, packed.bytes,
                                   cd_hash64_seeded(head, sizeof(head), REPLY_SEED)),
    };
    memcpy(reply->packed, packed.data, packed.bytes);
    return reply;
}

struct fsm_reply *fsm_reply_ref(struct fsm_reply *reply)
{
    CD_ASSERT(reply->refs < UINT32_MAX);
    reply->refs++;
    return reply;
}

void fsm_reply_unref(struct fsm_reply *reply)
{
    CD_ASSERT(reply->refs > 0);
    reply->refs--;
    if (reply->refs == 0) {
        cd_free(reply);
    }
}
