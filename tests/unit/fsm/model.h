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

struct model {
    struct fsm_limits limits;
    struct model_node *nodes; /* in no order */
    size_t count;
    uint64_t zxid;
    uint64_t wall_ms;
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
    const char *limit_name;
};

struct model_change {
    enum fsm_change_kind kind;
    char *path;
};

struct model_result {
    enum cd_status status;
    bool changed;
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

/* The command must be valid by form, but for TOO_LARGE, TOO_MANY and bad paths. */
void model_apply(struct model *model, const struct fsm_command *command,
                 struct model_result *result);
void model_result_release(struct model_result *result);

const struct model_node *model_find(const struct model *model, const char *path);

/* Names of the children in the order of their bytes; the array and strings are the caller's. */
char **model_children(const struct model *model, const char *path, size_t *ret_count);
void model_children_free(char **names, size_t count);

#endif
