#include "codec_internal.h"

#include <string.h>

/* Requests and answers of service Admin. */

/* What was allocated for one coord_status; the status is its first member. */
struct status_holder {
    struct coord_status status;
    struct client_arena arena; /* of all that the status points to */
};

void coord_status_free(struct coord_status *status)
{
    if (status != NULL) {
        struct status_holder *holder = (struct status_holder *)status;
        client_arena_release(&holder->arena);
        client_free(holder);
    }
}

enum coord_code client_codec_init_encode(struct client_bytes *ret_bytes)
{
    Coord__V1__InitRequest message = COORD__V1__INIT_REQUEST__INIT;
    return codec_pack(&message.base, 0, ret_bytes);
}

enum coord_code client_codec_status_encode(struct client_bytes *ret_bytes)
{
    Coord__V1__StatusRequest message = COORD__V1__STATUS_REQUEST__INIT;
    return codec_pack(&message.base, 0, ret_bytes);
}

enum coord_code client_codec_transfer_encode(uint32_t node_id, struct client_bytes *ret_bytes)
{
    Coord__V1__TransferLeadershipRequest message = COORD__V1__TRANSFER_LEADERSHIP_REQUEST__INIT;
    message.node_id = node_id;
    return codec_pack(&message.base, 0, ret_bytes);
}

/* COORD_OK, or what the replica refused, with its sentence. */
static enum coord_code take_code(Coord__V1__Code number, ProtobufCBinaryData message,
                                 struct coord_error *error)
{
    enum coord_code code = client_code_from_wire((uint32_t)number);
    if (code == COORD_OK) {
        return COORD_OK;
    }
    if (message.len == 0) {
        return client_error_set(error, code, "%s", coord_code_text(code));
    }
    int bytes =
        message.len < COORD_ERROR_MESSAGE_BYTES ? (int)message.len : COORD_ERROR_MESSAGE_BYTES;
    return client_error_set(error, code, "%.*s", bytes, (const char *)message.data);
}

static enum coord_code take_cluster_id(uint8_t *to, ProtobufCBinaryData from,
                                       struct coord_error *error)
{
    if (from.len != COORD_CLUSTER_ID_BYTES) {
        return client_error_set(error, COORD_MALFORMED,
                                "its answer has a cluster id of %zu bytes, not of %d", from.len,
                                COORD_CLUSTER_ID_BYTES);
    }
    memcpy(to, from.data, COORD_CLUSTER_ID_BYTES);
    return COORD_OK;
}

enum coord_code client_codec_init_decode(const void *bytes, size_t count, uint8_t *ret_cluster_id,
                                         struct coord_error *error)
{
    struct client_arena arena;
    enum coord_code code = COORD_OK;
    client_arena_init(&arena, CLIENT_UNPACK_BYTES_MAX);
    const Coord__V1__InitResponse *message =
        codec_unpack(&arena, &coord__v1__init_response__descriptor, bytes, count, &code, error);
    if (message != NULL) {
        code = take_code(message->code, message->message, error);
        if (code == COORD_OK) {
            code = take_cluster_id(ret_cluster_id, message->cluster_id, error);
        }
    }
    client_arena_release(&arena);
    return code;
}

enum coord_code client_codec_transfer_decode(const void *bytes, size_t count,
                                             uint32_t *ret_leader_id, struct coord_error *error)
{
    struct client_arena arena;
    enum coord_code code = COORD_OK;
    client_arena_init(&arena, CLIENT_UNPACK_BYTES_MAX);
    const Coord__V1__TransferLeadershipResponse *message = codec_unpack(
        &arena, &coord__v1__transfer_leadership_response__descriptor, bytes, count, &code, error);
    if (message != NULL) {
        code = take_code(message->code, message->message, error);
        if (code == COORD_OK) {
            *ret_leader_id = message->leader_id;
        }
    }
    client_arena_release(&arena);
    return code;
}

/* ---- Status ---- */

