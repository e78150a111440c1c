#include "wire/admin.h"

#include "base/assert.h"
#include "wire/internal.h"

/* Service Admin. */

/* One request; backups travel in chunks below this. */
static const struct wire_bound request_bound = {(size_t)64 << 10, "a request of Admin"};

#define ANSWER_BYTES_MAX ((size_t)256 << 10)
/* A page of sessions, each with an identity of any length. */
#define SESSIONS_BYTES_MAX ((size_t)WIRE_FRAME_BYTES_MAX)

enum cd_status wire_init_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                uint32_t *ret_alpha, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__InitRequest *from =
        wire_unpack(arena, &coord__v1__init_request__descriptor, bytes, bytes_count, request_bound,
                    &status, error);
    if (from == NULL) {
        return status;
    }
    if (from->alpha != 0 && (from->alpha < PAXOS_ALPHA_MIN || from->alpha > PAXOS_ALPHA_MAX)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "alpha: %u; it is %d to %d, or 0 for the default",
                            (unsigned)from->alpha, (int)PAXOS_ALPHA_MIN, (int)PAXOS_ALPHA_MAX);
    }
    *ret_alpha = from->alpha;
    return CD_OK;
}

enum cd_status wire_status_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                  struct cd_error *error)
{
    enum cd_status status = CD_OK;
    (void)wire_unpack(arena, &coord__v1__status_request__descriptor, bytes, bytes_count,
                      request_bound, &status, error); /* it has no fields */
    return status;
}

enum cd_status wire_transfer_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                    uint32_t *ret_node, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__TransferLeadershipRequest *from =
        wire_unpack(arena, &coord__v1__transfer_leadership_request__descriptor, bytes, bytes_count,
                    request_bound, &status, error);
    if (from != NULL) {
        *ret_node = from->node_id;
    }
    return status;
}

/*
 * A page's cursor is opaque to clients: a byte that names the form, and the last id shown (little
 * endian). Sessions come in the order of their ids, so that is where the next page begins.
 */
#define SESSIONS_CURSOR_FORM  1u
#define SESSIONS_CURSOR_BYTES ((size_t)9)

enum cd_status wire_sessions_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                    struct wire_sessions_request *ret_request,
                                    struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Coord__V1__SessionsRequest *from =
        wire_unpack(arena, &coord__v1__sessions_request__descriptor, bytes, bytes_count,
                    request_bound, &status, error);
    if (from == NULL) {
        return status;
    }
    bool given = from->cursor.len > 0;
    if (given && (from->cursor.len != SESSIONS_CURSOR_BYTES ||
                  from->cursor.data[0] != SESSIONS_CURSOR_FORM)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "cursor: not one of this server; begin the list again");
    }
    *ret_request = (struct wire_sessions_request){
        .session = from->session_id,
        .after = given ? cd_get_u64(from->cursor.data + 1) : 0,
        .limit = from->limit == 0 || from->limit > WIRE_SESSIONS_PAGE_MAX ? WIRE_SESSIONS_PAGE_MAX
                                                                          : from->limit,
    };
    return CD_OK;
}

enum cd_status wire_admin_encode_refusal(struct cd_buf *buf, enum cd_status status,
                                         const char *message)
{
    CD_ASSERT(status != CD_OK);
    /* Code and message have the same fields in every answer of Admin. */
    Coord__V1__InitResponse answer = COORD__V1__INIT_RESPONSE__INIT;
    answer.code = wire_code(status);
    answer.message = wire_binary_text(message != NULL ? message : cd_status_text(status));
    return wire_pack(buf, ANSWER_BYTES_MAX, &answer.base);
}

enum cd_status wire_init_encode(struct cd_buf *buf, const uint8_t *cluster_id, uint32_t generation)
{
    Coord__V1__InitResponse answer = COORD__V1__INIT_RESPONSE__INIT;
    answer.cluster_id = wire_binary(cluster_id, PAXOS_CLUSTER_ID_BYTES);
    answer.generation = generation;
    return wire_pack(buf, ANSWER_BYTES_MAX, &answer.base);
}

enum cd_status wire_transfer_encode(struct cd_buf *buf, uint32_t leader)
{
    Coord__V1__TransferLeadershipResponse answer = COORD__V1__TRANSFER_LEADERSHIP_RESPONSE__INIT;
    answer.leader_id = leader;
    return wire_pack(buf, ANSWER_BYTES_MAX, &answer.base);
}

static void fill_member(Coord__V1__Member *ret_message, const struct wire_member *from)
{
    coord__v1__member__init(ret_message);
    ret_message->node_id = from->member.node;
    ret_message->incarnation = from->member.incarnation;
    ret_message->role = (Coord__V1__MemberRole)from->member.role; /* the numbers are equal */
    ret_message->client_address = wire_binary_text(from->client_address);
    ret_message->peer_address = wire_binary_text(from->peer_address);
    ret_message->identity = wire_binary_text(from->identity);
    ret_message->chosen_slot = from->chosen_slot;
    ret_message->heard_ms_ago = from->heard_ms_ago;
}

