#ifndef TESTS_UNIT_FSM_MODEL_H
#define TESTS_UNIT_FSM_MODEL_H

#include "fsm/fsm.h"

/*
 * The naive twin: what the state machine promises, written again over a flat array of nodes with
 * paths as C strings, plain loops and whole copies for rollback. It shares no code with the product
 * but the types of commands and limits.
 */

struct model_node {
    char *path;    /* owned */
    uint8_t *data; /* owned */
    struct fsm_stat stat;
};

struct model_session;
struct model_call;

struct model {
    struct fsm_limits limits;
    struct model_node *nodes; /* in no order */
    size_t count;
    uint64_t zxid;
    uint64_t wall_ms;
    uint64_t elapsed_ms;
    struct fsm_leadership leadership;
    struct model_session *sessions; /* from the oldest to the newest, as all below */
    size_t sessions_count;
    struct model_session *ended;
    size_t ended_count;
    struct model_call *calls;
    size_t calls_count;
};

/* Mirrors struct fsm_outcome; owns its bytes. */
struct model_outcome {
    enum cd_status status;
    bool changed;
    bool found;
    char *path; /* NULL: shows no node */
    struct fsm_stat stat;
    bool shows_data;
    uint8_t *data;
    uint64_t nodes_count;
    uint32_t timeout_ms;
    int64_t value;
    const char *limit_name;
};

struct model_change {
    enum fsm_change_kind kind;
    char *path;
};

struct model_result {
    enum fsm_verdict verdict;
    enum cd_status status;
    bool changed;
    uint64_t session_opened, session_ended;
    bool compares_held;
    uint64_t zxid;
    int64_t failed_index;
    struct model_outcome *outcomes;
    size_t outcomes_count;
    struct model_change *changes;
    size_t changes_count;
};

void model_init(struct model *model, const struct fsm_limits *limits, uint16_t generation);
void model_release(struct model *model);

/* The command must be valid by form, but for TOO_LARGE, TOO_MANY, bad paths and ephemeral nodes
 * without a session. `packed_bytes`: what its reply takes when it is kept, as the machine says. */
void model_apply(struct model *model, const struct fsm_command *command, uint64_t packed_bytes,
                 struct model_result *result);
void model_result_release(struct model_result *result);

const struct model_node *model_find(const struct model *model, const char *path);

/* Names of the children in the order of their bytes; the array and strings are the caller's. */
char **model_children(const struct model *model, const char *path, size_t *ret_count);
void model_children_free(char **names, size_t count);

/* ---- Sessions: model_sessions.c ---- */

struct model_reply {
    uint64_t seq, hash, cost;
    struct model_result result;
};

struct model_session {
    uint64_t id, attach, last_seq, mark, ended_ms;
    uint32_t timeout_ms;
    char who[8];
    struct model_reply *replies;
    size_t replies_count;
};

struct model_call {
    uint8_t key[FSM_CALL_KEY_BYTES];
    char *id;
    uint64_t ms;
    struct model_reply reply;
};

struct model_session *model_session_find(const struct model *model, uint64_t id, bool or_ended);
uint64_t model_ephemerals(const struct model *model, uint64_t id); /* nodes of that session */

void model_age(struct model *model); /* once for each slot */
enum fsm_verdict model_judge(struct model *model, const struct fsm_command *command,
                             struct model_result *result);
void model_keep(struct model *model, const struct fsm_command *command,
                const struct model_result *result, uint64_t packed_bytes);
void model_open(struct model *model, uint64_t id, struct fsm_bytes who, uint32_t timeout_ms);
void model_end(struct model *model, uint64_t id);
void model_sessions_release(struct model *model);

#endif