/* What is behind a NUL is lost; NULL without memory. */
static const char *take_text(struct client_arena *arena, ProtobufCBinaryData from)
{
    return client_arena_copy(arena, from.data, from.len);
}

static const struct coord_member *take_member(struct client_arena *arena,
                                              const Coord__V1__Member *from)
{
    struct coord_member *to = client_arena_get(arena, sizeof(*to));
    if (to == NULL) {
        return NULL;
    }
    to->node_id = from->node_id;
    to->incarnation = from->incarnation;
    to->role = (enum coord_member_role)from->role;
    to->client_address = take_text(arena, from->client_address);
    to->peer_address = take_text(arena, from->peer_address);
    to->identity = take_text(arena, from->identity);
    to->chosen_slot = from->chosen_slot;
    to->heard_ms_ago = from->heard_ms_ago;
    return to->client_address != NULL && to->peer_address != NULL && to->identity != NULL ? to
                                                                                          : NULL;
}

static bool take_lists(struct status_holder *holder, const Coord__V1__StatusResponse *from)
{
    struct client_arena *arena = &holder->arena;
    const struct coord_member **members =
        client_arena_get_array(arena, from->n_members, sizeof(struct coord_member *));
    const char **alarms = client_arena_get_array(arena, from->n_alarms, sizeof(char *));
    if (members == NULL || alarms == NULL) {
        return false;
    }
    for (size_t i = 0; i < from->n_members; i++) {
        members[i] = take_member(arena, from->members[i]);
        if (members[i] == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < from->n_alarms; i++) {
        alarms[i] = take_text(arena, from->alarms[i]);
        if (alarms[i] == NULL) {
            return false;
        }
    }
    holder->status.members = members;
    holder->status.members_count = from->n_members;
    holder->status.alarms = alarms;
    holder->status.alarms_count = from->n_alarms;
    return true;
}

static enum coord_code fill_status(struct status_holder *holder,
                                   const Coord__V1__StatusResponse *from, struct coord_error *error)
{
    holder->status = (struct coord_status){
        .node_id = from->node_id,
        .incarnation = from->incarnation,
        .server = take_text(&holder->arena, from->server),
        .born = from->cluster_id.len != 0,
        .generation = from->generation,
        .state = (enum coord_replica_state)from->state,
        .leader_id = from->leader_id,
        .ballot_round = from->ballot_round,
        .chosen_slot = from->chosen_slot,
        .applied_slot = from->applied_slot,
        .zxid = from->zxid,
        .nodes = from->nodes,
        .sessions = from->sessions,
        .watches = from->watches,
        .streams = from->streams,
        .uptime_ms = from->uptime_ms,
        .log_bytes = from->log_bytes,
        .disk_free_bytes = from->disk_free_bytes,
        .digest = from->digest,
        .ready = from->ready,
        .tree_bytes = from->tree_bytes,
        .cpu_us = from->cpu_us,
        .memory_bytes = from->memory_bytes,
    };
    if (holder->status.server == NULL || !take_lists(holder, from)) {
        return client_error_no_memory(error);
    }
    return holder->status.born ? take_cluster_id(holder->status.cluster_id, from->cluster_id, error)
                               : COORD_OK;
}

static enum coord_code take_status(const Coord__V1__StatusResponse *from,
                                   struct coord_status **ret_status, struct coord_error *error)
{
    struct status_holder *holder = client_calloc(1, sizeof(*holder));
    if (holder == NULL) {
        return client_error_no_memory(error);
    }
    client_arena_init(&holder->arena, CLIENT_UNPACK_BYTES_MAX);
    enum coord_code code = fill_status(holder, from, error);
    if (code != COORD_OK) {
        coord_status_free(&holder->status);
        return code;
    }
    *ret_status = &holder->status;
    return COORD_OK;
}

enum coord_code client_codec_status_decode(const void *bytes, size_t count,
                                           struct coord_status **ret_status,
                                           struct coord_error *error)
{
    struct client_arena arena;
    enum coord_code code = COORD_OK;
    client_arena_init(&arena, CLIENT_UNPACK_BYTES_MAX);
    const Coord__V1__StatusResponse *message =
        codec_unpack(&arena, &coord__v1__status_response__descriptor, bytes, count, &code, error);
    if (message != NULL) {
        code = take_code(message->code, message->message, error);
        if (code == COORD_OK) {
            code = take_status(message, ret_status, error);
        }
    }
    client_arena_release(&arena);
    return code;
}

/* ---- Sessions ---- */

/* What was allocated for one coord_sessions; it is its first member. */
struct sessions_holder {
    struct coord_sessions sessions;
    struct client_arena arena; /* of all that it points to */
    const void *cursor;
    size_t cursor_bytes;
};

void coord_sessions_free(struct coord_sessions *sessions)
{
    if (sessions != NULL) {
        struct sessions_holder *holder = (struct sessions_holder *)sessions;
        client_arena_release(&holder->arena);
        client_free(holder);
    }
}

enum coord_code client_codec_sessions_encode(uint64_t session_id, uint32_t limit,
                                             const struct coord_sessions *previous,
                                             struct client_bytes *ret_bytes)
{
    Coord__V1__SessionsRequest message = COORD__V1__SESSIONS_REQUEST__INIT;
    message.session_id = session_id;
    message.limit = limit;
    if (previous != NULL) {
        const struct sessions_holder *holder = (const struct sessions_holder *)previous;
        message.cursor = codec_binary(holder->cursor, holder->cursor_bytes);
    }
    return codec_pack(&message.base, 0, ret_bytes);
}

static bool fill_sessions(struct sessions_holder *holder, const Coord__V1__SessionsResponse *from)
{
    struct client_arena *arena = &holder->arena;
    size_t count = from->n_sessions;
    const struct coord_session_info **list =
        client_arena_get_array(arena, count, sizeof(struct coord_session_info *));
    struct coord_session_info *infos = client_arena_get_array(arena, count, sizeof(*infos));
    holder->cursor = client_arena_copy(arena, from->cursor.data, from->cursor.len);
    if (list == NULL || infos == NULL || holder->cursor == NULL) {
        return false;
    }
    holder->cursor_bytes = from->cursor.len;
    for (size_t i = 0; i < count; i++) {
        const Coord__V1__SessionInfo *info = from->sessions[i];
        infos[i] = (struct coord_session_info){
            .session_id = info->session_id,
            .identity = take_text(arena, info->identity),
            .timeout_ms = info->timeout_ms,
            .attach = info->attach,
            .last_seq = info->last_seq,
            .ephemerals = info->ephemerals,
            .kept_reply_bytes = info->kept_reply_bytes,
            .replica_id = info->replica_id,
            .renewed_ms_ago = info->renewed_ms_ago,
        };
        if (infos[i].identity == NULL) {
            return false;
        }
        list[i] = &infos[i];
    }
    holder->sessions = (struct coord_sessions){count, list, from->cursor.len != 0};
    return true;
}

enum coord_code client_codec_sessions_decode(const void *bytes, size_t count,
                                             struct coord_sessions **ret_sessions,
                                             struct coord_error *error)
{
    struct client_arena arena;
    enum coord_code code = COORD_OK;
    client_arena_init(&arena, CLIENT_UNPACK_BYTES_MAX);
    const Coord__V1__SessionsResponse *message =
        codec_unpack(&arena, &coord__v1__sessions_response__descriptor, bytes, count, &code, error);
    if (message != NULL) {
        code = take_code(message->code, message->message, error);
    }
    if (message != NULL && code == COORD_OK) {
        struct sessions_holder *holder = client_calloc(1, sizeof(*holder));
        if (holder != NULL) {
            client_arena_init(&holder->arena, CLIENT_UNPACK_BYTES_MAX);
        }
        if (holder != NULL && fill_sessions(holder, message)) {
            *ret_sessions = &holder->sessions;
        } else {
            coord_sessions_free(holder != NULL ? &holder->sessions : NULL);
            code = client_error_no_memory(error);
        }
    }
    client_arena_release(&arena);
    return code;
}