static void fill_figures(Coord__V1__StatusResponse *answer, const struct wire_status *status)
{
    answer->nodes = status->nodes;
    answer->sessions = status->sessions;
    answer->watches = status->watches;
    answer->streams = status->streams;
    answer->uptime_ms = status->uptime_ms;
    answer->log_bytes = status->log_bytes;
    answer->disk_free_bytes = status->disk_free_bytes;
    answer->digest = status->digest;
    answer->digest_version = status->digest_version;
    answer->snapshot_slot = status->snapshot_slot;
    answer->snapshot_bytes = status->snapshot_bytes;
    answer->log_first_slot = status->log_first_slot;
    answer->tree_bytes = status->tree_bytes;
    answer->history_after_zxid = status->history_after_zxid;
    answer->history_bytes = status->history_bytes;
    answer->cpu_us = status->cpu_us;
    answer->memory_bytes = status->memory_bytes;
}

enum cd_status wire_status_encode(struct cd_buf *buf, const struct wire_status *status)
{
    CD_ASSERT(status->members_count <= PAXOS_MEMBERS_MAX);
    CD_ASSERT(status->alarms_count <= WIRE_ALARMS_MAX);
    Coord__V1__Member members[PAXOS_MEMBERS_MAX];
    Coord__V1__Member *member_pointers[PAXOS_MEMBERS_MAX];
    ProtobufCBinaryData alarms[WIRE_ALARMS_MAX];
    Coord__V1__StatusResponse answer = COORD__V1__STATUS_RESPONSE__INIT;
    answer.node_id = status->node;
    answer.incarnation = status->incarnation;
    answer.server = wire_binary_text(status->server);
    if (status->has_cluster) {
        answer.cluster_id = wire_binary(status->cluster_id, sizeof(status->cluster_id));
    }
    answer.generation = status->generation;
    answer.state = (Coord__V1__ReplicaState)status->state;
    answer.leader_id = status->leader;
    answer.ballot_round = status->ballot_round;
    answer.chosen_slot = status->chosen_slot;
    answer.applied_slot = status->applied_slot;
    answer.zxid = status->zxid;
    for (size_t i = 0; i < status->members_count; i++) {
        fill_member(&members[i], &status->members[i]);
        member_pointers[i] = &members[i];
    }
    answer.members = member_pointers;
    answer.n_members = status->members_count;
    for (size_t i = 0; i < status->alarms_count; i++) {
        alarms[i] = wire_binary_text(status->alarms[i]);
    }
    answer.alarms = alarms;
    answer.n_alarms = status->alarms_count;
    answer.ready = status->ready;
    fill_figures(&answer, status);
    return wire_pack(buf, ANSWER_BYTES_MAX, &answer.base);
}

struct session_message {
    Coord__V1__SessionInfo info;
    uint8_t identity[WIRE_IDENTITY_BYTES_MAX];
};

static void fill_session(struct session_message *ret_message, const struct wire_session_info *from)
{
    Coord__V1__SessionInfo *info = &ret_message->info;
    coord__v1__session_info__init(info);
    info->session_id = from->view.session;
    info->identity = wire_binary(ret_message->identity,
                                 wire_identity_format(ret_message->identity, &from->view.who));
    info->timeout_ms = from->view.timeout_ms;
    info->attach = from->view.attach;
    info->last_seq = from->view.last_seq;
    info->ephemerals = from->view.ephemerals;
    info->kept_reply_bytes = from->view.kept_bytes;
    info->replica_id = from->replica;
    info->renewed_ms_ago = from->renewed_ms_ago;
}

enum cd_status wire_sessions_encode(struct cd_buf *buf, const struct wire_session_info *sessions,
                                    size_t count, bool more)
{
    CD_ASSERT(count <= WIRE_SESSIONS_PAGE_MAX && (count > 0 || !more));
    struct wire_arena scratch;
    wire_arena_init(&scratch, WIRE_ARENA_BYTES_MAX);
    struct session_message *list = wire_arena_get_array(&scratch, count, sizeof(*list));
    Coord__V1__SessionInfo **pointers = wire_arena_get_array(&scratch, count, sizeof(*pointers));
    CD_ASSERT(list != NULL && pointers != NULL); /* far below the limit */
    for (size_t i = 0; i < count; i++) {
        fill_session(&list[i], &sessions[i]);
        pointers[i] = &list[i].info;
    }
    uint8_t cursor[SESSIONS_CURSOR_BYTES] = {SESSIONS_CURSOR_FORM};
    Coord__V1__SessionsResponse answer = COORD__V1__SESSIONS_RESPONSE__INIT;
    answer.sessions = pointers;
    answer.n_sessions = count;
    if (more) {
        cd_put_u64(cursor + 1, sessions[count - 1].view.session);
        answer.cursor = wire_binary(cursor, sizeof(cursor));
    }
    enum cd_status status = wire_pack(buf, SESSIONS_BYTES_MAX, &answer.base);
    wire_arena_release(&scratch);
    return status;
}
