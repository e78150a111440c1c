#include "model.h"

#include "base/memory.h"

#include <string.h>

/* The sessions of the naive twin: arrays, searched from the front, from which things are cut. */

#define ENDED_AND_CALLS_FORGOTTEN_PER_SLOT 256

/* ---- Copies ---- */

static uint8_t *copy_of(const void *from, size_t bytes)
{
    uint8_t *copy = cd_malloc(bytes);
    if (bytes != 0) {
        memcpy(copy, from, bytes);
    }
    return copy;
}

/* Without the changes, which are nobody's business later. */
static struct model_result result_copy(const struct model_result *from)
{
    struct model_result copy = *from;
    copy.changes = NULL;
    copy.changes_count = 0;
    copy.outcomes = cd_calloc(from->outcomes_count, sizeof(*copy.outcomes));
    for (size_t i = 0; i < from->outcomes_count; i++) {
        copy.outcomes[i] = from->outcomes[i];
        if (from->outcomes[i].path != NULL) {
            copy.outcomes[i].path = cd_strdup(from->outcomes[i].path);
        }
        if (from->outcomes[i].data != NULL) {
            copy.outcomes[i].data =
                copy_of(from->outcomes[i].data, from->outcomes[i].stat.data_bytes);
        }
    }
    return copy;
}

/* ---- Arrays ---- */

static void reply_release(struct model_reply *reply)
{
    model_result_release(&reply->result);
}

static void session_release(struct model_session *session)
{
    for (size_t i = 0; i < session->replies_count; i++) {
        reply_release(&session->replies[i]);
    }
    cd_free(session->replies);
}

static void cut_session(struct model_session *array, size_t *count, size_t at)
{
    (*count)--;
    memmove(array + at, array + at + 1, (*count - at) * sizeof(*array));
}

static void forget_ended(struct model *model)
{
    session_release(&model->ended[0]);
    cut_session(model->ended, &model->ended_count, 0);
}

static void forget_call(struct model *model)
{
    cd_free(model->calls[0].id);
    reply_release(&model->calls[0].reply);
    model->calls_count--;
    memmove(model->calls, model->calls + 1, model->calls_count * sizeof(*model->calls));
}

void model_sessions_release(struct model *model)
{
    while (model->ended_count > 0) {
        forget_ended(model);
    }
    while (model->calls_count > 0) {
        forget_call(model);
    }
    for (size_t i = 0; i < model->sessions_count; i++) {
        session_release(&model->sessions[i]);
    }
    cd_free(model->sessions);
    cd_free(model->ended);
    cd_free(model->calls);
}

struct model_session *model_session_find(const struct model *model, uint64_t id, bool or_ended)
{
    for (size_t i = 0; i < model->sessions_count; i++) {
        if (model->sessions[i].id == id) {
            return &model->sessions[i];
        }
    }
    for (size_t i = 0; or_ended && i < model->ended_count; i++) {
        if (model->ended[i].id == id) {
            return &model->ended[i];
        }
    }
    return NULL;
}

uint64_t model_ephemerals(const struct model *model, uint64_t id)
{
    uint64_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        count += model->nodes[i].stat.owner == id;
    }
    return count;
}

static uint64_t bytes_of(const struct model_session *session)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < session->replies_count; i++) {
        bytes += session->replies[i].cost;
    }
    return bytes;
}

static uint64_t all_bytes(const struct model *model)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->sessions_count; i++) {
        bytes += bytes_of(&model->sessions[i]);
    }
    for (size_t i = 0; i < model->ended_count; i++) {
        bytes += bytes_of(&model->ended[i]);
    }
    for (size_t i = 0; i < model->calls_count; i++) {
        bytes += model->calls[i].reply.cost;
    }
    return bytes;
}

/* ---- Judging ---- */

void model_age(struct model *model)
{
    int left = ENDED_AND_CALLS_FORGOTTEN_PER_SLOT;
    while (left > 0 && model->ended_count > 0 &&
           model->ended[0].ended_ms + model->limits.tombstone_ms <= model->elapsed_ms) {
        forget_ended(model);
        left--;
    }
    while (left > 0 && model->calls_count > 0 &&
           model->calls[0].ms + model->limits.call_key_ms <= model->elapsed_ms) {
        forget_call(model);
        left--;
    }
}

static bool has_room(struct model *model)
{
    while (all_bytes(model) >= model->limits.state_reply_bytes) {
        if (model->ended_count == 0 && model->calls_count == 0) {
            return false;
        }
        if (model->calls_count == 0 ||
            (model->ended_count > 0 && model->ended[0].ended_ms <= model->calls[0].ms)) {
            forget_ended(model);
        } else {
            forget_call(model);
        }
    }
    return true;
}

