#ifndef COORD_TESTS_SIMULATION_CHECKERS_MODEL_H
#define COORD_TESTS_SIMULATION_CHECKERS_MODEL_H

#include "checkers/verdict.h"

#include <stdint.h>

/*
 * What a tree of nodes does, in as few obvious lines as it takes: the twin against which histories
 * are judged. Codes are the contract's numbers (coord.v1.Code). Data is a number that tells writes
 * apart.
 */

enum {
    MODEL_PATH_BYTES = 80, /* with the NUL */
    MODEL_STEPS_MAX = 4,
    MODEL_GENERATION_SHIFT = 48,
};

enum model_code {
    MODEL_OK = 0,
    MODEL_NO_NODE = 2,
    MODEL_NODE_EXISTS = 3,
    MODEL_NO_PARENT = 4,
    MODEL_NOT_EMPTY = 5,
    MODEL_BAD_VERSION = 6,
    MODEL_COMPARE_FAILED = 8,
};

enum model_kind {
    MODEL_CREATE = 1,
    MODEL_SET,
    MODEL_DELETE,
    MODEL_GET,
    MODEL_EXISTS,
    MODEL_CHILDREN,
    MODEL_TXN,
};

#define MODEL_ANY_VERSION (-1)

struct model_step {
    enum model_kind kind;
    char path[MODEL_PATH_BYTES];
    uint64_t value;  /* CREATE, SET */
    int64_t version; /* SET, DELETE: the one that must be met */
    bool sequential; /* CREATE */
    bool if_absent;  /* CREATE */
    bool if_present; /* DELETE */
};

enum model_target {
    MODEL_COMPARE_EXISTS = 1,
    MODEL_COMPARE_VERSION,
};

struct model_compare {
    enum model_target target;
    char path[MODEL_PATH_BYTES];
    int64_t number; /* EXISTS: 1 or 0 */
};

/* A TXN has its steps in then_steps and else_steps, everything else one then-step. */
struct model_command {
    bool is_txn;
    struct model_compare compare; /* target 0: none */
    struct model_step then_steps[MODEL_STEPS_MAX];
    size_t then_count;
    struct model_step else_steps[MODEL_STEPS_MAX];
    size_t else_count;
};

/* What the command, or the last step of a transaction, shows. */
struct model_result {
    int code;
    bool changed;
    bool succeeded;              /* TXN: the compare held */
    bool exists;                 /* EXISTS */
    uint64_t zxid;               /* its own if changed, else that of the state it was judged by */
    char path[MODEL_PATH_BYTES]; /* CREATE */
    uint64_t value;              /* GET */
    uint64_t czxid, mzxid;       /* CREATE, SET, GET, EXISTS */
    int64_t version;
    uint64_t children;      /* CHILDREN: how many */
    uint64_t children_hash; /* of their names, as model_hash_name makes it */
};

/* Order matters; begin with 0. */
uint64_t model_hash_name(uint64_t hash, const char *name, size_t bytes);

struct model;

struct model *model_create(uint64_t generation);
void model_free(struct model *model);
uint64_t model_zxid(const struct model *model);

/* Carries it out. */
struct model_result model_apply(struct model *model, const struct model_command *command);

/* What it would do, leaving the model as it is. */
struct model_result model_try(struct model *model, const struct model_command *command);

#endif