static void forget_replies(struct model_session *session, uint64_t mark)
{
    while (session->replies_count > 0 && session->replies[0].seq <= mark) {
        reply_release(&session->replies[0]);
        session->replies_count--;
        memmove(session->replies, session->replies + 1,
                session->replies_count * sizeof(*session->replies));
        session->mark++;
    }
}

static enum fsm_verdict judge_session(struct model *model, const struct fsm_command *command,
                                      struct model_result *result)
{
    struct model_session *session = model_session_find(model, command->session, false);
    if (session == NULL) {
        return FSM_NO_SESSION;
    }
    if (command->op.kind == FSM_OP_ATTACH_SESSION) {
        return FSM_TAKEN;
    }
    if (command->attach < session->attach) {
        return FSM_MOVED;
    }
    session->attach = command->attach;
    forget_replies(session, command->reply_mark);
    if (command->seq <= session->mark) {
        return FSM_FORGOTTEN;
    }
    for (size_t i = 0; i < session->replies_count; i++) {
        const struct model_reply *reply = &session->replies[i];
        if (reply->seq == command->seq && reply->hash == command->request_hash) {
            *result = result_copy(&reply->result);
            return FSM_REPLAYED;
        }
        if (reply->seq == command->seq) {
            return FSM_CONFLICT;
        }
    }
    if (command->seq != session->last_seq + 1) {
        return FSM_EARLY;
    }
    if (session->replies_count >= model->limits.unacked_writes ||
        bytes_of(session) >= model->limits.kept_reply_bytes || !has_room(model)) {
        return FSM_WINDOW;
    }
    return FSM_TAKEN;
}

static enum fsm_verdict judge_call(struct model *model, const struct fsm_command *command,
                                   struct model_result *result)
{
    for (size_t i = 0; i < model->calls_count; i++) {
        const struct model_call *call = &model->calls[i];
        if (memcmp(call->key, command->key, sizeof(call->key)) != 0) {
            continue;
        }
        if (call->reply.hash != command->request_hash ||
            strlen(call->id) != command->who.id.bytes ||
            memcmp(call->id, command->who.id.data, command->who.id.bytes) != 0) {
            return FSM_CONFLICT;
        }
        *result = result_copy(&call->reply.result);
        return FSM_REPLAYED;
    }
    return has_room(model) ? FSM_TAKEN : FSM_WINDOW;
}

enum fsm_verdict model_judge(struct model *model, const struct fsm_command *command,
                             struct model_result *result)
{
    if (command->session != 0) {
        return judge_session(model, command, result);
    }
    return command->has_key ? judge_call(model, command, result) : FSM_TAKEN;
}

/* ---- Keeping ---- */

void model_keep(struct model *model, const struct fsm_command *command,
                const struct model_result *result, uint64_t packed_bytes)
{
    struct model_reply reply = {.seq = command->seq,
                                .hash = command->request_hash,
                                .cost = packed_bytes + 64,
                                .result = {0}};
    if (command->session != 0 && command->op.kind != FSM_OP_ATTACH_SESSION) {
        struct model_session *session = model_session_find(model, command->session, false);
        reply.result = result_copy(result);
        session->last_seq++;
        session->replies =
            cd_realloc(session->replies, (session->replies_count + 1) * sizeof(*session->replies));
        session->replies[session->replies_count++] = reply;
    } else if (command->session == 0 && command->has_key) {
        struct model_call call = {.ms = model->elapsed_ms, .reply = reply};
        call.reply.result = result_copy(result);
        call.reply.cost += command->who.id.bytes;
        call.id = cd_strndup((const char *)command->who.id.data, command->who.id.bytes);
        memcpy(call.key, command->key, sizeof(call.key));
        model->calls = cd_realloc(model->calls, (model->calls_count + 1) * sizeof(*model->calls));
        model->calls[model->calls_count++] = call;
        if (model->calls_count > model->limits.call_keys) {
            forget_call(model);
        }
    }
}

void model_open(struct model *model, uint64_t id, struct fsm_bytes who, uint32_t timeout_ms)
{
    model->sessions =
        cd_realloc(model->sessions, (model->sessions_count + 1) * sizeof(*model->sessions));
    model->sessions[model->sessions_count++] =
        (struct model_session){.id = id, .timeout_ms = timeout_ms};
    memcpy(model->sessions[model->sessions_count - 1].who, who.data, who.bytes);
}

void model_end(struct model *model, uint64_t id)
{
    struct model_session *session = model_session_find(model, id, false);
    struct model_session ended = *session;
    cut_session(model->sessions, &model->sessions_count, (size_t)(session - model->sessions));
    ended.ended_ms = model->elapsed_ms;
    model->ended = cd_realloc(model->ended, (model->ended_count + 1) * sizeof(*model->ended));
    model->ended[model->ended_count++] = ended;
    if (model->ended_count > model->limits.tombstones) {
        forget_ended(model);
    }
}
